"""Are the sentences that are printed as reasons on the matter that they are printed for? A sheet to judge, and what it comes to.

    python benchmarks/evidence.py sample [--seed 0] [--quotes 100] [--halves 0] [--without SHEET.csv ...] [--out SHEET.csv]
    python benchmarks/evidence.py measure SHEET.csv [--json]
    python benchmarks/evidence.py fit SHEET.csv ...

``sample`` draws what is printed: reasons, agendas, notes and letters of the bundled round, of two recipes, and of rounds of
half of the cities, drawn by seed (``--halves``): what a host
shows beside what a guest asks, or beside the theme that it is shown for; every distinct pair once, evenly over the kinds of
lines, in an order drawn by seed, without the score, the facet or the method. Two persons fill in judge_1 and judge_2,
blind to each other: ``on`` (what is shown answers or is about what is asked), ``related`` (the same field, another matter)
or ``off`` (nothing to do with it, or no thing that a host could show). ``measure`` prints the share of each with its
bootstrap interval, and how far the judges agree (Cohen 1960, doi:10.1177/001316446002000104). ``fit`` learns from judged
pairs how likely two sentences are on one matter (twinmatch.facets.quoting), with topics read by classifiers that have not
seen the city, and prints what it is worth on cities that were held out.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
from build_classifier import out_of_fold
from sample_lines import lines_of
from twinmatch.facets.quoting import WordWeights
from twinmatch.facets.text import needs_passages, offers_passages
from twinmatch.programmes import load
from twinmatch.proposal import Proposal
from twinmatch.proposal.evidence import LEAST
from twinmatch.public import propose
from twinmatch.reading import read

GRADES: Final = ("on", "related", "off")
COLUMNS: Final = ("number", "line", "asks", "shows", "judge_1", "judge_2")
ROUNDS: Final = ("", "netzerocities-round-1", "covenant-twinning")
"""The bundled round, and two recipes that no rule was tuned on."""
RESAMPLES: Final = 2000

_QUOTE = re.compile(
    r"(?:On (?P<topic>[^.:]{3,80}?), )?(?P<who>[A-ZÀ-Ž][^.:“”]{1,60}?) (?P<verb>can show|has a pilot activity|says):? (?:that )?"
    r"(?P<text>“[^”]+”|.+?\((?:its Climate City Contract|public page)\)\.)"
)
"""A sentence as it is printed of a city, with the topic that it is printed for."""


def printed_pairs(proposal: Proposal) -> Iterator[tuple[str, str, str]]:
    """Yield the kind of every line of a proposal with a sentence in it: kind, what is asked, what is shown or asked as well."""
    for product in proposal.products:
        for table in product.tables if product.meetings else ():
            rows = table.rows if table.name == "agenda" else ()
            yield from (
                ("agenda", str(row[3]), str(row[5])) for row in rows if row[1] in ("need", "return")
            )
    for kind, whose, text in lines_of(proposal):
        if kind.endswith("agenda"):
            continue
        found = list(_QUOTE.finditer(text))
        asks, shows = (
            [m for m in found if (m["verb"] == "says") == said] for said in (True, False)
        )
        line = "letter" if kind.startswith("Letter") else kind.replace(": ", ", ").lower()
        if asks and shows:
            yield line, asks[0]["text"], shows[0]["text"]
        elif len(asks) > 1:
            yield line, asks[0]["text"], asks[1]["text"]
        elif found and (topic := found[0]["topic"]):
            yield line, f"[{topic}]", found[0]["text"]
        elif shows and line != "letter":
            yield line, f"[{whose}]", shows[0]["text"]


def sample(
    seed: int, count: int, rounds: Sequence[str], halves: int, without: Sequence[Path]
) -> list[tuple[str, str, str]]:
    """Return distinct pairs of sentences drawn by seed, evenly over the kinds of lines; those of earlier sheets left out."""
    cohort, rng = read(), random.Random(seed)
    half = [cohort.of(rng.sample(cohort.cities, len(cohort) // 2)) for _ in range(halves)]
    proposals = [
        *(propose(cohort, load(name) if name else None) for name in rounds),
        *(propose(part) for part in half),
    ]
    known = {plain(row["asks"], row["shows"]) for sheet in without for row in rows_of(sheet)}
    kinds: dict[str, dict[tuple[str, str], tuple[str, str, str]]] = {}
    for proposal in proposals:
        for line, asks, shows in printed_pairs(proposal):
            if plain(asks, shows) not in known:
                known.add(plain(asks, shows))
                kinds.setdefault(line, {})[asks, shows] = (line, asks, shows)
    pools = [rng.sample(sorted(found.values()), len(found)) for _, found in sorted(kinds.items())]
    drawn: list[tuple[str, str, str]] = []
    while pools and len(drawn) < count:
        rng.shuffle(pools)
        drawn += [pool.pop() for pool in pools[: count - len(drawn)]]
        pools = [pool for pool in pools if pool]
    rng.shuffle(drawn)
    return drawn


def plain(*texts: str) -> tuple[str, ...]:
    """Return texts by their letters alone, so that a sentence and its reported form meet."""
    persons = {"we": "they", "our": "their", "us": "them", "ours": "theirs"}
    bare = [re.sub(r"\((?:public page|its Climate City Contract)\)\.$", "", text) for text in texts]
    words = [re.findall(r"\w+", text.lower()) for text in bare]
    return tuple(" ".join(persons.get(w, w) for w in each) for each in words)


def rows_of(sheet: Path) -> list[dict[str, str]]:
    """Return the rows of a sheet."""
    with sheet.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def measure(rows: list[dict[str, str]]) -> dict[str, Any]:
    """Return the share of each grade with its interval, over both judges, and the agreement of two judges."""
    judged = [
        [GRADES.index(row[j]) for j in ("judge_1", "judge_2") if row[j] in GRADES] for row in rows
    ]
    wrong = [r["number"] for r in rows for j in ("judge_1", "judge_2") if r[j] not in (*GRADES, "")]
    if wrong or not all(judged):
        where = wrong or [r["number"] for r, g in zip(rows, judged, strict=True) if not g]
        raise SystemExit(f"Quotations without a grade of {', '.join(GRADES)}: {', '.join(where)}.")
    rng = np.random.default_rng(0)
    draws = rng.integers(0, len(rows), (RESAMPLES, len(rows)))
    found: dict[str, Any] = {"quotations": len(rows)}
    for g, name in enumerate(GRADES):
        share = np.array([np.mean([x == g for x in each]) for each in judged])
        low, high = np.quantile(share[draws].mean(axis=1), [0.025, 0.975])
        found[name] = {
            k: round(float(v), 3)
            for k, v in (("value", share.mean()), ("low", low), ("high", high))
        }
    both = np.array([each for each in judged if len(each) == 2])
    if len(both):
        found["judged twice"] = len(both)
        found["agreement"] = round(float((both[:, 0] == both[:, 1]).mean()), 3)
        found["kappa"] = kappa(both)
    return found


def kappa(both: NDArray[np.int64]) -> float | None:
    """Return Cohen's kappa of grades (n, 2); None where all grades are the same."""
    agreed = float((both[:, 0] == both[:, 1]).mean())
    by_chance = sum(float((both[:, 0] == g).mean() * (both[:, 1] == g).mean()) for g in range(3))
    return None if by_chance == 1 else round((agreed - by_chance) / (1 - by_chance), 3)


def fit(rows: list[dict[str, str]]) -> None:
    """Print the regression of "on the same matter" and, out of fold by city, what a threshold lets through."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_predict

    cohort = read()
    passages = [*needs_passages(cohort), *offers_passages(cohort)]
    city = {plain(p.text): p.city for p in passages}
    text = {plain(p.text): p.text for p in passages}
    labelled, found = out_of_fold("bundled")
    topics = {plain(t): found.topics[k] for k, t in enumerate(labelled.texts)}
    weights = WordWeights(text.values())
    keys = [(plain(r["asks"]), plain(r["shows"])) for r in rows]
    use = [k for k, (a, b) in enumerate(keys) if a in topics and b in topics]
    values = np.array(
        [
            (
                np.minimum(topics[a], topics[b]).sum(),
                weights.likeness([text[a]], [text[b]])[0, 0],
            )
            for a, b in (keys[k] for k in use)
        ]
    )
    grades = np.array([GRADES.index(rows[k]["judge_1"]) for k in use])
    owner = [city[keys[k][0]] for k in use]
    model = LogisticRegression(C=10)
    out = cross_val_predict(
        model, values, grades == 0, groups=owner, cv=GroupKFold(10), method="predict_proba"
    )[:, 1]
    model.fit(values, grades == 0)
    print("SAME_MATTER:", model.intercept_.round(2).tolist(), model.coef_.round(2).tolist())
    for least in (0.4, 0.5, LEAST, 0.7):
        kept = grades[out >= least]
        shares = ", ".join(f"{(kept == g).mean():.0%} {name}" for g, name in enumerate(GRADES))
        print(f"from {least}: {len(kept)} of {len(grades)} pairs, {shares}")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    drawing = commands.add_parser("sample")
    drawing.add_argument("--seed", type=int, default=0)
    drawing.add_argument("--quotes", type=int, default=100)
    drawing.add_argument("--rounds", nargs="+", default=ROUNDS)
    drawing.add_argument("--halves", type=int, default=0)
    drawing.add_argument("--without", type=Path, nargs="+", default=[])
    drawing.add_argument("--out", type=Path)
    measuring = commands.add_parser("measure")
    measuring.add_argument("sheet", type=Path)
    measuring.add_argument("--json", action="store_true")
    commands.add_parser("fit").add_argument("sheets", type=Path, nargs="+")
    given = parser.parse_args()
    if given.command == "fit":
        fit([row for sheet in given.sheets for row in rows_of(sheet)])
        return
    if given.command == "sample":
        rows = sample(given.seed, given.quotes, given.rounds, given.halves, given.without)
        with given.out.open("w", encoding="utf-8", newline="") if given.out else sys.stdout as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows((n, *row, "", "") for n, row in enumerate(rows, 1))
        return
    found = measure(rows_of(given.sheet))
    if given.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        shown = (
            value
            if not isinstance(value, dict)
            else "{value:.0%} ({low:.0%} to {high:.0%})".format(**value)
        )
        print(f"{name:14s} {shown}")


if __name__ == "__main__":
    main()
