"""An Excel workbook, sheet by sheet, read in a stream behind the guard."""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, Final

from twinmatch.errors import DataError, Problem, Where
from twinmatch.reading.grid import MOST_COLUMNS, MOST_ROWS, Grid, Percent, Row, refuse_many
from twinmatch.reading.guard import STRICT, SheetScan, column_number, measured

_MOST_FILLED = 200_000


def workbook_grids(path: Path, encoding: str | None = None) -> list[Grid]:
    """Return the sheets of a workbook; merged cells hold their value throughout, which is told.

    Raises DataError where the file is no workbook, or larger than a list of cities can be. Formulas are
    never computed: the result that was saved is read, and a formula saved without one is an error.
    """
    _refuse_old(path)
    parts = measured(path)
    import openpyxl

    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # openpyxl warns of drop-downs and styles that it passes over
        try:
            with _transitional(path) as file:  # openpyxl leaves open what it cannot read
                book = openpyxl.load_workbook(
                    file, read_only=True, data_only=True, keep_links=False
                )
                try:
                    return _grids(book, path.name, parts)
                finally:
                    book.close()
        except DataError:
            raise
        except Exception as error:  # openpyxl raises whatever the damage causes
            said = _first_line(error).replace(str(path), path.name)  # no folder of the machine
            found = f"Not readable as a workbook: {said}."
            raise DataError(Problem("not-a-workbook", found, Where(path.name))) from error


def _refuse_old(path: Path) -> None:
    """Raise DataError where a file is no zip but an old or locked document of Excel under a new ending."""
    with path.open("rb") as file:
        if file.read(8) == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
            found = "The file is an old .xls workbook, or one with a password; neither is read."
            raise DataError(
                Problem(
                    "not-a-workbook",
                    found,
                    Where(path.name),
                    "Save it as .xlsx without a password.",
                )
            )


_STRICT: Final = (
    (STRICT, b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"),
    (
        b"http://purl.oclc.org/ooxml/officeDocument/relationships",
        b"http://schemas.openxmlformats.org/officeDocument/2006/relationships",
    ),
)
"""Names of strict Open XML (ISO/IEC 29500) and those of the transitional form, which openpyxl reads."""


def _transitional(path: Path) -> IO[bytes]:
    """Return a workbook open for reading; one in strict Open XML as its transitional twin, in memory."""
    with zipfile.ZipFile(path) as archive:
        if "xl/workbook.xml" not in archive.namelist() or STRICT not in archive.read(
            "xl/workbook.xml"
        ):
            return path.open("rb")
        twin = io.BytesIO()
        with zipfile.ZipFile(twin, "w", zipfile.ZIP_DEFLATED) as out:
            for name in archive.namelist():
                content = archive.read(name)
                for strict, plain in _STRICT:
                    content = content.replace(strict, plain)
                out.writestr(name, content)
    twin.seek(0)
    return twin


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")


def _grids(book: Any, file: str, parts: dict[str, SheetScan]) -> list[Grid]:
    active = book.active.title if book.active is not None else ""
    has_percent = any(f is not None and "%" in f for f in _formats(book))
    grids: list[Grid] = []
    rows = 0
    for sheet in book.worksheets:
        grid = _grid(sheet, file, parts, has_percent=has_percent)
        hidden = sheet.sheet_state != "visible"
        grids.append(
            replace(grid, is_hidden=hidden, is_active=sheet.title == active and not hidden)
        )
        rows += len(grid.rows)
        refuse_many(rows, file)
    return grids


def _formats(book: Any) -> list[str | None]:
    from openpyxl.styles.numbers import BUILTIN_FORMATS

    custom = list(book._number_formats)
    ids = {style.numFmtId for style in book._cell_styles}
    return [
        BUILTIN_FORMATS.get(i) or (custom[i - 164] if 0 <= i - 164 < len(custom) else None)
        for i in ids
    ]


def _values(cells: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the values of a row, those shown as percentages marked."""
    return tuple(
        Percent(c.value)
        if isinstance(c.value, int | float)
        and not isinstance(c.value, bool)
        and "%" in c.number_format
        else c.value
        for c in cells
    )


def _grid(sheet: Any, file: str, parts: dict[str, SheetScan], *, has_percent: bool) -> Grid:
    part = parts.get(str(sheet._worksheet_path).lstrip("/"), SheetScan())
    sheet.reset_dimensions()
    rows = sheet.iter_rows(max_row=MOST_ROWS, max_col=MOST_COLUMNS, values_only=not has_percent)
    read = map(_values, rows) if has_percent else map(tuple, rows)
    numbered: list[Row] = list(enumerate(read, start=1))
    problems = [
        Problem(
            "formula-without-result",
            f"The formula in {ref} was saved without its result.",
            Where(file, sheet.title, _row(ref)),
            "Open and save the workbook in a spreadsheet program, or paste the values.",
        )
        for ref in sorted(part.formulas, key=lambda ref: (_row(ref), ref))
    ]
    if part.hidden_rows and (
        shown := sorted(part.hidden_rows & {n for n, c in numbered if any(c)})
    ):
        why = "hidden by a filter or by hand" if part.is_filtered else "hidden"
        rows_ = ", ".join(map(str, shown[:10])) + (" ..." if len(shown) > 10 else "")
        found = f"{len(shown)} rows are {why} and are read like the others: {rows_}."
        do = "Delete them if they are not meant."
        problems.append(
            Problem("hidden-rows", found, Where(file, sheet.title, shown[0]), do, "warning")
        )
    if part.merged:
        numbered = _unmerged(numbered, part.merged)
        found = f"{len(part.merged)} merged ranges: each of their cells is read as holding the merged value."
        problems.append(Problem("merged-cells", found, Where(file, sheet.title), level="note"))
    return Grid(file, sheet.title, tuple(numbered), tuple(problems))


def _row(ref: str) -> int:
    return int(re.sub(r"\D", "", ref.partition(":")[0]))


def _unmerged(rows: list[Row], merged: set[str]) -> list[Row]:
    """Fill merged ranges with their value, down to the last row that holds anything."""
    cells = [list(values) for _, values in rows]
    filled = 0
    for ref in sorted(merged):
        first, _, last = ref.partition(":")
        left, right = (column_number(re.sub(r"\d", "", end)) - 1 for end in (first, last))
        top, bottom = _row(first) - 1, min(_row(last), len(cells))
        if top >= len(cells) or left >= len(cells[top]) or cells[top][left] is None:
            continue
        filled += (bottom - top) * (right - left + 1)
        if filled > _MOST_FILLED:
            break  # a sheet merged all over is a picture, not a table
        for row in range(top, bottom):
            end = min(right + 1, len(cells[row]))
            cells[row][left:end] = [cells[top][left]] * (end - left)
    return [(number, tuple(row)) for (number, _), row in zip(rows, cells, strict=True)]
