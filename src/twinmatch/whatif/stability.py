"""Stability: the share of perturbed rounds in which each meeting, and each city's place, survives.

Likenesses and standings are computed once; a run only weighs them again, draws what is not known, and settles.

*Perturbed runs*: each weight is multiplied by a factor drawn log-normally, and all are closed again to sum to 1;
what is not known, 0.5 by agreement, is drawn from the cohort. A guest of which a facet knows nothing is given the
standings of a guest drawn from those of which it does, a host likewise: a hot deck (Andridge and Little 2010,
doi:10.1111/j.1751-5823.2010.00103.x), since what is not known of a city is not known towards all others alike.
*Dropped*: each facet left out in turn, nothing else changed.

Run k draws from the k-th child of one seed (:class:`numpy.random.SeedSequence`), so that the result is the same
whatever spreads the runs: one process, several, or a Dask cluster through joblib's backend.

Notation: R runs, F facets, m pairs of the frame; standings (F, m); weights (F,).

Several named twinning proposals: each best in one respect, with what it gives up in total score.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import numpy as np
from pydantic import Field

from twinmatch.errors import Problem, QuestionError
from twinmatch.proposal.tables import ROBUST
from twinmatch.proposal.wire import Number, Rows, Tabular, Unknown, on_wire, rows
from twinmatch.solving import Bools, Floats
from twinmatch.solving.frontier import frontier, spread
from twinmatch.vocabulary.topics import facet_words
from twinmatch.whatif.case import Case
from twinmatch.wording import say

if TYPE_CHECKING:
    import pandas as pd

Judgement = Literal["robust", "fragile"]

SPREAD: Final = 0.3
"""Standard deviation of the logarithm of the factor on each weight: two weights in three stay within about 30%."""

BATCH: Final = 5
"""Runs of one task at least: few enough that progress shows, many enough that sending them costs little."""

MOST_BATCHES: Final = 40
"""Tasks of a study at most: enough for the workers of some machines and for progress to show."""


@dataclass(frozen=True)
class Stable:
    """A meeting or a city's place: in which share of the runs it survives, and without which facets it is lost."""

    id: str
    name: str
    share: Number
    lost_without: tuple[str, ...]

    @on_wire
    def judgement(self) -> Judgement:
        """Return robust or fragile."""
        return "robust" if self.share >= ROBUST else "fragile"


@dataclass(frozen=True)
class Instead:
    """What comes in a pair's place: the host's name, or "no place", and its share of the runs."""

    name: str
    share: Number


@dataclass(frozen=True)
class PairStable(Stable):
    """A pair of the answer: its stability, and what the guest has most often instead."""

    guest: str
    host: str
    instead: tuple[Instead, ...]
    """The other outcomes, the most frequent first; "no place" among them."""

    @on_wire
    def says(self) -> str:
        """Return the pair's stability as a sentence."""
        text = f"{self.name}: {self.judgement}, kept in {100 * self.share:.0f}% of the runs"
        if self.instead:
            often = (f"{other.name} ({100 * other.share:.0f}%)" for other in self.instead[:2])
            text += f"; otherwise most often {', '.join(often)}"
        if self.lost_without:
            text += f"; lost without {facet_words(self.lost_without)}"
        return text + "."

    def row(self) -> dict[str, Any]:
        """Return the pair as a row of a table: the share of the runs that it survives, and what comes instead."""
        lost = "; ".join(self.lost_without)
        kept = {"share": self.share, "judgement": self.judgement, "lost_without": lost}
        instead = "; ".join(other.name for other in self.instead)
        return {"guest": self.guest, "host": self.host, **kept, "instead": instead}


@dataclass(frozen=True, repr=False)
class Stability(Tabular):
    """How stable an answer is: its pairs and the places of its cities, the most fragile first."""

    runs: int
    failed: int
    seed: int
    spread: Number
    pairs: Rows[PairStable]
    places: tuple[Stable, ...]
    dropped: Annotated[tuple[tuple[str, float], ...], rows("facet", "survive")]
    """Each facet, and the share of the pairs that survive without it."""

    def __repr__(self) -> str:
        return f"<Stability: {len(self.fragile)} of {len(self.pairs)} pairs fragile in {self.runs} runs>"

    def to_frame(self) -> pd.DataFrame:
        """Return one row a pair, the most fragile first."""
        return self.pairs.to_frame()

    @property
    def fragile(self) -> tuple[PairStable, ...]:
        """Return the fragile pairs, the most fragile first."""
        return tuple(p for p in self.pairs if p.judgement == "fragile")


@dataclass(frozen=True, eq=False)
class _Bench:
    """All that a run needs, small enough to be sent to a worker: standings, what is known, weights, rules."""

    case: Case
    standing: Floats
    known: Bools
    weights: Floats
    spread: float

    def settled(self, score: Floats) -> Bools | None:
        """Return the answer under other scores (m,), or None where no choice keeps the rules."""
        found = self.case.settled(self.case.ready.rules, score=score)
        return None if found is None else found[0]

    def perturbed(self, seed: np.random.SeedSequence) -> Floats:
        """Return the scores (m,) of one run."""
        rng = np.random.default_rng(seed)
        weights = self.weights * np.exp(self.spread * rng.standard_normal(len(self.weights)))
        score = np.zeros(self.standing.shape[1])
        closed = weights / weights.sum()
        for weight, standing, known in zip(closed, self.standing, self.known, strict=True):
            filled = drawn(self.case.grid(standing), self.case.grid(known), rng)
            score += weight * filled.ravel()
        return np.round(score, 9)


def drawn(standing: Floats, known: Bools, rng: np.random.Generator) -> Floats:
    """Return standings (H, G) with what is not known drawn from what is; unchanged where all or nothing is known.

    First whole guests from other guests, then whole hosts from other hosts, then single pairs from the facet.
    """
    if known.all() or not known.any():
        return standing
    pool = standing[known]
    standing, known = standing.copy(), known.copy()
    for values, there in ((standing.T, known.T), (standing, known)):
        donors = np.flatnonzero(there.any(axis=1))
        for row in np.flatnonzero(~there.any(axis=1)):
            donor = rng.choice(donors)
            values[row], there[row] = values[donor], there[donor]
    standing[~known] = rng.choice(pool, size=int((~known).sum()))
    return standing


def stability(
    case: Case,
    runs: int = 200,
    *,
    seed: int = 0,
    spread: float = SPREAD,
    workers: int = 1,
    drop: bool = True,
    progress: Callable[[str], None] = lambda _: None,
) -> Stability:
    """Return how stable a settled round is over perturbed runs, and with ``drop`` without each facet in turn.

    ``workers`` processes share the runs through joblib; inside ``joblib.parallel_config(backend=...)`` that
    backend spreads them instead. The result depends on the seed and not on how the runs are spread. Raises
    QuestionError for numbers of runs or workers below 1 and a negative spread.
    """
    _check(runs, workers, spread)
    bench = _bench(case, spread)
    seeds = np.random.SeedSequence(seed).spawn(runs)
    answers = _spread_out(bench, seeds, workers, progress)
    kept = [a for a in answers if a is not None]
    names = list(case.ready.affinity.weights)
    dropped = names if drop and len(names) > 1 else []
    without = {name: _without(bench, f) for f, name in enumerate(dropped)}
    grids = np.array(kept, dtype=np.bool_).reshape(len(kept), len(case.hosts), -1)
    pairs, places = Rows(_pairs(case, grids, without)), _places(case, grids, without)
    survive = tuple((name, _survive(case, answer)) for name, answer in without.items())
    return Stability(runs, runs - len(kept), seed, spread, pairs, places, survive)


def _check(runs: int, workers: int, spread: float) -> None:
    problems = []
    for name, value, least in (("runs", runs, 1), ("workers", workers, 1), ("spread", spread, 0)):
        if not value >= least:
            found = say("{name} is {value}.", name=name, value=value)
            do = say("Give at least {least}.", least=least)
            problems.append(Problem("stability-number", found, do=do))
    if problems:
        raise QuestionError(problems)


def _bench(case: Case, spread: float) -> _Bench:
    affinity = case.ready.affinity
    names = list(affinity.weights)
    bare = replace(
        case.ready,
        round=replace(case.round, programme=None, previous=None, made=(), solved=()),
        affinity=None,  # type: ignore[arg-type]  # workers weigh standings; the facets stay at home
        rules=tuple(_bare(rule) for rule in case.ready.rules),
    )
    return _Bench(
        replace(case, ready=bare),
        np.array([np.ascontiguousarray(affinity.standing[n].T).ravel() for n in names]),
        np.array([~np.isnan(affinity.likeness[n].T).ravel() for n in names]),
        np.array([affinity.weights[n] for n in names]),
        spread,
    )


def _bare(rule: Any) -> Any:
    """A rule whose rows say only their number: sentences are closures, which no other process can be sent."""
    return replace(rule, block=replace(rule.block, says=_row_number))


def _row_number(row: int) -> str:
    return f"row {row}"


def _spread_out(
    bench: _Bench,
    seeds: Sequence[np.random.SeedSequence],
    workers: int,
    progress: Callable[[str], None],
) -> list[Bools | None]:
    # The bench goes with every batch to its process, so there are not many.
    size = max(BATCH, -(-len(seeds) // MOST_BATCHES))
    batches = [seeds[k : k + size] for k in range(0, len(seeds), size)]
    answers: list[Bools | None] = []
    for found in spread(_run, ((bench, batch) for batch in batches), workers):
        answers += found
        progress(f"{len(answers)} of {len(seeds)} runs")
    return answers


def _run(bench: _Bench, seeds: Sequence[np.random.SeedSequence]) -> list[Bools | None]:
    return [bench.settled(bench.perturbed(seed)) for seed in seeds]


def _without(bench: _Bench, dropped: int) -> Bools | None:
    weights = bench.weights.copy()
    weights[dropped] = 0.0
    return bench.settled(np.round((weights / weights.sum()) @ bench.standing, 9))


def _survive(case: Case, answer: Bools | None) -> float:
    if answer is None or not case.filled:
        return 0.0
    return float((answer & case.chosen).sum()) / case.filled


def _pairs(case: Case, grids: Bools, without: dict[str, Bools | None]) -> tuple[PairStable, ...]:
    found = []
    runs = max(len(grids), 1)
    for g, h in case.pairs(case.chosen):
        mine = grids[:, :, g]
        others = {
            host.name: float(mine[:, k].sum()) / runs
            for k, host in enumerate(case.hosts)
            if not case.chosen[case.pair(g, k)]
        }
        others[say("no place")] = float((~mine.any(axis=1)).sum()) / runs
        seen = (Instead(n, s) for n, s in others.items() if s > 0)
        instead = tuple(sorted(seen, key=lambda o: (-o.share, o.name)))
        guest, host = case.guest_id(g), case.hosts[h]
        name = say("{one} with {other}", one=case.guest_name(g), other=host.name)
        share = float(mine[:, h].sum()) / runs
        lost = tuple(n for n, a in without.items() if a is None or not a[case.pair(g, h)])
        row = (f"twinning:{guest}", name, share, lost, guest, host.id, instead)
        found.append(PairStable(*row))
    return tuple(sorted(found, key=lambda s: (s.share, s.id, s.host)))


def _places(case: Case, grids: Bools, without: dict[str, Bools | None]) -> tuple[Stable, ...]:
    """The guests that have a place, and the hosts that have a guest: how often they have one at all."""
    found = []
    runs = max(len(grids), 1)
    dropped = {n: None if a is None else case.grid(a) for n, a in without.items()}
    held = case.grid(case.chosen)
    for axis, members in ((0, "guest"), (1, "host")):
        placed = np.asarray(grids.any(axis=1 + axis))
        for k in np.flatnonzero(held.any(axis=axis)).tolist():
            id_ = case.guest_id(k) if members == "guest" else case.hosts[k].id
            name = case.guest_name(k) if members == "guest" else case.hosts[k].name
            every = (
                (n, a if a is None else np.asarray(a.any(axis=axis))) for n, a in dropped.items()
            )
            lost = tuple(n for n, a in every if a is None or not a[k])
            found.append(Stable(id_, name, float(placed[:, k].sum()) / runs, lost))
    return tuple(sorted(found, key=lambda s: (s.share, s.id)))


WORDS: Final = {
    "total score": say("highest total score"),
    "worst-off": say("worst-off guest served best"),
    "attributes covered": say("most countries"),
    "marked served": say("most small cities"),
    "even load": say("load spread most evenly over hosts"),
}


@dataclass(frozen=True)
class Choice:
    """A named proposal: pairs of guest and host ids, its figures, and what it gives up (in units of score)."""

    name: str
    pairs: Annotated[tuple[tuple[str, str], ...], rows("guest", "host")]
    total: Number
    gives_up: Number
    worst: Annotated[Unknown, Field(alias="worst_off")]
    countries: int
    small: Annotated[int, Field(alias="small_cities")]
    load: Annotated[int, Field(alias="most_guests_of_a_host")]
    proven: bool

    def row(self) -> dict[str, Any]:
        """Return the proposal as a row of a table: its figures, with the number of its pairs."""
        figures = {k: v for k, v in vars(self).items() if k not in ("name", "pairs")}
        return {"name": self.name, "pairs": len(self.pairs), **figures}


def choices(case: Case) -> tuple[Choice, ...]:
    """Return the named proposals of a twinning round, all with as many pairs as the rules allow; () where none fits.

    A city is small where it has fewer residents than the programme's ``small_below``.
    """
    ready, round_, small_below = case.ready, case.round, case.settings.small_below
    cities = [round_.cohort.cities[i] for i in ready.frame.guests]
    codes = sorted({city.country for city in cities})
    country = np.array([codes.index(city.country) for city in cities], dtype=np.int64)
    people = [city.population.value if city.population else np.inf for city in cities]
    small = np.array(people) < small_below
    keep = np.flatnonzero(ready.allowed)
    candidates = ready.candidates.take(keep)
    blocks = [rule.block.take(keep) for rule in ready.rules if not rule.filters]
    found = frontier(candidates, blocks, attribute=country, marked=small)
    answers = []
    for n in found:
        ends = candidates.guest[n.chosen].tolist(), candidates.host[n.chosen].tolist()
        pairs = sorted((cities[g].id, ready.frame.hosts[h].id) for g, h in zip(*ends, strict=True))
        figures = (n.total, n.gives_up, n.worst, n.covered, n.served, n.load, n.proven)
        answers.append(Choice(WORDS[n.name], tuple(pairs), *figures))
    return tuple(answers)
