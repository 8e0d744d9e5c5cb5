"""Plain words for a field, as forms write them over a column in the languages of European cities.

Names of countries and languages, in any official language, to codes, and the identifier that a city's name makes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Set
from functools import cache
from typing import Any, Final

from pydantic import BaseModel

from twinmatch.reading.grid import text
from twinmatch.reading.mapping import columns
from twinmatch.schema import City
from twinmatch.vocabulary.geography import (
    ALIASES,
    SAME_LANGUAGE,
    countries,
    is_country,
    language_codes,
    world,
)
from twinmatch.vocabulary.taxonomy import plain, words

SYNONYMS: Final[dict[str, str]] = {
    "id": "city id; twinmatch id",
    "name": "city; city name; name of the city; municipality; name of municipality; town; stadt; gemeinde; kommune; "
    "ville; commune; città; comune; ciudad; municipio; cidade; município; miasto; gmina; obec; město; mesto; oraș; "
    "πόλη; δήμος; град; община; stad; by; kaupunki; linn; pilsēta; miestas; grad; város; település; belediye; şehir",
    "country": "country; country code; iso country; land; staat; pays; paese; país; kraj; země; krajina; țara; χώρα; "
    "страна; държава; maa; riik; valsts; šalis; država; ország; ülke; member state",
    "local_name": "local name; original name; name in own language",
    "population.value": "population; inhabitants; number of inhabitants; residents; total population; current population; "
    "einwohner; einwohnerzahl; bevölkerung; habitants; population totale; abitanti; popolazione; habitantes; población; "
    "população; ludność; liczba mieszkańców; počet obyvatel; počet obyvateľov; locuitori; populație; πληθυσμός; население; "
    "inwoners; invånare; folkmängd; indbyggere; innbyggere; asukasluku; rahvaarv; iedzīvotāji; gyventojai; stanovništvo; "
    "prebivalstvo; lakosság; nüfus",
    "location.lat": "latitude; breitengrad; latitud; latitudine; szerokość geograficzna",
    "location.lon": "longitude; lng; längengrad; longitud; longitudine; długość geograficzna",
    "roles": "role; roles in the programme",
    "languages": "languages; working languages; sprachen; langues; lingue; idiomas; języki",
    "needs": "needs; challenges and needs; learning needs; what do you want to learn; describe your challenges; "
    "what would you like to learn; bedarf; besoins; bisogni; necesidades; potrzeby; learning interests",
    "offers": "offers; what can you offer; what can you share; what can your city share; experience to share; angebot; offres; "
    "offerta; oferta; good practices",
    "challenges": "domains of challenge; challenge domains; emissions domains; domains of interest",
    "strengths": "domains of strength; strength domains; strengths",
    "hosts_on": "topics we host on; topics on which we host; topics for guests; topics on which you can host; hosting topics",
    "levers_needed": "levers needed; levers of change needed",
    "levers_offered": "levers offered",
    "commitment.neutral_by": "climate neutrality target year; climate neutral by; net zero target year; neutrality year; "
    "target year; year of climate neutrality; klimaneutral bis; zieljahr; neutralité carbone en; neutralità climatica entro; "
    "neutralidad climática en",
    "participation.staff_hours_a_month": "staff hours a month; hours per month; staff hours per month; stunden pro monat; "
    "heures par mois; ore al mese; horas al mes",
    "participation.english": "english level; level of english; english; cefr level",
    "participation.guests_at_most": "guests at most; maximum number of guests; capacity",
    "wishes": "preferred hosts; wishes; ranked hosts; preferred pilot cities",
    "emissions.total_printed": "total emissions; total ghg emissions; emissions total; gesamtemissionen; émissions totales; "
    "emissioni totali; emisiones totales; emisje całkowite; city wide emissions; total citywide emissions",
    "emissions.year": "inventory year; base year; baseline year; year of inventory; accounting year; bezugsjahr; basisjahr; "
    "année de référence; anno di riferimento; año base; rok bazowy",
    "emissions.boundary_population": "population inside the boundary; boundary population",
    "emissions.sectors.stationary_energy": "stationary energy; stationary; buildings; gebäude; bâtiments; edifici; edificios; budynki",
    "emissions.sectors.transport": "transport; transportation; mobility; verkehr; transports; trasporti; transporte; mobilité",
    "emissions.sectors.waste": "waste; waste and wastewater; abfall; déchets; rifiuti; residuos; odpady",
    "emissions.sectors.ippu": "ippu; industrial processes and product use; industrial processes; industrieprozesse",
    "emissions.sectors.afolu": "afolu; agriculture forestry and other land use; landwirtschaft; agriculture",
    "emissions.sectors.electricity": "electricity; strom; électricité; elettricità; electricidad",
    "covenant.id": "gcom id; covenant id; covenant of mayors id",
    "note": "remarks; comments; notes; bemerkungen; anmerkungen; remarques; observaciones; uwagi",
}
"""Plain words for a field, as forms write them in the languages of European cities."""


_MORE: Final = {
    name: code
    for code, names in {
        "CZ": "czech republic; ceska republika",
        "SK": "slovak republic; slovenska republika",
        "NL": "the netherlands; holland",
        "GB": "great britain; england; scotland; wales; northern ireland; united kingdom of great "
        "britain and northern ireland",
        "IE": "republic of ireland; eire",
        "TR": "turkiye; turkey",
        "MK": "macedonia; republic of north macedonia; the former yugoslav republic of macedonia; "
        "former yugoslav republic of macedonia",
        "BA": "bosnia; bosnia and herzegovina",
        "MD": "republic of moldova; moldova republic of",
        "XK": "kosovo",
        "GR": "hellas; hellenic republic",
        "VA": "vatican",
        "RU": "russian federation",
        "US": "united states of america",
        "VN": "viet nam",
        "KR": "republic of korea",
        "PS": "state of palestine",
        "HK": "hong kong; china hong kong special administrative region",
        "LA": "lao people s democratic republic",
        "TW": "taiwan greater china",
        "CD": "democratic republic of the congo; democratic republic of congo",
        "CG": "republic of the congo",
    }.items()
    for name in words(names)
}
"""Names in use that the Unicode CLDR does not list as a country's name."""


_MORE_LANGUAGES: Final = {
    "flemish": "nl",
    "vlaams": "nl",
    "castilian": "es",
    "castellano": "es",
    "valencian": "ca",
    "montenegrin": "cnr",
    "crnogorski": "cnr",
    "moldovan": "ro",
    "bokmal": "no",
}


@cache
def country_names() -> dict[str, str]:
    """Return the code of every country name, reduced to plain letters, in all official languages and English.

    Names come from the Unicode CLDR by way of Babel. A name that two countries share is left out.
    """
    elsewhere = _sure_names("territories", set(world()))
    return elsewhere | _sure_names("territories", set(countries())) | _MORE


@cache
def language_names() -> dict[str, str]:
    """Return the code of every language's name, reduced to plain letters, in all official languages and English."""
    return _sure_names("languages", language_codes()) | _MORE_LANGUAGES


def _sure_names(kind: str, codes: Set[str]) -> dict[str, str]:
    """Return the code of each name that the CLDR has for one code alone, in all official languages and English."""
    from babel import Locale, UnknownLocaleError

    languages = {"en"} | {code for c in countries().values() for code in c.languages}
    found: dict[str, set[str]] = {}
    for language in sorted(languages):
        try:
            names = getattr(Locale.parse(language), kind)
        except (UnknownLocaleError, ValueError):
            continue
        for code in codes & set(names):
            found.setdefault(plain(names[code]), set()).add(code)
    return {name: next(iter(codes)) for name, codes in found.items() if len(codes) == 1}


@cache
def country_code(text: str) -> str | None:
    """Return the ISO 3166-1 code that a text means: a code, or a name in any official language; else None."""
    word = text.strip()
    upper = ALIASES.get(word.upper(), word.upper())
    if upper in countries() or (len(upper) == 2 and is_country(upper)):
        return upper
    if len(upper) == 3 and upper.isalpha():
        from babel.core import get_global

        codes = get_global("territory_aliases").get(upper, ())
        if len(codes) == 1 and is_country(codes[0]):
            return str(codes[0])
        return country_names().get(upper.lower())
    part, comma, whole = word.rpartition(",")  # "Scotland, United Kingdom"
    return country_names().get(plain(word)) or (country_code(whole) if comma and part else None)


@cache
def language_code(text: str) -> str | None:
    """Return the code of the language that a text means: a code, or a name in any official language; else None."""
    word = text.strip().lower()
    code = word if word in language_codes() else language_names().get(plain(word))
    return SAME_LANGUAGE.get(code, code) if code else None


@cache
def country_within(text: str) -> str | None:
    """Return the code of the one country outside Europe whose name stands among other words; else None."""
    word = f" {plain(text)} "
    names = {code: plain(country.name) for code, country in world().items()}
    hits = {code: name for code, name in names.items() if len(name) > 4 and f" {name} " in word}
    longest = max(hits.values(), key=len, default="")
    found = [code for code, name in hits.items() if name == longest and code not in countries()]
    return found[0] if len(found) == 1 else None


def city_id(country: str, name: str) -> str:
    """Return the identifier of a city: country and name in lower-case ASCII, such as ``de-munster``."""
    from anyascii import anyascii

    spread = unicodedata.normalize("NFKD", name)
    words = re.findall(r"\w+", "".join(c for c in spread if not unicodedata.combining(c)))
    latin = ["".join(re.findall(r"[a-z0-9]+", anyascii(word).lower())) for word in words]
    slug = "-".join(word for word in latin if word)
    return f"{country.lower()}-{slug or 'city'}"


# --- headers that are fields ------------------------------------------------------------------------------------

NEAR: Final = 80
"""Likeness of two wordings, of 100, from which one may be the other misspelt; lower finds words of other fields."""

SHORTEST: Final = 4
"""Letters of a header below which nothing is called near: of two or three letters, some field always is."""


@cache
def own_names(model: type[BaseModel]) -> dict[str, str]:
    """Return the path of every field by its own name, reduced to plain letters."""
    return {plain(path): path for path in columns(model)}


@cache
def field_words(model: type[BaseModel]) -> dict[str, str]:
    """Return the path of every label and synonym, reduced to plain letters."""
    known = columns(model)
    found = {plain(c.label): path for path, c in known.items()}
    if model is City:
        found |= {plain(w): path for path, ws in SYNONYMS.items() for w in ws.split(";")}
    return found


def count_near(cells: tuple[Any, ...], model: type[BaseModel]) -> int:
    """Return how many cells of a row may be misspelt names of fields."""
    words = field_words(model) | own_names(model)
    names = {plain(said) for cell in cells if len(said := text(cell)) < 80}
    return sum(bool(_near(name, words)) for name in names if len(name) >= SHORTEST)


def near_field(name: str, model: type[BaseModel] = City, read: Set[str] = frozenset()) -> str:
    """Return the field of which a header may be the misspelt name, or an empty text.

    ``read`` are the fields that other headers mean; they are not suggested again.
    """
    words = own_names(model) | field_words(model)
    return _near(plain(name), {w: path for w, path in words.items() if path not in read})


def _near(word: str, words: Mapping[str, str]) -> str:
    from rapidfuzz import fuzz, process

    hit = process.extractOne(word, list(words), scorer=fuzz.ratio, score_cutoff=NEAR)
    return words[hit[0]] if hit and len(word) >= SHORTEST else ""
