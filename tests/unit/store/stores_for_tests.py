"""Stores that tests make up, on both engines, and a run to keep in them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from twinmatch.store.tables import KeptMeeting

POSTGRES = os.environ.get("TWINMATCH_TEST_POSTGRES", "")

MADE_FROM = {"data": {"sha256": "d" * 64}, "programme": {"sha256": "e" * 64}}
FALLBACKS = {("at-a", "be-h"): (("Cz moves in.",), ("At goes to I.",))}
PAIRS = (
    KeptMeeting(
        "twinning:at-a",
        "twinning",
        "A learns from H",
        "at-a",
        "be-h",
        ("at-a", "be-h"),
        0.75,
        *FALLBACKS["at-a", "be-h"],
    ),
    KeptMeeting(
        "twinning:at-b",
        "twinning",
        "B learns from Two",
        "at-b",
        "unit-two",
        ("at-b", "be-i", "be-j"),
        0.5,
    ),
)
GROUP = KeptMeeting(
    "discussion_groups:heat", "discussion_groups", "Heat", "", "", ("be-h", "at-a", "at-b"), 0.6
)
MEETINGS = (*PAIRS, GROUP)


def _members(meeting: KeptMeeting) -> list[dict[str, str]]:
    if not meeting.host:
        first, *others = meeting.cities
        return [{"city": first, "role": "lead"}, *({"city": c, "role": "member"} for c in others)]
    hosts = [c for c in meeting.cities if c != meeting.guest]
    return [
        {"city": meeting.guest, "role": "guest"},
        *({"city": c, "role": "host"} for c in hosts),
    ]


def _plain(meeting: KeptMeeting) -> dict[str, object]:
    unit = {"unit": meeting.host} if meeting.host.startswith("unit-") else {}
    return {
        "id": meeting.id,
        "label": meeting.label,
        "members": _members(meeting),
        "score": meeting.score,
        **unit,
    }


def proposal(mark: str = "") -> bytes:
    products = [
        {"product": name, "meetings": [_plain(m) for m in MEETINGS if m.product == name]}
        for name in ("twinning", "discussion_groups")
    ]
    plain = {
        "schema": "twinmatch/proposal/1",
        "made_from": MADE_FROM,
        "mark": mark,
        "ü": "Münster",
        "products": products,
        "cities": [{"id": p, "name": f"{p[3:].upper()}-Stadt"} for p in PLACES[:-1]],
        "units": [{"id": "unit-two", "name": "The two"}],
    }
    return json.dumps(plain).encode()


PLACES = (*(f"at-{c}" for c in "abc"), *(f"be-{c}" for c in "hijk"), "unit-two")


def keep(store, mark: str = "", title: str = "Round one"):
    return store.keep(proposal(mark), title, "Ada", FALLBACKS)[0]


def make_earlier(connection: sa.Connection, version: str) -> None:
    """Make the tables as a version before the first release made them."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("earlier_versions")))
    config.attributes["connection"] = connection
    command.upgrade(config, version)
