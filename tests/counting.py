"""Work counted instead of timed, so that no machine decides a test."""

from __future__ import annotations

import sys
from collections.abc import Callable
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
