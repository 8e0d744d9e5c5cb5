"""proposal.json: the one dictionary as bytes that are the same on every run, and the way back.

Names for ids: what an export calls a city, a host unit and the two sides of a meeting.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

import orjson

from twinmatch.errors import DataError, Problem, Where
from twinmatch.exporting.words import findings, listed
from twinmatch.files import settle
from twinmatch.proposal import CityCard, Fact, Meeting, Proposal, Reserve, from_plain, to_plain

LARGEST = 200_000_000
"""Bytes of the largest file that is read: far beyond any round, short of filling the memory."""

DEEPEST = 100
"""Levels of the most nested file that is read; a proposal has about twelve."""

_STRING = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_BRACKETS = re.compile(r"[\[\]{}]")


def proposal_json(proposal: Proposal) -> bytes:
    """Return the proposal as UTF-8 JSON, indented, in a fixed order, with a final line feed."""
    plain = to_plain(proposal)
    try:
        return orjson.dumps(plain, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    except orjson.JSONEncodeError:
        # A lone surrogate has no UTF-8; "backslashreplace" writes the very escape that JSON has for it.
        text = json.dumps(plain, ensure_ascii=False, indent=2, allow_nan=False)
        return (text + "\n").encode("utf-8", "backslashreplace")


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
    raise DataError(
        Problem(
            "proposal-file", found, Where(str(path)), "A proposal.json of twinmatch is expected."
        )
    )


_MEETING: Final = re.compile(r"\b[a-z_]+:[a-z0-9:-]+")


class Directory:
    """The names of a proposal's cities and host units; an id that nobody described is its own name."""

    def __init__(self, proposal: Proposal) -> None:
        self._cards = {card.id: card for card in proposal.cities}
        self._units = {unit.id: unit.name for unit in proposal.units}
        self._meetings = {m.id: m.label for p in proposal.products for m in p.meetings}

    def worded(self, text: str) -> str:
        """Return a text with the labels of meetings in place of their ids."""
        return _MEETING.sub(lambda found: self._meetings.get(found[0], found[0]), text)

    def card(self, city: str) -> CityCard:
        """Return a city's card; one with no more than the id where the proposal has none."""
        return self._cards.get(city) or CityCard(city, city, "", "", (), None, None, None, 0.0)

    def name(self, id_: str) -> str:
        """Return the name of a city or host unit."""
        return self._units.get(id_) or self.card(id_).name

    def place(self, id_: str) -> str:
        """Return a city's name with its country, or a host unit's name."""
        country = self.country(id_)
        return f"{self.name(id_)} ({country})" if country else self.name(id_)

    def country(self, city: str) -> str:
        """Return the name of a city's country, or an empty text."""
        return self.card(city).country_name or self.card(city).country

    def countries(self, cities: Iterable[str]) -> str:
        """Return the names of the cities' countries, each once, in the cities' order."""
        return ", ".join(dict.fromkeys(self.country(city) for city in cities if self.country(city)))

    def names(self, cities: Iterable[str]) -> str:
        """Return the cities' names, joined by commas."""
        return ", ".join(self.name(city) for city in cities)

    def host(self, meeting: Meeting) -> str:
        """Return the name of a meeting's host: the unit's where several cities act as one."""
        return self._units.get(meeting.unit) or self.names(meeting.cities("host"))

    def title(self, meeting: Meeting) -> str:
        """Return what a meeting is called: its label, or the names of its members."""
        return meeting.label or listed([self.name(city) for city in meeting.cities()])

    def reserve(self, reserve: Reserve) -> str:
        """Return in words who would step in for whom, with the points of that meeting."""
        return (
            f"{self.name(reserve.candidate)} instead of {self.name(reserve.instead_of)} "
            f"({reserve.score * 100:.1f} points)"
        )

    def findings(self, facts: Sequence[Fact]) -> list[tuple[str, str, str]]:
        """Return facts as the name of the city, what was found, and where it comes from."""
        return [
            (self.name(city) if city else "", found, origin)
            for city, found, origin in findings(facts)
        ]

    def facts(self, facts: Sequence[Fact]) -> str:
        """Return facts as text, one line a city and origin."""
        lines = (
            (f"{city} – {found}" if city else found, origin)
            for city, found, origin in self.findings(facts)
        )
        return "\n".join(f"{found} ({origin})" if origin else found for found, origin in lines)
