"""City panels: groups of Mission and other cities that are as mixed as quotas allow.

A pair of cities is unlike in an attribute where their categories differ; a panel's score is the mean over its
pairs of the weighted unlikeness, so each line of its account tells how mixed it is in one attribute.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from twinmatch.errors import NoProposalError, Problem
from twinmatch.evidence import Account, Evidence
from twinmatch.programmes.attributes import (
    TITLES,
    Attribute,
    alike,
    categories,
    composition,
    likeness_to_all,
)
from twinmatch.programmes.round import Round
from twinmatch.programmes.rules import judged
from twinmatch.programmes.settings import Band, FormatSettings, Load, ordered
from twinmatch.proposal import LeftOut, Meeting, Member, Product, RuleStatus, Table
from twinmatch.schema import Role
from twinmatch.solving import Distribute, group_referee, partition
from twinmatch.solving.exchange import dealt, exchange, pair_bound, pair_score

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PROVABLE = 16
"""Cities up to which the best panels are looked for among all groupings."""


class CityPanels(FormatSettings):
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
    each = {a: alike(words[a]) for a in settings.mix}
    likeness = np.round(sum(w * each[a] for a, w in settings.mix.items()), 9)
    rules = _quotas(round_, settings, cities, number)
    label, bound = _grouped(round_, settings, cities, number, likeness, words, rules)
    kept = _judged(round_, settings, cities, label, rules)
    score = len(cities) - pair_score(label, likeness)
    members = [list(np.flatnonzero(label == g).tolist()) for g in range(number)]
    meetings = tuple(
        _meeting(round_, settings, cities, group, words, each, n)
        for n, group in enumerate(sorted(members), 1)
    )
    proven = bound - score <= 1e-6 * max(1.0, score)
    return Product(
        "city_panels",
        settings.title,
        "optimal" if proven else "feasible",
        "exact search" if len(cities) <= PROVABLE else "dealt by country, then swaps, with a bound",
        score,
        score if proven else bound,
        meetings,
        tuple(out),
        kept,
        f"{number} panels with {len(cities)} cities of "
        f"{len({round_.cohort.cities[i].country for i in cities})} countries.",
        tables=(_balance(round_, settings, cities, sorted(members), words),),
    )


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
        rules.append(Distribute(np.array(codes), 0, most, name="cities per country"))
        problems += [
            f"{codes.count(code)} cities of {code} do not fit into {number} panels with {most} each"
            for code in sorted(set(codes))
            if codes.count(code) > number * most
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
    likeness: Floats,
    words: dict[Attribute, list[str | None]],
    rules: Sequence[Distribute],
) -> tuple[Ints, float]:
    """Return the panel of every city and a bound on the score; raises NoProposalError where quotas clash."""
    n = len(cities)
    sizes = np.full(number, n // number)
    sizes[: n % number] += 1
    bound = min(n + pair_bound(-likeness, sizes), n - _least_alike(settings, words, sizes))
    if n > PROVABLE:
        codes = [round_.cohort.cities[i].country for i in cities]
        keys = [
            (codes[k], *(words[a][k] or "" for a in settings.mix), round_.id(i))
            for k, i in enumerate(cities)
        ]
        label = exchange(dealt(keys, number), likeness, rules, alike=False)
        if all(verdict.kept for verdict in group_referee(label, *rules)):
            return label, bound
    found = partition(
        likeness,
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
        for word in set(known):
            each, more = divmod(known.count(word), number)
            same += (number - more) * math.comb(each, 2) + more * math.comb(each + 1, 2)
        if len(known) == len(words[attribute]):
            total += weight * factor * same
            continue
        silent = _silent_mean(words[attribute])
        full, rest = divmod(len(known), most)
        together = full * math.comb(most, 2) + math.comb(rest, 2)
        pairs = sum(math.comb(int(size), 2) for size in sizes)
        total += weight * factor * max(0.0, same + silent * (pairs - together))
    return total


def _silent_mean(words: Sequence[str | None]) -> float:
    """Return what a pair with an unknown category counts: the mean over the known pairs."""
    known = [w for w in words if w]
    if len(known) < 2:
        return 0.5
    same = sum(math.comb(known.count(w), 2) for w in set(known))
    return same / math.comb(len(known), 2)


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
    each: dict[Attribute, Floats],
    number: int,
) -> Meeting:
    lines = []
    rows, columns = np.triu_indices(len(group), 1)
    members = np.array(group)
    for attribute, weight in settings.mix.items():
        block = each[attribute][members[rows], members[columns]]
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
        f"{len(people)} cities of {nations} countries, {missions} of them Mission Cities.",
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
    for number, group in enumerate(groups, 1):
        for attribute in settings.mix:
            mine = [words[attribute][k] for k in group]
            like = likeness_to_all(mine, words[attribute])
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
