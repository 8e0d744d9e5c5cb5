"""What all commands share: options, tables, JSON, messages and progress; paths and names become objects here.

The package's own modules are imported when one is first asked for something, so that the help and the options of every
command are read without the libraries that the work needs.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from copy import copy
from dataclasses import dataclass, fields
from functools import wraps
from importlib import import_module
from importlib.util import find_spec
from inspect import Parameter, Signature, getdoc, signature
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin, get_type_hints

import typer
from typer import Argument, Option

from twinmatch import wording
from twinmatch.errors import QuestionError, TwinmatchError, grouped
from twinmatch.files import data_beside
from twinmatch.proposal.wire import to_wire
from twinmatch.wording import LANGUAGES, shown

if TYPE_CHECKING:
    from rich.table import Table

    from twinmatch.app.decided import Decided
    from twinmatch.cohort import Cohort
    from twinmatch.programmes import Round
    from twinmatch.proposal import Proposal
    from twinmatch.reading import Mapping, MappingQuestion, Raw
    from twinmatch.whatif.case import Case


if TYPE_CHECKING:
    import twinmatch.app.decisions
    import twinmatch.app.intake
    import twinmatch.app.neighbours
    import twinmatch.app.pairs
    import twinmatch.app.round
    import twinmatch.app.service
    import twinmatch.embedding.choice
    import twinmatch.exporting.folder_files
    import twinmatch.exporting.words
    import twinmatch.facets.text
    import twinmatch.intake.survey
    import twinmatch.programmes.repair_menu
    import twinmatch.programmes.twinning.frame
    import twinmatch.public
    import twinmatch.reading.importers
    import twinmatch.store.database
    import twinmatch.store.history
    import twinmatch.validate
    import twinmatch.vocabulary.geography
    import twinmatch.web.auth
    import twinmatch.web.board
    import twinmatch.web.bodies
    import twinmatch.web.persons
    import twinmatch.whatif.backtest
    import twinmatch.whatif.counterfactual
    import twinmatch.whatif.difference
    import twinmatch.whatif.learning
    import twinmatch.whatif.prices
    import twinmatch.whatif.repair
    import twinmatch.whatif.stability
    import twinmatch.whatif.why_not

    tm = twinmatch
else:

    class _Lazy:
        """A package whose names and modules are loaded when one is first asked for."""

        def __init__(self, name: str) -> None:
            self._name = name

        def __getattr__(self, name: str) -> Any:
            found = getattr(import_module(self._name), name, sys)
            return _Lazy(f"{self._name}.{name}") if isinstance(found, ModuleType) else found

    tm = _Lazy("twinmatch")


Profiles = Annotated[Path | None, Argument()]
MappingFile = Annotated[Path | None, Option("--mapping", "-m")]
Programme = Annotated[list[str] | None, Option("--programme", "-p")]
Pairs = list[str] | None
AsJson = Annotated[bool, Option("--json")]


def _language(code: str) -> str:
    if code not in LANGUAGES:
        raise typer.BadParameter(f"It is one of: {', '.join(LANGUAGES)}.")
    return code


Language = Annotated[
    str,
    Option(
        "--language",
        envvar="TWINMATCH_LANGUAGE",
        parser=_language,
        metavar="|".join(LANGUAGES),
    ),
]
FilesOut = Annotated[Path, Option("--out", "-o")]


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


def over(
    profiles: Path | None,
    programme: Sequence[str] | None = None,
    hosts: Sequence[str] | None = None,
) -> str:
    """Return the profiles, programme and hosts of a command as the next one takes them, with a blank before each."""
    parts = [quoted(str(profiles))] if profiles else []
    parts += [f"--programme {quoted(name)}" for name in programme or ()]
    parts += [f"--hosts {quoted(place)}" for place in hosts or ()]
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


def printed(content: object, as_json: bool) -> bool:
    """Print a result as JSON where that is asked for, and return whether it was."""
    if as_json:
        print_json(content)
    return as_json


def report(error: TwinmatchError) -> None:
    """Tell every problem of an error on stderr with its code, those of one cause together, in the language asked for."""
    code = _language_asked()
    for problem in grouped(error.problems):
        say(f"{shown(problem.says, code)}  [{problem.code}]")
    count = sum(problem.code != "repair" for problem in error.problems)
    if count > 1:
        say(shown(wording.say("{n} problems; nothing was written.", n=count), code))


def _language_asked() -> str:
    """Return the language of the command line, also where it could not be read; else that of the environment."""
    given = os.environ.get("TWINMATCH_LANGUAGE", "")
    for word, after in zip(sys.argv, [*sys.argv[1:], ""], strict=True):
        name, _, value = word.partition("=")
        given = (value or after) if name == "--language" else given
    return given if given in LANGUAGES else "en"


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Show what is being done on stderr, where that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console

    with Console(stderr=True).status("Starting") as status:
        yield lambda step: status.update(f"{step} …")


MOST_ASKED = 3
"""Questions that are asked at a terminal; further ones are listed."""


def cohort_of(
    profiles: Path | None, hosts: Sequence[str] = (), mapping: Path | None = None
) -> Cohort:
    """Return the cities of a folder or table, and the hosts they are to meet; the bundled ones where none is named."""
    return _told(_raw(profiles, mapping), hosts)


def _raw(profiles: Path | None, mapping: Path | None) -> Raw:
    return tm.reading.read_raw(profiles, tm.reading.read_mapping(mapping) if mapping else None)


def _told(raw: Raw, hosts: Sequence[str]) -> Cohort:
    """Return the cohort of what was read; of somebody's own table the doubts and open questions are shown."""
    return tm.intake.survey.cohort_of(
        raw, hosts, lambda problem: say(f"{problem}  [{problem.code}]")
    )


def survey_of(
    profiles: Path | None, hosts: Sequence[str], mapping: Path | None, out: Path, *, yes: bool
) -> Cohort:
    """Return the cities of a table of any survey tool, with the hosts that they are to meet.

    At a terminal up to three open questions are asked; in scripts they are listed with the line that answers each, and
    with ``yes`` the likely answers are taken and listed. How the table is read is written beside it, or beside ``out``
    where its folder is read-only.
    """
    raw = _raw(profiles, mapping)
    if raw.is_survey and raw.questions and raw.used:
        answered = _asked(raw.questions, raw.used, yes=yes)
        raw = tm.reading.read_raw(profiles, answered) if answered != raw.used else raw
    cohort = _told(raw, hosts)
    if profiles is None or not raw.is_survey:
        return cohort
    mine = {r.data.get("id") for r in raw.cities} & cohort.index.keys()  # rows left out are told
    say(f"{len(mine)} cities of {profiles.name} take part.")
    hosting = sum(
        bool(tm.intake.survey.HOSTING & {*map(str, city.roles)}) for city in cohort.cities
    )
    if not hosts and 2 * hosting < len(cohort):
        say(f"{hosting} of them host others; --hosts bundled brings the bundled hosts.")
    if raw.used is not None and mapping is None:
        text = tm.reading.mapping.to_toml(raw.used, profiles.name, raw.questions).encode()
        place = tm.reading.mapping.mapping_path(profiles)
        try:
            tm.files.write_file(place, text)
        except OSError:
            place = out.with_name(f"{out.name}-{place.name}")
            tm.files.write_file(place, text)
        say(f"How it was read stands in {place}: change a line there and run again.")
    return cohort


def _asked(questions: Sequence[MappingQuestion], used: Mapping, *, yes: bool) -> Mapping:
    """Return the mapping with the answers to the first questions; a likely answer is taken with ``yes``, and shown."""
    if not yes and not (sys.stdin.isatty() and sys.stderr.isatty()):
        return used
    for question in questions if yes else questions[:MOST_ASKED]:
        said: str | None = question.guess or None
        if not yes:
            said = _typed(question)
        elif said:
            say(f"{question.where}: {question.asks} Taken: {dict(question.choices)[said]}.")
        used = used if said is None else used.answered(question, said)
    return used


def _typed(question: MappingQuestion) -> str | None:
    """Return the choice whose number was typed, asked until it is one; None where nothing was typed."""
    say(f"{question.where}: {question.asks}")
    numbers = {str(k): choice for k, (choice, _) in enumerate(question.choices, 1)}
    for k, (_, words) in enumerate(question.choices, 1):
        say(f"  {k}  {words}")
    while typed := typer.prompt("Number, or Enter to skip", "", show_default=False, err=True):
        if typed in numbers:
            return numbers[typed]
        say(f"There is no answer {typed!r}: type one of {', '.join(numbers)}, or press Enter.")
    return None


def proposal_of(place: Path) -> Proposal:
    """Return the proposal of a proposal.json."""
    return tm.exporting.folder_files.read_proposal(place)


def decided_of(previous: Path | None, lock: Pairs = None, ban: Pairs = None) -> Decided:
    """Return what the options of a command decide: pairs that must or must not meet, and the earlier proposal."""
    return tm.app.decided.Decided(
        tuple(pair(text, "--lock") for text in lock or ()),
        tuple(pair(text, "--ban") for text in ban or ()),
        earlier=proposal_of(previous) if previous else None,
    )


def described(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command as Typer reads it: the lines below its own words, ``name: words``, are the help of its options.

    The fields of its parameter ``asked`` are options of their own, in its place.
    """
    lines = (getdoc(command) or "").partition("\n\n")[2].splitlines()
    words = dict(line.split(": ", 1) for line in lines)
    hints = get_type_hints(command, include_extras=True)
    asked: Any = hints.get("asked")
    given: list[tuple[str, Any, Any]] = []
    for name, own in signature(command).parameters.items():
        if name == "asked":
            of_kind = get_type_hints(asked, include_extras=True)
            given += [(f.name, of_kind[f.name], f.default) for f in fields(asked)]
        else:
            given.append((name, hints.get(name, own.annotation), own.default))
    parameters = [
        Parameter(
            name,
            Parameter.KEYWORD_ONLY,
            default=default,
            annotation=_with_help(name, kind, default, words.get(name, "")),
        )
        for name, kind, default in given
    ]

    @wraps(command)
    def run(**given: Any) -> None:
        if asked is not None:
            given["asked"] = asked(**{f.name: given.pop(f.name) for f in fields(asked)})
        command(**given)

    run.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in parameters}
    return run


def _with_help(name: str, kind: Any, default: Any, words: str) -> Any:
    """Return the type of an option with its help: a command's own words, or those of every command with such an option."""
    kind, *said = get_args(kind) if get_origin(kind) is Annotated else (kind,)
    flag = Option(f"--{name.replace('_', '-')}") if kind is bool else Option()
    info = copy(said[0] if said else Argument() if default is Parameter.empty else flag)
    info.help = words or info.help or data_beside(__file__, "options.toml").get(name)
    return Annotated[kind, info]


@dataclass(frozen=True)
class OfRound:
    """What commands over a round are asked with: its profiles and programme, the text model, and whether as JSON."""

    profiles: Profiles = None
    programme: Programme = None
    hosts: list[str] | None = None
    text_model: str | None = None
    as_json: AsJson = False

    @property
    def over(self) -> str:
        """Return profiles, programme and hosts as the next command takes them."""
        return over(self.profiles, self.programme, self.hosts)

    def decided(self) -> tuple[Decided, ...]:
        """Return what the options decide."""
        return ()

    @contextmanager
    def round(self) -> Iterator[tuple[Round, Callable[[str], None]]]:
        """Give the round, opened once, and what shows the steps of the work on it."""
        decided = self.decided()
        with progress() as told:
            rules = tm.programmes.load(*(self.programme or ()))
            told("Profiles")
            cohort = cohort_of(self.profiles, self.hosts or ())
            yield (
                tm.app.round.open_round(
                    cohort, rules, decided, model=self.text_model, progress=told
                ),
                told,
            )

    @contextmanager
    def case(self) -> Iterator[tuple[Case, Callable[[str], None]]]:
        """Give the twinning of the round, solved, and what shows the steps."""
        with self.round() as (round_, told):
            yield tm.whatif.case.twinning_case(round_), told

    def printed(self, found: object) -> bool:
        """Print a result as JSON where that is asked for, and return whether it was."""
        return printed(found, self.as_json)


@dataclass(frozen=True)
class OfDecidedRound(OfRound):
    """What commands are asked with over a round on which options decide."""

    previous: Path | None = None
    lock: Pairs = None
    ban: Pairs = None

    def decided(self) -> tuple[Decided, ...]:
        """Return what the options decide: pairs that must or must not meet, and the earlier proposal."""
        return (decided_of(self.previous, self.lock, self.ban),)


@contextmanager
def spread_over(dask: str | None) -> Iterator[None]:
    """Have a Dask cluster share the work of the block, or nobody; the cluster is closed again if it was made here."""
    if dask is None:
        yield
        return
    try:
        distributed: Any = import_module("dask.distributed")
    except ImportError:
        do = 'Install it with: pip install "twinmatch[cluster]".'
        raise QuestionError.of("no-dask", "Dask is not installed.", do=do) from None
    from joblib import parallel_config

    with ExitStack() as stack:
        place: Any = dask
        if dask.isdigit():
            workers = {"n_workers": max(int(dask), 1), "threads_per_worker": 1}
            cluster = distributed.LocalCluster(**workers, dashboard_address=None)
            place = stack.enter_context(cluster)
        stack.enter_context(distributed.Client(place))
        stack.enter_context(parallel_config(backend="dask"))
        yield
