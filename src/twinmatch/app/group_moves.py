"""A city moved by hand to another group, panel or cluster, and a theme or country split otherwise: what either costs.

A move is priced as it stands, nothing is solved; a split is solved again. Both name the rules that they break. Then the
programme with what was decided of its groups and rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any, Final

import numpy as np
from pydantic import ValidationError

from twinmatch.affinity import compare
from twinmatch.errors import NoProposalError, Problem, QuestionError, Where
from twinmatch.exporting.spreadsheet import rules_said
from twinmatch.programmes import PRODUCTS
from twinmatch.programmes.city_panels import CityPanels, panel_rules
from twinmatch.programmes.city_panels.product import taking_part
from twinmatch.programmes.city_panels.search import Mix
from twinmatch.programmes.discussion_groups import DiscussionGroups
from twinmatch.programmes.discussion_groups.search import PreparedGroups
from twinmatch.programmes.discussion_groups.settings import slots_of
from twinmatch.programmes.national_clusters import NationalClusters, cluster_rules
from twinmatch.programmes.national_clusters.countries import codes_of
from twinmatch.programmes.national_clusters.product import cohesion
from twinmatch.programmes.programme import Programme
from twinmatch.programmes.proposing import programme_of
from twinmatch.programmes.round import Round
from twinmatch.programmes.rules import statuses
from twinmatch.proposal import Meeting, Member, Pairs, Proposal, RuleStatus
from twinmatch.proposal.proposal import is_of_theme, pairs_in, settings_of
from twinmatch.reading.grid import text
from twinmatch.solving.exchange import pair_score
from twinmatch.validate import as_sentence
from twinmatch.vocabulary.geography import country
from twinmatch.wording import listed, say

Priced = Iterator[tuple[float, Sequence[RuleStatus]]]
"""The score of a product, and how it stands to its rules: as it is, and with a city in each of its groups."""


@dataclass(frozen=True)
class GroupMove:
    """A group that a city could be in: by how much the score of the product changes, and what the move breaks."""

    meeting: str
    title: str
    is_now: bool
    change: float
    """Of the sum of all members' fits to their group, each at most 1; everybody else stays."""
    breaks: tuple[str, ...]
    """Names of the rules that are broken after the move and not before."""
    beside: str = ""
    """A city of the group that is locked there too: groups of one kind are told apart by who is in them."""


@dataclass(frozen=True)
class GroupSplit:
    """A theme with another number of groups, solved again: what that changes of the product, or why it cannot be."""

    theme: str
    title: str
    number: int
    places: tuple[int, int] = (0, 0)
    """Cities with a place in the product, before and after."""
    means: tuple[float, float] = (0.0, 0.0)
    """Mean score of its groups, in [0, 1], before and after."""
    groups: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Title and cities of each group of the theme then."""
    breaks: tuple[str, ...] = ()
    """Why no answer keeps the rules; empty where one does."""


def beside(round_: Round, earlier: Proposal, but: str) -> Round:
    """Return a round with what the products of a proposal take of each city, all but one."""
    programme, ledger = programme_of(round_), round_.ledger
    for product in earlier.products:
        settings = getattr(programme, product.product, None)
        if settings is not None and product.product != but:
            ledger = ledger.with_product(product, settings)
    return replace(round_, load_ledger=ledger)


def group_moves(
    round_: Round, made: Proposal, city: str, product: str = "discussion_groups"
) -> tuple[GroupMove, ...]:
    """Return every group, panel or cluster that a member, or a city without a place, could be in; its own first.

    Leads of groups stay as they are. Raises QuestionError where the city leads a group or can be in none.
    """
    settings: Any = getattr(programme_of(round_), product, None)
    groups = next((p for p in made.products if p.product == product), None)
    price = next((f for kind, f in PRICED if isinstance(settings, kind)), None)
    if price is None or groups is None or not groups.meetings:
        raise QuestionError.of("no-groups", say("This proposal has no groups."))
    meetings, i = groups.meetings, round_.cohort.find(city)
    around = beside(round_, made, product)
    others = tuple(lock for lock in settings.lock if lock[0] != round_.id(i))
    settings = settings.model_copy(update={"lock": others})
    (score, now), *after = price(around, settings, meetings, i)
    broken = {s.rule for s in now if s.status == "broken"}
    found = [
        GroupMove(
            meeting.id,
            meeting.label,
            round_.id(i) in meeting.cities(),
            moved - score,
            tuple(s.rule for s in said if s.status == "broken" and s.rule not in broken),
            next((c for c in meeting.cities() if c != round_.id(i)), "")
            if isinstance(settings, NationalClusters)
            else "",
        )
        for meeting, (moved, said) in zip(meetings, after, strict=True)
    ]
    return tuple(sorted(found, key=lambda m: (not m.is_now, bool(m.breaks), -round(m.change, 9))))


def group_split(round_: Round, made: Proposal, meeting: str, number: int) -> GroupSplit:
    """Return what it changes to give the theme of a group another number of groups.

    Raises QuestionError where the meeting is no group of a theme.
    """
    product, _, key = meeting.partition(":")
    settings: Any = getattr(programme_of(round_), product, None)
    before = next((p for p in made.products if p.product == product), None)
    if not hasattr(settings, "split") or before is None:
        raise QuestionError.of("no-groups", say("This proposal has no groups."))
    if all(m.id != meeting for m in before.meetings):
        raise QuestionError.of(
            "not-found", say("There is no group {meeting}.", meeting=repr(meeting[:80]))
        )
    theme, title = _theme_of(settings, key)
    split = GroupSplit(f"{product}:{theme}", title, number)
    settings = settings.model_copy(update={"split": {**settings.split, theme: number}})
    try:
        after = PRODUCTS[product](beside(round_, made, product), settings)
    except NoProposalError as error:
        return replace(split, breaks=tuple(problem.found for problem in error.problems))
    placed = [len({c for m in p.meetings for c in m.cities()}) for p in (before, after)]
    means = [fmean([m.score for m in p.meetings] or [0.0]) for p in (before, after)]
    mine = (m for m in after.meetings if is_of_theme(m.id, split.theme))
    return replace(
        split,
        places=(placed[0], placed[1]),
        means=(means[0], means[1]),
        groups=tuple((m.label, m.cities()) for m in mine),
    )


def _theme_of(settings: Any, group: str) -> tuple[str, str]:
    """Return id and title of what a group is one of: a theme, the countries of a cluster, or all panels ("")."""
    if isinstance(settings, CityPanels):
        return "", settings.title
    if isinstance(settings, NationalClusters):
        codes = codes_of(group)
        return "-".join(codes).lower(), listed([country(code).name for code in codes])
    theme = next(t for t in settings.themes if is_of_theme(group, t.id))
    return theme.id, theme.title


def _not_movable(round_: Round, i: int) -> QuestionError:
    says = say("{p} leads a group, or can be in none.", p=round_.name(i))
    return QuestionError.of("not-movable", says, do=say("Move a member of a group."))


def _in_groups(
    round_: Round, settings: DiscussionGroups, meetings: Sequence[Meeting], i: int
) -> Priced:
    """Yield what discussion groups are worth: each member's fit to its group."""
    cohort, slots = round_.cohort, slots_of(settings, meetings)
    leads = [[cohort.index[c] for c in m.cities("lead")] for m in meetings]
    ready = PreparedGroups(round_, settings, slots, leads)
    affinity, row = ready.affinity, ready.affinity.row_of.get(i)
    if row is None:
        raise _not_movable(round_, i)
    now = np.zeros((len(slots), len(affinity.rows)), dtype=bool)
    for k, meeting in enumerate(meetings):
        now[k, [affinity.row_of[cohort.index[c]] for c in meeting.cities("member")]] = True
    fit = float(affinity.score[row, now[:, row]].sum())
    yield fit, statuses(ready.rules, ready.candidates, now.ravel())
    for k in range(len(slots)):
        now[:, row] = np.arange(len(slots)) == k
        told = statuses(ready.rules, ready.candidates, now.ravel())
        yield float(affinity.score[row, k]), told


def _on_panels(round_: Round, settings: CityPanels, meetings: Sequence[Meeting], i: int) -> Priced:
    """Yield what panels are worth: how unlike each member is to the others of its panel, in the mean."""
    if i not in taking_part(round_, settings)[0]:
        raise _not_movable(round_, i)
    index, city = round_.cohort.index, round_.id(i)
    seat = {index[c]: k for k, m in enumerate(meetings) for c in m.cities()}
    who = sorted({*seat, i})
    likeness = Mix(round_, settings, who).likeness(np.arange(len(who)))
    for k in (seat.get(i, -1), *range(len(meetings))):
        label = np.array([k if c == i else seat[c] for c in who], dtype=np.int64)
        score = int((label >= 0).sum()) - pair_score(label, likeness)
        yield score, panel_rules(round_, settings, _with(meetings, city, k))


def _on_clusters(
    round_: Round, settings: NationalClusters, meetings: Sequence[Meeting], i: int
) -> Priced:
    """Yield what clusters are worth: how alike each city is to the others of its cluster, in the mean."""
    affinity = compare(round_.cohort, settings.weights, round_.facet_cache)
    city, index = round_.id(i), round_.cohort.index
    now = next((k for k, m in enumerate(meetings) if city in m.cities()), -1)
    led = {m.id for m in meetings if m.cities("lead")}
    for k in (now, *range(len(meetings))):
        moved = _with(meetings, city, k)
        score = sum(cohesion(affinity, [index[c] for c in m.cities()]) for m in moved)
        yield score, cluster_rules(round_, settings, moved, led)


def _with(meetings: Sequence[Meeting], city: str, at: int) -> list[Meeting]:
    """Return groups with a city in one of them, by its place; in none for -1."""
    mine = [x for m in meetings for x in m.members if x.city == city] or [Member(city, "member")]
    return [
        replace(m, members=(*(x for x in m.members if x.city != city), *mine[: k == at]))
        for k, m in enumerate(meetings)
    ]


PRICED: Final[tuple[tuple[type[Any], Callable[..., Priced]], ...]] = (
    (DiscussionGroups, _in_groups),
    (CityPanels, _on_panels),
    (NationalClusters, _on_clusters),
)
"""How a move is priced, by the settings of its product."""


def group_of(pair: tuple[str, str]) -> tuple[str, str] | None:
    """Return product and group of a city that is locked in a group, such as de-x and discussion_groups:heat."""
    product, colon, group = pair[1].partition(":")
    return (product, group) if colon else None


def groups_wanted(made_from: Mapping[str, Any]) -> Pairs:
    """Return the cities that are locked in groups by the settings that a proposal was made from, as decisions have them."""
    settings = (made_from.get("programme") or {}).get("settings") or {}
    return tuple(
        (city, f"{product}:{group}")
        for product in settings
        if product != "twinning"
        for city, group in pairs_in(settings_of(made_from, product), "lock")
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


def with_groups(
    programme: Programme,
    lock: Pairs,
    lifted: Set[tuple[str, str]],
    names: Mapping[str, str],
    splits: Mapping[str, int],
) -> Programme:
    """Return the programme with cities locked in groups, names of groups, and themes split into as many as was decided.

    Raises QuestionError where it has no such groups.
    """
    changed: dict[str, Any] = {}

    def changeable(product: str, what: str, do: str) -> Any:
        settings = changed.get(product) or getattr(programme, product, None)
        if not hasattr(settings, what):
            found = say("This programme has no {product} that could be changed.", product=product)
            raise QuestionError.of("no-groups", found, do=do)
        return settings

    gone = [pair for pair in lifted if group_of(pair)]
    for product in dict.fromkeys(pair[1].partition(":")[0] for pair in (*lock, *sorted(gone))):
        settings = changeable(product, "lock", say("Release the lock."))
        own = [(city, f"{product}:{group}") for city, group in settings.lock]
        held = dict(pair for pair in (*own, *lock) if pair not in lifted)  # the last word counts
        start = f"{product}:"
        locks = tuple((c, g.removeprefix(start)) for c, g in held.items() if g.startswith(start))
        changed[product] = settings.model_copy(update={"lock": locks})
    for theme, number in splits.items():
        product, _, key = theme.partition(":")
        settings = changeable(product, "split", say("Take the number of groups back."))
        split = {**settings.split, key: number}
        changed[product] = settings.model_copy(update={"split": split})
    return programme.model_copy(update={**changed, "names": {**programme.names, **names}})


Changed = Sequence[tuple[Where, dict[str, Any]]]
Rules = dict[str, list[tuple[Where, dict[str, Any]]]]
"""The rules on kinds of cities by format, each with its place."""


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


def with_rules_changed(programme: Programme, several: Iterable[Mapping[str, Changed]]) -> Programme:
    """Return the programme with rules that were changed; raises QuestionError with every row that says no rule."""
    changed: dict[str, Any] = {}
    problems = []
    for product, rules in ((p, r) for one in several for p, r in one.items()):
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
