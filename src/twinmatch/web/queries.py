"""The query of a request: read as one model where it has many parts, and refused where it asks for what there is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from twinmatch.cohort import nearest
from twinmatch.errors import Problem, QuestionError, Where

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
