"""What all commands share: options, tables, JSON, messages and progress."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from twinmatch.errors import QuestionError, TwinmatchError, grouped
from twinmatch.proposal.wire import to_wire

if TYPE_CHECKING:
    from rich.table import Table

Profiles = Annotated[
    Path | None,
    Argument(help="A folder of profiles, a .csv or an .xlsx; the bundled cities where left out."),
]
Hosts = Annotated[
    list[str] | None,
    Option(
        help="bundled, or a folder or table of hosts: whom the cities of PROFILES are to meet; later ones override."
    ),
]
MappingFile = Annotated[
    Path | None, Option("--mapping", "-m", help="TOML file that says what headers mean.")
]
Programme = Annotated[
    list[str] | None,
    Option(
        "--programme",
        "-p",
        help="Programme file, or the name of a bundled one; may be given several times.",
    ),
]
Pairs = list[str] | None
Previous = Annotated[
    Path | None,
    Option(
        help="An earlier proposal.json: of equally good answers the one nearest to it is taken."
    ),
]
Lock = Annotated[Pairs, Option(help="A=B: the two must meet; may be given several times.")]
Ban = Annotated[Pairs, Option(help="A=B: the two must not meet; may be given several times.")]
Seed = Annotated[int, Option(help="Seed of the draws; the same seed, the same result.")]
Dask = Annotated[
    str | None,
    Option(help="Spread the work over a Dask cluster: its address, or a number of local workers."),
]
AsJson = Annotated[bool, Option("--json", help="Print JSON alone on stdout.")]
Model = Annotated[
    str | None,
    Option(
        "--text-model",
        help="auto, bundled, static, minilm, multilingual, or a sentence-transformers model.",
    ),
]
StorePlace = Annotated[
    str | None,
    Option(
        "--store",
        help="A file or postgresql://…; else TWINMATCH_STORE, else twinmatch.sqlite here.",
    ),
]
Word = Annotated[bool, Option("--word", help="Dossiers as Word documents too; takes longer.")]
Pdf = Annotated[bool, Option("--pdf", help="Report and dossiers as tagged PDF too; takes minutes.")]
FilesOut = Annotated[Path, Option("--out", "-o", help="Folder for the files.")]


def need_web() -> None:
    """Raise QuestionError where the web front, which keeps keys and uploads, is not installed."""
    if find_spec("fastapi") is None:
        found = "Keys and uploads belong to the web front, which is not installed."
        raise QuestionError.of("web-not-installed", found, do="pip install 'twinmatch[web]'")


def pair(text: str, option: str) -> tuple[str, str]:
    """Return the two ids of A=B; raises QuestionError where it is no pair."""
    one, equals, other = (part.strip() for part in text.partition("="))
    if not equals or not one or not other:
        found = f"{option} {text!r} is not a pair."
        raise QuestionError.of("pair-wrong", found, do="Write it as A=B, with two ids.")
    return one, other


def table(title: str, columns: Sequence[str]) -> Table:
    """Return an empty table; columns of figures are right-aligned."""
    from rich import box
    from rich.table import Table

    table = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD)
    figures = {"Score", "Known", "Likeness", "Weight", "Adds"}
    for name in columns:
        table.add_column(name, justify="right" if name in figures else "left", overflow="fold")
    return table


def show_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table, every cell taken literally."""
    made = table(title, columns)
    for row in rows:
        made.add_row(*(literal(str(cell)) for cell in row))
    show(made)


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


def say_written(out: Path, files: Sequence[Path], more: str = "") -> None:
    """Say which files were written."""
    say(f"Written to {out}: {', '.join(file.name for file in files)}.{more}")


def print_json(content: object) -> None:
    """Print a result, or a dictionary of results, as JSON on stdout, and nothing else."""
    plain = to_wire(content)
    sys.stdout.write(json.dumps(plain, ensure_ascii=False, indent=1) + "\n")


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
