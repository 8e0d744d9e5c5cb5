"""What the desk remembers beside proposals: what is worked out afterwards, who looked when, and links for cities."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

import sqlalchemy as sa

from twinmatch.errors import QuestionError
from twinmatch.proposal.wire import packed
from twinmatch.store.database import note
from twinmatch.store.records import Store
from twinmatch.store.tables import answers, links, visits
from twinmatch.web.auth import digest, new_secret
from twinmatch.wording import say

STALE: Final = timedelta(seconds=180)
"""What has been begun and not reported for so long is restarted."""

WorkedOut = Literal["declines", "stability"]
"""What can be worked out of a proposal: what is offered if a city declines, how stable each pair is."""


@dataclass(frozen=True)
class Invited:
    """A city that came by its link: the run that it is asked about, and until when the link opens."""

    run: str
    city: str
    expires: datetime


class Desk:
    """The memory of the desk in the store's database."""

    def __init__(self, store: Store) -> None:
        self._change, self._look = store.change, store.look

    # --- what is worked out afterwards ---------------------------------------------------------------------

    def want(self, run: str, what: WorkedOut) -> None:
        """Have something worked out of a run, unless it is already."""
        with self._change() as c:
            known = sa.select(answers.c.run).where(answers.c.run == run, answers.c.what == what)
            if c.execute(known).first() is None:
                c.execute(answers.insert().values(run=run, what=what))

    def claim(self) -> tuple[str, str] | None:
        """Return a run and what is to be worked out of it, now this process's own; None where nothing waits."""
        now = datetime.now(UTC)
        waits = answers.c.content.is_(None) & (
            answers.c.beat.is_(None) | (answers.c.beat < now - STALE)
        )
        with self._change() as c:
            row = c.execute(sa.select(answers).where(waits).order_by(answers.c.run)).first()
            if row is None:
                return None
            mine = (answers.c.run == row.run) & (answers.c.what == row.what) & waits
            taken = c.execute(answers.update().where(mine).values(beat=now)).rowcount
        return (row.run, row.what) if taken else None

    def beat(self, run: str, what: str) -> None:
        """Say that something is still being worked out."""
        self._put(run, what, beat=datetime.now(UTC))

    def answer(self, run: str, what: str, content: Any) -> None:
        """Keep what was worked out."""
        self._put(run, what, content=packed(content))

    def _put(self, run: str, what: str, **values: Any) -> None:
        mine = (answers.c.run == run) & (answers.c.what == what)
        with self._change() as c:
            c.execute(answers.update().where(mine).values(**values))

    def answers(self, run: str) -> dict[str, Any]:
        """Return what was worked out of a run; None where it is still waited for."""
        with self._look() as c:
            rows = c.execute(sa.select(answers).where(answers.c.run == run)).all()
        return {row.what: row.content for row in rows}

    # --- who looked when -----------------------------------------------------------------------------------

    def visit(self, who: str, round_: str) -> datetime | None:
        """Return when somebody looked at a round before, None where never, and note that they look now."""
        mine = (visits.c.who == who) & (visits.c.round == round_)
        with self._change() as c:
            before = c.execute(sa.select(visits.c.at).where(mine)).scalar()
            values = {"who": who, "round": round_, "at": datetime.now(UTC)}
            c.execute(
                visits.update().where(mine).values(values)
                if before
                else visits.insert().values(values)
            )
        return before

    # --- links for cities ----------------------------------------------------------------------------------

    def invite(self, run: str, city: str, days: int, who: str) -> str:
        """Return the secret of a new link by which a city sees its own page; it is kept nowhere."""
        secret, expires = new_secret(), datetime.now(UTC) + timedelta(days=days)
        with self._change() as c:
            values = {"sha256": digest(secret), "run": run, "city": city, "expires": expires}
            c.execute(links.insert().values(values))
            note(c, who, "city invited", f"{run} {city}"[:64])
        return secret

    def invited(self, secret: str) -> Invited:
        """Return whose link it is; raises QuestionError where it is none, or opens no longer."""
        live = (links.c.sha256 == digest(secret)) & (links.c.expires > datetime.now(UTC))
        with self._look() as c:
            row = c.execute(sa.select(links).where(live)).first()
        if row is None:
            do = say("Ask the programme's coordinator for a new one.")
            raise QuestionError.of("link-closed", say("This link opens nothing any more."), do=do)
        return Invited(row.run, row.city, row.expires)
