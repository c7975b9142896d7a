// The whole story over HTTP: an engine behind a server on the loopback, and an app that signs alice in with the
// platform's own HTTP client, reads her name, refreshes, and signs her out.
//
// The code is ARC's; without ARC (GNUstep here) the few objects that it makes live until the program ends.
#import "Loopback.h"
#include <stdlib.h>

static void check(BOOL fine, NSString *what, NSError *error)
{
    if (!fine) {
        fprintf(stderr, "%s: %s\n", what.UTF8String, error.localizedDescription.UTF8String);
        exit(1);
    }
}

// ---- The server: your process ------------------------------------------------------------------------

static GRLEngine *open_engine(NSString *issuer)
{
    GRLAPI *api = [GRLAPI APIWithIdentifier:@"https://api.example.com/"
                                     scopes:@[ @"read:notes" ]
                        allowsOfflineAccess:YES];
    // A native app listens on any port of the loopback (RFC 8252 §7.3).
    GRLClient *app = [GRLClient publicClientWithID:@"notes-app" redirectURIs:@[ @"http://127.0.0.1/callback" ]];
    GRLHost *host = [[GRLHost alloc] init];
    host.userClaims = ^NSDictionary *(NSString *subject, NSString *client, NSArray *scopes, NSError **error) {
        (void)client, (void)scopes, (void)error;
        return [subject isEqualToString:@"alice"] ? @{@"name" : @"Alice"} : nil;
    };
    host.event = ^(GRLJSONObject *event) {
        printf("   event: %s\n", [event stringForMember:@"event"].UTF8String);
    };
    NSError *error = nil;
    GRLConfiguration *configuration = [GRLConfiguration configurationWithIssuer:issuer APIs:@[ api ] clients:@[ app ]];
    GRLEngine *engine = [[GRLEngine alloc] initWithConfiguration:configuration host:host error:&error];
    check(engine != nil, @"open", error);
    return engine;
}

// Answers a request. An authorization waits for the user: here, alice consents to all without being asked.
static GRLHTTPResponse *answer(GRLEngine *engine, GRLHTTPRequest *request)
{
    NSError *error = nil;
    GRLHTTPOutcome *outcome = [engine handleRequest:request error:&error];
    if (outcome.authorization != nil) {
        printf("   %s asks for %s\n", outcome.authorization.request.clientID.UTF8String,
               [outcome.authorization.request.scopes componentsJoinedByString:@" "].UTF8String);
        return [outcome.authorization approveLogin:[GRLLogin loginWithSubject:@"alice"] error:&error];
    }
    return outcome.response;
}

// ---- The app: somebody else's ------------------------------------------------------------------------

// Sends a request with the platform's HTTP client, which follows redirects, and gives the body.
static NSData *fetch(NSURLRequest *request, NSHTTPURLResponse **response)
{
    NSError *error = nil;
#ifdef GNUSTEP
    NSData *body = [NSURLConnection sendSynchronousRequest:request
                                         returningResponse:(NSURLResponse **)response
                                                     error:&error];
#else
    __block NSData *body = nil;
    __block NSURLResponse *came = nil;
    dispatch_semaphore_t done = dispatch_semaphore_create(0);
    [[NSURLSession.sharedSession dataTaskWithRequest:request
                                   completionHandler:^(NSData *data, NSURLResponse *got, NSError *why) {
                                       (void)why;
                                       body = data;
                                       came = got;
                                       dispatch_semaphore_signal(done);
                                   }] resume];
    dispatch_semaphore_wait(done, DISPATCH_TIME_FOREVER);
    *response = (NSHTTPURLResponse *)came;
#endif
    check(body != nil, request.URL.path, error);
    return body;
}

static NSDictionary *post(NSString *issuer, NSString *path, NSString *form, NSInteger expected)
{
    NSURL *url = [NSURL URLWithString:[issuer stringByAppendingString:path]];
    NSMutableURLRequest *request = [NSMutableURLRequest requestWithURL:url];
    request.HTTPMethod = @"POST";
    request.HTTPBody = [form dataUsingEncoding:NSUTF8StringEncoding];
    [request setValue:@"application/x-www-form-urlencoded" forHTTPHeaderField:@"Content-Type"];
    NSHTTPURLResponse *response = nil;
    NSData *body = fetch(request, &response);
    check(response.statusCode == expected, path, nil);
    return body.length ? [NSJSONSerialization JSONObjectWithData:body options:0 error:NULL] : nil;
}

int main(void)
{
    @autoreleasepool {
        NSHTTPURLResponse *response = nil;
        __block NSString *callback = nil;
        Loopback *server = [[Loopback alloc] init];
        check(server != nil, @"listen", nil);
        NSString *issuer = [NSString stringWithFormat:@"http://127.0.0.1:%u/", (unsigned)server.port];
        GRLEngine *engine = open_engine(issuer);
        [server serve:^GRLHTTPResponse *(GRLHTTPRequest *request) {
            if ([request.target hasPrefix:@"/callback?"]) {
                callback = [request.target copy]; // The app's own loopback listener, on the same port for brevity.
                return nil;
            }
            return answer(engine, request);
        }];
        printf("1. grantlet %s on %s\n", GRLEngine.libraryVersion.UTF8String, issuer.UTF8String);

        printf("2. The app opens /authorize; alice consents; the browser goes to the app's callback.\n");
        // The PKCE challenge and verifier are those of RFC 7636, appendix B; an app makes them anew each time.
        NSString *redirect =
            [NSString stringWithFormat:@"http%%3A%%2F%%2F127.0.0.1%%3A%u%%2Fcallback", (unsigned)server.port];
        NSString *query = [NSString
            stringWithFormat:@"authorize?response_type=code&client_id=notes-app&redirect_uri=%@&state=xyz"
                             @"&scope=openid%%20profile%%20offline_access%%20read%%3Anotes"
                             @"&audience=https%%3A%%2F%%2Fapi.example.com%%2F&code_challenge_method=S256"
                             @"&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
                             redirect];
        NSURL *url = [NSURL URLWithString:[issuer stringByAppendingString:query]];
        fetch([NSURLRequest requestWithURL:url], &response);
        check([callback rangeOfString:@"state=xyz"].length > 0, @"callback", nil);
        NSRange from = [callback rangeOfString:@"code="];
        NSString *code = [[[callback substringFromIndex:NSMaxRange(from)] componentsSeparatedByString:@"&"]
            objectAtIndex:0];

        printf("3. The app redeems the code.\n");
        NSString *form = [NSString stringWithFormat:@"grant_type=authorization_code&client_id=notes-app&code=%@"
                                                    @"&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
                                                    @"&redirect_uri=%@",
                                                    code, redirect];
        NSDictionary *tokens = post(issuer, @"oauth/token", form, 200);

        printf("4. It reads who signed in.\n");
        NSMutableURLRequest *userInfo =
            [NSMutableURLRequest requestWithURL:[NSURL URLWithString:[issuer stringByAppendingString:@"userinfo"]]];
        [userInfo setValue:[@"Bearer " stringByAppendingString:[tokens objectForKey:@"access_token"]]
            forHTTPHeaderField:@"Authorization"];
        NSData *json = fetch(userInfo, &response);
        NSDictionary *claims = [NSJSONSerialization JSONObjectWithData:json options:0 error:NULL];
        printf("   %s\n", [[claims objectForKey:@"name"] UTF8String]);
        check([[claims objectForKey:@"sub"] isEqual:@"alice"], @"userinfo", nil);

        printf("5. The API, in the server's process, verifies the access token.\n");
        NSError *error = nil;
        GRLAccessTokenClaims *access = [engine verifyAccessToken:[tokens objectForKey:@"access_token"]
                                                        audience:@"https://api.example.com/"
                                                          scopes:@[ @"read:notes" ]
                                                           error:&error];
        check(access != nil, @"verify", error);
        printf("   %s by %s\n", access.subject.UTF8String, access.clientID.UTF8String);

        printf("6. The app refreshes, then signs out: the refresh token is worth nothing any more.\n");
        NSString *refresh = @"grant_type=refresh_token&client_id=notes-app&refresh_token=";
        tokens = post(issuer, @"oauth/token", [refresh stringByAppendingString:[tokens objectForKey:@"refresh_token"]], 200);
        NSString *newest = [tokens objectForKey:@"refresh_token"];
        post(issuer, @"oauth/revoke", [@"client_id=notes-app&token=" stringByAppendingString:newest], 200);
        tokens = post(issuer, @"oauth/token", [refresh stringByAppendingString:newest], 400);
        printf("   %s\n", [[tokens objectForKey:@"error"] UTF8String]);
        check([[tokens objectForKey:@"error"] isEqual:@"invalid_grant"], @"sign out", nil);
        [server stop];
        [engine close];
    }
    return 0;
}
