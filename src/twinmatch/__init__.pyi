from twinmatch.affinity import Affinity
from twinmatch.cohort import City, Cohort
from twinmatch.errors import DataError, NoProposalError, QuestionError, TwinmatchError
from twinmatch.estimators import CityAffinity, CityFeatures
from twinmatch.facets import add_facet
from twinmatch.facets.base import Facet
from twinmatch.notebook import pictures
from twinmatch.programmes.programme import Programme
from twinmatch.proposal import Account, Meeting, Product, Proposal
from twinmatch.public import (
    backtest,
    bundled,
    compare,
    explain,
    features,
    frontier,
    pilots,
    prices,
    propose,
    read,
    similar,
    stability,
    why_not,
)
from twinmatch.solving.assign import assign
from twinmatch.solving.partition import partition

__all__ = [
    "Account",
    "Affinity",
    "City",
    "CityAffinity",
    "CityFeatures",
    "Cohort",
    "DataError",
    "Facet",
    "Meeting",
    "NoProposalError",
    "Product",
    "Programme",
    "Proposal",
    "QuestionError",
    "TwinmatchError",
    "add_facet",
    "assign",
    "backtest",
    "bundled",
    "compare",
    "explain",
    "features",
    "frontier",
    "partition",
    "pictures",
    "pilots",
    "prices",
    "propose",
    "read",
    "similar",
    "stability",
    "why_not",
]

__version__: str
