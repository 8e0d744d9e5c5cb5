"""World café: tables by theme, rounds in which guests change tables, hosts who stay; nobody meets twice.

The plan of a café is a construction, not a search. With p tables, a guest in place (i, j), 0 <= i < p, sits in round r
at table i + r j modulo p; the host of table i has j = 0 and so stays. Two people of places (i, j) and (i', j') share a
table in round r exactly where r (j - j') = i' - i modulo p. They do so in two of R rounds only where some d < R has
d (j - j') = 0 modulo p, that is where p / gcd(j - j', p) < R; so the j in use, 0 among them, are chosen to differ by
nothing of the kind: all of them where p is a prime, fewer else, at least 0 and 1. Nobody then meets anybody twice, and
every guest visits each table once at most. The places of one j sit at all tables at once, so that none is without a
guest. Who takes which place is then chosen by exact assignment, so that people come by the tables they need most.

Notation: p tables, R rounds (R <= p), G guests; place q = (i, j); need (G, p) of each guest for each table's theme.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, ClassVar, Final

import numpy as np
from pydantic import Field, model_validator

from twinmatch.affinity import Affinity, compare
from twinmatch.cohort import Host
from twinmatch.errors import NoProposalError
from twinmatch.programmes.base import Load, ScoredProduct, each_once
from twinmatch.programmes.round import Round, shares
from twinmatch.programmes.rules import (
    NO_HOURS,
    cities_of,
    costed,
    counted,
    judged,
    price_at_most,
    roles_in_words,
)
from twinmatch.programmes.themes import Theme, ThemeNeed, lead_strength
from twinmatch.proposal import LeftOut, Meeting, Member, Product, RuleStatus, Table, make_table
from twinmatch.proposal.tables import SeatingRow, ids_in, rows_of
from twinmatch.schema import Role
from twinmatch.solving import Candidates, Solution, counts, solve
from twinmatch.wording import count, say, say_n


class WorldCafe(ScoredProduct):
    """Tables by theme, rounds in which guests change tables, hosts who stay."""

    EXTRA_FACETS: ClassVar[tuple[str, ...]] = ("theme",)
    LOADS: ClassVar[dict[str, Load]] = {"lead": Load(trips=1, tasks=1), "member": Load(trips=1)}

    title: str = Field("World café", min_length=1)
    themes: Annotated[tuple[Theme, ...], each_once("theme")] = Field(min_length=2, max_length=23)
    """A table each"""
    rounds: int = Field(3, ge=2)
    """Rounds of a café"""
    seats: int = Field(6, ge=2)
    """People at a table, its host included, at most"""
    host_roles: tuple[Role, ...] = Field((Role.MISSION, Role.PILOT), min_length=1)
    """Cities with one of these roles host tables"""
    roles: tuple[Role, ...] = ()
    """Guests have one of these roles; none: any city"""
    cafes: int = Field(12, ge=1, le=50)
    """Cafés side by side, at most"""

    @model_validator(mode="after")
    def _possible(self) -> WorldCafe:
        tables = len(self.themes)
        if self.rounds > tables:
            raise ValueError(f"{self.rounds} rounds at {tables} tables: at most {tables}")
        return self


def strides(tables: int, rounds: int, seats: int) -> list[int]:
    """Return the j of guests' places, ascending from 1: in as many rounds nobody of them meets anybody twice.

    At most ``seats`` - 1, as the host sits at the table too. The most that can be found by taking each that fits.
    """
    taken = [0]
    for j in range(1, tables):
        if all(tables // math.gcd(j - other, tables) >= rounds for other in taken):
            taken.append(j)
    return taken[1:seats]


def table_of(i: int, j: int, round_number: int, tables: int) -> int:
    """Return the table at which place (i, j) sits in a round; j = 0 is the host of table i, who stays."""
    return (i + round_number * j) % tables


MADE_OF: Final = ("new faces", "new tables", "one café each", "a seat each")
"""Rules that say what a café is."""


@dataclass(frozen=True)
class Cafe:
    """A café: its number from 0, the host of each table, and every guest with its place (i, j)."""

    number: int
    hosts: tuple[int, ...]
    guests: tuple[tuple[int, int, int], ...]


def propose_world_cafe(round_: Round, settings: WorldCafe) -> Product:
    """Return the cafés of a round: a meeting each, with the tables of every round in a table.

    Raises QuestionError where no city may host, NoProposalError where the themes lack hosts.
    """
    ready = PreparedCafes(round_, settings)
    made, solution = ready.seated()
    meetings = tuple(ready.meeting(cafe) for cafe in made)
    plan = _plan(round_, settings, made)
    told = {
        "cafes": count(len(made), "café"),
        "tables": ready.tables,
        "rounds": count(settings.rounds, "round"),
        "cities": sum(len(c.hosts) + len(c.guests) for c in made),
    }
    says = (
        "{cafes} of {tables} tables and {rounds} with {cities} cities; nobody meets anybody twice."
    )
    kept = seating_rules(round_, settings, meetings, rows_of([plan], "seating", SeatingRow))
    placed = sum(len(cafe.guests) for cafe in made)
    seats = price_at_most(len(ready.affinity.rows) - placed, placed - solution.score)
    engine = "plan by construction over {tables} tables, places by {engine}"
    return Product(
        "world_cafe",
        settings.title,
        "optimal" if solution.status == "optimal" else "feasible",
        say(engine, tables=ready.tables, engine=solution.engine),
        solution.score,
        max(solution.bound, solution.score),
        meetings,
        _left_out(round_, settings, made),
        costed(judged(kept), price_at_most(0, 0.0), {"seats": seats}, define=MADE_OF),
        say(says, **told),
        weights=shares(ready.affinity) if ready.affinity.rows else (),
        tables=(plan,),
    )


@dataclass(frozen=True, eq=False)
class PreparedCafes:
    """Cafés of a round: the hosts of their tables, and how well every table, café-major, fits every guest."""

    round: Round
    settings: WorldCafe

    @property
    def tables(self) -> int:
        """Return the number of tables of a café."""
        return len(self.settings.themes)

    @cached_property
    def _who(self) -> tuple[list[int], list[int]]:
        """Who may host a table and who may be a guest."""
        settings, cohort = self.settings, self.round.cohort
        lead, member = (self.round.ledger.fits(settings.load(r)) for r in ("lead", "member"))
        may = set(settings.roles)
        guests = [
            i for i, c in enumerate(cohort.cities) if member[i] and (not may or may & set(c.roles))
        ]
        says = "No city of this cohort can host a table, which takes {roles}."
        return cities_of(cohort, settings.host_roles, says, among=lead), guests

    @cached_property
    def hosts(self) -> list[tuple[int, ...]]:
        """Return the host of each table of as many cafés as have hosts for all, the strongest in the themes first."""
        (may, guests), tables = self._who, self.tables
        themes, cohort = self.settings.themes, self.round.cohort
        per_cafe = tables * len(strides(tables, self.settings.rounds, self.settings.seats))
        # Each café has a guest for every table: of the hosts, those who might be guests too are no longer.
        a_cafe = 2 * tables if set(may) & set(guests) else tables
        enough = max(1, len(guests) // a_cafe)
        wanted = min(self.settings.cafes, enough, max(1, -(-len(guests) // per_cafe)))
        strength = np.array([lead_strength(cohort, t, self.round.facet_cache)[may] for t in themes])
        t, g = np.nonzero(strength > 0)
        for cafes in range(wanted, 0, -1):
            slots = np.repeat(np.arange(cafes), len(t)) * tables + np.tile(t, cafes)
            guest, score = np.tile(g, cafes), np.tile(np.round(strength[t, g], 6), cafes)
            rows = cafes * tables
            found = solve(
                Candidates(slots, guest, score, rows, len(may)),
                [
                    counts("one host a table", slots, low=1, high=1, rows=rows),
                    counts("one table each", guest, high=1, rows=len(may)),
                ],
            )
            if found.status != "infeasible":
                of = {int(slots[n]): may[int(guest[n])] for n in np.flatnonzero(found.chosen)}
                return [tuple(of[k * tables + n] for n in range(tables)) for k in range(cafes)]
        short = [t.title for t, row in zip(themes, strength, strict=True) if not (row > 0).any()]
        raise NoProposalError.of(
            "no-table-hosts",
            say("There are not enough cities strong in the themes to host a table each")
            + (say("; none in: {names}.", names=", ".join(short)) if short else "."),
            do=say("Drop a theme, or let other roles host."),
        )

    @cached_property
    def affinity(self) -> Affinity:
        """Return how well every table of every café, café-major, fits every guest."""
        cohort, themes = self.round.cohort, self.settings.themes
        taken = {i for cafe in self.hosts for i in cafe}
        columns = [
            Host(f"{theme.id}-{k}", theme.title, (cafe[t],))
            for k, cafe in enumerate(self.hosts)
            for t, theme in enumerate(themes)
        ]
        return compare(
            cohort,
            self.settings.weights,
            self.round.facet_cache,
            rows=[i for i in self._who[1] if i not in taken],
            columns=columns,
            own={"theme": ThemeNeed(cohort, [*themes] * len(self.hosts), self.round.facet_cache)},
        )

    def _stops(self, cafe: int, i: int, j: int) -> list[int]:
        """The tables (columns) that a place comes by, round by round."""
        rounds = range(self.settings.rounds)
        return [cafe * self.tables + table_of(i, j, r, self.tables) for r in rounds]

    def seated(self) -> tuple[list[Cafe], Solution]:
        """Return the cafés with their guests in the best places, and the solve behind them; none without guests but the first."""
        guests, tables, settings = self.affinity.rows, self.tables, self.settings
        places = [
            (k, i, j)
            for k in range(len(self.hosts))
            for j in strides(tables, settings.rounds, settings.seats)
            for i in range(tables)
        ]
        worth = np.zeros((len(guests), len(places)))
        for n, place in enumerate(places):  # the mean score of the tables that it comes by
            worth[:, n] = self.affinity.score[:, self._stops(*place)].mean(axis=1)
        g, q = (axis.ravel() for axis in np.indices(worth.shape))
        # The places of j = 1 sit at all tables at once: filled, they leave no table without a guest in any round.
        fill = len(guests) >= len(self.hosts) * tables
        first = np.array([float(fill and j == 1) for _, _, j in places])
        score, sizes = np.round(worth, 9).ravel(), (max(len(places), 1), max(len(guests), 1))
        solution = solve(
            Candidates(q, g, score, *sizes),
            [
                counts("one place each", g, high=1, rows=len(guests)),
                counts("one guest a place", q, low=first, high=1, rows=len(places)),
            ],
        )
        chosen = np.flatnonzero(solution.chosen).tolist()
        seats = sorted((places[int(q[n])], guests[int(g[n])]) for n in chosen)
        made = [
            Cafe(k, hosts, tuple((i, p[1], p[2]) for p, i in seats if p[0] == k))
            for k, hosts in enumerate(self.hosts)
        ]
        return [cafe for cafe in made if cafe.number == 0 or cafe.guests], solution

    def meeting(self, cafe: Cafe) -> Meeting:
        """Return a café as a meeting."""
        round_, settings, affinity = self.round, self.settings, self.affinity
        pairs = [
            (affinity.row_of[city], table)
            for city, i, j in cafe.guests
            for table in self._stops(cafe.number, i, j)
        ]
        says = "Table “{title}” is hosted by {host}."
        tables = zip(settings.themes, cafe.hosts, strict=True)
        return Meeting(
            f"world_cafe:{cafe.number + 1}",
            say("Café {number}", number=cafe.number + 1),
            (
                *(Member(round_.id(i), "lead") for i in cafe.hosts),
                *(Member(round_.id(i), "member") for i, _, _ in cafe.guests),
            ),
            affinity.joint_account(pairs, say("visits to tables")),
            say_n(
                "{n:,} guest city sits at {rounds} of the {tables} tables, one after the other.",
                "{n:,} guest cities sit at {rounds} of the {tables} tables each, one after the other.",
                len(cafe.guests),
                rounds=settings.rounds,
                tables=self.tables,
            ),
            notes=tuple(say(says, title=t.title, host=round_.name(host)) for t, host in tables),
        )


def _seats(cafe: Cafe, round_number: int, tables: int) -> list[list[int]]:
    """Return who sits at each table in a round, hosts first."""
    at: list[list[int]] = [[host] for host in cafe.hosts]
    for city, i, j in cafe.guests:
        at[table_of(i, j, round_number, tables)].append(city)
    return at


def _plan(round_: Round, settings: WorldCafe, cafes: Sequence[Cafe]) -> Table:
    rows = tuple(
        SeatingRow(
            say("Café {number}", number=cafe.number + 1),
            r + 1,
            settings.themes[t].title,
            round_.id(seats[0]),
            "; ".join(round_.id(i) for i in seats[1:]),
        )
        for cafe in cafes
        for r in range(settings.rounds)
        for t, seats in enumerate(_seats(cafe, r, len(settings.themes)))
    )
    return make_table("seating", rows)


def seating_rules(
    round_: Round, settings: WorldCafe, meetings: Sequence[Meeting], seating: Sequence[SeatingRow]
) -> tuple[RuleStatus, ...]:
    """Return how cafés stand to each rule, counted in the rows of their seating and nothing else."""
    met: Counter[tuple[str, str]] = Counter()
    been: Counter[tuple[str, str]] = Counter()
    seated: set[str] = set()
    crowd = []
    for row in seating:
        guests = ids_in(row.guests)
        everyone = [row.host, *guests]
        seated |= set(everyone)
        if len(everyone) > settings.seats:
            told = {"everyone": len(everyone), "table": repr(row.table)}
            crowd.append(say("{everyone} at {table}", **told))
        met.update(itertools.combinations(sorted(everyone), 2))
        been.update((guest, row.table) for guest in guests)
    invited = Counter(id_ for meeting in meetings for id_ in meeting.cities())
    name = {id_: round_.cohort.city(id_).name for id_ in seated | set(invited)}
    again = [
        say("{one} and {other}", one=name[a], other=name[b])
        for (a, b), n in sorted(met.items())
        if n > 1
    ]
    back = [name[guest] for (guest, _), n in sorted(been.items()) if n > 1]
    twice = [name[id_] for id_, n in sorted(invited.items()) if n > 1]
    odd = [name[id_] for id_ in sorted(seated ^ set(invited))]
    return (
        counted("new faces", say("Nobody meets anybody at a table twice."), again),
        counted("new tables", say("Nobody comes by a table twice; hosts stay."), back),
        counted("seats", say("A table has at most {seats} people.", seats=settings.seats), crowd),
        counted("one café each", say("A city is in one café."), twice),
        counted("a seat each", say("Who is invited has a seat, and nobody else."), odd),
    )


def _left_out(round_: Round, settings: WorldCafe, cafes: Sequence[Cafe]) -> tuple[LeftOut, ...]:
    placed = {i for cafe in cafes for i in (*cafe.hosts, *(g for g, _, _ in cafe.guests))}
    fits = round_.ledger.fits(settings.load("member"))
    out = []
    for i, city in enumerate(round_.cohort.cities):
        if i in placed:
            continue
        if not fits[i]:
            why = NO_HOURS
        elif settings.roles and not set(settings.roles) & set(city.roles):
            why = say("The cafés are for {roles}.", roles=roles_in_words(settings.roles, "or"))
        else:
            why = say(
                "The seats went to cities for which the themes of the tables are a larger challenge."
            )
        out.append(LeftOut(city.id, why, ""))
    return tuple(out)


def judge_cafes(round_: Round, settings: WorldCafe, product: Product) -> tuple[RuleStatus, ...]:
    """Return how the cafés of a finished product stand to each rule, read from its table of the seating."""
    seating = rows_of(product.tables, "seating", SeatingRow)
    return seating_rules(round_, settings, product.meetings, seating)
