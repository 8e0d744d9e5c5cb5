"""Study visits: a group goes to the Mission City, or on a tour of two, that shows what it needs."""

from twinmatch.programmes.study_visits.product import solved_visits as solved_visits
from twinmatch.programmes.study_visits.product import visit_rules as visit_rules
from twinmatch.programmes.study_visits.search import prepare as prepare
from twinmatch.programmes.study_visits.settings import StudyVisits as StudyVisits
