"""Programme files: what a coordinator may set, each setting once, with its default and meaning.

A programme file is TOML. An unknown key is an error that names the known ones; nothing is ever ignored. A table that
leaves out its weights says what differs from the bundled one; a table with weights stands alone. The settings of a
product stand in its own folder or file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import Field, PrivateAttr, ValidationError, create_model

from twinmatch.errors import DataError, Problem, Where
from twinmatch.programmes.base import Catalogue, ProductSettings, ProgrammeSection
from twinmatch.programmes.load_ledger import Ledger
from twinmatch.programmes.registry import PRODUCTS
from twinmatch.programmes.twinning import Twinning
from twinmatch.validate import Record, problems_of
from twinmatch.wording import say

BUNDLED = Path(__file__).parent
"""The folder of the programme files that are loaded where none is named."""

NOWHERE = Where()

RECIPES = BUNDLED / "recipes"
"""The folder of the programme files of real programmes, loaded by name."""

MOST_BYTES: Final = 200_000
MOST_DOTS: Final = 200
MOST_KEYS: Final = 2_000
MOST_VALUES: Final = 20_000
"""Bounds of a programme, far beyond any real one: bytes, dots in a line, keys, values in lists."""


class Text(ProgrammeSection):
    """The text model of the run."""

    model: str = "auto"
    """auto, bundled, static, minilm, multilingual, or a sentence-transformers model by name or folder"""
    prefix: str | None = None
    """Put before every text, for models that ask for it"""


class Programme(ProgrammeSection):
    """A programme: a name, the text model, the ledger, and the formats with their rules and weights.

    Each format of the registry is a field of the class that :func:`programme_model` makes.
    """

    name: str = ""
    """Name of the round, for the titles of what is made; none: no name"""
    text: Text = Text()
    ledger: Ledger = Ledger()
    pathways: Catalogue = Catalogue()
    names: dict[str, Annotated[str, Field(min_length=1, max_length=120)]] = Field({})
    """What a meeting is called in place of its own title, by its id in proposal.json"""
    twinning: Twinning | None = None
    _bundled: dict[str, tuple[str, ...]] = PrivateAttr({})

    def __repr__(self) -> str:
        return f"<Programme {self.name}: {', '.join(self.products)}>"

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    @property
    def products(self) -> tuple[str, ...]:
        """Return the names of the products asked for, in the order in which they choose."""
        asked = [name for name in product_names() if getattr(self, name, None) is not None]
        first = [name for name in self.ledger.order if name in asked]
        return tuple(first + [name for name in asked if name not in first])

    @property
    def bundled(self) -> dict[str, tuple[str, ...]]:
        """Return the settings of each product that its file left to the bundled programme."""
        return self._bundled

    @property
    def texts(self) -> tuple[str, ...]:
        """Return the sentences by which themes say what they are about, which the text model must read too."""
        formats = (getattr(self, name) for name in self.products)
        return tuple(
            text for one in formats for theme in getattr(one, "themes", ()) for text in theme.texts
        )


def product_names() -> tuple[str, ...]:
    """Return the names of all formats of the registry, in its order."""
    return tuple(PRODUCTS)


def programme_model() -> type[Programme]:
    """Return the programme with a field for every format of the registry."""
    return _model_of(tuple((name, entry.settings) for name, entry in PRODUCTS.items()))


def programme_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a programme file, by which editors complete and check it."""
    draft = "https://json-schema.org/draft/2020-12/schema"
    head = {"$schema": draft, "$id": "urn:twinmatch:schema:programme:1"}
    schema = head | programme_model().model_json_schema()
    for name in _default_tables().keys() & PRODUCTS.keys():  # what they leave out is as bundled
        schema["$defs"][PRODUCTS[name].settings.__name__].pop("required", None)
    return schema


@cache
def _model_of(formats: tuple[tuple[str, type[ProductSettings]], ...]) -> type[Programme]:
    fields: dict[str, Any] = {name: (kind | None, None) for name, kind in formats}
    fields["pathways"] = (Catalogue, Catalogue())
    made: type[Programme] = create_model("Programme", __base__=Programme, **fields)
    return made


def bundled_names() -> tuple[str, ...]:
    """Return the names of the programme files that are loaded where none is named."""
    return tuple(sorted(path.stem for path in BUNDLED.glob("*.toml")))


def recipe_names() -> tuple[str, ...]:
    """Return the names of the programme files of real programmes."""
    return tuple(sorted(path.stem for path in RECIPES.glob("*.toml")))


def source_of(name: str | Path) -> Path:
    """Return the file of a programme: a path to a file, else a bundled programme or recipe of this name, else the path."""
    path = Path(name)
    bundled = (folder / f"{name}.toml" for folder in (BUNDLED, RECIPES))
    found = (p for p in (path, *bundled) if p.exists() and not p.is_dir())  # a pipe is read too
    return next(found, path)


def load(*files: str | Path) -> Programme:
    """Return the programme of some files (paths or bundled names), or of the default ones where none is given.

    Raises DataError with every problem, each with its file and key.
    """
    chosen = files or bundled_names()
    merged: dict[str, object] = {}
    origin: dict[str, str] = {}
    problems: list[Problem] = []
    for file in chosen:
        path, content = _parsed(file, problems)
        for key, value in content.items():
            if key == "name" and merged.get(key, value) != value:
                value = f"{merged[key]}, {value}"
            elif key in merged and merged[key] != value:
                problems.append(
                    Problem(
                        "key-twice",
                        say("{key} stands in {origin} too.", key=repr(key), origin=origin[key]),
                        Where(path, column=key),
                        say("Keep one."),
                    )
                )
            merged[key], origin[key] = value, path
    return checked(merged, Where(", ".join(dict.fromkeys(origin.values()))), problems)


def checked(
    said: Mapping[str, object], where: Where = NOWHERE, problems: Sequence[Problem] = ()
) -> Programme:
    """Return the programme that a file or a mapping says.

    Raises DataError with the problems that were found before and every problem of a key.
    """
    found = list(problems)
    if not found and not any(name in said for name in product_names()):
        do = say("Add one of: {names}.", names=", ".join(product_names()))
        found.append(Problem("no-product", say("The programme asks for no product."), where, do))
    whole = {name: _on_bundled(name, value) for name, value in said.items()}
    try:
        programme = programme_model().model_validate(whole)
        programme._bundled = {
            name: tuple(_added(said[name], table))
            for name, table in whole.items()
            if table is not said[name]
        }
        found += _wrong_names(programme.ledger, where)
    except ValidationError as error:
        found += problems_of(programme_model(), error, Record(whole, where))
    if found:
        raise DataError(found)
    return programme


def _on_bundled(name: str, table: Any) -> Any:
    """Return a product's table with what it leaves to the bundled one; as it is where it stands alone."""
    entry = PRODUCTS.get(name)
    if entry is None or not isinstance(table, Mapping):
        return table
    fields = entry.settings.model_fields
    needed = {key for key, field in fields.items() if field.is_required() or key == "mix"}
    default = _default_tables().get(name) if needed - set(table) else None
    return table if default is None else _filled(default, table)


def _filled(default: Mapping[str, Any], table: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table with what it leaves out as a default has it, tables inside it too; a list is replaced whole."""
    both = (k for k in table if isinstance(table[k], Mapping) and isinstance(default.get(k), dict))
    return {**default, **table, **{k: _filled(default[k], table[k]) for k in both}}


def _added(said: Any, whole: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Yield the settings, tables inside by dotted path, that a table has and that were not said."""
    for key, value in whole.items():
        if key not in said:
            yield path + key
        elif isinstance(value, Mapping):
            yield from _added(said[key], value, f"{path}{key}.")


@cache
def _default_tables() -> dict[str, dict[str, Any]]:
    """Return the table of each product in the bundled files; of those that have none there, in the recipe of a conference."""
    files = [RECIPES / "conference.toml", *sorted(BUNDLED.glob("*.toml"))]
    return {k: v for file in files for k, v in tomllib.loads(file.read_text("utf-8")).items()}


def _wrong_names(ledger: Ledger, where: Where) -> list[Problem]:
    known = product_names()
    return [
        Problem(
            "format-unknown",
            say("[ledger] names {name}, which is no format.", name=repr(name)),
            where,
            say("Known: {names}.", names=", ".join(known)),
        )
        for name in ledger.order
        if name not in known
    ]


def _parsed(file: str | Path, problems: list[Problem]) -> tuple[str, Mapping[str, object]]:
    path = source_of(file)
    where = Where(path.name)
    try:
        with path.open("rb") as opened:
            text = opened.read(MOST_BYTES + 1).decode("utf-8")
        return path.name, _read(text, where)
    except DataError as error:
        problems += error.problems
    except FileNotFoundError:
        problems.append(
            Problem(
                "no-such-file",
                say("There is no programme file {p}.", p=repr(str(file))),
                do=say("Bundled: {names}.", names=", ".join((*bundled_names(), *recipe_names()))),
            )
        )
    except UnicodeDecodeError:
        problems.append(
            Problem("not-utf-8", say("The file is not UTF-8."), where, say("Save it as UTF-8."))
        )
    except OSError as error:
        problems.append(
            Problem(
                "unreadable", say("Cannot be read: {strerror}.", strerror=error.strerror), where
            )
        )
    return path.name, {}


def load_text(text: str) -> Programme:
    """Return the programme of a text in TOML; raises DataError as :func:`load` does."""
    where = Where("programme.toml")
    return checked(_read(text, where), where)


def _read(text: str, where: Where) -> Mapping[str, object]:
    refuse_large(text, where)
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also a number of 5,000 digits
        raise DataError.of(
            "not-toml", say("Not readable as TOML: {error}.", error=error), where
        ) from error


def refuse_large(text: str, where: Where = NOWHERE) -> None:
    """Raise DataError for a text that would take long to parse: too long, keys too deep, too many keys or values.

    Strings are not told from the rest, so all is counted: each line's dots, the signs "=", the commas.
    """
    dots = max((line.count(".") for line in text.split("\n")), default=0)
    for number, most, what in (
        (len(text.encode("utf-8", "replace")), MOST_BYTES, "bytes"),
        (dots, MOST_DOTS, "dots in one line"),
        (text.count("="), MOST_KEYS, "keys"),
        (text.count(",") + text.count("["), MOST_VALUES, "values in lists"),
    ):
        if number > most:
            found = say(
                "The programme has {number:,} {what}; at most {most:,} are read.",
                number=number,
                what=what,
                most=most,
            )
            raise DataError.of("programme-too-large", found, where, say("Shorten it."))
