"""A client made from the OpenAPI document by openapi-python-client: it is made without a fault, compiles and asks."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

READ = """
import json, sys
from twinmatch_client.api.cities import similar_cities
from twinmatch_client.models import Similar
print(*[city.id for city in Similar.from_dict(json.load(sys.stdin)).similar])
"""
GENERATOR = shutil.which("openapi-python-client")


def test_every_operation_reads_well_and_is_described(api):
    document = api.get("/openapi.json").json()
    names = []
    for path, item in document["paths"].items():
        for method, operation in item.items():
            names.append(operation["operationId"])
            assert operation["summary"], (method, path)
            assert operation["description"], (method, path)
            assert all(p["description"] for p in operation.get("parameters", ())), (method, path)
            for answer in operation["responses"].values():
                assert "X-Request-Id" in answer["headers"], (method, path)
    assert len(set(names)) == len(names) > 20
    assert all(
        path.startswith(("/v1/", "/healthz", "/readyz", "/metrics")) for path in document["paths"]
    )


@pytest.mark.skipif(not GENERATOR, reason="openapi-python-client is not installed: pip install it")
def test_a_client_is_generated_compiles_and_asks(api, tmp_path):
    document = tmp_path / "openapi.json"
    document.write_bytes(api.get("/openapi.json").content)
    made = tmp_path / "made"
    told = subprocess.run(
        [str(GENERATOR), "generate", "--path", str(document), "--output-path", str(made)],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    assert "Skipping" not in told.stdout.replace("Skipping Integration", "")
    compiled = [sys.executable, "-m", "compileall", "-q", str(made)]
    assert subprocess.run(compiled, check=False).returncode == 0
    answer = api.get("/v1/cities/be-leuven/similar?k=3")
    # The generator's own Python has what its clients import.
    python = Path(str(GENERATOR)).with_name("python")
    read = subprocess.run(
        [str(python), "-c", READ], input=answer.content, cwd=made, capture_output=True, check=False
    )
    assert read.returncode == 0, read.stderr.decode()
    assert read.stdout.decode().split() == [city["id"] for city in answer.json()["similar"]]
