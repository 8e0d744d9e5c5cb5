"""The commands of those who answer others: the service with its keys and the personal data it holds, and assistants.

Assistants ask by the Model Context Protocol, with its official SDK: tools over the public functions that read and never
write. Answers carry the sources of what they rest on, and name what is not known, so that nobody need guess.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import wraps
from importlib.util import find_spec
from inspect import Parameter, Signature
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Final, get_origin

from pydantic import ValidationError
from typer import Argument, Option

from twinmatch.cli.options import (
    AsJson,
    Profiles,
    Programme,
    literal,
    need_web,
    printed,
    progress,
    quoted,
    say,
    show,
    show_table,
    tm,
)
from twinmatch.errors import Problem, QuestionError, TwinmatchError, Where
from twinmatch.proposal.wire import to_wire
from twinmatch.web.settings import ENVIRONMENT, Settings

if TYPE_CHECKING:
    from mcp.server.mcpserver import MCPServer
    from starlette.types import ASGIApp, Receive, Scope, Send


# The docstrings of the commands are their help on the command line.


def serve(**given: Any) -> None:
    """Serve the API and the coordinator's workbench in a browser."""
    workers, proxies = given.pop("workers"), given.pop("proxy")
    try:
        import uvicorn
    except ImportError as error:
        found = f"The web front needs {error.name}, which is not installed."
        do = "pip install 'twinmatch[web]'"
        raise QuestionError.of("web-not-installed", found, do=do) from error
    settings = _settings(given)
    tm.reading.read(settings.profiles)  # what is wrong with it is said now, not in a process's log
    if workers > 1:
        with progress() as told:  # what every process needs is made once, before there are several
            rules, model = settings.programme, settings.text_model
            tm.app.service.open_service(
                settings.profiles, programme=rules, model=model, progress=told
            )
    os.environ[ENVIRONMENT] = settings.model_dump_json()
    place = f"http://{settings.host}:{settings.port}/"
    say(f"Open {place} for the workbench; the API is described at /openapi.json.")
    uvicorn.run(
        "twinmatch.web.application:from_settings",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=workers,
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=5,
        # Without httptools it is h11, which bounds the head itself.
        http="twinmatch.web.protocol:BoundedProtocol" if find_spec("httptools") else "auto",
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies or ()),
    )


OPTIONS: Final = MappingProxyType(
    {"hosts": "--name", "origins": "--origin", "metrics_open": "--metrics-open/--metrics-with-key"}
)
"""The option of a setting that is not called as the setting is."""


def _option(name: str, kind: Any, default: Any, says: str, **more: Any) -> Parameter:
    """Return an option of ``serve`` that the environment can give too."""
    names = [OPTIONS[name]] if name in OPTIONS else []
    variable = (OPTIONS.get(name) or name).partition("/")[0].strip("-").replace("-", "_").upper()
    said = Option(*names, envvar=f"TWINMATCH_{variable}", help=says, **more)
    return Parameter(
        name, Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, said]
    )


def _parameters() -> list[Parameter]:
    """Return what ``serve`` takes: every setting of the service, and two of its server."""
    others = {"profiles": Profiles, "programme": Programme, "text_model": str | None}
    found = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=kind)
        for name, kind in others.items()
    ]
    for name, field in Settings.model_fields.items():
        if name not in others:
            several, is_word = field.annotation == tuple[str, ...], get_origin(field.annotation)
            kind = list[str] | None if several else str if is_word else field.annotation
            default = None if several else field.default
            found.append(_option(name, kind, default, f"{field.description}."))
    trusted = "Address of a proxy whose X-Forwarded-For is believed; none by default."
    found.append(_option("proxy", list[str] | None, None, trusted))
    return [*found, _option("workers", int, 1, "Processes.", min=1)]


serve.__signature__ = Signature(_parameters())  # type: ignore[attr-defined]


def _settings(given: dict[str, Any]) -> Settings:
    """Return the settings that options give; raises QuestionError with every wrong one."""
    if given["profiles"]:
        given["profiles"] = given["profiles"].resolve()
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise QuestionError(
            Problem(
                "setting-wrong",
                tm.validate.as_sentence(item),
                Where(column=_option_of(str(item["loc"][0])) if item["loc"] else ""),
            )
            for item in error.errors()
        ) from error


def _option_of(setting: str) -> str:
    """Return the option by which a setting is given."""
    return OPTIONS.get(setting, "--" + setting.replace("_", "-"))


Store = Annotated[
    str, Option(envvar="TWINMATCH_STORE", help=Settings.model_fields["store"].description)
]


def keys(
    action: str,
    what: Annotated[str, Argument()] = "",
    role: str = "reader",
    days: Annotated[int | None, Option(min=1)] = None,
    store: Store = "twinmatch.sqlite",
    as_json: AsJson = False,
) -> None:
    """Make, list or take back the keys of those who use the service.

    action: add, list, or take-back.
    what: Name of whom it is for, or id of the key to take back.
    role: reader, committee, coordinator or administrator.
    days: Days until it expires; none: never.
    """
    need_web()
    ranks = {rank.name.lower(): rank for rank in tm.web.auth.Rank if rank}
    if action not in {"add", "list", "take-back"} or role not in ranks:
        found = f"There is no {action!r}." if role in ranks else f"There is no role {role!r}."
        do = f"add, list or take-back; roles {', '.join(ranks)}."
        raise QuestionError.of("keys-wrong", found, do=do)
    if action != "list" and not what:
        raise QuestionError.of("keys-wrong", "Name whom the key is for, or its id.")
    opened = tm.web.board.Board(
        store if action == "add" else tm.app.decisions.standing_store(store)
    )
    if action == "add":
        key, secret = opened.add_key(what, ranks[role], days)
        if printed({"id": key.id, "name": key.name, "role": role, "key": secret}, as_json):
            return
        show(literal(secret))
        say(f"This is the key of {what} ({role}). It is shown this once; only its hash is kept.")
    elif action == "take-back":
        opened.take_back(what)
        say(f"The key {what} opens nothing any more.")
    else:
        _list_keys(opened.all_keys(), as_json)


def _list_keys(found: list[Any], as_json: bool) -> None:
    lines = []
    for key in found:
        times = {name: getattr(key, name) for name in ("created", "expires", "taken_back")}
        at = {name: t.isoformat(timespec="minutes") if t else None for name, t in times.items()}
        lines.append({"id": key.id, "name": key.name, "role": key.rank.name.lower(), **at})
    if printed({"keys": lines}, as_json):
        return
    rows = ([value or "–" for value in line.values()] for line in lines)
    show_table("Keys", ("Id", "Name", "Role", "Created", "Expires", "Taken back"), rows)
    say("Next: twinmatch service keys add NAME --role coordinator")


def personal_data(
    action: str,
    city: str,
    reasons: bool = False,
    profiles: Path | None = None,
    store: str | None = None,
    as_json: AsJson = False,
) -> None:
    """Show or erase what the store holds of the persons of a city: contacts in uploads, reasons of decisions.

    action: show or erase.
    city: Id or name of the city.
    reasons: Erase all words of the reasons about the city, not only what is found in them.
    profiles: Profiles that know the city's other names; the bundled ones where left out.
    """
    if action not in {"show", "erase"}:
        found = f"There is no {action!r}."
        raise QuestionError.of("action-unknown", found, do="Known: show, erase.")
    opened, cohort = _opened(store), tm.reading.read(profiles)
    if action == "erase":
        told = tm.web.persons.erase(
            opened, cohort, city, tm.store.database.COMMAND_LINE, reasons=reasons
        )
        if printed(told, as_json):
            return
        cells, places = told["cells"], told["uploads"]
        say(f"Erased: {cells} cells of {places} uploads, words in {told['reasons']} reasons.")
        _say_not_readable(told["not_readable"])
        say(f"Next: twinmatch service personal-data show {quoted(city)}, which shows what is left.")
        return
    held = tm.web.persons.held_of(opened, cohort, city)
    if printed(held, as_json):
        return
    rows = [
        (f"upload {u['upload']}, row {c['row']}, {c['column']}", u["by"], c["what"], c["text"])
        for u in held["uploads"]
        for c in u["cells"]
    ]
    rows += [
        (f"proposal {r['proposal']}, decision {r['number']}", r["by"], "reason", r["why"])
        for r in held["reasons"]
    ]
    show_table(f"Held of {literal(city)}", ("Where", "By", "What", "Text"), rows)
    _say_not_readable(held["not_readable"])
    if held["says"]:
        say(f"{held['says']} Cities of your own are known with --profiles.")
    else:
        say(f"Next: twinmatch service personal-data erase {quoted(city)} [--reasons]")


def _opened(store: str | None) -> Any:
    need_web()
    return tm.web.board.Board(tm.app.decisions.standing_store(store))


def _say_not_readable(uploads: list[str]) -> None:
    if uploads:
        say(f"Not readable, look yourself: {', '.join(uploads)}.")


def purge(
    uploads_days: Annotated[int, Option(min=0)] = 90,
    names_days: Annotated[int, Option(min=0)] = 1095,
    store: str | None = None,
    as_json: AsJson = False,
) -> None:
    """Erase what was held for its time: old uploads, ended sessions, names and reasons in the history.

    uploads_days: Days for which files that were handed in are kept.
    names_days: Days for which names and reasons stay in the history.
    """
    told = tm.web.persons.purge(
        _opened(store), tm.store.database.COMMAND_LINE, uploads_days, names_days
    )
    if printed(told, as_json):
        return
    say(f"Erased: {told['uploads']} uploads, {told['sessions']} sessions, {told['names']} names.")
    say("Next: schedule it nightly (docs/governance.md).")


def changes(store: str | None = None, as_json: AsJson = False) -> None:
    """Who changed what and when: keys, uploads, what was erased, decisions without their words."""
    found = tm.web.persons.changes_of(_opened(store))
    if printed({"changes": found}, as_json):
        return
    rows = ((line["at"][:16], line["by"], line["what"], line["about"]) for line in found)
    show_table("Changes", ("When", "By", "What", "About"), rows)
    say("Next: twinmatch runs history RUN shows the reasons of decisions.")


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
        self._programme = tm.public.programme_of(list(programme) or None)

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
        "country": tm.vocabulary.geography.country(city.country).name,
        "roles": [role.value for role in city.roles],
    }


def mcp(
    profiles: Profiles = None,
    programme: Programme = None,
    text_model: str | None = None,
    http: int = 0,
    keys: str = "",
    name: list[str] | None = None,
) -> None:
    """Tools for assistants by the Model Context Protocol: similar, explain, why-not and more; they read only.

    http: Port of this machine to answer at, as streamable HTTP; 0: by standard input and output.
    keys: With --http: store whose keys (twinmatch service keys) open it; none: no key is asked for.
    name: With --http: host names under which a proxy passes it on.
    """
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

    holders = tm.web.board.Board(keys)

    async def keyed(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            given = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
            bearer = given[7:] if given[:7].lower() == "bearer " else ""
            if not bearer or await run_in_threadpool(holders.holder, bearer) is None:
                refused = Problem("key-missing", "This needs a key.", do="Send a bearer key.")
                answer = tm.web.bodies.response(
                    401, [refused], "/mcp", {"WWW-Authenticate": "Bearer"}
                )
                await answer(scope, receive, send)
                return
        await app(scope, receive, send)

    return keyed
