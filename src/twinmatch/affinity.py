"""compare(): facets and weights make an affinity, whose every score is the sum of its named evidence.

Notation: R rows (cities that learn, or any cities), C columns (hosts of one or several cities); likeness[f]
and standing[f] have shape (R, C). Raw likenesses of different facets do not compare, so the score adds up
*standings*: the share of all pairs compared that a pair beats, ties counting half. A facet unknown for a pair
stands at 0.5, the average, so that silence neither flatters nor punishes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from twinmatch.cohort import Cohort, Host, nearest
from twinmatch.errors import Problem, QuestionError
from twinmatch.evidence import Account, Evidence, Fact
from twinmatch.facets import FACETS, Materials
from twinmatch.facets.base import Facet

if TYPE_CHECKING:
    import networkx as nx

Floats = NDArray[np.float64]

DECIMALS: Final = 6
"""Likenesses are rounded to this before they are ranked, so that machines agree on ties."""

UNKNOWN_STANDING: Final = 0.5


def checked_weights(weights: Mapping[str, float], extra: Sequence[str] = ()) -> dict[str, float]:
    """Return each facet's part of all weights, summing to 1, in the registry's order; zeros are left out.

    ``extra`` names facets that a product brings itself; they come first. Raises QuestionError with every facet that is unknown and every weight that is negative or not a number.
    """
    problems = []
    known = [*extra, *FACETS]
    for name, weight in weights.items():
        if name not in known:
            hint = nearest(name, {f: f for f in known}) or f"Known: {', '.join(known)}."
            problems.append(Problem("facet-unknown", f"There is no facet {name!r}.", do=hint))
        elif (
            not isinstance(weight, int | float)
            or isinstance(weight, bool)
            or not math.isfinite(weight)
            or weight < 0
        ):
            problems.append(
                Problem(
                    "weight-wrong",
                    f"The weight of {name!r} is {weight!r}.",
                    do="Give a number of at least 0.",
                )
            )
    total = 0.0 if problems else math.fsum(weights.values())
    if not problems and total <= 0:
        problems.append(
            Problem("weights-empty", "No facet has a weight above 0.", do="Give at least one.")
        )
    if problems:
        raise QuestionError(problems)
    return {name: weights[name] / total for name in known if weights.get(name, 0) > 0}


class OwnFacet(Protocol):
    """A facet that a product brings itself: it compares cities with the columns as such, not with cities."""

    def likeness(self, rows: Sequence[int]) -> Floats:
        """Return the likeness of each row to each column, shape (R, C); nan where unknown."""
        ...

    def says(self, i: int, column: int) -> tuple[str, tuple[Fact, ...]]:
        """Return the sentence of a city and a column, and the facts behind it."""
        ...


@dataclass(frozen=True, eq=False)
class Affinity:
    """How well every row fits every column, by facet and in sum, with the account of any pair on demand."""

    cohort: Cohort
    rows: tuple[int, ...]
    columns: tuple[Host, ...]
    weights: dict[str, float]
    likeness: dict[str, Floats]
    facets: dict[str, Facet]
    own: Mapping[str, OwnFacet]

    @cached_property
    def standing(self) -> dict[str, Floats]:
        """Return each facet's standing, shape (R, C): the share of pairs that the likeness beats; 0.5 unknown."""
        others = self._comparable
        return {name: standing(block, others) for name, block in self.likeness.items()}

    @cached_property
    def _comparable(self) -> NDArray[np.bool_]:
        """Pairs of different cities, shape (R, C): a city beside itself is no candidate."""
        own = [[i in host.cities for host in self.columns] for i in self.rows]
        return ~np.array(own, dtype=bool).reshape(len(self.rows), len(self.columns))

    @cached_property
    def score(self) -> Floats:
        """Return the scores in [0, 1], shape (R, C): the weighted sum of standings."""
        total = np.zeros((len(self.rows), len(self.columns)))
        for name, weight in self.weights.items():
            total += weight * self.standing[name]
        return total

    @cached_property
    def effective_shares(self) -> dict[str, float]:
        """Return each facet's part of the variance of the scores; they sum to 1 (0 where nothing varies).

        The covariance decomposition: cov(weight x standing, score) / var(score). A weight says what is wished,
        this says what it does among these cities.
        """
        pairs = self._comparable
        score = self.score[pairs]
        variance = float(score.var()) if score.size else 0.0
        if variance <= 1e-15:
            return dict.fromkeys(self.weights, 0.0)
        parts = {name: w * self.standing[name][pairs] for name, w in self.weights.items()}
        parts = {name: p if np.ptp(p) > 1e-12 else np.zeros_like(p) for name, p in parts.items()}
        return {
            name: float(((p - p.mean()) * (score - score.mean())).mean()) / variance
            for name, p in parts.items()
        }

    @cached_property
    def row_of(self) -> dict[int, int]:
        """Return the row of each city's index."""
        return {city: r for r, city in enumerate(self.rows)}

    @cached_property
    def column_of(self) -> dict[str, int]:
        """Return the column of each host's id."""
        return {host.id: c for c, host in enumerate(self.columns)}

    def account(self, row: int, column: int) -> Account:
        """Return the account of a row and a column: one line a facet, shares summing to the score."""
        return Account(tuple(self._line(name, row, column) for name in self.weights))

    def _line(self, name: str, row: int, column: int) -> Evidence:
        says, facts = self._words(name, self.rows[row], self.columns[column])
        return Evidence(
            name,
            float(self.likeness[name][row, column]),
            float(self.standing[name][row, column]),
            self.weights[name],
            says,
            facts,
        )

    def joint_account(self, pairs: Sequence[tuple[int, int]], noun: str) -> Account:
        """Return the mean account of some (row, column) pairs; its score is the mean of their scores.

        ``noun`` says what they are in the plural, such as "pairs". The likeness is the mean of the known ones
        (nan where none is), and the sentence of the pair that stands best is the example. No pairs make an
        empty account.
        """
        if not pairs:
            return Account()
        rows, columns = (np.array(axis, dtype=np.intp) for axis in zip(*pairs, strict=True))
        return Account(tuple(self._joint_line(name, rows, columns, noun) for name in self.weights))

    def _joint_line(
        self, name: str, rows: NDArray[np.intp], columns: NDArray[np.intp], noun: str
    ) -> Evidence:
        likeness, standing = self.likeness[name][rows, columns], self.standing[name][rows, columns]
        known = ~np.isnan(likeness)
        mean_standing = math.fsum(standing.tolist()) / len(standing)
        if not known.any():
            return Evidence(
                name,
                math.nan,
                mean_standing,
                self.weights[name],
                f"Not known for any of the {len(rows)} {noun}.",
            )
        best = int(np.argmax(np.where(known, standing, -1.0)))
        says, facts = self._words(name, self.rows[rows[best]], self.columns[columns[best]])
        if len(rows) > 1:
            extent = f"all {len(rows)}" if known.all() else f"{known.sum()} of {len(rows)}"
            says = f"Known for {extent} {noun}. For example: {says}"
        mean = math.fsum(likeness[known].tolist()) / int(known.sum())
        part = float(known.sum() / known.size)
        return Evidence(name, mean, mean_standing, self.weights[name], says, facts, part)

    def _words(self, name: str, i: int, host: Host) -> tuple[str, tuple[Fact, ...]]:
        """Return the sentence of a facet; for a unit, that of its best member, said as such."""
        if name in self.own:
            return self.own[name].says(i, self.column_of[host.id])
        facet = self.facets[name]
        if len(host.cities) == 1:
            return facet.says(i, host.cities[0])
        each = facet.likeness(np.array([i]), np.array(host.cities))[0]
        if np.isnan(each).all():
            text, facts = facet.says(i, host.cities[0])
            return (
                f"Not known for any of the {len(host.cities)} cities of the unit; for the first: {text}",
                facts,
            )
        best = int(np.nanargmax(np.round(each, DECIMALS)))
        text, facts = facet.says(i, host.cities[best])
        return (
            f"{text} (The closest of the {len(host.cities)} cities of {host.name}, which count with their mean.)",
            facts,
        )

    def graph(self, *, least: float = 0.0) -> nx.Graph[str]:
        """Return the networkx graph of pairs whose score is at least ``least``, with the account on each edge.

        Directed from guest to host where rows and columns differ. Edges carry ``weight`` (the score) and
        ``account`` (facet -> likeness, standing, weight, share).
        """
        import networkx as nx

        same = [host.id for host in self.columns] == [self.cohort.cities[i].id for i in self.rows]
        graph: nx.Graph[str] = nx.Graph() if same else nx.DiGraph()
        for host in self.columns:
            graph.add_node(
                host.id, name=host.name, cities=[self.cohort.cities[i].id for i in host.cities]
            )
        for i in self.rows:
            graph.add_node(
                self.cohort.cities[i].id,
                name=self.cohort.cities[i].name,
                cities=[self.cohort.cities[i].id],
            )
        keep = self._comparable & (self.score >= least)
        for r, c in np.argwhere(np.triu(keep, 1) if same else keep):
            lines = {
                name: {
                    "likeness": float(self.likeness[name][r, c]),
                    "standing": float(self.standing[name][r, c]),
                    "weight": weight,
                    "share": float(weight * self.standing[name][r, c]),
                }
                for name, weight in self.weights.items()
            }
            graph.add_edge(
                self.cohort.cities[self.rows[r]].id,
                self.columns[c].id,
                weight=float(self.score[r, c]),
                account=lines,
            )
        return graph


def standing(likeness: Floats, others: NDArray[np.bool_]) -> Floats:
    """Return the share of the pairs in ``others`` with a known likeness that each pair beats, ties half.

    Shape and order are those of ``likeness``; nan stands at 0.5. This is the mid-distribution function (Parzen
    1979, doi:10.1080/01621459.1979.10481621), whose mean over the pairs is exactly 0.5.
    """
    known = likeness[others & ~np.isnan(likeness)]
    if not known.size:
        return np.full(likeness.shape, UNKNOWN_STANDING)
    ordered = np.sort(known)
    filled = np.where(np.isnan(likeness), ordered[0], likeness)
    below = np.searchsorted(ordered, filled, side="left")
    up_to = np.searchsorted(ordered, filled, side="right")
    share = (below + up_to) / (2 * ordered.size)
    return np.where(np.isnan(likeness), UNKNOWN_STANDING, share)


def compare(
    cohort: Cohort,
    weights: Mapping[str, float],
    materials: Materials,
    *,
    rows: Sequence[int] | None = None,
    columns: Sequence[Host] | None = None,
    own: Mapping[str, OwnFacet] | None = None,
) -> Affinity:
    """Return how well every row fits every column under the weights; by default every city with every city.

    ``rows`` are city indices; ``columns`` hosts of one or several cities, a unit counting with the mean over
    its members for whom the facet is known. ``own`` are facets that a product brings itself. Raises QuestionError for unknown facets and impossible weights.
    """
    own = own or {}
    weights = checked_weights(weights, extra=tuple(own))
    places = tuple(range(len(cohort))) if rows is None else tuple(rows)
    hosts = (
        tuple(Host(c.id, c.name, (i,)) for i, c in enumerate(cohort.cities))
        if columns is None
        else tuple(columns)
    )
    facets = {name: FACETS[name].make(cohort, materials) for name in weights if name not in own}
    likeness = {
        name: np.round(own[name].likeness(places), DECIMALS)
        if name in own
        else _by_host(facets[name], places, hosts)
        for name in weights
    }
    return Affinity(cohort, places, hosts, weights, likeness, facets, own)


def _by_host(facet: Facet, rows: tuple[int, ...], hosts: tuple[Host, ...]) -> Floats:
    """Return the likeness of every row to every host, shape (R, C): the mean over its members that are known."""
    members = np.array([i for host in hosts for i in host.cities], dtype=np.intp)
    each = facet.likeness(np.array(rows, dtype=np.intp), members)
    if len(members) == len(hosts):
        return np.asarray(np.round(each, DECIMALS))
    starts = np.cumsum([0] + [len(host.cities) for host in hosts[:-1]])
    known = np.add.reduceat(~np.isnan(each), starts, axis=1)
    total = np.add.reduceat(np.nan_to_num(each), starts, axis=1)
    with np.errstate(invalid="ignore"):
        return np.asarray(
            np.round(np.where(known > 0, total / np.maximum(known, 1), np.nan), DECIMALS)
        )
