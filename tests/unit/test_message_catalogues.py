"""Texts that keep their message: shown in German and French with plural forms and their numbers, stored and read again."""

from __future__ import annotations

import ast
import dataclasses
import pickle
import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.pofile import read_po
from hypothesis import given, settings
from hypothesis import strategies as st

import twinmatch
from twinmatch.exporting import titles, words
from twinmatch.exporting.titles import NOUNS, RULE_NAMES, YOURS
from twinmatch.intake.forms import LEVELS
from twinmatch.proposal import (
    Account,
    Evidence,
    Meeting,
    Member,
    Product,
    Proposal,
    from_plain,
    to_plain,
)
from twinmatch.proposal.tables import TABLES
from twinmatch.proposal.wire import restored, sayings_of
from twinmatch.reading.mapping import columns
from twinmatch.schema import NAMES
from twinmatch.vocabulary.topics import BLOCKS, KINDS
from twinmatch.web.pages import templates
from twinmatch.wording import (
    LANGUAGES,
    Said,
    _number_to_agree_with,
    count,
    filled,
    joined,
    listed,
    own_words,
    say,
    say_n,
    sentence,
    shortened,
    shown,
    translated,
)

SOURCE = Path(twinmatch.__file__).parent
NOT_YET: set[str] = set()
"""Messages that nobody has translated yet."""

OTHERS = [code for code in LANGUAGES if code != "en"]


@cache
def messages() -> set[tuple[str, str]]:
    """Return every message in the source with its plural: what ``say``, ``say_n`` and ``count`` are given."""
    found = {(str(name), "") for name in (*NAMES.values(), *RULE_NAMES.values())} | {
        *map(tuple, NOUNS.values())
    }
    found |= {(level, "") for levels in LEVELS.values() for level in levels}
    tables = (titles.FACETS, titles.PRODUCTS, titles.ROLES, titles.RULES, titles.BLOCKS)
    found |= {
        (str(text), "") for table in (*tables, dict(words.READING)) for text in table.values()
    }
    found |= {(str(label), "") for label, _ in words.READING}
    of_kinds = [KINDS[of] for of in ("says", "regions", "one_of", "titles")] + [
        *KINDS["words"].values()
    ]
    found |= {(words, "") for _, words in KINDS["traits"].values()}
    said = ("asks", "fails", "question")
    rows = KINDS["conditions"].values()
    found |= {(row[of], "") for row in rows for of in said if of in row}
    found |= {(text, "") for of in ("asks", "fails") for text in KINDS["urbanisation"][of]}
    found |= {(text, "") for text in KINDS["urbanisation"]["own"][1:]}
    found |= {(text, "") for table in of_kinds for text in table.values()}
    found |= {
        (text, "") for block in BLOCKS.values() for text in block.values() if isinstance(text, str)
    }
    found |= {(part, "") for c in columns().values() for part in c.label.split(": ")}
    found |= {(form, "") for forms in YOURS.values() for form in forms.values()}
    found |= {(own[of], "") for own in TABLES.values() for of in ("title", "says") if of in own}
    for path in SOURCE.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        if "from twinmatch.wording" not in source:
            continue
        tree = ast.parse(source)
        own = {
            alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module == "twinmatch.wording"
            for alias in node.names
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and re.search(
                r"(say|_quoted)\(says[,)]", ast.unparse(node)
            ):
                found |= {(message, "") for message in _chosen_in(node)}
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            if node.func.id not in own:
                continue
            assert not any(isinstance(arg, ast.Starred) for arg in node.args), ast.unparse(node)
            texts = [arg.value if isinstance(arg, ast.Constant) else "" for arg in node.args]
            if node.func.id == "say" and texts[0]:
                found.add((texts[0], ""))
            elif node.func.id == "say_n":
                found.add((texts[0], texts[1]))
            elif node.func.id == "count" and len(texts) > 1 and texts[1]:
                found.add((texts[1], texts[2] if len(texts) > 2 else texts[1] + "s"))
    return {
        (one, several) for one, several in found if re.search("[a-z]", re.sub("{.*?}", "", one))
    }


def _chosen_in(function: ast.FunctionDef) -> set[str]:
    """Return the messages of which a function chooses one, by the name ``says``, before ``say`` is given it."""
    chosen = [
        n.value
        for n in ast.walk(function)
        if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "says"
    ]
    either = [
        part for v in chosen for part in ((v.body, v.orelse) if isinstance(v, ast.IfExp) else (v,))
    ]
    return {v.value for v in either if isinstance(v, ast.Constant)}


def names_in(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("code", OTHERS)
def test_every_message_is_in_the_catalogue_with_the_same_names(code):
    with (files("twinmatch") / "catalogues" / f"{code}.po").open("rb") as file:
        catalogue = read_po(file, locale=code)
    found = messages()
    assert len(found) > 200
    missing = []
    for one, several in sorted(found):
        entry = catalogue.get(one)
        texts = (
            []
            if entry is None
            else [entry.string]
            if isinstance(entry.string, str)
            else [*entry.string]
        )
        if (
            not texts
            or not all(texts)
            or (several and (not entry.pluralizable or entry.id[1] != several))
        ):
            missing.append(one)
            continue
        for text in texts:
            assert names_in(text) <= names_in(one) | names_in(several), one
            assert names_in(one) <= names_in(text) | {"n"}, one
    assert set(missing) == NOT_YET


def test_a_text_is_english_until_it_is_shown():
    text = say(
        "{one} and {other} lie {apart:,.0f} km apart as the crow flies.",
        one="Aachen",
        other="Espoo",
        apart=1234.4,
    )
    assert text == "Aachen and Espoo lie 1,234 km apart as the crow flies."
    assert shown(text, "en") is text
    assert "1.234 km" in shown(text, "de")
    assert "1\u202f234 km" in shown(text, "fr")


def test_plural_forms_are_those_of_the_language():
    # In French, 0 is one.
    assert [shown(count(n, "city", "cities"), "de") for n in (0, 1, 2)] == [
        "0 Städte",
        "1 Stadt",
        "2 Städte",
    ]
    assert [shown(count(n, "city", "cities"), "fr") for n in (0, 1, 2)] == [
        "0 ville",
        "1 ville",
        "2 villes",
    ]
    assert say_n("{n} city", "{n} cities", 1) == "1 city"
    assert say_n("{n:g} hour", "{n:g} hours", 1.5) == "1.5 hours"
    assert [_number_to_agree_with(n, "fr") for n in (1.0, 1.5, 2.5)] == [1, 1, 2]
    assert [_number_to_agree_with(n, "de") for n in (1.0, 1.5, 0.5)] == [1, 2, 2]
    assert count(1200, "city", "cities") == "1,200 cities"


def test_texts_that_were_put_together_are_shown_part_by_part():
    topics = listed([NAMES["heat_planning"], NAMES["public_transport"], NAMES["industry"]])
    text = sentence(joined([topics, "Aachen"], "; ") + " (2)")
    assert text == "Heat planning, public transport and industry; Aachen (2)."
    assert shown(text, "de") == "Wärmeplanung, öffentlicher Verkehr und Industrie; Aachen (2)."
    assert shown(shortened(topics, 20), "de") == "Wärmeplanung,…".replace(",…", "…")


def test_words_of_a_city_stay_as_they_are_and_are_named_by_language():
    text = say(
        "{on}{name} says: {said}", on="", name="Aachen", said=own_words("Wir brauchen Hilfe.", "de")
    )
    marked = filled(
        text, "fr", lambda piece, language: f"<{language}>{piece}</>" if language else piece
    )
    assert "<de>Wir brauchen Hilfe.</>" in marked
    assert "says" not in marked


def test_what_has_no_translation_is_marked_as_english():
    marked = filled(
        say("Nobody translated {this}", this="Aachen"),
        "de",
        lambda piece, language: f"[{language}:{piece}]",
    )
    assert marked == "[en:Nobody translated ][:Aachen]"


values = st.one_of(
    st.text(max_size=8),
    st.integers(-(10**9), 10**9),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
)


@settings(deadline=None)  # the first call reads the catalogues
@given(st.dictionaries(st.from_regex("[a-z]{1,4}", fullmatch=True), values, max_size=4))
def test_a_stored_text_is_the_same_in_every_language(given_values):
    inner = say(" ".join(f"{{{name}}}" for name in given_values) + "!", **given_values)
    text = say("{first} and {last}", first=inner, last="x")
    plain = restored((str(text), str(inner)), sayings_of((text,)))
    assert plain == (text, inner)
    assert [shown(plain[0], code) for code in LANGUAGES] == [
        shown(text, code) for code in LANGUAGES
    ]


def test_a_text_that_another_one_wraps_unchanged_is_still_known_when_it_was_stored():
    inner = count(3, "pair")
    text = say("{row:stopless}", row=inner)
    (read,) = restored((str(text),), sayings_of((say("{first} and {last}", first=text, last="x"),)))
    assert (text, shown(read, "de")) == (inner, "3 Paare")


def test_codes_stay_codes_where_a_text_says_the_same_word():
    members = (Member("de-aachen", "host"), Member("fi-espoo", "guest"))
    says = say("It has {hosts}.", hosts=count(1, "host"))
    meeting = Meeting("twinning:fi-espoo", "Both", members, Account(()), says)
    made = Product("twinning", "Twinning", "optimal", "flow", 0.5, 0.5, (meeting,))
    read = translated(from_plain(to_plain(Proposal({}, (made,)))), "de").products[0]
    assert [m.role for m in read.meetings[0].members] == ["host", "guest"]
    assert read.product == "twinning"
    assert "Gastgeber" in read.meetings[0].says


def test_a_text_survives_pickling():
    text = pickle.loads(pickle.dumps(count(3, "pair")))
    assert isinstance(text, Said)
    assert shown(text, "de") == "3 Paare"


def proposal() -> Proposal:
    says = say("Both struggle with {shared}.", shared=listed([NAMES["industry"]]))
    account = Account((Evidence("shared_challenges", 0.5, 0.5, 1.0, says),))
    members = (Member("de-aachen", "member"), Member("fi-espoo", "member"))
    meeting = Meeting("g:1", "Industry", members, account, says)
    return Proposal({}, (Product("groups", "Groups", "optimal", "flow", 0.5, 0.5, (meeting,)),))


def test_a_proposal_keeps_what_its_texts_were_made_of():
    made = proposal()
    plain = to_plain(made)
    assert [item["text"] for item in plain["sayings"]] == sorted(
        {"Both struggle with industry.", "industry"}
    )
    read = from_plain(plain)
    assert to_plain(read) == plain
    assert (
        shown(read.products[0].meetings[0].says, "de")
        == "Für beide eine Herausforderung: Industrie."
    )
    assert (
        translated(read, "de").products[0].meetings[0].account.lines[0].says
        == "Für beide eine Herausforderung: Industrie."
    )
    without = {key: value for key, value in plain.items() if key != "sayings"}
    assert from_plain(without) == made
    assert (
        shown(from_plain(without).products[0].meetings[0].says, "de")
        == "Both struggle with industry."
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"message": "{nobody}"},
        {"message": "{"},
        {"message": "{0}"},
        {"several": "{n}"},
        {"message": "{x} {x.__class__}", "with": {"x": "a", "x.__class__": "b"}},
        {"message": "{x[0]}", "with": {"x": "a", "x[0]": "b"}},
    ],
)
def test_a_stored_text_whose_parts_do_not_fit_stays_english(wrong):
    made = to_plain(proposal())
    made["sayings"][0] |= {"message": "x", "several": ""} | wrong
    says = from_plain(made).products[0].meetings[0].says
    assert not isinstance(says, Said)  # so that it is never filled in again
    assert (
        shown(from_plain(made).products[0].meetings[0].says, "de") == "Both struggle with industry."
    )
    assert dataclasses.is_dataclass(from_plain(made))


def test_a_page_escapes_a_text_within_a_text_once():
    text = say("of {what}", what=say("the {whose} own", whose="host's <b>"))
    page = templates("en").from_string("{{ text }}").render(text=text)
    assert page == "of the host&#39;s &lt;b&gt; own"
