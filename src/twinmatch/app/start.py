"""Themes that cities' own words suggest, and the door to them.

A new round's folder, and files made again from a proposal that was kept.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import date
from pathlib import Path

from twinmatch.app.neighbours import Progress, silent, text_model, told
from twinmatch.cohort import Cohort
from twinmatch.errors import QuestionError, Where
from twinmatch.exporting import publish
from twinmatch.exporting.letters import Correspondence, read_contacts
from twinmatch.facets import FacetCache
from twinmatch.files import bundled_path, write_files
from twinmatch.intake import template
from twinmatch.programmes.found_themes import FoundThemes, find_themes
from twinmatch.programmes.programme import bundled_names, load, programme_schema, source_of
from twinmatch.proposal import Proposal


def themes_of(
    cohort: Cohort,
    *,
    count: int | None = None,
    model: str | None = None,
    progress: Progress = silent,
) -> tuple[str, FoundThemes]:
    """Return what is said of the text model, and the themes found in what cities say they need.

    Raises QuestionError where cities say too little for so many themes.
    """
    text = text_model(cohort, model or "auto", None, progress)
    progress("Themes")
    found = find_themes(cohort, FacetCache(text), count=count)
    return told(text), found


PROGRAMME, FORM, README = "round.toml", "form.xlsx", "README.md"
SCHEMA = "round.schema.json"

GUIDE = """# {name}

A round of twinmatch. Everything happens in this folder; nothing is sent anywhere.

1. **Fill the form.** `{form}` has one row a city; the sheet of fields says what each column means. What you do
   not know stays empty: an empty cell is *not known*, never zero or no. Leave names, e-mail addresses and
   telephone numbers of people out.
   Your cities are in another file already? `twinmatch import table YOUR_FILE --out cities` turns it into
   profiles; the help of that command names the other kinds of file.
2. **Check it.** `twinmatch validate {form}{hosts}` names every problem at once, with sheet, row and column.
3. **Set the rules.** `{programme}` is the programme: places, limits, who may take part, weights. Each line
   says what it does; an unknown line is an error, never ignored. Editors that know TOML schemas complete it.
4. **Propose.** `twinmatch propose {form}{hosts} --programme {programme} --out proposal`
   Then open `proposal/report.html`, and `proposal/dossiers/index.html` for a page on each pair and city.
5. **Decide.** Choose lock, ban or reject in the sheet Decisions of `proposal/proposal.xlsx`, save it, and run
   `twinmatch propose {form}{hosts} --programme {programme} --decisions proposal/proposal.xlsx --out proposal-2`.
   The notes of the new report say what changed and what it cost.

To see it all before your own cities are in: `twinmatch propose --out example` runs the bundled round.
Questions on a round: `twinmatch why-not GUEST HOST`, `twinmatch prices`, `twinmatch stability`; `twinmatch --help`
lists every command.
"""


def start_round(
    folder: Path, programmes: Sequence[str] = (), hosts: Sequence[str] = ()
) -> list[Path]:
    """Return the files of a new round's folder: programme file, form, and what to do with them.

    ``programmes`` are bundled programmes or recipes by name; the bundled three where none is named.
    ``hosts`` stand in the commands of the README. Raises
    QuestionError where the folder holds something already or a programme is not known.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise QuestionError.of(
            "folder-not-empty",
            "There is something in this place already.",
            Where(str(folder)),
            "Name a new folder.",
        )
    load(*programmes)
    text = text_of(*programmes)
    guide = GUIDE.format(
        name=folder.resolve().name,
        form=FORM,
        programme=PROGRAMME,
        hosts="".join(f" --hosts {place}" for place in hosts),
    )
    schema = json.dumps(programme_schema(), ensure_ascii=False, indent=1) + "\n"
    files = {
        README: guide.encode(),
        PROGRAMME: f"#:schema {SCHEMA}\n{text}".encode(),
        SCHEMA: schema.encode(),
        FORM: template(),
    }
    return write_files(files, folder)


def text_of(*programmes: str) -> str:
    """Return the text of some programmes, comments kept, as one file; the bundled ones where none is named."""
    names = programmes or bundled_names()
    texts = [source_of(name).read_text(encoding="utf-8").strip() for name in names]
    if len(texts) == 1:
        return texts[0] + "\n"
    # Keys before the first table, such as the name, would stand twice; a file has them once, at its head.
    heads, bodies = zip(*(_parted(text) for text in texts), strict=True)
    name = 'name = "My round"   # shown at the head of every report'
    loose = [line for head in heads for line in head if not line.startswith("name")]
    return "\n\n".join(["\n".join([name, *loose]), *bodies]) + "\n"


def _parted(text: str) -> tuple[list[str], str]:
    """Return the settings before the first table of a programme, and all the rest with its comments."""
    lines = text.splitlines()
    first = next((k for k, line in enumerate(lines) if line.startswith("[")), len(lines))
    is_setting = [bool(line.strip()) and not line.startswith("#") for line in lines[:first]]
    settings = [line for line, setting in zip(lines, is_setting, strict=False) if setting]
    comments = [line for line, setting in zip(lines, is_setting, strict=False) if not setting]
    return settings, "\n".join([*comments, *lines[first:]]).strip()


def copy_notebooks(folder: Path) -> list[Path]:
    """Return the notebooks written into a folder, with their outputs.

    Raises QuestionError where one of their names is taken there, so that no work is overwritten.
    """
    files = {p.name: p.read_bytes() for p in sorted(bundled_path("notebooks").glob("*.ipynb"))}
    taken = [name for name in files if (folder / name).exists()]
    if taken:
        do = "Name another folder."
        raise QuestionError.of(
            "folder-not-empty", f"There is {taken[0]} already.", Where(str(folder)), do
        )
    return write_files(files, folder)


def publish_again(
    proposal: Proposal,
    out: Path,
    *,
    forms: Collection[str] = (),
    contacts: Path | None = None,
    sender: str = "",
    answer_by: str = "",
    first_meetings: date | None = None,
) -> list[Path]:
    """Return the files of a proposal rewritten, as Word and PDF too, letters addressed, where asked for."""
    found = read_contacts(contacts, proposal) if contacts else {}
    given = Correspondence(found, sender, answer_by)
    word, pdf = "word" in forms, "pdf" in forms
    return publish(proposal, out, word=word, pdf=pdf, letters=given, first_day=first_meetings)
