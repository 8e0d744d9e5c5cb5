"""Rows of a table that are no city: totals and averages, notes and footers, tests and previews."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, Literal

from twinmatch.reading.grid import text
from twinmatch.reading.headers import Header
from twinmatch.vocabulary.gazetteer import is_place
from twinmatch.vocabulary.taxonomy import plain

_TOTAL: Final = re.compile(
    r"^(?:grand |sub ?)?(?:total|totals|sum|average|avg|mean|median|count|min|max|summe|gesamt|gesamtsumme|durchschnitt|mittelwert|somme|moyenne|totale|"
    r"media|suma|promedio|razem|srednia|ogolem|totaal|gemiddelde|soma|celkem|σύνολο|συνολο|общо|osszesen|yhteensa|totalt|i alt)\b(?:\s*(?:all|cities|general|generale|n \d+|\d+))*$"
)
_NOTE: Final = re.compile(
    r"^(?:source|note|notes|quelle|anmerkung|hinweis|stand|fonte|fuente|zrodlo|bron|data from|remark|legend|nota|uwaga|status)\b.*"
)
_TEST: Final = re.compile(
    r"^(?:test|testing|asdf|asdfgh|xxx+|dummy|example|beispiel|probe|prueba|prova|essai|teststadt|testcity|test city)\d*$"
)
_PREVIEW: Final = re.compile(r"survey preview|survey test|preview", re.IGNORECASE)


def no_city(
    name: str,
    country: str,
    others: Sequence[str],
    header: Header,
    cells: Sequence[Any],
    *,
    is_survey: bool,
) -> tuple[str, Literal["error", "warning", "note"]]:
    """Return why a row is no city and how it is reported; an empty text where it is one.

    ``others`` are its other filled cells. Our own form loses only totals and notes, never a row in silence.
    """
    word = plain(name)
    if _TOTAL.match(word) and not is_place(name):
        return "it is a total or an average", "warning"
    raw = name.strip()
    if (_NOTE.match(word) or len(raw) > 100 or raw.startswith(("*", "†", "("))) and not country:
        return "it is a note below the table", "warning"
    if not is_survey:
        return "", "note"
    if name.startswith('{"ImportId"'):
        return "it is a line of the survey tool", "note"
    if not name and len(others) <= 1 and not country:
        return "it has no name and hardly any answer", "note"
    status = [
        text(c)
        for c, n in zip(cells, header.names, strict=False)
        if plain(n) in {"status", "response type"}
    ]
    if any(_PREVIEW.search(s) for s in status):
        return "it is a preview of the survey", "warning"
    if not name and not country and not _filled(header, cells):
        return "the answer was begun and not sent", "warning"
    tests = [t for t in (word, *map(plain, others)) if _TEST.match(t)]
    if _TEST.match(word) and (len(tests) > 1 or any(o.startswith("test@") for o in others)):
        return "it is a test of the survey", "warning"
    return "", "note"


def _filled(header: Header, cells: Sequence[Any]) -> bool:
    """Return whether any field of a city is filled in a row."""
    pairs = zip(header.targets, cells, strict=False)
    return any(t and t.field not in {"", "submitted", "contact"} and text(c) for t, c in pairs)
