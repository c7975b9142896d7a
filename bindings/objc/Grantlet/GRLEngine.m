#import "GRLInternal.h"

typedef grl_status (^GRLOpenBlock)(const grl_host *host, grl_engine **engine, grl_error **why);

static void GRLFreeEngine(void *engine)
{
    grl_engine_free(engine);
}

NS_RETURNS_RETAINED
static GRLHandle *_Nullable GRLOpen(GRLHost *_Nullable host, NSError **error, NS_NOESCAPE GRLOpenBlock open)
{
    if (grl_abi_version() != GRL_ABI_VERSION) {
        [NSException raise:NSInternalInconsistencyException
                    format:@"grantlet: the library %s is not the one that this was built for", grl_version()];
    }
    __block grl_engine *engine = NULL;
    BOOL opened = GRLCall(nil, error, ^(void *none, grl_error **why) {
        (void)none;
        grl_host given = GRL_HOST_INIT;
        grl_store store;
        if (host != nil) {
            GRLGiveHost((GRLHost * _Nonnull)host, &given, &store);
        }
        return open(&given, &engine, why);
    });
    return opened ? [[GRLHandle alloc] initWithObject:(void *_Nonnull)engine free:GRLFreeEngine] : nil;
}

// An empty name means any to C; one that was never filled in must not mean that. Nil does.
static void GRLForbidEmpty(NSString *name)
{
    if ([name isEqual:@""]) {
        [NSException raise:NSInvalidArgumentException format:@"grantlet: an empty name; nil means any"];
    }
}

@implementation GRLEngine

+ (NSString *)libraryVersion
{
    return [NSString stringWithUTF8String:grl_version()];
}

// ---- Opening ----

- (instancetype)initWithConfiguration:(GRLConfiguration *)configuration error:(NSError **)error
{
    return [self initWithConfiguration:configuration host:nil error:error];
}

- (instancetype)initWithConfiguration:(GRLConfiguration *)configuration host:(GRLHost *)host error:(NSError **)error
{
    grl_str json = GRLLendData(configuration.JSONData);
    if ((self = [super init])) {
        _handle = GRLOpen(host, error, ^(const grl_host *given, grl_engine **engine, grl_error **why) {
            return grl_engine_new(json, given, engine, why);
        });
        if (_handle == nil) {
            GRL_RELEASE(self);
            return nil;
        }
    }
    return self;
}

- (instancetype)initWithConfiguration:(GRLConfiguration *)configuration
                              fileURL:(NSURL *)fileURL
                           sealingKey:(NSData *)sealingKey
                                 host:(GRLHost *)host
                                error:(NSError **)error
{
    // Before the host is given away: what is of the wrong class raises.
    grl_str json = GRLLendData(configuration.JSONData), path = GRLLend(fileURL.path), key = GRLLendData(sealingKey);
    if ((self = [super init])) {
        _handle = GRLOpen(host, error, ^(const grl_host *given, grl_engine **engine, grl_error **why) {
            return grl_engine_open(json, path, key, given, engine, why);
        });
        if (_handle == nil) {
            GRL_RELEASE(self);
            return nil;
        }
    }
    return self;
}

- (void)dealloc
{
    [_handle close];
    GRL_RELEASE(_handle);
    GRL_SUPER_DEALLOC();
}

- (void)close
{
    [_handle close];
}

- (BOOL)isClosed
{
    return _handle.closed;
}

// ---- Registry ----

- (BOOL)putAPI:(GRLAPI *)API error:(NSError **)error
{
    return GRLCall(_handle, error, ^(void *engine, grl_error **why) {
        return grl_engine_put_api(engine, GRLLendData(API.JSONData), why);
    });
}

- (BOOL)putClient:(GRLClient *)client error:(NSError **)error
{
    return GRLCall(_handle, error, ^(void *engine, grl_error **why) {
        return grl_engine_put_client(engine, GRLLendData(client.JSONData), why);
    });
}

- (BOOL)removeAPIWithIdentifier:(NSString *)identifier error:(NSError **)error
{
    return GRLCall(_handle, error, ^(void *engine, grl_error **why) {
        return grl_engine_remove_api(engine, GRLLend(identifier), why);
    });
}

- (NSNumber *)removeClientWithID:(NSString *)clientID error:(NSError **)error
{
    return GRLCallForCount(_handle, error, ^(void *engine, size_t *count, grl_error **why) {
        return grl_engine_remove_client(engine, GRLLend(clientID), count, why);
    });
}

// ---- Authorization ----

- (GRLAuthorization *)authorizeWithQuery:(NSString *)query error:(NSError **)error
{
    __block grl_authorization *authorization = NULL;
    BOOL valid = GRLCall(_handle, error, ^(void *engine, grl_error **why) {
        return grl_engine_authorize(engine, GRLLend(query), &authorization, why);
    });
    return valid ? GRL_AUTORELEASE([[GRLAuthorization alloc] initWithAuthorization:authorization]) : nil;
}

// ---- Tokens ----

- (GRLTokenResponse *)tokenWithForm:(NSString *)form authorization:(NSString *)authorization error:(NSError **)error
{
    return [GRLTokenResponse
        objectWithData:GRLCallForData(_handle, error, ^(void *engine, grl_buf *json, grl_error **why) {
            return grl_engine_token(engine, GRLLend(form), GRLLendOptional(authorization), json, why);
        })];
}

- (GRLTokenResponse *)tokenWithForm:(NSString *)form error:(NSError **)error
{
    return [self tokenWithForm:form authorization:nil error:error];
}

- (void)tokenWithForm:(NSString *)form
        authorization:(NSString *)authorization
    completionHandler:(void (^)(GRLTokenResponse *, NSError *))handler
{
    NSString *body = GRL_AUTORELEASE([form copy]), *header = GRL_AUTORELEASE([authorization copy]);
    GRLRunInBackground(@[ self, body ?: (id)[NSNull null], header ?: (id)[NSNull null] ], handler, ^{
        NSError *error = nil;
        GRLTokenResponse *response = [self tokenWithForm:body authorization:header error:&error];
        handler(response, error);
    });
}

- (GRLAccessTokenClaims *)verifyAccessToken:(NSString *)accessToken
                                   audience:(NSString *)audience
                                     scopes:(NSArray<NSString *> *)scopes
                                      error:(NSError **)error
{
    for (NSString *scope in scopes) {
        GRLForbidEmpty(scope);
    }
    return [GRLAccessTokenClaims
        objectWithData:GRLCallForData(_handle, error, ^(void *engine, grl_buf *json, grl_error **why) {
            return grl_engine_verify(engine, GRLLend(accessToken), GRLLend(audience), GRLLendList(scopes), json, why);
        })];
}

- (BOOL)revokeWithForm:(NSString *)form authorization:(NSString *)authorization error:(NSError **)error
{
    return GRLCall(_handle, error, ^(void *engine, grl_error **why) {
        return grl_engine_revoke(engine, GRLLend(form), GRLLendOptional(authorization), why);
    });
}

- (GRLIntrospection *)introspectWithForm:(NSString *)form
                           authorization:(NSString *)authorization
                                   error:(NSError **)error
{
    return [GRLIntrospection
        objectWithData:GRLCallForData(_handle, error, ^(void *engine, grl_buf *json, grl_error **why) {
            return grl_engine_introspect(engine, GRLLend(form), GRLLendOptional(authorization), json, why);
        })];
}

- (GRLJSONObject *)userInfoWithAccessToken:(NSString *)accessToken error:(NSError **)error
{
    return [GRLJSONObject
        objectWithData:GRLCallForData(_handle, error, ^(void *engine, grl_buf *json, grl_error **why) {
            return grl_engine_userinfo(engine, GRLLend(accessToken), json, why);
        })];
}

// ---- Documents ----

- (GRLJSONObject *)metadataWithError:(NSError **)error
{
    return [GRLJSONObject
        objectWithData:GRLCallForData(_handle, error, ^(void *engine, grl_buf *json, grl_error **why) {
            return grl_engine_metadata(engine, json, why);
        })];
}

- (GRLJSONObject *)JWKSWithError:(NSError **)error
{
    return [GRLJSONObject
        objectWithData:GRLCallForData(_handle, error, ^(void *engine, grl_buf *json, grl_error **why) {
            return grl_engine_jwks(engine, json, why);
        })];
}

// ---- Grants ----

- (NSData *)grantsDataOfClient:(NSString *)clientID subject:(NSString *)subject error:(NSError **)error
{
    GRLForbidEmpty(clientID);
    GRLForbidEmpty(subject);
    return GRLCallForData(_handle, error, ^(void *engine, grl_buf *json, grl_error **why) {
        return grl_engine_grants(engine, GRLLendOptional(clientID), GRLLendOptional(subject), json, why);
    });
}

- (NSArray<GRLGrant *> *)grantsOfClient:(NSString *)clientID subject:(NSString *)subject error:(NSError **)error
{
    NSData *json = [self grantsDataOfClient:clientID subject:subject error:error];
    if (json == nil) {
        return nil;
    }
    NSMutableArray<GRLGrant *> *grants = [NSMutableArray array];
    for (NSDictionary *grant in [NSJSONSerialization JSONObjectWithData:json options:0 error:NULL]) {
        [grants addObject:(GRLGrant * _Nonnull)[GRLGrant objectWithData:GRLMakeJSON(grant)]];
    }
    return grants;
}

- (GRLGrant *)grantWithID:(NSString *)grantID error:(NSError **)error
{
    return [GRLGrant objectWithData:GRLCallForData(_handle, error, ^(void *engine, grl_buf *json, grl_error **why) {
                         return grl_engine_grant(engine, GRLLend(grantID), json, why);
                     })];
}

- (NSNumber *)revokeGrantWithID:(NSString *)grantID error:(NSError **)error
{
    return GRLCallForCount(_handle, error, ^(void *engine, size_t *count, grl_error **why) {
        return grl_engine_revoke_grant(engine, GRLLend(grantID), count, why);
    });
}

- (NSNumber *)revokeGrantsOfClient:(NSString *)clientID subject:(NSString *)subject error:(NSError **)error
{
    GRLForbidEmpty(clientID);
    GRLForbidEmpty(subject);
    return GRLCallForCount(_handle, error, ^(void *engine, size_t *count, grl_error **why) {
        return grl_engine_revoke_grants(engine, GRLLendOptional(clientID), GRLLendOptional(subject), count, why);
    });
}

// ---- Upkeep ----

- (BOOL)rotateKeysWithError:(NSError **)error
{
    return GRLCall(_handle, error, ^(void *engine, grl_error **why) {
        return grl_engine_rotate_keys(engine, why);
    });
}

- (BOOL)resealWithKey:(NSData *)sealingKey error:(NSError **)error
{
    return GRLCall(_handle, error, ^(void *engine, grl_error **why) {
        return grl_engine_reseal(engine, GRLLendData(sealingKey), why);
    });
}

- (BOOL)backupToURL:(NSURL *)fileURL error:(NSError **)error
{
    return GRLCall(_handle, error, ^(void *engine, grl_error **why) {
        return grl_engine_backup(engine, GRLLend(fileURL.path), why);
    });
}

- (NSNumber *)sweepWithLimit:(NSUInteger)limit error:(NSError **)error
{
    return GRLCallForCount(_handle, error, ^(void *engine, size_t *count, grl_error **why) {
        return grl_engine_sweep(engine, limit, count, why);
    });
}

// ---- HTTP ----

- (GRLHTTPOutcome *)handleRequest:(GRLHTTPRequest *)request error:(NSError **)error
{
    __block grl_http_response *response = NULL;
    __block grl_authorization *authorization = NULL;
    NSError *failure = nil;
    BOOL handled = GRLCallNotingFailure(_handle, &failure, error, ^(void *engine, grl_error **why) {
        return grl_engine_handle(engine, [request lend], &response, &authorization, why);
    });
    if (!handled) {
        return nil;
    }
    GRLHTTPResponse *answer =
        response ? GRL_AUTORELEASE([[GRLHTTPResponse alloc] initWithResponse:response]) : nil;
    GRLAuthorization *waiting =
        authorization ? GRL_AUTORELEASE([[GRLAuthorization alloc] initWithAuthorization:authorization]) : nil;
    return GRL_AUTORELEASE([[GRLHTTPOutcome alloc] initWithResponse:answer
                                                      authorization:waiting
                                                    underlyingError:failure]);
}

- (void)handleRequest:(GRLHTTPRequest *)request completionHandler:(void (^)(GRLHTTPOutcome *, NSError *))handler
{
    GRLHTTPRequest *copy = GRL_AUTORELEASE([request copy]);
    GRLRunInBackground(@[ self, copy ?: (id)[NSNull null] ], handler, ^{
        NSError *error = nil;
        GRLHTTPOutcome *outcome = [self handleRequest:copy error:&error];
        handler(outcome, error);
    });
}

@end
