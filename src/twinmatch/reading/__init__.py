"""Reading profiles: a folder of YAML files, or a table in any of the usual formats, are the same profiles.

So are a pandas DataFrame (a table) and mappings (profiles, or the rows of a table).

OPEN for additions: a further table format is one file with a function ``(path, encoding) -> list of Grid`` and
one line in ``TABLES``; an importer of another body's format is one file and one line in
:data:`twinmatch.reading.importers.IMPORTERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Mapping as Dict
from dataclasses import replace
from functools import cache, partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from twinmatch.cohort import Cohort
from twinmatch.errors import DataError, Problem, QuestionError, Where
from twinmatch.files import bundled_path, shared_out
from twinmatch.reading.grid import Grid, is_empty, refuse_old, text
from twinmatch.reading.grid import Raw as Raw
from twinmatch.reading.mapping import Mapping as Mapping
from twinmatch.reading.mapping import MappingQuestion as MappingQuestion
from twinmatch.reading.mapping import mapping_path
from twinmatch.reading.mapping import read_mapping as read_mapping
from twinmatch.reading.personal_data import safe, without_personal_data
from twinmatch.reading.spreadsheets import workbook_grids
from twinmatch.reading.table_files import csv_grids, ods_grids, parquet_grids, read_folder
from twinmatch.schema import City, HostUnit
from twinmatch.validate import Record, validate
from twinmatch.vocabulary.gazetteer import known_city
from twinmatch.vocabulary.geography import city_id, is_country
from twinmatch.wording import say

if TYPE_CHECKING:
    import pandas as pd

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


def read(path: str | Path | Cohort | None = None, mapping: Mapping | None = None) -> Cohort:
    """Return the cohort of a folder or a table; the bundled cities where no path is given, a cohort as it is.

    Personal data in texts is taken out. Raises DataError with every error found, each with its file, sheet,
    row and column; warnings and notes do not stop.
    """
    if isinstance(path, Cohort):
        return path
    raw = read_raw(path, mapping)
    return validate(raw.cities, raw.units, raw.problems)


@cache
def bundled() -> Cohort:
    """Return the bundled cities, read once."""
    return read()


def read_raw(path: str | Path | None = None, mapping: Mapping | None = None) -> Raw:
    """Return what stands in the input, unchecked, without personal data, with the problems that reading met."""
    place = Path(path) if path is not None else bundled_path("city_profiles")
    if not place.is_dir():
        if mapping is None and mapping_path(place).is_file():
            mapping = replace(read_mapping(mapping_path(place)), is_found=True)
        grids = read_grids(place, mapping.encoding if mapping else None)
        return without_contacts(_told(lambda: raw_of(grids, mapping)))
    if mapping is not None:
        found = say("A mapping is about the headers of a table; this is a folder of profiles.")
        raise QuestionError.of("mapping-of-folder", found, Where(str(place)))
    raw = _told(lambda: _opened(place, lambda: read_folder(place)))
    return raw if path is None else without_contacts(raw)  # bundled ones hold none: a test looks


def raw_of(grids: Sequence[Grid], mapping: Mapping | None) -> Raw:
    """Return the records of a table's sheets, unchecked."""
    from twinmatch.reading import (
        sheets,
    )  # a fifth of what a start imports; the bundled cities are no table

    return sheets.raw_of(grids, mapping)


def read_grids(path: str | Path, encoding: str | None = None) -> list[Grid]:
    """Return the sheets of a table, whatever its format.

    Raises DataError where there is no such file, its ending is not known, or it cannot be read.
    """
    place = Path(path)
    if not place.exists():
        found = say("There is no such file or folder.")
        raise DataError.of("no-such-file", found, Where(str(place)))
    if place.is_file():
        _opened(place, lambda: refuse_old(place))
    reader = TABLES.get(place.suffix.lower())
    if reader is None or place.is_dir():
        found = say("Files ending in {suffix} cannot be read.", suffix=repr(place.suffix))
        do = f"{_ADVICE.get(place.suffix.lower(), '')} Known: a folder of .yaml, {', '.join(TABLES)}.".strip()
        raise DataError.of("format-unknown", found, Where(str(place)), do)
    grids = _told(lambda: _opened(place, lambda: reader(place, encoding)))
    if not grids:
        raise DataError.of("not-a-workbook", say("The file holds no sheet."), Where(place.name))
    return grids


def read_rows(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Return the rows of a table under these headers; raises DataError where it cannot be read or one is missing."""
    (_, heads), *rows = read_grids(path, "utf-8")[0].rows or ((1, ()),)
    names = list(map(text, heads))
    if missing := [c for c in columns if c not in names]:
        found = say("There is no column {missing}.", missing=repr(missing[0]))
        do = say("Columns: {names}.", names=", ".join(columns))
        raise DataError.of("column-missing", found, Where(str(path)), do)
    cells = [dict(zip(names, map(text, row), strict=False)) for _, row in rows if not is_empty(row)]
    return [{c: row.get(c, "") for c in columns} for row in cells]


def _opened(place: Path, reading: Callable[[], T]) -> T:
    try:
        return reading()
    except OSError as error:
        found = say("Cannot be read: {p}.", p=error.strerror or error)
        raise DataError.of("unreadable", found, Where(str(place))) from error


def _told(reading: Callable[[], T]) -> T:
    """Return what is read; an error's words repeat no personal data."""
    try:
        return reading()
    except DataError as error:
        raise DataError([safe(p) for p in error.problems]) from error


def without_contacts(raw: Raw) -> Raw:
    """Return the records without personal data in their texts, with a warning for each text that had some."""
    given = (*raw.cities, *raw.units)
    middle = len(given) // 2
    halves = given[:middle], given[middle:]

    def clean(records: Sequence[Record]) -> list[tuple[Record, list[Problem]]]:
        return [without_personal_data(record) for record in records]

    cleaned = chain(*shared_out([partial(clean, half) for half in halves], len(given)))
    records, problems = zip(*cleaned, strict=True) if given else ((), ())
    cities, units = records[: len(raw.cities)], records[len(raw.cities) :]
    told = tuple(map(safe, (*raw.problems, *chain(*problems))))
    return replace(raw, cities=cities, units=units, problems=told)


# --- objects ------------------------------------------------------------------------------------------------

ACCEPTED = "Accepted: a path to a folder or table, a pandas DataFrame, a list of dicts (one a city), or a Cohort; nothing for the bundled cities."


def raw_of_frame(frame: pd.DataFrame, mapping: Mapping | None = None) -> Raw:
    """Return the records of a table with one row a city, in their order, as a file with these columns would be read.

    A named index is a column too. Rows are counted from 2, as under a header.
    """
    table = frame if frame.index.name is None else frame.reset_index()
    cells = table.astype(object).where(table.notna(), None)
    heads = tuple(str(name) for name in table.columns)
    return _raw_of_rows("DataFrame", heads, list(cells.itertuples(index=False)), mapping)


def raw_of_records(
    records: Iterable[Dict[str, Any] | City | HostUnit], mapping: Mapping | None = None
) -> Raw:
    """Return the records of some mappings, in their order: rows of a table, or profiles where one holds a mapping.

    Lists in a row count as their items. Profiles of host units have ids that begin with "unit-". Raises DataError
    for what is no mapping, with the number of its record.
    """
    how: dict[str, Any] = {"mode": "json", "exclude_none": True, "by_alias": True}
    said = [r.model_dump(**how) if isinstance(r, City | HostUnit) else r for r in records]
    for number, record in enumerate(said, 1):
        if not isinstance(record, Dict):
            found = say("{name} is no profile.", name=type(record).__name__)
            do = say("Give a dict a city.")
            raise DataError.of("profile-wrong", found, Where("list", row=number), do)
    if any(isinstance(value, Dict) for record in said for value in record.values()):
        made = [Record(completed(r), Where("list", row=k)) for k, r in enumerate(said, 1)]
        units = [r for r in made if str(r.data.get("id", "")).startswith("unit-")]
        return without_contacts(Raw(tuple(r for r in made if r not in units), tuple(units)))
    heads = tuple(dict.fromkeys(key for record in said for key in record))
    rows = [tuple(_cell(record.get(key)) for key in heads) for record in said]
    return _raw_of_rows("list", heads, rows, mapping)


def completed(profile: Dict[str, Any]) -> dict[str, Any]:
    """Return a profile with the id that its country and name give, where it has none, and a bare population as a figure."""
    found = dict(profile)
    name, code, people = (found.get(key) for key in ("name", "country", "population"))
    if isinstance(people, int | float) and not isinstance(people, bool):
        found["population"] = {"value": people}
    if "id" not in found and isinstance(name, str) and isinstance(code, str) and is_country(code):
        found["id"] = known_city(code, name) or city_id(code, name)
    return found


def _raw_of_rows(
    name: str, heads: tuple[str, ...], rows: Sequence[tuple[Any, ...]], mapping: Mapping | None
) -> Raw:
    numbered = enumerate((heads, *map(tuple, rows)), 1)
    return without_contacts(raw_of([Grid(name, "", tuple(numbered))], mapping))


def _cell(value: Any) -> Any:
    return "; ".join(map(str, value)) if isinstance(value, list | tuple | set) else value


def refused(source: object) -> QuestionError:
    """Return the error of something that is no cohort."""
    found = say("{name} is no cohort.", name=type(source).__name__)
    return QuestionError.of("cohort-wrong", found, do=ACCEPTED)
