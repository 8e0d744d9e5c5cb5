"""What a column means: from the words of its header, in the programme's languages, and from what its cells hold.

Words alone suggest a field, cells confirm or contradict it. A field is taken where both agree; where the words are
clear and the cells say nothing against it; else it is asked. A wrong guess costs more than a question.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

from twinmatch.reading import values
from twinmatch.reading.grid import text
from twinmatch.reading.names import country_code, language_code
from twinmatch.reading.personal_data import is_contact
from twinmatch.reading.values import MISSING, parse
from twinmatch.schema import NAMES
from twinmatch.vocabulary.gazetteer import is_place
from twinmatch.vocabulary.taxonomy import plain

SUBMITTED, CONTACT, STATUS = "submitted", "contact", "status"
"""What a column may be beside a field: when a row was sent, whom to write to, how far it was filled in."""

LOOKED_AT: Final = 200
"""Rows whose cells are looked at."""

_CONCEPTS: Final[dict[str, str]] = {
    "city": r"\bcit(?:y|ies)\b|municipalit|\btowns?\b|local (?:authority|government)|\bstadt|\bstadte|gemeinde|kommune?n?\b|\bvilles?\b|"
    r"\bcommunes?\b|collectivit|\bcitta\b|\bcomun[ei]\b|ente locale|ciudad|municipi|ayuntamiento|ajuntament|entidad local|entite locale|\bente\b|jednostk\w* samorzad|cidade|miast|gmin|\bobec|"
    r"\bmest[oa]\b|\bstad\b|steden|gemeente|πολη|δημοσ|oras|kaupun|\bby\b",
    "country": r"\bcountr|\bland\b|\bpays\b|\bpaese\b|\bpanstwo$|\bkraju\b|\bpais\b|\bkraj\b|\bstaat\b|\bnation|\bstato\b|member state|\bzeme\b|\btara\b|χωρα",
    "people": r"inhabit|populat|residents|how many people|wie viele menschen|\bew\b|combien de (?:gens|personnes)|cuantas personas|quante persone|ile osob|\bpadron\b|\bvecinos\b|einwohn|bevolker|habitant|abitant|popolaz|residenti|poblac|mieszkanc|ludnos|"
    r"inwoner|habitants|populac|moradores|invanar|obyvatel",
    "year": r"\byear\b|\bjahr|\bannee\b|\banno\b|\bano\b|\brok|\brok\b|\bjaar|\bwhen\b|\bquando\b|\bcuando\b|\bdo kiedy|\bbis wann\b|horizon|zieljahr|\bby which\b",
    "neutral": r"neutral|net ?zero|\btarget\b|\bziel|klimaneutral|neutralit|objectif|obiettivo|objetivo|\bcel\b|neutralnos|doel",
    "hours": r"\bhours?\b|\bhrs\b|stunden|\bstd\b|\bheures?\b|\bore\b|\bhoras?\b|\bgodzin|\buren\b|person hours|arbeitszeit|staff time",
    "staff": r"\bstaff|\bteam|month|monat|\bmois\b|\bmese\b|\bmes\b|miesia|maand|personal|mitarbeit|capacit|zeit|temps|tempo|tiempo|czas",
    "english": r"\benglish|englisch|anglais|inglese|ingles|angielsk|engels",
    "languages": r"\blanguages?\b|arbeitssprach|\bsprachen|langues|lingue|idiomas|jezyki|\btalen\b",
    "struggle": r"challeng|struggle|problem|difficul|difficil|hardest|barrier|bottleneck|headache|worr(?:y|ies)|up at night|herausforder|schwierig|druckt der schuh|baustelle|nachhol|engpass|hakt es|helping hand|\bfreins?\b|\bfrena\b|hamuj|sorgen|casse tete|preoccup|preocup|carenc|deficit|lacune|\bdefi|\bsfid|\bdesafio|\breto|wyzwa|trudn|uitdaging|obsta[ck]|\bobstacul|ostacol|przeszkod|klopot|needs?\b|"
    r"\bbedarf|besoin|bisogn|necesid|potrzeb|attentes|erwartung|aspettativ|expectativ|oczekiwan|behoef|necessid|hindernis",
    "learn": r"\blearn|\blernen|apprendre|imparare|aprender|nauczy|dowiedz|\bleren\b|want to know|improve|erfahren mochte",
    "offer": r"\boffer|\bshow|\bshare|can .*teach|strength|\bstrong|good practice|best practice|experience|success|proud|better than|recommend to|lauft .*gut|\bteach|contribut|ahead of|anbiet|angebot|zeigen|\bstark|stolz|beitragen|einbringen|gute praxis|erfahrung|"
    r"erfolg|offrir|montrer|partager|apporter|\bfiers?\b|raconter|atouts?|bonnes pratiques|reussi|points forts|\bfortes?\b|\bfuertes?\b|\bforti\b|\bmocn|offrire|mostrare|condivid|apportare|orgoglios|passo avanti|punti di forza|buone pratiche|ofrecer|ofrece|"
    r"mostrar|compartir|aportar|ensenar|orgull|fortalez|buenas practicas|zaoferow|pokaza|podziel|pochwal|dumn|wniesc|mocne strony|dobre praktyki|aanbieden|laten zien|sterk|oferecer|partilhar",
    "domain": r"\bdomains?\b|\bareas?\b|\bsectors?\b|\bfields?\b|\btopics?\b|\bthemes?\b|handlungsfeld|bereich|sektor|themen|domaines?|secteurs?|thematique|"
    r"ambit[oi]|settor|\btem[ai]\b|ambitos?|sectores|\btemas\b|obszar|dziedzin|tematy|domein|thema",
    "lever": r"\blevers?\b|hebel|leviers?|\blev[ea]\b|palancas?|dzwigni|hefbo|cross ?cutting|querschnitt|transvers|trasvers|przekroj",
    "host": r"\bhosts?\b|gastgeb|\bhote|\baccueil|ospit|anfitri|gospodarz|gastheer|pilot|mission cit|mentor|\bgastst",
    "partner": r"partner|\bpeer|\btwin|partnerst|jumel|gemell|herman|bliznia|zuster",
    "wish": r"prefer|\bwish|\bchoice|would (?:you )?(?:like|love) to (?:be matched|visit|work|meet|twin|pair)|matched with|wunsch|bevorzug|\bwahl\b|\bprio|souhait|\bchoix|voeu|prefere|"
    r"preferit|preferen|scelta|desider|vorreste (?:lavorare|visitare|incontrare)|\bwith which|\bmit welche|\bavec quel|\bcon que\b|\bcon cual|\bcon qual|\bz jakim|\bz ktorym|\bmet welke|\belecc|\bopcion|prefiere|preferid|wybor|prefero|preferowan|voorkeur|keuze|\bescolha|\brank",
    "refuse": r"\b(?:not|rather not) (?:be )?(?:matched|paired)|lieber nicht|plutot pas|preferi\w* non|wolal\w* nie|\bavoid|exclud|nicht (?:mit|zusammen)|ausschlie|\beviter|exclu|\bpas (?:avec|etre)|evitare|escludere|evitar|wyklucz|unikac|uitslui",
    "first": r"\bfirst\b(?! (?:name|choice|preference|option|priority))|newcomer|new to|\berste[srn]?\b(?! (?:wahl|prioritat|wunsch))|erstmal|\bpremiere?\b(?! (?:choix|voeu))|"
    r"\bprim[ao]\b(?! scelta)|\bprimera?\b(?! (?:opcion|eleccion|ciudad))|pierwsz(?!\w* (?:wybor|miasto))|eerste keer|primeira vez",
    "before": r"\b(?:before|already|ever)\b|\bbereits\b|\bschon\b|\bdeja\b|\bgia\b|\bantes\b|\balguna vez\b|\bjuz\b|\bwczesniej\b",
    "exchange": r"twinning|exchange|programm|partnerschaft|jumelage|gemellagg|hermanam|bliznia|wymian|particip|teilnahme|\bdabei\b|candidature|candidatura|bewerbung|udzial",
    "signed": r"\bsigned|\badopted|\bcommit|council|unterzeichn|beschloss|beschluss|ratsbeschl|signe\b|adopte|engage|firmat|adottat|impegn|firmado|aprobad|compromis|podpisa|"
    r"przyj|uchwal|zobowiaz|\bhas your|\bhave you|ondertekend",
    "contact": r"e ?mail|\bphone|telef|\bcontact|kontakt|courriel|correo|contatto|\bmobile no|ansprech|adres e|filled in by|your name|ihr name|votre nom|(?:il )?suo nome|su nombre|imie|nazwisko|"
    r"\bpersona?\b(?! hours)|\bpersonne\b|\bperson of|who is (?:completing|filling)|recipient|\bip ?address|first name|last name|surname|vorname|nachname|prenom|cognome|apellid|interlocut",
    "submitted": r"time ?stamp|zeitstempel|horodat|marca temporal|informazioni cronologiche|sygnatura czasowa|submi(?:t|ssion)|\bcompletion time|complet(?:ed|ion) (?:date|time|at)|"
    r"end ?date|date ?modified|recorded ?date|abgabe|abgeschickt|eingereicht|date d envoi|date de soumission|data (?:di )?invio|fecha de envio|hora de finalizacion|data przeslania|"
    r"heure de fin|ora di completamento|godzina ukonczenia|\bfertigstellung|date ?submitted|submit ?date|datum abgeschickt|last ?updated?|ended ?at|contribution date|date de la contribution|"
    r"fecha de la contribucion|data del contributo|beitragsdatum|data wkladu",
    "meta": r"^(?:id|nr|no|lp|response id|respondent ?id|collector ?id|user ?id|network id|token|ref(?:erence)?|antwort id|id de (?:la )?(?:reponse|respuesta)|id rispost\w*|id odpowiedzi|"
    r"contribution id|alias|user ?name|user ?language|start ?time|start ?date(?: utc)?|date ?created|startzeit|heure de debut|ora di inizio|hora de inicio|godzina rozpoczecia|date ?last ?action|"
    r"last ?page|letzte seite|derniere page|ultima pagina|start ?language|startsprache|seed|start ?language|langue de depart|status|progress|duration|finished|distribution ?channel|"
    r"external ?data ?reference|location ?latitude|location ?longitude|recipient ?\w*|ip ?address|invitation number|is draft|score|points|total points|tags|started ?at|response type|"
    r"dauer|laufnummer|lfd nr|numer|numero|fortschritt|language|idioma|sprache|langue|lingua|jezyk|stage date|landing.*|columna? \d+|unnamed.*|hora de inicio|respondent|ort|duration in seconds)$",
    "coverage": r"\barea\b|density|budget|\bgdp\b|surface|flache|superfic",
    "from_you": r"(?=.*\b(?:learn|lernen|apprendre|aprender|imparare|nauczyc|leren)\b).*\b(?:from you|from your|von ihnen|von euch|de vous|de usted(?:es)?|de su ciudad|da voi|od panstwa|od was|van u)\b|"
    r"\bcan (?:support|help|advise) (?:others|other|peers)|\byou (?:can|could) (?:support|help)\b|helfen konnen|aider d autres|ayudar a otr|aiutare altr|pomoc innym",
    "to_you": r"\b(?:show|teach|offer|tell) you\b|\b(?:zeigen|erzahlen) (?:ihnen|euch)|\bihnen (?:zeigen|erzahlen)|vous (?:montre|apport|enseign)|mostrarvi|mostrarles|ensenarles|pokazac panstwu",
    "support": r"\bsupport|\bhelp\b|unterstutz|aide\b|aiuto|ayuda|pomoc|hulp",
    "emissions": r"emission|emisj|emision|\bco2|ghg|treibhaus|\bghe",
}


@cache
def concepts(header: str) -> frozenset[str]:
    """Return what the words of a header speak of."""
    word = plain(header)
    return frozenset(name for name, pattern in _compiled() if pattern.search(word))


@cache
def _compiled() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((name, re.compile(pattern)) for name, pattern in _CONCEPTS.items())


Tests = dict[str, Callable[[str], bool]]
"""Whether one cell may stand in a field."""


def _number(low: float, high: float) -> Callable[[str], bool]:
    def test(cell: str) -> bool:
        number = parse(re.sub(r"^\D{1,12}(?=\d)", "", cell))
        return number is not None and any(low <= v <= high for v in number.readings.values())

    return test


def _is_options(cell: str) -> bool:
    parts = values.parts(cell)
    return bool(parts) and 2 * sum(bool(values.option_codes(p)) for p in parts) >= len(parts)


def are_options(cells: Sequence[Any], *, is_choice: bool = False) -> bool:
    """Return whether cells hold options to tick, short and coming again, rather than words of each city's own.

    ``is_choice``: the header says that there is something to choose; else the options have to be known ones.
    """
    filled = [t for c in cells[:LOOKED_AT] if (t := text(c))]
    single = [p for t in filled for p in values.parts(t)]
    if not single:
        return False
    words = sorted(len(p.split()) for p in single)[len(single) // 2]
    again = len(set(single)) < 0.8 * len(single)
    known = sum(plain(p) in _known_options() for p in single) >= 0.5 * len(single)
    ends = any(t.rstrip().endswith(".") for t in filled)
    return words <= 5 and not ends and (known or again or (is_choice and words <= 3))


@cache
def _known_options() -> frozenset[str]:
    return frozenset({plain(n) for n in NAMES.values()} | set(NAMES)) - {
        "finance",
        "learning",
        "plan",
        "target",
    }


def _is_text(cell: str) -> bool:
    return len(cell.split()) >= 3 and not _number(-1e99, 1e99)(cell)


def _is_places(cell: str) -> bool:
    parts = [p for p in re.split(r"[;|\n,]|\d[.)]\s", cell) if p.strip()]
    return bool(parts) and 2 * sum(map(is_place, parts)) >= len(parts)


_TESTS: Final[Tests] = {
    "country": lambda c: country_code(c) is not None,
    "name": is_place,
    "wishes": _is_places,
    "refuses": _is_places,
    "population.value": _number(0.1, 5e7),
    "commitment.neutral_by": lambda c: (y := values.year(c)) is not None and 2020 <= y <= 2100,
    "participation.staff_hours_a_month": _number(0, 400),
    "participation.english": lambda c: values.cefr(c) is not None,
    "participation.newcomer": lambda c: values.yes_or_no(c) is not None,
    "participation.guests_at_most": _number(0, 50),
    "challenges": _is_options,
    "strengths": _is_options,
    "levers_needed": _is_options,
    "levers_offered": _is_options,
    "needs": _is_text,
    "offers": _is_text,
    "languages": lambda c: all(language_code(p) for p in re.split(r"[;,/]\s*", c) if p.strip()),
    SUBMITTED: lambda c: values.day(c) is not None,
    CONTACT: lambda c: bool(re.search(r"@|\d{5}", c)) or c.lower() == "anonymous",
}

FITS, CONTRADICTS = 0.7, 0.3
"""Share of the cells from which a column confirms a field, and below which it speaks against it."""

_CHOOSE: Final = re.compile(
    r"\b(?:choose|select|tick|max|up to|which of|wahlen|auswahl|ankreuzen|choisir|cochez|jusqu|scegli|selezion|elija|seleccion|marque|wybierz|zaznacz|kies)"
)
_LONG: Final = frozenset({"needs", "offers"})
_OPTIONS: Final = frozenset({"challenges", "strengths", "levers_needed", "levers_offered"})


def share(field: str, cells: Sequence[Any]) -> float | None:
    """Return the share of the filled cells that may stand in a field, None where nothing is known of either."""
    test = _TESTS.get(field)
    filled = [t for c in cells[:LOOKED_AT] if (t := text(c)) and t.lower() not in MISSING]
    filled = [t for t in filled if "?" not in t or re.search(r"[^?\W]{4}", t)]  # letters were lost
    if test is None or not filled:
        return None
    counted = Counter(filled)
    return sum(n for t, n in counted.items() if test(t)) / len(filled)


Sureness = Literal["sure", "asked"]


@dataclass(frozen=True)
class Meaning:
    """What a column may mean: a field or one of the columns beside them (empty: set aside), and how sure."""

    field: str
    sureness: Sureness = "sure"


def _candidates(words: frozenset[str], header: str) -> list[tuple[str, bool]]:
    """Return the fields of which a header's words speak, the likeliest first, each with whether they are clear."""
    short = len(plain(header).split()) <= 9
    found: list[tuple[str, bool]] = []

    def add(field: str, clear: bool = True) -> None:
        found.append((field, clear))

    if words & {"wish", "host", "partner", "refuse"}:
        if "refuse" in words:
            add("refuses")
        elif words & {"wish"} or ({"host", "city"} <= words or {"partner", "city"} <= words):
            add("wishes", "wish" in words and bool(words & {"host", "city", "partner"}))
    if {"hours"} <= words or ("staff" in words and "hours" in words):
        add("participation.staff_hours_a_month", "staff" in words)
    if "english" in words:
        add("participation.english")
    if "first" in words and "before" not in words:
        add("participation.newcomer", bool(words & {"exchange", "partner"}) or short)
    if "people" in words and not words & {"struggle", "offer", "learn"}:
        add("population.value", "coverage" not in words)
    if "neutral" in words or "year" in words:
        add("commitment.neutral_by", {"neutral", "year"} <= words and "emissions" not in words)
    if "languages" in words:
        add("languages")
    if "from_you" in words:
        words = words - {"learn", "struggle", "support"} | {"offer"}
    elif "to_you" in words:
        words = words - {"offer"} | {"learn"}
    is_offer = "offer" in words and not words & {"struggle", "learn"}
    if is_offer:
        for field in (
            ("levers_offered", "strengths") if "lever" in words else ("strengths", "offers")
        ):
            add(field)
        add("offers")
    elif words & {"struggle", "learn", "support"}:
        for field in (
            ("levers_needed", "challenges") if "lever" in words else ("challenges", "needs")
        ):
            add(field, not words & {"offer"})
        add("needs", not words & {"offer"})
    elif words & {"domain", "lever"}:
        for field in ("levers_needed",) if "lever" in words else ("challenges",):
            add(field, "emissions" in words or _wants(header))
    if "country" in words:
        add("country", short and not words & {"wish", "partner", "host"})
    if "city" in words and not words - {"city", "country", "host", "partner"}:
        add("name", short and not words & {"host", "partner"})
    return list(dict.fromkeys(found))


def has_candidates(header: str, *, options: bool = False) -> str:
    """Return the likeliest field of which a header's words speak, of those with ``options`` to tick if asked for."""
    words = concepts(header)
    found = [f for f, _ in _candidates(words, header) if not options or f in _OPTIONS]
    beside = [b for b in (SUBMITTED, CONTACT) if b in words and not options]
    return next(iter([*found, *beside]), "")


def _wants(header: str) -> bool:
    """Return whether a header asks what a city wants to do."""
    return bool(
        re.search(
            r"work on|focus|priorit|interest|mochte|wollen|bearbeit|souhait|travaill|lavorare|interess|trabajar|quiere|chce|prac",
            plain(header),
        )
    )


def meaning(header: str, cells: Sequence[Any]) -> Meaning | None:
    """Return what a column means by its header and cells; None where nothing suggests a field."""
    words = concepts(header)
    if not plain(header):
        return Meaning("") if header else None
    if "submitted" in words and (share(SUBMITTED, cells) or 0.0) >= CONTRADICTS:
        return Meaning(SUBMITTED)
    if "meta" in words:
        return Meaning("")
    if (
        ("contact" in words and "city" not in words)
        or is_contact(header)
        or ((share(CONTACT, cells) or 0.0) > FITS and _emails(cells))
    ):
        return Meaning(CONTACT)
    candidates = _candidates(words, header)
    is_choice = bool(words & {"domain", "lever"}) or bool(_CHOOSE.search(plain(header)))
    if not are_options(cells, is_choice=is_choice):
        candidates = [c for c in candidates if c[0] not in _OPTIONS]
    doubted: str | None = None
    for field, clear in candidates:
        fits = share(field, cells)
        if fits is None:
            if clear and field in _TESTS and _none_filled(cells):
                return Meaning(field)
            continue
        if fits >= FITS or (clear and fits >= CONTRADICTS):
            return Meaning(field)
        if field in _LONG and clear and fits > 0:
            return Meaning(field)
        if fits >= CONTRADICTS or (clear and field in {"name", "population.value"}):
            doubted = doubted or field
    if doubted:
        is_name = doubted == "name" and _all_text(cells) and (share("needs", cells) or 0.0) < FITS
        return (
            Meaning(doubted, "sure" if is_name else "asked")
            if is_name or doubted != "name"
            else None
        )
    if _are_yes_or_no(cells):
        return Meaning("") if words & {"signed", "neutral"} else None
    return _by_cells(words, cells)


def _by_cells(words: frozenset[str], cells: Sequence[Any]) -> Meaning | None:
    """Return what cells alone suggest, always to be asked: the words say nothing of it, or something else."""
    if words & {"emissions", "coverage"} or _none_filled(cells):
        return None
    for field in ("country", "participation.english", "commitment.neutral_by", "challenges"):
        if field == "challenges" and not are_options(cells, is_choice=True):
            continue
        if field == "commitment.neutral_by" and any(values.moment(text(c)) for c in cells):
            continue
        if (share(field, cells) or 0.0) >= 0.9:
            return Meaning(field, "asked")
    return None


def _none_filled(cells: Sequence[Any]) -> bool:
    return not any(text(c) for c in cells)


def _emails(cells: Sequence[Any]) -> bool:
    return any("@" in text(c) for c in cells)


def _all_text(cells: Sequence[Any]) -> bool:
    return not any(re.search(r"\d", text(c)) for c in cells)


def _are_yes_or_no(cells: Sequence[Any]) -> bool:
    return (share("participation.newcomer", cells) or 0.0) >= FITS


_FACTOR: Final = re.compile(
    r"(?P<k>thousand|\btsd\b|\btausend|\bin 1 ?000|\bx ?1 ?000|milliers|migliai|\bmil(?:es)?\b(?!l)|\btys|tysi|duizend|milhares|tusen|\b000s?\b|\bk\b)|(?P<m>million|\bmio\b|milion|millon|miljoen|\bmln\b)"
)


def factor_in(header: str) -> float:
    """Return the factor that the words of a header say: 1,000 for thousands, 1,000,000 for millions, else 1."""
    found = _FACTOR.search(plain(header))
    return 1.0 if found is None else 1000.0 if found["k"] else 1e6
