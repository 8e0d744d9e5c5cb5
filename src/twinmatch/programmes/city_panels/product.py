"""City panels: groups of Mission and other cities around a question, as mixed as quotas allow.

Where the programme asks for fewer panels than all cities fill, those take part who seek or show most of what the
panels ask (:mod:`~twinmatch.programmes.city_panels.search`); else every city does. A pair of cities is unlike in
an attribute where their categories differ; a panel's score is the mean over its pairs of the weighted unlikeness, so
each line of its account tells how mixed it is in one attribute.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
import scipy.sparse as sp

from twinmatch.errors import NoProposalError, Problem
from twinmatch.facets.quoting import worded
from twinmatch.programmes.city_panels import search
from twinmatch.programmes.city_panels.search import (
    ALL_PANELS,
    FITS,
    CityPanels,
    Mix,
    PanelQuestion,
    Seats,
    fit_of,
    grouped,
    locked_on,
    questions,
    seated,
    sizes_of,
)
from twinmatch.programmes.group_quotas import GroupQuotas, composition, quotas_kept
from twinmatch.programmes.kinds import TITLES
from twinmatch.programmes.round import Round, SolvedProduct
from twinmatch.programmes.rules import (
    NO_HOURS,
    costed,
    counted,
    judged,
    often_in,
    outside,
    price_at_most,
    roles_in_words,
)
from twinmatch.proposal import (
    Account,
    Evidence,
    LeftOut,
    Meeting,
    Member,
    Product,
    RuleStatus,
    Table,
    make_table,
)
from twinmatch.proposal.tables import QuestionRow
from twinmatch.schema import Role
from twinmatch.solving import Distribute
from twinmatch.solving.attributes import masks, per_group
from twinmatch.solving.exchange import pair_score
from twinmatch.solving.referee import SLACK
from twinmatch.wording import count, joined, listed, say, say_n

LEAST_TOLD = 0.5
"""Part of a panel for which a trait must be known before the panel is called mixed in it."""


def solved_panels(round_: Round, settings: CityPanels) -> Product | SolvedProduct:
    """Return the panels of a round: every city that may take part once, quotas kept, as mixed as found.

    With what seats were chosen from, where there are fewer than cities. Raises NoProposalError with the quota that no
    grouping keeps.
    """
    cities, out = taking_part(round_, settings)
    number = _number(len(cities), settings)
    if not number:
        return _none(round_, settings, cities, out)
    _check_locks(round_, settings, cities, number)
    seats: Seats | None = None
    waiting = max(0, len(cities) - number * settings.size[1])
    asked = questions(round_, settings, number, cities, chosen=waiting > 0)
    if waiting:
        cities, seats = _chosen(round_, settings, cities, number, asked, out)
    mix = Mix(round_, settings, cities)
    _check_quotas(mix, number)
    if seats is None:
        label, bound = grouped(mix, number)
    else:
        label, bound = seats.label[seats.label >= 0], math.inf
    reach = len(cities) - mix.least_alike(np.bincount(label))
    members = [np.flatnonzero(label == g).tolist() for g in range(number)]
    members = members if asked or settings.lock else sorted(members)
    meetings = tuple(
        _meeting(mix, group, n, asked[n - 1 : n]) for n, group in enumerate(members, 1)
    )
    kept = judged(panel_rules(round_, settings, meetings))
    cost = math.fsum(rule.paid or 0.0 for rule in kept) / 100
    score = len(cities) - pair_score(label, mix.likeness) - cost
    proven = seats is None and bound - score <= 1e-6 * max(1.0, score)
    # Without a rule the panels are no more mixed than their attributes let them be, or seat who has no seat.
    free = {"sizes": price_at_most(waiting, len(cities) - score)}
    kept = costed(kept, price_at_most(waiting, reach - score), free, define=MADE_OF)
    product = Product(
        "city_panels",
        settings.title,
        "optimal" if proven else "feasible",
        engine(len(cities))
        if seats is None
        else say("exact flow over who seeks or shows the questions"),
        score,
        score if proven else min(bound, reach),
        meetings,
        tuple(out),
        kept,
        say(
            "{panels} with {cities} of {countries}.",
            panels=count(number, "panel"),
            cities=count(len(cities), "city", "cities"),
            countries=count(
                len({round_.cohort.cities[i].country for i in cities}), "country", "countries"
            ),
        ),
        tables=(
            *(_asked(asked) if asked else ()),
            _balance([m.label for m in meetings], mix, members),
        ),
    )
    if seats is None:
        return product
    return SolvedProduct(product, seats, seats.solution.chosen, seats.solution)


MADE_OF: Final = ("one panel each",)
"""Rules that say what panels are."""


def _chosen(
    round_: Round,
    settings: CityPanels,
    cities: Sequence[int],
    number: int,
    asked: Sequence[PanelQuestion],
    out: list[LeftOut],
) -> tuple[list[int], Seats]:
    """Return the cities with a seat, and the seats; those without one are added to ``out``."""
    more = range(len(asked), number)
    every = [*asked, *(PanelQuestion(say("Panel {n}", n=n + 1), "", ()) for n in more)]
    seats = seated(round_, settings, every, cities)
    barred = _barred(seats)
    out += [
        LeftOut(round_.id(i), _no_seat(seats, barred, every, c), "", code="places")
        for c, i in enumerate(cities)
        if seats.label[c] < 0
    ]
    return [i for i, at in zip(cities, seats.label, strict=True) if at >= 0], seats


Barred = dict[tuple[int, int], tuple[str, list[int]]]


def _no_seat(seats: Seats, barred: Barred, asked: Sequence[PanelQuestion], c: int) -> str:
    """Return what keeps a city (by place) from each of the panels that are nearest to it, ``FEW`` at most."""
    at = seats.candidates
    fits = {(p, g): score for p, g, score in zip(at.host, at.guest, at.score, strict=True)}
    ranked = sorted(range(len(asked)), key=lambda p: (-fits.get((p, c), 0.0), p))[:FEW]
    near, parts = sorted(ranked), []
    if not any((p, c) in barred for p in near):
        about = [say("on {topics}", topics=worded(asked[p].topics)) for p in near]
        return say_n(
            "The panel is {about}. No need and no example of it is known yet.",
            "The panels are {about}. No need and no example of either is known yet.",
            len(near),
            about=joined(about, " and "),
        )
    for p in near:
        rule, counted = barred.get((p, c), ("", []))
        if not rule:
            says = "{panel}: no need and no example of it is known yet."
            parts.append(say(says, panel=asked[p].named))
            continue
        if not counted:  # the rule compares the panel with others
            parts.append(say("{panel}: {rule:sentence}", panel=asked[p].named, rule=rule))
            continue
        says = "{rule}; these places are taken."
        better = [fits[p, k] - fits[p, c] for k in counted]
        if asked[p].topics and min(better) >= 0:
            says = "{rule}; these places went to cities that fit its topic better."
            if not all(better):
                says = "{rule}. {ties} of the cities that have these places fit its topic equally well: between equals the order of their ids decides, and the committee may choose."
        parts.append(say(says, rule=rule, ties=better.count(0)))
    return joined(parts)


def _barred(seats: Seats) -> Barred:
    """Return by panel and city what keeps its pairs out, in words, and the cities (by place) that are counted there.

    Of several rows of rules the one that fewest cities have filled.
    """
    at, chosen = seats.candidates, seats.solution.chosen
    found: Barred = {}
    for block in (rule.block for rule in seats.rules if rule.name != "one panel each"):
        entries, now = sp.coo_array(block.matrix), block.matrix @ chosen
        row, pair = entries.coords
        wrong = (now[row] + entries.data > block.high[row] + SLACK) & ~chosen[pair]
        for r, k in zip(row[wrong].tolist(), pair[wrong].tolist(), strict=True):
            there = (row == r) & chosen[pair] & (at.host[pair] == at.host[k])
            counted = sorted(at.guest[pair[there]].tolist())
            key = int(at.host[k]), int(at.guest[k])
            if key not in found or len(counted) < len(found[key][1]):
                found[key] = block.says(r), counted
    return found


FEW: Final = 2
"""Panels of which it is said why a city has no seat there, at most."""


def _asked(asked: Sequence[PanelQuestion]) -> tuple[Table, ...]:
    rows = (QuestionRow(q.title, q.text, "; ".join(q.topics)) for q in asked)
    return (make_table("questions", rows),)


def taking_part(round_: Round, settings: CityPanels) -> tuple[list[int], list[LeftOut]]:
    """Return the cities that take part, and why the others do not."""
    fits = round_.ledger.fits(settings.load("member"))
    cities, out, wanted = [], [], set(settings.roles)
    aside = say("The panels are for {roles}.", roles=roles_in_words(settings.roles, "or"))
    for i, city in enumerate(round_.cohort.cities):
        if city.id in round_.cohort.brought:
            continue
        if (stranger := wanted and not wanted & set(city.roles)) or not fits[i]:
            out.append(LeftOut(city.id, aside if stranger else NO_HOURS, ""))
        else:
            cities.append(i)
    return cities, out


def _check_locks(round_: Round, settings: CityPanels, cities: Sequence[int], number: int) -> None:
    """Raise NoProposalError with every lock of a city that may not take part, or on a panel that there is not."""
    everyone = range(len(round_.cohort))
    locked = locked_on(round_, settings, everyone)
    wrong = [i for i in everyone if locked[i] >= 0 and (locked[i] >= number or i not in cities)]
    if wrong:
        raise NoProposalError(
            Problem(
                "lock-in-group",
                say("{p} is locked on panel {p2}, but ", p=round_.name(i), p2=locked[i] + 1)
                + (
                    say("there are {number} panels.", number=number)
                    if i in cities
                    else say("it may not take part.")
                ),
                do=say("Release the lock, or loosen the rule."),
            )
            for i in wrong
        )


def _number(n: int, settings: CityPanels) -> int:
    """Return how many panels: the number asked for, or the one closest to the middle of the sizes; 0 for none.

    Raises NoProposalError where no number of panels has sizes within the band.
    """
    low, high = settings.size
    low, asked = max(low, 1), settings.split.get("", settings.panels)
    if n < low:
        return 0
    least, most = -(-n // max(high, 1)), n // low
    if asked and asked < least:
        return asked  # those who fit the questions best are chosen
    wanted = asked or min(max(round(2 * n / (low + high)), least), max(most, least))
    if not least <= wanted <= most:
        says = "{cities} cannot fill {panels} of {low} to {high}."
        told = {"cities": count(n, "city", "cities"), "panels": count(wanted, "panel")}
        found = say(says, **told, low=low, high=high)
        do = say("Widen the sizes.")
        if least <= most:
            do = say("Ask for {least} to {most} panels.", least=least, most=most)
        raise NoProposalError.of("no-panels", found, do=do)
    return wanted


def _check_quotas(mix: Mix, number: int) -> None:
    """Raise NoProposalError where a quota of every panel cannot be kept by any grouping."""
    problems = []
    sizes = sizes_of(len(mix.cities), number)
    asked = GroupQuotas.of(mix.round, mix.settings.quotas, mix.cities, sizes)
    for name, quota in mix.settings.quotas:
        alone = GroupQuotas.of(mix.round, [(name, quota)], mix.cities, sizes)
        if alone.whole[0]:
            says = "{name}: all {n} cities are on a panel, and do not keep it ({bound})"
            told = {"name": repr(name), "n": len(mix.cities), "bound": quota.bound.words}
            problems.append(say(says, **told))
    for rule, price in asked.rules():
        if price is not None or not isinstance(rule, Distribute):
            continue
        needed = int(per_group(rule.low, number).sum())
        room = math.inf if rule.high is None else float(per_group(rule.high, number).sum())
        for word, mask in masks(rule.values):
            n = int(mask.sum())
            who = say("{name}: {sum} {word}", name=repr(rule.name), sum=n, word=word).rstrip()
            counts = {"who": who, "number": number, "needed": needed, "room": room}
            if n < needed:
                says = "{who} are there, and {number} panels need {needed}"
                problems.append(say(says, **counts))
            if n > room:
                says = "{who} do not fit into {number} panels with room for {room:g}"
                problems.append(say(says, **counts))
    if problems:
        raise NoProposalError(
            Problem("no-panels", say("{text}.", text=text), do=say("Loosen the quota."))
            for text in problems
        )


def _meeting(
    mix: Mix, group: Sequence[int], number: int, asked: Sequence[PanelQuestion]
) -> Meeting:
    lines, round_ = [], mix.round
    rows, columns = np.triu_indices(len(group), 1)
    members = np.array(group)
    for attribute, weight in mix.settings.mix.items():
        block = mix.each[attribute].of(members)[rows, columns]
        mixed = 1.0 - math.fsum(block.tolist()) / max(len(block), 1)
        mine = [mix.words[attribute][k] for k in group]
        known = sum(word is not None for word in mine) / len(group)
        name, likeness, says = f"mixed_{attribute}", math.nan, say("Not known for most of them.")
        if told := known >= LEAST_TOLD:  # what is not known of most is not called mixed
            likeness, says = mixed, say("{composition}.", composition=composition(mine))
        lines.append(Evidence(name, likeness, mixed, weight, says, (), known if told else 0.0))
    who = [mix.cities[k] for k in group]
    missions = sum(round_.cohort.cities[i].has(Role.MISSION) for i in who)
    question = asked[0] if asked else None
    parts = [
        say(
            "The panel has {missions} and {others}.",
            missions=count(missions, "Mission City", "Mission Cities"),
            others=say_n("{n:,} other city", "{n:,} other cities", len(who) - missions),
        )
    ]
    if question and question.topics:
        seeks, shows = (side[who] >= FITS for side in fit_of(round_, question))
        counted = {
            "of": len(who),
            "what": listed([t.wording for t in question.topics]),
            "shows": int(shows.sum()),
        }
        one = "{n} of the {of} cities of the panel wants to learn about {what}, and {shows} can show something on it; a city may do both."
        many = "{n} of the {of} cities of the panel want to learn about {what}, and {shows} can show something on it; a city may do both."
        says = say_n(one, many, int(seeks.sum()), **counted)
        if seeks.all():
            every = "All {of} cities of the panel want to learn about {what}, and {shows} can show something on it."
            says = say(every, **counted)
        parts.insert(0, says)
    return Meeting(
        f"city_panels:{number}",
        question.title if question else say("Panel {number}", number=number),
        tuple(Member(name, "member") for name in sorted(round_.id(i) for i in who)),
        Account(tuple(lines)),
        joined([question.text, *parts] if question else parts),
    )


def _balance(labels: Sequence[str], mix: Mix, groups: Sequence[Sequence[int]]) -> Table:
    """Return for each panel and attribute its composition and how far it has the mix of all panels."""
    rows = []
    everyone = {name: Counter(filter(None, words)) for name, words in mix.words.items()}
    for label, group in zip(labels, groups, strict=True):
        for attribute, words in mix.words.items():
            mine = [words[k] for k in group]
            like = likeness_to_all(mine, everyone[attribute])
            likeness = None if math.isnan(like) else round(like, 4)
            rows.append((label, TITLES[attribute], composition(mine), likeness))
    return make_table("balance", rows)


def likeness_to_all(members: Sequence[str | None], everyone: Counter[str]) -> float:
    """Return how far a group has the mix of all, in [0, 1]: 1 minus half the summed difference of shares.

    Over the known ones of both, ``everyone`` counting those of all cities; nan where there are none.
    """
    mine = Counter(w for w in members if w)
    if not mine or not everyone:
        return float("nan")
    own, all_ = mine.total(), everyone.total()
    words = sorted({*mine, *everyone})
    return 1.0 - sum(abs(mine[w] / own - everyone[w] / all_) for w in words) / 2.0


def _none(
    round_: Round, settings: CityPanels, cities: Sequence[int], out: list[LeftOut]
) -> Product:
    why = say(
        "{cities} cannot fill a panel of {least}.",
        cities=count(len(cities), "city", "cities"),
        least=settings.size[0],
    )
    left = [*out, *(LeftOut(round_.id(i), why, "") for i in cities)]
    return Product(
        "city_panels",
        settings.title,
        "optimal",
        "none needed",
        0.0,
        0.0,
        left_out=tuple(sorted(left, key=lambda x: x.city)),
        rules=(RuleStatus("sizes", why, "kept", costs=price_at_most(len(cities), 0.0)),),
        says="No panel: " + why,
    )


def panel_rules(
    round_: Round, settings: CityPanels, meetings: Sequence[Meeting]
) -> tuple[RuleStatus, ...]:
    """Return how the finished panels stand to each rule, read from the meetings and nothing else."""
    low, high = settings.size
    size = say("A panel has {low} to {high} cities.", low=low, high=high)
    rules = [
        counted("sizes", size, outside(meetings, low, high)),
        counted("one panel each", say("A city is in one panel."), often_in(meetings, 1)),
    ]
    if settings.lock:
        on = {city: m.id for m in meetings for city in m.cities()}
        locks = zip(round_.cohort.by_id([c] for c, _ in settings.lock), settings.lock, strict=True)
        away = [
            c
            for (c,), (_, n) in locks
            if c in round_.cohort.index and on.get(c) != f"city_panels:{n}"
        ]
        rules.append(counted("locks", "Cities that are locked on a panel are on it.", away))
    each = [(m.label, m.cities(), ()) for m in meetings]
    whole = [(ALL_PANELS, tuple(c for m in meetings for c in m.cities()), ())]
    for name, quota in settings.quotas:
        where, sets = ALL_PANELS, whole
        if quota.per != "all":
            where, sets = say("In each panel"), each
        rules.append(quotas_kept(round_, quota, name, where, sets))
    return tuple(rules)


def engine(n: int) -> str:
    """Return in words how the panels of so many cities are found."""
    if n <= search.PROVABLE:
        return "exact search"
    among = "" if n <= search.AT_ONCE else " among some panels at a time"
    return say("dealt by country, then swaps{among}, with a bound", among=among)
