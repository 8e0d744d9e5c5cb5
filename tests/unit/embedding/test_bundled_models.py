import subprocess
import sys
from pathlib import Path

import pytest

from twinmatch.embedding import backends
from twinmatch.files import bundled_path

TOOL = Path(__file__).parents[3] / "tools" / "build_text_models.py"


@pytest.mark.parametrize("name", backends.read_sums(bundled_path("models", "SHA256SUMS")))
def test_every_listed_file_is_as_it_was_built(name: str) -> None:
    sums = backends.read_sums(bundled_path("models", "SHA256SUMS"))
    backends.check_file(bundled_path("models", *name.split("/")), sums[name])


def test_every_sentence_of_the_bundled_profiles_has_its_vector() -> None:
    """If this fails: `python tools/build_text_models.py vectors` (needs the extra `text`)."""
    done = subprocess.run(
        [sys.executable, str(TOOL), "vectors", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 without a vector" in done.stdout
