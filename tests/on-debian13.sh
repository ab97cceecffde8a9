#!/bin/bash
# on-debian13.sh [CTEST-OPTION...] - builds and tests in a Debian 13 (librdkafka 2.8, hiredis 1.2 with TLS, avro-c 1.12,
# libmicrohttpd 1.0), whose root mmdebstrap makes once, in the cache. Without options: all tests that need no servers, and
# those on Redis with TLS. Needs root, for chroot.
set -euo pipefail
. "$(dirname "$0")/../deploy/lib.sh"

case ${1:-} in -h | --help)
    sed -n '2,/^set/s/^# //p' "$0"
    exit
    ;;
esac
[ "$(id -u)" = 0 ] || die "chroot needs root: run it as root"

root=$CACHE/debian13
packages=gcc,libc6-dev,cmake,ninja-build,pkg-config,ccache,libavro-dev,librdkafka-dev,libhiredis-dev,libglib2.0-dev
packages+=,libfyaml-dev,libjansson-dev,libcurl4-openssl-dev,nettle-dev,zlib1g-dev,libsnappy-dev,libzstd-dev
packages+=,libmicrohttpd-dev,libical-dev,libcmocka-dev,redis-server,python3,tzdata,openssl,jq,procps

if [ ! -e "$root/.made" ]; then
    command -v mmdebstrap >/dev/null || die "mmdebstrap is missing: apt-get install mmdebstrap"
    rm -rf "$root"
    log=$(mktemp)
    with_progress "a Debian 13 in $root" "$log" mmdebstrap --variant=minbase --include="$packages" trixie "$root"
    rm -f "$log"
    touch "$root/.made"
fi

mkdir -p "$root/tree" "$root/proc" "$root/dev"
mounted=()
mount_at() {
    mount "$@"
    mounted=("${!#}" "${mounted[@]}")
}
unmount() { for at in "${mounted[@]}"; do umount "$at"; done; }
trap unmount EXIT
mount_at --bind "$ROOT" "$root/tree"
mount_at -t proc proc "$root/proc"
mount_at --bind /dev "$root/dev"

# in_it COMMAND... - in the tree, with a build folder of its own, and nothing of our environment.
in_it() {
    chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 TERM=dumb ASAN_OPTIONS=detect_leaks=1 \
        sh -c 'cd /tree && exec "$@"' sh "$@"
}
build=build/debian13
say "building on Debian 13 ($build)"
in_it cmake -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DLC_WERROR=ON -DLC_SANITIZE=ON >/dev/null
in_it cmake --build "$build"
in_it "$build/leadclock" --version
if (($#)); then
    in_it ctest --test-dir "$build" --output-on-failure "$@"
    exit
fi
in_it ctest --test-dir "$build" --output-on-failure -LE 'integration|house|model|fuzz' -j "$(nproc)"
say "Redis with TLS, on Debian 13's Redis"
in_it sh -c 'redis-server --port 0 --unixsocket /tmp/redis.sock --save "" --daemonize yes --pidfile /tmp/redis.pid >/dev/null
    until redis-cli -s /tmp/redis.sock ping >/dev/null 2>&1; do sleep 0.1; done
    LC_TEST_REDIS_URL=unix:///tmp/redis.sock "$0"/tests/integration/test_store; status=$?
    kill "$(cat /tmp/redis.pid)"; exit $status' "$build"
