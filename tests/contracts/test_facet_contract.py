"""What every facet of the registry keeps; an addition to the registry tests itself here."""

from __future__ import annotations

import numpy as np
import pytest

from twinmatch.cohort import Cohort
from twinmatch.facets import FACETS
from twinmatch.testing import check_facet

EVERYONE = pytest.mark.parametrize("name", list(FACETS))


@pytest.fixture(scope="module")
def made(bundled, bundled_facet_cache):
    return {name: entry.make(bundled, bundled_facet_cache) for name, entry in FACETS.items()}


@pytest.fixture(scope="module")
def block(bundled, made):
    everyone = np.arange(len(bundled))
    return {name: facet.likeness(everyone, everyone) for name, facet in made.items()}


@EVERYONE
def test_it_passes_what_authors_of_facets_run(name, bundled, bundled_facet_cache):
    check_facet(FACETS[name], bundled, bundled_facet_cache)


@EVERYONE
def test_what_is_unknown_is_said_to_be(name, made, block):
    pairs = np.argwhere(np.isnan(block[name]))
    for i, j in pairs[:: max(1, len(pairs) // 40)]:
        if i != j:
            says = made[name].says(int(i), int(j))[0]
            assert any(
                word in says
                for word in (
                    "not known",
                    "too few",
                    "Too few",
                    "Too little",
                    "has named no host",
                    "language that the text model",
                )
            ), says


@EVERYONE
def test_figures_are_told_with_their_source(name, made, bundled, block):
    known = [(int(i), int(j)) for i, j in np.argwhere(~np.isnan(block[name]))[::997] if i != j]
    for i, j in known:
        for fact in made[name].says(i, j)[1]:
            assert fact.what
            assert fact.kind in {"reported", "estimated", "stated"}
            assert fact.source or fact.what in {"languages", "wishes, best first"}, fact


@EVERYONE
def test_a_city_with_nothing_known_is_unknown_or_average(name, bundled_facet_cache, bundled):
    empty = bundled.cities[0].model_validate({"id": "de-empty", "name": "Empty", "country": "DE"})
    cohort = Cohort(tuple(sorted((*bundled.cities, empty), key=lambda c: c.id)), bundled.units)
    facet = FACETS[name].make(cohort, bundled_facet_cache)
    row = facet.likeness(np.array([cohort.index["de-empty"]]), np.arange(len(cohort)))
    assert np.isnan(row).all() or name == "language"
