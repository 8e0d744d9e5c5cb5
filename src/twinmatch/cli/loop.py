"""The coordinator's questions: why-not, prices, counterfactual, repair, diff, reserves, stability, backtest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twinmatch.cli.words import (
    AsJson,
    Model,
    Pairs,
    Profiles,
    Programme,
    literal,
    print_json,
    progress,
    quoted,
    say,
    show,
    table,
)
from twinmatch.errors import Problem, QuestionError

if TYPE_CHECKING:
    from twinmatch.app.loop import RoundAsked
    from twinmatch.explain import WhyNot
    from twinmatch.whatif import Move, Outcome, Price

Previous = Annotated[
    Path | None,
    typer.Option(
        help="An earlier proposal.json to change as little as possible.", show_default=False
    ),
]
Lock = Annotated[Pairs, typer.Option(help="A=B: the two must meet.", show_default=False)]
Ban = Annotated[Pairs, typer.Option(help="A=B: the two must not meet.", show_default=False)]


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
    asked = round_asked(profiles, programme, previous, lock, ban, text_model)
    from twinmatch import app as door

    with progress() as told:
        found = door.ask_why_not(guest, host, asked, told)
    if as_json:
        print_json(plain_why_not(found))
        return
    _show_why_not(found)
    if found.verdict == "possible":
        say(f"Next: twinmatch propose --lock {found.guest}={found.host}, or twinmatch prices")


def round_asked(
    profiles: Path | None,
    programme: list[str] | None,
    previous: Path | None,
    lock: Pairs,
    ban: Pairs,
    model: str | None,
) -> RoundAsked:
    """Return what a question is about, from the options of a command."""
    pairs = tuple(pair(text, "--lock") for text in lock or ())
    bans = tuple(pair(text, "--ban") for text in ban or ())
    from twinmatch.app.loop import RoundAsked

    return RoundAsked(profiles, programme or (), previous, pairs, bans, model)


def pair(text: str, option: str) -> tuple[str, str]:
    """Return the two ids of A=B; raises QuestionError where it is no pair."""
    one, equals, other = (part.strip() for part in text.partition("="))
    if not equals or not one or not other:
        raise QuestionError(
            Problem(
                "pair-wrong",
                f"{option} {text!r} is not a pair.",
                do="Write it as A=B, with two ids.",
            )
        )
    return one, other


def plain_price(price: Price) -> dict[str, Any]:
    """Return a price as JSON has it."""
    return {
        "places": price.places,
        "score": round(price.score, 10),
        "proven": price.proven,
        "says": str(price),
    }


def plain_move(move: Move) -> dict[str, Any]:
    """Return a move as JSON has it."""
    return {
        "guest": move.guest,
        "before": move.before or None,
        "after": move.after or None,
        "change": round(move.change, 10),
        "says": move.says,
    }


def plain_outcome(outcome: Outcome | None) -> dict[str, Any] | None:
    """Return another answer as JSON has it."""
    if outcome is None:
        return None
    return {
        "price": plain_price(outcome.price),
        "moves": [plain_move(move) for move in outcome.moves],
        "worse_off": [move.guest for move in outcome.worse_off],
    }


def plain_why_not(found: WhyNot) -> dict[str, Any]:
    """Return the answer to "why not" as JSON has it."""
    return {
        "guest": found.guest,
        "host": found.host,
        "verdict": found.verdict,
        "reasons": list(found.reasons),
        "score": None if found.score is None else round(found.score, 10),
        "best": plain_outcome(found.best),
        "gentlest": plain_outcome(found.gentlest),
        "if_lifted": plain_outcome(found.if_lifted),
        "changes": list(found.changes),
        "if_eligible": plain_why_not(found.if_eligible) if found.if_eligible else None,
    }


def _show_why_not(found: WhyNot) -> None:
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


__all__ = ["quoted", "why_not"]
