#!/usr/bin/env bash
# Make the same round in every version of Python that twinmatch is for, and compare the bytes:
#   tools/pythons.sh            Python 3.11 to 3.14, as far as they are installed (pyenv's are found too)
# Each gets a virtual environment of its own in build/pythons/ with the core of twinmatch from this checkout.
# Ends with 1 where two differ, and with 69 where a version is not to be had, which is said loudly.
set -euo pipefail
cd "$(dirname "$0")/.."

pythons=() missing=() same=()
for version in 3.11 3.12 3.13 3.14; do
  found=$(command -v "python$version" || true)
  if [ -n "$found" ] && "$found" -c 'pass' 2>/dev/null; then :; else
    found=$(ls -d ~/.pyenv/versions/"$version".*/bin/python 2>/dev/null | sort -V | tail -n 1 || true)
  fi
  if [ -z "$found" ]; then missing+=("$version"); continue; fi
  place=build/pythons/$version
  [ -x "$place/bin/python" ] || "$found" -m venv "$place"
  # A proposal tells which numpy and scipy made it: all get those of the first, or their bytes rightly differ.
  "$place/bin/pip" install --quiet -e . ${same[@]+"${same[@]}"}
  [ ${#same[@]} -gt 0 ] || mapfile -t same < <("$place/bin/pip" list --format=freeze | grep -E '^(numpy|scipy)==')
  pythons+=(--python "$PWD/$place/bin/python")
done

[ ${#missing[@]} -eq 0 ] || echo "NOT CHECKED, because it is not installed: Python ${missing[*]}" >&2
[ ${#pythons[@]} -gt 2 ] || { echo "NOTHING COMPARED: one version of Python is not two" >&2; exit 69; }
"${pythons[1]}" benchmarks/determinism.py --runs 2 --out benchmarks/results/pythons.json "${pythons[@]}"
[ ${#missing[@]} -eq 0 ] || exit 69
