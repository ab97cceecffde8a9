#!/bin/bash
# screenshots.sh [FOLDER] - the dashboard's pages as pictures in FOLDER (default: docs/pictures), at 1440 and 360 pixels,
# of a year of invented leads (deploy/demo/year.py), by a headless Chromium on real servers.
# LC_STACK_DIR names servers that run (deploy/stack.sh up); otherwise they are started, and stopped at the end.
set -euo pipefail
. "$(dirname "$0")/../deploy/lib.sh"

pictures=${1:-$ROOT/docs/pictures}
leadclock=${LC_BINARY:-$ROOT/build/release/leadclock}
folder=$(mktemp -d "${TMPDIR:-/tmp}/leadclock-pictures.XXXXXX")
stack=${LC_STACK_DIR:-$folder/stack}
port=${LC_PORT:-9465}

command -v chromium >/dev/null || die "chromium is missing: apt-get install chromium"
[ -x "$leadclock" ] || die "$leadclock is missing: cmake --preset release && cmake --build build/release"

leave() {
    local status=$?
    trap - EXIT
    stop_process "$folder/dashboard.pid"
    stop_process "$folder/run.pid"
    [ -n "${LC_STACK_DIR:-}" ] || "$ROOT/deploy/stack.sh" down --dir "$stack"
    rm -rf "$folder"
    exit "$status"
}
trap leave EXIT
trap 'exit 130' INT TERM

write_config() {
    # shellcheck disable=SC1091
    . "$stack/stack.env"
    cp "$ROOT/deploy/demo/year.yaml" "$folder/policy.yaml"
    cat >"$folder/leadclock.yaml" <<TEXT
name: pictures-$$
kafka: {brokers: $KAFKA_BROKERS}
registry: {url: "$REGISTRY_URL"}
redis: {url: "$REDIS_URL"}
policy: policy.yaml
topics: {prefix: pictures-$$-}
lateness: 0s
http: {listen: 127.0.0.1:$((port + 1000))}
dashboard: {listen: 127.0.0.1:$port, days: 500, instances: ["http://127.0.0.1:$((port + 1000))"]}
TEXT
}

# All was judged, so nothing more will change.
is_settled() {
    "$leadclock" topics --config "$folder/leadclock.yaml" --lag | grep -q ' 0 behind' &&
        curl -fsS "http://127.0.0.1:$port/readyz" &&
        [ "$(curl -fsS "http://127.0.0.1:$port/api/" | jq '.due | length')" -gt 0 ]
}

# The page Service asks every five seconds.
was_asked() {
    curl -fsS "http://127.0.0.1:$port/api/service" |
        jq -e '[.instances[] | select(.ready == "ready" and .lag_records == 0)] | length > 0'
}

# picture NAME WIDTH HEIGHT PATH
picture() {
    chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$folder/chromium" \
        --screenshot="$pictures/$1.png" --window-size="$2,$3" \
        "http://127.0.0.1:$port$4" >"$folder/chromium.log" 2>&1 || die "$(cat "$folder/chromium.log")"
}

mkdir -p "$pictures"
[ -n "${LC_STACK_DIR:-}" ] || "$ROOT/deploy/stack.sh" up --dir "$stack"
write_config
"$leadclock" topics --config "$folder/leadclock.yaml" --create >"$folder/topics.log" 2>&1
start_process "$folder/run.pid" "$folder/run.log" "$leadclock" run --config "$folder/leadclock.yaml"
start_process "$folder/dashboard.pid" "$folder/dashboard.log" "$leadclock" dashboard --config "$folder/leadclock.yaml"
"$ROOT/deploy/demo/year.py" "${LC_LEADS:-3000}" | "$leadclock" publish --config "$folder/leadclock.yaml" -
wait_until 120 "the leads to be judged" is_settled
wait_until 60 "the page Service to know the instance" was_asked
lead=$(curl -fsS "http://127.0.0.1:$port/api/leads?cause=REJECTED" | jq -r '.leads[0].lead_id')
for page in now=/ worklist=/worklist promises=/promises channels=/channels routes=/routes service=/service \
    lead="/lead/$lead"; do
    picture "${page%%=*}" 1440 900 "${page#*=}"
    picture "${page%%=*}-phone" 360 740 "${page#*=}"
done
say "the pictures are in $pictures"
