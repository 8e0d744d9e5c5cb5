"""The commands of the store: keep, runs, decide, state, decisions, past."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinmatch import app, whatif
from twinmatch.cli.inputs import proposal_of, round_of
from twinmatch.cli.options import (
    AsJson,
    Model,
    Profiles,
    Programme,
    StorePlace,
    literal,
    print_json,
    progress,
    say,
    show,
    table,
)
from twinmatch.proposal.wire import to_wire

if TYPE_CHECKING:
    from twinmatch.store import HistoryEntry, RunRecord

By = Annotated[
    str | None, typer.Option(help="Who decides; your user name where left out.", show_default=False)
]
Run = Annotated[
    str, typer.Argument(metavar="RUN", help="The run's id, or as much of it as is clear.")
]
Why = Annotated[str, typer.Option(help="Why.", show_default=False)]
Seen = Annotated[
    int | None,
    typer.Option(
        help="The version you saw; where the run has gone on, nothing is written.",
        show_default=False,
    ),
]


# The docstrings of the commands are their help on the command line.


def keep(
    proposal: Annotated[Path, typer.Argument(help="The proposal.json to keep.")],
    profiles: Profiles = None,
    programme: Programme = None,
    title: Annotated[str, typer.Option(help="What the run is called.", show_default=False)] = "",
    by: By = None,
    store: StorePlace = None,
    text_model: Model = None,
    as_json: AsJson = False,
) -> None:
    """Keep a proposal as a run in the store, with what is offered if a city declines."""
    content, found = proposal.read_bytes() if proposal.is_file() else b"", proposal_of(proposal)
    with progress() as told:
        run, new = app.decisions.keep_run(
            found,
            content,
            by or _user(),
            round_of(profiles, programme, text_model, told),
            title=title,
            place=store,
        )
    if as_json:
        print_json({**to_wire(run), "new": new})
        return
    show(f"Run {run.id}: {literal(run.title)}" + ("." if new else ", kept before."))
    say(
        f"Next: twinmatch runs decide {run.id} accept GUEST HOST, or twinmatch runs history {run.id}"
    )


def list_runs(store: StorePlace = None, as_json: AsJson = False) -> None:
    """Every run that is kept, the last one first."""
    found = app.decisions.list_runs(store)
    if as_json:
        print_json({"runs": to_wire(found)})
        return
    rows = table("Runs", ("Run", "Title", "Status", "Version", "Kept", "By"))
    for run in found:
        rows.add_row(
            run.id,
            literal(run.title),
            run.status,
            str(run.version),
            f"{run.kept_at:%Y-%m-%d %H:%M}",
            literal(run.kept_by),
        )
    show(rows)
    say("Next: twinmatch runs history RUN" if found else "Next: twinmatch runs keep PROPOSAL.json")


def decide(
    run: Run,
    kind: Annotated[
        str,
        typer.Argument(
            help="accept, reject, lock, ban, release, note; of consent: asked, agreed, declined; or undo."
        ),
    ],
    one: Annotated[
        str,
        typer.Argument(
            metavar="[GUEST]", help="The guest's id; of a group, cluster, visit or panel its id."
        ),
    ] = "",
    other: Annotated[str, typer.Argument(metavar="[HOST]", help="The host unit's id.")] = "",
    city: Annotated[
        str,
        typer.Option(
            help="Of consent: the city that was asked or has answered.", show_default=False
        ),
    ] = "",
    why: Why = "",
    by: By = None,
    seen: Seen = None,
    store: StorePlace = None,
    as_json: AsJson = False,
) -> None:
    """Decide on a meeting of a run, or note a city's consent: by whom, when and why is kept for good."""
    entry, after = app.decisions.decide_on(
        run, kind, by or _user(), one=one, other=other, city=city, why=why, seen=seen, place=store
    )
    _tell(entry, after, as_json)


def state(
    run: Run,
    step: Annotated[
        str | None,
        typer.Argument(
            help="approve, reopen, publish, withdraw, redraft; left out, the state is told.",
            show_default=False,
        ),
    ] = None,
    why: Why = "",
    by: By = None,
    seen: Seen = None,
    store: StorePlace = None,
    as_json: AsJson = False,
) -> None:
    """Move a run from draft to approved to published, and back: what is published can be withdrawn."""
    from twinmatch.errors import Problem, QuestionError
    from twinmatch.store import STEPS

    if step is not None and step not in STEPS:
        raise QuestionError(
            Problem("step-unknown", f"There is no step {step!r}.", do=f"Known: {', '.join(STEPS)}.")
        )
    if step is not None:
        entry, after = app.decisions.decide_on(
            run, step, by or _user(), why=why, seen=seen, place=store
        )
        _tell(entry, after, as_json)
        return
    now = app.decisions.run_state(run, store).run
    if as_json:
        print_json(to_wire(now))
        return
    show(f"Run {now.id} is {now.status}, version {now.version}.")
    can = [name for name, (start, _) in STEPS.items() if start == now.status]
    say(f"Next: twinmatch runs state {now.id} {can[0]}")


def decisions(
    run: Run,
    store: StorePlace = None,
    toml: Annotated[
        bool,
        typer.Option(
            "--toml",
            help="Print locks, bans and past pairs as lines for the table twinning of a programme file.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """What was decided about a run, by whom, when and why; consents, and what is offered if a city declines."""
    found = app.decisions.run_state(run, store)
    if toml:
        sys.stdout.write(app.decisions.programme_lines(found.run.id, store))
        return
    if as_json:
        print_json(app.decisions.plain_run_state(found))
        return
    show(
        f"Run {found.run.id}, {literal(found.run.title)}: {found.run.status}, version {found.run.version}."
    )
    rows = table("History", ("", "When", "What"))
    for entry in found.history:
        rows.add_row(str(entry.number), f"{entry.at:%Y-%m-%d %H:%M}", literal(entry.says))
    show(rows)
    rows = table(
        "Pairs",
        ("Pair", "Decided", "Guest", "Host", "If the guest declines", "If the host declines"),
    )
    named = dict.fromkeys(found.held.locks, "lock") | dict.fromkeys(found.held.bans, "ban")
    others = table("Other meetings", ("Id", "Meeting", "Decided", "Consents"))
    for m in found.meetings:
        if m.host:
            both = found.consent(m)
            rows.add_row(
                literal(f"{m.guest} – {m.host}"),
                ", ".join(filter(None, (found.verdict(m), named.pop(m.about, "")))),
                both.of_guest or "not asked",
                both.of_host or "not asked",
                literal(" ".join(m.if_guest_declines)),
                literal(" ".join(m.if_host_declines)),
            )
        elif found.verdict(m) or any(found.consents(m).values()):
            said = ", ".join(f"{c} {word}" for c, word in found.consents(m).items() if word)
            others.add_row(literal(m.id), literal(m.label), found.verdict(m), literal(said))
    for (guest, host), word in named.items():
        rows.add_row(literal(f"{guest} – {host}"), word, "", "", "", "")
    show(rows)
    if others.row_count:
        show(others)
    say(
        f"Next: twinmatch propose [PROFILES] [--programme FILE] --run {found.run.id}, over the round's profiles and programme, solves it again with what was decided; twinmatch runs state {found.run.id} tells where it stands"
    )


def past(
    store: StorePlace = None,
    toml: Annotated[
        bool,
        typer.Option("--toml", help="Print the line for the table twinning of a programme file."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """What past rounds remember: pairs that met, and pairs that a city declined; neither is proposed again."""
    if toml:
        sys.stdout.write(app.decisions.programme_lines(None, store))
        return
    found = app.decisions.past_pairs(store)
    if as_json:
        print_json(
            {
                "past": [
                    {"run": p.run, "guest": p.guest, "host": p.host, "outcome": p.outcome}
                    for p in found
                ]
            }
        )
        return
    rows = table("Past pairs", ("Run", "Title", "Guest", "Host", "Outcome"))
    for p in found:
        rows.add_row(p.run, literal(p.title), p.guest, p.host, p.outcome)
    show(rows)
    say("Next: twinmatch runs past --toml gives the line for [twinning] of a programme file")


def learn(
    profiles: Profiles = None,
    programme: Programme = None,
    store: StorePlace = None,
    satisfaction: Annotated[
        Path | None,
        typer.Option(
            help="CSV with guest, host, satisfaction; in place of decisions.", show_default=False
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Folder for the weights and their card.", show_default=False
        ),
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the files.")] = "weights",
    text_model: Model = None,
    as_json: AsJson = False,
) -> None:
    """Weights that past decisions suggest, with their uncertainty and a back-test; nothing is changed."""
    liked = (
        app.decisions.liked_in_store(store)
        if satisfaction is None
        else app.decisions.satisfaction_of(satisfaction)
    )
    with progress() as told:
        case = whatif.case.twinning_case(round_of(profiles, programme, text_model, told))
        found = app.decisions.learn_weights(case, liked, shown=satisfaction is None)
    files = []
    if out is not None:
        from twinmatch import __version__
        from twinmatch.files import write_files

        made_from = {"data": case.round.cohort.fingerprint, "twinmatch": __version__}
        files = write_files(whatif.learning.model_files(found, name, made_from), out)
    lines = list(
        zip(found.facets, found.today, found.suggested, found.low, found.high, strict=True)
    )
    if as_json:
        print_json(
            {
                "says": found.says,
                "helps": found.helps,
                "preferences": found.preferences,
                "guests": found.guests,
                "agreement": {
                    "today": found.agreement_today,
                    "suggested": found.agreement_suggested,
                },
                "weights": {
                    f: {"today": t, "suggested": s, "low": a, "high": b} for f, t, s, a, b in lines
                },
            }
        )
    else:
        rows = table("Weights of 100", ("Facet", "Today", "Suggested", "90% interval"))
        for f, t, s, a, b in lines:
            rows.add_row(f, f"{100 * t:.1f}", f"{100 * s:.1f}", f"{100 * a:.1f} to {100 * b:.1f}")
        show(rows)
        show(literal(found.says))
    if files:
        say(f"Written to {out}: {', '.join(file.name for file in files)}.")
    say("Next: copy what convinces you into [twinning.weights] of your programme file")


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""


def _tell(entry: HistoryEntry, after: RunRecord, as_json: bool) -> None:
    if as_json:
        print_json({"entry": to_wire(entry), **to_wire(after)})
        return
    show(f"{entry.number}. " + literal(entry.says))
    say(
        f"Run {after.id} is {after.status}, version {after.version}. Next: twinmatch runs history {after.id}"
    )
