"""Make a cohort of any size from the statistics of the real ones, as a table that twinmatch reads.

    python benchmarks/cohorts.py 13000 --out cohort.csv [--seed 0]

The bundled cities stand in it as they are (but for host units of several cities, which a CSV cannot hold, and
sources). Each further city is a *place* and a *donor*, both drawn with a seed:

- the place gives name, country, coordinates, population, climate, wealth, urbanisation and its Covenant record:
  a signatory of the Covenant of Mayors' context table (Kona et al. 2021, doi:10.2905/57A615EB-CFBC-435A-A8C5-553BD40F76C9,
  8,136 signatories) where ``TWINMATCH_SAMPLES`` names a folder that holds ``covenant_context_table3.csv``, and a
  bundled city with context where it does not. Drawn again, a place is moved by up to half a degree and its people
  by up to a factor of two, so that no two are the same;
- the donor is a bundled city, and what it leaves open the new city leaves open: that is the real pattern of missing
  values. Challenges, strengths and levers are those of cities that state them, one city for each block; readiness
  is the donor's, each level up to one off; languages are those of its country's administration; emissions are the donor's per capita with each sector off by a factor around
  one; needs and offers are sentences that real cities wrote, as many as the donor's, so that the bundled vectors
  serve and no time goes into encoding.

Same size, seed and samples, same bytes.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from twinmatch.cohort import Cohort
from twinmatch.embedding.sentences import split_sentences
from twinmatch.facets.text import needs_passages, offers_passages
from twinmatch.reading import read, read_grids
from twinmatch.reading.importers import IMPORTERS
from twinmatch.reading.importers.base import Options
from twinmatch.reading.mapping import columns
from twinmatch.schema import City
from twinmatch.vocabulary.geography import city_id, country

SAMPLES = "TWINMATCH_SAMPLES"
TABLE = "covenant_context_table3.csv"
PLACE_BLOCKS = ("name", "country", "location", "population", "context", "covenant")
STATED = ("challenges", "strengths", "levers_needed", "levers_offered")
KEPT_APART = ("sources", "note", "version", "local_name")
FARTHEST_DEGREES = 0.5
LARGEST_FACTOR = 2.0

Profile = dict[str, Any]


@dataclass(frozen=True)
class Stock:
    """What cohorts are drawn from: real cities, real places, and sentences that real cities wrote."""

    cities: tuple[Profile, ...]
    places: tuple[Profile, ...]
    needs: tuple[str, ...]
    offers: tuple[str, ...]
    says: str


def stock(samples: Path | None) -> Stock:
    """Return what to draw from: the bundled cities, and the Covenant's signatories where the samples are there."""
    cohort = read()
    cities = tuple(c.model_dump(mode="json", exclude_none=True) for c in cohort.cities)
    table = samples / TABLE if samples else None
    if table is not None and table.is_file():
        found = IMPORTERS["covenant"].read(read_grids(table), Options())
        places = tuple(dict(record.data) for record in found.raw.cities)
        says = f"places drawn from {len(places):,} signatories of the Covenant of Mayors"
    else:
        places = tuple(c for c in cities if "context" in c)
        says = f"places drawn from {len(places)} bundled cities, for {SAMPLES} names no {TABLE}"
    return Stock(
        cities,
        tuple(p for p in places if {"location", "population"} <= set(p)),
        _sentences(cohort, "needs"),
        _sentences(cohort, "offers"),
        says,
    )


def _sentences(cohort: Cohort, block: str) -> tuple[str, ...]:
    """Return the distinct sentences of a block that are sentences by themselves too, sorted."""
    found = needs_passages(cohort) if block == "needs" else offers_passages(cohort)
    texts = sorted({p.text for p in found if p.place.startswith(block)})
    return tuple(t for t in texts if t[-1] in ".!?" and len(split_sentences(f"{t} The end.")) == 2)


def profiles(n: int, drawn_from: Stock, seed: int = 0) -> list[Profile]:
    """Return n profiles: the bundled ones first, then drawn ones; raises ValueError for fewer than are bundled."""
    if n < len(drawn_from.cities):
        raise ValueError(f"{n} cities are fewer than the {len(drawn_from.cities)} bundled ones")
    rng = np.random.Generator(np.random.PCG64(seed))
    taken = {c["id"] for c in drawn_from.cities}
    order = [
        int(k)
        for _ in range(-(-n // len(drawn_from.places)))
        for k in rng.permutation(len(drawn_from.places))
    ]
    made = list(drawn_from.cities)
    seen: set[int] = set()
    for k in order[: n - len(made)]:
        place = drawn_from.places[k]
        made.append(_city(place, k in seen, drawn_from, taken, rng))
        seen.add(k)
    return made


def _city(
    place: Profile, again: bool, drawn_from: Stock, taken: set[str], rng: np.random.Generator
) -> Profile:
    """Return a city at a place with what its donor knows."""
    donor = _one(drawn_from.cities, rng)
    city: Profile = {name: place[name] for name in PLACE_BLOCKS if name in place}
    city["roles"] = ["guest"]
    people = city["population"]["value"]
    if again:
        people = max(1, round(people * _factor(rng, LARGEST_FACTOR)))
        lat, lon = (city["location"][x] + FARTHEST_DEGREES * _even(rng) for x in ("lat", "lon"))
        city["location"] = {"lat": round(min(lat, 71.0), 5), "lon": round(lon, 5)}
    city["population"] = {"value": people, "of": "municipality"}
    for name in STATED:
        if name in donor:
            city[name] = _one([c for c in drawn_from.cities if name in c], rng)[name]
    for name in ("commitment", "participation"):
        if name in donor:
            city[name] = donor[name]
    if "languages" in donor:
        city["languages"] = list(dict.fromkeys([*country(city["country"]).languages, "en"]))
    if "readiness" in donor:
        off = rng.integers(-1, 2, len(donor["readiness"]))
        city["readiness"] = {
            d: int(np.clip(level + o, 0, 4))
            for (d, level), o in zip(donor["readiness"].items(), off, strict=True)
        }
    if "emissions" in donor:
        city["emissions"] = _emissions(donor, people, rng)
    for name, pool in (("needs", drawn_from.needs), ("offers", drawn_from.offers)):
        if name in donor:
            count = max(1, len(split_sentences(donor[name])))
            city[name] = " ".join(pool[int(k)] for k in rng.choice(len(pool), count, replace=False))
    city["id"] = _free_id(city, taken)
    return city


def _emissions(donor: Profile, people: int, rng: np.random.Generator) -> Profile:
    """Return the donor's inventory for so many people, each sector off by a factor around one."""
    scale = people / donor["population"]["value"]
    found = donor["emissions"]
    sectors = {
        name: round(value * scale * _factor(rng, LARGEST_FACTOR), 1)
        if isinstance(value, int | float)
        else value
        for name, value in found["sectors"].items()
    }
    return {
        **{k: found[k] for k in ("year", "form", "boundary", "boundary_note") if k in found},
        "sectors": sectors,
    }


def _one(choices: Sequence[Profile], rng: np.random.Generator) -> Profile:
    return choices[int(rng.integers(len(choices)))]


def _even(rng: np.random.Generator) -> float:
    return float(rng.uniform(-1.0, 1.0))


def _factor(rng: np.random.Generator, most: float) -> float:
    return float(most ** _even(rng))


def _free_id(city: Profile, taken: set[str]) -> str:
    first = city_id(city["country"], city["name"])
    number, found = 2, first
    while found in taken:
        found, number = f"{first}-{number}", number + 1
    taken.add(found)
    return found


def as_csv(made: Sequence[Profile]) -> str:
    """Return profiles as a CSV table, a column for each field that any of them has."""
    rows = [dict(_cells(profile)) for profile in made]
    used = [path for path in columns(City) if any(path in row for row in rows)]
    page = io.StringIO(newline="")
    writer = csv.writer(page, lineterminator="\n")
    writer.writerow(used)
    writer.writerows([[row.get(path, "") for path in used] for row in rows])
    return page.getvalue()


def _cells(profile: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Return column and cell of every field, lists and weights as the table form writes them."""
    known = columns(City)
    found: list[tuple[str, Any]] = []
    for name, value in profile.items():
        path = prefix + name
        if path in KEPT_APART:
            continue
        if isinstance(value, Mapping) and path not in known:
            found += _cells(value, f"{path}.")
        elif isinstance(value, Mapping):
            pairs = (f"{k}:{w}" if w else str(k) for k, w in value.items())
            found.append((path, "; ".join(pairs)))
        elif isinstance(value, list):
            found.append((path, "; ".join(str(v).replace(";", "\\;") for v in value)))
        else:
            found.append((path, value))
    return [(path, cell) for path, cell in found if path in known]


def main() -> None:
    """Write the table and say what it was drawn from."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("cities", type=int)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    samples = os.environ.get(SAMPLES)
    drawn_from = stock(Path(samples) if samples else None)
    made = profiles(asked.cities, drawn_from, asked.seed)
    asked.out.write_text(as_csv(made), encoding="utf-8")
    print(f"{asked.out}: {len(made):,} cities, {drawn_from.says}")


if __name__ == "__main__":
    main()
