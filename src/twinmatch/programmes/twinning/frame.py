"""The frame of a twinning round: every pair of an eligible guest and a host, and the rules on what they seek and show, and on who accompanies them.

Rules over twinning pairs that other packages bring; a programme asks for them by name in ``twinning.extra_rules``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, combinations, permutations
from typing import Any, Final, TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from twinmatch.cohort import Cohort, Host
from twinmatch.errors import QuestionError
from twinmatch.extensions import Registry, need
from twinmatch.facets.base import memberships
from twinmatch.programmes.conditions import is_kind
from twinmatch.programmes.rules import Rule, forbid
from twinmatch.programmes.twinning.settings import Facilitator
from twinmatch.solving import Bools, Givers, Ints
from twinmatch.solving.blocks import Block, Candidates, counts
from twinmatch.vocabulary.geography import country
from twinmatch.vocabulary.topics import Topic
from twinmatch.wording import listed, say, say_n

Things: TypeAlias = Collection[str | int]


@dataclass(frozen=True, eq=False)
class Frame:
    """Every pair of a host and a guest that a product may consider, in order of host, then guest."""

    cohort: Cohort
    hosts: tuple[Host, ...]
    guests: tuple[int, ...]
    needs: tuple[tuple[Topic, ...], ...] = ()
    """The topics that each guest set as needs, in its order, where hosts answer them one by one; else nothing."""

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

    def sharing(self, hosts: Sequence[Things], guests: Sequence[Things]) -> Bools:
        """Return the pairs whose sides have something in common, given what each host and guest has, (m,)."""
        names = {thing: k for k, thing in enumerate(dict.fromkeys(chain(*hosts, *guests)))}
        one, other = (
            sp.csr_array(
                (
                    np.ones(sum(map(len, side))),
                    [names[thing] for has in side for thing in has],
                    np.cumsum([0, *map(len, side)]),
                ),
                (len(side), max(len(names), 1)),
            )
            for side in (hosts, guests)
        )
        return np.asarray((one @ other.T).toarray().ravel() > 0)

    def strangers(self, hosts: Sequence[Things], guests: Sequence[Things]) -> Bools:
        """Return the pairs whose sides both have something and nothing in common, (m,)."""
        known = [np.array([bool(has) for has in side], dtype=bool) for side in (hosts, guests)]
        both = known[0][self.host] & known[1][self.guest]
        return np.asarray(both & ~self.sharing(hosts, guests))

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

    @cached_property
    def hosts_on(self) -> tuple[frozenset[Topic], ...]:
        """Return for each host the topics on which alone it takes guests; none where it takes them on any.

        A unit's own word counts, else those of its cities, where each of them has said any.
        """
        cities, units = self.cohort.cities, {unit.id: unit for unit in self.cohort.units}
        found = []
        for host in self.hosts:
            own = units[host.id].hosts_on if host.id in units else ()
            said = [own] if own else [cities[i].hosts_on for i in host.cities]
            found.append(frozenset(t for topics in said if all(said) for t in topics))
        return tuple(found)

    @cached_property
    def off_topic(self) -> Bools:
        """Return the pairs whose guest is known to seek none of the topics on which alone its host takes guests, (m,)."""
        return self.strangers(
            self.hosts_on, [self.cohort.cities[i].seeks or () for i in self.guests]
        )

    @cached_property
    def _shown(self) -> Bools:
        """Return the topics that each host can show something of, (H, T); all of them where none is known."""
        cities = self.cohort.cities
        by_host = (
            on or {t for i in host.cities for t in cities[i].shows or ()} or Topic
            for host, on in zip(self.hosts, self.hosts_on, strict=True)
        )
        return memberships([{*topics} for topics in by_host], [*Topic])

    def answered(self, g: int) -> Bools:
        """Return which needs of a guest each host can show something of, (H, needs)."""
        return self._shown[:, [list(Topic).index(topic) for topic in self.needs[g]]]

    def needs_of(self, g: int, hosts: Sequence[int]) -> tuple[int, ...]:
        """Return the need that each host of a guest answers, no two the same and early ones first; () where none can."""
        answered = self.answered(g)
        ways = permutations(range(len(self.needs[g])), len(hosts))
        met = (way for way in ways if answered[list(hosts), list(way)].all())
        return min(met, key=sum, default=())

    def topics_of(self, h: int) -> str:
        """Return the topics on which alone a host takes guests, in words."""
        return listed(sorted(topic.wording for topic in self.hosts_on[h]))

    def members(self, host: Host) -> set[str]:
        """Return the ids by which a host can be named: its own and its cities'."""
        return {host.id, *(self.cohort.cities[i].id for i in host.cities)}


def compatriots(frame: Frame) -> Bools:
    """Return the pairs of a guest and a host with a city of its country, shape (m,)."""
    code = [city.country for city in frame.cohort.cities]
    return frame.sharing(
        [[code[i] for i in host.cities] for host in frame.hosts], [[code[i]] for i in frame.guests]
    )


def host_topics(frame: Frame, price: float | None) -> Rule:
    """Return the rule that hosts of stated topics take guests on these, a row a host; a filter, or soft where it has a price."""
    says = say("A host of stated topics takes guests who seek one of them, if known.")
    label = np.where(frame.off_topic, frame.host, -1)

    def row(h: int) -> str:
        host, topics = frame.hosts[h].name, frame.topics_of(h)
        return say("{host} takes guests on {topics} alone", host=host, topics=topics)

    block = counts("host topics", label, high=0, rows=len(frame.hosts), says=row)
    soft = None if price is None else price / 100
    return Rule("host topics", says, replace(block, price=soft), filters=price is None)


def needs_rules(frame: Frame, most: int) -> list[Rule]:
    """Return the rules by which hosts of a guest with several needs answer different ones.

    By Hall's theorem (1935, doi:10.1112/jlms/s1-10.37.26) it is enough that of the hosts that answer nothing but some
    k of the needs there are k at most, for every k below ``most``.
    """
    unanswered, rows = frame.nobody(), []
    for g, needs in enumerate(frame.needs):
        if len(needs) < 2:
            continue
        answered = frame.answered(g)
        unanswered[:, g] = ~answered.any(axis=1)
        for few in (few for k in range(1, most) for few in combinations(range(len(needs)), k)):
            only = answered.any(axis=1) & ~np.delete(answered, few, axis=1).any(axis=1)
            if only.sum() > len(few):
                rows.append((g, few, np.flatnonzero(only) * len(frame.guests) + g))
    rules = []
    if unanswered.any():
        says = say(
            "A guest of several needs meets hosts that can show something of one of them, if known."
        )
        rules.append(forbid("needs", says, unanswered.ravel()))
    if rows:
        pairs = np.concatenate([pairs for _, _, pairs in rows])
        ends = np.cumsum([0, *(len(pairs) for _, _, pairs in rows)])
        matrix = sp.csr_array((np.ones(len(pairs)), pairs, ends), (len(rows), unanswered.size))

        def row(r: int) -> str:
            g, few, _ = rows[r]
            return say(
                "{guest} has at most {n} of the hosts that answer {topics} alone",
                guest=frame.cohort.cities[frame.guests[g]].name,
                n=len(few),
                topics=listed([frame.needs[g][k].wording for k in few]),
            )

        says = say("No two hosts of a guest answer the same need of it.")
        high = np.array([len(few) for _, few, _ in rows], dtype=float)
        block = Block("one host a need", matrix, np.full(len(rows), -np.inf), high, row)
        rules.append(Rule("one host a need", says, block, kind="demand"))
    return rules


MOST_UNIONS: Final = 1_000
"""Sets of facilitators whose pairs are counted."""


def accompanied(
    cohort: Cohort,
    staff: Sequence[Facilitator],
    hosts: Sequence[Sequence[int]],
    guests: Sequence[int],
) -> tuple[Bools, Bools]:
    """Return whose hosts (cities of each) and whose guests each facilitator can accompany, (F, H) and (F, G).

    A city that names no working language is spoken with in its official ones, else those of its country, or in English.
    """
    cities = cohort.cities
    said = [
        {*(c.languages or (*(c.official_languages or country(c.country).languages), "en"))}
        for c in cities
    ]
    spoken = [set[str]().union(*(said[i] for i in host)) for host in hosts]
    of_host = [[one.speaks(languages) for languages in spoken] for one in staff]
    of_guest = [
        [
            one.speaks(said[i])
            and (not one.countries or cities[i].country in one.countries)
            and (one.who is None or bool(is_kind(cities[i], one.who)))
            for i in guests
        ]
        for one in staff
    ]
    return np.array(of_host, dtype=bool), np.array(of_guest, dtype=bool)


def facilitator_rules(frame: Frame, staff: Sequence[Facilitator]) -> list[Rule]:
    """Return the rules by which every pair finds a facilitator who speaks with both sides and has room.

    By Hall's theorem (1935, doi:10.1112/jlms/s1-10.37.26) it is enough that of the pairs whom only some of the
    facilitators can accompany there are no more than these take, for every union of the sets that pairs leave.
    """
    hosts, guests = accompanied(frame.cohort, staff, [h.cities for h in frame.hosts], frame.guests)
    can = hosts[:, frame.host] & guests[:, frame.guest]
    nobody = np.asarray(~can.any(axis=0))
    rules = []
    if nobody.any():
        says = say(
            "Each pair has a facilitator who speaks with both sides and accompanies such guests."
        )
        rules.append(forbid("facilitators' languages", says, nobody))
    kinds, of_pair = np.unique(can.T, axis=0, return_inverse=True)
    unions = {(True,) * len(staff)}
    for kind in kinds[kinds.any(axis=1)].tolist():
        unions |= {tuple(kind), *(tuple(map(any, zip(kind, one, strict=True))) for one in unions)}
        if len(unions) > MOST_UNIONS:
            found = say(
                "The {n} facilitators differ in too many ways for a proof that each pair finds one.",
                n=len(staff),
            )
            do = say(
                "Give facilitators the same languages, countries and kinds where they may stand in for each other."
            )
            raise QuestionError.of("facilitators-differ", found, do=do)
    rows = sorted(unions, key=lambda one: (-sum(one), one))
    taken = np.array([[not (k & ~np.array(row)).any() for k in kinds] for row in rows])
    matrix = sp.csr_array(taken[:, of_pair.ravel()].astype(np.float64))
    givers = Givers(
        sp.csr_array(np.array(rows, dtype=float)), np.array([float(f.most) for f in staff])
    )
    most = givers.of @ givers.most
    who = [listed([one.name for one, x in zip(staff, row, strict=True) if x]) for row in rows]
    says = say_n(
        "{n} facilitator accompanies at most {pairs} pairs.",
        "{n} facilitators together accompany at most {pairs} pairs.",
        len(staff),
        pairs=int(most[0]),
    )

    def row_says(k: int) -> str:
        return (
            say(
                "{who} can take at most {most} of the pairs that nobody else can accompany",
                who=who[k],
                most=int(most[k]),
            )
            if k
            else says
        )

    low = np.full(len(rows), -np.inf)
    block = Block("facilitators", matrix, low, most, row_says, givers=givers)
    rules.append(
        Rule(
            "facilitators",
            says,
            block,
            noun="pair",
            loosened=lambda f, n: say("let {who} have {bound}", who=staff[f].name, bound=n),
        )
    )
    return rules


PairRule: TypeAlias = Callable[[Frame], Rule]
"""A function of the pairs of a round that returns a rule over all of them."""

GROUP = "twinmatch.rules"


def checked_rule(name: str, entry: Any) -> PairRule:
    """Return a rule from elsewhere that is checked when it is compiled; raises QuestionError where it is no function."""
    need(callable(entry), GROUP, name, f"it is {type(entry).__name__}, not a function of a Frame")

    def compiled(frame: Frame) -> Rule:
        rule: Rule = entry(frame)
        pairs = len(frame.hosts) * len(frame.guests)
        need(isinstance(rule, Rule), GROUP, name, f"it gives {type(rule).__name__}, not a Rule")
        block = rule.block
        shape = (len(block.low), pairs)
        need(
            block.matrix.shape == shape,
            GROUP,
            name,
            f"its matrix is {block.matrix.shape}, not {shape}",
        )
        numbers = np.isfinite(block.matrix.data).all() and (block.low <= block.high).all()
        need(numbers, GROUP, name, "a bound or coefficient is nan, or low lies above high")
        need(rule.says, GROUP, name, "it says nothing")
        return rule

    return compiled


RULES: Registry[PairRule] = Registry(GROUP, {}, checked_rule)
"""Every rule of installed packages, and those added at run time."""


def extra_rules(frame: Frame, names: tuple[str, ...]) -> list[Rule]:
    """Return the rules that a programme asks for by name; raises QuestionError for one that there is not."""
    for name in names:
        if name not in RULES:
            do = RULES.why_not(name) or say(
                "Known: {p}.", p=", ".join(RULES) or "none is installed"
            )
            raise QuestionError.of(
                "rule-unknown", say("There is no rule {name}.", name=repr(name)), do=do
            )
    return [RULES[name](frame) for name in names]
