"""The ways in which two cities can fit, each in a file of its own.

OPEN for additions: a facet is a class with ``likeness`` and ``says`` (see :mod:`twinmatch.facets.base`) and one
line below; the contract tests run over this registry, so an addition tests itself.
"""

from __future__ import annotations

from collections.abc import Callable

from twinmatch.extensions import Registry
from twinmatch.facets.answered import NeedsAnswered, SameWords, SharedTopics, TopicsMet
from twinmatch.facets.base import Facet, FacetCache, FacetEntry, OfTwoCities, checked_entry
from twinmatch.facets.context import Language, Nearness, SharedContext
from twinmatch.facets.domains import (
    ChallengesMet,
    LeversMet,
    Returns,
    SharedChallenges,
    SharedLevers,
    Wishes,
)
from twinmatch.facets.emissions import EmissionsLevel, EmissionsMix
from twinmatch.facets.readiness import Readiness, ReadinessStep, StuckStep
from twinmatch.facets.text import NeedsOffers, SharedNeeds
from twinmatch.schema import City

__all__ = ["FACETS", "FacetCache", "FacetEntry", "add_facet"]

OWN: dict[str, FacetEntry] = {
    "wishes": FacetEntry(Wishes, True, "Did they ask for each other?"),
    "challenges_met": FacetEntry(
        ChallengesMet, True, "Is the host strong in what the guest struggles with?"
    ),
    "levers_met": FacetEntry(LeversMet, True, "Can the host show the levers that the guest lacks?"),
    "topics_met": FacetEntry(
        TopicsMet, True, "Does the host show the topics that the guest seeks?"
    ),
    "same_words": FacetEntry(
        SameWords, True, "Do the host's texts use the words of the guest's needs?"
    ),
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
    "shared_topics": FacetEntry(SharedTopics, False, "Do they seek the same topics?"),
    "shared_needs": FacetEntry(
        SharedNeeds, False, "Do they describe the same needs, in their words?"
    ),
    "emissions_mix": FacetEntry(
        EmissionsMix, False, "Do their emissions come from the same sectors?"
    ),
    "emissions_level": FacetEntry(EmissionsLevel, False, "Do they emit as much per capita?"),
    "language": FacetEntry(Language, False, "Do they share a language beside English?"),
    "nearness": FacetEntry(Nearness, False, "Do they lie near each other?"),
    "context": FacetEntry(SharedContext, False, "Are climate, wealth and size alike?"),
}

FACETS: Registry[FacetEntry] = Registry("twinmatch.facets", OWN, checked_entry)
"""Every facet: ours, then those of installed packages and those added with :func:`add_facet`."""


def add_facet(
    name: str,
    facet: FacetEntry | type[Facet] | Callable[[City, City], float | None],
    asks: str = "",
    *,
    directed: bool = False,
    says: Callable[[City, City], str] | None = None,
) -> None:
    """Add a facet of your own, to be given a weight by its name; the same name again replaces it.

    ``facet`` is a function of two cities that returns a likeness in [0, 1] or None where not known, and ``says`` its
    sentence; or a class like ours, made from a cohort and a facet cache, with ``likeness`` and ``says``. ``directed``:
    the first city learns from the second. Raises QuestionError for a name that is taken.

    >>> tm.add_facet("same_country", lambda a, b: float(a.country == b.country), "Of one country?")
    """
    entry = facet
    if isinstance(facet, type):
        entry = FacetEntry(facet, directed, asks)
    elif callable(facet):
        compare: Callable[[City, City], float | None] = facet
        entry = FacetEntry(lambda c, _: OfTwoCities(name, c, compare, says), directed, asks)
    FACETS[name] = entry
