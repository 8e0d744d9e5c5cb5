"""The product of discussion groups: each with its leads, members, goals and joint account."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from statistics import fmean

import numpy as np

from twinmatch.errors import NoProposalError
from twinmatch.programmes.discussion_groups.search import (
    LEAD_READINESS,
    LEAD_SHOWS,
    LEADS_SHOW,
    Groups,
    PreparedGroups,
    groups_for,
    not_open,
    with_more_groups,
)
from twinmatch.programmes.discussion_groups.settings import (
    WHERE,
    DiscussionGroups,
    locked_in,
    pair_worth,
    pairs_met,
    slots_of,
)
from twinmatch.programmes.group_quotas import GroupQuotas, composition, quotas_kept, same_part
from twinmatch.programmes.kinds import TITLES, Attribute, categories
from twinmatch.programmes.round import Round, SolvedProduct, shares
from twinmatch.programmes.rules import (
    DEFINES,
    NO_HOURS,
    QUESTIONS,
    allowed_pairs,
    cities_of,
    costed,
    counted,
    in_part,
    judged,
    often_in,
    outside,
    price_at_most,
    roles_in_words,
    statuses,
    worth,
)
from twinmatch.programmes.themes import Theme, led_by, need_of, quoted, strength_of
from twinmatch.proposal import LeftOut, Meeting, Member, Product, RuleStatus, Table, make_table
from twinmatch.schema import IN_TEXT, City
from twinmatch.solving import Distribute, NobodyIsolated
from twinmatch.solving.exchange import exchange
from twinmatch.solving.referee import broken
from twinmatch.vocabulary.geography import country, with_article
from twinmatch.wording import count, joined, listed, say, say_n


def with_swaps(made: Groups) -> Groups:
    """Return the groups after swaps of members for what groups are to be mixed or alike in and for new peers."""
    ready, chosen = made.ready, made.ready.grid(made.chosen)
    round_, settings, rows = ready.round, ready.settings, ready.affinity.rows
    if not (settings.mixed or settings.alike or settings.past):
        return made
    taken = [(rows[int(r)], int(r), int(k)) for k, r in np.argwhere(chosen)]
    cities = [*ready.led.elements(), *(i for i, _, _ in taken)]
    label = [k for k, group in enumerate(ready.leads) for _ in group] + [k for *_, k in taken]
    locked, first = locked_in(round_, settings, ready.slots), ready.led.total()
    fixed = np.array([True] * first + [i in locked for i, _, _ in taken])
    bonus, may = np.zeros((len(cities), len(chosen))), np.ones((len(cities), len(chosen)), bool)
    open_ = ready.grid(allowed_pairs(ready.rules))
    for place, (_, r, _) in enumerate(taken, first):
        bonus[place], may[place] = ready.affinity.score[r], open_[:, r]
    quotas = [(name, quota) for name, quota in settings.quotas if quota.per == "group"]
    asked = GroupQuotas.of(round_, quotas, cities, np.bincount(label)).rules()
    counts = [(r, p) for r, p in asked if isinstance(r, Distribute | NobodyIsolated)]
    found = exchange(
        label,
        pair_worth(round_, settings, cities),
        [rule for rule, price in counts if price is None],
        soft=[(rule, price) for rule, price in counts if price],
        bonus=np.round(bonus, 9),
        allowed=may,
        fixed=fixed,
    )
    swapped = np.zeros_like(chosen)
    for place, (_, r, _) in enumerate(taken, first):
        swapped[found[place], r] = True
    after, candidates = swapped.ravel(), ready.candidates
    if broken(candidates, after, [rule.block.hard for rule in ready.rules]):
        return made  # a swap of cities cannot see every rule
    cost = worth(ready.rules, candidates, made.chosen) - worth(ready.rules, candidates, after)
    engine = say("{engine}, then swaps for the mix of groups", engine=made.engine)
    return replace(made, chosen=after, cost=cost, engine=engine)


def solved_groups(round_: Round, settings: DiscussionGroups) -> Product | SolvedProduct:
    """Return the discussion groups of a round, each with its leads, members and joint account.

    With what its members were solved from. A theme that too few cities share or
    lead does not open, and is reported. Raises QuestionError where no city may lead, NoProposalError where a theme
    cannot have the groups that it is split into.
    """
    says = "No city of this cohort can lead a group, which takes {roles}."
    cities_of(round_.cohort, settings.lead_roles, says, "no-leads")
    many = {theme: settings.split.get(theme.id, 1) for theme in settings.themes}
    closed: dict[str, list[str]] = {}
    while many:
        made = groups_for(round_, settings, many)
        if isinstance(made, Groups):
            made = with_more_groups(made, many)
            made = with_swaps(made)
            product = _product(made, not_open(closed))
            return SolvedProduct(
                product, made.ready, made.chosen, made.solution, partial=bool(closed)
            )
        theme_id, why = made
        if theme_id in settings.split:
            title = next(theme.title for theme in many if theme.id == theme_id)
            groups = count(settings.split[theme_id], "group")
            told = {"title": quoted(title), "groups": groups, "why": why}
            found = say("{title} is to have {groups}, but {why}.", **told)
            do = say("Take fewer groups, or loosen the number of leads or the size of a group.")
            raise NoProposalError.of("split-impossible", found, do=do)
        theme = next(t for t in many if t.id == theme_id)
        many[theme] -= 1
        if not many[theme]:
            del many[theme]
            closed.setdefault(why, []).append(quoted(theme.title))
    says = say("No theme has enough cities to learn and to lead, so no group is formed.")
    why_none = joined(not_open(closed), "; ")
    said = say("No theme opens: {reasons}.", reasons=why_none)
    rule = RuleStatus("themes", said, "kept", costs=DEFINES)
    everyone = tuple(LeftOut(c.id, says, "") for c in round_.cohort.cities)
    name, title = settings.PRODUCT, settings.title
    return Product(name, title, "optimal", "none needed", 0.0, 0.0, (), everyone, (rule,), says)


def _product(made: Groups, closed: Sequence[str]) -> Product:
    ready, settings = made.ready, made.ready.settings
    least, most = settings.leads
    leads = say("{least} to {most} cities", least=least, most=most)
    leads = count(most, "city", "cities") if least == most else leads
    kept = judged(statuses(ready.rules, ready.candidates, made.chosen))
    led = say(
        "Each group is led by {leads} strong in its theme, of different countries; they are chosen first.",
        leads=leads,
    )
    themes = len({slot.theme.id for slot in ready.slots})
    opened = say("{n} of {all} themes open.", n=themes, all=len(settings.themes))
    opened = joined([opened, *(joined((text, "."), "") for text in closed)])
    meetings = tuple(_meeting(made, t) for t in range(len(ready.slots)))
    score, seats = worth(ready.rules, ready.candidates, made.chosen), int(made.chosen.sum())
    barred = {*settings.not_roles}
    places = sum(not barred & {*c.roles} for c in ready.round.cohort.cities)
    places *= settings.groups_per_city
    rules = (RuleStatus("themes", opened, "kept"), RuleStatus("leads", led, "kept"), *kept)
    proven = made.solution.status == "optimal" and made.cost <= 1e-9
    placed = len({m.city for meeting in meetings for m in meeting.members})
    says = say(
        "{groups} with {cities}; each is led by {leads} strong in its theme.",
        groups=count(len(meetings), "group"),
        cities=count(placed, "city", "cities"),
        leads=leads,
    )
    if made.cost > 1e-9:
        says += say(
            " Being mixed, alike or new to each other cost {cost:.1f} points of fit over all members.",
            cost=100 * made.cost,
        )
    return Product(
        settings.PRODUCT,
        settings.title,
        "optimal" if proven else "feasible",
        say("{engine}, leads first", engine=made.engine),
        score,
        max(made.solution.bound, score),
        meetings,
        tuple(_left_out(ready, meetings)),
        costed(rules, price_at_most(places - seats, seats - score), define=("themes",)),
        says,
        weights=shares(ready.affinity),
        tables=(_goals(ready, meetings),),
    )


def _meeting(made: Groups, t: int) -> Meeting:
    ready, affinity = made.ready, made.ready.affinity
    round_, slot, leads = ready.round, ready.slots[t], ready.leads[t]
    rows = sorted(
        np.flatnonzero(ready.grid(made.chosen)[t]).tolist(),
        key=lambda r: (-round(float(affinity.score[r, t]), 9), affinity.rows[r]),
    )
    cities = [affinity.rows[r] for r in rows]
    return Meeting(
        f"{ready.settings.PRODUCT}:{slot.key}",
        slot.title,
        (
            *(Member(round_.id(i), "lead") for i in leads),
            *(Member(round_.id(i), "member") for i in cities),
        ),
        affinity.joint_account([(r, t) for r in rows], say("members")),
        led_by(round_, slot.theme, leads, cities),
    )


def _goals(ready: PreparedGroups, meetings: Sequence[Meeting]) -> Table:
    """Return how well each group meets each goal, in [0, 1], for a chart; empty where it is not known."""
    round_, settings, cohort = ready.round, ready.settings, ready.round.cohort
    need = need_of(round_, [slot.theme for slot in ready.slots], range(len(cohort)))
    told: tuple[Attribute, ...] = ("country", "size", "readiness")
    words = {a: categories(cohort, a) for a in told}
    met = pairs_met(round_, settings)
    rows: list[tuple[str, str, float | None, str]] = []
    for t, (slot, meeting) in enumerate(zip(ready.slots, meetings, strict=True)):
        who, leads, members = (
            [cohort.index[c] for c in meeting.cities(role)] for role in (None, "lead", "member")
        )
        strength = strength_of(round_, slot.theme)[leads].tolist()
        known = [v for v in need[members, t].tolist() if v == v]
        goals = [
            (say("shared challenge"), known, say("mean part of the members' challenges")),
            (say("strong leads"), strength, listed([round_.name(i) for i in leads])),
            *(_mix_goal(settings, a, [words[a][i] for i in who]) for a in told),
        ]
        if settings.past:
            pairs = [frozenset((a, b)) for k, a in enumerate(who) for b in who[k + 1 :]]
            new = [float(pair not in met) for pair in pairs]
            goals.append((say("new peers"), new, say("part of the pairs that have not met before")))
        rows += [
            (slot.title, name, round(fmean(values), 4) if values else None, detail)
            for name, values, detail in goals
        ]
    return make_table("goals", rows)


def _mix_goal(
    settings: DiscussionGroups, attribute: Attribute, words: Sequence[str | None]
) -> tuple[str, list[float], str]:
    """Return how mixed a group is in an attribute, or how alike where that is asked for."""
    same, what = same_part(words), TITLES[attribute]
    if attribute in settings.alike:
        known, name = same, say("alike in {attribute}", attribute=what)
    else:
        known = None if same is None else 1.0 - same
        name = say("mixed in {attribute}", attribute=what)
    return name, [] if known is None else [known], composition(words)


def _left_out(ready: PreparedGroups, meetings: Sequence[Meeting]) -> Iterator[LeftOut]:
    """Yield every city without a group, with the reason."""
    settings, cohort = ready.settings, ready.round.cohort
    placed, shares = {c for meeting in meetings for c in meeting.cities()}, ready.shares
    themes = [slot.theme for slot in ready.slots]
    titles = list(dict.fromkeys(theme.title for theme in themes))
    for i, city in enumerate(cohort.cities):
        row = ready.affinity.row_of.get(i)
        if city.id in placed:
            continue
        if no := set(settings.not_roles) & set(city.roles):
            why = _not_leading(ready, i, roles_in_words(no))
            yield LeftOut(city.id, why, "", code="audience")
        elif row is None:
            yield LeftOut(city.id, NO_HOURS, "", code="own limit")
        elif np.isnan(ready.need[row]).all() or not (
            shares[row].any() or city.challenges or city.levers_needed
        ):
            says = "No challenge has been named yet, so it is not known whether the theme of this round ({themes}) fits."
            if len(titles) > 1:
                says = "No challenge has been named yet, so it is not known which theme of this round fits."
            why = say(says, themes=joined(titles))
            block = (
                "challenges" if any(t.domains or not t.levers for t in themes) else "levers_needed"
            )
            yield LeftOut(city.id, why, "", QUESTIONS[block], code="gate")
        elif not shares[row].any():
            yield LeftOut(city.id, _off_theme(city, themes, titles, settings), "", code="rule")
        else:
            yield LeftOut(city.id, _full(ready, meetings, i), "", code="capacity")


def _full(ready: PreparedGroups, meetings: Sequence[Meeting], i: int) -> str:
    """Return who has the places of the group that fits a city best: others that fit it better, or enough of its country."""
    round_, settings, row = ready.round, ready.settings, ready.affinity.row_of[i]
    score = np.round(ready.affinity.score[row], 9)
    best = max(np.flatnonzero(ready.shares[row]).tolist(), key=lambda k: score[k])
    there = [round_.cohort.index[c] for c in meetings[best].cities()]
    home = [j for j in there if round_.cohort.cities[j].country == round_.cohort.cities[i].country]
    members = [round_.cohort.index[c] for c in meetings[best].cities("member")]
    fits = {j: float(ready.affinity.score[ready.affinity.row_of[j], best]) for j in members}
    lowest = min(fits.values(), default=1.0)
    says = "The group that fits this city best, {theme}, has the {most} cities that it takes, and all of them fit it as well or better: the last with {lowest:.1f} points of 100, this city with {score:.1f}."
    if len(there) < settings.size[1] and len(home) == settings.cities_per_country:
        says = "The group that fits best, {theme}, has {home} of {country} already, and takes no more of one country."
    elif len(there) < settings.size[1] or lowest < score[best]:
        says = "The group that fits this city best, {theme}, could take it in the place of another city only, and all groups together would then fit less well or break a rule."
    return say(
        says,
        theme=quoted(meetings[best].label),
        most=settings.size[1],
        lowest=100 * lowest,
        score=100 * float(score[best]),
        home=listed([round_.name(j) for j in home]),
        country=with_article(country(round_.cohort.cities[i].country).name),
    )


def _not_leading(ready: PreparedGroups, i: int, kinds: str) -> str:
    """Return who leads, in place of a city that does not join, the theme in which it is strongest."""
    round_, slots, city = ready.round, ready.slots, ready.round.cohort.cities[i]
    if not set(ready.settings.lead_roles) & set(city.roles):
        return say("These groups are for cities other than {kinds}.", kinds=kinds)
    strength = [float(strength_of(round_, slot.theme)[i]) for slot in slots]
    best = max(range(len(slots)), key=strength.__getitem__)
    if strength[best] <= 0:
        titles = [quoted(t) for t in dict.fromkeys(slot.theme.title for slot in slots)]
        says = "{kinds} lead these groups. The one theme of this round is {themes}; no example on it is known yet."
        if len(titles) > 1:
            says = "{kinds} lead these groups. The themes of this round are {themes}; no example on them is known yet."
        return say(says, kinds=kinds, themes=listed(titles))
    says = "{kinds} lead these groups. The nearest theme is {theme}, led by {leads}."
    if len({slot.theme.id for slot in slots}) == 1:
        says = "{kinds} lead these groups. The one theme of this round is {theme}, led by {leads}."
    leads = listed([round_.name(j) for j in ready.leads[best]])
    led = say(says, kinds=kinds, theme=quoted(slots[best].theme.title), leads=leads)
    return joined(filter(None, (led, _beside_leads(ready, best, i))))


def _beside_leads(ready: PreparedGroups, k: int, i: int) -> str:
    """Return in what a city would be behind one lead of a group, of those in whose place the group would lose least.

    Empty where it could be in the place of none: all are locked, or another is of its country.
    """
    round_, merits, land = ready.round, ready.merits, ready.round.cohort.countries
    if i not in merits.may:
        return NO_HOURS
    locked = locked_in(round_, ready.settings, ready.slots)
    at = {j: merits.may.index(j) for j in (*ready.leads[k], i)}
    me, answers, losses = at[i], merits.answers[k], {}

    def shown(cities: Sequence[int]) -> float:
        return float(merits.sought[k] @ merits.shown[[at[j] for j in cities]].any(axis=0))

    for j in ready.leads[k]:
        others = [o for o in ready.leads[k] if o != j]
        if j in locked or land[i] in land[others]:
            continue
        lost = (answers[at[j]] - answers[me]) / ready.settings.leads[1]
        if merits.together:
            lost = shown([*others, j]) - shown([*others, i])
        strength, readiness = merits.strength[k, [at[j], me]], merits.ready[[at[j], me]]
        silent = float(answers[at[j]] > 0) - float(answers[me] > 0)
        losses[j] = (
            (LEADS_SHOW * lost + LEAD_SHOWS * silent, "shows"),
            (float((1 - LEAD_READINESS) * (strength[0] - strength[1])), "strength"),
            (float(LEAD_READINESS * (readiness[0] - readiness[1])), "ready"),
        )
    if not losses:
        return ""
    lead = min(losses, key=lambda j: sum(lost for lost, _ in losses[j]))
    lost, what = max(losses[lead])
    says = {
        "shows": "{lead} can show more of what the members want to learn.",
        "strength": "{lead} is stronger in the theme.",
        "ready": "{lead} is further on in climate readiness.",
    }[what]
    if what == "shows" and not answers[me]:
        says = "No example from here is known yet of what its members want to learn."
    if lost <= 1e-6:
        says = "{lead} is no stronger: the committee may choose."
    near = say("Even {lead}, the closest of these,", lead=round_.name(lead))
    return say(says, lead=near if len(losses) > 1 and lost > 1e-6 else round_.name(lead))


def _off_theme(
    city: City, themes: Sequence[Theme], titles: Sequence[str], settings: DiscussionGroups
) -> str:
    """Return which of a city's challenges are in no theme, and how many would have to be where some are."""
    if all(theme.countries and city.country not in theme.countries for theme in themes):
        says = "The groups of this round ({themes}) are not for cities of {country}."
        return say(
            says, themes=listed(titles, "or"), country=with_article(country(city.country).name)
        )
    inside = {area for theme in themes for area in (*theme.domains, *theme.levers)}
    named = list(dict.fromkeys((*(city.challenges or ()), *(city.levers_needed or ()))))
    mine, own = ([IN_TEXT[x] for x in named if (x in inside) == is_in] for is_in in (True, False))
    named_themes = listed([quoted(title) for title in titles])
    told = {"city": city.name, "themes": named_themes, "mine": listed(mine), "own": listed(own)}
    if own and not mine and not any(theme.texts for theme in themes):
        return say_n(
            "The one challenge that {city} names is {own}; the groups of this round are on {themes}.",
            "The challenges that {city} names are {own}; the groups of this round are on {themes}.",
            len(own),
            **told,
        )
    says = "A group takes cities of whose challenges {least:.0f}% or more are in its theme; the themes are {themes}."
    why = say(says, least=100 * settings.least_need, **told)
    if own and mine:
        says = " Of the challenges that {city} names, these are in a theme: {mine}; these are in none: {own}."
        return why + say(says, **told)
    return why + say(" {city} names mostly other challenges: {own}.", **told) if own else why


def group_rules(
    round_: Round, settings: DiscussionGroups, meetings: Sequence[Meeting]
) -> tuple[RuleStatus, ...]:
    """Return how the finished groups stand to each rule, read from the meetings and nothing else."""
    (low, high), (least, most), cohort = settings.size, settings.leads, round_.cohort
    often, lead_of = settings.groups_per_city, settings.lead_of
    size = say("A group has {low} to {high} cities, leads included.", low=low, high=high)
    leads = say("A group has {least} to {most} leads.", least=least, most=most)
    kinds = say("Leads are {lead_roles}.", lead_roles=roles_in_words(settings.lead_roles, "or"))
    unfit = in_part(cohort, meetings, "lead", settings.lead_roles, has=False)
    each = say("A city is in at most {groups_per_city} of the groups.", groups_per_city=often)
    leading = say("A city leads at most {lead_of} of the groups.", lead_of=lead_of)
    rules = [
        counted("group size", size, outside(meetings, low, high)),
        counted("leads", leads, outside(meetings, least, most, "lead")),
        counted("lead roles", kinds, unfit),
        counted("groups of a city", each, often_in(meetings, often)),
        counted("lead of", leading, often_in(meetings, lead_of, "lead")),
    ]
    if settings.not_roles:
        wrong = in_part(cohort, meetings, "member", settings.not_roles)
        says = say("No members are {kinds}.", kinds=roles_in_words(settings.not_roles, "or"))
        rules.append(counted("audience", says, wrong))
    if settings.lock:
        slots = slots_of(settings, meetings)
        groups = {i: meetings[k] for i, k in locked_in(round_, settings, slots).items()}
        away = [round_.name(i) for i, m in groups.items() if round_.id(i) not in m.cities()]
        cities = round_.cohort.by_id([city] for city, _ in settings.lock)
        lost = [city for (city,) in cities if city not in {round_.id(i) for i in groups}]
        says = say("Cities that are locked in a group are in it.")
        rules.append(counted("locks", says, [*away, *lost]))
    rules += _within_countries(round_, settings, meetings)
    for name, quota in settings.quotas:
        sets = _counted_sets(settings, meetings, quota.per)
        rules.append(quotas_kept(round_, quota, name, WHERE[quota.per], sets))
    return tuple(rules)


def _counted_sets(
    settings: DiscussionGroups, meetings: Sequence[Meeting], per: str
) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """Return the cities of each group, of the groups of each theme, or of all, with their leads."""
    titles = {theme.id: theme.title for theme in settings.themes}
    found: dict[str, list[Meeting]] = {}
    for meeting in meetings:
        theme = titles.get(_theme_id(meeting, titles), meeting.label)
        label = {"group": meeting.label, "theme": theme, "all": "All groups"}[per]
        found.setdefault(label, []).append(meeting)
    return [
        (
            label,
            tuple(c for m in of for c in m.cities()),
            tuple(c for m in of for c in m.cities("lead")),
        )
        for label, of in found.items()
    ]


def _theme_id(meeting: Meeting, known: Collection[str]) -> str:
    """Return the theme of a group by its id, which several groups of a theme end in a number."""
    key = meeting.id.partition(":")[2]
    return key if key in known else key.rpartition("-")[0]


def _within_countries(
    round_: Round, settings: DiscussionGroups, meetings: Sequence[Meeting]
) -> list[RuleStatus]:
    """Return how meetings stand to themes that are for some countries only; nothing where there is no such theme."""
    only = {theme.id: theme.countries for theme in settings.themes if theme.countries}
    if not only:
        return []
    wrong = []
    for meeting in meetings:
        codes = only.get(_theme_id(meeting, only))
        wrong += [
            c for c in meeting.cities() if codes and round_.cohort.city(c).country not in codes
        ]
    says = say("A theme of some countries has cities of these only, leads included.")
    return [counted("countries of a theme", says, wrong)]
