"""What was read of the bundled profiles is kept, and is what reading them gives, to the last value and type."""

from __future__ import annotations

import json

import pytest

from twinmatch.files import bundled_path
from twinmatch.reading import once_read, read
from twinmatch.reading.folder import read_folder

CITY = "id: de-a\nname: A\ncountry: DE\nroles: [guest]\nchallenges: {waste: 3}\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TWINMATCH_CACHE", str(tmp_path / "cache"))
    place = tmp_path / "cities"
    place.mkdir()
    (place / "de-a.yaml").write_text(CITY, encoding="utf-8")
    return place


def never(_):
    raise AssertionError("read again")


def kept(folder):
    return sorted((folder.parent / "cache").glob("profiles-*.json"))


def test_the_bundled_profiles_are_kept_as_they_are_read(tmp_path, monkeypatch):
    monkeypatch.setenv("TWINMATCH_CACHE", str(tmp_path))
    bundled = bundled_path("city_profiles")
    first = once_read(bundled, read_folder)
    again = once_read(bundled, never)
    assert repr(again) == repr(first)  # types and the order of fields, too
    assert read().fingerprint == read(bundled).fingerprint


def test_a_changed_file_is_read_anew_and_the_earlier_ones_are_forgotten(folder):
    once_read(folder, read_folder)
    earlier = kept(folder)
    (folder / "de-a.yaml").write_text(CITY.replace("3", "2"), encoding="utf-8")
    assert once_read(folder, read_folder).cities[0].data["challenges"] == {"waste": 2}
    assert len(kept(folder)) == 1
    assert kept(folder) != earlier


@pytest.mark.parametrize(
    "field", ["note: .nan", "note: .inf", "challenges: {1: 2}", "name: A\nname: B", "!!set {a}"]
)
def test_what_json_cannot_say_or_cannot_be_read_is_not_kept(folder, field):
    (folder / "it-b.yaml").write_text(f"id: it-b\n{field}\n", encoding="utf-8")
    assert repr(once_read(folder, read_folder)) == repr(read_folder(folder))
    assert not kept(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"cities": 3}', b"\xff"])
def test_a_kept_file_that_is_damaged_is_passed_over(folder, content):
    raw = once_read(folder, read_folder)
    (place,) = kept(folder)
    place.write_bytes(content)
    assert once_read(folder, read_folder) == raw
    assert json.loads(place.read_bytes())


def test_without_a_cache_everything_is_read(folder, monkeypatch):
    monkeypatch.setenv("TWINMATCH_CACHE", "off")
    assert once_read(folder, read_folder) == read_folder(folder)
    assert not kept(folder)
