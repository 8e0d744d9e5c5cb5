"""The columns of a table of profiles: the dotted paths of the fields, each with its kind, unit, range and words.

``emissions.sectors.waste`` and ``readiness.plan`` are columns. They are made from the models of
:mod:`twinmatch.schema`, so a further field is a column, a cell of the template and a line of the documentation.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from twinmatch.schema import NAMES, City, Dimension, Level
from twinmatch.validate import models_in, parts_of

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

    @property
    def label(self) -> str:
        """Return the words that people read over the column."""
        return LABELS.get(self.path) or _words(self.path)

    def admits(self, value: float) -> bool:
        """Return whether a number is within the field's range, and whole where it has to be."""
        if self.kind == "whole" and not float(value).is_integer():
            return False
        low = self.low if self.low is not None else float("-inf")
        high = self.high if self.high is not None else float("inf")
        return low <= value <= high


LABELS: Final = {
    "id": "Identifier",
    "name": "City (English name)",
    "local_name": "City (own language)",
    "country": "Country",
    "roles": "Roles",
    "location.lat": "Latitude",
    "location.lon": "Longitude",
    "population.value": "Population",
    "population.of": "Population counts",
    "languages": "Working languages",
    "official_languages": "Official languages",
    "commitment.neutral_by": "Climate-neutral by",
    "commitment.neutral_by_at_latest": "Climate-neutral by, at the latest",
    "participation.staff_hours_a_month": "Staff hours a month",
    "participation.english": "English of the team",
    "needs": "What we want to learn",
    "offers": "What we can show",
    "challenges": "Domains: where we struggle",
    "strengths": "Domains: where we are strong",
    "seeks": "Topics we want to learn about",
    "shows": "Topics we can show something of",
    "hosts_on": "Topics on which alone we take guests",
    "levers_needed": "Levers we lack",
    "levers_offered": "Levers we can show",
    "wishes": "Hosts we ask for",
    "refuses": "Not to be matched with",
    "welcomes": "Guests we ask for",
    "emissions.year": "Inventory year",
    "emissions.form": "Form of the table",
    "emissions.boundary": "Boundary",
    "emissions.boundary_population": "Population inside the boundary",
    "emissions.total_printed": "Total as printed",
    "version.number": "Version of the profile",
    "version.date": "Confirmed on",
}
"""Words over a column where its path alone would not say it."""


def _words(path: str) -> str:
    parts = [part for part in path.split(".") if part not in {"value", "sectors"}]
    words = [NAMES.get(part, part.replace("_", " ")) for part in parts]
    return ": ".join(words)[:1].upper() + ": ".join(words)[1:]


@cache
def columns(model: type[BaseModel] = City, prefix: str = "") -> dict[str, ProfileColumn]:
    """Return every column of the table form, by its path, in the order of the schema."""
    found: dict[str, ProfileColumn] = {}
    for name, info in model.model_fields.items():
        path = prefix + name
        words = str(info.annotation)
        inner = models_in(info.annotation)
        if name == "sources":
            found[path] = _column(path, "sources", info)
        elif "dict[" in words and "Dimension" in words:
            for d in Dimension:
                found[f"{path}.{d}"] = ProfileColumn(
                    f"{path}.{d}", "whole", f"{NAMES[d]}: {info.description}", "level 0-4", 0, 4
                )
        elif "dict[" in words:
            found[path] = _column(path, "weights", info)
        elif "tuple[" in words and not inner:
            found[path] = _column(path, "list", info)
        elif inner:
            found |= columns(inner[0], f"{path}.")
        else:
            found[path] = _column(path, _kind(info), info)
    return found


def _column(path: str, kind: Kind, info: FieldInfo) -> ProfileColumn:
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    limits = [*info.metadata, *(m for t in parts_of(info.annotation) for m in _inner_limits(t))]
    return ProfileColumn(
        path,
        kind,
        info.description or "",
        str(extra.get("unit", "")),
        _limit(limits, "ge"),
        _limit(limits, "le"),
        _choices(info.annotation),
        info.is_required(),
        info.default is None,
    )


def _inner_limits(part: Any) -> list[Any]:
    """Return the limits that an annotated part carries, such as the range of tonnes."""
    found: list[Any] = []
    for item in getattr(part, "__metadata__", ()):
        found += item.metadata if isinstance(item, FieldInfo) else [item]
    return found


def _limit(limits: list[Any], name: str) -> float | None:
    return next((getattr(m, name) for m in limits if getattr(m, name, None) is not None), None)


def _kind(info: FieldInfo) -> Kind:
    parts = parts_of(info.annotation)
    words = str(info.annotation)
    if "Notation" in words:
        return "tonnes"
    if any(get_origin(p) is Literal for p in parts) or any(_is_enum(p) for p in parts):
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
        if get_origin(part) is Literal:
            return tuple(str(a) for a in get_args(part))
        if _is_enum(part):
            return tuple(str(member.value) for member in part)
    return ()
