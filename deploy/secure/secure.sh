# shellcheck shell=bash
# secure.sh - stack.sh's servers as a careful company has them. Sourced by stack.sh, whose functions it replaces.

ROLES=(service publisher ingest alert dashboard tools admin)
SERVERS=(kafka redis registry guard)
SECURE=$ROOT/deploy/secure
certificates=$DIR/certificates
tools_jars=$CACHE/tools-of-kafka-$KAFKA_VERSION

# The class of kafka-acls.sh; what it needs comes with the server.
download_tools() {
    [ -e "$tools_jars/complete" ] && return
    rm -rf "$tools_jars" && mkdir -p "$tools_jars"
    maven "$tools_jars/maven.log" "downloading kafka-acls.sh of Kafka $KAFKA_VERSION" "$MAVEN_DEPENDENCY:copy" \
        -Dartifact="org.apache.kafka:kafka-tools:$KAFKA_VERSION" -DoutputDirectory="$tools_jars"
    touch "$tools_jars/complete"
}

choose_ports() {
    [ -e "$DIR/ports" ] || free_ports 8 >"$DIR/ports"
    read -r kafka_port controller_port redis_port registry_port certificate_port inside_port redis_tls_port guard_port \
        <"$DIR/ports"
}

# ---- Secrets: a file each, for nobody else ----

make_secrets() {
    local name
    mkdir -p -m 700 "$DIR/secrets" "$certificates" "$DIR/roles"
    for name in "${ROLES[@]}" operator registry; do
        [ -s "$DIR/secrets/$name" ] || (umask 077 && openssl rand -hex 16 >"$DIR/secrets/$name")
    done
    certificates_hold || make_certificates
}

# All are made in one go, chain.pem last: whoever was interrupted makes them anew.
certificates_hold() {
    local name
    for name in root.pem broker.store chain.pem "${ROLES[@]/#/leadclock-}"; do
        [[ -s $certificates/$name || -s $certificates/$name.pem && -s $certificates/$name.key ]] || return 1
    done
    openssl x509 -checkend 86400 -noout -in "$certificates/root.pem" >/dev/null
}

make_certificates() {
    # Who runs has the old ones.
    down
    rm -f "$certificates/chain.pem"
    python3 -B "$SECURE/certificates.py" "$certificates" "${ROLES[@]/#/leadclock-}"
    cat "$certificates/broker.pem" "$certificates/intermediate.pem" >"$certificates/chain.pem.new"
    mv "$certificates/chain.pem.new" "$certificates/chain.pem"
}

secret() { cat "$DIR/secrets/$1"; }

# As Redis keeps a password.
digest() { secret "$1" | tr -d '\n' | sha256sum | cut -d ' ' -f 1; }

# ---- Kafka ----

listener_store() {
    local name=listener.name.$1.ssl
    echo "$name.keystore.type=PEM"
    echo "$name.keystore.location=$certificates/$2.store"
    echo "$name.truststore.type=PEM"
    echo "$name.truststore.location=$certificates/root.pem"
}

client_certificates_of() {
    echo "listener.name.$1.ssl.client.auth=required"
    echo "listener.name.$1.ssl.principal.mapping.rules=RULE:^CN=(.*)\$/\$1/"
}

passwords_of_roles() {
    local role
    for role in "${ROLES[@]}"; do
        printf ' user_leadclock-%s="%s"' "$role" "$(secret "$role")"
    done
}

# The broker and the operator come in by the certificate of User:broker, all others by what is theirs.
write_secure_listeners() {
    local login=org.apache.kafka.common.security
    cat <<TEXT
listeners=LOGIN://127.0.0.1:$kafka_port,CERTIFICATE://127.0.0.1:$certificate_port,INSIDE://127.0.0.1:$inside_port,CONTROLLER://127.0.0.1:$controller_port
advertised.listeners=LOGIN://127.0.0.1:$kafka_port,CERTIFICATE://127.0.0.1:$certificate_port,INSIDE://127.0.0.1:$inside_port
inter.broker.listener.name=INSIDE
listener.security.protocol.map=LOGIN:SASL_SSL,CERTIFICATE:SSL,INSIDE:SSL,CONTROLLER:SSL
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=false
super.users=User:broker
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
listener.name.login.plain.sasl.jaas.config=$login.plain.PlainLoginModule required$(passwords_of_roles);
listener.name.login.scram-sha-512.sasl.jaas.config=$login.scram.ScramLoginModule required;
TEXT
    local listener
    for listener in login certificate inside controller; do
        listener_store "$listener" broker
    done
    for listener in certificate inside controller; do
        client_certificates_of "$listener"
    done
}

eval "plain_$(declare -f write_kafka_settings)"
write_kafka_settings() {
    local settings=$DIR/kafka/server.properties
    plain_write_kafka_settings
    sed -i -E '/^(listeners|advertised\.listeners|inter\.broker\.listener\.name|listener\.security\.protocol\.map)=/d' "$settings"
    (umask 077 && write_secure_listeners >>"$settings" && chmod 600 "$settings")
    (umask 077 && cat >"$DIR/operator.properties") <<TEXT
security.protocol=SSL
ssl.keystore.type=PEM
ssl.keystore.location=$certificates/broker.store
ssl.truststore.type=PEM
ssl.truststore.location=$certificates/root.pem
TEXT
}

format_options() {
    local role
    for role in "${ROLES[@]}"; do
        printf '%s\n' --add-scram "SCRAM-SHA-512=[name=leadclock-$role,password=$(secret "$role")]"
    done
}

kafka_answers() {
    timeout 5 kcat -b "127.0.0.1:$inside_port" -L -m 3 -X security.protocol=SSL -X ssl.ca.location="$certificates/root.pem" \
        -X ssl.certificate.location="$certificates/chain.pem" -X ssl.key.location="$certificates/broker.key" &&
        is_running "$DIR/kafka.pid"
}

# ---- Redis ----

write_redis_settings() {
    (umask 077 && cat >"$DIR/redis/redis.conf") <<TEXT
bind 127.0.0.1
port $redis_port
tls-port $redis_tls_port
tls-cert-file $certificates/chain.pem
tls-key-file $certificates/broker.key
tls-ca-cert-file $certificates/root.pem
tls-auth-clients no
dir $DIR/redis
save ""
appendonly no
maxmemory-policy noeviction
aclfile $DIR/redis/users.acl
TEXT
    [ -e "$DIR/redis/users.acl" ] ||
        (umask 077 && printf 'user default off nopass resetkeys resetchannels -@all\nuser operator on #%s ~* &* +@all\n' \
            "$(digest operator)" >"$DIR/redis/users.acl")
}

start_redis() {
    write_redis_settings
    start_process "$DIR/redis.pid" "$DIR/redis/redis.log" redis-server "$DIR/redis/redis.conf"
}

operator_redis() {
    REDISCLI_AUTH=$(secret operator) timeout 10 redis-cli -e -h 127.0.0.1 -p "$redis_port" --user operator --no-auth-warning "$@"
}

redis_answers() { [ "$(operator_redis ping)" = PONG ] && is_running "$DIR/redis.pid"; }

# ---- The registry's guard ----

start_guard() {
    [ -e "$DIR/secrets/registry-login" ] ||
        (umask 077 && printf 'leadclock:%s' "$(secret registry)" >"$DIR/secrets/registry-login")
    start_process "$DIR/guard.pid" "$DIR/guard/guard.log" python3 -B "$SECURE/registry_guard.py" \
        "http://127.0.0.1:$registry_port" "$guard_port" "$certificates/broker.store" "$DIR/secrets/registry-login"
}

guard_answers() {
    printf 'user = "%s"\n' "$(cat "$DIR/secrets/registry-login")" |
        curl -fsS -m 5 -K - --cacert "$certificates/root.pem" "https://127.0.0.1:$guard_port/apis/ccompat/v7/subjects" &&
        is_running "$DIR/guard.pid"
}

# ---- What each role is given ----

# A leadclock that was built here, or is installed; LC_BINARY names another.
leadclock() {
    local binary
    for binary in "${LC_BINARY:-}" "$ROOT/build/release/leadclock" "$ROOT/build/dev/leadclock" "$(command -v leadclock || true)"; do
        [ -x "$binary" ] || continue
        "$binary" "$@"
        return
    done
    die "no leadclock that could tell its ACLs: build it, or set LC_BINARY"
}

# SCRAM where its librdkafka can log in by it, Redis by TLS where its hiredis can.
choose_ways() {
    local version
    version=$(leadclock --version)
    mechanism=PLAIN redis_url=redis://127.0.0.1:$redis_port/0
    ! grep -q 'scram-with-kafka-4 yes' <<<"$version" || mechanism=SCRAM-SHA-512
    ! grep -q 'redis-tls yes' <<<"$version" || redis_url=rediss://127.0.0.1:$redis_tls_port/0
}

# write_role ROLE NAME BROKERS-PORT PROPERTIES
write_role() {
    (umask 077 && cat >"$DIR/roles/$2.yaml") <<TEXT
# What leadclock-$1 is let in by, at loopback's secured servers (deploy/stack.sh up --secure); the secrets are in $1.env.
name: leadclock
kafka:
  brokers: 127.0.0.1:$3
  properties:
    ssl.ca.location: $certificates/root.pem
$4
registry:
  url: https://127.0.0.1:$guard_port/apis/ccompat/v7
  ca: $certificates/root.pem
  user: leadclock
  password: \${LC_REGISTRY_PASSWORD}
redis:
  url: $redis_url
  user: leadclock-$1
  password: \${LC_REDIS_PASSWORD}
$([[ $redis_url != rediss* ]] || echo "  ca: $certificates/root.pem")
policy: $DIR/roles/policy.yaml
alert: {alertmanager: {urls: ["http://127.0.0.1:9093"]}}
TEXT
}

write_roles() {
    local role
    choose_ways
    [ -e "$DIR/roles/policy.yaml" ] || cp "$ROOT/deploy/demo/policy.yaml" "$DIR/roles/policy.yaml"
    for role in "${ROLES[@]}"; do
        write_role "$role" "$role" "$kafka_port" "    security.protocol: SASL_SSL
    sasl.mechanism: $mechanism
    sasl.username: leadclock-$role
    sasl.password: \${LC_KAFKA_PASSWORD}"
        write_role "$role" "$role-certificate" "$certificate_port" "    security.protocol: SSL
    ssl.certificate.location: $certificates/leadclock-$role.pem
    ssl.key.location: $certificates/leadclock-$role.key"
        (umask 077 && cat >"$DIR/roles/$role.env") <<TEXT
LC_KAFKA_PASSWORD=$(secret "$role")
LC_REDIS_PASSWORD=$(secret "$role")
LC_REGISTRY_PASSWORD=$(secret registry)
LC_CONFIG=$DIR/roles/$role.yaml
TEXT
    done
}

# Exactly what `leadclock topics --acls` prints for a configuration is done, by Kafka's and Redis' own tools.
apply_acls() {
    local printed=$DIR/acls.sh queue=$DIR/acls.queue
    (set -a && . "$DIR/roles/admin.env" && leadclock topics --config "$1" --acls) >"$printed"
    : >"$queue"
    KAFKA_ACLS=$SECURE/queue-acls.sh ACLS_QUEUE=$queue BOOTSTRAP_SERVER=127.0.0.1:$inside_port \
        COMMAND_CONFIG=$DIR/operator.properties REDISCLI_AUTH=$(secret operator) \
        REDIS_CLI="redis-cli -e -h 127.0.0.1 -p $redis_port --user operator --no-auth-warning" \
        sh -eu "$printed" >"$DIR/acls.log" 2>&1 || die "what $printed does at Redis failed: $(tail -n 3 "$DIR/acls.log")"
    java -XX:TieredStopAtLevel=1 -Dlog4j.configuration="file:$DIR/kafka/log4j.properties" \
        -cp "$kafka_jars/libs/*:$tools_jars/*" "$SECURE/Acls.java" <"$queue" >>"$DIR/acls.log" 2>&1 ||
        die "what $printed does at Kafka failed: $(tail -n 3 "$DIR/acls.log")"
    give_redis_passwords
}

# By their digests, as arguments: what redis-cli reads may fail, and it ends with 0.
give_redis_passwords() {
    local role
    for role in service tools admin; do
        operator_redis ACL SETUSER "leadclock-$role" resetpass "#$(digest "$role")" >/dev/null ||
            die "Redis takes no password of leadclock-$role"
    done
    operator_redis ACL SAVE >/dev/null || die "Redis does not keep its users"
}

secure_env() {
    cat <<TEXT
KAFKA_BROKERS=127.0.0.1:$kafka_port
KAFKA_CERTIFICATE_BROKERS=127.0.0.1:$certificate_port
KAFKA_OPERATOR_BROKERS=127.0.0.1:$inside_port
KAFKA_OPERATOR_CONFIG=$DIR/operator.properties
REDIS_URL=redis://127.0.0.1:$redis_port/0
REDIS_TLS_URL=rediss://127.0.0.1:$redis_tls_port/0
REGISTRY_URL=https://127.0.0.1:$guard_port/apis/ccompat/v7
REDIS_PORT=$redis_port
CA=$certificates/root.pem
TEXT
}

up_secure() {
    make_secrets
    mkdir -p "$CACHE"
    (flock 9 && download_tools) 9>"$CACHE/lock"
    up
    [ -e "$DIR/acls.done" ] && return
    write_roles
    apply_acls "$DIR/roles/admin.yaml"
    touch "$DIR/acls.done"
    cat >&2 <<TEXT
Each role has a configuration and its secrets in $DIR/roles: ${ROLES[*]}
(ROLE.yaml logs in by password, ROLE-certificate.yaml by a client certificate). For instance:
  set -a; . $DIR/roles/admin.env; leadclock topics --config \$LC_CONFIG --create
  set -a; . $DIR/roles/service.env; leadclock run --config \$LC_CONFIG
  set -a; . $DIR/roles/tools.env; leadclock watch --config \$LC_CONFIG --pretty
TEXT
}
