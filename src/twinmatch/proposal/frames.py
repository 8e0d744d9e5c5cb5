"""Results as pandas tables: one row an item, one column a figure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, get_args

from pydantic import GetCoreSchemaHandler
from pydantic_core import core_schema

if TYPE_CHECKING:
    import pandas as pd


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
        kinds = {type(item).__name__ for item in self} or {"nothing"}
        return f"<{len(self)} of {' or '.join(sorted(kinds))}>"

    def to_frame(self) -> pd.DataFrame:
        """Return one row an item."""
        return frame(item.row() for item in self)


def frame(rows: Iterable[Mapping[str, Any]], index: str = "") -> pd.DataFrame:
    """Return rows as a table, indexed by one of their columns where it is named."""
    import pandas as pd

    made = pd.DataFrame(list(rows))
    return made.set_index(index) if index and len(made) else made
