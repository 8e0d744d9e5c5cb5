"""What several tests share: the bundled cohort, read once, and its facet_cache."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from typing import Any

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

# Collected as rarely as in a command: hundreds of modules are loaded, and each collection walks over all that they hold.
gc.set_threshold(50_000, 20, 100)

settings.register_profile(
    "no clock", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)  # a slow machine decides no test
settings.load_profile("no clock")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give a worker whole files, which set up once what is costly, in the order in which they are collected.

    All files of the browser are one, and all of the API: they share a service.
    """
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return next(
                (shared for shared in ("/e2e/", "/doors/test_api_") if shared in file), file
            )

    config.option.loadscopereorder = False
    return Scheduling(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: services, browsers and databases are waited for."""
    return (os.cpu_count() or 1) + 1


SLOW = {"examples", "properties", "reliability", "security"}
"""Folders whose tests take minutes together; `make fast` leaves them out."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is slow, and let it come first: what is left for the end is short, and no worker waits for another."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here) and item.path.relative_to(here).parts[0] in SLOW:
            item.add_marker(pytest.mark.slow)
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (item.path.parent != here / "e2e", item.path not in slow))


@pytest.fixture(scope="session")
def bundled() -> Cohort:
    return read()


@pytest.fixture(scope="session")
def bundled_facet_cache(bundled: Cohort) -> FacetCache:
    return FacetCache(open_text_model("bundled", all_sentences(bundled)))
