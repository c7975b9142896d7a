#import "GRLDefines.h"
#include <grantlet.h>

// Where file names ignore case, <grantlet.h> can come out as <Grantlet/Grantlet.h>.
#ifndef GRANTLET_H
#error "put grantlet's include folder on the header search path, not the folder Grantlet itself"
#endif

@class GRLHTTPResponse;

NS_ASSUME_NONNULL_BEGIN

/// The domain of the library's errors; their codes are `GRLError`.
FOUNDATION_EXPORT NSErrorDomain const GRLErrorDomain;

/// The OAuth error code as text, such as `invalid_grant`. NSString.
FOUNDATION_EXPORT NSString *const GRLErrorOAuthCodeKey;
/// What the log should know and the client must not be told; absent where there is nothing. NSString.
FOUNDATION_EXPORT NSString *const GRLErrorDetailKey;
/// The HTTP status to answer with, such as 400. NSNumber.
FOUNDATION_EXPORT NSString *const GRLErrorHTTPStatusKey;
/// The JSON body to answer with: `{"error":…,"error_description":…}`. NSData.
FOUNDATION_EXPORT NSString *const GRLErrorResponseBodyKey;
/// Of -[GRLEngine authorizeWithQuery:error:] only: the response that takes the error to the client. Absent where
/// the client is not to be trusted; show the error to the user then, and never redirect. GRLHTTPResponse.
FOUNDATION_EXPORT NSString *const GRLErrorRedirectKey;

/// The domain of the error that stands for what a block of yours threw: the `NSUnderlyingErrorKey` of the failed call.
FOUNDATION_EXPORT NSErrorDomain const GRLExceptionErrorDomain;
/// What was thrown, if it was an NSException.
FOUNDATION_EXPORT NSString *const GRLErrorExceptionKey;

/// Why a call failed: a class (`GRLErrorInvalidGrant`) or a reason within it (`GRLErrorInvalidGrantReused`).
///
/// Act on the class, `-[NSError grl_errorClass]`. The numbers and their meaning are those of `grl_status` in grantlet.h.
///
/// `NSLocalizedDescriptionKey` holds the `error_description`, safe to send. `NSUnderlyingErrorKey` holds what a block
/// of yours failed with, if that was why: its own NSError, or one of GRLExceptionErrorDomain.
typedef NS_ERROR_ENUM(GRLErrorDomain, GRLError) {
    /// The request is malformed (RFC 6749 §4.1.2.1, §5.2).
    GRLErrorInvalidRequest = GRL_INVALID_REQUEST,
    /// A required parameter is missing or empty (RFC 6749 §3.1).
    GRLErrorInvalidRequestMissing = GRL_INVALID_REQUEST_MISSING,
    /// A parameter is present more than once (RFC 6749 §3.1).
    GRLErrorInvalidRequestRepeated = GRL_INVALID_REQUEST_REPEATED,
    /// The `redirect_uri` is missing, malformed or not registered; it must not be redirected to
    /// (RFC 6749 §4.1.2.1).
    GRLErrorInvalidRequestRedirectURI = GRL_INVALID_REQUEST_REDIRECT_URI,
    /// The `code_challenge`, its method or the `code_verifier` is missing or malformed (RFC 7636).
    GRLErrorInvalidRequestPKCE = GRL_INVALID_REQUEST_PKCE,
    /// The request is larger than the engine accepts.
    GRLErrorInvalidRequestTooLarge = GRL_INVALID_REQUEST_TOO_LARGE,
    /// The HTTP method is not one of this endpoint's.
    GRLErrorInvalidRequestMethod = GRL_INVALID_REQUEST_METHOD,
    /// The `Content-Type` is not the one that this endpoint takes.
    GRLErrorInvalidRequestContentType = GRL_INVALID_REQUEST_CONTENT_TYPE,
    /// No endpoint has this path.
    GRLErrorInvalidRequestPath = GRL_INVALID_REQUEST_PATH,

    /// Client authentication failed (RFC 6749 §5.2).
    GRLErrorInvalidClient = GRL_INVALID_CLIENT,
    /// No client has this `client_id`.
    GRLErrorInvalidClientUnknown = GRL_INVALID_CLIENT_UNKNOWN,
    /// The client's secret is wrong.
    GRLErrorInvalidClientSecret = GRL_INVALID_CLIENT_SECRET,
    /// The client did not use the authentication method that it is registered for.
    GRLErrorInvalidClientMethod = GRL_INVALID_CLIENT_METHOD,
    /// The request carries no client authentication.
    GRLErrorInvalidClientMissing = GRL_INVALID_CLIENT_MISSING,

    /// The code or refresh token is not valid (RFC 6749 §5.2).
    GRLErrorInvalidGrant = GRL_INVALID_GRANT,
    /// The text is no credential of this engine: mangled, forged or made under another key.
    GRLErrorInvalidGrantMalformed = GRL_INVALID_GRANT_MALFORMED,
    /// The store holds no such grant; it expired and was swept, or belongs to another store.
    GRLErrorInvalidGrantUnknown = GRL_INVALID_GRANT_UNKNOWN,
    /// A spent code or refresh token came back outside its leeway; the grant is now revoked.
    GRLErrorInvalidGrantReused = GRL_INVALID_GRANT_REUSED,
    /// The code or grant is past its absolute lifetime.
    GRLErrorInvalidGrantExpired = GRL_INVALID_GRANT_EXPIRED,
    /// The grant was not used for longer than its idle lifetime.
    GRLErrorInvalidGrantIdle = GRL_INVALID_GRANT_IDLE,
    /// The grant was revoked.
    GRLErrorInvalidGrantRevoked = GRL_INVALID_GRANT_REVOKED,
    /// The credential was issued to another client.
    GRLErrorInvalidGrantWrongClient = GRL_INVALID_GRANT_WRONG_CLIENT,
    /// The credential is newer than the store: the store was restored from a backup.
    GRLErrorInvalidGrantAhead = GRL_INVALID_GRANT_AHEAD,
    /// The `redirect_uri` is not the one of the authorization request (RFC 6749 §4.1.3).
    GRLErrorInvalidGrantRedirectURI = GRL_INVALID_GRANT_REDIRECT_URI,
    /// The `code_verifier` does not match the challenge (RFC 7636 §4.6).
    GRLErrorInvalidGrantVerifier = GRL_INVALID_GRANT_VERIFIER,

    /// The client may not use this grant or response type (RFC 6749 §5.2).
    GRLErrorUnauthorizedClient = GRL_UNAUTHORIZED_CLIENT,
    /// The `grant_type` is not supported (RFC 6749 §5.2).
    GRLErrorUnsupportedGrantType = GRL_UNSUPPORTED_GRANT_TYPE,
    /// The scope is malformed, or more than was granted (RFC 6749 §5.2, §6).
    GRLErrorInvalidScope = GRL_INVALID_SCOPE,
    /// The `audience` or `resource` names no known API, or one outside the grant (RFC 8707 §2).
    GRLErrorInvalidTarget = GRL_INVALID_TARGET,
    /// The user or the host refused (RFC 6749 §4.1.2.1).
    GRLErrorAccessDenied = GRL_ACCESS_DENIED,
    /// The `response_type` is not `code` (RFC 6749 §4.1.2.1).
    GRLErrorUnsupportedResponseType = GRL_UNSUPPORTED_RESPONSE_TYPE,
    /// `prompt=none`, and the user is not signed in (OIDC Core §3.1.2.6).
    GRLErrorLoginRequired = GRL_LOGIN_REQUIRED,
    /// `prompt=none`, and the user's consent is needed (OIDC Core §3.1.2.6).
    GRLErrorConsentRequired = GRL_CONSENT_REQUIRED,
    /// `prompt=none`, and the user must be asked something (OIDC Core §3.1.2.6).
    GRLErrorInteractionRequired = GRL_INTERACTION_REQUIRED,
    /// `prompt=none`, and the user must choose an account (OIDC Core §3.1.2.6).
    GRLErrorAccountSelectionRequired = GRL_ACCOUNT_SELECTION_REQUIRED,
    /// The `acr_values` or `max_age` asked for cannot be met (OIDC Unmet Authentication
    /// Requirements 1.0).
    GRLErrorUnmetAuthenticationRequirements = GRL_UNMET_AUTHENTICATION_REQUIREMENTS,
    /// The `request` parameter is not supported (OIDC Core §6.1).
    GRLErrorRequestNotSupported = GRL_REQUEST_NOT_SUPPORTED,
    /// The `request_uri` parameter is not supported (OIDC Core §6.2).
    GRLErrorRequestURINotSupported = GRL_REQUEST_URI_NOT_SUPPORTED,
    /// The `registration` parameter is not supported (OIDC Core §7.2.1).
    GRLErrorRegistrationNotSupported = GRL_REGISTRATION_NOT_SUPPORTED,
    /// The access token is missing, malformed, expired, revoked or for someone else (RFC 6750 §3.1).
    GRLErrorInvalidToken = GRL_INVALID_TOKEN,
    /// The access token is past its `exp`.
    GRLErrorInvalidTokenExpired = GRL_INVALID_TOKEN_EXPIRED,
    /// The access token, or the grant that it came from, was revoked.
    GRLErrorInvalidTokenRevoked = GRL_INVALID_TOKEN_REVOKED,
    /// The access token is for another audience.
    GRLErrorInvalidTokenAudience = GRL_INVALID_TOKEN_AUDIENCE,
    /// The signature does not verify, or is not one of this engine's keys'.
    GRLErrorInvalidTokenSignature = GRL_INVALID_TOKEN_SIGNATURE,
    /// The request carries no access token (RFC 6750 §3: a challenge without an error code).
    GRLErrorInvalidTokenMissing = GRL_INVALID_TOKEN_MISSING,

    /// The access token lacks a scope (RFC 6750 §3.1).
    GRLErrorInsufficientScope = GRL_INSUFFICIENT_SCOPE,
    /// The engine, its store, its signer or its clock failed; nothing was issued.
    GRLErrorServerError = GRL_SERVER_ERROR,
    /// The same call may succeed later.
    GRLErrorTemporarilyUnavailable = GRL_TEMPORARILY_UNAVAILABLE,
    /// The configuration, or a client's or API's metadata, is not valid. Nothing was changed.
    GRLErrorConfig = GRL_CONFIG,
    /// A configuration key is unknown.
    GRLErrorConfigUnknownKey = GRL_CONFIG_UNKNOWN_KEY,
    /// Key material is not usable.
    GRLErrorConfigKey = GRL_CONFIG_KEY,

    /// The host called in a way that the contract rules out.
    GRLErrorUsage = GRL_USAGE,
    /// A required pointer is NULL.
    GRLErrorUsageNull = GRL_USAGE_NULL,
    /// Text is not UTF-8.
    GRLErrorUsageUTF8 = GRL_USAGE_UTF8,
    /// The authorization was answered already.
    GRLErrorUsageAnswered = GRL_USAGE_ANSWERED,
    /// A struct's `size` is not one that this library knows.
    GRLErrorUsageSize = GRL_USAGE_SIZE,

    /// Nothing has this name or id.
    GRLErrorNotFound = GRL_NOT_FOUND,
    /// The buffer is too small; the needed length was written. Nothing was changed.
    GRLErrorBufferTooSmall = GRL_BUFFER_TOO_SMALL,
    /// The engine has a defect: it panicked, and the panic was stopped at the boundary.
    GRLErrorPanic = GRL_PANIC,
    /// The store cannot be used as it is; the host or its operator has to mend something.
    GRLErrorStore = GRL_STORE,
    /// The disk, or what the store may use of it, is full. What was asked was not done.
    GRLErrorStoreFull = GRL_STORE_FULL,
    /// The store's file or folder cannot be opened for writing.
    GRLErrorStoreReadOnly = GRL_STORE_READ_ONLY,
    /// The store is damaged: restore a backup.
    GRLErrorStoreCorrupt = GRL_STORE_CORRUPT,
    /// The store was written by a later version of this library.
    GRLErrorStoreNewer = GRL_STORE_NEWER,
    /// The store's file is something else; it was left as it is.
    GRLErrorStoreForeign = GRL_STORE_FOREIGN,
    /// The store has no such operation.
    GRLErrorStoreUnsupported = GRL_STORE_UNSUPPORTED,
    /// The store's keys are sealed, and the host's sealing key is not the one, or is missing.
    GRLErrorStoreSealed = GRL_STORE_SEALED,
} NS_SWIFT_NAME(GrantletError);

/// What the library's errors carry; nil or 0 of any other error.
@interface NSError (Grantlet)
/// The class of the code, such as `GRLErrorInvalidGrant` of `GRLErrorInvalidGrantReused`.
@property (nonatomic, readonly) GRLError grl_errorClass;
/// The OAuth error code as text, such as `invalid_grant`.
@property (nonatomic, readonly, nullable) NSString *grl_OAuthCode;
/// For the log; do not send it.
@property (nonatomic, readonly, nullable) NSString *grl_detail;
/// The HTTP status to answer with.
@property (nonatomic, readonly) NSInteger grl_HTTPStatus;
/// The JSON body to answer with.
@property (nonatomic, readonly, nullable) NSData *grl_responseBody;
/// The response that takes the error to the client, or nil: see GRLErrorRedirectKey.
@property (nonatomic, readonly, nullable) GRLHTTPResponse *grl_redirect;
@end

NS_ASSUME_NONNULL_END
