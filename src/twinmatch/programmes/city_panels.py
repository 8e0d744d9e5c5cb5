"""City panels: groups of Mission and other cities that are as mixed as quotas allow.

A pair of cities is unlike in an attribute where their categories differ; a panel's score is the mean over its
pairs of the weighted unlikeness, so each line of its account tells how mixed it is in one attribute.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from twinmatch.errors import NoProposalError, Problem
from twinmatch.programmes.attributes import (
    TITLES,
    Alike,
    Attribute,
    categories,
    composition,
    likeness_to_all,
    silent_mean,
)
from twinmatch.programmes.base import Band, Load, ProductSettings, ordered
from twinmatch.programmes.round import Round
from twinmatch.programmes.rules import counted, few_of_a_country, judged, outside
from twinmatch.proposal import (
    Account,
    Evidence,
    LeftOut,
    Meeting,
    Member,
    Product,
    RuleStatus,
    Table,
    count,
)
from twinmatch.schema import Role
from twinmatch.solving import Distribute, group_referee, partition
from twinmatch.solving.exchange import dealt, exchange, exchange_in_parts, pair_score

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Places = NDArray[np.intp]

AT_ONCE = 1_200
"""Cities up to which every swap is tried; of more, swaps within some panels at a time."""

TOGETHER = 400
"""Cities of panels that swap among themselves, where not all do."""

BLOCK = 1_000_000
"""Pairs whose likeness is held at once."""

PROVABLE = 16
"""Cities up to which the best panels are looked for among all groupings."""


class CityPanels(ProductSettings):
    """Deliberately mixed groups of Mission and other cities."""

    LOADS: ClassVar[dict[str, Load]] = {"member": Load(hours=2)}

    title: str = Field("City panels", min_length=1)
    size: Band = Field((8, 12), description="Cities of a panel: at least, at most")
    panels: int | None = Field(
        None, ge=1, description="Number of panels; none: what the sizes ask for"
    )
    roles: tuple[Role, ...] = Field(
        (), description="Only cities with one of these roles; none: every city"
    )
    mission_at_least: int = Field(1, ge=0, description="Mission Cities in a panel, at least")
    cities_per_country: int | None = Field(
        2, ge=1, description="Cities of one country in a panel, at most"
    )
    mix: dict[Attribute, float] = Field(
        {"country": 25, "region": 20, "size": 20, "readiness": 20, "mission": 15},
        min_length=1,
        validate_default=True,
        description="What panels are mixed by, with weights; only their proportions matter",
    )

    _check_band = field_validator("size")(ordered)

    @field_validator("mix")
    @classmethod
    def _usable(cls, mix: dict[Attribute, float]) -> dict[Attribute, float]:
        wrong = [name for name, w in mix.items() if not math.isfinite(w) or w < 0]
        if wrong or not sum(mix.values()):
            raise ValueError(f"weights are numbers of at least 0, one above it: {wrong or mix}")
        total = sum(mix.values())
        return {name: weight / total for name, weight in mix.items() if weight}


@dataclass(frozen=True, eq=False)
class _Mix:
    """How alike cities are in what panels are mixed by, for some of them at a time."""

    each: dict[Attribute, Alike]
    weights: dict[Attribute, float]

    def likeness(self, rows: Places, columns: Places | None = None) -> Floats:
        """Return how alike some cities are to each other, (r, r), or to others, (r, c), in [0, 1]."""
        whole = sum(w * self.each[a].of(rows, columns) for a, w in self.weights.items())
        return np.asarray(np.round(whole, 9))

    def least_alike(self, others: int) -> Floats:
        """Return each city's likeness to so many of the others to which it is least like, shape (n, others)."""
        kinds = np.column_stack([alike.kind for alike in self.each.values()])
        _, first, of = np.unique(kinds, axis=0, return_index=True, return_inverse=True)
        everyone, least = np.arange(len(kinds)), np.empty((len(first), others))
        for part in np.array_split(np.arange(len(first)), -(-len(first) * len(kinds) // BLOCK)):
            block = self.likeness(first[part], everyone)
            block[np.arange(len(part)), first[part]] = np.inf
            least[part] = np.sort(np.partition(block, others - 1, axis=1)[:, :others], axis=1)
        return least[of.ravel()]


def propose_city_panels(round_: Round, settings: CityPanels) -> Product:
    """Return the panels of a round: every city that may take part once, quotas kept, as mixed as found.

    Raises NoProposalError with the quota that no grouping keeps.
    """
    cities, out = _who(round_, settings)
    number = _number(len(cities), settings)
    if not number:
        return _none(round_, settings, cities, out)
    everyone = {a: categories(round_.cohort, a) for a in settings.mix}
    words = {a: [everyone[a][i] for i in cities] for a in settings.mix}
    mix = _Mix({a: Alike(words[a]) for a in settings.mix}, settings.mix)
    rules = _quotas(round_, settings, cities, number)
    label, bound = _grouped(round_, settings, cities, number, mix, words, rules)
    kept = _judged(round_, settings, cities, label, rules)
    score = len(cities) - pair_score(label, mix.likeness)
    members = [list(np.flatnonzero(label == g).tolist()) for g in range(number)]
    meetings = tuple(
        _meeting(round_, settings, cities, group, words, mix, n)
        for n, group in enumerate(sorted(members), 1)
    )
    proven = bound - score <= 1e-6 * max(1.0, score)
    return Product(
        "city_panels",
        settings.title,
        "optimal" if proven else "feasible",
        _engine(len(cities)),
        score,
        score if proven else bound,
        meetings,
        tuple(out),
        kept,
        f"{number} panels with {len(cities)} cities of "
        f"{len({round_.cohort.cities[i].country for i in cities})} countries.",
        tables=(_balance(round_, settings, cities, sorted(members), words),),
    )


def _engine(n: int) -> str:
    """Return in words how the panels of so many cities are found."""
    if n <= PROVABLE:
        return "exact search"
    among = "" if n <= AT_ONCE else " among some panels at a time"
    return f"dealt by country, then swaps{among}, with a bound"


def _who(round_: Round, settings: CityPanels) -> tuple[list[int], list[LeftOut]]:
    """Return the cities that take part, and why the others do not."""
    fits = round_.ledger.fits(settings.load("member"))
    cities, out = [], []
    for i, city in enumerate(round_.cohort.cities):
        if settings.roles and not set(settings.roles) & set(city.roles):
            roles = " or ".join(role.value for role in settings.roles)
            out.append(LeftOut(city.id, f"The panels are for cities with the role {roles}.", ""))
        elif not fits[i]:
            out.append(LeftOut(city.id, "What it can carry is taken by other formats.", ""))
        else:
            cities.append(i)
    return cities, out


def _number(n: int, settings: CityPanels) -> int:
    """Return how many panels: the number asked for, or the one closest to the middle of the sizes; 0 for none.

    Raises NoProposalError where no number of panels has sizes within the band.
    """
    low, high = settings.size
    low = max(low, 1)
    if n < low:
        return 0
    least, most = -(-n // max(high, 1)), n // low
    wanted = settings.panels or min(max(round(2 * n / (low + high)), least), max(most, least))
    if not least <= wanted <= most:
        raise NoProposalError(
            Problem(
                "no-panels",
                f"{settings.title}: {n} cities do not make {wanted} panels of {low} to {high}.",
                do=f"Ask for {least} to {most} panels." if least <= most else "Widen the sizes.",
            )
        )
    return wanted


def _quotas(
    round_: Round, settings: CityPanels, cities: Sequence[int], number: int
) -> list[Distribute]:
    """Return the quotas of every panel; raises NoProposalError where one cannot be kept by any grouping."""
    all_ = round_.cohort.cities
    mission = np.array([all_[i].has(Role.MISSION) for i in cities])
    rules, problems = [], []
    if settings.mission_at_least:
        rules.append(Distribute(mission, settings.mission_at_least, name="Mission Cities"))
        if mission.sum() < number * settings.mission_at_least:
            problems.append(
                f"{number} panels need {number * settings.mission_at_least} Mission Cities, there are {int(mission.sum())}"
            )
    most = settings.cities_per_country
    if most is not None:
        codes = [all_[i].country for i in cities]
        counted = Counter(codes)
        rules.append(Distribute(np.array(codes), 0, most, name="cities per country"))
        problems += [
            f"{counted[code]} cities of {code} do not fit into {number} panels with {most} each"
            for code in sorted(counted)
            if counted[code] > number * most
        ]
    if problems:
        raise NoProposalError(
            Problem("no-panels", f"{settings.title}: {text}.", do="Loosen the quota.")
            for text in problems
        )
    return rules


def _grouped(
    round_: Round,
    settings: CityPanels,
    cities: Sequence[int],
    number: int,
    mix: _Mix,
    words: dict[Attribute, list[str | None]],
    rules: Sequence[Distribute],
) -> tuple[Ints, float]:
    """Return the panel of every city and a bound on the score; raises NoProposalError where quotas clash."""
    n = len(cities)
    sizes = np.full(number, n // number)
    sizes[: n % number] += 1
    smallest = int(sizes.min())
    apart = math.inf if smallest < 2 else n - _sum_of_means(mix.least_alike(smallest - 1))
    bound = min(apart, n - _least_alike(settings, words, sizes))
    if n > PROVABLE:
        codes = [round_.cohort.cities[i].country for i in cities]
        keys = [
            (codes[k], *(words[a][k] or "" for a in settings.mix), round_.id(i))
            for k, i in enumerate(cities)
        ]
        label = _swapped(dealt(keys, number), number, mix, rules)
        if all(verdict.kept for verdict in group_referee(label, *rules)):
            return label, bound
    found = partition(
        mix.likeness(np.arange(n)),
        groups=[(int(s), int(s)) for s in sizes],
        objective="mean",
        alike=False,
        effort=50,
        rules=list(rules),
    )
    if found.status not in ("optimal", "feasible"):
        why = "; ".join(str(reason) for reason in found.reasons) or "the quotas clash"
        raise NoProposalError(
            Problem("no-panels", f"{settings.title}: {why}.", do="Loosen a quota.")
        )
    return found.label, n + found.bound if found.status == "optimal" else min(
        bound, n + found.bound
    )


def _swapped(start: Ints, number: int, mix: _Mix, rules: Sequence[Distribute]) -> Ints:
    """Return panels that no swap betters; of thousands of cities, no swap within some panels at a time.

    Then swaps are tried twice, among panels that were dealt next to each other and among panels far apart.
    """
    if len(start) <= AT_ONCE:
        return exchange(start, mix.likeness(np.arange(len(start))), rules, alike=False)
    parts = -(-len(start) // TOGETHER)
    far = [list(range(part, number, parts)) for part in range(parts)]
    near = [part.tolist() for part in np.array_split(np.arange(number), parts)]
    return exchange_in_parts(start, mix.likeness, rules, [*near, *far], alike=False)


def _sum_of_means(least: Floats) -> float:
    """Return the sum over cities of the mean of their rows, exactly rounded."""
    return math.fsum(least.mean(axis=1).tolist())


def _least_alike(
    settings: CityPanels, words: dict[Attribute, list[str | None]], sizes: Ints
) -> float:
    """Return a sum of mean likenesses that no panels go below: each attribute spread as evenly as if alone.

    Pairs with an unknown category count the mean; at best the known ones sit together in as few panels as
    they fill, which leaves the fewest pairs of known cities to differ.
    """
    number, most = len(sizes), int(sizes.max())
    factor = 2.0 / max(most - 1, 1)
    total = 0.0
    for attribute, weight in settings.mix.items():
        known = [w for w in words[attribute] if w]
        same = 0.0
        for held in Counter(known).values():
            each, more = divmod(held, number)
            same += (number - more) * math.comb(each, 2) + more * math.comb(each + 1, 2)
        if len(known) == len(words[attribute]):
            total += weight * factor * same
            continue
        silent = silent_mean(words[attribute])
        full, rest = divmod(len(known), most)
        together = full * math.comb(most, 2) + math.comb(rest, 2)
        pairs = sum(math.comb(int(size), 2) for size in sizes)
        total += weight * factor * max(0.0, same + silent * (pairs - together))
    return total


def _judged(
    round_: Round,
    settings: CityPanels,
    cities: Sequence[int],
    label: Ints,
    rules: Sequence[Distribute],
) -> tuple[RuleStatus, ...]:
    says = {
        "Mission Cities": f"Each panel has at least {settings.mission_at_least} Mission Cities.",
        "cities per country": f"A panel has at most {settings.cities_per_country} cities of one country.",
        "sizes": f"A panel has {settings.size[0]} to {settings.size[1]} cities.",
        "everyone in a group": "A city is in one panel.",
    }
    verdicts = group_referee(label, *rules, sizes=settings.size)
    return judged(
        [
            RuleStatus(
                v.rule,
                says[v.rule] + (f" Broken: {'; '.join(v.breaches)}." if v.breaches else ""),
                "kept" if v.kept else "broken",
            )
            for v in verdicts
            if v.rule in says
        ]
    )


def _meeting(
    round_: Round,
    settings: CityPanels,
    cities: Sequence[int],
    group: Sequence[int],
    words: dict[Attribute, list[str | None]],
    mix: _Mix,
    number: int,
) -> Meeting:
    lines = []
    rows, columns = np.triu_indices(len(group), 1)
    members = np.array(group)
    for attribute, weight in settings.mix.items():
        block = mix.each[attribute].of(members)[rows, columns]
        mixed = 1.0 - math.fsum(block.tolist()) / max(len(block), 1)
        known = sum(words[attribute][k] is not None for k in group) / len(group)
        says = f"{composition([words[attribute][k] for k in group])}."
        nothing = known == 0
        lines.append(
            Evidence(
                f"mixed_{attribute}", math.nan if nothing else mixed, mixed, weight, says, (), known
            )
        )
    people = sorted(round_.id(cities[k]) for k in group)
    missions = sum(round_.cohort.city(name).has(Role.MISSION) for name in people)
    nations = len({round_.cohort.city(name).country for name in people})
    return Meeting(
        f"city_panels:{number}",
        f"Panel {number}",
        tuple(Member(name, "member") for name in people),
        Account(tuple(lines)),
        f"{count(len(people), 'city', 'cities')} of {count(nations, 'country', 'countries')}, {missions} of them Mission Cities.",
    )


def _balance(
    round_: Round,
    settings: CityPanels,
    cities: Sequence[int],
    groups: Sequence[Sequence[int]],
    words: dict[Attribute, list[str | None]],
) -> Table:
    """Return for each panel and attribute its composition and how far it has the mix of all panels."""
    rows = []
    all_ = {a: Counter(w for w in words[a] if w) for a in settings.mix}
    for number, group in enumerate(groups, 1):
        for attribute in settings.mix:
            mine = [words[attribute][k] for k in group]
            like = likeness_to_all(mine, all_[attribute])
            rows.append(
                (
                    f"Panel {number}",
                    TITLES[attribute],
                    composition(mine),
                    None if math.isnan(like) else round(like, 4),
                )
            )
    return Table(
        "balance",
        "Balance of the panels",
        ("panel", "attribute", "composition", "like all panels"),
        tuple(rows),
        "1 where a panel has the same mix as all cities together, 0 where they share nothing.",
    )


def _none(
    round_: Round, settings: CityPanels, cities: Sequence[int], out: list[LeftOut]
) -> Product:
    why = f"{len(cities)} cities are too few for a panel of {settings.size[0]}."
    left = [*out, *(LeftOut(round_.id(i), why, "") for i in cities)]
    return Product(
        "city_panels",
        settings.title,
        "optimal",
        "none needed",
        0.0,
        0.0,
        left_out=tuple(sorted(left, key=lambda x: x.city)),
        rules=(RuleStatus("sizes", why, "kept"),),
        says="No panel: " + why,
    )


def panel_rules(
    round_: Round, settings: CityPanels, meetings: Sequence[Meeting]
) -> tuple[RuleStatus, ...]:
    """Return how the finished panels stand to each rule, read from the meetings and nothing else."""
    low, high = settings.size
    everyone = Counter(city for m in meetings for city in m.cities())
    few = [
        m.label
        for m in meetings
        if sum(round_.cohort.city(c).has(Role.MISSION) for c in m.cities())
        < settings.mission_at_least
    ]
    rules = [
        counted("sizes", f"A panel has {low} to {high} cities.", outside(meetings, low, high)),
        counted(
            "one panel each",
            "A city is in one panel.",
            [c for c, n in sorted(everyone.items()) if n > 1],
        ),
        counted(
            "Mission Cities",
            f"Each panel has at least {settings.mission_at_least} Mission Cities.",
            few,
        ),
    ]
    if settings.cities_per_country is not None:
        rules.append(few_of_a_country(round_, meetings, settings.cities_per_country))
    return tuple(rules)
