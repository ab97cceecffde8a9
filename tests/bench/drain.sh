#!/bin/bash
# drain.sh [FACTS] [--workers N] [--tables all|none] [--cold] - how fast `leadclock run` works off a backlog, and what it costs: preloads FACTS facts
# (default one million: 60 % created, 35 % contacted, 5 % rejected; four partitions) and measures from the start of the
# process to zero lag. Kafka, Redis and the registry run on the same machine, and share its cores. --cold: the broker is
# not warmed up first by another drain.
set -euo pipefail
here=$(dirname "$0")

facts=1000000 workers=2 tables=all cold=
while (($#)); do
    case $1 in
    --workers)
        workers=$2
        shift
        ;;
    --tables)
        tables=$2
        shift
        ;;
    --cold) cold=cold ;;
    [0-9]*) facts=$1 ;;
    *)
        echo "usage: tests/bench/drain.sh [FACTS] [--workers N] [--tables all|none] [--cold]" >&2
        exit 2
        ;;
    esac
    shift
done
exec "$here/with_servers.sh" tests/bench/drain.py "$facts" "$workers" "$tables" $cold
