"""Twinning: guests learn from host units; who is chosen and who meets whom is one exact solve."""

from twinmatch.programmes.twinning.product import pair_rules as pair_rules
from twinmatch.programmes.twinning.product import product_of as product_of
from twinmatch.programmes.twinning.product import solved_twinning as solved_twinning
from twinmatch.programmes.twinning.search import PreparedTwinning as PreparedTwinning
from twinmatch.programmes.twinning.search import prepare as prepare
from twinmatch.programmes.twinning.search import settled as settled
from twinmatch.programmes.twinning.search import solve_twinning as solve_twinning
from twinmatch.programmes.twinning.settings import Twinning as Twinning
