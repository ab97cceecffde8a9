#!/bin/bash
# benches_start.sh - fails where the measuring part of a bench, which with_servers.sh starts, is no program.
set -euo pipefail
cd "$(dirname "$0")/../.."

failed=0 found=0
while read -r part; do
    found=$((found + 1))
    [ -x "$part" ] || { echo "$part can't be executed"; failed=1; }
done < <(grep -ohE 'with_servers\.sh" tests/bench/[a-z/_-]+\.py' tests/bench/*.sh | cut -d ' ' -f 2)
((found > 0)) || { echo "no bench was found"; failed=1; }
exit "$failed"
