"""The coordinator's own table of contacts, joined to a proposal's cities; it is read for letters and kept nowhere."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from twinmatch.cohort import nearest
from twinmatch.errors import DataError, Problem
from twinmatch.exporting.letters import Contact
from twinmatch.proposal import Proposal
from twinmatch.reading import read_grids
from twinmatch.reading.grid import is_empty, text

HEADS: Final[dict[str, tuple[str, ...]]] = {
    "city": ("city", "city id", "id", "municipality"),
    "name": ("name", "contact", "contact name", "contact person"),
    "email": ("e-mail", "email", "mail", "contact email", "e-mail address", "email address"),
}
"""The columns of a table of contacts, and the heads by which each is known, in any case."""


def read_contacts(path: Path, proposal: Proposal) -> dict[str, Contact]:
    """Return contacts by city id from a CSV file or spreadsheet with the columns city, name and e-mail.

    A city stands by its id or name. Raises DataError with every row that names no city of the proposal, or one twice.
    """
    known = {card.name.casefold(): card.id for card in proposal.cities}
    known |= {card.id.casefold(): card.id for card in proposal.cities}
    grid = read_grids(path)[0]
    (_, heads), *rows = grid.rows or ((0, ()),)
    folded = [text(head).casefold().replace("_", " ") for head in heads]
    places = {
        column: next((folded.index(name) for name in names if name in folded), None)
        for column, names in HEADS.items()
    }
    if places["city"] is None:
        do = "Name the columns: city, name, e-mail."
        raise DataError(Problem("no-city-column", "No column names the city.", grid.at(1), do))
    found: dict[str, Contact] = {}
    problems = []
    for row, cells in rows:
        if is_empty(cells):
            continue
        city, name, email = (
            text(cells[place]) if place is not None and place < len(cells) else ""
            for place in places.values()
        )
        id_ = known.get(city.casefold(), "")
        if not id_:
            says = f"No city of the proposal is called {city!r}."
            do = nearest(city, {card.name: card.id for card in proposal.cities})
            problems.append(Problem("city-unknown", says, grid.at(row, "city"), do))
        elif id_ in found:
            says = f"{city} has two contacts."
            do = "Keep the one who is to read the letter."
            problems.append(Problem("contact-twice", says, grid.at(row, "city"), do))
        else:
            found[id_] = Contact(name, email)
    if problems:
        raise DataError(problems)
    return found
