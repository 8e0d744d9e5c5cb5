"""propose(): a cohort and a programme make a proposal in which every city ends somewhere."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from twinmatch import __version__
from twinmatch.cohort import Cohort
from twinmatch.errors import NoProposalError, Problem
from twinmatch.facets import Materials
from twinmatch.geography import country, language_name
from twinmatch.programmes import PRODUCTS, Programme, Round
from twinmatch.proposal import CityCard, Gap, LeftOut, Meeting, Product, Proposal
from twinmatch.schema import NAMES, City, Role

BLOCK_WORDS = {
    "location": ("location", "distance"),
    "population": ("population", "likeness of context, emissions a head"),
    "languages": ("working languages", "shared language, unless its country has only one"),
    "commitment": ("climate-neutrality commitment", "eligibility for twinning"),
    "participation": ("staff hours and English", "eligibility for twinning"),
    "needs": ("needs in words", "needs against offers, shared needs"),
    "offers": ("offers in words", "offers as a host"),
    "challenges": ("challenges by domain", "challenges met and shared, discussion groups"),
    "strengths": ("strengths by domain", "challenges met as a host, what flows back"),
    "levers_needed": ("levers needed", "levers met and shared, discussion groups"),
    "levers_offered": ("levers offered", "levers met as a host"),
    "readiness": ("climate readiness", "readiness, the step ahead"),
    "emissions": ("emissions inventory", "emissions mix and level"),
    "context": ("climate, wealth and urbanisation", "likeness of context"),
}
"""Each block of a profile in words, and what its absence silences."""


def propose(
    cohort: Cohort,
    programme: Programme,
    materials: Materials,
    *,
    text_model: dict[str, Any] | None = None,
    previous: Proposal | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Proposal:
    """Return the proposal of a round: every product solved, refereed and explained.

    ``text_model`` is what the run records of its text model; ``progress`` is told what begins. Raises
    QuestionError for a question that cannot be answered, and NoProposalError, with the advice of every product
    that fits no rules, where one does not.
    """
    round_ = Round(cohort, materials, previous)
    products: list[Product] = []
    problems: list[Problem] = []
    for name in programme.products:
        settings = getattr(programme, name)
        progress(settings.title)
        try:
            products.append(PRODUCTS[name](round_, settings))
        except NoProposalError as error:
            problems += error.problems
    if problems:
        raise NoProposalError(problems)
    return Proposal(
        made_from(cohort, programme, text_model or {}),
        tuple(with_offers(cohort, products)),
        tuple(card(cohort, i) for i in range(len(cohort))),
        tuple((unit.id, unit.name) for unit in cohort.units),
        gaps(cohort),
        (materials.text.says,),
    )


def made_from(cohort: Cohort, programme: Programme, text_model: dict[str, Any]) -> dict[str, Any]:
    """Return what the proposal was made from: fingerprints of data and programme, text model, versions, settings."""
    settings = programme.model_dump(mode="json", exclude_none=True)
    text = programme.model_dump_json(exclude_none=True)
    return {
        "data": {
            "sha256": cohort.fingerprint,
            "cities": len(cohort),
            "host_units": len(cohort.units),
        },
        "programme": {
            "name": programme.name,
            "sha256": hashlib.sha256(text.encode()).hexdigest(),
            "settings": settings,
        },
        "text_model": text_model,
        "versions": {"twinmatch": __version__, **_solver_versions()},
    }


def _solver_versions() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in ("numpy", "scipy", "ortools", "highspy")}


def card(cohort: Cohort, i: int) -> CityCard:
    """Return what a reader needs to know of a city beside its id."""
    city = cohort.cities[i]
    return CityCard(
        city.id,
        city.name,
        city.country,
        country(city.country).name,
        tuple(role.value for role in city.roles),
        city.population.value if city.population else None,
        city.location.lat if city.location else None,
        city.location.lon if city.location else None,
        round(cohort.known(i), 4),
        statements(city),
    )


def statements(city: City) -> tuple[tuple[str, str], ...]:
    """Return what a city says of itself in words, by block; what is not known is left out."""
    year = city.commitment.neutral_by if city.commitment else None
    found = (
        ("commitment", f"climate neutral by {year}" if year else ""),
        ("languages", ", ".join(language_name(code) for code in city.languages or ())),
        ("needs", city.needs or ""),
        ("offers", city.offers or ""),
        *(
            (block, ", ".join(NAMES[code] for code in getattr(city, block) or ()))
            for block in ("challenges", "strengths", "levers_needed", "levers_offered")
        ),
    )
    return tuple((block, says) for block, says in found if says)


def gaps(cohort: Cohort) -> tuple[Gap, ...]:
    """Return everything that is not known of each city, and what that silences."""
    return tuple(
        Gap(city.id, block, f"{BLOCK_WORDS[block][0]} not known; silences: {BLOCK_WORDS[block][1]}")
        for city in cohort.cities
        for block in City.BLOCKS
        if not getattr(city, block)
    )


def with_offers(cohort: Cohort, products: list[Product]) -> list[Product]:
    """Return the products, with what each left-out city is offered instead: the highest step open to it."""
    places: dict[str, dict[str, Meeting]] = {p.product: {} for p in products}
    for product in products:
        for meeting in product.meetings:
            places[product.product] |= dict.fromkeys(meeting.cities(), meeting)
    return [
        replace(
            product,
            left_out=tuple(
                _with_offer(cohort, item, product.product, places) for item in product.left_out
            ),
        )
        for product in products
    ]


def _with_offer(
    cohort: Cohort, item: LeftOut, product: str, places: dict[str, dict[str, Meeting]]
) -> LeftOut:
    city = cohort.city(item.city)
    offers = [text for name, text in _steps(city, places) if name != product]
    return replace(item, offered="; ".join(offers[:2]))


def _steps(city: City, places: dict[str, dict[str, Meeting]]) -> list[tuple[str, str]]:
    """Return what a city can join, the highest step of the support ladder first."""
    steps = []
    twin = places.get("twinning", {}).get(city.id)
    if twin:
        steps.append(("twinning", f"twinning: {twin.label}"))
    group = places.get("discussion_groups", {}).get(city.id)
    if group:
        steps.append(("discussion_groups", f"discussion group '{group.label}'"))
    cluster = places.get("national_clusters", {}).get(city.id)
    if cluster:
        steps.append(("national_clusters", f"national cluster '{cluster.label}'"))
    if not group and not city.challenges and not city.levers_needed:
        steps.append(("online", "a discussion group as soon as it names its challenges"))
    steps.append(("online", "online resources and training, open to every city"))
    if city.has(Role.GUEST) and city.commitment is None:
        steps.append(
            (
                "online",
                "twinning in the next round, once a climate-neutrality target by 2050 or earlier is stated",
            )
        )
    return steps
