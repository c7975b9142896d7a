import Foundation
import Grantlet
import Testing

/// include/grantlet.h, as text.
struct Header {
    let text: String
    /// `GRL_INVALID_GRANT_REUSED` → 0x303
    let statuses: [String: Int32]
    let functions: Set<String>

    init() throws {
        text = try String(contentsOf: repository.appendingPathComponent("include/grantlet.h"), encoding: .utf8)
        let start = try #require(text.range(of: "GRL_ENUM(int32_t, grl_status) {"))
        let end = try #require(text.range(of: "\n};", range: start.upperBound..<text.endIndex))
        var statuses: [String: Int32] = [:]
        for match in text[start.upperBound..<end.lowerBound].matches(of: /(GRL_\w+) = (\d+)(?: \| \((\d+) << 8\))?,/) {
            statuses[String(match.1)] = Int32(match.2)! | Int32(match.3 ?? "0")! << 8
        }
        self.statuses = statuses
        functions = Set(text.matches(of: /(?m)^GRL_API [^(]*?(grl_[a-z0-9_]+)\(/).map { String($0.1) })
    }

    func name(of status: Int32) -> String {
        statuses.first { $0.value == status }?.key ?? "\(status)"
    }
}

/// The package against the header: nothing is kept alike by hand alone.
@Suite struct HeaderTests {
    let header = try! Header()

    @Test func everyStatusIsACaseOfTheSameNameAndNumber() {
        var declared = header.statuses
        #expect(declared.removeValue(forKey: "GRL_OK") == 0)
        #expect(declared.count > 50)
        let cases = GrantletError.Status.allCases
        for status in cases {
            let name = declared.keys.first { key in
                key.dropFirst(4).replacing("_", with: "").lowercased() == "\(status)".lowercased()
            }
            let number = name.flatMap { declared.removeValue(forKey: $0) }
            #expect(number == status.rawValue, "\(status)")
        }
        #expect(declared.isEmpty, "without a case")
    }

    @Test func aClassIsTheLowByte() {
        for status in GrantletError.Status.allCases {
            #expect(status.kind.rawValue == status.rawValue & 0xff)
        }
    }

    @Test func everyFunctionIsUsed() throws {
        #expect(header.functions.count > 40)
        let sources = repository.appendingPathComponent("bindings/swift/Sources/Grantlet")
        let files = try FileManager.default.contentsOfDirectory(at: sources, includingPropertiesForKeys: nil)
        let text = try files.filter { $0.pathExtension == "swift" }.map { try String(contentsOf: $0, encoding: .utf8) }.joined()
        let used = Set(text.matches(of: /grl_[a-z0-9_]+/).map { String($0.0) })
        // For a host that has memory of its own to answer from; and what Swift values, being copies, know by themselves.
        let needless: Set = ["grl_engine_token_into", "grl_error_status", "grl_http_response_header"]
        #expect(header.functions.subtracting(used) == needless)
    }

    @Test func everyDenialIsOneOfTheHeaders() throws {
        let start = try #require(header.text.range(of: "/// Says no. `denial` is why:"))
        let end = try #require(header.text.range(of: "///\n", range: start.upperBound..<header.text.endIndex))
        let named = header.text[start.upperBound..<end.lowerBound].matches(of: /GRL_\w+/).map { String($0.0) }
        #expect(Set(Denial.allCases.map { header.name(of: $0.status.rawValue) }) == Set(named))
    }

    @Test func theLibraryIsTheHeaders() throws {
        let version = ["MAJOR", "MINOR", "PATCH"].map { part in
            header.text.firstMatch(of: try! Regex("GRL_VERSION_\(part) (\\d+)"))!.output[1].substring!
        }
        #expect(Engine.libraryVersion == version.joined(separator: "."))
    }
}
