// One engine, many threads; closing under load.
#import "Support.h"

@interface Hammer : NSObject {
@public
    GRLEngine *engine;
    NSString *form;
    BOOL untilClosed;
    int *succeeded;
    int *running;
}
@end

@implementation Hammer

- (void)once
{
    NSError *error = nil;
    if ([engine tokenWithForm:form error:&error] != nil) {
        __atomic_fetch_add(succeeded, 1, __ATOMIC_SEQ_CST);
    } else {
        CHECK(error.grl_errorClass == GRLErrorInvalidGrant);
    }
}

- (void)untilItIsClosed
{
    DemoApp *app = [[[DemoApp alloc] init] autorelease];
    for (;;) {
        @autoreleasepool {
            NSError *error = nil;
            GRLAuthorization *pending = [engine authorizeWithQuery:app.query error:&error];
            if (pending != nil) {
                CHECK([pending approveLogin:[GRLLogin loginWithSubject:@"alice"] error:&error] != nil);
                __atomic_fetch_add(succeeded, 1, __ATOMIC_SEQ_CST);
            } else {
                check_code(__FILE__, __LINE__, error, GRLErrorUsageNull);
                return;
            }
        }
    }
}

- (void)run
{
    @autoreleasepool {
        untilClosed ? [self untilItIsClosed] : [self once];
    }
    __atomic_fetch_sub(running, 1, __ATOMIC_SEQ_CST);
}

@end

static void wait_for(int *count, int value)
{
    for (int i = 0; i < 20000 && __atomic_load_n(count, __ATOMIC_SEQ_CST) != value; i++) {
        [NSThread sleepForTimeInterval:0.001];
    }
    CHECK(__atomic_load_n(count, __ATOMIC_SEQ_CST) == value);
}

static Hammer *hammer(GRLEngine *engine, NSString *form, int *succeeded, int *running)
{
    Hammer *one = [[[Hammer alloc] init] autorelease];
    one->engine = engine;
    one->form = form;
    one->untilClosed = form == nil;
    one->succeeded = succeeded;
    one->running = running;
    return one;
}

TEST(of_many_threads_one_redeems_the_code)
{
    GRLEngine *engine = open_engine(nil);
    DemoApp *app = [[[DemoApp alloc] init] autorelease];
    for (int round = 0; round < 10; round++) {
        GRLAuthorization *pending = [engine authorizeWithQuery:app.query error:NULL];
        NSString *form = [app formWithLocation:[pending approveLogin:[GRLLogin loginWithSubject:@"alice"]
                                                               error:NULL].location];
        int succeeded = 0, running = 8;
        for (int i = 0; i < 8; i++) {
            [NSThread detachNewThreadSelector:@selector(run)
                                     toTarget:hammer(engine, form, &succeeded, &running)
                                   withObject:nil];
        }
        wait_for(&running, 0);
        CHECK(succeeded == 1);
    }
}

TEST(closing_under_load)
{
    for (int round = 0; round < 10; round++) {
        @autoreleasepool {
            GRLEngine *engine = open_engine(nil);
            int succeeded = 0, running = 8;
            for (int i = 0; i < 8; i++) {
                [NSThread detachNewThreadSelector:@selector(run)
                                         toTarget:hammer(engine, nil, &succeeded, &running)
                                       withObject:nil];
            }
            while (__atomic_load_n(&succeeded, __ATOMIC_SEQ_CST) < 20) {
                [NSThread sleepForTimeInterval:0.0005];
            }
            [engine close];
            [engine close];
            wait_for(&running, 0);
        }
    }
}

TEST(completion_handlers_are_called_once)
{
    GRLEngine *engine = open_engine(nil);
    DemoApp *app = [[[DemoApp alloc] init] autorelease];
    __block int done = 0;
    for (int i = 0; i < 20; i++) {
        @autoreleasepool {
            GRLAuthorization *pending = [engine authorizeWithQuery:app.query error:NULL];
            GRLHTTPResponse *response = [pending approveLogin:[GRLLogin loginWithSubject:@"alice"] error:NULL];
            [engine tokenWithForm:[app formWithLocation:response.location]
                    authorization:nil
                completionHandler:^(GRLTokenResponse *tokens, NSError *error) {
                    CHECK(tokens.accessToken.length > 0 && error == nil && ![NSThread isMainThread]);
                    __atomic_fetch_add(&done, 1, __ATOMIC_SEQ_CST);
                }];
        }
    }
    wait_for(&done, 20);
    GRLAuthorization *pending = [engine authorizeWithQuery:app.query error:NULL];
    [pending approveLogin:[GRLLogin loginWithSubject:@"alice"]
        completionHandler:^(GRLHTTPResponse *response, NSError *error) {
            CHECK(response.location != nil && error == nil);
            __atomic_fetch_add(&done, 1, __ATOMIC_SEQ_CST);
        }];
    GRLHTTPRequest *request = [[[GRLHTTPRequest alloc] initWithMethod:@"GET" target:@"/none"] autorelease];
    [engine handleRequest:request
        completionHandler:^(GRLHTTPOutcome *outcome, NSError *error) {
            CHECK(outcome.response.statusCode == 404 && error == nil);
            __atomic_fetch_add(&done, 1, __ATOMIC_SEQ_CST);
        }];
    wait_for(&done, 22);
    [engine close];
    [engine tokenWithForm:@"a"
            authorization:nil
        completionHandler:^(GRLTokenResponse *tokens, NSError *error) {
            CHECK(tokens == nil && error.code == GRLErrorUsageNull);
            __atomic_fetch_add(&done, 1, __ATOMIC_SEQ_CST);
        }];
    wait_for(&done, 23);
}
