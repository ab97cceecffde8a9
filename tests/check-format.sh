#!/bin/bash
# check-format.sh - fails where clang-format would change a line of src, include or tests.
# check-format.sh --tidy BUILD - runs clang-tidy over src with the compile commands of a build folder. What a file says
# is remembered there, so a second run looks only at what changed.
set -euo pipefail
cd "$(dirname "$0")/.."

check_format() {
    find src include tests -name '*.[ch]' -print0 | xargs -0 -r -n 20 clang-format --dry-run -Werror
}

# The version, the rules and all that the compiler sees of the file.
fingerprint() {
    { clang-tidy --version; cat .clang-tidy; cc -E -P -std=gnu17 -Iinclude $(pkg-config --cflags glib-2.0) "$1" 2>&1; } |
        sha256sum | cut -d ' ' -f 1
}

tidy_file() {
    local build=$1 file=$2 kept said
    kept=$build/tidy/$(fingerprint "$file")
    [ ! -e "$kept" ] || return 0
    if said=$(clang-tidy -p "$build" --quiet --extra-arg=-Wno-unknown-warning-option --extra-arg=-Wno-unused-variable "$file" 2>&1); then
        touch "$kept"
    else
        grep -vE '^([0-9]+ warnings? (generated|treated)|Suppressed|Use -header-filter)' <<<"$said"
        return 1
    fi
}

check_tidy() {
    export -f tidy_file fingerprint
    mkdir -p "$1/tidy"
    find src -name '*.c' -print0 |
        xargs -0 -r -n 1 -P "$(nproc)" bash -c 'tidy_file "$0" "$1"' "$1"
}

case ${1:-} in
--tidy) check_tidy "${2:?a build folder with compile_commands.json}" ;;
*) check_format ;;
esac
