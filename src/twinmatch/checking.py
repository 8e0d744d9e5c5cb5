"""check(): the referee over a proposal, whoever made it: also one that was edited by hand.

Twinning is judged by the rules' own blocks over the whole frame; every other format by what stands in its meetings. Nothing of the solver is used. What is left unjudged is said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from twinmatch.facets.base import listed
from twinmatch.programmes.city_panels import CityPanels
from twinmatch.programmes.discussion_groups import DiscussionGroups
from twinmatch.programmes.national_clusters import NationalClusters, cluster_rules
from twinmatch.programmes.round import Round
from twinmatch.programmes.rules import counted, statuses
from twinmatch.programmes.settings import FormatSettings, Programme, Twinning
from twinmatch.programmes.study_visits import StudyVisits, visit_rules
from twinmatch.programmes.world_cafe import WorldCafe, seating_rules
from twinmatch.proposal import Meeting, Product, Proposal, RuleStatus
from twinmatch.schema import Role
from twinmatch.whatif import held_case


@dataclass(frozen=True)
class Checked:
    """A product as the referee finds it: every rule, and what was not judged."""

    product: str
    title: str
    rules: tuple[RuleStatus, ...]
    unjudged: str = ""

    @property
    def kept(self) -> bool:
        """Return whether no rule is broken."""
        return all(rule.status != "broken" for rule in self.rules)


def check_proposal(round_: Round, programme: Programme, proposal: Proposal) -> tuple[Checked, ...]:
    """Return how every product of a proposal stands to the rules of a programme over a cohort."""
    return tuple(_product(round_, programme, product) for product in proposal.products)


def _product(round_: Round, programme: Programme, product: Product) -> Checked:
    strangers = sorted(
        {m.city for meeting in product.meetings for m in meeting.members} - set(round_.cohort.index)
    )
    rules = [
        counted("known cities", "Every city of a meeting is in the profiles.", strangers),
        _once(product),
    ]
    settings = getattr(programme, product.product, None)
    if settings is None:
        return Checked(
            product.product,
            product.title,
            tuple(rules),
            "This programme has no such format: its own rules were not judged.",
        )
    if strangers:
        return Checked(
            product.product,
            product.title,
            tuple(rules),
            "The format's own rules were not judged, because cities are unknown.",
        )
    return Checked(product.product, product.title, (*rules, *_own_rules(round_, settings, product)))


def _own_rules(round_: Round, settings: FormatSettings, product: Product) -> tuple[RuleStatus, ...]:
    meetings = product.meetings
    match settings:
        case Twinning():
            return _twinning(round_, settings, meetings)
        case DiscussionGroups():
            return _groups(round_, settings, meetings)
        case StudyVisits():
            return visit_rules(round_, settings, meetings)
        case NationalClusters():
            return cluster_rules(round_, settings, meetings)
        case CityPanels():
            return _panels(round_, settings, meetings)
        case WorldCafe():
            seating = [t.rows for t in product.tables if t.name == "seating"]
            return seating_rules(
                round_, settings, meetings, [row for rows in seating for row in rows]
            )
    raise AssertionError(f"no rules to judge {type(settings).__name__} by")


def _once(product: Product) -> RuleStatus:
    twice = [
        f"{m.label}: {city}"
        for m in product.meetings
        for city, n in Counter(m.cities()).items()
        if n > 1
    ]
    return counted("once in a meeting", "A city stands once in a meeting.", twice)


def _twinning(
    round_: Round, settings: Twinning, meetings: Sequence[Meeting]
) -> tuple[RuleStatus, ...]:
    pairs = [
        (guest, m.unit or host)
        for m in meetings
        for guest in m.cities("guest")
        for host in m.cities("host")[:1]
    ]
    case = held_case(round_, settings, pairs)
    frame = case.ready.frame
    known = {(round_.id(g), host.id) for host in frame.hosts for g in frame.guests}
    outside = [f"{guest} with {host}" for guest, host in pairs if (guest, host) not in known]
    told = counted(
        "eligible pairs", "Every pair is an eligible guest and a host of the round.", outside
    )
    return (told, *statuses(case.ready.rules, case.ready.everything, case.chosen))


def _groups(
    round_: Round, settings: DiscussionGroups, meetings: Sequence[Meeting]
) -> tuple[RuleStatus, ...]:
    low, high = settings.size
    least, most = settings.leads
    everyone = Counter(city for m in meetings for city in m.cities())
    leading = Counter(city for m in meetings for city in m.cities("lead"))
    unfit = [c for c in leading if not set(settings.lead_roles) & set(round_.cohort.city(c).roles)]
    rules = [
        counted(
            "group size",
            f"A group has {low} to {high} cities, leads included.",
            _outside(meetings, low, high),
        ),
        counted(
            "leads",
            f"A group has {least} to {most} leads.",
            _outside(meetings, least, most, "lead"),
        ),
        counted(
            "lead roles",
            f"Leads are {listed([r.value for r in settings.lead_roles], 'or')} cities.",
            sorted(unfit),
        ),
        counted(
            "groups of a city",
            f"A city is in at most {settings.groups_per_city} of the groups.",
            [c for c, n in sorted(everyone.items()) if n > settings.groups_per_city],
        ),
        counted(
            "lead of",
            f"A city leads at most {settings.lead_of} of the groups.",
            [c for c, n in sorted(leading.items()) if n > settings.lead_of],
        ),
    ]
    if settings.cities_per_country is not None:
        rules.append(_countries(round_, meetings, settings.cities_per_country))
    return tuple(rules)


def _panels(
    round_: Round, settings: CityPanels, meetings: Sequence[Meeting]
) -> tuple[RuleStatus, ...]:
    low, high = settings.size
    everyone = Counter(city for m in meetings for city in m.cities())
    few = [
        m.label
        for m in meetings
        if sum(round_.cohort.city(c).has(Role.MISSION) for c in m.cities())
        < settings.mission_at_least
    ]
    rules = [
        counted("sizes", f"A panel has {low} to {high} cities.", _outside(meetings, low, high)),
        counted(
            "one panel each",
            "A city is in one panel.",
            [c for c, n in sorted(everyone.items()) if n > 1],
        ),
        counted(
            "Mission Cities",
            f"Each panel has at least {settings.mission_at_least} Mission Cities.",
            few,
        ),
    ]
    if settings.cities_per_country is not None:
        rules.append(_countries(round_, meetings, settings.cities_per_country))
    return tuple(rules)


def _outside(
    meetings: Sequence[Meeting], low: int, high: int, role: str | None = None
) -> list[str]:
    sizes = [(m.label, sum(role is None or x.role == role for x in m.members)) for m in meetings]
    return [f"{label} has {n}" for label, n in sizes if not low <= n <= high]


def _countries(round_: Round, meetings: Sequence[Meeting], most: int) -> RuleStatus:
    tallies = [
        (m.label, Counter(round_.cohort.city(c).country for c in m.cities())) for m in meetings
    ]
    wrong = [
        f"{label} has {n} of {code}"
        for label, codes in tallies
        for code, n in sorted(codes.items())
        if n > most
    ]
    return counted(
        "cities per country", f"At most {most} cities of one country are in a meeting.", wrong
    )
