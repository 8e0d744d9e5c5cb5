"""The commands that judge a proposal or a score, and those that mend: check, diff, repair, reserves, backtest."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from twinmatch.cli.options import (
    AsJson,
    OfRound,
    Pairs,
    literal,
    pair,
    printed,
    proposal_of,
    say,
    say_written,
    show,
    show_table,
    tm,
)
from twinmatch.errors import QuestionError
from twinmatch.proposal.wire import to_wire

if TYPE_CHECKING:
    from twinmatch.app.round import Repaired
    from twinmatch.programmes import Round
    from twinmatch.whatif.backtest import Backtest
    from twinmatch.whatif.learning import ActivityTest, PartnerTest

# The docstrings of the commands are their help on the command line.


def check(
    proposal: Path,
    asked: OfRound,
) -> None:
    """The referee over a proposal, also one edited by hand: every rule, kept or broken; exit 2 where one is broken.

    proposal: A proposal.json, as it was made or edited by hand.
    """
    given = proposal_of(proposal)
    with asked.round() as (round_, _):
        found = tm.whatif.difference.check_proposal(round_, given)
    if not asked.printed(found):
        for c in found:
            lines = ((r.rule, r.status, r.says) for r in c.rules)
            show_table(c.title, ("Rule", "Status", "In words"), lines)
            if c.unjudged:
                show(literal(c.unjudged))
    count = Counter(r.status for c in found for r in c.rules)
    if broken := count["broken"]:
        many = "1 rule is" if broken == 1 else f"{broken} rules are"
        again = f"twinmatch propose{asked.over} --previous {proposal}"
        say(f"{many} broken. Next: mend the proposal, or {again}")
        raise typer.Exit(2)
    relaxed = len({r.says for c in found for r in c.rules if r.repair})
    gave_way = f" ({relaxed} gave way by the repair that was taken)" if relaxed else ""
    say(f"No rule is broken{gave_way}. Next: twinmatch runs keep, or twinmatch publish.")


def diff(
    before: Path,
    after: Path,
    as_json: AsJson = False,
) -> None:
    """Two proposals side by side, in plain words.

    before: A proposal.json.
    after: Another proposal.json.
    """
    found = tm.whatif.difference.difference(proposal_of(before), proposal_of(after))
    if printed(found, as_json):
        return
    for sentence in found.made_from:
        show(literal(sentence))
    for p in found.products:
        moved = f"{p.same} cities as before, {len(p.moved)} otherwise."
        show(f"[bold]{literal(p.title)}[/bold]: {moved}")
        for text in (*p.says, *(m.says for m in p.moved)):
            show("  " + literal(text))
    gone = "Next: twinmatch why-not GUEST HOST for any pair that is gone."
    say("The two propose the same." if found.alike else gone)


def repair(
    proposal: Path,
    asked: OfRound,
    withdrawn: Pairs = None,
    refused: Pairs = None,
    at_most: int = 3,
    take: str | None = None,
    out: Annotated[Path | None, Option("--out", "-o")] = None,
) -> None:
    """Three offers after a withdrawal, a refusal or a new city: who must be told, and the price of each.

    proposal: The proposal.json to repair.
    withdrawn: A city or unit that withdrew; several times.
    refused: A=B: one of the two refused; several times.
    at_most: Earlier pairs that may go in the second offer.
    take: Publish an offer: 'keep all', 'few changes' or 'best'.
    out: Folder for the taken offer.
    """
    pairs = tuple(pair(text, "--refused") for text in refused or ())
    kinds = tm.whatif.repair.KINDS
    if (take is None) != (out is None) or (take is not None and take not in kinds):
        given = f"--take is {take!r} and --out is {str(out) if out else None!r}."
        do = f"Give both or neither; --take is one of: {', '.join(kinds)}."
        raise QuestionError.of("take-wrong", given, do=do)
    change = tm.whatif.repair.Disruption(tuple(withdrawn or ()), pairs)
    kind = next((k for k in kinds if k == take), None)
    earlier = proposal_of(proposal)
    with asked.round() as (round_, told):
        told("Offers")
        found = tm.app.round.repaired(earlier, change, round_, at_most)
        written: list[Path] = []
        if kind is not None and out is not None:
            told("Files")
            written = tm.exporting.publish(tm.app.round.taken(earlier, found, kind, change), out)
    if not asked.printed({**to_wire(found), "written": [file.name for file in written]}):
        _show_repair(found)
    if out is not None and written:
        say_written(out, written)
    else:
        say("Next: the same command with --take 'few changes' --out DIR")


def _show_repair(found: Repaired) -> None:
    show(f"{found.earlier} earlier pairs. Lost: " + literal("; ".join(found.lost) or "none") + ".")
    if found.new:
        show("New since the proposal: " + literal(", ".join(found.new)) + ".")
    for offer in found.offers:
        show_table(
            f"{offer.kind.capitalize()}: {offer.filled} pairs, {offer.kept} of the earlier ones kept; "
            f"costs {offer.price} against the best",
            ("To be told", "What"),
            ((told.name + (" (host)" if told.host else ""), told.says) for told in offer.told),
        )


def reserves(
    proposal: Path,
    asked: OfRound,
    k: Annotated[int, Option("-k")] = 3,
) -> None:
    """Reserves ranked for every guest and host, and what is offered if a pair falls through.

    proposal: A proposal.json.
    k: Reserves for each guest and host.
    """
    with asked.round() as (round_, told):
        held = tm.app.round.held_twinning(round_, proposal_of(proposal))
        told("Fallbacks")
        ranked, falls = tm.whatif.repair.reserves(held, k), tm.whatif.repair.fallbacks(held)
    if asked.printed({"reserves": ranked, "fallbacks": falls}):
        return
    for side, title in (
        ("guest", "Hosts with a free place, for each guest"),
        ("host", "Guests without a pair, for each host"),
    ):
        lines = (
            (r.name, ", ".join(f"{name} {100 * s:.0f}" for _, name, s in r.reserves) or "nobody")
            for r in ranked
            if r.side == side
        )
        show_table(title, ("City", "Reserves, best first"), lines)
    show_table(
        "If a pair falls through, with all others kept",
        ("Pair", "The guest says no", "The host says no"),
        (
            (
                f"{f.guest_name} – {f.host_name}",
                " ".join(f.if_guest_declines),
                " ".join(f.if_host_declines),
            )
            for f in falls
        ),
    )
    say("Next, when somebody declines: twinmatch repair PROPOSAL.json --refused GUEST=HOST")


def backtest(
    pairs: Annotated[Path | None, Argument(metavar="PAIRS.csv")] = None,
    *,
    asked: OfRound,
    seed: int = 0,
) -> None:
    """How high the score ranks pairs that were really made, against chance and with each facet left out.

    pairs: Columns guest and hosts (cities of one unit, ';' between); the pilot activities where left out.
    seed: Seed of the bootstrap.
    """
    with asked.round() as (round_, told):
        told("Ranks")
        if pairs is None:
            _backtest_pilots(round_, seed, asked)
            return
        rows = tm.reading.read_rows(pairs, ("guest", "hosts"))
        found = tm.whatif.backtest.backtest_of(round_, rows, pairs.name, seed=seed)
    if asked.printed(found):
        return
    _show_backtest(found)
    say(
        "Above 0 means that the facet helps. Nothing was fitted. Next: twinmatch explain GUEST HOST"
    )


def _show_backtest(found: Backtest) -> None:
    figures, chance, alone = found.figures, dict(found.figures.chance), dict(found.alone)
    beside = [f"By {name}" for name, _ in found.views[0].beside]
    show_table(
        "Mean percentile rank (0 best, 0.5 chance), with 95% bootstrap intervals",
        ("Profiles and guests", "Pairs", "Score", *beside),
        ((v.name, v.pairs, v.score, *(interval for _, interval in v.beside)) for v in found.views),
    )
    show_table(
        f"{len(found.pairs)} pairs, {tm.whatif.backtest.BEFORE}",
        ("Figure", "Value", "By chance"),
        (
            ("mean percentile rank (0 best)", figures.mean_percentile_rank, "0.500"),
            *((f"hit@{k}", hit, f"{chance[f'hit_at_{k}']:.3f}") for k, hit in figures.hit_at),
            ("MRR", figures.mrr, f"{chance['mrr']:.3f}"),
        ),
    )
    show_table(
        "Each facet",
        ("Facet", "Change of the mean percentile rank without it", "By it alone"),
        ((name, change, f"{alone[name]:.3f}") for name, change in found.without),
    )
    show_table(
        "Each pair, the best ranked first",
        ("Guest", "Host unit", "Rank", "Known", "Ranked first"),
        (
            (p.guest, p.host_name, f"{p.rank:g} of {p.of}", f"{100 * p.coverage:.0f}%", p.best)
            for p in sorted(found.pairs, key=lambda p: (p.percentile, p.guest))
        ),
    )


def _backtest_pilots(round_: Round, seed: int, asked: OfRound) -> None:
    cohort, cache, test = round_.cohort, round_.facet_cache, tm.whatif.learning
    weights, peers = tm.whatif.case.twinning_of(round_).weights, tm.app.neighbours.PEER_WEIGHTS
    tests: dict[str, ActivityTest | PartnerTest] = {
        "own activity among all, twinning": test.activities(cohort, weights, cache, seed=seed),
        "partners of the activity, twinning": test.partners(cohort, weights, cache, seed=seed),
        "partners of the activity, peers": test.partners(cohort, peers, cache, seed=seed),
    }
    if asked.printed(tests):
        return
    rows = []
    for name, one in tests.items():
        each = ", ".join(f"{f} {v:.2f}" for f, v in sorted(one.alone, key=lambda a: a[1]))
        rows.append((name, len(one.by_unit), one.figures, each))
    title = "What pilot cities chose: mean percentile rank (0 best, 0.5 chance)"
    show_table(title, ("Question", "Units", "Value", "Each facet alone"), rows)
    say(
        "Most activities of several cities are national, so partners lie near by nature. Next: twinmatch backtest PAIRS.csv"
    )
