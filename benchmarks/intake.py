"""Print how right the guesses at forty-eight exports of surveys are, and read whole public files with the importers.

    TWINMATCH_SAMPLES=FOLDER python benchmarks/intake.py

FOLDER holds the public files by the names below; those that are missing are passed over, and without a folder there
is nothing to do. The files are read and nothing of them is kept.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import surveys
from twinmatch.intake.checks import doubts
from twinmatch.reading import read, read_grids, without_contacts
from twinmatch.reading.importers import IMPORTERS, Options, names_from
from twinmatch.schema import City
from twinmatch.validate import profiles

FILES = (
    ("covenant", "covenant_context_table3.csv"),
    ("covenant-totals", "eucom_totals.csv"),
    *(("cdp", f"cdp_citywide_emissions_{year}.csv") for year in range(2016, 2022)),
    ("c40", "c40_gpc_inventories.xlsx"),
    ("carbon-monitor", "carbon_monitor_cities.csv"),
)
ROWS = 13_000


def main() -> int:
    """Run over every file that is there; end well where none is, unless a cell of a survey is wrong in silence."""
    silent = surveys.main()
    _thirteen_thousand()
    place = os.environ.get("TWINMATCH_SAMPLES")
    folder = Path(place) if place else None
    if folder is None or not folder.is_dir():
        print("No public files: set TWINMATCH_SAMPLES to their folder.")
        return silent
    for kind, name in FILES:
        path = folder / name
        if path.exists():
            _one(kind, path, folder)
        else:
            print(f"\n{name}: not there")
    return silent


def _one(kind: str, path: Path, folder: Path) -> None:
    began = time.process_time()
    found = IMPORTERS[kind].read(read_grids(path), _options(kind, folder))
    raw = without_contacts(found.raw)
    known, wrong = profiles(raw.cities, City)
    doubted = doubts(known)
    seconds = time.process_time() - began
    cities = [city for city, _ in known]
    print(
        f"\n{path.name} ({kind}): {found.rows:,} rows, {len(cities):,} profiles, {seconds:.1f} s of processor"
    )
    for why, count in sorted(found.aside.items()):
        print(f"  set aside    {count:>6,}  {why}")
    for block in ("location", "population", "context", "covenant", "emissions"):
        filled = sum(bool(getattr(city, block)) for city in cities)
        if filled:
            print(f"  has          {filled:>6,}  {block}")
    numbers = sum(c.emissions is not None and c.emissions.total_printed is not None for c in cities)
    print(f"  has          {numbers:>6,}  a printed total")
    print(f"  countries    {len({c.country for c in cities}):>6,}")
    for problem, count in Counter(
        (p.level, p.code) for p in (*raw.problems, *wrong, *doubted)
    ).most_common():
        first = next(p for p in (*raw.problems, *wrong, *doubted) if (p.level, p.code) == problem)
        print(f"  {problem[0]:<12} {count:>6,}  {problem[1]}: {str(first)[:150]}")


def _options(kind: str, folder: Path) -> Options:
    names = folder / "carbon_monitor_cities.csv"
    if kind == "covenant-totals" and names.exists():
        return Options(names=names_from(read_grids(names)))
    return Options()


def _thirteen_thousand() -> None:
    """Time 13,000 made-up rows with texts, as CSV."""
    header = "id,name,country,lat,lon,population,needs,offers,challenges,readiness.plan,emissions.year,emissions.form,emissions.boundary,emissions.sectors.transport"
    rows = (
        f"it-x{k},Town {k},IT,{41 + k % 50 / 10},{10 + k % 70 / 10},{1000 + k},"
        f"Town {k} wants heat from rivers for quarter {k} and looks for money.,Town {k} shows trams on line {k}.,"
        f"energy_systems:3; industry,{k % 5},2020,gpc,city,{5000 + k}"
        for k in range(ROWS)
    )
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "rows.csv"
        path.write_text("\n".join([header, *rows]), "utf-8")
        began = time.process_time()
        cohort = read(path)
        print(
            f"{len(cohort):,} rows of CSV load and validate in {time.process_time() - began:.1f} s of processor"
        )


if __name__ == "__main__":
    sys.exit(main())
