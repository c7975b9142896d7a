// What the binding's own files share; not for import by anybody else.
//
// The same sources build with ARC (Apple) and without (GNUstep): the macros below are all the difference.
#import "Grantlet.h"

#if __has_feature(objc_arc)
#define GRL_RETAIN(object) ((void)(object))
#define GRL_RELEASE(object) ((void)(object))
#define GRL_AUTORELEASE(object) (object)
#define GRL_SUPER_DEALLOC() ((void)0)
#define GRL_COPY_BLOCK(block) [(block) copy]
#define GRL_RELEASE_BLOCK(block) ((void)(block))
#define GRL_GIVE_TO_C(object) ((__bridge_retained void *)(object))
#define GRL_TAKE_FROM_C(type, pointer) ((__bridge_transfer type)(pointer))
#define GRL_SEE_FROM_C(type, pointer) ((__bridge type)(pointer))
#else
#include <Block.h>
#define GRL_RETAIN(object) ((void)[(object) retain])
#define GRL_RELEASE(object) ([(object) release])
#define GRL_AUTORELEASE(object) ([(object) autorelease])
#define GRL_SUPER_DEALLOC() [super dealloc]
#define GRL_COPY_BLOCK(block) ((block) ? Block_copy(block) : NULL)
#define GRL_RELEASE_BLOCK(block) ((block) ? Block_release(block) : (void)0)
#define GRL_GIVE_TO_C(object) ((void *)[(object) retain])
#define GRL_TAKE_FROM_C(type, pointer) ([(type)(pointer) autorelease])
#define GRL_SEE_FROM_C(type, pointer) ((type)(pointer))
#endif

NS_ASSUME_NONNULL_BEGIN

// ---- Objects ----------------------------------------------------------------------------------------

// Owns one C object and frees it once: when it was closed or let go, and no call is inside.
@interface GRLHandle : NSObject {
@private
    void *_object;
    void (*_free)(void *);
    // How many need the object: one until it is closed, and one for each call inside.
    size_t _uses;
    BOOL _closed;
}
@property (nonatomic, readonly, getter=isClosed) BOOL closed;
- (instancetype)initWithObject:(void *)object free:(void (*)(void *))free NS_DESIGNATED_INITIALIZER;
- (instancetype)init GRL_UNAVAILABLE;
+ (instancetype)new GRL_UNAVAILABLE;
// Gives the object, which then stays until -leave; NULL once closed, and then there is nothing to leave.
- (nullable void *)enter;
- (void)leave;
// From any thread, any number of times, also from within a callback: what is inside comes out first.
- (void)close;
@end

// Bytes that the library gave away; wiped and freed with the last who holds them.
@interface GRLBuffer : NSData {
@private
    grl_buf _buffer;
}
// Takes the buffer over.
- (instancetype)initWithBuffer:(grl_buf)buffer;
@end

// -bytes, of an object that then lives until the autorelease pool drains. ARC sees to that only where the declaration
// says so, which not every Foundation's does.
@interface NSData (GRLBytes)
- (const void *)grl_bytes __attribute__((objc_returns_inner_pointer));
@end

@interface NSMutableData (GRLBytes)
- (void *)grl_mutableBytes __attribute__((objc_returns_inner_pointer));
@end

// ---- Text -------------------------------------------------------------------------------------------

// Lends text for a call. The library itself says which argument is nil or has half a surrogate pair.
grl_str GRLLend(NSString *_Nullable text);
grl_str GRLLendData(NSData *_Nullable data);
// As GRLLend, where nil means none.
grl_str GRLLendOptional(NSString *_Nullable text);
// Lends texts separated by spaces, as OAuth writes lists.
grl_str GRLLendList(NSArray<NSString *> *_Nullable list);
// A copy, autoreleased; empty text for empty text.
NSString *GRLString(grl_str text);
// JSON of a dictionary or an array. Raises NSInvalidArgumentException where it holds what JSON cannot.
NSData *GRLMakeJSON(id object);

// ---- Calls ------------------------------------------------------------------------------------------

typedef grl_status (^GRLCallBlock)(void *_Null_unspecified object, grl_error *_Nullable *_Nullable why);
typedef grl_status (^GRLDataBlock)(void *_Null_unspecified object, grl_buf *json, grl_error *_Nullable *_Nullable why);
typedef grl_status (^GRLCountBlock)(void *_Null_unspecified object, size_t *count, grl_error *_Nullable *_Nullable why);

// Calls the library inside of `handle`, and turns a failure into an NSError. A call into what is closed, or nil,
// gets NULL: the library refuses that.
BOOL GRLCall(GRLHandle *_Nullable handle, NSError **error, NS_NOESCAPE GRLCallBlock call);
NSData *_Nullable GRLCallForData(GRLHandle *_Nullable handle, NSError **error, NS_NOESCAPE GRLDataBlock call);
NSNumber *_Nullable GRLCallForCount(GRLHandle *_Nullable handle, NSError **error, NS_NOESCAPE GRLCountBlock call);
// As GRLCall; `failure` gets what a callback failed with meanwhile, even if the call went well.
BOOL GRLCallNotingFailure(GRLHandle *_Nullable handle, NSError *_Nullable *_Nullable failure, NSError **error,
                          NS_NOESCAPE GRLCallBlock call);

// Runs `work`, which calls `handler`, on a background queue; holds `needs` meanwhile, as not every blocks runtime retains
// what a block captures. Raises NSInvalidArgumentException where there is no handler.
void GRLRunInBackground(NSArray *needs, id _Nullable handler, void (^work)(void));

// ---- Callbacks --------------------------------------------------------------------------------------

// Runs a callback of the host's. Whatever it throws ends here, and becomes a status.
int32_t GRLGuard(NS_NOESCAPE int32_t (^callback)(void));
// Keeps `failure` for the call that this thread is in, and gives the status that tells the library of it.
int32_t GRLFail(NSError *_Nullable failure);

// ---- What only the binding makes --------------------------------------------------------------------

@interface GRLJSONObject ()
- (instancetype)initWithData:(NSData *)data;
// Nil where there is no such member.
+ (nullable instancetype)objectWithData:(nullable NSData *)data;
@end

@interface GRLMetadata ()
@property (nonatomic, readonly) NSDictionary *members;
@end

@interface GRLHTTPRequest ()
// Lives as long as the autorelease pool.
- (const grl_http_request *)lend;
@end

@interface GRLHTTPResponse ()
// Takes the response over.
- (instancetype)initWithResponse:(grl_http_response *)response;
// A response that lives as long as its owner.
- (instancetype)initWithResponse:(const grl_http_response *)response owner:(GRLHandle *)owner;
@end

@interface GRLHTTPOutcome ()
- (instancetype)initWithResponse:(nullable GRLHTTPResponse *)response
                   authorization:(nullable GRLAuthorization *)authorization
                 underlyingError:(nullable NSError *)underlyingError;
@end

@interface GRLAuthorization ()
// Takes the authorization over.
- (instancetype)initWithAuthorization:(grl_authorization *)authorization;
@end

@interface GRLLogin ()
// Lives as long as the autorelease pool.
- (const grl_login *)lend;
@end

// Copies `host` into `given` and retains the copy; the library, which must be given it, releases that. `store` is room
// for its store.
void GRLGiveHost(GRLHost *host, grl_host *given, grl_store *store);
// Retains `store`; the library releases it.
grl_store GRLMakeStore(id<GRLStore> store);

// ---- Errors -----------------------------------------------------------------------------------------

// Makes an NSError of a status and `why`, which it frees.
NSError *GRLMakeError(grl_error *_Nullable why, grl_status status, BOOL closed, NSError *_Nullable underlying);
// Stands for what a block threw; nil: something that is no NSException.
NSError *GRLMakeExceptionError(NSException *_Nullable exception);

NS_ASSUME_NONNULL_END
