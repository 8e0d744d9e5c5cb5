"""The coordinator's questions about a round: why-not, prices, frontier, interviews, stability."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from typer import Argument

from twinmatch.cli.options import (
    OfDecidedRound,
    OfRound,
    literal,
    say,
    show,
    show_table,
    spread_over,
    tm,
)
from twinmatch.vocabulary.topics import facet_words

if TYPE_CHECKING:
    from twinmatch.whatif.case import Outcome
    from twinmatch.whatif.prices import PriceList
    from twinmatch.whatif.stability import Stability
    from twinmatch.whatif.why_not import WhyNotAnswer

# The docstrings of the commands are their help on the command line.


def why_not(
    guest: Annotated[str, Argument(metavar="GUEST")],
    host: Annotated[str, Argument(metavar="HOST")],
    asked: OfDecidedRound,
) -> None:
    """Why two cities do not meet: the rule, or the price of forcing it, who moves, and what would have to change.

    guest: The guest city's id or name.
    host: The host unit, or one of its cities.
    """
    with asked.case() as (case, _):
        found = tm.whatif.why_not.why_not(case, guest, host)
    if asked.printed(found):
        return
    _show_why_not(found)
    if found.verdict == "possible":
        forced = f"twinmatch propose{asked.over} --lock {found.guest}={found.host}"
        say(f"Next: {forced}, or twinmatch prices{asked.over}")


def _show_why_not(found: WhyNotAnswer) -> None:
    show(f"[bold]{literal(found.guest_name)} with {literal(found.host_name)}[/bold]")
    for reason in found.reasons:
        show(literal(reason))
    best, gentler = found.best, found.gentlest
    if best is not None and best.moves:
        word = "with" if found.verdict == "possible" else "without"
        _show_outcome(f"The best answer {word} it", best)
    if gentler is not None and best is not None and gentler.moves != best.moves:
        _show_outcome("The answer with the fewest changes", gentler)
    if found.if_lifted is not None:
        _show_outcome("Were the rule lifted for this pair, and the pair forced", found.if_lifted)
    for change in found.changes:
        show("• " + literal(change))
    if found.if_eligible is not None:
        show("Were that so:")
        _show_why_not(found.if_eligible)


def _show_outcome(title: str, outcome: Outcome) -> None:
    show_table(
        f"{title}: price {outcome.price}",
        ("City", "Before", "After", "Points"),
        (
            (
                move.name,
                move.before_name or "no place",
                move.after_name or "no place",
                f"{100 * move.change:+.1f}",
            )
            for move in outcome.moves
        ),
    )
    if worse := outcome.worse_off:
        show("Worse off: " + literal(", ".join(move.name for move in worse)) + ".")


def prices(asked: OfDecidedRound) -> None:
    """The price of every lock, ban, quota and rule, the worth of one more place, and over-wished hosts."""
    with asked.case() as (case, told):
        told("Prices")
        found = tm.whatif.prices.price_list(case)
    if asked.printed(found):
        return
    total = f"{found.filled} pairs, {100 * found.total:,.1f} points in all."
    show(f"{total} What the best answer would gain …")
    more = [item for item in found.limits if not item.price.is_nothing]
    for title, priced in (("… without a rule", found.rules), ("… with one more", more)):
        rows = []
        for item in priced:
            movers = [move.name for move in item.moves[:6]] + ["…"] * (len(item.moves) > 6)
            rows.append((item.price, item.rule, item.status, item.says, ", ".join(movers)))
        show_table(title, ("Gain", "Rule", "Status", "What it says", "Who moves"), rows)
    if len(found.limits) > len(more):
        show(f"… with one more at any of {len(found.limits) - len(more)} other limits: nothing.")
    if found.others:
        heads = ("Format", "Gain", "Rule", "Status", "What it says")
        rest = (
            (r.product, r.costs.says if r.costs else "", r.rule, r.status, r.says)
            for r in found.others
        )
        show_table("… without the conditions on guests, or a rule of another format", heads, rest)
    if found.soft:
        heads = ("Format", "Rule", "Missed by", "Points", "What it says")
        rows_ = ((s.product, s.rule, f"{s.missed:g}", f"{s.paid:.1f}", s.says) for s in found.soft)
        show_table("Rules with a price, as the proposal has them", heads, rows_)
    _show_demand(found)
    say("Next: twinmatch why-not GUEST HOST, or twinmatch stability")


def _show_demand(found: PriceList) -> None:
    show_table(
        "Hosts that more guests want, or fit best, than they have places for, and what one more place is worth",
        (
            *("Host", "Wished by", "Best host of", "Among five best of"),
            *("Guests", "Places", "One more place"),
        ),
        (
            (d.name, d.wished_by, d.best_of, d.among_five_of, d.guests, d.places, d.worth)
            for d in found.hosts
            if d.over_wished or not d.worth.is_nothing
        ),
    )
    if never := [d.name for d in found.hosts if d.never]:
        lonely = f"Wished for by nobody, and among the five best hosts of none ({len(never)}): "
        show(lonely + literal(", ".join(never)) + ".")


def ask(
    asked: OfRound,
    cities: int = 12,
    draws: int = 3,
    seed: int = 0,
) -> None:
    """Which applicants to ask what first: the answers that would change most pairs.

    cities: Cities whose answers are simulated.
    draws: Answers drawn for each city.
    """
    with asked.case() as (case, told):
        told("Interview plan")
        found = tm.whatif.counterfactual.interview_plan(
            case.round, case.settings, cities=cities, draws=draws, rng=seed
        )
    if asked.printed({"interviews": found}):
        return
    show_table(
        "Ask first",
        ("City", "Pairs that change", "Gets a pair", "Questions"),
        (
            (
                item.city,
                f"{item.pairs_changed:.1f}",
                f"{100 * item.gets_a_pair:.0f}%",
                " ".join(q.question for q in item.ask),
            )
            for item in found
        ),
    )
    say("Next: fill the answers into the profiles, then twinmatch propose")


def stability(
    asked: OfDecidedRound,
    runs: int = 200,
    seed: int = 0,
    workers: int = 1,
    dask: str | None = None,
) -> None:
    """How often each pair survives when weights are shaken and what is not known is drawn; the fragile first.

    runs: Perturbed rounds that are settled.
    workers: Processes that share the runs.
    """
    with spread_over(dask), asked.case() as (case, told):
        found = tm.whatif.stability.stability(case, runs, seed=seed, workers=workers, progress=told)
    if asked.printed(found):
        return
    _show_stability(found)
    say(
        "Next: ask the fragile cities for what is not known of them, or lock a pair that the committee wants."
    )


def _show_stability(found: Stability) -> None:
    robust, fragile = len(found.pairs) - len(found.fragile), len(found.fragile)
    show(f"{found.runs} runs, seed {found.seed}: {robust} pairs robust, {fragile} fragile.")
    show_table(
        "The most fragile first",
        ("Pair", "Kept", "", "Otherwise most often", "Lost without"),
        (
            (
                p.name,
                f"{100 * p.share:.0f}%",
                p.judgement,
                ", ".join(f"{one.name} {100 * one.share:.0f}%" for one in p.instead[:2]),
                facet_words(p.lost_without),
            )
            for p in found.pairs
        ),
    )
    show_table(
        "Cities whose place is fragile",
        ("City", "Has a place in"),
        (
            (place.name, f"{100 * place.share:.0f}% of the runs")
            for place in found.places
            if place.judgement == "fragile"
        ),
    )
    without = ", ".join(f"{facet_words([x])} {100 * share:.0f}%" for x, share in found.dropped)
    show(f"Pairs that survive without a facet: {without}.")


def frontier(asked: OfRound, dask: str | None = None) -> None:
    """Several named twinning proposals: each best in one respect, with what it gives up."""
    with spread_over(dask), asked.case() as (case, told):
        told("Named proposals")
        found = tm.whatif.stability.choices(case)
    if asked.printed(found):
        return
    show_table(
        "Named proposals (points of 100 a pair, summed)",
        (
            *("Proposal", "Total", "Gives up", "Worst-off", "Countries"),
            *("Small cities", "Most at a host", "Proven"),
        ),
        (
            (
                c.name,
                *(f"{100 * points:.1f}" for points in (c.total, c.gives_up)),
                f"{100 * c.worst:.1f}" if c.pairs else "-",
                *(c.countries, c.small, c.load),
                "yes" if c.proven else "no",
            )
            for c in found
        ),
    )
    say(
        f"Small: fewer than {case.settings.small_below:,} residents. Next: twinmatch frontier --json has the pairs; lock those you want with propose --lock A=B."
    )
