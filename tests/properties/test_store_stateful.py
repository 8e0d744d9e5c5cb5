"""The store against a plain model: whatever is kept, decided, undone, published and withdrawn, in any order.

The model holds for each run what was true after each live entry, on a stack; to undo takes the top away. It shares no
code with the store, which holds entries alone and computes what they mean.
"""

from __future__ import annotations

import copy
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "store"))
from stores_for_tests import FALLBACKS, MEETINGS, PLACES, proposal

from twinmatch.errors import QuestionError
from twinmatch.store.records import open_store

CITIES = {m.about: m.cities for m in MEETINGS}
ABOUTS = [*CITIES, ("xx-nobody", "yy-nobody"), ("twinning:none", ""), ("", "")]
STEPS = {
    "approve": ("draft", "approved"),
    "reopen": ("approved", "draft"),
    "publish": ("approved", "published"),
    "withdraw": ("published", "withdrawn"),
    "redraft": ("withdrawn", "draft"),
}
DECISIONS = ("accept", "reject", "lock", "ban", "release")


@dataclass
class Truth:
    """What is true of a run at some moment."""

    status: str = "draft"
    verdicts: dict[Any, str] = field(default_factory=dict)
    named: dict[Any, str] = field(default_factory=dict)
    consents: dict[Any, dict[str, str]] = field(default_factory=dict)
    notes: list[tuple[Any, str]] = field(default_factory=list)


@dataclass
class Modelled:
    """A run in the model: its bytes, what was acknowledged, and what was true after each entry that is live."""

    content: bytes
    history: list[tuple[str, str, str]] = field(default_factory=list)
    stack: list[tuple[str, Truth]] = field(default_factory=lambda: [("", Truth())])

    @property
    def now(self) -> Truth:
        return self.stack[-1][1]

    def allows(self, kind: str, about: tuple[str, str], city: str, why: str) -> bool:
        """Whether an entry is to be taken."""
        if kind in STEPS:
            return self.now.status == STEPS[kind][0]
        if kind == "undo":
            return self.stack[-1][0] not in {"", "publish", "withdraw"}
        if kind in {"asked", "agreed", "declined"}:
            return city in CITIES.get(about, ()) and self.now.status != "withdrawn"
        if kind == "note":
            return bool(why)
        if self.now.status != "draft":
            return False
        if kind == "lock" and "declined" in self.now.consents.get(about, {}).values():
            return False
        if kind in {"lock", "ban"}:
            return bool(about[0] and about[1]) and set(about) <= {*PLACES}
        if kind == "release":
            return bool(about[0]) and (not about[1] or set(about) <= {*PLACES})
        return about in CITIES

    def take(self, kind: str, about: tuple[str, str], city: str, why: str, by: str) -> None:
        """Take an entry that is allowed."""
        self.history.append((kind, why, by))
        if kind == "undo":
            self.stack.pop()
            return
        then = copy.deepcopy(self.now)
        if kind in STEPS:
            then.status = STEPS[kind][1]
        elif kind in {"accept", "reject"}:
            then.verdicts[about] = kind
            if (kind, then.named.get(about)) in {("accept", "ban"), ("reject", "lock")}:
                del then.named[about]
        elif kind in {"lock", "ban"}:
            then.named[about] = kind
            if (kind, then.verdicts.get(about)) in {("lock", "reject"), ("ban", "accept")}:
                del then.verdicts[about]
        elif kind == "release":
            then.verdicts.pop(about, None)
            then.named.pop(about, None)
        elif kind == "note":
            then.notes.append((about, why))
        else:
            then.consents.setdefault(about, {})[city] = kind
        self.stack.append((kind, then))


class StoreAgainstModel(RuleBasedStateMachine):
    """Everything that can be done to a store, in any order."""

    runs = Bundle("runs")

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="stateful-")
        self.place = Path(self.folder.name) / "store.sqlite"
        self.store = open_store(self.place)
        self.model: dict[str, Modelled] = {}

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            self.folder.cleanup()

    @rule(target=runs, mark=st.sampled_from("abc"))
    def keep(self, mark: str) -> str:
        content = proposal(mark)
        run, new = self.store.keep(content, f"Round {mark}", "Ada", FALLBACKS)
        assert new is (run.id not in self.model)
        self.model.setdefault(run.id, Modelled(content))
        return run.id

    def added(self, run: str, kind: str, about: Any, city: str = "", why: str = "") -> None:
        """Add an entry to both: both take it, or both refuse it."""
        modelled, by = self.model[run], "Bo" if why else "Ada"
        one, other = about
        if modelled.allows(kind, about, city, why):
            entry = self.store.add(run, kind, by, one=one, other=other, city=city, why=why)
            modelled.take(kind, about, city, why, by)
            assert entry.number == len(modelled.history)
        else:
            with pytest.raises(QuestionError):
                self.store.add(run, kind, by, one=one, other=other, city=city, why=why)

    @rule(
        run=runs,
        said=st.lists(
            st.tuples(
                st.sampled_from(DECISIONS),
                st.sampled_from([MEETINGS[0].about] * 4 + ABOUTS),
                st.sampled_from(["", "because"]),
            ),
            min_size=1,
            max_size=6,
        ),
    )
    def decide(self, run: str, said: list[Any]) -> None:
        for kind, about, why in said:
            self.added(run, kind, about, why=why)

    @rule(run=runs, about=st.sampled_from(ABOUTS), why=st.sampled_from(["", "because", "later"]))
    def note(self, run: str, about: Any, why: str) -> None:
        self.added(run, "note", about, why=why)

    @rule(
        run=runs,
        kind=st.sampled_from(["asked", "agreed", "declined"]),
        about=st.sampled_from(ABOUTS),
        city=st.sampled_from(["at-a", "at-b", "be-h", "be-i", "zz-none", ""]),
    )
    def consent(self, run: str, kind: str, about: Any, city: str) -> None:
        self.added(run, kind, about, city=city)

    @rule(run=runs, step=st.sampled_from(sorted(STEPS)))
    def step(self, run: str, step: str) -> None:
        self.added(run, step, ("", ""))

    @rule(run=runs)
    def publish(self, run: str) -> None:  # as it is done, so that what follows is seen often
        self.added(run, "approve", ("", ""))
        self.added(run, "publish", ("", ""))

    @rule(run=runs)
    def withdraw(self, run: str) -> None:
        self.added(run, "withdraw", ("", ""))

    @rule(run=runs)
    def undo(self, run: str) -> None:
        self.added(run, "undo", ("", ""))

    @rule(run=runs, behind=st.integers(1, 3))
    def decide_on_what_has_gone_on(self, run: str, behind: int) -> None:
        version = len(self.model[run].history)
        if version >= behind:
            with pytest.raises(QuestionError) as refused:
                self.store.add(run, "note", "Cy", why="late", seen=version - behind)
            assert refused.value.problems[0].code == "changed-meanwhile"

    @rule(run=runs)
    def decide_on_what_was_seen(self, run: str) -> None:
        modelled = self.model[run]
        self.store.add(run, "note", "Cy", why="in time", seen=len(modelled.history))
        modelled.take("note", ("", ""), "", "in time", "Cy")

    @rule(run=runs, change=st.sampled_from(["UPDATE entries SET why = ''", "DELETE FROM entries"]))
    def rewrite(self, run: str, change: str) -> None:
        if self.model[run].history:
            with pytest.raises(sa.exc.IntegrityError), self.store.change() as connection:
                connection.execute(sa.text(change))

    @precondition(lambda self: bool(self.model))
    @rule()
    def open_again(self) -> None:
        self.store.close()
        self.store = open_store(self.place)

    @invariant()
    def the_same(self) -> None:
        if not hasattr(self, "store"):
            return
        assert {r.id for r in self.store.runs()} == set(self.model)
        for run, modelled in self.model.items():
            history = self.store.history(run)
            assert [(e.kind, e.why, e.by) for e in history] == modelled.history
            assert [e.number for e in history] == list(range(1, len(history) + 1))
            now, then = self.store.held(run), modelled.now
            assert now.status == then.status == self.store.run(run).status
            assert now.version == len(modelled.history)
            assert {a: e.kind for a, e in now.verdicts.items()} == then.verdicts
            locks = sorted(a for a, k in then.named.items() if k == "lock")
            bans = sorted(a for a, k in then.named.items() if k == "ban")
            assert (list(now.locks), list(now.bans)) == (locks, bans)
            consents = {
                about: {city: e.kind for city, e in said.items()}
                for about, said in now.consents.items()
            }
            assert consents == then.consents
            notes = sorted((a, e.why) for a, said in now.notes.items() for e in said)
            assert notes == sorted(then.notes)
            assert self.store.proposal(run) == modelled.content
            assert self.store.meetings(run) == MEETINGS

    @invariant()
    def what_is_past(self) -> None:
        if not hasattr(self, "store"):
            return
        expected = set()
        for run, modelled in self.model.items():
            then = modelled.now
            declined = {a for a, said in then.consents.items() if "declined" in said.values()}
            for guest, host in CITIES:
                if host and (guest, host) in declined:
                    expected.add((run, guest, host, "declined"))
                elif (
                    then.named.get((guest, host)) == "ban"
                    or then.verdicts.get((guest, host)) == "reject"
                ):
                    continue
                elif host and then.status == "published":
                    expected.add((run, guest, host, "met"))
        assert {(p.run, p.guest, p.host, p.outcome) for p in self.store.past()} == expected


TestStoreAgainstModel = pytest.mark.slow(StoreAgainstModel.TestCase)
TestStoreAgainstModel.settings = settings(
    max_examples=15,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
