#import "GRLError.h"
#import "GRLHTTP.h"
#import "GRLInternal.h"

NSErrorDomain const GRLErrorDomain = @"GRLErrorDomain";
NSString *const GRLErrorOAuthCodeKey = @"GRLErrorOAuthCode";
NSString *const GRLErrorDetailKey = @"GRLErrorDetail";
NSString *const GRLErrorHTTPStatusKey = @"GRLErrorHTTPStatus";
NSString *const GRLErrorResponseBodyKey = @"GRLErrorResponseBody";
NSString *const GRLErrorRedirectKey = @"GRLErrorRedirect";
NSErrorDomain const GRLExceptionErrorDomain = @"GRLExceptionErrorDomain";
NSString *const GRLErrorExceptionKey = @"GRLErrorException";

static void GRLFreeError(void *error)
{
    grl_error_free(error);
}

NSError *GRLMakeError(grl_error *why, grl_status status, BOOL closed, NSError *underlying)
{
    NSMutableDictionary *info = [NSMutableDictionary dictionary];
    NSString *description = closed ? @"this was closed" : GRLString(grl_error_description(why));
    [info setObject:description forKey:NSLocalizedDescriptionKey];
    [info setObject:GRLString(grl_error_oauth_code(why)) forKey:GRLErrorOAuthCodeKey];
    grl_str detail = grl_error_detail(why);
    if (detail.len != 0) {
        [info setObject:GRLString(detail) forKey:GRLErrorDetailKey];
    }
    [info setObject:@(grl_error_http_status(why)) forKey:GRLErrorHTTPStatusKey];
    grl_str body = grl_error_response(why);
    [info setObject:[NSData dataWithBytes:body.ptr length:body.len] forKey:GRLErrorResponseBodyKey];
    if (underlying != nil) {
        [info setObject:underlying forKey:NSUnderlyingErrorKey];
    }
    const grl_http_response *redirect = grl_error_redirect(why);
    if (redirect != NULL) {
        // The redirect is the error's, which lives as long.
        GRLHandle *owner = [[GRLHandle alloc] initWithObject:(void *_Nonnull)why free:GRLFreeError];
        GRLHTTPResponse *response = [[GRLHTTPResponse alloc] initWithResponse:redirect owner:owner];
        [info setObject:response forKey:GRLErrorRedirectKey];
        GRL_RELEASE(response);
        GRL_RELEASE(owner);
    } else {
        grl_error_free(why);
    }
    return [NSError errorWithDomain:GRLErrorDomain code:status userInfo:info];
}

NSError *GRLMakeExceptionError(NSException *exception)
{
    NSMutableDictionary *info = [NSMutableDictionary dictionary];
    NSString *description =
        exception ? [NSString stringWithFormat:@"%@: %@", exception.name, exception.reason] : @"something else than an NSException";
    [info setObject:description forKey:NSLocalizedDescriptionKey];
    if (exception != nil) {
        [info setObject:exception forKey:GRLErrorExceptionKey];
    }
    return [NSError errorWithDomain:GRLExceptionErrorDomain code:0 userInfo:info];
}

@implementation NSError (Grantlet)

- (BOOL)grl_isOurs
{
    return [self.domain isEqualToString:GRLErrorDomain];
}

- (GRLError)grl_errorClass
{
    return (GRLError)([self grl_isOurs] ? grl_status_class((int32_t)self.code) : 0);
}

- (NSString *)grl_OAuthCode
{
    return [self.userInfo objectForKey:GRLErrorOAuthCodeKey];
}

- (NSString *)grl_detail
{
    return [self.userInfo objectForKey:GRLErrorDetailKey];
}

- (NSInteger)grl_HTTPStatus
{
    return [[self.userInfo objectForKey:GRLErrorHTTPStatusKey] integerValue];
}

- (NSData *)grl_responseBody
{
    return [self.userInfo objectForKey:GRLErrorResponseBodyKey];
}

- (GRLHTTPResponse *)grl_redirect
{
    return [self.userInfo objectForKey:GRLErrorRedirectKey];
}

@end
