"""twinmatch for assistants: tools of the Model Context Protocol over the public functions, by its official SDK.

Every tool reads and none writes. Answers carry the sources of what they rest on, and name what is not known, so that an
assistant need not guess.

The command that lets assistants ask.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

import twinmatch as tm
from twinmatch.cli.options import Model, Profiles, Programme, board, geography, problems, public
from twinmatch.errors import Problem, QuestionError, TwinmatchError
from twinmatch.proposal.wire import to_wire

if TYPE_CHECKING:
    from mcp.server.mcpserver import MCPServer
    from starlette.types import ASGIApp, Receive, Scope, Send

INSTRUCTIONS = """Peer matching of cities in the EU Mission of 100 climate-neutral cities. Cities are named by id or name.
Scores lie in [0, 1] and are sums of evidence: quote "says" with its sources. A likeness of null means not known, never
no. "Proven" holds under the weights and rules of the programme only. Tools read; none changes anything."""

MOST = 50
"""Cities or meetings in one answer."""


def assistant_server(
    profiles: str | Path | None = None, programme: Sequence[str] = (), model: str | None = None
) -> MCPServer:
    """Return the server of a cohort and a programme; raises DataError with every problem of either."""
    from mcp.server.mcpserver import MCPServer
    from mcp.types import ToolAnnotations

    asked = _Asked(tm.read(profiles), programme, model)
    server = MCPServer(
        "twinmatch", instructions=INSTRUCTIONS, version=tm.__version__, log_level="WARNING"
    )
    reads = ToolAnnotations(read_only_hint=True, open_world_hint=False)
    for tool in (
        asked.search_cities,
        asked.city,
        asked.similar,
        asked.explain,
        asked.why_not,
        asked.propose,
        asked.prices,
    ):
        server.tool(annotations=reads)(_answered(tool))
    return server


class _Asked:
    """What assistants ask of one cohort under one programme."""

    def __init__(self, cohort: tm.Cohort, programme: Sequence[str], model: str | None) -> None:
        self._cohort, self._model = cohort, model
        self._programme = public.programme_of(list(programme) or None)

    def search_cities(
        self, words: str = "", country_code: str = "", role: str = ""
    ) -> dict[str, Any]:
        """Cities whose name or own words contain some words, of a country (ISO code) and role (mission, pilot, guest)."""
        wanted = words.casefold()
        found = [
            city
            for city in self._cohort
            if (not country_code or city.country == country_code.upper())
            and (not role or role in [r.value for r in city.roles])
            and wanted in _own_words(city)
        ]
        return {"found": len(found), "cities": [_short(city) for city in found[:MOST]]}

    def city(self, name: str) -> dict[str, Any]:
        """One city's profile with its sources, and what is not known of it."""
        city = self._cohort.city(name)
        said = city.model_dump(mode="json", exclude_none=True, by_alias=True)
        return {"profile": said, "not_known": [b for b in tm.City.BLOCKS if not getattr(city, b)]}

    def similar(
        self, name: str, k: int = 10, weights: dict[str, float] | None = None
    ) -> dict[str, Any]:
        """The k cities most like a city, best first, each with the evidence of its score."""
        over: dict[str, Any] = {"k": min(k, MOST), "text_model": self._model}
        return _plain({"similar": tm.similar(name, self._cohort, weights=weights, **over)})

    def explain(self, one: str, other: str) -> dict[str, Any]:
        """The accounts of a pair: as peers, the first learning from the second, and the other way round."""
        over: dict[str, Any] = {"programme": self._programme, "text_model": self._model}
        return _plain({"accounts": tm.explain(one, other, self._cohort, **over)})

    def why_not(self, guest: str, host: str) -> dict[str, Any]:
        """Why a guest and a host do not meet in the round, what forcing it costs, and what would bring it about."""
        over: dict[str, Any] = {"programme": self._programme, "text_model": self._model}
        return _plain(tm.why_not(guest, host, self._cohort, **over))

    def propose(self, product: str = "twinning") -> dict[str, Any]:
        """The round's proposal of one product: what was proven, its meetings, who is left out and why. Writes nothing."""
        proposal = tm.propose(self._cohort, self._programme, text_model=self._model)
        if product not in (names := [p.product for p in proposal.products]):
            found = f"There is no product {product!r}; there are: {', '.join(names)}."
            raise QuestionError.of("not-found", found)
        plain = _plain(proposal.product(product))
        counted = {f"{key}_in_all": len(plain[key]) for key in ("meetings", "left_out")}
        return plain | {key: plain[key][:MOST] for key in ("meetings", "left_out")} | counted

    def prices(self) -> dict[str, Any]:
        """What each rule of the round's twinning costs, and what one more place at each host is worth."""
        return _plain(tm.prices(self._cohort, self._programme, text_model=self._model))


def _plain(found: object) -> dict[str, Any]:
    """Return a result in its one JSON form."""
    plain: dict[str, Any] = to_wire(found)
    return plain


def _answered(tool: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Return a tool whose errors on purpose are the protocol's, with what to do."""

    @wraps(tool)
    def answer(*args: Any, **asked: Any) -> dict[str, Any]:
        try:
            return tool(*args, **asked)
        except TwinmatchError as error:
            from mcp.server.mcpserver.exceptions import ToolError

            raise ToolError(str(error)) from error

    return answer


def _own_words(city: tm.City) -> str:
    said = (city.name, city.local_name, city.needs, city.offers)
    return " ".join(filter(None, said)).casefold()


def _short(city: tm.City) -> dict[str, Any]:
    return {
        "id": city.id,
        "name": city.name,
        "country": geography.country(city.country).name,
        "roles": [role.value for role in city.roles],
    }


# The docstring of the command is its help on the command line.


def mcp(
    profiles: Profiles = None,
    programme: Programme = None,
    text_model: Model = None,
    http: Annotated[
        int,
        Option(
            "--http",
            help="Port of this machine to answer at, as streamable HTTP; 0: by standard input and output.",
        ),
    ] = 0,
    keys: Annotated[
        str,
        Option(
            "--keys",
            help="With --http: store whose keys (twinmatch service keys) open it; none: no key is asked for.",
        ),
    ] = "",
    name: Annotated[
        list[str] | None,
        Option("--name", help="With --http: host names under which a proxy passes it on."),
    ] = None,
) -> None:
    """Tools for assistants by the Model Context Protocol: similar, explain, why-not and more; they read only."""
    server = assistant_server(profiles, programme or (), text_model)
    if http:
        import uvicorn

        app = http_app(server, keys, name or ())
        uvicorn.run(app, host="127.0.0.1", port=http, log_level="warning")
    else:
        server.run("stdio")


def http_app(server: MCPServer, keys: str = "", names: Sequence[str] = ()) -> ASGIApp:
    """Return a server as an ASGI application at ``/mcp``; with ``keys``, a store, it answers holders of its keys only."""
    from mcp.server.transport_security import TransportSecuritySettings

    hosts = [part for host in ("127.0.0.1", "localhost", *names) for part in (host, f"{host}:*")]
    origins = [f"{scheme}://{host}" for host in hosts for scheme in ("http", "https")]
    security = TransportSecuritySettings(allowed_hosts=hosts, allowed_origins=origins)
    app = server.streamable_http_app(transport_security=security)
    if not keys:
        return app
    from starlette.concurrency import run_in_threadpool

    holders = board.Board(keys)

    async def keyed(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            given = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
            bearer = given[7:] if given[:7].lower() == "bearer " else ""
            if not bearer or await run_in_threadpool(holders.holder, bearer) is None:
                refused = Problem("key-missing", "This needs a key.", do="Send a bearer key.")
                answer = problems.response(401, [refused], "/mcp", {"WWW-Authenticate": "Bearer"})
                await answer(scope, receive, send)
                return
        await app(scope, receive, send)

    return keyed
