"""Somebody's own spreadsheet: titles, foreign headers, merged cells, commas; every doubt stands where it is."""

from __future__ import annotations

from pathlib import Path

import evil_files as evil
import pytest
import xlsxwriter

from twinmatch.errors import DataError, Problem, QuestionError
from twinmatch.reading import read, read_mapping, read_raw
from twinmatch.reading.mapping import Mapping, Target

UGLY = """Rückmeldungen Runde 4;;;;;
;;;;;
Stadt;Land;Einwohner;Gesamtemissionen [kt CO2];E-Mail;Lieblingsfarbe
Aachen;Deutschland;265.208;1.234,5;a.b@aachen.example;blau
Köln;Deutschland;1.073.096;9.876,5;;rot
Aachan;DE;k.A.;;;
"""


def _codes(problems: tuple[Problem, ...]) -> list[str]:
    return sorted(p.code for p in problems)


@pytest.fixture
def ugly(tmp_path: Path) -> Path:
    path = tmp_path / "ugly.csv"
    path.write_text(UGLY, "utf-8")
    return path


def test_an_ugly_table_becomes_records_and_every_reading_is_told(ugly: Path) -> None:
    raw = read_raw(ugly)
    aachen, cologne, near = (record.data for record in raw.cities)
    assert aachen["id"] == "de-aachen"  # the bundled city of that name
    assert aachen["country"] == "DE"
    assert aachen["population"] == {"value": 265208}
    assert aachen["emissions"]["total_printed"] == 1_234_500
    assert cologne["id"] == "de-cologne"
    assert near["id"] == "de-aachan"
    assert "population" not in near
    by_code = {p.code: p for p in raw.problems}
    assert set(by_code) == {
        *(
            "title-rows",
            "header-read-as",
            "contact-column",
            "column-set-aside",
            "co2-only",
            "id-made",
            "boundary-not-stated",
        ),
        *("name-read-as", "not-known"),
    }
    assert by_code["title-rows"].where.row == 3
    assert by_code["column-set-aside"].where.column == "Lieblingsfarbe"
    (asked,) = raw.questions
    assert (asked.key, asked.guess, asked.where.row) == ("Aachan", "Aachen", 6)
    assert all(p.level != "error" for p in raw.problems)


def test_contacts_are_nowhere(ugly: Path) -> None:
    raw = read_raw(ugly)
    assert "aachen.example" not in repr(raw)


def test_a_number_that_may_be_two_is_an_error_until_somebody_says(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Stadt;Land;Gesamtemissionen\nAachen;DE;123.456\n", "utf-8")
    (doubt,) = [p for p in read_raw(path).problems if p.level == "error"]
    assert doubt.code == "number-ambiguous"
    assert "123.456 or 123,456" in doubt.found
    assert doubt.where.row == 2
    for decimal, value in ((".", 123.456), (",", 123_456)):
        said = read_raw(path, Mapping(decimal=decimal))  # type: ignore[arg-type]
        assert said.cities[0].data["emissions"]["total_printed"] == value


def test_other_cells_of_the_sheet_decide_the_sign(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Stadt;Land;Gesamtemissionen\nAachen;DE;123.456\nBonn;DE;1.234,5\n", "utf-8")
    raw = read_raw(path)
    assert raw.cities[0].data["emissions"]["total_printed"] == 123_456
    assert not [p for p in raw.problems if p.level == "error"]


def test_our_own_columns_have_a_decimal_point(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "id,name,country,lat,lon,emissions.form,emissions.boundary,emissions.sectors.waste\nde-x,X,DE,50.776,6.083,gpc,city,12.345\n",
        "utf-8",
    )
    city = read(path).cities[0]
    assert city.location is not None
    assert (city.location.lat, city.location.lon) == (50.776, 6.083)
    assert city.emissions is not None
    assert city.emissions.sectors.waste == 12.345


def test_a_mapping_file_says_what_headers_mean(tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    table.write_bytes(
        "Ville;Nation;Habitants (milliers);Remarque\nBesançon;France;120,1;x\n".encode("cp1252")
    )
    toml = tmp_path / "m.toml"
    toml.write_text(
        'encoding = "cp1252"\n[columns]\n"Nation" = "country"\n"Remarque" = ""\n'
        '"Habitants (milliers)" = { field = "population", factor = 1000 }\n'
        '[defaults]\n"roles" = ["guest"]\n',
        "utf-8",
    )
    city = read(table, read_mapping(toml)).cities[0]
    assert (city.id, city.name, city.roles) == ("fr-besancon", "Besançon", ("guest",))
    assert city.population is not None
    assert city.population.value == 120_100


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('[columns]\n"a" = "populaton.value"', "population.value"),
        ("colums = 1", "no such name"),
        ("[columns", "cannot be read"),
        ('decimal = ";"', "Expected ',' or '.'"),
    ],
)
def test_a_wrong_mapping_file_is_told(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "m.toml"
    path.write_text(content, "utf-8")
    with pytest.raises(QuestionError, match=said):
        read_mapping(path)


def test_a_mapped_column_that_is_not_there_is_told(ugly: Path) -> None:
    raw = read_raw(ugly, Mapping(columns={"Bürger": Target("population.value")}))
    assert "column-missing" in _codes(raw.problems)


def test_a_header_with_more_words_is_read_and_one_of_no_field_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("City,Country,Hobby,Inhabitants in 2018,Colour\nBonn,DE,x,5,y\n", "utf-8")
    raw = read_raw(path)
    assert raw.cities[0].data["population"] == {"value": 5}
    told = {p.where.column for p in raw.problems if p.code == "column-set-aside"}
    assert told == {"Hobby", "Colour"}


def test_merged_cells_hold_their_value_throughout(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    book = xlsxwriter.Workbook(str(path))
    page = book.add_worksheet("Antworten")
    page.merge_range(0, 0, 0, 2, "Runde 4")
    page.write_row(1, 0, ("Stadt", "Land", "Einwohner"))
    page.merge_range(2, 1, 3, 1, "Deutschland")
    page.write(2, 0, "Aachen")
    page.write(3, 0, "Bonn")
    book.close()
    raw = read_raw(path)
    assert [record.data["country"] for record in raw.cities] == ["DE", "DE"]
    assert [record.where.row for record in raw.cities] == [3, 4]
    assert "merged-cells" in _codes(raw.problems)


def test_all_formats_hold_the_same_profile(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    header, row = (
        ("id", "name", "country", "population", "needs"),
        ("de-x", "X", "DE", 1000, "Heat; more"),
    )
    lines = [",".join(header), "de-x,X,DE,1000,Heat; more"]
    (tmp_path / "a.csv").write_text("\n".join(lines), "utf-8")
    (tmp_path / "a.tsv").write_text("\n".join(lines).replace(",", "\t"), "utf-8")
    (tmp_path / "b.csv").write_text("\n".join(lines), "utf-16")
    evil.workbook(tmp_path / "a.xlsx", [header, row], "Sheet1")
    evil.ods(
        tmp_path / "a.ods",
        evil.ods_row(*header)
        + evil.ods_row(*row)
        + '<table:table-row table:number-rows-repeated="1048000"><table:table-cell table:number-columns-repeated="1024"/></table:table-row>',
    )
    pq.write_table(
        pa.table({h: [v] for h, v in zip(header, row, strict=True)}), tmp_path / "a.parquet"
    )
    prints = {path.name: read(path).fingerprint for path in sorted(tmp_path.iterdir())}
    assert len(prints) == 6
    assert len(set(prints.values())) == 1, prints


@pytest.mark.parametrize("named", ["industry; industry", "industry: 1; industry: 3"])
def test_a_domain_that_is_named_twice_is_told_with_or_without_weights(
    named: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"id,name,country,challenges\nde-x,X,DE,{named}\n", "utf-8")
    with pytest.raises(DataError, match=r"challenges: .*names a domain twice"):
        read(path)


def test_our_own_form_is_strict_about_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,name,country,populaton\nde-x,X,DE,5\n", "utf-8")
    with pytest.raises(DataError, match=r"no such column.*population"):
        read(path)


def test_a_table_without_names_says_so_once(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,needs\n" + "".join(f"de-x{k},Heat\n" for k in range(50)), "utf-8")
    with pytest.raises(DataError) as caught:
        read(path)
    assert _codes(caught.value.problems) == ["column-missing", "column-missing"]


def test_a_fields_own_name_is_read_in_other_letters_where_nothing_else_means_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Name,COUNTRY,Population\nLeuven,BE,100000\n", "utf-8")
    (leuven,) = read_raw(path).cities
    assert (leuven.data["name"], leuven.data["id"]) == ("Leuven", "be-leuven")
    path.write_text("City,Country,Name\nLeuven,BE,Jan Peeters\n", "utf-8")
    raw = read_raw(path)
    assert "Peeters" not in repr(raw)
    assert '= "name"' not in repr(raw.problems)  # the city has its column


def test_a_row_of_misspelt_headers_is_the_header_and_each_is_guessed(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Nmae,Contry,Popultion,Chalenges\nLeuven,BE,100000,mobility\n", "utf-8")
    asked = {q.key: q.guess for q in read_raw(path).questions}
    assert asked.items() >= {("Contry", "country"), ("Popultion", "population.value")}
    assert asked["Chalenges"] == "challenges"
    assert "title-rows" not in _codes(read_raw(path).problems)
