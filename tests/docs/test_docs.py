"""The documentation under test: code runs, commands and links exist. `make check` compares references with the code."""

from __future__ import annotations

import ast
import inspect
import re
import shlex
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest
from typer import Context
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from cities import some_bundled
from twinmatch.cli import COMMANDS, app, function_of
from twinmatch.facets import FACETS
from twinmatch.programmes import PRODUCTS
from twinmatch.programmes.programme import programme_model, recipe_names

REPO = Path(__file__).resolve().parents[2]
DOCS = REPO / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), REPO / "README.md", REPO / "CONTRIBUTING.md"])
WITH_PYTHON = [
    p for p in PAGES if p.parent == DOCS and "```python\n" in p.read_text(encoding="utf-8")
]
"""Pages whose Python runs, from the first block to the last, in one go."""


def name_of(page: Path) -> str:
    return page.relative_to(REPO).as_posix()


def every_command() -> Iterator[tuple[str, TyperCommand]]:
    """Yield each command by the words that call it, those of groups too."""
    root = get_command(app)
    context = Context(root)
    for word in root.list_commands(context):
        command = root.get_command(context, word)
        if isinstance(command, TyperGroup):
            for inner in command.list_commands(context):
                if inner not in root.list_commands(context):  # one that stands for itself too
                    yield f"{word} {inner}", command.get_command(context, inner)
        else:
            yield word, command


def test_every_command_option_facet_format_and_setting_is_documented():
    commands = (DOCS / "commands.md").read_text(encoding="utf-8")
    for name, command in every_command():
        assert f"## twinmatch {name}\n" in commands
        for option in (o for p in command.params for o in p.opts if o.startswith("--")):
            assert f"`{option}`" in commands.split(f"## twinmatch {name}\n")[1].split("\n## ")[0], (
                name,
                option,
            )
    facets = (DOCS / "facets-and-rules.md").read_text(encoding="utf-8")
    for name in (*FACETS, *PRODUCTS):
        assert f"| `{name}` |" in facets
    settings = (DOCS / "programme-file.md").read_text(encoding="utf-8")
    for name, field in programme_model().model_fields.items():
        assert f"`{name}`" in settings or f"[{name}]" in settings, field
    for name in recipe_names():
        assert f"`{name}`" in settings


def test_every_command_has_a_sentence_of_help_and_every_option_a_meaning():
    for name, command in every_command():
        assert (command.help or "").strip().endswith("."), name
        for p in command.params:
            if p.name not in ("help",):
                assert getattr(p, "help", ""), (name, p.name)


def lines_of(page: Path, language: str) -> list[str]:
    """Return the lines of a page's blocks in a language, continued lines joined."""
    found = re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    return [line for block in found for line in block.replace("\\\n", " ").splitlines()]


def test_every_command_in_the_documentation_exists_with_its_options():
    root = get_command(app)
    context = Context(root)
    seen = 0
    for page in PAGES:
        texts = [
            *lines_of(page, "bash"),
            *re.findall(r"`(twinmatch [^`\n]+)`", page.read_text(encoding="utf-8")),
        ]
        for line in (t.strip() for t in texts):
            if not line.startswith("twinmatch "):
                continue
            parts = shlex.split(line.partition(" #")[0])[1:]
            if not parts or parts[0].startswith("-") or parts[0].isupper():
                continue
            command = root.get_command(context, parts[0])
            if isinstance(command, TyperGroup) and parts[1:] and not parts[1].startswith("-"):
                command = command.get_command(context, parts[1])
            assert command is not None, f"{name_of(page)}: {line}"
            known = {o for p in command.params for o in (*p.opts, *p.secondary_opts)} | {
                "--help",
                "-h",
            }
            asked = {p.partition("=")[0] for p in parts[1:] if p.startswith("--")}
            assert asked <= known, f"{name_of(page)}: {line}"
            seen += 1
    assert seen > 25


_LINK = re.compile(r"!?\[[^\]]*\]\((?!https?:|mailto:|#)([^)\s#]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("doc", PAGES, ids=name_of)
def test_links_lead_somewhere(doc):
    prose = re.sub(r"```.*?```", "", doc.read_text(encoding="utf-8"), flags=re.DOTALL)
    missing = [link for link in _LINK.findall(prose) if not (doc.parent / link).resolve().exists()]
    assert missing == []


def test_the_first_steps_are_there():
    assert {"start-analyst.md", "start-api.md", "adding.md"} <= {p.name for p in WITH_PYTHON}


SERVICE = "127.0.0.1:8080"
"""Where the documentation expects the service; the tests serve it elsewhere."""


NAMED = {"be-leuven", "be-ghent", "de-cologne", "de-dresden", "fi-lahti"}
FEWER = """
from pathlib import Path

import twinmatch.reading

_path = twinmatch.reading.bundled_path
twinmatch.reading.bundled_path = lambda *parts: Path({!r}) if parts == ("city_profiles",) else _path(*parts)

"""


@pytest.fixture(scope="module")
def cities(tmp_path_factory) -> Path:
    """Every eighth bundled city and those that the pages name: what is shown is that the code runs."""
    return some_bundled(tmp_path_factory.mktemp("cities"), 8, *NAMED)


@pytest.fixture(scope="module")
def address(cities, tmp_path_factory) -> Iterator[str]:
    """Serve cities at a free port, and give its address."""
    folder = tmp_path_factory.mktemp("service")
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "twinmatch", "serve", str(cities), "--port", str(port), "--store", str(folder / "s.sqlite")],
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(1500):
            with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/cities"):
                break
            time.sleep(0.2)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(120)


@pytest.mark.slow
@pytest.mark.parametrize("doc", WITH_PYTHON, ids=name_of)
def test_the_code_of_a_page_runs(doc, cities, tmp_path, request):
    """In a process of its own: the code of a page may add to registries."""
    blocks = re.findall(r"```python\n(.*?)```", doc.read_text(encoding="utf-8"), re.DOTALL)
    code = FEWER.format(str(cities)) + "\n\n".join(blocks)
    if SERVICE in code:
        code = code.replace(SERVICE, request.getfixturevalue("address"))
    (tmp_path / "page.py").write_text(code, encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:twinmatch", "page.py"],
        cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-2000:]


@pytest.mark.slow
def test_the_site_builds_strictly(tmp_path):
    pytest.importorskip("mkdocs")
    run = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")],
        cwd=REPO, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-2000:]
    page = (tmp_path / "site/index.html").read_text(encoding="utf-8")
    assert not re.search(r'<(?:link|script|img)[^>]+(?:href|src)="(?:https?:)?//', page)


SILENT = {"serve", "learn", "mcp"}
"""Commands that go on until they are stopped, or speak to programs alone."""


@cache
def functions_of(file: str) -> dict[str, ast.FunctionDef]:
    """Return the functions of a file of code by name."""
    tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    return {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef)}


def test_every_command_says_what_to_do_next():
    """Read from the source: a command, or what it calls in its own module, says a next step."""
    for name in COMMANDS:
        command = inspect.unwrap(function_of(name))
        functions = functions_of(inspect.getsourcefile(command) or "")
        pending, seen = [command.__code__.co_name], set()
        while pending:
            current = pending.pop()
            if current in functions and current not in seen:
                seen.add(current)
                calls = (n for n in ast.walk(functions[current]) if isinstance(n, ast.Call))
                pending += [c.func.id for c in calls if isinstance(c.func, ast.Name)]
        said = " ".join(ast.unparse(functions[f]) for f in seen)
        assert re.search(r"Next\b|Then:|and run: |Open \{|shows? them", said) or name in SILENT, (
            name
        )
