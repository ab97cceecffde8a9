#!/bin/bash
# build.sh [--out FOLDER] - builds an OCI image of leadclock from Debian 13 packages alone, with mmdebstrap and buildah: no
# base image from elsewhere. Leaves in FOLDER (build/container): leadclock.oci.tar, an OCI archive that `docker load` and `podman
# load` take as leadclock:VERSION, too, its digest in leadclock.digest, and leadclock.spdx.json, which lists every package in it.
# The same commit and the same Debian give the same digest.
# Needs root, apt's servers, and apt-get install mmdebstrap buildah.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"
cd "$ROOT"
suite=trixie
out=$ROOT/build/container
[ "${1:-}" != --out ] || out=$(realpath -m "$2")
# Every time in the image is that of the commit.
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
revision=$(git rev-parse HEAD)

for program in mmdebstrap buildah; do
    command -v "$program" >/dev/null || die "$program is missing: apt-get install mmdebstrap buildah"
done
scratch=$(mktemp -d)
trap 'remove_folder "$scratch"' EXIT
mkdir -p "$out"
rm -f "$out"/leadclock*

# What the package depends on, without versions: "libc6,tzdata".
dependencies() { dpkg-deb -f "$package" Depends | sed 's/([^)]*)//g; s/|[^,]*//g; s/ //g'; }

make_image_root() {
    # shellcheck disable=SC2016  # mmdebstrap's "$1" is the root
    with_progress "making the image's root" "$scratch/log" mmdebstrap --variant=essential \
        --include="$(dependencies),ca-certificates" \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
        --customize-hook="copy-in '$package' /tmp" \
        --customize-hook='chroot "$1" sh -c "dpkg -i /tmp/leadclock_*.deb && rm /tmp/leadclock_*.deb"' \
        --customize-hook='echo "leadclock:x:65532:65532::/nonexistent:/usr/sbin/nologin" >>"$1/etc/passwd"' \
        --customize-hook='echo "leadclock:x:65532:" >>"$1/etc/group"' \
        --customize-hook='find "$1" -xdev -type f -perm /6000 -exec chmod a-s {} +' \
        --customize-hook='rm -rf "$1"/etc/resolv.conf "$1"/etc/hostname "$1"/etc/machine-id "$1"/var/cache/ldconfig/*' \
        --customize-hook='rm -rf "$1"/var/lib/dpkg/*-old "$1"/etc/*- "$1"/var/log/* "$1"/var/lib/systemd' \
        --customize-hook="mkdir -p \"\$1/usr/share/sbom\" && python3 -B '$ROOT/deploy/container/sbom.py' \"\$1\" \
            >\"\$1/usr/share/sbom/leadclock.spdx.json\"" \
        --customize-hook="cp \"\$1/usr/share/sbom/leadclock.spdx.json\" '$out'" \
        "$suite" "$scratch/root.tar"
}

# Buildah's storage is a scratch folder of ours.
bud() { buildah --root "$scratch/storage" --runroot "$scratch/run" --storage-driver vfs "$@"; }

# Where run (by its manifests and examples), dashboard, ingest and alert (by default) listen: docs/configuration.md, `.listen`.
make_image() {
    local version container
    version=$(dpkg-deb -f "$package" Version)
    say "making the image ($version)"
    container=$(bud from scratch)
    bud add --quiet "$container" "$scratch/root.tar" / >/dev/null
    bud config --user 65532:65532 --workingdir / --stop-signal SIGTERM \
        --port 9464/tcp --port 9465/tcp --port 9466/tcp --port 9467/tcp \
        --entrypoint '["/usr/bin/leadclock"]' --cmd "run --config /etc/leadclock/leadclock.yaml" \
        --env PATH=/usr/sbin:/usr/bin:/sbin:/bin --env LC_ALL=C.UTF-8 \
        --label org.opencontainers.image.title=leadclock \
        --label org.opencontainers.image.description="Holds every sales lead to its deadlines, from Kafka to Kafka" \
        --label org.opencontainers.image.version="$version" \
        --label org.opencontainers.image.revision="$revision" \
        --label org.opencontainers.image.created="$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)" \
        --label org.opencontainers.image.licenses=Apache-2.0 \
        --label org.opencontainers.image.base.name="debian:$suite, by mmdebstrap" \
        "$container"
    bud commit --quiet --disable-compression=false --format oci --timestamp "$SOURCE_DATE_EPOCH" "$container" \
        "oci:$scratch/image:leadclock:$version" >/dev/null
    python3 -B "$ROOT/deploy/container/loadable.py" "$scratch/image" "leadclock:$version"
    tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner \
        -C "$scratch/image" -cf "$out/leadclock.oci.tar" blobs index.json manifest.json oci-layout
    python3 -c 'import json, sys; print(json.load(sys.stdin)["manifests"][0]["digest"])' \
        <"$scratch/image/index.json" >"$out/leadclock.digest"
}

"$ROOT/deploy/package/debian13.sh" "$scratch/package"
package=$(echo "$scratch"/package/leadclock_*.deb)
make_image_root
make_image
say "made $(du -h "$out/leadclock.oci.tar" | cut -f 1) $out/leadclock.oci.tar, $(cat "$out/leadclock.digest")"
