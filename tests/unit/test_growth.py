"""No loop over all cities within a loop over all cities: what a round of four times as many calls, counted."""

from __future__ import annotations

import twinmatch as tm
from counting import calls_made, grown

MOST = 7
"""Times as many calls of a function where there are four times as many guests; those of a loop in a loop are 16."""

MAY = {
    "solving/exchange.py": "a search exchanges cities as long as that gains, over groups that are more and larger",
    "figures/__init__.py": "each lead of a group reads what each of its members seeks",
}
"""Files of which functions may be called more, and why."""


def of(times: int) -> list[dict[str, object]]:
    """Return a fifth of the Mission Cities, and half of the bundled guests so many times over under other names."""
    cities = [city.model_dump(mode="json", exclude_none=True) for city in tm.bundled().cities]
    hosts = [city for city in cities if "mission" in city["roles"]][::5]
    guests = [city for city in cities if "mission" not in city["roles"] and "needs" in city][::2]
    again = [
        {**city, "id": f"{city['id']}-{k}", "name": f"{city['name']} {'I' * k}"}
        for k in range(1, times)
        for city in guests
    ]
    return [*hosts, *guests, *again]


def test_four_times_as_many_guests_call_nothing_much_more_than_four_times_as_often(tmp_path):
    def made(times):
        cities, folder = of(times), tmp_path / str(times)
        return calls_made(lambda: tm.propose(tm.read(cities)).write(folder))

    found = grown(made(1), made(4), MOST)
    assert {name: n for name, n in found.items() if not name.startswith(tuple(MAY))} == {}


def test_a_loop_in_a_loop_is_found():
    def pairs(n):
        return sum(1 for i in range(n) for _ in range(i))

    here = pairs.__code__.co_filename.split("/")[-2]
    found = grown(calls_made(lambda: pairs(60), here), calls_made(lambda: pairs(240), here), MOST)
    assert [name.split()[-1] for name in found] == ["<genexpr>"]
