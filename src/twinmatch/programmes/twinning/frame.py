"""The frame of a twinning round: every pair of an eligible guest and a host.

Rules over twinning pairs that other packages bring; a programme asks for them by name in ``twinning.extra_rules``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from twinmatch.cohort import Cohort, Host
from twinmatch.errors import QuestionError
from twinmatch.extensions import Registry, need
from twinmatch.programmes.rules import Rule
from twinmatch.solving.blocks import Candidates

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Frame:
    """Every pair of a host and a guest that a product may consider, in order of host, then guest."""

    cohort: Cohort
    hosts: tuple[Host, ...]
    guests: tuple[int, ...]

    @cached_property
    def host(self) -> Ints:
        """Return the host of every pair, shape (m,)."""
        return np.repeat(np.arange(len(self.hosts)), len(self.guests))

    @cached_property
    def guest(self) -> Ints:
        """Return the guest of every pair, shape (m,)."""
        return np.tile(np.arange(len(self.guests)), len(self.hosts))

    def candidates(self, score: NDArray[np.float64]) -> Candidates:
        """Return all pairs as candidates, given scores of shape (guests, hosts)."""
        return Candidates(
            self.host,
            self.guest,
            np.ascontiguousarray(score.T).ravel(),
            len(self.hosts),
            len(self.guests),
        )

    def pairs(self, wanted: Callable[[Host, int], bool]) -> Bools:
        """Return the pairs for which a test of host and guest city holds, shape (m,)."""
        return np.array(
            [wanted(host, guest) for host in self.hosts for guest in self.guests], dtype=bool
        )

    def nobody(self) -> Bools:
        """Return no pair, shape (hosts, guests), to be filled in."""
        return np.zeros((len(self.hosts), len(self.guests)), dtype=bool)

    @cached_property
    def guest_at(self) -> dict[int, int]:
        """Return the place among the guests of each guest city."""
        return {i: g for g, i in enumerate(self.guests)}

    @cached_property
    def named(self) -> dict[str, list[int]]:
        """Return the hosts (by place) that each id stands for: a host's own and its cities'."""
        found: dict[str, list[int]] = {}
        for h, host in enumerate(self.hosts):
            for name in self.members(host):
                found.setdefault(name, []).append(h)
        return found

    def members(self, host: Host) -> set[str]:
        """Return the ids by which a host can be named: its own and its cities'."""
        return {host.id, *(self.cohort.cities[i].id for i in host.cities)}


def memberships(sets: Sequence[set[str]], names: Sequence[str]) -> Bools:
    """Return which set holds which name, shape (sets, names)."""
    found = np.zeros((len(sets), len(names)), dtype=bool)
    place = {name: k for k, name in enumerate(names)}
    for s, held in enumerate(sets):
        found[s, [place[name] for name in held]] = True
    return found


def compatriots(frame: Frame) -> Bools:
    """Return the pairs of a guest and a host with a city of its country, shape (m,)."""
    cities = frame.cohort.cities
    codes = sorted({city.country for city in cities})
    of_host = memberships([{cities[i].country for i in h.cities} for h in frame.hosts], codes)
    of_guest = [codes.index(cities[i].country) for i in frame.guests]
    return np.asarray(of_host[:, of_guest].ravel())


PairRule: TypeAlias = Callable[[Frame], Rule]
"""A function of the pairs of a round that returns a rule over all of them."""

GROUP = "twinmatch.rules"


def checked_rule(name: str, entry: Any) -> PairRule:
    """Return a rule from elsewhere that is checked when it is compiled; raises QuestionError where it is no function."""
    need(callable(entry), GROUP, name, f"it is {type(entry).__name__}, not a function of a Frame")

    def compiled(frame: Frame) -> Rule:
        rule: Rule = entry(frame)
        pairs = len(frame.hosts) * len(frame.guests)
        need(isinstance(rule, Rule), GROUP, name, f"it gives {type(rule).__name__}, not a Rule")
        block = rule.block
        shape = (len(block.low), pairs)
        need(
            block.matrix.shape == shape,
            GROUP,
            name,
            f"its matrix is {block.matrix.shape}, not {shape}",
        )
        numbers = np.isfinite(block.matrix.data).all() and (block.low <= block.high).all()
        need(numbers, GROUP, name, "a bound or coefficient is nan, or low lies above high")
        need(rule.says, GROUP, name, "it says nothing")
        return rule

    return compiled


RULES: Registry[PairRule] = Registry(GROUP, {}, checked_rule)
"""Every rule of installed packages, and those added at run time."""


def extra_rules(frame: Frame, names: tuple[str, ...]) -> list[Rule]:
    """Return the rules that a programme asks for by name; raises QuestionError for one that there is not."""
    for name in names:
        if name not in RULES:
            do = RULES.why_not(name) or f"Known: {', '.join(RULES) or 'none is installed'}."
            raise QuestionError.of("rule-unknown", f"There is no rule {name!r}.", do=do)
    return [RULES[name](frame) for name in names]
