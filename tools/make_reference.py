"""Make schema.json and the field reference from ``twinmatch.schema``, or check that they are up to date.

python tools/make_reference.py [--check]
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from twinmatch.schema import City, HostUnit, json_schema

REPO = Path(__file__).resolve().parent.parent
SCHEMA = REPO / "data" / "city_profiles" / "schema.json"
REFERENCE = REPO / "docs" / "fields.md"


def schema_text() -> str:
    """Return schema.json."""
    return json.dumps(json_schema(), ensure_ascii=False, indent=1) + "\n"


def reference_text() -> str:
    """Return the field reference as Markdown: one table for a city, one for a host unit."""
    parts = [
        "# Fields of a profile",
        "",
        "Made from `src/twinmatch/schema.py` by `make docs`; do not edit. A field that is left out is *not known*;",
        "it never means zero, no or none. In a table, columns are the dotted paths, lists are written `a; b`, and",
        "weighted domains `mobility_transport:3; industry:1`.",
        "",
        *_table("A city", City),
        *_table("A host unit (`_host_units.yaml`, or the sheet `host_units`)", HostUnit),
    ]
    return "\n".join(parts) + "\n"


def _table(title: str, model: type[BaseModel]) -> list[str]:
    definitions = model.model_json_schema()
    rows = _rows(definitions, definitions, "")
    return [
        f"## {title}",
        "",
        "| field | meaning | unit | values | required |",
        "|---|---|---|---|---|",
        *rows,
        "",
    ]


def _rows(node: dict[str, Any], root: dict[str, Any], prefix: str) -> list[str]:
    rows = []
    for name, field in node["properties"].items():
        inner = _object(field, root)
        needed = "yes" if name in node.get("required", ()) else ""
        meaning = field.get("description", "")
        rows.append(
            f"| `{prefix}{name}` | {meaning} | {field.get('unit', '')} | {_values(field, root)} | {needed} |"
        )
        if inner is not None:
            rows += _rows(inner, root, f"{prefix}{name}.")
    return rows


def _resolved(field: dict[str, Any], root: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the alternatives of a field, references followed, null left out."""
    options = field.get("anyOf", [field])
    found = []
    for option in options:
        target = option
        if "$ref" in option:
            target = root["$defs"][option["$ref"].rpartition("/")[2]]
        if target.get("type") != "null":
            found.append(target)
    return found


def _object(field: dict[str, Any], root: dict[str, Any]) -> dict[str, Any] | None:
    for option in _resolved(field, root):
        if option.get("type") == "object" and "properties" in option:
            return option
    return None


def _values(field: dict[str, Any], root: dict[str, Any]) -> str:
    return " or ".join(dict.fromkeys(_words(option, root) for option in _resolved(field, root)))


def _words(option: dict[str, Any], root: dict[str, Any]) -> str:
    if "enum" in option:
        return ", ".join(f"`{v}`" for v in option["enum"])
    if option.get("type") == "array":
        items = _resolved(option.get("items", {}), root)
        return "list of " + (" or ".join(_words(i, root) for i in items) if items else "text")
    if option.get("type") == "object":
        return "mapping" if "properties" not in option else "block"
    limits = [
        f"{sign} {option[key]:g}"
        for key, sign in (("minimum", "≥"), ("maximum", "≤"))
        if key in option
    ]
    pattern = (
        [f"pattern `{option['pattern'].replace('|', chr(92) + '|')}`"]
        if "pattern" in option
        else []
    )
    return " ".join([str(option.get("type", "")).replace("string", "text"), *limits, *pattern])


def main() -> int:
    """Write both files, or with --check report those that differ (exit code 1)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    stale = []
    for path, text in ((SCHEMA, schema_text()), (REFERENCE, reference_text())):
        if check and (not path.exists() or path.read_text(encoding="utf-8") != text):
            stale.append(path.relative_to(REPO))
        elif not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    for path in stale:
        print(f"{path} is not what the code makes; run make docs", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
