"""Twinning as one exact solve: who is chosen and who meets whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from twinmatch.affinity import Affinity, compare
from twinmatch.cohort import Host, nearest
from twinmatch.errors import NoProposalError, Problem, QuestionError
from twinmatch.facets.answered import nothing_to_show
from twinmatch.programmes.base import Load
from twinmatch.programmes.eligibility import Applicants, applicants
from twinmatch.programmes.load_ledger import load_block, loads_of
from twinmatch.programmes.quotas import with_topics
from twinmatch.programmes.round import Round, no_answer
from twinmatch.programmes.rules import (
    GATE,
    Rule,
    allowed_pairs,
    best_choice,
    forbid,
    gate,
    load_rules,
    nothing_shared,
    roles_in_words,
)
from twinmatch.programmes.twinning.frame import Frame
from twinmatch.programmes.twinning.pair_rules import twinning_rules
from twinmatch.programmes.twinning.settings import Twinning
from twinmatch.proposal.evidence import NO_REASON
from twinmatch.schema import Role
from twinmatch.solving import Candidates, Solution
from twinmatch.vocabulary.geography import in_eu
from twinmatch.wording import joined, listed, say


@dataclass(frozen=True, eq=False)
class PreparedTwinning:
    """A twinning round ready to be solved: who applied, all pairs with their scores, and the rules over them."""

    round: Round
    settings: Twinning
    who: Applicants
    affinity: Affinity
    frame: Frame
    rules: tuple[Rule, ...]
    candidates: Candidates
    before: NDArray[np.bool_] | None
    """The pairs of the earlier proposal over the frame, shape (m,), or None where there is none."""

    @property
    def loads(self) -> sp.csr_array:
        """Return what every pair takes of its cities; made where it is asked for, as it is larger than all else."""
        return _loads(self.frame, self.settings)

    @property
    def allowed(self) -> NDArray[np.bool_]:
        """Return the pairs that no filter takes out, shape (m,)."""
        return allowed_pairs(self.rules)

    @property
    def ungated(self) -> NDArray[np.bool_]:
        """Return the pairs that no filter but the evidence gate takes out, shape (m,)."""
        return allowed_pairs([rule for rule in self.rules if rule.name != GATE])


def prepare(round_: Round, settings: Twinning) -> PreparedTwinning:
    """Return the round ready to be solved; raises QuestionError where there is no host or a named pair is wrong."""
    who = applicants(round_, settings.guests)
    named = {round_.cohort.index.get(name, -1) for name in settings.host_ids}
    who = replace(who, eligible=tuple(i for i in who.eligible if i not in named))
    hosts = _hosts(round_, settings, set(who.eligible))
    affinity = compare(
        round_.cohort, settings.weights, round_.facet_cache, rows=who.eligible, columns=hosts
    )
    cohort, needs = round_.cohort, [round_.cohort.cities[i].seeks or () for i in who.eligible]
    asked = settings.one_host_a_need or any(c.hosts_on for c in cohort.cities)
    asked = asked or any(unit.hosts_on for unit in cohort.units)
    frame = Frame(
        with_topics(round_, settings.quotas, asked),
        hosts,
        who.eligible,
        tuple(needs) if settings.one_host_a_need else (),
    )
    carried = load_block(_loads(frame, settings), round_.ledger)
    rules = [*twinning_rules(frame, settings), *load_rules(carried)]
    but_locked = partial(_but_locked, frame, _locked(rules))
    if settings.shared_content and (unlike := nothing_shared(affinity)).any():
        says = say("Every pair shares a wish, topic, domain or lever, where that is known.")
        rules.append(but_locked("nothing shared", says, np.ascontiguousarray(unlike.T).ravel()))
    at = [host.cities for host in frame.hosts]
    empty = nothing_to_show(cohort, round_.facet_cache, frame.guests, at).T.ravel()
    if settings.something_to_show and empty.any():
        says = say(
            "A host takes only guests that seek something it can show, where both are known."
        )
        rules.append(but_locked("something to show", says, empty))
    known = np.ascontiguousarray(affinity.coverage.T).ravel()
    closed = gate(known, settings.known_at_least, but_locked)
    return PreparedTwinning(
        round_,
        settings,
        who,
        affinity,
        frame,
        (*rules, *([closed] if closed else [])),
        frame.candidates(affinity.score),
        _before(round_, frame),
    )


def _locked(rules: Sequence[Rule]) -> NDArray[np.bool_]:
    """Return the pairs that a lock asks for, (m,)."""
    asked_for = np.zeros(rules[0].block.matrix.shape[1], dtype=bool)
    for rule in rules:
        if rule.kind == "lock":
            asked_for[rule.block.matrix.indices] = True
    return asked_for


def _but_locked(
    frame: Frame, asked_for: NDArray[np.bool_], name: str, says: str, pairs: NDArray[np.bool_]
) -> Rule:
    """Return the filter of some pairs, (m,), without those that a lock asks for, which it names."""
    cities, through = frame.cohort.cities, np.flatnonzero(pairs & asked_for)
    if len(through):
        told = [(cities[frame.guests[frame.guest[p]]], frame.hosts[frame.host[p]]) for p in through]
        named = [say("{one} with {other}", one=g.name, other=h.name) for g, h in told]
        says = joined([says, say("A lock lets through: {pairs}.", pairs=listed(named))])
    return forbid(name, says, pairs & ~asked_for)


def _loads(frame: Frame, settings: Twinning) -> sp.csr_array:
    """Return what every pair takes of its cities, (m, 3n): those of a unit share the hours, and each may be the one that leads."""
    units, load = [host.cities for host in frame.hosts], settings.load("host")
    parts = sp.diags_array(np.array([load.shared(len(cities)).hours for cities in units], float))
    hosts = parts @ loads_of(units, Load(hours=1), frame.cohort)
    hosts += loads_of(units, load.model_copy(update={"hours": 0}), frame.cohort)
    guests = loads_of([(i,) for i in frame.guests], settings.load("guest"), frame.cohort)
    return sp.csr_array(hosts[frame.host] + guests[frame.guest])


Answer: TypeAlias = tuple[NDArray[np.bool_], Solution]


def settled(ready: PreparedTwinning) -> tuple[PreparedTwinning, Answer | NoProposalError]:
    """Return the best choice of pairs of each of which a reason can be printed, and the round without the others.

    Reasons are looked for in the pairs that are chosen, until all have one; where no choice keeps the rules, why.
    """
    try:
        answer = solve_twinning(ready)
        while (silent := without_reason(ready, answer[0])).any():
            ready = holding(ready, silent)
            answer = solve_twinning(ready)
    except NoProposalError as error:
        return ready, error
    return ready, answer


def without_reason(ready: PreparedTwinning, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the chosen pairs that no lock asks for and of which no reason can be printed, (m,); none without a gate."""
    silent, affinity = np.zeros(len(chosen), dtype=bool), ready.affinity
    if ready.settings.known_at_least and affinity.weights.keys() - NO_REASON:
        pairs = np.flatnonzero(chosen & ~_locked(ready.rules))
        at = ready.frame.guest[pairs].tolist(), ready.frame.host[pairs].tolist()
        accounts = affinity.accounts(*at, worded=False)
        silent[pairs] = [not affinity.reasons(*x, 1) for x in zip(*at, accounts, strict=True)]
    return silent


def holding(ready: PreparedTwinning, silent: NDArray[np.bool_]) -> PreparedTwinning:
    """Return the round whose gate takes out more pairs, (m,): those of which no reason can be printed."""
    others = [rule for rule in ready.rules if rule.name != GATE]
    for rule in ready.rules:
        silent = silent | rule.forbidden if rule.name == GATE else silent
    says = "Of every pair at least {least:.0f}% of what is compared is known, and a reason that can be printed."
    told = say(says, least=100 * ready.settings.known_at_least)
    closed = _but_locked(ready.frame, _locked(others), GATE, told, silent)
    return replace(ready, rules=(*others, closed))


def solve_twinning(ready: PreparedTwinning) -> tuple[NDArray[np.bool_], Solution]:
    """Return the best choice over the whole frame, shape (m,), and its solution; forbidden pairs are not considered.

    Raises NoProposalError with the rules and places that are short.
    """
    objectives: tuple[str, ...] = ("filled", "total")
    if ready.settings.one_host_a_need:  # nobody's second host comes before another's first
        objectives = ("filled", "served", "total")
    if ready.settings.fairness == "worst-off":
        objectives = ("filled", "worst-off", "total")
    if ready.before is not None:
        objectives = (*objectives, "fewest changes")
    chosen, solution = best_choice(ready.rules, ready.candidates, objectives, ready.before)
    if solution.status == "infeasible":
        names = {
            "hosts": [h.name for h in ready.frame.hosts],
            "guests": [ready.round.name(i) for i in ready.frame.guests],
        }
        raise no_answer(solution, ready.candidates, ready.rules, **names)
    return chosen, solution


def _hosts(round_: Round, settings: Twinning, eligible: set[int]) -> tuple[Host, ...]:
    """Every host of the wanted roles, or those named; a city that applies as a guest does not host alone."""
    cohort = round_.cohort
    named = settings.host_ids
    found = cohort.hosts(tuple(Role) if named else settings.hosts)
    if named:
        alone = {c.id: Host(c.id, c.name, (i,)) for i, c in enumerate(cohort.cities)}
        known = alone | {h.id: h for h in found}
        unknown = [name for name in named if name not in known]
        if unknown:
            raise QuestionError(
                Problem(
                    "city-unknown",
                    say("host_ids: there is no city or unit {name}.", name=repr(name)),
                    do=nearest(name, {k: k for k in known}),
                )
                for name in unknown
            )
        found = tuple(known[name] for name in sorted(set(named)))
    hosts = tuple(
        h
        for h in found
        if not (len(h.cities) == 1 and h.cities[0] in eligible and not named)
        and not (
            settings.hosts_inside_eu and not all(in_eu(cohort.cities[i].country) for i in h.cities)
        )
    )
    if not hosts:
        roles = roles_in_words(settings.hosts, "or")
        who = "host_ids names" if named else f"this cohort has among {roles}"
        where = ", and hosts_inside_eu asks for Member States" if settings.hosts_inside_eu else ""
        do = say("Name other hosts.") if named else say("Give at least one city that role.")
        if not (named or found):
            do += say(
                " Or add hosts: --hosts bundled for the bundled Mission Cities and pilots, or a table of your own."
            )
        raise QuestionError.of(
            "no-hosts", say("No city that {who} can be a host{where}.", who=who, where=where), do=do
        )
    return hosts


def _before(round_: Round, frame: Frame) -> NDArray[np.bool_] | None:
    """Return the earlier proposal's pairs over the frame, or None where there is no earlier proposal."""
    if round_.previous is None:
        return None
    earlier = {p.product: p for p in round_.previous.products}.get("twinning")
    held = {
        (m.unit or m.cities("host")[0], g)
        for m in (earlier.meetings if earlier else ())
        for g in m.cities("guest")
    }
    return frame.pairs(lambda h, g: (h.id, round_.id(g)) in held)
