"""HiGHS by arrays (highspy) beside HiGHS through OR-Tools' MathOpt: the same linear programme, built and solved.

python benchmarks/lp_engines.py
"""

from __future__ import annotations

import time

import highspy
import numpy as np
import scipy.sparse as sp
from ortools.math_opt.python import mathopt

HOSTS, GUESTS, QUOTAS = 120, 300, 20


def programme() -> tuple[np.ndarray, sp.csr_matrix, np.ndarray]:
    """Return the scores of all meetings (n,), the rows of their rules (m, n), and each row's upper bound (m,)."""
    host, guest = np.divmod(np.arange(HOSTS * GUESTS), GUESTS)
    quotas = [(host % QUOTAS == q) & (guest % 7 == q % 7) for q in range(QUOTAS)]
    rows = [*(host == h for h in range(HOSTS)), *(guest == g for g in range(GUESTS)), *quotas]
    most = np.r_[np.full(HOSTS, 2.0), np.ones(GUESTS), np.full(QUOTAS, 3.0)]
    return np.random.default_rng(0).random(len(host)), sp.csr_matrix(np.array(rows, float)), most


def by_arrays(score: np.ndarray, rows: sp.csr_matrix, most: np.ndarray) -> highspy.Highs:
    """Return the model that highspy solves."""
    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = rows.shape
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = -score, 0 * score, 1 + 0 * score
    lp.row_lower_, lp.row_upper_ = np.full(len(most), -np.inf), most
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = rows.indptr, rows.indices, rows.data  # fmt: skip
    made = highspy.Highs()
    made.setOptionValue("output_flag", False)
    made.passModel(lp)
    return made


def by_objects(score: np.ndarray, rows: sp.csr_matrix, most: np.ndarray) -> mathopt.Model:
    """Return the model that MathOpt solves."""
    made = mathopt.Model()
    x = [made.add_variable(lb=0, ub=1) for _ in score]
    for row, bound in zip(rows, most, strict=True):
        made.add_linear_constraint(mathopt.fast_sum(x[i] for i in row.indices) <= float(bound))
    made.maximize(mathopt.fast_sum(float(s) * v for s, v in zip(score, x, strict=True)))
    return made


if __name__ == "__main__":
    given = programme()
    begun = time.perf_counter()
    highs = by_arrays(*given)
    built = time.perf_counter()
    highs.run()
    total = -highs.getInfo().objective_function_value
    print(f"highspy: {built - begun:.2f} s to build, {time.perf_counter() - built:.2f} s to solve, {total:.6f}")  # fmt: skip
    begun = time.perf_counter()
    model = by_objects(*given)
    built = time.perf_counter()
    total = mathopt.solve(model, mathopt.SolverType.HIGHS).objective_value()
    print(f"MathOpt: {built - begun:.2f} s to build, {time.perf_counter() - built:.2f} s to solve, {total:.6f}")  # fmt: skip
