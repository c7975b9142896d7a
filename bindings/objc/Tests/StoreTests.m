// A store of the host's own: the engine works on it, and its failures end in the call's NSError.
#import "Support.h"

@interface DictionaryStore : NSObject <GRLStore> {
@public
    NSMutableDictionary<NSData *, NSArray *> *records; // key: [record, version]
    uint64_t version;
    NSError *failure;
    BOOL throws;
}
@end

static int stores_alive;

@implementation DictionaryStore

- (instancetype)init
{
    if ((self = [super init])) {
        records = [[NSMutableDictionary alloc] init];
        stores_alive++;
    }
    return self;
}

- (void)dealloc
{
    stores_alive--;
    [records release];
    [super dealloc];
}

- (BOOL)works:(NSError **)error
{
    if (throws) {
        [NSException raise:@"Hiccup" format:@"the store threw"];
    }
    *error = failure;
    return failure == nil;
}

- (BOOL)insertRecord:(GRLRecord *)record done:(BOOL *)done error:(NSError **)error
{
    @synchronized(self) {
        *done = [records objectForKey:record.key] == nil;
        if ([self works:error] && *done) {
            [records setObject:@[ record, @(++version) ] forKey:record.key];
        }
        return failure == nil;
    }
}

- (BOOL)loadRecordWithKey:(NSData *)key body:(NSData **)body version:(uint64_t *)found error:(NSError **)error
{
    @synchronized(self) {
        NSArray *entry = [records objectForKey:key];
        *body = [[entry objectAtIndex:0] body];
        *found = [[entry objectAtIndex:1] unsignedLongLongValue];
        return [self works:error];
    }
}

- (BOOL)swapRecord:(GRLRecord *)record version:(uint64_t)expected done:(BOOL *)done error:(NSError **)error
{
    @synchronized(self) {
        *done = [[[records objectForKey:record.key] objectAtIndex:1] unsignedLongLongValue] == expected;
        if ([self works:error] && *done) {
            [records setObject:@[ record, @(++version) ] forKey:record.key];
        }
        return failure == nil;
    }
}

- (NSArray<NSData *> *)keysOwnedByClientID:(NSString *)clientID subject:(NSString *)subject error:(NSError **)error
{
    @synchronized(self) {
        NSMutableArray *keys = [NSMutableArray array];
        for (NSArray *entry in records.allValues) {
            GRLRecord *record = [entry objectAtIndex:0];
            BOOL grant = record.clientID.length > 0;
            BOOL clients = clientID.length == 0 || [record.clientID isEqual:clientID];
            BOOL users = subject.length == 0 || [record.subject isEqual:subject];
            if (grant && clients && users) {
                [keys addObject:record.key];
            }
        }
        return [self works:error] ? keys : nil;
    }
}

- (BOOL)sweepAt:(uint64_t)now limit:(NSUInteger)limit swept:(NSUInteger *)swept error:(NSError **)error
{
    @synchronized(self) {
        for (NSArray *entry in records.allValues) {
            GRLRecord *record = [entry objectAtIndex:0];
            if (*swept < limit && record.keepUntil <= now) {
                [records removeObjectForKey:record.key];
                (*swept)++;
            }
        }
        return [self works:error];
    }
}

@end

static GRLConfiguration *sealed_configuration(void)
{
    GRLConfiguration *configuration = demo_configuration();
    NSString *key = @"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE";
    [configuration setObject:@{@"sealing" : key} forKeyedSubscript:@"keys"];
    return configuration;
}

TEST(records_are_balanced)
{
    CHECK_BALANCED(^{
        DictionaryStore *store = [[[DictionaryStore alloc] init] autorelease];
        GRLHost *host = [[[GRLHost alloc] init] autorelease];
        host.store = store;
        GRLEngine *engine =
            [[[GRLEngine alloc] initWithConfiguration:sealed_configuration() host:host error:NULL] autorelease];
        GRLTokenResponse *tokens = sign_in(engine);
        DemoApp *app = [[[DemoApp alloc] init] autorelease];
        CHECK([engine tokenWithForm:[app formWithRefreshToken:tokens.refreshToken] error:NULL] != nil);
        CHECK([[engine revokeGrantsOfClient:nil subject:@"alice" error:NULL] isEqual:@1]);
        store->failure = [NSError errorWithDomain:@"Mine" code:1 userInfo:nil];
        CHECK([engine grantsOfClient:nil subject:nil error:NULL] == nil);
    });
}

TEST(a_store_of_the_host)
{
    int alive = stores_alive;
    @autoreleasepool {
        NSError *error = nil;
        DictionaryStore *store = [[[DictionaryStore alloc] init] autorelease];
        GRLHost *host = [[[GRLHost alloc] init] autorelease];
        __block NSTimeInterval now = 1700000000;
        host.clock = ^{
            return [NSDate dateWithTimeIntervalSince1970:now];
        };
        host.store = store;
        GRLConfiguration *configuration = sealed_configuration();
        GRLEngine *engine =
            [[[GRLEngine alloc] initWithConfiguration:configuration host:host error:&error] autorelease];
        CHECK_EQUAL(error, nil);
        DemoApp *app = [[[DemoApp alloc] init] autorelease];
        GRLTokenResponse *first = sign_in(engine);
        NSString *form = [app formWithRefreshToken:first.refreshToken];

        NSError *full = [NSError errorWithDomain:GRLErrorDomain code:GRLErrorStoreFull userInfo:nil];
        NSError *later = [NSError errorWithDomain:GRLErrorDomain code:GRLErrorTemporarilyUnavailable userInfo:nil];
        NSError *other = [NSError errorWithDomain:@"Mine" code:1 userInfo:nil];
        for (NSError *next in @[ full, later, other ]) {
            store->failure = next;
            NSInteger code = next == other ? GRLErrorServerError : next.code;
            CHECK_FAILS(code, [engine tokenWithForm:form error:&error]);
            CHECK([error.userInfo objectForKey:NSUnderlyingErrorKey] == next);
            CHECK_FAILS(code, [engine grantsOfClient:nil subject:@"alice" error:&error]);
        }
        store->failure = nil;
        store->throws = YES;
        CHECK_FAILS(GRLErrorServerError, [engine tokenWithForm:form error:&error]);
        CHECK_EQUAL([[error.userInfo objectForKey:NSUnderlyingErrorKey] domain], GRLExceptionErrorDomain);
        store->throws = NO;

        CHECK([engine tokenWithForm:form error:&error] != nil); // Nothing had changed.
        [engine close];
        engine = [[[GRLEngine alloc] initWithConfiguration:configuration host:host error:&error] autorelease];
        CHECK([engine grantsOfClient:@"notes-app" subject:nil error:&error].count == 1);
        now += 365 * 86400;
        CHECK_EQUAL([engine sweepWithLimit:10 error:&error], @1);
        CHECK([engine grantsOfClient:nil subject:nil error:&error].count == 0);
        CHECK(stores_alive == alive + 1);
    }
    CHECK(stores_alive == alive);
}
