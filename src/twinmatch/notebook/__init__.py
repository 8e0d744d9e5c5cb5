"""For notebooks: views of the house's nouns as small HTML tables, everything escaped; pictures are ``tm.pictures``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import Any, Final

from twinmatch.affinity import Affinity
from twinmatch.cohort import City, Cohort
from twinmatch.exporting import words
from twinmatch.exporting.folder_files import Directory, printable
from twinmatch.programmes.city_cards import statements
from twinmatch.proposal import Account, Meeting, Product, Proposal, Table
from twinmatch.vocabulary.geography import country

SHOWN: Final = 12
"""Rows of a long table that are shown; the others are counted."""

BAR = (
    '<div style="width:100px;border:1px solid #3d3d3d;height:9px">'
    '<div style="width:{width:.0f}px;background:#12436d;height:9px"></div></div>'
)


class _Markup(str):
    """Text that is HTML already."""


def table(heads: Sequence[str], rows: Iterable[Sequence[Any]], caption: str = "") -> str:
    """Return an HTML table; texts are escaped, the first column heads its row."""
    top = "".join(f'<th scope="col" style="text-align:left">{_cell(h)}</th>' for h in heads)
    body = "".join(f"<tr>{_row(row)}</tr>" for row in rows)
    said = f'<caption style="text-align:left">{_cell(caption)}</caption>' if caption else ""
    return f"<table>{said}<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def _row(cells: Sequence[Any]) -> str:
    first, *others = cells
    style = 'style="text-align:left;vertical-align:top"'
    return f'<th scope="row" {style}>{_cell(first)}</th>' + "".join(
        f"<td {style}>{_cell(cell)}</td>" for cell in others
    )


def _cell(value: Any) -> str:
    return value if isinstance(value, _Markup) else escape(printable(str(value)))


def bar(part: float) -> str:
    """Return a bar for a part in [0, 1], as HTML."""
    return _Markup(BAR.format(width=100 * min(max(part, 0.0), 1.0)))


def city_view(city: City) -> str:
    """Return a city: who it is, what it states, what is not known of it."""
    people = f"{city.population.value:,}" if city.population else "not known"
    missing = [words.block_title(b) for b in City.BLOCKS if not getattr(city, b)]
    rows = [
        ("Country", country(city.country).name),
        ("Roles", ", ".join(words.role_word(role.value) for role in city.roles) or "none"),
        ("Residents", people),
        *((words.block_title(s.block), s.says) for s in statements(city)),
        ("Not known", ", ".join(missing) or "nothing"),
    ]
    return table((city.name, city.id), rows)


def cohort_view(cohort: Cohort) -> str:
    """Return a cohort: how many cities of each role, how much is known, the first of them."""
    roles = Counter(role.value for city in cohort.cities for role in city.roles)
    counted = ", ".join(f"{words.role_word(r)}: {n}" for r, n in sorted(roles.items()))
    cities = words.count(len(cohort), "city", "cities")
    units = words.count(len(cohort.units), "host unit")
    caption = (
        f"{cities} of {len(set(cohort.countries))} countries, {units} of several cities ({counted})"
    )
    rows = [
        (c.name, country(c.country).name, ", ".join(r.value for r in c.roles), bar(cohort.known(i)))
        for i, c in enumerate(cohort.cities[:SHOWN])
    ]
    return _more(table(("City", "Country", "Roles", "Profile known"), rows, caption), len(cohort))


def _more(shown: str, of: int) -> str:
    return shown + (f"<p>and {of - SHOWN:,} more</p>" if of > SHOWN else "")


def account_view(account: Account) -> str:
    """Return an account: one line a facet with what it adds, summing to the score."""
    rows = [
        (
            words.facet_title(line.facet),
            words.sentence(line.says),
            words.sentence(words.standing_words(line)),
            f"{words.points(line.share)} of {words.points(line.weight)}",
            bar(line.standing),
        )
        for line in account.lines
    ]
    caption = f"Score {words.points(account.score)} of 100; {words.percent(account.coverage)} of the weights known"
    heads = ("Facet", "What was found", "How well it fits", "Points", "Standing")
    return table(heads, rows, caption)


def affinity_view(affinity: Affinity) -> str:
    """Return an affinity: its size, and of each facet the weight, what it really weighs, how much is known."""
    import numpy as np

    shares = affinity.effective_shares
    rows = [
        (
            words.facet_title(name),
            f"{words.points(weight)}",
            words.percent(max(shares[name], 0.0)),
            words.percent(float((~np.isnan(affinity.likeness[name])).mean())),
        )
        for name, weight in affinity.weights.items()
    ]
    caption = f"{len(affinity.rows):,} cities beside {len(affinity.columns):,} cities or units"
    heads = ("Facet", "Weight, points", "Share of the scores' spread", "Pairs known")
    return table(heads, rows, caption)


def meeting_view(meeting: Meeting) -> str:
    """Return a meeting: its members, and its account."""
    members = ", ".join(f"{m.city} ({m.role})" for m in meeting.members)
    head = f"<p><strong>{_cell(meeting.label)}</strong><br>{_cell(members)}</p>"
    return head + account_view(meeting.account)


def product_view(product: Product) -> str:
    """Return a product: what was proven, and its first meetings."""
    rows = [
        (m.label, words.points(m.score), bar(m.score), " ".join(words.reasons(m, 1)))
        for m in product.meetings[:SHOWN]
    ]
    caption = f"{words.meetings_counted(product)}, {words.status_words(product)}"
    shown = table(("Meeting", "Points", "", "Strongest reason"), rows, caption)
    return _more(shown, len(product.meetings))


def proposal_view(proposal: Proposal) -> str:
    """Return a proposal: the result in a sentence, and each product with what was proven."""
    directory = Directory(proposal)
    rows = []
    for p in proposal.products:
        names = ", ".join(directory.name(x.city) for x in p.left_out[:3])
        names += " …" if p.left_out[3:] else ""
        proven = words.sentence(words.status_words(p))
        counted = words.meetings_counted(p)
        rows.append((words.product_title(p), counted, proven, words.limits(p), names))
    heads = ("Part", "Result", "What was proven", "Rules at their limit", "Left out")
    return f"<p>{_cell(words.result(proposal))}</p>" + table(heads, rows)


def figures_view(found: Table) -> str:
    """Return a table of figures."""
    rows = [list(map(words.cell, words.kinds_of(found), row)) for row in found.rows[:SHOWN]]
    return _more(table(found.columns, rows, found.says or found.title), len(found.rows))


VIEWS: Final[dict[type, Callable[[Any], str]]] = {
    City: city_view,
    Cohort: cohort_view,
    Account: account_view,
    Affinity: affinity_view,
    Meeting: meeting_view,
    Product: product_view,
    Proposal: proposal_view,
    Table: figures_view,
}
"""The view of every noun that a notebook shows richly."""
