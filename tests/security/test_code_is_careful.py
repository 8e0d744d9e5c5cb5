"""What the code itself may not do: fetch, run or unfold what others gave, take long over a text, or tell secrets."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest
from matching_steps import Steps, TooManyStepsError

import twinmatch

SOURCE = Path(twinmatch.__file__).parent


@cache
def nodes() -> list[tuple[str, ast.AST]]:
    """Return every call and import of the code with its file; made when a test asks, as every worker collects."""
    return [
        (path.relative_to(SOURCE).as_posix(), node)
        for path in sorted(SOURCE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call | ast.Import | ast.ImportFrom)
    ]


@cache
def calls() -> list[tuple[str, int, str, ast.Call]]:
    """Return every call: file, line, dotted name, the call itself."""
    found = [(name, node) for name, node in nodes() if isinstance(node, ast.Call)]
    return [(name, node.lineno, ast.unparse(node.func), node) for name, node in found]


def imports() -> Iterator[tuple[str, str]]:
    """Yield every import: file, dotted name."""
    for name, node in nodes():
        if isinstance(node, ast.Import):
            yield from ((name, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((name, f"{node.module}.{alias.name}") for alias in node.names)


FETCHES = {"urllib.request", "http.client", "requests", "httpx", "httpx2", "aiohttp", "ftplib",
           "smtplib", "socket", "telnetlib", "urllib3", "xmlrpc"}  # fmt: skip
UNFOLDS = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "jsonpickle"}
RUNS = {"eval", "exec", "compile", "os.system", "os.popen", "__import__"}


def test_nothing_is_fetched() -> None:
    """A text model that somebody names is fetched by its own library; letters go to the mail server that is configured."""
    found = [(f, n) for f, n in imports() if any(n == x or n.startswith(f"{x}.") for x in FETCHES)]
    assert found == [("web/mail.py", "smtplib")]


def test_nothing_of_others_is_unfolded_or_run() -> None:
    assert [(f, n) for f, n in imports() if n.partition(".")[0] in UNFOLDS] == []
    found = [(f, line, name) for f, line, name, _ in calls() if name in RUNS]
    assert found == []
    loads = ("joblib.load", "torch.load", "np.load", "numpy.load", "pd.read_pickle", "pandas.read_pickle")  # fmt: skip
    for file, line, name, call in calls():
        given = {k.arg: ast.unparse(k.value) for k in call.keywords}
        if name in loads:
            assert name.endswith("np.load"), f"{file}:{line} {name}"
            assert given.get("allow_pickle", "False") == "False", f"{file}:{line}"
        if name.endswith("yaml.load"):
            assert given.get("Loader") == "_PlainLoader", f"{file}:{line}"
        assert not name.startswith(("yaml.unsafe", "yaml.full", "yaml.load_all")), f"{file}:{line}"
        assert given.get("shell", "False") == "False", f"{file}:{line} {name}"
        assert given.get("trust_remote_code", "False") == "False", f"{file}:{line} {name}"
    from twinmatch.reading.table_files import _PlainLoader

    assert not any("python" in str(tag) for tag in _PlainLoader.yaml_constructors)


def test_zips_and_tars_are_never_unpacked_to_disk() -> None:
    assert [
        n for *_, n, _ in calls() if n.endswith((".extractall", ".extract")) and "zip" in n
    ] == []
    assert not any(
        n.partition(".")[0] in {"tarfile", "shutil.unpack_archive"} for _, n in imports()
    )


def test_xml_is_read_by_careful_parsers_alone() -> None:
    """Workbooks by openpyxl with defusedxml, OpenDocument by expat with document types refused."""
    found = {n for _, n in imports() if n.startswith(("xml.", "lxml", "xml"))}
    assert found <= {"xml.parsers.expat", "xml.sax.saxutils.escape", "xml.sax.saxutils.quoteattr",
                     "xml.etree.ElementTree.Element", "xml.etree.ElementTree.tostring"}, found  # fmt: skip
    import openpyxl.xml

    assert openpyxl.xml.DEFUSEDXML, "defusedxml is not installed"


def test_sql_is_never_put_together_from_what_people_type() -> None:
    """Text of SQL is a constant, but in migrations and triggers, which name our own tables."""
    for file, line, name, call in calls():
        if name.rpartition(".")[2] in {"text", "exec_driver_sql"} and name.startswith(
            ("sa.", "sqlalchemy.", "connection.", "c.")
        ):
            constant = all(isinstance(a, ast.Constant) for a in call.args)
            own = file in {"store/database.py"} or "migrations" in file
            assert constant or own, f"{file}:{line}"


def test_no_template_marks_what_people_wrote_as_safe() -> None:
    """Everything is escaped; what is marked safe is our own drawing, styles and code, by name."""
    found = {}
    for path in sorted(SOURCE.rglob("*.j2")):
        for expression in re.findall(
            r"{{([^}]*\|\s*safe[^}]*)}}", path.read_text(encoding="utf-8")
        ):
            found.setdefault(path.name, set()).add(expression.strip())
        assert "autoescape false" not in path.read_text(encoding="utf-8")
    assert found == SAFE, "say here why it holds nothing that people wrote"
    made = [(f, line) for f, line, n, _ in calls() if n.rpartition(".")[2] == "Markup"]
    assert {f for f, _ in made} <= MARKED, made
    for file, line, name, call in calls():
        if name == "Environment":
            given = {k.arg: ast.unparse(k.value) for k in call.keywords}
            assert given.get("autoescape") not in {None, "False"}, f"{file}:{line}"


SAFE: dict[str, set[str]] = {}
MARKED = {"exporting/charts.py", "exporting/report.py"}
"""Drawings are made of numbers and of texts that are escaped one by one; test_injection.py draws hostile ones. A made text
on a page has each of its pieces escaped before they are put into its message (test_message_catalogues.py)."""


# --- patterns that take long ----------------------------------------------------------------------------------


@cache
def patterns() -> dict[str, re.Pattern[str] | re.Pattern[bytes]]:
    """Return every pattern of the modules once: those kept under a name, and those written where they are used."""
    found: dict[str, re.Pattern[str] | re.Pattern[bytes]] = {}
    for info in pkgutil.walk_packages(twinmatch.__path__, "twinmatch."):
        if ".migrations" in info.name or info.name.endswith("__main__"):
            continue
        try:
            module = importlib.import_module(info.name)
        except ImportError:
            continue  # an extra that is not installed
        for name, value in vars(module).items():
            for one in value if isinstance(value, tuple | list) else (value,):
                if isinstance(one, re.Pattern):
                    found[f"{info.name}.{name}"] = one
    for file, line, name, call in calls():
        if name in {
            f"re.{f}"
            for f in ("match", "search", "sub", "split", "findall", "fullmatch", "finditer")
        }:
            first = call.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str | bytes):
                found[f"{file}:{line}"] = re.compile(first.value)
    return {name: pattern for pattern, name in {p: n for n, p in reversed(found.items())}.items()}


sys.setrecursionlimit(
    max(sys.getrecursionlimit(), 100_000)
)  # the counted search calls itself at each character

PIECES = ("a", "A", "1", " ", "-", ".", "@", "+", "0 ", "(1", "Aa ", "Mr ", "x@y.", "a.a", " at ", "<c r=\"A1\"", "<f>",
          "/", "'", "\"", ",", "é", "1.", "+1 2", "Dr. Aa ", "mayor Aa ", "\t", "\n", "=", "[", "{", "(", "a-", "_", "van ",
          "tel 1", "00 1", "[at]", "<!", "&", "%", ":", "a1", "<c ", "<a:", "<c r=\"A1\">", "r=\"A1\" ", "<c r=\"A1\"><f>", "<mergeCell ", "a at a", "a at a.aa", "city ",
          "stadt ", "aa.bb ", "x[at]", "a[dot]", "(a", "a)", "0-", "1/1 ", "A. ")  # fmt: skip
"""What strings that make patterns go back and forth are made of."""

BRIEF, SHORT, MIDDLE, LONG = 50, 200, 400, 800
"""Characters. Steps that grow tenfold from short to long are a square: a n + b n^2 with a <= 200 b, which grows 6.4 fold
from brief to short and threefold from short to middle, so that what grows less need not be looked at longer."""
FEW = 20
"""Steps a character that are no sign of a pattern that goes back and forth."""
BEYOND = 2_000
"""Steps a character at which counting ends: more than a square, and far below what doubles with each character."""


def steps(counted: Steps, text: str, how: str) -> int:
    """Return the steps of a match or a search, counted and not timed."""
    counted.over(text, most=BEYOND * len(text))
    with suppress(TooManyStepsError):
        getattr(counted, how)()
    return counted.steps


def grows_too_fast(counted: Steps, piece: str, end: str, how: str) -> bool:
    """Return whether four times the length takes ten times the steps: four is a line, sixteen a square.

    Where no match looks half as far as the text is long, it does so from each place of a longer one, which repeats the
    same piece: a line, and nothing longer is looked at.
    """
    took = dict[int, int]()
    for length, than, times in (
        (BRIEF, 0, 0),
        (SHORT, BRIEF, 6),
        (MIDDLE, SHORT, 3),
        (LONG, SHORT, 10),
    ):
        took[length] = steps(counted, (piece * length)[:length] + end, how)
        if took[length] > BEYOND * length:
            return True
        if counted.far < length / 2 or took[length] < times * took.get(than, 0):
            return False
    return took[LONG] >= FEW * LONG


def test_there_are_patterns() -> None:
    assert len(patterns()) > 40
    assert set(patterns()) >= ANCHORED


ANCHORED = {
    "twinmatch.embedding.sentences._LEADING_BULLET",
    "twinmatch.embedding.sentences._NEXT_LETTER",
    "twinmatch.exporting.words._PLACE",
    "twinmatch.exporting.words._SCALE",
    "twinmatch.files.PARTIAL",
}
"""Patterns that are tried at one place of a text (match, fullmatch) and nowhere searched for."""


def test_no_pattern_takes_long_over_any_text() -> None:
    slow = [
        (name, piece, end)
        for name, pattern in patterns().items()
        for counted in [Steps(pattern)]
        for piece in PIECES
        for end in ("", "!")
        if grows_too_fast(counted, piece, end, "match" if name in ANCHORED else "search")
    ]
    assert slow == []


@pytest.mark.parametrize(
    ("pattern", "piece", "end"),
    [
        (r"\d+@", "1", ""),
        (r"(a+)+b", "a", "!"),
        (r"\s*x", " ", ""),
        (r"(a|a)*b", "a", "!"),
        (r"a*a*b", "a", ""),
    ],
)
def test_a_pattern_that_goes_back_and_forth_is_found(pattern: str, piece: str, end: str) -> None:
    assert grows_too_fast(Steps(re.compile(pattern)), piece, end, "search")


def test_the_counted_search_finds_what_the_pattern_finds() -> None:
    for name, pattern in patterns().items():
        counted = Steps(pattern)
        for text in (*PIECES, *SPOKEN):
            given = text.encode() if isinstance(pattern.pattern, bytes) else text
            assert counted.over(text).search() == bool(pattern.search(given)), (name, text)
            assert counted.over(text).match() == bool(pattern.match(given)), (name, text)


SPOKEN = ("Contact: Anna Kanarek, +49 241 555 0199", "Mayor Jan Novak, j.novak@town.example", "1.234,5 kt in 2020",
          "Heat [at] home; https://example.org/a?b=c", "<c r=\"A1\"><f>SUM(A2:A9)</f></c>", "2024-05-01 10:00")  # fmt: skip
"""Texts as people write them, plain in ASCII so that patterns of bytes read them too."""
