"""The command line: words and tables for people, ``--json`` for programs, one clear message for every error.

Exit codes: 0 done; 2 a wrong question or bad data, with every problem listed; 3 no proposal fits the rules,
with advice. Results go to stdout, progress and messages to stderr. Heavy imports happen inside the commands,
so that ``--help`` answers at once.

A further command is a function in one of the modules here and one line of ``COMMANDS``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import typer

from twinmatch.cli import answers, decisions, intake, loop, rounds, serve, start, themes
from twinmatch.cli.words import report
from twinmatch.errors import TwinmatchError

app = typer.Typer(
    name="twinmatch",
    help="Peer matching and twinning for climate-neutral cities: explained, proven, fair.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

COMMANDS: tuple[Callable[..., Any], ...] = (
    start.init,
    rounds.propose,
    start.publish,
    rounds.similar,
    rounds.explain,
    intake.validate,
    intake.template,
    intake.import_,
    intake.profiles,
    themes.themes,
    rounds.features,
    rounds.doctor,
    loop.why_not,
    loop.prices,
    loop.counterfactual,
    loop.repair,
    loop.reserves,
    answers.check,
    answers.frontier,
    loop.diff,
    loop.stability,
    loop.backtest,
    loop.pictures,
    decisions.keep,
    decisions.runs,
    decisions.decide,
    decisions.decisions,
    decisions.state,
    decisions.past,
    decisions.learn,
    serve.serve,
    serve.keys,
)
"""Every command, in the order in which the help lists them."""

for command in COMMANDS:
    app.command()(command)


def main() -> None:
    """Run the command line; every error on purpose becomes a message and an exit code, never a traceback."""
    try:
        app()
    except TwinmatchError as error:
        report(error)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
