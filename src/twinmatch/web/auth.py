"""Who asks: keys with roles, kept as hashes only, and sessions of the workbench.

A key is ``twm_`` with 256 random bits; what is kept is its SHA-256, compared in constant time. Keys expire and can be
taken back. A session is a second such secret that stands for a key in a browser's cookie for some hours.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.routing import APIRoute

from twinmatch.errors import QuestionError
from twinmatch.web.bodies import only_known
from twinmatch.web.settings import VERSION
from twinmatch.wording import say

PREFIX: Final = "twm_"
COOKIE: Final = "twinmatch_session"
SESSION_HOURS: Final = 12


class Rank(IntEnum):
    """What somebody may do; each rank may do what those below it may: read, comment, decide, administer."""

    NOBODY = 0
    READER = 1
    COMMITTEE = 2
    COORDINATOR = 3
    ADMINISTRATOR = 4


@dataclass(frozen=True)
class Person:
    """Who asks: the name that the history shows, the rank, and the id of the key (empty without one)."""

    name: str
    rank: Rank
    key: str = ""

    @property
    def trace(self) -> str:
        """Return how a change is noted as this person's: by the id of the key, which names nobody."""
        return self.key or "this machine"


NOBODY: Final = Person("", Rank.NOBODY)
ANYONE: Final = Person("anyone", Rank.READER)
LOCAL: Final = Person("coordinator at this machine", Rank.ADMINISTRATOR)


def new_secret() -> str:
    """Return a new secret of 256 random bits."""
    return PREFIX + secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """Return what is kept of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def same(kept: str, secret: str) -> bool:
    """Return whether a secret is the one kept, in a time that does not depend on where they differ."""
    return hmac.compare_digest(kept, digest(secret))


def asking(request: Request) -> Person:
    """Return who asks, as the doorkeeper found."""
    person = request.scope.get("person", NOBODY)
    return person if isinstance(person, Person) else NOBODY


class AtLeast:
    """A route's condition: the person who asks has at least a rank."""

    def __init__(self, rank: Rank) -> None:
        self.rank = rank

    async def __call__(self, request: Request) -> Person:
        """Return who asks; raises QuestionError where the rank is too low."""
        # async although it waits for nothing: the framework sends anything else through a thread.
        return self.checked(request)

    def checked(self, request: Request) -> Person:
        """Return who asks; raises QuestionError where the rank is too low."""
        person = asking(request)
        if person.rank >= self.rank:
            return person
        if person.rank is Rank.NOBODY:
            do = say(
                "Send it as 'Authorization: Bearer twm_…'; the administrator makes keys with 'twinmatch service keys'."
            )
            raise QuestionError.of("key-missing", say("This needs a key."), do=do)
        ranks = {"needed": self.rank.name.lower(), "has": person.rank.name.lower()}
        found = say("This needs the role {needed}; the key has {has}.", **ranks)
        raise QuestionError.of("role-too-low", found, do=say("Ask the administrator."))


reader = AtLeast(Rank.READER)
committee = AtLeast(Rank.COMMITTEE)
coordinator = AtLeast(Rank.COORDINATOR)
administrator = AtLeast(Rank.ADMINISTRATOR)

Reader = Annotated[Person, Depends(reader)]
Committee = Annotated[Person, Depends(committee)]
Coordinator = Annotated[Person, Depends(coordinator)]
Administrator = Annotated[Person, Depends(administrator)]


class GuardedRoute(APIRoute):
    """A route that checks the rank, and the names in the query, before it reads a body or does any work.

    The framework itself reads and parses the body first and asks its dependencies afterwards. A route that is not in
    the OpenAPI document, a page, takes any query.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, behind the checks."""
        handle: Any = super().get_route_handler()
        dependencies = [d.call for d in self.dependant.dependencies]
        rank = max((d.rank for d in dependencies if isinstance(d, AtLeast)), default=Rank.NOBODY)
        fields = [(p.alias, p.field_info.annotation) for p in self.dependant.query_params]
        names = {name for alias, kind in fields for name in getattr(kind, "model_fields", [alias])}
        known = sorted(names) if self.include_in_schema else None

        async def guarded(request: Request) -> Response:
            AtLeast(rank).checked(request)
            if known is not None:
                only_known(request, known)
            answer: Response = await handle(request)
            return answer

        return guarded


def api_router(tag: str) -> APIRouter:
    """Return the router of a part of the API: its routes are for readers at least."""
    return APIRouter(
        prefix=VERSION, tags=[tag], dependencies=[Depends(reader)], route_class=GuardedRoute
    )


def pages_router(prefix: str, rank: Rank = Rank.READER) -> APIRouter:
    """Return the router of some pages, for a rank at least."""
    needed = [Depends(AtLeast(rank))]
    return APIRouter(
        prefix=prefix, include_in_schema=False, dependencies=needed, route_class=GuardedRoute
    )
