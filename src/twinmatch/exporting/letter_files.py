"""Letters as pages to look through, as Word documents, as a table for a mail merge; first meetings for calendars."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from io import StringIO
from typing import TYPE_CHECKING

from twinmatch.exporting import words
from twinmatch.exporting.characters import cell_text
from twinmatch.exporting.directory import Directory
from twinmatch.exporting.dossier_pages import dossier_html, letters_index
from twinmatch.exporting.dossiers import slug
from twinmatch.exporting.letters import Correspondence, Letter, letters
from twinmatch.proposal import Meeting, Proposal

if TYPE_CHECKING:
    from icalendar import Calendar

COLUMNS = (
    "city_id", "city", "country", "contact_name", "contact_email", "subject", "letter", "meetings", "hours", "trips",
    "page",
)  # fmt: skip
"""Columns of merge.csv: a row is a whole letter."""

SLOTS = (time(9), time(13))
"""When first meetings begin on a day, in UTC."""

LENGTH = timedelta(minutes=90)

WEEKEND = 5
"""The first day of the week, from 0, on which nobody meets."""


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
    written = letters(proposal, given)
    yield "index.html", letters_index(written, proposal.title, word)
    yield "merge.csv", merge_csv(written)
    for letter in written:
        yield f"{letter.page.name}.html", dossier_html(letter.page, "All letters", "index.html")
        if word:
            from twinmatch.exporting.dossier_word import dossier_docx

            yield f"{letter.page.name}.docx", dossier_docx(letter.page)
    if first_day is not None:
        for name, content in calendar_files(proposal, given, first_day):
            yield f"first-meetings/{name}", content


def merge_csv(written: Sequence[Letter]) -> bytes:
    """Return one row a letter, UTF-8 with a mark so that spreadsheets read it; no cell can be taken for a formula."""
    stream = StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for letter in written:
        row = (
            letter.city,
            letter.name,
            letter.country,
            letter.contact.name,
            letter.contact.email,
            letter.subject,
            letter.text,
            "; ".join(letter.meetings),
            f"{letter.hours:g}",
            f"{letter.trips:g}",
            f"{letter.page.name}.html",
        )
        writer.writerow([cell_text(value) for value in row])
    return stream.getvalue().encode("utf-8-sig", "backslashreplace")


def calendar_files(
    proposal: Proposal, correspondence: Correspondence, first_day: date
) -> Iterator[tuple[str, bytes]]:
    """Yield one calendar file a meeting with its first date, and one with all of them.

    Each meeting takes the earliest half day from the first day on, weekends left out, on which none of its cities
    meets already; a date is a proposal to be moved.
    """
    from icalendar import STATUS, Event, vCalAddress

    names = Directory(proposal)
    stamp = datetime.combine(first_day, time(0), UTC)
    together = _calendar("all")
    for title, meeting, start in first_dates(proposal, first_day):
        event = Event.new(
            uid=f"{slug(meeting.id)}@twinmatch",
            stamp=stamp,
            start=start,
            end=start + LENGTH,
            summary=title,
            description="\n".join(words.reasons(meeting, 2)),
            status=STATUS.TENTATIVE,
        )
        for city in meeting.cities():
            if email := correspondence.contact(city).email:
                attendee = vCalAddress(f"mailto:{email}")
                attendee.params["CN"] = names.name(city)
                event.add("attendee", attendee)
        alone = _calendar(slug(meeting.id))
        alone.add_component(event)
        together.add_component(event)
        yield f"{slug(meeting.id)}.ics", alone.to_ical()
    yield "all.ics", together.to_ical()


def _calendar(name: str) -> Calendar:
    from icalendar import Calendar

    return Calendar.new(prodid="-//twinmatch//first meetings//EN", uid=f"{name}-calendar@twinmatch")


def first_dates(proposal: Proposal, first_day: date) -> Iterator[tuple[str, Meeting, datetime]]:
    """Yield title, meeting and beginning of every first meeting; no city has two in one half day."""
    names = Directory(proposal)
    busy: set[tuple[str, int]] = set()
    starts = _starts(first_day)
    begins: list[datetime] = []
    for product in proposal.products:
        for meeting in product.meetings:
            cities = meeting.cities()
            slot = next(k for k in range(10**6) if not any((city, k) in busy for city in cities))
            busy.update((city, slot) for city in cities)
            while len(begins) <= slot:
                begins.append(next(starts))
            yield f"{words.product_title(product)}: {names.title(meeting)}", meeting, begins[slot]


def _starts(first_day: date) -> Iterator[datetime]:
    day = first_day
    while True:
        if day.weekday() < WEEKEND:
            yield from (datetime.combine(day, slot, UTC) for slot in SLOTS)
        day += timedelta(days=1)
