"""compare(): facets and weights make an affinity, whose every score is the sum of its named evidence.

Notation: R rows (cities that learn, or any cities), C columns (hosts of one or several cities); likeness[f]
and standing[f] have shape (R, C). Raw likenesses of different facets do not compare, so the score adds up
*standings*: the share of all pairs compared that a pair beats, ties counting half.

Silence neither flatters nor punishes, and three cases are told apart. Known for both: the standing. The host alone
silent: 0.5 would beat every known host of a guest that few hosts suit, so the pair stands where this guest stands with
the hosts that are known, shrunk towards 0.5 with ``PRIOR`` average pairs. The guest silent, or both: 0.5, the same for
all hosts, since the mean of a host would send every silent guest to the host that suits most. Between peers, where
rows and columns are the same cities, it is 0.5 throughout.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from twinmatch.cohort import Cohort, Host, nearest
from twinmatch.errors import Problem, QuestionError
from twinmatch.facets import FACETS, FacetCache
from twinmatch.facets.base import Facet
from twinmatch.proposal import Account, Evidence, Fact
from twinmatch.standings import (
    COUNTED,
    DECIMALS,
    STRIP,
    UNKNOWN,
    UNKNOWN_STANDING,
    Compared,
    Floats,
    Ints,
    Moments,
    Steps,
    drawn_pairs,
    expected_standing,
    in_parts,
    likeness_of,
    mean_by_host,
    numbered_kinds,
    standing_table,
    tie_keys,
)
from twinmatch.wording import say

if TYPE_CHECKING:
    import networkx as nx
    import pandas as pd

SEEN: Final = 1000
"""Hosts, evenly spaced, over which a guest's mean standing is taken, at most."""

MOST_WEIGHT: Final = 1e9
"""Weights count against each other, so none needs to be larger."""


class OwnFacet(Protocol):
    """A facet that a product brings itself: it compares cities with the columns as such, not with cities."""

    def likeness(self, rows: Sequence[int]) -> Floats:
        """Return the likeness of each row to each column, shape (R, C); nan where unknown."""

    def says(self, i: int, column: int) -> tuple[str, tuple[Fact, ...]]:
        """Return the sentence of a city and a column, and the facts behind it."""


def checked_weights(weights: Mapping[str, float], extra: Sequence[str] = ()) -> dict[str, float]:
    """Return each facet's part of all weights, summing to 1, in the registry's order; zeros are left out.

    ``extra`` names facets that a product brings itself; they come first. Raises QuestionError with every facet that is unknown and every weight that is negative or not a number.
    """
    problems = []
    known = [*extra, *FACETS]
    for name, weight in weights.items():
        is_number = isinstance(weight, int | float) and not isinstance(weight, bool)
        if name not in known:
            hint = FACETS.why_not(name) or nearest(name, {f: f for f in known})
            hint = hint or say("Known: {names}.", names=", ".join(known))
            found = say("There is no facet {name}.", name=repr(name))
            problems.append(Problem("facet-unknown", found, do=hint))
        elif not is_number or not 0 <= weight <= MOST_WEIGHT:
            found = say("The weight of {name} is {weight}.", name=repr(name), weight=repr(weight))
            do = say("Give a number from 0 to {MOST_WEIGHT:,.0f}.", MOST_WEIGHT=MOST_WEIGHT)
            problems.append(Problem("weight-wrong", found, do=do))
    total = 0.0 if problems else math.fsum(weights.values())
    if not problems and total <= 0:
        found = say("No facet has a weight above 0.")
        problems.append(Problem("weights-empty", found, do=say("Give at least one.")))
    if problems:
        raise QuestionError(problems)
    return {name: weights[name] / total for name in known if weights.get(name, 0) > 0}


class _OnDemand(Mapping[str, Floats]):
    """Arrays (R, C) by facet, made where they are asked for; for cohorts whose pairs fit into memory."""

    def __init__(self, names: Sequence[str], make: Callable[[str], Floats]) -> None:
        self._names, self._make, self._made = tuple(names), make, dict[str, Floats]()

    def __getitem__(self, name: str) -> Floats:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@dataclass(frozen=True, eq=False, repr=False)
class Affinity:
    """How well every row fits every column, by facet and in sum, with the account of any pair on demand."""

    cohort: Cohort
    rows: tuple[int, ...]
    columns: tuple[Host, ...]
    weights: dict[str, float]
    compared: dict[str, Compared]
    facets: dict[str, Facet]
    own: Mapping[str, OwnFacet]
    among: Mapping[str, Floats] | None = None
    """The standing of every step by facet where it is not counted among the pairs here."""
    peers: bool = False
    """Whether rows and columns are the same cities, none of them the one that learns."""

    def __repr__(self) -> str:
        size = f"{len(self.rows)} x {len(self.columns)}"
        return f"<Affinity: {size}, facets: {', '.join(self.weights)}>"

    def to_frame(self) -> pd.DataFrame:
        """Return the scores, a row a city and a column a host, by id; nan where a city would meet itself."""
        import pandas as pd

        rows = pd.Index([self.cohort.cities[i].id for i in self.rows], name="id")
        score = np.where(self.comparable, self.score, np.nan)
        return pd.DataFrame(score, rows, [host.id for host in self.columns])

    @cached_property
    def tables(self) -> Mapping[str, Floats]:
        """Return the standing of every step by facet, each (10**6 + 2,): by default over all pairs of different cities."""
        if self.among is not None:
            return self.among
        return _OnDemand(tuple(self.compared), self._apart(None).counted)

    def _apart(self, among: Mapping[str, Floats] | None) -> Affinity:
        """Return the same pairs in another object: what makes arrays on demand must not hold the one that keeps them.

        Else both are freed only when the collector comes by, and rounds of thousands of cities hold gigabytes until then.
        """
        found = replace(self, among=among)
        found.__dict__["_itself"] = self._itself
        return found

    @property
    def is_drawn(self) -> bool:
        """Return whether standings and effective shares rest on an even draw of pairs: between more peers than are held."""
        held = all(self.compared[name].is_held for name in self.weights)
        return self.peers and not held and len(self.rows) ** 2 > COUNTED

    def counted(self, name: str) -> Floats:
        """Return the standing of every step of a facet, (10**6 + 2,), over all pairs of different cities here, or a draw."""
        compared = self.compared[name]
        if self.is_drawn and not compared.is_held:
            drawn = drawn_pairs(len(self.rows))
            steps = np.concatenate([compared.block(*pairs).ravel() for pairs in drawn])
            return standing_table(np.bincount(steps, minlength=UNKNOWN + 1))
        count = compared.count()
        np.subtract.at(count, compared.pairs(*self._itself), 1)
        return standing_table(count)

    def weighted(self, weights: Mapping[str, float]) -> Affinity:
        """Return the same pairs and standings under other weights of facets compared here."""
        found = replace(self, weights=checked_weights(weights, tuple(self.own)), among=self.tables)
        found.__dict__.update(_itself=self._itself, tie_keys=self.tie_keys)
        return found

    @cached_property
    def tie_keys(self) -> NDArray[np.uint32]:
        """Return the key of each column, (C,), by which its ties are ordered."""
        return tie_keys(host.id for host in self.columns)

    def ties(self, row: int) -> NDArray[np.uint32]:
        """Return the order of the columns that tie for a row, (C,): the least is first."""
        return self.tie_keys ^ tie_keys([self.cohort.cities[self.rows[row]].id])

    def others(self, row: int) -> NDArray[np.bool_]:
        """Return which columns are different cities from a row's, shape (C,)."""
        itself = self._itself[1][self._itself[0] == row]
        return np.asarray(np.bincount(itself, minlength=len(self.columns)) == 0)

    @cached_property
    def expected(self) -> dict[str, Floats]:
        """Return by facet where each row stands with a column that is silent, (R,): its own mean, shrunk to 0.5."""
        return {name: self._expected(name) for name in self.weights}

    def _expected(self, name: str) -> Floats:
        r, c = len(self.rows), len(self.columns)
        found = np.full(r, UNKNOWN_STANDING)
        if self.peers or not r * c:
            return found
        seen = np.arange(0, c, -(-c // SEEN), dtype=np.intp)
        itself = np.isin(self._itself[1], seen)
        mine, other = self._itself[0][itself], self._itself[1][itself]
        for rows in in_parts(r, len(seen)):
            steps = self.compared[name].block(rows, seen)
            here = (mine >= rows[0]) & (mine <= rows[-1])
            steps[mine[here] - rows[0], np.searchsorted(seen, other[here])] = UNKNOWN
            found[rows] = expected_standing(np.take(self.tables[name], steps), steps != UNKNOWN)
        return found

    def _standing(self, name: str, steps: Steps, rows: Ints) -> Floats:
        """Return the standing of steps, given the rows that they are of, in a shape that broadcasts to theirs."""
        standing = np.take(self.tables[name], steps)
        unknown = steps == UNKNOWN
        if not self.peers and unknown.any():
            standing = np.where(unknown, self.expected[name][rows], standing)
        return np.asarray(standing)

    @cached_property
    def _itself(self) -> tuple[Ints, Ints]:
        """Rows and columns of the pairs of a city and itself, or a unit that it belongs to: no candidates."""
        of: dict[int, list[int]] = {}
        for c, host in enumerate(self.columns):
            for i in host.cities:
                of.setdefault(i, []).append(c)
        pairs = [(r, c) for r, i in enumerate(self.rows) for c in of.get(i, ())]
        found = np.array(pairs, dtype=np.intp).reshape(-1, 2)
        return found[:, 0], found[:, 1]

    @cached_property
    def comparable(self) -> NDArray[np.bool_]:
        """Return the pairs of different cities, shape (R, C): a city beside itself is no candidate."""
        keep = np.ones((len(self.rows), len(self.columns)), dtype=bool)
        keep[self._itself] = False
        return keep

    @cached_property
    def likeness(self) -> Mapping[str, Floats]:
        """Return each facet's likeness, shape (R, C); nan where it is not known."""
        apart = self._apart(None)

        def make(name: str) -> Floats:
            return apart._whole(lambda r, c: likeness_of(apart.compared[name].block(r, c)))

        return _OnDemand(tuple(self.weights), make)

    @cached_property
    def standing(self) -> Mapping[str, Floats]:
        """Return each facet's standing, shape (R, C): the share of pairs that the likeness beats, or is expected to."""
        apart = self._apart(self.tables)
        return _OnDemand(
            tuple(self.weights), lambda name: apart._whole(lambda r, c: apart.standings(name, r, c))
        )

    @cached_property
    def coverage(self) -> Floats:
        """Return the part of the weights that is known of each pair, in [0, 1], shape (R, C)."""
        return self._whole(self._known)

    def _known(self, rows: Ints, columns: Ints) -> Floats:
        total = np.zeros((len(rows), len(columns)))
        for name, weight in self.weights.items():
            total += weight * (self.compared[name].block(rows, columns) != UNKNOWN)
        return total

    @cached_property
    def score(self) -> Floats:
        """Return the scores in [0, 1], shape (R, C): the weighted sum of standings."""
        return self._whole(self.scores)

    def _whole(self, block: Callable[[Ints, Ints], Floats]) -> Floats:
        """Return a table over all pairs, made some rows at a time."""
        whole = np.empty((len(self.rows), len(self.columns)))
        everyone = np.arange(len(self.columns), dtype=np.intp)
        for rows in in_parts(len(self.rows), len(self.columns)):
            whole[rows] = block(rows, everyone)
        return whole

    def standings(self, name: str, rows: Ints, columns: Ints) -> Floats:
        """Return a facet's standings of some rows with some columns, shape (r, c)."""
        return self._standing(name, self.compared[name].block(rows, columns), rows[:, None])

    def scores(self, rows: Ints, columns: Ints) -> Floats:
        """Return the scores of some rows with some columns, shape (r, c), whether or not all pairs fit into memory."""
        total = np.zeros((len(rows), len(columns)))
        for name, weight in self.weights.items():
            total += weight * self.standings(name, rows, columns)
        return total

    @cached_property
    def effective_shares(self) -> dict[str, float]:
        """Return each facet's part of the variance of the scores; they sum to 1 (0 where nothing varies).

        The covariance decomposition: cov(weight x standing, score) / var(score). A weight says what is wished,
        this says what it does among these cities. Of a draw every city beside the next strip of the circle is enough.
        """
        moments = Moments(len(self.weights))
        everyone = np.arange(len(self.columns), dtype=np.intp)
        whole = ((rows, everyone) for rows in in_parts(len(self.rows), len(everyone)))
        once_round = islice(drawn_pairs(len(self.rows)), -(-len(self.rows) // STRIP))
        for rows, columns in once_round if self.is_drawn else whole:
            parts = [w * self.standings(name, rows, columns) for name, w in self.weights.items()]
            own = slice(0)
            if not self.is_drawn:
                own = slice(*np.searchsorted(self._itself[0], [rows[0], rows[-1] + 1]))
            at = (self._itself[0][own] - rows[0], self._itself[1][own])
            moments.see([*parts, np.sum(parts, axis=0)], at)
        return moments.shares(tuple(self.weights))

    @cached_property
    def row_of(self) -> dict[int, int]:
        """Return the row of each city's index."""
        return {city: r for r, city in enumerate(self.rows)}

    @cached_property
    def column_of(self) -> dict[str, int]:
        """Return the column of each host's id."""
        return {host.id: c for c, host in enumerate(self.columns)}

    def account(self, row: int | str, column: int | str) -> Account:
        """Return the account of a row and a column, by number, id or name: one line a facet, shares summing to the score."""
        i = self.row_of[self.cohort.find(row)] if isinstance(row, str) else row
        c = self.column_of[self.cohort.host_named(column).id] if isinstance(column, str) else column
        return self.accounts([i], [c])[0]

    def accounts(
        self, rows: Sequence[int] | Ints, columns: Sequence[int] | Ints, *, worded: bool = True
    ) -> list[Account]:
        """Return the account of each pair of a row and a column, each facet's pairs compared together.

        Those that are not ``worded`` have figures alone; :meth:`reasons` puts the strongest of them into words.
        """
        r, c = np.asarray(rows, dtype=np.intp), np.asarray(columns, dtype=np.intp)
        lines = [self._lines(name, r, c) for name in self.weights]
        accounts = (Account(each) for each in zip(*lines, strict=True))
        if not worded:
            return list(accounts)
        pairs = zip(accounts, r.tolist(), c.tolist(), strict=True)
        return [Account(tuple(self.worded(line, *pair) for line in a.lines)) for a, *pair in pairs]

    def reasons(
        self, row: int, column: int, account: Account, most: int = 2
    ) -> tuple[Evidence, ...]:
        """Return the strongest lines of a pair's account in words, as the whole account would give them."""
        return account.strongest(most, lambda line: self.worded(line, row, column))

    def _lines(self, name: str, rows: Ints, columns: Ints) -> list[Evidence]:
        """Return a facet's line of each pair, without words."""
        steps, weight = self.compared[name].pairs(rows, columns), self.weights[name]
        likeness, standing = likeness_of(steps).tolist(), self._standing(name, steps, rows).tolist()
        both = zip(likeness, standing, strict=True)
        return [Evidence(name, *figures, weight, "") for figures in both]

    def worded(self, line: Evidence, row: int, column: int) -> Evidence:
        """Return a line of a pair's account in words."""
        words = self._words(line.facet, self.rows[row], self.columns[column])
        return Evidence(line.facet, line.likeness, line.standing, line.weight, *words)

    def joint_account(self, pairs: Sequence[tuple[int, int]], noun: str) -> Account:
        """Return the mean account of some (row, column) pairs; its score is the mean of their scores.

        ``noun`` says what they are in the plural, such as "pairs". The likeness is the mean of the known ones
        (nan where none is), and the sentence of the pair that stands best is the example.
        """
        if not pairs:
            return Account()
        rows, columns = (np.array(axis, dtype=np.intp) for axis in zip(*pairs, strict=True))
        return Account(tuple(self._joint_line(name, rows, columns, noun) for name in self.weights))

    def _joint_line(self, name: str, rows: Ints, columns: Ints, noun: str) -> Evidence:
        steps = self.compared[name].pairs(rows, columns)
        likeness, standing = likeness_of(steps), self._standing(name, steps, rows)
        known = ~np.isnan(likeness)
        mean_standing = math.fsum(standing.tolist()) / len(standing)
        if not known.any():
            text = say("Not known for any of the {n} {noun}.", n=len(rows), noun=noun)
            return Evidence(name, math.nan, mean_standing, self.weights[name], text)
        best = int(np.argmax(np.where(known, standing, -1.0)))
        words = self._words(name, self.rows[rows[best]], self.columns[columns[best]])
        mean = math.fsum(likeness[known].tolist()) / int(known.sum())
        return Evidence(name, mean, mean_standing, self.weights[name], *words, float(known.mean()))

    def _words(self, name: str, i: int, host: Host) -> tuple[str, tuple[Fact, ...]]:
        """Return the sentence of a facet; for a unit, that of its best member, of those wished for where one has something."""
        if name in self.own:
            return self.own[name].says(i, self.column_of[host.id])
        facet = self.facets[name]
        if len(host.cities) == 1:
            return facet.says(i, host.cities[0])
        cities = self.cohort.cities
        members = self.cohort.wished_first(i, host.cities)
        each = np.round(facet.likeness(np.array([i]), np.array(members))[0], DECIMALS)
        if np.isnan(each).all():
            text, facts = facet.says(i, members[0])
            if text == facet.says(i, members[1])[0]:  # what is not known is the guest's
                return text, facts
            known = "Not known for any of the {n} cities of the unit; for {city}: {text}"
            return say(known, n=len(members), city=cities[members[0]].name, text=text), facts
        wished = np.array([cities[j].id in cities[i].wishes for j in members])
        return facet.says(i, members[int(np.nanargmax(each + (wished & (each > 0))))])

    def graph(self, *, least: float = 0.0) -> nx.Graph[str]:
        """Return the networkx graph of pairs whose score is at least ``least``, with each facet's part on the edge.

        Directed from guest to host where rows and columns differ. Edges have ``weight`` (the score), which the
        ``share_FACET`` of all facets sum to, and ``likeness_FACET`` of those known. Nodes have ``name`` and
        ``cities`` (ids, "; " between them). All are texts and numbers, so that networkx can save the graph.
        """
        import networkx as nx

        ids = [self.cohort.cities[i].id for i in self.rows]
        same = [host.id for host in self.columns] == ids
        graph: nx.Graph[str] = nx.Graph() if same else nx.DiGraph()
        for host in self.columns:
            members = "; ".join(self.cohort.cities[i].id for i in host.cities)
            graph.add_node(host.id, name=host.name, cities=members)
        for i, id_ in zip(self.rows, ids, strict=True):
            graph.add_node(id_, name=self.cohort.cities[i].name, cities=id_)
        keep = self.comparable & (self.score >= least)
        for r, c in np.argwhere(np.triu(keep, 1) if same else keep):
            parts = {}
            for name, weight in self.weights.items():
                parts[f"share_{name}"] = float(weight * self.standing[name][r, c])
                if not math.isnan(likeness := float(self.likeness[name][r, c])):
                    parts[f"likeness_{name}"] = likeness
            graph.add_edge(ids[r], self.columns[c].id, weight=float(self.score[r, c]), **parts)
        return graph


def compare(
    cohort: Cohort,
    weights: Mapping[str, float],
    facet_cache: FacetCache,
    *,
    rows: Sequence[int] | None = None,
    columns: Sequence[Host] | None = None,
    own: Mapping[str, OwnFacet] | None = None,
) -> Affinity:
    """Return how well every row fits every column under the weights; by default every city with every city.

    ``rows`` are city indices; ``columns`` hosts of one or several cities, a unit counting with the mean over
    its members for whom the facet is known. ``own`` are facets that a product brings itself. Raises QuestionError for unknown facets and impossible weights.
    """
    own = own or {}
    weights = checked_weights(weights, extra=tuple(own))
    places = tuple(range(len(cohort)) if rows is None else rows)
    hosts = tuple(map(cohort.alone, range(len(cohort))) if columns is None else columns)
    facets = {name: made(name, cohort, facet_cache) for name in weights if name not in own}
    compared = {
        name: _of_columns(own[name], places)
        if name in own
        else _of_cities(facets[name], places, hosts, directed=FACETS[name].directed)
        for name in weights
    }
    peers = rows is None and columns is None
    return Affinity(cohort, places, hosts, weights, compared, facets, own, peers=peers)


def made(name: str, cohort: Cohort, facet_cache: FacetCache) -> Facet:
    """Return a facet ready for a cohort, made once a run."""
    return facet_cache.once(cohort, ("facet", name), lambda: FACETS[name].make(cohort, facet_cache))


def _of_columns(facet: OwnFacet, rows: tuple[int, ...]) -> Compared:
    """Return a facet that knows its columns itself, over all rows."""
    likeness = facet.likeness(rows)
    row, column = (np.arange(n, dtype=np.intp) for n in likeness.shape)
    return Compared(row, column, lambda r, c: likeness[np.ix_(r, c)], False)


def _of_cities(
    facet: Facet, rows: tuple[int, ...], hosts: tuple[Host, ...], *, directed: bool
) -> Compared:
    """Return a facet over rows and hosts; a host of several cities counts with the mean of those that are known."""
    places = np.array(rows, dtype=np.intp)
    row, first = numbered_kinds(facet, places)
    if any(len(host.cities) != 1 for host in hosts):
        column = np.arange(len(hosts), dtype=np.intp)

        def of_units(r: Ints, c: Ints) -> Floats:
            return mean_by_host(facet, places[first[r]], [hosts[k] for k in c.tolist()])

        return Compared(row, column, of_units, False)
    members = np.array([host.cities[0] for host in hosts], dtype=np.intp)
    column, first_column = numbered_kinds(facet, members)
    same = not directed and np.array_equal(places, members)
    return Compared(
        row, column, lambda r, c: facet.likeness(places[first[r]], members[first_column[c]]), same
    )
