"""Personal data that the store holds: shown and erased city by city, and let go when its time is over.

What is held: files that were handed in, with the contacts that they may have; reasons that people wrote to their
decisions; names of those who decide, of keys, and of who handed in. Proposals and profiles hold none.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path as File
from typing import Annotated, Any, Final

import orjson
import sqlalchemy as sa
from fastapi import Depends, Path, Query, Request, Response

from twinmatch.cohort import Cohort
from twinmatch.errors import QuestionError
from twinmatch.reading.personal_data import redact
from twinmatch.store.database import (
    REMOVED,
    Reason,
    note,
    reasons_about,
    remove_names,
    remove_reasons,
    wipe,
)
from twinmatch.store.tables import jobs, keys, sessions, uploads
from twinmatch.web import schemas
from twinmatch.web.auth import Administrator, administrator, api_router
from twinmatch.web.board import ENDED, Board
from twinmatch.web.bodies import answers, cursor_after, json_answer, key_after, moment, next_page
from twinmatch.web.intake_pages import ACCEPTED, examined
from twinmatch.web.sandbox import changed, persons, sweep, without_persons
from twinmatch.web.state import Shared

UPLOADS_DAYS: Final = 90
"""Days after which a file that was handed in is erased: a round is made well before."""

NAMES_DAYS: Final = 1095
"""Days after which names and reasons leave the history: three years, in which a programme answers for its rounds."""

router = api_router("privacy")


def names_of(cohort: Cohort, city: str) -> list[str]:
    """Return every name of a city and of its host units that profiles know, the one that was asked first.

    Raises QuestionError where no city was named, or a name that several have.
    """
    asked = city.strip().casefold()
    known = [
        c
        for c in cohort.cities
        if asked in {name.casefold() for name in (c.id, c.name, c.local_name) if name}
    ]
    if len(known) > 1 or not asked:
        known = [cohort.city(city)]
    more = [n for c in known for n in (c.id, c.name, c.local_name) if n]
    ids = {c.id for c in known}
    units = [u for u in cohort.units if ids & set(u.cities)]
    more += [n for u in units for n in (u.id, u.name)]
    return list(dict.fromkeys([city, *more]))


def held_of(board: Board, cohort: Cohort, city: str) -> dict[str, Any]:
    """Return what is held of the persons of a city: cells of uploads, reasons of decisions, uploads that nobody can read.

    ``says`` warns where nothing is held under a name that no city of the profiles has: it may be misspelt.
    """
    names = names_of(cohort, city)
    found: dict[str, Any] = {"city": city, "says": "", "uploads": [], "not_readable": []}
    for upload in board.all_uploads(size=1_000_000):
        content = board.uploaded(upload.id)
        try:
            cells = orjson.loads(changed(upload.name, content, persons, list(names)))
        except QuestionError:
            found["not_readable"].append(upload.id)
            continue
        if cells:
            handed = {"upload": upload.id, "name": upload.name, "by": upload.uploaded_by}
            found["uploads"].append({**handed, "at": upload.created.isoformat(), "cells": cells})
    found["reasons"] = [
        {"proposal": run, "number": number, "at": at.isoformat(), "by": by, "why": why}
        for run, number, at, by, why in _reasons(board, names)
    ]
    if not (found["uploads"] or found["reasons"]) and (doubt := _doubt(cohort, names)):
        found["says"] = f"Nothing is held under {city!r}. {doubt.problems[0]}"
    return found


def _doubt(cohort: Cohort, names: Sequence[str]) -> QuestionError | None:
    """Return what is said of a name that no city of the profiles has."""
    if len(names) > 1:
        return None
    try:
        cohort.find(names[0])
    except QuestionError as error:
        return error
    return None


def erase(
    board: Board, cohort: Cohort, city: str, who: str, *, reasons: bool = False
) -> dict[str, Any]:
    """Erase what is held of the persons of a city, and return how much it was, and which uploads nobody can read.

    Their cells are emptied in every upload, and the upload is kept as a workbook without them; personal data is taken
    out of the reasons about the city, or with ``reasons`` all of their words. Raises QuestionError where nothing is held
    under a name that no city of the profiles has.
    """
    found, names = held_of(board, cohort, city), names_of(cohort, city)
    if found["says"] and (doubt := _doubt(cohort, names)):
        raise doubt
    for held in found["uploads"]:
        _replace(board, held["upload"], names, who)
    lines = _reasons(board, names)
    with board.store.change() as c:
        wipe(c)
        changed_reasons = remove_reasons(c, lines, whole=reasons)
        asked = "".join(letter for letter in city if letter.isprintable())
        note(c, who, "personal data erased", redact(asked)[0])
    board.store.wiped()
    return {
        "uploads": len(found["uploads"]),
        "cells": sum(len(held["cells"]) for held in found["uploads"]),
        "reasons": changed_reasons,
        "not_readable": found["not_readable"],
    }


def _replace(board: Board, upload: str, names: Sequence[str], who: str) -> None:
    kept = board.upload(upload)
    content = changed(kept.name, board.uploaded(upload), without_persons, list(names))
    name = f"{File(kept.name).stem}.xlsx"
    said = {k: v for k, v in kept.found.items() if k in {*ACCEPTED, "repaired"}}
    mapping = (kept.found.get("survey") or {}).get("mapping", "")
    found = examined(board, name, content, mapping, kept.found.get("hosts", "bundled"))
    values = {"name": name, "content": content, "found": {**found, **said}}
    with board.store.change() as c:
        wipe(c)
        c.execute(uploads.update().where(uploads.c.id == upload).values(**values))
        note(c, who, "persons erased from upload", upload)


def _reasons(board: Board, names: Sequence[str]) -> list[Reason]:
    with board.store.look() as c:
        found = [reason for name in names for reason in reasons_about(c, name)]
    return list(dict.fromkeys(found))


def purge(
    board: Board, who: str, uploads_days: int = UPLOADS_DAYS, names_days: int = NAMES_DAYS
) -> dict[str, int]:
    """Erase what has been held for its time, and return how much it was: uploads, sessions, names."""
    now = datetime.now(UTC)
    old, older = now - timedelta(days=uploads_days), now - timedelta(days=names_days)
    over = keys.c.taken_back.is_not(None) & (keys.c.taken_back < older)
    over |= keys.c.expires.is_not(None) & (keys.c.expires < older)
    with board.store.change() as c:
        wipe(c)
        gone = c.execute(sa.select(uploads.c.id).where(uploads.c.created < old)).scalars().all()
        c.execute(uploads.delete().where(uploads.c.created < old))
        for upload in gone:
            note(c, who, "upload erased", upload)
        ended = c.execute(sessions.delete().where(sessions.c.expires < now)).rowcount
        names = remove_names(c, older)
        asked = jobs.update().where(jobs.c.created < older, jobs.c.state.in_(ENDED))
        asked = asked.where(jobs.c.asked_by != REMOVED)
        names += c.execute(asked.values(asked_by=REMOVED)).rowcount
        held = keys.update().where(over, keys.c.name != REMOVED)
        names += c.execute(held.values(name=REMOVED)).rowcount
        if names:
            note(c, who, "names removed", str(names))
    board.store.wiped()
    sweep()
    return {"uploads": len(gone), "sessions": int(ended), "names": int(names)}


def changes_of(board: Board, after: tuple[Any, ...] | None = None) -> list[dict[str, Any]]:
    """Return every change, the first one first: those that are noted, and the decisions without their words.

    Those after one alone, by its moment, what it was, and of what.
    """
    found = [(c.at, c.what, c.about, c.by) for c in board.store.changes()]
    for run in board.store.runs():
        history = board.store.history(run.id)
        found += [(e.at, f"decision: {e.kind}", f"{run.id} {e.number}", e.by) for e in history]
    return [
        {"at": at.isoformat(), "by": by, "what": what, "about": about}
        for at, what, about, by in sorted(found)
        if after is None or (at, what, about) > after
    ]


# --- over HTTP ------------------------------------------------------------------------------------------------

City = Annotated[str, Path(max_length=200, description="Id or name of a city")]


@router.get(
    "/personal-data/{city}", dependencies=[Depends(administrator)], **answers(schemas.PersonalData)
)
def show_personal_data(state: Shared, city: City) -> Response:
    """Return what is held of the persons of a city."""
    found = held_of(state.board, state.service.cohort, city)
    return json_answer(found)


@router.delete("/personal-data/{city}", **answers(schemas.Erased, 404))
def erase_personal_data(
    state: Shared,
    city: City,
    person: Administrator,
    reasons: Annotated[
        bool, Query(description="All words of the reasons about it, not only what is found")
    ] = False,
) -> Response:
    """Erase what is held of the persons of a city."""
    return json_answer(
        erase(state.board, state.service.cohort, city, person.trace, reasons=reasons)
    )


@router.get("/changes", dependencies=[Depends(administrator)], **answers(schemas.Changes))
def list_changes(
    request: Request,
    state: Shared,
    cursor: schemas.Cursor = "",
    size: Annotated[int, Query(ge=1, le=500, description="Changes of a page")] = 500,
) -> Response:
    """Return who changed what, and when, page by page: keys, uploads, what was erased, decisions."""
    after = key_after(cursor, moment, str, str)
    found = changes_of(state.board, after)
    last = found[size - 1] if len(found) > size else None
    more = cursor_after((last["at"], last["what"], last["about"])) if last else ""
    content = {"changes": found[:size], "next": more}
    return json_answer(content, headers=next_page(request, more))
