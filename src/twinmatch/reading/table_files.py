"""Files as sheets or records: CSV, Parquet, OpenDocument, and a folder of profiles in YAML.

A CSV or TSV table: comma, semicolon or tab, UTF-8 unless another encoding is named.

A Parquet table: its size is read from the footer before any of its columns.

An OpenDocument spreadsheet: its content is read in one pass, cells that repeat are counted, not unrolled.

A folder of profiles: one YAML file a city, and ``_host_units.yaml`` with the units of several cities.
"""

from __future__ import annotations

import csv
import io
import zipfile
import zlib
from collections import Counter
from pathlib import Path
from typing import Any, cast
from xml.parsers import expat

import yaml

from twinmatch.errors import DataError, Problem, Where
from twinmatch.files import whole
from twinmatch.reading.grid import (
    MOST_COLUMNS,
    MOST_CSV_ROWS,
    MOST_ROWS,
    Grid,
    Raw,
    Row,
    bytes_of,
    guessed_encoding,
    not_linked_out,
    refuse_large,
    refuse_many,
    text_of,
)
from twinmatch.reading.spreadsheets import NO_ZIP, measured
from twinmatch.validate import Record
from twinmatch.wording import say

SEPARATORS = ",;\t|"
NUL = "\0"


def csv_grids(path: Path, encoding: str | None = None) -> list[Grid]:
    """Return the one sheet of a CSV file; the separator is the one by which most of its rows agree."""
    content, told = bytes_of(path), list[Problem]()
    guess = None if encoding else guessed_encoding(content)
    text = text_of(content, path.name, encoding or guess)
    if NUL in text:
        row = text[: text.index(NUL)].count("\n") + 1
        told.append(_dropped(text.count(NUL), Where(path.name, row=row)))
        text = text.replace(NUL, "")
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
        found = say("Not readable as CSV: {error}.", error=error)
        raise DataError.of("not-csv", found, Where(path.name, row=row)) from error
    if guess:
        says = "The file is not UTF-8; its letters make words in {guess}, and it is read so."
        found = say(says, guess=guess)
        do = say('If letters are wrong, name the encoding: encoding = "..." in the mapping file.')
        told.append(Problem("encoding-guessed", found, Where(path.name), do, "warning"))
    return [Grid(path.name, "", tuple(rows), tuple(told))]


def _dropped(count: int, where: Where) -> Problem:
    found = say("{count:,} NUL characters are left out: no text holds one.", count=count)
    do = say("Save the table again if text is missing.")
    return Problem("nul-left-out", found, where, do, "warning")


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
        says = "More than {MOST_CSV_ROWS:,} rows; at most that many are read."
        found = say(says, MOST_CSV_ROWS=MOST_CSV_ROWS)
        raise DataError.of("too-many-rows", found, Where(file), say("Split the file."))
    if columns > MOST_COLUMNS:
        says = "{columns:,} columns; at most {MOST_COLUMNS} are read."
        found = say(says, columns=columns, MOST_COLUMNS=MOST_COLUMNS)
        raise DataError.of("cell-beyond", found, Where(file, row=row))


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
        found = say("Parquet files need pyarrow.")
        do = say("Install it: pip install 'twinmatch[parquet]', or save the table as .csv.")
        raise DataError.of("needs-pyarrow", found, where, do) from error
    refuse_large(path.stat().st_size, path.name)
    try:
        with pq.ParquetFile(path, memory_map=False) as file:
            _check_size(file.metadata, where)
            table = file.read(use_threads=False)
            columns = [column.to_pylist() for column in table.columns]
            names = tuple(table.column_names)
    except (ArrowException, OSError, ValueError) as error:
        found = say("Not readable as Parquet: {p}.", p=str(error).splitlines()[0])
        raise DataError.of("not-parquet", found, where) from error
    rows = [names, *zip(*columns, strict=True)]
    count = sum(c.count(NUL) for cells in rows for c in cells if isinstance(c, str))
    if count:
        rows = [tuple(c.replace(NUL, "") if isinstance(c, str) else c for c in r) for r in rows]
    told = (_dropped(count, where),) if count else ()
    return [Grid(path.name, "", tuple(enumerate(rows, start=1)), told)]


def _check_size(metadata: Any, where: Where) -> None:
    rows, columns = metadata.num_rows, metadata.num_columns
    size = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    if rows > MOST_CSV_ROWS or columns > MOST_COLUMNS or size > MOST_BYTES:
        most = {
            "MOST_CSV_ROWS": MOST_CSV_ROWS,
            "MOST_COLUMNS": MOST_COLUMNS,
            "MOST_BYTES": MOST_BYTES,
        }
        says = "{rows:,} rows, {columns:,} columns, {size:,} bytes; at most {MOST_CSV_ROWS:,}, {MOST_COLUMNS} and {MOST_BYTES:,} are read."
        found = say(says, rows=rows, columns=columns, size=size, **most)
        raise DataError.of("too-large", found, where)


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
        says = "Not readable as an OpenDocument spreadsheet: {p}."
        found = say(says, p=str(error) or "it ends too early")
        raise DataError.of("not-a-workbook", found, Where(path.name)) from error
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
        found = say("The file holds a document type, which spreadsheets do not have.")
        raise DataError.of("not-a-workbook", found, Where(self._file))

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
        says = "There are cells beyond the {most:,} {what} that are read."
        found = say(says, most=most, what=what)
        raise DataError.of("cell-beyond", found, where, say("Delete them."))


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


UNITS_FILE = "_host_units.yaml"

LARGEST = 10**30
"""Beyond every number of a profile; of some thousands of digits Python writes none."""

DEEPEST = 30
"""How deep a profile may be nested; the deepest of ours is five."""

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _yaml_error(said: str, node: Any) -> yaml.YAMLError:
    return yaml.constructor.ConstructorError(None, None, said, node.start_mark)


class _PlainLoader(_Base):  # type: ignore[misc]
    """YAML as people mean it: ``NO`` is Norway and not false, a key stands once, no anchors, no dates."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML reads the class attribute
        first: [r for r in resolvers if r[0].rpartition(":")[2] in {"int", "float", "null"}]
        for first, resolvers in _Base.yaml_implicit_resolvers.items()
    }

    def construct_yaml_int(self, node: Any) -> int:
        number: int = super().construct_yaml_int(node)
        if abs(number) > LARGEST:
            raise _yaml_error("a number of more than 30 digits", node)
        return number

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        seen = set()
        for part, _ in node.value if len(mapping) < len(node.value) else ():
            key = self.construct_object(part, deep=True)
            if key in seen:
                raise _yaml_error(f"the field {key!r} stands here twice", part)
            seen.add(key)
        return mapping


_PlainLoader.add_constructor("tag:yaml.org,2002:int", _PlainLoader.construct_yaml_int)


def read_folder(folder: Path) -> Raw:
    """Return the profiles of a folder, whatever the order of its files; hidden and other files are passed over.

    Nobody writes it meanwhile, and an import that was stopped while it moved its profiles in is completed first.
    """
    with whole(folder):
        return _read_folder(folder)


def _read_folder(folder: Path) -> Raw:
    cities: list[Record] = []
    units: list[Record] = []
    problems: list[Problem] = []
    for path in sorted(folder.iterdir()):
        if path.suffix not in {".yaml", ".yml"} or path.name.startswith("."):
            continue
        try:
            not_linked_out(path, folder)
            content = parse_yaml(bytes_of(path), path.name)
        except DataError as error:
            problems += error.problems
            continue
        if path.name == UNITS_FILE:
            units += _unit_records(content, path.name, problems)
        elif isinstance(content, dict):
            cities.append(Record(content, Where(path.name)))
        else:
            found = say("The file holds no profile (fields such as id, name, country).")
            problems.append(Problem("not-a-profile", found, Where(path.name)))
    return Raw(tuple(cities), tuple(units), tuple(problems))


def parse_yaml(content: bytes, file: str) -> Any:
    """Return what a YAML file holds; raises DataError with the row where it cannot be read."""
    text = text_of(content, file)
    try:
        _look_through(text)
        return yaml.load(text, Loader=_PlainLoader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        found = say("Not readable as YAML: {p}.", p=getattr(error, "problem", None) or error)
        where = Where(file, row=mark.line + 1 if mark else 0)
        raise DataError.of("not-yaml", found, where) from error


def _look_through(text: str) -> None:
    """Raise a YAML error where a text is nested deeper than any profile, or repeats itself by aliases.

    Before anything is built of it: the builder written in C goes down without a limit, and unfolds aliases. A text
    without their marks, and with too few brackets and too little indentation to be so deep, is not parsed for it.
    """
    indents = (len(line) - len(line.lstrip("-?: ")) for line in text.splitlines())
    # At one column stand at most two that are not in brackets: a mapping, and a list as one of its values.
    at_most = 2 + 2 * max(indents, default=0) + text.count("[") + text.count("{")
    if at_most <= DEEPEST and "&" not in text and "*" not in text:
        return
    deep = 0
    for event in yaml.parse(text, Loader=_Base):
        deep += isinstance(event, yaml.CollectionStartEvent)
        deep -= isinstance(event, yaml.CollectionEndEvent)
        if deep > DEEPEST:
            found = f"it is nested more than {DEEPEST} deep"
        elif isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            found = "anchors and aliases are not used here"
        else:
            continue
        mark = cast("yaml.Mark", event.start_mark)  # the reader in C has a mark of its own
        raise yaml.constructor.ConstructorError(None, None, found, mark)


def _unit_records(content: Any, file: str, problems: list[Problem]) -> list[Record]:
    if not isinstance(content, list) or not all(isinstance(item, dict) for item in content):
        found = say("Host units are a list of entries with id, name and cities.")
        problems.append(Problem("not-a-list", found, Where(file)))
        return []
    named = ((item, str(item.get("id", f"entry {k}"))) for k, item in enumerate(content, 1))
    return [Record(item, Where(file, column=name)) for item, name in named]
