"""The notebooks and what they show: tables that escape, pictures that are drawn, outputs that are kept."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import twinmatch as tm
from cities import cohort_of, facet_cache
from twinmatch.affinity import compare
from twinmatch.proposal import Product, Proposal, Table
from twinmatch.proposal.tables import SatisfactionRow

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
SCRIPT = "<script>alert(1)</script>"
TEXTS = sorted(NOTEBOOKS.glob("*.py"))


def cohort():
    return cohort_of(
        {"id": "de-one", "name": SCRIPT, "roles": ["guest"], "needs": f"heat {SCRIPT}"},
        {"id": "it-two", "roles": ["mission"], "needs": "heat", "population": {"value": 70_000}},
    )


def test_every_noun_of_the_house_is_a_table_that_escapes():
    assert tm.read  # the door gives nouns their tables
    affinity = compare(cohort(), {"shared_needs": 1, "context": 1}, facet_cache())
    product = Product("twinning", SCRIPT, "optimal", "", 0, 0)
    for noun in (
        cohort(), cohort().cities[0], affinity, affinity.account(0, 1), product, Proposal({}, (product,)),
    ):  # fmt: skip
        shown = noun._repr_html_()
        assert "<table" in shown
        assert "<script" not in shown


def test_what_is_not_known_of_a_city_is_named():
    assert tm.read
    assert "not known" in cohort().cities[0]._repr_html_()
    assert "70000" in cohort().cities[1]._repr_html_()


@pytest.mark.parametrize("text", TEXTS, ids=lambda p: p.stem)
def test_a_notebook_is_kept_with_its_outputs_and_no_error(text):
    jupytext = pytest.importorskip("jupytext")
    kept = json.loads(text.with_suffix(".ipynb").read_text(encoding="utf-8"))
    cells = [(c["cell_type"], "".join(c["source"])) for c in kept["cells"]]
    assert cells == [(c.cell_type, c.source) for c in jupytext.read(text).cells]
    outputs = [o for c in kept["cells"] for o in c.get("outputs", ())]
    assert not [o for o in outputs if o["output_type"] == "error"]
    assert any("image/png" in o.get("data", {}) for o in outputs)
    assert not any("vega" in media for o in outputs for media in o.get("data", {}))


def test_there_are_the_six_notebooks():
    assert [p.stem[:2] for p in TEXTS] == ["01", "02", "03", "04", "05", "06"]


def test_pictures_are_drawn(bundled, bundled_facet_cache, tmp_path):
    pictures = pytest.importorskip("twinmatch.notebook.pictures")
    few = type(bundled)(bundled.cities[:40], ())
    rows = (SatisfactionRow("m", "Graz", "Lund", 0.5, 0.75, "Aarhus", 2, 3),)
    served = Table("satisfaction", "", SatisfactionRow._fields, rows)
    account = compare(few, {"shared_needs": 1, "context": 1}, bundled_facet_cache).account(2, 5)
    for name, chart in {
        "blocks": pictures.known_blocks(few),
        "map": pictures.city_map(few),
        "account": pictures.waterfall(account, "Two cities"),
        "satisfaction": pictures.satisfaction(served),
    }.items():
        assert chart.to_dict()["description"], f"{name} has no words for those who cannot see it"
        path = tmp_path / f"{name}.png"
        chart.save(str(path))
        assert path.read_bytes().startswith(b"\x89PNG")
        assert path.stat().st_size > 5_000
        bundle, metadata = chart._repr_mimebundle_()
        assert set(bundle) == {"image/png", *pictures.LIVE}
        assert bundle[pictures.LIVE[0]]["config"]["mark"]["tooltip"]
        assert metadata["image/png"]["alt"] == chart.to_dict()["description"]


@pytest.mark.parametrize("text", TEXTS, ids=lambda p: p.stem)
def test_a_notebook_reaches_into_nothing_internal_and_writes_figures_by_code(text):
    content = text.read_text(encoding="utf-8")
    imported = set(re.findall(r"^(?:from|import) (\S+)", content, re.MULTILINE))
    assert imported <= {"twinmatch", "pandas", "numpy", "pathlib", "IPython.display"}
    assert "._" not in content
    prose = re.sub(
        r"`[^`]*`", "", "\n".join(re.findall(r"^# (?![-%\[#])(.*)$", content, re.MULTILINE))
    )
    head = content.split("# %% [markdown]")[1]
    assert "?" in head, "the question of the notebook"
    assert not re.search(r"\d+ of \d+", prose), "figures in the prose come from code"


def test_where_there_is_nothing_to_draw_a_picture_says_so():
    picture = tm.pictures.readiness(cohort(), ["de-one", "it-two"])
    assert "Nothing to draw" in json.dumps(picture.to_dict())
