"""A mapping file: how the headers of somebody's table are to be read, in TOML.

```toml
sheet = "Responses"        # of a workbook; the first that looks like a list of cities where left out
header_row = 3             # found where left out
encoding = "cp1252"        # UTF-8 where left out
decimal = ","              # found from the numbers where left out

[columns]
"Stadt" = "name"
"Einwohner (Tsd.)" = { field = "population.value", factor = 1000 }
"Emissionen" = { field = "emissions.total_printed", unit = "kt CO2e" }
"Anmerkungen" = ""         # set aside

[defaults]                 # for every row that does not say
"emissions.form" = "city"
```
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping as Dict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from twinmatch.cohort import nearest
from twinmatch.errors import Problem, QuestionError, Where
from twinmatch.reading.columns import SHORT, columns


@dataclass(frozen=True)
class Target:
    """Where a header's values go: a field (an empty text sets the column aside), a unit, a factor."""

    field: str
    unit: str = ""
    factor: float = 1.0


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    field: str
    unit: str = ""
    factor: float = Field(1.0, gt=0, le=1e9)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    sheet: str | None = None
    header_row: int | None = Field(None, ge=1)
    encoding: str | None = None
    decimal: Literal[",", "."] | None = None
    columns: dict[str, _Entry] = {}
    defaults: dict[str, Any] = {}

    @field_validator("columns", mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {k: {"field": v} if isinstance(v, str) else v for k, v in value.items()}


@dataclass(frozen=True)
class Mapping:
    """How a table is to be read; the empty mapping leaves everything to be found, or asked."""

    columns: Dict[str, Target] = field(default_factory=dict)
    defaults: Dict[str, Any] = field(default_factory=dict)
    sheet: str | None = None
    header_row: int | None = None
    encoding: str | None = None
    decimal: Literal[",", "."] | None = None


def read_mapping(path: Path) -> Mapping:
    """Return the mapping of a TOML file.

    Raises QuestionError with every problem: no TOML, an unknown key, a field that does not exist.
    """
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:  # also a number of 5,000 digits
        found = f"The mapping cannot be read: {error}."
        raise QuestionError(Problem("mapping-unreadable", found, Where(str(path)))) from error
    return mapping_of(content, path.name)


def mapping_of(content: Dict[str, Any], file: str = "") -> Mapping:
    """Return the mapping that the contents of a file say; raises QuestionError with every problem."""
    try:
        read = _File.model_validate(content)
    except ValidationError as error:
        problems = [
            Problem("mapping-wrong", item["msg"] + ".", Where(file, column=_at(item["loc"])))
            for item in error.errors()
        ]
        raise QuestionError(problems) from error
    targets = {name: _target(entry) for name, entry in read.columns.items()}
    fields = [t.field for t in targets.values()] + list(read.defaults)
    unknown = [f for f in fields if f and f not in columns()]
    if unknown:
        raise QuestionError([_no_field(name, file) for name in unknown])
    return Mapping(targets, read.defaults, read.sheet, read.header_row, read.encoding, read.decimal)


def _target(entry: _Entry) -> Target:
    return Target(SHORT.get(entry.field, entry.field), entry.unit, entry.factor)


def _at(loc: tuple[int | str, ...]) -> str:
    return ".".join(map(str, loc))


def _no_field(name: str, file: str) -> Problem:
    do = nearest(name, {k: k for k in columns()})
    return Problem("field-unknown", f"There is no field {name!r}.", Where(file), do)
