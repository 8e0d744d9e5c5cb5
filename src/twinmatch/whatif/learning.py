"""What choices say of weights: learned from decisions, and tested on what pilot cities chose.

Learned weights are a suggestion with its uncertainty and a back-test, never applied automatically.

A decision prefers one pair to another: an accepted pair to the same guest's pairs that were not, any pair to a
rejected one; satisfaction after the twinning prefers the more satisfied pair. The difference of the two pairs'
standings, facet by facet, is a row of a logistic regression (a Bradley-Terry model; doi:10.2307/2334029) whose
weights may not be negative and are pulled towards today's. It is fitted by bounded quasi-Newton steps, since
scikit-learn's own logistic regression knows neither bounds nor a centre other than zero; scikit-learn splits the
guests into folds for the back-test. A preference between pairs of two guests belongs to both: it is tested by weights
learned from neither of their folds, so that no guest is both learned from and tested on.

Notation: P preferences; F facets; D (P, F) differences of standings; w (F,) weights that sum to 1.

Pilot cities chose the partners of an activity, and their own activity. What an activity itself says is taken out of the profiles first, since it would give the answer away. Measured as in
:mod:`twinmatch.whatif.backtest`: percentile ranks, 0 the best and 0.5 chance.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from twinmatch.affinity import Affinity, compare
from twinmatch.cohort import Cohort
from twinmatch.errors import QuestionError
from twinmatch.facets import FacetCache
from twinmatch.proposal.wire import Hidden, Number, Numbers, Tabular, frame, on_wire
from twinmatch.schema import Role
from twinmatch.whatif.backtest import Interval, interval_of, percentile_of, ranks

if TYPE_CHECKING:
    import pandas as pd


Floats = NDArray[np.float64]

SHARPNESS: Final = 10.0
"""How sure a preference is per point of score: a lead of 0.1 is chosen with odds of e."""

RESAMPLES: Final = 200
LEAST: Final = 10
"""Preferences below which nothing is suggested."""
FOLDS: Final = 5


@dataclass(frozen=True)
class Preference:
    """That one pair was preferred to another: the guest of each, and both rows of standings (F,)."""

    guests: tuple[str, str]
    better: tuple[float, ...]
    worse: tuple[float, ...]


@dataclass(frozen=True)
class Learned:
    """Suggested weights beside today's: each with its interval, and how often each set agrees with held-out guests."""

    lines: Hidden[tuple[tuple[str, float, float, float, float], ...]]
    """Facet, today's and the suggested weight, and the ends of its interval."""
    preferences: int
    guests: int
    pull: Hidden[float]
    agreement_today: Hidden[float]
    agreement_suggested: Hidden[float]
    """Share of the preferences of guests not learned from that each set of weights gets right; ties half."""

    @on_wire
    def helps(self) -> bool:
        """Return whether the suggestion agrees better with guests that it has not seen."""
        return self.agreement_suggested > self.agreement_today

    @on_wire
    def says(self) -> str:
        """Return the finding in words."""
        better = "agree better" if self.helps else "do not agree better"
        return (
            f"From {self.preferences} preferences of {self.guests} guests: the suggested weights {better} with guests "
            f"that they have not seen ({100 * self.agreement_suggested:.0f}% against {100 * self.agreement_today:.0f}%). "
            "They are a suggestion; nothing is changed."
        )

    @on_wire
    def agreement(self) -> dict[str, Number]:
        """Return the agreement of both sets of weights."""
        return {"today": self.agreement_today, "suggested": self.agreement_suggested}

    @on_wire
    def weights(self) -> dict[str, dict[str, Number]]:
        """Return the figures of each facet."""
        keys = ("today", "suggested", "low", "high")
        return {facet: dict(zip(keys, n, strict=True)) for facet, *n in self.lines}


def preferences(
    standings: Mapping[tuple[str, str], Sequence[float]],
    liked: Mapping[tuple[str, str], float],
    shown: Collection[tuple[str, str]] = (),
) -> tuple[Preference, ...]:
    """Return all preferences among pairs of (guest, host) with a liking: the more liked one over the less.

    ``liked`` has a number for each decided pair: 1 accepted, -1 rejected, or a satisfaction on any scale. ``shown``
    are pairs that were shown and not taken: where they were not decided they count 0, and are only compared with
    pairs of the same guest; decided pairs are compared across guests too.
    """
    liking = {**dict.fromkeys(shown, 0.0), **liked}
    pairs = sorted(set(standings) & set(liking))
    return tuple(
        Preference((a[0], b[0]), tuple(standings[a]), tuple(standings[b]))
        for a, b in product(pairs, pairs)
        if liking[a] > liking[b] and (a[0] == b[0] or (a in liked and b in liked))
    )


def learn(
    today: Mapping[str, float], found: Sequence[Preference], *, pull: float = 20.0, seed: int = 0
) -> Learned:
    """Return the weights that preferences suggest, with 90% bootstrap intervals over guests and a back-test.

    ``today`` are the weights in use, in the order of the standings; ``pull`` is how strongly the suggestion is
    held to them. Raises QuestionError where there are too few preferences or guests to say anything.
    """
    facets = tuple(today)
    start = _closed(np.array([today[f] for f in facets], dtype=np.float64))
    names = sorted({guest for p in found for guest in p.guests})
    if len(found) < LEAST or len(names) < FOLDS:
        few = f"There are {len(found)} preferences of {len(names)} guests."
        do = f"At least {LEAST} of {FOLDS} guests are needed; decide on more pairs first."
        raise QuestionError.of("too-few-decisions", few, do=do)
    D = np.array([np.subtract(p.better, p.worse) for p in found])
    place = {name: k for k, name in enumerate(names)}
    one, other = guests = np.array([[place[guest] for guest in p.guests] for p in found]).T
    suggested = _fit(D, start, pull)
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(RESAMPLES):
        times = np.bincount(rng.choice(len(names), len(names)), minlength=len(names))
        # A preference between two guests is there as often as both are (Owen 2007, doi:10.1214/07-AOAS122).
        often = np.where(one == other, times[one], times[one] * times[other])
        drawn.append(_fit(np.repeat(D, often, axis=0), start, pull))
    low, high = np.quantile(np.array(drawn), [0.05, 0.95], axis=0)
    old, new = _back_test(D, guests, start, pull)
    lines = zip(facets, *(w.tolist() for w in (start, suggested, low, high)), strict=True)
    return Learned(tuple(lines), len(found), len(names), pull, old, new)


def _closed(weights: Floats) -> Floats:
    return np.asarray(weights / weights.sum())


def _fit(D: Floats, start: Floats, pull: float) -> Floats:
    """The weights (F,) that make the preferences likely, none below 0, summing to 1, held to where they start."""
    from scipy.optimize import minimize

    def loss(w: Floats) -> tuple[float, Floats]:
        lead = SHARPNESS * (D @ w)
        wrong = 1.0 / (1.0 + np.exp(np.clip(lead, -500, 500)))
        off = w - start
        value = float(np.logaddexp(0.0, -lead).sum() + pull * len(start) * (off @ off))
        return value, -SHARPNESS * (wrong @ D) + 2.0 * pull * len(start) * off

    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0.0, None)] * len(start)).x
    return _closed(found) if found.sum() > 0 else start


def _back_test(
    D: Floats, guests: NDArray[np.intp], start: Floats, pull: float
) -> tuple[float, float]:
    """Agreement on held-out guests, (2, P), of today's weights, and of weights learned from the others."""
    new = np.zeros(len(D))
    folds = np.sort(_folds(guests), axis=0)
    for pair in np.unique(folds, axis=1).T:
        held_out = (folds == pair[:, None]).all(axis=0)
        learned = ~np.isin(folds, pair).any(axis=0)
        new[held_out] = _right(D[held_out] @ _fit(D[learned], start, pull))
    return float(_right(D @ start).mean()), float(new.mean())


def _folds(guests: NDArray[np.intp]) -> NDArray[np.intp]:
    """The fold of both guests of each preference, (2, P): a guest is in one fold."""
    from sklearn.model_selection import GroupKFold

    everyone = guests.ravel()
    folds = np.zeros_like(everyone)
    for fold, (_, held_out) in enumerate(GroupKFold(FOLDS).split(everyone, groups=everyone)):
        folds[held_out] = fold
    return folds.reshape(guests.shape)


def _right(lead: Floats) -> Floats:
    return np.where(np.abs(lead) < 1e-12, 0.5, (lead > 0).astype(np.float64))


def model_files(found: Learned, name: str, made_from: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the files of a suggestion: the weights as JSON and a model card, both plain text; never a pickle."""
    weights = {
        "schema": "twinmatch/weights/1",
        "name": name,
        "weights": {f: round(new, 6) for f, _, new, _, _ in found.lines},
        "interval_90": {f: [round(a, 6), round(b, 6)] for f, _, _, a, b in found.lines},
        "today": {f: round(today, 6) for f, today, *_ in found.lines},
        "agreement": {name: round(part, 6) for name, part in found.agreement.items()},
        "preferences": found.preferences,
        "guests": found.guests,
        "pull": found.pull,
        "made_from": dict(made_from),
    }
    text = (json.dumps(weights, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()
    card = _card(found, name, hashlib.sha256(text).hexdigest())
    return {f"{name}.json": text, f"{name}.md": card.encode()}


def _card(found: Learned, name: str, sha256: str) -> str:
    rows = "\n".join(
        f"| {f} | {100 * t:.1f} | {100 * s:.1f} | {100 * a:.1f} to {100 * b:.1f} |"
        for f, t, s, a, b in found.lines
    )
    card = Path(__file__).with_name("model_card.md").read_text("utf-8")
    return card.format(name=name, says=found.says, rows=rows, folds=FOLDS, sha256=sha256)


@dataclass(frozen=True, repr=False)
class _Ranked(Tabular):
    """What both tests share: figures over units, shown by unit, and by each facet alone."""

    figures: Annotated[Interval, Field(alias="mean_percentile_rank")]
    by_unit: Numbers
    alone: Numbers

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.figures}, {len(self.by_unit)} units>"

    def to_frame(self) -> pd.DataFrame:
        """Return one row a unit: its mean percentile rank."""
        return frame({"unit": unit, "mean_percentile_rank": rank} for unit, rank in self.by_unit)


@dataclass(frozen=True, repr=False)
class PartnerTest(_Ranked):
    """How high a score ranks the true partners of the cities of multi-city pilots, among all other candidates.

    ``by_unit`` has the mean percentile rank of each unit, so that a large unit counts no more than a small one
    in ``figures``; ``across_borders`` ranks partners of another country among cities of other countries only.
    """

    across_borders: Interval | None


def stripped(cohort: Cohort) -> Cohort:
    """Return the cohort without anything that pilot activities say: no pilot, no unit; what cities say stays."""
    return Cohort(tuple(c.model_copy(update={"pilot": None}) for c in cohort.cities), ())


def partners(
    cohort: Cohort, weights: Mapping[str, float], facet_cache: FacetCache, *, seed: int = 0
) -> PartnerTest:
    """Return how high the score ranks true partners: cities that chose to run a pilot activity together.

    Every city of a multi-city pilot asks; its candidates are all other Mission and Pilot Cities of which
    anything is known. The activity itself is taken out of all profiles first. The ranks of a city's partners are
    averaged, then those of a unit's cities, and the interval is over units, since the cities of one are no
    independent draws.
    """
    bare = stripped(cohort)
    hosting = ((i, c) for i, c in enumerate(bare) if {Role.MISSION, Role.PILOT} & set(c.roles))
    candidates = [i for i, c in hosting if c.needs or c.challenges]
    columns = tuple(map(bare.alone, candidates))
    affinity = compare(bare, weights, facet_cache, rows=candidates, columns=columns)
    place = {i: k for k, i in enumerate(candidates)}
    at = {u.id: [place.get(cohort.index[c], -1) for c in u.cities] for u in cohort.units}
    known = {name: [k for k in members if k >= 0] for name, members in at.items()}
    units = {name: members for name, members in known.items() if len(members) > 1}
    if not units:
        found = "No host unit has two cities of which anything is known."
        raise QuestionError.of("no-units", found)
    abroad = np.not_equal.outer(bare.countries[candidates], bare.countries[candidates])
    everyone = np.ones_like(abroad)
    ranked = [_unit_rank(affinity.score, members, abroad) for members in units.values()]
    crossing = [value for value in ranked if not np.isnan(value)]

    def by_unit(score: Floats) -> dict[str, float]:
        return {name: _unit_rank(score, members, everyone) for name, members in units.items()}

    across = interval_of(np.array(crossing), seed) if crossing else None
    return PartnerTest(*_measured(affinity, by_unit, seed), across)


def _measured(
    affinity: Affinity, by_unit: Callable[[Floats], dict[str, float]], seed: int
) -> tuple[Interval, Numbers, Numbers]:
    """The figures over units of a score, by unit, and by each facet alone."""
    ranks = by_unit(affinity.score)
    alone = ((n, float(np.mean([*by_unit(s).values()]))) for n, s in affinity.standing.items())
    return interval_of(np.array([*ranks.values()]), seed), tuple(ranks.items()), tuple(alone)


def _unit_rank(score: Floats, members: Sequence[int], rivals: NDArray[np.bool_]) -> float:
    """Mean percentile rank of each member's partners among its rivals that are no partners; nan where there is none."""
    own = [(i, j) for i in members for j in members if i != j and rivals[i, j]]
    mine, true = np.array(own, dtype=np.intp).reshape(-1, 2).T
    among = np.delete(rivals, list(members), axis=1)[mine]
    ranked = np.c_[score[mine, true], np.delete(score, list(members), axis=1)[mine]]
    rank, of = ranks(ranked, np.zeros_like(true), np.c_[np.ones_like(true, bool), among])
    found = percentile_of(rank, of)[of > 1]
    return float(found.mean()) if len(found) else float("nan")


@dataclass(frozen=True, repr=False)
class ActivityTest(_Ranked):
    """How high a score ranks the activity that a city chose to run, among the activities of all host units.

    The city asks with its needs, challenges and levers; every host shows its pilot activity and nothing else.
    The ranks of a unit's cities are averaged first, and the interval is over units.
    """

    cities: int
    units: int


def only_activities(cohort: Cohort) -> Cohort:
    """Return the cohort in which nobody shows anything but pilot activities."""
    silent = {"offers": None, "strengths": None, "levers_offered": None, "shows": None}
    return Cohort(tuple(c.model_copy(update=silent) for c in cohort.cities), cohort.units)


def activities(
    cohort: Cohort, weights: Mapping[str, float], facet_cache: FacetCache, *, seed: int = 0
) -> ActivityTest:
    """Return how high the score ranks the pilot activity that each city chose for itself.

    It is the question of twinning, what a city needs against what an activity shows, with an answer that is
    known for many more cities than were ever twinned. Facets of the place of a city have no say in it (a city
    is where it is), so only those of needs, challenges and levers are read from the weights. Raises
    QuestionError where none of them has a weight, or no city with needs runs an activity.
    """
    asked = {n: w for n, w in weights.items() if n in ASKING and w > 0}
    bare = only_activities(cohort)
    every = bare.hosts((Role.MISSION, Role.PILOT))
    hosts = tuple(host for host in every if any(map(bare.pilots, host.cities)))
    members = ((i, c) for c, host in enumerate(hosts) for i in host.cities)
    own = {i: c for i, c in members if bare.pilots(i) and bare.cities[i].needs}
    if not asked or not own:
        found = (
            "No facet of needs has a weight, or no city that states needs runs a pilot activity."
        )
        do = f"Facets of needs are: {', '.join(sorted(ASKING))}."
        raise QuestionError.of("no-activities", found, do=do)
    rows = tuple(sorted(own))
    true = np.array([own[i] for i in rows], dtype=np.int64)
    affinity = compare(bare, asked, facet_cache, rows=rows, columns=hosts)

    def by_unit(score: Floats) -> dict[str, float]:
        percentile = percentile_of(*ranks(score, true, np.ones(score.shape, dtype=np.bool_)))
        return {hosts[c].id: float(percentile[true == c].mean()) for c in np.unique(true)}

    return ActivityTest(*_measured(affinity, by_unit, seed), len(rows), len(np.unique(true)))


ASKING: Final = frozenset(
    {"challenges_met", "levers_met", "topics_met", "same_words", "needs_offers", "needs_answered"}
)
"""Facets of what a city needs against what an activity shows."""
