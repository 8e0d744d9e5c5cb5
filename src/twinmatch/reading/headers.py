"""Which row of a sheet is its header, and which field each of its headers means.

A header is read as a field where the mapping says so, where it is the field's own name or label or a plain word for
it, and where its words and its cells agree (:mod:`twinmatch.reading.meaning`); what is read so is reported. What is
likely and not sure is asked. In a form of our own, most of whose headers are fields, an unknown one is an error.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import groupby
from typing import Any, Final

from pydantic import BaseModel

from twinmatch.cohort import nearest
from twinmatch.errors import Problem
from twinmatch.reading import values
from twinmatch.reading.columns import SHORT, columns
from twinmatch.reading.grid import Grid, is_empty, text, two_rows
from twinmatch.reading.mapping import BESIDE, Mapping, MappingQuestion, Target
from twinmatch.reading.meaning import (
    CONTACT,
    FITS,
    Meaning,
    are_options,
    concepts,
    factor_in,
    has_candidates,
    meaning,
    share,
)
from twinmatch.reading.names import SYNONYMS, language_code
from twinmatch.reading.personal_data import is_contact
from twinmatch.reading.values import mass, unit_in
from twinmatch.schema import City
from twinmatch.vocabulary.taxonomy import plain, words

SEARCHED: Final = 30
"""Rows in which the header is looked for."""

SEVERAL: Final = words(
    "needs; offers; challenges; strengths; levers_needed; levers_offered; wishes; refuses; welcomes; languages"
) | set(BESIDE)
"""Fields that several columns may fill together."""

NEAR: Final = 80
"""Likeness of two wordings, of 100, from which one may be the other misspelt; lower finds words of other fields."""

SHORTEST: Final = 4
"""Letters of a header below which nothing is called near: of two or three letters, some field always is."""

SET_ASIDE: Final = ("", "not read")

Choices = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Header:
    """The header of a sheet: its row, and the target of each of its columns (None: set aside)."""

    row: int
    names: tuple[str, ...]
    targets: tuple[Target | None, ...]
    is_own: tuple[bool, ...]
    """Whether the header is the field's own name, whose numbers have a decimal point."""
    problems: tuple[Problem, ...]
    questions: tuple[MappingQuestion, ...] = ()

    @property
    def is_form(self) -> bool:
        """Return whether most headers are our own, so that an unknown one is an error and everything is strict."""
        return 2 * sum(self.is_own) >= sum(map(bool, self.names))


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
    """Return the header of a sheet, with what is unknown in it as problems and what is in doubt as questions.

    It is the row named by the mapping, or the one of the first rows that names most fields; rows above it are
    titles. ``other`` are header names that the caller reads.
    """
    rows = [(row, cells) for row, cells in grid.rows[:SEARCHED] if not is_empty(cells)]
    if not rows:
        return Header(1, (), (), (), ())
    first = rows[0][0]
    if model is City and (two := two_rows(rows)) and mapping.header_row in {None, two[0]}:
        row, cells = first, _ = two
    else:
        row, cells = _chosen(rows, grid, mapping, model, other)
    names = _named_once([" ".join(text(cell).split()) for cell in cells])
    finder = _Finder(grid, row, names, mapping, model, other)
    targets = finder.targets()
    own = tuple(t is not None and _is_own(n, t.field) for n, t in zip(names, targets, strict=True))
    found = Header(row, names, targets, own, ())
    problems = finder.told(found)
    if row > first and not found.is_form:
        said = f"Row {row} is read as the header; the rows above it are taken for titles."
        problems.append(Problem("title-rows", said, grid.at(row), level="note"))
    return replace(found, problems=tuple(problems), questions=tuple(finder.questions))


def _named_once(names: list[str]) -> tuple[str, ...]:
    """Return the names of columns, a repeated one with its number, by which a mapping can name it."""
    seen: Counter[str] = Counter()
    found = []
    for name in names:
        seen[name] += 1
        found.append(f"{name} ({seen[name]})" if name and seen[name] > 1 else name)
    return tuple(found)


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
        short = {n for n in names if len(n) < 300}
        worded = {n for n in short if n in mapping.columns or _exact(n, mapping, model)}
        asked = {n for n in short if model is City and has_candidates(n)}
        return 2 * exact + len(worded | asked)

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


def _exact(name: str, mapping: Mapping, model: type[BaseModel]) -> Target | None:
    """Return where a header's values go: by the mapping, as the field's own name, or by a plain word for it."""
    if name in mapping.columns:
        return mapping.columns[name]
    path = SHORT.get(name, name)
    if path in columns(model):
        return Target(path)
    unit = unit_in(name)
    bare = re.sub(r"\s{0,9}[\[(][^\])]{0,300}[\])]\s{0,9}$", "", name) if unit else name
    bare = bare[: -len(unit)] if unit and bare.endswith(unit) else bare
    bare = bare.rstrip("*†¹²³:? \t\n\xa0")
    path = _words(model).get(plain(bare)) or _words(model).get(plain(name)) or ""
    if not path:
        return None
    is_mass = columns(model)[path].unit == "t CO2e" and mass(unit) is not None
    factor = factor_in(name[len(bare) :]) if path == "population.value" else 1.0
    return Target(path, unit if is_mass else "", factor)


_OPTION: Final = re.compile(
    r"^(?P<base>.{3,200}?)\s{0,9}(?:\[(?P<a>[^\[\]]{1,300})\]|(?: [-–—:/] ?|[.:/](?=[^\s.])| \| )(?P<b>[^\[\]]{1,120}))$"
)

_CHOICE: Final = re.compile(
    r"(?i)\s{0,9}[-–:]?\s{0,9}(?:selected choice|choice|ausgewählte.{0,99})$"
)
_OTHER: Final = re.compile(r"\b(?:other|text|sonstig|autre|altro|otro|inn[ey]|outro|anders)")


@dataclass
class _Finder:
    """Finds what the columns of one header mean."""

    grid: Grid
    row: int
    names: tuple[str, ...]
    mapping: Mapping
    model: type[BaseModel]
    other: frozenset[str]

    def __post_init__(self) -> None:
        below = [cells for row, cells in self.grid.rows if row > self.row and not is_empty(cells)]
        self.cells = [[c[i] for c in below if i < len(c)] for i in range(len(self.names))]
        self.questions: list[MappingQuestion] = []
        self.asked: dict[int, str] = {}
        self.runs: dict[int, tuple[str, ...]] = {}
        self.doubled: set[int] = set()
        self.beside: set[int] = set()

    def targets(self) -> tuple[Target | None, ...]:
        """Return the target of each column; a field that one column alone may fill stands once."""
        exact = [_exact(name, self.mapping, self.model) if name else None for name in self.names]
        taken = {t.field for t in exact if t}
        for i, name in enumerate(self.names):
            path = _own_names(self.model).get(plain(name), "")
            is_free = exact[i] is None and name not in self.mapping.columns and path not in taken
            if path and is_free and not (path == "id" and self._are_numbers(i)):
                exact[i] = Target(path)
                taken.add(path)
            if exact[i] == Target("id") and self._are_numbers(i):
                exact[i] = None  # the survey tool's own number of the answer
                self.beside.add(i)
        own = sum(
            t is not None and _is_own(n, t.field) for n, t in zip(self.names, exact, strict=True)
        )
        found: list[Target | None] = exact
        if self.model is City and 2 * own < sum(map(bool, self.names)):
            found = [self._unless_contradicted(i, t) for i, t in enumerate(exact)]
            found = self._by_meaning(self._labelled(found))
        return self._once(found)

    def _are_numbers(self, i: int) -> bool:
        filled = [t for c in self.cells[i] if (t := text(c))]
        return bool(filled) and all(t.replace(".", "").isdigit() for t in filled)

    def _unless_contradicted(self, i: int, target: Target | None) -> Target | None:
        """Set aside what a survey tool fills in by its own account, and a wish for long text where options are ticked."""
        if target is None or self.names[i] in self.mapping.columns:
            return target
        if self._is_of_tool(i, target.field):
            self.beside.add(i)
            return Target(CONTACT if target.field == "name" else "")
        swap = {"needs": "challenges", "offers": "strengths"}
        if target.field in swap and self.cells[i] and are_options(self.cells[i]):
            found = meaning(self.names[i], self.cells[i])
            return Target(found.field) if found and found.field else Target(swap[target.field])
        return target

    def _is_of_tool(self, i: int, field: str) -> bool:
        """Return whether the tool filled a column: who answered (beside a column of cities), in which language."""
        if field == "languages":
            return any(plain(n) == "contribution id" for n in self.names)
        if field != "name" or plain(self.names[i]) not in words("name; nom; nome; nombre; nazwa"):
            return False
        others = (n for k, n in enumerate(self.names) if k != i and "city" in concepts(n))
        return any(meaning(n, self.cells[self.names.index(n)]) == Meaning("name") for n in others)

    def _labelled(self, exact: list[Target | None]) -> list[Target | None]:
        """Return the targets, with runs of columns that are each headed by an option and hold it where it was ticked.

        Languages are taken; of domains and levers it is asked once, at the first column, which of a city's they are.
        """
        kinds = [self._kind_of_label(i) for i in range(len(self.names))]
        found = list(exact)
        for kind, group in groupby(range(len(kinds)), key=kinds.__getitem__):
            first, *others = group
            if not kind or not others or not any(text(c) for c in self.cells[first]):
                continue
            said = self.mapping.columns.get(self.names[first])
            run = [k for k in (first, *others) if self.names[k] not in self.mapping.columns]
            if said is None and kind == "challenges":
                self.asked[first] = kind
                self.runs[first] = tuple(self.names[k] for k in others)
                kind = ""
            elif said is not None:
                run, kind = [first, *run], said.field
            for k in run:
                found[k] = Target(kind, option=self.names[k] if kind else "")
            self.beside |= set(run) - set(self.asked)
        return found

    def _kind_of_label(self, i: int) -> str:
        """Return the field of a column that is headed by an option and holds nothing but it."""
        name = self.names[i]
        if not name or not {plain(text(c)) for c in self.cells[i]} <= {"", plain(name)}:
            return ""
        return (
            "languages"
            if language_code(name)
            else "challenges"
            if values.option_codes(name)
            else ""
        )

    def _by_meaning(self, exact: list[Target | None]) -> list[Target | None]:
        found = list(exact)
        single = {t.field for t in exact if t} - SEVERAL
        ticked = self._options(exact)
        for i, name in enumerate(self.names):
            if exact[i] is not None or i in self.asked:
                continue
            means = None if i in ticked or not name else meaning(name, self.cells[i])
            if i in ticked:
                found[i] = ticked[i]
            elif means is None or means.field in single:
                continue
            elif means.sureness == "sure":
                factor = factor_in(name) if means.field == "population.value" else 1.0
                found[i] = Target(means.field, "", factor)
                if not means.field:
                    self.beside.add(i)
            else:
                self.asked[i] = means.field
        sure = {t.field for t in found if t}
        self.asked = {i: f for i, f in self.asked.items() if f in SEVERAL or f not in sure}
        return found

    def _options(self, exact: Sequence[Target | None]) -> dict[int, Target]:
        """Return the columns that are each one option of a question, by their positions."""
        split = {
            i: m for i, n in enumerate(self.names) if exact[i] is None and (m := _OPTION.match(n))
        }
        bases = {i: plain(re.sub(r"\[[^\[\]]{0,300}\]", "", m["base"])) for i, m in split.items()}
        several = Counter(bases.values())
        found = {}
        for i, m in split.items():
            option = m["a"] or m["b"]
            base = _CHOICE.sub("", m["base"])
            field = has_candidates(base, options=True)
            if several[bases[i]] < 2 or not field:
                continue
            cells = [t for c in self.cells[i] if (t := text(c))]
            is_tick = all(
                values.yes_or_no(t) is not None or plain(t) == plain(option) for t in cells
            )
            codes = values.option_codes(self.mapping.values.get(option, option))
            if (is_tick and (codes or cells)) or _OTHER.search(plain(option)):
                found[i] = Target(field, option=option)
        return found

    def _once(self, targets: list[Target | None]) -> tuple[Target | None, ...]:
        """Set aside a column whose field stands in another one; one that says something else is asked about."""
        by_field: dict[str, list[int]] = defaultdict(list)
        for i, target in enumerate(targets):
            if target is not None and target.field and target.field not in SEVERAL:
                by_field[target.field].append(i)
        kept = list(targets)
        for field, positions in by_field.items():
            first = max(positions, key=lambda i: (self.names[i] in self.mapping.columns, -i))
            others = set(positions) - {first}
            if any(self._differ(first, i) for i in others):
                self._ask_which(field, positions)
                if field not in {"name", "country"}:
                    others.add(first)
            self.doubled |= others
            for i in others:
                kept[i] = None
        return tuple(kept)

    def _differ(self, one: int, other: int) -> bool:
        pairs = zip(self.cells[one], self.cells[other], strict=False)
        return any(text(a) and text(b) and text(a) != text(b) for a, b in pairs)

    def _ask_which(self, field: str, positions: Sequence[int]) -> None:
        label, first = self._label(field), self.names[positions[0]]
        named = " and ".join(repr(self.names[i]) for i in positions)
        asks = f"{named} both read as {label}, and say different things. Is {first!r} the one?"
        self._question(positions[0], asks, ((field, label), SET_ASIDE))

    def _question(
        self, i: int, asks: str, choices: Choices, guess: str = "", run: tuple[str, ...] = ()
    ) -> None:
        name, where = self.names[i], self.grid.at(self.row, self.names[i])
        self.questions.append(MappingQuestion("columns", name, asks, where, choices, guess, run))

    def _label(self, field: str) -> str:
        return columns(self.model)[field].label if field in columns(self.model) else field

    def told(self, header: Header) -> list[Problem]:
        """Return what is said of the columns, and ask what is in doubt."""
        problems = []
        read = {t.field for t in header.targets if t}
        for i, (name, target) in enumerate(zip(self.names, header.targets, strict=True)):
            place = self.grid.at(self.row, name or f"column {i + 1}")
            if name in self.other or (not name and target is None) or i in self.beside:
                continue
            if i in self.doubled and header.is_form:
                found = f"The column stands here twice: {name!r} is {self._again(i)} again."
                problems.append(Problem("column-twice", found, place, "Keep one."))
            elif i in self.doubled or i in self.asked:
                if i in self.asked:
                    self._ask(i)
            elif target is None:
                problems += self._unknown(i, header, read)
            elif target.field == CONTACT and name not in self.mapping.columns:
                found = "A column of contacts was seen and set aside: it is kept for letters and never compared."
                problems.append(Problem("contact-column", found, place, level="note"))
            elif target.field and not (name in self.mapping.columns or _is_own(name, target.field)):
                problems.append(_read_as(name, target, place))
        gone = set() if self.mapping.is_found else set(self.mapping.columns) - set(self.names)
        for name in (n for n in self.mapping.columns if n in gone):
            found = f"The mapping names a column {name!r}, which is not here."
            problems.append(Problem("column-missing", found, self.grid.at(self.row)))
        return problems

    def _again(self, i: int) -> str:
        target = _exact(re.sub(r" \(\d+\)$", "", self.names[i]), self.mapping, self.model)
        return target.field if target else self.names[i]

    def _ask(self, i: int) -> None:
        field, run = self.asked[i], self.runs.get(i, ())
        label = self._label(field)
        example = next((text(c) for c in self.cells[i] if text(c)), "")
        more = f" and the {len(run)} after it, each headed by an option," if run else ""
        asks = f"Is the column {self.names[i]!r}{more} (such as {example[:40]!r}) {label!r}?"
        other = [("strengths", self._label("strengths"))] if field == "challenges" else []
        self._question(i, asks, ((field, label), *other, SET_ASIDE), field, run)

    def _unknown(self, i: int, header: Header, read: set[str]) -> list[Problem]:
        name = self.names[i]
        place = self.grid.at(self.row, name)
        if is_contact(name):
            found = "A column of contacts was seen and set aside; nothing in it was read."
            return [Problem("contact-column", found, place, level="note")]
        if header.is_form:
            do = nearest(name, {k: k for k in columns(self.model)})
            return [Problem("column-unknown", "There is no such column.", place, do)]
        if missing := self._texts_missing(i, read):
            self._question(i, f"The column {name!r} holds texts. What are they?", missing)
            return []
        if near := near_field(name, self.model, read):
            self.asked[i] = near
            self._ask(i)
            return []
        found = "Nothing tells which field this column is; it was not read."
        do = f'If it is one, say so in the mapping file: [columns] "{name}" = "needs" (or another field).'
        return [Problem("column-set-aside", found, place, do, "warning")]

    def _texts_missing(self, i: int, read: set[str]) -> Choices:
        """Return what a column of sentences may be that no other column is, with that it is not read; else nothing."""
        fields = [f for f in ("needs", "offers") if f not in read | set(self.asked.values())]
        is_text = (share("needs", self.cells[i]) or 0.0) >= FITS and not are_options(self.cells[i])
        choices = tuple((f, self._label(f)) for f in fields)
        return (*choices, SET_ASIDE) if choices and is_text and self.model is City else ()


def _read_as(name: str, target: Target, place: Any) -> Problem:
    how = f" in {target.unit}" if target.unit else ""
    how += f", times {target.factor:,.0f}" if target.factor != 1.0 else ""
    how += f", option {target.option!r}" if target.option else ""
    do = f'If it is not: "{name}" = "" in the [columns] of the mapping file.'
    return Problem("header-read-as", f"{name!r} is read as {target.field}{how}.", place, do, "note")


def near_field(name: str, model: type[BaseModel] = City, read: set[str] | None = None) -> str:
    """Return the field of which a header may be the misspelt name, or an empty text.

    ``read`` are the fields that other headers mean; they are not suggested again.
    """
    from rapidfuzz import fuzz, process

    words = {w: p for w, p in (_own_names(model) | _words(model)).items() if p not in (read or ())}
    word = plain(name)
    hit = process.extractOne(word, list(words), scorer=fuzz.ratio, score_cutoff=NEAR)
    return words[hit[0]] if hit and len(word) >= SHORTEST else ""
