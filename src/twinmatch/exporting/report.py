"""report.html: the proposal to read, print and defend; one file that asks nothing of any other.

What is said stands in ``words``, what it looks like in ``templates``; here is only what goes where. No
script runs in the page and nothing is fetched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from twinmatch.exporting import words
from twinmatch.exporting.atlas import PairMap, distance, land, pair_map
from twinmatch.exporting.characters import printable
from twinmatch.exporting.directory import Directory
from twinmatch.proposal import Gap, LeftOut, Meeting, Product, Proposal

if TYPE_CHECKING:
    from jinja2 import Environment

REASONS_SHOWN = 12
"""Up to so many reasons head a table each; more, and every city's reason stands in its own row."""


@dataclass(frozen=True)
class Section:
    """A product as the report shows it: where it stands in the page, and its parts in order."""

    anchor: str
    product: Product
    paired: bool
    meetings: tuple[tuple[str, int, Meeting], ...]
    """Anchor and number of each meeting."""
    left_out: tuple[tuple[str, tuple[LeftOut, ...]], ...]
    """Cities left out by reason; one empty reason where nearly every city has its own."""
    cities: int
    map: PairMap | None


def report_html(proposal: Proposal) -> bytes:
    """Return the proposal as one self-contained HTML page."""
    page = _templates().get_template("report.html.j2")
    return page.render(**_parts(proposal)).encode("utf-8")


@cache
def _templates() -> Environment:
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
    templates.globals.update(words=words, distance=distance)
    return templates


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
        "gap_counts": _gap_counts(proposal.gaps),
        "gaps": _gaps_by_city(proposal.gaps),
        "made_from": list(words.flat(proposal.made_from)),
    }


def _section(number: int, product: Product, directory: Directory) -> Section:
    anchor, paired = f"product-{number}", words.is_paired(product)
    return Section(
        anchor=anchor,
        product=product,
        paired=paired,
        meetings=tuple((f"{anchor}-{n}", n, m) for n, m in enumerate(product.meetings, 1)),
        left_out=_by_reason(product.left_out),
        cities=len({city for meeting in product.meetings for city in meeting.cities()}),
        map=pair_map(product.meetings, directory) if paired else None,
    )


def _by_reason(left_out: Sequence[LeftOut]) -> tuple[tuple[str, tuple[LeftOut, ...]], ...]:
    """Return the cities by reason, the reason of most cities first."""
    reasons: dict[str, list[LeftOut]] = {}
    for left in left_out:
        reasons.setdefault(left.why, []).append(left)
    if len(reasons) > REASONS_SHOWN:
        return (("", tuple(left_out)),)
    groups = sorted(reasons.items(), key=lambda item: -len(item[1]))
    return tuple((why, tuple(group)) for why, group in groups)


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
