"""The store on SQLite and PostgreSQL: nothing lost, nothing changed afterwards, the last word holds."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from stores_for_tests import FALLBACKS, MEETINGS, keep, proposal

from twinmatch.errors import DataError, QuestionError
from twinmatch.store.history import CONSENTS, DECISIONS, KINDS, MAILS, STEPS, HistoryEntry, held
from twinmatch.store.records import open_store
from twinmatch.store.tables import answers, entries, metadata


def test_a_run_is_kept_byte_for_byte_and_once(store):
    run, new = store.keep(proposal(), "Round one", "Ada", FALLBACKS)
    again, newer = store.keep(proposal(), "Another title", "Bo", FALLBACKS)
    assert (new, newer) == (True, False)
    assert again == run
    assert run.title == "Round one"
    assert store.proposal(run.id) == proposal()
    assert store.meetings(run.id[:5]) == MEETINGS
    assert datetime.now(UTC) - run.kept_at < timedelta(minutes=1)
    assert (run.status, run.version, run.data_sha256) == ("draft", 0, "d" * 64)


def test_what_is_written_is_there_after_the_store_is_opened_again(store, place):
    run = keep(store)
    store.add(run.id, "note", "Ada", why="„Grüße“ from Łódź")
    store.close()
    again = open_store(place)
    (entry,) = again.history(run.id)
    assert (entry.number, entry.by, entry.kind, entry.why) == (
        1,
        "Ada",
        "note",
        "„Grüße“ from Łódź",
    )
    assert entry.at.tzinfo is not None
    again.close()


def test_the_last_word_on_a_pair_holds_and_the_history_keeps_them_all(store):
    run = keep(store).id
    for kind in ("accept", "reject", "lock", "ban"):
        store.add(run, kind, "Ada", one="at-a", other="be-h", why=f"to {kind}")
    now = store.held(run)
    assert now.verdicts == {}  # the lock took the rejection back
    assert (now.locks, now.bans) == ((), (("at-a", "be-h"),))
    store.add(run, "release", "Bo", one="at-a", other="be-h")
    assert store.held(run).bans == ()
    assert [e.kind for e in store.history(run)] == ["accept", "reject", "lock", "ban", "release"]
    assert "Ada banned at-a with be-h: to ban." in [e.says for e in store.history(run)]


def test_a_hold_is_a_place_kept_and_its_opposite_is_a_refusal(store):
    run, pair = keep(store).id, {"one": "at-a", "other": "be-h"}
    store.add(run, "hold", "Ada", **pair)
    assert store.held(run).holds == (("at-a", "be-h"),)
    assert store.held(run).wanted == ((("at-a", "be-h"),), ())
    store.add(run, "reject", "Ada", **pair)
    assert store.held(run).holds == ()
    store.add(run, "assign", "Ada", **pair, why="Bo")
    assert store.held(run).assigned["at-a", "be-h"].why == "Bo"


def test_a_further_version_goes_on_with_what_was_decided_but_not_with_the_steps(store):
    run = keep(store).id
    store.add(run, "lock", "Ada", one="at-a", other="be-h", why="agreed")
    store.add(run, "approve", "Ada")
    store.add(run, "undo", "Ada")
    store.add(run, "note", "Bo", why="seen")
    store.add(run, "undo", "Bo")
    with store.change() as connection:
        store.keep_as(connection, "next", proposal("n"), "Round one", "Ada", after=run)
    before, after = store.history(run), store.history("next")
    assert [e.kind for e in after] == ["lock", "note", "undo"]
    assert all(entry in before for entry in after)
    now = store.held("next")
    assert (now.status, now.locks, now.notes) == ("draft", (("at-a", "be-h"),), {})
    store.add("next", "ban", "Bo", one="at-a", other="be-h")
    assert store.history(run) == before


def test_what_is_worked_out_afterwards_takes_the_place_of_what_was_kept(store):
    run = keep(store).id
    later = [["at-a", "be-h", ["Nobody."], []]]
    with store.change() as connection:
        connection.execute(answers.insert().values(run=run, what="declines", content=later))
    assert store.meetings(run)[0].if_guest_declines == ("Nobody.",)
    assert store.meetings(run)[0].if_host_declines == ()


def test_from_draft_to_published_and_back(store):
    run = keep(store).id
    path = ["approve", "reopen", "approve", "publish", "withdraw", "redraft"]
    states = ["approved", "draft", "approved", "published", "withdrawn", "draft"]
    for step, state in zip(path, states, strict=True):
        for other in STEPS:
            if STEPS[other][0] != store.run(run).status:
                with pytest.raises(QuestionError, match="has to be"):
                    store.add(run, other, "Ada")
        store.add(run, step, "Ada")
        assert store.run(run).status == state
    assert store.run(run).version == 6


def test_only_a_draft_is_changed(store):
    run = keep(store).id
    store.add(run, "approve", "Ada")
    for kind in ("accept", "lock", "ban", "reject", "release"):
        with pytest.raises(QuestionError, match="Only a draft"):
            store.add(run, kind, "Ada", one="at-a", other="be-h")
    store.add(run, "note", "Ada", why="still open to notes")


def test_consent_of_each_city_of_a_pair(store):
    run = keep(store).id
    store.add(run, "asked", "Ada", one="at-b", other="unit-two", city="be-j")
    store.add(run, "agreed", "Ada", one="at-b", other="unit-two", city="at-b")
    store.add(run, "declined", "Ada", one="at-b", other="unit-two", city="be-j", why="no staff")
    now = store.held(run)
    said = now.consents["at-b", "unit-two"]
    assert {city: e.kind for city, e in said.items()} == {"be-j": "declined", "at-b": "agreed"}
    assert now.declined == (("at-b", "unit-two"),)
    with pytest.raises(QuestionError, match="not in the meeting"):
        store.add(run, "agreed", "Ada", one="at-a", other="be-h", city="be-j")


def test_any_meeting_is_decided_about_and_a_pair_by_its_id_too(store):
    run = keep(store).id
    store.add(run, "accept", "Ada", one="discussion_groups:heat")
    store.add(run, "asked", "Ada", one="discussion_groups:heat", city="at-b")
    store.add(run, "declined", "Ada", one="discussion_groups:heat", city="at-b")
    entry = store.add(run, "reject", "Ada", one="twinning:at-a")
    assert entry.about == ("at-a", "be-h")
    now = store.held(run)
    assert now.verdicts["discussion_groups:heat", ""].kind == "accept"
    assert now.declined == (("discussion_groups:heat", ""),)
    assert now.wanted == ((), (("at-a", "be-h"),))


def test_what_must_meet_is_what_was_locked_or_accepted_and_not_refused_by_anyone(store):
    run = keep(store).id
    store.add(run, "accept", "Ada", one="at-a", other="be-h")
    store.add(run, "lock", "Ada", one="at-c", other="be-k")
    store.add(run, "lock", "Ada", one="at-b", other="unit-two")
    must = (("at-a", "be-h"), ("at-b", "unit-two"), ("at-c", "be-k"))
    assert store.held(run).wanted == (must, ())
    store.add(run, "declined", "Ada", one="at-b", other="unit-two", city="be-i")
    assert store.held(run).wanted == ((must[0], must[2]), (must[1],))


def test_the_last_word_on_a_pair_holds(store):
    run, pair = keep(store).id, {"one": "at-a", "other": "be-h"}
    wanted = (("at-a", "be-h"),)
    for kind, must, must_not in (
        ("reject", (), wanted),
        ("lock", wanted, ()),
        ("reject", (), wanted),
        ("accept", wanted, ()),
        ("ban", (), wanted),
        ("accept", wanted, ()),
    ):
        store.add(run, kind, "Ada", **pair)
        assert store.held(run).wanted == (must, must_not), kind
    store.add(run, "undo", "Ada")
    assert store.held(run).wanted == ((), wanted)


def test_a_pair_is_one_pair_either_way_round_and_through_its_unit(store):
    run = keep(store).id
    store.add(run, "lock", "Ada", one="be-h", other="at-a")
    store.add(run, "reject", "Ada", one="at-a", other="be-h")
    store.add(run, "ban", "Ada", one="at-b", other="be-j")
    store.add(run, "lock", "Ada", one="unit-two", other="at-b")
    store.add(run, "lock", "Ada", one="at-c", other="be-k")
    store.add(run, "ban", "Ada", one="be-k", other="at-c")
    now = store.held(run)
    assert now.wanted == ((("at-b", "unit-two"),), (("at-a", "be-h"), ("at-c", "be-k")))
    store.add(run, "release", "Ada", one="be-k", other="at-c")
    assert store.held(run).bans == ()
    with pytest.raises(QuestionError, match="There is no city or host unit 'Nobody'"):
        store.add(run, "release", "Ada", one="at-c", other="Nobody")


def test_a_pair_that_was_refused_before_its_run_was_published_has_not_met(store):
    run = keep(store).id
    store.add(run, "reject", "Ada", one="at-a", other="be-h")
    for step in ("approve", "publish"):
        store.add(run, step, "Ada")
    assert [(p.guest, p.outcome) for p in store.past()] == [("at-b", "met")]


def test_a_lock_does_not_outweigh_the_no_of_a_city(store):
    run, pair = keep(store).id, {"one": "at-a", "other": "be-h"}
    store.add(run, "declined", "Ada", city="be-h", **pair)
    with pytest.raises(QuestionError, match="A city has declined at-a=be-h"):
        store.add(run, "lock", "Ada", **pair)
    store.add(run, "agreed", "Ada", city="be-h", **pair)
    store.add(run, "lock", "Ada", **pair)
    assert store.held(run).wanted == ((("at-a", "be-h"),), ())


def test_cities_and_units_are_named_by_id_or_name_and_must_be_there(store):
    run = keep(store).id
    assert store.add(run, "lock", "Ada", one="C-stadt", other="be-k").about == ("at-c", "be-k")
    said = store.add(run, "agreed", "Ada", one="B-Stadt", other="the two", city="J-Stadt")
    assert (said.about, said.city) == (("at-b", "unit-two"), "be-j")
    with pytest.raises(QuestionError) as told:
        store.add(run, "ban", "Ada", one="at-z", other="unit-twoo")
    assert [(p.code, p.do) for p in told.value.problems] == [
        ("city-unknown", "Did you mean at-a, at-b or at-c?"),
        ("city-unknown", "Did you mean unit-two?"),
    ]
    assert store.held(run).bans == ()


def test_an_undo_takes_back_one_entry_after_the_other_and_keeps_them_all(store):
    run = keep(store).id
    store.add(run, "lock", "Ada", one="at-a", other="be-h")
    store.add(run, "ban", "Ada", one="at-a", other="be-h")
    store.add(run, "undo", "Bo")
    assert store.held(run).locks == (("at-a", "be-h"),)
    store.add(run, "undo", "Bo")
    now = store.held(run)
    assert (now.locks, now.undone, now.undoable) == ((), {1, 2}, ())
    assert [e.kind for e in store.history(run)] == ["lock", "ban", "undo", "undo"]
    assert [e.one for e in store.history(run)][2:] == ["2", "1"]
    store.add(run, "approve", "Ada")
    store.add(run, "publish", "Ada")
    with pytest.raises(QuestionError, match="seen is not undone"):
        store.add(run, "undo", "Ada")


def test_a_step_of_several_entries_is_written_whole_and_undone_at_once(store):
    run, pair = keep(store).id, {"one": "at-a", "other": "be-h"}
    store.add(run, "note", "Ada", why="first", **pair)
    step = [{"kind": "lock", **pair}, {"kind": "ban", "one": "at-b", "other": "unit-two"}]
    assert [e.number for e in store.add_all(run, "Ada", step, seen=1)] == [2, 3]
    with pytest.raises(QuestionError, match="no decision"):
        store.add_all(run, "Ada", [{"kind": "hold", **pair}, {"kind": "dance", **pair}])
    assert store.held(run).version == 3
    store.add(run, "undo", "Bo")
    now = store.held(run)
    assert (now.locks, now.bans, now.undone) == ((), (), {2, 3})
    assert [e.kind for e in now.undoable] == ["note"]


def test_past_rounds_are_remembered(store):
    one, two = keep(store, "1", "Round one").id, keep(store, "2", "Round two").id
    store.add(one, "declined", "Ada", one="at-b", other="unit-two", city="at-b")
    store.add(one, "approve", "Ada")
    assert {(p.run, p.guest, p.outcome) for p in store.past()} == {(one, "at-b", "declined")}
    store.add(one, "publish", "Ada")
    found = {(p.run, p.guest, p.outcome) for p in store.past()}
    assert found == {(one, "at-a", "met"), (one, "at-b", "declined")}
    store.add(one, "withdraw", "Ada")
    assert {(p.guest, p.outcome) for p in store.past()} == {("at-b", "declined")}
    assert not [p for p in store.past() if p.run == two]


def test_who_was_refused_a_place_is_remembered_until_it_has_one(store):
    plain = json.loads(proposal("1"))
    left = [
        ("at-c", "places", "guest"),
        ("at-b", "eligibility", "guest"),
        ("be-k", "places", "host"),
    ]
    plain["products"][0]["left_out"] = [
        {"city": c, "code": code, "as_role": role} for c, code, role in left
    ]
    first = store.keep(json.dumps(plain).encode(), "One", "Ada", {})[0].id
    assert store.refused() == ()  # a draft refuses nobody
    for step in ("approve", "publish"):
        store.add(first, step, "Ada")
    assert (store.refused(), store.refused(but=first)) == (("at-c",), ())
    plain["products"][0]["meetings"][0]["members"][0]["city"] = "at-c"
    plain["products"][0]["left_out"] = [{"city": "at-a", "code": "quota"}]
    second = store.keep(json.dumps(plain).encode(), "Two", "Ada", {})[0].id
    for step in ("approve", "publish"):
        store.add(second, step, "Ada")
    assert store.refused() == ("at-a",)


def test_every_wrong_question_is_told(store):
    run = keep(store).id
    for wrong, words in (
        ({"kind": "applaud"}, "no decision"),
        ({"kind": "lock", "one": "at-a"}, "guest and a host"),
        ({"kind": "accept", "one": "at-x", "other": "be-h"}, "no city or host unit 'at-x'"),
        ({"kind": "accept", "one": "at-c", "other": "be-h"}, "no meeting of this run"),
        ({"kind": "asked", "one": "at-c", "other": "be-h", "city": "at-c"}, "no meeting"),
        ({"kind": "asked", "one": "at-a", "other": "be-h"}, "which city of at-a=be-h was asked"),
        ({"kind": "reject", "one": "twinning:at-z"}, "no meeting of this run"),
        ({"kind": "accept"}, "needs a meeting"),
        ({"kind": "note", "why": " "}, "says something"),
        ({"kind": "note", "why": "a\0b"}, "character 0"),
        ({"kind": "undo"}, "nothing to undo"),
        ({"kind": "note", "by": " ", "why": "x"}, "who decides"),
    ):
        with pytest.raises(QuestionError, match=words):
            store.add(run, **{"by": "Ada", **wrong})
    for name, words in (("zzz", "No run"), ("", "No run"), ("%", "No run")):
        with pytest.raises(QuestionError, match=words):
            store.history(name)
    assert store.history(run) == ()


def test_a_name_that_fits_several_runs_is_refused(store):
    marks = (keep(store, str(k)).id for k in range(40))
    firsts = [id_[0] for id_ in marks]
    twice = next(c for c in firsts if firsts.count(c) > 1)
    with pytest.raises(QuestionError, match="Several runs"):
        store.run(twice)


def test_the_database_itself_refuses_to_change_or_delete(store):
    run = keep(store).id
    store.add(run, "note", "Ada", why="first")
    for statement in (
        sa.update(entries).values(why="other"),
        sa.delete(entries),
        sa.text("UPDATE runs SET title = 'x'"),
        sa.text("DELETE FROM run_meetings"),
    ):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), store._engine.begin() as c:
            c.execute(statement)
    assert store.history(run)[0].why == "first"


def test_of_writers_that_saw_the_same_version_one_wins(store):
    run = keep(store).id
    won, lost = [], []

    def write(name):
        for version in range(4):
            try:
                won.append(store.add(run, "note", name, why=name, seen=version).number)
            except QuestionError as error:
                lost.append(error.problems[0].code)

    threads = [threading.Thread(target=write, args=(f"writer {k}",)) for k in range(5)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(won) == list(range(1, len(store.history(run)) + 1))
    assert len(won) + len(lost) == 20
    assert set(lost) <= {"changed-meanwhile"}


def test_of_writers_that_named_no_version_all_are_kept(store):
    run = keep(store).id
    threads = [
        threading.Thread(
            target=lambda k=k: [store.add(run, "note", f"w{k}", why="so") for _ in range(5)]
        )
        for k in range(4)
    ]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert [e.number for e in store.history(run)] == list(range(1, 21))


def test_the_migrations_make_exactly_the_tables_of_the_code(store):
    found = sa.inspect(store._engine)
    for table in metadata.sorted_tables:
        assert {c["name"] for c in found.get_columns(table.name)} == {c.name for c in table.columns}
        key = set(found.get_pk_constraint(table.name)["constrained_columns"])
        assert key == {c.name for c in table.primary_key}
        for column in found.get_columns(table.name):
            assert column["nullable"] == table.c[column["name"]].nullable


def test_a_store_of_a_newer_version_is_refused(store, place):
    with store._engine.begin() as connection:
        connection.execute(sa.text("UPDATE twinmatch_store_version SET version_num = '9999'"))
    store.close()
    with pytest.raises(DataError, match="newer version"):
        open_store(place)


def test_places_that_are_no_store(tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        open_store(tmp_path / "nowhere" / "s.sqlite")
    (tmp_path / "text.sqlite").write_text("this is not a database, only a text of some length" * 40)
    with pytest.raises(DataError, match="cannot be used"):
        open_store(tmp_path / "text.sqlite")
    with pytest.raises(QuestionError, match="postgresql://"):
        open_store("mysql://user:secret@host/db")


def test_sqlite_is_durable_and_checked(tmp_path):
    store = open_store(tmp_path / "s.sqlite")
    with store._engine.connect() as connection:
        for pragma, value in (
            ("journal_mode", "wal"),
            ("synchronous", 2),
            ("foreign_keys", 1),
            ("busy_timeout", 10_000),
        ):
            assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value
    store.close()


def test_every_kind_has_its_words():
    for kind in KINDS:
        says = HistoryEntry(1, datetime.now(UTC), "Ada", kind, "at-a", "be-h", "at-a").says
        assert says.startswith("Ada ")
    assert {*DECISIONS, *CONSENTS, *MAILS, *STEPS, "undo"} == set(KINDS)
    assert held(()).status == "draft"
