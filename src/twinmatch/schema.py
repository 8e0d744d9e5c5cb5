"""The profile of a city and of a host unit, each field once: name, meaning, unit, range.

These models are the domain's own nouns (there is no second set of classes). ``data/city_profiles/schema.json``,
the field reference in the documentation and the columns of a spreadsheet are made from them. A field that is
left out is *not known*: nowhere does an absent value mean zero, no or none.
"""

from __future__ import annotations

from collections.abc import Hashable
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from twinmatch.vocabulary.geography import ALIASES, SAME_LANGUAGE, is_country, language_codes
from twinmatch.vocabulary.topics import IN_TEXT as IN_TEXT
from twinmatch.vocabulary.topics import NAMES as NAMES
from twinmatch.vocabulary.topics import Dimension as Dimension
from twinmatch.vocabulary.topics import Domain as Domain
from twinmatch.vocabulary.topics import Lever as Lever
from twinmatch.vocabulary.topics import Topic

SCHEMA_VERSION = "1"

CITY_ID = r"^[a-z]{2}-[a-z0-9]+(-[a-z0-9]+)*$"
UNIT_ID = r"^unit-[a-z0-9]+(-[a-z0-9]+)*$"


class Role(StrEnum):
    """What a city is in the programme."""

    MISSION = "mission"
    PILOT = "pilot"
    GUEST = "guest"


class Notation(StrEnum):
    """Why an emissions cell has no number (GPC notation keys), and ``blank`` where nobody said why."""

    NOT_OCCURRING = "NO"
    NOT_ESTIMATED = "NE"
    INCLUDED_ELSEWHERE = "IE"
    CONFIDENTIAL = "C"
    BLANK = "blank"


def _country_code(value: object) -> object:
    """Read EL and UK as the ISO codes that they stand for."""
    return ALIASES.get(value, value) if isinstance(value, str) else value


def _named_or_weighted(value: object) -> object:
    """Read a list of domains as domains named without a weight."""
    if isinstance(value, list | tuple) and all(isinstance(v, Hashable) for v in value):
        if len(set(map(str, value))) < len(value):
            raise ValueError("names a domain twice")
        return dict.fromkeys(value)
    return value


def _language_code(value: str) -> str:
    """Return a language's code in small letters."""
    if (code := value.lower()) not in language_codes():
        raise ValueError(
            "no language has this code (two letters, ISO 639-1, such as de); tables may name it"
        )
    return SAME_LANGUAGE.get(code, code)


CountryCode = Annotated[str, BeforeValidator(_country_code)]
LanguageCode = Annotated[str, AfterValidator(_language_code)]
MOST_TONNES = 1e10
"""No city emits as much: a hundred times the largest inventory; keeps sums finite."""

Tonnes = Annotated[float, Field(ge=0, le=MOST_TONNES, allow_inf_nan=False)]
Weight = Annotated[int, Field(ge=1, le=3)]
Level = Annotated[int, Field(ge=0, le=4)]
Text = Annotated[str, Field(min_length=1, max_length=20_000)]
Remark = Annotated[str, Field(max_length=20_000)]
Domains = Annotated[dict[Domain, Weight | None], BeforeValidator(_named_or_weighted)]
CellValue = Tonnes | Notation


def _left_out(says: str, unit: str = "", default: object = None, **limits: Any) -> Any:
    """Return a field that may be left out: what it is, its unit, its limits (``ge``, ``le``, ``pattern``)."""
    extra: dict[str, Any] | None = {"unit": unit} if unit else None
    return Field(default, description=says, json_schema_extra=extra, **limits)


class ProfileBlock(BaseModel):
    """A part of a profile; unknown fields are errors and nothing can be changed after reading."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Location(ProfileBlock):
    """Where the city lies."""

    lat: float = Field(
        ge=-90, le=90, description="Latitude, WGS 84", json_schema_extra={"unit": "degrees north"}
    )
    lon: float = Field(
        ge=-180, le=180, description="Longitude, WGS 84", json_schema_extra={"unit": "degrees east"}
    )


class Population(ProfileBlock):
    """How many people live there."""

    value: int = Field(
        ge=1, le=50_000_000, description="Residents", json_schema_extra={"unit": "people"}
    )
    year: int | None = _left_out("Year of the figure", "year", ge=1980, le=2035)
    of: Literal["municipality", "settlement", "core municipality", "region"] = _left_out(
        "What the figure counts; only the first two are taken for the city as a whole",
        default="municipality",
    )
    note: Remark | None = _left_out("What a reader should know about the figure")


class Mission(ProfileBlock):
    """The city's place among the Mission Cities."""

    label_awarded: str | None = _left_out(
        "Month of the Mission Label (YYYY-MM)", pattern=r"^\d{4}-(0[1-9]|1[0-2])$"
    )
    note: Remark | None = _left_out("Perimeter of the Mission entry, or another remark")


class Pilot(ProfileBlock):
    """A pilot activity: what a host shows. A city's own stands in its profile, a shared one in the host unit."""

    activity: str = Field(description="Title of the activity")
    cohort: int = Field(ge=1, description="Cohort of the Pilot Cities Programme")
    domains: tuple[Domain, ...] = _left_out("Emissions domains of the activity", default=())
    levers: tuple[Lever, ...] = _left_out("Levers of change that the activity works on", default=())
    summary: Text | None = _left_out("What the activity is about")
    basis: str | None = _left_out("What the coding of domains and levers rests on")


class Commitment(ProfileBlock):
    """What the city has committed itself to."""

    neutral_by: int | None = _left_out(
        "Year of the city's climate-neutrality target", "year", ge=2020, le=2100
    )
    neutral_by_at_latest: int | None = _left_out(
        "A year by which neutrality is promised, where the exact year is not known",
        "year",
        ge=2020,
        le=2100,
    )
    basis: str | None = _left_out("What the statement rests on")


class Participation(ProfileBlock):
    """What the city can put into an exchange."""

    staff_hours_a_month: float | None = _left_out(
        "Staff hours the city can give, at least", "hours a month", ge=0, le=10_000
    )
    english: Literal["A1", "A2", "B1", "B2", "C1", "C2"] | None = _left_out(
        "English of the team, at least (CEFR level)"
    )
    guests_at_most: int | None = _left_out(
        "Guest cities that the city can host in a round", "cities", ge=0, le=50
    )
    guests_at_least: int | None = _left_out(
        "Guest cities without which the city will not host", "cities", ge=0, le=50
    )
    programmes: tuple[str, ...] = _left_out(
        "Twinning programmes the city took part in, as a guest or peer", default=()
    )
    visitors_at_most: int | None = _left_out(
        "Visiting cities that the city can receive at once", "cities", ge=0, le=200
    )
    weeks: tuple[Annotated[str, Field(pattern=r"^\d{4}-W(0[1-9]|[1-4]\d|5[0-3])$")], ...] = (
        _left_out(
            "Weeks in which the city can travel or receive visitors, such as 2027-W14", default=()
        )
    )
    newcomer: bool | None = _left_out("Whether this would be the city's first exchange programme")
    people: int | None = _left_out(
        "People who can take a task as a host or lead", "people", ge=0, le=100
    )
    hours_at_most: float | None = _left_out(
        "Staff hours that the city can give over all formats, at most",
        "hours a month",
        ge=0,
        le=10_000,
    )
    trips_at_most: int | None = _left_out(
        "Journeys that the city can make in a round, at most", "journeys", ge=0, le=100
    )
    basis: str | None = _left_out("What the statements rest on")


class Sectors(ProfileBlock):
    """Emissions by sector; a number in t CO2e, or a notation key where there is none."""

    stationary_energy: CellValue = _left_out(
        "Stationary energy: heat, fuels in buildings", "t CO2e", default=Notation.BLANK
    )
    electricity: CellValue | None = _left_out(
        "Electricity, where the form keeps it apart from stationary energy", "t CO2e"
    )
    industry_energy: CellValue | None = _left_out(
        "Energy used in industry, where kept apart", "t CO2e"
    )
    energy_industries: CellValue | None = _left_out(
        "Power and heat plants, where kept apart", "t CO2e"
    )
    transport: CellValue = _left_out("Transport", "t CO2e", default=Notation.BLANK)
    waste: CellValue = _left_out("Waste and waste water", "t CO2e", default=Notation.BLANK)
    ippu: CellValue = _left_out(
        "Industrial processes and product use", "t CO2e", default=Notation.BLANK
    )
    afolu: CellValue = _left_out(
        "Agriculture, forestry and other land use, sources only", "t CO2e", default=Notation.BLANK
    )
    other: CellValue | None = _left_out(
        "What the form lumps together (in the economic form: IPPU and AFOLU, never split)", "t CO2e"
    )


class Scopes(ProfileBlock):
    """Emissions by scope, as printed; not the same cut as the sectors, and never added to them."""

    scope_1: Tonnes | None = _left_out("Scope 1: sources inside the boundary", "t CO2e")
    scope_2: Tonnes | None = _left_out(
        "Scope 2: grid-supplied energy used inside the boundary", "t CO2e"
    )
    scope_3: Tonnes | None = _left_out(
        "Scope 3: what happens outside because of activities inside", "t CO2e"
    )


class Emissions(ProfileBlock):
    """An inventory as the city printed it: year, form, boundary, sectors; removals are kept apart."""

    year: int | None = _left_out("Year of the inventory", "year", ge=1980, le=2035)
    form: Literal["gpc", "economic", "city"] = Field(
        description="Form of the table: GPC sectors, the contract's economic sectors, or the city's own"
    )
    boundary: Literal["city", "district", "joint", "metropolitan"] = Field(
        description="What the inventory covers: the city, part of it, the city with another, or its metropolitan body"
    )
    boundary_note: Remark | None = _left_out("The boundary in words")
    boundary_population: int | None = _left_out(
        "Residents inside the boundary, where stated", "people", ge=1, le=100_000_000
    )
    sectors: Sectors = Field(description="Emissions by sector")
    scopes: Scopes | None = _left_out("Emissions by scope, where printed")
    kind: Literal["reported", "estimated"] | None = _left_out(
        "Left out or reported: the city's own inventory; estimated: a model's"
    )
    removals: float | None = _left_out(
        "Removals by land use, negative; never part of the shares", "t CO2e", ge=-MOST_TONNES, le=0
    )
    total_printed: float | None = _left_out(
        "The total that the city printed", "t CO2e", ge=0, le=MOST_TONNES
    )
    total_check: Literal["agrees", "nearly agrees", "differs", "no total printed"] = _left_out(
        "Whether the sectors add up to the printed total (within 0.5%, 2%, beyond)",
        default="no total printed",
    )
    unit_as_printed: str | None = _left_out("The unit in the source, before conversion to tonnes")
    note: Remark | None = _left_out("What a reader should know about the table")


class Figure(ProfileBlock):
    """A number with its year, and whether it was reported or estimated."""

    value: float = Field(ge=0, le=1e9, allow_inf_nan=False, description="The figure")
    year: int | None = _left_out("Year of the figure", ge=1980, le=2035)
    kind: Literal["reported", "estimated"] = _left_out(
        "Reported by the city or a statistical office, or estimated", default="reported"
    )


class Context(ProfileBlock):
    """What the city cannot choose."""

    heating_degree_days: Figure | None = _left_out("Heating degree days of a year", "kelvin days")
    gdp_per_head: Figure | None = _left_out(
        "Gross domestic product per head of the NUTS 3 region", "EUR a head"
    )
    edgar_per_head: Figure | None = _left_out(
        "Emissions per head by the gridded EDGAR estimate", "t CO2e per capita"
    )
    nuts3: str | None = _left_out("NUTS 3 region", pattern=r"^[A-Z]{2}[A-Z0-9]{1,3}$")
    degree_of_urbanisation: int | None = _left_out(
        "1 city, 2 town or suburb, 3 rural area (Eurostat DEGURBA)", ge=1, le=3
    )


class Covenant(ProfileBlock):
    """The city in the Covenant of Mayors."""

    id: str = Field(description="Identifier of the signatory (GCoM)")
    adhesion_year: int | None = _left_out("Year of adhesion", ge=2008, le=2035)
    target_2020: float | None = _left_out("Reduction target for 2020", "%", ge=0, le=100)
    target_2030: float | None = _left_out("Reduction target for 2030", "%", ge=0, le=100)


class Source(ProfileBlock):
    """Where some blocks of a profile come from."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    of: tuple[str, ...] = Field(
        min_length=1, description="The blocks that it covers, such as needs or emissions"
    )
    from_: tuple[str, ...] = Field(
        min_length=1, alias="from", description="Documents or pages, with the place"
    )
    year: int | None = _left_out(
        "Year of the latest of them, where it decides what was known when", ge=1980, le=2035
    )
    after_pairing: bool = _left_out(
        "Written after or about a pairing of the city: shown and matched, never used to test a score",
        default=False,
    )


class Version(ProfileBlock):
    """Which state of the profile this is, so that two rounds can be laid side by side."""

    number: int | None = _left_out("Number of the version, 1 is the first", ge=1)
    date: str | None = _left_out(
        "Day on which the city or its coordinator last confirmed it (YYYY-MM-DD)",
        pattern=r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$",
    )


class City(ProfileBlock):
    """One city's profile, as one file, one row of a table, or one object of the interface."""

    id: str = Field(
        pattern=CITY_ID,
        description="Identifier: country and name in lower-case ASCII, such as de-aachen",
    )
    name: str = Field(min_length=1, max_length=100, description="English name")
    local_name: str | None = _left_out("Name in the city's own language")
    country: CountryCode = Field(
        description="Country, ISO 3166-1 alpha-2 (EL and UK are read as GR and GB)"
    )
    roles: tuple[Role, ...] = _left_out(
        "What the city is in the programme: mission, pilot, guest", default=()
    )
    location: Location | None = _left_out("Where the city lies")
    population: Population | None = _left_out("How many people live there")
    languages: tuple[LanguageCode, ...] = _left_out(
        "Working languages of the team, ISO 639-1", default=()
    )
    official_languages: tuple[LanguageCode, ...] = _left_out(
        "Languages in official use in the place, ISO 639-1", default=()
    )
    mission: Mission | None = _left_out("Place among the Mission Cities")
    pilot: Pilot | None = _left_out("The city's own pilot activity")
    commitment: Commitment | None = _left_out("Climate-neutrality commitment")
    participation: Participation | None = _left_out("What the city can put into an exchange")
    needs: Text | None = _left_out(
        "What the city wants to learn, in its words or ours; English, or another language where the round "
        "runs with twinmatch[multilingual]"
    )
    offers: Text | None = _left_out("What the city can show, in its words or ours")
    challenges: Domains | None = _left_out(
        "Domains in which the city struggles, weight 1 to 3; a list names them without a weight"
    )
    strengths: Domains | None = _left_out(
        "Domains in which the city is strong, weight 1 to 3; a list names them without a weight"
    )
    seeks: tuple[Topic, ...] | None = _left_out(
        "Topics that the city wants to learn about, as it set them; left out, its needs suggest them"
    )
    shows: tuple[Topic, ...] | None = _left_out(
        "Topics that the city can show something of, as it set them; left out, its texts suggest them"
    )
    hosts_on: tuple[Topic, ...] = _left_out(
        "Topics on which alone the city takes guests; left out, on any", default=()
    )
    levers_needed: tuple[Lever, ...] | None = _left_out("Levers the city lacks")
    levers_offered: tuple[Lever, ...] | None = _left_out("Levers the city can show")
    readiness: dict[Dimension, Level] | None = _left_out(
        "Climate readiness by dimension, 0 to 4; half a level is noise", "level 0-4"
    )
    readiness_estimated: dict[Dimension, Level] | None = _left_out(
        "Readiness inferred from proxies (label, Covenant plan, targets): an estimate, never compared as stated",
        "level 0-4",
    )
    emissions: Emissions | None = _left_out("Emissions inventory")
    context: Context | None = _left_out("What the city cannot choose")
    covenant: Covenant | None = _left_out("The city in the Covenant of Mayors")
    wishes: tuple[str, ...] = _left_out(
        "Host cities or units that the guest asked for, best first", default=()
    )
    refuses: tuple[str, ...] = _left_out(
        "Cities or units that the city will neither be paired with nor meet on a study visit",
        default=(),
    )
    welcomes: tuple[str, ...] = _left_out(
        "Guest cities that the host asked for, best first", default=()
    )
    own_labels: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] | None = _left_out(
        "Labels of the programme's own, such as a lot or a wave, by which rules may count"
    )
    sources: tuple[Source, ...] = _left_out("Where each block comes from", default=())
    version: Version | None = _left_out("Which state of the profile this is")
    note: Remark | None = _left_out("What a reader should know about the profile")

    BLOCKS: ClassVar[tuple[str, ...]] = (
        *("location", "population", "languages", "commitment", "participation", "needs", "offers"),
        *("challenges", "strengths", "levers_needed", "levers_offered", "readiness"),
        *("emissions", "context"),
    )
    """The blocks whose absence is a gap worth naming."""

    @field_validator("country")
    @classmethod
    def _known_country(cls, code: str) -> str:
        if not is_country(code):
            raise ValueError("no country has this code (two letters, ISO 3166-1 alpha-2)")
        return code

    @model_validator(mode="after")
    def _id_matches_country(self) -> City:
        if self.id[:2].upper() != self.country and ALIASES.get(self.id[:2].upper()) != self.country:
            raise ValueError(f"the id {self.id!r} does not begin with the country {self.country!r}")
        return self

    def __repr__(self) -> str:
        said = (self.id, self.name, *(role.value for role in self.roles))
        return f"<City {', '.join(said)}>"

    __str__ = __repr__

    def has(self, role: Role) -> bool:
        """Return whether the city has the role."""
        return role in self.roles

    def source_of(self, block: str) -> str:
        """Return the sources of a block, joined, or an empty text where none is stated."""
        return "; ".join(
            text for source in self.sources if block in source.of for text in source.from_
        )


class HostUnit(ProfileBlock):
    """Cities that act as one host: a multi-city pilot."""

    id: str = Field(pattern=UNIT_ID, description="Identifier, such as unit-let-s-gov")
    name: str = Field(min_length=1, description="Title of the pilot")
    cities: tuple[str, ...] = Field(min_length=1, description="Identifiers of the member cities")
    pilot: Pilot | None = _left_out("The pilot activity that the members share")
    guests_at_most: int | None = _left_out(
        "Guest cities that the unit can host in a round", "cities", ge=0, le=50
    )
    guests_at_least: int | None = _left_out(
        "Guest cities without which the unit will not host", "cities", ge=0, le=50
    )
    hosts_on: tuple[Topic, ...] = _left_out(
        "Topics on which alone the unit takes guests; left out, on those of its cities", default=()
    )
    sources: tuple[str, ...] = _left_out("Where the unit's facts come from", default=())


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a city profile, as it is written to schema.json."""
    schema = City.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:twinmatch:schema:city:{SCHEMA_VERSION}",
        "version": SCHEMA_VERSION,
        **schema,
    }
