"""Folders and stores that may only be read: reading works, writing is refused in words, nothing is left half done."""

from __future__ import annotations

from pathlib import Path

from places_for_tests import (
    done_well,
    files_of,
    give_away,
    read_only,
    said_in_words,
    small_disk,
    twinmatch,
)
from service_for_tests import five_cities
from stores_for_tests import keep

from twinmatch.store.records import open_store

TABLE = "id,name,country,population\nfr-b,B,FR,20000\n"


def test_a_proposal_into_a_read_only_place_is_refused(tmp_path: Path) -> None:
    with small_disk(tmp_path, 1500) as disk:
        cities = five_cities(disk)
        asked = ("propose", cities, "--programme", disk / "round.toml", "--text-model", "static")
        with read_only(disk):
            done = twinmatch(*asked, "--out", disk / "out", cwd=tmp_path)
            said_in_words(done, "Nothing was written", "The place is read-only")
            done_well(twinmatch(*asked, "--out", tmp_path / "out", cwd=tmp_path))
        assert not (disk / "out").exists()
        assert (tmp_path / "out" / "report.html").exists()


def test_an_import_into_a_read_only_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(TABLE, encoding="utf-8")
    with small_disk(tmp_path, 500) as disk:
        five_cities(disk)
        before = files_of(disk)
        with read_only(disk):
            asked = ("import", "table", tmp_path / "t.csv", "--out", disk / "cities")
            said_in_words(twinmatch(*asked, cwd=tmp_path), "Nothing was written", "read-only")
        assert files_of(disk) == before


def test_a_store_in_a_read_only_place_is_read_and_not_written(tmp_path: Path) -> None:
    with small_disk(tmp_path, 1500) as disk:
        store = open_store(disk / "store.sqlite")
        run = keep(store).id
        store.add(run, "accept", "Ada", one="at-a", other="be-h")
        store.close()
        place = ("--store", disk / "store.sqlite")
        with read_only(disk):
            assert "Ada" in done_well(twinmatch("decisions", run, *place, cwd=tmp_path))
            assert run in done_well(twinmatch("runs", *place, cwd=tmp_path))
            done = twinmatch("decide", run, "note", "--why", "x", *place, cwd=tmp_path)
            said_in_words(done, "The store can only be read here", "Let the user who runs this")
        again = open_store(disk / "store.sqlite")
        assert len(again.history(run)) == 1
        again.close()


def test_who_may_not_write_reads_what_others_are_writing(tmp_path: Path) -> None:
    place = shared(tmp_path)
    store = open_store(place / "store.sqlite")
    run = keep(store).id
    for k in range(3):  # they stand in the log beside the file, and not in it
        store.add(run, "note", "Ada", why=f"word {k}")
    give_away(place)
    assert (place / "store.sqlite-wal").stat().st_size > 0
    asked = ("--store", place / "store.sqlite")
    home = tmp_path / "home"
    home.mkdir()
    told = done_well(twinmatch("decisions", run, *asked, cwd=home, bound=True))
    assert "word 2" in told
    done = twinmatch("decide", run, "note", "--why", "x", *asked, cwd=home, bound=True)
    said_in_words(done, "The store can only be read here")
    assert len(store.history(run)) == 3
    store.close()
    assert "word 2" in done_well(twinmatch("decisions", run, *asked, cwd=home, bound=True))


def test_a_store_cannot_be_made_where_one_may_not_write(tmp_path: Path) -> None:
    place = shared(tmp_path)
    made = tmp_path / "proposal.json"
    made.write_text('{"schema": "twinmatch/proposal/1", "made_from": {}, "products": []}')
    done = twinmatch("keep", made, "--store", place / "new.sqlite", cwd=place, bound=True)
    said_in_words(done, "The store cannot be used", "Check the path")
    assert list(place.iterdir()) == []


def shared(tmp_path: Path) -> Path:
    """Return a folder of somebody else's that everybody may read."""
    place = tmp_path / "shared"
    place.mkdir(mode=0o755)
    give_away(place)
    return place
