"""What every page of the workbench stands on: templates, the language of the page, errors; and who is here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from babel import negotiate_locale
from fastapi import Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment

from twinmatch.errors import Problem
from twinmatch.exporting import report
from twinmatch.schema import NAMES
from twinmatch.web.auth import COOKIE, LOCAL, SESSION_HOURS, Rank, asking, pages_router
from twinmatch.web.bodies import qualities
from twinmatch.web.state import state_of
from twinmatch.wording import LANGUAGES, say


def chosen(wanted: str, accepted: str) -> str:
    """Return the language chosen here, or else the one accepted with the highest quality that there is, or English."""
    if wanted in LANGUAGES:
        return wanted
    wishes = qualities(accepted[:200])
    best_first = ["en" if name == "*" else name for name, quality in wishes.items() if quality]
    return negotiate_locale(best_first, list(LANGUAGES), sep="-") or "en"


router = pages_router("/workbench", Rank.NOBODY)

SIZE: Final = 50
LANGUAGE: Final = "twinmatch_language"
BY_LINK: Final = " by its link"
"""What stands in the history behind the name of a city that answered on its own page."""

REMINDED: Final = timedelta(days=10)
"""After this time a city that was asked and has not answered is to be reminded."""


@cache
def templates(code: str) -> Environment:
    """Return the templates of the pages in a language."""
    made = report.templates(code, "twinmatch.web")
    made.globals.update(NAMES=NAMES, Rank=Rank, overdue=_overdue)
    made.filters["person"] = _person
    return made


def _person(name: str) -> str:
    """Return who did something, in the language of the page where it is not a person's own name."""
    city = name.removesuffix(BY_LINK)
    said = say("{name} by its link", name=city) if city != name else name
    return say(LOCAL.name) if name == LOCAL.name else said


def _overdue(at: datetime) -> bool:
    """Return whether a city that was asked at a moment is to be reminded."""
    return datetime.now(UTC) - at > REMINDED


def page(request: Request, name: str, answered: int = 200, **parts: Any) -> HTMLResponse:
    """Return a page in the language of the person who asks."""
    code, person = language(request), asking(request)
    here, query = request.url.path, request.url.query
    parts |= {"lang": code, "person": person, "may": person.rank >= Rank.COORDINATOR}
    parts |= {"here": here, "back": here + (f"?{query}" if query else "")}
    parts["keyed"] = state_of(request).settings.access != "local"
    text = templates(code).get_template(name).render(parts)
    return HTMLResponse(text, answered, {"Vary": "Accept-Language, Cookie"})


def language(request: Request) -> str:
    """Return the language that was chosen here, or else that the browser asks for."""
    wanted = request.cookies.get(LANGUAGE, "")
    return chosen(wanted, request.headers.get("accept-language", ""))


def wants_fragment(request: Request) -> bool:
    """Return whether htmx asks for a part of a page."""
    return request.headers.get("hx-request") == "true" and not request.headers.get("hx-boosted")


def error_page(request: Request, status: int, problems: list[Problem]) -> Response:
    """Return what is wrong as a page, or as the part of a page that htmx asked for."""
    if status == 401:
        if wants_fragment(request):
            return Response(status_code=200, headers={"HX-Redirect": "/workbench/login"})
        place = {"next": request.url.path} if request.method == "GET" else {}
        return RedirectResponse(f"/workbench/login?{urlencode(place)}", 303)
    name = "problems.html.j2" if wants_fragment(request) else "error.html.j2"
    answer = page(request, name, status, problems=problems)
    if wants_fragment(request):
        answer.headers["HX-Retarget"] = "#told"
        answer.headers["HX-Reswap"] = "innerHTML"
    return answer


# --- who is here --------------------------------------------------------------------------------------------


@router.get("/login")
def login(request: Request, next: str = "/workbench/cities") -> Response:
    """Return the page on which a key is given."""
    return page(request, "login.html.j2", next=own(next), wrong=False)


@router.post("/login")
def enter(
    request: Request,
    key: Annotated[str, Form(max_length=200)],
    next: Annotated[str, Form(max_length=400)] = "/workbench/cities",
) -> Response:
    """Open a session for the holder of a key."""
    state = state_of(request)
    session = state.board.open_session(key.strip())
    if session is None:
        return page(request, "login.html.j2", 401, next=own(next), wrong=True)
    _end_session(request)
    answer = RedirectResponse(own(next), 303)
    safe: dict[str, Any] = {"httponly": True, "samesite": "strict", "secure": state.settings.https}
    answer.set_cookie(COOKIE, session, max_age=SESSION_HOURS * 3600, **safe)
    return answer


@router.post("/logout")
def leave(request: Request) -> Response:
    """End the session."""
    _end_session(request)
    answer = RedirectResponse("/workbench/login", 303)
    answer.delete_cookie(COOKIE)
    return answer


def _end_session(request: Request) -> None:
    """End the session that the browser had, if any."""
    session, state = request.cookies.get(COOKIE, ""), state_of(request)
    if session:
        state.board.close_session(session)
        state.forget(session)


@router.post("/language")
def speak(
    language: Annotated[str, Form(max_length=10)],
    next: Annotated[str, Form(max_length=800)] = "/workbench/cities",
) -> Response:
    """Choose the language of the pages."""
    answer = RedirectResponse(own(next), 303)
    if language in LANGUAGES:
        answer.set_cookie(LANGUAGE, language, max_age=31_536_000, samesite="lax", httponly=True)
    return answer


def own(place: str) -> str:
    """Return a place of this workbench, whatever was asked for."""
    good = place.startswith("/workbench/") and not place.startswith("//") and "\\" not in place
    return place if good and "\n" not in place and "\r" not in place else "/workbench/cities"
