"""A mapping file: how somebody's table is to be read, in TOML. Guesses are written into one and answers read from it.

```toml
sheet = "Responses"        # of a workbook; the first that looks like a list of cities where left out
header_row = 3             # found where left out
encoding = "cp1252"        # UTF-8 where left out
decimal = ","              # found from the numbers where left out
repair_letters = true      # "MÃ¡laga" is read as "Málaga"

[columns]
"Stadt" = "name"
"Einwohner (Tsd.)" = { field = "population.value", factor = 1000 }
"Emissionen" = { field = "emissions.total_printed", unit = "kt CO2e" }
"E-Mail" = "contact"       # whom to write to: kept apart, never compared
"Zeitstempel" = "submitted" # of two rows of one city, the later wins
"Anmerkungen" = ""         # set aside

[values]                   # options and what they mean: a domain, a lever, a level; empty: nothing
"Green money" = "finance_funding"

[names]                    # a city as it is written, and the city that is meant
"Amersfort" = "Amersfoort"

[defaults]                 # for every row that does not say
"emissions.form" = "city"
```
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping as Dict
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
)

from twinmatch.cohort import nearest
from twinmatch.errors import Problem, QuestionError, Where
from twinmatch.files import toml_text
from twinmatch.reading.columns import SHORT, columns
from twinmatch.validate import in_words

BESIDE: Final = ("submitted", "contact")
"""What a column may be beside a field: when a row was sent, and whom to write to."""


@dataclass(frozen=True)
class Target:
    """Where a header's values go: a field (an empty text sets the column aside), a unit, a factor.

    ``option``: the column is one option of a question, and its cells say whether it was ticked.
    ``is_negated``: yes stands for no, as under "Have you taken part before?" for a newcomer.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    field: Annotated[str, AfterValidator(lambda name: SHORT.get(name, name))]
    unit: str = ""
    factor: Annotated[float, Field(gt=0, le=1e9)] = 1.0
    option: str = ""
    is_negated: bool = False

    @property
    def said(self) -> str:
        """Return the field as a mapping file and a menu have it: "not participation.newcomer" where negated."""
        return NOT + self.field if self.is_negated else self.field


NOT: Final = "not "


def target_of(said: str, **more: Any) -> Target:
    """Return the target of a field as a mapping file and a menu have it."""
    return Target(said.removeprefix(NOT), is_negated=said.startswith(NOT), **more)


def _as_target(said: Any) -> Any:
    return target_of(SHORT.get(said, said)) if isinstance(said, str) else said


_AsTarget = Annotated[Target, BeforeValidator(_as_target)]


@dataclass(frozen=True)
class Mapping:
    """How a table is to be read; the empty mapping leaves everything to be found, or asked."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    columns: Dict[str, _AsTarget] = field(default_factory=dict)
    defaults: Dict[str, Any] = field(default_factory=dict)
    sheet: str | None = None
    header_row: Annotated[int, Field(ge=1)] | None = None
    encoding: str | None = None
    decimal: Literal[",", "."] | None = None
    repair_letters: bool | None = None
    values: Dict[str, str] = field(default_factory=dict)
    names: Dict[str, str] = field(default_factory=dict)
    is_found: Annotated[bool, Field(validation_alias="(found)")] = False
    """Whether it was found beside the table: columns that are no longer there are then no error. No file says so."""

    def answered(self, question: MappingQuestion, answer: str) -> Mapping:
        """Return the mapping with the answer to a question."""
        if question.table == "repair_letters":
            return replace(self, repair_letters=answer == "true")
        if question.table == "columns":
            names = (question.key, *question.options)
            said = {n: target_of(answer, option=question.option_of(n)) for n in names}
            return replace(self, columns={**self.columns, **said})
        if question.table == "values":
            return replace(self, values={**self.values, question.key: answer})
        return replace(self, names={**self.names, question.key: answer})


@dataclass(frozen=True)
class MappingQuestion:
    """What reading could not decide: where, in words, the answers that it takes, and which of them is likely.

    ``table`` and ``key`` are the place of the answer in a mapping file.
    """

    table: Literal["columns", "values", "names", "repair_letters"]
    key: str
    asks: str
    where: Where
    choices: tuple[tuple[str, str], ...]
    """Answers as the mapping has them, each with its words."""
    guess: str = ""
    options: tuple[str, ...] = ()
    """Further columns of which the answer is given: with the first, each is an option of one question."""
    labels: tuple[str, ...] = ()
    """The options of the first and the further columns, where their names say more than the option."""

    def option_of(self, name: str) -> str:
        """Return the option that a column of this name is; an empty text where it is none."""
        names = (self.key, *self.options) if self.options else ()
        return dict(zip(names, self.labels or names, strict=True)).get(name, "")

    @property
    def line(self) -> str:
        """Return the line of a mapping file that gives the likeliest answer."""
        if self.table == "repair_letters":
            return "repair_letters = true"
        answer = self.guess or self.choices[0][0]
        return f"[{self.table}] {toml_text(self.key)} = {toml_text(answer)}"

    def problem(self) -> Problem:
        """Return the question as a warning, with the line that answers it."""
        do = f"In the mapping file: {self.line}"
        return Problem("question", self.asks, self.where, do, "warning")


def mapping_path(table: Path) -> Path:
    """Return the place of the mapping file beside a table."""
    return table.with_name(f"{table.stem}.mapping.toml")


def read_mapping(path: Path) -> Mapping:
    """Return the mapping of a TOML file.

    Raises QuestionError with every problem: no TOML, an unknown key, a field that does not exist.
    """
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:  # also a number of 5,000 digits
        found = f"The mapping cannot be read: {error}."
        raise QuestionError.of("mapping-unreadable", found, Where(str(path))) from error
    return mapping_of(content, path.name)


def mapping_of(content: Dict[str, Any], file: str = "") -> Mapping:
    """Return the mapping that the contents of a file say; raises QuestionError with every problem."""
    try:
        mapping: Mapping = TypeAdapter(Mapping).validate_python(content)
    except ValidationError as error:
        raise QuestionError(_wrong(item, file) for item in error.errors()) from error
    fields = [t.field for t in mapping.columns.values() if t.field not in BESIDE]
    unknown = [f for f in (*fields, *mapping.defaults) if f and f not in columns()]
    unknown += [
        t.said
        for t in mapping.columns.values()
        if t.is_negated and t.field in columns() and columns()[t.field].kind != "flag"
    ]
    if unknown:
        raise QuestionError([_no_field(name, file) for name in unknown])
    return mapping


def _wrong(item: Any, file: str) -> Problem:
    where = Where(file, column=".".join(map(str, item["loc"])))
    found = f"Found {str(item['input'])[:60]!r}."
    return Problem("mapping-wrong", found, where, f"Expected {in_words(item)}.")


def to_toml(mapping: Mapping, table: str, questions: tuple[MappingQuestion, ...] = ()) -> str:
    """Return a mapping as a file to be read and changed by people; open questions stand in it as comments."""
    lines = [
        f"# How {table} is read: what was guessed, and what was answered. Change a line and run again.",
        '# A column is a field, "contact", "submitted" (the later of two rows of a city wins), or "" (not read).',
    ]
    for name in ("sheet", "header_row", "encoding", "decimal", "repair_letters"):
        value = getattr(mapping, name)
        if value is not None:
            lines.append(f"{name} = {_toml(value)}")
    for question in questions:
        lines += [f"# OPEN: {question.asks}", f"#   {question.line}"]
    lines += ["", "[columns]"]
    lines += [f"{toml_text(n)} = {_target_text(t)}" for n, t in mapping.columns.items()]
    for title in ("values", "names", "defaults"):
        if entries := getattr(mapping, title):
            lines += ["", f"[{title}]"]
            lines += [f"{toml_text(n)} = {_toml(v)}" for n, v in entries.items()]
    return "\n".join(lines) + "\n"


def _target_text(target: Target) -> str:
    more = [f"field = {toml_text(target.field)}"]
    more += [f"unit = {toml_text(target.unit)}"] if target.unit else []
    more += [f"factor = {target.factor:g}"] if target.factor != 1.0 else []
    more += [f"option = {toml_text(target.option)}"] if target.option else []
    more += ["is_negated = true"] if target.is_negated else []
    return (
        toml_text(target.said)
        if len(more) == 1 + target.is_negated
        else "{ " + ", ".join(more) + " }"
    )


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return str(value) if isinstance(value, int | float) else toml_text(str(value))


def _no_field(name: str, file: str) -> Problem:
    do = nearest(name, {k: k for k in (*columns(), *BESIDE)})
    return Problem("field-unknown", f"There is no field {name!r}.", Where(file), do)
