"""Which row of a sheet is its header, and which field each of its headers means.

A header is read as a field where it is the field's own name or label, where the mapping file says so, or where
it is one of a few plain words in the languages of the cities ("Einwohner"); the last is told. The field's own name
in other letters ("Name") is read where no other header of the row means the field. A header that is only near a
field is never read as it: the line for the mapping file is suggested.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from pydantic import BaseModel

from twinmatch.cohort import nearest
from twinmatch.errors import Problem
from twinmatch.files import toml_text
from twinmatch.reading.columns import SHORT, Column, columns
from twinmatch.reading.grid import Grid, is_empty, text
from twinmatch.reading.mapping import Mapping, Target
from twinmatch.reading.numbers import mass, unit_in
from twinmatch.reading.privacy import is_contact
from twinmatch.schema import City
from twinmatch.taxonomy import plain

SEARCHED: Final = 30
"""Rows in which the header is looked for."""

SYNONYMS: Final[dict[str, str]] = {
    "id": "city id; identifier; twinmatch id",
    "name": "city; city name; name of the city; municipality; name of municipality; town; stadt; gemeinde; kommune; "
    "ville; commune; città; comune; ciudad; municipio; cidade; município; miasto; gmina; obec; město; mesto; oraș; "
    "πόλη; δήμος; град; община; stad; by; kaupunki; linn; pilsēta; miestas; grad; város; település; belediye; şehir",
    "country": "country; country code; iso country; land; staat; pays; paese; país; kraj; země; krajina; țara; χώρα; "
    "страна; държава; maa; riik; valsts; šalis; država; ország; ülke; member state",
    "local_name": "local name; original name; name in own language",
    "population.value": "population; inhabitants; number of inhabitants; residents; total population; current population; "
    "einwohner; einwohnerzahl; bevölkerung; habitants; population totale; abitanti; popolazione; habitantes; población; "
    "população; ludność; liczba mieszkańców; počet obyvatel; počet obyvateľov; locuitori; populație; πληθυσμός; население; "
    "inwoners; invånare; folkmängd; indbyggere; innbyggere; asukasluku; rahvaarv; iedzīvotāji; gyventojai; stanovništvo; "
    "prebivalstvo; lakosság; nüfus",
    "location.lat": "latitude; breitengrad; latitud; latitudine; szerokość geograficzna",
    "location.lon": "longitude; lng; längengrad; longitud; longitudine; długość geograficzna",
    "roles": "role; roles in the programme",
    "languages": "languages; working languages; sprachen; langues; lingue; idiomas; języki",
    "needs": "needs; challenges and needs; learning needs; what do you want to learn; describe your challenges; "
    "what would you like to learn; bedarf; besoins; bisogni; necesidades; potrzeby; learning interests",
    "offers": "offers; what can you offer; what can you share; what can your city share; experience to share; angebot; offres; "
    "offerta; oferta; good practices",
    "challenges": "domains of challenge; challenge domains; emissions domains; domains of interest",
    "strengths": "domains of strength; strength domains; strengths",
    "levers_needed": "levers needed; levers of change needed",
    "levers_offered": "levers offered",
    "commitment.neutral_by": "climate neutrality target year; climate neutral by; net zero target year; neutrality year; "
    "target year; year of climate neutrality; klimaneutral bis; zieljahr; neutralité carbone en; neutralità climatica entro; "
    "neutralidad climática en",
    "participation.staff_hours_a_month": "staff hours a month; hours per month; staff hours per month; stunden pro monat; "
    "heures par mois; ore al mese; horas al mes",
    "participation.english": "english level; level of english; english; cefr level",
    "participation.guests_at_most": "guests at most; maximum number of guests; capacity",
    "wishes": "preferred hosts; wishes; ranked hosts; preferred pilot cities",
    "emissions.total_printed": "total emissions; total ghg emissions; emissions total; gesamtemissionen; émissions totales; "
    "emissioni totali; emisiones totales; emisje całkowite; city wide emissions; total citywide emissions",
    "emissions.year": "inventory year; base year; baseline year; year of inventory; accounting year; bezugsjahr; basisjahr; "
    "année de référence; anno di riferimento; año base; rok bazowy",
    "emissions.boundary_population": "population inside the boundary; boundary population",
    "emissions.sectors.stationary_energy": "stationary energy; stationary; buildings; gebäude; bâtiments; edifici; edificios; budynki",
    "emissions.sectors.transport": "transport; transportation; mobility; verkehr; transports; trasporti; transporte; mobilité",
    "emissions.sectors.waste": "waste; waste and wastewater; abfall; déchets; rifiuti; residuos; odpady",
    "emissions.sectors.ippu": "ippu; industrial processes and product use; industrial processes; industrieprozesse",
    "emissions.sectors.afolu": "afolu; agriculture forestry and other land use; landwirtschaft; agriculture",
    "emissions.sectors.electricity": "electricity; strom; électricité; elettricità; electricidad",
    "covenant.id": "gcom id; covenant id; covenant of mayors id",
    "note": "remarks; comments; notes; bemerkungen; anmerkungen; remarques; observaciones; uwagi",
}
"""Plain words for a field, as forms write them in the languages of European cities."""


@dataclass(frozen=True)
class Header:
    """The header of a sheet: its row, and the target of each of its columns (None: set aside)."""

    row: int
    names: tuple[str, ...]
    targets: tuple[Target | None, ...]
    is_own: tuple[bool, ...]
    """Whether the header is the field's own name, whose numbers have a decimal point."""
    problems: tuple[Problem, ...]


NEAR: Final = 80
"""Likeness of two wordings, of 100, from which one may be the other misspelt; lower finds words of other fields."""

SHORTEST: Final = 4
"""Letters of a header below which nothing is called near: of two or three letters, some field always is."""


@cache
def _own_names(model: type[BaseModel]) -> dict[str, str]:
    """Return the path of every field by its own name, reduced to plain letters."""
    return {plain(path): path for path in columns(model)}


@cache
def _words(model: type[BaseModel]) -> dict[str, str]:
    """Return the path of every label and synonym, reduced to plain letters."""
    known = columns(model)
    found = {plain(c.label): path for path, c in known.items()}
    if model is City:
        found |= {plain(w): path for path, ws in SYNONYMS.items() for w in ws.split(";")}
    return found


def find_header(
    grid: Grid,
    mapping: Mapping,
    model: type[BaseModel] = City,
    *,
    other: frozenset[str] = frozenset(),
) -> Header:
    """Return the header of a sheet, with what is unknown in it as problems.

    It is the row named by the mapping, or the one of the first rows that names most fields; rows above it are
    titles. ``other`` are header names that the caller reads by itself.
    """
    rows = [(row, cells) for row, cells in grid.rows[:SEARCHED] if not is_empty(cells)]
    if not rows:
        return Header(1, (), (), (), ())
    row, cells = _chosen(rows, grid, mapping, model, other)
    names = tuple(" ".join(text(cell).split()) for cell in cells)
    targets = _targets(names, mapping, model)
    own = tuple(t is not None and _is_own(n, t.field) for n, t in zip(names, targets, strict=True))
    problems = _problems(grid, row, names, targets, mapping, model, other)
    if row > rows[0][0] and sum(own) * 2 < sum(map(bool, names)):
        found = f"Row {row} is read as the header; the rows above it are taken for titles."
        problems.append(Problem("title-rows", found, grid.at(row), level="note"))
    return Header(row, names, _once(targets), own, tuple(problems))


def _chosen(
    rows: Sequence[tuple[int, tuple[Any, ...]]],
    grid: Grid,
    mapping: Mapping,
    model: type[BaseModel],
    other: frozenset[str],
) -> tuple[int, tuple[Any, ...]]:
    if mapping.header_row is not None:
        named = [r for r in grid.rows if r[0] == mapping.header_row]
        return named[0] if named else rows[0]

    def known(cells: tuple[Any, ...]) -> int:
        names = {" ".join(text(cell).split()) for cell in cells} - {""}
        exact = sum(n in columns(model) or n in SHORT or n in other for n in names)
        return 2 * exact + sum(t is not None for t in _targets(sorted(names), mapping, model))

    chosen = max(rows, key=lambda r: (known(r[1]), -r[0]))
    if 2 * known(chosen[1]) >= sum(bool(text(cell)) for cell in chosen[1]):
        return chosen
    # Few headers are known: a row of misspelt ones is more of a header than a row of values with one word in it.
    return max(rows, key=lambda r: (2 * known(r[1]) + _count_near(r[1], model), -r[0]))


def _count_near(cells: tuple[Any, ...], model: type[BaseModel]) -> int:
    from rapidfuzz import fuzz, process

    wordings = list(_words(model) | _own_names(model))
    names = {plain(text(cell)) for cell in cells if SHORTEST <= len(text(cell)) < 80}
    return sum(
        bool(process.extractOne(n, wordings, scorer=fuzz.ratio, score_cutoff=NEAR)) for n in names
    )


def _is_own(name: str, path: str) -> bool:
    return SHORT.get(name, name) == path


def _target(name: str, mapping: Mapping, model: type[BaseModel]) -> Target | None:
    """Return where a header's values go: by the mapping, as the field's own name, or by a plain word for it."""
    if name in mapping.columns:
        return mapping.columns[name]
    path = SHORT.get(name, name)
    if path in columns(model):
        return Target(path)
    unit = unit_in(name)
    bare = name[: name.rindex(unit) - 1] if unit else name
    path = _words(model).get(plain(bare)) or _words(model).get(plain(name)) or ""
    if not path:
        return None
    is_mass = columns(model)[path].unit == "t CO2e" and mass(unit) is not None
    return Target(path, unit if is_mass else "")


def _targets(names: Sequence[str], mapping: Mapping, model: type[BaseModel]) -> list[Target | None]:
    """Return where each header's values go; a field's own name in other letters counts where nothing else means it."""
    targets = [_target(name, mapping, model) for name in names]
    meant = {t.field for t in targets if t}
    for position, name in enumerate(names):
        path = _own_names(model).get(plain(name), "")
        if path and targets[position] is None and name not in mapping.columns and path not in meant:
            targets[position] = Target(path)
            meant.add(path)
    return targets


def _once(targets: list[Target | None]) -> tuple[Target | None, ...]:
    """Set aside a column whose field stands in an earlier one (which is told as a problem)."""
    seen: set[str] = set()
    kept: list[Target | None] = []
    for target in targets:
        kept.append(None if target is None or target.field in seen else target)
        if target is not None and target.field:
            seen.add(target.field)
    return tuple(kept)


def _problems(
    grid: Grid,
    row: int,
    names: tuple[str, ...],
    targets: list[Target | None],
    mapping: Mapping,
    model: type[BaseModel],
    other: frozenset[str],
) -> list[Problem]:
    own = sum(name in columns(model) or name in SHORT for name in names)
    is_form = 2 * own >= sum(bool(name) for name in names)
    read = {t.field for t in targets if t}
    problems = []
    for position, (name, target) in enumerate(zip(names, targets, strict=True)):
        place = grid.at(row, name or f"column {position + 1}")
        if name in other or (not name and target is None):
            continue
        if target is None:
            problems.append(_unknown(grid, row, name, model, read, is_form=is_form))
        elif target.field and target.field in [t.field for t in targets[:position] if t]:
            found = f"The column stands here twice: {name!r} is {target.field} again."
            problems.append(Problem("column-twice", found, place, "Keep one."))
        elif target.field and name not in mapping.columns and not _is_own(name, target.field):
            found = f"{name!r} is read as {target.field}" + (
                f" in {target.unit}." if target.unit else "."
            )
            do = f'If it is not: "{name}" = "" in the [columns] of a mapping file.'
            problems.append(Problem("header-read-as", found, place, do, "note"))
    missing = [name for name in mapping.columns if name not in names]
    problems += [
        Problem(
            "column-missing",
            f"The mapping names a column {name!r}, which is not here.",
            grid.at(row),
        )
        for name in missing
    ]
    return problems


def _unknown(
    grid: Grid,
    row: int,
    name: str,
    model: type[BaseModel],
    read: Collection[str],
    *,
    is_form: bool,
) -> Problem:
    place = grid.at(row, name)
    if is_contact(name):
        found = "A column of contacts was seen and set aside; nothing in it was read."
        return Problem("contact-column", found, place, level="note")
    if is_form:
        do = nearest(name, {k: k for k in columns(model)})
        return Problem("column-unknown", "There is no such column.", place, do)
    hint = suggestion(name, model, read)
    do = f"Perhaps, in the [columns] of a mapping file: {hint}" if hint else ""
    return Problem(
        "column-set-aside", "No field has this name; the column was not read.", place, do, "warning"
    )


def suggestion(name: str, model: type[BaseModel] = City, read: Collection[str] = ()) -> str:
    """Return the mapping line that a header most likely needs, or an empty text where nothing is near.

    ``read`` are the fields that other headers mean; they are not suggested again.
    """
    from rapidfuzz import fuzz, process

    unit = unit_in(name)
    bare = plain(name[: name.rindex(unit) - 1] if unit else name)
    words = {w: p for w, p in (_own_names(model) | _words(model)).items() if p not in read}
    hit = process.extractOne(bare, list(words), scorer=fuzz.token_set_ratio, score_cutoff=75)
    if not hit or len(bare) < SHORTEST:
        return ""
    column: Column = columns(model)[words[hit[0]]]
    if column.unit == "t CO2e" and mass(unit):
        return f'{toml_text(name)} = {{ field = "{column.path}", unit = "{unit}" }}'
    return f'{toml_text(name)} = "{column.path}"'
