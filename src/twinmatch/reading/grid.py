"""What readers have in common: sheets as numbered rows, what a file becomes, and its bytes as text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Dict
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from twinmatch.errors import DataError, Problem, Where
from twinmatch.reading.mapping import Mapping, MappingQuestion
from twinmatch.validate import Record
from twinmatch.vocabulary.taxonomy import plain
from twinmatch.wording import LANGUAGES, say, spoken

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


@dataclass(frozen=True)
class Form:
    """A sheet that was filled: its language, and its rows as texts by the English heads of its columns."""

    grid: Grid
    code: str = "en"
    rows: tuple[tuple[int, dict[str, str]], ...] = ()

    def lacks(self, needed: Sequence[str]) -> Iterator[Problem]:
        """Yield a problem for each column that the sheet must have and has not."""
        known = (
            {text(cell).casefold() for cell in self.grid.rows[0][1]} if self.grid.rows else set()
        )
        for head in needed if known else ():
            if not known & {head.casefold(), spoken(head, self.code).casefold()}:
                found = say("There is no column {head}.", head=repr(head))
                where = self.grid.at(1, head)
                yield Problem("column-missing", found, where, say("Put it back."))


def form_in(
    grids: Sequence[Grid], sheet: str, needed: Sequence[str], heads: Sequence[str] = ()
) -> Form:
    """Return a sheet as it was filled, in whichever language it is; one without rows where the workbook has none."""
    named = ((code, grid) for code in LANGUAGES for grid in grids if grid.rows)
    here = ((c, g) for c, g in named if g.sheet.casefold() == spoken(sheet, c).casefold())
    code, grid = next(here, ("en", Grid("", sheet, ())))
    if not grid.rows:
        return Form(grid)
    known = {
        said.casefold(): head for head in (*needed, *heads) for said in (head, spoken(head, code))
    }
    columns = [known.get(text(cell).casefold(), text(cell)) for cell in grid.rows[0][1]]
    rows = (
        (row, dict.fromkeys(columns, "") | dict(zip(columns, map(text, cells), strict=False)))
        for row, cells in grid.rows[1:]
    )
    return Form(grid, code, tuple(rows))


_RESPONSE: Final = re.compile(
    r"(?:open ended )?response|(?:offene )?antwort|reponse(?: ouverte)?|respuesta(?: abierta)?|risposta(?: aperta)?|odpowiedz(?: otwarta)?"
)
"""What a survey tool writes in a second row under a question that has one column."""


def two_rows(rows: Sequence[Row]) -> Row | None:
    """Return a header of two rows, questions and their options, as the row of the second and one text a column."""
    for (_, above), (row, below) in pairwise(rows[:4]):
        questions = [text(c) for c in above]
        options = [text(c) for c in below] + [""] * (len(questions) - len(below))
        pairs = list(zip(questions, options, strict=False))
        is_second = any(_RESPONSE.fullmatch(plain(o)) for _, o in pairs)
        if not is_second or not any(q and not o for q, o in pairs):
            continue
        names, asked = [], ""
        for i, (question, option) in enumerate(pairs):
            asked = question or asked
            is_alone = bool(question) and (i + 1 == len(pairs) or bool(pairs[i + 1][0]))
            is_answer = not option or (is_alone and bool(_RESPONSE.fullmatch(plain(option))))
            names.append(asked if is_answer else f"{asked} [{option}]")
        return row, tuple(names)
    return None


def refuse_many(rows: int, file: str) -> None:
    """Raise DataError where the sheets of a file have more rows together than are read: a few bytes can say many."""
    if rows > MOST_TOGETHER:
        says = (
            "The sheets have more than {MOST_TOGETHER:,} rows together; at most that many are read."
        )
        found = say(says, MOST_TOGETHER=MOST_TOGETHER)
        do = say("Delete sheets or empty rows.")
        raise DataError.of("too-many-rows", found, Where(file), do)


LARGEST_FILE = 20 * 1024 * 1024
"""Bytes of a file that is read at most; a profile has a few thousand."""

ENCODINGS = (
    *("cp1252", "cp1250", "cp1253", "cp1251", "cp1254", "cp1257", "iso8859-15", "iso8859-2"),
    *("utf-16", "mac-roman", "utf-8"),
)
"""Encodings that may be named; UTF-8, and UTF-16 with a byte-order mark, are read without being named."""


@dataclass(frozen=True)
class Raw:
    """Records of cities and host units, and problems met while reading."""

    cities: tuple[Record, ...]
    units: tuple[Record, ...] = ()
    problems: tuple[Problem, ...] = ()
    questions: tuple[MappingQuestion, ...] = ()
    contacts: Dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    """Whom to write to, by city: for letters, and never among the records."""
    used: Mapping | None = None
    """How the table was read, so that it can be read again in the same way."""
    is_survey: bool = False
    """Whether it is somebody's own table, of which a wrong answer costs the answer and not the round."""


def leaves(
    data: dict[str, Any], prefix: str = "", together: Sequence[str] = ("challenges", "strengths")
) -> list[tuple[str, Any]]:
    """Return the values of a record by their dotted paths; the blocks named ``together`` are not taken apart."""
    found: list[tuple[str, Any]] = []
    for name, value in data.items():
        path = f"{prefix}{name}"
        is_block = isinstance(value, dict) and path not in together
        found += leaves(value, f"{path}.", together) if is_block else [(path, value)]
    return found


def put(data: dict[str, Any], path: str, value: Any, *, keep: bool = False) -> None:
    """Put a value at a dotted path; ``keep`` leaves one that stands there."""
    *parents, name = path.split(".")
    for parent in parents:
        data = data.setdefault(parent, {})
    if not (keep and name in data):
        data[name] = value


def bytes_of(path: Path) -> bytes:
    """Return what a file holds; raises DataError where it is no plain file, or larger than is read.

    A link may lead to a device or a pipe, which never end: of anything but a plain file nothing is read.
    """
    if path.exists() and not path.is_file():
        do = say("Put the file itself in its place.")
        raise DataError.of("not-a-file", say("This is not a plain file."), Where(path.name), do)
    with path.open("rb") as stream:
        content = stream.read(LARGEST_FILE + 1)
    refuse_large(path.stat().st_size if len(content) > LARGEST_FILE else 0, path.name)
    return content


def refuse_large(size: int, file: str) -> None:
    """Raise DataError where a file has more bytes than are read."""
    if size > LARGEST_FILE:
        says = "The file has {size:,} bytes; at most {LARGEST_FILE:,} are read."
        found = say(says, size=size, LARGEST_FILE=LARGEST_FILE)
        raise DataError.of("too-large", found, Where(file))


def refuse_old(path: Path) -> None:
    """Raise DataError where a file is an old or locked document of Excel, whatever its ending."""
    with path.open("rb") as file:
        is_old = file.read(8) == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    if is_old:
        found = say("The file is an old .xls workbook, or one with a password; neither is read.")
        do = say("Save it as .xlsx without a password.")
        raise DataError.of("not-a-workbook", found, Where(path.name), do)


def not_linked_out(path: Path, folder: Path) -> None:
    """Raise DataError where a file of a folder is a link that leads out of it: nobody gave what is there."""
    if path.is_symlink() and not path.resolve().is_relative_to(folder.resolve()):
        found = say("This is a link that leads out of its folder.")
        do = say("Put the file itself in its place.")
        raise DataError.of("link", found, Where(path.name), do)


def text_of(content: bytes, file: str, encoding: str | None = None) -> str:
    """Return the text of a file: UTF-8, UTF-16 with a byte-order mark, or the encoding that is named.

    Raises DataError that names the first byte which does not fit, its line, and what the text would say in the
    encodings that such files most often have.
    """
    refuse_large(len(content), file)
    chosen = _known(encoding, file) or _marked(content)
    try:
        return content.decode(chosen)
    except UnicodeDecodeError as error:
        raise DataError(_undecodable(content, error, file, chosen)) from error


_WESTERN = re.compile(r"[\w\s!-~€‚„…†•–—‘’“”«»°§²³´·¿¡×÷½¼±©®™µ¶¹ªº‰£¥¤]*")


def guessed_encoding(content: bytes) -> str | None:
    """Return cp1252 for bytes that are no UTF-8 and, so read, are words of western languages; else None.

    Every letter beyond ASCII must stand in a word whose other letters are Latin ones of small case, or begin it.
    """
    try:
        content.decode(_marked(content))
    except UnicodeDecodeError:
        with suppress(UnicodeDecodeError):
            text = content.decode("cp1252")
            words = [w for w in re.findall(r"\w+", text) if not w.isascii()]
            usual = re.compile(r"[^\W\d_]?[a-zß-öø-ÿœšž]*")
            odd = sum(not usual.fullmatch(w) and not w.isupper() for w in words)
            rare = sum(len(re.findall("[ÐÞðþ¤¥ƒµ]", w)) for w in words)
            are_words = any(len(w) > 2 for w in words) and max(odd, rare) <= 0.02 * len(words)
            return "cp1252" if are_words and _WESTERN.fullmatch(text) else None
    return None


def _marked(content: bytes) -> str:
    """Return the encoding that a byte-order mark tells, or UTF-8."""
    return "utf-16" if content[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"


def _known(encoding: str | None, file: str) -> str | None:
    if encoding is None or encoding.lower() in ENCODINGS:
        return encoding.lower().replace("utf-8", "utf-8-sig") if encoding else None
    found = say("There is no encoding {encoding}.", encoding=repr(encoding))
    do = say("Known: {names}.", names=", ".join(ENCODINGS))
    raise DataError.of("encoding-unknown", found, Where(file), do)


def _undecodable(content: bytes, error: UnicodeDecodeError, file: str, chosen: str) -> Problem:
    where = Where(file, row=content.count(b"\n", 0, error.start) + 1)
    byte = f"Byte 0x{content[error.start]:02x}"
    if chosen != "utf-8-sig":
        found = say("{byte} is not {chosen}.", byte=byte, chosen=chosen)
        return Problem("not-decodable", found, where, say("Name another encoding."))
    guesses = _guesses(content, error.start)
    more = say(", or name its encoding: {guesses}.", guesses=guesses) if guesses else "."
    do = say("Save the file as UTF-8") + more
    return Problem("not-utf-8", say("{byte} is not UTF-8.", byte=byte), where, do)


def _guesses(content: bytes, at: int) -> str:
    """Return what the word around a byte says in the likeliest encodings, those that make it a word first."""
    before = re.split(rb"[\n,;\t ]", content[max(0, at - 40) : at])[-1]
    after = re.split(rb"[\r\n,;\t \"]", content[at : at + 30])[0]
    word = before + after
    readings: dict[str, str] = {}
    for name in ENCODINGS[:8]:
        said = word.decode(name, errors="replace")
        letters = "".join(c for c in said if c not in ",;\t \"'")
        if letters.isalpha() and said not in readings.values():
            readings[name] = said
    return " or ".join(f"{name} would read {said!r}" for name, said in list(readings.items())[:3])
