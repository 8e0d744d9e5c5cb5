"""Twinning: guests learn from host units; who is chosen and who meets whom is one exact solve."""

from twinmatch.programmes.twinning.product import (
    pair_rules,
    product_of,
    solved_twinning,
)
from twinmatch.programmes.twinning.search import PreparedTwinning, prepare, solve_twinning
from twinmatch.programmes.twinning.settings import Twinning

__all__ = [
    "PreparedTwinning",
    "Twinning",
    "pair_rules",
    "prepare",
    "product_of",
    "solve_twinning",
    "solved_twinning",
]
