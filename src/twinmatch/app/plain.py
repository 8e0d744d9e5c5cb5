"""The coordinator's answers as JSON has them: one form for every front."""

from __future__ import annotations

from typing import Any

from twinmatch.difference import Difference
from twinmatch.explain import WhyNot
from twinmatch.repair import Repair
from twinmatch.whatif import Move, Outcome, Price


def plain_price(price: Price) -> dict[str, Any]:
    """Return a price: places, score, whether it is proven, and in words."""
    return {
        "places": price.places,
        "score": round(price.score, 10),
        "proven": price.proven,
        "says": str(price),
    }


def plain_move(move: Move) -> dict[str, Any]:
    """Return a move: who, from where to where, and what it changes."""
    return {
        "guest": move.guest,
        "before": move.before or None,
        "after": move.after or None,
        "change": round(move.change, 10),
        "says": move.says,
    }


def plain_outcome(outcome: Outcome | None) -> dict[str, Any] | None:
    """Return another answer: its price, who moves, who is worse off."""
    if outcome is None:
        return None
    return {
        "price": plain_price(outcome.price),
        "moves": [plain_move(move) for move in outcome.moves],
        "worse_off": [move.guest for move in outcome.worse_off],
    }


def plain_why_not(found: WhyNot) -> dict[str, Any]:
    """Return the answer to "why not"."""
    return {
        "guest": found.guest,
        "host": found.host,
        "verdict": found.verdict,
        "reasons": list(found.reasons),
        "score": None if found.score is None else round(found.score, 10),
        "best": plain_outcome(found.best),
        "gentlest": plain_outcome(found.gentlest),
        "if_lifted": plain_outcome(found.if_lifted),
        "changes": list(found.changes),
        "if_eligible": plain_why_not(found.if_eligible) if found.if_eligible else None,
    }


def plain_repair(found: Repair) -> dict[str, Any]:
    """Return the offers to repair a proposal."""
    return {
        "earlier": found.earlier,
        "lost": list(found.lost),
        "offers": [
            {
                "kind": offer.kind,
                "price": plain_price(offer.price),
                "filled": offer.filled,
                "total": round(offer.total, 10),
                "kept": offer.kept,
                "moves": [plain_move(m) for m in offer.moves],
                "told": [{"city": t.city, "host": t.host, "says": t.says} for t in offer.told],
            }
            for offer in found.offers
        ],
    }


def plain_difference(found: Difference) -> dict[str, Any]:
    """Return how two proposals differ."""
    return {
        "alike": found.alike,
        "made_from": list(found.made_from),
        "products": [
            {
                "product": p.product,
                "title": p.title,
                "same": p.same,
                "moved": [{"city": m.city, "says": m.says} for m in p.moved],
                "says": list(p.says),
            }
            for p in found.products
        ],
    }
