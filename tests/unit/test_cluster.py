"""On a Dask cluster of two workers everything that is spread gives the same as here."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from rounds_for_tests import random_case
from twinmatch.embedding import backends
from twinmatch.embedding.vectors import encode_texts
from twinmatch.solving import Candidates, counts, frontier
from twinmatch.whatif.stability import stability


def answers():
    """Return shares of runs, named answers and vectors, as text where they hold arrays."""
    host, guest = np.divmod(np.arange(6 * 15), 15)
    candidates = Candidates(host, guest, np.round(np.random.default_rng(4).random(90), 4), 6, 15)
    blocks = [counts("host", host, high=2.0), counts("guest", guest, high=1.0)]
    named = frontier(candidates, blocks, attribute=guest[:15] % 5, marked=guest[:15] % 3 == 0)
    rows, made = encode_texts(
        [f"Sentence number {k} of many." for k in range(200)], backends.static()
    )
    return (
        stability(random_case(5, guests=5, hosts=3), 30),
        [(repr(answer), answer.chosen.tolist()) for answer in named],
        rows.tobytes(),
        {key: row.tobytes() for key, row in made.items()},
    )


@pytest.mark.slow
def test_a_dask_cluster_of_two_workers_gives_the_same_answers():
    distributed = pytest.importorskip(
        "dask.distributed", reason="the extra [cluster] is not installed"
    )
    import joblib

    alone = answers()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the cluster's own, on ports and closing loops
        with (
            distributed.LocalCluster(
                n_workers=2, threads_per_worker=1, dashboard_address=None
            ) as cluster,
            distributed.Client(cluster),
            joblib.parallel_config(backend="dask"),
        ):
            spread = answers()
    assert spread == alone
