#!/usr/bin/env bash
# grantlet from Objective-C: its tests under GNUstep (manual reference counts), plain and under AddressSanitizer and
# UndefinedBehaviorSanitizer, the flows, the README's first result, the sample over HTTP, and what a refresh costs. The
# same sources are checked as ARC code for macOS, iOS and GNUstep 2.
#
#     tests/hosts/objc.sh        (after cargo build --release; needs clang gcc gobjc libgnustep-base-dev libblocksruntime-dev)
set -euo pipefail

cd "$(dirname "$0")/../.."
target=${CARGO_TARGET_DIR:-$PWD/target}
library=$target/release/libgrantlet.a
out=$target/hosts/objc
source=bindings/objc

fail() {
    echo "objc: FAILED: $*" >&2
    exit 1
}

for tool in clang gcc gnustep-config; do
    command -v $tool >/dev/null || { echo "objc: $tool is missing" >&2; exit 77; }
done
gcc_include=$(gcc -print-file-name=include)
[ -e "$gcc_include/objc/objc.h" ] && [ -e /usr/include/Block.h ] || { echo "objc: gobjc or libblocksruntime-dev is missing" >&2; exit 77; }
[ -e "$library" ] || fail "there is no $library: cargo build --release"
rm -rf "$out"
mkdir -p "$out"/{arc,plain,asan}

# ---- Flags ------------------------------------------------------------------------------------------

# Of GNUstep's flags, its headers as the system's: they are not ours to warn about. Of gcc's, only objc/ is wanted.
gnustep=$(gnustep-config --objc-flags | sed 's/-MMD -MP//; s/-g -O2//; s/-I\. //; s/-Wno-import//; s/-I/-isystem /g')
common="-std=gnu11 -fblocks -I$out -Iinclude -I$source -I$source/gnustep $gnustep -idirafter $gcc_include"
warnings="-Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundeclared-selector -Wdocumentation"
strict="$warnings -Wconversion -Wno-sign-conversion -Wnullable-to-nonnull-conversion"
# libBlocksRuntime goes first: GNUstep has a _Block_copy of its own, which loses count of copies of copies.
libraries="$library -lBlocksRuntime $(gnustep-config --base-libs) -L$(dirname "$gcc_include") -lpthread -ldl -lm"

# ---- Made from the header and the README ------------------------------------------------------------

# CODE(GRLErrorX, GRL_X, number) for each status, by name; #error where one has no counterpart.
awk '
    FNR == NR { if (/^    GRLError[A-Za-z0-9]+ = GRL_[A-Z0-9_]+,/) { sub(/,$/, "", $3); ours[$3] = $1 } next }
    /^GRL_ENUM\(int32_t, grl_status\)/ { inside = 1 }
    /^};/ { inside = 0 }
    inside && /^    GRL_[A-Z0-9_]+ = / && $1 != "GRL_OK" {
        number = $0; sub(/^[^=]*= /, "", number); sub(/,$/, "", number)
        plain = $1; gsub(/^GRL|_/, "", plain)
        name = toupper(ours[$1]); sub(/^GRLERROR/, "", name)
        if (name != plain) print "#error " $1 " has no GRLError of its name"
        print "CODE(" ours[$1] ", " $1 ", " number ")"; delete ours[$1]
    }
    END { for (left in ours) print "#error " ours[left] " is not in the header" }
' $source/Grantlet/GRLError.h include/grantlet.h >"$out/codes.inc"

tests/hosts/snippet.sh objc >"$out/snippet"
grep '^#import' "$out/snippet" >"$out/snippet-imports.inc"
grep -v '^#import' "$out/snippet" >"$out/snippet.inc"

# Every function of C's is called, but one that only saves C a copy, and one that says what the call has said already.
for function in $(sed -n 's/^.*GRL_API [^(]*\(grl_[a-z0-9_]*\)(.*/\1/p' include/grantlet.h); do
    case $function in
    grl_engine_token_into | grl_error_status) continue ;;
    esac
    grep -q "\b$function(" $source/Grantlet/*.m || fail "Objective-C has no $function"
done

# ---- Compiled ---------------------------------------------------------------------------------------

# For ARC, what GCC's runtime header does with `isa` and lists of protocols has to be spelt differently.
cp -r "$gcc_include/objc" "$out/arc"
sed -i 's/return object->class_pointer;/return *(Class *)(__bridge void *)object;/; s/Protocol \*\*/Protocol *__unsafe_unretained */' \
    "$out/arc/objc/runtime.h"

manual="clang $common -fobjc-runtime=gcc -gdwarf-4 -O1"
arc="clang -isystem $out/arc $common -fobjc-arc -fobjc-exceptions"
echo '@import Grantlet; BOOL is_closed(GRLEngine *engine); BOOL is_closed(GRLEngine *engine) { return engine.closed; }' >"$out/module.m"
sanitize="-fsanitize=address,undefined -fno-sanitize-recover=all"
{
    for runtime in macosx-13.0 ios-16.0 gnustep-2.0; do
        for file in $source/Grantlet/*.m; do
            echo "$arc -fobjc-runtime=$runtime $strict -S -emit-llvm -o /dev/null $file"
        done
        for file in $source/examples/*.m; do
            echo "$arc -fobjc-runtime=$runtime $warnings -S -emit-llvm -o /dev/null $file"
        done
    done
    # Each public header alone, as Objective-C and Objective-C++.
    for header in $source/Grantlet/*.h; do
        case $header in
        *Internal.h) continue ;;
        esac
        echo "$manual $strict -fsyntax-only -x objective-c $header"
        echo "${manual/-std=gnu11/-std=gnu++17} ${strict/-Wstrict-prototypes/} -fsyntax-only -x objective-c++ $header"
    done
    for file in $source/{Grantlet,Tests,examples}/*.m; do
        flags=$warnings
        case $file in
        */Grantlet/*) flags=$strict ;;
        esac
        name=$(basename "$(dirname "$file")").$(basename "$file" .m).o
        echo "$manual $flags -c $file -o $out/plain/$name"
        echo "$manual $flags $sanitize -c $file -o $out/asan/$name"
    done
    # As a module, which Xcode and Swift import.
    echo "$manual -fmodules -fmodules-cache-path=$out/modules -fmodule-map-file=$source/Grantlet/module.modulemap" \
        "-fsyntax-only -x objective-c $out/module.m"
} | xargs -P 2 -I '{}' sh -c '{} || exit 255' || fail "a source does not compile"

# Text that is lent lives until the pool drains, under ARC too, whatever Foundation's headers say of -bytes.
$arc -fobjc-runtime=gnustep-2.0 -O1 -S -emit-llvm -o "$out/arc/lends.ll" $source/Grantlet/GRLInternal.m
awk '/^define .*@GRLLendData\(/, /^}/' "$out/arc/lends.ll" | grep -q 'objc\.retainAutorelease' ||
    fail "under ARC, what is lent is gone before it is read"
! grep -nE '\.(mutableB|b)ytes\b' $source/Grantlet/*.m | grep -v 'return self\.' || fail "say grl_bytes, which ARC understands"

link() { # output, compiler and its flags, objects…
    name=$1 compiler=$2
    shift 2
    # shellcheck disable=SC2086
    $compiler "$@" $libraries -o "$out/$name" || fail "$name does not link"
}
link tests clang "$out"/plain/{Grantlet,Tests}.*.o
link sample clang "$out"/plain/{Grantlet,examples}.*.o
# gcc has the sanitizers' runtime, where clang's is a package of its own.
link tests-asan "gcc $sanitize" "$out"/asan/{Grantlet,Tests}.*.o
link sample-asan "gcc $sanitize" "$out"/asan/{Grantlet,examples}.*.o

# ---- Run --------------------------------------------------------------------------------------------

# What GNUstep and the runtime keep for ever. Objects of ours that leak are found by the tests called …balanced.
printf 'leak:libobjc.so\nleak:libgnustep-base.so\n' >"$out/lsan"
export LSAN_OPTIONS=suppressions=$out/lsan:print_suppressions=0 UBSAN_OPTIONS=print_stacktrace=1
export ROOT=$PWD
run() { # what it is, command…
    what=$1
    shift
    timeout 120 "$@" >"$out/log" 2>"$out/err" || {
        cat "$out/log" "$out/err" >&2
        fail "$what"
    }
}
base=$(echo GNUSTEP_BASE_MAJOR_VERSION.GNUSTEP_BASE_MINOR_VERSION | clang $common -include GNUstepBase/GSConfig.h -E -P -x objective-c - | tail -1 | tr -d ' ')
tools="clang $(clang -dumpversion), GNUstep base $base"

run "the tests" env GLIBC_TUNABLES=glibc.malloc.tcache_count=0 "$out/tests"
echo "objc: $tools: $(grep tests "$out/log"), $(grep flows "$out/log"), plain"
echo "objc: $(grep refresh "$out/log")"
run "the tests under ASan and UBSan" env SKIP=cost "$out/tests-asan"
echo "objc: $(grep tests "$out/log"), $(grep flows "$out/log"), under ASan and UBSan with leaks"
run "the sample under ASan and UBSan" env LSAN_OPTIONS=detect_leaks=0 "$out/sample-asan"
run "the sample" "$out/sample"
grep -q invalid_grant "$out/log" || fail "the sample does not come to its end"
echo "objc: the sample over HTTP; ARC for macOS 13, iOS 16 and GNUstep 2; headers alone, as Objective-C++ too"
