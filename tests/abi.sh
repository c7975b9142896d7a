#!/bin/sh
# The C ABI, as a C programmer meets it: the header under every compiler, the exported symbols, the
# SONAME, pkg-config, and the C programs plain, under ASan and UBSan, and under valgrind.
#
#     tests/abi.sh        (Linux; needs gcc g++ clang valgrind pkg-config)
#
# Prints a line for each thing that ran, and stops at the first that fails.
set -eu

cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export RUST_BACKTRACE=0

TESTS="flow misuse buffer callbacks store durable threads http panic"
WARNINGS="-pedantic -Wall -Wextra -Werror -Wconversion -Wundef"

say() {
    echo "abi: $*"
}

fail() {
    echo "abi: FAILED: $*" >&2
    exit 1
}

for tool in cargo gcc g++ clang clang++ valgrind pkg-config nm readelf; do
    command -v "$tool" >/dev/null || fail "$tool is missing (apt-get install gcc g++ clang valgrind pkg-config)"
done

# ---- The header alone -------------------------------------------------------------------------------

header() { # compiler, standard, language
    # shellcheck disable=SC2086
    "$1" -x "$3" -std="$2" $WARNINGS -Iinclude -fsyntax-only tests/abi/header.c || fail "the header with $1 -std=$2"
}
for standard in c99 c11 c17 c2x; do
    header gcc $standard c
    header clang $standard c
done
for standard in c++11 c++17 c++20; do
    header g++ $standard c++
    header clang++ $standard c++
done
say "the header compiles alone, twice included: c99 c11 c17 c2x c++11 c++17 c++20 x gcc clang"

# ---- The library ------------------------------------------------------------------------------------

cargo build --quiet --release --lib
bindings/c/install.sh "$work/shared"
# With both there, -l would prefer the shared one.
cp -r "$work/shared" "$work/static"
rm "$work/static/lib/"*.so*
sed -i "s|^prefix=.*|prefix=$work/static|" "$work/static/lib/pkgconfig/grantlet.pc"
flags() { # shared or static, pkg-config's arguments
    where=$1
    shift
    PKG_CONFIG_PATH="$work/$where/lib/pkgconfig" pkg-config "$@" grantlet
}
say "installed by bindings/c/install.sh; pkg-config finds version $(flags shared --modversion)"

library=$work/shared/lib/libgrantlet.so
nm -D --defined-only "$library" | awk '{print $3}' | sort >"$work/exported"
sed -n 's/^.*GRL_API [^(]*\(grl_[a-z0-9_]*\)(.*/\1/p' include/grantlet.h | sort >"$work/declared"
diff "$work/declared" "$work/exported" >&2 || fail "declared (<) and exported (>) symbols differ"
say "the shared library exports the header's $(wc -l <"$work/declared") functions and nothing else"

soname=$(readelf -d "$library" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
[ -e "$work/shared/lib/$soname" ] || fail "there is no file called as the SONAME says: '$soname'"
say "SONAME $soname"

# ---- The programs -----------------------------------------------------------------------------------

compile() { # output, sources, linkage, compiler and its flags
    output=$1 sources=$2 linkage=$3
    shift 3
    libs=--libs
    [ "$linkage" = shared ] || libs="--static --libs"
    # Not every valgrind reads what clang writes of itself, DWARF 5.
    # shellcheck disable=SC2046,SC2086
    "$@" -std=c99 -D_POSIX_C_SOURCE=200809L $WARNINGS -gdwarf-4 $sources -o "$work/$output" -pthread \
        $(flags "$linkage" --cflags) $(flags "$linkage" $libs) || fail "$sources with $*"
}

run() { # what it is called, command
    name=$1
    shift
    LD_LIBRARY_PATH=$work/shared/lib timeout 300 "$@" >"$work/log" 2>&1 || {
        cat "$work/log" >&2
        fail "$name"
    }
}

must_be_caught() { # what it is called, what the report says, command
    name=$1 report=$2
    shift 2
    if timeout 300 "$@" >"$work/log" 2>&1; then
        fail "$name was not caught"
    fi
    grep -q "$report" "$work/log" || { cat "$work/log" >&2; fail "$name fails, but not with '$report'"; }
}

sanitize="gcc -fsanitize=address,undefined -fno-sanitize-recover=all"
memcheck="valgrind --quiet --leak-check=full --show-leak-kinds=definite,indirect,possible --error-exitcode=9"
memcheck="$memcheck --errors-for-leak-kinds=definite,indirect,possible"

for planted in leak use_after_free; do
    # shellcheck disable=SC2086
    compile $planted.asan tests/abi/planted_$planted.c static $sanitize
    compile $planted tests/abi/planted_$planted.c static gcc
done
# shellcheck disable=SC2086
{
    must_be_caught "a planted leak under ASan" "detected memory leaks" "$work/leak.asan"
    must_be_caught "a planted leak under valgrind" "definitely lost" $memcheck "$work/leak"
    must_be_caught "a planted use after free under ASan" "heap-use-after-free" "$work/use_after_free.asan"
    must_be_caught "a planted use after free under valgrind" "Invalid read" $memcheck "$work/use_after_free"
}
say "ASan and valgrind catch a planted leak and a planted use after free"

for test in quickstart $TESTS; do
    case $test in
    quickstart) sources=bindings/c/examples/quickstart.c ;;
    store) sources="tests/abi/store.c tests/abi/ram_store.c" ;;
    *) sources=tests/abi/$test.c ;;
    esac
    compile "$test.shared" "$sources" shared clang
    compile "$test.static" "$sources" static gcc -O2
    # shellcheck disable=SC2086
    compile "$test.asan" "$sources" static $sanitize
    run "$test with the shared library (clang)" "$work/$test.shared"
    run "$test with the static library (gcc -O2)" "$work/$test.static"
    run "$test under ASan and UBSan" "$work/$test.asan"
    # shellcheck disable=SC2086
    run "$test under valgrind" $memcheck "$work/$test.shared"
    say "$test: shared, static, ASan and UBSan, valgrind"
done

run "the quickstart on a file" "$work/quickstart.asan" --store "$work/quickstart.db"
say "quickstart --store: ASan and UBSan"

timeout 1 "$work/quickstart.static" >"$work/log" || fail "the quickstart takes longer than a second"
[ "$(grep -c '^[1-8]\. ' "$work/log")" = 8 ] || fail "the quickstart does not tell its eight steps"
say "the quickstart tells its story in under a second"
