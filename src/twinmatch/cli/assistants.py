"""The command that lets assistants ask."""

from __future__ import annotations

from typing import Annotated

import typer

from twinmatch.cli.words import Model, Profiles, Programme

# The docstring of the command is its help on the command line.


def mcp(
    profiles: Profiles = None,
    programme: Programme = None,
    text_model: Model = None,
    http: Annotated[
        int,
        typer.Option(
            "--http",
            help="Port of this machine to answer at, as streamable HTTP; 0: by standard input and output.",
        ),
    ] = 0,
) -> None:
    """Tools for assistants by the Model Context Protocol: similar, explain, why-not and more; they read only."""
    from twinmatch.assistants import assistant_server

    server = assistant_server(profiles, programme or (), text_model)
    if http:
        server.run("streamable-http", host="127.0.0.1", port=http)
    else:
        server.run("stdio")
