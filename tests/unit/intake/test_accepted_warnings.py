from __future__ import annotations

from pathlib import Path

import pytest
from profiles_for_intake import city, inventory

from twinmatch.app.intake import accept_warnings, check_profiles
from twinmatch.errors import DataError, QuestionError
from twinmatch.intake.profile_folder import accepted_path, read_accepted, write_profiles


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    port = city("nl-port", emissions=inventory(boundary_population=1_300))
    write_profiles([port], [], tmp_path / "p")
    return tmp_path / "p"


def test_an_accepted_warning_is_remembered_until_its_value_changes(folder: Path) -> None:
    before = check_profiles(folder)
    (warning,) = [t for t in before.problems if t.level == "warning"]
    assert warning.city == "nl-port"
    place = accept_warnings(
        folder, before, [warning.key], "Port industry; ask Dr. Anna Kanarek", "2026-11-22"
    )
    assert place == folder / "_accepted.toml"
    (entry,) = read_accepted(place)
    assert (entry.code, entry.city, entry.on) == ("per-head-implausible", "nl-port", "2026-11-22")
    assert "Kanarek" not in place.read_text("utf-8")
    after = check_profiles(folder)
    assert [t.key for t in after.accepted] == [warning.key]
    assert warning.key not in {t.key for t in after.problems}
    write_profiles(
        [city("nl-port", emissions=inventory(boundary_population=1_200))], [], folder, "replace"
    )
    assert not check_profiles(folder).accepted


def test_errors_unknown_keys_and_silence_are_not_accepted(folder: Path) -> None:
    bad = city("de-x", participation={"guests_at_least": 2, "guests_at_most": 1})
    write_profiles([bad], [], folder)
    checked = check_profiles(folder)
    (error,) = [t for t in checked.problems if t.level == "error"]
    with pytest.raises(QuestionError) as caught:
        accept_warnings(folder, checked, [error.key, "00000000"], " ", "2026-11-22")
    assert {p.code for p in caught.value.problems} == {
        "error-not-acceptable",
        "key-unknown",
        "why-missing",
    }
    assert not accepted_path(folder).exists()


def test_beside_a_table_the_file_has_the_tables_name(tmp_path: Path) -> None:
    assert accepted_path(tmp_path / "cities.xlsx") == tmp_path / "cities.accepted.toml"


@pytest.mark.parametrize(
    "content", ["[[accepted]\n", "[[accepted]]\nkey = 'a'\n", "accepted = 5\n"]
)
def test_a_broken_file_is_told(folder: Path, content: str) -> None:
    accepted_path(folder).write_text(content, "utf-8")
    with pytest.raises(DataError, match="Repair it"):
        check_profiles(folder)
