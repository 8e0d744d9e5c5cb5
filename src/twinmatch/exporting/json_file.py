"""proposal.json: the one dictionary as bytes that are the same on every run, and the way back."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NoReturn

import orjson

from twinmatch.errors import DataError, Problem, Where
from twinmatch.files import settle
from twinmatch.proposal import Proposal, from_plain, to_plain

LARGEST = 200_000_000
"""Bytes of the largest file that is read: far beyond any round, short of filling the memory."""

DEEPEST = 100
"""Levels of the most nested file that is read; a proposal has about twelve."""

_STRING = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_BRACKETS = re.compile(r"[\[\]{}]")


def proposal_json(proposal: Proposal) -> bytes:
    """Return the proposal as UTF-8 JSON, indented, in a fixed order, with a final line feed."""
    plain = to_plain(proposal)
    try:
        return orjson.dumps(plain, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    except orjson.JSONEncodeError:
        # A lone surrogate has no UTF-8; "backslashreplace" writes the very escape that JSON has for it.
        text = json.dumps(plain, ensure_ascii=False, indent=2, allow_nan=False)
        return (text + "\n").encode("utf-8", "backslashreplace")


def read_proposal(path: Path) -> Proposal:
    """Return the proposal of a proposal.json; raises DataError that says what is wrong with the file."""
    return from_plain(_load(path), str(path))


def _load(path: Path) -> Any:
    """Return what a JSON file holds."""
    settle(path.parent)
    try:
        if path.stat().st_size > LARGEST:
            _refuse(path, f"The file is larger than {LARGEST // 1_000_000} MB.")
        text = path.read_bytes().decode("utf-8")
        if _depth(text) > DEEPEST:
            _refuse(path, "The file is nested too deeply to be a proposal.")
        return json.loads(text, parse_constant=_no_constant)
    except FileNotFoundError:
        _refuse(path, "There is no such file.")
    except OSError as error:
        _refuse(path, f"The file cannot be read ({error.strerror}).")
    except UnicodeDecodeError:
        _refuse(path, "The file is not UTF-8 text.")
    except ValueError as error:
        _refuse(path, f"The file is not JSON ({error}).")


def _depth(text: str) -> int:
    """Return how deep a JSON text nests; counted beforehand, as a parser that recurses may end the process."""
    deepest = depth = 0
    for mark in _BRACKETS.findall(_STRING.sub("", text)):
        depth += 1 if mark in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _no_constant(name: str) -> NoReturn:
    """Refuse NaN and Infinity, which are no JSON."""
    raise ValueError(f"{name} is not a JSON number")


def _refuse(path: Path, found: str) -> NoReturn:
    raise DataError(
        Problem(
            "proposal-file", found, Where(str(path)), "A proposal.json of twinmatch is expected."
        )
    )
