"""Rules, said once: the solver, the referee and the report all read the same saying.

A rule over pairs yields a :class:`~twinmatch.solving.blocks.Block` over the frame, which holds *every* pair of
an eligible guest and a host. A filter is the same thing with a limit of zero: the pairs it forbids are taken
out of the candidates before anything is solved (forbidden is removed, never priced), and the referee, who
judges over the whole frame, still sees whether any of them was chosen.

Notation: m pairs in the frame; host, guest (m,) index the frame's hosts and guests.

The evidence gate: no place is filled on a pair of which too little is known, and the questions that would open it.

What is known of a pair is the part of the weights whose facets are known for it. Applicants whom the gate alone keeps
out are not refused: their places are held, and each is asked the fewest questions that would bring it through.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from twinmatch.affinity import Affinity
from twinmatch.cohort import Cohort
from twinmatch.errors import DataError, Problem, QuestionError
from twinmatch.proposal import Ask, Held, Meeting, RuleNumbers, RulePrice, RuleStatus
from twinmatch.proposal.proposal import MemberRole
from twinmatch.schema import City, Role
from twinmatch.solving import Bools, Floats, Solution, solve
from twinmatch.solving.blocks import Block, Candidates, counts
from twinmatch.solving.referee import SLACK, Verdict, referee
from twinmatch.standings import UNKNOWN
from twinmatch.vocabulary.topics import BLOCKS
from twinmatch.wording import count, joined, listed, say, titled

RuleKind = Literal[
    "rule", "lock", "ban", "past pair", "structure", "demand", "places", "total", "load"
]
"""What a rule is about, where more than the solver asks for it; any other is a "rule".

structure: one host a guest, which makes a meeting what it is; demand: several hosts a guest; places: guests a host;
total: guests in all; load: what a city carries over all products.
"""


NEVER: Final = ("structure", "demand", "load")
"""Kinds of rules that never give way: what a meeting is, and what cities can carry over all formats."""


@dataclass(frozen=True, eq=False)
class Rule:
    """A rule as it was compiled: its name, its saying, its block over the frame, whether it is a filter, its kind."""

    name: str
    says: str
    block: Block
    filters: bool = False
    kind: RuleKind = "rule"
    there: Floats | None = None
    """What each row counts before anything is chosen, such as a group's leads, (r,); None for nothing."""
    noun: str = ""
    """What its rows count, where a bound names it: "guest"."""
    loosened: Callable[[int, str], str] | None = None
    """A row that gives way with its new bound, in words, such as "let Odense have at least 2 guests"."""

    @property
    def forbidden(self) -> Bools:
        """Return the pairs that a filter takes out, shape (m,)."""
        columns = np.zeros(self.block.matrix.shape[1], dtype=bool)
        if self.filters:
            columns[self.block.matrix.indices] = True
        return columns

    def why(self, pair: int) -> str:
        """Return what a filter that takes out a pair says of it."""
        said = self.block.says(int(self.block.matrix.tocsc()[:, [pair]].indices[0]))
        return said if said == self.says else f"{said}."


def allowed_pairs(rules: Sequence[Rule]) -> Bools:
    """Return the pairs that no filter takes out, shape (m,)."""
    allowed = np.ones(rules[0].block.matrix.shape[1], dtype=bool)
    for rule in rules:
        allowed &= ~rule.forbidden
    return allowed


def best_choice(
    rules: Sequence[Rule],
    candidates: Candidates,
    objectives: Sequence[str] = ("filled", "total"),
    previous: Bools | None = None,
) -> tuple[Bools, Solution]:
    """Return the best choice of the candidates that no filter takes out, (m,), and its solution."""
    keep = np.flatnonzero(allowed_pairs(rules))
    blocks = [rule.block.take(keep) for rule in rules if not rule.filters]
    before = None if previous is None else previous[keep]
    solution = solve(candidates.take(keep), blocks, objectives=objectives, previous=before)
    chosen = np.zeros(len(candidates), dtype=bool)
    if solution.status != "infeasible":
        chosen[keep] = solution.chosen
    return chosen, solution


def worth(rules: Sequence[Rule], candidates: Candidates, chosen: Bools) -> float:
    """Return the scores of an answer less what it costs that it misses rules with a price."""
    soft = [rule.block for rule in rules if rule.block.price is not None]
    cost = math.fsum((b.price or 0.0) * float(b.missed(chosen).sum()) for b in soft)
    return math.fsum(candidates.score[chosen].tolist()) - cost


def forbid(name: str, says: str, pairs: Bools, kind: RuleKind = "rule") -> Rule:
    """Return the filter that takes out some pairs."""
    block = counts(name, np.where(pairs, 0, -1), high=0, rows=1, says=lambda _: says)
    return Rule(name, says, block, filters=True, kind=kind)


def load_rules(limited: Block | None) -> list[Rule]:
    """Return the rule on what cities can carry over all products, or none where nothing limits it."""
    says = say("No city carries more than its limits over all formats.")
    return [Rule("load", says, limited, kind="load")] if limited else []


def statuses(
    rules: Sequence[Rule], candidates: Candidates, chosen: Bools
) -> tuple[RuleStatus, ...]:
    """Return how an answer stands to every rule, as the referee finds it over the whole frame.

    "binding" means that at least one row of the rule is at its limit.
    """
    filters = sum(rule.forbidden.astype(np.int64) for rule in rules)
    found = []
    for rule in rules:
        mine = referee(candidates, chosen, [rule.block])
        broken = [rule.block.says(v.row) for v in mine if not v.kept]
        if rule.block.price is not None:
            missed, points = float(rule.block.missed(chosen).sum()), 100 * rule.block.price
            found.append(priced(rule.name, rule.says, points, missed, broken))
        elif broken:
            says = _broken(rule.says, broken)
            found.append(RuleStatus(rule.name, says, "broken"))
        else:
            numbers = _numbers(rule, chosen, mine, np.asarray(filters))
            at = [v.row for v in mine if _at_limit(v)] if rule.kind not in NEVER else []
            few = at if len(at) == numbers.at_limit else []
            full = dict.fromkeys(rule.block.says(row) for row in few)
            full.pop(rule.says, None)  # a row that says no more than the rule
            says = joined(filter(None, (rule.says, numbers.named(list(full)))))
            status: Literal["binding", "kept"] = "binding" if numbers.at_limit else "kept"
            found.append(RuleStatus(rule.name, says, status, numbers=numbers))
    return tuple(found)


def _numbers(
    rule: Rule, chosen: Bools, verdicts: Sequence[Verdict], filters: NDArray[np.int64]
) -> RuleNumbers:
    """Return what a rule forbids in numbers; ``filters`` (m,) counts the filters that take out each pair."""
    possible, block = len(chosen), rule.block
    if rule.filters:
        out = rule.forbidden
        return RuleNumbers(possible, int(out.sum()), int((out & (filters == 1)).sum()))
    if (
        block.switch is not None
    ):  # a row of numbers for each group, which binds where it is switched on
        switch, live = block.switch, block.switch.trigger >= 0
        on = np.unique(switch.group[live][chosen[switch.trigger[live]]])
        full = (switch.counted @ chosen.astype(np.float64))[on] == switch.least[on]
        return RuleNumbers(possible, rows=len(switch.least), at_limit=int(full.sum()))
    at = sum(map(_at_limit, verdicts))
    if len(verdicts) != 1 or block.matrix.data.min(initial=0.0) < 0:
        return RuleNumbers(possible, rows=len(verdicts), at_limit=at)
    (one,) = verdicts
    there = 0.0 if rule.there is None else float(rule.there[0])
    low = one.low + there if one.low > 0 or (not there and math.isfinite(one.low)) else None
    high = one.high + there if math.isfinite(one.high) else None
    now = one.found + there
    return RuleNumbers(possible, rows=1, at_limit=at, now=now, at_least=low, at_most=high)


def _at_limit(row: Verdict) -> bool:
    return row.found == row.high or (row.found == row.low and row.low > 0)


def priced(name: str, says: str, points: float, missed: float, broken: Sequence[str]) -> RuleStatus:
    """Return how an answer stands to a rule with a price, in points a unit: what it misses, and what that costs."""
    says = say("{rule} Soft: {points:g} points a unit.", rule=says, points=points)
    if missed <= SLACK:
        return RuleStatus(name, says, "kept", missed=0.0, paid=0.0)
    cost, rows = missed * points, joined(dict.fromkeys(broken), "; ")
    says += say(
        " Missed by {missed:g}, which costs {cost:.1f} points: {rows}.",
        missed=missed,
        cost=cost,
        rows=rows,
    )
    return RuleStatus(name, says, "relaxed", missed=round(missed, 6), paid=round(cost, 6))


DEFINES: Final = RulePrice(0, None, defines=True)
"""The price of a rule that says what is formed: there is none."""

ROLES: Final[dict[Role, str]] = {
    Role.MISSION: say("Mission Cities"),
    Role.PILOT: say("Pilot Cities"),
    Role.GUEST: say("guests"),
}
"""What cities of a role are called."""


def roles_in_words(roles: Iterable[Role], last: str = "and") -> str:
    """Return what cities of some roles are called, such as "Mission Cities and Pilot Cities"."""
    return listed([ROLES[role] for role in roles], last)


def cities_of(
    cohort: Cohort,
    roles: Iterable[Role],
    says: str,
    code: str = "no-hosts",
    among: Bools | None = None,
) -> list[int]:
    """Return the cities with one of some roles, of some (n,) or of all.

    Raises QuestionError, in words that name the roles, where none has one.
    """
    wanted = set(roles)
    found = [i for i, city in enumerate(cohort.cities) if wanted & set(city.roles)]
    found = [i for i in found if among is None or among[i]]
    if not found:
        told = say(says, roles=roles_in_words(roles, "or"))
        raise QuestionError.of(code, told, do=say("Give at least one city that role."))
    return found


def counted(name: str, says: str, broken: Sequence[str]) -> RuleStatus:
    """Return a rule that was counted over finished meetings: kept, or broken by what is named."""
    return RuleStatus(
        name, _broken(says, broken) if broken else says, "broken" if broken else "kept"
    )


def costed(
    rules: Iterable[RuleStatus],
    most: RulePrice,
    own: Mapping[str, RulePrice] | None = None,
    *,
    define: Collection[str] = (),
) -> tuple[RuleStatus, ...]:
    """Return rules with what each costs at most, ``own`` by its name; those of ``define`` say what is formed."""
    prices = dict.fromkeys(define, DEFINES) | dict(own or {})
    return tuple(replace(rule, costs=prices.get(rule.rule, most)) for rule in rules)


def price_at_most(meetings: int, score: float) -> RulePrice:
    """Return a price of at most so many meetings; where none can be gained, of at most so much score."""
    return RulePrice(meetings, None) if meetings > 0 else RulePrice(0, max(score, 0.0))


BROKEN_NAMED: Final = 50
"""Rows of a broken rule that are named; of more, the others are counted."""


def _broken(says: str, rows: Sequence[str]) -> str:
    named, more = joined(rows[:BROKEN_NAMED], "; "), len(rows) - BROKEN_NAMED
    if more > 0:
        named += say(" and {n} more", n=more)
    return say("{rule} Broken: {rows}.", rule=says, rows=named)


def often_in(meetings: Sequence[Meeting], most: int, role: MemberRole | None = None) -> list[str]:
    """Return the cities that are in more than ``most`` of some meetings, in one role or in any, in order of id."""
    found = Counter(city for meeting in meetings for city in meeting.cities(role))
    return [city for city, n in sorted(found.items()) if n > most]


def in_part(
    cohort: Cohort,
    meetings: Sequence[Meeting],
    part: MemberRole,
    roles: Iterable[Role],
    has: bool = True,
) -> list[str]:
    """Return the cities in a part of meetings that have one of some roles, or none of them, in order of id."""
    wanted = set(roles)
    cities = sorted({c for m in meetings for c in m.cities(part)})
    return [c for c in cities if bool(wanted & set(cohort.city(c).roles)) == has]


def outside(meetings: Sequence[Meeting], low: int, high: int, role: str | None = None) -> list[str]:
    """Return the meetings whose size, of one role or of all, lies outside a band, in words."""
    sizes = [(m.label, sum(role is None or x.role == role for x in m.members)) for m in meetings]
    return [say("{label} has {n}", label=label, n=n) for label, n in sizes if not low <= n <= high]


def judged(rules: Sequence[RuleStatus]) -> tuple[RuleStatus, ...]:
    """Return the statuses, or raise: an answer that breaks a rule never leaves the house."""
    broken = [
        Problem(
            "rule-broken",
            say("The answer breaks the rule '{rule}': {says}", rule=titled(r.rule), says=r.says),
        )
        for r in rules
        if r.status == "broken"
    ]
    if broken:
        raise DataError(broken)
    return tuple(rules)


GATE: Final = "evidence gate"

LOOK_UP: Final = say("Look this up, add it to the profile of the city, then run again.")
"""What the programme office does where no question to a city answers what is not known of it."""

NO_HOURS: Final = say("The staff hours stated go to other meetings.")
"""Why a city is in no meeting of a product where the ledger leaves it no hours."""

ANSWERS: Final = {block: frozenset(said.get("facets", ())) for block, said in BLOCKS.items()}
"""The facets that need one block of several from the city that learns, by block."""

QUESTIONS: Final = {
    name: say(said["question"]) for name, said in BLOCKS.items() if "question" in said
}
"""The question to a city that fills each block of its profile; the order settles ties."""


def ask(city: City, block: str) -> Ask:
    """Return the question to a city that fills a block of its profile, or what of it is missing."""
    put = QUESTIONS[block]
    if block == "strengths" and city.offers:  # what it can show is said in words
        put = say(
            "In which areas are you strongest (buildings, energy systems, mobility and transport, waste and circular economy, "
            "industry, nature-based solutions), and how strong in each, from 1 (a little) to 3 (very)?"
        )
    return Ask(city.id, put, block)


def gate(
    known: NDArray[np.float64], least: float, made: Callable[[str, str, Bools], Rule] = forbid
) -> Rule | None:
    """Return the filter that takes out candidates of which less than ``least`` is known, (m,); None where none is."""
    below = known < least - 1e-9
    if not below.any():
        return None
    says = "Of every pair at least {least:.0f}% of what is compared is known."
    return made(GATE, say(says, least=100 * least), below)


SHARED_CONTENT: Final[dict[str, float]] = {
    "wishes": 0.0,
    "topics_met": 0.1,
    "challenges_met": 0.0,
    "levers_met": 0.0,
}
"""Facets that say what two cities have to talk of, each with the likeness up to which that is nothing."""


def nothing_shared(affinity: Affinity) -> Bools:
    """Return the pairs of which some content is known and none is shared, shape (R, C)."""
    known = np.zeros((len(affinity.rows), len(affinity.columns)), dtype=bool)
    shared = known.copy()
    for name in SHARED_CONTENT.keys() & affinity.weights.keys():
        likeness = affinity.likeness[name]
        known |= ~np.isnan(likeness)
        shared |= likeness > SHARED_CONTENT[name]
    return known & ~shared


def missing(city: City, facets: Iterable[str]) -> list[str]:
    """Return the blocks that a city leaves empty and that one of some facets asks of it, in the order of questions."""
    asked = {*facets}
    return [b for b in QUESTIONS if ANSWERS[b] & asked and not getattr(city, b, None)]


def questions(affinity: Affinity, row: int, least: float) -> list[Ask]:
    """Return the fewest questions whose answers would bring a city through the gate, the weightiest first.

    At least one, as the gate keeps it out; all its open questions where even those would not do.
    """
    city = affinity.cohort.cities[affinity.rows[row]]
    best = int(np.argmax(affinity.coverage[row]))
    at = np.array([row], dtype=np.intp), np.array([best], dtype=np.intp)
    unknown = {
        name: weight
        for name, weight in affinity.weights.items()
        if affinity.compared[name].pairs(*at)[0] == UNKNOWN
    }
    known = float(affinity.coverage[row, best])
    opens = {
        block: sum(w for name, w in unknown.items() if name in ANSWERS[block])
        for block in missing(city, unknown)
    }
    found: list[Ask] = []
    for block in sorted(opens, key=lambda b: (-round(opens[b], 9), list(QUESTIONS).index(b))):
        if found and known >= least - 1e-9:
            break
        known += opens[block]
        found.append(ask(city, block))
    return found or [ask(city, "needs")]


def held_for(
    affinity: Affinity, rows: Sequence[int], places: int, least: float
) -> tuple[Held, ...]:
    """Return the places held for cities (rows) that the gate keeps out, with what to ask them."""
    why = say(
        "{places} kept free for {applicants} of whom less than {least:.0f}% of what the programme compares is known, or no reason for a pair.",
        places=count(places, "place"),
        applicants=count(len(rows), "applicant"),
        least=100 * least,
    )
    return (Held(places, why, tuple(q for row in rows for q in questions(affinity, row, least))),)
