internal import CGrantlet
import Foundation

/// A valid authorization request, which waits for a user.
///
/// Never changes; any number of threads and tasks may use it. Only one approval of it succeeds. It goes on working after the
/// engine was closed: what it needs is kept.
public final class PendingAuthorization: Sendable {
    private let handle: NativeHandle
    /// What the client asked: for your sign-in and consent page.
    public let request: AuthorizationRequest

    init(_ handle: NativeHandle) {
        self.handle = handle
        request = AuthorizationRequest(json: JSON(text: String(grl_authorization_request(handle.pointer))))
    }

    /// Makes the grant and its code: this user signed in and consented (RFC 6749 §4.1.2, RFC 9207).
    ///
    /// - Returns: What takes the code to the client: a redirect, or a page that posts itself where the client asked for that.
    ///   Send it, or open its ``Engine/Response/location`` yourself.
    /// - Throws: `.usage` where the login lacks what was asked, `.loginRequired` where it is too old or another user's than the
    ///   client named: nothing is stored then, and a better login may follow. `.usageAnswered` the second time.
    public func approve(_ login: Login) throws(GrantletError) -> Engine.Response {
        try response { object, response, error in
            login.lend { grl_authorization_approve(object, $0, response, error) }
        }
    }

    /// Says no, and why (RFC 6749 §4.1.2.1, OIDC Core §3.1.2.6). Changes nothing.
    ///
    /// - Returns: What takes the error to the client.
    public func deny(_ denial: Denial) throws(GrantletError) -> Engine.Response {
        try response { object, response, error in
            grl_authorization_deny(object, denial.status.rawValue, response, error)
        }
    }

    /// As `approve(_:)`, without blocking the caller's executor.
    public func approve(_ login: Login) async throws(GrantletError) -> Engine.Response {
        try await offload { () throws(GrantletError) in try self.approve(login) }
    }

    /// As `deny(_:)`, without blocking the caller's executor.
    public func deny(_ denial: Denial) async throws(GrantletError) -> Engine.Response {
        try await offload { () throws(GrantletError) in try self.deny(denial) }
    }

    private func response(
        _ body: (OpaquePointer, UnsafeMutablePointer<OpaquePointer?>, UnsafeMutablePointer<OpaquePointer?>) -> grl_status
    ) throws(GrantletError) -> Engine.Response {
        var response: OpaquePointer?
        try handle.call { object, error in body(object, &response, error) }
        guard let response else { throw .usage("no response") }
        return Engine.Response(taking: response)
    }
}

extension PendingAuthorization: CustomStringConvertible, CustomReflectable {
    /// Which client waits. Its request may hold an ID token, and is not shown.
    public var description: String {
        "PendingAuthorization(\(request.clientID))"
    }

    /// Nothing, so that `dump` shows neither the request nor what the host holds.
    public var customMirror: Mirror {
        Mirror(self, children: [])
    }
}

/// What the client asked, validated: what a sign-in and consent page needs.
public struct AuthorizationRequest: Sendable, Hashable {
    /// All that was asked, an object; also what has no property here, such as `claims`.
    public let json: JSON

    /// One scope asked for, as a consent page shows it.
    public struct Scope: Sendable, Hashable, Codable {
        /// The scope token.
        public let value: String
        /// What the API says that it allows; empty for OpenID Connect's own.
        public let description: String
    }

    /// The client.
    public var clientID: String { json["client_id"] ?? "" }
    /// Its name for people.
    public var clientName: String? { json["client_name"] }
    /// Where the answer goes.
    public var redirectURI: String { json["redirect_uri"] ?? "" }
    /// The scope that can be granted, one by one; what nobody knows was left out.
    public var scopes: [Scope] { json["scopes"].flatMap { try? JSON(text: $0).decode() } ?? [] }
    /// Whether a refresh token will be issued: asked for, and allowed by client and APIs.
    public var offlineAccess: Bool { json["offline_access"] == "true" }
    /// The APIs that the tokens are for, the default one first; none: `/userinfo` only.
    public var audience: [String] { json.list("audience") }
    /// The same for people: each API's name, or else its identifier.
    public var audienceNames: [String] { json.list("audience_names") }
    /// The client's own value, given back to it.
    public var state: String? { json["state"] }
    /// What the user is to be asked: `none`, `login`, `consent`, `select_account`.
    public var prompt: [String] { json.list("prompt") }
    /// How old the login may be, in seconds.
    public var maxAge: Int? { json.number("max_age") }
    /// Who the user probably is.
    public var loginHint: String? { json["login_hint"] }
    /// Who the user must be.
    public var requiredSubject: String? { json["required_subject"] }
    /// The user's languages, the preferred first.
    public var uiLocales: [String] { json.list("ui_locales") }
    /// How strongly the user should authenticate, the preferred first.
    public var acrValues: [String] { json.list("acr_values") }
    /// How the page is shown: `page`, `popup`, `touch`, `wap`.
    public var display: String? { json["display"] }
}

/// Why the host says no.
public enum Denial: Sendable, CaseIterable {
    /// The user or the host refused.
    case accessDenied
    /// The user would have to sign in, and was not to be asked.
    case loginRequired
    /// The user would have to consent, and was not to be asked.
    case consentRequired
    /// The user would have to be asked something, and was not to be.
    case interactionRequired
    /// The user would have to choose an account, and was not to be asked.
    case accountSelectionRequired
    /// The `acr_values` or `max_age` asked for cannot be met.
    case unmetAuthenticationRequirements
    /// The same request may succeed later.
    case temporarilyUnavailable
    /// The host failed.
    case serverError

    /// The status that the client is told as its OAuth error code.
    public var status: GrantletError.Status {
        switch self {
        case .accessDenied: .accessDenied
        case .loginRequired: .loginRequired
        case .consentRequired: .consentRequired
        case .interactionRequired: .interactionRequired
        case .accountSelectionRequired: .accountSelectionRequired
        case .unmetAuthenticationRequirements: .unmetAuthenticationRequirements
        case .temporarilyUnavailable: .temporarilyUnavailable
        case .serverError: .serverError
        }
    }
}
