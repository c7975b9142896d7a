#import "GRLJSONObject.h"
#import "GRLError.h"

@class GRLHandle;

NS_ASSUME_NONNULL_BEGIN

/// What a client asks the user for; for your sign-in and consent page. More stands in it: `max_age`, `login_hint`,
/// `ui_locales`, `acr_values`, `claims`, …
NS_SWIFT_NAME(AuthorizationRequest)
@interface GRLAuthorizationRequest : GRLJSONObject
/// The client.
@property (nonatomic, readonly) NSString *clientID;
/// The client's name, to be shown; nil if it has none.
@property (nonatomic, readonly, nullable) NSString *clientName;
/// Where the answer will go.
@property (nonatomic, readonly) NSString *redirectURI;
/// The scopes asked for.
@property (nonatomic, readonly) NSArray<NSString *> *scopes;
/// The APIs that they are for.
@property (nonatomic, readonly) NSArray<NSString *> *audience;
/// Whether the client wants to go on while the user is away.
@property (nonatomic, readonly) BOOL offlineAccess;
/// `login`, `consent`, …: what the user must be asked again.
@property (nonatomic, readonly) NSArray<NSString *> *prompt;
@end

/// Who signed in, how, and what they consented to: your word.
///
/// Threads: one at a time.
NS_SWIFT_NAME(Login)
@interface GRLLogin : NSObject <NSCopying> {
@private
    NSString *_subject;
    NSDate *_authenticationDate;
    NSString *_contextClass;
    NSArray<NSString *> *_methods;
    NSString *_sessionID;
    NSArray<NSString *> *_scopes;
    NSDictionary<NSString *, id> *_accessTokenClaims;
    NSDictionary<NSString *, id> *_IDTokenClaims;
}
/// The user, `sub`: the same for the same user for ever; 1 to 255 bytes.
@property (nonatomic, readonly, copy) NSString *subject;
/// When the user authenticated; nil where that is not known. A request with `max_age` needs it.
@property (nonatomic, copy, nullable) NSDate *authenticationDate;
/// How strongly the user authenticated, `acr`.
@property (nonatomic, copy, nullable) NSString *contextClass;
/// By which methods, `amr` (RFC 8176).
@property (nonatomic, copy, nullable) NSArray<NSString *> *methods;
/// Your session, `sid`.
@property (nonatomic, copy, nullable) NSString *sessionID;
/// What the user consented to; nil means all that was asked for.
@property (nonatomic, copy, nullable) NSArray<NSString *> *scopes;
/// Claims for each access token.
@property (nonatomic, copy, nullable) NSDictionary<NSString *, id> *accessTokenClaims;
/// Claims for each ID token.
@property (nonatomic, copy, nullable) NSDictionary<NSString *, id> *IDTokenClaims NS_SWIFT_NAME(idTokenClaims);

/// A login of a user who consents to all.
- (instancetype)initWithSubject:(NSString *)subject NS_DESIGNATED_INITIALIZER;
/// The same, autoreleased.
+ (instancetype)loginWithSubject:(NSString *)subject;
- (instancetype)init GRL_UNAVAILABLE;
+ (instancetype)new GRL_UNAVAILABLE;
@end

/// A valid authorization request, which waits for a user: approve or deny it.
///
/// Threads: any number may use it; only one approval of it succeeds. It may outlive the engine's -close, and keeps the
/// engine's store open as long as it lives.
NS_SWIFT_NAME(Authorization)
@interface GRLAuthorization : NSObject {
@private
    GRLHandle *_handle;
    GRLAuthorizationRequest *_request;
}
/// What the client asked.
@property (nonatomic, readonly) GRLAuthorizationRequest *request;

- (instancetype)init GRL_UNAVAILABLE;
+ (instancetype)new GRL_UNAVAILABLE;
/// Makes the grant and its code: this user signed in and consented. Send the response that takes the code to the client,
/// or open its `location` yourself.
///
/// Fails with GRLErrorUsage where the login lacks what was asked, GRLErrorLoginRequired where it is too old or another
/// user's than the client named: nothing is stored then, and a better login may follow. GRLErrorUsageAnswered the
/// second time. (RFC 6749 §4.1.2, RFC 9207)
- (nullable GRLHTTPResponse *)approveLogin:(GRLLogin *)login error:(NSError **)error NS_SWIFT_NAME(approve(_:));
/// -approveLogin:error: on a background queue, where the handler is called too.
- (void)approveLogin:(GRLLogin *)login
    completionHandler:(void (^)(GRLHTTPResponse *_Nullable response, NSError *_Nullable error))handler
    NS_SWIFT_NAME(approve(_:completionHandler:));
/// Says no, changes nothing. The reason is GRLErrorAccessDenied, GRLErrorLoginRequired, GRLErrorConsentRequired,
/// GRLErrorInteractionRequired, GRLErrorAccountSelectionRequired, GRLErrorUnmetAuthenticationRequirements,
/// GRLErrorTemporarilyUnavailable or GRLErrorServerError; fails with GRLErrorUsage for any other.
- (nullable GRLHTTPResponse *)denyWithReason:(GRLError)reason error:(NSError **)error NS_SWIFT_NAME(deny(_:));
@end

NS_ASSUME_NONNULL_END
