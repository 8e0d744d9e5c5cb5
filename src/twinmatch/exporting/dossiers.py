"""What dossiers say: one for each pair, city, group and country, in parts that any form can write down.

A dossier is for the people who meet, so it has reasons and an agenda and no reserves. It is said here once;
``dossier_pages`` and ``dossier_word`` only give it a form. Contacts are left to fill: the house knows none.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from twinmatch.exporting import words
from twinmatch.exporting.charts import Drawing, of_meeting
from twinmatch.exporting.report import CODES, GROUP_SIZE, Sources, called, partners, why_for
from twinmatch.proposal import Meeting, Product, Proposal
from twinmatch.proposal.tables import AgendaRow, ids_in
from twinmatch.wording import few, joined, say, say_n, translated

BLANK = ""
"""A cell that people fill."""

NEEDS_SHOWN = 3
"""Needs that a first agenda has room for."""

BRIEF = 320
"""Characters of a statement in the dossier of a pair."""

HELP = say("Tell us what is not known, and the next run counts it in.")
"""What a city is asked, where the coordinator is told to ask it."""


@dataclass(frozen=True)
class DossierSection:
    """A part of a dossier: heading, paragraphs, points, pictures, and a table where it has one."""

    heading: str
    paragraphs: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    drawings: tuple[Drawing, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Return whether there is nothing to say."""
        return not (self.paragraphs or self.points or self.rows or self.drawings)


@dataclass(frozen=True)
class Dossier:
    """A dossier: where it stands (folder and name), what it is, its title, one sentence, its parts."""

    folder: str
    name: str
    kind: str
    title: str
    lead: str
    parts: tuple[DossierSection, ...]
    round: str
    language: str = "en"

    @property
    def path(self) -> str:
        """Return folder and name, without an ending."""
        return f"{self.folder}/{self.name}"


def dossiers(proposal: Proposal, language: str = "en") -> Iterator[Dossier]:
    """Yield every dossier of a proposal in a language: pairs, groups, cities, countries, no two of a folder under one name."""
    sources, taken = Sources(proposal), Counter[str]()
    of_cities = (
        _of_city(sources, card.id) for card in proposal.cities if card.id in sources.taking_part
    )
    for dossier in chain(_of_meetings(sources), of_cities, _of_countries(sources)):
        taken[dossier.path] += 1
        number = taken[dossier.path]
        name = dossier.name if number == 1 else f"{dossier.name}-{number}"
        yield replace(translated(dossier, language), name=name, language=language)


def slug(text: str) -> str:
    """Return a text as the name of a file: lower case letters, digits and hyphens, never empty."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:80] or "x"


# --- pairs and groups --------------------------------------------------------------------------------------


def _of_meetings(sources: Sources) -> Iterator[Dossier]:
    for product in sources.proposal.products:
        paired = words.is_paired(product)
        for meeting in product.meetings:
            yield _pair(sources, product, meeting) if paired else _group(sources, product, meeting)


def _pair(sources: Sources, product: Product, meeting: Meeting) -> Dossier:
    names = sources.directory
    guests = meeting.cities("guest")
    guest, host = words.listed([names.name(city) for city in guests]), names.host(meeting)
    parts = (
        _why(
            sources, say("Why these two") if len(guests) == 1 else say("Why these cities"), meeting
        ),
        _what_each_brings(sources, meeting),
        _in_common(sources, meeting),
        _agenda(sources, meeting),
        _not_known(sources, meeting.cities()),
        _contacts(sources, meeting.cities()),
    )
    return Dossier(
        "pairs",
        slug(meeting.id.partition(":")[2] or meeting.id),
        words.product_title(product),
        words.listed([*(names.name(city) for city in guests), host]),
        say_n(
            "{guest} learns from {host}: {points} points of 100, where 50 is the average of all possible pairs; {part} of the "
            "weights rest on something known.",
            "{guest} learn from {host}: {points} points of 100, where 50 is the average of all possible pairs; {part} of the "
            "weights rest on something known.",
            len(guests),
            guest=guest,
            host=host,
            points=words.points(meeting.score),
            part=words.percent(meeting.account.coverage),
        ),
        _said(parts),
        sources.title,
    )


def _why(sources: Sources, heading: str, meeting: Meeting) -> DossierSection:
    """Return why a meeting is proposed: notes, the strongest reasons, and its pictures."""
    reasons = tuple(words.reasons(meeting))
    return DossierSection(
        heading, _notes(meeting), reasons, drawings=of_meeting(meeting, sources.directory)
    )


def _notes(meeting: Meeting) -> tuple[str, ...]:
    return tuple(words.sentence(note) for note in meeting.notes)


def _said(parts: Sequence[DossierSection]) -> tuple[DossierSection, ...]:
    return tuple(part for part in parts if not part.is_empty)


BRINGS: tuple[tuple[str, str], ...] = (
    ("needs", say("Wants to learn")),
    ("challenges", say("Struggles with")),
    ("levers_needed", say("Lacks the levers")),
    ("offers", say("Can show")),
    ("strengths", say("Is strong in")),
    ("levers_offered", say("Can show the levers")),
    ("languages", say("Works in")),
    ("commitment", say("Is committed to be")),
)
"""Blocks of a profile, and how a dossier asks for them."""


def _what_each_brings(sources: Sources, meeting: Meeting) -> DossierSection:
    cities = (*meeting.cities("guest"), *meeting.cities("host"))[:GROUP_SIZE]
    stated = [
        (label, *(_brief(sources.statement(c, block)) for c in cities))
        for block, label in BRINGS
        if (len(cities) <= 3 or block in ("needs", "offers"))
        and any(sources.statement(c, block) for c in cities)
    ]
    places = tuple(map(sources.directory.place, cities))
    if len(cities) > 3:
        columns, *rows = zip((say("City"), *places), *stated, strict=True)
        return DossierSection(
            say("What each brings"), columns=columns, rows=tuple(rows) if stated else ()
        )
    return DossierSection(say("What each brings"), columns=("", *places), rows=tuple(stated))


def _brief(text: str) -> str:
    """Return what a city states, short enough for a page on the pair; its own page has the whole."""
    return words.sentence(words.shortened(text, BRIEF)) or words.NOT_KNOWN


def _in_common(sources: Sources, meeting: Meeting) -> DossierSection:
    points = [
        say(
            "{kind} – {facet:lower}: {says:sentence}",
            kind=kind,
            facet=words.facet_title(row.facet),
            says=row.says,
        )
        for kind, how in ((say("Alike"), "alike"), (say("Different"), "unlike"))
        for row in sources.alike.get((meeting.id, how), ())
    ]
    return DossierSection(say("What you have in common, and what not"), points=tuple(points))


def _agenda(sources: Sources, meeting: Meeting) -> DossierSection:
    """Return a first meeting of about ninety minutes, built from needs and the offers that answer them."""
    talks = sources.talks.get(meeting.id, ())
    asked = [t for t in talks if t.kind == "need"][:NEEDS_SHOWN]
    codes = [t for t in talks if t.kind in CODES]
    back = [t for t in talks if t.kind == "return"][:1]
    rows: list[tuple[str, str, str]] = [
        (
            _minutes(10),
            say("Welcome: who we are, and what each of us hopes to take home"),
            say("all"),
        )
    ]
    rows += [
        (_minutes(20 if len(asked) > 2 else 25), _asked(sources, t), _who(sources, t))
        for t in asked
    ]
    if codes and len(asked) < 2:
        heads = words.listed([t.asked for t in codes])
        about = say("Experience with {topics}: what worked, what did not", topics=heads)
        rows.append((_minutes(25), about, _who(sources, codes[0])))
    rows += [
        (_minutes(10), say("What flows back. {asked}", asked=_asked(sources, t)), _who(sources, t))
        for t in back
    ]
    rows.append(
        (
            _minutes(10),
            say("Agree on one result to reach, on dates, and on who stays in touch"),
            say("all"),
        )
    )
    if not asked and not codes:
        first = say("Each city: the one problem it wants solved first")
        rows.insert(1, (_minutes(40), first, say("each city")))
    says = say("A proposal for the first meeting; change it as you like.")
    return DossierSection(
        say("First agenda"),
        (says,),
        columns=(say("Time"), say("What"), say("Who")),
        rows=tuple(rows),
    )


def _minutes(n: int) -> str:
    return say("{n} min", n=n)


def _asked(sources: Sources, talk: AgendaRow) -> str:
    """Return what a city asks, and what answers it."""
    host = sources.directory.name(talk.showing)
    return joined((talk.asked, say("{city} can show: {shown}", city=host, shown=talk.shown)))


def _who(sources: Sources, talk: AgendaRow) -> str:
    """Return who shows and who asks; the first is the one whose words are printed."""
    host, first, *others = map(sources.directory.name, (talk.showing, *ids_in(talk.asking)))
    says = say("{host} shows; {asking} asks", host=host, asking=first)
    return says + say("; also asked by {others}", others=few(others, 3)) if others else says


def _not_known(sources: Sources, cities: Sequence[str]) -> DossierSection:
    points = [
        joined((sources.directory.name(city), words.sentence(gap.says)), ": ")
        for city in cities[:GROUP_SIZE]
        for gap in sources.gaps.get(city, ())
    ]
    says = say(
        "What is not known neither flatters nor punishes a city. Telling it makes the next proposal better."
    )
    return DossierSection(say("What we do not know yet"), (says,) if points else (), tuple(points))


def _room(sources: Sources, cities: Sequence[str]) -> DossierSection:
    """Return the national actors of the countries of some cities, who should be in the room with them."""
    countries = dict.fromkeys(sources.directory.country(city) for city in cities)
    found = (actor for name in countries for actor in sources.room.get(name, ()))
    points = (
        joined(
            filter(
                None,
                (
                    say(
                        "{name} ({kind}, as of {year}): {does:sentence}",
                        name=x.name,
                        kind=x.kind,
                        does=x.does,
                        year=x.year,
                    )
                    if x.year
                    else say(
                        "{name} ({kind}): {does:sentence}", name=x.name, kind=x.kind, does=x.does
                    ),
                    x.link,
                ),
            )
        )
        for x in found
    )
    return DossierSection(say("Who should be in the room"), points=tuple(points))


def _contacts(sources: Sources, cities: Sequence[str]) -> DossierSection:
    rows = tuple((sources.directory.place(city), BLANK, BLANK, BLANK) for city in cities)
    columns = (say("City"), say("Name and function"), say("E-mail"), say("Telephone"))
    return DossierSection(say("Contacts, to be filled"), columns=columns, rows=rows)


def _group(sources: Sources, product: Product, meeting: Meeting) -> Dossier:
    names = sources.directory
    leads = meeting.cities("lead")
    lead = words.count(len(meeting.members), "city", "cities")
    if leads:
        lead += say(", led by {cities}", cities=words.listed([names.name(c) for c in leads]))
    rows = tuple(
        (
            names.place(m.city),
            words.role_word(m.role),
            words.shortened(sources.statement(m.city, "needs"), 220) or words.NOT_KNOWN,
            words.shortened(sources.statement(m.city, "offers"), 220) or words.NOT_KNOWN,
        )
        for m in meeting.members
    )
    parts = (
        _why(sources, say("Why this group"), meeting),
        _agenda(sources, meeting),
        DossierSection(
            say("Who takes part"),
            columns=(say("City"), say("Role"), say("Wants to learn"), say("Can show")),
            rows=rows,
        ),
        *([_room(sources, meeting.cities())] if product.product == "national_clusters" else []),
        _contacts(sources, meeting.cities()),
    )
    return Dossier(
        "groups",
        slug(f"{product.product}-{meeting.id.partition(':')[2] or meeting.id}"),
        words.meeting_kind(product, meeting),
        names.title(meeting),
        lead + ".",
        _said(parts),
        sources.title,
    )


# --- cities and countries ----------------------------------------------------------------------------------


def _of_city(sources: Sources, city: str) -> Dossier:
    card = sources.directory.card(city)
    roles = joined((words.role_word(role) for role in card.roles), ", ")
    people = say("{n:,} residents", n=card.population) if card.population is not None else ""
    about = joined(filter(None, (card.country_name, roles, people)), "; ")
    stated = tuple(
        (label, words.sentence(sources.statement(city, block)))
        for block, label in BRINGS
        if sources.statement(city, block)
    )
    parts = (
        DossierSection(
            say("Your place in this round"),
            columns=(say("Part"), say("With"), say("Why")),
            rows=tuple(_places(sources, city)),
        ),
        DossierSection(
            say("No place in this round"),
            columns=(say("Part"), say("Why"), say("Offered instead"), say("What would help")),
            rows=tuple(_refusals(sources, city)),
        ),
        DossierSection(
            say("What we know of you"), columns=("", say("In your words or ours")), rows=stated
        ),
        DossierSection(
            say("What we do not know yet"),
            points=tuple(words.sentence(gap.says) for gap in sources.gaps.get(city, ())),
        ),
        _contacts(sources, (city,)),
    )
    return Dossier(
        "cities",
        slug(city),
        say("City"),
        card.name,
        words.sentence(about),
        _said(parts),
        sources.title,
    )


def _places(sources: Sources, city: str) -> Iterator[tuple[str, str, str]]:
    for product, meeting in sources.meetings.get(city, ()):
        role = next(m.role for m in meeting.members if m.city == city)
        part = say(
            "{kind}: {title}",
            kind=words.meeting_kind(product, meeting),
            title=called(sources, meeting, city),
        )
        yield (
            say("{part} ({role:lower})", part=part, role=words.role_word(role)),
            partners(sources, meeting, city),
            joined(why_for(sources, city, meeting)),
        )


def _refusals(sources: Sources, city: str) -> Iterator[tuple[str, str, str, str]]:
    for product, left in sources.left_out.get(city, ()):
        yield (
            words.product_title(product),
            words.why_to_city(left),
            words.instead(left.offered),
            HELP if left.ask else "–",
        )


def _of_countries(sources: Sources) -> Iterator[Dossier]:
    cities: dict[str, list[str]] = {}
    for card in sources.proposal.cities:
        cities.setdefault(card.country, []).append(card.id)
    for code in sorted(cities):
        yield _country(sources, code, cities[code])


def _country(sources: Sources, code: str, cities: Sequence[str]) -> Dossier:
    name = sources.directory.country(cities[0]) or code
    products = sources.proposal.products
    home = {meeting.id for city in cities for _, meeting in sources.meetings.get(city, ())}
    columns = (say("City"), say("Roles"), *(words.product_title(p) for p in products))
    rows = tuple(
        (
            sources.directory.name(city),
            joined((words.role_word(role) for role in sources.directory.card(city).roles), ", "),
            *(_place_in(sources, product, city) for product in products),
        )
        for city in cities
    )
    pairs = tuple(
        say(
            "{title}: {reasons}",
            title=sources.directory.title(meeting),
            reasons=joined(words.reasons(meeting, 1)),
        )
        for product in products
        if words.is_paired(product)
        for meeting in product.meetings
        if meeting.id in home
    )
    parts = (
        DossierSection(say("Cities and where they meet"), columns=columns, rows=rows),
        DossierSection(say("Pairs with a city of this country"), points=pairs),
        _room(sources, cities),
        DossierSection(say("What is not known"), points=tuple(_gap_lines(sources, cities))),
    )
    placed = sum(bool(sources.meetings.get(city)) for city in cities)
    lead = say(
        "{cities}, {placed} with a place in at least one part of the round.",
        cities=words.count(len(cities), "city", "cities"),
        placed=placed,
    )
    return Dossier("countries", slug(code), say("Country"), name, lead, _said(parts), sources.title)


def _place_in(sources: Sources, product: Product, city: str) -> str:
    found = [
        say("{part} ({role:lower})", part=called(sources, m, city), role=words.role_word(role))
        for p, m in sources.meetings.get(city, ())
        if p is product
        for role in (next(x.role for x in m.members if x.city == city),)
    ]
    return joined(found, "; ") if found else "–"


def _gap_lines(sources: Sources, cities: Sequence[str]) -> Iterator[str]:
    blocks: dict[str, list[str]] = {}
    for city in cities:
        for gap in sources.gaps.get(city, ()):
            blocks.setdefault(gap.block, []).append(sources.directory.name(city))
    for block, named in sorted(blocks.items(), key=lambda item: (-len(item[1]), item[0])):
        yield joined((words.block_title(block), words.listed(named)), ": ")
