#!/bin/bash
# sample.sh LEADCLOCK FOLDER [--write] - docs/sample-report.txt and .html in FOLDER are what a report of the example
# full/feed says; --write makes them.
set -euo pipefail

leadclock=$1 root=$2 feed=$2/tests/examples/full/feed

for format in text html; do
    sample=$root/docs/sample-report.${format/text/txt}
    made=$("$leadclock" backtest --policy "$feed/policy.yaml" --until "$(cat "$feed/until")" --quiet --report \
        --format $format "$feed/events.jsonl")
    if [ "${3:-}" = --write ]; then
        printf '%s\n' "$made" >"$sample"
    elif ! diff <(printf '%s\n' "$made") "$sample"; then
        echo "$sample is not what is said now; tests/backtest/sample.sh LEADCLOCK FOLDER --write makes it anew"
        exit 1
    fi
done
