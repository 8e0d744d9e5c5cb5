"""Who has no pair and what binds: each applicant's cause, each idle host's, the places held, and choices that tie.

A pair that is not chosen is *blocked* by a rule where adding it to the choice would break one of the rule's rows. An
applicant's cause is read from its pair with the fewest such rules.
Notation: m pairs in the frame; H hosts, G guests.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
import scipy.sparse as sp

from twinmatch.cohort import Host
from twinmatch.programmes.eligibility import to_ask
from twinmatch.programmes.repair_menu import in_words, menu_of
from twinmatch.programmes.round import fillable
from twinmatch.programmes.rules import (
    GATE,
    LOOK_UP,
    NEVER,
    Rule,
    ask,
    best_choice,
    held_for,
    questions,
    roles_in_words,
)
from twinmatch.programmes.twinning.search import PreparedTwinning
from twinmatch.proposal import Cause, Held, LeftOut, Table, make_table
from twinmatch.proposal.tables import TieRow
from twinmatch.solving import Block, Bools, Floats, Ints, counts
from twinmatch.solving.referee import SLACK
from twinmatch.wording import count, joined, listed, say, say_n

TIED: Final = 0.001
"""Scores closer than this tie: 0.1 points."""

NEAR: Final = 0.01
"""A pair that has fewer points by less than this is nearly as good: one point."""

TIES_SHOWN: Final = 60

EFFORT_PROBED: Final = 2.0
"""Effort that goes into which rule keeps places empty, some three seconds."""

PAIRS_PROBED: Final = 100_000
"""Beyond so many pairs of the frame it is not looked into which rules leave places empty."""

PAIRS_COMPARED: Final = 20_000_000
"""Beyond so many pairs of a choice and an alternative, ties are not listed."""

NO_EXCHANGE: Final = say(
    " An exchange would break another rule or leave all pairs together with fewer points."
)

UNLIKE: Final = {"nothing shared", "something to show"}

CAUSES: Final[dict[str, Cause]] = {
    "places": "capacity",
    "total": "places",
    "load": "own limit",
}
"""What binds where a rule of a kind blocks a pair; every other rule that counts is a quota or cap."""


def _in_words(host: Host) -> str:
    """Return a host by name; several cities as the joint pilot activity that they are."""
    says = "the joint pilot activity {unit} ({n} cities)"
    return say(says, n=len(host.cities), unit=host.name) if len(host.cities) > 1 else host.name


@dataclass(frozen=True, eq=False)
class Unplaced:
    """A finished choice and what stands in the way of every pair beside it."""

    ready: PreparedTwinning
    chosen: Bools

    @cached_property
    def placed(self) -> Bools:
        """Return the guests with a pair, (G,)."""
        return np.asarray(self.chosen.reshape(self._shape).any(axis=0))

    @cached_property
    def _shape(self) -> tuple[int, int]:
        return len(self.ready.frame.hosts), len(self.ready.frame.guests)

    @cached_property
    def _allowed(self) -> Bools:
        return self.ready.allowed.reshape(self._shape)

    @cached_property
    def _ungated(self) -> Bools:
        return self.ready.ungated.reshape(self._shape)

    @cached_property
    def _score(self) -> Floats:
        return np.round(self.ready.candidates.score, 9).reshape(self._shape)

    @cached_property
    def _full(self) -> dict[tuple[str, int], Ints]:
        """The pairs that have filled a row of a quota, as they are asked for."""
        return {}

    @cached_property
    def blocked(self) -> dict[tuple[str, str], Ints]:
        """Return for each rule that counts, by kind and name, a row that adding a pair would break, -1 for none, (H, G)."""
        found: dict[tuple[str, str], Ints] = {}
        for rule in self.ready.rules:
            if rule.filters or rule.block.price is not None:
                continue
            entries = sp.coo_array(rule.block.matrix)
            row, column = entries.coords
            after = (rule.block.matrix @ self.chosen)[row] + entries.data
            wrong = (after > rule.block.high[row] + SLACK) | (after < rule.block.low[row] - SLACK)
            key = rule.kind, rule.name
            pairs = found.setdefault(key, np.full(self._shape, -1)).ravel()
            pairs[column[wrong]] = row[wrong]
        return found

    @cached_property
    def gated(self) -> list[int]:
        """Return the guests (by place) that nothing but the evidence gate keeps from every host."""
        open_, only = self._allowed.any(axis=0), self._ungated.any(axis=0)
        return np.flatnonzero(~self.placed & ~open_ & only).tolist()

    def held(self) -> tuple[Held, ...]:
        """Return the places that stay open because of the gate: those that the same rules would fill without it."""
        if not self.gated:
            return ()
        open_ = [rule for rule in self.ready.rules if rule.name != GATE]
        filled = int(self.chosen.sum())
        if fillable(open_, self._ungated.ravel(), filled) == filled:
            return ()
        places = self._filled(open_) - filled
        if places < 1:
            return ()
        return held_for(self.ready.affinity, self.gated, places, self.ready.settings.known_at_least)

    def empty(self, held: int) -> tuple[str, list[str]]:
        """Return how many places stay empty beside those held and why, and the names of the rules that keep them empty."""
        places, filled = self.ready.settings.places or 0, int(self.chosen.sum())
        left = places - filled - held
        if left < 1:
            return "", []
        says = say("{left} of {places} stay empty", left=left, places=count(places, "place"))
        if len(self.chosen) > PAIRS_PROBED:
            return say("{says}.", says=says), []
        if not self.placed.size:
            return say("{says}: no applicant is eligible, as far as is known.", says=says), []
        if self.placed.all() and self.ready.settings.hosts_per_guest == 1:
            return say("{says}: every eligible applicant has a pair.", says=says), []
        everyone = np.zeros(len(self.chosen), dtype=np.int64)
        full = Rule("fill", "", counts("fill", everyone, low=places), kind="structure")
        rules = (*self.ready.rules, full)
        menu, hard = menu_of(rules, self.ready.candidates, at_most=1, effort=EFFORT_PROBED)
        for repair, words in zip(menu.items, in_words(menu, hard), strict=True):
            names = list(dict.fromkeys(change.at.rule for change in repair.changes))
            why = "{says} because of the rule on {names} (to fill them: {repair})."
            return say(why, says=says, names=listed(names), repair=words), names
        more, names = [], []
        for rule in self.ready.rules:
            others = [other for other in self.ready.rules if other is not rule]
            loosens = rule.kind not in NEVER and rule.name != GATE
            if loosens and (n := self._filled(others)) > filled:
                names.append(rule.name)
                without = "{rule:stopless} (without this, {n} are filled)"
                more.append(say(without, rule=rule.says, n=n))
        because = joined(more, "; ") if more else say("there are too few pairs that may meet")
        return say("{says}: {more}.", says=says, more=because), names

    def _filled(self, rules: Sequence[Rule]) -> int:
        """Return how many places some rules let be filled."""
        chosen, _ = best_choice(rules, self.ready.candidates, ("filled",))
        return int(chosen.sum())

    def cause(self, g: int) -> tuple[Cause, str, str]:
        """Return what keeps an eligible guest without a pair: code, sentence, and what to ask."""
        if not self._ungated[:, g].any():
            says = "The rules of the round leave no host open. {rules}"
            return "rule", say(says, rules=self._against(np.s_[:, g])), ""
        if not self._allowed[:, g].any():
            asked = questions(self.ready.affinity, g, self.ready.settings.known_at_least)
            says = "Too little is known yet to say which host fits."
            return "gate", say(says), joined(q.question for q in asked)
        return (*self._bound(g), "")

    @cached_property
    def _barred(self) -> list[tuple[Rule, Bools]]:
        """The filters but for the gate, and the pairs that each takes out, (H, G)."""
        found = []
        for rule in (r for r in self.ready.rules if r.filters and r.name != GATE):
            pairs = np.zeros(len(self.chosen), dtype=bool)
            pairs[rule.block.matrix.indices] = True
            found.append((rule, pairs.reshape(self._shape)))
        return found

    def _against(self, at: Any) -> str:
        """Return the filters that take out some of the pairs of a guest or host, in words."""
        return joined(rule.says for rule, pairs in self._barred if pairs[at].any())

    def _bound(self, g: int) -> tuple[Cause, str]:
        """Return what binds an applicant with open pairs, read from the pair with the fewest rules in its way."""
        open_ = np.flatnonzero(self._allowed[:, g])
        names = list(self.blocked)
        ways = (
            np.array([way[open_, g] for way in self.blocked.values()]).reshape(len(names), -1) >= 0
        )
        full = np.array([kind == "places" for kind, _ in names]) @ ways
        best = int(np.lexsort((-self._score[open_, g], full, ways.sum(axis=0)))[0])
        rules = [name for name, way in zip(names, ways[:, best], strict=True) if way]
        codes = {CAUSES.get(kind, "quota") for kind, _ in rules}
        at, score = self._best(g)
        if any(g == other for _, other, _, _, _ in self._replacements):
            says = "The best pair of this city fits as well as one that was chosen: the committee may choose between the two."
            return "tie", say(says)
        if score < self._lowest and any(CAUSES.get(kind) == "places" for kind, _ in rules):
            return "places", self._outscored(g)  # with or without a quota
        host = self.ready.frame.hosts[int(open_[best])].name
        if "quota" in codes:
            key = next(key for key in rules if key[0] not in CAUSES)
            return "quota", self._quota(key, int(open_[best]), g)
        if "own limit" in codes:
            says = "The staff hours that this city or {host} can give go to other meetings."
            return "own limit", say(says, host=host)
        if codes == {"capacity"}:
            says = say("All hosts that are open have the guests that they can take.")
            return "capacity", says + self._taken(int(open_[np.argmax(self._score[open_, g])]), g)
        quota = [k for k in names if k[0] not in CAUSES and self.blocked[k][at, g] >= 0]
        if quota and score >= self._lowest:
            says = "With the other hosts all places went to pairs that fit better together."
            return "quota", joined([self._quota(quota[0], at, g), say(says)])
        return "places", self._outscored(g)

    def _best(self, g: int) -> tuple[int, float]:
        """Return the host whose open pair with a guest fits best, and its score."""
        score = np.where(self._allowed[:, g], self._score[:, g], -1.0)
        return int(np.argmax(score)), float(score.max())

    @cached_property
    def _lowest(self) -> float:
        """The lowest score of a pair that was chosen; 1 where none was."""
        return float(self._score[self.chosen.reshape(self._shape)].min(initial=1.0))

    def _outscored(self, g: int) -> str:
        best, score = self._best(g)
        says = say_n(
            "The one place went to another applicant, whose pair fits better.",
            "All {n} places went to other applicants, whose pairs fit better together.",
            int(self.chosen.sum()),
        )
        told = {"host": _in_words(self.ready.frame.hosts[best]), "score": 100 * score}
        if score < self._lowest:
            near = " For this city the difference is small: the committee may weigh it itself."
            says += say(
                " The best pair that was possible, with {host}, has {score:.1f} points of 100; every pair chosen has at least {lowest:.1f}.",
                lowest=100 * self._lowest,
                **told,
            )
            return says + (say(near) if self._lowest - score < NEAR else "")
        if taken := self._taken(best, g):
            return joined([says + taken, self._with_free_hosts(g)])
        return says + say(
            " The best pair that was possible, with {host}, has {score:.1f} points of 100; no exchange for a pair that was chosen would make the round better.",
            **told,
        )

    def _taken(self, h: int, g: int) -> str:
        """Return which guests the host takes that fits one best; empty for none."""
        taken = np.flatnonzero(self.chosen.reshape(self._shape)[h]).tolist()
        if not taken:
            return ""
        others = listed([say("{guest} ({score:.1f})", **self._fitting(h, k)) for k in taken])
        host, score = _in_words(self.ready.frame.hosts[h]), self._score[h, g]
        says = " The host that fits this city best, {host} ({score:.1f} points of 100), takes {others}."
        told = say(says, host=host, score=100 * score, others=others)
        less = [h * self._shape[1] + k for k in taken if self._score[h, k] < score]
        return told + self._no_exchange(h, g, less)

    def _no_exchange(self, h: int, g: int, others: Sequence[int]) -> str:
        """Return why a pair does not take the place of one of some with no more points: of one alone, which rule would break."""
        if len(others) != 1:
            return NO_EXCHANGE if others else ""
        blocks, owner, matrix, low, high = self._rows
        change = sp.coo_array(matrix[:, [h * self._shape[1] + g]] - matrix[:, others])
        row = change.coords[0]
        wrong = (change.data > high[row] + SLACK) | (change.data < low[row] - SLACK)
        broken = [r for r in row[wrong].tolist() if blocks[owner[r]].price is None]
        if not broken:
            return NO_EXCHANGE
        at = owner[broken[0]]
        told = blocks[at].says(broken[0] - int(np.searchsorted(owner, at)))
        guest = self.ready.round.name(self.ready.frame.guests[others[0] % self._shape[1]])
        says = " In the place of {other} this city would break another rule: {row:stopless}."
        return say(says, other=guest, row=told)

    def _with_free_hosts(self, g: int) -> str:
        """Return how many points the best pair of a guest has with a host that has places; empty where that is no reason."""
        full = [way[:, g] >= 0 for (kind, _), way in self.blocked.items() if kind == "places"]
        open_ = self._allowed[:, g] & ~np.any(full, axis=0) if full else self._allowed[:, g]
        score = float(self._score[open_, g].max(initial=0.0))
        if not 0.0 < score < self._lowest:
            return ""
        says = "With the hosts that have places left the best pair has {score:.1f}; every pair chosen has at least {lowest:.1f}."
        return say(says, score=100 * score, lowest=100 * self._lowest)

    @cached_property
    def _rows(self) -> tuple[list[Block], Ints, sp.csc_array, Floats, Floats]:
        """The rules that count, whose each row is, the rows, and by how much each may fall and rise before it is missed more."""
        blocks = [r.block for r in self.ready.rules if not r.filters]
        matrix = sp.csc_array(sp.vstack([b.matrix for b in blocks]))
        now = matrix @ self.chosen.astype(np.float64)
        low, high = (np.concatenate([getattr(b, side) for b in blocks]) for side in ("low", "high"))
        owner = np.repeat(np.arange(len(blocks)), [len(b) for b in blocks])
        return blocks, owner, matrix, np.minimum(low - now, 0.0), np.maximum(high - now, 0.0)

    def _quota(self, key: tuple[str, str], h: int, g: int) -> str:
        """Return the row of a quota that keeps a pair out, and how those fit that have filled it."""
        block = next(r.block for r in self.ready.rules if r.name == key[1])
        row = int(self.blocked[key][h, g])
        text = say("The reason is a rule of the programme. {row:stopless}.", row=block.says(row))
        if (key[1], row) not in self._full:
            line = block.matrix[[row], :].toarray().ravel()
            there = self.chosen & (line > 0) & (line @ self.chosen + 1 > block.high[row])
            self._full[key[1], row] = np.flatnonzero(there)
        there = self._full[key[1], row]
        points = 100 * self._score.ravel()[there]
        best, score = self._best(g)
        told = {"host": _in_words(self.ready.frame.hosts[best]), "score": 100 * score}
        if less := there[np.round(points, 1) <= round(100 * score, 1)].tolist():
            says = " The best pair that was possible, with {host}, would have {score:.1f} points of 100."
            return text + say(says, **told) + self._no_exchange(best, g, less)
        if len(there):
            text += say_n(
                " The one that was chosen has {lowest:.1f} points of 100; the best pair that was possible, with {host}, would have {score:.1f}.",
                " Each of the {n} that were chosen has at least {lowest:.1f} points of 100; the best pair that was possible, with {host}, would have {score:.1f}.",
                len(there),
                lowest=float(points.min()),
                **told,
            )
        return text

    # --- ties

    @cached_property
    def _replacements(self) -> list[tuple[int, int, int, int, float]]:
        """Return choices that tie: host, guest, and in whose place (host, guest), with the score that it costs."""
        if int(self.chosen.sum()) * sum(self._shape) > PAIRS_COMPARED:
            return []
        *_, matrix, low, high = self._rows
        near = list(self._near())
        h, g, old_h, old_g = np.array([x[:4] for x in near], dtype=np.int64).reshape(-1, 4).T
        at = [hosts * self._shape[1] + guests for hosts, guests in ((h, g), (old_h, old_g))]
        change = sp.coo_array(matrix[:, at[0]] - matrix[:, at[1]])
        row, column = change.coords
        wrong = column[(change.data > high[row] + SLACK) | (change.data < low[row] - SLACK)]
        keeps = np.bincount(wrong, minlength=len(near)) == 0
        found = [near[k] for k in np.flatnonzero(keeps).tolist()]
        return sorted(found, key=lambda x: (round(x[4], 9), x[:4]))[:TIES_SHOWN]

    def _near(self) -> Iterator[tuple[int, int, int, int, float]]:
        """Yield single replacements that cost at most ``TIED``: another guest at the host, another host for the guest."""
        free = self._allowed & ~self.chosen.reshape(self._shape)
        for h, g in np.argwhere(self.chosen.reshape(self._shape)).tolist():
            lost = self._score[h, g] - self._score[h]
            others = np.flatnonzero(free[h] & ~self.placed & (lost <= TIED))
            yield from ((h, o, h, g, float(lost[o])) for o in others.tolist())
            lost = self._score[h, g] - self._score[:, g]
            hosts = np.flatnonzero(free[:, g] & (np.abs(lost) <= TIED))
            yield from ((o, g, h, g, float(lost[o])) for o in hosts.tolist())

    def ties(self) -> tuple[Table, ...]:
        """Return the choices that are as good as those made, to within 0.1 points, for the committee."""
        hosts, ids = self.ready.frame.hosts, [*map(self.ready.round.id, self.ready.frame.guests)]
        rows = [
            TieRow(ids[old_g], hosts[old_h].id, ids[g], hosts[h].id, round(100 * cost, 3) + 0.0)
            for h, g, old_h, old_g, cost in self._replacements
        ]
        return (make_table("tied_choices", rows),) if rows else ()

    def everyone(self) -> tuple[LeftOut, ...]:
        """Return every city without a pair, with its side and what binds; what it is offered instead is added later."""
        frame, who = self.ready.frame, self.ready.who
        held = self.chosen.reshape(self._shape)
        busy = {i for h in np.flatnonzero(held.any(axis=1)) for i in frame.hosts[h].cities}
        placed = busy | {frame.guests[g] for g in np.flatnonzero(self.placed)}
        hosts = {i: h for h, host in enumerate(frame.hosts) for i in host.cities}
        waiting = {*who.refused, *who.ask, *frame.guest_at} - placed
        counted = int(held.sum()), len(waiting) + int(self.placed.sum())
        out = []
        for i, city in enumerate(self.ready.round.cohort.cities):
            if i in placed:
                continue
            no = [role for role in self.ready.settings.guests.not_roles if city.has(role)]
            if no and i in who.refused and i in hosts:
                says = "In this programme {kinds} host and do not travel as guests."
                idle, why = self._idle(i, hosts[i], *counted), say(says, kinds=roles_in_words(no))
                why = joined((why, idle.why)) if counted[0] else why
                out.append(replace(idle, why=why, code="role"))
            elif i in who.refused:
                out.append(LeftOut(city.id, who.refused[i], "", "", "guest", "eligibility"))
            elif i in who.ask:
                put = joined(x.question for x in to_ask(city, self.ready.settings.guests))
                out.append(LeftOut(city.id, who.ask[i], "", put or LOOK_UP, "guest", "ask"))
            elif i in frame.guest_at:
                code, why, asked = self.cause(frame.guest_at[i])
                out.append(LeftOut(city.id, why, "", asked, "guest", code))
            elif i in hosts:
                out.append(self._idle(i, hosts[i], *counted))
            else:
                says = "We have received no application from {city} for this round, to learn or to host."
                out.append(LeftOut(city.id, say(says, city=city.name), "", code="aside"))
        return tuple(out)

    def _idle(self, i: int, h: int, pairs: int, applicants: int) -> LeftOut:
        frame, city = self.ready.frame, self.ready.round.cohort.cities[i]
        places = next(r.block.high[h] for r in self.ready.rules if r.kind == "places")
        if places < 1:
            why = say("No guests are taken in this round, as stated.")
            return LeftOut(city.id, why, "", "", "host", "own limit")
        code, why = self._guestless(h) if pairs else ("ask", self._nobody(applicants))
        put = ask(city, "strengths").question if code == "gate" and not city.offers else ""
        if frame.hosts_on[h]:
            off = say(
                "{n} of {guests} seek none of the topics on which alone this host takes guests ({topics}).",
                n=int(frame.off_topic.reshape(self._shape)[h].sum()),
                guests=count(len(frame.guests), "eligible guest"),
                topics=frame.topics_of(h),
            )
            why = joined((why, off))
        return LeftOut(city.id, why, "", put, "host", code)

    def _nobody(self, applicants: int) -> str:
        """Return why no applicant of a round has a pair, counted; the rule on who is a guest says which conditions are missed."""
        who = self.ready.who
        refused, to_ask, gated = len(who.refused), len(who.ask), len(self.gated)
        not_met = say_n("{n} misses a condition", "{n} miss a condition", refused)
        asked = say_n("{n} is to be asked first", "{n} are to be asked first", to_ask)
        dark = say("of {n} too little is known", n=gated)
        parts = (refused, not_met), (to_ask, asked), (gated, dark)
        found = listed([text for n, text in parts if n])
        says = "There are no guests: no city applied to learn."
        if applicants:
            says = "There are no guests: the rules of the round leave no pair open."
        if found:
            says = "There are no guests yet: of {applicants}, {found}."
        return say(says, applicants=count(applicants, "applicant"), found=found)

    def _guestless(self, h: int) -> tuple[Cause, str]:
        """Return what keeps guests from a host: which would have fitted best, and where it goes or why it has no place."""
        open_, grid = self._allowed[h], self.chosen.reshape(self._shape)
        host, parts = self.ready.frame.hosts[h], []
        if not open_.any():
            says = "By the rules of the round no guest is possible. {rules}"
            if {rule.name for rule, pairs in self._barred if pairs[h].any()} <= UNLIKE:
                one = "No example is known yet of what the one eligible guest wants to learn."
                many = (
                    "No example is known yet of what any of the {n} eligible guests wants to learn."
                )
                return "gate", say_n(one, many, len(self.ready.frame.guests))
            if self._ungated[h].any():
                says = "Of no applicant is enough known to say that it fits."
                return "gate", say(says)
            return "rule", say(says, rules=self._against(np.s_[h]))
        if len(host.cities) > 1:
            says = "The {n} cities of the joint pilot activity {unit} host together or not at all."
            parts.append(say(says, n=len(host.cities), unit=host.name))
        score = np.where(open_, self._score[h], -1.0)
        g = int(np.argmax(score))
        if self.placed[g]:
            there = int(np.flatnonzero(grid[:, g])[0])
            says = "The guest that fits best, {guest} ({score:.1f} points of 100), goes to {host} ({there:.1f})."
            if self._score[there, g] < self._score[h, g]:
                says = "The guest that fits best, {guest} ({score:.1f} points of 100), goes to {host} ({there:.1f}), as all pairs fit best together that way."
            told = {"host": _in_words(self.ready.frame.hosts[there])}
            told |= {"there": 100 * self._score[there, g], **self._fitting(h, g)}
            parts.append(say(says, **told))
            score = np.where(self.placed, -1.0, score)
            g = int(np.argmax(score))
        if score[g] <= 0:
            return "idle", joined([*parts, say("Every other guest that may come has a place.")])
        code: Cause = "places"
        says = "The best applicant without a place, {guest} ({score:.1f}), is below every pair chosen ({lowest:.1f} or more)."
        if score[g] > self._lowest:
            says = "The best applicant without a place is {guest} ({score:.1f}); the pairs chosen, of {lowest:.1f} or more, fit better together."
            if self._bound(g)[0] == "quota":
                code = "quota"
                says = "The best applicant without a place, {guest} ({score:.1f}), is kept out by a rule of the programme."
        best = say(says, lowest=100 * self._lowest, **self._fitting(h, g))
        return code, joined([*parts, best])

    def _fitting(self, h: int, g: int) -> dict[str, Any]:
        """Return what is said of a guest that fits a host: its name and the points."""
        guest = self.ready.round.name(self.ready.frame.guests[g])
        return {"guest": guest, "score": 100 * self._score[h, g]}
