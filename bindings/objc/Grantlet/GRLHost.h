#import "GRLDefines.h"

@class GRLJSONObject;
@protocol GRLStore;

NS_ASSUME_NONNULL_BEGIN

/// Tells the time.
typedef NSDate *_Nonnull (^GRLClockBlock)(void) NS_SWIFT_NAME(ClockBlock);
/// Fills `length` bytes with randomness that nobody can predict; NO where it could not.
typedef BOOL (^GRLRandomBlock)(void *bytes, NSUInteger length, NSError **error) NS_SWIFT_NAME(RandomBlock);
/// Takes an event for the audit log.
typedef void (^GRLEventBlock)(GRLJSONObject *event) NS_SWIFT_NAME(EventBlock);
/// Tells what is known of a user, as claims. Nil without an error says that there is no such user (any more): the
/// client learns that its token is no longer valid.
typedef NSDictionary<NSString *, id> *_Nullable (^GRLUserClaimsBlock)(NSString *subject, NSString *clientID,
                                                                      NSArray<NSString *> *scopes, NSError **error)
    NS_SWIFT_NAME(UserClaimsBlock);
/// Signs `input` (not its hash). ES256 and ES384: R‖S or DER, as SecKeyCreateSignature gives it. May block, and ask the
/// user; nil where it failed or the user cancelled.
typedef NSData *_Nullable (^GRLSignBlock)(NSData *input, NSError **error) NS_SWIFT_NAME(SignBlock);

/// Parts of the engine that are yours. Set what you need; nil leaves the engine's own.
///
/// A block runs on the thread that called the engine, whichever that is, and several may run at once; never under a lock
/// of the engine's, so it may call the engine, and close it.
///
/// Where a block fails, nothing is issued, nothing has changed, and the call fails with GRLErrorServerError; or
/// with GRLErrorTemporarilyUnavailable, if that is the code of the block's own error (of GRLErrorDomain). Either way
/// the block's error is the call's `NSUnderlyingErrorKey`. An exception that a block throws ends there, and counts as
/// such an error, of GRLExceptionErrorDomain. The event block alone cannot fail a call: what it throws goes to NSLog.
///
/// The engine copies the host when it opens, and lets the blocks go when it was closed and all its authorizations are
/// gone. A block that captures the engine keeps it alive until it is closed.
NS_SWIFT_NAME(Host)
@interface GRLHost : NSObject <NSCopying> {
@private
    GRLClockBlock _clock;
    GRLRandomBlock _random;
    GRLEventBlock _event;
    GRLUserClaimsBlock _userClaims;
    GRLSignBlock _sign;
    NSString *_signingKey;
    id<GRLStore> _store;
}
/// The time. To the second.
@property (nonatomic, copy, nullable) GRLClockBlock clock;
/// Randomness. Elliptic-curve keys and signatures, and the salts of client secrets, take the system's all the same.
@property (nonatomic, copy, nullable) GRLRandomBlock random;
/// The audit log. The change is stored already. No event holds a token or a secret.
@property (nonatomic, copy, nullable) GRLEventBlock event;
/// User claims. Those that need a scope which the token lacks are left out for you (OIDC Core §5.4).
@property (nonatomic, copy, nullable) GRLUserClaimsBlock userClaims;
/// The public JWK of the key that `sign` signs with, as JSON text, with its `alg` where the key allows several.
@property (nonatomic, copy, nullable) NSString *signingKey;
/// Your Secure Enclave, HSM or KMS.
@property (nonatomic, copy, nullable) GRLSignBlock sign;
/// Where records are kept; nil: where the configuration says.
@property (nonatomic, strong, nullable) id<GRLStore> store;
@end

NS_ASSUME_NONNULL_END
