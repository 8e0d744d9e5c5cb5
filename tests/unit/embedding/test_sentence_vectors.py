import os
import stat
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stand_ins import Counting

from twinmatch.embedding import vectors
from twinmatch.embedding.vectors import UnreadableStoreError, UserCache, encode_texts
from twinmatch.files import write_file

TEXTS = ["We need heat.", "", "We offer trams.", "We  need\nheat.", "Buses"]


def test_each_different_text_is_encoded_once(counting: Counting) -> None:
    rows, made = encode_texts(TEXTS, counting)
    assert sorted(counting.asked) == ["Buses", "We need heat.", "We offer trams."]
    assert len(made) == 3
    assert rows.shape == (5, 8)
    np.testing.assert_array_equal(rows[0], rows[3])
    np.testing.assert_allclose(np.linalg.norm(rows[[0, 2, 4]], axis=1), 1, atol=1e-6)


def test_an_empty_text_is_unknown(counting: Counting) -> None:
    assert np.isnan(encode_texts(["", " \n", "a"], counting)[0]).all(axis=1).tolist() == [
        True,
        True,
        False,
    ]


def test_no_text_at_all(counting: Counting) -> None:
    assert encode_texts([], counting)[0].shape == (0, 8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(max_size=5), max_size=40), st.randoms(use_true_random=False))
def test_the_order_of_the_texts_changes_nothing(texts: list[str], random: object) -> None:
    shuffled = sorted(texts, key=lambda _: random.random())  # type: ignore[attr-defined]
    first, second = Counting(), Counting()
    by_text = dict(zip(texts, encode_texts(texts, first)[0], strict=True))
    for text, row in zip(shuffled, encode_texts(shuffled, second)[0], strict=True):
        np.testing.assert_array_equal(row, by_text[text])
    assert first.asked == second.asked


def test_batches_are_of_like_length_and_told(counting: Counting) -> None:
    told: list[tuple[int, int]] = []
    encode_texts(
        ["x" * (i % 20 + 1) + str(i) for i in range(40)], counting, (), lambda *p: told.append(p)
    )
    assert counting.batches == [16, 16, 8]
    assert told == [(16, 40), (32, 40), (40, 40)]
    assert [len(t) for t in counting.asked] == sorted(len(t) for t in counting.asked)


def test_what_is_kept_equals_what_is_made(counting: Counting) -> None:
    fresh, made = encode_texts(TEXTS, counting)
    again, more = encode_texts(TEXTS, counting, [{}, made])
    np.testing.assert_array_equal(fresh, again)
    assert not more
    assert len(counting.asked) == 3


@pytest.mark.parametrize("other", [Counting(weights_sha256="c1"), Counting(prefix="query: ")])
def test_another_model_or_prefix_shares_no_vector(counting: Counting, other: Counting) -> None:
    _, made = encode_texts(TEXTS, counting)
    encode_texts(TEXTS, other, [made])
    assert len(other.asked) == 3


def test_similarities_are_rounded_and_unknown_stays_unknown() -> None:
    left = np.array([[0.6, 0.8], [np.nan, np.nan]], dtype=np.float32)
    right = np.array([[1, 0], [0.28, 0.96]], dtype=np.float32)
    likeness = vectors.similarities(left, right)
    np.testing.assert_array_equal(likeness[0], np.array([0.6, 0.936], dtype=np.float32))
    assert np.isnan(likeness[1]).all()


def test_half_precision_moves_no_cosine_by_a_thousandth() -> None:
    exact = np.random.default_rng(1).normal(size=(200, 384))
    exact /= np.linalg.norm(exact, axis=1, keepdims=True)
    kept = vectors._unit(exact.astype(np.float16))
    assert np.abs(kept @ kept.T - exact @ exact.T).max() < 1e-3


# Files -----------------------------------------------------------------------------------------


def rows_of(backend: Counting, texts: list[str]) -> dict[bytes, vectors.Half]:
    return encode_texts(texts, backend)[1]


def test_the_same_rows_are_the_same_bytes_in_any_order(counting: Counting) -> None:
    made = rows_of(counting, TEXTS)
    assert vectors.store_bytes(made) == vectors.store_bytes(dict(reversed(made.items())))
    assert len(vectors.store_bytes({})) > 0


def test_a_file_gives_back_its_rows(counting: Counting, tmp_path: Path) -> None:
    made = rows_of(counting, TEXTS)
    path = tmp_path / "new" / "v.npz"
    write_file(path, vectors.store_bytes(made))
    back = vectors.read_store(path, 8)
    assert back.keys() == made.keys()
    assert all(np.array_equal(back[key], made[key]) for key in made)
    assert [p.name for p in path.parent.iterdir()] == ["v.npz"]


def test_a_failed_write_leaves_the_old_file(
    counting: Counting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "v.npz"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def saved(**arrays: np.ndarray) -> bytes:
    import io

    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=True, **arrays)
    return buffer.getvalue()


KEYS = np.zeros((2, 32), np.uint8)
ONES = np.eye(2, 8, dtype=np.float16)
EVIL = {
    "empty": b"",
    "no zip": b"hello",
    "cut off": saved(keys=KEYS, vectors=ONES)[:-40],
    "no vectors": saved(keys=KEYS),
    "pickled": saved(keys=KEYS, vectors=np.array([{}, {}], dtype=object)),
    "short keys": saved(keys=KEYS[:, :8], vectors=ONES),
    "one row missing": saved(keys=KEYS, vectors=ONES[:1]),
    "another dimension": saved(keys=KEYS, vectors=ONES[:, :4]),
    "single precision": saved(keys=KEYS, vectors=ONES.astype(np.float32)),
    "not of length 1": saved(keys=KEYS, vectors=ONES * 3),
    "not a number": saved(keys=KEYS, vectors=ONES * np.float16(np.nan)),
    "flipped bits": saved(keys=KEYS, vectors=ONES).replace(ONES.tobytes(), ONES.tobytes()[::-1]),
}


@pytest.mark.parametrize("content", EVIL.values(), ids=EVIL)
def test_an_unsound_file_is_not_read(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "v.npz"
    path.write_bytes(content)
    with pytest.raises(UnreadableStoreError, match=r"v\.npz"):
        vectors.read_store(path, 8)


@pytest.mark.parametrize("content", EVIL.values(), ids=EVIL)
def test_an_unsound_cache_is_told_ignored_and_replaced(
    counting: Counting, tmp_path: Path, content: bytes
) -> None:
    cache = UserCache(tmp_path)
    path = cache.path(counting)
    assert path is not None
    path.write_bytes(content)
    assert len(cache.read(counting)) == 0
    cache.add(counting, rows_of(counting, TEXTS))
    assert len(cache.notes) == 1
    assert "ignored and rebuilt" in cache.notes[0]
    assert len(UserCache(tmp_path).read(counting)) == 3


def test_a_cache_keeps_what_others_kept_meanwhile(counting: Counting, tmp_path: Path) -> None:
    UserCache(tmp_path).add(counting, rows_of(counting, ["a"]))
    UserCache(tmp_path).add(counting, rows_of(counting, ["b"]))
    assert len(UserCache(tmp_path).read(counting)) == 2


def test_unknown_rows_are_not_kept(counting: Counting, tmp_path: Path) -> None:
    cache = UserCache(tmp_path)
    cache.add(counting, {bytes(32): np.full(8, np.nan, np.float16)})
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_told_and_no_error(
    counting: Counting, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = UserCache(tmp_path / "file" / "cache")
    cache.add(counting, rows_of(counting, TEXTS))
    cache.add(counting, rows_of(counting, TEXTS))
    assert len(cache.notes) == 1
    assert "not kept for the next run" in cache.notes[0]


def test_no_cache_at_all(counting: Counting) -> None:
    cache = UserCache(None)
    cache.add(counting, rows_of(counting, TEXTS))
    assert len(cache.read(counting)) == 0
    assert cache.notes == []


def test_the_cache_is_this_users_alone(counting: Counting, tmp_path: Path) -> None:
    cache = UserCache(tmp_path)
    cache.add(counting, rows_of(counting, TEXTS))
    path = cache.path(counting)
    assert path is not None
    assert not stat.S_IMODE(path.stat().st_mode) & 0o077


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        ("linux", {"TWINMATCH_CACHE": "/c"}, Path("/c")),
        ("linux", {"TWINMATCH_CACHE": "off"}, None),
        ("linux", {"XDG_CACHE_HOME": "/x"}, Path("/x/twinmatch")),
        ("linux", {}, Path.home() / ".cache" / "twinmatch"),
        ("darwin", {"XDG_CACHE_HOME": "/x"}, Path.home() / "Library" / "Caches" / "twinmatch"),
        ("win32", {"LOCALAPPDATA": "/l"}, Path("/l/twinmatch/Cache")),
    ],
)
def test_where_the_cache_is(
    platform: str,
    environment: dict[str, str],
    expected: Path | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.platform", platform)
    assert vectors.cache_folder(environment) == expected
