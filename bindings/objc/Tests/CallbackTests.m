// The host's blocks: what they are given, and that what they throw or fail with ends in the call's own NSError.
#import "Support.h"

static int hosts_alive;

// The engine copies its host: so this tells when the engine lets it go.
@interface CountedHost : GRLHost
@end

@implementation CountedHost

- (instancetype)init
{
    if ((self = [super init])) {
        hosts_alive++;
    }
    return self;
}

- (void)dealloc
{
    hosts_alive--;
    [super dealloc];
}

@end

static BOOL failing;
static NSError *failure;
static int asked;

static void fail_or_throw(NSError **error)
{
    asked++;
    if (failure == nil) {
        [NSException raise:@"Hiccup" format:@"the host's block threw"];
    }
    *error = failure;
}

// What a failed call tells of why.
static void check_underlying(NSError *error)
{
    NSError *underlying = [error.userInfo objectForKey:NSUnderlyingErrorKey];
    if (failure != nil) {
        CHECK(underlying == failure);
    } else {
        CHECK_EQUAL(underlying.domain, GRLExceptionErrorDomain);
        CHECK_EQUAL([[underlying.userInfo objectForKey:GRLErrorExceptionKey] name], @"Hiccup");
        CHECK_EQUAL(underlying.localizedDescription, @"Hiccup: the host's block threw");
    }
    // For the host, not for the client.
    NSString *body = [[[NSString alloc] initWithData:error.grl_responseBody encoding:NSUTF8StringEncoding] autorelease];
    CHECK([body rangeOfString:@"threw"].length == 0 && [body rangeOfString:@"cancel"].length == 0);
}

// Runs `each` where the block throws, fails with an error of its own, and says that it may work later.
static void each_failure(void (^each)(NSInteger code))
{
    NSError *cancelled = [NSError errorWithDomain:NSCocoaErrorDomain
                                             code:3072
                                         userInfo:@{NSLocalizedDescriptionKey : @"the user cancelled"}];
    NSError *later = [NSError errorWithDomain:GRLErrorDomain code:GRLErrorTemporarilyUnavailable userInfo:nil];
    for (id next in @[ [NSNull null], cancelled, later ]) {
        failure = next == [NSNull null] ? nil : next;
        failing = YES;
        asked = 0;
        each(failure == later ? GRLErrorTemporarilyUnavailable : GRLErrorServerError);
        CHECK(asked > 0);
        failing = NO;
    }
}

static GRLHost *failing_host(void)
{
    GRLHost *host = [[[CountedHost alloc] init] autorelease];
    host.random = ^BOOL(void *bytes, NSUInteger length, NSError **error) {
        if (failing) {
            fail_or_throw(error);
            return NO;
        }
        for (NSUInteger i = 0; i < length; i++) {
            ((uint8_t *)bytes)[i] = (uint8_t)arc4random();
        }
        return YES;
    };
    host.userClaims = ^NSDictionary *(NSString *subject, NSString *client, NSArray *scopes, NSError **error) {
        if (failing) {
            fail_or_throw(error);
            return nil;
        }
        CHECK_EQUAL(client, @"notes-app");
        CHECK([scopes containsObject:@"openid"]);
        return [subject isEqual:@"alice"] ? @{@"tier" : @3, @"ok" : YES_NUMBER} : nil;
    };
    return host;
}

TEST(random_that_fails)
{
    GRLEngine *engine = open_engine(failing_host());
    DemoApp *app = [[[DemoApp alloc] init] autorelease];
    GRLAuthorization *pending = [engine authorizeWithQuery:app.query error:NULL];
    each_failure(^(NSInteger code) {
        NSError *error = nil;
        CHECK_FAILS(code, [pending approveLogin:[GRLLogin loginWithSubject:@"alice"] error:&error]);
        check_underlying(error);
        CHECK([engine grantsOfClient:nil subject:nil error:&error].count == 0); // Nothing has changed.
    });
    CHECK([pending approveLogin:[GRLLogin loginWithSubject:@"alice"] error:NULL] != nil);
}

TEST(user_claims_that_fail)
{
    NSError *error = nil;
    GRLEngine *engine = open_engine(failing_host());
    GRLTokenResponse *tokens = sign_in(engine);
    NSString *authorization = [@"Bearer " stringByAppendingString:tokens.accessToken];
    GRLHTTPRequest *request = [[[GRLHTTPRequest alloc] initWithMethod:@"GET"
                                                               target:@"/userinfo"
                                                              headers:@{@"Authorization" : authorization}
                                                                 body:nil] autorelease];
    each_failure(^(NSInteger code) {
        NSError *why = nil;
        BOOL failed = [engine userInfoWithAccessToken:tokens.accessToken error:&why] == nil;
        CHECK(failed);
        CHECK_EQUAL(@(why.code), @(code));
        check_underlying(why);
        GRLHTTPOutcome *outcome = [engine handleRequest:request error:&why];
        CHECK(outcome.response.statusCode >= 500 && outcome.underlyingError != nil);
    });
    CHECK_EQUAL([[engine userInfoWithAccessToken:tokens.accessToken error:&error] JSONString],
                @"{\"ok\":true,\"sub\":\"alice\",\"tier\":3}");
    CHECK_EQUAL([engine handleRequest:request error:&error].underlyingError, nil);
}

TEST(user_claims_that_are_none)
{
    NSError *error = nil;
    __block id claims = nil;
    GRLHost *host = [[[CountedHost alloc] init] autorelease];
    host.userClaims = ^NSDictionary *(NSString *subject, NSString *client, NSArray *scopes, NSError **why) {
        (void)subject, (void)client, (void)scopes, (void)why;
        return claims;
    };
    GRLEngine *engine = open_engine(host);
    NSString *token = sign_in(engine).accessToken;
    CHECK_FAILS(GRLErrorInvalidToken, [engine userInfoWithAccessToken:token error:&error]); // No such user.
    claims = @{@1 : @2}; // JSON has no such name.
    CHECK_FAILS(GRLErrorServerError, [engine userInfoWithAccessToken:token error:&error]);
    CHECK_EQUAL([[error.userInfo objectForKey:NSUnderlyingErrorKey] domain], GRLExceptionErrorDomain);
    claims = @5; // Not even a dictionary.
    CHECK_FAILS(GRLErrorServerError, [engine userInfoWithAccessToken:token error:&error]);
    claims = @{};
    CHECK([engine userInfoWithAccessToken:token error:&error] != nil);
    // "None" said with an error, such as of a call that the block made, is a failure: the user may be known.
    host.userClaims = ^NSDictionary *(NSString *subject, NSString *client, NSArray *scopes, NSError **why) {
        (void)subject, (void)client, (void)scopes;
        CHECK([engine grantWithID:@"none" error:why] == nil && (*why).code == GRLErrorNotFound);
        return nil;
    };
    GRLEngine *asking = open_engine(host);
    CHECK_FAILS(GRLErrorServerError, [asking userInfoWithAccessToken:sign_in(asking).accessToken error:&error]);
    CHECK([[error.userInfo objectForKey:NSUnderlyingErrorKey] code] == GRLErrorNotFound);
}

TEST(a_clock_that_fails)
{
    GRLHost *host = [[[CountedHost alloc] init] autorelease];
    host.clock = ^NSDate * {
        NSError *ignored = nil;
        if (failing) {
            fail_or_throw(&ignored);
            return [NSDate dateWithTimeIntervalSince1970:-5];
        }
        return [NSDate dateWithTimeIntervalSince1970:1700000000];
    };
    GRLEngine *engine = open_engine(host);
    GRLTokenResponse *tokens = sign_in(engine);
    DemoApp *app = [[[DemoApp alloc] init] autorelease];
    each_failure(^(NSInteger code) {
        NSError *error = nil;
        (void)code;
        CHECK_FAILS(GRLErrorServerError,
                    [engine tokenWithForm:[app formWithRefreshToken:tokens.refreshToken] error:&error]);
        if (failure == nil) {
            check_underlying(error);
        }
    });
    CHECK([engine tokenWithForm:[app formWithRefreshToken:tokens.refreshToken] error:NULL] != nil);
}

TEST(a_signer_that_fails)
{
    // A public key for which nobody here can sign.
    NSString *key = @"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
                    @"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}";
    GRLHost *host = [[[CountedHost alloc] init] autorelease];
    host.signingKey = key;
    host.sign = ^NSData *(NSData *input, NSError **error) {
        CHECK(input.length > 0);
        if (failing) {
            fail_or_throw(error);
            return nil;
        }
        return [NSData dataWithBytes:"short" length:5];
    };
    GRLEngine *engine = open_engine(host);
    DemoApp *app = [[[DemoApp alloc] init] autorelease];
    GRLAuthorization *pending = [engine authorizeWithQuery:app.query error:NULL];
    NSString *form = [app formWithLocation:[pending approveLogin:[GRLLogin loginWithSubject:@"alice"]
                                                           error:NULL].location];
    each_failure(^(NSInteger code) {
        NSError *error = nil;
        // The same code each time: a cancelled signature spends nothing.
        CHECK_FAILS(code, [engine tokenWithForm:form error:&error]);
        check_underlying(error);
    });
    NSError *error = nil;
    CHECK_FAILS(GRLErrorServerError, [engine tokenWithForm:form error:&error]);
    CHECK_EQUAL([error.userInfo objectForKey:NSUnderlyingErrorKey], nil); // It did not fail, it was wrong.
}

TEST(an_event_block_that_throws_fails_nothing)
{
    __block int events = 0;
    GRLHost *host = [[[CountedHost alloc] init] autorelease];
    host.event = ^(GRLJSONObject *event) {
        events++;
        CHECK([event stringForMember:@"event"].length > 0);
        [NSException raise:@"Hiccup" format:@"expected in the log of the tests"];
    };
    GRLEngine *engine = open_engine(host);
    sign_in(engine);
    CHECK(events > 0);
}

TEST(blocks_may_call_the_engine_and_close_it)
{
    NSError *error = nil;
    __block GRLEngine *engine = nil;
    __block BOOL closes = NO;
    GRLHost *host = [[[CountedHost alloc] init] autorelease];
    host.event = ^(GRLJSONObject *event) {
        NSError *inner = nil;
        (void)event;
        CHECK([engine metadataWithError:&inner] != nil || engine.closed);
        CHECK([engine grantWithID:@"none" error:&inner] == nil);
        if (closes) {
            [engine close];
            CHECK([engine metadataWithError:&inner] == nil && inner.code == GRLErrorUsageNull);
        }
    };
    engine = open_engine(host);
    GRLTokenResponse *tokens = nil;
    @autoreleasepool { // So that no authorization is left.
        tokens = [sign_in(engine) retain];
    }
    closes = YES;
    int alive = hosts_alive;
    @autoreleasepool {
        DemoApp *app = [[[DemoApp alloc] init] autorelease];
        CHECK([engine tokenWithForm:[app formWithRefreshToken:tokens.refreshToken] error:&error] != nil);
        [tokens release];
    }
    CHECK(hosts_alive == alive - 1); // Freed when the call came out.
    CHECK_FAILS(GRLErrorUsageNull, [engine tokenWithForm:@"a" error:&error]);
}

TEST(a_block_may_let_the_last_reference_go)
{
    NSError *error = nil;
    __block GRLEngine *engine = nil;
    __block GRLAuthorization *pending = nil;
    int alive = hosts_alive;
    @autoreleasepool {
        GRLHost *host = [[[CountedHost alloc] init] autorelease];
        host.event = ^(GRLJSONObject *event) {
            (void)event;
            [engine release];
            [pending release];
            engine = nil;
            pending = nil;
        };
        engine = [[GRLEngine alloc] initWithConfiguration:demo_configuration() host:host error:&error];
        @autoreleasepool {
            DemoApp *app = [[[DemoApp alloc] init] autorelease];
            pending = [[engine authorizeWithQuery:app.query error:&error] retain];
        }
        CHECK([pending approveLogin:[GRLLogin loginWithSubject:@"alice"] error:&error].statusCode == 303);
        CHECK(engine == nil && pending == nil);
    }
    CHECK(hosts_alive == alive);
}

TEST(a_block_may_close_another_engine)
{
    __block GRLEngine *other = nil;
    __block int seen = 0;
    GRLHost *host = [[[CountedHost alloc] init] autorelease];
    host.event = ^(GRLJSONObject *event) {
        (void)event;
        int before = hosts_alive;
        [other close];
        CHECK([other metadataWithError:NULL] == nil);
        CHECK(hosts_alive == before - 1); // No call was inside.
        seen++;
    };
    other = open_engine(failing_host());
    GRLEngine *engine = open_engine(host);
    int alive = hosts_alive;
    DemoApp *app = [[[DemoApp alloc] init] autorelease];
    GRLAuthorization *pending = [engine authorizeWithQuery:app.query error:NULL];
    CHECK([pending approveLogin:[GRLLogin loginWithSubject:@"alice"] error:NULL] != nil);
    CHECK(seen == 1 && hosts_alive == alive - 1);
}

TEST(a_failure_inside_does_not_leak_out)
{
    NSError *error = nil;
    __block GRLEngine *other = open_engine(failing_host());
    GRLHost *host = [[[CountedHost alloc] init] autorelease];
    host.userClaims = ^NSDictionary *(NSString *subject, NSString *client, NSArray *scopes, NSError **why) {
        (void)subject, (void)client, (void)scopes;
        // A call into another engine fails with an underlying error of its own.
        NSError *inner = nil;
        failing = YES;
        failure = nil;
        CHECK([other rotateKeysWithError:&inner] || [inner.userInfo objectForKey:NSUnderlyingErrorKey] != nil);
        failing = NO;
        *why = [NSError errorWithDomain:@"Mine" code:7 userInfo:nil];
        return nil;
    };
    GRLEngine *engine = open_engine(host);
    NSString *token = sign_in(engine).accessToken;
    CHECK_FAILS(GRLErrorServerError, [engine userInfoWithAccessToken:token error:&error]);
    CHECK_EQUAL([[error.userInfo objectForKey:NSUnderlyingErrorKey] domain], @"Mine");
    CHECK_FAILS(GRLErrorInvalidTokenAudience, [engine verifyAccessToken:token audience:@"x" scopes:@[] error:&error]);
    CHECK_EQUAL([error.userInfo objectForKey:NSUnderlyingErrorKey], nil);
}

TEST(what_failed_a_call_stays_whatever_the_call_does_after_it)
{
    NSError *error = nil;
    NSError *cancelled = [NSError errorWithDomain:NSCocoaErrorDomain code:3072 userInfo:nil];
    __block BOOL cancels = NO, reports = NO, clock_works = YES;
    __block GRLEngine *engine = nil;
    DemoApp *app = [[[DemoApp alloc] init] autorelease];
    GRLHost *host = [[[CountedHost alloc] init] autorelease];
    host.clock = ^NSDate * {
        if (!clock_works) {
            [NSException raise:@"Hiccup" format:@"the clock stopped"];
        }
        return [NSDate date];
    };
    host.signingKey = @"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
                      @"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}";
    host.sign = ^NSData *(NSData *input, NSError **why) {
        CHECK(input.length > 0);
        *why = cancels ? cancelled : nil;
        clock_works = !cancels || reports;
        return cancels ? nil : [NSMutableData dataWithLength:64];
    };
    // Tells of the failure by calls of its own: one goes well, one fails.
    host.event = ^(GRLJSONObject *event) {
        NSError *inner = nil;
        if (reports && event != nil) {
            reports = NO;
            CHECK([engine metadataWithError:&inner] != nil);
            clock_works = NO;
            CHECK([engine authorizeWithQuery:app.query error:&inner] == nil);
            clock_works = YES;
            CHECK_EQUAL([[inner.userInfo objectForKey:NSUnderlyingErrorKey] domain], GRLExceptionErrorDomain);
        }
    };
    engine = open_engine(host);
    NSString *form = [app formWithRefreshToken:sign_in(engine).refreshToken];
    cancels = YES;
    reports = YES;
    CHECK_FAILS(GRLErrorServerError, [engine tokenWithForm:form error:&error]);
    CHECK([error.userInfo objectForKey:NSUnderlyingErrorKey] == cancelled && !reports);
    // Nor does the clock, which the event of the failure asks for the time, take its place.
    CHECK_FAILS(GRLErrorServerError, [engine tokenWithForm:form error:&error]);
    CHECK([error.userInfo objectForKey:NSUnderlyingErrorKey] == cancelled && !clock_works);
}

TEST(a_host_is_not_kept_where_another_argument_is_of_the_wrong_class)
{
    int alive = hosts_alive;
    @autoreleasepool {
        BOOL raised = NO;
        @try {
            [[GRLEngine alloc] initWithConfiguration:demo_configuration()
                                             fileURL:(id)@5
                                          sealingKey:sealing_key(1)
                                                host:failing_host()
                                               error:NULL];
        } @catch (NSException *exception) {
            raised = YES;
        }
        CHECK(raised);
    }
    CHECK(hosts_alive == alive);
}

TEST(the_host_is_let_go_once)
{
    NSError *error = nil;
    int alive = hosts_alive;
    @autoreleasepool {
        GRLHost *host = failing_host();
        CHECK(hosts_alive == alive + 1);
        GRLEngine *engine = open_engine(host);
        CHECK(hosts_alive == alive + 2);
        DemoApp *app = [[[DemoApp alloc] init] autorelease];
        GRLAuthorization *pending = [engine authorizeWithQuery:app.query error:&error];
        [engine close];
        CHECK(hosts_alive == alive + 2 && pending != nil); // An authorization still may ask it.
        // An engine that does not open lets it go at once.
        GRLConfiguration *bad = demo_configuration();
        [bad setObject:@1 forKeyedSubscript:@"issuer"];
        CHECK_FAILS(GRLErrorConfig, [[GRLEngine alloc] initWithConfiguration:bad host:host error:&error]);
        CHECK(hosts_alive == alive + 2);
    }
    CHECK(hosts_alive == alive);
}
