"""For notebooks: a round opened in one line, rich views of the house's nouns, and pictures of them.

Importing this module gives City, Cohort, Affinity, Account, Meeting, Product and Proposal a ``_repr_html_``, so that
a notebook shows them as tables. The models themselves know nothing of HTML.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from twinmatch.affinity import Affinity, compare
from twinmatch.app.neighbours import PEER_WEIGHTS
from twinmatch.app.round import open_round, propose_round
from twinmatch.cohort import City, Cohort
from twinmatch.facets import FacetCache
from twinmatch.programmes import Round, load
from twinmatch.proposal import Account, Proposal
from twinmatch.reading import read
from twinmatch.whatif.case import Case, twinning_case

__all__ = ["Study", "open_study"]


@dataclass(frozen=True, eq=False)
class Study:
    """A round that was read: its cohort, and on demand its affinities, its proposal, its twinning as a case."""

    round: Round

    @property
    def cohort(self) -> Cohort:
        """Return the cities and host units."""
        return self.round.cohort

    @property
    def facet_cache(self) -> FacetCache:
        """Return what facets are made of beside the cohort."""
        return self.round.facet_cache

    def city(self, name: str) -> City:
        """Return a city by id or name; raises QuestionError, naming the nearest, where there is none."""
        return self.cohort.cities[self.cohort.find(name)]

    @cached_property
    def peers(self) -> Affinity:
        """Return how alike every two cities are, with the weights of "cities like mine"."""
        return compare(self.cohort, PEER_WEIGHTS, self.facet_cache)

    def account(self, one: str, other: str) -> Account:
        """Return the account of two cities as peers."""
        return self.peers.account(self.cohort.find(one), self.cohort.find(other))

    @cached_property
    def case(self) -> Case:
        """Return the twinning of the round, settled, ready for what-if questions."""
        return twinning_case(self.round)

    @cached_property
    def proposal(self) -> Proposal:
        """Return the proposal of the round, with its figures."""
        return propose_round(self.round)[0]


def open_study(profiles: str | Path | None = None, programme: Sequence[str | Path] = ()) -> Study:
    """Return a round to study: the bundled cities and programme where none are named."""
    return Study(open_round(read(profiles), load(*programme)))
