// Made by bindings/statuses.py from include/grantlet.h; do not edit.
namespace Grantlet
{
    /// <summary>The outcome of a call. Act on its class (<see cref="StatusExtensions.Class"/>), the low byte; the higher bits
    /// are the reason within it. A library that is newer than this file may say others.</summary>
    public enum Status
    {
        /// <summary>The call did what it was asked to.</summary>
        Ok = 0,

        /// <summary>The request is malformed (RFC 6749 §4.1.2.1, §5.2).</summary>
        InvalidRequest = 1,

        /// <summary>A required parameter is missing or empty (RFC 6749 §3.1).</summary>
        InvalidRequestMissing = 1 | (1 << 8),

        /// <summary>A parameter is present more than once (RFC 6749 §3.1).</summary>
        InvalidRequestRepeated = 1 | (2 << 8),

        /// <summary>The <c>redirect_uri</c> is missing, malformed or not registered; it must not be redirected to (RFC 6749 §4.1.2.1).</summary>
        InvalidRequestRedirectUri = 1 | (3 << 8),

        /// <summary>The <c>code_challenge</c>, its method or the <c>code_verifier</c> is missing or malformed (RFC 7636).</summary>
        InvalidRequestPkce = 1 | (4 << 8),

        /// <summary>The request is larger than the engine accepts.</summary>
        InvalidRequestTooLarge = 1 | (5 << 8),

        /// <summary>The HTTP method is not one of this endpoint's.</summary>
        InvalidRequestMethod = 1 | (6 << 8),

        /// <summary>The <c>Content-Type</c> is not the one that this endpoint takes.</summary>
        InvalidRequestContentType = 1 | (7 << 8),

        /// <summary>No endpoint has this path.</summary>
        InvalidRequestPath = 1 | (8 << 8),

        /// <summary>Client authentication failed (RFC 6749 §5.2).</summary>
        InvalidClient = 2,

        /// <summary>No client has this <c>client_id</c>.</summary>
        InvalidClientUnknown = 2 | (1 << 8),

        /// <summary>The client's secret is wrong.</summary>
        InvalidClientSecret = 2 | (2 << 8),

        /// <summary>The client did not use the authentication method that it is registered for.</summary>
        InvalidClientMethod = 2 | (3 << 8),

        /// <summary>The request carries no client authentication.</summary>
        InvalidClientMissing = 2 | (4 << 8),

        /// <summary>The code or refresh token is not valid (RFC 6749 §5.2).</summary>
        InvalidGrant = 3,

        /// <summary>The text is no credential of this engine: mangled, forged or made under another key.</summary>
        InvalidGrantMalformed = 3 | (1 << 8),

        /// <summary>The store holds no such grant; it expired and was swept, or belongs to another store.</summary>
        InvalidGrantUnknown = 3 | (2 << 8),

        /// <summary>A spent code or refresh token came back outside its leeway; the grant is now revoked.</summary>
        InvalidGrantReused = 3 | (3 << 8),

        /// <summary>The code or grant is past its absolute lifetime.</summary>
        InvalidGrantExpired = 3 | (4 << 8),

        /// <summary>The grant was not used for longer than its idle lifetime.</summary>
        InvalidGrantIdle = 3 | (5 << 8),

        /// <summary>The grant was revoked.</summary>
        InvalidGrantRevoked = 3 | (6 << 8),

        /// <summary>The credential was issued to another client.</summary>
        InvalidGrantWrongClient = 3 | (7 << 8),

        /// <summary>The credential is newer than the store: the store was restored from a backup.</summary>
        InvalidGrantAhead = 3 | (8 << 8),

        /// <summary>The <c>redirect_uri</c> is not the one of the authorization request (RFC 6749 §4.1.3).</summary>
        InvalidGrantRedirectUri = 3 | (9 << 8),

        /// <summary>The <c>code_verifier</c> does not match the challenge (RFC 7636 §4.6).</summary>
        InvalidGrantVerifier = 3 | (10 << 8),

        /// <summary>The client may not use this grant or response type (RFC 6749 §5.2).</summary>
        UnauthorizedClient = 4,

        /// <summary>The <c>grant_type</c> is not supported (RFC 6749 §5.2).</summary>
        UnsupportedGrantType = 5,

        /// <summary>The scope is malformed, or more than was granted (RFC 6749 §5.2, §6).</summary>
        InvalidScope = 6,

        /// <summary>The <c>audience</c> or <c>resource</c> names no known API, or one outside the grant (RFC 8707 §2).</summary>
        InvalidTarget = 7,

        /// <summary>The user or the host refused (RFC 6749 §4.1.2.1).</summary>
        AccessDenied = 8,

        /// <summary>The <c>response_type</c> is not <c>code</c> (RFC 6749 §4.1.2.1).</summary>
        UnsupportedResponseType = 9,

        /// <summary><c>prompt=none</c>, and the user is not signed in (OIDC Core §3.1.2.6).</summary>
        LoginRequired = 10,

        /// <summary><c>prompt=none</c>, and the user's consent is needed (OIDC Core §3.1.2.6).</summary>
        ConsentRequired = 11,

        /// <summary><c>prompt=none</c>, and the user must be asked something (OIDC Core §3.1.2.6).</summary>
        InteractionRequired = 12,

        /// <summary><c>prompt=none</c>, and the user must choose an account (OIDC Core §3.1.2.6).</summary>
        AccountSelectionRequired = 13,

        /// <summary>The <c>acr_values</c> or <c>max_age</c> asked for cannot be met (OIDC Unmet Authentication Requirements 1.0).</summary>
        UnmetAuthenticationRequirements = 14,

        /// <summary>The <c>request</c> parameter is not supported (OIDC Core §6.1).</summary>
        RequestNotSupported = 15,

        /// <summary>The <c>request_uri</c> parameter is not supported (OIDC Core §6.2).</summary>
        RequestUriNotSupported = 16,

        /// <summary>The <c>registration</c> parameter is not supported (OIDC Core §7.2.1).</summary>
        RegistrationNotSupported = 17,

        /// <summary>The access token is missing, malformed, expired, revoked or for someone else (RFC 6750 §3.1).</summary>
        InvalidToken = 18,

        /// <summary>The access token is past its <c>exp</c>.</summary>
        InvalidTokenExpired = 18 | (1 << 8),

        /// <summary>The access token, or the grant that it came from, was revoked.</summary>
        InvalidTokenRevoked = 18 | (2 << 8),

        /// <summary>The access token is for another audience.</summary>
        InvalidTokenAudience = 18 | (3 << 8),

        /// <summary>The signature does not verify, or is not one of this engine's keys'.</summary>
        InvalidTokenSignature = 18 | (4 << 8),

        /// <summary>The request carries no access token (RFC 6750 §3: a challenge without an error code).</summary>
        InvalidTokenMissing = 18 | (5 << 8),

        /// <summary>The access token lacks a scope (RFC 6750 §3.1).</summary>
        InsufficientScope = 19,

        /// <summary>The engine, its store, its signer or its clock failed; nothing was issued.</summary>
        ServerError = 20,

        /// <summary>The same call may succeed later.</summary>
        TemporarilyUnavailable = 21,

        /// <summary>The configuration, or a client's or API's metadata, is not valid. Nothing was changed.</summary>
        Config = 64,

        /// <summary>A configuration key is unknown.</summary>
        ConfigUnknownKey = 64 | (1 << 8),

        /// <summary>Key material is not usable.</summary>
        ConfigKey = 64 | (2 << 8),

        /// <summary>The host called in a way that the contract rules out.</summary>
        Usage = 65,

        /// <summary>A required pointer is NULL.</summary>
        UsageNull = 65 | (1 << 8),

        /// <summary>Text is not UTF-8.</summary>
        UsageUtf8 = 65 | (2 << 8),

        /// <summary>The authorization was answered already.</summary>
        UsageAnswered = 65 | (3 << 8),

        /// <summary>A struct's <c>size</c> is not one that this library knows.</summary>
        UsageSize = 65 | (4 << 8),

        /// <summary>Nothing has this name or id.</summary>
        NotFound = 66,

        /// <summary>The buffer is too small; the needed length was written. Nothing was changed.</summary>
        BufferTooSmall = 67,

        /// <summary>The engine has a defect: it panicked, and the panic was stopped at the boundary.</summary>
        Panic = 68,

        /// <summary>The store cannot be used as it is; the host or its operator has to mend something.</summary>
        Store = 69,

        /// <summary>The disk, or what the store may use of it, is full. What was asked was not done.</summary>
        StoreFull = 69 | (1 << 8),

        /// <summary>The store's file or folder cannot be opened for writing.</summary>
        StoreReadOnly = 69 | (2 << 8),

        /// <summary>The store is damaged: restore a backup.</summary>
        StoreCorrupt = 69 | (3 << 8),

        /// <summary>The store was written by a later version of this library.</summary>
        StoreNewer = 69 | (4 << 8),

        /// <summary>The store's file is something else; it was left as it is.</summary>
        StoreForeign = 69 | (5 << 8),

        /// <summary>The store has no such operation.</summary>
        StoreUnsupported = 69 | (6 << 8),

        /// <summary>The store's keys are sealed, and the host's sealing key is not the one, or is missing.</summary>
        StoreSealed = 69 | (7 << 8),
    }

    /// <summary>What can be asked of a status.</summary>
    public static class StatusExtensions
    {
        /// <summary>The class of a status, such as <see cref="Status.InvalidGrant"/> of
        /// <see cref="Status.InvalidGrantReused"/>: its OAuth error code.</summary>
        /// <param name="status">A status.</param>
        /// <returns>Its class.</returns>
        public static Status Class(this Status status)
        {
            return (Status)((int)status & 0xff);
        }
    }

    /// <summary>The header's numbers.</summary>
    internal static class Header
    {
        internal const string Version = "0.1.0";
        internal const uint AbiVersion = 1;
        internal const int MaxRequestBytes = 32768;
    }
}
