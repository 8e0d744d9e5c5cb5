"""Use cases that take objects: what the fronts share; its modules are imported when one is first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twinmatch.app import decided as decided
    from twinmatch.app import decisions as decisions
    from twinmatch.app import intake as intake
    from twinmatch.app import neighbours as neighbours
    from twinmatch.app import pairs as pairs
    from twinmatch.app import round as round


def __getattr__(name: str) -> Any:
    try:
        return import_module(f"{__name__}.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"{__name__}.{name}":
            raise
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
