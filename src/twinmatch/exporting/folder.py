"""Files written into a folder all at once: either every one of them is there, whole, or nothing changed."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Final

from twinmatch.errors import Problem, QuestionError, Where

_ADVICE = {
    errno.EACCES: "Choose a folder that you may write to, and close these files in other programs.",
    errno.EPERM: "Choose a folder that you may write to, and close these files in other programs.",
    errno.EROFS: "The place is read-only: choose another folder.",
    errno.ENOSPC: "The disk is full: free some space, or choose another folder.",
    errno.EDQUOT: "Your quota is used up: free some space, or choose another folder.",
    errno.ENAMETOOLONG: "Choose a shorter name.",
}


MADE: Final = ".made-by-twinmatch.json"
"""In a folder that is written as a whole: the SHA-256 of every file as it was written."""


def write_files(files: Mapping[str, bytes], out_dir: Path) -> list[Path]:
    """Write files, by name, into a folder and return the paths of its files and folders, in order.

    The folder is made if it is missing. A name such as ``dossiers/index.html`` stands in a folder of its own, which
    is replaced as a whole, so that nothing of an earlier run stays; if somebody has changed or added a file in it,
    it is kept under another name. Everything is written beside the folder first and then moved into place; a
    move that fails is undone. Raises QuestionError that says what to do.
    """
    out_dir = Path(os.path.abspath(out_dir))
    tops = list(dict.fromkeys(name.partition("/")[0] for name in files))
    folders = {name.partition("/")[0] for name in files if "/" in name}
    _check_place(out_dir, tops, folders)
    try:
        with _staging(out_dir) as staging:
            for name, content in (*files.items(), *_made(files, folders)):
                (staging / name).parent.mkdir(parents=True, exist_ok=True)
                _write_durably(staging / name, content, durably="/" not in name)
            _move_in(staging, out_dir, tops)
    except OSError as error:
        raise QuestionError(_problem(error, out_dir)) from error
    return [out_dir / name for name in tops]


def _made(files: Mapping[str, bytes], folders: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Yield for each folder the list of its files with their hashes."""
    for folder in sorted(folders):
        found = {
            name.partition("/")[2]: hashlib.sha256(content).hexdigest()
            for name, content in files.items()
            if name.startswith(f"{folder}/")
        }
        text = json.dumps(found, ensure_ascii=False, indent=0, sort_keys=True)
        yield f"{folder}/{MADE}", text.encode()


def changed_by_people(folder: Path) -> bool:
    """Return whether a folder has a file that is not as it was written, or one that was not written by us."""
    try:
        made = json.loads((folder / MADE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return any(folder.iterdir())
    found = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    return any(
        name != MADE and hashlib.sha256(path.read_bytes()).hexdigest() != made.get(name)
        for name, path in found.items()
    )


def _check_place(out_dir: Path, tops: Iterable[str], folders: set[str]) -> None:
    """Raise QuestionError where the folder, or a file in it, cannot be what it has to be."""
    problems = []
    if out_dir.exists() and not out_dir.is_dir():
        problems.append(_refusal("out-is-a-file", out_dir, "This is a file, not a folder."))
    elif not out_dir.parent.is_dir():
        problems.append(_refusal("out-parent-missing", out_dir.parent, "There is no such folder."))
    for name in tops:
        place = out_dir / name
        if name in folders and place.exists() and not place.is_dir():
            found = "A file has the name of a folder to write."
            problems.append(_refusal("out-holds-a-file", place, found))
        if name not in folders and place.is_dir():
            found = "A folder has the name of a file to write."
            problems.append(_refusal("out-holds-a-folder", place, found))
    if problems:
        raise QuestionError(problems)


def _refusal(code: str, path: Path, found: str) -> Problem:
    return Problem(code, found, Where(str(path)), "Make it or name another folder with --out.")


def _problem(error: OSError, out_dir: Path) -> Problem:
    """Return what the system said, as a problem with advice."""
    said = error.strerror or str(error)
    advice = _ADVICE.get(error.errno or 0, "Choose another folder.")
    return Problem("out-not-written", f"Nothing was written ({said}).", Where(str(out_dir)), advice)


@contextmanager
def _staging(out_dir: Path) -> Iterator[Path]:
    """Give a new folder on the same file system, and take it away again whatever happens."""
    staging = out_dir.parent / f".{out_dir.name[:100]}.{secrets.token_hex(6)}.partial"
    staging.mkdir()
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _write_durably(path: Path, content: bytes, durably: bool) -> None:
    """Write a file and, where wanted, have the system put it on disk, so that a full disk shows before any move."""
    with path.open("wb") as stream:
        stream.write(content)
        if durably:
            stream.flush()
            os.fsync(stream.fileno())


def _move_in(staging: Path, out_dir: Path, tops: list[str]) -> None:
    """Move the staged files and folders into place; on an error, put back what was there and raise it again."""
    is_new = not out_dir.exists()
    out_dir.mkdir(exist_ok=True)
    earlier = staging / "earlier than these"
    earlier.mkdir()
    placed: set[str] = set()
    try:
        for name in tops:
            _set_aside(out_dir / name, earlier / name)
            os.replace(staging / name, out_dir / name)
            placed.add(name)
        for name in tops:
            if (earlier / name).is_dir() and changed_by_people(earlier / name):
                os.replace(earlier / name, _free_name(out_dir, f"{name}-kept"))
    except OSError:
        for name in tops:
            _put_back(earlier / name, out_dir / name, name in placed)
        if is_new:
            with suppress(OSError):
                out_dir.rmdir()
        raise


def _set_aside(place: Path, earlier: Path) -> None:
    """Move a folder away, or copy a file, which the move of the new one then replaces in one step."""
    if place.is_dir():
        os.replace(place, earlier)
    elif place.exists():
        shutil.copy2(place, earlier)


def _free_name(out_dir: Path, wanted: str) -> Path:
    """Return a name that nothing in the folder has: the wanted one with the smallest free number."""
    return next(p for n in count(1) if not (p := out_dir / f"{wanted}-{n}").exists())


def _put_back(earlier: Path, place: Path, is_placed: bool) -> None:
    """Restore what a place held before: its earlier file or folder, or none."""
    with suppress(OSError):
        if is_placed and place.is_dir():
            shutil.rmtree(place)
        elif is_placed and not earlier.exists():
            place.unlink()
        if earlier.exists():
            os.replace(earlier, place)
