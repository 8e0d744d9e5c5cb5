"""Assistants ask by the protocol's own client: in this process, and as a program over standard input and output."""

from __future__ import annotations

import os
import sys

import pytest

mcp = pytest.importorskip("mcp")

from fastapi.testclient import TestClient  # noqa: E402

import twinmatch as tm  # noqa: E402
from cities import some_bundled  # noqa: E402
from loops_for_tests import finished  # noqa: E402
from twinmatch.cli.serving import assistant_server, http_app  # noqa: E402
from twinmatch.proposal.wire import to_wire  # noqa: E402
from twinmatch.web.auth import Rank  # noqa: E402
from twinmatch.web.board import Board  # noqa: E402

NAMED = {"be-leuven", "ba-sarajevo", "de-cologne", "fi-lahti"}


@pytest.fixture(scope="module")
def cities(tmp_path_factory):
    return some_bundled(tmp_path_factory.mktemp("cities"), 6, *NAMED)


@pytest.fixture(scope="module")
def server(cities):
    return assistant_server(cities)


def ask(server, tool, **arguments):
    async def asked():
        async with mcp.Client(server) as client:
            return await client.call_tool(tool, arguments)

    return finished(asked())


def answer(server, tool, **arguments):
    found = ask(server, tool, **arguments)
    assert not found.is_error, found.content
    return found.structured_content


def test_every_tool_is_described_and_only_reads(server):
    async def listed():
        async with mcp.Client(server) as client:
            return (await client.list_tools()).tools, client.instructions

    tools, instructions = finished(listed())
    names = {"search_cities", "city", "similar", "explain", "why_not", "propose", "prices"}
    assert {t.name for t in tools} == names
    assert all(t.description and t.annotations.read_only_hint for t in tools)
    assert "not known" in instructions


def test_similar_is_the_answer_of_the_library(server, cities):
    found = answer(server, "similar", name="Leuven", k=3)["similar"]
    mine = tm.similar("Leuven", tm.read(cities), k=3)
    assert found == to_wire(mine)
    lines = found[0]["account"]
    assert sum(line["share"] for line in lines) == pytest.approx(found[0]["score"], abs=1e-5)
    assert any(fact["source"] for line in lines for fact in line["evidence"])


def test_what_is_not_known_is_named(server):
    assert "emissions" in answer(server, "city", name="ba-sarajevo")["not_known"]
    account = answer(server, "explain", one="Cologne", other="ba-sarajevo")["accounts"][0]
    unknown = [line for line in account["account"] if line["likeness"] is None]
    assert unknown
    assert all(line["standing"] == 0.5 for line in unknown)


def test_cities_are_found_by_words_country_and_role(server):
    found = answer(server, "search_cities", words="heat", country_code="de", role="mission")
    assert found["found"] >= len(found["cities"]) > 0
    assert {c["country"] for c in found["cities"]} == {"Germany"}


def test_a_misspelt_name_is_an_error_that_says_what_was_meant(server):
    found = ask(server, "similar", name="Leuvn")
    assert found.is_error
    assert "be-leuven" in found.content[0].text


@pytest.mark.slow
def test_a_round_is_proposed_and_asked_about(server):
    made = answer(server, "propose")
    assert made["status"] == "optimal"
    assert made["meetings_in_all"] == len(made["meetings"])
    assert answer(server, "why_not", guest="Cologne", host="Lahti")["verdict"]
    assert answer(server, "prices")["rules"]
    assert ask(server, "propose", product="tea").is_error


@pytest.mark.slow
def test_the_command_speaks_over_standard_input_and_output(tmp_path):
    command = mcp.StdioServerParameters(
        command=sys.executable,
        args=["-m", "twinmatch", "mcp"],
        cwd=str(tmp_path),
        env=dict(os.environ),
    )
    assert len(answer(command, "similar", name="Leuven", k=2)["similar"]) == 2


def test_over_http_a_key_of_the_service_opens_and_no_other_host_may_ask(server, tmp_path):
    store = str(tmp_path / "s.sqlite")
    key, secret = Board(store).add_key("assistant", Rank.READER)
    hello = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    }
    sent = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}
    accept = {"Accept": "application/json, text/event-stream"}

    def status(client, bearer, **headers):
        given = {**accept, "Authorization": f"Bearer {bearer}", **headers}
        return client.post("/mcp", json=sent, headers=given).status_code

    with TestClient(http_app(server, store), base_url="http://127.0.0.1") as client:
        assert status(client, secret) == 200
        assert status(client, "twm_other") == status(client, "") == 401
        assert status(client, secret, Host="evil.example") == 421
        Board(store).take_back(key.id)
        assert status(client, secret) == 401
