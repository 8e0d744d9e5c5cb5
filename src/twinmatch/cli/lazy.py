"""The package's own modules as commands use them: each is imported when it is first asked for something.

So the help and the options of every command are read without the libraries that the work needs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twinmatch import embedding as embedding
    from twinmatch import exporting as exporting
    from twinmatch import facets as facets
    from twinmatch import files as files
    from twinmatch import geography as geography
    from twinmatch import programmes as programmes
    from twinmatch import public as public
    from twinmatch import reading as reading
    from twinmatch import validate as validate
    from twinmatch.app import service as service
    from twinmatch.embedding import multilingual as multilingual
    from twinmatch.exporting import folder_files as folder_files
    from twinmatch.exporting import words as words
    from twinmatch.facets import text as text
    from twinmatch.intake import survey as survey
    from twinmatch.programmes import found_themes as found_themes
    from twinmatch.programmes import repair_menu as repair_menu
    from twinmatch.programmes.twinning import frame as frame
    from twinmatch.reading import importers as importers
    from twinmatch.reading import mapping as mapping
    from twinmatch.store import history as history
    from twinmatch.web import auth as auth
    from twinmatch.web import board as board
    from twinmatch.web import persons as persons
    from twinmatch.web import problems as problems
else:

    class _Lazy:
        """A module that is imported when one of its names is first asked for."""

        def __init__(self, name: str) -> None:
            self._name = f"twinmatch.{name}"

        def __getattr__(self, name: str) -> Any:
            return getattr(import_module(self._name), name)

    _NAMES = (
        "embedding exporting facets files geography programmes public reading validate app.service "
        "embedding.multilingual exporting.folder_files exporting.words facets.text intake.survey "
        "programmes.found_themes programmes.repair_menu programmes.twinning.frame reading.importers reading.mapping "
        "store.history web.auth web.board web.persons web.problems"
    )
    globals().update({name.rpartition(".")[2]: _Lazy(name) for name in _NAMES.split()})
