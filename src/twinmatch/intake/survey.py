"""From a survey's table to a cohort: own applicants, the hosts they meet, and what is known of both.

A wrong answer in a field that is not needed costs the field and not the city, and is reported. What the table does
not say of a city that the bundled data knows is filled in, and marked by its source.

Readiness is inferred from what is public about a city only where that is asked for: the lowest level that a fact makes
certain by the wording of the scale (:data:`twinmatch.intake.forms.LEVELS`), in ``readiness_estimated``, a field apart; no
facet takes it for ``readiness``.
"""

from __future__ import annotations

import copy
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

from twinmatch.cohort import Cohort
from twinmatch.errors import DataError, Problem, Where, grouped
from twinmatch.reading import Raw, read_raw
from twinmatch.reading.mapping import Mapping, MappingQuestion
from twinmatch.schema import City, Dimension
from twinmatch.validate import NAMING, Record, in_order, names_of, profiles, validate
from twinmatch.vocabulary.gazetteer import Names, bare, listed_place
from twinmatch.vocabulary.taxonomy import plain
from twinmatch.vocabulary.topics import BLOCKS
from twinmatch.wording import joined, say

OWN: Final = frozenset(
    {"id", "name", "country", "roles", "wishes", "wishes_unordered"}
    | {"own_labels", "sources", "version", "note"}
)
"""Fields that the table alone says; every other block of a known profile stands where the table is silent."""

NEEDED: Final = frozenset({"id", "name", "country"})
HOSTING: Final = frozenset({"mission", "pilot"})


@dataclass(frozen=True)
class Opened:
    """A cohort made of a survey: what was met, what is still asked, whom to write to, and how it was read."""

    cohort: Cohort
    applicants: tuple[str, ...]
    problems: tuple[Problem, ...]
    questions: tuple[MappingQuestion, ...]
    contacts: dict[str, tuple[str, ...]] = field(repr=False)
    used: Mapping | None
    records: tuple[Record, ...] = field(repr=False)
    """The records of applicants and hosts, filled and with ids for the names of wishes."""


def open_survey(raw: Raw, hosts: Sequence[Raw] = ()) -> Opened:
    """Return the cohort of applicants and hosts; later hosts override earlier ones, applicants both.

    Raises DataError with every problem where no city is left.
    """
    problems = [replace(p, level="warning") if p.level == "error" else p for p in raw.problems]
    cities, dropped = usable_rows(raw.cities, is_guest=bool(hosts))
    if not cities:
        errors = [p for p in raw.problems if p.level == "error"]
        errors += [replace(p, level="error") for p in dropped]
        found, do = say("No row can be used."), say("See the other problems.")
        raise DataError(in_order(errors or [Problem("nothing-usable", found, do=do)]))
    known = {_id(r): r for host in hosts for r in host.cities if _hosts(r)}
    countries = Counter(str(r.data["country"]) for r in cities)
    home = next((c for c, n in countries.most_common(1) if 2 * n > len(cities)), "")
    bundled = {_id(r): r for r in read_raw().cities}
    mine = []
    for record in cities:
        filled_from = known.get(_id(record)) or bundled.get(_id(record))
        filled, taken = _filled(record, filled_from)
        filled.data["name"] = _own_name(filled, filled_from, home)
        mine.append(filled)
        told = [BLOCKS[block]["words"] for block in taken if "words" in BLOCKS.get(block, {})]
        if told:
            problems.append(_taken(filled, told, among_bundled=_id(record) in bundled))
    if raw.is_survey:  # whoever answered has applied
        mine = [r if r.data.get("roles") else _with_roles(r, ["guest"]) for r in mine]
    ids = set(map(_id, mine))
    everyone = [*mine, *(_host_only(r) for i, r in known.items() if i not in ids)]
    units = [*raw.units, *(u for host in hosts for u in host.units)]
    met = tuple(in_order([*problems, *dropped, *_resolved(everyone, units, ids, bundled.values())]))
    cohort = replace(validate(everyone, units), brought=frozenset(known.keys() - ids))
    contacts = dict(raw.contacts)
    asked = (met, raw.questions, contacts, raw.used)
    return Opened(cohort, tuple(sorted(ids)), *asked, tuple(everyone))


def _id(record: Record) -> str:
    return str(record.data["id"])


def cohort_of(raw: Raw, hosts: Sequence[str], tell: Callable[[Problem], object]) -> Cohort:
    """Return the cohort of what was read and of the hosts at some places.

    Of a survey, or beside hosts, what is in doubt or still asked goes to ``tell``, the problems of one cause as one;
    anything else must be without errors. Raises DataError with every problem.
    """
    if not hosts and not raw.is_survey:
        return validate(raw.cities, raw.units, raw.problems)
    opened = open_survey(raw, [hosts_of(place) for place in hosts])
    asked = [question.problem() for question in opened.questions]
    shown = (p for p in opened.problems if p.level == "warning" or p.code == "taken-from-profile")
    for problem in grouped([*shown, *asked]):
        tell(problem)
    return opened.cohort


def hosts_of(place: str) -> Raw:
    """Return the records of hosts: the bundled cities, or those of a folder or table, which host unless they say."""
    if place == "bundled":
        return read_raw()
    raw = read_raw(Path(place))
    cities, _ = usable_rows(raw.cities, is_guest=False)
    for record in cities:
        record.data.setdefault("roles", ["pilot"])
    return replace(raw, cities=tuple(cities))


def _hosts(record: Record) -> bool:
    return bool(HOSTING & set(map(str, record.data.get("roles") or ())))


def _host_only(record: Record) -> Record:
    """Return the record of a host that did not apply in the table, so that it is no applicant of this round."""
    roles = [role for role in record.data["roles"] if str(role) != "guest"]
    return _with_roles(record, roles)


def _with_roles(record: Record, roles: Sequence[str]) -> Record:
    return replace(record, data={**record.data, "roles": [*roles]})


def usable_rows(records: Sequence[Record], *, is_guest: bool) -> tuple[list[Record], list[Problem]]:
    """Return the records that are cities, without answers that are wrong, and what was dropped."""
    found: list[Record] = []
    problems: list[Problem] = []
    for given in records:
        record = replace(given, data=copy.deepcopy(dict(given.data)))
        if is_guest and not record.data.get("roles"):
            record.data["roles"] = ["guest"]
        for _ in range(20):
            known, wrong = profiles([record], City)
            if known:
                found.append(record)
                break
            at = {record.place(path): path for path in _paths(record.data)}
            paths = [at.get(p.where, "") for p in wrong]
            is_lost = any(path.partition(".")[0] in {"", *NEEDED} for path in paths)
            says = say("The city stays, the answer is left out.")
            if is_lost:
                says = say("The row is left out.")
            for path, problem in zip(paths, wrong, strict=True):
                code = problem.code if is_lost else "answer-left-out"
                do = joined(filter(None, (problem.do, says)))
                problems.append(replace(problem, code=code, level="warning", do=do))
                if not is_lost:
                    _drop(record.data, path)
            if is_lost:
                break
    return found, problems


def _paths(data: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in data.items():
        if isinstance(value, dict):
            yield from _paths(value, f"{prefix}{name}.")
        yield f"{prefix}{name}"


def _drop(data: dict[str, Any], path: str) -> None:
    first, _, rest = path.partition(".")
    if rest and isinstance(data.get(first), dict):
        _drop(data[first], rest)
    if not rest or not data.get(first):
        data.pop(first, None)


def _filled(record: Record, known: Record | None) -> tuple[Record, list[str]]:
    """Return a record with what a profile or the gazetteer knows where it is silent, and the blocks of the profile taken.

    Each block keeps its own source.
    """
    data = record.data
    taken: list[str] = []
    sources = list(data.get("sources", ()))
    if known is not None:
        roles = [*data.get("roles", ()), *known.data.get("roles", ())]
        data["roles"] = list(dict.fromkeys(map(str, roles)))
        silent = (b for b in City.model_fields if b not in OWN and not data.get(b))
        taken = [block for block in silent if known.data.get(block)]
        data |= {block: copy.deepcopy(known.data[block]) for block in taken}
        for source in known.data.get("sources", ()):
            if of := [block for block in source["of"] if block in taken]:
                sources.append({**source, "of": of})
        of = [b for b in taken if not any(b in source["of"] for source in sources)]
        if of:
            sources.append({"of": of, "from": [known.where.file or "profile of this city"]})
    elif not data.get("location"):
        place = listed_place(str(data["country"]), str(data["name"]))
        if place and place.lat is not None:
            data["location"] = {"lat": place.lat, "lon": place.lon}
            sources.append({"of": ["location"], "from": ["GeoNames, CC BY 4.0"]})
    if sources:
        data["sources"] = sources
    return record, taken


def _own_name(record: Record, known: Record | None, home: str) -> str:
    """Return the name of a city as its own letters have it: of a known profile, else the table's, unless that is a foreign one.

    Most cities of the table are of the country ``home``, and write others in their own language or letters.
    """
    name, country = str(record.data["name"]), str(record.data["country"])
    if known is not None:
        names = [str(known.data[k]) for k in ("name", "local_name") if known.data.get(k)]
        return next((n for n in names if bare(n) == bare(name)), names[0])
    place = listed_place(country, name)
    if place is None or plain(name) == plain(place.name):
        return name
    if bare(name) == bare(place.name):  # "Stadt Winterthur", "Comune di Prato"
        return place.name
    latin = all("LATIN" in unicodedata.name(c, "") for c in name if c.isalpha())
    both = any(
        {*bare(name).split(), *bare(place.name).split()} <= {*o.split()} for o in place.others
    )
    return name if latin and (both or home in ("", country)) else place.name


def _taken(record: Record, blocks: Sequence[str], *, among_bundled: bool) -> Problem:
    says = "{city} is also among the hosts: what the table does not answer is taken from there: {blocks}."
    if among_bundled:
        says = "{city} is also among the bundled cities: what the table does not answer is taken from there: {blocks}."
    found = say(says, city=record.data["name"], blocks=joined(map(say, blocks), "; "))
    return Problem("taken-from-profile", found, record.place("name"), level="note")


def _resolved(
    records: Sequence[Record],
    units: Sequence[Record],
    mine: Collection[str],
    bundled: Iterable[Record],
) -> list[Problem]:
    """Give the cities that applicants name their ids; a wish for a city that is not there is a warning."""
    names, others = names_of([*records, *units]), names_of(filter(_hosts, bundled))
    everyone = set(map(_id, (*records, *units)))
    hosting = {*map(_id, filter(_hosts, records)), *map(_id, units)}
    problems = []
    for record in records:
        data, city = record.data, _id(record)
        for path in NAMING:
            kept: dict[str, None] = {}
            for k, wish in enumerate(map(str, data.get(path) or ())):
                hits = (wish,) if wish in everyone else names.find(wish)
                hits = tuple(h for h in hits if len(hits) == 1 or h in hosting) or hits
                if len(hits) == 1 and hits[0] != city:
                    kept[hits[0]] = None
                if city in mine and not (len(hits) == 1 and hits[0] in hosting):
                    place = record.place(f"{path}.{k}")
                    found = _no_host(str(data["name"]), path, wish, hits, names, place)
                    if not hits and others.find(wish):
                        do = say("It is among the bundled hosts, which --hosts bundled brings.")
                        found = replace(found, do=do)
                    problems.append(found)
            if data.get(path):
                data[path] = list(kept)
    return problems


def _no_host(
    city: str, path: str, wish: str, hits: tuple[str, ...], names: Names, where: Where
) -> Problem:
    if len(hits) > 1:
        says = "{city} names {wish}, which may be {names}."
        found = say(says, city=city, wish=repr(wish), names=" or ".join(hits))
        do = say("Write one of: {names}.", names=", ".join(hits))
        return Problem("wish-ambiguous", found, where, do, "warning")
    near = names.near(wish)
    do = say("Did you mean {names}?", names=" or ".join(near)) if near and not hits else ""
    verb = {"wishes": say("wishes for"), "refuses": say("refuses"), "welcomes": say("welcomes")}[
        path
    ]
    why = say("does not host in this round") if hits else say("is no city of this round")
    says = "{city} {verb} {wish}, which {why}."
    found = say(says, city=city, verb=verb, wish=repr(wish), why=why)
    return Problem("wish-no-host", found, where, do, "warning")


def estimated_readiness(city: City) -> dict[Dimension, tuple[int, str]]:
    """Return the levels that public facts make likely, each with the fact that it rests on; often none."""
    d, facts = Dimension, list[tuple[Dimension, int, str]]()
    covenant, mission = city.covenant, city.mission
    if covenant is not None:
        facts.append((d.MANDATE, 1, "signatory of the Covenant of Mayors"))
        if covenant.target_2020 is not None or covenant.target_2030 is not None:
            facts += [
                (d.TARGET, 2, "a reduction target in the Covenant of Mayors"),
                (d.INVENTORY, 2, "a Covenant plan rests on an inventory"),
                (d.PLAN, 2, "a Covenant target comes with an action plan"),
                (d.MANDATE, 2, "a Covenant plan is adopted by the council"),
            ]
    if city.commitment is not None and city.commitment.neutral_by is not None:
        said = "a climate-neutrality year is stated"
        facts += [(d.TARGET, 3, said), (d.MANDATE, 2, said)]
    if city.emissions is not None and city.emissions.kind != "estimated":
        facts.append((d.INVENTORY, 2, "an inventory is printed"))
    if mission is not None and mission.label_awarded:
        facts += [(dimension, 3, "Mission Label") for dimension in (d.MANDATE, d.TARGET, d.PLAN)]
        facts.append((d.FINANCE, 2, "the Mission Label asks for an investment plan"))
        facts.append((d.ECOSYSTEM, 2, "the Mission Label asks for signed commitments"))
    # Of several facts the highest level counts, and of these the first.
    found: dict[Dimension, tuple[int, str]] = {}
    for dimension, level, why in sorted(facts, key=itemgetter(1), reverse=True):
        found.setdefault(dimension, (level, why))
    return dict(sorted(found.items()))
