"""The ways in which two cities can fit, each in a file of its own.

OPEN for additions: a facet is a class with ``likeness`` and ``says`` (see :mod:`twinmatch.facets.base`) and one
line below; the contract tests run over this registry, so an addition tests itself.
"""

from __future__ import annotations

from twinmatch.facets.answered import NeedsAnswered
from twinmatch.facets.base import FacetCache, FacetEntry
from twinmatch.facets.context import Context
from twinmatch.facets.country import Language
from twinmatch.facets.domains import (
    ChallengesMet,
    LeversMet,
    Returns,
    SharedChallenges,
    SharedLevers,
)
from twinmatch.facets.emissions import EmissionsLevel, EmissionsMix
from twinmatch.facets.nearness import Nearness
from twinmatch.facets.readiness import Readiness, ReadinessStep
from twinmatch.facets.steps import StuckStep
from twinmatch.facets.text import NeedsOffers, SharedNeeds
from twinmatch.facets.wishes import Wishes

__all__ = ["FACETS", "FacetCache", "FacetEntry"]

FACETS: dict[str, FacetEntry] = {
    "wishes": FacetEntry(Wishes, True, "Did they ask for each other?"),
    "challenges_met": FacetEntry(
        ChallengesMet, True, "Is the host strong in what the guest struggles with?"
    ),
    "levers_met": FacetEntry(LeversMet, True, "Can the host show the levers that the guest lacks?"),
    "needs_offers": FacetEntry(
        NeedsOffers, True, "Do the host's offers answer the guest's needs, in their words?"
    ),
    "needs_answered": FacetEntry(
        NeedsAnswered, True, "Does the host answer these needs better than everyone's?"
    ),
    "returns": FacetEntry(Returns, True, "Can the guest give the host something back?"),
    "readiness_step": FacetEntry(
        ReadinessStep, True, "Is the host a step ahead where the guest lacks?"
    ),
    "stuck_step": FacetEntry(
        StuckStep,
        True,
        "Is the host ahead at the step of the transition map where the guest is stuck?",
    ),
    "readiness": FacetEntry(Readiness, False, "Are they at the same stage?"),
    "shared_challenges": FacetEntry(
        SharedChallenges, False, "Do they struggle with the same domains?"
    ),
    "shared_levers": FacetEntry(SharedLevers, False, "Do they lack the same levers?"),
    "shared_needs": FacetEntry(
        SharedNeeds, False, "Do they describe the same needs, in their words?"
    ),
    "emissions_mix": FacetEntry(
        EmissionsMix, False, "Do their emissions come from the same sectors?"
    ),
    "emissions_level": FacetEntry(EmissionsLevel, False, "Do they emit as much a head?"),
    "language": FacetEntry(Language, False, "Do they share a language beside English?"),
    "nearness": FacetEntry(Nearness, False, "Do they lie near each other?"),
    "context": FacetEntry(Context, False, "Are climate, wealth and size alike?"),
}
