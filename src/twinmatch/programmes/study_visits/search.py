"""Study visits: a group goes to the Mission City, or on a tour of two, that shows what it needs.

Everything that a group could do is an option: one stop or two near ones, the visitors who may go there (best
first, up to the hosts' limits, under the rules on visitors) and a week that suits them. An option is worth its visitors' scores at the better
of its stops, less a price for the way and for a second stop, so that a tour is chosen only where it pays. The
choice among all options is one solve under the rules.

Notation: V visitors of a party, H hosts; s (V, H) scores; km (V, H) distances; O options.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from twinmatch.affinity import Affinity, compare
from twinmatch.cohort import Host
from twinmatch.errors import QuestionError
from twinmatch.facets.answered import nothing_to_show, topic_table
from twinmatch.programmes.load_ledger import load_block, loads_of
from twinmatch.programmes.round import Round
from twinmatch.programmes.rules import NO_HOURS, Rule, cities_of, load_rules
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
from twinmatch.programmes.themes import strength_of, theme_of, topics_of
from twinmatch.schema import City
from twinmatch.solving import Block, Bools, Candidates, Floats, Ints
from twinmatch.solving.blocks import Sentence
from twinmatch.solving.exchange import dealt, exchange
from twinmatch.vocabulary.topics import Topic
from twinmatch.wording import count, say

ANY_WEEK = ""

STRONG = 0.5
"""Part of the strongest city's strength in a theme that a host shows at least."""


NO_PARTY = say("No visit is made in this round, as no group was formed that may travel.")

MOST_AT_ONCE = 4_000_000
"""Choices of visitors that are weighed at once, to bound the memory."""


@dataclass(frozen=True)
class Party:
    """Cities that travel together: the group they come from, its title, and their indices in order."""

    key: str
    title: str
    visitors: tuple[int, ...]
    group: str = ""
    """The title of the group that it is a part of; empty for a whole one."""


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

    round: Round
    settings: StudyVisits
    parties: tuple[Party, ...]
    affinity: Affinity
    options: tuple[Option, ...]
    rules: tuple[Rule, ...]
    candidates: Candidates
    loads: sp.csr_array
    """What options take of cities, (O, 3n)."""
    reasons: dict[int, tuple[str, str]]
    """Why a city is in no party, and what to ask of it."""

    @property
    def cut(self) -> bool:
        """Return whether an option could be chosen in more ways than are listed."""
        return any(option.nth >= MOST_VARIANTS - 1 for option in self.options)

    @property
    def allowed(self) -> Bools:
        """Return the options that no filter takes out: all of them, as only possible ones are listed."""
        return np.ones(len(self.options), dtype=bool)

    def hosts(self, option: Option) -> list[int]:
        """Return the cities where an option stops."""
        return [self.affinity.columns[h].cities[0] for h in option.stops]


def prepare(round_: Round, settings: StudyVisits) -> PreparedVisits:
    """Return the visits ready to be solved; raises QuestionError where there is no host or no group to travel."""
    says = "No city of this cohort can be visited, which takes {roles}."
    at = cities_of(round_.cohort, settings.hosts, says)
    hosts = [Host(round_.id(i), round_.name(i), (i,)) for i in at]
    who, reasons = _eligible(round_, settings)
    groups = groups_of(round_, settings, who, reasons)
    travelling = sorted({i for party in groups for i in party.visitors})
    affinity = compare(
        round_.cohort, settings.weights, round_.facet_cache, rows=travelling, columns=hosts
    )
    parties = tuple(part for group in groups for part in _parts(round_, affinity, settings, group))
    asked = visit_kinds(round_, settings, travelling, at)
    ways = _Ways(round_, settings, affinity, at, asked)
    options = tuple(o for number, party in enumerate(parties) for o in ways.options(number, party))
    candidates = _candidates(options, len(parties))
    stops = [[at[h] for h in option.stops] for option in options]
    visitors = [option.visitors for option in options]
    loads = loads_of(stops, settings.load("host"), round_.cohort)
    loads = sp.csr_array(loads + loads_of(visitors, settings.load("guest"), round_.cohort))
    rules = (
        *_rules(round_, settings, affinity, parties, options),
        *load_rules(load_block(loads, round_.ledger)),
        *rules_on_all(visitors, stops, asked),
    )
    return PreparedVisits(
        round_, settings, parties, affinity, options, rules, candidates, loads, reasons
    )


def _eligible(round_: Round, settings: StudyVisits) -> tuple[list[int], dict[int, tuple[str, str]]]:
    """Return who may travel, and for everyone else why not and what to do about it."""
    fits = round_.ledger.fits(settings.load("guest"))
    may, reasons = [], {}
    for i, city in enumerate(round_.cohort.cities):
        if city.id in round_.cohort.brought:
            continue
        if why := why_barred(city, settings):
            reasons[i] = why
        elif not fits[i]:
            reasons[i] = (NO_HOURS, "")
        else:
            may.append(i)
    return may, reasons


def groups_of(
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
    says = "Visits grow out of {format}: they are for those who have a {noun} to travel with."
    alone = say(says, noun=noun, format=product.title.lower()) if parties else NO_PARTY
    reasons |= dict.fromkeys(may - placed, (alone, ""))
    return parties


def _parts(round_: Round, affinity: Affinity, settings: StudyVisits, group: Party) -> list[Party]:
    """Return a group in as few parties as the limit of visitors asks for, those together who need like hosts."""
    number = -(-len(group.visitors) // settings.visitors[1])
    if number <= 1:
        return [group]
    at = [host.cities[0] for host in affinity.columns]
    rows = affinity.score[[affinity.row_of[i] for i in group.visitors]]
    rows = np.where(shows_sought(round_, settings, group.key, group.visitors, at), rows, 0.0)
    apart = np.abs(rows[:, None, :] - rows[None, :, :]).mean(axis=2)
    label = exchange(dealt([(k,) for k in range(len(rows))], number), np.round(1.0 - apart, 9))
    return [
        Party(
            f"{group.key}:{part + 1}",
            say("{title} ({part} of {number})", title=group.title, part=part + 1, number=number),
            tuple(group.visitors[k] for k in np.flatnonzero(label == part)),
            group.title,
        )
        for part in range(number)
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


@dataclass(frozen=True, eq=False)
class _Ways:
    """What travellers (rows) can do: the hosts that they may visit (columns; ``at`` their cities), and the rules asked."""

    round: Round
    settings: StudyVisits
    affinity: Affinity
    at: Sequence[int]
    asked: Sequence[VisitKinds]

    @cached_property
    def _km(self) -> Floats:
        """Distances of every traveller to every host, (R, C); one that is not known counts as the mean of all pairs."""
        way = distances(self.round.cohort, self.affinity.rows, self.at)
        if np.isnan(way).any():
            way = np.nan_to_num(way, nan=mean_distance(self.round.cohort))
        return way

    @cached_property
    def _legs(self) -> Floats:
        return distances(self.round.cohort, self.at, self.at)

    def options(self, number: int, party: Party) -> list[Option]:
        """Return everything that a party could do: each host alone, and the tours of two that pay."""
        round_, settings, at, legs = self.round, self.settings, self.at, self._legs
        choices = Choices.of(settings, party.title, party.visitors, self.asked)
        rows = [self.affinity.row_of[i] for i in party.visitors]
        score, way = self.affinity.score[rows], self._km[rows]
        may = np.array([[may_visit(round_, settings, i, j) for j in at] for i in party.visitors])
        never = np.array([[refuses_visit(round_, i, j) for j in at] for i in party.visitors])
        may &= self.affinity.coverage[rows] >= settings.known_at_least - 1e-9
        may &= shows_sought(round_, settings, party.key, party.visitors, at)
        weak = ~shows_theme(round_, party.key, at)
        may[:, weak], never[:, weak] = False, True
        room = np.array([visitors_at_most(round_.cohort.cities[j], settings) for j in at])
        one = Stops([(h,) for h in range(len(at))], at, room)
        value = np.where(may, score - settings.km_price * 2 * way / 1000, -np.inf)
        single = self._best(choices, number, party, one, value.T)
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
        tours = self._best(choices, number, party, two, value[may_pay])
        paying = zip(tours, floor[may_pay].tolist(), strict=True)
        more = (o for made, low in paying if made and made[0].worth > low + 1e-9 for o in made)
        return [*alone, *more]

    def _best(
        self, choices: Choices, number: int, party: Party, stops: Stops, value: Floats
    ) -> list[list[Option]]:
        """Return for each stops the best choices of visitors and week, the best first; none where too few can go.

        One for each way in which rules over all visits tell choices apart; value (T, V).
        """
        found: list[dict[int, Option]] = [{} for _ in stops.columns]
        extra = np.array([choices.hosts_cost(stops.hosts(t)) for t in range(len(found))])
        step = max(1, MOST_AT_ONCE // max(len(choices.counts), 1))
        for week, in_it in self._by_week(party, stops):
            free = [is_free(self.round.cohort.cities[i], week) for i in party.visitors]
            for k in range(0, len(in_it), step):
                part = in_it[k : k + step]
                offered = np.where(free, value[part], -np.inf)
                for t, key, worth, who in choices.best(offered, stops.places[part], extra[part]):
                    net = round(worth - float(extra[part[t]]), 9)
                    if key not in found[part[t]] or net > found[part[t]][key].worth:
                        visitors = tuple(sorted(party.visitors[i] for i in who))
                        columns = tuple(stops.columns[part[t]])
                        found[part[t]][key] = Option(number, columns, visitors, week, net)
        best = (sorted(of.values(), key=lambda o: (-o.worth, o.visitors)) for of in found)
        return [
            [replace(option, nth=nth) for nth, option in enumerate(few[:MOST_VARIANTS])]
            for few in best
        ]

    def _by_week(self, party: Party, stops: Stops) -> list[tuple[str, list[int]]]:
        """Return the weeks that come into question, earliest first, each with the stops that suit it.

        One empty week where nobody names any.
        """
        stated, mine = set(self.settings.weeks), _named_weeks(self.round, party.visitors)
        found: dict[str, list[int]] = {}
        for t in range(len(stops.columns)):
            hosts = stops.hosts(t)
            named = mine | _named_weeks(self.round, hosts)
            for week in (stated & named if stated and named else stated | named) or {ANY_WEEK}:
                if all(is_free(self.round.cohort.cities[h], week) for h in hosts):
                    found.setdefault(week, []).append(t)
        return sorted(found.items())


def shows_theme(round_: Round, key: str, hosts: Sequence[int]) -> Bools:
    """Return which hosts are strong in the theme of a group, at least half as strong as the best of all cities, (H,).

    All of them where the group has no theme of the programme's discussion groups.
    """
    theme = theme_of(round_, f"study_visits:{key}")
    if theme is None:
        return np.ones(len(hosts), dtype=bool)
    strength = strength_of(round_, theme)
    return np.asarray(strength[list(hosts)] >= max(STRONG * float(strength.max()), 1e-9))


def shows_sought(
    round_: Round, settings: StudyVisits, key: str, visitors: Sequence[int], hosts: Sequence[int]
) -> Bools:
    """Return which hosts can show visitors something that they seek of their group's theme, (V, H).

    Where it is not known what a visitor seeks of it, anything of the theme will do; where no host is known to show any of
    it, every one.
    """
    if not settings.something_to_show:
        return np.ones((len(visitors), len(hosts)), dtype=bool)
    cohort, cache = round_.cohort, round_.facet_cache
    topics = topics_of(theme_of(round_, f"study_visits:{key}")) or frozenset(Topic)
    shows = topic_table(cohort, cache).can_show
    able = np.array([bool(topics & shows((j,))) for j in hosts], dtype=bool)
    nothing = nothing_to_show(cohort, cache, visitors, [(j,) for j in hosts], topics)
    return ~nothing & (able | ~able.any())


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


def _named_weeks(round_: Round, cities: Sequence[int]) -> set[str]:
    parts = (round_.cohort.cities[i].participation for i in cities)
    return {week for own in parts if own is not None for week in own.weeks}


def is_free(city: City, week: str) -> bool:
    """Whether a week suits a city; one that names no weeks is taken to be free."""
    weeks = city.participation.weeks if city.participation else ()
    return week == ANY_WEEK or not weeks or week in weeks


def _candidates(options: Sequence[Option], parties: int) -> Candidates:
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


def _rules(
    round_: Round,
    settings: StudyVisits,
    affinity: Affinity,
    parties: Sequence[Party],
    options: Sequence[Option],
) -> Iterator[Rule]:
    name, visits = "one visit each", visits_in_words(settings.visits_per_host)
    party = [(o.party, k) for k, o in enumerate(options)]
    titles = [party.title for party in parties]
    says = say("A group makes one visit; a city makes one visit.")
    block = _at_most(name, party, (len(parties), len(options)), 1, titles)
    yield Rule(name, says, block, kind="structure")
    name, hosts = "visits per host", [host.name for host in affinity.columns]
    at = [(h, k) for k, option in enumerate(options) for h in option.stops]
    block = _at_most(name, at, (len(hosts), len(options)), settings.visits_per_host, hosts)
    receives = "{host} receives at most {visits}"
    block = replace(block, says=lambda h: say(receives, host=hosts[h], visits=visits))
    yield Rule(name, say("A host receives at most {visits}.", visits=visits), block)
    everyone = Counter(i for party in parties for i in party.visitors)
    row = {i: r for r, i in enumerate(sorted(i for i, n in everyone.items() if n > 1))}
    if row:  # a city of several groups
        name, names = "one visit a city", [round_.name(i) for i in row]
        at = [(row[i], k) for k, o in enumerate(options) for i in o.visitors if i in row]
        block = _at_most(name, at, (len(row), len(options)), 1, names)
        yield Rule(name, say("A city of several groups makes one visit."), block)


def _at_most(
    name: str,
    pairs: Sequence[tuple[int, int]],
    shape: tuple[int, int],
    most: int,
    titles: Sequence[str],
) -> Block:
    """Return the rows in each of which at most so many of the options of its pairs are chosen."""
    rows, columns = zip(*pairs, strict=True) if pairs else ((), ())
    matrix = sp.csr_array((np.ones(len(pairs)), (rows, columns)), shape=shape)
    high = np.full(shape[0], float(most))
    says: Sentence = lambda row: say("{title} makes one visit", title=titles[row])  # noqa: E731
    return Block(name, matrix, np.full(shape[0], -np.inf), high, says)


def visits_in_words(number: int) -> str:
    """Return a counted visit."""
    return count(number, "visit")
