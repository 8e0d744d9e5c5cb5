"""What other packages add: entries of the open registries, named in their entry points, each checked by name.

A package adds a facet with ``[project.entry-points."twinmatch.facets"]`` and the line ``name = "module:ENTRY"``; in the
same way ``twinmatch.rules``, ``twinmatch.products`` and ``twinmatch.importers``. They are looked for when a registry is
first read. One that cannot be used is left out, listed by ``twinmatch doctor`` with the reason, and named where asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from twinmatch.errors import Problem, QuestionError, TwinmatchError

E = TypeVar("E")


@dataclass(frozen=True)
class Extension:
    """An entry of another package: the registry, its name there, the package, and why it cannot be used, if so."""

    group: str
    name: str
    package: str
    problem: str = ""


class Registry(MutableMapping[str, E]):
    """Entries by name: our own, then those of installed packages and those added at run time, in order of name.

    ``checked`` takes a name and an entry from elsewhere and returns what is registered: an entry whose answers are
    checked each time. It raises QuestionError where the entry is not what the registry holds.
    """

    def __init__(self, group: str, own: Mapping[str, E], checked: Callable[[str, Any], E]) -> None:
        self.group, self._own, self._checked = group, own, checked
        self._added: dict[str, E] = {}
        self._listed: tuple[Extension, ...] | None = None

    @property
    def extensions(self) -> tuple[Extension, ...]:
        """Return what installed packages add here, whether or not it can be used."""
        if self._listed is None:
            self._listed = ()  # what is loaded now may read this registry
            found = sorted(entry_points(group=self.group), key=lambda e: (e.name, e.value))
            self._listed = tuple(self._loaded(entry) for entry in found)
        return self._listed

    def _loaded(self, entry: EntryPoint) -> Extension:
        package = entry.dist.name if entry.dist else "an unknown package"
        try:
            if entry.name in self._added:
                raise QuestionError(wrong(self.group, entry.name, "another package has this name"))
            self[entry.name] = entry.load()
        except TwinmatchError as error:
            return Extension(self.group, entry.name, package, error.problems[0].found)
        except Exception as error:  # whatever another package raises when it is imported
            said = f"It cannot be loaded: {type(error).__name__}: {error}"
            return Extension(self.group, entry.name, package, said)
        return Extension(self.group, entry.name, package)

    def why_not(self, name: str) -> str:
        """Return why an entry of an installed package cannot be used; empty where it can, or there is none."""
        return next((f"{e.package}: {e.problem}" for e in self.extensions if e.name == name), "")

    def __getitem__(self, name: str) -> E:
        return self._own[name] if name in self._own else self._of_others()[name]

    def __iter__(self) -> Iterator[str]:
        return iter([*self._own, *sorted(self._of_others())])

    def __len__(self) -> int:
        return len(self._own) + len(self._of_others())

    def __setitem__(self, name: str, entry: Any) -> None:
        """Register an entry from elsewhere; raises QuestionError for a name of our own and for a wrong entry."""
        if name in self._own:
            raise QuestionError(wrong(self.group, name, "twinmatch has one of this name"))
        if not name.isidentifier() and self.group != "twinmatch.importers":
            raise QuestionError(wrong(self.group, name, "the name is not letters, digits and _"))
        self._added[name] = self._checked(name, entry)

    def __delitem__(self, name: str) -> None:
        del self._added[name]

    def _of_others(self) -> dict[str, E]:
        assert self.extensions is not None
        return self._added


def wrong(group: str, name: str, why: str) -> Problem:
    """Return the problem of an entry from elsewhere that is not, or does not give, what it must."""
    kind = group.rpartition(".")[2].removesuffix("s")
    do = f"Its author can run twinmatch.testing.check_{kind} on it."
    return Problem("extension-wrong", f"The {kind} {name!r} cannot be used: {why}.", do=do)


def need(is_right: object, group: str, name: str, why: str) -> None:
    """Raise QuestionError, naming the entry and what is wrong with it, unless it is right."""
    if not is_right:
        raise QuestionError(wrong(group, name, why))
