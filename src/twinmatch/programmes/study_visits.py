"""Study visits: a group goes to the Mission City, or on a tour of two, that shows what it needs.

Everything that a group could do is an option: one stop or two near ones, the visitors who may go there (best
first, up to the hosts' limits) and a week that suits them. An option is worth its visitors' scores at the better
of its stops, less a price for the way and for a second stop, so that a tour is chosen only where it pays. The
choice among all options is one solve under the rules.

Notation: V visitors of a party, H hosts; s (V, H) scores; km (V, H) distances; O options.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from pydantic import Field, field_validator

from twinmatch.affinity import Affinity, compare
from twinmatch.cohort import Host
from twinmatch.errors import Problem, QuestionError
from twinmatch.facets.base import listed
from twinmatch.programmes.ledger import Loads, loads_of
from twinmatch.programmes.round import Round, coverage_note, no_answer, shares
from twinmatch.programmes.rules import Rule, counted, judged, statuses
from twinmatch.programmes.settings import Band, Load, Policy, Weighted, ordered
from twinmatch.programmes.travel import Mode, by_rail, distances, emitted, mean_distance
from twinmatch.proposal import LeftOut, Meeting, Member, Product, RuleStatus, Table, count
from twinmatch.schema import City, Role
from twinmatch.solving import Block, Candidates, Solution, counts, solve
from twinmatch.solving.exchange import dealt, exchange

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
ANY_WEEK = ""


class StudyVisits(Weighted):
    """Group visits of about two days to cities that show what the visitors need."""

    LOADS: ClassVar[dict[str, Load]] = {
        "host": Load(hours=6, tasks=1),
        "guest": Load(hours=2, trips=1),
    }

    title: str = Field("Study visits", min_length=1)
    travellers: Literal["groups", "pairs", "cities"] = Field(
        "groups",
        description="Who travels together: the members of a discussion group, guests of twinning pairs, or any cities",
    )
    hosts: tuple[Role, ...] = Field((Role.MISSION,), min_length=1, description="Who may be visited")
    visitors: Band = Field((4, 12), description="Visiting cities of a visit: at least, at most")
    visits_per_host: int = Field(1, ge=1, description="Visits that a host receives, at most")
    neutral_by: int | None = Field(
        2050, ge=2020, le=2100, description="Visitors have a climate-neutrality target by this year"
    )
    unknown: Policy = Field(
        "ask first", description="A target not known: 'ask first', 'let in', 'keep out'"
    )
    own_country: bool = Field(
        False, description="Whether a city may visit a host of its own country unasked"
    )
    people: int = Field(2, ge=1, le=20, description="People who travel for a city")
    stops: Literal[1, 2] = Field(2, description="Stops of a visit, at most")
    leg_km: float = Field(
        400, ge=0, le=5000, description="Between the two stops of a tour, at most"
    )
    km_price: float = Field(
        0.02, ge=0, le=1, description="Score that 1,000 km of a visitor's way cost"
    )
    stop_price: float = Field(
        0.03, ge=0, le=1, description="Score a visitor that a second stop costs beside its way"
    )
    weeks: tuple[str, ...] = Field(
        (), description="Weeks that come into question; none: those that cities name"
    )
    rail_km: float = Field(
        1000, ge=0, description="Up to this distance rail is suggested, where there is one"
    )
    no_rail: tuple[str, ...] = Field(
        (), description="Countries without a passenger rail link to others"
    )
    modes: tuple[Mode, ...] = Field((), description="Ways to travel, with what they emit")

    _check_band = field_validator("visitors")(ordered)


@dataclass(frozen=True)
class Party:
    """Cities that travel together: the group they come from, its title, and their indices in order."""

    key: str
    title: str
    visitors: tuple[int, ...]


@dataclass(frozen=True)
class Option:
    """Something that a party could do: its stops (columns), who goes, when, what it is worth and how far it is."""

    party: int
    stops: tuple[int, ...]
    visitors: tuple[int, ...]
    week: str
    worth: float


@dataclass(frozen=True, eq=False)
class Prepared:
    """Visits ready to be solved: parties, hosts, every option with its worth, and the rules over them."""

    parties: tuple[Party, ...]
    affinity: Affinity
    options: tuple[Option, ...]
    rules: tuple[Rule, ...]
    everything: Candidates
    loads: Loads
    reasons: dict[int, tuple[str, str]]
    """Why a city is in no party, and what to ask of it."""

    @property
    def allowed(self) -> Bools:
        """Return the options that no filter takes out: all of them, as only possible ones are listed."""
        return np.ones(len(self.options), dtype=bool)


def propose_study_visits(round_: Round, settings: StudyVisits) -> Product:
    """Return the visits of a round: at most one a party, proven best among all options under the rules.

    Raises QuestionError where there is no host or the products that parties come from were not made before,
    NoProposalError where no choice keeps the rules.
    """
    ready = prepare(round_, settings)
    blocks = [rule.block for rule in ready.rules]
    solution = solve(ready.everything, blocks)
    if solution.status == "infeasible":
        names = [party.title for party in ready.parties]
        hosts = [h.name for h in ready.affinity.columns]
        raise no_answer(
            settings.title, solution, ready.everything, blocks, hosts=hosts, guests=names
        )
    return product_of(round_, settings, ready, solution.chosen, solution)


def prepare(round_: Round, settings: StudyVisits) -> Prepared:
    """Return the visits ready to be solved; raises QuestionError where there is no host or no group to travel."""
    hosts = _hosts(round_, settings)
    who, reasons = _eligible(round_, settings)
    groups = _groups(round_, settings, who, reasons)
    travelling = sorted({i for party in groups for i in party.visitors})
    affinity = compare(
        round_.cohort, settings.weights, round_.facet_cache, rows=travelling, columns=hosts
    )
    parties = [part for group in groups for part in _parts(affinity, settings, group)]
    map_ = _Map.of(round_, affinity)
    options = tuple(
        option
        for number, party in enumerate(parties)
        for option in _options(round_, settings, affinity, map_, number, party)
    )
    everything = _candidates(options, affinity, len(parties))
    loads = _loads(settings, affinity, options)
    rules = _rules(round_, settings, affinity, parties, options, loads)
    return Prepared(tuple(parties), affinity, options, rules, everything, loads, reasons)


def _hosts(round_: Round, settings: StudyVisits) -> tuple[Host, ...]:
    hosts = tuple(
        Host(city.id, city.name, (i,))
        for i, city in enumerate(round_.cohort.cities)
        if set(settings.hosts) & set(city.roles)
    )
    if not hosts:
        roles = " or ".join(role.value for role in settings.hosts)
        raise QuestionError(
            Problem(
                "no-hosts",
                f"{settings.title}: no city of this cohort can be visited (role {roles}).",
                do="Give at least one city that role.",
            )
        )
    return hosts


def _eligible(round_: Round, settings: StudyVisits) -> tuple[list[int], dict[int, tuple[str, str]]]:
    """Return who may travel, and for everyone else why not and what to do about it."""
    fits = round_.ledger.fits(settings.load("guest"))
    may, reasons = [], {}
    for i, city in enumerate(round_.cohort.cities):
        why = _barred(city, settings)
        if why:
            reasons[i] = why
        elif not fits[i]:
            reasons[i] = ("What it can carry is taken by other formats.", "")
        else:
            may.append(i)
    return may, reasons


def _barred(city: City, settings: StudyVisits) -> tuple[str, str] | None:
    """Return why a city may not travel and what it can do, or None where it may."""
    if settings.neutral_by is None:
        return None
    stated = city.commitment
    year = (stated.neutral_by or stated.neutral_by_at_latest) if stated else None
    if year is None:
        if settings.unknown == "let in":
            return None
        return (
            f"Study visits are for cities with a climate-neutrality target by {settings.neutral_by} or earlier; "
            "whether it has one is not known.",
            ("Ask the city. Without a target, a " if settings.unknown == "ask first" else "A ")
            + "commitment signed by its mayor opens study visits and twinning; "
            "until then online resources and discussion groups are open to it.",
        )
    if year > settings.neutral_by:
        return (
            f"Its climate-neutrality target is {year}; study visits ask for {settings.neutral_by} or earlier.",
            "An earlier target signed by its mayor opens study visits and twinning.",
        )
    return None


def _groups(
    round_: Round, settings: StudyVisits, who: Sequence[int], reasons: dict[int, tuple[str, str]]
) -> list[Party]:
    """Return who travels together, and note why the others who might travel do not."""
    may = set(who)
    if settings.travellers == "cities":
        return [Party("cities", "Cities with like needs", tuple(who))] if who else []
    source = "discussion_groups" if settings.travellers == "groups" else "twinning"
    product = round_.product(source)
    if product is None:
        raise QuestionError(
            Problem(
                "visits-without-groups",
                f"{settings.title}: who travels together comes from [{source}], which is not made before.",
                do=f'Add [{source}], put it first in [ledger] order, or set travellers = "cities".',
            )
        )
    index, parties = round_.cohort.index, []
    if settings.travellers == "pairs":
        guests = sorted({index[c] for m in product.meetings for c in m.cities("guest")} & may)
        parties = [Party("pairs", "Guests of twinning pairs", tuple(guests))] if guests else []
    else:
        for meeting in product.meetings:
            members = tuple(sorted({index[c] for c in meeting.cities("member")} & may))
            if members:
                parties.append(Party(meeting.id.partition(":")[2], meeting.label, members))
    placed = {i for party in parties for i in party.visitors}
    noun = "discussion group" if settings.travellers == "groups" else "twinning pair"
    for i in may - placed:
        reasons[i] = (
            f"It travels with no {noun}: visits grow out of {product.title.lower()} and are for those who join as members or guests.",
            "",
        )
    return parties


def _parts(affinity: Affinity, settings: StudyVisits, group: Party) -> list[Party]:
    """Return a group in as few parties as the limit of visitors asks for, those together who need like hosts."""
    number = -(-len(group.visitors) // settings.visitors[1])
    if number <= 1:
        return [group]
    rows = affinity.score[[affinity.row_of[i] for i in group.visitors]]
    apart = np.abs(rows[:, None, :] - rows[None, :, :]).mean(axis=2)
    label = exchange(dealt([(k,) for k in range(len(rows))], number), np.round(1.0 - apart, 9))
    return [
        Party(
            f"{group.key}:{part + 1}",
            f"{group.title} ({part + 1} of {number})",
            tuple(group.visitors[k] for k in np.flatnonzero(label == part)),
        )
        for part in range(number)
    ]


@dataclass(frozen=True, eq=False)
class _Map:
    """Distances in km: of every row of an affinity to every column, (R, C), and between its columns, (C, C)."""

    way: Floats
    legs: Floats

    @classmethod
    def of(cls, round_: Round, affinity: Affinity) -> _Map:
        """Return the distances between travellers and hosts; one that is not known counts as the mean of all pairs."""
        at = [host.cities[0] for host in affinity.columns]
        way = distances(round_.cohort, affinity.rows, at)
        if np.isnan(way).any():
            way = np.nan_to_num(way, nan=mean_distance(round_.cohort))
        return cls(way, distances(round_.cohort, at, at))


def _options(
    round_: Round,
    settings: StudyVisits,
    affinity: Affinity,
    map_: _Map,
    number: int,
    party: Party,
) -> list[Option]:
    """Return everything that a party could do: each host alone, and the tours of two that pay."""
    at = [host.cities[0] for host in affinity.columns]
    rows = [affinity.row_of[i] for i in party.visitors]
    score, way, legs = affinity.score[rows], map_.way[rows], map_.legs
    may = np.array([[_may_visit(round_, settings, i, j) for j in at] for i in party.visitors])
    never = np.array([[_refused(round_, i, j) for j in at] for i in party.visitors])
    room = np.array([_room(round_.cohort.cities[j], settings) for j in at])
    single: dict[int, Option] = {}
    for h in range(len(at)):
        value = np.where(may[:, h], score[:, h] - settings.km_price * 2 * way[:, h] / 1000, -np.inf)
        option = _best(round_, settings, number, party, (h,), (at[h],), value, int(room[h]))
        if option:
            single[h] = option
    if settings.stops == 1:
        return list(single.values())
    near = np.argwhere(np.triu(legs <= settings.leg_km, 1))
    tours = []
    for a, b in near.tolist():
        seen = np.maximum(
            np.where(may[:, a], score[:, a], -np.inf), np.where(may[:, b], score[:, b], -np.inf)
        )
        seen[never[:, a] | never[:, b]] = -np.inf
        journey = way[:, a] + legs[a, b] + way[:, b]
        value = seen - settings.km_price * journey / 1000 - settings.stop_price
        places = int(min(room[a], room[b]))
        floor = (
            max(single[h].worth for h in (a, b) if h in single) if {a, b} & set(single) else -np.inf
        )
        if np.sort(value)[::-1][:places].clip(0).sum() <= floor:
            continue
        option = _best(round_, settings, number, party, (a, b), (at[a], at[b]), value, places)
        if option and option.worth > floor + 1e-9:
            tours.append(option)
    return [*single.values(), *tours]


def _may_visit(round_: Round, settings: StudyVisits, i: int, j: int) -> bool:
    """Whether a city may visit a host: not itself, not refused, and not at home unless it asked for that."""
    city, host = round_.cohort.cities[i], round_.cohort.cities[j]
    if _refused(round_, i, j):
        return False
    return settings.own_country or city.country != host.country or host.id in city.wishes


def _refused(round_: Round, i: int, j: int) -> bool:
    """Whether two cities are one, or either refuses the other or its host unit: they are on no visit together."""
    of, cities = round_.cohort.cities_of, round_.cohort.cities
    return i == j or any(
        other in of[name] for one, other in ((i, j), (j, i)) for name in cities[one].refuses
    )


def _room(host: City, settings: StudyVisits) -> int:
    own = host.participation.visitors_at_most if host.participation else None
    return settings.visitors[1] if own is None else min(own, settings.visitors[1])


def _best(
    round_: Round,
    settings: StudyVisits,
    number: int,
    party: Party,
    stops: tuple[int, ...],
    hosts: tuple[int, ...],
    value: Floats,
    places: int,
) -> Option | None:
    """Return the option of these stops in the week that is worth most, or None where too few can go."""
    found: Option | None = None
    for week in _weeks(round_, settings, (*hosts, *party.visitors)):
        if any(not _free(round_.cohort.cities[h], week) for h in hosts):
            continue
        able = [
            (k, float(v))
            for k, (i, v) in enumerate(zip(party.visitors, value.tolist(), strict=True))
            if np.isfinite(v) and v > 0 and _free(round_.cohort.cities[i], week)
        ]
        able = sorted(able, key=lambda kv: (-round(kv[1], 9), kv[0]))[:places]
        if len(able) < max(1, settings.visitors[0]):
            continue
        worth = round(sum(v for _, v in able), 9)
        if found is None or worth > found.worth:
            who = tuple(sorted(party.visitors[k] for k, _ in able))
            found = Option(number, stops, who, week, worth)
    return found


def _weeks(round_: Round, settings: StudyVisits, cities: Sequence[int]) -> list[str]:
    """Return the weeks that come into question, earliest first; one empty week where nobody names any."""
    named = {
        week
        for i in cities
        if (own := round_.cohort.cities[i].participation) is not None
        for week in own.weeks
    }
    chosen = (
        set(settings.weeks) & named if settings.weeks and named else set(settings.weeks) or named
    )
    return sorted(chosen) or [ANY_WEEK]


def _free(city: City, week: str) -> bool:
    """Whether a week suits a city; one that names no weeks is taken to be free."""
    weeks = city.participation.weeks if city.participation else ()
    return week == ANY_WEEK or not weeks or week in weeks


def _candidates(options: Sequence[Option], affinity: Affinity, parties: int) -> Candidates:
    """Return the options as candidates: each set of stops is a host of its own, each party a guest."""
    sets = sorted({o.stops for o in options}, key=lambda stops: (len(stops), stops))
    place = {stops: k for k, stops in enumerate(sets)}
    return Candidates(
        np.array([place[o.stops] for o in options], dtype=np.int64),
        np.array([o.party for o in options], dtype=np.int64),
        np.array([o.worth for o in options], dtype=np.float64),
        max(len(sets), 1),
        max(parties, 1),
    )


def _loads(settings: StudyVisits, affinity: Affinity, options: Sequence[Option]) -> Loads:
    host, guest = settings.load("host"), settings.load("guest")
    entries = [
        (k, city, load)
        for k, option in enumerate(options)
        for city, load in (
            *((affinity.columns[h].cities[0], host) for h in option.stops),
            *((i, guest) for i in option.visitors),
        )
    ]
    return loads_of(entries, len(options))


def _rules(
    round_: Round,
    settings: StudyVisits,
    affinity: Affinity,
    parties: Sequence[Party],
    options: Sequence[Option],
    loads: Loads,
) -> tuple[Rule, ...]:
    party = np.array([o.party for o in options], dtype=np.int64)
    rules = [
        Rule(
            "one visit each",
            "A group makes one visit; a city makes one visit.",
            counts(
                "one visit each",
                party,
                high=1,
                rows=len(parties),
                says=lambda p: f"{parties[p].title} makes one visit",
            ),
        ),
        Rule(
            "visits per host",
            f"A host receives at most {_visits(settings.visits_per_host)}.",
            _per_host(affinity, options, settings.visits_per_host),
        ),
    ]
    twice = _in_several(round_, parties, options)
    rules += [twice] if twice else []
    limited = loads.block(round_.ledger)
    if limited:
        says = "No city carries more than its limits over all formats."
        rules.append(Rule("load", says, limited))
    return tuple(rules)


def _per_host(affinity: Affinity, options: Sequence[Option], most: int) -> Block:
    pairs = [(h, k) for k, option in enumerate(options) for h in option.stops]
    rows, columns = [h for h, _ in pairs], [k for _, k in pairs]
    shape = (len(affinity.columns), len(options))
    matrix = sp.csr_array((np.ones(len(pairs)), (rows, columns)), shape=shape)
    return Block(
        "visits per host",
        matrix,
        np.full(shape[0], -np.inf),
        np.full(shape[0], float(most)),
        lambda h: f"{affinity.columns[h].name} receives at most {_visits(most)}",
    )


def _visits(number: int) -> str:
    return "1 visit" if number == 1 else f"{number} visits"


def _in_several(round_: Round, parties: Sequence[Party], options: Sequence[Option]) -> Rule | None:
    """A city of several groups makes one visit all the same."""
    everyone = [i for party in parties for i in party.visitors]
    several = sorted({i for i in everyone if everyone.count(i) > 1})
    if not several:
        return None
    row = {i: r for r, i in enumerate(several)}
    pairs = [(row[i], k) for k, o in enumerate(options) for i in o.visitors if i in row]
    matrix = sp.csr_array(
        (np.ones(len(pairs)), ([r for r, _ in pairs], [k for _, k in pairs])),
        shape=(len(several), len(options)),
    )
    block = Block(
        "one visit a city",
        matrix,
        np.full(len(several), -np.inf),
        np.ones(len(several)),
        lambda r: f"{round_.name(several[r])} makes one visit",
    )
    return Rule("one visit a city", "A city of several groups makes one visit.", block)


# --- the product -------------------------------------------------------------------------------------------


def product_of(
    round_: Round,
    settings: StudyVisits,
    ready: Prepared,
    chosen: Bools,
    solution: Solution,
) -> Product:
    """Return the product of a choice of options; raises DataError where the choice breaks a rule."""
    kept = statuses(ready.rules, ready.everything, chosen)
    made = [ready.options[k] for k in np.flatnonzero(chosen)]
    visits = [_visit(round_, settings, ready, option) for option in made]
    meetings = tuple(sorted((m for m, _ in visits), key=lambda m: m.id))
    rows = tuple(row for _, rows in sorted(visits, key=lambda v: v[0].id) for row in rows)
    return Product(
        "study_visits",
        settings.title,
        "optimal" if solution.status == "optimal" else "feasible",
        f"{solution.engine} over {len(ready.options)} options",
        float(ready.everything.score[chosen].sum()),
        max(solution.bound, float(ready.everything.score[chosen].sum())),
        meetings,
        _left_out(round_, settings, ready, made),
        judged([*kept, *_checked(round_, settings, meetings)]),
        _headline(ready, made),
        weights=shares(ready.affinity) if ready.affinity.rows else (),
        tables=(_travel_table(rows), _method(settings))
        if settings.modes
        else (_travel_table(rows),),
    )


def _stop_for(ready: Prepared, option: Option, i: int, round_: Round, settings: StudyVisits) -> int:
    """Return the stop (column) that shows a visitor most of what it needs."""
    row = ready.affinity.row_of[i]
    columns = ready.affinity.columns
    may = [h for h in option.stops if _may_visit(round_, settings, i, columns[h].cities[0])]
    return max(may, key=lambda h: (round(float(ready.affinity.score[row, h]), 9), -h))


def _visit(
    round_: Round, settings: StudyVisits, ready: Prepared, option: Option
) -> tuple[Meeting, list[tuple[str | float | None, ...]]]:
    """Return a visit as a meeting, and a row of travel for each of its visitors."""
    affinity, party = ready.affinity, ready.parties[option.party]
    hosts = [affinity.columns[h].cities[0] for h in option.stops]
    stop = {i: _stop_for(ready, option, i, round_, settings) for i in option.visitors}
    account = affinity.joint_account([(affinity.row_of[i], h) for i, h in stop.items()], "visitors")
    names = [round_.name(h) for h in hosts]
    members = (
        *(Member(round_.id(h), "host") for h in hosts),
        *(Member(round_.id(i), "guest") for i in option.visitors),
    )
    rows, notes = _travel(round_, settings, f"{party.title} to {listed(names)}", hosts, option)
    if option.week:
        notes = (f"Week: {option.week}.", *notes)
    if len(hosts) > 1:
        notes = (*notes, _why_tour(ready, option, stop, round_))
    meeting = Meeting(
        f"study_visits:{party.key}",
        f"{party.title} to {listed(names)}",
        members,
        account,
        f"{count(len(option.visitors), 'city visits', 'cities visit')} {listed(names)}. {account.summary()}",
        notes=(*notes, *coverage_note(account)),
    )
    return meeting, rows


def _why_tour(ready: Prepared, option: Option, stop: dict[int, int], round_: Round) -> str:
    """Return in words why two stops pay."""
    columns = ready.affinity.columns
    first, second = option.stops
    better = sum(h == second for h in stop.values())
    single = [
        o.worth
        for o in ready.options
        if o.party == option.party and o.stops in ((first,), (second,))
    ]
    gain = option.worth - max(single, default=0.0)
    return (
        f"Two stops pay: {better} of {len(stop)} visitors find more at {columns[second].name}, the others at "
        f"{columns[first].name}; worth {100 * gain:.1f} points more than either alone, way and second stop paid."
    )


def _travel(
    round_: Round, settings: StudyVisits, label: str, hosts: Sequence[int], option: Option
) -> tuple[list[tuple[str | float | None, ...]], tuple[str, ...]]:
    """Return a row of travel for each visitor (whole journey, all its people) and notes on the sums."""
    way = distances(round_.cohort, option.visitors, hosts)
    legs = distances(round_.cohort, hosts, hosts)
    modes = {mode.mode: mode for mode in settings.modes}
    rows: list[tuple[str | float | None, ...]] = []
    for k, i in enumerate(option.visitors):
        stages = [
            way[k, 0],
            *(legs[a, b] for a, b in itertools.pairwise(range(len(hosts)))),
            way[k, -1],
        ]
        length = float(sum(stages))
        known = np.isfinite(length)
        rail = by_rail(round_.cohort, (i, *hosts), settings.no_rail)
        kg: dict[str, float | None] = {}
        for name in ("rail", "air"):
            usable = known and name in modes and (name == "air" or rail)
            kg[name] = (
                round(settings.people * emitted(modes[name], length).kg, 1) if usable else None
            )
        near = rail and known and float(max(stages)) <= settings.rail_km
        mode = "not known" if not known else ("rail" if near else "air")
        rows.append(
            (label, round_.id(i), round(length) if known else None, kg["rail"], kg["air"], mode)
        )
    return rows, _sums(settings, rows, modes)


def _sums(
    settings: StudyVisits,
    rows: Sequence[tuple[str | float | None, ...]],
    modes: dict[Literal["rail", "air"], Mode],
) -> tuple[str, ...]:
    whole = sum(float(row[2] or 0) for row in rows)
    text = f"Travel: {len(rows)} cities with {settings.people} people each, {whole:,.0f} km of journeys a person in all"
    silent = sum(row[2] is None for row in rows)
    text += f" ({silent} places not known)" if silent else ""
    if not modes:
        return (text + ".",)
    chosen = sum(float((row[3] if row[5] == "rail" else row[4]) or 0) for row in rows)
    flown = sum(float(row[4] or 0) for row in rows)
    trains = sum(row[5] == "rail" for row in rows)
    return (
        f"{text}; {chosen / 1000:.1f} t CO2e with rail for {trains} of them, {flown / 1000:.1f} t if all fly.",
    )


def _travel_table(rows: tuple[tuple[str | float | None, ...], ...]) -> Table:
    return Table(
        "travel",
        "Travel of the visitors",
        ("visit", "city", "km there and back", "kg CO2e by rail", "kg CO2e by air", "suggested"),
        rows,
        "Great-circle distances of the whole journey, for one person; emissions for all people of the city. "
        "Empty: not known, or no rail link.",
    )


def _method(settings: StudyVisits) -> Table:
    return Table(
        "travel_method",
        "How travel is reckoned",
        ("mode", "g CO2e a passenger-km", "low", "high", "detour", "year", "source", "detour from"),
        tuple(
            (m.mode, m.grams_per_km, m.low, m.high, m.detour, m.year, m.source, m.detour_source)
            for m in settings.modes
        ),
        "Great-circle distance times detour times emissions.",
    )


def _checked(
    round_: Round, settings: StudyVisits, meetings: Sequence[Meeting]
) -> tuple[RuleStatus, ...]:
    """Return how the finished visits stand to what made the options, read from the meetings and nothing else."""
    low, high = settings.visitors
    city = round_.cohort.city
    crowd, home, target = [], [], []
    for meeting in meetings:
        guests, hosts = meeting.cities("guest"), meeting.cities("host")
        most = min(_room(city(h), settings) for h in hosts)
        if not max(low, 1) <= len(guests) <= most:
            crowd.append(f"{meeting.label} has {len(guests)}")
        for g in guests:
            i, stops = round_.cohort.index[g], [round_.cohort.index[h] for h in hosts]
            may = any(_may_visit(round_, settings, i, j) for j in stops)
            if not may or any(_refused(round_, i, j) for j in stops):
                home.append(f"{city(g).name} visits {listed([city(h).name for h in hosts])}")
            if _barred(city(g), settings):
                target.append(city(g).name)
    checks = [
        (
            "visitors",
            f"A visit has {max(low, 1)} to {high} visiting cities, or fewer where a host said so.",
            crowd,
        ),
        (
            "another country",
            "Nobody visits its own country unless it asked to, nor a city that either side refuses.",
            home,
        ),
    ]
    if settings.neutral_by is not None:
        says = f"Visitors have a climate-neutrality target by {settings.neutral_by} or earlier."
        checks.append(("target", says, target))
    return tuple(counted(*check) for check in checks)


def visit_rules(
    round_: Round, settings: StudyVisits, meetings: Sequence[Meeting]
) -> tuple[RuleStatus, ...]:
    """Return how finished visits, whoever made them, stand to every rule, read from the meetings and nothing else."""
    name = {m.city: round_.cohort.city(m.city).name for x in meetings for m in x.members}
    received = Counter(h for meeting in meetings for h in meeting.cities("host"))
    travelling = Counter(g for meeting in meetings for g in meeting.cities("guest"))
    unfit = [h for h in received if not set(settings.hosts) & set(round_.cohort.city(h).roles)]
    at = round_.cohort.index
    stops, far = [], []
    for meeting in meetings:
        hosts = [at[h] for h in meeting.cities("host")]
        legs = distances(round_.cohort, hosts, hosts)
        if not 1 <= len(hosts) <= settings.stops:
            stops.append(f"{meeting.label} has {len(hosts)}")
        if any(leg > settings.leg_km for leg in np.diagonal(legs, 1)):
            far.append(meeting.label)
    checks = (
        (
            "hosts",
            f"Hosts are {listed([r.value for r in settings.hosts], 'or')} cities.",
            sorted(name[h] for h in unfit),
        ),
        (
            "visits per host",
            f"A host receives at most {_visits(settings.visits_per_host)}.",
            [name[h] for h, n in sorted(received.items()) if n > settings.visits_per_host],
        ),
        (
            "one visit a city",
            "A city makes one visit.",
            [name[g] for g, n in sorted(travelling.items()) if n > 1],
        ),
        (
            "stops",
            f"A visit has {'one stop' if settings.stops == 1 else 'one or two stops'}.",
            stops,
        ),
        ("leg of a tour", f"Two stops lie at most {settings.leg_km:g} km apart.", far),
    )
    return (
        *(counted(*check) for check in checks),
        *_checked(round_, settings, [m for m in meetings if m.cities("host")]),
    )


def _left_out(
    round_: Round, settings: StudyVisits, ready: Prepared, made: Sequence[Option]
) -> tuple[LeftOut, ...]:
    visiting = {i for option in made for i in option.visitors}
    hosting = {ready.affinity.columns[h].cities[0] for option in made for h in option.stops}
    going = {option.party for option in made}
    able = {option.party for option in ready.options}
    reasons = dict(ready.reasons)
    for number, party in enumerate(ready.parties):
        for i in set(party.visitors) - visiting:
            reasons[i] = (_why_not(settings, party, number in going, number in able), "")
    return tuple(
        LeftOut(round_.id(i), why, "", ask)
        for i, (why, ask) in sorted(reasons.items())
        if i not in visiting | hosting
    )


def _why_not(settings: StudyVisits, party: Party, goes: bool, able: bool) -> str:
    if goes:
        return f"The visit of {party.title!r} has its places with cities that fit its host better, or goes to its own country or in another week."
    if able:
        return f"Every host that fits {party.title!r} is visited by another group."
    return f"Only {count(len(party.visitors), 'city', 'cities')} of {party.title!r} may travel, or no host can take {settings.visitors[0]} of them together."


def _headline(ready: Prepared, made: Sequence[Option]) -> str:
    visitors = sum(len(option.visitors) for option in made)
    tours = sum(len(option.stops) > 1 for option in made)
    text = f"{count(len(made), 'visit')} of {count(len(ready.parties), 'group')} with {count(visitors, 'visiting city', 'visiting cities')}"
    return text + (f"; {count(tours, 'is a tour', 'are tours')} of two stops." if tours else ".")
