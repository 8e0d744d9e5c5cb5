"""One row a city: from a sheet to raw records, every cell with its place.

Rows that are no city (totals, notes, tests) are set aside, the rows of one city become one, and a column that is an
option of a question adds to the answer; each is reported.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from collections.abc import Mapping as Dict
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any, Final

from pydantic import BaseModel

from twinmatch.errors import Problem, Where
from twinmatch.geography import countries, is_country
from twinmatch.reading import values
from twinmatch.reading.cells import Notes, clean, decimal_of, reader_of
from twinmatch.reading.columns import ProfileColumn, columns
from twinmatch.reading.grid import Grid, is_empty, text
from twinmatch.reading.headers import Header, find_header
from twinmatch.reading.mapping import BESIDE, Mapping, MappingQuestion, Target
from twinmatch.reading.names import city_id, language_code
from twinmatch.reading.rows import no_city
from twinmatch.reading.values import MISSING, Decimal
from twinmatch.schema import NAMES, City, Domain, Lever
from twinmatch.validate import Record
from twinmatch.vocabulary.gazetteer import (
    bare,
    countries_of,
    known_city,
    listed_place,
    lost_letters,
    near_city,
    places,
)
from twinmatch.vocabulary.taxonomy import plain

Cells = Sequence[Any]

OPTIONS: Final = {"challenges": "levers_needed", "strengths": "levers_offered"}
"""Fields of domains, and the field of the levers that are ticked among them."""

TEXT_OF: Final = {
    "challenges": "needs",
    "levers_needed": "needs",
    "strengths": "offers",
    "levers_offered": "offers",
}
"""Where an option of a city's own words is kept."""


@dataclass(frozen=True)
class SheetContent:
    """What a sheet holds: records, what was met, what is asked, whom to write to by city, and how it was read."""

    records: tuple[Record, ...] = ()
    problems: tuple[Problem, ...] = ()
    questions: tuple[MappingQuestion, ...] = ()
    contacts: Dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    mapping: Mapping = field(default_factory=Mapping)
    is_form: bool = True


def table_records(
    grid: Grid,
    mapping: Mapping | None = None,
    model: type[BaseModel] = City,
    *,
    is_side: bool = False,
) -> SheetContent:
    """Return one record a city, and what was met: unknown and repeated columns, doubtful numbers, near names.

    ``is_side``: a further sheet about cities that have their row elsewhere, so that name and country may miss.
    """
    mapping = mapping or Mapping()
    header = find_header(grid, mapping, model)
    return _Reading(grid, mapping, header, model, is_side).table()


@dataclass(frozen=True)
class _Reader:
    """How the cells of one column are read."""

    position: int
    path: str
    name: str
    column: ProfileColumn
    read: Callable[[Any, int], Any]
    option: str = ""


@dataclass
class _Row:
    """A row of a city while it is read: its record, when it was sent, and whom to write to."""

    record: Record
    sent: Any = None
    contacts: tuple[str, ...] = ()


class _Reading:
    """Reads one sheet."""

    def __init__(
        self, grid: Grid, mapping: Mapping, header: Header, model: type[BaseModel], is_side: bool
    ) -> None:
        self.grid, self.mapping, self.header, self.model = grid, mapping, header, model
        self.is_main = model is City and not is_side
        self.is_side = is_side
        self.is_survey = self.is_main and not header.is_form
        self.notes = Notes(grid, [*header.problems, *grid.problems], self.is_survey)
        self.questions = list(header.questions)
        self.rows = [(r, c) for r, c in grid.rows if r > header.row and not is_empty(c)]
        self.options: dict[str, tuple[str, int]] = {}
        self.unknown: dict[str, list[int]] = defaultdict(list)

    def table(self) -> SheetContent:
        """Return the records of the sheet, with everything that was met."""
        self._refuse_ragged()
        if self.is_survey:
            self.rows = [(r, self._repaired(r, c)) for r, c in self.rows]
        if self.is_main:
            self._set_aside()
        readers = self._readers()
        required = {"name", "country"} if self.is_main else set()
        lacking = sorted(required - {r.path for r in readers} - set(self.mapping.defaults))
        if self.is_survey and lacking == ["country"] and self._countries_by_name(readers):
            lacking = []
        for name in lacking:
            self._lacks(name)
        if lacking:
            return SheetContent(
                (), tuple(self.notes.summed()), tuple(self.questions), {}, self._used()
            )
        found = [self._row(readers, row, cells) for row, cells in self.rows]
        if self.is_survey:
            self._population(found, readers)
            self._spelling(found)
        if self.is_main:
            self._identify(found)
            found = self._merged(found)
        for value, (path, row) in self.options.items():
            self._ask_option(value, path, row)
        if self.is_main and not self.rows and not self.notes.has_errors:
            self._empty()
        contacts = {str(r.record.data.get("id")): r.contacts for r in found if r.contacts}
        records = tuple(r.record for r in found)
        return SheetContent(
            records,
            tuple(self.notes.summed()),
            tuple(self.questions),
            contacts,
            self._used(),
            not self.is_survey,
        )

    def _empty(self) -> None:
        found = (
            "The table has a header and no row below it."
            if self.grid.rows
            else "The table is empty."
        )
        do = "Put a row for each city below a header."
        self.notes.add("no-cities", found, self.header.row if self.grid.rows else 0, "", do)

    def _lacks(self, name: str) -> None:
        if not self.grid.rows:
            if name == "name":
                self._empty()
            return
        found = f"The table has no column {name!r}, which every city needs."
        named = next(
            (
                n
                for n, t in zip(self.header.names, self.header.targets, strict=True)
                if n and t is None
            ),
            "",
        )
        do = f'Say which column it is in a mapping file: [columns] "{named or "Header"}" = "{name}"'
        do += ', or for all rows: [defaults] country = "DE"' if name == "country" else ""
        self.notes.add("column-missing", found, self.header.row, "", do + ".")
        choices = [(name, name), ("", "not read")]
        asked = [
            n
            for n, t in zip(self.header.names, self.header.targets, strict=True)
            if n and t is None
        ]
        if asked and name == "name" and not any(q.guess == "name" for q in self.questions):
            where = self.grid.at(self.header.row, asked[0])
            asks = f"Which column holds the names of the cities? Is it {asked[0]!r}?"
            self.questions.insert(
                0, MappingQuestion("columns", asked[0], asks, where, tuple(choices))
            )

    def _used(self) -> Mapping:
        """Return the mapping that reads the sheet as it was read."""
        asked = {n for q in self.questions if q.table == "columns" for n in (q.key, *q.options)}
        targets = {
            n: t or Target("")
            for n, t in zip(self.header.names, self.header.targets, strict=True)
            if n and n not in asked
        }
        row = self.mapping.header_row or self.header.row
        return replace(self.mapping, columns={**targets, **self.mapping.columns}, header_row=row)

    # Rows

    def _refuse_ragged(self) -> None:
        """Report rows with filled cells beyond the header, where a separator split a text; nothing is read of them."""
        width = max((i + 1 for i, n in enumerate(self.header.names) if n), default=0)
        if not width or not self.is_main:
            return
        ragged = {r for r, c in self.rows if any(text(x) for x in c[width:])}
        for row, cells in self.rows:
            if row in ragged:
                beyond = "; ".join(text(x) for x in cells[width:] if text(x))[:60]
                found = (
                    f"The row is longer than the header: {beyond!r} stands beyond the last column."
                )
                do = (
                    "A comma or semicolon inside a text splits it: put the text in quotation marks."
                )
                self.notes.add("row-too-long", found, row, "", do)
        self.rows = [(r, c) for r, c in self.rows if r not in ragged]

    def _repaired(self, row: int, cells: Cells) -> tuple[Any, ...]:
        """Return a row with its mojibake repaired where the mapping says so; else it is reported and asked."""
        found = []
        for i, cell in enumerate(cells):
            right = unbroken(cell) if isinstance(cell, str) else None
            if right is None:
                found.append(cell)
                continue
            name = self.header.names[i] if i < len(self.header.names) else ""
            if self.mapping.repair_letters is None and not any(
                q.table == "repair_letters" for q in self.questions
            ):
                asks = f"Letters were broken when the file was saved: {cell[:40]!r} should be {right[:40]!r}. Repair all such cells?"
                choices = (("true", "repair"), ("false", "leave"))
                where = self.grid.at(row, name)
                self.questions.append(
                    MappingQuestion("repair_letters", "", asks, where, choices, "true")
                )
            if self.mapping.repair_letters:
                self.notes.count(
                    "letters-repaired", name, "Broken letters were repaired.", row, "note"
                )
            else:
                said = "Letters were broken when the file was saved (such as Ã¤ for ä)."
                self.notes.count(
                    "letters-broken",
                    name,
                    said,
                    row,
                    "warning",
                    "repair_letters = true in the mapping file repairs them.",
                )
            found.append(right if self.mapping.repair_letters else cell)
        return tuple(found)

    def _position(self, field: str) -> int | None:
        hits = [i for i, t in enumerate(self.header.targets) if t and t.field == field]
        return hits[0] if hits else None

    def _set_aside(self) -> None:
        """Set aside rows that are no city."""
        at, land = self._position("name"), self._position("country")
        if at is None:
            return
        kept = []
        for row, cells in self.rows:
            name = text(cells[at]) if at < len(cells) else ""
            country = text(cells[land]) if land is not None and land < len(cells) else ""
            others = [text(c) for i, c in enumerate(cells) if i != at and text(c)]
            why, level = no_city(
                name, country, others, self.header, cells, is_survey=self.is_survey
            )
            if why:
                shown = name or next(iter(others), "")
                self.notes.add(
                    "row-set-aside",
                    f"{shown[:50]!r} is not read as a city: {why}.",
                    row,
                    "",
                    "",
                    level,
                )
            else:
                kept.append((row, cells))
        self.rows = kept

    # Columns

    def _readers(self) -> list[_Reader]:
        known = columns(self.model)
        targets = list(enumerate(self.header.targets))
        numeric = [
            i
            for i, t in targets
            if t and t.field in known and known[t.field].kind in {"whole", "number", "tonnes"}
        ]
        foreign = decimal_of(numeric, self.rows, self.mapping)
        found = []
        for position, target in targets:
            if target is None or target.field not in known:
                continue
            own: Decimal | None = "." if self.header.is_own[position] else None
            name, column = self.header.names[position], known[target.field]
            read = reader_of(
                column, target, name, self.mapping.decimal or foreign or own, self.notes
            )
            if self.is_survey and column.path in TEXT_OF and not target.option:
                read = self._ticked(name, read)
            elif column.path in {"wishes", "refuses", "welcomes"} and self.is_survey:
                read = self._named_cities(name)
            found.append(_Reader(position, column.path, name, column, read, target.option))
        order = {r.position: _ordinal(r.name) for r in found if r.path == "wishes"}
        if len(set(order.values())) == len(order) and None not in order.values():
            found.sort(key=lambda r: (order.get(r.position) or 0) if r.path == "wishes" else 0)
        return found

    def _ticked(self, name: str, weighted: Callable[[Any, int], Any]) -> Callable[[Any, int], Any]:
        """Return the reader of a cell with the options that were ticked; one with weights is read as our own."""

        def read(cell: Any, row: int) -> Any:
            value = clean(cell, row, name, self.notes)
            if re.search(r"\w:\s*[1-3]\s*(?:;|$)", value):
                return weighted(cell, row)
            return values.parts(value) or None

        return read

    def _named_cities(self, name: str) -> Callable[[Any, int], Any]:
        def read(cell: Any, row: int) -> Any:
            value = clean(cell, row, name, self.notes)
            if (
                value.lower() in MISSING
                or values.is_unknown(value)
                or values.yes_or_no(value) is False
            ):
                return None
            found = [
                p.strip(" .") for p in re.split(r"[;|\n]|\d\)\s|\d\.\s", value) if p.strip(" .")
            ]
            if len(found) == 1 and "," in value and not re.search(r",\s*[A-Z]{2}$", value):
                found = [p.strip() for p in value.split(",") if p.strip()]
            return [self.mapping.names.get(p, p) for p in found] or None

        return read

    # Records

    def _row(self, readers: Sequence[_Reader], row: int, cells: Cells) -> _Row:
        data: dict[str, Any] = {}
        names: dict[str, str] = {}
        for reader in readers:
            cell = cells[reader.position] if reader.position < len(cells) else None
            if cell is None or cell == "":
                continue
            if reader.option:
                self._tick(data, reader, cell, row)
            elif (value := reader.read(cell, row)) is not None:
                self._add(data, reader, value, row)
                if reader.path in {"wishes", "refuses", "welcomes"}:
                    each = range(len(data[reader.path]))
                    names = {f"{reader.path}.{k}": reader.name for k in each} | names
            names.setdefault(reader.path, reader.name)
        for path, value in self.mapping.defaults.items():
            put(data, path, value, keep=True)
        if "emissions" in data and not self.is_side:
            data["emissions"].setdefault("sectors", {})  # an inventory may have a total alone
            if self.notes.is_foreign:
                _boundary(data["emissions"], row, self.notes)
        if self.is_main and isinstance(data.get("sources"), list):
            data["sources"] = [
                {"of": sorted(set(data) - {"sources", "id"}), "from": data["sources"]}
            ]
        beside = {
            b: [i for i, t in enumerate(self.header.targets) if t and t.field == b] for b in BESIDE
        }
        stamps = [text(cells[i]) for i in beside["submitted"] if i < len(cells)]
        contacts = tuple(
            t
            for i in beside["contact"]
            if i < len(cells) and (t := text(cells[i])) and plain(t) != "anonymous"
        )
        sent = max(filter(None, map(self._moment, stamps)), default=None)
        return _Row(
            Record(data, Where(self.grid.file, self.grid.sheet, row), names), sent, contacts
        )

    def _moment(self, stamp: str) -> Any:
        return values.moment(stamp, month_first=self._month_first)

    @property
    def _month_first(self) -> bool:
        """Return whether the table's time stamps have the month first: some day of theirs is above 12."""
        at = self._position("submitted")
        cells = [text(c[at]) for _, c in self.rows if at is not None and at < len(c)]
        return any(re.match(r"\d{1,2}/(1[3-9]|2\d|3[01])/\d", c) for c in cells) or any(
            re.search(r"(?i)\d [ap]m", c) for c in cells
        )

    def _add(self, data: dict[str, Any], reader: _Reader, value: Any, row: int) -> None:
        path = reader.path
        if self.is_survey and path in TEXT_OF and isinstance(value, list):
            for part in value:
                self._option(data, path, part, row)
        elif path in {"needs", "offers"} and path in data and value:
            data[path] = f"{data[path]}\n{value}" if value not in data[path] else data[path]
        elif path in {"wishes", "refuses", "welcomes", "languages"} and isinstance(
            data.get(path), list
        ):
            data[path] += [v for v in value if v not in data[path]]
        else:
            put(data, path, value)

    def _tick(self, data: dict[str, Any], reader: _Reader, cell: Any, row: int) -> None:
        """Add the option of a column where its cell says that it was ticked; other words are kept as text."""
        value = clean(cell, row, reader.name, self.notes)
        said = values.yes_or_no(value)
        if said or plain(value) == plain(reader.option):
            if reader.path == "languages":
                self._add(data, reader, [language_code(reader.option) or reader.option], row)
                return
            self._option(data, reader.path, reader.option, row)
        elif said is None and value.lower() not in MISSING and value:
            self._option(data, reader.path, value, row)

    def _option(self, data: dict[str, Any], path: str, part: str, row: int) -> None:
        """Put one ticked option where it belongs: domains and levers by their codes, other words into the text."""
        said = self.mapping.values.get(part)
        codes = (said,) if said else () if said == "" else values.option_codes(part)
        if len(codes) == 1:
            fields = {v: k for k, v in OPTIONS.items()}
            domains, levers = (path, OPTIONS[path]) if path in OPTIONS else (fields[path], path)
            if codes[0] in {*Domain}:
                held = data.setdefault(domains, [])
                held += [codes[0]] if isinstance(held, list) and codes[0] not in held else []
            elif codes[0] in {*Lever}:
                held = data.setdefault(levers, [])
                held += [codes[0]] if codes[0] not in held else []
            return
        if said == "":
            return
        own = re.sub(
            r"(?i)^(?:other|others|sonstiges?|andere|autres?|altro|otros?|inne|outros?)\s*[:–-]\s*",
            "",
            part,
        )
        text_field = TEXT_OF[path]
        if codes:
            self.options.setdefault(part, (path, row))
        elif own == part and self._is_met_again(part, row):
            self.options.setdefault(part, (path, self.unknown[part][0]))
        else:
            self.notes.count(
                "option-kept",
                path,
                f"{part[:60]!r} is no domain or lever: it is kept in the text.",
                row,
            )
        if own and own not in str(data.get(text_field, "")):
            data[text_field] = f"{data[text_field]}\n{own}" if data.get(text_field) else own

    def _is_met_again(self, part: str, row: int) -> bool:
        """Return whether words that are no domain or lever stand in several rows, so that they are an option."""
        self.unknown[part].append(row)
        return len(self.unknown[part]) > 1 and len(part.split()) <= 7

    def _ask_option(self, value: str, path: str, row: int) -> None:
        codes = values.option_codes(value)
        asks = f"Which does the option {value[:60]!r} mean{': ' + ' or '.join(codes) if codes else ''}?"
        named = codes or (*Domain, *Lever)
        choices = (*((str(c), NAMES[c]) for c in named), ("", "none of them"))
        self.questions.append(
            MappingQuestion("values", value, asks, self.grid.at(row, path), choices)
        )

    # What is known of the cities

    def _countries_by_name(self, readers: Sequence[_Reader]) -> bool:
        """Return whether the gazetteer gives nearly every name one country; the rows then take it."""
        at = self._position("name")
        if at is None:
            return False
        found = [countries_of(text(c[at])) for _, c in self.rows if at < len(c) and text(c[at])]
        return bool(found) and sum(len(f) == 1 for f in found) >= 0.7 * len(found)

    def _population(self, rows: Sequence[_Row], readers: Sequence[_Reader]) -> None:
        """Compare populations with the gazetteer's: a factor that fits nearly all is taken, and reported."""
        reader = next((r for r in readers if r.path == "population.value"), None)
        if reader is None or reader.name in self.mapping.columns:
            return
        off = []
        for row in rows:
            value = (row.record.data.get("population") or {}).get("value")
            place = listed_place(
                str(row.record.data.get("country")), str(row.record.data.get("name"))
            )
            if isinstance(value, int | float) and value > 0 and place and place.population:
                off.append(math.log10(value / place.population))
        factor = {-3: 1000, 3: 0.001, -6: 1e6}.get(round(median(off))) if len(off) >= 3 else None
        target = self.header.targets[reader.position]
        if factor is None or target is None or abs(median(off) - round(median(off))) > 0.3:
            return
        place_ = self.grid.at(self.header.row, reader.name)
        if target.factor != 1.0:
            asks = f"{reader.name!r} says {target.factor:,.0f}, and the figures fit those known without it. Are they people?"
            self.questions.append(
                MappingQuestion(
                    "columns",
                    reader.name,
                    asks,
                    place_,
                    (("population.value", "people"), ("", "not read")),
                )
            )
            return
        said = f"{reader.name!r} fits the populations known of these cities times {factor:,.10g}, and is read so."
        self.notes.problems.append(Problem("factor-found", said, place_, "", "warning"))
        targets = list(self.header.targets)
        targets[reader.position] = replace(target, factor=float(factor))
        self.header = replace(self.header, targets=tuple(targets))
        for row in rows:
            block = row.record.data.get("population") or {}
            if isinstance(block.get("value"), int | float):
                block["value"] = round(block["value"] * factor)

    def _spelling(self, rows: Sequence[_Row]) -> None:
        """Give names that lost letters, and those that are nearly a city's, what the mapping says; else ask."""
        for row in rows:
            data, where = row.record.data, row.record.where
            name, country = data.get("name"), data.get("country")
            if not isinstance(name, str):
                continue
            column = row.record.columns.get("name", "name")
            if name in self.mapping.names or f"{name} (row {where.row})" in self.mapping.names:
                key = name if name in self.mapping.names else f"{name} (row {where.row})"
                said, comma, code = (self.mapping.names[key] or name).rpartition(", ")
                data["name"] = said if comma and is_country(code) else said + comma + code
                if comma and is_country(code):
                    data["country"] = code
                continue
            people = (data.get("population") or {}).get("value")
            if not isinstance(country, str) or not is_country(country):
                hits = countries_of(name)
                if country is None and len(hits) == 1:
                    data["country"] = hits[0]
                    self.notes.count(
                        "country-found",
                        column,
                        "The country is that of the one place of this name.",
                        where.row,
                    )
                elif isinstance(country, str) and set(country) <= {"?", " "}:
                    self._lost_country(row, column)
                continue
            if "?" in name:
                self._lost_name(data, name, country, people, where, column)
        for row in rows:
            for path in ("wishes", "refuses"):
                data = row.record.data
                if isinstance(data.get(path), list):
                    data[path] = [self._whole_name(w, row.record.place(path)) for w in data[path]]

    def _lost_country(self, row: _Row, column: str) -> None:
        """Ask which city it is whose name and country both lost their letters at export."""
        name, where = str(row.record.data["name"]), row.record.where
        length, people = (
            len(str(row.record.data["country"])),
            (row.record.data.get("population") or {}).get("value"),
        )
        fitting = sorted(
            c for c, names in _COUNTRY_NAMES.items() if any(len(n) == length for n in names)
        )
        hits = [(h, c) for c in fitting for h in lost_letters(c, name, people)[:4]]
        asks = f"The letters of a city's name and country were lost at export ({name!r}). Which city is it?"
        choices = (*((f"{h}, {c}", f"{h} ({c})") for h, c in hits), ("", "leave it out"))
        key = f"{name} (row {where.row})"
        self.questions.append(
            MappingQuestion("names", key, asks, self.grid.at(where.row, column), choices)
        )

    def _lost_name(
        self, data: dict[str, Any], name: str, country: str, people: Any, where: Where, column: str
    ) -> None:
        hits = lost_letters(country, name, people if isinstance(people, int | float) else None)
        if len(hits) == 1 and re.search(r"[^?\s]", name):
            data["name"] = hits[0]
            said = f"Letters of {name!r} were lost at export; the one place in {country} that it can be is {hits[0]}."
            self.notes.add(
                "letters-lost", said, where.row, column, "Export the table as UTF-8.", "warning"
            )
            return
        key = f"{name} (row {where.row})"
        asks = f"The letters of a city's name were lost at export ({name!r}, {country}). Which city is it?"
        choices = (*((h, h) for h in hits[:5]), ("", "leave as it is"))
        self.questions.append(
            MappingQuestion("names", key, asks, self.grid.at(where.row, column), choices)
        )

    def _whole_name(self, wish: str, where: Where) -> str:
        if "?" not in wish or not re.search(r"[^?\s]", wish):
            return wish
        hits = {h for c in sorted(countries()) for h in lost_letters(c, wish)}
        return hits.pop() if len(hits) == 1 else wish

    def _identify(self, rows: Sequence[_Row]) -> None:
        """Give each row without an id the known city's or a made one; two places of one name are told apart."""
        for row in rows:
            self._identify_one(row.record.data, row.record.where.row, dict(row.record.columns))
        named: dict[str, list[_Row]] = defaultdict(list)
        for row in rows:
            named[str(row.record.data.get("id"))].append(row)
        for city, same in named.items():
            spots = [_spot(r.record.data) for r in same]
            if (
                len(same) > 1
                and None not in spots
                and len(set(spots)) == len(spots)
                and self._apart(spots)
            ):
                for row, spot in zip(same, spots, strict=True):
                    row.record.data["id"] = (
                        f"{city}-{abs(spot[0] * 100):.0f}n{abs(spot[1] * 100):.0f}e"  # type: ignore[index]
                    )
                    said = f"{len(same)} places are called {row.record.data.get('name')!r}: each is a city of its own by its coordinates."
                    self.notes.add("same-name", said, row.record.where.row, "name", "", "warning")

    def _apart(self, spots: Sequence[Any]) -> bool:
        pairs = [(a, b) for k, a in enumerate(spots) for b in spots[:k]]
        return all(math.hypot((a[0] - b[0]) * 111, (a[1] - b[1]) * 70) > 25 for a, b in pairs)

    def _identify_one(self, data: dict[str, Any], row: int, names: dict[str, str]) -> None:
        name, country = data.get("name"), data.get("country")
        if not isinstance(name, str) or not isinstance(country, str):
            return
        if not is_country(country):
            data.setdefault("id", city_id("xx", name))  # the country is the error to tell, once
            return
        if "id" in data:
            return
        column = names.get("name", "name")
        known = known_city(country, name) or known_city(country, str(data.get("local_name", "")))
        data["id"] = known or city_id(country, name)
        found = (
            "The identifier is that of the bundled city of this name and country."
            if known
            else ("The identifier was made from country and name.")
        )
        self.notes.count("id-made", column, found, row)
        own = {plain(n) for n in places()[known].names} if known else set()
        if known and not {plain(name), bare(name)} & own:
            said = f"{name!r} is {places()[known].name} ({known})."
            self.notes.add("name-read-as", said, row, column, "", "note")
        if (
            not known
            and "?" not in name
            and not unbroken(name)
            and (near := near_city(country, name))
        ):
            self._near(name, near, row, column)

    def _near(self, name: str, near: Any, row: int, column: str) -> None:
        said = near.id or near.country
        asks = f"{name!r} is nearly {near.name!r} ({said}), a city that is known. Is it that city?"
        where = self.grid.at(row, column)
        if self.is_survey and name not in self.mapping.names:
            choices = ((near.name, f"it is {near.name}"), (name, "it is another city"))
            self.questions.append(MappingQuestion("names", name, asks, where, choices, near.name))
        elif not self.is_survey and near.id:
            do = f"If it is that city, write {near.name!r} or give the id {near.id}."
            self.notes.add(
                "city-near", asks.removesuffix(" Is it that city?"), row, column, do, "warning"
            )

    def _merged(self, rows: list[_Row]) -> list[_Row]:
        """Return one row a city: of several, the later one wins field by field, and this is reported."""
        if not self.is_survey:
            return rows
        by_id: dict[str, list[_Row]] = defaultdict(list)
        for row in rows:
            by_id[str(row.record.data.get("id", f"row {row.record.where.row}"))].append(row)
        found = []
        for same in by_id.values():
            stamped = all(r.sent for r in same)
            if len(same) > 1 and not stamped and len({repr(r.record.data) for r in same}) > 1:
                found += same  # nobody can know which is meant: told as the same city twice
                continue
            found.append(self._one(sorted(same, key=lambda r: (r.sent or (), r.record.where.row))))
        return sorted(found, key=lambda r: r.record.where.row)

    def _one(self, same: list[_Row]) -> _Row:
        latest = same[-1]
        if len(same) == 1:
            return latest
        data: dict[str, Any] = {}
        elsewhere: dict[str, Where] = {}
        changed: set[str] = set()
        for row in same:
            for path, value in leaves(row.record.data):
                if value in (None, "", []):
                    continue
                *parents, last = path.split(".")
                held: Any = data
                for parent in parents:
                    held = held.get(parent, {})
                if last in held and held[last] != value:
                    changed.add(path)
                put(data, path, value)
                elsewhere[path] = row.record.place(path)
        rows = " and ".join(str(r.record.where.row) for r in same)
        more = f" Changed: {', '.join(sorted(changed))}." if changed else ""
        said = f"{data.get('name')} stands in rows {rows}: read as one city, the later answer wins.{more}"
        self.notes.add("rows-merged", said, latest.record.where.row, "name", "", "warning")
        contacts = tuple(dict.fromkeys(c for r in same for c in r.contacts))
        record = replace(
            latest.record, data=data, elsewhere={**latest.record.elsewhere, **elsewhere}
        )
        return _Row(record, latest.sent, contacts)


_COUNTRY_NAMES: Final = {
    "GR": ("Ελλάδα", "Ελλάς"),
    "BG": ("България",),
    "MK": ("Северна Македонија", "Македонија"),
    "RS": ("Србија",),
    "UA": ("Україна",),
    "CY": ("Κύπρος",),
}
"""Names of countries in letters that Western encodings lose."""


def _spot(data: dict[str, Any]) -> tuple[float, float] | None:
    place = data.get("location") or {}
    lat, lon = place.get("lat"), place.get("lon")
    return (
        (float(lat), float(lon))
        if isinstance(lat, int | float) and isinstance(lon, int | float)
        else None
    )


def _ordinal(name: str) -> int | None:
    found = re.search(r"\b(\d)\s*(?:st|nd|rd|th|\.|er|e|ère|ª|º|°|\))?\b|\b(\d)\b", name)
    words = ("first", "second", "third", "fourth", "fifth")
    spoken = next((k for k, w in enumerate(words, 1) if w in plain(name).split()), None)
    return int(found[1] or found[2]) if found else spoken


def unbroken(cell: str) -> str | None:
    """Return a text whose UTF-8 was once read as cp1252 ("MÃ¡laga") as it was meant, None where it was not."""
    if not re.search("[ÃÂÄÅÎÐÑ][\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]", cell):
        return None
    try:
        content = b"".join(
            bytes([ord(c)]) if 0x80 <= ord(c) < 0xA0 else c.encode("cp1252") for c in cell
        )
        return content.decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return None


def leaves(data: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Return the values of a record by their dotted paths; domains with weights stay together."""
    found: list[tuple[str, Any]] = []
    for name, value in data.items():
        path = f"{prefix}{name}"
        if isinstance(value, dict) and path not in {"challenges", "strengths"}:
            found += leaves(value, f"{path}.")
        else:
            found.append((path, value))
    return found


def put(data: dict[str, Any], path: str, value: Any, *, keep: bool = False) -> None:
    """Put a value at a dotted path; ``keep`` leaves one that stands there."""
    *parents, name = path.split(".")
    for parent in parents:
        data = data.setdefault(parent, {})
    if not (keep and name in data):
        data[name] = value


def _boundary(emissions: dict[str, Any], row: int, notes: Notes) -> None:
    """Take an inventory that says neither form nor boundary for the city's own form, and say so."""
    if "form" in emissions and "boundary" in emissions:
        return
    emissions.setdefault("form", "city")
    if "boundary" not in emissions:
        emissions["boundary"] = "city"
        emissions.setdefault("boundary_note", "not stated")
    found = (
        "The table says no form or boundary of the inventories: they are taken for the city's own."
    )
    notes.count("boundary-not-stated", "", found, row)
