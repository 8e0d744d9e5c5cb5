"""Programmes: the products that a round can have, each in a file of its own, and the rules they are made under.

OPEN for additions: a product is a function from a round and its settings to a
:class:`~twinmatch.proposal.Product`, and one line below.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twinmatch.programmes.discussion_groups import propose_discussion_groups
from twinmatch.programmes.national_clusters import propose_national_clusters
from twinmatch.programmes.round import Round
from twinmatch.programmes.settings import Programme, load
from twinmatch.programmes.twinning import propose_twinning
from twinmatch.proposal import Product

__all__ = ["PRODUCTS", "Programme", "Round", "load"]

PRODUCTS: dict[str, Callable[[Round, Any], Product]] = {
    "twinning": propose_twinning,
    "discussion_groups": propose_discussion_groups,
    "national_clusters": propose_national_clusters,
}
"""Each product of the programme files and the function that proposes it, in the order in which they are made."""
