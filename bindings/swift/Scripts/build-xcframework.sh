#!/usr/bin/env bash
# Builds CGrantlet.xcframework for the package beside it: iOS, its simulator, Mac Catalyst and macOS, each a static framework
# with the header, a module map, API notes and a privacy manifest.
#
#     bindings/swift/Scripts/build-xcframework.sh [OUTPUT]      (bindings/swift/build/CGrantlet.xcframework)
#
# Needs macOS with Xcode, and Rust with the targets below (rustup target add …). With --no-default-features in GRANTLET_FEATURES
# the store on disk, and SQLite with it, stays out.
set -euo pipefail

cd "$(dirname "$0")/../../.."
package=bindings/swift
output=${1:-$package/build/CGrantlet.xcframework}
target=${CARGO_TARGET_DIR:-target}
work=$target/xcframework
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)

# As Package.swift says.
export IPHONEOS_DEPLOYMENT_TARGET=15.0 MACOSX_DEPLOYMENT_TARGET=12.0

info_plist() { # platform, key of the least system, that system
  cat <<EOF
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>CFBundleIdentifier</key>
	<string>org.grantlet.CGrantlet</string>
	<key>CFBundleName</key>
	<string>CGrantlet</string>
	<key>CFBundleExecutable</key>
	<string>CGrantlet</string>
	<key>CFBundlePackageType</key>
	<string>FMWK</string>
	<key>CFBundleInfoDictionaryVersion</key>
	<string>6.0</string>
	<key>CFBundleShortVersionString</key>
	<string>$version</string>
	<key>CFBundleVersion</key>
	<string>$version</string>
	<key>CFBundleSupportedPlatforms</key>
	<array>
		<string>$1</string>
	</array>
	<key>$2</key>
	<string>$3</string>
</dict>
</plist>
EOF
}

# One framework of one platform. That of a Mac has versions inside, and its plists among the resources.
framework() { # name, flat or versioned, platform, key of the least system, that system, Rust's targets
  local name=$1 layout=$2 platform=$3 key=$4 least=$5 folder resources libraries=()
  shift 5
  for triple in "$@"; do
    # shellcheck disable=SC2086 # a list of flags, or none
    cargo rustc --release --package grantlet-c --lib --crate-type staticlib --target "$triple" ${GRANTLET_FEATURES:-}
    libraries+=("$target/$triple/release/libgrantlet.a")
  done
  folder=$work/$name/CGrantlet.framework
  frameworks+=(-framework "$folder")
  resources=$folder
  if [ "$layout" = versioned ]; then
    mkdir -p "$folder/Versions/A/Resources"
    ln -s A "$folder/Versions/Current"
    for part in CGrantlet Headers Modules Resources; do
      ln -s "Versions/Current/$part" "$folder/$part"
    done
    folder=$folder/Versions/A
    resources=$folder/Resources
  fi
  mkdir -p "$folder/Headers" "$folder/Modules"
  lipo -create "${libraries[@]}" -output "$folder/CGrantlet"
  cp include/grantlet.h "$package/Sources/CGrantlet/CGrantlet.apinotes" "$folder/Headers/"
  printf 'framework module CGrantlet [system] {\n    header "grantlet.h"\n    export *\n}\n' >"$folder/Modules/module.modulemap"
  cp "$package/Scripts/PrivacyInfo.xcprivacy" "$resources/"
  info_plist "$platform" "$key" "$least" >"$resources/Info.plist"
}

rm -rf "$work" "$output"
mkdir -p "$(dirname "$output")"
frameworks=()
framework ios flat iPhoneOS MinimumOSVersion $IPHONEOS_DEPLOYMENT_TARGET \
  aarch64-apple-ios
framework ios-simulator flat iPhoneSimulator MinimumOSVersion $IPHONEOS_DEPLOYMENT_TARGET \
  aarch64-apple-ios-sim x86_64-apple-ios
framework catalyst versioned MacOSX LSMinimumSystemVersion $MACOSX_DEPLOYMENT_TARGET \
  aarch64-apple-ios-macabi x86_64-apple-ios-macabi
framework macos versioned MacOSX LSMinimumSystemVersion $MACOSX_DEPLOYMENT_TARGET \
  aarch64-apple-darwin x86_64-apple-darwin
xcodebuild -create-xcframework "${frameworks[@]}" -output "$output"
echo "built $output"
