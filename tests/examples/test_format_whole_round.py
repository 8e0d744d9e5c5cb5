"""All formats of the default round from the bundled cohort in one proposal, judged again from the outside."""

from __future__ import annotations

from collections import Counter

import pytest

from rounds_for_tests import propose
from twinmatch.exporting.dossiers import dossiers
from twinmatch.exporting.letters import letters
from twinmatch.programmes import load
from twinmatch.proposal import from_plain, to_plain


@pytest.fixture(scope="module")
def made(bundled, bundled_facet_cache):
    return propose(bundled, load(), bundled_facet_cache)


def test_all_formats_in_one_run(made):
    assert {p.product for p in made.products} == {
        "twinning", "discussion_groups", "study_visits", "national_clusters", "city_panels"
    }  # fmt: skip


def test_thirty_pairs_from_fifty_two_eligible(made):
    twinning = made.product("twinning")
    assert len(twinning.meetings) == 30
    assert "52 of them eligible" in twinning.says


def test_every_rule_is_kept_across_formats(made, bundled):
    proposal = made
    assert all(r.status in {"kept", "binding"} for p in proposal.products for r in p.rules)
    tasks = Counter(
        m.city
        for p in proposal.products
        if p.product != "national_clusters"
        for meeting in p.meetings
        for m in meeting.members
        if m.role in {"host", "lead"}
        and not (meeting.unit and m.city in meeting.cities("host")[1:])  # the first leads a unit
    )
    most = load().ledger.tasks
    assert max(tasks.values()) <= most
    ledger = next(t for t in proposal.tables if t.name == "ledger")
    column = ledger.columns.index("tasks")
    told = {row[0]: row[column] for row in ledger.rows}
    assert {c: n for c, n in told.items() if n} == {c: float(n) for c, n in tasks.items()}


def test_everyone_left_out_has_a_reason(made):
    for product in made.products:
        assert all(x.why for x in product.left_out)


def test_nobody_is_offered_a_way_to_itself(made):
    """In what is offered instead, in letters and on pages of cities, as host of a visit and as its guest."""
    name = {card.id: card.name for card in made.cities}
    hosting = {h for m in made.product("study_visits").meetings for h in m.cities("host")}
    assert hosting
    labels = {
        h: {m.label for m in made.product("study_visits").meetings if h in m.cities("host")}
        for h in hosting
    }
    said = {letter.city: letter.text for letter in letters(made)}
    said |= {f"page {d.name}": str(d.parts) for d in dossiers(made) if d.folder == "cities"}
    for host in hosting:
        offered = "".join(x.offered for p in made.products for x in p.left_out if x.city == host)
        for text in (offered, said[host], said[f"page {host}"]):
            assert not [label for label in labels[host] if label in text], name[host]


def test_visitors_come_from_the_group_and_have_a_target(made, bundled):
    proposal = made
    groups = {
        m.label: set(m.cities("member")) for m in proposal.product("discussion_groups").meetings
    }
    for visit in proposal.product("study_visits").meetings:
        assert any(set(visit.cities("guest")) <= members for members in groups.values())
        hosts = {bundled.city(h).country for h in visit.cities("host")}
        for guest in (bundled.city(g) for g in visit.cities("guest")):
            target = guest.commitment.neutral_by or guest.commitment.neutral_by_at_latest
            assert target <= 2050
            assert hosts - {guest.country}


def test_the_tables_stand_in_the_proposal_and_come_back(made, bundled):
    proposal = made
    names = {t.name for t in proposal.tables}
    assert names == {"ladder", "transition_map", "ledger", "pathways"}
    ladder = next(t for t in proposal.tables if t.name == "ladder")
    assert [row[0] for row in ladder.rows] == [c.id for c in bundled.cities]
    again = from_plain(to_plain(proposal))
    assert to_plain(again) == to_plain(proposal)
    assert [t.name for t in again.product("study_visits").tables] == ["travel", "travel_method"]
