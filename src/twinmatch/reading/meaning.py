"""What a column means: from the words of its header, in the programme's languages, and from what its cells hold.

Words alone suggest a field, cells confirm or contradict it. A field is taken where both agree; where the words are
clear and the cells say nothing against it; else it is asked. A wrong guess costs more than a question.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

from twinmatch.reading import values
from twinmatch.reading.grid import text
from twinmatch.reading.mapping import NOT
from twinmatch.reading.personal_data import is_contact
from twinmatch.reading.values import MISSING, parse
from twinmatch.schema import NAMES, Lever
from twinmatch.vocabulary.gazetteer import is_place
from twinmatch.vocabulary.geography import country_code, language_code
from twinmatch.vocabulary.taxonomy import plain

SUBMITTED, CONTACT, STATUS = "submitted", "contact", "status"
"""What a column may be beside a field: when a row was sent, whom to write to, how far it was filled in."""

NEWCOMER: Final = "participation.newcomer"

LEVERS: Final = {"challenges": "levers_needed", "strengths": "levers_offered"}
"""Fields of domains, and the field of the levers that are ticked among them."""

LOOKED_AT: Final = 200
"""Rows whose cells are looked at."""


@cache
def concepts(header: str) -> frozenset[str]:
    """Return what the words of a header speak of; its beginning, where it is a text."""
    word = plain(header[:300])
    return frozenset(
        name for name, said in values.patterns("concepts").items() if said.search(word)
    )


Tests = dict[str, Callable[[str], bool]]
"""Whether one cell may stand in a field."""


def _number(low: float, high: float) -> Callable[[str], bool]:
    def test(cell: str) -> bool:
        number = parse(re.sub(r"^\D{1,12}(?=\d)", "", cell))
        return number is not None and any(low <= v <= high for v in number.readings.values())

    return test


def _is_options(cell: str) -> bool:
    parts = values.parts(cell)
    return bool(parts) and 2 * sum(bool(values.option_codes(p)) for p in parts) >= len(parts)


def options_in(cells: Sequence[Any]) -> list[str]:
    """Return the options of a column, as often as they were ticked."""
    filled = [t for c in cells[:LOOKED_AT] if (t := text(c))]
    split = values.options_of(filled)
    return [part for t in filled for part in split.get(t, ())]


def are_options(
    cells: Sequence[Any], *, is_choice: bool = False, seen: Set[str] = frozenset()
) -> bool:
    """Return whether cells hold options to tick, short and coming again, rather than words of each city's own.

    ``is_choice``: the header says that there is something to choose; else the options have to be known ones, or
    ``seen`` in other columns.
    """
    single = options_in(cells)
    filled = [t for c in cells[:LOOKED_AT] if (t := text(c))]
    if not single or any(t.endswith((".", "!")) for t in filled):
        return False
    words = sorted(len(p.split()) for p in single)[len(single) // 2]
    if words <= 5 and 2 * sum(";" in t for t in filled) >= len(filled):
        return True
    again = len(set(single)) < 0.8 * len(single)
    named = [plain(p) in _known_options() or p in seen for p in single]
    coded = [is_choice and bool(values.option_codes(p)) for p in single]
    known = 2 * sum(named) >= len(single) or (words <= 5 and 2 * sum(coded) >= len(single))
    is_short = (again and words <= 5) or (is_choice and words <= 3)
    return words <= values.MOST_WORDS and (known or is_short)


@cache
def _known_options() -> frozenset[str]:
    vague = {"finance", "learning", "plan", "target"}
    return frozenset({*map(plain, NAMES.values()), *NAMES} - vague)


def _is_text(cell: str) -> bool:
    return len(cell.split()) >= 3 and not _number(-1e99, 1e99)(cell)


_BETWEEN_CITIES: Final = re.compile(
    r"(?:^|(?<!\s)\s++)(?:and|or|either|und|oder|entweder|et|ou|soit|ed?|od?|[yiaoe]|oraz|lub|albo|en|of|och|eller|og|ja|tai|és|vagy"
    r"|și|si|sau|ali|in|ili|nebo|alebo|un|vai|ir|arba|või|или|або|και|ή|ve|veya|&|\+|/)\s+"
)


def cities_joined(part: str) -> list[str]:
    """Return the cities that a text joins by a word, such as "Turin or Lisbon"; the text where they are no cities."""
    named = [p for p in _BETWEEN_CITIES.split(part.strip()) if p]
    return named if not is_place(part) and all(map(is_place, named)) else [part]


def are_places(options: Sequence[str]) -> bool:
    """Return whether most options of a question are places, and no domains or levers."""
    return 2 * sum(is_place(o) and not values.option_codes(o) for o in options) > len(options)


def _is_places(cell: str) -> bool:
    parts = [p for p in re.split(r"[;|\n,]|\d[.)]\s", cell) if p.strip()]
    parts = [p for part in parts for p in cities_joined(part)]
    return bool(parts) and 2 * sum(map(is_place, parts)) >= len(parts)


_TESTS: Final[Tests] = {
    "country": lambda c: country_code(c) is not None,
    "name": is_place,
    **dict.fromkeys(("wishes", "refuses"), _is_places),
    "population.value": _number(0.1, 5e7),
    "commitment.neutral_by": lambda c: (y := values.year(c)) is not None and 2020 <= y <= 2100,
    "participation.staff_hours_a_month": _number(0, 400),
    "participation.english": lambda c: values.cefr(c) is not None,
    "participation.newcomer": lambda c: values.yes_or_no(c) is not None,
    "participation.guests_at_most": _number(0, 50),
    **dict.fromkeys(("challenges", "strengths", "levers_needed", "levers_offered"), _is_options),
    **dict.fromkeys(("needs", "offers"), _is_text),
    "languages": lambda c: all(language_code(p) for p in re.split(r"[;,/]\s*", c) if p.strip()),
    SUBMITTED: lambda c: values.day(c) is not None,
    CONTACT: lambda c: bool(re.search(r"@|\d{5}", c)) or c.lower() == "anonymous",
}

FITS, CONTRADICTS = 0.7, 0.3
"""Share of the cells from which a column confirms a field, and below which it speaks against it."""

_CHOOSE: Final = re.compile(
    r"\b(?:choose|select|tick|max|up to|which of|wahlen|auswahl|ankreuzen|choisir|cochez|jusqu|scegli|selezion|elija|seleccion|marque|wybierz|zaznacz|kies)"
)


def is_choice(header: str) -> bool:
    """Return whether a header says that there is something to choose."""
    return bool(_CHOOSE.search(plain(header)))


_LONG: Final = frozenset({"needs", "offers"})
_OPTIONS: Final = frozenset({"challenges", "strengths", "levers_needed", "levers_offered"})


def share(field: str, cells: Sequence[Any]) -> float | None:
    """Return the share of the filled cells that may stand in a field, None where nothing is known of either."""
    test = _TESTS.get(field)
    filled = [t for c in cells[:LOOKED_AT] if (t := text(c)) and t.lower() not in MISSING]
    filled = [t for t in filled if "?" not in t or re.search(r"[^?\W]{4}", t)]  # letters were lost
    if test is None or not filled:
        return None
    counted = Counter(filled)
    return sum(n for t, n in counted.items() if test(t)) / len(filled)


def nearly_all(field: str, cells: Sequence[Any]) -> bool:
    """Return whether two cells or more are filled, and nearly all of them may stand in a field."""
    return sum(bool(text(c)) for c in cells) > 1 and (share(field, cells) or 0.0) >= 0.9


def few_places(cells: Sequence[Any]) -> bool:
    """Return whether fewer than two in five of the filled cells are places: names of persons, where they are names."""
    found = share("name", cells)
    return found is not None and found < 0.4


Sureness = Literal["sure", "asked"]


@dataclass(frozen=True)
class Meaning:
    """What a column may mean: a field or one of the columns beside them (empty: set aside), and how sure."""

    field: str
    sureness: Sureness = "sure"


def _candidates(words: frozenset[str], header: str) -> list[tuple[str, bool]]:
    """Return the fields of which a header's words speak, the likeliest first, each with whether they are clear."""
    short = len(plain(header).split()) <= 9
    found: list[tuple[str, bool]] = []
    if "refuse" in words:
        found.append(("refuses", True))
    elif "wish" in words or ("city" in words and words & {"host", "partner"}):
        found.append(("wishes", "wish" in words and bool(words & {"host", "city", "partner"})))
    if "hours" in words:
        found.append(("participation.staff_hours_a_month", "staff" in words))
    if "english" in words:
        found.append(("participation.english", True))
    if "first" in words and "before" not in words:
        found.append(("participation.newcomer", bool(words & {"exchange", "partner"}) or short))
    if "people" in words and not words & {"struggle", "offer", "learn"}:
        found.append(("population.value", "coverage" not in words))
    if "neutral" in words or "year" in words:
        is_target = {"neutral", "year"} <= words and "emissions" not in words
        found.append(("commitment.neutral_by", is_target))
    if "languages" in words:
        found.append(("languages", True))
    found += _of_learning(words, header)
    if "country" in words:
        found.append(("country", short and not words & {"wish", "partner", "host"}))
    beside = {"city", "country", "host", "partner", "exchange", "contact"}
    if _WHICH.match(plain(header)):
        beside |= {"signed"}  # "which council"
    if "city" in words and not words - beside:
        found.append(("name", short and not words & {"host", "partner"}))
    return list(dict.fromkeys(found))


def _of_learning(words: frozenset[str], header: str) -> list[tuple[str, bool]]:
    """Return the fields of what a city wants to learn or can show, of which a header's words speak."""
    has_lever = "lever" in words
    if "from_you" in words:
        words = words - {"learn", "struggle", "support"} | {"offer"}
    elif "to_you" in words:
        words = words - {"offer"} | {"learn"}
    if "offer" in words and not words & {"struggle", "learn"}:
        fields = ("levers_offered",) if has_lever else ()
        return [(field, True) for field in (*fields, "strengths", "offers")]
    if words & {"struggle", "learn", "support"}:
        fields = ("levers_needed",) if has_lever else ()
        return [(f, "offer" not in words) for f in (*fields, "challenges", "needs")]
    if words & {"domain", "lever"}:
        field = "levers_needed" if has_lever else "challenges"
        return [(field, "emissions" in words or bool(_WANTED.search(plain(header))))]
    return []


_WHICH: Final = re.compile(r"(?:which|what|welche|quelle?|quale|cual|que|jakie|welk)\b")


def has_candidates(header: str, *, options: bool = False) -> str:
    """Return the likeliest field of which a header's words speak, of those with ``options`` to tick if asked for."""
    words = concepts(header)
    found = [f for f, _ in _candidates(words, header) if not options or f in _OPTIONS]
    beside = [b for b in (SUBMITTED, CONTACT) if b in words and not options]
    return next(iter([*found, *beside]), "")


_WANTED: Final = re.compile(
    r"work on|focus|priorit|interest|mochte|wollen|bearbeit|souhait|travaill|lavorare|interess|trabajar|quiere|chce|prac"
)
"""Words by which a header asks what a city wants to do."""


def meaning(header: str, cells: Sequence[Any], seen: Set[str] = frozenset()) -> Meaning | None:
    """Return what a column means by its header and cells; None where nothing suggests a field.

    ``seen`` are the options of other columns.
    """
    words = concepts(header)
    if not plain(header):
        return Meaning("") if header else None
    if "submitted" in words and (share(SUBMITTED, cells) or 0.0) >= CONTRADICTS:
        return Meaning(SUBMITTED)
    if "meta" in words or "heard" in words:
        return Meaning("")
    if _are_yes_or_no(cells):
        return _flag(words)
    if "else" in words:
        return None
    if (share("participation.english", cells) or 0.0) >= 0.9:
        return Meaning("participation.english", "sure" if "english" in words else "asked")
    is_said = ("contact" in words and "city" not in words) or is_contact(header)
    if is_said or ((share(CONTACT, cells) or 0.0) > FITS and any("@" in text(c) for c in cells)):
        return Meaning(CONTACT)
    choice = bool(words & {"domain", "lever"}) or is_choice(header)
    is_ticked = are_options(cells, is_choice=choice, seen=seen)
    aside = _LONG if is_ticked else _OPTIONS
    doubted: str | None = None
    for field, clear in (c for c in _candidates(words, header) if c[0] not in aside):
        fits = share(field, cells)
        if fits is None:
            if clear and field in _TESTS and _none_filled(cells):
                return Meaning(field)
            continue
        is_fit = fits >= FITS or (clear and (fits >= CONTRADICTS or field in _OPTIONS))
        if is_fit and (clear or field not in _OPTIONS):
            return Meaning(of_codes(field, options_in(cells)))
        if field in _LONG and clear and fits > 0:
            return Meaning(field)
        if fits >= CONTRADICTS or (clear and field == "population.value"):
            doubted = doubted or field
    if doubted:
        return Meaning(of_codes(doubted, options_in(cells)), "asked")
    return _by_cells(words, cells, seen)


def of_codes(field: str, options: Sequence[str]) -> str:
    """Return the field of levers in place of that of domains where the options are mostly levers."""
    codes = [codes[0] for o in options if (codes := values.option_codes(o))]
    levers = sum(code in {*Lever} for code in codes)
    return LEVERS.get(field, field) if 2 * levers > len(codes) else field


def _flag(words: frozenset[str]) -> Meaning | None:
    """Return what a column of yes and no means: a newcomer by either wording, or no field of ours."""
    if "consent" in words:
        return Meaning("")
    if "first" in words:
        return Meaning(NEWCOMER, "asked" if "before" in words else "sure")
    if "before" in words and ("signed" not in words or "exchange" in words):
        is_sure = bool(words & {"exchange", "partner", "learn"})
        return Meaning(NOT + NEWCOMER, "sure" if is_sure else "asked")
    return Meaning("") if words & {"signed", "neutral"} else None


def _by_cells(words: frozenset[str], cells: Sequence[Any], seen: Set[str]) -> Meaning | None:
    """Return what cells alone suggest, always to be asked: the words say nothing of it, or something else."""
    if words & {"emissions", "coverage"} or _none_filled(cells):
        return None
    for field in ("country", "languages", "commitment.neutral_by", "challenges"):
        if field == "challenges" and not are_options(cells, seen=seen):
            continue
        if field == "commitment.neutral_by" and any(values.moment(text(c)) for c in cells):
            continue
        if (share(field, cells) or 0.0) >= 0.9:
            return Meaning(field, "asked")
    return None


def _none_filled(cells: Sequence[Any]) -> bool:
    return not any(text(c) for c in cells)


def _are_yes_or_no(cells: Sequence[Any]) -> bool:
    return (share("participation.newcomer", cells) or 0.0) >= FITS


_FACTOR: Final = re.compile(
    r"(?P<k>thousand|\btsd\b|\btausend|\bin 1 ?000|\bx ?1 ?000|milliers|migliai|mila\b|\bmil(?:es)?\b(?!l)|\btys|tysi|duizend|milhares|tusen|\b000s?\b|\bk\b)|(?P<m>million|\bmio\b|milion|millon|miljoen|\bmln\b)"
)


def factor_in(header: str) -> float:
    """Return the factor that the words of a header say: 1,000 for thousands, 1,000,000 for millions, else 1."""
    found = _FACTOR.search(plain(header))
    return 1.0 if found is None else 1000.0 if found["k"] else 1e6


def factor_removed(unit: str) -> str:
    """Return a unit in plain letters without the word of its factor and what declines it."""
    return re.sub(rf"(?:{_FACTOR.pattern})\w*", "", plain(unit)).strip()


def fitting(cells: Sequence[Any], seen: Set[str] = frozenset()) -> list[str]:
    """Return the fields in which the cells of a column may stand, by what they hold."""
    if _none_filled(cells):
        return []
    if _are_yes_or_no(cells):
        return [NEWCOMER, NOT + NEWCOMER]
    is_ticked = are_options(cells, seen=seen)
    aside = _LONG if is_ticked else _OPTIONS
    tested = [f for f in _TESTS if f not in {*aside, CONTACT, SUBMITTED, NEWCOMER}]
    return [f for f in tested if (share(f, cells) or 0.0) >= FITS]
