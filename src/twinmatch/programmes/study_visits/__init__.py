"""Study visits: a group goes to the Mission City, or on a tour of two, that shows what it needs."""

from twinmatch.programmes.study_visits.product import (
    product_of,
    solved_visits,
    visit_rules,
)
from twinmatch.programmes.study_visits.search import prepare
from twinmatch.programmes.study_visits.settings import StudyVisits

__all__ = [
    "StudyVisits",
    "prepare",
    "product_of",
    "solved_visits",
    "visit_rules",
]
