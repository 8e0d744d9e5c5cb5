"""A clock that is set back, or stands still: what came later holds, by its number and not by its time."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from stores_for_tests import keep

from twinmatch.store import records
from twinmatch.store.records import open_store

START = datetime(2026, 3, 29, 2, 30, tzinfo=UTC)


class SetBack(datetime):
    """A clock that goes back by an hour at every look."""

    looks = itertools.count()

    @classmethod
    def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
        return START - timedelta(hours=next(cls.looks))


class Still(datetime):
    """A clock that stands still."""

    @classmethod
    def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
        return START


@pytest.mark.parametrize("clock", [SetBack, Still])
def test_the_last_word_holds_by_its_number(
    place: str, clock: type[datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(place)
    run = keep(store).id
    monkeypatch.setattr(records, "datetime", clock)
    pair = {"one": "at-a", "other": "be-h"}
    for kind in ("accept", "reject", "lock", "ban"):
        store.add(run, kind, "Ada", **pair)
    for said in ("asked", "agreed", "declined"):
        store.add(run, said, "Ada", **pair, city="at-a")
    history = store.history(run)
    assert [e.number for e in history] == list(range(1, 8))
    assert [e.kind for e in history] == [
        "accept",
        "reject",
        "lock",
        "ban",
        "asked",
        "agreed",
        "declined",
    ]
    if clock is SetBack:
        assert [e.at for e in history] == sorted((e.at for e in history), reverse=True)
    now = store.held(run)
    assert now.verdicts == {}  # the lock took the rejection back, and the ban the lock
    assert (now.locks, now.bans) == ((), (("at-a", "be-h"),))
    assert now.consents["at-a", "be-h"]["at-a"].kind == "declined"
    assert store.add(run, "undo", "Ada").one == "7"
    assert store.held(run).consents["at-a", "be-h"]["at-a"].kind == "agreed"
    for step in ("approve", "publish", "withdraw"):
        store.add(run, step, "Ada")
    assert store.run(run).status == "withdrawn"
    store.close()
    again = open_store(place)
    assert again.run(run).status == "withdrawn"
    assert again.held(run).version == 11
    again.close()


def test_a_version_seen_before_the_clock_was_set_back_is_still_the_version(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(place)
    run = keep(store).id
    seen = store.add(run, "note", "Ada", why="one").number
    monkeypatch.setattr(records, "datetime", SetBack)
    assert store.add(run, "note", "Bo", why="two", seen=seen).number == seen + 1
    with pytest.raises(records.QuestionError, match="gone on"):
        store.add(run, "note", "Cy", why="three", seen=seen)
    store.close()
