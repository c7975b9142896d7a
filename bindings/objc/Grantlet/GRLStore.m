#import "GRLStore.h"
#import "GRLInternal.h"

@implementation GRLRecord

@synthesize key = _key, clientID = _clientID, subject = _subject, keepUntil = _keepUntil, body = _body;

- (instancetype)initWithRecord:(const grl_record *)record
{
    if ((self = [super init])) {
        _key = [[NSData alloc] initWithBytes:record->key.ptr length:record->key.len];
        _clientID = [GRLString(record->client_id) copy];
        _subject = [GRLString(record->subject) copy];
        _keepUntil = record->keep_until;
        _body = [[NSData alloc] initWithBytes:record->body.ptr length:record->body.len];
    }
    return self;
}

+ (instancetype)recordWithRecord:(const grl_record *)record
{
    return GRL_AUTORELEASE([[self alloc] initWithRecord:record]);
}

- (void)dealloc
{
    GRL_RELEASE(_key);
    GRL_RELEASE(_clientID);
    GRL_RELEASE(_subject);
    GRL_RELEASE(_body);
    GRL_SUPER_DEALLOC();
}

@end

static id<GRLStore> GRLSeeStore(void *ctx)
{
    return GRL_SEE_FROM_C(id<GRLStore>, ctx);
}

static void GRLReleaseStore(void *ctx)
{
    @autoreleasepool {
        (void)GRL_TAKE_FROM_C(id<GRLStore>, ctx);
    }
}

static int32_t GRLInsert(void *ctx, const grl_record *record, int32_t *done)
{
    return GRLGuard(^int32_t {
        NSError *failure = nil;
        BOOL inserted = NO;
        if (![GRLSeeStore(ctx) insertRecord:[GRLRecord recordWithRecord:record] done:&inserted error:&failure]) {
            return GRLFail(failure);
        }
        *done = inserted ? 1 : 0;
        return GRL_OK;
    });
}

static int32_t GRLLoad(void *ctx, grl_str key, grl_sink *body, uint64_t *version)
{
    return GRLGuard(^int32_t {
        NSError *failure = nil;
        NSData *found = nil;
        NSData *wanted = [NSData dataWithBytes:key.ptr length:key.len];
        if (![GRLSeeStore(ctx) loadRecordWithKey:wanted body:&found version:version error:&failure]) {
            return GRLFail(failure);
        }
        return found ? grl_sink_write(body, GRLLendData(found)) : GRL_NOT_FOUND;
    });
}

static int32_t GRLSwap(void *ctx, uint64_t version, const grl_record *record, int32_t *done)
{
    return GRLGuard(^int32_t {
        NSError *failure = nil;
        BOOL swapped = NO;
        GRLRecord *next = [GRLRecord recordWithRecord:record];
        if (![GRLSeeStore(ctx) swapRecord:next version:version done:&swapped error:&failure]) {
            return GRLFail(failure);
        }
        *done = swapped ? 1 : 0;
        return GRL_OK;
    });
}

static int32_t GRLOwnedBy(void *ctx, grl_str clientID, grl_str subject, grl_sink *keys)
{
    return GRLGuard(^int32_t {
        NSError *failure = nil;
        NSArray<NSData *> *found =
            [GRLSeeStore(ctx) keysOwnedByClientID:GRLString(clientID) subject:GRLString(subject) error:&failure];
        if (found == nil) {
            return GRLFail(failure);
        }
        grl_status status = GRL_OK;
        for (NSUInteger i = 0; i < found.count && status == GRL_OK; i++) {
            status = grl_sink_write(keys, GRLLendData([found objectAtIndex:i]));
        }
        return status;
    });
}

static int32_t GRLSweep(void *ctx, uint64_t now, size_t limit, size_t *swept)
{
    return GRLGuard(^int32_t {
        NSError *failure = nil;
        NSUInteger count = 0;
        if (![GRLSeeStore(ctx) sweepAt:now limit:limit swept:&count error:&failure]) {
            return GRLFail(failure);
        }
        *swept = count;
        return GRL_OK;
    });
}

grl_store GRLMakeStore(id<GRLStore> store)
{
    grl_store made = GRL_STORE_INIT;
    made.ctx = GRL_GIVE_TO_C(store);
    made.release = GRLReleaseStore;
    made.insert = GRLInsert;
    made.load = GRLLoad;
    made.swap = GRLSwap;
    made.owned_by = GRLOwnedBy;
    made.sweep = GRLSweep;
    return made;
}
