// Replays tests/vectors/flows.json through the public interface; the format is told in the README beside it.
#import "Support.h"

@interface Flow : NSObject {
@public
    NSDictionary *flow;
    NSDictionary<NSString *, NSNumber *> *codes;
    NSURL *file;
    GRLHost *host;
    GRLEngine *engine;
    NSMutableDictionary<NSString *, GRLAuthorization *> *pending;
    NSMutableArray<NSString *> *events;
    uint64_t now;
    uint32_t seed;
    BOOL randomFails;
}
@end

static NSData *bytes(NSString *text)
{
    return [text dataUsingEncoding:NSUTF8StringEncoding];
}

static NSData *from_hexadecimal(NSString *text)
{
    NSMutableData *data = [NSMutableData data];
    for (NSUInteger i = 0; i + 1 < text.length; i += 2) {
        uint8_t byte = (uint8_t)strtoul([text substringWithRange:NSMakeRange(i, 2)].UTF8String, NULL, 16);
        [data appendBytes:&byte length:1];
    }
    return data;
}

static NSData *from_base64url(NSString *text)
{
    text = [text stringByReplacingOccurrencesOfString:@"-" withString:@"+"];
    text = [text stringByReplacingOccurrencesOfString:@"_" withString:@"/"];
    while (text.length % 4 != 0) {
        text = [text stringByAppendingString:@"="];
    }
    return [[[NSData alloc] initWithBase64EncodedString:text options:0] autorelease];
}

static id parsed(NSString *json)
{
    return json ? [NSJSONSerialization JSONObjectWithData:bytes(json) options:0 error:NULL] : nil;
}

static NSNumber *flag(BOOL value)
{
    return [NSNumber numberWithBool:value];
}

// The header's names and numbers of a status.
static NSDictionary<NSString *, NSNumber *> *header_codes(void)
{
    NSMutableDictionary *codes = [NSMutableDictionary dictionary];
#define CODE(name, header, number) [codes setObject:@(name) forKey:@ #header];
#include "codes.inc"
#undef CODE
    return codes;
}

@implementation Flow

- (void)dealloc
{
    [flow release];
    [codes release];
    [file release];
    [host release];
    [engine release];
    [pending release];
    [events release];
    [super dealloc];
}

- (NSNumber *)codeOf:(NSString *)name
{
    NSNumber *code = [codes objectForKey:name];
    CHECK(code != nil);
    return code;
}

- (void)makeHost
{
    // Retained by nobody here but the flow: not every blocks runtime retains what a block captures.
    Flow *me = self;
    host = [[GRLHost alloc] init];
    host.clock = ^{
        return [NSDate dateWithTimeIntervalSince1970:(NSTimeInterval)me->now];
    };
    host.random = ^BOOL(void *to, NSUInteger length, NSError **error) {
        (void)error;
        for (NSUInteger i = 0; i < length && !me->randomFails; i++) {
            me->seed = me->seed * 1103515245u + 12345u;
            ((uint8_t *)to)[i] = (uint8_t)(me->seed >> 16);
        }
        return !me->randomFails;
    };
    host.event = ^(GRLJSONObject *event) {
        [me->events addObject:event.JSONString];
    };
    host.userClaims = ^NSDictionary *(NSString *subject, NSString *client, NSArray *scopes, NSError **error) {
        (void)client, (void)scopes, (void)error;
        return parsed([[me->flow objectForKey:@"users"] objectForKey:subject]);
    };
    if ([flow objectForKey:@"signing_key"] != nil) {
        host.signingKey = [flow objectForKey:@"signing_key"];
        host.sign = ^NSData *(NSData *input, NSError **error) {
            NSString *text = [[[NSString alloc] initWithData:input encoding:NSUTF8StringEncoding] autorelease];
            NSString *made = [[me->flow objectForKey:@"signatures"] objectForKey:text];
            if (made == nil) {
                *error = [NSError errorWithDomain:NSCocoaErrorDomain code:3072 userInfo:nil]; // NSUserCancelledError
                return nil;
            }
            return from_base64url(made);
        };
    }
}

- (void)open
{
    NSError *error = nil;
    GRLConfiguration *configuration =
        [[[GRLConfiguration alloc] initWithJSONData:bytes([flow objectForKey:@"config"])] autorelease];
    if (file == nil) {
        engine = [[GRLEngine alloc] initWithConfiguration:configuration host:host error:&error];
    } else {
        engine = [[GRLEngine alloc] initWithConfiguration:configuration
                                                  fileURL:file
                                               sealingKey:from_hexadecimal([flow objectForKey:@"sealing_key"])
                                                     host:host
                                                    error:&error];
    }
    CHECK_EQUAL(error, nil);
}

- (GRLLogin *)loginOf:(NSDictionary *)given
{
    GRLLogin *login = [GRLLogin loginWithSubject:[given objectForKey:@"subject"]];
    NSNumber *time = [given objectForKey:@"auth_time"];
    login.authenticationDate = time ? [NSDate dateWithTimeIntervalSince1970:time.doubleValue] : nil;
    login.contextClass = [given objectForKey:@"acr"];
    login.methods = [given objectForKey:@"amr"];
    login.sessionID = [given objectForKey:@"sid"];
    login.scopes = [[given objectForKey:@"scope"] componentsSeparatedByString:@" "];
    login.accessTokenClaims = parsed([given objectForKey:@"access_token_claims"]);
    login.IDTokenClaims = parsed([given objectForKey:@"id_token_claims"]);
    return login;
}

static NSDictionary *json_of(GRLJSONObject *object)
{
    return object ? @{@"json" : object.JSONString} : nil;
}

static NSDictionary *count_of(NSNumber *count)
{
    return count ? @{@"count" : count} : nil;
}

static NSDictionary *nothing_if(BOOL done)
{
    return done ? @{} : nil;
}

static NSDictionary *redirect_of(GRLHTTPResponse *response)
{
    return response ? @{@"status" : @(response.statusCode), @"location" : response.location} : nil;
}

- (NSDictionary *)handle:(NSDictionary *)step error:(NSError **)error
{
    GRLHTTPRequest *request = [[[GRLHTTPRequest alloc] initWithMethod:[step objectForKey:@"method"]
                                                               target:[step objectForKey:@"target"]] autorelease];
    for (NSArray *header in [step objectForKey:@"headers"]) {
        [request addValue:[header objectAtIndex:1] forHTTPHeaderField:[header objectAtIndex:0]];
    }
    request.body = bytes([step objectForKey:@"body"]);
    GRLHTTPOutcome *outcome = [engine handleRequest:request error:error];
    if (outcome.authorization != nil) {
        NSString *name = [step objectForKey:@"as"];
        [pending setObject:outcome.authorization forKey:name];
        return @{@"pending" : name, @"request" : outcome.authorization.request.JSONString};
    }
    GRLHTTPResponse *response = outcome.response;
    NSMutableArray *headers = [NSMutableArray array];
    [response enumerateHeadersUsingBlock:^(NSString *name, NSString *value) {
        [headers addObject:@[ name, value ]];
    }];
    NSString *body = [[[NSString alloc] initWithData:response.body encoding:NSUTF8StringEncoding] autorelease];
    return @{@"status" : @(response.statusCode), @"headers" : headers, @"body" : body};
}

// What the call gives, or nil and an error.
- (NSDictionary *)call:(NSDictionary *)step error:(NSError **)error
{
    NSString *call = [step objectForKey:@"call"], *form = [step objectForKey:@"form"];
    NSString *header = [step objectForKey:@"authorization"];
    NSString *client = [step objectForKey:@"client_id"], *subject = [step objectForKey:@"subject"];
    client = client.length > 0 ? client : nil;
    subject = subject.length > 0 ? subject : nil;
    NSString *token = [step objectForKey:@"access_token"], *grant = [step objectForKey:@"grant_id"];
    if ([call isEqual:@"authorize"]) {
        GRLAuthorization *asked = [engine authorizeWithQuery:[step objectForKey:@"query"] error:error];
        if (asked == nil) {
            return nil;
        }
        [pending setObject:asked forKey:[step objectForKey:@"as"]];
        return @{@"request" : asked.request.JSONString};
    } else if ([call isEqual:@"approve"]) {
        GRLLogin *login = [self loginOf:[step objectForKey:@"login"]];
        return redirect_of([[pending objectForKey:[step objectForKey:@"pending"]] approveLogin:login error:error]);
    } else if ([call isEqual:@"deny"]) {
        GRLError reason = [self codeOf:[step objectForKey:@"denial"]].integerValue;
        return redirect_of([[pending objectForKey:[step objectForKey:@"pending"]] denyWithReason:reason error:error]);
    } else if ([call isEqual:@"token"]) {
        return json_of([engine tokenWithForm:form authorization:header error:error]);
    } else if ([call isEqual:@"introspect"]) {
        return json_of([engine introspectWithForm:form authorization:header error:error]);
    } else if ([call isEqual:@"revoke"]) {
        return nothing_if([engine revokeWithForm:form authorization:header error:error]);
    } else if ([call isEqual:@"verify"]) {
        NSString *scope = [step objectForKey:@"scope"];
        NSArray *scopes = scope.length > 0 ? [scope componentsSeparatedByString:@" "] : nil;
        return json_of([engine verifyAccessToken:token
                                        audience:[step objectForKey:@"audience"]
                                          scopes:scopes
                                           error:error]);
    } else if ([call isEqual:@"userinfo"]) {
        return json_of([engine userInfoWithAccessToken:token error:error]);
    } else if ([call isEqual:@"metadata"]) {
        return json_of([engine metadataWithError:error]);
    } else if ([call isEqual:@"jwks"]) {
        return json_of([engine JWKSWithError:error]);
    } else if ([call isEqual:@"grants"]) {
        NSData *json = [engine grantsDataOfClient:client subject:subject error:error];
        return json ? @{@"json" : [[[NSString alloc] initWithData:json encoding:NSUTF8StringEncoding] autorelease]}
                    : nil;
    } else if ([call isEqual:@"grant"]) {
        return json_of([engine grantWithID:grant error:error]);
    } else if ([call isEqual:@"revoke_grant"]) {
        return count_of([engine revokeGrantWithID:grant error:error]);
    } else if ([call isEqual:@"revoke_grants"]) {
        return count_of([engine revokeGrantsOfClient:client subject:subject error:error]);
    } else if ([call isEqual:@"put_api"]) {
        GRLAPI *api = [[[GRLAPI alloc] initWithJSONData:bytes([step objectForKey:@"json"])] autorelease];
        return nothing_if([engine putAPI:api error:error]);
    } else if ([call isEqual:@"put_client"]) {
        GRLClient *put = [[[GRLClient alloc] initWithJSONData:bytes([step objectForKey:@"json"])] autorelease];
        return nothing_if([engine putClient:put error:error]);
    } else if ([call isEqual:@"remove_api"]) {
        return nothing_if([engine removeAPIWithIdentifier:[step objectForKey:@"identifier"] error:error]);
    } else if ([call isEqual:@"remove_client"]) {
        return count_of([engine removeClientWithID:client error:error]);
    } else if ([call isEqual:@"sweep"]) {
        return count_of([engine sweepWithLimit:[[step objectForKey:@"limit"] unsignedIntegerValue] error:error]);
    } else if ([call isEqual:@"handle"]) {
        return [self handle:step error:error];
    } else if ([call isEqual:@"restart"]) {
        [pending removeAllObjects];
        [engine close];
        [engine release];
        [self open];
        return @{};
    }
    check_failed(__FILE__, __LINE__, [@"an unknown call: " stringByAppendingString:call]);
}

- (void)check:(NSError *)error against:(NSDictionary *)fails authorize:(BOOL)authorize
{
    CHECK_EQUAL(error.domain, GRLErrorDomain);
    CHECK_EQUAL(@(error.code), [self codeOf:[fails objectForKey:@"status"]]);
    CHECK_EQUAL(error.grl_OAuthCode, [fails objectForKey:@"oauth_code"]);
    CHECK_EQUAL(error.localizedDescription, [fails objectForKey:@"description"]);
    CHECK_EQUAL(error.grl_detail ?: @"", [fails objectForKey:@"detail"]);
    CHECK_EQUAL(@(error.grl_HTTPStatus), [fails objectForKey:@"http_status"]);
    CHECK_EQUAL(error.grl_responseBody, bytes([fails objectForKey:@"response"]));
    if (authorize) {
        CHECK_EQUAL(error.grl_redirect.location ?: (id)[NSNull null], [fails objectForKey:@"redirect"]);
    }
}

- (void)run
{
    codes = [header_codes() retain];
    pending = [[NSMutableDictionary alloc] init];
    events = [[NSMutableArray alloc] init];
    now = [[flow objectForKey:@"clock"] unsignedLongLongValue];
    seed = (uint32_t)[[flow objectForKey:@"seed"] unsignedLongLongValue];
    file = [flow objectForKey:@"store"] ? [fresh_file() retain] : nil;
    [self makeHost];
    [self open];
    [events removeAllObjects];
    NSUInteger number = 0;
    for (NSDictionary *step in [flow objectForKey:@"steps"]) {
        @autoreleasepool {
            NSError *error = nil;
            NSString *where = [NSString stringWithFormat:@"%@, step %lu, %@", [flow objectForKey:@"name"],
                                                         (unsigned long)number++, [step objectForKey:@"call"]];
            NSNumber *at = [step objectForKey:@"at"], *random = [step objectForKey:@"random"];
            now = at ? at.unsignedLongLongValue : now;
            randomFails = random != nil && !random.boolValue;
            NSDictionary *given = [self call:step error:&error];
            NSDictionary *fails = [step objectForKey:@"fails"];
            if ((given == nil) != (fails != nil)) {
                check_failed(__FILE__, __LINE__, [NSString stringWithFormat:@"%@: %@ %@", where, given, error]);
            } else if (fails != nil) {
                [self check:error against:fails authorize:[[step objectForKey:@"call"] isEqual:@"authorize"]];
            } else {
                check_equal(__FILE__, __LINE__, where, given, [step objectForKey:@"gives"] ?: @{});
            }
            check_equal(__FILE__, __LINE__, where, events, [step objectForKey:@"events"] ?: @[]);
            [events removeAllObjects];
        }
    }
    CHECK_EQUAL(flag(number > 0), flag(YES));
    [pending removeAllObjects];
    [engine close];
    if (file != nil) {
        [[NSFileManager defaultManager] removeItemAtPath:file.path.stringByDeletingLastPathComponent error:NULL];
    }
}

@end

TEST(flows_are_replayed)
{
    NSString *path = [setting("ROOT") stringByAppendingString:@"/tests/vectors/flows.json"];
    NSDictionary *vectors = parsed([NSString stringWithContentsOfFile:path encoding:NSUTF8StringEncoding error:NULL]);
    NSArray *flows = [vectors objectForKey:@"flows"];
    CHECK(flows.count > 0);
    for (NSDictionary *each in flows) {
        @autoreleasepool {
            Flow *flow = [[[Flow alloc] init] autorelease];
            flow->flow = [each retain];
            [flow run];
        }
    }
    printf("%lu flows\n", (unsigned long)flows.count);
}
