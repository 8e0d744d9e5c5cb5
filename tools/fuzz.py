"""Does any file make a reader fall over? Coverage-guided fuzzing of every reader of twinmatch.

    python tools/fuzz.py [READER ...] [--seconds 60]   fuzz, keep seconds (of the processor) and executions, print them
    python tools/fuzz.py --list                        name the readers
    python tools/fuzz.py --table                       print the table that is kept
    python tools/fuzz.py READER --try FILE             read one file as the fuzzer would, with its traceback

Atheris (libFuzzer for Python) changes samples byte by byte and keeps those that reach new lines of the readers, of
PyYAML, openpyxl and the parsers of the standard library. Archives are opened, changed inside and closed again, so
that checksums do not end every try. An error on purpose is an answer; any other exception, a death of the process,
more than two gigabytes or more than twenty seconds is a finding. Findings are told apart by kind and place, and
their files stand in `build/fuzz/READER/findings`; the corpus that grew in `build/fuzz/READER/corpus`. The samples
are those of the tests, made when they are needed. What was run so far adds up in `benchmarks/results/fuzz.json`.

Exits 1 where something was found.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import traceback
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import TracebackType

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "build" / "fuzz"
RESULT = ROOT / "benchmarks" / "results" / "fuzz.json"
MEGABYTES, SECONDS, LARGEST = 2_048, 20, 65_536
WATCHED = ["twinmatch", "yaml", "openpyxl", "tomllib", "csv", "json", "defusedxml", "zipfile"]
"""Packages whose lines count as reached; the fuzzer looks for inputs that reach more of them."""
EVIL = (
    *("1e308", "-1e308", "1e5000", "NaN", "inf", "-", "9" * 400, "9" * 5_000, "1.234", "1,5"),
    *("\u202e", "١٢٣", "½", "\x00", "=1+1", '"', ";", "\n", "2018-13-45", "[" * 300, "{a: " * 90),
)


@dataclass(frozen=True)
class Harness:
    """A reader under test: what reads a file, the ending of that file, and the samples to begin with."""

    read: Callable[[Path], object]
    ending: str
    samples: Callable[[Path], Iterator[bytes]]

    @property
    def packed(self) -> bool:
        """Return whether its files are archives, which are changed inside."""
        return self.ending in {".xlsx", ".ods"}


def harnesses() -> dict[str, Harness]:
    """Return every reader by name; `tests/unit/reading/test_fuzz_harnesses.py` proves that none is missing."""
    from twinmatch.app.decided import read_decisions
    from twinmatch.exporting import read_proposal
    from twinmatch.intake.profile_folder import read_accepted
    from twinmatch.programmes import programme
    from twinmatch.reading import TABLES, read_mapping
    from twinmatch.reading.importers import IMPORTERS

    tables = {
        ending[1:]: Harness(_profiles, ending, _tables(ending))
        for ending in TABLES
        if ending != ".parquet" or _installed("pyarrow")
    }
    importers = {
        f"import-{kind}": Harness(_imported(kind), ".csv", _exports(kind)) for kind in IMPORTERS
    }
    return {
        "folder": Harness(_folder, ".yaml", _profile_files),
        **tables,
        "proposal": Harness(read_proposal, ".json", _proposals),
        "decisions": Harness(read_decisions, ".xlsx", _decision_sheets),
        "programme": Harness(programme.load, ".toml", _programmes),
        "mapping": Harness(read_mapping, ".toml", _mappings),
        "accepted": Harness(read_accepted, ".toml", _accepted_files),
        **importers,
    }


# What a harness does with a file: the whole way from bytes to doubts, as a user's file goes.


def _profiles(path: Path) -> None:
    from twinmatch.reading import read_raw

    _validated(read_raw(path))


def _folder(path: Path) -> None:
    """Read a folder in which the file stands both as a profile and as the list of host units."""
    from twinmatch.reading.table_files import UNITS_FILE

    folder = path.parent / "profiles"
    folder.mkdir(exist_ok=True)
    for name in ("de-x.yaml", UNITS_FILE):
        (folder / name).write_bytes(path.read_bytes())
    _profiles(folder)


def _imported(kind: str) -> Callable[[Path], None]:
    def read(path: Path) -> None:
        from twinmatch.reading import read_grids, without_contacts
        from twinmatch.reading.importers import IMPORTERS, Options

        _validated(without_contacts(IMPORTERS[kind].read(read_grids(path), Options()).raw))

    return read


def _validated(raw: object) -> None:
    from twinmatch.errors import TwinmatchError
    from twinmatch.intake.checks import doubts
    from twinmatch.reading.grid import Raw
    from twinmatch.schema import City
    from twinmatch.validate import profiles, validate

    assert isinstance(raw, Raw)
    known, problems = profiles(raw.cities, City)
    for problem in (*raw.problems, *problems, *doubts(known)):
        str(problem)
    with contextlib.suppress(TwinmatchError):
        validate(raw.cities, raw.units, raw.problems)


# The samples: those that the tests of the readers are made of.


def _test_module(name: str) -> object:
    import importlib

    for folder in ("reading", "exporting"):
        place = str(ROOT / "tests" / "unit" / folder)
        if place not in sys.path:
            sys.path.append(place)
    return importlib.import_module(name)


def _exports(kind: str) -> Callable[[Path], Iterator[bytes]]:
    prefix = {"covenant-inventories": "INVENTORIES", "covenant-totals": "TOTALS"}
    wanted = prefix.get(kind, kind.replace("mycov", "my-cov").replace("-", "_").upper())

    def samples(_: Path) -> Iterator[bytes]:
        module = _test_module("importer_samples")
        for name, text in vars(module).items():
            if name == wanted or (kind in {"cdp", "contract"} and name.startswith(wanted)):
                yield str(text).encode()

    return samples


HEADER = ("id", "name", "country", "population", "emissions.form", "emissions.sectors.waste")
ROWS = [
    ("de-x", "X", "DE", 5, "gpc", 12.5),
    ("fr-y", "Ÿ", "France", "1.234,5 tsd", "gpc", "NO"),
    ("pl-z", "Ż; mail@example.eu", "Polska", None, "", "IE (I.1)"),
]


def _tables(ending: str) -> Callable[[Path], Iterator[bytes]]:
    def texts(_: Path) -> Iterator[bytes]:
        mark = "\t" if ending == ".tsv" else ";"
        lines = [mark.join("" if c is None else str(c) for c in row) for row in [HEADER, *ROWS]]
        yield "\n".join(lines).encode()
        yield "\r\n".join(lines).encode("utf-16")
        yield f"Stadt{mark}Land{mark}Einwohner\nKöln{mark}DE{mark}1,1 Mio.\n".encode("cp1252")

    def books(folder: Path) -> Iterator[bytes]:
        evil = _test_module("evil_files")
        made = folder / "sample.xlsx"
        yield evil.workbook(made, [HEADER, *ROWS]).read_bytes()  # type: ignore[attr-defined]
        yield evil.broken_reference(made).read_bytes()  # type: ignore[attr-defined]
        yield evil.last_cell(made).read_bytes()  # type: ignore[attr-defined]

    def sheets(folder: Path) -> Iterator[bytes]:
        evil = _test_module("evil_files")
        rows = "".join(evil.ods_row(*row) for row in [HEADER, *ROWS])  # type: ignore[attr-defined]
        yield evil.ods(folder / "sample.ods", rows).read_bytes()  # type: ignore[attr-defined]
        many = rows + evil.ods_row("a", repeat=1_000_000)  # type: ignore[attr-defined]
        yield evil.ods(folder / "sample.ods", many).read_bytes()  # type: ignore[attr-defined]

    def columns(_: Path) -> Iterator[bytes]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pa.table(
            {
                h: [r[k] if k == 3 and k else str(r[k]) for r in ROWS[:1]]
                for k, h in enumerate(HEADER)
            }
        )
        file = io.BytesIO()
        pq.write_table(table, file, compression="none")
        yield file.getvalue()

    return {".xlsx": books, ".ods": sheets, ".parquet": columns}.get(ending, texts)


def _profile_files(_: Path) -> Iterator[bytes]:
    from twinmatch.files import bundled_path

    for path in sorted(bundled_path("city_profiles").glob("*.yaml"))[::40]:
        yield path.read_bytes()
    yield b"- {id: unit-x, name: X, cities: [de-x, de-y]}\n"


def _proposals(_: Path) -> Iterator[bytes]:
    from twinmatch.exporting import EXPORTERS

    yield EXPORTERS["proposal.json"](_test_module("exporting_samples").sample(), "en")  # type: ignore[attr-defined]


def _decision_sheets(folder: Path) -> Iterator[bytes]:
    evil = _test_module("evil_files")
    rows = [
        ("Guest id", "Host id", "Decision", "Note"),
        ("de-x", "fr-y", "lock", "as agreed"),
        ("de-x", "pl-z", "Reject", ""),
        ("de-z", "pl-z", "", None),
    ]
    yield evil.workbook(folder / "sample.xlsx", rows, "Decisions").read_bytes()  # type: ignore[attr-defined]


def _programmes(_: Path) -> Iterator[bytes]:
    from twinmatch.programmes.programme import BUNDLED, RECIPES

    for path in sorted((*BUNDLED.glob("*.toml"), *RECIPES.glob("*.toml"))):
        yield path.read_bytes()


def _mappings(_: Path) -> Iterator[bytes]:
    yield b"""sheet = "cities"\nheader_row = 2\nencoding = "utf-8"\ndecimal = ","
[columns]\n"Einwohner" = "population"\n"CO2" = {field = "emissions.sectors.waste", unit = "kt", factor = 1.5}
[defaults]\ncountry = "DE"\n"""


def _accepted_files(_: Path) -> Iterator[bytes]:
    yield b"""[[accepted]]\nkey = "12345678"\ncode = "c"\ncity = "de-x"\nfound = "y"\nwhy = "z"\non = "2026-01-01"\n"""


def _installed(package: str) -> bool:
    from importlib.util import find_spec

    return find_spec(package) is not None


# What is a finding, and how findings are told apart.


def finding(harness: Harness, content: bytes, folder: Path) -> str | None:
    """Return kind and place of an exception that is no error on purpose; None where the reader held."""
    from twinmatch.errors import TwinmatchError

    path = folder / f"fuzzed{harness.ending}"
    path.write_bytes(content)
    try:
        harness.read(path)
    except TwinmatchError:
        return None
    except Exception as error:
        return f"{type(error).__name__} in {_place(error.__traceback__)}"
    return None


def _place(trace: TracebackType | None) -> str:
    """Return the last line of the house that was run, and the last of all."""
    frames = traceback.extract_tb(trace)
    ours = [f for f in frames if "twinmatch" in f.filename]
    both = [f"{Path(f.filename).name}:{f.name}" for f in (*ours[-1:], *frames[-1:])]
    return " < ".join(dict.fromkeys(both))


def changed(content: bytes, packed: bool, mutate: Callable[[bytes], bytes], rng: Random) -> bytes:
    """Return a sample changed by a fuzzer: an archive inside one of its parts, mostly, and with evil pieces."""
    if not packed or not rng.randrange(10):
        return _with_evil(content, rng) if not rng.randrange(4) else mutate(content)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        name = rng.choice(sorted(parts))
    except Exception:
        return mutate(content)
    parts[name] = _with_evil(parts[name], rng) if rng.randrange(2) else mutate(parts[name])
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for part, inside in parts.items():
            archive.writestr(part, inside)
    return made.getvalue()


def _with_evil(content: bytes, rng: Random) -> bytes:
    start = rng.randrange(len(content) or 1)
    piece = rng.choice(EVIL).encode("utf-8")
    return content[:start] + piece + content[start + rng.randint(0, 12) :]


# The child, which fuzzes, and the parent, which starts it again after a death and keeps the figures.


def child(name: str, options: list[str]) -> None:
    """Fuzz until libFuzzer ends the process."""
    import atheris

    with atheris.instrument_imports(include=WATCHED):
        harness = harnesses()[name]
    prefix = next(o.partition("=")[2] for o in options if o.startswith("-artifact_prefix="))
    findings = Path(prefix)
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    seen: set[str] = {p.stem for p in findings.iterdir()}

    def one(content: bytes) -> None:
        found = finding(harness, content, folder)
        if found and (label := _label(found)) not in seen:
            seen.add(label)
            (findings / f"{label}{harness.ending}").write_bytes(content)
            (findings / f"{label}.txt").write_text(found + "\n", encoding="utf-8")

    def mutator(content: bytes, largest: int, seed: int) -> bytes:
        made = changed(
            content, harness.packed, lambda b: atheris.Mutate(b, max(len(b) * 2, 64)), Random(seed)
        )
        return made if len(made) <= largest else content

    atheris.Setup([sys.argv[0], *options], one, custom_mutator=mutator)
    atheris.Fuzz()


def _label(found: str) -> str:
    return (
        re.sub(r"[^A-Za-z]+", "-", found)[:60]
        + "-"
        + hashlib.sha256(found.encode()).hexdigest()[:6]
    )


def fuzzed(name: str, seconds: int, work: Path = WORK) -> dict[str, int]:
    """Fuzz a reader and return seconds of the processor, executions and findings of this run."""
    home = work / name
    corpus, findings = home / "corpus", home / "findings"
    for folder in (corpus, findings):
        folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as made:
        for content in harnesses()[name].samples(Path(made)):
            (corpus / hashlib.sha256(content).hexdigest()[:16]).write_bytes(content)
    before = _found(findings)
    # A child's peak begins at its parent's, so whoever fuzzes from a large process takes nothing from the limit.
    inherited = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    spent = executions = 0
    while spent < seconds:
        options = [
            str(corpus),
            f"-max_total_time={seconds - spent}",
            f"-max_len={LARGEST}",
            f"-timeout={SECONDS}",
            f"-rss_limit_mb={MEGABYTES + inherited}",
            f"-artifact_prefix={findings}/",
            "-print_final_stats=1",
            "-verbosity=0",
        ]
        command = [sys.executable, __file__, "--child", name, *options]
        environment = {**os.environ, "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1"}
        log = home / "log.txt"
        before_it = _processor()
        with log.open("wb") as file:
            subprocess.run(
                command, stdout=file, stderr=subprocess.STDOUT, env=environment, check=False
            )
        spent += max(1, round(_processor() - before_it))
        told = log.read_text(encoding="utf-8", errors="replace")
        ran = re.search(r"number_of_executed_units:\s*(\d+)", told)
        executions += int(ran.group(1)) if ran else 0
        if not ran and "libFuzzer" not in told and not _found(findings) - before:
            raise SystemExit(f"{name} did not begin; see {log}")
    return {"seconds": spent, "executions": executions, "findings": len(_found(findings) - before)}


def _processor() -> float:
    """Return the seconds of the processor that runs took so far: other work on the machine does not count."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _found(findings: Path) -> set[str]:
    """Return the names of what was found; the text beside an input is no finding of its own."""
    return {p.stem for p in findings.iterdir() if not p.name.startswith("slow-unit")}


def kept(results: dict[str, dict[str, int]], name: str, run: dict[str, int]) -> None:
    """Add a run to what was run of a reader before."""
    before = results.get(name, {})
    results[name] = {key: before.get(key, 0) + value for key, value in run.items()}


def table(results: dict[str, dict[str, int]]) -> str:
    """Return what was run as a Markdown table."""
    lines = ["| reader | seconds | executions | findings |", "|---|---:|---:|---:|"]
    lines += [
        f"| {name} | {r['seconds']:,} | {r['executions']:,} | {r['findings']} |"
        for name, r in results.items()
    ]
    return "\n".join(lines)


def main() -> int:
    """Return 0 where nothing was found."""
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], sys.argv[3:])
        return 0
    parser = argparse.ArgumentParser(description="Coverage-guided fuzzing of every reader.")
    parser.add_argument("readers", nargs="*")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--forget", action="store_true", help="keep no figures of this run")
    parser.add_argument("--try", dest="file", type=Path)
    asked = parser.parse_args()
    known = harnesses()
    if unknown := set(asked.readers) - set(known):
        raise SystemExit(f"No reader {', '.join(sorted(unknown))}. Known: {', '.join(known)}.")
    if asked.list:
        print("\n".join(known))
        return 0
    if asked.file:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"fuzzed{known[asked.readers[0]].ending}"
            path.write_bytes(asked.file.read_bytes())
            known[asked.readers[0]].read(path)
        return 0
    results = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.exists() else {}
    found = 0
    if not asked.table:
        for name in asked.readers or list(known):
            run = fuzzed(name, asked.seconds)
            found += run["findings"]
            print(
                f"{name}: {run['executions']:,} in {run['seconds']} s, {run['findings']} found",
                flush=True,
            )
            kept(results, name, run)
            if not asked.forget:
                ordered = {n: results[n] for n in known if n in results}
                RESULT.write_text(json.dumps(ordered, indent=1) + "\n", encoding="utf-8")
    print(table({n: results[n] for n in known if n in results}))
    return int(found > 0)


if __name__ == "__main__":
    raise SystemExit(main())
