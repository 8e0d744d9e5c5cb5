"""The profile of a city and of a host unit, each field once: name, meaning, unit, range.

These models are the domain's own nouns (there is no second set of classes). ``data/city_profiles/schema.json``,
the field reference in the documentation and the columns of a spreadsheet are made from them. A field that is
left out is *not known*: nowhere does an absent value mean zero, no or none.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator

from twinmatch.vocabulary import Described
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


def _country_code(value: str) -> str:
    """Return the ISO code of a country; EL and UK are read as the codes that they stand for."""
    if not is_country(code := ALIASES.get(value, value)):
        raise ValueError("no country has this code (two letters, ISO 3166-1 alpha-2)")
    return code


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


CountryCode = Annotated[str, AfterValidator(_country_code)]
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


def _field(unit: str = "", default: object = None, **limits: Any) -> Any:
    """Return a field with its unit, limits (``ge``, ``le``, ``pattern``) and words over its column (``title``).

    It may be left out unless its default is ``...``.
    """
    return Field(default, json_schema_extra={"unit": unit} if unit else None, **limits)


class ProfileBlock(Described):
    """A part of a profile; unknown fields are errors and nothing can be changed after reading."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Location(ProfileBlock):
    """Where the city lies."""

    lat: float = _field("degrees north", default=..., ge=-90, le=90, title="Latitude")
    """Latitude, WGS 84"""
    lon: float = _field("degrees east", default=..., ge=-180, le=180, title="Longitude")
    """Longitude, WGS 84"""


class Population(ProfileBlock):
    """How many people live there."""

    value: int = _field("people", default=..., ge=1, le=50_000_000, title="Population")
    """Residents"""
    year: int | None = _field("year", ge=1980, le=2035)
    """Year of the figure"""
    of: Literal["municipality", "settlement", "core municipality", "region"] = _field(
        default="municipality", title="Population counts"
    )
    """What the figure counts; only the first two are taken for the city as a whole"""
    note: Remark | None = None
    """What a reader should know about the figure"""


class Mission(ProfileBlock):
    """The city's place among the Mission Cities."""

    label_awarded: str | None = _field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")
    """Month of the Mission Label (YYYY-MM)"""
    note: Remark | None = None
    """Perimeter of the Mission entry, or another remark"""


class Pilot(ProfileBlock):
    """A pilot activity: what a host shows. A city's own stands in its profile, a shared one in the host unit."""

    activity: str
    """Title of the activity"""
    cohort: int = Field(ge=1)
    """Cohort of the Pilot Cities Programme"""
    domains: tuple[Domain, ...] = ()
    """Emissions domains of the activity"""
    levers: tuple[Lever, ...] = ()
    """Levers of change that the activity works on"""
    summary: Text | None = None
    """What the activity is about"""
    basis: str | None = None
    """What the coding of domains and levers rests on"""


class Commitment(ProfileBlock):
    """What the city has committed itself to."""

    neutral_by: int | None = _field("year", ge=2020, le=2100, title="Climate-neutral by")
    """Year of the city's climate-neutrality target"""
    neutral_by_at_latest: int | None = _field(
        "year", ge=2020, le=2100, title="Climate-neutral by, at the latest"
    )
    """A year by which neutrality is promised, where the exact year is not known"""
    basis: str | None = None
    """What the statement rests on"""


class Participation(ProfileBlock):
    """What the city can put into an exchange."""

    staff_hours_a_month: float | None = _field(
        "hours a month", ge=0, le=10_000, title="Staff hours a month"
    )
    """Staff hours the city can give, at least"""
    english: Literal["A1", "A2", "B1", "B2", "C1", "C2"] | None = _field(
        title="English of the team"
    )
    """English of the team, at least (CEFR level)"""
    guests_at_most: int | None = _field("cities", ge=0, le=50)
    """Guest cities that the city can host in a round"""
    guests_at_least: int | None = _field("cities", ge=0, le=50)
    """Guest cities without which the city will not host"""
    programmes: tuple[str, ...] = ()
    """Twinning programmes the city took part in, as a guest or peer"""
    visitors_at_most: int | None = _field("cities", ge=0, le=200)
    """Visiting cities that the city can receive at once"""
    weeks: tuple[Annotated[str, Field(pattern=r"^\d{4}-W(0[1-9]|[1-4]\d|5[0-3])$")], ...] = ()
    """Weeks in which the city can travel or receive visitors, such as 2027-W14"""
    newcomer: bool | None = None
    """Whether this would be the city's first exchange programme"""
    people: int | None = _field("people", ge=0, le=100)
    """People who can take a task as a host or lead"""
    hours_at_most: float | None = _field("hours a month", ge=0, le=10_000)
    """Staff hours that the city can give over all formats, at most"""
    trips_at_most: int | None = _field("journeys", ge=0, le=100)
    """Journeys that the city can make in a round, at most"""
    basis: str | None = None
    """What the statements rest on"""


class Sectors(ProfileBlock):
    """Emissions by sector; a number in t CO2e, or a notation key where there is none."""

    stationary_energy: CellValue = _field("t CO2e", default=Notation.BLANK)
    """Stationary energy: heat, fuels in buildings"""
    electricity: CellValue | None = _field("t CO2e")
    """Electricity, where the form keeps it apart from stationary energy"""
    industry_energy: CellValue | None = _field("t CO2e")
    """Energy used in industry, where kept apart"""
    energy_industries: CellValue | None = _field("t CO2e")
    """Power and heat plants, where kept apart"""
    transport: CellValue = _field("t CO2e", default=Notation.BLANK)
    """Transport"""
    waste: CellValue = _field("t CO2e", default=Notation.BLANK)
    """Waste and waste water"""
    ippu: CellValue = _field("t CO2e", default=Notation.BLANK)
    """Industrial processes and product use"""
    afolu: CellValue = _field("t CO2e", default=Notation.BLANK)
    """Agriculture, forestry and other land use, sources only"""
    other: CellValue | None = _field("t CO2e")
    """What the form lumps together (in the economic form: IPPU and AFOLU, never split)"""


class Scopes(ProfileBlock):
    """Emissions by scope, as printed; not the same cut as the sectors, and never added to them."""

    scope_1: Tonnes | None = _field("t CO2e")
    """Scope 1: sources inside the boundary"""
    scope_2: Tonnes | None = _field("t CO2e")
    """Scope 2: grid-supplied energy used inside the boundary"""
    scope_3: Tonnes | None = _field("t CO2e")
    """Scope 3: what happens outside because of activities inside"""


class Emissions(ProfileBlock):
    """An inventory as the city printed it: year, form, boundary, sectors; removals are kept apart."""

    year: int | None = _field("year", ge=1980, le=2035, title="Inventory year")
    """Year of the inventory"""
    form: Literal["gpc", "economic", "city"] = Field(title="Form of the table")
    """Form of the table: GPC sectors, the contract's economic sectors, or the city's own"""
    boundary: Literal["city", "district", "joint", "metropolitan"] = Field(title="Boundary")
    """What the inventory covers: the city, part of it, the city with another, or its metropolitan body"""
    boundary_note: Remark | None = None
    """The boundary in words"""
    boundary_population: int | None = _field(
        "people", ge=1, le=100_000_000, title="Population inside the boundary"
    )
    """Residents inside the boundary, where stated"""
    sectors: Sectors
    """Emissions by sector"""
    scopes: Scopes | None = None
    """Emissions by scope, where printed"""
    kind: Literal["reported", "estimated"] | None = None
    """Left out or reported: the city's own inventory; estimated: a model's"""
    removals: float | None = _field("t CO2e", ge=-MOST_TONNES, le=0)
    """Removals by land use, negative; never part of the shares"""
    total_printed: float | None = _field("t CO2e", ge=0, le=MOST_TONNES, title="Total as printed")
    """The total that the city printed"""
    total_check: Literal["agrees", "nearly agrees", "differs", "no total printed"] = (
        "no total printed"
    )
    """Whether the sectors add up to the printed total (within 0.5%, 2%, beyond)"""
    unit_as_printed: str | None = None
    """The unit in the source, before conversion to tonnes"""
    note: Remark | None = None
    """What a reader should know about the table"""


class Figure(ProfileBlock):
    """A number with its year, and whether it was reported or estimated."""

    value: float = Field(ge=0, le=1e9, allow_inf_nan=False)
    """The figure"""
    year: int | None = _field(ge=1980, le=2035)
    """Year of the figure"""
    kind: Literal["reported", "estimated"] = "reported"
    """Reported by the city or a statistical office, or estimated"""


class Context(ProfileBlock):
    """What the city cannot choose."""

    heating_degree_days: Figure | None = _field("kelvin days")
    """Heating degree days of a year"""
    gdp_per_head: Figure | None = _field("EUR a head")
    """Gross domestic product per head of the NUTS 3 region"""
    edgar_per_head: Figure | None = _field("t CO2e per capita")
    """Emissions per head by the gridded EDGAR estimate"""
    nuts3: str | None = _field(pattern=r"^[A-Z]{2}[A-Z0-9]{1,3}$")
    """NUTS 3 region"""
    degree_of_urbanisation: int | None = _field(ge=1, le=3)
    """1 city, 2 town or suburb, 3 rural area (Eurostat DEGURBA)"""


class Covenant(ProfileBlock):
    """The city in the Covenant of Mayors."""

    id: str
    """Identifier of the signatory (GCoM)"""
    adhesion_year: int | None = _field(ge=2008, le=2035)
    """Year of adhesion"""
    target_2020: float | None = _field("%", ge=0, le=100)
    """Reduction target for 2020"""
    target_2030: float | None = _field("%", ge=0, le=100)
    """Reduction target for 2030"""


class Source(ProfileBlock):
    """Where some blocks of a profile come from."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    of: tuple[str, ...] = Field(min_length=1)
    """The blocks that it covers, such as needs or emissions"""
    from_: tuple[str, ...] = Field(min_length=1, alias="from")
    """Documents or pages, with the place"""
    year: int | None = _field(ge=1980, le=2035)
    """Year of the latest of them, where it decides what was known when"""
    after_pairing: bool = False
    """Written after or about a pairing of the city: shown and matched, never used to test a score"""


class Version(ProfileBlock):
    """Which state of the profile this is, so that two rounds can be laid side by side."""

    number: int | None = _field(ge=1, title="Version of the profile")
    """Number of the version, 1 is the first"""
    date: str | None = _field(
        pattern=r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$", title="Confirmed on"
    )
    """Day on which the city or its coordinator last confirmed it (YYYY-MM-DD)"""


class City(ProfileBlock):
    """One city's profile, as one file, one row of a table, or one object of the interface."""

    id: str = Field(pattern=CITY_ID, title="Identifier")
    """Identifier: country and name in lower-case ASCII, such as de-aachen"""
    name: str = Field(min_length=1, max_length=100, title="City (English name)")
    """English name"""
    local_name: str | None = _field(title="City (own language)")
    """Name in the city's own language"""
    country: CountryCode = Field(title="Country")
    """Country, ISO 3166-1 alpha-2 (EL and UK are read as GR and GB)"""
    roles: tuple[Role, ...] = _field(default=(), title="Roles")
    """What the city is in the programme: mission, pilot, guest"""
    location: Location | None = None
    """Where the city lies"""
    population: Population | None = None
    """How many people live there"""
    languages: tuple[LanguageCode, ...] = _field(default=(), title="Working languages")
    """Working languages of the team, ISO 639-1"""
    official_languages: tuple[LanguageCode, ...] = _field(default=(), title="Official languages")
    """Languages in official use in the place, ISO 639-1"""
    mission: Mission | None = None
    """Place among the Mission Cities"""
    pilot: Pilot | None = None
    """The city's own pilot activity"""
    commitment: Commitment | None = None
    """Climate-neutrality commitment"""
    participation: Participation | None = None
    """What the city can put into an exchange"""
    needs: Text | None = _field(title="What we want to learn")
    """What the city wants to learn, in its words or ours; English, or another language where the round runs with twinmatch[multilingual]"""
    offers: Text | None = _field(title="What we can show")
    """What the city can show, in its words or ours"""
    challenges: Domains | None = _field(title="Domains: where we struggle")
    """Domains in which the city struggles, weight 1 to 3; a list names them without a weight"""
    strengths: Domains | None = _field(title="Domains: where we are strong")
    """Domains in which the city is strong, weight 1 to 3; a list names them without a weight"""
    seeks: tuple[Topic, ...] | None = _field(title="Topics we want to learn about")
    """Topics that the city wants to learn about, as it set them; left out, its needs suggest them"""
    shows: tuple[Topic, ...] | None = _field(title="Topics we can show something of")
    """Topics that the city can show something of, as it set them; left out, its texts suggest them"""
    hosts_on: tuple[Topic, ...] = _field(default=(), title="Topics on which alone we take guests")
    """Topics on which alone the city takes guests; left out, on any"""
    levers_needed: tuple[Lever, ...] | None = _field(title="Levers we lack")
    """Levers the city lacks"""
    levers_offered: tuple[Lever, ...] | None = _field(title="Levers we can show")
    """Levers the city can show"""
    readiness: dict[Dimension, Level] | None = _field("level 0-4")
    """Climate readiness by dimension, 0 to 4; half a level is noise"""
    readiness_estimated: dict[Dimension, Level] | None = _field("level 0-4")
    """Readiness inferred from proxies (label, Covenant plan, targets): an estimate, never compared as stated"""
    emissions: Emissions | None = None
    """Emissions inventory"""
    context: Context | None = None
    """What the city cannot choose"""
    covenant: Covenant | None = None
    """The city in the Covenant of Mayors"""
    wishes: tuple[str, ...] = _field(default=(), title="Hosts we ask for")
    """Host cities or units that the guest asked for, best first"""
    refuses: tuple[str, ...] = _field(default=(), title="Not to be matched with")
    """Cities or units that the city will neither be paired with nor meet on a study visit"""
    welcomes: tuple[str, ...] = _field(default=(), title="Guests we ask for")
    """Guest cities that the host asked for, best first"""
    wishes_unordered: bool | None = _field(title="Cities we ask for, in no order")
    """Whether the cities asked for stand in no order, such as ticked ones; left out, they stand best first"""
    own_labels: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] | None = None
    """Labels of the programme's own, such as a lot or a wave, by which rules may count"""
    sources: tuple[Source, ...] = ()
    """Where each block comes from"""
    version: Version | None = None
    """Which state of the profile this is"""
    note: Remark | None = None
    """What a reader should know about the profile"""

    BLOCKS: ClassVar[tuple[str, ...]] = (
        *("location", "population", "languages", "commitment", "participation", "needs", "offers"),
        *("challenges", "strengths", "levers_needed", "levers_offered", "readiness"),
        *("emissions", "context"),
    )
    """The blocks whose absence is a gap worth naming."""

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

    def wish_for(self, names: Collection[str]) -> str:
        """Return which wish a host of these ids is: its place, "✓" where wishes stand in no order, "" for none."""
        place = next((k for k, name in enumerate(self.wishes, 1) if name in names), 0)
        return ("✓" if self.wishes_unordered else str(place)) if place else ""

    def source_of(self, block: str) -> str:
        """Return the sources of a block, joined, or an empty text where none is stated."""
        return "; ".join(
            text for source in self.sources if block in source.of for text in source.from_
        )


class HostUnit(ProfileBlock):
    """Cities that act as one host: a multi-city pilot."""

    id: str = Field(pattern=UNIT_ID, title="Identifier")
    """Identifier, such as unit-let-s-gov"""
    name: str = Field(min_length=1)
    """Title of the pilot"""
    cities: tuple[str, ...] = Field(min_length=1)
    """Identifiers of the member cities"""
    pilot: Pilot | None = None
    """The pilot activity that the members share"""
    guests_at_most: int | None = _field("cities", ge=0, le=50)
    """Guest cities that the unit can host in a round"""
    guests_at_least: int | None = _field("cities", ge=0, le=50)
    """Guest cities without which the unit will not host"""
    hosts_on: tuple[Topic, ...] = _field(default=(), title="Topics on which alone we take guests")
    """Topics on which alone the unit takes guests; left out, on those of its cities"""
    sources: tuple[str, ...] = ()
    """Where the unit's facts come from"""


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a city profile, as it is written to schema.json."""
    schema = City.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:twinmatch:schema:city:{SCHEMA_VERSION}",
        "version": SCHEMA_VERSION,
        **schema,
    }
