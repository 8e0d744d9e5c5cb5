"""What is decided about a round before it is solved: one carrier for all who decide, and names resolved in one place.

Decisions come from options of the command line, the sheet Decisions of a proposal's workbook as a coordinator filled
it, or a run of the store.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal, get_args

from pydantic import ValidationError

from twinmatch.cohort import Cohort, nearest
from twinmatch.errors import DataError, Problem, QuestionError, TwinmatchError, Where
from twinmatch.exporting.folder_files import read_proposal
from twinmatch.exporting.spreadsheet import RULE_FIELDS, RULE_SHEET, rules_said
from twinmatch.programmes.programme import Programme
from twinmatch.proposal import Pairs, Proposal, count
from twinmatch.reading import read_grids
from twinmatch.reading.grid import Grid, text
from twinmatch.validate import as_sentence
from twinmatch.whatif.difference import difference
from twinmatch.wording import LANGUAGES, say, spoken


@dataclass(frozen=True)
class Decided:
    """What one source decided: pairs of guest and host by id or name, and the proposal that it was decided on."""

    lock: Pairs = ()
    ban: Pairs = ()
    past: Pairs = ()
    """Pairs of earlier rounds, which do not meet again."""
    refused: tuple[str, ...] = ()
    """Applicants of earlier rounds for whom there was no place, by id."""
    earlier: Proposal | None = None
    """The earlier proposal: of equally good answers the one nearest to it is taken."""
    lifted: Pairs = ()
    """Locks and bans of the programme that were decided otherwise since."""
    rejected: tuple[str, ...] = ()
    """Meetings of groups that were rejected: no rule keeps those from being made again."""
    names: Mapping[str, str] = field(default_factory=dict)
    """The names that groups were given, by the id of the meeting."""
    splits: Mapping[str, int] = field(default_factory=dict)
    """Into how many groups a theme is split, such as {"discussion_groups:heat": 2}."""
    rules: Mapping[str, Sequence[tuple[Where, dict[str, Any]]]] = field(default_factory=dict)
    """The rules on kinds of cities of the formats that were changed in the workbook, each with its place."""
    sheet: str = ""
    """The name of the workbook, where it was read from one."""
    undecided: tuple[int, ...] = ()
    """Rows of the sheet that say something, but no decision."""
    run: str = ""
    """The id of the run of the store, where it was read from there."""
    made_from: Mapping[str, Any] = field(default_factory=dict)
    """What that run was made from."""

    def notes(self, after: Proposal) -> tuple[str, ...]:
        """Return in words what was decided, and how the new proposal differs from the earlier one."""
        if self.run:
            return (self._of_run(after.made_from),)
        return (self._of_sheet(), *self._changes(after)) if self.sheet else ()

    def _of_run(self, now: Mapping[str, Any]) -> str:
        other = [
            word
            for word, same in (
                ("other profiles", self.made_from.get("data") == now.get("data")),
                ("another programme", _beside_pairs(self.made_from) == _beside_pairs(now)),
            )
            if not same
        ]
        says = f"Run {self.run}: {count(len(self.lock), 'lock')} and {count(len(self.ban), 'refusal')} hold as decided"
        says += f"; it was made from {' and '.join(other)}." if other else "."
        if self.lifted:
            says += f" No longer asked for: {_listed(self.lifted)}."
        if self.rejected:
            says += f" Rejected, but only pairs can be kept from being made again: {', '.join(self.rejected)}."
        return says

    def _of_sheet(self) -> str:
        parts = [
            f"{len(pairs)} {word} ({_listed(pairs)})"
            for pairs, word in ((self.lock, "locked"), (self.ban, "refused"))
            if pairs
        ]
        says = f"Decisions of {self.sheet}: {'; '.join(parts)}." if parts else ""
        for product, rules in self.rules.items():
            says += f" {count(len(rules), 'rule')} of {product} from {RULE_SHEET}."
        if self.undecided:
            rows = ", ".join(map(str, self.undecided))
            says += f" Without a decision, so nothing was asked for: row {rows} of {SHEET}."
        return says.strip() or f"{self.sheet} has no decision."

    def _changes(self, after: Proposal) -> Iterator[str]:
        if self.earlier is None:
            yield "No earlier proposal.json lies beside it or was named, so changes are not listed."
            return
        lines = []
        for word, before, now in zip(
            ("locked", "refused"), self.earlier.wanted, after.wanted, strict=True
        ):
            if gone := [pair for pair in before if pair not in now and pair[::-1] not in now]:
                lines.append(f"No longer {word}: {_listed(gone)}.")
        for product in difference(self.earlier, after).products:
            says = " ".join((*product.says, *(moved.says for moved in product.moved)))
            if says:
                lines.append(f"Since the earlier proposal, {product.title.lower()}: {says}")
        yield from lines or ("Nothing else changed since the earlier proposal.",)


def _listed(pairs: Sequence[tuple[str, str]]) -> str:
    return ", ".join("=".join(pair) for pair in pairs)


def _beside_pairs(made_from: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a programme without the pairs that decisions and past rounds add."""
    settings = dict((made_from.get("programme") or {}).get("settings") or {})
    if twinning := settings.get("twinning"):
        settings["twinning"] = {
            k: v for k, v in twinning.items() if k not in ("lock", "ban", "past", "refused_before")
        }
    return {k: v for k, v in settings.items() if k != "name"}


def read_sheet(file: Path, cohort: Cohort, earlier: Proposal | None = None) -> Decided:
    """Return the decisions of a workbook; the earlier proposal is the one given, else proposal.json beside the workbook.

    Raises DataError for a wrong sheet, and QuestionError with every guest and host that the cohort does not have.
    """
    beside = file.parent / "proposal.json"
    if earlier is None and beside.is_file():
        earlier = read_proposal(beside)
    rules = _rules_in(read_grids(file), earlier)
    try:
        sheet = decisions_of(file, cohort)
    except DataError as error:  # a round without pairs has rules alone to be changed
        if not rules or {p.code for p in error.problems} != {"no-decisions"}:
            raise
        sheet = DecisionSheet(())
    lock = [(d.guest, d.host) for d in sheet.found if d.word not in REFUSED]
    ban = [(d.guest, d.host) for d in sheet.found if d.word in REFUSED]
    return Decided(
        tuple(lock),
        tuple(ban),
        earlier=earlier,
        rules=rules,
        sheet=file.name,
        undecided=sheet.undecided,
    )


Rules = dict[str, list[tuple[Where, dict[str, Any]]]]
"""The rules on kinds of cities by format, each with its place."""


def _rules_in(grids: Sequence[Grid], earlier: Proposal | None) -> Rules:
    """Return the rules on kinds of cities of the formats whose rows say another thing than the earlier proposal had."""
    names = {spoken(RULE_SHEET, code).casefold() for code in LANGUAGES}
    grid = next((g for g in grids if g.sheet.casefold() in names and g.rows), None)
    if grid is None:
        return {}
    known = {spoken(n, code): n for n in ("format", *RULE_FIELDS) for code in LANGUAGES}
    heads = [known.get(text(cell), text(cell)) for cell in grid.rows[0][1]]
    rows = (
        (grid.at(row), dict(zip(heads, map(text, cells), strict=False)))
        for row, cells in grid.rows[1:]
    )
    return rules_changed(rows, earlier.made_from if earlier else {})


def rules_changed(
    rows: Iterable[tuple[Where, Mapping[str, str]]], made_from: Mapping[str, Any]
) -> Rules:
    """Return the rules of the formats of which the rows say another thing than a proposal was made under."""
    found: Rules = {}
    for where, said in rows:
        rule = {name: cell for name, cell in said.items() if cell and name != "format"}
        if rule:
            found.setdefault(said.get("format", ""), []).append((where, rule))
    before: dict[str, list[dict[str, str]]] = {}
    for product, asked in rules_said(made_from):
        before.setdefault(product, []).append(shown_rule(asked))
    return {
        product: found.get(product, [])
        for product in {**before, **found}
        if before.get(product) != [rule for _, rule in found.get(product, [])]
    }


def shown_rule(rule: Mapping[str, Any]) -> dict[str, str]:
    """Return the parts of a rule that say something, as texts."""
    plain = {k: "yes" if v is True else text(v) for k, v in rule.items() if v is not False}
    return {k: v for k, v in plain.items() if v}


def with_rules_changed(programme: Programme, decided: Sequence[Decided]) -> Programme:
    """Return the programme with rules that were changed; raises QuestionError with every row that says no rule."""
    changed: dict[str, Any] = {}
    problems = []
    for product, rules in ((p, r) for one in decided for p, r in one.rules.items()):
        settings: Any = getattr(programme, product) if product in programme.products else None
        if not hasattr(settings, "rules"):
            found = say("{name} is no format with rules of this round.", name=repr(product))
            do = say("Write one of: {names}.", names=", ".join(programme.products))
            problems += [Problem("rule-wrong", found, where, do) for where, _ in rules[:1]]
            continue
        once: dict[str, Any] = {"overall": (), "per_host": ()} if product == "twinning" else {}
        plain = settings.model_dump(mode="json", exclude_none=True) | once
        try:
            changed[product] = type(settings).model_validate(
                {**plain, "rules": [rule for _, rule in rules]}
            )
        except ValidationError as error:
            for wrong in error.errors():
                at = wrong["loc"][1] if len(wrong["loc"]) > 1 else 0
                where = rules[at if isinstance(at, int) else 0][0]
                column = str(wrong["loc"][2]) if len(wrong["loc"]) > 2 else ""
                where = replace(where, column=column)
                problems.append(Problem("rule-wrong", as_sentence(wrong), where))
    if problems:
        raise QuestionError(problems)
    return programme.model_copy(update=changed)


def decisions_of(file: Path, cohort: Cohort) -> DecisionSheet:
    """Return the decisions of a workbook on pairs by id; raises DataError and QuestionError as :func:`read_sheet` does."""
    sheet = read_decisions(file)
    pairs = _resolved([((d.guest, d.host), d.where) for d in sheet.found], cohort)
    found = (
        replace(d, guest=guest, host=host)
        for d, (guest, host) in zip(sheet.found, pairs, strict=True)
    )
    return replace(sheet, found=tuple(found))


def group_of(pair: tuple[str, str]) -> tuple[str, str] | None:
    """Return product and group of a city that is locked in a group, such as de-x and discussion_groups:heat."""
    product, colon, group = pair[1].partition(":")
    return (product, group) if colon else None


def groups_wanted(made_from: Mapping[str, Any]) -> Pairs:
    """Return the cities that are locked in groups by the settings that a proposal was made from, as decisions have them."""
    settings = (made_from.get("programme") or {}).get("settings") or {}
    return tuple(
        (str(city), f"{product}:{group}")
        for product, part in settings.items()
        if product != "twinning" and isinstance(part, dict)
        for city, group in part.get("lock") or ()
    )


def bare(programme: Programme, made_from: Mapping[str, Any]) -> Programme:
    """Return a programme without what the page decides on groups: locks, names and splits."""
    products = {group[0] for pair in groups_wanted(made_from) if (group := group_of(pair))}
    changed: dict[str, Any] = {"names": {}}
    for name in programme.products:
        settings = getattr(programme, name)
        empty: dict[str, Any] = {"lock": ()} if name in products else {}
        if hasattr(settings, "split"):
            empty["split"] = {}
        changed[name] = settings.model_copy(update=empty)
    return programme.model_copy(update=changed)


def _with_splits(programme: Programme, decided: Sequence[Decided]) -> Programme:
    """Return the programme with the names of groups that were given, and themes split into as many as was decided."""
    changed: dict[str, Any] = {"names": dict(programme.names)}
    for one in decided:
        changed["names"] |= one.names
        for theme, number in one.splits.items():
            product, _, key = theme.partition(":")
            settings: Any = changed.get(product) or getattr(programme, product, None)
            if hasattr(settings, "split"):
                split = {**settings.split, key: number}
                changed[product] = settings.model_copy(update={"split": split})
    return programme.model_copy(update=changed)


def _with_groups(programme: Programme, decided: Sequence[Decided]) -> Programme:
    """Return the programme with the cities that were locked in groups; raises QuestionError where it has no such groups."""
    asked = [pair for one in decided for pair in one.lock if group_of(pair)]
    lifted = {pair for one in decided for pair in one.lifted if group_of(pair)}
    changed: dict[str, Any] = {}
    for product in dict.fromkeys(pair[1].partition(":")[0] for pair in (*asked, *lifted)):
        settings: Any = getattr(programme, product, None)
        if not hasattr(settings, "lock"):
            found = say(
                "This programme has no {product} for a city that is locked in one of them.",
                product=product,
            )
            raise QuestionError.of("no-groups", found, do=say("Release the lock."))
        own = [(city, f"{product}:{group}") for city, group in settings.lock]
        held = dict(pair for pair in (*own, *asked) if pair not in lifted)  # the last word counts
        start = f"{product}:"
        locks = tuple((c, g.removeprefix(start)) for c, g in held.items() if g.startswith(start))
        changed[product] = settings.model_copy(update={"lock": locks})
    return programme.model_copy(update=changed) if changed else programme


def with_decided(programme: Programme, decided: Sequence[Decided], cohort: Cohort) -> Programme:
    """Return the programme with what was decided on its twinning pairs, by id.

    Raises QuestionError where a name is not known or means several cities, and where there is no twinning to decide on.
    """
    programme = with_rules_changed(programme, decided)
    programme = _with_splits(_with_groups(programme, decided), decided)
    lock, ban = (
        _resolved(
            [(p, Where()) for one in decided for p in getattr(one, name) if not group_of(p)], cohort
        )
        for name in ("lock", "ban")
    )
    lifted = {pair for one in decided for pair in one.lifted}
    past = {pair for one in decided for pair in one.past}
    twinning = programme.twinning
    if twinning is None:
        if lock or ban:
            found = say("Locks and bans are about twinning, which this programme does not have.")
            raise QuestionError.of("no-twinning", found, do=say("Add [twinning]."))
        return programme
    own = {name: cohort.by_id(getattr(twinning, name)) for name in ("lock", "ban", "past")}
    changed: dict[str, Any] = {
        name: tuple(dict.fromkeys((*(p for p in own[name] if p not in lifted), *more)))
        for name, more in (("lock", lock), ("ban", ban))
    }
    changed["past"] = (*own["past"], *sorted(past - {*changed["lock"], *own["past"]}))
    if twinning.refused_before_points is not None:
        refused = (*twinning.refused_before, *(name for one in decided for name in one.refused))
        changed["refused_before"] = tuple(dict.fromkeys(refused))
    return programme.model_copy(update={"twinning": twinning.model_copy(update=changed)})


def _resolved(
    asked: Sequence[tuple[tuple[str, str], Where]], cohort: Cohort
) -> list[tuple[str, str]]:
    """Return pairs of cities or host units by id; raises QuestionError with every name that is not known, with its place."""
    pairs, problems = [], []
    for pair, where in asked:
        ids = []
        for name in pair:
            try:
                ids.append(cohort.host_named(name).id)
            except TwinmatchError as error:
                problems += [Problem(p.code, p.found, where, p.do) for p in error.problems]
        pairs.append((ids[0], ids[-1]) if ids else pair)
    if problems:
        raise QuestionError(problems)
    return pairs


Word = Literal["accept", "reject", "hold", "lock", "ban"]
REFUSED: Final = ("reject", "ban")

SHEET: Final = "Decisions"
GUEST, HOST, DECISION, NOTE = "Guest id", "Host id", "Decision", "Note"
GUEST_NAME, HOST_NAME, SCORE = "Guest", "Host", "Points of 100"
WORDS: Final[dict[str, Word | None]] = {
    "": None,
    "keep": None,
    **{word: word for word in get_args(Word)},
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
    grid, code = _sheet(path)
    heads, problems = _heads(grid, code)
    words = WORDS | {spoken(said, code).casefold(): word for said, word in WORDS.items()}
    if problems:
        raise DataError(problems)
    found: list[SheetDecision] = []
    undecided = []
    for row, cells in grid.rows[1:]:
        said = {head: text(cells[k]) if k < len(cells) else "" for head, k in heads.items()}
        for id_, name in ((GUEST, GUEST_NAME), (HOST, HOST_NAME)):
            said[id_] = said[id_] or said.get(name, "")
        if problem := _problem(grid, row, said, words):
            problems.append(problem)
        elif word := words[said[DECISION].casefold()]:
            where, note = grid.at(row, DECISION), said.get(NOTE, "")
            found.append(SheetDecision(said[GUEST], said[HOST], word, note, where))
        elif not said[DECISION] and not said.get(SCORE) and any(said.values()):
            undecided.append(row)
    problems += _contradictions(found)
    if problems:
        raise DataError(problems)
    return DecisionSheet(tuple(found), tuple(undecided))


def _sheet(path: Path) -> tuple[Grid, str]:
    """Return the sheet of decisions, and the language that the workbook is in."""
    grids = read_grids(path)
    for code in LANGUAGES:
        for grid in grids:
            if grid.sheet.casefold() == spoken(SHEET, code).casefold() and grid.rows:
                return grid, code
    found = say("The workbook has no sheet {SHEET}.", SHEET=repr(SHEET))
    names = ", ".join(g.sheet for g in grids)
    do = say("Its sheets: {names}. Take the proposal.xlsx that twinmatch wrote.", names=names)
    raise DataError.of("no-decisions", found, Where(path.name), do)


def _heads(grid: Grid, code: str) -> tuple[dict[str, int], list[Problem]]:
    """Return where each column stands, whatever their order; those that are missing are problems."""
    all_heads = (GUEST, HOST, DECISION, NOTE, GUEST_NAME, HOST_NAME, SCORE)
    known = {said.casefold(): head for head in all_heads for said in (head, spoken(head, code))}
    cells = [text(cell).casefold() for cell in grid.rows[0][1]]
    heads = {known[cell]: k for k, cell in enumerate(cells) if cell in known}
    missing = [head for head in (GUEST, HOST, DECISION) if head not in heads]
    return heads, [
        Problem(
            "column-missing",
            say("There is no column {head}.", head=repr(head)),
            grid.at(1, head),
            say("Put it back."),
        )
        for head in missing
    ]


def _problem(
    grid: Grid, row: int, said: dict[str, str], words: dict[str, Word | None]
) -> Problem | None:
    word = said[DECISION]
    if word.casefold() not in words:
        known = {w: w for w in words if w}
        hint = nearest(word.casefold(), known) or say(
            "Use one of: {names}.", names=", ".join(known)
        )
        found = say("{word} is no decision.", word=repr(word))
        return Problem("decision-unknown", found, grid.at(row, DECISION), hint)
    if words[word.casefold()] and not (said[GUEST] and said[HOST]):
        empty = GUEST if not said[GUEST] else HOST
        found = say("A decision {word} without a {p}.", word=repr(word), p=empty.lower())
        do = say("Name both cities of the pair, or clear the decision.")
        return Problem("pair-incomplete", found, grid.at(row, empty), do)
    return None


def _contradictions(found: list[SheetDecision]) -> list[Problem]:
    """Return a problem for every pair that is locked in one row and refused in another."""
    seen: dict[tuple[str, str], SheetDecision] = {}
    problems = []
    for decision in found:
        first = seen.setdefault((decision.guest.casefold(), decision.host.casefold()), decision)
        if (first.word in REFUSED) != (decision.word in REFUSED):
            names = f"{decision.guest} and {decision.host}"
            said = say(
                "{names}: {word} here, but {word2} in row {row}.",
                names=names,
                word=repr(decision.word),
                word2=repr(first.word),
                row=first.where.row,
            )
            problems.append(
                Problem("decisions-clash", said, decision.where, say("Keep one of them."))
            )
    return problems
