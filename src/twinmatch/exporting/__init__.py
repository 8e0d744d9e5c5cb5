"""Files that people and programs open, each made from a proposal and from nothing else.

An exporter is a function from a proposal to bytes; a new one is one module and one line of ``EXPORTERS``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from twinmatch.exporting.folder import write_files
from twinmatch.exporting.json_file import proposal_json, read_proposal
from twinmatch.exporting.network import network_graphml
from twinmatch.exporting.plain import from_plain, to_plain
from twinmatch.exporting.report import report_html
from twinmatch.exporting.workbook import proposal_xlsx
from twinmatch.proposal import Proposal

__all__ = ["EXPORTERS", "Exporter", "from_plain", "publish", "read_proposal", "to_plain"]

Exporter = Callable[[Proposal], bytes]

EXPORTERS: Final[dict[str, Exporter]] = {
    "report.html": report_html,
    "proposal.xlsx": proposal_xlsx,
    "proposal.json": proposal_json,
    "network.graphml": network_graphml,
}
"""Name of the file and what makes it, in the order in which people open them."""


def publish(proposal: Proposal, out_dir: Path) -> list[Path]:
    """Write every export into a folder, all or none, and return their paths.

    The files say what proposal.json says to its last decimal, so publishing a proposal that was read back
    writes the same bytes again. Raises QuestionError where the folder cannot be written.
    """
    settled = from_plain(to_plain(proposal))
    files = {name: export(settled) for name, export in EXPORTERS.items()}
    return write_files(files, out_dir)
