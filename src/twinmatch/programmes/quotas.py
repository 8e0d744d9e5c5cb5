"""The one form of a rule: who is counted, where and how many; as a programme file says it, compiled, and judged.

Over pairs, visits and members of groups a quota is compiled to blocks; over groups that all cities are in, to what the
search for groups reads. The referee counts the cities of finished meetings one by one.

Notation: m candidates; n cities; K groups; label (n,) the group of each city.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, TypeVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike
from pydantic import AfterValidator, Field, model_validator

from twinmatch.cohort import Cohort, nearest
from twinmatch.errors import QuestionError
from twinmatch.facets.answered import topic_table
from twinmatch.programmes.base import ProgrammeSection
from twinmatch.programmes.conditions import Condition, Each, Who, parsed, without_host, wording
from twinmatch.programmes.kinds import SMALL, column_of, of_category, one_of, words_of
from twinmatch.programmes.round import Round
from twinmatch.programmes.rules import Rule
from twinmatch.solving.blocks import Block, Bools, Floats, Ints, Sentence, Switch, counts, switched
from twinmatch.wording import joined, listed, say

MOST_COMPARED, MOST_ENTRIES = 60, 10_000_000
"""Places whose numbers are compared with each other at any rate, and entries up to which more are."""


class Bound(NamedTuple):
    """What a rule asks for, in words, such as "at most 2"; ``is_cap`` where it forbids only more."""

    words: str
    is_cap: bool = False


class Quota(ProgrammeSection):
    """A number or share of the cities of a kind. A city of which the kind is not known does not count towards it."""

    who: Who | None = None
    """The kind of cities that are counted, in words: a trait, 'country: PL, CZ', 'population >= 50000', several joined by 'and', 'or', 'not' and brackets, or a list that means all; none: every city"""
    each: Each | None = None
    """The number holds for the cities of each category, or each word, of this; 'label: Coastal' for each of a column of your own"""
    per: str = ""
    """What it is counted in; see the setting that holds the rule"""
    at_least: int | None = Field(None, ge=0)
    """At least this number"""
    at_most: int | None = Field(None, ge=0)
    """At most this number"""
    share_at_least: float | None = Field(None, ge=0, le=1)
    """Part of all, at least"""
    share_at_most: float | None = Field(None, ge=0, le=1)
    """Part of all, at most"""
    nobody_alone: bool = False
    """None of the kind, or at least two"""
    balance: int | None = Field(None, ge=0)
    """The largest number less the smallest over groups, panels, or the clusters of a country, at most"""
    gather: bool = False
    """All of the kind in one group, panel or cluster"""

    price: float | None = Field(None, gt=0, le=10_000)
    """Points (a perfect pair has 100) that each unit costs by which the rule is missed; none: it must hold"""

    @model_validator(mode="after")
    def _says_something(self) -> Quota:
        numbers = (self.at_least, self.at_most, self.share_at_least, self.share_at_most)
        asks = self.nobody_alone or self.compares
        if all(number is None for number in numbers) and not asks:
            raise ValueError(
                "a quota needs at_least, at_most, share_at_least, share_at_most, nobody_alone, balance or gather"
            )
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError("at_least is above at_most")
        if self.gather and self.price is not None:
            raise ValueError("gather has no price: it must hold")
        return self

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Return the conditions on whom it counts."""
        return parsed(self.who).conditions if self.who else ()

    @property
    def compares(self) -> bool:
        """Return whether it asks something of all places together."""
        return self.balance is not None or self.gather

    @property
    def wording(self) -> str:
        """Return whom it counts, as it stands in a sentence."""
        return self.worded(None)

    def worded(self, category: str | None) -> str:
        """Return whom it counts in a sentence: of one category of ``each`` by its name, or of any."""
        parts = [wording(self.who)] if self.who else []
        if self.each:
            parts.append(of_category(self.each, category) if category else one_of(self.each))
        return joined(parts, " and ")

    def named(self, counted: str, place: str = "") -> str:
        """Return the name of the rule: which of those who are ``counted``, and where, such as "in each group"."""
        name = say("{counted} that are {what}", counted=counted, what=self.wording)
        name = name if self.wording else say("number of {counted}", counted=counted)
        return say("{rule}, {place}", rule=name, place=place) if place else name

    @property
    def bound(self) -> Bound:
        """Return all that it asks for."""
        asks = self.nobody_alone or self.gather or self.at_least or self.share_at_least
        return Bound(self._words, not asks)

    @property
    def _words(self) -> str:
        words = []
        for least, most in (
            (self.at_least, self.at_most),
            (percent(self.share_at_least), percent(self.share_at_most)),
        ):
            words += [] if least is None else [say("at least {n}", n=least)]
            words += [] if most is None else [say("at most {n}", n=most)]
        words += [say("none or at least 2")] if self.nobody_alone else []
        words += [] if self.balance is None else [_no_more(self.balance)]
        return joined([*words, *([say("all or none")] if self.gather else [])], " and ")

    def missed(self, number: ArrayLike, total: ArrayLike, there: ArrayLike = 0) -> Floats:
        """Return by how much places miss it where ``number`` of ``total`` cities are counted, elementwise.

        ``there`` of them are there whatever is chosen.
        """
        n, all_, first = (np.asarray(x, dtype=np.float64) for x in (number, total, there))
        most = np.inf if self.at_most is None else np.maximum(self.at_most, first)
        off = np.maximum((self.at_least or 0) - n, 0.0) + np.maximum(n - most, 0.0)
        off = off + np.maximum((self.share_at_least or 0.0) * all_ - n, 0.0)
        if self.share_at_most is not None:
            off = off + np.maximum(n - self.share_at_most * all_, 0.0)
        if self.nobody_alone:
            off = off + ((n == 1) & (first == 0))
        return np.where(off > 1e-9, off, 0.0)

    def missed_over(self, numbers: Sequence[float], joined: Sequence[float]) -> float:
        """Return by how much it is missed by the places together; ``joined`` leaves out who is there anyway."""
        most, least = max(numbers, default=0), min(numbers, default=0)
        off = 0.0 if self.balance is None else max(most - least - self.balance, 0.0)
        return off + (sum(joined) - max(joined, default=0) if self.gather else 0.0)


def percent(part: float | None) -> str | None:
    """Return a part of one as a percentage, None for none."""
    return None if part is None else say("{n:.0f}%", n=100 * part)


def _no_more(balance: int) -> str:
    return say("at most {n} more than in any other", n=balance)


class PairQuota(Quota):
    """A number or share of guests, or of pairs or visits by the kind of their host."""

    of: Literal["guests", "hosts"] = "guests"
    """Whose kind is meant; a host unit is of a kind where one of its cities is"""


N = TypeVar("N")
Q = TypeVar("Q", bound=Quota)


def told_apart(
    quotas: Callable[[N], Iterator[tuple[str, Q]]],
) -> Callable[[N], Iterator[tuple[str, Q]]]:
    """Return quotas with their names: those that share one are told apart by what they ask, then by a number."""

    def apart(settings: N) -> Iterator[tuple[str, Q]]:
        found = list(quotas(settings))
        shared, seen = Counter(name for name, _ in found), Counter[str]()
        for name, quota in found:
            if shared[name] > 1:
                name = joined((name, quota.bound.words), ": ")
            seen[name] += 1
            yield name if seen[name] == 1 else f"{name} ({seen[name]})", quota

    return apart


def counted_per(
    *places: str,
    compared: Collection[str] = (),
    balanced: Collection[str] = (),
    of_host: bool = False,
) -> AfterValidator:
    """Return the check that quotas are counted in one of some places, the first where none is said.

    In those that are ``compared`` they may balance and gather, in those ``balanced`` only balance; kinds may depend on a
    host where there is one.
    """

    def check(quotas: tuple[Quota, ...]) -> tuple[Quota, ...]:
        found = tuple(q if q.per else q.model_copy(update={"per": places[0]}) for q in quotas)
        for quota in found:
            if quota.per not in places:
                hint = nearest(quota.per, {place: place for place in places})
                raise ValueError(
                    f"there is no per = {quota.per!r}: known are {', '.join(places)}. {hint}"
                )
            for name, is_asked, some in (
                ("balance", quota.balance is not None, (*compared, *balanced)),
                ("gather", quota.gather, compared),
            ):
                if is_asked and quota.per not in some:
                    where = f"per {' or '.join(some)}" if some else "over groups"
                    raise ValueError(f"{name} is counted {where}, not per {quota.per}")
            if quota.who and not of_host:
                without_host(quota.who)
        return found

    return AfterValidator(check)


# --- compiled over candidates ---------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Units:
    """What a quota is counted in: each host, host country or group, or the round as one.

    member (u, m) is 1 where a candidate counts in a unit; there (u, n) are the cities that sit in a unit whatever is
    chosen, n those of the cohort. ``open``: a minimum holds in every unit, not only where anybody is chosen. size (m,)
    is how many cities a candidate counts as, one where it is not given.
    """

    where: str
    names: Sequence[str]
    member: sp.csr_array
    there: Bools
    open: bool = True
    size: Floats | None = None

    @classmethod
    def of(cls, where: str, names: Sequence[str], unit: Ints, there: Bools) -> Units:
        """Return units of which each candidate counts in one, (m,)."""
        ones = np.ones(len(unit)), (unit, np.arange(len(unit)))
        return cls(where, names, sp.csr_array(ones, shape=(len(names), len(unit))), there)


@dataclass(frozen=True, eq=False)
class Counted:
    """Who is counted towards a quota: how many a candidate counts (m,), the cities (n,) of a kind, and words for them."""

    candidates: Bools | Floats
    cities: Bools
    what: str


def counted_says(where: str, bound: Bound, what: str, row: bool = False) -> str:
    """Return a quota, or one row of it, as a sentence without its stop."""
    told = {"where": where, "bound": bound.words, "what": what}
    if not what and row:
        says = "{where}: there may be {bound}" if bound.is_cap else "{where}: there must be {bound}"
        return say(says, **told)
    if not what:
        return joined((where, bound.words), ", ")
    if bound.is_cap and row:
        return say("{where}: {bound} may be {what}", **told)
    if bound.is_cap:
        return say("{where}, {bound} may be {what}", **told)
    if row:
        return say("{where}: {bound} must be {what}", **told)
    return say("{where}, {bound} must be {what}", **told)


def quota_rules(
    name: str, quota: Quota, units: Units, kinds: Sequence[Counted]
) -> Iterator[tuple[Bound, Block]]:
    """Yield the bounds of a quota, each with its block: a row for each kind and unit.

    A share is a count less its part of the count of all, at least or at most zero.
    """
    if not kinds:
        return
    price = None if quota.price is None else quota.price / 100
    u, member = len(units.names), units.member.tocoo()

    def only(kind: Counted) -> sp.csr_array:
        worth = kind.candidates[member.col] * member.data
        at = np.flatnonzero(worth)
        return sp.csr_array((worth[at], (member.row[at], member.col[at])), shape=member.shape)

    counted = sp.csr_array(sp.vstack([only(kind) for kind in kinds]))
    there = np.concatenate([units.there.astype(np.float64) @ k.cities for k in kinds])

    def says(bound: Bound) -> Sentence:
        return lambda i: counted_says(units.names[i % u], bound, kinds[i // u].what, row=True)

    def made(bound: Bound, matrix: sp.csr_array, low: Floats, high: Floats) -> tuple[Bound, Block]:
        return bound, Block(name, matrix, low, high, says(bound), price=price)

    rows = len(there)
    least, most = quota.at_least or 0, np.inf if quota.at_most is None else quota.at_most
    if least and not units.open:
        first = Bound(say("at least {n}", n=least))
        yield first, replace(_once(name, units, counted, least, says(first)), price=price)
        least = 0
    bounds = [say("at least {n}", n=least)] if least else []
    bounds += [] if quota.at_most is None else [say("at most {n}", n=quota.at_most)]
    if bounds:
        low = np.maximum(least - there, 0.0) if least else np.full(rows, -np.inf)
        yield made(Bound(listed(bounds), not least), counted, low, np.maximum(most - there, 0.0))
    if quota.nobody_alone:
        two = Bound(say("none or at least 2"))
        block = _once(name, units, counted, 2 - there, says(two), counted)
        yield two, replace(block, price=price)
    if quota.gather:
        yield Bound(say("all or none")), _gathered(name, units, counted, kinds)
    if quota.balance is not None and u > 1:
        bound = Bound(_no_more(quota.balance), is_cap=True)
        block = _balanced(name, units, counted, there, quota.balance, says(bound))
        yield bound, replace(block, price=price)
    size = np.ones(counted.shape[1]) if units.size is None else units.size
    everyone = units.member @ sp.diags_array(size)
    all_there = np.tile(units.there.sum(axis=1), len(kinds))
    for share, bound in (
        (quota.share_at_least, Bound(say("at least {n}", n=percent(quota.share_at_least)))),
        (quota.share_at_most, Bound(say("at most {n}", n=percent(quota.share_at_most)), True)),
    ):
        if share is not None:
            edge = share * all_there - there
            open_ = np.full(rows, np.inf)
            low, high = (edge, open_) if share is quota.share_at_least else (-open_, edge)
            matrix = sp.csr_array(counted - share * sp.vstack([everyone] * len(kinds)))
            yield made(bound, matrix, low, high)


def rules_of(name: str, quota: Quota, units: Units, kinds: Sequence[Counted]) -> Iterator[Rule]:
    """Yield the rules of a quota, one for each of its bounds, numbered from the second on; one without rows where nobody is known to count."""
    if not kinds:
        nobody = counts(name, np.full(units.member.shape[1], -1), rows=0)
        yield Rule(name, counted_says(units.where, quota.bound, quota.wording) + ".", nobody)
    for n, (bound, block) in enumerate(quota_rules(name, quota, units, kinds), 1):
        own = say("{name} {k}", name=name, k=n) if n > 1 else name
        says = counted_says(units.where, bound, quota.wording) + "."
        there = np.concatenate([units.there.astype(np.float64) @ kind.cities for kind in kinds])
        there_too = there if len(there) == len(block) else None
        yield Rule(own, says, replace(block, name=own), there=there_too)


def _once(
    name: str,
    units: Units,
    counted: sp.csr_array,
    least: float | Floats,
    says: Sentence,
    triggers: sp.csr_array | None = None,
) -> Block:
    """The rows by which a unit that takes any, or any of the kind, has so many of the kind."""
    rows = counted.shape[0]
    every = units.member if triggers is None else triggers
    entries = sp.coo_array(sp.vstack([every] * (rows // every.shape[0])))
    entries.eliminate_zeros()
    group, trigger = (np.asarray(at, dtype=np.int64) for at in entries.coords)
    return switched(
        name, Switch(counted, np.maximum(np.broadcast_to(least, rows), 0.0), group, trigger), says
    )


def _balanced(
    name: str, units: Units, counted: sp.csr_array, there: Floats, most: int, says: Sentence
) -> Block:
    """The rows by which no unit has more than ``most`` of a kind above any other; of a kind the worst row counts."""
    u, kinds = len(units.names), len(there) // len(units.names)
    most_compared = max(
        MOST_COMPARED, int((MOST_ENTRIES * kinds * u / (2 * counted.nnz + 1)) ** 0.5)
    )
    if u > most_compared:
        raise QuestionError.of(
            "balance-too-many",
            say(
                "{name}: balance compares {u} groups with each other, and at most {MOST_COMPARED} are.",
                name=name,
                u=u,
                MOST_COMPARED=most_compared,
            ),
            do=say("Say at_least and at_most, or share_at_least and share_at_most."),
        )
    one, other = np.nonzero(~np.eye(u, dtype=bool))
    first = np.repeat(np.arange(kinds), len(one)) * u
    more, fewer = first + np.tile(one, kinds), first + np.tile(other, kinds)
    high = most - (there[more] - there[fewer])
    low = np.full(len(high), -np.inf)
    matrix = sp.csr_array(counted[more, :] - counted[fewer, :])
    return Block(name, matrix, low, high, lambda i: says(int(more[i])), shared=first // u)


def _gathered(name: str, units: Units, counted: sp.csr_array, kinds: Sequence[Counted]) -> Block:
    """The rows by which none of a kind is chosen in another unit than one of it is: a row for each candidate of it."""
    u, m = len(units.names), counted.shape[1]
    entries = sp.coo_array(counted)
    row, candidate = (np.asarray(at, dtype=np.int64) for at in entries.coords)
    kind = row // u
    every = np.arange(len(kinds) * u)
    of_kind = sp.csr_array((np.ones(len(every)), (every // u, every))) @ counted
    elsewhere = sp.csr_array(sp.csr_array(of_kind)[kind, :] - counted[row, :])
    elsewhere.eliminate_zeros()
    most = np.diff(elsewhere.indptr).astype(np.float64)
    own = sp.csr_array((most, (np.arange(len(row)), candidate)), shape=(len(row), m))
    return Block(
        name,
        sp.csr_array(elsewhere + own),
        np.full(len(row), -np.inf),
        most,
        lambda i: say("All that are {what} are in one group", what=kinds[int(kind[i])].what),
    )


def with_topics(round_: Round, quotas: Iterable[tuple[str, Quota]], asked: bool = False) -> Cohort:
    """Return the cohort with the topics that cities speak of, beside those that they set, where a rule asks for topics."""
    cohort = round_.cohort
    said = {f for _, q in quotas for f in (q.each, *(c.field for c in q.conditions))}
    if not asked and not said & {"topic", "shows"}:
        return cohort
    table = topic_table(cohort, round_.facet_cache)
    cities = []
    for i, city in enumerate(cohort.cities):
        read = {"seeks": table.named(table.seeks[i]), "shows": table.named(table.shows[i])}
        silent = {k: tuple(v) for k, v in read.items() if v and getattr(city, k) is None}
        cities.append(city.model_copy(update=silent))
    return replace(cohort, cities=tuple(cities))


def counted_kinds(
    cohort: Cohort,
    quota: Quota,
    among: Sequence[int],
    small_below: int = SMALL,
    national: bool | None = None,
) -> list[tuple[str, Bools]]:
    """Return what a quota counts in words, each with its cities (n,): its kind, or one for each category of ``each``.

    Categories are those of the cities among which somebody is chosen; ``national``: in which pairs, where that matters.
    """
    _check_columns(cohort, quota)
    kind = np.ones(len(cohort), dtype=bool)
    if quota.who:
        asked = parsed(quota.who)
        kind = np.array([bool(asked.holds(x, small_below, national)) for x in cohort.cities], bool)
    if quota.each is None:
        return [(quota.wording, kind)]
    have = [words_of(city, quota.each) for city in cohort.cities]
    masks = {word: np.zeros(len(kind), dtype=bool) for word in {w for i in among for w in have[i]}}
    for i in np.flatnonzero(kind).tolist():
        for word in masks.keys() & have[i]:
            masks[word][i] = True
    return [(quota.worded(word), masks[word]) for word in sorted(masks)]


def _check_columns(cohort: Cohort, quota: Quota) -> None:
    """Raise QuestionError where a rule names a column of one's own that no city has a value of."""
    said = [v for c in quota.conditions if c.field == "label" for v in c.values]
    said += [f"{quota.each}:".removeprefix("label: ")] if "label: " in (quota.each or "") else []
    asked = {column: label for label in said if (column := column_of(label))}
    if not asked:
        return
    labels = {label for city in cohort.cities for label in city.own_labels or ()}
    known = {column_of(label): label.rpartition(":")[0] for label in sorted(labels)}
    for column in sorted(asked.keys() - known.keys()):
        name = asked[column].rpartition(":")[0]
        found = say("A rule counts by the column {name}, of which no city has a value.", name=name)
        names = listed([known[c] for c in sorted(known.keys() - {""})])
        do = say("Known columns: {names}.", names=names)
        do = do if names else say('Name it "own_labels" under [columns] of the mapping file.')
        raise QuestionError.of("column-unknown", found, do=do)
