"""Backtest: how high the score ranks pairs that real programmes made, against chance and facet by facet.

For each pair the true host unit is ranked among all host units by the guest's score. The *percentile rank* is
(rank - 1) / (units - 1): 0 is best, 0.5 is chance. Ties share their mean rank, so a score that says nothing
stands at exactly 0.5. Nothing here fits anything: it only measures.

Published pairs are ranked three ways: with the profiles as shipped; without the text that was written after or about a
pairing, which would give the answer away (the headline, and what every other figure here is of); and of that for guests
that state needs and guests that do not. Each stands beside rankings that need no method: by distance, by BM25 of needs
in offers, and by the cosine of whole texts.

Where published pairs are not at hand, :mod:`twinmatch.whatif.learning` asks the same of pilot activities.

Notation: T pairs tested, C host units; score (T, C); true (T,) the column of each pair's host unit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Final

import numpy as np
from pydantic import Field, PlainSerializer, model_serializer

from twinmatch.affinity import Affinity, compare
from twinmatch.cohort import Cohort, Host
from twinmatch.errors import Problem, QuestionError, Where
from twinmatch.facets import FacetCache
from twinmatch.facets.quoting import Passage, readable
from twinmatch.facets.text import needs_passages, offers_passages
from twinmatch.programmes import Round
from twinmatch.proposal.wire import Number, Numbers, Rows, Tabular, Unknown
from twinmatch.schema import City, Role
from twinmatch.solving import Bools, Floats, Ints
from twinmatch.standings import standing
from twinmatch.vocabulary.geography import distance_km
from twinmatch.whatif.case import twinning_of

if TYPE_CHECKING:
    import pandas as pd


HITS: Final = (1, 5, 10)
RESAMPLES: Final = 2000
NOWHERE: Final = Where()


@dataclass(frozen=True)
class Interval:
    """A figure with its bootstrap interval of 95%; low and high are nan where there is only one pair."""

    value: Unknown
    low: Unknown
    high: Unknown

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


@dataclass(frozen=True)
class Tested:
    """One pair: the rank of its true host among the units, 1 the best, and the percentile rank, 0 the best."""

    guest: str
    host: str
    host_name: str
    rank: Number
    of: int
    percentile: Annotated[Number, Field(alias="percentile_rank")]
    coverage: Annotated[Number, Field(alias="known")]
    best: Annotated[str, Field(alias="ranked_first")]
    """Name of the unit that the score ranks first."""

    def row(self) -> dict[str, Any]:
        """Return the pair as a row of a table."""
        return dict(vars(self))


@dataclass(frozen=True)
class RankMetrics:
    """What a set of ranks comes to, each with its interval; ``chance`` is what a score that says nothing reaches."""

    mean_percentile_rank: Interval
    hit_at: tuple[tuple[int, Interval], ...]
    mrr: Interval
    chance: Numbers


Intervals = Annotated[
    tuple[tuple[str, Interval], ...], PlainSerializer(dict, return_type=dict[str, Interval])
]
"""Intervals by name: an object in JSON."""


@dataclass(frozen=True)
class View:
    """The mean percentile rank of some pairs by the score, and by each ranking that needs no method."""

    name: Annotated[str, Field(alias="view")]
    pairs: int
    score: Annotated[Interval, Field(alias="mean_percentile_rank")]
    beside: Intervals


@dataclass(frozen=True, repr=False)
class Backtest(Tabular):
    """The pairs tested without text from after a pairing, the figures over all, and what each facet does to them."""

    pairs: Rows[Tested]
    figures: RankMetrics
    without: Intervals
    """Facet, and the change of the mean percentile rank without it: above 0, the facet helps."""
    alone: Numbers
    """Facet, and the mean percentile rank by it alone."""
    views: tuple[View, ...] = ()
    """The pairs as shipped and without text from after a pairing, of speaking and of silent guests."""

    @model_serializer(mode="wrap")
    def _write(self, write: Any) -> dict[str, Any]:
        plain: dict[str, Any] = write(self)
        figures = plain.pop("figures")
        plain |= {f"hit_at_{k}": hit for k, hit in figures.pop("hit_at")}
        return {**plain, **figures}

    def __repr__(self) -> str:
        rank = self.figures.mean_percentile_rank
        return f"<Backtest of {len(self.pairs)} pairs: mean percentile rank {rank}, chance 0.5>"

    def to_frame(self) -> pd.DataFrame:
        """Return one row a pair: the rank of its true host among how many, and the percentile rank, 0 the best."""
        return self.pairs.to_frame()


@dataclass(frozen=True)
class ObservedPair:
    """A pair to test: the index of the guest, the indices of the true unit's cities, and where it was read."""

    guest: int
    hosts: frozenset[int]
    where: Where = NOWHERE


def read_pairs(
    cohort: Cohort, rows: Sequence[Mapping[str, str]], file: str
) -> tuple[ObservedPair, ...]:
    """Return the pairs of rows with the columns ``guest`` and ``hosts`` (cities of one unit, ``;`` between).

    Cities are named by id or name. Raises QuestionError with every problem, each with its row and column.
    """
    problems: list[Problem] = []
    pairs = []
    for number, row in enumerate(rows, 2):
        cities: dict[str, list[int]] = {}
        for column in ("guest", "hosts"):
            where = Where(file, row=number, column=column)
            names = [n.strip() for n in (row.get(column) or "").split(";") if n.strip()]
            if not names:
                found = f"{row.get(column)!r} names no city."
                problems.append(Problem("pair-empty", found, where))
            elif column == "guest" and len(names) > 1:
                problems.append(Problem("pair-guests", "One guest a row is expected.", where))
            else:
                cities[column] = _find(cohort, names, where, problems)
        guest, hosts = cities.get("guest"), cities.get("hosts")
        if guest and hosts:
            pairs.append(ObservedPair(guest[0], frozenset(hosts), Where(file, row=number)))
    if not rows:
        problems.append(Problem("no-pairs", "There are no pairs.", Where(file)))
    if problems:
        raise QuestionError(problems)
    return tuple(pairs)


def _find(cohort: Cohort, names: Sequence[str], where: Where, problems: list[Problem]) -> list[int]:
    found = []
    for name in names:
        unit = next((u for u in cohort.units if name in {u.id, u.name}), None)
        if unit is not None:
            found += [cohort.index[c] for c in unit.cities]
            continue
        try:
            found.append(cohort.find(name))
        except QuestionError as error:
            problems += [replace(p, where=where) for p in error.problems]
    return found


def backtest(
    cohort: Cohort,
    pairs: Sequence[ObservedPair],
    weights: Mapping[str, float],
    facet_cache: FacetCache,
    roles: Sequence[Role] = (Role.MISSION, Role.PILOT),
    *,
    seed: int = 0,
) -> Backtest:
    """Return how the score ranks the true host unit of every pair among all units, with intervals and ablation.

    The units are those of the cohort with one of the roles. A true unit that is none of them (cities that
    joined for this pair only) takes the place of its members for that pair. Raises QuestionError for no pairs
    and for pairs of a city with itself.
    """
    same = ((cohort.cities[p.guest].id, p.where) for p in pairs if p.guest in p.hosts)
    problems = [Problem("same-city", f"{city} is its own host.", where) for city, where in same]
    if problems or not pairs:
        raise QuestionError(problems or Problem("no-pairs", "There are no pairs."))
    standard = cohort.hosts(roles)
    columns = (*standard, *_extra_units(cohort, pairs, standard))
    guests = tuple(sorted({p.guest for p in pairs}))
    true = np.array([_true_column(p, columns) for p in pairs], dtype=np.int64)
    rivals = _rivals(pairs, columns, true, len(standard))
    before = known_before(cohort)
    speaking = np.array([bool(before.cities[p.guest].needs) for p in pairs])
    everyone = np.ones(len(pairs), dtype=np.bool_)
    parts = {BEFORE: everyone, f"{BEFORE}, guests that state needs": speaking}
    parts[f"{BEFORE}, silent guests"] = ~speaking
    views = []
    for known, shown in ((cohort, {"as shipped": everyone}), (before, parts)):
        affinity = compare(known, weights, facet_cache, rows=guests, columns=columns)
        scores = {"score": affinity.score, **plain_rankings(known, guests, columns, facet_cache)}
        rows = [affinity.row_of[p.guest] for p in pairs]
        found = {n: percentile_of(*ranks(s[rows], true, rivals)) for n, s in scores.items()}
        views += [
            View(name, int(of.sum()), *_intervals({n: v[of] for n, v in found.items()}, seed))
            for name, of in shown.items()
            if of.any()
        ]
    return replace(_measured(affinity, pairs, true, rivals, seed), views=tuple(views))


def backtest_of(
    round_: Round, rows: Sequence[Mapping[str, str]], file: str, *, seed: int = 0
) -> Backtest:
    """Return the backtest of a round's twinning over the pairs of some rows; raises as the two that it calls."""
    twinning, cohort = twinning_of(round_), round_.cohort
    pairs = read_pairs(cohort, rows, file)
    weights, roles = twinning.weights, twinning.hosts
    return backtest(cohort, pairs, weights, round_.facet_cache, roles, seed=seed)


BEFORE: Final = "without text from after a pairing"


def _intervals(
    found: Mapping[str, Floats], seed: int
) -> tuple[Interval, tuple[tuple[str, Interval], ...]]:
    score, *beside = ((name, interval_of(values, seed)) for name, values in found.items())
    return score[1], tuple(beside)


def known_before(cohort: Cohort) -> Cohort:
    """Return the cohort without the blocks, and the summaries of pilots, whose source is from after a pairing."""
    return Cohort(tuple(map(_before, cohort.cities)), cohort.units)


def _before(city: City) -> City:
    later = {block for source in city.sources if source.after_pairing for block in source.of}
    update: dict[str, Any] = {b: None for b in sorted(later & set(City.BLOCKS)) if b != "pilot"}
    if "pilot" in later and city.pilot is not None:
        update["pilot"] = city.pilot.model_copy(update={"summary": None})
    return city.model_copy(update=update) if update else city


def plain_rankings(
    cohort: Cohort, rows: Sequence[int], columns: Sequence[Host], facet_cache: FacetCache
) -> dict[str, Floats]:
    """Return rankings that need no method, each (R, C), higher the better: distance, BM25, cosine of whole texts.

    What is not known stands at 0.5 of a pair's standing among all, as everywhere.
    """
    places = cohort.coordinates
    each = np.array([i for host in columns for i in host.cities], dtype=np.intp)
    starts = np.cumsum([0, *(len(host.cities) for host in columns[:-1])])
    one, other = places[list(rows)][:, None, :], places[each][None, :, :]
    size = np.array([len(host.cities) for host in columns])
    apart = distance_km(one[..., 0], one[..., 1], other[..., 0], other[..., 1])
    text = whole_text(cohort, facet_cache)[list(rows)][:, each]
    words = compare(cohort, {"same_words": 1.0}, facet_cache, rows=rows, columns=columns)
    found = {"distance": -apart, "whole text": text}
    all_pairs = np.ones((len(rows), len(columns)), dtype=np.bool_)
    means = {n: np.add.reduceat(v, starts, axis=1) / size for n, v in found.items()}
    ranked = {n: standing(v, all_pairs) for n, v in means.items()}
    return {**ranked, "BM25": words.score}


def whole_text(cohort: Cohort, facet_cache: FacetCache, *, peers: bool = False) -> Floats:
    """Return the cosine of the mean sentence vectors of needs and offers, or of needs alone, (n, n); nan unknown."""
    needs = _mean_vectors(cohort, needs_passages(cohort), facet_cache)
    other = needs if peers else _mean_vectors(cohort, offers_passages(cohort), facet_cache)
    return np.asarray(np.round(needs @ other.T, 6))


def _mean_vectors(cohort: Cohort, passages: Sequence[Passage], facet_cache: FacetCache) -> Floats:
    known, vectors, _ = readable(passages, facet_cache)
    table = np.zeros((len(cohort), vectors.shape[1]))
    np.add.at(table, np.array([p.city for p in known], dtype=np.intp), vectors)
    length = np.linalg.norm(table, axis=1, keepdims=True)
    return np.asarray(np.divide(table, length, out=np.full_like(table, np.nan), where=length > 0))


def _extra_units(
    cohort: Cohort, pairs: Sequence[ObservedPair], standard: Sequence[Host]
) -> tuple[Host, ...]:
    known = [frozenset(host.cities) for host in standard]
    wanted = {tuple(sorted(p.hosts)) for p in pairs if not any(p.hosts <= k for k in known)}
    found = []
    for cities in sorted(wanted):
        ids, names = zip(
            *((cohort.cities[i].id, cohort.cities[i].name) for i in cities), strict=True
        )
        found.append(Host("pair-" + "+".join(ids), ", ".join(names), cities))
    return tuple(found)


def _true_column(pair: ObservedPair, columns: Sequence[Host]) -> int:
    """The column of the unit that is the pair's host: just these cities, or else the unit that holds them."""
    held = [c for c, host in enumerate(columns) if pair.hosts <= set(host.cities)]
    return next((c for c in held if pair.hosts == set(columns[c].cities)), held[0])


def _rivals(
    pairs: Sequence[ObservedPair], columns: Sequence[Host], true: Ints, standard: int
) -> Bools:
    """Return the units among which each pair's true one is ranked, itself included, shape (T, C)."""

    def is_rival(pair: ObservedPair, c: int, is_true: bool) -> bool:
        cities = {*columns[c].cities}
        return pair.guest not in cities and (is_true or (c < standard and not pair.hosts & cities))

    both = zip(pairs, true, strict=True)
    return np.array([[is_rival(p, c, c == t) for c in range(len(columns))] for p, t in both])


def _measured(
    affinity: Affinity, pairs: Sequence[ObservedPair], true: Ints, rivals: Bools, seed: int
) -> Backtest:
    rows = np.array([affinity.row_of[p.guest] for p in pairs], dtype=np.int64)
    rank, of = ranks(affinity.score[rows], true, rivals)
    percentile = percentile_of(rank, of)
    names = list(affinity.weights)
    without, alone = [], []
    for name in names:
        rest = affinity.score - affinity.weights[name] * affinity.standing[name]
        changed = percentile_of(*ranks(rest[rows], true, rivals)) - percentile
        if len(names) > 1:
            without.append((name, interval_of(changed, seed)))
        single = percentile_of(*ranks(affinity.standing[name][rows], true, rivals))
        alone.append((name, float(single.mean())))
    score = np.where(rivals, np.round(affinity.score[rows], 9), -1.0)
    first, known = np.argmax(score, axis=1), affinity.coverage[rows, true]
    cities, hosts = affinity.cohort.cities, affinity.columns
    each = zip(
        pairs, *(a.tolist() for a in (true, rank, of, percentile, known, first)), strict=True
    )
    tested = [
        Tested(
            cities[p.guest].id, hosts[c].id, hosts[c].name, r, n, part, rests_on, hosts[best].name
        )
        for p, c, r, n, part, rests_on, best in each
    ]
    return Backtest(Rows(tested), figures(rank, of, seed), tuple(without), tuple(alone))


def ranks(score: Floats, true: Ints, rivals: Bools) -> tuple[Floats, Ints]:
    """Return the rank of each row's true column among its rivals, 1 the best, ties at their mean, and how many.

    score and rivals (T, C); true (T,); both results (T,). Scores within 1e-9 are ties.
    """
    rounded = np.round(score, 9)
    own = np.take_along_axis(rounded, true[:, None], axis=1)
    above = ((rounded > own) & rivals).sum(axis=1)
    level = ((rounded == own) & rivals).sum(axis=1)
    return above + (level + 1) / 2.0, rivals.sum(axis=1).astype(np.int64)


def percentile_of(rank: Floats, of: Ints) -> Floats:
    """Return the percentile rank of ranks among so many, 0 the best, 1 the last."""
    return np.asarray((rank - 1) / np.maximum(of - 1, 1))


def figures(rank: Floats, of: Ints, seed: int = 0) -> RankMetrics:
    """Return mean percentile rank, hits and mean reciprocal rank of ranks (T,) among so many (T,), with intervals."""
    hits = tuple((k, interval_of((rank <= k).astype(np.float64), seed)) for k in HITS)
    chance = [("mean_percentile_rank", 0.5)]
    chance += [(f"hit_at_{k}", float(np.minimum(k / of, 1.0).mean())) for k in HITS]
    chance.append(("mrr", float(np.mean([(1.0 / np.arange(1, n + 1)).mean() for n in of]))))
    mean, mrr = (interval_of(values, seed) for values in (percentile_of(rank, of), 1.0 / rank))
    return RankMetrics(mean, hits, mrr, tuple(chance))


def interval_of(values: Floats, seed: int) -> Interval:
    """The mean with its percentile bootstrap interval over the pairs (Efron and Tibshirani 1993)."""
    from scipy.stats import bootstrap

    mean = float(values.mean())
    if len(values) < 2:
        return Interval(mean, np.nan, np.nan)
    if np.ptp(values) == 0:
        return Interval(mean, mean, mean)
    how: dict[str, Any] = {
        "n_resamples": RESAMPLES,
        "method": "percentile",
        "rng": np.random.default_rng(seed),
    }
    found = bootstrap((values,), np.mean, **how).confidence_interval
    return Interval(mean, float(found.low), float(found.high))
