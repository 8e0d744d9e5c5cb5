"""Country sheets and bridges: what the cities of a country lack, and who links clusters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from twinmatch.affinity import Affinity
from twinmatch.embedding.sentences import split_sentences
from twinmatch.geography import country
from twinmatch.programmes.national_clusters.settings import NationalClusters
from twinmatch.programmes.national_clusters.splitting import BLOCK
from twinmatch.programmes.round import Round
from twinmatch.proposal import Table
from twinmatch.schema import NAMES, City

ABOUT_NOTHING = frozenset({"readiness", "emissions_mix"})
"""Facets that make cities alike and give them nothing to talk about."""

NEEDS_A_COUNTRY = 5
"""Needs on a country sheet."""


SPOKEN_OF = {
    "regulation_national": "laws?|legal|legislation|regulations?|regulatory|rules?|national|ministr(?:y|ies)",
    "finance_funding": "funds?|funding|financ(?:e|es|ing|ial)|budgets?|money|loans?|investments?|investors?",
    "governance_policy": "governance|polic(?:y|ies)|departments?|mandates?|competences?",
    "procurement": "procure(?:s|d|ment)?|tenders?|contracts?",
    "data_digitalisation": "data|digital(?:isation)?|monitoring",
    "learning_capabilities": "skills?|staff|training|capacit(?:y|ies)",
}
"""Whole words by which a sentence is taken to speak of a lever."""


@dataclass(frozen=True)
class Cluster:
    """Cities of a cluster (indices, in order), its name and why it is one."""

    key: str
    name: str
    cities: tuple[int, ...]
    reason: str
    slack: float = 0.0
    """By how much the summed likeness to the own cluster might still be raised; 0 where it is proven best."""


@dataclass(frozen=True)
class Bridge:
    """A city of one cluster and one of another that fit best of all such pairs (clusters by their place)."""

    cluster: int
    other: int
    here: int
    there: int
    score: float


def bridges_between(
    settings: NationalClusters, affinity: Affinity, clusters: Sequence[Cluster]
) -> list[Bridge]:
    """Return each cluster's best bridges to others, at most one to each of them."""
    if len(clusters) < 2 or not settings.bridges:
        return []
    size = np.array([len(c.cities) for c in clusters])
    first = np.cumsum(size) - size
    everyone = np.array([i for c in clusters for i in c.cities], dtype=np.intp)
    found: list[Bridge] = []
    blocks = min(len(clusters), -(-(len(everyone) ** 2) // BLOCK))
    for part in np.array_split(np.arange(len(clusters)), blocks):
        rows = np.array([i for k in part for i in clusters[k].cities], dtype=np.intp)
        score = np.round(affinity.scores(rows, everyone), 9)
        for k, start in zip(part.tolist(), (first[part] - first[part[0]]).tolist(), strict=True):
            block = score[start : start + size[k]]
            best = np.maximum.reduceat(block.max(axis=0), first)
            best[k] = -np.inf
            least = np.sort(best)[-min(settings.bridges, len(clusters) - 1)]
            mine = []
            for o in np.flatnonzero(best >= max(least, 0.0)).tolist():
                between = block[:, first[o] : first[o] + size[o]]
                a, b = divmod(int(np.argmax(between)), between.shape[1])
                here, there = clusters[k].cities[a], clusters[o].cities[b]
                mine.append(Bridge(k, o, here, there, float(between[a, b])))
            found += sorted(mine, key=lambda b: (-b.score, b.here, b.there))[: settings.bridges]
    return found


def _why(affinity: Affinity, bridge: Bridge) -> str:
    """Return the strongest reason of a bridge that says what it is about; empty where none is known."""
    account = affinity.account(affinity.row_of[bridge.here], bridge.there)
    lines = account.strongest(len(account.lines))
    return next((line.says for line in lines if line.facet not in ABOUT_NOTHING), "")


def bridge_note(
    round_: Round,
    affinity: Affinity,
    clusters: Sequence[Cluster],
    bridges: Sequence[Bridge],
    k: int,
) -> tuple[str, ...]:
    """Return a note on each bridge of cluster ``k`` that has a reason."""
    return tuple(
        f"Bridge to {clusters[b.other].name}: {round_.name(b.here)} with {round_.name(b.there)}. {why}"
        for b in bridges
        if b.cluster == k and (why := _why(affinity, b))
    )


def bridge_table(
    round_: Round, affinity: Affinity, clusters: Sequence[Cluster], bridges: Sequence[Bridge]
) -> Table:
    """Return the bridges that have a reason as a table."""
    rows = tuple(
        (
            clusters[b.cluster].name,
            round_.id(b.here),
            clusters[b.other].name,
            round_.id(b.there),
            round(b.score, 6),
            why,
        )
        for b in bridges
        if (why := _why(affinity, b))
    )
    columns = ("cluster", "city", "other cluster", "city there", "score", "why")
    says = "For each cluster the pairs of cities that could best carry its results to another one."
    return Table("bridges", "Bridges between clusters", columns, rows, says)


def country_sheets(round_: Round, clusters: Sequence[Cluster]) -> Table:
    """Return for each country what its cities say they lack, most often named first, with one of their sentences.

    These are the needs that a ministry or national platform should hear; a quotation is a sentence of the city's
    own that speaks of the lever, empty where none does.
    """
    cities = round_.cohort.cities
    cluster_of = {i: c.name for c in clusters for i in c.cities}
    rows: list[tuple[str | int, ...]] = []
    for code in sorted({c.country for c in cities}):
        mine = [i for i, c in enumerate(cities) if c.country == code]
        stated = [i for i in mine if struggles(cities[i])]
        counted: dict[str, list[int]] = {}
        for i in stated:
            for word in sorted(struggles(cities[i])):
                counted.setdefault(word, []).append(i)
        ranked = sorted(counted.items(), key=lambda x: (-len(x[1]), x[0]))[:NEEDS_A_COUNTRY]
        where = "; ".join(dict.fromkeys(cluster_of[i] for i in mine if i in cluster_of))
        for word, by in ranked:
            rows.append(
                (
                    country(code).name,
                    where,
                    NAMES.get(word, word),
                    len(by),
                    len(stated),
                    "; ".join(cities[i].id for i in by),
                    _quote(round_, by, word),
                )
            )
    columns = (
        "country",
        "clusters",
        "need",
        "cities naming it",
        "cities that named any",
        "named by",
        "in their words",
    )
    says = "What the cities of a country say they lack: for its ministries, agencies and national platform."
    return Table("country_sheets", "Country sheets", columns, tuple(rows), says)


def _quote(round_: Round, cities: Sequence[int], word: str) -> str:
    """Return the first sentence in which one of the cities speaks of a lever, with its name; empty for none."""
    pattern = SPOKEN_OF.get(word)
    if pattern is None:
        return ""
    for i in cities:
        for sentence in split_sentences(round_.cohort.cities[i].needs or ""):
            if re.search(rf"\b(?:{pattern})\b", sentence.text, re.IGNORECASE):
                return f"{round_.name(i)}: “{sentence.text}”"
    return ""


def struggles(city: City) -> set[str]:
    """Return the domains and levers that a city says it struggles with."""
    return {d.value for d in city.challenges or {}} | {v.value for v in city.levers_needed or ()}
