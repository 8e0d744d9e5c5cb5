"""The files of a proposal for machines, and what every export shares: names for ids, and texts without harm.

proposal.json: the one dictionary as bytes that are the same on every run, and the way back.

The coordinator's own table of contacts: read for letters, kept nowhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NoReturn

import orjson

from twinmatch.cohort import nearest
from twinmatch.errors import DataError, Problem, Where
from twinmatch.exporting import words
from twinmatch.files import settle
from twinmatch.proposal import (
    Cell,
    CityCard,
    Fact,
    Meeting,
    Proposal,
    Reserve,
    Table,
    from_plain,
    to_plain,
)
from twinmatch.proposal.proposal import settings_of, theme_of
from twinmatch.proposal.tables import ids_in, kinds_of
from twinmatch.proposal.wire import any_value, as_stored
from twinmatch.reading import read_grids, read_raw
from twinmatch.reading.grid import is_empty, text
from twinmatch.schema import NAMES
from twinmatch.vocabulary.geography import country, is_country
from twinmatch.wording import Said, say, shown, titled, with_parts

LARGEST = 500_000_000
"""Bytes of the largest file that is read: beyond a round of 13,000 cities (about 310 MB), short of filling the memory."""

DEEPEST = 100
"""Levels of the most nested file that is read; a proposal has about twelve."""

_STRING = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_BRACKETS = re.compile(r"[\[\]{}]")


def proposal_json(proposal: Proposal, language: str = "en") -> bytes:
    """Return the proposal, whatever the language, as UTF-8 JSON, indented, in a fixed order, with a final line feed."""
    plain = to_plain(proposal)
    try:
        return orjson.dumps(plain, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    except orjson.JSONEncodeError:
        # A lone surrogate has no UTF-8; "backslashreplace" writes the very escape that JSON has for it.
        text = json.dumps(plain, ensure_ascii=False, indent=2, allow_nan=False)
        return (text + "\n").encode("utf-8", "backslashreplace")


def as_read(proposal: Proposal) -> Proposal:
    """Return the proposal as it is when proposal.json is read: to its last decimal, each text made in one way."""
    return as_stored(replace(proposal, made_from=any_value(proposal.made_from)))


def read_proposal(path: Path) -> Proposal:
    """Return the proposal of a proposal.json; raises DataError that says what is wrong with the file."""
    return from_plain(_load(path), str(path))


def _load(path: Path) -> Any:
    """Return what a JSON file holds."""
    settle(path.parent)
    try:
        if path.stat().st_size > LARGEST:
            _refuse(path, f"The file is larger than {LARGEST // 1_000_000} MB.")
        text = path.read_bytes().decode("utf-8")
        if _depth(text) > DEEPEST:
            _refuse(path, "The file is nested too deeply to be a proposal.")
        return json.loads(text, parse_constant=_no_constant)
    except FileNotFoundError:
        _refuse(path, "There is no such file.")
    except OSError as error:
        _refuse(path, f"The file cannot be read ({error.strerror}).")
    except UnicodeDecodeError:
        _refuse(path, "The file is not UTF-8 text.")
    except ValueError as error:
        _refuse(path, f"The file is not JSON ({error}).")


def _depth(text: str) -> int:
    """Return how deep a JSON text nests; counted beforehand, as a parser that recurses may end the process."""
    deepest = depth = 0
    for mark in _BRACKETS.findall(_STRING.sub("", text)):
        depth += 1 if mark in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _no_constant(name: str) -> NoReturn:
    """Refuse NaN and Infinity, which are no JSON."""
    raise ValueError(f"{name} is not a JSON number")


def _refuse(path: Path, found: str) -> NoReturn:
    raise DataError.of(
        "proposal-file", found, Where(str(path)), say("A proposal.json of twinmatch is expected.")
    )


_MEETING: Final = re.compile(r"\b[a-z_]+:[a-z0-9:-]+")


# --- texts ---------------------------------------------------------------------------------------------------

# Control characters other than tab and line feed, lone surrogates and non-characters (XML 1.0, section 2.2),
# and the marks that reorder the text after them (Unicode TR 9), with which a name can be made to read as another.
_UNWANTED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\u202a-\u202e\u2066-\u2069]"
)
_BREAKS = re.compile("\r\n?|\u2028|\u2029|\x85")

# What a spreadsheet takes for the start of a formula, in a cell or in a CSV file (OWASP, "CSV Injection"),
# the full-width forms included.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def printable(text: str) -> str:
    """Return the text without characters that XML cannot hold or that reorder what follows."""
    text = str(text)  # GraphML takes no text that keeps its message
    if text.isprintable():  # as nearly all texts are; no character below is
        return text
    return _UNWANTED.sub("", _BREAKS.sub("\n", text))


@lru_cache(maxsize=65_536)
def cell_text(text: str, longest: int = 32_767) -> str:
    """Return the text as a spreadsheet can hold it: never a formula, never longer than a cell.

    A text that would start a formula when the sheet is saved as CSV and opened again gets an apostrophe in
    front, which stays visible; a text too long for a cell ends by saying how much was cut.
    """
    clean = printable(text)
    if clean.lstrip(" \n\xa0").startswith(_FORMULA):
        clean = "'" + clean
    if _utf16_length(clean) <= longest:
        return clean
    told = f" … [cut: {len(clean):,} characters in all]"
    return _utf16_head(clean, longest - _utf16_length(told)) + told


def _utf16_length(text: str) -> int:
    """Return the length as spreadsheets count it: characters beyond U+FFFF are two."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def _utf16_head(text: str, longest: int) -> str:
    """Return the beginning of a text, at most so many UTF-16 units long and no half character."""
    return text.encode("utf-16-le")[: 2 * longest].decode("utf-16-le", "ignore")


class Directory:
    """The names of a proposal's cities and host units; an id that nobody described is its own name."""

    def __init__(self, proposal: Proposal) -> None:
        self._cards = {card.id: card for card in proposal.cities}
        self._units = {unit.id: unit.name for unit in proposal.units}
        self._known = {*self._cards, *self._units}
        self._worded: dict[str, str] = {}
        self._meetings: dict[str, str] = {}
        self._meetings |= {
            m.id: self.title(m) for product in proposal.products for m in product.meetings
        }
        for product in proposal.products:
            part = settings_of(proposal.made_from, product.product)
            titles = {str(t.get("id")): str(t.get("title")) for t in part.get("themes") or ()}
            for key, title in titles.items():  # also where none of its groups was formed
                self._meetings.setdefault(f"{product.product}:{key}", titled(title))
            for m in product.meetings if "split" in part else ():
                theme = theme_of(m.id, part)
                key = theme.partition(":")[2]
                named = [country(c.upper()).name for c in key.split("-") if is_country(c.upper())]
                self._meetings.setdefault(
                    theme, titled(titles.get(key) or words.listed(named) or product.title)
                )

    def worded(self, text: str) -> str:
        """Return a text with the names of cities, units and meetings in place of their ids, where it lists some."""
        if isinstance(text, Said):
            return with_parts(text, self.worded)
        if text not in self._worded:
            ids = text.split("; ")
            if self._known.issuperset(ids):
                self._worded[text] = ", ".join(map(self.name, ids))
            else:
                named = _MEETING.sub(lambda found: self._meetings.get(found[0], found[0]), text)
                self._worded[text] = self._meetings.get(text, named)
        return text if self._worded[text] == text else self._worded[text]

    def named(self, table: Table) -> Table:
        """Return a table of figures with names for ids, and words for codes of facets and topics; meetings keep their ids."""
        kinds = kinds_of(table)

        def cell(kind: str, value: Cell) -> Cell:
            if not isinstance(value, str) or kind == "meeting":
                return value
            if kind == "topics":
                return words.listed([NAMES.get(code, code) for code in ids_in(value)])
            if kind == "code":
                return titled(value)
            return words.facet_title(value) if kind == "facet" else self.worded(value)

        return replace(table, rows=tuple(tuple(map(cell, kinds, row)) for row in table.rows))

    def card(self, city: str) -> CityCard:
        """Return a city's card; one with no more than the id where the proposal has none."""
        return self._cards.get(city) or CityCard(city, city, "", "", (), None, None, None, 0.0)

    def name(self, id_: str) -> str:
        """Return the name of a city, host unit or meeting."""
        return self._units.get(id_) or self._meetings.get(id_) or self.card(id_).name

    def place(self, id_: str, reader: str = "") -> str:
        """Return a city's name with its country, or a host unit's name; no country where it is that of the reading city."""
        country, name = self.country(id_), self.name(id_)
        at_home = not country or (reader and country == self.country(reader))
        if not at_home and name.endswith(")"):
            return say("{name}, {where})", name=name.removesuffix(")"), where=country)
        return name if at_home else say("{name} ({where})", name=name, where=country)

    def country(self, city: str) -> str:
        """Return the name of a city's country, or an empty text."""
        return self.card(city).country_name or self.card(city).country

    def countries(self, cities: Iterable[str]) -> str:
        """Return the names of the cities' countries, each once, in the cities' order."""
        found = dict.fromkeys(self.country(city) for city in cities)
        return words.joined(filter(None, found), ", ")

    def names(self, cities: Iterable[str]) -> str:
        """Return the cities' names, joined by commas."""
        return ", ".join(self.name(city) for city in cities)

    def host(self, meeting: Meeting) -> str:
        """Return the name of a meeting's host: the unit's where several cities act as one."""
        return self._units.get(meeting.unit) or self.names(meeting.cities("host"))

    def title(self, meeting: Meeting) -> str:
        """Return what a meeting is called: its label, or the names of its members."""
        return meeting.label or words.listed([self.name(city) for city in meeting.cities()])

    def reserve(self, reserve: Reserve) -> str:
        """Return in words who would step in for whom, with the points of that meeting."""
        return say(
            "{city} instead of {other} ({points:.1f} points)",
            city=self.name(reserve.candidate),
            other=self.name(reserve.instead_of),
            points=reserve.score * 100,
        )

    def findings(self, facts: Sequence[Fact]) -> list[tuple[str, str, str]]:
        """Return facts as the name of the city, what was found, and where it comes from."""
        return [
            (self.name(city) if city else "", found, origin)
            for city, found, origin in words.findings(facts)
        ]

    def facts(self, facts: Sequence[Fact], language: str = "en") -> str:
        """Return facts as text in a language, one line a city and origin."""
        lines = (
            (
                f"{city} – {shown(found, language)}" if city else shown(found, language),
                shown(origin, language),
            )
            for city, found, origin in self.findings(facts)
        )
        return "\n".join(f"{found} ({origin})" if origin else found for found, origin in lines)


# --- settings ------------------------------------------------------------------------------------------------


def settings_in_words(value: object, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield the names and texts of a nested value, such as ``Versions › numpy``, in words where a code has some."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from settings_in_words(part, f"{name} › {_key(str(key))}".removeprefix(" › "))
    elif isinstance(value, list | tuple) and any(isinstance(v, dict | list | tuple) for v in value):
        for index, part in enumerate(value, 1):
            yield from settings_in_words(part, f"{name} › {index}")
    elif isinstance(value, list | tuple):
        yield name, ", ".join(map(_setting, value)) or "none"
    else:
        yield name, _setting(value) or "none"


def _key(code: str) -> str:
    """Return the name of a setting: that of a facet or product, or its code as words."""
    return (
        words.FACETS.get(code)
        or words.PRODUCTS.get(code)
        or words.humanise(code).replace("sha256", "SHA-256").replace("Sha256", "SHA-256")
    )


def _setting(value: object) -> str:
    """Return a setting as people write it: words for codes, yes or no, countries by name."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or isinstance(value, int | float):
        return words.figure(value)
    text = str(value)
    if re.fullmatch("[A-Z]{2}", text) and is_country(text):
        return country(text).name
    return words.PRODUCTS.get(text) or words.ROLES.get(text) or NAMES.get(text, text)


# --- the coordinator's own table of contacts, which is read for letters and kept nowhere ---


@dataclass(frozen=True)
class Contact:
    """Who reads a city's letters: name and e-mail address, empty where the coordinator has none, and the consent to mail."""

    name: str = ""
    email: str = ""
    consent: bool = False


HEADS: Final[dict[str, tuple[str, ...]]] = {
    "city": ("city", "city id", "id", "municipality"),
    "name": ("name", "contact", "contact name", "contact person"),
    "email": ("e-mail", "email", "mail", "contact email", "e-mail address", "email address"),
    "consent": ("consent", "agreed to e-mail", "agreed to email"),
}
"""The columns of a table of contacts, and the heads by which each is known, in any case."""


YES: Final = frozenset({"yes", "y", "true", "1", "x", "ja", "oui"})
"""What a contact's consent to letters by mail reads as, in any case; anything else is none."""


def read_contacts(path: Path, proposal: Proposal) -> dict[str, Contact]:
    """Return contacts by city id from a table with the columns city, name and e-mail, or from a survey's own table.

    A city stands by its id or name; a survey is read as for the proposal, by the mapping file beside it. Raises DataError with every row that names no city of the proposal, or one twice.
    """
    known = {card.name.casefold(): card.id for card in proposal.cities}
    known |= {card.id.casefold(): card.id for card in proposal.cities}
    grid = read_grids(path)[0]
    (_, heads), *rows = grid.rows or ((0, ()),)
    folded = [text(head).casefold().replace("_", " ") for head in heads]
    places = {
        column: next((folded.index(name) for name in names if name in folded), None)
        for column, names in HEADS.items()
    }
    if None in (places["city"], places["email"]) and (contacts := read_raw(path).contacts):
        ids = {card.id for card in proposal.cities}
        return {city: _of_survey(said) for city, said in contacts.items() if city in ids}
    if places["city"] is None:
        do = say("Name the columns: city, name, e-mail.")
        raise DataError.of("no-city-column", say("No column names the city."), grid.at(1), do)
    found: dict[str, Contact] = {}
    problems = []
    for row, cells in rows:
        if is_empty(cells):
            continue
        city, name, email, consent = (
            text(cells[place]) if place is not None and place < len(cells) else ""
            for place in places.values()
        )
        id_ = known.get(city.casefold(), "")
        if not id_:
            says = say("No city of the proposal is called {city}.", city=repr(city))
            do = nearest(city, {card.name: card.id for card in proposal.cities})
            problems.append(Problem("city-unknown", says, grid.at(row, "city"), do))
        elif id_ in found:
            says = say("{city} has two contacts.", city=city)
            do = say("Keep the one who is to read the letter.")
            problems.append(Problem("contact-twice", says, grid.at(row, "city"), do))
        else:
            found[id_] = Contact(name, email, consent.casefold() in YES)
    if problems:
        raise DataError(problems)
    return found


def _of_survey(said: Sequence[str]) -> Contact:
    """Return whom a survey says to write to: the last e-mail address, and the first name that stands before it, or after."""
    at = [-1, *(k for k, text in enumerate(said) if "@" in text)]
    last = at.pop() if len(at) > 1 else len(said)
    names = (x for x in (*said[at[-1] + 1 : last], *said[last + 1 :]) if not re.search(r"\d", x))
    return Contact(next(names, ""), "".join(said[last : last + 1]))
