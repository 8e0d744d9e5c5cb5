"""From what cities have to profiles: check, accept, import, template, and what changed between two rounds.

Doubts about texts: a language that the text model does not know, and words that several cities share.

Two texts are near-duplicates where at least half of their runs of five words are common (Broder 1997,
doi:10.1109/SEQUEN.1997.666900); a sentence is boilerplate where three or more cities have it word for word.
Either would make cities look alike that only copied from one form.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import PlainSerializer

from twinmatch.cohort import nearest
from twinmatch.embedding.choice import foreign_language, hint, languages_of
from twinmatch.errors import Problem, QuestionError, Where
from twinmatch.files import write_files
from twinmatch.intake.checks import doubts
from twinmatch.intake.forms import template
from twinmatch.intake.profile_folder import (
    Existing,
    Import,
    KeyedProblem,
    ProfileChange,
    accepted_path,
    accepted_toml,
    compare_profiles,
    labelled,
    merge_forms,
    plain_problems,
    read_accepted,
    with_accepted,
    write_profiles,
)
from twinmatch.intake.survey import estimated_readiness, hosts_of, open_survey, usable_rows
from twinmatch.proposal.wire import Part, packed
from twinmatch.reading import Mapping, read, read_grids, read_mapping, read_raw, without_contacts
from twinmatch.reading.grid import leaves, text
from twinmatch.reading.headers import find_header
from twinmatch.reading.importers import IMPORTERS, Options, names_from
from twinmatch.reading.mapping import Target
from twinmatch.reading.mapping import to_toml as mapping_text
from twinmatch.reading.personal_data import is_contact, redact
from twinmatch.reading.table import TEXT_OF
from twinmatch.reading.values import option_codes, options_of
from twinmatch.schema import City, HostUnit, Source
from twinmatch.validate import Record, examine, in_order, profiles
from twinmatch.vocabulary.geography import language_name
from twinmatch.vocabulary.taxonomy import words
from twinmatch.wording import say, shortened

KINDS = ("forms", "table", *IMPORTERS)
"""What can be imported: a folder of forms, one table, and the formats of other bodies."""


Told = Annotated[tuple[KeyedProblem, ...], PlainSerializer(plain_problems)]


@dataclass(frozen=True)
class Checked:
    """What was found in profiles: how many there are, how many usable, every problem, and those accepted before."""

    cities: int
    usable: int
    host_units: int
    problems: Told
    accepted: Told
    filled: Part
    """Part of the blocks, in [0, 1], that are filled on average."""

    @property
    def has_errors(self) -> bool:
        """Return whether anything has to be repaired before a round."""
        return any(p.level == "error" for p in self.problems)


@dataclass(frozen=True)
class ImportAsked:
    """What to import: the kind, the file or folder, and what the caller says beside it."""

    kind: str
    source: Path
    mapping: Path | None = None
    names: Path | None = None
    year: int | None = None
    city: str = ""
    country: str = ""
    estimate_readiness: bool = False


def check_profiles(
    profiles_at: str | Path | None = None,
    mapping: Path | None = None,
    text_model: str = "auto",
    hosts: Sequence[str] = (),
) -> Checked:
    """Return every problem of profiles: what reading met, what is not valid, what an analyst would doubt.

    Somebody's own table, and profiles with ``hosts``, are checked as a round would take them, with the open questions.
    Raises DataError with every problem where no city of such a table can be used.
    """
    raw = read_raw(profiles_at, read_mapping(mapping) if mapping else None)
    if raw.is_survey or hosts:
        opened = open_survey(raw, [hosts_of(place) for place in hosts])
        mine = [r for r in opened.records if r.data["id"] in opened.applicants]
        known = tuple(profiles(mine, City)[0])
        asked = {
            c
            for r in mine
            for c in (*r.columns.values(), *(w.column for w in r.elsewhere.values()))
        }
        # A table without such a column is not doubted for what the bundled data says of a city.
        problems = [p for p in doubts(known) if p.where.column in asked]
        problems += [*opened.problems, *(q.problem() for q in opened.questions)]
    else:
        found = examine(raw.cities, raw.units)
        known = found.known
        problems = [*raw.problems, *found.problems, *doubts(known)]
    problems += text_doubts(known, languages_of(text_model))
    told = labelled(in_order(problems), raw.cities)
    place = accepted_path(Path(profiles_at)) if profiles_at else None
    keys = {a.key for a in read_accepted(place)} if place else set()
    filled = [sum(bool(getattr(c, b)) for b in City.BLOCKS) / len(City.BLOCKS) for c, _ in known]
    return Checked(
        len(raw.cities),
        len(known),
        len(raw.units),
        tuple(t for t in told if t.key not in keys),
        tuple(t for t in told if t.key in keys),
        round(sum(filled) / len(filled), 4) if filled else 0.0,
    )


IN_THOUSANDS: Final = "thousands of population.value"
"""The choice of a column whose numbers are thousands of people."""

SAMPLES, MOST_WORDS = 3, 80
"""Cells of a column, and words of a table, that are shown."""


def survey_sheet(table: Path) -> dict[str, Any] | None:
    """Return what people have to see to match somebody's own table, as JSON; None of a form of ours.

    Its tabs, its columns with samples and what each is read as, the words in it that stand for something, its cities,
    and the mapping that reads it so. Columns of contacts show no samples.
    """
    raw = read_raw(table)
    if not raw.is_survey or raw.used is None:
        return None
    grids = read_grids(table, raw.used.encoding)
    unread = {p.where.sheet for p in raw.problems if p.code == "sheet-not-read"}
    grid = next(g for g in grids if g.sheet not in unread and g.rows)
    header = find_header(grid, raw.used)
    below = [cells for row, cells in grid.rows if row > header.row]
    asked = {n: q for q in raw.questions if q.table == "columns" for n in (q.key, *q.options)}
    shown, words = [], Counter[str]()
    for i, (name, target) in enumerate(zip(header.names, header.targets, strict=True)):
        if not name:
            continue
        cells = list(dict.fromkeys(text(c[i]) for c in below if i < len(c) and text(c[i])))
        question, said = asked.get(name), target or Target("")
        choice = question.guess if question else said.said
        choice = IN_THOUSANDS if choice and said.factor == 1000.0 else choice
        option = said.option or (question.option_of(name) if question else "")
        if choice in TEXT_OF and choice not in {"needs", "offers"}:
            words.update(
                [option] if option else (p for ps in options_of(cells).values() for p in ps)
            )
        is_hidden = choice == "contact" or is_contact(name)
        samples = [] if is_hidden else [shortened(redact(cell)[0], 60) for cell in cells[:SAMPLES]]
        column = {"name": name, "samples": samples, "choice": choice, "option": option}
        shown.append(column | {"is_asked": bool(question)})
    told = ("table", "key", "asks", "choices", "guess")
    open_ = [q for q in raw.questions if q.table != "columns"]
    values = [
        {k: getattr(q, k) for k in told}
        | {"asks": packed(q.asks), "choices": [(c, packed(w)) for c, w in q.choices]}
        | {"is_asked": True}
        for q in open_
    ]
    for word, _ in words.most_common(MOST_WORDS):
        code = raw.used.values.get(word, next(iter(option_codes(word)), ""))
        if word not in {q.key for q in open_} and code:
            known = zip(told, ("values", word, "", (), code), strict=True)
            values.append(dict(known) | {"is_asked": False})
    return {
        "tabs": [{"name": g.sheet, "is_read": g.sheet not in unread} for g in grids if g.rows],
        "rows": sum(any(map(text, cells)) for cells in below),
        "columns": shown,
        "values": values,
        "cities": [
            {name: str(r.data.get(name, "")) for name in ("id", "name", "country")}
            | {"known": len(leaves(r.data)) - 1, "row": r.where.row}
            for r in raw.cities
        ],
        "mapping": mapping_text(raw.used, table.name),
    }


def accept_warnings(
    profiles_at: Path, checked: Checked, keys: Sequence[str], why: str, on: str
) -> Path:
    """Return the file beside the profiles in which the warnings of these keys are now remembered."""
    place = accepted_path(profiles_at)
    told = (*checked.problems, *checked.accepted)
    content = accepted_toml(with_accepted(read_accepted(place), told, keys, why, on))
    return write_files({place.name: content.encode()}, place.parent)[0]


def write_template(
    out: Path, profiles_at: str | Path | None = None, *, replace: bool = False
) -> Path:
    """Return the intake form as it was written; with profiles, their workbook form."""
    if out.suffix.lower() != ".xlsx":
        found = say("The form is a workbook, {name} does not end in .xlsx.", name=repr(out.name))
        raise QuestionError.of("not-xlsx", found, Where(str(out)))
    if out.exists() and not replace:
        found, do = say("The file is already there."), say("Name another file, or give --replace.")
        raise QuestionError.of("file-exists", found, Where(str(out)), do)
    cohort = read(profiles_at) if profiles_at is not None else None
    content = template(cohort.cities, cohort.units) if cohort else template()
    return write_files({out.name: content}, out.parent)[0]


def import_profiles(asked: ImportAsked) -> Import:
    """Return the profiles that a file or folder becomes, unwritten.

    Raises QuestionError for an unknown kind, DataError where the file cannot be read or is of another format.
    """
    if asked.kind not in KINDS:
        do = nearest(asked.kind, {k: k for k in KINDS}) or say(
            "Known: {names}.", names=", ".join(KINDS)
        )
        raise QuestionError.of(
            "kind-unknown", say("There is no format {kind}.", kind=repr(asked.kind)), do=do
        )
    mapping = read_mapping(asked.mapping) if asked.mapping else None
    is_folder = asked.kind == "forms"
    found = merge_forms(asked.source, mapping) if is_folder else _file(asked, mapping)
    if not asked.estimate_readiness:
        return found
    return replace(found, cities=tuple(map(_with_estimate, found.cities)))


def _file(asked: ImportAsked, mapping: Mapping | None) -> Import:
    aside: dict[str, int] = {}
    if asked.kind == "table":
        raw = read_raw(asked.source, mapping)
        rows = len(raw.cities)
        if raw.is_survey:
            usable, dropped = usable_rows(raw.cities, is_guest=False)
            by_row = {record.where: record for record in usable}
            whole = tuple(by_row.get(record.where, record) for record in raw.cities)
            left_out = (p for p in dropped if p.code == "answer-left-out")
            raw = replace(raw, cities=whole, problems=(*raw.problems, *left_out))
    else:
        grids = read_grids(asked.source, mapping.encoding if mapping else None)
        names = names_from(read_grids(asked.names)) if asked.names else {}
        options = Options(asked.year, names, asked.city, asked.country)
        imported = IMPORTERS[asked.kind].read(grids, options)
        raw, rows, aside = without_contacts(imported.raw), imported.rows, dict(imported.aside)
    known, wrong = profiles(raw.cities, City)
    bad = {_row(p.where) for p in raw.problems if p.level == "error"}
    once, twice = _once([k for k in known if _row(k[1].where) not in bad])
    units, more = profiles(raw.units, HostUnit)
    problems = in_order([*raw.problems, *wrong, *more, *twice, *doubts(once)])
    cities = tuple(sorted((city for city, _ in once), key=lambda c: c.id))
    return Import(rows, cities, tuple(u for u, _ in units), tuple(problems), aside)


def _row(where: Where) -> Where:
    return replace(where, column="")


def _once(known: Sequence[tuple[City, Record]]) -> tuple[list[tuple[City, Record]], list[Problem]]:
    """Return the cities whose identifier stands once, and an error for each that stands again."""
    counts = Counter(city.id for city, _ in known)
    twice = [(c, r) for c, r in known if counts[c.id] > 1]
    problems = [
        Problem(
            "city-twice",
            say("{id} stands in {counts} rows.", id=repr(c.id), counts=counts[c.id]),
            r.place("id"),
            say("Keep one."),
        )
        for c, r in twice
    ]
    return [(c, r) for c, r in known if counts[c.id] == 1], problems


def _with_estimate(city: City) -> City:
    """Return the city with readiness estimated from public facts, each level with its reason as its source."""
    levels = estimated_readiness(city)
    if not levels:
        return city
    reasons = [f"estimate by rule, {name} {level}: {why}" for name, (level, why) in levels.items()]
    source = Source.model_validate({"of": ["readiness_estimated"], "from": reasons})
    estimated = {name: level for name, (level, _) in levels.items()}
    sources = (*city.sources, source)
    return city.model_copy(update={"readiness_estimated": estimated, "sources": sources})


def save_import(
    found: Import, out: Path, existing: Existing = "refuse", *, usable: bool = False
) -> tuple[list[Path], list[Problem]]:
    """Return the files written and notes on what a merge kept.

    Where rows have errors nothing is written, unless ``usable`` asks for the profiles that have none.
    Raises QuestionError where profiles are there already, or no profile can be written.
    """
    if found.errors and not usable:
        raise QuestionError(found.errors)
    if not found.cities:
        do = say("See the problems above.")
        raise QuestionError.of("nothing-usable", say("No row can be used."), do=do)
    return write_profiles(found.cities, found.units, out, existing)


def suggest_mapping(table: Path, mapping: Path | None = None) -> str:
    """Return a mapping file for a table, to be looked over: what is read, what is set aside, what is asked."""
    raw = read_raw(table, read_mapping(mapping) if mapping else None)
    return mapping_text(raw.used or Mapping(), table.name, raw.questions)


def profile_changes(old: str | Path, new: str | Path | None = None) -> list[ProfileChange]:
    """Return what changed from one set of profiles to another; the bundled ones where the second is left out."""
    return compare_profiles(read(old), read(new))


TEXTS: Final = ("needs", "offers")
RUN: Final = 5
ALIKE: Final = 0.5
MANY: Final = 3
FEWEST_WORDS: Final = 12

_WORDS = re.compile(r"\w+")
_SENTENCE = re.compile(r"[.!?;\n]\s")
_ENGLISH: Final = words(
    "the; of; and; to; in; we; our; for; is; with; a; on; are; by; that; from; as; an; it; be; not; "
    "have; has; at; which; their; this; or; can"
)
_PLAINLY_ENGLISH: Final = 0.18


def text_doubts(
    known: Sequence[tuple[City, Record]], languages: Collection[str] | None = ("en",)
) -> list[Problem]:
    """Return the doubts about all texts; ``languages`` are those of the text model, None where it knows many."""
    texts = [
        (city, record, name, text)
        for city, record in known
        for name in TEXTS
        if (text := getattr(city, name))
    ]
    tokens = [_WORDS.findall(text.lower()) for *_, text in texts]
    found = list(_foreign(texts, tokens, languages)) if languages is not None else []
    return found + list(_alike(texts, tokens)) + list(_boilerplate(texts))


Text = tuple[City, Record, str, str]


def _foreign(
    texts: Sequence[Text], said: Sequence[list[str]], languages: Collection[str]
) -> Iterator[Problem]:
    for (city, record, name, own), tokens in zip(texts, said, strict=True):
        if "en" in languages and _is_plainly_english(tokens):
            continue
        code = foreign_language(own, languages)
        if code:
            found = say(
                "The {name} of {name2} are in {p}, which the text model does not know.",
                name=name,
                name2=city.name,
                p=language_name(code),
            )
            do = say("They are not compared, only counted as unknown. {p}", p=hint())
            yield Problem("language-unknown", found, record.place(name), do, "warning")


def _is_plainly_english(tokens: list[str]) -> bool:
    """Return whether small English words make up so much of a text that no detector need be asked."""
    return sum(t in _ENGLISH for t in tokens) >= _PLAINLY_ENGLISH * max(len(tokens), 1)


def _alike(texts: Sequence[Text], tokens: Sequence[list[str]]) -> Iterator[Problem]:
    runs = [
        {" ".join(t[k : k + RUN]) for k in range(len(t) - RUN + 1)}
        if len(t) >= FEWEST_WORDS
        else set()
        for t in tokens
    ]
    holders: dict[str, list[int]] = defaultdict(list)
    for i, mine in enumerate(runs):
        for run in mine:
            holders[run].append(i)
    common: Counter[tuple[int, int]] = Counter()
    for group in holders.values():
        if 1 < len(group) <= 50:  # what more have is boilerplate, told below
            common.update((a, b) for k, a in enumerate(group) for b in group[k + 1 :])
    for (a, b), shared in sorted(common.items()):
        part = shared / (len(runs[a]) + len(runs[b]) - shared)
        if part >= ALIKE and texts[a][0].id != texts[b][0].id:
            first, second = sorted((texts[a], texts[b]), key=lambda t: t[0].id)
            found = say(
                "The {second} of {name} are nearly the {first} of {name2} ({part:.0%} of the wording).",
                second=second[2],
                name=second[0].name,
                first=first[2],
                name2=first[0].name,
                part=part,
            )
            do = say("If one was copied, ask the city for its own words.")
            yield Problem("near-duplicate", found, second[1].place(second[2]), do, "warning")


def _boilerplate(texts: Sequence[Text]) -> Iterator[Problem]:
    holders: dict[str, list[int]] = defaultdict(list)
    for i, (*_, own) in enumerate(texts):
        for sentence in {s.strip(" .!?;\t\r\n").lower() for s in _SENTENCE.split(own + " ")}:
            if len(sentence) >= 40:
                holders[sentence].append(i)
    for sentence, group in sorted(holders.items()):
        cities = sorted({texts[i][0].id for i in group})
        if len(cities) >= MANY:
            first = min(group, key=lambda i: texts[i][0].id)
            found = say(
                "{n} cities have this sentence word for word ({names} …): “{sentence}”.",
                n=len(cities),
                names=", ".join(cities[:3]),
                sentence=sentence[:80],
            )
            do = say("It may come from a form: it tells nothing about a city.")
            yield Problem("boilerplate", found, texts[first][1].place(texts[first][2]), do, "note")
