"""A format of a programme, as the registry holds it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twinmatch.programmes.round import Round
from twinmatch.programmes.settings import FormatSettings
from twinmatch.proposal import Product


@dataclass(frozen=True)
class Format:
    """A line of the registry: the settings of the format, and the function that proposes it.

    ``prepare`` and ``product_of`` are there where the format can be solved together with others: the first
    returns its candidates with the rules over them, the second the product of a choice.
    """

    settings: type[FormatSettings]
    propose: Callable[[Round, Any], Product]
    prepare: Callable[[Round, Any], Any] | None = None
    product_of: Callable[..., Product] | None = None

    def __call__(self, round_: Round, settings: FormatSettings) -> Product:
        """Return the product of a round; raises what the format raises."""
        return self.propose(round_, settings)
