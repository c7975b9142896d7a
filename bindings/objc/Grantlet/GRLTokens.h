#import "GRLJSONObject.h"

NS_ASSUME_NONNULL_BEGIN

/// The answer to a token request (RFC 6749 §5.1). Send `JSONData` with `Cache-Control: no-store`.
NS_SWIFT_NAME(TokenResponse)
@interface GRLTokenResponse : GRLJSONObject
/// The access token.
@property (nonatomic, readonly) NSString *accessToken;
/// `Bearer`.
@property (nonatomic, readonly) NSString *tokenType;
/// The access token's lifetime, in seconds.
@property (nonatomic, readonly) NSTimeInterval expiresIn;
/// The refresh token that replaces the one presented; nil if none was granted.
@property (nonatomic, readonly, nullable) NSString *refreshToken;
/// The ID token; nil without the scope `openid`.
@property (nonatomic, readonly, nullable) NSString *IDToken NS_SWIFT_NAME(idToken);
/// The scopes; nil where the answer tells none.
@property (nonatomic, readonly, nullable) NSArray<NSString *> *scopes;
@end

/// What a verified access token says (RFC 9068 §2.2).
NS_SWIFT_NAME(AccessTokenClaims)
@interface GRLAccessTokenClaims : GRLJSONObject
/// The user; of a token that a client got for itself, the client.
@property (nonatomic, readonly) NSString *subject;
/// The client that the token was issued to.
@property (nonatomic, readonly) NSString *clientID;
/// Who issued it.
@property (nonatomic, readonly) NSString *issuer;
/// The APIs that it is for.
@property (nonatomic, readonly) NSArray<NSString *> *audience;
/// What it allows; empty if nothing in particular.
@property (nonatomic, readonly) NSArray<NSString *> *scopes;
/// When it was issued.
@property (nonatomic, readonly) NSDate *issuedAt;
/// From when on it is no longer valid.
@property (nonatomic, readonly) NSDate *expirationDate;
/// Its id, `jti`.
@property (nonatomic, readonly, nullable) NSString *tokenID;
@end

/// What introspection says of a token (RFC 7662 §2.2). Of one that is not active, nothing else.
NS_SWIFT_NAME(Introspection)
@interface GRLIntrospection : GRLAccessTokenClaims
/// Whether the token is valid.
@property (nonatomic, readonly, getter=isActive) BOOL active;
@end

/// One user's approval of one client, and everything under it.
NS_SWIFT_NAME(Grant)
@interface GRLGrant : GRLJSONObject
/// For -[GRLEngine revokeGrantWithID:error:].
@property (nonatomic, readonly) NSString *grantID;
/// The client.
@property (nonatomic, readonly) NSString *clientID;
/// The user.
@property (nonatomic, readonly) NSString *subject;
/// What was consented to.
@property (nonatomic, readonly) NSArray<NSString *> *scopes;
/// `active`, `revoked`, …
@property (nonatomic, readonly) NSString *state;
/// When the user approved.
@property (nonatomic, readonly) NSDate *approvedAt;
/// When it ends of itself; nil if never.
@property (nonatomic, readonly, nullable) NSDate *expirationDate;
@end

NS_ASSUME_NONNULL_END
