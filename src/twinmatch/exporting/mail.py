"""E-mail texts for "you are invited" and "not this time", and the table that a mail merge fills them from.

The names in braces are the columns of merge.csv. Names and addresses of people are left to fill: none is known
here, and none should stand in a proposal.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO

from twinmatch.exporting import words
from twinmatch.exporting.characters import cell_text
from twinmatch.exporting.dossiers import HELP, Sources, slug
from twinmatch.proposal import Meeting, Product, Proposal

INVITATION = """Subject: {round}: {city} is invited – {part}

Dear {contact_name},

we are glad to invite {city} to take part in {part} as {role}, together with {partners}.

Why we propose this: {reasons}

For a first meeting we suggest to begin with: {begin_with}

The attached page ({dossier}) has the reasons, an agenda for a first meeting of about ninety minutes, and what we
do not know yet. Please tell us by {answer_by} whether {city} accepts. If something in it is wrong, tell us that too:
it is a proposal, and what you say changes it.

With kind regards,
{sender}
"""

NOT_THIS_TIME = """Subject: {round}: {city} and {part}

Dear {contact_name},

thank you for your interest in {part}. We cannot offer {city} a place as {role} this time. The reason: {reasons}

What we can offer now: {offered}

{ask}

The attached page ({dossier}) says what we know of {city} and what we do not know yet; telling us more improves
the next proposal.

With kind regards,
{sender}
"""

COLUMNS = (
    "message", "round", "city_id", "city", "country", "part", "role", "partners", "reasons", "begin_with",
    "offered", "ask", "dossier", "contact_name", "contact_email", "answer_by", "sender",
)  # fmt: skip
"""Columns of merge.csv; the last four are left to fill."""


def mail_files(proposal: Proposal) -> dict[str, bytes]:
    """Return the two texts and the table that fills them, by name."""
    return {
        "invitation.txt": INVITATION.encode(),
        "not-this-time.txt": NOT_THIS_TIME.encode(),
        "merge.csv": merge_csv(proposal),
    }


def merge_csv(proposal: Proposal) -> bytes:
    """Return one row a message: every city of a meeting, and everyone who is left out on a side.

    UTF-8 with a mark, so that spreadsheets read it; no cell can be taken for a formula.
    """
    stream = StringIO()
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\r\n", restval="")
    writer.writeheader()
    sources = Sources(proposal)
    for row in (*_invitations(sources), *_refusals(sources)):
        writer.writerow({key: cell_text(value) for key, value in row.items()})
    return stream.getvalue().encode("utf-8-sig", "backslashreplace")


def _invitations(sources: Sources) -> Iterator[dict[str, str]]:
    for product in sources.proposal.products:
        for meeting in product.meetings:
            for member in meeting.members:
                yield _common(sources, "invitation", member.city, product) | {
                    "role": words.role_word(member.role).lower(),
                    "partners": _partners(sources, meeting, member.city),
                    "reasons": " ".join(words.reasons(meeting, 2)),
                    "begin_with": _begin_with(sources, meeting),
                }


def _refusals(sources: Sources) -> Iterator[dict[str, str]]:
    for product in sources.proposal.products:
        for left in product.left_out:
            if left.as_role:
                yield _common(sources, "not-this-time", left.city, product) | {
                    "role": left.as_role,
                    "reasons": words.sentence(left.why),
                    "offered": words.sentence(left.offered),
                    "ask": HELP if left.ask else "",
                }


def _common(sources: Sources, message: str, city: str, product: Product) -> dict[str, str]:
    return {
        "message": message,
        "round": sources.title,
        "city_id": city,
        "city": sources.directory.name(city),
        "country": sources.directory.country(city),
        "part": words.product_title(product),
        "dossier": f"cities/{slug(city)}",
    }


def _partners(sources: Sources, meeting: Meeting, city: str) -> str:
    others = [sources.directory.name(c) for c in meeting.cities() if c != city]
    if len(others) > 6:
        return f"{', '.join(others[:5])} and {len(others) - 5} other cities"
    return words.listed(others)


def _begin_with(sources: Sources, meeting: Meeting) -> str:
    talks = sources.talks.get(meeting.id, ())
    return f"“{talks[0].asked}”" if talks else "the one problem that each city wants solved first."
