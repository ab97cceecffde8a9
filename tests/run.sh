#!/bin/bash
# run.sh [CTEST-OPTION...] - installs what is needed, builds with the sanitizers (and without, for the tests that promise a
# time), starts real servers, runs the tests and stops the servers. For some tests only: tests/run.sh -L unit,
# tests/run.sh -R integration/live. In the environment: LC_STACKS_AT_ONCE, how many tests run at once, each with a Kafka,
# Redis and schema registry of its own (2; 0: none that needs them; what promises a time runs alone); LC_SIM_SECONDS, for
# how long clusters are simulated (60); LC_FAULTS_SECONDS, for how long real processes and servers are harmed (180).
set -euo pipefail
. "$(dirname "$0")/../deploy/lib.sh"
cd "$ROOT"

case ${1:-} in -h | --help)
    sed -n '2,/^set/s/^# //p' "$0"
    exit
    ;;
esac

n_stacks=${LC_STACKS_AT_ONCE:-2}
[[ $n_stacks =~ ^[0-9]$ ]] || die "LC_STACKS_AT_ONCE must be a number from 0 to 9, and is \"$n_stacks\""

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

stacks=$ROOT/$build/stacks
# Also what a test that was killed left: its secured servers.
down() {
    local folder
    for folder in "$stacks"/*/secured-stack-*/ "$stacks"/*/; do
        [ ! -d "$folder" ] || deploy/stack.sh down --dir "$folder"
    done
}
trap down EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
# Stacks that an earlier run left there (it was killed, perhaps) have old data.
down
rm -rf "$stacks"
mkdir -p "$stacks"
list=
for ((i = 0; i < n_stacks; i++)); do
    deploy/stack.sh up --dir "$stacks/$i"
    list+="${list:+, }{\"id\": \"$i\", \"slots\": 1}"
done
echo "{\"version\": {\"major\": 1, \"minor\": 0}, \"local\": [{\"stacks\": [$list]}]}" >"$stacks/resources.json"
deploy/examples/fetch.sh || say "what the examples need could not be fetched: their tests are skipped"

export LC_STACKS=$stacks
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1} UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}

# In the background, so that a signal ends it at once.
ctest --test-dir "$build" --output-on-failure --resource-spec-file "$stacks/resources.json" \
    -j "$((n_stacks > 1 ? n_stacks : 1))" "$@" &
ctest=$!
stop_ctest() {
    pkill -TERM -P "$ctest" || true
    kill -TERM "$ctest"
    exit "$1"
}
trap 'stop_ctest 130' INT
trap 'stop_ctest 143' TERM
wait "$ctest"
