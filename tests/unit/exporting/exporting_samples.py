"""A small proposal made by hand: five cities, a host unit of two, three products, and hostile texts."""

import math

from twinmatch.proposal import (
    Account,
    CityCard,
    Evidence,
    FacetWeight,
    Fact,
    Gap,
    LeftOut,
    Meeting,
    Member,
    Product,
    Proposal,
    Reserve,
    RuleStatus,
    Statement,
    Table,
    UnitName,
)

FORMULA = "=1+1"
SCRIPT = "<script>alert('x')</script>"
EMOJI = "Learning by doing 🚲👩🏽‍🔧"
RIGHT_TO_LEFT = "אילת משתפת"
CONTROLS = "bell\x07, escape\x1b, override\u202e, lone \ud800 and tab\t"
SOURCE = "https://example.eu/data?year=2019&unit=t; javascript:alert(1)"
HOSTILE = (FORMULA, SCRIPT, EMOJI, RIGHT_TO_LEFT, CONTROLS)

UNIT = UnitName("unit-north", 'North "light" & sons')


def line(facet: str, likeness: float, standing: float, weight: float, says: str = "", *facts: Fact):
    return Evidence(facet, likeness, standing, weight, says or f"{facet} was found", facts)


def pair_account(says: str = "Both want district heating") -> Account:
    facts = (
        Fact("at-graz", "population", 289_440, "people", 2021, "reported", "Eurostat"),
        Fact("at-graz", "needs", "we lack <b>heat</b> plans", kind="stated", place="needs, 3-27"),
        Fact("dk-aarhus", "emissions a head", 3.456_789, "t CO2e", 2019, "estimated", "EDGAR"),
        Fact("dk-aarhus", "plan", 3, "level 0-4", None, "reported", SOURCE),
        Fact("dk-aarhus", "target", None, "year"),
    )
    return Account(
        (
            line("needs_offers", 0.71, 0.93, 0.5, says, *facts),
            line("emissions_mix", math.nan, 0.5, 0.2, "Nothing is known of the mix"),
            line("moon_phase", 1 / 3, 1 / 7, 0.3, "An unknown facet"),
        )
    )


def twinning(says: str = "2 pairs from 3 eligible guests") -> Product:
    first = Meeting(
        id="twinning-1",
        label="Graz and North",
        members=(
            Member("at-graz", "guest"),
            Member("dk-aarhus", "host"),
            Member("se-lund", "host"),
        ),
        account=pair_account(),
        says="A pair that both sides asked for",
        reserves=(Reserve("at-graz", "il-eilat", 0.612), Reserve("unit-north", "at-graz", 0.4)),
        notes=(FORMULA, EMOJI),
        unit="unit-north",
    )
    second = Meeting(
        id="twinning-2",
        label="",
        members=(Member("il-eilat", "guest"), Member("xk-nowhere", "host")),
        account=pair_account(SCRIPT),
    )
    return Product(
        "twinning",
        "Twinning",
        "optimal",
        "OR-Tools min-cost flow",
        first.score + second.score,
        first.score + second.score,
        (first, second),
        (
            LeftOut(
                "fr-lyon", "no host has a place", "a discussion group", "Would you come?", "guest"
            ),
            LeftOut("fr-nantes", RIGHT_TO_LEFT, CONTROLS),
        ),
        (
            RuleStatus("capacity", "A host has at most 2 guests", "binding"),
            RuleStatus("country", "A guest's host is in another country", "kept"),
        ),
        says,
        weights=(
            FacetWeight("needs_offers", 0.5, 0.61),
            FacetWeight("emissions_mix", 0.2, 0.1),
            FacetWeight("moon_phase", 0.3, 0.29),
        ),
    )


def groups() -> Product:
    meeting = Meeting(
        "group-1",
        "Heat & <power>",
        (Member("dk-aarhus", "lead"), Member("se-lund", "member"), Member("fr-lyon", "member")),
        Account((line("theme", 0.4, 0.6, 0.5), line("language", 1.0, 1.0, 0.5))),
    )
    return Product(
        "discussion_groups", "", "feasible", "annealing", 0.8, 0.81, (meeting,), advice=("Wait",)
    )


def clusters() -> Product:
    meeting = Meeting(
        "cluster-1",
        "France",
        (Member("fr-lyon", "member"), Member("fr-nantes", "member"), Member("at-graz", "member")),
        Account((line("country", 1.0, 1.0, 1.0),)),
        notes=("Graz joins because nobody else speaks to it",),
    )
    return Product("national_clusters", "National clusters", "optimal", "MIP", 1.0, 1.0, (meeting,))


def sample() -> Proposal:
    """Return the proposal."""
    return Proposal(
        made_from={
            "data": "sha256:" + "0" * 64,
            "text_model": {"name": "minilm", "sha256": FORMULA},
            "versions": {"twinmatch": "0.1.0", "python": None},
            "seeds": [1, 2.5, math.nan],
        },
        products=(twinning(), groups(), clusters()),
        cities=(
            CityCard(
                "at-graz",
                "Graz",
                "AT",
                "Austria",
                ("guest",),
                289_440,
                47.07,
                15.44,
                0.9,
                (
                    Statement("needs", f"We lack <b>heat</b> plans. {EMOJI}"),
                    Statement("challenges", "industry"),
                ),
            ),
            CityCard(
                "dk-aarhus", "Aarhus", "DK", "Denmark", ("mission", "pilot"), None, 56.15, 10.2, 0.5
            ),
            CityCard("se-lund", SCRIPT, "SE", "Sweden", (), 94_703, 55.7, 13.19, 1 / 3),
            CityCard(
                "il-eilat", RIGHT_TO_LEFT, "IL", "Israel", ("mission",), 52_753, 29.56, 34.95, 1.0
            ),
            CityCard("fr-lyon", FORMULA, "FR", "France", ("mission",), 522_250, None, None, 0.0),
        ),
        units=(UNIT,),
        gaps=(
            Gap("se-lund", "needs", "so needs met by offers is not known"),
            Gap("se-lund", "emissions", "so the mix is not known"),
            Gap("fr-lyon", "needs", EMOJI),
        ),
        notes=(CONTROLS,),
        tables=(
            Table("load", "Load", ("City", "Hours"), ((SCRIPT, 12.5), (FORMULA, None)), "A & B"),
        ),
    )
