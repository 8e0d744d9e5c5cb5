"""Pure mathematics of matching and grouping; knows no city."""

from twinmatch.solving.assign import Assignment, Duals, assign
from twinmatch.solving.attributes import Balance, Distribute, Gather, GroupRule, NobodyIsolated
from twinmatch.solving.blocks import Block, Candidates, counts
from twinmatch.solving.clustering import Clusters, size_constrained_kmeans
from twinmatch.solving.group_referee import GroupVerdict, group_referee
from twinmatch.solving.overlap import Overlap, overlap
from twinmatch.solving.partition import Partition, partition
from twinmatch.solving.referee import Verdict, broken, referee
from twinmatch.solving.rotation import Rotation, rotate
from twinmatch.solving.shortage import shortage, undercuts
from twinmatch.solving.solution import Level, RowRef, Shortage, Solution, Undercut
from twinmatch.solving.solver import solve
from twinmatch.solving.starts import Reason

__all__ = [
    "Assignment",
    "Balance",
    "Block",
    "Candidates",
    "Clusters",
    "Distribute",
    "Duals",
    "Gather",
    "GroupRule",
    "GroupVerdict",
    "Level",
    "NobodyIsolated",
    "Overlap",
    "Partition",
    "Reason",
    "Rotation",
    "RowRef",
    "Shortage",
    "Solution",
    "Undercut",
    "Verdict",
    "assign",
    "broken",
    "counts",
    "group_referee",
    "overlap",
    "partition",
    "referee",
    "rotate",
    "shortage",
    "size_constrained_kmeans",
    "solve",
    "undercuts",
]
