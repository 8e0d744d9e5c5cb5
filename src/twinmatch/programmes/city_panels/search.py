"""Settings of city panels; their questions, given or proposed from what most cities seek; and who sits on which panel.

Where all cities sit on one, panels are as mixed as found: dealt, then swapped, with a bound.

Notation: P panels, n cities; fits (P, n) in [0, 1] is how far a panel's topics are what a city seeks or shows.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from itertools import islice, product
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from twinmatch.embedding.sentences import TOPICS
from twinmatch.errors import NoProposalError
from twinmatch.facets.answered import TopicTable, topic_table
from twinmatch.facets.quoting import classifier_for, worded
from twinmatch.programmes.base import Band, Load, ProductSettings, ProgrammeSection
from twinmatch.programmes.group_quotas import Alike, GroupQuotas, best_grouping, silent_mean
from twinmatch.programmes.kinds import Attribute, categories, category, of_category
from twinmatch.programmes.quotas import (
    Counted,
    Quota,
    Units,
    counted_kinds,
    counted_per,
    quota_rules,
    told_apart,
    with_topics,
)
from twinmatch.programmes.round import Round
from twinmatch.programmes.rules import Rule
from twinmatch.schema import Domain, Role
from twinmatch.solving import (
    Bools,
    Candidates,
    Distribute,
    Floats,
    Ints,
    Labels,
    NobodyIsolated,
    clash,
    counts,
    in_words,
    solve,
)
from twinmatch.solving.exact import fewest_alike
from twinmatch.solving.exchange import dealt, exchange_in_parts
from twinmatch.solving.model import Solution
from twinmatch.vocabulary.topics import Topic
from twinmatch.wording import Title, say


class Purpose(ProgrammeSection):
    """What a panel is for: its question, and the topics that it is about."""

    title: Title = Field(min_length=1)
    question: str = ""
    """Its question; empty: proposed from what cities seek"""
    topics: tuple[Topic, ...] = ()
    """Topics of the question; none: read from it, or proposed with it"""
    about: Literal["practice", "strategy", "any"] = "any"
    """Where a question is proposed from: topics of practice (domains), of strategy (governance, finance, regulation), or any"""


class CityPanels(ProductSettings):
    """Deliberately mixed groups of Mission and other cities."""

    LOADS: ClassVar[dict[str, Load]] = {"member": Load(hours=2)}

    title: str = Field("City panels", min_length=1)
    size: Band = (8, 12)
    """Cities of a panel: at least, at most"""
    panels: int | None = Field(None, ge=1)
    """Number of panels; none: as many as all cities fill"""
    purposes: tuple[Purpose, ...] = ()
    """What each panel is for, in order; panels beyond these have no question"""
    roles: tuple[Role, ...] = ()
    """Only cities of one of these roles; none: all"""
    mission_at_least: int = Field(1, ge=0)
    """Mission Cities in a panel, at least"""
    cities_per_country: int | None = Field(2, ge=1)
    """Cities of a country, at most"""
    rules: Annotated[tuple[Quota, ...], counted_per("panel", "all", compared=("panel",))] = ()
    """Numbers and shares of kinds of cities, each per 'panel' (left out) or 'all' panels"""
    lock: tuple[tuple[str, Annotated[str, Field(pattern=r"^[1-9][0-9]{0,3}$")]], ...] = ()
    """Cities that are on a panel whatever else: the city, and the panel's number"""
    split: dict[Literal[""], Annotated[int, Field(ge=1, le=20)]] = Field({})
    """Number of panels, under an empty name, in place of ``panels``"""
    mix: dict[Attribute, float] = Field(
        {"country": 25, "region": 20, "size": 20, "readiness": 20, "mission": 15},
        min_length=1,
        validate_default=True,
    )
    """What panels are mixed by, with weights; only their proportions matter. Left out of a file: all that the table does not say is as in the bundled one"""

    @field_validator("mix")
    @classmethod
    def _usable(cls, mix: dict[Attribute, float]) -> dict[Attribute, float]:
        wrong = [name for name, w in mix.items() if not math.isfinite(w) or w < 0]
        if wrong or not sum(mix.values()):
            raise ValueError(f"weights are numbers of at least 0, one above it: {wrong or mix}")
        total = sum(mix.values())
        return {name: weight / total for name, weight in mix.items() if weight}

    @property
    @told_apart
    def quotas(self) -> Iterator[tuple[str, Quota]]:
        """Yield every rule on kinds of cities with its name."""
        if self.mission_at_least:
            yield "Mission Cities", Quota(who="mission", at_least=self.mission_at_least)
        if self.cities_per_country is not None:
            yield "cities per country", Quota(each="country", at_most=self.cities_per_country)
        for quota in self.rules:
            place = say("on all panels") if quota.per == "all" else say("in each panel")
            yield quota.named(say("cities"), place), quota


Places = NDArray[np.intp]

ALL_PANELS = say("On all panels")
MOST_OF_A_KIND = 0.5
"""Part of a panel that one known category of an attribute takes at most, where members are chosen."""

MOST_TRIED, MOST_WAYS = 40, 1_000
"""Choices of proposed topics that are tried, of so many in order."""

FITS = 0.3
"""From this much on a topic counts as sought or shown."""


@dataclass(frozen=True)
class PanelQuestion:
    """The question of a panel with its title and topics."""

    title: str
    text: str
    topics: tuple[Topic, ...]
    tried: int = 0
    """Topics of which none can have a panel, this one coming nearest; 0 for a question that was not chosen so"""

    @property
    def named(self) -> str:
        """Return its title with what it is about."""
        says = "{panel}, on {topics}"
        return (
            say(says, panel=self.title, topics=worded(self.topics)) if self.topics else self.title
        )


def questions(
    round_: Round, settings: CityPanels, number: int, cities: Sequence[int], chosen: bool = False
) -> list[PanelQuestion]:
    """Return the question of each panel's purpose; proposed ones are on what most seek, once each, if members are ``chosen`` only on what can have a panel where anything can."""
    table = topic_table(round_.cohort, round_.facet_cache)
    sought = np.clip(table.seeks[list(cities)], 0.0, 1.0).sum(axis=0)
    given = {topic for purpose in settings.purposes for topic in purpose.topics}
    order = np.argsort(-sought.round(6), kind="stable").tolist()
    open_ = [TOPICS[k] for k in order if sought[k] > 0 and TOPICS[k] not in given]
    options: list[list[PanelQuestion]] = []
    for purpose in settings.purposes[:number]:
        ways = [purpose.topics or _read(round_, purpose.question)]
        if not purpose.question and not ways[0]:
            practice = {"practice": (True,), "strategy": (False,)}.get(purpose.about, (True, False))
            ways = [(t,) for t in open_ if (t.area in set(Domain)) in practice] or ways
        text = purpose.question
        options.append([PanelQuestion(purpose.title, text or _asked(purpose, t), t) for t in ways])
    return _held(round_, settings, options, cities, MOST_TRIED if chosen else 0)


def _held(
    round_: Round,
    settings: CityPanels,
    options: Sequence[Sequence[PanelQuestion]],
    cities: Sequence[int],
    most: int,
) -> list[PanelQuestion]:
    """Return the first questions, one of each purpose's and none of a topic twice, that can have panels together; else the nearest to it."""
    free, found = settings.model_copy(update={"lock": ()}), list[PanelQuestion]()
    few = [range(len(of))[: max(2, int(MOST_WAYS ** (1 / len(options))))] for of in options]
    ways = []
    for ks in sorted(product(*few), key=lambda ks: (sum(ks), ks)):
        way = [of[k] for of, k in zip(options, ks, strict=True)]
        picked = [q.topics for q, of in zip(way, options, strict=True) if len(of) > 1]
        ways += [way] if len({*picked}) == len(picked) else []
    room = cache(lambda question: _room(round_, settings, question, cities))
    able = (way for way in ways if not any(room(question)[1] for question in way))
    for way in islice(able, most if len(ways) > 1 else 0):
        found = found or way
        with suppress(NoProposalError):
            seated(round_, free, way, cities)
            return way
    found = found or (ways[0] if ways else [of[0] for of in options])
    for p, of in enumerate(options):
        if most and len(of) > 1 and all(room(question)[1] for question in of):
            found[p] = replace(max(of, key=lambda question: room(question)[0]), tried=len(of))
    return found


def _room(
    round_: Round, settings: CityPanels, question: PanelQuestion, cities: Sequence[int]
) -> tuple[int, str]:
    """Return how many cities a panel on a question can have at most, and what it lacks, in words; empty for nothing."""
    near = np.array(cities)[np.maximum(*fit_of(round_, question))[list(cities)] >= FITS]
    n, size, most = len(near), settings.size, math.ceil(MOST_OF_A_KIND * settings.size[1])
    told: dict[str, Any] = {"panel": question.named, "n": n, "size": size[0]}
    says = "{panel}: {n} cities want to learn about it or can show something on it, and a panel takes at least {size}."
    found = n, say(says, **told) if n < size[0] else ""
    for attribute in (a for a in settings.mix if a != "country"):
        every = categories(round_.cohort, attribute)
        kinds = Counter(every[i] for i in near)
        room = sum(min(m, most) if kind else m for kind, m in kinds.items())
        if room < min(found[0], size[0]):
            kind, m = max(kinds.items(), key=lambda item: (item[1], item[0] or ""))
            others = say("{m} of them", m=m) if m < n else say("All of them")
            told |= {"kind": of_category(attribute, kind), "short": max(size[0] - most, 1)}
            says = "{panel}: {n} cities want to learn about it or can show something on it. {others} are {kind}, of whom a panel takes at most {most}; it needs at least {short} other cities as well."
            found = room, found[1] or say(says, others=others, most=most, **told)
    return found


def _read(round_: Round, question: str) -> tuple[Topic, ...]:
    """Return the topics that a classifier names in a question; none without one."""
    classifier = classifier_for(round_.facet_cache)
    if not question or classifier is None:
        return ()
    vectors = np.asarray(round_.facet_cache.text.vectors([question]))
    if np.isnan(vectors).any():
        return ()
    sure = classifier.read(vectors).topics[0]
    return tuple(t for t, p in zip(TOPICS, sure, strict=True) if p >= classifier.threshold)


def _asked(purpose: Purpose, topics: Sequence[Topic]) -> str:
    if not topics:
        return say("What do cities need from each other first?")
    what = topics[0].wording
    if purpose.about == "strategy":
        return say(
            "Which decisions on {what} would help cities most, and who takes them?", what=what
        )
    return say("What has worked on {what}, and what holds cities back?", what=what)


def fit_of(round_: Round, question: PanelQuestion) -> tuple[Floats, Floats]:
    """Return how far each city seeks and shows a question's topics, both (n,) in [0, 1]; 1 for a question without topics."""
    table: TopicTable = topic_table(round_.cohort, round_.facet_cache)
    if not question.topics:
        return np.ones(len(round_.cohort)), np.ones(len(round_.cohort))
    columns = [TOPICS.index(t) for t in question.topics]
    seeks, shows = (
        np.clip(side[:, columns].max(axis=1), 0.0, 1.0) for side in (table.seeks, table.shows)
    )
    return seeks, shows


def locked_on(round_: Round, settings: CityPanels, cities: Sequence[int]) -> Ints:
    """Return the panel on which each of some cities is locked, (n,) and -1 for none; locks of other cities are passed over."""
    of: dict[str, int] = {}
    for city, panel in settings.lock:
        ((id_,),) = round_.cohort.by_id([[city]])
        of.setdefault(id_, int(panel) - 1)
    return np.array([of.get(round_.id(i), -1) for i in cities], dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Seats:
    """The panel of each city, (n,) and -1 for none, with the pairs and rules that it was chosen from and the solution."""

    round: Round
    settings: CityPanels
    label: Ints
    candidates: Candidates
    rules: Sequence[Rule]
    solution: Solution


def seated(
    round_: Round, settings: CityPanels, asked: Sequence[PanelQuestion], cities: Sequence[int]
) -> Seats:
    """Return the panel of each city: the best fit to the questions under the quotas, proven best.

    Raises NoProposalError where no choice keeps the quotas.
    """
    size = settings.size
    fits = np.array([np.maximum(*fit_of(round_, q))[list(cities)] for q in asked])
    locked = locked_on(round_, settings, cities)
    here = np.arange(len(asked))[:, None] == locked
    p, c = np.nonzero((fits >= FITS) | here)

    def sized(message: str, k: int) -> str:
        return say(message, panel=asked[k].named, least=size[0], n=size[1])

    def on_one(k: int) -> str:
        return say("{city} is on one panel", city=round_.name(cities[k]))

    full = partial(sized, "{panel}: all {n} places are taken")
    banded = partial(sized, "{panel} takes {least} to {n} cities")
    locked_here = np.where(here[p, c], c, -1)
    rules = [
        counts("locks", locked_here, low=locked >= 0, rows=len(cities), says=on_one),
        counts("one panel each", c, high=1, rows=len(cities), says=on_one),
        counts("sizes", p, low=size[0], high=size[1], rows=len(asked), says=full),
    ]
    for name, quota in settings.quotas:
        names = [ALL_PANELS] if quota.per == "all" else [q.named for q in asked]
        nobody = np.zeros((len(names), len(round_.cohort)), dtype=bool)
        units = Units.of("", names, np.minimum(p, len(names) - 1), nobody)
        counted = [
            Counted(mask[list(cities)][c], mask, words)
            for words, mask in counted_kinds(with_topics(round_, settings.quotas), quota, cities)
        ]
        rules += [block for _, block in quota_rules(name, quota, units, counted)]
    most = math.ceil(MOST_OF_A_KIND * settings.size[1])
    for attribute in settings.mix:
        if attribute != "country":
            labels = [category(round_.cohort.cities[i], attribute) for i in cities]
            names = sorted({w for w in labels if w})
            number = np.array([names.index(w) if w else -1 for w in labels], dtype=np.int64)[c]
            row = np.where(number >= 0, p * len(names) + number, -1)
            rules.append(
                counts(
                    f"mixed in {attribute}",
                    row,
                    high=most,
                    rows=len(asked) * len(names),
                    says=partial(_of_a_kind, asked, attribute, names, most),
                )
            )
    candidates = Candidates(p, c, np.round(fits[p, c], 6), len(asked), len(cities))
    found = solve(candidates, rules)
    if found.status == "infeasible" or not len(c):
        rooms = [_room(round_, settings, q, cities) for q in asked]
        k = min(range(len(asked)), key=lambda k: (not rooms[k][1], rooms[k][0]))
        why = rooms[k][1]
        if not why:  # rules that clash
            rules[2] = replace(rules[2], says=banded)
            core = clash(candidates, rules)
            rows = tuple(at for at in core.rows if at.rule != "one panel each")
            why = in_words(replace(core, rows=rows), Labels(rules))
        elif asked[k].tried:
            says = "None of the {n} topics that these cities seek can have a panel. Nearest: {why}"
            why = say(says, n=asked[k].tried, why=why)
        do = say("Give other questions, or loosen a quota.")
        raise NoProposalError.of("no-panels", why, do=do)
    label = np.full(len(cities), -1, dtype=np.int64)
    label[c[found.chosen]] = p[found.chosen]
    held = Counter(block.name for block in rules)
    once = {name for name, n in held.items() if n == 1} - {"one panel each"}
    told = [Rule(b.name, "", b, kind="rule" if b.name in once else "structure") for b in rules]
    return Seats(round_, settings, label, candidates, told, found)


def _of_a_kind(
    asked: Sequence[PanelQuestion], attribute: Attribute, names: Sequence[str], most: int, row: int
) -> str:
    panel, kind = divmod(row, len(names))
    told = {"panel": asked[panel].named, "kind": of_category(attribute, names[kind])}
    return say("{panel}: at most {n} cities may be {kind}", n=most, **told)


# --- all cities in panels as mixed as found ------------------------------------------------------------------

AT_ONCE = 1_200
"""Cities up to which every swap is tried; of more, swaps within some panels at a time."""

TOGETHER = 400
"""Cities of panels that swap among themselves, where not all do."""

PROVABLE = 16
"""Cities up to which the best panels are looked for among all groupings."""


@dataclass(frozen=True, eq=False)
class Mix:
    """Some cities by what panels are mixed by: the category of each, (n,) by attribute, and how alike they are."""

    round: Round
    settings: CityPanels
    cities: Sequence[int]

    @cached_property
    def words(self) -> dict[Attribute, list[str | None]]:
        """Return the category of each city by attribute, None where it is not known."""
        every = {a: categories(self.round.cohort, a) for a in self.settings.mix}
        return {a: [said[i] for i in self.cities] for a, said in every.items()}

    @cached_property
    def each(self) -> dict[Attribute, Alike]:
        """Return how alike the cities are in each attribute."""
        return {a: Alike(said) for a, said in self.words.items()}

    def likeness(self, rows: Places, columns: Places | None = None) -> Floats:
        """Return how alike some of the cities are to each other, (r, r), or to others, (r, c), in [0, 1]."""
        weights = self.settings.mix.items()
        whole = sum(w * self.each[a].of(rows, columns) for a, w in weights)
        return np.asarray(np.round(whole, 9))

    def least_alike(self, sizes: Ints) -> float:
        """Return a sum of mean likenesses that no panels go below: each attribute mixed as well as if it were alone."""
        return math.fsum(
            weight * fewest_alike([*Counter(filter(None, said)).values()], sizes, silent_mean(said))
            for said, weight in zip(self.words.values(), self.settings.mix.values(), strict=True)
        )


def sizes_of(n: int, number: int) -> Ints:
    """Return the sizes of so many groups of n cities, (K,): as even as can be, larger ones first."""
    return np.full(number, n // number) + (np.arange(number) < n % number)


def grouped(mix: Mix, number: int) -> tuple[Ints, float]:
    """Return the panel of every city and a bound on the score; raises NoProposalError where quotas clash."""
    round_, settings, cities, words = mix.round, mix.settings, mix.cities, mix.words
    n, locked = len(cities), locked_on(round_, settings, cities)
    sizes = sizes_of(n, number)
    keys = [
        (round_.cohort.cities[i].country, *(words[a][k] or "" for a in settings.mix), round_.id(i))
        for k, i in enumerate(cities)
    ]
    start = dealt(keys, number)
    if n > PROVABLE and (locked >= 0).any():
        start = _with_locks(_earlier(round_, cities, start), locked, settings.size)
        sizes = np.bincount(start, minlength=number)
    asked = GroupQuotas.of(round_, settings.quotas, cities, sizes)
    best: Ints | None
    if n > AT_ONCE:
        way = next(asked.ways(), [])
        several = [(r, p) for r, p in way if isinstance(r, Distribute | NobodyIsolated)]
        best, most = _swapped(start, number, mix, several, locked >= 0), math.inf
    else:
        likeness, starts = mix.likeness(np.arange(n)), [(start, locked >= 0)]
        best, most = best_grouping(likeness, asked, starts, fixed=locked, alike=False)
    if best is None or asked.missed(best)[0]:
        says, do = "No panels keep the rules on kinds of cities.", say("Loosen a rule.")
        raise NoProposalError.of("no-panels", say(says), do=do)
    return best, n + min(-mix.least_alike(sizes), most) - asked.whole[1]


def _earlier(round_: Round, cities: Sequence[int], otherwise: Ints) -> Ints:
    """Return the panel that each city was on in the earlier proposal, (n,) and -1 for none; ``otherwise`` without one."""
    products = round_.previous.products if round_.previous else ()
    meetings = next((p.meetings for p in products if p.product == "city_panels"), ())
    places = [int(m.id.rpartition(":")[2]) - 1 for m in meetings]
    if not places or max(places) > otherwise.max():
        return otherwise
    of = {city: k for m, k in zip(meetings, places, strict=True) for city in m.cities()}
    return np.array([of.get(round_.id(i), -1) for i in cities], dtype=np.int64)


def _with_locks(label: Ints, locked: Ints, size: Band) -> Ints:
    """Return panels (n,) with locked cities on theirs, cities without one on the smallest, and sizes within the band.

    Where locks leave no way into the band, sizes stay outside it.
    """
    number = int(max(label.max(), locked.max())) + 1
    label = np.where(locked >= 0, locked, label)
    for k in np.flatnonzero(label < 0):
        label[k] = np.argmin(np.bincount(label[label >= 0], minlength=number))
    while True:
        held = np.bincount(label, minlength=number)
        most, least = int(np.argmax(held)), int(np.argmin(held))
        free = np.flatnonzero((label == most) & (locked < 0))
        if (size[0] <= held[least] and held[most] <= size[1]) or not len(free):
            return label
        if held[most] - held[least] < 2:
            return label
        label[free[-1]] = least


def _swapped(
    start: Ints,
    number: int,
    mix: Mix,
    asked: Sequence[tuple[Distribute | NobodyIsolated, float | None]],
    fixed: Bools,
) -> Ints:
    """Return panels that no swap betters, under rules with their prices; of thousands, no swap within some at a time.

    Then swaps are tried twice, among panels that were dealt next to each other and among panels far apart.
    """
    rules = [rule for rule, price in asked if price is None]
    soft = [(rule, price) for rule, price in asked if price is not None]
    parts = -(-len(start) // TOGETHER)
    far = [list(range(part, number, parts)) for part in range(parts)]
    near = [part.tolist() for part in np.array_split(np.arange(number), parts)]
    return exchange_in_parts(
        start, mix.likeness, rules, [*near, *far], soft=soft, fixed=fixed, alike=False
    )
