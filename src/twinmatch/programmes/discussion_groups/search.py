"""Discussion groups: a theme each, led by cities strong in it, joined by cities for whom it is a challenge.

Exact solves one after the other, told as such: first the leads (how strong each is in the theme, and what they can show
together of what the other cities seek), then the members (how far the theme is their challenge, and how well the leads answer their needs). Where groups are to be
mixed or alike in something, or people are to meet new peers, members are then swapped between groups under the
same rules, and what that costs in fit is reported.

Notation: K groups, each of a theme (several groups may share one); R cities that may join; need (R, K).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from twinmatch.affinity import Affinity, compare
from twinmatch.cohort import Host
from twinmatch.embedding.sentences import TOPICS
from twinmatch.errors import NoProposalError, Problem
from twinmatch.facets.answered import topic_table
from twinmatch.facets.base import memberships
from twinmatch.facets.readiness import levels
from twinmatch.programmes.discussion_groups.settings import WHERE, DiscussionGroups, Slot, locked_in
from twinmatch.programmes.load_ledger import LoadEntry, LoadLedger, load_block, loads_of
from twinmatch.programmes.quotas import Counted, Units, counted_kinds, rules_of, with_topics
from twinmatch.programmes.round import Round
from twinmatch.programmes.rules import Rule, best_choice, forbid, gate, load_rules
from twinmatch.programmes.themes import Theme, ThemeNeed, need_of, quoted, strength_of, topics_of
from twinmatch.solving import Block, Bools, Candidates, Floats, Solution, counts, solve
from twinmatch.wording import joined, listed, say, say_n

LEAD_SHOWS = 0.15
"""What it is worth of a lead that it can show anything of the theme."""

LEADS_SHOW = 1.0
"""What it costs the leads of a group together that none of them can show what others seek of the theme."""

MOST_TOGETHER = 2_000
"""Pairs of a group and a possible lead up to which leads are chosen for what they show together; beyond, each alone."""

LEAD_READINESS = 0.2
"""Part of a lead's score that is its readiness to deliver; the rest is its strength in the theme."""


@dataclass(frozen=True, eq=False)
class PreparedGroups:
    """Groups that may be held with their leads; and every pair of a group and a city, group-major, with the rules over it."""

    round: Round
    settings: DiscussionGroups
    slots: Sequence[Slot]
    leads: Sequence[Sequence[int]]

    @cached_property
    def led(self) -> Counter[int]:
        """Return how many groups each lead leads."""
        return Counter(i for group in self.leads for i in group)

    @cached_property
    def merits(self) -> LeadMerits:
        """Return what the leads were chosen by."""
        return lead_merits(self.round, self.settings, self.slots)

    @cached_property
    def ledger(self) -> LoadLedger:
        """Return the ledger once the leads are entered."""
        load, before = self.settings.load("lead"), self.round.ledger
        more = (
            LoadEntry(self.settings.PRODUCT, str(k), i, "lead", load)
            for k, group in enumerate(self.leads)
            for i in group
        )
        return replace(before, entries=(*before.entries, *more))

    @cached_property
    def affinity(self) -> Affinity:
        """Return how well every city that may join (row) fits every group (column)."""
        cohort, settings = self.round.cohort, self.settings
        fits = self.ledger.fits(settings.load("member"))
        rows = [
            i
            for i, city in enumerate(cohort.cities)
            if self.led[i] < settings.groups_per_city
            and fits[i]
            and city.id not in cohort.brought
            and not set(settings.not_roles) & set(city.roles)
        ]
        groups = zip(self.slots, self.leads, strict=True)
        columns = [Host(slot.key, slot.title, tuple(group)) for slot, group in groups]
        themes, facet_cache = [slot.theme for slot in self.slots], self.round.facet_cache
        own = {"theme": ThemeNeed(cohort, themes, facet_cache)}
        return compare(cohort, settings.weights, facet_cache, rows=rows, columns=columns, own=own)

    @cached_property
    def need(self) -> Floats:
        """Return the need of every city that may join for the theme of every group, (R, K)."""
        return need_of(self.round, [slot.theme for slot in self.slots], self.affinity.rows)

    @cached_property
    def shares(self) -> Bools:
        """Return which cities share the challenge of which groups, (R, K)."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.need >= max(self.settings.least_need, 1e-9))

    @cached_property
    def candidates(self) -> Candidates:
        """Return every pair of a group and a city."""
        shape = len(self.slots), len(self.affinity.rows)
        t, g = (axis.ravel() for axis in np.indices(shape))
        return Candidates(t, g, self.affinity.score.T.ravel(), shape[0], max(shape[1], 1))

    def grid(self, pairs: Bools) -> Bools:
        """Return values over the pairs as a table of groups and cities, (K, R)."""
        return pairs.reshape(len(self.slots), len(self.affinity.rows))

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """Return the rules over the pairs, in the order of the report."""
        settings, pairs, rows = self.settings, self.candidates, self.affinity.rows
        most, led = settings.groups_per_city, np.array([len(group) for group in self.leads])
        low, high = np.maximum(settings.size[0] - led, 0), settings.size[1] - led
        left = np.array([most - self.led[i] for i in rows], dtype=np.float64)
        band = {"low": settings.size[0], "high": settings.size[1]}
        # No rule holds what it is kept in: else both, and all pairs, stay until the collector comes by.
        slots, name_of = self.slots, self.round.name

        def group(k: int) -> str:
            title = quoted(slots[k].title)
            return say("The group {title} has {low} to {high} cities", title=title, **band)

        def city_says(r: int) -> str:
            return say_n(
                "{city} joins at most {n} group",
                "{city} joins at most {n} groups",
                int(left[r]),
                city=name_of(rows[r]),
            )

        rules = [
            Rule(
                "group size",
                say("A group has {low} to {high} cities, leads included.", **band),
                counts("group size", pairs.host, low=low, high=high, rows=len(led), says=group),
                there=led.astype(np.float64),
            ),
            Rule(
                "one group each" if most == 1 else "groups per city",
                say("A city is in one group, as lead or member.")
                if most == 1
                else say(
                    "A city is in at most {most} groups, as lead or member, and in one of a theme.",
                    most=most,
                ),
                counts("one group each", pairs.guest, high=left, rows=len(rows), says=city_says),
            ),
            forbid(
                "shared challenge",
                say("Nobody joins a group whose challenge it does not share."),
                ~self.shares.T.ravel(),
            ),
        ]
        rules += self._one_of_a_theme() if most > 1 else []
        rules += self._quotas()
        rules += self._locks()
        takes = loads_of([(i,) for i in rows], settings.load("member"), self.round.cohort)
        rules += load_rules(load_block(takes[pairs.guest], self.ledger))
        closed = gate(self.affinity.coverage.T.ravel(), settings.known_at_least)
        return (*rules, closed) if closed else tuple(rules)

    def _one_of_a_theme(self) -> list[Rule]:
        """A city of several groups joins one of each theme, and none of a theme that it leads."""
        pairs, rows = self.candidates, len(self.affinity.rows)
        themes = sorted({slot.theme.id for slot in self.slots})
        of = np.array([themes.index(slot.theme.id) for slot in self.slots], dtype=np.int64)
        says, name = say("A city is in one group of a theme."), "one group of a theme"
        label = pairs.guest * len(themes) + of[pairs.host]
        block = counts(name, label, high=1, rows=rows * len(themes), says=lambda _: says)
        leading = np.zeros((len(themes), rows), dtype=bool)
        for t, group in zip(of, self.leads, strict=True):
            leading[t, [self.affinity.row_of[i] for i in group if i in self.affinity.row_of]] = True
        own = leading[of[pairs.host], pairs.guest]
        rules = [Rule(name, says, block)]
        if own.any():
            led = say("Nobody joins a group of a theme that it leads.")
            rules.append(forbid("its own theme", led, own))
        return rules

    def _quotas(self) -> Iterator[Rule]:
        """Yield the rules on kinds of cities in a group, the groups of a theme, or all; leads count where they lead."""
        settings, pairs, rows = self.settings, self.candidates, list(self.affinity.rows)
        cohort = with_topics(self.round, settings.quotas)
        for name, quota in settings.quotas:
            titles = {
                "group": [slot.title for slot in self.slots],
                "theme": [slot.theme.title for slot in self.slots],
                "all": ["All groups"] * len(self.slots),
            }[quota.per]
            names = list(dict.fromkeys(titles))
            of = np.array([names.index(title) for title in titles], dtype=np.int64)
            there = np.zeros((len(names), len(cohort)), dtype=bool)
            for k, group in zip(of, self.leads, strict=True):
                there[k, list(group)] = True
            kinds = [
                Counted(mask[rows][pairs.guest], mask, words)
                for words, mask in counted_kinds(cohort, quota, [*rows, *self.led.elements()])
            ]
            yield from rules_of(
                name, quota, Units.of(WHERE[quota.per], names, of[pairs.host], there), kinds
            )

    def _locks(self) -> list[Rule]:
        """Cities that are locked in a group are in it; none where no city is."""
        row_of, rows = self.affinity.row_of, len(self.affinity.rows)
        locked = locked_in(self.round, self.settings, self.slots).items()
        held = [(i, k) for i, k in locked if i in row_of and i not in self.leads[k]]
        if not held:
            return []
        label = np.full(len(self.candidates), -1, dtype=np.int64)
        label[[k * rows + row_of[i] for i, k in held]] = np.arange(len(held))
        told = [
            say(
                "{city} is locked in {title}",
                city=self.round.name(i),
                title=quoted(self.slots[k].title),
            )
            for i, k in held
        ]
        block = counts("locks", label, low=1, high=1, rows=len(held), says=told.__getitem__)
        return [Rule("locks", say("Cities that are locked in a group are in it."), block)]

    def why_not(self) -> str:
        """Return why there are no such groups: the rules on kinds of cities without which there would be, if any."""
        names = {name for name, _ in self.settings.quotas}
        mine = {name: [r for r in self.rules if r.name.startswith(name)] for name in sorted(names)}
        kinds = [
            name
            for name, of in mine.items()
            if self._would([rule for rule in self.rules if rule not in of])
        ]
        every = [rule for of in mine.values() for rule in of]
        if not kinds and every and self._would([r for r in self.rules if r not in every]):
            kinds = list(mine)
        if not kinds:
            return say("too few cities that share it can join")
        return say("with it the rules cannot be kept: {rules}", rules=joined(kinds, ", "))

    def _would(self, rules: Sequence[Rule]) -> bool:
        """Return whether there are groups under some rules."""
        return best_choice(rules, self.candidates, ("filled",))[1].status != "infeasible"

    def check_locks(self) -> None:
        """Raise NoProposalError with every lock of a city in a group that another rule keeps it from."""
        problems = []
        for i, k in locked_in(self.round, self.settings, self.slots).items():
            row = self.affinity.row_of.get(i)
            pair = None if row is None else k * len(self.affinity.rows) + row
            broken = [r.name for r in self.rules if pair is not None and r.forbidden[pair]]
            if i in self.leads[k] or (pair is not None and not broken):
                continue
            keeps = joined(broken, ", ") if broken else say("it can join no group")
            found = say(
                "{city} is locked in the group {title}, but {why}.",
                city=self.round.name(i),
                title=quoted(self.slots[k].title),
                why=say("the rules keep it out: {broken}", broken=keeps),
            )
            do = say("Release the lock, or loosen the rule.")
            problems.append(Problem("lock-in-group", found, do=do))
        if problems:
            raise NoProposalError(problems)


@dataclass(frozen=True, eq=False)
class Groups:
    """Groups with their leads and members, before they are put into words; chosen over the pairs."""

    ready: PreparedGroups
    chosen: Bools
    solution: Solution
    engine: str
    cost: float = 0.0
    """Score that mixing and new peers cost."""

    def waiting(self) -> NDArray[np.intp]:
        """Return the rows that share an open theme and have no group."""
        share = self.ready.shares.any(axis=1)
        return np.flatnonzero(share & ~self.ready.grid(self.chosen).any(axis=0))


def groups_for(
    round_: Round, settings: DiscussionGroups, many: dict[Theme, int]
) -> Groups | tuple[str, str]:
    """Return the groups for so many a theme, or the id of the theme that has one too many and why."""
    slots = [Slot(t, n, k) for t, k in many.items() for n in range(1, k + 1)]
    leads = _leads(round_, settings, slots)
    if isinstance(leads, str):
        return leads, say("too few cities can lead it")
    ready = PreparedGroups(round_, settings, slots, leads)
    ready.check_locks()
    chosen, solution = best_choice(ready.rules, ready.candidates)
    if solution.status == "infeasible":
        weakest = _fewest(slots, ready.need, settings.least_need)
        return weakest, ready.why_not()
    return Groups(ready, chosen, solution, solution.engine)


def with_more_groups(made: Groups, many: dict[Theme, int]) -> Groups:
    """Return the groups with further ones of themes for which cities wait, as long as that places more of them.

    Where so many wait for a theme that they would fill several groups, half as many open at once: else a cohort of
    thousands would be solved again for every single group.
    """
    round_, settings = made.ready.round, made.ready.settings
    full: set[str] = set()
    at_once: dict[str, int] = {}
    while True:
        waiting, ready, themes = made.waiting(), made.ready, list(many)
        place = [next(k for k, s in enumerate(ready.slots) if s.theme is t) for t in themes]
        asks = np.nan_to_num(ready.need[waiting][:, place], nan=-1.0)
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
        if isinstance(wider, Groups) and len(wider.waiting()) < len(waiting):
            many.update(more)
            made = wider
        elif further > 1:
            at_once[theme.id] = further // 2
        else:
            full.add(theme.id)


def not_open(closed: Mapping[str, Sequence[str]]) -> list[str]:
    """Return which themes do not open, by why."""
    return [
        say_n(
            "{titles} does not open because {why}",
            "{titles} do not open because {why}",
            len(titles),
            titles=listed(list(titles)),
            why=why,
        )
        for why, titles in closed.items()
    ]


def _fewest(slots: Sequence[Slot], need: Floats, least: float) -> str:
    """Return the theme of the group that the fewest cities need, themes with several groups first."""
    with np.errstate(invalid="ignore"):
        sharing = (need >= least).sum(axis=0) / np.array([slot.of for slot in slots])
    order = sorted(range(len(slots)), key=lambda k: (float(sharing[k]), -k))
    return slots[order[0]].theme.id


@dataclass(frozen=True, eq=False)
class LeadMerits:
    """What leads of K groups are chosen by: who may lead; strength (K, L), readiness (L,), topics shown (L, T) and sought (K, T)."""

    may: Sequence[int]
    strength: Floats
    ready: Floats
    shown: Bools
    sought: Floats

    @property
    def answers(self) -> Floats:
        """Return the part that each can show of what others seek of each theme, (K, L)."""
        return np.asarray(self.sought @ self.shown.T)

    @property
    def together(self) -> bool:
        """Return whether leads are chosen for what they show together, not each alone."""
        return self.strength.size <= MOST_TOGETHER


def lead_merits(round_: Round, settings: DiscussionGroups, slots: Sequence[Slot]) -> LeadMerits:
    """Return who may lead some groups, and what leads are chosen by."""
    cohort = round_.cohort
    fits = round_.ledger.fits(settings.load("lead"))
    may = [
        i
        for i, c in enumerate(cohort.cities)
        if set(settings.lead_roles) & set(c.roles) and fits[i]
    ]
    themes = {slot.theme.id: slot.theme for slot in slots}
    of_theme = {key: strength_of(round_, theme)[may] for key, theme in themes.items()}
    strength = np.array([of_theme[slot.theme.id] for slot in slots]).reshape(len(slots), len(may))
    shown, sought = _shown(round_, [slot.theme for slot in slots], may)
    ready = round_.facet_cache.once(cohort, "levels", lambda: levels(cohort))[may]
    known = ~np.isnan(ready)
    mean = np.where(
        known.any(axis=1), np.nan_to_num(ready).sum(axis=1) / np.maximum(known.sum(axis=1), 1), 2.0
    )
    return LeadMerits(may, strength, mean / 4, shown, sought)


def _leads(
    round_: Round, settings: DiscussionGroups, slots: Sequence[Slot]
) -> list[list[int]] | str:
    """Return each group's leads, strongest first; or the id of a theme that cannot have enough."""
    merits = lead_merits(round_, settings, slots)
    may, strength, shown, sought = merits.may, merits.strength, merits.shown, merits.sought
    fit = (1 - LEAD_READINESS) * strength + LEAD_READINESS * merits.ready
    answers, together = merits.answers, merits.together
    score = fit + LEAD_SHOWS * (answers > 0).astype(np.float64)
    if not together:
        score += LEADS_SHOW * answers / settings.leads[1]
    locked = locked_in(round_, settings, slots)
    own = np.array([locked.get(i, -1) for i in may], dtype=np.int64)
    elsewhere = (own >= 0) & (own != np.arange(len(slots))[:, None])
    t, g = np.nonzero((strength > 0) & ~elsewhere)
    pairs = Candidates(t, g, np.round(score[t, g], 6), len(slots), max(len(may), 1))
    blocks = _lead_blocks(round_, settings, slots, may, pairs)
    if together:
        rows, of_topic = np.nonzero(sought)
        shows = (t == rows[:, None]) & shown[g][:, of_topic].T
        weight = np.round(sought[rows, of_topic], 6)
        named, matrix = "what others seek is shown", sp.csr_array(shows * weight[:, None])
        open_ = np.full(len(rows), np.inf)
        blocks.append(Block(named, matrix, weight, open_, lambda r: named, price=LEADS_SHOW))
    chosen = solve(pairs, blocks)
    if chosen.status == "infeasible":
        return _fewest(slots, np.where(strength.T > 0, 1.0, 0.0), 1.0)
    leads: list[list[int]] = [[] for _ in slots]
    for k in sorted(np.flatnonzero(chosen.chosen).tolist(), key=lambda k: (-pairs.score[k], g[k])):
        leads[t[k]].append(may[int(g[k])])
    return leads


def _shown(round_: Round, themes: Sequence[Theme], may: Sequence[int]) -> tuple[Bools, Floats]:
    """Return which topics each possible lead can show, (may, T), and the part of each in what others seek of each theme, (K, T).

    Of a theme of which nothing is sought every topic counts alike.
    """
    table = topic_table(round_.cohort, round_.facet_cache)
    others = np.setdiff1d(np.arange(len(round_.cohort)), may)
    asked = np.clip(table.seeks[others], 0.0, 1.0).sum(axis=0)
    topics = memberships([topics_of(theme) for theme in themes], TOPICS)
    sought = np.where((topics * asked).any(axis=1, keepdims=True), topics * asked, topics)
    sought /= np.maximum(sought.sum(axis=1, keepdims=True), 1e-9)
    return memberships([table.can_show([i]) for i in may], TOPICS), sought


def _lead_blocks(
    round_: Round,
    settings: DiscussionGroups,
    slots: Sequence[Slot],
    may: Sequence[int],
    pairs: Candidates,
) -> list[Block]:
    t, g, (least, most) = pairs.host, pairs.guest, settings.leads
    codes, nation = np.unique(round_.cohort.countries[list(may)], return_inverse=True)
    themes, of = np.unique([slot.theme.id for slot in slots], return_inverse=True)
    often = min(settings.lead_of, settings.groups_per_city)
    theme, country = g * len(themes) + of[t], t * len(codes) + nation[g]
    blocks = [
        counts("leads", t, low=least, high=most, rows=len(slots)),
        counts("groups led", g, high=often, rows=len(may)),
        counts("one group of a theme", theme, high=1, rows=len(may) * len(themes)),
        counts("one lead a country", country, high=1, rows=len(slots) * len(codes)),
    ]
    takes = loads_of([(i,) for i in may], settings.load("lead"), round_.cohort)
    limited = load_block(takes[g], round_.ledger)
    return [*blocks, limited] if limited else blocks
