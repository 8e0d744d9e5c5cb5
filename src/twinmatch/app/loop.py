"""The coordinator's questions about a round: why not, what does it cost, what if someone leaves, how stable is it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from twinmatch.app.neighbours import PEER_WEIGHTS, Progress, silent, text_model
from twinmatch.app.pairs import Learning, found_pair, pair_pictures
from twinmatch.app.rounds import with_pairs, with_past
from twinmatch.embedding import TextModel
from twinmatch.errors import DataError, Problem, Where
from twinmatch.exporting import publish
from twinmatch.exporting.json_file import read_proposal
from twinmatch.facets import FacetCache
from twinmatch.figures import with_figures
from twinmatch.files import write_files
from twinmatch.programmes.load_ledger import open_ledger
from twinmatch.programmes.programme import Programme, load
from twinmatch.programmes.round import Round
from twinmatch.proposal import Proposal
from twinmatch.proposing import with_offers
from twinmatch.reading import read
from twinmatch.whatif.backtest import (
    ActivityTest,
    Backtest,
    PartnerTest,
    activities,
    backtest,
    partners,
    read_pairs,
)
from twinmatch.whatif.case import Case, held_case, open_case, twinning_of
from twinmatch.whatif.check import Checked, check_proposal
from twinmatch.whatif.counterfactual import Counterfactual, counterfactual
from twinmatch.whatif.difference import Difference, difference
from twinmatch.whatif.frontier import Choice, choices
from twinmatch.whatif.prices import PriceList, price_list
from twinmatch.whatif.repair import (
    Change,
    Fallback,
    Kind,
    Ranked,
    Repair,
    earlier_pairs,
    fallbacks,
    repair,
    reserves,
    with_offer,
)
from twinmatch.whatif.stability import Stability, stability
from twinmatch.whatif.why_not import WhyNot, why_not

Pairs = Sequence[tuple[str, str]]
Place = str | Path


@dataclass(frozen=True)
class RoundAsked:
    """What a question is about: where the profiles are, the programme files, locks and bans, an earlier proposal.

    ``settings`` is a programme that was read before, in place of files; ``past`` are pairs of earlier rounds.
    """

    profiles: Place | None = None
    programme: Sequence[Place] = ()
    previous: Place | None = None
    lock: Pairs = ()
    ban: Pairs = ()
    model: str | None = None
    past: Pairs = ()
    settings: Programme | None = None


@dataclass(frozen=True, eq=False)
class Opened:
    """A round that was read: its programme, its text model, and the round as products are made from it."""

    programme: Programme
    text: TextModel
    round: Round


def open_round(asked: RoundAsked, progress: Progress = silent) -> Opened:
    """Return a round that was read; raises DataError and QuestionError with every problem."""
    programme = with_pairs(asked.settings or load(*asked.programme), asked.lock, asked.ban)
    earlier = read_proposal(Path(asked.previous)) if asked.previous else None
    progress("Profiles")
    cohort = read(asked.profiles)
    programme = with_past(programme, asked.past, cohort)
    text = text_model(cohort, asked.model or programme.text.model, programme.text.prefix, progress)
    books = open_ledger(cohort, programme.ledger)
    return Opened(programme, text, Round(cohort, FacetCache(text), earlier, books))


def ask_why_not(
    guest: str, host: str, asked: RoundAsked | None = None, progress: Progress = silent
) -> WhyNot:
    """Return why a guest and a host do not meet, what forcing it costs, and what would bring it about."""
    return why_not(twinning_case(asked or RoundAsked(), progress), guest, host)


def ask_prices(asked: RoundAsked | None = None, progress: Progress = silent) -> PriceList:
    """Return what every lock, ban, quota and rule of a round costs, and how much each host is asked for."""
    case = twinning_case(asked or RoundAsked(), progress)
    progress("Prices")
    return price_list(case)


def ask_counterfactual(
    city: str, host: str, asked: RoundAsked | None = None, progress: Progress = silent
) -> Counterfactual:
    """Return which answers of a city would bring a host into its five best."""
    case = twinning_case(asked or RoundAsked(), progress)
    progress("Answers")
    return counterfactual(case, city, host)


@dataclass(frozen=True, eq=False)
class Repaired:
    """A repair with what it started from: pairs the profiles no longer know, cities new since the proposal."""

    repair: Repair
    unknown: tuple[str, ...]
    new: tuple[str, ...]
    opened: Opened
    written: tuple[Path, ...] = ()


def ask_repair(
    proposal: Place,
    change: Change,
    asked: RoundAsked | None = None,
    *,
    at_most: int = 3,
    take: Kind | None = None,
    out: Place | None = None,
    progress: Progress = silent,
) -> Repaired:
    """Return three offers to repair a proposal; with ``take`` and ``out`` the chosen one is published.

    Raises DataError and QuestionError with every problem, NoProposalError where no answer keeps the rules.
    """
    earlier = read_proposal(Path(proposal))
    opened = open_round(asked or RoundAsked(), progress)
    progress("Offers")
    found = repaired(earlier, change, opened, at_most)
    if take is None or out is None:
        return found
    progress("Files")
    files = publish(taken(earlier, found, take, change), Path(out))
    return replace(found, written=tuple(files))


def repaired(earlier: Proposal, change: Change, opened: Opened, at_most: int) -> Repaired:
    """Return three offers to repair a proposal in a round that was read; raises as :func:`ask_repair` does."""
    held = held_case(opened.round, twinning_of(opened.programme), earlier_pairs(earlier))
    before = {card.id for card in earlier.cities}
    known = {
        (held.guest_id(g), host.id)
        for g in range(len(held.ready.frame.guests))
        for host in held.hosts
    }
    unknown = tuple("=".join(pair) for pair in earlier_pairs(earlier) if pair not in known)
    new = tuple(c.name for c in opened.round.cohort.cities if before and c.id not in before)
    return Repaired(repair(held, change, at_most), unknown, new, opened)


def taken(earlier: Proposal, found: Repaired, kind: Kind, change: Change) -> Proposal:
    """Return the proposal that an offer makes: its twinning, who is offered what now, its figures, and the ledger."""
    proposal = with_offer(earlier, found.repair.offer(kind), change)
    round_, programme = found.opened.round, found.opened.programme
    cohort = round_.cohort
    books = open_ledger(cohort, programme.ledger)
    for product in proposal.products:
        settings = getattr(programme, product.product, None)
        if settings is not None:
            books = books.with_product(product, settings)
    ledger = books.table()
    offered = with_offers(cohort, programme, proposal.products)
    twinning = tuple(p for p in offered if p.product == "twinning")
    told = with_figures(replace(proposal, products=twinning), cohort, programme, round_.facet_cache)
    return replace(
        proposal,
        products=tuple(told.products[0] if p.product == "twinning" else p for p in offered),
        tables=tuple(ledger if t.name == ledger.name else t for t in proposal.tables),
    )


def ask_reserves(
    proposal: Place, asked: RoundAsked | None = None, *, count: int = 3, progress: Progress = silent
) -> tuple[tuple[Ranked, ...], tuple[Fallback, ...]]:
    """Return the ranked reserves of every guest and host of a proposal, and what is offered if a pair falls through."""
    held, _ = _held(read_proposal(Path(proposal)), asked or RoundAsked(), progress)
    progress("Fallbacks")
    return reserves(held, count), fallbacks(held)


def ask_check(
    proposal: Place, asked: RoundAsked | None = None, *, progress: Progress = silent
) -> tuple[Checked, ...]:
    """Return how every product of a proposal, also one edited by hand, stands to the rules."""
    held = read_proposal(Path(proposal))
    opened = open_round(asked or RoundAsked(), progress)
    progress("Referee")
    return check_proposal(opened.round, opened.programme, held)


def ask_frontier(
    asked: RoundAsked | None = None, *, progress: Progress = silent
) -> tuple[Choice, ...]:
    """Return several named twinning proposals and what each gives up."""
    opened = open_round(asked or RoundAsked(), progress)
    progress("Named proposals")
    return choices(opened.round, twinning_of(opened.programme))


def ask_stability(
    asked: RoundAsked | None = None,
    *,
    runs: int = 200,
    seed: int = 0,
    workers: int = 1,
    progress: Progress = silent,
) -> Stability:
    """Return how stable the twinning of a round is; a joblib backend chosen around the call spreads the runs."""
    case = twinning_case(asked or RoundAsked(), progress)
    return stability(case, runs, seed=seed, workers=workers, progress=progress)


def ask_backtest(
    pairs: Place, asked: RoundAsked | None = None, *, seed: int = 0, progress: Progress = silent
) -> Backtest:
    """Return how high the twinning score ranks the true host units of a CSV of pairs.

    Raises DataError where the file cannot be read, QuestionError with every problem of its rows.
    """
    asked = asked or RoundAsked()
    opened = open_round(asked, progress)
    twinning = twinning_of(opened.programme)
    cohort = opened.round.cohort
    rows = read_rows(Path(pairs), ("guest", "hosts"))
    tested = read_pairs(cohort, rows, Path(pairs).name)
    progress("Ranks")
    return backtest(
        cohort, tested, twinning.weights, opened.round.facet_cache, twinning.hosts, seed=seed
    )


def ask_pilots(
    asked: RoundAsked | None = None, *, seed: int = 0, progress: Progress = silent
) -> tuple[ActivityTest, PartnerTest, PartnerTest]:
    """Return how high the scores rank what pilot cities chose: the activity (twinning), the partners (twinning, peers)."""
    opened = open_round(asked or RoundAsked(), progress)
    weights = twinning_of(opened.programme).weights
    cohort, facet_cache = opened.round.cohort, opened.round.facet_cache
    progress("Ranks")
    return (
        activities(cohort, weights, facet_cache, seed=seed),
        partners(cohort, weights, facet_cache, seed=seed),
        partners(cohort, PEER_WEIGHTS, facet_cache, seed=seed),
    )


def read_rows(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Return the rows of a small CSV in UTF-8; raises DataError where it cannot be read or a column is missing."""
    import csv

    where = Where(str(path))
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            missing = [c for c in columns if c not in (reader.fieldnames or ())]
            if missing:
                raise DataError(
                    Problem(
                        "column-missing",
                        f"There is no column {missing[0]!r}.",
                        where,
                        f"Columns: {', '.join(columns)}.",
                    )
                )
            return [{c: row.get(c) or "" for c in columns} for row in reader]
    except FileNotFoundError:
        raise DataError(Problem("no-such-file", "There is no such file.", where)) from None
    except UnicodeDecodeError:
        raise DataError(
            Problem("not-utf-8", "The file is not UTF-8.", where, "Save it as UTF-8.")
        ) from None
    except csv.Error as error:
        raise DataError(Problem("not-csv", f"The file is no CSV ({error}).", where)) from None
    except OSError as error:
        raise DataError(
            Problem("unreadable", f"Cannot be read: {error.strerror}.", where)
        ) from None


def ask_pictures(
    one: str, other: str, asked: RoundAsked | None = None, progress: Progress = silent
) -> dict[str, dict[str, Any]]:
    """Return the pictures of a pair as Vega-Lite specifications: the first city learns from the second."""
    opened = open_round(asked or RoundAsked(), progress)
    cohort = opened.round.cohort
    i, beside = found_pair(cohort, one, other)
    learning = Learning(cohort, twinning_of(opened.programme), opened.round.facet_cache)
    found = learning.account(i, beside)
    return pair_pictures(cohort, (i, beside.cities[0]), found.account, found.title)


def ask_difference(before: Place, after: Place) -> Difference:
    """Return how two proposals differ, in plain words."""
    return difference(read_proposal(Path(before)), read_proposal(Path(after)))


def _held(earlier: Proposal, asked: RoundAsked, progress: Progress) -> tuple[Case, Opened]:
    opened = open_round(asked, progress)
    twinning = twinning_of(opened.programme)
    return held_case(opened.round, twinning, earlier_pairs(earlier)), opened


def twinning_case(asked: RoundAsked, progress: Progress = silent) -> Case:
    """Return the twinning of a round, settled."""
    opened = open_round(asked, progress)
    twinning = twinning_of(opened.programme)
    progress("The best answer")
    return open_case(opened.round, twinning)


def write_pictures(found: dict[str, dict[str, Any]], out: Place) -> list[Path]:
    """Write each picture as NAME.svg and NAME.vl.json into a folder, all or none, and return their paths."""
    import json

    from twinmatch.exporting.drawings import svg_file

    files = {}
    for name, spec in found.items():
        files[f"{name}.svg"] = svg_file(spec)
        files[f"{name}.vl.json"] = (json.dumps(spec, ensure_ascii=False, indent=1) + "\n").encode()
    return write_files(files, Path(out))
