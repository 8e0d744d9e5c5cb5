"""The made-up cities of the tests are those that authors of extensions have."""

import shutil
from pathlib import Path

from twinmatch.files import bundled_path
from twinmatch.testing import BagOfWords, cohort_of, facet_cache

__all__ = ["BagOfWords", "cohort_of", "facet_cache", "some_bundled"]


def some_bundled(folder: Path, every: int, *named: str) -> Path:
    """Copy every so-manieth bundled city into a folder, and those that are named or of host units; return the folder."""
    source = bundled_path("city_profiles")
    units = (source / "_host_units.yaml").read_text(encoding="utf-8")
    for k, path in enumerate(sorted(source.glob("*.yaml"))):
        if k % every == 0 or path.stem in named or path.stem in units or path.stem.startswith("_"):
            shutil.copy(path, folder)
    return folder
