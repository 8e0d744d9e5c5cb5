"""What other packages add: found by entry points, checked when registered and at each answer, listed by doctor."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import twinmatch as tm
from cities import cohort_of, facet_cache
from twinmatch.affinity import compare
from twinmatch.app.neighbours import PEER_FACETS
from twinmatch.app.service import Question, open_service
from twinmatch.errors import QuestionError
from twinmatch.extensions import Registry
from twinmatch.facets import FACETS, FacetEntry
from twinmatch.facets.base import checked_entry
from twinmatch.programmes import PRODUCTS, RegisteredProduct, load
from twinmatch.programmes.registry import OWN as OWN_PRODUCTS
from twinmatch.programmes.rules import forbid
from twinmatch.programmes.twinning.frame import RULES
from twinmatch.reading.importers import IMPORTERS, Importer
from twinmatch.testing import check_facet, check_product, check_rule

COHORT = cohort_of(
    {"id": "at-a", "roles": ["guest"], "languages": ["de"]},
    {"id": "be-b", "roles": ["guest"], "languages": ["fr"]},
    {"id": "de-c", "roles": ["mission"], "languages": ["de"]},
    {"id": "fr-d", "roles": ["mission"], "languages": ["fr"]},
)


class Same:
    """A facet that answers as it was told to."""

    answer = staticmethod(lambda rows, cols: np.ones((len(rows), len(cols))))
    sentence = ("They are alike.", ())

    def __init__(self, cohort, cache):
        pass

    def likeness(self, rows, cols):
        return self.answer(rows, cols)

    def says(self, i, j):
        return self.sentence


def facet_that(**parts):
    return FacetEntry(type("Told", (Same,), parts), False, "Are they alike?")


@pytest.fixture
def added():
    """Return what registers facets for a test."""
    names = []

    def add(name, entry):
        FACETS[name] = entry
        names.append(name)

    yield add
    for name in names:
        del FACETS[name]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda rows, cols: np.ones((1, 1)), r"shape \(1, 1\)"),
        (lambda rows, cols: 5, r"shape \(\)"),
        (lambda rows, cols: np.full((len(rows), len(cols)), 5.0), r"outside \[0, 1\]"),
        (lambda rows, cols: np.full((len(rows), len(cols)), -0.1), r"outside \[0, 1\]"),
        (lambda rows, cols: [["x"] * len(cols) for _ in rows], "not numbers"),
    ],
)
def test_a_wrong_answer_of_a_facet_fails_by_its_name(added, answer, said):
    added("told", facet_that(answer=staticmethod(answer)))
    with pytest.raises(QuestionError, match=said) as caught:
        compare(COHORT, {"told": 1}, facet_cache()).score  # noqa: B018
    assert caught.value.problems[0].code == "extension-wrong"
    assert "'told'" in str(caught.value)
    with pytest.raises(AssertionError, match=said):
        check_facet(facet_that(answer=staticmethod(answer)), COHORT)


def test_a_wrong_facet_that_nobody_weighs_stops_neither_a_round_nor_a_service(added, monkeypatch):
    added("told", facet_that(answer=staticmethod(lambda rows, cols: np.ones((1, 1)))))
    twinning = {"weights": {"language": 1}, "guests": {"unknown": "let in"}}
    assert tm.propose(COHORT, {"twinning": twinning}).product("twinning").meetings
    monkeypatch.setattr("twinmatch.app.service.PEER_FACETS", (*PEER_FACETS, "told"))
    service = open_service(COHORT, model="static")
    assert service.similar("at-a", Question(weights={"language": 1})).similar[0].id == "de-c"
    with pytest.raises(QuestionError, match="told") as caught:
        service.similar("at-a", Question(weights={"told": 1}))
    assert caught.value.problems[0].code == "facet-unknown"


def test_a_wrong_sentence_fails_by_name(added):
    added("told", facet_that(sentence="no tuple"))
    affinity = compare(COHORT, {"told": 1}, facet_cache())
    with pytest.raises(QuestionError, match="told"):
        affinity.account(0, 1)


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"sentence": ("no sentence", ())}, "no sentence"),
        ({"answer": staticmethod(lambda r, c: np.tile(np.asarray(c) / 9, (len(r), 1)))}, "both ways"),
        ({"answer": staticmethod(lambda r, c: np.full((len(r), len(c)), len(r) / 9))}, "disagree"),
        ({"kinds": np.zeros(2)}, "kinds"),
    ],
)  # fmt: skip
def test_the_kit_finds_what_a_run_would_not(parts, said):
    with pytest.raises(AssertionError, match=said):
        check_facet(facet_that(**parts), COHORT)


def test_nan_is_unknown_and_not_wrong(added):
    added("told", facet_that(answer=staticmethod(lambda r, c: np.full((len(r), len(c)), np.nan))))
    assert (compare(COHORT, {"told": 1}, facet_cache()).score == 0.5).all()


def test_a_function_of_two_cities_is_a_facet():
    def same(a, b):
        return None if not (a.languages and b.languages) else float(a.languages == b.languages)

    tm.add_facet(
        "same_speech", same, "Do they speak the same?", says=lambda a, b: f"{a.name}, {b.name}."
    )
    try:
        check_facet(FACETS["same_speech"], COHORT)
        found = tm.compare(
            COHORT, {"same_speech": 1}, text_model=lambda texts: np.ones((len(texts), 2))
        )
        assert found.likeness["same_speech"][0].tolist() == [1, 0, 1, 0]
        assert found.account(0, 2).lines[0].says == "A, C."
        tm.add_facet("same_speech", lambda a, b: None, "Again?")
        again = tm.compare(
            COHORT, {"same_speech": 1}, text_model=lambda texts: np.ones((len(texts), 2))
        )
        assert "not known" in again.account(0, 2).lines[0].says
    finally:
        del FACETS["same_speech"]


@pytest.mark.parametrize(
    ("registry", "name", "entry"),
    [
        (FACETS, "context", facet_that()),
        (FACETS, "not a name", facet_that()),
        (FACETS, "x", 5),
        (PRODUCTS, "x", 5),
        (PRODUCTS, "twinning", OWN_PRODUCTS["twinning"]),
        (IMPORTERS, "x", Same),
        (RULES, "x", "y"),
    ],
)  # fmt: skip
def test_what_is_no_entry_is_refused_at_registration(registry, name, entry):
    with pytest.raises(QuestionError) as caught:
        registry[name] = entry
    assert caught.value.problems[0].code == "extension-wrong"


def test_a_wrong_answer_of_a_product_and_of_an_importer_fails_by_name():
    panels = OWN_PRODUCTS["city_panels"]
    PRODUCTS["odd"] = replace(panels, propose=lambda *_: None)
    IMPORTERS["odd"] = Importer("Odd", "nobody", lambda *_: None)
    try:
        with pytest.raises(QuestionError, match="'odd'"):
            PRODUCTS["odd"](None, None)
        with pytest.raises(QuestionError, match="'odd'"):
            IMPORTERS["odd"].read([], None)
    finally:
        del PRODUCTS["odd"], IMPORTERS["odd"]


def test_our_own_products_pass_the_kit():
    panels = OWN_PRODUCTS["city_panels"]
    cohort = cohort_of(
        *({"id": f"de-c{k}", "roles": ["mission" if k % 2 else "guest"]} for k in range(9))
    )
    found = check_product(panels, cohort, "city_panels", cities_per_country=None)
    assert found.meetings
    with pytest.raises(AssertionError, match="called 'city_panels'"):
        check_product(panels, cohort, "panels", cities_per_country=None)


def apart(frame):
    """Forbid pairs that share a language."""
    pairs = frame.pairs(
        lambda host, guest: COHORT[host.cities[0]].languages == COHORT[guest].languages
    )
    return forbid("apart", "Guest and host share no language.", pairs)


def test_a_rule_from_elsewhere_binds_where_a_programme_asks_for_it():
    assert check_rule(apart, COHORT).forbidden.sum() == 2
    RULES["apart"] = apart
    try:
        twinning = {"weights": {"language": 1}, "guests": {"unknown": "let in"}}
        free = tm.propose(COHORT, {"twinning": twinning}).to_frame()
        bound = tm.propose(COHORT, {"twinning": twinning | {"extra_rules": ["apart"]}})
        assert free["hosts"].tolist() == ["de-c", "fr-d"]
        assert bound.to_frame()["hosts"].tolist() == ["fr-d", "de-c"]
        (rule,) = [r for r in bound.products[0].rules if r.rule == "apart"]
        assert rule.says.startswith("Guest and host share no language.")
    finally:
        del RULES["apart"]
    with pytest.raises(QuestionError, match="apart"):
        tm.propose(COHORT, {"twinning": twinning | {"extra_rules": ["apart"]}})


# --- installed packages ------------------------------------------------------------------------------------------

PLUGIN = """
import numpy as np
from twinmatch.facets import FacetEntry

class Half:
    def __init__(self, cohort, cache): pass
    def likeness(self, rows, cols): return np.full((len(rows), len(cols)), 0.5)
    def says(self, i, j): return "Half.", ()

HALF = FacetEntry(Half, False, "Half?")
NUMBER = 5
"""


@pytest.fixture
def package(tmp_path):
    (tmp_path / "half_a_package.py").write_text(PLUGIN, encoding="utf-8")
    info = tmp_path / "half_a_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: half-a-package\nVersion: 1.0\n", "utf-8"
    )
    lines = (
        "half = half_a_package:HALF\nnumber = half_a_package:NUMBER\nlost = half_a_package:LOST\n"
    )
    (info / "entry_points.txt").write_text(f"[twinmatch.facets]\n{lines}", "utf-8")
    return tmp_path


def test_entry_points_are_loaded_when_they_are_asked_for_and_broken_ones_named(
    package, monkeypatch
):
    monkeypatch.syspath_prepend(package)
    registry = Registry("twinmatch.facets", {"own": facet_that()}, checked_entry)
    assert list(registry) == ["own", "half"]
    assert {e.name: bool(e.problem) for e in registry.extensions} == {"half": False, "lost": True, "number": True}  # fmt: skip
    assert "half-a-package" in registry.why_not("number")
    assert "LOST" in registry.why_not("lost")
    check_facet(registry["half"], COHORT)


@pytest.mark.slow
def test_doctor_lists_them_and_programmes_weigh_them(package):
    paths = os.pathsep.join([str(package), str(Path(tm.__file__).parents[1])])
    environment = os.environ | {"PYTHONPATH": paths}
    run = subprocess.run(
        [sys.executable, "-m", "twinmatch", "doctor", "--json"],
        capture_output=True, text=True, env=environment, timeout=300, check=True,
    )  # fmt: skip
    found = json.loads(run.stdout)
    assert found["facet half"] == "of half-a-package: in use"
    assert "LOST" in found["facet lost"]
    code = """
import twinmatch as tm
print(tm.similar('Leuven', k=1, weights={'half': 1})[0].account.score, flush=True)
tm.similar('Leuven', weights={'lost': 1})
"""
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=300, check=False
    )  # fmt: skip
    assert float(run.stdout) == 0.5
    assert "half-a-package" in run.stderr


def test_programmes_read_a_product_that_was_added():
    class Settings(OWN_PRODUCTS["city_panels"].settings):
        """Panels under another name."""

    PRODUCTS["other_panels"] = RegisteredProduct(Settings, OWN_PRODUCTS["city_panels"].propose)
    try:
        assert "other_panels" in type(load()).model_fields
    finally:
        del PRODUCTS["other_panels"]
