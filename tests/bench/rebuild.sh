#!/bin/bash
# rebuild.sh [LEADS] [--workers N] - how fast an emptied Redis is made anew from the changelogs, and what it costs: by
# `leadclock rebuild`, and by `leadclock run` after a FLUSHALL; and how fast Redis alone takes the same commands. LEADS
# leads (default one million) of one fact each, four partitions. Kafka, Redis and the registry run on the same machine,
# and share its cores.
set -euo pipefail
here=$(dirname "$0")

leads=1000000 workers=2
while (($#)); do
    case $1 in
    --workers)
        workers=$2
        shift
        ;;
    [0-9]*) leads=$1 ;;
    *)
        echo "usage: tests/bench/rebuild.sh [LEADS] [--workers N]" >&2
        exit 2
        ;;
    esac
    shift
done
exec "$here/with_servers.sh" tests/bench/rebuild.py "$leads" "$workers"
