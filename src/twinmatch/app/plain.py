"""Rows of a small CSV that is given beside the profiles: pairs that were made, satisfaction.

The coordinator's answers as JSON has them: one form for every front.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinmatch.errors import DataError, Problem, Where

if TYPE_CHECKING:
    from twinmatch.app.round import Repaired
    from twinmatch.whatif.backtest import Backtest, Interval
    from twinmatch.whatif.case import Move, Outcome, Price
    from twinmatch.whatif.difference import ProposalDifference
    from twinmatch.whatif.prices import Priced, PriceList
    from twinmatch.whatif.repair import RepairOffers
    from twinmatch.whatif.stability import Stability
    from twinmatch.whatif.why_not import WhyNotAnswer


def read_rows(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Return the rows of a CSV in UTF-8; raises DataError where it cannot be read or a column is missing."""
    where = Where(str(path))
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            missing = [c for c in columns if c not in (reader.fieldnames or ())]
            if not missing:
                return [{c: row.get(c) or "" for c in columns} for row in reader]
    except FileNotFoundError:
        problem = Problem("no-such-file", "There is no such file.", where)
    except UnicodeDecodeError:
        problem = Problem("not-utf-8", "The file is not UTF-8.", where, "Save it as UTF-8.")
    except csv.Error as error:
        problem = Problem("not-csv", f"The file is no CSV ({error}).", where)
    except OSError as error:
        problem = Problem("unreadable", f"Cannot be read: {error.strerror}.", where)
    else:
        found, do = f"There is no column {missing[0]!r}.", f"Columns: {', '.join(columns)}."
        problem = Problem("column-missing", found, where, do)
    raise DataError(problem) from None


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


def plain_why_not(found: WhyNotAnswer) -> dict[str, Any]:
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


def plain_repair(found: RepairOffers) -> dict[str, Any]:
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


def plain_difference(found: ProposalDifference) -> dict[str, Any]:
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


def plain_prices(found: PriceList) -> dict[str, Any]:
    """Return a price list as JSON has it."""

    def priced(item: Priced) -> dict[str, Any]:
        return {
            "kind": item.kind,
            "rule": item.rule,
            "says": item.says,
            "gain": plain_price(item.price),
            "moves": [plain_move(move) for move in item.moves],
        }

    return {
        "filled": found.filled,
        "total": round(found.total, 10),
        "rules": [priced(item) for item in found.rules],
        "limits": [priced(item) for item in found.limits],
        "hosts": [
            {
                "host": d.host,
                "name": d.name,
                "wished_by": d.wished_by,
                "best_of": d.best_of,
                "among_five_of": d.among_five_of,
                "guests": d.guests,
                "places": d.places,
                "one_more_place": plain_price(d.worth),
                "over_wished": d.over_wished,
                "never": d.never,
            }
            for d in found.hosts
        ],
    }


def plain_interval(found: Interval) -> dict[str, float | None]:
    """Return a figure with its interval."""
    parts = {"value": found.value, "low": found.low, "high": found.high}
    return {k: round(v, 10) if v == v else None for k, v in parts.items()}


def plain_backtest(found: Backtest) -> dict[str, Any]:
    """Return a back-test."""
    return {
        "pairs": [
            {
                "guest": p.guest,
                "host": p.host,
                "rank": p.rank,
                "of": p.of,
                "percentile_rank": round(p.percentile, 10),
                "known": round(p.coverage, 10),
                "ranked_first": p.best,
            }
            for p in found.pairs
        ],
        "mean_percentile_rank": plain_interval(found.figures.mean_percentile_rank),
        **{f"hit_at_{k}": plain_interval(v) for k, v in found.figures.hit_at},
        "mrr": plain_interval(found.figures.mrr),
        "chance": {k: round(v, 10) for k, v in found.figures.chance},
        "views": [
            {
                "view": v.name,
                "pairs": v.pairs,
                "mean_percentile_rank": plain_interval(v.score),
                "beside": {n: plain_interval(x) for n, x in v.beside},
            }
            for v in found.views
        ],
        "without": {n: plain_interval(v) for n, v in found.without},
        "alone": {n: round(v, 10) for n, v in found.alone},
    }


def plain_stability(found: Stability) -> dict[str, Any]:
    """Return how stable each pair is."""
    return {
        "runs": found.runs,
        "failed": found.failed,
        "seed": found.seed,
        "spread": found.spread,
        "pairs": [
            {
                "guest": p.guest,
                "host": p.host,
                "share": round(p.share, 10),
                "judgement": p.judgement,
                "instead": [{"name": n, "share": round(s, 10)} for n, s in p.instead],
                "lost_without": list(p.lost_without),
                "says": p.says,
            }
            for p in found.pairs
        ],
        "places": [
            {
                "id": s.id,
                "share": round(s.share, 10),
                "judgement": s.judgement,
                "lost_without": list(s.lost_without),
            }
            for s in found.places
        ],
        "dropped": [{"facet": n, "survive": round(s, 10)} for n, s in found.dropped],
    }


def plain_repaired(found: Repaired) -> dict[str, Any]:
    """Return a repair with what the profiles no longer know, and what is new in them."""
    return {
        **plain_repair(found.repair),
        "lost": [*found.unknown, *found.repair.lost],
        "new": list(found.new),
    }
