"""Importers of the formats in which cities already report.

OPEN for additions: an importer is a function from sheets and options to :class:`Imported`, and one line of
``IMPORTERS``.
"""

from __future__ import annotations

from twinmatch.reading.importers.base import Imported, Importer, Options, names_from
from twinmatch.reading.importers.carbon_monitor import SOURCE as CARBON_MONITOR_SOURCE
from twinmatch.reading.importers.carbon_monitor import read_carbon_monitor
from twinmatch.reading.importers.cdp import read_cdp
from twinmatch.reading.importers.contract import SOURCE as CONTRACT_SOURCE
from twinmatch.reading.importers.contract import read_contract
from twinmatch.reading.importers.covenant import SOURCE as COVENANT_SOURCE
from twinmatch.reading.importers.covenant import read_context, read_inventories, read_totals
from twinmatch.reading.importers.gpc import C40, CIRIS, read_c40, read_ciris
from twinmatch.reading.importers.my_covenant import SOURCE as MY_COVENANT_SOURCE
from twinmatch.reading.importers.my_covenant import read_my_covenant

IMPORTERS: dict[str, Importer] = {
    "covenant": Importer(
        "Covenant of Mayors open data: context of signatories", COVENANT_SOURCE, read_context
    ),
    "covenant-inventories": Importer(
        "Covenant of Mayors open data: inventories by sector", COVENANT_SOURCE, read_inventories
    ),
    "covenant-totals": Importer(
        "Covenant of Mayors totals by UN/LOCODE", "Data-Driven EnviroLab 2022", read_totals
    ),
    "mycovenant": Importer(
        "MyCovenant reporting template (SECAP)", MY_COVENANT_SOURCE, read_my_covenant
    ),
    "cdp": Importer("CDP-ICLEI city-wide emissions 2016-2021", "CDP and ICLEI", read_cdp),
    "c40": Importer("C40 table of GPC inventories", C40, read_c40),
    "ciris": Importer("CIRIS inventory of one city (GPC)", CIRIS, read_ciris),
    "carbon-monitor": Importer("Carbon Monitor Cities", CARBON_MONITOR_SOURCE, read_carbon_monitor),
    "contract": Importer(
        "Climate City Contract tables (GPC, economic, own form)", CONTRACT_SOURCE, read_contract
    ),
}
"""Every importer by the name that the command line uses."""

__all__ = ["IMPORTERS", "Imported", "Importer", "Options", "names_from"]
