#!/bin/bash
# on-debian13.sh [--short | --servers [TESTS]... | CTEST-OPTION...] - builds and tests in a Debian 13 (librdkafka 2.8, hiredis
# 1.2 with TLS, avro-c 1.12, libmicrohttpd 1.0), whose root mmdebstrap makes once, in the cache. Without options: all tests
# that need no servers (but for the model's, and what judges files of here: by clang-format, or how scripts remove folders),
# and those on servers that TLS and the newer librdkafka, hiredis and libmicrohttpd concern; for these the scripts and Kafka run
# here, and `leadclock`, and each Redis that a test starts, there. --short: unit tests, and Redis by TLS, built without
# sanitizers. --servers: only what is on servers, or of tests/integration what is named ("takeover rebalance"). Needs root, for
# chroot. Exit code 77: a Debian 13 can't be made or entered here, and nothing was tried.
set -euo pipefail
. "$(dirname "$0")/../deploy/lib.sh"

case ${1:-} in
-h | --help)
    sed -n '2,/^set/s/^# //p' "$0"
    exit
    ;;
esac
[ "$(id -u)" = 0 ] || die "chroot needs root: run it as root"

# What is mounted below is so for this script alone, and ends with it, however it ends.
cannot() { echo "$(basename "$0"): $*; nothing was tried" >&2 && exit 77; }
mounts=$(readlink /proc/self/ns/mnt)
unshare --mount mount -t tmpfs none /mnt 2>/dev/null || cannot "this machine lets root have no mounts of its own (unshare --mount)"
[ "${LC_MOUNTS_OF:-$mounts}" != "$mounts" ] || exec env LC_MOUNTS_OF="$mounts" unshare --mount "$0" "$@"

what=whole
case ${1:-} in
--short | --servers)
    what=${1#--}
    shift
    ;;
?*) what=some ;;
esac

# ---- The root ----

root=$CACHE/debian13
packages=gcc,libc6-dev,cmake,ninja-build,pkg-config,ccache,libavro-dev,librdkafka-dev,libhiredis-dev,libglib2.0-dev
packages+=,libfyaml-dev,libjansson-dev,libcurl4-openssl-dev,nettle-dev,zlib1g-dev,libsnappy-dev,libzstd-dev
packages+=,libmicrohttpd-dev,libical-dev,libcmocka-dev,redis-server,python3,tzdata,tzdata-legacy,openssl,jq,procps
# Of the house's tests.
more_packages=(python3-jsonschema python3-venv mandoc groff-base bsdextrautils zsh systemd prometheus prometheus-alertmanager
    docker-compose ca-certificates)

is_made() { [ "$(cat "$root/.made" 2>/dev/null)" = "$packages" ]; }
has_more() { [ "$(cat "$root/.more" 2>/dev/null)" = "${more_packages[*]}" ]; }

make_root() {
    local log
    curl -sfL --retry 3 --max-time 60 -o /dev/null http://deb.debian.org/debian/dists/trixie/Release ||
        cannot "Debian's mirror does not give Debian 13 (deb.debian.org)"
    command -v mmdebstrap >/dev/null || die "mmdebstrap is missing: deploy/install-deps.sh installs it"
    remove_folder "$root" || die "the old one stays"
    log=$(mktemp)
    with_progress "a Debian 13 in $root" "$log" mmdebstrap --variant=minbase --include="$packages" \
        --aptopt='Acquire::Retries "3"' trixie "$root" ||
        die "it could not be made"
    rm -f "$log"
    echo "$packages" >"$root/.made"
}

add_packages() {
    local log
    log=$(mktemp)
    cp /etc/resolv.conf "$root/etc/resolv.conf"
    # No service is started.
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod 755 "$root/usr/sbin/policy-rc.d"
    # shellcheck disable=SC2016  # the inner shell's
    with_progress "what the house's tests need" "$log" in_it sh -ec 'apt-get -q update
        apt-get -qy -o Acquire::Retries=3 --no-install-recommends install "$@"' sh "${more_packages[@]}" ||
        die "it could not be had"
    rm -f "$log"
    echo "${more_packages[*]}" >"$root/.more"
}

# Whom this machine believes, pip there believes too: a company's proxy may show a certificate of its own.
take_authorities() {
    local there=$root/etc/ssl/certs/ca-certificates.crt
    [ ! -e "${there#"$root"}" ] || { cp "${there#"$root"}" "$there.$$" && mv "$there.$$" "$there"; }
}

# The tree is at its own path there, and /tmp is ours: so scripts that run here can start the program there.
mount_at() { mkdir -p "${!#}" && mount "$@"; }
mount_all() {
    mount_at -t proc proc "$root/proc" && mount_at --rbind /dev "$root/dev" &&
        mount_at --bind /tmp "$root/tmp" && mount_at --bind "$ROOT" "$root$ROOT"
}

# in_it COMMAND... - in the tree, with a build folder of its own, and nothing of our environment.
in_it() {
    chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 TERM=dumb ASAN_OPTIONS=detect_leaks=1 \
        DEBIAN_FRONTEND=noninteractive CCACHE_NOHASHDIR=1 sh -c 'cd "$0" && exec "$@"' "$ROOT" "$@"
}

# ---- Building ----

build=build/debian13
options=(-DCMAKE_BUILD_TYPE=Debug -DLC_WERROR=ON -DLC_SANITIZE=ON)
targets=()
if [ $what = short ]; then
    build=build/debian13-short
    options=(-DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG=-O0 -DLC_WERROR=ON)
    units=$(cd "$ROOT/tests/unit" && echo test_*.c)
    # shellcheck disable=SC2206  # several words
    targets=(--target leadclock test_store test_cluster_map ${units//.c/})
elif [ $what = servers ]; then
    targets=(--target leadclock test_store test_cluster_map test_log harm-topic raw-producer)
fi

build_there() {
    say "building on Debian 13 ($build)"
    in_it cmake -B "$build" -G Ninja "${options[@]}" >/dev/null
    in_it nice cmake --build "$build" "${targets[@]}"
    check_version
}

# What the tests go by is what is so here.
check_version() {
    local version can
    version=$(in_it "$build/leadclock" --version)
    echo "$version"
    for can in scram-with-kafka-4 session-renewal redis-tls https; do
        grep -qF "$can yes" <<<"$version" || die "Debian 13's libraries can, and leadclock --version says not: $can"
    done
}

# Whoever has a Debian 13 gets there by our own script.
test_dependencies() { in_it deploy/install-deps.sh --simulate; }

# ---- On servers ----

test_redis() {
    say "Redis with TLS, and a cluster's map, on Debian 13's Redis"
    # shellcheck disable=SC2016  # the inner shell's
    in_it sh -c 'folder=$(mktemp -d) && cd "$folder"
        redis-server --port 0 --unixsocket "$folder/redis.sock" --save "" --daemonize yes --pidfile "$folder/redis.pid" >/dev/null
        until redis-cli -s "$folder/redis.sock" ping >/dev/null 2>&1; do sleep 0.1; done
        LC_TEST_REDIS_URL=unix://$folder/redis.sock "$0"/tests/integration/test_store && "$0"/tests/integration/test_cluster_map
        status=$?
        kill "$(cat "$folder/redis.pid")"; rm -rf "$folder"; exit $status' "$ROOT/$build"
}

# Every command of it runs there, with the environment of who calls it; and so does what scripts call of what is beside it,
# and Redis, which they find in the PATH.
there=$ROOT/$build/there

# stand_in NAME PROGRAM
stand_in() {
    mkdir -p "$(dirname "$there/$1")"
    cat >"$there/$1" <<END
#!/bin/sh
exec chroot "$root" sh -c 'cd "\$0" && exec "\$@"' "\$PWD" "$2" "\$@"
END
    chmod +x "$there/$1"
}

make_stand_ins() {
    local program
    for program in leadclock tests/integration/{harm-topic,raw-producer}; do
        stand_in "$program" "$ROOT/$build/$program"
    done
    for program in redis-server redis-cli; do
        stand_in "bin/$program" "/usr/bin/$program"
    done
}

start_servers() {
    local stack=$ROOT/$build/stack
    # A stack that an earlier run left there has old data.
    "$ROOT/deploy/stack.sh" down --dir "$stack"
    rm -rf "$stack"
    # shellcheck disable=SC2064  # $stack is as it is now
    trap "'$ROOT/deploy/stack.sh' down --dir '$stack'" EXIT
    "$ROOT/deploy/stack.sh" up --dir "$stack" 8>&-
    # shellcheck disable=SC1091
    . "$stack/stack.env"
    export LC_TEST_BROKERS=$KAFKA_BROKERS LC_TEST_REDIS_URL=$REDIS_URL LC_TEST_REGISTRY_URL=$REGISTRY_URL LC_STACK_DIR=$stack
}

# A script of tests/integration each, and its tests (none named: all of them).
on_servers=("logins" "rights" "secured_path" "live card_feed feed_with_kills feed_with_two_processes" "takeover rebalance"
    "timely backlog" "json_facts mixed_feed" "tables rows_are_filled" "guarded" "ingest starts_that_are_refused"
    "alert certificates" "redis_rights" "sentinel masters_come_and_go another_master_is_named what_sentinels_refuse" "cluster")

test_log() {
    say "the log, with Debian 13's librdkafka"
    in_it env "LC_TEST_BROKERS=$LC_TEST_BROKERS" "$build/tests/integration/test_log"
}

# test_on_servers TESTS...
test_on_servers() {
    local test redis
    redis=$(PATH=$there/bin:$PATH redis-server --version)
    [ "$redis" = "$(in_it redis-server --version)" ] || die "tests would start another Redis: $redis"
    say "$redis"
    for test in "$@"; do
        say "$test, with what Debian 13 has"
        # shellcheck disable=SC2086  # several words
        PATH=$there/bin:$PATH LC_BINARY=$there/leadclock \
            python3 -B "$ROOT/tests/integration/${test%% *}.py" ${test#"${test%% *}"}
    done
}

# Nobody makes the root anew while somebody is in it.
mkdir -p "$CACHE"
exec 8>"$CACHE/debian13.lock"
flock -s 8
is_made || { flock 8 && { is_made || make_root; }; }
mount_all
[ $what != whole ] || has_more || { flock 8 && add_packages; }
[ $what != whole ] || take_authorities
flock -s 8

build_there
case $what in
some) in_it ctest --test-dir "$build" --output-on-failure "$@" ;;
short)
    in_it ctest --test-dir "$build" --output-on-failure -R ^unit/ -j "$(nproc)"
    test_redis
    ;;
*)
    [ $what = servers ] || test_dependencies
    [ $what = servers ] ||
        in_it ctest --test-dir "$build" --output-on-failure -LE 'integration|model|fuzz' -E 'house/(format|tidy|removal)' -j "$(nproc)"
    make_stand_ins
    start_servers
    if (($#)); then
        test_on_servers "$@"
    else
        test_redis
        test_log
        test_on_servers "${on_servers[@]}"
    fi
    ;;
esac
