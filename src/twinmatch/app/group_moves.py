"""A city moved by hand to another discussion group: what it changes, and which rules it breaks, before anything is solved."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from twinmatch.errors import QuestionError
from twinmatch.programmes.discussion_groups.product import slots_of
from twinmatch.programmes.discussion_groups.search import member_frame
from twinmatch.programmes.proposing import programme_of
from twinmatch.programmes.round import Round
from twinmatch.programmes.rules import statuses
from twinmatch.proposal import Proposal


@dataclass(frozen=True)
class GroupMove:
    """A group that a city could be in: by how much the score of all groups changes, and what the move breaks."""

    meeting: str
    title: str
    is_now: bool
    change: float
    """Of the sum of all members' fits, where one fit is in [0, 1]; everybody else stays."""
    breaks: tuple[str, ...]
    """Names of the rules that are broken after the move and not before."""


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
    """Return every group of a proposal that a member, or a city without a group, could be in; its own first.

    Leads stay as they are. Raises QuestionError where the city leads a group or can be in none.
    """
    settings = getattr(programme_of(round_), product, None)
    groups = next((p for p in made.products if p.product == product), None)
    if settings is None or groups is None or not groups.meetings:
        raise QuestionError.of("no-groups", "This proposal has no groups.")
    meetings, cohort = groups.meetings, round_.cohort
    slots = slots_of(settings, meetings)
    leads = [[cohort.index[c] for c in m.cities("lead")] for m in meetings]
    settings = settings.model_copy(update={"lock": ()})
    frame = member_frame(beside(round_, made, product), settings, slots, leads)
    candidates, rules, affinity, _ = frame
    row = affinity.row_of.get(cohort.find(city))
    if row is None:
        leads_one = f"{cohort.city(city).name} leads a group, or can be in none."
        raise QuestionError.of("not-movable", leads_one, do="Move a member of a group.")
    shape = (len(slots), len(affinity.rows))
    now = np.zeros(shape, dtype=bool)
    for k, meeting in enumerate(meetings):
        now[k, [affinity.row_of[cohort.index[c]] for c in meeting.cities("member")]] = True
    broken = {s.rule for s in statuses(rules, candidates, now.ravel()) if s.status == "broken"}
    fit = affinity.score[row]
    found = []
    for k, meeting in enumerate(meetings):
        after = now.copy()
        after[:, row] = np.arange(len(slots)) == k
        said = statuses(rules, candidates, after.ravel())
        breaks = tuple(s.rule for s in said if s.status == "broken" and s.rule not in broken)
        change = float(fit[k] - fit[now[:, row]].sum())
        found.append(GroupMove(meeting.id, meeting.label, bool(now[k, row]), change, breaks))
    return tuple(sorted(found, key=lambda m: (not m.is_now, bool(m.breaks), -round(m.change, 9))))
