"""A round opened once, from objects: proposed, asked what each rule costs and how stable it is, repaired.

Beside it: a new round's folder, themes that cities' own words suggest, files made again from a proposal that was kept, and
a city moved by hand to another discussion group, with what that changes and breaks, before anything is solved.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field

from twinmatch.app.decided import Decided, letters_in, read_decisions, with_decided
from twinmatch.app.group_moves import beside
from twinmatch.app.neighbours import Progress, silent, text_model, text_of
from twinmatch.cohort import Cohort
from twinmatch.embedding.choice import TextModel
from twinmatch.errors import QuestionError, Where
from twinmatch.exporting import publish
from twinmatch.exporting.folder_files import read_contacts
from twinmatch.exporting.letters import Correspondence
from twinmatch.facets import FacetCache
from twinmatch.figures import figures_of, with_figures
from twinmatch.files import bundled_path, shared_out, write_files
from twinmatch.intake.forms import template
from twinmatch.programmes.load_ledger import open_ledger
from twinmatch.programmes.pathways import with_offers
from twinmatch.programmes.programme import (
    Programme,
    bundled_names,
    load,
    programme_schema,
    source_of,
)
from twinmatch.programmes.proposing import programme_of, proposal_of, solve_round
from twinmatch.programmes.round import Round, SolvedProduct
from twinmatch.proposal import Proposal, RulePrice, Table, make_table
from twinmatch.proposal.tables import InterviewRow, PriceRow, StabilityRow
from twinmatch.proposal.wire import Hidden, on_wire
from twinmatch.whatif.case import Case, case_of, held_case, twinning_of
from twinmatch.whatif.counterfactual import Interview, interview_plan
from twinmatch.whatif.prices import PriceList, price_list, rule_costs, with_costs
from twinmatch.whatif.repair import (
    Disruption,
    Fallback,
    Kind,
    Offer,
    RepairOffers,
    earlier_pairs,
    fallbacks,
    repair,
    with_offer,
)
from twinmatch.whatif.stability import Stability, stability
from twinmatch.wording import joined, say, titled

SHAKEN: Final = 5
"""Perturbed runs behind the number of pairs that survive shaken weights, where no more was asked for."""

LARGEST_SHAKEN: Final = 50_000
"""Possible pairs up to which they are made without being asked for."""

RUNS: Final = 100
"""Perturbed runs of the stability that a proposal carries."""


def open_round(
    cohort: Cohort,
    programme: Programme,
    decided: Sequence[Decided] = (),
    *,
    model: str | TextModel | None = None,
    progress: Progress = silent,
) -> Round:
    """Return a round that was opened, with what was decided; ``model`` takes the place of the programme's text model.

    Raises DataError and QuestionError with every problem.
    """
    programme = with_decided(programme, decided, cohort)
    if isinstance(model, TextModel):
        text = model
    else:
        name, prefix = model or programme.text.model, programme.text.prefix
        text = text_model(cohort, name, prefix, progress, more=programme.texts)
    earlier = next((one.earlier for one in reversed(decided) if one.earlier is not None), None)
    return Round(cohort, FacetCache(text), earlier, programme=programme)


def propose_round(
    round_: Round,
    decided: Sequence[Decided] = (),
    *,
    title: str = "",
    answers: bool = False,
    progress: Progress = silent,
) -> tuple[Proposal, Round]:
    """Return the proposal of a round with its figures, and the round with everything that was solved.

    ``title`` is the round's own, which reports and letters bear. ``answers`` adds prices and stability to the twinning; the notes say what was decided and what that changed.
    Raises NoProposalError with advice where a product fits no rules.
    """
    round_ = solve_round(round_, progress)
    text = text_of(round_.facet_cache)
    progress(say("Figures"))
    proposal = figured(round_, dict(text.fingerprint), progress)
    proposal = _with_prices(proposal, rule_costs(round_, again=answers))
    solved = round_.solution_of("twinning")
    if solved is not None and answers:
        progress(say("Prices and stability"))
        proposal = with_answers(proposal, case_of(solved))
    elif solved is not None:
        progress(say("Shaken weights"))
        proposal = _with_shaken(proposal, case_of(solved))
    notes = [note for one in decided for note in one.notes(proposal)]
    if any(one.ban and not (one.sheet or one.run) for one in decided):
        notes += [r.says for p in proposal.products for r in p.rules if r.rule == "bans"]
    made_from = ({"title": title.strip()} if title.strip() else {}) | proposal.made_from
    notes = [*proposal.notes, *text.notes, *notes]
    return replace(proposal, made_from=made_from, notes=tuple(notes)), round_


def figured(round_: Round, text_model: dict[str, Any], progress: Progress = silent) -> Proposal:
    """Return the proposal of a solved round with its figures, which for many cities are made beside the rest of it."""
    pieces: list[Callable[[], Any]] = [
        partial(proposal_of, round_, text_model, progress),
        *(partial(figures_of, product, round_) for product in round_.made),
    ]
    proposal, *found = shared_out(pieces, len(round_.cohort))
    return with_figures(proposal, round_, found)


def with_answers(proposal: Proposal, case: Case) -> Proposal:
    """Return the proposal with the prices of its twinning's rules and the stability of its pairs as tables."""
    plan = interview_table(interview_plan(case.round, case.settings))
    prices = price_list(case, told={p.product: p.rules for p in proposal.products})
    exact = {
        p.rule: RulePrice(max(p.price.places, 0), p.price.score, True)
        for p in prices.rules
        if p.kind == "rule" and p.price.proven
    }
    tables = (stability_table(stability(case, RUNS)), prices_table(prices), plan)
    return _with_prices(with_tables(proposal, *tables), {"twinning": exact})


def _with_prices(proposal: Proposal, costs: Mapping[str, Mapping[str, RulePrice]]) -> Proposal:
    """Return the proposal with what rules cost, by product and name."""
    products = (
        replace(p, rules=with_costs(p.rules, costs.get(p.product, {}))) for p in proposal.products
    )
    return replace(proposal, products=tuple(products))


def _with_shaken(proposal: Proposal, case: Case) -> Proposal:
    """Return the proposal with a short stability of its twinning; as it is where the round is large."""
    if len(case.chosen) > LARGEST_SHAKEN:
        return proposal
    return with_tables(proposal, stability_table(stability(case, SHAKEN, drop=False)))


def with_tables(proposal: Proposal, *tables: Table) -> Proposal:
    """Return the proposal with tables before those of its twinning; empty ones are left out."""
    products = tuple(
        replace(p, tables=(*(t for t in tables if t.rows), *p.tables))
        if p.product == "twinning"
        else p
        for p in proposal.products
    )
    return replace(proposal, products=products)


def interview_table(plan: Sequence[Interview]) -> Table:
    """Return the cities to ask first, a row a question, those whose answers would change most pairs first."""
    rows = tuple(
        InterviewRow(one.city, round(one.pairs_changed, 2), one.gets_a_pair, ask.question)
        for one in plan
        for ask in one.ask
    )
    return make_table("interview", rows)


def prices_table(prices: PriceList) -> Table:
    """Return what each rule, lock and ban costs the round, the dearest first."""
    rows = tuple(
        PriceRow(p.rule, p.says, p.price.places, p.price.score, p.price.says) for p in prices.rules
    )
    free = sum(p.price.is_nothing for p in prices.rules)
    return make_table("prices", rows, n=free, all=len(rows))


def stability_table(found: Stability) -> Table:
    """Return in which share of the perturbed runs each pair survives, the most fragile first."""
    rows = tuple(
        StabilityRow(
            f"twinning:{p.guest}",
            p.name,
            p.share,
            titled(p.judgement),
            joined(
                (
                    say("{name} ({part:.0f}%)", name=one.name, part=100 * one.share)
                    for one in p.instead[:2]
                ),
                ", ",
            )
            or "–",
        )
        for p in found.pairs
    )
    fragile = len(found.fragile)
    return make_table("stability", rows, n=fragile, all=len(rows), runs=found.runs)


# --- a proposal that was made, asked again -------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Repaired:
    """A repair with what it started from: pairs the profiles no longer know, cities new since the proposal."""

    repair: Hidden[RepairOffers]
    unknown: Hidden[tuple[str, ...]]
    new: Annotated[tuple[str, ...], Field(description="Cities that are new since the proposal")]
    round: Hidden[Round]

    @on_wire
    def earlier(self) -> int:
        """Return the number of earlier pairs."""
        return self.repair.earlier

    @on_wire
    def lost(self) -> tuple[str, ...]:
        """Return the pairs that are lost: those the profiles no longer know, and those that the change takes."""
        return (*self.unknown, *self.repair.lost)

    @on_wire
    def offers(self) -> tuple[Offer, ...]:
        """Return the offers, the one that keeps most first."""
        return self.repair.offers


def held_twinning(round_: Round, earlier: Proposal) -> Case:
    """Return the twinning of a proposal in a round, beside what the proposal's other products take of each city."""
    settings, pairs = twinning_of(round_), earlier_pairs(earlier)
    return held_case(beside(round_, earlier, "twinning"), settings, pairs)


def repaired(earlier: Proposal, change: Disruption, round_: Round, at_most: int = 3) -> Repaired:
    """Return three offers to repair a proposal in a round.

    Raises QuestionError with every problem, NoProposalError where no answer keeps the rules.
    """
    held = held_twinning(round_, earlier)
    before = {card.id for card in earlier.cities}
    known = {
        (held.guest_id(g), host.id)
        for g in range(len(held.ready.frame.guests))
        for host in held.hosts
    }
    unknown = tuple("=".join(pair) for pair in earlier_pairs(earlier) if pair not in known)
    new = tuple(c.name for c in round_.cohort.cities if before and c.id not in before)
    return Repaired(repair(held, change, at_most), unknown, new, round_)


def taken(earlier: Proposal, found: Repaired, kind: Kind, change: Disruption) -> Proposal:
    """Return the proposal that an offer makes: its twinning, who is offered what now, its figures, and the ledger."""
    offer = found.repair.offer(kind)
    proposal = with_offer(earlier, offer, change)
    cohort, programme = found.round.cohort, programme_of(found.round)
    ledger = open_ledger(cohort, programme.ledger)
    for product in proposal.products:
        settings = getattr(programme, product.product, None)
        if settings is not None:
            ledger = ledger.with_product(product, settings)
    totals = ledger.table()
    offered = with_offers(cohort, programme, proposal.products)
    twinning = tuple(p for p in offered if p.product == "twinning")
    case, (chosen, solution) = offer.case, offer.answer
    solved = SolvedProduct(twinning[0], case.ready, chosen, solution)
    figured = with_figures(
        replace(proposal, products=twinning), replace(found.round, solved=(solved,))
    )
    figured = _with_shaken(figured, case_of(solved))
    return replace(
        proposal,
        products=tuple(figured.products[0] if p.product == "twinning" else p for p in offered),
        tables=tuple(totals if t.name == totals.name else t for t in proposal.tables),
    )


def fallbacks_of(proposal: Proposal, round_: Round) -> tuple[Fallback, ...]:
    """Return for each pair of a proposal what is offered if its guest declines, and if its host does."""
    if not any(p.product == "twinning" for p in proposal.products):
        return ()
    return fallbacks(held_twinning(replace(round_, previous=None), proposal))


PROGRAMME, FORM, README = "round.toml", "form.xlsx", "README.md"
SCHEMA = "round.schema.json"


def start_round(
    folder: Path, programmes: Sequence[str] = (), hosts: Sequence[str] = ()
) -> list[Path]:
    """Return the files of a new round's folder: programme file, form, and what to do with them.

    ``programmes`` are bundled programmes or recipes by name; the bundled three where none is named.
    ``hosts`` stand in the commands of the README. Raises
    QuestionError where the folder holds something already or a programme is not known.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise QuestionError.of(
            "folder-not-empty",
            say("There is something in this place already."),
            Where(str(folder)),
            say("Name a new folder."),
        )
    load(*programmes)
    text = programme_text(*programmes)
    guide = Path(__file__).with_name("guide.md").read_text("utf-8")
    places = "".join(f" --hosts {place}" for place in hosts)
    names = {"name": folder.resolve().name, "form": FORM, "programme": PROGRAMME, "hosts": places}
    schema = json.dumps(programme_schema(), ensure_ascii=False, indent=1) + "\n"
    files = {
        README: guide.format(**names).encode(),
        PROGRAMME: f"#:schema {SCHEMA}\n{text}".encode(),
        SCHEMA: schema.encode(),
        FORM: template(),
    }
    return write_files(files, folder)


def programme_text(*programmes: str) -> str:
    """Return the text of some programmes, comments kept, as one file; the bundled ones where none is named."""
    names = programmes or bundled_names()
    texts = [source_of(name).read_text(encoding="utf-8").strip() for name in names]
    if len(texts) == 1:
        return texts[0] + "\n"
    # Keys before the first table, such as the name, would stand twice; a file has them once, at its head.
    heads, bodies = zip(*(_parted(text) for text in texts), strict=True)
    name = 'name = "My round"   # shown at the head of every report'
    loose = [line for head in heads for line in head if not line.startswith("name")]
    return "\n\n".join(["\n".join([name, *loose]), *bodies]) + "\n"


def _parted(text: str) -> tuple[list[str], str]:
    """Return the settings before the first table of a programme, and all the rest with its comments."""
    lines = text.splitlines()
    first = next((k for k, line in enumerate(lines) if line.startswith("[")), len(lines))
    is_setting = [bool(line.strip()) and not line.startswith("#") for line in lines[:first]]
    settings = [line for line, setting in zip(lines, is_setting, strict=False) if setting]
    comments = [line for line, setting in zip(lines, is_setting, strict=False) if not setting]
    return settings, "\n".join([*comments, *lines[first:]]).strip()


def copy_notebooks(folder: Path) -> list[Path]:
    """Return the notebooks written into a folder, with their outputs.

    Raises QuestionError where one of their names is taken there, so that no work is overwritten.
    """
    files = {p.name: p.read_bytes() for p in sorted(bundled_path("notebooks").glob("*.ipynb"))}
    taken = [name for name in files if (folder / name).exists()]
    if taken:
        do = say("Name another folder.")
        raise QuestionError.of(
            "folder-not-empty",
            say("There is {taken} already.", taken=taken[0]),
            Where(str(folder)),
            do,
        )
    return write_files(files, folder)


def publish_again(
    proposal: Proposal,
    out: Path,
    *,
    forms: Collection[str] = (),
    contacts: Path | None = None,
    sender: str = "",
    answer_by: str = "",
    first_meetings: date | None = None,
    decisions: Path | None = None,
    language: str = "en",
) -> list[Path]:
    """Return the files of a proposal rewritten, as Word and PDF too, letters addressed and as edited, where asked for."""
    found = read_contacts(contacts, proposal) if contacts else {}
    edited = letters_in(read_decisions(decisions).found) if decisions else {}
    given = Correspondence(found, sender, answer_by, language, edited)
    word, pdf = "word" in forms, "pdf" in forms
    return publish(
        proposal,
        out,
        word=word,
        pdf=pdf,
        letters=given,
        first_day=first_meetings,
        language=language,
    )
