"""What importers share: lines of a sheet by the words of its header, drafts of profiles, and their identifiers."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any, Final

from twinmatch.errors import DataError, Problem, Where
from twinmatch.reading.grid import Grid, Raw, is_empty, put, text
from twinmatch.reading.values import MISSING, parse
from twinmatch.validate import Record
from twinmatch.vocabulary.gazetteer import known_city, near_city
from twinmatch.vocabulary.geography import city_id, country_code, country_within
from twinmatch.vocabulary.taxonomy import Sector, plain
from twinmatch.wording import say

SEARCHED: Final = 60
"""Rows in which a header is looked for; templates have long title pages."""


@dataclass(frozen=True)
class Options:
    """What the caller says beside the file: the year wanted, names for codes, and the city of a one-city file."""

    year: int | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    city: str = ""
    country: str = ""


@dataclass(frozen=True)
class Imported:
    """What an importer found: the records, how many rows it read, and how many it set aside, by reason."""

    raw: Raw
    rows: int
    aside: Mapping[str, int]


@dataclass(frozen=True)
class Importer:
    """A format of another body: what it is, its terms and source, and the function that reads its sheets."""

    title: str
    source: str
    read: Callable[[Sequence[Grid], Options], Imported]


@dataclass(frozen=True)
class Line:
    """One row under a header, whose cells are asked for by the words of the header."""

    grid: Grid
    row: int
    cells: tuple[Any, ...]
    index: Mapping[str, int]
    names: tuple[str, ...]

    def has(self, *headers: str) -> bool:
        """Return whether the sheet has one of these columns."""
        return any(plain(h) in self.index for h in headers)

    def text(self, *headers: str) -> str:
        """Return the first filled cell of these columns; what stands for "not known" is an empty text."""
        return next((c for h in headers if (c := self.cell(h)).lower() not in {"", *MISSING}), "")

    def cell(self, header: str) -> str:
        """Return a cell as it stands: keys such as NE must not be taken for "not known"."""
        at = self.index.get(plain(header))
        return text(self.cells[at]) if at is not None and at < len(self.cells) else ""

    def number(self, *headers: str) -> float | None:
        """Return the first number of these columns, written with a decimal point; None where there is none."""
        return as_number(self.text(*headers))

    def whole(self, *headers: str) -> int | None:
        """Return the first number, rounded; None where there is none."""
        value = self.number(*headers)
        return None if value is None or abs(value) > 1e15 else round(value)

    def where(self, *headers: str) -> Where:
        """Return the place of the first of these columns that the sheet has."""
        at = next((self.index[plain(h)] for h in headers if plain(h) in self.index), None)
        return self.grid.at(self.row, self.names[at] if at is not None else "")


def as_number(value: str) -> float | None:
    """Return a number with a decimal point (``1,234.5`` and ``1 234`` as well), None where there is none."""
    try:
        number: float | None = float(value)
    except ValueError:
        found = parse(value)
        number = found.as_(".") if found and not found.unit else None
    return number if number is not None and math.isfinite(number) else None


def lines(grid: Grid, *needed: str) -> list[Line]:
    """Return the rows under the header that has all the needed columns.

    Raises DataError that names what is missing where no row has them.
    """
    wanted = {plain(n) for n in needed}
    best: set[str] = set()
    for k, (_, cells) in enumerate(grid.rows[:SEARCHED]):
        names = tuple(" ".join(text(c).split()) for c in cells)
        index = {plain(name): i for i, name in reversed(list(enumerate(names)))}
        if wanted <= set(index):
            below = [(row, c) for row, c in grid.rows[k + 1 :] if not is_empty(c)]
            return [Line(grid, row, c, index, names) for row, c in below]
        best = max(best, wanted & set(index), key=len)
    lacking = ", ".join(repr(n) for n in needed if plain(n) not in best)
    raise other_format(grid, f"there is no header with {lacking}")


def other_format(grid: Grid, found: str, do: str = "") -> DataError:
    """Return the error of a file that is not of the format."""
    do = do or say("twinmatch import --help lists the formats.")
    found = say("The file is not of this format: {found}.", found=found)
    return DataError.of("not-this-format", found, grid.at(), do)


def first_with(grids: Sequence[Grid], *needed: str) -> list[Line]:
    """Return the lines of the first sheet that has the needed columns; raises DataError where none has."""
    errors: list[DataError] = []
    for grid in grids:
        try:
            return lines(grid, *needed)
        except DataError as error:
            errors.append(error)
    raise errors[0]


def labels(grid: Grid, rows: int = SEARCHED) -> dict[str, str]:
    """Return what stands beside labels at the top of a sheet: ``City | Aachen`` or ``City: Aachen`` in one cell."""
    found: dict[str, str] = {}
    for _, cells in grid.rows[:rows]:
        label, *others = [text(c) for c in cells if text(c)] or [""]
        name, _, rest = label.partition(":")
        if value := rest.strip() or next(iter(others), ""):
            found.setdefault(plain(name), value)
    return found


def said(about: Mapping[str, str], *names: str) -> str:
    """Return what stands beside the first of some labels, an empty text where none is there."""
    return next((about[n] for n in names if n in about), "")


def whose(options: Options, about: Mapping[str, str], where: Where) -> tuple[str, str]:
    """Return the city of a one-city file and its country's word; raises DataError where neither file nor caller say."""
    name = options.city or said(about, *_CITY)
    country = options.country or said(about, "country", "country code", "iso2")
    if name and country:
        return name, country
    found = say("The file does not say its {p}.", p="country" if name else "city")
    do = say("Give --city NAME and --country CODE.")
    raise DataError.of("city-not-said", found, where, do)


_CITY: Final = (
    *("signatory", "local authority", "name of the local authority", "municipality"),
    *("city", "name of city", "city name", "local government", "name"),
)
"""Labels beside which a file of one city has its name."""


def inventory(name: str, country: str, source: str, **emissions: Any) -> dict[str, Any]:
    """Return a profile with an inventory, by dotted paths: of the city's own form and area unless it says otherwise."""
    fields = {"form": "city", "boundary": "city", "sectors": {}} | emissions
    values = {f"emissions.{key}": value for key, value in fields.items()}
    sources = [{"of": ["emissions"], "from": [source]}]
    return {"name": name, "country": country, **values, "sources": sources}


def whole(value: float | None) -> int | None:
    """Return a figure rounded; None where there is none, or it is zero or no figure of a city."""
    return round(value) if value and abs(value) <= 1e15 else None


class Drafts:
    """Collects records of cities and what was set aside; gives them identifiers at the end."""

    def __init__(self) -> None:
        self._drafts: list[tuple[Record, str]] = []
        self.problems: list[Problem] = []
        self.aside: Counter[str] = Counter()
        self._counted: Counter[tuple[str, str, Where]] = Counter()

    def country(self, word: str, where: Where) -> str | None:
        """Return the code of a country of the world; None, counted and told, where it is not known."""
        code = country_code(word) or country_within(word)
        if code is None:
            do = "Write the ISO code or the name in an official language."
            found = f"{word!r} is no country that is known."
            self.note("country-unknown", found, where, "warning", do)
            self.aside["country not known"] += 1
        return code

    def unknown_sector(self, found: str, where: Where, do: str = "") -> None:
        """Tell of a line whose sector is not known."""
        self.note("sector-unknown", found, where, "warning", do)

    def add(
        self,
        values: Mapping[str, Any],
        line: Line | None,
        columns: Mapping[str, str],
        tag: str,
        where: Where | None = None,
    ) -> None:
        """Take a profile as dotted paths; ``tag`` tells cities of one name apart."""
        data: dict[str, Any] = {}
        for path, value in values.items():
            if value is not None and value != "":
                put(data, path, value)
        place = where or (line.grid.at(line.row) if line else Where())
        if not data.get("name"):
            found = "A city without a name."
            self.note("name-missing", found, place, "warning", "Fill in its name.")
            self.aside["no name"] += 1
            return
        self._drafts.append((Record(data, place, dict(columns)), tag))

    def note(self, code: str, found: str, where: Where, level: Any = "note", do: str = "") -> None:
        """Tell something about a cell."""
        self.problems.append(Problem(code, found, where, do, level))

    def tally(self, code: str, found: str, where: Where) -> None:
        """Tell something that is met in many cells once, with how often."""
        key = next((k for k in self._counted if k[:2] == (code, found)), (code, found, where))
        self._counted[key] += 1

    def done(self, rows: int) -> Imported:
        """Return the records with identifiers: a known city's, or one made from country and name."""
        groups: dict[str, list[tuple[Record, str]]] = defaultdict(list)
        for record, tag in self._drafts:
            country, name = record.data["country"], record.data["name"]
            known = known_city(country, name)
            if known is None:
                self._ask(record, country, name)
            groups[known or city_id(country, name)].append((record, tag))
        records = [r for made, group in groups.items() for r in self._identified(made, group)]
        records.sort(key=lambda r: (r.where, str(r.data["id"])))
        for (code, found, where), n in self._counted.items():
            if n > 1:
                found = say("{found} So {n:,} times, first here.", found=found, n=n)
            self.note(code, found, where)
        return Imported(Raw(tuple(records), (), tuple(self.problems)), rows, dict(self.aside))

    def _identified(self, made: str, group: list[tuple[Record, str]]) -> list[Record]:
        names = [made]
        if len(group) > 1:
            found = f"{len(group)} cities of one country are called {group[0][0].data['name']!r}; their identifiers end in their codes."
            self.note("same-name", found, group[0][0].place("name"))
            slugs = ("-".join(re.findall(r"[a-z0-9]+", tag.lower())) or "x" for _, tag in group)
            names = [f"{made}-{slug}" for slug in slugs]
        both = zip(group, names, strict=True)
        return [replace(r, data={"id": name, **r.data}) for (r, _), name in both]

    def _ask(self, record: Record, country: str, name: str) -> None:
        near = near_city(country, name)
        if near is None or not _is_near(record.data.get("location"), near.lat, near.lon):
            return
        found = f"{name!r} is nearly {near.name!r} ({near.id}), a city that is known."
        do = f"If it is that city, rename the file to {near.id} and its id with it."
        self.note("city-near", found, record.place("name"), "warning", do)


def _is_near(location: Any, lat: float | None, lon: float | None) -> bool:
    """Return whether two places may be the same: within a quarter of a degree, or one of them not known."""
    if not isinstance(location, dict) or lat is None or lon is None:
        return True
    off = abs(location.get("lat", lat) - lat), abs(location.get("lon", lon) - lon)
    return bool(off[0] < 0.25 and off[1] < 0.4)


def latest(
    found: Iterable[tuple[str, int | None, Any]], year: int | None, drafts: Drafts
) -> list[Any]:
    """Return one item a key: of the year asked for, or of the newest year; the others are counted as set aside."""
    by_key: dict[str, list[tuple[int, int, Any]]] = defaultdict(list)
    for order, (key, when, item) in enumerate(found):
        by_key[key].append((when or 0, -order, item))
    chosen, others = [], 0
    for group in by_key.values():
        fitting = [g for g in group if year is None or g[0] == year]
        if fitting:
            chosen.append(max(fitting, key=lambda g: g[:2])[2])
            others += len(group) - 1
        else:
            drafts.aside[f"no inventory of {year}"] += len(group)
    if others:
        drafts.aside["other years or repeated rows of the same city"] += others
    return chosen


def by_sector(
    found: Iterable[Line],
    drafts: Drafts,
    headers: tuple[str, str],
    find: Callable[[str], Sector | None],
    tonnes: Callable[[Line], float | None] = lambda _: 1.0,
) -> dict[str, Any]:
    """Return the sums of rows by the field of their sector, given the headers of sector and amount; ``tonnes`` in one of it.

    A row whose sector or unit (None) is not known is told and left out.
    """
    sums: dict[str, float] = defaultdict(float)
    for line in found:
        label, amount = line.text(headers[0]), line.number(headers[1])
        sector, factor = find(label), tonnes(line)
        if sector is None or sector.field is None or factor is None:
            told = f"{label!r} is no sector that is known; it was not added."
            drafts.unknown_sector(told, line.where(headers[0]))
        elif amount is not None:
            sums[sector.field] += amount * factor
    return {name: tidy(value) for name, value in sums.items()}


def by_city_and_year(
    found: Iterable[Line], code: str, year: str
) -> list[tuple[str, int | None, Any]]:
    """Return the rows of each city and year, as :func:`latest` takes them: code, year, and the three together."""
    groups: dict[tuple[str, int | None], list[Line]] = defaultdict(list)
    for line in found:
        groups[line.text(code), line.whole(year)].append(line)
    return [(c, y, (c, y, group)) for (c, y), group in groups.items()]


def tidy(value: float | None) -> float | int | None:
    """Return a figure rounded to a thousandth, whole where it is whole."""
    if value is None:
        return None
    rounded = round(value, 3)
    return int(rounded) if float(rounded).is_integer() and abs(rounded) < 1e15 else rounded


def names_from(grids: Sequence[Grid]) -> dict[str, str]:
    """Return the names of codes from a table that has both: a LOCODE list, or the Covenant's context table.

    Raises DataError where there is no such pair of columns.
    """
    codes = ("locode", "un locode", "code", "gcom id", "actor id")
    headers = ("name", "city", "city name", "signatory name")
    for grid, code, word in product(grids, codes, headers):
        with suppress(DataError):
            pairs = [(line.text(code), line.text(word)) for line in lines(grid, code, word)]
            return {" ".join(c.upper().split()): w for c, w in pairs if c and w}
    found = say("There is no pair of columns with codes and names.")
    says = "Give a table with one of {names} and one of {names2}."
    do = say(says, names=", ".join(codes), names2=", ".join(headers))
    raise DataError.of("no-names", found, grids[0].at(), do)
