"""Clients made from the OpenAPI document by openapi-python-client and openapi-typescript: they compile, and ask.

The generators are no dependencies: tools/client_generators.sh installs them, as CI does, which sets
TWINMATCH_GENERATORS=required. Elsewhere a missing one leaves its test out, and says so.
"""

from __future__ import annotations

import os
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

ASK = """
import { readFileSync } from "node:fs";
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

const answered = async () => new Response(readFileSync(0), { headers: { "Content-Type": "application/json" } });
const client = createClient<paths>({ baseUrl: "http://localhost", fetch: answered });
const city = { path: { city: "be-leuven" }, query: { k: 3, other_country: true } };
const { data, error } = await client.GET("/v1/cities/{city}/similar", { params: city });
if (error) throw new Error(error.detail);
if (typeof data === "string" || "features" in data) throw new Error("JSON was asked for");
const found: components["schemas"]["SimilarCity"][] = data.similar;
console.log(found.map((one) => one.id).join(" "));
const body = { cities: ["be-leuven"], weights: { readiness: 3 } };
export const many = () => client.POST("/v1/similar", { body });
export async function all(): Promise<components["schemas"]["ProposalState"][]> {
  const found: components["schemas"]["ProposalState"][] = [];
  for (let cursor = "", begun = false; !begun || cursor; begun = true) {
    const page = await client.GET("/v1/proposals", { params: { query: { cursor, size: 100 } } });
    if (!page.data) throw new Error(page.error.detail);
    found.push(...page.data.proposals);
    cursor = page.data.next;
  }
  return found;
}
// @ts-expect-error: there is no such path
export const nowhere = () => client.GET("/v1/towns");
// @ts-expect-error: k is a number
export const worded = () => client.GET("/v1/cities/{city}/similar", { params: { ...city, query: { k: "three" } } });
"""

MADE = Path(__file__).resolve().parents[2] / "build/generators"
BOTH = os.pathsep.join([str(MADE / "node_modules/.bin"), str(MADE / "bin"), os.environ["PATH"]])


def tool(name):
    """Return the path of a generator; where it is missing the test is left out, or fails where it is required."""
    found = shutil.which(name, path=BOTH)
    if found is None:
        told = f"{name} is not installed: tools/client_generators.sh"
        if os.environ.get("TWINMATCH_GENERATORS") == "required":
            pytest.fail(told)
        pytest.skip(told)
    return found


def run(*command, **how):
    given = {"capture_output": True, "text": True, "timeout": 300, "check": False, **how}
    told = subprocess.run(command, env=os.environ | {"PATH": BOTH}, **given)
    assert told.returncode == 0, f"{told.stdout}\n{told.stderr}"
    return told.stdout


@pytest.fixture(scope="module")
def document(api, tmp_path_factory):
    path = tmp_path_factory.mktemp("clients") / "openapi.json"
    path.write_bytes(api.get("/openapi.json").content)
    return path


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
        if path.endswith("/decisions"):
            assert all(
                "ETag" in o["responses"][s]["headers"]
                for o, s in zip(item.values(), ("200", "201"), strict=True)
            )
    assert len(set(names)) == len(names) > 20
    assert all(
        path.startswith(("/v1/", "/healthz", "/readyz", "/metrics")) for path in document["paths"]
    )


def test_a_python_client_is_generated_compiles_and_asks(api, document, tmp_path):
    generator, made = tool("openapi-python-client"), tmp_path / "made"
    told = run(generator, "generate", "--path", str(document), "--output-path", str(made))
    assert "Skipping" not in told.replace("Skipping Integration", "")
    run(sys.executable, "-m", "compileall", "-q", str(made))
    answer = api.get("/v1/cities/be-leuven/similar?k=3")
    # The generator's own Python has what its clients import.
    python = Path(generator).with_name("python")
    read = run(str(python), "-c", READ, input=answer.text, cwd=made)
    assert read.split() == [city["id"] for city in answer.json()["similar"]]


def test_a_typescript_client_is_generated_compiles_strictly_and_asks(api, document):
    folder = document.parent
    made = ("--output", str(folder / "schema.ts"), "--default-non-nullable", "false")
    run(tool("openapi-typescript"), str(document), *made)
    (folder / "client.mts").write_text(ASK, encoding="utf-8")
    (folder / "node_modules").symlink_to(MADE / "node_modules", target_is_directory=True)
    flags = "--strict --skipLibCheck --module nodenext --target es2022 --types node"
    run(tool("tsc"), *flags.split(), "client.mts", cwd=folder)
    answer = api.get("/v1/cities/be-leuven/similar?k=3&other_country=true")
    read = run(tool("node"), "client.mjs", input=answer.text, cwd=folder)
    assert read.split() == [city["id"] for city in answer.json()["similar"]]


def test_redocly_finds_no_error(document):
    told = run(tool("redocly"), "lint", "--format", "json", str(document))
    assert '"errors":0' in told.replace(" ", "")


def test_hadolint_finds_nothing_in_the_recipe_of_the_container():
    assert run(tool("hadolint"), "--no-color", str(MADE.parents[1] / "Dockerfile")) == ""
