"""Rows of a CSV with named columns."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from twinmatch.errors import DataError, Problem, Where


def read_rows(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Return the rows of a CSV in UTF-8; raises DataError where it cannot be read or a column is missing."""
    where = Where(str(path))
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            missing = [c for c in columns if c not in (reader.fieldnames or ())]
            if not missing:
                return [{c: row.get(c) or "" for c in columns} for row in reader]
    except FileNotFoundError:
        problem = Problem("no-such-file", "There is no such file.", where)
    except UnicodeDecodeError:
        problem = Problem("not-utf-8", "The file is not UTF-8.", where, "Save it as UTF-8.")
    except csv.Error as error:
        problem = Problem("not-csv", f"The file is no CSV ({error}).", where)
    except OSError as error:
        problem = Problem("unreadable", f"Cannot be read: {error.strerror}.", where)
    else:
        found, do = f"There is no column {missing[0]!r}.", f"Columns: {', '.join(columns)}."
        problem = Problem("column-missing", found, where, do)
    raise DataError(problem) from None
