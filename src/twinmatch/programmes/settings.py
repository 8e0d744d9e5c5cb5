"""Programme files: what a coordinator may set, each setting once, with its default and meaning.

A programme file is TOML. An unknown key is an error that names the known ones; nothing is ever ignored. The
settings of a format stand in the format's own file; here stand those that several formats share, and twinning's,
which its rules read.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    create_model,
    field_validator,
    model_validator,
)

from twinmatch.affinity import checked_weights
from twinmatch.errors import DataError, Problem, QuestionError, Where
from twinmatch.schema import LanguageCode, Role
from twinmatch.validate import Record, problems_of

Band = tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]]
English = Literal["A1", "A2", "B1", "B2", "C1", "C2"]
Policy = Literal["ask first", "let in", "keep out"]
Kind = Literal["national", "foreign", "in the EU", "outside the EU", "newcomer", "small", "large"]
RoleInMeeting = Literal["host", "guest", "lead", "member"]

BUNDLED = Path(__file__).parent
"""The folder of the programme files that are loaded where none is named."""

RECIPES = BUNDLED / "recipes"
"""The folder of the programme files of real programmes, loaded by name."""


class Settings(BaseModel):
    """A part of a programme file; unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Load(Settings):
    """What a role in one meeting takes of a city."""

    hours: float = Field(0, ge=0, allow_inf_nan=False, description="Staff hours a month")
    trips: int = Field(0, ge=0, description="Journeys in the round, with a stay")
    tasks: int = Field(0, ge=0, description="Tasks as a host or lead that need a person")


class FormatSettings(Settings):
    """What every format has: a title, and what its roles take of a city."""

    LOADS: ClassVar[dict[str, Load]] = {}
    """What the roles take where the programme file does not say."""

    title: str = Field("", description="Title of the product")
    takes: dict[RoleInMeeting, Load] = Field(
        {}, description="What each role takes of a city; replaces the format's own figures"
    )

    def load(self, role: str) -> Load:
        """Return what a role takes of a city in one meeting."""
        return self.takes.get(role) or self.LOADS.get(role) or Load()  # type: ignore[call-overload]


class Weighted(FormatSettings):
    """A format whose meetings are scored by facets."""

    EXTRA_FACETS: ClassVar[tuple[str, ...]] = ()
    """Facets that the product brings itself, beside those of the registry."""

    weights: dict[str, float] = Field(
        description="Weight of each facet; only their proportions matter"
    )

    @field_validator("weights")
    @classmethod
    def _usable(cls, weights: dict[str, float]) -> dict[str, float]:
        try:
            checked_weights(weights, extra=cls.EXTRA_FACETS)
        except QuestionError as error:
            raise ValueError("; ".join(str(p) for p in error.problems)) from None
        return weights


def ordered(value: Band) -> Band:
    """Return a band; raises ValueError where the larger number comes first."""
    if value[0] > value[1]:
        raise ValueError(f"the smaller number comes first in [{value[0]}, {value[1]}]")
    return value


class Quota(Settings):
    """A number or share of one kind of guests. Guests of whom the kind is not known do not count towards it."""

    who: Kind = Field(description="The kind of guests that are counted")
    at_least: int | None = Field(None, ge=0, description="So many at least")
    at_most: int | None = Field(None, ge=0, description="So many at most")
    share_at_least: float | None = Field(None, ge=0, le=1, description="Part of all, at least")
    share_at_most: float | None = Field(None, ge=0, le=1, description="Part of all, at most")

    @model_validator(mode="after")
    def _says_something(self) -> Quota:
        numbers = (self.at_least, self.at_most, self.share_at_least, self.share_at_most)
        if all(number is None for number in numbers):
            raise ValueError("a quota needs at_least, at_most, share_at_least or share_at_most")
        return self


class Facilitator(Settings):
    """Who accompanies pairs: a name, how many at most, and the languages that are spoken."""

    name: str = Field(min_length=1)
    pairs_at_most: int = Field(ge=0, description="Pairs accompanied, at most")
    languages: tuple[LanguageCode, ...] = Field((), description="Languages spoken, ISO 639-1")


class Eligibility(Settings):
    """Who may be a guest. What is not known of a city is neither yes nor no: ``unknown`` says what it means."""

    roles: tuple[Role, ...] = Field(
        (Role.GUEST,), description="Cities with one of these roles apply"
    )
    not_roles: tuple[Role, ...] = Field(
        (Role.MISSION,), description="Cities with one of these roles do not"
    )
    neutral_by: int | None = Field(
        None, ge=2020, le=2100, description="Climate neutrality committed to by this year"
    )
    staff_hours_a_month: float | None = Field(
        None, ge=0, description="Staff hours a month, at least"
    )
    english: English | None = Field(None, description="English of the team, at least (CEFR)")
    population_at_least: int | None = Field(None, ge=0, description="Residents, at least")
    population_at_most: int | None = Field(None, ge=0, description="Residents, at most")
    inside_eu: bool | None = Field(
        None, description="true: only cities of Member States; false: only others"
    )
    urbanisation_at_most: int | None = Field(
        None, ge=1, le=3, description="Degree of urbanisation: 1 city, 2 town or suburb, 3 rural"
    )
    covenant: bool = Field(False, description="Only signatories of the Covenant of Mayors")
    took_part_in: tuple[str, ...] = Field(
        (), description="Only cities that took part in one of these programmes, to replay a round"
    )
    unknown: Policy = Field(
        "ask first",
        description="A condition not known: 'ask first' (kept apart and named), 'let in', 'keep out'",
    )


class Twinning(Weighted):
    """Guests learn from host units: selection and pairing in one solve."""

    LOADS: ClassVar[dict[str, Load]] = {
        "host": Load(hours=8, trips=1, tasks=1),
        "guest": Load(hours=12, trips=2),
    }
    title: str = Field("Twinning", min_length=1)
    places: int | None = Field(
        None, ge=1, description="Guests chosen, at most; none: as many as the hosts can take"
    )
    guests_per_host: Band = Field((0, 2), description="Guests of each host unit: at least, at most")
    hosts: tuple[Role, ...] = Field(
        (Role.MISSION, Role.PILOT), min_length=1, description="Cities with one of these roles host"
    )
    host_ids: tuple[str, ...] = Field(
        (),
        description="Only these cities or units host, whatever their role; none: those of the roles",
    )
    another_country: bool = Field(
        False, description="Guest and host must be in different countries"
    )
    guests_per_country: int | None = Field(
        None, ge=1, description="Guests chosen from one country, at most"
    )
    guests: Eligibility = Eligibility()
    lock: tuple[tuple[str, str], ...] = Field((), description="Pairs that must meet")
    ban: tuple[tuple[str, str], ...] = Field((), description="Pairs that must not meet")
    past: tuple[tuple[str, str], ...] = Field(
        (), description="Pairs of earlier rounds, which do not meet again"
    )
    reserves: int = Field(3, ge=0, le=20, description="Reserve hosts named for each pair")
    once_hosting: int | None = Field(
        None, ge=1, description="Guests of a host that takes any at all, at least"
    )
    hosts_per_guest: int = Field(1, ge=1, le=10, description="Hosts of each guest, at most")
    hosts_inside_eu: bool = Field(False, description="Only hosts of Member States")
    only_wished: bool = Field(
        False, description="A guest with wishes is matched with hosts among them only"
    )
    shared_language: bool = Field(
        False, description="Guest and host share a working language, where both have named any"
    )
    per_host: tuple[Quota, ...] = Field((), description="Quotas at each host that takes any guest")
    overall: tuple[Quota, ...] = Field((), description="Quotas over all guests chosen")
    small_below: int = Field(100_000, ge=1, description="Residents below which a city is small")
    facilitators: tuple[Facilitator, ...] = Field((), description="Who accompanies the pairs")
    fairness: Literal["total", "worst-off"] = Field(
        "total",
        description="After places: the total score, or first the score of the worst-off guest",
    )

    _check_band = field_validator("guests_per_host")(ordered)


class Text(Settings):
    """The text model of the run."""

    model: str = Field(
        "auto",
        description="auto, bundled, static, minilm, or a sentence-transformers model by name or folder",
    )
    prefix: str | None = Field(
        None, description="Put before every text, for models that ask for it"
    )


class CityLimit(Settings):
    """What one city may carry; a number left out is that of all cities."""

    city: str = Field(min_length=1, description="Id of the city")
    hours: float | None = Field(None, ge=0, allow_inf_nan=False, description="Hours a month")
    trips: int | None = Field(None, ge=0, description="Journeys in the round")
    tasks: int | None = Field(None, ge=0, description="Tasks as a host or lead")


class Ledger(Settings):
    """One ledger of load a city over all formats: limits that hold across them, and who comes first."""

    hours: float | None = Field(
        None, ge=0, allow_inf_nan=False, description="Staff hours a month of any city, at most"
    )
    trips: int | None = Field(None, ge=0, description="Journeys in the round, at most")
    tasks: int | None = Field(None, ge=0, description="Tasks as a host or lead, at most")
    tasks_a_person: int = Field(
        2, ge=1, description="Tasks that a person carries, where a city has said how many people"
    )
    cities: tuple[CityLimit, ...] = Field((), description="Limits of single cities")
    order: tuple[str, ...] = Field(
        (), description="Formats that choose first, in this order; the others follow"
    )
    together: tuple[str, ...] = Field(
        (), description="Formats that are solved as one, so that none has the first choice"
    )


class Programme(Settings):
    """A programme: a name, the text model, the ledger, and the formats with their rules and weights.

    Each format of the registry is a field of the class that :func:`programme_model` makes.
    """

    name: str = Field("Bundled programme", min_length=1)
    text: Text = Text()
    ledger: Ledger = Ledger()
    pathways: Any = Field(None, description="The catalogue of resources")
    twinning: Twinning | None = None

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    @property
    def products(self) -> tuple[str, ...]:
        """Return the names of the products asked for, in the order in which they choose."""
        asked = [name for name in format_names() if getattr(self, name, None) is not None]
        first = [name for name in self.ledger.order if name in asked]
        return tuple(first + [name for name in asked if name not in first])

    @property
    def texts(self) -> tuple[str, ...]:
        """Return the sentences by which themes say what they are about, which the text model must read too."""
        formats = (getattr(self, name) for name in self.products)
        return tuple(
            text for one in formats for theme in getattr(one, "themes", ()) for text in theme.texts
        )


def format_names() -> tuple[str, ...]:
    """Return the names of all formats of the registry, in its order."""
    from twinmatch.programmes import PRODUCTS

    return tuple(PRODUCTS)


def programme_model() -> type[Programme]:
    """Return the programme with a field for every format of the registry."""
    from twinmatch.programmes import PRODUCTS

    return _model_of(tuple((name, entry.settings) for name, entry in PRODUCTS.items()))


@cache
def _model_of(formats: tuple[tuple[str, type[FormatSettings]], ...]) -> type[Programme]:
    from twinmatch.programmes.pathways import Catalogue

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
            if key in merged and not (key == "name" or merged[key] == value):
                problems.append(
                    Problem(
                        "key-twice",
                        f"{key!r} stands in {origin[key]} too.",
                        Where(path, column=key),
                        "Keep one.",
                    )
                )
            merged[key], origin[key] = value, path
    if len(chosen) > 1 and "name" in merged:
        merged["name"] = (
            "Bundled programme" if not files else "Programme of " + ", ".join(str(f) for f in files)
        )
    if not problems and not any(name in merged for name in format_names()):
        problems.append(
            Problem(
                "no-product",
                "The programme asks for no product.",
                Where(str(chosen[0])),
                f"Add one of: {', '.join(format_names())}.",
            )
        )
    where = Where(", ".join(dict.fromkeys(origin.values())))
    try:
        programme = programme_model().model_validate(merged)
        problems += _wrong_names(programme.ledger, where)
    except ValidationError as error:
        problems += problems_of(programme_model(), error, Record(merged, where))
    if problems:
        raise DataError(problems)
    return programme


def _wrong_names(ledger: Ledger, where: Where) -> list[Problem]:
    known = format_names()
    return [
        Problem(
            "format-unknown",
            f"[ledger] names {name!r}, which is no format.",
            where,
            f"Known: {', '.join(known)}.",
        )
        for name in (*ledger.order, *ledger.together)
        if name not in known
    ]


def _parsed(file: str | Path, problems: list[Problem]) -> tuple[str, Mapping[str, object]]:
    path = source_of(file)
    where = Where(path.name)
    try:
        return path.name, tomllib.loads(path.read_bytes().decode("utf-8"))
    except FileNotFoundError:
        problems.append(
            Problem(
                "no-such-file",
                f"There is no programme file {str(file)!r}.",
                do=f"Bundled: {', '.join((*bundled_names(), *recipe_names()))}.",
            )
        )
    except UnicodeDecodeError:
        problems.append(Problem("not-utf-8", "The file is not UTF-8.", where, "Save it as UTF-8."))
    except (ValueError, RecursionError) as error:  # also a number of 5,000 digits
        problems.append(Problem("not-toml", f"Not readable as TOML: {error}.", where))
    except OSError as error:
        problems.append(Problem("unreadable", f"Cannot be read: {error.strerror}.", where))
    return path.name, {}
