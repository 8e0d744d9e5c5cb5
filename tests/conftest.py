"""What several tests share: the bundled cohort, read once, and its facet_cache."""

from __future__ import annotations

import os
import sys
from pathlib import Path

# Each processor has a worker of its own; more threads would wait for each other. Before anything loads NumPy.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))

from twinmatch.cohort import Cohort
from twinmatch.embedding.choice import open_text_model
from twinmatch.facets import FacetCache
from twinmatch.facets.text import all_sentences
from twinmatch.reading import read

settings.register_profile(
    "no clock", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)  # a slow machine decides no test
settings.load_profile("no clock")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Give each worker neighbouring tests, which share what is costly to set up; who is done takes from the others."""
    if getattr(config.option, "numprocesses", None) and config.option.dist == "no":
        config.option.dist = "worksteal"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: services, browsers and databases are waited for."""
    return (os.cpu_count() or 1) + 1


SLOW = {"examples", "properties", "reliability", "security"}
"""Folders whose tests take minutes together; `make fast` leaves them out."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here) and item.path.relative_to(here).parts[0] in SLOW:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def bundled() -> Cohort:
    return read()


@pytest.fixture(scope="session")
def bundled_facet_cache(bundled: Cohort) -> FacetCache:
    return FacetCache(open_text_model("bundled", all_sentences(bundled)))
