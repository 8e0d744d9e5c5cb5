"""The coverage of themes: who asks for each domain and lever, who offers it, and where demand exceeds supply."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from twinmatch.facets.domains import FINE, LEVERS, WIDE, offered_levers, strengths, wider
from twinmatch.figures.pairs import TwinningRound
from twinmatch.proposal import Table
from twinmatch.schema import NAMES, Domain, Lever

NAMED: Final = 4
"""How many cities are named in a cell; the others are counted."""

Test = Callable[[int], bool]


def themes(round_: TwinningRound) -> Table:
    """Return for each domain and lever the eligible guests that ask, the hosts that offer, and the pairs that meet.

    A guest asks for a domain that it names as a challenge, and for a lever that it says it lacks; a host offers
    what any of its cities is strong in or shows. "Buildings and energy", which some name as one, counts for both.
    """
    rows = tuple(
        row
        for kind, name, asks, offers in _tests(round_)
        if (row := _row(round_, kind, name, asks, offers))[2] or row[3]
    )
    short = [str(row[1]) for row in rows if row[5] == "more asked than offered"]
    says = (
        f"More guests ask than hosts offer: {', '.join(short)}."
        if short
        else "For every theme at least as many hosts offer as guests ask."
    )
    columns = (
        "Kind",
        "Theme",
        "Guests that ask",
        "Hosts that offer",
        "Pairs in which it is met",
        "Balance",
        "Who asks",
        "Who offers",
    )
    return Table("themes", "Themes: who asks and who offers", columns, rows, says)


def _tests(round_: TwinningRound) -> Iterable[tuple[str, str, Test, Test]]:
    cohort = round_.cohort
    shown = strengths(cohort)
    offered = offered_levers(cohort)

    def asks_domain(domain: Domain) -> Test:
        return lambda i: bool({domain, wider(domain)} & set(cohort.cities[i].challenges or {}))

    def offers_domain(column: int, domain: Domain) -> Test:
        wide = WIDE.index(wider(domain))
        return lambda i: bool(shown.fine[i, column] or (shown.wide_only[i] and shown.wide[i, wide]))

    for column, domain in enumerate(FINE):
        yield "Domain", NAMES[domain], asks_domain(domain), offers_domain(column, domain)
    for lever in LEVERS:
        yield (
            "Lever",
            NAMES[lever],
            _among([city.levers_needed or () for city in cohort.cities], lever),
            _among(offered, lever),
        )


def _among(stated: Sequence[tuple[Lever, ...]], lever: Lever) -> Test:
    return lambda i: lever in stated[i]


def _row(
    round_: TwinningRound, kind: str, name: str, asks: Test, offers: Test
) -> tuple[str, str, int, int, int, str, str, str]:
    frame = round_.ready.frame
    asking = [i for i in frame.guests if asks(i)]
    offering = [host for host in frame.hosts if any(offers(i) for i in host.cities)]
    guests, hosts = set(asking), {host.id for host in offering}
    met = sum(
        round_.guest(m) in guests and round_.host_id(m) in hosts for m in round_.product.meetings
    )
    return (
        kind,
        name,
        len(asking),
        len(offering),
        met,
        "more asked than offered" if len(asking) > len(offering) else "enough offered",
        _named([round_.cohort.cities[i].name for i in asking]),
        _named([host.name for host in offering]),
    )


def _named(names: list[str]) -> str:
    more = len(names) - NAMED
    shown = ", ".join(names[:NAMED])
    return f"{shown} and {more} more" if more > 0 else shown
