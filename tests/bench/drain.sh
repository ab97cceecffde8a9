#!/bin/bash
# drain.sh [FACTS] [--workers N] [--cold] - how fast `leadclock run` works off a backlog, and what it costs: preloads FACTS facts
# (default one million: 60 % created, 35 % contacted, 5 % rejected; four partitions) and measures from the start of the
# process to zero lag. Kafka, Redis and the registry run on the same machine, and share its cores. --cold: the broker is
# not warmed up first by another drain.
set -euo pipefail
. "$(dirname "$0")/../../deploy/lib.sh"
cd "$ROOT"

facts=1000000 workers=2 cold=
while (($#)); do
    case $1 in
    --workers)
        workers=$2
        shift
        ;;
    --cold) cold=cold ;;
    [0-9]*) facts=$1 ;;
    *) die "usage: tests/bench/drain.sh [FACTS] [--workers N] [--cold]" ;;
    esac
    shift
done

build() { cmake --preset release && cmake --build build/release --target leadclock make-facts; }

folder=$(mktemp -d "${TMPDIR:-/tmp}/leadclock-drain.XXXXXX")
leave() {
    local status=$?
    trap - EXIT
    deploy/stack.sh down --dir "$folder/stack"
    if ((status)); then
        say "failed; the logs are in $folder"
    else
        rm -rf "$folder"
    fi
    exit "$status"
}
trap leave EXIT
trap 'exit 130' INT TERM

deploy/install-deps.sh
mkdir -p build
with_progress "building (build/release)" "$folder/build.log" build
deploy/stack.sh up --dir "$folder/stack"
set -a
# shellcheck disable=SC1091
. "$folder/stack/stack.env"
set +a
tests/bench/drain.py "$folder" build/release/leadclock "$facts" "$workers" $cold
