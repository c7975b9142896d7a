// swift-tools-version: 6.0
import PackageDescription

// The engine itself, behind its C header.
//
// On Apple's platforms: the XCFramework that Scripts/build-xcframework.sh makes of this repository.
// Elsewhere: libgrantlet as `bindings/c/install.sh PREFIX` installs it. pkg-config tells SwiftPM where it lies
// (PKG_CONFIG_PATH=PREFIX/lib/pkgconfig swift build); without it, -Xlinker -LPREFIX/lib does.
#if os(macOS)
let engine = Target.binaryTarget(name: "CGrantlet", path: "build/CGrantlet.xcframework")
#else
let engine = Target.systemLibrary(name: "CGrantlet", pkgConfig: "grantlet")
#endif

let package = Package(
    name: "grantlet",
    platforms: [.macOS(.v12), .iOS(.v15), .macCatalyst(.v15)],
    products: [.library(name: "Grantlet", targets: ["Grantlet"])],
    targets: [
        engine,
        .target(name: "Grantlet", dependencies: ["CGrantlet"]),
        .testTarget(name: "GrantletTests", dependencies: ["Grantlet"]),
        .executableTarget(name: "Quickstart", dependencies: ["Grantlet"], path: "Examples/Quickstart"),
        .target(name: "CRefresh", dependencies: ["CGrantlet"], path: "Benchmarks/CRefresh"),
        .executableTarget(name: "Refresh", dependencies: ["CRefresh", "Grantlet"], path: "Benchmarks/Refresh"),
    ],
    swiftLanguageModes: [.v6]
)
