#import "GRLInternal.h"

// ---- The calls that are under way --------------------------------------------------------------------

// The calls that this thread is in, the innermost first: callbacks run on the thread that called. `failure` is
// retained.
typedef struct GRLFrame {
    void *failure;
    struct GRLFrame *outer;
} GRLFrame;

static __thread GRLFrame *GRLInnermost;

// ---- Objects ----------------------------------------------------------------------------------------

@implementation GRLHandle

- (instancetype)initWithObject:(void *)object free:(void (*)(void *))free
{
    if ((self = [super init])) {
        _object = object;
        _free = free;
        _uses = 1;
    }
    return self;
}

- (void)dealloc
{
    [self close];
    GRL_SUPER_DEALLOC();
}

- (BOOL)isClosed
{
    return __atomic_load_n(&_closed, __ATOMIC_ACQUIRE);
}

- (void *)enter
{
    size_t uses = __atomic_load_n(&_uses, __ATOMIC_ACQUIRE);
    do {
        if (uses == 0 || self.closed) {
            return NULL;
        }
    } while (!__atomic_compare_exchange_n(&_uses, &uses, uses + 1, true, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
    return _object;
}

- (void)leave
{
    if (__atomic_fetch_sub(&_uses, 1, __ATOMIC_ACQ_REL) == 1) {
        _free(_object);
    }
}

- (void)close
{
    if (!__atomic_exchange_n(&_closed, YES, __ATOMIC_ACQ_REL)) {
        [self leave];
    }
}

@end

@implementation GRLBuffer

// GNUstep's -[NSData init] goes through here; there is nothing to take.
- (instancetype)initWithBytesNoCopy:(void *)bytes length:(NSUInteger)length freeWhenDone:(BOOL)free
{
    (void)bytes, (void)length, (void)free;
    return self;
}

- (instancetype)initWithBuffer:(grl_buf)buffer
{
    if ((self = [super init])) {
        _buffer = buffer;
    }
    return self;
}

- (void)dealloc
{
    grl_buf_free(&_buffer);
    GRL_SUPER_DEALLOC();
}

- (const void *)bytes
{
    return _buffer.ptr;
}

- (NSUInteger)length
{
    return _buffer.len;
}

- (id)copyWithZone:(NSZone *)zone
{
    (void)zone;
    GRL_RETAIN(self); // Nothing changes it.
    return self;
}

// NSData's would show a token.
- (NSString *)description
{
    return [NSString stringWithFormat:@"<%@: %p, %lu bytes>", [self class], (void *)self, (unsigned long)_buffer.len];
}

- (NSString *)debugDescription
{
    return self.description;
}

@end

@implementation NSData (GRLBytes)

- (const void *)grl_bytes
{
    return self.bytes;
}

@end

@implementation NSMutableData (GRLBytes)

- (void *)grl_mutableBytes
{
    return self.mutableBytes;
}

@end

// ---- Text -------------------------------------------------------------------------------------------

grl_str GRLLendData(NSData *data)
{
    return data ? grl_str_of([data grl_bytes], data.length) : grl_str_of(NULL, 1);
}

grl_str GRLLend(NSString *text)
{
    if (text == nil) {
        return grl_str_of(NULL, 1);
    }
    NSData *data = [text dataUsingEncoding:NSUTF8StringEncoding];
    return data ? GRLLendData(data) : GRL_STR("\xff");
}

grl_str GRLLendOptional(NSString *text)
{
    return text ? GRLLend(text) : GRL_STR("");
}

grl_str GRLLendList(NSArray<NSString *> *list)
{
    return GRLLendOptional([list componentsJoinedByString:@" "]);
}

NSString *GRLString(grl_str text)
{
    return GRL_AUTORELEASE([[NSString alloc] initWithBytes:text.ptr ?: (const uint8_t *)""
                                                    length:text.len
                                                  encoding:NSUTF8StringEncoding]);
}

NSData *GRLMakeJSON(id object)
{
    NSError *why = nil;
    NSData *json = nil;
    if ([NSJSONSerialization isValidJSONObject:object]) {
        json = [NSJSONSerialization dataWithJSONObject:object options:0 error:&why];
    }
    if (json == nil) {
        [NSException raise:NSInvalidArgumentException format:@"grantlet: this cannot be written as JSON"];
    }
    return json;
}

// ---- Calls ------------------------------------------------------------------------------------------

// Has no `self` in it: a callback may let the last reference to the caller go.
BOOL GRLCallNotingFailure(GRLHandle *handle, NSError **failure, NSError **error, NS_NOESCAPE GRLCallBlock call)
{
    grl_error *why = NULL;
    grl_status status = GRL_OK;
    GRLFrame frame = {NULL, GRLInnermost};
    GRL_RETAIN(handle);
    void *object = [handle enter];
    GRLInnermost = &frame;
    @try {
        status = call(object, error ? &why : NULL);
    } @finally {
        // Also where an argument was no text at all, and raised before the library was called.
        GRLInnermost = frame.outer;
        if (object != NULL) {
            [handle leave];
        }
        GRL_RELEASE(handle);
    }
    NSError *underlying = frame.failure ? GRL_TAKE_FROM_C(NSError *, frame.failure) : nil;
    if (failure != NULL) {
        *failure = underlying;
    }
    if (status != GRL_OK && error != NULL) {
        *error = GRLMakeError(why, status, handle != nil && object == NULL, underlying);
    }
    return status == GRL_OK;
}

BOOL GRLCall(GRLHandle *handle, NSError **error, NS_NOESCAPE GRLCallBlock call)
{
    return GRLCallNotingFailure(handle, NULL, error, call);
}

NSData *GRLCallForData(GRLHandle *handle, NSError **error, NS_NOESCAPE GRLDataBlock call)
{
    __block grl_buf json = GRL_BUF_INIT;
    if (!GRLCall(handle, error, ^(void *object, grl_error **why) { return call(object, &json, why); })) {
        return nil;
    }
    return GRL_AUTORELEASE([[GRLBuffer alloc] initWithBuffer:json]);
}

NSNumber *GRLCallForCount(GRLHandle *handle, NSError **error, NS_NOESCAPE GRLCountBlock call)
{
    __block size_t count = 0;
    if (!GRLCall(handle, error, ^(void *object, grl_error **why) { return call(object, &count, why); })) {
        return nil;
    }
    return [NSNumber numberWithUnsignedInteger:count];
}

@interface GRLOperation : NSOperation {
@private
    NSArray *_needs;
    void (^_work)(void);
}
- (instancetype)initWithNeeds:(NSArray *)needs work:(void (^)(void))work;
@end

@implementation GRLOperation

- (instancetype)initWithNeeds:(NSArray *)needs work:(void (^)(void))work
{
    if ((self = [super init])) {
        _needs = [needs copy];
        _work = GRL_COPY_BLOCK(work);
    }
    return self;
}

- (void)dealloc
{
    GRL_RELEASE_BLOCK(_work);
    GRL_RELEASE(_needs);
    GRL_SUPER_DEALLOC();
}

- (void)main
{
    @autoreleasepool {
        _work();
    }
}

@end

void GRLRunInBackground(NSArray *needs, id handler, void (^work)(void))
{
    if (handler == nil) {
        [NSException raise:NSInvalidArgumentException format:@"grantlet: there is no completion handler"];
    }
    static NSOperationQueue *queue;
    @synchronized([GRLOperation class]) {
        if (queue == nil) {
            queue = [[NSOperationQueue alloc] init];
            queue.name = @"grantlet";
        }
    }
    GRLOperation *operation = [[GRLOperation alloc] initWithNeeds:needs work:work];
    [queue addOperation:operation];
    GRL_RELEASE(operation);
}

// ---- Callbacks --------------------------------------------------------------------------------------

int32_t GRLFail(NSError *failure)
{
    if (failure == nil) {
        return GRL_SERVER_ERROR;
    }
    // The first one is why the call fails; what comes after it, such as the time of an event that tells of it, is not.
    if (GRLInnermost != NULL && GRLInnermost->failure == NULL) {
        GRLInnermost->failure = GRL_GIVE_TO_C(failure);
    }
    // "There is none" would be an answer, not a failure.
    GRLError kind = failure.grl_errorClass;
    return kind != 0 && kind != GRLErrorNotFound ? (int32_t)failure.code : GRL_SERVER_ERROR;
}

int32_t GRLGuard(NS_NOESCAPE int32_t (^callback)(void))
{
    int32_t status = GRL_SERVER_ERROR;
    @autoreleasepool {
        @try {
            status = callback();
        } @catch (NSException *exception) {
            status = GRLFail(GRLMakeExceptionError(exception));
        } @catch (...) {
            status = GRLFail(GRLMakeExceptionError(nil));
        }
    }
    return status;
}
