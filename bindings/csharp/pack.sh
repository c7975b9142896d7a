#!/usr/bin/env bash
# Makes the NuGet package, native libraries of every platform that was built included.
#
#     bindings/csharp/pack.sh OUTPUT [RID=LIBRARY …]      such as win-x64=…/grantlet.dll osx-arm64=…/libgrantlet.dylib
#
# Without a RID, the one of this machine with target/release's library. With the SDK of .NET 8 it is `dotnet pack` of Grantlet.csproj;
# without one, the folder $GRANTLET_ASSEMBLIES (netstandard2.0/ and net8.0/, each with Grantlet.dll and Grantlet.xml) is packed.
set -euo pipefail
[ $# -ge 1 ] || { echo "usage: $0 OUTPUT [RID=LIBRARY …]" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
mkdir -p "$1"
output=$(cd "$1" && pwd)
shift
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$root/Cargo.toml" | head -n 1)
grep -q "<Version>$version</Version>" "$here/Grantlet.csproj" || { echo "$0: Grantlet.csproj has another version than Cargo.toml ($version)" >&2; exit 1; }

this_machine() {
  local built=${CARGO_TARGET_DIR:-$root/target}/release cpu
  case $(uname -m) in x86_64) cpu=x64 ;; aarch64 | arm64) cpu=arm64 ;; *) cpu=$(uname -m) ;; esac
  case $(uname -s) in
  Linux) echo "linux-$cpu=$built/libgrantlet.so" ;;
  Darwin) echo "osx-$cpu=$built/libgrantlet.dylib" ;;
  *) echo "win-$cpu=$built/grantlet.dll" ;;
  esac
}

layout=$(mktemp -d)
trap 'rm -rf "$layout"' EXIT
[ $# -gt 0 ] || set -- "$(this_machine)"
for pair; do
  library=${pair#*=} native=$layout/runtimes/${pair%%=*}/native
  case ${library##*/} in
  libgrantlet.so | libgrantlet.dylib | grantlet.dll) ;;
  *) echo "$0: .NET would not find a library called ${library##*/}" >&2; exit 2 ;;
  esac
  mkdir -p "$native"
  cp "$library" "$native/"
  case $library in *.so) strip --strip-unneeded "$native/"*.so 2>/dev/null || true ;; esac
done

if dotnet --list-sdks 2>/dev/null | grep -qE '^([89]|[1-9][0-9])\.'; then
  dotnet pack "$here/Grantlet.csproj" -c Release -o "$output" "-p:GrantletNative=$layout" "-p:Version=$version" \
    "-p:BaseIntermediateOutputPath=$layout/obj/" "-p:BaseOutputPath=$layout/bin/" # not into the source tree
else
  GRANTLET_ASSEMBLIES=${GRANTLET_ASSEMBLIES:?without a .NET SDK this has to say where the assemblies are}
  mkdir -p "$layout/lib"
  cp -r "$GRANTLET_ASSEMBLIES/." "$layout/lib/"
  cp "$here/README.md" "$layout/"
  cp -r "$here/buildTransitive" "$layout/"
  cp -r "$here/buildTransitive" "$layout/build"
  python3 "$here/nupkg.py" "$here/Grantlet.csproj" "$layout" "$output"
fi
