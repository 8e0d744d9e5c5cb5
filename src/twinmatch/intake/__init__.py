"""Intake: forms to fill in, checks that an analyst would make, and profiles written from what cities have."""

from twinmatch.intake.checks import doubts
from twinmatch.intake.forms import template
from twinmatch.intake.profile_folder import (
    Import,
    KeyedProblem,
    ProfileChange,
    accepted_path,
    compare_profiles,
    merge_forms,
    read_accepted,
    to_yaml,
    with_accepted,
    write_profiles,
)
from twinmatch.intake.survey import estimated_readiness

__all__ = [
    "Import",
    "KeyedProblem",
    "ProfileChange",
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
