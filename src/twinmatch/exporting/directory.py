"""Names for ids: what an export calls a city, a host unit and the two sides of a meeting."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from twinmatch.exporting.words import findings, listed
from twinmatch.proposal import CityCard, Fact, Meeting, Proposal, Reserve


class Directory:
    """The names of a proposal's cities and host units; an id that nobody described is its own name."""

    def __init__(self, proposal: Proposal) -> None:
        self._cards = {card.id: card for card in proposal.cities}
        self._units = {unit.id: unit.name for unit in proposal.units}

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
