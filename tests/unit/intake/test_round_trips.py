"""Workbook, YAML and profiles are the same: nothing is lost on any way there and back."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from profiles_for_intake import FULL, city

from twinmatch.cohort import Cohort
from twinmatch.errors import DataError, QuestionError
from twinmatch.intake.forms import EXAMPLES, GENERAL, LEVELS, _rule, template
from twinmatch.intake.profile_folder import merge_forms, missing_of, to_yaml, write_profiles
from twinmatch.reading import read, read_raw
from twinmatch.reading.mapping import columns
from twinmatch.reading.table_files import parse_yaml
from twinmatch.schema import City, Dimension, HostUnit
from twinmatch.validate import profiles


def through_workbook(
    path: Path, cities: list[City], units: list[HostUnit] | None = None
) -> list[City]:
    path.write_bytes(template(cities, units or []))
    raw = read_raw(path)
    known, problems = profiles(raw.cities, City)
    assert [p for p in (*problems, *raw.problems) if p.level == "error"] == []
    return [c for c, _ in known]


def test_the_full_profile_fills_every_field_of_the_schema() -> None:
    full = City.model_validate(FULL)
    assert set(FULL) == {"from" if n == "from_" else n for n in City.model_fields}
    assert full.emissions is not None


def test_a_full_profile_is_the_same_after_the_workbook_and_after_yaml(tmp_path: Path) -> None:
    full = City.model_validate(FULL)
    assert through_workbook(tmp_path / "a.xlsx", [full]) == [full]
    assert City.model_validate(parse_yaml(to_yaml(full).encode(), "a.yaml")) == full


def test_the_bundled_profiles_are_the_same_after_yaml(bundled: Cohort, tmp_path: Path) -> None:
    """After the workbook: doors/test_intake_commands.py."""
    write_profiles(bundled.cities, bundled.units, tmp_path / "folder")
    assert read(tmp_path / "folder").fingerprint == bundled.fingerprint


TEXT = (
    st.text(
        st.characters(
            exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp", "Co", "Cn"], exclude_characters="\\"
        ),
        min_size=1,
        max_size=60,
    )
    .map(str.strip)
    .filter(
        lambda t: (
            t and not t.startswith("#") and "removed" not in t and "@" not in t and t != "(none)"
        )
    )
)


@given(
    needs=TEXT,
    programmes=st.lists(TEXT, max_size=3),
    waste=st.one_of(
        st.floats(0, 1e9, allow_nan=False), st.sampled_from(["NO", "NE", "IE", "C", "blank"])
    ),
    lat=st.floats(-90, 90),
    levels=st.dictionaries(st.sampled_from(sorted(Dimension)), st.integers(0, 4)),
    weights=st.dictionaries(
        st.sampled_from(["industry", "energy_systems"]), st.sampled_from([None, 1, 2, 3])
    ),
)
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_profile_is_the_same_after_both(
    tmp_path: Path,
    needs: str,
    programmes: list[str],
    waste: Any,
    lat: float,
    levels: dict[Any, int],
    weights: dict[Any, Any],
) -> None:
    made = city(
        needs=needs,
        location={"lat": lat, "lon": 0},
        participation={"programmes": programmes, "basis": "form"},
        emissions={"form": "gpc", "boundary": "city", "sectors": {"waste": waste}},
        readiness=levels or None,
        challenges=weights,
    )
    assert City.model_validate(parse_yaml(to_yaml(made).encode(), "a.yaml")) == made
    if any(";" in p and p.endswith(" ") for p in programmes):
        return
    (back,) = through_workbook(tmp_path / "a.xlsx", [made])
    # text that looks like contacts is taken out at reading; the strategy rarely makes any
    assert back == made or "removed]" in back.model_dump_json()


def test_the_same_form_has_the_same_bytes(bundled: Cohort) -> None:
    cities = bundled.cities[:20]
    one = template(cities, bundled.units)
    other = template(tuple(reversed(cities)), tuple(reversed(bundled.units)))
    assert one == other
    assert template() == template()


def test_the_form_has_a_question_for_every_field_and_the_words_of_every_level() -> None:
    book = openpyxl.load_workbook(io.BytesIO(template()), read_only=False)
    assert book.sheetnames == [
        *("instructions", "cities", "one city", "emissions", "readiness", "levels", "sources"),
        *("host_units", "lists", "about"),
    ]
    rows = list(book["one city"].iter_rows(min_row=3, values_only=True))
    asked = {row[0] for row in rows}
    assert asked == {p for p in columns() if not p.startswith(("sources", "readiness_estimated"))}
    assert all(row[1] and row[3] for row in rows)
    words = "\n".join(str(c) for row in book["levels"].iter_rows(values_only=True) for c in row)
    for levels in LEVELS.values():
        assert all(text in words for text in levels)
    assert book["cities"].data_validations.count > 10
    assert set(EXAMPLES) <= set(columns())


def test_the_scale_has_five_different_sentences_on_ten_dimensions() -> None:
    assert set(LEVELS) == set(Dimension)
    assert len(GENERAL) == 5
    sentences = [s for levels in LEVELS.values() for s in levels]
    assert len(set(sentences)) == 50
    assert all(s.endswith(".") and 20 < len(s) < 140 for s in sentences)


def test_drop_downs_admit_just_what_the_schema_admits() -> None:
    form = columns()["emissions.form"]
    assert _rule(form, "A1")["source"] == ["gpc", "economic", "city"]
    assert "NE" in columns()["emissions.sectors.waste"].choices
    assert _rule(columns()["population.value"], "A1")["maximum"] == 50_000_000


def fill(content: bytes, path: Path, cells: dict[tuple[str, str, int], Any]) -> Path:
    """Fill in a form as a person would: cells by sheet, field and row."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    for (sheet, field, row), value in cells.items():
        page = book[sheet]
        if sheet == "one city":
            at = next(r for r in range(1, page.max_row + 1) if page.cell(r, 1).value == field)
            page.cell(at, 3).value = value
        else:
            at = next(c for c in range(1, page.max_column + 1) if page.cell(4, c).value == field)
            page.cell(row, at).value = value
    book.save(path)
    return path


def test_an_empty_form_has_no_city(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(template())
    with pytest.raises(DataError, match=r"a\.xlsx: Nothing is filled in"):
        read(path)


def test_a_form_whose_sheet_of_cities_was_renamed_is_read_and_told(tmp_path: Path) -> None:
    cells = {("cities", "name", 5): "X", ("cities", "country", 5): "AT"}
    path = fill(template(), tmp_path / "a.xlsx", cells)
    book = openpyxl.load_workbook(path)
    book["cities"].title = "Städte"
    book.save(path)
    raw = read_raw(path)
    assert [r.data["id"] for r in raw.cities] == ["at-x"]
    assert [(p.code, p.level, p.where.sheet) for p in raw.problems if p.level != "note"] == [
        ("sheet-renamed", "warning", "Städte")
    ]


def test_a_filled_one_city_form_is_a_profile(tmp_path: Path) -> None:
    answers = {
        "name": "Vorbild",
        "country": "Österreich",
        "population.value": "100.500",
        "needs": "Heat. Ask Dr. Anna Kanarek, anna@city.example",
        "readiness.plan": 3,
        "emissions.form": "gpc",
        "emissions.boundary": "city",
        "emissions.sectors.waste": "12 kt CO2e",
        "roles": "guest",
        "challenges": "Mobility and transport:3",
    }
    path = fill(
        template(), tmp_path / "a.xlsx", {("one city", f, 0): v for f, v in answers.items()}
    )
    made = read(path).cities[0]
    assert (made.id, made.country) == ("at-vorbild", "AT")
    assert made.population is not None
    assert made.population.value == 100_500
    assert made.needs == "Heat. Ask [name removed], [e-mail removed]"
    assert made.emissions is not None
    assert made.emissions.sectors.waste == 12_000
    assert dict(made.challenges or {}) == {"mobility_transport": 3}


def test_a_wrong_answer_in_the_form_is_told_at_its_row(tmp_path: Path) -> None:
    cells = {
        ("one city", "name", 0): "V",
        ("one city", "country", 0): "AT",
        ("one city", "readiness.plan", 0): 7,
    }
    path = fill(template(), tmp_path / "a.xlsx", cells)
    with pytest.raises(DataError) as caught:
        read(path)
    (problem,) = caught.value.problems
    page = openpyxl.load_workbook(path)["one city"]
    assert problem.where.sheet == "one city"
    assert page.cell(problem.where.row, 1).value == "readiness.plan"


def test_rows_of_several_sheets_are_one_city_and_units_are_read(tmp_path: Path) -> None:
    cells: dict[tuple[str, str, int], Any] = {
        ("cities", "id", 5): "at-x",
        ("cities", "name", 5): "X",
        ("cities", "country", 5): "AT",
        ("emissions", "id", 5): "at-x",
        ("emissions", "emissions.form", 5): "gpc",
        ("emissions", "emissions.boundary", 5): "city",
        ("emissions", "emissions.sectors.transport", 5): 12.5,
        ("emissions", "emissions.sectors.waste", 5): "NO",
        ("emissions", "unit", 5): "kt CO2e",
        ("readiness", "id", 5): "at-x",
        ("readiness", "readiness.plan", 5): 2,
        ("readiness", "id", 6): "at-nobody",
        ("readiness", "readiness.plan", 6): 2,
    }
    raw = read_raw(fill(template(), tmp_path / "a.xlsx", cells))
    (record,) = raw.cities
    assert record.data["emissions"]["sectors"] == {"transport": 12_500, "waste": "NO"}
    assert record.data["readiness"] == {"plan": 2}
    (told,) = raw.problems
    assert (told.code, told.where.sheet, told.where.row) == ("reference-unknown", "readiness", 6)


def test_forms_of_other_versions_load(tmp_path: Path) -> None:
    first = openpyxl.Workbook()  # version 1: the header in the first row, emissions a row a cell
    page = first.active
    assert page is not None
    page.title = "cities"
    page.append(["id", "name", "country", "emissions.form", "emissions.boundary", "sources"])
    page.append(["at-x", "X", "AT", "gpc", "city", "a; b"])
    cells = first.create_sheet("emissions")
    for row in (["id", "sector", "value"], ["at-x", "transport", 5], ["at-x", "waste", "NO"]):
        cells.append(row)
    first.save(tmp_path / "1.xlsx")
    old = read(tmp_path / "1.xlsx").cities[0]
    assert old.emissions is not None
    assert (old.emissions.sectors.transport, old.emissions.sectors.waste) == (5, "NO")
    assert old.source_of("emissions") == "a; b"

    filled = fill(
        template(),
        tmp_path / "2.xlsx",
        {("cities", "name", 5): "X", ("cities", "country", 5): "AT"},
    )
    newer = openpyxl.load_workbook(filled)  # version 9: a column that this version does not know
    newer["about"]["B1"] = "9"
    newer["cities"].cell(4, newer["cities"].max_column + 1).value = "quantum_plan"
    newer.save(tmp_path / "9.xlsx")
    raw = read_raw(tmp_path / "9.xlsx")
    assert {p.code for p in raw.problems} >= {"template-newer", "column-unknown"}
    assert raw.cities[0].data["name"] == "X"


def test_returned_forms_are_merged_and_gaps_told(tmp_path: Path) -> None:
    def form(file: str, **answers: Any) -> None:
        fill(
            template(),
            tmp_path / file,
            {("one city", f.replace("__", "."), 0): v for f, v in answers.items()},
        )

    form("a.xlsx", name="X", country="AT", needs="Heat", version__number=1)
    form("b.xlsx", name="X", country="AT", needs="Heat and trams", version__number=2)
    form("c.xlsx", name="Y", country="DE", languages="de")
    (tmp_path / "d.xlsx").write_bytes(template())
    (tmp_path / "e.xlsx").write_bytes(b"broken")
    (tmp_path / "~$a.xlsx").write_bytes(b"lock")
    (tmp_path / "f.csv").write_text("name,country,needs\nZ,FR,Bikes\n", "utf-8")
    back = merge_forms(tmp_path)
    assert [c.id for c in back.cities] == ["at-x", "de-y", "fr-z"]
    assert back.cities[0].needs == "Heat and trams"
    assert "languages" in missing_of(back.cities[0])
    assert "languages" not in missing_of(back.cities[1])
    told = {(p.where.file, p.code) for p in back.problems}
    assert {
        ("a.xlsx", "form-older"),
        ("d.xlsx", "form-empty"),
        ("e.xlsx", "not-a-workbook"),
    } <= told


def test_two_forms_of_one_city_that_differ_are_a_question(tmp_path: Path) -> None:
    for name, needs in (("a", "Heat"), ("b", "Trams"), ("c", "Heat")):
        (tmp_path / f"{name}.csv").write_text(f"name,country,needs\nX,AT,{needs}\n", "utf-8")
    back = merge_forms(tmp_path)
    assert [p.code for p in back.problems if p.level == "error"] == ["city-twice"]
    assert back.cities == ()


def test_a_folder_without_forms_and_no_folder_are_told(tmp_path: Path) -> None:
    assert [p.code for p in merge_forms(tmp_path).problems] == ["no-forms"]
    with pytest.raises(QuestionError, match="no such folder"):
        merge_forms(tmp_path / "nowhere")


def test_profiles_are_never_overwritten_unless_asked(tmp_path: Path) -> None:
    old, new = (
        city(needs="Heat"),
        city(needs="Trams", offers="Bikes", sources=[{"of": ["offers", "needs"], "from": ["x"]}]),
    )
    write_profiles([old], [], tmp_path / "p")
    with pytest.raises(QuestionError, match="already there"):
        write_profiles([new, city("de-neu")], [], tmp_path / "p")
    assert sorted(f.name for f in (tmp_path / "p").iterdir()) == ["de-beispiel.yaml"]
    _, notes = write_profiles([new], [], tmp_path / "p", "merge")
    merged = read(tmp_path / "p").cities[0]
    assert (merged.needs, merged.offers) == ("Heat", "Bikes")
    assert merged.source_of("offers") == "x"
    assert merged.source_of("needs") == ""
    assert [n.where.column for n in notes] == ["needs"]
    write_profiles([new], [], tmp_path / "p", "replace")
    assert read(tmp_path / "p").cities[0] == new


def test_host_units_that_are_there_are_kept_by_a_merge_and_new_ones_added(tmp_path: Path) -> None:
    cities = [city("de-aa"), city("de-bb"), city("de-cc")]
    old, new, other = (
        HostUnit(id=id_, name=name, cities=(member,))
        for id_, name, member in (
            ("unit-old", "Old", "de-aa"),
            ("unit-new", "New", "de-bb"),
            ("unit-old", "Another", "de-cc"),
        )
    )
    write_profiles(cities, [old], tmp_path)
    _, notes = write_profiles(cities, [new], tmp_path, "merge")
    assert (read(tmp_path).units, notes) == ((new, old), [])
    _, notes = write_profiles(cities, [other, new], tmp_path, "merge")
    assert read(tmp_path).units == (new, old)
    assert [(n.code, n.where.file, n.where.column) for n in notes] == [
        ("kept", "_host_units.yaml", "unit-old")
    ]
    (tmp_path / "_host_units.yaml").write_text("- id: 5\n", "utf-8")
    with pytest.raises(DataError, match="cannot be read"):
        write_profiles(cities, [new], tmp_path, "merge")


def test_a_form_holds_no_formula_and_no_link() -> None:
    full = City.model_validate(FULL)
    with zipfile.ZipFile(io.BytesIO(template([full]))) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/sheet"):
                assert b"<f>" not in archive.read(name).replace(b"<formula1>", b"")
                assert b"hyperlink" not in archive.read(name)
