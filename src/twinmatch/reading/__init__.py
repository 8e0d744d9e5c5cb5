"""Reading profiles: a folder of YAML files, or a table in any of the usual formats, are the same profiles.

OPEN for additions: a further table format is one file with a function ``(path, encoding) -> list of Grid`` and
one line in ``TABLES``; an importer of another body's format is one file and one line in
:data:`twinmatch.reading.importers.IMPORTERS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from twinmatch.cohort import Cohort
from twinmatch.errors import DataError, Problem, QuestionError, Where
from twinmatch.files import bundled_path
from twinmatch.reading.grid import Grid
from twinmatch.reading.kept import once_read
from twinmatch.reading.mapping import (
    Mapping,
    MappingQuestion,
    mapping_path,
    read_mapping,
)
from twinmatch.reading.personal_data import safe, without_personal_data
from twinmatch.reading.raw import Raw
from twinmatch.reading.sheets import raw_of
from twinmatch.reading.table_files import csv_grids, ods_grids, parquet_grids
from twinmatch.reading.workbook import workbook_grids
from twinmatch.validate import validate

T = TypeVar("T")

TABLES: dict[str, Callable[[Path, str | None], list[Grid]]] = {
    ".csv": csv_grids,
    ".tsv": csv_grids,
    ".xlsx": workbook_grids,
    ".ods": ods_grids,
    ".parquet": parquet_grids,
}
"""Reader of a table by the ending of its file; each gives sheets of numbered rows."""

_ADVICE = {
    ".xls": "Save it as .xlsx.",
    ".xlsm": "It may hold macros, which are not opened: save it as .xlsx.",
    ".xlsb": "Save it as .xlsx.",
    ".numbers": "Export it as .xlsx.",
    ".pdf": "Copy the table into a spreadsheet.",
    ".docx": "Copy the table into a spreadsheet.",
}

__all__ = [
    "TABLES",
    "Mapping",
    "MappingQuestion",
    "Raw",
    "read",
    "read_grids",
    "read_mapping",
    "read_raw",
    "without_contacts",
]


def read(path: str | Path | Cohort | None = None, mapping: Mapping | None = None) -> Cohort:
    """Return the cohort of a folder or a table; the bundled cities where no path is given, a cohort as it is.

    Personal data in texts is taken out. Raises DataError with every error found, each with its file, sheet,
    row and column; warnings and notes do not stop.
    """
    if isinstance(path, Cohort):
        return path
    raw = read_raw(path, mapping)
    return validate(raw.cities, raw.units, raw.problems)


def read_raw(path: str | Path | None = None, mapping: Mapping | None = None) -> Raw:
    """Return what stands in the input, unchecked, without personal data, with the problems that reading met."""
    if path is None and mapping is None:
        bundled = bundled_path("city_profiles")
        return without_contacts(
            _told(lambda: _opened(bundled, lambda: once_read(bundled, _folder)))
        )
    place = Path(path) if path is not None else bundled_path("city_profiles")
    if not place.is_dir():
        if mapping is None and mapping_path(place).is_file():
            mapping = replace(read_mapping(mapping_path(place)), is_found=True)
        grids = read_grids(place, mapping.encoding if mapping else None)
        return without_contacts(_told(lambda: raw_of(grids, mapping)))
    if mapping is not None:
        found = "A mapping is about the headers of a table; this is a folder of profiles."
        raise QuestionError(Problem("mapping-of-folder", found, Where(str(place))))
    return without_contacts(_told(lambda: _opened(place, lambda: _folder(place))))


def read_grids(path: str | Path, encoding: str | None = None) -> list[Grid]:
    """Return the sheets of a table, whatever its format.

    Raises DataError where there is no such file, its ending is not known, or it cannot be read.
    """
    place = Path(path)
    if not place.exists():
        raise DataError(
            Problem("no-such-file", "There is no such file or folder.", Where(str(place)))
        )
    reader = TABLES.get(place.suffix.lower())
    if reader is None or place.is_dir():
        found = f"Files ending in {place.suffix!r} cannot be read."
        do = f"{_ADVICE.get(place.suffix.lower(), '')} Known: a folder of .yaml, {', '.join(TABLES)}.".strip()
        raise DataError(Problem("format-unknown", found, Where(str(place)), do))
    grids = _told(lambda: _opened(place, lambda: reader(place, encoding)))
    if not grids:
        raise DataError(Problem("not-a-workbook", "The file holds no sheet.", Where(place.name)))
    return grids


def _folder(place: Path) -> Raw:
    from twinmatch.reading.folder import read_folder  # with PyYAML, which tables do not need

    return read_folder(place)


def _opened(place: Path, reading: Callable[[], T]) -> T:
    try:
        return reading()
    except OSError as error:
        found = f"Cannot be read: {error.strerror or error}."
        raise DataError(Problem("unreadable", found, Where(str(place)))) from error


def _told(reading: Callable[[], T]) -> T:
    """Return what is read; an error's words repeat no personal data."""
    try:
        return reading()
    except DataError as error:
        raise DataError([safe(p) for p in error.problems]) from error


def without_contacts(raw: Raw) -> Raw:
    """Return the records without personal data in their texts, with a warning for each text that had some."""
    cleaned = [without_personal_data(record) for record in (*raw.cities, *raw.units)]
    records = [record for record, _ in cleaned]
    told = [problem for _, problems in cleaned for problem in problems]
    count = len(raw.cities)
    return replace(
        raw,
        cities=tuple(records[:count]),
        units=tuple(records[count:]),
        problems=tuple(safe(p) for p in (*raw.problems, *told)),
    )
