import contextlib
import copy
import json
import math
from dataclasses import asdict, replace

import pytest
from exporting_samples import CONTROLS, line, pair_account, sample, twinning
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from twinmatch.errors import DataError
from twinmatch.exporting import read_proposal
from twinmatch.exporting.folder_files import Directory, as_read, proposal_json
from twinmatch.proposal import (
    Account,
    Meeting,
    Product,
    Proposal,
    from_plain,
    proposal_schema,
    to_plain,
)
from twinmatch.proposal.wire import sayings_of
from twinmatch.wording import own_words, say

PART = st.floats(0, 1)


def contract() -> Draft202012Validator:
    """The published schema, made strict: nothing but what it names."""
    schema = proposal_schema()
    for part in (schema, *schema["$defs"].values()):
        part["additionalProperties"] = False
        part["required"] = [name for name in part["properties"] if name not in OMITTED]
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


OMITTED = {
    "city",
    "what",
    "value",
    "unit",
    "year",
    "kind",
    "source",
    "place",
    "repair",
    "numbers",
    "costs",
    "need",
    "missed",
    "paid",
}
"""Parts of a fact, what a rule may not have, and the need of a pair, which are left out where they are empty."""


def problems_of(plain: object) -> list[tuple[str, str]]:
    with pytest.raises(DataError) as caught:
        from_plain(plain, "proposal.json")
    assert {p.where.file for p in caught.value.problems} == {"proposal.json"}
    return [(problem.code, problem.where.column) for problem in caught.value.problems]


def test_a_proposal_keeps_the_contract():
    assert list(contract().iter_errors(to_plain(sample()))) == []


def test_an_unknown_likeness_is_null_and_half_of_the_weight():
    unknown = to_plain(sample())["products"][0]["meetings"][0]["account"][1]
    assert unknown["likeness"] is None
    assert unknown["share"] == unknown["weight"] * 0.5


def test_what_was_read_back_gives_the_same_dictionary():
    plain = to_plain(sample())
    assert to_plain(from_plain(copy.deepcopy(plain))) == plain


def test_every_field_survives_the_way_there_and_back():
    there = from_plain(to_plain(sample()))
    assert there.cities[0] == sample().cities[0]
    assert (there.units, there.gaps, there.notes) == (sample().units, sample().gaps, sample().notes)
    back, before = there.product("twinning"), sample().product("twinning")
    assert replace(back, score=0, bound=0, meetings=()) == replace(
        before, score=0, bound=0, meetings=()
    )
    assert back.meetings[0].account.lines[0].facts == before.meetings[0].account.lines[0].facts
    assert back.meetings[0].reserves == before.meetings[0].reserves


def test_a_proposal_is_settled_as_it_is_read_back():
    raw = replace(sample(), made_from={"cities": ("a", 1 / 3), "of": say("{n:.1f}", n=2 / 3)})
    raw = replace(raw, notes=(say("Twice {t}", t=say("Graz")), own_words("Twice Graz", "de")))
    read = from_plain(to_plain(raw))
    # As texts, in which what is not known equals itself.
    assert repr(asdict(as_read(raw))) == repr(asdict(read)) == repr(asdict(as_read(read)))
    assert sayings_of(as_read(raw)) == sayings_of(read)
    assert to_plain(as_read(raw)) == to_plain(raw)


@given(st.lists(st.tuples(PART, PART), max_size=40))
def test_shares_sum_to_the_score(parts):
    total = math.fsum(weight for weight, _ in parts) or 1.0
    lines = tuple(line(f"f{n}", 0.5, s, w / total) for n, (w, s) in enumerate(parts))
    meeting = Meeting("m", "m", (), Account(lines))
    product = Product("twinning", "", "optimal", "", meeting.score, meeting.score, (meeting,))
    plain = to_plain(Proposal({}, (product,)))
    found = plain["products"][0]["meetings"][0]
    assert abs(math.fsum(x["share"] for x in found["account"]) - found["score"]) <= 1e-9
    assert abs(found["score"] - meeting.score) <= 1e-8
    assert to_plain(from_plain(plain)) == plain


def test_a_bound_that_is_not_known_is_null_and_promises_no_gap():
    product = replace(twinning(), bound=math.inf)
    plain = to_plain(Proposal({}, (product,)))["products"][0]
    assert (plain["bound"], plain["gap"]) == (None, None)


@given(st.text())
def test_any_text_survives_json(text):
    proposal = Proposal({"note": text}, (), notes=(text,))
    plain = json.loads(proposal_json(proposal))
    assert (plain["notes"], plain["made_from"]["note"]) == ([text], text)


def test_json_is_utf8_without_nan_and_reads_back(tmp_path):
    path = tmp_path / "proposal.json"
    path.write_bytes(proposal_json(sample()))
    text = path.read_text(encoding="utf-8")
    assert text.endswith("}\n")
    assert "NaN" not in text
    assert "אילת" in text
    assert read_proposal(path).notes == (CONTROLS,)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[1, 2]", "not a proposal"),
        (b"{}", "names no schema"),
        (b'{"schema": "twinmatch/proposal/99"}', "twinmatch/proposal/99"),
        (b'{"schema": NaN}', "NaN is not a JSON number"),
        (b"[" * 200_000, "nested too deeply"),
    ],
)
def test_a_wrong_file_is_named_with_what_is_wrong(tmp_path, content, expected):
    path = tmp_path / "wrong.json"
    path.write_bytes(content)
    with pytest.raises(DataError, match=expected) as caught:
        read_proposal(path)
    assert "wrong.json" in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_proposal(tmp_path / "nothing.json")
    with pytest.raises(DataError, match="cannot be read"):
        read_proposal(tmp_path)


def test_all_problems_come_at_once_with_their_places():
    plain = to_plain(sample())
    meeting = plain["products"][0]["meetings"][0]
    meeting["members"][0]["role"] = "guset"
    meeting["account"][0]["standing"] = "high"
    meeting["account"][2]["weight"] = 7
    del meeting["members"][0]["city"]
    plain["cities"][0]["population"] = True
    plain["cities"][1]["roles"] = ["mission", 3]
    plain["products"][1]["status"] = None
    plain["products"][0]["tables"] = [
        {"name": "t", "title": "", "columns": ["A"], "rows": [[1, 2]]}
    ]
    plain["tables"][0]["rows"][0][0] = True
    assert sorted(problems_of(plain)) == [
        ("proposal-missing", "products[0].meetings[0].members[0]"),
        ("proposal-range", "products[0].meetings[0].account[2].weight"),
        ("proposal-type", "cities[0].population"),
        ("proposal-type", "cities[1].roles[1]"),
        ("proposal-type", "products[0].meetings[0].account[0].standing"),
        ("proposal-type", "products[0].tables[0]"),
        ("proposal-type", "tables[0].rows[0][0]"),
        ("proposal-word", "products[0].meetings[0].members[0].role"),
        ("proposal-word", "products[1].status"),
    ]


def test_a_score_that_was_written_over_is_refused():
    plain = to_plain(sample())
    plain["products"][0]["meetings"][0]["score"] = 0.99
    plain["products"][0]["meetings"][1]["account"][0]["share"] = 0.01
    assert problems_of(plain) == [
        ("proposal-sum", "products[0].meetings[0]"),
        ("proposal-sum", "products[0].meetings[1].account[0]"),
    ]


def paths(value: object, path: tuple = ()):
    """Yield the place of every part of a nested value."""
    yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from paths(value[key], (*path, key))


WRONG = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.just(10**400),
    st.floats(),
    st.text(max_size=3),
    st.just([]),
    st.just({}),
)


@given(st.sampled_from([p for p in paths(to_plain(sample())) if p]), WRONG)
def test_a_file_that_was_tampered_with_is_read_or_refused_but_never_breaks(path, wrong):
    plain = to_plain(sample())
    part = plain
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = wrong
    with contextlib.suppress(DataError):
        proposal_json(from_plain(plain))


def test_the_account_of_the_sample_adds_up():
    assert pair_account().score == pytest.approx(0.71 * 0 + 0.465 + 0.1 + 0.3 / 7)


def test_a_theme_is_called_by_its_title_where_none_of_its_groups_was_formed():
    themes = [{"id": "mobility", "title": "Mobility and transport"}]
    made_from = {"programme": {"settings": {"discussion_groups": {"themes": themes}}}}
    none = replace(twinning(), product="discussion_groups", meetings=())
    directory = Directory(replace(sample(), products=(none,), made_from=made_from))
    assert directory.name("discussion_groups:mobility") == "Mobility and transport"
