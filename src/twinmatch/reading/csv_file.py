"""A CSV or TSV table: comma, semicolon or tab, UTF-8 unless another encoding is named."""

from __future__ import annotations

import csv
import io
from collections import Counter
from pathlib import Path

from twinmatch.errors import DataError, Problem, Where
from twinmatch.reading.grid import MOST_COLUMNS, MOST_CSV_ROWS, Grid, Row
from twinmatch.reading.raw import bytes_of, guessed_encoding, text_of

SEPARATORS = ",;\t|"


def csv_grids(path: Path, encoding: str | None = None) -> list[Grid]:
    """Return the one sheet of a CSV file; the separator is the one by which most of its rows agree."""
    content = bytes_of(path)
    guess = None if encoding else guessed_encoding(content)
    text = text_of(content, path.name, encoding or guess)
    separator = "\t" if path.suffix.lower() == ".tsv" else separator_of(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows: list[Row] = []
    row = 1
    try:
        for cells in reader:
            _within(len(rows), len(cells), row, path.name)
            rows.append((row, tuple(cells)))
            row = reader.line_num + 1
    except csv.Error as error:
        found = f"Not readable as CSV: {error}."
        raise DataError(Problem("not-csv", found, Where(path.name, row=row))) from error
    told: tuple[Problem, ...] = ()
    if guess:
        found = f"The file is not UTF-8; its letters make words in {guess}, and it is read so."
        do = 'If letters are wrong, name the encoding: encoding = "..." in the mapping file.'
        told = (Problem("encoding-guessed", found, Where(path.name), do, "warning"),)
    return [Grid(path.name, "", tuple(rows), told)]


def separator_of(text: str) -> str:
    """Return the separator by which the first rows split alike and widest; a comma where none does."""

    def agreement(separator: str) -> tuple[int, int]:
        sample = io.StringIO("".join(text.splitlines(keepends=True)[:30]), newline="")
        widths = Counter(len(row) for row in csv.reader(sample, delimiter=separator) if row)
        wide = [(count, width) for width, count in widths.items() if width > 1]
        return max(wide, default=(0, 0))

    try:
        return max(SEPARATORS, key=lambda s: (agreement(s), -SEPARATORS.index(s)))
    except csv.Error:
        return max(SEPARATORS, key=text.split("\n", 1)[0].count)


def _within(rows: int, columns: int, row: int, file: str) -> None:
    if rows >= MOST_CSV_ROWS:
        found = f"More than {MOST_CSV_ROWS:,} rows; at most that many are read."
        raise DataError(Problem("too-many-rows", found, Where(file), "Split the file."))
    if columns > MOST_COLUMNS:
        found = f"{columns:,} columns; at most {MOST_COLUMNS} are read."
        raise DataError(Problem("cell-beyond", found, Where(file, row=row)))
