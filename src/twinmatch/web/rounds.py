"""The rounds behind proposals: read and solved when somebody asks about one, and held for the next question."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, Final, Generic, TypeVar

from cachetools import LRUCache
from pydantic import ValidationError

from twinmatch.app.decided import Decided, with_decided
from twinmatch.app.decisions import Pair, decided_so_far
from twinmatch.app.group_moves import (
    beside,
    group_of,
    rules_changed,
    shown_rule,
    with_rules_changed,
)
from twinmatch.app.round import Repaired, held_twinning, repaired, taken
from twinmatch.app.service import Service, open_service
from twinmatch.errors import Problem, QuestionError, Where
from twinmatch.exporting.folder_files import proposal_json
from twinmatch.exporting.spreadsheet import RULE_FIELDS, RULE_SHEET, rules_said
from twinmatch.programmes import PRODUCTS
from twinmatch.programmes.conditions import TRAITS
from twinmatch.programmes.kinds import TITLES
from twinmatch.programmes.programme import Programme, programme_model
from twinmatch.programmes.quotas import Quota
from twinmatch.programmes.round import Round
from twinmatch.programmes.twinning import Twinning
from twinmatch.proposal import Pairs, Proposal
from twinmatch.reading.mapping import toml_key, toml_value
from twinmatch.store.history import CONSENTS, DECISIONS, HistoryEntry, RunSnapshot, held
from twinmatch.store.records import Store
from twinmatch.validate import as_sentence
from twinmatch.web.board import Board, Job
from twinmatch.web.jobs import (
    cohort_of,
    programme_in,
    programme_made_from,
    proposal_of,
    round_of,
    round_of_version,
)
from twinmatch.web.settings import Settings
from twinmatch.whatif.case import Case, Outcome, open_case, twinning_case
from twinmatch.whatif.difference import ProposalDifference, difference
from twinmatch.whatif.prices import PriceList, PriceQuestion, price_list, price_questions
from twinmatch.whatif.repair import Disruption, Kind
from twinmatch.whatif.why_not import WhyNotAnswer, why_not
from twinmatch.wording import LANGUAGES, joined, say, shown

Missed = list[tuple[int, HistoryEntry]]

KEPT: Final = 3
"""Rounds held in memory because somebody asks about them."""

T = TypeVar("T")


class Latest(Generic[T]):
    """The last few of what is long to make, each made once however many ask for it."""

    def __init__(self) -> None:
        self._kept: LRUCache[object, T] = LRUCache(KEPT)
        self._lock = Lock()

    def get(self, key: object, make: Callable[[], T]) -> T:
        """Return what is kept under a key, or make it."""
        with self._lock:
            if key not in self._kept:
                self._kept[key] = make()
            return self._kept[key]


class Rounds:
    """The rounds behind proposals, read and solved when somebody asks about one, and held for the next question."""

    def __init__(self, board: Board, settings: Settings) -> None:
        self._board, self._settings = board, settings
        self._rounds: Latest[Round] = Latest()
        self._held: Latest[Case] = Latest()
        self._cases: Latest[Case] = Latest()
        self._questions: Latest[tuple[PriceQuestion, ...]] = Latest()
        self._services: Latest[Service] = Latest()

    def round(self, job: Job) -> Round:
        """Return the round of a proposal as it was made: its cities, its programme, what was decided before."""
        return self._rounds.get(job.id, lambda: round_of_version(self._board, self._settings, job))

    def held(self, proposal: str) -> Case:
        """Return the twinning of a proposal as it stands there, ready to be asked what a change costs."""
        job = self._board.job(proposal)
        return self._held.get(
            job.id, lambda: held_twinning(self.round(job), proposal_of(self._board, job.id))
        )

    def case(self, proposal: str, free: str = "") -> Case:
        """Return the twinning of a proposal's round solved under what is decided now; no lock binds the guest ``free``."""
        job, now = self._board.job(proposal), self._board.store.held(proposal)
        pairs = decided_so_far(self._board.store, job.id, now)
        lock = tuple(p for p in pairs.lock if not group_of(p) and p[0] != free)
        return self._cases.get(
            (job.id, lock, pairs.ban), lambda: self._solved(job, lock, pairs.ban)
        )

    def _solved(self, job: Job, lock: Pairs, ban: Pairs) -> Case:
        made = proposal_of(self._board, job.id)
        product = next((p for p in made.products if p.product == "twinning"), None)
        same = (set(lock), set(ban)) == tuple(map(set, made.wanted))
        proven = product is not None and product.status == "optimal"
        # An offer that was taken is the best only under what was kept.
        if same and product is not None and proven and "repairs" not in made.made_from:
            held = self.held(job.id)
            solution = replace(held.solution, status="optimal", engine=product.engine)
            return replace(held, solution=replace(solution, bound=held.total))
        return twinning_case(self._decided(job, lock, ban, made))

    def _decided(self, job: Job, lock: Pairs, ban: Pairs, previous: Proposal | None) -> Round:
        """Return the round of a proposal with other locks and bans, of equally good answers the nearest to another one."""
        round_ = self.round(job)
        programme = programme_made_from(self._board, job.id)
        programme = with_decided(programme, (Decided(lock, ban),), round_.cohort)
        return replace(round_, programme=programme, previous=previous)

    def of(self, asked: Mapping[str, Any]) -> Case:
        """Return the twinning of a round that is only being thought of; it is not held."""
        return twinning_case(round_of(self._board, self._settings, asked))

    def service(self, job: Job) -> Service | None:
        """Return the cities of a proposal's round where they are an upload's; None where they are the service's own."""
        if not job.asked.get("upload"):
            return None
        cities = repr((job.asked["upload"], job.asked.get("hosts", "")))
        return self._services.get(cities, lambda: self._opened(job))

    def _opened(self, job: Job) -> Service:
        settings = self._settings
        cohort = cohort_of(self._board, settings, job.asked)
        return open_service(cohort, programme=settings.programme, model=settings.text_model)

    def why_not(self, proposal: str, guest: str, host: str) -> WhyNotAnswer:
        """Return why a guest and a host do not meet in a proposal."""
        return why_not(self.case(proposal), guest, host)

    def price_questions(self, proposal: str) -> tuple[PriceQuestion, ...]:
        """Return the prices that can be asked for of a proposal under what is decided now; answered ones stay so."""
        case = self.case(proposal)
        return self._questions.get(case, lambda: price_questions(case))

    def prices(self, proposal: str) -> PriceList:
        """Return what each rule, lock and ban of a proposal costs, and what a further place is worth."""
        told = {p.product: p.rules for p in proposal_of(self._board, proposal).products}
        return price_list(self.case(proposal), self.price_questions(proposal), told)

    def repair(self, proposal: str, change: Disruption, at_most: int) -> Repaired:
        """Return three offers to repair a proposal."""
        job, now = self._board.job(proposal), self._board.store.held(proposal)
        earlier = proposal_of(self._board, proposal)
        pairs = decided_so_far(self._board.store, job.id, now)
        lock = tuple(_still(pairs.lock, change, earlier))
        round_ = self._decided(job, lock, pairs.ban, None)
        return repaired(earlier, change, round_, at_most)

    def take(self, proposal: str, change: Disruption, at_most: int, kind: Kind, by: str) -> str:
        """Return the id of a further proposal that is an offer to repair one; raises QuestionError where it is none."""
        job = self._board.job(proposal)
        found = self.repair(proposal, change, at_most)
        made = taken(proposal_of(self._board, proposal), found, kind, change)
        told = again(self._board, job, self._board.store.held(proposal))
        told["repair"] = {"of": job.id, "offer": kind, "withdrawn": list(change.withdrawn)}
        run = self._board.keep_made(job.title, told, by, proposal_json(made))
        self._board.desk.want(run, "declines")
        return run

    def difference(self, one: str, other: str) -> ProposalDifference:
        """Return how two proposals differ."""
        return difference(proposal_of(self._board, one), proposal_of(self._board, other))


def _still(locks: Iterable[Pair], change: Disruption, earlier: Proposal) -> list[Pair]:
    """Return the locks that are not lifted by what happened: a city that withdrew or refused is not locked."""
    ids = {city.name: city.id for city in earlier.cities}
    ids |= {unit.name: unit.id for unit in earlier.units}
    gone = {ids.get(name, name) for name in change.withdrawn}
    refused = {frozenset(ids.get(name, name) for name in pair) for pair in change.refused}
    return [p for p in locks if not gone & set(p) and frozenset(p) not in refused]


def again(board: Board, job: Job, now: RunSnapshot) -> dict[str, Any]:
    """Return what to ask for the same round under what is decided now: of equally good answers the nearest."""
    pairs = decided_so_far(board.store, job.id, now)
    kept = {name: job.asked[name] for name in ("title", "upload", "hosts") if job.asked.get(name)}
    decided = {"lock": pairs.lock, "ban": pairs.ban, "names": pairs.names, "splits": pairs.splits}
    return {**kept, **decided, "programme_of": job.id, "previous": job.id}


def missed(store: Store, earlier: Sequence[str], history: Sequence[HistoryEntry]) -> Missed:
    """Return what was said on earlier versions once a later one had been made, and is not in its history too.

    Each with the number of its version. Steps of a status and mails are of their version alone.
    """

    def said(e: HistoryEntry) -> tuple[str, ...]:
        return e.kind, e.one, e.other, e.city, e.why

    found, known = list[tuple[int, HistoryEntry]](), set(map(said, history))
    for number, run in enumerate(earlier, 1):
        entries = store.history(run)
        undone = held(entries).undone
        for e in entries:
            if (
                said(e) not in known
                and e.kind in (*DECISIONS, *CONSENTS)
                and e.number not in undone
            ):
                known.add(said(e))
                found.append((number, e))
    return found


# --- rules ---

NUMBERS: Final = (
    *("places", "guests_per_country", "pairs_per_host_country"),
    *("hosts_per_guest", "once_hosting"),
)
"""Rules that are a number or nothing."""

COUNTED_IN: Final = {
    "all": say("everything together"),
    "host": say("the pairs of each host"),
    "host country": say("the pairs with each host country"),
    "group": say("each group"),
    "theme": say("the groups of each theme"),
    "visit": say("each visit"),
    "cluster": say("each cluster"),
    "panel": say("each panel"),
}
"""What a rule on kinds of cities is counted in, in words."""

KNOWN: Final = {"who": {trait: says for trait, (_, says) in TRAITS.items()}, "each": TITLES}
"""Kinds of cities, and what is counted separately, in words."""

MEANT: Final = {
    field: {shown(says, code): word for code in LANGUAGES for word, says in words.items()}
    for field, words in KNOWN.items()
}
"""What is meant by these words in every language."""


@dataclass(frozen=True)
class Tried:
    """A round under other rules: what that changes against the proposal, and the whole programme as a file."""

    outcome: Outcome | None
    """Of the twinning; None where there is none."""
    comparable: bool
    """Whether scores mean the same before and after: they do unless weights were changed."""
    filled: int
    others: ProposalDifference
    """How the other formats of which the rules changed differ."""
    toml: str


def _rule_says(rule: Mapping[str, Any]) -> str:
    """Return whom a rule on kinds of cities counts, and what it asks of them."""
    quota = Quota.model_validate({k: v for k, v in rule.items() if k in Quota.model_fields})
    return joined(filter(None, (quota.wording, quota.bound.words)), ": ")


def rules_of(made: Proposal) -> dict[str, Any]:
    """Return the twinning's settings as they were used, and the rules of every format, with two rows for new ones."""
    programme = programme_in(made.made_from)
    weights = programme.twinning.weights if programme.twinning else {}
    total = sum(weights.values()) or 1.0
    said = [
        {"format": product, "says": _rule_says(rule), **shown_rule(rule)}
        for product, rule in rules_said(made.made_from)
    ]
    return {
        "settings": programme.twinning,
        "numbers": NUMBERS,
        "rules": [*said, {}, {}],
        "formats": {
            p.product: p.title
            for p in made.products
            if hasattr(getattr(programme, p.product, None), "rules")
        },
        "known": KNOWN,
        "places": COUNTED_IN,
        "weights": {name: round(100 * w / total) for name, w in weights.items()},
    }


def _rules_in(form: Mapping[str, str]) -> Iterator[tuple[Where, dict[str, str]]]:
    """Yield the rows of rules on kinds of cities of a form, each with its place."""
    for k in range(sum(name.startswith("format-") for name in form)):
        row = {name: form.get(f"{name}-{k}", "").strip() for name in ("format", *RULE_FIELDS)}
        row |= {field: meant.get(row[field], row[field]) for field, meant in MEANT.items()}
        yield Where(sheet=RULE_SHEET, row=k + 1), row


def _checked(settings: Mapping[str, Any]) -> Programme:
    try:
        return programme_model().model_validate(settings)
    except ValidationError as error:
        wrong = ((".".join(map(str, e["loc"])), as_sentence(e)) for e in error.errors()[:20])
        raise QuestionError(
            Problem("rule-wrong", say("{at}: {said}", at=at, said=said)) for at, said in wrong
        ) from error


def with_rules(made: Proposal, form: Mapping[str, str]) -> Programme:
    """Return the programme of a proposal with what a form says of it; raises QuestionError with all that is wrong."""
    programme = programme_in(made.made_from)
    if programme.twinning is not None:
        settings = programme.model_dump(mode="json", exclude_none=True)
        programme = _checked({**settings, "twinning": _twinning(programme.twinning, form)})
    if "format-0" not in form:
        return programme
    changed = rules_changed(_rules_in(form), made.made_from)
    return with_rules_changed(programme, [changed])


def _twinning(settings: Twinning, form: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings of a twinning with the numbers and weights of a form."""
    plain = settings.model_dump(mode="json", exclude_none=True)
    for name in NUMBERS:
        plain.pop(name, None)
        if text := form.get(name, "").strip():
            plain[name] = _number(name, text)
    plain["guests_per_host"] = [_number(n, form.get(n, "0")) for n in ("host_least", "host_most")]
    plain["known_at_least"] = _number("known_at_least", form.get("known_at_least", "25")) / 100
    weights = {name: _number(name, form.get(f"w-{name}", "0")) for name in settings.weights}
    total = sum(settings.weights.values()) or 1.0
    if weights != {name: round(100 * w / total) for name, w in settings.weights.items()}:
        plain["weights"] = {name: float(w) for name, w in weights.items()}
    return plain


def _number(name: str, text: str) -> int:
    if not text.strip().isdecimal() or len(text.strip()) > 6:
        found = say("{name}: {text} is no whole number.", name=name, text=repr(text[:20]))
        raise QuestionError.of("rule-wrong", found, do=say("Write a number, or leave it empty."))
    return int(text)


def tried(rounds: Rounds, job: Job, made: Proposal, programme: Programme) -> Tried:
    """Return what other rules change against a proposal: each format of which the rules changed is solved again.

    Raises NoProposalError where nothing keeps them.
    """
    before, text = programme_in(made.made_from), toml(programme)
    round_ = replace(rounds.round(job), programme=programme)
    after = {
        p.product: PRODUCTS[p.product](
            beside(round_, made, p.product), getattr(programme, p.product)
        )
        for p in made.products
        if p.product != "twinning"
        and getattr(programme, p.product, None) != getattr(before, p.product, None)
    }
    products = tuple(after.get(p.product, p) for p in made.products)
    others = replace(difference(made, replace(made, products=products)), made_from=())
    others = replace(others, products=tuple(p for p in others.products if p.product in after))
    if programme.twinning is None:
        return Tried(None, True, 0, others, text)
    held = rounds.held(job.id)
    outcome, filled = _twinning_tried(held, programme.twinning)
    same = programme.twinning.weights == held.settings.weights
    return Tried(outcome, same, filled, others, text)


def _twinning_tried(held: Case, settings: Twinning) -> tuple[Outcome, int]:
    """Return what other settings change against the twinning of a proposal, and how many pairs there are then."""
    after = open_case(held.round, settings)
    met = {
        (after.guest_id(g), after.hosts[h].id)
        for g in range(len(after.ready.frame.guests))
        for h in after.host_of(g)
    }
    chosen = held.ready.frame.pairs(lambda h, g: (held.round.id(g), h.id) in met)
    return held.outcome((chosen, after.solution)), after.filled


def toml(programme: Programme) -> str:
    """Return a programme as the text of a programme file, with what differs from the defaults."""
    plain = programme.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    if (
        programme.city_panels is not None
    ):  # a table without its weights would be a change to the bundled one
        plain["city_panels"]["mix"] = programme.city_panels.mix
    tables = {k: v for k, v in plain.items() if isinstance(v, dict)}
    lines = [f"{k} = {toml_value(v)}" for k, v in plain.items() if k not in tables]
    for name, table in tables.items():
        lines += ["", f"[{name}]", *(f"{toml_key(k)} = {toml_value(v)}" for k, v in table.items())]
    return "\n".join(lines).strip() + "\n"
