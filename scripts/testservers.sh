#!/usr/bin/env bash
# Installs the servers that tests start (Redis, PostgreSQL, MariaDB, RabbitMQ) and makes the class path of those that
# run in Java (Kafka, DynamoDB Local, mongo-java-server): DIR/classpath and what is compiled beside it.
#
#   scripts/testservers.sh DIR
#
# What is there already is left alone. No service is started: tests start their own, on free ports.
set -euo pipefail

dir=${1:?usage: scripts/testservers.sh DIR}
java=$(cd "$(dirname "$0")/../internal/testservers/java" && pwd)

say() { echo "testservers: $*" >&2; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# found PROGRAM [GLOB...]: is it a command or one of the files?
found() {
    command -v "$1" >/dev/null && return
    local file
    for file in "${@:2}"; do
        [ -x "$file" ] && return
    done
    return 1
}

missing() {
    found redis-server || echo redis-server
    found redis-sentinel || echo redis-sentinel
    found initdb /usr/lib/postgresql/*/bin/initdb || echo postgresql
    found mariadbd /usr/sbin/mariadbd || echo mariadb-server
    found rabbitmq-server /usr/lib/rabbitmq/bin/rabbitmq-server || echo rabbitmq-server
    found javac || echo default-jdk-headless
    found mvn || echo maven
}

# install PACKAGE...: with no service started, as in images of containers.
install() {
    if ! command -v apt-get >/dev/null; then
        say "missing: $*. Install them (names as in Debian) and try again"
        exit 1
    fi
    say "installing $* with apt-get"
    local policy=/usr/sbin/policy-rc.d own=
    if [ ! -e "$policy" ]; then
        own=1
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
    fi
    local status=0
    as_root apt-get update -qq || status=$?
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2 || status=$?
    if [ -n "$own" ]; then as_root rm -f "$policy"; fi
    return $status
}

# current HASH: is the class path made from these files, and are its jars still there?
current() {
    [ -f "$dir/classpath" ] && [ "$(cat "$dir/hash" 2>/dev/null)" = "$1" ] || return 1
    local part parts
    IFS=: read -ra parts <"$dir/classpath"
    for part in "${parts[@]}"; do
        [ -e "$part" ] || return 1
    done
}

packages=$(missing)
# shellcheck disable=SC2086 # one word a package
if [ -n "$packages" ]; then install $packages; fi

hash=$(cat "$java/pom.xml" "$java"/*.java "$0" | sha256sum | cut -d' ' -f1)
if current "$hash"; then exit; fi

say "resolving and compiling the servers that run in Java"
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
rm -rf "$dir/hash" "$dir/classpath" "$dir/classes"
mvn -q -B -Dstyle.color=never -f "$java/pom.xml" dependency:build-classpath -Dmdep.outputFile="$dir/jars" >&2
javac -proc:none -cp "$(cat "$dir/jars")" -d "$dir/classes" "$java"/*.java
printf '%s:%s' "$dir/classes" "$(cat "$dir/jars")" >"$dir/classpath"
echo "$hash" >"$dir/hash"
