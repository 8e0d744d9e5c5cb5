"""Programme files: what a coordinator may set, each setting once, with its default and meaning.

A programme file is TOML. An unknown key is an error that names the known ones; nothing is ever ignored.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from twinmatch.affinity import checked_weights
from twinmatch.errors import DataError, Problem, QuestionError, Where
from twinmatch.geography import countries
from twinmatch.schema import Domain, Lever, Role
from twinmatch.validate import Record, problems_of

Band = tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]]
English = Literal["A1", "A2", "B1", "B2", "C1", "C2"]
Policy = Literal["ask first", "let in", "keep out"]

BUNDLED = Path(__file__).parent
"""The folder of the bundled programme files."""


class Settings(BaseModel):
    """A part of a programme file; unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class _Weighted(Settings):
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


def _band(value: Band) -> Band:
    if value[0] > value[1]:
        raise ValueError(f"the smaller number comes first in [{value[0]}, {value[1]}]")
    return value


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
    unknown: Policy = Field(
        "ask first",
        description="A condition not known: 'ask first' (kept apart and named), 'let in', 'keep out'",
    )


class Twinning(_Weighted):
    """Guests learn from host units: selection and pairing in one solve."""

    title: str = Field("Twinning", min_length=1)
    places: int | None = Field(
        None, ge=1, description="Guests chosen, at most; none: as many as the hosts can take"
    )
    guests_per_host: Band = Field((0, 2), description="Guests of each host unit: at least, at most")
    hosts: tuple[Role, ...] = Field(
        (Role.MISSION, Role.PILOT), min_length=1, description="Cities with one of these roles host"
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

    _check_band = field_validator("guests_per_host")(_band)


class Theme(Settings):
    """A challenge that a discussion group shares."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    title: str = Field(min_length=1)
    domains: tuple[Domain, ...] = Field((), description="Domains of the theme")
    levers: tuple[Lever, ...] = Field((), description="Levers of the theme")

    @model_validator(mode="after")
    def _about_something(self) -> Theme:
        if not self.domains and not self.levers:
            raise ValueError("a theme needs at least one domain or lever")
        return self


class DiscussionGroups(_Weighted):
    """Peers around a shared challenge, led by cities that are strong in it."""

    EXTRA_FACETS: ClassVar[tuple[str, ...]] = ("theme",)

    title: str = Field("Discussion groups", min_length=1)
    themes: tuple[Theme, ...] = Field(min_length=1)
    leads: Band = Field((2, 3), description="Lead cities of a group: at least, at most")
    lead_roles: tuple[Role, ...] = Field(
        (Role.MISSION,), min_length=1, description="Cities with one of these roles lead"
    )
    size: Band = Field((8, 24), description="Cities of a group, leads included: at least, at most")
    cities_per_country: int | None = Field(
        None, ge=1, description="Cities of one country in a group, at most"
    )
    least_need: float = Field(
        0.1,
        ge=0,
        le=1,
        description="Part of a city's challenges that the theme must make up, at least",
    )

    _check_bands = field_validator("leads", "size")(_band)

    @model_validator(mode="after")
    def _themes_once(self) -> DiscussionGroups:
        ids = [theme.id for theme in self.themes]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise ValueError(f"the theme {twice[0]!r} stands here twice")
        if self.leads[1] > self.size[1]:
            raise ValueError("a group cannot have more leads than cities")
        return self


class NationalClusters(_Weighted):
    """Cities of a country, then of like readiness; large countries split, small ones joined."""

    title: str = Field("National clusters", min_length=1)
    size: Band = Field((4, 14), description="Cities of a cluster: at least, at most")
    anchor: Role | None = Field(
        Role.MISSION, description="Each cluster has a city of this role where there is one"
    )
    countries_joined: int = Field(
        5, ge=2, le=6, description="Countries in a joined cluster, at most"
    )
    never_joined: tuple[tuple[str, str], ...] = Field(
        (), description="Pairs of countries that are not joined in one cluster"
    )
    effort: int = Field(
        200, ge=1, le=100_000, description="Sweeps of the search that splits a country"
    )

    _check_band = field_validator("size")(_band)

    @field_validator("never_joined")
    @classmethod
    def _known_countries(cls, pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        unknown = sorted({code for pair in pairs for code in pair} - set(countries()))
        if unknown:
            raise ValueError(f"no country has the code {unknown[0]!r}")
        return pairs


class Text(Settings):
    """The text model of the run."""

    model: str = Field(
        "auto",
        description="auto, bundled, static, minilm, or a sentence-transformers model by name or folder",
    )
    prefix: str | None = Field(
        None, description="Put before every text, for models that ask for it"
    )


class Programme(Settings):
    """A programme: a name, the text model, and the products with their rules and weights."""

    name: str = Field("Bundled programme", min_length=1)
    text: Text = Text()
    twinning: Twinning | None = None
    discussion_groups: DiscussionGroups | None = None
    national_clusters: NationalClusters | None = None

    @property
    def products(self) -> tuple[str, ...]:
        """Return the names of the products that the programme asks for, in the registry's order."""
        return tuple(name for name in PRODUCTS if getattr(self, name) is not None)


PRODUCTS = ("twinning", "discussion_groups", "national_clusters")


def bundled_names() -> tuple[str, ...]:
    """Return the names of the bundled programme files."""
    return tuple(sorted(path.stem for path in BUNDLED.glob("*.toml")))


def load(*files: str | Path) -> Programme:
    """Return the programme of some files (paths or bundled names), or of all bundled ones where none is given.

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
    if not problems and not any(name in merged for name in PRODUCTS):
        problems.append(
            Problem(
                "no-product",
                "The programme asks for no product.",
                Where(str(chosen[0])),
                f"Add one of: {', '.join(PRODUCTS)}.",
            )
        )
    try:
        programme = Programme.model_validate(merged)
    except ValidationError as error:
        problems += problems_of(
            Programme, error, Record(merged, Where(", ".join(dict.fromkeys(origin.values()))))
        )
    if problems:
        raise DataError(problems)
    return programme


def _parsed(file: str | Path, problems: list[Problem]) -> tuple[str, dict[str, object]]:
    path = Path(file)
    if not path.exists() and (BUNDLED / f"{file}.toml").exists():
        path = BUNDLED / f"{file}.toml"
    where = Where(path.name)
    try:
        return path.name, tomllib.loads(path.read_bytes().decode("utf-8"))
    except FileNotFoundError:
        problems.append(
            Problem(
                "no-such-file",
                f"There is no programme file {str(file)!r}.",
                do=f"Bundled: {', '.join(bundled_names())}.",
            )
        )
    except UnicodeDecodeError:
        problems.append(Problem("not-utf-8", "The file is not UTF-8.", where, "Save it as UTF-8."))
    except tomllib.TOMLDecodeError as error:
        problems.append(Problem("not-toml", f"Not readable as TOML: {error}.", where))
    except OSError as error:
        problems.append(Problem("unreadable", f"Cannot be read: {error.strerror}.", where))
    return path.name, {}
