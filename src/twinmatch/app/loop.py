"""The coordinator's questions about a round: why not, what does it cost, what if someone leaves, how stable is it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from twinmatch.app.neighbours import Progress, silent, text_model
from twinmatch.app.rounds import with_pairs
from twinmatch.embedding import TextModel
from twinmatch.explain import WhyNot, why_not
from twinmatch.exporting.json_file import read_proposal
from twinmatch.facets import Materials
from twinmatch.programmes.round import Round
from twinmatch.programmes.settings import Programme, load
from twinmatch.reading import read
from twinmatch.whatif import Case, open_case, twinning_of

Pairs = Sequence[tuple[str, str]]
Place = str | Path


@dataclass(frozen=True)
class RoundAsked:
    """What a question is about: where the profiles are, the programme files, locks and bans, an earlier proposal."""

    profiles: Place | None = None
    programme: Sequence[Place] = ()
    previous: Place | None = None
    lock: Pairs = ()
    ban: Pairs = ()
    model: str | None = None


@dataclass(frozen=True, eq=False)
class Opened:
    """A round that was read: its programme, its text model, and the round as products are made from it."""

    programme: Programme
    text: TextModel
    round: Round


def open_round(asked: RoundAsked, progress: Progress = silent) -> Opened:
    """Return a round that was read; raises DataError and QuestionError with every problem."""
    programme = with_pairs(load(*asked.programme), asked.lock, asked.ban)
    earlier = read_proposal(Path(asked.previous)) if asked.previous else None
    progress("Profiles")
    cohort = read(asked.profiles)
    text = text_model(cohort, asked.model or programme.text.model, programme.text.prefix, progress)
    return Opened(programme, text, Round(cohort, Materials(text), earlier))


def ask_why_not(
    guest: str, host: str, asked: RoundAsked | None = None, progress: Progress = silent
) -> WhyNot:
    """Return why a guest and a host do not meet, what forcing it costs, and what would bring it about."""
    return why_not(twinning_case(asked or RoundAsked(), progress), guest, host)


def twinning_case(asked: RoundAsked, progress: Progress = silent) -> Case:
    """Return the twinning of a round, settled."""
    opened = open_round(asked, progress)
    twinning = twinning_of(opened.programme)
    progress("The best answer")
    return open_case(opened.round, twinning)
