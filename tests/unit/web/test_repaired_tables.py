"""A table that is written anew has the sheets and texts that it had, whatever it is called and holds."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import openpyxl
import pytest

from twinmatch.web.sandbox import with_cell


def ods(path: Path, *sheets: str) -> Path:
    """Write an .ods of sheets with these names, each with a header and a city."""
    spaces = "".join(
        f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    cell = "<table:table-cell><text:p>{}</text:p></table:table-cell>"
    rows = "".join(
        f"<table:table-row>{''.join(map(cell.format, row))}</table:table-row>"
        for row in (("id", "name"), ("de-a", "A"))
    )
    tables = "".join(f'<table:table table:name="{name}">{rows}</table:table>' for name in sheets)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("content.xml", f"<office:body{spaces}>{tables}</office:body>")
    return path


def mended(path: Path, sheet: str, value: str = "B") -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(with_cell(path, (sheet, 2, "name"), value)))


LONG = "x" * 31


@pytest.mark.parametrize(
    ("names", "written"),
    [
        (("cities", "emissions"), ["cities", "emissions"]),
        ((f"{LONG} 2024", f"{LONG} 2025"), [LONG, f"{'x' * 27} (2)"]),
        (("a", "A (2)", "A"), ["a", "A (2)", "A (3)"]),
        (("'quoted'", "a/b:c"), ["quoted", "a b c"]),
        (("?", "''"), ["Sheet", "Sheet (2)"]),
        (("\N{DECIDUOUS TREE}" * 20,), ["\N{DECIDUOUS TREE}" * 15]),
    ],
)
def test_sheets_keep_their_names_as_far_as_a_workbook_admits(
    names: tuple[str, ...], written: list[str], tmp_path: Path
) -> None:
    book = mended(ods(tmp_path / "a.ods", *names), names[-1])
    assert book.sheetnames == written
    assert [page["B2"].value for page in book] == ["A"] * (len(names) - 1) + ["B"]


@pytest.mark.parametrize(
    ("typed", "held"),
    [
        ("5000", 5000),
        (" -1.25 ", -1.25),
        ("0", 0),
        *((text, text) for text in ("007", "1_000", "+inf", "inf", "nan", "1e999", "1.50", "+5")),
        *((text, text) for text in ("1234567890123456789", "12.", "B")),
    ],
)
def test_only_a_number_that_reads_as_it_was_typed_is_written_as_one(
    typed: str, held: object, tmp_path: Path
) -> None:
    found = mended(ods(tmp_path / "a.ods", "cities"), "cities", typed)["cities"]["B2"].value
    assert (found, isinstance(found, str)) == (held, isinstance(held, str))
