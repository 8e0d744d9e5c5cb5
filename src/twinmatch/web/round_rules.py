"""The rules of a round's twinning beside its result: shown as fields and sliders, tried, kept, taken away as a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from twinmatch.errors import Problem, QuestionError
from twinmatch.files import toml_text
from twinmatch.programmes.programme import Programme, programme_model
from twinmatch.programmes.twinning import Twinning
from twinmatch.proposal import Proposal
from twinmatch.whatif.case import Case, Outcome, open_case

NUMBERS: Final = (
    "places",
    "guests_per_country",
    "pairs_per_host_country",
    "hosts_per_guest",
    "once_hosting",
)
"""Rules that are a number or nothing."""

NEWCOMER: Final = "newcomer"


@dataclass(frozen=True)
class Tried:
    """A round under other rules: what that changes against the proposal, and the whole programme as a file."""

    outcome: Outcome
    comparable: bool
    """Whether scores mean the same before and after: they do unless weights were changed."""
    filled: int
    toml: str


def rules_of(made: Proposal) -> dict[str, Any]:
    """Return the twinning's settings as they were used, its newcomers, and the programme as a file; None without twinning."""
    programme = programme_in(made)
    settings = programme.twinning
    if settings is None:
        return {"settings": None}
    newcomers = next((q.at_least for q in settings.overall if q.who == NEWCOMER), None)
    total = sum(settings.weights.values()) or 1.0
    return {
        "settings": settings,
        "numbers": NUMBERS,
        "newcomers": newcomers,
        "weights": {name: round(100 * w / total) for name, w in settings.weights.items()},
    }


def programme_in(made: Proposal) -> Programme:
    """Return the programme that a proposal was made from; raises QuestionError where this version knows it no longer."""
    settings = (made.made_from.get("programme") or {}).get("settings") or {}
    return _checked(settings)


def _checked(settings: Mapping[str, Any]) -> Programme:
    try:
        return programme_model().model_validate(settings)
    except ValidationError as error:
        told = [
            Problem("rule-wrong", f"{'.'.join(map(str, e['loc']))}: {e['msg']}")
            for e in error.errors()[:20]
        ]
        raise QuestionError(told) from error


def with_rules(made: Proposal, form: Mapping[str, str]) -> Programme:
    """Return the programme of a proposal with what a form says of its twinning; raises QuestionError with all that is wrong."""
    programme = programme_in(made)
    if programme.twinning is None:
        raise QuestionError(Problem("no-twinning", "This round has no twinning."))
    plain = programme.twinning.model_dump(mode="json", exclude_none=True)
    for name in NUMBERS:
        plain.pop(name, None)
        if text := form.get(name, "").strip():
            plain[name] = _number(name, text)
    plain["guests_per_host"] = [_number(n, form.get(n, "0")) for n in ("host_least", "host_most")]
    plain["known_at_least"] = _number("known_at_least", form.get("known_at_least", "25")) / 100
    overall = [q for q in plain.get("overall", ()) if q["who"] != NEWCOMER]
    if text := form.get("newcomers", "").strip():
        overall.append({"who": NEWCOMER, "at_least": _number("newcomers", text)})
    plain["overall"] = overall
    weights = {
        name: _number(name, form.get(f"w-{name}", "0")) for name in programme.twinning.weights
    }
    kept = rules_of(made)["weights"]
    if weights != kept:
        plain["weights"] = {name: float(w) for name, w in weights.items()}
    settings = programme.model_dump(mode="json", exclude_none=True)
    return _checked({**settings, "twinning": plain})


def _number(name: str, text: str) -> int:
    if not text.strip().isdecimal() or len(text.strip()) > 6:
        found = f"{name}: {text[:20]!r} is no whole number."
        raise QuestionError(Problem("rule-wrong", found, do="Write a number, or leave it empty."))
    return int(text)


def tried(held: Case, programme: Programme) -> Tried:
    """Return what other rules change against the twinning of a proposal; raises NoProposalError where nothing keeps them."""
    settings = programme.twinning
    assert isinstance(settings, Twinning)
    after = open_case(held.round, settings)
    met = {
        (after.guest_id(g), after.hosts[h].id)
        for g in range(len(after.ready.frame.guests))
        for h in after.host_of(g)
    }
    chosen = held.ready.frame.pairs(lambda h, g: (held.round.id(g), h.id) in met)
    outcome = held.outcome((chosen, after.solution))
    same = settings.weights == held.settings.weights
    return Tried(outcome, same, after.filled, toml(programme))


def toml(programme: Programme) -> str:
    """Return a programme as the text of a programme file, with what differs from the defaults."""
    plain = programme.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    if (
        programme.city_panels is not None
    ):  # a table without its weights would be a change to the bundled one
        plain["city_panels"]["mix"] = programme.city_panels.mix
    tables = {k: v for k, v in plain.items() if isinstance(v, dict)}
    lines = [f"{k} = {_value(v)}" for k, v in plain.items() if k not in tables]
    for name, table in tables.items():
        lines += ["", f"[{name}]", *(f"{_key(k)} = {_value(v)}" for k, v in table.items())]
    return "\n".join(lines).strip() + "\n"


def _key(name: str) -> str:
    return name if name.isidentifier() and name.isascii() else toml_text(name)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return toml_text(value) if isinstance(value, str) else json.dumps(value)
