"""Independent pieces of work, here one after the other, or spread by whatever joblib backend was chosen around them.

    with joblib.parallel_config(backend="dask"):  # or threading, multiprocessing, a backend of one's own
        frontier(...)

A piece is a function and its arguments, and depends on nothing else, so the results are the same wherever it is done.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

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
