#!/usr/bin/env bash
# The C# binding on mono and on .NET: its tests, the flows, the README's first result, the sample, what a refresh costs, and
# the NuGet package.
#
#     tests/hosts/csharp.sh [NAME…]      (Linux, after `cargo build --release`; a NAME runs the tests that have it in theirs)
#
# mono comes from Debian: mono-mcs mono-runtime libmono-system-core4.0-cil libmono-system-net-http4.0-cil; .NET and Roslyn come
# from csharp-toolchain.sh. Prints a line for each thing that ran, and stops at the first that fails.
set -euo pipefail
cd "$(dirname "$0")/../.."
GRANTLET_ROOT=$PWD
target=${CARGO_TARGET_DIR:-target}
case $target in /*) ;; *) target=$PWD/$target ;; esac
work=$target/hosts/csharp
here=bindings/csharp
export GRANTLET_ROOT GRANTLET_LAYOUT=$work/layout.txt LC_ALL=C.UTF-8

fail() {
  echo "csharp: FAILED: $*" >&2
  exit 1
}
lacking() { # See run.sh.
  echo "csharp: $*" >&2
  exit 77
}

for tool in mcs mono gcc readelf python3; do
  command -v "$tool" >/dev/null || lacking "$tool is missing (apt-get install mono-mcs mono-runtime gcc binutils python3)"
done
for assembly in System.Core System.Net.Http; do
  [ -e "/usr/lib/mono/4.5/$assembly.dll" ] || lacking "mono's $assembly is missing (apt-get install libmono-system-core4.0-cil libmono-system-net-http4.0-cil)"
done
library=$target/release/libgrantlet.so
[ -e "$library" ] || fail "$library is missing (cargo build --release)"
rm -rf "$work"
mkdir -p "$work"/{lib,mono,net,wrong,empty}
cp "$library" "$work/lib/"
ln -s libgrantlet.so "$work/lib/$(readelf -d "$library" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')"
toolchain=$(tests/hosts/csharp-toolchain.sh) || lacking "there is no .NET to be had"
mono_name="mono $(mono --version | sed -n '1s/.*version \([0-9.]*\).*/\1/p')"
net_name=$(cat "$toolchain/name")

# ---- What is made of the header -----------------------------------------------------------------------

bindings/statuses.py csharp | diff $here/src/Status.cs - >&2 || fail "Status.cs is not what statuses.py makes of the header"
python3 $here/tests/layout.py <include/grantlet.h >"$work/layout.c"
gcc -Iinclude "$work/layout.c" -o "$work/layout"
"$work/layout" >"$GRANTLET_LAYOUT"
gcc -O2 -Wall -Werror -shared -fPIC -Iinclude $here/tests/cost/loop.c -L"$work/lib" -lgrantlet -o "$work/lib/libcost.so"

# ---- The same sources, twice --------------------------------------------------------------------------

# The README's text, with the client on the other side of HTTP given by the tests. mono's C# has no `using var`.
snippet() { # target
  local text
  text=$(tests/hosts/snippet.sh csharp)
  echo "using System;"
  grep '^using [A-Z]' <<<"$text"
  [ "$1" = net ] || echo 'static class Snippet { static void Main() {'
  echo 'var app = new Grantlet.Tests.App();'
  if [ "$1" = net ]; then grep -v '^using [A-Z]' <<<"$text"; else grep -v '^using [A-Z]' <<<"$text" | sed 's/^using var /var /'; echo '} }'; fi
}
snippet mono >"$work/mono/snippet.cs"
snippet net >"$work/net/snippet.cs"

compile_mono() { # output, arguments
  mcs -nologo -d:TRACE -langversion:7.2 -warn:4 -warnaserror -r:System.Core.dll "-out:$work/mono/$1" "${@:2}" >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "$1 with mcs"; }
}
compile_mono Grantlet.dll -unsafe -target:library "-doc:$work/mono/Grantlet.xml" $here/src/*.cs
compile_mono tests.exe "-r:$work/mono/Grantlet.dll" $here/tests/*.cs
compile_mono sample.exe "-r:$work/mono/Grantlet.dll" -r:System.Net.Http.dll $here/examples/*.cs
compile_mono snippet.exe "-r:$work/mono/Grantlet.dll" "-r:$work/mono/tests.exe" "$work/mono/snippet.cs"
compile_mono cost.exe "-r:$work/mono/Grantlet.dll" $here/tests/cost/Cost.cs $here/tests/App.cs

strict=(-langversion:10.0 -warn:5 -warnaserror)
"$toolchain/csc" "${strict[@]}" -nullable:enable -optimize -unsafe -target:library "-doc:$work/net/Grantlet.xml" "-out:$work/net/Grantlet.dll" $here/src/*.cs \
  -- "${strict[@]}" "-r:$work/net/Grantlet.dll" "-out:$work/net/tests.dll" $here/tests/*.cs \
  -- "${strict[@]}" -nullable:enable "-r:$work/net/Grantlet.dll" "-out:$work/net/sample.dll" $here/examples/*.cs \
  -- "${strict[@]}" -nullable:enable "-r:$work/net/Grantlet.dll" "-r:$work/net/tests.dll" "-out:$work/net/snippet.dll" "$work/net/snippet.cs" \
  -- "${strict[@]}" -optimize "-r:$work/net/Grantlet.dll" "-out:$work/net/cost.dll" $here/tests/cost/Cost.cs $here/tests/App.cs \
  >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "Roslyn"; }

# Without an SDK: the sources for netstandard2.0 as Roslyn takes them there, whose framework says nothing of null. (mono's stands in.)
if [ -e "$toolchain/roslyn/roslyn.exe" ]; then
  frameworks=(-noconfig -nostdlib -r:/usr/lib/mono/4.5/{mscorlib,System,System.Core}.dll -nowarn:CS0436)
  "$toolchain/run" "$toolchain/roslyn/roslyn.exe" -nologo "${frameworks[@]}" -d:TRACE "${strict[@]}" -nullable:enable -unsafe -target:library \
    "-out:$work/netstandard2.0.dll" $here/src/*.cs >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "Roslyn, for netstandard2.0"; }
fi

# ---- Runs ---------------------------------------------------------------------------------------------

run() { # mono or net, program, arguments
  local path=${libraries:-$work/lib}
  if [ "$1" = mono ]; then
    LD_LIBRARY_PATH=$path timeout 120 mono "$work/mono/$2.exe" "${@:3}"
  else
    LD_LIBRARY_PATH=$path timeout 120 "$toolchain/run" "$work/net/$2.dll" "${@:3}"
  fi
}

logged() { # what it is, the command; prints nothing unless it fails
  "${@:2}" >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "$1"; }
}

echo '#include <stdint.h>
uint32_t grl_abi_version(void) { return 99; }
const char *grl_version(void) { return "9.9.9"; }' | gcc -shared -fPIC -x c - -o "$work/wrong/libgrantlet.so"

for runtime in mono net; do
  name=$runtime; name=${name/mono/$mono_name}; name=${name/net/$net_name}
  logged "the tests on $name" run $runtime tests "$@"
  echo "csharp: $name: $(tail -n 1 "$work/log")"
  [ $# -eq 0 ] || continue

  logged "the README's first result on $name" run $runtime snippet
  [ "$(cat "$work/log")" = alice ] || fail "the README's first result on $name says: $(cat "$work/log")"
  logged "the sample on $name" run $runtime sample
  [ "$(grep -c '^[1-5]\. ' "$work/log")" = 5 ] || { cat "$work/log" >&2; fail "the sample on $name does not tell its story"; }
  libraries=$work/empty logged "without a library on $name" run $runtime tests --load
  grep -q "^DllNotFoundException: .*cargo build --release" "$work/log" || { cat "$work/log" >&2; fail "a missing library on $name"; }
  libraries=$work/wrong logged "with another library on $name" run $runtime tests --load
  grep -q "^BadImageFormatException: .*9.9.9.*interface 99" "$work/log" || { cat "$work/log" >&2; fail "another library on $name"; }
  echo "csharp: $name: the first result, the sample over HTTP, a missing and a wrong library"
  run $runtime cost "$name" || fail "the cost on $name"
done
[ $# -eq 0 ] || exit 0

# ---- The package --------------------------------------------------------------------------------------

mkdir -p "$work/assemblies"/{netstandard2.0,net8.0} "$work/package"
cp "$work/mono"/Grantlet.{dll,xml} "$work/assemblies/netstandard2.0/"
cp "$work/net"/Grantlet.{dll,xml} "$work/assemblies/net8.0/"
GRANTLET_ASSEMBLIES=$work/assemblies CARGO_TARGET_DIR=$target logged "pack.sh" $here/pack.sh "$work/package"
logged "unpacking the package" python3 -m zipfile -e "$work"/package/Grantlet.*.nupkg "$work/package/content"
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
for file in Grantlet.nuspec README.md '[Content_Types].xml' _rels/.rels runtimes/linux-x64/native/libgrantlet.so \
  lib/netstandard2.0/Grantlet.dll lib/netstandard2.0/Grantlet.xml lib/net8.0/Grantlet.dll lib/net8.0/Grantlet.xml \
  buildTransitive/net472/Grantlet.targets build/net472/Grantlet.targets; do
  [ -s "$work/package/content/$file" ] || fail "the package has no $file"
done
grep -q "<version>$version</version>" "$work/package/content/Grantlet.nuspec" || fail "the package's version"
if grep -q "<dependency " "$work/package/content/Grantlet.nuspec"; then fail "the package needs another one"; fi
cp "$work/package/content/lib/net8.0/Grantlet.dll" "$work/net/"
libraries=$work/package/content/runtimes/linux-x64/native logged "the package's files" run net tests --load
grep -q "^loaded $version" "$work/log" || { cat "$work/log" >&2; fail "the package's files do not load"; }
echo "csharp: the NuGet package has its layout, $(($(stat -c %s "$work"/package/Grantlet.*.nupkg) / 1024)) KiB, and its files load"
