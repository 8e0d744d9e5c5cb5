"""Intake: forms to fill in, checks that an analyst would make, and profiles written from what cities have."""

from twinmatch.intake.accepted import (
    Accepted,
    ProfileChange,
    accepted_path,
    compare_profiles,
    read_accepted,
    with_accepted,
)
from twinmatch.intake.checks import doubts
from twinmatch.intake.forms import template
from twinmatch.intake.profile_folder import Returned, merge_forms
from twinmatch.intake.readiness_scale import estimated_readiness
from twinmatch.intake.writing import to_yaml, write_profiles

__all__ = [
    "Accepted",
    "ProfileChange",
    "Returned",
    "accepted_path",
    "compare_profiles",
    "doubts",
    "estimated_readiness",
    "merge_forms",
    "read_accepted",
    "template",
    "to_yaml",
    "with_accepted",
    "write_profiles",
]
