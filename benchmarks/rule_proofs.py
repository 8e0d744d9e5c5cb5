"""Rules drawn from the form of a programme file, each answer against every answer there is.

A case has 3 to 5 hosts, one of them a unit of two countries, 3 to 5 guests with drawn facts, some of them not known,
and a programme of up to four rules: of any kind of city, alone or joined by "and", "or", "not" and brackets; each category, word
or value of a column; per host, host country or round; numbers, shares, nobody alone, balance; hard or with a price. Some hosts take guests on some topics alone, and
some guests were refused before; every other case has columns of its own and, often, facilitators with languages, hours
and countries. Who is of a kind, and what a rule counts, is read here in plain Python from the drawn facts. A fault is an answer that another one betters, one that breaks a rule, a
wrong "infeasible", a referee who sees it otherwise, or a menu of repairs whose first is not the smallest, of which one does
not solve, or would a unit smaller, that changes nothing, or has three alike. ``benchmarks/proofs.py`` runs it by the thousand.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from twinmatch.programmes.repair_menu import NEVER, menu_of, taken
from twinmatch.programmes.rules import Rule, allowed_pairs, statuses
from twinmatch.programmes.twinning import Twinning
from twinmatch.programmes.twinning.frame import Frame
from twinmatch.programmes.twinning.pair_rules import twinning_rules
from twinmatch.solving import Candidates, Relaxation, relaxed, solve
from twinmatch.testing import cohort_of

Fact = dict[str, Any]
ERROR = 1e-6

EU = {"at": True, "be": True, "no": False, "tr": False}
KINDS: dict[str, Callable[[Fact], bool | None]] = {
    "small": lambda c: None if c["people"] is None else c["people"] < 100_000,
    "large": lambda c: None if c["people"] is None else c["people"] >= 100_000,
    "population >= 60000": lambda c: None if c["people"] is None else c["people"] >= 60_000,
    "size: middle-sized": lambda c: (
        None if c["people"] is None else 100_000 <= c["people"] < 500_000
    ),
    "newcomer": lambda c: c["newcomer"],
    "experienced": lambda c: None if c["newcomer"] is None else not c["newcomer"],
    "in the EU": lambda c: EU[c["country"]],
    "outside the EU": lambda c: not EU[c["country"]],
    "candidate": lambda c: c["country"] == "tr",
    "country: AT, Norway": lambda c: c["country"] in ("at", "no"),
    "region: west": lambda c: c["country"] in ("at", "be"),
    "language: fr": lambda c: "fr" in c["languages"] if c["languages"] else None,
    "target <= 2035": lambda c: None if c["by"] is None else c["by"] <= 2035,
    "topic: energy_communities": lambda c: (
        None if c["topics"] is None else "energy_communities" in c["topics"]
    ),
}
OWN: dict[str, Callable[[Fact], bool | None]] = {
    "label: Lot: A": lambda c: None if c["lot"] is None else c["lot"] == "A",
    "label: Lot: A, Lot: B": lambda c: None if c["lot"] is None else c["lot"] in "AB",
    "english >= B2": lambda c: None if c["english"] is None else c["english"] in ("B2", "C1"),
    "hours >= 12": lambda c: None if c["hours"] is None else c["hours"] >= 12,
}
SPOKEN = {"at": {"de"}, "be": {"nl", "fr", "de"}, "no": {"no"}, "tr": {"tr"}}
EACH: dict[str, Callable[[Fact], set[str]]] = {
    "country": lambda c: {c["country"]},
    "eu": lambda c: {"member" if EU[c["country"]] else c["country"]},
    "size": lambda c: set() if c["people"] is None else {str(np.digitize(c["people"], (1e5, 5e5)))},
    "newcomer": lambda c: set() if c["newcomer"] is None else {str(c["newcomer"])},
    "language": lambda c: {*c["languages"]},
    "target": lambda c: set() if c["by"] is None else {str(c["by"])},
    "topic": lambda c: {*(c["topics"] or ())},
    "label: Lot": lambda c: set() if c["lot"] is None else {c["lot"]},
}


class Drawn(NamedTuple):
    """A cohort with its facts: the guests', and of each host those of its cities."""

    frame: Frame
    guests: list[Fact]
    hosts: list[list[Fact]]


@cache
def cohort(seed: int) -> Drawn:
    """Return one of a few cohorts; they are shared by many programmes, as reading profiles takes longer than solving."""
    rng, more = np.random.default_rng(seed), np.random.default_rng([seed, 1])
    profiles, facts = [], {}
    n_guests, n_hosts = int(rng.integers(3, 6)), int(rng.integers(3, 6))
    for k in range(n_guests + n_hosts + 1):
        fact: Fact = {
            "country": list(EU)[int(rng.integers(4))],
            "people": [None, 20_000, 60_000, 100_000, 300_000, 900_000][int(rng.integers(6))],
            "newcomer": [None, True, False][int(rng.integers(3))],
            "languages": [[], ["fr"], ["de", "fr"], ["nl"]][int(rng.integers(4))],
            "by": [None, 2030, 2035, 2050][int(rng.integers(4))],
            "topics": [None, [], ["energy_communities"], ["circular_economy"]][
                int(rng.integers(4))
            ],
            "on": [[], [], ["energy_communities"], ["circular_economy", "energy_communities"]][
                int(rng.integers(4))
            ],
            "lot": [None, "A", "B", "C"][int(more.integers(4))],
            "english": [None, "B1", "B2", "C1"][int(more.integers(4))],
            "hours": [None, 8, 12, 20][int(more.integers(4))],
        }
        name = f"{fact['country']}-c{k}"
        facts[name] = fact
        profiles.append(
            {
                "id": name,
                "roles": ["guest"] if k < n_guests else ["mission"],
                "languages": fact["languages"],
                "hosts_on": fact["on"],
                **({"population": {"value": fact["people"]}} if fact["people"] else {}),
                **({"commitment": {"neutral_by": fact["by"]}} if fact["by"] else {}),
                **({} if fact["topics"] is None else {"seeks": fact["topics"]}),
                "participation": {
                    field: fact[name]
                    for field, name in (
                        ("newcomer", "newcomer"),
                        ("english", "english"),
                        ("staff_hours_a_month", "hours"),
                    )
                    if fact[name] is not None
                },
                "own_labels": [] if fact["lot"] is None else [f"Lot: {fact['lot']}"],
            }
        )
    both = [p["id"] for p in profiles[-2:]]
    found = cohort_of(*profiles, units=[{"id": "unit-two", "name": "Two", "cities": both}])
    guests = tuple(i for i, c in enumerate(found.cities) if "guest" in c.roles)
    frame = Frame(found, found.hosts(["mission"]), guests)
    return Drawn(
        frame,
        [facts[found.cities[i].id] for i in guests],
        [[facts[found.cities[i].id] for i in h.cities] for h in frame.hosts],
    )


Tree = tuple[str, Any]
"""A condition, or what is joined: "and", "or" and "not" with what stands in them."""

PAIRS = ("national", "foreign")
TREES: dict[str, Tree] = {}
"""What each text that was drawn means."""


def tree(rng: np.random.Generator, kinds: Sequence[str], depth: int = 2) -> Tree:
    """Return a kind of cities: mostly one condition, or several joined, brackets in brackets at most."""
    what = rng.random() if depth else 0.0
    if what < 0.5:
        return "is", str(rng.choice(list(kinds)))
    if what < 0.65:
        return "not", tree(rng, kinds, depth - 1)
    return "and" if what < 0.82 else "or", [tree(rng, kinds, depth - 1) for _ in range(2)]


def said(kind: Tree, within: str = "") -> str:
    """Return a kind as a programme file says it, with no more brackets than it needs, and remember what it means."""
    how, what = kind
    if how == "is":
        text = what
    elif how == "not":
        text = "not " + said(what, "not")
    else:
        text = f" {how} ".join(said(part, how) for part in what)
        text = f"({text})" if within == "not" or (within == "and" and how == "or") else text
    if within == "not" and how == "not":
        text = f"({text})"
    TREES[text] = kind
    return text


def held(kind: Tree, city: Fact, national: bool | None = None) -> float:
    """Return 1 where a city is of a kind, 0 where not, and a half where that is not known."""
    how, what = kind
    if how == "is":
        if what in PAIRS:
            return float(national == (what == "national"))
        known = (KINDS | OWN)[what](city)
        return 0.5 if known is None else float(known)
    if how == "not":
        return 1.0 - held(what, city, national)
    return (min if how == "and" else max)(held(part, city, national) for part in what)


def rule(rng: np.random.Generator) -> dict[str, Any]:
    """Return one rule of the form."""
    found: dict[str, Any] = {"per": str(rng.choice(["all", "host", "host country"]))}
    if rng.random() < 0.8:
        found["of"] = "hosts" if rng.random() < 0.2 else "guests"
        found["who"] = said(tree(rng, [*KINDS] if rng.random() < 0.7 else [*KINDS, *PAIRS]))
    if rng.random() < 0.3:
        found["each"] = str(rng.choice(list(EACH)))
    what = rng.random()
    if what < 0.35:
        found["at_least"] = int(rng.integers(1, 3))
    if 0.25 < what < 0.7:
        found["at_most"] = int(rng.integers(max(found.get("at_least", 0), 0), 3))
    if 0.7 < what < 0.8:
        found["share_at_least"] = float(rng.choice([0.25, 0.5, 1.0]))
    if 0.8 < what < 0.9:
        found["share_at_most"] = float(rng.choice([0.0, 0.3, 0.5]))
    if what >= 0.9 and found["per"] == "host" and rng.random() < 0.6:
        found["balance"] = int(rng.integers(0, 3))
    elif what >= 0.9:
        found["nobody_alone"] = True
    if rng.random() < 0.3:
        found["price"] = float(rng.choice([2.0, 20.0, 150.0]))
    return found


def programme(rng: np.random.Generator) -> dict[str, Any]:
    """Return the settings of a drawn programme."""
    settings: dict[str, Any] = {
        "guests_per_host": (0, int(rng.integers(1, 4))),
        "weights": {"challenges_met": 1},
        "rules": [rule(rng) for _ in range(int(rng.integers(1, 5)))],
    }
    for name, value in (
        ("places", int(rng.integers(1, 5))),
        ("guests_per_country", int(rng.integers(1, 3))),
        ("pairs_per_host_country", int(rng.integers(1, 3))),
        ("once_hosting", 2),
        ("another_country", True),
        ("off_topic_price", float(rng.choice([2.0, 150.0]))),
        ("refused_before_points", float(rng.choice([2.0, 150.0]))),
    ):
        if rng.random() < 0.15:
            settings[name] = value
    return settings


def more_of(settings: dict[str, Any], rng: np.random.Generator) -> None:
    """Have some rules count by columns of one's own, and often facilitators accompany the pairs."""
    for asked in settings["rules"]:
        if "who" in asked and rng.random() < 0.3:
            asked["who"] = said(tree(rng, [*OWN]))
    if rng.random() < 0.6:
        settings["facilitators"] = [
            {
                "name": f"F{k}",
                **(
                    {"pairs_at_most": int(rng.integers(0, 3))} if (by := rng.random()) < 0.7 else {}
                ),
                **({"hours": float(rng.integers(0, 12)), "hours_a_pair": 3.0} if by > 0.5 else {}),
                "languages": [[], ["fr"], ["de"], ["en", "nl"], ["no", "de"]][int(rng.integers(5))],
                "countries": [[], [], ["AT", "BE"], ["Norway"]][int(rng.integers(4))],
                "who": [None, said(tree(rng, [*KINDS, *OWN]))][int(rng.integers(2))],
            }
            for k in range(int(rng.integers(1, 4)))
        ]


def accompanying(settings: dict[str, Any], drawn: Drawn) -> np.ndarray | None:
    """Return which facilitators can accompany each pair, (F, H, G); None where nobody has to."""
    if "facilitators" not in settings:
        return None

    def speaks(one: Fact, side: list[Fact]) -> bool:
        theirs = set().union(*(c["languages"] or {*SPOKEN[c["country"]], "en"} for c in side))
        return not one["languages"] or bool({*one["languages"]} & theirs)

    named = {"AT": "at", "BE": "be", "Norway": "no"}
    return np.array(
        [
            [
                [
                    speaks(one, h)
                    and speaks(one, [g])
                    and (
                        not one["countries"] or g["country"] in [named[c] for c in one["countries"]]
                    )
                    and (one["who"] is None or _of(one["who"], g))
                    for g in drawn.guests
                ]
                for h in drawn.hosts
            ]
            for one in settings["facilitators"]
        ]
    )


def unaccompanied(settings: dict[str, Any], drawn: Drawn, chosen: np.ndarray) -> np.ndarray:
    """Return how many pairs of each answer (n, H, G) find no facilitator with room at best, (n,)."""
    can = accompanying(settings, drawn)
    if can is None:
        return np.zeros(len(chosen))
    room = []
    for one in settings["facilitators"]:
        pairs = int(one["hours"] // one["hours_a_pair"]) if "hours" in one else 99
        room.append(min(pairs, one.get("pairs_at_most", 99)))
    left: dict[tuple[tuple[int, ...], ...], int] = {}
    found = []
    for one in chosen:
        pairs = tuple(
            sorted(tuple(np.flatnonzero(can[:, h, g]).tolist()) for h, g in np.argwhere(one))
        )
        if pairs not in left:
            ways = itertools.product(*(way or (-1,) for way in pairs))
            served = (sum(min(way.count(f), room[f]) for f in range(len(room))) for way in ways)
            left[pairs] = len(pairs) - max(served)
        found.append(left[pairs])
    return np.array(found, dtype=float)


def off_topic(drawn: Drawn) -> np.ndarray:
    """Return the pairs (H, G) of a host with topics, each of its cities having said any, and a guest that seeks none."""
    topics = [
        {t for c in h for t in c["on"]} if all(c["on"] for c in h) else set() for h in drawn.hosts
    ]
    return np.array(
        [
            [bool(on and g["topics"]) and not on & {*g["topics"]} for g in drawn.guests]
            for on in topics
        ]
    )


# --- every answer, read here ---------------------------------------------------------------------------------


def _of(who: str, city: Fact, national: bool | None = None) -> bool:
    """Return whether a city is known to be what a text asks for, in a pair that is national or not."""
    return held(TREES[who], city, national) == 1.0


def _national(drawn: Drawn) -> np.ndarray:
    """Return the pairs (H, G) of which a city of the host and the guest are of one country."""
    return np.array(
        [[any(c["country"] == g["country"] for c in h) for g in drawn.guests] for h in drawn.hosts]
    )


def _counted(asked: dict[str, Any], drawn: Drawn) -> list[np.ndarray]:
    """Return the pairs (H, G) that count, one mask for each category where there are any."""
    who, hosts, own = asked.get("who"), asked.get("of") == "hosts", _national(drawn)
    sides = drawn.hosts if hosts else [[g] for g in drawn.guests]
    read = EACH.get(asked.get("each", ""))
    words = {word for side in sides for c in side for word in read(c)} if read else {""}

    def counts_in(side: Sequence[Fact], national: bool, word: str) -> bool:
        of_word = [c for c in side if read is None or word in read(c)]
        return any(who is None or _of(who, c, national) for c in of_word)

    return [
        np.array(
            [
                [counts_in(drawn.hosts[h] if hosts else [g], own[h, k], word) for k, g in guests]
                for h in range(len(drawn.hosts))
            ]
        )
        for guests in [list(enumerate(drawn.guests))]
        for word in sorted(words)
    ]


def _units(per: str, drawn: Drawn) -> list[np.ndarray]:
    """Return the hosts (H,) of each unit that a rule is counted in."""
    if per == "all":
        return [np.ones(len(drawn.hosts), dtype=bool)]
    if per == "host":
        return list(np.eye(len(drawn.hosts), dtype=bool))
    codes = sorted({c["country"] for h in drawn.hosts for c in h})
    return [np.array([any(c["country"] == code for c in h) for h in drawn.hosts]) for code in codes]


def missed(asked: dict[str, Any], drawn: Drawn, chosen: np.ndarray) -> np.ndarray:
    """Return by how much each answer (n, H, G) misses a rule, (n,)."""
    total = np.zeros(len(chosen))
    if "balance" in asked:
        for mask in _counted(asked, drawn):
            numbers = (chosen & mask).sum(axis=2)
            total += np.maximum(np.ptp(numbers, axis=1) - asked["balance"], 0)
        return total
    for unit in _units(asked["per"], drawn):
        everyone = chosen[:, unit].sum(axis=(1, 2))
        for mask in _counted(asked, drawn):
            n = (chosen & mask)[:, unit].sum(axis=(1, 2))
            if "at_least" in asked:
                short = np.maximum(asked["at_least"] - n, 0)
                total += short if asked["per"] == "all" else np.where(everyone > 0, short, 0)
            if "at_most" in asked:
                total += np.maximum(n - asked["at_most"], 0)
            if "share_at_least" in asked:
                total += np.maximum(asked["share_at_least"] * everyone - n, 0)
            if "share_at_most" in asked:
                total += np.maximum(n - asked["share_at_most"] * everyone, 0)
            if "nobody_alone" in asked:
                total += n == 1
    return total


@cache
def _every(n_hosts: int, n_guests: int) -> np.ndarray:
    """Return every choice of at most one host a guest, (n, H, G)."""
    host = np.array(list(itertools.product(range(n_hosts + 1), repeat=n_guests)))
    return host[:, None, :] == np.arange(n_hosts)[None, :, None]


def answers(settings: dict[str, Any], drawn: Drawn) -> tuple[np.ndarray, np.ndarray]:
    """Return every answer that keeps what must hold, (n, H, G), and what it costs to miss the rest, (n,)."""
    found = _every(len(drawn.hosts), len(drawn.guests))
    per_host = found.sum(axis=2)
    kept = (per_host <= settings["guests_per_host"][1]).all(axis=1)
    if "places" in settings:
        kept &= per_host.sum(axis=1) <= settings["places"]
    if "once_hosting" in settings:
        kept &= ((per_host == 0) | (per_host >= settings["once_hosting"])).all(axis=1)
    kept[kept] = unaccompanied(settings, drawn, found[kept]) == 0
    if "another_country" in settings:
        kept &= ~(found & _national(drawn)).any(axis=(1, 2))
    off = (found & off_topic(drawn)).sum(axis=(1, 2))
    if "off_topic_price" not in settings:
        kept &= off == 0
    named = [
        {"per": "all", "each": "country", "at_most": settings.get("guests_per_country", 99)},
        {"per": "host country", "at_most": settings.get("pairs_per_host_country", 99)},
    ]
    found, off = found[kept], off[kept]
    kept, cost = np.ones(len(found), dtype=bool), off * settings.get("off_topic_price", 0) / 100
    cities = drawn.frame.cohort.cities
    again = np.array([cities[i].id in settings["refused_before"] for i in drawn.frame.guests])
    without = (again & ~found.any(axis=1)).sum(axis=1)
    cost = cost + without * settings.get("refused_before_points", 0) / 100
    for asked in [*named, *settings["rules"]]:
        short = missed(asked, drawn, found)
        if "price" in asked:
            cost += short * asked["price"] / 100
        else:
            kept &= short <= 1e-9
    return found[kept], cost[kept]


def fault(seed: int) -> tuple[str, str]:
    """Return how a drawn programme was answered, and what is wrong with it, "" where nothing is."""
    rng = np.random.default_rng(seed)
    drawn, settings = cohort(seed % 40), programme(rng)
    if seed % 2:
        more_of(settings, rng)
    frame = drawn.frame
    names = [frame.cohort.cities[i].id for i in frame.guests]
    settings["refused_before"] = [name for name in names if rng.random() < 0.4]
    shape = (len(frame.hosts), len(frame.guests))
    score = rng.integers(0, 101, shape) / 100
    candidates = frame.candidates(np.ascontiguousarray(score.T))
    rules = twinning_rules(frame, Twinning.model_validate(settings))
    keep = np.flatnonzero(allowed_pairs(rules))
    blocks = [r.block.take(keep) for r in rules if not r.filters]
    found = solve(candidates.take(keep), blocks)
    every, cost = answers(settings, drawn)
    if found.status == "infeasible" or not len(every):
        wrong = (found.status == "infeasible") != (len(every) == 0)
        return found.status, f"{len(every)} answers there are" if wrong else menu_fault(
            rules, candidates
        )
    chosen = np.zeros(math.prod(shape), dtype=bool)
    chosen[keep] = found.chosen
    same = np.flatnonzero((every == chosen.reshape(shape)).all(axis=(1, 2)))
    if not len(same):
        return found.status, "a rule is broken"
    filled, total = every.sum(axis=(1, 2)), (every * score).sum(axis=(1, 2)) - cost
    at = int(same[0])
    if filled[at] < filled.max():
        return found.status, f"{filled[at]} places are filled, and {filled.max()} can be"
    best = total[filled == filled.max()].max()
    if total[at] < best - ERROR:
        return found.status, f"it scores {total[at]:.6f}, and {best:.6f} can be"
    if abs(found.score - total[at]) > ERROR or found.bound < best - ERROR:
        return found.status, f"its score {found.score:.6f} or bound {found.bound:.6f} is not true"
    told = statuses(rules, candidates, chosen)
    if any(r.status == "broken" for r in told):
        return found.status, "the referee sees a rule broken"
    if any(r.status == "relaxed" for r in told) != (cost[at] > 1e-9):
        return found.status, "the referee sees another cost"
    return found.status + (" at a price" if cost[at] > 1e-9 else ""), ""


def units_short(rules: Sequence[Rule], candidates: Candidates) -> np.ndarray:
    """Return by how many whole units each answer with a pair misses what must hold, (n,); inf where it misses what never gives way."""
    every = _every(candidates.n_hosts, candidates.n_guests).reshape(-1, len(candidates))
    every = every[~(every & ~allowed_pairs(rules)).any(axis=1) & every.any(axis=1)].T.astype(float)
    units = np.zeros(every.shape[1])
    for one in rules:
        block, switch = one.block, one.block.switch
        if one.filters or block.price is not None:
            continue
        if switch is None:
            found = block.matrix @ every
            short = np.maximum(block.low[:, None] - found, found - block.high[:, None])
        else:
            on = np.zeros((len(switch.least), every.shape[1]), dtype=bool)
            for group, trigger in zip(switch.group, switch.trigger, strict=True):
                if trigger >= 0:
                    on[group] |= every[trigger] > 0
            short = np.where(on, switch.least[:, None] - switch.counted @ every, 0.0)
        missed_ = np.ceil(np.maximum(short, 0.0) - 1e-6)
        # Rows of facilitators add up their limits: each unit of one helps every row that it is in.
        if block.givers is not None:
            several = np.zeros(len(missed_), int) if block.shared is None else block.shared
            each = [missed_[several == k].max(axis=0) for k in np.unique(several)]
            missed_ = np.array(each).reshape(len(each), every.shape[1])
        missed_ = missed_.sum(axis=0)
        units += np.where(missed_ > 0, np.inf, 0.0) if one.kind in NEVER else missed_
    return units


def menu_fault(rules: Sequence[Rule], candidates: Candidates) -> str:
    """Return what is wrong with the menu of repairs of rules that no answer keeps, "" where nothing is."""
    allowed = allowed_pairs(rules)
    menu, hard = menu_of(rules, candidates)
    least = float(units_short(rules, candidates).min(initial=np.inf))
    if not menu.items:
        return (
            f"there is no repair, and one of {least:g} units would do" if np.isfinite(least) else ""
        )
    if menu.items[0].price != least:
        return f"the first repair takes {menu.items[0].price:g} units, and {least:g} would do"
    changes = [c for item in menu.items for c in item.changes]
    limits = [c for c in changes if hard[c.at.block].block.matrix.data.min(initial=0.0) >= 0]
    if any(c.by <= 0 for c in changes) or any(c.to < 0 for c in limits):
        return "a repair changes nothing, or asks for less than nothing"
    if max(Counter(frozenset(c.at.rule for c in i.changes) for i in menu.items).values()) > 2:
        return "three repairs are alike"
    keep = np.flatnonzero(allowed)
    for number in range(1, len(menu.items) + 1):
        repaired, _ = taken(rules, candidates, [number])
        blocks = [r.block.take(keep) for r in repaired if not r.filters]
        answer = solve(candidates.take(keep), blocks)
        if answer.status == "infeasible" or not answer.chosen.any():
            return f"repair {number} does not solve, or leaves nobody to meet"
        for less in smaller(menu.items[number - 1]):
            whole = [r for r in rules if not r.filters]
            blocks = relaxed([r.block for r in whole], less)
            given = [replace(r, block=b) for r, b in zip(whole, blocks, strict=True)]
            filters = [r for r in rules if r.filters]
            if (units_short([*filters, *given], candidates) == 0).any():
                return f"repair {number} asks for more than is needed"
    return ""


def smaller(repair: Relaxation) -> Iterator[Relaxation]:
    """Yield a repair with each of its changes made smaller by a unit, or left out."""
    for k, change in enumerate(repair.changes):
        unit = -1 if change.bound == "high" else 1
        less = replace(change, by=change.by - 1, to=change.to + unit)
        yield replace(repair, changes=(*repair.changes[:k], less, *repair.changes[k + 1 :]))


def run(seeds: range) -> dict[str, Any]:
    """Return how many programmes were answered in which way, and every fault with its seed."""
    ways: Counter[str] = Counter()
    faults = []
    for seed in seeds:
        way, wrong = fault(seed)
        ways[way] += 1
        if wrong:
            faults.append({"seed": seed, "found": wrong})
    return {"cases": len(seeds), "statuses": dict(sorted(ways.items())), "faults": faults}
