"""Discussion groups: a theme each, led by cities strong in it, joined by cities for whom it is a challenge.

Exact flows one after the other, told as such: first the leads (how strong a city is in the theme), then the
members (how far the theme is their challenge, and how well the leads answer their needs). Where groups are to be
mixed or alike in something, or people are to meet new peers, members are then swapped between groups under the
same rules, and what that costs in fit is reported.

Notation: K groups, each of a theme (several groups may share one); R cities that may join; need (R, K).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from twinmatch.affinity import Affinity, compare
from twinmatch.cohort import Host
from twinmatch.errors import NoProposalError, Problem
from twinmatch.facets.readiness import levels
from twinmatch.programmes.discussion_groups.settings import (
    DiscussionGroups,
    Slot,
    lock_rules,
    locked_in,
    one_of_a_theme,
    quotas_of,
)
from twinmatch.programmes.load_ledger import LoadEntry, LoadLedger, amount, loads_of, same_loads
from twinmatch.programmes.round import Round
from twinmatch.programmes.rules import Rule, allowed_pairs, forbid, gate, load_rules
from twinmatch.programmes.themes import Theme, ThemeNeed, need_of, shown_on, strength_of
from twinmatch.solving import Block, Bools, Candidates, Floats, Solution, counts, solve
from twinmatch.wording import joined, say

LEAD_SHOWS = 0.3
"""What it is worth of a lead that it says something of the theme that can be shown."""

LEAD_READINESS = 0.2
"""Part of a lead's score that is its readiness to deliver; the rest is its strength in the theme."""


@dataclass(frozen=True, eq=False)
class MemberPairs:
    """Every pair of a group and a city, with its score and the rules over it; group-major."""

    candidates: Candidates
    rules: tuple[Rule, ...]
    solution: Solution
    chosen: Bools
    engine: str = ""
    cost: float = 0.0
    """Score that mixing and new peers cost."""


@dataclass(frozen=True, eq=False)
class Groups:
    """Groups with their leads and members, before they are put into words."""

    slots: Sequence[Slot]
    leads: Sequence[Sequence[int]]
    members: MemberPairs
    affinity: Affinity
    need: Floats

    def waiting(self, least: float) -> NDArray[np.intp]:
        """Return the rows that share an open theme and have no group."""
        chosen = self.members.chosen.reshape(len(self.slots), len(self.affinity.rows))
        with np.errstate(invalid="ignore"):
            share = (self.need >= max(least, 1e-9)).any(axis=1)
        return np.flatnonzero(share & ~chosen.any(axis=0))


def groups_for(
    round_: Round, settings: DiscussionGroups, many: dict[Theme, int]
) -> Groups | tuple[str, str]:
    """Return the groups for so many a theme, or the id of the theme that has one too many and why."""
    slots = [Slot(t, n, k) for t, k in many.items() for n in range(1, k + 1)]
    leads = _leads(round_, settings, slots)
    if isinstance(leads, str):
        return leads, "too few cities can lead it"
    members, affinity, need = _members(round_, settings, slots, leads)
    if members.solution.status == "infeasible":
        weakest = _fewest(slots, need, settings.least_need)
        return weakest, "too few cities that share it can join"
    return Groups(slots, leads, members, affinity, need)


def with_more_groups(
    round_: Round, settings: DiscussionGroups, many: dict[Theme, int], made: Groups
) -> Groups:
    """Return the groups with further ones of themes for which cities wait, as long as that places more of them.

    Where so many wait for a theme that they would fill several groups, half as many open at once: else a cohort of
    thousands would be solved again for every single group.
    """
    full: set[str] = set()
    at_once: dict[str, int] = {}
    while True:
        waiting = made.waiting(settings.least_need)
        themes = list(many)
        place = [next(k for k, s in enumerate(made.slots) if s.theme is t) for t in themes]
        asks = np.nan_to_num(made.need[waiting][:, place], nan=-1.0)
        first = np.argmax(asks, axis=1) if len(asks) else np.zeros(0, dtype=np.intp)
        counted = np.bincount(first, minlength=len(themes))
        open_ = [
            t
            for t in np.argsort(-counted, kind="stable").tolist()
            if counted[t]
            and themes[t].id not in full
            and themes[t].id not in settings.split
            and many[themes[t]] < settings.groups_a_theme
        ]
        if not open_:
            return made
        theme = themes[open_[0]]
        further = min(
            max(1, int(counted[open_[0]]) // (2 * settings.size[1])),
            settings.groups_a_theme - many[theme],
            at_once.get(theme.id, settings.groups_a_theme),
        )
        more = {**many, theme: many[theme] + further}
        wider = groups_for(round_, settings, more)
        if isinstance(wider, Groups) and len(wider.waiting(settings.least_need)) < len(waiting):
            many.update(more)
            made = wider
        elif further > 1:
            at_once[theme.id] = further // 2
        else:
            full.add(theme.id)


def one_group_fewer(many: dict[Theme, int], theme_id: str, why: str) -> list[str]:
    """Take a group from a theme; return what is said where it does not open at all."""
    theme = next(t for t in many if t.id == theme_id)
    many[theme] -= 1
    if many[theme]:
        return []
    del many[theme]
    return [say("{title} does not open because {why}", title=repr(theme.title), why=why)]


def _fewest(slots: Sequence[Slot], need: Floats, least: float) -> str:
    """Return the theme of the group that the fewest cities need, themes with several groups first."""
    with np.errstate(invalid="ignore"):
        sharing = (need >= least).sum(axis=0) / np.array([slot.of for slot in slots])
    order = sorted(range(len(slots)), key=lambda k: (float(sharing[k]), -k))
    return slots[order[0]].theme.id


def _leads(
    round_: Round, settings: DiscussionGroups, slots: Sequence[Slot]
) -> list[list[int]] | str:
    """Return each group's leads, strongest first; or the id of a theme that cannot have enough."""
    cohort = round_.cohort
    fits = round_.ledger.fits(settings.load("lead"))
    may = [
        i
        for i, c in enumerate(cohort.cities)
        if set(settings.lead_roles) & set(c.roles) and fits[i]
    ]
    of_theme = {theme.id: strength_of(round_, theme)[may] for theme in {s.theme for s in slots}}
    strength = np.array([of_theme[slot.theme.id] for slot in slots]).reshape(len(slots), len(may))
    ready = levels(cohort)[may]
    known = ~np.isnan(ready)
    mean = np.where(
        known.any(axis=1), np.nan_to_num(ready).sum(axis=1) / np.maximum(known.sum(axis=1), 1), 2.0
    )
    shown = np.array([[bool(shown_on(round_, slot.theme, [i])) for i in may] for slot in slots])
    fit = (1 - LEAD_READINESS) * strength + LEAD_READINESS * mean / 4
    score = np.round(fit + LEAD_SHOWS * shown.reshape(strength.shape), 6)
    locked = locked_in(round_, settings, slots)
    own = np.array([locked.get(i, -1) for i in may], dtype=np.int64)
    elsewhere = (own >= 0) & (own != np.arange(len(slots))[:, None])
    t, g = np.nonzero((strength > 0) & ~elsewhere)
    candidates = Candidates(t, g, score[t, g], len(slots), max(len(may), 1))
    solution = solve(candidates, _lead_blocks(round_, settings, slots, may, t, g))
    if solution.status == "infeasible":
        return _fewest(slots, np.where(strength.T > 0, 1.0, 0.0), 1.0)
    held = [
        [int(k) for k in np.flatnonzero(solution.chosen & (t == slot))]
        for slot in range(len(slots))
    ]
    return [
        [may[int(g[k])] for k in sorted(pairs, key=lambda k: (-candidates.score[k], g[k]))]
        for pairs in held
    ]


def _lead_blocks(
    round_: Round,
    settings: DiscussionGroups,
    slots: Sequence[Slot],
    may: Sequence[int],
    t: NDArray[np.intp],
    g: NDArray[np.intp],
) -> list[Block]:
    least, most = settings.leads
    codes = sorted({round_.cohort.cities[i].country for i in may})
    nation = np.array([codes.index(round_.cohort.cities[i].country) for i in may], dtype=np.int64)
    themes = sorted({slot.theme.id for slot in slots})
    of = np.array([themes.index(slot.theme.id) for slot in slots], dtype=np.int64)
    blocks = [
        counts("leads", t, low=least, high=most, rows=len(slots)),
        counts(
            "groups led", g, high=min(settings.lead_of, settings.groups_per_city), rows=len(may)
        ),
        counts(
            "one group of a theme", g * len(themes) + of[t], high=1, rows=len(may) * len(themes)
        ),
    ]
    if codes:
        rows = len(slots) * len(codes)
        blocks.append(counts("one lead a country", t * len(codes) + nation[g], high=1, rows=rows))
    load = settings.load("lead")
    limited = loads_of([(k, may[int(i)], load) for k, i in enumerate(g)], len(g)).block(
        round_.ledger
    )
    return [*blocks, limited] if limited else blocks


def _ledger_after(
    round_: Round, settings: DiscussionGroups, leads: Sequence[Sequence[int]]
) -> LoadLedger:
    """Return the ledger once the leads are entered."""
    load = settings.load("lead")
    more = [
        LoadEntry(settings.PRODUCT, str(k), i, "lead", load)
        for k, group in enumerate(leads)
        for i in group
    ]
    return replace(round_.ledger, entries=(*round_.ledger.entries, *more))


def _members(
    round_: Round,
    settings: DiscussionGroups,
    slots: Sequence[Slot],
    leads: Sequence[Sequence[int]],
) -> tuple[MemberPairs, Affinity, Floats]:
    """Return the members' solve, the affinity of every city to every group, and every city's need (R, K)."""
    candidates, rules, affinity, need = member_frame(round_, settings, slots, leads)
    keep = np.flatnonzero(allowed_pairs(rules))
    _check_locks(round_, settings, slots, leads, rules, affinity)
    solution = solve(
        candidates.take(keep), [rule.block.take(keep) for rule in rules if not rule.filters]
    )
    chosen = np.zeros(len(candidates), dtype=bool)
    chosen[keep] = solution.chosen
    return MemberPairs(candidates, rules, solution, chosen, solution.engine), affinity, need


def _check_locks(
    round_: Round,
    settings: DiscussionGroups,
    slots: Sequence[Slot],
    leads: Sequence[Sequence[int]],
    rules: Sequence[Rule],
    affinity: Affinity,
) -> None:
    """Raise NoProposalError with every lock of a city in a group that another rule keeps it from."""
    problems = []
    for i, k in locked_in(round_, settings, slots).items():
        if i in leads[k]:
            continue
        pair = k * len(affinity.rows) + affinity.row_of[i] if i in affinity.row_of else None
        broken = [r.name for r in rules if pair is not None and r.forbidden[pair]]
        if pair is None or broken:
            why = say(
                "the rules keep it out: {broken}",
                broken=joined(broken, ", ") if broken else say("it can join no group"),
            )
            found = say(
                "{city} is locked in the group {title}, but {why}.",
                city=round_.name(i),
                title=repr(slots[k].title),
                why=why,
            )
            problems.append(
                Problem("lock-in-group", found, do=say("Release the lock, or loosen the rule."))
            )
    if problems:
        raise NoProposalError(problems)


def member_frame(
    round_: Round,
    settings: DiscussionGroups,
    slots: Sequence[Slot],
    leads: Sequence[Sequence[int]],
) -> tuple[Candidates, tuple[Rule, ...], Affinity, Floats]:
    """Return every pair of a group and a city, group-major, the rules over them, their affinity, and the need (R, K)."""
    cohort = round_.cohort
    led = [i for group in leads for i in group]
    fits = _ledger_after(round_, settings, leads).fits(settings.load("member"))
    often = Counter(led)
    rows = [
        i
        for i, city in enumerate(cohort.cities)
        if often[i] < settings.groups_per_city
        and fits[i]
        and not set(settings.not_roles) & set(city.roles)
    ]
    columns = [
        Host(slot.key, slot.title, tuple(group)) for slot, group in zip(slots, leads, strict=True)
    ]
    affinity = compare(
        cohort,
        settings.weights,
        round_.facet_cache,
        rows=rows,
        columns=columns,
        own={"theme": ThemeNeed(cohort, [slot.theme for slot in slots], round_.facet_cache)},
    )
    need = need_of(round_, [slot.theme for slot in slots], rows)
    shape = (len(slots), len(rows))
    t, g = (axis.ravel() for axis in np.indices(shape))
    candidates = Candidates(t, g, affinity.score.T.ravel(), len(slots), max(len(rows), 1))
    rules = _member_rules(round_, settings, slots, leads, rows, candidates, need)
    closed = gate(affinity.coverage.T.ravel(), settings.known_at_least)
    return candidates, (*rules, closed) if closed else rules, affinity, need


def _member_rules(
    round_: Round,
    settings: DiscussionGroups,
    slots: Sequence[Slot],
    leads: Sequence[Sequence[int]],
    rows: Sequence[int],
    pairs: Candidates,
    need: Floats,
) -> tuple[Rule, ...]:
    size = np.array([len(group) for group in leads])
    low, high = np.maximum(settings.size[0] - size, 0), settings.size[1] - size
    titles = [slot.title for slot in slots]
    with np.errstate(invalid="ignore"):
        shared = (need >= max(settings.least_need, 1e-9)).T.ravel()
    led = [i for group in leads for i in group]
    often = Counter(led)
    left = np.array([settings.groups_per_city - often[i] for i in rows], dtype=np.float64)
    most = settings.groups_per_city
    rules = [
        Rule(
            "group size",
            say(
                "A group has {low} to {high} cities, leads included.",
                low=settings.size[0],
                high=settings.size[1],
            ),
            counts(
                "group size",
                pairs.host,
                low=low,
                high=high,
                rows=len(slots),
                says=lambda k: say(
                    "The group {title} has {low} to {high} cities",
                    title=repr(titles[k]),
                    low=settings.size[0],
                    high=settings.size[1],
                ),
            ),
        ),
        Rule(
            "one group each" if most == 1 else "groups per city",
            say("A city is in one group, as lead or member.")
            if most == 1
            else say(
                "A city is in at most {most} groups, as lead or member, and in one of a theme.",
                most=most,
            ),
            counts("one group each", pairs.guest, high=left, rows=len(rows)),
        ),
        forbid(
            "shared challenge",
            say("Nobody joins a group whose challenge it does not share."),
            ~shared,
        ),
    ]
    if most > 1:
        rules += one_of_a_theme(slots, leads, rows, pairs)
    rules += quotas_of(round_, settings, slots, leads, rows, pairs)
    rules += lock_rules(locked_in(round_, settings, slots), round_, slots, leads, rows, len(pairs))
    load = settings.load("member")
    city = np.array(rows, dtype=np.int64)[pairs.guest]
    limited = same_loads(np.arange(len(pairs)), city, amount(load), len(pairs))
    return (*rules, *load_rules(limited.block(_ledger_after(round_, settings, leads))))
