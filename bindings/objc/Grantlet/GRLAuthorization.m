#import "GRLInternal.h"

@implementation GRLAuthorizationRequest

- (NSString *)clientID
{
    return [self stringForMember:@"client_id"] ?: @"";
}

- (NSString *)clientName
{
    return [self stringForMember:@"client_name"];
}

- (NSString *)redirectURI
{
    return [self stringForMember:@"redirect_uri"] ?: @"";
}

- (NSArray<NSString *> *)scopes
{
    NSString *scope = [self stringForMember:@"scope"];
    return scope.length ? [scope componentsSeparatedByString:@" "] : @[];
}

- (NSArray<NSString *> *)audience
{
    return [self objectForKeyedSubscript:@"audience"] ?: @[];
}

- (BOOL)offlineAccess
{
    return [[self stringForMember:@"offline_access"] isEqualToString:@"true"];
}

- (NSArray<NSString *> *)prompt
{
    return [self objectForKeyedSubscript:@"prompt"] ?: @[];
}

@end

@implementation GRLLogin

@synthesize subject = _subject, authenticationDate = _authenticationDate, contextClass = _contextClass;
@synthesize methods = _methods, sessionID = _sessionID, scopes = _scopes;
@synthesize accessTokenClaims = _accessTokenClaims, IDTokenClaims = _IDTokenClaims;

- (instancetype)initWithSubject:(NSString *)subject
{
    if ((self = [super init])) {
        _subject = [subject copy];
    }
    return self;
}

+ (instancetype)loginWithSubject:(NSString *)subject
{
    return GRL_AUTORELEASE([[self alloc] initWithSubject:subject]);
}

- (void)dealloc
{
    GRL_RELEASE(_subject);
    GRL_RELEASE(_authenticationDate);
    GRL_RELEASE(_contextClass);
    GRL_RELEASE(_methods);
    GRL_RELEASE(_sessionID);
    GRL_RELEASE(_scopes);
    GRL_RELEASE(_accessTokenClaims);
    GRL_RELEASE(_IDTokenClaims);
    GRL_SUPER_DEALLOC();
}

- (id)copyWithZone:(NSZone *)zone
{
    GRLLogin *copy = [[[self class] allocWithZone:zone] initWithSubject:_subject];
    copy.authenticationDate = _authenticationDate;
    copy.contextClass = _contextClass;
    copy.methods = _methods;
    copy.sessionID = _sessionID;
    copy.scopes = _scopes;
    copy.accessTokenClaims = _accessTokenClaims;
    copy.IDTokenClaims = _IDTokenClaims;
    return copy;
}

- (const grl_login *)lend
{
    NSMutableData *room = [NSMutableData dataWithLength:sizeof(grl_login) + sizeof(grl_str)];
    grl_login *login = [room grl_mutableBytes];
    grl_str *scope = (grl_str *)(login + 1);
    NSTimeInterval seconds = floor(_authenticationDate.timeIntervalSince1970);
    *scope = GRLLendList(_scopes);
    login->size = sizeof(grl_login);
    login->subject = GRLLend(_subject);
    login->auth_time = seconds > 0 ? (uint64_t)seconds : 0;
    login->acr = GRLLendOptional(_contextClass);
    login->amr = GRLLendList(_methods);
    login->sid = GRLLendOptional(_sessionID);
    login->scope = _scopes ? scope : NULL;
    if (_accessTokenClaims != nil) {
        login->access_token_claims = GRLLendData(GRLMakeJSON(_accessTokenClaims));
    }
    if (_IDTokenClaims != nil) {
        login->id_token_claims = GRLLendData(GRLMakeJSON(_IDTokenClaims));
    }
    return login;
}

@end

@implementation GRLAuthorization

@synthesize request = _request;

static void GRLFreeAuthorization(void *authorization)
{
    grl_authorization_free(authorization);
}

- (instancetype)initWithAuthorization:(grl_authorization *)authorization
{
    if ((self = [super init])) {
        _handle = [[GRLHandle alloc] initWithObject:authorization free:GRLFreeAuthorization];
        grl_str json = grl_authorization_request(authorization);
        _request = [[GRLAuthorizationRequest alloc] initWithData:[NSData dataWithBytes:json.ptr length:json.len]];
    }
    return self;
}

- (void)dealloc
{
    GRL_RELEASE(_handle);
    GRL_RELEASE(_request);
    GRL_SUPER_DEALLOC();
}

- (GRLHTTPResponse *)approveLogin:(GRLLogin *)login error:(NSError **)error
{
    __block grl_http_response *response = NULL;
    BOOL approved = GRLCall(_handle, error, ^(void *authorization, grl_error **why) {
        return grl_authorization_approve(authorization, [login lend], &response, why);
    });
    return approved ? GRL_AUTORELEASE([[GRLHTTPResponse alloc] initWithResponse:response]) : nil;
}

- (void)approveLogin:(GRLLogin *)login completionHandler:(void (^)(GRLHTTPResponse *, NSError *))handler
{
    GRLLogin *copy = GRL_AUTORELEASE([login copy]);
    GRLRunInBackground(@[ self, copy ?: (id)[NSNull null] ], handler, ^{
        NSError *error = nil;
        GRLHTTPResponse *response = [self approveLogin:copy error:&error];
        handler(response, error);
    });
}

- (GRLHTTPResponse *)denyWithReason:(GRLError)reason error:(NSError **)error
{
    __block grl_http_response *response = NULL;
    BOOL denied = GRLCall(_handle, error, ^(void *authorization, grl_error **why) {
        return grl_authorization_deny(authorization, (int32_t)reason, &response, why);
    });
    return denied ? GRL_AUTORELEASE([[GRLHTTPResponse alloc] initWithResponse:response]) : nil;
}

@end
