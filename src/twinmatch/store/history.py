"""The history of a run: entries that are only ever added, and what holds after them.

A run is a proposal that is kept. What holds now is computed from its entries and never stored beside them, so
the two cannot disagree; the last word on a pair, a meeting or a city holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from twinmatch.errors import Problem, QuestionError

Status = Literal["draft", "approved", "published", "withdrawn"]

DECISIONS: Final = ("accept", "reject", "lock", "ban", "release", "note")
"""What can be decided: of a pair (guest and host), but for a note, which can be about anything."""

CONSENTS: Final = ("asked", "agreed", "declined")
"""What is known of a city's consent to its pair."""

STEPS: Final[dict[str, tuple[Status, Status]]] = {
    "approve": ("draft", "approved"),
    "reopen": ("approved", "draft"),
    "publish": ("approved", "published"),
    "withdraw": ("published", "withdrawn"),
    "redraft": ("withdrawn", "draft"),
}
"""Each step of a run's status: from which status, to which. Publishing is reversible."""

KINDS: Final = (*DECISIONS, *CONSENTS, *STEPS)


@dataclass(frozen=True)
class Entry:
    """One line of a run's history: its number in the run, when, by whom, what, about whom, and why.

    ``one`` and ``other`` are the guest and the host of a pair; for consents ``city`` is who was asked or answered.
    """

    number: int
    at: datetime
    by: str
    kind: str
    one: str = ""
    other: str = ""
    city: str = ""
    why: str = ""

    @property
    def says(self) -> str:
        """Return the entry as a sentence without its date."""
        pair = f"{self.one} with {self.other}" if self.other else self.one
        words = {
            "accept": f"accepted {pair}",
            "reject": f"rejected {pair}",
            "lock": f"locked {pair}",
            "ban": f"banned {pair}",
            "release": f"released {pair}",
            "note": f"noted on {pair}" if pair else "noted",
            "asked": f"asked {self.city} about {pair}",
            "agreed": f"heard that {self.city} agrees to {pair}",
            "declined": f"heard that {self.city} declines {pair}",
            "approve": "approved the proposal",
            "reopen": "reopened the proposal",
            "publish": "published the proposal",
            "withdraw": "withdrew the proposal",
            "redraft": "made the withdrawn proposal a draft again",
        }
        return f"{self.by} {words[self.kind]}" + (f": {self.why}" if self.why else "") + "."


@dataclass(frozen=True)
class Consent:
    """What is known of both cities' consent to a pair: each asked, agreed, declined, or "" (not asked)."""

    guest: str
    host: str
    of_guest: str
    of_host: str

    @property
    def complete(self) -> bool:
        """Return whether both sides have agreed."""
        return self.of_guest == self.of_host == "agreed"


@dataclass(frozen=True)
class Held:
    """What holds of a run after its history: status, version (the number of entries), decisions, consents."""

    status: Status
    version: int
    verdicts: Mapping[tuple[str, str], str]
    locks: tuple[tuple[str, str], ...]
    bans: tuple[tuple[str, str], ...]
    consents: Mapping[tuple[str, str], Mapping[str, str]]

    @property
    def declined(self) -> tuple[tuple[str, str], ...]:
        """Return the pairs that a side has declined, in order."""
        return tuple(sorted(p for p, said in self.consents.items() if "declined" in said.values()))


def held(history: Iterable[Entry]) -> Held:
    """Return what holds after a history, the last word counting."""
    status: Status = "draft"
    verdicts: dict[tuple[str, str], str] = {}
    named: dict[tuple[str, str], str] = {}
    consents: dict[tuple[str, str], dict[str, str]] = {}
    version = 0
    for entry in history:
        version = entry.number
        pair = (entry.one, entry.other)
        if entry.kind in STEPS:
            status = STEPS[entry.kind][1]
        elif entry.kind in {"accept", "reject"}:
            verdicts[pair] = entry.kind
        elif entry.kind in {"lock", "ban"}:
            named[pair] = entry.kind
        elif entry.kind == "release":
            named.pop(pair, None)
            verdicts.pop(pair, None)
        elif entry.kind in CONSENTS:
            consents.setdefault(pair, {})[entry.city] = entry.kind
    return Held(
        status,
        version,
        verdicts,
        tuple(sorted(p for p, kind in named.items() if kind == "lock")),
        tuple(sorted(p for p, kind in named.items() if kind == "ban")),
        consents,
    )


def checked(
    now: Held,
    kind: str,
    one: str,
    other: str,
    city: str,
    pairs: Mapping[tuple[str, str], tuple[str, ...]],
) -> None:
    """Raise QuestionError with every problem of a further entry; ``pairs`` has the cities of each pair of the run."""
    problems = list(_problems(now, kind, one, other, city, pairs))
    if problems:
        raise QuestionError(problems)


def _problems(
    now: Held,
    kind: str,
    one: str,
    other: str,
    city: str,
    pairs: Mapping[tuple[str, str], tuple[str, ...]],
) -> Iterable[Problem]:
    if kind not in KINDS:
        yield Problem(
            "decision-unknown", f"There is no decision {kind!r}.", do=f"Known: {', '.join(KINDS)}."
        )
        return
    if kind in STEPS:
        needed, _ = STEPS[kind]
        if now.status != needed:
            can = [step for step, (start, _) in STEPS.items() if start == now.status]
            yield Problem(
                "status-wrong",
                f"To {kind}, a run has to be {needed}; this one is {now.status}.",
                do=f"It can: {', '.join(can)}.",
            )
        return
    if kind in CONSENTS:
        yield from _consent_problems(now, one, other, city, pairs)
        return
    if kind != "note":
        if not one or not other:
            yield Problem(
                "pair-missing", f"To {kind} needs a guest and a host.", do="Name both ids."
            )
        elif kind in {"accept", "reject"} and (one, other) not in pairs:
            yield _not_in_run(one, other)
        if now.status != "draft":
            yield Problem(
                "not-a-draft",
                f"The run is {now.status}.",
                do="Only a draft is changed; reopen it or redraft it first.",
            )


def _consent_problems(
    now: Held, one: str, other: str, city: str, pairs: Mapping[tuple[str, str], tuple[str, ...]]
) -> Iterable[Problem]:
    if (one, other) not in pairs:
        yield _not_in_run(one, other)
    elif city not in pairs[one, other]:
        yield Problem(
            "city-not-in-pair",
            f"{city!r} is not in the pair {one}={other}.",
            do=f"Its cities: {', '.join(pairs[one, other])}.",
        )
    if now.status == "withdrawn":
        yield Problem("withdrawn", "The run is withdrawn.", do="Redraft it first.")


def _not_in_run(one: str, other: str) -> Problem:
    return Problem(
        "pair-not-in-run",
        f"{one}={other} is no pair of this run.",
        do="See twinmatch decisions RUN.",
    )
