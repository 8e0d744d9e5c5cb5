"""Tables that were handed in: one cell written anew, what they hold of a city's persons, and the same without it.

All of it is done to files that others made, so it happens in a process with limits (``sandboxed``).
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from itertools import count
from math import isfinite
from pathlib import Path
from typing import Any, Final

import orjson

from twinmatch.errors import Problem, QuestionError, TwinmatchError
from twinmatch.web.sandbox import sandboxed
from twinmatch.web.scratch import scratch

Tables = list[tuple[str, list[tuple[int, list[Any]]]]]
"""Sheets of numbered rows, as they are written again."""

Found = dict[str, Any]
"""What a cell holds of a person: sheet, row, column, what it is, and the text itself."""

_DONE: Final = b"+"
_NOT_IN_NAMES: Final = re.compile(r"[\[\]:*?/\\]")


def changed(name: str, content: bytes, change: Callable[..., bytes], *given: Any) -> bytes:
    """Return what a change of a table returns, made in a process with limits; raises what the change raises."""
    with scratch() as folder:
        path = folder / f"table{Path(name).suffix.lower()}"
        path.write_bytes(content)
        told = sandboxed(_told, str(path), change, given)
    if told[:1] == _DONE:
        return told[1:]
    if not told:
        found = "The file could not be read within the memory and time that a table may take."
        raise QuestionError(Problem("too-heavy", found))
    raise QuestionError(Problem.from_plain({**p, "file": name}) for p in orjson.loads(told))


def _told(path: str, change: Callable[..., bytes], given: tuple[Any, ...]) -> bytes:
    try:
        return _DONE + change(Path(path), *given)
    except TwinmatchError as error:
        return orjson.dumps([p.plain() for p in error.problems])


def with_cell(path: Path, cell: tuple[str, int, str], value: str) -> bytes:
    """Return a table with one cell written anew, as a workbook of the same sheets and rows."""
    from twinmatch.reading import read_grids
    from twinmatch.reading.grid import text

    sheet, row, column = cell
    tables: Tables = []
    done = False
    for grid in read_grids(path):
        rows = [(n, list(cells)) for n, cells in grid.rows]
        if grid.sheet == sheet:
            names = next(
                (
                    [text(c) for c in cells]
                    for n, cells in rows
                    if n < row and column in {text(c) for c in cells}
                ),
                [],
            )
            for n, cells in rows:
                if n == row and column in names:
                    at = names.index(column)
                    cells += [None] * (at + 1 - len(cells))
                    cells[at], done = _typed(value), True
        tables.append((grid.sheet, rows))
    if not done:
        raise QuestionError(Problem("not-found", f"There is no cell {column!r} in row {row}."))
    return _workbook(tables)


# --- persons --------------------------------------------------------------------------------------------------


def persons(path: Path, city: list[str]) -> bytes:
    """Return as JSON what a table may hold of the persons of a city, known by its names."""
    return orjson.dumps([found for found, _, _ in _persons(_read(path), city)])


def without_persons(path: Path, city: list[str]) -> bytes:
    """Return a table without what it may hold of the persons of a city; nothing where it holds nothing.

    It is a workbook of the same sheets and rows. Notes in the margin and properties of the file are not in it.
    """
    from twinmatch.reading.personal_data import redact

    grids = _read(path)
    tables: Tables = [(g.sheet, [(n, list(cells)) for n, cells in g.rows]) for g in grids]
    rows = {(sheet, n): cells for sheet, lines in tables for n, cells in lines}
    changes = list(_persons(grids, city))
    for found, at, whole in changes:
        cells = rows[found["sheet"], found["row"]]
        cells[at] = None if whole else redact(str(cells[at]))[0]
    return _workbook(tables) if changes else b""


def _read(path: Path) -> Any:
    from twinmatch.reading import read_grids

    return read_grids(path)


def _persons(grids: Any, city: list[str]) -> Iterator[tuple[Found, int, bool]]:
    """Yield each cell of a city's rows that may hold a person, its column, and whether all of it has to go.

    That is every cell of a column that is not read, contacts or not, and what looks like personal data elsewhere.
    """
    from twinmatch.reading import Mapping
    from twinmatch.reading.grid import text
    from twinmatch.reading.headers import find_header
    from twinmatch.reading.personal_data import redact
    from twinmatch.vocabulary.taxonomy import plain as letters

    wanted = {letters(name.replace("-", " ")) for name in city}
    # A table without ids makes one of country and name: the name is what comes after the country.
    wanted |= {letters(name[3:].replace("-", " ")) for name in city if name[2:3] == "-"}
    for grid in grids:
        header = find_header(grid, Mapping())
        fields = [t.field if t else "" for t in header.targets]
        named = {k for k, field in enumerate(fields) if field in {"id", "name", "local_name"}}
        for row, cells in grid.rows:
            if row <= header.row:
                continue
            told = [text(c) for c in cells]
            places = named or range(len(told))
            if not any(
                letters(told[k].replace("-", " ")) in wanted for k in places if k < len(told)
            ):
                continue
            for k, cell in enumerate(told):
                field = fields[k] if k < len(fields) else ""
                kinds = redact(cell)[1]
                if not cell or k in named or (field and not kinds):
                    continue
                what = ", ".join(sorted(kinds)) if field else "column that is not read"
                name = header.names[k] if k < len(header.names) else ""
                place = {"sheet": grid.sheet, "row": row, "column": name or f"column {k + 1}"}
                yield {**place, "what": what, "text": cell}, k, not field


def _typed(value: str) -> Any:
    """Return a number where one was typed just as it is written again, else the text."""
    try:
        number = float(value)
    except ValueError:
        return value
    return number if isfinite(number) and f"{number:.15g}" == value.strip() else value


def _sheet_name(name: str, taken: set[str]) -> str:
    """Return a name as near as a workbook admits, and take it: 31 characters, some not, no name twice."""
    for n in count(1):
        end = "" if n == 1 else f" ({n})"
        cut = _NOT_IN_NAMES.sub(" ", name).encode("utf-16-le")[: 2 * (31 - len(end))]
        found = (cut.decode("utf-16-le", "ignore").strip("' ") or "Sheet") + end
        if found.lower() not in taken:
            break
    taken.add(found.lower())
    return found


def _workbook(tables: list[tuple[str, list[tuple[int, list[Any]]]]]) -> bytes:
    import xlsxwriter

    out = io.BytesIO()
    options = {
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "in_memory": True,
        "nan_inf_to_errors": True,
    }
    with xlsxwriter.Workbook(out, options) as book:
        names: set[str] = set()
        for name, rows in tables:
            sheet = book.add_worksheet(_sheet_name(name, names))
            for row, cells in rows:
                for column, value in enumerate(cells):
                    if value is None:
                        continue
                    if isinstance(value, bool | int | float | str):
                        sheet.write(row - 1, column, value)
                    else:
                        sheet.write_string(row - 1, column, str(value))
    return out.getvalue()
