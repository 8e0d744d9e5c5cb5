"""Everything that formats say of thirty made-up cities under nearly every rule; no proposal breaks its own referee.

Write the golden anew with ``python tests/golden/test_formats.py`` after looking at what changed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

from made_up_rounds import CITIES, IMPOSSIBLE, PROGRAMMES, UNITS, WITHOUT_PILOTS

from cities import cohort_of, facet_cache
from rounds_for_tests import propose
from twinmatch.errors import TwinmatchError
from twinmatch.programmes import Round
from twinmatch.programmes.programme import programme_model
from twinmatch.proposal import Product, Proposal, Table
from twinmatch.whatif.difference import check_proposal

Made = Callable[[str], Proposal]
GOLDEN = Path(__file__).with_name("formats.txt")


@pytest.fixture(scope="module")
def proposals() -> Made:
    """Return what gives the proposal of a programme, made once."""
    return cache(made)


def made(name: str) -> Proposal:
    """Return the proposal of a programme over the thirty cities."""
    programme = programme_model().model_validate((PROGRAMMES | IMPOSSIBLE)[name])
    cities = CITIES if name != "nobody may lead" else WITHOUT_PILOTS
    return propose(cohort_of(*cities, units=UNITS), programme, facet_cache())


def told(name: str, proposal: Proposal) -> list[str]:
    """Return everything that a proposal says of its products, a line each."""
    lines = [f"# {name}", *(f"note: {note}" for note in proposal.notes)]
    for product in proposal.products:
        lines += list(product_lines(product))
    return lines + [
        line for table in proposal.tables if table.name == "load" for line in rows(table)
    ]


def refused(name: str) -> list[str]:
    """Return what is said of a programme that cannot be answered, with the exit code."""
    with pytest.raises(TwinmatchError) as caught:
        made(name)
    said = [f"{p.code}: {p.found} {p.do}".rstrip() for p in caught.value.problems]
    return [f"# {name}", f"exit code {caught.value.exit_code}", *said]


def product_lines(product: Product) -> list[str]:
    lines = [
        f"## {product.product} | {product.title} | {product.status} | {product.engine}",
        f"score {figure(product.score)} of {figure(product.bound)}: {product.says}",
        *(
            f"weight {x.facet} {figure(x.weight)} {figure(x.effective_share)}"
            for x in product.weights
        ),
    ]
    for m in product.meetings:
        lines.append(f"meeting {m.id} | {m.label} | {figure(m.score)} | {m.unit} | {m.says}")
        lines += [f"    {x.role} {x.city}" for x in m.members]
        lines += [
            f"    {e.facet} {figure(e.likeness)} {figure(e.standing)} {figure(e.weight)} {e.says}"
            for e in m.account.lines
        ]
        lines += [f"    reserve {r}" for r in m.reserves]
        lines += [f"    note: {note}" for note in m.notes]
    lines += [
        f"left out {x.city} ({x.as_role}): {x.why} {x.offered} {x.ask}" for x in product.left_out
    ]
    lines += [f"rule {r.rule} ({r.status}): {r.says}" for r in product.rules]
    return lines + [line for table in product.tables for line in rows(table)]


def rows(table: Table) -> list[str]:
    head = f"table {table.name} | {table.title} | {' ; '.join(table.columns)} | {table.says}"
    return [head, *("    " + " ; ".join(map(figure, row)) for row in table.rows)]


def figure(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def golden() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in GOLDEN.read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            found[line[2:]] = []
        list(found.values())[-1].append(line)
    return found


@pytest.mark.parametrize("name", PROGRAMMES)
def test_a_programme_says_what_it_said(name: str, proposals: Made) -> None:
    assert told(name, proposals(name)) == golden()[name]


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_a_programme_that_cannot_be_answered_says_why(name: str) -> None:
    assert refused(name) == golden()[name]


def test_the_golden_has_every_programme_and_no_other() -> None:
    assert set(golden()) == {*PROGRAMMES, *IMPOSSIBLE}


@pytest.mark.parametrize("name", PROGRAMMES)
def test_no_proposal_breaks_the_rules_that_the_referee_counts(name: str, proposals: Made) -> None:
    cohort = cohort_of(*CITIES, units=UNITS)
    programme = programme_model().model_validate(PROGRAMMES[name])
    found = check_proposal(Round(cohort, facet_cache(), programme=programme), proposals(name))
    assert [
        (c.product, r.rule, r.says) for c in found for r in c.rules if r.status == "broken"
    ] == []
    formed = [p.status != "infeasible" for p in proposals(name).products]
    assert [not c.unjudged for c in found] == formed


@pytest.mark.parametrize("name", PROGRAMMES)
def test_every_city_is_placed_or_left_out_of_each_product_with_a_reason(
    name: str, proposals: Made
) -> None:
    for product in proposals(name).products:
        placed = {m.city for meeting in product.meetings for m in meeting.members}
        left = [item.city for item in product.left_out]
        assert len({*placed, *left}) == len([*placed, *left])
        apart = {city["id"] for city in CITIES} - {*placed, *left}
        # Who applied neither to learn nor to host is no part of a twinning.
        assert not apart or product.product == "twinning"
        assert all(item.why for item in product.left_out)


if __name__ == "__main__":
    everything = [line for name in PROGRAMMES for line in told(name, made(name))]
    everything += [line for name in IMPOSSIBLE for line in refused(name)]
    GOLDEN.write_text("\n".join(everything) + "\n", encoding="utf-8")
