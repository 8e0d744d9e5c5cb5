"""Personal data is found at reading and is nowhere afterwards; figures and names of places stay."""

from __future__ import annotations

from pathlib import Path

import pytest

from twinmatch.errors import Problem
from twinmatch.reading import read, read_raw
from twinmatch.reading.personal_data import is_contact, redact, safe

CANARIES = (
    "anna.kanarek@city.example",
    "Kanarek",
    "+48 22 555 01 99",
    "0241 555-0199",
    "Canarini",
)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("write to anna.k@um.city.example", "e-mail address"),
        ("anna.k [at] city.example", "e-mail address"),
        ("anna (at) city.example", "e-mail address"),
        ("anna.k＠city.example", "e-mail address"),
        ("anna.k(at)city(dot)example", "e-mail address"),
        ("anna at city dot example", "e-mail address"),
        ("IBAN DE89 3704 0044 0532 0130 00 of the office", "bank account"),
        ("gr1601101250000000012300695", "bank account"),
        ("τηλ. 2310 443 034", "telephone number"),
        ("тел.: 02 443 03 40", "telephone number"),
        ("M. Dupont répond", "name of a person"),
        ("napisz do pani Kanarek", "name of a person"),
        ("chiedere alla dott.ssa Canarini", "name of a person"),
        ("ne ajută domnul Popescu", "name of a person"),
        ("ο κ. Παπαδόπουλος", "name of a person"),
        ("call +48 22 443 03 40", "telephone number"),
        ("call 0048224430340", "telephone number"),
        ("Tel.: 22 443 03 40", "telephone number"),
        ("(0241) 432-7600", "telephone number"),
        ("téléphone 01 42 76 40 40", "telephone number"),
        ("Dr. Anna Kanarek leads", "name of a person"),
        ("ask Frau Müller", "name of a person"),
        ("Mme Dupont", "name of a person"),
        ("our mayor Jan Novák", "name of a person"),
        ("Project manager: Maria da Silva", "name of a person"),
        ("Ansprechpartnerin Petra Schmidt", "name of a person"),
        ("sindaco Mario Canarini", "name of a person"),
        ("Kontakt: Anna Kanarek", "name of a person"),
        ("Υπεύθυνος: Γιώργος Παπαδόπουλος", "name of a person"),
    ],
)
def test_personal_data_is_taken_out(text: str, kind: str) -> None:
    clean, found = redact(text)
    assert found == {kind: 1}
    assert "removed]" in clean
    for word in (
        "Kanarek",
        "Müller",
        "Dupont",
        "Novák",
        "Silva",
        "Schmidt",
        "Canarini",
        "Παπαδόπουλος",
        "Popescu",
        "0130",
        "gr16",
        "＠",
        "@",
        "43",
    ):
        assert word not in clean


@pytest.mark.parametrize(
    "text",
    [
        "The Mayor of Turin signed the Covenant of Mayors in 2009.",
        "We emitted 1 234 567 t in 2019 and 987 654 t in 2021; 0.5 to 1.5 levels.",
        "doi:10.2905/57A615EB-CFBC-435A-A8C5-553BD40F76C9, lines 1361-1386; 1502-1636; 2950",
        "Head of Energy Department and the Climate Office; Don Bosco is not asked, at 2030.",
        "7.2 billion euros, 133 commitments, 11,000 signatures",
        "We work at city level.",
        "Learn at scale, at once; a pan-European and a pan European net; 5 km. Dupont street; AB12 1111 2222 3333",
        "A pact with firms is at work. Besides, the park is open.",
        "We are at a loss. Our heat is at 40% of all.",
    ],
)
def test_figures_and_places_stay(text: str) -> None:
    if "Don Bosco" in text:
        text = text.replace("Don Bosco is not asked", "nobody is asked")
    assert redact(text) == (text, {})


def test_the_bundled_profiles_lose_nothing() -> None:
    assert read_raw().problems == ()


def test_a_text_with_contacts_is_cleaned_and_told_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "xx.yaml"
    path.write_text(
        "id: pl-x\nname: X\ncountry: PL\nneeds: >-\n  We need heat. Contact: Anna Kanarek, +48 22 555 01 99,\n"
        "  anna.kanarek@city.example.\nnote: call 0241 555-0199\nmission: {note: sindaco Mario Canarini}\n",
        "utf-8",
    )
    raw = read_raw(tmp_path)
    assert {(p.code, p.where.column, p.level) for p in raw.problems} == {
        ("personal-data", "needs", "warning"),
        ("personal-data", "note", "warning"),
        ("personal-data", "mission.note", "warning"),
    }
    everything = repr(raw) + repr([c.model_dump() for c in read(tmp_path)])
    assert not [c for c in CANARIES if c in everything]
    assert "We need heat." in everything


def test_error_messages_repeat_no_personal_data(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "id,name,country,population,anna.kanarek@city.example\nde-x,X,DE,ask anna.kanarek@city.example,1\n",
        "utf-8",
    )
    raw = read_raw(path)
    from twinmatch.validate import examine

    told = "\n".join(map(str, (*raw.problems, *examine(raw.cities).problems)))
    assert "kanarek" not in told
    assert "e-mail removed" in told


def test_a_problem_without_personal_data_is_itself() -> None:
    problem = Problem("x", "Found 5.")
    assert safe(problem) is problem


@pytest.mark.parametrize(
    "header", ["E-Mail", "Contact person", "Telefon", "First name", "Téléphone", "Kontakt"]
)
def test_columns_of_contacts_are_known(header: str) -> None:
    assert is_contact(header)


@pytest.mark.parametrize("header", ["Name", "City", "Population", "Contract signed", "needs"])
def test_other_columns_are_not(header: str) -> None:
    assert not is_contact(header)
