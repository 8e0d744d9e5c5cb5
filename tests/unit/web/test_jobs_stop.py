"""A service that stops while a look for work is under way in another thread."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

from twinmatch.web.jobs import Jobs


class Process:
    def __init__(self) -> None:
        self.terminated = False

    def terminate(self) -> None:
        self.terminated = True


class Board:
    """Ends jobs; as the first one ends, another thread's look takes a job out of those that run."""

    def __init__(self) -> None:
        self.jobs: Jobs | None = None
        self.ended: list[str] = []

    def end(self, job: str, *_: object) -> None:
        self.ended.append(job)
        assert self.jobs is not None
        self.jobs._running.pop(job, None)

    def bury(self) -> None:
        pass

    def claim(self) -> object:
        raise AssertionError("a service that stops claims nothing more")


def stop(jobs: Jobs) -> None:
    """Stop in a thread of its own: a browser fixture of the same worker may hold this one's loop."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, jobs.stop()).result()


def test_all_that_runs_is_stopped_though_a_look_changes_it_meanwhile() -> None:
    board = Board()
    jobs = board.jobs = Jobs(board, SimpleNamespace(jobs=3))  # type: ignore[arg-type]
    processes = {name: Process() for name in ("a", "b", "c")}
    jobs._running.update(processes)  # type: ignore[arg-type]
    stop(jobs)
    assert all(process.terminated for process in processes.values())
    assert board.ended == ["a", "b", "c"]


def test_a_look_after_the_stop_starts_nothing() -> None:
    board = Board()
    jobs = board.jobs = Jobs(board, SimpleNamespace(jobs=3))  # type: ignore[arg-type]
    stop(jobs)
    jobs.look()
