// Closed, nil, half a character, the wrong class: each ends in an error, and nothing is freed twice or never.
#import "Support.h"

// Calls every method that takes the engine; each must fail with this code.
static void everything_fails(GRLEngine *engine, NSInteger code)
{
    NSError *error = nil;
    GRLAPI *api = [GRLAPI APIWithIdentifier:@"urn:other"];
    GRLClient *client = [GRLClient publicClientWithID:@"c" redirectURIs:@[ @"http://127.0.0.1/" ]];
    GRLHTTPRequest *request = [[[GRLHTTPRequest alloc] initWithMethod:@"GET" target:@"/userinfo"] autorelease];
    CHECK_FAILS(code, [engine putAPI:api error:&error]);
    CHECK_FAILS(code, [engine putClient:client error:&error]);
    CHECK_FAILS(code, [engine removeAPIWithIdentifier:AUDIENCE error:&error]);
    CHECK_FAILS(code, [engine removeClientWithID:@"notes-app" error:&error]);
    CHECK_FAILS(code, [engine authorizeWithQuery:@"client_id=x" error:&error]);
    CHECK_FAILS(code, [engine tokenWithForm:@"a=b" error:&error]);
    CHECK_FAILS(code, [engine tokenWithForm:@"a=b" authorization:@"Basic eDp5" error:&error]);
    CHECK_FAILS(code, [engine verifyAccessToken:@"t" audience:AUDIENCE scopes:@[] error:&error]);
    CHECK_FAILS(code, [engine revokeWithForm:@"token=t" authorization:nil error:&error]);
    CHECK_FAILS(code, [engine introspectWithForm:@"token=t" authorization:nil error:&error]);
    CHECK_FAILS(code, [engine userInfoWithAccessToken:@"t" error:&error]);
    CHECK_FAILS(code, [engine metadataWithError:&error]);
    CHECK_FAILS(code, [engine JWKSWithError:&error]);
    CHECK_FAILS(code, [engine grantsOfClient:nil subject:nil error:&error]);
    CHECK_FAILS(code, [engine grantWithID:@"g" error:&error]);
    CHECK_FAILS(code, [engine revokeGrantWithID:@"g" error:&error]);
    CHECK_FAILS(code, [engine revokeGrantsOfClient:@"notes-app" subject:nil error:&error]);
    CHECK_FAILS(code, [engine rotateKeysWithError:&error]);
    CHECK_FAILS(code, [engine resealWithKey:sealing_key(1) error:&error]);
    CHECK_FAILS(code, [engine backupToURL:[NSURL fileURLWithPath:@"/tmp/none.db"] error:&error]);
    CHECK_FAILS(code, [engine sweepWithLimit:1 error:&error]);
    CHECK_FAILS(code, [engine handleRequest:request error:&error]);
    CHECK(![engine metadataWithError:NULL] && ![engine putAPI:api error:NULL]);
}

TEST(use_after_close_is_an_error)
{
    NSError *error = nil;
    GRLEngine *engine = open_engine(nil);
    CHECK(!engine.closed);
    [engine close];
    CHECK(engine.closed);
    everything_fails(engine, GRLErrorUsageNull);
    CHECK_FAILS(GRLErrorUsageNull, [engine metadataWithError:&error]);
    CHECK_EQUAL(error.localizedDescription, @"this was closed");
    [engine close];
    [engine close];
}

TEST(an_engine_that_was_never_opened_is_an_error)
{
    // What the compiler refuses, the runtime lets through.
    GRLEngine *engine = [[[GRLEngine class] performSelector:@selector(new)] autorelease];
    everything_fails(engine, GRLErrorUsageNull);
    [engine close];
    GRLHTTPResponse *response = [[[GRLHTTPResponse class] performSelector:@selector(new)] autorelease];
    CHECK(response.body.length == 0 && response.location == nil);
    NSError *error = nil;
    GRLAuthorization *pending = [[[GRLAuthorization class] performSelector:@selector(new)] autorelease];
    CHECK_FAILS(GRLErrorUsageNull, [pending denyWithReason:GRLErrorAccessDenied error:&error]);
    GRLJSONObject *object = [[[GRLJSONObject class] performSelector:@selector(new)] autorelease];
    CHECK([object stringForMember:@"a"] == nil);
}

TEST(objects_may_go_in_any_order)
{
    // The engine, what came of it, and what came of that, in each order; also by pools.
    for (int order = 0; order < 24; order++) {
        NSError *error = nil;
        DemoApp *app = [[DemoApp alloc] init];
        NSMutableArray *objects = [[NSMutableArray alloc] init];
        @autoreleasepool {
            GRLEngine *engine = open_engine(nil);
            GRLAuthorization *pending = [engine authorizeWithQuery:app.query error:&error];
            GRLHTTPResponse *response = [pending approveLogin:[GRLLogin loginWithSubject:@"alice"] error:&error];
            NSString *bad = [app.query stringByReplacingOccurrencesOfString:@"=code&" withString:@"=token&"];
            CHECK_FAILS(GRLErrorUnsupportedResponseType, [engine authorizeWithQuery:bad error:&error]);
            [objects addObjectsFromArray:@[ engine, pending, response, error.grl_redirect ]];
        }
        for (int left = 4, rest = order; left > 0; rest /= left, left--) {
            @autoreleasepool {
                [objects removeObjectAtIndex:(NSUInteger)(rest % left)];
                for (id object in objects) {
                    if ([object isKindOfClass:[GRLHTTPResponse class]]) {
                        CHECK([[object location] hasPrefix:@"http://127.0.0.1/callback?"]);
                    } else if ([object isKindOfClass:[GRLAuthorization class]]) {
                        CHECK([object denyWithReason:GRLErrorAccessDenied error:NULL] != nil);
                    }
                }
            }
        }
        [objects release];
        [app release];
    }
}

TEST(an_authorization_outlives_close)
{
    NSError *error = nil;
    DemoApp *app = [[[DemoApp alloc] init] autorelease];
    GRLEngine *engine = open_engine(nil);
    GRLAuthorization *pending = [engine authorizeWithQuery:app.query error:&error];
    [engine close];
    CHECK([pending approveLogin:[GRLLogin loginWithSubject:@"alice"] error:&error].statusCode == 303);
}

TEST(nil_is_an_error)
{
    NSError *error = nil;
    id none = nil;
    GRLEngine *engine = open_engine(nil);
    DemoApp *app = [[[DemoApp alloc] init] autorelease];
    GRLAuthorization *pending = [engine authorizeWithQuery:app.query error:&error];
    NSInteger code = GRLErrorUsageNull;
    CHECK_FAILS(code, [[GRLEngine alloc] initWithConfiguration:none error:&error]);
    CHECK_FAILS(code, [[GRLEngine alloc] initWithConfiguration:demo_configuration()
                                                       fileURL:none
                                                    sealingKey:sealing_key(1)
                                                          host:nil
                                                         error:&error]);
    CHECK_FAILS(code, [[GRLEngine alloc] initWithConfiguration:demo_configuration()
                                                       fileURL:[NSURL fileURLWithPath:@"/tmp/none.db"]
                                                    sealingKey:none
                                                          host:nil
                                                         error:&error]);
    CHECK_FAILS(code, [engine putAPI:none error:&error]);
    CHECK_FAILS(code, [engine putClient:none error:&error]);
    CHECK_FAILS(code, [engine removeAPIWithIdentifier:none error:&error]);
    CHECK_FAILS(code, [engine removeClientWithID:none error:&error]);
    CHECK_FAILS(code, [engine authorizeWithQuery:none error:&error]);
    CHECK_FAILS(code, [engine tokenWithForm:none error:&error]);
    CHECK([error.grl_detail ?: error.localizedDescription rangeOfString:@"form"].length > 0);
    CHECK_FAILS(code, [engine verifyAccessToken:none audience:AUDIENCE scopes:@[] error:&error]);
    CHECK_FAILS(code, [engine verifyAccessToken:@"t" audience:none scopes:@[] error:&error]);
    CHECK_FAILS(code, [engine revokeWithForm:none authorization:nil error:&error]);
    CHECK_FAILS(code, [engine introspectWithForm:none authorization:nil error:&error]);
    CHECK_FAILS(code, [engine userInfoWithAccessToken:none error:&error]);
    CHECK_FAILS(code, [engine grantWithID:none error:&error]);
    CHECK_FAILS(code, [engine revokeGrantWithID:none error:&error]);
    CHECK_FAILS(code, [engine resealWithKey:none error:&error]);
    CHECK_FAILS(code, [engine backupToURL:none error:&error]);
    CHECK_FAILS(code, [engine handleRequest:none error:&error]);
    CHECK_FAILS(code, [pending approveLogin:none error:&error]);
    CHECK([[engine metadataWithError:&error] stringForMember:none] == nil);
    CHECK([[engine metadataWithError:&error] objectForKeyedSubscript:none] == nil);
    CHECK([pending denyWithReason:GRLErrorAccessDenied error:NULL] != nil); // It still works.
}

// The name of the exception that the block throws, or nil.
static NSString *raised(void (^block)(void))
{
    @try {
        block();
    } @catch (NSException *exception) {
        return exception.name;
    }
    return nil;
}

// A variable that was never set must not sign everybody out, nor let everybody in.
TEST(an_empty_name_means_nobody)
{
    GRLEngine *engine = open_engine(nil);
    NSString *expected = NSInvalidArgumentException;
    CHECK_EQUAL(raised(^{ [engine revokeGrantsOfClient:@"notes-app" subject:@"" error:NULL]; }), expected);
    CHECK_EQUAL(raised(^{ [engine grantsOfClient:@"" subject:@"alice" error:NULL]; }), expected);
    CHECK_EQUAL(raised(^{ [engine verifyAccessToken:@"x" audience:@"y" scopes:@[ @"" ] error:NULL]; }), expected);
}

TEST(what_makes_no_object_raises_as_in_foundation)
{
    id none = nil;
    NSString *expected = NSInvalidArgumentException;
    CHECK_EQUAL(raised(^{ [GRLConfiguration configurationWithIssuer:none]; }), expected);
    CHECK_EQUAL(raised(^{ [GRLAPI APIWithIdentifier:none]; }), expected);
    CHECK_EQUAL(raised(^{ [GRLClient publicClientWithID:none redirectURIs:@[]]; }), expected);
    CHECK_EQUAL(raised(^{ [GRLClient confidentialClientWithID:@"c" secret:none redirectURIs:@[]]; }), expected);
    CHECK_EQUAL(raised(^{ [demo_configuration() setObject:@1 forKeyedSubscript:none]; }), expected);
    CHECK_EQUAL(raised(^{
                    GRLConfiguration *configuration = demo_configuration();
                    [configuration setObject:@1 forKeyedSubscript:(id)@2]; // JSON has no such name.
                    (void)configuration.JSONData;
                }),
                expected);
    CHECK_EQUAL(raised(^{
                    [[[[GRLHTTPRequest alloc] initWithMethod:@"GET" target:@"/"] autorelease] addValue:none
                                                                                  forHTTPHeaderField:@"A"];
                }),
                expected);
}

TEST(no_block_raises_before_anything_is_done)
{
    NSError *error = nil;
    GRLEngine *engine = open_engine(nil);
    DemoApp *app = [[[DemoApp alloc] init] autorelease];
    GRLAuthorization *pending = [engine authorizeWithQuery:app.query error:&error];
    GRLLogin *alice = [GRLLogin loginWithSubject:@"alice"];
    GRLHTTPRequest *request = [[[GRLHTTPRequest alloc] initWithMethod:@"GET" target:@"/"] autorelease];
    void (^none)(id, NSError *) = NULL;
    NSString *expected = NSInvalidArgumentException;
    CHECK_EQUAL(raised(^{ [pending approveLogin:alice completionHandler:none]; }), expected);
    CHECK_EQUAL(raised(^{ [engine tokenWithForm:@"a" authorization:nil completionHandler:none]; }), expected);
    CHECK_EQUAL(raised(^{ [engine handleRequest:request completionHandler:none]; }), expected);
    GRLHTTPResponse *response = [pending approveLogin:alice error:&error]; // Nobody has, yet.
    void (^nobody)(NSString *, NSString *) = NULL;
    CHECK_EQUAL(raised(^{ [response enumerateHeadersUsingBlock:nobody]; }), expected);
}

TEST(the_wrong_class_raises_and_the_engine_lives)
{
    NSError *error = nil;
    GRLEngine *engine = open_engine(nil);
    GRLEngine *same = engine;
    id number = @5;
    CHECK_EQUAL(raised(^{ [same tokenWithForm:number error:NULL]; }), NSInvalidArgumentException);
    CHECK_EQUAL(raised(^{ [same putAPI:number error:NULL]; }), NSInvalidArgumentException);
    CHECK_EQUAL(raised(^{ [same handleRequest:number error:NULL]; }), NSInvalidArgumentException);
    CHECK_EQUAL(raised(^{ [[GRLEngine alloc] initWithConfiguration:number error:NULL]; }), NSInvalidArgumentException);
    CHECK_EQUAL(raised(^{
                    [[GRLEngine alloc] initWithConfiguration:demo_configuration() host:number error:NULL];
                }),
                NSInvalidArgumentException);
    sign_in(engine);
    [engine close];
    CHECK_FAILS(GRLErrorUsageNull, [engine metadataWithError:&error]);
}

// Half a surrogate pair, of which no UTF-8 can be made. (GNUstep's own strings refuse to hold one.)
@interface HalfCharacter : NSString
@end

@implementation HalfCharacter

- (NSUInteger)length
{
    return 1;
}

- (unichar)characterAtIndex:(NSUInteger)index
{
    (void)index;
    return 0xd83d;
}

- (id)copyWithZone:(NSZone *)zone
{
    (void)zone;
    return [self retain];
}

@end

TEST(text_is_not_cut_short_and_not_mended)
{
    NSError *error = nil;
    GRLEngine *engine = open_engine(nil);
    unichar nul = 0;
    NSString *surrogate = [[[HalfCharacter alloc] init] autorelease];
    CHECK_FAILS(GRLErrorUsageUTF8, [engine tokenWithForm:surrogate error:&error]);
    CHECK_FAILS(GRLErrorUsageUTF8, [engine removeClientWithID:surrogate error:&error]);
    NSString *longer = [@"notes-app" stringByAppendingString:[NSString stringWithCharacters:&nul length:1]];
    CHECK_FAILS(GRLErrorNotFound, [engine removeClientWithID:longer error:&error]);
    CHECK_EQUAL([engine removeClientWithID:@"notes-app" error:&error], @0);
    // Whatever came over the wire gets its HTTP answer.
    GRLHTTPRequest *request = [[[GRLHTTPRequest alloc] initWithMethod:surrogate target:surrogate] autorelease];
    [request addValue:surrogate forHTTPHeaderField:surrogate];
    CHECK([engine handleRequest:request error:&error].response.statusCode >= 400);

    GRLEngine *umlauts = open_engine(nil);
    GRLAuthorization *pending = [umlauts authorizeWithQuery:[[[[DemoApp alloc] init] autorelease] query] error:&error];
    CHECK([pending approveLogin:[GRLLogin loginWithSubject:@"Ålice 🎈"] error:&error] != nil);
    CHECK_EQUAL([[[umlauts grantsOfClient:nil subject:@"Ålice 🎈" error:&error] objectAtIndex:0] subject], @"Ålice 🎈");
}
