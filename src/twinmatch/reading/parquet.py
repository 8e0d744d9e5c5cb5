"""A Parquet table: its size is read from the footer before any of its columns."""

from __future__ import annotations

from pathlib import Path

from twinmatch.errors import DataError, Problem, Where
from twinmatch.reading.grid import MOST_COLUMNS, MOST_CSV_ROWS, Grid
from twinmatch.reading.raw import LARGEST_FILE

MOST_BYTES = 100 * 1024 * 1024


def parquet_grids(path: Path, encoding: str | None = None) -> list[Grid]:
    """Return the one sheet of a Parquet file; row 1 is the names of its columns.

    Raises DataError where pyarrow is not installed, or the file is damaged or too large.
    """
    where = Where(path.name)
    try:
        import pyarrow.parquet as pq
        from pyarrow import ArrowException
    except ImportError as error:
        do = "Install it: pip install 'twinmatch[parquet]', or save the table as .csv."
        raise DataError(
            Problem("needs-pyarrow", "Parquet files need pyarrow.", where, do)
        ) from error
    if path.stat().st_size > LARGEST_FILE:
        found = f"The file has {path.stat().st_size:,} bytes; at most {LARGEST_FILE:,} are read."
        raise DataError(Problem("too-large", found, where))
    try:
        with pq.ParquetFile(path, memory_map=False) as file:
            _check_size(file.metadata, where)
            table = file.read(use_threads=False)
            columns = [column.to_pylist() for column in table.columns]
            names = tuple(table.column_names)
    except (ArrowException, OSError, ValueError) as error:
        found = f"Not readable as Parquet: {str(error).splitlines()[0]}."
        raise DataError(Problem("not-parquet", found, where)) from error
    rows = [names, *zip(*columns, strict=True)]
    return [Grid(path.name, "", tuple(enumerate(rows, start=1)))]


def _check_size(metadata: object, where: Where) -> None:
    rows, columns = metadata.num_rows, metadata.num_columns  # type: ignore[attr-defined]
    groups = metadata.num_row_groups  # type: ignore[attr-defined]
    size = sum(metadata.row_group(i).total_byte_size for i in range(groups))  # type: ignore[attr-defined]
    if rows > MOST_CSV_ROWS or columns > MOST_COLUMNS or size > MOST_BYTES:
        found = f"{rows:,} rows, {columns:,} columns, {size:,} bytes; at most {MOST_CSV_ROWS:,}, {MOST_COLUMNS} and {MOST_BYTES:,} are read."
        raise DataError(Problem("too-large", found, where))
