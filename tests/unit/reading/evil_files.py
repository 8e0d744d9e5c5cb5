"""Files that harm careless readers, each made in memory or on disk by a few lines."""

from __future__ import annotations

import io
import struct
import zipfile
from functools import cache
from pathlib import Path

import xlsxwriter

HEADER = ("id", "name", "country")
ROW = ("de-beispiel", "Beispiel", "DE")


def workbook(path: Path, rows: list[tuple[object, ...]], sheet: str = "cities") -> Path:
    """Write a plain workbook."""
    book = xlsxwriter.Workbook(str(path), {"strings_to_formulas": False})
    page = book.add_worksheet(sheet)
    for r, cells in enumerate(rows):
        for c, cell in enumerate(cells):
            page.write(r, c, cell)
    book.close()
    return path


def parts_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def with_parts(path: Path, parts: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def plain(path: Path) -> Path:
    return workbook(path, [HEADER, ROW])


def last_cell(path: Path) -> Path:
    """A legal workbook of five kilobytes with one cell at XFD1048576."""
    parts = parts_of(plain(path))
    sheet = parts["xl/worksheets/sheet1.xml"]
    cell = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    parts["xl/worksheets/sheet1.xml"] = sheet.replace(b"</sheetData>", cell)
    return with_parts(path, parts)


def spaces(path: Path) -> Path:
    """400 MB of spaces between two rows, in two megabytes."""
    parts = parts_of(plain(path))
    head, tail = parts.pop("xl/worksheets/sheet1.xml").split(b"</sheetData>")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
        with archive.open("xl/worksheets/sheet1.xml", "w") as stream:
            stream.write(head)
            for _ in range(400):
                stream.write(b" " * (1 << 20))
            stream.write(b"</sheetData>" + tail)
    return path


def shared_string(path: Path) -> Path:
    """One shared string of 400 MB."""
    parts = parts_of(plain(path))
    parts.pop("xl/sharedStrings.xml")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
        with archive.open("xl/sharedStrings.xml", "w") as stream:
            stream.write(
                b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>'
            )
            for _ in range(400):
                stream.write(b"a" * (1 << 20))
            stream.write(b"</t></si></sst>")
    return path


def lying_size(path: Path) -> Path:
    """A part that unpacks to 120 MB and says that it has 100 bytes, in both of its headers."""
    name = b"xl/worksheets/sheet1.xml"
    parts = parts_of(plain(path))
    parts[name.decode()] = parts[name.decode()] + b" " * (120 << 20)
    with_parts(path, parts)
    content = bytearray(path.read_bytes())
    for signature, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        start = 0
        while (start := content.find(signature, start)) >= 0:
            offset = start + (30 if signature == b"PK\x03\x04" else 46)
            if content[offset : offset + len(name)] == name:
                content[start + at : start + at + 4] = struct.pack("<I", 100)
            start += 4
    path.write_bytes(bytes(content))
    return path


def billion_laughs(path: Path) -> Path:
    """Entities that would unfold to gigabytes."""
    parts = parts_of(plain(path))
    names = "".join(
        f'<!ENTITY a{k} "{"".join(f"&a{k - 1};" for _ in range(10)) if k else "ha"}">'
        for k in range(10)
    )
    sheet = parts["xl/sharedStrings.xml"].decode()
    head, rest = sheet.split("?>", 1)
    parts["xl/sharedStrings.xml"] = f"{head}?><!DOCTYPE sst [{names}]>{rest}".replace(
        "Beispiel", "&a9;"
    ).encode()
    return with_parts(path, parts)


def external_entity(path: Path) -> Path:
    """A document type that asks for a file of the machine."""
    parts = parts_of(plain(path))
    parts["xl/workbook.xml"] = parts["xl/workbook.xml"].replace(
        b"<workbook", b'<!DOCTYPE w [<!ENTITY x SYSTEM "file:///etc/passwd">]><workbook', 1
    )
    return with_parts(path, parts)


def macro(path: Path) -> Path:
    parts = parts_of(plain(path))
    return with_parts(path, parts | {"xl/vbaProject.bin": b"\xd0\xcf\x11\xe0 macro"})


def truncated(path: Path) -> Path:
    content = plain(path).read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path


@cache
def _many_rows() -> bytes:
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {"constant_memory": True})
    page = book.add_worksheet("cities")
    for r in range(100_000):
        page.write_row(r, 0, HEADER if r == 0 else (f"de-b{r}", f"B{r}", "DE"))
    book.close()
    return stream.getvalue()


def many_rows(path: Path) -> Path:
    """A workbook with 100,000 rows, made once."""
    path.write_bytes(_many_rows())
    return path


def many_parts(path: Path) -> Path:
    return with_parts(path, parts_of(plain(path)) | {f"xl/x{k}.xml": b"<x/>" for k in range(1_100)})


def quoted_quine(path: Path) -> Path:
    """A zip whose parts overlap: its sizes add up to more than the file could hold."""
    parts = parts_of(plain(path))
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("a", b"0" * 1000)
    return with_parts(path, parts | {"nested.zip": inner.getvalue()})


def broken_reference(path: Path) -> Path:
    """A workbook whose sheet is missing."""
    parts = parts_of(plain(path))
    del parts["xl/worksheets/sheet1.xml"]
    return with_parts(path, parts)


def ods(path: Path, content: str) -> Path:
    """Write an .ods with this content of its first table."""
    xml = (
        '<?xml version="1.0" encoding="UTF-8"?><office:document-content '
        'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
        'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>'
        f'<table:table table:name="Blatt1">{content}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    return with_parts(
        path,
        {
            "mimetype": b"application/vnd.oasis.opendocument.spreadsheet",
            "content.xml": xml.encode(),
        },
    )


def ods_row(*cells: object, repeat: int = 1) -> str:
    """Return a row of an .ods."""

    def cell(value: object) -> str:
        if value is None:
            return "<table:table-cell/>"
        if isinstance(value, int | float):
            return f'<table:table-cell office:value-type="float" office:value="{value}"><text:p>{value}</text:p></table:table-cell>'
        return f'<table:table-cell office:value-type="string"><text:p>{value}</text:p></table:table-cell>'

    return f'<table:table-row table:number-rows-repeated="{repeat}">{"".join(map(cell, cells))}</table:table-row>'
