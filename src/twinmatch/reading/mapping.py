"""How a table of profiles is read: its columns, and the mapping file of somebody's own.

The columns are the dotted paths of the fields, each with its kind, unit, range and words.

``emissions.sectors.waste`` and ``readiness.plan`` are columns. They are made from the models of
:mod:`twinmatch.schema`, so a further field is a column, a cell of the template and a line of the documentation.

A mapping file: how somebody's table is to be read, in TOML. Guesses are written into one and answers read from it.

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
"Schon dabei?" = "not participation.newcomer" # a yes means no
"Wunschstädte" = "ranked wishes" # best first; "wishes": in no order, unless its header or cells say otherwise
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

import enum
import json
import tomllib
from collections.abc import Mapping as Dict
from dataclasses import dataclass, field, fields, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
)
from pydantic.fields import FieldInfo

from twinmatch.cohort import nearest
from twinmatch.errors import Problem, QuestionError, Where
from twinmatch.files import toml_text
from twinmatch.schema import NAMES, City, Dimension, Level
from twinmatch.validate import in_words, models_in, parts_of
from twinmatch.vocabulary import sentences_of
from twinmatch.wording import joined, listed, say, titled

Kind = Literal["text", "whole", "number", "tonnes", "choice", "flag", "list", "weights", "sources"]

SHORT: Final = {
    "lat": "location.lat",
    "lon": "location.lon",
    "population": "population.value",
    "source": "sources",
}
"""Short headers and the path that each stands for."""


@dataclass(frozen=True)
class ProfileColumn:
    """A column: its path, kind, unit, range, choices, and what it means."""

    path: str
    kind: Kind
    meaning: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    is_required: bool = False
    may_be_empty_list: bool = False
    title: str = ""
    """Words over the column where its path alone would not say it."""

    @property
    def label(self) -> str:
        """Return the words that people read over the column."""
        words = self.title or _words(self.path)
        return joined(map(titled, words.split(": ")), ": ")

    def admits(self, value: float) -> bool:
        """Return whether a number is within the field's range, and whole where it has to be."""
        if self.kind == "whole" and not float(value).is_integer():
            return False
        is_above = self.low is None or value >= self.low
        return is_above and (self.high is None or value <= self.high)


def _words(path: str) -> str:
    parts = [part for part in path.split(".") if part not in {"value", "sectors"}]
    words = [NAMES.get(part, part.replace("_", " ")) for part in parts]
    return ": ".join(words)[:1].upper() + ": ".join(words)[1:]


@cache
def columns(model: type[BaseModel] = City, prefix: str = "") -> dict[str, ProfileColumn]:
    """Return every column of the table form, by its path, in the order of the schema."""
    found: dict[str, ProfileColumn] = {}
    sentences = sentences_of(model)
    for name, info in model.model_fields.items():
        path = prefix + name
        words = str(info.annotation)
        inner = models_in(info.annotation)
        if "dict[" in words and "Dimension" in words:
            for d in Dimension:
                meaning, unit = f"{NAMES[d]}: {sentences[name]}", "level 0-4"
                found[f"{path}.{d}"] = ProfileColumn(f"{path}.{d}", "whole", meaning, unit, 0, 4)
        elif inner and name != "sources" and "dict[" not in words:
            found |= columns(inner[0], f"{path}.")
        else:
            found[path] = _column(path, _kind(name, info), info, sentences.get(name, ""))
    return found


def _column(path: str, kind: Kind, info: FieldInfo, meaning: str) -> ProfileColumn:
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    limits = [*info.metadata, *(m for t in parts_of(info.annotation) for m in _inner_limits(t))]
    low, high = _limit(limits, "ge"), _limit(limits, "le")
    unit = str(extra.get("unit", ""))
    more = _choices(info.annotation), info.is_required(), info.default is None, info.title or ""
    return ProfileColumn(path, kind, meaning, unit, low, high, *more)


def _inner_limits(part: Any) -> list[Any]:
    """Return the limits that an annotated part carries, such as the range of tonnes."""
    items = getattr(part, "__metadata__", ())
    return [m for item in items for m in getattr(item, "metadata", [item])]


def _limit(limits: list[Any], name: str) -> float | None:
    return next((getattr(m, name) for m in limits if getattr(m, name, None) is not None), None)


def _kind(name: str, info: FieldInfo) -> Kind:
    parts = parts_of(info.annotation)
    words = str(info.annotation)
    if name == "sources":
        return "sources"
    if "dict[" in words or "tuple[" in words:
        return "weights" if "dict[" in words else "list"
    if "Notation" in words:
        return "tonnes"
    if any(get_origin(p) is Literal or _is_enum(p) for p in parts):
        return "choice"
    if bool in parts:
        return "flag"
    if int in parts or any(p is Level for p in parts):
        return "whole"
    return "number" if float in parts else "text"


def _is_enum(part: Any) -> bool:
    return isinstance(part, type) and issubclass(part, enum.Enum)


def _choices(annotation: Any) -> tuple[str, ...]:
    """Return the codes that a field admits, in order; none where any value is free."""
    for part in parts_of(annotation):
        if get_origin(part) is Literal or _is_enum(part):
            return tuple(map(str, part if _is_enum(part) else get_args(part)))
    return ()


BESIDE: Final = ("submitted", "contact")
"""What a column may be beside a field: when a row was sent, and whom to write to."""


@dataclass(frozen=True)
class Target:
    """Where a header's values go: a field (an empty text sets the column aside), a unit, a factor.

    ``option``: the column is one option of a question, and its cells say whether it was ticked.
    ``is_negated``: yes stands for no, as under "Have you taken part before?" for a newcomer. ``is_ranked``: the cities
    named stand best first.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    field: Annotated[str, AfterValidator(lambda name: SHORT.get(name, name))]
    unit: str = ""
    factor: Annotated[float, Field(gt=0, le=1e9)] = 1.0
    option: str = ""
    is_negated: bool = False
    is_ranked: bool = False

    @property
    def said(self) -> str:
        """Return the field as a mapping file and a menu have it, such as "not participation.newcomer"."""
        return NOT * self.is_negated + RANKED * self.is_ranked + self.field


NOT: Final = "not "
RANKED: Final = "ranked "
RANKABLE: Final = ("wishes", "welcomes")
"""Cities that are asked for: best first, or in no order."""


def target_of(said: str, **more: Any) -> Target:
    """Return the target of a field as a mapping file and a menu have it."""
    field = said.removeprefix(NOT).removeprefix(RANKED)
    turned, ranked = said.startswith(NOT), said.startswith(RANKED)
    return Target(field, is_negated=turned, is_ranked=ranked, **more)


_read_target = BeforeValidator(lambda v: target_of(SHORT.get(v, v)) if isinstance(v, str) else v)
_AsTarget = Annotated[Target, _read_target]


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
        said: Dict[str, Any] = {question.key: answer}
        if question.table == "repair_letters":
            return replace(self, repair_letters=answer == "true")
        if question.table == "columns":
            names = (question.key, *question.options)
            said = {n: target_of(answer, option=question.option_of(n)) for n in names}
        changed: Dict[str, Any] = {question.table: {**getattr(self, question.table), **said}}
        return replace(self, **changed)


Part = Literal["columns", "values", "names", "repair_letters"]
Choices = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class MappingQuestion:
    """What reading could not decide: where, in words, the answers that it takes, and which of them is likely.

    ``table`` and ``key`` are the place of the answer in a mapping file.
    """

    table: Part
    key: str
    asks: str
    where: Where
    choices: Choices
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
        do = say("In the mapping file: {line}", line=self.line)
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
        found = say("The mapping cannot be read: {error}.", error=error)
        raise QuestionError.of("mapping-unreadable", found, Where(str(path))) from error
    return mapping_of(content, path.name)


def mapping_of(content: Dict[str, Any], file: str = "") -> Mapping:
    """Return the mapping that the contents of a file say; raises QuestionError with every problem."""
    try:
        mapping: Mapping = TypeAdapter(Mapping).validate_python(content)
    except ValidationError as error:
        raise QuestionError(_wrong(item, file) for item in error.errors()) from error
    targets, known = mapping.columns.values(), columns()
    named = (t.field for t in targets if t.field not in BESIDE)
    unknown = [f for f in (*named, *mapping.defaults) if f and f not in known]
    negated = [t for t in targets if t.is_negated and t.field in known]
    unknown += [t.said for t in negated if known[t.field].kind != "flag"]
    unknown += [t.said for t in targets if t.is_ranked and t.field not in RANKABLE]
    if unknown:
        raise QuestionError([_no_field(name, file) for name in unknown])
    taking = [path for path, column in known.items() if column.kind in {"list", "weights"}]
    single = [n for n, t in mapping.columns.items() if t.option and t.field not in ("", *taking)]
    if single:
        do = say("Fields that do: {fields}.", fields=listed(taking))
        raise QuestionError(_no_options(n, mapping.columns[n].field, file, do) for n in single)
    return mapping


def _no_options(name: str, field: str, file: str, do: str) -> Problem:
    found = say("{field} takes no options.", field=field)
    return Problem("mapping-wrong", found, Where(file, column=name), do)


def _wrong(item: Any, file: str) -> Problem:
    where = Where(file, column=".".join(map(str, item["loc"])))
    found = say("Found {p}.", p=repr(str(item["input"])[:60]))
    return Problem("mapping-wrong", found, where, say("Expected {p}.", p=in_words(item)))


def to_toml(mapping: Mapping, table: str, questions: tuple[MappingQuestion, ...] = ()) -> str:
    """Return a mapping as a file to be read and changed by people; open questions stand in it as comments."""
    lines = [
        f"# How {table} is read: what was guessed, and what was answered. Change a line and run again.",
        '# A column is a field, "contact", "submitted" (the later of two rows of a city wins), or "" (not read).',
    ]
    names = ("sheet", "header_row", "encoding", "decimal", "repair_letters")
    stated = ((name, getattr(mapping, name)) for name in names)
    lines += [f"{name} = {toml_value(value)}" for name, value in stated if value is not None]
    for question in questions:
        lines += [f"# OPEN: {question.asks}", f"#   {question.line}"]
    lines += ["", "[columns]"]
    lines += [f"{toml_text(n)} = {_target_text(t)}" for n, t in mapping.columns.items()]
    for title in ("values", "names", "defaults"):
        if entries := getattr(mapping, title):
            lines += ["", f"[{title}]"]
            lines += [f"{toml_text(n)} = {toml_value(v)}" for n, v in entries.items()]
    return "\n".join(lines) + "\n"


def _target_text(target: Target) -> str:
    said = {f.name: v for f in fields(target) if (v := getattr(target, f.name)) != f.default}
    return (
        toml_value(said)
        if said.keys() - {"field", "is_negated", "is_ranked"}
        else toml_text(target.said)
    )


def toml_value(value: Any) -> str:
    """Return a text, number, list or table as TOML has it on one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{toml_key(k)} = {toml_value(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    return toml_text(value) if isinstance(value, str) else json.dumps(value)


def toml_key(name: str) -> str:
    """Return the name of a setting as TOML has it."""
    return name if name.isidentifier() and name.isascii() else toml_text(name)


def _no_field(name: str, file: str) -> Problem:
    do = nearest(name, {k: k for k in (*columns(), *BESIDE)})
    found = say("There is no field {name}.", name=repr(name))
    return Problem("field-unknown", found, Where(file), do)
