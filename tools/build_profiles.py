"""Put the facts under data/sources into the bundled profiles.

    python tools/build_profiles.py [--check]

Blocks of which data/sources has a row are replaced (municipal population, official languages, commitment, guests'
statements, reported totals of emissions), all others stay as they are. Running it twice changes nothing;
`--check` fails where a profile is not what this command makes. After a change of texts: `python
tools/build_text_models.py vectors` and `python tools/build_classifier.py`.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from twinmatch.intake.profile_folder import to_yaml
from twinmatch.reading import read
from twinmatch.schema import City, Role
from twinmatch.vocabulary.geography import SAME_LANGUAGE, language_codes

DATA = Path(__file__).resolve().parents[1] / "data"
SOURCES = DATA / "sources"
PROFILES = DATA / "city_profiles"

NEUTRAL = {"climate neutral", "carbon neutral", "net zero"}
STATED = (
    *("needs", "offers", "challenges", "strengths", "levers_needed", "levers_offered"),
    "readiness",
)
AFTER_PAIRING = {"fr-lyon", "be-leuven", "no-trondheim", "fi-helsinki", "fr-angers-loire-metropole"}
"""Mission Cities whose pilot activity is described by pages about their twins."""
WRONG_COVENANT = {
    *("gr-kalamata", "gr-kozani", "tr-izmir", "fr-issy-les-moulineaux", "rs-medijana"),
    "be-brussels",
}
"""Cities that were joined with another signatory of the Covenant: its figures are taken out."""
PLACES = {"de-friedberg": (50.335, 8.755), "de-pfaffenhofen": (48.53, 11.505)}
"""Cities that a gazetteer took for others of their name."""
IMPLIED = "Mission City: the role implies the Mission's aim of climate neutrality by 2030"

Profile = dict[str, Any]
Row = Mapping[str, Any]


def main() -> int:
    """Write or check the profiles; return 1 where a check fails."""
    cities = read(PROFILES).cities
    made = {PROFILES / f"{city.id}.yaml": to_yaml(city) for city in profiles(cities)}
    differing = [path for path, text in made.items() if path.read_text("utf-8") != text]
    if "--check" in sys.argv:
        print(f"{len(differing)} of {len(made)} profiles are not what the sources make")
        return 1 if differing else 0
    for path in differing:
        path.write_text(made[path], encoding="utf-8")
    print(f"wrote {len(differing)} of {len(made)} profiles")
    return 0


def profiles(cities: Iterable[City]) -> list[City]:
    """Return the profiles with the facts of all sources in them."""
    statements = [json.loads(line) for line in _lines("guest_statements.jsonl")]
    by_name = [
        _by_name(rows)
        for rows in (
            _table("populations.csv"),
            _table("languages.csv"),
            statements,
            [r for r in _table("commitments.csv") if r["preferred"] == "yes"],
            [
                r
                for r in _table("inventories.csv")
                if r["use"] == "ok" and "target" not in r["boundary"]
            ],
        )
    ]
    found = []
    for city in cities:
        profile = city.model_dump(mode="json", by_alias=True, exclude_none=True)
        rows = [table.get((city.name, city.country)) for table in by_name]
        for put, row in zip(
            (_population, _languages, _statement, _commitment, _inventory), rows, strict=True
        ):
            if row is not None:
                put(profile, row)
        _corrections(profile)
        _implied(profile)
        found.append(City.model_validate(profile))
    return found


def _lines(name: str) -> list[str]:
    return (SOURCES / name).read_text("utf-8").splitlines()


def _table(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(_lines(name)))


def _by_name(rows: Iterable[Row]) -> dict[tuple[str, str], Row]:
    """Return the rows by name and country; of several, the one of the latest year."""
    found: dict[tuple[str, str], Row] = {}
    for row in sorted(rows, key=lambda r: str(r.get("year", ""))):
        found[row["city"], row["country_iso2"]] = row
    return found


def _source(profile: Profile, blocks: Iterable[str], source: Profile) -> None:
    """Put a source in the place of those of some blocks."""
    blocks = list(blocks)
    kept = []
    for old in profile.get("sources", []):
        rest = [b for b in old["of"] if b not in blocks]
        if rest:
            kept.append({**old, "of": rest})
    profile["sources"] = [*kept, *([{"of": blocks, **source}] if source else [])]


def _population(profile: Profile, row: Row) -> None:
    if not row["population_municipality"]:
        return
    people, old = int(row["population_municipality"]), row["old_geonames_population"]
    note = re.sub(r"^RATIO OUTSIDE 0.7-1.4(; )?", "", row["note"])
    settlement = f"the settlement in GeoNames: {int(float(old)):,}" if old else ""
    profile["population"] = {
        "value": people,
        "year": int(row["year"][:4]) if row["year"][:4].isdigit() else None,
        "of": "region" if re.search("canton|region", note, re.IGNORECASE) else "municipality",
        "note": "; ".join(filter(None, (note, settlement))) or None,
    }
    _source(profile, ["population"], {"from": [row["source"]]})


def _languages(profile: Profile, row: Row) -> None:
    codes = [c.strip().lower() for c in re.split("[;,]", row["official_languages"]) if c.strip()]
    known = [SAME_LANGUAGE.get(c, c) for c in codes if c in language_codes()]
    profile["official_languages"] = list(dict.fromkeys(known))
    _source(profile, ["official_languages"], {"from": [f"{row['basis']} ({row['source']})"]})


def _statement(profile: Profile, row: Row) -> None:
    if Role.MISSION in profile["roles"] and profile.get("needs") not in (
        None,
        row["needs"].strip(),
    ):
        return
    old = [profile.get("needs"), profile.get("offers")]
    if any(old) and old != [(row[b] or "").strip() or None for b in ("needs", "offers")]:
        said = [
            f"{w}: {t.strip()}"
            for w, t in zip(("wants to learn", "can show"), old, strict=True)
            if t
        ]
        profile["note"] = " ".join(
            filter(
                None, (profile.get("note"), "Pages about its pairing say: " + "; ".join(said) + ".")
            )
        )
        pages = [
            p for s in profile["sources"] if {"needs", "offers"} & set(s["of"]) for p in s["from"]
        ]
        _source(profile, ["note"], {"from": pages, "after_pairing": True})
    new = {
        "needs": row["needs"],
        "offers": row["offers"],
        "challenges": row["challenge_domains"],
        "strengths": row["strength_domains"],
        "levers_needed": row["levers_needed"],
        "levers_offered": row["levers_offered"],
        "readiness": {d: level for d, level in row["readiness"].items() if level is not None},
    }
    for block, value in new.items():
        profile.pop(block, None)
        if value:
            profile[block] = value
    pages = [f"{s['url']} ({s['year'] or 'undated'}): {s['supports']}" for s in row["sources"]]
    _source(profile, STATED, {})
    told = [block for block in STATED if block in profile]
    if told:
        _source(profile, told, {"from": pages, "year": row["latest_source_year"]})


def _commitment(profile: Profile, row: Row) -> None:
    old = profile.get("commitment") or {}
    if Role.MISSION in profile["roles"] and old.get("basis") == "Climate City Contract":
        return
    if row["kind"] not in NEUTRAL or not row["target_year"]:
        return
    profile["commitment"] = {
        "neutral_by": int(row["target_year"]),
        "basis": f"{row['announced_or_adopted_by']} ({row['confidence']})",
    }
    _source(profile, ["commitment"], {"from": [row["source"]]})


def _inventory(profile: Profile, row: Row) -> None:
    if "emissions" in profile and profile["emissions"].get("form") != "city":
        return
    if "emissions" in profile and "totals without sectors" not in (
        profile["emissions"].get("note") or ""
    ):
        return
    year = re.match(r"\d{4}", row["year"] or "")
    scopes = {f"scope_{k}": float(row[f"scope{k}"]) for k in (1, 2, 3) if row[f"scope{k}"]}
    profile["emissions"] = {
        "year": int(year[0]) if year else None,
        "form": "city",
        "boundary": "city",
        "boundary_note": row["boundary"],
        "sectors": {},
        "scopes": scopes or None,
        "kind": "reported",
        "total_printed": float(row["total"]) if row["total"] else None,
        "unit_as_printed": row["unit"],
        "note": f"totals without sectors; {row['note']}",
    }
    _source(profile, ["emissions"], {"from": [f"{row['source']}, {row['source_row_id']}"]})


def _corrections(profile: Profile) -> None:
    if profile["id"] in WRONG_COVENANT:
        profile.pop("context", None)
        profile.pop("covenant", None)
        _source(profile, ["context", "covenant"], {})
    if profile["id"] in PLACES:
        profile["location"] = dict(zip(("lat", "lon"), PLACES[profile["id"]], strict=True))
        _source(
            profile, ["location"], {"from": ["GeoNames (CC BY 4.0), the place of the participant"]}
        )
    if profile["id"] in AFTER_PAIRING:
        for source in profile["sources"]:
            if "pilot" in source["of"]:
                source["after_pairing"] = True


def _implied(profile: Profile) -> None:
    """A Mission City has a mandate and a target, whatever else is known of it."""
    if Role.MISSION not in profile["roles"]:
        return
    if not (profile.get("commitment") or {}).get("neutral_by"):
        profile["commitment"] = {"neutral_by": 2030, "basis": IMPLIED}
    stated = {**profile.get("readiness", {}), **profile.get("readiness_estimated", {})}
    implied = {d: 2 for d in ("mandate", "target") if d not in stated}
    if implied:
        profile["readiness_estimated"] = {**profile.get("readiness_estimated", {}), **implied}


if __name__ == "__main__":
    sys.exit(main())
