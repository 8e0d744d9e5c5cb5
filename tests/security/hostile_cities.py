"""Cities whose every text is what a test wants it to be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from service_for_tests import PROGRAMME

from twinmatch.reading import read


def profile(id_: str, role: str, text: str, short: str | None = None) -> dict[str, Any]:
    """Return a profile in which every field that holds free text holds this one; names and units the short one."""
    short = text if short is None else short
    guest = role == "guest"
    made = {
        "id": id_,
        "name": f"{id_[3:].title()} {short}"[:100],
        "local_name": short[:100],
        "country": id_[:2].upper(),
        "roles": [role],
        "population": {"value": 100_000, "note": text},
        "location": {"lat": 50.0, "lon": 5.0},
        "needs": f"Heat networks for old towns. {text}",
        "offers": f"We run heat networks. {text}",
        "challenges": {"energy_systems": 3} if guest else {},
        "strengths": {} if guest else {"energy_systems": 3},
        "mission": {"label_awarded": "2024-03", "note": text},
        "commitment": {"neutral_by": 2030, "basis": text},
        "emissions": {
            "year": 2019,
            "form": "gpc",
            "boundary": "city",
            "boundary_note": text,
            "sectors": {"stationary_energy": 313956, "transport": 64629, "waste": 47864},
            "unit_as_printed": short[:60],
            "note": text,
        },
        "sources": [{"of": ["needs", "offers"], "from": [short, f"https://example.org/{short}"]}],
        "note": text,
    }
    return {k: v for k, v in made.items() if v not in ({}, "")}


def hostile_cities(folder: Path, text: str, short: str | None = None) -> Path:
    """Write three cities and a programme; return the folder of the cities."""
    cities = folder / "cities"
    cities.mkdir(parents=True)
    for id_, role in (("de-guest", "guest"), ("it-host", "mission"), ("se-host", "mission")):
        content = yaml.safe_dump(profile(id_, role, text, short), allow_unicode=True)
        (cities / f"{id_}.yaml").write_text(content, encoding="utf-8")
    (folder / "round.toml").write_text(PROGRAMME, encoding="utf-8")
    assert (
        len(read(cities).cities) == 3
    )  # a hostile text is no error, so that it reaches everything
    return cities
