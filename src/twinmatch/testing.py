"""For authors of facets, rules, products and importers: small made-up cities, and checks of what is promised.

Every check raises AssertionError that says what is wrong. Our own entries pass the same checks.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinmatch.cohort import Cohort
from twinmatch.errors import QuestionError, Where
from twinmatch.facets import FacetCache, FacetEntry
from twinmatch.facets.base import Facet, checked_entry
from twinmatch.facets.text import all_sentences
from twinmatch.programmes import RegisteredProduct, Round
from twinmatch.programmes.registry import checked_product
from twinmatch.programmes.rules import Rule
from twinmatch.programmes.twinning.frame import Frame, PairRule, checked_rule
from twinmatch.proposal import Product
from twinmatch.proposal.wire import to_wire
from twinmatch.reading import read_grids
from twinmatch.reading.importers import Imported, Importer, Options, checked_importer
from twinmatch.schema import Role
from twinmatch.validate import Record, validate

__all__ = [
    "BagOfWords",
    "check_facet",
    "check_importer",
    "check_product",
    "check_rule",
    "cohort_of",
    "facet_cache",
]


def cohort_of(*cities: dict[str, Any], units: Sequence[dict[str, Any]] = ()) -> Cohort:
    """Return the cohort of some profiles; name and country come from the id where they are left out."""
    records = [
        Record({"name": c["id"][3:].title(), "country": c["id"][:2].upper(), **c}, Where("test"))
        for c in cities
    ]
    return validate(records, [Record(u, Where("units")) for u in units])


class BagOfWords:
    """A text model that can be followed by hand: a dimension a word, vectors of unit length."""

    says = "Texts are compared word by word, in this test."

    def __init__(self) -> None:
        self._words: dict[str, int] = {}

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one unit row a text, (n, 256); nan for a text without words."""
        rows = np.zeros((len(texts), 256), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.lower().strip(".").split():
                row[self._words.setdefault(word, len(self._words)) % 256] += 1
        length = np.linalg.norm(rows, axis=1, keepdims=True)
        return np.asarray(rows / np.where(length > 0, length, np.nan), dtype=np.float32)


def facet_cache(cohort: Cohort | None = None) -> FacetCache:
    """Return an empty facet cache whose text model is a bag of words, the words of a cohort numbered in order."""
    model = BagOfWords()
    model.vectors(all_sentences(cohort) if cohort else ())
    return FacetCache(model)


def check_facet(entry: FacetEntry, cohort: Cohort, cache: FacetCache | None = None) -> None:
    """Check that a facet keeps its promises over a cohort of at least three cities.

    Shape, range and nan; blocks of rows agree with the whole; empty blocks; the same both ways unless directed; cities
    of one kind alike; every pair said in a sentence, what is not known said so; facts of the two cities only.
    """
    n = len(cohort)
    assert n >= 3, "the check needs at least three cities"
    assert entry.asks.endswith("?"), "asks is no question"
    with _AsAssertion():
        made = checked_entry("facet", entry).make(cohort, cache or facet_cache(cohort))
        everyone = np.arange(n, dtype=np.intp)
        whole = made.likeness(everyone, everyone)
        rows, none = everyone[[n - 1, 0, n // 2]], everyone[:0]
        part = made.likeness(rows, everyone[1:])
        made.likeness(none, rows)
        made.likeness(rows, none)
    np.testing.assert_allclose(part, whole[rows][:, 1:], atol=1e-9, err_msg="blocks disagree")
    if not entry.directed:
        np.testing.assert_allclose(whole, whole.T, atol=1e-12, err_msg="not the same both ways")
    _check_kinds(made, whole)
    _check_words(made, whole, cohort)


def _check_kinds(made: Facet, whole: NDArray[np.float64]) -> None:
    kinds = getattr(made, "kinds", None)
    if kinds is not None:
        first = np.unique(kinds, return_index=True, return_inverse=True)
        like = first[1][first[2]]
        apart = like[:, None] != like[None, :]  # a city beside itself may differ from its kind
        same = whole[np.ix_(like, like)]
        np.testing.assert_allclose(whole[apart], same[apart], err_msg="cities of one kind differ")


def _check_words(made: Facet, whole: NDArray[np.float64], cohort: Cohort) -> None:
    pairs = np.argwhere(~np.eye(len(cohort), dtype=bool))
    for i, j in pairs[:: max(1, len(pairs) // 200)].tolist():
        with _AsAssertion():
            says, facts = made.says(i, j)
        names = (cohort.cities[i].id, cohort.cities[j].id)
        is_sentence = says[:1] == says[:1].upper() and says.rstrip()[-1:] in tuple(".!?…”)")
        assert is_sentence, f"no sentence of {names}: {says!r}"
        assert "nan" not in says.split(), f"says nan of {names}: {says!r}"
        assert {fact.city for fact in facts} <= {*names}, f"facts of other cities than {names}"
        for fact in facts:
            assert fact.what, f"a fact of {names} without a name"
            assert fact.kind in {"reported", "estimated", "stated"}, fact


def check_rule(rule: PairRule, cohort: Cohort) -> Rule:
    """Check that a rule compiles over every pair of a guest and a host of a cohort, and return it compiled."""
    guests = tuple(i for i, city in enumerate(cohort.cities) if city.has(Role.GUEST))
    frame = Frame(cohort, cohort.hosts([Role.MISSION, Role.PILOT]), guests)
    with _AsAssertion():
        found = checked_rule("rule", rule)(frame)
    for row in range(len(found.block)):
        assert found.block.says(row).strip(), f"row {row} of the rule says nothing"
    return found


def check_product(
    entry: RegisteredProduct,
    cohort: Cohort,
    name: str,
    cache: FacetCache | None = None,
    **settings: Any,
) -> Product:
    """Check a product of a cohort under some settings, and return it.

    Members and cities left out are of the cohort, each city is in a meeting or left out with a reason, the score is at
    most the bound, and the same cities give the same product.
    """
    with _AsAssertion():
        checked = checked_product(name, entry)
        found, again = (
            checked(Round(cohort, cache or facet_cache(cohort)), entry.settings(**settings))
            for _ in range(2)
        )
    assert to_wire(found) == to_wire(again), "the same cities give different meetings"
    met = {city for meeting in found.meetings for city in meeting.cities()}
    lost = cohort.index.keys() - met - {out.city for out in found.left_out}
    assert not lost, f"neither in a meeting nor left out: {', '.join(sorted(lost))}"
    assert all(out.why for out in found.left_out), "a city is left out without a reason"
    assert not found.score > found.bound + 1e-9, (
        f"the score {found.score} exceeds the bound {found.bound}"
    )
    return found


def check_importer(importer: Importer, path: Path, options: Options) -> Imported:
    """Check that an importer makes valid profiles of a file, each with its place, and return them."""
    with _AsAssertion():
        found = checked_importer("importer", importer).read(read_grids(path), options)
    assert importer.title, "the importer has no title"
    assert importer.source, "the importer names no source"
    validate(found.raw.cities, found.raw.units, found.raw.problems)
    assert all(record.where.file for record in found.raw.cities), "a record without a place"
    return found


class _AsAssertion:
    """Turn what a check at run time finds into an AssertionError, for pytest to show."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, QuestionError):
            raise AssertionError(str(error)) from error
