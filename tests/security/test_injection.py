"""What people wrote stays text: in pages, drawings, workbooks, tables, networks, documents, SQL, and in names of files."""

from __future__ import annotations

import csv
import io
import json
import re
import socket
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import defusedxml.ElementTree as Xml
import openpyxl
import pytest
from exporting_samples import sample
from hostile_cities import hostile_cities
from service_for_tests import board_of, served
from test_roles_and_headers import MAY, PATHS, ask

from twinmatch.errors import TwinmatchError
from twinmatch.exporting import publish
from twinmatch.exporting.folder_files import proposal_json
from twinmatch.proposal import from_plain
from twinmatch.web.auth import Rank

MARK = "hostile-mark"
SCRIPTS = {
    "tags": f'"><img src=x onerror=alert("{MARK}")><script>alert("{MARK}")</script><svg onload=alert(1)>\'',
    "closing": f"</title></style></textarea></script><script>alert('{MARK}')</script><!--",
    "comment": f"--><script>alert('{MARK}')</script><![CDATA[<script>alert('{MARK}')</script>]]>",
    "address": f"javascript:alert('{MARK}')",
    "attribute": f"x' onmouseover='alert(\"{MARK}\")' y=\" onfocus=alert('{MARK}') autofocus \"",
    "template": f"{MARK}{{{{7*7}}}}{{% raw %}}${{7*7}}#{{7*7}}",
    "entity": f"&lt;script&gt;alert('{MARK}')&lt;/script&gt;&#60;img src=x onerror=alert(1)&#62;",
}
FORMULAS = {
    "equals": f"=HYPERLINK(\"http://evil.example/{MARK}\")",
    "command": f"=cmd|'/C calc'!A0{MARK}",
    "plus": f"+1+1{MARK}",
    "minus": f"-2+3{MARK}",
    "at": f"@SUM(1){MARK}",
    "tab": f"\t=1{MARK}",
    "return": f"\r=1{MARK}",
    "array": f"{{=1+1}}{MARK}",
    "address": f"http://evil.example/{MARK}",
}  # fmt: skip
STRUCTURE = {
    "schema", "product", "status", "id", "unit", "city", "role", "facet", "kind", "country", "roles", "instead_of",
    "candidate", "as_role", "rule", "block", "twinmatch", "sha256", "data",
}  # fmt: skip
"""Fields of a proposal that name something; all others hold what people wrote, and are made hostile."""


def hostile(text: str) -> Any:
    """Return the proposal of the exporters' tests with every free text replaced."""

    def seeded(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {k: seeded(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [seeded(v, key) for v in value]
        return text if isinstance(value, str) and value and key not in STRUCTURE else value

    return from_plain(seeded(json.loads(proposal_json(sample()))))


def as_kept(text: str) -> bytes:
    """Return a hostile proposal as the service keeps one."""
    plain = json.loads(proposal_json(hostile(text)))
    plain["made_from"] = {
        "data": {"sha256": "d" * 64},
        "programme": {"name": text, "sha256": "e" * 64, "settings": {}},
    }
    return json.dumps(plain).encode()


class Page(HTMLParser):
    """What a browser would make of a page: elements, what runs, and where links lead."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.runs: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name.startswith("on") or name in {"autofocus", "srcdoc"}:
                self.runs.append(f"{tag} {name}={value}")
            if name in {"href", "src", "action", "formaction", "xlink:href", "data"}:
                self.links.append(value or "")
        if tag == "script" and not dict(attrs).get("src", "").startswith("/assets/"):  # type: ignore[union-attr]
            self.runs.append("script")

    handle_startendtag = handle_starttag

    def handle_data(self, data: str) -> None:
        self.text += data


def assert_harmless(html: str, where: str) -> None:
    page = Page(html)
    assert page.runs == [], (where, page.runs[:3])
    assert not page.tags & {"iframe", "object", "embed", "base", "applet"}, where
    for link in page.links:
        scheme = re.match(r"\s*([a-z][a-z0-9+.-]*):", link, re.IGNORECASE)
        assert scheme is None or scheme[1].lower() in {"http", "https", "mailto"}, (where, link)
        assert link != "x", where
    assert "49" not in page.text or f"{MARK}49" not in page.text, where


def all_files(folder: Path) -> Iterator[Path]:
    yield from (p for p in sorted(folder.rglob("*")) if p.is_file())


AT_ONCE = {
    "address": SCRIPTS["address"],  # harmful alone, at the beginning of a link
    "tags": "".join(
        SCRIPTS[name] for name in ("attribute", *(SCRIPTS.keys() - {"address", "attribute"}))
    ),
}
"""What does no other harm together: an escape that one of them finds is found in their sum."""


@pytest.mark.parametrize("name", AT_ONCE)
def test_no_text_runs_in_any_file(name: str, tmp_path: Path) -> None:
    publish(hostile(AT_ONCE[name]), tmp_path / "round", word=True)
    seen = {"html": 0, "graphml": 0, "docx": 0, "xlsx": 0}
    for path in all_files(tmp_path / "round"):
        content = path.read_bytes()
        kind = path.suffix[1:]
        seen[kind] = seen.get(kind, 0) + 1
        if kind == "html":
            html = content.decode("utf-8")
            assert_harmless(html, path.name)
            assert re.search(r"content=\"default-src 'none'", html), path.name
        elif kind == "graphml":
            tags = {e.tag.rpartition("}")[2] for e in Xml.fromstring(content).iter()}
            assert tags <= {"graphml", "key", "graph", "node", "edge", "data"}, tags
        elif kind in {"docx", "xlsx"}:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                for part in archive.namelist():
                    assert ".." not in part
                    assert not part.startswith("/")
                    if part.endswith((".xml", ".rels")):
                        for element in Xml.fromstring(archive.read(part)).iter():
                            local = element.tag.rpartition("}")[2]
                            assert local not in {"script", "img", "instrText", "fldSimple", "f"}, (
                                part
                            )
                            if local == "Relationship":
                                assert "javascript" not in element.get("Target", "")
        elif kind == "json":
            json.loads(content)
    assert seen["html"] > 5
    assert min(seen.values()) > 0, seen


@pytest.mark.parametrize("name", FORMULAS)
def test_no_text_is_a_formula_in_any_table(name: str, tmp_path: Path) -> None:
    publish(hostile(FORMULAS[name]), tmp_path / "round")
    cells = 0
    for path in all_files(tmp_path / "round"):
        if path.suffix == ".xlsx":
            for sheet in openpyxl.load_workbook(path):
                for row in sheet.iter_rows():
                    for cell in row:
                        assert cell.data_type != "f", (path.name, sheet.title, cell.coordinate)
                        assert cell.hyperlink is None or MARK not in str(cell.hyperlink.target)
                        if isinstance(cell.value, str) and MARK in cell.value:
                            cells += 1
                            assert cell.value[0] not in "=+-@\t\r", (sheet.title, cell.value)
        elif path.suffix == ".csv":
            for row in csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")):
                for value in row:
                    cells += MARK in value
                    assert value[:1] not in {"=", "+", "-", "@", "\t", "\r"}, (path.name, value)
    assert cells > 10


@pytest.mark.parametrize(
    "id_", ["../../evil", "/etc/evil", "..\\..\\evil", "C:evil", "a/../../evil", "con", "-rf", "~/evil", "a" * 300]
)  # fmt: skip
def test_ids_that_climb_name_no_file_elsewhere(id_: str, tmp_path: Path) -> None:
    text = proposal_json(sample()).decode("utf-8").replace('"twinning-1"', json.dumps(id_))
    plain = json.loads(text.replace('"at-graz"', json.dumps(id_)))
    out = tmp_path / "deep" / "deeper" / "round"
    out.parent.mkdir(parents=True)
    publish(from_plain(plain), out)
    written = list(all_files(tmp_path))
    assert all(out in p.parents for p in written), written
    for path in written:
        assert re.fullmatch(r"[A-Za-z0-9._-]+", path.name), path.name
        assert not path.name.startswith("-")
        assert len(path.name) < 200


def test_links_in_the_folder_of_the_files_are_replaced_and_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept.txt").write_text("kept")
    (elsewhere / "dossier.txt").write_text("kept")
    out = tmp_path / "round"
    out.mkdir()
    (out / "report.html").symlink_to(elsewhere / "kept.txt")
    (out / "dossiers").symlink_to(elsewhere)
    with suppress(TwinmatchError):
        publish(sample(), out)
    assert (elsewhere / "kept.txt").read_text() == "kept"
    assert sorted(p.name for p in elsewhere.iterdir()) == ["dossier.txt", "kept.txt"]


# --- the workbench and the API --------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=list(AT_ONCE))
def hostile_house(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    text = AT_ONCE[request.param]
    cities = hostile_cities(folder, text)
    with served(folder / "s.sqlite", profiles=cities, jobs=0, requests_a_minute=10**6, heavy_a_minute=10**6) as client:  # fmt: skip
        board = board_of(client)
        run = board.keep_made(text, {}, text, as_kept(text))
        board.store.add(run, "note", text, why=text)
        upload = board.keep_upload(
            f"{text}.csv",
            text,
            {
                "errors": 1, "rows": 1, "usable": 0, "accepted": [],
                "problems": [
                    {"code": text, "found": text, "file": text, "sheet": text, "row": 2, "column": text,
                     "do": text, "level": "error", "key": text, "city": text, "cell": text}
                ],
                "sheets": [{"sheet": text, "header": [text], "at": 1, "rows": [{"row": 2, "cells": [text]}]}],
            },
            b"id\n",
        )  # fmt: skip
        board.add_key(text[:60], Rank.READER)
        yield client, {"proposal": run, "upload": upload}, text


PAGES = [
    route for route in MAY
    if route.startswith("GET ") and not route.endswith(("/events", "/file")) and route != "GET /assets"
]  # fmt: skip


def test_no_page_runs_what_cities_coordinators_or_visitors_wrote(hostile_house) -> None:
    client, places, text = hostile_house
    asked = 0
    for route in PAGES:
        path = re.sub(r"{(\w+)}", lambda m: (places | PATHS)[m[1]], route.partition(" ")[2])
        queries = [
            {},
            {"q": text, "text": text, "next": text, "tab": text, "guest": text, "host": text,
             "product": text, "meeting": text, "country": text, "order": text, "weights": text},
        ]  # fmt: skip
        if "{proposal}" in route or "{one}" in route:  # what shows parts of a proposal, or a pair
            queries += [
                {"guest": "at-graz", "host": "il-eilat", "product": "twinning", "meeting": "twinning-1", "other": places["proposal"]},
                {"tab": "history"}, {"tab": "twinning"}, {"tab": "load"}, {"tab": "left_out"}, {"tab": "discussion_groups"},
            ]  # fmt: skip
        for query in queries:
            for more in ({}, {"HX-Request": "true"})[: 1 + ("/workbench/" in route)]:
                answer = client.get(path, params=query, headers=more, follow_redirects=False)
                assert answer.status_code < 500, (path, query, answer.text[:300])
                assert "\n" not in answer.headers.get("location", "")
                assert not answer.headers.get("location", "").startswith(("javascript", "//"))
                if "html" in answer.headers.get("content-type", ""):
                    asked += 1
                    assert_harmless(answer.text, path)
                elif answer.text:
                    assert answer.headers["x-content-type-options"] == "nosniff"
    assert asked > 60


SQL = ("' OR '1'='1", "'; DROP TABLE uploads; --", "\" OR \"\"=\"", "1; DELETE FROM keys", "%' AND 1=0 UNION SELECT sha256 FROM keys --",
       "\\'; TRUNCATE runs; --", "%", "_" * 12, "${jndi:ldap://x}", "\0", "$$; SELECT pg_sleep(9); $$")  # fmt: skip


@pytest.mark.parametrize("hostile_house", ["tags"], indirect=True)
def test_no_parameter_reaches_sql(hostile_house) -> None:
    client, places, _ = hostile_house
    board = board_of(client)

    def state() -> Any:
        return (
            [k.id for k in board.all_keys()],
            [u.id for u in board.all_uploads()],
            [r.id for r in board.store.runs()],
            board.store.history(places["proposal"]),
        )

    before = state()
    for k, value in enumerate(SQL):
        # A third of the routes each: no text of SQL is put together anywhere (test_code_is_careful.py).
        for route in list(MAY)[k % 3 :: 3]:
            if route.endswith("/events") or route == "GET /assets" or route.startswith("DELETE"):
                continue
            method, _, path = route.partition(" ")
            names = re.findall(r"{(\w+)}", path)
            for name in names:
                told = places | PATHS | {name: re.sub(r"[/?#\0\\]", "", value) or "x"}
                filled = re.sub(r"{(\w+)}", lambda m, told=told: told[m[1]], path)
                assert client.request(method, filled).status_code < 500, (route, value)
            if method == "GET" and not names:
                words = dict.fromkeys(("q", "country", "role", "lacks", "text"), value)
                for query in (words, *({k: value} for k in ("order", "page", "size"))):
                    assert client.get(path, params=query).status_code < 500, (route, query)
        form = {
            "kind": "note",
            "version": 0,
            "one": value,
            "other": value,
            "city": value,
            "why": value,
        }
        page = f"/workbench/proposals/{places['proposal']}/decisions"
        assert client.post(page, data=form | {"version": 999}).status_code < 500
        assert client.post("/workbench/login", data={"key": value}).status_code < 500
        cookie = {"Cookie": f"twinmatch_session={value.encode('ascii', 'ignore').decode()}"}
        if "\0" not in value:
            assert client.get("/workbench/cities", headers=cookie).status_code < 500
    assert state() == before


def test_whatever_is_asked_no_other_machine_is_spoken_to(tmp_path: Path, monkeypatch) -> None:
    """Addresses stand in every field, in programmes and in parameters: no name is looked up, no connection opened."""
    spoken = []
    connect = socket.socket.connect

    def refuse(self: Any, address: Any, *more: Any) -> None:
        if isinstance(address, str | bytes):  # a socket of this machine's own is a path
            return connect(self, address)
        spoken.append(address)
        raise OSError("refused")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: refuse(None, a))
    url = "http://169.254.169.254/latest/meta-data"
    cities = hostile_cities(tmp_path, url)
    publish(hostile(url), tmp_path / "round", word=True)
    with served(tmp_path / "s.sqlite", profiles=cities, jobs=0, requests_a_minute=10**6, heavy_a_minute=10**6) as client:  # fmt: skip
        board = board_of(client)
        run = board.keep_made("r", {}, "Ben", as_kept(url))
        upload = board.keep_upload("a.csv", "Ben", {"errors": 0, "problems": [], "sheets": [], "rows": 0, "usable": 0}, b"id,name,country\n")  # fmt: skip
        for route in MAY:
            if not route.endswith("/events"):
                ask(client, route, {"proposal": run, "upload": upload})
        for body in (
            {"programme": [url]}, {"programme_toml": f'base = "{url}"\n'}, {"upload": url}, {"previous": url},
            {"programme_toml": f'[twinning]\nfrom = "{url}"\ninclude = "file:///etc/passwd"\n'},
        ):  # fmt: skip
            answer = client.post("/v1/proposals", json=body)
            assert 400 <= answer.status_code < 500, body
            assert "root:" not in answer.text
        client.get("/v1/cities", params={"q": url, "text": url})
        client.post(
            "/v1/similar",
            json={
                "profile": {"id": "at-x", "name": url, "country": "AT", "needs": url},
                "text": url,
            },
        )
    assert spoken == []


def test_a_page_as_pdf_fetches_nothing(tmp_path: Path, monkeypatch) -> None:
    pytest.importorskip("weasyprint")
    from twinmatch.exporting.printing import pdf

    def refuse(*_: Any) -> None:
        raise AssertionError("a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    secret = tmp_path / "secret.txt"
    secret.write_text("canary")
    for address in ("http://127.0.0.1:9/a.png", f"file://{secret}"):
        html = f"<html lang='en'><title>t</title><body><img src='{address}' alt='a'></body></html>"
        with pytest.raises(ValueError, match=re.escape(address)):
            pdf(html.encode())
