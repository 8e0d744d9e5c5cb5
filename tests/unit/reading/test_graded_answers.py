"""Questions whose parts are answered by how much: levels in numbers, or in the words of several languages."""

from __future__ import annotations

import pytest

from twinmatch.reading import read
from twinmatch.reading.values import Grades, grades_of

PARTS = ("Buildings", "Mobility and transport", "Procurement")


def cohort_of(tmp_path, question, *rows):
    """Return the cities of a table in which one question has three parts; its rows are their answers."""
    head = ",".join(f'"{question} [{part}]"' for part in PARTS)
    cities = [f"{city},AT,{row}" for city, row in zip(("Graz", "Linz", "Wels"), rows, strict=True)]
    path = tmp_path / "survey.csv"
    path.write_text("\n".join([f"City,Country,{head}", *cities]) + "\n")
    return {city.name: city for city in read(path).cities}


@pytest.mark.parametrize(
    ("question", "rows", "weights", "levers"),
    [
        ("How much do you struggle with this?", ("3,1,2", "1,3,1", "2,2,3"), [3, 1], True),
        ("How much do you struggle with this? (1 = not at all, 3 = very much)", ("3,1,2", "1,3,1", "2,2,3"), [3, None], True),
        ("How much do you struggle with this?", ("5,1,4", "1,5,2", "4,3,5"), [3, None], True),
        ("How much do you struggle with this? (1 = none, 5 = a lot)", ("4,2,1", "1,3,2", "3,3,4"), [2, 1], False),
        ("How much do you struggle with this?", ("4 - very much,2 - a little,1 - not at all", "1,3,2", "3,3,4"), [3, 1], False),
        ("How much do you struggle with this?", ("very much,not at all,somewhat", "a little,a lot,not at all", ",somewhat,"), [3, None], True),
        ("Wie sehr brauchen Sie Hilfe bei:", ("sehr,ein wenig,gar nicht", "gar nicht,sehr,ziemlich", "sehr,mittel,"), [3, 1], False),
    ],
)  # fmt: skip
def test_answers_by_how_much_are_weights_of_what_a_city_struggles_with(
    tmp_path, question, rows, weights, levers
):
    graz = cohort_of(tmp_path, question, *rows)["Graz"]
    domains = ("built_environment", "mobility_transport")
    assert [(graz.challenges or {}).get(domain) for domain in domains] == weights
    assert (graz.levers_needed == ("procurement",)) == levers


def test_strengths_are_graded_too(tmp_path):
    linz = cohort_of(tmp_path, "How strong are you in this?", "3,1,2", "1,3,1", "2,2,3")["Linz"]
    assert linz.strengths == {"built_environment": 1, "mobility_transport": 3}
    assert linz.challenges is None


@pytest.mark.parametrize(
    ("said", "scale"),
    [
        (["1", "2", "3", "don't know", ""], Grades(0, 3)),
        (["0", "5"], Grades(0, 5)),
        (["1", "5"], Grades(1, 5)),
        (["1 - not at all", "2", "3"], Grades(1, 3)),
        (["molto", "poco", "per niente"], Grades(0, 3)),
        (["1", "0"], None),  # ticked or not
        (["3", "6"], None),
        (["3", "a street"], None),
        (["yes", "no"], None),
        (["3"], None),
    ],
)
def test_what_is_a_scale(said, scale):
    assert grades_of(said, ["How much? [Buildings]"]) == scale
