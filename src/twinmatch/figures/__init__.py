"""Figures beside a proposal's meetings: fairness, satisfaction, themes, what pairs share and what to talk about.

Everything that a report or a dossier shows beside the meetings is computed here, as tables of the proposal, so
that exporters only write down what is there. Nothing here changes a meeting.

The coverage of themes: who asks for each domain and lever, who offers it, and where demand exceeds supply. What a meeting
can begin with: the needs of the one side beside the offers of the other that answer them. Sentences are compared as the
text facets do (see :mod:`twinmatch.facets.text`). Where no words are known, shared domains and levers stand in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import replace
from typing import Final

from twinmatch.cohort import Cohort
from twinmatch.facets.domains import (
    FINE,
    LEVERS,
    WIDE,
    challenges,
    offered_levers,
    strengths,
    wider,
)
from twinmatch.facets.text import (
    PassageMatch,
    Sayings,
    answers,
    named_by_both,
    needs_said,
    offers_said,
)
from twinmatch.figures.fairness import (
    Shares,
    TwinningRound,
    alike,
    fairness,
    satisfaction,
    ties,
    watch,
)
from twinmatch.programmes import Round
from twinmatch.programmes.themes import theme_of, topics_of
from twinmatch.proposal import Meeting, Product, Proposal, Table
from twinmatch.proposal.evidence import printed
from twinmatch.proposal.tables import AgendaRow, QuestionRow, ThemeRow, ids_in, rows_of
from twinmatch.schema import NAMES, Domain, Lever
from twinmatch.vocabulary.topics import Topic
from twinmatch.wording import joined, say

NAMED: Final = 4
"""How many cities are named in a cell; the others are counted."""

Test = Callable[[int], bool]


def themes(round_: TwinningRound) -> Table:
    """Return for each domain and lever the eligible guests that ask, the hosts that offer, and the pairs that meet.

    A guest asks for a domain that it names as a challenge, and for a lever that it says it lacks; a host offers
    what any of its cities is strong in or shows. "Buildings and energy", which some name as one, counts for both.
    """
    every = (_theme_row(round_, *test) for test in _tests(round_))
    rows = tuple(row for row in every if row.ask or row.offer)
    short = [row.theme for row in rows if row.ask > row.offer]
    says = (
        say("More guests ask than hosts offer: {themes}.", themes=joined(short, ", "))
        if short
        else say("For every theme at least as many hosts offer as guests ask.")
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
    return Table("themes", say("Themes: who asks and who offers"), columns, rows, says)


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


def _theme_row(round_: TwinningRound, kind: str, name: str, asks: Test, offers: Test) -> ThemeRow:
    frame = round_.ready.frame
    asking = [i for i in frame.guests if asks(i)]
    offering = [host for host in frame.hosts if any(offers(i) for i in host.cities)]
    guests, hosts = set(asking), {host.id for host in offering}
    met = sum(
        round_.guest(m) in guests and round_.host_id(m) in hosts for m in round_.product.meetings
    )
    return ThemeRow(
        kind,
        name,
        len(asking),
        len(offering),
        met,
        say("more asked than offered") if len(asking) > len(offering) else say("enough offered"),
        _named([round_.cohort.cities[i].name for i in asking]),
        _named([host.name for host in offering]),
    )


def _named(names: list[str]) -> str:
    more = len(names) - NAMED
    shown = ", ".join(names[:NAMED])
    return say("{names} and {n} more", names=shown, n=more) if more > 0 else shown


MOST = 4
"""Items of an agenda, at most."""

COLUMNS = (
    "Meeting",
    "Kind",
    "Who asks",
    "What is asked",
    "Who shows",
    "What is shown",
    "Closeness",
)


def pair_agenda(round_: TwinningRound) -> Table:
    """Return what each pair can begin with: the guest's needs beside the host's offers, and what flows back."""
    cohort = round_.cohort
    needs, offers = (said(cohort, round_.facet_cache) for said in (needs_said, offers_said))
    codes = _Codes(cohort, needs, offers)
    rows: list[AgendaRow] = []
    for meeting in round_.product.meetings:
        guest = [round_.guest(meeting)]
        hosts = [cohort.index[city] for city in meeting.cities("host")]
        there = answers(needs, offers, guest, hosts)
        back = answers(needs, offers, hosts, guest)
        rows += [_row(cohort, meeting, "need", a) for a in there[:MOST]]
        if len(there) < 2:
            rows += codes.shared(meeting, guest, hosts)
        rows += [_row(cohort, meeting, "return", a) for a in back[:1]]
    return Table("agenda", say("What each pair can begin with"), COLUMNS, tuple(rows))


def _row(cohort: Cohort, meeting: Meeting, kind: str, answer: PassageMatch) -> AgendaRow:
    return AgendaRow(
        meeting.id,
        kind,
        cohort.cities[answer.asks.city].id,
        printed(answer.asks.text, answer.asks.source),
        cohort.cities[answer.shows.city].id,
        printed(answer.shows.text, answer.shows.source),
        answer.closeness,
    )


class _Codes:
    """The topics, domains and levers that cities ask for and show."""

    def __init__(self, cohort: Cohort, needs: Sayings, offers: Sayings) -> None:
        self._cohort, self._needs, self._offers = cohort, needs, offers
        self._wanted, self._shown = challenges(cohort), strengths(cohort)
        self._offered = offered_levers(cohort)

    def shared(
        self, meeting: Meeting, asking: Sequence[int], showing: Sequence[int]
    ) -> list[AgendaRow]:
        """Return the topics, domains and levers that the one side of a meeting asks for and the other shows."""
        cities = self._cohort.cities
        rows: list[AgendaRow] = []
        for i in asking:
            for j in showing:
                ids = cities[i].id, cities[j].id
                rows += [
                    AgendaRow(meeting.id, kind, ids[0], name, ids[1], name, None)
                    for kind, name in self._common(i, j)
                ]
        once = {(row.kind, row.asked): row for row in reversed(rows)}
        return list(reversed(once.values()))[:MOST]

    def _common(self, i: int, j: int) -> list[tuple[str, str]]:
        """Return what one city asks for and another shows, each with its kind."""
        wanted, shown = self._wanted, self._shown
        wide = bool(wanted.wide_only[i] or shown.wide_only[j])
        names, one, other = (
            (WIDE, wanted.wide[i], shown.wide[j]) if wide else (FINE, wanted.fine[i], shown.fine[j])
        )
        domains = [d for d, a, b in zip(names, one, other, strict=True) if a and b]
        needed = self._cohort.cities[i].levers_needed or ()
        levers = [lever for lever in needed if lever in self._offered[j]]
        topics = named_by_both(self._needs, self._offers, i, j)
        return [
            *(("topic", topic.wording) for topic in topics),
            *(("domain", NAMES[d]) for d in domains),
            *(("lever", NAMES[v]) for v in levers),
        ]


def group_agenda(round_: Round, product: Product) -> Table:
    """Return what each group can begin with: what leads or hosts can show beside the needs that it answers, on theme.

    In a group without leads or hosts every city may show. Each thing shown stands once, with the cities whose needs
    it answers best, the most cities first.
    """
    cohort, facet_cache = round_.cohort, round_.facet_cache
    needs, offers = needs_said(cohort, facet_cache), offers_said(cohort, facet_cache)
    asked = {
        row.panel: frozenset(topic for topic in Topic if topic in ids_in(row.topics))
        for row in rows_of(product.tables, "questions", QuestionRow)
    }
    rows: list[AgendaRow] = []
    for meeting in product.meetings:
        topics = topics_of(theme_of(round_, meeting.id)) or asked.get(meeting.label, frozenset())
        rows += _of_group(cohort, meeting, needs, offers, topics)
    title = say("What each meeting can begin with")
    return Table("agenda", title, COLUMNS, tuple(rows))


def _of_group(
    cohort: Cohort, meeting: Meeting, needs: Sayings, offers: Sayings, topics: Set[Topic]
) -> list[AgendaRow]:
    members = [cohort.index[city] for city in meeting.cities()]
    first = (*meeting.cities("lead"), *meeting.cities("host"))
    showing = [cohort.index[city] for city in first] or members
    shown: dict[tuple[int, str], list[PassageMatch]] = {}
    for asking in members:
        others = [j for j in showing if j != asking]
        for answer in answers(needs, offers, [asking], others, topics):
            shown.setdefault((answer.shows.city, answer.shows.text), []).append(answer)
    ranked = sorted(
        shown.items(),
        key=lambda item: (-len({a.asks.city for a in item[1]}), -item[1][0].closeness, item[0]),
    )
    return [_answered(cohort, meeting, found) for _, found in ranked[:MOST]]


def _answered(cohort: Cohort, meeting: Meeting, found: list[PassageMatch]) -> AgendaRow:
    best = max(found, key=lambda a: (a.closeness, -a.asks.city))
    # The city whose sentence is printed comes first.
    asking = [best.asks.city, *sorted({a.asks.city for a in found} - {best.asks.city})]
    return AgendaRow(
        meeting.id,
        "need",
        "; ".join(cohort.cities[i].id for i in asking),
        printed(best.asks.text, best.asks.source),
        cohort.cities[best.shows.city].id,
        printed(best.shows.text, best.shows.source),
        best.closeness,
    )


__all__ = ["with_figures"]


def with_figures(proposal: Proposal, round_: Round) -> Proposal:
    """Return the proposal of a solved round with the tables of figures of its products; those it has are kept.

    Twinning: who is worst served, which pairs to look at first, where guests go, which themes are asked for and
    offered, fairness, what each pair shares, and what it can begin with. Other products: fairness and agenda.
    """
    products = tuple(_with_tables(p, round_) for p in proposal.products)
    return replace(proposal, products=products)


def _with_tables(product: Product, round_: Round) -> Product:
    cohort, facet_cache = round_.cohort, round_.facet_cache
    solved = round_.solution_of("twinning") if product.product == "twinning" else None
    if solved is not None:
        found = _of_twinning(TwinningRound(cohort, facet_cache, solved.ready, product))
    else:
        found = (
            fairness(cohort, Shares.of_groups(cohort, product)),
            group_agenda(round_, product),
        )
    named = {table.name for table in product.tables}
    wanted = tuple(t for t in found if t.rows and t.name not in named)
    return replace(product, tables=(*product.tables, *wanted))


def _of_twinning(round_: TwinningRound) -> tuple[Table, ...]:
    return (
        watch(round_),
        satisfaction(round_),
        ties(round_),
        themes(round_),
        fairness(round_.cohort, Shares.of_pairs(round_)),
        alike(round_),
        pair_agenda(round_),
    )
