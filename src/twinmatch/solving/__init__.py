"""Pure mathematics of matching and grouping; knows no city."""

from twinmatch.solving.assign import Assignment, assign
from twinmatch.solving.attributes import Balance, Distribute, Gather, GroupRule, NobodyIsolated
from twinmatch.solving.blocks import Block, Bools, Candidates, Floats, Givers, Ints, counts
from twinmatch.solving.diagnosis import (
    MENU_EFFORT,
    Clash,
    LimitChange,
    Relaxation,
    RelaxationMenu,
    clash,
    relaxations,
    relaxed,
)
from twinmatch.solving.frontier import frontier
from twinmatch.solving.model import Solution
from twinmatch.solving.partition import Partition, partition
from twinmatch.solving.referee import broken, group_referee, referee
from twinmatch.solving.solver import (
    filled_at_most,
    in_words,
    labels_of,
    shortage,
    solve,
    undercuts,
)

__all__ = [
    "MENU_EFFORT",
    "Assignment",
    "Balance",
    "Block",
    "Bools",
    "Candidates",
    "Clash",
    "Distribute",
    "Floats",
    "Gather",
    "Givers",
    "GroupRule",
    "Ints",
    "LimitChange",
    "NobodyIsolated",
    "Partition",
    "Relaxation",
    "RelaxationMenu",
    "Solution",
    "assign",
    "broken",
    "clash",
    "counts",
    "filled_at_most",
    "frontier",
    "group_referee",
    "in_words",
    "labels_of",
    "partition",
    "referee",
    "relaxations",
    "relaxed",
    "shortage",
    "solve",
    "undercuts",
]
