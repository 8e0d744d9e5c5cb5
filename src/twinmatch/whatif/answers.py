"""Answers that a city can change, and how well every host would fit it then.

Only what a city says of itself is an answer: what it wishes, what it struggles with, what it lacks and what it
can show. Its country, size, climate and emissions are no answers, and its readiness is work and not a word.
An answer is only ever added, since nobody should unsay a true need to be matched.

Notation: H hosts of the frame; a score row (H,) has the score of one guest with every host.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twinmatch.affinity import compare, standing
from twinmatch.cohort import City, Cohort, Host
from twinmatch.facets.domains import FINE, LEVERS, challenges, offered_levers, strengths
from twinmatch.schema import NAMES, Domain, Lever
from twinmatch.whatif.case import Case, open_case

Floats = NDArray[np.float64]

TOUCHES: Final[dict[str, frozenset[str]]] = {
    "wishes": frozenset({"wishes"}),
    "challenges": frozenset({"challenges_met", "shared_challenges"}),
    "strengths": frozenset({"returns"}),
    "levers_needed": frozenset({"levers_met", "shared_levers"}),
    "levers_offered": frozenset({"returns"}),
}
"""The facets that each block of a guest's profile speaks to; only these are compared again for its row."""

TOP_WEIGHT: Final = 3
"""The weight of a challenge or strength that a city names as one of its main ones."""


LIFT: Final = 1e-9
"""A lift of the score below this is rounding."""


@dataclass(frozen=True)
class ChangedAnswer:
    """One answer changed: the block of the profile, what would be said, and the block's new value."""

    block: str
    says: str
    value: object


def answered(city: City, answers: Sequence[ChangedAnswer]) -> City:
    """Return the city with some of its answers changed; each block at most once, the last one counts."""
    return city.model_copy(update={answer.block: answer.value for answer in answers})


def with_city(cohort: Cohort, city: City) -> Cohort:
    """Return the cohort with one city's profile exchanged, under the same id."""
    i = cohort.index[city.id]
    return Cohort((*cohort.cities[:i], city, *cohort.cities[i + 1 :]), cohort.units)


def possible_answers(cohort: Cohort, city: City, host: Host) -> Iterator[ChangedAnswer]:
    """Yield each single answer that the city could add and that speaks to a host, in a fixed order."""
    if host.id not in city.wishes[:1]:
        wishes = (host.id, *(w for w in city.wishes if w != host.id))
        yield ChangedAnswer("wishes", f"names {host.name} as its first wish", wishes)
    yield from _domains(cohort, city, host)
    yield from _levers(cohort, city, host)


def _domains(cohort: Cohort, city: City, host: Host) -> Iterator[ChangedAnswer]:
    shown, asked = strengths(cohort), challenges(cohort)
    members = list(host.cities)
    for k, domain in enumerate(FINE):
        if shown.fine[members, k].any() and (city.challenges or {}).get(domain) != TOP_WEIGHT:
            yield ChangedAnswer(
                "challenges",
                f"names {NAMES[domain]} as a main challenge",
                _with_domain(city.challenges, domain),
            )
    for k, domain in enumerate(FINE):
        if asked.fine[members, k].any() and (city.strengths or {}).get(domain) != TOP_WEIGHT:
            yield ChangedAnswer(
                "strengths",
                f"names {NAMES[domain]} as a main strength",
                _with_domain(city.strengths, domain),
            )


def _with_domain(stated: dict[Domain, int | None] | None, domain: Domain) -> dict[Domain, int]:
    """The domains stated, with one at the top weight; those named without a weight count as weight 1."""
    return {d: w or 1 for d, w in (stated or {}).items()} | {domain: TOP_WEIGHT}


def _levers(cohort: Cohort, city: City, host: Host) -> Iterator[ChangedAnswer]:
    shown = offered_levers(cohort)
    offered = {lever for i in host.cities for lever in shown[i]}
    lacking = {lever for i in host.cities for lever in cohort.cities[i].levers_needed or ()}
    for block, says, wanted in (
        ("levers_needed", "says that it looks for help with", offered),
        ("levers_offered", "says that it can show", lacking),
    ):
        stated: tuple[Lever, ...] = getattr(city, block) or ()
        for lever in LEVERS:
            if lever in wanted and lever not in stated:
                yield ChangedAnswer(block, f"{says} {NAMES[lever]}", (*stated, lever))


def score_row(case: Case, g: int, answers: Sequence[ChangedAnswer]) -> Floats:
    """Return the scores of a guest of the frame with every host were its answers these, shape (H,).

    The other guests' likenesses stay; the standings are taken over all pairs again.
    """
    affinity, cohort = case.ready.affinity, case.round.cohort
    guest = case.ready.frame.guests[g]
    touched = frozenset[str]().union(*(TOUCHES[answer.block] for answer in answers))
    weights = {name: w for name, w in affinity.weights.items() if name in touched}
    if not weights:
        return np.asarray(affinity.score[g])
    changed = with_city(cohort, answered(cohort.cities[guest], answers))
    fresh = compare(
        changed, weights, case.round.facet_cache, rows=(guest,), columns=case.hosts
    ).likeness
    total = np.zeros(len(case.hosts))
    for name, weight in affinity.weights.items():
        if name not in fresh:
            total += weight * affinity.standing[name][g]
            continue
        likeness = affinity.likeness[name].copy()
        likeness[g] = fresh[name][0]
        total += weight * standing(likeness, affinity.comparable)[g]
    return total


def case_if(case: Case, city: City) -> Case:
    """Return the round were a city's profile this one: everything compared and settled again."""
    round_ = replace(case.round, cohort=with_city(case.round.cohort, city))
    return open_case(round_, case.settings)


def best_additions(
    case: Case, g: int, h: int, most: int = 3
) -> Iterator[tuple[tuple[ChangedAnswer, ...], Floats]]:
    """Yield growing sets of answers that lift a guest towards a host, each with its score row (H,).

    Every single answer first, the one that lifts the host most above the others leading; then the leading two
    together, then three (greedy, in the order of the single lifts), as long as each lifts the pair.
    """
    cohort = case.round.cohort
    city = cohort.cities[case.ready.frame.guests[g]]
    row = case.ready.affinity.score[g]
    singles = [
        (answer, score_row(case, g, (answer,)))
        for answer in possible_answers(cohort, city, case.hosts[h])
    ]
    singles = [t for t in singles if t[1][h] > row[h] + LIFT]
    singles.sort(key=lambda t: -round(_lead(t[1], h), 9))
    yield from (((answer,), lifted) for answer, lifted in singles)
    taken: tuple[ChangedAnswer, ...] = ()
    for single, lifted in singles:
        again = possible_answers(cohort, answered(city, taken), case.hosts[h])
        answer = next((a for a in again if a.says == single.says), None)
        if answer is None:
            continue
        together = lifted if not taken else score_row(case, g, (*taken, answer))
        if together[h] > row[h] + LIFT:
            taken, row = (*taken, answer), together
            if len(taken) > 1:
                yield taken, row
        if len(taken) == most:
            return


def _lead(row: Floats, h: int) -> float:
    """How far a host is above the mean of all: what an answer says of this host and not of everyone."""
    return float(row[h]) - float(row.mean())


def said(name: str, answers: Sequence[ChangedAnswer]) -> str:
    """Return changed answers as the condition of a sentence: "If Braga names … and says …"."""
    parts = [answer.says for answer in answers]
    listed = parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]
    return f"If {name} {listed}"
