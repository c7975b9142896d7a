#!/usr/bin/env bash
# build-xcframework.sh, as far as a machine that is no Mac can check it: with stand-ins for cargo, lipo and xcodebuild. Which calls
# it makes, what it lays out, whether the plists are sound, and whether Swift can import what is in the framework.
#
#     bindings/swift/Scripts/test-build-xcframework.sh      (needs python3)
set -euo pipefail

cd "$(dirname "$0")/../../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin"
export CARGO_TARGET_DIR=$work/target CALLS=$work/calls

fail() {
  echo "swift: FAILED: build-xcframework.sh: $*" >&2
  exit 1
}

stand_in() { # command; what it does on the standard input
  { printf '#!/usr/bin/env bash\nset -eu\necho "%s $*" >>"$CALLS"\n' "$1"; cat; } >"$work/bin/$1"
  chmod +x "$work/bin/$1"
}
stand_in cargo <<'EOF'
while [ "$1" != --target ]; do shift; done
mkdir -p "$CARGO_TARGET_DIR/$2/release"
echo "$2" >"$CARGO_TARGET_DIR/$2/release/libgrantlet.a"
EOF
stand_in lipo <<'EOF'
[ "$1" = -create ] && shift
while [ "$1" != -output ]; do files+=("$1"); shift; done
cat "${files[@]}" >"$2"
EOF
stand_in xcodebuild <<'EOF'
shift
while [ "$1" = -framework ]; do frameworks+=("$2"); shift 2; done
mkdir -p "$2"
for framework in "${frameworks[@]}"; do
  cp -R "$(dirname "$framework")" "$2/"
done
EOF

output=$work/out/CGrantlet.xcframework
PATH=$work/bin:$PATH bindings/swift/Scripts/build-xcframework.sh "$output" >/dev/null

sed "s|$work|.|g" "$CALLS" | sed 's|^cargo rustc --release --package grantlet-c --lib --crate-type staticlib|cargo|' >"$work/actual"
cat >"$work/expected" <<'EOF'
cargo --target aarch64-apple-ios
lipo -create ./target/aarch64-apple-ios/release/libgrantlet.a -output ./target/xcframework/ios/CGrantlet.framework/CGrantlet
cargo --target aarch64-apple-ios-sim
cargo --target x86_64-apple-ios
lipo -create ./target/aarch64-apple-ios-sim/release/libgrantlet.a ./target/x86_64-apple-ios/release/libgrantlet.a -output ./target/xcframework/ios-simulator/CGrantlet.framework/CGrantlet
cargo --target aarch64-apple-ios-macabi
cargo --target x86_64-apple-ios-macabi
lipo -create ./target/aarch64-apple-ios-macabi/release/libgrantlet.a ./target/x86_64-apple-ios-macabi/release/libgrantlet.a -output ./target/xcframework/catalyst/CGrantlet.framework/Versions/A/CGrantlet
cargo --target aarch64-apple-darwin
cargo --target x86_64-apple-darwin
lipo -create ./target/aarch64-apple-darwin/release/libgrantlet.a ./target/x86_64-apple-darwin/release/libgrantlet.a -output ./target/xcframework/macos/CGrantlet.framework/Versions/A/CGrantlet
xcodebuild -create-xcframework -framework ./target/xcframework/ios/CGrantlet.framework -framework ./target/xcframework/ios-simulator/CGrantlet.framework -framework ./target/xcframework/catalyst/CGrantlet.framework -framework ./target/xcframework/macos/CGrantlet.framework -output ./out/CGrantlet.xcframework
EOF
diff "$work/expected" "$work/actual" >&2 || fail "other calls (>) than expected (<)"

flat='CGrantlet Headers/CGrantlet.apinotes Headers/grantlet.h Info.plist Modules/module.modulemap PrivacyInfo.xcprivacy'
deep='CGrantlet Headers/CGrantlet.apinotes Headers/grantlet.h Modules/module.modulemap Resources/Info.plist Resources/PrivacyInfo.xcprivacy'
for slice in ios:. ios-simulator:. catalyst:Versions/Current/ macos:Versions/Current/; do
  folder=$output/${slice%%:*}/CGrantlet.framework
  case $slice in *:.) expected=$flat ;; *) expected=$deep ;; esac
  files=$(cd "$folder/${slice#*:}" && find . -type f | sed 's|^\./||' | LC_ALL=C sort | tr '\n' ' ')
  [ "$files" = "$expected " ] || fail "$slice holds $files"
  # Through the links of a versioned one, too.
  cmp include/grantlet.h "$folder/Headers/grantlet.h"
  find "$folder" -name '*.plist' -o -name '*.xcprivacy' | python3 -c '
import plistlib, sys
for path in sys.stdin.read().split("\n")[:-1]:
    with open(path, "rb") as file:
        plist = plistlib.load(file)
    if path.endswith(".xcprivacy"):
        assert plist["NSPrivacyTracking"] is False and plist["NSPrivacyCollectedDataTypes"] == [], path
        for used in plist["NSPrivacyAccessedAPITypes"]:
            assert used["NSPrivacyAccessedAPITypeReasons"], path
    else:
        assert plist["CFBundlePackageType"] == "FMWK" and plist["CFBundleShortVersionString"][0].isdigit(), path
'
done

# What only the framework's module map and API notes together give.
echo 'import CGrantlet
let status: grl_status = .ok
let version: UnsafePointer<CChar> = grl_version()' >"$work/import.swift"
for slice in ios macos; do
  tests/hosts/swift-toolchain.sh run swiftc -typecheck -module-cache-path "$work/modules-$slice" -F "$output/$slice" \
    "$work/import.swift" >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "Swift cannot import the framework"; }
done
echo "swift: build-xcframework.sh: its calls, four frameworks, their plists, and Swift imports them (with stand-ins for Apple's tools)"
