"""Hooks of the documentation site: files of the repository that pages link to become pages or plain names.

The notebooks become pages as they were last run, their pictures with the descriptions that they carry.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

import nbformat
from mkdocs.structure.files import File, Files
from nbconvert import MarkdownExporter

REPO = Path(__file__).resolve().parent.parent
ALSO = (
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "data/city_profiles/SOURCES.md",
    "models/README.md",
    "models/text-model-card.md",
)
"""Pages that stand elsewhere in the repository; on the site they stand under ``repository/``."""

_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?!https?:|mailto:|#)([^)\s#]+)(#[^)\s]*)?\)")


def on_config(config: Any) -> Any:
    """Leave out of the navigation what is not written yet; a link to it in a text still fails."""
    for section in config.nav:
        for entries in section.values():
            entries[:] = [
                e for e in entries if _is_there(e if isinstance(e, str) else next(iter(e.values())))
            ]
    return config


def _is_there(path: str) -> bool:
    made = path.startswith(("repository/", "notebooks/")) or path == "decisions/index.md"
    return made or (REPO / "docs" / path).exists()


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that stand elsewhere in the repository, and the list of decisions."""
    for path in ALSO:
        if (REPO / path).exists():
            files.append(
                File.generated(config, f"repository/{path}", abs_src_path=str(REPO / path))
            )
    files.append(File.generated(config, "decisions/index.md", content=_decisions()))
    for path in sorted((REPO / "notebooks").glob("*.ipynb")):
        for name, content in _notebook(path).items():
            files.append(File.generated(config, f"notebooks/{name}", content=content))
    return files


def _notebook(path: Path) -> dict[str, str | bytes]:
    """Return the page of a notebook and its pictures, by file name."""
    notebook = nbformat.read(path, as_version=4)
    text, resources = MarkdownExporter().from_notebook_node(
        notebook, {"unique_key": path.stem, "output_files_dir": ""}
    )
    described = iter(
        output["metadata"].get("image/png", {}).get("alt", "")
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if "image/png" in output.get("data", {})
    )
    text = re.sub(r"!\[png\]\(", lambda _: f"![{next(described)}](", text)
    return {f"{path.stem}.md": text, **resources["outputs"]}


def _decisions() -> str:
    """Return the list of decisions, each with its title."""
    lines = [
        "# Decisions",
        "",
        "Choices that could have gone another way, each with its reasons.",
        "",
    ]
    for path in sorted((REPO / "docs" / "decisions").glob("0*.md")):
        title = path.read_text(encoding="utf-8").splitlines()[0].lstrip("# ")
        lines.append(f"- [{title}]({path.name})")
    return "\n".join(lines) + "\n"


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Point links into the repository to their page; what has no page is told by its name alone."""
    here = page.file.src_uri
    inside = here.startswith("repository/")
    place = here.removeprefix("repository/") if inside else f"docs/{here}"

    def rewritten(link: re.Match[str]) -> str:
        text, target, anchor = link[1], link[2], link[3] or ""
        in_repo = posixpath.normpath(posixpath.join(posixpath.dirname(place), target))
        if in_repo.startswith("docs/") and files.get_file_from_path(in_repo.removeprefix("docs/")):
            wanted = in_repo.removeprefix("docs/")
        elif files.get_file_from_path(f"repository/{in_repo}"):
            wanted = f"repository/{in_repo}"
        elif files.get_file_from_path(in_repo.replace(".ipynb", ".md")):
            wanted = in_repo.replace(".ipynb", ".md")
        elif (REPO / in_repo).exists() and not in_repo.startswith(".."):
            return text if text.startswith("`") else f"{text} (`{in_repo}`)"
        else:
            return link[0]
        return f"[{text}]({posixpath.relpath(wanted, posixpath.dirname(here) or '.')}{anchor})"

    return _LINK.sub(rewritten, markdown)


def on_post_page(output: str, page: Any, config: Any) -> str:
    """Give the search dialog the name that the theme leaves out, for screen readers."""
    return output.replace(
        'data-md-component="search" role="dialog"',
        'data-md-component="search" role="dialog" aria-label="Search"',
    )
