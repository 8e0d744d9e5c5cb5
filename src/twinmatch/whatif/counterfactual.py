"""Answers that a city can change, and how well every host would fit it then.

Only what a city says of itself is an answer: what it wishes, what it struggles with, what it lacks and what it
can show. Its country, size, climate and emissions are no answers, and its readiness is work and not a word.
An answer is only ever added, since nobody should unsay a true need to be matched.

Notation: H hosts of the frame; a score row (H,) has the score of one guest with every host.

The interview plan: which applicants to ask what, by how many pairs their answers would change.

Value of information (Howard 1966, doi:10.1109/TSSC.1966.300074) by simulation: a city's open answers are drawn from
the cities whose answers are known, the round is solved again, and the pairs that differ are counted. A city whose
eligibility is not known is eligible in as large a part of the draws as those of whom it is known.

Notation: H hosts, G guests; score and known (H, G); a draw fills one column.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from twinmatch.affinity import compare
from twinmatch.cohort import City, Cohort, Host
from twinmatch.errors import NoProposalError, QuestionError
from twinmatch.facets.domains import FINE, LEVERS, challenges, offered_levers, strengths
from twinmatch.programmes.eligibility import applicants, to_ask
from twinmatch.programmes.round import Round
from twinmatch.programmes.rules import (
    ANSWERS,
    GATE,
    QUESTIONS,
    Rule,
    ask,
    forbid,
    gate,
    missing,
)
from twinmatch.programmes.twinning import PreparedTwinning, Twinning, prepare, solve_twinning
from twinmatch.proposal import Ask
from twinmatch.proposal.wire import Hidden, Number
from twinmatch.schema import NAMES, Domain, Lever
from twinmatch.solving import Bools, Floats
from twinmatch.standings import expected_standing, standing
from twinmatch.whatif.case import Case, open_case
from twinmatch.wording import listed, say

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


TOGETHER: Final = 3
"""Answers that are looked at together, at most."""

LIFT: Final = 1e-9
"""A lift of the score below this is rounding."""


@dataclass(frozen=True)
class ChangedAnswer:
    """One answer changed: the block of the profile, what it names there by its code, in words, and the block's new value."""

    block: str
    names: Hidden[str]
    says: str
    value: Hidden[object]


def answered(city: City, answers: Sequence[ChangedAnswer]) -> City:
    """Return the city with some of its answers changed; each block at most once, the last one counts."""
    return city.model_copy(update={answer.block: answer.value for answer in answers})


def with_city(cohort: Cohort, city: City) -> Cohort:
    """Return the cohort with one city's profile exchanged, under the same id."""
    i = cohort.index[city.id]
    return replace(cohort, cities=(*cohort.cities[:i], city, *cohort.cities[i + 1 :]))


def possible_answers(cohort: Cohort, city: City, host: Host) -> Iterator[ChangedAnswer]:
    """Yield each single answer that the city could add and that speaks to a host, in a fixed order."""
    if host.id not in (city.wishes if city.wishes_unordered else city.wishes[:1]):
        wishes = (host.id, *(w for w in city.wishes if w != host.id))
        says = "names {host} as its first wish"
        if city.wishes_unordered:
            says = "names {host} among its wishes"
        yield ChangedAnswer("wishes", host.id, say(says, host=host.name), wishes)
    yield from _domains(cohort, city, host)
    yield from _levers(cohort, city, host)


def _domains(cohort: Cohort, city: City, host: Host) -> Iterator[ChangedAnswer]:
    for block, table, stated in (
        ("challenges", strengths(cohort), city.challenges),
        ("strengths", challenges(cohort), city.strengths),
    ):
        for k, domain in enumerate(FINE):
            speaks = table.fine[list(host.cities), k].any()
            if speaks and (stated or {}).get(domain) != TOP_WEIGHT:
                says = (
                    say("names {domain} as a main challenge", domain=NAMES[domain])
                    if block == "challenges"
                    else say("names {domain} as a main strength", domain=NAMES[domain])
                )
                yield ChangedAnswer(block, domain, says, _with_domain(stated, domain))


def _with_domain(stated: dict[Domain, int | None] | None, domain: Domain) -> dict[Domain, int]:
    """The domains stated, with one at the top weight; those named without a weight count as weight 1."""
    return {d: w or 1 for d, w in (stated or {}).items()} | {domain: TOP_WEIGHT}


def _levers(cohort: Cohort, city: City, host: Host) -> Iterator[ChangedAnswer]:
    shown = offered_levers(cohort)
    offered = {lever for i in host.cities for lever in shown[i]}
    lacking = {lever for i in host.cities for lever in cohort.cities[i].levers_needed or ()}
    for block, wanted in (("levers_needed", offered), ("levers_offered", lacking)):
        stated: tuple[Lever, ...] = getattr(city, block) or ()
        for lever in LEVERS:
            if lever in wanted and lever not in stated:
                says = (
                    say("says that it looks for help with {lever}", lever=NAMES[lever])
                    if block == "levers_needed"
                    else say("says that it can show {lever}", lever=NAMES[lever])
                )
                yield ChangedAnswer(block, lever, says, (*stated, lever))


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
        now, known = standing(likeness, affinity.comparable)[[g]], ~np.isnan(likeness[[g]])
        silent = expected_standing(now, known & affinity.comparable[[g]])[0]
        total += weight * np.where(known[0], now[0], silent)
    return total


def case_if(case: Case, city: City) -> Case:
    """Return the round were a city's profile this one: everything compared and settled again."""
    round_ = replace(case.round, cohort=with_city(case.round.cohort, city))
    return open_case(round_, case.settings)


def best_additions(
    case: Case, g: int, h: int
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
        same = (single.block, single.names)
        answer = next((a for a in again if (a.block, a.names) == same), None)
        if answer is None:
            continue
        together = lifted if not taken else score_row(case, g, (*taken, answer))
        if together[h] > row[h] + LIFT:
            taken, row = (*taken, answer), together
            if len(taken) > 1:
                yield taken, row
        if len(taken) == TOGETHER:
            return


def _lead(row: Floats, h: int) -> float:
    """How far a host is above the mean of all: what an answer says of this host and not of everyone."""
    return float(row[h]) - float(row.mean())


def said(name: str, answers: Sequence[ChangedAnswer]) -> str:
    """Return changed answers as the condition of a sentence: "If Braga names … and says …"."""
    return say(
        "If {city} {answers}", city=name, answers=listed([answer.says for answer in answers])
    )


# --- the interview plan --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Interview:
    """A city to ask: pairs that its answers change on average, the part of the draws in which it gets a pair, questions."""

    city: str
    pairs_changed: Number
    gets_a_pair: Number
    ask: tuple[Ask, ...]


def interview_plan(
    round_: Round, settings: Twinning, *, cities: int = 12, draws: int = 3, rng: int = 0
) -> list[Interview]:
    """Return the cities whose answers would change most pairs, best first; cities without an open question are left out.

    ``cities`` is how many are simulated, those first whose drawn answers score highest. Raises QuestionError for a
    number below 1, NoProposalError where the round has no answer.
    """
    if cities < 1 or draws < 1:
        raise QuestionError.of(
            "interview-wrong",
            f"Asked for {cities} cities and {draws} draws.",
            do="Ask for at least 1.",
        )
    plan = _Plan.of(round_, settings)
    random = np.random.default_rng(rng)
    open_ = [
        (g, asked) for g in range(len(plan.ready.frame.guests)) if (asked := plan.questions(g))
    ]
    answers = {g: [plan.drawn(g, asked, random) for _ in range(draws)] for g, asked in open_}
    best = sorted(
        open_, key=lambda x: (-round(max(float(s.max()) for s, _, _ in answers[x[0]]), 9), x[0])
    )
    before = plan.solved()
    found = []
    for g, asked in best[:cities]:
        after = [plan.solved(g, *answer) for answer in answers[g]]
        changed = [int((a & ~before).sum() + (before & ~a).sum()) for a in after]
        gets = [bool(a.reshape(plan.shape)[:, g].any()) for a in after]
        city = round_.id(plan.ready.frame.guests[g])
        found.append(Interview(city, float(np.mean(changed)), float(np.mean(gets)), asked))
    return sorted(found, key=lambda i: (-round(i.pairs_changed, 9), i.city))


@dataclass(frozen=True, eq=False)
class _Plan:
    """The round with those let in whose eligibility is not known, closed until they answer."""

    round: Round
    settings: Twinning
    ready: PreparedTwinning
    closed: Bools
    """Guests whose eligibility is not known, (G,)."""
    eligible: float
    """Part of those of whom it is known that are eligible."""

    @classmethod
    def of(cls, round_: Round, settings: Twinning) -> _Plan:
        who = applicants(round_, settings.guests)
        guests = settings.guests.model_copy(update={"unknown": "let in"})
        ready = prepare(round_, settings.model_copy(update={"guests": guests}))
        closed = np.array([i in who.ask for i in ready.frame.guests], dtype=bool)
        known = len(who.eligible) + len(who.refused)
        return cls(round_, settings, ready, closed, len(who.eligible) / known if known else 1.0)

    @property
    def shape(self) -> tuple[int, int]:
        """Return the number of hosts and of guests."""
        return len(self.ready.frame.hosts), len(self.ready.frame.guests)

    def questions(self, g: int) -> tuple[Ask, ...]:
        """Return the open questions to a guest: those of eligibility, then the weightiest facets'."""
        affinity, i = self.ready.affinity, self.ready.frame.guests[g]
        city = self.round.cohort.cities[i]
        silent = {n: w for n, w in affinity.weights.items() if not self._known(n, g).any()}
        blocks = missing(city, silent)
        worth = {b: sum(w for n, w in silent.items() if n in ANSWERS[b]) for b in blocks}
        order = sorted(blocks, key=lambda b: (-round(worth[b], 9), list(QUESTIONS).index(b)))
        return (*to_ask(city, self.settings.guests), *(ask(city, b) for b in order[:3]))

    def _known(self, facet: str, g: int) -> Bools:
        return np.asarray(~np.isnan(self.ready.affinity.likeness[facet][g]))

    def drawn(
        self, g: int, asked: tuple[Ask, ...], random: np.random.Generator
    ) -> tuple[Floats, Floats, bool]:
        """Return a guest's scores and known parts (H,) with its answers drawn, and whether it is eligible."""
        affinity, none = self.ready.affinity, frozenset[str]()
        answered = none.union(*(ANSWERS.get(q.block, none) for q in asked))
        score, known = affinity.score[g].copy(), affinity.coverage[g].copy()
        for name, weight in affinity.weights.items():
            if name not in answered or self._known(name, g).any():
                continue
            there = ~np.isnan(affinity.likeness[name])
            donors = np.flatnonzero(there.any(axis=1))
            if not len(donors):
                continue
            donor = int(donors[random.integers(len(donors))])
            score += weight * (affinity.standing[name][donor] - affinity.standing[name][g])
            known += weight * there[donor]
        yes = not self.closed[g] or bool(random.random() < self.eligible)
        return np.round(score, 9), known, yes

    def solved(
        self,
        g: int = -1,
        score: Floats | None = None,
        known: Floats | None = None,
        yes: bool = False,
    ) -> Bools:
        """Return the answer of the round, (m,), with one guest's column replaced where it is given."""
        ready, closed = self.ready, self.closed.copy()
        table, covered = ready.affinity.score.T.copy(), ready.affinity.coverage.T.copy()
        if score is not None and known is not None:
            table[:, g], covered[:, g], closed[g] = score, known, not yes
        rules: list[Rule] = [r for r in ready.rules if r.name != GATE]
        below = gate(covered.ravel(), self.settings.known_at_least)
        rules += [below] if below else []
        shut = np.broadcast_to(closed, self.shape).ravel()
        rules += [forbid("to be asked", "Eligibility is known.", shut)] if shut.any() else []
        candidates = replace(ready.candidates, score=table.ravel())
        try:
            return solve_twinning(replace(ready, rules=tuple(rules), candidates=candidates))[0]
        except NoProposalError:
            if score is None:
                raise
            return np.zeros(len(candidates), dtype=bool)
