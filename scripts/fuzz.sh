#!/usr/bin/env bash
# Runs every fuzz target of the module, one after another.
#
#   scripts/fuzz.sh TIME [NAME]     each target for TIME (Go's notation: 60s); only those whose name contains NAME
set -euo pipefail
cd "$(dirname "$0")/.."

time=${1:?usage: scripts/fuzz.sh TIME [NAME]}
only=${2:-}
ran=0
while IFS=: read -r file name; do
    case $name in *"$only"*) ;; *) continue ;; esac
    echo "=== $name ($(dirname "$file"), $time)"
    go test -run '^$' -fuzz "^$name\$" -fuzztime "$time" -fuzzminimizetime 100x "./$(dirname "$file")"
    ran=$((ran + 1))
done < <(grep -rEo '^func Fuzz[A-Za-z0-9_]+' --include='*_test.go' cmd project component nlu dialogue actions stores channels lb \
    server standard internal conformance 2>/dev/null | sed 's/:func /:/' | sort)
echo "$ran fuzz targets ran, each for $time, none found a failure"
[ "$ran" -gt 0 ]
