"""An Excel workbook, sheet by sheet, read in a stream behind the guard."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

from twinmatch.errors import DataError, Problem, Where
from twinmatch.reading.grid import MOST_COLUMNS, MOST_ROWS, Grid, Row, refuse_many
from twinmatch.reading.guard import Part, column_number, measured

_MOST_FILLED = 200_000


def workbook_grids(path: Path, encoding: str | None = None) -> list[Grid]:
    """Return the sheets of a workbook; merged cells hold their value throughout, which is told.

    Raises DataError where the file is no workbook, or larger than a list of cities can be. Formulas are
    never computed: the result that was saved is read, and a formula saved without one is an error.
    """
    parts = measured(path)
    import openpyxl

    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # openpyxl warns of drop-downs and styles that it passes over
        try:
            with path.open("rb") as file:  # openpyxl leaves open what it cannot read
                book = openpyxl.load_workbook(
                    file, read_only=True, data_only=True, keep_links=False
                )
                try:
                    return _grids(book.worksheets, path.name, parts)
                finally:
                    book.close()
        except DataError:
            raise
        except Exception as error:  # openpyxl raises whatever the damage causes
            said = _first_line(error).replace(str(path), path.name)  # no folder of the machine
            found = f"Not readable as a workbook: {said}."
            raise DataError(Problem("not-a-workbook", found, Where(path.name))) from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")


def _grids(sheets: list[Any], file: str, parts: dict[str, Part]) -> list[Grid]:
    grids: list[Grid] = []
    rows = 0
    for sheet in sheets:
        grids.append(_grid(sheet, file, parts))
        rows += len(grids[-1].rows)
        refuse_many(rows, file)
    return grids


def _grid(sheet: Any, file: str, parts: dict[str, Part]) -> Grid:
    part = parts.get(str(sheet._worksheet_path).lstrip("/"), Part())
    sheet.reset_dimensions()
    rows = sheet.iter_rows(max_row=MOST_ROWS, max_col=MOST_COLUMNS, values_only=True)
    numbered: list[Row] = list(enumerate(map(tuple, rows), start=1))
    problems = [
        Problem(
            "formula-without-result",
            f"The formula in {ref} was saved without its result.",
            Where(file, sheet.title, _row(ref)),
            "Open and save the workbook in a spreadsheet program, or paste the values.",
        )
        for ref in sorted(part.formulas, key=lambda ref: (_row(ref), ref))
    ]
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
