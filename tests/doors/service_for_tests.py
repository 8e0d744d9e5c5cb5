"""The service as tests ask it: in this process, with its own store, ready to answer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from twinmatch.web.application import application
from twinmatch.web.settings import Settings

FIVE = {
    "de-guest": "roles: [guest]\nneeds: Heat networks for old towns.\nchallenges: {energy_systems: 3}\nlevers_needed: [finance_funding]",
    "fr-guest": "roles: [guest]\nneeds: Trams and cycle lanes.\nchallenges: {mobility_transport: 3}",
    "it-host": "roles: [mission]\noffers: We run heat networks in an old town.\nstrengths: {energy_systems: 3}\nlevers_offered: [finance_funding]",
    "se-host": "roles: [mission]\noffers: We run trams.\nstrengths: {mobility_transport: 3}",
    "pl-other": "roles: [guest]",
}
PROGRAMME = """
[twinning]
guests_per_host = [0, 1]
[twinning.guests]
unknown = "let in"
[twinning.weights]
challenges_met = 2
needs_offers = 1
"""


def five_cities(folder: Path) -> Path:
    """Write five cities and their programme; return the folder of the cities."""
    cities = folder / "cities"
    cities.mkdir()
    for name, fields in FIVE.items():
        text = f"id: {name}\nname: {name.title()}\ncountry: {name[:2].upper()}\n{fields}\n"
        (cities / f"{name}.yaml").write_text(text, encoding="utf-8")
    (folder / "round.toml").write_text(PROGRAMME, encoding="utf-8")
    return cities


@contextmanager
def served(store: Path, **settings: Any) -> Iterator[TestClient]:
    """Give a client of a service that is ready."""
    given = Settings(**{"text_model": "static", "store": str(store), "jobs": 1, **settings})
    app = application(given)
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as client:
        ready(client)
        yield client


def ready(client: TestClient, seconds: float = 180) -> None:
    """Wait until the service answers."""
    end = time.monotonic() + seconds
    while client.get("/readyz").status_code != 200:
        assert time.monotonic() < end, client.get("/readyz").text
        time.sleep(0.05)


def board_of(client: TestClient) -> Any:
    """Return the board of the service behind a client."""
    return shared(client).board


def shared(client: TestClient) -> Any:
    """Return what the routes of the service behind a client share."""
    door: Any = client.app
    return door._app.state.shared


def finished(client: TestClient, proposal: str, seconds: float = 180) -> dict[str, Any]:
    """Return a proposal when it has ended."""
    end = time.monotonic() + seconds
    while True:
        found: dict[str, Any] = client.get(f"/v1/proposals/{proposal}").json()
        if found["state"] in {"done", "failed", "cancelled"}:
            return found
        assert time.monotonic() < end, found
        time.sleep(0.1)
