"""What is taken out of the history, and what stays; what is noted, and that nobody changes it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from stores_for_tests import FALLBACKS, proposal

from twinmatch.errors import QuestionError
from twinmatch.store.database import (
    COMMAND_LINE,
    REMOVED,
    note,
    reasons_about,
    remove_names,
    remove_reasons,
    wipe,
)
from twinmatch.store.history import held
from twinmatch.store.tables import changes, entries

LATER = timedelta(seconds=1)


@pytest.fixture
def run(store):
    kept, _ = store.keep(proposal(), "Round", "Anna", FALLBACKS)
    store.add(kept.id, "accept", "Anna", one="at-a", other="be-h", why="They wrote to Kanarek")
    store.add(kept.id, "note", "Ben", why="A word on the whole")
    store.add(
        kept.id, "asked", "Anna", one="twinning:at-b", city="be-i", why="Kanarek was on leave"
    )
    return kept.id


def everything(store) -> str:
    with store.look() as c:
        return repr(c.execute(sa.select(entries)).all()) + repr(store.runs())


def test_personal_data_is_taken_out_before_a_reason_is_kept(store, run):
    why = "write to anna@city.example or +48 22 555 01 99, says mayor Jan Kanarek"
    entry = store.add(run, "note", "Anna", why=why)
    assert entry.why.count("removed]") == 3
    for canary in ("anna@", "22 555", "Jan"):
        assert canary not in everything(store)


@pytest.mark.parametrize("by", ["anna@city.example", "Anna, +48 22 555 01 99"])
def test_nobody_is_kept_as_an_address_or_a_number(store, run, by):
    with pytest.raises(QuestionError) as caught:
        store.add(run, "note", by, why="x")
    assert [p.code for p in caught.value.problems] == ["by-personal"]
    other, _ = store.keep(proposal("other"), "For anna@city.example", by)
    assert "anna@" not in other.title + other.kept_by
    assert "555" not in other.kept_by


def test_the_reasons_about_a_city_are_found_by_its_meetings_and_host_units(store, run):
    with store.look() as c:
        told = {
            city: [r[4] for r in reasons_about(c, city)] for city in ("at-a", "be-h", "be-j", "xx")
        }
    assert told["at-a"] == told["be-h"] == ["They wrote to Kanarek"]
    assert told["be-j"] == ["Kanarek was on leave"]
    assert told["xx"] == []


def test_reasons_are_taken_out_and_all_else_stays(store, run):
    before = store.history(run)
    with store.change() as c:
        assert remove_reasons(c, reasons_about(c, "at-a"), whole=True) == 1
    after = store.history(run)
    assert [e.why for e in after] == [REMOVED, "A word on the whole", "Kanarek was on leave"]
    assert [(e.number, e.at, e.by, e.kind, e.about, e.city) for e in after] == [
        (e.number, e.at, e.by, e.kind, e.about, e.city) for e in before
    ]
    assert held(after).locks == held(before).locks


def test_names_and_reasons_go_after_a_time_and_only_then(store, run):
    with store.change() as c:
        assert remove_names(c, datetime.now(UTC) - timedelta(days=1)) == 0
    assert "Anna" in everything(store)
    with store.change() as c:
        assert remove_names(c, datetime.now(UTC) + LATER) == 4
    for name in ("Anna", "Ben", "Kanarek", "A word"):
        assert name not in everything(store)
    assert store.held(run).version == 3
    with store.change() as c:
        assert remove_names(c, datetime.now(UTC) + LATER) == 0


@pytest.mark.parametrize("fails", [False, True])
def test_the_history_is_append_only_before_and_after(store, run, fails):
    try:
        with store.change() as c:
            remove_names(c, datetime.now(UTC) + LATER)
            if fails:
                raise RuntimeError
    except RuntimeError:
        assert "Anna" in everything(store)
    for statement in (
        "UPDATE entries SET why = ''",
        "UPDATE runs SET kept_by = ''",
        "UPDATE run_meetings SET label = ''",
        "DELETE FROM entries",
    ):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), store.change() as c:
            c.execute(sa.text(statement))


def test_what_was_taken_out_is_in_no_file(tmp_path):
    from twinmatch.store.records import open_store

    path = tmp_path / "s.sqlite"
    store = open_store(path)
    kept, _ = store.keep(proposal(), "Round", "Canarini", FALLBACKS)
    store.add(kept.id, "note", "Canarini", why="Kanarek " * 2000)
    files = [path, *(Path(f"{path}{end}") for end in ("-wal", "-shm"))]
    content = b"".join(f.read_bytes() for f in files if f.exists())
    assert b"Canarini" in content
    assert b"Kanarek" in content
    with store.change() as c:
        wipe(c)
        remove_names(c, datetime.now(UTC) + LATER)
    store.wiped()
    content = b"".join(f.read_bytes() for f in files if f.exists())
    assert b"Canarini" not in content
    assert b"Kanarek" not in content
    store.close()


def test_a_change_is_noted_with_its_transaction_and_nobody_alters_it(store):
    with store.change() as c:
        note(c, COMMAND_LINE, "key made", "abcd")
    lost = {"at": datetime.now(UTC), "by": "x", "what": "key taken back", "about": "abcd"}
    with pytest.raises(ZeroDivisionError), store.change() as c:
        c.execute(sa.insert(changes).values(**lost)) and 1 / 0
    (line,) = store.changes()
    assert (line.number, line.by, line.what, line.about) == (1, COMMAND_LINE, "key made", "abcd")
    assert abs((datetime.now(UTC) - line.at).total_seconds()) < 60
    for statement in ("UPDATE changes SET about = ''", "DELETE FROM changes"):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), store.change() as c:
            c.execute(sa.text(statement))


def test_an_error_of_the_database_does_not_repeat_what_people_wrote(store, run):
    with pytest.raises(sa.exc.DBAPIError) as caught, store.change() as c:
        c.execute(
            sa.insert(entries).values(
                run=run, number=1, at=datetime.now(UTC), by="Kanarek", kind="note",
                one="", other="", city="", why="Canarini",
            )
        )  # fmt: skip
    assert "Kanarek" not in str(caught.value)
    assert "Canarini" not in str(caught.value)
