#!/bin/sh
# Installs the header, both libraries and grantlet.pc below a prefix, out of a release build.
#
#     cargo build --release && bindings/c/install.sh /usr/local
#
# The build is looked for in $CARGO_TARGET_DIR, else in target/.
set -eu

if [ $# -ne 1 ]; then
    echo "usage: $0 PREFIX" >&2
    exit 2
fi
cd "$(dirname "$0")/../.."
mkdir -p "$1/include" "$1/lib/pkgconfig"
prefix=$(cd "$1" && pwd)
built=${CARGO_TARGET_DIR:-target}/release
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
major=${version%%.*}
# What a program needs besides that links the static library; the compiler knows, once it has made one.
# Not one called /dev/null: rustc would put a file in the place of the device.
empty=$(mktemp -d)
trap 'rm -rf "$empty"' EXIT
: >"$empty/empty.rs"
native_libs=$(rustc --crate-type staticlib --print native-static-libs --out-dir "$empty" "$empty/empty.rs" 2>&1 |
    sed -n 's/^note: native-static-libs: //p')

install -m 644 include/grantlet.h "$prefix/include/"
install -m 644 "$built/libgrantlet.a" "$prefix/lib/"
if [ -f "$built/libgrantlet.dylib" ]; then
    install -m 755 "$built/libgrantlet.dylib" "$prefix/lib/libgrantlet.$major.dylib"
    ln -sf "libgrantlet.$major.dylib" "$prefix/lib/libgrantlet.dylib"
else
    install -m 755 "$built/libgrantlet.so" "$prefix/lib/libgrantlet.so.$version"
    ln -sf "libgrantlet.so.$version" "$prefix/lib/libgrantlet.so.$major"
    ln -sf "libgrantlet.so.$major" "$prefix/lib/libgrantlet.so"
fi
sed -e "s|@PREFIX@|$prefix|" -e "s|@VERSION@|$version|" -e "s|@NATIVE_LIBS@|$native_libs|" \
    bindings/c/grantlet.pc.in >"$prefix/lib/pkgconfig/grantlet.pc"
