#!/usr/bin/env bash
# Runs every fuzz target of the module, one after another.
#
#   scripts/fuzz.sh TIME [NAME]     each target for TIME (Go's notation: 60s); only those whose name contains NAME
set -euo pipefail
cd "$(dirname "$0")/.."

time=${1:?usage: scripts/fuzz.sh TIME [NAME]}
only=${2:-}
ran=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
while IFS=: read -r file name; do
    case $name in *"$only"*) ;; *) continue ;; esac
    echo "=== $name ($(dirname "$file"), $time)"
    if ! go test -run '^$' -fuzz "^$name\$" -fuzztime "$time" -fuzzminimizetime=5x "./$(dirname "$file")" 2>&1 | tee "$log"; then
        # Go takes an input that is still running when the time is over for a failure. A real one
        # leaves its input behind.
        if grep -q 'Failing input written to' "$log" || ! grep -q '^    context deadline exceeded$' "$log"; then
            exit 1
        fi
        echo "the time was over in the middle of an input: no failure"
    fi
    ran=$((ran + 1))
done < <(grep -rEo '^func Fuzz[A-Za-z0-9_]+' --include='*_test.go' cmd project component nlu dialogue actions stores channels lb \
    server standard internal conformance 2>/dev/null | sed 's/:func /:/' | sort)
echo "$ran fuzz targets ran, each for $time, none found a failure"
[ "$ran" -gt 0 ]
