"""Vectors of sentences, made once and kept: the bundled file, the user's cache, the encoding.

A vector is kept under the SHA-256 of the model's weights, the prefix and the text (white space
evened out), in half precision, which moves no cosine by more than 1e-4. Whether a vector was made
now or found in a file makes no difference: both pass through the same half precision.

Notation: n texts, d dimensions, k keys of 32 bytes.
"""

from __future__ import annotations

import hashlib
import io
import os
import sys
import time
import unicodedata
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from twinmatch.embedding.backends import Backend, Vectors
from twinmatch.files import write_file

Half = NDArray[np.float16]
KeptVectors = Mapping[bytes, Half]
"""Vectors by key."""
Progress = Callable[[int, int], None]

BATCH = 16
TOGETHER = 8
"""Batches that go elsewhere together."""
_LOADED: dict[tuple[str, str, str], Backend] = {}
"""The model that a process was given with work from elsewhere."""
KEEP_EVERY = 10.0
"""Seconds of encoding after which what was made is kept, so that a run that is stopped loses no more."""
DECIMALS = 4
CACHE_VARIABLE = "TWINMATCH_CACHE"
_KEY_BYTES = 32
_FIXED_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can say; same input, same bytes


class UnreadableStoreError(Exception):
    """A file of vectors that is not what it should be; says why."""


def normalised(text: str) -> str:
    """Even out white space and the ways to write one letter: what the models are given."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def key_of(text: str, weights_sha256: str, prefix: str = "") -> bytes:
    """Return the key of a text's vector."""
    parts = (weights_sha256, prefix, normalised(text))
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()


def similarities(left: Vectors, right: Vectors) -> Vectors:
    """Return the (n, m) cosines of unit rows, rounded so that no order depends on the last bits.

    Rounding to four decimals comes before anything sorts or solves; an unknown row gives nan.
    """
    exact = left.astype(np.float64) @ right.astype(np.float64).T
    return np.asarray(np.round(exact, DECIMALS), dtype=np.float32)


Keep = Callable[[KeptVectors], None]
"""Keeps vectors that were just made, by key."""


def encode_texts(
    texts: Sequence[str],
    backend: Backend,
    kept: Sequence[KeptVectors] = (),
    progress: Progress | None = None,
    keep: Keep = lambda _: None,
) -> tuple[Vectors, dict[bytes, Half]]:
    """Return the (n, d) vectors of the texts, and those of them that had to be made, by key.

    Each different text is looked up once and encoded at most once, in batches of like length whose
    order does not depend on the order asked for. Empty text gives a row of nan. What is made is given to
    ``keep`` every few seconds, at the end, and where something stops it, so that the next run goes on from there.
    """
    wanted = {text: normalised(text) for text in texts}
    keys = {t: key_of(t, backend.weights_sha256, backend.prefix) for t in set(wanted.values()) if t}
    known = {t: row for t, key in keys.items() if (row := _found(key, kept)) is not None}
    missing = sorted(keys.keys() - known.keys(), key=lambda t: (len(t), t))
    made: dict[bytes, Half] = {}
    fresh: dict[bytes, Half] = {}
    last = time.monotonic()
    try:
        for batch, rows in _encoded(missing, backend):
            fresh |= {keys[text]: row for text, row in zip(batch, rows, strict=True)}
            known |= dict(zip(batch, rows, strict=True))
            if progress:
                progress(len(made) + len(fresh), len(missing))
            if time.monotonic() - last >= KEEP_EVERY:
                keep(fresh)
                made |= fresh
                fresh, last = {}, time.monotonic()
    finally:
        if fresh:
            keep(fresh)
    made |= fresh
    blank = np.full(backend.dimension, np.nan, dtype=np.float16)
    half = np.array([known.get(said, blank) for said in wanted.values()], dtype=np.float16)
    place = {text: k for k, text in enumerate(wanted)}
    unit = _unit(half.reshape(len(wanted), backend.dimension))
    return unit[[place[text] for text in texts]], made


def _encoded(texts: Sequence[str], backend: Backend) -> Iterator[tuple[Sequence[str], Half]]:
    """Yield texts in batches, each with the vectors of its texts, in their order.

    A joblib backend chosen around the call encodes the batches elsewhere, several at a time.
    """
    batches = [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]
    if len(batches) > TOGETHER:
        # Its package loads the solvers, which a start with few texts does without.
        from twinmatch.solving.frontier import is_chosen, spread

        if is_chosen():
            several = [batches[k : k + TOGETHER] for k in range(0, len(batches), TOGETHER)]
            found = spread(_elsewhere, ((backend, some) for some in several))
            for some, rows in zip(several, found, strict=True):
                yield from zip(some, rows, strict=True)
            return
    for batch in batches:
        yield batch, _half(backend, batch)


def _elsewhere(backend: Backend, batches: Sequence[Sequence[str]]) -> list[Half]:
    """Return the vectors of batches in a process that may be another, whose model is loaded once."""
    key = (backend.name, backend.weights_sha256, backend.prefix)
    if key not in _LOADED:
        _LOADED.clear()
        _LOADED[key] = backend
    return [_half(_LOADED[key], batch) for batch in batches]


def _half(backend: Backend, batch: Sequence[str]) -> Half:
    return backend.encode(batch).astype(np.float16)


def _found(key: bytes, kept: Sequence[KeptVectors]) -> Half | None:
    return next((rows[key] for rows in kept if key in rows), None)


def _unit(half: Half) -> Vectors:
    whole = half.astype(np.float64)
    length = np.sqrt((whole**2).sum(axis=1, keepdims=True))
    return np.asarray(whole / length, dtype=np.float32)


def read_store(path: Path, dimension: int) -> KeptVectors:
    """Read a file of vectors; raise `UnreadableStoreError` for anything but a sound one."""
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            keys, vectors = file["keys"], file["vectors"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise UnreadableStoreError(f"{path} cannot be read: {error}") from error
    if keys.dtype != np.uint8 or keys.ndim != 2 or keys.shape[1] != _KEY_BYTES:
        raise UnreadableStoreError(f"{path} holds no keys of {_KEY_BYTES} bytes")
    if vectors.dtype != np.float16 or vectors.shape != (len(keys), dimension):
        raise UnreadableStoreError(f"{path} holds no half-precision vectors of {dimension} numbers")
    lengths = np.linalg.norm(vectors.astype(np.float32), axis=1)
    if not np.all(np.abs(lengths - 1) < 0.01):
        raise UnreadableStoreError(f"{path} holds vectors that are not of length 1")
    return dict(zip(map(bytes, keys), vectors, strict=True))


def store_bytes(rows: KeptVectors) -> bytes:
    """Return the file of these vectors: sorted keys, no compression, no date; same rows, same bytes."""
    keys = sorted(rows)
    arrays = {
        "keys": np.frombuffer(b"".join(keys), np.uint8).reshape(len(keys), _KEY_BYTES),
        "vectors": np.array([rows[key] for key in keys], dtype="<f2"),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy", _FIXED_DATE)
            member.create_system = 3
            with archive.open(member, "w") as file:
                np.lib.format.write_array(file, array, allow_pickle=False)
    return buffer.getvalue()


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return where this user's vectors are kept; None if TWINMATCH_CACHE is `off`.

    TWINMATCH_CACHE names the folder; without it the platform's own cache folder is used.
    """
    named = environment.get(CACHE_VARIABLE, "")
    if named:
        return None if named.lower() == "off" else Path(named).expanduser()
    if sys.platform == "win32":
        base = environment.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
        return Path(base, "twinmatch", "Cache")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "twinmatch"
    return Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache", "twinmatch")


@dataclass
class UserCache:
    """The vectors made on this machine, one file a model; a cache that fails is reported, no error."""

    folder: Path | None
    notes: list[str] = field(default_factory=list)

    def path(self, backend: Backend) -> Path | None:
        """Return the file of a model's vectors."""
        if self.folder is None:
            return None
        key = key_of("", backend.weights_sha256, backend.prefix).hex()
        return self.folder / f"vectors-{key[:20]}.npz"

    def read(self, backend: Backend) -> KeptVectors:
        """Return what is kept for a model; nothing if there is no sound file."""
        path = self.path(backend)
        try:
            return read_store(path, backend.dimension) if path and path.exists() else {}
        except UnreadableStoreError as error:
            self._note(f"The cache of sentence vectors is ignored and rebuilt: {error}.")
            return {}

    def add(self, backend: Backend, made: KeptVectors) -> None:
        """Keep what was made, with what others have kept meanwhile."""
        path = self.path(backend)
        sound = {key: row for key, row in made.items() if np.isfinite(row).all()}
        if path is None or not sound:
            return
        try:
            write_file(path, store_bytes({**self.read(backend), **sound}))
        except OSError as error:
            self._note(f"Sentence vectors are not kept for the next run: {error}.")

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)


def lacking(texts: Iterable[str], kept: KeptVectors, weights_sha256: str) -> list[str]:
    """Return the different texts, evened out and sorted, that have no vector in the store."""
    different = {normalised(text) for text in texts} - {""}
    return sorted(text for text in different if key_of(text, weights_sha256) not in kept)
