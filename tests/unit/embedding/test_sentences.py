import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counting import lines_run
from twinmatch.embedding.sentences import LONG, TOO_LONG, split_sentences

WORDS = (
    "We need heat",
    "Dr",
    "e.g",
    "12",
    "4",
    "€1",
    "5 %",
    "z.B",
    "Überall",
    "π.χ",
    "\n",
    "\n\n",
    " ",
)
MARKS = (
    ". ",
    ".",
    "! ",
    "? ",
    "…",
    "; ",
    ";\n",
    "- ",
    "• ",
    "1. ",
    "a) ",
    '"',
    "»",
    ")",
    "(",
    "，",
    "。",
)
PIECES = st.sampled_from(WORDS + MARKS)
TEXTS = st.one_of(st.text(max_size=300), st.lists(PIECES, max_size=60).map("".join))


def said(text: str) -> list[str]:
    return [sentence.text for sentence in split_sentences(text)]


@given(TEXTS)
def test_every_sentence_is_an_exact_slice_and_nothing_is_lost(text: str) -> None:
    end = 0
    for sentence in split_sentences(text):
        assert sentence.text == text[sentence.start : sentence.end] != ""
        assert sentence.text == sentence.text.strip()
        assert_holds_no_words(text[end : sentence.start])
        end = sentence.end
    assert_holds_no_words(text[end:])


def assert_holds_no_words(gap: str) -> None:
    """Between sentences stand white space, lone marks and bullets ("1.", "a)", "(iv)")."""
    bullets = re.sub(r"(?:^|(?<=\s))(?:\d{1,2}[.)]|[A-Za-z]\)|\(\w{1,3}\))(?=\s)", "", gap)
    assert not any(character.isalnum() for character in bullets), gap


@given(TEXTS)
def test_splitting_a_sentence_again_changes_nothing_but_bullets(text: str) -> None:
    for sentence in said(text):
        assert "".join(said(sentence)).replace(" ", "") in sentence.replace(" ", "")


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("", []),
        (" \n ", []),
        ("… - !", []),
        ("No stop at the end", ["No stop at the end"]),
        ("We need heat. We offer trams!", ["We need heat.", "We offer trams!"]),
        ("What? Why?! So it is.", ["What?", "Why?!", "So it is."]),
        ("Well… We wait. Or... not.", ["Well…", "We wait.", "Or... not."]),
        ("It cost €1.5 million. Then 12.4 % more.", ["It cost €1.5 million.", "Then 12.4 % more."]),
        ("By 2030. We go on.", ["By 2030.", "We go on."]),
        ("We met Dr. Ana M. Silva, e.g. in Porto.", ["We met Dr. Ana M. Silva, e.g. in Porto."]),
        ("The U.S. Office and the e.V. Verein.", ["The U.S. Office and the e.V. Verein."]),
        (
            "See no. 5 of Vol. 3 there. No. We wait.",
            ["See no. 5 of Vol. 3 there.", "No.", "We wait."],
        ),
        ("Am 12. Mai begann es. Gut.", ["Am 12. Mai begann es.", "Gut."]),
        ("Wir wollen z.B. Wärme, d.h. Netze.", ["Wir wollen z.B. Wärme, d.h. Netze."]),
        ("„Das geht!“ Wir wissen es.", ["„Das geht!“", "Wir wissen es."]),
        ('"Really?" she asked. "Yes."', ['"Really?" she asked.', '"Yes."']),
        ("(It works.) We saw it.", ["(It works.)", "We saw it."]),
        ("heat; water; waste. Trams", ["heat; water; waste.", "Trams"]),
        ("Τι ζητάμε; Βοήθεια. Ναι.", ["Τι ζητάμε; Βοήθεια.", "Ναι."]),
        ("Търсим град. Имаме план!", ["Търсим град.", "Имаме план!"]),
        ("一。二。", ["一。", "二。"]),
        ("We seek:\n- heat\n- trams\n• buses", ["We seek:", "heat", "trams", "buses"]),
        ("1. Heat\n2) Trams\n(iii) Buses", ["Heat", "Trams", "Buses"]),
        ("heat plans;\ntram lines;\nbuses", ["heat plans;", "tram lines;", "buses"]),
        ("a line that\nwraps on", ["a line that\nwraps on"]),
        ("A title\n\nA paragraph", ["A title", "A paragraph"]),
        ("- 5 °C in winter. Cold.", ["5 °C in winter.", "Cold."]),
        ("Heat – and trams - are due.", ["Heat – and trams - are due."]),
        ("See www.example.org for v2.0 now.", ["See www.example.org for v2.0 now."]),
    ],
)
def test_examples(text: str, sentences: list[str]) -> None:
    assert said(text) == sentences


def test_a_long_list_is_cut_at_its_semicolons() -> None:
    text = "; ".join(f"measure number {i} of our long plan" for i in range(60)) + "."
    parts = said(text)
    assert all(len(part) <= LONG and part[-1] in ";." for part in parts)
    assert " ".join(parts) == text


def test_a_text_without_any_stop_is_cut_between_words() -> None:
    parts = said("word " * 1000)
    assert all(len(part) <= TOO_LONG for part in parts)
    assert set(" ".join(parts).split()) == {"word"}


def test_one_endless_word_is_cut_as_well() -> None:
    assert max(map(len, said("x" * 5000))) <= TOO_LONG


def test_time_grows_with_the_length_and_not_its_square() -> None:
    assert len(said("We need heat. " * 20_000)) == 20_000
    assert said("." * 100_000 + " ; " * 50_000) == []


@pytest.mark.parametrize(
    "piece", [".", ". ", "Mr. ", "U.S. ", "1. A ", " ", "\n", "\n ", "; ", "(", "a."]
)
def test_work_on_a_long_text_grows_with_its_length(piece):
    def lines(times):
        return lines_run(lambda: split_sentences(piece * times + "x"))

    assert lines(4_000) < 12 * max(lines(500), 50)  # eight times the text; a square would be 64


def test_a_word_too_long_to_be_an_abbreviation_ends_a_sentence():
    told = [
        s.text
        for s in split_sentences("See https://example.org/a/path/of/some/length/no. Then call.")
    ]
    assert told[-1] == "Then call."
