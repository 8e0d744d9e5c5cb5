"""The one door behind every front: the command line and any other front call these and nothing else."""

from twinmatch.app.rounds import PairAccount, Similar, explain, features, run, similar, text_model

__all__ = ["PairAccount", "Similar", "explain", "features", "run", "similar", "text_model"]
