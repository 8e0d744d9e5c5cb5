"""Themes found in what cities say they need: clusters of their sentences, labelled by their own words.

Sentences are clustered by k-means on the run's text vectors, which are of unit length, so that near means a small
angle. The number of themes is the one whose clusters come back most alike when a part of the sentences is left
out (stability: Ben-Hur, Elisseeff and Guyon 2002, doi:10.1142/9789812799623_0002, with the adjusted Rand index).
A cluster's words are those that it has far more often than the others, by class-based tf-idf (Grootendorst 2022,
arXiv:2203.05794). The coordinator names the themes: what is found here is an offer, never used automatically.

Notation: s sentences, vectors (s, d) of unit length; k themes; label (s,).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from twinmatch.cohort import Cohort
from twinmatch.errors import QuestionError
from twinmatch.facets import FacetCache
from twinmatch.facets.quoting import Passage, readable
from twinmatch.facets.text import needs_passages
from twinmatch.files import toml_text
from twinmatch.schema import NAMES
from twinmatch.solving import Ints
from twinmatch.vocabulary import taxonomy
from twinmatch.wording import listed, say

Floats = NDArray[np.float32]

RUNS, PART = 10, 0.8
"""How often a part of the sentences is drawn to see whether the themes come back, and how large it is."""

STARTS = 3
WORDS, TEXTS = 5, 3

TRIED = range(4, 13)
"""Numbers of themes of which the most stable one is found."""

FEWEST_SENTENCES = 5
"""Sentences a theme, below which so many themes are not tried."""


@dataclass(frozen=True)
class FoundTheme:
    """A cluster of needs: its own words, sentences near its middle, its cities, and what they name most beyond others."""

    id: str
    words: tuple[str, ...]
    texts: tuple[str, ...]
    sentences: int
    cities: tuple[str, ...]
    domains: tuple[str, ...]
    levers: tuple[str, ...]


@dataclass(frozen=True)
class FoundThemes:
    """The themes offered, the largest first, and how stable each number of themes was, in [-1, 1]."""

    themes: tuple[FoundTheme, ...]
    stability: tuple[tuple[int, float], ...]
    unread: int
    """Sentences in a language that the text model does not read."""

    def toml(self) -> str:
        """Return a snippet for a programme file, in which the coordinator names the themes."""
        parts = [
            "# Themes found in what cities say they need. Give each a title of your own, drop or join what does not",
            "# convince you, and put them under [discussion_groups]. Beside the texts, `domains` and `levers` may be",
            "# set; those that the theme's cities name most often are noted.",
        ]
        for theme in self.themes:
            words = ", ".join(theme.words)
            parts += [
                "",
                f"# {theme.sentences} sentences of {len(theme.cities)} cities: {', '.join(theme.cities[:6])}"
                + (", …" if len(theme.cities) > 6 else ""),
                f"# often named here: {', '.join((*theme.domains, *theme.levers)) or 'nothing more than elsewhere'}",
                "[[discussion_groups.themes]]",
                f"id = {toml_text(theme.id)}",
                f"title = {toml_text(words[:1].upper() + words[1:])}",
                "texts = [",
                *(f"    {toml_text(text)}," for text in theme.texts),
                "]",
            ]
        return "\n".join(parts) + "\n"


def find_themes(
    cohort: Cohort, facet_cache: FacetCache, numbers: Sequence[int] = TRIED
) -> FoundThemes:
    """Return the themes in what cities say they need, of some numbers of themes the most stable one.

    Raises QuestionError where a number is below 2 or cities say too little.
    """
    if min(numbers) < 2:
        found = say("Asked for {p} themes.", p=min(numbers))
        raise QuestionError.of("themes-wrong", found, do=say("Ask for at least 2."))
    read, vectors, unread = readable(needs_passages(cohort), facet_cache)
    points = np.round(vectors, 4)
    numbers = [k for k in numbers if k * FEWEST_SENTENCES <= len(read)]
    if not numbers:
        raise QuestionError.of(
            "too-few-sentences",
            say(
                "{n} sentences of needs can be read; a theme needs {FEWEST_SENTENCES}.",
                n=len(read),
                FEWEST_SENTENCES=FEWEST_SENTENCES,
            ),
            do=say("Ask for fewer themes, or collect what cities need in their words."),
        )
    labels = {k: _clusters(points, k, seed=0) for k in numbers}
    stability = (
        tuple((k, _stability(points, labels[k], k)) for k in numbers) if len(numbers) > 1 else ()
    )
    best = max(stability, key=lambda x: (round(x[1], 6), -x[0]))[0] if stability else numbers[0]
    return FoundThemes(_told(cohort, read, points, labels[best]), stability, len(unread))


def _clusters(points: Floats, k: int, seed: int) -> Ints:
    """Return the clusters of points, (s,), numbered by their first member; fewer where fewer points differ."""
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    # One thread: the same sums on every machine, and for so few points quicker than sharing them out.
    k = min(k, len(np.unique(points, axis=0)))
    with threadpool_limits(1):
        found = KMeans(k, n_init=STARTS, random_state=seed).fit(points.astype(np.float64)).labels_
    order: dict[int, int] = {}
    return np.array([order.setdefault(int(c), len(order)) for c in found], dtype=np.int64)


def _stability(points: Floats, label: Ints, k: int) -> float:
    """Return the mean adjusted Rand index of the clusters against those of drawn parts of the sentences."""
    from sklearn.metrics import adjusted_rand_score

    rng = np.random.Generator(np.random.PCG64(0))
    scores = []
    for run in range(RUNS):
        part = np.sort(rng.choice(len(points), max(k, int(PART * len(points))), replace=False))
        scores.append(float(adjusted_rand_score(label[part], _clusters(points[part], k, run))))
    return round(float(np.mean(scores)), 6)


def _told(
    cohort: Cohort, passages: Sequence[Passage], points: Floats, label: Ints
) -> tuple[FoundTheme, ...]:
    words = _own_words(cohort, passages, label)
    themes = []
    for k in range(int(label.max()) + 1):
        mine = np.flatnonzero(label == k)
        cities = sorted({passages[int(i)].city for i in mine})
        themes.append(
            FoundTheme(
                "-".join(words[k][:3]),
                words[k],
                _middle(passages, points, mine),
                len(mine),
                tuple(cohort.cities[i].id for i in cities),
                _beyond(cohort, cities, "challenges"),
                _beyond(cohort, cities, "levers_needed"),
            )
        )
    ordered = sorted(themes, key=lambda t: (-len(t.cities), t.id))
    seen: Counter[str] = Counter()
    named = []
    for theme in ordered:
        seen[theme.id] += 1
        number = f"-{seen[theme.id]}" if seen[theme.id] > 1 else ""
        named.append(replace(theme, id=theme.id + number))
    return tuple(named)


def _own_words(cohort: Cohort, passages: Sequence[Passage], label: Ints) -> list[tuple[str, ...]]:
    """Return each cluster's own words by class-based tf-idf; names of cities and common words are passed over."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, CountVectorizer

    names = {word for c in cohort.cities for word in _tokens(c.name)}
    stop = sorted({w for w in ENGLISH_STOP_WORDS if len(w) >= LETTERS} | names | COMMON)
    texts = [
        " ".join(p.text for p, g in zip(passages, label, strict=True) if g == k)
        for k in range(int(label.max()) + 1)
    ]
    counter = CountVectorizer(stop_words=stop, tokenizer=_tokens, token_pattern=None)
    table = counter.fit_transform(texts).toarray().astype(np.float64)
    vocabulary = counter.get_feature_names_out()
    each = table / np.maximum(table.sum(axis=1, keepdims=True), 1.0)
    rare = np.log1p(table.sum() / len(texts) / np.maximum(table.sum(axis=0), 1.0))
    weight = np.round(each * rare, 9)
    return [
        tuple(str(vocabulary[i]) for i in np.lexsort((np.arange(len(row)), -row))[:WORDS])
        for row in weight
    ]


def _tokens(text: str) -> list[str]:
    """Return the words of a text: lower case, without accents, of at least so many letters."""
    plain = unicodedata.normalize("NFKD", text.lower())
    return re.findall(
        rf"[a-z]{{{LETTERS},}}", "".join(c for c in plain if not unicodedata.combining(c))
    )


LETTERS = 4

COMMON = taxonomy.words(
    "city; cities; want; need; needs; needed; learn; local; municipal; municipality; public; peers; "
    "climate; work; works; new; like; make; making; help; still; little; lack; lacks; have; with; from; "
    "that; this; their; them; they"
)
"""Words that every city uses of itself."""


def _middle(passages: Sequence[Passage], points: Floats, mine: Ints) -> tuple[str, ...]:
    """Return the sentences nearest to the middle of a cluster, each of another city."""
    centre = points[mine].mean(axis=0)
    order = mine[np.argsort(-np.round(points[mine] @ centre, 4), kind="stable")]
    found: dict[int, str] = {}
    for i in order.tolist():
        found.setdefault(passages[i].city, passages[i].text)
    return tuple(list(dict.fromkeys(found.values()))[:TEXTS])


def _beyond(cohort: Cohort, cities: Sequence[int], block: str) -> tuple[str, ...]:
    """Return the two domains or levers that some cities name most beyond all cities, in words."""
    stated = [set(getattr(c, block) or ()) for c in cohort.cities]
    everyone = [s for s in stated if s]
    mine = [stated[i] for i in cities if stated[i]]
    if not mine:
        return ()
    lift = {
        code: sum(code in s for s in mine) / len(mine)
        - sum(code in s for s in everyone) / len(everyone)
        for code in sorted({code for s in mine for code in s})
    }
    best = sorted(lift, key=lambda code: (-round(lift[code], 6), code))[:2]
    return tuple(NAMES[code] for code in best if lift[code] > 0.02)


def says(found: FoundThemes) -> str:
    """Return in words how the number of themes was found."""
    if not found.stability:
        return f"{len(found.themes)} themes, as asked."
    words = listed([f"{k}: {value:.2f}" for k, value in found.stability])
    return f"{len(found.themes)} themes came back most alike when a fifth of the sentences was left out ({words})."
