"""The evidence gate: no place is filled on a pair of which too little is known, and the questions that would open it.

What is known of a pair is the part of the weights whose facets are known for it. Applicants whom the gate alone keeps
out are not refused: their places are held, and each is asked the fewest questions that would bring it through.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twinmatch.affinity import UNKNOWN, Affinity
from twinmatch.programmes.rules import Rule, forbid
from twinmatch.proposal import Ask, Held, count
from twinmatch.schema import City

Bools = NDArray[np.bool_]

GATE: Final = "evidence gate"

ANSWERED_BY: Final[dict[str, tuple[str, ...]]] = {
    "wishes": ("wishes",),
    "topics_met": ("needs",),
    "same_words": ("needs",),
    "needs_offers": ("needs",),
    "needs_answered": ("needs",),
    "shared_needs": ("needs",),
    "challenges_met": ("challenges",),
    "shared_challenges": ("challenges",),
    "theme": ("challenges", "levers_needed"),
    "levers_met": ("levers_needed",),
    "shared_levers": ("levers_needed",),
    "readiness": ("readiness",),
    "readiness_step": ("readiness",),
    "stuck_step": ("readiness",),
    "returns": ("strengths",),
    "emissions_mix": ("emissions",),
    "emissions_level": ("emissions",),
    "language": ("languages",),
    "nearness": ("location",),
    "context": ("population",),
}
"""The blocks of a profile of which each facet needs one from the city that learns."""

QUESTIONS: Final[dict[str, str]] = {
    "needs": "What does the city want to learn? Two or three sentences in its own words.",
    "challenges": "Which domains does it struggle with, and how much (1 a little, 3 a lot)?",
    "levers_needed": "Which levers does it lack (finance, procurement, participation ...)?",
    "wishes": "Which cities or pilot activities would it most like to learn from, first choice first?",
    "readiness": "How far is it on each dimension of climate readiness (0 to 4)?",
    "strengths": "What can it show to others, by domain (1 to 3)?",
    "emissions": "What are its emissions by sector, in t CO2e, and of which year?",
    "population": "How many residents does it have?",
    "languages": "In which languages can its team work?",
    "location": "Where does it lie (latitude and longitude)?",
    "commitment": "By which year has it committed to be climate neutral, and by which document?",
    "participation": "How many staff hours a month can it give, and how good is its team's English?",
}
"""The question that fills each block of a profile; the order settles ties."""


def gate(known: NDArray[np.float64], least: float, exempt: Bools | None = None) -> Rule | None:
    """Return the filter that takes out candidates of which less than ``least`` is known, (m,); None where none is.

    ``exempt`` are candidates that the coordinator asked for by name.
    """
    below = known < least - 1e-9
    if exempt is not None:
        below &= ~exempt
    if not below.any():
        return None
    return forbid(
        GATE, f"Of every pair at least {100 * least:.0f}% of what is compared is known.", below
    )


def missing(city: City, facets: Iterable[str]) -> list[str]:
    """Return the blocks that a city leaves empty and that one of some facets asks of it, in the order of questions."""
    asked = {block for facet in facets for block in ANSWERED_BY.get(facet, ())}
    return [block for block in QUESTIONS if block in asked and not getattr(city, block, None)]


def questions(affinity: Affinity, row: int, least: float) -> list[Ask]:
    """Return the fewest questions whose answers would bring a city through the gate, the weightiest first.

    All its open questions where even those would not do.
    """
    city = affinity.cohort.cities[affinity.rows[row]]
    best = int(np.argmax(affinity.coverage[row]))
    at = np.array([row], dtype=np.intp), np.array([best], dtype=np.intp)
    unknown = {
        name: weight
        for name, weight in affinity.weights.items()
        if affinity.compared[name].pairs(*at)[0] == UNKNOWN
    }
    known = float(affinity.coverage[row, best])
    opens = {
        block: sum(w for name, w in unknown.items() if block in ANSWERED_BY.get(name, ()))
        for block in missing(city, unknown)
    }
    found = []
    for block in sorted(opens, key=lambda b: (-round(opens[b], 9), list(QUESTIONS).index(b))):
        if known >= least - 1e-9:
            break
        known += opens[block]
        found.append(Ask(city.id, QUESTIONS[block], block))
    return found


def held_for(
    affinity: Affinity, rows: Sequence[int], places: int, least: float
) -> tuple[Held, ...]:
    """Return the places held for cities (rows) that the gate keeps out, with what to ask them."""
    why = (
        f"{count(places, 'place')} held: {count(len(rows), 'applicant')} of whom less than "
        f"{100 * least:.0f}% of what is compared is known."
    )
    return (Held(places, why, tuple(q for row in rows for q in questions(affinity, row, least))),)
