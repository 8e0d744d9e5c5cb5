"""The product of a twinning round: pairs with their accounts, reserves, facilitators, and who is left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from twinmatch.cohort import Host
from twinmatch.errors import NoProposalError
from twinmatch.programmes.eligibility import conditions_kept, unmet
from twinmatch.programmes.repair_menu import excepting, in_menu, made_again, menu_of, taken
from twinmatch.programmes.round import Round, SolvedProduct, coverage_note, shares
from twinmatch.programmes.rules import counted, judged, roles_in_words, statuses
from twinmatch.programmes.twinning.frame import accompanied
from twinmatch.programmes.twinning.left_out import Unplaced
from twinmatch.programmes.twinning.pair_rules import refused_before
from twinmatch.programmes.twinning.search import (
    PreparedTwinning,
    holding,
    prepare,
    settled,
    solve_twinning,
    without_reason,
)
from twinmatch.programmes.twinning.settings import Facilitator, Twinning
from twinmatch.proposal import (
    Account,
    LeftOut,
    Meeting,
    Member,
    Product,
    Reserve,
    RuleStatus,
    Table,
    make_table,
)
from twinmatch.proposal.proposal import Status
from twinmatch.schema import Role
from twinmatch.solving import Candidates, Floats, Solution, counts, solve
from twinmatch.wording import count, few, joined, say, say_n


def solved_twinning(round_: Round, settings: Twinning) -> SolvedProduct:
    """Return the twinning pairs of a round, proven best under the rules, with what they were solved from.

    Raises QuestionError where there is no host, NoProposalError with the rules and places that are short and a
    menu of repairs where no choice keeps the rules. With a repair taken, what gave way is a row of the rules.
    """
    ready, answer = settled(prepare(round_, settings))
    gave_way: tuple[RuleStatus, ...] = ()
    if isinstance(answer, NoProposalError):
        numbers = round_.repairs_of("twinning")
        if not numbers:
            found = menu_of(ready.rules, ready.candidates)
            choices = in_menu(*found, round_.named("twinning"))
            raise NoProposalError([*answer.problems, *choices]) from None
        rules, gave_way = taken(ready.rules, ready.candidates, numbers)
        ready = replace(ready, rules=rules)
        answer = solve_twinning(ready)
    chosen, solution = answer
    product = product_of(ready, chosen, solution)
    product = replace(product, rules=excepting(product.rules, gave_way))
    return SolvedProduct(product, ready, chosen, solution)


def product_of(ready: PreparedTwinning, chosen: NDArray[np.bool_], solution: Solution) -> Product:
    """Return the product of a choice over the frame; raises DataError where the choice breaks a rule."""
    round_, settings = ready.round, ready.settings
    kept = judged(statuses(ready.rules, ready.candidates, chosen))
    meetings = _meetings(ready, chosen)
    givers = next((r.block.givers for r in ready.rules if r.name == "facilitators"), None)
    most = None if givers is None else givers.most
    meetings, facilitators = facilitated(round_, settings.facilitators, most, meetings)
    unplaced = Unplaced(ready, chosen)
    held, out = unplaced.held(), unplaced.everyone()
    empty, by = unplaced.empty(sum(item.places for item in held))
    kept = tuple(replace(r, status="binding") if r.rule in by else r for r in kept)
    kept = (conditions_kept(round_.cohort, ready.who, settings.guests), *kept)
    awaited = ready.ungated.any() if ready.who.eligible else any(x.ask for x in out)
    status: Status = "optimal" if solution.status == "optimal" else "feasible"
    if not meetings and (ready.allowed.any() or not awaited):  # the rules let no pair be
        status = "infeasible"
    return Product(
        "twinning",
        settings.title,
        status,
        solution.engine,
        solution.score,
        solution.bound,
        meetings,
        out,
        kept,
        _headline(
            meetings,
            out,
            len(ready.who.eligible),
            len(ready.frame.hosts),
            [round_.cohort.city(x.city).name for x in out if x.ask and x.as_role == "guest"],
            [*(item.why for item in held), empty],
        ),
        weights=shares(ready.affinity),
        tables=(*facilitators, *unplaced.ties()),
        held=held,
        advice=() if ready.who.eligible else _conditions(ready),
    )


def _conditions(ready: PreparedTwinning) -> tuple[str, ...]:
    """Return which conditions keep every applicant out, counted, and where a programme sets them."""
    who, rule = ready.who, ready.settings.guests
    missed = unmet(ready.round.cohort, who.refused, who.ask, rule)
    says = "The programme file sets who may be a guest, under [twinning.guests]; “twinmatch init” writes one to change."
    return (missed, say(says)) if missed else ()


def facilitated(
    round_: Round,
    staff: Sequence[Facilitator],
    most: Floats | None,
    meetings: tuple[Meeting, ...],
) -> tuple[tuple[Meeting, ...], tuple[Table, ...]]:
    """Return the pairs with their facilitators noted, and the table of facilitators; unchanged where there are none.

    The rules let no more pairs be than find a facilitator, so each of those chosen finds one. ``most`` (F,) are the pairs that
    each takes, after repairs.
    """
    if most is None or not meetings:
        return meetings, ()
    index = round_.cohort.index
    hosts = [[index[c] for c in x.cities("host")] for x in meetings]
    guests = [index[x.cities("guest")[0]] for x in meetings]
    f, m = np.nonzero(np.logical_and(*accompanied(round_.cohort, staff, hosts, guests)))
    found = solve(
        Candidates(f, m, np.zeros(len(f)), len(staff), len(meetings)),
        [
            counts("facilitator's load", f, high=most, rows=len(staff)),
            counts("one facilitator each", m, high=1, rows=len(meetings)),
        ],
    )
    of = {int(m[k]): staff[int(f[k])] for k in np.flatnonzero(found.chosen)}
    noted = tuple(
        replace(meeting, notes=(*meeting.notes, say("Facilitator: {name}.", name=of[k].name)))
        for k, meeting in enumerate(meetings)
    )
    timed = any(one.hours is not None for one in staff)
    rows = tuple(
        (
            one.name,
            len(mine),
            int(n),
            *([one.hours_of(len(mine)), one.hours] if timed else []),
            joined(mine, "; "),
        )
        for one, n in zip(staff, most, strict=True)
        for mine in [[m.label for k, m in enumerate(meetings) if of[k] is one]]
    )
    hours = ("hours", "hours stated") if timed else ()
    columns = ("facilitator", "pairs", "pairs at most", *hours, "accompanies")
    return noted, (make_table("facilitators", rows, heads=columns),)


def _why_hosting(round_: Round, settings: Twinning, host: Host) -> tuple[str, ...]:
    """Return why a host hosts that has no Mission City, where the programme takes it for a role of its own."""
    roles = {role for i in host.cities for role in round_.cohort.cities[i].roles}
    own = [role for role in settings.hosts if role in roles]
    if Role.MISSION in roles or not own:
        return ()
    says = "{host} hosts as one of the {kinds}: the hosts of this programme are {hosts}."
    told = {"kinds": roles_in_words(own[:1]), "hosts": roles_in_words(settings.hosts)}
    return (say(says, host=host.name, **told),)


def _leading_first(account: Account, cities: list[str]) -> list[str]:
    """Return the cities of a host in order of id, first the one whose example is the strongest reason of a pair."""
    quoted = [fact.city for line in account.strongest() for fact in line.facts]
    return sorted(
        cities, key=lambda city: (quoted.index(city) if city in quoted else len(quoted), city)
    )


def _meetings(ready: PreparedTwinning, chosen: NDArray[np.bool_]) -> tuple[Meeting, ...]:
    round_, settings, frame, who = ready.round, ready.settings, ready.frame, ready.who
    reserves = Reserves(ready, chosen, settings.reserves)
    found = []
    pairs = np.flatnonzero(chosen)
    hosts, guests = frame.host[pairs], frame.guest[pairs]
    accounts = ready.affinity.accounts(guests, hosts)
    again = set(refused_before(frame, settings))
    needs = _needs_answered(ready, hosts, guests)
    for h, g, account in zip(hosts.tolist(), guests.tolist(), accounts, strict=True):
        host, guest = frame.hosts[h], frame.guests[g]
        cities = _leading_first(account, [round_.id(i) for i in host.cities])
        members = (
            *(Member(city, "host") for city in cities),
            Member(round_.id(guest), "guest"),
        )
        notes = coverage_note(account) + ((who.let_in[guest],) if guest in who.let_in else ())
        if g in again:
            notes += (
                say(
                    "It was refused a place in an earlier round: its place counted {points:g} points.",
                    points=settings.refused_before_points,
                ),
            )
        notes += _why_hosting(round_, settings, host)
        if len(cities) > 1:
            says = "{city} takes the lead for {unit}; each of its {n} cities gives about {hours:g} hours of staff time a month."
            told = {"city": round_.cohort.city(cities[0]).name, "unit": host.name}
            hours = settings.load("host").shared(len(cities)).hours
            notes += (say(says, n=len(cities), hours=hours, **told),)
        need = needs.get((h, g), "")
        found.append(
            Meeting(
                f"twinning:{round_.id(guest)}"
                + (f":{host.id}" if settings.hosts_per_guest > 1 else ""),
                say("{guest} learns from {host}", guest=round_.name(guest), host=host.name),
                members,
                account,
                joined(filter(None, (need, account.summary()))),
                reserves.of(h, g),
                notes,
                host.id if len(host.cities) > 1 else "",
                need,
            )
        )
    return tuple(sorted(found, key=lambda m: (-round(m.score, 9), m.id)))


NEEDS: Final = (
    "For the first need of {guest}: {topic}.",
    "For the second need of {guest}: {topic}.",
    "For the third need of {guest}: {topic}.",
    "For a further need of {guest}: {topic}.",
)
"""What is said of a pair that answers a need, in the order of needs."""


def _needs_answered(
    ready: PreparedTwinning, hosts: NDArray[np.int64], guests: NDArray[np.int64]
) -> dict[tuple[int, int], str]:
    """Return in words which need of its guest each pair answers, by host and guest; of guests with several needs."""
    found = {}
    for g in dict.fromkeys(guests.tolist()):
        needs = ready.frame.needs[g] if ready.frame.needs else ()
        mine = hosts[guests == g].tolist()
        answered = ready.frame.needs_of(g, mine) if len(needs) > 1 else ()
        guest = ready.round.name(ready.frame.guests[g])
        for h, k in zip(mine, answered, strict=False):
            found[h, g] = say(NEEDS[min(k, 3)], guest=guest, topic=needs[k].wording)
    return found


class Reserves:
    """Who steps in: for a guest the best other hosts with a free place, for a host the best guests without a pair."""

    def __init__(self, ready: PreparedTwinning, chosen: NDArray[np.bool_], count: int) -> None:
        frame = ready.frame
        self._count, self._hosts = count, frame.hosts
        self._guest_ids = [ready.round.id(i) for i in frame.guests]
        shape = (len(frame.hosts), len(frame.guests))
        allowed, held = ready.allowed.reshape(shape), chosen.reshape(shape)
        most = next(r for r in ready.rules if r.kind == "places").block.high
        free = np.asarray(held.sum(axis=1) < most)
        self.score = np.round(ready.candidates.score, 9).reshape(shape)
        self._for_guest = allowed & ~held & free[:, None]
        self._for_host = allowed & ~held.any(axis=0)
        self._guests_of: dict[int, list[int]] = {}

    def for_guest(self, g: int) -> list[int]:
        """Return the hosts of a guest, best first."""
        ids = [host.id for host in self._hosts]
        return self._best(self.score[:, g], self._for_guest[:, g], self._guest_ids[g], ids)

    def for_host(self, h: int) -> list[int]:
        """Return the guests of a host, best first, found once for all its pairs."""
        if h not in self._guests_of:
            may, own = self._for_host[h], self._hosts[h].id
            self._guests_of[h] = self._best(self.score[h], may, own, self._guest_ids)
        return self._guests_of[h]

    def of(self, h: int, g: int) -> tuple[Reserve, ...]:
        """Return the reserves of a pair, those of its guest first."""
        guest, host = self._guest_ids[g], self._hosts[h].id
        return (
            *(Reserve(host, self._hosts[k].id, float(self.score[k, g])) for k in self.for_guest(g)),
            *(
                Reserve(guest, self._guest_ids[k], float(self.score[h, k]))
                for k in self.for_host(h)
            ),
        )

    def _best(
        self, score: NDArray[np.float64], may: NDArray[np.bool_], of: str, ids: Sequence[str]
    ) -> list[int]:
        """Return the places with the best scores of those that may be, ties by a hash of both ids, so that they spread."""
        places = np.flatnonzero(may)
        if len(places) > self._count > 0:
            # All that tie with the last of the best are kept for the hash to tell.
            at = len(places) - self._count
            places = places[score[places] >= np.partition(score[places], at)[at]]
        ties = {k: (-score[k], crc32(f"{of} {ids[k]}".encode()), ids[k]) for k in places.tolist()}
        return sorted(ties, key=ties.__getitem__)[: self._count]


def _headline(
    meetings: Sequence[Meeting],
    out: Sequence[LeftOut],
    eligible: int,
    hosts: int,
    asked: Sequence[str],
    left: Sequence[str],
) -> str:
    applied = {c for m in meetings for c in m.cities("guest")}
    applied |= {x.city for x in out if x.as_role == "guest"}
    used = len({m.unit or m.cities("host")[0] for m in meetings})
    text = say(
        "{applicants}, {eligible} of them eligible: {pairs} with {used} of {hosts}.",
        applicants=count(len(applied), "applicant"),
        eligible=eligible,
        pairs=count(len(meetings), "pair"),
        used=used,
        hosts=count(hosts, "host unit"),
    )
    text = joined(filter(None, (text, *left)))
    if asked:
        text += say_n(
            " {n} applicant is to be asked first: {names}.",
            " {n} applicants are to be asked first: {names}.",
            len(asked),
            names=few(asked, 3),
        )
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
    strange = [
        say("{guest} with {host}", guest=guest, host=host)
        for guest, host in pairs
        if (guest, host) not in known
    ]
    told = counted(
        "eligible pairs", say("Every pair is an eligible guest and a host of the round."), strange
    )
    held = set(pairs)
    chosen = ready.frame.pairs(lambda host, g: (round_.id(g), host.id) in held)
    if any(rule.repair is not None for rule in product.rules):
        ready, _ = settled(ready)
    elif (silent := without_reason(ready, chosen)).any():
        ready = holding(ready, silent)
    rules, gave_way = made_again(ready.rules, ready.candidates, product.rules)
    asked = conditions_kept(round_.cohort, ready.who, settings.guests)
    return (told, asked, *excepting(statuses(rules, ready.candidates, chosen), gave_way))
