"""The desk over HTTP: versions keep what was decided, pairs are decided together, a city answers by its link."""

from __future__ import annotations

import io
import json
import re
import zipfile
from itertools import cycle

import lxml.html
import pytest
import xlsxwriter
from service_for_tests import PROGRAMME, board_of, finished, five_cities, served, shared

from twinmatch.exporting.spreadsheet import RULE_SHEET
from twinmatch.programmes.conditions import TRAITS
from twinmatch.programmes.kinds import TITLES
from twinmatch.programmes.programme import load_text
from twinmatch.web import decided_pages, intake_pages
from twinmatch.web.auth import Rank
from twinmatch.web.jobs import programme_in, proposal_of, work_out
from twinmatch.web.rounds import toml, with_rules
from twinmatch.wording import LANGUAGES, shown

pytestmark = pytest.mark.slow

PAIR = ("de-guest", "it-host")


@pytest.fixture(scope="module")
def five(tmp_path_factory):
    folder = tmp_path_factory.mktemp("desk")
    with served(folder / "s.sqlite", profiles=five_cities(folder), heavy_a_minute=10_000) as client:
        yield client


@pytest.fixture(scope="module")
def made(five):
    job = five.post("/v1/proposals", json={"title": "Desk", "programme_toml": PROGRAMME}).json()
    assert finished(five, job["id"])["state"] == "done"
    return job["id"]


@pytest.fixture
def proposal(five, made):
    """A finished proposal that nobody has decided about."""
    board = board_of(five)
    return board.keep_made("Desk", {"programme_toml": PROGRAMME}, "tests", board.result(made))


def send(client, path, **data):
    return client.post(f"/workbench/proposals/{path}", data=data, follow_redirects=False)


def test_solved_again_it_is_the_next_version_with_all_that_was_decided(five, proposal):
    board = board_of(five)
    pair = {"one": PAIR[0], "other": PAIR[1], "version": 0}
    assert (
        send(five, f"{proposal}/decisions", kind="hold", why="the mayor", **pair).status_code == 303
    )
    place = send(five, f"{proposal}/again").headers["location"]
    version = place.rpartition("/")[2]
    assert finished(five, version)["state"] == "done"
    assert [v.id for v in board.versions(proposal)] == [proposal, version]
    assert board.store.history(version) == board.store.history(proposal)
    assert board.store.held(version).holds == (PAIR,)
    assert PAIR in {m.about for m in board.store.meetings(version)}
    text = five.get(place).text
    assert "version 2 of 2" in text
    assert "What changed since version 1" in text


def test_a_committee_goes_through_its_agenda_pair_by_pair(five, proposal):
    committee = f"/workbench/proposals/{proposal}/committee"
    pairs = {m.about for m in board_of(five).store.meetings(proposal) if m.host}

    def page_at(place):
        return lxml.html.fromstring(five.get(place).text)

    page = page_at(committee)
    listed = page.xpath("//ol[@class='agenda']//a/@href")
    (place,) = page.xpath("//a[@class='button']/@href")
    assert (place, len(listed)) == (listed[0], len(pairs))
    (after,) = page_at(place).xpath("//a[@rel='next']/@href")
    assert after == listed[1]
    seen = set()
    while place != committee:
        (form,) = (
            f
            for f in page_at(place).forms
            if "why" in f.fields and f.xpath(".//button[@value='accept']")
        )
        fields = dict(form.form_values())
        seen.add((fields["one"], fields["other"]))
        done = send(five, f"{proposal}/decisions", kind="accept", **fields)
        place, _, at = done.headers["location"].partition("#")
        assert at == "part"
    assert seen == pairs
    # What is decided stands last; there is nothing to begin with.
    page = page_at(committee)
    assert not page.xpath("//a[@class='button']")
    assert len(page.xpath("//ol[@class='agenda']/li/span[@class='state accept']")) == len(pairs)


def test_of_a_round_one_version_is_published(five, proposal):
    board = board_of(five)
    again = {"programme_toml": PROGRAMME, "programme_of": proposal}
    later = board.keep_made("Desk", again, "tests", board.result(proposal))
    for run in (proposal, later):
        for k, kind in enumerate(("approve", "publish")):
            assert send(five, f"{run}/decisions", kind=kind, version=k).status_code == 303
    assert [board.store.held(run).status for run in (proposal, later)] == ["withdrawn", "published"]
    assert {p.run for p in board.store.past()} == {later}


def test_what_is_offered_for_declines_is_worked_out_once_and_then_there(five, made):
    state = shared(five)
    work_out(state.settings.model_dump_json(), made, "declines")
    by_pair = {m.about: m for m in state.board.store.meetings(made)}
    assert by_pair[PAIR].if_guest_declines
    assert state.board.desk.answers(made)["declines"]
    state.board.desk.want(made, "declines")
    assert (made, "declines") != state.board.desk.claim()


def test_what_is_said_on_an_earlier_version_is_told_on_the_later_one(five, proposal):
    board = board_of(five)
    link = f"/workbench/city/{board.desk.invite(proposal, 'de-guest', 3, 'tests')}"
    again = {"programme_toml": PROGRAMME, "programme_of": proposal}
    later = board.keep_made("Desk", again, "tests", board.result(proposal))
    assert "on an earlier version" not in five.get(f"/workbench/proposals/{later}").text
    # Two go on with the version before, and a city answers by the link that it had for it.
    for kind, one, other, why in (
        ("lock", *PAIR, "the mayors agreed"),
        ("ban", "fr-guest", "it-host", ""),
        ("note", "", "", "a second look"),
    ):
        asked = {"kind": kind, "one": one, "other": other, "why": why}
        board.store.add(proposal, by="Somebody else", **asked)
    five.post(link, data={"kind": "agreed", "meeting": "twinning:de-guest"})
    board.store.add(proposal, "approve", "Somebody else")
    page = five.get(f"/workbench/proposals/{later}?tab=letters").text
    assert "4 things were said on earlier versions" in page
    assert "the mayors agreed" in page
    assert "De-Guest by its link" in page
    assert send(five, f"{later}/missed").status_code == 303
    now = board.store.held(later)
    assert (now.locks, now.status) == ((PAIR,), "draft")
    assert {c: e.by for c, e in now.consents[PAIR].items()} == {"de-guest": "De-Guest by its link"}
    assert "on an earlier version" not in five.get(f"/workbench/proposals/{later}").text
    # The link leads to what is published, whichever version it was made for.
    for kind in ("approve", "publish"):
        board.store.add(later, kind, "tests")
    five.post(link, data={"kind": "declined", "meeting": "twinning:de-guest"})
    assert board.store.held(later).declined == (PAIR,)
    assert board.store.held(proposal).declined == ()


def test_solved_again_by_two_at_once_it_is_made_once(five, proposal, monkeypatch):
    board = board_of(five)
    monkeypatch.setattr(type(board), "claim", lambda self: None)
    asked = [send(five, f"{proposal}/again").headers["location"] for _ in range(2)]
    assert len(set(asked)) == 1
    board.store.add(proposal, "lock", "tests", one=PAIR[0], other=PAIR[1])
    asked.append(send(five, f"{proposal}/again").headers["location"])
    assert len(set(asked)) == 2
    for place in set(asked):
        send(five, f"{place.rpartition('/')[2]}/cancel")


def test_who_edits_a_letter_late_keeps_the_text(five, proposal):
    board, text = board_of(five), "Dear colleagues, " + "we look forward to it. " * 30
    for kind in ("approve", "publish"):
        board.store.add(proposal, kind, "Somebody else")
    late = send(five, f"{proposal}/letters/de-guest", code="x", version=0, text=text)
    assert late.status_code == 412
    assert "published the proposal" in late.text
    assert text.strip() in lxml.html.fromstring(late.text).xpath("string(//pre)")
    assert f'href="/workbench/proposals/{proposal}/letters/de-guest"' in late.text


def test_several_pairs_are_decided_together_and_a_later_writer_is_told(five, proposal):
    board = board_of(five)
    pairs = [" ".join(m.about) for m in board.store.meetings(proposal) if m.host]
    assert len(pairs) == 2
    done = send(five, f"{proposal}/bulk", kind="accept", version=0, pair=pairs)
    assert done.status_code == 303
    assert len(board.store.held(proposal).verdicts) == 2
    late = send(five, f"{proposal}/bulk", kind="reject", version=0, pair=pairs)
    assert late.status_code == 412
    assert f'value="{pairs[0]}"' in late.text
    assert {e.kind for e in board.store.held(proposal).verdicts.values()} == {"accept"}
    assert send(five, f"{proposal}/bulk", kind="accept", version=2).status_code == 400
    assert send(five, f"{proposal}/decisions", kind="undo", version=2).status_code == 303
    assert not board_of(five).store.held(proposal).verdicts
    assert "after theirs" in late.text
    board.store.add(proposal, "approve", "Somebody else")
    late = send(five, f"{proposal}/bulk", kind="reject", version=0, pair=pairs)
    assert late.status_code == 412
    assert "after theirs" not in late.text  # what could not be written is not offered


def test_a_tab_shows_the_meetings_of_its_own_product_and_they_are_decided_there(five, made):
    plain = json.loads(board_of(five).result(made))
    (twinning,) = plain["products"]
    (first, *_) = twinning["meetings"]
    visit = {**first, "id": "study_visits:one", "label": "A visit"}
    plain["products"].append({**twinning, "product": "study_visits", "meetings": [visit]})
    two = board_of(five).keep_made("Two", {}, "tests", json.dumps(plain).encode())
    page = lxml.html.fromstring(
        five.get(f"/workbench/proposals/{two}", params={"tab": "study_visits"}).text
    )
    assert [
        row.get("id") for row in page.xpath("//table[contains(@class, 'meetings')]//tr[@id]")
    ] == ["m-study_visits:one"]
    assert not page.xpath("//input[@name='pair']")
    form = next(f for f in page.forms if "accept" in f.xpath(".//button/@value"))
    given = {**dict(form.form_values()), "kind": "accept"}
    assert send(five, f"{two}/decisions", **given).status_code == 303
    assert board_of(five).store.held(two).verdicts.keys() == {("study_visits:one", "")}


def test_enter_in_a_form_with_several_decisions_makes_none(five, proposal):
    link = send(five, f"{proposal}/letters/de-guest/link", days=3).text
    address = link.partition("http://localhost")[2].partition("<")[0]
    at = f"/workbench/proposals/{proposal}"
    for place in (
        f"{at}?tab=twinning",
        f"{at}/pairs/twinning:de-guest",
        f"{at}?tab=history",
        address,
    ):
        page = lxml.html.fromstring(five.get(place).text)
        several = 0
        for form in page.forms:
            kinds = form.xpath(".//button[@name='kind']/@value")
            typed = form.xpath(".//input[not(@type='hidden')]")
            if len(kinds) > 1 and (typed or form.get("id") == "bulk") and kinds[0] != "note":
                several += 1
                first = form.xpath(".//button")[0]
                assert first.get("disabled") is not None, (place, kinds)
        assert several == (0 if "history" in place else 1)


def test_a_change_by_hand_is_priced_and_kept(five, proposal):
    asked = {"guest": PAIR[0], "host": "se-host"}
    page = five.get(f"/workbench/proposals/{proposal}/price", params=asked).text
    assert 'value="de-guest se-host"' in page
    assert 'value="fr-guest it-host"' in page  # the swap
    pairs = ["de-guest se-host", "fr-guest it-host"]
    assert send(five, f"{proposal}/keep", kind="lock", version=0, pair=pairs).status_code == 303
    assert board_of(five).store.held(proposal).locks == (
        ("de-guest", "se-host"),
        ("fr-guest", "it-host"),
    )


def test_prices_come_step_by_step_until_the_list_is_whole(five, proposal, monkeypatch):
    monkeypatch.setattr(decided_pages, "STEP", 0.0)  # no price in a step: the page only asks on
    place, part = f"/workbench/proposals/{proposal}/prices", {"HX-Request": "true"}
    first = lxml.html.fromstring(five.get(place, headers=part).text)
    (step,) = first.xpath("//tr[@hx-trigger='load']/@hx-get")
    assert step == f"{place}?at=0"
    assert first.xpath("//button[@data-stop='tr']")
    monkeypatch.setattr(decided_pages, "STEP", 60.0)
    last = lxml.html.fromstring(f"<table>{five.get(step, headers=part).text}</table>")
    (row,) = last.xpath("//tr[@hx-trigger='load']")
    (bar,) = row.xpath(".//progress")
    assert bar.get("value") == bar.get("max")
    assert row.get("hx-target") == "#prices"
    whole = five.get(row.get("hx-get"), headers=part).text
    assert "One more place is worth" in whole
    assert "data-stop" not in whole
    assert whole in five.get(place).text


def test_other_rules_are_tried_and_the_file_says_them(five, proposal):
    made = proposal_of(board_of(five), proposal)
    form = {"host_least": "0", "host_most": "1", "known_at_least": "25", "places": "1"}
    form |= {"w-challenges_met": "67", "w-needs_offers": "33"}
    programme = with_rules(made, form)
    assert programme.twinning.places == 1
    assert programme.twinning.weights == programme_in(made.made_from).twinning.weights
    assert load_text(toml(programme)) == programme
    page = send(five, f"{proposal}/rules", **form)
    assert page.status_code == 200
    assert "1 pair" in page.text
    assert send(five, f"{proposal}/rules", **form | {"places": "many"}).status_code == 400


TWINNING = {"host_least": "0", "host_most": "1", "w-challenges_met": "67", "w-needs_offers": "33"}


def test_rules_on_kinds_of_cities_are_written_on_the_page(five, proposal):
    made = proposal_of(board_of(five), proposal)
    first = {"format-0": "twinning", "who-0": "small and not newcomer", "per-0": "host"}
    first |= {"at_most-0": "1", "price-0": "3"}
    (rule,) = with_rules(made, TWINNING | first).twinning.rules
    assert (rule.who, rule.per) == ("small and not newcomer", "host")
    assert (rule.at_least, rule.at_most, rule.price) == (None, 1, 3.0)
    shared = TWINNING | first | {"at_most-0": "", "share_at_least-0": "0.33", "each-0": "country"}
    (rule,) = with_rules(made, shared).twinning.rules
    assert (rule.share_at_least, rule.each) == (0.33, "country")
    (rule,) = with_rules(made, shared | {"each-0": "label: Coastal"}).twinning.rules
    assert rule.each == "label: Coastal"
    assert with_rules(made, TWINNING | {"format-0": "twinning"}) == programme_in(made.made_from)
    wrong = send(five, f"{proposal}/rules", **TWINNING | first | {"who-0": "norht"})
    assert wrong.status_code == 400
    assert "region: north" in wrong.text


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_rule_reads_in_the_words_of_the_page_and_is_taken_in_them(five, code):
    text = PROGRAMME + "".join(
        f'\n[[twinning.rules]]\nwho = "{who}"\nper = "{per}"\nat_most = 90\n'
        for per, who in zip(cycle(("all", "host", "host country")), TRAITS, strict=False)
    )
    each = "".join(f'\n[[twinning.rules]]\neach = "{each}"\nat_most = 90\n' for each in TITLES)
    text += each
    run = five.post("/v1/proposals", json={"title": code, "programme_toml": text}).json()["id"]
    assert finished(five, run)["state"] == "done"
    place, spoken = (
        f"/workbench/proposals/{run}?tab=rules",
        {"Cookie": f"twinmatch_language={code}"},
    )
    (form,) = (
        f
        for f in lxml.html.fromstring(five.get(place, headers=spoken).text).forms
        if "format-0" in f.fields
    )
    said = [form.fields[f"who-{k}"] for k in range(len(TRAITS))]
    assert said == [shown(says, code) for _, says in TRAITS.values()]
    said = [form.fields[f"each-{k + len(TRAITS)}"] for k in range(len(TITLES))]
    assert said == [shown(says, code) for says in TITLES.values()]
    fields = dict(form.form_values())
    for field in form.inputs:
        if field.get("name", "").partition("-")[0] in ("per", "of"):
            for option in field.iter("option"):
                word = option.get("value")
                assert code == "en" or not word or option.text != word
    made = proposal_of(board_of(five), run)
    assert with_rules(made, fields) == programme_in(made.made_from)


def test_rules_of_a_workbook_are_tried_on_the_page(five, proposal):
    def handed_in(who):
        stream = io.BytesIO()
        with xlsxwriter.Workbook(stream) as book:
            sheet = book.add_worksheet(RULE_SHEET)
            sheet.write_row(0, 0, ("format", "who", "at_most", "of"))
            sheet.write_row(1, 0, ("twinning", who, 0, "guests"))
        files = {"file": ("proposal.xlsx", stream.getvalue())}
        place = f"/workbench/proposals/{proposal}/workbook"
        return five.post(place, data={"version": 0}, files=files, follow_redirects=False)

    page = handed_in("country: DE").text
    assert "What would change" in page
    assert "1 guest has another host or none" in page
    (text,) = lxml.html.fromstring(page).xpath("//input[@name='programme_toml']/@value")
    (rule,) = load_text(text).twinning.rules
    assert (rule.who, rule.at_most, rule.of) == ("country: DE", 0, "guests")
    assert not board_of(five).store.history(proposal)
    wrong = handed_in("norht")
    assert wrong.status_code == 400
    assert "region: north" in wrong.text
    assert f"sheet &#39;{RULE_SHEET}&#39;, row 2" in wrong.text


def test_every_format_takes_rules_on_the_page_in_the_same_form(five):
    """A rule on clusters and one on panels are tried, kept, and hold in the next version."""
    text = PROGRAMME + "\n[national_clusters]\nsize = [2, 5]\n"
    text += "\n[city_panels]\nsize = [2, 3]\nmission_at_least = 0\n"
    run = five.post("/v1/proposals", json={"title": "Formats", "programme_toml": text}).json()["id"]
    assert finished(five, run)["state"] == "done"
    page = five.get(f"/workbench/proposals/{run}", params={"tab": "rules"}).text
    (form,) = (f for f in lxml.html.fromstring(page).forms if "format-0" in f.fields)
    formats = ["twinning", "national_clusters", "city_panels"]
    assert form.inputs["format-0"].value_options == formats
    fields = dict(form.form_values())
    made = proposal_of(board_of(five), run)
    assert with_rules(made, fields) == programme_in(made.made_from)
    fields |= {"format-0": "national_clusters", "each-0": "region", "at_most-0": "2"}
    fields |= {"format-1": "city_panels", "who-1": "mission", "gather-1": "yes"}
    tried = lxml.html.fromstring(send(five, f"{run}/rules", **fields).text)
    assert len(tried.xpath("//details[@class='printed']")) == 2
    (keep,) = (f for f in tried.forms if "programme_toml" in f.fields)
    place = send(five, f"{run}/again", **dict(keep.form_values())).headers["location"]
    version = place.rpartition("/")[2]
    assert finished(five, version)["state"] == "done"
    kept = programme_in(proposal_of(board_of(five), version).made_from)
    assert [(q.each, q.at_most) for q in kept.national_clusters.rules] == [("region", 2)]
    assert [(q.who, q.gather) for q in kept.city_panels.rules] == [("mission", True)]
    wrong = send(five, f"{run}/rules", **fields | {"each-0": "colour"})
    assert wrong.status_code == 400


def test_a_city_sees_its_own_page_by_its_link_and_answers(five, proposal):
    board = board_of(five)
    page = send(five, f"{proposal}/letters/de-guest/link", days=3).text
    link = page.partition("http://localhost")[2].partition("<")[0]
    seen = five.get(link)
    assert seen.status_code == 200
    assert "De-Guest" in seen.text
    assert "Pl-Other" not in seen.text
    answer = {"kind": "agreed", "meeting": "twinning:de-guest"}
    assert five.post(link, data=answer, follow_redirects=False).status_code == 303
    consents = board.store.held(proposal).consents[PAIR]
    assert {city: e.kind for city, e in consents.items()} == {"de-guest": "agreed"}
    for wrong in ({"kind": "approve"}, {"kind": "agreed", "meeting": "twinning:fr-guest"}):
        assert five.post(link, data=wrong).status_code >= 400
    assert len(board.store.history(proposal)) == 1
    undo = 'value="undo"'
    assert undo not in five.get(f"/workbench/proposals/{proposal}").text  # it is the city's answer
    send(five, f"{proposal}/decisions", kind="note", why="good", version=1)
    assert undo in five.get(f"/workbench/proposals/{proposal}").text
    late = board.desk.invite(proposal, "de-guest", -1, "tests")
    assert five.get(f"/workbench/city/{late}").status_code == 404


def test_who_looked_before_is_told_what_others_did_since(five, proposal):
    page = f"/workbench/proposals/{proposal}"
    assert "Since you last looked" not in five.get(page).text
    board_of(five).store.add(proposal, "note", "Somebody else", why="the council agreed")
    assert "the council agreed" in five.get(page).text


GROUPS = """
[discussion_groups]
leads = [1, 1]
size = [1, 9]
[[discussion_groups.themes]]
id = "heat"
title = "Heat"
domains = ["energy_systems"]
[[discussion_groups.themes]]
id = "trams"
title = "Trams"
domains = ["mobility_transport"]
[discussion_groups.weights]
theme = 1
"""


@pytest.fixture(scope="module")
def grouped(tmp_path_factory):
    """A client and a finished proposal of two groups, one with a city that would fit the other too."""
    folder = tmp_path_factory.mktemp("groups")
    cities = five_cities(folder)
    both = "challenges: {energy_systems: 3, mobility_transport: 1}"
    text = f"id: at-both\nname: At-Both\ncountry: AT\nroles: [guest]\n{both}\n"
    (cities / "at-both.yaml").write_text(text, encoding="utf-8")
    with served(folder / "s.sqlite", profiles=cities, heavy_a_minute=10_000) as client:
        job = client.post("/v1/proposals", json={"title": "G", "programme_toml": GROUPS}).json()
        assert finished(client, job["id"])["state"] == "done"
        yield client, job["id"]


def in_group(client, run):
    """Return the group of each city."""
    product = proposal_of(board_of(client), run).products[0]
    return {city: m.label for m in product.meetings for city in m.cities()}


def solved_again(client, run):
    version = send(client, f"{run}/again").headers["location"].rpartition("/")[2]
    assert finished(client, version)["state"] == "done"
    return version


def test_a_city_is_moved_to_another_group_and_solve_again_honours_it(grouped):
    client, run = grouped
    assert in_group(client, run)["at-both"] == "Heat"
    asked = {"product": "discussion_groups", "city": "at-both"}
    costs = client.get(f"/workbench/proposals/{run}/moves", params=asked).text
    assert costs.count("keeps all") == 2
    assert "breaks" not in costs
    worse = client.get(f"/workbench/proposals/{run}/moves", params={**asked, "city": "de-guest"})
    assert "Shared challenge" in worse.text
    kept = {"city": "at-both", "group": "discussion_groups:trams", "version": 0}
    assert (
        send(client, f"{run}/keep-group", **kept)
        .headers["location"]
        .endswith("discussion_groups#decided")
    )
    assert board_of(client).store.held(run).locks == (("at-both", "discussion_groups:trams"),)
    version = solved_again(client, run)
    assert in_group(client, version)["at-both"] == "Trams"
    assert in_group(client, version)["de-guest"] == "Heat"
    page = client.get(f"/workbench/proposals/{version}?tab=discussion_groups").text
    assert "At-Both – Trams" in page
    # A later move takes the place of the earlier one, and what is released holds no longer.
    back = {**kept, "group": "discussion_groups:heat", "version": 1}
    send(client, f"{version}/keep-group", **back)
    assert board_of(client).store.held(version).locks == (("at-both", "discussion_groups:heat"),)
    assert in_group(client, solved_again(client, version))["at-both"] == "Heat"


def test_a_group_is_renamed_and_keeps_its_name_in_every_form_and_version(grouped):
    client, run = grouped
    board = board_of(client)
    run = board.keep_made("G", {"programme_toml": GROUPS}, "tests", board.result(run))
    heat = {"one": "discussion_groups:heat", "version": 0}
    for wrong in ("", "x" * 121):
        answer = send(client, f"{run}/decisions", kind="rename", why=wrong, **heat)
        assert answer.status_code == 400
    done = send(client, f"{run}/decisions", kind="rename", why="Warm <homes>", **heat)
    assert done.status_code == 303
    version = solved_again(client, run)
    for made in (run, version):
        assert set(in_group(client, made).values()) == {"Warm <homes>", "Trams"}
        report = client.get(f"/v1/proposals/{made}/files/report.html").text
        assert "Warm &lt;homes&gt;" in report
        book = client.get(f"/v1/proposals/{made}/files/proposal.xlsx").content
        with zipfile.ZipFile(io.BytesIO(book)) as parts:
            assert any(b"Warm &lt;homes&gt;" in parts.read(name) for name in parts.namelist())
        letter = client.get(f"/workbench/proposals/{made}/letters/de-guest").text
        assert "Warm &lt;homes&gt;" in letter
    (product,) = json.loads(board.result(version))["products"]
    assert {row[0] for t in product["tables"] for row in t["rows"]} >= {"Warm <homes>"}
    send(client, f"{version}/decisions", kind="release", one=heat["one"], version=1)
    assert set(in_group(client, solved_again(client, version)).values()) == {"Heat", "Trams"}


def test_a_theme_is_split_where_rules_allow_and_joined_again(tmp_path):
    lines = [f"{c}-{n},{c}-{n},{c.upper()}" for c in ("at", "be", "fi") for n in "ab"]
    guests = [f"{line},guest,energy_systems:3," for line in lines]
    hosts = [f"it-{n},it-{n},IT,mission,,energy_systems:3" for n in "ab"]
    table = ["id,name,country,roles,challenges,strengths", *guests, *hosts]
    (tmp_path / "cities.csv").write_text("\n".join(table), encoding="utf-8")
    toml = GROUPS.replace("size = [1, 9]", "size = [3, 9]")
    with served(tmp_path / "s.sqlite", profiles=tmp_path / "cities.csv") as client:
        asked = client.post("/v1/proposals", json={"title": "S", "programme_toml": toml}).json()
        assert finished(client, asked["id"])["state"] == "done"
        run, heat = asked["id"], "discussion_groups:heat"
        assert set(in_group(client, run).values()) == {"Heat"}

        def costs(number, group=heat, of=run):
            asked = {"meeting": group, "number": number}
            return client.get(f"/workbench/proposals/{of}/split", params=asked).text

        sizes = [int(n) for n in re.findall(r"</strong> \((\d+)\):", costs(2))]
        assert (len(sizes), min(sizes) >= 3, sum(sizes)) == (2, True, 8)
        # Three leads are not there, whatever the size.
        assert "too few cities can lead it" in costs(3)
        assert 'value="split"' not in costs(3)
        kept = {"kind": "split", "one": heat, "why": "2", "version": 0}
        assert send(client, f"{run}/decisions", **kept).status_code == 303
        page = client.get(f"/workbench/proposals/{run}?tab=history").text
        assert "from the next version on" in page
        assert "Heat: 2 groups" in page
        assert "set the number of groups of Heat: 2" in page
        two = solved_again(client, run)
        groups = in_group(client, two)
        assert set(groups.values()) == {"Heat 1", "Heat 2"}
        assert all(list(groups.values()).count(g) >= 3 for g in groups.values())
        assert "from the next version on" not in client.get(f"/workbench/proposals/{two}").text
        # Joined again from one of the two, the second lead has no place; a number that is none, and a group that is none, are refused.
        assert "</strong> (7):" in costs(1, f"{heat}-2", two)
        for wrong in ({"why": "0"}, {"why": "many"}, {"one": "discussion_groups:trams"}):
            again = {**kept, "version": 1, **wrong}
            assert send(client, f"{two}/decisions", **again).status_code in (400, 404)
        send(client, f"{two}/decisions", **{**kept, "why": "1", "version": 1})
        assert set(in_group(client, solved_again(client, two)).values()) == {"Heat"}


CLUSTERED = """
[city_panels]
size = [2, 6]
panels = 3
mission_at_least = 0
cities_per_country = 9
mix = {country = 1}
[national_clusters]
size = [2, 4]
[national_clusters.weights]
shared_challenges = 1
"""


def test_clusters_and_panels_are_changed_by_hand_as_groups_are(tmp_path):
    first = [f"it-c{n},C{n},IT,guest,energy_systems:3" for n in range(4)]
    roles = ["guest; mission", "guest", "guest", "guest"]
    other = [f"it-d{n},D{n},IT,{role},waste_circular_economy:3" for n, role in enumerate(roles)]
    rest = [f"at-{n},At-{n},AT,guest," for n in "abc"]
    table = ["id,name,country,roles,challenges", *first, *other, *rest]
    (tmp_path / "cities.csv").write_text("\n".join(table), encoding="utf-8")
    with served(tmp_path / "s.sqlite", profiles=tmp_path / "cities.csv") as client:
        asked = {"title": "C", "programme_toml": CLUSTERED}
        run = client.post("/v1/proposals", json=asked).json()["id"]
        assert finished(client, run)["state"] == "done"

        def at(of, product="national_clusters"):
            made = next(
                p for p in proposal_of(board_of(client), of).products if p.product == product
            )
            return {c: m.id.partition(":")[2] for m in made.meetings for c in m.cities()}

        assert at(run)["it-c0"] == at(run)["it-c3"] != at(run)["it-d0"]
        asked = {"product": "national_clusters", "city": "it-c0"}
        page = lxml.html.fromstring(
            client.get(f"/workbench/proposals/{run}/moves", params=asked).text
        )
        rules = {
            f.fields["group"].partition(":")[2]: f for f in page.forms if "keep-group" in f.action
        }
        assert set(rules) == {"at", "it-1", "it-2"}
        cells = [row.text_content() for row in page.xpath("//tbody/tr")]
        assert ["Cluster size" in c for c in cells] == ["part 2" in c for c in cells]
        assert ["Country first" in c for c in cells] == ["Austria" in c for c in cells]
        # The one Mission City cannot leave its cluster without breaking the rule of anchors.
        anchor = {"product": "national_clusters", "city": "it-d0"}
        moves = client.get(f"/workbench/proposals/{run}/moves", params=anchor).text
        now, *others = (r.text_content() for r in lxml.html.fromstring(moves).xpath("//tbody/tr"))
        assert ["Anchor" in row for row in (now, *others)] == [False, *(True for _ in others)]
        # It is locked beside a city that is there, so that no other numbering answers it; so two decisions are kept.
        form = rules[at(run)["it-d0"]]
        assert (
            send(
                client, form.action.partition("proposals/")[2], **dict(form.form_values())
            ).status_code
            == 303
        )
        assert len(board_of(client).store.held(run).locks) == 2
        version = solved_again(client, run)
        assert at(version)["it-c0"] == at(version)[form.fields["beside"]] != at(version)["it-c1"]
        # Italy into three clusters; all panels into two: either is priced, kept, and so made.
        for product, theme, number in (("national_clusters", "it", 3), ("city_panels", "", 2)):
            group = next(
                m.id
                for p in proposal_of(board_of(client), version).products
                if p.product == product
                for m in p.meetings
                if m.id.startswith(f"{product}:{theme}")
            )
            costs = client.get(
                f"/workbench/proposals/{version}/split", params={"meeting": group, "number": number}
            ).text
            (form,) = (f for f in lxml.html.fromstring(costs).forms if "why" in f.fields)
            assert (
                send(
                    client, f"{version}/decisions", kind="split", **dict(form.form_values())
                ).status_code
                == 303
            )
            too_many = {"meeting": group, "number": 19}
            assert (
                'value="split"'
                not in client.get(f"/workbench/proposals/{version}/split", params=too_many).text
            )
        last = solved_again(client, version)
        assert {at(last)[c] for c in at(last) if c.startswith("it")} == {"it-1", "it-2", "it-3"}
        assert at(last)["it-c0"] == at(last)["it-d0"]
        assert set(at(last, "city_panels").values()) == {"1", "2"}
        assert "from the next version on" not in client.get(f"/workbench/proposals/{last}").text


@pytest.mark.parametrize("city", ["it-host", "nowhere", ""])
def test_who_leads_or_is_not_there_is_not_moved(grouped, city):
    client, run = grouped
    asked = {"product": "discussion_groups", "city": city}
    answer = client.get(f"/workbench/proposals/{run}/moves", params=asked)
    assert answer.status_code in (400, 404)
    assert "Traceback" not in answer.text


def test_after_a_decline_every_page_leads_to_the_offers(five, proposal):
    base, meeting = f"/workbench/proposals/{proposal}", "twinning:de-guest"
    pair = {"one": PAIR[0], "other": PAIR[1], "city": PAIR[1], "version": 0}
    assert send(five, f"{proposal}/decisions", kind="declined", **pair).status_code == 303
    for tab in ("overview", "twinning", "history"):
        page = lxml.html.fromstring(five.get(base, params={"tab": tab}).text)
        assert [
            link.get("href").replace("%3A", ":")
            for link in page.xpath("//p[contains(@class, 'bad')]/a")
        ] == [f"{base}/pairs/{meeting}"]
        assert page.xpath(f"//form[@action='{base}/again']")
    page = lxml.html.fromstring(five.get(f"{base}/pairs/{meeting}").text)
    assert not page.xpath("//p[contains(@class, 'bad')]")  # it is the page itself
    (form,) = (f for f in page.forms if f.action == f"{base}/repair")
    assert form.form_values() == [("refused", " ".join(PAIR)), ("at_most", "3")]
    offers = five.post(form.action, data=dict(form.form_values()))
    assert offers.status_code == 200
    assert {
        b.get("value") for b in lxml.html.fromstring(offers.text).xpath("//button[@name='offer']")
    } >= {"keep all"}


def test_what_is_decided_says_whether_it_is_in_this_version(five, proposal):
    other = {"one": PAIR[0], "other": "se-host", "version": 0}
    assert send(five, f"{proposal}/decisions", kind="lock", **other).status_code == 303
    here = {"one": "fr-guest", "other": "se-host", "version": 1}
    assert send(five, f"{proposal}/decisions", kind="hold", **here).status_code == 303
    page = lxml.html.fromstring(five.get(f"/workbench/proposals/{proposal}").text)
    told = page.xpath("//ul[@aria-label='Decisions kept']/li")
    assert [bool(li.xpath("./span[@class='soft']")) for li in told] == [True, False]


def test_the_list_of_rounds_tells_which_version_is_published(five, proposal):
    board = board_of(five)
    send(five, f"{proposal}/decisions", kind="approve", version=0)
    send(five, f"{proposal}/decisions", kind="publish", version=1)
    again = {"programme_toml": PROGRAMME, "programme_of": proposal}
    later = board.keep_made("Desk", again, "tests", board.result(proposal))
    page = lxml.html.fromstring(five.get("/workbench/proposals").text)
    (row,) = page.xpath(f"//tr[.//a[@href='/workbench/proposals/{later}']]")
    assert [s.get("class") for s in row.xpath(".//span")] == ["state draft", "state published"]


def test_a_change_by_hand_takes_back_what_was_decided_on_the_guest(five, proposal):
    decided = {"kind": "accept", "one": PAIR[0], "other": PAIR[1], "version": 0}
    send(five, f"{proposal}/decisions", **decided)
    place = f"/workbench/proposals/{proposal}/price"
    asked = {"guest": PAIR[0], "host": "se-host"}
    page = lxml.html.fromstring(five.get(place, params=asked).text)
    kept = [f for f in page.forms if f.action.endswith("/keep")]
    assert kept
    assert {f.fields["undo"] for f in kept} == {" ".join(PAIR)}
    assert "<td" in five.get(f"{place}/solved", params=asked).text  # it can be: who moves is listed
    pairs = [value for name, value in kept[0].form_values() if name == "pair"]
    given = {"kind": "lock", **dict(kept[0].form_values()), "pair": pairs}
    send(five, f"{proposal}/keep", **given)
    must = board_of(five).store.held(proposal).wanted[0]
    assert (PAIR[0], "se-host") in must
    assert PAIR not in must
    late = lxml.html.fromstring(
        send(five, f"{proposal}/keep", **given).text
    )  # the version has gone on
    (again,) = (f for f in late.forms if f.action.endswith("/keep"))
    assert again.fields["undo"] == " ".join(PAIR)
    (mine, *_) = late.xpath("//main//strong[not(ancestor::li)]/text()")
    assert PAIR[0] not in mine  # names, not ids
    # Whoever writes after somebody who held the old pair meanwhile takes that back too.
    version = board_of(five).store.held(proposal).version
    hold = {"kind": "hold", "one": PAIR[0], "other": PAIR[1], "version": version}
    send(five, f"{proposal}/decisions", **hold)
    given |= {"version": version + 1, "undo": ""}
    assert send(five, f"{proposal}/keep", **given).status_code == 303
    assert PAIR not in board_of(five).store.held(proposal).wanted[0]


def test_a_change_by_hand_leads_back_to_where_it_was_made(five, proposal):
    back = f"/workbench/proposals/{proposal}/pairs/twinning:de-guest"
    options = five.get(
        f"/workbench/proposals/{proposal}/hosts/de-guest", params={"back": back}
    ).text
    assert f'value="{back}"' in options
    for place, there in ((back, back), ("https://elsewhere.example", "")):
        version = board_of(five).store.held(proposal).version
        given = {"kind": "lock", "version": version, "pair": ["de-guest se-host"], "back": place}
        location = send(five, f"{proposal}/keep", **given).headers["location"]
        assert location == (there or f"/workbench/proposals/{proposal}?tab=twinning#part")


@pytest.fixture(scope="module")
def keyed(five, made, tmp_path_factory):
    """A service with keys that has the round, its address, and a key of each role that only looks or comments."""
    folder = tmp_path_factory.mktemp("keyed")
    cities, open_to = five_cities(folder), {"access": "keys", "host": "0.0.0.0", "jobs": 0}
    with served(folder / "s.sqlite", profiles=cities, heavy_a_minute=10_000, **open_to) as client:
        board, again = board_of(client), {"programme_toml": PROGRAMME}
        run = board.keep_made("Desk", again, "tests", board_of(five).result(made))
        ranks = (Rank.READER, Rank.COMMITTEE)
        yield client, f"/workbench/proposals/{run}", {r: board.add_key("X", r)[1] for r in ranks}


@pytest.mark.parametrize("rank", [Rank.READER, Rank.COMMITTEE])
def test_no_page_of_a_round_offers_what_is_refused(keyed, rank):
    client, base, secrets = keyed
    headers = {"Authorization": f"Bearer {secrets[rank]}"}
    tabs = ("overview", "twinning", "left-out", "map", "rules", "letters", "history")
    places = [*(f"{base}?tab={tab}" for tab in tabs), f"{base}/committee"]
    places += [f"{base}/pairs/twinning:de-guest", f"{base}/letters/de-guest"]
    offered = set()
    for place in places:
        answer = client.get(place, headers=headers)
        assert answer.status_code == 200, place
        page = lxml.html.fromstring(answer.text)
        offered |= {("GET", there) for there in page.xpath("//@hx-get")}
        for form in page.xpath("//main//form[@action and .//button[not(@disabled)]]"):
            offered.add((form.method, form.action))
    assert (("POST", f"{base}/decisions") in offered) == (rank is Rank.COMMITTEE)
    assert len(offered) > 5
    note = {"kind": "note", "version": "0"}
    asked = {
        (method, place): client.request(
            method, place, headers=headers, data=note if method == "POST" else None
        ).status_code
        for method, place in offered
    }
    assert 403 not in asked.values(), asked


# --- the intake of a survey ---

SURVEY = """City,Country,Please describe your main challenge,Preferred host – 1st choice,Preferred host – 2nd choice,Preferred host – 3rd choice
Graz,Austria,Wir suchen Partner für Fernwärme und Sanierung.,Copenhagen,Nowhereton,Atlantis
Linz,Austria,Klimaneutrale Industriestadt mit Wasserstoff gesucht.,Turku,Helsinki,Lahti
Cork,Ireland,Buses and trams for everybody.,Malmö,Turku,Helsinki
Test,Germany,asdf,,,
"""


def test_wishes_are_checked_against_the_hosts_chosen_and_stand_at_their_own_cell(five, monkeypatch):
    monkeypatch.setattr(intake_pages, "sandboxed", lambda work, *given: work(*given))
    file = {"file": ("survey.csv", SURVEY.encode(), "text/csv")}
    sent = five.post("/workbench/intake", files=file, follow_redirects=False)
    upload = sent.headers["location"].split("/")[3]
    place = f"/workbench/intake/{upload}"

    def wishes():
        problems = board_of(five).upload(upload).found["problems"]
        return {(p["row"], p["column"]) for p in problems if p["code"] == "wish-no-host"}

    found = board_of(five).upload(upload).found
    assert (found["rows"], found["usable"]) == (4, 3)
    assert wishes() == {(2, f"Preferred host – {which} choice") for which in ("2nd", "3rd")}
    # Of Cork the bundled data has an inventory with a sector left blank; the survey has no such column.
    assert {p["column"] for p in found["problems"] if p["row"] == 4} <= {
        *SURVEY.splitlines()[0].split(",")
    }
    done = five.post(f"{place}/hosts", data={"hosts": ""}, follow_redirects=False)
    assert done.status_code == 303
    assert {row for row, _ in wishes()} == {2, 3, 4}
    # A new round may be asked for on the page of rounds too, and chooses its hosts there.
    for asked, chosen in (("", "bundled"), (upload, "bundled")):
        page = lxml.html.fromstring(five.get("/workbench/proposals", params={"upload": asked}).text)
        assert page.xpath("//select[@name='hosts']/option[@selected]/@value") == [chosen]
    page = lxml.html.fromstring(five.get(f"{place}/review").text)
    assert page.xpath("//form[contains(@action, '/propose')]//input[@name='hosts']/@value") == [""]
    assert five.post(f"{place}/hosts", data={"hosts": "none-such"}).status_code == 404
    cells = five.get(place).text
    assert f"{place}/review#new-title" in cells


def test_a_long_answer_is_repaired_whole(five, monkeypatch):
    monkeypatch.setattr(intake_pages, "sandboxed", lambda work, *given: work(*given))
    need = "We look for heat networks in old towns. " * 12
    table = f"id,name,country,needs\nde-a,A,DE,{need}\nfr-b,B,FR,{need}\n"
    file = {"file": ("round.csv", table.encode(), "text/csv")}
    page = lxml.html.fromstring(five.post("/workbench/intake", files=file).text)
    (field,) = page.xpath("//form[.//input[@name='column' and @value='needs']]//textarea")
    assert field.text.strip() == need.strip()


def test_languages_that_are_not_read_are_one_line_of_the_review(five):
    upload = board_of(five).keep_upload(
        "survey.csv",
        "tests",
        {
            "rows": 2,
            "usable": 2,
            "errors": 0,
            "sheets": [],
            "hosts": "bundled",
            "survey": {"cities": [{"id": c, "name": c, "country": "AT", "known": 5} for c in "ab"]},
            "problems": [
                {
                    "code": "language-unknown",
                    "city": c,
                    "level": "warning",
                    "found": "Unread.",
                    "key": c,
                }
                for c in "ab"
            ],
        },
        SURVEY.encode(),
        "tests",
    )
    page = lxml.html.fromstring(five.get(f"/workbench/intake/{upload}/review").text)
    lines = page.xpath("//ul[@class='problems']/li")
    assert len(lines) == 1
    assert "2 cities" in lines[0].text_content()
