"""Small twinning rounds that tests make up, and every answer of them by brute force."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from cities import cohort_of, facet_cache
from twinmatch.cohort import Cohort
from twinmatch.facets import FacetCache
from twinmatch.programmes import Programme, Round
from twinmatch.programmes.proposing import proposal_of, solve_round
from twinmatch.programmes.twinning import Twinning
from twinmatch.proposal import Proposal
from twinmatch.solving import broken
from twinmatch.whatif.case import Case, open_case


def propose(
    cohort: Cohort, programme: Programme, cache: FacetCache, *, text_model: Any = None, **asked: Any
) -> Proposal:
    """Return the proposal of a round, without the figures that the front adds."""
    round_ = Round(cohort, cache, programme=programme, **{k: v for k, v in asked.items() if v})
    return proposal_of(solve_round(round_), text_model or {})


DOMAINS = ("industry", "mobility_transport", "energy_systems", "built_environment")
LEVERS = ("procurement", "finance_funding", "governance_policy", "social_innovation")
COUNTRIES = ("at", "be", "cz")


def settings(**changes: Any) -> Twinning:
    """Return twinning settings with few conditions; ``changes`` go over the defaults."""
    fields: dict[str, Any] = {
        "guests_per_host": (0, 1),
        "hosts": ("mission",),
        "weights": {"challenges_met": 2, "levers_met": 1, "wishes": 1},
        **changes,
    }
    return Twinning.model_validate(fields)


def small_cities(rng: np.random.Generator, guests: int, hosts: int) -> list[dict[str, Any]]:
    """Return guests ``xx-guest-0`` … and hosts ``xx-host-0`` … with drawn challenges, levers and wishes."""
    cities: list[dict[str, Any]] = []
    for k in range(guests):
        cities.append(
            {
                "id": f"{COUNTRIES[k % 3]}-guest-{k}",
                "roles": ["guest"],
                "challenges": {
                    d: int(w) for d, w in zip(DOMAINS, rng.integers(0, 4, 4), strict=True) if w
                },
                "levers_needed": [v for v in LEVERS if rng.random() < 0.5],
            }
        )
    for k in range(hosts):
        cities.append(
            {
                "id": f"{COUNTRIES[(k + 1) % 3]}-host-{k}",
                "roles": ["mission"],
                "strengths": {
                    d: int(w) for d, w in zip(DOMAINS, rng.integers(0, 4, 4), strict=True) if w
                },
                "levers_offered": [v for v in LEVERS if rng.random() < 0.5],
            }
        )
    names = [c["id"] for c in cities if c["roles"] == ["mission"]]
    for city in cities[:guests]:
        if rng.random() < 0.3:
            city["wishes"] = [str(rng.choice(names))]
    return cities


def small_case(cities: Sequence[dict[str, Any]], **changes: Any) -> Case:
    """Return the settled case of some cities."""
    return open_case(Round(cohort_of(*cities), facet_cache()), settings(**changes))


def random_case(seed: int, guests: int = 4, hosts: int = 3, **changes: Any) -> Case:
    """Return a settled case drawn from a seed."""
    return small_case(small_cities(np.random.default_rng(seed), guests, hosts), **changes)


def answers(case: Case) -> Iterator[np.ndarray[Any, np.dtype[np.bool_]]]:
    """Yield every choice of pairs that keeps every rule of a small case, judged by the referee."""
    guests, hosts = len(case.ready.frame.guests), len(case.hosts)
    blocks = [rule.block for rule in case.ready.rules]
    for choice in itertools.product(range(-1, hosts), repeat=guests):
        chosen = np.zeros(guests * hosts, dtype=np.bool_)
        for g, h in enumerate(choice):
            if h >= 0:
                chosen[case.pair(g, h)] = True
        if not broken(case.ready.candidates, chosen, blocks):
            yield chosen


def worth(case: Case, chosen: np.ndarray[Any, np.dtype[np.bool_]]) -> tuple[int, float]:
    """Return places filled and total score of a choice, rounded so that equal answers compare equal."""
    return int(chosen.sum()), round(math.fsum(case.score[chosen].tolist()), 9)
