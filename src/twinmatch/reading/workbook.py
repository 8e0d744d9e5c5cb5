"""An Excel workbook of profiles: a sheet with one row a city, and optional sheets for emissions and units.

The first sheet (or one called ``cities``) has the columns of :mod:`twinmatch.reading.table`. ``emissions`` has
one row a cell (``id``, ``sector``, ``value``: tonnes or a notation key); ``host_units`` one row a unit.

A workbook is a zip of XML that a few bytes can make enormous, so it is measured before it is opened.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from twinmatch.errors import DataError, Problem, Where
from twinmatch.reading.raw import LARGEST_FILE, Raw
from twinmatch.reading.table import records
from twinmatch.schema import City, HostUnit
from twinmatch.validate import Record

MOST_MEMBERS = 1_000
MOST_UNPACKED = 100 * 1024 * 1024
MOST_ROWS = 20_000
MOST_COLUMNS = 300

_CELL = re.compile(rb'<(?:\w+:)?c\s[^>]*?r="([A-Z]{1,3})([0-9]{1,7})"')


def read_workbook(path: Path) -> Raw:
    """Return the profiles of a workbook.

    Raises DataError where the file is no workbook, or larger than a list of cities can be: more than 20 MB,
    1,000 parts, 100 MB unpacked, 20,000 rows or 300 columns. Cells beyond are named, never dropped.
    """
    _guard(path)
    import openpyxl

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
    except Exception as error:  # openpyxl raises whatever the damage causes
        raise DataError(
            Problem("not-a-workbook", f"Not readable as a workbook: {error}.", Where(path.name))
        ) from error
    try:
        return _read(book, path.name)
    finally:
        book.close()


def _read(book: Any, file: str) -> Raw:
    names = book.sheetnames
    main = "cities" if "cities" in names else names[0]
    cities, problems = records(_rows(book[main]), file, main, City)
    units: list[Record] = []
    if "host_units" in names:
        units, more = records(_rows(book["host_units"]), file, "host_units", HostUnit)
        problems += more
    if "emissions" in names and main != "emissions":
        problems += _add_emissions(cities, list(_rows(book["emissions"])), file)
    return Raw(tuple(cities), tuple(units), tuple(problems))


def _rows(sheet: Any) -> Iterator[tuple[int, tuple[Any, ...]]]:
    sheet.reset_dimensions()
    rows = sheet.iter_rows(max_row=MOST_ROWS, max_col=MOST_COLUMNS, values_only=True)
    return enumerate(rows, start=1)


def _add_emissions(
    cities: list[Record], rows: list[tuple[int, tuple[Any, ...]]], file: str
) -> list[Problem]:
    """Put the cells of the emissions sheet into the cities' records; return what does not fit."""
    if not rows:
        return []
    header = [str(cell or "").strip() for cell in rows[0][1]]
    missing = [name for name in ("id", "sector", "value") if name not in header]
    if missing:
        return [
            Problem(
                "column-missing", f"The sheet has no column {name!r}.", Where(file, "emissions", 1)
            )
            for name in missing
        ]
    by_id = {str(record.data.get("id", "")): record for record in cities}
    problems = []
    for row, cells in rows[1:]:
        city, sector, value = (cells[header.index(name)] for name in ("id", "sector", "value"))
        if city is None and sector is None:
            continue
        record = by_id.get(str(city).strip())
        if record is None:
            problems.append(
                Problem(
                    "reference-unknown",
                    f"{city!r} has no row among the cities.",
                    Where(file, "emissions", row, "id"),
                )
            )
        elif value is not None:
            record.data.setdefault("emissions", {}).setdefault("sectors", {})[
                str(sector).strip()
            ] = value
    return problems


def _guard(path: Path) -> None:
    """Refuse what no list of cities can be, before any of it is unpacked into memory."""
    where = Where(path.name)
    if path.stat().st_size > LARGEST_FILE:
        raise DataError(
            Problem(
                "too-large",
                f"The file has {path.stat().st_size:,} bytes; at most {LARGEST_FILE:,} are read.",
                where,
            )
        )
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > MOST_MEMBERS:
                raise DataError(
                    Problem(
                        "too-many-parts",
                        f"The workbook has {len(members):,} parts; at most {MOST_MEMBERS:,} are read.",
                        where,
                    )
                )
            left = MOST_UNPACKED
            for member in members:
                left = _measure(archive, member, left, where)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise DataError(
            Problem(
                "not-a-workbook",
                f"Not readable as a workbook: {error}.",
                where,
                "Save it as .xlsx.",
            )
        ) from error
    except zlib.error as error:
        raise DataError(
            Problem("not-a-workbook", f"The workbook is damaged: {error}.", where)
        ) from error


def _measure(archive: zipfile.ZipFile, member: zipfile.ZipInfo, left: int, where: Where) -> int:
    """Unpack a part in pieces, counting; refuse cells beyond the cap. Return the bytes still allowed."""
    is_sheet = member.filename.startswith("xl/worksheets/")
    tail = b""
    with archive.open(member) as part:
        while piece := part.read(1 << 20):
            left -= len(piece)
            if left < 0:
                raise DataError(
                    Problem(
                        "too-large",
                        f"The workbook unpacks to more than {MOST_UNPACKED:,} bytes.",
                        where,
                    )
                )
            if is_sheet:
                _cells_within(tail + piece, member.filename, where)
                tail = piece[-64:]
    return left


def _cells_within(xml: bytes, part: str, where: Where) -> None:
    for letters, digits in _CELL.findall(xml):
        column = 0
        for letter in letters:
            column = column * 26 + letter - 64
        if int(digits) > MOST_ROWS or column > MOST_COLUMNS:
            found = f"There is a cell at {letters.decode()}{digits.decode()} ({part}); rows to {MOST_ROWS:,} and columns to {MOST_COLUMNS} are read."
            raise DataError(
                Problem("cell-beyond", found, where, "Delete that cell or its empty formatting.")
            )
