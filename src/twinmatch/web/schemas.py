"""What the API answers and asks, as the OpenAPI document describes it; every field once."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from twinmatch.app.pairs import PairExplanation
from twinmatch.proposal import Evidence
from twinmatch.store.history import CONSENTS, DECISIONS, STEPS
from twinmatch.store.tables import is_storable
from twinmatch.web.board import State
from twinmatch.whatif.repair import Kind

MOST_VALUES: Final = 10_000
MOST_NAMES: Final = 200
"""Values in what a client sends, and names in any one object of it, at most: more than any use needs."""


def bounded(data: Any) -> Any:
    """Return what a client sent; raises ValueError where it is too much, or holds a text that cannot be stored."""
    waiting, seen = [data], 0
    while waiting:
        value = waiting.pop()
        seen += 1
        if isinstance(value, str) and not is_storable(value):
            raise ValueError("a text has NUL or half of a surrogate pair, which cannot be stored")
        if isinstance(value, dict):
            if len(value) > MOST_NAMES:
                raise ValueError(f"{len(value):,} names in one object; at most {MOST_NAMES:,}")
            waiting += value
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value[: MOST_VALUES + 1]
        if seen + len(waiting) > MOST_VALUES:
            raise ValueError(f"more than {MOST_VALUES:,} values")
    return data


class Shape(BaseModel):
    """What has a shape in the OpenAPI document: a sentence beside a field is its description."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class Asked(Shape):
    """What a client sends: no unknown names, bounded in size, every text one that can be stored."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _bounded(cls, data: Any) -> Any:
        return bounded(data)


Weight = Annotated[float, Field(strict=True)]
"""A number, but not true or false."""


SPARSE: Final = ConfigDict(json_schema_extra={"required": ["id"]})
"""Of a class whose fields but the id may be left out."""


class CityLine(Shape):
    """A city in a list; with ``fields``, its id and those."""

    model_config = SPARSE

    id: str = Field(examples=["be-leuven"])
    name: str = Field(examples=["Leuven"])
    country: str = Field(examples=["BE"])
    """ISO 3166-1 alpha-2"""
    country_name: str = Field(examples=["Belgium"])
    roles: list[str] = Field(examples=[["mission", "pilot"]])
    population: int | None
    """Residents; null where not known"""
    lat: float | None
    """Degrees north, WGS 84"""
    lon: float | None
    """Degrees east, WGS 84"""
    known: float = Field(ge=0, le=1)
    """Part of the profile's blocks that are filled"""


def fields_of(model: type[BaseModel]) -> Any:
    """Return a parameter that names fields of the cities of a list."""
    names = list(model.model_fields)
    one = "|".join(names)
    described = (
        f"Fields of each city beside its id, with commas; none: all. There are {', '.join(names)}"
    )
    return Field(
        max_length=400,
        pattern=f"^(({one})(,({one}))*)?$",
        description=described,
        examples=[",".join(names[:2])],
    )


Cursor = Annotated[
    str, Query(max_length=400, description="Where the page begins: `next` of the one before")
]

NEXT: Final[Any] = Field(description="Cursor of the next page; empty on the last")


class Cities(Shape):
    """A page of the cities that match."""

    total: int = Field(ge=0)
    """Cities that match"""
    page: int = Field(ge=1)
    pages: int = Field(ge=0)
    size: int = Field(ge=1)
    """Cities of a page, at most"""
    cities: list[CityLine]
    next: str = NEXT


COLLECTION: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["type", "features"],
    "properties": {
        "type": {"const": "FeatureCollection"},
        "features": {"type": "array", "items": {"type": "object"}},
    },
}
"""A list of cities in GeoJSON (RFC 7946)."""


class GapLine(Shape):
    """Something that is not known of a city, and what that silences."""

    block: str = Field(examples=["emissions"])
    says: str


class CityWhole(Shape):
    """A city's whole profile with its sources, and what is not known of it."""

    city: dict[str, Any]
    """The profile, by the schema at /v1/schema/city.json"""
    known: float = Field(ge=0, le=1)
    gaps: list[GapLine]
    host_unit: str | None
    """Id of the host unit that the city acts in"""


SOURCES: Final = "With accounts: each source once, by the key that stands as the source of a fact"


class Reason(Shape):
    """One of the strongest reasons, in words."""

    facet: str
    says: str
    standing: float = Field(ge=0, le=1)
    share: float = Field(ge=0, le=1)


class SimilarCity(Shape):
    """A city like the one asked about; with ``fields``, its id and those."""

    model_config = SPARSE

    id: str
    name: str
    country: str
    score: float = Field(ge=0, le=1)
    """0.5 is an average pair, 1 the best in everything"""
    coverage: float = Field(ge=0, le=1)
    """Part of the weights that rests on something known"""
    why: list[Reason] | None = None
    """With detail=reasons"""
    account: list[Evidence] | None = None
    """With detail=account"""


class Similar(Shape):
    """The cities most like one, best first, with the reasons."""

    city: str = Field(examples=["be-leuven"])
    text_model: str
    """Which text model was used, and what it could not read"""
    note: str = ""
    """What to know first: that too little is known of the city, or that nobody shows what was asked; else empty"""
    weights: dict[str, float]
    """Each facet's part of all weights, as used; they sum to 1"""
    similar: list[SimilarCity]
    sources: dict[str, str] = Field({}, description=SOURCES)


class SimilarMany(Shape):
    """Cities like each of those asked about, in their order."""

    answers: list[Similar]


class Pair(Shape):
    """The accounts of a pair: as peers, and as guest and host both ways."""

    cities: tuple[str, str]
    text_model: str
    accounts: list[PairExplanation]
    sources: dict[str, str] = Field(description=SOURCES)


Detail = Literal["reasons", "account", "none"]


Country = Annotated[
    str,
    StringConstraints(to_upper=True, pattern="^([A-Za-z]{2})?$"),
    Field(description="ISO 3166-1 alpha-2"),
]


class Filters(Asked):
    """Which cities count."""

    other_country: bool = False
    """Cities of other countries only"""
    mission: bool = False
    """Mission Cities only"""
    country: Country = ""
    population_at_least: int | None = Field(None, ge=0, le=50_000_000)
    """Residents"""
    population_at_most: int | None = Field(None, ge=0, le=50_000_000)
    """Residents"""


class SimilarAsked(Asked):
    """What "cities like mine" may be asked with, beside weights and filters."""

    k: int = Field(10, ge=1, le=100)
    """How many cities"""
    text: str = Field("", max_length=5000)
    """A question in words, against what cities can show"""
    text_weight: float = Field(50, gt=0, lt=100)
    """Its part of all weights, in percent; counts with a text alone"""
    detail: Detail = "reasons"
    """What is said of each city beside its score"""
    fields: Annotated[str, fields_of(SimilarCity)] = ""


class SimilarQuery(SimilarAsked, Filters):
    """What "cities like mine" may be asked with."""

    weights: str = Field("", max_length=400)
    """Weight by facet, such as readiness:3,context:1; none: the usual ones"""
    without: str = Field("", max_length=400)
    """Facets to leave out, with commas"""


class AskSimilar(SimilarAsked):
    """A city that is not in the data, and what is asked of it."""

    profile: dict[str, Any] = {}
    """A profile by the schema at /v1/schema/city.json; name and country are needed"""
    cities: list[str | dict[str, Any]] = Field([], max_length=50)
    """Or many: ids of cities in the data, and profiles"""
    weights: dict[str, Weight] = {}
    """Weight by facet; none: the usual ones"""
    without: list[str] = Field([], max_length=20)
    """Facets to leave out"""
    filters: Filters = Filters()

    @model_validator(mode="after")
    def _one_or_many(self) -> AskSimilar:
        if ("profile" in self.model_fields_set) == bool(self.cities):
            raise ValueError("either 'profile' or 'cities' is expected")
        return self


class AskProposal(Asked):
    """What a proposal is to be made of; everything left out is the service's own."""

    title: str = Field("", max_length=200)
    programme: list[str] = Field([], max_length=20)
    """Names of bundled programmes"""
    programme_toml: str = Field("", max_length=200_000)
    """A programme file, in place of names"""
    lock: list[tuple[str, str]] = Field([], max_length=1000)
    """Pairs that must meet"""
    ban: list[tuple[str, str]] = Field([], max_length=1000)
    """Pairs that must not meet"""
    past: bool = False
    """Nobody meets again who met in a published proposal, or was declined by its partner"""
    previous: str = Field("", max_length=40)
    """A proposal: of equally good answers the one nearest to it is taken"""
    upload: str = Field("", max_length=40)
    """An uploaded workbook of profiles, in place of the service's"""
    hosts: str = Field("", max_length=40)
    """Whom the cities of the upload are to meet: bundled, or another upload"""


class ProposalState(Shape):
    """A proposal and how far it is."""

    id: str
    title: str
    state: State
    steps: list[str]
    """What was begun, in order; the last is under way while it runs"""
    asked: dict[str, Any]
    asked_by: str
    created: str = Field(examples=["2026-11-22T10:00:00+00:00"])
    begun: str | None
    ended: str | None
    problems: list[dict[str, Any]]
    links: dict[str, str]


class Proposals(Shape):
    """A page of the proposals, the newest first."""

    proposals: list[ProposalState]
    next: str = NEXT


class Decision(Asked):
    """A decision about a proposal."""

    kind: Literal[*DECISIONS, *CONSENTS, *STEPS, "undo"]  # type: ignore[valid-type]
    one: str = Field("", max_length=200)
    """The guest of a pair, or the id of a meeting in proposal.json; of a theme to split, its id"""
    other: str = Field("", max_length=200)
    """The host of a pair"""
    city: str = Field("", max_length=200)
    """Of consent: the city that was asked or has answered; of a letter: whose it is"""
    why: str = Field("", max_length=20_500)
    """Why; to whom a meeting is assigned; the name of a group; into how many groups a theme is split; the letter as it was edited, its subject first, a line between: empty for the one that is made"""


class AskRepair(Asked):
    """What happened since the proposal."""

    withdrawn: list[str] = Field([], max_length=100)
    """Cities or units that withdrew"""
    refused: list[tuple[str, str]] = Field([], max_length=100)
    """Pairs that one side refused"""
    at_most: int = Field(3, ge=0, le=100)
    """Changes that 'few changes' may make"""


class TakeRepair(AskRepair):
    """The offer that is taken after what happened."""

    offer: Kind


class Health(Shape):
    """Whether the service lives, or is ready to answer."""

    status: Literal["ok", "not ready"]
    version: str
    checks: dict[str, bool] = {}


class PersonalData(Shape):
    """What is held of the persons of a city."""

    city: str
    says: str
    """A warning where nothing is held under a name that no city has, else empty"""
    uploads: list[dict[str, Any]]
    """Cells of files that were handed in"""
    not_readable: list[str]
    """Uploads that nobody can look through"""
    reasons: list[dict[str, Any]]
    """What people wrote to decisions about it"""


class Erased(Shape):
    """How much was erased."""

    uploads: int
    cells: int
    reasons: int
    not_readable: list[str]
    """Uploads that nobody can look through: as they were"""


class ChangeLine(Shape):
    """One change: when, by whom (a key's id, or the name that a decision carries), what, and of what."""

    at: str
    by: str
    what: str
    about: str


class Changes(Shape):
    """A page of who changed what, the first change first."""

    changes: list[ChangeLine]
    next: str = NEXT
