#!/bin/bash
# ingest.sh [FACTS] - what `leadclock ingest` takes, and what that costs: FACTS facts (default 500,000) in batches of 100
# over 16 connections, then a tenth of them one a request over 64. Kafka, the registry and the senders run on the same
# machine, and share its cores.
set -euo pipefail
exec "$(dirname "$0")/with_servers.sh" tests/bench/ingest.py "${1:-500000}"
