import errno
import os
import sys
import time
import tomllib
from functools import partial
from pathlib import Path

import pytest
from exporting_samples import sample
from hypothesis import given
from hypothesis import strategies as st

from twinmatch import exporting, files
from twinmatch.errors import QuestionError
from twinmatch.exporting import EXPORTERS, publish, read_proposal
from twinmatch.files import MADE, toml_text, write_files

FILES = {"a.txt": b"new a", "b.txt": b"new b", "c.txt": b"new c"}


def contents(folder: Path) -> dict[str, bytes]:
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def test_publish_writes_every_export_and_nothing_else(tmp_path):
    written = publish(sample(), tmp_path / "round")
    assert [path.name for path in written] == [*EXPORTERS, "dossiers", "letters"]
    assert {path.name for path in (tmp_path / "round").iterdir()} == {
        *EXPORTERS,
        "dossiers",
        "letters",
    }
    assert [path.name for path in tmp_path.iterdir()] == ["round"]


def test_publishing_what_was_read_back_gives_the_same_bytes(tmp_path):
    publish(sample(), tmp_path / "one")
    publish(read_proposal(tmp_path / "one/proposal.json"), tmp_path / "two")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_other_files_of_the_folder_stay(tmp_path):
    (tmp_path / "mine.txt").write_text("notes")
    (tmp_path / "a.txt").write_text("old")
    write_files(FILES, tmp_path)
    assert contents(tmp_path) == {**FILES, "mine.txt": b"notes"}


@pytest.mark.parametrize("fails_at", [1, 2, 3])
def test_a_move_that_fails_leaves_everything_as_it_was(tmp_path, monkeypatch, fails_at):
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.txt").write_text("old a")
    calls = iter(range(1, 10))
    really = os.replace

    def replace(one, other):
        if next(calls) == fails_at:
            raise PermissionError(errno.EACCES, "Permission denied")
        really(one, other)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(QuestionError, match=r"Nothing was written.*close these files"):
        write_files(FILES, out)
    monkeypatch.undo()
    assert contents(out) == {"a.txt": b"old a"}
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


NESTED = {"a.txt": b"a", "pages/one.html": b"one", "pages/sub/two.html": b"two"}


def test_a_folder_is_replaced_as_a_whole(tmp_path):
    write_files({"pages/old.html": b"old"}, tmp_path)
    written = write_files(NESTED, tmp_path)
    assert written == [tmp_path / "a.txt", tmp_path / "pages"]
    found = contents(tmp_path)
    assert found.pop(f"pages/{MADE}")
    assert found == NESTED


@pytest.mark.parametrize("change", ["edit", "add"])
def test_what_people_changed_in_a_folder_is_kept(tmp_path, change):
    write_files(NESTED, tmp_path)
    own = tmp_path / "pages" / ("one.html" if change == "edit" else "notes.txt")
    own.write_bytes(b"mine")
    write_files(NESTED, tmp_path)
    write_files(NESTED, tmp_path)
    found = contents(tmp_path)
    assert found["pages/one.html"] == b"one"
    assert found[f"pages-kept-1/{own.name}"] == b"mine"
    assert not (tmp_path / "pages-kept-2").exists()


@pytest.mark.parametrize("fails_at", range(1, 4))
def test_a_folder_that_cannot_be_moved_is_left_as_it_was(tmp_path, monkeypatch, fails_at):
    write_files({"pages/old.html": b"old"}, tmp_path)
    (tmp_path / "pages/notes.txt").write_bytes(b"mine")
    before, calls, really = contents(tmp_path), iter(range(1, 20)), os.replace

    def replace(one, other):
        if next(calls) == fails_at:
            raise PermissionError(errno.EACCES, "Permission denied")
        really(one, other)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(QuestionError, match="Nothing was written"):
        write_files(NESTED, tmp_path)
    monkeypatch.undo()
    assert contents(tmp_path) == before


def test_a_full_disk_leaves_no_folder(tmp_path, monkeypatch):
    def full(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(QuestionError, match="The disk is full"):
        write_files(FILES, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_an_exporter_that_fails_writes_nothing(tmp_path, monkeypatch):
    def breaks(_proposal, _language):
        raise ZeroDivisionError

    monkeypatch.setitem(exporting.EXPORTERS, "network.graphml", breaks)
    with pytest.raises(ZeroDivisionError):
        publish(sample(), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_wrong_places_are_refused_with_their_reason(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(QuestionError, match="This is a file, not a folder"):
        write_files(FILES, tmp_path / "file")
    with pytest.raises(QuestionError, match="There is no such folder"):
        write_files(FILES, tmp_path / "missing" / "out")
    (tmp_path / "pages").write_text("mine")
    with pytest.raises(QuestionError, match=r"pages: A file has the name of a folder"):
        write_files(NESTED, tmp_path)
    (tmp_path / "out" / "b.txt").mkdir(parents=True)
    with pytest.raises(QuestionError, match=r"b\.txt: A folder has the name"):
        write_files(FILES, tmp_path / "out")
    assert (tmp_path / "file").read_text() == "mine"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["b.txt"]


@given(st.text())
def test_any_text_is_one_toml_string_and_nothing_else(text):
    read = tomllib.loads(f"a = {toml_text(text)}")
    assert read == {"a": "".join(c if c.isprintable() else " " for c in text)}


# --- several processes ---------------------------------------------------------------------------------------


@pytest.fixture
def shared(monkeypatch):
    """Let two processes share work whatever its size, as where there are two cores."""
    if sys.platform != "linux":
        pytest.skip("processes are copied on Linux alone")
    monkeypatch.setattr(files, "SHARED_FROM", 0)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})


def test_pieces_are_shared_and_come_back_in_their_order(shared, monkeypatch):
    def piece(k):
        time.sleep(0.01)  # so that neither takes them all
        return k, os.getpid()

    found = files.shared_out([partial(piece, k) for k in range(9)], 1)
    assert [k for k, _ in found] == [*range(9)]
    assert len({pid for _, pid in found}) == 2
    monkeypatch.setenv(files.WORKERS, "1")
    alone = files.shared_out([partial(piece, k) for k in range(9)], 1)
    assert {pid for _, pid in alone} == {os.getpid()}


def test_what_a_copy_does_not_bring_is_done_here(shared):
    here = os.getpid()

    def piece(k):
        time.sleep(0.01)
        if os.getpid() != here and k % 2:
            os._exit(1)
        return lambda: k  # which no process can send

    assert [found() for found in files.shared_out([partial(piece, k) for k in range(6)], 1)] == [
        *range(6)
    ]


def test_an_error_of_a_piece_is_raised_wherever_it_was_done(shared):
    def piece(k):
        time.sleep(0.01)
        raise ZeroDivisionError(k)

    with pytest.raises(ZeroDivisionError):
        files.shared_out([partial(piece, k) for k in range(3)], 1)


def test_two_processes_write_the_bytes_of_one(tmp_path, shared, monkeypatch):
    publish(sample(), tmp_path / "two")
    monkeypatch.setenv(files.WORKERS, "1")
    publish(sample(), tmp_path / "one")
    assert contents(tmp_path / "two") == contents(tmp_path / "one")
