"""A proposal as dossiers and letters read it: names, agendas, gaps and places by city, and why a city is in a meeting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from twinmatch.exporting import words
from twinmatch.exporting.directory import Directory
from twinmatch.proposal import Cell, Gap, LeftOut, Meeting, Product, Proposal

GROUP_SIZE = 8
"""A group of more cities than this names its leads and counts the others."""


@dataclass(frozen=True)
class Talk:
    """A line of a first agenda: what kind, who asks what, who shows what."""

    kind: str
    asking: tuple[str, ...]
    asked: str
    showing: str
    shown: str


class Sources:
    """A proposal as dossiers read it: names, agendas, what is alike, gaps and places by city."""

    def __init__(self, proposal: Proposal) -> None:
        self.proposal = proposal
        self.directory = Directory(proposal)
        self.title = proposal.title
        self._statements = {
            card.id: {s.block: s.says for s in card.statements} for card in proposal.cities
        }

    def statement(self, city: str, block: str) -> str:
        """Return what a city states in a block, or an empty text."""
        return self._statements.get(city, {}).get(block, "")

    @cached_property
    def talks(self) -> dict[str, tuple[Talk, ...]]:
        """Return the lines of the first agenda of each meeting."""
        found: dict[str, list[Talk]] = {}
        for _, row in self._rows("agenda"):
            meeting, kind, asking, asked, showing, shown, *_ = map(_text, row)
            cities = tuple(filter(None, asking.split("; ")))
            found.setdefault(meeting, []).append(Talk(kind, cities, asked, showing, shown))
        return {meeting: tuple(talks) for meeting, talks in found.items()}

    @cached_property
    def alike(self) -> dict[tuple[str, str], tuple[tuple[str, str], ...]]:
        """Return, for each meeting and "alike" or "unlike", the facets with what was found."""
        found: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for _, row in self._rows("alike"):
            meeting, how, facet, says, *_ = map(_text, row)
            found.setdefault((meeting, how), []).append((facet, says))
        return {key: tuple(lines) for key, lines in found.items()}

    @cached_property
    def resources(self) -> dict[str, list[tuple[Cell, ...]]]:
        """Return the rows of the support pathways by city."""
        found: dict[str, list[tuple[Cell, ...]]] = {}
        for table in self.proposal.tables:
            for row in table.rows if table.name == "pathways" else ():
                found.setdefault(str(row[0]), []).append(row)
        return found

    def _rows(self, name: str) -> Iterator[tuple[Product, tuple[Cell, ...]]]:
        for product in self.proposal.products:
            for table in product.tables:
                if table.name == name:
                    yield from ((product, row) for row in table.rows)

    @cached_property
    def gaps(self) -> dict[str, list[Gap]]:
        """Return what is not known of each city."""
        found: dict[str, list[Gap]] = {}
        for gap in self.proposal.gaps:
            found.setdefault(gap.city, []).append(gap)
        return found

    @cached_property
    def meetings(self) -> dict[str, list[tuple[Product, Meeting]]]:
        """Return the meetings of each city, with their products."""
        found: dict[str, list[tuple[Product, Meeting]]] = {}
        for product in self.proposal.products:
            for meeting in product.meetings:
                for city in meeting.cities():
                    found.setdefault(city, []).append((product, meeting))
        return found

    @cached_property
    def left_out(self) -> dict[str, list[tuple[Product, LeftOut]]]:
        """Return the products that each city is left out of, with the reason."""
        found: dict[str, list[tuple[Product, LeftOut]]] = {}
        for product in self.proposal.products:
            for left in product.left_out:
                found.setdefault(left.city, []).append((product, left))
        return found


def _text(cell: Cell) -> str:
    return "" if cell is None else str(cell)


def role_of(meeting: Meeting, city: str) -> str:
    """Return the role of a city in a meeting that it is a member of."""
    return next(member.role for member in meeting.members if member.city == city)


def partners(sources: Sources, meeting: Meeting, city: str) -> str:
    """Return with whom a city meets; in a large group its leads and the number of the others."""
    others = [c for c in meeting.cities() if c != city]
    if len(others) <= GROUP_SIZE:
        return words.listed([sources.directory.place(c) for c in others])
    leads = [sources.directory.name(c) for c in meeting.cities("lead") if c != city]
    rest = f"{len(others) - len(leads)} other cities"
    return f"{words.listed(leads)} (leads) and {rest}" if leads else rest


def why_for(sources: Sources, city: str, meeting: Meeting) -> tuple[str, ...]:
    """Return why a meeting is proposed to one of its cities, in words about this city and those that show it something."""
    hosts, guests = meeting.cities("host"), meeting.cities("guest")
    if len(guests) == 1:
        met = guests if city in hosts else hosts
        return tuple(words.reasons(meeting, 2, about={city, *met}, of=city))
    found = []
    for talk in sources.talks.get(meeting.id, ()):
        others = len(talk.asking) - (city in talk.asking)
        if talk.showing == city and others:
            who = words.count(others, "member")
            found.append(
                f"You can show: {talk.shown} {who} {'asks' if others == 1 else 'ask'} about it."
            )
        elif city in talk.asking:
            mine = f" You told us: {talk.asked}" if talk.asking[0] == city else ""
            found.append(f"{sources.directory.name(talk.showing)} can show: {talk.shown}{mine}")
    return tuple(found[:2]) or ((words.sentence(meeting.says),) if meeting.says else ())


def begin_with(sources: Sources, meeting: Meeting) -> str:
    """Return what a pair can begin with: what the guest asked, or a domain that both know; nothing elsewhere."""
    if len(meeting.cities("guest")) != 1:
        return ""
    for talk in sources.talks.get(meeting.id, ()):
        if talk.kind in ("domain", "lever"):
            return f"experience with {talk.asked}."
        if talk.kind == "need":
            return f"what {sources.directory.name(talk.asking[0])} asked: {talk.asked}"
    return ""
