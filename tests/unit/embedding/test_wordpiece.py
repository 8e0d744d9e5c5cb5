import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from twinmatch.embedding.sentences import WordPiece
from twinmatch.files import bundled_path

FILE = bundled_path("models", "static-minilm", "tokenizer.json")
OURS = WordPiece.from_file(FILE)
LETTERS = "abcXYZäöüßčšžłńşğıİΣςσΆαΩЖжїאב中文ａ１ﬁ™€%½²'\"-–—„“.,;:!?()[]{}$+<=>^`|~#@ \t\n\u00a0\u200b\u0301\ufffd\x00"


def test_the_words_of_bert() -> None:
    tiny = WordPiece({"[UNK]": 0, "un": 1, "##aff": 2, "##able": 3, ",": 4, "heat": 5})
    assert tiny.ids("Unaffable, HEAT heaty  ünaffable") == [1, 2, 3, 4, 5, 1, 2, 3]


def test_unknown_and_endless_words_are_left_out() -> None:
    tiny = WordPiece({"[UNK]": 0, "a": 1, "##a": 2})
    assert tiny.ids("b a " + "a" * 101) == [1]


def test_another_kind_of_tokenizer_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text('{"normalizer": {"type": "NFC", "lowercase": true}, "model": {"type": "BPE"}}')
    with pytest.raises(ValueError, match="no uncased BERT"):
        WordPiece.from_file(path)


# Latin, Greek, Cyrillic, Armenian, Hebrew, punctuation and signs, as far as both know the same Unicode.
EUROPE = st.one_of(
    st.characters(max_codepoint=0x52F, exclude_categories=["Cn", "Cs"]),
    st.characters(min_codepoint=0x1E00, max_codepoint=0x22FF, exclude_categories=["Cn", "Cs"]),
)


@cache
def reference() -> Any:
    tokenizers = pytest.importorskip("tokenizers", reason="NOT COMPARED WITH tokenizers")
    return tokenizers.Tokenizer.from_file(str(FILE))


@settings(max_examples=300)
@given(st.one_of(st.text(alphabet=LETTERS, max_size=60), st.text(alphabet=EUROPE, max_size=60)))
def test_the_same_pieces_as_the_tokenizers_package(text: str) -> None:
    assume(not {"[UNK]", "[PAD]"} & set(re.findall(r"\[\w+\]", text)))  # plain words to us
    theirs = reference()
    unknown = theirs.token_to_id("[UNK]")
    expected = [i for i in theirs.encode(text, add_special_tokens=False).ids if i != unknown]
    assert OURS.ids(text) == expected
