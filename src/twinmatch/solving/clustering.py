"""Clusters of points whose sizes lie in a band, by the least sum of squares.

The sum of squares around the centre of a cluster is the sum of squared distances over its pairs,
divided by its size (Edwards and Cavalli-Sforza 1965, doi:10.2307/2528096); so it is a partition with
the objective "squares", and the same search finds it without ever computing a centre.

Notation: n points in d dimensions, K clusters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twinmatch.errors import Problem, QuestionError
from twinmatch.solving.partition import Partition, partition

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Clusters:
    """label (n,), centres (K, d), inertia the sum of squares, and the partition behind them."""

    label: NDArray[np.int64]
    centres: FloatArray
    inertia: float
    partition: Partition


def size_constrained_kmeans(
    points: ArrayLike,
    n_clusters: int,
    low: int,
    high: int,
    *,
    seconds: float | None = None,
    effort: int | None = None,
    rng: int | np.random.Generator = 0,
    workers: int = 1,
) -> Clusters:
    """Cluster points (n, d) into n_clusters of low to high points each; limits as in `partition`.

    Raises QuestionError where the points are no finite table, the band is none, or where so many
    clusters of such sizes cannot hold all points.
    """
    table = _checked_points(points, n_clusters, low, high)
    found = partition(
        -squared_distances(table),
        groups=[(low, high)] * n_clusters,
        objective="squares",
        seconds=seconds,
        effort=effort,
        rng=rng,
        workers=workers,
    )
    centres = np.stack([table[found.label == k].mean(axis=0) for k in range(n_clusters)])
    inertia = float(((table - centres[found.label]) ** 2).sum())
    return Clusters(found.label, centres, inertia, found)


def squared_distances(points: FloatArray) -> FloatArray:
    """The squared distances between points (n, d), (n, n), symmetric with a diagonal of zero."""
    centred = points - points.mean(axis=0)  # nearer the origin, less is lost in the difference
    squares = (centred**2).sum(axis=1)
    crude = squares[:, None] + squares[None, :] - 2.0 * (centred @ centred.T)
    distances: FloatArray = np.maximum((crude + crude.T) / 2.0, 0.0)
    np.fill_diagonal(distances, 0.0)
    return distances


def _checked_points(points: ArrayLike, n_clusters: int, low: int, high: int) -> FloatArray:
    problems = []
    table = np.asarray(points, dtype=np.float64)
    if table.ndim != 2 or not table.size or not np.isfinite(table).all():
        raise QuestionError(Problem("points-shape", "points are no finite table (n, d)."))
    if not 1 <= low <= high:
        problems.append(Problem("band-impossible", f"{low} to {high} is no band."))
    elif not low * n_clusters <= len(table) <= high * n_clusters:
        found = f"{n_clusters} clusters of {low} to {high} do not hold {len(table)} points."
        problems.append(Problem("sizes-sum", found))
    if problems:
        raise QuestionError(problems)
    return table
