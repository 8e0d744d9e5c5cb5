import pytest

from twinmatch.embedding.choice import detect, foreign_language
from twinmatch.files import bundled_path
from twinmatch.vocabulary.geography import language_name

SENTENCES = {
    "bg": "Търсим град, който вече е обновил панелни блокове и може да покаже как е убедил собствениците.",
    "cs": "Hledáme město, které už opravilo panelové domy a umí přesvědčit vlastníky bytů.",
    "da": "Vi leder efter en by, der allerede har omlagt sin fjernvarme og kan vise, hvordan det blev betalt.",
    "de": "Wir suchen eine Stadt, die ihre Fernwärme schon umgestellt hat und zeigen kann, wie das bezahlt wurde.",
    "el": "Ψάχνουμε μια πόλη που έχει ήδη ανακαινίσει παλιές πολυκατοικίες και μπορεί να μας δείξει πώς.",
    "es": "Buscamos una ciudad que ya haya renovado sus barrios y pueda mostrar cómo lo pagó.",
    "et": "Otsime linna, mis on oma kaugkütte juba ümber korraldanud ja oskab näidata, kuidas selle eest maksti.",
    "fi": "Etsimme kaupunkia, joka on jo uudistanut kaukolämpönsä ja osaa kertoa, miten se maksettiin.",
    "fr": "Nous cherchons une ville qui a déjà rénové ses quartiers et peut montrer comment elle a payé.",
    "ga": "Táimid ag lorg cathrach a bhfuil a córas téimh athraithe aici cheana féin agus a thaispeánfaidh conas a íocadh as.",
    "hr": "Tražimo grad koji je već obnovio svoje zgrade i može pokazati kako je uvjerio vlasnike stanova.",
    "hu": "Olyan várost keresünk, amely már felújította a panelházakat, és meg tudja mutatni, hogyan fizették ki.",
    "it": "Cerchiamo una città che abbia già rinnovato i suoi quartieri e possa mostrare come ha pagato.",
    "lt": "Ieškome miesto, kuris jau atnaujino daugiabučius namus ir gali parodyti, kaip už tai sumokėjo.",
    "lv": "Meklējam pilsētu, kas jau ir atjaunojusi daudzdzīvokļu mājas un var parādīt, kā par to samaksāja.",
    "mt": "Qed infittxu belt li diġà rranġat il-bini tagħha u tista' turi kif ħallset għalih.",
    "nl": "Wij zoeken een stad die haar warmtenet al heeft omgebouwd en kan laten zien hoe dat is betaald.",
    "pl": "Szukamy miasta, które odnowiło już swoje bloki i potrafi pokazać, jak za to zapłaciło.",
    "pt": "Procuramos uma cidade que já tenha renovado os seus bairros e possa mostrar como pagou.",
    "ro": "Căutăm un oraș care și-a renovat deja blocurile și poate arăta cum a plătit pentru asta.",
    "sk": "Hľadáme mesto, ktoré už obnovilo panelové domy a vie presvedčiť vlastníkov bytov.",
    "sl": "Iščemo mesto, ki je že prenovilo svoje stavbe in lahko pokaže, kako je prepričalo lastnike.",
    "sv": "Vi söker en stad som redan har byggt om sin fjärrvärme och kan visa hur det betalades.",
    "no": "Vi leter etter en by som allerede har lagt om fjernvarmen sin og kan vise hvordan det ble betalt.",
    "tr": "Isıtma sistemini yenilemiş ve bunun nasıl ödendiğini gösterebilecek bir şehir arıyoruz.",
    "uk": "Шукаємо місто, яке вже оновило свої будинки і може показати, як за це заплатило.",
    "sq": "Kërkojmë një qytet që i ka rinovuar tashmë ndërtesat dhe mund të tregojë si e ka paguar.",
    "is": "Við leitum að borg sem hefur þegar breytt hitaveitu sinni og getur sýnt hvernig það var greitt.",
    "sr": "Тражимо град који је већ обновио своје зграде и може да покаже како је то платио.",
    "mk": "Бараме град што веќе ги обновил своите згради и може да покаже како платил за тоа.",
    "he": "אנחנו מחפשים עיר שכבר שיפצה את הבניינים שלה ויכולה להראות איך שילמה על כך.",
    "ka": "ვეძებთ ქალაქს, რომელმაც უკვე განაახლა თავისი შენობები და შეუძლია აჩვენოს, როგორ გადაიხადა.",
    "hy": "Փնտրում ենք քաղաք, որն արդեն վերանորոգել է իր շենքերը և կարող է ցույց տալ, թե ինչպես է վճարել:",
}


@pytest.mark.parametrize("language", SENTENCES)
def test_the_languages_of_europe_are_told_from_one_sentence(language: str) -> None:
    found = detect(SENTENCES[language])
    assert found is not None
    assert found.language == language
    assert foreign_language(SENTENCES[language], {"en"}) == language
    assert foreign_language(SENTENCES[language], {"en", language}) is None


@pytest.mark.parametrize(
    "text",
    [
        "We look for a city that has changed its district heating and can show how it was paid for.",
        "Retrofitting of social housing in Łódź, Wrocław and Rzeszów",
        "Weisweiler and Kornelimünster: Stadtwerke heat networks and altbau plus advice need money.",
        "Eco-rénovons Paris+ subsidises private renovation.",
        "Citizen engagement, mobility, PV, BRT, SUMP, SECAP",
        "Zero-emission buses in Guimarães",
    ],
)
def test_english_with_names_of_places_is_not_foreign(text: str) -> None:
    assert foreign_language(text, {"en"}) is None


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Als Mission City mit Climate City Contract suchen wir Partner für One-Stop-Shops.", "de"),
        (
            "Notre Climate City Contract prévoit un one-stop-shop; nous cherchons du financement.",
            "fr",
        ),
        ("Sanierungsquote verdoppeln, serielle Sanierung", "de"),  # as near to Luxembourgish
    ],
)
def test_english_terms_do_not_make_a_text_english(text: str, language: str) -> None:
    assert foreign_language(text, {"en"}) == language


@pytest.mark.parametrize("text", ["", "Wärme", "12 345 678 € – 90 % – 2030 – 2040", "→ → →" * 20])
def test_too_short_to_say(text: str) -> None:
    assert detect(text) is None
    assert foreign_language(text, {"en"}) is None


def test_the_bundled_profiles_are_in_english() -> None:
    import yaml

    needs = [
        profile["needs"]
        for path in sorted(bundled_path("city_profiles").glob("[!_]*.yaml"))[::10]
        if "needs" in (profile := yaml.safe_load(path.read_text(encoding="utf-8")))
    ]
    assert len(needs) > 5
    assert [text for text in needs if foreign_language(text, {"en"})] == []


@pytest.mark.parametrize(
    ("code", "name"), [("de", "German"), ("el", "Greek"), ("zz", "zz"), ("?", "?")]
)
def test_names_of_languages(code: str, name: str) -> None:
    assert language_name(code) == name
