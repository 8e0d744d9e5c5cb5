"""Personal data in free text: found, and taken out.

E-mail addresses, telephone numbers and bank accounts (IBAN) are taken out of every text; names of persons where a
title or a role stands before them ("Dr. Anna Beispiel", "project manager Jan Novák"), which is how forms name
contacts. A bare name cannot be told from the name of a place, so the notice asks the reader to look once more.
Titles and roles are known in English, German, French, Italian, Spanish, Portuguese, Dutch, Polish, Czech, Slovak,
Romanian and Greek; a few in Danish, Swedish, Finnish, Hungarian, Bulgarian and Turkish.

Personal data of what is read: taken out of every text at the door, and told without being repeated.

Nothing taken out reaches features, exports or logs, because nothing after reading has it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from twinmatch.errors import Problem, Where
from twinmatch.files import data_beside
from twinmatch.validate import Record
from twinmatch.vocabulary.taxonomy import plain, words
from twinmatch.wording import say

REMOVED: Final = {
    "e-mail address": "[e-mail removed]",
    "telephone number": "[telephone number removed]",
    "bank account": "[bank account removed]",
    "name of a person": "[name removed]",
}
"""What stands in a text in place of each kind of personal data."""

# Every part has a longest length: a pattern that goes on without end takes hours over a text made to hold it up.
_EMAIL = re.compile(
    r"[\w.!#$%&*+/=?^`{|}~-]{1,64}\s?"
    r"(?:[@＠﹫]|[\[({<](?:at|ät|à|arroba|chiocciola)[\])}>]"
    r"|\s{1,5}at\s{1,5}(?=\S{1,120}\s?\.(?!\s(?-i:[A-Z]))\s?\w{2,30}\b\s{0,20}(?:$|[,;)])|[\w-]{1,63}\s(?:dot|punkt)\s))"
    r"\s?[\w-]{1,63}(?:\s?(?:[.．。]|[\[({<](?:dot|punkt|point|punto|kropka|ponto)[\])}>]|\s(?:dot|punkt)\s)\s?[\w-]{1,63}){1,10}",
    re.IGNORECASE,
)
_PHONE = re.compile(
    r"(?<![\w./:+-])(?:"
    r"(?:\+|00)[1-9]\d{0,2}(?:[\s./-]?\(?\d{1,5}\)?){2,6}"
    r"|(?:\b(?:tel|telephone|phone|mobile|mob|fax|telefon|handy|tél|téléphone|teléfono|telefono|telefoon|puhelin|gsm|tlf|telefoni|puh|telefonas|tālrunis|komórka|kom|mobil|cel|celular|cellulare|móvil|portable|τηλ|τηλέφωνο|κιν|κινητό|тел|телефон)\b\.?\s?(?:no\.?|nr\.?)?\s?:?\s?)\+?\(?\d[\d\s().\/-]{5,20}\d"
    r"|\(?0\d{1,4}\)?[\s/-]\d{2,8}(?:[\s/-]\d{2,6}){0,4}"
    r")(?![\w-])",
    re.IGNORECASE,
)
_IBAN = re.compile(
    r"\b[A-Z]{2}\d{2}(?:[ -]?[A-Z\d]{4}){2,7}(?:[ -]?[A-Z\d]{1,3})?\b", re.IGNORECASE
)
_PERSONS: Final = data_beside(__file__, "words.toml")["persons"]
_TITLES, _ROLES = _PERSONS["titles"], _PERSONS["roles"]
_WORD = r"[^\W\d_a-zß-ÿ][\w’'-]*[a-zß-öø-ÿ\u0101-\u017f\u03ac-\u03ce\u0430-\u045f]"
_PARTICLE = r"(?:(?:van|von|de|del|della|di|da|dos|der|den|du|la|le|zu|ter|ten|af|al)\s+){0,2}"
_FULL = rf"{_WORD}(?:\s+[A-Z]\.)?\s+{_PARTICLE}{_WORD}(?:\s+{_WORD})?"
_TITLED = re.compile(
    rf"\b(?:(?:(?:{_TITLES})\b\.?|(?:MM?|[κΚ])\.)\s+)+(?:{_FULL}|{_WORD})(?!['’]s\b)"
)
_IN_ROLE = re.compile(rf"\b(?i:{_ROLES})\b(?:\s*[:,–-]\s*|\s+(?:is\s+|ist\s+|est\s+)?)({_FULL})")
_AT = re.compile(r"[@＠﹫]|[\[({<](?:at|ät|à|arroba|chiocciola)[\])}>]|\sat\s", re.IGNORECASE)
_DIGITS = re.compile(r"\d[\s/().-]{0,3}\d[\d\s/().-]{4,}")
_LETTERS = re.compile(r"[^\W\d_]+")
_MARKS = dict.fromkeys(map(ord, ".,:;()[]/-–'\"’"), " ")
_TITLE_WORDS = frozenset(w.lower() for w in _LETTERS.findall(_TITLES)) | {"m", "mm", "κ"}
_ROLE_WORDS = frozenset(w for w in _LETTERS.findall(_ROLES) if len(w) > 2)

_NOT_NAMES: Final = words(_PERSONS["not_names"])


def redact(text: str, *, names: bool = True) -> tuple[str, dict[str, int]]:
    """Return a text without personal data, and how many pieces of each kind were taken out."""
    found: dict[str, int] = {}
    if _AT.search(text):
        text = _replace(_EMAIL, text, "e-mail address", found)
    if _DIGITS.search(text) or _IBAN.search(text):
        text = _replace(_IBAN, text, "bank account", found)
        text = _replace(_PHONE, text, "telephone number", found)
    if names:
        said = set(text.lower().translate(_MARKS).split())
        if said & _TITLE_WORDS:
            text = _replace(_TITLED, text, "name of a person", found)
        if said & _ROLE_WORDS:
            text = _replace(_IN_ROLE, text, "name of a person", found)
    return text, found


def _replace(pattern: re.Pattern[str], text: str, kind: str, found: dict[str, int]) -> str:
    def remove(hit: re.Match[str]) -> str:
        said = hit[hit.lastindex or 0]  # what is after the role, where the pattern sets it apart
        if not _CONFIRMED.get(kind, bool)(said):
            return hit[0]
        found[kind] = found.get(kind, 0) + 1
        return hit[0].removesuffix(said) + REMOVED[kind]

    return pattern.sub(remove, text)


def _is_iban(text: str) -> bool:
    """Return whether the check digits of an account number are right (ISO 13616, remainder 1 of 97)."""
    plain_text = re.sub(r"[ -]", "", text).upper()
    return int("".join(str(int(c, 36)) for c in plain_text[4:] + plain_text[:4])) % 97 == 1


_CONFIRMED: Final[dict[str, Callable[[str], bool]]] = {
    "telephone number": lambda said: 7 <= sum(map(str.isdigit, said)) <= 17,
    "bank account": _is_iban,
    "name of a person": lambda said: not _NOT_NAMES & set(plain(said).split()),
}
"""Whether what a pattern has found is what it looks for."""


_FREE: Final = frozenset(
    {"needs", "offers", "note", "summary", "boundary_note", "basis", "activity"}
)
_NEVER: Final = frozenset({"id", "country", "nuts3", "label_awarded", "date", "of"})
CONTACT_WORDS: Final = words(_PERSONS["contacts"])


def is_contact(header: str) -> bool:
    """Return whether a header announces contact data of a person."""
    said = plain(header)
    phrases = ("e mail", "first name", "last name", "filled in by")
    return bool(CONTACT_WORDS & set(said.split())) or any(phrase in said for phrase in phrases)


def without_personal_data(record: Record) -> tuple[Record, list[Problem]]:
    """Return the record with personal data taken out of its texts, and a warning for each text that had some."""
    problems: list[Problem] = []
    data = _clean(record.data, "", record, problems)
    return (replace(record, data=data), problems) if problems else (record, [])


def _clean(value: Any, path: str, record: Record, problems: list[Problem]) -> Any:
    name = path.rpartition(".")[2]
    if isinstance(value, dict):
        start = f"{path}." if path else ""
        return {k: _clean(item, f"{start}{k}", record, problems) for k, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item, path, record, problems) for item in value]
    if not isinstance(value, str) or len(value) < 6 or name in _NEVER:
        return value
    if value.replace("_", "").isalpha():  # one word, such as a code
        return value
    text, found = redact(value, names=name in _FREE)
    if found:
        problems.append(_told(found, record.place(path)))
    return text


def _told(found: dict[str, int], where: Where) -> Problem:
    kinds = ", ".join(f"{n} × {kind}" for kind, n in sorted(found.items()))
    said = say("Personal data was found and taken out of this text: {kinds}.", kinds=kinds)
    do = say("Keep contacts in a list of their own; look once more for names that stand alone.")
    return Problem("personal-data", said, where, do, "warning")


def safe(problem: Problem) -> Problem:
    """Return a problem whose words repeat no personal data."""
    found, do = redact(problem.found)[0], redact(problem.do)[0]
    column = redact(problem.where.column, names=False)[0]
    if (found, do, column) == (problem.found, problem.do, problem.where.column):
        return problem
    where = replace(problem.where, column=column)
    return replace(problem, found=found, do=do, where=where)
