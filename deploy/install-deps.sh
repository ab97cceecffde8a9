#!/bin/bash
# install-deps.sh [--simulate] - installs with apt what building, testing and the demo need on Debian 12 (or newer) and
# Ubuntu. Does nothing where all is there. Starts no service. --simulate: installs nothing, and fails where it could not.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

packages=(
    gcc libc6-dev cmake ninja-build pkg-config ccache git ca-certificates
    librdkafka-dev libavro-dev libhiredis-dev libglib2.0-dev libfyaml-dev libjansson-dev libcurl4-openssl-dev
    nettle-dev zlib1g-dev libsnappy-dev libzstd-dev libmicrohttpd-dev libical-dev libcmocka-dev
    redis-server maven openjdk-17-jdk-headless
    python3 python3-jsonschema python3-venv jq kcat curl procps tzdata openssl prometheus prometheus-alertmanager
    clang clang-format clang-tidy
    mandoc groff-base zsh systemd lintian dpkg-dev mmdebstrap strace docker-compose
)

simulate=()
[ "${1:-}" != --simulate ] || simulate=(--simulate)
is_known() { apt-cache show "$1" 2>/dev/null | grep "^Package: $1$" >/dev/null; }
is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

missing=()
for package in "${packages[@]}"; do
    is_installed "$package" || missing+=("$package")
done
# Any Java from 17 on will do, with its compiler (for deploy/examples).
if command -v javac >/dev/null && [ "$(javac -version 2>&1 | sed -n 's/javac \([0-9]*\).*/\1/p')" -ge 17 ]; then
    missing=("${missing[@]/openjdk-17-jdk-headless/}")
fi
# shellcheck disable=SC2206  # drops what became empty
missing=(${missing[@]})

add_if_known() { [[ " ${missing[*]} " == *" $1 "* ]] || ! is_known "$1" || missing+=("$1"); }
# What not every release has: the browser in which tests look at the dashboard (Ubuntu has it as a snap alone: there nothing
# is added, and that is said at the end), and names that time zones had before, which Debian 12 has in tzdata.
add_by_release() {
    command -v chromium >/dev/null || add_if_known chromium
    is_installed tzdata-legacy || add_if_known tzdata-legacy
}
tell_of_chromium() {
    command -v chromium >/dev/null ||
        say "no chromium, and no package of that name: the tests that look at the dashboard in it fail until it is in the PATH"
}
add_by_release
((${#missing[@]})) || { tell_of_chromium; exit 0; }

say "to be installed: ${missing[*]}"
command -v apt-get >/dev/null || die "no apt-get here; install these (or what your system calls them) and try again"
as_root=()
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || die "run 'apt-get install ${missing[*]}' as root, then try again"
    as_root=(sudo)
    sudo -v || die "run 'apt-get install ${missing[*]}' as root, then try again"
fi

# The Debian way to say that an install must start no service (redis-server would); put back as it was.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
    trap '"${as_root[@]}" rm -f "$policy"' EXIT
fi

log=$(mktemp)
apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@"; }
with_progress "apt-get update" "$log" apt update
add_by_release
# Debian 13 has a later Java only.
is_known openjdk-17-jdk-headless || missing=("${missing[@]/#openjdk-17-jdk-headless/default-jdk-headless}")
with_progress "apt-get install (${#missing[@]} packages and what they need)" "$log" \
    apt install "${simulate[@]}" -y --no-install-recommends "${missing[@]}"
rm -f "$log"
((${#simulate[@]})) || tell_of_chromium
