"""Reading profiles: a folder of YAML files, a CSV table or an Excel workbook are the same profiles.

OPEN for additions: a further format is one file with a function ``path -> Raw`` and one line in ``READERS``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from twinmatch.bundled import bundled_path
from twinmatch.cohort import Cohort
from twinmatch.errors import DataError, Problem, Where
from twinmatch.reading.csv_file import read_csv
from twinmatch.reading.folder import read_folder
from twinmatch.reading.raw import Raw
from twinmatch.reading.workbook import read_workbook
from twinmatch.validate import validate

READERS: dict[str, Callable[[Path], Raw]] = {
    "": read_folder,
    ".csv": read_csv,
    ".xlsx": read_workbook,
}
"""Reader by file ending; the empty ending is a folder."""


def read(path: str | Path | None = None) -> Cohort:
    """Return the cohort of a folder, CSV or workbook; the bundled cities where no path is given.

    Raises DataError with every problem found, each with its file, sheet, row and column.
    """
    raw = read_raw(path)
    return validate(raw.cities, raw.units, raw.problems)


def read_raw(path: str | Path | None = None) -> Raw:
    """Return what stands in the input, unchecked, with the problems that reading itself met."""
    place = Path(path) if path is not None else bundled_path("city_profiles")
    if not place.exists():
        raise DataError(
            Problem("no-such-file", "There is no such file or folder.", Where(str(place)))
        )
    reader = READERS.get("" if place.is_dir() else place.suffix.lower())
    if reader is None:
        known = ", ".join(ending for ending in READERS if ending)
        raise DataError(
            Problem(
                "format-unknown",
                f"Files ending in {place.suffix!r} cannot be read.",
                Where(str(place)),
                f"Known: a folder of .yaml, {known}.",
            )
        )
    try:
        return reader(place)
    except OSError as error:
        raise DataError(
            Problem("unreadable", f"Cannot be read: {error.strerror or error}.", Where(str(place)))
        ) from error
