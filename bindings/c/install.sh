#!/bin/sh
# Installs the headers for C and C++, both libraries, grantlet.pc and CMake's package below a prefix, out of a
# release build. The prefix may be moved afterwards.
#
#     cargo build --release && bindings/c/install.sh /usr/local
#
# The build is looked for in $CARGO_TARGET_DIR, else in target/. $DESTDIR, if it is set, goes before the prefix.
set -eu

if [ $# -ne 1 ]; then
    echo "usage: $0 PREFIX" >&2
    exit 2
fi
case $1 in
/*) prefix=${DESTDIR:-}$1 ;;
*) prefix=$PWD/$1 ;;
esac
cd "$(dirname "$0")/../.."
built=${CARGO_TARGET_DIR:-target}/release
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
major=${version%%.*}
minor=${version#*.}
minor=${minor%%.*}
# What a program needs besides that links the static library; the compiler knows, once it has made one.
# Not one called /dev/null: rustc would put a file in the place of the device.
empty=$(mktemp -d)
trap 'rm -rf "$empty"' EXIT
: >"$empty/empty.rs"
native_libs=$(rustc --crate-type staticlib --print native-static-libs --out-dir "$empty" "$empty/empty.rs" 2>&1 |
    sed -n 's/^note: native-static-libs: //p')
pointer_bits=$(rustc --print cfg | sed -n 's/^target_pointer_width="\(.*\)"$/\1/p')

mkdir -p "$prefix/include/grantlet" "$prefix/lib/pkgconfig" "$prefix/lib/cmake/grantlet"
install -m 644 include/grantlet.h bindings/c/include/grantlet.hpp "$prefix/include/"
install -m 644 bindings/c/include/grantlet/*.hpp "$prefix/include/grantlet/"
install -m 644 "$built/libgrantlet.a" "$prefix/lib/"
if [ -f "$built/libgrantlet.dylib" ]; then
    shared=libgrantlet.$major.dylib
    soname="@rpath/$shared"
    install -m 755 "$built/libgrantlet.dylib" "$prefix/lib/$shared"
    ln -sf "$shared" "$prefix/lib/libgrantlet.dylib"
else
    shared=libgrantlet.so.$version
    soname=libgrantlet.so.$major
    install -m 755 "$built/libgrantlet.so" "$prefix/lib/$shared"
    ln -sf "$shared" "$prefix/lib/$soname"
    ln -sf "$soname" "$prefix/lib/libgrantlet.so"
fi

fill() { # template, what is to be written, how its lists are separated
    sed -e "s|@VERSION@|$version|" -e "s|@MAJOR@|$major|" -e "s|@MINOR@|$minor|" -e "s|@SHARED@|$shared|" \
        -e "s|@SONAME@|$soname|" -e "s|@POINTER_BYTES@|$((pointer_bits / 8))|" \
        -e "s|@NATIVE_LIBS@|$(echo "$native_libs" | sed "s/ /$3/g")|" "bindings/c/$1" >"$prefix/lib/$2"
    chmod 644 "$prefix/lib/$2"
}
fill grantlet.pc.in pkgconfig/grantlet.pc ' '
fill cmake/grantletConfig.cmake.in cmake/grantlet/grantletConfig.cmake ';'
fill cmake/grantletConfigVersion.cmake.in cmake/grantlet/grantletConfigVersion.cmake ' '
