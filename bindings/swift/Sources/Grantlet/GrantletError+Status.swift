// Made by bindings/statuses.py from include/grantlet.h; do not edit.
extension GrantletError {
    /// Why a call failed: a class, which says what to do, and often a reason within it.
    ///
    /// The low byte of the number is the class's, the higher bits are the reason. A library that is newer than this package may
    /// know more reasons; those are told as their class, and ``GrantletError/rawStatus`` has the number.
    public enum Status: Int32, Sendable, CaseIterable {
        /// The request is malformed (RFC 6749 §4.1.2.1, §5.2).
        case invalidRequest = 0x001
        /// A required parameter is missing or empty (RFC 6749 §3.1).
        case invalidRequestMissing = 0x101
        /// A parameter is present more than once (RFC 6749 §3.1).
        case invalidRequestRepeated = 0x201
        /// The `redirect_uri` is missing, malformed or not registered; it must not be redirected to
        /// (RFC 6749 §4.1.2.1).
        case invalidRequestRedirectURI = 0x301
        /// The `code_challenge`, its method or the `code_verifier` is missing or malformed (RFC 7636).
        case invalidRequestPKCE = 0x401
        /// The request is larger than the engine accepts.
        case invalidRequestTooLarge = 0x501
        /// The HTTP method is not one of this endpoint's.
        case invalidRequestMethod = 0x601
        /// The `Content-Type` is not the one that this endpoint takes.
        case invalidRequestContentType = 0x701
        /// No endpoint has this path.
        case invalidRequestPath = 0x801
        /// Client authentication failed (RFC 6749 §5.2).
        case invalidClient = 0x002
        /// No client has this `client_id`.
        case invalidClientUnknown = 0x102
        /// The client's secret is wrong.
        case invalidClientSecret = 0x202
        /// The client did not use the authentication method that it is registered for.
        case invalidClientMethod = 0x302
        /// The request carries no client authentication.
        case invalidClientMissing = 0x402
        /// The code or refresh token is not valid (RFC 6749 §5.2).
        case invalidGrant = 0x003
        /// The text is no credential of this engine: mangled, forged or made under another key.
        case invalidGrantMalformed = 0x103
        /// The store holds no such grant; it expired and was swept, or belongs to another store.
        case invalidGrantUnknown = 0x203
        /// A spent code or refresh token came back outside its leeway; the grant is now revoked.
        case invalidGrantReused = 0x303
        /// The code or grant is past its absolute lifetime.
        case invalidGrantExpired = 0x403
        /// The grant was not used for longer than its idle lifetime.
        case invalidGrantIdle = 0x503
        /// The grant was revoked.
        case invalidGrantRevoked = 0x603
        /// The credential was issued to another client.
        case invalidGrantWrongClient = 0x703
        /// The credential is newer than the store: the store was restored from a backup.
        case invalidGrantAhead = 0x803
        /// The `redirect_uri` is not the one of the authorization request (RFC 6749 §4.1.3).
        case invalidGrantRedirectURI = 0x903
        /// The `code_verifier` does not match the challenge (RFC 7636 §4.6).
        case invalidGrantVerifier = 0xa03
        /// The client may not use this grant or response type (RFC 6749 §5.2).
        case unauthorizedClient = 0x004
        /// The `grant_type` is not supported (RFC 6749 §5.2).
        case unsupportedGrantType = 0x005
        /// The scope is malformed, or more than was granted (RFC 6749 §5.2, §6).
        case invalidScope = 0x006
        /// The `audience` or `resource` names no known API, or one outside the grant (RFC 8707 §2).
        case invalidTarget = 0x007
        /// The user or the host refused (RFC 6749 §4.1.2.1).
        case accessDenied = 0x008
        /// The `response_type` is not `code` (RFC 6749 §4.1.2.1).
        case unsupportedResponseType = 0x009
        /// `prompt=none`, and the user is not signed in (OIDC Core §3.1.2.6).
        case loginRequired = 0x00a
        /// `prompt=none`, and the user's consent is needed (OIDC Core §3.1.2.6).
        case consentRequired = 0x00b
        /// `prompt=none`, and the user must be asked something (OIDC Core §3.1.2.6).
        case interactionRequired = 0x00c
        /// `prompt=none`, and the user must choose an account (OIDC Core §3.1.2.6).
        case accountSelectionRequired = 0x00d
        /// The `acr_values` or `max_age` asked for cannot be met (OIDC Unmet Authentication
        /// Requirements 1.0).
        case unmetAuthenticationRequirements = 0x00e
        /// The `request` parameter is not supported (OIDC Core §6.1).
        case requestNotSupported = 0x00f
        /// The `request_uri` parameter is not supported (OIDC Core §6.2).
        case requestURINotSupported = 0x010
        /// The `registration` parameter is not supported (OIDC Core §7.2.1).
        case registrationNotSupported = 0x011
        /// The access token is missing, malformed, expired, revoked or for someone else (RFC 6750 §3.1).
        case invalidToken = 0x012
        /// The access token is past its `exp`.
        case invalidTokenExpired = 0x112
        /// The access token, or the grant that it came from, was revoked.
        case invalidTokenRevoked = 0x212
        /// The access token is for another audience.
        case invalidTokenAudience = 0x312
        /// The signature does not verify, or is not one of this engine's keys'.
        case invalidTokenSignature = 0x412
        /// The request carries no access token (RFC 6750 §3: a challenge without an error code).
        case invalidTokenMissing = 0x512
        /// The access token lacks a scope (RFC 6750 §3.1).
        case insufficientScope = 0x013
        /// The engine, its store, its signer or its clock failed; nothing was issued.
        case serverError = 0x014
        /// The same call may succeed later.
        case temporarilyUnavailable = 0x015
        /// The configuration, or a client's or API's metadata, is not valid. Nothing was changed.
        case config = 0x040
        /// A configuration key is unknown.
        case configUnknownKey = 0x140
        /// Key material is not usable.
        case configKey = 0x240
        /// The host called in a way that the contract rules out.
        case usage = 0x041
        /// A required pointer is NULL.
        case usageNull = 0x141
        /// Text is not UTF-8.
        case usageUTF8 = 0x241
        /// The authorization was answered already.
        case usageAnswered = 0x341
        /// A struct's `size` is not one that this library knows.
        case usageSize = 0x441
        /// Nothing has this name or id.
        case notFound = 0x042
        /// The buffer is too small; the needed length was written. Nothing was changed.
        case bufferTooSmall = 0x043
        /// The engine has a defect: it panicked, and the panic was stopped at the boundary.
        case panic = 0x044
        /// The store cannot be used as it is; the host or its operator has to mend something.
        case store = 0x045
        /// The disk, or what the store may use of it, is full. What was asked was not done.
        case storeFull = 0x145
        /// The store's file or folder cannot be opened for writing.
        case storeReadOnly = 0x245
        /// The store is damaged: restore a backup.
        case storeCorrupt = 0x345
        /// The store was written by a later version of this library.
        case storeNewer = 0x445
        /// The store's file is something else; it was left as it is.
        case storeForeign = 0x545
        /// The store has no such operation.
        case storeUnsupported = 0x645
        /// The store's keys are sealed, and the host's sealing key is not the one, or is missing.
        case storeSealed = 0x745

        /// The class, such as ``invalidGrant`` of ``invalidGrantReused``: its OAuth error code.
        public var kind: Status {
            Status(rawValue: rawValue & 0xff) ?? .serverError
        }
    }
}
