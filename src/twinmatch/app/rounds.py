"""A round from profiles to files, and the questions about it that need no store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from twinmatch.affinity import compare
from twinmatch.cohort import Cohort, Host
from twinmatch.embedding import TextModel, open_text_model
from twinmatch.errors import Problem, QuestionError
from twinmatch.evidence import Account
from twinmatch.exporting import publish
from twinmatch.exporting.json_file import read_proposal
from twinmatch.facets import Materials
from twinmatch.facets.text import all_sentences
from twinmatch.programmes.settings import Programme, load
from twinmatch.proposal import Proposal
from twinmatch.propose import propose
from twinmatch.reading import read
from twinmatch.schema import Role

Progress = Callable[[str], None]
Purpose = Literal["peers", "learning"]

PEER_WEIGHTS: dict[str, float] = {
    "shared_challenges": 20,
    "shared_needs": 20,
    "readiness": 15,
    "shared_levers": 15,
    "emissions_mix": 15,
    "emissions_level": 5,
    "context": 5,
    "language": 5,
}
"""Weights of "cities like mine", where no others are given."""


def silent(_: str) -> None:
    """Take note of nothing."""


@dataclass(frozen=True)
class Similar:
    """A city like mine: its id, name, country, and the account of the pair."""

    id: str
    name: str
    country: str
    account: Account


@dataclass(frozen=True)
class PairAccount:
    """The account of a pair for a purpose; in learning the first city learns from the second."""

    purpose: Purpose
    title: str
    account: Account


def text_model(
    cohort: Cohort, programme: Programme, name: str | None = None, progress: Progress = silent
) -> TextModel:
    """Return the one text model of a run, chosen aloud; ``name`` overrides the programme's."""
    progress("Text model")
    return open_text_model(
        name or programme.text.model, all_sentences(cohort), prefix=programme.text.prefix
    )


def run(
    profiles: str | Path | None = None,
    programme_files: Sequence[str | Path] = (),
    *,
    out: str | Path | None = None,
    previous: str | Path | None = None,
    lock: Sequence[tuple[str, str]] = (),
    ban: Sequence[tuple[str, str]] = (),
    model: str | None = None,
    progress: Progress = silent,
) -> tuple[Proposal, list[Path]]:
    """Return the proposal of a round and the files written for it; nothing is written where anything fails.

    Raises DataError and QuestionError with every problem, NoProposalError with advice.
    """
    programme = with_pairs(load(*programme_files), lock, ban)
    earlier = read_proposal(Path(previous)) if previous else None
    progress("Profiles")
    cohort = read(profiles)
    text = text_model(cohort, programme, model, progress)
    proposal = propose(
        cohort,
        programme,
        Materials(text),
        text_model=dict(text.fingerprint),
        previous=earlier,
        progress=progress,
    )
    if out is None:
        return proposal, []
    progress("Files")
    return proposal, publish(proposal, Path(out))


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


def similar(
    city: str,
    profiles: str | Path | None = None,
    *,
    k: int = 10,
    weights: dict[str, float] | None = None,
    model: str | None = None,
    progress: Progress = silent,
) -> tuple[str, list[Similar]]:
    """Return the text model's saying and the k cities most like a city, best first, each with its account."""
    if k < 1:
        raise QuestionError(Problem("k-wrong", f"Asked for {k} cities.", do="Ask for at least 1."))
    cohort = read(profiles)
    i = cohort.find(city)
    text = text_model(cohort, Programme(), model, progress)
    affinity = compare(cohort, weights or PEER_WEIGHTS, Materials(text))
    score = np.round(affinity.score[i], 9)
    ranked = [int(j) for j in np.argsort(-score, kind="stable") if j != i][:k]
    return text.says, [
        Similar(
            cohort.cities[j].id,
            cohort.cities[j].name,
            cohort.cities[j].country,
            affinity.account(i, j),
        )
        for j in ranked
    ]


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
    text = text_model(cohort, programme, model, progress)
    materials = Materials(text)
    peers = compare(cohort, PEER_WEIGHTS, materials)
    found = [
        PairAccount(
            "peers",
            f"{cohort.cities[i].name} and {cohort.cities[j].name} as peers",
            peers.account(i, j),
        )
    ]
    if programme.twinning is not None:
        roles = programme.twinning.hosts
        learning = compare(
            cohort, programme.twinning.weights, materials, columns=_as_hosts(cohort, roles, (i, j))
        )
        for guest, host in ((i, j), (j, i)):
            column = learning.column_of[cohort.cities[host].id]
            title = f"{cohort.cities[guest].name} learns from {cohort.cities[host].name}"
            found.append(PairAccount("learning", title, learning.account(guest, column)))
    return text.says, found


def _as_hosts(cohort: Cohort, roles: Sequence[Role], pair: tuple[int, int]) -> tuple[Host, ...]:
    """Every city that hosts, alone, and the two asked about."""
    wanted = [i for i, c in enumerate(cohort.cities) if set(roles) & set(c.roles) or i in pair]
    return tuple(Host(cohort.cities[i].id, cohort.cities[i].name, (i,)) for i in wanted)


def features(
    profiles: str | Path | None = None,
    *,
    model: str | None = None,
    text: bool = False,
    progress: Progress = silent,
) -> Any:
    """Return the feature vectors of the cities as one pandas table; see :mod:`twinmatch.facets.features`."""
    from twinmatch.facets.features import CityFeatures

    cohort = read(profiles)
    vectors = text_model(cohort, Programme(), model, progress) if text else None
    return CityFeatures(text=vectors).fit(cohort).table(cohort)
