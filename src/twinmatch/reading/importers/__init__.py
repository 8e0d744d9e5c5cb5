"""Importers of the formats in which cities already report.

OPEN for additions: an importer is a function from sheets and options to :class:`Imported`, and one line of
``IMPORTERS``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from twinmatch.extensions import Registry, need
from twinmatch.reading.grid import Grid
from twinmatch.reading.importers.base import Imported, Importer, Options, names_from
from twinmatch.reading.importers.contract import SOURCE as CONTRACT
from twinmatch.reading.importers.contract import read_contract
from twinmatch.reading.importers.covenant import (
    MY_COVENANT,
    read_context,
    read_inventories,
    read_my_covenant,
    read_totals,
)
from twinmatch.reading.importers.covenant import SOURCE as COVENANT
from twinmatch.reading.importers.gpc import (
    C40,
    CIRIS,
    MODELLED,
    read_c40,
    read_carbon_monitor,
    read_cdp,
    read_ciris,
)

OWN: dict[str, Importer] = {
    "covenant": Importer(
        "Covenant of Mayors open data: context of signatories", COVENANT, read_context
    ),
    "covenant-inventories": Importer(
        "Covenant of Mayors open data: inventories by sector", COVENANT, read_inventories
    ),
    "covenant-totals": Importer(
        "Covenant of Mayors totals by UN/LOCODE", "Data-Driven EnviroLab 2022", read_totals
    ),
    "mycovenant": Importer("MyCovenant reporting template (SECAP)", MY_COVENANT, read_my_covenant),
    "cdp": Importer("CDP-ICLEI city-wide emissions 2016-2021", "CDP and ICLEI", read_cdp),
    "c40": Importer("C40 table of GPC inventories", C40, read_c40),
    "ciris": Importer("CIRIS inventory of one city (GPC)", CIRIS, read_ciris),
    "carbon-monitor": Importer("Carbon Monitor Cities", MODELLED, read_carbon_monitor),
    "contract": Importer(
        "Climate City Contract tables (GPC, economic, own form)", CONTRACT, read_contract
    ),
}
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
