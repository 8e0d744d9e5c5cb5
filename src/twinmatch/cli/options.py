"""What all commands share: options, tables, JSON, messages and progress."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinmatch.errors import Problem, QuestionError, TwinmatchError, grouped

if TYPE_CHECKING:
    from rich.table import Table

Profiles = Annotated[
    Path | None,
    typer.Argument(
        help="A folder of profiles, a .csv or an .xlsx; the bundled cities where left out.",
        show_default=False,
    ),
]
Hosts = Annotated[
    list[str] | None,
    typer.Option(
        help="bundled, or a folder or table of hosts: whom the cities of PROFILES are to meet; later ones override.",
        show_default=False,
    ),
]
MappingFile = Annotated[
    Path | None,
    typer.Option(
        "--mapping", "-m", help="TOML file that says what headers mean.", show_default=False
    ),
]
Programme = Annotated[
    list[str] | None,
    typer.Option(
        "--programme",
        "-p",
        help="Programme file, or the name of a bundled one; may be given several times.",
        show_default=False,
    ),
]
Pairs = list[str] | None
Previous = Annotated[
    Path | None,
    typer.Option(
        help="An earlier proposal.json: of equally good answers the one nearest to it is taken.",
        show_default=False,
    ),
]
Lock = Annotated[
    Pairs,
    typer.Option(help="A=B: the two must meet; may be given several times.", show_default=False),
]
Ban = Annotated[
    Pairs,
    typer.Option(
        help="A=B: the two must not meet; may be given several times.", show_default=False
    ),
]
Seed = Annotated[int, typer.Option(help="Seed of the draws; the same seed, the same result.")]
Dask = Annotated[
    str | None,
    typer.Option(
        help="Spread the work over a Dask cluster: its address, or a number of local workers.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")]
Model = Annotated[
    str | None,
    typer.Option(
        "--text-model",
        help="auto, bundled, static, minilm, multilingual, or a sentence-transformers model.",
        show_default=False,
    ),
]
StorePlace = Annotated[
    str | None,
    typer.Option(
        "--store",
        help="A file or postgresql://…; else TWINMATCH_STORE, else twinmatch.sqlite here.",
        show_default=False,
    ),
]


def need_web() -> None:
    """Raise QuestionError where the web front, which keeps keys and uploads, is not installed."""
    from importlib.util import find_spec

    if find_spec("fastapi") is None:
        found = "Keys and uploads belong to the web front, which is not installed."
        raise QuestionError(Problem("web-not-installed", found, do="pip install 'twinmatch[web]'"))


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


def table(title: str, columns: tuple[str, ...]) -> Table:
    """Return an empty table; columns of figures are right-aligned."""
    from rich import box
    from rich.table import Table

    table = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD)
    for name in columns:
        table.add_column(
            name,
            justify="right" if name in {"Score", "Known", "Likeness", "Weight", "Adds"} else "left",
            overflow="fold",
        )
    return table


def literal(text: str) -> str:
    """Return text that a terminal takes literally: no markup, no control characters."""
    from rich.markup import escape

    return escape("".join(c for c in text if c.isprintable()))


def cut(text: str, length: int) -> str:
    """Return a text, cut at a word where it is longer than ``length``."""
    return text if len(text) <= length else text[:length].rsplit(" ", 1)[0] + " …"


def quoted(text: str) -> str:
    """Return a text as a shell takes it in one piece."""
    return f'"{text}"' if " " in text else text


def over(profiles: Path | None, programme: list[str] | None = None) -> str:
    """Return the profiles and programme of a command as the next one takes them, with a blank before each."""
    parts = [quoted(str(profiles))] if profiles else []
    parts += [f"--programme {quoted(name)}" for name in programme or ()]
    return "".join(f" {part}" for part in parts)


def show(what: object) -> None:
    """Print a table or a line with markup on stdout; 160 columns wide where that is no terminal."""
    from rich.console import Console

    console = Console(soft_wrap=False)
    if not console.is_terminal:
        console = Console(width=160)
    console.print(what, highlight=False)


def say(text: str) -> None:
    """Tell people something, on stderr."""
    typer.echo(text, err=True)


def print_json(content: object) -> None:
    """Print JSON on stdout, and nothing else."""
    sys.stdout.write(json.dumps(content, ensure_ascii=False, indent=1) + "\n")


def report(error: TwinmatchError) -> None:
    """Tell every problem of an error on stderr with its code, those of one cause together."""
    for problem in grouped(error.problems):
        say(f"{problem}  [{problem.code}]")
    count = sum(problem.code != "repair" for problem in error.problems)
    if count > 1:
        say(f"{count} problems; nothing was written.")


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Show what is being done on stderr, where that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console

    with Console(stderr=True).status("Starting") as status:
        yield lambda step: status.update(f"{step} …")
