"""The codes that a profile speaks in: domains, levers, dimensions of readiness, and topics, the finest of them.

A profile names topics under ``seeks`` and ``shows``; where it does not, a classifier suggests them from its sentences
(:mod:`twinmatch.embedding.sentences`). Codes are stored in profiles, labels and models: a code is never renamed,
and new ones are added at the end.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from twinmatch.wording import raised, say


class Domain(StrEnum):
    """Where emissions are cut. ``stationary_energy`` is the wider of the programme's two vocabularies."""

    BUILT_ENVIRONMENT = "built_environment"
    ENERGY_SYSTEMS = "energy_systems"
    STATIONARY_ENERGY = "stationary_energy"
    MOBILITY_TRANSPORT = "mobility_transport"
    WASTE_CIRCULAR_ECONOMY = "waste_circular_economy"
    INDUSTRY = "industry"
    NATURE_BASED_SOLUTIONS = "nature_based_solutions"


class Lever(StrEnum):
    """What moves a transition in every domain."""

    CULTURE_BEHAVIOUR = "culture_behaviour"
    DATA_DIGITALISATION = "data_digitalisation"
    DEMOCRACY_PARTICIPATION = "democracy_participation"
    FINANCE_FUNDING = "finance_funding"
    GOVERNANCE_POLICY = "governance_policy"
    LEARNING_CAPABILITIES = "learning_capabilities"
    PROCUREMENT = "procurement"
    REGULATION_NATIONAL = "regulation_national"
    SOCIAL_INNOVATION = "social_innovation"
    TECHNOLOGY_INFRASTRUCTURE = "technology_infrastructure"


class Dimension(StrEnum):
    """A dimension of climate readiness, each on the ordinal scale 0 (absent) to 4 (at full strength)."""

    MANDATE = "mandate"
    INVENTORY = "inventory"
    TARGET = "target"
    PLAN = "plan"
    FINANCE = "finance"
    DELIVERY = "delivery"
    LEARNING = "learning"
    ECOSYSTEM = "ecosystem"
    MAINSTREAM = "mainstream"
    ADAPTATION = "adaptation"


class Topic(StrEnum):
    """A topic: its code, its wording inside a sentence, the code of its domain or lever, what it covers."""

    wording: str
    area: str
    """The domain in which it cuts emissions, or the lever of change that it is part of."""
    examples: str

    def __new__(cls, code: str, wording: str, area: str, examples: str) -> Topic:
        """Return the topic of a row of the table below."""
        topic = str.__new__(cls, code)
        topic._value_ = code
        topic.wording, topic.area, topic.examples = say(wording), area, examples
        return topic

    @property
    def heading(self) -> str:
        """Return the wording as a heading."""
        return raised(self.wording)

    DISTRICT_HEATING_COOLING = (
        "district_heating_cooling",
        "district heating and cooling",
        "energy_systems",
        "heat networks, large heat pumps, waste heat, district cooling, heat grids, heat plants, geothermal heat",
    )
    HEAT_PLANNING = (
        "heat_planning",
        "heat planning",
        "energy_systems",
        "municipal heat plans, zones for networks, phasing out gas grids",
    )
    HEAT_PUMPS_BOILERS = (
        "heat_pumps_boilers",
        "heat pumps and replacing boilers",
        "built_environment",
        "heat pumps, oil and coal boilers replaced, connection grants",
    )
    SOLAR_WIND_POWER = (
        "solar_wind_power",
        "solar and wind power",
        "energy_systems",
        "rooftop solar, solar parks, wind farms, solar cadastres, photovoltaics, PV, turbines",
    )
    ENERGY_COMMUNITIES = (
        "energy_communities",
        "energy communities",
        "energy_systems",
        "shared solar power, energy cooperatives, citizens as co-owners",
    )
    GRID_STORAGE_FLEXIBILITY = (
        "grid_storage_flexibility",
        "power grids, storage and flexibility",
        "energy_systems",
        "grid capacity, batteries, smart charging, demand response",
    )
    HYDROGEN_CCS = (
        "hydrogen_ccs",
        "hydrogen and carbon capture",
        "industry",
        "electrolysers, hydrogen buses, capture and storage of carbon",
    )
    HOME_RENOVATION = (
        "home_renovation",
        "renovating homes",
        "built_environment",
        "private flats and houses, owners' associations, insulation, homes, apartments, condominiums, retrofits, refurbishment",
    )
    SOCIAL_HOUSING_ENERGY_POVERTY = (
        "social_housing_energy_poverty",
        "social housing and energy poverty",
        "built_environment",
        "housing companies, vulnerable households, tenants, council homes, poor households",
    )
    PUBLIC_BUILDING_RENOVATION = (
        "public_building_renovation",
        "renovating public buildings",
        "built_environment",
        "schools, town halls, sports halls, energy management, kindergartens, hospitals, municipal buildings",
    )
    HERITAGE_BUILDINGS = (
        "heritage_buildings",
        "listed buildings and old towns",
        "built_environment",
        "heritage permits, historic centres, monuments",
    )
    NEW_BUILD_CIRCULAR_CONSTRUCTION = (
        "new_build_circular_construction",
        "new buildings and circular construction",
        "built_environment",
        "timber, embodied carbon, reused materials, new quarters",
    )
    ONE_STOP_SHOP_ADVICE = (
        "one_stop_shop_advice",
        "one-stop shops and advice for owners",
        "learning_capabilities",
        "renovation advice, energy agencies, help desks",
    )
    POSITIVE_ENERGY_DISTRICTS = (
        "positive_energy_districts",
        "positive energy districts",
        "energy_systems",
        "quarters that make more energy than they use",
    )
    PUBLIC_TRANSPORT = (
        "public_transport",
        "public transport",
        "mobility_transport",
        "trams, metro, bus networks, fares, electric buses",
    )
    ELECTRIC_VEHICLES_CHARGING = (
        "electric_vehicles_charging",
        "electric vehicles and charging",
        "mobility_transport",
        "charging points, shared electric cars, municipal cars",
    )
    CYCLING_WALKING = (
        "cycling_walking",
        "cycling and walking",
        "mobility_transport",
        "cycle networks, bike sharing, safe pavements, bicycles, pedestrians",
    )
    CAR_TRAFFIC_PARKING_LOW_EMISSION_ZONES = (
        "car_traffic_parking_low_emission_zones",
        "car traffic, parking and low-emission zones",
        "mobility_transport",
        "parking fees, superblocks, access rules, fewer cars",
    )
    FREIGHT_LOGISTICS = (
        "freight_logistics",
        "freight and city logistics",
        "mobility_transport",
        "cargo bikes, delivery hubs, zero-emission deliveries",
    )
    PORTS_SHIPPING_AVIATION = (
        "ports_shipping_aviation",
        "ports, shipping and airports",
        "mobility_transport",
        "shore power, ferries, cruise ships, airports",
    )
    COMMUTING_SPRAWL_REGION = (
        "commuting_sprawl_region",
        "commuting and the wider region",
        "mobility_transport",
        "commuters, sprawl, regional rail, park and ride",
    )
    WASTE_PREVENTION_RECYCLING = (
        "waste_prevention_recycling",
        "waste prevention and recycling",
        "waste_circular_economy",
        "separate collection, bio-waste, pay as you throw",
    )
    WASTE_TO_ENERGY = (
        "waste_to_energy",
        "energy from waste",
        "waste_circular_economy",
        "incineration, biogas, landfill gas",
    )
    CIRCULAR_ECONOMY = (
        "circular_economy",
        "circular economy",
        "waste_circular_economy",
        "reuse, repair, circular firms, material flows",
    )
    WATER_WASTEWATER = (
        "water_wastewater",
        "water and waste water",
        "waste_circular_economy",
        "treatment plants, sewage sludge, leaks, drinking water",
    )
    URBAN_GREENING_NATURE = (
        "urban_greening_nature",
        "urban greening and nature",
        "nature_based_solutions",
        "trees, parks, green corridors, biodiversity, greenery, forests",
    )
    ADAPTATION_HEAT_FLOOD = (
        "adaptation_heat_flood",
        "adaptation to heat and floods",
        "nature_based_solutions",
        "heat islands, storm water, drought, resilience, rain, shade, wildfire",
    )
    AGRICULTURE_FORESTRY_FOOD = (
        "agriculture_forestry_food",
        "agriculture, forestry and food",
        "nature_based_solutions",
        "farms, school meals, short food chains, woods",
    )
    CARBON_SINKS_OFFSETTING = (
        "carbon_sinks_offsetting",
        "carbon sinks and residual emissions",
        "nature_based_solutions",
        "offsets, wetlands, biochar, the last tonnes",
    )
    INDUSTRY_DECARBONISATION = (
        "industry_decarbonisation",
        "industry and process heat",
        "industry",
        "steel, cement, chemicals, industrial parks, process heat",
    )
    JUST_TRANSITION_COAL = (
        "just_transition_coal",
        "just transition from coal",
        "social_innovation",
        "mining regions, coal plants, new jobs",
    )
    CLIMATE_BUDGET_MUNICIPAL_FINANCE = (
        "climate_budget_municipal_finance",
        "climate budgets and municipal finance",
        "finance_funding",
        "carbon budgets in the budget, own funds, debt limits",
    )
    PUBLIC_GRANTS_FUNDING = (
        "public_grants_funding",
        "public grants and funding",
        "finance_funding",
        "EU funds, national programmes, subsidies",
    )
    PRIVATE_CAPITAL_BANKS_BONDS = (
        "private_capital_banks_bonds",
        "private capital, banks and bonds",
        "finance_funding",
        "green bonds, development banks, investors, funds, loans, private capital",
    )
    BUSINESS_MODELS_ESCO_PPP = (
        "business_models_esco_ppp",
        "business models, energy services and partnerships",
        "finance_funding",
        "energy performance contracts, concessions, revolving funds",
    )
    PUBLIC_PROCUREMENT = (
        "public_procurement",
        "public procurement",
        "procurement",
        "green tenders, joint purchasing, life-cycle cost",
    )
    NATIONAL_LAW_REGULATION = (
        "national_law_regulation",
        "national law and regulation",
        "regulation_national",
        "laws that hinder, powers that cities lack, tariffs",
    )
    LOCAL_RULES_PERMITS_PLANNING = (
        "local_rules_permits_planning",
        "local rules, permits and planning",
        "governance_policy",
        "zoning, building permits, land-use plans",
    )
    CROSS_DEPARTMENT_GOVERNANCE = (
        "cross_department_governance",
        "work across departments",
        "governance_policy",
        "climate teams, silos, steering groups, climate offices, managers, committees",
    )
    MULTILEVEL_NEIGHBOURS_GOVERNANCE = (
        "multilevel_neighbours_governance",
        "work with neighbours, region and state",
        "governance_policy",
        "metropolitan bodies, agreements with the state, networks of cities, regional authorities, ministries",
    )
    POLITICAL_MANDATE_CONTINUITY = (
        "political_mandate_continuity",
        "political mandate and continuity",
        "governance_policy",
        "council majorities, elections, cross-party pacts",
    )
    BUSINESS_PARTNERS_CONTRACTS = (
        "business_partners_contracts",
        "contracts with local business and partners",
        "governance_policy",
        "climate pacts, local green deals, signatories, agreements with firms and associations, alliances, partnerships",
    )
    CITIZEN_PARTICIPATION = (
        "citizen_participation",
        "citizen participation",
        "democracy_participation",
        "assemblies, participatory budgets, neighbourhood forums, residents, citizens, volunteers, consultation",
    )
    BEHAVIOUR_EDUCATION_CAMPAIGNS = (
        "behaviour_education_campaigns",
        "behaviour, education and campaigns",
        "culture_behaviour",
        "schools, nudges, energy saving, awareness",
    )
    SOCIAL_JUSTICE_INCLUSION = (
        "social_justice_inclusion",
        "social justice and inclusion",
        "social_innovation",
        "who pays, gender, migrants, poorer quarters",
    )
    MUNICIPAL_STAFF_CAPACITY = (
        "municipal_staff_capacity",
        "municipal staff and skills",
        "learning_capabilities",
        "too few engineers, training of officials",
    )
    WORKFORCE_BUILDERS_SKILLS = (
        "workforce_builders_skills",
        "skilled workers and trades",
        "learning_capabilities",
        "installers, craftsmen, vocational training",
    )
    EMISSIONS_DATA_MONITORING = (
        "emissions_data_monitoring",
        "emissions data and monitoring",
        "data_digitalisation",
        "inventories, dashboards, annual reports, CO2 balances",
    )
    DIGITAL_TOOLS_SMART_CITY = (
        "digital_tools_smart_city",
        "digital tools and the smart city",
        "data_digitalisation",
        "digital twins, sensors, open data, platforms",
    )
    RESEARCH_LIVING_LABS = (
        "research_living_labs",
        "research and living labs",
        "technology_infrastructure",
        "universities, test areas, pilots",
    )
    CLIMATE_PLAN_PORTFOLIO = (
        "climate_plan_portfolio",
        "climate plans and portfolios",
        "governance_policy",
        "targets, action plans, sets of measures, investment plans, roadmaps, strategies, scenarios, the Covenant",
    )
    STREET_LIGHTING = (
        "street_lighting",
        "street lighting",
        "energy_systems",
        "LED lamps, lighting contracts, smart control",
    )
    MOBILITY_PLANNING = (
        "mobility_planning",
        "mobility planning",
        "mobility_transport",
        "sustainable urban mobility plans, mobility as a whole, shared mobility",
    )
    AIR_QUALITY = (
        "air_quality",
        "air quality and noise",
        "mobility_transport",
        "particulates, nitrogen dioxide, smog, noise",
    )
    MUNICIPAL_FLEETS = (
        "municipal_fleets",
        "municipal fleets",
        "procurement",
        "cars, lorries and machines that the city itself buys and runs",
    )


_NAMES: Final = {
    "built_environment": "built environment",
    "energy_systems": "energy systems",
    "stationary_energy": "buildings and energy",
    "mobility_transport": "mobility and transport",
    "waste_circular_economy": "waste and circular economy",
    "industry": "industry",
    "nature_based_solutions": "nature-based solutions",
    "culture_behaviour": "culture and behaviour",
    "data_digitalisation": "data and digitalisation",
    "democracy_participation": "democracy and participation",
    "finance_funding": "finance and funding",
    "governance_policy": "governance and policy",
    "learning_capabilities": "learning and capabilities",
    "procurement": "procurement",
    "regulation_national": "national regulation",
    "social_innovation": "social innovation",
    "technology_infrastructure": "technology and infrastructure",
    "mandate": "political mandate",
    "inventory": "emissions inventory",
    "target": "climate target",
    "plan": "action plan",
    "finance": "finance",
    "delivery": "delivery",
    "learning": "monitoring and learning",
    "ecosystem": "partners and residents",
    "mainstream": "mainstreaming",
    "adaptation": "adaptation",
    **{topic.value: topic.wording for topic in Topic},
}
NAMES: Final = {code: say(text) for code, text in _NAMES.items()}
"""The words that people read for each code of a domain, lever, dimension of readiness or topic."""
IN_TEXT: Final = NAMES | {"built_environment": say("the built environment")}
"""The same as they stand within a sentence."""
