"""report.html: the proposal to read, print and defend; one file that asks nothing of any other.

What is said stands in ``words``, what it looks like in ``templates``; here is only what goes where. No
script runs in the page and nothing is fetched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Any

from twinmatch.exporting import words
from twinmatch.exporting.atlas import PairMap, distance, land, pair_map
from twinmatch.exporting.characters import printable
from twinmatch.exporting.directory import Directory
from twinmatch.exporting.drawings import of_meeting
from twinmatch.proposal import Gap, LeftOut, Meeting, Product, Proposal, Table

if TYPE_CHECKING:
    from jinja2 import Environment

SHARED = 6
"""A reason of at least so many cities heads a table of its own; the others stand in one table, a row each."""


@dataclass(frozen=True)
class LeftOutReason:
    """Cities that are left out for one reason: what to ask them, and for each offer who gets it."""

    why: str
    ask: str
    offers: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def cities(self) -> int:
        """Return how many cities share the reason."""
        return sum(len(cities) for _, cities in self.offers)


@dataclass(frozen=True)
class Side:
    """Cities left out on one side: what they are called, those with shared reasons, those with their own."""

    kind: str
    title: str
    cities: int
    reasons: tuple[LeftOutReason, ...]
    others: tuple[LeftOut, ...]


@dataclass(frozen=True)
class Section:
    """A product as the report shows it: where it stands in the page, and its parts in order."""

    anchor: str
    product: Product
    paired: bool
    meetings: tuple[tuple[str, int, Meeting], ...]
    """Anchor and number of each meeting."""
    sides: tuple[Side, ...]
    """Cities left out, by the side on which they would have taken part."""
    figures: tuple[tuple[str, Table], ...]
    """Anchor of each table of figures, and the table."""
    placed: int
    """Cities with a meeting, and without one."""
    unplaced: int
    map: PairMap | None

    @cached_property
    def anchors(self) -> dict[str, str]:
        """Return the anchor of each meeting by its id."""
        return {meeting.id: anchor for anchor, _, meeting in self.meetings}


def report_html(proposal: Proposal) -> bytes:
    """Return the proposal as one self-contained HTML page."""
    page = templates().get_template("report.html.j2")
    return page.render(**_parts(proposal)).encode("utf-8")


@cache
def templates() -> Environment:
    """Return the templates: everything escaped, an unknown name is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    templates = Environment(
        loader=PackageLoader("twinmatch.exporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_clean,
    )
    templates.globals.update(words=words, distance=distance, drawings=of_meeting)
    templates.filters["in_runs"] = _in_runs
    return templates


def _in_runs(rows: Sequence[Sequence[Any]]) -> list[tuple[Any, list[Sequence[Any]]]]:
    """Return rows by their first cell, in their own order."""
    return [(head, list(run)) for head, run in groupby(rows, key=lambda row: row[0])]


def _clean(value: Any) -> Any:
    """Return what a template writes: texts without unwanted characters, nothing for None."""
    if value is None:
        return ""
    # Exactly str: what is already marked as safe markup keeps its mark.
    return printable(value) if type(value) is str else value


def _parts(proposal: Proposal) -> dict[str, Any]:
    """Return everything that the page shows, by the name that the template knows it by."""
    directory = Directory(proposal)
    return {
        "proposal": proposal,
        "directory": directory,
        "land": land(),
        "sections": [_section(n, p, directory) for n, p in enumerate(proposal.products, 1)],
        "decisions": list(_decisions(proposal)),
        "figures": _figures(proposal.tables, "round"),
        "gap_counts": _gap_counts(proposal.gaps),
        "gaps": _gaps_by_city(proposal.gaps),
        **_origins(proposal),
    }


def _decisions(proposal: Proposal) -> Iterator[tuple[str, str]]:
    """Yield what people have to decide, each with the anchor of the place that has more of it."""
    for number, product in enumerate(proposal.products, 1):
        anchor, title = f"product-{number}", words.product_title(product)
        if product.status == "infeasible":
            yield f"{title}: no proposal fits the rules; choose what gives way", anchor
        for held in product.held:
            yield f"{title}: {held.why}", f"{anchor}-held"
        ask = len(words.outcomes(product).get("to ask", ())) - sum(
            len(held.cities) for held in product.held
        )
        if words.is_paired(product) and ask > 0:
            yield f"{title}: {words.count(ask, 'applicant')} to be asked first", f"{anchor}-left"
        for n, table in enumerate(product.tables, 1):
            if table.name in ("watch", "stability") and table.rows and table.says:
                yield f"{title}: {table.says}", f"{anchor}-figures-{n}"


def _origins(proposal: Proposal) -> dict[str, list[tuple[str, str]]]:
    """Return what the proposal was made from, the long list of settings apart."""
    lines = list(words.flat(proposal.made_from))
    settings = [line for line in lines if "Settings ›" in line[0]]
    return {"made_from": [line for line in lines if line not in settings], "settings": settings}


def _section(number: int, product: Product, directory: Directory) -> Section:
    anchor, paired = f"product-{number}", words.is_paired(product)
    placed = {city for meeting in product.meetings for city in meeting.cities()}
    return Section(
        anchor=anchor,
        product=product,
        paired=paired,
        meetings=tuple((f"{anchor}-{n}", n, m) for n, m in enumerate(product.meetings, 1)),
        sides=_sides(product),
        figures=_figures(product.tables, anchor),
        placed=len(placed),
        unplaced=len({left.city for left in product.left_out} - placed),
        map=pair_map(product.meetings, directory) if paired else None,
    )


def _figures(tables: Sequence[Table], anchor: str) -> tuple[tuple[str, Table], ...]:
    """Return the tables that the report shows, each with an anchor."""
    return tuple(
        (f"{anchor}-figures-{n}", table)
        for n, table in enumerate(tables, 1)
        if table.name not in words.ONLY_IN_DOSSIERS and table.rows
    )


def _sides(product: Product) -> tuple[Side, ...]:
    """Return the cities without a meeting by what they are, refusals first."""
    return tuple(
        Side(kind, words.OUTCOMES[kind][1], len(cities), *_reasons(cities))
        for kind, cities in words.outcomes(product).items()
    )


def _reasons(left_out: Sequence[LeftOut]) -> tuple[tuple[LeftOutReason, ...], tuple[LeftOut, ...]]:
    """Return the reasons that several cities share, most cities first, and the cities of all others."""
    shared: dict[tuple[str, str], list[LeftOut]] = {}
    for left in left_out:
        shared.setdefault((left.why, left.ask), []).append(left)
    groups = sorted(shared.items(), key=lambda item: -len(item[1]))
    heads = {key for key, group in groups if len(group) >= SHARED or len(groups) == 1}
    reasons = tuple(LeftOutReason(*key, _offers(group)) for key, group in groups if key in heads)
    return reasons, tuple(left for left in left_out if (left.why, left.ask) not in heads)


def _offers(left_out: Sequence[LeftOut]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return each offer with the cities that get it, in the order of the first city."""
    offers: dict[str, list[str]] = {}
    for left in left_out:
        offers.setdefault(left.offered, []).append(left.city)
    return tuple((offer, tuple(cities)) for offer, cities in offers.items())


def _gap_counts(gaps: Sequence[Gap]) -> list[tuple[str, int]]:
    """Return for each block of how many cities it is not known, most first."""
    counts = Counter(block for block, _ in {(gap.block, gap.city) for gap in gaps})
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _gaps_by_city(gaps: Sequence[Gap]) -> dict[str, list[Gap]]:
    """Return the gaps of each city, in the proposal's order."""
    cities: dict[str, list[Gap]] = {}
    for gap in gaps:
        cities.setdefault(gap.city, []).append(gap)
    return cities
