"""Pure mathematics of matching and grouping; knows no city."""

from twinmatch.solving.assign import Assignment, Duals, assign
from twinmatch.solving.attributes import Balance, Distribute, Gather, GroupRule, NobodyIsolated
from twinmatch.solving.blocks import Block, Candidates, counts
from twinmatch.solving.diagnosis import (
    Clash,
    Labels,
    LimitChange,
    Relaxation,
    RelaxationMenu,
    clash,
    in_words,
    labels_of,
    relaxations,
    relaxed,
)
from twinmatch.solving.frontier import FrontierPoint, frontier
from twinmatch.solving.initial_grouping import GroupingReason
from twinmatch.solving.model import Level, RowRef, Shortage, Solution, Undercut
from twinmatch.solving.partition import Partition, partition
from twinmatch.solving.referee import GroupVerdict, Verdict, broken, group_referee, referee
from twinmatch.solving.shortage import shortage, undercuts
from twinmatch.solving.solver import solve

__all__ = [
    "Assignment",
    "Balance",
    "Block",
    "Candidates",
    "Clash",
    "Distribute",
    "Duals",
    "FrontierPoint",
    "Gather",
    "GroupRule",
    "GroupVerdict",
    "GroupingReason",
    "Labels",
    "Level",
    "LimitChange",
    "NobodyIsolated",
    "Partition",
    "Relaxation",
    "RelaxationMenu",
    "RowRef",
    "Shortage",
    "Solution",
    "Undercut",
    "Verdict",
    "assign",
    "broken",
    "clash",
    "counts",
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
