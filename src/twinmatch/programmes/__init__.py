"""Programmes: the products that a round can have, each in a file or folder of its own, and the rules they are made under.

OPEN for additions: a product is a settings class and a function from a round and these settings to a
:class:`~twinmatch.proposal.Product`, and one line in :mod:`twinmatch.programmes.registry`. The programme files, the
load ledger, the proposal and the referee read this registry, so nothing else needs to know of it.
"""

from __future__ import annotations as annotations

from twinmatch.programmes.programme import Programme as Programme
from twinmatch.programmes.programme import load as load
from twinmatch.programmes.registry import PRODUCTS as PRODUCTS
from twinmatch.programmes.registry import RegisteredProduct as RegisteredProduct
from twinmatch.programmes.round import Round as Round
