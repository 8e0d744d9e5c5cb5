"""Themes that cities' own words suggest, and the door to them."""

from __future__ import annotations

from pathlib import Path

from twinmatch.app.neighbours import Progress, silent, text_model, told
from twinmatch.facets import FacetCache
from twinmatch.programmes.found_themes import FoundThemes, find_themes
from twinmatch.reading import read


def ask_themes(
    profiles: str | Path | None = None,
    *,
    count: int | None = None,
    model: str | None = None,
    progress: Progress = silent,
) -> tuple[str, FoundThemes]:
    """Return what is told of the text model, and the themes found in what cities say they need.

    Raises DataError for profiles that cannot be read, QuestionError where cities say too little for so many themes.
    """
    progress("Profiles")
    cohort = read(profiles)
    text = text_model(cohort, model or "auto", None, progress)
    progress("Themes")
    found = find_themes(cohort, FacetCache(text), count=count)
    return told(text), found
