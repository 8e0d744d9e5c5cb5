"""Twinning: guests learn from host units; who is chosen and who meets whom is one exact solve."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from twinmatch.affinity import Affinity, compare
from twinmatch.cohort import City, Host, nearest
from twinmatch.errors import NoProposalError, Problem, QuestionError
from twinmatch.geography import in_eu
from twinmatch.programmes.ledger import Loads, amount, same_loads
from twinmatch.programmes.quotas import quota_rules
from twinmatch.programmes.relief import as_told, excepting, in_menu, menu, taken
from twinmatch.programmes.round import (
    THIN_COVERAGE,
    Round,
    coverage_note,
    no_answer,
    shares,
)
from twinmatch.programmes.rules import (
    Frame,
    Rule,
    allowed_pairs,
    counted,
    judged,
    statuses,
    twinning_rules,
)
from twinmatch.programmes.settings import Eligibility, Twinning
from twinmatch.proposal import LeftOut, Meeting, Member, Product, Reserve, RuleStatus, Table, count
from twinmatch.schema import Role
from twinmatch.solving import Candidates, Solution, counts, solve

LOAD_SAYS = "No city carries more than its limits over all formats."

NEITHER = "It has neither applied as a guest nor is it a host in this round."

ENGLISH_LEVELS = ("A1", "A2", "B1", "B2", "C1", "C2")


@dataclass(frozen=True)
class Applicants:
    """Who applied: the eligible in order of id, and why the others are not; "ask" where it is not known."""

    eligible: tuple[int, ...]
    refused: dict[int, str]
    ask: dict[int, str]
    let_in: dict[int, str]


def applicants(round_: Round, rule: Eligibility) -> Applicants:
    """Return who may be a guest, and for everyone else with a guest's role the reason."""
    eligible: list[int] = []
    refused: dict[int, str] = {}
    ask: dict[int, str] = {}
    let_in: dict[int, str] = {}
    for i, city in enumerate(round_.cohort.cities):
        if not set(rule.roles) & set(city.roles):
            continue
        if rule.took_part_in and not _took_part(city, rule):
            continue
        failed, unknown = conditions(city, rule)
        if failed:
            refused[i] = f"Not eligible: {'; '.join(failed)}."
        elif unknown and rule.unknown != "let in":
            (ask if rule.unknown == "ask first" else refused)[i] = (
                f"Not known: {'; '.join(unknown)}."
            )
        else:
            eligible.append(i)
            if unknown:
                let_in[i] = f"Let in although not known: {'; '.join(unknown)}."
    return Applicants(tuple(eligible), refused, ask, let_in)


def _took_part(city: City, rule: Eligibility) -> bool:
    own = city.participation.programmes if city.participation else ()
    return bool(set(own) & set(rule.took_part_in))


def conditions(city: City, rule: Eligibility) -> tuple[list[str], list[str]]:
    """Return the conditions that a city fails, and those of which it is not known, in words."""
    failed: list[str] = []
    unknown: list[str] = []
    clash = [role.value for role in rule.not_roles if city.has(role)]
    if clash:
        failed.append(
            f"it is a {clash[0].capitalize()} City already"
            if clash[0] != "guest"
            else "it is a guest already"
        )
    if rule.neutral_by is not None:
        commitment = city.commitment
        year = (commitment.neutral_by or commitment.neutral_by_at_latest) if commitment else None
        _weigh(
            year,
            year is not None and year <= rule.neutral_by,
            f"a commitment to climate neutrality by {rule.neutral_by} or earlier",
            failed,
            unknown,
        )
    participation = city.participation
    if rule.staff_hours_a_month is not None:
        hours = participation.staff_hours_a_month if participation else None
        _weigh(
            hours,
            hours is not None and hours >= rule.staff_hours_a_month,
            f"{rule.staff_hours_a_month:g} staff hours a month",
            failed,
            unknown,
        )
    if rule.english is not None:
        level = participation.english if participation else None
        enough = level is not None and ENGLISH_LEVELS.index(level) >= ENGLISH_LEVELS.index(
            rule.english
        )
        _weigh(level, enough, f"English at {rule.english} or better", failed, unknown)
    _weigh_place(city, rule, failed, unknown)
    return failed, unknown


def _weigh_place(city: City, rule: Eligibility, failed: list[str], unknown: list[str]) -> None:
    """Add the conditions on size, density and membership that a city fails, or of which it is not known."""
    people = city.population.value if city.population else None
    density = city.context.degree_of_urbanisation if city.context else None
    least, most = rule.population_at_least, rule.population_at_most
    has = f"it has {people or 0:,} residents where"
    if least is not None:
        enough = people is not None and people >= least
        words = f"at least {least:,} residents"
        _weigh(people, enough, words, failed, unknown, f"{has} at least {least:,} are asked")
    if most is not None:
        few = people is not None and people <= most
        words = f"at most {most:,} residents"
        _weigh(people, few, words, failed, unknown, f"{has} at most {most:,} are asked")
    if rule.urbanisation_at_most is not None:
        dense = density is not None and density <= rule.urbanisation_at_most
        words = f"a degree of urbanisation of {rule.urbanisation_at_most} or less"
        otherwise = f"its degree of urbanisation is {density} where {rule.urbanisation_at_most} or less is asked"
        _weigh(density, dense, words, failed, unknown, otherwise)
    if rule.inside_eu is not None and in_eu(city.country) != rule.inside_eu:
        failed.append("it is not in the EU" if rule.inside_eu else "it is in the EU")
    if rule.covenant and city.covenant is None:
        unknown.append("a signature of the Covenant of Mayors")


def _weigh(
    value: object,
    holds: bool,
    condition: str,
    failed: list[str],
    unknown: list[str],
    otherwise: str = "",
) -> None:
    """Add a condition where it is not known, or, where it does not hold, what is the case instead."""
    if value is None:
        unknown.append(condition)
    elif not holds:
        failed.append(otherwise or f"it lacks {condition}")


@dataclass(frozen=True, eq=False)
class Prepared:
    """A twinning round ready to be solved: who applied, all pairs with their scores, and the rules over them."""

    who: Applicants
    affinity: Affinity
    frame: Frame
    rules: tuple[Rule, ...]
    everything: Candidates
    before: NDArray[np.bool_] | None
    """The pairs of the earlier proposal over the frame, shape (m,), or None where there is none."""
    takes: tuple[NDArray[np.float64], NDArray[np.float64]]
    """What a pair takes of each of its hosts and of its guest, both (3,)."""

    @property
    def loads(self) -> Loads:
        """Return what every pair takes of its cities; made where it is asked for, as it is larger than all else."""
        return _loads(self.frame, *self.takes)

    @property
    def allowed(self) -> NDArray[np.bool_]:
        """Return the pairs that no filter takes out, shape (m,)."""
        return allowed_pairs(self.rules)


def prepare(round_: Round, settings: Twinning) -> Prepared:
    """Return the round ready to be solved; raises QuestionError where there is no host or a named pair is wrong."""
    who = applicants(round_, settings.guests)
    named = {round_.cohort.index.get(name, -1) for name in settings.host_ids}
    who = replace(who, eligible=tuple(i for i in who.eligible if i not in named))
    hosts = _hosts(round_, settings, set(who.eligible))
    affinity = compare(
        round_.cohort, settings.weights, round_.facet_cache, rows=who.eligible, columns=hosts
    )
    frame = Frame(round_.cohort, hosts, who.eligible)
    takes = amount(settings.load("host")), amount(settings.load("guest"))
    limited = _loads(frame, *takes).block(round_.ledger)
    return Prepared(
        who,
        affinity,
        frame,
        (
            *twinning_rules(frame, settings),
            *quota_rules(frame, settings),
            *([Rule("load", LOAD_SAYS, limited)] if limited else []),
        ),
        frame.candidates(affinity.score),
        _before(round_, frame),
        takes,
    )


def _loads(frame: Frame, host: NDArray[np.float64], guest: NDArray[np.float64]) -> Loads:
    """Return what every pair takes of its cities: each city of a unit carries the host's load."""
    pair = np.arange(len(frame.host))
    size = np.array([len(host.cities) for host in frame.hosts], dtype=np.int64)
    members = np.array([i for host in frame.hosts for i in host.cities], dtype=np.int64)
    first = np.cumsum(size) - size
    each = size[frame.host]
    # Each pair of a host of several cities stands once for each of them.
    nth = np.arange(int(each.sum())) - np.repeat(np.cumsum(each) - each, each)
    of_host = members[np.repeat(first[frame.host], each) + nth]
    of_guest = np.array(frame.guests, dtype=np.int64)[frame.guest]
    count = len(pair)
    hosts = same_loads(np.repeat(pair, each), of_host, host, count)
    guests = same_loads(pair, of_guest, guest, count)
    return Loads(
        np.concatenate([hosts.city, guests.city]),
        np.concatenate([hosts.candidate, guests.candidate]),
        np.concatenate([hosts.amount, guests.amount]),
        count,
    )


def settle(
    round_: Round, settings: Twinning, ready: Prepared
) -> tuple[NDArray[np.bool_], Solution]:
    """Return the best choice over the whole frame, shape (m,), and its solution; forbidden pairs are not considered.

    Raises NoProposalError with the rules and places that are short.
    """
    keep = np.flatnonzero(ready.allowed)
    blocks = [rule.block.take(keep) for rule in ready.rules if not rule.filters]
    objectives = (
        ("filled", "total") if settings.fairness == "total" else ("filled", "worst-off", "total")
    )
    if ready.before is not None:
        objectives = (*objectives, "fewest changes")
    before = None if ready.before is None else ready.before[keep]
    candidates = ready.everything.take(keep)
    solution = solve(candidates, blocks, objectives=objectives, previous=before)
    if solution.status == "infeasible":
        hosts = [h.name for h in ready.frame.hosts]
        guests = [round_.name(i) for i in ready.frame.guests]
        raise no_answer(settings.title, solution, candidates, blocks, hosts=hosts, guests=guests)
    chosen = np.zeros(len(ready.everything), dtype=bool)
    chosen[keep] = solution.chosen
    return chosen, solution


def propose_twinning(round_: Round, settings: Twinning) -> Product:
    """Return the twinning pairs of a round: proven best under the rules, each with its account.

    Raises QuestionError where there is no host, NoProposalError with the rules and places that are short and a
    menu of repairs where no choice keeps the rules. With a repair taken, what gave way is a row of the rules.
    """
    ready = prepare(round_, settings)
    gave_way: tuple[RuleStatus, ...] = ()
    try:
        chosen, solution = settle(round_, settings, ready)
    except NoProposalError as error:
        if round_.repair is None:
            keep = np.flatnonzero(ready.allowed)
            blocks = [rule.block.take(keep) for rule in ready.rules if not rule.filters]
            choices = in_menu(menu(ready.everything.take(keep), blocks), blocks)
            raise NoProposalError([*error.problems, *choices]) from None
        rules, gave_way = taken(ready.rules, ready.everything, ready.allowed, round_.repair)
        ready = replace(ready, rules=rules)
        chosen, solution = settle(round_, settings, ready)
    product = product_of(round_, settings, ready, chosen, solution)
    return replace(product, rules=excepting(product.rules, gave_way))


def product_of(
    round_: Round,
    settings: Twinning,
    ready: Prepared,
    chosen: NDArray[np.bool_],
    solution: Solution,
) -> Product:
    """Return the product of a choice over the frame; raises DataError where the choice breaks a rule."""
    kept = judged(statuses(ready.rules, ready.everything, chosen))
    meetings = _meetings(round_, settings, ready, chosen)
    meetings, facilitators = facilitated(round_, settings, meetings)
    return Product(
        "twinning",
        settings.title,
        "optimal" if solution.status == "optimal" else "feasible",
        solution.engine,
        solution.score,
        solution.bound,
        meetings,
        _left_out(round_, ready, chosen),
        kept,
        _headline(meetings, ready.who, ready.frame.hosts),
        weights=shares(ready.affinity),
        tables=facilitators,
    )


def facilitated(
    round_: Round, settings: Twinning, meetings: tuple[Meeting, ...]
) -> tuple[tuple[Meeting, ...], tuple[Table, ...]]:
    """Return the pairs with their facilitators noted, and the table of facilitators; unchanged where there are none.

    An exact flow within each facilitator's load: as many shared languages as possible (the guest's and the
    hosts' count alike), so pairs are chosen first and facilitators follow.
    """
    staff = settings.facilitators
    if not staff or not meetings:
        return meetings, ()
    f, m = (axis.ravel() for axis in np.indices((len(staff), len(meetings))))
    spoken = [
        [set(round_.cohort.city(x.city).languages) for x in meeting.members] for meeting in meetings
    ]
    score = np.array(
        [np.mean([bool(set(one.languages) & s) for s in pair]) for one in staff for pair in spoken]
    )
    most = np.array([one.pairs_at_most for one in staff], dtype=np.float64)
    found = solve(
        Candidates(f, m, score, len(staff), len(meetings)),
        [
            counts("facilitator's load", f, high=most, rows=len(staff)),
            counts("one facilitator each", m, high=1, rows=len(meetings)),
        ],
    )
    of = {int(m[k]): staff[int(f[k])] for k in np.flatnonzero(found.chosen)}
    noted = tuple(
        replace(meeting, notes=(*meeting.notes, f"Facilitator: {of[k].name}."))
        for k, meeting in enumerate(meetings)
    )
    rows = tuple(
        (
            one.name,
            sum(1 for who in of.values() if who is one),
            one.pairs_at_most,
            "; ".join(meeting.label for k, meeting in enumerate(meetings) if of[k] is one),
        )
        for one in staff
    )
    columns = ("facilitator", "pairs", "pairs at most", "accompanies")
    return noted, (Table("facilitators", "Facilitators", columns, rows),)


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
                    f"host_ids: there is no city or unit {name!r}.",
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
        roles = " or ".join(role.value for role in settings.hosts)
        who = "host_ids names" if named else f"this cohort has in the role {roles}"
        where = ", and hosts_inside_eu asks for Member States" if settings.hosts_inside_eu else ""
        do = "Name other hosts." if named else "Give at least one city that role."
        raise QuestionError(Problem("no-hosts", f"No city that {who} can be a host{where}.", do=do))
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


def _meetings(
    round_: Round, settings: Twinning, ready: Prepared, chosen: NDArray[np.bool_]
) -> tuple[Meeting, ...]:
    affinity, frame, who = ready.affinity, ready.frame, ready.who
    reserves = _Reserves(round_, ready, chosen, settings.reserves)
    found = []
    pairs = np.flatnonzero(chosen)
    hosts, guests = frame.host[pairs], frame.guest[pairs]
    accounts = affinity.accounts(guests, hosts)
    for h, g, account in zip(hosts.tolist(), guests.tolist(), accounts, strict=True):
        host, guest = frame.hosts[h], frame.guests[g]
        members = (
            *(Member(round_.id(i), "host") for i in host.cities),
            Member(round_.id(guest), "guest"),
        )
        notes = coverage_note(account) + ((who.let_in[guest],) if guest in who.let_in else ())
        found.append(
            Meeting(
                f"twinning:{round_.id(guest)}"
                + (f":{host.id}" if settings.hosts_per_guest > 1 else ""),
                f"{round_.name(guest)} learns from {host.name}",
                members,
                account,
                account.summary(),
                reserves.of(h, g),
                notes,
                host.id if len(host.cities) > 1 else "",
            )
        )
    return tuple(sorted(found, key=lambda m: (-round(m.score, 9), m.id)))


class _Reserves:
    """Who steps in for a pair: the guest's best other hosts with a free place, the host's best other guests."""

    def __init__(
        self, round_: Round, ready: Prepared, chosen: NDArray[np.bool_], count: int
    ) -> None:
        affinity, frame, rules = ready.affinity, ready.frame, ready.rules
        self._round, self._frame, self._count = round_, frame, count
        shape = (len(frame.hosts), len(frame.guests))
        allowed = ready.allowed.reshape(shape)
        held = chosen.reshape(shape)
        most = next(r for r in rules if r.name == "guests per host").block.high
        free = np.asarray(held.sum(axis=1) < most)
        self._score = np.round(affinity.score.T, 9)
        self._for_guest = allowed & ~held & free[:, None]
        self._for_host = allowed & ~held.any(axis=0)
        self._guests_of: dict[int, list[int]] = {}

    def of(self, h: int, g: int) -> tuple[Reserve, ...]:
        """Return the reserves of a pair, best first on each side."""
        host, guest = self._frame.hosts[h], self._round.id(self._frame.guests[g])
        if h not in self._guests_of:  # the same for every pair of the host
            self._guests_of[h] = self._best(self._score[h], self._for_host[h])
        hosts = self._best(self._score[:, g], self._for_guest[:, g])
        return tuple(
            Reserve(host.id, self._frame.hosts[k].id, float(self._score[k, g])) for k in hosts
        ) + tuple(
            Reserve(guest, self._round.id(self._frame.guests[k]), float(self._score[h, k]))
            for k in self._guests_of[h]
        )

    def _best(self, score: NDArray[np.float64], may: NDArray[np.bool_]) -> list[int]:
        """Return the places with the best scores of those that may be, ties in the order of places."""
        places = np.flatnonzero(may)
        if len(places) > self._count > 0:
            # All that tie with the last of the best are kept for the order of places to tell.
            at = len(places) - self._count
            places = places[score[places] >= np.partition(score[places], at)[at]]
        best = places[np.argsort(-score[places], kind="stable")][: self._count]
        return [int(k) for k in best]


def _left_out(round_: Round, ready: Prepared, chosen: NDArray[np.bool_]) -> tuple[LeftOut, ...]:
    """Everyone without a pair and why; what they are offered instead is added once all products are known."""
    affinity, frame, who = ready.affinity, ready.frame, ready.who
    shape = (len(frame.hosts), len(frame.guests))
    held, allowed = chosen.reshape(shape), ready.allowed.reshape(shape)
    lowest = float(affinity.score.T[held].min(initial=np.inf)) if held.any() else 0.0
    places = int(held.sum())
    hosts = {i for h in np.flatnonzero(held.any(axis=1)) for i in frame.hosts[h].cities}
    placed = hosts | {frame.guests[g] for g in np.flatnonzero(held.any(axis=0))}
    unchosen = {
        frame.guests[g]: _unchosen(affinity, frame, allowed[:, g], int(g), places, lowest)
        for g in np.flatnonzero(~held.any(axis=0))
    }
    idle = {i: _idle(round_, i, places, frame) for host in frame.hosts for i in host.cities}
    ask = "Ask the city, then run again."
    out = []
    for i, city in enumerate(round_.cohort.cities):
        if i in placed:
            continue
        if (why := who.refused.get(i) or unchosen.get(i)) is not None:
            out.append(LeftOut(city.id, why, "", as_role="guest"))
        elif i in who.ask:
            out.append(LeftOut(city.id, who.ask[i], "", ask, as_role="guest"))
        elif i in idle:
            out.append(LeftOut(city.id, idle[i], "", as_role="host"))
        else:
            out.append(LeftOut(city.id, NEITHER, ""))
    return tuple(out)


def _unchosen(
    affinity: Affinity, frame: Frame, allowed: NDArray[np.bool_], g: int, places: int, lowest: float
) -> str:
    if not allowed.any():
        return "Every host is closed to it by a rule of the round."
    best = int(np.argmax(np.where(allowed, np.round(affinity.score[g], 9), -1.0)))
    return (
        f"All {places} places went to guests with whom the round as a whole fits better: its best possible pair, with "
        f"{frame.hosts[best].name}, scores {100 * affinity.score[g, best]:.0f} of 100; the lowest pair chosen scores {100 * lowest:.0f}."
    )


def _idle(round_: Round, i: int, pairs: int, frame: Frame) -> str:
    unit = round_.cohort.unit_of.get(round_.id(i))
    through = f" through {unit.name}" if unit and any(h.id == unit.id for h in frame.hosts) else ""
    return f"Ready to host{through}, but no guest was matched with it: {count(pairs, 'pair')} for {count(len(frame.hosts), 'host unit')}."


def _headline(meetings: tuple[Meeting, ...], who: Applicants, hosts: tuple[Host, ...]) -> str:
    applied = len(who.eligible) + len(who.refused) + len(who.ask)
    used = len({m.unit or m.cities("host")[0] for m in meetings})
    text = f"{count(applied, 'applicant')}, {len(who.eligible)} of them eligible: {count(len(meetings), 'pair')} with {used} of {count(len(hosts), 'host unit')}."
    thin = sum(m.account.coverage < THIN_COVERAGE for m in meetings)
    if thin:
        rest = (
            "rests on little that is known and carries"
            if thin == 1
            else "rest on little that is known and carry"
        )
        text += f" {thin} of the pairs {rest} a note."
    if who.ask:
        text += f" For {count(len(who.ask), 'applicant')} eligibility is not known: named under 'left out', to be asked first."
    return text


def pair_rules(round_: Round, settings: Twinning, product: Product) -> tuple[RuleStatus, ...]:
    """Return how finished pairs stand to each rule, as the rules' own blocks find them over the whole frame.

    A repair that the product says it took is made again, and the pairs are judged by what is left of the rules.
    """
    pairs = [
        (guest, m.unit or host)
        for m in product.meetings
        for guest in m.cities("guest")
        for host in m.cities("host")[:1]
    ]
    ready = prepare(round_, settings)
    known = {(round_.id(g), host.id) for host in ready.frame.hosts for g in ready.frame.guests}
    strange = [f"{guest} with {host}" for guest, host in pairs if (guest, host) not in known]
    told = counted(
        "eligible pairs", "Every pair is an eligible guest and a host of the round.", strange
    )
    held = set(pairs)
    chosen = ready.frame.pairs(lambda host, g: (round_.id(g), host.id) in held)
    said = [rule for rule in product.rules if rule.status == "relaxed"]
    rules, gave_way = as_told(ready.rules, ready.everything, ready.allowed, said)
    return (told, *excepting(statuses(rules, ready.everything, chosen), gave_way))
