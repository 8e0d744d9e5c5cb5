"""Where the bundled profiles and models stand: inside the wheel, or in the source checkout.

A wheel carries `twinmatch/bundled/city_profiles` and `twinmatch/bundled/models`. An editable
install and a source checkout have no such folder; there the same files are `data/city_profiles`
and `models` at the top of the repository.
"""

from __future__ import annotations

from pathlib import Path

from twinmatch.errors import DataError, Problem, Where

_PACKAGE = Path(__file__).resolve().parent
_SOURCE = {
    "city_profiles": Path("data", "city_profiles"),
    "models": Path("models"),
}


def bundled_path(*parts: str) -> Path:
    """Return the path of a bundled file or folder; the first part is `city_profiles` or `models`."""
    if not parts or parts[0] not in _SOURCE:
        raise ValueError(f"the first part is one of {', '.join(sorted(_SOURCE))}, not {parts[:1]}")
    return _folder(parts[0], _PACKAGE).joinpath(*parts[1:])


def _folder(name: str, package: Path) -> Path:
    in_wheel = package / "bundled" / name
    if in_wheel.is_dir():
        return in_wheel
    in_source = package.parents[1] / _SOURCE[name]
    if in_source.is_dir() and (package.parents[1] / "pyproject.toml").is_file():
        return in_source
    raise DataError(
        Problem(
            "bundled-missing",
            f"The bundled folder {name!r} is not part of this installation.",
            Where(file=str(in_wheel)),
            "Install twinmatch again from its wheel, or use a whole source checkout.",
        )
    )
