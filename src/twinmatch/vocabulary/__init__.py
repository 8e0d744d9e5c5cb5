"""Words that the world uses: places, fields of climate work, topics; and the sentences that describe fields of models. Knows no profile."""

from __future__ import annotations

import ast
import inspect
import sys
from functools import cache
from itertools import pairwise
from typing import Any

from pydantic import BaseModel


class Described(BaseModel):
    """A model whose fields are described by the sentence below each, read when a schema or a table asks for it."""

    @classmethod
    def __get_pydantic_json_schema__(cls, core: Any, handler: Any) -> Any:
        """Return the JSON Schema with the sentences."""
        made = handler(core)
        fields = handler.resolve_ref_schema(made).get("properties", {})
        for name, says in sentences_of(cls).items():
            fields[cls.model_fields[name].alias or name]["description"] = says
        return made


def sentences_of(model: type[BaseModel]) -> dict[str, str]:
    """Return the sentence below each field of a model, of those that have one."""
    return {
        name: says
        for kind in reversed(model.__mro__)
        if issubclass(kind, Described)
        for name, says in _sentences_in(kind.__module__).get(kind.__name__, {}).items()
        if name in model.model_fields
    }


@cache
def _sentences_in(module: str) -> dict[str, dict[str, str]]:
    """Return the sentences below the fields of each class of a module, of which there may be no source."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[module]))
    except (OSError, TypeError):
        return {}
    return {
        kind.name: {
            field.target.id: inspect.cleandoc(str(below.value.value))
            for field, below in pairwise(kind.body)
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
            if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
        }
        for kind in ast.walk(tree)
        if isinstance(kind, ast.ClassDef)
    }
