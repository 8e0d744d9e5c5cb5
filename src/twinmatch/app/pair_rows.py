"""The pairs of a proposal, and the applicants without a place, as the rows of one table each; the agenda of a meeting."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from twinmatch.app.decisions import MeetingState, RunState, joint
from twinmatch.exporting.folder_files import Directory
from twinmatch.proposal import LeftOut, Meeting, Product, Proposal
from twinmatch.proposal.proposal import is_of_theme
from twinmatch.proposal.tables import SatisfactionRow, TieRow, ids_in, rows_of
from twinmatch.store import About

FRAGILE = 0.7
"""A pair that survives in a smaller part of the perturbed runs is fragile."""


@dataclass(frozen=True)
class PairRow:
    """A pair with everything that is known, decided and said of it; shares in [0, 1], ``stable`` None where not known."""

    meeting: Meeting
    kept: MeetingState
    guest: str
    guest_country: str
    host: str
    host_country: str
    stable: float | None
    tied: bool
    decision: str
    consents: Mapping[str, str | None]
    assigned: str
    comments: int
    contested: bool
    wish: int
    """The place of the host among the guest's wishes, 0 where it asked for others or for nobody."""

    @property
    def about(self) -> About:
        """Return guest and host by id."""
        return self.kept.about

    @property
    def standing(self) -> str:
        """Return "robust", "fragile", or "" where it is not known."""
        if self.stable is None:
            return ""
        return "robust" if self.stable >= FRAGILE else "fragile"

    @property
    def consent(self) -> str:
        """Return the consent of the pair: declined, agreed by all, asked, or ""."""
        return joint(self.consents.values())


@dataclass(frozen=True)
class UnplacedRow:
    """An applicant without a place: who, the reason and its code, what is asked, what is offered, what is known of it."""

    city: str
    name: str
    country: str
    known: float
    left: LeftOut
    tied: bool


@dataclass(frozen=True)
class PairTable:
    """The rows of a proposal's pairs and of its applicants without a place."""

    product: Product | None
    pairs: tuple[PairRow, ...]
    unplaced: tuple[UnplacedRow, ...]

    def agenda(self, gate: float) -> Iterator[tuple[str, tuple[PairRow, ...]]]:
        """Yield what a committee decides first: the code of a reason and its pairs; each pair stands once.

        What was accepted, rejected or banned comes last, unless a city has declined.
        """
        done = tuple(
            r
            for r in self.pairs
            if r.decision in ("accept", "reject", "ban") and r.consent != "declined"
        )
        seen = {r.meeting.id for r in done}
        reasons: tuple[tuple[str, Callable[[PairRow], bool]], ...] = (
            ("declined", lambda r: r.consent == "declined"),
            ("held", lambda r: r.decision == "hold"),
            ("tied", lambda r: r.tied),
            ("fragile", lambda r: r.standing == "fragile"),
            ("thin", lambda r: r.meeting.account.coverage < gate),
            ("locked", lambda r: r.decision == "lock"),
            ("contested", lambda r: r.contested),
            ("open", lambda r: r.decision == ""),
        )
        for code, wanted in reasons:
            found = tuple(r for r in self.pairs if r.meeting.id not in seen and wanted(r))
            seen |= {r.meeting.id for r in found}
            if found:
                yield code, found
        if done:
            yield "done", done


def pair_table(made: Proposal, run: RunState, answers: Mapping[str, Any]) -> PairTable:
    """Return the tables of a proposal's twinning as it stands; ``answers`` has what was worked out of it."""
    product = next((p for p in made.products if p.product == "twinning"), None)
    if product is None:
        return PairTable(None, (), ())
    names, kept = Directory(made), {m.id: m for m in run.meetings}
    stable = {About(guest, host): share for guest, host, share, _ in answers.get("stability") or ()}
    ties = rows_of(product.tables, "tied_choices", TieRow)
    tied, waiting = {(r.guest, r.host) for r in ties}, {r.other_guest for r in ties}
    contested = _contested(product)
    rows = [
        _pair(m, kept[m.id], run, names, stable, tied, contested)
        for m in product.meetings
        if m.id in kept
    ]
    unplaced = [
        UnplacedRow(
            x.city,
            names.name(x.city),
            names.country(x.city),
            names.card(x.city).known,
            x,
            x.city in waiting or x.code == "tie",
        )
        for x in product.left_out
        if x.as_role != "host"
    ]
    return PairTable(product, tuple(rows), tuple(unplaced))


def _pair(
    meeting: Meeting,
    kept: MeetingState,
    run: RunState,
    names: Directory,
    stable: Mapping[About, float],
    tied: set[Any],
    contested: set[str],
) -> PairRow:
    now, about = run.held, kept.about
    guest = meeting.cities("guest")[0]
    hosts = [city for city in kept.cities if city != guest]
    assigned = now.assigned.get(about)
    return PairRow(
        meeting,
        kept,
        names.name(guest),
        names.country(guest),
        names.host(meeting),
        names.countries(hosts),
        stable.get(about),
        about in tied,
        decision_on(run, about),
        kept.consents,
        assigned.why if assigned else "",
        len(now.notes.get(about, ())),
        names.host(meeting) in contested,
        _wish(meeting, guest, {about[1], *hosts}),
    )


def _wish(meeting: Meeting, guest: str, hosts: set[str]) -> int:
    """Return which wish of a guest its host is, 0 for none; the account of a pair lists the wishes, best first."""
    stated = (f for line in meeting.account.lines if line.facet == "wishes" for f in line.facts)
    wishes = next((ids_in(str(f.value)) for f in stated if f.city == guest), ())
    return next((k for k, name in enumerate(wishes, 1) if name in hosts), 0)


def decision_on(run: RunState, about: About) -> str:
    """Return the decision that holds on a pair: lock, ban, hold, accept or reject; "" where there is none."""
    now = run.held
    for kind, pairs in (("lock", now.locks), ("ban", now.bans), ("hold", now.holds)):
        if about in pairs:
            return kind
    verdict = now.verdicts.get(about)
    return verdict.kind if verdict else ""


def _contested(product: Product) -> set[str]:
    """Return the names of the hosts that fit some guest best who has another one."""
    rows = rows_of(product.tables, "satisfaction", SatisfactionRow)
    return {row.best_host for row in rows if row.rank > 1}


def pending(made: Proposal, run: RunState) -> tuple[tuple[str, About], ...]:
    """Return what was decided and is not so in the proposal: it holds once the round is solved again."""
    must, must_not = run.held.wanted
    met = {m.about for m in run.meetings}
    met |= {About(city, m.id) for m in run.meetings if not m.host for city in m.cities}
    return (
        *(("must", pair) for pair in must if pair not in met),
        *(("must not", pair) for pair in must_not if pair in met),
        *(
            ("split", About(theme))
            for theme, number in run.held.splits.items()
            if sum(is_of_theme(m.id, theme) for m in run.meetings) != number
        ),
    )
