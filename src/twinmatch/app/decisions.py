"""Runs that are kept, and what is decided about them: the door to the store."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from twinmatch import __version__
from twinmatch.app.loop import RoundAsked, ask_reserves, read_rows, twinning_case
from twinmatch.app.neighbours import Progress, silent
from twinmatch.errors import DataError, Problem, QuestionError, Where
from twinmatch.exporting.json_file import read_proposal
from twinmatch.files import write_files
from twinmatch.learning import Learned, learn, model_files, preferences
from twinmatch.repair import Fallback
from twinmatch.store import Consent, Entry, Held, Kept, PastPair, Store, held, open_store
from twinmatch.store.records import KeptPair

DEFAULT_STORE = "twinmatch.sqlite"


@dataclass(frozen=True)
class RunState:
    """A run as it stands: what holds, how it came about, its pairs with their fallbacks, and every consent."""

    run: Kept
    held: Held
    history: tuple[Entry, ...]
    pairs: tuple[KeptPair, ...]
    consents: tuple[Consent, ...]


def store_place(place: str | None = None) -> str:
    """Return where the store is: as named, else TWINMATCH_STORE, else a file in the current folder."""
    return place or os.environ.get("TWINMATCH_STORE", "") or DEFAULT_STORE


@contextmanager
def opened(place: str | None) -> Iterator[Store]:
    """Give the store and close it again."""
    store = open_store(store_place(place))
    try:
        yield store
    finally:
        store.close()


def keep_run(
    proposal: str | Path,
    by: str,
    *,
    title: str = "",
    place: str | None = None,
    asked: RoundAsked | None = None,
    progress: Progress = silent,
) -> tuple[Kept, bool]:
    """Keep a proposal.json as a run, with what is offered if a side declines; return it and whether it is new.

    Raises DataError and QuestionError where the file, the profiles or the store cannot be used.
    """
    path = Path(proposal)
    found = read_proposal(path)
    falls: tuple[Fallback, ...] = ()
    if any(p.product == "twinning" for p in found.products):
        _, falls = ask_reserves(path, asked, progress=progress)
    by_pair = {(f.guest, f.host): f for f in falls}
    pairs = []
    for product in found.products:
        for meeting in product.meetings if product.product == "twinning" else ():
            host = meeting.unit or meeting.cities("host")[0]
            for guest in meeting.cities("guest"):
                fall = by_pair.get((guest, host))
                pairs.append(
                    KeptPair(
                        guest,
                        host,
                        tuple(sorted(meeting.cities())),
                        round(meeting.score, 10),
                        fall.if_guest_declines if fall else (),
                        fall.if_host_declines if fall else (),
                    )
                )
    name = str((found.made_from.get("programme") or {}).get("name", "")) or path.name
    if not by.strip():
        raise QuestionError(
            Problem("by-missing", "It is not said who keeps it.", do="Name yourself with --by.")
        )
    with opened(place) as store:
        return store.keep(
            path.read_bytes(), title or name, by, made_from=found.made_from, pairs=pairs
        )


def list_runs(place: str | None = None) -> tuple[Kept, ...]:
    """Return every run that is kept, the last one first."""
    with opened(place) as store:
        return store.runs()


def run_state(run: str, place: str | None = None) -> RunState:
    """Return a run as it stands."""
    with opened(place) as store:
        history, pairs = store.history(run), store.pairs(run)
        now = held(history)
        return RunState(store.run(run), now, history, pairs, tuple(_consent(p, now) for p in pairs))


def _consent(pair: KeptPair, now: Held) -> Consent:
    """Both sides of a pair; a host of several cities has agreed when all have, and declined when one has."""
    said = now.consents.get((pair.guest, pair.host), {})
    hosts = [said.get(city, "") for city in pair.cities if city != pair.guest]
    if "declined" in hosts:
        of_host = "declined"
    elif hosts and all(word == "agreed" for word in hosts):
        of_host = "agreed"
    else:
        of_host = "asked" if any(hosts) else ""
    return Consent(pair.guest, pair.host, said.get(pair.guest, ""), of_host)


def decide_on(
    run: str,
    kind: str,
    by: str,
    *,
    one: str = "",
    other: str = "",
    city: str = "",
    why: str = "",
    seen: int | None = None,
    place: str | None = None,
) -> tuple[Entry, Kept]:
    """Add a decision, a consent or a step to a run's history; return the entry and the run after it."""
    with opened(place) as store:
        entry = store.add(run, kind, by, one=one, other=other, city=city, why=why, seen=seen)
        return entry, store.run(run)


def past_pairs(place: str | None = None) -> tuple[PastPair, ...]:
    """Return what past rounds remember: pairs that met, pairs that a side declined."""
    with opened(place) as store:
        return store.past()


def kept_proposal(run: str, place: str | None = None) -> bytes:
    """Return the proposal.json of a run as it was kept."""
    with opened(place) as store:
        return store.proposal(run)


def programme_lines(run: str | None, place: str | None = None) -> str:
    """Return lines for [twinning] of a programme file: a run's locks and bans, and the pairs of past rounds."""
    with opened(place) as store:
        past = sorted({(p.guest, p.host) for p in store.past() if p.run != run})
        now = store.held(run) if run else None
    lines = [_pairs_line("past", past)]
    if now is not None:
        bans = sorted(
            {*now.bans, *now.declined, *(p for p, v in now.verdicts.items() if v == "reject")}
        )
        locks = sorted({*now.locks, *(p for p, v in now.verdicts.items() if v == "accept")})
        lines += [
            _pairs_line("lock", [p for p in locks if p not in bans]),
            _pairs_line("ban", bans),
        ]
    return "".join(lines)


def _pairs_line(name: str, pairs: list[tuple[str, str]]) -> str:
    return f"{name} = [" + ", ".join(f'["{a}", "{b}"]' for a, b in pairs) + "]\n"


SHOWN = 3
"""Best other hosts of a guest that count as shown and not taken when a pair is accepted."""


def learn_weights(
    place: str | None = None,
    asked: RoundAsked | None = None,
    *,
    satisfaction: str | Path | None = None,
    out: str | Path | None = None,
    name: str = "weights",
    progress: Progress = silent,
) -> tuple[Learned, list[Path]]:
    """Return the weights that all decisions of the store suggest, and the files written under ``out``.

    ``satisfaction`` is a CSV with the columns guest, host and satisfaction (any scale). Nothing is changed.
    Raises QuestionError where there is too little to learn from.
    """
    case = twinning_case(asked or RoundAsked(), progress)
    affinity = case.ready.affinity
    guests = {case.guest_id(g): g for g in range(len(case.ready.frame.guests))}
    hosts = {host.id: h for h, host in enumerate(case.hosts)}
    standings = {
        (guest, host): [float(affinity.standing[f][g, h]) for f in affinity.weights]
        for guest, g in guests.items()
        for host, h in hosts.items()
    }
    liked = _decided(place) if satisfaction is None else _satisfied(Path(satisfaction))
    for guest, host in [p for p, value in liked.items() if value > 0 and satisfaction is None]:
        if guest in guests and host in hosts:
            order = np.argsort(-np.round(affinity.score[guests[guest]], 9), kind="stable")
            others = [case.hosts[int(h)].id for h in order if case.hosts[int(h)].id != host]
            for other in others[:SHOWN]:
                liked.setdefault((guest, other), 0.0)
    progress("Weights")
    found = learn(affinity.weights, preferences(standings, liked))
    if out is None:
        return found, []
    made_from = {"data": case.round.cohort.fingerprint, "twinmatch": __version__}
    return found, write_files(model_files(found, name, made_from), Path(out))


def _decided(place: str | None) -> dict[tuple[str, str], float]:
    """What all runs of the store say of pairs: 1 accepted or locked, -1 rejected or banned; the last run counts."""
    liked: dict[tuple[str, str], float] = {}
    with opened(place) as store:
        for run in reversed(store.runs()):
            now = store.held(run.id)
            liked |= {p: 1.0 if v == "accept" else -1.0 for p, v in now.verdicts.items()}
            liked |= dict.fromkeys(now.locks, 1.0) | dict.fromkeys(now.bans, -1.0)
    return liked


def _satisfied(path: Path) -> dict[tuple[str, str], float]:
    liked, problems = {}, []
    for number, row in enumerate(read_rows(path, ("guest", "host", "satisfaction")), 2):
        try:
            value = float(row["satisfaction"])
            if not math.isfinite(value):
                raise ValueError
            liked[row["guest"].strip(), row["host"].strip()] = value
        except ValueError:
            where = Where(path.name, row=number, column="satisfaction")
            problems.append(
                Problem("not-a-number", f"{row['satisfaction']!r} is no number.", where)
            )
    if problems:
        raise DataError(problems)
    return liked
