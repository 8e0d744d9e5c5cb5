"""Questions about a round that was solved: why not, what it costs, how stable it is; the modules are imported when one is first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twinmatch.whatif import backtest as backtest
    from twinmatch.whatif import case as case
    from twinmatch.whatif import counterfactual as counterfactual
    from twinmatch.whatif import difference as difference
    from twinmatch.whatif import learning as learning
    from twinmatch.whatif import prices as prices
    from twinmatch.whatif import repair as repair
    from twinmatch.whatif import stability as stability
    from twinmatch.whatif import why_not as why_not


def __getattr__(name: str) -> Any:
    try:
        return import_module(f"{__name__}.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"{__name__}.{name}":
            raise
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
