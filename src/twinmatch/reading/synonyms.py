"""Plain words for a field, as forms write them over a column in the languages of European cities."""

from __future__ import annotations

from typing import Final

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
