"""The one door behind every front: the command line and any other front call these and nothing else.

Names are imported from their modules when they are first used, so that a question about cities does not load
a solver.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_WHERE = {
    "PEER_WEIGHTS": "neighbours",
    "Similar": "neighbours",
    "features": "neighbours",
    "similar": "neighbours",
    "text_model": "neighbours",
    "PairAccount": "pairs",
    "explain": "pairs",
    "run": "rounds",
    "RoundAsked": "loop",
    "ask_backtest": "loop",
    "decide_on": "decisions",
    "keep_run": "decisions",
    "list_runs": "decisions",
    "pairs_of_run": "decisions",
    "past_pairs": "decisions",
    "plain_entry": "decisions",
    "plain_run": "decisions",
    "plain_run_state": "decisions",
    "programme_lines": "decisions",
    "run_state": "decisions",
    "learn_weights": "decisions",
    "ask_check": "loop",
    "ask_counterfactual": "loop",
    "ask_frontier": "loop",
    "ask_difference": "loop",
    "ask_pictures": "loop",
    "ask_pilots": "loop",
    "ask_prices": "loop",
    "ask_repair": "loop",
    "ask_reserves": "loop",
    "ask_stability": "loop",
    "ask_why_not": "loop",
    "Checked": "intake",
    "Import": "intake",
    "ImportAsked": "intake",
    "KINDS": "intake",
    "accept_warnings": "intake",
    "check_profiles": "intake",
    "import_profiles": "intake",
    "profile_changes": "intake",
    "save_import": "intake",
    "suggest_mapping": "intake",
    "write_template": "intake",
    "ask_themes": "themes",
    "publish_again": "start",
    "start_round": "start",
}
"""The module of every name that a front may use."""

__all__ = sorted(_WHERE)


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
