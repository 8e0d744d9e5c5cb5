"""Domains and levers: shared challenges for groups; for learning, what the host can show of what the guest lacks.

Two vocabularies meet here. Contracts tell buildings from energy systems; the pilot and twinning calls have
"stationary energy" for both. What cannot be split is not split: where either city speaks the wider language,
both are compared on the wider domain.

Notation: F = 6 finer domains, C = 5 wider ones, L = 10 levers; challenges (n, F) sum to 1 a city; strengths
(n, F) in [0, 1]; levers (n, L) are 0 or 1; known (n,) tells who has stated anything.

Wishes: the host units that a guest asked for, and the guests that a host asked for, by their ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twinmatch.cohort import Cohort
from twinmatch.facets.base import FacetCache, Floats, Ints, kinds_of
from twinmatch.proposal import Fact
from twinmatch.schema import NAMES, City, Domain, Lever
from twinmatch.wording import joined, listed, say

FINE: Final = tuple(d for d in Domain if d is not Domain.STATIONARY_ENERGY)
WIDE: Final = tuple(d for d in Domain if d not in {Domain.BUILT_ENVIRONMENT, Domain.ENERGY_SYSTEMS})
LEVERS: Final = tuple(Lever)
UNWEIGHTED_STRENGTH: Final = 2 / 3
"""Worth of a strength that is named without a weight, or that a pilot activity shows."""


def wider(domain: Domain) -> Domain:
    """Return the wider domain of a domain: buildings and energy systems are both stationary energy."""
    return (
        Domain.STATIONARY_ENERGY
        if domain in {Domain.BUILT_ENVIRONMENT, Domain.ENERGY_SYSTEMS}
        else domain
    )


class Stated:
    """Weights of domains by city in both vocabularies, and who speaks which."""

    def __init__(self, stated: list[dict[Domain, float]]) -> None:
        self.known = np.array([bool(s) for s in stated])
        self.wide_only = np.array([Domain.STATIONARY_ENERGY in s for s in stated])
        self.fine = _matrix([{d: w for d, w in s.items() if d in FINE} for s in stated], FINE)
        rolled: list[dict[Domain, float]] = []
        for s in stated:
            row: dict[Domain, float] = {}
            for d, w in s.items():
                row[wider(d)] = max(w, row.get(wider(d), 0.0))
            rolled.append(row)
        self.wide = _matrix(rolled, WIDE)

    def closed(self) -> Stated:
        """Scale each city's weights to sum to 1 in both vocabularies."""
        for table in (self.fine, self.wide):
            total = table.sum(axis=1, keepdims=True)
            np.divide(table, total, out=table, where=total > 0)
        return self


def _matrix(stated: list[dict[Domain, float]], names: tuple[Domain, ...]) -> Floats:
    return np.array([[s.get(d, 0.0) for d in names] for s in stated], dtype=np.float64).reshape(
        -1, len(names)
    )


def challenges(cohort: Cohort) -> Stated:
    """Return the cities' challenges, weights scaled to sum to 1; named without weight count alike."""
    return Stated(
        [{d: float(w or 1) for d, w in (c.challenges or {}).items()} for c in cohort.cities]
    ).closed()


def strengths(cohort: Cohort) -> Stated:
    """Return the cities' strengths in [0, 1]: stated weight over 3, pilots and unweighted ones 2/3.

    A pilot's "stationary energy" counts in the wider vocabulary only, unless nothing finer is stated.
    """
    rows = []
    for i, city in enumerate(cohort.cities):
        stated = {
            d: (w / 3 if w else UNWEIGHTED_STRENGTH) for d, w in (city.strengths or {}).items()
        }
        for domain in (d for pilot in cohort.pilots(i) for d in pilot.domains):
            stated[domain] = max(stated.get(domain, 0.0), UNWEIGHTED_STRENGTH)
        rows.append(stated)
    table = Stated(rows)
    has_finer = np.array([bool(c.strengths) for c in cohort.cities])
    table.wide_only &= ~has_finer
    return table


def lever_table(stated: Iterable[Iterable[Lever] | None]) -> tuple[Floats, NDArray[np.bool_]]:
    """Return levers as 0 or 1, shape (n, L), and who has stated any, shape (n,)."""
    rows = [set(levers or ()) for levers in stated]
    table = np.array([[float(lever in row) for lever in LEVERS] for row in rows]).reshape(
        -1, len(LEVERS)
    )
    return table, np.array([bool(row) for row in rows])


def offered_levers(cohort: Cohort) -> list[tuple[Lever, ...]]:
    """Return the levers that each city can show: stated, and those of its pilot activities."""
    return [
        tuple(
            dict.fromkeys(
                [*(c.levers_offered or ()), *(v for p in cohort.pilots(i) for v in p.levers)]
            )
        )
        for i, c in enumerate(cohort.cities)
    ]


class SharedChallenges:
    """Overlap of the challenges of two cities: weighted Jaccard (Ruzicka) of weights that sum to 1."""

    def __init__(self, cohort: Cohort, _: FacetCache) -> None:
        self._cities = cohort.cities
        self._table = t = challenges(cohort)
        self.kinds = kinds_of(t.fine, t.wide, t.wide_only, t.known)

    def likeness(self, rows: Ints, cols: Ints) -> Floats:
        """Return the overlap, shape (r, c)."""
        t = self._table
        overlap = np.where(
            t.wide_only[rows][:, None] | t.wide_only[cols][None, :],
            _ruzicka(t.wide[rows], t.wide[cols]),
            _ruzicka(t.fine[rows], t.fine[cols]),
        )
        return np.where(t.known[rows][:, None] & t.known[cols][None, :], overlap, np.nan)

    def says(self, i: int, j: int) -> tuple[str, tuple[Fact, ...]]:
        """Return the challenges that both name."""
        one, other = self._cities[i], self._cities[j]
        if not one.challenges or not other.challenges:
            without = [c.name for c in (one, other) if not c.challenges]
            return say("The challenges of {cities} are not known.", cities=listed(without)), ()
        shared = _shared_domains(one.challenges, other.challenges)
        text = (
            say("Both struggle with {shared}.", shared=listed([NAMES[d] for d in shared]))
            if shared
            else say(
                "{one} and {other} name no challenge in common.", one=one.name, other=other.name
            )
        )
        return text, _domain_facts(one, "challenges") + _domain_facts(other, "challenges")


class ChallengesMet:
    """Cover of the guest's challenges by what the host is strong in: sum of challenge weight times strength."""

    def __init__(self, cohort: Cohort, _: FacetCache) -> None:
        self._cohort = cohort
        self._needs = challenges(cohort)
        self._shows = strengths(cohort)

    def likeness(self, rows: Ints, cols: Ints) -> Floats:
        """Return how much of each row's challenges each column can show, shape (r, c)."""
        needs, shows = self._needs, self._shows
        cover = np.where(
            needs.wide_only[rows][:, None] | shows.wide_only[cols][None, :],
            needs.wide[rows] @ shows.wide[cols].T,
            needs.fine[rows] @ shows.fine[cols].T,
        )
        return np.where(needs.known[rows][:, None] & shows.known[cols][None, :], cover, np.nan)

    def says(self, i: int, j: int) -> tuple[str, tuple[Fact, ...]]:
        """Return which of the guest's challenges the host is strong in."""
        guest, host = self._cohort.cities[i], self._cohort.cities[j]
        if not guest.challenges:
            return say("The challenges of {cities} are not known.", cities=guest.name), ()
        if not self._shows.known[j]:
            return say("What {host} is strong in is not known.", host=host.name), _domain_facts(
                guest, "challenges"
            )
        wide = bool(self._needs.wide_only[i] or self._shows.wide_only[j])
        names, needs, shows = (
            (WIDE, self._needs.wide[i], self._shows.wide[j])
            if wide
            else (FINE, self._needs.fine[i], self._shows.fine[j])
        )
        met = [d for d, n, s in zip(names, needs, shows, strict=True) if n > 0 and s > 0]
        unmet = [d for d, n, s in zip(names, needs, shows, strict=True) if n > 0 and s == 0]
        stated = {wider(d) if wide else d for d in host.strengths or ()}
        strong = [NAMES[d] for d in met if d in stated]
        piloted = [NAMES[d] for d in met if d not in stated]
        parts = [say("is strong in {strong}", strong=listed(strong))] if strong else []
        parts += (
            [say("has a pilot activity on {piloted}", piloted=listed(piloted))] if piloted else []
        )
        text = (
            say(
                "{host} {parts}: {of} that {guest} struggles with.",
                host=host.name,
                parts=joined(parts, " and "),
                of=_of(met, unmet),
                guest=guest.name,
            )
            if met
            else say(
                "{host} is known for none of the challenges of {guest}.",
                host=host.name,
                guest=guest.name,
            )
        )
        return text, _domain_facts(guest, "challenges") + _domain_facts(
            host, "strengths"
        ) + _pilot_facts(self._cohort, j)


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
        one, other = self._table[rows] * self._weight, self._table[cols] * self._weight
        return np.where(
            self._known[rows][:, None] & self._known[cols][None, :], _ruzicka(one, other), np.nan
        )

    def says(self, i: int, j: int) -> tuple[str, tuple[Fact, ...]]:
        """Return the levers that both lack."""
        one, other = self._cities[i], self._cities[j]
        if not one.levers_needed or not other.levers_needed:
            without = [c.name for c in (one, other) if not c.levers_needed]
            return say("The levers needed of {cities} are not known.", cities=listed(without)), ()
        shared = [NAMES[v] for v in one.levers_needed if v in other.levers_needed]
        text = (
            say("Both look for help with {shared}.", shared=listed(shared))
            if shared
            else say("{one} and {other} lack different levers.", one=one.name, other=other.name)
        )
        return text, _lever_facts(one, "levers_needed") + _lever_facts(other, "levers_needed")


class LeversMet:
    """Share of the levers the guest lacks that the host can show."""

    def __init__(self, cohort: Cohort, _: FacetCache) -> None:
        self._cohort = cohort
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
        if not guest.levers_needed:
            return say("The levers that {guest} lacks are not known.", guest=guest.name), ()
        if not self._shows_known[j]:
            return say(
                "The levers that {host} can show are not known.", host=host.name
            ), _lever_facts(guest, "levers_needed")
        met = [NAMES[v] for v in guest.levers_needed if v in self._offers[j]]
        unmet = [NAMES[v] for v in guest.levers_needed if v not in self._offers[j]]
        text = (
            say(
                "{host} can help with {of} that {guest} looks for: {met}.",
                host=host.name,
                of=_of(met, unmet, levers=True),
                guest=guest.name,
                met=listed(met),
            )
            if met
            else say(
                "{host} is known for none of the levers that {guest} looks for.",
                host=host.name,
                guest=guest.name,
            )
        )
        return text, _lever_facts(guest, "levers_needed") + _lever_facts(
            host, "levers_offered"
        ) + _pilot_facts(self._cohort, j)


class Returns:
    """What flows back: how far the guest meets the host's own challenges and levers (mean of what is known)."""

    def __init__(self, cohort: Cohort, facet_cache: FacetCache) -> None:
        self._challenges = ChallengesMet(cohort, facet_cache)
        self._levers = LeversMet(cohort, facet_cache)

    def likeness(self, rows: Ints, cols: Ints) -> Floats:
        """Return how much each row can give each column, shape (r, c)."""
        back = np.stack(
            [self._challenges.likeness(cols, rows).T, self._levers.likeness(cols, rows).T]
        )
        known = ~np.isnan(back)
        with np.errstate(invalid="ignore"):
            total = np.where(known, back, 0.0).sum(axis=0)
            return np.asarray(total / np.where(known.any(axis=0), known.sum(axis=0), np.nan))

    def says(self, i: int, j: int) -> tuple[str, tuple[Fact, ...]]:
        """Return what the guest can show the host."""
        pair = np.array([j]), np.array([i])
        parts = [
            (facet.says(j, i), bool(facet.likeness(*pair)[0, 0] > 0))
            for facet in (self._challenges, self._levers)
        ]
        told = [part for part, flows in parts if flows] or [part for part, _ in parts]
        return joined(text for text, _ in told), tuple(
            dict.fromkeys(f for _, facts in told for f in facts)
        )


def _of(met: Sequence[object], unmet: Sequence[object], levers: bool = False) -> str:
    """Return how many are met, such as "2 of the 3 domains" or "the domain"."""
    total = len(met) + len(unmet)
    if total == 1:
        return say("the lever") if levers else say("the domain")
    if unmet:
        part = {"met": len(met), "total": total}
        return (
            say("{met} of the {total} levers", **part)
            if levers
            else say("{met} of the {total} domains", **part)
        )
    if total == 2:
        return say("both levers") if levers else say("both domains")
    return say("all {n} levers", n=total) if levers else say("all {n} domains", n=total)


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
    needs, source = block == "challenges", city.source_of(block)
    return tuple(
        Fact(
            city.id,
            say("challenge: {domain}", domain=NAMES[d])
            if needs
            else say("strength: {domain}", domain=NAMES[d]),
            w,
            say("weight 1-3") if w else "",
            None,
            "stated",
            source,
        )
        for d, w in stated.items()
    )


def _lever_facts(city: City, block: str) -> tuple[Fact, ...]:
    stated: tuple[Lever, ...] = getattr(city, block) or ()
    named, source = listed([NAMES[v] for v in stated]), city.source_of(block)
    what = say("levers needed") if block == "levers_needed" else say("levers offered")
    return (Fact(city.id, what, named, kind="stated", source=source),) if stated else ()


def _pilot_facts(cohort: Cohort, i: int) -> tuple[Fact, ...]:
    return tuple(
        Fact(
            cohort.cities[i].id,
            say("pilot activity"),
            pilot.activity,
            source=cohort.pilot_source(i, pilot),
        )
        for pilot in cohort.pilots(i)
    )


class Wishes:
    """1 for the first wish, falling by equal steps to the last, 0 for hosts not asked for; both sides averaged.

    A guest's wish may name a city or its host unit. nan where neither side has stated any wish.
    """

    def __init__(self, cohort: Cohort, _: FacetCache) -> None:
        self._cohort = cohort
        self._asked = [self._worth(city.wishes) for city in cohort.cities]
        self._welcomed = [self._worth(city.welcomes) for city in cohort.cities]

    def _worth(self, wishes: tuple[str, ...]) -> dict[int, float]:
        """Return the worth of each city wished for, by its index; a unit stands for all its members."""
        worth: dict[int, float] = {}
        for rank, name in enumerate(wishes):
            for city in self._cohort.cities_of[name]:
                worth.setdefault(city, 1.0 - rank / len(wishes))
        return worth

    def likeness(self, rows: Ints, cols: Ints) -> Floats:
        """Return how far each row and column asked for each other, shape (r, c)."""
        asked = _lookup(self._asked, rows, cols)
        welcomed = _lookup(self._welcomed, cols, rows).T
        known = (~np.isnan(asked)).astype(int) + ~np.isnan(welcomed)
        total = np.nan_to_num(asked) + np.nan_to_num(welcomed)
        return np.where(known > 0, total / np.maximum(known, 1), np.nan)

    def says(self, i: int, j: int) -> tuple[str, tuple[Fact, ...]]:
        """Return who asked for whom, and in which place."""
        guest, host = self._cohort.cities[i], self._cohort.cities[j]
        parts, facts = [], []
        for one, other, wishes in ((guest, host, guest.wishes), (host, guest, host.welcomes)):
            if not wishes:
                continue
            unit = self._cohort.unit_of.get(other.id)
            places = [
                k
                for k, name in enumerate(wishes, 1)
                if name in {other.id, unit.id if unit else other.id}
            ]
            told = {"one": one.name, "other": other.name}
            if not places:
                parts.append(say("{one} asked for others", one=one.name))
            elif places[0] == 1:
                parts.append(say("{one} named {other} as its first choice", **told))
            else:
                says = "{one} named {other} as its choice {place} of {wishes}"
                parts.append(say(says, **told, place=places[0], wishes=len(wishes)))
            facts.append(
                Fact(
                    one.id,
                    say("wishes, best first"),
                    "; ".join(wishes),
                    kind="stated",
                    source=one.source_of("wishes"),
                )
            )
        return (
            joined(parts, "; ") + "."
            if parts
            else say(
                "Neither {guest} nor {host} has stated a wish.", guest=guest.name, host=host.name
            )
        ), tuple(facts)


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
