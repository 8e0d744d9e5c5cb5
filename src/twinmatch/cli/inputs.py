"""The edge of the command line: paths, names and options become the objects that a command works on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from twinmatch import app
from twinmatch.cli.words import pair, say

if TYPE_CHECKING:
    from twinmatch.app.decided import Decided
    from twinmatch.cohort import Cohort
    from twinmatch.programmes import Round
    from twinmatch.proposal import Proposal
    from twinmatch.reading.mapping import Mapping, MappingQuestion

Pairs = list[str] | None


def cohort_of(profiles: Path | None) -> Cohort:
    """Return the cities of a folder or table; the bundled ones where none is named."""
    from twinmatch.intake.survey import open_survey
    from twinmatch.reading import read_raw
    from twinmatch.validate import validate

    raw = read_raw(profiles)
    return (
        open_survey(raw).cohort if raw.is_survey else validate(raw.cities, raw.units, raw.problems)
    )


MOST_ASKED = 3
"""Questions that are asked at a terminal; further ones are listed."""


def survey_of(
    profiles: Path | None, hosts: Sequence[str], mapping: Path | None, out: Path, *, yes: bool
) -> Cohort:
    """Return the cities of a table of any survey tool, with the hosts that they are to meet.

    At a terminal up to three open questions are asked; in scripts, and with ``yes``, they are listed with the line that
    answers each. How the table is read is written beside it, or into ``out`` where its folder is read-only.
    """
    from twinmatch.files import write_file
    from twinmatch.intake.survey import hosts_of, open_survey
    from twinmatch.reading import read_raw
    from twinmatch.reading.mapping import Mapping, mapping_path, read_mapping, to_toml

    said = read_mapping(mapping) if mapping else None
    raw = read_raw(profiles, said)
    if profiles is None or (not hosts and mapping is None and not raw.is_survey):
        return cohort_of(profiles)
    if raw.is_survey and raw.questions:
        answered = _asked(raw.questions, raw.used or Mapping(), yes=yes)
        raw = read_raw(profiles, answered)
    opened = open_survey(raw, [hosts_of(place) for place in hosts])
    for problem in opened.problems:
        if problem.level == "warning":
            say(f"{problem}  [{problem.code}]")
    for question in opened.questions:
        say(f"{question.problem()}  [question]")
    say(f"{len(opened.applicants)} cities of {profiles.name} take part.")
    if opened.used is not None and raw.is_survey and mapping is None:
        text = to_toml(opened.used, profiles.name, opened.questions).encode()
        place = mapping_path(profiles)
        try:
            write_file(place, text)
        except OSError:
            place = out.with_name(f"{out.name}-{place.name}")
            write_file(place, text)
        say(
            f"How it was read stands in {place}; change a line and run again with --mapping {place}."
        )
    return opened.cohort


def _asked(questions: Sequence[MappingQuestion], used: Mapping, *, yes: bool) -> Mapping:
    """Return the mapping with the answers to the first questions; a likely answer is taken with ``yes``."""
    is_terminal = sys.stdin.isatty() and sys.stderr.isatty()
    for question in questions[: None if yes else MOST_ASKED]:
        if yes:
            used = used.answered(question, question.guess) if question.guess else used
        elif is_terminal:
            say(f"{question.where}: {question.asks}")
            for k, (_, words) in enumerate(question.choices, 1):
                say(f"  {k}  {words}")
            answer = typer.prompt(
                "Number, or Enter to skip", default="", show_default=False, err=True
            )
            if answer.isdigit() and 1 <= int(answer) <= len(question.choices):
                used = used.answered(question, question.choices[int(answer) - 1][0])
    return used


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
