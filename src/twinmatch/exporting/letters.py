"""One letter a city: all that it is offered, with whom, why in words about it, hours that add up, and what else.

A letter speaks of its city and of those that it meets; nobody reads what a third city said as a reason of its own.
``letter_files`` gives letters their forms.

Letters as pages to look through, as Word documents, as a table for a mail merge, as a sheet on which they are changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from twinmatch.exporting import words
from twinmatch.exporting.dossiers import Dossier, DossierSection, slug
from twinmatch.exporting.folder_files import Contact, cell_text
from twinmatch.exporting.printing import (
    calendar_files,
    dossier_docx,
    dossier_html,
    letters_index,
    merge_csv,
)
from twinmatch.exporting.report import (
    GROUP_SIZE,
    Sources,
    begin_with,
    called,
    partners,
    role_of,
    why_for,
)
from twinmatch.exporting.spreadsheet import (
    LETTER_SHEET,
    Sheet,
    SheetColumn,
    code_of,
    letter_code,
)
from twinmatch.exporting.titles import YOURS, addressed
from twinmatch.proposal import LeftOut, Meeting, Product, Proposal
from twinmatch.proposal.proposal import joins_countries
from twinmatch.wording import Said, joined, say, say_n, translated

if TYPE_CHECKING:
    from datetime import date

    from twinmatch.programmes.base import Load

MOST_QUESTIONS = 3
"""Questions that a letter puts to its city."""


@dataclass(frozen=True)
class Correspondence:
    """What the coordinator adds: contacts by city id, who signs, until when to answer, in which language; all may be left out."""

    contacts: Mapping[str, Contact] = field(default_factory=dict)
    sender: str = ""
    answer_by: str = ""
    language: str = "en"
    edited: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Letters that somebody edited, by city id: the code of the letter as it was made then, and the text, its subject first."""

    def contact(self, city: str) -> Contact:
        """Return the contact of a city, an empty one where none is known."""
        return self.contacts.get(city, Contact())


@dataclass(frozen=True)
class Letter:
    """A letter: its city, to whom, subject, greeting, parts in order, the close, and what it takes of the city."""

    city: str
    name: str
    country: str
    contact: Contact
    subject: str
    greeting: str
    parts: tuple[DossierSection, ...]
    close: tuple[str, ...]
    hours: float
    trips: float
    meetings: tuple[str, ...]
    """Ids of the meetings that the city is invited to."""
    language: str = "en"
    edited: str = ""
    """The text as somebody edited it, in place of the one that was made."""

    @property
    def code(self) -> str:
        """Return the code of its subject and text: two letters that say the same have the same."""
        return code_of(f"{self.subject}\n{self.text}")

    @property
    def text(self) -> str:
        """Return the whole letter as plain text."""
        if self.edited:
            return self.edited
        lines = [self.greeting, ""]
        for part in self.parts:
            lines += [part.heading, ""] if part.heading else []
            lines += [*part.paragraphs, *(f"- {point}" for point in part.points), ""]
        return "\n".join([*lines, self.close[0], "", *self.close[1:]])

    @property
    def file(self) -> str:
        """Return the name of its page, without an ending."""
        return slug(self.city)

    @property
    def page(self) -> Dossier:
        """Return the letter as a page; the parts are the letter's own, or the paragraphs of the edited text."""
        parts = (DossierSection("", (self.greeting,)), *self.parts, DossierSection("", self.close))
        if self.edited:
            parts = tuple(_paragraph(block) for block in self.edited.split("\n\n"))
        return Dossier(
            "letters",
            self.file,
            say("Letter"),
            self.name,
            self.subject,
            parts,
            self.country,
            self.language,
        )


def _paragraph(block: str) -> DossierSection:
    """Return a paragraph of an edited text, its lines kept; lines after dashes are points."""
    lines = [line.strip() for line in block.splitlines() if line.strip()]
    points = [line.removeprefix("- ") for line in lines if line.startswith("- ")]
    return DossierSection("", tuple(x for x in lines if not x.startswith("- ")), tuple(points))


def letters(proposal: Proposal, correspondence: Correspondence | None = None) -> tuple[Letter, ...]:
    """Return the letters of all cities, in order; an edited one has its text, unless there is something else to say since."""
    return tuple(_letters(proposal, correspondence or Correspondence()))


def _letters(proposal: Proposal, given: Correspondence) -> Iterator[Letter]:
    sources, takes, plain = Sources(proposal), _takes(proposal), Correspondence()
    for card in proposal.cities:
        if card.id not in sources.taking_part and card.id not in given.edited:
            continue
        letter = translated(_letter(sources, card.id, given, takes), given.language)
        made_of, text = given.edited.get(card.id, ("", ""))
        if text and made_of == _letter(sources, card.id, plain, takes).code:
            subject, _, body = text.partition("\n")
            letter = replace(letter, subject=subject.strip(), edited=body.strip())
        yield letter


def _takes(proposal: Proposal) -> dict[tuple[str, str], Load]:
    """Return what each role takes of a city, by product and role: the programme's figures, else the product's own."""
    from twinmatch.programmes import PRODUCTS  # loaded late: publishing needs no programme
    from twinmatch.programmes.base import Load

    made = proposal.made_from.get("programme")
    settings = made.get("settings") if isinstance(made, dict) else None
    found = {}
    for name, entry in PRODUCTS.items():
        part = settings.get(name) if isinstance(settings, dict) else None
        stated = part.get("takes") if isinstance(part, dict) else None
        for role, load in entry.settings.LOADS.items():
            found[name, role] = load
        for role, own in stated.items() if isinstance(stated, dict) else ():
            found[name, role] = Load.model_validate(own)
    return found


def _letter(
    sources: Sources, city: str, given: Correspondence, figures: Mapping[tuple[str, str], Load]
) -> Letter:
    names, contact = sources.directory, given.contact(city)
    name = names.name(city)
    invited = sources.meetings.get(city, [])
    from twinmatch.programmes.base import Load  # loaded late: publishing needs no programme
    from twinmatch.programmes.rules import LOOK_UP

    takes = [figures.get((p.product, role_of(m, city)), Load()).of(m, city) for p, m in invited]
    whole = Load(hours=sum(x.hours for x in takes), trips=sum(x.trips for x in takes))

    left_out = sources.left_out.get(city, ())
    refused = [
        _why_none(product, left)
        for product, left in left_out
        if words.outcome(left) == "refused"
        or left.code == "role"
        or left.ask == LOOK_UP
        or (
            product.status == "infeasible"
            and not (invited or words.is_paired(product))
            and left.code != "audience"
            and not left.ask
        )
    ]
    asked = [(p, x) for p, x in left_out if x.ask not in ("", LOOK_UP)]
    parts = (
        DossierSection("", _opening(sources, city, invited, whole, refused)),
        *(
            _invitation(sources, city, product, meeting, load)
            for (product, meeting), load in zip(invited, takes, strict=True)
        ),
        DossierSection(say("No place in this round"), tuple(refused) if invited else ()),
        DossierSection(say("What else you can use now"), points=tuple(_what_else(sources, city))),
        DossierSection(say("What we would like to know"), *_questions(sources, city, asked)),
    )
    until = say(" by {day}", day=given.answer_by) if given.answer_by else ""
    ask = say("Please tell us{until} if anything here is wrong or has changed.", until=until)
    if invited:
        ask = say_n(
            "This is a proposal and no decision. Please tell us{until} whether you accept it, and what is wrong in it: what you "
            "say changes it.",
            "This is a proposal and no decision. Please tell us{until} whether you accept each of these, and what is wrong in "
            "it: what you say changes it.",
            len(invited),
            until=until,
        )
    close = (ask, say("With kind regards,"), given.sender or say("the programme team"))
    return Letter(
        city,
        name,
        names.country(city),
        contact,
        say("What is proposed for {city} ({round})", city=name, round=sources.title),
        say("Dear {name},", name=contact.name)
        if contact.name
        else say("Dear colleagues in {city},", city=name),
        tuple(_to_the_city(part, name) for part in parts if not part.is_empty),
        close,
        whole.hours,
        whole.trips,
        tuple(meeting.id for _, meeting in invited),
        given.language,
    )


def _to_the_city(part: DossierSection, name: str) -> DossierSection:
    """Return a part of a letter in one voice: the city of a name is "you"."""
    said, points = (
        tuple(addressed(text, name) for text in texts) for texts in (part.paragraphs, part.points)
    )
    return replace(part, paragraphs=said, points=points)


def _opening(
    sources: Sources,
    city: str,
    invited: list[tuple[Product, Meeting]],
    whole: Load,
    refused: Sequence[str],
) -> tuple[str, ...]:
    """Return the first paragraph: of several places in what, and what they take together; why there is none."""
    if not invited:
        left = [x for _, x in sources.left_out.get(city, ()) if x.as_role != "guest"]
        told = refused or [words.why_to_city(x) for x in left[:1]]
        thanks = [say("Thank you for applying.")] if refused else []
        told = told or [say("We do not know enough about you yet to propose one.")]
        return (joined([*thanks, say("This round has no meeting for you."), *told]),)
    told, load = [], sources.loads.get(city)
    if len(invited) > 1:
        hosted = [(p, m) for p, m in invited if city in m.cities("host")]
        others = [(p, m) for p, m in invited if city not in m.cities("host")]
        for says, some in (
            ("We ask you to host {meetings}.", hosted),
            ("We propose {meetings} for you.", others),
        ):
            kinds = ("joined_countries" if joins_countries(m.id) else p.product for p, m in some)
            parts = [words.nouns_counted(n, k, article=True) for k, n in Counter(kinds).items()]
            told += [say(says, meetings=words.listed(parts))] if parts else []
        costs = words.costs(whole.hours, whole.trips)
        told += [say("Together they take {costs}.", costs=costs)] if costs else []
    more = "You stated at least {n:g} hours a month: please say whether you can give more."
    if load is not None and load.is_more_than_stated:
        told.append(say(more, n=load.hours_stated))
    return (joined(told),) if told else ()


def _invitation(
    sources: Sources, city: str, product: Product, meeting: Meeting, load: Load
) -> DossierSection:
    """Return what a city reads of one of its meetings."""
    role = role_of(meeting, city)
    paired = any(member.role == "host" for member in meeting.members)
    kind = words.meeting_kind(product, meeting)
    title = called(sources, meeting, city)
    met = partners(sources, meeting, city)
    if paired and product.product == "twinning":
        heading = say("Twinning with {cities}", cities=met)
        says = _twinned(sources, city, meeting)
    else:
        heading = say("{kind}: {title}", kind=kind, title=title)
        says = _leads(sources, city, product, meeting) if role == "lead" else ""
        says = says or _takes_part(sources, city, meeting, met)
    if costs := words.costs(load.hours, load.trips):
        takes = say(" It takes {costs}.", costs=costs)
        if role == "host" and len(meeting.cities("host")) > 1:
            takes = say(" Your own part takes {costs}.", costs=costs)
        says += takes
    why = why_for(sources, city, meeting)
    if product.product == "city_panels" and meeting.says:
        why = tuple(dict.fromkeys((words.sentence(meeting.says), *why)))
    begin = begin_with(sources, meeting, why)
    why += tuple(x for x in meeting.notes if isinstance(x, Said) and x.message in YOURS)
    points = (*why, *([say("You could begin with this. {begin}", begin=begin)] if begin else []))
    return DossierSection(heading, (says,), points)


def _twinned(sources: Sources, city: str, meeting: Meeting) -> str:
    """Return what a city is asked of a pair: to host or to learn, with whom, and as what a host outside the Mission hosts."""
    hosts, guests = meeting.cities("host"), meeting.cities("guest")
    beside = sources.places((c for c in hosts if c != city), city)
    told = {"guests": sources.places(guests, city), "hosts": beside}
    if city in guests:
        says = say("You are invited to learn from {hosts}.", **told)
    else:
        says = "You are asked to host, so that {guests} can learn from you."
        if beside:
            says = (
                "You are asked to host, together with {hosts}, so that {guests} can learn from you."
            )
        says = say(says, **told)
        if meeting.unit and city == hosts[0]:
            says += say(" You take the lead.")
        elif meeting.unit:
            says += say(" {lead} takes the lead.", lead=sources.directory.name(hosts[0]))
    roles = {role for c in hosts for role in sources.directory.card(c).roles}
    if "pilot" in roles and "mission" not in roles:
        says += say(" In this programme Pilot Cities may host.")
    wished = (x.says for x in meeting.account.lines if x.facet == "wishes" and city in guests)
    others = [x.values["others"] for x in wished if isinstance(x, Said) and "others" in x.values]
    if others:
        more = " You asked for {cities}: all pairs of the round together fit better with another host for you."
        says += say(more, cities=others[0])
    return says


def _takes_part(sources: Sources, city: str, meeting: Meeting, met: str) -> str:
    """Return what a city is asked of a group or visit that it does not lead: to join it, to travel or to host."""
    hosts, leads = meeting.cities("host"), meeting.cities("lead")
    places = partial(sources.places, reader=city)
    if city in hosts:
        guests = places(meeting.cities("guest"))
        part = say("You are asked to host this visit of {cities}", cities=guests)
    elif hosts:
        part = say("You are invited to visit {cities}", cities=places(hosts))
    elif leads and not meeting.id.startswith(("national_clusters", "world_cafe")):
        part = say("You are invited to join this group, led by {cities}", cities=places(leads))
        met = _others(sources, city, meeting)
    else:
        part = say("You are invited to take part")
    return say("{part}, together with {cities}.", part=part, cities=met) if met else part + "."


def _others(sources: Sources, city: str, meeting: Meeting) -> str:
    """Return the members of a group beside a city that do not lead it, by name or, where they are many, by number."""
    others = [m.city for m in meeting.members if m.role != "lead" and m.city != city]
    if len(others) > GROUP_SIZE:
        return say_n("{n} other city", "{n} other cities", len(others))
    return sources.places(others, city)


def _leads(sources: Sources, city: str, product: Product, meeting: Meeting) -> str:
    """Return what a city that leads is asked, beside whom and for whom; empty where it is there alone."""
    leads = sources.places((c for c in meeting.cities("lead") if c != city), city)
    told = {"leads": leads, "cities": _others(sources, city, meeting)}
    if not told["cities"]:
        return ""
    part = say("You are asked to lead this group")
    if product.product == "national_clusters":
        part = say("You are asked to lead this cluster")
    if product.product == "world_cafe":
        part = say("You are asked to host a table of this café")
    says = "{part}, beside {leads}, for {cities}." if leads else "{part} for {cities}."
    return say(says, part=part, **told)


def _why_none(product: Product, left: LeftOut) -> str:
    """Return what a city reads of a format in which it has no place, named once."""
    why, kind = words.why_to_city(left), words.product_title(product)
    return why if why.startswith(kind) else say("{kind}: {why}", kind=kind, why=why)


def _what_else(sources: Sources, city: str) -> Iterator[str]:
    """Yield what a city can use without waiting for anybody: resources with their address, each with its reason."""
    for row in sources.resources.get(city, ()):
        named = f"{row.resource} ({row.link})" if row.link else row.resource
        yield say("{resource}. {why:sentence}", resource=named, why=row.why)


def _questions(
    sources: Sources, city: str, asked: list[tuple[Product, LeftOut]]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what a city is asked: what keeps it from a place, each question once; then what could bring it a pair."""
    first: list[str] = []
    for product, left in asked:
        if not any(left.ask in said for said in first):
            first.append(joined([_why_none(product, left), left.ask]))
    meetings = sources.meetings.get(city, ())
    learns = any(p.product == "twinning" and city in m.cities("guest") for p, m in meetings)
    rows = [] if learns else sources.interviews.get(city, ())
    points = [row.question for row in rows if row.gets_a_pair]
    points = [text for text in points if not any(text in said for said in first)]
    points = points[: max(MOST_QUESTIONS - sum(said.count("?") for said in first), 0)]
    could = say("An answer to this could bring you a twinning pair:")
    return (*first, *([could] if points else [])), tuple(points)


def letter_files(
    proposal: Proposal,
    correspondence: Correspondence | None = None,
    *,
    first_day: date | None = None,
    word: bool = False,
) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of every letter, their index, the table for a merge, and calendar files from a first day.

    Without ``first_day`` no calendar file is written, as nobody has said when cities may meet.
    """
    given = correspondence or Correspondence()
    written = []
    for letter in _letters(proposal, given):
        page = letter.page
        yield f"{page.name}.html", dossier_html(page, "All letters", "index.html")
        if word:
            yield f"{page.name}.docx", dossier_docx(page)
        written.append(replace(letter, parts=(), edited=letter.text))  # the text takes less memory
    yield "index.html", letters_index(written, proposal.title, word, given.language)
    yield "merge.csv", merge_csv(written)
    if first_day is not None:
        for name, content in calendar_files(proposal, given, first_day):
            yield f"first-meetings/{name}", content


def letter_form(proposal: Proposal, edited: Mapping[str, tuple[str, str]], language: str) -> Sheet:
    """Return one row a letter, to be changed; one that somebody edited as it was edited."""
    plain, own = letters(proposal), Correspondence(language=language)
    made = plain if language == "en" else letters(proposal, own)
    shown_now = letters(proposal, replace(own, edited=edited)) if edited else made
    rows = []
    for one, first, now in zip(plain, made, shown_now, strict=True):
        code = letter_code(one.code, cell_text(first.subject), cell_text(first.text))
        rows.append((one.name, now.subject, now.text, one.city, code))
    columns = (
        *(SheetColumn("City", 24, "strong"), SheetColumn("Subject", 44, "input")),
        SheetColumn("Letter", 110, "input", printed=False),
        *(SheetColumn("City id", 26, printed=False), SheetColumn("Letter code", 28, printed=False)),
    )
    says = (
        "Every letter with its text. Change it in its cell; twinmatch propose or publish --decisions with this file, or the page "
        "of the round, takes those that were changed, as long as the proposal has nothing else to say to the city."
    )
    return Sheet(LETTER_SHEET, says, columns, tuple(rows))
