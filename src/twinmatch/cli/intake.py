"""The commands of intake: validate, template, import, profiles."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

from twinmatch.cli.options import (
    AsJson,
    MappingFile,
    Profiles,
    literal,
    print_json,
    printed,
    quoted,
    say,
    show,
    table,
    tm,
)
from twinmatch.errors import Problem, QuestionError, grouped
from twinmatch.proposal.wire import to_wire

if TYPE_CHECKING:
    from twinmatch.app.intake import Checked
    from twinmatch.intake.profile_folder import Import

ORDER = ("error", "warning", "note")
MOST_SHOWN = 60

# The docstrings of the commands are their help on the command line.


def validate(
    profiles: Profiles = None,
    mapping: MappingFile = None,
    hosts: list[str] | None = None,
    accept: list[str] | None = None,
    why: Annotated[str, Option(show_default=False)] = "",
    notes: bool = False,
    text_model: str | None = None,
    as_json: AsJson = False,
) -> None:
    """Check profiles: every error, doubt and note at once, each with its place and what to do about it.

    accept: Key of a warning to accept; may be given several times.
    why: Why it is accepted.
    notes: Show notes one by one, and accepted warnings.
    """
    checked = tm.app.intake.check_profiles(profiles, mapping, text_model or "auto", hosts or ())
    if accept:
        if profiles is None:
            found = "The bundled profiles are not changed."
            do = "Copy the bundled profiles to a folder of your own and name it."
            raise QuestionError.of("bundled-not-accepted", found, do=do)
        today = dt.date.today().isoformat()
        place = tm.app.intake.accept_warnings(profiles, checked, accept, why, today)
        say(f"Remembered in {place}.")
        checked = tm.app.intake.check_profiles(profiles, mapping, text_model or "auto", hosts or ())
    if as_json:
        print_json(to_wire(checked))
    else:
        _print_check(checked, profiles, notes, hosts or ())
    if checked.has_errors:
        raise typer.Exit(2)


def template(
    out: Path,
    profiles: Profiles = None,
    replace: bool = False,
    as_json: AsJson = False,
) -> None:
    """Write the intake form as a workbook: empty, or with the profiles of PROFILES in it.

    out: The workbook to write, ending in .xlsx.
    replace: Overwrite the file.
    """
    path = tm.app.intake.write_template(out, profiles, replace=replace)
    if printed({"written": str(path)}, as_json):
        return
    say(
        f"Written to {out}: a sheet for one city, a sheet with a row a city, emissions and readiness."
    )
    say(
        "Send it out, put what comes back into a folder, and run: twinmatch import forms FOLDER --out PROFILES"
    )


def import_(
    kind: str,
    source: Annotated[Path, Argument(metavar="FILE")],
    out: Annotated[Path | None, Option("--out", "-o")] = None,
    mapping: MappingFile = None,
    suggest: bool = False,
    names: Path | None = None,
    year: int | None = None,
    city: Annotated[str, Option(show_default=False)] = "",
    country: Annotated[str, Option(show_default=False)] = "",
    estimate: Annotated[bool, Option("--estimate-readiness")] = False,
    usable: bool = False,
    replace: bool = False,
    merge: bool = False,
    notes: bool = False,
    as_json: AsJson = False,
) -> None:
    """Make profiles of forms, tables and the formats that cities report in; every doubt is shown where it stands.

    kind: forms, table, covenant, covenant-inventories, covenant-totals, mycovenant, cdp, c40, ciris, carbon-monitor or contract.
    source: The file; for forms, the folder of returned files.
    out: Folder of profiles to write; nothing is written where left out.
    suggest: Print a mapping file for a table, to look over.
    names: Table with the names of codes (LOCODE, GCoM identifier).
    year: Inventory year; the newest where left out.
    city: The city of a one-city file.
    country: Its country.
    estimate: Add readiness inferred from public facts, marked as estimated.
    usable: Write the rows without errors, though others have some.
    replace: Overwrite profiles that are there.
    merge: Fill what profiles that are there leave empty.
    notes: Show notes one by one.
    """
    if suggest:
        typer.echo(tm.app.intake.suggest_mapping(source, mapping), nl=False)
        return
    if replace and merge:
        found_ = "Profiles are replaced or merged, not both."
        raise QuestionError.of("replace-and-merge", found_, do="Give one.")
    asked = tm.app.intake.ImportAsked(kind, source, mapping, names, year, city, country, estimate)
    found = tm.app.intake.import_profiles(asked)
    existing: Any = "replace" if replace else "merge" if merge else "refuse"
    if out is not None and (usable or not found.errors):
        written, kept = tm.app.intake.save_import(found, out, existing, usable=usable)
        found = dataclasses.replace(found, written=tuple(map(str, written)))
        if kept:
            say(f"{len(kept)} blocks that say something else were kept as they were.")
    if as_json:
        print_json(to_wire(found))
    else:
        _print_import(found, kind, source, out, notes)
    if found.errors and not (usable and found.written):
        raise typer.Exit(2)


import_.__name__ = "import"  # a keyword, so it cannot be the function's own name


def diff_profiles(
    old: Path,
    new: Annotated[Path | None, Argument()] = None,
    as_json: AsJson = False,
) -> None:
    """Show what cities changed between two sets of profiles, field by field.

    old: The earlier profiles.
    new: The later ones; the bundled cities where left out.
    """
    changes = tm.app.intake.profile_changes(old, new)
    if printed(to_wire(changes), as_json):
        return
    rows = table("What changed", ("City", "Field", "Was", "Is now"))
    for c in changes:
        words = ("", "", "") if c.kind != "changed" else (c.field, _short(c.old), _short(c.new))
        rows.add_row(c.id, words[0] or f"the whole city is {c.kind}", words[1], words[2])
    if changes:
        show(rows)
    kinds = Counter((c.kind, c.id) for c in changes)
    count = {kind: sum(k == kind for k, _ in kinds) for kind in ("new", "gone", "changed")}
    say(f"{count['new']} new, {count['gone']} gone, {count['changed']} changed.")
    say("Next: twinmatch propose " + (str(new) if new else "") + " --previous PROPOSAL.json")


def _short(value: Any) -> str:
    text = "not known" if value is None else str(value)
    return literal(text if len(text) <= 90 else text[:87] + " …")


def _print_check(
    checked: Checked, profiles: Path | None, notes: bool, hosts: Sequence[str]
) -> None:
    problems = checked.problems
    _print_problems(problems, notes)
    if notes and checked.accepted:
        say(f"Accepted before: {', '.join(sorted(t.key for t in checked.accepted))}.")
    counts = Counter(p.level for p in problems)
    accepted = f", {len(checked.accepted)} accepted" if checked.accepted else ""
    say(
        f"{_count(checked.cities, 'city', 'cities')} and {_count(checked.host_units, 'host unit')}, {_count(counts['error'], 'error')}; "
        f"{checked.usable} usable, {_count(counts['warning'], 'warning')}{accepted}, "
        f"{_count(counts['note'], 'note')}; {100 * checked.filled:.0f}% of the blocks are filled on average."
    )
    place = f" {quoted(str(profiles))}" if profiles else ""
    wanted = any(p.code == "wish-no-host" for p in checked.problems)
    hosts = hosts or ["bundled"] * wanted  # whom cities wish for may be among the bundled hosts
    place += "".join(f" --hosts {quoted(h)}" for h in hosts)
    if counts["error"]:
        say(
            "Next: repair the errors; warnings may be accepted: twinmatch validate PROFILES --accept KEY --why TEXT"
        )
    else:
        say(f"Next: twinmatch propose{place}")


def _count(number: int, one: str, more: str = "") -> str:
    return f"{number or 'no'} {one if number == 1 else more or one + 's'}"


def _print_problems(problems: Sequence[Problem], notes: bool) -> None:
    shown = [
        p for level in ORDER for p in problems if p.level == level and (notes or level != "note")
    ]
    shown = shown if notes else grouped(shown)
    alone = set(problems)
    if shown:
        rows = table("", ("Level", "Where", "Found", "What to do", "Key"))
        for problem in shown[:MOST_SHOWN] if not notes else shown:
            key = (
                getattr(problem, "key", "")
                if problem in alone and problem.level == "warning"
                else ""
            )
            said = (str(problem.where), problem.found, problem.do)
            rows.add_row(problem.level, *map(literal, said), key)
        show(rows)
        if len(shown) > MOST_SHOWN and not notes:
            say(f"{len(shown) - MOST_SHOWN} more: --notes or --json shows all of them.")
    quiet = Counter(p.code for p in problems if p.level == "note")
    if quiet and not notes:
        counts = ", ".join(f"{n} {code}" for code, n in sorted(quiet.items()))
        say(f"Notes: {counts} (--notes shows them).")


def _print_import(found: Import, kind: str, source: Path, out: Path | None, notes: bool) -> None:
    _print_problems(found.problems, notes)
    if kind == "forms" and found.cities:
        rows = table("What each city left open", ("City", "Missing"))
        for city in to_wire(found)["cities"]:
            rows.add_row(literal(city["name"]), ", ".join(city["missing"]) or "nothing")
        show(rows)
    for why, count in sorted(found.set_aside.items()):
        say(f"Set aside: {count:,} ({why}).")
    counts = Counter(p.level for p in found.problems)
    say(
        f"{found.rows:,} rows, {len(found.cities):,} usable profiles: {_count(counts['error'], 'error')}, "
        f"{_count(counts['warning'], 'warning')}, {_count(counts['note'], 'note')}."
    )
    if found.written:
        say(f"Written to {out}: {len(found.written):,} files.\nNext: twinmatch validate {out}")
    elif found.errors and found.cities:
        say(
            "Nothing was written. Repair the errors, or give --usable to write the rows without any."
        )
    elif found.cities:
        say(
            f"Nothing was written. Next: twinmatch import {kind} {quoted(str(source))} --out FOLDER"
        )
