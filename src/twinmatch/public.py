"""The functions of ``import twinmatch as tm``: objects in, objects out.

Everywhere a *city* may be its id, any of its names, or a City; a *cohort* a Cohort, a path, a pandas DataFrame or a
list of dicts (left out: the bundled cities);
a *programme* a path or the name of a bundled one, several of them, a mapping with the keys of a programme file, or a
Programme; *weights* a mapping of facets to numbers, of which only the proportions matter; a *text model* the name of
one, an object with ``encode(texts)``, or a function that returns a row of numbers for each text.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeGuard

from twinmatch.affinity import Affinity
from twinmatch.affinity import compare as compared
from twinmatch.app import neighbours
from twinmatch.app.neighbours import PEER_WEIGHTS, Neighbour
from twinmatch.app.pairs import Learning, PairExplanation, pair_explanations
from twinmatch.cohort import City, Cohort
from twinmatch.embedding.choice import TextModel, own_text_model
from twinmatch.errors import Problem, QuestionError
from twinmatch.facets import FacetCache
from twinmatch.intake.survey import cohort_of
from twinmatch.programmes import Programme, Round, load
from twinmatch.programmes.base import ScoredProduct
from twinmatch.programmes.programme import checked
from twinmatch.proposal import Account, Meeting, Product, Proposal, Table
from twinmatch.proposal.wire import Rows, Tabular, frame
from twinmatch.reading import raw_of_frame, raw_of_records, read_raw, read_rows, refused
from twinmatch.reading.grid import Raw
from twinmatch.reading.mapping import Mapping as Headers
from twinmatch.reading.mapping import mapping_of, read_mapping

if TYPE_CHECKING:
    import pandas as pd

    from twinmatch.app.decided import Decided
    from twinmatch.whatif.backtest import Backtest
    from twinmatch.whatif.case import Case
    from twinmatch.whatif.learning import ActivityTest, PartnerTest
    from twinmatch.whatif.prices import PriceList
    from twinmatch.whatif.stability import Choice, Stability
    from twinmatch.whatif.why_not import WhyNotAnswer


class Encoder(Protocol):
    """A text model of the caller's own, such as a SentenceTransformer."""

    def encode(self, sentences: Any, /) -> Any:
        """Return one row of numbers a text."""


PathLike: TypeAlias = str | os.PathLike[str]
Cities: TypeAlias = "Cohort | PathLike | pd.DataFrame | Iterable[Mapping[str, Any] | City] | None"
Rules: TypeAlias = Programme | PathLike | Sequence[PathLike] | Mapping[str, Any] | None
Weights: TypeAlias = Mapping[str, float]
TextBy: TypeAlias = str | TextModel | Encoder | Callable[[list[str]], Any] | None
Pair: TypeAlias = tuple[str | City, str | City]


def read(
    source: Cities = None,
    mapping: Headers | PathLike | Mapping[str, str] | None = None,
    hosts: PathLike | Sequence[PathLike] = (),
) -> Cohort:
    """Return the cohort of a path, a DataFrame or a list of dicts; the bundled cities where nothing, or "bundled", is given.

    ``mapping`` says which column is which field: a mapping file, or a dict of columns to fields. ``hosts`` are those
    that the cities are to meet: "bundled", or the path of a table. Of a survey's export what is in doubt is a warning,
    as on the command line. Raises DataError with every problem, each with its place; QuestionError for anything that
    is no cohort.

    >>> tm.read([{"name": "Graz", "country": "AT"}])
    """
    if isinstance(mapping, Mapping):
        mapping = mapping_of({"columns": dict(mapping)})
    headers = read_mapping(Path(mapping)) if isinstance(mapping, str | os.PathLike) else mapping
    if isinstance(source, Cohort):
        return source
    if source is None or isinstance(source, str | os.PathLike):
        raw = read_raw(None if source in (None, "bundled") else Path(source), headers)
    else:
        raw = records_of(source, headers)
    places = [hosts] if isinstance(hosts, str | os.PathLike) else hosts
    return cohort_of(raw, [os.fspath(place) for place in places], _warned)


def _warned(problem: Problem) -> None:
    warnings.warn(f"{problem}  [{problem.code}]", stacklevel=4)


def records_of(source: Any, headers: Headers | None = None) -> Raw:
    """Return the records of a DataFrame or of dicts, in their order; raises QuestionError for anything else."""
    if is_frame(source):
        return raw_of_frame(source, headers)
    if isinstance(source, Mapping | bytes) or not isinstance(source, Iterable):
        raise refused(source)
    return raw_of_records(source, headers)


def is_frame(value: object) -> TypeGuard[pd.DataFrame]:
    """Return whether something is a pandas DataFrame, without importing pandas."""
    return hasattr(value, "itertuples")


def bundled() -> Cohort:
    """Return the bundled cities: those of the EU Mission, of its pilots, and guests of past rounds.

    >>> len(tm.bundled())
    """
    return read()


def programme_of(rules: Rules = None, weights: Mapping[str, Any] | None = None) -> Programme:
    """Return a programme from a path, a bundled name, several of them, or a mapping; the bundled one by default.

    ``weights`` take the place of the twinning's own; a mapping of products to weights those of each. Raises
    DataError with every problem of a file or mapping, QuestionError for anything else.
    """
    if isinstance(rules, Programme):
        programme = rules
    elif isinstance(rules, Mapping):
        programme = checked(rules)
    elif rules is None or isinstance(rules, str | os.PathLike):
        programme = load(*([] if rules is None else [os.fspath(rules)]))
    elif isinstance(rules, Sequence) and all(isinstance(r, str | os.PathLike) for r in rules):
        programme = load(*(os.fspath(rule) for rule in rules))
    else:
        do = "Accepted: a path or the name of a bundled programme, a list of them, a dict with the keys of a programme file, or a Programme."
        found = f"{type(rules).__name__} is no programme."
        raise QuestionError.of("programme-wrong", found, do=do)
    return with_weights(programme, weights) if weights is not None else programme


def with_weights(programme: Programme, weights: Mapping[str, Any]) -> Programme:
    """Return the programme with other weights: of its twinning, or of each product that a mapping names."""
    said = _mapping(weights)
    each = said if any(isinstance(w, Mapping) for w in said.values()) else {"twinning": said}
    changed = {}
    for name, own in each.items():
        settings = getattr(programme, name, None) if name in programme.products else None
        if not isinstance(settings, ScoredProduct):
            products = ((n, getattr(programme, n)) for n in programme.products)
            weighted = ", ".join(n for n, own in products if isinstance(own, ScoredProduct))
            found = f"The programme has no {name!r} to weigh."
            do = f"Give weights by product, of: {weighted}."
            raise QuestionError.of("weights-unused", found, do=do)
        whole = settings.model_dump(exclude_unset=True) | {"weights": dict(_mapping(own))}
        changed[name] = checked({name: whole}).__getattribute__(name)
    return programme.model_copy(update=changed)


def _mapping(weights: object) -> Mapping[str, Any]:
    if not isinstance(weights, Mapping):
        do = "Accepted: a dict of facets to numbers, such as {'readiness': 2, 'shared_needs': 1}."
        found = f"{type(weights).__name__} is no set of weights."
        raise QuestionError.of("weights-wrong", found, do=do)
    return weights


def text_model_of(model: TextBy, cohort: Cohort, programme: Programme | None = None) -> TextModel:
    """Return the text model of a run: the caller's own, a named one, the programme's, or chosen aloud."""
    if isinstance(model, TextModel):
        return model
    if model is not None and not isinstance(model, str):
        return own_text_model(model)
    text = programme.text if programme else None
    name, prefix = (text.model, text.prefix) if text else ("auto", None)
    more = programme.texts if programme else ()
    return neighbours.text_model(cohort, model or name, prefix, more=more)


def features(cohort: Cities = None, *, text_model: TextBy = None) -> pd.DataFrame:
    """Return the cities' feature vectors, one row a city by id, nan where not known.

    ``.attrs["features"]`` has the meaning and unit of each column. With a text model (``"auto"`` chooses one) the mean
    sentence vectors of needs and offers are added.

    >>> tm.features(tm.bundled()[:5]).shape
    """
    from twinmatch.facets import feature_table

    cities = read(cohort)
    return feature_table(cities, text_model_of(text_model, cities) if text_model else None)


def compare(
    cohort: Cities = None,
    weights: Weights | None = None,
    *,
    guests: Sequence[str | City] | None = None,
    hosts: Sequence[str | City] | None = None,
    text_model: TextBy = None,
) -> Affinity:
    """Return how well every city fits every other: scores, standings and likenesses by facet, and any account.

    The weights are those of "cities like mine" where none are given. ``guests`` and ``hosts`` name the rows and columns
    by id or name (a column may be a host unit); standings are among these pairs then.

    >>> tm.compare(tm.bundled(), {"readiness": 1}).to_frame()
    """
    cities = read(cohort)
    text = text_model_of(text_model, cities)
    chosen = PEER_WEIGHTS if weights is None else dict(_mapping(weights))
    rows = None if guests is None else [cities.find(_named(name)) for name in guests]
    columns = None if hosts is None else [cities.host_named(_named(name)) for name in hosts]
    found = compared(cities, chosen, FacetCache(text), rows=rows, columns=columns)
    if not found.peers and (pairs := len(found.rows) * len(found.columns)) < FEW_PAIRS:
        says = f"Standings are among {pairs} pairs alone, too few to tell a good one: leave guests or hosts out."
        warnings.warn(says, stacklevel=2)
    return found


def similar(
    city: str | City,
    cohort: Cities = None,
    k: int = 10,
    weights: Weights | None = None,
    *,
    text_model: TextBy = None,
) -> Rows[Neighbour]:
    """Return the ``k`` cities most like a city, best first, each with the account of the pair.

    Raises QuestionError where no city has the id or name, naming the nearest.

    >>> [city.name for city in tm.similar("Leuven", k=3)]
    """
    cities = read(cohort)
    chosen = PEER_WEIGHTS if weights is None else _mapping(weights)
    text = text_model_of(text_model, cities)
    return Rows(neighbours.similar(_named(city), cities, text, k=k, weights=chosen)[1])


def explain(
    one: str | City,
    other: str | City,
    cohort: Cities = None,
    weights: Weights | None = None,
    *,
    programme: Rules = None,
    text_model: TextBy = None,
) -> Rows[PairExplanation]:
    """Return the accounts of a pair: as peers, then the first learning from the second, then the other way round.

    ``weights`` are those of the peers; the programme's twinning weighs the other two. ``other`` may be a host unit,
    of which there is one account, with the city as its guest.

    >>> tm.explain("Cologne", "Lahti")[0].account.to_frame()
    """
    cities, rules = read(cohort), programme_of(programme)
    cache = FacetCache(text_model_of(text_model, cities, rules))
    chosen = PEER_WEIGHTS if weights is None else _mapping(weights)
    learning = None if rules.twinning is None else Learning(cities, rules.twinning, cache)
    peers = compared(cities, chosen, cache)
    return Rows(pair_explanations(_named(one), _named(other), peers, learning)[1])


FEW_PAIRS = 30
"""Pairs below which standings among them tell little."""


def _asked(
    cohort: Cities,
    programme: Rules,
    weights: Mapping[str, Any] | None,
    text_model: TextBy,
    decided: Sequence[Decided] = (),
) -> Round:
    from twinmatch.app.round import open_round

    cities, rules = read(cohort), programme_of(programme, weights)
    return open_round(cities, rules, decided, model=text_model_of(text_model, cities, rules))


def _case(*asked: Any) -> Case:
    """Return the twinning of a round, solved; it is asked with what ``_asked`` is."""
    from twinmatch.whatif.case import twinning_case

    return twinning_case(_asked(*asked))


def propose(
    cohort: Cities = None,
    programme: Rules = None,
    weights: Mapping[str, Any] | None = None,
    text_model: TextBy = None,
    *,
    previous: Proposal | None = None,
    lock: Iterable[Pair] = (),
    ban: Iterable[Pair] = (),
    title: str = "",
) -> Proposal:
    """Return the proposal of a round: every product solved, refereed and explained, with its figures.

    ``weights`` are the twinning's, or a mapping of products to weights; ``lock`` and ``ban`` are pairs of a guest and
    a host; ``title`` is what reports and letters call the round. Raises NoProposalError with advice where the rules fit no proposal.

    >>> tm.propose(programme="covenant-twinning").to_frame()
    """
    from twinmatch.app.decided import Decided
    from twinmatch.app.round import propose_round

    if not isinstance(previous, Proposal | None):
        said = f"{type(previous).__name__} is no proposal."
        do = "Accepted: what tm.propose returned."
        raise QuestionError.of("proposal-wrong", said, do=do)
    locked, banned = ([(p["guest"], p["hosts"]) for p in _pairs(pairs)] for pairs in (lock, ban))
    decided = (Decided(tuple(locked), tuple(banned), earlier=previous),)
    return propose_round(_asked(cohort, programme, weights, text_model, decided), title=title)[0]


def why_not(
    guest: str | City,
    host: str | City,
    cohort: Cities = None,
    programme: Rules = None,
    weights: Mapping[str, Any] | None = None,
    text_model: TextBy = None,
) -> WhyNotAnswer:
    """Return why a guest and a host do not meet, what forcing it costs, and what would bring it about.

    >>> tm.why_not("Cologne", "Ghent").reasons
    """
    from twinmatch.whatif.why_not import why_not as answer

    return answer(_case(cohort, programme, weights, text_model), _named(guest), _named(host))


def prices(
    cohort: Cities = None,
    programme: Rules = None,
    weights: Mapping[str, Any] | None = None,
    text_model: TextBy = None,
) -> PriceList:
    """Return what each rule, lock and limit costs, and what one more place at each host is worth.

    >>> tm.prices().hosts.to_frame()
    """
    from twinmatch.whatif.prices import price_list

    return price_list(_case(cohort, programme, weights, text_model))


def stability(
    cohort: Cities = None,
    programme: Rules = None,
    weights: Mapping[str, Any] | None = None,
    text_model: TextBy = None,
    *,
    runs: int = 200,
    seed: int = 0,
    workers: int = 1,
) -> Stability:
    """Return in which share of ``runs`` each pair survives when weights move and what is not known is drawn.

    >>> tm.stability(runs=5).fragile
    """
    from twinmatch.whatif.stability import stability as answer

    case = _case(cohort, programme, weights, text_model)
    return answer(case, runs, seed=seed, workers=workers)


def frontier(
    cohort: Cities = None,
    programme: Rules = None,
    weights: Mapping[str, Any] | None = None,
    text_model: TextBy = None,
) -> Rows[Choice]:
    """Return several named twinning proposals: each best in one respect, with what it gives up.

    >>> tm.frontier().to_frame()
    """
    from twinmatch.whatif.stability import choices

    return Rows(choices(_case(cohort, programme, weights, text_model)))


def backtest(
    pairs: PathLike | pd.DataFrame | Iterable[Mapping[str, str] | Pair],
    cohort: Cities = None,
    programme: Rules = None,
    weights: Mapping[str, Any] | None = None,
    text_model: TextBy = None,
    *,
    seed: int = 0,
) -> Backtest:
    """Return how high the twinning score ranks the true hosts of some pairs, against chance, with each facet left out.

    ``pairs`` is a CSV, DataFrame or list of dicts with ``guest`` and ``hosts`` ("; " between cities of one unit), or
    a list of tuples of a guest and a host. Raises QuestionError with every problem of the pairs.

    >>> tm.backtest([("de-cologne", "fi-lahti")]).figures
    """
    from twinmatch.whatif.backtest import backtest_of

    round_ = _asked(cohort, programme, weights, text_model)
    rows, name = [], "pairs"
    if isinstance(pairs, str | os.PathLike):
        rows, name = read_rows(Path(pairs), _HEADS), Path(pairs).name
    else:
        rows = _pairs(pairs.to_dict("records") if is_frame(pairs) else pairs)
    return backtest_of(round_, rows, name, seed=seed)


@dataclass(frozen=True, repr=False)
class PilotTests(Tabular):
    """How high the scores rank what pilot cities chose: a mean percentile rank of 0 is perfect, 0.5 chance."""

    activity: ActivityTest
    """The activity that a city chose to run, by the twinning score."""
    partners: PartnerTest
    """The partners in one activity, by the twinning score."""
    peers: PartnerTest
    """The partners in one activity, by the score of cities like mine."""

    def __repr__(self) -> str:
        return f"<PilotTests: activity {self.activity.figures}, partners {self.partners.figures}>"

    def to_frame(self) -> pd.DataFrame:
        """Return one row a test: its mean percentile rank, with the interval."""
        return frame({"test": name, **vars(test.figures)} for name, test in vars(self).items())


def pilots(
    cohort: Cities = None,
    programme: Rules = None,
    weights: Mapping[str, Any] | None = None,
    text_model: TextBy = None,
    *,
    seed: int = 0,
) -> PilotTests:
    """Return how high the scores rank what pilot cities chose: their activity, and their partners.

    What a pilot says is taken out before it is ranked.

    >>> tm.pilots().activity.figures
    """
    from twinmatch.whatif.case import twinning_of
    from twinmatch.whatif.learning import activities, partners

    round_ = _asked(cohort, programme, weights, text_model)
    cities, cache, own = round_.cohort, round_.facet_cache, twinning_of(round_).weights
    return PilotTests(
        activities(cities, own, cache, seed=seed),
        partners(cities, own, cache, seed=seed),
        partners(cities, PEER_WEIGHTS, cache, seed=seed),
    )


_HEADS = ("guest", "hosts")


def _pairs(said: Any) -> list[dict[str, str]]:
    """Return pairs by their heads; raises QuestionError for what is none."""
    found = []
    for item in said if isinstance(said, Iterable) and not isinstance(said, str) else [said]:
        if isinstance(item, Mapping) and all(isinstance(item.get(head), str) for head in _HEADS):
            found.append({head: item[head] for head in _HEADS})
        elif isinstance(item, tuple | list) and len(item) == 2:
            found.append(dict(zip(_HEADS, map(_named, item), strict=True)))
        else:
            do = "Accepted: a CSV, a DataFrame or dicts with the columns guest and hosts, or tuples of a guest and a host."
            raise QuestionError.of("pair-wrong", f"{item!r} is no pair.", do=do)
    return found


def _named(city: Any) -> str:
    """Return the id or name of a city that was given as such, or as a City; raises QuestionError for anything else."""
    if isinstance(city, City):
        return city.id
    if isinstance(city, str):
        return city
    do, found = "Accepted: an id, a name, or a City.", f"{type(city).__name__} is no city."
    raise QuestionError.of("city-wrong", found, do=do)


for _noun in (Cohort, Affinity, Account, Product, Proposal, Table):
    _noun._repr_html_ = Tabular._repr_html_  # type: ignore[union-attr]
Meeting._repr_html_ = lambda self: self.account._repr_html_()  # type: ignore[attr-defined]
City.to_frame = lambda self: Cohort((self,)).to_frame().T  # type: ignore[attr-defined]
City._repr_html_ = lambda self: self.to_frame().to_html(na_rep="not known")  # type: ignore[attr-defined]
