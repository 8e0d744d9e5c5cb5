"""The edge of the command line: paths, names and options become the objects that a command works on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from twinmatch import app
from twinmatch.cli.words import pair

if TYPE_CHECKING:
    from twinmatch.app.decided import Decided
    from twinmatch.cohort import Cohort
    from twinmatch.programmes import Round
    from twinmatch.proposal import Proposal

Pairs = list[str] | None


def cohort_of(profiles: Path | None) -> Cohort:
    """Return the cities of a folder or table; the bundled ones where none is named."""
    from twinmatch.reading import read

    return read(profiles)


def proposal_of(place: Path) -> Proposal:
    """Return the proposal of a proposal.json."""
    from twinmatch.exporting.json_file import read_proposal

    return read_proposal(place)


def decided_of(previous: Path | None, lock: Pairs = None, ban: Pairs = None) -> Decided:
    """Return what the options of a command decide: pairs that must or must not meet, and the earlier proposal."""
    return app.decided.Decided(
        tuple(pair(text, "--lock") for text in lock or ()),
        tuple(pair(text, "--ban") for text in ban or ()),
        earlier=proposal_of(previous) if previous else None,
    )


def round_of(
    profiles: Path | None,
    programme: Sequence[str] | None,
    model: str | None,
    progress: Callable[[str], None],
    decided: Decided | None = None,
) -> Round:
    """Return the round of a command, opened once."""
    from twinmatch.programmes import load

    rules = load(*(programme or ()))
    progress("Profiles")
    cohort = cohort_of(profiles)
    said = () if decided is None else (decided,)
    return app.round.open_round(cohort, rules, said, model=model, progress=progress)
