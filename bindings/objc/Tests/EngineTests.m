// Every method once, the way a host uses it; the flows replay the protocol.
#import "Support.h"

TEST(the_first_result)
{
    NSError *error = nil;
    GRLEngine *engine = open_engine(nil);
    GRLTokenResponse *tokens = sign_in(engine);
    CHECK_EQUAL(tokens.tokenType, @"Bearer");
    CHECK(tokens.expiresIn == 3600 && tokens.IDToken.length > 0);
    CHECK_EQUAL(tokens.scopes, (@[ @"openid", @"offline_access", @"read:notes" ]));
    CHECK([tokens.JSONString hasPrefix:@"{\"access_token\":\""]);
    CHECK_EQUAL([tokens objectForKeyedSubscript:@"expires_in"], @3600);

    GRLAccessTokenClaims *claims =
        [engine verifyAccessToken:tokens.accessToken audience:AUDIENCE scopes:@[ @"read:notes" ] error:&error];
    CHECK_EQUAL(claims.subject, @"alice");
    CHECK_EQUAL(claims.clientID, @"notes-app");
    CHECK_EQUAL(claims.issuer, @"http://127.0.0.1:8080/");
    CHECK_EQUAL(claims.audience, @[ AUDIENCE ]);
    CHECK([claims.scopes containsObject:@"read:notes"]);
    CHECK([claims.expirationDate timeIntervalSinceDate:claims.issuedAt] == 3600);
    CHECK(fabs(claims.issuedAt.timeIntervalSinceNow) < 60 && claims.tokenID.length > 0);
    CHECK_FAILS(GRLErrorInvalidTokenAudience, [engine verifyAccessToken:tokens.accessToken audience:@"urn:other" scopes:@[] error:&error]);
    CHECK_FAILS(GRLErrorInsufficientScope, [engine verifyAccessToken:tokens.accessToken audience:AUDIENCE scopes:@[ @"a", @"b" ] error:&error]);
}

TEST(an_authorization_tells_what_was_asked)
{
    NSError *error = nil;
    DemoApp *app = [[[DemoApp alloc] init] autorelease];
    GRLEngine *engine = open_engine(nil);
    GRLAuthorization *pending = [engine authorizeWithQuery:app.query error:&error];
    GRLAuthorizationRequest *request = pending.request;
    CHECK_EQUAL(request.clientID, @"notes-app");
    CHECK_EQUAL(request.redirectURI, @"http://127.0.0.1/callback");
    CHECK_EQUAL(request.scopes, (@[ @"openid", @"offline_access", @"read:notes" ]));
    CHECK_EQUAL(request.audience, @[ AUDIENCE ]);
    CHECK_EQUAL(request.prompt, @[]);
    CHECK(request.offlineAccess);
    CHECK_EQUAL([request objectForKeyedSubscript:@"max_age"], nil);

    GRLHTTPResponse *denied = [pending denyWithReason:GRLErrorAccessDenied error:&error];
    CHECK(denied.statusCode == 303 && [denied.location rangeOfString:@"error=access_denied"].length > 0);
    CHECK_FAILS(GRLErrorUsage, [pending denyWithReason:GRLErrorInvalidGrant error:&error]);

    GRLLogin *login = [GRLLogin loginWithSubject:@"alice"];
    login.scopes = @[ @"read:notes", @"openid" ];
    login.authenticationDate = [NSDate dateWithTimeIntervalSince1970:1700000000.9];
    login.accessTokenClaims = @{ @"tenant" : @"t-1" };
    GRLHTTPResponse *approved = [pending approveLogin:login error:&error];
    GRLTokenResponse *tokens = [engine tokenWithForm:[app formWithLocation:approved.location] error:&error];
    CHECK_EQUAL(tokens.refreshToken, nil); // The user took offline_access away.
    GRLAccessTokenClaims *claims =
        [engine verifyAccessToken:tokens.accessToken audience:AUDIENCE scopes:@[] error:&error];
    CHECK_EQUAL([claims stringForMember:@"tenant"], @"t-1");
    CHECK_EQUAL([claims objectForKeyedSubscript:@"auth_time"], @1700000000);
    CHECK_FAILS(GRLErrorUsageAnswered, [pending approveLogin:login error:&error]);
}

TEST(an_error_tells_whether_the_client_may_be_told)
{
    NSError *error = nil;
    DemoApp *app = [[[DemoApp alloc] init] autorelease];
    GRLEngine *engine = open_engine(nil);
    NSString *query = [app.query stringByReplacingOccurrencesOfString:@"=code&" withString:@"=token&"];
    CHECK_FAILS(GRLErrorUnsupportedResponseType, [engine authorizeWithQuery:query error:&error]);
    CHECK([error.grl_redirect.location hasPrefix:@"http://127.0.0.1/callback?error=unsupported_response_type"]);
    query = [app.query stringByReplacingOccurrencesOfString:@"notes-app" withString:@"nobody"];
    CHECK_FAILS(GRLErrorInvalidClientUnknown, [engine authorizeWithQuery:query error:&error]);
    CHECK(error.grl_errorClass == GRLErrorInvalidClient);
    CHECK_EQUAL(error.grl_redirect, nil);
    CHECK_EQUAL(error.grl_OAuthCode, @"invalid_client");
    NSDictionary *body = [NSJSONSerialization JSONObjectWithData:error.grl_responseBody options:0 error:NULL];
    CHECK_EQUAL([body objectForKey:@"error_description"], error.localizedDescription);
}

TEST(grants_are_listed_and_revoked)
{
    NSError *error = nil;
    GRLEngine *engine = open_engine(nil);
    GRLTokenResponse *tokens = sign_in(engine);
    sign_in(engine);
    NSArray<GRLGrant *> *grants = [engine grantsOfClient:nil subject:@"alice" error:&error];
    CHECK(grants.count == 2);
    GRLGrant *grant = [grants objectAtIndex:0];
    CHECK_EQUAL(grant.clientID, @"notes-app");
    CHECK_EQUAL(grant.subject, @"alice");
    CHECK_EQUAL(grant.state, @"active");
    CHECK([grant.scopes containsObject:@"offline_access"] && grant.expirationDate != nil && grant.approvedAt != nil);
    CHECK_EQUAL([engine grantWithID:grant.grantID error:&error].dictionary, grant.dictionary);
    CHECK([[engine grantsDataOfClient:nil subject:@"bob" error:&error] isEqual:[NSData dataWithBytes:"[]" length:2]]);

    CHECK_EQUAL([engine revokeGrantWithID:grant.grantID error:&error], @1);
    CHECK_EQUAL([engine revokeGrantWithID:grant.grantID error:&error], @0);
    CHECK_EQUAL([engine revokeGrantsOfClient:nil subject:@"alice" error:&error], @1);
    CHECK_FAILS(GRLErrorUsage, [engine revokeGrantsOfClient:nil subject:nil error:&error]);
    CHECK_FAILS(GRLErrorNotFound, [engine grantWithID:@"none" error:&error]);
    DemoApp *app = [[[DemoApp alloc] init] autorelease];
    CHECK_FAILS(GRLErrorInvalidGrantRevoked, [engine tokenWithForm:[app formWithRefreshToken:tokens.refreshToken] error:&error]);
    CHECK([engine sweepWithLimit:10 error:&error] != nil);
}

TEST(the_registry_changes)
{
    NSError *error = nil;
    GRLEngine *engine = open_engine(nil);
    GRLAPI *api = [GRLAPI APIWithIdentifier:@"urn:other"];
    api.tokenLifetime = 60;
    [api setObject:@"rfc9068_profile" forKeyedSubscript:@"token_dialect"];
    CHECK([engine putAPI:api error:&error]);
    GRLClient *service = [GRLClient confidentialClientWithID:@"service" secret:@"b09f8d2ed1ce4b8c" redirectURIs:@[]];
    service.name = @"Service";
    service.grantTypes = @[ @"client_credentials" ];
    NSDictionary *allowed = @{ @"audience" : @"urn:other", @"scope" : @[] };
    [service setObject:@[ allowed ] forKeyedSubscript:@"client_grants"];
    CHECK([engine putClient:service error:&error]);
    NSString *basic = @"Basic c2VydmljZTpiMDlmOGQyZWQxY2U0Yjhj";
    GRLTokenResponse *tokens = [engine tokenWithForm:@"grant_type=client_credentials&audience=urn%3Aother"
                                       authorization:basic
                                               error:&error];
    CHECK_EQUAL(error, nil);
    CHECK(tokens.expiresIn == 60);
    NSString *form = [@"token=" stringByAppendingString:tokens.accessToken];
    GRLIntrospection *said = [engine introspectWithForm:form authorization:basic error:&error];
    CHECK(said.active);
    CHECK_EQUAL(said.clientID, @"service");
    CHECK([engine revokeWithForm:form authorization:basic error:&error]);
    CHECK(![engine introspectWithForm:form authorization:basic error:&error].active);
    CHECK_FAILS(GRLErrorInvalidClientUnknown, [engine introspectWithForm:form authorization:@"Basic eDp5" error:&error]);
    CHECK_EQUAL([engine removeClientWithID:@"service" error:&error], @0);
    CHECK_FAILS(GRLErrorNotFound, [engine removeClientWithID:@"service" error:&error]);
    CHECK([engine removeAPIWithIdentifier:@"urn:other" error:&error]);
    CHECK_FAILS(GRLErrorNotFound, [engine removeAPIWithIdentifier:@"urn:other" error:&error]);
    [service setObject:@"?" forKeyedSubscript:@"redirect_url"];
    CHECK_FAILS(GRLErrorConfigUnknownKey, [engine putClient:service error:&error]);
}

TEST(documents_and_keys)
{
    NSError *error = nil;
    GRLEngine *engine = open_engine(nil);
    CHECK_EQUAL([[engine metadataWithError:&error] stringForMember:@"issuer"], @"http://127.0.0.1:8080/");
    NSArray *keys = [[engine JWKSWithError:&error] objectForKeyedSubscript:@"keys"];
    CHECK([engine rotateKeysWithError:&error]);
    CHECK([[[engine JWKSWithError:&error] objectForKeyedSubscript:@"keys"] count] > keys.count);
    CHECK([GRLEngine.libraryVersion componentsSeparatedByString:@"."].count == 3);
}

TEST(a_file_outlives_the_engine)
{
    NSError *error = nil;
    NSURL *file = fresh_file(), *copy = fresh_file();
    GRLEngine *engine = [[[GRLEngine alloc] initWithConfiguration:demo_configuration()
                                                          fileURL:file
                                                       sealingKey:sealing_key(1)
                                                             host:nil
                                                            error:&error] autorelease];
    CHECK_EQUAL(error, nil);
    GRLTokenResponse *tokens = sign_in(engine);
    CHECK([engine backupToURL:copy error:&error]);
    CHECK([engine resealWithKey:sealing_key(2) error:&error]);
    CHECK_FAILS(GRLErrorConfigKey, [engine resealWithKey:[NSData data] error:&error]);
    [engine close];
    CHECK_FAILS(GRLErrorStoreSealed, [[GRLEngine alloc] initWithConfiguration:demo_configuration()
                                                 fileURL:file
                                              sealingKey:sealing_key(1)
                                                    host:nil
                                                   error:&error]);
    DemoApp *app = [[[DemoApp alloc] init] autorelease];
    for (NSURL *url in @[ file, copy ]) {
        engine = [[[GRLEngine alloc] initWithConfiguration:demo_configuration()
                                                   fileURL:url
                                                sealingKey:sealing_key(url == file ? 2 : 1)
                                                      host:nil
                                                     error:&error] autorelease];
        CHECK(engine != nil);
        CHECK([engine tokenWithForm:[app formWithRefreshToken:tokens.refreshToken] error:&error] != nil);
        [engine close];
        [[NSFileManager defaultManager] removeItemAtPath:url.path.stringByDeletingLastPathComponent error:NULL];
    }
    CHECK_FAILS(GRLErrorStoreUnsupported, [open_engine(nil) backupToURL:copy error:&error]);
}

TEST(http_without_a_socket)
{
    NSError *error = nil;
    GRLEngine *engine = open_engine(nil);
    DemoApp *app = [[[DemoApp alloc] init] autorelease];
    NSString *target = [@"/authorize?" stringByAppendingString:app.query];
    GRLHTTPRequest *request = [[[GRLHTTPRequest alloc] initWithMethod:@"GET" target:target] autorelease];
    GRLHTTPOutcome *outcome = [engine handleRequest:request error:&error];
    CHECK_EQUAL(outcome.response, nil);
    NSString *location = [outcome.authorization approveLogin:[GRLLogin loginWithSubject:@"alice"]
                                                       error:&error].location;
    NSString *form = [app formWithLocation:location];

    NSMutableURLRequest *post =
        [NSMutableURLRequest requestWithURL:[NSURL URLWithString:@"http://127.0.0.1:8080/oauth/token"]];
    post.HTTPMethod = @"POST";
    [post setValue:@"application/x-www-form-urlencoded" forHTTPHeaderField:@"Content-Type"];
    post.HTTPBody = [form dataUsingEncoding:NSUTF8StringEncoding];
    request = [[[GRLHTTPRequest alloc] initWithURLRequest:post] autorelease];
    CHECK_EQUAL(request.target, @"/oauth/token");
    GRLHTTPResponse *response = [engine handleRequest:request error:&error].response;
    CHECK(response.statusCode == 200);
    CHECK_EQUAL([response valueForHTTPHeaderField:@"cache-control"], @"no-store");
    CHECK_EQUAL([response.allHeaderFields objectForKey:@"Content-Type"], @"application/json");
    CHECK_EQUAL([response valueForHTTPHeaderField:@"X-None"], nil);
    CHECK_EQUAL(response.location, nil);
    CHECK([NSJSONSerialization JSONObjectWithData:response.body options:0 error:NULL] != nil);

    // Two lines of one header are two, and refused.
    request = [[[GRLHTTPRequest alloc] initWithMethod:@"GET" target:@"/userinfo"
                                              headers:@{ @"Authorization" : @"Bearer x" } body:nil] autorelease];
    GRLHTTPRequest *twice = [[request copy] autorelease];
    [twice addValue:@"Bearer x" forHTTPHeaderField:@"authorization"];
    CHECK([engine handleRequest:request error:&error].response.statusCode == 401);
    CHECK([engine handleRequest:twice error:&error].response.statusCode == 400);
    for (NSString *url in @[ @"http://h", @"http://h/a%20b?c=%2F#f", @"http://h/a?b=c://d/" ]) {
        NSURLRequest *get = [NSURLRequest requestWithURL:[NSURL URLWithString:url]];
        NSString *path = [[[GRLHTTPRequest alloc] initWithURLRequest:get] autorelease].target;
        CHECK([@[ @"/", @"/a%20b?c=%2F", @"/a?b=c://d/" ] containsObject:path]);
    }
    request = [[[GRLHTTPRequest alloc] initWithMethod:@"POST" target:@"/oauth/token"] autorelease];
    [request addValue:@"application/x-www-form-urlencoded" forHTTPHeaderField:@"Content-Type"];
    request.body = [NSMutableData dataWithLength:GRLHTTPRequest.maximumBodyLength + 1];
    CHECK([engine handleRequest:request error:&error].response.statusCode == 413);
}

static GRLEngine *engine_of(GRLAPI *api)
{
    GRLConfiguration *configuration =
        [GRLConfiguration configurationWithIssuer:@"http://127.0.0.1/" APIs:@[ api ] clients:@[]];
    return [[[GRLEngine alloc] initWithConfiguration:configuration error:NULL] autorelease];
}

TEST(configurations_are_json_with_names)
{
    NSError *error = nil;
    GRLConfiguration *typed = demo_configuration();
    CHECK_EQUAL([[typed.APIs objectAtIndex:0] identifier], AUDIENCE);
    CHECK([[typed.APIs objectAtIndex:0] allowsOfflineAccess]);
    CHECK_EQUAL([[typed.clients objectAtIndex:0] clientID], @"notes-app");
    CHECK_EQUAL([[typed.clients objectAtIndex:0] redirectURIs], @[ @"http://127.0.0.1/callback" ]);

    // Text goes as it stands, until something is set.
    NSData *text = [@"{ \"issuer\": \"http://127.0.0.1/\",\"default_audience\" : \"urn:x\"}"
        dataUsingEncoding:NSUTF8StringEncoding];
    GRLConfiguration *raw = [[[GRLConfiguration alloc] initWithJSONData:text] autorelease];
    CHECK_EQUAL(raw.issuer, @"http://127.0.0.1/");
    CHECK_EQUAL(raw.JSONData, text);
    CHECK_FAILS(GRLErrorConfig, [[GRLEngine alloc] initWithConfiguration:raw error:&error]);
    CHECK([error.localizedDescription rangeOfString:@"default_audience"].length > 0);
    [raw setObject:nil forKeyedSubscript:@"default_audience"];
    GRLConfiguration *copy = [[raw copy] autorelease];
    copy.APIs = typed.APIs;
    CHECK(raw.APIs.count == 0 && copy.APIs.count == 1);
    CHECK([[[[GRLEngine alloc] initWithConfiguration:copy error:&error] autorelease] metadataWithError:NULL] != nil);
    // What the setters were given may change, what they hold does not.
    NSMutableArray *changing = [NSMutableArray arrayWithObject:@"read:notes"];
    NSMutableString *name = [NSMutableString stringWithString:@"Notes"];
    GRLAPI *api = [GRLAPI APIWithIdentifier:AUDIENCE scopes:changing allowsOfflineAccess:YES];
    GRLClient *client = [typed.clients objectAtIndex:0];
    client.name = name;
    [changing addObject:@"write:notes"];
    [name appendString:@"!"];
    CHECK_EQUAL(api.scopes, @[ @"read:notes" ]);
    CHECK_EQUAL(client.name, @"Notes");
    // Scopes that have descriptions are scopes, too.
    [api setObject:@[ @"a", @{@"value" : @"b", @"description" : @"B"} ] forKeyedSubscript:@"scopes"];
    CHECK_EQUAL(api.scopes, (@[ @"a", @"b" ]));
    CHECK([engine_of(api) metadataWithError:&error] != nil);
    raw = [[[GRLConfiguration alloc] initWithJSONData:[@"[1" dataUsingEncoding:NSUTF8StringEncoding]] autorelease];
    CHECK_FAILS(GRLErrorConfig, [[GRLEngine alloc] initWithConfiguration:raw error:&error]);
}

TEST(members_of_another_type_are_none)
{
    NSData *text = [@"{\"client_id\":7,\"client_name\":null,\"redirect_uris\":null,\"identifier\":[],\"scopes\":[null,1,{}],"
                    @"\"allow_offline_access\":null,\"token_lifetime\":[],\"issuer\":false,\"apis\":[null],\"clients\":3}"
        dataUsingEncoding:NSUTF8StringEncoding];
    GRLClient *client = [[[GRLClient alloc] initWithJSONData:text] autorelease];
    CHECK_EQUAL(client.clientID, @"");
    CHECK_EQUAL(client.name, nil);
    CHECK(client.redirectURIs.count == 0 && client.grantTypes.count == 0);
    GRLAPI *api = [[[GRLAPI alloc] initWithJSONData:text] autorelease];
    CHECK_EQUAL(api.identifier, @"");
    CHECK(api.scopes.count == 0 && !api.allowsOfflineAccess && api.tokenLifetime == 0);
    GRLConfiguration *configuration = [[[GRLConfiguration alloc] initWithJSONData:text] autorelease];
    CHECK_EQUAL(configuration.issuer, @"");
    CHECK(configuration.APIs.count == 0 && configuration.clients.count == 0);
}

TEST(secrets_are_in_no_description)
{
    NSError *error = nil;
    GRLEngine *engine = open_engine(nil);
    DemoApp *app = [[[DemoApp alloc] init] autorelease];
    GRLAuthorization *pending = [engine authorizeWithQuery:app.query error:&error];
    GRLHTTPResponse *redirect = [pending approveLogin:[GRLLogin loginWithSubject:@"alice"] error:&error];
    NSString *form = [app formWithLocation:redirect.location];
    GRLTokenResponse *tokens = [engine tokenWithForm:form error:&error];
    CHECK_FAILS(GRLErrorInvalidGrantReused, [engine tokenWithForm:form error:&error]);
    GRLClient *client = [GRLClient confidentialClientWithID:@"c" secret:@"grl_rt_secret" redirectURIs:@[]];
    GRLConfiguration *configuration = demo_configuration();
    configuration.clients = @[ client ];
    GRLHTTPRequest *request = [[[GRLHTTPRequest alloc] initWithMethod:@"POST"
                                                               target:@"/oauth/token"
                                                              headers:@{ @"Authorization" : @"Bearer grl_rt_x" }
                                                                 body:tokens.JSONData] autorelease];
    CHECK([tokens.description rangeOfString:@"access_token expires_in"].length > 0);
    for (id object in @[ engine, pending, pending.request, redirect, tokens, error, client, configuration, request ]) {
        NSString *all = [object description];
        for (NSString *secret in @[ @"grl_rt_", @"grl_ac_", @"eyJ" ]) {
            CHECK([all rangeOfString:secret].length == 0);
        }
    }
    CHECK([[error.userInfo description] rangeOfString:@"grl_ac_"].length == 0);
    // Nor as the hexadecimal that NSData makes of them.
    CHECK([tokens.JSONData.description rangeOfString:@"7b226163"].length == 0);
    CHECK([tokens.JSONData.description hasPrefix:@"<GRLBuffer"]);
}
