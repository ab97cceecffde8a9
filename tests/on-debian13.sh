#!/bin/bash
# on-debian13.sh [--short | CTEST-OPTION...] - builds and tests in a Debian 13 (librdkafka 2.8, hiredis 1.2 with TLS, avro-c
# 1.12, libmicrohttpd 1.0), whose root mmdebstrap makes once, in the cache. Without options: all tests that need no servers,
# those on Redis with TLS, and those of logins at Kafka, SCRAM among them; for these the servers and the scripts run
# here, and `leadclock` there. --short: unit tests and Redis, built without sanitizers. Needs root, for chroot.
set -euo pipefail
. "$(dirname "$0")/../deploy/lib.sh"
# What is mounted below is so for this script alone, and ends with it, however it ends.
[ "$(id -u)" != 0 ] || [ -n "${LC_UNSHARED:-}" ] || exec env LC_UNSHARED=1 unshare --mount "$0" "$@"

short=false
case ${1:-} in
-h | --help)
    sed -n '2,/^set/s/^# //p' "$0"
    exit
    ;;
--short)
    short=true
    shift
    ;;
esac
[ "$(id -u)" = 0 ] || die "chroot needs root: run it as root"

root=$CACHE/debian13
packages=gcc,libc6-dev,cmake,ninja-build,pkg-config,ccache,libavro-dev,librdkafka-dev,libhiredis-dev,libglib2.0-dev
packages+=,libfyaml-dev,libjansson-dev,libcurl4-openssl-dev,nettle-dev,zlib1g-dev,libsnappy-dev,libzstd-dev
packages+=,libmicrohttpd-dev,libical-dev,libcmocka-dev,redis-server,python3,tzdata,tzdata-legacy,openssl,jq,procps

if [ "$(cat "$root/.made" 2>/dev/null)" != "$packages" ]; then
    command -v mmdebstrap >/dev/null || die "mmdebstrap is missing: deploy/install-deps.sh installs it"
    ! grep -qF " $root/" /proc/self/mounts || die "umount what is mounted in $root first: removing it would go through"
    rm -rf --one-file-system "$root"
    mkdir -p "$CACHE"
    log=$(mktemp)
    with_progress "a Debian 13 in $root" "$log" mmdebstrap --variant=minbase --include="$packages" trixie "$root" ||
        die "it could not be made"
    rm -f "$log"
    echo "$packages" >"$root/.made"
fi

# The tree is at its own path there, and /tmp is ours: so scripts that run here can start the program there.
mount_at() {
    mkdir -p "${!#}"
    mount "$@"
}
mount_at -t proc proc "$root/proc"
mount_at --bind /dev "$root/dev"
mount_at --bind /tmp "$root/tmp"
mount_at --bind "$ROOT" "$root$ROOT"

# in_it COMMAND... - in the tree, with a build folder of its own, and nothing of our environment.
in_it() {
    chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 TERM=dumb ASAN_OPTIONS=detect_leaks=1 \
        CCACHE_NOHASHDIR=1 sh -c 'cd "$0" && exec "$@"' "$ROOT" "$@"
}

build=build/debian13
options=(-DCMAKE_BUILD_TYPE=Debug -DLC_WERROR=ON -DLC_SANITIZE=ON)
if $short; then
    build=build/debian13-short
    options=(-DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG=-O0 -DLC_WERROR=ON)
fi

# Every command of it runs there, with the environment of who calls it.
make_stand_in() {
    cat >"$ROOT/$build/leadclock-there" <<END
#!/bin/sh
exec chroot "$root" sh -c 'cd "\$0" && exec "\$@"' "\$PWD" "$ROOT/$build/leadclock" "\$@"
END
    chmod +x "$ROOT/$build/leadclock-there"
}

test_redis() {
    say "Redis with TLS, on Debian 13's Redis"
    in_it sh -c 'folder=$(mktemp -d) && cd "$folder"
        redis-server --port 0 --unixsocket "$folder/redis.sock" --save "" --daemonize yes --pidfile "$folder/redis.pid" >/dev/null
        until redis-cli -s "$folder/redis.sock" ping >/dev/null 2>&1; do sleep 0.1; done
        LC_TEST_REDIS_URL=unix://$folder/redis.sock "$0"/tests/integration/test_store; status=$?
        kill "$(cat "$folder/redis.pid")"; rm -rf "$folder"; exit $status' "$ROOT/$build"
}

# Each has a Kafka of its own, beside the servers that all tests ask for.
test_logins() {
    local test stack=$ROOT/$build/stack
    make_stand_in
    # A stack that an earlier run left there has old data.
    "$ROOT/deploy/stack.sh" down --dir "$stack"
    rm -rf "$stack"
    # shellcheck disable=SC2064  # $stack is as it is now
    trap "'$ROOT/deploy/stack.sh' down --dir '$stack'" EXIT
    "$ROOT/deploy/stack.sh" up --dir "$stack"
    # shellcheck disable=SC1091
    . "$stack/stack.env"
    export LC_TEST_BROKERS=$KAFKA_BROKERS LC_TEST_REDIS_URL=$REDIS_URL LC_TEST_REGISTRY_URL=$REGISTRY_URL LC_STACK_DIR=$stack
    for test in logins rights; do
        say "$test, with Debian 13's librdkafka"
        LC_BINARY=$ROOT/$build/leadclock-there python3 -B "$ROOT/tests/integration/$test.py"
    done
}

say "building on Debian 13 ($build)"
in_it cmake -B "$build" -G Ninja "${options[@]}" >/dev/null
if $short; then
    units=$(cd "$ROOT/tests/unit" && echo test_*.c)
    # shellcheck disable=SC2086  # several words
    in_it cmake --build "$build" --target leadclock test_store ${units//.c/}
else
    in_it cmake --build "$build"
fi
in_it "$build/leadclock" --version
if (($#)); then
    in_it ctest --test-dir "$build" --output-on-failure "$@"
elif $short; then
    in_it ctest --test-dir "$build" --output-on-failure -R ^unit/ -j "$(nproc)"
    test_redis
else
    in_it ctest --test-dir "$build" --output-on-failure -LE 'integration|house|model|fuzz' -j "$(nproc)"
    test_redis
    test_logins
fi
