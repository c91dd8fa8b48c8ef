#!/usr/bin/env bash
# Builds and tests the C library alone: plain, then under AddressSanitizer with
# UndefinedBehaviorSanitizer, ThreadSanitizer and RealtimeSanitizer. The last two want clang 20 or
# later, which CLANG names; each goes to a folder of its own under BUILD. Then the installed library
# is used by another project, and the library is built for other machines: 64-bit Arm, tested on an
# emulator, and Windows, whose plugins run in their hosts under wine. The build wine, all C tests
# under it, has to be asked for.
#
#   native/tests/run.sh                                   all of them
#   TESTS='inline|realtime' native/tests/run.sh realtime  some tests (ctest -R) of some builds
#
# TAGNODE_SCENE names the model for the plugins, build/scene.tagnode as the Makefile makes it; without
# it they only measure. TAGNODE_PRESETS names their presets, build/presets.c. TAGNODE_MODELS names the folder with musicnn-mtt.tflite, where `tagnode models get` saves it
# by default; without it the work of that model is not measured.
set -euo pipefail
cd "$(dirname "$0")/../.."
export build=${BUILD:-build/native}
clang=${CLANG:-clang}
export TAGNODE_MODELS=${TAGNODE_MODELS:-${XDG_DATA_HOME:-${HOME:-}/.local/share}/pyplugin/models}

configure() { # folder, options
    local scene=${TAGNODE_SCENE:-} presets=${TAGNODE_PRESETS:-}
    cmake -S native -B "$build/$1" ${scene:+"-DTAGNODE_SCENE=$scene"} \
        ${presets:+"-DTAGNODE_PRESETS=$presets"} "${@:2}" >/dev/null
}

check() { # folder, compiler, sanitizers
    echo "-- C tests: $1"
    configure "$1" -DTAGNODE_TESTS=ON -DCMAKE_C_COMPILER="$2" -DTAGNODE_SANITIZE="$3"
    cmake --build "$build/$1" --parallel "$(nproc)" >/dev/null
    (cd "$build/$1" && ctest --parallel "$(nproc)" --output-on-failure --no-tests=error -R "${TESTS:-.}")
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

# The plugins for another machine, whose Turtle is written on this one.
configure_plugins() { # folder, options
    configure plain -DTAGNODE_PLUGINS=ON
    cmake --build "$build/plain" --parallel "$(nproc)" --target tagnode_make_ttl >/dev/null
    configure "$@" -DTAGNODE_PLUGINS=ON \
        -DTAGNODE_MAKE_TTL="$(realpath "$build/plain/plugin/lv2/tagnode_make_ttl")"
}

# What is particular to 64-bit Arm, on an emulator: with and without the dot product.
check_arm() {
    if ! command -v qemu-aarch64-static >/dev/null || [ ! -d /usr/aarch64-linux-gnu ]; then
        echo "no emulator for 64-bit Arm: apt-get install qemu-user-static gcc-aarch64-linux-gnu" >&2
        exit 1
    fi
    echo "-- C tests: aarch64"
    configure_plugins aarch64 -DTAGNODE_TESTS=ON -DCMAKE_SYSTEM_NAME=Linux \
        -DCMAKE_SYSTEM_PROCESSOR=aarch64 -DCMAKE_C_COMPILER="$clang" \
        -DCMAKE_C_COMPILER_TARGET=aarch64-linux-gnu
    cmake --build "$build/aarch64" --parallel "$(nproc)" >/dev/null
    local machine name shapes vst3=Tagnode.vst3/Contents/aarch64-linux/Tagnode.so
    {
        echo "cortex-a72 plugin/host_clap $build/aarch64/tagnode.clap"
        echo "cortex-a72 plugin/host_vst3 $build/aarch64/$vst3"
        echo "cortex-a72 plugin/host_lv2 $build/aarch64/tagnode.lv2/tagnode.so"
        for machine in cortex-a72 max; do
            for name in automation floats graph head kernels ring signals swap; do
                shapes=
                case $name in kernels) shapes=400 ;; floats) shapes=60 ;; esac
                echo "$machine test_$name $shapes"
            done
        done
    } | xargs -P "$(nproc)" -L 1 bash -c 'set -o pipefail; on_arm "$@"' on_arm
}

# The library as another project uses it: installed, static and shared, found by CMake and by
# pkg-config. The program and its result are the same for all four.
check_installed() {
    local kind folder prefix version expected result
    for kind in static shared; do
        echo "-- installed: $kind"
        folder=$(realpath -m "$build/installed/$kind") prefix=$folder/prefix
        rm -rf "$prefix" "$folder/moved"
        cmake -S native -B "$folder" -DCMAKE_C_COMPILER="${CC:-cc}" \
            -DBUILD_SHARED_LIBS="$([ "$kind" = shared ] && echo ON || echo OFF)" >/dev/null
        cmake --build "$folder" --parallel "$(nproc)" >/dev/null
        cmake --install "$folder" --prefix "$prefix" >/dev/null
        mv "$prefix" "$folder/moved" # the installed tree must not contain its original path
        prefix=$folder/moved
        cmake -S native/tests/installed -B "$folder/meter" -DCMAKE_PREFIX_PATH="$prefix" >/dev/null
        cmake --build "$folder/meter" >/dev/null
        result=$("$folder/meter/meter")
        PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name tagnode.pc)")
        export PKG_CONFIG_PATH
        version=$(pkg-config --modversion tagnode)
        # shellcheck disable=SC2046 # flags are words
        "${CC:-cc}" -std=c11 -DPACKAGE_VERSION="\"$version\"" native/tests/installed/meter.c \
            -o "$folder/meter/meter_pc" $(pkg-config --cflags --libs tagnode) -lm
        expected="tagnode $version: -3.0 dBFS, gain 0.05"
        for result in "$result" "$(LD_LIBRARY_PATH=$(pkg-config --variable=libdir tagnode) \
            "$folder/meter/meter_pc")"; do
            if [ "$result" != "$expected" ]; then
                echo "the installed library prints '$result'; '$expected' is expected" >&2
                exit 1
            fi
        done
        echo "$result"
    done
}

on_arm() { # machine, program, arguments; also in other shells, some at a time
    qemu-aarch64-static -cpu "$1" -L /usr/aarch64-linux-gnu "$build/aarch64/tests/$2" "${@:3}" |
        sed "s/^/$1 ${2##*/}: /"
}

export -f on_arm

on_windows() { # program, arguments
    WINEPREFIX=${WINEPREFIX:-$(realpath "$build")/wine} WINEDEBUG=-all wine "$@" | tail -n 1
}

# The plugins link, and need no more than Windows has; under wine, if it is here, they pass the tests
# of their hosts.
check_windows() {
    if ! command -v x86_64-w64-mingw32-gcc >/dev/null; then
        echo "no compiler for Windows: apt-get install gcc-mingw-w64-x86-64" >&2
        exit 1
    fi
    echo "-- plugins: windows"
    configure_windows
    cmake --build "$build/windows" --parallel "$(nproc)" --target tagnode_lv2 tagnode_clap \
        tagnode_vst3 tagnode_windows host_lv2 host_clap host_vst3 >/dev/null
    local plugin others
    for plugin in tagnode.lv2/tagnode.dll tagnode.lv2/tagnode_window.dll tagnode.clap \
        Tagnode.vst3/Contents/x86_64-win/Tagnode.vst3; do
        others=$(x86_64-w64-mingw32-objdump -p "$build/windows/$plugin" |
            sed -n 's/.*DLL Name: //p' | grep -vixE '(kernel32|msvcrt|ws2_32|user32|gdi32|gdiplus)\.dll' || true)
        if [ -n "$others" ]; then
            echo "$plugin needs more than Windows has: $others" >&2
            exit 1
        fi
        echo "$plugin links"
    done
    if ! command -v wine >/dev/null; then
        echo "skipped: the hosts under wine: apt-get install wine wine64"
        return
    fi
    on_windows "$build/windows/tests/plugin/host_lv2.exe" "$build/windows/tagnode.lv2/tagnode.dll"
    on_windows "$build/windows/tests/plugin/host_clap.exe" "$build/windows/tagnode.clap"
    on_windows "$build/windows/tests/plugin/host_vst3.exe" \
        "$build/windows/Tagnode.vst3/Contents/x86_64-win/Tagnode.vst3"
}

configure_windows() { # options
    configure_plugins windows -DTAGNODE_TESTS=ON -DCMAKE_SYSTEM_NAME=Windows \
        -DCMAKE_SYSTEM_PROCESSOR=x86_64 -DCMAKE_C_COMPILER=x86_64-w64-mingw32-gcc "$@"
}

# All C tests under wine; by name only.
check_wine() {
    echo "-- C tests: wine"
    configure_windows -DCMAKE_CROSSCOMPILING_EMULATOR="$(command -v wine)"
    cmake --build "$build/windows" --parallel "$(nproc)" >/dev/null
    (cd "$build/windows" && WINEDEBUG=-all ctest --parallel "$(nproc)" --output-on-failure \
        --no-tests=error -R "${TESTS:-.}")
}

[ $# -gt 0 ] || set -- plain address thread realtime installed aarch64 windows
for name; do
    case $name in
    plain) check plain "${CC:-cc}" "" ;;
    address) check address "${CC:-cc}" address,undefined ;;
    thread | realtime) check_with_clang "$name" ;;
    installed) check_installed ;;
    aarch64) check_arm ;;
    windows) check_windows ;;
    wine) check_wine ;;
    *)
        echo "There is no build $name; choose plain, address, thread, realtime, installed, aarch64, windows or wine." >&2
        exit 1
        ;;
    esac
done
