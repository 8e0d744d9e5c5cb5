"""Readiness: alike for groups; for learning a step ahead, not behind and not four ahead."""

from __future__ import annotations

import numpy as np
import pytest

from cities import cohort_of, facet_cache
from twinmatch.facets.readiness import Readiness, ReadinessStep
from twinmatch.schema import Dimension

NAMES = [d.value for d in Dimension]


def readiness(row):
    return {name: level for name, level in zip(NAMES, row, strict=False) if level is not None}


def pair(mine, theirs):
    return cohort_of(
        {"id": "de-x", "readiness": readiness(mine)}, {"id": "fr-y", "readiness": readiness(theirs)}
    )


def likeness(facet):
    return facet.likeness(np.array([0]), np.array([1]))[0, 0]


def test_likeness_is_the_mean_distance_in_levels():
    facet = Readiness(pair([1, 2, 3, 4], [1, 3, 1, 4]), facet_cache())
    assert likeness(facet) == pytest.approx(1 - (0 + 1 + 2 + 0) / 4 / 4)
    text, facts = facet.says(0, 1)
    assert (
        text
        == "X and Y stand at the same level on 2 of 4 dimensions of readiness; furthest apart on climate target, where X is 2 ahead."
    )
    assert [f.value for f in facts] == [1, 2, 3, 4, 1, 3, 1, 4]


def test_only_dimensions_known_to_both_count_and_too_few_are_unknown():
    assert np.isnan(
        likeness(Readiness(pair([1, 2, 3, None, 3], [1, 2, 3, 4, None]), facet_cache()))
    )
    assert likeness(Readiness(pair([1, 2, 3, 0, None], [1, 2, 3, 0, 4]), facet_cache())) == 1.0


@pytest.mark.parametrize(("host", "fit"), [(0, 0.0), (1, 0.6), (2, 1.0), (3, 0.8), (4, 0.4)])
def test_the_target_band(host, fit):
    assert likeness(ReadinessStep(pair([1] * 4, [host] * 4), facet_cache())) == pytest.approx(fit)


def test_a_step_ahead_beats_the_same_level_which_beats_four_ahead_and_behind():
    worth = {
        h: likeness(ReadinessStep(pair([0, 0, 0, 0, 1], [h, h, h, h, h]), facet_cache()))
        for h in range(5)
    }
    assert worth[1] > worth[2] > worth[3] > worth[4]
    assert worth[1] > worth[0]
    assert likeness(ReadinessStep(pair([2] * 4, [1] * 4), facet_cache())) == 0.0


def test_what_the_guest_lacks_most_counts_most():
    lacking_met = ReadinessStep(pair([0, 3, 3, 3], [1, 3, 3, 3]), facet_cache())
    strong_met = ReadinessStep(pair([0, 3, 3, 3], [0, 4, 3, 3]), facet_cache())
    assert likeness(lacking_met) > likeness(strong_met)


def test_silence_is_told():
    facet = Readiness(
        cohort_of({"id": "de-x"}, {"id": "fr-y", "readiness": dict.fromkeys(NAMES, 2)}),
        facet_cache(),
    )
    assert facet.says(0, 1)[0] == "The readiness of X is not known."
