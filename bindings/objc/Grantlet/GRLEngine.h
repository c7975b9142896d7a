#import "GRLAuthorization.h"
#import "GRLConfiguration.h"
#import "GRLHTTP.h"
#import "GRLHost.h"
#import "GRLTokens.h"

@class GRLHandle;

NS_ASSUME_NONNULL_BEGIN

/// An OAuth 2.1 / OpenID Connect server without a socket.
///
/// Each method says how it went as Foundation does: nil or NO, and an NSError of GRLErrorDomain (see GRLError). A nil
/// where none may be is such an error too, GRLErrorUsageNull, and so is a call after -close. Of `form`, `query` and
/// `authorization`, take what came over HTTP as it came: the body or query as text, the `Authorization` header or nil.
///
/// Threads: any number may use it at once, and any may close it. A call blocks while the store is flushed, and while
/// a block of your GRLHost runs.
NS_SWIFT_NAME(Engine)
@interface GRLEngine : NSObject {
@private
    GRLHandle *_handle;
}

/// The library's version, such as `0.1.0`.
@property (class, nonatomic, readonly) NSString *libraryVersion;

/// Opens an engine in memory: what it knows ends with it. (A configuration that names a `store` makes it last.)
///
/// Fails with GRLErrorConfig and its reasons; the description names the place.
- (nullable instancetype)initWithConfiguration:(GRLConfiguration *)configuration error:(NSError **)error;
/// The same, with parts of your own.
- (nullable instancetype)initWithConfiguration:(GRLConfiguration *)configuration
                                          host:(nullable GRLHost *)host
                                         error:(NSError **)error NS_DESIGNATED_INITIALIZER;
/// Opens an engine on a file, which is made if it is not there: grants, keys, and what is changed of clients and APIs
/// outlive the process. Any number of processes may open it at once.
///
/// `sealingKey` is 32 bytes, which you keep elsewhere: in the Keychain. Without them nobody can read the engine's keys in
/// the file. Fails also with GRLErrorStore and its reasons, such as GRLErrorStoreSealed of the wrong key, and with
/// GRLErrorTemporarilyUnavailable where another process holds the file for longer than five seconds.
- (nullable instancetype)initWithConfiguration:(GRLConfiguration *)configuration
                                       fileURL:(NSURL *)fileURL
                                    sealingKey:(NSData *)sealingKey
                                          host:(nullable GRLHost *)host
                                         error:(NSError **)error NS_DESIGNATED_INITIALIZER;
- (instancetype)init GRL_UNAVAILABLE;
+ (instancetype)new GRL_UNAVAILABLE;

/// Ends the engine; from any thread, any number of times, also from within a block of GRLHost's. Calls that are inside
/// come to their end. Deallocation does the same.
- (void)close;
/// Whether -close was called.
@property (nonatomic, readonly, getter=isClosed) BOOL closed;

// ---- Registry ----

/// Adds an API, or replaces the one of the same identifier; grants stay.
- (BOOL)putAPI:(GRLAPI *)API error:(NSError **)error NS_SWIFT_NAME(put(_:));
/// Adds a client, or replaces the one of the same id; grants stay.
- (BOOL)putClient:(GRLClient *)client error:(NSError **)error NS_SWIFT_NAME(put(_:));
/// Removes an API: no more tokens for it, and those that are out are no longer valid here. GRLErrorNotFound.
- (BOOL)removeAPIWithIdentifier:(NSString *)identifier error:(NSError **)error;
/// Removes a client and revokes its grants; gives how many were live until now. GRLErrorNotFound.
- (nullable NSNumber *)removeClientWithID:(NSString *)clientID error:(NSError **)error;

// ---- Authorization ----

/// Validates an authorization request: the query of `GET /authorize`, or the form that was posted there. Of an error,
/// `grl_redirect` says whether the client may be told. (RFC 6749 §4.1.1, OIDC Core §3.1.2)
- (nullable GRLAuthorization *)authorizeWithQuery:(NSString *)query error:(NSError **)error;

// ---- Tokens ----

/// Answers a token request: `authorization_code`, `refresh_token` or `client_credentials`. (RFC 6749 §3.2, §5)
///
/// Moves the grant on. A spent code or refresh token that comes back revokes it (GRLErrorInvalidGrantReused); any other
/// error leaves it as it was. Answer an error with its `grl_HTTPStatus` and `grl_responseBody`.
- (nullable GRLTokenResponse *)tokenWithForm:(NSString *)form
                               authorization:(nullable NSString *)authorization
                                       error:(NSError **)error NS_SWIFT_NAME(token(form:authorization:));
/// The same, of a request without an `Authorization` header.
- (nullable GRLTokenResponse *)tokenWithForm:(NSString *)form error:(NSError **)error NS_SWIFT_NAME(token(form:));
/// The same on a background queue, where the handler is called too.
- (void)tokenWithForm:(NSString *)form
        authorization:(nullable NSString *)authorization
    completionHandler:(void (^)(GRLTokenResponse *_Nullable response, NSError *_Nullable error))handler
    NS_SWIFT_NAME(token(form:authorization:completionHandler:));
/// Verifies an access token for a resource server: signature, issuer, lifetime, audience, the scopes it must have, and
/// that neither it nor its grant was revoked. GRLErrorInvalidToken, GRLErrorInsufficientScope; an empty scope raises.
/// (RFC 9068 §4)
- (nullable GRLAccessTokenClaims *)verifyAccessToken:(NSString *)accessToken
                                            audience:(NSString *)audience
                                              scopes:(NSArray<NSString *> *)scopes
                                               error:(NSError **)error;
/// Answers a revocation request; there is no body to answer with, and an unknown token is no error. (RFC 7009)
- (BOOL)revokeWithForm:(NSString *)form
         authorization:(nullable NSString *)authorization
                 error:(NSError **)error NS_SWIFT_NAME(revoke(form:authorization:));
/// Answers an introspection request; a token that is not active is no error. (RFC 7662)
- (nullable GRLIntrospection *)introspectWithForm:(NSString *)form
                                    authorization:(nullable NSString *)authorization
                                            error:(NSError **)error NS_SWIFT_NAME(introspect(form:authorization:));
/// Answers a UserInfo request with the claims that your `userClaims` gives. (OIDC Core §5.3)
- (nullable GRLJSONObject *)userInfoWithAccessToken:(NSString *)accessToken
                                              error:(NSError **)error NS_SWIFT_NAME(userInfo(accessToken:));

// ---- Documents ----

/// The metadata document, for `/.well-known/openid-configuration`. (OIDC Discovery §3, RFC 8414 §2)
- (nullable GRLJSONObject *)metadataWithError:(NSError **)error NS_SWIFT_NAME(metadata());
/// The public keys: next, current and previous, as a JWK set. (RFC 7517 §5)
- (nullable GRLJSONObject *)JWKSWithError:(NSError **)error NS_SWIFT_NAME(jwks());

// ---- Grants ----

/// The grants of a client, of a user, of both, or all, the oldest first. Nil means anybody's; an empty name raises.
- (nullable NSArray<GRLGrant *> *)grantsOfClient:(nullable NSString *)clientID
                                         subject:(nullable NSString *)subject
                                           error:(NSError **)error NS_SWIFT_NAME(grants(client:subject:));
/// The same as the JSON text of an array.
- (nullable NSData *)grantsDataOfClient:(nullable NSString *)clientID
                                subject:(nullable NSString *)subject
                                  error:(NSError **)error NS_SWIFT_NAME(grantsData(client:subject:));
/// One grant. GRLErrorNotFound.
- (nullable GRLGrant *)grantWithID:(NSString *)grantID error:(NSError **)error NS_SWIFT_NAME(grant(id:));
/// Revokes a grant, and everything under it; gives 1 if it was live until now, else 0. GRLErrorNotFound for what is no
/// grant id at all.
- (nullable NSNumber *)revokeGrantWithID:(NSString *)grantID error:(NSError **)error NS_SWIFT_NAME(revokeGrant(id:));
/// Revokes the grants of a client, of a user, or of one at the other; gives how many were live until now. GRLErrorUsage
/// where both are nil, and an empty name raises: a variable that was never set must not sign everybody out.
- (nullable NSNumber *)revokeGrantsOfClient:(nullable NSString *)clientID
                                    subject:(nullable NSString *)subject
                                      error:(NSError **)error NS_SWIFT_NAME(revokeGrants(client:subject:));

// ---- Upkeep ----

/// Moves every key on: the next one signs, the current one still verifies, a fresh next is published.
- (BOOL)rotateKeysWithError:(NSError **)error NS_SWIFT_NAME(rotateKeys());
/// Seals the engine's keys in its store under another 32 bytes, which the next to open it has to bring.
/// GRLErrorConfigKey for another length, GRLErrorStoreUnsupported where nothing outlives the process.
- (BOOL)resealWithKey:(NSData *)sealingKey error:(NSError **)error NS_SWIFT_NAME(reseal(key:));
/// Writes a consistent copy of the store's file to a new one, while the engine goes on working.
- (BOOL)backupToURL:(NSURL *)fileURL error:(NSError **)error NS_SWIFT_NAME(backup(to:));
/// Removes at most `limit` records that nobody needs any more; gives how many went. Call it now and then.
- (nullable NSNumber *)sweepWithLimit:(NSUInteger)limit error:(NSError **)error NS_SWIFT_NAME(sweep(limit:));

// ---- HTTP ----

/// Answers an HTTP request, whatever its path, with the endpoint that lies there. A bad request is no error here: it
/// gets its response.
- (nullable GRLHTTPOutcome *)handleRequest:(GRLHTTPRequest *)request
                                     error:(NSError **)error NS_SWIFT_NAME(handle(_:));
/// The same on a background queue, where the handler is called too.
- (void)handleRequest:(GRLHTTPRequest *)request
    completionHandler:(void (^)(GRLHTTPOutcome *_Nullable outcome, NSError *_Nullable error))handler
    NS_SWIFT_NAME(handle(_:completionHandler:));
@end

NS_ASSUME_NONNULL_END
