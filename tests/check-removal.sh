#!/bin/bash
# check-removal.sh - fails unless what removes the roots that scripts make spares what is mounted in them, and they remove
# them by nothing else.
set -euo pipefail
# In mounts of its own, which end with it.
[ -n "${LC_OWN_MOUNTS:-}" ] || exec env LC_OWN_MOUNTS=1 unshare --mount --map-root-user "$0" "$@"
. "$(dirname "$0")/../deploy/lib.sh"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch/precious" "$scratch/the root/work/tree" "$scratch/the root/etc" "$scratch/the rootless"
echo kept >"$scratch/precious/file"

stays() {
    ! remove_folder "$1" 2>/dev/null || die "$2: it says that it removed $1"
    [ "$(cat "$scratch/precious/file")" = kept ] && [ -d "$scratch/the root/etc" ] || die "$2: something was removed"
}

mount --bind "$scratch/precious" "$scratch/the root/work/tree"
stays "$scratch/the root" "with a mount deep in it"
(cd "$scratch" && stays "./the root/work/../" "by another name")
mount --bind "$scratch/precious" "$scratch/the root/work"
stays "$scratch/the root/work" "a mount itself"
stays "$scratch/the root/" "with two mounts"
remove_folder "$scratch/the rootless" || die "nothing is mounted in what only begins with the same name"
umount "$scratch/the root/work" "$scratch/the root/work/tree"
remove_folder "$scratch/the root" || die "nothing is mounted any more, and it stays"
[ ! -e "$scratch/the root" ] && [ ! -e "$scratch/the rootless" ] || die "what was to be removed is there"
(remove_folder "") 2>/dev/null && die "it removes what has no name"

# Who makes a root removes it, and the scratch folder that it is in, by this alone.
for script in $(grep -lE '^[^#]*(mmdebstrap|unshare|chroot|buildah)' "$ROOT"/deploy/*.sh "$ROOT"/deploy/*/*.sh "$ROOT"/tests/*.sh); do
    [ "${script##*/}" != check-removal.sh ] || continue
    ! grep -nE 'rm -[a-z]*r.*\$\{?(root|scratch)\b' "$script" || die "$script removes a root by something else"
done
