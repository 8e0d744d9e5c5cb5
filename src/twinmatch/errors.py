"""Every error on purpose: a code, what was found, where, and what to do.

Nothing here imports anything of the house, so every part can raise these.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, Self


@dataclass(frozen=True, order=True)
class Where:
    """A place in the input: file, sheet, row (1 is the first), column or field. Empty parts are not known."""

    file: str = ""
    sheet: str = ""
    row: int = 0
    column: str = ""

    def __str__(self) -> str:
        parts = [self.file]
        if self.sheet:
            parts.append(f"sheet {self.sheet!r}")
        if self.row:
            parts.append(f"row {self.row}")
        if self.column:
            parts.append(self.column)
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: a stable code, what was found, where it stands, what to do about it.

    An ``error`` stops, a ``warning`` is a doubt that somebody should look at, a ``note`` tells what was done.
    """

    code: str
    found: str
    where: Where = Where()
    do: str = ""
    level: Literal["error", "warning", "note"] = "error"

    def __str__(self) -> str:
        place = str(self.where)
        text = f"{place}: {self.found}" if place else self.found
        return f"{text} {self.do}".rstrip() if self.do else text

    def plain(self) -> dict[str, Any]:
        """Return the problem as JSON has it, on every door."""
        return {
            "code": self.code,
            "found": self.found,
            **asdict(self.where),
            "do": self.do,
            "level": self.level,
        }

    @classmethod
    def from_plain(cls, said: Mapping[str, Any]) -> Problem:
        """Return the problem that :meth:`plain` has written."""
        place = {f.name: said[f.name] for f in fields(Where) if f.name in said}
        rest = {name: said[name] for name in ("code", "found", "do", "level") if name in said}
        return cls(where=Where(**place), **rest)


def grouped(problems: Iterable[Problem]) -> list[Problem]:
    """Return one problem for each cause: of more than two alike in a column, the first three and where the others are."""
    alike: dict[tuple[str, ...], list[Problem]] = {}
    for k, problem in enumerate(problems):
        where = problem.where
        place = where.column if where.row else str(k)
        key = (problem.level, problem.code, where.file, where.sheet, place)
        alike.setdefault(key, []).append(problem)
    found = []
    for same in alike.values():
        if len(same) < 3:
            found += same
            continue
        first = " ".join(dict.fromkeys(p.found for p in same[:3]))
        rows = list(dict.fromkeys(str(p.where.row) for p in same if p.where.row))
        places = f" in rows {', '.join(rows[:10])}{' …' if len(rows) > 10 else ''}" if rows else ""
        found.append(replace(same[0], found=f"{first} {len(same)} such{places}."))
    return found


class TwinmatchError(Exception):
    """The base of all errors on purpose; carries every problem found, in a fixed order."""

    exit_code = 2

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(str(p) for p in self.problems))

    @classmethod
    def of(cls, code: str, found: str, where: Where = Where(), do: str = "") -> Self:
        """Return the error of one problem."""
        return cls(Problem(code, found, where, do))


class DataError(TwinmatchError):
    """The data given cannot be used; exit code 2."""


class QuestionError(TwinmatchError):
    """The question asked (a city, a rule, an option) cannot be answered as it stands; exit code 2."""


class NoProposalError(TwinmatchError):
    """No proposal fits the rules; the problems say which rules and places are short; exit code 3."""

    exit_code = 3
