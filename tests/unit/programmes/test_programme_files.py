"""Programme files: every wrong key and value told, with its file; recipes by name; nothing ignored."""

from __future__ import annotations

import pytest

from twinmatch.app.round import programme_text
from twinmatch.errors import DataError
from twinmatch.programmes import PRODUCTS, load
from twinmatch.programmes.programme import (
    bundled_names,
    load_text,
    programme_model,
    recipe_names,
)
from twinmatch.programmes.registry import OWN
from twinmatch.vocabulary import sentences_of
from twinmatch.web.rounds import toml

WEIGHTS = "[twinning.weights]\nwishes = 1\n"


def problems(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        load(path)
    return caught.value.problems


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[twining]\n", "twin"),
        ("[twinning]\nplaces = 3\ncolour = 1\n" + WEIGHTS, "colour"),
        ("[twinning]\nplaces = 0\n" + WEIGHTS, "places"),
        ("[twinning]\n[twinning.weights]\nwishes = -1\n", "wishes"),
        ("[twinning]\n[twinning.weights]\nwishes = nan\n", "wishes"),
        ("[twinning]\n[twinning.weights]\nwish = 1\n", "wishes"),
        ("[twinning]\nguests_per_host = [3, 1]\n" + WEIGHTS, "smaller number comes first"),
        ('[twinning]\nper_host = [{who = "foreign"}]\n' + WEIGHTS, "quota"),
        ('[twinning]\nper_host = [{who = "martian", at_least = 1}]\n' + WEIGHTS, "per_host"),
        ("[twinning]\nfacilitators = [{most = 5}]\n" + WEIGHTS, "pairs_at_most"),
        ('[ledger]\norder = ["twining"]\n[twinning]\n' + WEIGHTS, "twining"),
        ("[ledger]\nhours = inf\n[twinning]\n" + WEIGHTS, "hours"),
        ("name = 'x'\n", "no product"),
        ("name = \n", "TOML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, words):
    found = problems(tmp_path, text)
    assert any(words in str(p) for p in found)
    assert all("mine.toml" in str(p.where) for p in found)


def test_all_problems_at_once(tmp_path):
    text = "[twinning]\nplaces = 0\nreserves = 99\n" + WEIGHTS
    assert len(problems(tmp_path, text)) == 2


def test_a_file_that_is_not_there_names_those_that_are():
    with pytest.raises(DataError, match="urbact-network"):
        load("no-such-programme")


def test_a_folder_of_the_name_of_a_programme_does_not_hide_it(tmp_path, monkeypatch):
    programme, text = load("twinning"), programme_text("twinning")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "twinning").mkdir()
    (tmp_path / "mine").mkdir()
    assert load("twinning") == programme
    assert programme_text("twinning") == text
    with pytest.raises(DataError, match="Cannot be read"):
        load("mine")
    (tmp_path / "mine" / "twinning").write_text("[twinning]\nplaces = 3\n" + WEIGHTS, "utf-8")
    monkeypatch.chdir(tmp_path / "mine")
    twinning = load("twinning").twinning
    assert twinning is not None
    assert twinning.places == 3  # a file of the name is the programme


def test_the_default_round_makes_these_formats():
    assert set(load().products) == {
        "twinning",
        "discussion_groups",
        "study_visits",
        "national_clusters",
        "city_panels",
    }


@pytest.mark.parametrize("name", [*bundled_names(), *recipe_names()])
def test_every_shipped_file_is_whole(name):
    if name in {"ledger", "pathways"}:
        with pytest.raises(DataError, match="no product"):
            load(name)
        return
    assert load(name).products


def test_the_same_key_in_two_files(tmp_path):
    path = tmp_path / "other.toml"
    path.write_text("[twinning]\nplaces = 3\n" + WEIGHTS, encoding="utf-8")
    with pytest.raises(DataError, match="stands in"):
        load("twinning", path)


def test_every_setting_says_what_it_is():
    silent = [
        f"{name}.{key}"
        for name, entry in PRODUCTS.items()
        for key in entry.settings.model_fields
        if key not in sentences_of(entry.settings) and key not in {"title", "themes", "guests"}
    ]
    assert not silent


@pytest.mark.parametrize("name", OWN)
def test_a_table_without_weights_says_what_differs_from_the_bundled_one(name):
    base = load("conference" if name in ("policy_exchange", "world_cafe") else name)
    made = load_text(f"[{name}]\ntitle = 'Mine'\n")
    assert getattr(made, name) == getattr(base, name).model_copy(update={"title": "Mine"})
    assert "title" not in made.bundled[name]
    assert {"mix", "weights"} & set(made.bundled[name])


def test_what_a_table_leaves_to_the_bundled_one_is_named_tables_inside_it_too():
    text = "[twinning]\nplaces = 10\noverall = []\n[twinning.guests]\nunknown = 'let in'\n"
    made = load_text(text)
    assert made.twinning.places == 10
    assert made.twinning.overall == ()
    assert (made.twinning.guests.unknown, made.twinning.guests.english) == ("let in", "B2")
    left = set(made.bundled["twinning"])
    assert {"guests.english", "guests.neutral_by", "weights", "guests_per_country"} <= left
    assert not left & {"places", "overall", "guests", "guests.unknown"}


def test_a_table_with_weights_stands_alone():
    made = load_text("[twinning]\n" + WEIGHTS)
    assert not made.bundled
    assert (made.twinning.places, made.twinning.guests_per_country) == (None, None)


def test_a_programme_taken_away_as_a_file_is_read_as_it_was():
    for text in (
        "[city_panels]\npanels = 3\n[city_panels.mix]\ncountry = 1\n",
        "[twinning]\nplaces = 3\n",
    ):
        made = load_text(text)
        assert load_text(toml(made)).model_dump() == made.model_dump()
    panels = programme_model().model_validate({"city_panels": {"mission_at_least": 1}})
    assert load_text(toml(panels)).model_dump() == panels.model_dump()
