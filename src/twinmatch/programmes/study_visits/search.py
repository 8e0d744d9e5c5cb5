"""Study visits: a group goes to the Mission City, or on a tour of two, that shows what it needs.

Everything that a group could do is an option: one stop or two near ones, the visitors who may go there (best
first, up to the hosts' limits, under the rules on visitors) and a week that suits them. An option is worth its visitors' scores at the better
of its stops, less a price for the way and for a second stop, so that a tour is chosen only where it pays. The
choice among all options is one solve under the rules.

Notation: V visitors of a party, H hosts; s (V, H) scores; km (V, H) distances; O options.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from twinmatch.affinity import Affinity, compare
from twinmatch.cohort import Host
from twinmatch.errors import QuestionError
from twinmatch.programmes.load_ledger import Loads, loads_of
from twinmatch.programmes.round import Round
from twinmatch.programmes.rules import Rule, load_rules, roles_in_words
from twinmatch.programmes.study_visits.settings import (
    MOST_VARIANTS,
    Choices,
    StudyVisits,
    VisitKinds,
    distances,
    mean_distance,
    rules_on_all,
    visit_kinds,
    why_barred,
)
from twinmatch.programmes.themes import strength_of, theme_of
from twinmatch.schema import City
from twinmatch.solving import Block, Bools, Candidates, Floats, Ints, counts
from twinmatch.solving.exchange import dealt, exchange
from twinmatch.wording import count, say

ANY_WEEK = ""

STRONG = 0.5
"""Part of the strongest city's strength in a theme that a host shows at least."""


MOST_AT_ONCE = 4_000_000
"""Choices of visitors that are weighed at once, to bound the memory."""


@dataclass(frozen=True)
class Party:
    """Cities that travel together: the group they come from, its title, and their indices in order."""

    key: str
    title: str
    visitors: tuple[int, ...]


@dataclass(frozen=True)
class Option:
    """Something that a party could do: its stops (columns), who goes, when, what it is worth, soft rules paid."""

    party: int
    stops: tuple[int, ...]
    visitors: tuple[int, ...]
    week: str
    worth: float
    nth: int = 0
    """Which of the choices of visitors it is that rules over all visits tell apart, the best first."""


@dataclass(frozen=True, eq=False)
class PreparedVisits:
    """Visits ready to be solved: parties, hosts, every option with its worth, and the rules over them."""

    parties: tuple[Party, ...]
    affinity: Affinity
    options: tuple[Option, ...]
    rules: tuple[Rule, ...]
    candidates: Candidates
    loads: Loads
    reasons: dict[int, tuple[str, str]]
    """Why a city is in no party, and what to ask of it."""
    cut: bool = False
    """Whether an option could be chosen in more ways than are listed."""

    @property
    def allowed(self) -> Bools:
        """Return the options that no filter takes out: all of them, as only possible ones are listed."""
        return np.ones(len(self.options), dtype=bool)


def prepare(round_: Round, settings: StudyVisits) -> PreparedVisits:
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
    asked = visit_kinds(round_, settings, travelling, [host.cities[0] for host in hosts])
    options = tuple(
        option
        for number, party in enumerate(parties)
        for option in _options(round_, settings, affinity, map_, number, party, asked)
    )
    candidates = _candidates(options, affinity, len(parties))
    loads = _loads(settings, affinity, options)
    rules = _rules(round_, settings, affinity, parties, options, loads)
    stops = [[affinity.columns[h].cities[0] for h in option.stops] for option in options]
    rules += tuple(rules_on_all([option.visitors for option in options], stops, asked))
    cut = any(option.nth >= MOST_VARIANTS - 1 for option in options)
    return PreparedVisits(tuple(parties), affinity, options, rules, candidates, loads, reasons, cut)


def _hosts(round_: Round, settings: StudyVisits) -> tuple[Host, ...]:
    hosts = tuple(
        Host(city.id, city.name, (i,))
        for i, city in enumerate(round_.cohort.cities)
        if set(settings.hosts) & set(city.roles)
    )
    if not hosts:
        roles = roles_in_words(settings.hosts, "or")
        raise QuestionError.of(
            "no-hosts",
            say("No city of this cohort can be visited, which takes {roles}.", roles=roles),
            do=say("Give at least one city that role."),
        )
    return hosts


def _eligible(round_: Round, settings: StudyVisits) -> tuple[list[int], dict[int, tuple[str, str]]]:
    """Return who may travel, and for everyone else why not and what to do about it."""
    fits = round_.ledger.fits(settings.load("guest"))
    may, reasons = [], {}
    for i, city in enumerate(round_.cohort.cities):
        why = why_barred(city, settings)
        if why:
            reasons[i] = why
        elif not fits[i]:
            reasons[i] = (say("What it can carry is taken by other formats."), "")
        else:
            may.append(i)
    return may, reasons


def _groups(
    round_: Round, settings: StudyVisits, who: Sequence[int], reasons: dict[int, tuple[str, str]]
) -> list[Party]:
    """Return who travels together, and note why the others who might travel do not."""
    may = set(who)
    if settings.travellers == "cities":
        return [Party("cities", say("Cities with like needs"), tuple(who))] if who else []
    source = "discussion_groups" if settings.travellers == "groups" else "twinning"
    product = round_.product(source)
    if product is None:
        raise QuestionError.of(
            "visits-without-groups",
            say(
                "Who travels together comes from [{source}], which is not made before.",
                source=source,
            ),
            do=say(
                'Add [{source}], put it first in [ledger] order, or set travellers = "cities".',
                source=source,
            ),
        )
    index, parties = round_.cohort.index, []
    if settings.travellers == "pairs":
        guests = sorted({index[c] for m in product.meetings for c in m.cities("guest")} & may)
        parties = [Party("pairs", say("Guests of twinning pairs"), tuple(guests))] if guests else []
    else:
        for meeting in product.meetings:
            members = tuple(sorted({index[c] for c in meeting.cities("member")} & may))
            if members:
                parties.append(Party(meeting.id.partition(":")[2], meeting.label, members))
    placed = {i for party in parties for i in party.visitors}
    noun = say("discussion group") if settings.travellers == "groups" else say("twinning pair")
    for i in may - placed:
        reasons[i] = (
            say(
                "It travels with no {noun}: visits grow out of {format} and are for those who join as members or guests.",
                noun=noun,
                format=product.title.lower(),
            ),
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
            say("{title} ({part} of {number})", title=group.title, part=part + 1, number=number),
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
    asked: Sequence[VisitKinds],
) -> list[Option]:
    """Return everything that a party could do: each host alone, and the tours of two that pay."""
    choices = Choices.of(settings, party.title, party.visitors, asked)
    at = [host.cities[0] for host in affinity.columns]
    rows = [affinity.row_of[i] for i in party.visitors]
    score, way, legs = affinity.score[rows], map_.way[rows], map_.legs
    may = np.array([[may_visit(round_, settings, i, j) for j in at] for i in party.visitors])
    never = np.array([[refuses_visit(round_, i, j) for j in at] for i in party.visitors])
    may &= affinity.coverage[rows] >= settings.known_at_least - 1e-9
    weak = ~shows_theme(round_, party.key, at)
    may[:, weak], never[:, weak] = False, True
    room = np.array([visitors_at_most(round_.cohort.cities[j], settings) for j in at])
    one = Stops([(h,) for h in range(len(at))], at, room)
    value = np.where(may, score - settings.km_price * 2 * way / 1000, -np.inf)
    single = _best(round_, choices, number, party, one, value.T)
    alone = [option for options in single for option in options]
    if settings.stops == 1:
        return alone
    a, b = np.nonzero(np.triu(legs <= settings.leg_km, 1))
    liked = np.where(may, score, -np.inf)
    seen = np.maximum(liked[:, a], liked[:, b])
    seen[never[:, a] | never[:, b]] = -np.inf
    journey = way[:, a] + legs[a, b] + way[:, b]
    value = (seen - settings.km_price * journey / 1000 - settings.stop_price).T
    places = np.minimum(room[a], room[b])
    floor = np.array([options[0].worth if options else -np.inf for options in single])
    floor = np.maximum(floor[a], floor[b])
    most = np.cumsum(np.sort(value, axis=1)[:, ::-1].clip(0), axis=1)
    may_pay = most[np.arange(len(a)), np.minimum(places, value.shape[1]) - 1] > floor
    two = Stops(np.column_stack([a, b])[may_pay].tolist(), at, places[may_pay])
    tours = _best(round_, choices, number, party, two, value[may_pay])
    paying = zip(tours, floor[may_pay].tolist(), strict=True)
    return [
        *alone,
        *(o for made, low in paying if made and made[0].worth > low + 1e-9 for o in made),
    ]


@dataclass(frozen=True, eq=False)
class Stops:
    """Where visits may stop: columns of the hosts of each, the city of each column, and places for visitors, (T,)."""

    columns: Sequence[Sequence[int]]
    at: Sequence[int]
    places: Ints

    def hosts(self, t: int) -> list[int]:
        """Return the cities where a visit stops."""
        return [self.at[h] for h in self.columns[t]]


def shows_theme(round_: Round, key: str, hosts: Sequence[int]) -> Bools:
    """Return which hosts are strong in the theme of a group, at least half as strong as the best of all cities, (H,).

    All of them where the group has no theme of the programme's discussion groups.
    """
    theme = theme_of(round_, f"study_visits:{key}")
    if theme is None:
        return np.ones(len(hosts), dtype=bool)
    strength = strength_of(round_, theme)
    return np.asarray(strength[list(hosts)] >= max(STRONG * float(strength.max()), 1e-9))


def may_visit(round_: Round, settings: StudyVisits, i: int, j: int) -> bool:
    """Whether a city may visit a host: not itself, not refused, and not at home unless it asked for that."""
    city, host = round_.cohort.cities[i], round_.cohort.cities[j]
    if refuses_visit(round_, i, j):
        return False
    return settings.own_country or city.country != host.country or host.id in city.wishes


def refuses_visit(round_: Round, i: int, j: int) -> bool:
    """Whether two cities are one, or either refuses the other or its host unit: they are on no visit together."""
    of, cities = round_.cohort.cities_of, round_.cohort.cities
    return i == j or any(
        other in of[name] for one, other in ((i, j), (j, i)) for name in cities[one].refuses
    )


def visitors_at_most(host: City, settings: StudyVisits) -> int:
    """Return how many visiting cities a host takes at once."""
    own = host.participation.visitors_at_most if host.participation else None
    return settings.visitors[1] if own is None else min(own, settings.visitors[1])


def _best(
    round_: Round, choices: Choices, number: int, party: Party, stops: Stops, value: Floats
) -> list[list[Option]]:
    """Return for each stops the best choices of visitors and week, the best first; none where too few can go.

    One for each way in which rules over all visits tell choices apart; value (T, V).
    """
    found: list[dict[int, Option]] = [{} for _ in stops.columns]
    extra = np.array([choices.hosts_cost(stops.hosts(t)) for t in range(len(found))])
    step = max(1, MOST_AT_ONCE // max(len(choices.counts), 1))
    for week, in_it in _by_week(round_, choices.settings, party, stops):
        free = [_free(round_.cohort.cities[i], week) for i in party.visitors]
        for k in range(0, len(in_it), step):
            part = in_it[k : k + step]
            offered = np.where(free, value[part], -np.inf)
            for t, key, worth, who in choices.best(offered, stops.places[part], extra[part]):
                net = round(worth - float(extra[part[t]]), 9)
                if key not in found[part[t]] or net > found[part[t]][key].worth:
                    visitors = tuple(sorted(party.visitors[i] for i in who))
                    columns = tuple(stops.columns[part[t]])
                    found[part[t]][key] = Option(number, columns, visitors, week, net)
    return [
        [
            replace(option, nth=nth)
            for nth, option in enumerate(
                sorted(of.values(), key=lambda o: (-o.worth, o.visitors))[:MOST_VARIANTS]
            )
        ]
        for of in found
    ]


def _by_week(
    round_: Round, settings: StudyVisits, party: Party, stops: Stops
) -> list[tuple[str, list[int]]]:
    """Return the weeks that come into question, earliest first, each with the stops that suit it.

    One empty week where nobody names any.
    """
    stated, mine = set(settings.weeks), _named_weeks(round_, party.visitors)
    found: dict[str, list[int]] = {}
    for t in range(len(stops.columns)):
        hosts = stops.hosts(t)
        named = mine | _named_weeks(round_, hosts)
        for week in (stated & named if stated and named else stated | named) or {ANY_WEEK}:
            if all(_free(round_.cohort.cities[h], week) for h in hosts):
                found.setdefault(week, []).append(t)
    return sorted(found.items())


def _named_weeks(round_: Round, cities: Sequence[int]) -> set[str]:
    parts = (round_.cohort.cities[i].participation for i in cities)
    return {week for own in parts if own is not None for week in own.weeks}


def _free(city: City, week: str) -> bool:
    """Whether a week suits a city; one that names no weeks is taken to be free."""
    weeks = city.participation.weeks if city.participation else ()
    return week == ANY_WEEK or not weeks or week in weeks


def _candidates(options: Sequence[Option], affinity: Affinity, parties: int) -> Candidates:
    """Return the options as candidates: each set of stops is a host of its own, each party a guest."""
    sets = sorted({(len(o.stops), o.stops, o.nth) for o in options})
    place = {(stops, nth): k for k, (_, stops, nth) in enumerate(sets)}
    return Candidates(
        np.array([place[o.stops, o.nth] for o in options], dtype=np.int64),
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
            say("A group makes one visit; a city makes one visit."),
            counts(
                "one visit each",
                party,
                high=1,
                rows=len(parties),
                says=lambda p: say("{title} makes one visit", title=parties[p].title),
            ),
            kind="structure",
        ),
        Rule(
            "visits per host",
            say(
                "A host receives at most {visits}.",
                visits=visits_in_words(settings.visits_per_host),
            ),
            _per_host(affinity, options, settings.visits_per_host),
        ),
    ]
    twice = _in_several(round_, parties, options)
    rules += [twice] if twice else []
    return (*rules, *load_rules(loads.block(round_.ledger)))


def _per_host(affinity: Affinity, options: Sequence[Option], most: int) -> Block:
    pairs = [(h, k) for k, option in enumerate(options) for h in option.stops]
    return _at_most(
        "visits per host",
        pairs,
        (len(affinity.columns), len(options)),
        most,
        lambda h: say(
            "{host} receives at most {visits}",
            host=affinity.columns[h].name,
            visits=visits_in_words(most),
        ),
    )


def _at_most(
    name: str,
    pairs: Sequence[tuple[int, int]],
    shape: tuple[int, int],
    most: int,
    says: Callable[[int], str],
) -> Block:
    """Return the rows in each of which at most so many of the options of its pairs are chosen."""
    rows, columns = zip(*pairs, strict=True) if pairs else ((), ())
    matrix = sp.csr_array((np.ones(len(pairs)), (rows, columns)), shape=shape)
    return Block(name, matrix, np.full(shape[0], -np.inf), np.full(shape[0], float(most)), says)


def visits_in_words(number: int) -> str:
    """Return a counted visit."""
    return count(number, "visit")


def _in_several(round_: Round, parties: Sequence[Party], options: Sequence[Option]) -> Rule | None:
    """A city of several groups makes one visit all the same."""
    everyone = [i for party in parties for i in party.visitors]
    several = sorted({i for i in everyone if everyone.count(i) > 1})
    if not several:
        return None
    row = {i: r for r, i in enumerate(several)}
    pairs = [(row[i], k) for k, o in enumerate(options) for i in o.visitors if i in row]
    shape, name = (len(several), len(options)), "one visit a city"
    block = _at_most(
        name,
        pairs,
        shape,
        1,
        lambda r: say("{title} makes one visit", title=round_.name(several[r])),
    )
    return Rule("one visit a city", say("A city of several groups makes one visit."), block)
