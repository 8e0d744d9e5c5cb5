"""Refuse what no list of cities can be, before any of it is unpacked into memory.

A workbook is a zip of XML that a few bytes can make enormous: every part is unpacked in pieces and counted
first. On the way the guard notes what a table reader has to know and openpyxl does not tell in its streaming
mode: cells beyond the caps, merged cells, and formulas that were saved without their result.

An Excel workbook, sheet by sheet, read in a stream behind the guard.
"""

from __future__ import annotations

import io
import lzma
import re
import warnings
import zipfile
import zlib
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, Final

from twinmatch.errors import DataError, Problem, Where
from twinmatch.reading.grid import (
    MOST_COLUMNS,
    MOST_ROWS,
    Grid,
    Percent,
    Row,
    refuse_large,
    refuse_many,
    refuse_old,
)
from twinmatch.wording import say

MOST_MEMBERS = 1_000
MOST_UNPACKED = 100 * 1024 * 1024
MOST_MERGED = 10_000

NO_ZIP = (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError)
_OVERLAP = 16_384
# No attribute holds a "<" (but it may hold a ">"): a part made to hold these patterns up is passed over in one go.
_CELL = re.compile(rb'<(?:\w+:)?c\s[^<]*?r="([A-Z]{1,3})([0-9]{1,7})"')
_MERGED = re.compile(
    rb'<(?:\w+:)?mergeCell\s[^<]*?ref="([A-Z]{1,3}[0-9]{1,7}:[A-Z]{1,3}[0-9]{1,7})"'
)
_EMPTY_FORMULA = re.compile(
    rb'<(?:\w+:)?c\s[^<>]{0,200}?r="([A-Z]{1,3}[0-9]{1,7})"[^<>]*+>\s*+<(?:\w+:)?f(?:\s[^<>]*)?'
    rb"(?:/>|>[^<]{0,8192}</(?:\w+:)?f>)\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
_HIDDEN_ROW = re.compile(
    rb'<(?:\w+:)?row\s(?=[^<>]*?\bhidden="(?:1|true)")[^<>]*?\br="([0-9]{1,7})"'
)
_FILTER = re.compile(rb"<(?:\w+:)?autoFilter\b")
STRICT = b"http://purl.oclc.org/ooxml/spreadsheetml/main"
_DOCTYPE = re.compile(rb"<!(DOCTYPE|ENTITY)", re.IGNORECASE)


@dataclass
class SheetScan:
    """What the guard saw in one sheet: merged ranges, hidden rows, and cells whose formula has no result."""

    merged: set[str] = field(default_factory=set)
    formulas: set[str] = field(default_factory=set)
    hidden_rows: set[int] = field(default_factory=set)
    is_filtered: bool = False


def measured(path: Path) -> dict[str, SheetScan]:
    """Return what stands in each worksheet part of a workbook that is safe to open.

    Raises DataError where it is no zip, damaged, holds a macro or a document type, or is larger than a list
    of cities can be: more than 20 MB, 1,000 parts, 100 MB unpacked, 20,000 rows or 300 columns.
    """
    where = Where(path.name)
    refuse_large(path.stat().st_size, path.name)
    with path.open("rb") as file:  # what opens and cannot be read on is damaged
        try:
            with zipfile.ZipFile(file) as archive:
                return _all_parts(archive, where)
        except NO_ZIP as error:
            found = say("Not readable as a workbook: {error}.", error=error)
            raise DataError.of("not-a-workbook", found, where, say("Save it as .xlsx.")) from error
        except (zlib.error, lzma.LZMAError, OSError) as error:
            found = say("The workbook is damaged: {error}.", error=error)
            raise DataError.of("not-a-workbook", found, where) from error


def _all_parts(archive: zipfile.ZipFile, where: Where) -> dict[str, SheetScan]:
    members = archive.infolist()
    if len(members) > MOST_MEMBERS:
        says = "The workbook has {n:,} parts; at most {MOST_MEMBERS:,} are read."
        found = say(says, n=len(members), MOST_MEMBERS=MOST_MEMBERS)
        raise DataError.of("too-many-parts", found, where)
    if any(m.filename.lower().endswith(("vbaproject.bin", "basic/script-lc.xml")) for m in members):
        found = say("The workbook holds a macro; files with macros are not opened.")
        raise DataError.of("macro", found, where, say("Save it as .xlsx without macros."))
    left, parts = MOST_UNPACKED, {}
    for member in members:
        part = SheetScan()
        left = _measure(archive, member, left, where, part)
        parts[member.filename] = part
    return parts


def _measure(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, left: int, where: Where, part: SheetScan
) -> int:
    """Unpack a part in pieces, counting and looking; return the bytes still allowed."""
    is_xml = member.filename.endswith((".xml", ".rels"))
    is_sheet = member.filename.startswith("xl/worksheets/")
    tail = b""
    with archive.open(member) as stream:
        while piece := stream.read(1 << 20):
            left -= len(piece)
            if left < 0:
                says = "The workbook unpacks to more than {MOST_UNPACKED:,} bytes."
                found = say(says, MOST_UNPACKED=MOST_UNPACKED)
                raise DataError.of("too-large", found, where)
            window = tail + piece
            if is_xml and _DOCTYPE.search(window):
                says = "{filename} holds a document type or entity, which workbooks do not have."
                found = say(says, filename=member.filename)
                raise DataError.of("not-a-workbook", found, where, say("Save it again as .xlsx."))
            if is_sheet:
                _look(window, member.filename, where, part)
            tail = window[-_OVERLAP:]
    return left


def _look(xml: bytes, name: str, where: Where, part: SheetScan) -> None:
    from openpyxl.utils import column_index_from_string

    for letters, digits in _CELL.findall(xml):
        if int(digits) > MOST_ROWS or column_index_from_string(letters.decode()) > MOST_COLUMNS:
            told = {
                "p": letters.decode(),
                "p2": digits.decode(),
                "name": name,
                "MOST_ROWS": MOST_ROWS,
            }
            says = "There is a cell at {p}{p2} ({name}); rows to {MOST_ROWS:,} and columns to {MOST_COLUMNS} are read."
            found = say(says, **told, MOST_COLUMNS=MOST_COLUMNS)
            do = say("Delete that cell or its empty formatting.")
            raise DataError.of("cell-beyond", found, where, do)
    part.merged.update(ref.decode() for ref in _MERGED.findall(xml))
    part.hidden_rows.update(int(row) for row in _HIDDEN_ROW.findall(xml))
    part.is_filtered |= bool(_FILTER.search(xml))
    part.formulas.update(ref.decode() for ref in _EMPTY_FORMULA.findall(xml))
    if len(part.merged) > MOST_MERGED:
        says = "{name} has more than {MOST_MERGED:,} merged ranges."
        found = say(says, name=name, MOST_MERGED=MOST_MERGED)
        raise DataError.of("too-many-merged", found, where, say("Unmerge the cells."))


_MOST_FILLED = 200_000


def workbook_grids(path: Path, encoding: str | None = None) -> list[Grid]:
    """Return the sheets of a workbook; merged cells hold their value throughout, which is reported.

    Raises DataError where the file is no workbook, or larger than a list of cities can be. Formulas are
    never computed: the result that was saved is read, and a formula saved without one is an error.
    """
    refuse_old(path)
    parts = measured(path)
    import openpyxl

    how = {"read_only": True, "data_only": True, "keep_links": False}
    try:
        # openpyxl leaves open what it cannot read, and warns of drop-downs and styles that it passes over
        with (
            warnings.catch_warnings(action="ignore"),
            _transitional(path) as file,
            closing(openpyxl.load_workbook(file, **how)) as book,
        ):
            return _grids(book, path.name, parts)
    except DataError:
        raise
    except Exception as error:  # openpyxl raises whatever the damage causes
        lines = str(error).splitlines() or [type(error).__name__]
        said = lines[0].rstrip(".").replace(str(path), path.name)  # no folder of the machine
        found = say("Not readable as a workbook: {said}.", said=said)
        raise DataError.of("not-a-workbook", found, Where(path.name)) from error


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
    name, twin = "xl/workbook.xml", io.BytesIO()
    with zipfile.ZipFile(path) as archive:
        if name not in archive.namelist() or STRICT not in archive.read(name):
            return path.open("rb")
        with zipfile.ZipFile(twin, "w", zipfile.ZIP_DEFLATED) as out:
            for name in archive.namelist():
                content = archive.read(name)
                for strict, plain in _STRICT:
                    content = content.replace(strict, plain)
                out.writestr(name, content)
    twin.seek(0)
    return twin


def _grids(book: Any, file: str, parts: dict[str, SheetScan]) -> list[Grid]:
    active = book.active.title if book.active is not None else ""
    has_percent = any(f is not None and "%" in f for f in _formats(book))
    grids: list[Grid] = []
    for sheet in book.worksheets:
        grid = _grid(sheet, file, parts, has_percent=has_percent)
        hidden = sheet.sheet_state != "visible"
        is_active = sheet.title == active and not hidden
        grids.append(replace(grid, is_hidden=hidden, is_active=is_active))
        refuse_many(sum(len(g.rows) for g in grids), file)
    return grids


def _formats(book: Any) -> list[str | None]:
    from openpyxl.styles.numbers import BUILTIN_FORMATS

    known = {164 + k: form for k, form in enumerate(book._number_formats)} | BUILTIN_FORMATS
    return [known.get(style.numFmtId) for style in book._cell_styles]


def _values(cells: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the values of a row, those shown as percentages marked."""
    return tuple(Percent(c.value) if _is_percent(c) else c.value for c in cells)


def _is_percent(cell: Any) -> bool:
    is_number = isinstance(cell.value, int | float) and not isinstance(cell.value, bool)
    return is_number and "%" in cell.number_format


def _grid(sheet: Any, file: str, parts: dict[str, SheetScan], *, has_percent: bool) -> Grid:
    part = parts.get(str(sheet._worksheet_path).lstrip("/"), SheetScan())
    sheet.reset_dimensions()
    rows = sheet.iter_rows(max_row=MOST_ROWS, max_col=MOST_COLUMNS, values_only=not has_percent)
    read = map(_values, rows) if has_percent else map(tuple, rows)
    numbered: list[Row] = list(enumerate(read, start=1))
    problems = []
    for row, ref in sorted((_row(ref), ref) for ref in part.formulas):
        found = say("The formula in {ref} was saved without its result.", ref=ref)
        do = say("Open and save the workbook in a spreadsheet program, or paste the values.")
        where = Where(file, sheet.title, row)
        problems.append(Problem("formula-without-result", found, where, do))
    if shown := sorted(part.hidden_rows & {n for n, c in numbered if any(c)}):
        why = "hidden by a filter or by hand" if part.is_filtered else "hidden"
        listed = ", ".join(map(str, shown[:10])) + (" ..." if len(shown) > 10 else "")
        says = "{n} rows are {why} and are read like the others: {listed}."
        found = say(says, n=len(shown), why=why, listed=listed)
        where = Where(file, sheet.title, shown[0])
        do = say("Delete them if they are not meant.")
        problems.append(Problem("hidden-rows", found, where, do, "warning"))
    if part.merged:
        numbered = _unmerged(numbered, part.merged)
        says = "{n} merged ranges: each of their cells is read as holding the merged value."
        found = say(says, n=len(part.merged))
        problems.append(Problem("merged-cells", found, Where(file, sheet.title), level="note"))
    return Grid(file, sheet.title, tuple(numbered), tuple(problems))


def _row(ref: str) -> int:
    return int(re.sub(r"\D", "", ref.partition(":")[0]))


def _unmerged(rows: list[Row], merged: set[str]) -> list[Row]:
    """Fill merged ranges with their value, down to the last row that holds anything."""
    from openpyxl.worksheet.cell_range import CellRange

    cells = [list(values) for _, values in rows]
    filled = 0
    for ref in sorted(merged):
        left, top, right, bottom = CellRange(ref).bounds
        left, top, right, bottom = left - 1, top - 1, right - 1, min(bottom, len(cells))
        if top >= len(cells) or left >= len(cells[top]) or cells[top][left] is None:
            continue
        filled += (bottom - top) * (right - left + 1)
        if filled > _MOST_FILLED:
            break  # a sheet merged all over is a picture, not a table
        for row in range(top, bottom):
            end = min(right + 1, len(cells[row]))
            cells[row][left:end] = [cells[top][left]] * (end - left)
    return [(number, tuple(row)) for (number, _), row in zip(rows, cells, strict=True)]
