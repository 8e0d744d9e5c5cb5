"""Quotas by kind of guest: at each host, at each host that takes any, and over all that are chosen.

A host that takes nobody keeps every quota "at each host that takes any". That is linear without a further
variable: a pair may only be chosen where its host's count reaches the number, which is one row a pair. For
"exactly n or none" these rows are the convex hull of the choices at one host.

Notation: m pairs; of (m,) is true where the pair's guest is of the kind (national and foreign depend on the host).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from twinmatch.programmes.attributes import is_kind
from twinmatch.programmes.rules import Rule
from twinmatch.programmes.twinning.frame import Frame, compatriots
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
