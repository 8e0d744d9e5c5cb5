"""Who is stopped while sentences are read goes on from there; work elsewhere gives the same vectors."""

from __future__ import annotations

import pickle
import signal
import subprocess
import sys
import time
import types
from pathlib import Path

import numpy as np
import pytest
from stand_ins import Counting

from twinmatch.app.neighbours import _in_tenths
from twinmatch.embedding import backends, vectors
from twinmatch.embedding.choice import TextModel
from twinmatch.embedding.vectors import UserCache, encode_texts

TEXTS = [f"Sentence number {k} of many." for k in range(200)]


def model(backend, folder):
    return TextModel(backend, "", {}, UserCache(folder))


KILLED = """
import sys, time
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from stand_ins import Counting
from twinmatch.embedding import vectors
from twinmatch.embedding.choice import TextModel
from twinmatch.embedding.vectors import UserCache
class Slow(Counting):
    def encode(self, texts):
        time.sleep(0.1)
        return super().encode(texts)
vectors.KEEP_EVERY = 0.0
TextModel(Slow(), "", {}, UserCache(Path(sys.argv[1]))).vectors([f"Sentence number {k} of many." for k in range(200)])
"""


def test_what_was_read_before_a_kill_is_not_read_again(tmp_path):
    here = str(Path(__file__).parent)
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path), here])
    path = UserCache(tmp_path).path(Counting())
    end = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < end
        assert process.poll() is None
        time.sleep(0.01)
    time.sleep(0.25)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    kept = len(UserCache(tmp_path).read(Counting()))
    assert 0 < kept < len(TEXTS)
    again, whole = Counting(), Counting()
    rows = model(again, tmp_path).vectors(TEXTS)
    assert len(again.asked) == len(TEXTS) - kept
    assert np.array_equal(rows, model(whole, None).vectors(TEXTS))
    assert len(whole.asked) == len(TEXTS)


def test_an_error_loses_nothing_that_was_read(tmp_path):
    class Breaking(Counting):
        def encode(self, texts):
            if len(self.asked) >= 3 * vectors.BATCH:
                raise KeyboardInterrupt
            return super().encode(texts)

    with pytest.raises(KeyboardInterrupt):
        model(Breaking(), tmp_path).vectors(TEXTS)
    assert len(UserCache(tmp_path).read(Counting())) == 3 * vectors.BATCH


def test_what_is_read_quickly_is_kept_once(tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(UserCache, "add", lambda _, __, fresh: written.append(len(fresh)))
    model(Counting(), tmp_path).vectors(TEXTS)
    assert written == [len(TEXTS)]
    monkeypatch.setattr(vectors, "KEEP_EVERY", 0.0)
    model(Counting(), tmp_path).vectors(TEXTS)
    assert sum(written) == 2 * len(TEXTS)
    assert max(written[1:]) == vectors.BATCH


def test_progress_of_many_is_told_in_tenths_and_of_few_not_at_all():
    told = []
    tell = _in_tenths(told.append)
    for done in range(16, 1001, 16):
        tell(done, 1000)
    tell(1000, 1000)
    assert told == [f"Text model: {k}% of 1,000 new sentences" for k in range(10, 101, 10)]
    tell(50, 100)
    assert len(told) == 10


def library(monkeypatch, device):
    """Put a stand-in in place of sentence-transformers; return what it is asked."""
    asked = []

    class SentenceTransformer:
        def __init__(self, *given, **named):
            asked.append(named)
            self.device = types.SimpleNamespace(type=device)

        def to(self, where):
            asked.append(where)
            return self

        def double(self):
            asked.append("double")
            return self

    module = types.ModuleType("sentence_transformers")
    module.SentenceTransformer = SentenceTransformer
    monkeypatch.setitem(sys.modules, "sentence_transformers", module)
    silenced = types.ModuleType("transformers.utils")
    silenced.logging = types.SimpleNamespace(disable_progress_bar=lambda: None)
    monkeypatch.setitem(sys.modules, "transformers.utils", silenced)
    monkeypatch.setitem(sys.modules, "transformers", types.ModuleType("transformers"))
    monkeypatch.setattr(backends, "check_file", lambda *_: None)
    monkeypatch.setattr(backends, "need", lambda *_: None)
    return asked


@pytest.mark.parametrize(
    ("device", "then"), [("cpu", ["double"]), ("cuda", ["double"]), ("mps", ["cpu", "double"])]
)
def test_the_library_chooses_the_device_and_is_told_none(tmp_path, monkeypatch, device, then):
    asked = library(monkeypatch, device)
    assert backends.minilm(tmp_path).loaded.device.type == device
    assert "device" not in asked[0]
    assert asked[0]["trust_remote_code"] is False
    assert asked[1:] == then  # Apple's graphics know no double precision


class Huge:
    """A loaded model that nobody wants to send anywhere."""

    def __reduce__(self):
        raise AssertionError("the loaded model was sent")


def test_another_process_is_given_how_to_load_a_model_and_not_the_model():
    made = backends.Transformer("n", "m", "w", "", 8, load=Huge)
    assert isinstance(made.loaded, Huge)
    again = pickle.loads(pickle.dumps(made))
    assert again == made
    assert "loaded" not in again.__dict__


def test_a_backend_of_joblib_that_was_chosen_reads_the_batches(tmp_path):
    import joblib

    class Elsewhere(Counting):
        name = "elsewhere"

    alone, spread = Elsewhere(weights_sha256="alone"), Elsewhere(weights_sha256="alone")
    rows, made = encode_texts(TEXTS, alone)
    with joblib.parallel_config(backend="threading", n_jobs=2):
        again, more = encode_texts(TEXTS, spread)
    assert sorted(spread.asked) == sorted(alone.asked)
    assert np.array_equal(rows, again)
    assert list(made) == list(more)
