"""The service with more cities than are compared at once when it starts: it answers at once, and the same ever after."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest
from service_for_tests import served, shared

from twinmatch.app.peers import SMALL
from twinmatch.app.service import Question
from twinmatch.web.state import Answers

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from cohorts import as_csv, profiles, stock


@pytest.mark.slow
def test_answers_are_the_same_bytes_before_and_after_the_nearest_are_found(tmp_path, monkeypatch):
    monkeypatch.setenv("TWINMATCH_CACHE", str(tmp_path / "cache"))
    many = tmp_path / "cities.csv"
    many.write_text(as_csv(profiles(SMALL + 1, stock(None))), encoding="utf-8")
    paths = [
        "/cities/be-leuven/similar",
        "/cities/be-leuven/similar?k=25",
        "/cities/de-mannheim/similar?detail=account&k=3",
        "/cities/de-mannheim/similar?other_country=true&k=40",
    ]
    settings = {"requests_a_minute": 1_000_000, "heavy_a_minute": 1_000_000}
    with served(tmp_path / "s.sqlite", profiles=many, **settings) as api:
        service = shared(api).service
        assert not service.is_quick(Question())
        before = [api.get(path) for path in paths]
        assert {answer.status_code for answer in before} == {200}
        end = time.monotonic() + 120
        while not service.is_quick(Question()):
            assert time.monotonic() < end
            time.sleep(0.1)
        shared(api).answers = Answers(64_000_000)  # nothing is answered from memory
        after = [api.get(path) for path in paths]
    assert [a.content for a in after] == [b.content for b in before]
    assert [a.headers["etag"] for a in after] == [b.headers["etag"] for b in before]
    with served(tmp_path / "s.sqlite", profiles=many, **settings) as api:
        assert shared(api).service.is_quick(Question())  # kept for the next start
        assert [api.get(path).content for path in paths] == [b.content for b in before]


@pytest.mark.slow
def test_a_service_that_ends_stops_the_search(tmp_path, monkeypatch):
    monkeypatch.setenv("TWINMATCH_CACHE", str(tmp_path / "cache"))
    many = tmp_path / "cities.csv"
    many.write_text(as_csv(profiles(SMALL + 1, stock(None))), encoding="utf-8")
    begun = []
    from twinmatch.app.finding import Finding

    look = Finding.look
    monkeypatch.setattr(Finding, "look", lambda found: begun.append(found) or look(found))
    with served(tmp_path / "s.sqlite", profiles=many):
        while not begun or begun[0]._process is None:
            time.sleep(0.01)
    assert not begun[0]._process.is_alive()
