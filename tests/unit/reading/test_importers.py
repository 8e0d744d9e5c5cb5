"""Every importer on a small file of its format's shape: sums by hand, traps by name, nothing split or invented."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import importer_samples as samples
import pytest

from twinmatch.errors import DataError
from twinmatch.reading import read_grids, without_contacts
from twinmatch.reading.importers import IMPORTERS, Imported, Options, names_from
from twinmatch.reading.importers.contract import form_of
from twinmatch.reading.importers.gpc import boundary_of, city_of, inventory_year
from twinmatch.schema import City
from twinmatch.validate import profiles
from twinmatch.vocabulary import taxonomy
from twinmatch.vocabulary.taxonomy import GPC, SECTOR_FIELDS, Standard, notation, together

SAMPLES = {
    "covenant": samples.COVENANT,
    "covenant-inventories": samples.INVENTORIES,
    "covenant-totals": samples.TOTALS,
    "mycovenant": samples.MY_COVENANT,
    "cdp": samples.CDP_2016,
    "c40": samples.C40,
    "ciris": samples.CIRIS,
    "carbon-monitor": samples.CARBON_MONITOR,
    "contract": samples.CONTRACT_GPC,
}


def imported(tmp_path: Path, kind: str, content: str, **options: Any) -> Imported:
    path = tmp_path / "sample.csv"
    path.write_text(content, "utf-8")
    return IMPORTERS[kind].read(read_grids(path), Options(**options))


def cities(found: Imported) -> dict[str, City]:
    known, problems = profiles(without_contacts(found.raw).cities, City)
    assert problems == []
    return {city.id: city for city, _ in known}


def codes(found: Imported) -> list[str]:
    return sorted(p.code for p in found.raw.problems)


def sectors(city: City) -> dict[str, object]:
    assert city.emissions is not None
    values = {n: getattr(city.emissions.sectors, n) for n in SECTOR_FIELDS}
    return {n: v for n, v in values.items() if v is not None and v != "blank"}


def test_every_importer_has_a_sample() -> None:
    assert set(SAMPLES) == set(IMPORTERS)


@pytest.mark.parametrize("kind", IMPORTERS)
def test_every_importer_gives_valid_profiles_with_sources(tmp_path: Path, kind: str) -> None:
    found = cities(imported(tmp_path, kind, SAMPLES[kind]))
    assert found
    for city in found.values():
        assert city.sources
        assert city.id.startswith(city.country.lower())


@pytest.mark.parametrize("kind", IMPORTERS)
def test_every_importer_refuses_another_format(tmp_path: Path, kind: str) -> None:
    with pytest.raises(DataError) as caught:
        imported(tmp_path, kind, "a,b\n1,2\n")
    assert [p.code for p in caught.value.problems] == ["not-this-format"]


@pytest.mark.parametrize("kind", sorted(set(IMPORTERS) - {"mycovenant", "ciris", "contract"}))
def test_the_order_of_rows_changes_nothing(tmp_path: Path, kind: str) -> None:
    head, *rows = SAMPLES[kind].splitlines(keepends=True)
    there = cities(imported(tmp_path, kind, SAMPLES[kind]))
    back = cities(imported(tmp_path, kind, head + "".join(reversed(rows))))
    assert there == back


def test_covenant_context(tmp_path: Path) -> None:
    found = imported(tmp_path, "covenant", samples.COVENANT)
    known = cities(found)
    assert set(known) == {
        *(
            "gr-vathykampos",
            "gb-upper-exampleton",
            "it-santa-prova-it9003",
            "it-santa-prova-it9004",
            "tn-exemplis",  # any country of the world
        ),
        "de-aachen",  # the bundled city's own identifier
    }
    greek = known["gr-vathykampos"]
    assert greek.country == "GR"
    assert greek.covenant is not None
    assert (greek.covenant.target_2020, greek.covenant.target_2030) == (
        20,
        None,
    )  # " -   " is not known
    assert greek.context is not None
    assert greek.context.edgar_per_head is not None
    assert greek.context.edgar_per_head.kind == "estimated"
    british = known["gb-upper-exampleton"]
    assert british.name == "Upper Exampleton"
    assert british.location is None
    assert british.population is not None
    assert (british.population.value, british.population.note) == (8000, "in the year of adhesion")
    assert british.context is not None
    assert british.context.degree_of_urbanisation is None  # 9 is no degree
    assert dict(found.aside) == {"identifier here before": 1}
    assert codes(found) == ["id-twice", "same-name", "value-unknown"]


def test_covenant_inventories_take_the_newest_and_add_what_belongs_together(tmp_path: Path) -> None:
    found = imported(tmp_path, "covenant-inventories", samples.INVENTORIES)
    city = cities(found)["pl-przyklad"]
    assert city.emissions is not None
    assert (city.emissions.year, city.emissions.boundary_population) == (2018, 5100)
    assert sectors(city) == {"stationary_energy": 9000.5, "transport": 3000, "waste": 500}
    assert codes(found) == ["sector-unknown"]
    older = cities(imported(tmp_path, "covenant-inventories", samples.INVENTORIES, year=2012))
    assert sectors(older["pl-przyklad"]) == {"stationary_energy": 1000, "transport": 4000}


def test_covenant_totals_are_called_by_their_code_until_names_are_given(tmp_path: Path) -> None:
    found = imported(tmp_path, "covenant-totals", samples.TOTALS)
    assert {c.name: c.emissions.total_printed for c in cities(found).values() if c.emissions} == {
        "AT XXA": 130075.25,
        "BE XXB": 60455,
    }
    assert codes(found) == ["name-is-a-code"]
    path = tmp_path / "names.csv"
    path.write_text("locode,name\nAT XXA,Vorbild\nBE XXB,Voorbeeld\n", "utf-8")
    named = imported(
        tmp_path, "covenant-totals", samples.TOTALS, names=names_from(read_grids(path))
    )
    assert set(cities(named)) == {"at-vorbild", "be-voorbeeld"}
    assert codes(named) == []


def test_names_need_a_pair_of_columns(tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    path.write_text("a,b\n1,2\n", "utf-8")
    with pytest.raises(DataError, match="pair of columns"):
        names_from(read_grids(path))


@pytest.mark.parametrize(
    ("sample", "city", "year", "boundary", "total", "scopes"),
    [
        (
            samples.CDP_2016,
            "it-esempio",
            2013,
            "metropolitan",
            625391.59,
            (589055.31, 36336.28, None),
        ),
        (samples.CDP_2017, "es-ejemplo", 2013, "city", 12232310, (2249502, 9982808, None)),
        (samples.CDP_2018, "dk-eksempel", 2016, "city", None, (180000, 20000, None)),
        (samples.CDP_2019, "dk-eksempel", 2016, "city", None, (180000, 20000, None)),
        (samples.CDP_2020, "nl-voorbeeld", 2018, "metropolitan", 550000, (400000, 100000, 50000)),
        (samples.CDP_2021, "at-beispiel", 2019, "district", None, (514091.61, 782045.75, None)),
    ],
)
def test_cdp_in_each_of_its_six_years(
    tmp_path: Path,
    sample: str,
    city: str,
    year: int,
    boundary: str,
    total: float | None,
    scopes: tuple[float | None, ...],
) -> None:
    emissions = cities(imported(tmp_path, "cdp", sample))[city].emissions
    assert emissions is not None
    assert (emissions.year, emissions.boundary, emissions.total_printed) == (year, boundary, total)
    assert emissions.scopes is not None
    assert (emissions.scopes.scope_1, emissions.scopes.scope_2, emissions.scopes.scope_3) == scopes
    assert set(emissions.sectors.model_dump(exclude_none=True).values()) == {
        "blank"
    }  # nothing is split


def test_cdp_sets_aside_and_tells(tmp_path: Path) -> None:
    first = imported(tmp_path, "cdp", samples.CDP_2016)
    assert not first.aside
    assert cities(first)["br-exemplo"].country == "BR"
    place = cities(first)["it-esempio"].location
    assert place is not None
    assert (place.lat, place.lon) == (43.76, 11.25)
    assert codes(imported(tmp_path, "cdp", samples.CDP_2017)) == ["country-unknown"]
    third = imported(tmp_path, "cdp", samples.CDP_2018)
    assert dict(third.aside) == {"no inventory in the row": 1}
    assert codes(third) == ["scopes-differ"]  # 100 t against 500,000 t
    danish = cities(third)["dk-eksempel"].location
    assert danish is not None
    assert danish.lat == 57.1453
    assert codes(imported(tmp_path, "cdp", samples.CDP_2020)) == ["name-from-organisation"]


@pytest.mark.parametrize(
    ("organisation", "city"),
    [
        ("Comune di Lucca", "Lucca"),
        ("City of Lake Forest, IL", "Lake Forest"),
        ("Westminster City Council", "Westminster"),
        ("Jammerbugt Kommune", "Jammerbugt"),
        ("Ayuntamiento de Madrid", "Madrid"),
        ("Câmara Municipal de Lisboa", "Lisboa"),
        ("Oslo", "Oslo"),
    ],
)
def test_the_city_in_an_authoritys_name(organisation: str, city: str) -> None:
    assert city_of(organisation) == city


@pytest.mark.parametrize(
    ("period", "year"),
    [
        ("2016-01-01 - 2016-12-31", 2016),
        ("2013-07-01 - 2014-06-30", 2013),
        ("2013-08-01 - 2014-07-31", 2014),
        ("2010-01-01 - 2011-01-01", 2010),
        ("12/31/2013 12:00:00 AM", 2013),
        ("-", None),
        ("", None),
    ],
)
def test_the_year_of_an_accounting_period(period: str, year: int | None) -> None:
    assert inventory_year(period) == year


def test_boundaries_in_words() -> None:
    assert boundary_of("Partial – covers part of the city and adjoining areas")[0] == "metropolitan"
    assert boundary_of("Combination of administrative divisions")[0] == "joint"
    assert boundary_of("", "Metropolitan area")[0] == "metropolitan"
    assert (
        boundary_of("", "Local government area within a greater city / metropolitan area")[0]
        == "city"
    )


def test_c40_counts_basic_and_keeps_keys(tmp_path: Path) -> None:
    found = imported(tmp_path, "c40", samples.C40)
    known = cities(found)
    first = known["dk-exempla"]
    assert first.emissions is not None
    assert first.emissions.year == 2018
    assert first.emissions.boundary_population == 520000
    # by hand: 1000 + 100, without losses (I.1.3), power for the grid (I.4.4) and waste from outside (III.1.3)
    assert sectors(first) == {
        "stationary_energy": 1100,
        "transport": 600,
        "waste": 60,
        "ippu": "NE",
        "afolu": "NE",
    }
    assert first.emissions.total_printed == 1760
    second = known["pl-przykladowo"]
    assert second.emissions is not None
    assert sectors(second) == {
        "stationary_energy": 2200,
        "transport": 700,
        "waste": "IE",
        "ippu": 30,
        "afolu": 5,
    }
    assert second.emissions.removals == -40
    assert second.emissions.total_printed is None  # BASIC has no IPPU and AFOLU
    assert "3,000" in (second.emissions.note or "")
    assert codes(found) == ["basic-differs", "basic-differs"]  # the second is the sample of Japan
    assert dict(found.aside) == {"other years or repeated rows of the same city": 1}


def test_ciris_adds_fuels_and_reads_its_title_rows(tmp_path: Path) -> None:
    found = imported(tmp_path, "ciris", samples.CIRIS)
    city = cities(found)["at-vorbild"]
    assert city.emissions is not None
    assert (city.emissions.year, city.emissions.boundary_population) == (2019, 100000)
    assert sectors(city) == {
        "stationary_energy": 180000.5,
        "transport": 80000,
        "waste": 9000,
        "ippu": "NE",
    }
    assert city.emissions.removals == -3000
    assert "III.4.1" in (city.emissions.note or "")


def test_ciris_without_a_city_asks_for_it(tmp_path: Path) -> None:
    nameless = samples.CIRIS.replace("City:,Vorbild", "x,")
    with pytest.raises(DataError, match="--city"):
        imported(tmp_path, "ciris", nameless)
    assert set(cities(imported(tmp_path, "ciris", nameless, city="Graz", country="AT"))) == {
        "at-graz"
    }


def test_carbon_monitor_is_an_estimate_of_a_wider_area(tmp_path: Path) -> None:
    found = imported(tmp_path, "carbon-monitor", samples.CARBON_MONITOR)
    city = cities(found)["at-vorbild"]
    assert city.emissions is not None
    assert (city.emissions.year, city.emissions.kind, city.emissions.boundary) == (
        2021,
        "estimated",
        "metropolitan",
    )
    # Power is absent, so energy industries are not known; industry is one figure, and is not split
    assert sectors(city) == {"stationary_energy": 400000, "transport": 250000, "other": 100000}
    assert city.emissions.total_printed is None


def test_contract_in_gpc_form(tmp_path: Path) -> None:
    city = cities(imported(tmp_path, "contract", samples.CONTRACT_GPC))["at-vorbild"]
    assert city.emissions is not None
    assert (city.emissions.form, city.emissions.year) == ("gpc", 2018)
    assert sectors(city) == {
        "stationary_energy": 300500,
        "transport": 152000,
        "waste": 12000,
        "ippu": "NE",
        "afolu": 4000,
    }
    assert (city.emissions.removals, city.emissions.total_printed) == (-10000, 468500)


def test_contract_in_economic_form_a_row_a_city(tmp_path: Path) -> None:
    known = cities(imported(tmp_path, "contract", samples.CONTRACT_ECONOMIC))
    first, second = known["at-vorbild"], known["it-modello"]
    assert first.emissions is not None
    assert first.emissions.form == "economic"
    assert sectors(first) == {
        "stationary_energy": 200000,
        "electricity": 50000,
        "transport": 100000,
        "waste": "IE",
        "other": 30000,
    }
    assert second.emissions is not None
    assert second.emissions.total_printed == 425000


def test_contract_in_the_citys_own_form_tells_what_it_does_not_know(tmp_path: Path) -> None:
    found = imported(tmp_path, "contract", samples.CONTRACT_CITY)
    city = cities(found)["de-modell"]
    assert city.emissions is not None
    assert city.emissions.form == "city"
    assert sectors(city) == {"stationary_energy": 100000, "transport": 100000, "waste": 1500}
    assert city.emissions.total_printed == 206500
    (told,) = [p for p in found.raw.problems if p.code == "sector-unknown"]
    assert "Flying whales" in told.found
    assert told.where.row == 7


def test_forms_of_contract_tables() -> None:
    assert form_of(["Buildings", "Transport", "Waste", "IPPU", "AFOLU", "Total"])[0] == "gpc"
    assert (
        form_of(["Buildings & Heating", "Transport", "Electricity", "Waste", "Other"])[0]
        == "economic"
    )
    assert form_of(["Residential buildings", "Transport"])[0] == "city"


def test_mycovenant_reads_emissions_and_not_energy(tmp_path: Path) -> None:
    found = imported(tmp_path, "mycovenant", samples.MY_COVENANT)
    city = cities(found)["pl-przyklad"]
    assert city.emissions is not None
    assert (city.emissions.year, city.emissions.boundary_population) == (2014, 50000)
    assert sectors(city) == {
        "stationary_energy": 55000,  # 6000 + 60000 + 500, less the electricity of 11500
        "electricity": 11500,
        "industry_energy": 10000,
        "transport": 42700,
        "waste": 800,
    }
    assert city.emissions.total_printed == 120000
    assert codes(found) == []


def test_taxonomy_maps_every_line_to_a_field_or_says_why_not() -> None:
    for standard in (s for s in vars(taxonomy).values() if isinstance(s, Standard)):
        assert standard.source
        for sector in standard.sectors:
            assert sector.field in {*SECTOR_FIELDS, None}
            assert sector.field or sector.why, sector.label
            assert standard.find(sector.label.upper()) == sector
    assert len(GPC.sectors) == 54
    assert sum(s.basic for s in GPC.sectors) == 32


@pytest.mark.parametrize(
    ("cell", "key"),
    [
        ("NO", "NO"),
        ("no ", "NO"),
        ("NE; NE", "NE"),
        ("NO; IE", "IE"),
        ("IE (II.1.1)", "IE"),
        ("not estimated", "NE"),
        ("C", "C"),
        ("CO2", None),
        ("12", None),
        ("NO emissions", None),
        ("", None),
    ],
)
def test_notation_keys_as_cities_write_them(cell: str, key: str | None) -> None:
    assert notation(cell) == key


def test_the_key_of_several_cells_claims_least() -> None:
    assert together(["NO", "NE", "IE"]) == "NE"
    assert together(["NO", "IE"]) == "IE"
    assert together(["NO", "NO"]) == "NO"


def test_contacts_in_an_imported_file_are_taken_out(tmp_path: Path) -> None:
    sample = samples.CDP_2016.replace(
        ",GPC,Contact", ",GPC by Dr. Anna Kanarek anna@city.example,Contact"
    )
    raw = without_contacts(imported(tmp_path, "cdp", sample).raw)
    assert "Kanarek" not in repr(raw)
    assert "personal-data" in {p.code for p in raw.problems}
