"""Personal data of what is read: taken out of every text at the door, and told without being repeated.

Nothing taken out reaches features, exports or logs, because nothing after reading has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from twinmatch.errors import Problem, Where
from twinmatch.reading.personal_data import redact
from twinmatch.validate import Record
from twinmatch.vocabulary.taxonomy import plain

__all__ = ["CONTACT_WORDS", "is_contact", "redact", "safe", "without_personal_data"]

_FREE: Final = frozenset(
    {"needs", "offers", "note", "summary", "boundary_note", "basis", "activity"}
)
_NEVER: Final = frozenset({"id", "country", "nuts3", "label_awarded", "date", "of"})
CONTACT_WORDS: Final = frozenset(
    [
        "email",
        "mail",
        "phone",
        "telephone",
        "telefon",
        "telefono",
        "telefoon",
        "mobile",
        "tel",
        "kontakt",
        "contact",
        "ansprechpartner",
        "ansprechpartnerin",
        "courriel",
        "correo",
        "surname",
        "lastname",
        "firstname",
        "vorname",
        "nachname",
        "prenom",
    ]
)


def is_contact(header: str) -> bool:
    """Return whether a header announces contact data of a person."""
    words = plain(header).split()
    joined = " ".join(words)
    return bool(CONTACT_WORDS & set(words)) or any(
        phrase in joined for phrase in ("e mail", "first name", "last name", "filled in by")
    )


def without_personal_data(record: Record) -> tuple[Record, list[Problem]]:
    """Return the record with personal data taken out of its texts, and a warning for each text that had some."""
    if not any(redact(text, names=name in _FREE)[1] for name, text in _texts(record.data)):
        return record, []
    problems: list[Problem] = []
    data = _clean(record.data, "", "", record, problems)
    return replace(record, data=data), problems


def _texts(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield the texts of a record that may hold personal data, each with the name of its field."""
    if isinstance(value, str):
        if len(value) >= 6:
            yield name, value
    elif isinstance(value, dict):
        for key, item in value.items():
            if key not in _NEVER:
                yield from _texts(item, str(key))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item, name)


def _clean(value: Any, path: str, name: str, record: Record, problems: list[Problem]) -> Any:
    if isinstance(value, dict):
        return {
            key: _clean(item, f"{path}.{key}" if path else str(key), str(key), record, problems)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_clean(item, path, name, record, problems) for item in value]
    if not isinstance(value, str) or len(value) < 6 or name in _NEVER:
        return value
    text, found = redact(value, names=name in _FREE)
    if found:
        problems.append(_told(found, record.place(path)))
    return text


def _told(found: dict[str, int], where: Where) -> Problem:
    kinds = ", ".join(f"{n} × {kind}" for kind, n in sorted(found.items()))
    return Problem(
        "personal-data",
        f"Personal data was found and taken out of this text: {kinds}.",
        where,
        "Keep contacts in a list of their own; look once more for names that stand alone.",
        "warning",
    )


def safe(problem: Problem) -> Problem:
    """Return a problem whose words repeat no personal data."""
    found, do = redact(problem.found)[0], redact(problem.do)[0]
    column = redact(problem.where.column, names=False)[0]
    if (found, do, column) == (problem.found, problem.do, problem.where.column):
        return problem
    where = replace(problem.where, column=column)
    return replace(problem, found=found, do=do, where=where)
