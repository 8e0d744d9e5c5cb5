"""Domains and levers: shared challenges for groups; for learning, what the host can show of what the guest lacks.

Two vocabularies meet here. Contracts tell buildings from energy systems; the pilot and twinning calls have
"stationary energy" for both. What cannot be split is not split: where either city speaks the wider language,
both are compared on the wider domain.

Notation: F = 6 finer domains, C = 5 wider ones, L = 10 levers; challenges (n, F) sum to 1 a city; strengths
(n, F) in [0, 1]; levers (n, L) are 0 or 1; known (n,) tells who has stated anything.

Wishes: the host units that a guest asked for, and the guests that a host asked for, by their ids.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twinmatch.cohort import Cohort
from twinmatch.facets.base import FacetCache, Floats, Ints, fact_of, kinds_of, known_mean
from twinmatch.facets.quoting import shows
from twinmatch.facets.text import offers_said
from twinmatch.proposal import Fact
from twinmatch.schema import IN_TEXT, NAMES, City, Domain, Lever
from twinmatch.vocabulary.topics import Topic
from twinmatch.wording import joined, listed, say

FINE: Final = tuple(d for d in Domain if d is not Domain.STATIONARY_ENERGY)
WIDE: Final = tuple(d for d in Domain if d not in {Domain.BUILT_ENVIRONMENT, Domain.ENERGY_SYSTEMS})
LEVERS: Final = tuple(Lever)
UNWEIGHTED_STRENGTH: Final = 2 / 3
"""Worth of a strength that is named without a weight, or that a pilot activity shows."""


def wider(domain: Domain) -> Domain:
    """Return the wider domain of a domain: buildings and energy systems are both stationary energy."""
    both = {Domain.BUILT_ENVIRONMENT, Domain.ENERGY_SYSTEMS}
    return Domain.STATIONARY_ENERGY if domain in both else domain


class Stated:
    """Weights of domains by city in both vocabularies, and who speaks which."""

    def __init__(self, stated: list[dict[Domain, float]]) -> None:
        self.known = np.array([bool(s) for s in stated])
        self.wide_only = np.array([Domain.STATIONARY_ENERGY in s for s in stated])
        self.fine = _matrix(stated, FINE)
        rolled = [{w: max(s[d] for d in s if wider(d) is w) for w in map(wider, s)} for s in stated]
        self.wide = _matrix(rolled, WIDE)

    def beside(
        self, other: Stated, rows: Ints, cols: Ints, compare: Callable[[Floats, Floats], Floats]
    ) -> Floats:
        """Return rows compared with columns in the vocabulary of both, shape (r, c); nan where either states nothing."""
        wide = self.wide_only[rows][:, None] | other.wide_only[cols][None, :]
        tables = ((self.wide, other.wide), (self.fine, other.fine))
        found = np.where(wide, *(compare(one[rows], two[cols]) for one, two in tables))
        return np.where(self.known[rows][:, None] & other.known[cols][None, :], found, np.nan)

    def met(self, other: Stated, i: int, j: int) -> tuple[bool, list[Domain]]:
        """Return whether a city and one of another side meet in the wider vocabulary, and the domains that both state."""
        wide = bool(self.wide_only[i] or other.wide_only[j])
        both = (self.wide[i] * other.wide[j]) if wide else (self.fine[i] * other.fine[j])
        names: tuple[Domain, ...] = WIDE if wide else FINE
        return wide, [names[k] for k in np.flatnonzero(both)]

    def closed(self) -> Stated:
        """Scale each city's weights to sum to 1 in both vocabularies."""
        for table in (self.fine, self.wide):
            total = table.sum(axis=1, keepdims=True)
            np.divide(table, total, out=table, where=total > 0)
        return self


def _matrix(stated: Sequence[Mapping[Any, float]], names: Sequence[Domain | Lever]) -> Floats:
    rows = [[s.get(name, 0.0) for name in names] for s in stated]
    return np.array(rows, dtype=np.float64).reshape(-1, len(names))


def challenges(cohort: Cohort) -> Stated:
    """Return the cities' challenges, weights scaled to sum to 1; named without weight count alike."""
    stated = [c.challenges or {} for c in cohort.cities]
    return Stated([{d: float(w or 1) for d, w in s.items()} for s in stated]).closed()


def strengths(cohort: Cohort) -> Stated:
    """Return the cities' strengths in [0, 1]: stated weight over 3, pilots and unweighted ones 2/3.

    A pilot's "stationary energy" counts in the wider vocabulary only, unless nothing finer is stated.
    """
    rows = []
    for i, city in enumerate(cohort.cities):
        own = city.strengths or {}
        stated = {d: (w / 3 if w else UNWEIGHTED_STRENGTH) for d, w in own.items()}
        for domain in (d for pilot in cohort.pilots(i) for d in pilot.domains):
            stated[domain] = max(stated.get(domain, 0.0), UNWEIGHTED_STRENGTH)
        rows.append(stated)
    table = Stated(rows)
    table.wide_only &= ~np.array([bool(c.strengths) for c in cohort.cities])
    return table


def lever_table(stated: Iterable[Iterable[Lever] | None]) -> tuple[Floats, NDArray[np.bool_]]:
    """Return levers as 0 or 1, shape (n, L), and who has stated any, shape (n,)."""
    rows = [dict.fromkeys(levers or (), 1.0) for levers in stated]
    return _matrix(rows, LEVERS), np.array([bool(row) for row in rows])


def offered_levers(cohort: Cohort) -> list[tuple[Lever, ...]]:
    """Return the levers that each city can show: stated, and those of its pilot activities."""
    piloted = ((c, [p.levers for p in cohort.pilots(i)]) for i, c in enumerate(cohort.cities))
    return [tuple(dict.fromkeys(chain(c.levers_offered or (), *more))) for c, more in piloted]


class SharedChallenges:
    """Overlap of the challenges of two cities: weighted Jaccard (Ruzicka) of weights that sum to 1."""

    def __init__(self, cohort: Cohort, _: FacetCache) -> None:
        self._cities = cohort.cities
        self._table = t = challenges(cohort)
        self.kinds = kinds_of(t.fine, t.wide, t.wide_only, t.known)

    def likeness(self, rows: Ints, cols: Ints) -> Floats:
        """Return the overlap, shape (r, c)."""
        return self._table.beside(self._table, rows, cols, _ruzicka)

    def says(self, i: int, j: int) -> tuple[str, tuple[Fact, ...]]:
        """Return the challenges that both name."""
        one, other = self._cities[i], self._cities[j]
        if not one.challenges or not other.challenges:
            without = [c.name for c in (one, other) if not c.challenges]
            return say("The challenges of {cities} are not known.", cities=listed(without)), ()
        text = say("{one} and {other} name no challenge in common.", one=one.name, other=other.name)
        if shared := _shared_domains(one.challenges, other.challenges):
            strong = {*(one.strengths or ()), *(other.strengths or ())}
            # Who states strengths in a domain struggles with it only where the two share nothing else.
            shared = [d for d in shared if d not in strong] or shared
            text = say("Both struggle with {shared}.", shared=listed([IN_TEXT[d] for d in shared]))
        return text, _domain_facts(one, "challenges") + _domain_facts(other, "challenges")


COASTAL: Final = Topic("ports_shipping_aviation")  # type: ignore[call-arg]
"""A topic that few cities have anything of: no example of a wide field."""


class ChallengesMet:
    """Cover of the guest's challenges by what the host is strong in: sum of challenge weight times strength."""

    def __init__(self, cohort: Cohort, facet_cache: FacetCache) -> None:
        self._cohort, self._facet_cache = cohort, facet_cache
        self._needs = challenges(cohort)
        self._shows = strengths(cohort)

    def likeness(self, rows: Ints, cols: Ints) -> Floats:
        """Return how much of each row's challenges each column can show, shape (r, c)."""
        return self._needs.beside(self._shows, rows, cols, lambda a, b: a @ b.T)

    def says(self, i: int, j: int) -> tuple[str, tuple[Fact, ...]]:
        """Return which of the guest's challenges the host is strong in, with an example of it."""
        guest, host = self._cohort.cities[i], self._cohort.cities[j]
        names = {"guest": guest.name, "host": host.name}
        facts = _domain_facts(guest, "challenges")
        if not guest.challenges:
            return say("The challenges of {cities} are not known.", cities=guest.name), ()
        if not self._shows.known[j]:
            return say("The areas in which {host} is strong are not known.", host=host.name), facts
        _, met = self._needs.met(self._shows, i, j)
        text = say("{host} is known for none of the challenges of {guest}.", **names)
        if met:
            named = say(
                "{guest} names {named} as a challenge.",
                guest=guest.name,
                named=listed([IN_TEXT[d] for d in met]),
            )
            fine = {d for d in FINE if d in met or wider(d) in met}
            text = _with_example(named, self._cohort, self._facet_cache, (i, j), fine)
        facts += _domain_facts(host, "strengths") + _pilot_facts(self._cohort, j)
        return text, facts


def _with_example(
    named: str,
    cohort: Cohort,
    facet_cache: FacetCache,
    pair: tuple[int, int],
    areas: Collection[str],
) -> str:
    """Return wide fields that a guest names, one thing that the host can show of them, and what to ask the guest first."""
    guest, host = (cohort.cities[k].name for k in pair)
    topics = {t for t in Topic if t.area in areas} - {COASTAL}
    found = offers_said(cohort, facet_cache).best_on([pair[1]], topics)
    shown = shows(host, *found) if found else say("{host} works on this.", host=host)
    ask = say("{guest} is asked which part of what it names is to be on the agenda.", guest=guest)
    return joined((named, shown, ask))


class SharedLevers:
    """Overlap of the levers that two cities lack: Jaccard, each lever weighted by log(N / cities that lack it).

    The weighting (Sparck Jones 1972, doi:10.1108/eb026526, smoothed) lets a lever that nearly everyone lacks
    tell less than a rare one.
    """

    def __init__(self, cohort: Cohort, _: FacetCache) -> None:
        self._cities = cohort.cities
        self._table, self._known = lever_table(c.levers_needed for c in cohort.cities)
        count = self._table.sum(axis=0)
        self._weight = np.log((1.0 + self._known.sum()) / (1.0 + count)) + 0.1
        self.kinds = kinds_of(self._table, self._known)

    def likeness(self, rows: Ints, cols: Ints) -> Floats:
        """Return the weighted overlap, shape (r, c)."""
        overlap = _ruzicka(self._table[rows] * self._weight, self._table[cols] * self._weight)
        return np.where(self._known[rows][:, None] & self._known[cols][None, :], overlap, np.nan)

    def says(self, i: int, j: int) -> tuple[str, tuple[Fact, ...]]:
        """Return the levers that both lack."""
        one, other = self._cities[i], self._cities[j]
        if not one.levers_needed or not other.levers_needed:
            without = [c.name for c in (one, other) if not c.levers_needed]
            return say("The levers needed of {cities} are not known.", cities=listed(without)), ()
        text = say("{one} and {other} lack different levers.", one=one.name, other=other.name)
        if shared := [NAMES[v] for v in one.levers_needed if v in other.levers_needed]:
            text = say("Both look for help with {shared}.", shared=listed(shared))
        return text, _lever_facts(one, "levers_needed") + _lever_facts(other, "levers_needed")


class LeversMet:
    """Share of the levers the guest lacks that the host can show."""

    def __init__(self, cohort: Cohort, facet_cache: FacetCache) -> None:
        self._cohort, self._facet_cache = cohort, facet_cache
        self._needs, self._needs_known = lever_table(c.levers_needed for c in cohort.cities)
        self._offers = offered_levers(cohort)
        self._shows, self._shows_known = lever_table(self._offers)

    def likeness(self, rows: Ints, cols: Ints) -> Floats:
        """Return the share of each row's needed levers that each column offers, shape (r, c)."""
        needed = self._needs[rows]
        total = np.maximum(needed.sum(axis=1), 1.0)[:, None]
        known = self._needs_known[rows][:, None] & self._shows_known[cols][None, :]
        return np.where(known, (needed @ self._shows[cols].T) / total, np.nan)

    def says(self, i: int, j: int) -> tuple[str, tuple[Fact, ...]]:
        """Return the levers that the guest lacks and the host can show."""
        guest, host = self._cohort.cities[i], self._cohort.cities[j]
        names = {"guest": guest.name, "host": host.name}
        facts = _lever_facts(guest, "levers_needed")
        if not guest.levers_needed:
            return say("The levers that {guest} lacks are not known.", guest=guest.name), ()
        if not self._shows_known[j]:
            return say("The levers that {host} can show are not known.", host=host.name), facts
        text = say("{host} is known for none of the levers that {guest} looks for.", **names)
        if met := [v for v in guest.levers_needed if v in self._offers[j]]:
            sought = listed([NAMES[v] for v in met])
            named = say("{guest} looks for help with {met}.", guest=guest.name, met=sought)
            text = _with_example(named, self._cohort, self._facet_cache, (i, j), met)
        facts += _lever_facts(host, "levers_offered") + _pilot_facts(self._cohort, j)
        return text, facts


class Returns:
    """What flows back: how far the guest meets the host's own challenges and levers (mean of what is known)."""

    def __init__(self, cohort: Cohort, facet_cache: FacetCache) -> None:
        self._challenges = ChallengesMet(cohort, facet_cache)
        self._levers = LeversMet(cohort, facet_cache)

    def likeness(self, rows: Ints, cols: Ints) -> Floats:
        """Return how much each row can give each column, shape (r, c)."""
        back = [facet.likeness(cols, rows).T for facet in (self._challenges, self._levers)]
        return known_mean(np.stack(back), 0)

    def says(self, i: int, j: int) -> tuple[str, tuple[Fact, ...]]:
        """Return what the guest can show the host."""
        back, there = np.array([j]), np.array([i])
        facets = (self._challenges, self._levers)
        flows = [f for f in facets if f.likeness(back, there)[0, 0] > 0][:1]
        told = [facet.says(j, i) for facet in flows or facets]
        facts = dict.fromkeys(fact for _, facts in told for fact in facts)
        said = joined(text for text, _ in told)
        return say("In return: {said}", said=said) if flows else said, tuple(facts)


def _ruzicka(one: Floats, other: Floats) -> Floats:
    """Return sum of minima over sum of maxima, shape (r, c), of tables (r, k) and (c, k); 0 where both are empty."""
    low = np.minimum(one[:, None, :], other[None, :, :]).sum(axis=2)
    high = np.maximum(one[:, None, :], other[None, :, :]).sum(axis=2)
    return np.asarray(np.divide(low, high, out=np.zeros_like(low), where=high > 0))


def _shared_domains(one: dict[Domain, int | None], other: dict[Domain, int | None]) -> list[Domain]:
    if Domain.STATIONARY_ENERGY in one or Domain.STATIONARY_ENERGY in other:
        theirs = {wider(d) for d in other}
        return list(dict.fromkeys(wider(d) for d in one if wider(d) in theirs))
    return [d for d in one if d in other]


def _domain_facts(city: City, block: str) -> tuple[Fact, ...]:
    stated: dict[Domain, int | None] = getattr(city, block) or {}
    return _stated(city.id, block == "challenges", tuple(stated.items()), city.source_of(block))


@lru_cache(maxsize=65_536)
def _stated(
    city: str, asks: bool, stated: tuple[tuple[Domain, int | None], ...], source: str
) -> tuple[Fact, ...]:
    found = []
    for d, w in stated:
        what = say("strength: {domain}", domain=NAMES[d])
        if asks:
            what = say("challenge: {domain}", domain=NAMES[d])
        unit = say("weight 1-3") if w else ""
        found.append(Fact(city, what, w, unit, kind="stated", source=source))
    return tuple(found)


def _lever_facts(city: City, block: str) -> tuple[Fact, ...]:
    stated: tuple[Lever, ...] = getattr(city, block) or ()
    what = say("levers needed") if block == "levers_needed" else say("levers offered")
    return (fact_of(city, block, what, _levers(stated), kind="stated"),) if stated else ()


@lru_cache(maxsize=4096)
def _levers(named: tuple[Lever, ...]) -> str:
    return listed([NAMES[v] for v in named])


def _pilot_facts(cohort: Cohort, i: int) -> tuple[Fact, ...]:
    city, what = cohort.cities[i].id, say("pilot activity")
    return tuple(
        Fact(city, what, pilot.activity, source=cohort.pilot_source(i, pilot))
        for pilot in cohort.pilots(i)
    )


class Wishes:
    """1 for the first wish, falling by equal steps to the last, 0 for hosts not asked for; both sides averaged.

    Wishes in no order are worth the mean of these steps each. A guest's wish may name a city or its host unit. nan
    where neither side has stated any wish.
    """

    def __init__(self, cohort: Cohort, _: FacetCache) -> None:
        self._cohort = cohort
        self._asked = [self._worth(c.wishes, c.wishes_unordered) for c in cohort.cities]
        self._welcomed = [self._worth(c.welcomes, c.wishes_unordered) for c in cohort.cities]

    def _worth(self, wishes: tuple[str, ...], unordered: bool | None) -> dict[int, float]:
        """Return the worth of each city wished for, by its index; a unit stands for all its members."""
        worth: dict[int, float] = {}
        for rank, name in enumerate(wishes):
            step = (len(wishes) - 1) / 2 if unordered else rank
            for city in self._cohort.cities_of[name]:
                worth.setdefault(city, 1.0 - step / len(wishes))
        return worth

    def likeness(self, rows: Ints, cols: Ints) -> Floats:
        """Return how far each row and column asked for each other, shape (r, c)."""
        asked = _lookup(self._asked, rows, cols)
        return known_mean(np.stack([asked, _lookup(self._welcomed, cols, rows).T]), 0)

    def says(self, i: int, j: int) -> tuple[str, tuple[Fact, ...]]:
        """Return who asked for whom, and in which place where the wishes have an order."""
        guest, host = self._cohort.cities[i], self._cohort.cities[j]
        parts, facts = [], []
        for one, other, wishes in ((guest, host, guest.wishes), (host, guest, host.welcomes)):
            if not wishes:
                continue
            unit = self._cohort.unit_of.get(other.id)
            names = {other.id, unit.id if unit else other.id}
            place = next((k for k, name in enumerate(wishes, 1) if name in names), 0)
            told = {"one": one.name, "other": other.name}
            if not place:
                units = {u.id: u.name for u in self._cohort.units}
                named = (units.get(w) or self._cohort.city(w).name for w in wishes)
                others = listed([*named])
                parts.append(say("{one} asked for {others}", one=one.name, others=others))
            elif one.wishes_unordered:
                parts.append(say("{one} named {other} among its wishes", **told))
            elif place == 1:
                parts.append(say("{one} named {other} as its first choice", **told))
            else:
                says = "{one} named {other} as its second choice"
                if place > 2:
                    says = "{one} named {other} as its choice {place} of {wishes}"
                parts.append(say(says, **told, place=place, wishes=len(wishes)))
            what = say("wishes, best first"), ""
            if one.wishes_unordered:
                what = say("wishes"), say("in no order")
            name, order = what
            facts.append(fact_of(one, "wishes", name, "; ".join(wishes), order, kind="stated"))
        if not parts:
            told = {"guest": guest.name, "host": host.name}
            return say("{guest} has named no host, and {host} no guest.", **told), ()
        return joined(parts, "; ") + ".", tuple(facts)


def _lookup(worth: list[dict[int, float]], rows: Ints, cols: Ints) -> Floats:
    table = np.full((len(rows), len(cols)), np.nan)
    place = {int(j): c for c, j in enumerate(cols)}
    for r, i in enumerate(rows):
        if worth[int(i)]:
            table[r] = 0.0
            for j, value in worth[int(i)].items():
                if j in place:
                    table[r, place[j]] = value
    return table
