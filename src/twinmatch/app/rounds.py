"""A round from profiles to files, and the questions about it that need no store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from twinmatch.app.decided import decided
from twinmatch.app.neighbours import Progress, silent, text_model
from twinmatch.cohort import Cohort
from twinmatch.errors import Problem, QuestionError
from twinmatch.exporting import publish
from twinmatch.exporting.json_file import read_proposal
from twinmatch.facets import FacetCache
from twinmatch.figures import with_figures
from twinmatch.programmes.programme import Programme, load
from twinmatch.programmes.round import Round
from twinmatch.proposal import Pairs, Proposal, count
from twinmatch.proposing import propose
from twinmatch.reading import read
from twinmatch.whatif.case import open_case


@dataclass(frozen=True)
class PairsAgain:
    """What a run of the store asks of the next time it is solved: locks, bans, and those that hold no more."""

    run: str
    lock: Pairs
    ban: Pairs
    lifted: Pairs = ()
    """Locks and bans of the run's programme that were decided otherwise."""
    rejected: tuple[str, ...] = ()
    """Meetings of other formats that were rejected: no rule keeps those from being made again."""
    made_from: Mapping[str, Any] = field(default_factory=dict)
    """What the run was made from."""

    def programme(self, programme: Programme) -> Programme:
        """Return a programme with the run's locks and bans, and without those that it lifted."""
        twinning = programme.twinning
        if twinning is not None:
            left = {
                name: tuple(p for p in getattr(twinning, name) if p not in self.lifted)
                for name in ("lock", "ban")
            }
            programme = programme.model_copy(update={"twinning": twinning.model_copy(update=left)})
        return with_pairs(programme, self.lock, self.ban)

    def says(self, now: Mapping[str, Any]) -> str:
        """Return what was taken from the run, and where it was made from other profiles or another programme."""
        other = [
            word
            for word, same in (
                ("other profiles", self.made_from.get("data") == now.get("data")),
                ("another programme", _beside_pairs(self.made_from) == _beside_pairs(now)),
            )
            if not same
        ]
        told = f"Run {self.run}: {count(len(self.lock), 'lock')} and {count(len(self.ban), 'refusal')} hold as decided"
        told += f"; it was made from {' and '.join(other)}." if other else "."
        if self.lifted:
            told += f" No longer asked for: {', '.join('='.join(pair) for pair in self.lifted)}."
        if self.rejected:
            told += f" Rejected, but only pairs can be kept from being made again: {', '.join(self.rejected)}."
        return told


def _beside_pairs(made_from: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a programme without the pairs that decisions and past rounds add."""
    settings = dict((made_from.get("programme") or {}).get("settings") or {})
    if twinning := settings.get("twinning"):
        settings["twinning"] = {
            k: v for k, v in twinning.items() if k not in ("lock", "ban", "past")
        }
    return {k: v for k, v in settings.items() if k != "name"}


def run(
    profiles: str | Path | None = None,
    programme_files: Sequence[str | Path] = (),
    *,
    out: str | Path | None = None,
    previous: str | Path | None = None,
    lock: Sequence[tuple[str, str]] = (),
    ban: Sequence[tuple[str, str]] = (),
    past: Sequence[tuple[str, str]] = (),
    settings: Programme | None = None,
    decisions: str | Path | None = None,
    again: PairsAgain | None = None,
    repair: int | None = None,
    model: str | None = None,
    answers: bool = False,
    word: bool = False,
    pdf: bool = False,
    progress: Progress = silent,
) -> tuple[Proposal, list[Path]]:
    """Return the proposal of a round and the files written for it; nothing is written where anything fails.

    ``past`` are pairs of earlier rounds, which do not meet again; ``settings`` is a programme that was read before, in
    place of files.
    ``again`` is what a run of the store asks of the next time it is solved.
    ``decisions`` is the workbook of an earlier proposal with its sheet Decisions filled; ``repair`` takes a repair of the menu
    by its number where twinning fits no rules; ``answers`` adds
    prices and stability to the twinning; ``word`` and ``pdf`` add these forms to the files. Raises DataError and QuestionError with every problem, NoProposalError with advice.
    """
    programme = settings or load(*programme_files)
    programme = with_pairs(again.programme(programme) if again else programme, lock, ban)
    earlier = read_proposal(Path(previous)) if previous else None
    progress("Profiles")
    cohort = read(profiles)
    said = (
        decided(Path(decisions), cohort, Path(previous) if previous else None)
        if decisions
        else None
    )
    if said:
        programme = with_pairs(programme, said.lock, said.ban)
        earlier = said.earlier
    programme = with_past(programme, past, cohort)
    text = text_model(
        cohort,
        model or programme.text.model,
        programme.text.prefix,
        progress,
        more=programme.texts,
    )
    proposal = propose(
        cohort,
        programme,
        FacetCache(text),
        text_model=dict(text.fingerprint),
        previous=earlier,
        repair=repair,
        progress=progress,
    )
    progress("Figures")
    proposal = with_figures(proposal, cohort, programme, FacetCache(text))
    proposal = replace(proposal, notes=(*proposal.notes, *text.notes))
    if answers and programme.twinning is not None:
        from twinmatch.app.told import with_answers

        progress("Prices and stability")
        case = open_case(Round(cohort, FacetCache(text), earlier), programme.twinning)
        proposal = with_answers(proposal, case)
    if said:
        proposal = replace(proposal, notes=(*proposal.notes, *said.changes(proposal)))
    if again:
        proposal = replace(proposal, notes=(*proposal.notes, again.says(proposal.made_from)))
    if out is None:
        return proposal, []
    progress("Files")
    return proposal, publish(proposal, Path(out), word=word, pdf=pdf)


def with_pairs(
    programme: Programme, lock: Sequence[tuple[str, str]], ban: Sequence[tuple[str, str]]
) -> Programme:
    """Return the programme with further locks and bans on its twinning pairs."""
    if not lock and not ban:
        return programme
    if programme.twinning is None:
        raise QuestionError(
            Problem(
                "no-twinning",
                "Locks and bans are about twinning, which this programme does not have.",
                do="Add [twinning].",
            )
        )
    twinning = programme.twinning
    wider = twinning.model_copy(
        update={
            "lock": tuple(dict.fromkeys((*twinning.lock, *lock))),
            "ban": tuple(dict.fromkeys((*twinning.ban, *ban))),
        }
    )
    return programme.model_copy(update={"twinning": wider})


def with_past(programme: Programme, past: Sequence[tuple[str, str]], cohort: Cohort) -> Programme:
    """Return the programme with further pairs of earlier rounds, which do not meet again.

    Pairs of cities that are no longer there are left out, and those that are locked: whoever locks means it.
    """
    twinning = programme.twinning
    if twinning is None or not past:
        return programme
    known = {*cohort.index, *(unit.id for unit in cohort.units)}
    more = sorted({p for p in past if known.issuperset(p)} - {*twinning.lock, *twinning.past})
    if not more:
        return programme
    wider = twinning.model_copy(update={"past": (*twinning.past, *more)})
    return programme.model_copy(update={"twinning": wider})
