"""One row a city: from a sheet to raw records, every cell with its place.

Rows that are no city (totals, notes, tests) are set aside, the rows of one city become one, and a column that is an
option of a question adds to the answer; each is reported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from typing import Any, Final

from pydantic import BaseModel

from twinmatch.errors import Where
from twinmatch.reading import city_rows, values
from twinmatch.reading.cells import Notes, clean, decimal_of, is_no_text, reader_of
from twinmatch.reading.grid import Grid, Raw, is_empty, put, text
from twinmatch.reading.headers import SET_ASIDE, Header, find_header
from twinmatch.reading.mapping import (
    BESIDE,
    RANKABLE,
    RANKED,
    Mapping,
    MappingQuestion,
    Target,
    columns,
)
from twinmatch.reading.meaning import LEVERS, concepts, is_choice
from twinmatch.reading.sense import is_other, likely_option
from twinmatch.reading.values import MISSING, Decimal
from twinmatch.schema import NAMES, City, Domain, Lever
from twinmatch.validate import NAMING, Record
from twinmatch.vocabulary.gazetteer import countries_of
from twinmatch.vocabulary.geography import language_code
from twinmatch.vocabulary.taxonomy import plain
from twinmatch.wording import say

Cells = Sequence[Any]

TEXT_OF: Final = {
    **dict.fromkeys(("challenges", "levers_needed"), "needs"),
    **dict.fromkeys(("strengths", "levers_offered"), "offers"),
}
"""Where an option of a city's own words is kept."""

_NAMED: Final = frozenset({*NAMING, "languages", "own_labels"})
"""Lists that several columns fill together."""
MOST_ASKED: Final = 3
"""Questions beside which the order of wishes is told, not asked."""
_OTHER: Final = re.compile(
    r"(?i)^(?:other|others|sonstiges?|andere|autres?|altro|otros?|inne|outros?)\s*[:–-]\s*"
)
"""What a survey tool writes before words of a city's own."""


Model = type[BaseModel]


def table_records(
    grid: Grid, mapping: Mapping | None = None, model: Model = City, *, is_side: bool = False
) -> Raw:
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
    read: Callable[[Any, int], Any]
    option: str = ""


class _Reading:
    """Reads one sheet."""

    def __init__(
        self, grid: Grid, mapping: Mapping, header: Header, model: Model, is_side: bool
    ) -> None:
        self.grid, self.mapping, self.header, self.model = grid, mapping, header, model
        self.is_main = model is City and not is_side
        self.is_side = is_side
        self.is_survey = self.is_main and not header.is_form
        self.notes = Notes(grid, [*header.problems, *grid.problems], self.is_survey)
        self.notes.questions += header.questions
        self.rows = [(r, c) for r, c in grid.rows if r > header.row and not is_empty(c)]
        self.named = list(zip(header.names, header.targets, strict=True))
        self.options: dict[str, str] = {}
        self.scales: dict[str, values.Grades | None] = {}
        self.unknown: set[str] = set()
        self.unordered: dict[str, str] = {}

    def table(self) -> Raw:
        """Return the records of the sheet, with everything that was met."""
        self._refuse_ragged()
        if self.is_survey:
            self.rows = [(r, self._repaired(r, c)) for r, c in self.rows]
        if self.is_main:
            self._set_aside()
        readers = self._readers()
        required = {"name", "country"} if self.is_main else set()
        lacking = sorted(required - {r.path for r in readers} - set(self.mapping.defaults))
        if self.is_survey and lacking == ["country"] and self._countries_by_name():
            lacking = []
        for name in lacking:
            self._lacks(name)
        found = [] if lacking else [self._row(readers, row, cells) for row, cells in self.rows]
        if self.is_survey:
            self._population(found)
            city_rows.spell(found, self.mapping, self.notes)
        if self.is_main:
            city_rows.identify(found, self.mapping, self.notes)
        if self.is_survey:
            found = city_rows.merged(found, self.notes)
        for question in self.header.questions if self.is_survey else ():
            if question.guess in TEXT_OF and question.guess not in TEXT_OF.values():
                self._note_options(question)
        for value, name in self.options.items():
            self._ask_option(value, name)
        for name, path in self.unordered.items():
            self._ask_order(name, path)
        if self.is_main and not lacking and not self.rows and not self.notes.has_errors:
            self._empty()
        return Raw(
            tuple(r.record for r in found),
            problems=tuple(self.notes.summed()),
            questions=tuple(self.notes.questions),
            contacts={str(r.data.get("id")): r.contacts for r in found if r.contacts},
            used=self._used(),
            is_survey=self.is_survey and not lacking,
        )

    def _empty(self) -> None:
        row = self.header.row if self.grid.rows else 0
        says = "The table has a header and no row below it." if row else "The table is empty."
        do = say("Put a row for each city below a header.")
        self.notes.add("no-cities", say(says), row, "", do)

    def _lacks(self, name: str) -> None:
        if not self.grid.rows:
            if name == "name":
                self._empty()
            return
        unread = next((n for n, t in self.named if n and t is None), "")
        found = say("The table has no column {name}, which every city needs.", name=repr(name))
        header = unread or "Header"
        do = f'Say which column it is in a mapping file: [columns] "{header}" = "{name}"'
        do += ', or for all rows: [defaults] country = "DE"' if name == "country" else ""
        self.notes.add("column-missing", found, self.header.row, "", do + ".")
        is_asked = any(q.guess == "name" for q in self.notes.questions)
        if unread and name == "name" and not is_asked:
            says = "Which column holds the names of the cities? Is it {unread}?"
            asks = say(says, unread=repr(unread))
            where, choices = self.grid.at(self.header.row, unread), ((name, name), SET_ASIDE)
            question = MappingQuestion("columns", unread, asks, where, choices)
            self.notes.questions.insert(0, question)

    def _used(self) -> Mapping:
        """Return the mapping that reads the sheet as it was read."""
        questions = [q for q in self.notes.questions if q.table == "columns"]
        asked = {n for q in questions for n in (q.key, *q.options)}
        targets = {n: t or Target("") for n, t in self.named if n and n not in asked}
        row = self.mapping.header_row or self.header.row
        return replace(self.mapping, columns={**targets, **self.mapping.columns}, header_row=row)

    # Rows

    def _refuse_ragged(self) -> None:
        """Report rows with filled cells beyond the header, where a separator split a text; nothing is read of them."""
        width = max((i + 1 for i, n in enumerate(self.header.names) if n), default=0)
        if not width or not self.is_main:
            return
        beyond = {
            row: "; ".join(filter(None, map(text, cells[width:]))) for row, cells in self.rows
        }
        self.rows = [(row, cells) for row, cells in self.rows if not beyond[row]]
        do = say("A comma or semicolon inside a text splits it: put the text in quotation marks.")
        for row, said in beyond.items():
            if said:
                says = "The row is longer than the header: {said} stands beyond the last column."
                found = say(says, said=repr(said[:60]))
                self.notes.add("row-too-long", found, row, "", do)

    def _repaired(self, row: int, cells: Cells) -> tuple[Any, ...]:
        """Return a row with its mojibake repaired where the mapping says so; else it is reported and asked."""
        texts = ((i, city_rows.unbroken(c)) for i, c in enumerate(cells) if isinstance(c, str))
        right = {i: whole for i, whole in texts if whole}
        for i, whole in right.items():
            name = self.header.names[i] if i < len(self.header.names) else ""
            if self.mapping.repair_letters:
                said = say("Broken letters were repaired.")
                self.notes.count("letters-repaired", name, said, row)
                continue
            said = say("Letters were broken when the file was saved (such as Ã¤ for ä).")
            do = "repair_letters = true in the mapping file repairs them."
            self.notes.count("letters-broken", name, said, row, "warning", do)
            is_asked = any(q.table == "repair_letters" for q in self.notes.questions)
            if self.mapping.repair_letters is None and not is_asked:
                says = "Letters were broken when the file was saved: {cells} should be {whole}. Repair all such cells?"
                asks = say(says, cells=repr(cells[i][:40]), whole=repr(whole[:40]))
                choices = (("true", say("repair")), ("false", say("leave")))
                self.notes.ask("repair_letters", "", asks, (row, name), choices, "true")
        if not self.mapping.repair_letters:
            return tuple(cells)
        return tuple(right.get(i, cell) for i, cell in enumerate(cells))

    def _positions(self, field: str) -> list[int]:
        return [i for i, t in enumerate(self.header.targets) if t and t.field == field]

    def _texts(self, position: int) -> list[str]:
        """Return the cells of a column as texts, of the rows that reach so far."""
        return [text(cells[position]) for _, cells in self.rows if position < len(cells)]

    def _set_aside(self) -> None:
        """Set aside rows that are no city."""
        at = self._positions("name")
        kept = []
        for row, cells in self.rows if at else ():
            why, level = city_rows.no_city(self.header, cells, is_survey=self.is_survey)
            if why:
                name = text(cells[at[0]]) if at[0] < len(cells) else ""
                shown = name or next(filter(None, map(text, cells)), "")
                says = "{shown} is not read as a city: {why}."
                found = say(says, shown=repr(shown[:50]), why=why)
                self.notes.add("row-set-aside", found, row, "", "", level)
            else:
                kept.append((row, cells))
        self.rows = kept if at else self.rows

    # Columns

    def _readers(self) -> list[_Reader]:
        known = columns(self.model)
        read = [(i, n, t) for i, (n, t) in enumerate(self.named) if t and t.field in known]
        numeric = [i for i, _, t in read if known[t.field].kind in {"whole", "number", "tonnes"}]
        decimal = self.mapping.decimal or decimal_of(numeric, self.rows, self.mapping)
        found = []
        for position, name, target in read:
            own: Decimal | None = "." if self.header.is_own[position] else None
            column = known[target.field]
            place = (self.header.row, name)
            if name in self.mapping.columns and is_no_text(
                target, self._texts(position), place, self.notes
            ):
                continue
            reader = reader_of(column, target, name, decimal or own, self.notes)
            if self.is_survey and column.path in TEXT_OF and not target.option:
                reader = self._ticked(position, name, reader)
            elif self.is_survey and column.path in NAMING:
                reader = self._named_cities(name)
            elif column.path == "own_labels" and not self.header.is_own[position]:
                target, reader = Target(target.field), self._labels(name, target.option or name)
            found.append(_Reader(position, column.path, name, reader, target.option))
        order = {r.position: values.ordinal(r.name) for r in found if r.path == "wishes"}
        if len(set(order.values())) == len(order) and None not in order.values():
            found.sort(key=lambda r: (order.get(r.position) or 0) if r.path == "wishes" else 0)
        if self.is_survey:
            self.unordered = self._unordered([r for r in found if r.path in RANKABLE])
        for path in (*LEVERS, *LEVERS.values()):
            parts = [r for r in found if r.path == path and r.option]
            said = (t for r in parts for t in self._texts(r.position))
            self.scales[path] = values.grades_of(said, (r.name for r in parts))
        return found

    def _unordered(self, readers: Sequence[_Reader]) -> dict[str, str]:
        """Return the columns of cities asked for, with their fields, of which neither header, cells nor mapping say a ranking."""
        numbered = [n for r in readers if (n := values.ordinal(r.name))]
        if len(readers) > 1 and len(set(numbered)) == len(readers):
            return {}
        targets = [self.header.targets[r.position] for r in readers]
        is_ranked = any(t and t.is_ranked for t in targets) or any(
            self.header.is_own[r.position]
            or "ranked" in concepts(r.name)
            or any(map(city_rows.NUMBERED.search, self._texts(r.position)))
            for r in readers
        )
        return {} if is_ranked else {r.name: r.path for r in readers}

    def _ask_order(self, name: str, path: str) -> None:
        """Tell that the cities asked for in a column are taken in no order; ask it where nothing says that they are ticked."""
        texts = self._texts(self.header.names.index(name))
        several = [cities for t in texts if len(cities := self._cities_in(t) or []) > 1]
        if not several or name in self.mapping.columns:
            return
        place = (self.header.row, name)
        is_ticked = all(cities == sorted(cities, key=plain) for cities in several)
        if is_choice(name) or is_ticked or len(self.notes.questions) >= MOST_ASKED:
            says = "Nothing says that the order of the cities in {name} is a ranking: all are wished for alike."
            do = say(
                "If they stand best first: {line}", line=f'[columns] "{name}" = "{RANKED}{path}"'
            )
            self.notes.add("wishes-in-no-order", say(says, name=repr(name)), *place, do, "note")
            return
        says = "Do the cities in {name} (such as {example}) stand best first?"
        asks = say(says, name=repr(name), example=repr("; ".join(several[0])[:60]))
        choices = ((path, say("no, in no order")), (RANKED + path, say("yes")), SET_ASIDE)
        self.notes.ask("columns", name, asks, place, choices, path)

    def _ticked(
        self, position: int, name: str, weighted: Callable[[Any, int], Any]
    ) -> Callable[[Any, int], Any]:
        """Return the reader of a cell with the options that were ticked; one with weights is read as our own."""
        options = values.options_of(self._texts(position))

        def read(cell: Any, row: int) -> Any:
            value = clean(cell, row, name, self.notes)
            if re.search(r"\w:\s*[1-3]\s*(?:;|$)", value):
                return weighted(cell, row)
            return [*options.get(value, values.parts(value))] or None

        return read

    def _labels(self, name: str, called: str) -> Callable[[Any, int], Any]:
        return lambda cell, row: values.labels(clean(cell, row, name, self.notes), called)

    def _named_cities(self, name: str) -> Callable[[Any, int], Any]:
        return lambda cell, row: self._cities_in(clean(cell, row, name, self.notes))

    def _cities_in(self, value: str) -> list[str] | None:
        return city_rows.cities_in(value, self.mapping.names)

    # Records

    def _row(self, readers: Sequence[_Reader], row: int, cells: Cells) -> city_rows.CityRow:
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
            if reader.path in NAMING and isinstance(data.get(reader.path), list):
                if reader.name in self.unordered:
                    data["wishes_unordered"] = True
                for k in range(len(data[reader.path])):
                    names.setdefault(f"{reader.path}.{k}", reader.name)
            for path in {reader.path, LEVERS.get(reader.path, reader.path)}:
                if reader.name in self.options.values():
                    names[path] = reader.name  # the place of a list is that of its part in doubt
                names.setdefault(path, reader.name)
        for path, value in self.mapping.defaults.items():
            put(data, path, value, keep=True)
        if "emissions" in data and not self.is_side:
            data["emissions"].setdefault("sectors", {})  # an inventory may have a total alone
            if self.is_survey:
                city_rows.state_boundary(data["emissions"], row, self.notes)
        if self.is_main and isinstance(data.get("sources"), list):
            blocks = sorted(set(data) - {"sources", "id"})
            data["sources"] = [{"of": blocks, "from": data["sources"]}]
        at = ([i for i in self._positions(b) if i < len(cells)] for b in BESIDE)
        stamps, contacts = ([said for i in some if (said := text(cells[i]))] for some in at)
        moments = [values.moment(stamp, month_first=self._month_first) for stamp in stamps]
        record = Record(data, Where(self.grid.file, self.grid.sheet, row), names)
        known = tuple(c for c in contacts if plain(c) != "anonymous")
        return city_rows.CityRow(record, max(filter(None, moments), default=None), known)

    @cached_property
    def _month_first(self) -> bool:
        """Return whether the table's time stamps have the month first: some day of theirs is above 12."""
        stamps = [stamp for i in self._positions("submitted")[:1] for stamp in self._texts(i)]
        return any(re.search(r"(?i)^\d{1,2}/(?:1[3-9]|2\d|3[01])/\d|\d [ap]m", s) for s in stamps)

    def _add(self, data: dict[str, Any], reader: _Reader, value: Any, row: int) -> None:
        path = reader.path
        if self.is_survey and path in TEXT_OF and isinstance(value, list):
            for part in value:
                self._option(data, reader, part, row)
        elif path in {"needs", "offers"} and path in data and value:
            data[path] = f"{data[path]}\n{value}" if value not in data[path] else data[path]
        elif path in _NAMED and isinstance(data.get(path), list):
            data[path] += [v for v in value if v not in data[path]]
        else:
            put(data, path, value)

    def _tick(self, data: dict[str, Any], reader: _Reader, cell: Any, row: int) -> None:
        """Add the option of a column where its cell says that it was ticked; other words are kept as text."""
        value = clean(cell, row, reader.name, self.notes)
        said = values.yes_or_no(value)
        if scale := self.scales.get(reader.path):
            if weight := scale.weight(value):
                one: dict[str, Any] = {}
                self._option(one, reader, reader.option, row)
                city_rows.add_graded(data, one, weight)
            self.notes.count("levels-read", reader.name, scale.says, row)
            return
        if said is False or value.lower() in {"", *MISSING}:
            return
        is_own = plain(value) in {plain(reader.option), plain(reader.name)}
        part = reader.option if said or is_own else value
        if part == reader.option and is_other(part):
            return  # what else there is stands in a column of its own
        if reader.path == "languages":
            named = [part] if language_code(part) else re.split(r"[;,/&]", part)
            parts = [p for one in named if (p := one.strip())]
            self._add(data, reader, [language_code(p) or p for p in parts], row)
        elif reader.path in (*LEVERS, *LEVERS.values()):
            self._option(data, reader, part, row)
        elif read := reader.read(part, row):
            *blocks, last = reader.path.split(".")
            block = reduce(lambda held, name: held.setdefault(name, {}), blocks, data)
            block[last] = list(dict.fromkeys([*block.get(last, ()), *read]))

    def _option(self, data: dict[str, Any], reader: _Reader, part: str, row: int) -> None:
        """Put one ticked option where it belongs: domains and levers by their codes, other words into the text."""
        path, said = reader.path, self.mapping.values.get(part)
        codes = (said,) if said else values.option_codes(part) if said is None else ()
        if len(codes) == 1:
            domains = path if path in LEVERS else next(k for k, v in LEVERS.items() if v == path)
            field = domains if codes[0] in {*Domain} else LEVERS[domains]
            held = data.setdefault(field, [])
            if isinstance(held, list) and codes[0] in {*Domain, *Lever} and codes[0] not in held:
                held.append(codes[0])
        if said == "" or len(codes) == 1:
            return
        own = _OTHER.sub("", part)
        if codes or (own == part and self._is_option(part, reader.option)):
            self.options.setdefault(part, reader.name)
        else:
            says = "{part} is no domain or lever: it is kept in the text."
            found = say(says, part=repr(part[:60]))
            level = "note" if own != part or reader.option else "warning"
            self.notes.count("option-kept", reader.name, found, row, level)
        words = str(data.get(TEXT_OF[path], ""))
        if own and own not in words:
            data[TEXT_OF[path]] = f"{words}\n{own}" if words else own

    def _note_options(self, question: MappingQuestion) -> None:
        """Note what has to be asked of the options of a column that is itself in question, so that it is asked at once."""
        cells = self._texts(self.header.names.index(question.key))
        split = (p for ps in values.options_of(cells).values() for p in ps)
        for part in question.labels or split:
            is_clear = part in self.mapping.values or len(values.option_codes(part)) == 1
            is_own = is_other(part) or bool(_OTHER.match(part))
            if not (is_clear or is_own) and (question.labels or self._is_option(part)):
                self.options.setdefault(part, question.key)

    def _is_option(self, part: str, label: str = "") -> bool:
        """Return whether words are an option: a column's label, in several rows, or by their sense one of ours."""
        is_again = part in self.unknown
        self.unknown.add(part)
        if label or len(part.split()) > values.MOST_WORDS:
            return label == part
        return is_again or bool(likely_option(part))

    def _ask_option(self, value: str, name: str) -> None:
        codes = values.option_codes(value)
        either = f": {' or '.join(codes)}" if codes else ""
        says = "Which does the option {value} mean{either}?"
        asks = say(says, value=repr(value[:60]), either=either)
        named = ((str(c), NAMES[c]) for c in codes or (*Domain, *Lever))
        choices = (*named, ("", say("none of them")))
        guess = codes[0] if codes else likely_option(value)
        self.notes.ask("values", value, asks, (self.header.row, name), choices, guess)

    # What is known of the cities

    def _countries_by_name(self) -> bool:
        """Return whether the gazetteer gives nearly every name one country; the rows then take it."""
        names = [name for i in self._positions("name")[:1] for name in self._texts(i) if name]
        return bool(names) and sum(len(countries_of(n)) == 1 for n in names) >= 0.7 * len(names)

    def _population(self, rows: Sequence[city_rows.CityRow]) -> None:
        """Compare populations with the gazetteer's: a factor that fits nearly all is taken, and reported."""
        at = self._positions("population.value")[:1]
        name, target = self.named[at[0]] if at else ("", None)
        if target is None or name in self.mapping.columns:
            return
        factor = city_rows.factor_of_populations(rows)
        if factor is None:
            return
        place = (self.header.row, name)
        if target.factor != 1.0:
            says = "{name} says {factor:,.0f}, and the figures fit those known without it. Are they people?"
            asks = say(says, name=repr(name), factor=target.factor)
            choices = (("population.value", say("people")), SET_ASIDE)
            self.notes.ask("columns", name, asks, place, choices)
            return
        says = "{name} fits the populations known of these cities times {factor:,.10g}, and is read so."
        found = say(says, name=repr(name), factor=factor)
        self.notes.add("factor-found", found, *place, "", "warning")
        self.named[at[0]] = (name, replace(target, factor=float(factor)))
        for row in rows:
            if isinstance(row.people, int | float):
                row.data["population"]["value"] = round(row.people * factor)
