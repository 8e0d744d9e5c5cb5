"""The history of a run: entries that are only ever added, and what holds after them.

A run is a proposal that is kept. What holds now is computed from its entries and never stored beside them, so
the two cannot disagree; the last word on a meeting or a city holds, and undoing is an entry too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from twinmatch.cohort import nearest
from twinmatch.errors import Problem, QuestionError
from twinmatch.proposal.proposal import MOST_GROUPS, is_of_theme
from twinmatch.proposal.wire import Instant, on_wire
from twinmatch.wording import joined, say, titled

Status = Literal["draft", "approved", "published", "withdrawn"]


class About(NamedTuple):
    """What an entry is about: guest and host of a pair; the id of any other meeting alone; nothing for the whole run."""

    one: str = ""
    other: str = ""


DECISIONS: Final = (
    *("accept", "reject", "lock", "ban", "hold", "release", "note", "assign"),
    *("rename", "split", "letter"),
)
"""What can be decided: accept and reject of a meeting; lock, ban and hold of any guest and host (held: the place is kept
for the guest while something is open); note on anything; to whom a meeting is assigned; the name of a group, and into
how many groups its theme is split, both in the reason of the entry; the letter of a city as somebody edited it, its
subject first, in the reason, and in ``one`` the code of the letter that was edited."""

LONGEST_NAME: Final = 120
"""Characters of a group's name, at most."""

CONSENTS: Final = ("asked", "agreed", "declined")
"""What is known of a city's consent to its meeting."""

MAILS: Final = ("sending", "sent", "unsent")
"""What became of a city's letter: begun, sent (the reason is the code of its text), or refused with the reason."""

STEPS: Final[dict[str, tuple[Status, Status]]] = {
    "approve": ("draft", "approved"),
    "reopen": ("approved", "draft"),
    "publish": ("approved", "published"),
    "withdraw": ("published", "withdrawn"),
    "redraft": ("withdrawn", "draft"),
}
"""Each step of a run's status: from which status, to which. Publishing is reversible."""

OPPOSITE: Final = {
    "accept": {"ban", "hold"},
    "reject": {"lock", "hold"},
    "lock": {"reject"},
    "ban": {"accept"},
    "hold": {"accept", "reject"},
}
"""What each decision on a pair takes back: the last word holds."""

KINDS: Final = (*DECISIONS, *CONSENTS, *MAILS, *STEPS, "undo")

SEEN_BY_OTHERS: Final = frozenset({"publish", "withdraw"})
"""What others have seen is not undone: there is a step back for it."""


@dataclass(frozen=True)
class HistoryEntry:
    """One line of a run's history: its number in the run, when, by whom, what, about what, and why.

    ``one`` and ``other`` are what it is about (``About``); for consents ``city`` is who was asked or answered; of
    an undo ``one`` is the number of the entry that holds no longer.
    """

    number: int
    at: Instant
    by: str
    kind: str
    one: str = ""
    other: str = ""
    city: str = ""
    why: str = ""

    @property
    def about(self) -> About:
        """Return what it is about."""
        return About(self.one, self.other)

    @on_wire
    def says(self) -> str:
        """Return the entry as a sentence without its date."""
        return f"{self.by} {self.told()}."

    def told(self, name: Callable[[str], str] = str) -> str:
        """Return what was done and why, without by whom; ``name`` gives what a city, unit or meeting is called."""
        # A later version withdraws the one before it, and says so; other reasons are somebody's own.
        found, why = self.done(name), titled(self.why) if self.kind == "withdraw" else self.why
        return joined((found, why), ": ") if why and self.kind != "letter" else found

    def done(self, name: Callable[[str], str] = str) -> str:
        """Return what was done, without by whom and why."""
        one = name(self.one) if self.one else ""
        # A group that has a name is called by it, as the reason says; a theme by its title.
        group = self.one.partition(":")[2] or self.one.strip(":").replace("_", " ")
        theme = group if one == self.one else one
        what = one
        if self.other:
            pair = {"one": one, "other": name(self.other)}
            is_in = ":" in self.other
            what = say("{one} in {other}", **pair) if is_in else say("{one} with {other}", **pair)
        city = name(self.city) if self.city else ""
        return {
            "accept": say("accepted {what}", what=what),
            "reject": say("rejected {what}", what=what),
            "lock": say("locked {what}", what=what),
            "ban": say("banned {what}", what=what),
            "hold": say("held a place: {what}", what=what),
            "release": say("released {what}", what=what),
            "assign": say("assigned {what}", what=what),
            "rename": say("renamed the group {group}", group=group)
            if one == self.one
            else say("renamed a group"),
            "split": say("set the number of groups of {group}", group=theme),
            "letter": say("edited the letter to {city}", city=city)
            if self.why
            else say("dropped the edited letter to {city}", city=city),
            "note": say("noted on {what}", what=what or say("the proposal")),
            "asked": say("asked {city} about {what}", city=city, what=what),
            "agreed": say("noted that {city} agrees to {what}", city=city, what=what),
            "declined": say("noted that {city} declines {what}", city=city, what=what),
            "sending": say("began to send the letter to {city}", city=city),
            "sent": say("sent the letter to {city}", city=city),
            "unsent": say("could not send the letter to {city}", city=city),
            "approve": say("approved the proposal"),
            "reopen": say("reopened the proposal"),
            "publish": say("published the proposal"),
            "withdraw": say("withdrew the proposal"),
            "redraft": say("made the withdrawn proposal a draft again"),
            "undo": say("undid entry {number}", number=self.one),
        }[self.kind]


@dataclass(frozen=True)
class RunSnapshot:
    """What holds of a run after its history; ``version`` is the number of its last entry, 0 before the first."""

    status: Status
    version: int
    verdicts: Mapping[About, HistoryEntry]
    locks: tuple[About, ...]
    bans: tuple[About, ...]
    holds: tuple[About, ...]
    consents: Mapping[About, Mapping[str, HistoryEntry]]
    """What is known of each city's consent to a meeting, by city; a city that was not asked is not there."""
    notes: Mapping[About, tuple[HistoryEntry, ...]]
    assigned: Mapping[About, HistoryEntry]
    """To whom a meeting is assigned: the reason of the entry names them; empty where to nobody any more."""
    names: Mapping[str, str]
    """The names that groups were given, by the id of the meeting."""
    splits: Mapping[str, int]
    """Into how many groups a theme is split, by the id of its meeting without a number."""
    mails: Mapping[str, HistoryEntry]
    """What became of each city's letter last."""
    letters: Mapping[str, tuple[str, str]]
    """Edited letters by city: the code of the letter as it was made, and the text; empty where the edit was dropped."""
    undoable: tuple[HistoryEntry, ...]
    """The entries that an undo takes back, in order: the last one, with those that were written in one step with it."""
    undone: frozenset[int]

    @property
    def declined(self) -> tuple[About, ...]:
        """Return the meetings that a city has declined, in order."""
        return tuple(
            sorted(
                about
                for about, said in self.consents.items()
                if any(e.kind == "declined" for e in said.values())
            )
        )

    @property
    def wanted(self) -> tuple[tuple[About, ...], tuple[About, ...]]:
        """Return the pairs that must meet and those that must not when the round is solved again, each in order.

        Locked, held and accepted pairs must; banned, rejected and declined ones must not. A city's no outweighs all else.
        """
        said = {about: e.kind for about, e in self.verdicts.items() if about.other}
        must_not = {
            *self.bans,
            *self.declined,
            *(p for p, kind in said.items() if kind == "reject"),
        }
        must = {*self.locks, *self.holds, *(p for p, kind in said.items() if kind == "accept")}
        return (
            tuple(sorted(must - must_not)),
            tuple(sorted(pair for pair in must_not if pair.other)),
        )


def held(history: Sequence[HistoryEntry]) -> RunSnapshot:
    """Return what holds after a history, the last word counting."""
    undone = frozenset(int(e.one) for e in history if e.kind == "undo")
    live = [e for e in history if e.kind != "undo" and e.number not in undone]
    status: Status = "draft"
    verdicts: dict[About, HistoryEntry] = {}
    named: dict[About, str] = {}
    consents: dict[About, dict[str, HistoryEntry]] = {}
    notes: dict[About, tuple[HistoryEntry, ...]] = {}
    assigned: dict[About, HistoryEntry] = {}
    mails: dict[str, HistoryEntry] = {}
    letters: dict[str, tuple[str, str]] = {}
    groups: dict[str, dict[str, str]] = {"rename": {}, "split": {}}
    for entry in live:
        about = entry.about
        if entry.kind in STEPS:
            status = STEPS[entry.kind][1]
        elif entry.kind in {"accept", "reject"}:
            verdicts[about] = entry
            if named.get(about) in OPPOSITE[entry.kind]:
                del named[about]
        elif entry.kind in {"lock", "ban", "hold"}:
            named[about] = entry.kind
            if about in verdicts and verdicts[about].kind in OPPOSITE[entry.kind]:
                del verdicts[about]
        elif entry.kind == "release":
            named.pop(about, None)
            verdicts.pop(about, None)
            for said in () if entry.other else groups.values():
                said.pop(entry.one, None)
        elif entry.kind in groups:
            groups[entry.kind][entry.one] = entry.why
        elif entry.kind in MAILS:
            mails[entry.city] = entry
        elif entry.kind == "letter":
            letters[entry.city] = (entry.one, entry.why)
        elif entry.kind in CONSENTS:
            consents.setdefault(about, {})[entry.city] = entry
        elif entry.kind == "assign":
            assigned[about] = entry
        else:
            notes[about] = (*notes.get(about, ()), entry)
    last = next((e for e in reversed(live) if e.kind not in MAILS), None)
    by_kind = {
        wanted: tuple(sorted(p for p, kind in named.items() if kind == wanted))
        for wanted in ("lock", "ban", "hold")
    }
    return RunSnapshot(
        status,
        history[-1].number if history else 0,
        verdicts,
        by_kind["lock"],
        by_kind["ban"],
        by_kind["hold"],
        consents,
        notes,
        assigned,
        groups["rename"],
        {one: int(number) for one, number in groups["split"].items()},
        mails,
        letters,
        tuple(e for e in live if last and (e.at, e.by) == (last.at, last.by)),
        undone,
    )


def carried(history: Sequence[HistoryEntry]) -> tuple[HistoryEntry, ...]:
    """Return what a further version of a round begins with: everything but the steps of the status and their undoing."""
    steps = {str(e.number) for e in history if e.kind in STEPS}
    return tuple(
        e
        for e in history
        if str(e.number) not in steps and not (e.kind == "undo" and e.one in steps)
    )


def checked(
    now: RunSnapshot,
    entry: HistoryEntry,
    meetings: Mapping[About, tuple[str, ...]],
    places: Mapping[str, str] | None = None,
) -> None:
    """Raise QuestionError with every problem of a further entry.

    ``meetings`` has the cities of each meeting of the run; ``places`` the ids of its cities and units by id and name,
    where the entry is about a pair that is none of them.
    """
    problems = list(_problems(now, entry, meetings, places or {}))
    if problems:
        raise QuestionError(problems)


def _problems(
    now: RunSnapshot,
    entry: HistoryEntry,
    meetings: Mapping[About, tuple[str, ...]],
    places: Mapping[str, str],
) -> Iterable[Problem]:
    kind = entry.kind
    if "\0" in "".join((entry.by, entry.one, entry.other, entry.city, entry.why)):
        yield Problem("text-wrong", say("A text has a character 0, which no store keeps."))
    if kind not in KINDS:
        yield Problem(
            "decision-unknown",
            say("There is no decision {kind}.", kind=repr(kind[:40])),
            do=say("Known: {names}.", names=", ".join(KINDS)),
        )
    elif kind in STEPS:
        yield from _step_problems(now, kind)
    elif kind == "undo":
        yield from _undo_problems(now)
    elif kind in MAILS:
        yield from _mail_problems(now, entry)
    elif kind == "letter":
        yield from _edit_problems(now, entry, places)
    elif kind in CONSENTS:
        yield from _consent_problems(now, entry, meetings, places)
    elif kind == "note":
        if not entry.why:
            yield Problem("note-empty", say("A note says something."), do=say("Say why."))
    else:
        if kind in {"rename", "split"}:
            yield from group_problems(kind, entry.why)
        yield from _decision_problems(now, entry, meetings, places)


def _step_problems(now: RunSnapshot, kind: str) -> Iterable[Problem]:
    needed, _ = STEPS[kind]
    if now.status != needed:
        can = [step for step, (start, _) in STEPS.items() if start == now.status]
        yield Problem(
            "status-wrong",
            say(
                "To {kind}, a run has to be {needed}; this one is {status}.",
                kind=kind,
                needed=needed,
                status=now.status,
            ),
            do=say("It can: {names}.", names=", ".join(can)),
        )


def _undo_problems(now: RunSnapshot) -> Iterable[Problem]:
    if not now.undoable:
        yield Problem("nothing-to-undo", say("There is nothing to undo."))
    elif now.undoable[-1].kind in SEEN_BY_OTHERS:
        yield Problem(
            "seen-by-others",
            say("What others have seen is not undone: {p}.", p=now.undoable[-1].told()),
            do=say("Withdraw it, or make it a draft again."),
        )


def _mail_problems(now: RunSnapshot, entry: HistoryEntry) -> Iterable[Problem]:
    last = now.mails.get(entry.city)
    if not entry.city:
        yield Problem(
            "city-missing", say("It is not said whose letter it is."), do=say("Name the city.")
        )
    elif entry.kind == "sending" and now.status not in {"approved", "published"}:
        found = say(
            "The run is {status}; letters of an approved or published one are sent.",
            status=now.status,
        )
        yield Problem("status-wrong", found, do=say("Approve it first."))
    elif entry.kind == "sending" and last and (last.kind == "sending" or last.why == entry.why):
        yield Problem(
            "sent-already", say("The letter to {city} is sent, or being sent.", city=entry.city)
        )


def _edit_problems(
    now: RunSnapshot, entry: HistoryEntry, places: Mapping[str, str]
) -> Iterable[Problem]:
    if entry.city not in places.values():
        yield Problem(
            "city-missing", say("It is not said whose letter it is."), do=say("Name the city.")
        )
    if entry.why and not entry.why.partition("\n")[2].strip():
        found = say("A letter has a subject, and a text below it.")
        yield Problem("letter-wrong", found, do=say("Write both, or drop the edited letter."))
    if now.status == "withdrawn":
        yield Problem("withdrawn", say("The run is withdrawn."), do=say("Redraft it first."))


def group_problems(kind: str, said: str) -> Iterable[Problem]:
    """Yield what is wrong with the name of a group, or with the number of groups of a theme."""
    number = said.isascii() and said.isdecimal()
    if kind == "rename" and not 0 < len(said) <= LONGEST_NAME:
        do = say("Give one of 1 to {LONGEST_NAME} characters.", LONGEST_NAME=LONGEST_NAME)
        yield Problem("name-wrong", say("That is no name for a group."), do=do)
    if kind == "split" and not (number and 1 <= int(said[:9]) <= MOST_GROUPS):
        do = say("Give a whole number from 1 to {MOST_GROUPS}.", MOST_GROUPS=MOST_GROUPS)
        yield Problem(
            "number-wrong", say("{said} is no number of groups.", said=repr(said[:40])), do=do
        )


def _decision_problems(
    now: RunSnapshot,
    entry: HistoryEntry,
    meetings: Mapping[About, tuple[str, ...]],
    places: Mapping[str, str],
) -> Iterable[Problem]:
    if entry.kind in {"lock", "ban", "hold"}:
        if not (entry.one and entry.other):
            yield Problem(
                "pair-missing",
                say("To {kind} needs a guest and a host.", kind=entry.kind),
                do=say("Name both ids."),
            )
        elif places:
            yield from _strangers(entry, places, meetings)
        if entry.kind in {"lock", "hold"} and entry.about in now.declined:
            yield Problem(
                "pair-declined",
                say("A city has declined {p}; a lock does not change that.", p=_named(entry)),
                do=say(
                    "Once it agrees, note that first: twinmatch runs decide RUN agreed GUEST HOST --city CITY"
                ),
            )
    elif entry.kind == "release" and entry.other and places:
        yield from _strangers(entry, places, meetings)
    elif not entry.one:
        yield Problem(
            "meeting-missing",
            say("To {kind} needs a meeting.", kind=entry.kind),
            do=say("Name a guest and a host, or the id of a meeting."),
        )
    elif entry.kind == "split" and any(is_of_theme(m, entry.one) for m, _ in meetings):
        pass
    elif entry.about not in meetings and entry.kind != "release":
        yield from _absent(entry, places)
    if now.status != "draft" and entry.kind != "assign":
        yield Problem(
            "not-a-draft",
            say("The run is {status}.", status=now.status),
            do=say("Only a draft is changed; reopen it or redraft it first."),
        )


def _strangers(
    entry: HistoryEntry, places: Mapping[str, str], meetings: Mapping[About, tuple[str, ...]]
) -> Iterable[Problem]:
    """Yield a problem for each side of a pair that is no city and no host unit of the run; a city may be locked in a group."""
    is_group = (entry.other, "") in meetings or (entry.kind == "release" and ":" in entry.other)
    is_in_group = entry.kind in {"lock", "release"} and is_group
    for name in dict.fromkeys(entry.about[: 1 if is_in_group else 2]):
        if name not in places.values():
            yield Problem(
                "city-unknown",
                say("There is no city or host unit {name} in this run.", name=repr(name[:60])),
                do=nearest(name[:60], dict(places)),
            )


def _consent_problems(
    now: RunSnapshot,
    entry: HistoryEntry,
    meetings: Mapping[About, tuple[str, ...]],
    places: Mapping[str, str],
) -> Iterable[Problem]:
    if entry.about not in meetings:
        yield from _absent(entry, places)
    elif not entry.city:
        yield Problem(
            "city-missing",
            say("It is not said which city of {p} was asked or has answered.", p=_named(entry)),
            do=say("Name it with --city: {names}.", names=", ".join(meetings[entry.about])),
        )
    elif entry.city not in meetings[entry.about]:
        yield Problem(
            "city-not-in-meeting",
            say("{city} is not in the meeting {p}.", city=repr(entry.city), p=_named(entry)),
            do=say("Its cities: {names}.", names=", ".join(meetings[entry.about])),
        )
    if now.status == "withdrawn":
        yield Problem("withdrawn", say("The run is withdrawn."), do=say("Redraft it first."))


def _absent(entry: HistoryEntry, places: Mapping[str, str]) -> Iterable[Problem]:
    """Yield that a meeting is not in the run; or of a pair, that one of the two is not."""
    strangers = list(_strangers(entry, places, {})) if entry.other and places else []
    yield from strangers or [
        Problem(
            "meeting-not-in-run",
            say("{p} is no meeting of this run.", p=_named(entry)),
            do=say("See twinmatch runs history RUN."),
        )
    ]


def _named(entry: HistoryEntry) -> str:
    return f"{entry.one}={entry.other}" if entry.other else entry.one
