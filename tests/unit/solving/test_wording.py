"""Advice as sentences, in the caller's own names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from twinmatch.solving import (
    Block,
    Candidates,
    Labels,
    clash,
    counts,
    in_words,
    shortage,
    undercuts,
)

HOSTS, GUESTS = ["Ghent", "Umeå"], ["Aachen", "Brno", "Cluj"]


def case() -> tuple[Candidates, list]:
    host, guest = np.divmod(np.arange(6), 3)
    c = Candidates(host, guest, np.zeros(6), 2, 3)
    places = counts("places", host, high=1.0, says=lambda h: f"places at {HOSTS[h]}")
    return c, [places, counts("guest", guest, high=1.0)]


def wanted(c: Candidates, each: Any, names: Sequence[str] = GUESTS) -> Block:
    says = lambda g: f"the wish of {names[g]}"  # noqa: E731
    return counts("wanted", c.guest, low=each, high=each, rows=c.n_guests, says=says)


def labels(blocks: list):  # type: ignore[no-untyped-def]
    return Labels(blocks, host=HOSTS.__getitem__, guest=GUESTS.__getitem__)


def test_shortage_names_who_competes() -> None:
    c, blocks = case()
    asked = [*blocks, wanted(c, np.ones(3))]
    (told,) = shortage(c, asked)
    assert in_words(told, labels(asked)) == (
        "3 meetings asked (the wish of Aachen; the wish of Brno; the wish of Cluj), "
        "2 possible (places at Ghent; places at Umeå): 1 short, "
        "between 3 guests (Aachen, Brno, Cluj) and 2 hosts (Ghent, Umeå)."
    )


def test_rows_beyond_three_are_counted() -> None:
    host, guest = np.divmod(np.arange(4), 4)
    c = Candidates(host, guest, np.zeros(4), 1, 4)
    places = counts("places", host, high=1.0, says=lambda h: f"places at {HOSTS[h]}.")
    names = [*GUESTS, "Delft"]
    asked = [places, wanted(c, np.ones(4), names)]
    (told,) = shortage(c, asked)
    words = in_words(told, Labels(asked, host=HOSTS.__getitem__, guest=names.__getitem__))
    assert "(the wish of Aachen; the wish of Brno; the wish of Cluj; and 1 more)" in words
    assert "1 possible (places at Ghent)" in words


def test_guest_whom_nobody_may_meet() -> None:
    c, blocks = case()
    left = c.guest != 1
    fewer = [*(block.take(left) for block in blocks), wanted(c.take(left), [0, 1, 0])]
    told = shortage(c.take(left), fewer)
    assert [in_words(one, labels(fewer)) for one in told] == [
        "1 asked (the wish of Brno), and nobody may be met."
    ]


def test_undercut_is_told_by_row() -> None:
    c, _ = case()
    own = counts("own", c.host, low=[2, 4], high=[1, 9], says=lambda h: HOSTS[h])
    assert [in_words(told, labels([own])) for told in undercuts(c, [own])] == [
        "Ghent: at least 2 and at most 1 cannot both be.",
        "Umeå: at least 4 asked, at most 3 possible.",
    ]


def test_clashes() -> None:
    c, blocks = case()
    lows = counts("all", np.zeros(6, int), low=3.0, says=lambda _: "three meetings in all")
    told = in_words(clash(c, [*blocks, lows]), labels([*blocks, lows]))
    assert told == (
        "These cannot hold together: places at Ghent; places at Umeå; three meetings in all. "
        "Without any one of them the others hold."
    )
    assert in_words(clash(c, blocks), labels(blocks)) == "The rules do not clash."
