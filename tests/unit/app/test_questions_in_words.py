"""A question in words is answered whatever the cities say of themselves."""

from __future__ import annotations

import numpy as np
import pytest

from twinmatch.app.service import Question, open_service


@pytest.fixture
def silent(tmp_path):
    place = tmp_path / "cities.csv"
    place.write_text("id,name,country\nat-a,A,AT\nde-b,B,DE\nfr-c,C,FR\n", encoding="utf-8")
    return open_service(place, model="static")


def test_where_no_city_shows_anything_in_words_a_question_in_words_is_answered(silent):
    question = Question(text="We need heat networks.", worded=True)
    for answer in (
        silent.similar("at-a", question),
        silent.similar_to({"id": "it-d", "name": "D", "country": "IT"}, question),
    ):
        assert answer.similar
        for city in answer.similar:
            (line,) = (line for line in city.account.lines if line.facet == "asked")
            assert line.standing == 0.5
            assert np.isnan(line.likeness)
            assert line.says.endswith("can show on this is not known.")
