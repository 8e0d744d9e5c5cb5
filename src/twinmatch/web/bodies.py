"""The bodies of requests and answers: a request read as one model, lists of cities as JSON, CSV (RFC 4180) or GeoJSON (RFC 7946)."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

import orjson
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from twinmatch.cohort import nearest
from twinmatch.errors import Problem, QuestionError, Where
from twinmatch.proposal import CityCard
from twinmatch.proposal.wire import to_wire

M = TypeVar("M", bound=BaseModel)

MOST_PROBLEMS: Final = 20
"""Problems of one request that are listed; the others are counted."""

SUGGESTED: Final = 3
"""Unknown names for which the nearest known one is looked for, which takes time."""


def as_model(model: type[M], data: Mapping[str, Any], part: str) -> M:
    """Return a part of a request as a model; raises the framework's error for a wrong one."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        items = [{**item, "loc": (part, *item["loc"])} for item in error.errors(include_url=False)]
        raise RequestValidationError(items) from error


def only_known(request: Request, known: Sequence[str]) -> None:
    """Raise QuestionError with the parameters of a query that its route does not have: none is passed over."""
    if not request.scope["query_string"]:
        return
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        listed = f"Known: {', '.join(known)}." if known else "This address takes none."
        problems = [
            Problem("parameter-unknown", f"There is no parameter {name!r}.", Where(column=name), do)
            for k, name in enumerate(n[:40] for n in unknown[:MOST_PROBLEMS])
            for do in [(k < SUGGESTED and nearest(name, {n: n for n in known})) or listed]
        ]
        raise QuestionError([*problems, *more_problems(len(unknown) - MOST_PROBLEMS)])


def more_problems(left_out: int) -> list[Problem]:
    """Return the problem that counts those that are not listed; none where all are."""
    found = f"{left_out:,} more problems of this request are not listed."
    return [Problem("more-problems", found)] if left_out > 0 else []


# --- answers ---


def json_answer(
    content: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a result, or a dictionary of results, as JSON."""
    return Response(orjson.dumps(to_wire(content)), status, headers, "application/json")


LISTS: Final = {"json": "application/json", "csv": "text/csv", "geojson": "application/geo+json"}
"""The media type of each form of a list of cities, in the order of preference where a client has none."""


def accepted(header: str, offered: Mapping[str, str]) -> str:
    """Return the name of the form that an Accept header asks for; raises QuestionError where it asks for no other."""
    wishes = []
    for place, part in enumerate(header.split(",")):
        media, *parameters = (p.strip() for p in part.split(";"))
        quality = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        try:
            wishes.append((-float(quality), place, media.lower()))
        except ValueError:
            continue
    forms = {name: media.partition(";")[0] for name, media in offered.items()}
    for quality_, _, media in sorted(wishes):
        if quality_ == 0:
            continue
        for name, own in forms.items():
            if media in {own, "*/*"} or (media.endswith("/*") and own.startswith(media[:-1])):
                return name
    do = f"There is: {', '.join(forms.values())}."
    raise QuestionError.of("not-acceptable", "There is no such form.", do=do)


def list_bytes(
    form: str,
    content: dict[str, Any],
    fields: Collection[str] = (),
    cards: Mapping[str, CityCard] | None = None,
) -> bytes:
    """Return a list of cities in a form, each city with its id and the named fields (all where none is named).

    In CSV and GeoJSON ``like`` is the city that was asked about. A city without coordinates has no geometry.
    """
    cards = cards or {}
    if form == "json":
        for answer in content.get("answers", [content]):
            key = "similar" if "similar" in answer else "cities"
            answer[key] = [_only(line, fields) for line in answer[key]]
        return orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)
    if form == "csv":
        return _csv({**like, **_flat(_only(line, fields))} for like, line in _lines(content))
    features = [
        {
            "type": "Feature",
            "geometry": _point(cards.get(line["id"])),
            "properties": like | _only(line, fields),
        }
        for like, line in _lines(content)
    ]
    return orjson.dumps({"type": "FeatureCollection", "features": features})


def _lines(content: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for answer in content.get("answers", [content]):
        like = {"like": answer["city"]} if "similar" in answer else {}
        for line in answer["similar" if like else "cities"]:
            yield like, line


def _only(line: dict[str, Any], fields: Collection[str]) -> dict[str, Any]:
    """Return a city with its id and the named fields; whole where none is named."""
    return {k: v for k, v in line.items() if k in fields or k == "id"} if fields else line


def _flat(line: dict[str, Any]) -> dict[str, Any]:
    """Return a city as a row: reasons as one text, an account as the share of each facet."""
    row: dict[str, Any] = {}
    for key, value in line.items():
        if key == "account":
            row |= {f"share.{x['facet']}": x["share"] for x in value}
        elif isinstance(value, list | tuple):
            row[key] = " ".join(x["says"] for x in value) if key == "why" else "; ".join(value)
        else:
            row[key] = value
    return row


def _csv(rows: Iterable[dict[str, Any]]) -> bytes:
    found = list(rows)
    out = io.StringIO()
    table = csv.DictWriter(out, list(dict.fromkeys(key for row in found for key in row)))
    table.writeheader()
    table.writerows({key: _cell(value) for key, value in row.items()} for row in found)
    return out.getvalue().encode()


def _cell(value: Any) -> Any:
    """Return a value that a spreadsheet does not take for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in set("=+-@\t\r") else value


def _point(card: CityCard | None) -> dict[str, Any] | None:
    if card is None or card.lat is None or card.lon is None:
        return None
    return {"type": "Point", "coordinates": [card.lon, card.lat]}


def sources_once(accounts: Iterable[list[dict[str, Any]]]) -> dict[str, str]:
    """Return each source of some accounts by a short key, which takes its place in their facts."""
    keys: dict[str, str] = {}
    for line in (line for account in accounts for line in account):
        for fact in line["evidence"]:
            if "source" in fact:
                fact["source"] = keys.setdefault(fact["source"], f"s{len(keys) + 1}")
    return {key: source for source, key in keys.items()}
