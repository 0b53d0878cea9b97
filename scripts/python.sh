#!/usr/bin/env bash
# Makes the Python environment that tests and custom actions of the examples use: DIR/bin/python with rasa-sdk.
#
#   scripts/python.sh DIR
#
# Uses a Python that is there (3.8 to 3.13); installs one with apt-get or Homebrew only if none will do.
set -euo pipefail

dir=${1:?usage: scripts/python.sh DIR}
requirements=$(dirname "$0")/requirements.txt

say() { echo "python: $*" >&2; }

# usable PYTHON: can it make a virtual environment, and is it of a version that rasa-sdk 3.6 works on?
usable() {
    "$1" - >/dev/null 2>&1 <<'PYTHON'
import ensurepip, sys, venv
sys.exit(not (3, 8) <= sys.version_info[:2] <= (3, 13))
PYTHON
}

find_python() {
    local candidate
    for candidate in "${PYTHON:-python3}" python3 python3.10 python3.11 python3.12 python3.13 python3.9 /usr/bin/python3; do
        if usable "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install_python() {
    if command -v apt-get >/dev/null; then
        say "installing python3 and python3-venv with apt-get"
        as_root apt-get update -qq
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3 python3-venv >&2
    elif command -v brew >/dev/null; then
        say "installing python@3.12 with Homebrew"
        brew install --quiet python@3.12 >&2
    else
        say "no Python from 3.8 to 3.13 with the venv module was found; install one and try again"
        exit 1
    fi
}

python=$(find_python) || { install_python; python=$(find_python); }
say "making $dir with $python ($("$python" -V))"
rm -rf "$dir"
"$python" -m venv "$dir"
pip() { "$dir/bin/python" -m pip install --quiet --disable-pip-version-check "$@"; }
pip --requirement "$requirements"
# rasa-sdk 3.6.2 declares Python < 3.11, yet runs unchanged on 3.11 to 3.13, which is what Debian has.
pip --ignore-requires-python --no-deps rasa-sdk==3.6.2
"$dir/bin/python" -c 'import rasa_sdk.endpoint, yaml' || { say "rasa-sdk does not import"; exit 1; }
touch "$dir/.ready"
