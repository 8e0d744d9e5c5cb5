"""The coordinator's desk: what was decided about a proposal, by whom, when and why; append-only.

The history of a proposal is a numbered list of entries; what holds now is read off it, and nothing is ever
changed or removed: undoing is an entry too. The number of the last entry is the proposal's version. Whoever
writes says which version they saw, and the entry's number is its key in the database, so of two who write at
once the second is told, and nothing is overwritten.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal, get_args

import sqlalchemy as sa

from twinmatch.errors import Problem, QuestionError
from twinmatch.web.board import Board, tables

Kind = Literal[
    "lock", "ban", "release", "accept", "reject", "note", "approve", "publish", "withdraw", "undo"
]
Status = Literal["draft", "approved", "published", "withdrawn"]
KINDS: Final[tuple[str, ...]] = get_args(Kind)
PAIRS: Final = frozenset({"lock", "ban", "release"})
VERDICTS: Final = frozenset({"accept", "reject"})
STEPS: Final[dict[str, tuple[Status, Status]]] = {
    "approve": ("draft", "approved"),
    "publish": ("approved", "published"),
    "withdraw": ("published", "withdrawn"),
}
"""What leads from which status to which."""

LONGEST_WHY: Final = 2_000

entries = sa.Table(
    "decisions",
    tables,
    sa.Column("proposal", sa.String(32), sa.ForeignKey("jobs.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("kind", sa.String(12), nullable=False),
    sa.Column("one", sa.Text, nullable=False),
    sa.Column("other", sa.Text, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
)


@dataclass(frozen=True)
class Entry:
    """One line of the history. A pair has ``one`` the guest and ``other`` the host; else ``one`` is the meeting."""

    number: int
    at: datetime
    by: str
    kind: Kind
    one: str = ""
    other: str = ""
    why: str = ""


@dataclass(frozen=True)
class Held:
    """What holds for a proposal now."""

    version: int = 0
    status: Status = "draft"
    locks: tuple[tuple[str, str], ...] = ()
    bans: tuple[tuple[str, str], ...] = ()
    verdicts: Mapping[str, Entry] = field(default_factory=dict)
    notes: Mapping[str, tuple[Entry, ...]] = field(default_factory=dict)
    undoable: Entry | None = None
    undone: frozenset[int] = frozenset()


def held(history: Sequence[Entry]) -> Held:
    """Return what holds after a history."""
    undone = {int(e.one) for e in history if e.kind == "undo"}
    live = [e for e in history if e.kind != "undo" and e.number not in undone]
    locks: dict[tuple[str, str], None] = {}
    bans: dict[tuple[str, str], None] = {}
    verdicts: dict[str, Entry] = {}
    notes: dict[str, tuple[Entry, ...]] = {}
    status: Status = "draft"
    for e in live:
        pair = (e.one, e.other)
        if e.kind in PAIRS:
            locks.pop(pair, None)
            bans.pop(pair, None)
        if e.kind == "lock":
            locks[pair] = None
        elif e.kind == "ban":
            bans[pair] = None
        elif e.kind in VERDICTS:
            verdicts[e.one] = e
        elif e.kind == "note":
            notes[e.one] = (*notes.get(e.one, ()), e)
        elif e.kind in STEPS:
            status = STEPS[e.kind][1]
    version = history[-1].number if history else 0
    last = live[-1] if live else None
    return Held(
        version, status, tuple(locks), tuple(bans), verdicts, notes, last, frozenset(undone)
    )


class Desk:
    """The histories of all proposals."""

    def __init__(self, board: Board) -> None:
        self._engine = board.engine

    def history(self, proposal: str) -> list[Entry]:
        """Return everything that was decided about a proposal, the oldest first."""
        query = sa.select(entries).where(entries.c.proposal == proposal).order_by(entries.c.number)
        with self._engine.connect() as c:
            return [_entry(row) for row in c.execute(query)]

    def write(
        self,
        proposal: str,
        seen: int,
        by: str,
        kind: str,
        one: str = "",
        other: str = "",
        why: str = "",
    ) -> Entry:
        """Return the entry that was written; raises QuestionError where somebody wrote meanwhile, or it may not be."""
        _check(kind, one, other, why)
        now = datetime.now(UTC)
        try:
            with self._engine.begin() as c:
                query = sa.select(entries).where(entries.c.proposal == proposal)
                history = [_entry(r) for r in c.execute(query.order_by(entries.c.number))]
                if (history[-1].number if history else 0) != seen:
                    raise changed(history, seen)
                before = held(history)
                if kind == "undo":
                    one = str(_to_undo(before).number)
                _allow(kind, before)
                values = {"kind": kind, "one": one, "other": other, "why": why.strip()}
                number = seen + 1
                row = {"proposal": proposal, "number": number, "at": now, "by": by, **values}
                c.execute(entries.insert().values(**row))
        except sa.exc.IntegrityError as error:
            raise changed(self.history(proposal), seen) from error
        return Entry(number, now, by, kind, one, other, why.strip())  # type: ignore[arg-type]


def changed(history: Sequence[Entry], seen: int) -> QuestionError:
    """Return the error that tells what others did meanwhile; nothing was written."""
    later = [e for e in history if e.number > seen]
    told = "; ".join(f"{e.by}: {says(e)}" for e in later[-5:]) or "it was read at another version"
    found = f"The proposal was changed meanwhile ({told}). Nothing of yours was written."
    return QuestionError(
        Problem("changed-meanwhile", found, do="Look at it as it is now, and decide again.")
    )


def says(e: Entry, name: Callable[[str], str] = str) -> str:
    """Return an entry in words; ``name`` gives what a city, unit or meeting is called."""
    one, other = name(e.one), name(e.other)
    words = {
        "lock": f"locked {one} with {other}",
        "ban": f"banned {one} with {other}",
        "release": f"released {one} with {other}",
        "accept": f"accepted {one}",
        "reject": f"rejected {one}",
        "note": f"noted on {one or 'the proposal'}",
        "approve": "approved the proposal",
        "publish": "published the proposal",
        "withdraw": "withdrew the proposal",
        "undo": f"took back entry {e.one}",
    }
    return words[e.kind] + (f": {e.why}" if e.why else "")


def _check(kind: str, one: str, other: str, why: str) -> None:
    problems = []
    if kind not in KINDS:
        do = f"Known: {', '.join(KINDS)}."
        problems.append(Problem("decision-unknown", f"There is no decision {kind[:40]!r}.", do=do))
    if kind in PAIRS and not (one and other):
        problems.append(Problem("pair-wrong", "A lock or ban names a guest and a host."))
    if kind in VERDICTS and not one:
        problems.append(
            Problem("meeting-missing", "Name the meeting that is accepted or rejected.")
        )
    if kind == "note" and not why.strip():
        problems.append(Problem("note-empty", "A note says something.", do="Write it into 'why'."))
    if len(why) > LONGEST_WHY or len(one) > 200 or len(other) > 200:
        problems.append(
            Problem("text-too-long", "That is too long.", do=f"At most {LONGEST_WHY} characters.")
        )
    if problems:
        raise QuestionError(problems)


def _allow(kind: str, before: Held) -> None:
    """Raise QuestionError where the status does not allow a decision."""
    if kind in STEPS and before.status != STEPS[kind][0]:
        found = f"To {kind} a proposal it has to be {STEPS[kind][0]}; it is {before.status}."
        raise QuestionError(Problem("not-possible-now", found))
    if kind in PAIRS | VERDICTS and before.status != "draft":
        found = f"The proposal is {before.status}; only a draft is changed."
        raise QuestionError(
            Problem("not-possible-now", found, do="Take back what came after first.")
        )


def _to_undo(before: Held) -> Entry:
    last = before.undoable
    if last is None:
        raise QuestionError(Problem("not-possible-now", "There is nothing to take back."))
    if last.kind in {"publish", "withdraw"}:
        found = f"What was seen by others is not taken back: {says(last)}."
        raise QuestionError(Problem("not-possible-now", found, do="Withdraw it instead."))
    return last


def _entry(row: Any) -> Entry:
    at = row.at if row.at.tzinfo else row.at.replace(tzinfo=UTC)
    return Entry(row.number, at, row.by, row.kind, row.one, row.other, row.why)
