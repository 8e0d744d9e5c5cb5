import re
from dataclasses import replace
from itertools import combinations

import pytest
from exporting_samples import sample, twinning

from twinmatch.exporting.atlas import LETTER, distance, land, pair_map, project
from twinmatch.exporting.folder_files import Directory
from twinmatch.proposal import CityCard, Member


def places(**where: tuple[float, float]) -> Directory:
    cards = tuple(
        CityCard(name, name.title(), "", "", (), None, lat, lon, 1.0)
        for name, (lat, lon) in where.items()
    )
    return Directory(replace(sample(), cities=cards))


def pairs(*sides: tuple[str, str]):
    meeting = twinning().meetings[0]
    return [
        replace(meeting, members=(Member(guest, "guest"), Member(host, "host")), unit="")
        for guest, host in sides
    ]


@pytest.mark.parametrize(
    ("lat", "lon", "east", "north"),
    [
        (50, 5, 3_962_799.45, 2_999_718.85),
        (60, 5, 4_041_548.13, 4_109_791.66),
        (70, 5, 4_127_824.66, 5_214_090.65),
        (52, 10, 4_321_000.00, 3_210_000.00),
    ],
)
def test_projection_agrees_with_the_published_examples(lat, lon, east, north):
    """IOGP Publication 373-7-2, method 9820, and its test data series 5110."""
    assert project(lat, lon) == pytest.approx((east, north), abs=0.006)


def test_land_is_small_closed_and_says_where_it_comes_from():
    shores = land().shores
    assert len(shores) + len(land().borders) < 100_000
    assert re.fullmatch(r"(M[-\d ]+l[-\d ]+z)+", shores)
    assert re.fullmatch(r"(M[-\d ]+l[-\d ]+)+", land().borders)


def test_cities_lie_inside_the_frame_and_each_pair_has_a_line():
    directory = places(graz=(47.07, 15.44), lund=(55.7, 13.19), lisbon=(38.7, -9.1))
    found = pair_map(pairs(("graz", "lund"), ("lisbon", "lund")), directory)
    assert found is not None
    assert [tie.title for tie in found.ties] == ["Pair 1: Graz to Lund", "Pair 2: Lisbon to Lund"]
    assert [(dot.city, dot.label) for dot in found.dots] == [
        *(("graz", "1"), ("lisbon", "2"), ("lund", "Lund")),
    ]
    for dot in found.dots:
        assert found.x < dot.x < found.x + found.width
        assert found.y < dot.y < found.y + found.height
    assert found.absent == ()


def test_cities_without_a_place_are_named():
    directory = places(graz=(47.07, 15.44), lund=(55.7, 13.19), sydney=(-33.9, 151.2))
    found = pair_map(pairs(("graz", "lund"), ("sydney", "lund"), ("nowhere", "lund")), directory)
    assert found is not None
    assert found.absent == ("Sydney", "nowhere")
    assert len(found.ties) == 1
    assert pair_map(pairs(("nowhere", "lund")), directory) is None
    assert pair_map([], directory) is None


def test_labels_do_not_cover_each_other():
    near = {f"host{n}": (50 + n / 100, 10 + n / 90) for n in range(12)}
    directory = places(graz=(47.07, 15.44), **near)
    found = pair_map(pairs(*(("graz", host) for host in near)), directory)
    assert found is not None
    hosts = [dot for dot in found.dots if dot.is_host]
    assert 0 < len([dot for dot in hosts if dot.label]) < len(hosts)
    width, height = 0.5 * len("Host0") * LETTER * found.unit, 0.7 * LETTER * found.unit
    for one, other in combinations([dot for dot in hosts if dot.label], 2):
        apart = abs(one.label_x - other.label_x), abs(one.label_y - other.label_y)
        assert apart[0] >= width or apart[1] >= height


def test_distance_is_that_to_the_nearest_host_city():
    directory = places(graz=(47.07, 15.44), lund=(55.7, 13.19), vienna=(48.21, 16.37))
    meeting = pairs(("graz", "lund"))[0]
    both = replace(meeting, members=(*meeting.members, Member("vienna", "host")))
    assert distance(meeting, directory) == pytest.approx(971, abs=2)
    assert distance(both, directory) == pytest.approx(145, abs=2)
    assert distance(pairs(("graz", "nowhere"))[0], directory) is None
