"""Decisions of a coordinator on a proposal, read from its workbook, and what they changed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from twinmatch.app.pairs import found_host
from twinmatch.cohort import Cohort
from twinmatch.errors import Problem, QuestionError, TwinmatchError
from twinmatch.exporting.json_file import read_proposal
from twinmatch.proposal import Proposal
from twinmatch.reading.decision_sheet import SHEET, Decision, read_decisions
from twinmatch.whatif.difference import difference

Pair = tuple[str, str]


@dataclass(frozen=True)
class Decided:
    """Locks and bans by id, in words, and the proposal that they were made on, where it is known."""

    lock: tuple[Pair, ...]
    ban: tuple[Pair, ...]
    says: str
    earlier: Proposal | None

    def changes(self, after: Proposal) -> tuple[str, ...]:
        """Return in words what was decided, and how the new proposal differs from the earlier one."""
        if self.earlier is None:
            none = (
                "No earlier proposal.json lies beside it or was named, so what changed is not told."
            )
            return (self.says, none)
        lines = []
        for word, before, now in zip(
            ("locked", "refused"), self.earlier.wanted, after.wanted, strict=True
        ):
            if gone := [pair for pair in before if pair not in now and pair[::-1] not in now]:
                lines.append(f"No longer {word}: {', '.join('='.join(pair) for pair in gone)}.")
        for product in difference(self.earlier, after).products:
            told = " ".join((*product.says, *(moved.says for moved in product.moved)))
            if told:
                lines.append(f"Since the earlier proposal, {product.title.lower()}: {told}")
        return (self.says, *(lines or ("Nothing else changed since the earlier proposal.",)))


def decided(file: Path, cohort: Cohort, previous: Path | None = None) -> Decided:
    """Return the decisions of a workbook for a cohort.

    The earlier proposal is ``previous``, or the proposal.json beside the workbook where there is one. Raises
    DataError for a wrong sheet, and QuestionError with every guest and host that the cohort does not have.
    """
    read = read_decisions(file)
    found = read.found
    pairs, problems = _resolved(found, cohort)
    if problems:
        raise QuestionError(problems)
    lock = tuple(pair for pair, d in zip(pairs, found, strict=True) if d.word == "lock")
    ban = tuple(pair for pair, d in zip(pairs, found, strict=True) if d.word != "lock")
    beside = previous or file.parent / "proposal.json"
    earlier = read_proposal(beside) if previous or beside.is_file() else None
    return Decided(lock, ban, _says(file, lock, ban, read.undecided), earlier)


def _says(
    file: Path, lock: tuple[Pair, ...], ban: tuple[Pair, ...], undecided: tuple[int, ...]
) -> str:
    parts = [
        f"{len(pairs)} {word} ({', '.join('='.join(pair) for pair in pairs)})"
        for pairs, word in ((lock, "locked"), (ban, "refused"))
        if pairs
    ]
    says = f"Decisions of {file.name}: {'; '.join(parts)}." if parts else ""
    if undecided:
        rows = ", ".join(map(str, undecided))
        says += f" Without a decision, so nothing was asked for: row {rows} of {SHEET}."
    return says.strip() or f"{file.name} has no decision."


def _resolved(found: tuple[Decision, ...], cohort: Cohort) -> tuple[list[Pair], list[Problem]]:
    """Return the pairs by id, and for every name that the cohort does not have a problem with its place."""
    pairs, problems = [], []
    for decision in found:
        ids = []
        for name, find in (
            (decision.guest, cohort.city),
            (decision.host, partial(found_host, cohort)),
        ):
            try:
                ids.append(find(name).id)
            except TwinmatchError as error:
                problems += [Problem(p.code, p.found, decision.where, p.do) for p in error.problems]
        if len(ids) == 2:
            pairs.append((ids[0], ids[1]))
    return pairs, problems
