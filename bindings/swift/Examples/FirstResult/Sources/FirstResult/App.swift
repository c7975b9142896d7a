import Foundation

/// The client on the other side of HTTP.
struct App {
    /// What it sends the user's browser to /authorize with.
    let query =
        "response_type=code&client_id=notes-app&redirect_uri=http%3A%2F%2F127.0.0.1%3A51004%2Fcallback&state=xyz"
        + "&scope=offline_access%20read%3Anotes&audience=https%3A%2F%2Fapi.example.com%2F"
        + "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"

    /// What it posts to /oauth/token when the browser has come back to it.
    func form(_ location: String?) -> String {
        let items = location.flatMap { URLComponents(string: $0) }?.queryItems ?? []
        let code = items.first { $0.name == "code" }?.value ?? ""
        return "grant_type=authorization_code&client_id=notes-app&code=\(code)"
            + "&redirect_uri=http%3A%2F%2F127.0.0.1%3A51004%2Fcallback"
            + "&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    }
}

let app = App()
