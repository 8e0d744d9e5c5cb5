"""Dossiers as HTML pages that print on their own, and the page that leads to them."""

from __future__ import annotations

from collections.abc import Sequence

from twinmatch.exporting.dossiers import Dossier
from twinmatch.exporting.letters import Letter
from twinmatch.exporting.report import templates

FOLDERS: dict[str, str] = {
    "pairs": "Pairs",
    "groups": "Groups and clusters",
    "cities": "Cities",
    "countries": "Countries",
}
"""Folders of dossiers and what they hold, in reading order."""


def dossier_html(
    dossier: Dossier, back: str = "All dossiers", address: str = "../index.html"
) -> bytes:
    """Return a dossier as one self-contained page, with the way back that it names."""
    page = templates().get_template("dossier.html.j2")
    return page.render(dossier=dossier, back=(back, address)).encode("utf-8")


def letters_index(letters: Sequence[Letter], title: str, word: bool) -> bytes:
    """Return the page that leads to every letter."""
    page = templates().get_template("letters.html.j2")
    return page.render(letters=letters, title=title, word=word).encode("utf-8")


def index_html(dossiers: Sequence[Dossier], endings: Sequence[str], title: str) -> bytes:
    """Return the page that leads to every dossier, in each of the forms that were written."""
    folders = [
        (folder, heading, [d for d in dossiers if d.folder == folder])
        for folder, heading in FOLDERS.items()
    ]
    page = templates().get_template("dossiers.html.j2")
    return page.render(title=title, folders=[f for f in folders if f[2]], endings=endings).encode(
        "utf-8"
    )
