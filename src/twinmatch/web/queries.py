"""The query of a request: read as one model where it has many parts, and refused where it asks for what there is not."""

from __future__ import annotations

from typing import Any, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from twinmatch.cohort import nearest
from twinmatch.errors import Problem, QuestionError, Where

M = TypeVar("M", bound=BaseModel)


def read_query(request: Request, model: type[M]) -> M:
    """Return the query of a request as a model; raises the framework's error for a wrong one.

    The framework reads each parameter by itself, which for a dozen of them takes longer than the answer.
    """
    try:
        return model.model_validate(dict(request.query_params))
    except ValidationError as error:
        items = [
            {**item, "loc": ("query", *item["loc"])} for item in error.errors(include_url=False)
        ]
        raise RequestValidationError(items) from error


def parameters(model: type[BaseModel]) -> dict[str, Any]:
    """Return the OpenAPI parameters of a query that is read as a model."""
    return {
        "parameters": [
            {
                "name": name,
                "in": "query",
                "required": False,
                "description": part.pop("description", ""),
                "schema": part,
            }
            for name, part in model.model_json_schema()["properties"].items()
        ]
    }


async def only_known(request: Request) -> None:
    """Raise QuestionError with every parameter of a query that its route does not have: none is passed over."""
    if not request.scope["query_string"]:
        return
    document = request.app.openapi()["paths"].get(request.scope["route"].path, {})
    stated = document.get(request.method.lower(), {}).get("parameters", ())
    known = sorted(p["name"] for p in stated if p["in"] == "query")
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        listed = f"Known: {', '.join(known)}." if known else "This address takes none."
        raise QuestionError(
            Problem(
                "parameter-unknown",
                f"There is no parameter {name[:40]!r}.",
                Where(column=name[:40]),
                nearest(name[:40], {k: k for k in known}) or listed,
            )
            for name in unknown
        )
