"""A folder of profiles: one YAML file a city, and ``_host_units.yaml`` with the units of several cities."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any, cast

import yaml

from twinmatch.errors import DataError, Problem, Where
from twinmatch.files import whole
from twinmatch.reading.grid import Raw, bytes_of, not_linked_out, text_of
from twinmatch.validate import Record

UNITS_FILE = "_host_units.yaml"

LARGEST = 10**30
"""Beyond every number of a profile; of some thousands of digits Python writes none."""

DEEPEST = 30
"""How deep a profile may be nested; the deepest of ours is five."""

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _PlainLoader(_Base):  # type: ignore[misc]
    """YAML as people mean it: ``NO`` is Norway and not false, a key stands once, no anchors, no dates."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML reads the class attribute
        first: [
            (tag, pattern)
            for tag, pattern in resolvers
            if tag.rpartition(":")[2] in {"int", "float", "null"}
        ]
        for first, resolvers in _Base.yaml_implicit_resolvers.items()
    }

    def construct_yaml_int(self, node: Any) -> int:
        number: int = super().construct_yaml_int(node)
        if abs(number) > LARGEST:
            raise yaml.constructor.ConstructorError(
                None, None, "a number of more than 30 digits", node.start_mark
            )
        return number

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for part, _ in node.value:
            key = self.construct_object(part, deep=True)
            if not isinstance(key, Hashable):
                continue  # refused by the mapping that is made next
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the field {key!r} stands here twice", part.start_mark
                )
            seen.add(key)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


_PlainLoader.add_constructor("tag:yaml.org,2002:int", _PlainLoader.construct_yaml_int)


def read_folder(folder: Path) -> Raw:
    """Return the profiles of a folder, whatever the order of its files; hidden and other files are passed over.

    Nobody writes it meanwhile, and an import that was stopped while it moved its profiles in is completed first.
    """
    with whole(folder):
        return _read_folder(folder)


def _read_folder(folder: Path) -> Raw:
    cities: list[Record] = []
    units: list[Record] = []
    problems: list[Problem] = []
    for path in sorted(folder.iterdir()):
        if path.suffix not in {".yaml", ".yml"} or path.name.startswith("."):
            continue
        try:
            not_linked_out(path, folder)
            content = parse_yaml(bytes_of(path), path.name)
        except DataError as error:
            problems += error.problems
            continue
        if path.name == UNITS_FILE:
            units += _unit_records(content, path.name, problems)
        elif isinstance(content, dict):
            cities.append(Record(content, Where(path.name)))
        else:
            found = "The file holds no profile (fields such as id, name, country)."
            problems.append(Problem("not-a-profile", found, Where(path.name)))
    return Raw(tuple(cities), tuple(units), tuple(problems))


def parse_yaml(content: bytes, file: str) -> Any:
    """Return what a YAML file holds; raises DataError with the row where it cannot be read."""
    text = text_of(content, file)
    try:
        _look_through(text)
        return yaml.load(text, Loader=_PlainLoader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        found = f"Not readable as YAML: {getattr(error, 'problem', None) or error}."
        where = Where(file, row=mark.line + 1 if mark else 0)
        raise DataError.of("not-yaml", found, where) from error


def _look_through(text: str) -> None:
    """Raise a YAML error where a text is nested deeper than any profile, or repeats itself by aliases.

    Before anything is built of it: the builder written in C goes down without a limit, and unfolds aliases.
    """
    deep = 0
    for event in yaml.parse(text, Loader=_Base):
        deep += isinstance(event, yaml.CollectionStartEvent)
        deep -= isinstance(event, yaml.CollectionEndEvent)
        if deep > DEEPEST:
            found = f"it is nested more than {DEEPEST} deep"
        elif isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            found = "anchors and aliases are not used here"
        else:
            continue
        mark = cast("yaml.Mark", event.start_mark)  # the reader in C has a mark of its own
        raise yaml.constructor.ConstructorError(None, None, found, mark)


def _unit_records(content: Any, file: str, problems: list[Problem]) -> list[Record]:
    if not isinstance(content, list) or not all(isinstance(item, dict) for item in content):
        found = "Host units are a list of entries with id, name and cities."
        problems.append(Problem("not-a-list", found, Where(file)))
        return []
    return [
        Record(item, Where(file, column=str(item.get("id", f"entry {k}"))))
        for k, item in enumerate(content, 1)
    ]
