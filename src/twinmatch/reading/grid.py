"""A sheet as it was read: numbered rows of cells, whatever the file it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from twinmatch.errors import DataError, Problem, Where

Row = tuple[int, tuple[Any, ...]]

MOST_ROWS = 20_000
"""Rows of a workbook or of a table of profiles that are read at most."""

MOST_TOGETHER = 100_000
"""Rows of all sheets of a workbook together that are read at most, the empty ones before a filled one included."""

MOST_COLUMNS = 300
"""Columns that are read at most."""

MOST_CSV_ROWS = 200_000
"""Rows of a CSV file: open data has many rows a city."""


@dataclass(frozen=True)
class Grid:
    """One sheet: its file, its name (empty where a file has only one), its rows, and what reading it met."""

    file: str
    sheet: str
    rows: tuple[Row, ...]
    problems: tuple[Problem, ...] = ()
    is_hidden: bool = False
    is_active: bool = False

    def at(self, row: int = 0, column: str = "") -> Where:
        """Return a place on the sheet."""
        return Where(self.file, self.sheet, row, column)


class Percent(float):
    """A number that its cell shows as a percentage: 0.55 is shown as 55%."""


def text(cell: Any) -> str:
    """Return a cell as stripped text; nothing is an empty text, a day is written YYYY-MM-DD."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell.strip()
    if hasattr(cell, "isoformat"):
        return str(cell.isoformat())[:10]
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    return str(cell).strip()


def is_empty(cells: tuple[Any, ...]) -> bool:
    """Return whether a row holds nothing."""
    return not any(cell is not None and cell != "" and text(cell) for cell in cells)


def refuse_many(rows: int, file: str) -> None:
    """Raise DataError where the sheets of a file have more rows together than are read: a few bytes can say many."""
    if rows > MOST_TOGETHER:
        found = f"The sheets have more than {MOST_TOGETHER:,} rows together; at most that many are read."
        raise DataError(
            Problem("too-many-rows", found, Where(file), "Delete sheets or empty rows.")
        )
