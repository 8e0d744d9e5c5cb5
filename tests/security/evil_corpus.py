"""Files that somebody made to harm who opens them: each is made by a few lines, none is kept in the repository.

A file is an ending, a maker, and what is to come of it: the codes of the problems that refuse it, or nothing where
it is read as the plain text that it is.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import evil_files as made

HEAD = b"id,name,country\n"
ROW = b"de-beispiel,Beispiel,DE\n"
YAML = b"id: de-beispiel\nname: Beispiel\ncountry: DE\n"
SECRET = "canary-of-another-folder"
"""Stands in a file beside the uploads: who follows a path or a link out of the upload would tell it."""


@dataclass(frozen=True)
class Evil:
    """One evil file: its ending, what writes it, and the codes of which its refusal names one (none: it is read)."""

    ending: str
    make: Callable[[Path], object]
    codes: frozenset[str] = frozenset()

    def at(self, folder: Path, name: str = "evil") -> Path:
        """Return where the file was written."""
        path = folder / f"{name}{self.ending}"
        self.make(path)
        return path


def evil(ending: str, make: Callable[[Path], object], *codes: str) -> Evil:
    return Evil(ending, make, frozenset(codes))


def holds(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


def xlsx(change: Callable[[dict[str, bytes]], None]) -> Callable[[Path], object]:
    """Return a maker of a plain workbook whose parts were changed."""

    def make(path: Path) -> None:
        parts = made.parts_of(made.plain(path))
        change(parts)
        made.with_parts(path, parts)

    return make


def sheet(old: bytes, new: bytes) -> Callable[[Path], object]:
    def change(parts: dict[str, bytes]) -> None:
        content = parts["xl/worksheets/sheet1.xml"]
        assert old in content
        parts["xl/worksheets/sheet1.xml"] = content.replace(old, new, 1)

    return xlsx(change)


def members(*names: str) -> Callable[[Path], object]:
    """Return a maker of a workbook with further members of these names."""

    def make(path: Path) -> None:
        made.plain(path)
        with zipfile.ZipFile(path, "a") as archive:
            for name in names:
                archive.writestr(name, SECRET)

    return make


def link_member(path: Path) -> None:
    """A workbook whose sheet is a symbolic link to a file of the machine."""
    parts = made.parts_of(made.plain(path))
    del parts["xl/worksheets/sheet1.xml"]
    made.with_parts(path, parts)
    with zipfile.ZipFile(path, "a") as archive:
        link = zipfile.ZipInfo("xl/worksheets/sheet1.xml")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "/etc/passwd")


def overlapping(path: Path) -> None:
    """A zip whose 900 members are all the same 10 MB: a few kilobytes that say they are gigabytes (Fifield, 2019)."""
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b" " * 10_000_000)
    content = inner.getvalue()
    at = content.find(b"PK\x01\x02")
    entry, local = content[at : content.find(b"PK\x05\x06")], content[:at]
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 900, 900, len(entry) * 900, len(local), 0)
    path.write_bytes(local + entry * 900 + end)


def nested(path: Path, depth: int = 6) -> None:
    """Zips in zips, the innermost full of zeros; what is inside a part is never unpacked."""
    content = b"0" * 5_000_000
    for level in range(depth):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"{level}.zip", content)
        content = out.getvalue()
    parts = made.parts_of(made.plain(path))
    made.with_parts(path, parts | {"xl/media/inner.zip": content})


def encrypted_zip(path: Path) -> None:
    """A workbook whose members say that they are encrypted."""
    made.plain(path)
    content = bytearray(path.read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = 0
        while (start := content.find(signature, start)) >= 0:
            content[start + flags] |= 1
            start += 4
    path.write_bytes(bytes(content))


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504
"""How an encrypted .xlsx and an old .xls begin."""

NOT_BOOK = ("not-a-workbook",)


def _cells(*cells: bytes) -> bytes:
    return (
        HEAD.rstrip()
        + b",note\n"
        + b"".join(
            b'de-b%d,Beispiel%d,DE,"%s"\n' % (k, k, cell.replace(b'"', b'""'))
            for k, cell in enumerate(cells)
        )
    )


def _deep_ods(path: Path) -> None:
    row = made.ods_row(*made.HEADER) + "<text:span>" * 100_000 + "</text:span>" * 100_000
    made.ods(path, row)


WORKBOOKS: dict[str, Evil] = {
    "last_cell_of_a_sheet": evil(".xlsx", made.last_cell, "cell-beyond"),
    "last_cell_behind_a_sign": evil(
        ".xlsx",
        sheet(
            b"</sheetData>",
            b'<row r="1048576"><c s=">" r="XFD1048576"><v>1</v></c></row></sheetData>',
        ),
        "cell-beyond",
        *NOT_BOOK,
    ),
    "megabytes_of_cells_that_never_end": evil(
        ".xlsx",
        sheet(b"</sheetData>", b"<x><c " * 500_000 + b'r="A1"' * 500_000 + b"</sheetData>"),
        *NOT_BOOK,
    ),
    "megabytes_of_attributes": evil(
        ".xlsx",
        sheet(b"</sheetData>", b"<c " + b'r="A1" ' * 500_000 + b"></c></sheetData>"),
        *NOT_BOOK,
    ),
    "400_MB_of_spaces": evil(".xlsx", made.spaces, "too-large"),
    "400_MB_shared_string": evil(".xlsx", made.shared_string, "too-large"),
    "lying_size_header": evil(".xlsx", made.lying_size, "too-large", *NOT_BOOK),
    "overlapping_members": evil(".xlsx", overlapping, "too-large", *NOT_BOOK),
    "zips_in_zips": evil(".xlsx", nested),
    "1_100_members": evil(".xlsx", made.many_parts, "too-many-parts"),
    "100_000_rows": evil(".xlsx", made.many_rows, "cell-beyond"),
    "climbing_member": evil(".xlsx", members("../../evil.txt", "..\\evil.txt")),
    "absolute_member": evil(".xlsx", members("/evil.txt", "C:\\evil.txt")),
    "link_member": evil(".xlsx", link_member, *NOT_BOOK),
    "sheet_outside_of_the_file": evil(
        ".xlsx",
        xlsx(
            lambda p: p.update(
                {
                    "xl/_rels/workbook.xml.rels": p["xl/_rels/workbook.xml.rels"].replace(
                        b"worksheets/sheet1.xml", b"../../../etc/passwd"
                    )
                }
            )
        ),
        *NOT_BOOK,
    ),
    "sheet_from_the_network": evil(
        ".xlsx",
        xlsx(
            lambda p: p.update(
                {
                    "xl/_rels/workbook.xml.rels": p["xl/_rels/workbook.xml.rels"].replace(
                        b'Target="worksheets/sheet1.xml"',
                        b'Target="http://127.0.0.1:9/x.xml" TargetMode="External"',
                    )
                }
            )
        ),
        *NOT_BOOK,
    ),
    "billion_laughs": evil(".xlsx", made.billion_laughs, *NOT_BOOK),
    "external_entity": evil(".xlsx", made.external_entity, *NOT_BOOK),
    "entity_in_utf16": evil(
        ".xlsx",
        xlsx(
            lambda p: p.update(
                {
                    "xl/sharedStrings.xml": (
                        '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]>'
                        '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>&a;</t></si></sst>'
                    ).encode("utf-16")
                }
            )
        ),
        *NOT_BOOK,
    ),
    "macro": evil(".xlsx", made.macro, "macro"),
    "truncated": evil(".xlsx", made.truncated, *NOT_BOOK),
    "missing_sheet": evil(".xlsx", made.broken_reference, *NOT_BOOK),
    "encrypted_members": evil(".xlsx", encrypted_zip, *NOT_BOOK),
    "encrypted_workbook": evil(".xlsx", holds(OLE), *NOT_BOOK),
    "old_xls_renamed": evil(".xlsx", holds(OLE + b"Workbook"), *NOT_BOOK),
    "docx_renamed": evil(
        ".xlsx", lambda p: made.with_parts(p, {"word/document.xml": b"<w/>"}), *NOT_BOOK
    ),
    "empty_zip": evil(".xlsx", lambda p: made.with_parts(p, {}), *NOT_BOOK),
    "empty_file": evil(".xlsx", holds(b""), *NOT_BOOK),
    "shared_string_that_is_not_there": evil(
        ".xlsx", sheet(b"<v>0</v>", b"<v>999999999</v>"), *NOT_BOOK
    ),
    "number_of_a_million_digits": evil(
        ".xlsx",
        sheet(b'<c r="A2" t="s"><v>3</v></c>', b'<c r="A2"><v>' + b"9" * 1_000_000 + b"</v></c>"),
        *NOT_BOOK,
        "value-wrong",
        "id-wrong",
        "cell-error",
    ),
    "deeply_nested_xml": evil(
        ".xlsx", sheet(b"</sheetData>", b"<a>" * 200_000 + b"</a>" * 200_000 + b"</sheetData>")
    ),
    "ten_thousand_attributes": evil(
        ".xlsx",
        sheet(
            b"<sheetData>", b"<sheetData " + b" ".join(b'a%d="1"' % k for k in range(10_000)) + b">"
        ),
    ),
    "merged_all_over": evil(
        ".xlsx",
        sheet(
            b"</sheetData>",
            b"</sheetData><mergeCells>"
            + b"".join(b'<mergeCell ref="A%d:ZZ20000"/>' % k for k in range(1, 10_200))
            + b"</mergeCells>",
        ),
        "too-many-merged",
    ),
    "rows_repeated_without_end": evil(
        ".ods",
        lambda p: made.ods(p, made.ods_row(*made.HEADER) + made.ods_row(*made.ROW, repeat=10**9)),
        "cell-beyond",
    ),
    "columns_repeated_without_end": evil(
        ".ods",
        lambda p: made.ods(
            p,
            '<table:table-row><table:table-cell table:number-columns-repeated="1000000000" '
            'office:value-type="string"><text:p>x</text:p></table:table-cell></table:table-row>',
        ),
        "cell-beyond",
    ),
    "repeats_that_are_no_number": evil(
        ".ods",
        lambda p: made.ods(p, '<table:table-row table:number-rows-repeated="viel"/>'),
        *NOT_BOOK,
    ),
    "negative_repeats": evil(
        ".ods",
        lambda p: made.ods(p, made.ods_row(*made.HEADER, repeat=-5) + made.ods_row(*made.ROW)),
        *NOT_BOOK,
    ),
    "number_that_is_none": evil(
        ".ods",
        lambda p: made.ods(
            p,
            '<table:table-row><table:table-cell office:value-type="float" office:value="viel"/>'
            "</table:table-row>",
        ),
        *NOT_BOOK,
    ),
    "infinite_number": evil(
        ".ods",
        lambda p: made.ods(
            p,
            '<table:table-row><table:table-cell office:value-type="float" office:value="inf"/>'
            "</table:table-row>",
        ),
        *NOT_BOOK,
        "column-missing",
    ),
    "deeply_nested_ods": evil(".ods", _deep_ods, *NOT_BOOK, "column-missing", "no-cities"),
    "document_type_in_ods": evil(
        ".ods",
        lambda p: made.with_parts(p, {"content.xml": b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'}),
        *NOT_BOOK,
    ),
    "broken_parquet": evil(".parquet", holds(b"PAR1" + b"\xff" * 400 + b"PAR1"), "not-parquet"),
    "empty_parquet": evil(".parquet", holds(b""), "not-parquet"),
}

TEXTS: dict[str, Evil] = {
    "empty_csv": evil(".csv", holds(b""), "no-cities"),
    "null_bytes": evil(".csv", holds(HEAD + b"de-\0b,Bei\0spiel,DE\n")),
    "a_line_of_19_MB": evil(
        ".csv", holds(HEAD + b"de-b," + b"x" * 19_000_000 + b",DE\n"), "not-csv", "value-wrong"
    ),
    "a_million_separators": evil(".csv", holds(b"," * 1_000_000 + b"\n"), "cell-beyond"),
    "a_quote_that_never_ends": evil(
        ".csv", holds(HEAD + b'de-b,"Bei' + b"\n" * 100_000), "not-csv"
    ),
    "mixed_encodings": evil(
        ".csv",
        holds(HEAD + "de-köln,Köln,DE\n".encode() + "de-b,Düren,DE\n".encode("cp1252")),
        "not-utf-8",
    ),
    "broken_utf8": evil(".csv", holds(HEAD + b"de-b,\xc3\x28\xa0\xa1,DE\n"), "not-utf-8"),
    "overlong_utf8": evil(".csv", holds(HEAD + b"de-b,\xc0\xaf\xc0\xae,DE\n"), "not-utf-8"),
    "half_a_utf16": evil(
        ".csv",
        holds(b"\xff\xfe" + HEAD.decode().encode("utf-16-le")[:-1]),
        "not-decodable",
        "not-utf-8",
    ),
    "utf16_with_a_mark": evil(
        ".csv", holds(b"\xff\xfe" + (HEAD + ROW).decode().encode("utf-16-le"))
    ),
    "utf8_with_a_mark": evil(".csv", holds(b"\xef\xbb\xbf" + HEAD + ROW)),
    "more_than_20_MB": evil(".csv", holds(b"x" * (20 * 1024 * 1024 + 1)), "too-large"),
    "formulas": evil(
        ".csv",
        holds(
            _cells(
                b"=cmd|'/C calc'!A0",
                b"+1+1",
                b"-2+3",
                b"@SUM(1)",
                b"\t=1",
                b"\r=1",
                b'=HYPERLINK("http://e.example")',
            )
        ),
    ),
    "scripts": evil(
        ".csv",
        holds(
            _cells(
                b"<script>alert(1)</script>",
                b'"><img src=x onerror=alert(1)>',
                b"<svg onload=alert(1)>",
                b"javascript:alert(1)",
            )
        ),
    ),
    "templates": evil(
        ".csv",
        holds(
            _cells(
                b"{{7*7}}",
                b"{% for x in ().__class__.__base__.__subclasses__() %}{% endfor %}",
                b"${7*7}",
                b"%(name)s",
                b"{0.__class__}",
            )
        ),
    ),
    "right_to_left_override": evil(".csv", holds(HEAD + "de-b,Bei\u202elepxe\u202c,DE\n".encode())),
    "zero_width": evil(".csv", holds(HEAD + "de-b,Bei\u200bspiel\ufeff,DE\n".encode())),
    "homoglyph_id": evil(".csv", holds(HEAD + "de-аachen,Aachen,DE\n".encode()), "value-wrong"),
    "id_that_climbs": evil(".csv", holds(HEAD + b"../../../evil,Beispiel,DE\n"), "value-wrong"),
    "id_of_a_device": evil(".csv", holds(HEAD + b"/dev/null,Beispiel,DE\n"), "value-wrong"),
    "a_field_of_a_megabyte": evil(".csv", holds(_cells(b"ab " * 40_000)), "value-wrong"),
    "the_same_column_twice": evil(
        ".csv",
        holds(b"id,name,name,country\nde-b,B,C,DE\n"),
        "column-unknown",
        "column-twice",
        "columns-clash",
        "header-twice",
    ),
    "a_workbook_called_csv": evil(".csv", made.plain, "not-utf-8"),
    "a_picture_called_csv": evil(".csv", holds(b"\x89PNG\r\n\x1a\n" + b"\0" * 100), "not-utf-8"),
    "web_page_called_csv": evil(
        ".csv", holds(b"<html><body>not a table</body></html>"), "column-missing"
    ),
}

NOT_YAML = ("not-yaml",)
PROFILES: dict[str, Evil] = {
    "aliases_without_end": evil(
        ".yaml",
        holds(
            b"a0: &a0 [x,x,x,x,x,x,x,x,x]\n"
            + b"".join(
                b"a%d: &a%d [%s]\n" % (k, k, b",".join([b"*a%d" % (k - 1)] * 9))
                for k in range(1, 10)
            )
        ),
        *NOT_YAML,
    ),
    "python_object": evil(
        ".yaml", holds(YAML + b"note: !!python/object/apply:os.system ['touch evil']\n"), *NOT_YAML
    ),
    "python_name": evil(".yaml", holds(YAML + b"note: !!python/name:os.system\n"), *NOT_YAML),
    "unknown_tag": evil(".yaml", holds(YAML + b"note: !evil x\n"), *NOT_YAML),
    "nested_100_000_deep": evil(".yaml", holds(YAML + b"note: " + b"[" * 100_000), *NOT_YAML),
    "nested_and_closed": evil(
        ".yaml", holds(YAML + b"note: " + b"[" * 20_000 + b"]" * 20_000 + b"\n"), *NOT_YAML
    ),
    "keys_nested_deep": evil(
        ".yaml", holds(YAML + b"note: " + b"{a: " * 20_000 + b"}" * 20_000 + b"\n"), *NOT_YAML
    ),
    "number_of_10_000_digits": evil(
        ".yaml", holds(YAML + b"population: " + b"9" * 10_000 + b"\n"), *NOT_YAML, "value-wrong"
    ),
    "infinite_population": evil(".yaml", holds(YAML + b"population: .inf\n"), "value-wrong"),
    "population_that_is_none": evil(".yaml", holds(YAML + b"population: .nan\n"), "value-wrong"),
    "base_60_number": evil(
        ".yaml", holds(YAML + b"population: 1:1:1:1:1:1:1:1:1\n"), "value-wrong"
    ),
    "the_same_key_twice": evil(".yaml", holds(YAML + b"name: Anders\n"), *NOT_YAML),
    "list_as_a_key": evil(
        ".yaml", holds(YAML + b"? [a, b]\n: c\n"), *NOT_YAML, "field-unknown", "value-wrong"
    ),
    "merge_key": evil(".yaml", holds(YAML + b"<<: {name: Anders}\n"), *NOT_YAML, "field-unknown"),
    "two_documents": evil(".yaml", holds(YAML + b"---\n" + YAML), *NOT_YAML),
    "yaml_null_bytes": evil(".yaml", holds(YAML + b"note: a\0b\n"), *NOT_YAML),
    "yaml_broken_utf8": evil(".yaml", holds(YAML + b"note: \xff\xfe\n"), "not-utf-8"),
    "yaml_empty": evil(".yaml", holds(b""), "not-a-profile"),
    "yaml_more_than_20_MB": evil(".yaml", holds(b"#" * (20 * 1024 * 1024 + 1)), "too-large"),
    "link_out_of_the_folder": evil(".yaml", lambda p: p.symlink_to("/etc/passwd"), "link"),
    "link_without_end": evil(".yaml", lambda p: p.symlink_to("/dev/zero"), "link"),
    "folder_called_yaml": evil(".yaml", lambda p: p.mkdir(), "unreadable", "not-a-file"),
}

ALL = WORKBOOKS | TEXTS | PROFILES
