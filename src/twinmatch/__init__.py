"""twinmatch: explained, proven, fair peer matching for climate-neutral cities.

``import twinmatch as tm`` is the door to all of it; each name is loaded when it is first used:

- read, bundled: a cohort of cities from a file, a DataFrame or dicts, or the bundled one;
- features, similar, explain, compare: what cities are like, and how well they fit;
- propose, why_not, prices, stability, frontier, backtest, pilots: make a round and ask about it;
- assign, partition: the solvers on arrays, without any city;
- CityFeatures, CityAffinity: cities in scikit-learn; pictures: charts and maps for notebooks;
- Cohort, City, Programme, Proposal, Facet and the errors: the types; add_facet: a facet of your own.
"""

from __future__ import annotations

from importlib import import_module

__version__ = "0.1.0"

TYPE_CHECKING = False  # true for checkers; typing itself takes longer to import than all of this

if TYPE_CHECKING:
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

_WHERE = {
    "public": "read bundled features similar explain compare propose why_not prices stability frontier backtest pilots",
    "solving.assign": "assign",
    "solving.partition": "partition",
    "estimators": "CityFeatures CityAffinity",
    "cohort": "Cohort City",
    "programmes.programme": "Programme",
    "proposal": "Proposal Product Meeting Account",
    "affinity": "Affinity",
    "facets": "add_facet",
    "facets.base": "Facet",
    "errors": "TwinmatchError DataError QuestionError NoProposalError",
}
_MODULE = {name: module for module, names in _WHERE.items() for name in names.split()}

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


if not TYPE_CHECKING:  # checkers see the names above and no others

    def __getattr__(name: str) -> object:
        if name == "pictures":
            return import_module(f"{__name__}.notebook.pictures")
        if name not in _MODULE:
            raise AttributeError(
                f"module {__name__!r} has no attribute {name!r}; there are: {', '.join(__all__)}"
            )
        found = getattr(import_module(f"{__name__}.{_MODULE[name]}"), name)
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
