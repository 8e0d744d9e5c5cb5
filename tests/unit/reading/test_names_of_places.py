from __future__ import annotations

from pathlib import Path

import pytest

from twinmatch.errors import DataError
from twinmatch.reading import read
from twinmatch.schema import City
from twinmatch.vocabulary.gazetteer import known_city, near_city, places
from twinmatch.vocabulary.geography import (
    city_id,
    country_code,
    country_names,
    country_within,
    language_code,
)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        *[
            (n, "DE")
            for n in ("Deutschland", "Germany", "Allemagne", "GERMANIA", "Németország", "de")
        ],
        *[(n, "GR") for n in ("Ελλάδα", "Greece", "EL", "Hellas")],
        *[(n, "GB") for n in ("UK", "United Kingdom", "Scotland")],
        *[(n, "BG") for n in ("България", "Bulgaria")],
        *[(n, "IL") for n in ("ישראל", "إسرائيل")],
        *[(n, "CZ") for n in ("Czech Republic", "Česko", "Tschechien")],
        *[(n, "IE") for n in ("Éire", "Ireland")],
        *[(n, "TR") for n in ("Türkiye", "Turkey")],
        ("Magyarország", "HU"),
        ("Sverige", "SE"),
        ("Scotland, United Kingdom", "GB"),
        ("Suomi", "FI"),
        ("საქართველო", "GE"),
    ],
)
def test_a_country_in_any_official_language(name: str, code: str) -> None:
    assert country_code(name) == code


@pytest.mark.parametrize(
    ("name", "code"),
    [
        *[(n, "de") for n in ("German", "Deutsch", "allemand", "DE", "niemiecki")],
        *[
            (n, "no")
            for n in (
                "no",
                "nb",
                "Norwegian",
                "norsk",
                "Bokmål",
                "norsk bokmål",
                "Norwegian Bokmål",
            )
        ],
        *[(n, "nl") for n in ("Dutch", "Flemish", "nederlands")],
        *[("ελληνικά", "el"), ("Montenegrin", "cnr"), ("cnr", "cnr"), ("castellano", "es")],
        *[("Gibberish", None), ("", None), ("xx", None)],
    ],
)
def test_a_language_in_any_official_language(name: str, code: str | None) -> None:
    assert language_code(name) == code


def test_languages_of_a_table_are_named_or_coded_and_a_wrong_one_is_told(tmp_path: Path) -> None:
    table = tmp_path / "cities.csv"
    head = "name,country,roles,languages\n"
    table.write_text(head + 'Graz,AT,guest,"German, English"\nLund,SE,guest,sv/EN\n', "utf-8")
    assert [city.languages for city in read(table).cities] == [("de", "en"), ("sv", "en")]
    table.write_text(head + "Graz,AT,guest,Germn\n", "utf-8")
    with pytest.raises(DataError) as told:
        read(table)
    (problem,) = told.value.problems
    assert (problem.where.row, problem.where.column) == (2, "languages")
    assert problem.found.startswith("Found 'Germn': no language has this code")


@pytest.mark.parametrize("name", ["Atlantis", "", "Europe", "Deutschlan", "EU", "ZZ", "XAX"])
def test_what_is_no_country_here_is_none(name: str) -> None:
    assert country_code(name) is None


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Brazil", "BR"),
        ("Japon", "JP"),
        ("USA", "US"),
        ("GBR", "GB"),
        ("DEU", "DE"),
        ("na", "NA"),
        ("Viet Nam", "VN"),
    ],
)
def test_any_country_of_the_world_is_one(name: str, code: str) -> None:
    assert country_code(name) == code
    assert City(id=f"{code.lower()}-x", name="X", country=code).country == code


def test_every_name_leads_to_one_country() -> None:
    assert len(country_names()) > 1_000


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Bolivia (Plurinational State of)", "BO"),
        ("United Republic of Tanzania", "TZ"),
        ("Taiwan, Greater China", "TW"),
        ("Democratic Republic of the Congo", "CD"),
        ("Atlantis", None),
        ("Republic of Atlantis", None),
    ],
)
def test_countries_as_organisations_write_them(name: str, code: str | None) -> None:
    assert (country_code(name) or country_within(name)) == code


@pytest.mark.parametrize(
    ("country", "name", "expected"),
    [
        ("DE", "Münster", "de-munster"),
        ("PL", "Łódź", "pl-lodz"),
        ("GR", "Θεσσαλονίκη", "gr-thessaloniki"),
        ("BG", "Велико Търново", "bg-veliko-trnovo"),
        ("IT", "L'Aquila", "it-l-aquila"),
        ("TR", "İzmir", "tr-izmir"),
    ],
)
def test_identifiers_are_plain_letters(country: str, name: str, expected: str) -> None:
    assert city_id(country, name) == expected


def test_the_gazetteer_says_what_the_profiles_say() -> None:
    cities = {c.id: c for c in read().cities}
    assert set(places()) == set(cities)
    for place in places().values():
        city = cities[place.id]
        assert (place.name, place.country) == (city.name, city.country)
        assert (place.lat, place.lon) == (
            (city.location.lat, city.location.lon) if city.location else (None, None)
        )
        assert place.population == (city.population.value if city.population else None)


def test_a_name_as_it_is_spelled_is_the_city_and_a_near_one_only_a_question() -> None:
    assert known_city("DE", "AACHEN") == "de-aachen"
    assert known_city("FR", "Aachen") is None
    assert known_city("DE", "Aachan") is None
    near = near_city("DE", "Aachan")
    assert near is not None
    assert near.id == "de-aachen"
    assert near_city("DE", "Aachen") is None
    assert near_city("DE", "Wuppertal-Elberfeld") is None
