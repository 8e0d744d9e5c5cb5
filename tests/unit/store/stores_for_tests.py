"""Stores that tests make up, on both engines, and a run to keep in them."""

from __future__ import annotations

import json
import os

from twinmatch.store.records import KeptPair

POSTGRES = os.environ.get("TWINMATCH_TEST_POSTGRES", "")

MADE_FROM = {"data": {"sha256": "d" * 64}, "programme": {"sha256": "e" * 64}}
PAIRS = (
    KeptPair("at-a", "be-h", ("at-a", "be-h"), 0.75, ("Cz moves in.",), ("At goes to I.",)),
    KeptPair("at-b", "unit-two", ("at-b", "be-i", "be-j"), 0.5),
)


def proposal(mark: str = "") -> bytes:
    return json.dumps({"schema": "twinmatch/proposal/1", "mark": mark, "ü": "Münster"}).encode()


def keep(store, mark: str = "", title: str = "Round one"):
    return store.keep(proposal(mark), title, "Ada", made_from=MADE_FROM, pairs=PAIRS)[0]
