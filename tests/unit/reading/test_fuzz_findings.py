"""What the fuzzer found: each file once escaped as an exception of a parser, and is told as an error since."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import evil_files as evil
import importer_samples as samples
import pytest

from twinmatch.app.decided import read_decisions
from twinmatch.errors import DataError, QuestionError, TwinmatchError
from twinmatch.intake.profile_folder import read_accepted
from twinmatch.programmes.programme import load
from twinmatch.reading import read, read_grids, read_mapping
from twinmatch.reading.importers import IMPORTERS, Options
from twinmatch.reading.importers.base import as_number
from twinmatch.reading.values import mass

DIGITS = "a = " + "9" * 5_000
DEEP = "a = " + "[" * 20_000


@pytest.mark.parametrize("content", [DIGITS, DEEP], ids=["5_000_digits", "20_000_brackets"])
@pytest.mark.parametrize("reader", [load, read_mapping, read_accepted])
def test_a_toml_file_that_python_refuses_is_told(
    tmp_path: Path, reader: Callable[[Path], object], content: str
) -> None:
    path = tmp_path / "a.toml"
    path.write_text(content, "utf-8")
    with pytest.raises(TwinmatchError, match=r"a\.toml") as caught:
        reader(path)
    assert isinstance(caught.value, DataError | QuestionError)


def test_an_ods_in_an_encoding_that_nobody_knows_is_told(tmp_path: Path) -> None:
    path = evil.ods(tmp_path / "a.ods", evil.ods_row("id"))
    parts = evil.parts_of(path)
    parts["content.xml"] = parts["content.xml"].replace(b"UTF-8", b"U9999", 1)
    with pytest.raises(DataError, match="unknown encoding: U9999"):
        read(evil.with_parts(path, parts))


def test_an_ods_whose_directory_lies_about_the_size_of_a_part_is_told(tmp_path: Path) -> None:
    path = evil.ods(tmp_path / "a.ods", "".join(evil.ods_row(f"city {k}") for k in range(400)))
    content = bytearray(path.read_bytes())
    entry = content.index(b"PK\x01\x02")
    while b"content.xml" not in content[entry + 46 : entry + 57]:
        entry = content.index(b"PK\x01\x02", entry + 4)
    struct.pack_into("<II", content, entry + 20, 1_718_551_061, 1_701_013_862)
    path.write_bytes(bytes(content))
    with pytest.raises(DataError) as caught:
        read(path)
    assert [p.code for p in caught.value.problems] == ["not-a-workbook"]


def shifted(path: Path) -> Path:
    """A workbook whose directory says that its parts begin before the file does."""
    content = bytearray(evil.plain(path).read_bytes())
    end = content.rindex(b"PK\x05\x06")
    start = struct.unpack_from("<I", content, end + 16)[0]
    struct.pack_into("<I", content, end + 16, start + 1_000)
    path.write_bytes(bytes(content))
    return path


@pytest.mark.parametrize("reader", [read, read_decisions])
def test_a_zip_that_points_before_its_beginning_is_damaged(
    tmp_path: Path, reader: Callable[[Path], object]
) -> None:
    with pytest.raises(DataError) as caught:
        reader(shifted(tmp_path / "a.xlsx"))
    assert [p.code for p in caught.value.problems] == ["not-a-workbook"]


def test_a_decision_sheet_that_cannot_be_opened_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = evil.plain(tmp_path / "a.xlsx")

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(DataError, match=r"a\.xlsx: Cannot be read: Permission denied\."):
        read_decisions(path)


def test_a_thousand_sheets_of_empty_rows_do_not_fill_the_memory(tmp_path: Path) -> None:
    one = evil.ods_row("x", repeat=20_000)
    again = '</table:table><table:table table:name="b">'
    path = evil.ods(tmp_path / "a.ods", again.join([one] * 1_000))
    with pytest.raises(DataError, match="more than 100,000 rows together"):
        read(path)
    with pytest.raises(DataError, match="more than 100,000 rows together"):
        read(many_sheets(tmp_path / "a.xlsx"))


def many_sheets(path: Path, count: int = 20) -> Path:
    """A workbook of many sheets, each with one cell far down."""
    import xlsxwriter

    book = xlsxwriter.Workbook(str(path))
    for _ in range(count):
        book.add_worksheet().write(19_999, 0, "x")
    book.close()
    return path


def test_a_city_without_a_name_is_set_aside_and_told(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(samples.CARBON_MONITOR.replace("Vorbild", ""), "utf-8")
    found = IMPORTERS["carbon-monitor"].read(read_grids(path), Options())
    assert [r.data["name"] for r in found.raw.cities] == [
        "Exemplis"
    ]  # the other city of the sample
    assert found.aside["no name"] == 1
    assert "name-missing" in {p.code for p in found.raw.problems}


@pytest.mark.parametrize("written", ["0x" + "9" * 5_000, "9" * 5_000, "9" * 40])
@pytest.mark.parametrize("form", ["- {{{}: a}}", "name: {}", "population: {{value: {}}}"])
def test_a_number_of_thousands_of_digits_in_yaml_is_told(
    tmp_path: Path, written: str, form: str
) -> None:
    (tmp_path / "a.yaml").write_text(form.format(written), "utf-8")
    with pytest.raises(DataError, match="Not readable as YAML"):
        read(tmp_path)


@pytest.mark.parametrize("written", ["[[1]]", "[{a: 1}]", "[[transport], transport]"])
@pytest.mark.parametrize("block", ["challenges", "strengths"])
def test_a_list_in_a_list_of_domains_is_told_at_its_field(
    tmp_path: Path, block: str, written: str
) -> None:
    (tmp_path / "a.yaml").write_text(
        f"id: be-a\nname: A\ncountry: BE\n{block}: {written}\n", "utf-8"
    )
    with pytest.raises(DataError) as told:
        read(tmp_path)
    assert {p.where.column.partition(".")[0] for p in told.value.problems} == {block}


@pytest.mark.parametrize(
    "written", ["9" * 400, "1," + "000," * 120 + "000", "1e999", "-inf", "nan"]
)
def test_a_number_beyond_all_floats_is_none(written: str) -> None:
    assert as_number(written) is None


def test_a_unit_of_several_lines_is_no_mass() -> None:
    assert mass("t\nCO2e x\ny") is None
    assert mass("kt CO2e") == mass("1000 t CO2e")
