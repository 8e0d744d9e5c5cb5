"""The edge of the command line: paths, names and options become the objects that a command works on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from twinmatch import app
from twinmatch.cli.options import pair, say
from twinmatch.errors import grouped

if TYPE_CHECKING:
    from twinmatch.app.decided import Decided
    from twinmatch.cohort import Cohort
    from twinmatch.programmes import Round
    from twinmatch.proposal import Proposal
    from twinmatch.reading import Mapping, MappingQuestion, Raw

Pairs = list[str] | None


def cohort_of(
    profiles: Path | None, hosts: Sequence[str] = (), mapping: Path | None = None
) -> Cohort:
    """Return the cities of a folder or table, and the hosts they are to meet; the bundled ones where none is named."""
    from twinmatch.reading import read_mapping, read_raw

    raw = read_raw(profiles, read_mapping(mapping) if mapping else None)
    return _told(raw, hosts)


def _told(raw: Raw, hosts: Sequence[str]) -> Cohort:
    """Return the cohort of what was read; of somebody's own table the doubts and open questions are shown."""
    from twinmatch.intake.survey import hosts_of, open_survey
    from twinmatch.validate import validate

    if not hosts and not raw.is_survey:
        return validate(raw.cities, raw.units, raw.problems)
    opened = open_survey(raw, [hosts_of(place) for place in hosts])
    asked = [question.problem() for question in opened.questions]
    for problem in grouped([*(p for p in opened.problems if p.level == "warning"), *asked]):
        say(f"{problem}  [{problem.code}]")
    return opened.cohort


MOST_ASKED = 3
"""Questions that are asked at a terminal; further ones are listed."""


def survey_of(
    profiles: Path | None, hosts: Sequence[str], mapping: Path | None, out: Path, *, yes: bool
) -> Cohort:
    """Return the cities of a table of any survey tool, with the hosts that they are to meet.

    At a terminal up to three open questions are asked; in scripts they are listed with the line that answers each, and
    with ``yes`` the likely answers are taken and listed. How the table is read is written beside it, or beside ``out``
    where its folder is read-only.
    """
    from twinmatch.files import write_file
    from twinmatch.reading import read_mapping, read_raw
    from twinmatch.reading.mapping import mapping_path, to_toml

    raw = read_raw(profiles, read_mapping(mapping) if mapping else None)
    if raw.is_survey and raw.questions and raw.used:
        answered = _asked(raw.questions, raw.used, yes=yes)
        raw = read_raw(profiles, answered) if answered != raw.used else raw
    cohort = _told(raw, hosts)
    if profiles is None or not raw.is_survey:
        return cohort
    say(f"{len({r.data.get('id') for r in raw.cities})} cities of {profiles.name} take part.")
    if raw.used is not None and mapping is None:
        text = to_toml(raw.used, profiles.name, raw.questions).encode()
        place = mapping_path(profiles)
        try:
            write_file(place, text)
        except OSError:
            place = out.with_name(f"{out.name}-{place.name}")
            write_file(place, text)
        say(f"How it was read stands in {place}: change a line there and run again.")
    return cohort


def _asked(questions: Sequence[MappingQuestion], used: Mapping, *, yes: bool) -> Mapping:
    """Return the mapping with the answers to the first questions; a likely answer is taken with ``yes``, and shown."""
    if not yes and not (sys.stdin.isatty() and sys.stderr.isatty()):
        return used
    for question in questions if yes else questions[:MOST_ASKED]:
        said = question.guess
        if not yes:
            say(f"{question.where}: {question.asks}")
            for k, (_, words) in enumerate(question.choices, 1):
                say(f"  {k}  {words}")
            typed = typer.prompt("Number, or Enter to skip", "", show_default=False, err=True)
            is_one = typed.isdigit() and 1 <= int(typed) <= len(question.choices)
            if not is_one:
                continue
            said = question.choices[int(typed) - 1][0]
        elif said:
            say(f"{question.where}: {question.asks} Taken: {dict(question.choices)[said]}.")
        else:
            continue
        used = used.answered(question, said)
    return used


def proposal_of(place: Path) -> Proposal:
    """Return the proposal of a proposal.json."""
    from twinmatch.exporting.folder_files import read_proposal

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
