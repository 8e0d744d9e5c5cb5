"""List the licence of everything that is installed with twinmatch, or check that each is one that we know.

python tools/licences.py [--check]
"""

from __future__ import annotations

import argparse
import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

REPO = Path(__file__).resolve().parent.parent
PAGE = REPO / "docs" / "licences.md"
EXTRAS = (
    "",
    "web",
    "postgres",
    "parquet",
    "fast",
    "word",
    "pdf",
    "cluster",
    "text",
    "multilingual",
)
"""What people install to run twinmatch; the tools of development are not given to anybody."""

FREE = re.compile(
    r"apache|\bmit\b|mit-0|mit-cmu|bsd|isc|python software|psf|zlib|cc0|0bsd|cnri|bsl-1.0|mpl|mozilla",
    re.IGNORECASE,
)
"""Licences that ask for no more than to be named, or to give changes of their own files (MPL)."""

COPYLEFT = re.compile(r"gpl|affero|general public|sspl|eupl|cc-by-sa|cc-by-nc", re.IGNORECASE)

GRAPHICS = re.compile(r"(nvidia|cuda)-.+|triton")
"""What the usual build of torch for Linux brings for graphics cards; other builds of it bring none of them."""

KNOWN = {
    "psycopg": "LGPL: used as a library, unchanged; only with the extra postgres",
    "psycopg-binary": "LGPL: used as a library, unchanged; only with the extra postgres",
    "pyphen": "may be used under the MPL instead of the GPL; only with the extra pdf",
}
"""Packages whose licence names a copyleft, and why they may be used all the same."""


def normal(name: str) -> str:
    """Return a package's name as indexes write it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def licence(found: Distribution) -> str:
    """Return the licence that a package states: its expression, its classifiers, or the first line of its field."""
    told = found.metadata
    classifiers = [
        c.rpartition("::")[2].strip()
        for c in told.get_all("Classifier") or []
        if c.startswith("License ::") and not c.endswith("OSI Approved")
    ]
    field = (told.get("License") or "").strip().splitlines()
    return told.get("License-Expression") or ", ".join(classifiers) or (field or ["not stated"])[0]


def needed(extra: str) -> dict[str, str]:
    """Return the licence of every package that is installed with an extra, itself and ``GRAPHICS`` left out."""
    found: dict[str, str] = {}
    pending = [("twinmatch", frozenset({extra}))]
    seen = set()
    while pending:
        name, extras = pending.pop()
        if (name, extras) in seen or GRAPHICS.fullmatch(name):
            continue
        seen.add((name, extras))
        try:
            package = distribution(name)
        except PackageNotFoundError:
            continue
        if name != "twinmatch":
            found[name] = licence(package)
        for line in package.requires or []:
            asked = Requirement(line)
            if asked.marker is None or any(
                asked.marker.evaluate({"extra": e}) for e in extras | {""}
            ):
                pending.append((normal(asked.name), frozenset(asked.extras)))
    return found


def all_needed() -> dict[str, tuple[str, str]]:
    """Return for every package its licence and the first extra that brings it, in order."""
    found: dict[str, tuple[str, str]] = {}
    for extra in EXTRAS:
        for name, stated in needed(extra).items():
            found.setdefault(name, (stated, extra))
    return dict(sorted(found.items()))


def problems(found: dict[str, tuple[str, str]]) -> list[str]:
    """Return what is wrong with licences: a copyleft that is not known, or a licence that is not."""
    told = []
    for name, (stated, _) in found.items():
        if name in KNOWN:
            continue
        if COPYLEFT.search(stated) or not FREE.search(stated):
            told.append(f"{name}: {stated}")
    return told


def page(found: dict[str, tuple[str, str]]) -> str:
    """Return the page of licences."""
    lines = [
        "# Licences of what is installed",
        "",
        "Made by `make licences` from what the packages state of themselves; do not edit. *Comes with* is the extra that",
        "brings a package; without one it is always there. Which version is locked stands in `requirements/`.",
        "",
        "| package | licence | comes with |",
        "|---|---|---|",
        *(f"| {name} | {stated} | {extra} |" for name, (stated, extra) in found.items()),
        "",
        "Used although their licence names a copyleft:",
        "",
        *(f"- {name}: {why}" for name, why in KNOWN.items() if name in found),
        "",
        "On Linux the usual build of torch, which the extra `text` needs, brings NVIDIA's libraries for graphics cards under",
        "NVIDIA's own licences, which are not free. twinmatch does not need them; the README says how to spare them.",
        "",
        "Names, places and populations of the bundled gazetteer are from [GeoNames](https://www.geonames.org), licensed under",
        "[CC BY 4.0](https://creativecommons.org/licenses/by/4.0/), reduced to Europe and its neighbourhood.",
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the page, or check what it would say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail where one is unknown"
    )
    check = parser.parse_args().check
    found = all_needed()
    wrong = problems(found)
    for line in wrong:
        print(f"not a licence that we know: {line}", file=sys.stderr)
    if not check:
        PAGE.write_text(page(found), encoding="utf-8")
    print(f"{len(found)} packages, {len(found) - len(wrong)} with a licence that we know")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
