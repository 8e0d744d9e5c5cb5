"""The command line: words and tables for people, ``--json`` for programs, one clear message for every error.

Exit codes: 0 done; 2 a wrong question or bad data, with every problem listed; 3 no proposal fits the rules, of all or of
one of the formats that a named programme asks for, with advice. Results go to stdout, progress and messages to stderr. A command is loaded when it is called, and heavy
imports happen inside it, so that ``--help`` answers at once.

A further command is a function in one of the modules here and its name in ``COMMANDS``; in a group, also in
``GROUPS``.
"""

from __future__ import annotations

import ast
import atexit
import gc
import os
import sys
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from importlib import import_module
from importlib.resources import files
from textwrap import shorten
from types import MappingProxyType
from typing import Annotated, Any, Final

import typer
from typer import Option
from typer.core import TyperCommand, TyperGroup

from twinmatch import __version__
from twinmatch.errors import QuestionError, TwinmatchError

RARE_COLLECTION: Final = (50_000, 20, 100)
"""Arguments of gc.set_threshold: a round is millions of objects without cycles, and a command ends soon."""

COMMANDS: Final = MappingProxyType(
    {
        name: module
        for module, names in (
            (
                "round_steps",
                "init propose notebooks publish similar explain features doctor",
            ),
            ("intake", "validate template import diff-profiles"),
            ("questions", "why-not prices ask stability frontier"),
            ("checks", "check diff repair reserves backtest"),
            ("runs", "keep list-runs decide decisions state past learn"),
            ("serving", "serve keys changes personal-data purge mcp"),
        )
        for name in names.split()
    }
)
"""Every command and the module of its function, which has the same name."""

GROUPS: Final = MappingProxyType(
    {
        "runs": (
            "Runs that are kept: list, keep, decide, state, history, past; without a word, all of them.",
            ("list-runs", "keep", "decide", "state", "decisions", "past"),
        ),
        "profiles": (
            "Profiles of cities: validate, import, template, diff, features.",
            ("validate", "import", "template", "diff-profiles", "features"),
        ),
        "service": (
            "The service: serve, keys, changes, personal-data, purge.",
            ("serve", "keys", "changes", "personal-data", "purge"),
        ),
    }
)
"""Commands of one thing: what the group is for, and its commands."""

WORDS: Final = MappingProxyType(
    {"list-runs": "list", "decisions": "history", "diff-profiles": "diff"}
)
"""The word in its group for a command whose own name is another."""

HELP: Final = ("-h", "--help")

FIRST: Final = (
    *("init", "validate", "propose", "similar", "explain"),
    *("why-not", "prices", "repair", "runs", "publish"),
)
"""What a coordinator needs, in the order in which it is needed; the help lists these first."""

BESIDE: Final = frozenset({"validate", "import", "template", "serve"})
"""Commands that stand in a group and for themselves."""

MOVED: Final = MappingProxyType(
    {
        key: f"{group} {WORDS.get(key, key)}"
        for group, (_, keys) in GROUPS.items()
        for key in keys
        if key not in BESIDE
    }
)
"""The command in a group that every name of before stands for; it goes on working, with a line that says so."""

TOP: Final = (*FIRST, *(n for n in (*COMMANDS, *GROUPS) if n not in FIRST and n not in MOVED))
"""The names that the help lists."""


def function_of(name: str) -> Any:
    """Return the function of a command, loaded now."""
    module = import_module(f"{__name__}.{COMMANDS[name]}")
    return getattr(module, _function(name))


def _function(name: str) -> str:
    return "import_" if name == "import" else name.replace("-", "_")


def words_of(name: str) -> str:
    """Return what a command is for, the words of its function; nothing is loaded."""
    return _docstrings(COMMANDS[name])[_function(name)]


@cache
def _docstrings(module: str) -> dict[str, str]:
    """Return what the functions of a module of commands say, by name."""
    tree = ast.parse(files(__name__).joinpath(f"{module}.py").read_text(encoding="utf-8"))
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef))
    return {f.name: (ast.get_docstring(f) or "").partition("\n\n")[0] for f in functions}


def _loaded(name: str, key: str) -> Any:
    """Return a command, alone in an application, so that Typer reads its options as it reads all."""
    alone = typer.Typer(pretty_exceptions_enable=False, add_completion=False, rich_markup_mode=None)
    described = import_module(f"{__name__}.options").described
    alone.command(name, help=words_of(key))(described(function_of(key)))
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
        width = max(formatter.width - 6 - max(map(len, self.names)), 60)
        rest = [n for n in self.names if n not in first]
        sections = {
            "A round from its beginning": first,
            "Further commands" if first else "Commands": rest,
        }
        for title, names in sections.items():
            if names:
                with formatter.section(title):
                    lines = [(n, shorten(self.names[n], width, placeholder=" …")) for n in names]
                    formatter.write_dl(lines)


class CommandGroup(LazyGroup):
    """The commands of one thing."""

    def __init__(self, name: str) -> None:
        says, keys = GROUPS[name]
        super().__init__(name=name, help=says, rich_markup_mode=None, no_args_is_help=True)
        self._keys = {WORDS.get(key, key): key for key in keys}
        self.names = {word: words_of(key) for word, key in self._keys.items()}

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

    @cached_property
    def names(self) -> Mapping[str, str]:  # type: ignore[override]
        """What each command is for, read when somebody asks for the help."""
        return {n: GROUPS[n][0] if n in GROUPS else words_of(n) for n in TOP}

    def load(self, name: str) -> Any:
        """Return a command or a group; a name of before is reported on stderr with its new name."""
        if name in GROUPS:
            return CommandGroup(name)
        if name in MOVED and name in OLD_NAMES:
            typer.echo(f"twinmatch {name} is now: twinmatch {MOVED[name]}", err=True)
        elif name not in TOP:
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
            yield from ((f"{name} {w}", found.load(w)) for w in found.names if w not in BESIDE)
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
        Option(
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
    found = f"This needs {module}, not installed here."
    do = f"pip install 'twinmatch[{EXTRAS[module]}]'"
    return QuestionError.of("extra-missing", found, do=do)


def main() -> None:
    """Run the command line; every error on purpose becomes a message and an exit code, never a traceback."""
    # No plugin takes part, and to look for some Pydantic reads what is installed at every start.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "true")
    if "serve" not in sys.argv[1:3]:
        gc.set_threshold(*RARE_COLLECTION)
        atexit.register(gc.freeze)  # the end of the process frees everything without a last search
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
