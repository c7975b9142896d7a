// swift-tools-version: 6.0
import Foundation
import PackageDescription

// A package that uses grantlet, as any other would. The test puts the README's first result beside App.swift, as main.swift,
// and says where the package lies that it depends on.
let grantlet = ProcessInfo.processInfo.environment["GRANTLET_PACKAGE"] ?? "../.."

let package = Package(
    name: "FirstResult",
    platforms: [.macOS(.v12)],
    dependencies: [.package(name: "grantlet", path: grantlet)],
    targets: [
        .executableTarget(name: "FirstResult", dependencies: [.product(name: "Grantlet", package: "grantlet")])
    ],
    swiftLanguageModes: [.v6]
)
