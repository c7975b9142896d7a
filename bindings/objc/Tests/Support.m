#import "Support.h"
#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

static struct {
    const char *name;
    void (*run)(void);
} tests[200];
static size_t test_count;

void register_test(const char *name, void (*test)(void))
{
    tests[test_count].name = name;
    tests[test_count++].run = test;
}

void check_failed(const char *file, int line, NSString *what)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, what.UTF8String);
    exit(1);
}

void check_equal(const char *file, int line, NSString *what, id left, id right)
{
    if (left != right && ![left isEqual:right]) {
        check_failed(file, line, [NSString stringWithFormat:@"%@\n  is   %@\n  not  %@", what, left, right]);
    }
}

void check_code(const char *file, int line, NSError *error, NSInteger code)
{
    if (![error.domain isEqualToString:GRLErrorDomain] || error.code != code) {
        check_failed(file, line, [NSString stringWithFormat:@"code %ld expected, not %@", (long)code, error]);
    }
    CHECK(error.localizedDescription.length > 0 && error.grl_OAuthCode.length > 0);
    CHECK(error.grl_HTTPStatus >= 400 && error.grl_responseBody.length > 0);
}

static size_t in_use(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

// The least of three tries: caches of Foundation's may grow once.
long left_behind(void (^round)(void))
{
    enum { ROUNDS = 60 };
    long least = LONG_MAX;
    for (int try = 0; try < 3; try++) {
        @autoreleasepool {
            round();
        }
        size_t before = in_use();
        for (int i = 0; i < ROUNDS; i++) {
            @autoreleasepool {
                round();
            }
        }
        long grown = ((long)in_use() - (long)before) / ROUNDS;
        least = grown < least ? grown : least;
    }
    return least;
}

@implementation DemoApp

- (NSString *)query
{
    // PKCE's challenge and verifier are those of RFC 7636, appendix B.
    return @"response_type=code&client_id=notes-app&redirect_uri=http%3A%2F%2F127.0.0.1%2Fcallback&state=xyz"
           @"&scope=openid%20offline_access%20read%3Anotes&audience=https%3A%2F%2Fapi.example.com%2F"
           @"&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";
}

- (NSString *)formWithLocation:(NSString *)location
{
    NSRange code = [location rangeOfString:@"code="];
    CHECK(code.location != NSNotFound);
    NSString *rest = [location substringFromIndex:NSMaxRange(code)];
    return [NSString stringWithFormat:@"grant_type=authorization_code&client_id=notes-app&code=%@"
                                      @"&redirect_uri=http%%3A%%2F%%2F127.0.0.1%%2Fcallback"
                                      @"&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
                                      [[rest componentsSeparatedByString:@"&"] objectAtIndex:0]];
}

- (NSString *)formWithRefreshToken:(NSString *)token
{
    return [@"grant_type=refresh_token&client_id=notes-app&refresh_token=" stringByAppendingString:token];
}

@end

GRLConfiguration *demo_configuration(void)
{
    GRLAPI *api = [GRLAPI APIWithIdentifier:AUDIENCE scopes:@[ @"read:notes" ] allowsOfflineAccess:YES];
    GRLClient *client = [GRLClient publicClientWithID:@"notes-app" redirectURIs:@[ @"http://127.0.0.1/callback" ]];
    return [GRLConfiguration configurationWithIssuer:@"http://127.0.0.1:8080/" APIs:@[ api ] clients:@[ client ]];
}

GRLEngine *open_engine(GRLHost *host)
{
    NSError *error = nil;
    GRLEngine *engine = [[GRLEngine alloc] initWithConfiguration:demo_configuration() host:host error:&error];
    CHECK_EQUAL(error, nil);
    return [engine autorelease];
}

GRLTokenResponse *sign_in(GRLEngine *engine)
{
    NSError *error = nil;
    DemoApp *app = [[[DemoApp alloc] init] autorelease];
    GRLAuthorization *pending = [engine authorizeWithQuery:app.query error:&error];
    GRLHTTPResponse *response = [pending approveLogin:[GRLLogin loginWithSubject:@"alice"] error:&error];
    CHECK_EQUAL(error, nil);
    GRLTokenResponse *tokens = [engine tokenWithForm:[app formWithLocation:response.location] error:&error];
    CHECK_EQUAL(error, nil);
    CHECK(tokens.refreshToken.length > 0);
    return tokens;
}

NSURL *fresh_file(void)
{
    char folder[] = "/tmp/grantlet-objc-XXXXXX";
    CHECK(mkdtemp(folder) != NULL);
    return [NSURL fileURLWithPath:[NSString stringWithFormat:@"%s/grants.db", folder]];
}

NSData *sealing_key(uint8_t byte)
{
    uint8_t key[32];
    memset(key, byte, sizeof key);
    return [NSData dataWithBytes:key length:sizeof key];
}

NSString *setting(const char *name)
{
    const char *value = getenv(name);
    return [NSString stringWithUTF8String:value ? value : ""];
}

// Runs all tests, or those whose name holds the argument, but none whose name holds SKIP. The last line tells how many.
int main(int argc, char **argv)
{
    size_t ran = 0;
    for (size_t i = 0; i < test_count; i++) {
        const char *skip = getenv("SKIP");
        if ((argc > 1 && strstr(tests[i].name, argv[1]) == NULL) || (skip != NULL && strstr(tests[i].name, skip))) {
            continue;
        }
        if (getenv("VERBOSE") != NULL) {
            fprintf(stderr, "%s\n", tests[i].name);
        }
        @autoreleasepool {
            tests[i].run();
        }
        ran++;
    }
    printf("%zu tests\n", ran);
    return ran == 0;
}
