"""The MyCovenant reporting template (SECAP): the table of emissions of an inventory, by sector and energy carrier.

Layout after the Covenant of Mayors Reporting Guidelines (2016, doi:10.2790/586693). A workbook holds one signatory; the
sheet has final energy (MWh) above and emissions (t) below, and only the emissions are read. Electricity of buildings is
kept apart, since the table does; that of transport stays with transport.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from twinmatch.errors import DataError, Problem, Where
from twinmatch.reading.grid import Grid, text
from twinmatch.reading.importers.base import Drafts, Imported, Options, as_number, labels, tidy
from twinmatch.reading.values import mass, parse
from twinmatch.vocabulary.taxonomy import COVENANT, notation, plain

SOURCE: Final = "The city's inventory in the MyCovenant reporting template"

_GROUPS: Final = (
    "subtotal",
    "buildings equipment facilities and industries",
    "transport",
    "other",
    "buildings equipment facilities",
)


def read_my_covenant(grids: Sequence[Grid], options: Options) -> Imported:
    """Return the inventory of a filled template; of several inventories the newest, or that of the year asked for.

    Raises DataError where no sheet has the table, or signatory and country are not said.
    """
    drafts = Drafts()
    about = {k: v[0] for grid in grids for k, v in reversed(labels(grid).items())}
    tables = [(grid, start) for grid in grids if (start := _start(grid)) is not None]
    if not tables:
        found = "There is no sheet with a table of emissions by sector and energy carrier."
        raise DataError(
            Problem(
                "not-this-format",
                found,
                Where(grids[0].file),
                "Needed: the sheet of the inventory, with its row of energy carriers and TOTAL.",
            )
        )
    dated = [(_year(grid, about, options), grid, start) for grid, start in tables]
    wanted = [d for d in dated if options.year is None or d[0] == options.year] or dated
    year, grid, start = max(wanted, key=lambda d: d[0] or 0)
    if len(tables) > 1:
        drafts.aside["inventories of other years"] += len(tables) - 1
    name = options.city or _said(
        about, "signatory", "local authority", "name of the local authority", "municipality", "city"
    )
    word = options.country or _said(about, "country")
    if not name or not word:
        do = "Give --city NAME and --country CODE."
        raise DataError(
            Problem(
                "city-not-said",
                "The template does not say its signatory and country.",
                grid.at(),
                do,
            )
        )
    country = drafts.country(word, grid.at())
    if country is not None:
        _inventory(name, country, year, grid, start, about, drafts)
    return drafts.done(1)


def _said(about: dict[str, str], *names: str) -> str:
    return next((about[n] for n in names if n in about), "")


def _year(grid: Grid, about: dict[str, str], options: Options) -> int | None:
    own = {k: v[0] for k, v in labels(grid).items()}
    value = as_number(
        _said(own, "inventory year", "1 inventory year", "year")
        or _said(about, "inventory year", "1 inventory year")
    )
    return round(value) if value else options.year


def _start(grid: Grid) -> int | None:
    """Return the place of the row of energy carriers of the emissions table, None where the sheet has none.

    The row has a TOTAL and electricity; the one that counts is the last below a title that speaks of emissions.
    """
    found, speaks = None, False
    for k, (_, cells) in enumerate(grid.rows):
        words = [plain(text(c)) for c in cells if text(c)]
        if any(
            "emissions" in w and ("co2" in w or "ghg" in w or "t" in w.split()) for w in words[:2]
        ):
            speaks = True
        if any("final energy consumption" in w for w in words[:2]):
            speaks = False
        if speaks and "total" in words and "electricity" in words:
            found = k
    return found


def _inventory(
    name: str,
    country: str,
    year: int | None,
    grid: Grid,
    start: int,
    about: dict[str, str],
    drafts: Drafts,
) -> None:
    heads = [plain(text(c)) for c in grid.rows[start][1]]
    total, electricity = heads.index("total"), heads.index("electricity")
    unit = mass(_said(about, "emission reporting unit", "2 emission reporting unit", "unit") or "t")
    factor = unit.tonnes if unit else 1.0
    sums: dict[str, float] = defaultdict(float)
    keys: dict[str, str] = {}
    printed = None
    for row, cells in grid.rows[start + 1 :]:
        label = next((text(c) for c in cells[:2] if text(c)), "")
        word = plain(label)
        if word == "total":
            printed = _number(cells, total)
            break
        sector = COVENANT.find(label)
        if sector is None or sector.field is None:
            if word and not word.startswith(_GROUPS) and _number(cells, total) is not None:
                drafts.note(
                    "sector-unknown",
                    f"{label!r} is no sector that is known; it was not added.",
                    grid.at(row, "TOTAL"),
                    "warning",
                )
            continue
        if (
            word == "transport"
            and _number(cells, total) is not None
            and any(sums[f] for f in ("transport",))
        ):
            continue  # the heading's own total of lines that were added already
        _add(sector.field, cells, total, electricity, factor, sums, keys)
    if unit and unit.gas == "CO2":
        drafts.note(
            "co2-only",
            "The template reports CO2, not CO2e: other gases are missing.",
            grid.at(),
            "warning",
        )
    people = as_number(
        _said(
            about,
            "number of inhabitants in the inventory year",
            "number of inhabitants",
            "population",
        )
    )
    sectors: dict[str, Any] = {**keys, **{n: tidy(v) for n, v in sums.items()}}
    values: dict[str, Any] = {
        "name": name,
        "country": country,
        "emissions.year": year,
        "emissions.form": "city",
        "emissions.boundary": "city",
        "emissions.boundary_population": round(people) if people else None,
        "emissions.sectors": sectors,
        "emissions.total_printed": tidy(printed * factor) if printed is not None else None,
        "emissions.unit_as_printed": _said(
            about, "emission reporting unit", "2 emission reporting unit"
        )
        or None,
        "sources": [{"of": ["emissions"], "from": [SOURCE]}],
    }
    drafts.add(
        values, None, {"emissions.total_printed": "TOTAL"}, name, grid.at(grid.rows[start][0])
    )


def _add(
    name: str,
    cells: tuple[Any, ...],
    total: int,
    electricity: int,
    factor: float,
    sums: dict[str, float],
    keys: dict[str, str],
) -> None:
    """Add a row: its total, with the electricity of buildings and industry apart."""
    value = _number(cells, total)
    if value is None:
        key = notation(text(cells[total])) if total < len(cells) else None
        if key:
            keys.setdefault(name, key)
        return
    power = _number(cells, electricity) or 0.0
    if name == "stationary_energy" and power:
        sums["electricity"] += power * factor
        value -= power
    sums[name] += value * factor


def _number(cells: tuple[Any, ...], at: int) -> float | None:
    if at >= len(cells):
        return None
    written = text(cells[at])
    number = parse(written)
    if number is None:
        return None
    return next(iter(number.readings.values())) if number.is_sure else as_number(written)
