#!/bin/bash
# publish.sh - Publish.java with its jars; facts on standard input.
set -euo pipefail
. "$(dirname "$0")/../../lib.sh"
"$ROOT/deploy/examples/fetch.sh" publish-java
SCHEMAS=$ROOT/schemas exec java -XX:TieredStopAtLevel=1 -cp "$CACHE/examples/publish-java/libs/*" \
    "$ROOT/deploy/examples/publish-java/Publish.java"
