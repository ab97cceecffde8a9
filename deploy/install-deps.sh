#!/bin/bash
# install-deps.sh - installs with apt what building, testing and the demo need on Debian 12 (or newer) and Ubuntu.
# Does nothing where all is there. Starts no service.
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

# What tests look at the dashboard in. Ubuntu has it as a snap alone: there nothing is added, and that is said at the end.
add_chromium() {
    command -v chromium >/dev/null || [[ " ${missing[*]} " == *" chromium "* ]] && return
    ! apt-cache show chromium 2>/dev/null | grep '^Package: chromium$' >/dev/null || missing+=(chromium)
}
tell_of_chromium() {
    command -v chromium >/dev/null ||
        say "no chromium, and no package of that name: the tests that look at the dashboard in it fail until it is in the PATH"
}
add_chromium
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
add_chromium
with_progress "apt-get install (${#missing[@]} packages and what they need)" "$log" \
    apt install -y --no-install-recommends "${missing[@]}"
rm -f "$log"
tell_of_chromium
