from pathlib import Path

import pytest

from twinmatch import files
from twinmatch.errors import DataError
from twinmatch.files import bundled_path


@pytest.mark.parametrize("name", ["city_profiles", "models"])
def test_the_source_checkout_has_both_folders(name: str) -> None:
    assert bundled_path(name).is_dir()


def test_further_parts_are_joined() -> None:
    assert bundled_path("models", "a", "b.npz") == bundled_path("models") / "a" / "b.npz"


@pytest.mark.parametrize("parts", [(), ("secrets",), ("..", "models")])
def test_only_bundled_folders_are_known(parts: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="city_profiles, gazetteer, models, notebooks"):
        bundled_path(*parts)


def test_a_wheel_carries_its_own_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site-packages" / "twinmatch"
    (package / "bundled" / "models").mkdir(parents=True)
    monkeypatch.setattr(files, "_PACKAGE", package)
    assert bundled_path("models") == package / "bundled" / "models"


def test_a_broken_installation_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "lib" / "site-packages" / "twinmatch"
    (tmp_path / "lib" / "models").mkdir(parents=True)  # a neighbour's folder, not ours
    monkeypatch.setattr(files, "_PACKAGE", package)
    with pytest.raises(DataError, match="not part of this installation"):
        bundled_path("models")
