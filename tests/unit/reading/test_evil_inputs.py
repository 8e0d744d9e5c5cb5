"""Malformed files give one clear error, at its cell; hostile ones: security/test_evil_files.py."""

from __future__ import annotations

import contextlib
from pathlib import Path

import evil_files as evil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twinmatch.errors import DataError
from twinmatch.reading import Raw, read, read_raw


def test_a_harmless_zip_inside_is_not_unpacked(tmp_path: Path) -> None:
    assert read(evil.quoted_quine(tmp_path / "a.xlsx")).cities[0].id == "de-beispiel"


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("1e308", "value-wrong"),
        (1e308, "value-wrong"),
        ("-1", "value-wrong"),
        ("#REF!", "cell-error"),
        ("viel", "value-wrong"),
    ],
)
def test_a_number_that_cannot_be_is_told_with_its_cell(
    tmp_path: Path, cell: object, code: str
) -> None:
    sectors = ("emissions.sectors.waste", "emissions.sectors.transport")
    header = (*evil.HEADER, "emissions.form", "emissions.boundary", *sectors)
    path = evil.workbook(tmp_path / "a.xlsx", [header, (*evil.ROW, "gpc", "city", "NO", cell)])
    with pytest.raises(DataError) as caught:
        read(path)
    (problem,) = caught.value.problems
    assert (problem.code, problem.where.sheet, problem.where.row) == (code, "cities", 2)
    assert problem.where.column == "emissions.sectors.transport"


def test_a_formula_that_was_saved_without_its_result_is_told_and_not_read_as_empty(
    tmp_path: Path,
) -> None:
    path = evil.workbook(tmp_path / "a.xlsx", [(*evil.HEADER, "population"), (*evil.ROW, 5)])
    parts = evil.parts_of(path)
    sheet = parts["xl/worksheets/sheet1.xml"]
    parts["xl/worksheets/sheet1.xml"] = sheet.replace(b"<v>5</v>", b"<f>SUM(A1:A9)</f>")
    with pytest.raises(DataError, match="formula in D2 was saved without its result"):
        read(evil.with_parts(path, parts))


def test_right_to_left_text_is_read_and_invisible_marks_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,name,local_name,country\nil-x,Haifa,\u202bחיפה\u202c,IL\n", "utf-8")
    raw = read_raw(path)
    assert raw.cities[0].data["local_name"] == "חיפה"
    assert [p.code for p in raw.problems] == ["characters-removed"]


def test_a_csv_with_too_many_rows_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,name,country\n" + "de-x,X,DE\n" * 200_001, "utf-8")
    with pytest.raises(DataError, match="More than 200,000 rows"):
        read(path)


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_nul_characters_are_left_out_and_reported(ending: str, tmp_path: Path) -> None:
    """At every door: no store and no file could hold them."""
    path = tmp_path / f"a{ending}"
    if ending == ".csv":
        path.write_bytes(b"id,name,country\nde-x,X,DE\nde-\0b,Bei\0spiel,DE\n")
    else:
        rows = {"id": ["de-x", "de-b"], "name": ["X", "Bei\0spi\0el"], "country": ["DE", "DE"]}
        pa = pytest.importorskip("pyarrow")
        pytest.importorskip("pyarrow.parquet").write_table(pa.table(rows), path)
    raw = read_raw(path)
    assert [city.data["name"] for city in raw.cities] == ["X", "Beispiel"]
    (told,) = raw.problems
    assert (told.code, told.level) == ("nul-left-out", "warning")
    assert told.found.startswith("2 ")
    assert told.where.row == (3 if ending == ".csv" else 0)


def test_bytes_that_are_not_utf8_are_told_with_what_they_may_say(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("id,name,country\nfr-besancon,Besançon,FR\n".encode("cp1252"))
    raw = read_raw(path)
    assert raw.cities[0].data["name"] == "Besançon"
    assert [(p.code, p.level) for p in raw.problems] == [("encoding-guessed", "warning")]
    path.write_bytes("id,name,country\npl-x,Łódź żółć,PL\n".encode("cp1250"))
    with pytest.raises(DataError) as caught:
        read(path)
    (problem,) = caught.value.problems
    assert problem.code == "not-utf-8"
    assert problem.where.row == 2
    assert "cp1250 would read 'Łódź'" in problem.do


@pytest.mark.parametrize("name", ["a.xls", "a.xlsm", "a.pdf", "a.txt", "a"])
def test_an_unknown_format_is_told_with_advice(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(DataError, match=r"cannot be read.*Known: a folder of \.yaml"):
        read(tmp_path / name)


def assert_read_or_told(path: Path) -> None:
    """Anything but records or an error on purpose escapes, and fails the test."""
    with contextlib.suppress(DataError):
        assert isinstance(read_raw(path), Raw)


@pytest.mark.parametrize("ending", [".xlsx", ".ods", ".parquet", ".csv", ".tsv"])
@given(content=st.binary(max_size=300))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_bytes_give_records_or_a_clear_error(
    tmp_path: Path, ending: str, content: bytes
) -> None:
    path = tmp_path / f"fuzz{ending}"
    path.write_bytes(content)
    assert_read_or_told(path)


@given(cut=st.integers(0, 5000), flip=st.integers(0, 5000), bit=st.integers(0, 7))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_damaged_workbook_gives_records_or_a_clear_error(
    tmp_path: Path, cut: int, flip: int, bit: int
) -> None:
    path = evil.plain(tmp_path / "a.xlsx")
    content = bytearray(path.read_bytes())
    content[flip % len(content)] ^= 1 << bit
    path.write_bytes(bytes(content[: len(content) - cut % 40]))
    assert_read_or_told(path)
