"""The command line: words and tables for people, ``--json`` for programs, one clear message for every error.

Exit codes: 0 done; 2 a wrong question or bad data, with every problem listed; 3 no proposal fits the rules, of all or of
one of the formats that a named programme asks for, with advice. Results go to stdout, progress and messages to stderr. A command is loaded when it is called, and heavy
imports happen inside it, so that ``--help`` answers at once.

A further command is a function in one of the modules here and one line of ``COMMANDS``; in a group, also one of
``GROUPS``.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from textwrap import shorten
from types import MappingProxyType
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
        "diff-profiles": (
            "intake.diff_profiles",
            "Show what cities changed between two sets of profiles, field by field.",
        ),
        "themes": (
            "start.themes",
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
        "list-runs": ("decisions.list_runs", "Every run that is kept, the last one first."),
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
"""Every command: its function and what it is for, its docstring's words."""

GROUPS: Final = MappingProxyType(
    {
        "runs": (
            "Runs that are kept: list, keep, decide, state, history, past; without a word, all of them.",
            {
                "list": "list-runs",
                "keep": "keep",
                "decide": "decide",
                "state": "state",
                "history": "decisions",
                "past": "past",
            },
        ),
        "profiles": (
            "Profiles of cities: validate, import, template, diff, features.",
            {
                "validate": "validate",
                "import": "import",
                "template": "template",
                "diff": "diff-profiles",
                "features": "features",
            },
        ),
        "service": (
            "The service: serve, keys, changes, personal-data, purge.",
            {
                "serve": "serve",
                "keys": "keys",
                "changes": "changes",
                "personal-data": "personal-data",
                "purge": "purge",
            },
        ),
    }
)
"""Commands of one thing: what the group is for, and the command behind each of its words."""

HELP: Final = ("-h", "--help")

FIRST: Final = (
    "init",
    "validate",
    "propose",
    "similar",
    "explain",
    "why-not",
    "prices",
    "repair",
    "runs",
    "publish",
)
"""What a coordinator needs, in the order in which it is needed; the help lists these first."""

BESIDE: Final = frozenset({"validate", "import", "template", "serve"})
"""Commands that stand in a group and for themselves."""

MOVED: Final = MappingProxyType(
    {
        key: f"{group} {word}"
        for group, (_, words) in GROUPS.items()
        for word, key in words.items()
        if key not in BESIDE
    }
)
"""The command in a group that every name of before stands for; it goes on working, with a line that says so."""

TOP: Final = (
    *FIRST,
    *(name for name in (*COMMANDS, *GROUPS) if name not in FIRST and name not in MOVED),
)
"""The names that the help lists."""


def function_of(name: str) -> Any:
    """Return the function of a command, loaded now."""
    module, _, function = COMMANDS[name][0].partition(".")
    return getattr(import_module(f"{__name__}.{module}"), function)


def _loaded(name: str, key: str) -> Any:
    """Return a command, alone in an application, so that Typer reads its options as it reads all."""
    alone = typer.Typer(pretty_exceptions_enable=False, add_completion=False, rich_markup_mode=None)
    alone.command(name)(function_of(key))
    return typer.main.get_command(alone)


class LazyGroup(TyperGroup):
    """Commands that are loaded when they are called: the help and completion need their names and words alone.

    The pattern is Click's own (https://click.palletsprojects.com/en/stable/complex/#lazily-loading-subcommands).
    """

    names: Mapping[str, str]
    """What each command is for, by name, in the order of the help."""
    _lists = False

    def load(self, name: str) -> Any:
        """Return a command, or None where there is none of that name."""
        raise NotImplementedError

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands, in the order of the help."""
        return list(self.names)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command; while a completion lists them, its name and words."""
        if self._lists and cmd_name in self.names:
            return TyperCommand(cmd_name, help=self.names[cmd_name])
        return self.load(cmd_name)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """Return what a started word can become; commands are named and not loaded."""
        self._lists = True
        try:
            return super().shell_complete(ctx, incomplete)
        finally:
            self._lists = False

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the names of the commands with what each is for."""
        first = [n for n in self.names if n in FIRST] if len(self.names) > len(FIRST) else []
        width = formatter.width - 6 - max(map(len, self.names))
        for title, names in (
            ("A round from its beginning", first),
            (
                "Further commands" if first else "Commands",
                [n for n in self.names if n not in first],
            ),
        ):
            if names:
                with formatter.section(title):
                    formatter.write_dl(
                        [
                            (n, shorten(self.names[n], max(width, 60), placeholder=" …"))
                            for n in names
                        ]
                    )


class CommandGroup(LazyGroup):
    """The commands of one thing."""

    def __init__(self, name: str) -> None:
        says, self._keys = GROUPS[name]
        super().__init__(name=name, help=says, rich_markup_mode=None, no_args_is_help=True)
        self.names = {word: COMMANDS[key][1] for word, key in self._keys.items()}

    def load(self, name: str) -> Any:
        """Return a command of the group."""
        return _loaded(name, self._keys[name]) if name in self._keys else None

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Return what is left to read; without a word, the group lists what there is where it can."""
        if "list" in self._keys and (not args or (args[0][:1] == "-" and args[0] not in HELP)):
            args = ["list", *args]
        return super().parse_args(ctx, args)


class RootGroup(LazyGroup):
    """All commands: those for themselves, the groups, and the names of before."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.names = {n: GROUPS[n][0] if n in GROUPS else COMMANDS[n][1] for n in TOP}

    def load(self, name: str) -> Any:
        """Return a command or a group; a name of before is named anew on stderr."""
        if name in GROUPS:
            return CommandGroup(name)
        if name in MOVED and name in OLD_NAMES:
            typer.echo(f"twinmatch {name} is now: twinmatch {MOVED[name]}", err=True)
        elif name not in self.names:
            return None
        return _loaded(name, name)


OLD_NAMES: Final = frozenset(MOVED) - {"list-runs", "diff-profiles"}
"""Names of before; those left out never stood on a command line."""


def every_command() -> Iterator[tuple[str, Any]]:
    """Yield every command with its whole name, loaded, each once."""
    root = typer.main.get_command(app)
    assert isinstance(root, RootGroup)
    for name in TOP:
        found = root.load(name)
        if isinstance(found, CommandGroup):
            yield from (
                (f"{name} {word}", found.load(word))
                for word, key in GROUPS[name][1].items()
                if key not in BESIDE
            )
        else:
            yield name, found


app = typer.Typer(
    name="twinmatch",
    help="Peer matching and twinning for climate-neutral cities: explained, proven, fair.",
    cls=RootGroup,
    rich_markup_mode=None,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": list(HELP)},
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
    if "serve" not in sys.argv[1:3]:
        gc.set_threshold(*_RARE_COLLECTION)
    try:
        app()
    except (TwinmatchError, ModuleNotFoundError) as error:
        from twinmatch.cli.options import print_json, report

        found = _missing(error) if isinstance(error, ModuleNotFoundError) else error
        if "--json" in sys.argv:
            print_json({"problems": [problem.plain() for problem in found.problems]})
        report(found)
        sys.exit(found.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
