"""Work on files that others made, in processes of its own with little memory and time, and in folders that nobody finds.

A file can be made to harm its reader. What happens to it happens to a process that holds no key, no store and
no other request; it may not do more than it should, and a few at a time are all there are.

The owner of a folder holds a lock on it that the system lets go when the process dies; a folder without an owner is
removed by the next sweep: at the start of a service, after a job has ended, and with what is purged.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from math import isfinite
from multiprocessing import get_all_start_methods, get_context
from pathlib import Path
from typing import Any, Final

import orjson
from filelock import FileLock, Timeout

from twinmatch.errors import Problem, QuestionError, TwinmatchError
from twinmatch.proposal.wire import packed, unpacked
from twinmatch.reading import Mapping, read_grids
from twinmatch.reading.grid import text
from twinmatch.reading.headers import find_header
from twinmatch.reading.personal_data import redact
from twinmatch.vocabulary.taxonomy import plain as letters
from twinmatch.wording import say

# --- processes ---

_LONGEST: Final = 64
"""Bytes of a temporary folder's name: Python adds up to 36, and systems take 104 (macOS) or 108 (Linux)."""

_COPIES: Final = (
    "forkserver" in get_all_start_methods() and len(os.fsencode(tempfile.gettempdir())) <= _LONGEST
)

PROCESSES: Final[Any] = get_context("forkserver" if _COPIES else "spawn")
"""The context in which processes are made."""


PRELOADED: Final[list[str]] = [
    "twinmatch.web.intake_pages",
    "twinmatch.web.jobs",
    "twinmatch.web.proposals",
]
"""What processes need."""


def warm() -> None:
    """Begin to load what processes need; nothing is waited for."""
    if _COPIES:
        from multiprocessing.forkserver import ensure_running

        PROCESSES.set_forkserver_preload(PRELOADED)
        ensure_running()


SECONDS: Final = 60
"""Processor time of the process that reads."""

PATIENCE: Final = 10
"""Seconds beyond that for which it is waited for, on a machine that does other things too."""

MEMORY: Final = 3 * 2**30
"""Address space of the process that reads: the libraries alone reserve a part of it."""

AT_ONCE: Final = 2
"""Such processes at one time; who comes later waits for a turn."""

_TURN = threading.BoundedSemaphore(AT_ONCE)


def sandboxed(
    work: Callable[..., bytes], *given: Any, seconds: float = SECONDS, patience: float = PATIENCE
) -> bytes:
    """Return what work returns, done by a process with limits; nothing where it did not end well in time."""
    warm()
    with _TURN:
        ours, theirs = PROCESSES.Pipe(duplex=False)
        process = PROCESSES.Process(target=_limited, args=(theirs, work, given), daemon=True)
        process.start()
        theirs.close()
        try:
            return ours.recv_bytes() if ours.poll(seconds + patience) else b""
        except (EOFError, OSError):
            return b""
        finally:
            ours.close()
            process.join(1)
            if process.is_alive():
                process.kill()
                process.join(5)


def _limited(out: Any, work: Callable[..., bytes], given: tuple[Any, ...]) -> None:
    limit()
    out.send_bytes(work(*given))


def limit() -> None:
    """Take little memory and time from now on, and leave no core dump."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    except (ImportError, ValueError):
        pass  # a system without such limits still has the time limit of the process that waits


# --- folders ---

PREFIX: Final = "twinmatch-scratch-"

_LOCK: Final = "owner.lock"

_YOUNG: Final = 60.0
"""Seconds for which a folder without a lock may be one that is being made."""


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a new folder that nobody else may read, removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:
        with FileLock(folder / _LOCK):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def put_table(folder: Path, name: str, content: bytes, mapping: str = "") -> Path:
    """Return the path of a table in a folder, with the mapping file beside it by which it is read, where there is one."""
    path = folder / f"table{Path(name).suffix.lower()}"
    path.write_bytes(content)
    if mapping:
        path.with_name(f"{path.stem}.mapping.toml").write_text(mapping, "utf-8")
    return path


def sweep() -> int:
    """Remove the folders whose owners have died, and return how many they were."""
    removed = 0
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError, Timeout):
            is_new = time.time() - folder.stat().st_mtime < _YOUNG
            if folder.is_symlink() or (is_new and not (folder / _LOCK).exists()):
                continue
            if hasattr(os, "geteuid") and folder.stat().st_uid != os.geteuid():
                continue
            with FileLock(folder / _LOCK, timeout=0):
                shutil.rmtree(folder, ignore_errors=True)
                removed += 1
    return removed


# --- tables ---

Tables = list[tuple[str, list[tuple[int, list[Any]]]]]
"""Sheets of numbered rows, as they are written again."""

Found = dict[str, Any]
"""What a cell holds of a person: sheet, row, column, what it is, and the text itself."""

_DONE: Final = b"+"
_NOT_IN_NAMES: Final = re.compile(r"[\[\]:*?/\\]")


TOO_HEAVY: Final = Problem(
    "too-heavy",
    say("The file could not be read within the memory and time that a table may take."),
    do=say("Hand in fewer rows, or propose on the command line, which has no such limit."),
)


def changed(name: str, content: bytes, change: Callable[..., bytes], *given: Any) -> bytes:
    """Return what a change of a table returns, made in a process with limits; raises what the change raises."""
    with scratch() as folder:
        told = sandboxed(_told, str(put_table(folder, name, content)), change, given)
    if told[:1] == _DONE:
        return told[1:]
    if not told:
        raise QuestionError(TOO_HEAVY)
    problems = unpacked(orjson.loads(told))
    raise QuestionError(Problem.from_plain({**p, "file": name}) for p in problems)


def _told(path: str, change: Callable[..., bytes], given: tuple[Any, ...]) -> bytes:
    try:
        return _DONE + change(Path(path), *given)
    except TwinmatchError as error:
        return orjson.dumps(packed([p.plain() for p in error.problems]))


def with_cell(path: Path, cell: tuple[str, int, str], value: str) -> bytes:
    """Return a table with one cell rewritten, as a workbook of the same sheets and rows."""
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
        found = say("There is no cell {column} in row {row}.", column=repr(column), row=row)
        raise QuestionError.of("not-found", found)
    return _workbook(tables)


# --- persons --------------------------------------------------------------------------------------------------


def persons(path: Path, city: list[str]) -> bytes:
    """Return as JSON what a table may hold of the persons of a city, known by its names."""
    return orjson.dumps([found for found, _, _ in _persons(read_grids(path), city)])


def without_persons(path: Path, city: list[str]) -> bytes:
    """Return a table without what it may hold of the persons of a city; nothing where it holds nothing.

    It is a workbook of the same sheets and rows. Notes in the margin and properties of the file are not in it.
    """
    grids = read_grids(path)
    tables: Tables = [(g.sheet, [(n, list(cells)) for n, cells in g.rows]) for g in grids]
    rows = {(sheet, n): cells for sheet, lines in tables for n, cells in lines}
    changes = list(_persons(grids, city))
    for found, at, whole in changes:
        cells = rows[found["sheet"], found["row"]]
        cells[at] = None if whole else redact(str(cells[at]))[0]
    return _workbook(tables) if changes else b""


def _persons(grids: Any, city: list[str]) -> Iterator[tuple[Found, int, bool]]:
    """Yield each cell of a city's rows that may hold a person, its column, and whether all of it has to go.

    That is every cell of a column that is not read, contacts or not, and what looks like personal data elsewhere.
    """
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
            names = (told[k] for k in named or range(len(told)) if k < len(told))
            if not any(letters(name.replace("-", " ")) in wanted for name in names):
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
    options = dict.fromkeys(("strings_to_formulas", "strings_to_urls"), False)
    options |= {"in_memory": True, "nan_inf_to_errors": True}
    with xlsxwriter.Workbook(out, options) as book:
        names: set[str] = set()
        for name, rows in tables:
            sheet = book.add_worksheet(_sheet_name(name, names))
            for row, cells in rows:
                for column, value in enumerate(cells):
                    is_plain = isinstance(value, bool | int | float | str | None)
                    sheet.write(row - 1, column, value if is_plain else str(value))
    return out.getvalue()
