"""Proposals as jobs: each is made in a process of its own, which can be stopped without harm.

A process of the service claims what waits, starts the work, and watches that it is still wanted. The work says
how far it is and writes its result through the board, so any other process can tell of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

import orjson
import structlog
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from twinmatch.app.decided import Decided
from twinmatch.app.decisions import kept_fallbacks
from twinmatch.app.group_moves import bare
from twinmatch.app.round import RUNS, held_twinning, open_round, propose_round
from twinmatch.cohort import Cohort
from twinmatch.errors import DataError, Problem, QuestionError, TwinmatchError
from twinmatch.exporting.folder_files import proposal_json
from twinmatch.intake import survey
from twinmatch.programmes.programme import Programme, load, load_text, programme_model
from twinmatch.programmes.proposing import named
from twinmatch.programmes.round import Round
from twinmatch.proposal import Pairs, Proposal, from_plain
from twinmatch.proposal.wire import packed
from twinmatch.reading import read, read_raw
from twinmatch.web.board import Board, Job
from twinmatch.web.sandbox import PROCESSES, put_table, scratch, sweep, warm
from twinmatch.web.settings import Settings
from twinmatch.whatif.stability import stability
from twinmatch.wording import say

PAUSE: Final = 0.3
"""Seconds between two looks at what waits and what runs."""

PATIENCE: Final = 120.0
"""Seconds for which a proposal that is made waits for a database that is away."""

AWAY: Final = frozenset({"store-unreachable", "store-busy", "store-full"})
"""What a database may say for a while."""

_LOG: Final = structlog.get_logger("twinmatch.web")


class Jobs:
    """The proposals that this process is making."""

    def __init__(self, board: Board, settings: Settings) -> None:
        self._board, self._settings = board, settings
        self._running: dict[str, BaseProcess] = {}
        self._afterwards: tuple[BaseProcess, str, str] | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    def begin(self) -> None:
        """Begin to look for work."""
        sweep()
        if self._settings.jobs:
            warm()
            self._task = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Stop looking, and stop what runs: it can be asked again.

        A look that has begun goes on in its thread, so it starts nothing more, and what it ends meanwhile may be gone.
        """
        self._stopping = True
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._afterwards is not None:
            self._afterwards[0].terminate()
        for job, process in list(self._running.items()):
            process.terminate()
            with contextlib.suppress(TwinmatchError):  # without a database it is buried later
                self._board.end(job, "failed", [_interrupted()])
        for process in list(self._running.values()):
            process.join(5)
        sweep()

    async def _watch(self) -> None:
        away = ""
        while True:
            try:
                await run_in_threadpool(self.look)
                away = ""
            except TwinmatchError as error:  # the database is away: told once, and looked for again
                code = error.problems[0].code
                if code != away:
                    _LOG.error("store", code=code, what="jobs")
                away = code
            except Exception:
                _LOG.exception("unforeseen", what="jobs")
            await asyncio.sleep(PAUSE)

    def look(self) -> None:
        """Start what waits, stop what is no longer wanted, and end what died."""
        for job, process in list(self._running.items()):
            wanted = self._board.beat(job)
            if process.is_alive() and wanted:
                continue
            if process.is_alive():
                process.terminate()
            process.join(5)
            sweep()
            self._board.end(job, "failed", [_interrupted()])
            self._running.pop(job, None)
        self._board.bury()
        while (
            not self._stopping
            and len(self._running) < self._settings.jobs
            and (job_ := self._board.claim()) is not None
        ):
            self._running[job_.id] = self._start(work, job_.id)
        self._look_afterwards()

    def _look_afterwards(self) -> None:
        """Work out one thing after another of what is kept, while no proposal is being made."""
        if self._afterwards is not None:
            process, *asked = self._afterwards
            if process.is_alive() and not self._running:
                self._board.desk.beat(*asked)
                return
            process.terminate()  # it makes way for a proposal, and begins again when it is stale
            process.join(5)
            self._afterwards = None
        if self._stopping or self._running or not self._settings.jobs:
            return
        wanted = self._board.desk.claim()
        if wanted is not None:
            self._afterwards = (self._start(work_out, *wanted), *wanted)

    def _start(self, do: Callable[..., None], *asked: str) -> BaseProcess:
        process: BaseProcess = PROCESSES.Process(
            target=do, args=(self._settings.model_dump_json(), *asked), daemon=True
        )
        process.start()
        return process


def work(settings_json: str, job_id: str) -> None:
    """Make one proposal, in a process of its own."""
    settings = Settings.model_validate_json(settings_json)
    board = Board(settings.store)
    try:
        result = made(board, settings, board.job(job_id))
        patiently(lambda: board.end(job_id, "done", result=result))
    except TwinmatchError as error:
        problems = error.problems
        patiently(lambda: board.end(job_id, "failed", problems))


def work_out(settings_json: str, run: str, what: str) -> None:
    """Work out of a kept proposal what is asked of it beside its answer, in a process of its own."""
    settings = Settings.model_validate_json(settings_json)
    board = Board(settings.store)
    content: Any = []
    try:
        round_ = round_of_version(board, settings, board.job(run))
        proposal = proposal_of(board, run)
        if what == "declines":
            falls = kept_fallbacks(proposal, round_)
            content = [[*pair, *map(list, said)] for pair, said in falls.items()]
        elif what == "stability":
            found = stability(held_twinning(round_, proposal), RUNS)
            content = [[p.guest, p.host, p.share, p.judgement] for p in found.pairs]
    except TwinmatchError as error:
        _LOG.warning("not-worked-out", what=what, code=error.problems[0].code)
    patiently(lambda: board.desk.answer(run, what, content))


def patiently(change: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Make a change, again and again while the database is away; a change that was made already changes nothing."""
    end = time.monotonic() + seconds
    while True:
        try:
            change()
        except DataError as error:
            if error.problems[0].code not in AWAY or time.monotonic() > end:
                raise
            time.sleep(1)
        else:
            return


def made(board: Board, settings: Settings, job: Job) -> bytes:
    """Return the proposal.json of a job; raises what the proposal raises."""
    steps: list[str] = []

    def progress(step: str) -> None:
        # Of a step that tells how far it is, the last word counts.
        if steps and ":" in step and steps[-1].partition(":")[0] == step.partition(":")[0]:
            steps.pop()
        steps.append(step)
        with contextlib.suppress(DataError):  # how far it is can go untold, the work goes on
            board.beat(job.id, steps=packed(steps))

    round_ = round_of(board, settings, job.asked, progress)
    proposal, _ = propose_round(round_, title=str(job.asked.get("title", "")), progress=progress)
    progress(say("Writing"))
    return proposal_json(proposal)


def round_of_version(board: Board, settings: Settings, job: Job) -> Round:
    """Return the round that a kept proposal was made in: its cities and its programme, locks and bans among it."""
    settings_of = orjson.loads(board.result(job.id))["made_from"]
    return _opened(board, settings, job.asked, programme_in(settings_of), Decided())


def round_of(
    board: Board,
    settings: Settings,
    asked: Mapping[str, Any],
    progress: Callable[[str], None] = lambda _: None,
) -> Round:
    """Return the round of a job, opened once."""
    again, earlier = asked.get("programme_of"), asked.get("previous")
    text = asked.get("programme_toml")
    programme = (
        programme_made_from(board, again) if again and not text else programme_of(settings, asked)
    )
    decided = Decided(
        pairs(asked, "lock"),
        pairs(asked, "ban"),
        pairs(asked, "past"),
        tuple(map(str, asked.get("refused_before", ()))),
        proposal_of(board, earlier) if earlier else None,
        names=asked.get("names", {}),
        splits=asked.get("splits", {}),
    )
    return _opened(board, settings, asked, programme, decided, progress)


def _opened(
    board: Board,
    settings: Settings,
    asked: Mapping[str, Any],
    programme: Programme,
    decided: Decided,
    progress: Callable[[str], None] = lambda _: None,
) -> Round:
    progress(say("Profiles"))
    cohort = cohort_of(board, settings, asked)
    model = settings.text_model or "auto"  # never a model that a request names
    return open_round(cohort, programme, (decided,), model=model, progress=progress)


def pairs(asked: Mapping[str, Any], name: str) -> Pairs:
    """Return the pairs that a job was asked with under a name."""
    return tuple((str(a), str(b)) for a, b in asked.get(name, ()))


def programme_made_from(board: Board, proposal: str) -> Programme:
    """Return the programme that a proposal was made from, without what is decided on the page; raises QuestionError."""
    made_from = orjson.loads(board.result(proposal))["made_from"]
    return bare(programme_in(made_from, lock=(), ban=()), made_from)


def programme_in(made_from: Mapping[str, Any], **twinning: Any) -> Programme:
    """Return the programme that something was made from, with other settings of the twinning; raises QuestionError."""
    settings = {**((made_from.get("programme") or {}).get("settings") or {})}
    if "twinning" in settings:
        settings["twinning"] = {**settings["twinning"], **twinning}
    try:
        return programme_model().model_validate(settings)
    except ValidationError as error:
        found = say("The programme that this proposal was made from is not one of this version.")
        do = say("Ask for a new proposal.")
        raise QuestionError.of("programme-other-version", found, do=do) from error


def proposal_of(board: Board, proposal: str) -> Proposal:
    """Return a proposal that was made, its groups called as was decided since; raises QuestionError where there is none yet."""
    made = _read(board.result(proposal), proposal)
    names = board.store.held(proposal).names
    return replace(made, products=tuple(named(p, names) for p in made.products))


@lru_cache(maxsize=4)
def _read(result: bytes, proposal: str) -> Proposal:
    """Return a proposal as it was stored; the pages of one round ask for the same again and again."""
    return from_plain(orjson.loads(result), f"proposal {proposal}")


def cohort_of(board: Board, settings: Settings, asked: Mapping[str, Any]) -> Cohort:
    """Return the cities of a job: those of an upload, or the service's own."""
    upload, hosts = asked.get("upload"), asked.get("hosts", "")
    if not upload:
        return read(settings.profiles)
    with scratch() as folder, scratch() as beside:
        raw = read_raw(kept_table(board, upload, folder))
        at = hosts if hosts in {"", "bundled"} else str(kept_table(board, hosts, beside))
        return survey.cohort_of(raw, [at] if at else [], lambda _: None)


def kept_table(board: Board, upload: str, folder: Path) -> Path:
    """Return the path of an upload in a folder, with the mapping beside it by which it is read."""
    kept = board.upload(upload)
    mapping = (kept.found.get("survey") or {}).get("mapping", "")
    return put_table(folder, kept.name, board.uploaded(upload), mapping)


def programme_of(settings: Settings, asked: Mapping[str, Any]) -> Programme:
    """Return the programme of a job: a file's text, names of bundled ones, or the service's own."""
    text = asked.get("programme_toml")
    return load_text(text) if text else load(*(asked.get("programme") or settings.programme))


def _interrupted() -> Problem:
    do = say("Ask again; then tell the administrator.")
    return Problem("interrupted", say("It ended before it was done."), do=do)
