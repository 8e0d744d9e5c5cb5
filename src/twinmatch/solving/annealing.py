"""How many members each group is to have, drawn inside unequal bands by an exact dynamic programme.

A sum over pairs rewards uneven sizes, because pairs grow with the square of a group; so sizes are
part of the answer, and good ones are drawn rather than left to the search alone.

Notation: n items, K groups, low[g] and high[g] the band of group g, worth[g, s] the value expected
of group g with s members.

Many starts of the search, the best of them kept: budgets, temperatures, cores, numba or not.

Starts are independent, each with its own seed spawned from the one given, and are merged by score
and then by labels; so the answer does not depend on how many cores took part. A budget in sweeps
(`effort`) gives the same bytes on every machine; a limit in seconds does not, and is reported.

A start cools from where groups begin to take shape, and then reheats and cools again from its best
(thermal cycling, Möbius et al. 1997, doi:10.1103/PhysRevLett.79.4297).

Notation: as in `grouping`; T sweeps in one call of the kernel.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import repeat
from typing import Any

import numpy as np

from twinmatch.solving.blocks import Floats, Ints
from twinmatch.solving.grouping import Task, in_order
from twinmatch.solving.highs import Clock
from twinmatch.solving.kernels import LOOPS, SHARED, Kernel, Walk, exchange_plain


def group_counts(n_items: int, low: int, high: int) -> range:
    """The numbers of groups of low to high members that n items can fill; empty when none can."""
    if n_items < low:
        return range(0)
    return range(-(-n_items // high), n_items // max(low, 1) + 1)


def best_sizes(worth: Floats, low: Ints, high: Ints, n_items: int) -> Ints:
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


def _trace(worth: Floats, reach: Floats, low: Ints, high: Ints, n_items: int) -> Ints:
    sizes = np.zeros(low.size, dtype=np.int64)
    left = n_items
    for group in range(low.size):
        for size in range(int(low[group]), min(int(high[group]), left) + 1):
            if reach[group + 1, left - size] + worth[group, size] == reach[group, left]:
                sizes[group] = size
                left -= size
                break
    return sizes


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
    """The best grouping found: label (n,) in its canonical order, and whether all starts ended."""

    score: float
    label: Ints
    complete: bool


def anneal(
    task: Task,
    *,
    effort: int | None,
    seconds: float | None = None,
    seed: int = 0,
    workers: int = 1,
    fast: bool | None = None,
) -> Found:
    """The best grouping of several starts.

    Only sizes rule. effort: sweeps over all starts, or None for as many as the seconds allow. fast: numba
    or not; None chooses.
    """
    if fast is None and seconds is not None:
        # the compiler would take the time that the search has
        fast = compiled.cache_info().currsize > 0 and bool(compiled().signatures)
    kernel = kernel_for(task, effort, fast)
    starts = STARTS if effort is not None else workers
    each = None if effort is None else max(1, effort // starts)
    clock = Clock(seconds)

    def one(child: np.random.SeedSequence) -> Found:
        return _run(task, kernel, each, np.random.PCG64(child), clock)

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
    kernel: Kernel,
    sweeps: int | None,
    bits: np.random.PCG64,
    clock: Clock,
) -> Found:
    """One start: cooled from where a quarter of the items move, then reheated and cooled again."""
    start = random_grouping(task, bits)
    walk = Walk(task, start, kernel)
    hot = _melting(walk, typical_gain(task), bits, clock)
    best, value = start, -math.inf
    cycles = (
        _cycles_of(sweeps, walk.n_items)
        if sweeps is not None
        else _cycles_by_the_clock(walk, hot, bits, clock)
    )
    for cycle in cycles:
        top = hot if value == -math.inf else hot * REHEAT
        rows = CHUNK if kernel is not exchange_plain else CHUNK // SLOWER
        for heats in cycle(top, hot * COLD, max(1, rows // len(start))):
            walk.sweep(heats, bits)
            if clock.over():
                break
        found, reached = walk.descend(bits, clock)
        if reached >= value:
            best, value = found, reached
        if clock.over():
            break
        walk.restart(best)
    label = in_order(best, task.kin)  # the start, where there was no time to search
    return Found(task.score(label), label, not clock.over())


def _melting(walk: Walk, heat: float, bits: np.random.PCG64, clock: Clock) -> float:
    """The temperature at which about a quarter of the items move in a sweep.

    It is the likenesses' own scale: neither their unit nor how clustered they are matters. Cooled
    fast, the groups lag behind, so that it is passed; then it is reached from below.
    """
    for fall, sweeps in PILOT if heat > 0.0 else ():
        for _ in range(MOST_LEVELS):
            made = walk.sweep(np.full(sweeps, heat), bits)
            frozen = made <= MELTED * sweeps * walk.n_items
            late = clock.spent() > PILOT_SHARE
            if late or frozen == (fall < 1.0):
                break
            heat *= fall
    return heat


Cycle = Callable[[float, float, int], Iterator[Floats]]


def _cycles_of(sweeps: int, n_items: int) -> Iterator[Cycle]:
    """Cycles of equal length that use up a number of sweeps."""
    count = max(1, round(sweeps / (CYCLE * n_items)))

    def cycle(hot: float, cold: float, step: int) -> Iterator[Floats]:
        heats = _cooling(hot, cold, max(1, sweeps // count))
        for at in range(0, heats.size, step):
            yield heats[at : at + step]

    yield from repeat(cycle, count)


def _cycles_by_the_clock(
    walk: Walk, hot: float, bits: np.random.PCG64, clock: Clock
) -> Iterator[Cycle]:
    """Cycles over the time that there is; their number follows from the speed of the first sweeps."""
    before = clock.spent()
    walk.sweep(np.full(SPEED, hot), bits)
    each = max(clock.spent() - before, 1e-9) / SPEED
    count = max(1, round((1.0 - clock.spent()) / (each * CYCLE * walk.n_items)))
    began = clock.spent()

    def cycle(hot: float, cold: float, step: int) -> Iterator[Floats]:
        first = clock.spent()
        ends = min(1.0, first + (1.0 - began) / count)
        while (spent := clock.spent()) < ends:
            share = (spent - first) / (ends - first)
            yield np.full(min(step, BREATH), _heat(hot, cold, share))

    while not clock.over():
        yield cycle


def _cooling(hot: float, cold: float, sweeps: int) -> Floats:
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
    """The spread of what one exchange gains: weights without the part that each item takes along,
    times the root of a group's size; rounded to six digits."""
    n_items = len(task.weight)
    if n_items < 3:
        return 0.0
    size = max(2, round(float(task.mass.sum()) / task.n_groups))
    spread = residual_spread(task.weight) * float(task.factor[min(size, task.factor.size - 1)])
    return float(f"{spread * math.sqrt(n_items / task.n_groups):.6g}")


def residual_spread(weight: Floats) -> float:
    """The standard deviation of the weights after the additive effect of each item is taken out."""
    n = len(weight)
    effect = weight.sum(axis=1) / (n - 2)
    common = float(weight.sum()) / ((n - 1) * (n - 2))
    rest = weight - effect[:, None] - effect[None, :] + common
    return float(np.sqrt((rest[np.triu_indices(n, 1)] ** 2).mean()))


def random_grouping(task: Task, bits: np.random.PCG64) -> Ints:
    """A random grouping whose sizes are the most promising inside the bands."""
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


def kernel_for(task: Task, effort: int | None, fast: bool | None) -> Kernel:
    """The kernel: compiled where numba is there and worth loading."""
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
