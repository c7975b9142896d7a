// Every object that is made goes again. A forgotten release, of an Objective-C object or of the library's, fails here by
// name; a second one fails under AddressSanitizer.
#import "Support.h"

static GRLHost *host_of_all(void)
{
    GRLHost *host = [[[GRLHost alloc] init] autorelease];
    int seven = host != nil ? 7 : 0; // A block that captures nothing is never copied, nor freed.
    host.clock = ^{
        return [NSDate dateWithTimeIntervalSinceNow:seven];
    };
    host.random = ^BOOL(void *bytes, NSUInteger length, NSError **error) {
        (void)error;
        memset(bytes, seven, length);
        return YES;
    };
    host.event = ^(GRLJSONObject *event) {
        CHECK(event.JSONString.length > (NSUInteger)seven);
    };
    host.sign = ^NSData *(NSData *input, NSError **error) { // Without a key: never called.
        (void)input, (void)error;
        return seven ? nil : input;
    };
    host.sign = nil;
    host.signingKey = nil;
    host.userClaims = ^NSDictionary *(NSString *subject, NSString *client, NSArray *scopes, NSError **error) {
        (void)client, (void)scopes, (void)error;
        return @{@"name" : subject, @"seven" : @(seven)};
    };
    return host;
}

TEST(engines_and_hosts_are_balanced)
{
    CHECK_BALANCED(^{
        open_engine(nil);
    });
    CHECK_BALANCED(^{
        [open_engine(host_of_all()) close];
    });
    CHECK_BALANCED(^{
        NSError *error = nil;
        GRLConfiguration *bad = demo_configuration();
        [bad setObject:@1 forKeyedSubscript:@"issuer"];
        CHECK_FAILS(GRLErrorConfig, [[GRLEngine alloc] initWithConfiguration:bad host:host_of_all() error:&error]);
        CHECK(bad.description.length > 0 && [[bad copy] autorelease] != nil && bad.APIs.count == 1);
    });
}

TEST(answers_and_errors_are_balanced)
{
    GRLEngine *engine = open_engine(host_of_all());
    DemoApp *app = [[[DemoApp alloc] init] autorelease];
    NSString *token = nil;
    @autoreleasepool {
        token = [sign_in(engine).accessToken retain];
    }
    CHECK_BALANCED(^{
        CHECK([engine authorizeWithQuery:app.query error:NULL].request.scopes.count == 3);
    });
    CHECK_BALANCED(^{
        GRLAuthorization *pending = [engine authorizeWithQuery:app.query error:NULL];
        CHECK([pending denyWithReason:GRLErrorAccessDenied error:NULL].location != nil);
        CHECK([pending denyWithReason:GRLErrorInvalidGrant error:NULL] == nil);
    });
    CHECK_BALANCED(^{
        NSError *error = nil;
        NSString *bad = [app.query stringByReplacingOccurrencesOfString:@"=code&" withString:@"=token&"];
        CHECK_FAILS(GRLErrorUnsupportedResponseType, [engine authorizeWithQuery:bad error:&error]);
        CHECK(error.grl_redirect.location != nil && error.description.length > 0);
        CHECK([engine authorizeWithQuery:bad error:NULL] == nil);
    });
    CHECK_BALANCED(^{
        NSError *error = nil;
        GRLAccessTokenClaims *claims = [engine verifyAccessToken:token audience:AUDIENCE scopes:@[] error:&error];
        CHECK(claims.subject.length > 0 && claims.audience.count == 1 && claims.expirationDate != nil);
        CHECK([[claims.JSONData copy] autorelease] == claims.JSONData && claims.dictionary.count > 3);
        CHECK([engine userInfoWithAccessToken:token error:&error].JSONString.length > 0);
        CHECK_FAILS(GRLErrorInvalidTokenAudience, [engine verifyAccessToken:token audience:@"x" scopes:@[] error:&error]);
    });
    CHECK_BALANCED(^{
        NSError *error = nil;
        CHECK([engine grantsOfClient:nil subject:nil error:&error].count == 1);
        CHECK([engine metadataWithError:&error] != nil && [engine JWKSWithError:&error] != nil);
        CHECK([engine sweepWithLimit:1 error:&error] != nil);
    });
    CHECK_BALANCED(^{
        GRLHTTPRequest *request = [[[GRLHTTPRequest alloc] initWithMethod:@"GET"
                                                                   target:@"/userinfo"
                                                                  headers:@{@"Authorization" : @"Bearer x"}
                                                                     body:nil] autorelease];
        GRLHTTPResponse *response = [engine handleRequest:[[request copy] autorelease] error:NULL].response;
        CHECK(response.statusCode == 401 && response.body.length > 0 && response.allHeaderFields.count > 1);
        NSString *target = [@"/authorize?" stringByAppendingString:app.query];
        request = [[[GRLHTTPRequest alloc] initWithMethod:@"GET" target:target] autorelease];
        CHECK([engine handleRequest:request error:NULL].authorization != nil);
    });
    [token release];
}

TEST(values_are_balanced)
{
    CHECK_BALANCED(^{
        NSString *text = [NSString stringWithFormat:@"%d is no constant string", rand()];
        GRLLogin *login = [GRLLogin loginWithSubject:text];
        login.authenticationDate = [NSDate date];
        login.contextClass = text;
        login.methods = @[ text ];
        login.sessionID = [text uppercaseString];
        login.scopes = @[ [text lowercaseString] ];
        login.accessTokenClaims = @{@"a" : text};
        login.IDTokenClaims = @{@"b" : text};
        CHECK_EQUAL([[[login copy] autorelease] subject], text);
        GRLHTTPRequest *request =
            [[[GRLHTTPRequest alloc] initWithMethod:text
                                             target:[text uppercaseString]
                                            headers:@{text : text}
                                               body:[text dataUsingEncoding:NSUTF8StringEncoding]] autorelease];
        CHECK_EQUAL([[[request copy] autorelease] method], text);
        GRLHost *host = [[host_of_all() copy] autorelease];
        host.signingKey = text;
        CHECK_EQUAL([[[host copy] autorelease] signingKey], text);
        GRLClient *client = [GRLClient confidentialClientWithID:text secret:text redirectURIs:@[ text ]];
        GRLConfiguration *configuration = [GRLConfiguration configurationWithIssuer:text APIs:@[] clients:@[ client ]];
        CHECK([[configuration.clients objectAtIndex:0] JSONData].length > text.length);
    });
}

TEST(whole_stories_are_balanced)
{
    CHECK_BALANCED(^{
        NSError *error = nil;
        GRLEngine *engine = open_engine(host_of_all());
        GRLTokenResponse *tokens = sign_in(engine);
        CHECK(tokens.IDToken.length > 0 && tokens.scopes.count == 3 && tokens.description.length > 0);
        DemoApp *app = [[[DemoApp alloc] init] autorelease];
        CHECK([engine tokenWithForm:[app formWithRefreshToken:tokens.refreshToken] error:&error] != nil);
        CHECK_FAILS(GRLErrorInvalidGrant | GRLErrorInvalidGrantMalformed,
                    [engine tokenWithForm:[app formWithRefreshToken:@"none"] error:&error]);
        [engine close];
        CHECK_FAILS(GRLErrorUsageNull, [engine metadataWithError:&error]);
    });
}

TEST(failing_blocks_are_balanced)
{
    GRLHost *host = host_of_all();
    __block NSError *failure = [NSError errorWithDomain:@"Mine" code:1 userInfo:nil];
    host.userClaims = ^NSDictionary *(NSString *subject, NSString *client, NSArray *scopes, NSError **error) {
        (void)subject, (void)client, (void)scopes;
        if (failure == nil) {
            [NSException raise:@"Hiccup" format:@"for the balance"];
        }
        *error = failure;
        return nil;
    };
    GRLEngine *engine = open_engine(host);
    NSString *token = sign_in(engine).accessToken;
    for (int throws = 0; throws < 2; throws++) {
        CHECK_BALANCED(^{
            NSError *error = nil;
            CHECK_FAILS(GRLErrorServerError, [engine userInfoWithAccessToken:token error:&error]);
            CHECK([engine userInfoWithAccessToken:token error:NULL] == nil);
            CHECK([error.userInfo objectForKey:NSUnderlyingErrorKey] != nil);
        });
        failure = nil;
    }
}
