#!/usr/bin/env bash
# Makes a Python environment with real Rasa 3.6.21, for tests that compare parley with it: DIR/bin/python.
#
#   scripts/rasa.sh DIR
#
# Rasa needs Python 3.8 to 3.10: PYTHON names it, or one of that version is found. It takes some 2 GB.
set -euo pipefail

dir=${1:?usage: scripts/rasa.sh DIR}

say() { echo "rasa: $*" >&2; }

# usable PYTHON: can it make a virtual environment, and is it of a version that Rasa works on?
usable() {
    "$1" - >/dev/null 2>&1 <<'PYTHON'
import ensurepip, sys, venv
sys.exit(not (3, 8) <= sys.version_info[:2] <= (3, 10))
PYTHON
}

find_python() {
    local candidate
    for candidate in "${PYTHON:-python3.10}" python3.10 "$HOME"/.pyenv/versions/3.10.*/bin/python python3.9 python3.8 python3; do
        if usable "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    command -v uv >/dev/null && uv python install --quiet 3.10 >&2 && uv python find 3.10
}

if ! python=$(find_python); then
    say "no Python from 3.8 to 3.10 was found, which is what Rasa 3.6 works on. Name one by PYTHON=, install uv or pyenv,"
    say "or give the Python of an environment that has Rasa by PARLEY_RASA_PYTHON="
    exit 1
fi
say "making $dir with $python ($("$python" -V)); this takes some minutes"
rm -rf "$dir"
"$python" -m venv "$dir"
pip() { "$dir/bin/python" -m pip install --quiet --disable-pip-version-check "$@"; }
# Rasa imports pkg_resources, which later versions of setuptools lack, and does not say so.
pip 'pip<25' 'setuptools<81' wheel
# PyMySQL is for its store in MariaDB.
pip rasa==3.6.21 'setuptools<81' 'PyMySQL<2'
"$dir/bin/python" -c 'import rasa.core.tracker_store' || { say "Rasa does not import"; exit 1; }
touch "$dir/.ready"
