"""Every error on purpose: a code, what was found, where, and what to do.

Nothing here imports anything of the house but the wording, when a text is made, so that help starts without it.
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

    @property
    def says(self) -> str:
        """Return the place as a text."""
        from twinmatch.wording import joined, say

        sheet = say("sheet {sheet}", sheet=repr(self.sheet)) if self.sheet else ""
        row = say("row {row}", row=self.row) if self.row else ""
        return joined(filter(None, (self.file, sheet, row, self.column)), ", ")

    def __str__(self) -> str:
        return str(self.says)


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

    @property
    def says(self) -> str:
        """Return the problem as a text: the place, what was found, what to do."""
        from twinmatch.wording import joined

        place = self.where.says
        text = joined((place, self.found), ": ") if place else self.found
        return joined((text, self.do)) if self.do else text

    def __str__(self) -> str:
        return str(self.says).rstrip()

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
    from twinmatch.wording import joined, say

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
        told: dict[str, Any] = {
            "n": len(same),
            "first": joined(dict.fromkeys(p.found for p in same[:3])),
        }
        rows = list(dict.fromkeys(str(p.where.row) for p in same if p.where.row))
        told["rows"] = ", ".join(rows[:10]) + (" …" if len(rows) > 10 else "")
        in_rows = say("{first} {n} such in rows {rows}.", **told)
        found.append(replace(same[0], found=in_rows if rows else say("{first} {n} such.", **told)))
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
