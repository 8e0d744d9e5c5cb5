"""The coordinator's questions: why-not, prices, counterfactual, repair, diff, reserves, stability, backtest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twinmatch import app, whatif
from twinmatch.cli.inputs import decided_of, proposal_of, round_of
from twinmatch.cli.options import (
    AsJson,
    Ban,
    Dask,
    Lock,
    Model,
    Pairs,
    Previous,
    Profiles,
    Programme,
    Seed,
    literal,
    over,
    pair,
    print_json,
    progress,
    say,
    show,
    table,
)
from twinmatch.errors import Problem, QuestionError
from twinmatch.proposal.wire import to_wire

if TYPE_CHECKING:
    from twinmatch.app.round import Repaired
    from twinmatch.programmes import Round
    from twinmatch.whatif.case import Outcome
    from twinmatch.whatif.prices import PriceList
    from twinmatch.whatif.why_not import WhyNotAnswer

# The docstrings of the commands are their help on the command line.


def why_not(
    guest: Annotated[str, typer.Argument(metavar="GUEST", help="The guest city's id or name.")],
    host: Annotated[
        str, typer.Argument(metavar="HOST", help="The host unit, or one of its cities.")
    ],
    profiles: Profiles = None,
    programme: Programme = None,
    previous: Previous = None,
    lock: Lock = None,
    ban: Ban = None,
    text_model: Model = None,
    as_json: AsJson = False,
) -> None:
    """Why two cities do not meet: the rule, or the price of forcing it, who moves, and what would have to change."""
    decided = decided_of(previous, lock, ban)
    with progress() as told:
        case = whatif.case.twinning_case(round_of(profiles, programme, text_model, told, decided))
        found = whatif.why_not.why_not(case, guest, host)
    if as_json:
        print_json(to_wire(found))
        return
    _show_why_not(found)
    if found.verdict == "possible":
        again = over(profiles, programme)
        say(
            f"Next: twinmatch propose{again} --lock {found.guest}={found.host}, or twinmatch prices{again}"
        )


def prices(
    profiles: Profiles = None,
    programme: Programme = None,
    previous: Previous = None,
    lock: Lock = None,
    ban: Ban = None,
    text_model: Model = None,
    as_json: AsJson = False,
) -> None:
    """The price of every lock, ban, quota and rule, the worth of one more place, and over-wished hosts."""
    decided = decided_of(previous, lock, ban)
    with progress() as told:
        case = whatif.case.twinning_case(round_of(profiles, programme, text_model, told, decided))
        told("Prices")
        found = whatif.prices.price_list(case)
    if as_json:
        print_json(to_wire(found))
        return
    show(
        f"{found.filled} pairs, {100 * found.total:,.1f} points in all. What the best answer would gain …"
    )
    for title, priced in (("… without a rule", found.rules), ("… with one more", found.limits)):
        rows = table(title, ("Gain", "Rule", "What it says", "Who moves"))
        for item in priced:
            movers = ", ".join(move.name for move in item.moves[:6])
            more = ", …" if len(item.moves) > 6 else ""
            rows.add_row(str(item.price), item.rule, literal(item.says), literal(movers + more))
        show(rows)
    _show_demand(found)
    say("Next: twinmatch why-not GUEST HOST, or twinmatch stability")


def _show_demand(found: PriceList) -> None:
    wanted = [d for d in found.hosts if d.over_wished or not d.worth.is_nothing]
    rows = table(
        "Hosts that more guests want, or fit best, than they have places for, and what one more place is worth",
        (
            "Host",
            "Wished by",
            "Best host of",
            "Among five best of",
            "Guests",
            "Places",
            "One more place",
        ),
    )
    for d in wanted:
        rows.add_row(
            literal(d.name),
            *(
                str(v)
                for v in (d.wished_by, d.best_of, d.among_five_of, d.guests, d.places, d.worth)
            ),
        )
    show(rows)
    never = [d.name for d in found.hosts if d.never]
    if never:
        show(
            f"Wished for by nobody, and among the five best hosts of none ({len(never)}): "
            + literal(", ".join(never))
            + "."
        )


def counterfactual(
    city: Annotated[str, typer.Argument(help="A city's id or name.")],
    host: Annotated[str, typer.Argument(metavar="HOST", help="A host unit, or one of its cities.")],
    profiles: Profiles = None,
    programme: Programme = None,
    text_model: Model = None,
    as_json: AsJson = False,
) -> None:
    """Which of a city's answers would bring a host into its five best; only answers that it can change."""
    with progress() as told:
        case = whatif.case.twinning_case(round_of(profiles, programme, text_model, told))
        found = whatif.counterfactual.counterfactual(case, city, host)
    if as_json:
        print_json(to_wire(found))
        return
    show(literal(found.says))
    for way in found.ways:
        show("• " + literal(way.says))
    best = ", ".join(f"{name} {100 * score:.0f}" for name, score in found.best)
    show("The five best now: " + literal(best) + ".")
    say("Only say what is true: a better match on a false answer helps nobody.")
    say(f"Next: twinmatch explain {found.city} {found.host}{over(profiles, programme)}")


def repair(
    proposal: Annotated[Path, typer.Argument(help="The proposal.json to repair.")],
    profiles: Profiles = None,
    programme: Programme = None,
    withdrawn: Annotated[
        Pairs, typer.Option(help="A city or unit that withdrew; several times.", show_default=False)
    ] = None,
    refused: Annotated[
        Pairs, typer.Option(help="A=B: one of the two refused; several times.", show_default=False)
    ] = None,
    at_most: Annotated[
        int, typer.Option(help="Earlier pairs that may go in the second offer.")
    ] = 3,
    take: Annotated[
        str | None,
        typer.Option(
            help="Publish an offer: 'keep all', 'few changes' or 'best'.", show_default=False
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder for the taken offer.", show_default=False),
    ] = None,
    text_model: Model = None,
    as_json: AsJson = False,
) -> None:
    """Three offers after a withdrawal, a refusal or a new city: who must be told, and the price of each."""
    pairs = tuple(pair(text, "--refused") for text in refused or ())
    kinds = whatif.repair.KINDS
    if (take is None) != (out is None) or (take is not None and take not in kinds):
        raise QuestionError(
            Problem(
                "take-wrong",
                f"--take is {take!r} and --out is {str(out) if out else None!r}.",
                do=f"Give both or neither; --take is one of: {', '.join(kinds)}.",
            )
        )
    from twinmatch.exporting import publish

    change = whatif.repair.Disruption(tuple(withdrawn or ()), pairs)
    kind = next((k for k in kinds if k == take), None)
    with progress() as told:
        earlier = proposal_of(proposal)
        round_ = round_of(profiles, programme, text_model, told)
        told("Offers")
        found = app.round.repaired(earlier, change, round_, at_most)
        written: list[Path] = []
        if kind is not None and out is not None:
            told("Files")
            written = publish(app.round.taken(earlier, found, kind, change), out)
    if as_json:
        print_json({**to_wire(found), "written": [file.name for file in written]})
    else:
        _show_repair(found)
    if written:
        say(f"Written to {out}: {', '.join(file.name for file in written)}.")
    else:
        say("Next: the same command with --take 'few changes' --out DIR")


def reserves(
    proposal: Annotated[Path, typer.Argument(help="A proposal.json.")],
    profiles: Profiles = None,
    programme: Programme = None,
    k: Annotated[int, typer.Option("-k", help="Reserves for each guest and host.")] = 3,
    text_model: Model = None,
    as_json: AsJson = False,
) -> None:
    """Reserves ranked for every guest and host, and what is offered if a pair falls through."""
    with progress() as told:
        held = app.round.held_twinning(
            round_of(profiles, programme, text_model, told), proposal_of(proposal)
        )
        told("Fallbacks")
        ranked, falls = whatif.repair.reserves(held, k), whatif.repair.fallbacks(held)
    if as_json:
        print_json({"reserves": to_wire(ranked), "fallbacks": to_wire(falls)})
        return
    for side, title in (
        ("guest", "Hosts with a free place, for each guest"),
        ("host", "Guests without a pair, for each host"),
    ):
        rows = table(title, ("City", "Reserves, best first"))
        for r in ranked:
            if r.side == side:
                names = ", ".join(f"{name} {100 * s:.0f}" for _, name, s in r.reserves)
                rows.add_row(literal(r.name), literal(names or "nobody"))
        show(rows)
    rows = table(
        "If a pair falls through, with all others kept",
        ("Pair", "The guest says no", "The host says no"),
    )
    for f in falls:
        rows.add_row(
            literal(f"{f.guest_name} – {f.host_name}"),
            literal(" ".join(f.if_guest_declines)),
            literal(" ".join(f.if_host_declines)),
        )
    show(rows)
    say("Next, when somebody declines: twinmatch repair PROPOSAL.json --refused GUEST=HOST")


def ask(
    profiles: Profiles = None,
    programme: Programme = None,
    cities: Annotated[int, typer.Option(help="Cities whose answers are simulated.")] = 12,
    draws: Annotated[int, typer.Option(help="Answers drawn for each city.")] = 3,
    seed: Seed = 0,
    text_model: Model = None,
    as_json: AsJson = False,
) -> None:
    """Which applicants to ask what first: the answers that would change most pairs."""
    with progress() as told:
        case = whatif.case.twinning_case(round_of(profiles, programme, text_model, told))
        told("Interview plan")
        found = whatif.interview.interview_plan(
            case.round, case.settings, cities=cities, draws=draws, rng=seed
        )
    if as_json:
        print_json({"interviews": to_wire(found)})
        return
    rows = table("Ask first", ("City", "Pairs that change", "Gets a pair", "Questions"))
    for item in found:
        rows.add_row(
            item.city,
            f"{item.pairs_changed:.1f}",
            f"{100 * item.gets_a_pair:.0f}%",
            literal(" ".join(q.question for q in item.ask)),
        )
    show(rows)
    say("Next: fill the answers into the profiles, then twinmatch propose")


def stability(
    profiles: Profiles = None,
    programme: Programme = None,
    previous: Previous = None,
    lock: Lock = None,
    ban: Ban = None,
    runs: Annotated[int, typer.Option(help="Perturbed rounds that are settled.")] = 200,
    seed: Seed = 0,
    workers: Annotated[int, typer.Option(help="Processes that share the runs.")] = 1,
    dask: Dask = None,
    text_model: Model = None,
    as_json: AsJson = False,
) -> None:
    """How often each pair survives when weights are shaken and what is not known is drawn; the fragile first."""
    decided = decided_of(previous, lock, ban)
    with progress() as told, spread_over(dask):
        case = whatif.case.twinning_case(round_of(profiles, programme, text_model, told, decided))
        found = whatif.stability.stability(case, runs, seed=seed, workers=workers, progress=told)
    if as_json:
        print_json(to_wire(found))
        return
    show(
        f"{found.runs} runs, seed {found.seed}: {len(found.pairs) - len(found.fragile)} pairs robust, {len(found.fragile)} fragile."
    )
    rows = table(
        "The most fragile first", ("Pair", "Kept", "", "Otherwise most often", "Lost without")
    )
    for p in found.pairs:
        rows.add_row(
            literal(p.name),
            f"{100 * p.share:.0f}%",
            p.judgement,
            literal(", ".join(f"{one.name} {100 * one.share:.0f}%" for one in p.instead[:2])),
            ", ".join(p.lost_without),
        )
    show(rows)
    rows = table("Cities whose place is fragile", ("City", "Has a place in"))
    for place in found.places:
        if place.judgement == "fragile":
            rows.add_row(literal(place.name), f"{100 * place.share:.0f}% of the runs")
    show(rows)
    show(
        "Pairs that survive without a facet: "
        + ", ".join(f"{name} {100 * share:.0f}%" for name, share in found.dropped)
        + "."
    )
    say(
        "Next: ask the fragile cities for what is not known of them, or lock a pair that the committee wants."
    )


def backtest(
    pairs: Annotated[
        Path | None,
        typer.Argument(
            metavar="PAIRS.csv",
            help="Columns guest and hosts (cities of one unit, ';' between); the pilot activities where left out.",
            show_default=False,
        ),
    ] = None,
    profiles: Profiles = None,
    programme: Programme = None,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 0,
    text_model: Model = None,
    as_json: AsJson = False,
) -> None:
    """How high the score ranks pairs that were really made, against chance and with each facet left out."""
    from twinmatch.app.rows import read_rows

    with progress() as told:
        round_ = round_of(profiles, programme, text_model, told)
        twinning, cohort = whatif.case.twinning_of(round_), round_.cohort
        told("Ranks")
        if pairs is None:
            _backtest_pilots(round_, seed, as_json)
            return
        tested = whatif.backtest.read_pairs(
            cohort, read_rows(pairs, ("guest", "hosts")), pairs.name
        )
        found = whatif.backtest.backtest(
            cohort, tested, twinning.weights, round_.facet_cache, twinning.hosts, seed=seed
        )
    if as_json:
        print_json(to_wire(found))
        return
    chance = dict(found.figures.chance)
    beside = [name for name, _ in found.views[0].beside]
    rows = table(
        "Mean percentile rank (0 best, 0.5 chance), with 95% bootstrap intervals",
        ("Profiles and guests", "Pairs", "Score", *(f"By {name}" for name in beside)),
    )
    for view in found.views:
        others = [str(interval) for _, interval in view.beside]
        rows.add_row(view.name, str(view.pairs), str(view.score), *others)
    show(rows)
    rows = table(
        f"{len(found.pairs)} pairs, {whatif.backtest.BEFORE}", ("Figure", "Value", "By chance")
    )
    rows.add_row("mean percentile rank (0 best)", str(found.figures.mean_percentile_rank), "0.500")
    for k, hit in found.figures.hit_at:
        rows.add_row(f"hit@{k}", str(hit), f"{chance[f'hit_at_{k}']:.3f}")
    rows.add_row("MRR", str(found.figures.mrr), f"{chance['mrr']:.3f}")
    show(rows)
    alone = dict(found.alone)
    rows = table(
        "Each facet", ("Facet", "Change of the mean percentile rank without it", "By it alone")
    )
    for name, change in found.without:
        rows.add_row(name, str(change), f"{alone[name]:.3f}")
    show(rows)
    rows = table(
        "Each pair, the best ranked first", ("Guest", "Host unit", "Rank", "Known", "Ranked first")
    )
    for p in sorted(found.pairs, key=lambda p: (p.percentile, p.guest)):
        rows.add_row(
            p.guest,
            literal(p.host_name),
            f"{p.rank:g} of {p.of}",
            f"{100 * p.coverage:.0f}%",
            literal(p.best),
        )
    show(rows)
    say(
        "Above 0 means that the facet helps. Nothing was fitted. Next: twinmatch explain GUEST HOST"
    )


def _backtest_pilots(round_: Round, seed: int, as_json: bool) -> None:
    cohort, cache = round_.cohort, round_.facet_cache
    weights, test = whatif.case.twinning_of(round_).weights, whatif.pilots
    chosen = test.activities(cohort, weights, cache, seed=seed)
    learn = test.partners(cohort, weights, cache, seed=seed)
    peers = test.partners(cohort, app.neighbours.PEER_WEIGHTS, cache, seed=seed)
    tests = (
        ("own activity among all, twinning", chosen),
        ("partners of the activity, twinning", learn),
        ("partners of the activity, peers", peers),
    )
    if as_json:
        print_json({name: to_wire(test) for name, test in tests})
        return
    rows = table(
        "What pilot cities chose: mean percentile rank (0 best, 0.5 chance)",
        ("Question", "Units", "Value", "Each facet alone"),
    )
    for name, one in tests:
        each = ", ".join(f"{f} {v:.2f}" for f, v in sorted(one.alone, key=lambda a: a[1]))
        rows.add_row(name, str(len(one.by_unit)), str(one.figures), each)
    show(rows)
    say(
        "Most activities of several cities are national, so partners lie near by nature. Next: twinmatch backtest PAIRS.csv"
    )


def pictures(
    one: Annotated[str, typer.Argument(metavar="GUEST", help="The city that learns.")],
    other: Annotated[str, typer.Argument(metavar="HOST", help="The city that it learns from.")],
    profiles: Profiles = None,
    programme: Programme = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Folder for an .svg and a .vl.json each; stdout where left out.",
            show_default=False,
        ),
    ] = None,
    text_model: Model = None,
) -> None:
    """Pictures of a pair, as Vega-Lite and SVG: how the score adds up, emissions side by side, readiness by dimension."""
    with progress() as told:
        found = app.pairs.pictures(one, other, round_of(profiles, programme, text_model, told))
    if out is None:
        print_json(found)
        return
    files = app.pairs.write_pictures(found, out)
    say(
        f"Written to {out}: {', '.join(file.name for file in files)}. Any browser shows them (.svg); the .vl.json are the same pictures as Vega-Lite."
    )


@contextmanager
def spread_over(dask: str | None) -> Iterator[None]:
    """Have a Dask cluster share the work of the block, or nobody; the cluster is closed again if it was made here."""
    if dask is None:
        yield
        return
    try:
        distributed: Any = import_module("dask.distributed")
    except ImportError:
        raise QuestionError(
            Problem(
                "no-dask",
                "Dask is not installed.",
                do='Install it with: pip install "twinmatch[cluster]".',
            )
        ) from None
    from contextlib import ExitStack

    from joblib import parallel_config

    with ExitStack() as stack:
        place: Any = dask
        if dask.isdigit():
            cluster = distributed.LocalCluster(
                n_workers=max(int(dask), 1), threads_per_worker=1, dashboard_address=None
            )
            place = stack.enter_context(cluster)
        stack.enter_context(distributed.Client(place))
        stack.enter_context(parallel_config(backend="dask"))
        yield


def diff(
    before: Annotated[Path, typer.Argument(help="A proposal.json.")],
    after: Annotated[Path, typer.Argument(help="Another proposal.json.")],
    as_json: AsJson = False,
) -> None:
    """Two proposals side by side, in plain words."""
    found = whatif.difference.difference(proposal_of(before), proposal_of(after))
    if as_json:
        print_json(to_wire(found))
        return
    for sentence in found.made_from:
        show(literal(sentence))
    for p in found.products:
        show(
            f"[bold]{literal(p.title)}[/bold]: {p.same} cities as before, {len(p.moved)} otherwise."
        )
        for text in (*p.says, *(m.says for m in p.moved)):
            show("  " + literal(text))
    say(
        "The two propose the same."
        if found.alike
        else "Next: twinmatch why-not GUEST HOST for any pair that is gone."
    )


def _show_repair(found: Repaired) -> None:
    show(f"{found.earlier} earlier pairs. Lost: " + literal("; ".join(found.lost) or "none") + ".")
    if found.new:
        show("New since the proposal: " + literal(", ".join(found.new)) + ".")
    for offer in found.offers:
        rows = table(
            f"{offer.kind.capitalize()}: {offer.filled} pairs, {offer.kept} of the earlier ones kept; "
            f"costs {offer.price} against the best",
            ("To be told", "What"),
        )
        for told in offer.told:
            rows.add_row(literal(told.name + (" (host)" if told.host else "")), literal(told.says))
        show(rows)


def _show_why_not(found: WhyNotAnswer) -> None:
    show(f"[bold]{literal(found.guest_name)} with {literal(found.host_name)}[/bold]")
    for reason in found.reasons:
        show(literal(reason))
    if found.best is not None and found.best.moves:
        _show_outcome(
            "The best answer with it"
            if found.verdict == "possible"
            else "The best answer without it",
            found.best,
        )
    gentler = found.gentlest
    if gentler is not None and found.best is not None and gentler.moves != found.best.moves:
        _show_outcome("The answer with the fewest changes", gentler)
    if found.if_lifted is not None:
        _show_outcome("Were the rule lifted for this pair, and the pair forced", found.if_lifted)
    for change in found.changes:
        show("• " + literal(change))
    if found.if_eligible is not None:
        show("Were that so:")
        _show_why_not(found.if_eligible)


def _show_outcome(title: str, outcome: Outcome) -> None:
    rows = table(f"{title}: price {outcome.price}", ("City", "Before", "After", "Points"))
    for move in outcome.moves:
        rows.add_row(
            literal(move.name),
            literal(move.before_name or "no place"),
            literal(move.after_name or "no place"),
            f"{100 * move.change:+.1f}",
        )
    show(rows)
    worse = outcome.worse_off
    if worse:
        show("Worse off: " + literal(", ".join(move.name for move in worse)) + ".")
