"""The search: the same to the last bit with and without numba, on any number of threads."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import numpy as np
import pytest

from twinmatch.solving import partition
from twinmatch.solving.annealing import anneal
from twinmatch.solving.grouping import task_of

needs_numba = pytest.mark.skipif(
    importlib.util.find_spec("numba") is None, reason="numba is an optional extra"
)


def likeness_of(n: int, seed: int) -> np.ndarray:
    matrix = np.random.default_rng(seed).random((n, n))
    return (matrix + matrix.T) / 2


SIZES = {"open": ((4, 7),) * 5, "rigid": ((5, 5), (5, 5), (5, 5), (6, 6), (6, 6))}


@needs_numba
@pytest.mark.parametrize("objective", ["total", "mean"])
@pytest.mark.parametrize("bands", SIZES.values(), ids=SIZES)
def test_numba_and_python_agree_to_the_last_bit(bands, objective):
    task = task_of(likeness_of(27, 1), bands, objective)
    slow, fast = (anneal(task, effort=24, seed=5, fast=fast) for fast in (False, True))
    assert slow.score == fast.score
    assert slow.label.tolist() == fast.label.tolist()


@pytest.mark.parametrize("bands", SIZES.values(), ids=SIZES)
def test_threads_do_not_change_the_answer(bands):
    task = task_of(likeness_of(27, 1), bands, "total")
    found = [anneal(task, effort=12, seed=2, workers=w, fast=False) for w in (1, 3)]
    assert len({f.score for f in found}) == 1
    assert len({tuple(f.label.tolist()) for f in found}) == 1


def test_a_seed_is_the_answer_and_a_generator_a_seed():
    matrix = likeness_of(30, 3)
    one, two = (partition(matrix, sizes=(5, 7), rng=4, effort=80) for _ in range(2))
    assert one.label.tolist() == two.label.tolist()
    drawn = [partition(matrix, sizes=(5, 7), rng=np.random.default_rng(4), effort=80) for _ in "ab"]
    assert drawn[0].label.tolist() == drawn[1].label.tolist()


def test_a_limit_in_seconds_is_told():
    found = partition(likeness_of(60, 3), groups=[(5, 7)] * 10, seconds=0.05)
    assert not found.complete
    assert found.status == "feasible"
    assert found.bound >= found.score


def test_importing_the_package_does_not_load_numba():
    code = "import sys, twinmatch.solving; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
