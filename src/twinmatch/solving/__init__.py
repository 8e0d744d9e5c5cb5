"""Pure mathematics of matching and grouping; knows no city."""

from twinmatch.solving.assign import Assignment, Duals, assign
from twinmatch.solving.attributes import Balance, Distribute, Gather, GroupRule, NobodyIsolated
from twinmatch.solving.blocks import Block, Candidates, counts
from twinmatch.solving.group_referee import GroupVerdict, group_referee
from twinmatch.solving.partition import Partition, partition
from twinmatch.solving.referee import Verdict, broken, referee
from twinmatch.solving.shortage import shortage, undercuts
from twinmatch.solving.solution import Level, RowRef, Shortage, Solution, Undercut
from twinmatch.solving.solver import solve
from twinmatch.solving.starts import Reason

__all__ = [
    "Assignment",
    "Balance",
    "Block",
    "Candidates",
    "Distribute",
    "Duals",
    "Gather",
    "GroupRule",
    "GroupVerdict",
    "Level",
    "NobodyIsolated",
    "Partition",
    "Reason",
    "RowRef",
    "Shortage",
    "Solution",
    "Undercut",
    "Verdict",
    "assign",
    "broken",
    "counts",
    "group_referee",
    "partition",
    "referee",
    "shortage",
    "solve",
    "undercuts",
]
