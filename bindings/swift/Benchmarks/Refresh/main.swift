// What a refresh costs through Swift, beside the same in C: rounds of both in turn, and the medians.
//
//     swift run -c release Refresh
import CRefresh
import Foundation
import Grantlet

let config = """
    {"issuer":"http://127.0.0.1:8080/",
     "apis":[{"identifier":"https://api.example.com/","scopes":["read:notes"],"allow_offline_access":true,"signing_alg":"ES256"}],
     "clients":[{"client_id":"app","application_type":"native","token_endpoint_auth_method":"none",
                 "redirect_uris":["com.example.app:/done"]}]}
    """
let query =
    "response_type=code&client_id=app&redirect_uri=com.example.app%3A%2Fdone&scope=offline_access%20read%3Anotes"
    + "&audience=https%3A%2F%2Fapi.example.com%2F"
    + "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
let codeForm =
    "grant_type=authorization_code&client_id=app&redirect_uri=com.example.app%3A%2Fdone"
    + "&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk&code="

/// The same as `c_refresher`, in Swift.
final class Refresher {
    private let engine: Engine
    private var form = ""

    init() throws {
        engine = try Engine(json: JSON(text: config))
        let location = try engine.authorize(query: query).approve(Login("alice")).location ?? ""
        let code = URLComponents(string: location)?.queryItems?.first { $0.name == "code" }?.value ?? ""
        form = codeForm + code
    }

    func run(_ count: Int) throws {
        for _ in 0..<count {
            guard let refreshToken = try engine.token(form: form).refreshToken else { fatalError("no refresh token") }
            form = "grant_type=refresh_token&client_id=app&refresh_token=\(refreshToken)"
        }
    }
}

func microseconds(_ body: () throws -> Void) rethrows -> Double {
    let start = DispatchTime.now().uptimeNanoseconds
    try body()
    return Double(DispatchTime.now().uptimeNanoseconds - start) / 1000
}

guard let inC = c_refresher_new(config, query, codeForm) else { fatalError("no engine in C") }
let inSwift = try Refresher()
try inSwift.run(1)

let rounds = 150, perRound = 50
var c: [Double] = [], swift: [Double] = []
for _ in 0..<rounds {
    c.append(microseconds { precondition(c_refresher_run(inC, perRound) == 0) } / Double(perRound))
    swift.append(try microseconds { try inSwift.run(perRound) } / Double(perRound))
}
c_refresher_free(inC)

func median(_ values: [Double]) -> Double {
    values.sorted()[values.count / 2]
}

let bound = 1.10 * median(c) + 5
print(String(format: "a refresh: C %.1f µs, Swift %.1f µs, bound %.1f µs", median(c), median(swift), bound))
exit(median(swift) <= bound ? 0 : 1)
