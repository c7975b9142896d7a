// The whole story over HTTP: an app asks, a user consents, the app gets its tokens and keeps them fresh, and a thief who
// stole an old one is found out.
//
//     swift run Quickstart
import Foundation
import Grantlet

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

let server = try LoopbackServer()
let base = "http://127.0.0.1:\(server.port)"
let host = try NotesHost(issuer: base + "/")
server.serve { host.answer($0) }
print("1. grantlet \(Engine.libraryVersion) listens on \(base)")

let browser = HTTPClient()
let callback = "http://127.0.0.1:51004/callback"
// A real client makes a verifier of its own each time; these are RFC 7636's.
let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

print("2. The app sends the user to /authorize; the host asks them to sign in.")
let page = try await browser.get(
    base + "/authorize?"
        + form([
            ("response_type", "code"), ("client_id", "notes-app"), ("redirect_uri", callback), ("state", "xyz"),
            ("scope", "openid offline_access read:notes"), ("audience", "https://api.example.com/"),
            ("code_challenge", challenge), ("code_challenge_method", "S256"),
        ]))
let pending = page.text.components(separatedBy: "value=\"")[1].prefix { $0 != "\"" }
print("   \(page.text.components(separatedBy: "<p>")[1].prefix { $0 != "<" })")

print("3. Alice signs in; the browser goes back to the app with a code.")
let redirect = try await browser.post(base + "/sign-in", [("pending", String(pending)), ("user", "alice")])
let location = URLComponents(string: redirect.location ?? "")
let code = location?.queryItems?.first { $0.name == "code" }?.value ?? ""
print("   HTTP \(redirect.status) to \(location?.path ?? ""), with a code of \(code.count) characters")

print("4. The app redeems the code.")
var tokens = try await browser.post(
    base + "/oauth/token",
    [
        ("grant_type", "authorization_code"), ("client_id", "notes-app"), ("code", code), ("redirect_uri", callback),
        ("code_verifier", verifier),
    ]
).decode(TokenResponse.self)
print("   \(tokens)")

print("5. The app calls the API.")
let notes = try await browser.get(base + "/notes", bearer: tokens.accessToken)
print("   HTTP \(notes.status): \(notes.text)")

print("6. The app refreshes, twice; each time its refresh token is replaced.")
let first = tokens.refreshToken ?? ""
for _ in 1...2 {
    let answer = try await refresh(tokens.refreshToken ?? "")
    tokens = try answer.decode(TokenResponse.self)
    print("   HTTP \(answer.status), another refresh token")
}

print("7. A thief presents the first one, long replaced.")
let theft = try await refresh(first)
print("   HTTP \(theft.status) \(theft.text)")

print("8. With that the whole grant is over: for the app's own tokens too.")
let refused = try await refresh(tokens.refreshToken ?? "")
let closed = try await browser.get(base + "/notes", bearer: tokens.accessToken)
print("   the newest refresh token: HTTP \(refused.status), the newest access token: HTTP \(closed.status)")

let statuses = [page.status, redirect.status, notes.status, theft.status, refused.status, closed.status]
guard statuses == [200, 303, 200, 400, 400, 401], notes.text == "alice's notes" else {
    print("That was not the story: \(statuses)")
    exit(1)
}

func refresh(_ token: String) async throws -> HTTPClient.Answer {
    try await browser.post(
        base + "/oauth/token", [("grant_type", "refresh_token"), ("client_id", "notes-app"), ("refresh_token", token)])
}
