"""The gate, the audience and the caps of finished meetings, counted city by city; no block, frame or candidate is read.

A second reading beside the rules of each format, which solver and report share: what is known of each pair is summed
over its account, who takes part is looked up in the profiles, and pairs are counted one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from twinmatch.affinity import compare
from twinmatch.cohort import Host
from twinmatch.programmes.base import GatedProduct, ProductSettings
from twinmatch.programmes.conditions import parsed
from twinmatch.programmes.eligibility import conditions
from twinmatch.programmes.kinds import words_of
from twinmatch.programmes.national_clusters import NationalClusters
from twinmatch.programmes.quotas import PairQuota
from twinmatch.programmes.round import Round
from twinmatch.programmes.rules import counted
from twinmatch.programmes.themes import ThemeNeed
from twinmatch.programmes.twinning import Twinning
from twinmatch.programmes.world_cafe import WorldCafe
from twinmatch.proposal import Meeting, Product, RuleStatus
from twinmatch.proposal.proposal import MemberRole
from twinmatch.proposal.tables import SeatingRow, ids_in, rows_of
from twinmatch.schema import City

SIDES: Final[dict[str, str]] = {"guest": "host", "member": "lead"}
"""The role that learns, and the one that it learns from."""


def recounted(round_: Round, settings: ProductSettings, product: Product) -> list[RuleStatus]:
    """Return how the meetings of a product stand to its gate, its audience and its caps."""
    found = [
        counted(
            "audience, city by city",
            "Each city has the role that its part asks for.",
            list(_unfit(round_, settings, product)),
        )
    ]
    if isinstance(settings, GatedProduct):
        says = f"Of every pair, visit, member and anchor at least {100 * settings.known_at_least:.0f}% of what is compared is known."
        found.append(counted("known enough", says, list(_little_known(round_, settings, product))))
    if isinstance(settings, Twinning):
        says = "Every number and share of the programme holds, counted pair by pair."
        found.append(counted("caps, pair by pair", says, list(_beyond(round_, settings, product))))
    return found


def _unfit(round_: Round, settings: ProductSettings, product: Product) -> Iterator[str]:
    """Yield each city that is in a part of a meeting that is not for it."""
    kept_out = set(getattr(settings, "not_roles", ()))
    learns = set(getattr(settings, "roles", ()))
    shows = {
        x for name in ("hosts", "lead_roles", "host_roles") for x in getattr(settings, name, ())
    }
    named = set(getattr(settings, "host_ids", ()))
    for meeting in product.meetings:
        for member in meeting.members:
            city = round_.cohort.city(member.city)
            roles, learner = set(city.roles), member.role in SIDES
            stranger = shows and not named and not roles & shows and not meeting.unit
            if (roles & kept_out or (learns and not roles & learns)) if learner else stranger:
                yield f"{meeting.label}: {city.name} as {member.role}"
            elif named and not learner and not named & {member.city, meeting.unit}:
                yield f"{meeting.label}: {city.name} is no host that the programme names"
            elif (
                isinstance(settings, NationalClusters)
                and not learner
                and not settings.is_anchor(city)
            ):
                yield f"{meeting.label}: {city.name} as anchor"
            elif (
                isinstance(settings, Twinning) and learner and (why := _ineligible(city, settings))
            ):
                yield f"{meeting.label}: {why}"
    if isinstance(settings, WorldCafe):
        rows = rows_of(product.tables, "seating", SeatingRow)
        yield from (
            f"nobody sits with the host of {row.table!r}" for row in rows if not ids_in(row.guests)
        )


def _ineligible(city: City, settings: Twinning) -> str:
    """Return why a city is no guest of a twinning round; empty where it is one."""
    rule = settings.guests
    failed, unknown = conditions(city, rule)
    if not set(rule.roles) & set(city.roles):
        return f"{city.name} has not applied"
    if failed or (unknown and rule.unknown != "let in"):
        return f"{city.name}: {'; '.join([*failed, *unknown])}"
    return ""


def _little_known(round_: Round, settings: GatedProduct, product: Product) -> Iterator[str]:
    """Yield each city of whose meeting less is known than the gate asks for, its pair with the best known of the other side."""
    cohort = round_.cohort
    if isinstance(settings, NationalClusters):
        yield from _anchors_little_known(round_, settings, product)
        return
    locked = {frozenset(pair) for pair in cohort.by_id(getattr(settings, "lock", ()))}
    themes = {t.id: t for t in getattr(settings, "themes", ())}
    about = {
        m.id: themes.get(k) or themes.get(k.rpartition("-")[0])
        for m in product.meetings
        for k in [m.id.partition(":")[2]]
    }
    meetings = [
        m
        for m in product.meetings
        if (m.cities("host") or m.cities("lead")) and (about[m.id] or not themes)
    ]
    columns: list[Host] = []
    of: list[Meeting] = []
    for meeting in meetings:
        other: MemberRole = "host" if meeting.cities("host") else "lead"
        cities = [cohort.index[c] for c in meeting.cities(other)]
        together = other == "lead" or isinstance(settings, Twinning)
        for part in [cities] if together else [[i] for i in cities]:
            columns.append(Host(f"{len(columns)}", meeting.label, tuple(part)))
            of.append(meeting)
    if not columns:
        return
    learners = sorted(
        {cohort.index[m.city] for x in meetings for m in x.members if m.role in SIDES}
    )
    spoken_of = [theme for m in of if (theme := about[m.id])]
    own = {"theme": ThemeNeed(cohort, spoken_of, round_.facet_cache)} if themes else {}
    affinity = compare(
        cohort, settings.weights, round_.facet_cache, rows=learners, columns=columns, own=own
    )
    for meeting in meetings:
        at = [k for k, one in enumerate(of) if one is meeting]
        for city in (m.city for m in meeting.members if m.role in SIDES):
            row = affinity.row_of[cohort.index[city]]
            accounts = affinity.accounts([row] * len(at), at, worded=False)
            known = max(sum(line.weight for line in a.lines if line.known) for a in accounts)
            asked_for = any(
                frozenset((city, other)) in locked
                for other in (*meeting.cities("host"), meeting.unit)
            )
            if known < settings.known_at_least - 1e-6 and not asked_for:
                yield f"{meeting.label}: {100 * known:.0f}% known of {cohort.city(city).name}"


def _anchors_little_known(
    round_: Round, settings: NationalClusters, product: Product
) -> Iterator[str]:
    """Yield the anchors of clusters of whom less is known, beside the other members, than the gate asks for."""
    affinity = compare(round_.cohort, settings.weights, round_.facet_cache)
    for meeting in product.meetings:
        for lead in meeting.cities("lead"):
            others = [round_.cohort.index[c] for c in meeting.cities() if c != lead]
            accounts = affinity.accounts(
                [round_.cohort.index[lead]] * len(others), others, worded=False
            )
            known = [sum(line.weight for line in a.lines if line.known) for a in accounts]
            if known and sum(known) / len(known) < settings.known_at_least - 1e-6:
                yield f"{meeting.label}: {round_.cohort.city(lead).name} as anchor"


def _beyond(round_: Round, settings: Twinning, product: Product) -> Iterator[str]:
    """Yield each number or share of the programme that the pairs do not keep; not what gave way by a repair."""
    gave_way = {rule.rule for rule in product.rules if rule.repair}
    pairs = [m for m in product.meetings if m.cities("guest") and m.cities("host")]
    if settings.places is not None and len(pairs) > settings.places and "places" not in gave_way:
        yield f"places: {len(pairs)} pairs"
    if settings.another_country:
        yield from (f"another country: {m.label}" for m in pairs if _national(round_, m))
    for name, quota in settings.quotas:
        if name in gave_way or quota.price is not None:
            continue
        if quota.balance is not None:
            yield from _unbalanced(round_, settings, name, quota, pairs)
        for where, mine in _units_of(round_, quota, pairs).items():
            for word in _words_of(round_, quota, mine):
                n = sum(_counts(round_, settings, quota, word, m) for m in mine)
                if quota.missed(n, len(mine)) > 0:
                    yield " ".join(filter(None, (f"{name}:", where, word, f"{n} of {len(mine)}")))


def _unbalanced(
    round_: Round, settings: Twinning, name: str, quota: PairQuota, pairs: Sequence[Meeting]
) -> Iterator[str]:
    """Yield each kind of which the numbers at hosts that have any guest differ by more than may be."""
    units = _units_of(round_, quota, pairs).values()
    for word in _words_of(round_, quota, pairs):
        numbers = [sum(_counts(round_, settings, quota, word, m) for m in mine) for mine in units]
        if quota.missed_over(numbers, numbers):
            yield f"{name}: {word} {min(numbers)} to {max(numbers)}"


def _units_of(
    round_: Round, quota: PairQuota, pairs: Sequence[Meeting]
) -> dict[str, list[Meeting]]:
    """Return the pairs that a quota counts together: all, those of a host, or those with hosts of a country."""
    found: dict[str, list[Meeting]] = {"": list(pairs)} if quota.per == "all" else {}
    for m in pairs if quota.per != "all" else ():
        hosts = m.cities("host")
        places = (
            {m.unit or hosts[0]}
            if quota.per == "host"
            else {round_.cohort.city(h).country for h in hosts}
        )
        for place in sorted(places):
            found.setdefault(place, []).append(m)
    return found


def _words_of(round_: Round, quota: PairQuota, pairs: Sequence[Meeting]) -> list[str]:
    """Return the categories that a quota counts each for itself; one empty word where it counts a kind."""
    if quota.each is None:
        return [""]
    side: MemberRole = "guest" if quota.of == "guests" else "host"
    cities = {c for m in pairs for c in m.cities(side)}
    return sorted({word for c in cities for word in words_of(round_.cohort.city(c), quota.each)})


def _counts(
    round_: Round, settings: Twinning, quota: PairQuota, word: str, meeting: Meeting
) -> bool:
    """Return whether a pair counts towards a quota."""
    national = _national(round_, meeting)
    cities = map(round_.cohort.city, meeting.cities("guest" if quota.of == "guests" else "host"))
    return any(
        (not quota.who or parsed(quota.who).holds(city, settings.small_below, national))
        and (not quota.each or word in words_of(city, quota.each))
        for city in cities
    )


def _national(round_: Round, meeting: Meeting) -> bool:
    """Return whether the guest of a pair and a city of its host are of one country."""
    guests, hosts = (
        {round_.cohort.city(c).country for c in cities}
        for cities in (meeting.cities("guest"), meeting.cities("host"))
    )
    return bool(guests & hosts)
