#!/bin/sh
# make-secrets.sh [FOLDER] - the token and the password that deploy/compose.yaml hands to the doors, made by chance where they are
# not there yet, and for the user of the image (65532) alone, where it is root who asks.
set -eu
folder=${1:-$(dirname "$0")/secrets}
mkdir -p "$folder"
umask 077
for name in ingest-token dashboard-password; do
    [ -s "$folder/$name" ] || head -c 24 /dev/urandom | base64 | tr '+/' '-_' >"$folder/$name"
    [ "$(id -u)" != 0 ] || chown 65532:65532 "$folder/$name"
done
