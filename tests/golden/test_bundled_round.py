"""The bundled round as it stands: a change of these pairs, groups or clusters is to be seen and meant.

Write the golden anew with ``python tests/golden/test_bundled_round.py`` after looking at what changed.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from twinmatch.exporting.report import sides
from twinmatch.facets import FacetCache
from twinmatch.figures import group_tables
from twinmatch.programmes import PRODUCTS, Round, load
from twinmatch.proposal import Product
from twinmatch.proposal.tables import ReasonRow
from twinmatch.wording import LANGUAGES, Said, filled, spoken_by

GOLDEN = Path(__file__).with_name("bundled_round.json")
NAMES = ("twinning", "discussion_groups", "national_clusters")


def extract(product: Product) -> dict[str, object]:
    """Return what a golden keeps of a product."""
    return {
        "status": product.status,
        "score": round(product.score, 5),
        "meetings": {m.id: [f"{x.role} {x.city}" for x in m.members] for m in product.meetings},
    }


@pytest.fixture(scope="module")
def products(bundled, bundled_facet_cache):
    programme = load(*NAMES)
    return {
        name: PRODUCTS[name](Round(bundled, bundled_facet_cache), getattr(programme, name))
        for name in NAMES
    }


@pytest.mark.parametrize("name", NAMES)
def test_the_round_is_the_golden_one(name, products):
    assert extract(products[name]) == json.loads(GOLDEN.read_text(encoding="utf-8"))[name]


@pytest.mark.parametrize("name", NAMES)
def test_every_account_sums_and_every_city_ends_somewhere(name, products, bundled):
    product = products[name]
    for meeting in product.meetings:
        assert sum(line.share for line in meeting.account.lines) == pytest.approx(
            meeting.score, abs=1e-9
        )
    met = {m.city for meeting in product.meetings for m in meeting.members}
    assert met | {item.city for item in product.left_out} == {c.id for c in bundled.cities}
    assert all(item.why for item in product.left_out)
    assert all(rule.status in {"kept", "binding"} for rule in product.rules)


def test_the_twinning_round_keeps_its_own_rules(products, bundled):
    """Counted from the meetings by hand, apart from every engine and referee."""
    meetings = products["twinning"].meetings
    guests = [m.cities("guest")[0] for m in meetings]
    held = sum(item.places for item in products["twinning"].held)
    assert len(guests) == len(set(guests)) == 30 - held
    assert all(m.account.coverage >= 0.25 for m in meetings)
    hosts = [m.unit or m.cities("host")[0] for m in meetings]
    assert max(hosts.count(h) for h in hosts) <= 2
    countries = [bundled.city(g).country for g in guests]
    assert max(countries.count(c) for c in countries) <= 4
    national = [
        g
        for m in meetings
        for g in m.cities("guest")
        if any(bundled.city(h).country == bundled.city(g).country for h in m.cities("host"))
    ]
    assert len(national) <= 3
    for guest in guests:
        city = bundled.city(guest)
        assert city.commitment
        assert (city.commitment.neutral_by or city.commitment.neutral_by_at_latest) <= 2050
        assert "mission" not in city.roles


def main() -> None:
    """Write the golden anew."""
    from twinmatch.embedding.choice import open_text_model
    from twinmatch.facets.text import all_sentences
    from twinmatch.reading import read

    cohort = read()
    facet_cache = FacetCache(open_text_model("bundled", all_sentences(cohort)))
    programme = load(*NAMES)
    made = {
        name: extract(PRODUCTS[name](Round(cohort, facet_cache), getattr(programme, name)))
        for name in NAMES
    }
    GOLDEN.write_text(json.dumps(made, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


@pytest.mark.parametrize("name", NAMES[1:])
def test_each_city_of_a_group_reads_of_itself(name, products, bundled, bundled_facet_cache):
    round_ = Round(bundled, bundled_facet_cache, programme=load(*NAMES))
    _, table = group_tables(round_, products[name])
    rows = [ReasonRow(*row) for row in table.rows]
    names = {city.id: city.name for city in bundled.cities}
    of = {meeting.id: meeting.cities() for meeting in products[name].meetings}
    assert all(row.city in of[row.meeting] and names[row.city] in row.says for row in rows)
    read = {(row.meeting, row.city) for row in rows}
    everyone = {(meeting, city) for meeting, cities in of.items() for city in cities}
    silent = {c.id for c in bundled.cities if not (c.challenges or c.levers_needed or c.needs)}
    assert {city for _, city in everyone - read} <= silent
    assert not any(english_in(row.says, "de") for row in rows)


def test_a_reason_that_several_cities_share_speaks_of_no_single_one(products):
    shared = [r for p in products.values() for part in sides(p) for r in part.reasons]
    texts = [r.why for r in shared if sum(len(cities) for _, cities in r.offers) > 1]
    assert len(texts) > 10
    assert [text for text in texts if "this city" in text.lower()] == []


SENTENCES = (
    "meetings.says",
    "meetings.account.lines.says",
    "meetings.notes",
    "left_out.why",
    "left_out.ask",
    "held.why",
    "held.ask.question",
    "rules.says",
    "says",
    "tables.title",
    "tables.says",
)
"""Where sentences that the product makes stand in a product of a proposal."""


def at(thing: object, path: str) -> list[str]:
    """Return the texts at a path of names, empty ones left out."""
    if isinstance(thing, tuple):
        return [text for part in thing for text in at(part, path)]
    if not path:
        return [thing] if thing else []
    name, _, rest = path.partition(".")
    return at(getattr(thing, name), rest)


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != "en"])
def test_no_sentence_of_the_bundled_round_stays_english(products, code):
    """Every kind of sentence is counted and translated whole; only what cities say in their own words stays."""
    english, found = {}, dict.fromkeys(SENTENCES, 0)
    for path in SENTENCES:
        for text in (text for product in products.values() for text in at(product, path)):
            found[path] += 1
            if left := english_in(text, code):
                english.setdefault(path, []).append(left)
    assert english == {}
    assert found["meetings.account.lines.says"] > 500
    assert all(found[path] for path in SENTENCES if not path.startswith("held")), found


def english_in(text: str, code: str) -> list[str]:
    """Return what of a text stays English in a language, but for cities' own words."""
    if not isinstance(text, Said):
        return [text]
    pieces: list[tuple[str, str]] = []
    filled(text, code, lambda piece, language: pieces.append((piece, language)) or piece)
    own = {said for words in own_words_in(text) for said in (words, spoken_by(words))}
    return [piece for piece, language in pieces if language == "en" and piece not in own]


def own_words_in(text: object) -> list[str]:
    if not isinstance(text, Said):
        return []
    if text.language:
        return [str(text)]
    return [word for value in text.values.values() for word in own_words_in(value)]


if __name__ == "__main__":
    main()
