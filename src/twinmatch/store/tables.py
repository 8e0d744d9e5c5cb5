"""The tables of the store and of the service, as SQLAlchemy makes them, and the meetings of a run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

from twinmatch.errors import DataError, Problem
from twinmatch.proposal.wire import Hidden, Number, OrNull, packed, unpacked
from twinmatch.store.history import About
from twinmatch.wording import say


class Moment(TypeDecorator[datetime]):
    """A time in UTC, which SQLite gives back without its zone."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Return a kept time with its zone."""
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


class _TextRefusedError(DataError, sa.exc.DontWrapMixin):
    """A text that cannot be stored, raised while a statement is made."""


def is_storable(text: str) -> bool:
    """Return whether every database and every file can hold a text: no lone surrogate, no NUL."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def _refuse(text: str) -> None:
    if not is_storable(text):
        found = say(
            "A text has a character that cannot be stored: NUL, or half of a surrogate pair."
        )
        raise _TextRefusedError(Problem("text-not-storable", found, do=say("Leave it out.")))


class Name(TypeDecorator[str]):
    """Text that every engine holds: what PostgreSQL refuses is refused for SQLite as well."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        """Return a text that can be stored; raises DataError."""
        if value is not None:
            _refuse(value)
        return value


class LongText(Name):
    """Text of any length."""

    impl = sa.Text
    cache_ok = True


class Plain(TypeDecorator[Any]):
    """JSON, proven to serialise before it is stored; what an earlier version stored reads without harm."""

    impl = sa.JSON
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        """Return a value that can be stored; raises DataError."""
        text = json.dumps(value, ensure_ascii=False)
        _refuse(text.replace("\\u0000", "\0") if "\\u0000" in text else text)
        return value

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:
        """Return a stored value, its texts as they were made, with a question mark for what cannot be told."""
        text = json.dumps(value, ensure_ascii=False)
        return unpacked(value if is_storable(text) else json.loads(text.encode("utf-8", "replace")))


metadata = sa.MetaData()

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", Name(32), primary_key=True),
    sa.Column("title", LongText, nullable=False),
    sa.Column("kept_at", Moment, nullable=False),
    sa.Column("kept_by", LongText, nullable=False),
    sa.Column("sha256", Name(64), nullable=False, index=True),
    sa.Column("data_sha256", Name(64), nullable=False),
    sa.Column("programme_sha256", Name(64), nullable=False),
    sa.Column("proposal", sa.LargeBinary, nullable=False),
)

run_meetings = sa.Table(
    "run_meetings",
    metadata,
    sa.Column("run", Name(32), sa.ForeignKey("runs.id"), primary_key=True),
    sa.Column("one", LongText, primary_key=True),
    sa.Column("other", LongText, primary_key=True),
    sa.Column("meeting", LongText, nullable=False),
    sa.Column("product", LongText, nullable=False),
    sa.Column("label", LongText, nullable=False),
    sa.Column("cities", Plain, nullable=False),
    sa.Column("score", sa.Float(53), nullable=False),
    sa.Column("if_guest_declines", Plain, nullable=False),
    sa.Column("if_host_declines", Plain, nullable=False),
)

entries = sa.Table(
    "entries",
    metadata,
    sa.Column("run", Name(32), sa.ForeignKey("runs.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("by", LongText, nullable=False),
    sa.Column("kind", Name(12), nullable=False),
    sa.Column("one", LongText, nullable=False),
    sa.Column("other", LongText, nullable=False),
    sa.Column("city", LongText, nullable=False),
    sa.Column("why", LongText, nullable=False),
    sa.CheckConstraint("number >= 1", name="entries_number"),
)

changes = sa.Table(
    "changes",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("by", Name(40), nullable=False),
    sa.Column("what", Name(40), nullable=False),
    sa.Column("about", Name(64), nullable=False),
)

answers = sa.Table(
    "answers",
    metadata,
    sa.Column("run", Name(32), sa.ForeignKey("runs.id"), primary_key=True),
    sa.Column("what", Name(20), primary_key=True),
    sa.Column("beat", Moment),
    sa.Column("content", Plain),
)
"""What is worked out of a run after it was kept: not begun while there is no beat, not there while there is no content."""


# --- what the service keeps beside the runs: ------------------------------------------------------------------


jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", Name(32), primary_key=True),
    sa.Column("title", LongText, nullable=False),
    sa.Column("state", Name(12), nullable=False, index=True),
    sa.Column("asked", Plain, nullable=False),
    sa.Column("asked_by", LongText, nullable=False),
    sa.Column("steps", Plain, nullable=False),
    sa.Column("problems", Plain, nullable=False),
    sa.Column("created", Moment, nullable=False),
    sa.Column("begun", Moment),
    sa.Column("beat", Moment),
    sa.Column("ended", Moment),
    sa.Column("round", Name(32), nullable=False, index=True),
)

keys = sa.Table(
    "keys",
    metadata,
    sa.Column("id", Name(16), primary_key=True),
    sa.Column("name", LongText, nullable=False),
    sa.Column("rank", sa.Integer, nullable=False),
    sa.Column("sha256", Name(64), nullable=False, unique=True),
    sa.Column("created", Moment, nullable=False),
    sa.Column("expires", Moment),
    sa.Column("taken_back", Moment),
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("sha256", Name(64), primary_key=True),
    sa.Column("key", Name(16), sa.ForeignKey("keys.id"), nullable=False),
    sa.Column("expires", Moment, nullable=False),
)

uploads = sa.Table(
    "uploads",
    metadata,
    sa.Column("id", Name(32), primary_key=True),
    sa.Column("name", LongText, nullable=False),
    sa.Column("uploaded_by", LongText, nullable=False),
    sa.Column("created", Moment, nullable=False),
    sa.Column("found", Plain, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
)

visits = sa.Table(
    "visits",
    metadata,
    sa.Column("who", Name(80), primary_key=True),
    sa.Column("round", Name(32), primary_key=True),
    sa.Column("at", Moment, nullable=False),
)

links = sa.Table(
    "links",
    metadata,
    sa.Column("sha256", Name(64), primary_key=True),
    sa.Column("run", Name(32), sa.ForeignKey("runs.id"), nullable=False),
    sa.Column("city", Name(120), nullable=False),
    sa.Column("expires", Moment, nullable=False),
)

versions = sa.Table(
    "twinmatch_store_version",
    metadata,
    sa.Column("version_num", sa.String(32), primary_key=True),
)
"""The version of the tables, one row."""


# --- the meetings of a run ------------------------------------------------------------------------------------


PAIRED: Final = "twinning"
"""The product whose meetings are pairs of a guest and a host."""

Fallbacks = Mapping[About, tuple[tuple[str, ...], tuple[str, ...]]]
"""For each pair, what is offered if the guest declines, and if the host does."""


@dataclass(frozen=True)
class KeptMeeting:
    """A meeting of a run: its id in the proposal, product, label, cities with the guests first, score, what is offered.

    ``guest`` and ``host`` are ids, empty where the meeting is no pair.
    """

    id: str
    product: str
    label: str
    guest: OrNull
    host: OrNull
    cities: Hidden[tuple[str, ...]]
    score: Number
    if_guest_declines: tuple[str, ...] = ()
    if_host_declines: tuple[str, ...] = ()

    @property
    def about(self) -> About:
        """Return what entries about it are about: guest and host of a pair, else its id and ""."""
        return About(self.guest, self.host) if self.host else About(self.id)


def meetings_of(
    proposal: Mapping[str, Any], fallbacks: Fallbacks | None = None
) -> list[KeptMeeting]:
    """Return the meetings of a proposal.json, in its order."""
    found = []
    for product in proposal.get("products", ()):
        for meeting in product["meetings"]:
            guests = [m["city"] for m in meeting["members"] if m["role"] == "guest"]
            hosts = [m["city"] for m in meeting["members"] if m["role"] == "host"]
            is_pair = product["product"] == PAIRED and len(guests) == 1 and hosts
            guest, host = (guests[0], meeting.get("unit") or hosts[0]) if is_pair else ("", "")
            others = [m["city"] for m in meeting["members"] if m["city"] not in guests]
            falls = (fallbacks or {}).get(About(guest, host), ((), ()))
            found.append(
                KeptMeeting(
                    meeting["id"],
                    product["product"],
                    meeting["label"],
                    guest,
                    host,
                    (*guests, *others),
                    meeting["score"],
                    *falls,
                )
            )
    return found


def meeting_row(run: str, meeting: KeptMeeting) -> dict[str, Any]:
    """Return the row of a meeting of a run."""
    row = {**vars(meeting), "run": run, "meeting": meeting.id, **meeting.about._asdict()}
    row |= {name: packed(list(row[name])) for name in ("if_guest_declines", "if_host_declines")}
    return {column.name: row[column.name] for column in run_meetings.c}


def as_met(pair: tuple[str, str], meetings: Iterable[KeptMeeting]) -> About:
    """Return a pair as the run has it: either way round, and a city of a host unit for its unit; else as it is."""
    for meeting in meetings:
        hosts = {meeting.host, *meeting.cities} - {meeting.guest}
        if meeting.host and any(a == meeting.guest and b in hosts for a, b in (pair, pair[::-1])):
            return meeting.about
    return About(*pair)


def places_of(proposal: Mapping[str, Any]) -> dict[str, str]:
    """Return the id of every city and host unit of a proposal.json by its id and its name, in small letters.

    A name that several have stands for none of them.
    """
    listed = [*proposal.get("cities", ()), *proposal.get("units", ())]
    found: dict[str, str] = {}
    twice = set()
    for place in listed:
        name = str(place.get("name", "")).casefold()
        if name and found.setdefault(name, place["id"]) != place["id"]:
            twice.add(name)
    return {k: v for k, v in found.items() if k not in twice} | {
        place["id"].casefold(): place["id"] for place in listed
    }
