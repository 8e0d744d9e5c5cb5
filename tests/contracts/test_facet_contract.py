"""What every facet of the registry keeps; an addition to the registry tests itself here."""

from __future__ import annotations

import numpy as np
import pytest

from twinmatch.cohort import Cohort
from twinmatch.facets import FACETS

EVERYONE = pytest.mark.parametrize("name", list(FACETS))


@pytest.fixture(scope="module")
def made(bundled, bundled_facet_cache):
    return {name: entry.make(bundled, bundled_facet_cache) for name, entry in FACETS.items()}


@pytest.fixture(scope="module")
def block(bundled, made):
    everyone = np.arange(len(bundled))
    return {name: facet.likeness(everyone, everyone) for name, facet in made.items()}


@EVERYONE
def test_likeness_lies_between_0_and_1_or_is_unknown(name, block):
    known = block[name][~np.isnan(block[name])]
    assert block[name].shape == (255, 255)
    assert ((known >= 0) & (known <= 1)).all()


@EVERYONE
def test_undirected_facets_are_symmetric(name, block):
    if not FACETS[name].directed:
        np.testing.assert_allclose(block[name], block[name].T, atol=1e-12)


@EVERYONE
def test_blocks_of_rows_agree_with_the_whole(name, made, block):
    rows, cols = np.array([200, 3, 77]), np.array([9, 254, 120, 3])
    np.testing.assert_allclose(
        made[name].likeness(rows, cols), block[name][np.ix_(rows, cols)], atol=1e-9
    )


@EVERYONE
def test_empty_blocks_are_empty(name, made):
    none = np.zeros(0, dtype=np.intp)
    assert made[name].likeness(none, np.array([1, 2])).shape == (0, 2)
    assert made[name].likeness(np.array([1, 2]), none).shape == (2, 0)


@EVERYONE
def test_every_pair_is_said_in_a_sentence(name, made, bundled):
    rng = np.random.default_rng(0)
    for i, j in rng.integers(0, len(bundled), (150, 2)):
        if i == j:
            continue
        says, facts = made[name].says(int(i), int(j))
        assert says[0] == says[0].upper()
        assert says.rstrip()[-1] in ".!?…”"
        assert "nan" not in says.split()
        assert {f.city for f in facts} <= {bundled.cities[i].id, bundled.cities[j].id}


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
                    "has stated a wish",
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
