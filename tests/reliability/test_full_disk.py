"""A disk that is full, at any call or for real: clear words, exit code 2, and what was there before stays whole."""

from __future__ import annotations

import errno
import json
import shutil
import sqlite3
import sys
from pathlib import Path

import killing
import pytest
from jobs_to_kill import FOLDERS, PROFILES, STORES
from places_for_tests import done_well, files_of, fill, said_in_words, small_disk, twinmatch
from service_for_tests import five_cities
from stores_for_tests import keep

from twinmatch.errors import DataError
from twinmatch.store.records import open_store

compiles = pytest.mark.skipif(
    not sys.platform.startswith("linux") or shutil.which("cc") is None,
    reason="counts the calls of the C library: needs Linux and a C compiler",
)


@compiles
@pytest.mark.slow
def test_a_disk_full_at_any_call_leaves_files_profiles_and_stores_whole() -> None:
    stores = [f"{name}:8" for name in STORES["sqlite"]]
    for found in killing.run([*FOLDERS, *PROFILES, *stores], 15, refused=errno.ENOSPC):
        assert found["faults"] == [], found["job"]
        if found["job"] in STORES["sqlite"]:
            assert found["by"]["DataError"] > 1, found
            continue
        assert found["rounds"] == min(15, found["calls"])
        assert found["by"].get("QuestionError") or found["job"] == "vectors", found


@compiles
def test_an_error_of_the_disk_is_told_in_words() -> None:
    (found,) = killing.run(["decisions-sqlite"], 8, refused=errno.EIO)
    assert found["faults"] == []
    assert found["by"]["DataError"] > 2


def test_a_proposal_on_a_full_disk_leaves_the_one_before(tmp_path: Path) -> None:
    cities = five_cities(tmp_path)
    asked = ("propose", cities, "--programme", tmp_path / "round.toml", "--text-model", "static")
    with small_disk(tmp_path, 1500) as disk:
        done_well(twinmatch(*asked, "--out", disk / "out", cwd=tmp_path))
        before = files_of(disk)
        fill(disk, leave=50_000)
        done = twinmatch(*asked, "--ban", "de-guest=it-host", "--out", disk / "out", cwd=tmp_path)
        said_in_words(done, "Nothing was written", "The disk is full: free some space")
        (disk / "filler").unlink()
        assert files_of(disk) == before
        done_well(
            twinmatch(*asked, "--ban", "de-guest=it-host", "--out", disk / "out", cwd=tmp_path)
        )
        assert files_of(disk / "out") != {k.removeprefix("out/"): v for k, v in before.items()}


def test_a_store_on_a_full_disk_says_so_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    with small_disk(tmp_path, 1500) as disk:
        store = open_store(disk / "store.sqlite")
        run = keep(store).id
        fill(disk, leave=20_000)
        told = 0
        with pytest.raises(DataError) as refused:  # noqa: PT012
            for told in range(1000):  # noqa: B007
                store.add(run, "note", "Ada", why="word " * 400)
        assert refused.value.problems[0].code == "store-full"
        assert [e.number for e in store.history(run)] == list(range(1, told + 1))
        said_in_words(
            twinmatch(
                "decide",
                run,
                "note",
                "--store",
                disk / "store.sqlite",
                "--why",
                "word " * 2000,
                cwd=tmp_path,
            ),
            "There is no room left for the store",
            "Free some space",
        )
        (disk / "filler").unlink()
        assert store.add(run, "note", "Ada", why="on").number == told + 1
        store.close()
        found = sqlite3.connect(disk / "store.sqlite")
        assert found.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        found.close()


def test_an_import_on_a_full_disk_leaves_the_profiles_before(tmp_path: Path) -> None:
    with small_disk(tmp_path, 600) as disk:
        profiles = disk / "profiles"
        profiles.mkdir()
        (profiles / "de-a.yaml").write_text("id: de-a\nname: A\ncountry: DE\n", encoding="utf-8")
        rows = "".join(f"fr-c{k},C{k},FR,{k}000\n" for k in range(1, 200))
        (tmp_path / "t.csv").write_text("id,name,country,population\n" + rows, encoding="utf-8")
        before = files_of(profiles)
        fill(disk, leave=100_000)
        done = twinmatch("import", "table", tmp_path / "t.csv", "--out", profiles, cwd=tmp_path)
        said_in_words(done, "Nothing was written", "The disk is full")
        assert files_of(profiles) == before
        assert json.dumps(sorted(p.name for p in profiles.iterdir())) == '["de-a.yaml"]'
