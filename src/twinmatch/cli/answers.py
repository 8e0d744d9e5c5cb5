"""The commands that judge and compare: check a proposal, name several."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from twinmatch import whatif
from twinmatch.cli.inputs import proposal_of, round_of
from twinmatch.cli.loop import spread_over
from twinmatch.cli.options import (
    AsJson,
    Dask,
    Model,
    Profiles,
    Programme,
    literal,
    over,
    print_json,
    progress,
    say,
    show,
    table,
)
from twinmatch.proposal.wire import to_wire


def check(
    proposal: Annotated[
        Path, typer.Argument(help="A proposal.json, as it was made or edited by hand.")
    ],
    profiles: Profiles = None,
    programme: Programme = None,
    text_model: Model = None,
    as_json: AsJson = False,
) -> None:
    """The referee over a proposal, also one edited by hand: every rule, kept or broken; exit 2 where one is broken."""
    with progress() as told:
        asked = proposal_of(proposal)
        found = whatif.difference.check_proposal(
            round_of(profiles, programme, text_model, told), asked
        )
    if as_json:
        print_json(to_wire(found))
    else:
        for c in found:
            rows = table(c.title, ("Rule", "Status", "In words"))
            for r in c.rules:
                rows.add_row(literal(r.rule), r.status, literal(r.says))
            show(rows)
            if c.unjudged:
                show(literal(c.unjudged))
    count = Counter(r.status for c in found for r in c.rules)
    broken, relaxed = count["broken"], count["relaxed"]
    if broken:
        many = "1 rule is" if broken == 1 else f"{broken} rules are"
        say(
            f"{many} broken. Next: mend the proposal, or twinmatch propose{over(profiles, programme)} --previous {proposal}"
        )
    else:
        gave_way = f" ({relaxed} gave way by the repair that was taken)" if relaxed else ""
        say(f"No rule is broken{gave_way}. Next: twinmatch runs keep, or twinmatch publish.")
    if broken:
        raise typer.Exit(2)


def frontier(
    profiles: Profiles = None,
    programme: Programme = None,
    dask: Dask = None,
    text_model: Model = None,
    as_json: AsJson = False,
) -> None:
    """Several named twinning proposals: each best in one respect, with what it gives up."""
    with progress() as told, spread_over(dask):
        case = whatif.case.twinning_case(round_of(profiles, programme, text_model, told))
        told("Named proposals")
        found = whatif.stability.choices(case)
    if as_json:
        print_json(to_wire(found))
        return
    rows = table(
        "Named proposals (points of 100 a pair, summed)",
        (
            "Proposal",
            "Total",
            "Gives up",
            "Worst-off",
            "Countries",
            "Small cities",
            "Most at a host",
            "Proven",
        ),
    )
    for c in found:
        worst = f"{100 * c.worst:.1f}" if c.pairs else "-"
        rows.add_row(
            c.name,
            f"{100 * c.total:.1f}",
            f"{100 * c.gives_up:.1f}",
            worst,
            str(c.countries),
            str(c.small),
            str(c.load),
            "yes" if c.proven else "no",
        )
    show(rows)
    say(
        f"Small: fewer than {case.settings.small_below:,} residents. Next: twinmatch frontier --json has the pairs; lock those you want with propose --lock A=B."
    )
