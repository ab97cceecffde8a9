#!/bin/sh
# make-secrets.sh [FOLDER] - the token and the password that deploy/compose.yaml hands to the doors, made by chance where they are
# not there yet. The user of the image (65532) is to read them: where root asks they are his alone. Nobody else can give them to
# him: then they are readable, in a folder that only who asks can enter (a container is handed the files without the folder).
set -eu
folder=${1:-$(dirname "$0")/secrets}
[ -d "$folder" ] || { mkdir -p "$folder" && chmod 700 "$folder"; }
umask 077
for name in ingest-token dashboard-password; do
    [ -s "$folder/$name" ] || head -c 24 /dev/urandom | base64 | tr '+/' '-_' >"$folder/$name"
    [ "$(id -u)" != 0 ] || { chown 65532:65532 "$folder/$name" && chmod 600 "$folder/$name"; }
done
[ "$(id -u)" != 0 ] || exit 0
for name in ingest-token dashboard-password; do
    [ ! -O "$folder/$name" ] || chmod 444 "$folder/$name"
done
echo "make-secrets.sh: the image's user could read nothing that is yours alone, so these files are readable, and only you can" \
    "enter $folder; the programs warn that everybody may read them. As root this makes them his alone." >&2
