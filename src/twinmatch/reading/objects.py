"""Cohorts from Python objects: a pandas DataFrame is a table, mappings are profiles or the rows of one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from twinmatch.cohort import Cohort
from twinmatch.errors import DataError, Problem, QuestionError, Where
from twinmatch.reading import without_contacts
from twinmatch.reading.grid import Grid
from twinmatch.reading.mapping import Mapping as Headers
from twinmatch.reading.raw import Raw
from twinmatch.reading.sheets import raw_of
from twinmatch.schema import City, HostUnit
from twinmatch.validate import Record, validate

if TYPE_CHECKING:
    import pandas as pd

ACCEPTED = (
    "Accepted: a path to a folder or table, a pandas DataFrame, a list of dicts (one a city), or a "
    "Cohort; nothing for the bundled cities."
)


def cohort_of_frame(frame: pd.DataFrame, mapping: Headers | None = None) -> Cohort:
    """Return the cohort of a table with one row a city, as a file with these columns would be read.

    A named index is a column too. Raises DataError with every problem, rows counted from 2 as under a header.
    """
    table = frame if frame.index.name is None else frame.reset_index()
    cells = table.astype(object).where(table.notna(), None)
    heads = tuple(str(name) for name in table.columns)
    return _cohort_of_rows("DataFrame", heads, list(cells.itertuples(index=False)), mapping)


def cohort_of_records(
    records: Iterable[Mapping[str, Any] | City | HostUnit], mapping: Headers | None = None
) -> Cohort:
    """Return the cohort of some mappings: rows of a table, or profiles where one of them holds a mapping.

    Lists in a row count as their items. Profiles of host units have ids that begin with "unit-". Raises DataError
    with every problem, each with the number of its record.
    """
    said = [
        r.model_dump(mode="json", exclude_none=True, by_alias=True)
        if isinstance(r, City | HostUnit)
        else r
        for r in records
    ]
    for number, record in enumerate(said, 1):
        if not isinstance(record, Mapping):
            found = f"{type(record).__name__} is no profile."
            raise DataError(
                Problem("profile-wrong", found, Where("list", row=number), "Give a dict a city.")
            )
    if any(isinstance(value, Mapping) for record in said for value in record.values()):
        made = [Record(dict(r), Where("list", row=k)) for k, r in enumerate(said, 1)]
        units = [r for r in made if str(r.data.get("id", "")).startswith("unit-")]
        raw = without_contacts(Raw(tuple(r for r in made if r not in units), tuple(units)))
        return validate(raw.cities, raw.units, raw.problems)
    heads = tuple(dict.fromkeys(key for record in said for key in record))
    rows = [tuple(_cell(record.get(key)) for key in heads) for record in said]
    return _cohort_of_rows("list", heads, rows, mapping)


def _cohort_of_rows(
    name: str, heads: tuple[str, ...], rows: Sequence[tuple[Any, ...]], mapping: Headers | None
) -> Cohort:
    numbered = enumerate((heads, *map(tuple, rows)), 1)
    raw = without_contacts(raw_of([Grid(name, "", tuple(numbered))], mapping))
    return validate(raw.cities, raw.units, raw.problems)


def _cell(value: Any) -> Any:
    return "; ".join(map(str, value)) if isinstance(value, list | tuple | set) else value


def refused(source: object) -> QuestionError:
    """Return the error of something that is no cohort."""
    found = f"{type(source).__name__} is no cohort."
    return QuestionError(Problem("cohort-wrong", found, do=ACCEPTED))
