#!/bin/bash
# backtest.sh [FACTS] - how fast `leadclock backtest` replays FACTS facts (default one million: 60 % created, 35 %
# contacted, 5 % rejected, over 30 days) on one core, and what memory it takes; then the same facts spread over ten
# years, where leads come and go, to show that memory follows the leads that are kept and not the facts that went by.
set -euo pipefail
cd "$(dirname "$0")/../.."

facts=${1:-1000000}
[[ $facts =~ ^[1-9][0-9]*$ ]] || { echo "usage: tests/bench/backtest.sh [FACTS]" >&2; exit 2; }

cmake --preset release > build.log 2>&1 && cmake --build build/release --target leadclock make-facts >> build.log 2>&1 ||
    { cat build.log >&2; rm -f build.log; exit 1; }
rm -f build.log
leadclock=build/release/leadclock
make_facts=build/release/tests/bench/make-facts
scratch=$(mktemp -d "${TMPDIR:-/tmp}/leadclock-bench.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

# measure WHAT EVENTS ARGUMENT...
measure() {
    local what=$1 events=$2
    shift 2
    taskset -c 0 /usr/bin/time -f "%e %U %S %M" -o "$scratch/time" \
        "$leadclock" backtest "$@" "$events" > "$scratch/outcomes"
    read -r wall user system peak < "$scratch/time"
    awk -v what="$what" -v facts="$(wc -l < "$events")" -v outcomes="$(wc -l < "$scratch/outcomes")" -v wall="$wall" \
        -v cpu="$(awk "BEGIN { print $user + $system }")" -v peak="$peak" 'BEGIN {
            printf "%-34s %9d facts %9d outcomes %7.2f s %8.0f facts/s (%.0f/s of CPU time) %6.0f MiB\n",
                what, facts, outcomes, wall, facts / wall, facts / cpu, peak / 1024 }'
}

"$make_facts" --count "$facts" > "$scratch/month"
"$make_facts" --count "$facts" --days 3650 > "$scratch/decade"
"$make_facts" --count "$((facts / 4))" --days 912.5 > "$scratch/quarter"

card=tests/examples/card/feed/policy.yaml full=tests/examples/full/feed/policy.yaml
measure "first contact and clawback" "$scratch/month" --policy "$card"
measure "  report alone" "$scratch/month" --policy "$card" --quiet --report
measure "the whole policy" "$scratch/month" --policy "$full"
measure "the whole policy, ten years" "$scratch/decade" --policy "$full"
measure "  the first quarter of as many" "$scratch/quarter" --policy "$full"
