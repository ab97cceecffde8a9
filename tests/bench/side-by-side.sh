#!/bin/bash
# side-by-side.sh [FACTS] [--rounds N] [--workers N] [--sides LIST] [--set KEY=VALUE]... [--write-readme] - Leadclock and the
# much the same job on Kafka Streams (side-by-side/: exactly once, RocksDB or in memory, transactional stores or plain ones) work off
# the same backlog by turns on the same servers; prints medians, and how many times better the first side is. The job leaves
# out reassigning, cooldown, repeated hand-offs, duplicates, corrections, settlements and ends of breaches; neither writes
# tables. Defaults: a million facts, three rounds. --set gives Streams another setting, --write-readme writes the README's
# table.
# side-by-side.sh --check [FACTS] [--sides LIST] - ends with 1 where breaches, clawbacks, routes or counters that they make
# of one feed (20000 facts) are not the same, and those of a backtest.
set -euo pipefail
. "$(dirname "$0")/../../deploy/lib.sh"

case " $* " in *" -h "* | *" --help "*) exec python3 -B "$ROOT/tests/bench/side-by-side/compare.py" --only-options --help ;; esac
python3 -B "$ROOT/tests/bench/side-by-side/compare.py" --only-options "$@"
"$ROOT/deploy/install-deps.sh"
mkdir -p "$ROOT/build"
maven "$ROOT/build/side-by-side.log" "building the job on Kafka Streams (about 70 MB of jars, once)" \
    -f "$ROOT/tests/bench/side-by-side/pom.xml" -q package
exec "$ROOT/tests/bench/with_servers.sh" tests/bench/side-by-side/compare.py "$@"
