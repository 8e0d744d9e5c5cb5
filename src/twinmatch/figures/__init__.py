"""Figures beside a proposal's meetings: fairness, satisfaction, themes, what pairs share and what to talk about.

Everything that a report or a dossier shows beside the meetings is computed here, as tables of the proposal, so
that exporters only write down what is there. Nothing here changes a meeting.
"""

from __future__ import annotations

from dataclasses import replace

from twinmatch.figures.agenda import group_agenda, pair_agenda, themes
from twinmatch.figures.fairness import (
    Shares,
    TwinningRound,
    alike,
    fairness,
    satisfaction,
    ties,
    watch,
)
from twinmatch.programmes import Round
from twinmatch.proposal import Product, Proposal, Table

__all__ = ["with_figures"]


def with_figures(proposal: Proposal, round_: Round) -> Proposal:
    """Return the proposal of a solved round with the tables of figures of its products; those it has are kept.

    Twinning: who is worst served, which pairs to look at first, where guests go, which themes are asked for and
    offered, fairness, what each pair shares, and what it can begin with. Other products: fairness and agenda.
    """
    products = tuple(_with_tables(p, round_) for p in proposal.products)
    return replace(proposal, products=products)


def _with_tables(product: Product, round_: Round) -> Product:
    cohort, facet_cache = round_.cohort, round_.facet_cache
    solved = round_.solution_of("twinning") if product.product == "twinning" else None
    if solved is not None:
        found = _of_twinning(TwinningRound(cohort, facet_cache, solved.ready, product))
    else:
        found = (
            fairness(cohort, Shares.of_groups(cohort, product)),
            group_agenda(round_, product),
        )
    named = {table.name for table in product.tables}
    wanted = tuple(t for t in found if t.rows and t.name not in named)
    return replace(product, tables=(*product.tables, *wanted))


def _of_twinning(round_: TwinningRound) -> tuple[Table, ...]:
    return (
        watch(round_),
        satisfaction(round_),
        ties(round_),
        themes(round_),
        fairness(round_.cohort, Shares.of_pairs(round_)),
        alike(round_),
        pair_agenda(round_),
    )
