"""Rules on groups, clusters, panels and visits drawn from the form, each answer against every answer there is.

What a rule counts is read here in plain Python from drawn facts. ``members`` draws groups of themes that some cities join
beside those that sit there already, with rules on each group, each theme and all; ``split`` a country that is split into
clusters; ``panels`` cities that two panels mix; ``visits`` parties that choose whom to visit and who goes. A fault is an answer that another one betters, that breaks a rule, or a wrong "infeasible".
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from twinmatch.affinity import compare
from twinmatch.errors import NoProposalError
from twinmatch.programmes import PRODUCTS, Round
from twinmatch.programmes.city_panels.search import Mix
from twinmatch.programmes.national_clusters.settings import likeness_of
from twinmatch.programmes.quotas import Counted, PairQuota, Quota, Units, quota_rules
from twinmatch.programmes.study_visits import prepare
from twinmatch.solving import Candidates, counts, solve
from twinmatch.testing import cohort_of, facet_cache

ERROR = 1e-6
Rule = dict[str, Any]
Fault = tuple[str, str]

KINDS = {
    "small": lambda c: c["people"] is not None and c["people"] < 100_000,
    "not small": lambda c: c["people"] is not None and c["people"] >= 100_000,
    "newcomer": lambda c: c["newcomer"] is True,
    "small and not newcomer": lambda c: (
        c["people"] is not None and c["people"] < 100_000 and c["newcomer"] is False
    ),
    "label: Coastal: yes": lambda c: c["coast"] == "yes",
    "not label: Coastal: yes and small": lambda c: (
        c["coast"] == "no" and c["people"] is not None and c["people"] < 100_000
    ),
    "small or newcomer": lambda c: (
        c["newcomer"] is True or (c["people"] is not None and c["people"] < 100_000)
    ),
    "not (small and newcomer)": lambda c: (
        c["newcomer"] is False or (c["people"] is not None and c["people"] >= 100_000)
    ),
    "newcomer and (language: fr or not label: Coastal: yes)": lambda c: (
        c["newcomer"] is True and ("fr" in c["languages"] or c["coast"] == "no")
    ),
}
EACH = {
    "language": lambda c: {*c["languages"]},
    "newcomer": lambda c: set() if c["newcomer"] is None else {str(c["newcomer"])},
    "label: Coastal": lambda c: {c["coast"]} - {None},
}


def kinds_of(asked: Rule, facts: Sequence[Any]) -> list[Callable[[Any], bool]]:
    """Return what a rule counts: its kind, or one for each word that some cities have of what it counts each of."""
    kind, read = KINDS[asked["who"]], EACH.get(asked.get("each", ""))
    if read is None:
        return [kind]
    words = sorted(set().union(*map(read, facts)))
    return [lambda c, word=word: kind(c) and word in read(c) for word in words]


def rule(rng: np.random.Generator, per: str, compared: bool) -> Rule:
    """Return one rule of the form, those that compare places among them where asked for."""
    found: Rule = {"who": str(rng.choice(list(KINDS))), "per": per}
    what = rng.choice(
        ["least", "most", "part", "part of", "alone", "balance", "gather"][: 7 if compared else 5]
    )
    if what == "least":
        found["at_least"] = int(rng.integers(1, 3))
    elif what == "most":
        found["at_most"] = int(rng.integers(0, 3))
    elif what == "part":
        found["share_at_least"] = float(rng.choice([0.3, 0.5]))
    elif what == "part of":
        found["share_at_most"] = float(rng.choice([0.3, 0.5]))
    elif what == "alone":
        found["nobody_alone"] = True
    elif what == "balance":
        found["balance"] = int(rng.integers(0, 3))
    else:
        found["gather"] = True
    if rng.random() < 0.25:
        found["each"] = str(rng.choice(list(EACH)))
    if rng.random() < 0.4 and what != "gather":
        found["price"] = float(rng.choice([3.0, 30.0, 150.0]))
    return found


def told(asked: Rule, kind: type[Quota] = Quota) -> Quota:
    """Return a rule as a programme holds it."""
    return kind.model_validate(asked)


def missed(asked: Rule, places: Sequence[tuple[int, int, int]]) -> float:
    """Return by how much places miss a rule; of each how many are counted, all cities, and the counted that sit there."""
    total = 0.0
    for n, everyone, there in places:
        total += max(asked.get("at_least", 0) - n, 0)
        if "at_most" in asked:
            total += max(n - max(asked["at_most"], there), 0)
        total += max(asked.get("share_at_least", 0.0) * everyone - n, 0)
        if "share_at_most" in asked:
            total += max(n - asked["share_at_most"] * everyone, 0)
        if asked.get("nobody_alone") and n == 1 and not there:
            total += 1
    numbers = [n for n, _, _ in places]
    if "balance" in asked and numbers:
        total += max(max(numbers) - min(numbers) - asked["balance"], 0)
    if asked.get("gather"):
        total += 1000 * (sum(n > there for n, _, there in places) > 1)
    return total if total > 1e-9 else 0.0


def off_by(asked: Rule, places: Sequence[Sequence[Any]], among: Sequence[Any]) -> float:
    """Return by how much places of cities miss a rule, of each kind that cities ``among`` whom some are chosen are of."""
    return sum(
        missed(asked, [(sum(map(kind, cities)), len(cities), 0) for cities in places])
        for kind in kinds_of(asked, among)
    )


def judged(asked: Sequence[tuple[Rule, float]]) -> tuple[bool, float]:
    """Return whether an answer keeps what must hold, and what it costs to miss the rest, from how far it misses each."""
    cost = sum(off * rule["price"] / 100 for rule, off in asked if "price" in rule)
    return all(off == 0 for rule, off in asked if "price" not in rule), cost


def _facts(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "people": [None, 20_000, 60_000, 300_000][int(rng.integers(4))],
        "newcomer": [None, True, False][int(rng.integers(3))],
        "coast": [None, "yes", "no"][int(rng.integers(3))],
        "languages": [[], ["fr"], ["de", "fr"]][int(rng.integers(3))],
    }


def members(seed: int) -> Fault:
    """Return how groups that cities join were found, and what is wrong with them."""
    rng = np.random.default_rng(seed)
    k, n = int(rng.integers(2, 4)), int(rng.integers(3, 6))
    facts = [_facts(rng) for _ in range(n + k)]  # the last ones sit in a group each
    said = [rule(rng, "group", True) for _ in range(int(rng.integers(1, 4)))]
    for asked in said:  # all groups together have nothing to balance with
        some = ("group", "theme") if {"balance", "gather"} & {*asked} else ("group", "theme", "all")
        asked["per"] = str(rng.choice(some))
    score = rng.integers(0, 101, (k, n)) / 100
    high = int(rng.integers(1, n + 1))
    group, city = (axis.ravel() for axis in np.indices((k, n)))
    theme = [int(rng.integers(2)) for _ in range(k)]
    place = {"group": list(range(k)), "theme": theme, "all": [0] * k}

    def units(per: str) -> Units:
        of = np.unique(place[per], return_inverse=True)[1]
        there = np.zeros((of.max() + 1, n + k), dtype=bool)
        there[of, n + np.arange(k)] = True
        ones = np.ones(k * n), (of[group], np.arange(k * n))
        member = sp.csr_array(ones, shape=(len(there), k * n))
        return Units(f"In each {per}", [f"{per} {g}" for g in range(len(there))], member, there)

    blocks = [counts("one each", city, high=1, rows=n), counts("size", group, high=high, rows=k)]
    for asked in said:
        masks = [np.array([kind(c) for c in facts]) for kind in kinds_of(asked, facts)]
        kinds = [Counted(mask[:n][city], mask, asked["who"]) for mask in masks]
        blocks += [b for _, b in quota_rules("rule", told(asked), units(asked["per"]), kinds)]
    found = solve(Candidates(group, city, score.ravel(), k, n), blocks)

    def value(label: Sequence[int]) -> tuple[int, float] | None:
        if any(label.count(g) > high for g in range(k)):
            return None

        def off(asked: Rule) -> float:
            return sum(missed(asked, places(asked, kind)) for kind in kinds_of(asked, facts))

        def places(asked: Rule, kind: Callable[[Any], bool]) -> list[tuple[int, int, int]]:
            of, rows = place[asked["per"]], []
            for here in sorted({*of}):
                mine = [i for i in range(n) if label[i] >= 0 and of[label[i]] == here]
                first = [n + g for g in range(k) if of[g] == here]
                there = sum(kind(facts[i]) for i in first)
                joined = sum(kind(facts[i]) for i in mine)
                rows.append((joined + there, len(mine) + len(first), there))
            return rows

        kept, cost = judged([(asked, off(asked)) for asked in said])
        filled = sum(g >= 0 for g in label)
        return (
            (filled, sum(score[g, i] for i, g in enumerate(label) if g >= 0) - cost)
            if kept
            else None
        )

    every = [
        v for label in itertools.product(range(-1, k), repeat=n) if (v := value(label)) is not None
    ]
    if found.status == "infeasible" or not every:
        return found.status, "" if (found.status == "infeasible") == (
            not every
        ) else "wrongly infeasible"
    chosen = found.chosen.reshape(k, n)
    mine = value([int(np.argmax(chosen[:, i])) if chosen[:, i].any() else -1 for i in range(n)])
    if mine is None:
        return found.status, "a rule is broken"
    best = max(every)
    if mine[0] < best[0] or mine[1] < max(v for f, v in every if f == best[0]) - ERROR:
        return found.status, f"{mine} where {best} can be"
    if abs(found.score - mine[1]) > ERROR:
        return found.status, f"its score is {found.score:.6f}, and {mine[1]:.6f} is true"
    return found.status, ""


def _profiles(
    rng: np.random.Generator, ids: Sequence[str], role: str
) -> tuple[list[Any], dict[str, Any]]:
    facts = {id_: _facts(rng) for id_ in ids}
    facts[ids[0]]["coast"] = facts[ids[0]]["coast"] or "no"  # a column without a value is an error
    domains = ("industry", "mobility_transport", "energy_systems", "built_environment")
    profiles = [
        {
            "id": id_,
            "roles": [role],
            "languages": facts[id_]["languages"],
            **({"population": {"value": facts[id_]["people"]}} if facts[id_]["people"] else {}),
            **(
                {}
                if facts[id_]["newcomer"] is None
                else {"participation": {"newcomer": facts[id_]["newcomer"]}}
            ),
            "own_labels": [f"Coastal: {facts[id_]['coast']}"] if facts[id_]["coast"] else [],
            "challenges": {d: int(w) for d, w in zip(domains, rng.integers(1, 4, 4), strict=True)},
            "strengths": {d: int(w) for d, w in zip(domains, rng.integers(1, 4, 4), strict=True)},
        }
        for id_ in ids
    ]
    return profiles, facts


def split(seed: int) -> Fault:
    """Return how the clusters of a country were found under rules, and what is wrong with them."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(5, 9))
    profiles, facts = _profiles(rng, [f"at-c{k}" for k in range(n)], "guest")
    said = [rule(rng, "cluster", True) for _ in range(int(rng.integers(1, 4)))]
    entry = PRODUCTS["national_clusters"]
    asked = {
        "size": (2, 4),
        "weights": {"shared_challenges": 1},
        "anchor": None,
        "rules": [told(r) for r in said],
    }
    settings = entry.settings.model_validate(asked)
    round_ = Round(cohort_of(*profiles), facet_cache())
    ids = [c.id for c in round_.cohort.cities]
    affinity = compare(round_.cohort, settings.weights, round_.facet_cache)
    likeness = likeness_of(affinity, settings, np.arange(n))
    parts = -(-n // 4)
    sizes = sorted(n // parts + (g < n % parts) for g in range(parts))

    def value(groups: Sequence[Sequence[int]]) -> float | None:
        cities = [[facts[ids[i]] for i in group] for group in groups]
        kept, cost = judged([(r, off_by(r, cities, [*facts.values()])) for r in said])
        mean = sum(likeness[i, j] / (len(g) - 1) for g in groups for i in g for j in g if i != j)
        return mean - cost if kept else None

    every = []
    for label in itertools.product(range(parts), repeat=n):
        if sorted(label.count(g) for g in range(parts)) == sizes:
            v = value([[i for i in range(n) if label[i] == g] for g in range(parts)])
            every += [] if v is None else [v]
    product = entry(round_, settings)
    if not product.meetings or not every:
        way = "no cluster" if not product.meetings else "clusters"
        return way, "" if bool(product.meetings) == bool(every) else "wrongly without clusters"
    mine = value([[ids.index(c) for c in m.cities()] for m in product.meetings])
    if mine is None:
        return "clusters", "a rule is broken"
    if mine < max(every) - ERROR:
        return "clusters", f"{mine:.6f} where {max(every):.6f} can be"
    return _told(product, said, [[facts[c] for c in m.cities()] for m in product.meetings])


def panels(seed: int) -> Fault:
    """Return how two panels that all cities are on were mixed under rules, and what is wrong with them."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 9))
    profiles, facts = _profiles(rng, [f"at-c{k}" for k in range(n)], "guest")
    said = [rule(rng, "panel", True) for _ in range(int(rng.integers(1, 4)))]
    for asked in said:
        if rng.random() < 0.2 and not {"balance", "gather"} & {*asked}:
            asked["per"] = "all"
    entry = PRODUCTS["city_panels"]
    asked = {
        "size": (2, 4),
        "panels": 2,
        "mission_at_least": 0,
        "cities_per_country": None,
        "mix": {"newcomer": 1, "size": 2},
        "rules": [told(r) for r in said],
    }
    settings = entry.settings.model_validate(asked)
    round_ = Round(cohort_of(*profiles), facet_cache())
    ids = [c.id for c in round_.cohort.cities]
    likeness = Mix(round_, settings, range(n)).likeness(np.arange(n))

    def value(groups: Sequence[Sequence[int]]) -> float | None:
        cities = [[facts[ids[i]] for i in group] for group in groups]
        kept, cost = judged([(r, off_by(r, placed(r, cities), [*facts.values()])) for r in said])
        alike = sum(likeness[i, j] / (len(g) - 1) for g in groups for i in g for j in g if i != j)
        return -alike - cost if kept else None

    first = itertools.combinations(range(n), -(-n // 2))
    every = [value([g, [i for i in range(n) if i not in g]]) for g in first]
    best = max((v for v in every if v is not None), default=None)
    try:
        product = entry(round_, settings)
    except NoProposalError:
        return "no panel", "wrongly without panels" if best is not None else ""
    if best is None:
        return "panels", "there is no answer"
    mine = value([[ids.index(c) for c in m.cities()] for m in product.meetings])
    if mine is None:
        return "panels", "a rule is broken"
    if product.status == "optimal" and mine < best - ERROR:
        return "panels", f"{mine:.6f} where {best:.6f} can be"
    return _told(product, said, [[facts[c] for c in m.cities()] for m in product.meetings])


def placed(asked: Rule, places: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Return the cities that a rule counts together: of each place, or of all."""
    together = [[city for place in places for city in place]]
    return together if asked["per"] == "all" else [list(place) for place in places]


def _told(product: Any, said: Sequence[Rule], places: Sequence[Sequence[Any]]) -> Fault:
    """Return what is wrong with what a product says of its soft rules, in places of which the cities are given."""
    among = [city for place in places for city in place]
    cost = sum(
        off_by(asked, placed(asked, places), among) * asked.get("price", 0.0) for asked in said
    )
    told = sum(r.paid or 0.0 for r in product.rules)
    way = "at a price" if cost else "kept"
    return way, "" if abs(
        told - cost
    ) <= 1e-4 else f"it says a cost of {told:g}, and {cost:g} is true"


def visits(seed: int) -> Fault:
    """Return how visits were chosen under rules, and what is wrong with them."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 7))
    guests, facts = _profiles(rng, [f"at-g{k}" for k in range(n)], "guest")
    hosts, more = _profiles(rng, [f"be-h{k}" for k in range(int(rng.integers(1, 4)))], "mission")
    facts |= more
    said = [
        rule(rng, str(rng.choice(["visit", "all"])), False) for _ in range(int(rng.integers(1, 4)))
    ]
    for asked in said:
        asked["of"] = "hosts" if rng.random() < 0.2 else "guests"
    entry = PRODUCTS["study_visits"]
    asked = {
        "travellers": "cities",
        "visitors": (1, 3),
        "stops": 1,
        "own_country": True,
        "not_roles": ("mission",),
        "neutral_by": None,
        "known_at_least": 0,
        "weights": {"challenges_met": 1},
        "rules": [told(r, PairQuota) for r in said],
    }
    settings = entry.settings.model_validate(asked)
    round_ = Round(cohort_of(*guests, *hosts), facet_cache())
    plain = prepare(round_, settings.model_copy(update={"rules": ()}))
    ids, columns = [c.id for c in round_.cohort.cities], plain.affinity.columns
    ways: list[list[tuple[int, tuple[int, ...], float]]] = []
    for party in plain.parties:
        ways.append([(-1, (), 0.0)])
        for h in range(len(columns)):
            worth = {
                i: float(plain.affinity.score[plain.affinity.row_of[i], h]) for i in party.visitors
            }
            able = [i for i in party.visitors if worth[i] > 0]
            for size in range(1, 4):
                ways[-1] += [
                    (h, who, sum(worth[i] for i in who))
                    for who in itertools.combinations(able, size)
                ]

    def value(chosen: Sequence[tuple[int, tuple[int, ...], float]]) -> tuple[int, float] | None:
        made = [(h, who) for h, who, _ in chosen if h >= 0]
        if len({h for h, _ in made}) < len(made):
            return None

        def off(asked: Rule) -> float:
            guests_ = asked["of"] == "guests"
            sides = [
                [facts[ids[i]] for i in who] if guests_ else [facts[columns[h].id]]
                for h, who in made
            ]
            among = [facts[i] for i in ids if i.startswith("at-") == guests_]
            return off_by(asked, placed(asked, sides), among)

        kept, cost = judged([(asked, off(asked)) for asked in said])
        return (len(made), sum(w for _, _, w in chosen) - cost) if kept else None

    every = [v for chosen in itertools.product(*ways) if (v := value(chosen)) is not None]
    try:
        product = entry(round_, settings)
    except NoProposalError:
        return "infeasible", "wrongly infeasible" if every else ""
    if not every:
        return "visits", "there is no answer"
    number = {c.id: h for h, c in enumerate(columns)}
    made = []
    for m in product.meetings:
        h, who = number[m.cities("host")[0]], tuple(ids.index(c) for c in m.cities("guest"))
        made.append(
            (h, who, sum(float(plain.affinity.score[plain.affinity.row_of[i], h]) for i in who))
        )
    mine, best = value(made), max(every)
    if mine is None:
        return "visits", "a rule is broken"
    if mine[0] < best[0] or mine[1] < best[1] - ERROR:
        return "visits", f"{mine} where {best} can be"
    return "visits", "" if abs(
        product.score - mine[1]
    ) < 1e-5 else f"its score is {product.score:.6f}, not {mine[1]:.6f}"


FORMS: dict[str, Callable[[int], Fault]] = {
    "members": members,
    "split": split,
    "panels": panels,
    "visits": visits,
}


def run(form: str, seeds: Sequence[int]) -> dict[str, Any]:
    """Return how many rounds of a form were answered in which way, and every fault with its seed."""
    found = [(seed, *FORMS[form](seed)) for seed in seeds]
    faults = [{"seed": seed, "found": wrong} for seed, _, wrong in found if wrong]
    return {
        "cases": len(seeds),
        "statuses": dict(sorted(Counter(w for _, w, _ in found).items())),
        "faults": faults,
    }
