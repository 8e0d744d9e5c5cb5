"""Files that people and programs open, each made from a proposal and from nothing else.

An exporter is a function from a proposal and a language to bytes; a new one is one module and one line of ``EXPORTERS``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Final

from twinmatch.exporting.atlas import network_graphml
from twinmatch.exporting.dossiers import dossiers
from twinmatch.exporting.folder_files import (
    as_read,
    proposal_json,
)
from twinmatch.exporting.folder_files import (
    read_proposal as read_proposal,
)
from twinmatch.exporting.letters import Correspondence, letter_files
from twinmatch.exporting.printing import dossier_docx, dossier_html, index_html
from twinmatch.exporting.printing import pdf as pdf_of
from twinmatch.exporting.report import report_html
from twinmatch.exporting.workbook import proposal_xlsx
from twinmatch.files import Maker, write_files
from twinmatch.proposal import Proposal

Exporter = Callable[[Proposal, str], bytes]
"""From a proposal and the language of what frames it, such as "de"."""

EXPORTERS: Final[dict[str, Exporter]] = {
    "report.html": report_html,
    "proposal.xlsx": proposal_xlsx,
    "proposal.json": proposal_json,
    "network.graphml": network_graphml,
}
"""Name of the file and what makes it, in the order in which people open them."""


def publish(
    proposal: Proposal,
    out_dir: Path,
    *,
    word: bool = False,
    pdf: bool = False,
    letters: Correspondence | None = None,
    first_day: date | None = None,
    language: str = "en",
) -> list[Path]:
    """Write every export, the dossiers and the letters into a folder, all or none; return what to open, in order.

    The files say what proposal.json says to its last decimal, so publishing a proposal that was read back
    writes the same bytes again. ``word`` and ``pdf`` add those forms, which take longer; ``letters`` has contacts and
    who signs, ``first_day`` the day from which first meetings are put in calendars; the files for people are in
    ``language``. Raises QuestionError
    where the folder cannot be written, or a form needs a library that is not installed.
    """
    proposal = as_read(proposal)
    given = letters or Correspondence(language=language)

    def one(export: Exporter) -> Iterator[tuple[str, bytes]]:
        edited = (given.edited,) if export is proposal_xlsx else ()
        yield "", export(proposal, language, *edited)

    files: dict[str, bytes | Maker] = {n: partial(one, export) for n, export in EXPORTERS.items()}
    if pdf:
        files["report.pdf"] = lambda: [("", pdf_of(report_html(proposal, language)))]
    files[f"{DOSSIERS}/"] = lambda: dossier_files(proposal, language, word=word, pdf=pdf)
    files[f"{LETTERS}/"] = lambda: letter_files(proposal, given, first_day=first_day, word=word)
    return write_files(files, out_dir, cities=len(proposal.cities))


DOSSIERS: Final = "dossiers"
LETTERS: Final = "letters"
"""The folders of the dossiers and of the letters, each written as a whole."""


def dossier_files(
    proposal: Proposal, language: str = "en", *, word: bool = False, pdf: bool = False
) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of every dossier in each form asked for, and the page that leads to them."""
    endings = [ending for ending, wanted in (("docx", word), ("pdf", pdf)) if wanted]
    heads = []
    for dossier in dossiers(proposal, language):
        page = dossier_html(dossier, "All dossiers", "../index.html")
        yield f"{dossier.path}.html", page
        if word:
            yield f"{dossier.path}.docx", dossier_docx(dossier)
        if pdf:
            yield f"{dossier.path}.pdf", pdf_of(page)
        heads.append(replace(dossier, parts=()))
    yield "index.html", index_html(heads, endings, proposal.title, language)
