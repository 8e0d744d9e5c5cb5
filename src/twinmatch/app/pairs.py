"""The account of a pair: as peers, and as guest and host, scored as the round scores them where it has the pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from twinmatch.affinity import Affinity, compare
from twinmatch.app.neighbours import PEER_WEIGHTS, Scored, says, text_of
from twinmatch.cohort import Cohort, Host
from twinmatch.errors import QuestionError
from twinmatch.exporting.words import facet_title
from twinmatch.facets import FacetCache
from twinmatch.figures.vega import Spec, pictures_of, waterfall
from twinmatch.programmes.city_cards import measured_card
from twinmatch.programmes.eligibility import Applicants
from twinmatch.programmes.proposing import programme_of
from twinmatch.programmes.round import Round
from twinmatch.programmes.rules import Rule
from twinmatch.programmes.twinning import Twinning, prepare
from twinmatch.proposal import Account
from twinmatch.proposal.wire import Hidden, Tabular
from twinmatch.solving import Bools
from twinmatch.whatif.why_not import RunnerUp, best_peers, next_best
from twinmatch.wording import count, joined, listed, say, titled

if TYPE_CHECKING:
    import pandas as pd

Purpose = Literal["peers", "learning"]

PEERS = say("Scored against all pairs of cities.")


@dataclass(frozen=True, repr=False)
class PairExplanation(Scored, Tabular):
    """The account of a pair for a purpose; in learning the first learns from the second."""

    purpose: Purpose
    title: str
    account: Account
    says: str
    """What the score is measured against, and why the round has no such pair where it has not."""
    runners_up: tuple[RunnerUp, ...] = ()
    """The best other choice on both sides, and by how much the pair is better."""
    pictures: Hidden[tuple[Spec, ...]] = ()
    """How the score adds up; in the first account of a pair also its emissions and readiness side by side."""

    def __repr__(self) -> str:
        return f"<PairExplanation {self.title}: score {self.account.score:.3f}>"

    def to_frame(self) -> pd.DataFrame:
        """Return the account: one row a facet."""
        return self.account.to_frame()

    def row(self) -> dict[str, Any]:
        """Return the account as a row of a table."""
        return {"purpose": self.purpose, "title": self.title, **self._figures()}


@dataclass(frozen=True, eq=False)
class _OfRound:
    """What is kept of a round to score its pairs: g eligible guests, h hosts, and which pairs no rule forbids (g, h)."""

    who: Applicants
    affinity: Affinity
    open: Bools
    filters: tuple[Rule, ...]


class Learning:
    """How well a city learns from another or from a host unit: as the round has it, or over every city and host."""

    def __init__(self, cohort: Cohort, settings: Twinning, facet_cache: FacetCache) -> None:
        self._cohort, self._settings, self._facet_cache = cohort, settings, facet_cache
        self._last: tuple[frozenset[int], Affinity] | None = None

    @cached_property
    def _round(self) -> _OfRound | str:
        """The round's pairs; or, where it cannot be made, why."""
        try:
            ready = prepare(Round(self._cohort, self._facet_cache), self._settings)
        except QuestionError as error:
            return error.problems[0].found
        shape = (len(ready.frame.hosts), len(ready.frame.guests))
        filters = tuple(rule for rule in ready.rules if rule.filters)
        return _OfRound(ready.who, ready.affinity, ready.allowed.reshape(shape).T, filters)

    def account(self, guest: int, host: Host) -> PairExplanation:
        """Return the account of a guest and a host, with the best other choices on both sides."""
        held = self._round
        reason = held if isinstance(held, str) else self._not_in(held, guest, host)
        if isinstance(held, str) or reason:
            over = self._over(guest, host)
            row, column = guest, over.column_of[host.id]
            runners = next_best(over, row, column, over.comparable)
            says = say(
                "No pair of the round: {reason} Scored against all pairs of a city and a host.",
                reason=reason,
            )
        else:
            over = held.affinity
            row, column = over.row_of[guest], self._column(held, host)
            runners = next_best(over, row, column, held.open)
            says = say(
                "Scored as in the round, against all pairs of its {guests} and {hosts}.",
                guests=count(len(over.rows), "eligible guest"),
                hosts=count(len(over.columns), "host"),
            )
            says = joined([says, *self._forbidden(held, row, column)])
        both = {"guest": self._cohort.cities[guest].name, "host": over.columns[column].name}
        title = say("{guest} learns from {host}", **both)
        return PairExplanation("learning", title, over.account(row, column), says, runners)

    def _not_in(self, held: _OfRound, guest: int, host: Host) -> str:
        """Return why the round has no such pair, or an empty text where it has."""
        if guest not in held.affinity.row_of:
            name = self._cohort.cities[guest].name
            reason = held.who.refused.get(guest) or held.who.ask.get(guest)
            why = reason or self._no_guest(guest)
            return say("{name} is no guest in it. {why}", name=name, why=why)
        if self._column(held, host) < 0:
            return say("{name} is no host in it.", name=host.name)
        return ""

    def _no_guest(self, guest: int) -> str:
        """Return why a city is neither an applicant nor a refused one."""
        city, asked = self._cohort.cities[guest], self._settings.guests
        if not set(asked.roles) & set(city.roles):
            return say("It has not applied as one.")
        if city.id in self._settings.host_ids:
            return say("It is named as a host.")
        parts = listed(asked.took_part_in, "or")
        return say("It has not taken part in {parts}.", parts=parts)

    def _column(self, held: _OfRound, host: Host) -> int:
        """Return the place of a host, for a city of a unit that of its unit; -1 where the round has none."""
        alone = [
            k for k, h in enumerate(held.affinity.columns) if set(host.cities) <= set(h.cities)
        ]
        return held.affinity.column_of.get(host.id, alone[0] if alone else -1)

    def _forbidden(self, held: _OfRound, row: int, column: int) -> tuple[str, ...]:
        pair = column * len(held.affinity.rows) + row
        return tuple(
            say("The rule '{rule}' forbids the pair.", rule=titled(rule.name))
            for rule in held.filters
            if rule.forbidden[pair]
        )

    def _over(self, guest: int, host: Host) -> Affinity:
        """Every city with every city that hosts, alone, and the two asked about; the same for both ways of a pair."""
        asked, last = frozenset((guest, *host.cities)), self._last
        if last is None or last[0] != asked:
            hosts = self._hosts(guest, host)
            made = compare(self._cohort, self._settings.weights, self._facet_cache, columns=hosts)
            self._last = last = (asked, made)  # threads may take turns here: each returns its own
        return last[1]

    def _hosts(self, guest: int, host: Host) -> tuple[Host, ...]:
        roles = set(self._settings.hosts)
        alone = [
            Host(city.id, city.name, (i,))
            for i, city in enumerate(self._cohort.cities)
            if roles & set(city.roles) or i == guest or (i,) == host.cities
        ]
        return (*alone, *([host] if len(host.cities) > 1 else []))


def explain(one: str, other: str, round_: Round) -> tuple[str, list[PairExplanation]]:
    """Return what is said of the text model, and the accounts of a pair: as peers, and as guest and host both ways.

    ``other`` may be a host unit; then there is one account, of the city as its guest. Raises QuestionError where no
    city or unit has one of the names, or the two are one city.
    """
    twinning, facet_cache = programme_of(round_).twinning, round_.facet_cache
    learning = None if twinning is None else Learning(round_.cohort, twinning, facet_cache)
    compared = compare(round_.cohort, PEER_WEIGHTS, facet_cache)
    pair, found = pair_explanations(one, other, compared, learning)
    return says(text_of(facet_cache), compared), with_pictures(round_.cohort, pair, found)


def pair_explanations(
    one: str, other: str, compared: Affinity, learning: Learning | None
) -> tuple[tuple[int, int], list[PairExplanation]]:
    """Return the two cities and their accounts: as peers, and as guest and host both ways, without pictures.

    ``compared`` has every city with every city. ``other`` may be a host unit; then there is one account, of the city
    as its guest. Raises QuestionError where no city or unit has one of the names, or the two are one city.
    """
    cohort = compared.cohort
    i, beside = found_pair(cohort, one, other)
    j, found = beside.cities[0], []
    if len(beside.cities) == 1:
        names = {"one": cohort.cities[i].name, "other": cohort.cities[j].name}
        title = say("{one} and {other} as peers", **names)
        runners = best_peers(compared, i, j)
        found.append(PairExplanation("peers", title, compared.account(i, j), PEERS, runners))
    if learning is not None:
        found.append(learning.account(i, beside))
        if len(beside.cities) == 1:  # a unit is no guest
            city = cohort.cities[i]
            found.append(learning.account(j, Host(city.id, city.name, (i,))))
    return (i, j), found


def found_pair(cohort: Cohort, one: str, other: str) -> tuple[int, Host]:
    """Return a city and a city or host unit beside it; raises QuestionError where they are the same or unknown."""
    beside = cohort.host_named(other)
    if one in cohort.cities_of and one not in cohort.index:
        found = say("{one} is a host unit, which is no guest.", one=repr(one))
        raise QuestionError.of("unit-first", found, do=say("Name the city first, then the unit."))
    i = cohort.find(one)
    if i in beside.cities:
        same = len(beside.cities) == 1
        found = (
            say("{one} and {other} are the same city.", one=repr(one), other=repr(other))
            if same
            else say("{one} is in {other}.", one=repr(one), other=repr(other))
        )
        raise QuestionError.of("same-city", found, do=say("Name two cities."))
    return i, beside


def with_pictures(
    cohort: Cohort, pair: tuple[int, int], accounts: Sequence[PairExplanation]
) -> list[PairExplanation]:
    """Return the accounts of a pair with their pictures; what is the same for all of them stands with the first."""
    found: list[PairExplanation] = []
    pictures: tuple[Spec, ...]
    for account in accounts:
        if found:
            fall = waterfall(account.account, account.title, facet_titles(account.account))
            pictures = (fall,) if fall else ()
        else:
            pictures = tuple(pair_pictures(cohort, pair, account.account, account.title).values())
        found.append(replace(account, pictures=pictures))
    return found


def pair_pictures(
    cohort: Cohort, pair: tuple[int, int], account: Account, title: str
) -> dict[str, Spec]:
    """Return every picture of a pair of cities, by name."""
    cards = [measured_card(cohort, i) for i in pair]
    return pictures_of(account, cards, title, facet_titles(account))


def facet_titles(account: Account) -> dict[str, str]:
    """Return the words for the facets of an account."""
    return {line.facet: facet_title(line.facet) for line in account.lines}
