#import "GRLHTTP.h"
#import "GRLInternal.h"

@implementation GRLHTTPRequest

@synthesize method = _method, target = _target, body = _body;

+ (NSUInteger)maximumBodyLength
{
    return GRL_MAX_REQUEST_BYTES;
}

- (instancetype)initWithMethod:(NSString *)method target:(NSString *)target
{
    if ((self = [super init])) {
        _method = [method copy];
        _target = [target copy];
        _names = [[NSMutableArray alloc] init];
        _values = [[NSMutableArray alloc] init];
    }
    return self;
}

- (instancetype)initWithMethod:(NSString *)method
                        target:(NSString *)target
                       headers:(NSDictionary<NSString *, NSString *> *)headers
                          body:(NSData *)body
{
    if ((self = [self initWithMethod:method target:target])) {
        for (NSString *name in headers) {
            NSString *value = [headers objectForKey:name];
            [self addValue:value forHTTPHeaderField:name];
        }
        _body = [body copy];
    }
    return self;
}

- (instancetype)initWithURLRequest:(NSURLRequest *)request
{
    // Not -path and -query, which decode.
    NSURL *url = request.URL.absoluteURL;
    NSString *text = url.absoluteString ?: @"";
    NSRange authority = [text rangeOfString:@"://"];
    NSUInteger from = authority.location == NSNotFound ? 0 : NSMaxRange(authority);
    NSRange path = [text rangeOfString:@"/" options:0 range:NSMakeRange(from, text.length - from)];
    NSString *target = path.location == NSNotFound ? @"/" : [text substringFromIndex:path.location];
    target = [[target componentsSeparatedByString:@"#"] objectAtIndex:0];
    return [self initWithMethod:request.HTTPMethod ?: @"GET"
                         target:target
                        headers:request.allHTTPHeaderFields
                           body:request.HTTPBody];
}

- (void)dealloc
{
    GRL_RELEASE(_method);
    GRL_RELEASE(_target);
    GRL_RELEASE(_names);
    GRL_RELEASE(_values);
    GRL_RELEASE(_body);
    GRL_SUPER_DEALLOC();
}

- (id)copyWithZone:(NSZone *)zone
{
    GRLHTTPRequest *copy = [[[self class] allocWithZone:zone] initWithMethod:_method target:_target];
    [copy->_names setArray:_names];
    [copy->_values setArray:_values];
    copy.body = _body;
    return copy;
}

- (void)addValue:(NSString *)value forHTTPHeaderField:(NSString *)field
{
    if (value == nil || field == nil) {
        [NSException raise:NSInvalidArgumentException format:@"grantlet: a header needs a name and a value"];
    }
    NSString *name = [field copy], *text = [value copy];
    [_names addObject:name];
    [_values addObject:text];
    GRL_RELEASE(name);
    GRL_RELEASE(text);
}

- (const grl_http_request *)lend
{
    NSUInteger count = _names.count;
    NSMutableData *room =
        [NSMutableData dataWithLength:sizeof(grl_http_request) + count * sizeof(grl_http_header)];
    grl_http_request *request = [room grl_mutableBytes];
    grl_http_header *headers = (grl_http_header *)(request + 1);
    for (NSUInteger i = 0; i < count; i++) {
        headers[i].name = GRLLend([_names objectAtIndex:i]);
        headers[i].value = GRLLend([_values objectAtIndex:i]);
    }
    request->size = sizeof(grl_http_request);
    request->method = GRLLend(_method);
    request->target = GRLLend(_target);
    request->headers = headers;
    request->header_count = count;
    if (_body != nil) {
        request->body = GRLLendData(_body);
    }
    return request;
}

@end

@implementation GRLHTTPResponse

- (instancetype)initWithResponse:(const grl_http_response *)response owner:(GRLHandle *)owner
{
    if ((self = [super init])) {
        GRL_RETAIN(owner);
        _owner = owner;
        _response = response;
    }
    return self;
}

static void GRLFreeResponse(void *response)
{
    grl_http_response_free(response);
}

- (instancetype)initWithResponse:(grl_http_response *)response
{
    GRLHandle *owner = [[GRLHandle alloc] initWithObject:response free:GRLFreeResponse];
    self = [self initWithResponse:response owner:owner];
    GRL_RELEASE(owner);
    return self;
}

- (void)dealloc
{
    GRL_RELEASE(_owner);
    GRL_SUPER_DEALLOC();
}

- (NSInteger)statusCode
{
    return grl_http_response_status(_response);
}

- (NSString *)valueForHTTPHeaderField:(NSString *)field
{
    grl_str value = grl_http_response_header(_response, GRLLendOptional(field));
    return value.len ? GRLString(value) : nil;
}

- (NSString *)location
{
    return [self valueForHTTPHeaderField:@"Location"];
}

- (NSData *)body
{
    grl_str body = grl_http_response_body(_response);
    return [NSData dataWithBytes:body.ptr length:body.len];
}

- (void)enumerateHeadersUsingBlock:(NS_NOESCAPE void (^)(NSString *name, NSString *value))block
{
    if (block == NULL) {
        [NSException raise:NSInvalidArgumentException format:@"grantlet: there is no block to give the headers to"];
    }
    size_t count = grl_http_response_header_count(_response);
    for (size_t i = 0; i < count; i++) {
        block(GRLString(grl_http_response_header_name(_response, i)),
              GRLString(grl_http_response_header_value(_response, i)));
    }
}

- (NSDictionary<NSString *, NSString *> *)allHeaderFields
{
    NSMutableDictionary *fields = [NSMutableDictionary dictionary];
    [self enumerateHeadersUsingBlock:^(NSString *name, NSString *value) {
        NSString *earlier = [fields objectForKey:name];
        [fields setObject:earlier ? [NSString stringWithFormat:@"%@, %@", earlier, value] : value forKey:name];
    }];
    return fields;
}

- (NSString *)description
{
    // Not the rest: codes are in Location, tokens in the body.
    return [NSString stringWithFormat:@"<%@: %p, %ld>", [self class], (void *)self, (long)self.statusCode];
}

@end

@implementation GRLHTTPOutcome

@synthesize response = _response, authorization = _authorization, underlyingError = _underlyingError;

- (instancetype)initWithResponse:(GRLHTTPResponse *)response
                   authorization:(GRLAuthorization *)authorization
                 underlyingError:(NSError *)underlyingError
{
    if ((self = [super init])) {
        GRL_RETAIN(response);
        _response = response;
        GRL_RETAIN(authorization);
        _authorization = authorization;
        GRL_RETAIN(underlyingError);
        _underlyingError = underlyingError;
    }
    return self;
}

- (void)dealloc
{
    GRL_RELEASE(_response);
    GRL_RELEASE(_authorization);
    GRL_RELEASE(_underlyingError);
    GRL_SUPER_DEALLOC();
}

@end
