"""A first grouping that keeps every rule, where exchanges alone find none.

CP-SAT (OR-Tools) places atoms in groups under all rules and no objective, with one worker, a fixed
seed and a deterministic clock, so that the answer does not depend on the machine.

Notation: as in `grouping`; seat[x][g] whether atom x sits in group g.
"""

from __future__ import annotations

import numpy as np

from twinmatch.solving.blocks import Ints
from twinmatch.solving.grouping import Task

WORK = 5.0
"""CP-SAT's deterministic time."""


def first_grouping(task: Task) -> Ints | None:
    """A grouping of the items, (n,), that keeps every rule; None where none was found."""
    from ortools.sat.python import cp_model  # a second to import, and seldom needed

    model = cp_model.CpModel()
    n_atoms, groups = task.mass.size, range(task.n_groups)
    seat = [[model.new_bool_var("") for _ in groups] for _ in range(n_atoms)]
    for row, may in zip(seat, task.may.tolist(), strict=True):
        model.add_exactly_one(row)
        for g in groups:
            if not may[g]:
                model.add(row[g] == 0)
    for g in groups:
        column = [row[g] for row in seat]
        members = cp_model.LinearExpr.weighted_sum(column, task.mass.tolist())
        model.add_linear_constraint(members, int(task.low[g]), int(task.high[g]))
        for count, tally in zip(task.counts, task.tally, strict=True):
            held = cp_model.LinearExpr.weighted_sum(column, tally.astype(int).tolist())
            if count.alone:
                several = model.new_bool_var("")
                model.add(held >= 2).only_enforce_if(several)
                model.add(held == 0).only_enforce_if(~several)
                continue
            high = min(float(count.high[g]), float(task.mass.sum()))
            model.add_linear_constraint(held, int(np.ceil(count.low[g])), int(high))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 0
    solver.parameters.max_deterministic_time = WORK
    if solver.solve(model) not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return None
    label = [next(g for g in groups if solver.boolean_value(row[g])) for row in seat]
    return np.array(label, dtype=np.int64)[task.atom]
