"""The coordinator's commands through the real door: JSON alone on stdout, exit codes, one run from keep to withdrawn."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

import twinmatch.cli as cli
from rounds_for_tests import small_cities
from twinmatch.errors import TwinmatchError

PROGRAMME = """
[twinning]
guests_per_host = [0, 1]
hosts = ["mission"]
places = 3
[twinning.weights]
challenges_met = 2
levers_met = 1
wishes = 1
"""


def ask(*args: object, status: int = 0):
    """Run a command; return what its --json printed, or the error that it raised."""
    result = CliRunner().invoke(cli.app, [*map(str, args), "--json"])
    if status:
        assert isinstance(result.exception, TwinmatchError), result.output
        assert result.exception.exit_code == status
        return result.exception
    assert result.exit_code == 0, result.output or repr(result.exception)
    return json.loads(result.stdout)


def words(*args: object) -> str:
    """Run a command for people and return what it printed."""
    result = CliRunner().invoke(cli.app, list(map(str, args)))
    assert result.exit_code == 0, result.output or repr(result.exception)
    return result.output


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    import numpy as np

    folder = tmp_path_factory.mktemp("loop")
    (folder / "cities").mkdir()
    for city in small_cities(np.random.default_rng(7), 5, 4):
        full = {"name": city["id"][3:].title(), "country": city["id"][:2].upper(), **city}
        (folder / "cities" / f"{city['id']}.yaml").write_text(yaml.safe_dump(full))
    (folder / "p.toml").write_text(PROGRAMME)
    words(
        "propose",
        folder / "cities",
        "-p",
        folder / "p.toml",
        "--out",
        folder / "one",
        "--text-model",
        "static",
    )
    return folder


def options(made):
    return [made / "cities", "-p", made / "p.toml", "--text-model", "static"]


def pairs_of(made, name="one"):
    content = json.loads((made / name / "proposal.json").read_text())
    product = next(p for p in content["products"] if p["product"] == "twinning")
    return [
        (
            next(m["city"] for m in meeting["members"] if m["role"] == "guest"),
            next(m["city"] for m in meeting["members"] if m["role"] == "host"),
        )
        for meeting in product["meetings"]
    ]


def test_why_not_says_price_moves_and_reasons(made):
    met = set(pairs_of(made))
    guests = [f"{c}-guest-{k}" for k, c in enumerate(("at", "be", "cz", "at", "be"))]
    for guest in guests:
        found = ask("why-not", guest, "be-host-0", *options(made))
        assert (found["verdict"] == "meets") == ((guest, "be-host-0") in met)
        assert found["reasons"]
        if found["verdict"] == "possible":
            moved = sum(m["change"] for m in found["best"]["moves"])
            assert moved == pytest.approx(-found["best"]["price"]["score"], abs=1e-8)
    assert "Guest-0 with Host-0" in words("why-not", guests[0], "be-host-0", *options(made))
    ask("why-not", "nobody", "be-host-0", *options(made), status=2)


def test_prices_and_stability(made):
    found = ask("prices", *options(made), "--ban", "at-guest-0=be-host-0")
    assert {p["kind"] for p in found["rules"]} >= {"ban", "rule"}
    assert len(found["hosts"]) == 4
    stable = ask("stability", *options(made), "--runs", "5")
    assert len(stable["pairs"]) == 3
    assert stable == ask("stability", *options(made), "--runs", "5")
    for command in ("prices", "stability"):
        assert words(command, *options(made))
    ask("stability", *options(made), "--runs", "0", status=2)


def test_repair_publishes_the_offer_taken_and_diff_names_who_moved(made):
    proposal = made / "one" / "proposal.json"
    gone = pairs_of(made)[0][0]
    found = ask(
        "repair",
        proposal,
        *options(made),
        "--withdrawn",
        gone,
        "--take",
        "keep all",
        "--out",
        made / "two",
    )
    assert [o["kind"] for o in found["offers"]] == ["keep all", "few changes", "best"]
    assert gone not in {g for g, _ in pairs_of(made, "two")}
    before, after = (
        json.loads((made / name / "proposal.json").read_text("utf-8")) for name in ("one", "two")
    )
    was, now = (
        next(p for p in x["products"] if p["product"] == "twinning") for x in (before, after)
    )
    assert {t["name"] for t in was["tables"]} <= {t["name"] for t in now["tables"]}
    (ledger,) = (t for t in after["tables"] if t["name"] == "ledger")
    assert not [row for row in ledger["rows"] if row[0] == gone and "twinning" in row[-1]]
    changed = ask("diff", proposal, made / "two" / "proposal.json")
    moved = {m["city"] for p in changed["products"] for m in p["moved"]}
    assert gone in moved
    assert moved == {t["city"] for t in found["offers"][0]["told"]}
    assert ask("diff", proposal, proposal)["alike"]
    assert ask("reserves", proposal, *options(made))["fallbacks"]
    for args in (
        ("repair", proposal, *options(made)),
        ("diff", proposal, made / "two" / "proposal.json"),
        ("reserves", proposal, *options(made)),
    ):
        assert words(*args)
    ask("repair", proposal, *options(made), "--take", "best", status=2)


def test_backtest_of_a_csv(made):
    table = made / "pairs.csv"
    lines = "".join(f"{g},{h}\n" for g, h in pairs_of(made))
    table.write_text("guest,hosts\n" + lines)
    found = ask("backtest", table, *options(made))
    assert len(found["pairs"]) == 3
    assert found["mean_percentile_rank"]["value"] < 0.5
    assert found["chance"]["mean_percentile_rank"] == 0.5
    assert words("backtest", table, *options(made))
    table.write_text("guest,hosts\nnobody,nowhere\n")
    assert len(ask("backtest", table, *options(made), status=2).problems) == 2


def test_published_pairs_are_no_better_than_chance_without_what_was_written_after_them():
    """Texts from after a pairing are not matched; the programme paired by wishes, which nobody published."""
    pairs = Path(__file__).parents[2] / "data" / "published_pairs.csv"
    assert all(
        row["source"].startswith("https://")
        for row in csv.DictReader(pairs.read_text().splitlines())
    )
    found = ask("backtest", pairs)
    assert len(found["pairs"]) == 13
    rank = found["mean_percentile_rank"]
    assert rank["low"] <= found["chance"]["mean_percentile_rank"] <= rank["high"]


def test_a_run_from_keep_to_withdrawn(made):
    store = ["--store", made / "s.sqlite"]
    run = ask("keep", made / "one" / "proposal.json", *options(made), *store, "--by", "Ada")["run"]
    (guest, host), (other, elsewhere) = pairs_of(made)[:2]
    ask("decide", run, "accept", guest, host, "--why", "the mayor", "--by", "Ada", *store)
    ask("decide", run, "asked", other, elsewhere, "--city", other, "--by", "Ada", *store)
    ask("decide", run, "declined", other, elsewhere, "--city", other, "--by", "Bo", *store)
    found = ask("decisions", run, *store)
    assert [e["kind"] for e in found["history"]] == ["accept", "asked", "declined"]
    assert found["history"][0]["why"] == "the mayor"
    by_pair = {(m["guest"], m["host"]): m for m in found["meetings"] if m["host"]}
    assert by_pair[guest, host]["verdict"] == "accept"
    assert by_pair[other, elsewhere]["consents"][other] == "declined"
    assert all(p["if_guest_declines"] and p["if_host_declines"] for p in by_pair.values())
    ask("decide", run, "note", "--by", "Ada", "--seen", "1", *store, status=2)
    for step in ("approve", "publish"):
        ask("state", run, step, "--by", "Ada", *store)
    ask("decide", run, "ban", guest, host, "--by", "Ada", *store, status=2)
    assert {p["outcome"] for p in ask("past", *store)["past"]} == {"met", "declined"}
    assert (
        ask("state", run, "withdraw", "--by", "Ada", "--why", "a fire", *store)["status"]
        == "withdrawn"
    )
    assert ask("runs", *store)["runs"][0]["version"] == 6
    for args in (("runs",), ("decisions", run), ("state", run), ("past",)):
        assert words(*args, *store)
    ask("state", run, "applaud", *store, status=2)


def test_what_was_decided_goes_into_the_next_round(made, tmp_path):
    """Locks, bans and past pairs as lines of a programme file: a declined pair is not proposed again."""
    store = ["--store", tmp_path / "s.sqlite"]
    run = ask("keep", made / "one" / "proposal.json", *options(made), *store, "--by", "Ada")["run"]
    (guest, host), (kept, keeper) = pairs_of(made)[:2]
    ask("decide", run, "declined", guest, host, "--city", guest, "--by", "Ada", *store)
    ask("decide", run, "lock", kept, keeper, "--by", "Ada", *store)
    lines = words("runs", "history", run, *store, "--toml")
    after = tmp_path / "next.toml"
    after.write_text(PROGRAMME.replace("places = 3\n", "places = 3\n" + lines))
    at_once = ["--run", run[:6], *store]
    for programme, further in ((after, []), (made / "p.toml", at_once)):
        out = tmp_path / f"next-{len(further)}"
        words(
            *("propose", made / "cities", "-p", programme, "--out", out),
            *("--text-model", "static", *further),
        )
        content = json.loads((out / "proposal.json").read_text())
        meetings = content["products"][0]["meetings"]
        now = {m["id"]: [x["city"] for x in m["members"]] for m in meetings}
        assert [keeper, kept] in now.values()
        assert [host, guest] not in now.values()
        if further:
            assert f"Run {run}: 1 lock and 1 refusal hold as decided." in content["notes"]


def test_a_run_without_a_name_is_no_round_without_decisions(made, tmp_path):
    store = ["--store", tmp_path / "s.sqlite"]
    ask("keep", made / "one" / "proposal.json", *options(made), *store, "--by", "Ada")
    out = tmp_path / "out"
    error = ask("propose", *options(made), "--run", "", *store, "--out", out, status=2)
    assert error.problems[0].code == "run-unknown"
    assert not out.exists()


def test_a_lock_of_the_programme_that_was_rejected_or_released_is_lifted(made, tmp_path):
    store = ["--store", tmp_path / "s.sqlite"]
    (guest, host), *_ = pairs_of(made)
    locked = tmp_path / "locked.toml"
    locked.write_text(
        PROGRAMME.replace("places = 3\n", f'places = 3\nlock = [["{host}", "{guest}"]]\n')
    )
    over = (made / "cities", "-p", locked, "--text-model", "static")
    words("propose", *over, "--out", tmp_path / "a")
    run = ask("keep", tmp_path / "a" / "proposal.json", *over, *store, "--by", "Ada")["run"]
    table = " ".join(words("decisions", run, *store).split())
    assert "lock" not in table.split("Pairs")[1].split("Next:")[0]
    ask("decide", run, "accept", guest, host, "--by", "Ada", *store)
    told = words("propose", *over, "--run", run, *store, "--out", tmp_path / "same")
    assert f"Run {run}: 1 lock and 0 refusals hold as decided." in " ".join(told.split())
    assert "No longer" not in told
    for kind, says in (("reject", "0 locks and 1 refusal"), ("release", "0 locks and 0 refusals")):
        ask("decide", run, kind, guest, host, "--by", "Ada", *store)
        told = words("propose", *over, "--run", run, *store, "--out", tmp_path / kind)
        made_from = json.loads((tmp_path / kind / "proposal.json").read_text())["made_from"]
        twinning = made_from["programme"]["settings"]["twinning"]
        assert twinning.get("lock", []) == []
        assert f"Run {run}: {says} hold as decided." in " ".join(told.split())
        assert f"No longer asked for: {host}={guest}." in " ".join(told.split())
    told = words("propose", *options(made), "--run", run, *store, "--out", tmp_path / "other")
    assert "another programme" not in told
    other = tmp_path / "other.toml"
    other.write_text(PROGRAMME.replace("places = 3", "places = 2"))
    told = words(
        "propose",
        made / "cities",
        "-p",
        other,
        "--text-model",
        "static",
        "--run",
        run,
        *store,
        "--out",
        tmp_path / "b",
    )
    assert "It was made from another programme." in " ".join(told.split())


@pytest.mark.parametrize(
    "asked",
    [
        ("runs",),
        ("past",),
        ("decide", "abc", "note", "--why", "x"),
        ("purge",),
        ("changes",),
        ("personal-data", "show", "x"),
        ("propose", "--past"),
        ("propose", "--run", "abc"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("prefix", ["", "sqlite:///"])
def test_a_misspelt_store_is_told_and_no_empty_one_made(asked, prefix, tmp_path):
    place = tmp_path / "stoer.sqlite"
    error = ask(*asked, "--store", f"{prefix}{place}", status=2)
    assert error.problems[0].code == "no-store"
    assert list(tmp_path.iterdir()) == []


def test_learning_needs_decisions_and_says_so(made, tmp_path):
    store = ["--store", tmp_path / "s.sqlite"]
    assert ask("learn", *options(made), *store, status=2).problems[0].code == "no-store"
    ask("keep", made / "one" / "proposal.json", *options(made), *store, "--by", "Ada")
    error = ask("learn", *options(made), *store, status=2)
    assert error.problems[0].code == "too-few-decisions"
    table = tmp_path / "s.csv"
    rows = [
        f"{c}-guest-{k},{h},{k + n}\n"
        for k, c in enumerate(("at", "be", "cz", "at", "be"))
        for n, h in enumerate(("be-host-0", "cz-host-1", "at-host-2"))
    ]
    table.write_text("guest,host,satisfaction\n" + "".join(rows))
    found = ask(
        "learn", *options(made), *store, "--satisfaction", table, "--out", tmp_path / "models"
    )
    assert sum(w["suggested"] for w in found["weights"].values()) == pytest.approx(1)
    assert sorted(p.name for p in (tmp_path / "models").iterdir()) == ["weights.json", "weights.md"]
    table.write_text("guest,host,satisfaction\na,b,much\n")
    ask("learn", *options(made), "--satisfaction", table, status=2)


def test_prices_of_the_proposal_are_those_of_the_command_where_the_ledger_binds(tmp_path):
    """With no task for anybody nobody can host: both doors say so, and of the same pairs."""
    cities = tmp_path / "cities"
    cities.mkdir()
    for name, role, more in (
        ("de-guest", "guest", "challenges: {energy_systems: 3}\n"),
        ("it-host", "mission", "strengths: {energy_systems: 3}\n"),
        ("se-host", "mission", "strengths: {energy_systems: 1}\n"),
    ):
        (cities / f"{name}.yaml").write_text(
            f"id: {name}\nname: {name}\ncountry: {name[:2].upper()}\nroles: [{role}]\n{more}",
            encoding="utf-8",
        )
    for tasks, pairs in ((0, 0), (1, 1)):
        programme = tmp_path / f"tasks-{tasks}.toml"
        programme.write_text(
            f"[ledger]\ntasks = {tasks}\n[twinning]\n[twinning.guests]\nunknown = 'let in'\n"
            "[twinning.takes]\nhost = {tasks = 1}\n[twinning.weights]\nchallenges_met = 1\n",
            encoding="utf-8",
        )
        over = (cities, "--programme", programme, "--text-model", "static")
        asked = ["propose", *over, "--answers", "--out", tmp_path / "out", "--json"]
        told = CliRunner().invoke(cli.app, [*map(str, asked)])
        assert told.exit_code == (0 if pairs else 3)  # a twinning without a pair is not formed
        (twinning,) = json.loads(told.stdout)["products"]
        prices = ask("prices", *over)
        assert prices["filled"] == len(twinning["meetings"]) == pairs
        (table,) = [t for t in twinning["tables"] if t["name"] == "prices"]
        assert [(row[0], row[2]) for row in table["rows"]] == [
            (r["rule"], r["gain"]["places"]) for r in prices["rules"]
        ]
        assert {row[0]: row[2] for row in table["rows"]}["load"] == 1 - pairs
