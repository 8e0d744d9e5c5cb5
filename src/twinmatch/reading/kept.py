"""The bundled profiles as they were read, kept for the next time under the digest of their files.

Reading 255 files of YAML takes longer than comparing the cities of them. What is kept is JSON, and only where it says
the same as the YAML to the last value; profiles of anybody's own are never kept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from twinmatch.embedding.vectors import cache_folder
from twinmatch.errors import TwinmatchError, Where
from twinmatch.files import write_file
from twinmatch.reading.raw import Raw
from twinmatch.validate import Record

_FORM: Final = "1"
"""Changes whenever the reader of YAML, or what is kept, changes its meaning."""


def once_read(folder: Path, read: Callable[[Path], Raw]) -> Raw:
    """Return what a folder holds: what was kept of the very same files, or what is read now, and then kept."""
    keep_in = cache_folder()
    if keep_in is None:
        return read(folder)
    place = keep_in / f"profiles-{_digest(folder)}.json"
    with suppress(OSError, ValueError, TypeError, KeyError):
        return _raw(json.loads(place.read_bytes()))
    raw = read(folder)
    content = _plain(raw)
    if not raw.problems:
        with suppress(OSError, ValueError, TypeError, TwinmatchError):
            written = json.dumps(content, ensure_ascii=False, allow_nan=False)
            if _raw(json.loads(written)) == raw:
                write_file(place, written.encode())
                for earlier in set(keep_in.glob("profiles-*.json")) - {place}:
                    earlier.unlink()
    return raw


def _digest(folder: Path) -> str:
    found = hashlib.sha256(_FORM.encode())
    for path in sorted(folder.iterdir()):
        if path.is_file():
            content = path.read_bytes()
            found.update(f"\0{path.name}\0{len(content)}\0".encode() + content)
    return found.hexdigest()[:32]


def _plain(raw: Raw) -> dict[str, list[Any]]:
    return {
        name: [[r.where.file, r.where.column, r.data] for r in records]
        for name, records in (("cities", raw.cities), ("units", raw.units))
    }


def _raw(content: dict[str, list[Any]]) -> Raw:
    cities, units = (
        tuple(Record(data, Where(file, column=column)) for file, column, data in content[name])
        for name in ("cities", "units")
    )
    return Raw(cities, units)
