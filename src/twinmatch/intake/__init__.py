"""Intake: forms to fill in, checks that an analyst would make, and profiles written from what cities have."""

from twinmatch.intake.accepted import Accepted, accepted_path, read_accepted, with_accepted
from twinmatch.intake.changes import ProfileChange, compare_profiles
from twinmatch.intake.checks import doubts
from twinmatch.intake.folder import Returned, merge_forms
from twinmatch.intake.forms import template
from twinmatch.intake.profile_yaml import to_yaml
from twinmatch.intake.proxies import estimated_readiness
from twinmatch.intake.writing import write_profiles

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
