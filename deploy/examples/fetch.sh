#!/bin/bash
# fetch.sh [python|publish-java|connect...] - brings what these examples need (all: none named) into the cache, once: a
# Python with DuckDB and Confluent's client; jars from Maven Central.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"
HERE=$ROOT/deploy/examples

# is_there FOLDER FILE: what was brought into FOLDER was brought for a FILE as it is now.
is_there() { cmp -s "$1/wanted" "$2"; }

install_modules() {
    python3 -m venv "$1" && "$1/bin/python" -m pip install --no-input --disable-pip-version-check -r "$2"
}

fetch_python() {
    local folder=$CACHE/examples/python wanted=$HERE/requirements.txt
    if ! is_there "$folder" "$wanted"; then
        rm -rf "$folder" && mkdir -p "$folder"
        with_progress "installing Python modules (about 60 MB, once)" "$CACHE/examples/python.log" \
            install_modules "$folder" "$wanted"
        cp "$wanted" "$folder/wanted"
    fi
}

# fetch_jars EXAMPLE
fetch_jars() {
    local folder=$CACHE/examples/$1 wanted=$HERE/$1/pom.xml
    if ! is_there "$folder" "$wanted"; then
        rm -rf "$folder" && mkdir -p "$folder"
        maven "$CACHE/examples/$1.log" "downloading the jars of $1 (about 40 MB, once)" -f "$wanted" \
            "$MAVEN_DEPENDENCY:copy-dependencies" -DoutputDirectory="$folder/libs"
        cp "$wanted" "$folder/wanted"
    fi
}

mkdir -p "$CACHE/examples"
exec 9>"$CACHE/examples/lock"
flock 9
[ $# -gt 0 ] || set -- python publish-java connect
for what in "$@"; do
    case $what in
    python) fetch_python ;;
    publish-java | connect) fetch_jars "$what" ;;
    *) die "there is nothing to be fetched for $what" ;;
    esac
done
