internal import CGrantlet
import Foundation

extension Engine {
    /// Adds an API, or replaces the one of the same identifier. Grants stay.
    ///
    /// - Throws: `.config` and its reasons; nothing is changed then.
    public func put(_ api: Configuration.API) throws(GrantletError) {
        try putAPI(json: api.encoded())
    }

    /// As `put(_:)`, of a JSON object as in the configuration's `apis`.
    public func putAPI(json api: JSON) throws(GrantletError) {
        try opened().call { engine, error in lend(api.text) { grl_engine_put_api(engine, $0, error) } }
    }

    /// Adds a client, or replaces the one of the same id. Grants stay.
    ///
    /// - Throws: `.config` and its reasons; nothing is changed then.
    public func put(_ client: Configuration.Client) throws(GrantletError) {
        try putClient(json: client.encoded())
    }

    /// As `put(_:)`, of a JSON object as in the configuration's `clients`.
    public func putClient(json client: JSON) throws(GrantletError) {
        try opened().call { engine, error in lend(client.text) { grl_engine_put_client(engine, $0, error) } }
    }

    /// Removes an API: no more tokens for it, and those that are out are no longer valid here.
    ///
    /// - Throws: `.notFound`; `.config` for the default audience.
    public func removeAPI(_ identifier: String) throws(GrantletError) {
        try opened().call { engine, error in lend(identifier) { grl_engine_remove_api(engine, $0, error) } }
    }

    /// Removes a client and revokes its grants.
    ///
    /// - Returns: How many grants were live until now.
    /// - Throws: `.notFound`.
    @discardableResult
    public func removeClient(_ clientID: String) throws(GrantletError) -> Int {
        try opened().count { engine, revoked, error in
            lend(clientID) { grl_engine_remove_client(engine, $0, revoked, error) }
        }
    }

    /// The grants of a client, of a user, of both, or all, the oldest first: `decode([Grant].self)`. `nil` means anybody's.
    ///
    /// - Throws: `.usage` for an empty name, which is nobody's.
    public func grants(clientID: String? = nil, subject: String? = nil) throws(GrantletError) -> JSON {
        let (clientID, subject) = try Self.names(clientID, subject)
        return try opened().json { engine, json, error in
            lend(clientID, subject) { grl_engine_grants(engine, $0, $1, json, error) }
        }
    }

    /// One grant: `decode(Grant.self)`.
    ///
    /// - Throws: `.notFound`.
    public func grant(_ grantID: String) throws(GrantletError) -> JSON {
        try opened().json { engine, json, error in lend(grantID) { grl_engine_grant(engine, $0, json, error) } }
    }

    /// Revokes a grant, and everything under it.
    ///
    /// - Returns: Whether it was live until now.
    /// - Throws: `.notFound` for what is no grant id at all.
    @discardableResult
    public func revokeGrant(_ grantID: String) throws(GrantletError) -> Bool {
        try opened().count { engine, revoked, error in
            lend(grantID) { grl_engine_revoke_grant(engine, $0, revoked, error) }
        } > 0
    }

    /// Revokes the grants of a client, of a user, or of one at the other; `nil` means anybody's, but not both: a variable that was
    /// never set must not sign everybody out.
    ///
    /// - Returns: How many were live until now.
    /// - Throws: `.usage` where both are `nil`, or one is empty, which is nobody's. Should the store fail half-way, grants stay revoked.
    @discardableResult
    public func revokeGrants(clientID: String? = nil, subject: String? = nil) throws(GrantletError) -> Int {
        let (clientID, subject) = try Self.names(clientID, subject)
        return try opened().count { engine, revoked, error in
            lend(clientID, subject) { grl_engine_revoke_grants(engine, $0, $1, revoked, error) }
        }
    }

    /// As C has them: there, an empty one means anybody's.
    private static func names(_ clientID: String?, _ subject: String?) throws(GrantletError) -> (String, String) {
        guard clientID != "", subject != "" else { throw .usage("the client id or the subject is empty; nil means anybody's") }
        return (clientID ?? "", subject ?? "")
    }

    /// Moves every key on: the next one signs, the current one still verifies, a fresh next is published. Tokens that are out
    /// stay valid; the key of a ``Signer`` stays. Where processes share a store, not twice within two seconds.
    public func rotateKeys() throws(GrantletError) {
        try opened().call { grl_engine_rotate_keys($0, $1) }
    }

    /// Seals the engine's keys in its store under another 32 bytes, which the next to open it has to bring.
    ///
    /// - Throws: `.configKey` for another length; `.storeUnsupported` where nothing outlives the process. The store's own: then
    ///   nobody knows whether it was done, so keep both keys; one of them opens it.
    public func reseal(_ sealingKey: some ContiguousBytes) throws(GrantletError) {
        try opened().call { engine, error in lend(sealingKey) { grl_engine_reseal(engine, $0, error) } }
    }

    /// Writes a consistent copy of the store's file to a new one while the engine goes on working; it is opened like any other.
    ///
    /// - Throws: `.storeUnsupported` of a store that is no file; `.storeFull`; `.serverError` where the file exists or its folder
    ///   does not: ``GrantletError/detail`` says which.
    public func backup(to file: URL) throws(GrantletError) {
        let path = try Self.path(of: file)
        try opened().call { engine, error in lend(path) { grl_engine_backup(engine, $0, error) } }
    }

    /// Removes at most `limit` records that nobody needs any more; a bounded amount of work. Call it now and then.
    ///
    /// - Returns: How many went.
    @discardableResult
    public func sweep(limit: Int = 1000) throws(GrantletError) -> Int {
        guard limit >= 0 else { throw .usage("the limit is less than none") }
        return try opened().count { engine, removed, error in grl_engine_sweep(engine, limit, removed, error) }
    }
}

/// One grant: what a page «apps with access to your account» needs.
public struct Grant: Sendable, Hashable, Codable {
    /// Its id.
    public let id: String
    /// The client that holds it.
    public let clientID: String
    /// The user who gave it.
    public let subject: String
    /// What the user consented to, with spaces between.
    public let scope: String
    /// The APIs that it is for.
    public let audience: [String]
    /// What it is now: `code_issued`, `active`, `expired`, `revoked`.
    public let state: String
    /// Whether it has refresh tokens.
    public let refreshable: Bool
    /// 0 while the code is out; then 1, and one more with each rotation.
    public let generation: Int
    /// When the user approved.
    public let approvedAt: Date
    /// When the present code or refresh token was issued.
    public let issuedAt: Date
    /// When it ends if nobody uses it; `nil`: never.
    public let expiresAt: Date?
    /// When the user authenticated.
    public let authenticatedAt: Date?
    /// The host's session.
    public let sessionID: String?

    private enum CodingKeys: String, CodingKey {
        case id = "grant_id"
        case clientID = "client_id"
        case subject, scope, audience, state, refreshable, generation
        case approvedAt = "approved_at"
        case issuedAt = "issued_at"
        case expiresAt = "expires_at"
        case authenticatedAt = "auth_time"
        case sessionID = "sid"
    }
}
