#!/bin/bash
# run.sh [SECONDS] - builds the fuzz targets with clang and runs each for SECONDS (60), one after the other. What is
# learned is kept in build/fuzz/corpus for the next run, what crashes in build/fuzz/found.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-60}

# libFuzzer comes with clang's runtime, which Debian packages by version.
version=$(clang -dumpversion | cut -d. -f1)
if ! echo 'int LLVMFuzzerTestOneInput(void){return 0;}' | clang -fsanitize=fuzzer -x c - -o /dev/null 2>/dev/null; then
    echo "libFuzzer is missing; installing libclang-rt-$version-dev"
    as_root=$([ "$(id -u)" = 0 ] || echo sudo)
    $as_root apt-get install -y --no-install-recommends "libclang-rt-$version-dev" >/dev/null
fi

cmake --preset fuzz -DLC_FUZZ_SECONDS="$seconds" >/dev/null
cmake --build --preset fuzz
ctest --preset fuzz
