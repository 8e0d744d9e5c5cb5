"""``import twinmatch as tm``: every name is there, objects go in and come out, wrong ones are named."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pytest

import twinmatch as tm
from cities import cohort_of
from twinmatch.app.neighbours import PEER_WEIGHTS
from twinmatch.programmes import load

NAMES = [
    "read",
    "bundled",
    "features",
    "similar",
    "explain",
    "propose",
    "why_not",
    "prices",
    "stability",
    "frontier",
    "backtest",
    "assign",
    "partition",
    "Cohort",
    "Programme",
    "Proposal",
    "Facet",
]
GUEST = {
    "id": "de-one",
    "name": "One",
    "country": "DE",
    "roles": ["guest"],
    "needs": "We need heat networks.",
}
HOST = {
    "id": "it-two",
    "name": "Two",
    "country": "IT",
    "roles": ["mission"],
    "offers": "Our heat networks.",
}
TWINNING = {"twinning": {"weights": {"needs_offers": 1}, "guests": {"unknown": "let in"}}}


def words(texts):
    """Return a text model that counts letters: a row of 26 numbers a text."""
    return np.array([[text.lower().count(chr(97 + k)) for k in range(26)] for text in texts])


class Encoder:
    def encode(self, texts):
        return words(texts)


def test_every_name_is_listed_and_loads():
    assert set(NAMES) <= set(tm.__all__) <= set(dir(tm))
    for name in tm.__all__:
        assert getattr(tm, name).__doc__ or name == "pictures"
    with pytest.raises(AttributeError, match="propose"):
        tm.prpose  # noqa: B018


def test_the_types_that_checkers_see_are_the_names_that_there_are():
    tree = ast.parse(Path(tm.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    seen = {
        (alias.name, (n.module or "").removeprefix("twinmatch."))
        for n in tree.body
        if isinstance(n, ast.ImportFrom)
        for alias in n.names
    }
    (listed,) = (n.value for n in tree.body if isinstance(n, ast.Assign))
    assert {name for name, _ in seen} == set(tm.__all__) == set(ast.literal_eval(listed))
    for name, module in seen:
        assert getattr(sys.modules.get(f"twinmatch.{module}", tm), name, None) is getattr(
            tm, name
        ), name


def test_importing_the_door_imports_nothing_heavy():
    code = "import sys, twinmatch; print(sorted({m.split('.')[0] for m in sys.modules} - set(sys.stdlib_module_names)))"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300
    )
    assert not {"numpy", "pandas", "pydantic", "scipy"} & set(ast.literal_eval(run.stdout))
    loaded = "import sys, twinmatch; print([m for m in sys.modules if m.startswith('twinmatch.')])"
    run = subprocess.run(
        [sys.executable, "-c", loaded], capture_output=True, text=True, check=True, timeout=300
    )
    assert run.stdout.strip() == "[]"


# --- cohorts ---------------------------------------------------------------------------------------------------


def test_a_path_a_frame_and_dicts_are_the_same_cohort(tmp_path):
    rows = [
        {"name": "Aachen", "country": "DE", "population": 250_000, "roles": "guest"},
        {"name": "Graz", "country": "AT", "population": None, "roles": "mission"},
    ]
    frame = pd.DataFrame(rows)
    frame.to_csv(tmp_path / "cities.csv", index=False)
    found = [tm.read(tmp_path / "cities.csv"), tm.read(str(tmp_path / "cities.csv")), tm.read(frame), tm.read(rows)]  # fmt: skip
    assert [c.id for c in found[0]] == ["at-graz", "de-aachen"]
    assert len({cohort.fingerprint for cohort in found}) == 1
    assert tm.read(found[0]) is found[0]
    assert found[2].city("Aachen").population.value == 250_000
    assert found[2].city("Graz").population is None


def test_a_named_index_is_a_column_and_a_mapping_names_columns():
    frame = pd.DataFrame({"id": ["de-x"], "name": ["X"], "country": ["DE"], "Einwohner": [7]})
    mapped = tm.read(frame.set_index("id"), {"Einwohner": "population.value"})
    assert (mapped[0].id, mapped[0].population.value) == ("de-x", 7)


def test_profiles_as_dicts_may_nest_and_units_come_with_them():
    cohort = tm.read(
        [
            GUEST | {"population": {"value": 5}},
            HOST,
            {"id": "unit-u", "name": "U", "cities": ["it-two"]},
        ]
    )
    assert cohort.city("One").population.value == 5
    assert cohort.units[0].cities == ("it-two",)


def test_cities_themselves_are_a_cohort_again():
    cohort = cohort_of(GUEST, HOST)
    assert tm.read(list(cohort)).fingerprint == cohort.fingerprint


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        (lambda: tm.read(5), "cohort-wrong"),
        (lambda: tm.read({"name": "X"}), "cohort-wrong"),
        (lambda: tm.read([1]), "profile-wrong"),
        (lambda: tm.propose([GUEST, HOST], 5), "programme-wrong"),
        (lambda: tm.propose([GUEST, HOST], ["round.toml", 1]), "programme-wrong"),
        (lambda: tm.propose([GUEST, HOST], {"twining": {}}), "no-product"),
        (lambda: tm.propose([GUEST, HOST], weights=[1]), "weights-wrong"),
        (lambda: tm.propose([GUEST, HOST], weights={"nope": {"context": 1}}), "weights-unused"),
        (lambda: tm.propose([GUEST, HOST], text_model=5), "text-model-wrong"),
        (lambda: tm.propose([GUEST, HOST], text_model=Encoder), "text-model-wrong"),
        (lambda: tm.similar("One", [GUEST, HOST], text_model=lambda texts: [1]), "text-model-wrong"),
        (lambda: tm.similar("One", [GUEST, HOST], k=0), "k-wrong"),
        (lambda: tm.similar("One", [GUEST, HOST], k="3"), "k-wrong"),
        (lambda: tm.similar(5, [GUEST, HOST]), "city-wrong"),
        (lambda: tm.explain("One", None, [GUEST, HOST]), "city-wrong"),
        (lambda: tm.compare([GUEST, HOST], guests=[1]), "city-wrong"),
        (lambda: tm.similar("One", [GUEST, HOST], weights=3), "weights-wrong"),
        (lambda: tm.backtest([3], [GUEST, HOST]), "pair-wrong"),
        (lambda: tm.backtest(3, [GUEST, HOST]), "pair-wrong"),
        (lambda: tm.propose([GUEST, HOST], lock=["ab"]), "pair-wrong"),
        (lambda: tm.propose([GUEST, HOST], ban=[("One", 2)]), "city-wrong"),
        (lambda: tm.propose([GUEST, HOST], previous="proposal.json"), "proposal-wrong"),
        (lambda: tm.partition(np.eye(4), sizes=2), "band-impossible"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_its_code(ask, code):
    with pytest.raises(tm.TwinmatchError) as caught:
        ask()
    assert caught.value.problems[0].code == code
    assert caught.value.problems[0].do or code == "no-product"


def test_a_cohort_is_a_sequence():
    cohort = cohort_of(
        {"id": "at-a"},
        {"id": "be-b"},
        {"id": "cz-c", "wishes": ["at-a", "be-b"]},
        {"id": "dk-d", "refuses": ["be-b"]},
        units=[{"id": "unit-u", "name": "U", "cities": ["at-a", "be-b"]}],
    )
    assert [c.id for c in cohort] == ["at-a", "be-b", "cz-c", "dk-d"]
    assert cohort[-1].id == "dk-d"
    assert "be-b" in cohort
    assert cohort[0] in cohort
    assert "xx-x" not in cohort
    part = cohort[1:]
    assert [c.id for c in part] == ["be-b", "cz-c", "dk-d"]
    assert part.units == ()
    assert part.city("cz-c").wishes == ("be-b",)
    assert cohort.filter(lambda c: c.id > "b").fingerprint == part.fingerprint
    assert cohort[:2].units == cohort.units
    assert (cohort[:2] + cohort[2:3]).units == cohort.units
    assert cohort[1:2] + cohort[:1] == Reordered(cohort[:2])
    other = cohort_of({"id": "at-a", "population": {"value": 1}})
    with pytest.raises(tm.DataError, match="at-a"):
        cohort + other


class Reordered:
    """Equal to a cohort of the same cities, units aside: a unit of cities that were apart is not made again."""

    def __init__(self, cohort):
        self.cities = cohort.cities

    def __eq__(self, other):
        return self.cities == other.cities

    __hash__ = None


# --- results -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def round_():
    return cohort_of(GUEST, GUEST | {"id": "fr-three", "name": "Three", "country": "FR"}, HOST)


@pytest.fixture(scope="module")
def proposal(round_):
    return tm.propose(round_, TWINNING, text_model=words)


def test_a_callable_and_an_encoder_are_the_same_text_model(round_, proposal):
    again = tm.propose(round_, TWINNING, text_model=Encoder())
    assert again.to_frame()["score"].tolist() == proposal.to_frame()["score"].tolist()
    assert proposal.made_from["text_model"]["backend"] == "own"


def test_a_proposal_is_a_table_a_graph_and_files(proposal, tmp_path):
    frame = proposal.to_frame()
    assert frame.loc["twinning:de-one", ["guests", "hosts"]].tolist() == ["de-one", "it-two"]
    assert frame.equals(proposal.to_frame())
    assert set(proposal.product("twinning").to_frame().index) == set(frame.index)
    nx.write_graphml(proposal.graph(), tmp_path / "net.graphml")
    again = nx.read_graphml(tmp_path / "net.graphml", force_multigraph=True)
    assert set(again.edges()) == {("de-one", "it-two"), ("fr-three", "it-two")}
    files = proposal.write(tmp_path / "out")
    assert {"proposal.json", "report.html"} <= {f.name for f in files}
    with pytest.raises(KeyError, match="there are: twinning"):
        proposal.product("twining")


def test_weights_of_the_caller_weigh_the_twinning_or_each_product(round_):
    flat = tm.propose(round_, TWINNING, {"context": 1}, words)
    nested = tm.propose(round_, TWINNING, {"twinning": {"context": 1}}, words)
    for found in (flat, nested):
        assert [one.facet for one in found.product("twinning").weights] == ["context"]
        settings = found.made_from["programme"]["settings"]["twinning"]
        assert settings["guests"]["unknown"] == "let in"


def test_a_city_is_named_by_id_or_name_or_is_one(round_):
    one, three, two = round_
    for city in (one, "de-one", "One"):
        found = tm.similar(city, round_, k=2, text_model=words)
        assert {n.id for n in found} == {"fr-three", "it-two"}
        assert len(tm.explain(city, two, round_, text_model=words)) == 3
        locked = tm.propose(round_, TWINNING, text_model=words, lock=[(city, two)])
        assert "twinning:de-one" in locked.to_frame().index
    with pytest.warns(UserWarning, match="pairs alone"):
        assert tm.compare(round_, guests=[three], hosts=[two]).to_frame().shape == (1, 1)


def test_a_lock_and_a_ban_are_kept(round_):
    locked = tm.propose(round_, TWINNING, text_model=words, lock=[("de-one", "it-two")])
    banned = tm.propose(round_, TWINNING, text_model=words, ban=[("de-one", "it-two")])
    assert "twinning:de-one" in locked.to_frame().index
    assert "twinning:de-one" not in banned.to_frame().index


def test_similar_and_explain_sum_to_the_score(bundled):
    found = tm.similar("Leuven", bundled, k=4)
    frame = found.to_frame()
    assert frame["score"].tolist() == sorted(frame["score"], reverse=True)
    assert len(frame) == 4
    assert "be-leuven" not in set(frame["id"])
    peers = tm.explain("Leuven", found[0].id, bundled)[0].account
    assert peers == found[0].account
    assert peers.to_frame()["share"].sum() == pytest.approx(peers.score)
    assert sorted(peers.to_frame().index) == sorted(PEER_WEIGHTS)
    kinds = [pair.purpose for pair in tm.explain("Leuven", found[0].id, bundled)]
    assert kinds == ["peers", "learning", "learning"]


def test_compare_is_a_table_whose_diagonal_is_empty():
    frame = tm.compare(cohort_of(GUEST, HOST), {"context": 1}, text_model=words).to_frame()
    assert list(frame.index) == list(frame.columns) == ["de-one", "it-two"]
    assert np.isnan(np.diag(frame)).all()


@pytest.mark.slow
def test_questions_about_a_round_are_tables(bundled):
    named = {"de-cologne", "fi-lahti"}
    cities = bundled[::4] + bundled.filter(lambda city: city.id in named)
    rules = {"twinning": {"places": 10, "weights": {"challenges_met": 3, "needs_answered": 2}}}
    prices = tm.prices(cities, programme=rules)
    assert set(prices.to_frame().columns) >= {"rule", "places", "score"}
    assert len(prices.hosts.to_frame()) == len(prices.hosts)
    stable = tm.stability(cities, programme=rules, runs=5)
    assert len(stable.to_frame()) == len(stable.pairs) == 10
    choices = tm.frontier(cities, programme=rules).to_frame()
    assert choices["gives_up"].min() == pytest.approx(0)
    tests = [
        tm.backtest(pairs, cities).to_frame()
        for pairs in (
            [("de-cologne", "fi-lahti")],
            [{"guest": "de-cologne", "hosts": "fi-lahti"}],
            pd.DataFrame({"guest": ["Cologne"], "hosts": ["Lahti"]}),
        )
    ]
    assert tests[0].equals(tests[1])
    assert tests[0].equals(tests[2])
    assert tm.why_not("Cologne", "Lahti", cities).guest == "de-cologne"


def test_solvers_answer_in_tables():
    answer = tm.assign([[0.9, 0.2], [0.8, 0.7]], [1, 1], [1, 1])
    assert answer.to_frame().to_numpy().tolist() == [[0, 0], [1, 1]]
    groups = tm.partition(
        np.array([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0.0]]), sizes=(2, 2)
    )
    assert groups.to_frame()["group"].tolist() in ([0, 0, 1, 1], [1, 1, 0, 0])


def test_every_result_is_one_short_line_in_a_terminal(round_, proposal, bundled):
    product = proposal.product("twinning")
    affinity = tm.compare(round_, {"context": 1}, text_model=words)
    nouns = [
        bundled,
        bundled[0],
        proposal,
        product,
        product.meetings[0],
        product.meetings[0].account,
        affinity,
    ]
    nouns += [tm.similar("One", round_, text_model=words), tm.partition(np.eye(4), sizes=(2, 2))]
    nouns += [*tm.similar("One", round_, text_model=words), *proposal.cities, *product.tables]
    nouns += [load(), tm.assign([[1.0]], [1], [1])]
    for noun in nouns:
        assert "\n" not in repr(noun)
        assert len(repr(noun)) < 250
        assert "object at 0x" not in repr(noun)


def test_results_are_rich_in_a_notebook(round_, proposal):
    groups = tm.partition(np.eye(4), sizes=(2, 2))
    for noun in (round_, round_[0], proposal, tm.similar("One", round_, text_model=words), groups):
        assert "<table" in noun._repr_html_()


def test_results_are_lines_tables_and_frames_and_an_affinity_takes_names(bundled):
    found = tm.explain("Leuven", "Ghent", bundled)
    assert repr(found[0]).startswith("<PairExplanation")
    assert list(found[0].to_frame()["says"]) == [line.says for line in found[0].account.lines]
    assert "Leuven" in bundled.city("Leuven").to_frame().to_string()
    some = bundled[:6]
    with pytest.warns(UserWarning, match="among 2 pairs alone"):
        affinity = tm.compare(some, guests=[some[0]], hosts=[some[1], some[2]])
    named = affinity.account(some[0].id, some[2].name)
    assert named.to_frame().equals(affinity.account(0, 1).to_frame())
