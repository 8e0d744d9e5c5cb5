"""A format of a programme, as the registry holds it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from twinmatch.programmes.round import Round
from twinmatch.programmes.settings import FormatSettings
from twinmatch.proposal import Meeting, Product, RuleStatus

Judge = Callable[[Round, Any, Product], tuple[RuleStatus, ...]]
"""How a finished product, whoever made it, stands to each rule of its format."""


@dataclass(frozen=True)
class Format:
    """A line of the registry: the settings of the format, and the function that proposes it.

    ``prepare`` and ``product_of`` are there where the format can be solved together with others: the first
    returns its candidates with the rules over them, the second the product of a choice. ``judge`` is there
    where the format has rules of its own; without it a product is only judged as every product is.
    """

    settings: type[FormatSettings]
    propose: Callable[[Round, Any], Product]
    prepare: Callable[[Round, Any], Any] | None = None
    product_of: Callable[..., Product] | None = None
    judge: Judge | None = None

    def __call__(self, round_: Round, settings: FormatSettings) -> Product:
        """Return the product of a round; raises what the format raises."""
        return self.propose(round_, settings)


def by_meetings(rules: Callable[[Round, Any, Sequence[Meeting]], tuple[RuleStatus, ...]]) -> Judge:
    """Return the judge of a format whose rules are read from its meetings and nothing else."""
    return lambda round_, settings, product: rules(round_, settings, product.meetings)
