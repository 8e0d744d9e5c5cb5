"""Refuse what no list of cities can be, before any of it is unpacked into memory.

A workbook is a zip of XML that a few bytes can make enormous: every part is unpacked in pieces and counted
first. On the way the guard notes what a table reader has to know and openpyxl does not tell in its streaming
mode: cells beyond the caps, merged cells, and formulas that were saved without their result.
"""

from __future__ import annotations

import lzma
import re
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path

from twinmatch.errors import DataError, Problem, Where
from twinmatch.reading.grid import MOST_COLUMNS, MOST_ROWS
from twinmatch.reading.raw import LARGEST_FILE

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
    if path.stat().st_size > LARGEST_FILE:
        found = f"The file has {path.stat().st_size:,} bytes; at most {LARGEST_FILE:,} are read."
        raise DataError(Problem("too-large", found, where))
    with path.open("rb") as file:  # what opens and cannot be read on is damaged
        try:
            with zipfile.ZipFile(file) as archive:
                return _all_parts(archive, where)
        except NO_ZIP as error:
            found = f"Not readable as a workbook: {error}."
            raise DataError(Problem("not-a-workbook", found, where, "Save it as .xlsx.")) from error
        except (zlib.error, lzma.LZMAError, OSError) as error:
            found = f"The workbook is damaged: {error}."
            raise DataError(Problem("not-a-workbook", found, where)) from error


def _all_parts(archive: zipfile.ZipFile, where: Where) -> dict[str, SheetScan]:
    members = archive.infolist()
    if len(members) > MOST_MEMBERS:
        found = f"The workbook has {len(members):,} parts; at most {MOST_MEMBERS:,} are read."
        raise DataError(Problem("too-many-parts", found, where))
    if any(m.filename.lower().endswith(("vbaproject.bin", "basic/script-lc.xml")) for m in members):
        found = "The workbook holds a macro; files with macros are not opened."
        raise DataError(Problem("macro", found, where, "Save it as .xlsx without macros."))
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
                found = f"The workbook unpacks to more than {MOST_UNPACKED:,} bytes."
                raise DataError(Problem("too-large", found, where))
            window = tail + piece
            if is_xml and _DOCTYPE.search(window):
                found = f"{member.filename} holds a document type or entity, which workbooks do not have."
                raise DataError(Problem("not-a-workbook", found, where, "Save it anew as .xlsx."))
            if is_sheet:
                _look(window, member.filename, where, part)
            tail = window[-_OVERLAP:]
    return left


def _look(xml: bytes, name: str, where: Where, part: SheetScan) -> None:
    for letters, digits in _CELL.findall(xml):
        if int(digits) > MOST_ROWS or column_number(letters.decode()) > MOST_COLUMNS:
            found = f"There is a cell at {letters.decode()}{digits.decode()} ({name}); rows to {MOST_ROWS:,} and columns to {MOST_COLUMNS} are read."
            do = "Delete that cell or its empty formatting."
            raise DataError(Problem("cell-beyond", found, where, do))
    part.merged.update(ref.decode() for ref in _MERGED.findall(xml))
    part.hidden_rows.update(int(row) for row in _HIDDEN_ROW.findall(xml))
    part.is_filtered |= bool(_FILTER.search(xml))
    part.formulas.update(ref.decode() for ref in _EMPTY_FORMULA.findall(xml))
    if len(part.merged) > MOST_MERGED:
        found = f"{name} has more than {MOST_MERGED:,} merged ranges."
        raise DataError(Problem("too-many-merged", found, where, "Unmerge the cells."))


def column_number(letters: str) -> int:
    """Return the number of a column, 1 for A and 27 for AA."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def column_letters(number: int) -> str:
    """Return the letters of a column, A for 1 and AA for 27."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
