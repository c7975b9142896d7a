#!/bin/sh
# grantlet from C++: grantlet.hpp under every compiler and standard, its tests under sanitizers, the flows, the
# README's first result, the sample, and the package as CMake and pkg-config find it.
#
#     tests/hosts/cpp.sh        (after cargo build --release; needs g++ clang++ cmake pkg-config nlohmann-json3-dev
#                                libcurl4-openssl-dev)
set -eu

cd "$(dirname "$0")/../.."
out=${CARGO_TARGET_DIR:-$PWD/target}/hosts/cpp
source=bindings/c/tests
warnings="-Wall -Wextra -pedantic -Werror -Wconversion -Wshadow"

fail() {
    echo "cpp: FAILED: $*" >&2
    exit 1
}

for tool in g++ clang++ cmake pkg-config; do
    command -v "$tool" >/dev/null || { echo "cpp: $tool is missing" >&2; exit 77; }
done
rm -rf "$out"
mkdir -p "$out/objects"

# ---- Installed, and then moved ----------------------------------------------------------------------

bindings/c/install.sh "$out/installed"
mv "$out/installed" "$out/prefix"
prefix=$out/prefix
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"
# With both there, -l would prefer the shared one.
mkdir "$out/static"
ln -s "$prefix/lib/libgrantlet.a" "$out/static/"
shared="$(pkg-config --libs grantlet) -Wl,-rpath,$prefix/lib"
static="-L$out/static $(pkg-config --static --libs grantlet | sed 's/-L[^ ]*//')"
includes="$(pkg-config --cflags grantlet) -I$out"

sed -n 's/^    \(GRL_[A-Z0-9_]*\) = \(.*\),$/STATUS(\1, \2)/p' include/grantlet.h >"$out/statuses.inc"
tests/hosts/snippet.sh cpp >"$out/snippet.inc"

# ---- The headers ------------------------------------------------------------------------------------

# Each alone, twice, in every standard, with and without exceptions.
for header in "$prefix"/include/grantlet.hpp "$prefix"/include/grantlet/*.hpp; do
    name=${header#"$prefix/include/"}
    printf '#include <%s>\n#include <%s>\n' "$name" "$name" >"$out/$(basename "$name" .hpp).alone.cpp"
done
# Behind <windows.h> and its macros; and under what users warn of besides, as the tests call them.
printf '#include <%s>\n' algorithm charconv chrono cstdio cstdlib functional iterator memory optional string string_view utility variant vector \
    >"$out/windows.alone.cpp"
printf '#define %s\n' 'min(a, b) x' 'max(a, b) x' 'small char' 'interface struct' near far IN OUT ERROR DELETE >>"$out/windows.alone.cpp"
echo '#include <grantlet.hpp>' >>"$out/windows.alone.cpp"
users="-Wextra-semi -Wold-style-cast -Wsign-conversion -Wcast-qual -Wzero-as-null-pointer-constant -Wnon-virtual-dtor -Woverloaded-virtual -Wundef"

check() { # compiler, standard, exceptions, source
    # shellcheck disable=SC2086
    echo $1 -std=$2 $3 $warnings $includes -fsyntax-only $4
}
{
    for compiler in g++ clang++; do
        for standard in c++17 c++20 c++2b; do
            for exceptions in -fexceptions -fno-exceptions; do
                check $compiler $standard $exceptions "$out/grantlet.alone.cpp"
            done
        done
    done
    for alone in "$out"/*.alone.cpp; do
        check g++ c++17 -fexceptions "$alone"
    done
    check "clang++ $users" c++20 -fexceptions $source/engine.cpp
    check "g++ $users -Wuseless-cast -Wlogical-op" c++17 -fexceptions $source/store.cpp
} | xargs -P 2 -I '{}' sh -c '{}' || fail "the headers"

# What must not compile does not, and for its reason.
for refused in $(sed -n 's/^#.*REFUSED == \([0-9]*\).*/\1/p' $source/refused.cpp); do
    reason=$(sed -n "s/^#.*REFUSED == $refused .*REASON: //p" $source/refused.cpp)
    # shellcheck disable=SC2086
    ! clang++ -std=c++20 $warnings $includes -DREFUSED="$refused" -fsyntax-only $source/refused.cpp 2>"$out/log" ||
        fail "refused.cpp compiles with REFUSED=$refused"
    grep -qF "$reason" "$out/log" || fail "refused.cpp, REFUSED=$refused: no word of '$reason'"
done
# shellcheck disable=SC2086
clang++ -std=c++20 $warnings $includes -DREFUSED=0 -fsyntax-only $source/refused.cpp || fail "refused.cpp with REFUSED=0"

# Every function of C's has its place, but one that writes into memory of the caller's (it goes by native_handle), and
# one that says what the call has said already.
for function in $(sed -n 's/^.*GRL_API [^(]*\(grl_[a-z0-9_]*\)(.*/\1/p' include/grantlet.h); do
    case $function in
    grl_engine_token_into | grl_error_status) continue ;;
    esac
    grep -q "\b$function\b" bindings/c/include/grantlet/*.hpp || fail "C++ has no $function"
done

# ---- The tests --------------------------------------------------------------------------------------

sanitized="g++ -std=c++17 -fsanitize=address,undefined -fno-sanitize-recover=all"
raced="g++ -std=c++17 -fsanitize=thread"
other="clang++ -std=c++20 -O2"
bare="clang++ -std=c++17 -fno-exceptions -fno-rtti"
build() { # output, compiler and its flags, sources…
    output=$1 compiler=$2
    shift 2
    for part; do
        echo "$compiler $warnings -g $includes -c $source/$part.cpp -o $out/objects/$output.$part.o"
    done
}
all="main engine misuse callbacks store threads statuses"
{
    build flows "$sanitized" flows
    # shellcheck disable=SC2086
    build sanitized "$sanitized" $all
    # shellcheck disable=SC2086
    build other "$other" $all
    build raced "$raced" main threads
    build bare "$bare" main no_exceptions
    build other_library "$sanitized" main other_library
    build memory "$sanitized" main memory
    build snippet "$sanitized" snippet
    build snippet2 "$other" snippet
    build cost "$other" cost
} | xargs -P 2 -I '{}' sh -c '{}' || fail "a test does not compile"

link() { # output, compiler and its flags, libraries
    # shellcheck disable=SC2086
    $2 "$out/objects/$1".*.o $3 -pthread -o "$out/$1" || fail "$1 does not link"
}
run() { # what it is, command
    what=$1
    shift
    timeout 120 "$@" >"$out/log" 2>"$out/err" || {
        cat "$out/log" "$out/err" >&2
        fail "$what"
    }
}
link sanitized "$sanitized" "$static"
link other "$other" "$shared"
link raced "$raced" "$shared"
link bare "$bare" "$static"
link other_library "$sanitized" "$shared"
link memory "$sanitized" "$static"
link flows "$sanitized" "$static"
link snippet "$sanitized" "$static"
link snippet2 "$other" "$shared"
link cost "$other" "$shared"

TSAN_OPTIONS=suppressions=$PWD/$source/tsan.supp run "the tests under TSan" "$out/raced"
run "the tests without exceptions" "$out/bare"
run "the test of another library" "$out/other_library"
run "the test of memory that runs out" "$out/memory"
run "the tests with clang++ in C++20" "$out/other"
run "the tests under ASan and UBSan" "$out/sanitized"
tests=$(cat "$out/log")
for snippet in snippet snippet2; do
    run "the README's first result" "$out/$snippet"
    [ "$(cat "$out/log")" = alice ] || fail "the README's first result is not alice"
done
run "the cost" "$out/cost"
cost=$(cat "$out/log")
mkdir "$out/stores"
run "the flows" "$out/flows" tests/vectors/flows.json "$out/stores"
flows=$(cat "$out/log")

# ---- As a user builds: the sample by pkg-config, a project by CMake -------------------------------------

# shellcheck disable=SC2046,SC2086
g++ -std=c++17 -O2 $warnings bindings/c/examples/server.cpp -o "$out/server" -pthread \
    $(pkg-config --cflags --libs grantlet libcurl) -Wl,-rpath,"$prefix/lib" || fail "the sample does not compile"
run "the sample" "$out/server"
# shellcheck disable=SC2046
g++ -std=c++17 $source/consume/main.cpp -o "$out/by-pkg-config" -L"$out/static" \
    $(pkg-config --static --cflags --libs grantlet | sed "s|-L$prefix[^ ]*||") || fail "pkg-config --static"
run "the program by pkg-config --static" "$out/by-pkg-config"
! ldd "$out/by-pkg-config" | grep -q libgrantlet || fail "pkg-config --static links the shared library"

for compiler in g++ clang++; do
    run "CMake configures" cmake -S $source/consume -B "$out/$compiler.build" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_CXX_COMPILER=$compiler
    run "CMake builds" cmake --build "$out/$compiler.build"
    for program in c_grantlet c_static cpp_grantlet cpp_static; do
        run "CMake's $program" "$out/$compiler.build/$program"
        case $(ldd "$out/$compiler.build/$program") in
        *libgrantlet.so*) linked=grantlet ;;
        *) linked=static ;;
        esac
        [ "$linked" = "${program#*_}" ] || fail "CMake links $program otherwise"
    done
done
run "CMake configures for C alone" cmake -S $source/consume/c_only -B "$out/c_only.build" -DCMAKE_PREFIX_PATH="$prefix"
run "CMake builds for C alone" cmake --build "$out/c_only.build"
run "CMake's program in C alone" "$out/c_only.build/c_only"

echo "cpp: g++ $(g++ -dumpfullversion), clang++ $(clang++ -dumpversion), C++17 to 23: $tests (ASan and UBSan, TSan, -fno-exceptions), $flows, snippet, sample, CMake $(cmake --version | sed -n '1s/.* //p'), pkg-config; $cost"
