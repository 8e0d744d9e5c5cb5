"""Many starts of the search, the best of them kept: budgets, temperatures, cores, numba or not.

Starts are independent, each with its own seed spawned from the one given, and are merged by score
and then by labels; so the answer does not depend on how many cores took part. A budget in sweeps
(`effort`) gives the same bytes on every machine; a limit in seconds does not, and is told.

Notation: as in `grouping`; T sweeps in one call of the kernel.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinmatch.solving import ruled, search
from twinmatch.solving.grouping import Task, in_order
from twinmatch.solving.sizes import best_sizes

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
Kernel = Callable[..., Any]

NOISE = 1 << 13  # entries in the table of -log u
HOT, COLD = 0.5, 0.015  # first and last temperature, in units of a move's typical gain
CHUNK = 1 << 15  # rows of one kernel call: short enough to look at the clock, long enough to run
SLOW_ROWS = 200_000  # rows beyond which loading numba costs less than doing without
STARTS = 4


@dataclass(frozen=True)
class Limit:
    """A limit by the clock: when it began, and the seconds it lasts."""

    began: float
    seconds: float

    def spent(self) -> float:
        """The share of the time that is gone, 1 or more when it is over."""
        return (time.monotonic() - self.began) / self.seconds


@dataclass(frozen=True, eq=False)
class Found:
    """The best grouping found: label (m,) in its canonical order, and whether all starts ended."""

    score: float
    label: IntArray
    complete: bool


def anneal(
    task: Task,
    start: IntArray | None,
    *,
    effort: int | None,
    seconds: float | None = None,
    seed: int = 0,
    workers: int = 1,
    fast: bool | None = None,
) -> Found:
    """The best grouping of several starts.

    start: (m,) a grouping that keeps every rule; may be None where only sizes rule. effort: sweeps
    over all starts, or None for as many as the seconds allow. fast: numba or not; None chooses.
    """
    began = time.monotonic()
    kernels = kernels_for(task, effort, fast)
    starts = STARTS if effort is not None else workers
    each = None if effort is None else max(1, effort // starts)
    limit = None if seconds is None else Limit(began, seconds)

    def one(child: np.random.SeedSequence) -> Found:
        return _run(task, start, kernels, each, np.random.PCG64(child), limit)

    children = np.random.SeedSequence(seed).spawn(starts)
    if workers == 1:
        found = [one(child) for child in children]
    else:
        with ThreadPoolExecutor(workers) as pool:
            found = list(pool.map(one, children))
    best = min(found, key=lambda f: (-f.score, f.label.tolist()))
    return Found(best.score, best.label, all(f.complete for f in found))


def _run(
    task: Task,
    start: IntArray | None,
    kernels: tuple[Kernel, Kernel],
    sweeps: int | None,
    bits: np.random.PCG64,
    limit: Limit | None,
) -> Found:
    if start is None:
        start = random_grouping(task, bits)
    walk = PlainWalk(task, start, kernels[0]) if task.plain else RuledWalk(task, start, kernels[1])
    hot = typical_gain(task)
    step = max(1, CHUNK // len(start))
    if sweeps is None:
        assert limit is not None
        cooling = _by_the_clock(hot * HOT, hot * COLD, limit, step)
    else:
        cooling = _chunks(_cooling(hot * HOT, hot * COLD, sweeps), step)
    complete = sweeps is not None
    for heats in cooling:
        walk.sweep(heats, bits)
        if limit is not None and limit.spent() >= 1.0:
            complete = False
            break
    label = in_order(walk.descend(bits), task.kin)
    return Found(task.score(label), label, complete)


def _cooling(hot: float, cold: float, sweeps: int) -> FloatArray:
    """Temperatures falling geometrically; rounded, so that no library's last digit matters."""
    if hot == 0.0 or sweeps == 1:
        return np.full(sweeps, cold)
    factor = round(math.exp(math.log(cold / hot) / (sweeps - 1)), 12)
    heats = np.full(sweeps, factor)
    heats[0] = hot
    return np.multiply.accumulate(heats)


def _by_the_clock(hot: float, cold: float, limit: Limit, step: int) -> Iterator[FloatArray]:
    """The same fall of temperature over the time that there is, in calls of one temperature."""
    while (spent := limit.spent()) < 1.0:
        yield np.full(step, hot * (cold / hot) ** spent if hot else 0.0)


def _chunks(heats: FloatArray, step: int) -> Iterator[FloatArray]:
    for at in range(0, heats.size, step):
        yield heats[at : at + step]


def typical_gain(task: Task) -> float:
    """The spread of what one exchange gains: weights without the part that each atom takes along,
    times the root of a group's size, and the bonus; rounded to six digits."""
    n_atoms = len(task.weight)
    if n_atoms < 3:
        return 0.0
    size = max(2, round(float(task.mass.sum()) / task.n_groups))
    spread = residual_spread(task.weight) * float(task.factor[min(size, task.factor.size - 1)])
    seats = np.where(np.isfinite(task.bonus), task.bonus, 0.0)
    seats = seats - seats.mean(axis=1, keepdims=True)
    gain = math.sqrt(spread**2 * n_atoms / task.n_groups + float((seats**2).mean()))
    return float(f"{gain:.6g}")


def residual_spread(weight: FloatArray) -> float:
    """The standard deviation of the weights after the additive effect of each atom is taken out."""
    n = len(weight)
    effect = weight.sum(axis=1) / (n - 2)
    common = float(weight.sum()) / ((n - 1) * (n - 2))
    rest = weight - effect[:, None] - effect[None, :] + common
    return float(np.sqrt((rest[np.triu_indices(n, 1)] ** 2).mean()))


def random_grouping(task: Task, bits: np.random.PCG64) -> IntArray:
    """A random grouping whose sizes are the most promising inside the bands; plain tasks only."""
    n_items = len(task.weight)
    mean = float(task.weight.sum()) / max(1, n_items * (n_items - 1))
    spread = residual_spread(task.weight) if n_items > 2 else 0.0
    size = np.arange(n_items + 1, dtype=np.float64)
    # what a group of s may come to: its pairs at the mean, and what choosing well adds to them
    worth = task.factor[: n_items + 1] * (mean * size * (size - 1) / 2 + spread * size**1.5 / 2)
    sizes = best_sizes(np.tile(worth, (task.n_groups, 1)), task.low, task.high, n_items)
    order = np.argsort(bits.random_raw(n_items), kind="stable")
    label = np.empty(n_items, dtype=np.int64)
    label[order] = np.repeat(np.arange(task.n_groups), sizes)
    return label


class PlainWalk:
    """One search where sizes and places are the only rules."""

    def __init__(self, task: Task, start: IntArray, kernel: Kernel) -> None:
        self._kernel = kernel
        self._task = task
        self._bonus = np.ascontiguousarray(task.bonus.T)
        self._seating = search.seat(start, task.weight, self._bonus, task.factor)
        value = self._seating.value(self._bonus)
        self._least = 1e-9 * max(1.0, abs(value) / len(start), float(np.abs(task.weight).max()))
        self._standing = np.array([value, value])
        self._best = start.copy()
        self._even = bool((task.factor == task.factor[0]).all())
        self._rigid = bool((task.low == task.high).all())

    def sweep(self, heats: FloatArray, bits: np.random.PCG64) -> int:
        """Sweep once a heat; returns the number of exchanges."""
        task, at = self._task, self._seating
        return self._kernel(
            task.weight, self._bonus, task.low, task.high, task.factor, at.label, at.size,
            at.inside, at.reach, at.pull, at.own, at.rate,
            *_chance(bits, heats.size, len(at.label), task.n_groups),
            heats, self._even, self._rigid, self._least, self._standing, self._best,
        )  # fmt: skip

    def descend(self, bits: np.random.PCG64) -> IntArray:
        """The local optimum from the best grouping seen, by steepest descent."""
        self._seating = search.seat(self._best, self._task.weight, self._bonus, self._task.factor)
        self._standing[:] = self._seating.value(self._bonus)
        while self.sweep(np.zeros(1), bits):
            pass
        return self._best


class RuledWalk:
    """One search under rules, with a price on what breaks them."""

    def __init__(self, task: Task, start: IntArray, kernel: Kernel) -> None:
        self._kernel = kernel
        self._task = task
        self._bonus = np.ascontiguousarray(task.bonus.T)
        self._price = 8.0 * max(typical_gain(task), 1e-6)
        apart = np.zeros((0, 2), dtype=np.int64) if task.apart is None else np.argwhere(task.apart)
        self._apart = np.ascontiguousarray(apart[apart[:, 0] < apart[:, 1]])
        self._weight = task.weight
        if task.apart is not None:
            self._weight = task.weight - self._price * task.apart
        self._best = start.copy()
        self._seat(start)
        self._least = 1e-9 * max(1.0, self._price, float(np.abs(task.weight).max()))

    def _seat(self, label: IntArray) -> None:
        task = self._task
        self._seating = ruled.seat_under_rules(
            label, self._weight, task.inner, task.mass, task.kind, task.tally,
            task.floor, task.ceiling, task.slope,
        )  # fmt: skip
        seats = self._bonus[label, np.arange(label.size)]
        rate = task.factor[self._seating.size]
        value = float((rate * self._seating.inside).sum() + seats.sum())
        self._standing = np.array([value, value])

    def sweep(self, heats: FloatArray, bits: np.random.PCG64) -> int:
        """Sweep once a heat; returns the number of exchanges."""
        task, at = self._task, self._seating
        return self._kernel(
            self._weight, task.inner, self._bonus, task.mass, task.factor, task.kind, task.tally,
            task.floor, task.ceiling, task.slope, at.label, at.size, at.inside, at.reach, at.held,
            at.broken, self._price, self._apart,
            *_chance(bits, heats.size, len(at.label), task.n_groups),
            heats, self._least, self._standing, self._best,
        )  # fmt: skip

    def descend(self, bits: np.random.PCG64) -> IntArray:
        """The local optimum from the best grouping seen, by steepest descent."""
        self._seat(self._best)
        while self.sweep(np.zeros(1), bits):
            pass
        return self._best


@cache
def _noise() -> FloatArray:
    """A shuffled table of -log u at evenly spaced u, rounded so that it is the same everywhere."""
    order = np.argsort(np.random.PCG64(0).random_raw(NOISE), kind="stable")
    return np.array([round(-math.log((k + 0.5) / NOISE), 9) for k in order.tolist()])


def _chance(
    bits: np.random.PCG64, sweeps: int, n_atoms: int, n_groups: int
) -> tuple[FloatArray, IntArray]:
    noise = np.resize(_noise(), NOISE + n_atoms + n_groups)
    raw = bits.random_raw(sweeps * n_atoms) % NOISE
    return noise, raw.astype(np.int64).reshape(sweeps, n_atoms)


def kernels_for(task: Task, effort: int | None, fast: bool | None) -> tuple[Kernel, Kernel]:
    """The kernels for plain tasks and for rules: compiled where numba is there and worth loading."""
    if fast is None:
        rows = (effort or SLOW_ROWS) * len(task.weight) * (1 if task.plain else 4)
        fast = rows > SLOW_ROWS and importlib.util.find_spec("numba") is not None
    return compiled() if fast else (search.exchange, ruled.exchange_under_rules)


@cache
def compiled() -> tuple[Kernel, Kernel]:
    """The kernels compiled by numba, kept on disk for the next run."""
    numba: Any = importlib.import_module("numba")
    extending: Any = importlib.import_module("numba.extending")

    def instead(loops: Kernel) -> Callable[..., Kernel]:
        return lambda *types: loops

    for rows, loops in {**search.LOOPS, **ruled.LOOPS}.items():
        extending.overload(rows, strict=False)(instead(loops))
    for shared in (search.move_gain, ruled.breach_of, ruled.shift):
        extending.register_jitable(shared)
    keep = numba.njit(cache=True, nogil=True)
    return keep(search.exchange), keep(ruled.exchange_under_rules)
