#!/usr/bin/env bash
# Builds and tests the C library alone: plain, then under AddressSanitizer with
# UndefinedBehaviorSanitizer, ThreadSanitizer and RealtimeSanitizer. The last two want clang 20 or
# later, which CLANG names; each goes to a folder of its own under BUILD. At last some of them for
# 64-bit Arm on an emulator.
#
#   native/tests/run.sh                                   all of them
#   TESTS='inline|realtime' native/tests/run.sh realtime  some tests (ctest -R) of some builds
#
# TAGNODE_MODELS names the folder with musicnn-mtt.tflite, where `pyplugin models get` puts it
# otherwise; without it that model's work goes unmeasured.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${BUILD:-build/native}
clang=${CLANG:-clang}
export TAGNODE_MODELS=${TAGNODE_MODELS:-${XDG_DATA_HOME:-${HOME:-}/.local/share}/pyplugin/models}

check() { # folder, compiler, sanitizers
    echo "-- C tests: $1"
    cmake -S native -B "$build/$1" -DTAGNODE_TESTS=ON -DCMAKE_C_COMPILER="$2" \
        -DTAGNODE_SANITIZE="$3" >/dev/null
    cmake --build "$build/$1" --parallel "$(nproc)" >/dev/null
    (cd "$build/$1" && ctest --output-on-failure --no-tests=error -R "${TESTS:-.}")
    case $1 in # the work that a callback does is the same in all
    plain | realtime) grep -h "a callback," "$build/$1/Testing/Temporary/LastTest.log" || true ;;
    esac
}

check_with_clang() { # folder and sanitizer
    if ! command -v "$clang" >/dev/null; then
        echo "$clang is not here: install clang 20 or later and name it, CLANG=clang-22" >&2
        exit 1
    fi
    RTSAN_OPTIONS=external_symbolizer_path=$("$clang" --print-prog-name=llvm-symbolizer)
    export RTSAN_OPTIONS
    check "$1" "$clang" "$1"
}

# What is particular to 64-bit Arm, on an emulator: with and without the dot product.
check_arm() {
    if ! command -v qemu-aarch64-static >/dev/null || [ ! -d /usr/aarch64-linux-gnu ]; then
        echo "no emulator for 64-bit Arm: apt-get install qemu-user-static gcc-aarch64-linux-gnu" >&2
        exit 1
    fi
    echo "-- C tests: aarch64"
    cmake -S native -B "$build/aarch64" -DTAGNODE_TESTS=ON -DCMAKE_SYSTEM_NAME=Linux \
        -DCMAKE_SYSTEM_PROCESSOR=aarch64 -DCMAKE_C_COMPILER="$clang" \
        -DCMAKE_C_COMPILER_TARGET=aarch64-linux-gnu >/dev/null
    cmake --build "$build/aarch64" --parallel "$(nproc)" >/dev/null
    local machine name shapes
    for machine in cortex-a72 max; do
        for name in automation graph head kernels ring signals swap; do
            shapes=
            [ "$name" != kernels ] || shapes=400
            # shellcheck disable=SC2086 # no argument rather than an empty one
            qemu-aarch64-static -cpu "$machine" -L /usr/aarch64-linux-gnu \
                "$build/aarch64/tests/test_$name" $shapes | sed "s/^/$machine $name: /"
        done
    done
}

[ $# -gt 0 ] || set -- plain address thread realtime aarch64
for name; do
    case $name in
    plain) check plain "${CC:-cc}" "" ;;
    address) check address "${CC:-cc}" address,undefined ;;
    thread | realtime) check_with_clang "$name" ;;
    aarch64) check_arm ;;
    *)
        echo "There is no build $name; choose plain, address, thread, realtime or aarch64." >&2
        exit 1
        ;;
    esac
done
