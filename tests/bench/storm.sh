#!/bin/bash
# storm.sh [TIMERS] [--rounds N] [--workers N] [--tables all|none] [--against LEADCLOCK] - how long TIMERS timers (default
# one million) that fall due within one second take until the last breach is committed, while facts flow, and what that
# costs: `timely.py storm` with the release build, N times (default five) after one that warms the broker, by turns with
# the program --against where one is named (of another build folder, whose keys of the configuration are the same);
# medians. Kafka, Redis and the registry run on the same machine, and share its cores.
set -euo pipefail
here=$(dirname "$0")

timers=1000000 rounds=5 workers=2 tables=none against=
while (($#)); do
    case $1 in
    --rounds)
        rounds=$2
        shift
        ;;
    --workers)
        workers=$2
        shift
        ;;
    --tables)
        tables=$2
        shift
        ;;
    --against)
        against=$(realpath "$2")
        shift
        ;;
    [0-9]*) timers=$1 ;;
    *)
        echo "usage: tests/bench/storm.sh [TIMERS] [--rounds N] [--workers N] [--tables all|none] [--against LEADCLOCK]" >&2
        exit 2
        ;;
    esac
    shift
done
[[ $tables = all || $tables = none ]] || { echo "--tables: all or none" >&2; exit 2; }
exec "$here/with_servers.sh" tests/bench/storm.py "$timers" "$rounds" "$workers" "$tables" ${against:+"$against"}
