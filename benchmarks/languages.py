"""Do needs in other languages find the host that has what they ask for?

    python benchmarks/languages.py [--model multilingual] [--json]

Ten short needs, each answered by one bundled city, in English, German, Italian, Polish and Greek, written for this test
without sight of any ranking. Each is asked by a city of which nothing else is known, and the hosts are ranked by
sentences (``needs_offers``), by topics (``topics_met``) and by the twinning weights of the facets of needs. Printed for
each language: how many of the ten right hosts are among the first five of the ten, of more, and of all cities with
offers. The right host is not the only good one where there are many, so the English row is the measure of the others.
``--model minilm`` shows what is lost without the extra.
"""

from __future__ import annotations

import argparse
import json
from typing import Final

import numpy as np

from twinmatch.affinity import Affinity, compare
from twinmatch.cohort import Cohort, Host
from twinmatch.embedding.choice import open_text_model
from twinmatch.facets import FacetCache
from twinmatch.facets.text import all_sentences
from twinmatch.reading import read
from twinmatch.schema import City

DEPTH: Final = 5
MORE: Final = (0, 10, 30)
"""Further hosts beside the ten right ones."""
LANGUAGES: Final = ("en", "de", "it", "pl", "el")
WEIGHTS: Final = {
    "sentences": {"needs_offers": 1.0},
    "topics": {"topics_met": 1.0},
    "needs of twinning": {"needs_answered": 30.0, "topics_met": 10.0, "same_words": 10.0},
}

NEEDS: Final[dict[str, tuple[str, str, str, str, str]]] = {
    "es-sant-boi-de-llobregat": (
        "In our poorer quarters the owners of flats cannot agree on insulation. We want to guide owners' communities through grants for renovation.",
        "In unseren ärmeren Vierteln können sich die Wohnungseigentümer nicht auf eine Dämmung einigen. Wir wollen Eigentümergemeinschaften durch die Förderung der Sanierung begleiten.",
        "Nei nostri quartieri più poveri i proprietari degli appartamenti non riescono ad accordarsi sull'isolamento. Vogliamo accompagnare i condomini negli incentivi per la ristrutturazione.",
        "W naszych uboższych dzielnicach właściciele mieszkań nie mogą się porozumieć w sprawie ocieplenia. Chcemy prowadzić wspólnoty mieszkaniowe przez dotacje na remonty.",
        "Στις φτωχότερες γειτονιές μας οι ιδιοκτήτες διαμερισμάτων δεν μπορούν να συμφωνήσουν για τη μόνωση. Θέλουμε να καθοδηγήσουμε τις κοινότητες ιδιοκτητών στις επιδοτήσεις ανακαίνισης.",
    ),
    "hr-slavonski-brod": (
        "Our street lamps are old and use too much electricity. We look for a way to pay for LED lighting.",
        "Unsere Straßenlaternen sind alt und verbrauchen zu viel Strom. Wir suchen einen Weg, LED-Beleuchtung zu bezahlen.",
        "I nostri lampioni stradali sono vecchi e consumano troppa elettricità. Cerchiamo un modo per pagare l'illuminazione a LED.",
        "Nasze lampy uliczne są stare i zużywają za dużo prądu. Szukamy sposobu sfinansowania oświetlenia LED.",
        "Οι λάμπες των δρόμων μας είναι παλιές και καταναλώνουν πολύ ρεύμα. Ψάχνουμε τρόπο να πληρώσουμε τον φωτισμό LED.",
    ),
    "is-reykjavik": (
        "We sit on hot springs and would like to heat all homes with geothermal energy. Could the carbon dioxide be stored underground?",
        "Wir sitzen auf heißen Quellen und möchten alle Häuser mit Erdwärme heizen. Könnte das Kohlendioxid unter der Erde gespeichert werden?",
        "Siamo seduti su sorgenti calde e vorremmo riscaldare tutte le case con l'energia geotermica. Si potrebbe immagazzinare l'anidride carbonica nel sottosuolo?",
        "Mamy gorące źródła i chcielibyśmy ogrzewać wszystkie domy energią geotermalną. Czy dwutlenek węgla można by składować pod ziemią?",
        "Βρισκόμαστε πάνω σε θερμές πηγές και θα θέλαμε να θερμαίνουμε όλα τα σπίτια με γεωθερμία. Θα μπορούσε το διοξείδιο του άνθρακα να αποθηκευτεί υπόγεια;",
    ),
    "it-formigine": (
        "The ceramics factories of our district emit more than the town itself. How can a voluntary agreement with industry set limits?",
        "Die Keramikfabriken unseres Bezirks stoßen mehr aus als die Stadt selbst. Wie kann eine freiwillige Vereinbarung mit der Industrie Grenzen setzen?",
        "Le fabbriche di ceramica del nostro distretto emettono più della città stessa. Come può un accordo volontario con l'industria porre dei limiti?",
        "Fabryki ceramiki w naszym okręgu emitują więcej niż samo miasto. Jak dobrowolne porozumienie z przemysłem może wyznaczyć limity?",
        "Τα εργοστάσια κεραμικών της περιοχής μας εκπέμπουν περισσότερο από την ίδια την πόλη. Πώς μπορεί μια εθελοντική συμφωνία με τη βιομηχανία να θέσει όρια;",
    ),
    "fr-courcy": (
        "Our heat network still burns coal and gas. We want to switch it to wood and waste heat.",
        "Unser Wärmenetz verbrennt noch Kohle und Gas. Wir wollen es auf Holz und Abwärme umstellen.",
        "La nostra rete di teleriscaldamento brucia ancora carbone e gas. Vogliamo convertirla a legna e calore di scarto.",
        "Nasza sieć ciepłownicza nadal spala węgiel i gaz. Chcemy przestawić ją na drewno i ciepło odpadowe.",
        "Το δίκτυο τηλεθέρμανσής μας καίει ακόμη άνθρακα και φυσικό αέριο. Θέλουμε να το μετατρέψουμε σε ξύλο και απορριπτόμενη θερμότητα.",
    ),
    "no-stavanger": (
        "Targets and money are decided apart in our council. We want to learn how an annual climate budget is made.",
        "Ziele und Geld werden in unserem Rat getrennt beschlossen. Wir wollen lernen, wie ein jährlicher Klimahaushalt gemacht wird.",
        "Nel nostro consiglio gli obiettivi e i soldi si decidono separatamente. Vogliamo imparare come si fa un bilancio climatico annuale.",
        "W naszej radzie cele i pieniądze ustala się osobno. Chcemy się nauczyć, jak powstaje coroczny budżet klimatyczny.",
        "Στο συμβούλιό μας οι στόχοι και τα χρήματα αποφασίζονται χωριστά. Θέλουμε να μάθουμε πώς γίνεται ένας ετήσιος προϋπολογισμός για το κλίμα.",
    ),
    "lt-vilnius": (
        "Blocks of flats from Soviet times must be renovated by the hundred. Should the municipality found an agency that organises it?",
        "Wohnblöcke aus sowjetischer Zeit müssen zu Hunderten saniert werden. Soll die Gemeinde eine Agentur gründen, die das organisiert?",
        "Centinaia di condomini di epoca sovietica devono essere ristrutturati. Il comune dovrebbe fondare un'agenzia che lo organizzi?",
        "Setki bloków mieszkalnych z czasów sowieckich trzeba wyremontować. Czy gmina powinna założyć agencję, która to organizuje?",
        "Εκατοντάδες πολυκατοικίες της σοβιετικής εποχής πρέπει να ανακαινιστούν. Πρέπει ο δήμος να ιδρύσει έναν οργανισμό που να το οργανώνει;",
    ),
    "pl-krakow": (
        "Smog from coal stoves makes our residents ill in winter. How were households moved off solid fuels?",
        "Der Smog aus Kohleöfen macht unsere Einwohner im Winter krank. Wie wurden Haushalte von festen Brennstoffen weggebracht?",
        "Lo smog delle stufe a carbone fa ammalare i nostri abitanti in inverno. Come sono state convinte le famiglie ad abbandonare i combustibili solidi?",
        "Smog z pieców węglowych sprawia, że nasi mieszkańcy chorują zimą. Jak odwiedziono gospodarstwa domowe od paliw stałych?",
        "Η αιθαλομίχλη από τις σόμπες άνθρακα αρρωσταίνει τους κατοίκους μας τον χειμώνα. Πώς εγκατέλειψαν τα νοικοκυριά τα στερεά καύσιμα;",
    ),
    "de-cologne": (
        "A large river runs through our city. We want to take heat for homes from it with a large heat pump.",
        "Ein großer Fluss fließt durch unsere Stadt. Wir wollen ihm mit einer Großwärmepumpe Wärme für Wohnungen entnehmen.",
        "Un grande fiume attraversa la nostra città. Vogliamo ricavarne calore per le case con una grande pompa di calore.",
        "Przez nasze miasto płynie duża rzeka. Chcemy pobierać z niej ciepło dla mieszkań wielką pompą ciepła.",
        "Ένα μεγάλο ποτάμι διασχίζει την πόλη μας. Θέλουμε να παίρνουμε από αυτό θερμότητα για τα σπίτια με μια μεγάλη αντλία θερμότητας.",
    ),
    "gr-palaio-faliro": (
        "Our schools are too hot in early summer. We want to plant green roofs on them.",
        "Unsere Schulen sind im Frühsommer zu heiß. Wir wollen auf ihnen Gründächer anlegen.",
        "Le nostre scuole sono troppo calde a inizio estate. Vogliamo realizzarvi dei tetti verdi.",
        "Nasze szkoły są za gorące wczesnym latem. Chcemy założyć na nich zielone dachy.",
        "Τα σχολεία μας είναι πολύ ζεστά στις αρχές του καλοκαιριού. Θέλουμε να φτιάξουμε πράσινες στέγες σε αυτά.",
    ),
}
"""Right host, and the need in the languages in turn."""


def cohort_with_needs() -> Cohort:
    """Return the bundled cities beside one asking city for each need and language."""
    bundled = read()
    asking = [
        City(id=f"de-asking-{code}{k}", name=f"Asking {code} {k}", country="DE", needs=texts[n])
        for k, texts in enumerate(NEEDS.values())
        for n, code in enumerate(LANGUAGES)
    ]
    together = sorted((*bundled.cities, *asking), key=lambda c: c.id)
    return Cohort(tuple(together), bundled.units)


def found(model: str) -> dict[str, dict[str, dict[str, int]]]:
    """Return how many right hosts are among the first five, by number of hosts, ranking and language."""
    cohort = cohort_with_needs()
    cache = FacetCache(open_text_model(model, all_sentences(cohort)))
    right = [cohort.index[city] for city in NEEDS]
    others = [i for i, c in enumerate(cohort.cities) if c.offers and i not in right]
    table: dict[str, dict[str, dict[str, int]]] = {}
    for more in (*MORE, len(others)):
        picked = [others[k] for k in np.linspace(0, len(others) - 1, more).astype(int)]
        hosts = [
            Host(cohort.cities[i].id, cohort.cities[i].name, (i,))
            for i in sorted([*right, *picked])
        ]
        columns = [next(c for c, h in enumerate(hosts) if h.cities == (i,)) for i in right]
        table[f"{len(hosts)} hosts"] = {
            name: _hits(compare(cohort, weights, cache, columns=hosts), columns)
            for name, weights in WEIGHTS.items()
        }
    return table


def _hits(affinity: Affinity, right: list[int]) -> dict[str, int]:
    """Return the right hosts among the first five, by language; a need that is not read finds nothing."""
    score, hits = np.round(affinity.score, 9), {}
    for code in LANGUAGES:
        hits[code] = 0
        for k, column in enumerate(right):
            row = affinity.cohort.index[f"de-asking-{code}{k}"]
            level = (score[row] == score[row, column]).sum() - 1
            rank = (score[row] > score[row, column]).sum() + level / 2
            hits[code] += bool(rank < DEPTH and affinity.coverage[row, column] > 0)
    return hits


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="multilingual")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    table = found(arguments.model)
    if arguments.json:
        print(json.dumps(table))
        return
    print(f"right hosts among the first {DEPTH}, of {len(NEEDS)} needs, by {arguments.model}")
    for hosts, rankings in table.items():
        for name, by_language in rankings.items():
            counts = "  ".join(f"{code} {n:2d}" for code, n in by_language.items())
            print(f"{hosts:10s} {name:18s} {counts}")


if __name__ == "__main__":
    main()
