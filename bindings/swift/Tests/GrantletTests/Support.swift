import Foundation
import Grantlet
import Testing

/// The repository that this package lies in.
let repository = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

let audience = "https://api.example.com/"

/// RFC 7636, appendix B.
let challenge = "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

let query =
    "response_type=code&client_id=app&redirect_uri=com.example.app%3A%2Fdone&state=xyz"
    + "&scope=openid%20offline_access%20read%3Anotes&audience=https%3A%2F%2Fapi.example.com%2F&" + challenge

let webSecret = "correct horse battery staple"

func configuration() -> Configuration {
    var app = Configuration.Client.public("app", redirectURIs: ["com.example.app:/done"])
    app.refreshToken = Configuration.RefreshPolicy()
    app.refreshToken?.leeway = .untilUsed
    var web = Configuration.Client.confidential("web", secret: webSecret, redirectURIs: ["https://web.example.com/done"])
    web.tokenEndpointAuthMethod = "client_secret_post"
    web.grantTypes = ["authorization_code", "refresh_token", "client_credentials"]
    web.clientGrants = [Configuration.ClientGrant(audience: audience, scopes: ["read:notes"])]
    return Configuration(
        issuer: "http://127.0.0.1:8080/",
        apis: [.init(audience, scopes: ["read:notes", "write:notes"], allowOfflineAccess: true)], clients: [app, web])
}

func makeEngine(_ host: Engine.Host = Engine.Host()) throws -> Engine {
    try Engine(configuration(), host: host)
}

/// The story's steps, as the client makes them.
extension Engine {
    func code(subject: String = "alice") throws -> String {
        let response = try authorize(query: query).approve(Login(subject))
        #expect(response.status == 303)
        return try code(in: response)
    }

    func code(in response: Response) throws -> String {
        let items = URLComponents(string: try #require(response.location))?.queryItems
        return try #require(items?.first { $0.name == "code" }?.value)
    }

    func redeem(_ code: String) throws(GrantletError) -> TokenResponse {
        try token(form: codeForm(code))
    }

    func refresh(_ refreshToken: String) throws(GrantletError) -> TokenResponse {
        try token(form: refreshForm(refreshToken))
    }

    func signIn(_ subject: String = "alice") throws -> TokenResponse {
        try redeem(code(subject: subject))
    }
}

func codeForm(_ code: String) -> String {
    "grant_type=authorization_code&client_id=app&redirect_uri=com.example.app%3A%2Fdone&code_verifier=\(verifier)&code=\(code)"
}

func refreshForm(_ refreshToken: String) -> String {
    "grant_type=refresh_token&client_id=app&refresh_token=\(refreshToken)"
}

/// Expects a call to fail with this status, and gives the error.
@discardableResult
func expectFailure<Value>(
    _ status: GrantletError.Status, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Value
) -> GrantletError? {
    do {
        _ = try body()
        Issue.record("succeeded, and should have failed with \(status)", sourceLocation: sourceLocation)
    } catch let error as GrantletError {
        #expect(error.status == status, "\(error.debugDescription)", sourceLocation: sourceLocation)
        return error
    } catch {
        Issue.record("failed with \(error)", sourceLocation: sourceLocation)
    }
    return nil
}

/// A value that threads share in a test.
final class Shared<Value: Sendable>: @unchecked Sendable {
    private let lock = NSLock()
    private var stored: Value

    init(_ value: Value) {
        stored = value
    }

    var value: Value {
        get { lock.withLock { stored } }
        set { lock.withLock { stored = newValue } }
    }

    func change<Result: Sendable>(_ body: (inout Value) -> Result) -> Result {
        lock.withLock { body(&stored) }
    }
}

/// A folder that goes with the test.
func withFolder<Result>(_ body: (URL) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("grantlet-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder)
}

/// Runs `body` on `count` threads at once, and waits for all.
func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    let group = DispatchGroup()
    for index in 0..<count {
        group.enter()
        let thread = Thread {
            body(index)
            group.leave()
        }
        thread.start()
    }
    group.wait()
}
