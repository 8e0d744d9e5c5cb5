"""Questions of city panels: given, or proposed from what most cities seek; and who sits on which panel.

Notation: P panels, n cities; fits (P, n) in [0, 1] is how far a panel's topics are what a city seeks or shows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from twinmatch.embedding.classifier import TOPICS
from twinmatch.errors import NoProposalError, Problem
from twinmatch.facets.quoting import classifier_for
from twinmatch.facets.shared_topics import TopicTable, topic_table
from twinmatch.programmes.base import ProgrammeSection
from twinmatch.programmes.eligibility import Attribute
from twinmatch.programmes.round import Round
from twinmatch.schema import Domain, Role
from twinmatch.solving import Candidates, counts, solve
from twinmatch.vocabulary.topics import Topic

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_OF_A_KIND = 0.5
"""Part of a panel that one known category of an attribute takes at most, where members are chosen."""

AREAS = {
    "practice": {domain.value for domain in Domain},
    "strategy": {"governance_policy", "finance_funding", "regulation_national"},
}
"""Domains and levers whose topics a proposed question of practice or of strategy may be on."""

FITS = 0.3
"""From this much on a topic counts as sought or shown."""


class Purpose(ProgrammeSection):
    """What a panel is for: its question, and the topics that it is about."""

    title: str = Field(min_length=1)
    question: str = Field("", description="Its question; empty: proposed from what cities seek")
    topics: tuple[Topic, ...] = Field(
        (), description="Topics of the question; none: read from it, or proposed with it"
    )
    about: Literal["practice", "strategy", "any"] = Field(
        "any",
        description="Where a question is proposed from: topics of practice (domains), of strategy (governance, "
        "finance, regulation), or any",
    )


@dataclass(frozen=True)
class PanelQuestion:
    """The question of a panel with its title and topics."""

    title: str
    text: str
    topics: tuple[Topic, ...]


def questions(
    round_: Round, purposes: Sequence[Purpose], cities: Sequence[int]
) -> list[PanelQuestion]:
    """Return the question of each purpose; proposed ones are on the topics that most of some cities seek, once each."""
    table = topic_table(round_.cohort, round_.facet_cache)
    sought = np.clip(table.seeks[list(cities)], 0.0, 1.0).sum(axis=0)
    found: list[PanelQuestion] = []
    for purpose in purposes:
        topics = purpose.topics or _read(round_, purpose.question)
        if not purpose.question and not topics:
            used = {t for question in found for t in question.topics}
            may = [
                k
                for k, t in enumerate(TOPICS)
                if t not in used
                and sought[k] > 0
                and (
                    purpose.about == "any"
                    or (t.area in set(Domain)) == (purpose.about == "practice")
                )
            ]
            topics = tuple(
                TOPICS[k] for k in sorted(may, key=lambda k: (-round(sought[k], 6), k))[:1]
            )
        found.append(
            PanelQuestion(purpose.title, purpose.question or _asked(purpose, topics), topics)
        )
    return found


def _read(round_: Round, question: str) -> tuple[Topic, ...]:
    """Return the topics that a classifier names in a question; none without one."""
    classifier = classifier_for(round_.facet_cache)
    if not question or classifier is None:
        return ()
    vectors = np.asarray(round_.facet_cache.text.vectors([question]))
    if np.isnan(vectors).any():
        return ()
    sure = classifier.read(vectors).topics[0]
    return tuple(t for t, p in zip(TOPICS, sure, strict=True) if p >= classifier.threshold)


def _asked(purpose: Purpose, topics: Sequence[Topic]) -> str:
    if not topics:
        return "What do cities need from each other first?"
    what = topics[0].wording
    if purpose.about == "strategy":
        return f"Which decisions on {what} would help cities most, and who takes them?"
    return f"What works in {what}, and what stands in its way?"


def fit_of(round_: Round, question: PanelQuestion) -> tuple[Floats, Floats]:
    """Return how far each city seeks and shows a question's topics, both (n,) in [0, 1]; 1 for a question without topics."""
    table: TopicTable = topic_table(round_.cohort, round_.facet_cache)
    if not question.topics:
        return np.ones(len(round_.cohort)), np.ones(len(round_.cohort))
    columns = [TOPICS.index(t) for t in question.topics]
    seeks, shows = (
        np.clip(side[:, columns].max(axis=1), 0.0, 1.0) for side in (table.seeks, table.shows)
    )
    return seeks, shows


def seated(
    round_: Round,
    asked: Sequence[PanelQuestion],
    cities: Sequence[int],
    words: dict[Attribute, list[str | None]],
    *,
    size: tuple[int, int],
    mission_at_least: int,
    per_country: int | None,
    title: str,
) -> Ints:
    """Return the panel of each city, (n,) and -1 for none: the best fit to the questions under the quotas, proven best.

    Raises NoProposalError where no choice keeps the quotas.
    """
    fits = np.array([np.maximum(*fit_of(round_, q))[list(cities)] for q in asked])
    p, c = np.nonzero(fits >= FITS)
    rules = [
        counts("one panel each", c, high=1, rows=len(cities)),
        counts("sizes", p, low=size[0], high=size[1], rows=len(asked)),
    ]
    if mission_at_least:
        mission = np.array([round_.cohort.cities[i].has(Role.MISSION) for i in cities])
        rules.append(
            counts(
                "Mission Cities", np.where(mission[c], p, -1), low=mission_at_least, rows=len(asked)
            )
        )
    kinds: list[tuple[list[str | None], int, str]] = [
        (words[a], math.ceil(MOST_OF_A_KIND * size[1]), a) for a in words if a != "country"
    ]
    if per_country is not None:
        kinds.append(([round_.cohort.cities[i].country for i in cities], per_country, "countries"))
    for labels, most, name in kinds:
        names = sorted({w for w in labels if w})
        number = np.array([names.index(w) if w else -1 for w in labels], dtype=np.int64)[c]
        row = np.where(number >= 0, p * len(names) + number, -1)
        rules.append(counts(f"mixed in {name}", row, high=most, rows=len(asked) * len(names)))
    found = solve(Candidates(p, c, np.round(fits[p, c], 6), len(asked), len(cities)), rules)
    if found.status == "infeasible" or not len(c):
        raise NoProposalError(
            Problem(
                "no-panels",
                f"{title}: too few cities seek or show what the panels ask to seat {size[0]} on each.",
                do="Give other questions, or loosen a quota.",
            )
        )
    label = np.full(len(cities), -1, dtype=np.int64)
    label[c[found.chosen]] = p[found.chosen]
    return label
