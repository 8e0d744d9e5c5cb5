"""What is decided about a round before it is solved: one carrier for all who decide, and names resolved in one place.

Decisions come from options of the command line, the sheet Decisions of a proposal's workbook as a coordinator filled
it, or a run of the store.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from twinmatch.app.group_moves import (
    Rules,
    group_of,
    rules_changed,
    with_groups,
    with_rules_changed,
)
from twinmatch.cohort import Cohort, nearest
from twinmatch.errors import DataError, Problem, QuestionError, TwinmatchError, Where
from twinmatch.exporting.folder_files import read_proposal
from twinmatch.exporting.letters import Correspondence
from twinmatch.exporting.spreadsheet import (
    CHOICES,
    DECISIONS,
    GROUP_SHEET,
    LETTER_SHEET,
    MOVE_SHEET,
    RULE_FIELDS,
    RULE_SHEET,
    SCORE,
    letter_code,
)
from twinmatch.programmes.programme import Programme
from twinmatch.programmes.proposing import made_from
from twinmatch.proposal import Pairs, Proposal
from twinmatch.reading import read_grids
from twinmatch.reading.grid import Form, form_in
from twinmatch.whatif.difference import difference
from twinmatch.wording import count, joined, say, say_n, spoken, titled


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
    letters: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Letters that were edited, by city, as ``Correspondence`` has them."""
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
        held = {"locks": count(len(self.lock), "lock"), "bans": count(len(self.ban), "refusal")}
        parts = [say("Run {run}: {locks} and {bans} hold as decided.", run=self.run, **held)]
        if self.made_from.get("data") != now.get("data"):
            parts.append(say("It was made from other profiles."))
        if _beside_pairs(self.made_from) != _beside_pairs(now):
            parts.append(say("It was made from another programme."))
        if self.lifted:
            parts.append(say("No longer asked for: {names}.", names=_listed(self.lifted)))
        return joined((*parts, *self._rejected()))

    def _rejected(self) -> Iterator[str]:
        if self.rejected:
            names = ", ".join(self.rejected)
            yield say(
                "Rejected, but only pairs can be kept from being made again: {names}.", names=names
            )

    def _of_sheet(self) -> str:
        splits = [f"{theme}={number}" for theme, number in self.splits.items()]
        parts = [
            say("{n} {word} ({names})", n=len(given), word=word, names=", ".join(given))
            for word, given in (
                (say("locked"), [_listed([pair]) for pair in self.lock]),
                (say("refused"), [_listed([pair]) for pair in self.ban]),
                (say("renamed"), [*self.names.values()]),
                (say("split"), splits),
                (say_n("edited letter", "edited letters", len(self.letters)), [*self.letters]),
            )
            if given
        ]
        told = {"file": self.sheet, "parts": joined(parts, "; ")}
        says = [say("Decisions of {file}: {parts}.", **told)] if parts else []
        for product, rules in self.rules.items():
            told = {"product": product, "sheet": RULE_SHEET}
            says.append(
                say_n(
                    "{n} rule of {product} from {sheet}.",
                    "{n} rules of {product} from {sheet}.",
                    len(rules),
                    **told,
                )
            )
        says += self._rejected()
        if self.undecided:
            told = {"rows": ", ".join(map(str, self.undecided)), "sheet": DECISIONS}
            says.append(
                say("Without a decision, so nothing was asked for: row {rows} of {sheet}.", **told)
            )
        return joined(says) if says else say("{file} has no decision.", file=self.sheet)

    def _changes(self, after: Proposal) -> Iterator[str]:
        if self.earlier is None:
            yield say(
                "No earlier proposal.json lies beside it or was named, so changes are not listed."
            )
            return
        lines = []
        words = ("No longer locked: {names}.", "No longer refused: {names}.")
        for said, before, now in zip(words, self.earlier.wanted, after.wanted, strict=True):
            gone = [pair for pair in before if pair not in now and pair[::-1] not in now]
            lines += [say(said, names=_listed(gone))] if gone else []
        for product in difference(self.earlier, after).products:
            if says := (*product.says, *(moved.says for moved in product.moved)):
                told = {"title": titled(product.title), "says": joined(says)}
                lines.append(say("Since the earlier proposal, {title:lower}: {says}", **told))
        yield from lines or [say("Nothing else changed since the earlier proposal.")]


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


def read_sheet(
    file: Path, cohort: Cohort, earlier: Proposal | None = None, programme: Programme | None = None
) -> Decided:
    """Return the decisions of a workbook; the earlier proposal is the one given, else proposal.json beside the workbook.

    Its rules are changed where they differ from the earlier proposal's, from the programme's where there is none.
    Raises DataError for a wrong sheet, and QuestionError with every guest and host that the cohort does not have.
    """
    beside = file.parent / "proposal.json"
    if earlier is None and beside.is_file():
        earlier = read_proposal(beside)
    before = earlier.made_from if earlier else made_from(cohort, programme or Programme(), {})
    sheet, rules = decisions_of(file, cohort, before)
    found = sheet.found
    return Decided(
        tuple((d.one, d.other) for d in found if d.kind in TOGETHER and d.other),
        tuple((d.one, d.other) for d in found if d.kind in REFUSED and d.other),
        earlier=earlier,
        rejected=tuple(d.one for d in found if d.kind == "reject" and not d.other),
        names={d.one: d.why for d in found if d.kind == "rename"},
        splits={d.one: int(d.why) for d in found if d.kind == "split"},
        letters=letters_in(found),
        rules=rules,
        sheet=file.name,
        undecided=sheet.undecided,
    )


def letters_in(found: Iterable[SheetDecision]) -> dict[str, tuple[str, str]]:
    """Return the edited letters among the decisions of a workbook, as ``Correspondence`` has them."""
    return {one.city: (one.one, one.why) for one in found if one.kind == "letter"}


def correspondence(decided: Sequence[Decided], language: str) -> Correspondence:
    """Return how letters are written in a language, as they were edited."""
    edited = {city: letter for one in decided for city, letter in one.letters.items()}
    return Correspondence(language=language, edited=edited)


def decisions_of(
    file: Path, cohort: Cohort, before: Mapping[str, Any]
) -> tuple[DecisionSheet, Rules]:
    """Return the decisions of a workbook with cities by id, and the rules that differ from what a proposal was made from ``before``.

    Raises DataError and QuestionError as :func:`read_sheet` does.
    """
    form = form_in(read_grids(file), RULE_SHEET, ("format", *RULE_FIELDS))
    rows = ((form.grid.at(row), said) for row, said in form.rows)
    rules = rules_changed(rows, before) if form.grid.rows else {}
    try:
        sheet = read_decisions(file)
    except DataError as error:  # a round without meetings has rules alone to be changed
        if not rules or {p.code for p in error.problems} != {"no-decisions"}:
            raise
        return DecisionSheet(()), rules
    asked = [((d.city,) if d.city else (d.one, d.other) if d.other else ()) for d in sheet.found]
    ids = _resolved([*zip(asked, (d.where for d in sheet.found), strict=True)], cohort)
    found = (
        replace(d, city=who[0]) if d.city else replace(d, one=who[0], other=who[1]) if who else d
        for d, who in zip(sheet.found, ids, strict=True)
    )
    return replace(sheet, found=tuple(found)), rules


def with_decided(programme: Programme, decided: Sequence[Decided], cohort: Cohort) -> Programme:
    """Return the programme with what was decided on its twinning pairs, by id.

    Raises QuestionError where a name is not known or means several cities, and where there is no twinning to decide on.
    """
    lifted = {pair for one in decided for pair in one.lifted}
    programme = with_groups(
        with_rules_changed(programme, [one.rules for one in decided]),
        tuple(pair for one in decided for pair in one.lock if group_of(pair)),
        lifted,
        {k: v for one in decided for k, v in one.names.items()},
        {k: v for one in decided for k, v in one.splits.items()},
    )
    lock, ban = (
        _resolved(
            [(p, Where()) for d in decided for p in getattr(d, name) if not group_of(p)], cohort
        )
        for name in ("lock", "ban")
    )
    # Past rounds had other cities, too.
    before = {n for one in decided for names in (*one.past, one.refused) for n in names}
    here = {n for n in before if isinstance(cohort.host_id(n), str)}
    past = {pair for one in decided for pair in one.past if here.issuperset(pair)}
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
        refused = (*twinning.refused_before, *(n for d in decided for n in d.refused if n in here))
        changed["refused_before"] = tuple(dict.fromkeys(refused))
    return programme.model_copy(update={"twinning": twinning.model_copy(update=changed)})


def _resolved(
    asked: Sequence[tuple[tuple[str, ...], Where]], cohort: Cohort
) -> list[tuple[str, ...]]:
    """Return cities and host units by id, groups as they are; raises QuestionError with every name that is not known."""
    found, problems = [], []
    for names, where in asked:
        ids = list(names)
        for k, name in enumerate(names):
            try:
                ids[k] = name if ":" in name else cohort.host_named(name).id
            except TwinmatchError as error:
                problems += [Problem(p.code, p.found, where, p.do) for p in error.problems]
        found.append(tuple(ids))
    if problems:
        raise QuestionError(problems)
    return found


TOGETHER: Final = ("accept", "hold", "lock")
REFUSED: Final = ("reject", "ban")

GUEST, HOST, DECISION, NOTE = "Guest id", "Host id", "Decision", "Note"
GROUP, CITY, MOVE, LETTER_CODE = "Group id", "City id", "Move to", "Letter code"
WORDS: Final = {"": "", **{word: word for word in CHOICES}, "keep": "release"}
"""What may stand in the column Decision, and what is asked by it: nothing, or a decision as the store has them."""

ENTERED: Final = {"New name": "rename", "Split into": "split", "Assigned to": "assign"}
"""Columns that hold a decision of their own kind."""

FORMS: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    DECISIONS: ((GUEST, HOST, DECISION), (NOTE, "Assigned to", "Guest", "Host", SCORE)),
    GROUP_SHEET: ((GROUP,), ("Group", "Theme id", DECISION, NOTE, *ENTERED)),
    MOVE_SHEET: ((CITY, MOVE), ("City", GROUP)),
    LETTER_SHEET: ((CITY, "Subject", "Letter", LETTER_CODE), ()),
}
"""The sheets on which something is decided: the columns that each must have, and those that it may have."""


@dataclass(frozen=True)
class SheetDecision:
    """A decision of a workbook as an entry of the store has it, cities as they were written, and where it stands."""

    kind: str
    one: str
    other: str = ""
    city: str = ""
    why: str = ""
    where: Where = field(default_factory=Where)


@dataclass(frozen=True)
class DecisionSheet:
    """The decisions of a workbook in the order of its rows, and further rows of pairs that name something but decide nothing."""

    found: tuple[SheetDecision, ...]
    undecided: tuple[int, ...] = ()


Read = Iterator[SheetDecision | Problem]


def read_decisions(path: Path) -> DecisionSheet:
    """Return the decisions of a workbook; cities stand by id or, where there is none, by name.

    Raises DataError with every problem, each with its row and column.
    """
    grids = read_grids(path)
    forms = {name: form_in(grids, name, *heads) for name, heads in FORMS.items()}
    if not any(form.grid.rows for form in forms.values()):
        found = say("The workbook has no sheet {SHEET}.", SHEET=repr(DECISIONS))
        names = ", ".join(g.sheet for g in grids)
        do = say("Its sheets: {names}. Take the proposal.xlsx that twinmatch wrote.", names=names)
        raise DataError.of("no-decisions", found, Where(path.name), do)
    pairs, groups, moves, letters = (forms[name] for name in FORMS)
    missing = [problem for name in FORMS for problem in forms[name].lacks(FORMS[name][0])]
    if missing:
        raise DataError(missing)
    read = [*_on_pairs(pairs), *_on_groups(groups), *_moved(moves, groups), *_edited(letters)]
    decided = [one for one in read if isinstance(one, SheetDecision)]
    problems = [one for one in read if isinstance(one, Problem)] + _contradictions(decided)
    if problems:
        raise DataError(problems)
    rows = {one.where.row for one in decided if one.where.sheet == pairs.grid.sheet}
    silent = (
        row
        for row, said in pairs.rows
        if row not in rows and not said.get(SCORE) and any(said.values())
    )
    return DecisionSheet(tuple(decided), tuple(silent))


def _on_pairs(form: Form) -> Read:
    """Yield what is decided on pairs, who looks after them, and notes."""
    for row, said in form.rows:
        guest, host = (said[id_] or said.get(id_.removesuffix(" id"), "") for id_ in (GUEST, HOST))
        for found in _on_row(form, row, said, guest, host):
            if isinstance(found, SheetDecision) and not (guest and host):
                empty = HOST if guest else GUEST
                told = {"word": repr(said[DECISION] or found.why), "p": empty.lower()}
                do = say("Name both cities of the pair, or clear the decision.")
                where = form.grid.at(row, empty)
                found = Problem("pair-incomplete", say("A decision {word} without a {p}.", **told), where, do)  # fmt: skip
            yield found


def _on_row(form: Form, row: int, said: Mapping[str, str], one: str, other: str = "") -> Read:
    """Yield what a row says of a pair or of a group; a theme stands for its groups where it is split."""
    from twinmatch.store.history import group_problems  # what only compares needs no database

    words = WORDS | {spoken(said, form.code).casefold(): word for said, word in WORDS.items()}
    word, note = said.get(DECISION, ""), said.get(NOTE, "")
    if word.casefold() not in words:
        names = {w: w for w in words if w}
        hint = nearest(word.casefold(), names) or say(
            "Use one of: {names}.", names=", ".join(names)
        )
        found = say("{word} is no decision.", word=repr(word))
        yield Problem("decision-unknown", found, form.grid.at(row, DECISION), hint)
    elif kind := words[word.casefold()] or ("note" if note else ""):
        yield SheetDecision(
            kind, one, other, why=note, where=form.grid.at(row, DECISION if word else NOTE)
        )
    for head, kind in ENTERED.items():
        if value := said.get(head, ""):
            where, about = form.grid.at(row, head), said.get("Theme id", "")
            if kind == "split" and not about:
                found = say("This group is of no theme that is split.")
                yield Problem("no-groups", found, where, say("Clear the number."))
            for problem in group_problems(kind, value):
                yield replace(problem, where=where)
            yield SheetDecision(
                kind, about if kind == "split" else one, other, why=value, where=where
            )


def _on_groups(form: Form) -> Read:
    """Yield what is decided on groups."""
    for row, said in form.rows:
        for found in _on_row(form, row, said, said[GROUP]):
            if not said[GROUP]:
                told = say("It is not said which group is meant.")
                found = Problem(
                    "group-unknown", told, form.grid.at(row, GROUP), say("Name its id.")
                )
            yield found


def _moved(form: Form, groups: Form) -> Read:
    """Yield the locks of cities in other groups; clusters are told apart by a city that is there."""
    named = {said[GROUP].casefold(): said[GROUP] for _, said in groups.rows if said[GROUP]}
    named |= {said.get("Group", "").casefold(): said[GROUP] for _, said in groups.rows}
    moved = {said[CITY] for _, said in form.rows if said[MOVE]}
    locked = set[str]()
    for row, said in form.rows:
        where, city = form.grid.at(row, MOVE), said[CITY] or said.get("City", "")
        group = named.get(said[MOVE].casefold(), "")
        if said[MOVE] and not group:
            told = say("There is no group {name}.", name=repr(said[MOVE]))
            hint = nearest(said[MOVE].casefold(), named) or say("Choose one of the list.")
            yield Problem("group-unknown", told, where, hint)
        elif said[MOVE] and not city:
            told = say("A decision {word} without a {p}.", word=repr(said[MOVE]), p=CITY.lower())
            yield Problem("pair-incomplete", told, form.grid.at(row, CITY), say("Name the city."))
        elif said[MOVE]:
            yield SheetDecision("lock", city, group, where=where)
            there = (s[CITY] for _, s in form.rows if s.get(GROUP) == group)
            beside = next((c for c in there if c not in moved), "")
            if group.startswith("national_clusters:") and beside and group not in locked:
                yield SheetDecision("lock", beside, group, where=where)
            locked.add(group)


def _edited(form: Form) -> Read:
    """Yield the letters that were changed; one that was cleared is again the one that is made."""
    for row, said in form.rows:
        subject, body = (_lines(said[head]) for head in ("Subject", "Letter"))
        made, where = said[LETTER_CODE].partition(" ")[0], form.grid.at(row, "Letter")
        if letter_code(made, subject, body) == said[LETTER_CODE] or not any(said.values()):
            continue
        if not made or not said[CITY]:
            told = say("It is not said which letter was changed.")
            empty = form.grid.at(row, CITY if made else LETTER_CODE)
            yield Problem("letter-wrong", told, empty, say("Put it back."))
        elif bool(subject) != bool(body):
            found = say("A letter has a subject, and a text below it.")
            empty = form.grid.at(row, "Letter" if subject else "Subject")
            yield Problem("letter-wrong", found, empty, say("Write both, or clear both."))
        else:
            why = f"{' '.join(subject.split())}\n\n{body}" if body else ""
            yield SheetDecision("letter", made, city=said[CITY], why=why, where=where)


def _lines(said: str) -> str:
    """Return the text of a cell as it was written: other programs have ends of lines of their own."""
    return said.replace("_x000D_", "").replace("\r\n", "\n").strip()


def _contradictions(found: Sequence[SheetDecision]) -> list[Problem]:
    """Return a problem for everything that is decided otherwise in another row."""
    seen: dict[tuple[str, ...], tuple[str, SheetDecision]] = {}
    problems = []
    for one in found:
        about, said, names = _matter(one)
        before, first = seen.setdefault(about, (said, one))
        if about and before != said:
            told = {"names": names, "word": repr(_said(one)), "word2": repr(_said(first))}
            says = say(
                "{names}: {word} here, but {word2} in row {row}.", row=first.where.row, **told
            )
            problems.append(Problem("decisions-clash", says, one.where, say("Keep one of them.")))
    return problems


def _matter(one: SheetDecision) -> tuple[tuple[str, ...], str, str]:
    """Return what a decision is about, what is decided of it, and its name; nothing where rows cannot differ."""
    if one.kind == "split":
        return ("split", one.one), one.why, one.one
    if group := group_of((one.one, one.other)):
        return (one.one.casefold(), group[0]), one.other, one.one
    side = "together" if one.kind in TOGETHER else "apart" if one.kind in REFUSED else one.kind
    if one.other and side in ("together", "apart", "release"):
        names = f"{one.one} and {one.other}"
        return (one.one.casefold(), one.other.casefold()), side, names
    return (), "", ""


def _said(one: SheetDecision) -> str:
    """Return what a row says, as it is told where another says otherwise."""
    return one.why if one.kind == "split" else one.other if ":" in one.other else one.kind
