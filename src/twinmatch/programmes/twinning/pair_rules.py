"""Quotas by kind of guest: at each host, at each host that takes any, and over all that are chosen.

A host that takes nobody keeps every quota "at each host that takes any". That is linear without a further
variable: a pair may only be chosen where its host's count reaches the number, which is one row a pair. For
"exactly n or none" these rows are the convex hull of the choices at one host.

Notation: m pairs; of (m,) is true where the pair's guest is of the kind (national and foreign depend on the host).

The rules of twinning, each compiled once to a block over the frame.

Notation: m pairs in the frame; host, guest (m,) index the frame's hosts and guests.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from twinmatch.cohort import Host
from twinmatch.errors import Problem, QuestionError
from twinmatch.geography import country
from twinmatch.programmes.eligibility import is_kind
from twinmatch.programmes.rules import Rule, forbid
from twinmatch.programmes.twinning.frame import Frame, compatriots, extra_rules, memberships
from twinmatch.programmes.twinning.settings import Kind, Quota, Twinning
from twinmatch.solving.blocks import Block, counts, once_chosen

Bools = NDArray[np.bool_]


WORDS: dict[Kind, str] = {
    "national": "from the host's own country",
    "foreign": "from another country than the host's",
    "in the EU": "from the EU",
    "outside the EU": "from outside the EU",
    "newcomer": "new to exchange programmes",
    "small": "small",
    "large": "large",
}


def of_kind(frame: Frame, who: Kind, small_below: int) -> Bools:
    """Return the pairs whose guest is known to be of a kind, shape (m,)."""
    cities = frame.cohort.cities
    if who in ("national", "foreign"):
        own = compatriots(frame)
        return own if who == "national" else ~own
    known = np.array([is_kind(cities[g], who, small_below) is True for g in frame.guests])
    return np.asarray(known[frame.guest])


def quota_rules(frame: Frame, settings: Twinning) -> tuple[Rule, ...]:
    """Return the rules of all quotas of a twinning round, in the order in which they are told."""
    rules: list[Rule] = []
    if settings.once_hosting is not None:
        rules.append(once_hosting(frame, settings.once_hosting))
    for quota in settings.per_host:
        rules += per_host(frame, quota, settings.small_below)
    for quota in settings.overall:
        rules += overall(frame, quota, settings.small_below)
    return tuple(rules)


def once_hosting(frame: Frame, least: int) -> Rule:
    """Return the rule that a host takes nobody, or so many guests at least."""
    says = f"A host that takes any guest takes at least {least}."
    everyone = np.ones(len(frame.host), dtype=bool)
    return Rule("once hosting", says, _once("once hosting", frame, everyone, least, says))


def per_host(frame: Frame, quota: Quota, small_below: int) -> list[Rule]:
    """Return the rules of a quota at each host that takes any guest."""
    of = of_kind(frame, quota.who, small_below)
    name, what = f"{quota.who} guests per host", WORDS[quota.who]
    rules = []
    if quota.at_least:
        says = f"At each host that takes any guest, at least {quota.at_least} are {what}."
        rules.append(Rule(name, says, _once(name, frame, of, quota.at_least, says)))
    if quota.at_most is not None:
        says = f"At each host, at most {quota.at_most} guests are {what}."
        label = np.where(of, frame.host, -1)
        block = counts(
            name,
            label,
            high=quota.at_most,
            rows=len(frame.hosts),
            says=_row(frame, f"at most {quota.at_most} guests {what}"),
        )
        rules.append(Rule(name, says, block))
    rules += _shares(name, quota, of, frame.host, len(frame.hosts), "At each host")
    return rules


def overall(frame: Frame, quota: Quota, small_below: int) -> list[Rule]:
    """Return the rules of a quota over all guests chosen."""
    of = of_kind(frame, quota.who, small_below)
    name, what = f"{quota.who} guests", WORDS[quota.who]
    zero = np.zeros(len(of), dtype=np.int64)
    rules = []
    if quota.at_least is not None or quota.at_most is not None:
        low = -np.inf if quota.at_least is None else quota.at_least
        high = np.inf if quota.at_most is None else quota.at_most
        bounds = [
            f"{word} {number}"
            for word, number in (("at least", quota.at_least), ("at most", quota.at_most))
            if number is not None
        ]
        says = f"Of all guests chosen, {' and '.join(bounds)} are {what}."
        block = counts(name, np.where(of, 0, -1), low=low, high=high, rows=1, says=lambda _: says)
        rules.append(Rule(name, says, block))
    rules += _shares(name, quota, of, zero, 1, "Of all guests chosen")
    return rules


def _shares(
    name: str, quota: Quota, of: Bools, row: NDArray[np.int64], rows: int, where: str
) -> list[Rule]:
    """The kind's count minus its share of the count of all, row by row, at least or at most nought."""
    return [
        _share(name, share, least, of, row, rows, f"{where}, {{}} {WORDS[quota.who]}.")
        for share, least in ((quota.share_at_least, True), (quota.share_at_most, False))
        if share is not None
    ]


def _share(
    name: str, share: float, least: bool, of: Bools, row: NDArray[np.int64], rows: int, words: str
) -> Rule:
    matrix = sp.csr_array((of - share, (row, np.arange(len(of)))), shape=(rows, len(of)))
    low, high = (0.0, np.inf) if least else (-np.inf, 0.0)
    says = words.format(f"at {'least' if least else 'most'} {100 * share:.0f}% are")
    name = f"{name}, share"
    block = Block(name, matrix, np.full(rows, low), np.full(rows, high), lambda _: says)
    return Rule(name, says, block)


def _once(name: str, frame: Frame, of: Bools, least: int, says: str) -> Block:
    """Where a host takes any guest, so many of the kind at least."""
    return once_chosen(name, frame.host, of, least, _row(frame, says))


def _row(frame: Frame, says: str) -> Callable[[int], str]:
    return lambda h: f"{frame.hosts[h].name}: {says[:1].lower()}{says[1:].rstrip('.')}"


def twinning_rules(frame: Frame, settings: Twinning) -> tuple[Rule, ...]:
    """Return the rules of a twinning round over its frame, in the order in which they are told.

    Raises QuestionError where a lock stands on a pair that cannot meet, or on one that is banned or met before.
    """
    rules = [_host_places(frame, settings), _hosts_each(frame, settings.hosts_per_guest)]
    if settings.places is not None:
        rules.append(_places(frame, settings.places))
    if settings.guests_per_country is not None:
        rules.append(_guests_per_country(frame, settings.guests_per_country))
    if settings.pairs_per_host_country is not None:
        rules.append(_pairs_per_host_country(frame, settings.pairs_per_host_country))
    if settings.another_country:
        rules.append(
            forbid(
                "another country",
                "Guest and host are in different countries.",
                compatriots(frame),
            )
        )
    rules += _named_pairs(frame, settings)
    for name, says, pairs in (
        (
            "refusals",
            "Nobody is matched with a city that either side refuses.",
            _refused(frame),
        ),
        (
            "not itself",
            "No city is matched with its own host unit.",
            _itself(frame),
        ),
    ):
        if pairs.any():
            rules.append(forbid(name, says, pairs))
    rules += _asked_for(frame, settings)
    rules += extra_rules(frame, settings.extra_rules)
    return tuple(rules)


def _asked_for(frame: Frame, settings: Twinning) -> list[Rule]:
    """The filters that a programme may ask for beside the others: wishes, language, facilitators' total."""
    rules = []
    if settings.only_wished:
        says = "A guest with wishes is matched with a host among them."
        rules.append(forbid("wishes", says, _not_wished(frame)))
    if settings.shared_language:
        says = "Guest and host share a working language, where both have named any."
        rules.append(forbid("language", says, _speechless(frame)))
    if settings.facilitators:
        most = sum(f.pairs_at_most for f in settings.facilitators)
        says = f"The {len(settings.facilitators)} facilitators accompany at most {most} pairs."
        one = np.zeros(len(frame.host), dtype=int)
        block = counts("facilitators", one, high=most, rows=1, says=lambda _: says)
        rules.append(Rule("facilitators", says, block, kind="total"))
    return rules


def _not_wished(frame: Frame) -> Bools:
    """Return the pairs of a guest that has wishes with a host that is not among them, shape (m,)."""
    pairs = frame.nobody()
    for g, i in enumerate(frame.guests):
        wishes = frame.cohort.cities[i].wishes
        if wishes:
            pairs[:, g] = True
            for name in wishes:
                pairs[frame.named.get(name, []), g] = False
    return pairs.ravel()


def _speechless(frame: Frame) -> Bools:
    """Return the pairs whose sides have both named languages and share none; a unit speaks those of all its cities."""
    cities = frame.cohort.cities
    mine = [set(cities[i].languages) for i in frame.guests]
    theirs = [{v for i in host.cities for v in cities[i].languages} for host in frame.hosts]
    known = sorted({v for spoken in (*mine, *theirs) for v in spoken})
    hosts, guests = memberships(theirs, known), memberships(mine, known)
    shared = hosts.astype(np.float32) @ guests.astype(np.float32).T
    speaks_host, speaks_guest = np.any(hosts, axis=1, keepdims=True), np.any(guests, axis=1)
    return np.asarray(((shared == 0) & speaks_host & speaks_guest).ravel())


def _host_places(frame: Frame, settings: Twinning) -> Rule:
    """The band of guests a host, narrowed by what a host itself can take."""
    low, high = (
        np.array(side, dtype=float)
        for side in zip(*(_limits(frame, h, settings) for h in frame.hosts), strict=True)
    )
    least, most = settings.guests_per_host
    says = f"Each host unit has {_band_words(least, most)} guests" + (
        ", or fewer where it said so." if (high < most).any() else "."
    )

    def row(h: int) -> str:
        return f"{frame.hosts[h].name} takes {_band_words(int(low[h]), int(high[h]))} guests"

    return Rule(
        "guests per host",
        says,
        counts("guests per host", frame.host, low=low, high=high, rows=len(frame.hosts), says=row),
        kind="places",
    )


def _limits(frame: Frame, host: Host, settings: Twinning) -> tuple[int, int]:
    """The band of one host: the programme's, the host's own, and for a unit what each of its cities can take."""
    least, most = settings.guests_per_host
    own = [frame.cohort.cities[i].participation for i in host.cities]
    stated = [p.guests_at_most for p in own if p is not None and p.guests_at_most is not None]
    at_most = min([most, *stated, *([] if host.guests_at_most is None else [host.guests_at_most])])
    at_least = least if host.guests_at_least is None else max(least, host.guests_at_least)
    if at_least > at_most:
        raise QuestionError(
            Problem(
                "limits-undercut",
                f"{host.id} can take at most {at_most} guests, but at least {at_least} are asked of it.",
                do="Change one of the two.",
            )
        )
    return at_least, at_most


def _hosts_each(frame: Frame, most: int) -> Rule:
    words = "one host unit" if most == 1 else f"at most {most} host units"
    block = counts(
        "one host each",
        frame.guest,
        high=most,
        rows=len(frame.guests),
        says=lambda g: f"{_name(frame, g)} has {words}",
    )
    says = f"Each guest has {words}."
    if most == 1:
        return Rule("one host each", says, block, kind="structure")
    return Rule("hosts per guest", says, block, kind="demand")


def _places(frame: Frame, places: int) -> Rule:
    says = f"At most {places} guests are chosen."
    everyone = np.zeros(len(frame.host), dtype=int)
    block = counts("places", everyone, high=places, rows=1, says=lambda _: says)
    return Rule("places", says, block, kind="total")


def _guests_per_country(frame: Frame, most: int) -> Rule:
    codes = [frame.cohort.cities[i].country for i in frame.guests]
    names = sorted(set(codes))
    of_guest = np.array([names.index(code) for code in codes], dtype=np.int64)
    says = f"At most {most} guests come from one country."
    block = counts(
        "guests per country",
        of_guest[frame.guest],
        high=most,
        rows=len(names),
        says=lambda k: f"At most {most} guests come from {country(names[k]).name}",
    )
    return Rule("guests per country", says, block)


def _pairs_per_host_country(frame: Frame, most: int) -> Rule:
    """A unit of several countries counts in each of them."""
    cities = frame.cohort.cities
    of_host = [{cities[i].country for i in host.cities} for host in frame.hosts]
    names = sorted(set().union(*of_host))
    matrix = sp.csr_array(memberships(of_host, names)[frame.host].T.astype(np.float64))
    says = f"At most {most} pairs have a host in one country."
    block = Block(
        "pairs per host country",
        matrix,
        np.full(len(names), -np.inf),
        np.full(len(names), float(most)),
        lambda k: f"At most {most} pairs have a host in {country(names[k]).name}",
    )
    return Rule("pairs per host country", says, block)


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
            f"{'='.join(pair)} is locked and banned at once.",
            do="Remove one of the two.",
        )
        for one, pair in zip(locked, lock, strict=True)
        if any((one & other).any() for other in (*banned, *met))
    ]
    problems += [
        Problem(
            "lock-impossible",
            f"lock {'='.join(pair)}: the two are not an eligible guest and a host of this round.",
            do=f"Remove the lock, or ask why: twinmatch why-not {pair[0]} {pair[1]}",
        )
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
            lambda k: f"{locks[k]} must meet",
        )
        says = f"These pairs must meet: {', '.join(locks)}."
        rules.append(Rule("locks", says, block, kind="lock"))
    if banned:
        bans = [_pair_in_words(frame, pair) for pair in ban]
        says = f"These pairs must not meet: {', '.join(bans)}."
        rules.append(forbid("bans", says, np.any(banned, axis=0), "ban"))
    if met:
        says = f"Pairs of earlier rounds ({len(met)}) do not meet again."
        rules.append(forbid("past pairs", says, np.any(met, axis=0), "past pair"))
    return rules


def _pair_in_words(frame: Frame, pair: Sequence[str]) -> str:
    names = {c.id: c.name for c in frame.cohort.cities} | {u.id: u.name for u in frame.cohort.units}
    return f"{names[pair[0]]} with {names[pair[1]]}"


def _pairs_of(frame: Frame, pair: Sequence[str]) -> Bools:
    """Return the pairs of the frame that two ids stand for, either way round, shape (m,)."""
    found = np.zeros(len(frame.host), dtype=bool)
    for guest_id, host_id in (pair, pair[::-1]):
        guests = [g for g, i in enumerate(frame.guests) if frame.cohort.cities[i].id == guest_id]
        found |= np.isin(frame.guest, guests) & np.isin(frame.host, frame.named.get(host_id, []))
    return found


def _refused(frame: Frame) -> Bools:
    """Return the pairs of which either side refuses the other, or one of its cities, shape (m,)."""
    pairs = frame.nobody()
    cities, of = frame.cohort.cities, frame.cohort.cities_of
    for g, i in enumerate(frame.guests):
        for name in cities[i].refuses:
            pairs[frame.named.get(name, []), g] = True
    for h, host in enumerate(frame.hosts):
        refused = [k for i in host.cities for name in cities[i].refuses for k in of[name]]
        pairs[h, [frame.guest_at[i] for i in refused if i in frame.guest_at]] = True
    return pairs.ravel()


def _itself(frame: Frame) -> Bools:
    """Return the pairs of a guest and a host that it is or belongs to, shape (m,)."""
    pairs = frame.nobody()
    for h, host in enumerate(frame.hosts):
        pairs[h, [frame.guest_at[i] for i in host.cities if i in frame.guest_at]] = True
    return pairs.ravel()


def _name(frame: Frame, g: int) -> str:
    return frame.cohort.cities[frame.guests[g]].name


def _band_words(least: int, most: int) -> str:
    return f"{least} to {most}" if least != most else f"exactly {most}"
