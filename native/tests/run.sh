#!/usr/bin/env bash
# Builds and tests the C library alone: plain, then under AddressSanitizer with
# UndefinedBehaviorSanitizer, ThreadSanitizer and RealtimeSanitizer. The last two want clang 20 or
# later, which CLANG names; each goes to a folder of its own under BUILD.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${BUILD:-build/native}
clang=${CLANG:-clang}

check() { # folder, compiler, sanitizers
    echo "-- C tests: $1"
    cmake -S native -B "$build/$1" -DTAGNODE_TESTS=ON -DCMAKE_C_COMPILER="$2" \
        -DTAGNODE_SANITIZE="$3" >/dev/null
    cmake --build "$build/$1" --parallel "$(nproc)" >/dev/null
    (cd "$build/$1" && ctest --output-on-failure)
}

check plain "${CC:-cc}" ""
check address "${CC:-cc}" address,undefined
if ! command -v "$clang" >/dev/null; then
    echo "$clang is not here: install clang 20 or later and name it, CLANG=clang-22" >&2
    exit 1
fi
RTSAN_OPTIONS=external_symbolizer_path=$("$clang" --print-prog-name=llvm-symbolizer)
export RTSAN_OPTIONS
check thread "$clang" thread
check realtime "$clang" realtime
