"""The nearest of many cities are found by another process, once, and taken by whoever serves the same cities."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import pytest

from twinmatch.app.finding import Finding
from twinmatch.app.peers import SMALL
from twinmatch.app.service import Question, open_service

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))
from cohorts import as_csv, profiles, stock


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    place = tmp_path_factory.mktemp("many") / "cities.csv"
    place.write_text(as_csv(profiles(SMALL + 1, stock(None))), encoding="utf-8")
    return place


def opened(many, keep_in):
    return open_service(many, model="static", keep_in=keep_in)


def waited(finding):
    end = time.monotonic() + 120
    while not finding.look():
        assert time.monotonic() < end
        time.sleep(0.1)
    finding.stop()


@pytest.mark.slow
def test_the_nearest_are_found_once_and_answers_stay_the_same(many, tmp_path):
    service = opened(many, tmp_path)
    city = service.cohort.cities[500].id
    assert not service.is_quick(Question())
    before = service.similar(city, Question())
    waited(Finding(service, many, (), "static"))
    assert service.is_quick(Question())
    after = service.similar(city, Question())
    assert [(p.city, p.score, p.steps, p.standing) for p in after.peers] == [
        (p.city, p.score, p.steps, p.standing) for p in before.peers
    ]
    assert not before.said
    assert all(after.said)
    again = opened(many, tmp_path)
    assert again.is_quick(Question())
    assert np.array_equal(again.peers.tables.near, service.peers.tables.near)
    assert [p.name for p in tmp_path.iterdir()] == [service.peers.place.name]


@pytest.mark.slow
def test_where_nothing_is_kept_the_nearest_are_passed_on(many, monkeypatch):
    monkeypatch.setenv("TWINMATCH_CACHE", "off")
    service = open_service(many, model="static")
    assert service.peers.place is None
    waited(Finding(service, many, (), "static"))
    assert service.is_quick(Question())
    assert not service.peers.place.parent.exists()


@pytest.mark.slow
def test_a_search_that_is_stopped_leaves_nothing_and_begins_anew(many, tmp_path):
    service = opened(many, tmp_path)
    finding = Finding(service, many, (), "static")
    assert not finding.look()
    finding.stop()
    assert not service.peers.is_complete
    assert service.similar(service.cohort.cities[0].id, Question(3)).peers
    waited(Finding(service, many, (), "static"))
    assert service.is_quick(Question())
