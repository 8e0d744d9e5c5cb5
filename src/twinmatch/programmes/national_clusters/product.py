"""National clusters, country first, then readiness: large countries split, small ones joined; country sheets and bridges.

A country within the size band is a cluster. A larger one is split into the fewest clusters that fit, so that
members are alike. Smaller ones are joined along ties (a shared or close language, a border, or the nearest
country where there is neither): all sensible sets are listed, and the choice among them is proven best.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence, Set
from functools import partial
from itertools import combinations
from typing import Final

import numpy as np

from twinmatch.affinity import Affinity
from twinmatch.embedding.sentences import TOPICS
from twinmatch.errors import NoProposalError, Problem
from twinmatch.facets.answered import topic_table
from twinmatch.facets.quoting import shows, sought_by
from twinmatch.files import shared_out
from twinmatch.programmes.base import actor_for
from twinmatch.programmes.group_quotas import quotas_kept
from twinmatch.programmes.national_clusters.countries import (
    Cluster,
    bridge_note,
    bridge_table,
    bridges_between,
    clusters_asked,
    country_sheets,
    homes_of,
    locked_in,
    room_table,
    struggles,
)
from twinmatch.programmes.national_clusters.search import (
    Home,
    PreparedClusters,
    join_countries,
    split_country,
)
from twinmatch.programmes.national_clusters.settings import NationalClusters
from twinmatch.programmes.round import Round, coverage_note, shares
from twinmatch.programmes.rules import (
    DEFINES,
    NO_HOURS,
    QUESTIONS,
    costed,
    counted,
    judged,
    missing,
    often_in,
    outside,
    price_at_most,
)
from twinmatch.proposal import LeftOut, Meeting, Member, Product, RulePrice, RuleStatus
from twinmatch.proposal.proposal import is_of_theme
from twinmatch.schema import IN_TEXT
from twinmatch.vocabulary.geography import country, with_article
from twinmatch.vocabulary.topics import Topic
from twinmatch.wording import count, joined, listed, say, say_n

LEAST_NAMED = 1 / 3
"""Part of the cities of a cluster that must name what it is named by, or want to learn what is said of them."""

LEAST_LIFT = 0.15
"""By how much more often a topic is named in a part than in the others, to name the part by it."""


LARGEST_COMPARED: Final = 1_500
"""Cities up to which all are compared to bound what rules cost; above it each counts as alike as can be."""

MADE_OF: Final = ("one cluster each", "country first")
"""Rules that say what national clusters are."""


def propose_national_clusters(round_: Round, settings: NationalClusters) -> Product:
    """Return the clusters of a round: every city once, compatriots together, sizes within the band.

    Raises NoProposalError where a country cannot be split into clusters within the band, or as was asked by hand.
    """
    ready = PreparedClusters(round_, settings)
    weights = shares(ready.affinity)
    barred: set[frozenset[str]] = set()
    asking = {c.country for c in round_.cohort if c.id not in round_.cohort.brought}
    split: dict[tuple[str, ...], list[Cluster]] = {}
    while True:
        homes, alone = join_countries(ready, barred)
        homes = [home for home in homes if any(code in asking for code in home.codes)]
        new = [home for home in homes if home.codes not in split]
        new.sort(key=lambda home: -sum(len(ready.by_country[code]) for code in home.codes))
        pieces = [partial(_clusters, ready, home) for home in new]
        made = shared_out(pieces, len(round_.cohort))
        split |= {home.codes: found for home, found in zip(new, made, strict=True)}
        if all(split[home.codes] for home in homes):
            break
        barred |= {frozenset(home.codes) for home in homes if not split[home.codes]}
    alone |= dict.fromkeys(np.flatnonzero(~ready.fits).tolist(), NO_HOURS)
    clusters = sorted((c for home in homes for c in split[home.codes]), key=lambda c: c.key)
    _check_asked(ready, clusters)
    affinity = ready.affinity
    bridges = bridges_between(round_, settings, affinity, clusters)
    anchors = {c.country for i, c in enumerate(round_.cohort.cities) if ready.is_anchor(i)}
    meetings = tuple(
        _meeting(ready, cluster, anchors, bridge_note(round_, clusters, bridges, k))
        for k, cluster in enumerate(clusters)
    )
    kept = judged(cluster_rules(round_, settings, meetings))
    score = sum(cohesion(affinity, c.cities) for c in clusters)
    score -= math.fsum(rule.paid or 0.0 for rule in kept) / 100
    slack = sum(c.slack for c in clusters)
    proven = slack <= 1e-6 * max(1.0, score)
    placed = {round_.cohort.cities[i].country for c in clusters for i in c.cities}
    return Product(
        "national_clusters",
        settings.title,
        "optimal" if proven else "feasible",
        say("country first; countries joined by integer programme; splits by swaps with a bound"),
        score,
        score + (0.0 if proven else slack),
        meetings,
        tuple(LeftOut(round_.id(i), why, "") for i, why in sorted(alone.items())),
        costed(kept, *_prices_at_most(settings, affinity, len(alone), score)),
        say(
            "{clusters} with {cities} of {countries}.",
            clusters=count(len(meetings), "cluster"),
            cities=count(sum(len(m.members) for m in meetings), "city", "cities"),
            countries=count(len(placed), "country", "countries"),
        ),
        weights=weights,
        tables=(
            bridge_table(round_, clusters, bridges),
            country_sheets(round_, {i: c.name for c in clusters for i in c.cities}),
            room_table(round_),
        ),
    )


def _prices_at_most(
    settings: NationalClusters, affinity: Affinity, alone: int, score: float
) -> tuple[RulePrice, dict[str, RulePrice]]:
    """Return what a rule on clusters costs at most, and the price of those by name that are on something else.

    No city is more alike to its cluster than to as many of all others as a cluster has at least.
    """
    n = len(affinity.rows)
    others = np.ones((n, 2))
    if n <= LARGEST_COMPARED:
        every = np.arange(n, dtype=np.intp)
        alike = affinity.scores(every, every)
        np.fill_diagonal(alike, -np.inf)
        nearest = -np.sort(-alike, axis=1)[:, : max(min(settings.size[0], n) - 1, 1)]
        others = np.stack([nearest.mean(axis=1), nearest[:, 0]], axis=1)
    within, free = others.clip(0.0).sum(axis=0).tolist()
    size = price_at_most(alone, free - score)
    return price_at_most(alone, within - score), {
        "cluster size": size,
        **dict.fromkeys(MADE_OF, DEFINES),
    }


def _check_asked(ready: PreparedClusters, clusters: Sequence[Cluster]) -> None:
    """Raise NoProposalError with every lock and split that the clusters do not have."""
    at = {i: c.key for c in clusters for i in c.cities}
    says = "{p} is locked in the cluster {key}, which it cannot join."
    do = say("Release the lock, or loosen the rule.")
    problems = [
        Problem("lock-in-group", say(says, p=ready.round.name(i), key=repr(lock.key)), do=do)
        for i, lock in ready.locks.items()
        if not lock.holds_in(at.get(i, ""))
    ]
    says, do = "{key} cannot be {p}.", say("Take another number, or loosen a rule.")
    problems += [
        Problem("split-impossible", say(says, key=repr(key), p=count(number, "cluster")), do=do)
        for key, number in ready.settings.split.items()
        if sum(is_of_theme(c.key, key) for c in clusters) != number
    ]
    if problems:
        raise NoProposalError(problems)


def cohesion(affinity: Affinity, cities: Sequence[int]) -> float:
    """Return how alike the cities of a cluster are: the sum over them of their mean score to the others."""
    if len(cities) < 2:
        return 0.0
    rows = np.array(cities, dtype=np.intp)
    block = affinity.scores(rows, rows)
    return float((block.sum() - np.trace(block)) / (len(cities) - 1))


def _clusters(ready: PreparedClusters, home: Home) -> list[Cluster]:
    """Return the cluster of a home, or the fewest clusters that it fits into; none where rules let it not be split."""
    round_, settings = ready.round, ready.settings
    cities = sorted(i for code in home.codes for i in ready.by_country[code])
    key = "-".join(code.lower() for code in home.codes)
    if len(cities) <= settings.size[1] and (settings.split_into(home.codes) or 1) == 1:
        return [Cluster(key, home.name, tuple(cities), home.reason)]
    groups, slack = split_country(ready, home, cities)
    if not ready.locks.keys() & set(cities):  # else their numbers are asked for
        groups = sorted(groups)
    says = "The {cities} cities of {countries} are shared out evenly over {groups} clusters."
    named = listed([with_article(country(code).name) for code in home.codes])
    reason = say(says, cities=len(cities), countries=named, groups=len(groups))
    topics = _topics(round_, groups)
    return [
        Cluster(
            f"{key}-{n}",
            say("{home}, part {n} of {groups}", home=home.name, n=n, groups=len(groups)),
            group,
            joined(filter(None, (home.reason, reason, set_apart))),
            slack / len(groups),
            topic,
        )
        for n, (group, (topic, set_apart)) in enumerate(zip(groups, topics, strict=True), 1)
    ]


def _topics(round_: Round, groups: Sequence[tuple[int, ...]]) -> list[tuple[str, str]]:
    """Return for each part what its cities name more often than those of the others, once each, and how much more often; empty for none."""
    named = [[struggles(round_.cohort.cities[i]) for i in group] for group in groups]
    counted = [Counter(word for words in mine for word in words) for mine in named]
    stated = [sum(bool(words) for words in mine) for mine in named]
    all_, any_ = sum(counted, Counter[str]()), sum(stated)
    lift: list[tuple[float, int, str]] = []
    for k, mine in enumerate(counted):
        for word in sorted(mine):
            here = mine[word] / max(stated[k], 1)
            if mine[word] < max(2, LEAST_NAMED * len(groups[k])):
                continue
            there = (all_[word] - mine[word]) / max(any_ - stated[k], 1)
            lift.append((round(there - here, 6), k, word))
    topics = [""] * len(groups)
    for gap, k, word in sorted(lift):
        if gap <= -LEAST_LIFT and not topics[k] and word not in topics:
            topics[k] = word
    all_cities = sum(map(len, groups))
    says = "What sets this cluster apart is {topic}: {n} of its {all} cities struggle with it, against {m} of the {others} others."
    return [
        (
            topic,
            say(
                says,
                topic=IN_TEXT[topic],
                n=mine[topic],
                all=len(group),
                m=all_[topic] - mine[topic] or say("none"),
                others=all_cities - len(group),
            )
            if topic
            else "",
        )
        for topic, mine, group in zip(topics, counted, groups, strict=True)
    ]


def _meeting(
    ready: PreparedClusters, cluster: Cluster, anchors: Set[str], bridges: tuple[str, ...]
) -> Meeting:
    round_, settings, affinity = ready.round, ready.settings, ready.affinity
    named = {i for i in cluster.cities if ready.is_anchor(i)}
    silent = {i for i in named if _known_beside(affinity, i, cluster) < settings.known_at_least}
    leads, why_leads = _leading(round_, settings, cluster, named - silent)
    members = tuple(
        Member(round_.id(i), "lead" if i in leads else "member")
        for i in sorted(cluster.cities, key=lambda i: (i not in leads, i))
    )
    account = affinity.joint_account(list(combinations(cluster.cities, 2)), say("pairs"))
    notes = coverage_note(account) if len(cluster.cities) > 1 else ()
    kind = settings.anchors
    if silent:
        says = "{cities} could lead this cluster if more were known. The first question to ask: {questions}"
        asked = [b for i in silent for b in missing(round_.cohort.cities[i], settings.weights)]
        asked.sort(key=lambda block: block != "strengths")
        # It is to show something.
        dumb = any(not round_.cohort.cities[i].offers for i in silent)
        first = [QUESTIONS[block] for block in (["strengths"] if dumb else asked)][:1]
        cities = listed([round_.name(i) for i in sorted(silent)])
        notes += (say(says, cities=cities, questions=joined(first)),)
    if kind and not named:
        somewhere = any(round_.cohort.cities[i].country in anchors for i in cluster.cities)
        notes += (
            say("The {kind} Cities of these countries are in other clusters.", kind=kind)
            if somewhere
            else say("No {kind} City of these countries is in the cohort.", kind=kind),
        )
    return Meeting(
        f"national_clusters:{cluster.key}",
        cluster.name,
        members,
        account,
        joined(filter(None, (cluster.reason, _shared(round_, cluster, leads)))),
        notes=(*why_leads, *notes, *bridges),
    )


def _leading(
    round_: Round, settings: NationalClusters, cluster: Cluster, anchors: Set[int]
) -> tuple[set[int], tuple[str, ...]]:
    """Return the anchors that lead a cluster, those that show most of what its other cities seek, at most a part of all; and why they do."""
    table = topic_table(round_.cohort, round_.facet_cache)
    cities = list(cluster.cities)
    sought = np.clip(table.seeks[cities], 0.0, 1.0)
    shown = np.clip(table.shows[cities], 0.0, 1.0)
    gives = {i: float(sought.sum(axis=0) @ mine) for i, mine in zip(cities, shown, strict=True)}
    gives = {i: gives[i] - float(sought[k] @ shown[k]) for k, i in enumerate(cities)}
    most = max(1, int(settings.anchors_at_most * len(cities)))
    ranked = sorted(anchors, key=lambda i: (-round(gives[i], 6), i))
    leads, others = ranked[:most], ranked[most:]
    if not (leads and others):
        return {*leads}, ()
    one = "{city} leads: of the {all} {kind} Cities of this cluster it can show most of what the others want to learn."
    many = "{city} lead: of the {all} {kind} Cities of this cluster these can show most of what the others want to learn."
    if round(gives[leads[-1]] - gives[others[0]], 6) == 0:
        one = "{city} leads; as far as is known, {other} can show as much of what the others want to learn."
        many = "{city} lead; as far as is known, {other} can show as much of what the others want to learn as the last of them."
    told = {
        "all": len(ranked),
        "kind": settings.anchors,
        "city": listed([*map(round_.name, leads)]),
    }
    why = say_n(one, many, len(leads), other=round_.name(others[0]), **told)
    return {*leads}, (why,)


def _known_beside(affinity: Affinity, i: int, cluster: Cluster) -> float:
    """Return the part of the weights known of a city and the others of its cluster, on average; 1 for a city alone."""
    others = [affinity.row_of[j] for j in cluster.cities if j != i]
    accounts = affinity.accounts([affinity.row_of[i]] * len(others), others, worded=False)
    return round(float(np.mean([a.coverage for a in accounts])), 9) if others else 1.0


def _shared(round_: Round, cluster: Cluster, leads: Set[int]) -> str:
    """Return what a city of a cluster can show of what others of it seek, two topics at most; where none can, whom to ask.

    First come topics of what sets the cluster apart, then those that a third of the cities seek and more than elsewhere,
    those that most seek before others.
    """
    table, all_ = topic_table(round_.cohort, round_.facet_cache), len(cluster.cities)
    usual = dict(zip(TOPICS, (table.asked / len(round_.cohort)).tolist(), strict=True))
    seekers: dict[Topic, list[int]] = {}
    for i in cluster.cities:
        for topic in table.sought(i):
            seekers.setdefault(topic, []).append(i)
    least = max(2, LEAST_NAMED * all_)
    common = {t for t, n in seekers.items() if len(n) >= least and len(n) > all_ * usual[t] + 1e-9}
    parts: list[str] = []
    printed: set[str] = set()
    for topic, seeking in sorted(
        seekers.items(),
        key=lambda x: (x[0].area != cluster.topic, x[0] not in common, -len(x[1]), x[0]),
    ):
        # One that seeks it as well has something to show to the others, if there are any.
        alone = {*seeking} if len(seeking) == 1 else set()
        able = ([*(leads - alone)], [i for i in cluster.cities if i not in alone])
        found = next(filter(None, (table.offers.best_on(who, {topic}) for who in able)), None)
        if found and found[0].text not in printed:
            if not printed and cluster.topic not in ("", topic.area):
                says = "On {topic}, nothing is known yet that one of these cities can show."
                parts.append(say(says, topic=IN_TEXT[cluster.topic]))
            printed.add(found[0].text)
            asking = [round_.name(i) for i in seeking if i != found[0].city]
            parts += [shows(round_.name(found[0].city), *found), sought_by(topic, asking)]
        if len(printed) == 2 or (printed and topic not in common):
            return joined(parts)
    if parts:
        return joined(parts)
    if common:
        topic = min(common, key=lambda t: (-len(seekers[t]), t))
        says = "{n} of the {all} cities of this cluster want to learn about {topic}."
        if len(seekers[topic]) == all_:
            says = "All {all} cities of this cluster want to learn about {topic}."
            says = "Both cities of this cluster want to learn about {topic}." if all_ == 2 else says
        parts.append(say(says, n=len(seekers[topic]), all=all_, topic=topic.wording))
        parts.append(actor_for([topic], {round_.cohort.cities[i].country for i in cluster.cities}))
    says = "Nothing is known yet that one of these cities can show another: before they first meet, each is asked for two measures and their results."
    parts = [*filter(None, parts), say(says)]
    return joined(parts)


def cluster_rules(
    round_: Round,
    settings: NationalClusters,
    meetings: Sequence[Meeting],
    led: Set[str] = frozenset(),
) -> tuple[RuleStatus, ...]:
    """Return how the finished clusters stand to each rule, read from the meetings and nothing else.

    ``led`` are the clusters that had an anchor before a city was moved by hand: they are to keep one.
    """
    low, high = settings.size
    locks = {round_.id(i): lock for i, lock in locked_in(round_, settings).items()}
    at = {c: m.id.rpartition(":")[2] for m in meetings for c in m.cities()}
    where: dict[str, list[str]] = {}
    for city, key in at.items():
        if city not in locks:
            where.setdefault(round_.cohort.city(city).country, []).append(key)
    spread = {code: keys for code, keys in sorted(where.items()) if len(set(keys)) > 1}
    torn = [
        country(code).name
        for code, keys in spread.items()
        if len(set(keys)) > clusters_asked(settings, keys)
    ]
    at_odds = [
        joined([m.label, listed([country(one).name, country(other).name])], ": ")
        for m in meetings
        for codes in [{round_.cohort.city(c).country for c in m.cities()}]
        for one, other in settings.never_joined
        if {one, other} <= codes
    ]
    together = say("Compatriots are together; only countries too large for one cluster are split")
    together = say("{rule} ({n}).", rule=together, n=len(spread))
    size = say("A cluster has {low} to {high} cities.", low=low, high=high)
    apart = say("Countries that the programme keeps apart share no cluster.")
    rules = [
        counted("cluster size", size, outside(meetings, low, high)),
        counted("one cluster each", say("A city is in one cluster."), often_in(meetings, 1)),
        counted("country first", together, torn),
        counted("never joined", apart, at_odds),
    ]
    if settings.lock:
        away = [c for c, lock in locks.items() if not lock.holds_in(at.get(c, ""))]
        rules.append(counted("locks", say("Cities that are locked in a cluster are in it."), away))
    if settings.anchors:
        bare = {m.id: m.label for m in meetings if not m.cities("lead")}
        none = say(" None in: {bare}.", bare=listed([*bare.values()])) if bare else ""
        says = say(
            "Each cluster has a {anchors} City where its countries have enough of them.{none}",
            anchors=settings.anchors,
            none=none,
        )
        rules.append(counted("anchor", says, [bare[id_] for id_ in sorted(led & bare.keys())]))
    sets = [(m.label, m.cities(), ()) for m in meetings]
    homes = homes_of(round_, meetings)
    for name, quota in settings.quotas:
        rules.append(quotas_kept(round_, quota, name, say("In each cluster"), sets, balanced=homes))
    return tuple(rules)
