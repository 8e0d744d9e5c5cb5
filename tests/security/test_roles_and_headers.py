"""Who may call what, route by route; and the headers of every answer. A route that is not in the table fails."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from service_for_tests import board_of, five_cities, served
from stores_for_tests import proposal

from twinmatch import web
from twinmatch.web.auth import COOKIE, Rank
from twinmatch.web.middleware import POLICY

ANYONE, READER, COMMITTEE, COORDINATOR, ADMINISTRATOR = Rank

PAGE = "/workbench/proposals/{proposal}"
UPLOAD = "/workbench/intake/{upload}"

MAY: dict[str, Rank] = {
    # without a key: that it lives, and how a key is given
    "GET /healthz": ANYONE,
    "GET /readyz": ANYONE,
    "GET /metrics": ANYONE,
    "GET /openapi.json": ANYONE,
    "GET /": ANYONE,
    "GET /workbench": ANYONE,
    "GET /workbench/login": ANYONE,
    "POST /workbench/login": ANYONE,
    "POST /workbench/logout": ANYONE,
    "POST /workbench/language": ANYONE,
    "GET /assets": ANYONE,
    # a city by its link, which is checked there
    "GET /workbench/city/{secret}": ANYONE,
    "POST /workbench/city/{secret}": ANYONE,
    # a reader asks
    "GET /v1/cities": READER,
    "GET /v1/cities/{city}": READER,
    "GET /v1/cities/{city}/similar": READER,
    "POST /v1/similar": READER,
    "GET /v1/pairs/{one}/{other}": READER,
    "GET /v1/schema/{of}.json": READER,
    "GET /v1/proposals": READER,
    "GET /v1/proposals/{proposal}": READER,
    "GET /v1/proposals/{proposal}/events": READER,
    "GET /v1/proposals/{proposal}/export": READER,
    "GET /v1/proposals/{proposal}/files/{name}": READER,
    "GET /v1/proposals/{proposal}/decisions": READER,
    "GET /v1/proposals/{proposal}/why-not": READER,
    "GET /v1/proposals/{proposal}/prices": READER,
    "GET /v1/proposals/{proposal}/diff/{other}": READER,
    "GET /workbench/api": READER,
    "GET /workbench/cities": READER,
    "GET /workbench/cities/{city}": READER,
    "GET /workbench/cities/{city}/similar": READER,
    "GET /workbench/cities/{city}/with/{other}": READER,
    "GET /workbench/proposals": READER,
    f"GET {PAGE}": READER,
    f"GET {PAGE}/cities": READER,
    f"GET {PAGE}/cities/{{city}}": READER,
    f"GET {PAGE}/cities/{{city}}/similar": READER,
    f"GET {PAGE}/cities/{{city}}/with/{{other}}": READER,
    f"GET {PAGE}/pairs/{{meeting}}": READER,
    f"GET {PAGE}/guests/{{guest}}": READER,
    f"GET {PAGE}/hosts/{{guest}}": READER,
    f"GET {PAGE}/frontier": READER,
    f"GET {PAGE}/price": READER,
    f"GET {PAGE}/price/solved": READER,
    f"GET {PAGE}/committee": READER,
    f"GET {PAGE}/programme.toml": READER,
    f"GET {PAGE}/letters/{{city}}": READER,
    f"GET {PAGE}/letters/{{city}}/word": READER,
    f"GET {PAGE}/{{name}}.zip": READER,
    f"GET {PAGE}/account": READER,
    f"GET {PAGE}/compare": READER,
    f"GET {PAGE}/why-not": READER,
    f"GET {PAGE}/prices": READER,
    "GET /workbench/intake": READER,
    f"GET {UPLOAD}": READER,
    # a committee reads and comments
    f"POST {PAGE}/decisions": COMMITTEE,
    "POST /v1/proposals/{proposal}/decisions": COMMITTEE,
    # a coordinator makes proposals, decides, hands in, and sees what was handed in
    "POST /v1/proposals": COORDINATOR,
    "POST /v1/proposals/{proposal}/cancel": COORDINATOR,
    "POST /v1/proposals/{proposal}/repair": COORDINATOR,
    "POST /v1/proposals/{proposal}/repair/take": COORDINATOR,
    "POST /workbench/proposals": COORDINATOR,
    "POST /workbench/proposals/check": COORDINATOR,
    f"POST {PAGE}/again": COORDINATOR,
    f"POST {PAGE}/cancel": COORDINATOR,
    f"POST {PAGE}/bulk": COORDINATOR,
    f"GET {PAGE}/moves": COORDINATOR,
    f"GET {PAGE}/split": COORDINATOR,
    f"GET {PAGE}/mail": COORDINATOR,
    f"POST {PAGE}/mail": COORDINATOR,
    f"POST {PAGE}/mail/send": COORDINATOR,
    f"POST {PAGE}/keep": COORDINATOR,
    f"POST {PAGE}/keep-group": COORDINATOR,
    f"POST {PAGE}/workbook": COORDINATOR,
    f"POST {PAGE}/missed": COORDINATOR,
    f"POST {PAGE}/answers": COORDINATOR,
    f"POST {PAGE}/rules": COORDINATOR,
    f"POST {PAGE}/letters/{{city}}": COORDINATOR,
    f"POST {PAGE}/letters/{{city}}/link": COORDINATOR,
    f"POST {PAGE}/repair": COORDINATOR,
    f"POST {PAGE}/repair/take": COORDINATOR,
    "POST /workbench/intake": COORDINATOR,
    **{f"GET {UPLOAD}/{step}": READER for step in ("columns", "values", "review")},
    **{
        f"POST {UPLOAD}/{step}": COORDINATOR
        for step in ("columns", "values", "hosts", "accept-all", "propose")
    },
    f"GET {UPLOAD}/file": COORDINATOR,
    f"POST {UPLOAD}/repair": COORDINATOR,
    f"POST {UPLOAD}/accept": COORDINATOR,
    # an administrator answers for persons
    "GET /v1/personal-data/{city}": ADMINISTRATOR,
    "DELETE /v1/personal-data/{city}": ADMINISTRATOR,
    "GET /v1/changes": ADMINISTRATOR,
}
"""The least rank that may call a route; documented in docs/governance.md."""

OFFER = {"offer": "best", "withdrawn": "de-guest"}
ASKED: dict[str, dict[str, Any]] = {
    "POST /workbench/login": {"data": {"key": "twm_none"}},
    "POST /workbench/language": {"data": {"language": "de"}},
    "POST /v1/similar": {"json": {"profile": {"id": "at-x", "name": "X", "country": "AT"}}},
    "POST /v1/proposals": {"json": {}},
    "POST /v1/proposals/{proposal}/decisions": {
        "json": {"kind": "note", "why": "x"},
        "headers": {"If-Match": '"0"'},
    },
    "POST /v1/proposals/{proposal}/repair": {"json": {}},
    "POST /v1/proposals/{proposal}/repair/take": {"json": {"offer": "best"}},
    "GET /v1/proposals/{proposal}/why-not": {"params": {"guest": "de-guest", "host": "it-host"}},
    f"GET {PAGE}/account": {"params": {"product": "twinning", "meeting": "x"}},
    f"GET {PAGE}/compare": {"params": {"other": "x"}},
    f"POST {PAGE}/decisions": {"data": {"kind": "note", "version": 0, "why": "x"}},
    f"POST {PAGE}/repair/take": {"data": OFFER},
    f"POST {PAGE}/bulk": {"data": {"kind": "note", "version": 0}},
    f"GET {PAGE}/moves": {"params": {"city": "de-guest"}},
    f"POST {PAGE}/keep": {"data": {"kind": "lock", "version": 0}},
    f"POST {PAGE}/keep-group": {"data": {"city": "de-guest", "group": "x", "version": 0}},
    f"POST {PAGE}/workbook": {"data": {"version": 0}, "files": {"file": ("a.xlsx", b"no")}},
    "POST /workbench/city/{secret}": {"data": {"kind": "agreed"}},
    f"POST {PAGE}/answers": {"data": {"what": "x"}},
    "POST /workbench/intake": {"files": {"file": ("a.csv", b"id,name,country\n")}},
    f"POST {UPLOAD}/repair": {"data": {"row": 2, "column": "country", "value": "DE"}},
    f"POST {UPLOAD}/accept": {"data": {"key": "x"}},
}
"""What a route has to be asked with for its role to be looked at at all."""

PATHS = {
    "secret": "x" * 30,
    "meeting": "x",
    "guest": "de-guest",
    "city": "de-guest",
    "one": "de-guest",
    "other": "it-host",
    "name": "report.html",
    "of": "city",
}


def routes_of(router: Any) -> Iterator[str]:
    """Yield method and path of every route, those that the OpenAPI document leaves out among them."""
    for route in router.routes:
        if hasattr(route, "original_router"):
            yield from routes_of(route.original_router)
        elif getattr(route, "methods", None):
            yield from (f"{method} {route.path}" for method in route.methods - {"HEAD"})
        else:
            yield f"GET {route.path}"


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    folder = tmp_path_factory.mktemp("roles")
    settings = {"access": "keys", "host": "0.0.0.0", "jobs": 0, "heavy_a_minute": 10**6}
    cities = five_cities(folder)
    with served(
        folder / "s.sqlite", profiles=cities, requests_a_minute=10**6, **settings
    ) as client:
        yield client


@pytest.fixture(scope="module")
def secrets(house) -> dict[Rank, str]:
    return {rank: board_of(house).add_key(rank.name, rank)[1] for rank in Rank if rank}


@pytest.fixture(scope="module")
def places(house) -> dict[str, str]:
    """A proposal and an upload that are there, so that a refusal is about the role and nothing else."""
    run, _ = board_of(house).store.keep(proposal(), "Round", "Ben")
    found = {"errors": 0, "problems": [], "sheets": [], "rows": 1, "usable": 1}
    content = b"id,name,country\nde-b,B,DE\n"
    return {
        "proposal": run.id,
        "upload": board_of(house).keep_upload("a.csv", "Ben", found, content),
    }


def ask(
    house, route: str, places: dict[str, str], secret: str | None = None, session: str = ""
) -> Any:
    method, _, path = route.partition(" ")
    path = re.sub(r"{(\w+)}", lambda m: (places | PATHS)[m[1]], path)
    path = "/assets/workbench.css" if path == "/assets" else path
    given = dict(ASKED.get(route, {}))
    headers = given.pop("headers", {}) | ({"Authorization": f"Bearer {secret}"} if secret else {})
    headers |= {"Cookie": f"{COOKIE}={session}"} if session else {}
    return house.request(method, path, headers=headers, follow_redirects=False, **given)


def refused(answer: Any) -> str:
    """Return why somebody is not let in: key-missing, role-too-low, or nothing where they are."""
    if answer.status_code == 401 and "key-missing" in answer.text:
        return "key-missing"
    if answer.status_code == 303 and answer.headers["location"].startswith("/workbench/login?"):
        return "key-missing"
    return "role-too-low" if answer.status_code == 403 and "role-too-low" in answer.text else ""


def test_every_route_is_in_the_table_and_nothing_else(house) -> None:
    app = house.app._app
    there = set(routes_of(app))
    assert there - set(MAY) == set(), "say in MAY who may call it, and in docs/governance.md"
    assert set(MAY) - there == set(), "these are no longer there"
    assert len(there) >= 55


def test_no_route_fails_over_a_proposal_of_an_earlier_form(house, secrets, places) -> None:
    kept = [r for r in MAY if r.startswith("GET ") and not r.endswith("events")]
    failed = {
        r for r in kept if ask(house, r, places, secrets[Rank.ADMINISTRATOR]).status_code >= 500
    }
    assert failed == set()


def test_the_document_lists_the_routes_of_the_table(house) -> None:
    document = house.get("/openapi.json").json()
    described = {
        f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item
    }
    hidden = {r for r in MAY if "/workbench" in r} | {"GET /", "GET /assets", "GET /openapi.json"}
    assert described == set(MAY) - hidden
    for route in described:
        method, _, path = route.partition(" ")
        told = document["paths"][path][method.lower()]
        # Health is told without a key; everything else says that one is needed, and that it may be refused.
        assert bool(told.get("security")) == ("health" not in told["tags"]), route
        assert {"401", "403"} <= set(told["responses"]) or MAY[route] is ANYONE, route


@pytest.mark.parametrize("route", MAY)
def test_each_rank_may_what_the_table_says_and_nobody_more(
    route: str, house, secrets, places
) -> None:
    for rank in Rank:
        house.cookies.clear()
        why = refused(ask(house, route, places, secrets.get(rank)))
        if rank >= MAY[route]:
            assert why == "", (route, rank.name)
        else:
            assert why == ("key-missing" if rank is ANYONE else "role-too-low"), (route, rank.name)


@pytest.mark.parametrize("route", [r for r in MAY if MAY[r] > READER])
def test_a_session_may_what_its_key_may(route: str, house, secrets, places) -> None:
    for rank in (READER, COORDINATOR):
        if rank >= MAY[route]:
            continue
        session = board_of(house).open_session(secrets[rank])
        answer = ask(house, route, places, session=session)
        assert refused(answer) == "role-too-low", (route, rank.name)
    house.cookies.clear()


@pytest.mark.parametrize("door", [r for r in MAY if MAY[r] is COMMITTEE])
@pytest.mark.parametrize("kind", ["accept", "agreed", "assign", "letter", "publish", "undo"])
def test_a_committee_writes_comments_and_nothing_else(
    door: str, kind: str, house, secrets, places, monkeypatch
) -> None:
    given = {
        of: {**of_door, "kind": kind} for of, of_door in ASKED[door].items() if of != "headers"
    }
    monkeypatch.setitem(ASKED, door, {**ASKED[door], **given})
    assert refused(ask(house, door, places, secrets[COMMITTEE])) == "role-too-low"
    assert refused(ask(house, door, places, secrets[COORDINATOR])) == ""


def test_what_is_refused_changes_nothing(house, secrets, places) -> None:
    board = board_of(house)
    before = (
        board.store.changes(),
        board.all_jobs(),
        board.store.history(places["proposal"]),
        board.all_uploads(),
    )
    for route in MAY:
        if MAY[route] > READER and not route.startswith("GET"):
            assert refused(ask(house, route, places, secrets[READER]))
            assert refused(ask(house, route, places))
    after = (
        board.store.changes(),
        board.all_jobs(),
        board.store.history(places["proposal"]),
        board.all_uploads(),
    )
    assert after == before


@pytest.mark.parametrize(
    ("rank", "route"),
    [
        (rank, route)
        for rank in (ANYONE, ADMINISTRATOR)
        for route in MAY
        if not (rank and route.endswith("/events"))  # a stream of a job that nobody makes
    ],
)
def test_every_answer_carries_the_headers(route: str, rank: Rank, house, secrets, places) -> None:
    house.cookies.clear()
    headers = ask(house, route, places, secrets.get(rank)).headers
    assert headers["content-security-policy"]
    policy = dict(part.strip().partition(" ")[::2] for part in POLICY.split(";"))
    told = dict(
        part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";")
    )
    assert told["default-src"] == policy["default-src"] == "'none'"
    assert "unsafe-eval" not in headers["content-security-policy"]
    assert "http" not in headers["content-security-policy"]
    assert told["frame-ancestors"] == "'none'" if "frame-ancestors" in policy else True
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "cache-control" in headers
    assert "server" not in headers
    assert "access-control-allow-origin" not in headers
    if route.startswith(("GET /v1/personal-data", "GET /v1/changes")) or f"{UPLOAD}/file" in route:
        assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("rank", [ANYONE, READER, COORDINATOR])
def test_a_large_body_is_taken_in_from_those_alone_who_may_hand_in(rank, house, secrets) -> None:
    house.cookies.clear()
    headers = {"Authorization": f"Bearer {secrets[rank]}"} if rank else {}
    files = {"file": ("a.txt", b"x" * 2_000_000)}
    answer = house.post("/workbench/intake", files=files, headers=headers)
    if rank is COORDINATOR:
        assert "format-unknown" in answer.text
    else:
        assert (answer.status_code, answer.json()["problems"][0]["code"]) == (413, "too-large")


def test_a_cookie_is_for_our_pages_alone(house, secrets, tmp_path) -> None:
    answer = house.post("/workbench/login", data={"key": secrets[READER]}, follow_redirects=False)
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert secrets[READER] not in cookie
    house.cookies.clear()
    with served(
        tmp_path / "s.sqlite", profiles=five_cities(tmp_path), access="keys", jobs=0, https=True
    ) as client:
        _, secret = board_of(client).add_key("r", READER)
        answer = client.post("/workbench/login", data={"key": secret}, follow_redirects=False)
        assert "Secure" in answer.headers["set-cookie"]
        assert answer.headers["strict-transport-security"].startswith("max-age=")


@pytest.mark.parametrize(
    "next_", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "\t//evil.example"]
)  # fmt: skip
def test_nobody_is_sent_elsewhere_after_a_login(next_: str, house, secrets) -> None:
    data = {"key": secrets[READER], "next": next_}
    answer = house.post("/workbench/login", data=data, follow_redirects=False)
    house.cookies.clear()
    assert answer.headers["location"].startswith("/workbench")
    answer = house.post(
        "/workbench/language", data={"language": "de", "next": next_}, follow_redirects=False
    )
    assert answer.headers["location"].startswith("/workbench")


def test_secrets_are_compared_in_constant_time_and_nowhere_else() -> None:
    """Structure: one function compares, by hmac.compare_digest; no secret stands beside == in the web front.

    A database finds the row by the hash of 256 random bits; that tells nothing of the secret.
    """
    folder = Path(web.__file__).parent
    found = []
    for path in sorted(folder.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr == "compare_digest":
                found.append(path.name)
            if isinstance(node, ast.Compare) and {type(op) for op in node.ops} & {
                ast.Eq,
                ast.NotEq,
            }:
                sides = {n.id for n in (node.left, *node.comparators) if isinstance(n, ast.Name)}
                assert not sides & {"secret", "session", "bearer"}, f"{path.name}:{node.lineno}"
    assert found == ["auth.py"]
    assert sys.modules["twinmatch.web.board"].same is sys.modules["twinmatch.web.auth"].same
