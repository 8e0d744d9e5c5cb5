"""Files written into a folder all at once: either every one of them is there, whole, or nothing changed.

A process that is stopped in between leaves no half: not by an error, an interrupt, a kill or a loss of power.

- A new folder is made beside its place and moved there in one step.
- Into a folder that is there, files are made ready in a hidden folder in it, then a journal is written, then they
  are moved. A process that dies before the journal has changed nothing; one that dies after it has written
  everything, and the next reader or writer of the folder moves what it had left to move.
- One process at a time writes a folder: the folder itself is locked, and the system lets go of a lock with the
  process that held it. So what lies half made in a folder that is locked was left by a process that is no more.
"""

from __future__ import annotations

import errno
import gc
import hashlib
import json
import os
import re
import secrets
import shutil
import sys
import threading
import time
import tomllib
import warnings
from array import array
from collections import ChainMap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache, partial
from itertools import count
from pathlib import Path
from typing import Any, Final, TypeVar

from twinmatch.errors import DataError, Problem, QuestionError, Where
from twinmatch.wording import say

try:
    import fcntl
except ImportError:  # Windows locks no folder; there, what is an hour old counts as left
    fcntl = None  # type: ignore[assignment]

_ADVICE = {
    errno.EACCES: "Choose a folder that you may write to, and close these files in other programs.",
    errno.EPERM: "Choose a folder that you may write to, and close these files in other programs.",
    errno.EROFS: "The place is read-only: choose another folder.",
    errno.ENOSPC: "The disk is full: free some space, or choose another folder.",
    errno.EDQUOT: "Your quota is used up: free some space, or choose another folder.",
    errno.EFBIG: "The file is larger than you may write: raise the limit, or choose another folder.",
    errno.ENAMETOOLONG: "Choose a shorter name.",
    errno.ENOENT: "The folder has gone while files were written: make it again, or choose another.",
    errno.EWOULDBLOCK: "Another process writes to this folder: try again when it has ended.",
}

MADE: Final = ".made-by-twinmatch.json"
"""In a folder that is written as a whole: the SHA-256 of every file as it was written."""

PARTIAL: Final = re.compile(r"\..+\.[0-9a-f]{12}\.partial")
"""Name of a hidden folder in which files are made ready."""

JOURNAL: Final = "moves.json"
"""In such a folder, once all of it is written: the names that are moved into place."""

PATIENCE: Final = 60.0
"""Seconds for which a process waits for another one that writes to the same folder."""

LEFT_AFTER: Final = 3600.0
"""Seconds after which a hidden folder counts as left where the system can lock no folder."""

_READY, _EARLIER = "ready", "earlier"

Maker = Callable[[], Iterable[tuple[str, bytes]]]
"""What yields the files of a folder, each with its name there, or one file, whose name is empty."""


def write_files(
    files: Mapping[str, bytes | Maker], out_dir: Path, *, cities: int = 0
) -> list[Path]:
    """Write files, by name, into a folder and return the paths of its files and folders, in order.

    The folder is made if it is missing. A name such as ``dossiers/index.html`` stands in a folder of its own, which
    is replaced as a whole, so that nothing of an earlier run stays; if somebody has changed or added a file in it,
    it is kept under another name. A move that fails is undone. Content may be made while it is written (``dossiers/`` has
    all files of that folder), for many cities by several processes. Raises QuestionError that says what to do.
    """
    out_dir = Path(os.path.abspath(out_dir))
    tops = list(dict.fromkeys(name.partition("/")[0] for name in files))
    folders = {name.partition("/")[0] for name in files if "/" in name}
    _check_place(out_dir, tops, folders)

    def written(ready: Path, name: str) -> dict[str, str]:
        content, digests, parents = files[name], dict[str, str](), set[Path]()
        for more, each in [("", content)] if isinstance(content, bytes) else content():
            path = ready / f"{name}{more}"
            if path.parent not in parents:
                path.parent.mkdir(parents=True, exist_ok=True)
                parents.add(path.parent)
            _write(path, each, durably="/" not in name)
            digests[f"{name}{more}"] = hashlib.sha256(each).hexdigest() if "/" in name else ""
        return digests

    try:
        with _home(out_dir) as home, _staging(home, out_dir.name) as staging:
            ready = staging / _READY
            longest_first = sorted(files, key=lambda name: not name.endswith(("/", ".xlsx")))
            digests = shared_out([partial(written, ready, name) for name in longest_first], cities)
            for name, content in _made(dict(ChainMap(*digests)), folders):
                _write(ready / name, content, durably=False)
            if home == out_dir:
                _move_in(staging, out_dir, tops)
            else:
                os.rename(ready, out_dir)
            _sync(home)
    except OSError as error:
        raise QuestionError(_problem(error, out_dir)) from error
    return [out_dir / name for name in tops]


def toml_text(text: str) -> str:
    """Return a text as a TOML string; what cannot be printed becomes a blank."""
    plain = "".join(c if c.isprintable() else " " for c in text)
    return json.dumps(plain, ensure_ascii=False)


def write_file(path: Path, content: bytes) -> None:
    """Write one file, whole, that its owner alone may read, and its folder where that is missing; raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with held(path.parent) as alone:
        _finish(path.parent, alone)
        with _staging(path.parent, path.name) as staging:
            ready = staging / _READY / path.name
            ready.touch(0o600)
            _write(ready, content, durably=True)
            os.replace(ready, path)


@contextmanager
def held(folder: Path, *, shared: bool = False) -> Iterator[bool]:
    """Hold a folder alone, or (shared) with others that only read it; give whether the system could lock it.

    Raises BlockingIOError where others hold it for longer than PATIENCE.
    """
    descriptor = _opened(folder)
    try:
        yield _lock(descriptor, shared)
    finally:
        if descriptor is not None:
            os.close(descriptor)  # which lets go of the lock


@contextmanager
def whole(folder: Path) -> Iterator[None]:
    """Let a folder be read while nobody writes it; what a stopped process had left to move is moved first."""
    settle(folder)
    try:
        with held(folder, shared=True):
            yield
    except BlockingIOError as error:
        raise DataError(_problem(error, folder)) from error


def settle(folder: Path) -> None:
    """Move into place what a process had written when it was stopped, and clear what it had not finished.

    Raises DataError where that cannot be done.
    """
    if not any(_partials(folder)):
        return
    try:
        with held(folder) as alone:
            _finish(folder, alone)
    except OSError as error:
        says = "A process was stopped while it moved its files into this folder, and the rest of them cannot be moved now ({p})."
        found = say(says, p=error.strerror or error)
        do = say("Make the folder writable, or do it as who wrote it, and try again.")
        raise DataError.of("folder-unfinished", found, Where(str(folder)), do) from error


def changed_by_people(folder: Path) -> bool:
    """Return whether a folder has a file that is not as it was written, or one that was not written by us."""
    try:
        made = json.loads((folder / MADE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return any(folder.iterdir())
    found = (p for p in folder.rglob("*") if p.is_file() and p != folder / MADE)
    names = ((p, p.relative_to(folder).as_posix()) for p in found)
    return any(hashlib.sha256(p.read_bytes()).hexdigest() != made.get(name) for p, name in names)


# --- what is written -------------------------------------------------------------------------------------------


def _made(digests: Mapping[str, str], folders: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Yield for each folder the list of its files with their hashes."""
    for folder in sorted(folders):
        found = {n.partition("/")[2]: d for n, d in digests.items() if n.startswith(f"{folder}/")}
        text = json.dumps(found, ensure_ascii=False, indent=0, sort_keys=True)
        yield f"{folder}/{MADE}", text.encode()


def _check_place(out_dir: Path, tops: Iterable[str], folders: set[str]) -> None:
    """Raise QuestionError where the folder, or a file in it, cannot be what it has to be."""
    wrong = []
    if out_dir.exists() and not out_dir.is_dir():
        wrong.append(("out-is-a-file", out_dir, "This is a file, not a folder."))
    elif not out_dir.parent.is_dir():
        wrong.append(("out-parent-missing", out_dir.parent, "There is no such folder."))
    for name in tops:
        place = out_dir / name
        if name in folders and place.exists() and not place.is_dir():
            wrong.append(("out-holds-a-file", place, "A file has the name of a folder to write."))
        if name not in folders and place.is_dir():
            wrong.append(("out-holds-a-folder", place, "A folder has the name of a file to write."))
    do = say("Make it or name another folder with --out.")
    if wrong:
        raise QuestionError(Problem(code, found, Where(str(at)), do) for code, at, found in wrong)


def _problem(error: OSError, out_dir: Path) -> Problem:
    """Return what the system said, as a problem with advice."""
    found = say("Nothing was written ({said}).", said=error.strerror or str(error))
    advice = _ADVICE.get(error.errno or 0, "Choose another folder.")
    return Problem("out-not-written", found, Where(str(out_dir)), advice)


def _write(path: Path, content: bytes, durably: bool) -> None:
    """Write a file and, where wanted, have the system put it on disk, so that a full disk shows before any move."""
    with path.open("wb") as stream:
        stream.write(content)
        if durably:
            stream.flush()
            os.fsync(stream.fileno())


def _sync(path: Path) -> None:
    """Have the system put a file, or the names in a folder, on disk; where it cannot, that is no error."""
    descriptor = _opened(path)
    if descriptor is not None:
        with suppress(OSError):
            os.fsync(descriptor)
        os.close(descriptor)


# --- several processes -----------------------------------------------------------------------------------------

SHARED_FROM: Final = 2_000
"""Cities from which work is shared among processes: two, or as the variable ``WORKERS`` says; no more than cores."""

WORKERS: Final = "TWINMATCH_WORKERS"

Found = TypeVar("Found")


def shared_out(pieces: Sequence[Callable[[], Found]], cities: int) -> list[Found]:
    """Return what each of some functions returns, in their order; for many cities copies of this process do some of them.

    A copy has the memory of this process as it was, and what it changes there is lost. Whoever is free takes the next
    piece, and what a copy does not bring is done here; so results and errors are those of one process alone.
    """
    from multiprocessing import get_context

    more = _processes() - 1 if cities >= SHARED_FROM and len(pieces) > 1 else 0
    if more < 1:
        return [piece() for piece in pieces]
    found: dict[int, Found] = {}
    turns, put = os.pipe()
    os.write(put, array("H", range(len(pieces))).tobytes())
    os.close(put)

    def work() -> None:
        while number := os.read(turns, 2):
            place = int.from_bytes(number, sys.byteorder)
            found[place] = pieces[place]()

    def apart(sends: Any) -> None:
        os.environ[WORKERS] = "1"
        with suppress(Exception):
            work()
        with suppress(Exception):
            sends.send(found)

    with suppress(AttributeError, TypeError):  # what was freed is held by no copy
        import ctypes  # loaded late, as most commands write nothing

        ctypes.CDLL(None).malloc_trim(0)
    copies, searched = [], gc.isenabled()
    gc.disable()  # pieces make hardly a cycle, and each search for some would write to all that is shared
    try:
        for _ in range(more):
            receives, sends = get_context("fork").Pipe(duplex=False)
            copy = get_context("fork").Process(target=apart, args=(sends,), daemon=True)
            with suppress(OSError), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of other threads, which hold nothing needed here
                copy.start()
                copies.append((copy, receives))
            sends.close()
        work()
        for _, receives in copies:
            with suppress(EOFError, OSError):
                found.update(receives.recv())
    finally:
        os.close(turns)
        for copy, receives in copies:
            receives.close()
            copy.kill()
            copy.join()
        if searched:
            gc.enable()
    return [found[k] if k in found else piece() for k, piece in enumerate(pieces)]


def _processes() -> int:
    """Return how many processes may share work: one where a process cannot be copied, or not safely, as in a server's thread."""
    from multiprocessing import current_process

    is_main = threading.current_thread() is threading.main_thread()
    if sys.platform != "linux" or not is_main or current_process().daemon:
        return 1
    asked = os.environ.get(WORKERS, "")
    return min(int(asked) if asked.isdecimal() else 2, len(os.sched_getaffinity(0)))


# --- one at a time ---------------------------------------------------------------------------------------------


def _opened(path: Path) -> int | None:
    """Return a descriptor of a file or folder; None where the system gives none."""
    try:
        return os.open(path, os.O_RDONLY)
    except OSError:
        return None


def _lock(descriptor: int | None, shared: bool) -> bool:
    """Lock what a descriptor stands for, waiting for others; return False where the system locks no folders."""
    if descriptor is None or fcntl is None:
        return False
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    end = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                raise
            time.sleep(0.01)
        except OSError:  # some network drives
            return False
        else:
            return True


@contextmanager
def _home(out_dir: Path) -> Iterator[Path]:
    """Hold and give the folder to make files ready in: the one they go to, or around it where that is new."""
    if out_dir.is_dir():
        with suppress(DataError):
            settle(out_dir.parent)
    while True:
        home = out_dir if out_dir.is_dir() else out_dir.parent
        with held(home) as alone:
            if (home == out_dir) == out_dir.is_dir():  # it may have been made while this one waited
                _finish(home, alone)
                yield home
                return


@contextmanager
def _staging(home: Path, name: str) -> Iterator[Path]:
    """Give a new hidden folder, and take it away again, but for one whose moves are still to be made."""
    staging = home / f".{name[:100]}.{secrets.token_hex(6)}.partial"
    try:
        for folder in (staging, staging / _READY):
            folder.mkdir()
        yield staging
    finally:
        if not (staging / JOURNAL).exists():
            shutil.rmtree(staging, ignore_errors=True)


# --- moves -----------------------------------------------------------------------------------------------------


def _move_in(staging: Path, out_dir: Path, tops: list[str]) -> None:
    """Move what is ready into place; where that fails or is interrupted, put back what was there."""
    earlier = staging / _EARLIER
    earlier.mkdir()
    for name in tops:
        if (out_dir / name).is_file():
            shutil.copy2(out_dir / name, earlier / name)
    _write(staging / f"{JOURNAL}.new", json.dumps(tops).encode(), durably=True)
    os.replace(staging / f"{JOURNAL}.new", staging / JOURNAL)
    _sync(staging)
    try:
        _move(staging, out_dir, tops)
    except BaseException:
        if _put_back(staging, out_dir, tops):
            (staging / JOURNAL).unlink()
        raise
    _sync(out_dir)
    (staging / JOURNAL).unlink()


def _move(staging: Path, out_dir: Path, tops: list[str]) -> None:
    """Make the moves that are not made yet, and keep the folders that people have changed."""
    earlier = staging / _EARLIER
    for name in tops:
        if not (staging / _READY / name).exists():
            continue
        if (out_dir / name).is_dir():
            os.replace(out_dir / name, earlier / name)
        os.replace(staging / _READY / name, out_dir / name)
    for name in tops:
        if (earlier / name).is_dir() and changed_by_people(earlier / name):
            names = (out_dir / f"{name}-kept-{n}" for n in count(1))
            os.replace(earlier / name, next(p for p in names if not p.exists()))


def _put_back(staging: Path, out_dir: Path, tops: list[str]) -> bool:
    """Undo the moves that were made, each so that it can be made again; return whether all of them are undone."""
    try:
        for name in tops:
            ready, earlier = staging / _READY / name, staging / _EARLIER / name
            if not ready.exists():
                os.replace(out_dir / name, ready)
            if earlier.exists():
                os.replace(earlier, out_dir / name)
    except OSError:
        return False
    return True


# --- what was left ---------------------------------------------------------------------------------------------


def _partials(folder: Path) -> Iterator[Path]:
    """Yield the hidden folders in a folder that this user's processes have made, in order of their names."""
    try:
        with os.scandir(folder) as entries:
            found = sorted(e.name for e in entries if PARTIAL.fullmatch(e.name))
    except OSError:
        return
    for name in found:
        path = folder / name
        with suppress(OSError):
            status = path.lstat()
            mine = not hasattr(os, "geteuid") or status.st_uid == os.geteuid()
            if mine and path.is_dir() and not path.is_symlink():
                yield path


def _finish(folder: Path, alone: bool) -> None:
    """Make the moves that stopped processes have left in a folder, and clear their hidden folders."""
    for left in _partials(folder):
        if not alone and time.time() - left.lstat().st_mtime < LEFT_AFTER:
            continue
        if (left / JOURNAL).exists():
            tops = json.loads((left / JOURNAL).read_bytes())
            _move(left, folder, [name for name in tops if Path(name).name == name])
            _sync(folder)
            (left / JOURNAL).unlink()
        shutil.rmtree(left, ignore_errors=True)


# --- bundled files -----------------------------------------------------------------------------------------

# A wheel carries `twinmatch/bundled/city_profiles` and `twinmatch/bundled/models`. An editable install and a source
# checkout have no such folder; there the same files are `data/city_profiles` and `models` at the top of the repository.
_PACKAGE = Path(__file__).resolve().parent
_SOURCE = {
    **{name: Path("data", name) for name in ("city_profiles", "gazetteer", "support")},
    **{name: Path(name) for name in ("models", "notebooks")},
}


@cache
def data_beside(module: str, name: str) -> dict[str, Any]:
    """Return the data of a TOML file that stands beside a module."""
    return tomllib.loads(Path(module).with_name(name).read_text("utf-8"))


def bundled_path(*parts: str) -> Path:
    """Return the path of a bundled file or folder; the first part is one of the names of ``_SOURCE``."""
    if not parts or parts[0] not in _SOURCE:
        raise ValueError(f"the first part is one of {', '.join(sorted(_SOURCE))}, not {parts[:1]}")
    return _folder(parts[0], _PACKAGE).joinpath(*parts[1:])


def _folder(name: str, package: Path) -> Path:
    in_wheel, root = package / "bundled" / name, package.parents[1]
    if in_wheel.is_dir():
        return in_wheel
    if (root / _SOURCE[name]).is_dir() and (root / "pyproject.toml").is_file():
        return root / _SOURCE[name]
    found = say("The bundled folder {name} is not part of this installation.", name=repr(name))
    do = say("Install twinmatch again from its wheel, or use a whole source checkout.")
    raise DataError.of("bundled-missing", found, Where(str(in_wheel)), do)
