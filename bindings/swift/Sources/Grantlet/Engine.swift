internal import CGrantlet
import Foundation

/// An OAuth 2.1 / OpenID Connect server without a socket.
///
/// ```swift
/// let engine = try Engine(Configuration(issuer: "http://127.0.0.1:8080/", apis: […], clients: […]))
/// let pending = try engine.authorize(query: query)          // GET /authorize?…
/// let response = try pending.approve(Login("alice"))        // your sign-in page said yes
/// let tokens = try engine.token(form: form)                 // POST /oauth/token
/// ```
///
/// Any number of threads and tasks may use an engine at once. Each call is there twice: plain, for a thread of yours, and
/// `async`, which runs on a thread of its own so that an executor never waits for the disk or for a ``Signer``. What was asked
/// is carried out also if the task is cancelled meanwhile: a client must not lose an answer.
///
/// Errors are ``GrantletError``s. Text that comes in is looked at as a whole; a NUL in it cuts nothing short.
public final class Engine: Sendable {
    private let handle: Guarded<NativeHandle?>

    /// Opens an engine in memory: what it knows ends with it. A configuration that names a `store`, or a host that brings one,
    /// makes it last.
    ///
    /// - Throws: `.config` and its reasons: the message names the place.
    public convenience init(_ configuration: Configuration, host: Host = Host()) throws(GrantletError) {
        try self.init(json: configuration.encoded(), host: host)
    }

    /// As ``init(_:host:)``, with the configuration as it stands in a file.
    public init(json configuration: JSON, host: Host = Host()) throws(GrantletError) {
        let handle = try Self.open(host) { host, engine, error in
            lend(configuration.text) { grl_engine_new($0, host, engine, error) }
        }
        self.handle = Guarded(handle)
    }

    /// Opens an engine on a file, which is made if it is not there: grants, keys, and what is changed of clients and APIs
    /// outlive the process. Any number of processes may open the same file at once.
    ///
    /// - Parameter sealingKey: 32 bytes which you keep elsewhere, such as in the Keychain: `Data`, or CryptoKit's `SymmetricKey`.
    ///   Without them nobody can read the engine's keys in the file.
    /// - Throws: `.config`, `.store` and their reasons, such as `.storeSealed` of the wrong key; `.temporarilyUnavailable` where
    ///   another process holds the file for longer than five seconds; `.usage` of a URL that is not a file's.
    public convenience init(
        _ configuration: Configuration, file: URL, sealingKey: some ContiguousBytes, host: Host = Host()
    ) throws(GrantletError) {
        try self.init(json: configuration.encoded(), file: file, sealingKey: sealingKey, host: host)
    }

    /// As `init(_:file:sealingKey:host:)`, with the configuration as it stands in a file.
    public init(
        json configuration: JSON, file: URL, sealingKey: some ContiguousBytes, host: Host = Host()
    ) throws(GrantletError) {
        handle = Guarded(try Self.open(json: configuration, file: file, sealingKey: sealingKey, host: host))
    }

    init(_ handle: NativeHandle) {
        self.handle = Guarded(handle)
    }

    static func open(
        json configuration: JSON, file: URL, sealingKey: some ContiguousBytes, host: Host
    ) throws(GrantletError) -> NativeHandle {
        let path = try path(of: file)
        return try open(host) { host, engine, error in
            lend(configuration.text, path) { configuration, path in
                lend(sealingKey) { grl_engine_open(configuration, path, $0, host, engine, error) }
            }
        }
    }

    private static func open(
        _ host: Host,
        _ body: (UnsafePointer<grl_host>, UnsafeMutablePointer<OpaquePointer?>, UnsafeMutablePointer<OpaquePointer?>) -> grl_status
    ) throws(GrantletError) -> NativeHandle {
        guard grl_abi_version() == UInt32(GRL_ABI_VERSION) else {
            throw .usage("libgrantlet \(libraryVersion) has another binary interface than this package was built for")
        }
        let callbacks = HostCallbacks(host)
        var engine: OpaquePointer?
        var error: OpaquePointer?
        let (status, thrown) = callbacks.watching { callbacks.lend { body($0, &engine, &error) } }
        guard let engine else { throw GrantletError(taking: error, status: status, underlying: thrown) }
        return NativeHandle(engine, host: callbacks, free: grl_engine_free)
    }

    /// Closes the engine early; else it closes when nobody refers to it any more.
    ///
    /// Calls that are under way end as ever, on whichever thread; any later one throws `.usage`. Pending authorizations go on
    /// working, and the file of a store stays open until they are gone. To close twice is fine.
    public func close() {
        // What this was the last reference to is freed behind the lock.
        _ = handle.withLock { handle in
            defer { handle = nil }
            return handle
        }
    }

    /// A URL of something else has a path, too.
    static func path(of file: URL) throws(GrantletError) -> String {
        guard file.isFileURL else { throw .usage("the URL is not a file's") }
        return file.path
    }

    /// The handle, to be referred to while a call runs.
    func opened() throws(GrantletError) -> NativeHandle {
        guard let handle = handle.withLock({ $0 }) else { throw .usage("the engine is closed") }
        return handle
    }

    /// The library's version, such as `0.1.0`.
    public static var libraryVersion: String {
        String(cString: grl_version())
    }

    /// Validates an authorization request: the query of `GET /authorize`, or the form that was posted there.
    ///
    /// - Throws: The errors of RFC 6749 §4.1.2.1 and OIDC Core §3.1.2.6; ``GrantletError/redirect`` says whether the client may be
    ///   told.
    public func authorize(query: String) throws(GrantletError) -> PendingAuthorization {
        let handle = try opened()
        var authorization: OpaquePointer?
        try handle.call { engine, error in
            lend(query) { grl_engine_authorize(engine, $0, &authorization, error) }
        }
        guard let authorization else { throw .usage("no authorization") }
        return PendingAuthorization(handle.child(authorization, free: grl_authorization_free))
    }

    /// Answers a token request: `authorization_code`, `refresh_token` or `client_credentials` (RFC 6749 §3.2, §5).
    ///
    /// A spent code or refresh token that comes back revokes its grant (`.invalidGrantReused`); any other error leaves it as it was.
    ///
    /// - Parameters:
    ///   - form: The body, `application/x-www-form-urlencoded`.
    ///   - authorization: The value of the `Authorization` header, if there was one.
    /// - Throws: The errors of RFC 6749 §5.2; ``GrantletError/response`` is the body to answer with.
    public func token(form: String, authorization: String? = nil) throws(GrantletError) -> TokenResponse {
        let json = try opened().json { engine, json, error in
            lend(form, authorization ?? "") { grl_engine_token(engine, $0, $1, json, error) }
        }
        return TokenResponse(json: json)
    }

    /// Verifies an access token for a resource server: signature, issuer, lifetime, audience, scopes, and that neither it nor its
    /// grant was revoked (RFC 9068 §4, RFC 6750 §3.1).
    ///
    /// - Throws: `.invalidToken` and its reasons; `.insufficientScope`; `.usage` for an empty scope, which was perhaps never set.
    public func verify(
        _ accessToken: String, audience: String, scopes: [String] = []
    ) throws(GrantletError) -> AccessTokenClaims {
        guard !scopes.contains("") else { throw .usage("an empty scope is none: no scopes are []") }
        let json = try opened().json { engine, json, error in
            lend(accessToken, audience, scopes.joined(separator: " ")) { grl_engine_verify(engine, $0, $1, $2, json, error) }
        }
        return AccessTokenClaims(json: json)
    }

    /// Answers a revocation request (RFC 7009): revokes the grant of a refresh token, or one access token. Parameters as in
    /// `token(form:authorization:)`; there is no body to answer with.
    ///
    /// - Throws: The errors of client authentication; an unknown token is none.
    public func revoke(form: String, authorization: String? = nil) throws(GrantletError) {
        try opened().call { engine, error in
            lend(form, authorization ?? "") { grl_engine_revoke(engine, $0, $1, error) }
        }
    }

    /// Answers an introspection request (RFC 7662). Parameters as in `token(form:authorization:)`.
    ///
    /// - Throws: The errors of client authentication; a token that is not active is none.
    public func introspect(form: String, authorization: String? = nil) throws(GrantletError) -> JSON {
        try opened().json { engine, json, error in
            lend(form, authorization ?? "") { grl_engine_introspect(engine, $0, $1, json, error) }
        }
    }

    /// Answers a UserInfo request with the claims that the host's ``UserClaims`` give (OIDC Core §5.3).
    ///
    /// - Throws: The errors of `verify(_:audience:scopes:)`.
    public func userinfo(_ accessToken: String) throws(GrantletError) -> JSON {
        try opened().json { engine, json, error in
            lend(accessToken) { grl_engine_userinfo(engine, $0, json, error) }
        }
    }

    /// The metadata document, for `/.well-known/openid-configuration` (OIDC Discovery §3, RFC 8414 §2).
    public func metadata() throws(GrantletError) -> JSON {
        try opened().json { grl_engine_metadata($0, $1, $2) }
    }

    /// The public keys: next, current and previous, as a JWK set (RFC 7517 §5).
    public func jwks() throws(GrantletError) -> JSON {
        try opened().json { grl_engine_jwks($0, $1, $2) }
    }

    /// Answers an HTTP request, whatever its path, with the endpoint that lies there.
    ///
    /// A bad request is no error here: it gets its response.
    public func handle(_ request: Request) throws(GrantletError) -> Answer {
        let handle = try opened()
        var response: OpaquePointer?
        var authorization: OpaquePointer?
        try handle.call { engine, error in
            request.lend { grl_engine_handle(engine, $0, &response, &authorization, error) }
        }
        if let authorization {
            return .authorization(PendingAuthorization(handle.child(authorization, free: grl_authorization_free)))
        }
        guard let response else { throw .usage("no response") }
        return .response(Response(taking: response))
    }
}

extension Engine: CustomReflectable {
    /// Nothing, so that `dump` does not go on to the host's seams, and to a key that one of them may hold.
    public var customMirror: Mirror {
        Mirror(self, children: [])
    }
}
