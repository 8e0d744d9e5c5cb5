from __future__ import annotations

from profiles_for_intake import city

from twinmatch.cohort import Cohort
from twinmatch.intake.profile_folder import ProfileChange, compare_profiles
from twinmatch.schema import HostUnit


def test_what_changed_is_told_field_by_field() -> None:
    unit = HostUnit(id="unit-x", name="X", cities=("de-a",))
    old = Cohort(
        (city("de-a", needs="Heat", readiness={"plan": 1}), city("de-b"), city("de-c")), (unit,)
    )
    new = Cohort(
        (
            city("de-a", needs="Trams", readiness={"plan": 2, "target": 1}, version={"number": 2}),
            city("de-b"),
            city("de-d"),
        ),
        (unit.model_copy(update={"name": "Y"}),),
    )
    assert compare_profiles(old, new) == [
        ProfileChange("de-a", "changed", "needs", "Heat", "Trams"),
        ProfileChange("de-a", "changed", "readiness.plan", 1, 2),
        ProfileChange("de-a", "changed", "readiness.target", None, 1),
        ProfileChange("de-a", "changed", "version.number", None, 2),
        ProfileChange("de-c", "gone"),
        ProfileChange("de-d", "new"),
        ProfileChange("unit-x", "changed", "name", "X", "Y"),
    ]


def test_the_same_profiles_have_no_changes(bundled: Cohort) -> None:
    assert compare_profiles(bundled, bundled) == []
