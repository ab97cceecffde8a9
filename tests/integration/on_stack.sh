#!/bin/bash
# on_stack.sh COMMAND [ARGUMENT...] - runs a test on the servers that ctest gives it: of those whose folders are in
# LC_STACKS the one that it names. Where it names none, on those that the environment names already.
set -euo pipefail

# "id:NAME,slots:1"
given=${CTEST_RESOURCE_GROUP_0_STACKS:-}
if [ -n "$given" ]; then
    name=${given#id:}
    # shellcheck disable=SC1091
    . "$LC_STACKS/${name%%,*}/stack.env"
    export LC_TEST_BROKERS=$KAFKA_BROKERS LC_TEST_REDIS_URL=$REDIS_URL LC_TEST_REGISTRY_URL=$REGISTRY_URL LC_STACK_DIR
elif [ -n "${LC_STACKS:-}" ]; then
    # Without servers it would be skipped, as if it had passed.
    echo "on_stack.sh: there are servers in $LC_STACKS, and ctest gives none of them" >&2
    exit 1
fi
exec "$@"
