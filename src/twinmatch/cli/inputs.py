"""The edge of the command line: paths, names and options become the objects that a command works on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from twinmatch import app, whatif
from twinmatch.cli.lazy import files, folder_files, programmes, reading, survey, validate
from twinmatch.cli.lazy import mapping as mappings
from twinmatch.cli.options import Pairs, pair, say
from twinmatch.errors import QuestionError, grouped

if TYPE_CHECKING:
    from twinmatch.app.decided import Decided
    from twinmatch.cohort import Cohort
    from twinmatch.programmes import Round
    from twinmatch.proposal import Proposal
    from twinmatch.reading import Mapping, MappingQuestion, Raw
    from twinmatch.whatif.case import Case

MOST_ASKED = 3
"""Questions that are asked at a terminal; further ones are listed."""


def cohort_of(
    profiles: Path | None, hosts: Sequence[str] = (), mapping: Path | None = None
) -> Cohort:
    """Return the cities of a folder or table, and the hosts they are to meet; the bundled ones where none is named."""
    return _told(_raw(profiles, mapping), hosts)


def _raw(profiles: Path | None, mapping: Path | None) -> Raw:
    return reading.read_raw(profiles, reading.read_mapping(mapping) if mapping else None)


def _told(raw: Raw, hosts: Sequence[str]) -> Cohort:
    """Return the cohort of what was read; of somebody's own table the doubts and open questions are shown."""
    if not hosts and not raw.is_survey:
        return validate.validate(raw.cities, raw.units, raw.problems)
    opened = survey.open_survey(raw, [survey.hosts_of(place) for place in hosts])
    asked = [question.problem() for question in opened.questions]
    for problem in grouped([*(p for p in opened.problems if p.level == "warning"), *asked]):
        say(f"{problem}  [{problem.code}]")
    return opened.cohort


def survey_of(
    profiles: Path | None, hosts: Sequence[str], mapping: Path | None, out: Path, *, yes: bool
) -> Cohort:
    """Return the cities of a table of any survey tool, with the hosts that they are to meet.

    At a terminal up to three open questions are asked; in scripts they are listed with the line that answers each, and
    with ``yes`` the likely answers are taken and listed. How the table is read is written beside it, or beside ``out``
    where its folder is read-only.
    """
    raw = _raw(profiles, mapping)
    if raw.is_survey and raw.questions and raw.used:
        answered = _asked(raw.questions, raw.used, yes=yes)
        raw = reading.read_raw(profiles, answered) if answered != raw.used else raw
    cohort = _told(raw, hosts)
    if profiles is None or not raw.is_survey:
        return cohort
    say(f"{len({r.data.get('id') for r in raw.cities})} cities of {profiles.name} take part.")
    if raw.used is not None and mapping is None:
        text = mappings.to_toml(raw.used, profiles.name, raw.questions).encode()
        place = mappings.mapping_path(profiles)
        try:
            files.write_file(place, text)
        except OSError:
            place = out.with_name(f"{out.name}-{place.name}")
            files.write_file(place, text)
        say(f"How it was read stands in {place}: change a line there and run again.")
    return cohort


def _asked(questions: Sequence[MappingQuestion], used: Mapping, *, yes: bool) -> Mapping:
    """Return the mapping with the answers to the first questions; a likely answer is taken with ``yes``, and shown."""
    if not yes and not (sys.stdin.isatty() and sys.stderr.isatty()):
        return used
    for question in questions if yes else questions[:MOST_ASKED]:
        said: str | None = question.guess or None
        if not yes:
            said = _typed(question)
        elif said:
            say(f"{question.where}: {question.asks} Taken: {dict(question.choices)[said]}.")
        used = used if said is None else used.answered(question, said)
    return used


def _typed(question: MappingQuestion) -> str | None:
    """Return the choice whose number was typed; None where none was."""
    say(f"{question.where}: {question.asks}")
    for k, (_, words) in enumerate(question.choices, 1):
        say(f"  {k}  {words}")
    typed = typer.prompt("Number, or Enter to skip", "", show_default=False, err=True)
    is_one = typed.isdigit() and 1 <= int(typed) <= len(question.choices)
    return question.choices[int(typed) - 1][0] if is_one else None


def proposal_of(place: Path) -> Proposal:
    """Return the proposal of a proposal.json."""
    return folder_files.read_proposal(place)


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
    rules = programmes.load(*(programme or ()))
    progress("Profiles")
    said = () if decided is None else (decided,)
    return app.round.open_round(cohort_of(profiles), rules, said, model=model, progress=progress)


def case_of(*asked: Any) -> Case:
    """Return the twinning of the round of a command, solved; it is asked with what ``round_of`` is."""
    return whatif.case.twinning_case(round_of(*asked))


@contextmanager
def spread_over(dask: str | None) -> Iterator[None]:
    """Have a Dask cluster share the work of the block, or nobody; the cluster is closed again if it was made here."""
    if dask is None:
        yield
        return
    try:
        distributed: Any = import_module("dask.distributed")
    except ImportError:
        do = 'Install it with: pip install "twinmatch[cluster]".'
        raise QuestionError.of("no-dask", "Dask is not installed.", do=do) from None
    from joblib import parallel_config

    with ExitStack() as stack:
        place: Any = dask
        if dask.isdigit():
            workers = {"n_workers": max(int(dask), 1), "threads_per_worker": 1}
            cluster = distributed.LocalCluster(**workers, dashboard_address=None)
            place = stack.enter_context(cluster)
        stack.enter_context(distributed.Client(place))
        stack.enter_context(parallel_config(backend="dask"))
        yield
