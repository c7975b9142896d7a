import Foundation

/// Runs a call on a thread of its own, where it may block: for the disk, or until a user has touched a key.
func offload<Value: Sendable>(
    _ call: @escaping @Sendable () throws(GrantletError) -> Value
) async throws(GrantletError) -> Value {
    let result: Result<Value, GrantletError> = await withCheckedContinuation { continuation in
        // A queue for each call: a serial queue is given a thread at once, however many others block; a concurrent one is
        // given no more than there are processors, and its calls would wait for one another's users. (The system's bound, a few
        // hundred threads, stays: of more calls than that, some wait.)
        DispatchQueue(label: "grantlet.call").async { continuation.resume(returning: Result(catching: call)) }
    }
    return try result.get()
}

// Each call once more, so that the caller's executor is not blocked.
extension Engine {
    /// As `init(_:file:sealingKey:host:)`, without blocking the caller's executor.
    public convenience init(
        _ configuration: Configuration, file: URL, sealingKey: some ContiguousBytes & Sendable, host: Host = Host()
    ) async throws(GrantletError) {
        try await self.init(json: configuration.encoded(), file: file, sealingKey: sealingKey, host: host)
    }

    /// As `init(json:file:sealingKey:host:)`, without blocking the caller's executor.
    public convenience init(
        json configuration: JSON, file: URL, sealingKey: some ContiguousBytes & Sendable, host: Host = Host()
    ) async throws(GrantletError) {
        let handle = try await offload { () throws(GrantletError) in
            try Engine.open(json: configuration, file: file, sealingKey: sealingKey, host: host)
        }
        self.init(handle)
    }

    /// As `reseal(_:)`, without blocking the caller's executor.
    public func reseal(_ sealingKey: some ContiguousBytes & Sendable) async throws(GrantletError) {
        try await offload { () throws(GrantletError) in try self.reseal(sealingKey) }
    }

    /// As `authorize(query:)`, without blocking the caller's executor.
    public func authorize(query: String) async throws(GrantletError) -> PendingAuthorization {
        try await offload { () throws(GrantletError) in try self.authorize(query: query) }
    }

    /// As `token(form:authorization:)`, without blocking the caller's executor.
    public func token(form: String, authorization: String? = nil) async throws(GrantletError) -> TokenResponse {
        try await offload { () throws(GrantletError) in try self.token(form: form, authorization: authorization) }
    }

    /// As `verify(_:audience:scopes:)`, without blocking the caller's executor.
    public func verify(
        _ accessToken: String, audience: String, scopes: [String] = []
    ) async throws(GrantletError) -> AccessTokenClaims {
        try await offload { () throws(GrantletError) in try self.verify(accessToken, audience: audience, scopes: scopes) }
    }

    /// As `revoke(form:authorization:)`, without blocking the caller's executor.
    public func revoke(form: String, authorization: String? = nil) async throws(GrantletError) {
        try await offload { () throws(GrantletError) in try self.revoke(form: form, authorization: authorization) }
    }

    /// As `introspect(form:authorization:)`, without blocking the caller's executor.
    public func introspect(form: String, authorization: String? = nil) async throws(GrantletError) -> JSON {
        try await offload { () throws(GrantletError) in try self.introspect(form: form, authorization: authorization) }
    }

    /// As `userinfo(_:)`, without blocking the caller's executor.
    public func userinfo(_ accessToken: String) async throws(GrantletError) -> JSON {
        try await offload { () throws(GrantletError) in try self.userinfo(accessToken) }
    }

    /// As `metadata()`, without blocking the caller's executor.
    public func metadata() async throws(GrantletError) -> JSON {
        try await offload { () throws(GrantletError) in try self.metadata() }
    }

    /// As `jwks()`, without blocking the caller's executor.
    public func jwks() async throws(GrantletError) -> JSON {
        try await offload { () throws(GrantletError) in try self.jwks() }
    }

    /// As `handle(_:)`, without blocking the caller's executor.
    public func handle(_ request: Request) async throws(GrantletError) -> Answer {
        try await offload { () throws(GrantletError) in try self.handle(request) }
    }

    /// As `put(_:)`, without blocking the caller's executor.
    public func put(_ api: Configuration.API) async throws(GrantletError) {
        try await offload { () throws(GrantletError) in try self.put(api) }
    }

    /// As `putAPI(json:)`, without blocking the caller's executor.
    public func putAPI(json api: JSON) async throws(GrantletError) {
        try await offload { () throws(GrantletError) in try self.putAPI(json: api) }
    }

    /// As `put(_:)`, without blocking the caller's executor.
    public func put(_ client: Configuration.Client) async throws(GrantletError) {
        try await offload { () throws(GrantletError) in try self.put(client) }
    }

    /// As `putClient(json:)`, without blocking the caller's executor.
    public func putClient(json client: JSON) async throws(GrantletError) {
        try await offload { () throws(GrantletError) in try self.putClient(json: client) }
    }

    /// As `removeAPI(_:)`, without blocking the caller's executor.
    public func removeAPI(_ identifier: String) async throws(GrantletError) {
        try await offload { () throws(GrantletError) in try self.removeAPI(identifier) }
    }

    /// As `removeClient(_:)`, without blocking the caller's executor.
    @discardableResult
    public func removeClient(_ clientID: String) async throws(GrantletError) -> Int {
        try await offload { () throws(GrantletError) in try self.removeClient(clientID) }
    }

    /// As `grants(clientID:subject:)`, without blocking the caller's executor.
    public func grants(clientID: String? = nil, subject: String? = nil) async throws(GrantletError) -> JSON {
        try await offload { () throws(GrantletError) in try self.grants(clientID: clientID, subject: subject) }
    }

    /// As `grant(_:)`, without blocking the caller's executor.
    public func grant(_ grantID: String) async throws(GrantletError) -> JSON {
        try await offload { () throws(GrantletError) in try self.grant(grantID) }
    }

    /// As `revokeGrant(_:)`, without blocking the caller's executor.
    @discardableResult
    public func revokeGrant(_ grantID: String) async throws(GrantletError) -> Bool {
        try await offload { () throws(GrantletError) in try self.revokeGrant(grantID) }
    }

    /// As `revokeGrants(clientID:subject:)`, without blocking the caller's executor.
    @discardableResult
    public func revokeGrants(clientID: String? = nil, subject: String? = nil) async throws(GrantletError) -> Int {
        try await offload { () throws(GrantletError) in try self.revokeGrants(clientID: clientID, subject: subject) }
    }

    /// As `rotateKeys()`, without blocking the caller's executor.
    public func rotateKeys() async throws(GrantletError) {
        try await offload { () throws(GrantletError) in try self.rotateKeys() }
    }

    /// As `backup(to:)`, without blocking the caller's executor.
    public func backup(to file: URL) async throws(GrantletError) {
        try await offload { () throws(GrantletError) in try self.backup(to: file) }
    }

    /// As `sweep(limit:)`, without blocking the caller's executor.
    @discardableResult
    public func sweep(limit: Int = 1000) async throws(GrantletError) -> Int {
        try await offload { () throws(GrantletError) in try self.sweep(limit: limit) }
    }
}
