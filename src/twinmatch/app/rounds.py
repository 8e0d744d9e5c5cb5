"""A round from profiles to files, and the questions about it that need no store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from twinmatch.affinity import compare
from twinmatch.app.decided import decided
from twinmatch.app.neighbours import PEER_WEIGHTS, Progress, silent, text_model, told
from twinmatch.cohort import Cohort, Host
from twinmatch.errors import Problem, QuestionError
from twinmatch.evidence import Account
from twinmatch.explain import RunnerUp, next_best
from twinmatch.exporting import publish
from twinmatch.exporting.json_file import read_proposal
from twinmatch.exporting.words import facet_title
from twinmatch.facets import Materials
from twinmatch.figures import with_figures
from twinmatch.pictures import Spec, pictures_of, waterfall
from twinmatch.programmes.round import Round
from twinmatch.programmes.settings import Programme, load
from twinmatch.proposal import Proposal
from twinmatch.propose import measured_card, propose
from twinmatch.reading import read
from twinmatch.schema import Role
from twinmatch.whatif import open_case

Purpose = Literal["peers", "learning"]


@dataclass(frozen=True)
class PairAccount:
    """The account of a pair for a purpose; in learning the first city learns from the second."""

    purpose: Purpose
    title: str
    account: Account
    runners_up: tuple[RunnerUp, ...] = ()
    """The best other choice on both sides, and by how much the pair is better."""
    pictures: tuple[Spec, ...] = ()
    """How the score adds up; in the first account of a pair also its emissions and readiness side by side."""


def run(
    profiles: str | Path | None = None,
    programme_files: Sequence[str | Path] = (),
    *,
    out: str | Path | None = None,
    previous: str | Path | None = None,
    lock: Sequence[tuple[str, str]] = (),
    ban: Sequence[tuple[str, str]] = (),
    past: Sequence[tuple[str, str]] = (),
    settings: Programme | None = None,
    decisions: str | Path | None = None,
    repair: int | None = None,
    model: str | None = None,
    answers: bool = False,
    word: bool = False,
    pdf: bool = False,
    progress: Progress = silent,
) -> tuple[Proposal, list[Path]]:
    """Return the proposal of a round and the files written for it; nothing is written where anything fails.

    ``past`` are pairs of earlier rounds, which do not meet again; ``settings`` is a programme that was read before, in
    place of files.
    ``decisions`` is the workbook of an earlier proposal with its sheet Decisions filled; ``repair`` takes a repair of the menu
    by its number where twinning fits no rules; ``answers`` adds
    prices and stability to the twinning; ``word`` and ``pdf`` add these forms to the files. Raises DataError and QuestionError with every problem, NoProposalError with advice.
    """
    programme = with_pairs(settings or load(*programme_files), lock, ban)
    earlier = read_proposal(Path(previous)) if previous else None
    progress("Profiles")
    cohort = read(profiles)
    said = (
        decided(Path(decisions), cohort, Path(previous) if previous else None)
        if decisions
        else None
    )
    if said:
        programme = with_pairs(programme, said.lock, said.ban)
        earlier = said.earlier
    programme = with_past(programme, past, cohort)
    text = text_model(
        cohort,
        model or programme.text.model,
        programme.text.prefix,
        progress,
        more=programme.texts,
    )
    proposal = propose(
        cohort,
        programme,
        Materials(text),
        text_model=dict(text.fingerprint),
        previous=earlier,
        repair=repair,
        progress=progress,
    )
    progress("Figures")
    proposal = with_figures(proposal, cohort, programme, Materials(text))
    proposal = replace(proposal, notes=(*proposal.notes, *text.notes))
    if answers and programme.twinning is not None:
        from twinmatch.app.told import with_answers

        progress("Prices and stability")
        case = open_case(Round(cohort, Materials(text), earlier), programme.twinning)
        proposal = with_answers(proposal, case)
    if said:
        proposal = replace(proposal, notes=(*proposal.notes, *said.changes(proposal)))
    if out is None:
        return proposal, []
    progress("Files")
    return proposal, publish(proposal, Path(out), word=word, pdf=pdf)


def with_pairs(
    programme: Programme, lock: Sequence[tuple[str, str]], ban: Sequence[tuple[str, str]]
) -> Programme:
    """Return the programme with further locks and bans on its twinning pairs."""
    if not lock and not ban:
        return programme
    if programme.twinning is None:
        raise QuestionError(
            Problem(
                "no-twinning",
                "Locks and bans are about twinning, which this programme does not have.",
                do="Add [twinning].",
            )
        )
    twinning = programme.twinning
    wider = twinning.model_copy(
        update={"lock": (*twinning.lock, *lock), "ban": (*twinning.ban, *ban)}
    )
    return programme.model_copy(update={"twinning": wider})


def with_past(programme: Programme, past: Sequence[tuple[str, str]], cohort: Cohort) -> Programme:
    """Return the programme with further pairs of earlier rounds, which do not meet again.

    Pairs of cities that are no longer there are left out, and those that are locked: whoever locks means it.
    """
    twinning = programme.twinning
    if twinning is None or not past:
        return programme
    known = {*cohort.index, *(unit.id for unit in cohort.units)}
    more = sorted({p for p in past if known.issuperset(p)} - {*twinning.lock, *twinning.past})
    if not more:
        return programme
    wider = twinning.model_copy(update={"past": (*twinning.past, *more)})
    return programme.model_copy(update={"twinning": wider})


def explain(
    one: str,
    other: str,
    profiles: str | Path | None = None,
    programme_files: Sequence[str | Path] = (),
    *,
    model: str | None = None,
    progress: Progress = silent,
) -> tuple[str, list[PairAccount]]:
    """Return the text model's saying and the accounts of a pair: as peers, and as guest and host both ways.

    Standings are over all pairs of the cohort for peers, and over all pairs of a city and a host for learning.
    """
    cohort = read(profiles)
    i, j = cohort.find(one), cohort.find(other)
    if i == j:
        raise QuestionError(
            Problem("same-city", f"{one!r} and {other!r} are the same city.", do="Name two cities.")
        )
    programme = load(*programme_files)
    text = text_model(cohort, model or programme.text.model, programme.text.prefix, progress)
    materials = Materials(text)
    peers = compare(cohort, PEER_WEIGHTS, materials)
    found = [
        PairAccount(
            "peers",
            f"{cohort.cities[i].name} and {cohort.cities[j].name} as peers",
            peers.account(i, j),
            next_best(peers, i, j),
        )
    ]
    if programme.twinning is not None:
        roles = programme.twinning.hosts
        learning = compare(
            cohort, programme.twinning.weights, materials, columns=as_hosts(cohort, roles, (i, j))
        )
        for guest, host in ((i, j), (j, i)):
            column = learning.column_of[cohort.cities[host].id]
            title = f"{cohort.cities[guest].name} learns from {cohort.cities[host].name}"
            found.append(
                PairAccount(
                    "learning",
                    title,
                    learning.account(guest, column),
                    next_best(learning, guest, column),
                )
            )
    return told(text), with_pictures(cohort, (i, j), found)


def with_pictures(
    cohort: Cohort, pair: tuple[int, int], accounts: Sequence[PairAccount]
) -> list[PairAccount]:
    """Return the accounts of a pair with their pictures; what is the same for all of them stands with the first."""
    found: list[PairAccount] = []
    pictures: tuple[Spec, ...]
    for account in accounts:
        if found:
            fall = waterfall(account.account, account.title, facet_titles(account.account))
            pictures = (fall,) if fall else ()
        else:
            pictures = tuple(pair_pictures(cohort, pair, account.account, account.title).values())
        found.append(replace(account, pictures=pictures))
    return found


def pair_pictures(
    cohort: Cohort, pair: tuple[int, int], account: Account, title: str
) -> dict[str, Spec]:
    """Return every picture of a pair of cities, by name."""
    cards = [measured_card(cohort, i) for i in pair]
    return pictures_of(account, cards, title, facet_titles(account))


def facet_titles(account: Account) -> dict[str, str]:
    """Return the words for the facets of an account."""
    return {line.facet: facet_title(line.facet) for line in account.lines}


def as_hosts(cohort: Cohort, roles: Sequence[Role], pair: tuple[int, int]) -> tuple[Host, ...]:
    """Every city that hosts, alone, and the two asked about."""
    wanted = [i for i, c in enumerate(cohort.cities) if set(roles) & set(c.roles) or i in pair]
    return tuple(Host(cohort.cities[i].id, cohort.cities[i].name, (i,)) for i in wanted)
