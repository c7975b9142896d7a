import Foundation
import Grantlet

/// The app that embeds the engine: it has the listener, the users, and a page where they sign in.
final class NotesHost: Sendable {
    let engine: Engine
    private let pending = Locked<[String: PendingAuthorization]>([:])

    init(issuer: String) throws {
        engine = try Engine(
            Configuration(
                issuer: issuer,
                apis: [.init("https://api.example.com/", scopes: ["read:notes"], allowOfflineAccess: true)],
                clients: [.public("notes-app", redirectURIs: ["http://127.0.0.1/callback"])]))
    }

    func answer(_ request: Engine.Request) -> Engine.Response? {
        do {
            switch request.target {
            case "/sign-in":
                return try signIn(form: request.body)
            case "/notes":
                return notes(request)
            default:
                // Everything of OAuth's, /authorize and /oauth/token and the rest.
                switch try engine.handle(request) {
                case .response(let response): return response
                case .authorization(let authorization): return signInPage(authorization)
                }
            }
        } catch {
            FileHandle.standardError.write(Data("\(String(reflecting: error))\n".utf8))
            return nil
        }
    }

    /// Asks the user. What waits is kept under a name that nobody can guess.
    private func signInPage(_ authorization: PendingAuthorization) -> Engine.Response {
        let name = UUID().uuidString
        pending.withLock { $0[name] = authorization }
        let scopes = authorization.request.scopes.map(\.value).joined(separator: ", ")
        let page = """
            <!doctype html><title>Sign in</title>
            <p>\(authorization.request.clientID) asks for: \(scopes)</p>
            <form method="post" action="/sign-in">
            <input type="hidden" name="pending" value="\(name)"><input name="user"><button>Sign in</button></form>
            """
        let headers = [Engine.Header("Content-Type", "text/html; charset=utf-8"), Engine.Header("Cache-Control", "no-store")]
        return Engine.Response(status: 200, headers: headers, body: Data(page.utf8))
    }

    /// Here a real host checks a password or a passkey.
    private func signIn(form: Data) throws -> Engine.Response {
        var components = URLComponents()
        components.percentEncodedQuery = String(decoding: form, as: UTF8.self)
        let fields = components.queryItems ?? []
        func field(_ name: String) -> String { fields.first { $0.name == name }?.value ?? "" }
        guard let authorization = pending.withLock({ $0.removeValue(forKey: field("pending")) }) else {
            return Engine.Response(status: 400, body: Data("Start again at the app.".utf8))
        }
        let login = Login(field("user"), authenticatedAt: Date())
        return login.subject.isEmpty ? try authorization.deny(.accessDenied) : try authorization.approve(login)
    }

    /// The API that is protected.
    private func notes(_ request: Engine.Request) -> Engine.Response {
        let header = request.headers.first { $0.name.lowercased() == "authorization" }?.value ?? ""
        do throws(GrantletError) {
            let token = header.hasPrefix("Bearer ") ? String(header.dropFirst(7)) : ""
            let access = try engine.verify(token, audience: "https://api.example.com/", scopes: ["read:notes"])
            return Engine.Response(status: 200, body: Data("\(access.subject)'s notes".utf8))
        } catch {
            let challenge = Engine.Header("WWW-Authenticate", "Bearer error=\"\(error.oauthCode)\"")
            return Engine.Response(status: error.httpStatus, headers: [challenge], body: error.response.data)
        }
    }
}

final class Locked<Value>: @unchecked Sendable {
    private let lock = NSLock()
    private var value: Value

    init(_ value: Value) {
        self.value = value
    }

    func withLock<Result>(_ body: (inout Value) -> Result) -> Result {
        lock.lock()
        defer { lock.unlock() }
        return body(&value)
    }
}
