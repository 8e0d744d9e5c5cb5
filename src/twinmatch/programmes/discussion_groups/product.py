"""The product of discussion groups: each with its leads, members, goals and joint account."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from twinmatch.affinity import Affinity
from twinmatch.errors import NoProposalError, QuestionError
from twinmatch.programmes.discussion_groups.search import (
    Groups,
    MemberPairs,
    groups_for,
    one_group_fewer,
    with_more_groups,
)
from twinmatch.programmes.discussion_groups.settings import (
    WHERE,
    DiscussionGroups,
    Slot,
    locked_in,
    pair_worth,
    pairs_met,
    slots_of,
)
from twinmatch.programmes.group_quotas import GroupQuotas
from twinmatch.programmes.kinds import TITLES, Attribute, categories, composition, same_part
from twinmatch.programmes.quotas import quotas_kept
from twinmatch.programmes.round import Round, SolvedProduct, shares
from twinmatch.programmes.rules import (
    allowed_pairs,
    counted,
    judged,
    outside,
    roles_in_words,
    statuses,
)
from twinmatch.programmes.themes import led_by, need_of, sought_most, strength_of
from twinmatch.proposal import LeftOut, Meeting, Member, Product, RuleStatus, Table
from twinmatch.schema import NAMES
from twinmatch.solving import Distribute, Floats, NobodyIsolated
from twinmatch.solving.exchange import exchange
from twinmatch.solving.referee import broken
from twinmatch.vocabulary.geography import country
from twinmatch.wording import count, few, joined, listed, say


def with_swaps(
    round_: Round,
    settings: DiscussionGroups,
    slots: Sequence[Slot],
    leads: Sequence[Sequence[int]],
    members: MemberPairs,
    affinity: Affinity,
) -> MemberPairs:
    """Return the members after swaps for what groups are to be mixed or alike in and for new peers."""
    if not (settings.mixed or settings.alike or settings.past):
        return members
    chosen = members.chosen.reshape(len(slots), len(affinity.rows))
    taken = [(affinity.rows[int(r)], int(r), int(k)) for k, r in np.argwhere(chosen)]
    cities = [i for group in leads for i in group] + [i for i, _, _ in taken]
    label = [k for k, group in enumerate(leads) for _ in group] + [k for _, _, k in taken]
    locked = locked_in(round_, settings, slots)
    fixed = np.array([True] * sum(map(len, leads)) + [i in locked for i, _, _ in taken])
    first = sum(map(len, leads))
    bonus, may = np.zeros((len(cities), len(slots))), np.ones((len(cities), len(slots)), dtype=bool)
    open_ = allowed_pairs(members.rules).reshape(chosen.shape)
    for place, (_, r, _) in enumerate(taken, first):
        bonus[place], may[place] = affinity.score[r], open_[:, r]
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
    after = np.zeros_like(chosen)
    for place, (_, r, _) in enumerate(taken, first):
        after[found[place], r] = True
    blocks = [rule.block.hard for rule in members.rules]
    if broken(members.candidates, after.ravel(), blocks):
        return members  # a swap of cities cannot see every rule
    return replace(
        members,
        chosen=after.ravel(),
        cost=_net(members, members.chosen) - _net(members, after.ravel()),
        engine=say("{engine}, then swaps for the mix of groups", engine=members.engine),
    )


def _net(members: MemberPairs, chosen: NDArray[np.bool_]) -> float:
    """Return the score of some members less what it costs that they miss rules with a price."""
    soft = [rule.block for rule in members.rules if rule.block.price is not None]
    cost = math.fsum((b.price or 0.0) * float(b.missed(chosen).sum()) for b in soft)
    return float(members.candidates.score[chosen].sum()) - cost


def propose_discussion_groups(round_: Round, settings: DiscussionGroups) -> Product:
    """Return the groups of a round; raises as :func:`solved_groups` does."""
    found = solved_groups(round_, settings)
    return found.product if isinstance(found, SolvedProduct) else found


def solved_groups(round_: Round, settings: DiscussionGroups) -> Product | SolvedProduct:
    """Return the discussion groups of a round, each with its leads, members and joint account.

    With what its members were solved from, where the solve has the last word. A theme that too few cities share or
    lead does not open, and is reported. Raises QuestionError where no city may lead, NoProposalError where a theme
    cannot have the groups that it is split into.
    """
    cohort = round_.cohort
    if not any(set(settings.lead_roles) & set(c.roles) for c in cohort.cities):
        roles = roles_in_words(settings.lead_roles, "or")
        raise QuestionError.of(
            "no-leads",
            say("No city of this cohort can lead a group, which takes {roles}.", roles=roles),
            do=say("Give at least one city that role."),
        )
    many = {theme: settings.split.get(theme.id, 1) for theme in settings.themes}
    closed: list[str] = []
    while many:
        made = groups_for(round_, settings, many)
        if isinstance(made, Groups):
            made = with_more_groups(round_, settings, many, made)
            product = _product(round_, settings, made, closed)
            last = made.members
            if settings.mixed or settings.alike or settings.past:
                return product
            return SolvedProduct(product, round_, settings, last, last.chosen, last.solution)
        theme_id, why = made
        if theme_id in settings.split:
            title = next(theme.title for theme in many if theme.id == theme_id)
            groups = count(settings.split[theme_id], "group")
            raise NoProposalError.of(
                "split-impossible",
                say(
                    "{title} is to have {groups}, but {why}.",
                    title=repr(title),
                    groups=groups,
                    why=why,
                ),
                do=say("Take fewer groups, or loosen the number of leads or the size of a group."),
            )
        closed += one_group_fewer(many, theme_id, why)
    says, why_none = say("No theme opens in this round."), joined(closed, "; ")
    rule = RuleStatus("themes", say("No theme opens: {reasons}.", reasons=why_none), "kept")
    everyone = tuple(LeftOut(c.id, says, "") for c in cohort.cities)
    name, title = settings.PRODUCT, settings.title
    return Product(name, title, "optimal", "none needed", 0.0, 0.0, (), everyone, (rule,), says)


def _product(
    round_: Round, settings: DiscussionGroups, made: Groups, closed: Sequence[str]
) -> Product:
    slots, leads, affinity, need = made.slots, made.leads, made.affinity, made.need
    members = with_swaps(round_, settings, slots, leads, made.members, affinity)
    kept = judged(statuses(members.rules, members.candidates, members.chosen))
    lead_rule = RuleStatus(
        "leads",
        say(
            "Each group is led by {leads} strong in its theme, of different countries; they are chosen first.",
            leads=_leads_in_words(settings),
        ),
        "kept",
    )
    themes = len({slot.theme.id for slot in slots})
    opened = RuleStatus(
        "themes",
        joined(
            [
                say("{n} of {all} themes open.", n=themes, all=len(settings.themes)),
                *(joined((text, "."), "") for text in closed),
            ]
        ),
        "kept",
    )
    chosen = members.chosen.reshape(len(slots), len(affinity.rows))
    meetings = tuple(
        _meeting(round_, settings, slot, leads[t], np.flatnonzero(chosen[t]), t, affinity)
        for t, slot in enumerate(slots)
    )
    placed = len({m.city for meeting in meetings for m in meeting.members})
    score = _net(members, members.chosen)
    bound = max(members.solution.bound, score)
    proven = members.solution.status == "optimal" and members.cost <= 1e-9
    says = say(
        "{groups} with {cities}; each is led by {leads} strong in its theme.",
        groups=count(len(meetings), "group"),
        cities=count(placed, "city", "cities"),
        leads=_leads_in_words(settings),
    )
    if members.cost > 1e-9:
        says += say(
            " Being mixed, alike or new to each other cost {cost:.1f} points of fit over all members.",
            cost=100 * members.cost,
        )
    return Product(
        settings.PRODUCT,
        settings.title,
        "optimal" if proven else "feasible",
        say("{engine}, leads first", engine=members.engine),
        score,
        bound,
        meetings,
        _left_out(round_, settings, slots, affinity, need, meetings),
        (opened, lead_rule, *kept),
        says,
        weights=shares(affinity),
        tables=(_goals(round_, settings, slots, meetings),),
    )


def _leads_in_words(settings: DiscussionGroups) -> str:
    least, most = settings.leads
    if least == most:
        return count(most, "city", "cities")
    return say("{least} to {most} cities", least=least, most=most)


def _meeting(
    round_: Round,
    settings: DiscussionGroups,
    slot: Slot,
    leads: Sequence[int],
    taken: NDArray[np.intp],
    t: int,
    affinity: Affinity,
) -> Meeting:
    rows = sorted(
        (int(r) for r in taken),
        key=lambda r: (-round(float(affinity.score[r, t]), 9), affinity.rows[r]),
    )
    members = (
        *(Member(round_.id(i), "lead") for i in leads),
        *(Member(round_.id(affinity.rows[r]), "member") for r in rows),
    )
    cities = [affinity.rows[r] for r in rows]
    parts = (
        say("Led by {names}.", names=listed([round_.name(i) for i in leads])) if leads else "",
        *(led_by(round_, slot.theme, i) for i in leads),
        sought_most(round_, slot.theme, cities),
    )
    says = joined(filter(None, parts))
    return Meeting(
        f"{settings.PRODUCT}:{slot.key}",
        slot.title,
        members,
        affinity.joint_account([(r, t) for r in rows], say("members")),
        says,
    )


def _goals(
    round_: Round,
    settings: DiscussionGroups,
    slots: Sequence[Slot],
    meetings: Sequence[Meeting],
) -> Table:
    """Return how well each group meets each goal, in [0, 1], for a chart; empty where it is not known."""
    cohort = round_.cohort
    need = need_of(round_, [slot.theme for slot in slots], range(len(cohort)))
    told: tuple[Attribute, ...] = ("country", "size", "readiness")
    words = {a: categories(cohort, a) for a in told}
    met = pairs_met(round_, settings)
    rows: list[tuple[str, str, float | None, str]] = []
    for t, (slot, meeting) in enumerate(zip(slots, meetings, strict=True)):
        who = [cohort.index[m.city] for m in meeting.members]
        leads = [cohort.index[c] for c in meeting.cities("lead")]
        members = [cohort.index[c] for c in meeting.cities("member")]
        strength = strength_of(round_, slot.theme)[leads].tolist()
        known = [float(v) for v in need[members, t] if not math.isnan(v)]
        goals = [
            (say("shared challenge"), _mean(known), say("mean part of the members' challenges")),
            (say("strong leads"), _mean(strength), listed([round_.name(i) for i in leads])),
            *(_mix_goal(settings, a, [words[a][i] for i in who]) for a in told),
        ]
        if settings.past:
            goals.append(
                (
                    say("new peers"),
                    _new(who, met),
                    say("part of the pairs that have not met before"),
                )
            )
        rows += [(slot.title, name, _figure(value), detail) for name, value, detail in goals]
    says = say(
        "1 is best. Mixed: the part of the pairs of members that differ, of those for whom it is known."
    )
    return Table(
        "goals",
        say("How well each group meets each goal"),
        ("group", "goal", "met", "detail"),
        tuple(rows),
        says,
    )


def _mix_goal(
    settings: DiscussionGroups, attribute: Attribute, words: Sequence[str | None]
) -> tuple[str, float | None, str]:
    """Return how mixed a group is in an attribute, or how alike where that is asked for."""
    same = same_part(words)
    if attribute in settings.alike:
        return say("alike in {attribute}", attribute=TITLES[attribute]), same, composition(words)
    mixed = None if same is None else 1.0 - same
    return say("mixed in {attribute}", attribute=TITLES[attribute]), mixed, composition(words)


def _new(who: Sequence[int], met: set[frozenset[int]]) -> float | None:
    """Return the part of the pairs of a group that have not met before."""
    pairs = [frozenset((a, b)) for k, a in enumerate(who) for b in who[k + 1 :]]
    return 1.0 - sum(pair in met for pair in pairs) / len(pairs) if pairs else None


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def _figure(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _left_out(
    round_: Round,
    settings: DiscussionGroups,
    slots: Sequence[Slot],
    affinity: Affinity,
    need: Floats,
    meetings: Sequence[Meeting],
) -> tuple[LeftOut, ...]:
    placed = {m.city for meeting in meetings for m in meeting.members}
    out = []
    for i, city in enumerate(round_.cohort.cities):
        if city.id in placed:
            continue
        row = affinity.row_of.get(i)
        if set(settings.not_roles) & set(city.roles):
            why = say(
                "{kinds} lead these groups and do not join them; this one leads none in this round.",
                kinds=roles_in_words(set(settings.not_roles) & set(city.roles)),
            )
            out.append(LeftOut(city.id, why, "", code="audience"))
        elif row is None:
            why = say("What it can carry is taken by other products.")
            out.append(LeftOut(city.id, why, "", code="own limit"))
        elif np.isnan(need[row]).all():
            why = say(
                "It has not said yet what it struggles with, so no theme can be chosen for it."
            )
            out.append(LeftOut(city.id, why, "", say("Ask for its challenges."), code="gate"))
        elif not (np.nan_to_num(need[row]) >= max(settings.least_need, 1e-9)).any():
            themes = [slot.theme for slot in slots]
            inside = {area for theme in themes for area in (*theme.domains, *theme.levers)}
            named = (*(city.challenges or ()), *(city.levers_needed or ()))
            own = [NAMES[x] for x in named if x not in inside]
            says = "What it struggles with lies mostly outside the themes of this round ({themes}): {own}."
            if not own:
                says = "Too little of what it struggles with lies in the themes of this round ({themes})."
            titles = listed(list(dict.fromkeys(theme.title for theme in themes)), "or")
            why = say(says, themes=titles, own=few(own, 3))
            out.append(LeftOut(city.id, why, "", code="rule"))
        else:
            least = max(settings.least_need, 1e-9)
            mine = [k for k in range(len(slots)) if need[row, k] >= least]
            full = all(len(meetings[k].members) >= settings.size[1] for k in mine)
            told = {
                "themes": listed(list(dict.fromkeys(slots[k].theme.title for k in mine)), "or"),
                "n": settings.cities_per_country,
                "country": country(city.country).name,
            }
            why = (
                say("Every group on {themes} is full.", **told)
                if full or settings.cities_per_country is None
                else say(
                    "Every group on {themes} is full or has {n} cities of {country} already.",
                    **told,
                )
            )
            out.append(LeftOut(city.id, why, "", code="capacity"))
    return tuple(out)


def group_rules(
    round_: Round, settings: DiscussionGroups, meetings: Sequence[Meeting]
) -> tuple[RuleStatus, ...]:
    """Return how the finished groups stand to each rule, read from the meetings and nothing else."""
    low, high = settings.size
    least, most = settings.leads
    everyone = Counter(city for m in meetings for city in m.cities())
    leading = Counter(city for m in meetings for city in m.cities("lead"))
    unfit = [c for c in leading if not set(settings.lead_roles) & set(round_.cohort.city(c).roles)]
    rules = [
        counted(
            "group size",
            say("A group has {low} to {high} cities, leads included.", low=low, high=high),
            outside(meetings, low, high),
        ),
        counted(
            "leads",
            say("A group has {least} to {most} leads.", least=least, most=most),
            outside(meetings, least, most, "lead"),
        ),
        counted(
            "lead roles",
            say(
                "Leads are {lead_roles}.",
                lead_roles=roles_in_words(settings.lead_roles, "or"),
            ),
            sorted(unfit),
        ),
        counted(
            "groups of a city",
            say(
                "A city is in at most {groups_per_city} of the groups.",
                groups_per_city=settings.groups_per_city,
            ),
            [c for c, n in sorted(everyone.items()) if n > settings.groups_per_city],
        ),
        counted(
            "lead of",
            say("A city leads at most {lead_of} of the groups.", lead_of=settings.lead_of),
            [c for c, n in sorted(leading.items()) if n > settings.lead_of],
        ),
    ]
    if settings.not_roles:
        wrong = [
            c
            for m in meetings
            for c in m.cities("member")
            if set(settings.not_roles) & set(round_.cohort.city(c).roles)
        ]
        kinds = roles_in_words(settings.not_roles, "or")
        rules.append(counted("audience", say("No members are {kinds}.", kinds=kinds), wrong))
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
