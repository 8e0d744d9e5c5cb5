"""Run the notebooks: make each .ipynb from its .py text, execute it, and keep its outputs; or check that all run.

    python tools/run_notebooks.py [--check] [NAME ...]

With --check nothing is written: every notebook is executed, and its cells must be those of its text.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

REPO = Path(__file__).resolve().parent.parent
NOTEBOOKS = REPO / "notebooks"


def executed(source: Path) -> Any:
    """Return the notebook of a text, executed; raises CellExecutionError where a cell fails."""
    notebook = jupytext.read(source)
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
    client = NotebookClient(
        notebook,
        timeout=3600,  # they run beside the tests in CI
        kernel_name="python3",
        resources={"metadata": {"path": str(NOTEBOOKS)}},
    )
    client.execute()
    for cell in notebook.cells:
        # The hour of the run is no output.
        cell.metadata.pop("execution", None)
        cell.pop("execution_count", None)
        if cell.cell_type == "code":
            cell["execution_count"] = None
            for output in cell.outputs:
                if "execution_count" in output:
                    output["execution_count"] = None
                found = output.get("data", {})
                for live in [name for name in found if name.startswith("application/vnd.vega")]:
                    del found[live]  # kept is the picture alone
                if len(found) > 1 and "text/plain" in found:
                    # Beside a table or a picture, the text of an object is for nobody.
                    found["text/plain"] = found["text/plain"][:80]
    notebook.metadata.pop("widgets", None)
    notebook.metadata["language_info"] = {"name": "python"}
    return notebook


def same_cells(source: Path, kept: Path) -> bool:
    """Return whether a kept notebook has the cells of its text."""
    if not kept.exists():
        return False
    ours = [(c.cell_type, c.source) for c in jupytext.read(source).cells]
    theirs = [(c.cell_type, c.source) for c in nbformat.read(kept, as_version=4).cells]
    return ours == theirs


def main() -> int:
    """Run the notebooks named, or all; return 1 where one fails or is out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("names", nargs="*")
    asked = parser.parse_args()
    failed = 0
    for source in sorted(NOTEBOOKS.glob("*.py")):
        if asked.names and not any(source.stem.startswith(name) for name in asked.names):
            continue
        kept, start = source.with_suffix(".ipynb"), time.monotonic()
        try:
            notebook = executed(source)
        except CellExecutionError as error:
            print(f"{source.name} fails:\n{error}", file=sys.stderr)
            failed = 1
            continue
        if not asked.check:
            nbformat.write(notebook, kept)
        elif not same_cells(source, kept):
            print(
                f"{kept.name} is not made from {source.name}; run make notebooks", file=sys.stderr
            )
            failed = 1
        print(f"{source.name}: {time.monotonic() - start:.0f} s")
    return failed


if __name__ == "__main__":
    raise SystemExit(main())
