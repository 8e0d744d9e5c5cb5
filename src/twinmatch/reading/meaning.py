"""What a column means: from the words of its header, in the programme's languages, and from what its cells hold.

Words alone suggest a field, cells confirm or contradict it. A field is taken where both agree; where the words are
clear and the cells say nothing against it; else it is asked. A wrong guess costs more than a question.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

from twinmatch.reading import values
from twinmatch.reading.grid import text
from twinmatch.reading.mapping import NOT
from twinmatch.reading.personal_data import is_contact
from twinmatch.reading.values import MISSING, parse
from twinmatch.schema import NAMES, Lever
from twinmatch.vocabulary.gazetteer import is_place
from twinmatch.vocabulary.geography import country_code, language_code
from twinmatch.vocabulary.taxonomy import plain

SUBMITTED, CONTACT, STATUS = "submitted", "contact", "status"
"""What a column may be beside a field: when a row was sent, whom to write to, how far it was filled in."""

NEWCOMER: Final = "participation.newcomer"

LEVERS: Final = {"challenges": "levers_needed", "strengths": "levers_offered"}
"""Fields of domains, and the field of the levers that are ticked among them."""

LOOKED_AT: Final = 200
"""Rows whose cells are looked at."""

_CONCEPTS: Final[dict[str, str]] = {
    "city": r"\bcit(?:y|ies)\b|municipalit|\btowns?\b|local (?:authority|government)|\bstadt|\bstadte|gemeinde|kommune?n?\b|\bvilles?\b|"
    r"\bcommunes?\b|collectivit|\bcitta\b|\bcomun[ei]\b|ente locale|ciudad|municipi|ayuntamiento|ajuntament|entidad local|entite locale|\bente\b|jednostk\w* samorzad|cidade|miast|gmin|\bobec|"
    r"\bmest[oa]\b|\bstad\b|steden|gemeente|πολη|δημοσ|oras|kaupun|\bby\b|"
    r"autarquia|\bcamara\b|concelh|prefeitura|localitat|municipiul|primari[ae]|\bkommun|\bδημο|\bauthority\b|stadsbestuur|locality|city council",
    "country": r"\bcountr|^(?:\d+ )?state$|\bland\b|\bpays\b|\bpaese\b|\bpanstwo$|\bkraju\b|\bpais\b|\bkraj\b|\bstaat\b|\bnation|\bstato\b|member state|\bzeme\b|\btara\b|χωρα|"
    r"\bstatul\b|\bpaisul\b|χωρασ|\btari[il]\b|landet\b|\bstaten\b",
    "people": r"inhabit|populat|residents|how many people|wie viele menschen|\bew\b|combien de (?:gens|personnes)|cuantas personas|quante persone|ile osob|\bpadron\b|\bvecinos\b|einwohn|bevolker|habitant|abitant|popolaz|residenti|poblac|mieszkanc|ludnos|"
    r"inwoner|habitants|populac|moradores|invanar|obyvatel|"
    r"locuitor|folkmangd|befolkning|πληθυσμ|κατοικ|how big is your|lidnosc|demograf|bewoners",
    "year": r"\byear\b|\bjahr|\bannee\b|\banno\b|\bano\b|\brok|\brok\b|\bjaar|\bwhen\b|\bquando\b|\bcuando\b|\bdo kiedy|\bbis wann\b|horizon|zieljahr|\bby which\b|"
    r"\bar\b|\bartal|\ban(?:ul)?\b|\betos\b|ετοσ|\bποτε\b|\bwanneer\b|\bcand\b|\bnar\b|\bquand\b|do kiedy",
    "neutral": r"neutral|net ?zero|\btarget\b|\bziel|klimaneutral|neutralit|objectif|obiettivo|objetivo|\bcel\b|neutralnos|doel|"
    r"nollutslapp|klimatneutral|zero emiss|zero net|emissoes zero|carbono zero|ουδετερο|\btinta\b|zeroemis|\bmal(?:ar|et)?\b|\bmeta\b",
    "hours": r"\bhours?\b|\bhrs\b|stunden|\bstd\b|\bheures?\b|\bore\b|\bhoras?\b|\bgodzin|\buren\b|person hours|arbeitszeit|staff time|"
    r"\btimmar|\buur\b|\bore(?:le)?\b|ωρεσ|ωρων|man hours|\bh mois|\bora\b",
    "staff": r"\bstaff|\bteam|month|monat|\bmois\b|\bmese\b|\bmes\b|miesia|maand|personal|mitarbeit|capacit|zeit|temps|tempo|tiempo|czas|"
    r"officer time|medewerk|manad|\bluna\b|\blunar|μηνα|προσωπικ|\bmensa|\bmensu|persona(?:l|le|leni)\b|pracownic|tijd|\btid\b|timp",
    "english": r"\benglish|englisch|anglais|inglese|ingles|angielsk|engels|"
    r"engelsk|engleza|αγγλικ|\bcefr\b|\bmcer\b|\bqcer\b|\bcecrl?\b|\bger\b|\beskj\b",
    "languages": r"\blanguages?\b|arbeitssprach|\bsprachen|langues|lingue|idiomas|jezyki|\btalen\b|"
    r"arbetssprak|\bsprak\b|\blimb[ai]\b|\blimbi(?:le)?\b|linguas|γλωσσ|jezykach|jezykow|\bworking language",
    "struggle": r"challeng|struggl|pressure|quitan? el sueno|\bsommeil|\bsonno\b|\bschlaf|hurts|problem|difficul|difficil|hardest|barrier|bottleneck|headache|worr(?:y|ies)|up at night|herausforder|schwierig|druckt der schuh|baustelle|nachhol|engpass|hakt es|helping hand|\bfreins?\b|\bfrena\b|hamuj|sorgen|casse tete|preoccup|preocup|carenc|deficit|lacune|\bdefi|\bsfid|\bdesafio|\breto|wyzwa|trudn|uitdaging|obsta[ck]|\bobstacul|ostacol|przeszkod|klopot|needs?\b|"
    r"\bbedarf|besoin|coup de main|bisogn|necesid|potrzeb|attentes|erwartung|aspettativ|expectativ|oczekiwan|behoef|necessid|hindernis|"
    r"\black|missing|hold\w* .*back|slow\w* .*down|\bblock|\bstuck|in (?:the|your) way|pain points?|\bweak|\bgaps?\b|brauch|fehl(?:t|en|st)|\brat suchen|suchen\b|schwach|manqu|\bfaltan?\b|\bmanca|brakuj|\bbrak\b|necesit|servono|\bserve\b|ontbre|nodig|knelpunt|\bhinder|\bbehov|saknas|saknar|utmaning|svar(?:ig|ast)|provoc|dificult|\bnevo[ie]|lips(?:a|esc|it)|obstacol|προκλ|δυσκολ|αναγκ|ελλειψ|εμποδι|desafi|precisa|dificuld|entrave|verrou|worst|toughest|tricky|scoglio|bloqu|blocc|lastig|moeilijk|\bduele|houdt .*tegen|\bremm?(?:t|en)\b|anliegen|fragestellung|inciampa|\bpeina|tropieza|\bfrein|naliegt",
    "learn": r"\blearn|\blernen|apprendre|imparare|aprender|nauczy|dowiedz|\bleren\b|want to know|improve|erfahren mochte|"
    r"\blern(?!programm)|podpatrz|get out of|bring back|take (?:home|away|back)|hope to|\bgain\b|curious|inspir|discover|understand|borrow|erfahren|\bwissen\b|erhoff|abschauen|abgucken|mitnehmen|decouvrir|comprendre|attendez|attendent|imparar|capire|scoprir|vi aspettate|descubrir|conocer|\bsaber\b|poznac|zobaczyc|\bweten\b|\blara\b|veta mer|invata|\bafla(?:ti)?\b|μαθε(?:τε|ι)|μαθουμ|γνωρισ|aprend|levar para casa|meenemen",
    "offer": r"\boffer|\bshow|\bshare|can .*teach|strength|\bstrong|good practice|best practice|experience|success|proud|better than|recommend to|lauft .*gut|\bteach|contribut|ahead of|anbiet|\bbieten\b|\bbieden\b|angebot|zeigen|\bstark|stolz|beitragen|einbringen|gute praxis|erfahrung|"
    r"erfolg|offrir|montrer|\bsolides?\b|partager|apporter|\bfiers?\b|raconter|atouts?|bonnes pratiques|reussi|points forts|\bfortes?\b|\bfuertes?\b|\bforti\b|\bmocn|offrire|mostrare|condivid|apportare|orgoglios|passo avanti|punti di forza|buone pratiche|ofrecer|ofrece|"
    r"mostrar|compartir|aportar|ensenar|orgull|fortalez|buenas practicas|zaoferow|pokaza|podziel|pochwal|dumn|wniesc|mocne strony|dobre praktyki|aanbieden|laten zien|sterk|oferecer|partilhar|"
    r"\bbrag|\byou lead\b|bjuda|\bda(?:n)? bien|riesc\w* bene|gelingt|gelungen|bring to the table|worth (?:a|the|seeing)|come and see|good at|\bbest at|\bexcel|\blead(?:ing|er)|expertise|give back|in return|others? (?:could|can|should)|sind sie .*\bgut\b|vorzeig|vorbild|vorreiter|weitergeben|a l aise|reconnu|en avance|maitris|valoris|feriez .*(?:voir|decouvrir|visiter)|faire (?:voir|decouvrir|visiter)|\bforts\b|eccell|avanguardia|insegnar|raccontare|destaca|avanzad|presumir|\bdobr(?:zy|ze)\b|chwal|wyroznia|mocne|goed in|\btrots|voorop|\bdelen\b|erbjud|stolt|\bbidra|dela med|visa upp|styrk|langt framme|\bofer|\barata\b|\bmandri|impartas|puncte (?:tari|forte)|orgulh|partilh|ensinar|oferec|προσφερ|δειξ|μοιρα(?:σ|ζ)|ισχυρ|δυνατα|περηφαν|υπερηφαν|demonstrate|showcase",
    "domain": r"\bdomains?\b|\bareas?\b|\bsectors?\b|\bfields?\b|\btopics?\b|\bthemes?\b|handlungsfeld|bereich|sektor|themen|domaines?|secteurs?|thematique|"
    r"ambit[oi]|settor|\btem[ai]\b|ambitos?|sectores|\btemas\b|obszar|dziedzin|tematy|domein|thema|"
    r"omrad|\barii\b|\bdomenii|\bareas\b|τομε[ιαω]|θεμα|gebied|sujets?\b|temat\b|\bamne|\bsectoare|services",
    "lever": r"\blevers?\b|hebel|leviers?|\blev[ea]\b|palancas?|dzwigni|hefbo|cross ?cutting|querschnitt|transvers|trasvers|przekroj|"
    r"havstang|parghi|alavanc|μοχλ|\bdzwign|enabl|dwars|hefbom|horizont",
    "host": r"\bhosts?\b|gastgeb|\bhote|\baccueil|ospit|anfitri|gospodarz|gastheer|pilot|mission cit|mentor|\bgastst|"
    r"vard(?:stad|kommun)|gazda|anfitria|φιλοξεν|gospodarz|gastland|pilotst",
    "partner": r"partner|\bpeer|\btwin|partnerst|jumel|gemell|herman|bliznia|zuster|"
    r"match|pair|abbin|emparej|empareja|zusammen(?:spann|bring|arbeit)|appari|jumelee|vanort|infrat|gemina|αδελφοπ|ζευγ|\bdating|koppel",
    "wish": r"prefer|\bwish|\bchoice|would (?:you )?(?:like|love) to (?:be matched|visit|work|meet|twin|pair)|matched with|wunsch|bevorzug|\bwahl\b|\bprio|souhait|\bchoix|voeu|prefere|"
    r"preferit|preferen|scelta|desider|vorreste (?:lavorare|visitare|incontrare)|\bwith which|\bmit welche|\bavec quel|\bcon que\b|\bcon cual|\bcon qual|\bz jakim|\bz ktorym|\bmet welke|\belecc|\bopcion|prefiere|preferid|wybor|prefero|preferowan|voorkeur|keuze|\bescolha|\brank|"
    r"dream|wymarz|con quien|\bmit wem|avec qui\b|con chi\b|\bz kim|met wie\b|med vem|com quem|cu cine|with whom|favou?rit|\bvisit(?:er|are|ar)?\b|\btop (?:three|3)|odwiedz|bezoek|besok|traum|lieblings(?:st|part)|\breve|coup de coeur|ideal|\bwens|onsk|dorit|\bdori(?:ti)?\b|desej|επιθυμ|προτιμ|gostari\w* de (?:visit|trabalh|ser)|gustaria (?:emparej|visit|trabaj)|abbinati|zusammengespannt|welche(?:n|r)? (?:gast)?st[aä]dte?n? mocht|mocht\w* .*besuch|aimeri\w* .*(?:jumel|visit)|chcieliby .*odwiedz|up to three|hasta tres|bis zu drei|jusqu a trois|do trzech|fino a tre|ate tres",
    "refuse": r"\b(?:not|rather not) (?:be )?(?:matched|paired)|lieber nicht|plutot pas|preferi\w* non|wolal\w* nie|\bavoid|exclud|nicht (?:mit|zusammen)|ausschlie|\beviter|exclu|\bpas (?:avec|etre)|evitare|escludere|evitar|wyklucz|unikac|uitslui|"
    r"\bnie chc|helst inte|undvik|\bliever niet|preferati nu|evitat|nao (?:quer|gostari)|αποφυ|rule out|\bno quier|not want|unpassend|ungern",
    "first": r"\bfirst\b(?! (?:name|choice|preference|option|priority))|newcomer|new to|\berste[srn]?\b(?! (?:wahl|prioritat|wunsch))|erstmal|\bpremiere?\b(?! (?:choix|voeu))|"
    r"\bprim[ao]\b(?! scelta)|\bprimera?\b(?! (?:opcion|eleccion|ciudad))|pierwsz(?!\w* (?:wybor|miasto))|eerste keer|voor het eerst|primeira vez|"
    r"forsta gang|prima data|primeira|πρωτη φορα|debut|eerste|forsta",
    "before": r"\b(?:before|already|ever)\b|\bbereits\b|\bschon\b|\bdeja\b|\bgia\b|\bantes\b|\balguna vez\b|\bjuz\b|\bwczesniej\b|"
    r"previous|in the past|\bschon (?:einmal|mal)|avez vous .*particip|a t elle .*particip|ha partecipato|avete .*partecipato|ha participado|han participado|ja partic|\bja\b.*particip|eerder|\bal eens\b|\btidigare|\bredan|anterior|\bati mai\b|deja|ηδη|ξανα|παρελθον|προηγουμεν|have (?:you|your).*(?:taken part|participat|joined|been|done)|has (?:your|the).*(?:taken part|participat|joined|been|done)|in przeszlosci|braliscie|bral[oi]",
    "exchange": r"twinning|exchange|programm|partnerschaft|jumelage|gemellagg|hermanam|bliznia|wymian|particip|teilnahme|\bdabei\b|candidature|candidatura|bewerbung|udzial|"
    r"peer learning|\bprogram\b|deltag|austausch|lernprogramm|echange|scambio|scambi|intercambi|uitwissel|utbyte|schimb|ανταλλαγ|mentoring|adventure|netwerk|initiative|aprendizaje|partener|nabor|procedure",
    "signed": r"\bsigned|\badopted|\bcommit|council|unterzeichn|beschloss|beschluss|ratsbeschl|signe\b|adopte|engage|firmat|adottat|impegn|firmado|aprobad|compromis|podpisa|"
    r"przyj|uchwal|zobowiaz|ondertekend",
    "contact": r"e ?mail|\bphone|telef|\bcontact|kontakt|courriel|correo|contatto|\bmobile no|ansprech|adres e|filled in by|your name|ihr name|votre nom|(?:il )?suo nome|su nombre|imie|nazwisko|"
    r"\bpersona?\b(?! hours)|\bpersonne\b|\bperson of|who is (?:completing|filling)|recipient|\bip ?address|first name|last name|surname|vorname|nachname|prenom|cognome|apellid|interlocut|"
    r"talk(?:ing)? to|reach you|referent|\bosob[aey]\b|lead officer|job title|\bposition\b|your role|what do you do|funktion\b|\bfonction\b|\bposte\b|ruolo|mansione|\bcargo\b|\bpuesto|stanowisk|functie|befattning|functi[ae]|\bθεση|ιδιοτητα|dienststelle|abteilung|responsabil|nom et prenom|prenume|\bnume(?:le)? si\b|ονομα(?:τεπωνυμο)?|\bnamn\b|uw naam|o seu nome|numele|epost|e post|puhelin|τηλεφων|\byour name|name and surname|nome e cognome|nombre y|naam van|\bpersoana\b|contato|contacto|contactpers",
    "submitted": r"time ?stamp|zeitstempel|horodat|marca temporal|informazioni cronologiche|sygnatura czasowa|submi(?:t|ssion)|\bcompletion time|complet(?:ed|ion) (?:date|time|at)|"
    r"end ?date|date ?modified|recorded ?date|abgabe|abgeschickt|eingereicht|date d envoi|date de soumission|data (?:di )?invio|fecha de envio|hora de finalizacion|data przeslania|"
    r"heure de fin|ora di completamento|godzina ukonczenia|\bfertigstellung|date ?submitted|submit ?date|datum abgeschickt|last ?updated?|ended ?at|contribution date|date de la contribution|"
    r"fecha de la contribucion|data del contributo|beitragsdatum|data wkladu|data di (?:fine|registrazione)|enddatum|aufgezeichnet|date de creation|derniere mise a jour|ultima (?:modifica|actualizacion)|date d enregistrement|"
    r"zakonczen|ostatnia aktualizacja|data (?:de )?envio|datum (?:laatste|ingediend)|inskickad|verzonden",
    "meta": r"^(?:id|nr|no|lp|response id|respondent ?id|collector ?id|user ?id|network id|token|ref(?:erence)?|antwort id|id de (?:la )?(?:reponse|respuesta)|id rispost\w*|id odpowiedzi|"
    r"contribution id|alias|user ?name|user ?language|start ?time|start ?date(?: utc)?|date ?created|startzeit|heure de debut|ora di inizio|hora de inicio|godzina rozpoczecia|date ?last ?action|"
    r"last ?page|letzte seite|derniere page|ultima pagina|start ?language|startsprache|seed|start ?language|langue de depart|status|progress|duration|finished|distribution ?channel|"
    r"external ?data ?reference|location ?latitude|location ?longitude|recipient ?\w*|ip ?address|invitation number|is draft|score|points|total points|tags|started ?at|response type|"
    r"dauer|laufnummer|lfd nr|numer|numero|fortschritt|language|idioma|sprache|langue|lingua|jezyk|stage date.*|landing.*|tipo di risposta|avanzamento|durata.*|completato|id (?:della )?(?:risposta|contribut\w*)|riferimento.*|latitudine.*|longitudine.*|canale di.*|lingua (?:utente|iniziale)|semilla|lenguaje inicial|"
    r"numero d invitation|id de la contribution|export\w*|custom data \d*|type de reponse|duree.*|avancement|antwortart|antworttyp|verteilungskanal|breitengrad.*|langengrad.*|beitrags id|id del? contribu\w*|"
    r"einladungsnummer|kod.*zaprosz\w*|response ?num.*|#|columna? \d+|unnamed.*|hora de inicio|respondent|ort|duration in seconds)$",
    "coverage": r"\barea\b|density|budget|\bgdp\b|surface|flache|superfic|"
    r"hectare|kilomet",
    "from_you": r"\bu panstwa\b.*(?:zobacz|podpatrz|nauczy)|warto .*(?:zobacz|odwiedz)|bei ihnen .*(?:seh|anschau|besichtig)|\bchez vous\b|da voi .*(?:veder|visit)|(?:see|visit|learn) (?:in your city|at yours|from you)|"
    r"(?=.*\b(?:learn|lernen|apprendre|aprender|imparare|nauczyc|leren)\b).*\b(?:from you|from your|von ihnen|von euch|de vous|de usted(?:es)?|de su ciudad|da voi|od panstwa|od was|van u)\b|"
    r"\bcan (?:support|help|advise) (?:others|other|peers)|\byou (?:can|could) (?:support|help)\b|helfen konnen|aider d autres|ayudar a otr|aiutare altr|pomoc innym",
    "to_you": r"\b(?:show|teach|offer|tell) you\b|\b(?:zeigen|erzahlen) (?:ihnen|euch)|\bihnen (?:zeigen|erzahlen)|(?<!pouvez )(?<!pourriez )(?<!souhaitez )(?<!voulez )vous (?:montre|apport|enseign)|mostrarvi|mostrarles|ensenarles|pokazac panstwu",
    "support": r"\bsupport|\bhelp\b|unterstutz|aide\b|aiuto|ayuda|pomoc|hulp|"
    r"assist|guidance|advice|accompag|hilfe|beratung|appui|soutien|supporto|sostegno|apoyo|asesor|wspar|steun|ondersteun|\bstod\b|hjalp|ajut|sprijin|apoio|ajuda|υποστηρ|βοηθ",
    "emissions": r"emission|emisj|emision|\bco2|ghg|treibhaus|\bghe|"
    r"utslapp|uitstoot|emisii|εκπομπ|\bemiss",
    "heard": r"how did you (?:hear|find out|learn|come)|where did you hear|wie (?:sind|haben|wurden) sie .*(?:aufmerksam|erfahren|gehort)|woher (?:kennen|wissen)|comment avez vous (?:connu|entendu|eu|appris|decouvert)|"
    r"connaissance (?:de (?:l|cet|ce|notre)|du)|conoscenza (?:dell? ?(?:avviso|bando|programma|iniziativa|opportunit|call)|di quest)|come (?:avete|ha|hai) (?:saputo|conosciuto|scoperto)|como (?:se|nos|ha|han|conocio|supo|tuvo)\b.*(?:enter|conoc|convocatoria|programa|sab)|"
    r"skad .*(?:dowiedz|wiedz|wie|znaj)|hoe (?:heeft|hebt|bent|kent) u|como (?:soube|teve conhec|tomou|ficou)|hur (?:fick|horde|hittade) ni|(?:cum|de unde) ati (?:aflat|auzit)|(?:πωσ|που) μαθατε",
    "else": r"anything else|something else|else (?:you|we)|\bsonstig|\bsonst noch|autres? (?:remarque|commentaire|precision|information)|altro (?:da|che)|altre (?:note|informaz)|algo mas|otros? comentario|cos jeszcze|"
    r"\bremarks?\b|\bcomments?\b|anmerkung|bemerkung|remarques?\b|commentaires?\b|osservazion|observacion|opmerking|observac[oa]|observatii|kommentar|σχολια|\buwagi\b|verder nog|ovrigt|altceva",
    "consent": r"newsletter|boletin|bulletin|nieuwsbrief|nyhetsbrev|biuletyn|buletin|\bagree|\bconsent|acconsent|consentement|consiento|\bconfirm|autoris|autorizz|autoriz|einverstanden|\bstimme\b|zustimm|einwillig|"
    r"datenschutz|privacy|dsgvo|\bgdpr|\brgpd|\brodo\b|zgod[aey]|akkoord|toestemming|samtyck|godkann|consimt|συναιν|αποδεχ|ενημερωτικ|\baccept|photo|\bfoto|publi(?:sh|er|cat)|veroffentl|pubblic|keep you|contact you|informed|"
    r"proteccion de datos",
}


@cache
def concepts(header: str) -> frozenset[str]:
    """Return what the words of a header speak of; its beginning, where it is a text."""
    word = plain(header[:300])
    return frozenset(name for name, pattern in _CONCEPTS.items() if _compiled(pattern).search(word))


_compiled = cache(re.compile)


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


def options_in(cells: Sequence[Any]) -> list[str]:
    """Return the options of a column, as often as they were ticked."""
    filled = [t for c in cells[:LOOKED_AT] if (t := text(c))]
    split = values.options_of(filled)
    return [part for t in filled for part in split.get(t, ())]


def are_options(
    cells: Sequence[Any], *, is_choice: bool = False, seen: Set[str] = frozenset()
) -> bool:
    """Return whether cells hold options to tick, short and coming again, rather than words of each city's own.

    ``is_choice``: the header says that there is something to choose; else the options have to be known ones, or
    ``seen`` in other columns.
    """
    single = options_in(cells)
    filled = [t for c in cells[:LOOKED_AT] if (t := text(c))]
    if not single or any(t.endswith((".", "!")) for t in filled):
        return False
    words = sorted(len(p.split()) for p in single)[len(single) // 2]
    if words <= 5 and 2 * sum(";" in t for t in filled) >= len(filled):
        return True
    again = len(set(single)) < 0.8 * len(single)
    named = [plain(p) in _known_options() or p in seen for p in single]
    coded = [is_choice and bool(values.option_codes(p)) for p in single]
    known = 2 * sum(named) >= len(single) or (words <= 5 and 2 * sum(coded) >= len(single))
    is_short = (again and words <= 5) or (is_choice and words <= 3)
    return words <= values.MOST_WORDS and (known or is_short)


@cache
def _known_options() -> frozenset[str]:
    vague = {"finance", "learning", "plan", "target"}
    return frozenset({*map(plain, NAMES.values()), *NAMES} - vague)


def _is_text(cell: str) -> bool:
    return len(cell.split()) >= 3 and not _number(-1e99, 1e99)(cell)


def _is_places(cell: str) -> bool:
    parts = [p for p in re.split(r"[;|\n,]|\d[.)]\s", cell) if p.strip()]
    return bool(parts) and 2 * sum(map(is_place, parts)) >= len(parts)


_TESTS: Final[Tests] = {
    "country": lambda c: country_code(c) is not None,
    "name": is_place,
    **dict.fromkeys(("wishes", "refuses"), _is_places),
    "population.value": _number(0.1, 5e7),
    "commitment.neutral_by": lambda c: (y := values.year(c)) is not None and 2020 <= y <= 2100,
    "participation.staff_hours_a_month": _number(0, 400),
    "participation.english": lambda c: values.cefr(c) is not None,
    "participation.newcomer": lambda c: values.yes_or_no(c) is not None,
    "participation.guests_at_most": _number(0, 50),
    **dict.fromkeys(("challenges", "strengths", "levers_needed", "levers_offered"), _is_options),
    **dict.fromkeys(("needs", "offers"), _is_text),
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


def nearly_all(field: str, cells: Sequence[Any]) -> bool:
    """Return whether two cells or more are filled, and nearly all of them may stand in a field."""
    return sum(bool(text(c)) for c in cells) > 1 and (share(field, cells) or 0.0) >= 0.9


def few_places(cells: Sequence[Any]) -> bool:
    """Return whether fewer than two in five of the filled cells are places: names of persons, where they are names."""
    found = share("name", cells)
    return found is not None and found < 0.4


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
    if "refuse" in words:
        found.append(("refuses", True))
    elif "wish" in words or ("city" in words and words & {"host", "partner"}):
        found.append(("wishes", "wish" in words and bool(words & {"host", "city", "partner"})))
    if "hours" in words:
        found.append(("participation.staff_hours_a_month", "staff" in words))
    if "english" in words:
        found.append(("participation.english", True))
    if "first" in words and "before" not in words:
        found.append(("participation.newcomer", bool(words & {"exchange", "partner"}) or short))
    if "people" in words and not words & {"struggle", "offer", "learn"}:
        found.append(("population.value", "coverage" not in words))
    if "neutral" in words or "year" in words:
        is_target = {"neutral", "year"} <= words and "emissions" not in words
        found.append(("commitment.neutral_by", is_target))
    if "languages" in words:
        found.append(("languages", True))
    found += _of_learning(words, header)
    if "country" in words:
        found.append(("country", short and not words & {"wish", "partner", "host"}))
    beside = {"city", "country", "host", "partner", "exchange", "contact"}
    if _WHICH.match(plain(header)):
        beside |= {"signed"}  # "which council"
    if "city" in words and not words - beside:
        found.append(("name", short and not words & {"host", "partner"}))
    return list(dict.fromkeys(found))


def _of_learning(words: frozenset[str], header: str) -> list[tuple[str, bool]]:
    """Return the fields of what a city wants to learn or can show, of which a header's words speak."""
    has_lever = "lever" in words
    if "from_you" in words:
        words = words - {"learn", "struggle", "support"} | {"offer"}
    elif "to_you" in words:
        words = words - {"offer"} | {"learn"}
    if "offer" in words and not words & {"struggle", "learn"}:
        fields = ("levers_offered",) if has_lever else ()
        return [(field, True) for field in (*fields, "strengths", "offers")]
    if words & {"struggle", "learn", "support"}:
        fields = ("levers_needed",) if has_lever else ()
        return [(f, "offer" not in words) for f in (*fields, "challenges", "needs")]
    if words & {"domain", "lever"}:
        field = "levers_needed" if has_lever else "challenges"
        return [(field, "emissions" in words or bool(_WANTED.search(plain(header))))]
    return []


_WHICH: Final = re.compile(r"(?:which|what|welche|quelle?|quale|cual|que|jakie|welk)\b")


def has_candidates(header: str, *, options: bool = False) -> str:
    """Return the likeliest field of which a header's words speak, of those with ``options`` to tick if asked for."""
    words = concepts(header)
    found = [f for f, _ in _candidates(words, header) if not options or f in _OPTIONS]
    beside = [b for b in (SUBMITTED, CONTACT) if b in words and not options]
    return next(iter([*found, *beside]), "")


_WANTED: Final = re.compile(
    r"work on|focus|priorit|interest|mochte|wollen|bearbeit|souhait|travaill|lavorare|interess|trabajar|quiere|chce|prac"
)
"""Words by which a header asks what a city wants to do."""


def meaning(header: str, cells: Sequence[Any], seen: Set[str] = frozenset()) -> Meaning | None:
    """Return what a column means by its header and cells; None where nothing suggests a field.

    ``seen`` are the options of other columns.
    """
    words = concepts(header)
    if not plain(header):
        return Meaning("") if header else None
    if "submitted" in words and (share(SUBMITTED, cells) or 0.0) >= CONTRADICTS:
        return Meaning(SUBMITTED)
    if "meta" in words or "heard" in words:
        return Meaning("")
    if _are_yes_or_no(cells):
        return _flag(words)
    if "else" in words:
        return None
    if (share("participation.english", cells) or 0.0) >= 0.9:
        return Meaning("participation.english", "sure" if "english" in words else "asked")
    is_said = ("contact" in words and "city" not in words) or is_contact(header)
    if is_said or ((share(CONTACT, cells) or 0.0) > FITS and any("@" in text(c) for c in cells)):
        return Meaning(CONTACT)
    is_choice = bool(words & {"domain", "lever"}) or bool(_CHOOSE.search(plain(header)))
    is_ticked = are_options(cells, is_choice=is_choice, seen=seen)
    aside = _LONG if is_ticked else _OPTIONS
    doubted: str | None = None
    for field, clear in (c for c in _candidates(words, header) if c[0] not in aside):
        fits = share(field, cells)
        if fits is None:
            if clear and field in _TESTS and _none_filled(cells):
                return Meaning(field)
            continue
        is_fit = fits >= FITS or (clear and (fits >= CONTRADICTS or field in _OPTIONS))
        if is_fit and (clear or field not in _OPTIONS):
            return Meaning(of_codes(field, options_in(cells)))
        if field in _LONG and clear and fits > 0:
            return Meaning(field)
        if fits >= CONTRADICTS or (clear and field == "population.value"):
            doubted = doubted or field
    if doubted:
        return Meaning(of_codes(doubted, options_in(cells)), "asked")
    return _by_cells(words, cells, seen)


def of_codes(field: str, options: Sequence[str]) -> str:
    """Return the field of levers in place of that of domains where the options are mostly levers."""
    codes = [codes[0] for o in options if (codes := values.option_codes(o))]
    levers = sum(code in {*Lever} for code in codes)
    return LEVERS.get(field, field) if 2 * levers > len(codes) else field


def _flag(words: frozenset[str]) -> Meaning | None:
    """Return what a column of yes and no means: a newcomer by either wording, or no field of ours."""
    if "consent" in words:
        return Meaning("")
    if "first" in words:
        return Meaning(NEWCOMER, "asked" if "before" in words else "sure")
    if "before" in words and ("signed" not in words or "exchange" in words):
        is_sure = bool(words & {"exchange", "partner", "learn"})
        return Meaning(NOT + NEWCOMER, "sure" if is_sure else "asked")
    return Meaning("") if words & {"signed", "neutral"} else None


def _by_cells(words: frozenset[str], cells: Sequence[Any], seen: Set[str]) -> Meaning | None:
    """Return what cells alone suggest, always to be asked: the words say nothing of it, or something else."""
    if words & {"emissions", "coverage"} or _none_filled(cells):
        return None
    for field in ("country", "languages", "commitment.neutral_by", "challenges"):
        if field == "challenges" and not are_options(cells, seen=seen):
            continue
        if field == "commitment.neutral_by" and any(values.moment(text(c)) for c in cells):
            continue
        if (share(field, cells) or 0.0) >= 0.9:
            return Meaning(field, "asked")
    return None


def _none_filled(cells: Sequence[Any]) -> bool:
    return not any(text(c) for c in cells)


def _are_yes_or_no(cells: Sequence[Any]) -> bool:
    return (share("participation.newcomer", cells) or 0.0) >= FITS


_FACTOR: Final = re.compile(
    r"(?P<k>thousand|\btsd\b|\btausend|\bin 1 ?000|\bx ?1 ?000|milliers|migliai|mila\b|\bmil(?:es)?\b(?!l)|\btys|tysi|duizend|milhares|tusen|\b000s?\b|\bk\b)|(?P<m>million|\bmio\b|milion|millon|miljoen|\bmln\b)"
)


def factor_in(header: str) -> float:
    """Return the factor that the words of a header say: 1,000 for thousands, 1,000,000 for millions, else 1."""
    found = _FACTOR.search(plain(header))
    return 1.0 if found is None else 1000.0 if found["k"] else 1e6


def factor_removed(unit: str) -> str:
    """Return a unit in plain letters without the word of its factor and what declines it."""
    return re.sub(rf"(?:{_FACTOR.pattern})\w*", "", plain(unit)).strip()


def fitting(cells: Sequence[Any], seen: Set[str] = frozenset()) -> list[str]:
    """Return the fields in which the cells of a column may stand, by what they hold."""
    if _none_filled(cells):
        return []
    if _are_yes_or_no(cells):
        return [NEWCOMER, NOT + NEWCOMER]
    is_ticked = are_options(cells, seen=seen)
    aside = _LONG if is_ticked else _OPTIONS
    tested = [f for f in _TESTS if f not in {*aside, CONTACT, SUBMITTED, NEWCOMER}]
    return [f for f in tested if (share(f, cells) or 0.0) >= FITS]
