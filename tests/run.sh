#!/bin/bash
# run.sh [CTEST-OPTION...] - installs what is needed, builds with the sanitizers (and without, for the tests that promise a
# time), starts a real Kafka, Redis and schema registry, runs the tests and stops the servers. For some tests only:
# tests/run.sh -L unit, tests/run.sh -R integration/live. In the environment: LC_SIM_SECONDS, for how long clusters are
# simulated (60); LC_FAULTS_SECONDS, for how long real processes and servers are harmed (180).
set -euo pipefail
. "$(dirname "$0")/../deploy/lib.sh"
cd "$ROOT"

case ${1:-} in -h | --help)
    sed -n '2,/^set/s/^# //p' "$0"
    exit
    ;;
esac

deploy/install-deps.sh

# configure PRESET CMAKE-OPTION...
configure() {
    mkdir -p "build/$1"
    cmake --preset "$@" >"build/$1/configure.log" || { cat "build/$1/configure.log" && die "cmake failed"; }
}

say "building what is timed (build/release)"
configure release
cmake --build build/release --target leadclock raw-producer make-facts shifted-clock held-poll held-commit \
    held-exec late-topic
build=build/dev
say "building with sanitizers ($build)"
configure dev -DLC_SIM_SECONDS="${LC_SIM_SECONDS:-60}" -DLC_FAULTS_SECONDS="${LC_FAULTS_SECONDS:-180}" \
    -DLC_TIMED_BINARY="$ROOT/build/release/leadclock"
cmake --build "$build"

stack=$ROOT/$build/stack
# Also what a test that was killed left: its secured servers.
down() {
    local folder
    for folder in "$stack"/secured-stack-*/ "$stack"; do
        [ ! -d "$folder" ] || deploy/stack.sh down --dir "$folder"
    done
}
trap down EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
# A stack that an earlier run left there (it was killed, perhaps) has old data.
down
rm -rf "$stack"
deploy/stack.sh up --dir "$stack"
deploy/examples/fetch.sh || say "what the examples need could not be fetched: their tests are skipped"

# shellcheck disable=SC1091
. "$stack/stack.env"
export LC_TEST_BROKERS=$KAFKA_BROKERS LC_TEST_REDIS_URL=$REDIS_URL LC_TEST_REGISTRY_URL=$REGISTRY_URL
export LC_STACK_DIR=$stack
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
