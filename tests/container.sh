#!/bin/bash
# container.sh [--once] - builds the image of deploy/container twice and fails unless both have one digest; looks that the
# archive has what `docker load` needs, and the name that deploy/compose.yaml asks for; holds its list of packages against SPDX
# (pip's spdx-tools) and against what is in it; and starts it, unpacked, as its user with a root that is read-only. Needs root and apt's
# servers; some minutes. --once: takes what build/container has, built before.
set -euo pipefail
. "$(dirname "$0")/../deploy/lib.sh"
cd "$ROOT"
folder=$ROOT/build/container
scratch=$(mktemp -d)
trap 'remove_folder "$scratch"' EXIT

build_twice() {
    deploy/container/build.sh --out "$folder"
    deploy/container/build.sh --out "$scratch/again"
    cmp "$folder/leadclock.digest" "$scratch/again/leadclock.digest" || die "built again it is another image"
    say "built twice, it is the same: $(cat "$folder/leadclock.digest")"
}

# The layers of the archive, one over the other; its configuration as config.json.
unpack() {
    mkdir "$scratch/image" "$scratch/root"
    tar -xf "$folder/leadclock.oci.tar" -C "$scratch/image"
    python3 -B - "$scratch/image" "$scratch/root" <<'END'
import json, os, shutil, subprocess, sys

image, root = sys.argv[1:]

def blob(descriptor):
    return os.path.join(image, "blobs", *descriptor["digest"].split(":"))

with open(os.path.join(image, "index.json"), encoding="utf-8") as file:
    manifest_of = json.load(file)["manifests"][0]
with open(blob(manifest_of), encoding="utf-8") as file:
    manifest = json.load(file)
for layer in manifest["layers"]:
    subprocess.run(["tar", "--numeric-owner", "-xf", blob(layer), "-C", root], check=True)
shutil.copyfile(blob(manifest["config"]), os.path.join(image, "config.json"))
END
}

# Docker with its own store reads manifest.json, with containerd's the names in index.json; so does podman.
check_loading() {
    local file
    # shellcheck disable=SC2016  # compose's
    name=$(sed -n 's/^  image: leadclock:${LEADCLOCK_VERSION:-\(.*\)}$/leadclock:\1/p' deploy/compose.yaml)
    cd "$scratch/image"
    jq -e --arg name "$name" '[.[].RepoTags] == [[$name]]' manifest.json >/dev/null || die "docker load would not find $name in it"
    jq -e --arg name "docker.io/library/$name" '[.manifests[].annotations["io.containerd.image.name"]] == [$name]' index.json \
        >/dev/null || die "docker load by containerd would not call it $name"
    for file in $(jq -r '.[] | .Config, .Layers[]' manifest.json); do
        [ "$(sha256sum <"$file" | cut -d ' ' -f 1)" = "${file##*/}" ] || die "$file is not what manifest.json says"
    done
    [ "$(tar -xOf "$folder/leadclock.oci.tar" index.json | jq -r '.manifests[].digest')" = "$(cat "$folder/leadclock.digest")" ] ||
        die "leadclock.digest is another image's"
    cd "$ROOT"
}

# is KEY VALUE: of the image's configuration.
is() { [ "$(jq -c ".config.$1" "$scratch/image/config.json")" = "$2" ] || die "the image's $1 is not $2"; }

check_configuration() {
    is User '"65532:65532"'
    is ExposedPorts "$(grep -o '^| `[a-z]*\.listen` .*127.0.0.1:[0-9]*' docs/configuration.md | grep -o '[0-9]*$' |
        jq -cSnR '[inputs | {key: (. + "/tcp"), value: {}}] | from_entries')"
    is Env '["PATH=/usr/sbin:/usr/bin:/sbin:/bin","LC_ALL=C.UTF-8"]'
    is Entrypoint '["/usr/bin/leadclock"]'
    is Cmd '["run","--config","/etc/leadclock/leadclock.yaml"]'
    is 'Labels["org.opencontainers.image.licenses"]' '"Apache-2.0"'
    is 'Labels["org.opencontainers.image.version"]' "\"${name#leadclock:}\""
    is 'Labels["org.opencontainers.image.revision"] | length' 40
    [ -z "$(find "$scratch/root" -xdev -type f -perm /6000)" ] || die "there are programs that give rights"
}

check_packages() {
    local list=$folder/leadclock.spdx.json python=$ROOT/build/spdx
    cmp "$list" "$scratch/root/usr/share/sbom/leadclock.spdx.json"
    diff <(jq -r '.packages[] | .name + " " + .versionInfo' "$list" | sort) \
        <(dpkg-query --root="$scratch/root" -W -f '${Package} ${Version}\n' | sort) || die "the list is not what is in it"
    if [ ! -x "$python/bin/pyspdxtools" ]; then
        python3 -m venv "$python"
        "$python/bin/pip" install --quiet --disable-pip-version-check spdx-tools==0.8.5
    fi
    "$python/bin/pyspdxtools" -i "$list" || die "it is no SPDX"
    say "$(jq '.packages | length' "$list") packages, listed as SPDX"
}

start() {
    mkdir -p "$scratch/root/proc" "$scratch/root/tmp" "$scratch/root/run"
    python3 -B tests/unit_start.py --user-and-command "$scratch/root" 65532 \
        /usr/bin/leadclock run --config /etc/leadclock/leadclock.yaml
    say "started as 65532 with a read-only root, it said what it waits for, and ended when asked to"
}

[ "${1:-}" = --once ] || build_twice
unpack
check_loading
check_configuration
check_packages
start
