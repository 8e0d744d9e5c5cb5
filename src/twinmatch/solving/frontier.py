"""Several named answers side by side, each best in something, with what it gives up in total.

Their solves are independent pieces of work (:func:`spread`), done one after the other, or spread by whatever joblib backend
was chosen around them:

    with joblib.parallel_config(backend="dask"):  # or threading, multiprocessing, a backend of one's own
        frontier(...)

A piece is a function and its arguments, and depends on nothing else, so the results are the same wherever it is done.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from twinmatch.errors import DataError, Problem, Where
from twinmatch.solving.blocks import Block, Bools, Candidates, Floats, Ints, check
from twinmatch.solving.highs import Model, base_model, maximise
from twinmatch.solving.laminar import bound
from twinmatch.solving.model import INFEASIBLE, Solution
from twinmatch.solving.solver import solve

Found = TypeVar("Found")


def is_chosen() -> bool:
    """Return whether a joblib backend other than the usual one was chosen around this call."""
    if "joblib" not in sys.modules:
        return False  # nobody has chosen anything, and importing it takes a tenth of a second
    from joblib.parallel import DEFAULT_BACKEND, get_active_backend

    return DEFAULT_BACKEND not in type(get_active_backend()[0]).__name__.lower()


def spread(
    work: Callable[..., Found], pieces: Iterable[tuple[Any, ...]], workers: int = 1
) -> Iterator[Found]:
    """Yield what a function returns for each tuple of arguments, in their order.

    ``workers`` processes share the pieces where no backend was chosen; more than one needs joblib.
    """
    if not is_chosen() and workers == 1:
        for piece in pieces:
            yield work(*piece)
        return
    from joblib import Parallel, delayed
    from joblib.parallel import get_active_backend

    in_turn = get_active_backend()[0].supports_return_generator
    n_jobs = None if is_chosen() else workers
    parallel = Parallel(n_jobs=n_jobs, return_as="generator" if in_turn else "list")
    yield from parallel(delayed(work)(*piece) for piece in pieces)


@dataclass(frozen=True, eq=False)
class FrontierPoint:
    """One answer of the frontier.

    name; chosen (m,); filled; total; gives_up: how much less than the best total with as many
    meetings; worst: the least sum of scores of a guest with a meeting (nan where none has one);
    covered: attributes with at least one guest placed (-1 where none were given); served: marked
    guests placed (-1 likewise); load: the most meetings of a host. proven: whether it is the best
    in what it is named for, and then in total.
    """

    name: str
    chosen: Bools
    filled: int
    total: float
    gives_up: float
    worst: float
    covered: int
    served: int
    load: int
    proven: bool


def frontier(
    candidates: Candidates,
    blocks: Sequence[Block],
    *,
    attribute: npt.ArrayLike | None = None,
    marked: npt.ArrayLike | None = None,
) -> tuple[FrontierPoint, ...]:
    """Named answers: total, worst-off, covered, served, even load; () where no answer is.

    All fill as many places as can be, and after what they are named for they are best in total. A joblib backend
    chosen around the call solves for them elsewhere. Searches end by effort, never by the clock; ``proven`` says
    whether one did not.
    attribute (G,): a number from 0 for each guest, such as its country, for "attributes covered";
    marked (G,): guests to serve first, such as small ones, for "marked served".
    """
    check(candidates, blocks)
    groups, first = _checked(candidates, attribute, marked)
    total = solve(candidates, blocks)
    if total.status == INFEASIBLE:
        return ()
    aims = _Aims(candidates, blocks, total.filled)
    asked: list[tuple[str, str, tuple[Any, ...]]] = [("worst-off", "worst", ())]
    if groups is not None:
        asked.append(("attributes covered", "marks", (groups[candidates.guest],)))
    if first is not None:
        own = np.where(first[candidates.guest], candidates.guest, -1)
        asked.append(("marked served", "marks", (own,)))
    asked.append(("even load", "even", ()))
    found = [("total score", total.chosen, _proven(total))]
    answers = spread(_answer, ((aims, name, given) for _, name, given in asked))
    found += [(name, *answer) for (name, _, _), answer in zip(asked, answers, strict=True)]
    return tuple(
        _named(name, candidates, chosen, proven, total.score, groups, first)
        for name, chosen, proven in found
    )


def _answer(aims: _Aims, name: str, given: tuple[Any, ...]) -> tuple[Bools, bool]:
    found: tuple[Bools, bool] = getattr(aims, name)(*given)
    return found


def _proven(solution: Solution) -> bool:
    return solution.status == "optimal"


def _checked(
    candidates: Candidates, attribute: npt.ArrayLike | None, marked: npt.ArrayLike | None
) -> tuple[Ints | None, Bools | None]:
    groups = None if attribute is None else np.asarray(attribute)
    first = None if marked is None else np.asarray(marked, dtype=np.bool_)
    wrong = [
        Problem("shape", f"shape {given.shape}, not ({candidates.n_guests},)", Where(column=name))
        for name, given in (("attribute", groups), ("marked", first))
        if given is not None and given.shape != (candidates.n_guests,)
    ]
    if wrong:
        raise DataError(wrong)
    return None if groups is None else groups.astype(np.int64), first


class _Aims:
    """Answers that maximise a count that is no sum over meetings, then the total, by MIP; and the worst-off first."""

    def __init__(self, candidates: Candidates, blocks: Sequence[Block], filled: int) -> None:
        self.candidates, self.blocks, self.filled = candidates, blocks, filled

    def __getstate__(self) -> dict[str, Any]:
        """Return what another machine is given: its model is built there."""
        own = ("candidates", "blocks", "filled")
        return {name: getattr(self, name) for name in own}

    @cached_property
    def model(self) -> Model:
        """The rules that can bind, and as many meetings as can be."""
        m = len(self.candidates)
        model, *_ = base_model(self.blocks, bound(self.blocks, m), m)
        return model.at_least(np.ones(m), float(self.filled))

    def worst(self) -> tuple[Bools, bool]:
        """The guest that is worst off has as much as can be."""
        found = solve(
            self.candidates,
            self.blocks,
            objectives=("filled", "worst-off", "total"),
        )
        return found.chosen, _proven(found)

    def even(self) -> tuple[Bools, bool]:
        """The busiest host has as few meetings as can be."""
        c, m, n = self.candidates, len(self.candidates), self.model.matrix.shape[1]
        loads = sp.csr_array((np.ones(m), (c.host, np.arange(m))), shape=(c.n_hosts, m))
        busiest = sp.csr_array(-np.ones((c.n_hosts, 1)))
        model = self.model.extended(loads, busiest, -np.inf, 0.0, most=float(m), whole=True)
        return self._then_total(model, np.append(np.zeros(n), -1.0))

    def marks(self, label: Ints) -> tuple[Bools, bool]:
        """As many labels (m,) as can be, -1 for none, have a candidate chosen."""
        n = self.model.matrix.shape[1]
        inside = np.flatnonzero(label >= 0)
        names, row = np.unique(label[inside], return_inverse=True)
        k = len(names)
        chosen = sp.csr_array((np.ones(len(inside)), (row, inside)), shape=(k, len(label)))
        own = sp.csr_array(-sp.eye_array(k))
        model = self.model.extended(chosen, own, 0.0, np.inf, whole=True)
        return self._then_total(model, np.append(np.zeros(n), np.ones(k)))

    def _then_total(self, model: Model, gain: Floats) -> tuple[Bools, bool]:
        m, n = len(self.candidates), model.matrix.shape[1]
        first = maximise(model, gain, whole=True)
        if first.x is None:
            return np.zeros(m, dtype=np.bool_), False
        reached = float(np.rint(gain @ first.x))
        locked = model.at_least(gain, reached - 1e-6)
        score = np.concatenate([self.candidates.score, np.zeros(n - m)])
        second = maximise(locked, score, whole=True, gap=1e-6)
        x = first.x if second.x is None else second.x
        return np.rint(x[:m]) > 0, first.proven and second.proven


def _named(
    name: str,
    candidates: Candidates,
    chosen: Bools,
    proven: bool,
    best: float,
    group: Ints | None,
    first: Bools | None,
) -> FrontierPoint:
    guest, score = candidates.guest[chosen], candidates.score[chosen]
    placed = np.unique(guest)
    sums = np.bincount(guest, score, candidates.n_guests)[placed]
    total = float(score.sum())
    return FrontierPoint(
        name,
        chosen,
        int(chosen.sum()),
        total,
        max(best - total, 0.0),
        float(sums.min()) if len(sums) else np.nan,
        -1 if group is None else len(np.unique(group[placed])),
        -1 if first is None else int(first[placed].sum()),
        int(np.bincount(candidates.host[chosen]).max(initial=0)),
        proven,
    )
