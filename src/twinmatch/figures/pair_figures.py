"""Pairs of a twinning round beside each other: who is worst served, which rest on little, where guests go.

Notation: G eligible guests, H hosts of the frame; score (G, H).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from twinmatch.affinity import compare
from twinmatch.cohort import Cohort
from twinmatch.facets import FACETS, FacetCache
from twinmatch.geography import country
from twinmatch.programmes.twinning import PreparedTwinning
from twinmatch.proposal import Cell, Evidence, Meeting, Product, Table, count

CLOSE: Final = 0.01
"""A lead of less than this over the next best host is one that a small change of the weights may turn."""

THIN: Final = 0.5
"""Below this part of the weights, a pair rests on little."""

ALIKE, UNLIKE = 3, 2
"""How many things alike and unlike are named for each pair."""


@dataclass(frozen=True, eq=False)
class TwinningRound:
    """A twinning product with what it was made from."""

    cohort: Cohort
    facet_cache: FacetCache
    ready: PreparedTwinning
    product: Product

    @cached_property
    def host_name(self) -> dict[str, str]:
        """Return the name of every host of the frame by its id."""
        return {host.id: host.name for host in self.ready.frame.hosts}

    def guest(self, meeting: Meeting) -> int:
        """Return the index of a pair's guest."""
        return self.cohort.index[meeting.cities("guest")[0]]

    def host_id(self, meeting: Meeting) -> str:
        """Return the id of a pair's host."""
        return meeting.unit or meeting.cities("host")[0]

    def place(self, meeting: Meeting) -> tuple[int, int]:
        """Return the row and the column of a pair in the frame."""
        affinity = self.ready.affinity
        return affinity.row_of[self.guest(meeting)], affinity.column_of[self.host_id(meeting)]

    @cached_property
    def scores(self) -> dict[int, float]:
        """Return the best score of each guest with a pair, by index."""
        found: dict[int, float] = {}
        for meeting in self.product.meetings:
            i = self.guest(meeting)
            found[i] = max(meeting.score, found.get(i, 0.0))
        return found

    @cached_property
    def open(self) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
        """Return the pairs that no rule takes out, shape (G, H)."""
        frame = self.ready.frame
        return self.ready.allowed.reshape(len(frame.hosts), len(frame.guests)).T


def satisfaction(round_: TwinningRound) -> Table:
    """Return how near each guest's pair is to the best host it could have had, the worst served first."""
    score = np.round(round_.ready.affinity.score, 9)
    rows = []
    for meeting in round_.product.meetings:
        r, c = round_.place(meeting)
        line = np.where(round_.open[r], score[r], -1.0)
        best = int(np.argmax(line))
        rank = 1 + int((line > score[r, c]).sum())
        rows.append(
            (
                meeting.id,
                round_.cohort.cities[round_.guest(meeting)].name,
                round_.host_name[round_.host_id(meeting)],
                float(score[r, c]),
                float(line[best]),
                round_.ready.frame.hosts[best].name,
                rank,
                int(round_.open[r].sum()),
            )
        )
    rows.sort(key=lambda row: (row[3] - row[4], row[3], row[0]))
    columns = (
        "Meeting",
        "Guest",
        "Host",
        "Points",
        "Best possible points",
        "With",
        "Host's place in the guest's order",
        "Hosts open to it",
    )
    title = "Satisfaction: each guest beside its own best host"
    return Table("satisfaction", title, columns, tuple(rows), _served(rows))


def _served(rows: list[tuple[str, str, str, float, float, str, int, int]]) -> str:
    if not rows:
        return ""
    first = sum(row[6] == 1 for row in rows)
    worst = rows[0]
    text = f"{first} of {len(rows)} guests meet the host that fits them best."
    if worst[6] > 1:
        text += (
            f" Worst served is {worst[1]}: {100 * worst[3]:.1f} points with {worst[2]}, where "
            f"{worst[5]} would give {100 * worst[4]:.1f}."
        )
    return text


def watch(round_: TwinningRound) -> Table:
    """Return the pairs to look at before they are confirmed, the ones that rest on least first.

    A pair is named where little of its weights is known, where the guest's next best host is nearly as good, or
    where it fits less well than the average possible pair.
    """
    score = np.round(round_.ready.affinity.score, 9)
    rows = []
    for meeting in round_.product.meetings:
        r, c = round_.place(meeting)
        others = np.where(round_.open[r], score[r], -1.0)
        others[c] = -1.0
        other = int(np.argmax(others))
        reasons = list(_doubts(round_, meeting, float(score[r, c]), other, float(others[other])))
        if reasons:
            pair = f"{round_.cohort.cities[round_.guest(meeting)].name} with {round_.host_name[round_.host_id(meeting)]}"
            rows.append(
                (meeting.id, pair, meeting.score, meeting.account.coverage, _sentence(reasons))
            )
    rows.sort(key=lambda row: (-row[4].count(";"), row[3], row[0]))
    columns = ("Meeting", "Pair", "Points", "Weights known", "Why")
    says = f"{len(rows)} of {count(len(round_.product.meetings), 'pair')} {'rests' if len(rows) == 1 else 'rest'} on little, or {'is' if len(rows) == 1 else 'are'} close to another choice; look there first."
    return Table("watch", "Fragile pairs first", columns, tuple(rows), says if rows else "")


def _sentence(reasons: Sequence[str]) -> str:
    text = "; ".join(reasons)
    return f"{text[:1].upper()}{text[1:]}."


def _doubts(
    round_: TwinningRound, meeting: Meeting, own: float, other: int, next_best: float
) -> Iterator[str]:
    if meeting.account.coverage < THIN:
        yield f"only {100 * meeting.account.coverage:.0f}% of the weights rest on something known"
    if next_best >= 0 and abs(own - next_best) < CLOSE:
        name = round_.ready.frame.hosts[other].name
        yield f"{name} would fit the guest nearly as well ({100 * abs(own - next_best):.1f} points apart)"
    if own < 0.5:
        yield "it fits less well than the average possible pair"


def ties(round_: TwinningRound) -> Table:
    """Return how many guests of each country go to hosts of each country: rows guests, columns hosts.

    A unit of several countries counts once for each of them.
    """
    sent: Counter[tuple[str, str]] = Counter()
    for meeting in round_.product.meetings:
        guest = round_.cohort.cities[round_.guest(meeting)].country
        hosts = {round_.cohort.city(city).country for city in meeting.cities("host")}
        sent.update((guest, host) for host in sorted(hosts))
    rows_of = sorted({g for g, _ in sent}, key=lambda code: country(code).name)
    columns_of = sorted({h for _, h in sent}, key=lambda code: country(code).name)
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (country(g).name, *(sent[g, h] for h in columns_of)) for g in rows_of
    )
    at_home = sum(number for (g, h), number in sent.items() if g == h)
    says = (
        f"{count(len(rows_of), 'country sends', 'countries send')} guests to "
        f"{count(len(columns_of), 'country', 'countries')}; "
        f"{at_home} of {count(len(round_.product.meetings), 'pair stays', 'pairs stay')} within one country."
    )
    columns = ("Guests from", *(country(code).name for code in columns_of))
    return Table("ties", "The network: from where to where", columns, rows, says if rows else "")


def _tells_apart(line: Evidence) -> bool:
    """Whether the sentence of a line says a difference: what two cities share says one only where it is nothing."""
    return not line.facet.startswith("shared_") or line.likeness == 0


def alike(round_: TwinningRound) -> Table:
    """Return for each pair up to three things in which guest and host are alike, and up to two in which they differ.

    Told by the facets that compare like with like, weighted alike; what is not known is not told. A thing is
    alike where it beats at least half of the possible pairs, unlike where it does not.
    """
    frame = round_.ready.frame
    weights = {name: 1.0 for name, entry in FACETS.items() if not entry.directed}
    affinity = compare(
        round_.cohort, weights, round_.facet_cache, rows=frame.guests, columns=frame.hosts
    )
    rows = []
    for meeting in round_.product.meetings:
        account = affinity.account(*round_.place(meeting))
        known = sorted((x for x in account.lines if x.known), key=lambda x: (-x.standing, x.facet))
        near = [x for x in known if x.standing >= 0.5][:ALIKE]
        far = [x for x in reversed(known) if x.standing < 0.5 and _tells_apart(x)][:UNLIKE]
        rows += [(meeting.id, "alike", x.facet, x.says, round(x.standing, 6)) for x in near]
        rows += [(meeting.id, "unlike", x.facet, x.says, round(x.standing, 6)) for x in far]
    columns = (
        "Meeting",
        "Alike or unlike",
        "Facet",
        "What was found",
        "Better than, of possible pairs",
    )
    return Table("alike", "What the cities of each pair have in common", columns, tuple(rows))
