"""What is installed is locked with hashes, is what pyproject.toml asks for, and may be given on."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

REPO = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPO / "tools"))
import licences  # noqa: E402

LOCKS = REPO / "requirements"
PROJECT = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
ASKED = {
    "service.txt": ("web", "postgres"),
    "lock.txt": tuple(e for e in EXTRAS if e not in {"text", "all"}),
    "minimal.txt": ("web", "postgres", "parquet", "word", "cluster", "analysis"),
}


def locked(name: str) -> dict[str, list[tuple[Requirement, int]]]:
    """Return what a lock pins, by package: each pin and how many hashes it has."""
    text = (LOCKS / name).read_text(encoding="utf-8").replace("\\\n", " ")
    found: dict[str, list[tuple[Requirement, int]]] = {}
    for line in text.splitlines():
        if line and not line.lstrip().startswith("#"):
            pin = Requirement(line.partition(" --hash")[0].strip())
            found.setdefault(licences.normal(pin.name), []).append(
                (pin, line.count("--hash=sha256:"))
            )
    return found


def asked(name: str) -> list[Requirement]:
    lines = [*PROJECT["dependencies"], *(line for extra in ASKED[name] for line in EXTRAS[extra])]
    asked_for = [Requirement(line) for line in lines]
    within = [e for r in asked_for if r.name == "twinmatch" for e in r.extras]
    asked_for += [Requirement(line) for extra in within for line in EXTRAS[extra]]
    return [requirement for requirement in asked_for if requirement.name != "twinmatch"]


@pytest.mark.parametrize("name", ASKED)
def test_a_lock_pins_what_pyproject_asks_for(name: str) -> None:
    pins = locked(name)
    for requirement in asked(name):
        found = pins.get(licences.normal(requirement.name))
        assert found, f"{requirement.name} is not locked: make lock"
        for pin, _ in found:
            (version,) = [s.version for s in pin.specifier if s.operator == "=="]
            assert requirement.specifier.contains(Version(version), prereleases=True), (
                f"{pin} does not fit {requirement}: make lock"
            )


@pytest.mark.parametrize("name", ["service.txt", "lock.txt"])
def test_every_file_is_known_by_its_hash_and_from_nowhere_in_particular(name: str) -> None:
    text = (LOCKS / name).read_text(encoding="utf-8")
    assert not re.search(r"https?:|file:|--index|--find-links|@ ", text)
    for pins in locked(name).values():
        assert all(hashes > 0 for _, hashes in pins), pins
    assert "torch" not in locked(name), "its builds differ by machine; the README says how"


def test_the_service_is_locked_with_the_versions_that_are_tested() -> None:
    whole = {n: [str(p.specifier) for p, _ in pins] for n, pins in locked("lock.txt").items()}
    for name, pins in locked("service.txt").items():
        for pin, _ in pins:
            assert str(pin.specifier) in whole[name], f"{name}: make lock"


def test_the_minimal_versions_are_the_lower_bounds() -> None:
    pins = locked("minimal.txt")
    for requirement in asked("minimal.txt"):
        bounds = [Version(s.version) for s in requirement.specifier if s.operator == ">="]
        assert bounds, f"{requirement} promises no oldest version"
        version = Version(str(pins[licences.normal(requirement.name)][0][0].specifier)[2:])
        # The next release where the bound itself was never made or has been withdrawn.
        assert version >= bounds[0]
        assert version.release[0] == bounds[0].release[0]


def test_no_unexpected_licence_is_among_what_is_installed() -> None:
    found = licences.all_needed()
    assert len(found) > 40
    assert licences.problems(found) == []


@pytest.mark.parametrize("extra", ["", "web"])
def test_neither_core_nor_service_needs_a_copyleft(extra: str) -> None:
    stated = licences.needed(extra)
    assert len(stated) > 20
    assert {n: s for n, s in stated.items() if licences.COPYLEFT.search(s)} == {}


def test_a_copyleft_would_be_told() -> None:
    for stated in ("GPL-3.0-only", "GNU Affero General Public License v3", "not stated", "SSPL-1.0", "Proprietary"):  # fmt: skip
        assert licences.problems({"x": (stated, "")}), stated


def test_the_page_of_licences_lists_what_is_installed() -> None:
    page = licences.PAGE.read_text(encoding="utf-8")
    for name in licences.all_needed():
        assert f"| {name} |" in page, f"{name}: make licences"
