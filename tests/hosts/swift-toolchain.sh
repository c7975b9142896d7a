#!/usr/bin/env bash
# A Swift 6 toolchain: the one on the PATH, else Debian 13's, in a folder of its own (the machine's C library is left alone).
#
#     tests/hosts/swift-toolchain.sh              makes sure that there is one, and tells its version
#     tests/hosts/swift-toolchain.sh run CMD…     runs CMD (swift build …) with it, in the present folder
#
# Inside its folder the repository, the target folder and the temporary folder lie under the paths that they have outside.
# Installing takes about 80 s, once, and needs root and mmdebstrap; GRANTLET_TOOLCHAINS says where (~/.cache/grantlet-toolchains).
set -euo pipefail

repository=$(cd "$(dirname "$0")/../.." && pwd)
target=$(realpath -m "${CARGO_TARGET_DIR:-$repository/target}")
scratch=${TMPDIR:-/tmp}
root=${GRANTLET_TOOLCHAINS:-${XDG_CACHE_HOME:-$HOME/.cache}/grantlet-toolchains}/swift-6.0.3
ready=$root/.ready-swiftlang-6.0.3
bin=usr/libexec/swift/bin

# Whether the swift on the PATH will do.
on_path() {
  local major
  command -v swift >/dev/null || return 1
  major=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\).*/\1/p' | head -n 1)
  [ "${major:-0}" -ge 6 ]
}

# Everything that building and testing takes, and as little as possible besides.
install() {
  local mirror
  for tool in mmdebstrap unshare flock; do
    command -v "$tool" >/dev/null || { echo "$0: no swift on the PATH, and $tool is missing (apt-get install mmdebstrap util-linux)" >&2; exit 1; }
  done
  [ "$(id -u)" = 0 ] || { echo "$0: no swift on the PATH, and only root can install one" >&2; exit 1; }
  mkdir -p "${root%/*}"
  exec 9>"${root%/*}/.swift.lock"
  flock 9 # Another run may be at it.
  [ ! -e "$ready" ] || return 0
  echo "swift: installing Swift 6.0.3 into $root (about 80 s, once)" >&2
  mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep -m1 '/debian/$')
  rm -rf "$root.new" "$root"
  mmdebstrap --quiet --mode=root --variant=extract \
    --include=swiftlang,libc6-dev,libstdc++-14-dev,ca-certificates \
    --aptopt='Apt::Install-Recommends "false"' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/libexec/swift/lib/swift_static/*' --dpkgopt='path-exclude=/usr/libexec/swift/bin/*lldb*' \
    --dpkgopt='path-exclude=/usr/libexec/swift/lib/liblldb*' --dpkgopt='path-exclude=/usr/libexec/swift/bin/clangd' \
    --dpkgopt='path-exclude=/usr/libexec/swift/bin/sourcekit-lsp' --dpkgopt='path-exclude=/usr/libexec/swift/bin/docc' \
    --dpkgopt='path-exclude=/usr/libexec/swift/lib/libsourcekitdInProc.so' \
    trixie "$root.new" "$mirror" >&2
  for folder in bin sbin lib lib64; do
    [ -e "$root.new/$folder" ] || ln -s "usr/$folder" "$root.new/$folder"
  done
  mkdir -p "$root.new"/{proc,root,run,dev,tmp}
  mv "$root.new" "$root"
  touch "$ready"
  exec 9>&-
}

# In a mount namespace of its own: it ends, and every mount with it, when the command does.
enter() {
  exec unshare --mount --propagation private bash -euc '
    root=$1 mounts=$2
    shift 2
    mkdir -p "$root/proc" "$root/dev"
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    for folder in $mounts; do
      mkdir -p "$folder" "$root$folder"
      mount --rbind "$folder" "$root$folder"
    done
    for file in resolv.conf hosts; do
      cp "/etc/$file" "$root/etc/" 2>/dev/null || true
    done
    export PATH=/usr/libexec/swift/bin:/usr/bin:/bin HOME=/root LANG=C.UTF-8
    exec unshare --root="$root" --wd="$PWD" "$@"
  ' _ "$root" "$scratch $repository $target" "$@"
}

if on_path; then
  [ "${1:-}" != run ] || { shift; exec "$@"; }
  swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9.]*\).*/Swift \1 (on the PATH)/p' | head -n 1
  exit
fi
[ -e "$ready" ] || install
[ -x "$root/$bin/swift-build" ] || { echo "$0: $root is broken; remove it" >&2; exit 1; }
[ "${1:-}" != run ] || { shift; enter "$@"; }
echo "Swift 6.0.3 (in $root)"
