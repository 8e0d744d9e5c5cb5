"""The journeys of study visits: a row of travel for each visitor, and their sums.

The product of study visits: each with its stops, visitors and account, and how it stands to the rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np

from twinmatch.errors import NoProposalError
from twinmatch.facets.answered import topic_table
from twinmatch.programmes.group_quotas import quotas_kept
from twinmatch.programmes.round import Round, SolvedProduct, coverage_note, shares
from twinmatch.programmes.rules import (
    DEFINES,
    costed,
    counted,
    in_part,
    judged,
    often_in,
    price_at_most,
    roles_in_words,
    statuses,
)
from twinmatch.programmes.study_visits.search import (
    NO_PARTY,
    Option,
    Party,
    PreparedVisits,
    groups_of,
    is_free,
    may_visit,
    prepare,
    refuses_visit,
    shows_sought,
    shows_theme,
    visitors_at_most,
    visits_in_words,
)
from twinmatch.programmes.study_visits.settings import (
    OVER_ALL,
    StudyVisits,
    by_rail,
    distances,
    why_barred,
)
from twinmatch.programmes.themes import led_by, most_sought, quoted, theme_of, topics_of
from twinmatch.proposal import (
    Cell,
    LeftOut,
    Meeting,
    Member,
    Product,
    RulePrice,
    RuleStatus,
    make_table,
)
from twinmatch.proposal.tables import TravelRow
from twinmatch.solving import Bools, Solution, solve
from twinmatch.vocabulary.topics import Topic
from twinmatch.wording import count, joined, listed, own_words, say, say_n, titled


def journey_rows(
    ready: PreparedVisits, option: Option, label: str
) -> tuple[list[TravelRow], tuple[str, ...]]:
    """Return a row of travel for each visitor (whole journey, all its people) and notes on the sums."""
    round_, settings, hosts = ready.round, ready.settings, ready.hosts(option)
    way = distances(round_.cohort, option.visitors, hosts)
    legs = np.diagonal(distances(round_.cohort, hosts, hosts), 1).tolist()
    modes = {mode.mode: mode for mode in settings.modes}
    rows: list[TravelRow] = []
    for k, i in enumerate(option.visitors):
        stages = [float(way[k, 0]), *legs, float(way[k, -1])]
        length = sum(stages)
        known = np.isfinite(length)
        rail = by_rail(round_.cohort, (i, *hosts), settings.no_rail)
        kg: dict[str, float | None] = {}
        for name in ("rail", "air"):
            usable = known and name in modes and (name == "air" or rail)
            kg[name] = round(settings.people * modes[name].kg(length), 1) if usable else None
        near = rail and known and max(stages) <= settings.rail_km
        mode = say("not known") if not known else say("rail") if near else say("air")
        km = round(length) if known else None
        rows.append(TravelRow(label, round_.id(i), km, kg["rail"], kg["air"], mode))
    return rows, _sums(settings, rows)


def _sums(settings: StudyVisits, rows: Sequence[TravelRow]) -> tuple[str, ...]:
    """Return what all people of the visiting cities travel and emit together; those whose way is not known are left out."""
    known = [row for row in rows if row.km is not None]
    if not known:
        return (say("Travel: how far the visitors go is not known, as locations are missing."),)
    text = say_n(
        "Travel: {all:,} people of {n:,} city travel {km:,.0f} km in all, there and back.",
        "Travel: {all:,} people, {people} from each of {n:,} cities, travel {km:,.0f} km in all, there and back.",
        len(known),
        all=settings.people * len(known),
        people=settings.people,
        km=settings.people * sum(row.km or 0 for row in known),
    )
    if len(known) < len(rows):
        one = " Not counted is {n} city whose location is not known."
        many = " Not counted are {n} cities whose location is not known."
        text += say_n(one, many, len(rows) - len(known))
    if not settings.modes:
        return (text,)
    trains = sum(row.by == "rail" for row in known)
    chosen = sum((row.rail if row.by == "rail" else row.air) or 0 for row in known) / 1000
    flown = sum(row.air or 0 for row in known) / 1000
    if not trains:
        return (text + say(" By air their journeys emit {flown:.1f} t CO2e in all.", flown=flown),)
    one = " Their journeys emit {chosen:.1f} t CO2e in all if the one city that lies near enough comes by rail, {flown:.1f} t if everybody flies."
    many = " Their journeys emit {chosen:.1f} t CO2e in all if the {n} cities that lie near enough come by rail, {flown:.1f} t if everybody flies."
    return (text + say_n(one, many, trains, chosen=chosen, flown=flown),)


def method_rows(settings: StudyVisits) -> Iterator[tuple[Cell, ...]]:
    """Yield the figures behind the emissions, with their sources."""
    for m in settings.modes:
        sources = own_words(m.source, "en"), own_words(m.detour_source, "en")
        yield titled(m.mode), m.grams_per_km, m.low, m.high, m.detour, m.year, *sources


def solved_visits(round_: Round, settings: StudyVisits) -> SolvedProduct:
    """Return the visits of a round: at most one a party, proven best among all options under the rules.

    Raises QuestionError where there is no host or the products that parties come from were not made before,
    NoProposalError where no choice keeps the rules over all visits.
    """
    ready = prepare(round_, settings)
    blocks = [rule.block for rule in ready.rules]
    solution = solve(ready.candidates, blocks)
    if solution.status == "infeasible":
        names = [name for name, q in settings.quotas if q.per == "all" and q.price is None]
        found = say("No choice of visits keeps the rules ({names}).", names=listed(names))
        raise NoProposalError.of("no-visits", found, do=say("Loosen one of the rules."))
    product = product_of(ready, solution.chosen, solution)
    return SolvedProduct(product, ready, solution.chosen, solution)


def product_of(ready: PreparedVisits, chosen: Bools, solution: Solution) -> Product:
    """Return the product of a choice of options; raises DataError where the choice breaks a rule."""
    round_, settings = ready.round, ready.settings
    kept = statuses(ready.rules, ready.candidates, chosen)
    made = [ready.options[k] for k in np.flatnonzero(chosen)]
    each = (_visit(ready, option, _title(ready, made, option)) for option in made)
    visits = sorted(each, key=lambda visit: visit[0].id)
    meetings = tuple(meeting for meeting, _ in visits)
    journeys = make_table("travel", (row for _, rows in visits for row in rows))
    cost = sum(rule.paid or 0.0 for rule in kept) / 100
    score = float(ready.candidates.score[chosen].sum()) - cost
    rules = judged([*kept, *_checked(round_, settings, meetings)])
    return Product(
        "study_visits",
        settings.title,
        "optimal" if solution.status == "optimal" and not ready.cut else "feasible",
        say("{engine} over {options} options", engine=solution.engine, options=len(ready.options)),
        score,
        max(_reach(ready) if ready.cut else solution.bound, score),
        meetings,
        _left_out(ready, made),
        costed(rules, *prices_at_most(ready, len(made), score)),
        _headline(ready, made),
        weights=shares(ready.affinity) if ready.affinity.rows else (),
        tables=(
            journeys,
            *([make_table("travel_method", method_rows(settings))] if settings.modes else []),
        ),
    )


def prices_at_most(
    ready: PreparedVisits, made: int, score: float
) -> tuple[RulePrice, dict[str, RulePrice]]:
    """Return what a rule on visits costs at most, and those by name that keep cities from travelling or say what a visit is.

    Every party travels, and each of its cities to the host that shows it most.
    """
    best = float(ready.affinity.score.max(axis=1, initial=0.0).sum())
    most = price_at_most(len(ready.parties) - made, best - score)
    everyone = groups_of(ready.round, ready.settings, range(len(ready.round.cohort)), {})
    parties = sum(-(-len(group.visitors) // ready.settings.visitors[1]) for group in everyone)
    kept_out = sum(len(group.visitors) for group in everyone) - sum(
        len(party.visitors) for party in ready.parties
    )
    wider = price_at_most(parties - made, best + kept_out - score)
    out = dict.fromkeys(("audience", "target", "load"), wider)
    return most, out | dict.fromkeys(("one visit each", "one visit a city"), DEFINES)


def _reach(ready: PreparedVisits) -> float:
    """Return what no choice is worth more than: the best option of every party."""
    best: dict[int, float] = {}
    for option in ready.options:
        best[option.party] = max(option.worth, best.get(option.party, 0.0))
    return sum(best.values())


def _stop_for(ready: PreparedVisits, option: Option, i: int) -> int:
    """Return the stop (column) that shows a visitor most of what it needs."""
    row, hosts = ready.affinity.row_of[i], zip(option.stops, ready.hosts(option), strict=True)
    key, settings = ready.parties[option.party].key, ready.settings
    may = [
        h
        for h, city in hosts
        if may_visit(ready.round, settings, i, city)
        and shows_sought(ready.round, settings, key, [i], [city]).all()
    ]
    return max(may, key=lambda h: (round(float(ready.affinity.score[row, h]), 9), -h))


def _title(ready: PreparedVisits, made: Sequence[Option], option: Option) -> str:
    """Return the title of the group that is on a visit, with what most of it comes for, else with its part where several travel."""
    party = ready.parties[option.party]
    theme = theme_of(ready.round, f"study_visits:{party.key}")
    if topic := most_sought(ready.round, theme, ready.hosts(option), option.visitors):
        return say("{title} ({topic})", title=party.group or party.title, topic=topic.wording)
    parts = sum(ready.parties[other.party].group == party.group for other in made)
    return party.title if parts > 1 or not party.group else party.group


def _visit(ready: PreparedVisits, option: Option, title: str) -> tuple[Meeting, list[TravelRow]]:
    """Return a visit as a meeting, and a row of travel for each of its visitors."""
    round_, affinity, party = ready.round, ready.affinity, ready.parties[option.party]
    hosts, key = ready.hosts(option), f"study_visits:{party.key}"
    stop = {i: _stop_for(ready, option, i) for i in option.visitors}
    fits = [(affinity.row_of[i], h) for i, h in stop.items()]
    account = affinity.joint_account(fits, say("visitors"))
    names = listed([round_.name(h) for h in hosts])
    label = say("{title} to {names}", title=title, names=names)
    rows, notes = journey_rows(ready, option, label)
    if option.week:
        notes = (say("Week: {week}.", week=option.week), *notes)
    if len(hosts) > 1:
        notes = (*notes, _why_tour(ready, option, stop))
    theme = theme_of(round_, key)
    several = len(option.visitors)
    meeting = Meeting(
        key,
        label,
        (
            *(Member(round_.id(h), "host") for h in hosts),
            *(Member(round_.id(i), "guest") for i in option.visitors),
        ),
        account,
        say_n("{n:,} city visits {hosts}. ", "{n:,} cities visit {hosts}. ", several, hosts=names)
        + (led_by(round_, theme, hosts, option.visitors) if theme else account.summary()),
        notes=(*notes, *coverage_note(account)),
    )
    return meeting, rows


def _why_tour(ready: PreparedVisits, option: Option, stop: dict[int, int]) -> str:
    """Return in words why two stops pay."""
    first, second = option.stops
    return say(
        "There are two stops, because {one} has more to show to {better} of the {stop} visitors, and {other} to {rest}.",
        better=sum(h == second for h in stop.values()),
        rest=sum(h != second for h in stop.values()),
        stop=len(stop),
        one=ready.affinity.columns[second].name,
        other=ready.affinity.columns[first].name,
    )


def _checked(
    round_: Round, settings: StudyVisits, meetings: Sequence[Meeting]
) -> tuple[RuleStatus, ...]:
    """Return how the finished visits stand to what made the options, read from the meetings and nothing else."""
    low, high = settings.visitors
    city, index = round_.cohort.city, round_.cohort.index
    crowd, home, target, nothing = [], [], [], []
    for meeting in meetings:
        guests, hosts = meeting.cities("guest"), meeting.cities("host")
        most, key = (
            min(visitors_at_most(city(h), settings) for h in hosts),
            meeting.id.partition(":")[2],
        )
        if not max(low, 1) <= len(guests) <= most:
            crowd.append(say("{meeting} has {guests}", meeting=meeting.label, guests=len(guests)))
        for g in guests:
            i, stops = index[g], [index[h] for h in hosts]
            may = any(may_visit(round_, settings, i, j) for j in stops)
            if not may or any(refuses_visit(round_, i, j) for j in stops):
                names = listed([city(h).name for h in hosts])
                home.append(say("{city} visits {hosts}", city=city(g).name, hosts=names))
            if not shows_sought(round_, settings, key, [i], stops).any():
                nothing.append(city(g).name)
            if why_barred(city(g), settings):
                target.append(city(g).name)
    abroad = say(
        "Nobody visits its own country unless it asked to, nor a city that either side refuses."
    )
    size = say(
        "A visit has {low} to {high} visiting cities, or fewer where a host said so.",
        low=max(low, 1),
        high=high,
    )
    checks = [("visitors", size, crowd), ("another country", abroad, home)]
    if settings.not_roles:
        kinds = roles_in_words(settings.not_roles, "or")
        wrong = _names(round_, in_part(round_.cohort, meetings, "guest", settings.not_roles))
        checks.append(("audience", say("No visitors are {kinds}.", kinds=kinds), wrong))
    if settings.something_to_show:
        says = "A host can show something of what each visitor seeks of the theme, where both are known."
        checks.append(("something to show", say(says), nothing))
    if (by := settings.neutral_by) is not None:
        says = "Visitors have a climate-neutrality target by {neutral_by} or earlier."
        checks.append(("target", say(says, neutral_by=by), target))
    return (
        *(counted(*check) for check in checks),
        *_quotas_kept(round_, settings, meetings, "visit"),
    )


def _names(round_: Round, cities: Sequence[str]) -> list[str]:
    return [round_.cohort.city(c).name for c in cities]


def _quotas_kept(
    round_: Round, settings: StudyVisits, meetings: Sequence[Meeting], per: str
) -> Iterator[RuleStatus]:
    """Yield how visits stand to the rules on kinds of cities of each, or of all."""
    for name, quota in settings.quotas:
        side: Literal["guest", "host"] = "guest" if quota.of == "guests" else "host"
        sets = [(m.label, m.cities(side), ()) for m in meetings]
        where = say("In each visit")
        if per == "all":
            where = OVER_ALL[quota.of]
            sets = [("All visits", tuple(c for _, cities, _ in sets for c in cities), ())]
        if quota.per == per:
            yield quotas_kept(round_, quota, name, where, sets)


def visit_rules(
    round_: Round, settings: StudyVisits, meetings: Sequence[Meeting]
) -> tuple[RuleStatus, ...]:
    """Return how finished visits, no matter who made them, stand to every rule, read from the meetings and nothing else."""
    cohort = round_.cohort
    each = [(m, [cohort.index[h] for h in m.cities("host")]) for m in meetings]
    stops = [
        say("{meeting} has {hosts}", meeting=m.label, hosts=len(hosts))
        for m, hosts in each
        if not 1 <= len(hosts) <= settings.stops
    ]
    far = [
        m.label
        for m, hosts in each
        if (np.diagonal(distances(cohort, hosts, hosts), 1) > settings.leg_km).any()
    ]
    weak = [
        m.label for m, hosts in each if not shows_theme(round_, m.id.partition(":")[2], hosts).all()
    ]
    unfit = _names(round_, in_part(cohort, meetings, "host", settings.hosts, has=False))
    one = settings.stops == 1
    few = say("A visit has one stop.") if one else say("A visit has one or two stops.")
    strong = say("Hosts are strong in the theme of the group that visits them.")
    visits = visits_in_words(settings.visits_per_host)
    often = _names(round_, often_in(meetings, settings.visits_per_host, "host"))
    twice = _names(round_, often_in(meetings, 1, "guest"))
    leg = say("Two stops lie at most {leg_km:g} km apart.", leg_km=settings.leg_km)
    kinds = say("Hosts are {hosts}.", hosts=roles_in_words(settings.hosts, "or"))
    checks = (
        ("hosts", kinds, unfit),
        ("visits per host", say("A host receives at most {visits}.", visits=visits), often),
        ("one visit a city", say("A city makes one visit."), twice),
        ("stops", few, stops),
        ("theme", strong, weak),
        ("leg of a tour", leg, far),
    )
    return (
        *(counted(*check) for check in checks),
        *_checked(round_, settings, [m for m in meetings if m.cities("host")]),
        *_quotas_kept(round_, settings, meetings, "all"),
    )


def _left_out(ready: PreparedVisits, made: Sequence[Option]) -> tuple[LeftOut, ...]:
    visiting = {i for option in made for i in option.visitors}
    hosting = {city for option in made for city in ready.hosts(option)}
    going = {option.party: option for option in made}
    able = {option.party for option in ready.options}
    reasons, visited = dict(ready.reasons), set(ready.settings.not_roles)
    for number, party in enumerate(ready.parties):
        stays = _why_none(ready.settings, party, number in able)
        for i in set(party.visitors) - visiting:
            reasons[i] = _why_not(ready, going[number], i) if number in going else stays, ""
    out = []
    for i, (why, ask) in sorted(reasons.items()):
        if i in visiting | hosting:
            continue
        barred = bool(visited & {*ready.round.cohort.cities[i].roles})
        says = joined([why, _not_visited(ready, made, i)]) if barred else why
        out.append(LeftOut(ready.round.id(i), says, "", ask, code="audience" if barred else ""))
    return tuple(out)


def _not_visited(ready: PreparedVisits, made: Sequence[Option], i: int) -> str:
    """Return where the group goes that would find most in a city that does not travel, and what it finds there; why nobody goes anywhere."""
    round_, settings, affinity = ready.round, ready.settings, ready.affinity
    own = next((h for h, host in enumerate(affinity.columns) if host.cities == (i,)), None)
    if not made:
        largest = max(ready.parties, key=lambda party: len(party.visitors), default=None)
        return _why_none(settings, largest, able=False) if largest else NO_PARTY
    if own is None:
        return ""
    rows = [[affinity.row_of[v] for v in option.visitors] for option in made]
    fits = [float(affinity.score[of, own].mean()) for of in rows]
    best = max(range(len(made)), key=fits.__getitem__)
    option, hosts = made[best], ready.hosts(made[best])
    key = ready.parties[option.party].key
    here = [o.worth for o in ready.options if (o.party, o.stops) == (option.party, (own,))]
    stops = float(affinity.score[np.ix_(rows[best], option.stops)].max(axis=1).mean())
    table = topic_table(round_.cohort, round_.facet_cache)
    theme = theme_of(round_, f"study_visits:{key}")
    topics = topics_of(theme) or frozenset(Topic)
    sought = topics & {topic for v in option.visitors for topic in table.sought(v)}
    shown, mine = (len(sought & table.can_show(c)) for c in (hosts, [i]))
    seen = int(shows_sought(round_, settings, key, option.visitors, [i]).sum())
    told: dict[str, Any] = {"seen": seen, "all": len(option.visitors)}
    told["least"] = settings.visitors[0]
    if not seen:
        return say("No example is known yet of what the travelling groups want to learn.")
    says = "All visits together fit best that way."
    if theme and not shows_theme(round_, key, [i]).all():
        says = "In its theme the strongest city is more than twice as strong."
    elif not here:
        says = "Too few of its cities could come here: a visit takes at least {least}, from other countries, in a week that suits all."
        if seen < told["least"]:
            says = "Of the {all} cities of the group {group}, {seen} would be shown here what they want to learn; a visit takes at least {least}."
            return say(says, group=quoted(_title(ready, made, option)), **told)
    elif max(here) <= option.worth and stops > fits[best]:
        says = "Its cities find more there on the whole."
        if shown > mine:
            says = "There its cities can be shown something on more of what they want to learn."
    elif max(here) <= option.worth:
        says = (
            "Here its cities would fit as well, but fewer could come or the ways would be longer."
        )
    told["hosts"] = listed([round_.name(h) for h in hosts])
    told["group"] = quoted(_title(ready, made, option))
    goes = "The group {group} would find more here than any other group; it visits {hosts}."
    return joined([say(goes, **told), say(says, **told)])


def _why_not(ready: PreparedVisits, option: Option, i: int) -> str:
    """Return why a city is not on the visit of its party."""
    round_, settings, hosts = ready.round, ready.settings, ready.hosts(option)
    party = ready.parties[option.party]
    names = {"title": quoted(party.title), "hosts": listed([round_.name(h) for h in hosts])}
    if any(refuses_visit(round_, i, h) for h in hosts):
        return say("The visit of {title} goes to {hosts}, with whom no meeting is wanted.", **names)
    if not any(may_visit(round_, settings, i, h) for h in hosts):
        says = "The visit of {title} goes to {hosts}; in this programme cities visit another country, unless they ask for a host at home."
        return say(says, **names)
    if not is_free(round_.cohort.cities[i], option.week):
        says = "The visit of {title} is in week {week}, which is none of those named."
        return say(says, title=names["title"], week=option.week)
    known = ready.affinity.coverage[ready.affinity.row_of[i], list(option.stops)]
    if (known < settings.known_at_least - 1e-9).all():
        return say("Too little is known yet to say what {hosts} could show.", hosts=names["hosts"])
    if not shows_sought(round_, settings, party.key, [i], hosts).any():
        says = "The visit of {title} goes to {hosts}; no example is known there of what {city} wants to learn about."
        return say(says, **names, city=round_.name(i))
    says = "The visit of {title} goes to {hosts} and has its places with cities that fit better."
    return say(says, **names)


def _why_none(settings: StudyVisits, party: Party, able: bool) -> str:
    if able:
        return say(
            "Every host that fits {title} is visited by another group.", title=quoted(party.title)
        )
    says = "No host can take {least} of the cities of {title} together."
    if len(party.visitors) < settings.visitors[0]:
        says = "No visit takes place: in the group {title} {cities} may travel, and a visit takes at least {least}."
    cities = count(len(party.visitors), "city", "cities")
    return say(says, cities=cities, title=quoted(party.title), least=settings.visitors[0])


def _headline(ready: PreparedVisits, made: Sequence[Option]) -> str:
    visitors = sum(len(option.visitors) for option in made)
    tours = sum(len(option.stops) > 1 for option in made)
    text = say(
        "{visits} of {groups} with {cities}",
        visits=count(len(made), "visit"),
        groups=count(len(ready.parties), "group"),
        cities=count(visitors, "visiting city", "visiting cities"),
    )
    return text + (
        say_n("; {n:,} is a tour of two stops.", "; {n:,} are tours of two stops.", tours)
        if tours
        else "."
    )
