"""The sheet Decisions of a proposal's workbook, as a coordinator filled it: which pairs to lock and which to refuse."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from twinmatch.cohort import nearest
from twinmatch.errors import DataError, Problem, Where
from twinmatch.reading import read_grids
from twinmatch.reading.grid import Grid, text

Word = Literal["lock", "ban", "reject"]

SHEET: Final = "Decisions"
GUEST, HOST, DECISION, NOTE = "Guest id", "Host id", "Decision", "Note"
GUEST_NAME, HOST_NAME, SCORE = "Guest", "Host", "Points of 100"
WORDS: Final[dict[str, Word | None]] = {
    "": None,
    "keep": None,
    "lock": "lock",
    "ban": "ban",
    "reject": "reject",
}
"""What may stand in the column Decision; none where nothing is asked."""


@dataclass(frozen=True)
class SheetDecision:
    """A decision on a pair: guest and host as they were written, the word, the note, and where it stands."""

    guest: str
    host: str
    word: Word
    note: str
    where: Where


@dataclass(frozen=True)
class DecisionSheet:
    """The decisions of a workbook in the order of its rows, and further rows that name something but decide nothing."""

    found: tuple[SheetDecision, ...]
    undecided: tuple[int, ...] = ()


def read_decisions(path: Path) -> DecisionSheet:
    """Return the decisions of a workbook; cities stand by id or, where there is none, by name.

    Raises DataError with every problem, each with its row and column.
    """
    grid = _sheet(path)
    heads, problems = _heads(grid)
    if problems:
        raise DataError(problems)
    found: list[SheetDecision] = []
    undecided = []
    for row, cells in grid.rows[1:]:
        said = {head: text(cells[k]) if k < len(cells) else "" for head, k in heads.items()}
        for id_, name in ((GUEST, GUEST_NAME), (HOST, HOST_NAME)):
            said[id_] = said[id_] or said.get(name, "")
        if problem := _problem(grid, row, said):
            problems.append(problem)
        elif word := WORDS[said[DECISION].casefold()]:
            where, note = grid.at(row, DECISION), said.get(NOTE, "")
            found.append(SheetDecision(said[GUEST], said[HOST], word, note, where))
        elif not said[DECISION] and not said.get(SCORE) and any(said.values()):
            undecided.append(row)
    problems += _contradictions(found)
    if problems:
        raise DataError(problems)
    return DecisionSheet(tuple(found), tuple(undecided))


def _sheet(path: Path) -> Grid:
    grids = read_grids(path)
    for grid in grids:
        if grid.sheet.casefold() == SHEET.casefold() and grid.rows:
            return grid
    found = f"The workbook has no sheet {SHEET!r}."
    names = ", ".join(g.sheet for g in grids)
    do = f"Its sheets: {names}. Take the proposal.xlsx that twinmatch wrote."
    raise DataError.of("no-decisions", found, Where(path.name), do)


def _heads(grid: Grid) -> tuple[dict[str, int], list[Problem]]:
    """Return where each column stands, whatever their order; those that are missing are problems."""
    all_heads = (GUEST, HOST, DECISION, NOTE, GUEST_NAME, HOST_NAME, SCORE)
    known = {head.casefold(): head for head in all_heads}
    cells = [text(cell).casefold() for cell in grid.rows[0][1]]
    heads = {known[cell]: k for k, cell in enumerate(cells) if cell in known}
    missing = [head for head in (GUEST, HOST, DECISION) if head not in heads]
    return heads, [
        Problem("column-missing", f"There is no column {head!r}.", grid.at(1, head), "Put it back.")
        for head in missing
    ]


def _problem(grid: Grid, row: int, said: dict[str, str]) -> Problem | None:
    word = said[DECISION]
    if word.casefold() not in WORDS:
        known = {w: w for w in WORDS if w}
        hint = nearest(word.casefold(), known) or f"Use one of: {', '.join(known)}."
        found = f"{word!r} is no decision."
        return Problem("decision-unknown", found, grid.at(row, DECISION), hint)
    if WORDS[word.casefold()] and not (said[GUEST] and said[HOST]):
        empty = GUEST if not said[GUEST] else HOST
        found = f"A decision {word!r} without a {empty.lower()}."
        do = "Name both cities of the pair, or clear the decision."
        return Problem("pair-incomplete", found, grid.at(row, empty), do)
    return None


def _contradictions(found: list[SheetDecision]) -> list[Problem]:
    """Return a problem for every pair that is locked in one row and refused in another."""
    seen: dict[tuple[str, str], SheetDecision] = {}
    problems = []
    for decision in found:
        first = seen.setdefault((decision.guest.casefold(), decision.host.casefold()), decision)
        if (first.word == "lock") != (decision.word == "lock"):
            names = f"{decision.guest} and {decision.host}"
            said = f"{names}: {decision.word!r} here, but {first.word!r} in row {first.where.row}."
            problems.append(Problem("decisions-clash", said, decision.where, "Keep one of them."))
    return problems
