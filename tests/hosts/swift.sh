#!/usr/bin/env bash
# The Swift binding: its tests, the first result of the README, the sample, and what a refresh costs.
#
#     tests/hosts/swift.sh             (after cargo build --release)
#     tests/hosts/swift.sh --quick     without ThreadSanitizer and AddressSanitizer, which build everything once more each
#
# The Swift that it takes: tests/hosts/swift-toolchain.sh. Warnings are errors.
set -euo pipefail

cd "$(dirname "$0")/../.."
repository=$PWD
package=$repository/bindings/swift
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
out=$target/hosts/swift

say() {
  echo "swift: $*"
}

fail() {
  echo "swift: FAILED: $*" >&2
  exit 1
}

# Runs a command with the toolchain; what it prints is shown if it fails, or has a warning.
quietly() { # what it is called, command
  local name=$1
  shift
  "$repository/tests/hosts/swift-toolchain.sh" run "$@" >"$out/log" 2>&1 || {
    grep -v '^\[[0-9]*/[0-9]*\]' "$out/log" >&2
    fail "$name"
  }
  ! grep -E '(^|[^a-z])warning: ' "$out/log" >&2 || fail "$name: warnings"
}

swift() { # build or test, the folder of the package, further arguments
  local what=$1 folder=$2
  shift 2
  quietly "swift $what" swift "$what" --package-path "$folder" --disable-sandbox -Xswiftc -warnings-as-errors "$@"
}

# What is installed, as a user would; SwiftPM finds it by pkg-config. Tests link the static library, the first result the shared one.
install_library() {
  mkdir -p "$out"
  [ -e "$target/release/libgrantlet.a" ] || fail "there is no libgrantlet.a: cargo build --release"
  rm -rf "$out/shared" "$out/static"
  CARGO_TARGET_DIR=$target bindings/c/install.sh "$out/shared"
  cp -r "$out/shared" "$out/static"
  rm "$out/static/lib/"libgrantlet.so*
  sed -i "s|^prefix=.*|prefix=$out/static|" "$out/static/lib/pkgconfig/grantlet.pc"
  export PKG_CONFIG_PATH=$out/static/lib/pkgconfig
}

# SwiftPM does not read a module map again that has changed: each state of it has a folder of its own. Nor does it link again
# when a library has changed: what was linked with another one goes.
scratch_folder() {
  local key
  key=$(cat include/grantlet.h "$package"/Sources/CGrantlet/* tests/hosts/swift-toolchain.sh | sha256sum | cut -c1-16)
  scratch=$out/build-$key
  for old in "$out"/build-*; do
    [ "$old" = "$scratch" ] || rm -rf "$old"
  done
  mkdir -p "$scratch"
  if ! sha256sum --check --status "$scratch/library.sha256" 2>/dev/null; then
    find "$scratch" -type f -perm -u+x ! -name '*.so' -delete
    sha256sum "$out/static/lib/libgrantlet.a" >"$scratch/library.sha256"
  fi
}

# swift test runs no test and is content where it finds none.
tests() { # folder, further arguments
  local folder=$1 count
  shift
  swift test "$package" --scratch-path "$folder" "$@"
  grep -q 'Test run with [0-9]* tests passed' "$out/log" || { cat "$out/log" >&2; fail "the tests did not run"; }
  count=$(sed -n 's/.*Test run with \([0-9]*\) tests passed.*/\1/p' "$out/log")
  flows=$(grep -c '1 argument flow → [a-z_]* to flow' "$out/log") || fail "no flow was replayed"
  tests="$count tests, $flows flows"
}

first_result() {
  local project=$out/first-result
  mkdir -p "$project"
  cp -r "$package/Examples/FirstResult/." "$project/"
  tests/hosts/snippet.sh swift >"$project/Sources/FirstResult/main.swift"
  export GRANTLET_PACKAGE=$package PKG_CONFIG_PATH=$out/shared/lib/pkgconfig
  swift build "$project" --scratch-path "$scratch/first-result"
  LD_LIBRARY_PATH=$out/shared/lib quietly "the first result" "$scratch/first-result/debug/FirstResult"
  [ "$(cat "$out/log")" = alice ] || { cat "$out/log" >&2; fail "the first result is not alice"; }
  export PKG_CONFIG_PATH=$out/static/lib/pkgconfig
  say "the README's first result, with the shared library: alice"
}

sample() {
  quietly "the sample" "$scratch/debug/Quickstart"
  [ "$(grep -c '^[1-8]\. ' "$out/log")" = 8 ] || { cat "$out/log" >&2; fail "the sample does not tell its eight steps"; }
  say "Examples/Quickstart: eight steps over HTTP with URLSession"
}

# The machine may be busy with something else: three attempts.
cost() {
  local attempt
  swift build "$package" --scratch-path "$scratch/release" -c release --product Refresh
  for attempt in 1 2 3; do
    if "$repository/tests/hosts/swift-toolchain.sh" run "$scratch/release/release/Refresh" >"$out/log" 2>&1; then
      say "$(cat "$out/log")"
      return
    fi
    say "attempt $attempt: $(cat "$out/log")"
  done
  fail "a refresh costs more than the bound"
}

bindings/statuses.py swift | diff "$package/Sources/Grantlet/GrantletError+Status.swift" - >&2 ||
  fail "GrantletError+Status.swift is not what statuses.py makes of the header"
version=$(tests/hosts/swift-toolchain.sh) || exit 77 # See run.sh.
install_library
scratch_folder
swift build "$package" --scratch-path "$scratch" --build-tests
tests "$scratch"
say "$version: $tests"
first_result
sample
cost
"$package/Scripts/test-build-xcframework.sh"
if [ "${1:-}" != --quick ]; then
  # XCTest keeps some of its own to the end; nobody else may.
  echo 'leak:libXCTest.so' >"$out/lsan.supp"
  export LSAN_OPTIONS=suppressions=$out/lsan.supp:print_suppressions=0
  for sanitizer in thread address; do
    tests "$scratch/$sanitizer" --sanitize="$sanitizer"
    say "under --sanitize=$sanitizer: $tests"
  done
fi
