"""Every reader has a harness of `tools/fuzz.py`, which finds nothing in samples that were changed at random."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from types import ModuleType

import pytest

from twinmatch.errors import DataError
from twinmatch.reading import TABLES
from twinmatch.reading.importers import IMPORTERS

TOOL = Path(__file__).parents[3] / "tools" / "fuzz.py"


def _tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fuzz_tool", TOOL)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["fuzz_tool"] = module
    spec.loader.exec_module(module)
    return module


fuzz = _tool()
HARNESSES = fuzz.harnesses()


def bytewise(rng: Random) -> Callable[[bytes], bytes]:
    """Return a mutator that works without atheris: bytes flipped, cut out and doubled."""

    def mutate(content: bytes) -> bytes:
        made = bytearray(content)
        for _ in range(rng.randint(1, 8)):
            at = rng.randrange(len(made) or 1)
            piece = bytes(made[at : at + rng.randint(1, 16)])
            made[at : at + rng.randint(0, 4)] = rng.choice(
                [piece, b"", bytes([rng.randrange(256)])]
            )
        return bytes(made)

    return mutate


def test_no_reader_is_missing() -> None:
    importers = {f"import-{kind}" for kind in IMPORTERS}
    tables = {ending[1:] for ending in TABLES}
    others = {"folder", "proposal", "decisions", "programme", "mapping", "accepted"}
    assert set(HARNESSES) == importers | tables | others


@pytest.mark.parametrize("name", HARNESSES)
def test_the_first_sample_is_read_and_the_others_are_or_are_refused_on_purpose(
    tmp_path: Path, name: str
) -> None:
    samples = list(HARNESSES[name].samples(tmp_path))
    path = tmp_path / f"sample{HARNESSES[name].ending}"
    path.write_bytes(samples[0])
    HARNESSES[name].read(path)
    assert [fuzz.finding(HARNESSES[name], content, tmp_path) for content in samples] == [
        None
    ] * len(samples)


@pytest.mark.parametrize("name", HARNESSES)
def test_samples_that_were_changed_never_escape(tmp_path: Path, name: str) -> None:
    rng = Random(2030)
    harness = HARNESSES[name]
    samples = list(harness.samples(tmp_path))
    for _ in range(40):
        content = rng.choice(samples)
        for _ in range(rng.randint(1, 3)):
            content = fuzz.changed(content, harness.packed, bytewise(rng), rng)
        assert fuzz.finding(harness, content, tmp_path) is None


def test_an_exception_is_a_finding_told_by_kind_and_place_and_an_error_on_purpose_is_none(
    tmp_path: Path,
) -> None:
    def falls(path: Path) -> None:
        raise KeyError(path.name)

    def tells(path: Path) -> None:
        raise DataError([])

    def harness(read: Callable[[Path], object]) -> object:
        return fuzz.Harness(read, ".csv", lambda _: iter(()))

    found = fuzz.finding(harness(falls), b"x", tmp_path)
    assert found == "KeyError in test_fuzz_harnesses.py:falls"
    assert fuzz.finding(harness(tells), b"x", tmp_path) is None
