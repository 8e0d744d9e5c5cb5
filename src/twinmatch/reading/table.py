"""One row a city: the columns of a table are the dotted paths of the profile's fields.

``emissions.sectors.waste`` and ``readiness.plan`` are columns; lists are written ``a; b``, weighted domains
``mobility_transport:3; industry:1``. An empty cell is not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from pydantic import BaseModel

from twinmatch.cohort import nearest
from twinmatch.errors import Problem, Where
from twinmatch.schema import City, Dimension, HostUnit
from twinmatch.validate import Record

SHORT = {
    "lat": "location.lat",
    "lon": "location.lon",
    "population": "population.value",
    "source": "sources",
}
"""Short headers and the path that each stands for."""


@cache
def columns(model: type[BaseModel] = City, prefix: str = "") -> dict[str, str]:
    """Return every column of the table form with its kind: scalar, list or weights."""
    found: dict[str, str] = {}
    for name, info in model.model_fields.items():
        text = str(info.annotation)
        inner = [
            t for t in _types(info.annotation) if isinstance(t, type) and issubclass(t, BaseModel)
        ]
        if name == "sources":
            found[prefix + name] = "sources"
        elif "dict[" in text and "Dimension" in text:
            found |= {f"{prefix}{name}.{d}": "scalar" for d in Dimension}
        elif "dict[" in text:
            found[prefix + name] = "weights"
        elif "tuple[" in text and not inner:
            found[prefix + name] = "list"
        elif inner:
            found |= columns(inner[0], f"{prefix}{name}.")
        else:
            found[prefix + name] = "scalar"
    return found


def _types(annotation: Any) -> list[Any]:
    return [annotation, *(t for a in getattr(annotation, "__args__", ()) for t in _types(a))]


def records(
    rows: Iterable[tuple[int, Sequence[Any]]],
    file: str,
    sheet: str = "",
    model: type[BaseModel] = City,
) -> tuple[list[Record], list[Problem]]:
    """Return one record a row, from numbered rows of which the first is the header.

    Unknown and repeated columns are problems, each with the nearest known name.
    """
    numbered = iter(rows)
    row, header = next(numbered, (1, ()))
    paths, problems = _header([_text(cell) for cell in header], Where(file, sheet, row), model)
    found = []
    for row, cells in numbered:
        if any(_text(cell) for cell in cells):
            found.append(_record(paths, cells, Where(file, sheet, row), model))
    return found, problems


def _header(
    names: list[str], where: Where, model: type[BaseModel]
) -> tuple[list[str], list[Problem]]:
    known = columns(model)
    paths = [SHORT.get(name, name) for name in names]
    problems = []
    for position, (name, path) in enumerate(zip(names, paths, strict=True)):
        place = Where(where.file, where.sheet, where.row, name or f"column {position + 1}")
        if path and path not in known:
            problems.append(
                Problem(
                    "column-unknown",
                    "There is no such column.",
                    place,
                    nearest(path, {k: k for k in known}),
                )
            )
        if path and path in paths[:position]:
            problems.append(
                Problem("column-twice", "The column stands here twice.", place, "Keep one.")
            )
    return [path if path in known else "" for path in paths], problems


def _record(
    paths: Sequence[str], cells: Sequence[Any], where: Where, model: type[BaseModel]
) -> Record:
    data: dict[str, Any] = {}
    kinds = columns(model)
    for path, cell in zip(paths, cells, strict=False):
        value = _value(cell, kinds.get(path, ""))
        if path and value is not None:
            _put(data, path, value)
    if isinstance(data.get("sources"), list) and model is City:
        data["sources"] = [{"of": sorted(set(data) - {"sources", "id"}), "from": data["sources"]}]
    return Record(data, where, {path: path for path in paths})


def _put(data: dict[str, Any], path: str, value: Any) -> None:
    *parents, name = path.split(".")
    for parent in parents:
        data = data.setdefault(parent, {})
    data[name] = value


def _value(cell: Any, kind: str) -> Any:
    text = _text(cell)
    if not text:
        return None
    if kind in {"list", "sources"}:
        return [part.strip() for part in text.split(";") if part.strip()]
    if kind == "weights":
        return _weights(text)
    return cell if isinstance(cell, int | float) and not isinstance(cell, bool) else text


def _weights(text: str) -> Any:
    parts = [part.strip() for part in text.split(";") if part.strip()]
    if not any(":" in part for part in parts):
        return parts
    pairs = [part.partition(":") for part in parts]
    return {name.strip(): weight.strip() or None for name, _, weight in pairs}


def _text(cell: Any) -> str:
    return "" if cell is None else str(cell).strip()


UNIT_COLUMNS = columns(HostUnit)
