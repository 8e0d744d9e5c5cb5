"""A proposal as dossiers and letters read it: names, agendas, gaps and places by city, and why a city is in a meeting.

report.html: the proposal to read, print and defend; one file that asks nothing of any other.

What is said stands in ``words``, what it looks like in ``templates``; here is only what goes where. No
script runs in the page and nothing is fetched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache, partial
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any, TypeVar

from markupsafe import Markup, escape

from twinmatch.exporting import words
from twinmatch.exporting.atlas import PairMap, distance, land, pair_map
from twinmatch.exporting.charts import drawing, of_meeting
from twinmatch.exporting.folder_files import Directory, printable, settings_in_words
from twinmatch.proposal import Gap, LeftOut, Meeting, Product, Proposal, Table
from twinmatch.proposal.tables import (
    ROBUST,
    ActorRow,
    AgendaRow,
    AlikeRow,
    InterviewRow,
    LoadRow,
    PathwayRow,
    ReasonRow,
    StabilityRow,
    rows_of,
)
from twinmatch.wording import (
    LANGUAGES,
    Said,
    filled,
    joined,
    listed,
    say,
    say_n,
    shown,
    translation,
)

if TYPE_CHECKING:
    from jinja2 import Environment

T = TypeVar("T")

GROUP_SIZE, FEW = 8, 3
"""A group of more cities than this names its leads, or a few cities where it has none, and counts the others."""


class Sources:
    """A proposal as dossiers read it: names, agendas, what is alike, gaps and places by city."""

    def __init__(self, proposal: Proposal) -> None:
        self.proposal = proposal
        self.directory = Directory(proposal)
        self.title = proposal.title
        self._statements = {
            card.id: {s.block: s.says for s in card.statements} for card in proposal.cities
        }

    def places(self, cities: Iterable[str], reader: str) -> str:
        """Return cities with their countries, one that all share once; those of the reader's own, which need none, come first."""
        names, home = self.directory, self.directory.country(reader)
        at_home_first = sorted(cities, key=lambda c: names.country(c) != home)
        abroad = {names.country(c) for c in at_home_first} - {"", home}
        if (
            len(at_home_first) > 2
            and len(abroad) == 1
            and names.country(at_home_first[0]) in abroad
        ):
            listing = words.listed([names.name(c) for c in at_home_first])
            return say("{cities} (all {country})", cities=listing, country=abroad.pop())
        return words.listed([names.place(c, reader) for c in at_home_first])

    def statement(self, city: str, block: str) -> str:
        """Return what a city states in a block, or an empty text."""
        return self._statements.get(city, {}).get(block, "")

    @cached_property
    def talks(self) -> dict[str, list[AgendaRow]]:
        """Return the lines of the first agenda of each meeting."""
        return _grouped(rows_of(self._tables, "agenda", AgendaRow), attrgetter("meeting"))

    @cached_property
    def reasons(self) -> dict[tuple[str, str], list[ReasonRow]]:
        """Return what each city finds in a meeting of several, by meeting and city."""
        return _grouped(rows_of(self._tables, "reasons", ReasonRow), attrgetter("meeting", "city"))

    @cached_property
    def alike(self) -> dict[tuple[str, str], list[AlikeRow]]:
        """Return, for each meeting and "alike" or "unlike", what was found."""
        return _grouped(rows_of(self._tables, "alike", AlikeRow), attrgetter("meeting", "how"))

    @cached_property
    def resources(self) -> dict[str, list[PathwayRow]]:
        """Return the support pathways by city."""
        return _grouped(rows_of(self._tables, "pathways", PathwayRow), attrgetter("city"))

    @cached_property
    def interviews(self) -> dict[str, list[InterviewRow]]:
        """Return the questions of the interview plan by city."""
        return _grouped(rows_of(self._tables, "interview", InterviewRow), attrgetter("city"))

    @cached_property
    def loads(self) -> dict[str, LoadRow]:
        """Return what each city carries over all formats."""
        return {row.city: row for row in rows_of(self._tables, "ledger", LoadRow)}

    @cached_property
    def room(self) -> dict[str, list[ActorRow]]:
        """Return who should be in the room for the cities of a country, by its name."""
        return _grouped(rows_of(self._tables, "room", ActorRow), attrgetter("country"))

    @cached_property
    def _tables(self) -> tuple[Table, ...]:
        own = (table for product in self.proposal.products for table in product.tables)
        return (*own, *self.proposal.tables)

    @cached_property
    def gaps(self) -> dict[str, list[Gap]]:
        """Return what is not known of each city."""
        return _grouped(self.proposal.gaps, attrgetter("city"))

    @cached_property
    def meetings(self) -> dict[str, list[tuple[Product, Meeting]]]:
        """Return the meetings of each city, with their products."""
        products = self.proposal.products
        found = [(c, (p, m)) for p in products for m in p.meetings for c in m.cities()]
        return {city: [x for _, x in of] for city, of in _grouped(found, itemgetter(0)).items()}

    @cached_property
    def taking_part(self) -> set[str]:
        """Return the cities that have a meeting or a reason why not; the others were only there to be met."""
        return {*self.meetings, *self.left_out}

    @cached_property
    def left_out(self) -> dict[str, list[tuple[Product, LeftOut]]]:
        """Return the products that each city is left out of, with the reason."""
        found = [(product, left) for product in self.proposal.products for left in product.left_out]
        return _grouped(found, lambda x: x[1].city)


def _grouped(items: Iterable[T], key: Callable[[T], Any]) -> dict[Any, list[T]]:
    """Return items by a key, in their own order."""
    found: dict[Any, list[T]] = {}
    for item in items:
        found.setdefault(key(item), []).append(item)
    return found


def role_of(meeting: Meeting, city: str) -> str:
    """Return the role of a city in a meeting that it is a member of."""
    return next(member.role for member in meeting.members if member.city == city)


def called(sources: Sources, meeting: Meeting, city: str) -> str:
    """Return what a meeting is called to one of its cities: who is visited reads of its visitors, not of a way to itself."""
    guests, hosts = meeting.cities("guest"), meeting.cities("host")
    if city not in hosts or len(guests) == 1:
        return sources.directory.title(meeting)
    others = [sources.directory.name(c) for c in hosts if c != city]
    visits = say_n("{n} city visits you", "{n} cities visit you", len(guests))
    if others:
        visits = say("{visits} and {hosts}", visits=visits, hosts=listed(others))
    title = getattr(meeting.label, "values", {}).get("title")  # the label names the hosts too
    return joined((title, visits), ", ") if title else visits


def partners(sources: Sources, meeting: Meeting, city: str) -> str:
    """Return with whom a city meets; in a large group its leads or first cities and the number of the others.

    Of a visit of several cities, those on its own side.
    """
    side = role_of(meeting, city)
    visit = len(meeting.cities("guest")) > 1
    others = [m.city for m in meeting.members if m.city != city and (not visit or m.role == side)]
    if len(others) <= GROUP_SIZE:
        return sources.places(others, city)
    leads = [c for c in meeting.cities("lead") if c != city]
    named = [sources.directory.place(c, city) for c in leads or others[:FEW]]
    rest = say_n("{n} other city", "{n} other cities", len(others) - len(named))
    return words.listed([*named, rest])


def why_for(sources: Sources, city: str, meeting: Meeting) -> tuple[str, ...]:
    """Return why a meeting is proposed to one of its cities, in words about this city and those that it meets."""
    hosts, guests = meeting.cities("host"), meeting.cities("guest")
    if len(guests) == 1:
        met = guests if city in hosts else hosts
        return tuple(words.reasons(meeting, 2, about={city, *met}, of=city))
    found = tuple(row.says for row in sources.reasons.get((meeting.id, city), ()))
    return found or ((words.sentence(meeting.says),) if meeting.says else ())


CODES = ("domain", "lever")
"""Kinds of lines of an agenda that name what both know, rather than saying it in a sentence."""


def begin_with(sources: Sources, meeting: Meeting, said: Sequence[str] = ()) -> str:
    """Return what a pair can begin with and is not ``said`` yet: what one can show the other; empty for nothing more."""
    if len(meeting.cities("guest")) != 1:
        return ""
    for talk in sources.talks.get(meeting.id, ()):
        if talk.kind == "need" and not any(talk.shown in text for text in said):
            city = sources.directory.name(talk.showing)
            return joined(
                (talk.asked, say("{city} can show: {shown}", city=city, shown=talk.shown))
            )
    return ""


SHARED = 6
"""A reason of at least so many cities heads a table of its own; the others stand in one table, a row each."""


MOST_ACCOUNTS = 500
"""Meetings of a format up to which the page has their accounts: more than a few thousand open in no browser."""


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

    @property
    def title(self) -> str:
        """Return the product's title as it stands inside a sentence."""
        return say("{title:lower}", title=words.product_title(self.product))

    @property
    def is_pairs(self) -> bool:
        """Return whether each meeting is of one guest and its host."""
        return self.paired and all(len(m.cities("guest")) == 1 for _, _, m in self.meetings)

    @property
    def is_large(self) -> bool:
        """Return whether the meetings are too many for their accounts to stand on a page."""
        return len(self.meetings) > MOST_ACCOUNTS

    @cached_property
    def anchors(self) -> dict[str, str]:
        """Return the anchor of each meeting by its id."""
        return {meeting.id: anchor for anchor, _, meeting in self.meetings}


def report_html(proposal: Proposal, language: str = "en") -> bytes:
    """Return the proposal as one self-contained HTML page in a language."""
    page = templates(language).get_template("report.html.j2")
    return page.render(**_parts(proposal)).encode("utf-8")


@cache
def templates(code: str = "en", package: str = "twinmatch.exporting") -> Environment:
    """Return the templates of a package in a language: everything escaped, an unknown name is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader(package),
        autoescape=True,
        auto_reload=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=partial(_clean, code),
        extensions=["jinja2.ext.i18n"],
    )
    said = translation(code)

    # Jinja's own takes what it translates for safe, but a title may be what somebody wrote: all is escaped here.
    @lru_cache(maxsize=4096)
    def plain(text: str) -> Markup:
        return escape(said.gettext(text).replace("%%", "%") if text else "")

    def gettext(text: str, **values: Any) -> Markup:
        return filled_in(said.gettext(text), values) if values else plain(text)

    def ngettext(one: str, several: str, num: int, **values: Any) -> Markup:
        return filled_in(said.ngettext(one, several, num), {"num": num, **values})

    def filled_in(text: str, values: dict[str, Any]) -> Markup:
        return escape(text) % {name: shown(value, code) for name, value in values.items()}

    made.install_gettext_callables(gettext, ngettext)  # type: ignore[attr-defined]
    made.globals.update(words=words, distance=distance, lang=code, LANGUAGES=LANGUAGES)
    made.globals.update(
        drawing=partial(drawing, language=code), drawings=partial(of_meeting, language=code)
    )
    made.filters["in_runs"] = _in_runs
    return made


def _in_runs(rows: Sequence[Sequence[Any]]) -> list[tuple[Any, list[Sequence[Any]]]]:
    """Return rows by their first cell, in their own order."""
    return [(head, list(run)) for head, run in groupby(rows, key=lambda row: row[0])]


def _clean(code: str, value: Any) -> Any:
    """Return what is written of a value: made texts in the language of the page, words of others marked with theirs."""
    if value is None:
        return ""
    if isinstance(value, Said) and (code != "en" or not value.languages <= {code}):
        return Markup(filled(value, code, partial(_marked, code)))
    # Exactly str: what is already marked as safe markup keeps its mark.
    return printable(value) if type(value) in (str, Said) else value


def _marked(code: str, text: str, language: str) -> str:
    """Return a piece of text escaped, in a mark of its language where that is another than the page's."""
    text = str(
        escape(printable(text))
    )  # plain, as markup would escape what is added to it once more
    # Without quotation marks, so that it may stand in an attribute, where it is plain text.
    other = language not in ("", code) and language.isalnum()
    return f"<span lang={language}>{text}</span>" if other else text


def _parts(proposal: Proposal) -> dict[str, Any]:
    """Return everything that the page shows, by the name that the template knows it by."""
    directory = Directory(proposal)
    return {
        "proposal": proposal,
        "directory": directory,
        "land": land(),
        "sections": [_section(n, p, directory) for n, p in enumerate(proposal.products, 1)],
        "decisions": list(_decisions(proposal)),
        "figures": _figures(proposal.tables, "round", directory),
        "gap_counts": _gap_counts(proposal.gaps),
        "gaps": _grouped(proposal.gaps, attrgetter("city")),
        **_origins(proposal),
    }


def _decisions(proposal: Proposal) -> Iterator[tuple[str, str]]:
    """Yield what people have to decide, each with the anchor of the place that has more of it."""
    for number, product in enumerate(proposal.products, 1):
        anchor, title = f"product-{number}", words.product_title(product)
        if product.status == "infeasible":
            yield (
                say("{title}: no proposal fits the rules; choose what gives way", title=title),
                anchor,
            )
        for held in product.held:
            yield joined((title, held.why), ": "), f"{anchor}-held"
        ask = len(words.outcomes(product).get("to ask", ())) - sum(
            len(held.cities) for held in product.held
        )
        if words.is_paired(product) and ask > 0:
            told = say_n(
                "{n:,} applicant to be asked first", "{n:,} applicants to be asked first", ask
            )
            yield joined((title, told), ": "), f"{anchor}-left"
        stable = rows_of(product.tables, "stability", StabilityRow)
        fragile = {"stability"} if any(row.survives < ROBUST for row in stable) else set()
        for n, table in enumerate(product.tables, 1):
            if table.name in {"watch", *fragile} and table.rows and table.says:
                yield joined((title, table.says), ": "), f"{anchor}-figures-{n}"
    asked = [row for row in rows_of(proposal.tables, "ledger", LoadRow) if row.is_more_than_stated]
    if asked:
        most = max(asked, key=lambda row: (row.hours - (row.hours_stated or 0), row.city))
        yield (
            say_n(
                "{n:,} city is asked for more staff hours a month than the least that it stated, up to {hours:g} in place "
                "of {stated:g}",
                "{n:,} cities are asked for more staff hours a month than the least that they stated, up to {hours:g} in "
                "place of {stated:g}",
                len(asked),
                hours=most.hours,
                stated=most.hours_stated,
            ),
            "round",
        )


def _origins(proposal: Proposal) -> dict[str, list[tuple[str, str]]]:
    """Return what the proposal was made from, the long list of settings apart."""
    made, programme = proposal.made_from, proposal.made_from.get("programme")
    parts = programme if isinstance(programme, dict) else {}
    asked = {"programme": {k: v for k, v in parts.items() if k == "settings"}}
    rest = {"programme": {k: v for k, v in parts.items() if k != "settings"}} if parts else {}
    return {
        "made_from": list(settings_in_words({**made, **rest})),
        "settings": list(settings_in_words(asked)),
    }


def _section(number: int, product: Product, directory: Directory) -> Section:
    anchor, paired = f"product-{number}", words.is_paired(product)
    placed = {city for meeting in product.meetings for city in meeting.cities()}
    return Section(
        anchor=anchor,
        product=product,
        paired=paired,
        meetings=tuple((f"{anchor}-{n}", n, m) for n, m in enumerate(product.meetings, 1)),
        sides=sides(product),
        figures=_figures(product.tables, anchor, directory),
        placed=len(placed),
        unplaced=len({left.city for left in product.left_out} - placed),
        map=pair_map(product.meetings, directory) if paired else None,
    )


def _figures(
    tables: Sequence[Table], anchor: str, directory: Directory
) -> tuple[tuple[str, Table], ...]:
    """Return the tables that the report shows, each with an anchor, with names for ids."""
    return tuple(
        (f"{anchor}-figures-{n}", directory.named(table))
        for n, table in enumerate(tables, 1)
        if table.name not in words.ONLY_IN_DOSSIERS and table.rows
    )


def sides(product: Product) -> tuple[Side, ...]:
    """Return the cities without a meeting by what they are, refusals first."""
    return tuple(
        Side(kind, words.OUTCOMES[kind][1], len(cities), *_reasons(cities))
        for kind, cities in words.outcomes(product).items()
    )


def _reasons(left_out: Sequence[LeftOut]) -> tuple[tuple[LeftOutReason, ...], tuple[LeftOut, ...]]:
    """Return the reasons that several cities share, most cities first, and the cities of all others."""
    shared = _grouped(left_out, attrgetter("why", "ask"))
    groups = sorted(shared.items(), key=lambda item: -len(item[1]))
    heads = {key for key, group in groups if len(group) >= SHARED or len(groups) == 1}
    reasons = tuple(
        LeftOutReason(why, ask, _offers(group))
        for (why, ask), group in groups
        if (why, ask) in heads
    )
    return reasons, tuple(left for left in left_out if (left.why, left.ask) not in heads)


def _offers(left_out: Sequence[LeftOut]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return each offer with the cities that get it, in the order of the first city."""
    offers = _grouped(left_out, attrgetter("offered"))
    return tuple((offer, tuple(left.city for left in of)) for offer, of in offers.items())


def _gap_counts(gaps: Sequence[Gap]) -> list[tuple[str, int]]:
    """Return for each block of how many cities it is not known, most first."""
    counts = Counter(block for block, _ in {(gap.block, gap.city) for gap in gaps})
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
