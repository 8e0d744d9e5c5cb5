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
    "notebook": "pictures",
}
_MODULE = {name: module for module, names in _WHERE.items() for name in names.split()}

__all__ = sorted(_MODULE)  # type checkers read the stub beside this file


def __getattr__(name: str) -> object:
    if name not in _MODULE:
        raise AttributeError(
            f"module {__name__!r} has no attribute {name!r}; there are: {', '.join(__all__)}"
        )
    if name == "pictures":
        return import_module(f"{__name__}.notebook.pictures")
    found = getattr(import_module(f"{__name__}.{_MODULE[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
