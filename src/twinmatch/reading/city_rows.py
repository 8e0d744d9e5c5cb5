"""Rows of cities: which rows are none, which city each is, and the rows of one city as one; each doubt is reported."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Mapping as Dict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from statistics import median
from typing import Any, Final, Literal

from twinmatch.errors import Where
from twinmatch.files import data_beside
from twinmatch.reading.cells import Notes, is_none
from twinmatch.reading.grid import leaves, put, text
from twinmatch.reading.headers import Header
from twinmatch.reading.mapping import Mapping, columns
from twinmatch.reading.meaning import LEVERS, cities_joined
from twinmatch.reading.values import yes_or_no
from twinmatch.validate import Record
from twinmatch.vocabulary.gazetteer import (
    bare,
    countries_of,
    is_place,
    known_city,
    listed_place,
    lost_letters,
    near_city,
    places,
)
from twinmatch.vocabulary.geography import city_id, countries, is_country
from twinmatch.vocabulary.taxonomy import plain
from twinmatch.wording import joined, listed, say

NUMBERED: Final = re.compile(r"\d[.)]\s")
"""A number before a city, as in "1. Aarhus 2. Turku"."""


def cities_in(value: str, names: Dict[str, str]) -> list[str] | None:
    """Return the cities that a cell names, by the names that a mapping gives them; None for none."""
    if is_none(value) or yes_or_no(value) is False:
        return None
    parts = re.split(rf"[;|\n]|{NUMBERED.pattern}", value)
    found = [p for part in parts if (p := part.strip(" ."))]
    if len(found) == 1 and not re.search(r",\s*[A-Z]{2}$", value):
        found = [part.strip() for part in found[0].split(",") if part.strip()]
    return [names.get(p, p) for f in found for p in cities_joined(f)] or None


def add_graded(data: dict[str, Any], ticked: Dict[str, Any], weight: int) -> None:
    """Add the domains of an option to a city's, each with how much it was said to be so, and its levers where that is rather or very."""
    for field, codes in ticked.items():
        if field in LEVERS:
            data.setdefault(field, {}).update(dict.fromkeys(codes, weight))
        elif field in LEVERS.values() and weight >= 2:
            data[field] = [*dict.fromkeys([*data.get(field, ()), *codes])]


@dataclass
class CityRow:
    """A row of a city while it is read: its record, when it was sent, and whom to write to."""

    record: Record
    sent: Any = None
    contacts: tuple[str, ...] = ()

    @property
    def data(self) -> dict[str, Any]:
        """Return the fields of the record."""
        return self.record.data

    @property
    def row(self) -> int:
        """Return the row of the sheet."""
        return self.record.where.row

    @property
    def named_in(self) -> str:
        """Return the header of the column of names."""
        return self.record.columns.get("name", "name")

    @property
    def people(self) -> Any:
        """Return the stated population, None where there is none."""
        return (self.data.get("population") or {}).get("value")


# --- rows that are no city ----------------------------------------------------------------------------------

_TOTAL: Final = re.compile(
    r"^(?:grand |sub ?)?(?:total|totals|sum|average|avg|mean|median|count|min|max|summe|gesamt|gesamtsumme|durchschnitt|mittelwert|somme|moyenne|totale|"
    r"media|suma|promedio|razem|srednia|ogolem|totaal|gemiddelde|soma|celkem|σύνολο|συνολο|общо|osszesen|yhteensa|totalt|i alt)\b(?:\s*(?:all|cities|general|generale|n \d+|\d+))*$"
)
_NOTE: Final = re.compile(
    r"^(?:source|note|notes|quelle|anmerkung|hinweis|stand|fonte|fuente|zrodlo|bron|data from|remark|legend|nota|uwaga|status)\b.*"
)
_TEST: Final = re.compile(
    r"^(?:test|testing|asdf|asdfgh|xxx+|dummy|example|beispiel|probe|prueba|prova|essai|teststadt|testcity|test city)\d*$"
)
_PREVIEW: Final = re.compile(r"survey preview|survey test|preview", re.IGNORECASE)


def no_city(
    header: Header, cells: Sequence[Any], *, is_survey: bool
) -> tuple[str, Literal["warning", "note"]]:
    """Return why a row is no city and how it is reported; an empty text where it is one.

    Our own form loses only totals and notes, never a row in silence.
    """
    at = {t.field: i for i, t in reversed(list(enumerate(header.targets))) if t}
    found = (at.get(field, len(cells)) for field in ("name", "country"))
    name, country = (text(cells[i]) if i < len(cells) else "" for i in found)
    word = plain(name)
    if _TOTAL.match(word) and not is_place(name):
        return say("it is a total or an average"), "warning"
    is_note = _NOTE.match(word) or len(name) > 100 or name.startswith(("*", "†", "("))
    if is_note and not country:
        return say("it is a note below the table"), "warning"
    if not is_survey:
        return "", "note"
    others = [said for i, c in enumerate(cells) if i != at["name"] and (said := text(c))]
    if name.startswith('{"ImportId"'):
        return say("it is a line of the survey tool"), "note"
    if not name and len(others) <= 1 and not country:
        return say("it has no name and hardly any answer"), "note"
    told = zip(cells, header.names, strict=False)
    if any(plain(n) in {"status", "response type"} and _PREVIEW.search(text(c)) for c, n in told):
        return say("it is a preview of the survey"), "warning"
    filled = (t.field for t, c in zip(header.targets, cells, strict=False) if t and text(c))
    if not name and not country and not set(filled) - {"", "submitted", "contact"}:
        return say("the answer was begun and not sent"), "warning"
    more = any(_TEST.match(plain(o)) or o.startswith("test@") for o in others)
    is_test = _TEST.match(word) and more
    return (say("it is a test of the survey"), "warning") if is_test else ("", "note")


# --- names --------------------------------------------------------------------------------------------------


def spell(rows: Sequence[CityRow], mapping: Mapping, notes: Notes) -> None:
    """Give names that lost letters, and countries that are missing, what the mapping or the gazetteer says; else ask."""
    for row in rows:
        name, country = row.data.get("name"), row.data.get("country")
        if not isinstance(name, str):
            continue
        key = next((k for k in (name, f"{name} (row {row.row})") if k in mapping.names), None)
        if key is not None:
            said, comma, code = (mapping.names[key] or name).rpartition(", ")
            row.data["name"] = said if comma and is_country(code) else said + comma + code
            if comma and is_country(code):
                row.data["country"] = code
        elif isinstance(country, str) and is_country(country):
            if "?" in name:
                _lost_name(row, name, country, notes)
        elif country is None and len(hits := countries_of(name)) == 1:
            row.data["country"] = hits[0]
            found = say("The country is that of the one place of this name.")
            notes.count("country-found", row.named_in, found, row.row)
        elif isinstance(country, str) and set(country) <= {"?", " "}:
            _lost_country(row, name, country, notes)
    for row in rows:
        for path in ("wishes", "refuses"):
            if isinstance(row.data.get(path), list):
                row.data[path] = list(map(_whole_name, row.data[path]))


_COUNTRY_NAMES: Final[dict[str, list[str]]] = data_beside(__file__, "words.toml")["countries"]
"""Names of countries in letters that Western encodings lose."""


def _lost_country(row: CityRow, name: str, country: str, notes: Notes) -> None:
    """Ask which city it is whose name and country both lost their letters at export."""
    fitting = [c for c, ns in _COUNTRY_NAMES.items() if any(len(n) == len(country) for n in ns)]
    hits = [(h, c) for c in sorted(fitting) for h in lost_letters(c, name, row.people)[:4]]
    says = (
        "The letters of a city's name and country were lost at export ({name}). Which city is it?"
    )
    asks = say(says, name=repr(name))
    choices = (*((f"{h}, {c}", f"{h} ({c})") for h, c in hits), ("", say("leave it out")))
    notes.ask("names", f"{name} (row {row.row})", asks, (row.row, row.named_in), choices)


def _lost_name(row: CityRow, name: str, country: str, notes: Notes) -> None:
    people = row.people if isinstance(row.people, int | float) else None
    hits = lost_letters(country, name, people)
    if len(hits) == 1 and re.search(r"[^?\s]", name):
        row.data["name"] = hits[0]
        says = "Letters of {name} were lost at export; the one place in {country} that it can be is {hits}."
        found = say(says, name=repr(name), country=country, hits=hits[0])
        do = say("Export the table as UTF-8.")
        notes.add("letters-lost", found, row.row, row.named_in, do, "warning")
        return
    says = "The letters of a city's name were lost at export ({name}, {country}). Which city is it?"
    asks = say(says, name=repr(name), country=country)
    choices = (*((h, h) for h in hits[:5]), ("", say("leave as it is")))
    notes.ask("names", f"{name} (row {row.row})", asks, (row.row, row.named_in), choices)


def _whole_name(wish: str) -> str:
    if "?" not in wish or not re.search(r"[^?\s]", wish):
        return wish
    hits = {h for c in sorted(countries()) for h in lost_letters(c, wish)}
    return hits.pop() if len(hits) == 1 else wish


def factor_of_populations(rows: Sequence[CityRow]) -> float | None:
    """Return the factor by which nearly all stated populations miss those of the gazetteer; None where there is none."""
    off = []
    for row in rows:
        place = listed_place(str(row.data.get("country")), str(row.data.get("name")))
        people = row.people
        if isinstance(people, int | float) and people > 0 and place and place.population:
            off.append(math.log10(people / place.population))
    if len(off) < 3 or abs(median(off) - round(median(off))) > 0.3:
        return None
    return {-3: 1000, 3: 0.001, -6: 1e6}.get(round(median(off)))


def state_boundary(emissions: dict[str, Any], row: int, notes: Notes) -> None:
    """Take an inventory that says neither form nor boundary for the city's own form, and say so."""
    if "form" in emissions and "boundary" in emissions:
        return
    emissions.setdefault("form", "city")
    if "boundary" not in emissions:
        emissions["boundary"] = "city"
        emissions.setdefault("boundary_note", "not stated")
    found = say(
        "The table says no form or boundary of the inventories: they are taken for the city's own."
    )
    notes.count("boundary-not-stated", "", found, row)


# --- identity -----------------------------------------------------------------------------------------------


def identify(rows: Sequence[CityRow], mapping: Mapping, notes: Notes) -> None:
    """Give each row without an id the known city's or a made one; two places of one name are told apart."""
    named: dict[str, list[CityRow]] = defaultdict(list)
    for row in rows:
        _identify_one(row, mapping, notes)
        named[str(row.data.get("id"))].append(row)
    for city, same in named.items():
        spots = [spot for row in same if (spot := row.record.spot)]
        are_apart = all(_apart(*two) for two in combinations(spots, 2))
        if len(same) < 2 or len(spots) < len(same) or not are_apart:
            continue
        for row, (lat, lon) in zip(same, spots, strict=True):
            row.data["id"] = f"{city}-{abs(lat * 100):.0f}n{abs(lon * 100):.0f}e"
            says = "{n} places are called {name}: each is a city of its own by its coordinates."
            found = say(says, n=len(same), name=repr(row.data.get("name")))
            notes.add("same-name", found, row.row, "name", "", "warning")


def _apart(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return math.hypot((one[0] - other[0]) * 111, (one[1] - other[1]) * 70) > 25


def _identify_one(row: CityRow, mapping: Mapping, notes: Notes) -> None:
    data = row.data
    name, country = data.get("name"), data.get("country")
    if not isinstance(name, str) or not isinstance(country, str):
        return
    if not is_country(country):
        data.setdefault("id", city_id("xx", name))  # the country is the error to tell, once
        return
    if "id" in data:
        return
    known = known_city(country, name) or known_city(country, str(data.get("local_name", "")))
    data["id"] = known or city_id(country, name)
    if known:
        found = say("The identifier is that of the bundled city of this name and country.")
        if not {plain(name), bare(name)} & {plain(n) for n in places()[known].names}:
            says = "{name} is {name2} ({known})."
            said = say(says, name=repr(name), name2=places()[known].name, known=known)
            notes.add("name-read-as", said, row.row, row.named_in, "", "note")
    else:
        found = say("The identifier was made from country and name.")
        if "?" not in name and not unbroken(name) and (near := near_city(country, name)):
            _near(row, name, near, mapping, notes)
    notes.count("id-made", row.named_in, found, row.row)


def _near(row: CityRow, name: str, near: Any, mapping: Mapping, notes: Notes) -> None:
    says = "{name} is nearly {name2} ({country}), a city that is known."
    found = say(says, name=repr(name), name2=repr(near.name), country=near.id or near.country)
    if notes.is_foreign and name not in mapping.names:
        asks, place = say("{found} Is it that city?", found=found), (row.row, row.named_in)
        yes, no = say("it is {name}", name=near.name), say("it is another city")
        choices = ((near.name, yes), (name, no))
        notes.ask("names", name, asks, place, choices, near.name)
    elif not notes.is_foreign and near.id:
        says = "If it is that city, write {name} or give the id {id}."
        do = say(says, name=repr(near.name), id=near.id)
        notes.add("city-near", found, row.row, row.named_in, do, "warning")


def unbroken(cell: str) -> str | None:
    """Return a text whose UTF-8 was once read as cp1252 ("MÃ¡laga") as it was meant, None where it was not."""
    if not re.search("[ÃÂÄÅÎÐÑ][\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]", cell):
        return None
    try:
        each = (bytes([ord(c)]) if 0x80 <= ord(c) < 0xA0 else c.encode("cp1252") for c in cell)
        return b"".join(each).decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return None


# --- the rows of one city -----------------------------------------------------------------------------------


def merged(rows: Sequence[CityRow], notes: Notes) -> list[CityRow]:
    """Return one row a city: of several, the later one wins field by field, and this is reported."""
    by_id: dict[str, list[CityRow]] = defaultdict(list)
    for row in rows:
        by_id[str(row.data.get("id", f"row {row.row}"))].append(row)
    found = []
    for same in by_id.values():
        if not all(r.sent for r in same) and len({repr(r.data) for r in same}) > 1:
            found += same  # nobody can know which is meant: told as the same city twice
        else:
            found.append(_one(sorted(same, key=lambda r: (r.sent or (), r.row)), notes))
    return sorted(found, key=lambda r: r.row)


def _one(same: list[CityRow], notes: Notes) -> CityRow:
    latest = same[-1]
    if len(same) == 1:
        return latest
    data: dict[str, Any] = {}
    elsewhere: dict[str, Where] = {}
    said: dict[str, Any] = {}
    changed: set[str] = set()
    for row in same:
        for path, value in leaves(row.data):
            if value not in (None, "", []):
                if said.setdefault(path, value) != value:
                    changed.add(path)
                said[path] = value
                put(data, path, value)
                elsewhere[path] = row.record.place(path)
    rows = listed([str(r.row) for r in same])
    says = "{name} stands in rows {rows}: read as one city, the later answer wins."
    found = say(says, name=data.get("name"), rows=rows)
    if changed:
        labels = [columns()[path].label if path in columns() else path for path in sorted(changed)]
        found += say(" Changed: {changed}.", changed=joined(labels, ", "))
    notes.add("rows-merged", found, latest.row, "name", "", "warning")
    contacts = tuple(dict.fromkeys(c for r in same for c in r.contacts))
    places_ = {**latest.record.elsewhere, **elsewhere}
    return CityRow(replace(latest.record, data=data, elsewhere=places_), latest.sent, contacts)
