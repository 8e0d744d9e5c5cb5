"""What cannot be stored is refused in the same words by SQLite and PostgreSQL, when written and when looked up."""

from __future__ import annotations

import pytest
from stores_for_tests import proposal

from twinmatch.errors import TwinmatchError

pytest.importorskip("fastapi")

from twinmatch.web.auth import Rank
from twinmatch.web.board import Board

FOUND = {"errors": 0, "problems": [], "sheets": [], "rows": 0, "usable": 0}
ATTEMPTS = {
    "title": lambda board, bad: board.ask(bad, {}, "Ann"),
    "lock": lambda board, bad: board.ask("x", {"lock": [[bad, "y"]]}, "Ann"),
    "file name": lambda board, bad: board.keep_upload(bad, "Ann", FOUND, b"id\n"),
    "found": lambda board, bad: board.keep_upload("a.csv", "Ann", {**FOUND, "sheets": [bad]}, b""),
    "name of a key": lambda board, bad: board.add_key(bad, Rank.READER),
    "title of a run": lambda board, bad: board.store.keep(proposal(), bad, "Ann"),
    "upload looked up": lambda board, bad: board.upload(bad),
    "job looked up": lambda board, bad: board.job(bad),
    "run looked up": lambda board, bad: board.store.history(bad),
}

UNKNOWN = {"job looked up": "proposal-unknown", "run looked up": "run-unknown"}


@pytest.mark.parametrize("bad", ["a\0b", "\ud800"], ids=["nul", "half a pair"])
def test_text_that_no_engine_can_hold_is_refused_alike(place: str, bad: str) -> None:
    board = Board(place)
    try:
        for what, attempt in ATTEMPTS.items():
            with pytest.raises(TwinmatchError) as refused:
                attempt(board, bad)
            code = UNKNOWN.get(what, "text-not-storable")
            assert refused.value.problems[0].code == code, what
        assert (board.all_jobs(), board.all_uploads(), board.all_keys()) == ([], [], [])
    finally:
        board.store.close()
