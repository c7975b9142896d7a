internal import CGrantlet
import Foundation

/// Who signed in, how, and what they consented to: your word.
///
/// ```swift
/// var login = Login("alice", authenticatedAt: .now)
/// login.accessTokenClaims = try JSON(encoding: ["tenant": "t-1"])
/// ```
public struct Login: Sendable, Hashable {
    /// The user: `sub`. The same for the same user for ever; 1 to 255 bytes.
    public var subject: String
    /// When the user authenticated, if that is known. A request with `max_age` needs it.
    public var authenticatedAt: Date?
    /// How strongly the user authenticated.
    public var acr: String?
    /// By which methods (RFC 8176).
    public var amr: [String]
    /// Your session.
    public var sessionID: String?
    /// What was consented to; `nil` means all that was asked for.
    public var scopes: [String]?
    /// Claims for each access token, an object.
    public var accessTokenClaims: JSON?
    /// Claims for each ID token, an object.
    public var idTokenClaims: JSON?

    /// A login of a user who, if nothing else is said, consents to all.
    public init(
        _ subject: String, authenticatedAt: Date? = nil, acr: String? = nil, amr: [String] = [], sessionID: String? = nil,
        scopes: [String]? = nil, accessTokenClaims: JSON? = nil, idTokenClaims: JSON? = nil
    ) {
        self.subject = subject
        self.authenticatedAt = authenticatedAt
        self.acr = acr
        self.amr = amr
        self.sessionID = sessionID
        self.scopes = scopes
        self.accessTokenClaims = accessTokenClaims
        self.idTokenClaims = idTokenClaims
    }
}

extension Login {
    /// Lends the login to a C call.
    func lend<Result>(_ body: (UnsafePointer<grl_login>) -> Result) -> Result {
        Grantlet.lend(subject, acr ?? "", amr.joined(separator: " ")) { subject, acr, amr in
            Grantlet.lend(sessionID ?? "", scopes?.joined(separator: " ") ?? "") { sid, scope in
                Grantlet.lend(accessTokenClaims?.text ?? "", idTokenClaims?.text ?? "") { accessTokenClaims, idTokenClaims in
                    withUnsafePointer(to: scope) { scope in
                        var login = grl_login(
                            size: MemoryLayout<grl_login>.size, subject: subject,
                            auth_time: authenticatedAt?.secondsSince1970 ?? 0, acr: acr, amr: amr, sid: sid,
                            scope: scopes == nil ? nil : scope, access_token_claims: accessTokenClaims,
                            id_token_claims: idTokenClaims)
                        return body(&login)
                    }
                }
            }
        }
    }
}

extension Date {
    /// Whole seconds; 0, which means unknown, for what is none of our time.
    var secondsSince1970: UInt64 {
        UInt64(exactly: timeIntervalSince1970.rounded(.down)) ?? 0
    }
}
