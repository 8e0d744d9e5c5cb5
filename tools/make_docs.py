"""Make the reference pages of the documentation from the code, or check that they are up to date.

    python tools/make_docs.py [--check]

Commands and options, the programme file, error codes, facets and rules: each is listed because the code has it,
so none can be left out.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from twinmatch.programmes.programme import programme_schema
from twinmatch.proposal import proposal_schema
from twinmatch.schema import json_schema

REPO = Path(__file__).resolve().parent.parent
SOURCE = REPO / "src" / "twinmatch"
DOCS = REPO / "docs"
MADE = "Made from the code by `make docs`; do not edit."


# --- commands ----------------------------------------------------------------------------------------------


def commands_text() -> str:
    """Return every command with its arguments and options."""
    from twinmatch.cli import every_command

    parts = [
        "# Commands",
        "",
        f"{MADE} Exit codes: 0 done; 2 a wrong question or bad data, with every problem listed; 3 no proposal fits",
        "the rules, or a format that a programme file asks for was not formed (status `infeasible` in `--json`; of a twinning: its",
        "rules let no pair be), with advice. Results go to stdout, messages to stderr; `--json` prints JSON alone on stdout.",
        "",
    ]
    for name, command in every_command():
        parts += [
            f"## twinmatch {name}",
            "",
            _line(command.help or ""),
            "",
            *_parameters(command),
            "",
        ]
    return "\n".join(parts)


def _parameters(command: Any) -> Iterator[str]:
    shown = [p for p in command.params if p.name != "help"]
    if not shown:
        return
    yield "| argument or option | meaning | default |"
    yield "|---|---|---|"
    for p in shown:
        option = p.param_type_name == "option"
        names = (
            ", ".join(f"`{o}`" for o in (*p.opts, *p.secondary_opts))
            if option
            else f"`{p.metavar or p.name.upper()}`"
        )
        default = (
            "" if p.default in (None, (), [], False) or callable(p.default) else f"`{p.default}`"
        )
        needed = "required" if p.required else default
        yield f"| {names} | {_line(getattr(p, 'help', '') or '')} | {needed} |"


def _line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


# --- the programme file ------------------------------------------------------------------------------------


def programme_text() -> str:
    """Return every setting of a programme file, with values, default and meaning."""
    from twinmatch.programmes.programme import bundled_names, programme_schema, recipe_names

    schema = programme_schema()
    parts = [
        "# The programme file",
        "",
        f"{MADE}",
        "",
        "A programme file is TOML. It asks for products, each in its own table, and says under which rules and",
        "weights they are made. An unknown key is an error that names the known ones; nothing is ignored. Without",
        "`--programme`, the bundled files are used: "
        + ", ".join(f"`{n}`" for n in bundled_names())
        + ".",
        "Files of real programmes are named the same way: "
        + ", ".join(f"`{n}`" for n in recipe_names())
        + ".",
        "[Recipes](recipes.md) tell what each of them says and why.",
        "",
        "```toml",
        'name = "Spring round"',
        "",
        "[twinning]",
        "places = 20",
        "guests_per_host = [0, 2]",
        "another_country = true",
        "",
        "[twinning.guests]",
        "neutral_by = 2050",
        'unknown = "ask first"',
        "",
        "[twinning.weights]",
        "needs_offers = 3",
        "challenges_met = 2",
        "```",
        "",
        "A table without weights says what differs from the bundled one: `[twinning]` with `places = 10` alone is the bundled",
        "twinning with 10 places. What it leaves out, tables inside it included, is as bundled (a list that is given replaces",
        "the bundled list); the proposal names it, under `made_from.programme.bundled` and among its notes. A table that gives",
        "its weights (`mix` for panels) stands alone: what it leaves out has the default of the tables below. Policy exchange",
        "and the world café, of which no file is bundled, take the tables of the recipe `conference`.",
        "",
        "Check it without solving anything long: `twinmatch propose --programme my.toml` names every problem of the",
        "file before it begins.",
        "",
        "## At the head",
        "",
        *_settings(schema, schema, tables=False),
    ]
    written: dict[str, str] = {}
    for name, field in schema["properties"].items():
        table = _table_of(field, schema)
        if table is not None:
            parts += ["", f"## [{name}]", "", _line(table.get("description", "")), ""]
            parts += list(_settings(table, schema, tables=True))
            for path, inner in _inner(table, schema, name):
                told = "\n".join(_settings(inner, schema, tables=True))
                first = written.setdefault(told, path)
                body = told if first == path else f"The same settings as `[{first}]`."
                parts += ["", f"### [{path}]", "", _line(inner.get("description", "")), "", body]
    return "\n".join(parts) + "\n"


def _alternatives(field: dict[str, Any], root: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the alternatives of a field, references followed, null left out."""
    found = []
    for option in field.get("anyOf", field.get("allOf", [field])):
        target = root["$defs"][option["$ref"].rpartition("/")[2]] if "$ref" in option else option
        if target.get("type") != "null":
            found.append(target)
    return found


def _table_of(field: dict[str, Any], root: dict[str, Any]) -> dict[str, Any] | None:
    """Return the settings class that a field holds, or holds a list of."""
    for option in _alternatives(field, root):
        if "properties" in option:
            return option
        for key in ("items", "additionalProperties"):
            if isinstance(option.get(key), dict):
                inner = _table_of(option[key], root)
                if inner is not None:
                    return inner
    return None


def _inner(
    table: dict[str, Any], root: dict[str, Any], path: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, field in table["properties"].items():
        inner = _table_of(field, root)
        if inner is not None:
            yield f"{path}.{name}", inner


def _settings(table: dict[str, Any], root: dict[str, Any], *, tables: bool) -> Iterator[str]:
    yield "| setting | values | default | meaning |"
    yield "|---|---|---|---|"
    for name, field in table["properties"].items():
        inner = _table_of(field, root)
        if inner is not None and not tables:
            continue
        values = " or ".join(dict.fromkeys(_values(o, root) for o in _alternatives(field, root)))
        default = field.get("default")
        shown = (
            ""
            if default is None or isinstance(default, dict) or inner is not None
            else f"`{default}`"
        )
        needed = "required" if name in table.get("required", ()) else shown
        meaning = field.get("description") or (inner or {}).get("description", "")
        yield f"| `{name}` | {values} | {needed} | {_line(meaning)} |"


def _values(option: dict[str, Any], root: dict[str, Any]) -> str:
    if "enum" in option:
        return ", ".join(f"`{v}`" for v in option["enum"])
    if "const" in option:
        return f"`{option['const']}`"
    if "prefixItems" in option:
        inner = [_values(_alternatives(i, root)[0], root) for i in option["prefixItems"]]
        return f"[{', '.join(inner)}]"
    kind = option.get("type")
    if kind == "array":
        items = option.get("items", {})
        return "list of " + " or ".join(_values(o, root) for o in _alternatives(items, root))
    if kind == "object" or "properties" in option:
        return "table"
    signs = {"minimum": "≥", "maximum": "≤", "exclusiveMinimum": ">", "exclusiveMaximum": "<"}
    limits = [f"{sign} {option[key]:g}" for key, sign in signs.items() if key in option]
    words = {"string": "text", "boolean": "true or false"}
    return " ".join([words.get(str(kind), str(kind or "any value")), *limits])


# --- error codes -------------------------------------------------------------------------------------------


def errors_text() -> str:
    """Return every code of an error, warning or note, with what it says and what it advises."""
    rows: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    for code, found, do in sorted({r for p in sorted(SOURCE.rglob("*.py")) for r in _problems(p)}):
        says, advice = rows.setdefault(code, ({}, {}))
        says[found] = None
        if do:
            advice[do] = None
    parts = [
        "# Error codes",
        "",
        f"{MADE} Every error on purpose has a code, says what was found and where, and what to do. All problems of an",
        "input are told together, and nothing is written where there is an error. Parts in braces are filled in. Names",
        "that are not known come with the nearest known ones: “Did you mean …?”. Where a code has several wordings, two are shown. A format that was not formed while others were is no",
        "error with a code: files are written, and its status is `infeasible`, with its reason and repairs.",
        "",
        "",
        "| code | what it says | what to do |",
        "|---|---|---|",
    ]
    lines = (
        f"| `{code}` | {' / '.join(list(says)[:2])} | {' / '.join(list(advice)[:2])} |"
        for code, (says, advice) in rows.items()
    )
    return "\n".join([*parts, *lines]) + "\n"


def _problems(path: Path) -> Iterator[tuple[str, str, str]]:
    """Yield the problems that a module can tell: code, words, advice."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for scope in ast.walk(tree):
        if not isinstance(scope, ast.FunctionDef | ast.Module):
            continue
        named: Named = _assigned(scope) if isinstance(scope, ast.FunctionDef) else {}
        for node in _own_calls(scope):
            given = _told(node)
            for code in _codes(given.get("code"), named):
                yield code, _words(given.get("found"), named), _words(given.get("do"), named)


TOLD: Final = ("code", "found", "where", "do")


def _told(node: ast.Call | ast.Yield) -> dict[str, ast.expr]:
    """Return what a call says of a problem, by name: of Problem, of an error, or of a function that makes one of its
    parameters; or what is yielded to such a function.
    """
    if isinstance(node, ast.Yield):
        parts = node.value.elts if isinstance(node.value, ast.Tuple) else []
        return dict(zip(TOLD, parts, strict=False)) if parts and _is_code(parts[0]) else {}
    called = ast.unparse(node.func)
    is_own = called == "Problem" or called.endswith(("Error.of", ".tally", "CustomError"))
    names = TOLD if is_own else _tellers().get(called.rpartition(".")[2], ())
    given = dict(zip(names, node.args, strict=False))
    given |= {k.arg: k.value for k in node.keywords if k.arg in names}
    return given if is_own or len(given) > 2 else {}  # something else is added or noted


def _is_code(node: ast.expr) -> bool:
    said = node.value if isinstance(node, ast.Constant) else ""
    return isinstance(said, str) and re.fullmatch(r"[a-z]+(-[a-z0-9]+)+", said) is not None


@cache
def _tellers() -> dict[str, tuple[str, ...]]:
    """Return the parameters, in their order, of each function that makes a problem of a code that it is given."""
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        for scope in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(scope, ast.FunctionDef) and not scope.name.startswith("__"):
                names = [a.arg for a in scope.args.args if a.arg not in ("self", "cls")]
                codes = {
                    ast.unparse(node.args[0])
                    for node in _own_calls(scope)
                    if isinstance(node, ast.Call) and node.args
                    if ast.unparse(node.func) == "Problem"
                }
                if "code" in codes and "code" in names and scope.name != "of":
                    found[scope.name] = tuple(names)
    return found


def _own_calls(scope: ast.AST) -> Iterator[ast.Call | ast.Yield]:
    """Yield the calls and yields of a function, or those of a module that stand in no function."""
    pending = list(ast.iter_child_nodes(scope))
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Call | ast.Yield):
            yield node
        if not isinstance(node, ast.FunctionDef):
            pending.extend(ast.iter_child_nodes(node))


Named = dict[str, list[tuple[int, ast.expr]]]
"""The texts that names stand for, each with the line from which on."""


def _assigned(scope: ast.FunctionDef) -> Named:
    found: Named = {}
    for node in ast.walk(scope):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                both = isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)
                pairs = (
                    zip(target.elts, node.value.elts, strict=False)
                    if both
                    else [(target, node.value)]
                )
                for one, value in pairs:
                    if isinstance(one, ast.Name):
                        found.setdefault(one.id, []).append((node.lineno, value))
    return found


def _meant(node: ast.Name, named: Named) -> ast.expr | None:
    """Return what a name stands for where it is used: its last assignment before."""
    before = [entry for entry in named.get(node.id, ()) if entry[0] < node.lineno]
    return max(before, key=lambda entry: entry[0])[1] if before else None


def _codes(node: ast.expr | None, named: Named) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _codes(node.body, named)
        yield from _codes(node.orelse, named)
    elif isinstance(node, ast.Name):
        for _, meant in named.get(node.id, ()):
            yield from _codes(meant, {})


def _words(node: ast.expr | None, named: Named, depth: int = 0) -> str:
    """Return a text as it stands in the code, what is filled in as … in braces."""
    if node is None or depth > 3:
        return ""
    if isinstance(node, ast.Constant):
        return _line(str(node.value))
    if isinstance(node, ast.JoinedStr):
        parts = [str(p.value) if isinstance(p, ast.Constant) else "{…}" for p in node.values]
        return _line("".join(parts))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say":
        return re.sub(r"{\w*(:[^}]*)?}", "{…}", _words(node.args[0], named, depth + 1))
    if isinstance(node, ast.Name) and (meant := _meant(node, named)) is not None:
        return _words(meant, named, depth + 1)
    if isinstance(node, ast.IfExp):
        return f"{_words(node.body, named, depth + 1)} / {_words(node.orelse, named, depth + 1)}"
    if isinstance(node, ast.BoolOp):
        return " / ".join(filter(None, (_words(v, named, depth + 1) for v in node.values)))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _words(node.left, named, depth + 1) + " " + _words(node.right, named, depth + 1)
    return "{…}"


# --- facets and rules --------------------------------------------------------------------------------------


def facets_text() -> str:
    """Return every facet with what it asks and how it is measured, and every rule with where it is said."""
    from twinmatch.exporting.words import facet_title
    from twinmatch.facets import FACETS
    from twinmatch.programmes import PRODUCTS

    parts = [
        "# Facets and rules",
        "",
        f"{MADE} [How matching works](how-it-works.md) tells how facets become a score.",
        "",
        "## Facets",
        "",
        "A directed facet compares a city that learns with one that it learns from; the others read the same both ways.",
        "",
        "| facet | title | asks | direction | measured by |",
        "|---|---|---|---|---|",
    ]
    for name, entry in FACETS.items():
        way = "guest to host" if entry.directed else "both ways alike"
        doc = _first(inspect.getdoc(entry.make) or "")
        parts.append(f"| `{name}` | {facet_title(name)} | {entry.asks} | {way} | {doc} |")
    parts += ["", "## Formats", "", "| format | what it is |", "|---|---|"]
    for name, entry in PRODUCTS.items():
        parts.append(f"| `{name}` | {_first(inspect.getdoc(entry.settings) or '')} |")
    parts += [
        "",
        "## Rules",
        "",
        "As reports name them. The settings that make them stand in [the programme file](programme-file.md).",
        "",
        "| rule | what it says | product |",
        "|---|---|---|",
    ]
    found = {row for path in sorted((SOURCE / "programmes").rglob("*.py")) for row in _rules(path)}
    parts += [f"| {name} | {says} | `{module}` |" for name, says, module in sorted(found)]
    return "\n".join(parts) + "\n"


def _first(text: str) -> str:
    return _line(text.split("\n\n")[0])


def _product_of(path: Path) -> str:
    """Return the product whose folder holds a module, else the module's own name."""
    return path.stem if path.parent.name == "programmes" else path.parent.name


def _rules(path: Path) -> Iterator[tuple[str, str, str]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for scope in (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)):
        named = _assigned(scope)
        for node in _own_calls(scope):
            made = isinstance(node, ast.Call) and ast.unparse(node.func) in MAKERS
            given = dict(zip(("name", "says"), node.args, strict=False)) if made else {}
            given |= {k.arg: k.value for k in node.keywords if k.arg} if made else {}
            for name in _names(given.get("name"), named):
                yield name, _words(given.get("says"), named), _product_of(path)
        calls = {ast.unparse(n.func) for n in ast.walk(scope) if isinstance(n, ast.Call)}
        for node in ast.walk(scope) if calls & MAKERS else ():  # (name, says, ...) given on as one
            if isinstance(node, ast.Tuple) and len(node.elts) == 3:
                says = _words(node.elts[1], named)
                if isinstance(node.elts[0], ast.Constant) and says not in ("", "{…}"):
                    for name in _names(node.elts[0], named):
                        yield name, says, _product_of(path)


MAKERS: Final = {"Rule", "forbid", "but_locked", "RuleStatus", "counted"}
"""What makes a rule, or says how it stands, of its name and saying."""


def _names(node: ast.expr | None, named: Named) -> Iterator[str]:
    """Yield the names that a rule can have; one that a variable stands for is the last that it was given."""
    yield from _codes(_meant(node, named) if isinstance(node, ast.Name) else node, {})


# --- the Python door ---------------------------------------------------------------------------------------


def python_text() -> str:
    """Return every name of ``import twinmatch as tm``: its signature, what it says of itself, its example."""
    import twinmatch as tm
    from twinmatch import public

    parts = [
        "# Python: `import twinmatch as tm`",
        "",
        f"{MADE} [Ten tasks](ten-tasks.md) shows them at work. The examples run in the tests, in order.",
        "",
        "```python",
        "import twinmatch as tm",
        "```",
        "",
        *_code(inspect.getdoc(public) or ""),
        "",
    ]
    functions = [name for name in tm.__all__ if inspect.isfunction(getattr(tm, name))]
    classes = [name for name in tm.__all__ if inspect.isclass(getattr(tm, name))]
    for title, names in (("Functions", functions), ("Types", classes)):
        parts += [f"## {title}", ""]
        for name in names:
            parts += _described(f"tm.{name}", getattr(tm, name))
    parts += ["## What functions return", ""]
    for path in RETURNED.split():
        module, _, name = path.rpartition(".")
        parts += _described(name, getattr(import_module(f"twinmatch.{module}"), name))
    return "\n".join(parts)


RETURNED = """app.neighbours.Neighbour app.pairs.PairExplanation proposal.Evidence proposal.Fact whatif.why_not.WhyNotAnswer
whatif.case.Outcome whatif.case.Move whatif.prices.PriceList whatif.stability.Stability whatif.stability.Choice
whatif.backtest.Backtest public.PilotTests solving.assign.Assignment solving.partition.Partition"""
"""Types of results that have no name at the door, with those of their parts."""


def _described(name: str, item: Any) -> Iterator[str]:
    yield from (f"### {name}", "")
    if inspect.isfunction(item):
        yield from ("```text", _signature(name, item), "```", "")
    said = (inspect.getdoc(item) or "").splitlines()
    yield from _code("\n".join(line for line in said if not line.startswith(">>>")).rstrip())
    if examples := [line.removeprefix(">>> ") for line in said if line.startswith(">>>")]:
        yield from ("", "```python", *examples, "```")
    yield ""
    if inspect.isclass(item) and not issubclass(item, Exception):
        yield from _members(item)


def _signature(name: str, function: Any) -> str:
    """Return a function with its arguments and defaults, one line each; types are those of the source."""
    parts = []
    for p in inspect.signature(function).parameters.values():
        if p.kind is p.KEYWORD_ONLY and "*" not in parts:
            parts.append("*")
        default = "" if p.default is p.empty else f" = {p.default!r}"
        parts.append(f"{p.name}: {p.annotation}{default}")
    lines = "".join(f"    {part},\n" for part in parts)
    return f"{name}(\n{lines}) -> {inspect.signature(function).return_annotation}"


def _code(text: str) -> Iterator[str]:
    yield from text.replace("``", "`").splitlines()


def _members(item: type) -> Iterator[str]:
    """Yield the public attributes that a class itself defines, each with its first line."""
    from functools import cached_property

    own = getattr(item, "model_fields", getattr(item, "__dataclass_fields__", {}))
    if fields := [f"`.{name}`" for name in own if not name.startswith("_")]:
        yield from (f"Holds {', '.join(fields)}.", "")
    rows = []
    for name, member in sorted(vars(item).items()):
        found = getattr(member, "fget", None) or getattr(member, "func", None) or member
        known = isinstance(member, property | cached_property) or inspect.isfunction(member)
        if known and not name.startswith(("_", "model_")) and (said := inspect.getdoc(found)):
            brackets = "()" if inspect.isfunction(member) else ""
            first = said.split("\n\n")[0].replace("``", "`")
            rows.append(f"| `.{name}{brackets}` | {_line(first)} |")
    if rows:
        yield from ("| | |", "|---|---|", *rows, "")


def _schema(make: Callable[[], dict[str, Any]]) -> str:
    return json.dumps(make(), ensure_ascii=False, indent=1) + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "commands.md": commands_text,
    "programme-file.md": programme_text,
    "errors.md": errors_text,
    "facets-and-rules.md": facets_text,
    "python.md": python_text,
    "schemas/city.json": lambda: _schema(json_schema),
    "schemas/programme.json": lambda: _schema(programme_schema),
    "schemas/proposal.json": lambda: _schema(proposal_schema),
}
"""Every page that is made from the code."""


def main() -> int:
    """Write the pages, or with --check report those that differ (exit code 1)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    stale = 0
    for name, make in PAGES.items():
        path, text = DOCS / name, make()
        if not check:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            print(f"docs/{name} is not what the code makes; run make docs", file=sys.stderr)
            stale = 1
    return stale


if __name__ == "__main__":
    raise SystemExit(main())
