"""Decisions over HTTP: append-only, one version after the other, and of two who write at once the second is told."""

from __future__ import annotations

import threading
from typing import get_args

import pytest
from service_for_tests import PROGRAMME, board_of, finished, five_cities, served

from twinmatch.app import decisions
from twinmatch.app.decisions import decided_so_far
from twinmatch.app.round import open_round
from twinmatch.exporting import read_proposal
from twinmatch.exporting.letters import Correspondence, letters
from twinmatch.programmes import load
from twinmatch.proposal.wire import to_wire
from twinmatch.reading import read
from twinmatch.store.history import KINDS, MAILS
from twinmatch.web.jobs import proposal_of
from twinmatch.web.schemas import Decision
from twinmatch.whatif.case import twinning_case
from twinmatch.whatif.difference import difference
from twinmatch.whatif.prices import price_list
from twinmatch.whatif.why_not import why_not


@pytest.fixture(scope="module")
def five(tmp_path_factory):
    folder = tmp_path_factory.mktemp("decisions")
    with served(folder / "s.sqlite", profiles=five_cities(folder), heavy_a_minute=10_000) as client:
        yield client


@pytest.fixture(scope="module")
def made(five):
    job = five.post("/v1/proposals", json={"programme_toml": PROGRAMME}).json()
    assert finished(five, job["id"])["state"] == "done"
    return five.get(f"/v1/proposals/{job['id']}/files/proposal.json").content


@pytest.fixture
def proposal(five, made):
    """A finished proposal that nobody has decided about."""
    return board_of(five).keep_made("Round", {"programme_toml": PROGRAMME}, "tests", made)


def decide(five, proposal, version, status=201, **decision):
    headers = {"If-Match": f'"{version}"'}
    answer = five.post(f"/v1/proposals/{proposal}/decisions", json=decision, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_a_lock_is_kept_with_by_whom_when_and_why(five, proposal):
    found = decide(five, proposal, 0, kind="lock", one="de-guest", other="se-host", why="the mayor")
    assert found["locks"] == [["de-guest", "se-host"]]
    (entry,) = found["history"]
    assert (entry["number"], entry["kind"], entry["why"]) == (1, "lock", "the mayor")
    assert entry["by"]
    assert entry["at"]
    whole = {"Accept-Encoding": "identity"}
    answer = five.get(f"/v1/proposals/{proposal}/decisions", headers=whole)
    assert answer.json() == found
    assert answer.headers["etag"] == '"1"'


def test_every_decision_of_the_page_has_its_form_here(five, proposal):
    kinds = set(get_args(Decision.model_fields["kind"].annotation))
    assert kinds == {*KINDS} - {*MAILS}
    pair = {"one": "de-guest", "other": "it-host"}
    decide(five, proposal, 0, kind="hold", **pair)
    decide(five, proposal, 1, kind="assign", why="Ada", **pair)
    text = "Twinning\n\nDear colleagues, please come."
    decide(five, proposal, 2, kind="letter", city="de-guest", why=text)
    held = board_of(five).store.held(proposal)
    made = proposal_of(board_of(five), proposal)
    (mine,) = (
        x for x in letters(made, Correspondence(edited=held.letters)) if x.city == "de-guest"
    )
    assert (mine.subject, mine.text) == ("Twinning", "Dear colleagues, please come.")
    assert (held.holds, held.assigned[tuple(pair.values())].why) == ((tuple(pair.values()),), "Ada")
    decide(five, proposal, 3, 400, kind="letter", city="de-guest", why="no subject")
    decide(five, proposal, 3, 400, kind="letter", city="nowhere", why=text)


def test_the_last_word_on_a_pair_holds(five, proposal):
    pair = {"one": "de-guest", "other": "se-host"}
    decide(five, proposal, 0, kind="lock", **pair)
    found = decide(five, proposal, 1, kind="ban", **pair)
    assert (found["locks"], found["bans"]) == ([], [["de-guest", "se-host"]])
    found = decide(five, proposal, 2, kind="undo")
    assert (found["locks"], found["bans"]) == ([["de-guest", "se-host"]], [])
    found = decide(five, proposal, 3, kind="release", **pair)
    assert (found["locks"], found["bans"]) == ([], [])
    assert [e["kind"] for e in found["history"]] == ["lock", "ban", "undo", "release"]


def test_a_lock_of_the_programme_that_was_released_is_back_where_the_release_is_undone(five):
    pair = ("de-guest", "se-host")
    asked = {"programme_toml": PROGRAMME, "lock": [list(pair)]}
    made = finished(five, five.post("/v1/proposals", json=asked).json()["id"])["id"]
    board = board_of(five)

    def locks():
        return [*decided_so_far(board.store, made, board.store.held(made)).lock]

    assert locks() == [pair]
    decide(five, made, 0, kind="release", one=pair[0], other=pair[1])
    assert locks() == []
    decide(five, made, 1, kind="undo")
    assert locks() == [pair]


def test_the_second_of_two_editors_is_told_and_nothing_is_overwritten(five, proposal):
    decide(five, proposal, 0, kind="lock", one="de-guest", other="it-host", why="first")
    problem = decide(
        five, proposal, 0, 412, kind="ban", one="de-guest", other="it-host", why="second"
    )
    assert problem["problems"][0]["code"] == "changed-meanwhile"
    assert "locked de-guest with it-host" in problem["detail"]
    found = five.get(f"/v1/proposals/{proposal}/decisions").json()
    assert [e["why"] for e in found["history"]] == ["first"]


def test_of_many_writers_at_once_exactly_one_wins_each_version(five, proposal):
    store, won, lost = board_of(five).store, [], []

    def write(name):
        for version in range(5):
            try:
                entry = store.add(proposal, "note", name, why=name, seen=version)
                won.append((version, entry.by))
            except Exception as error:
                lost.append(error.problems[0].code)

    threads = [threading.Thread(target=write, args=(f"writer {k}",)) for k in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    history = store.history(proposal)
    assert [e.number for e in history] == list(range(1, len(history) + 1))
    assert len({v for v, _ in won}) == len(won) == len(history)
    assert len(won) + len(lost) == 30
    assert set(lost) <= {"changed-meanwhile"}


def test_which_version_was_seen_has_to_be_said(five, proposal):
    answer = five.post(f"/v1/proposals/{proposal}/decisions", json={"kind": "approve"})
    assert answer.status_code == 428
    assert answer.json()["problems"][0]["code"] == "version-missing"


def test_from_draft_to_withdrawn_one_step_after_the_other(five, proposal):
    for early in ("publish", "withdraw"):
        decide(five, proposal, 0, 409, kind=early)
    assert decide(five, proposal, 0, kind="approve")["status"] == "approved"
    decide(five, proposal, 1, 409, kind="lock", one="de-guest", other="it-host")
    decide(five, proposal, 1, 409, kind="accept", one="de-guest", other="it-host")
    assert decide(five, proposal, 1, kind="undo")["status"] == "draft"
    assert decide(five, proposal, 2, kind="approve")["status"] == "approved"
    assert decide(five, proposal, 3, kind="publish")["status"] == "published"
    decide(five, proposal, 4, 409, kind="undo")
    found = decide(five, proposal, 4, kind="withdraw", why="a city fell ill")
    assert found["status"] == "withdrawn"
    assert found["history"][-1]["says"].endswith("withdrew the proposal: a city fell ill.")


@pytest.mark.parametrize(
    ("decision", "code"),
    [
        ({"kind": "lock", "one": "de-guest"}, "pair-missing"),
        ({"kind": "accept"}, "meeting-missing"),
        ({"kind": "note", "why": " "}, "note-empty"),
        ({"kind": "burn"}, "request-wrong"),
    ],
)
def test_a_decision_that_is_none(five, proposal, decision, code):
    problem = decide(five, proposal, 0, 400, **decision)
    assert problem["problems"][0]["code"] == code


def test_there_is_nothing_to_take_back_and_nothing_to_decide_about(five, proposal):
    decide(five, proposal, 0, 409, kind="undo")
    decide(five, "nothing", 0, 404, kind="approve")


def test_the_command_line_sees_what_was_decided_over_http_and_the_other_way_round(five, proposal):
    place = board_of(five).store
    meeting = decisions.run_state(proposal, place).meetings[0]
    decide(five, proposal, 0, kind="accept", one=meeting.id)
    state = decisions.run_state(proposal, place)
    assert state.meetings[0].verdict == "accept"
    place.add(proposal, "asked", "Ada", one=meeting.id, city=meeting.guest)
    found = five.get(f"/v1/proposals/{proposal}/decisions").json()
    assert found["version"] == 2
    (told,) = (m for m in found["meetings"] if m["id"] == meeting.id)
    assert (told["verdict"], told["consents"][meeting.guest]) == ("accept", "asked")


def test_a_round_published_on_the_page_is_a_past_round_everywhere(five, proposal):
    decide(five, proposal, 0, kind="approve")
    decide(five, proposal, 1, kind="publish")
    store = board_of(five).store
    met = {(p.guest, p.host) for p in store.past() if p.run == proposal}
    assert met == {m.about for m in store.meetings(proposal) if m.host}
    body = {"programme_toml": PROGRAMME, "past": True}
    job = finished(five, five.post("/v1/proposals", json=body).json()["id"])
    again = five.get(f"/v1/proposals/{job['id']}/decisions").json()["meetings"]
    assert not met & {(m["guest"], m["host"]) for m in again if m["host"]}
    decide(five, proposal, 2, kind="withdraw")


def test_why_not_is_the_answer_of_the_other_door(five, proposal, tmp_path):
    cities = five_cities(tmp_path)
    case = twinning_case(open_round(read(cities), load(tmp_path / "round.toml"), model="static"))
    for guest, host in (("de-guest", "se-host"), ("de-guest", "it-host"), ("pl-other", "it-host")):
        answer = five.get(
            f"/v1/proposals/{proposal}/why-not", params={"guest": guest, "host": host}
        )
        assert answer.status_code == 200, answer.text
        assert answer.json() == to_wire(why_not(case, guest, host))


def test_why_not_knows_what_was_decided(five, proposal):
    decide(five, proposal, 0, kind="ban", one="de-guest", other="it-host")
    answer = five.get(
        f"/v1/proposals/{proposal}/why-not", params={"guest": "de-guest", "host": "it-host"}
    )
    assert answer.json()["verdict"] == "forbidden"
    assert any("ban" in reason.lower() for reason in answer.json()["reasons"])


def test_repair_makes_offers_and_changes_nothing(five, proposal):
    answer = five.post(f"/v1/proposals/{proposal}/repair", json={"withdrawn": ["it-host"]})
    assert answer.status_code == 200, answer.text
    assert {o["kind"] for o in answer.json()["offers"]} == {"keep all", "few changes", "best"}
    assert all("it-host" not in str(o["moves"][0]["after"]) for o in answer.json()["offers"])
    assert five.get(f"/v1/proposals/{proposal}/decisions").json()["version"] == 0


def test_an_offer_that_is_taken_is_a_proposal_of_its_own(five, proposal):
    asked = {"withdrawn": ["it-host"], "offer": "best"}
    answer = five.post(f"/v1/proposals/{proposal}/repair/take", json=asked)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made["state"] == "done"
    assert answer.headers["location"] == f"/v1/proposals/{made['id']}"
    meetings = five.get(f"/v1/proposals/{made['id']}/decisions").json()["meetings"]
    assert "it-host" not in {m["host"] for m in meetings}
    held = five.get(f"/v1/proposals/{proposal}/decisions").json()["meetings"]
    assert "it-host" in {m["host"] for m in held}


def test_prices_are_the_answer_of_the_other_door(five, proposal, tmp_path):
    cities = five_cities(tmp_path)
    case = twinning_case(open_round(read(cities), load(tmp_path / "round.toml"), model="static"))
    answer = five.get(f"/v1/proposals/{proposal}/prices")
    assert answer.status_code == 200, answer.text
    assert answer.json() == to_wire(price_list(case))


def test_two_proposals_side_by_side(five, proposal, tmp_path):
    ban = [["de-guest", "it-host"]]
    body = {"programme_toml": PROGRAMME, "previous": proposal, "ban": ban}
    other = finished(five, five.post("/v1/proposals", json=body).json()["id"])["id"]
    answer = five.get(f"/v1/proposals/{proposal}/diff/{other}")
    assert answer.status_code == 200, answer.text
    assert not answer.json()["alike"]
    places = []
    for name in (proposal, other):
        place = tmp_path / f"{name}.json"
        place.write_bytes(five.get(f"/v1/proposals/{name}/files/proposal.json").content)
        places.append(place)
    assert answer.json() == to_wire(difference(*map(read_proposal, places)))


def test_a_compressed_answer_has_a_tag_of_its_own_and_it_opens_too(five, proposal):
    long = "because " * 200
    decide(five, proposal, 0, kind="note", why=long)
    path = f"/v1/proposals/{proposal}/decisions"
    tags = {
        coding: five.get(path, headers={"Accept-Encoding": coding}).headers["etag"]
        for coding in ("identity", "gzip", "zstd")
    }
    assert tags == {"identity": '"1"', "gzip": '"1-gzip"', "zstd": '"1-zstd"'}
    for version, tag in enumerate((tags["gzip"], '"2-zstd"'), 2):
        asked = five.post(path, json={"kind": "note", "why": "x"}, headers={"If-Match": tag})
        assert (asked.status_code, asked.json()["version"]) == (201, version)
    stale = five.post(path, json={"kind": "undo"}, headers={"If-Match": tags["zstd"]})
    assert stale.status_code == 412
