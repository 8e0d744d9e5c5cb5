"""Files written into a folder all at once: either every one of them is there, whole, or nothing changed."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from twinmatch.errors import Problem, QuestionError, Where

_ADVICE = {
    errno.EACCES: "Choose a folder that you may write to, and close these files in other programs.",
    errno.EPERM: "Choose a folder that you may write to, and close these files in other programs.",
    errno.EROFS: "The place is read-only: choose another folder.",
    errno.ENOSPC: "The disk is full: free some space, or choose another folder.",
    errno.EDQUOT: "Your quota is used up: free some space, or choose another folder.",
    errno.ENAMETOOLONG: "Choose a shorter name.",
}


def write_files(files: Mapping[str, bytes], out_dir: Path) -> list[Path]:
    """Write files, by name, into a folder and return their paths; the folder is made if it is missing.

    Everything is written beside the folder first and then moved into place; a move that fails is undone.
    Raises QuestionError that says what to do.
    """
    out_dir = Path(os.path.abspath(out_dir))
    _check_place(out_dir, files)
    try:
        with _staging(out_dir) as staging:
            for name, content in files.items():
                _write_durably(staging / name, content)
            _move_in(staging, out_dir, list(files))
    except OSError as error:
        raise QuestionError(_problem(error, out_dir)) from error
    return [out_dir / name for name in files]


def _check_place(out_dir: Path, files: Mapping[str, bytes]) -> None:
    """Raise QuestionError where the folder, or a file in it, cannot be what it has to be."""
    problems = []
    if out_dir.exists() and not out_dir.is_dir():
        problems.append(_refusal("out-is-a-file", out_dir, "This is a file, not a folder."))
    elif not out_dir.parent.is_dir():
        problems.append(_refusal("out-parent-missing", out_dir.parent, "There is no such folder."))
    problems += [
        _refusal("out-holds-a-folder", out_dir / name, "A folder has the name of a file to write.")
        for name in files
        if (out_dir / name).is_dir()
    ]
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


def _write_durably(path: Path, content: bytes) -> None:
    """Write a file and have the system put it on disk, so that a full disk shows before anything is moved."""
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _move_in(staging: Path, out_dir: Path, names: list[str]) -> None:
    """Move the staged files into the folder; on an error, put back what was there and raise it again."""
    is_new = not out_dir.exists()
    out_dir.mkdir(exist_ok=True)
    earlier = staging / "earlier"
    earlier.mkdir()
    moved: list[str] = []
    try:
        for name in names:
            if (out_dir / name).exists():
                shutil.copy2(out_dir / name, earlier / name)
            os.replace(staging / name, out_dir / name)
            moved.append(name)
    except OSError:
        for name in moved:
            _put_back(earlier / name, out_dir / name)
        if is_new:
            with suppress(OSError):
                out_dir.rmdir()
        raise


def _put_back(earlier: Path, place: Path) -> None:
    """Restore what a place held before: its earlier file, or none."""
    with suppress(OSError):
        if earlier.exists():
            os.replace(earlier, place)
        else:
            place.unlink()
