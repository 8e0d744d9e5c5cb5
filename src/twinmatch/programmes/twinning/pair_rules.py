"""The rules of twinning, each compiled once to a block over the frame.

A host that takes nobody keeps every quota "at each host that takes any". That is linear without a further
variable: a pair may only be chosen where its host's count reaches the number, which is one row a pair. For
"exactly n or none" these rows are the convex hull of the choices at one host.

Notation: m pairs in the frame; host, guest (m,) index the frame's hosts and guests.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import scipy.sparse as sp

from twinmatch.cohort import Host
from twinmatch.errors import Problem, QuestionError
from twinmatch.facets.base import memberships
from twinmatch.programmes.eligibility import kept_out
from twinmatch.programmes.quotas import Counted, PairQuota, Units, counted_kinds, rules_of
from twinmatch.programmes.rules import Rule, forbid
from twinmatch.programmes.twinning.frame import (
    Frame,
    compatriots,
    extra_rules,
    facilitator_rules,
    host_topics,
    needs_rules,
)
from twinmatch.programmes.twinning.settings import Twinning
from twinmatch.solving import Bools, Givers
from twinmatch.solving.blocks import Block, counts, once_chosen
from twinmatch.vocabulary.geography import country
from twinmatch.wording import joined, say, say_n


def _pair_quotas(frame: Frame, settings: Twinning) -> list[Rule]:
    """Return the rules of all quotas of a twinning round, in the order in which they are said."""
    rules: list[Rule] = []
    everyone = np.ones(len(frame.host), dtype=bool)
    if settings.once_hosting is not None:
        least = settings.once_hosting
        says = say("A host that takes any guest takes at least {least}.", least=least)
        block = once_chosen(
            "once hosting",
            frame.host,
            everyone,
            least,
            lambda h: say(
                "{host}: a host that takes any guest takes at least {least}",
                host=frame.hosts[h].name,
                least=least,
            ),
        )
        host_of = block.switch.group if block.switch is not None else frame.host
        rules.append(
            Rule(
                "once hosting",
                says,
                block,
                noun="guest",
                loosened=lambda k, n: say(
                    "let {host} host with {bound}",
                    host=frame.hosts[int(host_of[k])].name,
                    bound=n,
                ),
            )
        )
    for name, quota in settings.quotas:
        units, kinds = _units(frame, quota), _counted(frame, quota, settings.small_below)
        found = rules_of(name, quota, units, kinds)
        rules += [_giving(rule, units, kinds) for rule in found]
    return rules


def _giving(rule: Rule, units: Units, kinds: Sequence[Counted]) -> Rule:
    """Return a rule of a quota with how it gives way: a balance as one, any other row by row."""
    block = rule.block
    if block.shared is None or block.switch is not None:
        return replace(rule, loosened=_gives(block, units, kinds))

    def differs(k: int, bound: str) -> str:
        what = kinds[k].what
        who = say("guests that are {what}", what=what) if what else say("guests")
        return say("let the numbers of {who} at hosts differ by {bound}", who=who, bound=bound)

    if block.price is None:
        of = sp.csr_array((np.ones(len(block)), (np.arange(len(block)), block.shared)))
        most = np.zeros(len(kinds))
        most[block.shared] = block.high
        block = replace(block, givers=Givers(of, most))
    return replace(rule, block=block, loosened=differs)


def _gives(block: Block, units: Units, kinds: Sequence[Counted]) -> Callable[[int, str], str]:
    """Return how a row of a quota is worded where it gives way."""

    def row(k: int, bound: str) -> str:
        k = k if block.switch is None else int(block.switch.group[k])
        what = kinds[k // len(units.names)].what
        unit = units.names[k % len(units.names)]
        return say("{unit}: {bound} {what}", unit=unit, bound=bound, what=what or say("chosen"))

    return row


def _units(frame: Frame, quota: PairQuota) -> Units:
    """Return what a quota on pairs is counted in."""
    cities, per = frame.cohort.cities, quota.per
    if per == "all":
        of_host, names = [{""} for _ in frame.hosts], [""]
        guests = quota.of == "guests"
        where = say("Of all guests chosen") if guests else say("Of the hosts of all pairs")
        told: list[str] = [where]
    elif per == "host":
        names = [host.id for host in frame.hosts]
        of_host = [{name} for name in names]
        where, told = say("At each host that takes any guest"), [host.name for host in frame.hosts]
        where = where if quota.balance is None else say("At each host")
    else:  # a unit of several countries counts in each of them
        of_host = [{cities[i].country for i in host.cities} for host in frame.hosts]
        names = sorted(set().union(*of_host))
        where, told = (
            say("Of the pairs with hosts of one country"),
            [say("Pairs with hosts in {country}", country=country(c).name) for c in names],
        )
    member = sp.csr_array(memberships(of_host, names).T.astype(np.float64))[:, frame.host]
    there = np.zeros((len(names), len(cities)), dtype=bool)
    return Units(where, told, sp.csr_array(member), there, open=per == "all")


def _counted(frame: Frame, quota: PairQuota, small_below: int) -> list[Counted]:
    """Return who counts towards a quota: those of its kind, of each category of ``each`` where it has one."""
    hosting = [i for host in frame.hosts for i in host.cities]
    among, own = frame.guests if quota.of == "guests" else hosting, compatriots(frame)
    there, abroad = (
        counted_kinds(frame.cohort, quota, among, small_below, national)
        for national in (True, False)
    )
    return [
        Counted(np.where(own, _side(frame, quota.of, at), _side(frame, quota.of, away)), at, what)
        for (what, at), (_, away) in zip(there, abroad, strict=True)
    ]


def _side(frame: Frame, of: str, cities: Bools) -> Bools:
    """Return the pairs whose guest, or a city of whose host, is among some cities (n,), shape (m,)."""
    if of == "guests":
        return np.asarray(cities[list(frame.guests)][frame.guest])
    return np.array([cities[list(host.cities)].any() for host in frame.hosts])[frame.host]


def twinning_rules(frame: Frame, settings: Twinning) -> tuple[Rule, ...]:
    """Return the rules of a twinning round over its frame, in the order of the report.

    Raises QuestionError where a lock stands on a pair that cannot meet, or on one that is banned or met before.
    """
    rules = [_host_places(frame, settings), _hosts_each(frame, settings.hosts_per_guest)]
    if settings.places is not None:
        rules.append(_places(frame, settings.places))
    rules += _pair_quotas(frame, settings)
    if settings.another_country:
        rules.append(
            forbid(
                "another country",
                say("Guest and host are in different countries."),
                compatriots(frame),
            )
        )
    rules += _named_pairs(frame, settings)
    for name, says, pairs in (
        (
            "refusals",
            say("Nobody is matched with a city that either side refuses."),
            _refused(frame),
        ),
        ("not itself", say("No city is matched with its own host unit."), _itself(frame)),
    ):
        if pairs.any():
            rules.append(forbid(name, says, pairs))
    rules += _asked_for(frame, settings)
    rules += _refused_before(frame, settings)
    rules += needs_rules(frame, settings.hosts_per_guest)
    rules += extra_rules(frame, settings.extra_rules)
    return tuple(rules)


def refused_before(frame: Frame, settings: Twinning) -> list[int]:
    """Return the guests, by place, that were refused a place in an earlier round, where that counts."""
    if settings.refused_before_points is None:
        return []
    index, names = frame.cohort.index, frame.cohort.by_id([settings.refused_before])[0]
    return sorted({frame.guest_at[index[n]] for n in names if index.get(n) in frame.guest_at})


def _refused_before(frame: Frame, settings: Twinning) -> list[Rule]:
    """The soft rule that guests who were refused before have a place, a row a guest."""
    again = refused_before(frame, settings)
    if not again:
        return []
    row = np.full(len(frame.guests), -1)
    row[again] = np.arange(len(again))
    price = (settings.refused_before_points or 0) / 100
    block = counts(
        "refused before",
        row[frame.guest],
        low=1,
        rows=len(again),
        says=lambda k: say("{guest} has a place", guest=_name(frame, again[k])),
    )
    says = say("Guests who were refused a place in an earlier round ({n}) have one.", n=len(again))
    return [Rule("refused before", says, replace(block, price=price))]


def _asked_for(frame: Frame, settings: Twinning) -> list[Rule]:
    """The filters that a programme may ask for beside the others: wishes, language, facilitators' total."""
    rules = []
    if settings.only_wished:
        says = say("A guest with wishes is matched with a host among them.")
        rules.append(forbid("wishes", says, _not_wished(frame)))
    if settings.shared_language:
        says = say("Guest and host share a working language, where both have named any.")
        rules.append(forbid("language", says, _speechless(frame)))
    if settings.facilitators:
        rules += facilitator_rules(frame, settings.facilitators)
    if frame.off_topic.any():
        rules.append(host_topics(frame, settings.off_topic_price))
    return rules


def _not_wished(frame: Frame) -> Bools:
    """Return the pairs of a guest that has wishes with a host that is not among them, shape (m,)."""
    members = [frame.members(host) for host in frame.hosts]
    return frame.strangers(members, [frame.cohort.cities[i].wishes for i in frame.guests])


def _speechless(frame: Frame) -> Bools:
    """Return the pairs whose sides have both named languages and share none; a unit speaks those of all its cities."""
    cities = frame.cohort.cities
    theirs = [{v for i in host.cities for v in cities[i].languages} for host in frame.hosts]
    return frame.strangers(theirs, [cities[i].languages for i in frame.guests])


def _host_places(frame: Frame, settings: Twinning) -> Rule:
    """The band of guests a host, narrowed by what a host itself can take."""
    low, high = (
        np.array(side, dtype=float)
        for side in zip(*(_limits(frame, h, settings) for h in frame.hosts), strict=True)
    )
    least, most = settings.guests_per_host
    band = _band_words(least, most)
    says = (
        say("Each host unit has {band}, or fewer where it said so.", band=band)
        if (high < most).any()
        else say("Each host unit has {band}.", band=band)
    )

    def row(h: int) -> str:
        return say(
            "{host} takes {band}",
            host=frame.hosts[h].name,
            band=_band_words(int(low[h]), int(high[h])),
        )

    return Rule(
        "guests per host",
        says,
        counts("guests per host", frame.host, low=low, high=high, rows=len(frame.hosts), says=row),
        kind="places",
        noun="guest",
        loosened=lambda h, n: say("let {who} have {bound}", who=frame.hosts[h].name, bound=n),
    )


def _limits(frame: Frame, host: Host, settings: Twinning) -> tuple[int, int]:
    """The band of one host: the programme's, the host's own, and for a unit what each of its cities can take."""
    least, most = settings.guests_per_host
    own = [frame.cohort.cities[i].participation for i in host.cities]
    stated = [p.guests_at_most for p in own if p is not None and p.guests_at_most is not None]
    at_most = min([most, *stated, *([] if host.guests_at_most is None else [host.guests_at_most])])
    at_least = least if host.guests_at_least is None else max(least, host.guests_at_least)
    if at_least > at_most:
        raise QuestionError.of(
            "limits-undercut",
            say(
                "{id} can take at most {at_most} guests, but at least {at_least} are asked of it.",
                id=host.id,
                at_most=at_most,
                at_least=at_least,
            ),
            do=say("Change one of the two."),
        )
    return at_least, at_most


def _hosts_each(frame: Frame, most: int) -> Rule:
    each = [min(most, max(1, len(needs))) for needs in frame.needs] or [most] * len(frame.guests)

    def words(most: int) -> str:
        return say("one host unit") if most == 1 else say("at most {most} host units", most=most)

    block = counts(
        "one host each",
        frame.guest,
        high=each,
        rows=len(frame.guests),
        says=lambda g: say("{guest} has {words}", guest=_name(frame, g), words=words(each[g])),
    )
    if frame.needs:
        says = say("Each guest has {words}, one for each of its needs.", words=words(most))
    else:
        says = say("Each guest has {words}.", words=words(most))
    if most == 1:
        return Rule("one host each", says, block, kind="structure")
    return Rule("hosts per guest", says, block, kind="demand")


def _places(frame: Frame, places: int) -> Rule:
    says = say("At most {places} guests are chosen.", places=places)
    everyone = np.zeros(len(frame.host), dtype=int)
    block = counts("places", everyone, high=places, rows=1, says=lambda _: says)
    return Rule(
        "places",
        says,
        block,
        kind="total",
        noun="guest",
        loosened=lambda _, n: say("choose {bound}", bound=n),
    )


def _named_pairs(frame: Frame, settings: Twinning) -> list[Rule]:
    """Locks, bans and past pairs of cities that are here; a pair cannot be both locked and forbidden."""
    lock, ban, past = (
        [pair for pair in frame.cohort.by_id(pairs) if frame.cohort.cities_of.keys() >= {*pair}]
        for pairs in (settings.lock, settings.ban, settings.past)
    )
    locked, banned, met = ([_pairs_of(frame, pair) for pair in kind] for kind in (lock, ban, past))
    problems = [
        Problem(
            "lock-banned",
            say("{names} is locked and banned at once.", names="=".join(pair)),
            do=say("Remove one of the two."),
        )
        for one, pair in zip(locked, lock, strict=True)
        if any((one & other).any() for other in (*banned, *met))
    ]
    problems += [
        _impossible(frame, settings, pair)
        for one, pair in zip(locked, lock, strict=True)
        if not one.any()
    ]
    if problems:
        raise QuestionError(problems)
    rules = []
    if locked:
        matrix = sp.csr_array(np.array(locked, dtype=np.float64))
        locks = [_pair_in_words(frame, pair) for pair in lock]
        block = Block(
            "locks",
            matrix,
            np.ones(len(locked)),
            np.full(len(locked), np.inf),
            lambda k: say("{pair} must meet", pair=locks[k]),
        )
        says = say("These pairs must meet: {locks}.", locks=joined(locks, ", "))
        rules.append(Rule("locks", says, block, kind="lock"))
    if banned:
        bans = [_pair_in_words(frame, pair) for pair in ban]
        says = say("These pairs must not meet: {bans}.", bans=joined(bans, ", "))
        rules.append(forbid("bans", says, np.any(banned, axis=0), "ban"))
    if met:
        says = say("Pairs of earlier rounds ({n}) do not meet again.", n=len(met))
        rules.append(forbid("past pairs", says, np.any(met, axis=0), "past pair"))
    return rules


def _impossible(frame: Frame, settings: Twinning, pair: Sequence[str]) -> Problem:
    """Return why two locked cities cannot meet: what keeps the one that is no host from being a guest, where that is it."""
    cohort, names = frame.cohort, "=".join(pair)
    cities = [i for name in pair if name not in frame.named for i in cohort.cities_of[name]]
    for i in cities if len(cities) == 1 and cities[0] not in frame.guest_at else ():
        city = cohort.cities[i]
        if set(settings.guests.roles) & set(city.roles) and (
            why := kept_out(city, settings.guests)
        ):
            says = "lock {names}: {city} cannot be a guest of this round. {why}"
            do = say(
                'Remove the lock; or add what is missing to the profile of {city}; or change the condition under [twinning.guests] in the programme, where unknown = "let in" takes in whom nothing is known against.',
                city=city.name,
            )
            found = say(says, names=names, city=city.name, why=why)
            return Problem("lock-impossible", found, do=do)
    says = "lock {names}: the two are not an eligible guest and a host of this round."
    one, other = pair
    ask = "Remove the lock, or ask why: twinmatch why-not {pair} {pair2}"
    return Problem("lock-impossible", say(says, names=names), do=say(ask, pair=one, pair2=other))


def _pair_in_words(frame: Frame, pair: Sequence[str]) -> str:
    """Return who meets whom; a city that hosts within a unit stands for the whole unit, and is said to."""
    names = {c.id: c.name for c in frame.cohort.cities} | {u.id: u.name for u in frame.cohort.units}
    guests = {frame.cohort.cities[i].id for i in frame.guests}
    for name in pair:
        if name not in guests and (unit := frame.cohort.unit_of.get(name)):
            told = {"unit": unit.name, "city": names[name], "n": len(unit.cities)}
            names[name] = say("{unit} (of which {city} is one of {n} cities)", **told)
    return say("{one} with {other}", one=names[pair[0]], other=names[pair[1]])


def _pairs_of(frame: Frame, pair: Sequence[str]) -> Bools:
    """Return the pairs of the frame that two ids stand for, either way round, shape (m,)."""
    found = np.zeros(len(frame.host), dtype=bool)
    for guest_id, host_id in (pair, pair[::-1]):
        guests = [g for g, i in enumerate(frame.guests) if frame.cohort.cities[i].id == guest_id]
        found |= np.isin(frame.guest, guests) & np.isin(frame.host, frame.named.get(host_id, []))
    return found


def _refused(frame: Frame) -> Bools:
    """Return the pairs of which either side refuses the other, or one of its cities, shape (m,)."""
    cities, of = frame.cohort.cities, frame.cohort.cities_of
    members = [frame.members(host) for host in frame.hosts]
    refused = [
        [k for i in host.cities for name in cities[i].refuses for k in of[name]]
        for host in frame.hosts
    ]
    by_guests = frame.sharing(members, [cities[i].refuses for i in frame.guests])
    return by_guests | frame.sharing(refused, [(i,) for i in frame.guests])


def _itself(frame: Frame) -> Bools:
    """Return the pairs of a guest and a host that it is or belongs to, shape (m,)."""
    return frame.sharing([host.cities for host in frame.hosts], [(i,) for i in frame.guests])


def _name(frame: Frame, g: int) -> str:
    return frame.cohort.cities[frame.guests[g]].name


def _band_words(least: int, most: int) -> str:
    return (
        say("{least} to {most} guests", least=least, most=most)
        if least != most
        else say_n("exactly {n} guest", "exactly {n} guests", most)
    )
