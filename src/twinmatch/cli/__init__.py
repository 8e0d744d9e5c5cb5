"""The command line: words and tables for people, ``--json`` for programs, one clear message for every error.

Exit codes: 0 done; 2 a wrong question or bad data, with every problem listed; 3 no proposal fits the rules,
with advice. Results go to stdout, progress and messages to stderr. A command is loaded when it is called, and heavy
imports happen inside it, so that ``--help`` answers at once.

A further command is a function in one of the modules here and one line of ``COMMANDS``.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import suppress
from importlib import import_module
from types import MappingProxyType, ModuleType
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from twinmatch import __version__
from twinmatch.errors import Problem, QuestionError, TwinmatchError

_RARE_COLLECTION: Final = (50_000, 20, 100)
"""Arguments of gc.set_threshold: a round is millions of objects without cycles, and a command ends soon."""

COMMANDS: Final = MappingProxyType(
    {
        "init": (
            "start.init",
            "Make a new round's folder: a programme file, a form for the cities, and what to do with them.",
        ),
        "propose": (
            "rounds.propose",
            "Propose a round: twinning pairs, groups, visits, clusters and panels, explained and proven.",
        ),
        "notebooks": (
            "start.notebooks",
            "Write the notebooks into a folder: each asks a question of the bundled round and says what is seen.",
        ),
        "publish": (
            "start.publish",
            "Write the files of a proposal again, the same bytes; letters with contacts, calendar files, Word and PDF where asked for.",
        ),
        "similar": (
            "rounds.similar",
            "Cities like mine: the k cities most like a city, each with its reasons.",
        ),
        "explain": (
            "rounds.explain",
            "The account of a pair: every facet in words with its evidence, as peers and as guest and host.",
        ),
        "validate": (
            "intake.validate",
            "Check profiles: every error, doubt and note at once, each with its place and what to do about it.",
        ),
        "template": (
            "intake.template",
            "Write the intake form as a workbook: empty, or with the profiles of PROFILES in it.",
        ),
        "import": (
            "intake.import_",
            "Make profiles of forms, tables and the formats that cities report in; every doubt is shown where it stands.",
        ),
        "profiles": (
            "intake.profiles",
            "Show what cities changed between two sets of profiles, field by field.",
        ),
        "themes": (
            "themes.themes",
            "Themes for discussion groups, found in what cities say they need: a TOML snippet to name and use.",
        ),
        "features": (
            "rounds.features",
            "City feature vectors as one table: a row a city, an empty cell where not known.",
        ),
        "doctor": (
            "rounds.doctor",
            "Tell what is installed, which text model is active, and whether the bundled data is whole.",
        ),
        "why-not": (
            "loop.why_not",
            "Why two cities do not meet: the rule, or the price of forcing it, who moves, and what would have to change.",
        ),
        "prices": (
            "loop.prices",
            "The price of every lock, ban, quota and rule, the worth of one more place, and over-wished hosts.",
        ),
        "counterfactual": (
            "loop.counterfactual",
            "Which of a city's answers would bring a host into its five best; only answers that it can change.",
        ),
        "repair": (
            "loop.repair",
            "Three offers after a withdrawal, a refusal or a new city: who must be told, and the price of each.",
        ),
        "reserves": (
            "loop.reserves",
            "Reserves ranked for every guest and host, and what is offered if a pair falls through.",
        ),
        "check": (
            "answers.check",
            "The referee over a proposal, also one edited by hand: every rule, kept or broken; exit 2 where one is broken.",
        ),
        "frontier": (
            "answers.frontier",
            "Several named twinning proposals: each best in one respect, with what it gives up.",
        ),
        "diff": ("loop.diff", "Two proposals side by side, in plain words."),
        "stability": (
            "loop.stability",
            "How often each pair survives when weights are shaken and what is not known is drawn; the fragile first.",
        ),
        "ask": (
            "loop.ask",
            "Which applicants to ask what first: the answers that would change most pairs.",
        ),
        "backtest": (
            "loop.backtest",
            "How high the score ranks pairs that were really made, against chance and with each facet left out.",
        ),
        "pictures": (
            "loop.pictures",
            "Pictures of a pair, as Vega-Lite and SVG: how the score adds up, emissions side by side, readiness by dimension.",
        ),
        "keep": (
            "decisions.keep",
            "Keep a proposal as a run in the store, with what is offered if a city declines.",
        ),
        "runs": ("decisions.runs", "Every run that is kept, the last one first."),
        "decide": (
            "decisions.decide",
            "Decide on a meeting of a run, or note a city's consent: by whom, when and why is kept for good.",
        ),
        "decisions": (
            "decisions.decisions",
            "What was decided about a run, by whom, when and why; consents, and what is offered if a city declines.",
        ),
        "state": (
            "decisions.state",
            "Move a run from draft to approved to published, and back: what is published can be withdrawn.",
        ),
        "past": (
            "decisions.past",
            "What past rounds remember: pairs that met, and pairs that a city declined; neither is proposed again.",
        ),
        "learn": (
            "decisions.learn",
            "Weights that past decisions suggest, with their uncertainty and a back-test; nothing is changed.",
        ),
        "serve": ("serve.serve", "Serve the API and the coordinator's workbench in a browser."),
        "mcp": (
            "assistants.mcp",
            "Tools for assistants by the Model Context Protocol: similar, explain, why-not and more; they read only.",
        ),
        "keys": ("serve.keys", "Make, list or take back the keys of those who use the service."),
        "changes": (
            "privacy.changes",
            "Who changed what and when: keys, uploads, what was erased, decisions without their words.",
        ),
        "personal-data": (
            "privacy.personal_data",
            "Show or erase what the store holds of the persons of a city: contacts in uploads, reasons of decisions.",
        ),
        "purge": (
            "privacy.purge",
            "Erase what was held for its time: old uploads, ended sessions, names and reasons in the history.",
        ),
    }
)
"""Every command, in the order in which the help lists them: its function and what it is for, its docstring's words."""


def function_of(name: str) -> Any:
    """Return the function of a command, loaded now."""
    module, _, function = COMMANDS[name][0].partition(".")
    return getattr(import_module(f"{__name__}.{module}"), function)


def _import_help() -> None:
    """Import what Typer writes help with, without Rich's Markdown and tracebacks.

    Importing these two takes a third of the time of ``--help``, and neither the help nor an error here has any.
    """
    if "typer.rich_utils" in sys.modules:
        return
    stand_ins = {"rich.markdown": "Markdown", "rich.traceback": "Traceback"}
    put = {name: ModuleType(name) for name in stand_ins if name not in sys.modules}
    for name, module in put.items():
        setattr(module, stand_ins[name], type(stand_ins[name], (), {}))
    sys.modules |= put
    try:
        with suppress(ImportError):  # without Rich, Typer writes plain help
            import_module("typer.rich_utils")
    finally:
        for name in put:
            del sys.modules[name]


class Loaded(MutableMapping[str, Any]):
    """The commands by name, each loaded when it is asked for."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        """Return a command; raises KeyError where there is none of that name."""
        if name not in self._made:
            # Alone in an application, so that Typer reads its options as it reads all.
            alone = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
            alone.command(name)(function_of(name))
            self._made[name] = typer.main.get_command(alone)
        return self._made[name]

    def __setitem__(self, name: str, command: Any) -> None:
        """Put a command in place of another."""
        self._made[name] = command

    def __delitem__(self, name: str) -> None:
        """Take nothing out: every command stays."""
        raise TypeError(name)

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names, in the order of the help."""
        return iter(COMMANDS)

    def __len__(self) -> int:
        """Return how many commands there are."""
        return len(COMMANDS)


class Commands(TyperGroup):
    """The group of all commands: its help needs their names and first words, and loads none of them."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands = Loaded()
        self._lists = False

    def list_commands(self, _: Any) -> list[str]:
        """Return the names of all commands, in the order of the help."""
        return list(COMMANDS)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help, in which commands are named and not loaded."""
        _import_help()
        self._lists = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self._lists = False

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """Return what a started word can become; commands are named and not loaded."""
        self._lists = True
        try:
            return super().shell_complete(ctx, incomplete)
        finally:
            self._lists = False

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command; where they are only listed, its name and first words."""
        if cmd_name not in COMMANDS:
            return None
        if self._lists:
            return TyperCommand(cmd_name, help=COMMANDS[cmd_name][1])
        return self.commands[cmd_name]


app = typer.Typer(
    name="twinmatch",
    help="Peer matching and twinning for climate-neutral cities: explained, proven, fair.",
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"twinmatch {__version__}")
        raise typer.Exit


@app.callback()
def _all(
    _: Annotated[
        bool,
        typer.Option(
            "--version", callback=_tell_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Have a group of commands, which without any registered would be none."""


EXTRAS: Final = {
    "sklearn": "analysis",
    "joblib": "analysis",
    "threadpoolctl": "analysis",
    "sqlalchemy": "store",
    "alembic": "store",
    "psycopg": "postgres",
    "altair": "notebook",
    "mcp": "mcp",
}
"""The extra that brings each module which a command may need."""


def _missing(error: ModuleNotFoundError) -> QuestionError:
    """Return which extra to install for a module that is not there; raises the error where none brings it."""
    module = (error.name or "").partition(".")[0]
    if module not in EXTRAS:
        raise error
    do = f"pip install 'twinmatch[{EXTRAS[module]}]'"
    return QuestionError(
        Problem("extra-missing", f"This needs {module}, not installed here.", do=do)
    )


def main() -> None:
    """Run the command line; every error on purpose becomes a message and an exit code, never a traceback."""
    # No plugin takes part, and to look for some Pydantic reads what is installed at every start.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "true")
    if sys.argv[1:2] != ["serve"]:
        gc.set_threshold(*_RARE_COLLECTION)
    try:
        app()
    except (TwinmatchError, ModuleNotFoundError) as error:
        from twinmatch.cli.words import report

        found = _missing(error) if isinstance(error, ModuleNotFoundError) else error
        report(found)
        sys.exit(found.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
