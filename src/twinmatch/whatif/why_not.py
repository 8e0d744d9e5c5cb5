"""Why these two, and why not those two: runners-up and margins, and the forced re-solve with its price.

"Why not" forces the meeting asked for and settles the round again twice: once for the best total (its price
is the difference of two proven optima, and of equal answers it is the closest to the proposal), and once for
the fewest changes. What would have to change is looked for only among things that can change: answers of the
guest, a place at the host, the places of the round and the quotas that hold the pair.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from twinmatch.affinity import Affinity
from twinmatch.cohort import City
from twinmatch.errors import QuestionError
from twinmatch.programmes.eligibility import Eligibility, conditions
from twinmatch.programmes.rules import Rule
from twinmatch.proposal.wire import Number, Tabular, frame, on_wire
from twinmatch.schema import Commitment, Participation
from twinmatch.solving import Bools, Floats
from twinmatch.whatif.case import (
    NOTHING,
    Case,
    Outcome,
    find_host,
    host_id,
    must_meet,
    must_not_meet,
    points,
    spared,
    swapped,
    widened,
)
from twinmatch.whatif.counterfactual import answered, best_additions, case_if, said
from twinmatch.wording import joined, say, titled

if TYPE_CHECKING:
    import pandas as pd

Verdict = Literal["meets", "not eligible", "forbidden", "impossible", "possible"]

TRIED = 4
"""Sets of changed answers for which the whole round is settled again, at most."""

DRIFT = 0.003
"""How far the standings of the other guests may shift a total when one guest's answers change."""


@dataclass(frozen=True)
class RunnerUp:
    """The next best on one side of a pair: for whom, who, with what score, and how far below the pair (negative: above)."""

    side: Literal["host", "guest", "peer"]
    of: str
    id: str
    name: str
    score: Number
    margin: Number

    @on_wire
    def says(self) -> str:
        """Return the runner-up as a sentence."""
        if abs(self.margin) < NOTHING:
            place = say("on a level with this pair")
        elif self.margin >= 0:
            place = say("{points} below this pair", points=points(self.margin))
        else:
            place = say("{points} above this pair", points=points(-self.margin))
        told = {"city": self.of, "name": self.name, "place": place}
        return {
            "host": say("The best other host for {city} is {name}, {place}.", **told),
            "guest": say("The best other guest for {city} is {name}, {place}.", **told),
        }.get(self.side) or say("The best other peer for {city} is {name}, {place}.", **told)


@dataclass(frozen=True, repr=False)
class WhyNotAnswer(Tabular):
    """The answer to "why not": the verdict, its reasons, what forcing it costs, and what would bring it about.

    ``best`` is the forced answer of the best total, ``gentlest`` the one with the fewest changes; both are None
    where a rule forbids the pair. ``if_lifted`` is the forced answer were the rules that forbid the pair lifted
    for it alone; ``if_eligible`` the whole answer were the guest's open conditions met.
    """

    guest: str
    host: str
    guest_name: str
    host_name: str
    verdict: Verdict
    reasons: tuple[str, ...]
    score: Number | None = None
    best: Outcome | None = None
    gentlest: Outcome | None = None
    if_lifted: Outcome | None = None
    changes: tuple[str, ...] = ()
    if_eligible: WhyNotAnswer | None = None

    def __repr__(self) -> str:
        return f"<WhyNotAnswer {self.guest_name} with {self.host_name}: {self.verdict}>"

    def to_frame(self) -> pd.DataFrame:
        """Return what is told, one row a sentence: the reasons, who moves where the pair is forced, what would bring it about."""
        moves = [move.says for move in self.best.moves] if self.best else []
        told = {"reason": self.reasons, "move": moves, "change": self.changes}
        return frame({"what": what, "says": says} for what, each in told.items() for says in each)


def next_best(affinity: Affinity, row: int, column: int, open_pairs: Bools) -> tuple[RunnerUp, ...]:
    """Return the best other column for a pair's row and the best other row for its column: the other host, the other guest.

    Only ``open_pairs`` (R, C) count, and no city beside itself. Scores within 1e-9 are equal, and the first counts.
    """
    guest = affinity.cohort.cities[affinity.rows[row]].name
    host, may = affinity.columns[column], affinity.comparable
    to_hosts, to_guests = _beside(affinity, row, column)
    own = float(to_hosts[column])
    found = []
    if (k := _best_but(to_hosts, open_pairs[row] & may[row], column)) is not None:
        other, value = affinity.columns[k], float(to_hosts[k])
        found.append(RunnerUp("host", guest, other.id, other.name, value, own - value))
    if (k := _best_but(to_guests, open_pairs[:, column] & may[:, column], row)) is not None:
        city, value = affinity.cohort.cities[affinity.rows[k]], float(to_guests[k])
        found.append(RunnerUp("guest", host.name, city.id, city.name, value, own - value))
    return tuple(found)


def best_peers(affinity: Affinity, i: int, j: int) -> tuple[RunnerUp, ...]:
    """Return the best other peer of each of two cities, of an affinity of all cities with all."""
    cities, found = affinity.cohort.cities, []
    for one, other in ((i, j), (j, i)):
        line, _ = _beside(affinity, one, other)
        if (k := _best_but(line, affinity.others(one), other)) is not None:
            value, own = float(line[k]), float(line[other])
            found.append(
                RunnerUp("peer", cities[one].name, cities[k].id, cities[k].name, value, own - value)
            )
    return tuple(found)


def _beside(affinity: Affinity, row: int, column: int) -> tuple[Floats, Floats]:
    """Return the scores of a row with every column, (C,), and of every row with a column, (R,): not the whole table."""
    one, other = (np.array([k], dtype=np.intp) for k in (row, column))
    rows, columns = (
        np.arange(len(side), dtype=np.intp) for side in (affinity.rows, affinity.columns)
    )
    return affinity.scores(one, columns)[0], affinity.scores(rows, other)[:, 0]


def _best_but(score: Floats, may: Bools, but: int) -> int | None:
    """Return the place of the best score of those that may be, one left out; None where none is left."""
    line = np.where(may, np.round(score, 9), -1.0)
    line[but] = -1.0
    k = int(np.argmax(line))
    return k if line[k] >= 0 else None


def why_not(case: Case, guest: str, host: str) -> WhyNotAnswer:
    """Return why a guest and a host do not meet, what it would cost if they did, and what would bring it about.

    Raises QuestionError where no city or unit has one of the names, or the two are one city.
    """
    round_ = case.round
    i = round_.cohort.find(guest)
    h = find_host(round_, case.hosts, host)
    target = case.hosts[h].id if h is not None else host_id(round_, host)
    target_name = case.hosts[h].name if h is not None else _name(case, target)
    if (h is not None and i in case.hosts[h].cities) or target == round_.id(i):
        raise QuestionError.of(
            "same-city",
            say("{p} would be its own host.", p=round_.name(i)),
            do=say("Name a guest and another city or unit as its host."),
        )
    start = WhyNotAnswer(round_.id(i), target, round_.name(i), target_name, "not eligible", ())
    if h is None:
        return replace(start, verdict="forbidden", reasons=(_no_host(case, i, host),))
    if i not in case.ready.frame.guests:
        return _not_eligible(case, start, i)
    return _of_candidates(case, start, case.ready.frame.guests.index(i), h)


def _name(case: Case, target: str) -> str:
    units = {u.id: u.name for u in case.round.cohort.units}
    return units.get(target) or case.round.cohort.city(target).name


def _no_host(case: Case, i: int, host: str) -> str:
    roles = " or ".join(role.value for role in case.settings.hosts)
    text = say(
        "{host} is no host in this round, which asks for the role {roles}.",
        host=_name(case, host_id(case.round, host)),
        roles=roles,
    )
    if any(i in other.cities for other in case.hosts):
        text += say(
            " {city} is: was the question meant the other way round?", city=case.round.name(i)
        )
    return text


# --- a guest that is not eligible --------------------------------------------------------------------------


def _not_eligible(case: Case, start: WhyNotAnswer, i: int) -> WhyNotAnswer:
    who = case.ready.who
    reason = who.refused.get(i) or who.ask.get(i)
    if reason is None:
        text = say("{city} has not applied as a guest in this round.", city=start.guest_name)
        return replace(start, reasons=(text,))
    city = case.round.cohort.cities[i]
    met = conditions_met(city, case.settings.guests)
    if met is None:
        return replace(start, reasons=(reason,))
    then = why_not(case_if(case, met), start.guest, start.host)
    return replace(
        start,
        reasons=(reason,),
        changes=(
            say(
                "{city} would have to meet the conditions: {conditions}.",
                city=start.guest_name,
                conditions=_lacking(city, case),
            ),
        ),
        if_eligible=then,
    )


def _lacking(city: City, case: Case) -> str:
    failed, unknown = conditions(city, case.settings.guests)
    return joined([*failed, *(say("not known: {what}", what=one) for one in unknown)], "; ")


def conditions_met(city: City, rule: Eligibility) -> City | None:
    """Return the city as it would be with every condition met that a city can meet; None where that is not enough.

    A commitment, staff hours and English can be brought; a role and a size cannot.
    """
    changes: dict[str, object] = {}
    if rule.neutral_by is not None:
        year = city.commitment.neutral_by if city.commitment else None
        kept = year if year is not None and year <= rule.neutral_by else rule.neutral_by
        changes["commitment"] = (city.commitment or Commitment.model_validate({})).model_copy(
            update={"neutral_by": kept}
        )
    brought: dict[str, object] = {}
    if rule.staff_hours_a_month is not None:
        hours = city.participation.staff_hours_a_month if city.participation else None
        brought["staff_hours_a_month"] = max(hours or 0.0, rule.staff_hours_a_month)
    if rule.english is not None:
        level = city.participation.english if city.participation else None
        brought["english"] = max(level or rule.english, rule.english)
    if brought:
        changes["participation"] = (
            city.participation or Participation.model_validate({})
        ).model_copy(update=brought)
    changed = city.model_copy(update=changes)
    return None if any(conditions(changed, rule)) else changed


# --- a pair of the frame -----------------------------------------------------------------------------------


def _of_candidates(case: Case, start: WhyNotAnswer, g: int, h: int) -> WhyNotAnswer:
    pair = case.pair(g, h)
    start = replace(start, score=float(case.score[pair]))
    if case.chosen[pair]:
        return _meets(case, start, pair)
    forced = must_meet(case.only(pair), f"{start.guest_name} meets {start.host_name}")
    filters = [rule for rule in case.ready.rules if rule.forbidden[pair]]
    if filters:
        return _forbidden(case, start, pair, forced, filters)
    best = case.settled((*case.ready.rules, forced))
    gentlest = case.with_fewest_changes((*case.ready.rules, forced))
    if best is None or gentlest is None:
        return replace(
            start,
            verdict="impossible",
            reasons=_clashing(case, forced),
            changes=_places(case, g, h),
        )
    outcome = case.outcome(best)
    return replace(
        start,
        verdict="possible",
        reasons=(_why(case, start, g, h, outcome),),
        best=outcome,
        gentlest=case.outcome(gentlest),
        changes=tuple(_changes(case, g, h, outcome)),
    )


def _meets(case: Case, start: WhyNotAnswer, pair: int) -> WhyNotAnswer:
    """The two do meet: what it would cost to keep them apart."""
    apart = must_not_meet(case.only(pair), f"{start.guest_name} does not meet {start.host_name}")
    answer = case.settled((*case.ready.rules, apart))
    if answer is None:
        text = say("They do meet, and no answer that keeps the rules has them apart.")
        return replace(start, verdict="meets", reasons=(text,))
    outcome = case.outcome(answer)
    text = say("They do meet. To keep them apart would cost {price}.", price=outcome.price.says)
    return replace(start, verdict="meets", reasons=(text,), best=outcome)


def _forbidden(
    case: Case, start: WhyNotAnswer, pair: int, forced: Rule, filters: list[Rule]
) -> WhyNotAnswer:
    rules = case.ready.rules
    for rule in filters:
        rules = swapped(rules, rule, spared(rule, pair))
    answer = case.settled((*rules, forced))
    return replace(
        start,
        verdict="forbidden",
        reasons=tuple(
            say("The rule '{rule}' forbids it: {says}", rule=titled(rule.name), says=rule.why(pair))
            for rule in filters
        ),
        if_lifted=None if answer is None else case.outcome(answer),
    )


def _clashing(case: Case, forced: Rule) -> tuple[str, ...]:
    """The rules of which any one, left out, would let the pair meet; each is tried by a solve."""
    found = [
        say(
            "The rule '{rule}' cannot be kept beside it: {says}",
            rule=titled(rule.name),
            says=rule.says,
        )
        for rule in case.ready.rules
        if not rule.filters
        and case.settled((*swapped(case.ready.rules, rule, None), forced)) is not None
    ]
    return tuple(found) or (say("No single rule stands against it; several together do."),)


def _why(case: Case, start: WhyNotAnswer, g: int, h: int, outcome: Outcome) -> str:
    row = case.ready.affinity.score[g]
    rank = 1 + int((np.round(row, 9) > np.round(row[h], 9)).sum())
    held = case.host_of(g)
    text = say(
        "No rule forbids it. The pair scores {score:.1f} of 100, which is {city}'s {rank:ordinal} best of {hosts} hosts.",
        score=100 * row[h],
        city=start.guest_name,
        rank=rank,
        hosts=len(row),
    )
    if held:
        text += say(
            " {city} meets {host} instead ({score:.1f}).",
            city=start.guest_name,
            host=case.hosts[held[0]].name,
            score=100 * row[held[0]],
        )
    else:
        text += say(" {city} has no place in the proposal.", city=start.guest_name)
    if outcome.price.is_nothing:
        return text + say(
            " Forcing it costs nothing: it is as good an answer, and the tie fell the other way."
        )
    return text + say(" Forcing it costs the round {price}.", price=outcome.price.says)


# --- what would have to change -----------------------------------------------------------------------------


def _changes(case: Case, g: int, h: int, outcome: Outcome) -> Iterator[str]:
    if outcome.price.is_nothing:
        return
    yield from _places(case, g, h)
    if outcome.price.places == 0:
        yield say(
            "The pair would have to score {more} more than its {score} to be in the best answer.",
            more=points(outcome.price.score),
            score=points(float(case.score[case.pair(g, h)])),
        )
    if outcome.price.places == 0:
        yield _by_answers(case, g, h, outcome.price.score)


def _places(case: Case, g: int, h: int) -> tuple[str, ...]:
    """Each single wider limit of a row that holds the pair with which the best answer has the two meet."""
    pair, found = case.pair(g, h), []
    for rule in case.ready.rules:
        if rule.filters or rule.kind == "structure":
            continue
        column = rule.block.matrix.tocsc()[:, [pair]].tocoo()
        for row in (int(r) for r in column.row):
            if not np.isfinite(rule.block.high[row]):
                continue
            wider = swapped(case.ready.rules, rule, widened(rule, row))
            answer = case.settled(wider)
            if answer is not None and answer[0][pair]:
                found.append(
                    say(
                        "One more than now under the rule '{rule}' ({row}) would bring it about.",
                        rule=titled(rule.name),
                        row=rule.block.says(row),
                    )
                )
    return tuple(found)


def _by_answers(case: Case, g: int, h: int, price: float) -> str:
    """The first set of answers, the fewest first, with which the whole round, settled again, has the two meet."""
    name, host = case.guest_name(g), case.hosts[h]
    city = case.round.cohort.cities[case.ready.frame.guests[g]]
    tried = 0
    for answers, row in best_additions(case, g, h):
        if tried == TRIED:
            break
        if not _may_suffice(case, g, h, row, price):
            continue
        tried += 1
        then = case_if(case, answered(city, answers))
        pair = then.pair(g, h)
        if then.chosen[pair]:
            return say(
                "{if_so}, the best answer has the two meet, with a score of {score:.1f}.",
                if_so=said(name, answers),
                score=100 * then.score[pair],
            )
    return say(
        "No three answers that {city} could add would bring it to {host} by themselves.",
        city=name,
        host=host.name,
    )


def _may_suffice(case: Case, g: int, h: int, row: Floats, price: float) -> bool:
    """Whether a score row lifts the pair by what forcing it costs, beyond what it lifts the guest's own hosts.

    The forced answer gains what the pair gains; the present one stays open and gains what its own pairs gain. So
    a smaller lift cannot suffice, but for the small shift of the other guests' standings, for which there is room.
    """
    gain = row - case.ready.affinity.score[g]
    own = sum(float(gain[k]) for k in case.host_of(g))
    return bool(gain[h] - own >= price - DRIFT)
