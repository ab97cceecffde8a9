#!/bin/bash
# debian13.sh FOLDER - compiles this checkout in a Debian 13 and leaves its Debian package in FOLDER. The root that it is
# compiled in is made by mmdebstrap, and kept in the cache (~/.cache/leadclock/roots). Needs root and apt's servers.
# Every time in the package is SOURCE_DATE_EPOCH, where that is set.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"
out=$1
suite=trixie
scratch=$(mktemp -d)
trap 'remove_folder "$scratch"' EXIT

to_compile=(
    gcc libc6-dev cmake ninja-build pkg-config dpkg-dev file gzip
    librdkafka-dev libhiredis-dev libglib2.0-dev libfyaml-dev libjansson-dev libcurl4-openssl-dev nettle-dev
    zlib1g-dev libsnappy-dev libzstd-dev libmicrohttpd-dev libical-dev
)

make_build_root() {
    local kept=$CACHE/roots/$suite-build.tar packages
    packages=$(IFS=,; echo "${to_compile[*]}")
    mkdir -p "${kept%/*}"
    if [ ! -e "$kept" ] || [ "$(cat "$kept.made" 2>/dev/null)" != "$packages" ]; then
        with_progress "making a root to compile in ($suite)" "$scratch/log" \
            mmdebstrap --variant=apt --include="$packages" "$suite" "${kept%.tar}.new.tar"
        rm -f "$kept.made"
        mv "${kept%.tar}.new.tar" "$kept"
        echo "$packages" >"$kept.made"
    fi
    mkdir "$scratch/compile"
    tar -xf "$kept" -C "$scratch/compile"
    mkdir -p "$scratch/compile/source" "$scratch/compile/build"
}

# The package, as Debian's own compiler makes it.
compile() {
    # shellcheck disable=SC2016  # the inner shell's
    with_progress "compiling in $suite" "$scratch/log" unshare --mount --pid --fork bash -ec '
        mount -t proc proc "$0/proc"
        mount --bind "$1" "$0/source"
        mount -o remount,bind,ro "$0/source"
        chroot "$0" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 ${2:+SOURCE_DATE_EPOCH=$2} sh -ec "
            cd /source
            cmake --preset release -B /build -DBUILD_TESTING=OFF
            nice cmake --build /build --target package"' "$scratch/compile" "$ROOT" "${SOURCE_DATE_EPOCH:-}"
    mkdir -p "$out"
    rm -f "$out"/leadclock_*.deb
    cp "$scratch"/compile/build/leadclock_*.deb "$out"
}

command -v mmdebstrap >/dev/null || die "mmdebstrap is missing: deploy/install-deps.sh installs it"
make_build_root
compile
