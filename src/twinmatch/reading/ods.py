"""An OpenDocument spreadsheet: its content is read in one pass, cells that repeat are counted, not unrolled."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any
from xml.parsers import expat

from twinmatch.errors import DataError, Problem, Where
from twinmatch.reading.grid import MOST_COLUMNS, MOST_ROWS, Grid, Row, refuse_many
from twinmatch.reading.guard import NO_ZIP, measured


def ods_grids(path: Path, encoding: str | None = None) -> list[Grid]:
    """Return the sheets of an .ods file; the value of a merged cell stands in its first cell only.

    Raises DataError under the same caps as a workbook.
    """
    measured(path)
    content = _Content(path.name)
    try:
        with zipfile.ZipFile(path) as archive, archive.open("content.xml") as stream:
            content.parse(stream)
    except (*NO_ZIP, LookupError, zlib.error, expat.ExpatError) as error:
        # Also an encoding unheard of, or a directory that lies about the size of a part.
        found = f"Not readable as an OpenDocument spreadsheet: {str(error) or 'it ends too early'}."
        raise DataError(Problem("not-a-workbook", found, Where(path.name))) from error
    return content.grids


class _Content:
    """Collects sheets while the XML streams by."""

    def __init__(self, file: str) -> None:
        self.grids: list[Grid] = []
        self._file, self._sheet = file, ""
        self._rows: list[Row] = []
        self._row, self._row_repeat, self._together = 0, 1, 0
        self._cells: list[Any] = []
        self._pending_empty = 0
        self._cell: dict[str, str] | None = None
        self._text: list[str] = []
        self._aside = 0  # depth inside a comment, whose text is not the cell's

    def parse(self, stream: Any) -> None:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._refuse
        parser.ParseFile(stream)

    def _refuse(self, *_: Any) -> None:
        found = "The file holds a document type, which spreadsheets do not have."
        raise DataError(Problem("not-a-workbook", found, Where(self._file)))

    def _start(self, name: str, has: dict[str, str]) -> None:
        if name == "table:table":
            self._sheet, self._rows, self._row = has.get("table:name", ""), [], 0
        elif name == "table:table-row":
            self._row_repeat = _count(has, "table:number-rows-repeated")
            self._cells, self._pending_empty = [], 0
        elif name in {"table:table-cell", "table:covered-table-cell"}:
            self._cell, self._text = has, []
        elif name == "office:annotation":
            self._aside += 1
        elif self._cell is not None and not self._aside:
            self._spacing(name, has)

    def _spacing(self, name: str, has: dict[str, str]) -> None:
        if name == "text:p" and self._text:
            self._text.append("\n")
        elif name == "text:s":
            self._text.append(" " * min(_count(has, "text:c"), 100))
        elif name in {"text:tab", "text:line-break"}:
            self._text.append("\n" if name == "text:line-break" else "\t")

    def _characters(self, data: str) -> None:
        if self._cell is not None and not self._aside:
            self._text.append(data)

    def _end(self, name: str) -> None:
        if name == "office:annotation":
            self._aside -= 1
        elif name in {"table:table-cell", "table:covered-table-cell"}:
            self._end_cell()
        elif name == "table:table-row":
            self._end_row()
        elif name == "table:table":
            self.grids.append(Grid(self._file, self._sheet, tuple(self._rows)))

    def _end_cell(self) -> None:
        has, self._cell = self._cell or {}, None
        value = _value(has, "".join(self._text))
        repeat = _count(has, "table:number-columns-repeated")
        if value is None:
            self._pending_empty += repeat  # only empty cells before a filled one are written out
            return
        if len(self._cells) + self._pending_empty + repeat > MOST_COLUMNS:
            self._beyond("columns", MOST_COLUMNS)
        self._cells += [None] * self._pending_empty + [value] * repeat
        self._pending_empty = 0

    def _end_row(self) -> None:
        if self._cells:
            if self._row + self._row_repeat > MOST_ROWS:
                self._beyond("rows", MOST_ROWS)
            self._together += self._row_repeat
            refuse_many(self._together, self._file)
            cells = tuple(self._cells)
            self._rows += [(self._row + k, cells) for k in range(1, self._row_repeat + 1)]
        self._row += self._row_repeat

    def _beyond(self, what: str, most: int) -> None:
        where = Where(self._file, self._sheet, self._row + 1)
        found = f"There are cells beyond the {most:,} {what} that are read."
        raise DataError(Problem("cell-beyond", found, where, "Delete them."))


def _count(has: dict[str, str], name: str) -> int:
    """Return how often something repeats; raises ValueError where that is no count."""
    count = int(has.get(name, 1))
    if count < 1:
        raise ValueError(f"{name} is {count}")
    return count


def _value(has: dict[str, str], text: str) -> Any:
    kind = has.get("office:value-type", "")
    if kind in {"float", "percentage", "currency"} and "office:value" in has:
        number = float(has["office:value"])
        return int(number) if number.is_integer() and abs(number) < 1e15 else number
    if kind == "date":
        return has.get("office:date-value", text)[:10]
    return text or None
