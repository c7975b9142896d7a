internal import CGrantlet
import Foundation

/// Why a call failed. Holds no token and no secret.
///
/// ```swift
/// do {
///     let tokens = try engine.token(form: form)
/// } catch {                                    // a GrantletError: the throws are typed
///     switch error.kind {
///     case .invalidGrant: …                    // error.status says which: .invalidGrantReused
///     case .temporarilyUnavailable: …          // the same call may succeed later
///     default: …
///     }
///     respond(error.httpStatus, error.response.data)
/// }
/// ```
public struct GrantletError: Error, Sendable {
    /// What happened: a class, or a reason within it.
    public let status: Status
    /// The header's number, which may be of a newer library than this package.
    public let rawStatus: Int32
    /// The OAuth error code, such as `invalid_grant` (RFC 6749 §4.1.2.1, §5.2).
    public let oauthCode: String
    /// Tells a client's developer what to mend (`error_description`); safe to send.
    public let message: String
    /// Tells the log what the client is not told; often empty. Do not send it.
    public let detail: String
    /// The HTTP status to answer with, such as 400.
    public let httpStatus: Int
    /// The complete body to answer with: `{"error":…,"error_description":…}` (RFC 6749 §5.2).
    public let response: JSON
    /// The response that takes an authorization error to the client, through the user's browser.
    ///
    /// `nil` where there must be none, since the client or its redirect URI is not to be trusted: show the error to the user
    /// then, and never redirect. Only `Engine.authorize(query:)` fails with one.
    public let redirect: Engine.Response?
    /// What a ``Clock``, ``RandomSource``, ``Signer``, ``UserClaims`` or ``Store`` of yours threw, if that is why.
    public let underlying: (any Error)?

    /// The class of the status, such as `.invalidGrant`: what to act on.
    public var kind: Status {
        status.kind
    }
}

extension GrantletError: CustomStringConvertible, CustomDebugStringConvertible, LocalizedError {
    /// The code and the message: safe to send.
    public var description: String {
        "\(oauthCode): \(message)"
    }

    /// All that a log should have: status, message, detail and what was underneath.
    public var debugDescription: String {
        var text = "GrantletError(\(status)): \(message)"
        if !detail.isEmpty { text += " (\(detail))" }
        if let underlying { text += "; because of \(underlying)" }
        return text
    }

    /// The message, for `localizedDescription`.
    public var errorDescription: String? {
        message
    }
}

extension GrantletError {
    /// Copies what C gives away, and frees it.
    init(taking error: OpaquePointer?, status: grl_status, underlying: (any Error)?) {
        defer { grl_error_free(error) }
        self.init(
            status: Status(rawValue: status.rawValue) ?? Status(rawValue: status.rawValue & 0xff) ?? .serverError,
            rawStatus: status.rawValue,
            oauthCode: String(grl_error_oauth_code(error)),
            message: String(grl_error_description(error)),
            detail: String(grl_error_detail(error)),
            httpStatus: Int(grl_error_http_status(error)),
            response: JSON(text: String(grl_error_response(error))),
            redirect: grl_error_redirect(error).map(Engine.Response.init(copying:)),
            underlying: underlying)
    }

    /// What only this package knows to be wrong.
    static func usage(_ message: String) -> GrantletError {
        local(.usage, message)
    }

    static func config(_ message: String, _ underlying: any Error) -> GrantletError {
        local(.config, message, underlying)
    }

    private static func local(_ status: Status, _ message: String, _ underlying: (any Error)? = nil) -> GrantletError {
        let code = "server_error"
        let response = try? JSON(encoding: ["error": code, "error_description": message])
        return GrantletError(
            status: status, rawStatus: status.rawValue, oauthCode: code, message: message, detail: "", httpStatus: 500,
            response: response ?? JSON(text: "{}"), redirect: nil, underlying: underlying)
    }
}
