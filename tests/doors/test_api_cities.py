"""Cities and cities like mine over HTTP: the very answers of the other doors, filtered as asked."""

from __future__ import annotations

import csv
import gzip
import importlib
import io
import json
import math
import re
import sys
from pathlib import Path

import brotli
import pytest
from service_for_tests import five_cities, served, shared

from twinmatch.app.neighbours import PEER_WEIGHTS, similar, text_model
from twinmatch.app.pairs import explain
from twinmatch.app.round import open_round
from twinmatch.app.service import UNHEARD, Search, Service
from twinmatch.cohort import Cohort
from twinmatch.embedding.choice import open_text_model
from twinmatch.programmes import load
from twinmatch.proposal.wire import to_wire
from twinmatch.web.board import Board
from twinmatch.web.bodies import cursor_after
from twinmatch.web.cities import answer_beforehand
from twinmatch.web.middleware import Metrics
from twinmatch.web.settings import Settings
from twinmatch.web.state import State


def get(api, path, **query):
    answer = api.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return told(answer.json())


def told(found):
    """An answer with each source in its place again."""
    for city in found.get("similar", found.get("accounts", [])):
        for line in city.get("account") or ():
            for fact in line["evidence"]:
                if "source" in fact:
                    fact["source"] = found["sources"][fact["source"]]
    return found


def test_a_page_of_cities_and_the_next(api, bundled):
    first = api.get("/v1/cities", params={"size": 100})
    assert first.json()["total"] == len(bundled)
    assert first.json()["pages"] == 3
    seen = [c["id"] for c in first.json()["cities"]]
    answer = first
    while "next" in answer.links:
        answer = api.get(answer.links["next"]["url"])
        seen += [c["id"] for c in answer.json()["cities"]]
    assert sorted(seen) == sorted(c.id for c in bundled.cities)
    assert len(set(seen)) == len(seen)


def walked(api, path, key, **query):
    """Return the lines of each page of a list, by its cursors; every page is asked for by its link too."""
    pages, cursor = [], ""
    while cursor or not pages:
        answer = api.get(path, params={**query, "cursor": cursor})
        assert answer.status_code == 200, answer.text
        pages.append(answer.json()[key])
        cursor = answer.json()["next"]
        assert ("next" in answer.links) == bool(cursor)
        if cursor:
            assert f"cursor={cursor}" in answer.links["next"]["url"]
    return pages


@pytest.mark.parametrize("order", ["name", "known", "population"])
def test_cursors_lead_through_every_order(api, order):
    pages = walked(api, "/v1/cities", "cities", order=order, size=60, q="a")
    whole = get(api, "/v1/cities", order=order, size=500, q="a")["cities"]
    assert [c for page in pages for c in page] == whole
    assert {len(page) for page in pages[:-1]} == {60}


def test_a_city_that_comes_or_goes_moves_nothing_behind_a_cursor(bundled):
    def service(cities):
        return Service(Cohort(tuple(cities)), open_text_model("static"), load())

    some = bundled.cities[:9]
    before = service(some).list_cities(Search(size=3))
    ids = [c.id for c in service(some).list_cities(Search()).cities]
    for others in (some[:0], bundled.cities[9:20]):
        gone = {before.cities[0].id, before.cities[2].id}
        there = service([*(c for c in some if c.id not in gone), *others])
        after = there.list_cities(Search(after=before.after))
        assert [c.id for c in after.cities if c.id in ids] == ids[3:]


@pytest.mark.parametrize(
    "query",
    [
        {"cursor": "x"},
        {"cursor": "bnVsbA"},
        {"cursor": "é"},
        {"cursor": cursor_after(["name", 0.0, "a"])},
        {"cursor": cursor_after(["known", 0.0, "a", "de-a"])},
        {"cursor": cursor_after(["name", "x", "a", "de-a"])},
        {"cursor": cursor_after(["name", 0.0, "a", "de-a"]), "page": 2},
    ],
)
def test_a_cursor_that_no_list_gave_out_is_refused(api, query):
    answer = api.get("/v1/cities", params=query)
    assert answer.status_code == 400
    assert [p["code"] for p in answer.json()["problems"]] == ["cursor-wrong"]


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        ({"q": "leuven"}, lambda c: c["id"] == "be-leuven"),
        ({"q": "MÜNCHEN"}, lambda c: c["id"] == "de-munich"),
        ({"q": "munchen"}, lambda c: c["id"] == "de-munich"),
        ({"country": "SE"}, lambda c: c["country"] == "SE"),
        ({"role": "pilot"}, lambda c: "pilot" in c["roles"]),
        ({"population_at_least": 1_000_000}, lambda c: c["population"] >= 1_000_000),
        ({"population_at_most": 50_000}, lambda c: c["population"] <= 50_000),
    ],
)
def test_words_and_filters_narrow_the_list(api, query, holds):
    found = get(api, "/v1/cities", size=500, **query)
    assert 0 < found["total"] < 255
    assert len(found["cities"]) == found["total"]
    assert all(holds(c) for c in found["cities"])


def test_who_lacks_an_inventory_can_be_listed(api, bundled):
    found = get(api, "/v1/cities", lacks="emissions", size=500)
    assert {c["id"] for c in found["cities"]} == {c.id for c in bundled.cities if not c.emissions}


def test_orders(api):
    people = [c["population"] or 0 for c in get(api, "/v1/cities", order="population")["cities"]]
    assert people == sorted(people, reverse=True)
    known = [c["known"] for c in get(api, "/v1/cities", order="known")["cities"]]
    assert known == sorted(known, reverse=True)


def test_a_whole_city_by_id_and_by_name(api, bundled):
    one = get(api, "/v1/cities/be-leuven")
    assert one == get(api, "/v1/cities/Leuven")
    city = bundled.city("be-leuven")
    assert one["city"] == city.model_dump(mode="json", exclude_none=True, by_alias=True)
    assert one["city"]["sources"]
    silent = next(c.id for c in bundled.cities if not c.needs and not c.emissions)
    thin = get(api, f"/v1/cities/{silent}")
    assert {g["block"] for g in thin["gaps"]} >= {"needs", "emissions"}
    assert all(g["says"] for g in thin["gaps"])


def plain(found):
    """What the command line prints of similar cities."""
    return [
        {
            "id": s.id,
            "name": s.name,
            "country": s.country,
            "score": round(s.account.score, 10),
            "coverage": round(s.account.coverage, 10),
            "account": to_wire(s.account),
        }
        for s in found
    ]


@pytest.mark.parametrize("city", ["be-leuven", "de-dortmund"])
@pytest.mark.parametrize("weights", [{}, {"readiness": 3.0, "context": 1.0}])
def test_similar_says_what_the_other_door_says(api, bundled, city, weights):
    text = ",".join(f"{name}:{w}" for name, w in weights.items())
    found = get(api, f"/v1/cities/{city}/similar", k=7, weights=text, detail="account")
    text = text_model(bundled, "static")
    says, expected = similar(city, bundled, text, k=7, weights=weights or PEER_WEIGHTS)
    assert found["similar"] == plain(expected)
    assert found["text_model"] == says


def test_reasons_are_lines_of_the_account(api):
    lean = get(api, "/v1/cities/be-leuven/similar", k=12)["similar"]
    whole = get(api, "/v1/cities/be-leuven/similar", k=12, detail="account")["similar"]
    for city, full in zip(lean, whole, strict=True):
        assert (city["id"], city["score"], city["coverage"]) == (
            full["id"],
            full["score"],
            full["coverage"],
        )
        assert math.isclose(
            math.fsum(x["share"] for x in full["account"]), city["score"], abs_tol=1e-9
        )
        assert city["why"]
        lines = {x["facet"]: x for x in full["account"]}
        for why in city["why"]:
            line = lines[why["facet"]]
            assert why == {key: line[key] for key in ("facet", "says", "standing", "share")}
            assert line["standing"] > 0.5


def test_neighbours_found_beforehand_are_those_found_when_asked(api):
    usual = ",".join(f"{name}:{w}" for name, w in PEER_WEIGHTS.items())
    kept = get(api, "/v1/cities/nl-groningen/similar", k=10)
    made = get(api, "/v1/cities/nl-groningen/similar", k=10, weights=usual, text="", without="")
    by_row = get(api, "/v1/cities/nl-groningen/similar", k=10, population_at_least=0)
    assert kept == made == by_row


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        ({"other_country": True}, lambda c: c.country != "DE"),
        ({"country": "FR"}, lambda c: c.country == "FR"),
        ({"mission": True}, lambda c: "mission" in [r.value for r in c.roles]),
        ({"population_at_most": 200_000}, lambda c: c.population.value <= 200_000),
        (
            {"population_at_least": 300_000, "population_at_most": 600_000},
            lambda c: 300_000 <= c.population.value <= 600_000,
        ),
    ],
)
def test_filters_keep_the_order_of_those_that_remain(api, bundled, query, holds):
    everyone = get(api, "/v1/cities/de-cologne/similar", k=100)["similar"]
    expected = [c["id"] for c in everyone if holds(bundled.city(c["id"]))]
    found = [c["id"] for c in get(api, "/v1/cities/de-cologne/similar", k=100, **query)["similar"]]
    assert found[: len(expected)] == expected
    assert all(holds(bundled.city(c)) for c in found)


def test_a_facet_left_out_has_no_weight(api):
    found = get(api, "/v1/cities/be-leuven/similar", without="language,context", detail="account")
    facets = {line["facet"] for c in found["similar"] for line in c["account"]}
    assert facets == set(PEER_WEIGHTS) - {"language", "context"}
    assert math.isclose(math.fsum(found["weights"].values()), 1)


def test_a_question_in_words_weighs_as_much_as_asked(api):
    text = "We need help with heat networks in listed buildings."
    found = get(
        api, "/v1/cities/be-leuven/similar", text=text, text_weight=99, detail="account", k=3
    )
    assert found["weights"]["asked"] == pytest.approx(0.99)
    for city in found["similar"]:
        (asked,) = (x for x in city["account"] if x["facet"] == "asked")
        assert "heat" in asked["says"].lower()
        assert asked["evidence"][0]["place"]
        assert math.isclose(
            math.fsum(x["share"] for x in city["account"]), city["score"], abs_tol=1e-8
        )


def test_a_city_that_shows_nothing_of_what_was_asked_is_unknown_there_and_it_is_said(api):
    query = {"text_weight": 99, "detail": "account", "k": 3}
    found = get(api, "/v1/cities/fi-turku/similar", text="quantum gravity football", **query)
    assert found["note"].startswith("No city is found that shows what was asked")
    lines = [city["account"][0] for city in found["similar"]]
    assert {(x["facet"], x["likeness"], x["standing"]) for x in lines} == {("asked", None, 0.5)}
    found = get(api, "/v1/cities/fi-turku/similar", text="district heating", **query)
    assert found["note"] == ""
    for city in found["similar"]:
        assert city["account"][0]["standing"] > 0.9
        assert "heat" in city["account"][0]["evidence"][0]["value"].lower()


def test_it_is_said_where_too_little_is_known_and_what_the_profile_lacks(api):
    found = get(api, "/v1/cities/ie-dunleer/similar", k=2)
    assert found["note"].startswith("0% of what is compared is known of Dunleer")
    assert "its profile lacks challenges by domain, needs" in found["note"]
    assert get(api, "/v1/cities/be-leuven/similar", k=2)["note"] == ""
    rows = api.get("/v1/cities/ie-dunleer/similar?k=1", headers={"Accept": "text/csv"}).text
    assert "Not enough is known to give a reason." in rows


def test_the_profile_of_the_first_steps_is_answered(api):
    page = Path("docs/start-api.md").read_text(encoding="utf-8")
    body = json.loads(re.findall(r"-d '(\{\n.*?\n\})'", page, re.DOTALL)[0])
    answer = api.post("/v1/similar", json=body)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["city"], found["note"]) == ("at-graz", "")
    assert all(c["country"] != "AT" and c["why"] for c in found["similar"])
    assert len(found["similar"]) == body["k"]
    thin = {name: body["profile"][name] for name in ("name", "country", "population")}
    assert "lacks" in api.post("/v1/similar", json={"profile": thin}).json()["note"]


def test_a_sentence_that_nobody_wrote_is_read_before_the_service_is_ready(tmp_path, monkeypatch):
    store = str(tmp_path / "s.sqlite")
    settings = Settings(profiles=five_cities(tmp_path), store=store, text_model="static")
    state, seen = State(settings, Board(store), Metrics()), []
    asked = Service.similar

    def similar(service, city, question):
        seen.append((question.text, state.opened))
        return asked(service, city, question)

    monkeypatch.setattr(Service, "similar", similar)
    state.open()
    assert seen == [(UNHEARD, None)]
    assert len(state.service.cohort) == 5


def test_a_posted_profile_of_a_known_city_has_its_neighbours(api, bundled):
    profile = bundled.city("be-leuven").model_dump(mode="json", exclude_none=True, by_alias=True)
    answer = api.post("/v1/similar", json={"profile": profile, "detail": "account", "k": 5})
    assert answer.status_code == 200, answer.text
    expected = get(api, "/v1/cities/be-leuven/similar", k=5, detail="account")
    assert told(answer.json())["similar"] == expected["similar"]


def test_a_new_city_is_compared_and_not_kept(api):
    profile = {
        "id": "it-sampleville",
        "name": "Sampleville",
        "country": "IT",
        "challenges": {"mobility_transport": 3},
        "needs": "Our old town has too many cars and no trams.",
    }
    answer = api.post(
        "/v1/similar", json={"profile": profile, "k": 4, "filters": {"other_country": True}}
    )
    assert answer.status_code == 200, answer.text
    found = answer.json()["similar"]
    assert len(found) == 4
    assert all(c["country"] != "IT" for c in found)
    assert any("mobility" in why["says"] for c in found for why in c["why"])
    assert api.get("/v1/cities/it-sampleville").status_code == 404


def test_a_pair_is_explained_as_the_other_door_explains_it(api, bundled):
    found = get(api, "/v1/pairs/de-cologne/fi-lahti")
    _, expected = explain("de-cologne", "fi-lahti", open_round(bundled, load(), model="static"))
    assert [(a["purpose"], a["title"], a["account"]) for a in found["accounts"]] == [
        (a.purpose, a.title, to_wire(a.account)) for a in expected
    ]


def test_the_same_question_is_not_answered_twice(api):
    first = api.get("/v1/cities/be-leuven/similar", params={"k": 3})
    tag = first.headers["etag"]
    again = api.get("/v1/cities/be-leuven/similar", params={"k": 3}, headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    other = api.get("/v1/cities/be-leuven/similar", params={"k": 4}, headers={"If-None-Match": tag})
    assert other.status_code == 200
    assert other.headers["etag"] != tag
    assert api.get("/v1/cities/be-leuven/similar", params={"k": 3}).content == first.content


@pytest.mark.parametrize(
    ("path", "wrong", "do"),
    [
        ("/v1/cities", "contry", "Did you mean country?"),
        ("/v1/cities/be-leuven/similar", "detial", "Did you mean detail?"),
        ("/v1/pairs/be-leuven/se-lund", "k", "This address takes none."),
        ("/v1/proposals", "xyzzy", "Known: "),
        ("/v1/personal-data/be-leuven", "reasons", "This address takes none."),
    ],
)
def test_a_parameter_that_there_is_not_is_told_and_not_passed_over(api, path, wrong, do):
    answer = api.get(path, params={wrong: "1"})
    assert answer.status_code == 400, answer.text
    (problem,) = answer.json()["problems"]
    assert (problem["code"], problem["column"]) == ("parameter-unknown", wrong)
    assert problem["do"].startswith(do)


def test_a_host_unit_is_explained_over_http_and_on_its_page(api):
    (account,) = get(api, "/v1/pairs/de-cologne/unit-colab")["accounts"]
    assert account["title"].startswith("Cologne learns from CoLAB")
    assert account["says"].startswith("Scored as in the round")
    for other in ("unit-colab", "de-aachen"):
        page = api.get(f"/workbench/cities/de-cologne/with/{other}")
        assert page.status_code == 200
        assert "Cologne learns from CoLAB" in page.text
        assert "Scored as in the round" in page.text
        assert "de-mannheim" not in page.text


@pytest.mark.parametrize(
    ("wanted", "coding"),
    [
        ("gzip", "gzip"),
        ("zstd", "zstd"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip;q=1, zstd;q=0.5", "zstd"),
        ("zstd;q=0, *", "br"),
        ("gzip;q=0", None),
        ("identity, gzip;q=0.5", "gzip"),
        ("identity;q=0.5, gzip;q=0.5", "gzip"),
        ("compress", None),
        ("", None),
    ],
)
def test_an_answer_is_compressed_in_a_coding_that_the_client_takes(api, wanted, coding):
    path = "/v1/cities/be-leuven"
    plain = api.get(path, headers={"Accept-Encoding": "identity"})
    with api.stream("GET", path, headers={"Accept-Encoding": wanted}) as answer:
        body = b"".join(answer.iter_raw())
    assert answer.headers.get("content-encoding") == coding
    assert answer.headers["vary"].endswith("Accept-Encoding")
    assert int(answer.headers["content-length"]) == len(body)
    assert (len(body) < len(plain.content) / 2) == (coding is not None)
    unpacked = {"gzip": gzip.decompress, "br": brotli.decompress, "zstd": zstd}.get(coding, bytes)
    assert unpacked(body) == plain.content
    # A tag that every coding shares is a weak one (RFC 9110, 8.8.3).
    assert answer.headers["etag"] == plain.headers["etag"]
    assert answer.headers["etag"].startswith('W/"')
    tagged = {"If-None-Match": answer.headers["etag"], "Accept-Encoding": wanted}
    same = api.get(path, headers=tagged)
    assert (same.status_code, same.headers["vary"]) == (304, "Accept, Accept-Encoding")
    assert (
        api.head(path, headers={"Accept-Encoding": wanted}).headers["etag"] == same.headers["etag"]
    )


def zstd(body):
    """Return what is in a frame: by the standard library from 3.14 on."""
    if sys.version_info >= (3, 14):
        return importlib.import_module("compression.zstd").decompress(body)
    return importlib.import_module("zstandard").ZstdDecompressor().decompress(body)


def test_a_list_comes_in_the_form_that_is_accepted(api, bundled):
    path = "/v1/cities/be-leuven/similar?k=4"
    plain = api.get(path).json()["similar"]
    table = api.get(path, headers={"Accept": "text/csv"})
    assert table.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(table.text, newline="")))
    assert [(r["like"], r["id"], float(r["score"])) for r in rows] == [
        ("be-leuven", c["id"], c["score"]) for c in plain
    ]
    shown = api.get(path, headers={"Accept": "application/geo+json"}).json()
    assert [f["properties"]["id"] for f in shown["features"]] == [c["id"] for c in plain]
    for feature in shown["features"]:
        place = bundled.city(feature["properties"]["id"])
        assert feature["geometry"]["coordinates"] == [place.location.lon, place.location.lat]
    tags = {api.get(path, headers={"Accept": a}).headers["etag"] for a in ("*/*", "text/csv")}
    assert len(tags) == 2
    for refused in (api.get, api.post):
        where = path if refused == api.get else "/v1/similar"
        sent = {} if refused == api.get else {"json": {"cities": ["be-leuven"]}}
        answer = refused(where, headers={"Accept": "image/png"}, **sent)
        assert answer.status_code == 406
    assert len(api.get("/v1/cities?size=3", headers={"Accept": "text/csv"}).text.split()) > 3


def test_fields_are_those_asked_for(api):
    found = get(api, "/v1/cities/be-leuven/similar", fields="id,score", k=2)["similar"]
    assert [list(c) for c in found] == [["id", "score"]] * 2
    assert list(get(api, "/v1/cities", fields="name", size=1)["cities"][0]) == ["id", "name"]
    wrong = api.get("/v1/cities/be-leuven/similar", params={"fields": "id,scor"})
    assert (wrong.status_code, wrong.json()["problems"][0]["column"]) == (400, "fields")
    assert "of id, name, country, score" in wrong.json()["detail"]


def test_many_cities_are_asked_about_at_once(api):
    cities = ["be-leuven", {"id": "it-x", "name": "X", "country": "IT"}, "Aachen"]
    answer = api.post("/v1/similar", json={"cities": cities, "k": 3})
    assert answer.status_code == 200, answer.text
    found = answer.json()["answers"]
    assert [a["city"] for a in found] == ["be-leuven", "it-x", "de-aachen"]
    assert found[2] == get(api, "/v1/cities/de-aachen/similar", k=3)
    wrong = api.post("/v1/similar", json={"cities": ["nowhere", "be-leuven", "nobody"]})
    assert wrong.status_code == 404
    assert [p["code"] for p in wrong.json()["problems"]] == ["city-unknown"] * 2
    for body in ({}, {"profile": {}, "cities": ["be-leuven"]}, {"cities": []}):
        assert api.post("/v1/similar", json=body).status_code == 400


def test_each_source_stands_once_in_an_answer(api):
    answer = api.get("/v1/cities/be-leuven/similar?k=20&detail=account")
    sources = answer.json()["sources"]
    assert len(set(sources.values())) == len(sources) > 20
    assert all(answer.text.count(json.dumps(s, ensure_ascii=False)) == 1 for s in sources.values())


def test_the_usual_answer_is_written_before_anybody_asks_and_is_the_same(tmp_path):
    with served(tmp_path / "s.sqlite", profiles=five_cities(tmp_path)) as client:
        state = shared(client)
        ids = [c.id for c in state.service.cohort.cities]
        paths = [f"/v1/cities/{city}/similar" for city in ids]
        answer_beforehand(state)
        given = state.answer

        def never(tag, make):
            raise AssertionError("made again")

        state.answer = lambda tag, make: given(tag, lambda: never(tag, make))
        before = [client.get(path).content for path in paths]
        state.answer = lambda tag, make: make()
        assert [client.get(path).content for path in paths] == before
        assert {len(json.loads(body)["similar"]) for body in before} == {len(ids) - 1}
