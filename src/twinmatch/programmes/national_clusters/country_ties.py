"""Why two countries may share a cluster, and how much that is worth: language, cooperation, funds, border, nearness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from twinmatch.programmes.round import Round
from twinmatch.vocabulary.geography import (
    are_neighbours,
    cooperation,
    country,
    distance_km,
    language_name,
    related_languages,
    same_funds,
    shared_languages,
)
from twinmatch.wording import listed, say

NEAREST_KM = 1_200
"""Farther than this a country is not near."""

SHARED_LANGUAGE, COOPERATION, CLOSE_LANGUAGE, BORDER, NEAREST = 1.0, 0.9, 0.8, 0.6, 0.3
"""Worth of a tie between two countries; the strongest one counts. A border or nearness ties only under the same funds."""

NEAREST_COUNTRIES = 3
"""To how many nearest countries with the same funds one without another tie is tied."""


@dataclass(frozen=True)
class CountryTie:
    """Why two countries may share a cluster, and how much that is worth."""

    worth: float
    reason: str


def ties(
    round_: Round, codes: Sequence[str], never: Sequence[tuple[str, str]] = ()
) -> dict[frozenset[str], CountryTie]:
    """Return the ties between countries: language, cooperation, same funds with a border, or the nearest with them."""
    found: dict[frozenset[str], CountryTie] = {}
    barred = {frozenset(pair) for pair in never}
    for one, other in combinations(sorted(codes), 2):
        tie = _tie(one, other)
        if tie and frozenset({one, other}) not in barred:
            found[frozenset({one, other})] = tie
    place = {code: _middle(round_, code) for code in codes}
    for code in sorted(codes):
        if any(code in pair for pair in found) or np.isnan(place[code]).any():
            continue
        away = sorted(
            (_km(place[code], place[o]), o)
            for o in codes
            if o != code and same_funds(o, code) and not np.isnan(place[o]).any()
        )
        for km, other in [
            a for a in away if a[0] <= NEAREST_KM and frozenset({code, a[1]}) not in barred
        ][:NEAREST_COUNTRIES]:
            names = say(
                "{one} and {other}",
                one=country(code).name,
                other=country(other).name,
            )
            says = say(
                "{names} {same_funds} and lie {km:.0f} km apart",
                names=names,
                same_funds=same_funds(code, other),
                km=km,
            )
            found[frozenset({code, other})] = CountryTie(NEAREST, says)
    return found


def _tie(one: str, other: str) -> CountryTie | None:
    """Return the strongest tie of two countries, with every reason there is for it; None without one."""
    shared, together = shared_languages(one, other), cooperation(one, other)
    under = same_funds(one, other)
    each = (
        (
            SHARED_LANGUAGE,
            shared,
            say("share a language ({shared})", shared=listed([language_name(v) for v in shared])),
        ),
        (COOPERATION, together, say("work together in {together}", together=together)),
        (CLOSE_LANGUAGE, not shared and related_languages(one, other), say("have close languages")),
        (BORDER, under and are_neighbours(one, other), say("are neighbours")),
    )
    found = [(worth, says) for worth, holds, says in each if holds]
    if not found:
        return None
    reasons = [says for _, says in found] + ([under] if under else [])
    names = say("{one} and {other}", one=country(one).name, other=country(other).name)
    return CountryTie(found[0][0], say("{names} {reasons}", names=names, reasons=listed(reasons)))


def _middle(round_: Round, code: str) -> NDArray[np.float64]:
    places = round_.cohort.coordinates[round_.cohort.countries == code]
    known = places[~np.isnan(places).any(axis=1)]
    return known.mean(axis=0) if len(known) else np.array([np.nan, np.nan])


def _km(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return float(distance_km(one[:1], one[1:], other[:1], other[1:])[0])
