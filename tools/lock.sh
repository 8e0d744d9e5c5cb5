#!/usr/bin/env bash
# Lock what is installed, by name, version and hash: tools/lock.sh
#
# requirements/service.txt  the service and the command line, for production: every file by its hashes
# requirements/lock.txt     the same with all extras and the tools of development, for CI
# requirements/minimal.txt  the oldest versions that pyproject.toml promises to work with, for `make minimal`
#
# PyTorch is in none of them: its builds differ by machine and its index; the README says how to install it.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=${UV:-uv}

extras() { for name in "$@"; do printf -- '--extra %s ' "$name"; done; }
# shellcheck disable=SC2046  # one word for each extra is what is wanted
compile() {
  local out=$1; shift
  "$uv" pip compile pyproject.toml --universal --python-version 3.11 --quiet --no-emit-index-url \
    --custom-compile-command "make lock" --output-file "$out" "$@"
}
upgrade=${UPGRADE:+--upgrade}
compile requirements/service.txt --generate-hashes $upgrade $(extras web postgres)
compile requirements/lock.txt --generate-hashes $upgrade \
  $(extras analysis store mcp web postgres parquet fast word pdf cluster multilingual notebook docs dev supply)
compile requirements/minimal.txt --resolution lowest-direct --upgrade $(extras web postgres parquet word cluster analysis)
