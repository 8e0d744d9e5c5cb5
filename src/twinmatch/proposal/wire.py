"""The one JSON form of every result: its class says it, and the class alone is written, read and described.

Fields of a frozen dataclass, and the properties that are marked ``on_wire``, are the keys of an object; an alias is
another name of a key. Numbers are rounded to ten decimals, so what was read back gives the same JSON again.

Results of several items are pandas tables too: one row an item, one column a figure. Beside a result stands what its texts
were made of.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Final, Protocol, TypeVar, get_args

from pydantic import (
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetPydanticSchema,
    PlainSerializer,
    PlainValidator,
    Strict,
    TypeAdapter,
    ValidationError,
    computed_field,
)
from pydantic_core import ErrorDetails, PydanticCustomError, core_schema

from twinmatch.errors import DataError, Problem, Where
from twinmatch.wording import Absent, Said, fits, mapped, say, texts_of

if TYPE_CHECKING:
    import pandas as pd

    on_wire = property
else:

    def on_wire(method: Any) -> Any:
        """Return a property that is a key of the JSON form too."""
        return computed_field(property(method))


DECIMALS: Final = 10
"""Decimals kept of every number: far below what a score means, far above the noise of a sum."""

TOLERANCE: Final = 1e-6
"""How far a stated score or share may be from its account before a file counts as wrong."""

T = TypeVar("T")


def rounded(value: float) -> float | None:
    """Return a rounded number, without a negative zero; None where it is not finite."""
    return round(float(value), DECIMALS) + 0.0 if math.isfinite(value) else None


def any_value(value: Any) -> Any:
    """Return any nested value as JSON can hold it; what it cannot hold becomes text."""
    if value is None or isinstance(
        value, str | bool | int
    ):  # most are, and a mapping is slow to tell
        return value
    if isinstance(value, float):
        return rounded(value)
    if isinstance(value, Mapping):
        return {str(key): any_value(part) for key, part in value.items()}
    return [any_value(part) for part in value] if isinstance(value, list | tuple) else str(value)


def _cell(value: Any) -> Any:
    if value is None or type(value) in (str, int, float):
        return value
    raise PydanticCustomError(
        "proposal-type",
        "a text, a number or null is expected, found {found}",
        {"found": kind_of(value)},
    )


def _or(unknown: float) -> BeforeValidator:
    return BeforeValidator(lambda value: unknown if value is None else value)


Number = Annotated[float, Strict(), PlainSerializer(rounded, return_type=float)]
"""A number, rounded."""

Part = Annotated[Number, Field(ge=0, le=1)]
"""A number in [0, 1]."""

Unknown = Annotated[
    float, PlainSerializer(rounded, return_type=float | None), Strict(), _or(math.nan)
]
"""A number, or nan: null in JSON."""

Unbounded = Annotated[
    float, PlainSerializer(rounded, return_type=float | None), Strict(), _or(math.inf)
]
"""A number, or infinity: null in JSON."""

Whole = Annotated[int, Strict()]

Cell = Annotated[
    str | float | int | None,
    PlainValidator(_cell),
    PlainSerializer(any_value, return_type=str | float | int | None),
]
"""A cell of a table."""

Anything = Annotated[dict[str, Any], PlainSerializer(any_value, return_type=dict[str, Any])]
"""An object of any content."""

Instant = Annotated[datetime, PlainSerializer(datetime.isoformat, return_type=str)]
"""A time, as ISO 8601 writes it, with its offset."""

OrNull = Annotated[str, PlainSerializer(lambda text: text or None, return_type=str | None)]
"""A text; an empty one is null in JSON."""

Numbers = Annotated[
    tuple[tuple[str, float], ...], PlainSerializer(dict, return_type=dict[str, Number])
]
"""Numbers by name: an object in JSON."""


def rows(*keys: str) -> PlainSerializer:
    """Return what writes rows of values as objects of these keys."""

    def write(values: Iterable[Sequence[Any]]) -> list[dict[str, Any]]:
        return [any_value(dict(zip(keys, value, strict=True))) for value in values]

    return PlainSerializer(write, return_type=list[dict[str, Any]])


Hidden = Annotated[
    T,
    GetPydanticSchema(lambda _source, _handler: core_schema.any_schema()),
    Field(exclude=True),
]
"""What a result rests on and JSON leaves out."""


DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def to_wire(result: object) -> Any:
    """Return a result, or a list or dictionary of them, as dictionaries, lists, texts and finite numbers."""
    if isinstance(result, list | tuple):
        return [to_wire(item) for item in result]
    if isinstance(result, dict):
        return {str(key): to_wire(item) for key, item in result.items()}
    kind: Any = str if isinstance(result, Said) else type(result)
    return _adapter(kind).dump_python(result, mode="json", by_alias=True)


def schema_of(kind: Any, name: str, title: str) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of what is written of a class."""
    head = {"$schema": DRAFT, "$id": f"urn:twinmatch:{name}", "title": title}
    return head | _adapter(kind).json_schema(mode="serialization", by_alias=True) | {"title": title}


# --- the way back ------------------------------------------------------------------------------------------

CODES: Final = {
    "missing": "proposal-missing",
    "literal_error": "proposal-word",
    "finite_number": "proposal-range",
    "greater_than_equal": "proposal-range",
    "less_than_equal": "proposal-range",
}


def from_wire(kind: Any, plain: object, file: str = "") -> Any:
    """Return the result of a dictionary; raises DataError with every problem of a wrong one.

    ``file`` names the place in the messages. What has a default may be missing; further keys are passed over.
    """
    try:
        return _adapter(kind).validate_python(plain)
    except ValidationError as error:
        raise DataError(_problem(item, file) for item in error.errors(include_url=False)) from None


def _problem(item: ErrorDetails, file: str) -> Problem:
    """Return what is wrong at one place, such as ``products[0].meetings[2].says``."""
    place, kind, given = list(item["loc"]), item["type"], item["input"]
    if kind == "missing":
        found = say("{p} is missing.", p=repr(place.pop()))
    elif kind.startswith("proposal-"):
        found = item["msg"]
    elif kind == "literal_error":
        found = say(
            "{p} stands here; one of {p2} is expected.",
            p=kind_of(given),
            p2=item["ctx"]["expected"],
        )
    elif kind == "dataclass_type":
        found = say("{p} stands here; an object is expected.", p=kind_of(given))
    else:
        found = say(
            "{p} stands here; it {p2}.", p=kind_of(given), p2=item["msg"].removeprefix("Input ")
        )
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    code = kind if kind.startswith("proposal-") else CODES.get(kind, "proposal-type")
    return Problem(code, found, Where(file, column=where.removeprefix(".")))


def kind_of(value: object) -> str:
    """Return what a value of a JSON file is, in words."""
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return f"the number {str(value)[:SHOWN]}"
    if isinstance(value, str):
        return repr(value[:SHOWN])
    if isinstance(value, list):
        return "a list"
    return "an object" if isinstance(value, dict) else "nothing"


SHOWN: Final = 60
"""Characters of a wrong text that are shown."""


def adds_up(plain: Any, key: str, computed: float, parts: str) -> None:
    """Raise an error where a stated number is not what its parts give: there is no other way to get a score."""
    stated = plain.get(key, computed) if isinstance(plain, dict) else computed
    wrong = isinstance(stated, bool) or not isinstance(stated, int | float)
    if wrong or not computed - TOLERANCE <= stated <= computed + TOLERANCE:
        said = {
            "key": key,
            "stated": kind_of(stated),
            "parts": parts,
            "computed": f"{computed:.10g}",
        }
        raise PydanticCustomError(
            "proposal-sum", "{key}: {stated} is stated, but {parts} {computed}.", said
        )


class Row(Protocol):
    """An item of a result that is a row of its table."""

    def row(self) -> Mapping[str, Any]:
        """Return the figures of the row by column."""
        ...


R = TypeVar("R", bound=Row)


class Tabular:
    """A result that is a table, and shows itself as one in a notebook."""

    def to_frame(self) -> pd.DataFrame:
        """Return the result as a table."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(max_rows=12, na_rep="not known"))


class Rows(tuple[R, ...], Tabular):
    """A result of several items, also as a table."""

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Return the schema of its JSON form: a list."""
        return core_schema.tuple_variable_schema(handler(get_args(source)[0]))

    def __repr__(self) -> str:
        names = [str(getattr(item, "name", getattr(item, "title", item))) for item in self]
        return f"<{len(self)}: {', '.join(names[:5])}{', …' * (len(names) > 5)}>"

    def to_frame(self) -> pd.DataFrame:
        """Return one row an item."""
        return frame(item.row() if hasattr(item, "row") else vars(item) for item in self)


def frame(rows: Iterable[Mapping[str, Any]], index: str = "") -> pd.DataFrame:
    """Return rows as a table, indexed by one of their columns where it is named."""
    import pandas as pd

    made = pd.DataFrame(list(rows))
    return made.set_index(index) if index and len(made) else made


# --- what texts were made of ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Saying:
    """What a text was made of; a parameter that is the text of another saying stands for that one."""

    text: str
    message: Annotated[str, Absent] = ""
    several: Annotated[str, Absent] = ""
    values: Annotated[
        dict[str, str | int | float], Field(alias="with", exclude_if=lambda value: not value)
    ] = field(default_factory=dict)
    language: Annotated[str, Absent] = ""


def sayings_of(thing: Any) -> tuple[Saying, ...]:
    """Return what the texts of a result were made of, each text once, sorted."""
    made = []
    for text, said in sorted(_gathered(thing).items(), key=operator.itemgetter(0)):
        plain = {k: str(v) if isinstance(v, str) else v for k, v in said.values.items()}
        made.append(Saying(str(text), said.message, said.several, plain, said.language))
    return tuple(made)


def restored(result: T, sayings: Iterable[Saying]) -> T:
    """Return a result with its texts made of what they were made of, where that fits, and its fractions as they are written."""
    fitting = (s for s in sayings if fits(s.message, s.several, s.values))
    return _settled(result, {saying.text: saying for saying in fitting})


def as_stored(result: T) -> T:
    """Return a result as it is when it is read back: texts that say the same are one, made in one way."""
    return _settled(result, _gathered(result))


def _settled(result: T, made: Mapping[str, Saying | Said]) -> T:
    found: dict[str, Said] = {}
    for text, one in sorted(made.items(), key=_after_its_parts):
        values = {k: found.get(v, v) if isinstance(v, str) else v for k, v in one.values.items()}
        same = all(map(operator.is_, values.values(), one.values.values()))
        if same and isinstance(one, Said):
            found[text] = one
        else:
            found[text] = Said(text, one.message, one.several, values, one.language)

    def settled(part: Any) -> Any:
        if isinstance(part, str):
            return found.get(part, part)
        number = float(round(part, 10)) + 0.0  # no negative zero
        return part if number == part != 0 else number

    return mapped(result, settled)


def _after_its_parts(made: tuple[str, Saying | Said]) -> tuple[int, bool, str]:
    """Return a key by which a text comes after its parts: those are shorter, or it only raises or lowers the one."""
    text, one = made
    whole = len(text)
    return whole, any(len(v) == whole for v in one.values.values() if isinstance(v, str)), text


def _gathered(thing: Any) -> dict[str, Said]:
    """Return the texts that were made of a message, and what these were made of, each once."""
    found: dict[str, Said] = {}
    _gather(thing, found)
    return found


def _gather(thing: Any, found: dict[str, Said]) -> None:
    """Add the texts that were made of a message, and what these were made of."""
    if isinstance(thing, Said):
        known = found.get(thing)
        if thing and known is not thing and (known is None or known.language):
            parts = [part for part in thing.values.values() if isinstance(part, Said)]
            if thing not in parts:  # a mere wrapping says no more
                found[thing] = thing  # in place of own words too
            _gather(parts, found)
        return
    if isinstance(thing, dict):
        thing = thing.values()
    elif not isinstance(thing, list | tuple):
        thing = [getattr(thing, name) for name in texts_of(thing.__class__)]
    for part in thing:
        if part.__class__ not in _LEAVES:
            _gather(part, found)


_LEAVES: Final = frozenset({str, int, float, bool, type(None)})


def packed(plain: Any) -> Any:
    """Return JSON that keeps what its texts were made of, for a process or a store of our own; else as it is."""
    made = [asdict(saying) for saying in sayings_of(plain)]
    return {"plain": plain, "sayings": made} if made else plain


def unpacked(stored: Any) -> Any:
    """Return JSON whose parts that were :func:`packed`, however deep, are as they were."""
    if isinstance(stored, list):
        return [unpacked(part) for part in stored]
    if not isinstance(stored, dict):
        return stored
    if stored.keys() == {"plain", "sayings"}:
        return restored(stored["plain"], (Saying(**saying) for saying in stored["sayings"]))
    return {key: unpacked(part) for key, part in stored.items()}
