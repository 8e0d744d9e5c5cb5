"""A city moved by hand to another group or panel, and a theme split into more or fewer groups: what either costs.

A move is priced as it stands, nothing is solved; a split is solved again. Both name the rules that they break.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from twinmatch.errors import NoProposalError, QuestionError
from twinmatch.programmes import PRODUCTS
from twinmatch.programmes.city_panels import CityPanels, panel_rules
from twinmatch.programmes.city_panels.product import taking_part
from twinmatch.programmes.city_panels.search import mix_of
from twinmatch.programmes.discussion_groups import DiscussionGroups
from twinmatch.programmes.discussion_groups.search import member_frame
from twinmatch.programmes.discussion_groups.slots import slots_of
from twinmatch.programmes.proposing import programme_of
from twinmatch.programmes.round import Round
from twinmatch.programmes.rules import statuses
from twinmatch.proposal import Meeting, Member, Proposal, RuleStatus
from twinmatch.proposal.proposal import is_of_theme
from twinmatch.solving.exchange import pair_score

Priced = Iterator[tuple[float, Sequence[RuleStatus]]]
"""The score of a product, and how it stands to its rules: as it is, and with a city in each of its groups."""


@dataclass(frozen=True)
class GroupMove:
    """A group that a city could be in: by how much the score of the product changes, and what the move breaks."""

    meeting: str
    title: str
    is_now: bool
    change: float
    """Of the sum of all members' fits to their group, each in [0, 1]; everybody else stays."""
    breaks: tuple[str, ...]
    """Names of the rules that are broken after the move and not before."""


@dataclass(frozen=True)
class GroupSplit:
    """A theme with another number of groups, solved again: what that changes of the product, or why it cannot be."""

    theme: str
    title: str
    number: int
    change: float = 0.0
    """Of the sum of all members' fits to their group, each in [0, 1]."""
    places: int = 0
    """Cities that gain a place; negative where some lose theirs."""
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
    """Return every group or panel that a member, or a city without a place, could be in; its own first.

    Leads stay as they are. Raises QuestionError where the city leads a group or can be in none.
    """
    settings = getattr(programme_of(round_), product, None)
    groups = next((p for p in made.products if p.product == product), None)
    if not isinstance(settings, DiscussionGroups | CityPanels) or not groups or not groups.meetings:
        raise QuestionError.of("no-groups", "This proposal has no groups.")
    meetings, i = groups.meetings, round_.cohort.find(city)
    around, settings = beside(round_, made, product), settings.model_copy(update={"lock": ()})
    if isinstance(settings, CityPanels):
        priced = _on_panels(around, settings, meetings, i)
    else:
        priced = _in_groups(around, settings, meetings, i)
    (score, now), *after = priced
    broken = {s.rule for s in now if s.status == "broken"}
    found = [
        GroupMove(
            meeting.id,
            meeting.label,
            round_.id(i) in meeting.cities(),
            moved - score,
            tuple(s.rule for s in said if s.status == "broken" and s.rule not in broken),
        )
        for meeting, (moved, said) in zip(meetings, after, strict=True)
    ]
    return tuple(sorted(found, key=lambda m: (not m.is_now, bool(m.breaks), -round(m.change, 9))))


def group_split(round_: Round, made: Proposal, meeting: str, number: int) -> GroupSplit:
    """Return what it changes to give the theme of a group another number of groups.

    Raises QuestionError where the meeting is no group of a theme.
    """
    product, _, key = meeting.partition(":")
    settings = getattr(programme_of(round_), product, None)
    before = next((p for p in made.products if p.product == product), None)
    if not isinstance(settings, DiscussionGroups) or before is None:
        raise QuestionError.of("no-groups", "This proposal has no groups.")
    theme = next((t for t in settings.themes if is_of_theme(key, t.id)), None)
    if theme is None:
        raise QuestionError.of("not-found", f"There is no group {meeting[:80]!r}.")
    split = GroupSplit(f"{product}:{theme.id}", theme.title, number)
    settings = settings.model_copy(update={"split": {**settings.split, theme.id: number}})
    try:
        after = PRODUCTS[product](beside(round_, made, product), settings)
    except NoProposalError as error:
        return replace(split, breaks=tuple(problem.found for problem in error.problems))
    placed = [len({c for m in p.meetings for c in m.cities()}) for p in (before, after)]
    mine = (m for m in after.meetings if is_of_theme(m.id, split.theme))
    return replace(
        split,
        change=after.score - before.score,
        places=placed[1] - placed[0],
        groups=tuple((m.label, m.cities()) for m in mine),
    )


def _not_movable(round_: Round, i: int) -> QuestionError:
    says = f"{round_.name(i)} leads a group, or can be in none."
    return QuestionError.of("not-movable", says, do="Move a member of a group.")


def _in_groups(
    round_: Round, settings: DiscussionGroups, meetings: Sequence[Meeting], i: int
) -> Priced:
    """Yield what discussion groups are worth: each member's fit to its group."""
    cohort, slots = round_.cohort, slots_of(settings, meetings)
    leads = [[cohort.index[c] for c in m.cities("lead")] for m in meetings]
    candidates, rules, affinity, _ = member_frame(round_, settings, slots, leads)
    row = affinity.row_of.get(i)
    if row is None:
        raise _not_movable(round_, i)
    now = np.zeros((len(slots), len(affinity.rows)), dtype=bool)
    for k, meeting in enumerate(meetings):
        now[k, [affinity.row_of[cohort.index[c]] for c in meeting.cities("member")]] = True
    yield float(affinity.score[row, now[:, row]].sum()), statuses(rules, candidates, now.ravel())
    for k in range(len(slots)):
        now[:, row] = np.arange(len(slots)) == k
        yield float(affinity.score[row, k]), statuses(rules, candidates, now.ravel())


def _on_panels(round_: Round, settings: CityPanels, meetings: Sequence[Meeting], i: int) -> Priced:
    """Yield what panels are worth: how unlike each member is to the others of its panel, in the mean."""
    if i not in taking_part(round_, settings)[0]:
        raise _not_movable(round_, i)
    index, city = round_.cohort.index, round_.id(i)
    seat = {index[c]: k for k, m in enumerate(meetings) for c in m.cities()}
    who = sorted({*seat, i})
    likeness = mix_of(round_, settings, who).likeness(np.arange(len(who)))
    for k in (seat.get(i, -1), *range(len(meetings))):
        label = np.array([k if c == i else seat[c] for c in who], dtype=np.int64)
        others = [[c for c in m.cities() if c != city] for m in meetings]
        cities = [[*mine, city] if at == k else mine for at, mine in enumerate(others)]
        moved = [
            replace(m, members=tuple(Member(c, "member") for c in mine))
            for m, mine in zip(meetings, cities, strict=True)
        ]
        score = int((label >= 0).sum()) - pair_score(label, likeness)
        yield score, panel_rules(round_, settings, moved)
