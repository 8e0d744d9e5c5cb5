"""Advice in words, for labels that the caller brings: `solving` itself knows only numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from twinmatch.solving.blocks import Block
from twinmatch.solving.diagnosis import CLASH, NO_CLASH, Clash
from twinmatch.solving.model import RowRef, Shortage, Undercut

NAMED, ROWS = (
    12,
    3,
)  # guests or hosts, and rows of a shortage, named in a sentence; more are counted


def _host(h: int) -> str:
    return f"host {h}"


def _guest(g: int) -> str:
    return f"guest {g}"


@dataclass(frozen=True)
class Labels:
    """How to name a host, a guest, and a row of a rule (a phrase, such as "places at Ghent")."""

    row: Callable[[RowRef], str]
    host: Callable[[int], str] = _host
    guest: Callable[[int], str] = _guest


def labels_of(
    blocks: Sequence[Block],
    *,
    host: Callable[[int], str] = _host,
    guest: Callable[[int], str] = _guest,
) -> Labels:
    """Labels whose rows are worded by the blocks; rows of wishes by the guest that wishes."""

    def row(at: RowRef) -> str:
        if at.block < len(blocks):
            return blocks[at.block].says(at.row).rstrip(".")
        return f"the wish of {guest(at.row)}"

    return Labels(row, host, guest)


def in_words(told: Undercut | Shortage | Clash, labels: Labels) -> str:
    """One piece of advice as a sentence or two."""
    if isinstance(told, Undercut):
        return _undercut(told, labels)
    if isinstance(told, Shortage):
        return _shortage(told, labels)
    return _clash(told, labels)


def _undercut(told: Undercut, labels: Labels) -> str:
    rule = labels.row(told.at)
    if told.low > told.high:
        return f"{rule}: at least {told.low:g} and at most {told.high:g} cannot both be."
    if told.low > told.most:
        return f"{rule}: at least {told.low:g} is asked, and only {told.most:g} can be."
    return f"{rule}: at most {told.high:g} is allowed, and it is {told.least:g} at least."


def _shortage(told: Shortage, labels: Labels) -> str:
    needs, limits = (
        _listed(dict.fromkeys(map(labels.row, rows)), "; ", ROWS)
        for rows in (told.needs, told.limits)
    )
    if not len(told.hosts):
        return f"{told.needed} asked ({needs}), and nobody may be met."
    guests = f"{_many(len(told.guests), 'guest')} ({_listed(map(labels.guest, told.guests))})"
    hosts = f"{_many(len(told.hosts), 'host')} ({_listed(map(labels.host, told.hosts))})"
    return (
        f"{_many(told.needed, 'meeting')} asked ({needs}), {told.places} possible"
        f"{f' ({limits})' if limits else ''}: {told.short} short, between {guests} and {hosts}."
    )


def _clash(told: Clash, labels: Labels) -> str:
    if told.status == NO_CLASH:
        return "The rules do not clash."
    if told.status != CLASH:
        return "Whether the rules clash was not found out with the effort allowed."
    rules = _listed(map(labels.row, told.rows), "; ")
    drop = " Without any one of them the others hold." if told.minimal else ""
    return f"These cannot hold together: {rules}.{drop}"


def _listed(names: Iterable[str], between: str = ", ", most: int = NAMED) -> str:
    every = list(names)
    more = len(every) - most
    end = f"{between.strip(', ')} and {more} more" if more > 0 else ""
    return between.join(every[:most]) + end


def _many(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
