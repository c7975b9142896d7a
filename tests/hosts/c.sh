#!/bin/sh
# grantlet from C: the flows and the README's first result, with gcc and clang. (What a C caller may get wrong, and
# the header under every standard: tests/abi.sh.)
#
#     tests/hosts/c.sh        (after cargo build --release; needs gcc clang pkg-config libcjson-dev)
set -eu

cd "$(dirname "$0")/../.."
out=${CARGO_TARGET_DIR:-$PWD/target}/hosts/c
source=bindings/c/tests
warnings="-Wall -Wextra -pedantic -Werror -Wconversion -Wshadow"

fail() {
    echo "c: FAILED: $*" >&2
    exit 1
}

for tool in gcc clang pkg-config; do
    command -v "$tool" >/dev/null || { echo "c: $tool is missing" >&2; exit 77; }
done
rm -rf "$out"
mkdir -p "$out/stores.gcc" "$out/stores.clang"
bindings/c/install.sh "$out/prefix"
export PKG_CONFIG_PATH="$out/prefix/lib/pkgconfig"
sed -n 's/^    \(GRL_[A-Z0-9_]*\) = \(.*\),$/STATUS(\1, \2)/p' include/grantlet.h >"$out/statuses.inc"
tests/hosts/snippet.sh c >"$out/snippet.inc"

build() { # output, source, packages, compiler and its flags
    output=$1 program=$2 packages=$3
    shift 3
    # shellcheck disable=SC2046,SC2086
    "$@" -std=c11 $warnings -g -I"$out" $source/$program.c -o "$out/$output" $(pkg-config --cflags --libs $packages) \
        -Wl,-rpath,"$out/prefix/lib" || fail "$program.c with $1"
}
for compiler in gcc clang; do
    flags=-O2
    [ $compiler = clang ] || flags="-fsanitize=address,undefined -fno-sanitize-recover=all"
    # shellcheck disable=SC2086
    build flows.$compiler flows "grantlet libcjson" $compiler $flags
    flows=$(timeout 60 "$out/flows.$compiler" tests/vectors/flows.json "$out/stores.$compiler") || fail "the flows with $compiler"
    build snippet.$compiler snippet grantlet $compiler -O2
    [ "$("$out/snippet.$compiler")" = alice ] || fail "the README's first result is not alice"
done

echo "c: gcc $(gcc -dumpfullversion), clang $(clang -dumpversion): $flows (ASan and UBSan), snippet"
