"""The interview plan: which applicants to ask what, by how many pairs their answers would change.

Value of information (Howard 1966, doi:10.1109/TSSC.1966.300074) by simulation: a city's open answers are drawn from
the cities whose answers are known, the round is solved again, and the pairs that differ are counted. A city whose
eligibility is not known is eligible in as large a part of the draws as those of whom it is known.

Notation: H hosts, G guests; score and known (H, G); a draw fills one column.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from twinmatch.errors import NoProposalError, QuestionError
from twinmatch.programmes.eligibility import applicants
from twinmatch.programmes.round import Round
from twinmatch.programmes.rules import ANSWERED_BY, GATE, QUESTIONS, Rule, forbid, gate, missing
from twinmatch.programmes.twinning import PreparedTwinning, Twinning, prepare, solve_twinning
from twinmatch.proposal import Ask
from twinmatch.proposal.wire import Number
from twinmatch.solving import Candidates

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


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
        worth = {
            b: sum(w for n, w in silent.items() if b in ANSWERED_BY.get(n, ())) for b in blocks
        }
        order = sorted(blocks, key=lambda b: (-round(worth[b], 9), list(QUESTIONS).index(b)))
        first = ["commitment", "participation"] if self.closed[g] else []
        asked = [b for b in first if not getattr(city, b)] or first
        return tuple(Ask(city.id, QUESTIONS[b], b) for b in (*asked, *order[:3]))

    def _known(self, facet: str, g: int) -> Bools:
        return np.asarray(~np.isnan(self.ready.affinity.likeness[facet][g]))

    def drawn(
        self, g: int, asked: tuple[Ask, ...], random: np.random.Generator
    ) -> tuple[Floats, Floats, bool]:
        """Return a guest's scores and known parts (H,) with its answers drawn, and whether it is eligible."""
        affinity, blocks = self.ready.affinity, {q.block for q in asked}
        score, known = affinity.score[g].copy(), affinity.coverage[g].copy()
        for name, weight in affinity.weights.items():
            if not blocks & set(ANSWERED_BY.get(name, ())) or self._known(name, g).any():
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
        old = ready.candidates
        candidates = Candidates(old.host, old.guest, table.ravel(), old.n_hosts, old.n_guests)
        again = replace(ready, rules=tuple(rules), candidates=candidates)
        try:
            return solve_twinning(self.round, self.settings, again)[0]
        except NoProposalError:
            if score is None:
                raise
            return np.zeros(len(old), dtype=bool)
