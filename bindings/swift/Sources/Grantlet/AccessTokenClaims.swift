import Foundation

/// The claims of an access token that was verified (RFC 9068 §2.2).
public struct AccessTokenClaims: Sendable, Hashable {
    /// All claims.
    public let json: JSON

    init(json: JSON) {
        self.json = json
    }

    /// Any claim: text as it is, anything else as JSON text.
    public subscript(claim: String) -> String? {
        json[claim]
    }

    /// The user (`sub`); of a token that a client got in its own name, the client.
    public var subject: String {
        json["sub"] ?? ""
    }

    /// The client that the token was issued to: `client_id` (`azp` in Auth0's dialect).
    public var clientID: String {
        json["client_id"] ?? json["azp"] ?? ""
    }

    /// Who issued the token (`iss`).
    public var issuer: String {
        json["iss"] ?? ""
    }

    /// The APIs that it is for (`aud`).
    public var audience: [String] {
        json.list("aud")
    }

    /// What it allows.
    public var scopes: [String] {
        json.words("scope") ?? []
    }

    /// When it ends (`exp`).
    public var expiresAt: Date {
        json.date("exp") ?? .distantPast
    }

    /// When it was issued (`iat`).
    public var issuedAt: Date {
        json.date("iat") ?? .distantPast
    }

    /// Its own id (`jti`).
    public var id: String {
        json["jti"] ?? ""
    }

    /// When the user authenticated (`auth_time`), where that is known.
    public var authenticatedAt: Date? {
        json.date("auth_time")
    }
}

extension AccessTokenClaims: CustomStringConvertible {
    /// Who may do what, through whom.
    public var description: String {
        "AccessTokenClaims(\(subject) may '\(scopes.joined(separator: " "))' through \(clientID))"
    }
}
