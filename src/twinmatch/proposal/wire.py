"""The one dictionary that every export is made from, and the way back to a proposal.

``to_plain`` gives the contract of ``proposal.json``; ``from_plain`` reads it and names everything that is
wrong with it at once. Numbers are rounded to ten decimals *before* shares and scores are formed, so a
proposal that was read back gives the same dictionary again, and the shares of each meeting sum to its score.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast, get_args

from twinmatch.errors import DataError, Problem, Where
from twinmatch.proposal.evidence import Account, Evidence, Fact
from twinmatch.proposal.proposal import (
    SCHEMA,
    Ask,
    Cause,
    CityCard,
    Gap,
    Held,
    LeftOut,
    Measure,
    Meeting,
    Member,
    MemberRole,
    Product,
    Proposal,
    Reserve,
    RuleStatus,
    Status,
    Table,
)

DECIMALS = 10
"""Decimals kept of every number: far below what a score means, far above the noise of a sum."""

TOLERANCE = 1e-6
"""How far a stated score or share may be from its account before a file counts as wrong."""

T = TypeVar("T")


# --- from a proposal to the dictionary ---------------------------------------------------------------------


def to_plain(proposal: Proposal) -> dict[str, Any]:
    """Return the proposal as dictionaries, lists, texts and finite numbers: the contract of proposal.json."""
    return {
        "schema": SCHEMA,
        "title": proposal.title,
        "made_from": _plain_value(proposal.made_from),
        "notes": list(proposal.notes),
        "products": [_product(product) for product in proposal.products],
        "gaps": [{"city": g.city, "block": g.block, "says": g.says} for g in proposal.gaps],
        "cities": [_city(card) for card in proposal.cities],
        "units": [{"id": id_, "name": name} for id_, name in proposal.units],
        "tables": [_table(table) for table in proposal.tables],
    }


def _number(value: float) -> float | None:
    """Return a rounded number, without a negative zero; None where it is not finite."""
    return round(float(value), DECIMALS) + 0.0 if math.isfinite(value) else None


def _plain_value(value: Any) -> Any:
    """Return any nested value as JSON can hold it; what it cannot hold becomes text."""
    if isinstance(value, Mapping):
        return {str(key): _plain_value(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain_value(part) for part in value]
    if isinstance(value, float):
        return _number(value)
    return value if value is None or isinstance(value, str | bool | int) else str(value)


def _product(product: Product) -> dict[str, Any]:
    return {
        "product": product.product,
        "title": product.title,
        "status": product.status,
        "engine": product.engine,
        "score": _number(product.score),
        "bound": _number(product.bound),
        "gap": _number(product.gap) if math.isfinite(product.bound) else None,
        "says": product.says,
        "advice": list(product.advice),
        "weights": [
            {"facet": facet, "weight": _number(weight), "effective_share": _number(share)}
            for facet, weight, share in product.weights
        ],
        "meetings": [_meeting(meeting) for meeting in product.meetings],
        "left_out": [
            {
                "city": x.city,
                "why": x.why,
                "offered": x.offered,
                "ask": x.ask,
                "as_role": x.as_role,
                "code": x.code,
            }
            for x in product.left_out
        ],
        "held": [
            {
                "places": h.places,
                "why": h.why,
                "ask": [{"city": q.city, "block": q.block, "question": q.question} for q in h.ask],
            }
            for h in product.held
        ],
        "rules": [{"rule": r.rule, "says": r.says, "status": r.status} for r in product.rules],
        "tables": [_table(table) for table in product.tables],
    }


def _table(table: Table) -> dict[str, Any]:
    return {
        "name": table.name,
        "title": table.title,
        "says": table.says,
        "columns": list(table.columns),
        "rows": [[_plain_value(cell) for cell in row] for row in table.rows],
    }


def _meeting(meeting: Meeting) -> dict[str, Any]:
    account = account_lines(meeting.account)
    return {
        "id": meeting.id,
        "label": meeting.label,
        "unit": meeting.unit,
        "members": [{"city": m.city, "role": m.role} for m in meeting.members],
        "score": _number(math.fsum(line["share"] for line in account)),
        "says": meeting.says,
        "account": account,
        "reserves": [
            {"instead_of": r.instead_of, "candidate": r.candidate, "score": _number(r.score)}
            for r in meeting.reserves
        ],
        "notes": list(meeting.notes),
    }


def account_lines(account: Account) -> list[dict[str, Any]]:
    """Return the lines of an account as they stand in the one dictionary."""
    return [_line(line) for line in account.lines]


def account_plain(account: Account) -> dict[str, Any]:
    """Return an account by itself, with its score and how much of it is known."""
    return {
        "score": round(account.score, DECIMALS),
        "coverage": round(account.coverage, DECIMALS),
        "account": account_lines(account),
    }


def _line(line: Evidence) -> dict[str, Any]:
    standing, weight = round(line.standing, DECIMALS), round(line.weight, DECIMALS)
    return {
        "facet": line.facet,
        "likeness": _number(line.likeness),
        "standing": standing,
        "weight": weight,
        "share": round(weight * standing, DECIMALS),
        "says": line.says,
        "known_part": round(line.known_part, DECIMALS),
        "evidence": [_fact(fact) for fact in line.facts],
    }


def _fact(fact: Fact) -> dict[str, Any]:
    """Return a fact without its empty parts."""
    parts = {
        "city": fact.city,
        "what": fact.what,
        "value": _plain_value(fact.value),
        "unit": fact.unit,
        "year": fact.year,
        "kind": fact.kind,
        "source": fact.source,
        "place": fact.place,
    }
    return {key: part for key, part in parts.items() if part not in (None, "")}


def _city(card: CityCard) -> dict[str, Any]:
    return {
        "id": card.id,
        "name": card.name,
        "country": card.country,
        "country_name": card.country_name,
        "roles": list(card.roles),
        "population": card.population,
        "lat": None if card.lat is None else _number(card.lat),
        "lon": None if card.lon is None else _number(card.lon),
        "known": _number(card.known),
        "statements": [{"block": block, "says": says} for block, says in card.statements],
        "measures": [
            {
                "block": m.block,
                "what": m.what,
                "value": None if m.value is None else _number(m.value),
                "year": m.year,
            }
            for m in card.measures
        ],
    }


# --- from the dictionary to a proposal ---------------------------------------------------------------------


def from_plain(plain: Any, file: str = "") -> Proposal:
    """Return the proposal of a dictionary; raises DataError with every problem of a wrong one.

    ``file`` names the place in the messages. What the contract does not ask for may be missing.
    """
    node = _Node(plain, "", file, [])
    if not isinstance(plain, dict):
        node.wrong("proposal-type", "This is not a proposal: an object is expected.")
    elif plain.get("schema") != SCHEMA:
        _wrong_schema(node, plain.get("schema"))
    node.stop_if_wrong()
    proposal = _read_proposal(node)
    node.stop_if_wrong()
    return proposal


def _wrong_schema(node: _Node, found: object) -> None:
    """Note that the schema is missing or is one that this version does not know."""
    said = "names no schema" if found is None else f"has the schema {found!r}"
    node.wrong(
        "proposal-schema",
        f"The file {said}; {SCHEMA!r} is expected.",
        "Is it a proposal.json of twinmatch, of this version?",
    )


class _Node:
    """A value of the file with its place in it; reads parts and notes what is wrong instead of raising."""

    def __init__(self, value: Any, place: str, file: str, problems: list[Problem]) -> None:
        self.value, self.place, self.file, self.problems = value, place, file, problems

    def wrong(self, code: str, found: str, do: str = "") -> None:
        """Note a problem at this place."""
        self.problems.append(Problem(code, found, Where(self.file, column=self.place), do))

    def stop_if_wrong(self) -> None:
        """Raise DataError if anything was wrong so far."""
        if self.problems:
            raise DataError(self.problems)

    def at(self, key: str | int) -> _Node:
        """Return the part under a key or at an index."""
        place = f"{self.place}[{key}]" if isinstance(key, int) else f"{self.place}.{key}".strip(".")
        return _Node(self.value[key], place, self.file, self.problems)

    def get(self, key: str, kinds: tuple[type, ...], named: str, default: T, needed: bool) -> T:
        """Return the part under a key if it is of these kinds; else note it and return the default."""
        if not isinstance(self.value, dict):
            return default
        if key not in self.value:
            if needed:
                self.wrong("proposal-missing", f"{key!r} is missing.")
            return default
        found = self.value[key]
        if isinstance(found, kinds) and not (isinstance(found, bool) and bool not in kinds):
            return cast("T", found)
        self.at(key).wrong("proposal-type", f"{named} is expected, found {_kind(found)}.")
        return default

    def text(self, key: str, needed: bool = True) -> str:
        """Return a text."""
        return self.get(key, (str,), "a text", "", needed)

    def choice(self, key: str, known: tuple[str, ...], needed: bool = True) -> str:
        """Return one of the known words; the first where none is needed and none is there."""
        word = self.get(key, (str,), "a text", known[0], needed)
        if word not in known:
            self.at(key).wrong("proposal-word", f"{word!r} is not one of {', '.join(known)}.")
        return word

    def number(
        self, key: str, low: float = 0.0, high: float = 1.0, unknown: float | None = None
    ) -> float:
        """Return a number between two bounds; null stands for the unknown one, where there is one."""
        kinds = (int, float) if unknown is None else (int, float, type(None))
        found: Any = self.get(key, kinds, "a number", None, needed=True)
        if found is None:
            return math.nan if unknown is None else unknown
        # Whole numbers beyond every float come from no proposal; they would overflow the conversion.
        value = float(found) if abs(found) < 1e300 else math.inf
        if not low - TOLERANCE <= value <= high + TOLERANCE or math.isinf(value):
            self.at(key).wrong("proposal-range", f"{found} does not lie {_between(low, high)}.")
        return value

    def whole(self, key: str) -> int | None:
        """Return a whole number, or None."""
        return self.get(key, (int, type(None)), "a whole number", None, needed=False)

    def optional(self, key: str, limit: float) -> float | None:
        """Return a number of at most a size, or None."""
        if not isinstance(self.value, dict) or self.value.get(key) is None:
            return None
        return self.number(key, -limit, limit)

    def parts(self, key: str, needed: bool = True) -> list[_Node]:
        """Return the objects of a list."""
        nodes = self._list(key, needed)
        for node in nodes:
            if not isinstance(node.value, dict):
                node.wrong("proposal-type", f"an object is expected, found {_kind(node.value)}.")
        return [node for node in nodes if isinstance(node.value, dict)]

    def texts(self, key: str) -> tuple[str, ...]:
        """Return the texts of a list that may be missing."""
        nodes = self._list(key, needed=False)
        for node in nodes:
            if not isinstance(node.value, str):
                node.wrong("proposal-type", f"a text is expected, found {_kind(node.value)}.")
        return tuple(node.value for node in nodes if isinstance(node.value, str))

    def _list(self, key: str, needed: bool) -> list[_Node]:
        found: list[Any] = self.get(key, (list,), "a list", [], needed)
        return [self.at(key).at(i) for i in range(len(found))]


def _between(low: float, high: float) -> str:
    """Return two bounds in words."""
    return f"between {low:g} and {high:g}" if math.isfinite(high) else f"at or above {low:g}"


def _kind(value: object) -> str:
    """Return what a value of a JSON file is, in words."""
    if isinstance(value, bool):
        return "true or false"
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (str, "a text"),
        ((int, float), f"the number {value}"),
        (list, "a list"),
        (dict, "an object"),
    )
    return next((words for kind, words in kinds if isinstance(value, kind)), "nothing")


def _each(node: _Node, key: str, read: Callable[[_Node], T], needed: bool = True) -> tuple[T, ...]:
    """Return the parts of a list, each read."""
    return tuple(read(part) for part in node.parts(key, needed))


def _read_proposal(node: _Node) -> Proposal:
    made_from: dict[str, Any] = node.get("made_from", (dict,), "an object", {}, needed=True)
    return Proposal(
        made_from=made_from,
        products=_each(node, "products", _read_product),
        cities=_each(node, "cities", _read_city, needed=False),
        units=_each(node, "units", lambda n: (n.text("id"), n.text("name")), needed=False),
        gaps=_each(
            node,
            "gaps",
            lambda n: Gap(n.text("city"), n.text("block"), n.text("says")),
            needed=False,
        ),
        notes=node.texts("notes"),
        tables=_each(node, "tables", _read_table, needed=False),
    )


def _read_table(node: _Node) -> Table:
    columns = node.texts("columns")
    found: list[Any] = node.get("rows", (list,), "a list", [], needed=True)
    wrong = [k for k, row in enumerate(found) if not _is_row(row, len(columns))]
    for k in wrong:
        node.at("rows").at(k).wrong(
            "proposal-type", f"a list of {len(columns)} texts and numbers is expected."
        )
    rows = () if wrong else tuple(tuple(row) for row in found)
    return Table(
        node.text("name"), node.text("title"), columns, rows, node.text("says", needed=False)
    )


def _is_row(row: object, width: int) -> bool:
    return (
        isinstance(row, list)
        and len(row) == width
        and all(cell is None or isinstance(cell, str | int | float) for cell in row)
    )


def _read_product(node: _Node) -> Product:
    return Product(
        product=node.text("product"),
        title=node.text("title", needed=False),
        status=cast("Status", node.choice("status", get_args(Status))),
        engine=node.text("engine", needed=False),
        score=node.number("score", high=math.inf),
        bound=node.number("bound", high=math.inf, unknown=math.inf),
        meetings=_each(node, "meetings", _read_meeting),
        left_out=_each(node, "left_out", _read_left_out),
        rules=_each(node, "rules", _read_rule),
        says=node.text("says", needed=False),
        advice=node.texts("advice"),
        weights=_each(node, "weights", _read_weight, needed=False),
        tables=_each(node, "tables", _read_table, needed=False),
        held=_each(node, "held", _read_held, needed=False),
    )


def _read_held(node: _Node) -> Held:
    return Held(
        int(node.number("places", high=math.inf)),
        node.text("why"),
        _each(
            node,
            "ask",
            lambda n: Ask(n.text("city"), n.text("question"), n.text("block", needed=False)),
        ),
    )


def _read_weight(node: _Node) -> tuple[str, float, float]:
    return node.text("facet"), node.number("weight"), node.number("effective_share", low=-1.0)


def _read_left_out(node: _Node) -> LeftOut:
    return LeftOut(
        node.text("city"),
        node.text("why"),
        node.text("offered"),
        node.text("ask", needed=False),
        cast("Any", node.choice("as_role", ("", "guest", "host"), needed=False)),
        cast("Any", node.choice("code", ("", *get_args(Cause)), needed=False)),
    )


def _read_rule(node: _Node) -> RuleStatus:
    known = ("kept", "binding", "broken", "relaxed")
    # The literal type of a dataclass field is not at hand at run time without resolving annotations.
    return RuleStatus(
        node.text("rule"), node.text("says"), cast("Any", node.choice("status", known))
    )


def _read_meeting(node: _Node) -> Meeting:
    meeting = Meeting(
        id=node.text("id"),
        label=node.text("label"),
        members=_each(node, "members", _read_member),
        account=Account(_each(node, "account", _read_line)),
        says=node.text("says", needed=False),
        reserves=_each(node, "reserves", _read_reserve),
        notes=node.texts("notes"),
        unit=node.text("unit", needed=False),
    )
    _check_sum(node, "score", meeting.score, "the shares of its account sum to")
    return meeting


def _read_member(node: _Node) -> Member:
    return Member(node.text("city"), cast("MemberRole", node.choice("role", get_args(MemberRole))))


def _read_reserve(node: _Node) -> Reserve:
    return Reserve(node.text("instead_of"), node.text("candidate"), node.number("score"))


def _read_line(node: _Node) -> Evidence:
    line = Evidence(
        facet=node.text("facet"),
        likeness=node.number("likeness", unknown=math.nan),
        standing=node.number("standing"),
        weight=node.number("weight"),
        says=node.text("says"),
        facts=_each(node, "evidence", _read_fact),
        known_part=node.number("known_part") if "known_part" in node.value else 1.0,
    )
    _check_sum(node, "share", line.share, "weight times standing is")
    return line


def _check_sum(node: _Node, key: str, computed: float, is_: str) -> None:
    """Note a stated number that is not what its parts give: there is no other way to get a score."""
    stated = node.number(key)
    if abs(stated - computed) > TOLERANCE:
        node.at(key).wrong("proposal-sum", f"{stated} is stated, but {is_} {computed:.10g}.")


def _read_fact(node: _Node) -> Fact:
    value: Any = node.get(
        "value", (str, int, float, type(None)), "a text or a number", None, needed=False
    )
    return Fact(
        city=node.text("city", needed=False),
        what=node.text("what", needed=False),
        value=value,
        unit=node.text("unit", needed=False),
        year=node.whole("year"),
        kind=node.text("kind", needed=False),
        source=node.text("source", needed=False),
        place=node.text("place", needed=False),
    )


def _read_city(node: _Node) -> CityCard:
    return CityCard(
        id=node.text("id"),
        name=node.text("name"),
        country=node.text("country", needed=False),
        country_name=node.text("country_name", needed=False),
        roles=node.texts("roles"),
        population=node.whole("population"),
        lat=node.optional("lat", 90.0),
        lon=node.optional("lon", 180.0),
        known=node.number("known"),
        statements=_each(node, "statements", _read_statement, needed=False),
        measures=_each(node, "measures", _read_measure, needed=False),
    )


def _read_measure(node: _Node) -> Measure:
    value = node.optional("value", 1e15)
    return Measure(node.text("block"), node.text("what"), value, node.whole("year"))


def _read_statement(node: _Node) -> tuple[str, str]:
    return node.text("block"), node.text("says")
