#!/bin/bash
# demo.sh [--keep] - Leadclock at work for a minute, on a real Kafka, Redis and schema registry.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

KEEP=no SECONDS_SHOWN=60
case ${1:-} in
"") ;;
--keep) KEEP=yes ;;
*)
    echo "Usage: deploy/demo.sh [--keep]" >&2
    echo "  --keep  leaves everything running afterwards, and says how to look around" >&2
    exit 2
    ;;
esac

cd "$ROOT"
folder=$(mktemp -d "${TMPDIR:-/tmp}/leadclock-demo.XXXXXX")
config=$folder/leadclock.yaml
read -r alertmanager_port metrics_port dashboard_port < <(free_ports 3 | xargs)
leadclock=$ROOT/build/release/leadclock

build() {
    cmake --preset release && cmake --build build/release --target leadclock
}

write_config() {
    # shellcheck disable=SC1091
    . "$folder/stack/stack.env"
    cp deploy/demo/policy.yaml "$folder/policy.yaml"
    cat >"$config" <<TEXT
name: leadclock-demo
workers: 2
kafka:
  brokers: $KAFKA_BROKERS
registry: {url: "$REGISTRY_URL"}
redis: {url: "$REDIS_URL"}
policy: policy.yaml
lateness: 0s
http: {listen: "127.0.0.1:$metrics_port"}
dashboard: {listen: "127.0.0.1:$dashboard_port", instances: ["http://127.0.0.1:$metrics_port"]}
alert: {listen: "", alertmanager: {urls: ["http://127.0.0.1:$alertmanager_port"], every: 2s}}
TEXT
}

start_alerting() {
    printf 'route: {receiver: nobody, group_wait: 1s}\nreceivers: [{name: nobody}]\n' >"$folder/alertmanager.yml"
    start_process "$folder/alertmanager.pid" "$folder/alertmanager.log" prometheus-alertmanager \
        --config.file="$folder/alertmanager.yml" --storage.path="$folder/alertmanager" \
        --web.listen-address="127.0.0.1:$alertmanager_port" --cluster.listen-address=
    start_process "$folder/alert.pid" "$folder/alert.log" "$leadclock" alert --config "$config"
}

# What Alertmanager shows, a line an alert.
show_alerts() {
    curl -fsS "http://127.0.0.1:$alertmanager_port/api/v2/alerts?active=true" | jq -r '
        if length == 0 then "  (none: every promise that was broken has ended by now)" else
            sort_by(.startsAt)[] | "  \(.labels.severity): \(.labels.clock), channel \(.labels.channel), rule \(.labels.rule)" +
                ", since \(.startsAt[11:19]): \(.annotations.summary // .annotations.description)" end'
}

stop_all() {
    stop_process "$folder/feed.pid"
    stop_process "$folder/watch.pid"
    stop_process "$folder/dashboard.pid"
    stop_process "$folder/alert.pid"
    stop_process "$folder/alertmanager.pid"
    stop_process "$folder/run.pid"
    deploy/stack.sh down --dir "$folder/stack"
}

leave() {
    local status=$?
    trap - EXIT
    if ((status)); then
        say "something went wrong; the logs are in $folder"
        stop_all
    elif [ "$KEEP" = no ]; then
        stop_all
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
write_config
"$leadclock" topics --config "$config" --create >"$folder/topics.log" 2>&1 || { cat "$folder/topics.log" >&2 && exit 1; }
"$leadclock" check --config "$config" >&2

say "starting leadclock (its log: $folder/run.log)"
start_process "$folder/run.pid" "$folder/run.log" "$leadclock" run --config "$config"
start_alerting
start_process "$folder/feed.pid" "$folder/feed.log" bash -c \
    '"$1" "$2" | "$3" publish --config "$4" -' feed deploy/demo/leads.py "$SECONDS_SHOWN" "$leadclock" "$config"

start_process "$folder/dashboard.pid" "$folder/dashboard.log" "$leadclock" dashboard --config "$config"

cat <<TEXT

The same in a browser, live: http://127.0.0.1:$dashboard_port

Leads come in from five channels, a few facts a second. Promises last seconds here (deploy/demo/policy.yaml): first
contact within 5 s (demo, quote) or 10 s, escalated where nobody calls then; the next owner gets a clock of their own, and
so does a prospect who asks again; a lead that asked to wait is paused. After 30 s without progress a lead goes back to
marketing. For $SECONDS_SHOWN s this is what comes in as pauses, and what leadclock publishes:

TEXT
"$leadclock" watch --config "$config" --from-beginning --pretty leads.paused leads.merged leads.breaches \
    leads.warnings leads.clawbacks leads.routed leads.settled leads.dead-letters &
watch=$!
echo "$watch $(process_start "$watch")" >"$folder/watch.pid"
sleep "$SECONDS_SHOWN"
stop_process "$folder/watch.pid"
is_running "$folder/run.pid" || { tail -n 20 "$folder/run.log" >&2 && die "leadclock ended by itself"; }

printf '\nWhat is broken now, as Alertmanager was told by leadclock alert:\n\n'
show_alerts

printf '\nWhat was counted, by channel (leads.counters):\n\n'
"$leadclock" watch --config "$config" --from-beginning --until-caught-up leads.counters | deploy/demo/by_channel.py

python=$CACHE/examples/python/bin/python
if [ -x "$python" ]; then
    cat <<TEXT

The same from the rows (leads.tables.*), read into DuckDB and asked in SQL (deploy/examples/duckdb). Leads that were erased
are counted above, and have no rows:

TEXT
    export KAFKA_BROKERS REGISTRY_URL
    "$python" deploy/examples/duckdb/load.py "$folder/leads.duckdb" >"$folder/load.log" 2>&1 ||
        { cat "$folder/load.log" >&2 && exit 1; }
    "$python" deploy/examples/duckdb/show.py "$folder/leads.duckdb" Conversion Response
else
    printf '\nSQL over the rows would follow here, but DuckDB is not installed: deploy/examples/fetch.sh python brings it.\n'
fi

if [ "$KEEP" = yes ]; then
    cat <<TEXT

Everything runs on, in $folder. To look around:

  leadclock=$leadclock config=$config
  \$leadclock watch --config \$config --from-beginning --pretty     # outcomes; again as JSON without --pretty
  \$leadclock inspect --config \$config lead-001                    # one lead: facts, outcomes, what runs
  \$leadclock topics --config \$config --lag                        # how far it has read
  deploy/demo/leads.py 60 | \$leadclock publish --config \$config - # more leads
  \$leadclock ingest --config \$config &                           # facts by HTTP; this sends one:
  curl -H 'Content-Type: application/json' http://127.0.0.1:9466/facts -d '{"type": "LeadCreated", "lead_id": "by-http",
    "event_id": "1", "channel": "demo", "occurred_at": "'"\$(date -u +%FT%TZ)"'"}'
  amtool --alertmanager.url http://127.0.0.1:$alertmanager_port alert # what is broken now
  \$leadclock worklist --config \$config                          # whom to call next, and why
  \$leadclock report --config \$config                            # what happened
  less $folder/run.log

The dashboard is at http://127.0.0.1:$dashboard_port. To stop it all:

  kill $(cat "$folder/run.pid" "$folder/dashboard.pid" "$folder/alert.pid" "$folder/alertmanager.pid" | cut -d ' ' -f 1 | xargs); deploy/stack.sh down --dir $folder/stack; rm -r $folder
TEXT
fi
