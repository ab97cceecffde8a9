#!/bin/bash
# dashboard.sh [CYCLES] - what `leadclock dashboard` takes to read its tables from Kafka: CYCLES cycles (default one
# million) of the last 80 days are judged by `leadclock run`, which publishes their rows; then the dashboard is started,
# and measured: until it has read to the end, until its first page (which says how far it is), CPU seconds, peak memory
# then and after every page was made. Exit code 1: more than 500 MiB, and of fewer cycles in proportion beyond 60. Kafka
# runs on the same machine, and shares its cores.
set -euo pipefail
here=$(dirname "$0")

cycles=1000000
while (($#)); do
    case $1 in
    [0-9]*) cycles=$1 ;;
    *)
        echo "usage: tests/bench/dashboard.sh [CYCLES]" >&2
        exit 2
        ;;
    esac
    shift
done
exec "$here/with_servers.sh" tests/bench/dashboard.py "$cycles"
