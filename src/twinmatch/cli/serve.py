"""The commands of the service: serve it, and make or take back the keys of those who use it."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from twinmatch.cli.options import (
    AsJson,
    Model,
    Profiles,
    Programme,
    literal,
    need_web,
    print_json,
    progress,
    say,
    show,
    table,
)
from twinmatch.errors import Problem, QuestionError, Where

Store = Annotated[
    str,
    typer.Option(
        envvar="TWINMATCH_STORE",
        help="Where jobs, keys and decisions are kept: a file, or postgresql://…",
    ),
]

# The docstrings of the commands are their help on the command line.


def serve(
    profiles: Profiles = None,
    programme: Programme = None,
    host: Annotated[str, typer.Option(envvar="TWINMATCH_HOST", help="Address.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="TWINMATCH_PORT", help="Port.")] = 8080,
    workers: Annotated[int, typer.Option(envvar="TWINMATCH_WORKERS", help="Processes.", min=1)] = 1,
    store: Store = "twinmatch.sqlite",
    access: Annotated[
        str,
        typer.Option(
            envvar="TWINMATCH_ACCESS",
            help="local (whoever sits at this machine), keys, or 'keys, reading open'.",
        ),
    ] = "local",
    name: Annotated[
        list[str] | None,
        typer.Option(envvar="TWINMATCH_NAME", help="Host name under which it is reached."),
    ] = None,
    https: Annotated[
        bool, typer.Option(envvar="TWINMATCH_HTTPS", help="It is reached by https.")
    ] = False,
    origin: Annotated[
        list[str] | None,
        typer.Option(
            envvar="TWINMATCH_ORIGIN",
            help="Origin whose pages may read the API; none by default.",
            show_default=False,
        ),
    ] = None,
    proxy: Annotated[
        list[str] | None,
        typer.Option(
            envvar="TWINMATCH_PROXY",
            help="Address of a proxy whose X-Forwarded-For is believed; none by default.",
            show_default=False,
        ),
    ] = None,
    requests_a_minute: Annotated[
        int,
        typer.Option(
            envvar="TWINMATCH_REQUESTS_A_MINUTE",
            help="Requests of one key or address in a minute, at most.",
        ),
    ] = 1200,
    heavy_a_minute: Annotated[
        int,
        typer.Option(
            envvar="TWINMATCH_HEAVY_A_MINUTE",
            help="Of those that compute for long, at most.",
        ),
    ] = 60,
    metrics_open: Annotated[
        bool,
        typer.Option(
            "--metrics-open/--metrics-with-key",
            envvar="TWINMATCH_METRICS_OPEN",
            help="Whether /metrics asks for no key.",
        ),
    ] = True,
    most_bytes: Annotated[
        int,
        typer.Option(envvar="TWINMATCH_MOST_BYTES", help="Bytes of a request, at most."),
    ] = 1_000_000,
    most_upload: Annotated[
        int,
        typer.Option(
            envvar="TWINMATCH_MOST_UPLOAD", help="Bytes of an uploaded workbook, at most."
        ),
    ] = 20_000_000,
    jobs: Annotated[
        int, typer.Option(envvar="TWINMATCH_JOBS", help="Proposals at once, by process.")
    ] = 1,
    text_model: Model = None,
) -> None:
    """Serve the API and the coordinator's workbench in a browser."""
    try:
        import uvicorn
        from pydantic import ValidationError

        from twinmatch.web.settings import ENVIRONMENT, Settings
    except ImportError as error:
        raise QuestionError(
            Problem(
                "web-not-installed",
                f"The web front needs {error.name}, which is not installed.",
                do="pip install 'twinmatch[web]'",
            )
        ) from error
    try:
        settings = Settings(
            profiles=profiles.resolve() if profiles else None,
            programme=tuple(programme or ()),
            text_model=text_model,
            store=store,
            host=host,
            port=port,
            access=access,
            hosts=tuple(name or ()),
            https=https,
            origins=tuple(origin or ()),
            requests_a_minute=requests_a_minute,
            heavy_a_minute=heavy_a_minute,
            metrics_open=metrics_open,
            most_bytes=most_bytes,
            most_upload=most_upload,
            jobs=jobs,
        )
    except ValidationError as error:
        raise QuestionError(
            Problem(
                "setting-wrong",
                str(item["msg"]).removeprefix("Value error, ").rstrip(".") + ".",
                Where(column=_option(str(item["loc"][0])) if item["loc"] else ""),
            )
            for item in error.errors()
        ) from error
    _check_profiles(settings.profiles)
    if workers > 1:
        _make_ready(settings.profiles, settings.programme, text_model)
    os.environ[ENVIRONMENT] = settings.model_dump_json()
    say(f"Open http://{host}:{port}/ for the workbench; the API is described at /openapi.json.")
    uvicorn.run(
        "twinmatch.web.application:from_settings",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=5,
        # Without httptools it is h11, which bounds the head itself.
        http="twinmatch.web.protocol:BoundedProtocol" if find_spec("httptools") else "auto",
        proxy_headers=bool(proxy),
        forwarded_allow_ips=list(proxy or ()),
    )


def _option(setting: str) -> str:
    """Return the option by which a setting is given."""
    name = {"hosts": "name", "origins": "origin"}.get(setting, setting)
    return "--" + name.replace("_", "-")


def keys(
    action: Annotated[str, typer.Argument(help="add, list, or take-back.")],
    what: Annotated[
        str, typer.Argument(help="Name of whom it is for, or id of the key to take back.")
    ] = "",
    role: Annotated[str, typer.Option(help="reader, coordinator or administrator.")] = "reader",
    days: Annotated[
        int | None, typer.Option(help="Days until it expires; none: never.", min=1)
    ] = None,
    store: Store = "twinmatch.sqlite",
    as_json: AsJson = False,
) -> None:
    """Make, list or take back the keys of those who use the service."""
    need_web()
    from twinmatch.app.decisions import standing_store
    from twinmatch.web.auth import Rank
    from twinmatch.web.board import Board

    ranks = {rank.name.lower(): rank for rank in Rank if rank}
    if action not in {"add", "list", "take-back"} or role not in ranks:
        found = f"There is no {action!r}." if role in ranks else f"There is no role {role!r}."
        raise QuestionError(
            Problem("keys-wrong", found, do=f"add, list or take-back; roles {', '.join(ranks)}.")
        )
    if action != "list" and not what:
        raise QuestionError(Problem("keys-wrong", "Name whom the key is for, or its id."))
    board = Board(store if action == "add" else standing_store(store))
    if action == "add":
        key, secret = board.add_key(what, ranks[role], days)
        if as_json:
            print_json({"id": key.id, "name": key.name, "role": role, "key": secret})
            return
        show(literal(secret))
        say(f"This is the key of {what} ({role}). It is shown this once; only its hash is kept.")
        return
    if action == "take-back":
        board.take_back(what)
        say(f"The key {what} opens nothing any more.")
        return
    found_keys = board.all_keys()
    lines = [
        {
            "id": k.id,
            "name": k.name,
            "role": k.rank.name.lower(),
            "created": k.created.isoformat(timespec="minutes"),
            "expires": k.expires.isoformat(timespec="minutes") if k.expires else None,
            "taken_back": k.taken_back.isoformat(timespec="minutes") if k.taken_back else None,
        }
        for k in found_keys
    ]
    if as_json:
        print_json({"keys": lines})
        return
    rows = table("Keys", ("Id", "Name", "Role", "Created", "Expires", "Taken back"))
    for line in lines:
        rows.add_row(*(literal(str(value or "–")) for value in line.values()))
    show(rows)
    say("Next: twinmatch service keys add NAME --role coordinator")


def _check_profiles(profiles: Path | None) -> None:
    """Say what is wrong with the profiles now, rather than in the log of a process."""
    from twinmatch.reading import read

    read(profiles)


def _make_ready(profiles: Path | None, programme: tuple[str, ...], model: str | None) -> None:
    """Make what every process needs once, before there are several."""
    from twinmatch.app.service import open_service

    with progress() as told:
        open_service(profiles, programme=programme, model=model, progress=told)
