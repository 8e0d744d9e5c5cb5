"""Figures beside a proposal's meetings: fairness, satisfaction, themes, what pairs share and what to talk about.

Everything that a report or a dossier shows beside the meetings is computed here, as tables of the proposal, so
that exporters only write down what is there. Nothing here changes a meeting.

The coverage of themes: who asks for each domain and lever, who offers it, and where demand exceeds supply. What a meeting
can begin with: the needs of the one side beside the offers of the other that answer them. Sentences are compared as the
text facets do (see :mod:`twinmatch.facets.text`). Where no words are known, shared domains and levers stand in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import replace
from itertools import product as pairs_of
from typing import Final

import numpy as np

from twinmatch.cohort import Cohort
from twinmatch.facets import FacetCache
from twinmatch.facets.answered import topic_table
from twinmatch.facets.domains import (
    FINE,
    LEVERS,
    WIDE,
    challenges,
    offered_levers,
    strengths,
    wider,
)
from twinmatch.facets.quoting import Passage, shows, sought_by
from twinmatch.facets.text import PassageMatch, answers
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
from twinmatch.programmes.themes import (
    alike_in,
    shown_on,
    strong_areas,
    theme_of,
    topics_of,
)
from twinmatch.proposal import Meeting, Product, Proposal, Table, make_table
from twinmatch.proposal.evidence import LEAST, is_sentence, printed
from twinmatch.proposal.tables import AgendaRow, QuestionRow, ReasonRow, ThemeRow, ids_in, rows_of
from twinmatch.schema import IN_TEXT, NAMES
from twinmatch.solving import Bools
from twinmatch.vocabulary.topics import Topic
from twinmatch.wording import few, joined, say

NAMED: Final = 4
"""How many cities are named in a cell; the others are counted."""


def themes(round_: TwinningRound) -> Table:
    """Return for each domain and lever the eligible guests that ask, the hosts that offer, and the pairs that meet.

    A guest asks for a domain that it names as a challenge, and for a lever that it says it lacks; a host offers
    what any of its cities is strong in or shows. "Buildings and energy", which some name as one, counts for both.
    """
    every = (_theme_row(round_, *said) for said in _asked_and_shown(round_.cohort))
    rows = tuple(row for row in every if row.ask or row.offer)
    short = [row.theme for row in rows if row.ask > row.offer]
    says = (
        say("More guests ask than hosts offer: {themes}.", themes=joined(short, ", "))
        if short
        else say("For every theme at least as many hosts offer as guests ask.")
    )
    return make_table("themes", rows, told=says)


def _asked_and_shown(cohort: Cohort) -> Iterable[tuple[str, str, Bools, Bools]]:
    """Yield each domain and lever with the cities that ask for it and those that offer it, (n,) each."""
    shown, wanted = strengths(cohort), [{*(c.challenges or ())} for c in cohort.cities]
    for column, domain in enumerate(FINE):
        wide = shown.wide_only & (shown.wide[:, WIDE.index(wider(domain))] > 0)
        asks = np.array([bool({domain, wider(domain)} & named) for named in wanted])
        yield say("Domain"), NAMES[domain], asks, (shown.fine[:, column] > 0) | wide
    levers = [city.levers_needed or () for city in cohort.cities], offered_levers(cohort)
    for lever in LEVERS:
        asks, offers = (np.array([lever in named for named in side]) for side in levers)
        yield say("Lever"), NAMES[lever], asks, offers


def _theme_row(round_: TwinningRound, kind: str, name: str, asks: Bools, offers: Bools) -> ThemeRow:
    frame = round_.ready.frame
    asking = [i for i in frame.guests if asks[i]]
    offering = [host for host in frame.hosts if offers[list(host.cities)].any()]
    guests, hosts = set(asking), {host.id for host in offering}
    met = sum(
        round_.guest(m) in guests and round_.host_id(m) in hosts for m in round_.product.meetings
    )
    figures, balance = (len(asking), len(offering), met), say("enough offered")
    if len(asking) > len(offering):
        balance = say("more asked than offered")
    sides = [round_.cohort.cities[i].name for i in asking], [host.name for host in offering]
    named = (", ".join(n) if len(n) <= NAMED else few(n, NAMED) for n in sides)
    return ThemeRow(kind, name, *figures, balance, *named)


MOST = 4
"""Items of an agenda, at most."""

LEAST_ON_TOPIC = 0.25
"""Likelihood from which two sentences that share a topic stand beside each other; below, they share but its name."""


def pair_agenda(round_: TwinningRound) -> Table:
    """Return what each pair can begin with: the guest's needs beside the host's offers, and what flows back."""
    cohort = round_.cohort
    told = _Told(cohort, round_.facet_cache)
    needs, offers = told.needs, told.offers
    codes = _Codes(cohort)
    rows: list[AgendaRow] = []
    for meeting in round_.product.meetings:
        guest = [round_.guest(meeting)]
        hosts = cohort.wished_first(
            guest[0], (cohort.index[city] for city in meeting.cities("host"))
        )
        wishes = cohort.cities[guest[0]].wishes
        wished = [h for h in hosts if cohort.cities[h].id in wishes] if len(hosts) > 1 else []
        there = answers(needs, offers, guest, hosts)
        # Of a unit those wished for speak, where they have an answer.
        own = {a.asks: a for a in answers(needs, offers, guest, wished)}
        there = [own.get(a.asks, a) for a in there]
        back = answers(needs, offers, hosts, guest)
        there = list({a.shows.text: a for a in reversed(there)}.values())[::-1]
        rows += [_row(cohort, meeting, "need", a) for a in there[:MOST]]
        if len(there) < 2:
            said = [a.shows.text for a in there]
            rows += _by_topic(told, meeting, guest[0], (wished, hosts), said)
            rows += codes.shared(meeting, guest, hosts)
        rows += [_row(cohort, meeting, "return", a) for a in back[:1]]
    return replace(make_table("agenda", rows), title=say("What each pair can begin with"))


def _by_topic(
    told: _Told, meeting: Meeting, guest: int, hosts: Iterable[Sequence[int]], said: Sequence[str]
) -> list[AgendaRow]:
    """Return what hosts can show of the topics that a guest seeks, none of it ``said`` yet, ``NAMED`` at most.

    The first of several groups of hosts that show something of a topic speak.
    """
    rows: list[AgendaRow] = []
    city = told.cohort.cities[guest]
    for topic in told.table.sought(guest):
        both = (told.on(topic, guest, some) for some in hosts if some)
        found, sought = next((one for one in both if one[0]), (None, ""))
        if not found or found.text in said:
            continue
        host, shown = told.cohort.cities[found.city].id, printed(found.text, found.source)
        if shown not in {row.shown for row in rows}:
            rows.append(AgendaRow(meeting.id, "need", city.id, sought, host, shown, None))
    return rows[:NAMED]


def _row(cohort: Cohort, meeting: Meeting, kind: str, answer: PassageMatch) -> AgendaRow:
    asking, showing = (cohort.cities[said.city] for said in (answer.asks, answer.shows))
    asked = asking.id, answer.need(asking.name)
    shown = showing.id, printed(answer.shows.text, answer.shows.source)
    return AgendaRow(meeting.id, kind, *asked, *shown, answer.closeness)


class _Codes:
    """The domains and levers that cities ask for and show."""

    def __init__(self, cohort: Cohort) -> None:
        self._cohort = cohort
        self._wanted, self._shown = challenges(cohort), strengths(cohort)
        self._offered = offered_levers(cohort)

    def shared(
        self, meeting: Meeting, asking: Sequence[int], showing: Sequence[int]
    ) -> list[AgendaRow]:
        """Return the domains and levers that the one side of a meeting asks for and the other shows."""
        cities = self._cohort.cities
        rows: dict[tuple[str, str], AgendaRow] = {}
        for i, j in pairs_of(asking, showing):
            for kind, name in self._common(i, j):
                row = AgendaRow(meeting.id, kind, cities[i].id, name, cities[j].id, name, None)
                rows.setdefault((kind, name), row)
        return list(rows.values())[:MOST]

    def _common(self, i: int, j: int) -> list[tuple[str, str]]:
        """Return what one city asks for and another shows, each with its kind."""
        _, domains = self._wanted.met(self._shown, i, j)
        needed = self._cohort.cities[i].levers_needed or ()
        levers = [lever for lever in needed if lever in self._offered[j]]
        both = (("domain", domains), ("lever", levers))
        return [(kind, NAMES[code]) for kind, codes in both for code in codes]


def group_tables(round_: Round, product: Product) -> tuple[Table, Table]:
    """Return what each group can begin with, and what each of its cities finds there.

    An agenda has what leads or hosts can show beside the needs of the others that it answers, on theme: each thing shown
    stands once, with the cities whose needs it answers best, the most cities first. In a group without leads or hosts
    every city may show.
    """
    told = _Told(round_.cohort, round_.facet_cache)
    asked = {
        f"{product.product}:{n}": frozenset(t for t in Topic if t in ids_in(row.topics))
        for n, row in enumerate(rows_of(product.tables, "questions", QuestionRow), 1)
    }
    rows: list[AgendaRow] = []
    reasons: list[ReasonRow] = []
    for meeting in product.meetings:
        topics = topics_of(theme_of(round_, meeting.id)) or asked.get(meeting.id, frozenset())
        group = _Group(round_, told, meeting, topics)
        rows += group.agenda()
        reasons += group.reasons()
    return make_table("agenda", rows), make_table("reasons", reasons)


class _Told:
    """What the cities of a round say that they need and can show, by sentences and by topics."""

    def __init__(self, cohort: Cohort, facet_cache: FacetCache) -> None:
        self.cohort = cohort
        self.table = topic_table(cohort, facet_cache)
        self.needs, self.offers = self.table.needs, self.table.offers

    def name(self, i: int) -> str:
        return self.cohort.cities[i].name

    def on(self, topic: Topic, i: int, others: Sequence[int]) -> tuple[Passage | None, str]:
        """Return what others show of a topic that a city seeks, and that it seeks it, in its own sentence if one names it.

        None where its own sentence is on another matter than all that they show.
        """
        own = self.needs.best_on([i], {topic})
        if own is not None and is_sentence(own[0].text):
            found = answers(self.needs, self.offers, [i], others, {topic}, LEAST_ON_TOPIC)[:1]
            if not found or found[0].closeness >= LEAST:
                return (found[0].shows, found[0].need(self.name(i))) if found else (None, "")
        best = self.offers.best_on(others, {topic})
        return best and best[0], self.needs.wants(self.cohort, i, (topic,))


class _Group:
    """A group with its topics, and for each of its cities the sentences of others that answer its own, best first."""

    def __init__(self, round_: Round, told: _Told, meeting: Meeting, topics: Set[Topic]) -> None:
        self._round, self._told, self._meeting, self._topics = round_, told, meeting, topics
        self._theme = theme_of(round_, meeting.id)
        index = told.cohort.index
        self._members = [index[city] for city in meeting.cities()]
        first = (*meeting.cities("lead"), *meeting.cities("host"))
        self._first = [index[city] for city in first]
        self._showing = self._first or self._members
        # Who leads or hosts on a theme is there to show.
        asking = [i for i in self._members if self._theme is None or i not in self._first]
        self._sought = {
            i: [t for t in told.table.sought(i) if t in topics or not topics] for i in self._members
        }
        self._answers: dict[int, list[PassageMatch]] = {i: [] for i in self._members}
        for found in answers(told.needs, told.offers, asking, self._showing, topics):
            self._answers[found.asks.city].append(found)

    def _others(self, i: int) -> list[int]:
        return [j for j in self._showing if j != i]

    def agenda(self) -> list[AgendaRow]:
        """Return what the group can begin with."""
        shown: dict[tuple[int, str], list[PassageMatch]] = {}
        for found in self._answers.values():
            for answer in found:
                shown.setdefault((answer.shows.city, answer.shows.text), []).append(answer)
        ranked = sorted(
            shown.items(),
            key=lambda item: (-len({a.asks.city for a in item[1]}), -item[1][0].closeness, item[0]),
        )
        return [_answered(self._told.cohort, self._meeting, found) for _, found in ranked[:MOST]]

    def reasons(self) -> Iterator[ReasonRow]:
        """Yield what each city finds in the group, and what the others ask of those that lead or host it."""
        for i in self._members:
            found = [self._gives(i)] if i in self._showing else []
            if i not in self._first or self._theme is None:
                found.append(self._learns(i, any(found)))
            city = self._told.cohort.cities[i]
            if not any(found) and not (city.needs or city.challenges or city.levers_needed):
                says = "{city} is asked what it wants to learn, so that it can be on the agenda."
                found = [say(says, city=city.name)]
            own = city.participation
            abroad = len({self._told.cohort.cities[j].country for j in self._members}) > 1
            if abroad and own and own.english in ("A1", "A2"):
                says = "{city} states English at {level}, and this group meets in English: it is asked what help its team would need."
                found.append(say(says, city=city.name, level=own.english))
            yield from (
                ReasonRow(self._meeting.id, city.id, says)
                for says in dict.fromkeys(filter(None, found))
            )

    def _learns(self, i: int, gives: bool) -> str:
        """Return what others can show of what a city asks, the nearest to its own words first; empty for nothing.

        That others struggle with the same is said of a city that ``gives`` nothing alone.
        """
        told, others = self._told, self._others(i)
        for a in self._answers[i][:1]:
            host = told.name(a.shows.city)
            return joined([shows(host, a.shows, a.topic), a.need(told.name(i))])
        own = told.needs.best_on([i], self._topics)
        for topic in dict.fromkeys([*([own[1]] if own else []), *self._sought[i]]):
            said, sought = told.on(topic, i, others)
            knows = (own is None or own[1] != topic) and told.offers.best_on([i], {topic})
            if said and not knows:
                return joined([shows(told.name(said.city), said, topic), sought])
        city = told.cohort.cities[i]
        own_areas = {*(city.challenges or ()), *(city.levers_needed or ())}
        if self._theme is None:
            own_areas -= strong_areas(city)
        first = (*self._theme.domains, *self._theme.levers) if self._theme else IN_TEXT
        areas = [a for a in first if a in own_areas and self._on(a)]
        if self._topics and not self._theme:  # a panel is on its question and nothing wider
            if not self._sought[i]:
                return ""
            sought = told.needs.wants(told.cohort, i, self._sought[i])
            found = told.offers.best_on(others, self._topics)
            return joined([shows(told.name(found[0].city), *found), sought]) if found else ""
        learning = [j for j in self._members if self._theme is None or j not in self._first]
        visits = bool(self._meeting.cities("host"))  # goes to see, not to tell
        if not (gives or visits) and (alike := alike_in(told.cohort, learning, i, self._on)):
            return alike
        if not areas or self._theme is None:
            return ""
        says = "{guest} names {named} as a challenge: it is asked which part of it is to be on the agenda."
        return say(says, guest=city.name, named=IN_TEXT[areas[0]])

    def _on(self, area: str) -> bool:
        """Return whether a domain or lever is one of the group's topics; every one is where it has none."""
        return not self._topics or any(t.area == area for t in self._topics)

    def _gives(self, i: int) -> str:
        """Return what others ask that a city can show: in the words that are nearest, else the topic that most seek."""
        told, theme = self._told, self._theme
        asked = [a for found in self._answers.values() for a in found if a.shows.city == i]
        if asked:
            best = max(asked, key=lambda a: (a.is_whole, a.closeness, -a.asks.city))
            asker = best.need(told.name(best.asks.city), best.topic)
            return joined([asker, shows(told.name(i), best.shows)])
        seekers: dict[Topic, list[int]] = {}
        for j in self._members:
            others = j != i and (j not in self._first or theme is None)
            for topic in self._sought[j] if others else ():
                seekers.setdefault(topic, []).append(j)
        ranked = sorted(seekers.items(), key=lambda x: (-len(x[1]), x[0]))
        for topic, cities in ranked:
            if found := told.offers.best_on([i], {topic}):
                asked_by = sought_by(topic, [told.name(j) for j in cities])
                return joined([asked_by, shows(told.name(i), found[0])])
        if theme is None:
            found = told.offers.best_on([i], self._topics)
            return shows(told.name(i), *found) if found else ""
        return shown_on(self._round, theme, [i])


def _answered(cohort: Cohort, meeting: Meeting, found: list[PassageMatch]) -> AgendaRow:
    best = max(found, key=lambda a: (a.closeness, -a.asks.city))
    # The city whose sentence is printed comes first.
    asking = [best.asks.city, *sorted({a.asks.city for a in found} - {best.asks.city})]
    ids = "; ".join(cohort.cities[i].id for i in asking)
    return _row(cohort, meeting, "need", best)._replace(asking=ids)


__all__ = ["figures_of", "with_figures"]


def with_figures(
    proposal: Proposal, round_: Round, found: Sequence[tuple[Table, ...]] = ()
) -> Proposal:
    """Return the proposal of a solved round with the tables of figures of its products, ``found`` or made here.

    Twinning: who is worst served, which pairs to look at first, where guests go, which themes are asked for and
    offered, fairness, what each pair shares, and what it can begin with. Other products: fairness, agenda and what each
    city finds there.
    """
    found = found or [figures_of(product, round_) for product in proposal.products]
    each = zip(proposal.products, found, strict=True)
    products = (replace(p, tables=(*p.tables, *tables)) for p, tables in each)
    return replace(proposal, products=tuple(products))


def figures_of(product: Product, round_: Round) -> tuple[Table, ...]:
    """Return the tables of figures of a product of a round that it does not have."""
    cohort, facet_cache = round_.cohort, round_.facet_cache
    solved = round_.solution_of("twinning") if product.product == "twinning" else None
    if solved is not None:
        of = TwinningRound(cohort, facet_cache, solved.ready, product)
        found = [watch(of), satisfaction(of), ties(of), themes(of)]
        found += [fairness(cohort, Shares.of_pairs(of)), alike(of), pair_agenda(of)]
    else:
        shares = fairness(cohort, Shares.of_groups(cohort, product))
        found = [shares, *group_tables(round_, product)]
    named = {table.name for table in product.tables}
    return tuple(t for t in found if t.rows and t.name not in named)
