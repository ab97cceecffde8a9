#!/bin/bash
# side-by-side.sh [FACTS] [--rounds N] [--workers N] [--sides LIST] - Leadclock and a simpler job on Kafka Streams 4.4.0
# (side-by-side/: exactly once, RocksDB and in memory, transactional stores; promises, clawbacks, routes and counters, but no
# reassigning, cooldown, repeated hand-offs, duplicates or corrections; neither writes tables) work off the same backlog by
# turns on the same servers; prints medians and how many times as much the others take. What the two publish is not
# compared. Defaults: a million facts, three rounds.
set -euo pipefail
. "$(dirname "$0")/../../deploy/lib.sh"

facts=1000000 rounds=3 workers=2 sides=leadclock,streams-rocksdb,streams-memory
while (($#)); do
    case $1 in
    --rounds | --workers | --sides)
        [ $# -ge 2 ] || die "$1 needs a value"
        printf -v "${1#--}" %s "$2"
        shift
        ;;
    [0-9]*) facts=$1 ;;
    *)
        echo "usage: tests/bench/side-by-side.sh [FACTS] [--rounds N] [--workers N] [--sides LIST]" >&2
        exit 2
        ;;
    esac
    shift
done
"$ROOT/deploy/install-deps.sh"
mkdir -p "$ROOT/build"
maven "$ROOT/build/side-by-side.log" "building the job on Kafka Streams (about 70 MB of jars, once)" \
    -f "$ROOT/tests/bench/side-by-side/pom.xml" -q package
exec "$ROOT/tests/bench/with_servers.sh" tests/bench/side-by-side/compare.py "$facts" "$rounds" "$workers" ${sides//,/ }
