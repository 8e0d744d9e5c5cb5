"""The commands of the store: keep, list, decide, state, history, past, learn."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from twinmatch import __version__
from twinmatch.cli.options import (
    AsJson,
    OfRound,
    literal,
    print_json,
    printed,
    proposal_of,
    say,
    say_written,
    show,
    show_table,
    tm,
)
from twinmatch.errors import QuestionError
from twinmatch.proposal.wire import to_wire

if TYPE_CHECKING:
    from twinmatch.app.decisions import RunState
    from twinmatch.store.history import HistoryEntry
    from twinmatch.store.records import RunRecord

Run = Annotated[str, Argument(metavar="RUN")]


# The docstrings of the commands are their help on the command line.


def keep(
    proposal: Path,
    asked: OfRound,
    title: str = "",
    by: str | None = None,
    store: str | None = None,
) -> None:
    """Keep a proposal as a run in the store, with what is offered if a city declines.

    proposal: The proposal.json to keep.
    title: What the run is called.
    """
    content, found = proposal.read_bytes() if proposal.is_file() else b"", proposal_of(proposal)
    with asked.round() as (round_, _), tm.app.decisions.opened(store, make=True) as runs:
        said = content, by or _user(), round_, title
        run, new = tm.app.decisions.keep_run(runs, found, *said)
    if asked.printed({**to_wire(run), "new": new}):
        return
    show(f"Run {run.id}: {literal(run.title)}" + ("." if new else ", kept before."))
    history = f"twinmatch runs history {run.id}"
    say(f"Next: twinmatch runs decide {run.id} accept GUEST HOST, or {history}")


def list_runs(store: str | None = None, as_json: AsJson = False) -> None:
    """Every run that is kept, the last one first."""
    with tm.app.decisions.opened(store) as runs:
        found = runs.runs()
    if printed({"runs": found}, as_json):
        return
    show_table(
        "Runs",
        ("Run", "Title", "Status", "Version", "Kept", "By"),
        (
            (r.id, r.title, r.status, r.version, f"{r.kept_at:%Y-%m-%d %H:%M}", r.kept_by)
            for r in found
        ),
    )
    say("Next: twinmatch runs history RUN" if found else "Next: twinmatch runs keep PROPOSAL.json")


def decide(
    run: Run,
    kind: str,
    one: Annotated[str, Argument(metavar="[GUEST]")] = "",
    other: Annotated[str, Argument(metavar="[HOST]")] = "",
    city: str = "",
    why: str = "",
    by: str | None = None,
    seen: int | None = None,
    store: str | None = None,
    as_json: AsJson = False,
) -> None:
    """Decide on a meeting of a run, or note a city's consent: by whom, when and why is kept for good.

    kind: accept, reject, lock, ban, release, note; of consent: asked, agreed, declined; or undo.
    one: The guest's id; of a group, cluster, visit or panel its id.
    other: The host unit's id.
    city: Of consent: the city that was asked or has answered.
    """
    with tm.app.decisions.opened(store) as runs:
        entry = runs.add(
            run, kind, by or _user(), one=one, other=other, city=city, why=why, seen=seen
        )
        _tell(entry, runs.run(run), as_json)


def state(
    run: Run,
    step: Annotated[str | None, Argument()] = None,
    why: str = "",
    by: str | None = None,
    seen: int | None = None,
    store: str | None = None,
    as_json: AsJson = False,
) -> None:
    """Move a run from draft to approved to published, and back: what is published can be withdrawn.

    step: approve, reopen, publish, withdraw, redraft; left out, the state is printed.
    """
    steps = tm.store.history.STEPS
    if step is not None:
        if step not in steps:
            known = f"Known: {', '.join(steps)}."
            raise QuestionError.of("step-unknown", f"There is no step {step!r}.", do=known)
        with tm.app.decisions.opened(store) as runs:
            entry = runs.add(run, step, by or _user(), why=why, seen=seen)
            _tell(entry, runs.run(run), as_json)
        return
    with tm.app.decisions.opened(store) as runs:
        now = runs.run(run)
    if printed(now, as_json):
        return
    show(f"Run {now.id} is {now.status}, version {now.version}.")
    can = next(name for name, (start, _) in steps.items() if start == now.status)
    say(f"Next: twinmatch runs state {now.id} {can}")


def decisions(
    run: Run,
    store: str | None = None,
    toml: bool = False,
    as_json: AsJson = False,
) -> None:
    """What was decided about a run, by whom, when and why; consents, and what is offered if a city declines.

    toml: Print locks, bans and past pairs as lines for the table twinning of a programme file.
    """
    with tm.app.decisions.opened(store) as runs:
        if toml:
            sys.stdout.write(tm.app.decisions.programme_lines(run, runs))
            return
        found = tm.app.decisions.run_state(run, runs)
    if printed(found, as_json):
        return
    show(f"Run {found.id}, {literal(found.title)}: {found.status}, version {found.version}.")
    lines = ((e.number, f"{e.at:%Y-%m-%d %H:%M}", e.says) for e in found.history)
    show_table("History", ("", "When", "What"), lines)
    _show_meetings(found)
    say(
        f"Next: twinmatch propose [PROFILES] [--programme FILE] --run {found.id}, over the round's profiles and programme, "
        f"solves it again with what was decided; twinmatch runs state {found.id} tells where it stands"
    )


def _show_meetings(found: RunState) -> None:
    named = dict.fromkeys(found.locks, "lock") | dict.fromkeys(found.bans, "ban")
    pairs, others = [], []
    for m in found.meetings:
        if m.host:
            hosts = (word for city, word in m.consents.items() if city != m.guest)
            sides = (m.consents.get(m.guest), tm.app.decisions.joint(hosts))
            declined = (m.if_guest_declines, m.if_host_declines)
            decided = ", ".join(filter(None, (m.verdict, named.pop(m.about, ""))))
            said = (word or "not asked" for word in sides)
            pairs.append((f"{m.guest} – {m.host}", decided, *said, *map(" ".join, declined)))
        elif m.verdict or any(m.consents.values()):
            told = ", ".join(f"{c} {word}" for c, word in m.consents.items() if word)
            others.append((m.id, m.label, m.verdict or "", told))
    pairs += [(f"{guest} – {host}", word) for (guest, host), word in named.items()]
    declines = ("If the guest declines", "If the host declines")
    show_table("Pairs", ("Pair", "Decided", "Guest", "Host", *declines), pairs)
    if others:
        show_table("Other meetings", ("Id", "Meeting", "Decided", "Consents"), others)


def past(
    store: str | None = None,
    toml: bool = False,
    as_json: AsJson = False,
) -> None:
    """What past rounds remember: pairs that met or were declined, not proposed again, and applicants without a place.

    toml: Print the line for the table twinning of a programme file.
    """
    with tm.app.decisions.opened(store) as runs:
        if toml:
            sys.stdout.write(tm.app.decisions.programme_lines(None, runs))
            return
        found, refused = runs.past(), runs.refused()
    if as_json:
        keys = ("run", "guest", "host", "outcome")
        pairs = [{key: getattr(p, key) for key in keys} for p in found]
        print_json({"past": pairs, "refused": refused})
        return
    lines = ((p.run, p.title, p.guest, p.host, p.outcome) for p in found)
    show_table("Past pairs", ("Run", "Title", "Guest", "Host", "Outcome"), lines)
    if refused:
        show(f"Applicants without a place: {literal(', '.join(refused))}.")
    say("Next: twinmatch runs past --toml gives the line for [twinning] of a programme file")


def learn(
    asked: OfRound,
    store: str | None = None,
    satisfaction: Path | None = None,
    out: Annotated[Path | None, Option("--out", "-o")] = None,
    name: str = "weights",
) -> None:
    """Weights that past decisions suggest, with their uncertainty and a back-test; nothing is changed.

    satisfaction: CSV with guest, host, satisfaction; in place of decisions.
    out: Folder for the weights and their card.
    name: Name of the files.
    """
    if satisfaction is None:
        with tm.app.decisions.opened(store) as runs:
            liked = tm.app.decisions.liked_in_store(runs)
    else:
        liked = tm.app.decisions.satisfaction_of(satisfaction)
    with asked.case() as (case, _):
        found = tm.app.decisions.learn_weights(case, liked, shown=satisfaction is None)
    written: list[Path] = []
    if out is not None:
        made_from = {"data": case.round.cohort.fingerprint, "twinmatch": __version__}
        written = tm.files.write_files(tm.whatif.learning.model_files(found, name, made_from), out)
    if not asked.printed(found):
        lines = (
            (
                facet,
                *(f"{100 * w:.1f}" for w in (today, new)),
                f"{100 * low:.1f} to {100 * high:.1f}",
            )
            for facet, today, new, low, high in found.lines
        )
        show_table("Weights of 100", ("Facet", "Today", "Suggested", "90% interval"), lines)
        show(literal(found.says))
    if out is not None:
        say_written(out, written)
    say("Next: copy what convinces you into [twinning.weights] of your programme file")


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""


def _tell(entry: HistoryEntry, after: RunRecord, as_json: bool) -> None:
    if printed({"entry": to_wire(entry), **to_wire(after)}, as_json):
        return
    show(f"{entry.number}. " + literal(entry.says))
    now = f"Run {after.id} is {after.status}, version {after.version}."
    say(f"{now} Next: twinmatch runs history {after.id}")
