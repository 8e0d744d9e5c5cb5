"""Work counted instead of timed, so that no machine decides a test."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from cProfile import Profile
from types import FrameType
from typing import Any


def lines_run(work: Callable[[], Any], package: str = "twinmatch") -> int:
    """Return how many lines of the package run while the work is done, each as often as it runs."""
    count = 0

    def line(frame: FrameType, event: str, arg: object) -> Any:
        nonlocal count
        count += event == "line"
        return line

    def call(frame: FrameType, event: str, arg: object) -> Any:
        return line if frame.f_globals.get("__name__", "").startswith(package) else None

    before = sys.gettrace()
    sys.settrace(call)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


Calls = dict[str, int]
"""How often each function of the package was called, and from each the functions that are not of Python, by name."""


def calls_made(work: Callable[[], Any], package: str = "twinmatch") -> Calls:
    """Return how often each function of the package is called while the work is done, and what each calls of C."""
    profile = Profile()
    profile.runcall(work)
    profile.create_stats()
    found: Counter[str] = Counter()
    for (file, line, name), (*_, callers) in profile.stats.items():
        for (of_file, of_line, of_name), (calls, *_) in callers.items():
            if file == "~" and f"/{package}/" in of_file:
                found[
                    f"{_place(of_file, of_line, of_name, package)} -> {name.split(' at ')[0]}"
                ] += calls
            elif f"/{package}/" in file:
                found[_place(file, line, name, package)] += calls
    return dict(found)


def _place(file: str, line: int, name: str, package: str) -> str:
    return f"{file.rpartition(f'/{package}/')[2]}:{line} {name}"


def grown(few: Calls, many: Calls, times: float, least: int = 1_000) -> dict[str, tuple[int, int]]:
    """Return what is called more than so many times as often in the second, of what is called often there, with both numbers."""
    return {
        name: (few[name], n)
        for name, n in many.items()
        if n >= least and few.get(name, 0) >= 20 and n > times * few[name]
    }
