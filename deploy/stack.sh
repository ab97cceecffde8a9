#!/bin/bash
# stack.sh - a real Kafka (KRaft, one node), Redis and schema registry (Apicurio) on free loopback ports; --secure: with TLS,
# logins and ACLs.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

KAFKA_VERSION=4.1.1
SCALA_VERSION=2.13
APICURIO_VERSION=3.0.9
SERVERS=(kafka redis registry)

usage() {
    cat <<TEXT
Usage: deploy/stack.sh COMMAND [--dir DIR]

  up                 starts Kafka $KAFKA_VERSION, Redis and Apicurio registry $APICURIO_VERSION where they don't run yet, returns
                     when all answer, and writes DIR/stack.env (KAFKA_BROKERS, REDIS_URL, REGISTRY_URL, ...)
  up --secure        the same as a careful company has them: a CA with an intermediate; Kafka lets in by password over TLS
                     (PLAIN, SCRAM-SHA-512) or by client certificate, and denies what was not allowed; Redis has a user
                     for each role, also by TLS; the registry stands behind TLS and a login. Each role of Leadclock gets
                     just what 'leadclock topics --acls' prints, and DIR/roles/ROLE.yaml and ROLE.env to come in by. What
                     was begun so stays so. Needs a leadclock: one that was built here, or LC_BINARY
  acls FILE          of a secured one: does what 'leadclock topics --acls' prints for the configuration FILE
  down               stops exactly these
  status             tells which run and answer (exit code 1 if not all do)
  env                prints DIR/stack.env
  download           only fetches the jars into the cache
  start|stop|kill|restart SERVER
                     one of ${SERVERS[*]}, on its port and with its data (kill is kill -9)
  pid SERVER         its process id

DIR keeps the data, logs and process ids; default: $ROOT/build/stack. Redis keeps nothing on disk: it comes back empty
(or with DIR/redis/dump.rdb where somebody made it SAVE). What DIR/kafka/more.server.properties and more.log4j.properties
have is added to Kafka's settings when it starts. Jars are kept in $CACHE.
TEXT
}

# ---- The jars ----

kafka_jars=$CACHE/kafka-$KAFKA_VERSION
registry_jars=$CACHE/apicurio-$APICURIO_VERSION

write_kafka_pom() {
    cat >"$1" <<XML
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>leadclock</groupId><artifactId>kafka-server</artifactId><version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_$SCALA_VERSION</artifactId><version>$KAFKA_VERSION</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId><artifactId>slf4j-reload4j</artifactId><version>1.7.36</version>
    </dependency>
  </dependencies>
</project>
XML
}

download_kafka() {
    [ -e "$kafka_jars/complete" ] && return
    rm -rf "$kafka_jars" && mkdir -p "$kafka_jars"
    write_kafka_pom "$kafka_jars/pom.xml"
    maven "$kafka_jars/maven.log" "downloading Kafka $KAFKA_VERSION (about 100 MB, once)" -f "$kafka_jars/pom.xml" \
        "$MAVEN_DEPENDENCY:copy-dependencies" -DoutputDirectory="$kafka_jars/libs"
    touch "$kafka_jars/complete"
}

download_registry() {
    [ -e "$registry_jars/complete" ] && return
    rm -rf "$registry_jars" && mkdir -p "$registry_jars/app"
    maven "$registry_jars/maven.log" "downloading Apicurio registry $APICURIO_VERSION (about 110 MB, once)" \
        "$MAVEN_DEPENDENCY:copy" -Dartifact="io.apicurio:apicurio-registry-app:$APICURIO_VERSION:tar.gz:all" \
        -DoutputDirectory="$registry_jars"
    tar -xzf "$registry_jars"/*.tar.gz -C "$registry_jars/app"
    rm -f "$registry_jars"/*.tar.gz
    touch "$registry_jars/complete"
}

download() {
    mkdir -p "$CACHE"
    (
        flock 9
        download_kafka
        download_registry
    ) 9>"$CACHE/lock"
}

# ---- Settings ----

choose_ports() {
    [ -e "$DIR/ports" ] || free_ports 4 >"$DIR/ports"
    read -r kafka_port controller_port redis_port registry_port <"$DIR/ports"
}

# Made for tests: short waits, few partitions for the broker's own topics, small segments so that compaction has
# something to do, nothing made by accident.
write_kafka_settings() {
    cat >"$DIR/kafka/server.properties" <<TEXT
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller_port
listeners=PLAINTEXT://127.0.0.1:$kafka_port,CONTROLLER://127.0.0.1:$controller_port
advertised.listeners=PLAINTEXT://127.0.0.1:$kafka_port
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$DIR/kafka/data
auto.create.topics.enable=false
num.partitions=4
offsets.topic.num.partitions=5
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=5
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
controlled.shutdown.enable=false
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
log.retention.hours=-1
log.segment.bytes=134217728
log.cleaner.dedupe.buffer.size=33554432
log.cleaner.threads=1
num.network.threads=3
num.io.threads=4
log.message.timestamp.before.max.ms=9223372036854775807
log.message.timestamp.after.max.ms=9223372036854775807
TEXT
    cat >"$DIR/kafka/log4j.properties" <<TEXT
log4j.rootLogger=WARN, stdout
log4j.appender.stdout=org.apache.log4j.ConsoleAppender
log4j.appender.stdout.layout=org.apache.log4j.PatternLayout
log4j.appender.stdout.layout.ConversionPattern=%d{ISO8601} %p %m (%c)%n
log4j.logger.kafka.server.KafkaRaftServer=INFO
TEXT
}

# Words for the storage tool, a line each.
format_options() { :; }

format_kafka() {
    [ -e "$DIR/kafka/data/meta.properties" ] && return
    local id options
    mapfile -t options < <(format_options)
    id=$(python3 -c 'import base64, uuid; print(base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "A"))')
    java -Dlog4j.configuration="file:$DIR/kafka/log4j.properties" -XX:TieredStopAtLevel=1 -cp "$kafka_jars/libs/*" \
        kafka.tools.StorageTool format -t "$id" -c "$DIR/kafka/server.properties" "${options[@]}" >"$DIR/kafka/format.log" 2>&1 ||
        die "formatting failed: $(tail -n 3 "$DIR/kafka/format.log")"
}

plain_env() {
    echo "KAFKA_BROKERS=127.0.0.1:$kafka_port"
    echo "REDIS_URL=redis://127.0.0.1:$redis_port/0"
    echo "REGISTRY_URL=http://127.0.0.1:$registry_port/apis/ccompat/v7"
    echo "REDIS_PORT=$redis_port"
}

write_env() {
    {
        if is_secure; then secure_env; else plain_env; fi
        local server
        for server in "${SERVERS[@]}"; do
            echo "${server^^}_PID=$(cut -d ' ' -f 1 "$DIR/$server.pid" 2>/dev/null || true)"
        done
        echo "LC_STACK_DIR=$DIR"
    } >"$DIR/stack.env.new"
    mv "$DIR/stack.env.new" "$DIR/stack.env"
}

# ---- Servers ----

# What somebody adds to ours.
add_settings() {
    local name
    for name in server log4j; do
        [ ! -e "$DIR/kafka/more.$name.properties" ] || cat "$DIR/kafka/more.$name.properties" >>"$DIR/kafka/$name.properties"
    done
}

start_kafka() {
    write_kafka_settings
    add_settings
    format_kafka
    start_process "$DIR/kafka.pid" "$DIR/kafka/kafka.log" java -Xms256m -Xmx1g -XX:+UseG1GC \
        -Djava.awt.headless=true -Dlog4j.configuration="file:$DIR/kafka/log4j.properties" \
        -cp "$kafka_jars/libs/*" kafka.Kafka "$DIR/kafka/server.properties"
}

start_redis() {
    start_process "$DIR/redis.pid" "$DIR/redis/redis.log" redis-server --bind 127.0.0.1 --port "$redis_port" \
        --dir "$DIR/redis" --save '' --appendonly no --maxmemory-policy noeviction --daemonize no
}

# On disk, because the schema ids in Kafka must outlive a restart of the registry.
start_registry() {
    start_process "$DIR/registry.pid" "$DIR/registry/registry.log" java -Xmx384m -XX:TieredStopAtLevel=1 \
        -Dquarkus.http.host=127.0.0.1 -Dquarkus.http.port="$registry_port" -Dquarkus.log.level=WARN \
        -Dapicurio.storage.kind=sql -Dapicurio.storage.sql.kind=h2 \
        -Dapicurio.datasource.url="jdbc:h2:file:$DIR/registry/db" \
        -jar "$registry_jars/app/apicurio-registry-app-$APICURIO_VERSION-runner.jar"
}

kafka_answers() { timeout 5 kcat -b "127.0.0.1:$kafka_port" -L -m 3 && is_running "$DIR/kafka.pid"; }
redis_answers() { [ "$(timeout 5 redis-cli -h 127.0.0.1 -p "$redis_port" ping)" = PONG ] && is_running "$DIR/redis.pid"; }
registry_answers() {
    curl -fsS -m 5 "http://127.0.0.1:$registry_port/apis/ccompat/v7/subjects" && is_running "$DIR/registry.pid"
}

# answers_or_died SERVER: ends the wait too when the process is gone.
answers_or_died() { "$1_answers" || is_stopped "$DIR/$1.pid"; }

start_server() {
    is_running "$DIR/$1.pid" || "start_$1"
}

await_server() {
    wait_until 300 "waiting for $1 to answer" answers_or_died "$1" && is_running "$DIR/$1.pid" || {
        say "$1 does not run; the end of $DIR/$1/$1.log:"
        tail -n 30 "$DIR/$1/$1.log" >&2
        return 1
    }
}

# ---- Commands ----

prepare() {
    local server
    for server in "${SERVERS[@]}"; do
        mkdir -p "$DIR/$server"
    done
    choose_ports
}

all_run() {
    local server
    for server in "${SERVERS[@]}"; do
        is_running "$DIR/$server.pid" || return 1
    done
}

up() {
    download
    all_run || say "starting Kafka $KAFKA_VERSION, Redis and Apicurio registry $APICURIO_VERSION in $DIR"
    local server
    for server in registry "${SERVERS[@]/registry/}"; do
        [ -z "$server" ] || start_server "$server"
    done
    for server in "${SERVERS[@]}"; do
        await_server "$server"
    done
    write_env
}

down() {
    local server
    for server in "${SERVERS[@]}"; do
        stop_process "$DIR/$server.pid"
    done
    rm -f "$DIR/stack.env"
}

status() {
    local server state result=0
    for server in "${SERVERS[@]}"; do
        if ! is_running "$DIR/$server.pid"; then
            state="stopped" result=1
        elif "${server}_answers" >/dev/null 2>&1; then
            state="answers (process $(cut -d ' ' -f 1 "$DIR/$server.pid"))"
        else
            state="runs, but does not answer (process $(cut -d ' ' -f 1 "$DIR/$server.pid"))" result=1
        fi
        printf '%-9s %s\n' "$server" "$state"
    done
    [ ! -e "$DIR/stack.env" ] || cat "$DIR/stack.env"
    return "$result"
}

one_server() {
    local command=$1 server=${2:-}
    [[ " ${SERVERS[*]} " == *" $server "* && -n $server ]] || die "$command what? one of: ${SERVERS[*]}"
    case $command in
    start | restart)
        [ "$command" = start ] || stop_process "$DIR/$server.pid"
        start_server "$server"
        await_server "$server"
        write_env
        ;;
    stop) stop_process "$DIR/$server.pid" ;;
    kill) stop_process "$DIR/$server.pid" KILL ;;
    pid) is_running "$DIR/$server.pid" && cut -d ' ' -f 1 "$DIR/$server.pid" ;;
    esac
}

is_secure() { [ -e "$DIR/secure" ]; }

DIR=$ROOT/build/stack
secure=
arguments=()
while (($#)); do
    case $1 in
    --dir)
        [ $# -ge 2 ] || die "--dir needs a folder"
        DIR=$2
        shift
        ;;
    --dir=*) DIR=${1#--dir=} ;;
    --secure) secure=yes ;;
    -h | --help)
        usage
        exit
        ;;
    *) arguments+=("$1") ;;
    esac
    shift
done
set -- "${arguments[@]}"
command=${1:-}
mkdir -p "$DIR" && DIR=$(cd "$DIR" && pwd)

[ -z "$secure" ] || [ "$command" = up ] || die "--secure goes with up; the others see what was begun"
if [ -n "$secure" ] && ! is_secure; then
    [ ! -e "$DIR/ports" ] || die "$DIR has servers that are not secured; take another --dir"
    touch "$DIR/secure"
fi
# shellcheck source=deploy/secure/secure.sh
! is_secure || . "$ROOT/deploy/secure/secure.sh"

case $command in
acls) is_secure && [ -n "${2:-}" ] || die "acls FILE, of servers that were begun with up --secure" ;;&
acls | up | down | status | start | stop | kill | restart | pid | env) prepare ;;
download) ;;
*)
    usage >&2
    exit 2
    ;;
esac

# One command at a time on a folder.
exec 9>"$DIR/lock"
flock 9
case $command in
env) cat "$DIR/stack.env" ;;
acls) apply_acls "$2" ;;
up) if is_secure; then up_secure; else up; fi ;;
start | stop | kill | restart | pid) one_server "$@" ;;
*) "$command" ;;
esac
