"""Importers of the formats in which cities already report.

OPEN for additions: an importer is a function from sheets and options to :class:`Imported`, and one line of the
``FORMATS`` of its module.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from twinmatch.extensions import Registry, need
from twinmatch.reading.grid import Grid
from twinmatch.reading.importers.base import Imported, Importer, Options, names_from
from twinmatch.reading.importers.contract import FORMATS as CONTRACT
from twinmatch.reading.importers.covenant import FORMATS as COVENANT
from twinmatch.reading.importers.gpc import FORMATS as GPC

OWN: dict[str, Importer] = COVENANT | GPC | CONTRACT
"""Our own importers by the name that the command line uses."""


def checked_importer(name: str, entry: Any) -> Importer:
    """Return an importer from elsewhere whose answers are checked; raises QuestionError where it is no Importer."""
    right = isinstance(entry, Importer) and callable(entry.read)
    need(right, GROUP, name, f"it is {type(entry).__name__}, not Importer(title, source, read)")

    def read(grids: Sequence[Grid], options: Options) -> Imported:
        found: Imported = entry.read(grids, options)
        is_right = isinstance(found, Imported)
        need(is_right, GROUP, name, f"it gives {type(found).__name__}, not Imported")
        return found

    given: Importer = entry
    return replace(given, read=read)


GROUP = "twinmatch.importers"

IMPORTERS: Registry[Importer] = Registry(GROUP, OWN, checked_importer)
"""Every importer: ours, then those of installed packages and those added at run time."""

__all__ = ["IMPORTERS", "Imported", "Importer", "Options", "names_from"]
