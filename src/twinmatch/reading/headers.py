"""Which row of a sheet is its header, and which field each of its headers means.

A header is read as a field where the mapping says so, where it is its name, label or a plain word for it, and where
its words and cells agree (:mod:`twinmatch.reading.meaning`); this is reported. What is likely, not sure, is asked. In a form of our own, most of whose headers are fields, an unknown one is an error.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from statistics import median
from typing import Any, Final

from pydantic import BaseModel

from twinmatch.cohort import nearest
from twinmatch.errors import Problem
from twinmatch.reading import meaning as meanings
from twinmatch.reading import sense, values
from twinmatch.reading.grid import Grid, is_empty, text, two_rows
from twinmatch.reading.mapping import (
    BESIDE,
    NOT,
    SHORT,
    Choices,
    Mapping,
    MappingQuestion,
    Target,
    columns,
    mapping_path,
    target_of,
)
from twinmatch.reading.meaning import CONTACT, NEWCOMER, Meaning, are_options, concepts, meaning
from twinmatch.reading.personal_data import is_contact
from twinmatch.schema import City
from twinmatch.validate import NAMING
from twinmatch.vocabulary.geography import language_code
from twinmatch.vocabulary.taxonomy import plain, words
from twinmatch.wording import listed, say

SEARCHED: Final = 30
"""Rows in which the header is looked for."""

SEVERAL: Final = words(
    "needs; offers; challenges; strengths; levers_needed; levers_offered; wishes; refuses; welcomes; languages; own_labels"
) | set(BESIDE)
"""Fields that several columns may fill together."""

SET_ASIDE: Final = ("", say("not read"))

LANGUAGES: Final = "languages"

_EITHER: Final = (
    *(("challenges", "strengths"), ("levers_needed", "levers_offered"), ("needs", "offers")),
    (NEWCOMER, NOT + NEWCOMER),
)
"""What a column may be instead, to be chosen where it is asked."""

_OPPOSITE: Final = {a: b for one, other in _EITHER[:3] for a, b in ((one, other), (other, one))}

_CONTRIBUTION: Final = re.compile(
    r"contribution id|id (?:de la |del? |della |do )?contribu\w*|beitrags id|identyfikator wkladu"
)
"""The column of EUSurvey's own number of an answer."""


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
        said = say("Row {n} is read as the header; the rows above it are taken for titles.", n=row)
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


def _bare(name: str) -> str:
    """Return the name of a column without the number of its repetition."""
    return re.sub(r" \(\d+\)$", "", name)


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
        worded = {n for n in short if n in mapping.columns or sense.exact_target(n, mapping, model)}
        asked = {n for n in short if model is City and meanings.has_candidates(n)}
        return 2 * exact + len(worded | asked)

    chosen = max(rows, key=lambda r: (known(r[1]), -r[0]))
    if 2 * known(chosen[1]) >= sum(bool(text(cell)) for cell in chosen[1]):
        return chosen
    # Few headers are known: a row of misspelt ones is more of a header than a row of values with one word in it.
    return max(rows, key=lambda r: (2 * known(r[1]) + sense.count_near(r[1], model), -r[0]))


def _is_own(name: str, path: str) -> bool:
    return SHORT.get(name, name) == path


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
        rows = (c for row, c in self.grid.rows if row > self.row and not is_empty(c))
        below = [c for c in rows if not text(c[0]).startswith('{"ImportId"')]
        self.cells = [[c[i] for c in below if i < len(c)] for i in range(len(self.names))]
        self.questions: list[MappingQuestion] = []
        self.asked: dict[int, str] = {}
        self.runs: dict[int, tuple[str, ...]] = {}
        self.labels: dict[int, tuple[str, ...]] = {}
        self.doubled: set[int] = set()
        self.beside: set[int] = set()

    def targets(self) -> tuple[Target | None, ...]:
        """Return the target of each column; a field that one column alone may fill stands once."""
        how = self.mapping, self.model
        exact = [sense.exact_target(name, *how) if name else None for name in self.names]
        taken = {t.field for t in exact if t}
        for i, name in enumerate(self.names):
            path = sense.own_names(self.model).get(plain(name), "")
            is_free = exact[i] is None and name not in self.mapping.columns and path not in taken
            if path and is_free and not (path == "id" and self._are_numbers(i)):
                exact[i] = Target(path)
                taken.add(path)
            if exact[i] == Target("id") and self._are_numbers(i):
                exact[i] = None  # the survey tool's own number of the answer
                self.beside.add(i)
        both = zip(self.names, exact, strict=True)
        own = sum(t is not None and _is_own(n, t.field) for n, t in both)
        found: list[Target | None] = exact
        if self.model is City and 2 * own < sum(map(bool, self.names)):
            found = [self._unless_contradicted(i, t) for i, t in enumerate(exact)]
            found = self._by_meaning(self._grouped(found))
        return self._once(found)

    def _are_numbers(self, i: int) -> bool:
        return {t.replace(".", "").isdigit() for c in self.cells[i] if (t := text(c))} == {True}

    def _unless_contradicted(self, i: int, target: Target | None) -> Target | None:
        """Set aside what a survey tool fills in by its own account, and a wish for long text where options are ticked."""
        if target is None or self.names[i] in self.mapping.columns:
            return target
        label = _bare(self.names[i])
        if any(map(text, self.cells[i])) and sense.kind_of_label(label, self.cells[i]):
            return None
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
            return any(_CONTRIBUTION.fullmatch(plain(n)) for n in self.names[:i])
        if field != "name" or plain(self.names[i]) not in words("name; nom; nome; nombre; nazwa"):
            return False
        others = [n for k, n in enumerate(self.names) if k != i and "city" in concepts(n)]
        if meanings.few_places(self.cells[i]):
            return not all(concepts(n) & {"wish", "partner", "host"} for n in others)
        return any(meaning(n, self.cells[self.names.index(n)]) == Meaning("name") for n in others)

    def _grouped(self, exact: list[Target | None]) -> list[Target | None]:
        """Return the targets, with those of columns that are parts of one question: options to tick, ranks, an address.

        Where the question does not say which options of a city they are, it is asked once, at the first column.
        """
        found = list(exact)
        again: set[str] = set()
        free = {i: n for i, n in enumerate(self.names) if n and self._may_be_option(i, exact[i])}
        for base, group in sense.grouped(free, self.cells):
            if said := {i: t.field for i in group if (t := exact[i])}:
                first = next(iter(said.values()))
                found = [
                    Target(said.get(i, first), option=group[i]) if i in group else t
                    for i, t in enumerate(found)
                ]
                continue
            positions = [i for i in group if self.names[i] not in self.mapping.columns]
            if not sense.are_parts(group, self.cells, self.names):
                if base:
                    self._by_label(base, {i: group[i] for i in positions}, found)
                continue
            named = [n for n in group.values() if not sense.is_other(n)]
            is_language = 2 * sum(bool(language_code(n)) for n in named) > len(named)
            coded = sum(bool(values.option_codes(self.mapping.values.get(n, n))) for n in named)
            field = meanings.has_candidates(base, options=True) if base else ""
            field = LANGUAGES if is_language else field
            if are_cities := bool(base) and not is_language and meanings.are_places(named):
                means = meaning(base, named)
                field = means.field if means in (Meaning("wishes"), Meaning("refuses")) else ""
            if not field and (are_cities or 3 * coded >= len(named)) and positions:
                guess = sense.likely(base, ("challenges", "strengths")) if base else ""
                guess = guess or ("strengths" if again & {*named} else "challenges")
                parts = {i: group[i] for i in positions}
                self._ask_group(parts, "wishes" if are_cities else guess)
            elif field and (is_language or coded or base):
                field = meanings.of_codes(field, named)
                for i in positions:
                    found[i] = Target(field, option=group[i])
                self.beside |= set(positions) if not base else set()
            again |= {*named}
        return found

    def _may_be_option(self, i: int, target: Target | None) -> bool:
        """Return whether a column may be an option: one that the mapping names for a field of options speaks for all of its question."""
        if target is None:
            return True
        is_of_options = target.field in {*_EITHER[0], *_EITHER[1], LANGUAGES, *NAMING}
        is_said = self.names[i] in self.mapping.columns and not target.option
        return is_said and is_of_options and sense.is_ticked("", self.cells[i], self.names[i])

    def _ask_group(self, group: dict[int, str], guess: str) -> None:
        first, *others = group
        self.asked[first] = meanings.of_codes(guess, [*group.values()])
        self.runs[first] = tuple(self.names[k] for k in others)
        self.labels[first] = tuple(group.values())
        self.beside |= set(others)

    def _by_label(self, base: str, group: dict[int, str], found: list[Target | None]) -> None:
        """Take each column for what its own label says, or the question over all of them."""
        whole = concepts(base)
        for i, label in group.items():
            means = Meaning(CONTACT) if "contact" in whole and "city" not in whole else None
            means = means or meaning(label, self.cells[i]) or meaning(base, self.cells[i])
            if means and means.sureness == "sure":
                found[i] = self._target(i, means.field)

    def _target(self, i: int, said: str) -> Target:
        factor = meanings.factor_in(self.names[i]) if said == "population.value" else 1.0
        if not said:
            self.beside.add(i)
        return target_of(said, factor=factor)

    def _by_meaning(self, exact: list[Target | None]) -> list[Target | None]:
        found = list(exact)
        single = {t.field for t in exact if t and t.field} - SEVERAL
        met = Counter(p for cells in self.cells for p in set(meanings.options_in(cells)))
        seen = {p for p, n in met.items() if n > 1 and values.option_codes(p)}
        unread = []
        for i, name in enumerate(self.names):
            if exact[i] is not None or i in self.asked or i in self.beside or not name:
                continue
            means = meaning(name, self.cells[i], seen)
            if means is None:
                unread.append(i)
            elif means.field == "name" and Target("name") in found:
                self.asked[i] = "wishes"
            elif means.field.removeprefix(NOT) in single:
                continue
            elif means.sureness == "sure":
                found[i] = self._target(i, means.field)
            else:
                other = _OPPOSITE.get(means.field)
                self.asked[i] = (other and sense.likely(name, (means.field, other))) or means.field
        read = {t.field for t in found if t} | {*self.asked.values()}
        for field in ("name", "country"):  # no city is read without them
            free = sorted({*unread, *self.asked} - {*self.runs})
            fit = [i for i in free if meanings.nearly_all(field, self.cells[i])]
            if fit and all(t is None or t.field != field for t in found):
                found[fit[0]] = Target(field)
        for i in (i for i in unread if found[i] is None):
            fields = meanings.fitting(self.cells[i], seen)
            fields = [f for f in fields if f in SEVERAL or f not in read]
            left = [f for f in fields if f not in read]
            if guess := sense.likely(self.names[i], fields) or sense.likely(self.names[i], left):
                self.asked[i] = guess
        self._ask_same_options(found, read)
        sure = {t.field for t in found if t}
        sure -= SEVERAL
        self.asked = {i: f for i, f in self.asked.items() if f.removeprefix(NOT) not in sure}
        return found

    def _ask_same_options(self, found: list[Target | None], read: Set[str]) -> None:
        """Ask of the second of two columns with the same options and one field: who asks twice asks for two things.

        So of the second column of texts, where none is of the other kind and its sense is that.
        """
        first: dict[str, set[str]] = {}
        for i, target in enumerate(found):
            field = self.asked.get(i, target.field if target else "")
            other, is_said = _OPPOSITE.get(field), self.names[i] in self.mapping.columns
            if not other or is_said or (target and target.option) or self.names[i] == field:
                continue
            is_text = field in {"needs", "offers"}
            options = set() if is_text else {*meanings.options_in(self.cells[i])}
            if field in first and (
                other not in read and sense.likely(self.names[i], (field, other)) == other
                if is_text
                else 2 * len(first[field] & options) >= len(options) > 0
            ):
                self.asked[i], found[i] = other, None
            first.setdefault(self.asked.get(i, field), options)

    def _once(self, targets: list[Target | None]) -> tuple[Target | None, ...]:
        """Set aside a column whose field stands in another one; one that says something else is asked about."""
        by_field: dict[str, list[int]] = defaultdict(list)
        for i, target in enumerate(targets):
            if target and target.field and target.field not in SEVERAL and not target.option:
                by_field[target.field].append(i)
        kept = list(targets)
        for field, positions in by_field.items():
            first = max(positions, key=lambda i: (self.names[i] in self.mapping.columns, -i))
            others = set(positions) - {first}
            each = (zip(self.cells[first], self.cells[i], strict=False) for i in others)
            pairs = ((text(a), text(b)) for a, b in chain.from_iterable(each))
            if any(a and b and a != b for a, b in pairs):
                self._ask_which(field, positions)
                if field not in {"name", "country"}:
                    others.add(first)
            self.doubled |= others
            kept = [None if i in others else t for i, t in enumerate(kept)]
        return tuple(kept)

    def _ask_which(self, field: str, positions: Sequence[int]) -> None:
        label, first = self._label(field), self.names[positions[0]]
        named = listed([repr(self.names[i]) for i in positions])
        told = {"named": named, "label": label, "first": repr(first)}
        says = "{named} both read as {label}, and say different things. Is {first} the one?"
        asks = say(says, **told)
        self._question(positions[0], asks, ((field, label), SET_ASIDE))

    def _question(self, i: int, asks: str, choices: Choices, guess: str = "") -> None:
        name, where = self.names[i], self.grid.at(self.row, self.names[i])
        more = self.runs.get(i, ()), self.labels.get(i, ())
        self.questions.append(MappingQuestion("columns", name, asks, where, choices, guess, *more))

    def _label(self, field: str) -> str:
        path = field.removeprefix(NOT)
        label = columns(self.model)[path].label if path in columns(self.model) else path
        return label if path == field else say("{label}: a yes means no", label=label)

    def told(self, header: Header) -> list[Problem]:
        """Return what is said of the columns, and ask what is in doubt."""
        problems = []
        read = {t.field for t in header.targets if t}
        for i, (name, target) in enumerate(zip(self.names, header.targets, strict=True)):
            place = self.grid.at(self.row, name or f"column {i + 1}")
            if name in self.other or (not name and target is None) or i in self.beside:
                continue
            if i in self.doubled and header.is_form:
                meant = sense.exact_target(_bare(name), self.mapping, self.model)
                again = {"name": repr(name), "p": meant.field if meant else name}
                found = say("The column stands here twice: {name} is {p} again.", **again)
                problems.append(Problem("column-twice", found, place, say("Keep one.")))
            elif i in self.asked:
                self._ask(i)
            elif i in self.doubled:
                continue
            elif target is None:
                problems += self._unknown(i, header, read)
            elif target.field == CONTACT and name not in self.mapping.columns:
                says = "A column of contacts was seen and set aside: it is kept for letters and never compared."
                found = say(says)
                problems.append(Problem("contact-column", found, place, level="note"))
            elif target.field and not (name in self.mapping.columns or _is_own(name, target.field)):
                problems.append(_read_as(name, target, place))
        if not self.mapping.is_found:
            for name in (n for n in self.mapping.columns if n not in self.names):
                says = "The mapping names a column {name}, which is not here."
                found = say(says, name=repr(name))
                problems.append(Problem("column-missing", found, self.grid.at(self.row)))
        return problems

    def _ask(self, i: int) -> None:
        field, run = self.asked[i], self.runs.get(i, ())
        example = next(filter(None, map(text, self.cells[i])), "")
        more = say(" and the {n} after it, each headed by an option,", n=len(run)) if run else ""
        told = {"name": repr(self.names[i]), "more": more, "example": repr(example[:40])}
        label = self._label(field)
        asks = say("Is the column {name}{more} (such as {example}) “{label}”?", label=label, **told)
        other = (f for pair in _EITHER if field in pair for f in pair if f != field)
        self._question(i, asks, (*((f, self._label(f)) for f in (field, *other)), SET_ASIDE), field)

    def _unknown(self, i: int, header: Header, read: set[str]) -> list[Problem]:
        name = self.names[i]
        place = self.grid.at(self.row, name)
        if is_contact(name):
            found = say("A column of contacts was seen and set aside; nothing in it was read.")
            return [Problem("contact-column", found, place, level="note")]
        if header.is_form:
            do = nearest(name, {k: k for k in columns(self.model)})
            return [Problem("column-unknown", say("There is no such column."), place, do)]
        if missing := self._texts_missing(i, read):
            is_long = median(len(text(c).split()) for c in self.cells[i] if text(c)) >= 5
            if guess := missing[0][0] if len(missing) == 2 and is_long else "":
                self.asked[i] = guess  # of what is left, once
            asks = say("The column {name} holds texts. What are they?", name=repr(name))
            self._question(i, asks, missing, guess)
            return []
        if near := sense.near_field(name, self.model, read):
            self.asked[i] = near
            self._ask(i)
            return []
        found = say("Nothing tells which field this column is; it was not read.")
        says = (
            'To leave it so: "{name}" = "" in the [columns] of the mapping file (such as {file}).'
        )
        do = say(says, name=name, file=mapping_path(Path(self.grid.file)).name)
        if meanings.are_options(self.cells[i], is_choice=True):
            do += " " + say('For rules to count by it: "own_labels" in place of "".')
        return [Problem("column-set-aside", found, place, do, "warning")]

    def _texts_missing(self, i: int, read: set[str]) -> Choices:
        """Return what a column of sentences may be that no other column is, with that it is not read; else nothing."""
        fields = [f for f in ("needs", "offers") if f not in read | set(self.asked.values())]
        fits = (meanings.share("needs", self.cells[i]) or 0.0) >= meanings.FITS
        is_text = fits and not are_options(self.cells[i])
        is_text &= not concepts(self.names[i]) & {"else", "contact"}
        choices = tuple((f, self._label(f)) for f in fields)
        return (*choices, SET_ASIDE) if choices and is_text and self.model is City else ()


def _read_as(name: str, target: Target, place: Any) -> Problem:
    hows = [target.unit] if target.unit else []
    hows += [f"× {target.factor:,.0f}"] if target.factor != 1.0 else []
    hows += [repr(target.option)] if target.option else []
    how = f" ({', '.join(hows)})" if hows else ""
    do = say('If it is not: "{name}" = "" in the [columns] of the mapping file.', name=name)
    found = say("{name} is read as {field}{how}.", name=repr(name), field=target.field, how=how)
    return Problem("header-read-as", found, place, do, "note")
