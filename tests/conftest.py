"""What several tests share: the bundled cohort, read once, and its facet_cache."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from twinmatch.cohort import Cohort
from twinmatch.embedding import open_text_model
from twinmatch.facets import FacetCache
from twinmatch.facets.text import all_sentences
from twinmatch.reading import read


@pytest.fixture(scope="session")
def bundled() -> Cohort:
    return read()


@pytest.fixture(scope="session")
def bundled_facet_cache(bundled: Cohort) -> FacetCache:
    return FacetCache(open_text_model("bundled", all_sentences(bundled)))
