#!/bin/bash
# run.sh - installs what is needed, builds with the sanitizers, starts a real Kafka, Redis and schema registry, runs the
# tests and stops the servers. Arguments go to ctest: tests/run.sh -L unit, tests/run.sh -R integration/live
set -euo pipefail
. "$(dirname "$0")/../deploy/lib.sh"
cd "$ROOT"

deploy/install-deps.sh

build=build/dev
mkdir -p "$build"
say "building with sanitizers ($build)"
cmake --preset dev -DLC_SIM_SECONDS="${LC_SIM_SECONDS:-60}" >"$build/configure.log" || { cat "$build/configure.log" && die "cmake failed"; }
cmake --build "$build"

stack=$ROOT/$build/stack
down() { deploy/stack.sh down --dir "$stack"; }
trap down EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
# A stack that an earlier run left there (it was killed, perhaps) has old data.
down
rm -rf "$stack"
deploy/stack.sh up --dir "$stack"

# shellcheck disable=SC1091
. "$stack/stack.env"
export LC_TEST_BROKERS=$KAFKA_BROKERS LC_TEST_REDIS_URL=$REDIS_URL LC_TEST_REGISTRY_URL=$REGISTRY_URL
export LC_STACK_DIR=$stack LC_BINARY=$ROOT/$build/leadclock
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1} UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}

# In the background, so that a signal ends it at once.
ctest --test-dir "$build" --output-on-failure "$@" &
ctest=$!
stop_ctest() {
    pkill -TERM -P "$ctest" || true
    kill -TERM "$ctest"
    exit "$1"
}
trap 'stop_ctest 130' INT
trap 'stop_ctest 143' TERM
wait "$ctest"
