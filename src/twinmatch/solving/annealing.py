"""A limit by the clock, read and never waited for.

How many members each group is to have, drawn inside unequal bands by an exact dynamic programme.

A sum over pairs rewards uneven sizes, because pairs grow with the square of a group; so sizes are
part of the answer, and good ones are drawn rather than left to the search alone.

Notation: n items, K groups, low[g] and high[g] the band of group g, worth[g, s] the value expected
of group g with s members.

Many starts of the search, the best of them kept: budgets, temperatures, cores, numba or not.

Starts are independent, each with its own seed spawned from the one given, and are merged by score
and then by labels; so the answer does not depend on how many cores took part. A budget in sweeps
(`effort`) gives the same bytes on every machine; a limit in seconds does not, and is told.

A start cools from where groups begin to take shape, and then reheats and cools again from its best
(thermal cycling, Möbius et al. 1997, doi:10.1103/PhysRevLett.79.4297).

Notation: as in `grouping`; T sweeps in one call of the kernel.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinmatch.solving.grouping import Task, breaches, in_order
from twinmatch.solving.kernels import (
    LOOPS,
    SHARED,
    Best,
    PlainTask,
    Sweeps,
    exchange_plain,
    seat,
)


@dataclass(frozen=True)
class Limit:
    """So many seconds from now on."""

    seconds: float
    began: float = field(default_factory=time.monotonic)

    def spent(self) -> float:
        """The share of the time that is gone, 1 or more when it is over."""
        return (time.monotonic() - self.began) / self.seconds

    def left(self) -> float:
        """The seconds that are left, at least a moment."""
        return max(self.seconds - (time.monotonic() - self.began), 0.01)


IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


def group_counts(n_items: int, low: int, high: int) -> range:
    """The numbers of groups of low to high members that n items can fill; empty when none can."""
    if n_items < low:
        return range(0)
    return range(-(-n_items // high), n_items // max(low, 1) + 1)


def best_sizes(worth: FloatArray, low: IntArray, high: IntArray, n_items: int) -> IntArray:
    """The sizes (K,) inside the bands that sum to n with the highest total worth.

    worth: (K, n + 1). The bands must admit a sum of n. Among equals the first groups are smallest.
    """
    n_groups = low.size
    # reach[g, s]: the best worth of groups g.. when they share s members
    reach = np.full((n_groups + 1, n_items + 1), -np.inf)
    reach[n_groups, 0] = 0.0
    for group in range(n_groups - 1, -1, -1):
        for size in range(int(low[group]), min(int(high[group]), n_items) + 1):
            rest = reach[group + 1, : n_items + 1 - size] + worth[group, size]
            np.maximum(reach[group, size:], rest, out=reach[group, size:])
    if not np.isfinite(reach[0, n_items]):
        raise ValueError("the bands admit no sizes that sum to n")
    return _trace(worth, reach, low, high, n_items)


def _trace(
    worth: FloatArray, reach: FloatArray, low: IntArray, high: IntArray, n_items: int
) -> IntArray:
    sizes = np.zeros(low.size, dtype=np.int64)
    left = n_items
    for group in range(low.size):
        for size in range(int(low[group]), min(int(high[group]), left) + 1):
            if reach[group + 1, left - size] + worth[group, size] == reach[group, left]:
                sizes[group] = size
                left -= size
                break
    return sizes


Kernel = Callable[..., Any]

NOISE = 1 << 13  # entries in the table of -log u
PILOT = ((0.7, 1), (1.15, 4))  # the pilot cools, then warms: by so much, after so many sweeps
PILOT_SHARE = 0.25  # of a limit in seconds, at most
MOST_LEVELS = 40
SPEED = 4  # sweeps that tell how fast this machine is
BREATH = 16  # sweeps at one temperature where the clock decides
MELTED = 0.25  # exchanges an item and sweep at the first temperature
COLD = 0.3  # the last temperature, as a share of the first
REHEAT = 0.9  # where later cycles begin, as a share of the first temperature
CYCLE = 70  # sweeps an item from hot to cold, where there is time for several cycles
CHUNK = 1 << 15  # rows of one kernel call: short enough to look at the clock, long enough to run
SLOWER = 32  # times that Python alone takes for a row
SLOW_ROWS = 40_000  # rows beyond which loading numba costs less than doing without
STARTS = 4


@dataclass(frozen=True, eq=False)
class Found:
    """The best grouping found: label (m,) in its canonical order, and whether all starts ended.

    score is -inf where no start came to a grouping that keeps the rules.
    """

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

    start: (m,) a grouping, best one that keeps every rule; None where only sizes rule. effort: sweeps
    over all starts, or None for as many as the seconds allow. fast: numba or not; None chooses.
    """
    if fast is None and seconds is not None:
        # the compiler would take the time that the search has
        fast = compiled.cache_info().currsize > 0 and bool(compiled().signatures)
    kernel = kernel_for(task, effort, fast) if task.plain else None
    starts = STARTS if effort is not None else workers
    each = None if effort is None else max(1, effort // starts)
    limit = None if seconds is None else Limit(seconds)

    def one(child: np.random.SeedSequence) -> Found:
        return _run(task, start, kernel, each, np.random.PCG64(child), limit)

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
    kernel: Kernel | None,
    sweeps: int | None,
    bits: np.random.PCG64,
    limit: Limit | None,
) -> Found:
    """One start: cooled from where a quarter of the items move, then reheated and cooled again."""
    if start is None:
        start = random_grouping(task, bits)
    walk = RuledWalk(task, start) if kernel is None else PlainWalk(task, start, kernel)
    usable = walk.keeps()
    hot = _melting(walk, typical_gain(task), bits, limit)
    best, value = start, -math.inf
    cycles = (
        _cycles_of(sweeps, walk.n_atoms)
        if sweeps is not None
        else _cycles_by_the_clock(walk, hot, bits, limit)
    )
    for cycle in cycles:
        top = hot if value == -math.inf else hot * REHEAT
        rows = CHUNK if kernel not in (None, exchange_plain) else CHUNK // SLOWER
        for heats in cycle(top, hot * COLD, max(1, rows // len(start))):
            walk.sweep(heats, bits)
            if limit is not None and limit.spent() >= 1.0:
                break
        found, reached = walk.descend(bits, limit)
        if reached >= value:
            best, value = found, reached
        if limit is not None and limit.spent() >= 1.0:
            break
        walk.restart(best)
    if value == -math.inf and usable:
        best, value = start, task.score(start)  # no time to search: an answer all the same
    label = in_order(best, task.kin)
    score = task.score(label) if value > -math.inf else -math.inf
    return Found(score, label, limit is None or limit.spent() < 1.0)


def _melting(walk: Walk, heat: float, bits: np.random.PCG64, limit: Limit | None) -> float:
    """The temperature at which about a quarter of the items move in a sweep.

    It is the likenesses' own scale: neither their unit nor how clustered they are matters. Cooled
    fast, the groups lag behind, so that it is passed; then it is reached from below.
    """
    for fall, sweeps in PILOT if heat > 0.0 else ():
        for _ in range(MOST_LEVELS):
            made = walk.sweep(np.full(sweeps, heat), bits)
            frozen = made <= MELTED * sweeps * walk.n_atoms
            late = limit is not None and limit.spent() > PILOT_SHARE
            if late or frozen == (fall < 1.0):
                break
            heat *= fall
    return heat


Cycle = Callable[[float, float, int], Iterator[FloatArray]]


def _cycles_of(sweeps: int, n_atoms: int) -> Iterator[Cycle]:
    """Cycles of equal length that use up a number of sweeps."""
    count = max(1, round(sweeps / (CYCLE * n_atoms)))

    def cycle(hot: float, cold: float, step: int) -> Iterator[FloatArray]:
        heats = _cooling(hot, cold, max(1, sweeps // count))
        for at in range(0, heats.size, step):
            yield heats[at : at + step]

    yield from repeat(cycle, count)


def _cycles_by_the_clock(
    walk: Walk, hot: float, bits: np.random.PCG64, limit: Limit | None
) -> Iterator[Cycle]:
    """Cycles over the time that there is; their number follows from the speed of the first sweeps."""
    assert limit is not None
    before = limit.spent()
    walk.sweep(np.full(SPEED, hot), bits)
    each = max(limit.spent() - before, 1e-9) / SPEED
    count = max(1, round((1.0 - limit.spent()) / (each * CYCLE * walk.n_atoms)))
    began = limit.spent()

    def cycle(hot: float, cold: float, step: int) -> Iterator[FloatArray]:
        first = limit.spent()
        ends = min(1.0, first + (1.0 - began) / count)
        while (spent := limit.spent()) < ends:
            share = (spent - first) / (ends - first)
            yield np.full(min(step, BREATH), _heat(hot, cold, share))

    while limit.spent() < 1.0:
        yield cycle


def _cooling(hot: float, cold: float, sweeps: int) -> FloatArray:
    """One temperature a sweep, from hot to cold."""
    return np.array([_heat(hot, cold, k / max(1, sweeps - 1)) for k in range(sweeps)])


def _heat(hot: float, cold: float, share: float) -> float:
    """The temperature after a share of a cycle: slow where groups take shape, then ever faster.

    Rounded, so that no library's last digit matters.
    """
    if hot == 0.0:
        return 0.0
    return float(f"{hot * math.exp(math.log(cold / hot) * share**2):.10g}")


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


class Walk(ABC):
    """One search: the arrays it works on, the best grouping it has seen, and a kernel to go on."""

    def __init__(self, task: Task, start: IntArray) -> None:
        self._task = task
        self._best = start.copy()
        self._standing = np.zeros(2)
        self.n_atoms = len(start)
        self.restart(start)
        if self.keeps():
            self._standing[1] = self._standing[0]
        self._least = 1e-9 * max(1.0, self._scale())

    @abstractmethod
    def restart(self, label: IntArray) -> None:
        """Go on from another grouping; what is best starts afresh."""

    def keeps(self) -> bool:
        """Whether the grouping that the search is at keeps the rules."""
        return True

    @abstractmethod
    def _scale(self) -> float:
        """The size of the numbers that are summed, for what counts as a gain."""

    @abstractmethod
    def _advance(self, sweeps: Sweeps, best: Best) -> int:
        """Make the sweeps."""

    def sweep(self, heats: FloatArray, bits: np.random.PCG64) -> int:
        """Sweep once a heat; returns the number of exchanges."""
        draws = bits.random_raw(heats.size * self.n_atoms) % NOISE
        noise = np.resize(_noise(), NOISE + self.n_atoms + self._task.n_groups)
        sweeps = Sweeps(heats, noise, draws.astype(np.int64).reshape(heats.size, -1))
        return self._advance(sweeps, Best(self._standing, self._best, self._least))

    def descend(self, bits: np.random.PCG64, limit: Limit | None = None) -> tuple[IntArray, float]:
        """The local optimum from the best grouping seen, by steepest descent, and its value.

        The value is -inf where no grouping that keeps the rules has been seen.
        """
        self.restart(self._best)
        if self.keeps():
            self._standing[1] = self._standing[0]
        while (limit is None or limit.spent() < 1.0) and self.sweep(np.zeros(1), bits):
            pass
        return self._best.copy(), float(self._standing[1])


class PlainWalk(Walk):
    """A search where sizes and places are the only rules."""

    def __init__(self, task: Task, start: IntArray, kernel: Kernel) -> None:
        bonus = np.ascontiguousarray(task.bonus.T)
        rigid = bool((task.low == task.high).all())
        self._plain = PlainTask(task.weight, bonus, task.low, task.high, task.factor, rigid)
        self._kernel = kernel
        super().__init__(task, start)

    def restart(self, label: IntArray) -> None:
        """Go on from another grouping; what is best starts afresh."""
        task = self._plain
        self._seating = at = seat(label, task.weight, task.bonus, task.factor)
        seats = task.bonus[label, np.arange(label.size)]
        self._standing[:] = float((at.rate * at.inside).sum() + seats.sum()), -np.inf

    def _scale(self) -> float:
        return float(max(np.abs(self._task.weight).max(), np.abs(self._seating.own).max()))

    def _advance(self, sweeps: Sweeps, best: Best) -> int:
        made: int = self._kernel(self._plain, self._seating, sweeps, best)
        return made


class RuledWalk(Walk):
    """A search under rules, over groupings that keep all of them; a move is a swap with nobody."""

    def restart(self, label: IntArray) -> None:
        """Go on from another grouping; what is best starts afresh."""
        task, everyone = self._task, np.arange(label.size)
        self._label, self._bonus = label.copy(), task.bonus.T
        self._reach = np.zeros((task.n_groups, label.size))
        self._held = np.zeros((task.kind.size, task.n_groups))
        for atom, group in enumerate(label.tolist()):
            self._reach[group] += task.weight[atom]
            self._held[:, group] += task.tally[:, atom]
        self._size = np.bincount(label, task.mass, task.n_groups).astype(np.int64)
        inside = task.inner + self._reach[label, everyone] / 2.0
        self._inside = np.bincount(label, inside, task.n_groups)
        value = (task.factor[self._size] * self._inside).sum() + self._bonus[label, everyone].sum()
        self._standing[:] = float(value), -np.inf

    def keeps(self) -> bool:
        """Whether the grouping keeps the rules; one to start from may lack the rounding of a balance."""
        task, label = self._task, self._label
        held = task.kind[:, None], self._held, task.floor, task.ceiling, task.slope[:, None]
        met = task.apart is not None and task.apart[label[:, None] == label].any()
        return not (breaches(*held, self._size).any() or met)

    def _scale(self) -> float:
        return float(np.abs(self._task.weight).max())

    def _advance(self, sweeps: Sweeps, best: Best) -> int:
        made, standing = 0, best.standing
        for heat, draws in zip(sweeps.heats, sweeps.draws, strict=True):
            for i in range(self.n_atoms):
                gain = self._gains(i)
                margin = gain + heat * sweeps.noise[draws[i] : draws[i] + gain.size]
                better = np.flatnonzero(margin > best.least)
                better = better[self._may(i, better)] if better.size else better
                if better.size:
                    k = int(better[margin[better].argmax()])
                    standing[0] += gain[k]
                    made += 1
                    a, b = self._label[i], self._other[k]
                    if k < self.n_atoms:
                        self._shift(k, b, a)
                    self._shift(i, a, b)
            if standing[0] > standing[1] + best.least and self.keeps():
                standing[1] = standing[0]
                best.label[:] = self._label
        return made

    def _gains(self, i: int) -> FloatArray:
        """What each swap of atom i, (m,), and then each move of it, (K,), gains; -inf in its own group."""
        task, label, size, inside, reach = (
            self._task,
            self._label,
            self._size,
            self._inside,
            self._reach,
        )
        a, nobody = label[i], np.zeros(task.n_groups)
        other = self._other = np.concatenate((label, np.arange(task.n_groups)))
        joins = task.mass[i] - np.concatenate((task.mass, nobody)).astype(np.int64)
        pair, core = np.concatenate((task.weight[i], nobody)), np.concatenate((task.inner, nobody))
        from_b = np.concatenate((reach[label, np.arange(label.size)], nobody))
        in_a = inside[a] - reach[a, i] - task.inner[i]
        in_a = in_a + np.concatenate((reach[a], nobody)) - pair + core
        in_b = inside[other] - from_b - core + reach[other, i] - pair + task.inner[i]
        last = task.factor.size - 1
        gain = task.factor[np.clip(size[a] - joins, 0, last)] * in_a
        gain += task.factor[np.clip(size[other] + joins, 0, last)] * in_b
        gain -= task.factor[size[a]] * inside[a] + task.factor[size[other]] * inside[other]
        gain += self._bonus[other, i] - self._bonus[a, i]
        gain[: label.size] += self._bonus[a] - self._bonus[label, np.arange(label.size)]
        gain[other == a] = -np.inf
        return np.asarray(gain)

    def _may(self, i: int, which: IntArray) -> BoolArray:
        """Whether each of these exchanges of atom i keeps every rule."""
        task, a, b = self._task, self._label[i], self._other[which]
        swaps = which < self.n_atoms
        k = np.where(swaps, which, 0)
        joins = task.tally[:, [i]] - task.tally[:, k] * swaps
        mass = task.mass[i] - task.mass[k] * swaps
        kind, slope = task.kind[:, None], task.slope[:, None]
        may = np.ones(which.size, dtype=np.bool_)
        for g, sign in ((np.full(which.size, a), -1), (b, 1)):
            held = kind, self._held[:, g] + sign * joins, task.floor[:, g], task.ceiling[:, g]
            may &= ~breaches(*held, slope, self._size[g] + sign * mass).any(axis=0)
        if task.apart is not None:
            seat = self._label == np.arange(task.n_groups)[:, None]
            met = (
                seat.astype(np.int64) @ task.apart
            )  # (K, m) of whose group each is to keep apart from how many
            may &= met[b, i] == task.apart[i, k] * swaps
            may &= (met[a, k] - task.apart[i, k]) * swaps == 0
        return may

    def _shift(self, i: int, a: int, b: int) -> None:
        """Take atom i out of group a and into group b, in all running sums."""
        task = self._task
        for g, sign in ((a, -1), (b, 1)):
            self._inside[g] += sign * (self._reach[g, i] + task.inner[i])
            self._reach[g] += sign * task.weight[i]
            self._size[g] += sign * task.mass[i]
            self._held[:, g] += sign * task.tally[:, i]
        self._label[i] = b


@cache
def _noise() -> FloatArray:
    """A shuffled table of -log u at evenly spaced u, rounded so that it is the same everywhere."""
    order = np.argsort(np.random.PCG64(0).random_raw(NOISE), kind="stable")
    return np.array([round(-math.log((k + 0.5) / NOISE), 9) for k in order.tolist()])


def kernel_for(task: Task, effort: int | None, fast: bool | None) -> Kernel:
    """The kernel for plain tasks: compiled where numba is there and worth loading."""
    if fast is None:
        rows = (effort or SLOW_ROWS) * len(task.weight)
        fast = rows > SLOW_ROWS and importlib.util.find_spec("numba") is not None
    return compiled() if fast else exchange_plain


@cache
def compiled() -> Any:
    """The kernel compiled by numba, kept on disk for the next run."""
    numba: Any = importlib.import_module("numba")
    extending: Any = importlib.import_module("numba.extending")
    for rows, loops in LOOPS.items():
        extending.overload(rows, strict=False)(lambda *_, loops=loops: loops)
    for shared in SHARED:
        extending.register_jitable(shared)
    return numba.njit(cache=True, nogil=True)(exchange_plain)
