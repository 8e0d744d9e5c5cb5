"""Themes that cities' own words suggest, and the door to them."""

from __future__ import annotations

from twinmatch.app.neighbours import Progress, silent, text_model, told
from twinmatch.cohort import Cohort
from twinmatch.facets import FacetCache
from twinmatch.programmes.found_themes import FoundThemes, find_themes


def themes_of(
    cohort: Cohort,
    *,
    count: int | None = None,
    model: str | None = None,
    progress: Progress = silent,
) -> tuple[str, FoundThemes]:
    """Return what is told of the text model, and the themes found in what cities say they need.

    Raises QuestionError where cities say too little for so many themes.
    """
    text = text_model(cohort, model or "auto", None, progress)
    progress("Themes")
    found = find_themes(cohort, FacetCache(text), count=count)
    return told(text), found
