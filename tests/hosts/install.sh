#!/usr/bin/env bash
# Installs what the host languages need from Debian, where it is missing. Swift and .NET Core, which Debian 12
# has not, are the business of swift-toolchain.sh and csharp-toolchain.sh: into a folder of their own.
# Elsewhere than on Debian it does nothing, and run.sh names what could not be run.
set -euo pipefail

packages=(
    # C and C++
    gcc g++ clang valgrind libc6-dbg pkg-config cmake make libcjson-dev nlohmann-json3-dev libcurl4-openssl-dev
    # Objective-C
    libgnustep-base-dev gobjc libblocksruntime-dev
    # C#
    mono-mcs mono-runtime libmono-system-core4.0-cil libmono-system-net-http4.0-cil curl python3-pip
    # Swift, which lives in a root folder of its own
    mmdebstrap
)
command -v dpkg-query apt-get >/dev/null || exit 0
missing=()
for package in "${packages[@]}"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0
sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
$sudo apt-get -q update
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -q --no-install-recommends "${missing[@]}"
