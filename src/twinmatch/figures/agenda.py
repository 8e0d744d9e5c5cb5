"""What a meeting can begin with: the needs of the one side beside the offers of the other that answer them.

Sentences are compared as the text facets do (see :mod:`twinmatch.facets.text`): cosines, rounded to four
decimals. Where no words are known, shared domains and levers stand in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from twinmatch.cohort import Cohort
from twinmatch.facets import FacetCache
from twinmatch.facets.domains import FINE, WIDE, challenges, offered_levers, strengths
from twinmatch.facets.quoting import Role, centred, printable
from twinmatch.facets.text import Passage, needs_passages, offers_passages, readable
from twinmatch.figures.pairs import TwinningRound
from twinmatch.proposal import Meeting, Product, Table
from twinmatch.proposal.reviewer import LEAST, printed
from twinmatch.schema import NAMES

MOST = 4
"""Items of an agenda, at most."""

ALONE = 0.4
"""A cosine below this is no answer in a group, where nobody was matched for this need."""

COLUMNS = (
    "Meeting",
    "Kind",
    "Who asks",
    "What is asked",
    "Who shows",
    "What is shown",
    "Closeness",
)

Row = tuple[str, str, str, str, str, str, float | None]


@dataclass(frozen=True, eq=False)
class Said:
    """Sentences of all cities with their vectors, by city."""

    passages: list[Passage]
    vectors: NDArray[np.float64]

    @cached_property
    def _of(self) -> dict[int, list[int]]:
        """The places of each city's sentences."""
        found: dict[int, list[int]] = {}
        for k, passage in enumerate(self.passages):
            found.setdefault(passage.city, []).append(k)
        return found

    @classmethod
    def of(cls, passages: list[Passage], facet_cache: FacetCache, role: Role) -> Said:
        """Return the sentences that the text model can read and the reviewer lets be printed in this role."""
        read, vectors, _ = readable(passages, facet_cache)
        may = printable(read, role)
        kept = [passage for passage, ok in zip(read, may, strict=True) if ok]
        return cls(kept, centred(vectors.astype(np.float64))[may])

    def by(self, cities: Sequence[int]) -> list[int]:
        """Return the places of the sentences of some cities."""
        return sorted(k for city in set(cities) for k in self._of.get(city, ()))


@dataclass(frozen=True)
class PassageMatch:
    """A sentence that asks, the sentence that answers it best, and their cosine."""

    asks: Passage
    shows: Passage
    closeness: float


def answers(
    needs: Said, offers: Said, asking: Sequence[int], showing: Sequence[int]
) -> list[PassageMatch]:
    """Return for each need of some cities the offer of others that is closest, the closest first."""
    rows, columns = needs.by(asking), offers.by(showing)
    if not rows or not columns:
        return []
    cosine = np.round(needs.vectors[rows] @ offers.vectors[columns].T, 4)
    best = np.argmax(cosine, axis=1)
    found = [
        PassageMatch(needs.passages[rows[k]], offers.passages[columns[b]], float(cosine[k, b]))
        for k, b in enumerate(best)
    ]
    return sorted(found, key=lambda a: (-a.closeness, a.asks.city, a.asks.place))


def pair_agenda(round_: TwinningRound) -> Table:
    """Return what each pair can begin with: the guest's needs beside the host's offers, and what flows back."""
    cohort = round_.cohort
    needs = Said.of(needs_passages(cohort), round_.facet_cache, "asks")
    offers = Said.of(offers_passages(cohort), round_.facet_cache, "shows")
    codes = _Codes(cohort)
    rows: list[Row] = []
    for meeting in round_.product.meetings:
        guest = [round_.guest(meeting)]
        hosts = [cohort.index[city] for city in meeting.cities("host")]
        there = [a for a in answers(needs, offers, guest, hosts) if a.closeness >= LEAST]
        back = [a for a in answers(needs, offers, hosts, guest) if a.closeness >= LEAST]
        rows += [_row(cohort, meeting, "need", a) for a in there[:MOST]]
        if len(there) < 2:
            rows += codes.shared(meeting, guest, hosts)
        rows += [_row(cohort, meeting, "return", a) for a in back[:1]]
    return Table("agenda", "What each pair can begin with", COLUMNS, tuple(rows))


def _row(cohort: Cohort, meeting: Meeting, kind: str, answer: PassageMatch) -> Row:
    return (
        meeting.id,
        kind,
        cohort.cities[answer.asks.city].id,
        printed(answer.asks.text, answer.asks.source),
        cohort.cities[answer.shows.city].id,
        printed(answer.shows.text, answer.shows.source),
        answer.closeness,
    )


class _Codes:
    """The domains and levers that cities ask for and show."""

    def __init__(self, cohort: Cohort) -> None:
        self._cohort = cohort
        self._wanted, self._shown = challenges(cohort), strengths(cohort)
        self._offered = offered_levers(cohort)

    def shared(self, meeting: Meeting, asking: Sequence[int], showing: Sequence[int]) -> list[Row]:
        """Return the domains and levers that the one side of a meeting asks for and the other shows."""
        cities = self._cohort.cities
        rows: list[Row] = []
        for i in asking:
            for j in showing:
                ids = cities[i].id, cities[j].id
                rows += [
                    (meeting.id, kind, ids[0], name, ids[1], name, None)
                    for kind, name in self._common(i, j)
                ]
        once = {(row[1], row[3]): row for row in reversed(rows)}
        return list(reversed(once.values()))[:MOST]

    def _common(self, i: int, j: int) -> list[tuple[str, str]]:
        """Return what one city asks for and another shows, each with its kind."""
        wanted, shown = self._wanted, self._shown
        wide = bool(wanted.wide_only[i] or shown.wide_only[j])
        names, one, other = (
            (WIDE, wanted.wide[i], shown.wide[j]) if wide else (FINE, wanted.fine[i], shown.fine[j])
        )
        domains = [d for d, a, b in zip(names, one, other, strict=True) if a and b]
        needed = self._cohort.cities[i].levers_needed or ()
        levers = [lever for lever in needed if lever in self._offered[j]]
        return [("domain", NAMES[d]) for d in domains] + [("lever", NAMES[v]) for v in levers]


def group_agenda(cohort: Cohort, facet_cache: FacetCache, product: Product) -> Table:
    """Return what each group can begin with: what its leads can show beside the members' needs that it answers.

    In a group without leads every city may show. Each thing shown stands once, with the cities whose needs it
    answers best, the most cities first.
    """
    needs = Said.of(needs_passages(cohort), facet_cache, "asks")
    offers = Said.of(offers_passages(cohort), facet_cache, "shows")
    rows: list[Row] = []
    for meeting in product.meetings:
        rows += _of_group(cohort, meeting, needs, offers)
    title = "What each meeting can begin with"
    return Table("agenda", title, COLUMNS, tuple(rows))


def _of_group(cohort: Cohort, meeting: Meeting, needs: Said, offers: Said) -> list[Row]:
    members = [cohort.index[city] for city in meeting.cities()]
    showing = [cohort.index[city] for city in meeting.cities("lead")] or members
    shown: dict[tuple[int, str], list[PassageMatch]] = {}
    for asking in members:
        others = [j for j in showing if j != asking]
        for answer in answers(needs, offers, [asking], others):
            if answer.closeness >= ALONE:
                shown.setdefault((answer.shows.city, answer.shows.text), []).append(answer)
    ranked = sorted(
        shown.items(),
        key=lambda item: (-len({a.asks.city for a in item[1]}), -item[1][0].closeness, item[0]),
    )
    return [_answered(cohort, meeting, found) for _, found in ranked[:MOST]]


def _answered(cohort: Cohort, meeting: Meeting, found: list[PassageMatch]) -> Row:
    best = max(found, key=lambda a: (a.closeness, -a.asks.city))
    # The city whose sentence is printed comes first.
    asking = [best.asks.city, *sorted({a.asks.city for a in found} - {best.asks.city})]
    return (
        meeting.id,
        "need",
        "; ".join(cohort.cities[i].id for i in asking),
        printed(best.asks.text, best.asks.source),
        cohort.cities[best.shows.city].id,
        printed(best.shows.text, best.shows.source),
        best.closeness,
    )
