"""The jobs that are killed, and what must hold of what they leave. See ``killing.py``."""

# ruff: noqa: E402

from __future__ import annotations

import contextlib
import importlib
import itertools
import json
import os
import shutil
import sqlite3
import sys
import uuid
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

HERE = Path(__file__).parent
for folder in ("../doors", "../unit/store"):
    sys.path.insert(0, str(HERE / folder))

from stores_for_tests import FALLBACKS, MEETINGS, PAIRS, POSTGRES, make_earlier, proposal

from twinmatch.app.decided import Decided
from twinmatch.app.intake import (
    ImportAsked,
    accept_warnings,
    check_profiles,
    import_profiles,
    save_import,
)
from twinmatch.app.round import open_round, propose_round
from twinmatch.embedding.choice import detect
from twinmatch.embedding.vectors import UserCache
from twinmatch.exporting import publish, read_proposal
from twinmatch.files import JOURNAL, PARTIAL, settle, write_files
from twinmatch.programmes import load
from twinmatch.reading import read
from twinmatch.store.database import REMOVED, remove_names
from twinmatch.store.records import open_store

Files = dict[str, bytes]


def contents(folder: Path) -> Files:
    """Every file of a folder by its path; nothing where there is no folder."""
    found = (p for p in sorted(folder.rglob("*")) if p.is_file()) if folder.is_dir() else ()
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in found}


def seen(files: Files) -> Files:
    """What people see of a folder: nothing that is hidden."""
    return {
        name: content
        for name, content in files.items()
        if not any(p.startswith(".") for p in name.split("/")[:-1])
        and not name.rsplit("/", 1)[-1].startswith(".")
    }


def litter(*folders: Path) -> list[str]:
    return [p.name for f in folders if f.is_dir() for p in f.iterdir() if PARTIAL.fullmatch(p.name)]


# --- folders ---------------------------------------------------------------------------------------------------


class NewFolder:
    """A folder that was not there: it is absent or whole, without any help."""

    name = "files-new"
    files: Files = {  # noqa: RUF012
        "a.txt": b"new a" * 3000,
        "b.txt": b"new b",
        "pages/one.html": b"new one" * 3000,
        "pages/sub/two.html": b"new two",
    }

    def ready(self, folder: Path) -> None:
        pass

    def act(self, folder: Path, tell: Any) -> None:
        write_files(self.files, folder / "out")
        tell("written")

    def check(self, folder: Path, told: list[Any]) -> str:
        found = seen(contents(folder / "out"))
        assert found in ({}, self.files), f"torn: {sorted(found)}"
        assert found or not (folder / "out").exists(), "an empty folder was left"
        assert found or "written" not in told, "what was acknowledged is not there"
        write_files(self.files, folder / "out")
        assert seen(contents(folder / "out")) == self.files
        assert not litter(folder, folder / "out"), "litter stays"
        return "new" if found else "absent"


class OverFolder:
    """A folder that was there, with files of others and a page that somebody has changed."""

    name = "files-over"
    old: Files = {  # noqa: RUF012
        "a.txt": b"old a",
        "b.txt": b"old b" * 5000,
        "pages/one.html": b"old one",
        "pages/three.html": b"old three",
    }
    new = NewFolder.files
    others: Files = {"notes.txt": b"mine"}  # noqa: RUF012
    changed: Files = {"pages/one.html": b"changed by hand"}  # noqa: RUF012

    def ready(self, folder: Path) -> None:
        write_files(self.old, folder / "out")
        for name, content in {**self.others, **self.changed}.items():
            (folder / "out" / name).write_bytes(content)

    def act(self, folder: Path, tell: Any) -> None:
        write_files(self.new, folder / "out")
        tell("written")

    def check(self, folder: Path, told: list[Any]) -> str:
        out, before = folder / "out", {**self.old, **self.others, **self.changed}
        kept = {name.replace("pages/", "pages-kept-1/"): b for name, b in before.items()}
        after = {**self.new, **self.others, **{n: b for n, b in kept.items() if "kept" in n}}
        for name, content in seen(contents(out)).items():  # each file, as found: one version, whole
            assert content in (before.get(name), after.get(name)), f"torn: {name}"
        journals = list(out.glob(f".*.partial/{JOURNAL}"))
        found = seen(contents(out))
        assert found in (before, after) or journals, f"half moved, and no journal: {sorted(found)}"
        settle(out)
        settled = seen(contents(out))
        assert settled in (before, after), f"after settling: {sorted(settled)}"
        assert settled == after or "written" not in told, "what was acknowledged is not there"
        assert not litter(folder, out), "litter stays"
        write_files(self.new, out)
        assert seen(contents(out)) == after
        return ("old" if settled == before else "new") + (", completed" if journals else "")


class OverByWriter(OverFolder):
    """The same, but the next to come is another writer and not a reader."""

    name = "files-over-by-writer"

    def check(self, folder: Path, told: list[Any]) -> str:
        out = folder / "out"
        write_files({"c.txt": b"another's"}, out)
        assert not litter(folder, out), "litter stays"
        (out / "c.txt").unlink()
        return super().check(folder, told)


class Propose:
    """The main command, over an earlier proposal, from its question to the last file."""

    name = "propose"

    def __init__(self) -> None:
        self.before: Files = {}
        self.after: Files = {}

    def _run(self, folder: Path, out: Path, lock: list[tuple[str, str]]) -> None:
        cohort, programme = read(folder / "cities"), load(folder / "round.toml")
        decided = (Decided(tuple(lock)),)
        round_ = open_round(cohort, programme, decided, model="static")
        publish(propose_round(round_, decided)[0], out)

    def ready(self, folder: Path) -> None:
        template = folder.parent / f"{self.name}-template"
        if not template.exists():
            from service_for_tests import five_cities  # which loads the whole service

            template.mkdir()
            five_cities(template)
            # Nothing is solved in the process that is forked again and again; it loads what those need who solve.
            if (child := os.fork()) == 0:
                try:
                    self._run(template, template / "out", [("de-guest", "se-host")])
                    self._run(template, template / "wanted", [])
                    (template / "loaded").write_text(json.dumps([*sys.modules]))
                finally:
                    os._exit(0)
            os.waitpid(child, 0)
            for module in json.loads((template / "loaded").read_text()):
                with contextlib.suppress(ImportError):
                    importlib.import_module(module)
            detect(
                "Languages are told apart and pages are drawn from here on as in a warm process."
            )
            publish(read_proposal(template / "out" / "proposal.json"), template / "again")
        if not self.before:
            self.before, self.after = contents(template / "out"), contents(template / "wanted")
            assert self.before
            assert self.after
            assert self.before != self.after
        shutil.copytree(template, folder, dirs_exist_ok=True)
        for beside in ("wanted", "again"):
            shutil.rmtree(folder / beside)

    def act(self, folder: Path, tell: Any) -> None:
        self._run(folder, folder / "out", [])
        tell("written")

    def check(self, folder: Path, told: list[Any]) -> str:
        out = folder / "out"
        for name, content in seen(contents(out)).items():
            assert content in (self.before.get(name), self.after.get(name)), f"torn: {name}"
        journals = list(out.glob(f".*.partial/{JOURNAL}"))
        settle(out)
        found = contents(out)
        assert found in (self.before, self.after), sorted(found)
        assert found == self.after or "written" not in told
        return ("old" if found == self.before else "new") + (", completed" if journals else "")


class ProposeNew(Propose):
    """The main command into a folder that is not there yet."""

    name = "propose-new"

    def ready(self, folder: Path) -> None:
        super().ready(folder)
        shutil.rmtree(folder / "out")

    def check(self, folder: Path, told: list[Any]) -> str:
        found = contents(folder / "out")
        assert found in ({}, self.after), f"torn: {sorted(found)}"
        assert found or ("written" not in told and not (folder / "out").exists())
        write_files({"c.txt": b"another's"}, folder / "out")
        assert not litter(folder, folder / "out"), "litter stays"
        return "new" if found else "absent"


class Import:
    """A table imported over profiles that are there: a round reads the old profiles or the new ones."""

    name = "import"
    existing = "merge"

    def ready(self, folder: Path) -> None:
        cities = [("de-a", "A"), ("fr-b", "B"), ("it-c", "C"), ("se-d", "D")]
        rows = ["id,name,country,population,needs"]
        rows += [
            f"{i},{n},{i[:2].upper()},{k}0000,Needs of {n}." for k, (i, n) in enumerate(cities, 1)
        ]
        (folder / "table.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
        profiles = folder / "profiles"
        profiles.mkdir()
        for i, n in (cities[0], cities[2], ("pl-e", "E")):
            text = f"id: {i}\nname: {n}\ncountry: {i[:2].upper()}\npopulation: {{value: 77000}}\n"
            (profiles / f"{i}.yaml").write_text(text, encoding="utf-8")
        (profiles / "notes.txt").write_text("mine", encoding="utf-8")

    def act(self, folder: Path, tell: Any) -> None:
        found = import_profiles(ImportAsked("table", folder / "table.csv"))
        save_import(found, folder / "profiles", self.existing)  # type: ignore[arg-type]
        tell("written")

    def check(self, folder: Path, told: list[Any]) -> str:
        profiles = folder / "profiles"
        known = {
            c.id: c for c in read(profiles).cities
        }  # the first look is a round's, as it would be
        said = {i: (c.population and c.population.value, c.needs) for i, c in known.items()}
        kept = 77000 if self.existing == "merge" else 10000
        old = dict.fromkeys(("de-a", "it-c", "pl-e"), (77000, None))
        new = {
            "de-a": (kept, "Needs of A."),
            "fr-b": (20000, "Needs of B."),
            "it-c": (77000 if self.existing == "merge" else 30000, "Needs of C."),
            "se-d": (40000, "Needs of D."),
            "pl-e": (77000, None),
        }
        assert said in (old, new), said
        assert said == new or "written" not in told
        assert (profiles / "notes.txt").read_text() == "mine"
        assert not litter(folder, profiles), "litter stays"
        return "old" if said == old else "new"


class ImportOver(Import):
    """The same with --replace."""

    name = "import-replace"
    existing = "replace"


class Accept:
    """A doubt accepted: the file of accepted warnings is the one before, or has one more."""

    name = "accept"

    def ready(self, folder: Path) -> None:
        profiles = folder / "profiles"
        profiles.mkdir()
        text = "id: de-a\nname: A\ncountry: DE\ncommitment: {neutral_by: 2035}\nreadiness: {target: 0}\n"
        (profiles / "de-a.yaml").write_text(text, encoding="utf-8")
        found = check_profiles(profiles)
        assert [t.key for t in found.problems if t.level == "warning"], "nothing to accept"

    def act(self, folder: Path, tell: Any) -> None:
        found = check_profiles(folder / "profiles")
        keys = [t.key for t in found.problems if t.level == "warning"]
        accept_warnings(folder / "profiles", found, keys, "It is a hamlet.", "2026-01-01")
        tell(keys)

    def check(self, folder: Path, told: list[Any]) -> str:
        found = check_profiles(folder / "profiles")
        accepted = [t.key for t in found.accepted]
        assert not told or sorted(accepted) == sorted(told[-1])
        assert [t for t in found.problems if t.level == "warning"] or accepted
        assert not litter(folder, folder / "profiles"), "litter stays"
        return "new" if accepted else "old"


# --- stores ----------------------------------------------------------------------------------------------------


class Database:
    """A store on SQLite in the folder of the round, or on PostgreSQL in a database of its own."""

    def __init__(self, engine: str) -> None:
        self.engine = engine
        self._made: dict[str, str] = {}

    @property
    def usable(self) -> bool:
        return self.engine == "sqlite" or bool(POSTGRES)

    def fresh(self, folder: Path) -> None:
        """Make the place of a round's store; the database of the round before goes."""
        if self.engine == "sqlite":
            return
        address = sa.make_url(POSTGRES).set(drivername="postgresql+psycopg")
        server = sa.create_engine(address, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with server.connect() as connection:
            if str(folder) in self._made:
                connection.execute(
                    sa.text(f"DROP DATABASE {self._made.pop(str(folder))} WITH (FORCE)")
                )
            name = f"kill_{uuid.uuid4().hex[:12]}"
            connection.execute(sa.text(f"CREATE DATABASE {name}"))
        self._made[str(folder)] = name

    def place(self, folder: Path) -> str:
        if self.engine == "sqlite":
            return str(folder / "store.sqlite")
        address = sa.make_url(POSTGRES).set(database=self._made[str(folder)])
        return address.render_as_string(hide_password=False)

    def whole(self, folder: Path) -> None:
        """The file itself is sound."""
        if self.engine == "sqlite":
            connection = sqlite3.connect(folder / "store.sqlite")
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
            connection.close()


class Decisions:
    """Decisions of a run: what is acknowledged is there, numbered without a gap, each whole."""

    why = "word " * 1500

    def __init__(self, engine: str) -> None:
        self.name = f"decisions-{engine}"
        self.at = Database(engine)
        self.run = ""

    def ready(self, folder: Path) -> None:
        self.at.fresh(folder)
        store = open_store(self.at.place(folder))
        self.run = store.keep(proposal(), "Round one", "Ada", FALLBACKS)[0].id
        store.add(self.run, "note", "Ada", why=self.why)
        store.close()

    def act(self, folder: Path, tell: Any) -> None:
        store = open_store(self.at.place(folder))
        for kind in ("note", "lock", "note", "ban", "approve"):
            pair = {"one": "at-a", "other": "be-h"} if kind in {"lock", "ban"} else {}
            tell(store.add(self.run, kind, "Ada", why=self.why, **pair).number)
        store.close()

    def check(self, folder: Path, told: list[Any]) -> str:
        store = open_store(self.at.place(folder))
        history = store.history(self.run)
        assert [e.number for e in history] == list(range(1, len(history) + 1))
        acknowledged = max(told, default=1)
        # A commit may be on disk whose acknowledgement was cut off; never the other way round.
        assert acknowledged <= len(history) <= acknowledged + 1, (acknowledged, len(history))
        assert all(e.why == self.why.strip() and e.by == "Ada" for e in history)
        kinds = ("note", "note", "lock", "note", "ban", "approve")
        assert tuple(e.kind for e in history) == kinds[: len(history)]
        assert store.held(self.run).version == len(history)
        assert store.add(self.run, "note", "Bo", why="on").number == len(history) + 1
        assert store.proposal(self.run) == proposal()
        store.close()
        self.at.whole(folder)
        return f"{len(history)} entries"


class Keep:
    """A run kept: the proposal with all of its pairs, or no run."""

    def __init__(self, engine: str) -> None:
        self.name = f"keep-{engine}"
        self.at = Database(engine)
        noise = np.random.default_rng(7).bytes(40_000).hex()
        self.content = json.dumps({**json.loads(proposal()), "noise": noise}).encode()

    def ready(self, folder: Path) -> None:
        self.at.fresh(folder)
        open_store(self.at.place(folder)).close()

    def act(self, folder: Path, tell: Any) -> None:
        store = open_store(self.at.place(folder))
        run, _ = store.keep(self.content, "Round", "Ada", FALLBACKS)
        tell(run.id)
        store.close()

    def check(self, folder: Path, told: list[Any]) -> str:
        store = open_store(self.at.place(folder))
        runs = store.runs()
        assert [r.id for r in runs] == told or (len(runs) <= 1 and not told)
        for run in runs:
            assert store.proposal(run.id) == self.content
            assert store.meetings(run.id) == MEETINGS
        again, new = store.keep(self.content, "Round", "Ada", FALLBACKS)
        assert new is not bool(runs)
        assert store.meetings(again.id) == MEETINGS
        store.close()
        self.at.whole(folder)
        return "kept" if runs else "absent"


class Forget:
    """Names taken out of a history that is append-only: all of them or none, and the triggers stand again."""

    def __init__(self, engine: str) -> None:
        self.name = f"forget-{engine}"
        self.at = Database(engine)
        self.run = ""

    def ready(self, folder: Path) -> None:
        self.at.fresh(folder)
        store = open_store(self.at.place(folder))
        self.run = store.keep(proposal(), "Round one", "Ada", FALLBACKS)[0].id
        for k in range(20):
            store.add(self.run, "note", "Ada", why=f"word {k}")
        store.close()

    def act(self, folder: Path, tell: Any) -> None:
        store = open_store(self.at.place(folder))
        with store.change() as connection:
            remove_names(connection, datetime.now(UTC) + timedelta(days=1))
        tell("removed")
        store.wiped()
        store.close()

    def check(self, folder: Path, told: list[Any]) -> str:
        store = open_store(self.at.place(folder))
        history = store.history(self.run)
        found = {(e.by, e.why if e.why == REMOVED else "") for e in history}
        found |= {(store.run(self.run).kept_by, "")} if found == {("Ada", "")} else set()
        assert found in ({("Ada", "")}, {(REMOVED, REMOVED)}), f"half of the names: {found}"
        assert len(history) == 20
        removed = found == {(REMOVED, REMOVED)}
        assert removed or "removed" not in told, "what was acknowledged is not there"
        for table in ("entries", "runs"):
            for change in (f"UPDATE {table} SET title = ''", f"DELETE FROM {table}"):
                change = change.replace("title", "why") if table == "entries" else change
                with pytest.raises(sa.exc.DBAPIError, match="append-only"), store.change() as c:
                    c.execute(sa.text(change))
        store.close()
        self.at.whole(folder)
        return "removed" if removed else "there"


class Migrate:
    """A store of every earlier version, brought to this one: reopening continues, and all that it kept is there."""

    starts = ("0001, beside a service", "0001", "0002", "0003", None)
    """Where it begins in turn; where to kill is counted on each."""

    def __init__(self, engine: str) -> None:
        self.name = f"migrate-{engine}"
        self.at = Database(engine)
        self._turn = itertools.count()

    def ready(self, folder: Path) -> None:
        from twinmatch.store.database import engine_of

        self.at.fresh(folder)
        self.start = self.starts[next(self._turn) % len(self.starts)]
        if self.start is None:
            return
        engine = engine_of(self.at.place(folder))
        with engine.begin() as connection:
            make_earlier(connection, self.start[:4])
            connection.execute(sa.text(_RUN), {"packed": zlib.compress(proposal())})
            connection.execute(sa.text(_ENTRIES))
            if self.start == "0001":
                for pair in PAIRS:
                    connection.execute(sa.text(_PAIR), _pair_row(pair))
            elif self.start == "0001, beside a service":
                service = sa.MetaData()
                jobs, decisions = _jobs(service), _decisions(service)
                service.create_all(connection)
                job = {
                    "title": "Served",
                    "asked": {},
                    "asked_by": "Bo",
                    "steps": [],
                    "problems": [],
                }
                packed = zlib.compress(proposal("served"))
                times = {"created": EARLIER, "ended": EARLIER}
                connection.execute(
                    jobs.insert().values(id="b" * 16, state="done", result=packed, **times, **job)
                )
                line = {"proposal": "b" * 16, "at": EARLIER, "by": "Bo", "other": "", "why": ""}
                about = "twinning::twinning:at-a"
                connection.execute(
                    decisions.insert().values(number=1, kind="accept", one=about, **line)
                )
        engine.dispose()

    def act(self, folder: Path, tell: Any) -> None:
        open_store(self.at.place(folder)).close()
        tell("open")

    def check(self, folder: Path, told: list[Any]) -> str:
        from twinmatch.store.database import engine_of
        from twinmatch.store.migrations import HEAD, revision
        from twinmatch.store.tables import metadata

        before = engine_of(self.at.place(folder))
        with before.connect() as connection:  # as it was left: one version's tables or the other's
            left = revision(connection)
        before.dispose()
        assert left in {HEAD, self.start and self.start[:4]}, f"between two versions: {left}"
        assert left == HEAD or "open" not in told, "what was acknowledged is not there"
        store = open_store(self.at.place(folder))
        found = sa.inspect(store._engine)
        assert set(metadata.tables) <= {*found.get_table_names(), *found.get_view_names()}
        assert not [t for t in found.get_table_names() if t.startswith("old_")]
        if self.start is not None:
            assert [e.why for e in store.history("abc")] == ["first", "second"]
            assert store.proposal("abc") == proposal()
        if self.start == "0001":
            assert store.meetings("abc") == MEETINGS
        if self.start == "0001, beside a service":
            assert {r.id for r in store.runs()} == {"abc", "b" * 16}
            (entry,) = store.history("b" * 16)
            assert (entry.kind, entry.about, entry.by) == ("accept", ("at-a", "be-h"), "Bo")
        run, new = store.keep(proposal("later"), "Round", "Ada", FALLBACKS)
        assert new
        assert store.add(run.id, "note", "Ada", why="later").number == 1
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), store.change() as connection:
            connection.execute(sa.text("DELETE FROM entries"))
        store.close()
        self.at.whole(folder)
        return f"from {self.start or 'nothing'}: " + ("new" if left == HEAD else "old")


EARLIER = datetime(2026, 1, 1, tzinfo=UTC)
_RUN = (
    "INSERT INTO runs (id, title, kept_at, kept_by, sha256, data_sha256, programme_sha256, proposal) "
    "VALUES ('abc', 'Earlier', '2026-01-01 00:00:00', 'Ada', 'abc', '', '', :packed)"
)
_ENTRIES = (
    "INSERT INTO entries (run, number, at, by, kind, one, other, city, why) VALUES "
    "('abc', 1, '2026-01-01 00:00:00', 'Ada', 'note', '', '', '', 'first'), "
    "('abc', 2, '2026-01-01 00:00:00', 'Ada', 'note', '', '', '', 'second')"
)
_PAIR = (
    "INSERT INTO run_pairs (run, guest, host, cities, score, if_guest_declines, if_host_declines) "
    "VALUES ('abc', :guest, :host, :cities, :score, :if_guest_declines, :if_host_declines)"
)


def _pair_row(pair: Any) -> dict[str, Any]:
    row = {name: getattr(pair, name) for name in ("guest", "host", "score")}
    lists = ("cities", "if_guest_declines", "if_host_declines")
    return {**row, **{name: json.dumps(getattr(pair, name)) for name in lists}}


def _jobs(service: sa.MetaData) -> sa.Table:
    """The service's proposals, as it made their table by itself beside a store of the first version."""
    texts = [sa.Column(n, sa.Text, nullable=False) for n in ("title", "state", "asked_by")]
    lists = [sa.Column(n, sa.JSON, nullable=False) for n in ("asked", "steps", "problems")]
    times = [
        sa.Column(n, sa.DateTime(timezone=True)) for n in ("created", "begun", "beat", "ended")
    ]
    result = sa.Column("result", sa.LargeBinary)
    return sa.Table(
        "jobs",
        service,
        sa.Column("id", sa.String(32), primary_key=True),
        *texts,
        *lists,
        *times,
        result,
    )


def _decisions(service: sa.MetaData) -> sa.Table:
    """What was decided about them, as the service kept it then."""
    key = sa.Column("proposal", sa.String(32), sa.ForeignKey("jobs.id"), primary_key=True)
    number = sa.Column("number", sa.Integer, primary_key=True, autoincrement=False)
    texts = [sa.Column(n, sa.Text, nullable=False) for n in ("by", "kind", "one", "other", "why")]
    at = sa.Column("at", sa.DateTime(timezone=True), nullable=False)
    return sa.Table("decisions", service, key, number, at, *texts)


class ServiceJobs:
    """A proposal of the service, asked, claimed, made: its state is the last acknowledged one or the next."""

    states = ("", "waiting", "running", "running", "done")

    def __init__(self, engine: str) -> None:
        self.name = f"service-jobs-{engine}"
        self.at = Database(engine)
        noise = np.random.default_rng(7).bytes(40_000).hex()
        self.result = json.dumps({**json.loads(proposal()), "noise": noise}).encode()

    def ready(self, folder: Path) -> None:
        from twinmatch.web.board import Board

        self.at.fresh(folder)
        Board(self.at.place(folder)).store.close()

    def act(self, folder: Path, tell: Any) -> None:
        from twinmatch.web.board import Board

        board = Board(self.at.place(folder))
        job = board.ask("Round", {"lock": []}, "Ada")
        tell([1, job])
        claimed = board.claim()
        assert claimed is not None
        tell([2, job])
        board.beat(job, steps=["Profiles"])
        tell([3, job])
        board.end(job, "done", result=self.result)
        tell([4, job])
        board.store.close()

    def check(self, folder: Path, told: list[Any]) -> str:
        from twinmatch.web.board import Board

        board = Board(self.at.place(folder))
        found = board.all_jobs()
        step, job = told[-1] if told else (0, "")
        state = found[0].state if found else ""
        assert state in (self.states[step], self.states[min(step + 1, 4)]), (step, state)
        assert not job or [j.id for j in found] == [job]
        runs = board.store.runs()
        assert [r.id for r in runs] == [j.id for j in found if j.state == "done"]
        if state == "done":  # done is done with its run and every meeting of it, or it is not done
            assert board.result(found[0].id) == self.result
            # Offers for declines are found after the proposal is shown.
            bare = (replace(m, if_guest_declines=(), if_host_declines=()) for m in MEETINGS)
            assert board.store.meetings(found[0].id) == tuple(bare)
        elif found:
            assert board.end(found[0].id, "failed")
        again = board.ask("Again", {}, "Ada")
        claimed = board.claim()
        assert claimed is not None
        assert claimed.id == again
        board.store.close()
        self.at.whole(folder)
        return state or "absent"


# --- caches ----------------------------------------------------------------------------------------------------


class Backend:
    """A text model in name only: the cache asks for no more."""

    weights_sha256 = "a" * 64
    prefix = ""
    dimension = 64


def rows(first: int, last: int) -> dict[bytes, Any]:
    made = {}
    for k in range(first, last):
        row = np.random.default_rng(k).normal(size=64)
        made[k.to_bytes(32, "big")] = (row / np.linalg.norm(row)).astype(np.float16)
    return made


class VectorCache:
    """Sentence vectors kept for the next run: a sound file, with what was there before."""

    name = "vectors"

    def ready(self, folder: Path) -> None:
        UserCache(folder / "cache").add(Backend(), rows(0, 100))  # type: ignore[arg-type]

    def act(self, folder: Path, tell: Any) -> None:
        cache = UserCache(folder / "cache")
        for k in (100, 200):
            cache.add(Backend(), rows(k, k + 100))  # type: ignore[arg-type]
            if not cache.notes:  # a cache that cannot be written is noted, and the work goes on
                tell(k + 100)

    def check(self, folder: Path, told: list[Any]) -> str:
        cache = UserCache(folder / "cache")
        found = cache.read(Backend())  # type: ignore[arg-type]
        assert cache.notes == []
        count = len(found)
        assert max(told, default=100) <= count <= max(told, default=100) + 100
        for key, row in rows(0, count).items():
            assert np.array_equal(found[key], row)
        cache.add(Backend(), rows(300, 301))  # type: ignore[arg-type]
        assert not litter(folder / "cache"), "litter stays"
        assert len([*(folder / "cache").iterdir()]) == 1
        return f"{count} vectors"


# --- the harness itself ----------------------------------------------------------------------------------------


class CarelessFiles(NewFolder):
    """Files written straight into their place: a harness that does not notice this proves nothing."""

    name = "careless-files"
    files: Files = {"a.txt": b"new a" * 3000, "b.txt": b"new b"}  # noqa: RUF012

    def act(self, folder: Path, tell: Any) -> None:
        for name, content in self.files.items():
            (folder / "out" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "out" / name).write_bytes(content)
        tell("written")


class CarelessDecisions(Decisions):
    """Decisions acknowledged before they are kept."""

    def __init__(self) -> None:
        super().__init__("sqlite")
        self.name = "careless-decisions"

    def act(self, folder: Path, tell: Any) -> None:
        store = open_store(self.at.place(folder))
        tell(2)
        store.add(self.run, "note", "Ada", why=self.why)


FOLDERS = ("files-new", "files-over", "files-over-by-writer", "vectors")
PROFILES = ("import", "import-replace", "accept")
PROPOSALS = ("propose-new", "propose")
IN_A_STORE = (Decisions, Keep, Forget, Migrate, ServiceJobs)
STORES = {e: tuple(k(e).name for k in IN_A_STORE) for e in ("sqlite", "postgresql")}

_ALL = [
    *(NewFolder(), OverFolder(), OverByWriter(), ProposeNew(), Propose()),
    *(Import(), ImportOver(), Accept(), VectorCache()),
    *(
        kind(engine)
        for engine in STORES
        if engine != "postgresql" or POSTGRES
        for kind in IN_A_STORE
    ),
]
JOBS = {job.name: job for job in _ALL}
CARELESS = {job.name: job for job in (CarelessFiles(), CarelessDecisions())}
