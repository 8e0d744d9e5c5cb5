"""The words of every export: one wording for scores, standings, statuses, roles and facets.

People read *points*: a score in [0, 1] is shown as points of 100, so that the lines of an account visibly
add up to the score. Likeness and everything machine-read stays in [0, 1].
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence, Set
from functools import lru_cache
from typing import Final

from twinmatch.exporting.titles import FACETS as FACETS
from twinmatch.exporting.titles import NOUNS as NOUNS
from twinmatch.exporting.titles import PRODUCTS as PRODUCTS
from twinmatch.exporting.titles import ROLES as ROLES
from twinmatch.exporting.titles import TITLES as TITLES
from twinmatch.exporting.titles import block_title as block_title
from twinmatch.exporting.titles import facet_title as facet_title
from twinmatch.exporting.titles import humanise as humanise
from twinmatch.exporting.titles import meeting_kind as meeting_kind
from twinmatch.exporting.titles import meetings_counted as meetings_counted
from twinmatch.exporting.titles import nouns_counted as nouns_counted
from twinmatch.exporting.titles import product_title as product_title
from twinmatch.exporting.titles import role_word as role_word
from twinmatch.exporting.titles import rule_word as rule_word
from twinmatch.proposal import Evidence, Fact, Held, LeftOut, Meeting, Product, Proposal, Table
from twinmatch.proposal.evidence import printed
from twinmatch.proposal.tables import ROBUST, StabilityRow, rows_of
from twinmatch.proposal.tables import kinds_of as kinds_of
from twinmatch.wording import Said, own_words, say, say_n, titled
from twinmatch.wording import count as count
from twinmatch.wording import joined as joined
from twinmatch.wording import listed as listed
from twinmatch.wording import raised as raised
from twinmatch.wording import sentence as sentence
from twinmatch.wording import shortened as shortened

READING = tuple((say(line["label"]), say(line["text"])) for line in TITLES["reading"])
"""How to read the figures: label and sentence, for the workbook and for the report."""

NOT_KNOWN = say("not known")


def percent(part: float) -> str:
    """Return a part of one as a whole percentage; only exact ends read 0% and 100%."""
    if math.isnan(part):
        return NOT_KNOWN
    whole = round(part * 100)
    if whole >= 100 and part < 1:
        return say("over 99%")
    if whole <= 0 and part > 0:
        return say("under 1%")
    return say("{n:.0f}%", n=whole)


def points(part: float) -> str:
    """Return a score, weight or share in [0, 1] as points of 100 with one decimal."""
    return "–" if math.isnan(part) else say("{n:.1f}", n=part * 100)


def gained(part: float) -> str:
    """Return by how much a score, weight or share in [0, 1] changes, as signed points of 100 with one decimal."""
    return say("{n:+.1f}", n=round(part * 100, 1) + 0.0)


def likeness_words(line: Evidence) -> str:
    """Return a line's likeness with two decimals, or that it is not known."""
    return say("{n:.2f}", n=line.likeness) if line.known else NOT_KNOWN


def standing_words(line: Evidence) -> str:
    """Return how many of the possible pairs the line beats; an unknown one counts as the average."""
    if not line.known:
        return say("not known, so it counts as average")
    return joined((_beaten(line.standing), _known_for(line)), "")


def _beaten(standing: float) -> str:
    """Return in words the share of possible pairs that a standing beats."""
    if standing <= 0:
        return say("better than none of the possible pairs")
    if standing >= 1:
        return say("better than all other possible pairs")
    return say("better than {part} of possible pairs", part=percent(standing))


def _known_for(line: Evidence) -> str:
    """Return for how many of the pairs in a group a facet is known, where it is not for all."""
    if line.known_part >= 1:
        return ""
    return say("; known for {part} of its pairs", part=percent(line.known_part))


def status_words(product: Product) -> str:
    """Return what was proven of a product: the best, within a part of it, or that nothing fits."""
    if product.status == "infeasible":
        return say("no proposal fits the rules")
    if _is_empty(product):
        return say("there is nothing to choose from")
    if product.status == "optimal":
        told = {"weights": _weightiest(product), "survivors": _survivors(product)}
        if any(rule.rule == "leads" for rule in product.rules):
            says = "members proven best for these leads, who are chosen first, under these rules and weights{weights}{survivors}"
            return say(says, **told)
        return say("proven best under these rules and weights{weights}{survivors}", **told)
    if not math.isfinite(product.bound):
        return say("good, but how near to the best is not proven")
    if product.bound <= 0:
        below = math.ceil(max(0.0, product.bound - product.score) * 1000) / 10
        return say("at most {n:g} points below the best possible", n=below)
    # Rounded up, so that the words never promise more than the bound proves.
    tenths = max(1, math.ceil(round(product.gap * 1000, 6)))
    return say("within {n:g}% of the best possible", n=tenths / 10)


def _weightiest(product: Product) -> str:
    """Return in brackets the facets that weigh most, with their points of 100, and which of them nobody can know."""
    most = sorted(product.weights, key=lambda x: (-x.weight, x.facet))[:WEIGHTS_NAMED]
    named = []
    for x in most:
        told = {"facet": facet_title(x.facet), "n": round(100 * x.weight)}
        lines = _lines_of(product, x.facet)
        nobody = bool(lines) and not any(line.known for line in lines)
        named.append(
            say("{facet:lower} {n} (known for none)", **told)
            if nobody
            else say("{facet:lower} {n}", **told)
        )
    if len(product.weights) > len(most):
        named.append(say("others {n}", n=100 - sum(round(100 * x.weight) for x in most)))
    return say(" (points of 100: {facets})", facets=joined(named, ", ")) if named else ""


def known_for(product: Product, facet: str) -> str:
    """Return for how many of a product's meetings a facet is known, such as "0 of 30"; a dash where none has it."""
    lines = _lines_of(product, facet)
    if not lines:
        return "–"
    return say("{n} of {all}", n=sum(x.known for x in lines), all=len(lines))


def _lines_of(product: Product, facet: str) -> list[Evidence]:
    return [x for m in product.meetings for x in m.account.lines if x.facet == facet]


def _survivors(product: Product) -> str:
    """Return how many pairs survive shaken weights, where it was looked at."""
    rows = rows_of(product.tables, "stability", StabilityRow)
    robust = sum(row.survives >= ROBUST for row in rows)
    if not rows:
        return ""
    return say("; pairs that survive shaken weights: {n} of {all}", n=robust, all=len(rows))


def product_says(product: Product, form: str) -> str:
    """Return what a product's sheet shows and what was proven."""
    parts = (meetings_counted(product), ", ", form, "; ", status_words(product), ".")
    return joined(parts, "")


def status_meaning(product: Product) -> str:
    """Return one sentence on what the status of a product means for a reader."""
    if product.status == "infeasible":
        return say("No set of meetings keeps every rule; the advice names what is short.")
    if _is_empty(product):
        return say("The rules leave no meeting that could be made; they are named below.")
    if product.status == "optimal":
        return say(
            "No other set of meetings under these rules has a higher total score; other weights may have other best pairs."
        )
    if not math.isfinite(product.bound) or product.bound <= 0:
        return say("The search kept every rule; a limit for the best total is not known.")
    told = say(
        "The search kept every rule; no other set of meetings can beat the total score by more "
        "than this."
    )
    if product.product == "national_clusters":
        loose = "The limit is loose: in trials it lay 4% to 13% above the best that was found, the more the more clusters a country was split into."
        told = joined((told, say(loose)))
    return told


def _is_empty(product: Product) -> bool:
    return not product.meetings and product.score == product.bound == 0


def costs(hours: float, trips: float) -> str:
    """Return what something takes of a city; empty where it takes nothing."""
    one, several = (
        "about {n:g} hour of staff time a month",
        "about {n:g} hours of staff time a month",
    )
    parts = [say_n(one, several, hours)] if hours else []
    one, several = "{n} journey of your team", "{n} journeys of your team"
    return listed([*parts, *([say_n(one, several, int(trips))] if trips else [])])


def population(number: int | None) -> str:
    """Return residents with thousands separated, or that they are not known."""
    return NOT_KNOWN if number is None else say("{n:,}", n=number)


def kilometres(number: float | None) -> str:
    """Return a distance in whole kilometres, or that it is not known."""
    return say("distance not known") if number is None else say("{n:,.0f} km", n=number)


@lru_cache(maxsize=65_536, typed=True)
def figure(value: str | float | int | None) -> str:
    """Return the value of a fact as people write it: thousands separated, three significant digits or more."""
    if value is None:
        return NOT_KNOWN
    if isinstance(value, str):
        return value
    if isinstance(value, int) or float(value).is_integer() or abs(value) >= 1000:
        return say("{n:,.0f}", n=value)
    return say("{n:.1f}", n=value) if abs(value) >= 100 else say("{n:.3g}", n=value)


def fact_figure(fact: Fact) -> str:
    """Return a fact's value with its unit; what has its place in a text as it is printed of it."""
    if fact.place and isinstance(fact.value, str):
        return printed(fact.value, fact.source) or fact.value
    text = figure(fact.value)
    if scale := _SCALE.fullmatch(fact.unit):
        told = {"what": titled(scale["what"]), "n": text, "high": scale["high"]}
        return say("{what} {n} of {high}", **told)
    if fact.unit == "%":
        return say("{n}%", n=text)
    return joined((text, fact.unit)) if fact.unit else text


_SCALE = re.compile(r"(?P<what>\w+) (?P<low>\d+)[-–](?P<high>\d+)")
"""A unit that is an ordinal scale, such as ``level 0-4``."""


def finding(fact: Fact) -> str:
    """Return what a fact is about, with its value where it has one."""
    if fact.value is None:
        return fact.what
    return joined((fact.what, fact_figure(fact)), ": ") if fact.what else fact_figure(fact)


FACT_KINDS: dict[str, str] = {
    "reported": say("reported"),
    "estimated": say("estimated"),
    "stated": say("stated"),
}


def fact_origin(fact: Fact) -> str:
    """Return where a fact comes from: year, reported, estimated or stated, source, place in the source."""
    year = str(fact.year) if fact.year is not None else ""
    source = own_words(fact.source, "en") if fact.source else ""  # no catalogue has it
    parts = (year, FACT_KINDS.get(fact.kind, fact.kind), source, _place(fact.place))
    return joined(filter(None, parts), "; ")


_PLACE = re.compile(r"(?P<what>\w+), characters (?P<start>\d+)-(?P<end>\d+)")


def _place(place: str) -> str:
    """Return where a passage stands, in words that can be translated."""
    said = _PLACE.fullmatch(place)
    if said is None:
        return place
    told = {"start": int(said["start"]), "end": int(said["end"])}
    return say("{what}, characters {start}-{end}", what=titled(said["what"]), **told)


def findings(facts: Sequence[Fact]) -> list[tuple[str, str, str]]:
    """Return facts as city, findings and origin; those of one city and origin stand together."""
    together: dict[tuple[str, str], list[str]] = {}
    for fact in facts:
        together.setdefault((fact.city, fact_origin(fact)), []).append(finding(fact))
    return [(city, joined(found, "; "), origin) for (city, origin), found in together.items()]


_LINK = re.compile(r"(https?://[^\s;,()<>\"]+)")


def linked(text: str) -> list[tuple[str, str]]:
    """Return a text in parts, each with the address that it links to: only http addresses, shown by host."""
    if isinstance(text, Said) and "t0" in text.values:  # several texts with marks between them
        each = [linked(part) for part in text.values.values() if part]
        return [
            pair for k, part in enumerate(each) for pair in (*([("; ", "")] if k else []), *part)
        ]
    if isinstance(text, Said) and not text.language:
        return [(text, "")]
    parts = ((part, part if _LINK.fullmatch(part) else "") for part in _LINK.split(text) if part)
    language = text.language if isinstance(text, Said) else ""
    return [
        (link.split("/")[2].removeprefix("www.") if link else own_words(part, language), link)
        for part, link in parts
    ]


def result(proposal: Proposal) -> str:
    """Return the proposal's first sentence: how many meetings, and how many cities have a place."""
    solved = [p for p in proposal.products if p.meetings]
    failed = [
        say("{title:lower}", title=product_title(p))
        for p in proposal.products
        if p.status == "infeasible"
    ]
    proposed = (
        listed([meetings_counted(p) for p in solved])
        if solved
        else say("No meetings could be proposed")
    )
    parts = [joined((proposed, _places_words(proposal)), ": ") if solved else proposed]
    if failed:
        parts.append(say("no proposal fits the rules of {formats}", formats=listed(failed)))
    return joined(parts, "; ") + "."


def _places_words(proposal: Proposal) -> str:
    """Return how many of the cities have at least one place, and what the others are told."""
    met = {c for p in proposal.products for m in p.meetings for c in m.cities()}
    known = met | {x.city for p in proposal.products for x in p.left_out}
    if not known - met:
        return say("every one of the {n:,} cities has at least one place", n=len(known))
    return say_n(
        "{placed:,} of {all:,} cities have at least one place; the other one is told why and what it is offered instead",
        "{placed:,} of {all:,} cities have at least one place; the other {n:,} are told why and what they are offered instead",
        len(known - met),
        placed=len(met),
        all=len(known),
    )


ONLY_IN_DOSSIERS: tuple[str, ...] = ("agenda", "reasons", "alike", "room")
"""Tables that tell of single meetings; dossiers show them."""

LONG_TABLE = 40
"""A table of figures of more rows than this is closed until a reader opens it."""

WEIGHTS_NAMED = 3
"""Facets named in what was proven: those that weigh most."""


def column_head(column: str, kind: str) -> str:
    """Return the head of a column of figures of a kind, with its unit where the name does not say it."""
    said = column if isinstance(column, Said) else titled(column)
    return say("{column} (of 100)", column=said) if kind == "points" else raised(said)


def cell(kind: str, value: str | float | int | None) -> str:
    """Return a cell of a table of figures as people read it: points, parts as percentages, counts, texts."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    if kind in ("points", "cost"):
        return points(value)
    return percent(value) if kind == "part" else figure(value)


def numeric(table: Table) -> set[int]:
    """Return the places of the columns of a table of figures that hold numbers, which stand to the right."""
    return {
        place
        for place in range(len(table.columns))
        if any(isinstance(row[place], int | float) for row in table.rows)
    }


def limits(product: Product) -> str:
    """Return the rules that hold a product at a limit, or that none does."""
    names = [humanise(rule.rule) for rule in product.rules if rule.status == "binding"]
    return listed(names) if names else say("none")


OUTCOMES: dict[str, tuple[str, str]] = {
    "refused": (say("Applicant without a place"), say("Applicants without a place")),
    "to ask": (
        say("Applicant of whom more must be known first"),
        say("Applicants of whom more must be known first"),
    ),
    "idle": (say("Host without a guest"), say("Hosts without a guest: no refusals")),
    "aside": (say("On neither side"), say("Cities on neither side")),
    "": (say("Without a meeting"), say("Cities without a meeting")),
}
"""What a city without a meeting is, one and several, in the order in which they are listed: refusals first."""


def outcome(left: LeftOut, sides: bool = True) -> str:
    """Return what a city without a meeting is: refused, to ask, idle (a host), aside; empty where there are no sides."""
    if left.as_role == "guest":
        return "to ask" if left.ask else "refused"
    if left.as_role == "host":
        return "idle"
    return "aside" if sides else ""


def outcomes(product: Product) -> dict[str, list[LeftOut]]:
    """Return the cities without a meeting by what they are, refusals first; kinds without a city are left out."""
    sides = any(left.as_role for left in product.left_out)
    found: dict[str, list[LeftOut]] = {kind: [] for kind in OUTCOMES}
    for left in product.left_out:
        found[outcome(left, sides)].append(left)
    return {kind: cities for kind, cities in found.items() if cities}


IDLE: Final = {
    ("host", "idle"): say("Every guest that could come to you has a place with another host."),
    ("host", "places"): say("All places went to other pairs, which fit better together."),
    ("host", "quota"): say("A rule of the programme keeps out the guest that would fit you."),
    ("host", "rule"): say("The rules of the round leave you no guest."),
    ("host", "gate"): say("Too little is known yet to say which guest fits you."),
    ("host", "ask"): say("No pair could be formed in this round yet."),
    ("host", "role"): say(
        "In this programme you take part as a host, not as a guest; no pair with you as the host was chosen in this round."
    ),
    ("", "audience"): say("Other cities lead its groups and receive its visits."),
}
"""Why a city that did not apply to learn has no meeting, by its side and what binds; who came before it is for the report."""


def why_to_city(left: LeftOut) -> str:
    """Return why a city has no meeting, as it is told: a host reads what binds, and not where its guests go."""
    return IDLE.get((left.as_role, left.code)) or sentence(left.why)


def instead(offered: str) -> str:
    """Return what a city without a place is offered, or that the round has no other meeting for it."""
    return sentence(offered) or say("This round has no other meeting for it.")


def questions(held: Held) -> list[str]:
    """Return the questions behind held places, each once with the number of cities that are asked it, most first."""
    asked = Counter(ask.question for ask in held.ask)
    return [
        say("{text} ({cities})", text=text, cities=count(number, "city", "cities"))
        for text, number in asked.most_common()
    ]


def applicants(product: Product) -> str:
    """Return how the applicants of pairs fared, such as "142 applicants: 30 placed, 22 refused, 90 to be asked"."""
    if not is_paired(product):
        return ""
    found = outcomes(product)
    placed = {city for meeting in product.meetings for city in meeting.cities("guest")}
    refused, ask = (
        {left.city for left in found.get(kind, ())} - placed for kind in ("refused", "to ask")
    )
    if not (refused or ask):
        return ""
    total = count(len(placed) + len(refused) + len(ask), "applicant")
    parts = (
        (len(placed), say("{n:,} placed", n=len(placed))),
        (len(refused), say("{n:,} refused", n=len(refused))),
        (len(ask), say("{n:,} to be asked", n=len(ask))),
    )
    return joined((total, joined((text for n, text in parts if n), ", ")), ": ")


def is_paired(product: Product) -> bool:
    """Return whether a product's meetings have hosts and guests, rather than members."""
    if not product.meetings:
        return product.product == "twinning"
    return any(member.role == "host" for meeting in product.meetings for member in meeting.members)


ASKED: Final = ("is asked for an example of this.", "and is asked for a measure and its result.")
"""How a reason ends that has nothing to show yet: it stands only where there is no other."""


def reasons(
    meeting: Meeting, most: int = 3, about: Set[str] | None = None, of: str = ""
) -> list[str]:
    """Return why a meeting is proposed: the lines that lift a pair most, or what is said of a group as a whole.

    ``about`` leaves out what rests on facts of other cities than these, ``of`` what rests on no fact of this one.
    """
    if meeting.says and len(meeting.cities()) - len(meeting.cities("host")) != 1:
        return [sentence(meeting.says)]
    need = [meeting.need] if meeting.need else []
    lines = []
    for line in meeting.account.strongest(len(meeting.account.lines)):
        cities = {fact.city for fact in line.facts}
        if line.says and (about is None or cities <= about) and (not of or of in cities):
            lines.append(line)
    told = [sentence(line.says) for line in lines]
    shown = [text for text in told if not text.endswith(ASKED)]
    return need + (shown or ([] if need else told[:1]))[:most]
