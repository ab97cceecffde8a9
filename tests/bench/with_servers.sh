#!/bin/bash
# with_servers.sh SCRIPT [ARGUMENT...] - builds build/release, starts a Kafka, a Redis and a registry on this machine, runs
# SCRIPT FOLDER LEADCLOCK ARGUMENT... with their addresses in the environment, and stops them. FOLDER is kept if it fails.
set -euo pipefail
. "$(dirname "$0")/../../deploy/lib.sh"
cd "$ROOT"

build() { cmake --preset release && cmake --build build/release --target leadclock make-facts send-facts raw-producer; }

script=$1
shift
folder=$(mktemp -d "${TMPDIR:-/tmp}/leadclock-bench.XXXXXX")
leave() {
    local status=$?
    trap - EXIT
    deploy/stack.sh down --dir "$folder/stack"
    if ((status)); then
        say "failed; the logs are in $folder"
    else
        rm -rf "$folder"
    fi
    exit "$status"
}
trap leave EXIT
trap 'exit 130' INT TERM

deploy/install-deps.sh
mkdir -p build
with_progress "building (build/release)" "$folder/build.log" build
deploy/stack.sh up --dir "$folder/stack"
set -a
# shellcheck disable=SC1091
. "$folder/stack/stack.env"
set +a
"$script" "$folder" build/release/leadclock "$@"
