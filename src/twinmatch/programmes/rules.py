"""Rules, said once: the solver, the referee and the report all read the same saying.

A rule over pairs yields a :class:`~twinmatch.solving.blocks.Block` over the frame, which holds *every* pair of
an eligible guest and a host. A filter is the same thing with a limit of nought: the pairs it forbids are taken
out of the candidates before anything is solved (forbidden is removed, never priced), and the referee, who
judges over the whole frame, still sees whether any of them was chosen.

Notation: m pairs in the frame; host, guest (m,) index the frame's hosts and guests.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from twinmatch.cohort import Cohort, Host, nearest
from twinmatch.errors import DataError, Problem, QuestionError
from twinmatch.geography import country
from twinmatch.programmes.round import Round
from twinmatch.programmes.settings import Twinning
from twinmatch.proposal import Meeting, RuleStatus
from twinmatch.solving.blocks import Block, Candidates, counts
from twinmatch.solving.referee import Verdict, referee

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Frame:
    """Every pair of a host and a guest that a product may consider, in order of host, then guest."""

    cohort: Cohort
    hosts: tuple[Host, ...]
    guests: tuple[int, ...]

    @cached_property
    def host(self) -> Ints:
        """Return the host of every pair, shape (m,)."""
        return np.repeat(np.arange(len(self.hosts)), len(self.guests))

    @cached_property
    def guest(self) -> Ints:
        """Return the guest of every pair, shape (m,)."""
        return np.tile(np.arange(len(self.guests)), len(self.hosts))

    def candidates(self, score: NDArray[np.float64]) -> Candidates:
        """Return all pairs as candidates, given scores of shape (guests, hosts)."""
        return Candidates(
            self.host,
            self.guest,
            np.ascontiguousarray(score.T).ravel(),
            len(self.hosts),
            len(self.guests),
        )

    def pairs(self, wanted: Callable[[Host, int], bool]) -> Bools:
        """Return the pairs for which a test of host and guest city holds, shape (m,)."""
        return np.array(
            [wanted(host, guest) for host in self.hosts for guest in self.guests], dtype=bool
        )

    def nobody(self) -> Bools:
        """Return no pair, shape (hosts, guests), to be filled in."""
        return np.zeros((len(self.hosts), len(self.guests)), dtype=bool)

    @cached_property
    def guest_at(self) -> dict[int, int]:
        """Return the place among the guests of each guest city."""
        return {i: g for g, i in enumerate(self.guests)}

    @cached_property
    def named(self) -> dict[str, list[int]]:
        """Return the hosts (by place) that each id stands for: a host's own and its cities'."""
        found: dict[str, list[int]] = {}
        for h, host in enumerate(self.hosts):
            for name in self.members(host):
                found.setdefault(name, []).append(h)
        return found

    def members(self, host: Host) -> set[str]:
        """Return the ids by which a host can be named: its own and its cities'."""
        return {host.id, *(self.cohort.cities[i].id for i in host.cities)}


@dataclass(frozen=True, eq=False)
class Rule:
    """A rule as it was compiled: its name, its saying, its block over the frame, and whether it is a filter."""

    name: str
    says: str
    block: Block
    filters: bool = False

    @property
    def forbidden(self) -> Bools:
        """Return the pairs that a filter takes out, shape (m,)."""
        columns = np.zeros(self.block.matrix.shape[1], dtype=bool)
        if self.filters:
            columns[self.block.matrix.indices] = True
        return columns


def allowed_pairs(rules: Sequence[Rule]) -> Bools:
    """Return the pairs that no filter takes out, shape (m,)."""
    allowed = np.ones(rules[0].block.matrix.shape[1], dtype=bool)
    for rule in rules:
        allowed &= ~rule.forbidden
    return allowed


def forbid(name: str, says: str, pairs: Bools) -> Rule:
    """Return the filter that takes out some pairs."""
    matrix = sp.csr_array(pairs[None, :].astype(np.float64))
    return Rule(
        name,
        says,
        Block(name, matrix, np.array([-np.inf]), np.array([0.0]), lambda _: says),
        filters=True,
    )


def twinning_rules(frame: Frame, settings: Twinning) -> tuple[Rule, ...]:
    """Return the rules of a twinning round over its frame, in the order in which they are told.

    Raises QuestionError where a lock or ban names a city that cannot be in the pair, or both stand on one pair.
    """
    rules = [_host_places(frame, settings), _hosts_each(frame, settings.hosts_per_guest)]
    if settings.places is not None:
        rules.append(_places(frame, settings.places))
    if settings.guests_per_country is not None:
        rules.append(_guests_per_country(frame, settings.guests_per_country))
    if settings.another_country:
        rules.append(
            forbid(
                "another country",
                "Guest and host are in different countries.",
                compatriots(frame),
            )
        )
    rules += _named_pairs(frame, settings)
    for name, says, pairs in (
        (
            "refusals",
            "Nobody is matched with a city that either side refuses.",
            _refused(frame),
        ),
        (
            "not itself",
            "No city is matched with its own host unit.",
            _itself(frame),
        ),
    ):
        if pairs.any():
            rules.append(forbid(name, says, pairs))
    rules += _asked_for(frame, settings)
    return tuple(rules)


def _asked_for(frame: Frame, settings: Twinning) -> list[Rule]:
    """The filters that a programme may ask for beside the others: wishes, language, facilitators' total."""
    rules = []
    if settings.only_wished:
        says = "A guest with wishes is matched with a host among them."
        rules.append(forbid("wishes", says, _not_wished(frame)))
    if settings.shared_language:
        says = "Guest and host share a working language, where both have named any."
        rules.append(forbid("language", says, _speechless(frame)))
    if settings.facilitators:
        most = sum(f.pairs_at_most for f in settings.facilitators)
        says = f"The {len(settings.facilitators)} facilitators accompany at most {most} pairs."
        one = np.zeros(len(frame.host), dtype=int)
        block = counts("facilitators", one, high=most, rows=1, says=lambda _: says)
        rules.append(Rule("facilitators", says, block))
    return rules


def _not_wished(frame: Frame) -> Bools:
    """Return the pairs of a guest that has wishes with a host that is not among them, shape (m,)."""
    pairs = frame.nobody()
    for g, i in enumerate(frame.guests):
        wishes = frame.cohort.cities[i].wishes
        if wishes:
            pairs[:, g] = True
            for name in wishes:
                pairs[frame.named.get(name, []), g] = False
    return pairs.ravel()


def _speechless(frame: Frame) -> Bools:
    """Return the pairs whose sides have both named languages and share none; a unit speaks those of all its cities."""
    cities = frame.cohort.cities
    mine = [set(cities[i].languages) for i in frame.guests]
    theirs = [{v for i in host.cities for v in cities[i].languages} for host in frame.hosts]
    known = sorted({v for spoken in (*mine, *theirs) for v in spoken})
    hosts, guests = _memberships(theirs, known), _memberships(mine, known)
    shared = hosts.astype(np.float32) @ guests.astype(np.float32).T
    speaks_host, speaks_guest = np.any(hosts, axis=1, keepdims=True), np.any(guests, axis=1)
    return np.asarray(((shared == 0) & speaks_host & speaks_guest).ravel())


def _memberships(sets: Sequence[set[str]], names: Sequence[str]) -> Bools:
    """Return which set holds which name, shape (sets, names)."""
    found = np.zeros((len(sets), len(names)), dtype=bool)
    place = {name: k for k, name in enumerate(names)}
    for s, held in enumerate(sets):
        found[s, [place[name] for name in held]] = True
    return found


def _host_places(frame: Frame, settings: Twinning) -> Rule:
    """The band of guests a host, narrowed by what a host itself can take."""
    low, high = (
        np.array(side, dtype=float)
        for side in zip(*(_limits(frame, h, settings) for h in frame.hosts), strict=True)
    )
    least, most = settings.guests_per_host
    says = f"Each host unit has {_band_words(least, most)} guests" + (
        ", or fewer where it said so." if (high < most).any() else "."
    )

    def row(h: int) -> str:
        return f"{frame.hosts[h].name} takes {_band_words(int(low[h]), int(high[h]))} guests"

    return Rule(
        "guests per host",
        says,
        counts("guests per host", frame.host, low=low, high=high, rows=len(frame.hosts), says=row),
    )


def _limits(frame: Frame, host: Host, settings: Twinning) -> tuple[int, int]:
    """The band of one host: the programme's, the host's own, and for a unit what each of its cities can take."""
    least, most = settings.guests_per_host
    own = [frame.cohort.cities[i].participation for i in host.cities]
    stated = [p.guests_at_most for p in own if p is not None and p.guests_at_most is not None]
    at_most = min([most, *stated, *([] if host.guests_at_most is None else [host.guests_at_most])])
    at_least = least if host.guests_at_least is None else max(least, host.guests_at_least)
    if at_least > at_most:
        raise QuestionError(
            Problem(
                "limits-undercut",
                f"{host.id} can take at most {at_most} guests, but at least {at_least} are asked of it.",
                do="Change one of the two.",
            )
        )
    return at_least, at_most


def _hosts_each(frame: Frame, most: int) -> Rule:
    words = "one host unit" if most == 1 else f"at most {most} host units"
    block = counts(
        "one host each",
        frame.guest,
        high=most,
        rows=len(frame.guests),
        says=lambda g: f"{_name(frame, g)} has {words}",
    )
    return Rule(
        "one host each" if most == 1 else "hosts per guest", f"Each guest has {words}.", block
    )


def _places(frame: Frame, places: int) -> Rule:
    says = f"At most {places} guests are chosen."
    return Rule(
        "places",
        says,
        counts(
            "places", np.zeros(len(frame.host), dtype=int), high=places, rows=1, says=lambda _: says
        ),
    )


def _guests_per_country(frame: Frame, most: int) -> Rule:
    codes = [frame.cohort.cities[i].country for i in frame.guests]
    names = sorted(set(codes))
    of_guest = np.array([names.index(code) for code in codes], dtype=np.int64)
    says = f"At most {most} guests come from one country."
    block = counts(
        "guests per country",
        of_guest[frame.guest],
        high=most,
        rows=len(names),
        says=lambda k: f"At most {most} guests come from {country(names[k]).name}",
    )
    return Rule("guests per country", says, block)


def _named_pairs(frame: Frame, settings: Twinning) -> list[Rule]:
    """Locks, bans and past pairs; every name is checked, and a pair cannot be both locked and forbidden."""
    problems: list[Problem] = []
    locked = [_find_pair(frame, pair, "lock", problems) for pair in settings.lock]
    banned = [_find_pair(frame, pair, "ban", problems) for pair in settings.ban]
    past = [_find_pair(frame, pair, "past", problems) for pair in settings.past]
    for one, pair in zip(locked, settings.lock, strict=True):
        if any((one & other).any() for other in (*banned, *past)):
            problems.append(
                Problem(
                    "lock-banned",
                    f"{pair[0]}={pair[1]} is locked and banned at once.",
                    do="Remove one of the two.",
                )
            )
    if problems:
        raise QuestionError(problems)
    rules = []
    if locked:
        matrix = sp.csr_array(np.array(locked, dtype=np.float64))
        locks = [_pair_in_words(frame, pair) for pair in settings.lock]
        block = Block(
            "locks",
            matrix,
            np.ones(len(locked)),
            np.full(len(locked), np.inf),
            lambda k: f"{locks[k]} must meet",
        )
        rules.append(Rule("locks", f"These pairs must meet: {', '.join(locks)}.", block))
    if banned:
        bans = [_pair_in_words(frame, pair) for pair in settings.ban]
        rules.append(
            forbid("bans", f"These pairs must not meet: {', '.join(bans)}.", np.any(banned, axis=0))
        )
    if past:
        rules.append(
            forbid(
                "past pairs",
                f"Pairs of earlier rounds ({len(past)}) do not meet again.",
                np.any(past, axis=0),
            )
        )
    return rules


def _pair_in_words(frame: Frame, pair: tuple[str, str]) -> str:
    names = {c.id: c.name for c in frame.cohort.cities} | {u.id: u.name for u in frame.cohort.units}
    return f"{names[pair[0]]} with {names[pair[1]]}"


def _find_pair(frame: Frame, pair: tuple[str, str], kind: str, problems: list[Problem]) -> Bools:
    """Return the pairs of the frame that two names stand for, either way round; none where a name is unknown."""
    found = np.zeros(len(frame.host), dtype=bool)
    names = {
        **{c.id: c.id for c in frame.cohort.cities},
        **{u.id: u.id for u in frame.cohort.units},
    }
    unknown = [name for name in pair if name not in names]
    if unknown:
        problems += [
            Problem(
                "city-unknown",
                f"{kind} {'='.join(pair)}: there is no city or unit {name!r}.",
                do=nearest(name, names),
            )
            for name in unknown
        ]
        return found
    for guest_name, host_name in (pair, pair[::-1]):
        guests = [g for g, i in enumerate(frame.guests) if frame.cohort.cities[i].id == guest_name]
        hosts = [h for h, host in enumerate(frame.hosts) if host_name in frame.members(host)]
        found |= np.isin(frame.guest, guests) & np.isin(frame.host, hosts)
    if not found.any() and kind == "lock":
        problems.append(
            Problem(
                "lock-impossible",
                f"lock {'='.join(pair)}: the two are not an eligible guest and a host of this round.",
                do=f"Remove the lock, or ask why: twinmatch why-not {pair[0]} {pair[1]}",
            )
        )
    return found


def compatriots(frame: Frame) -> Bools:
    """Return the pairs of a guest and a host with a city of its country, shape (m,)."""
    cities = frame.cohort.cities
    codes = sorted({city.country for city in cities})
    of_host = _memberships([{cities[i].country for i in h.cities} for h in frame.hosts], codes)
    of_guest = [codes.index(cities[i].country) for i in frame.guests]
    return np.asarray(of_host[:, of_guest].ravel())


def _refused(frame: Frame) -> Bools:
    """Return the pairs of which either side refuses the other, or one of its cities, shape (m,)."""
    pairs = frame.nobody()
    cities, of = frame.cohort.cities, frame.cohort.cities_of
    for g, i in enumerate(frame.guests):
        for name in cities[i].refuses:
            pairs[frame.named.get(name, []), g] = True
    for h, host in enumerate(frame.hosts):
        refused = [k for i in host.cities for name in cities[i].refuses for k in of[name]]
        pairs[h, [frame.guest_at[i] for i in refused if i in frame.guest_at]] = True
    return pairs.ravel()


def _itself(frame: Frame) -> Bools:
    """Return the pairs of a guest and a host that it is or belongs to, shape (m,)."""
    pairs = frame.nobody()
    for h, host in enumerate(frame.hosts):
        pairs[h, [frame.guest_at[i] for i in host.cities if i in frame.guest_at]] = True
    return pairs.ravel()


def _name(frame: Frame, g: int) -> str:
    return frame.cohort.cities[frame.guests[g]].name


def _band_words(least: int, most: int) -> str:
    return f"{least} to {most}" if least != most else f"exactly {most}"


def statuses(
    rules: Sequence[Rule], candidates: Candidates, chosen: Bools
) -> tuple[RuleStatus, ...]:
    """Return how an answer stands to every rule, as the referee finds it over the whole frame.

    "binding" means that at least one row of the rule is at its limit.
    """
    verdicts = referee(candidates, chosen, [rule.block for rule in rules])
    found = []
    for b, rule in enumerate(rules):
        mine = [v for v in verdicts if v.block == b]
        broken = [rule.block.says(v.row) for v in mine if not v.kept]
        if broken:
            found.append(
                RuleStatus(rule.name, f"{rule.says} Broken: {'; '.join(broken)}.", "broken")
            )
        else:
            found.append(
                RuleStatus(
                    rule.name,
                    rule.says + _at_limit(rule, mine),
                    "binding" if _binds(rule, mine) else "kept",
                )
            )
    return tuple(found)


def _binds(rule: Rule, verdicts: Sequence[Verdict]) -> bool:
    return not rule.filters and any(
        v.found == v.high or (v.found == v.low and v.low > 0) for v in verdicts
    )


def _at_limit(rule: Rule, verdicts: Sequence[Verdict]) -> str:
    if rule.filters or len(verdicts) < 2:
        return ""
    full = sum(v.found == v.high for v in verdicts)
    return f" {full} of {len(verdicts)} are at the limit." if full else ""


def counted(name: str, says: str, broken: Sequence[str]) -> RuleStatus:
    """Return a rule that was counted over finished meetings: kept, or broken by what is named."""
    return RuleStatus(
        name,
        says + (f" Broken: {'; '.join(broken)}." if broken else ""),
        "broken" if broken else "kept",
    )


def outside(meetings: Sequence[Meeting], low: int, high: int, role: str | None = None) -> list[str]:
    """Return the meetings whose size, of one role or of all, lies outside a band, in words."""
    sizes = [(m.label, sum(role is None or x.role == role for x in m.members)) for m in meetings]
    return [f"{label} has {n}" for label, n in sizes if not low <= n <= high]


def few_of_a_country(round_: Round, meetings: Sequence[Meeting], most: int) -> RuleStatus:
    """Return how finished meetings stand to the rule on cities of one country."""
    tallies = [
        (m.label, Counter(round_.cohort.city(c).country for c in m.cities())) for m in meetings
    ]
    wrong = [
        f"{label} has {n} of {code}"
        for label, codes in tallies
        for code, n in sorted(codes.items())
        if n > most
    ]
    return counted(
        "cities per country", f"At most {most} cities of one country are in a meeting.", wrong
    )


def judged(rules: Sequence[RuleStatus]) -> tuple[RuleStatus, ...]:
    """Return the statuses, or raise: an answer that breaks a rule never leaves the house."""
    broken = [
        Problem("rule-broken", f"The answer breaks the rule {r.rule!r}: {r.says}")
        for r in rules
        if r.status == "broken"
    ]
    if broken:
        raise DataError(broken)
    return tuple(rules)
