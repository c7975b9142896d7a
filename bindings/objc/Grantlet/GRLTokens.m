#import "GRLInternal.h"

static NSArray<NSString *> *GRLWords(NSString *list)
{
    return list.length ? [list componentsSeparatedByString:@" "] : @[];
}

static NSDate *GRLDate(NSString *seconds)
{
    return [NSDate dateWithTimeIntervalSince1970:seconds.doubleValue];
}

@implementation GRLTokenResponse

- (NSString *)accessToken
{
    return [self stringForMember:@"access_token"] ?: @"";
}

- (NSString *)tokenType
{
    return [self stringForMember:@"token_type"] ?: @"";
}

- (NSTimeInterval)expiresIn
{
    return [self stringForMember:@"expires_in"].doubleValue;
}

- (NSString *)refreshToken
{
    return [self stringForMember:@"refresh_token"];
}

- (NSString *)IDToken
{
    return [self stringForMember:@"id_token"];
}

- (NSArray<NSString *> *)scopes
{
    NSString *scope = [self stringForMember:@"scope"];
    return scope ? GRLWords(scope) : nil;
}

@end

@implementation GRLAccessTokenClaims

- (NSString *)subject
{
    return [self stringForMember:@"sub"] ?: @"";
}

- (NSString *)clientID
{
    return [self stringForMember:@"client_id"] ?: [self stringForMember:@"azp"] ?: @"";
}

- (NSString *)issuer
{
    return [self stringForMember:@"iss"] ?: @"";
}

- (NSArray<NSString *> *)audience
{
    id audience = [self objectForKeyedSubscript:@"aud"];
    return [audience isKindOfClass:[NSArray class]] ? audience : audience ? @[ audience ] : @[];
}

- (NSArray<NSString *> *)scopes
{
    return GRLWords([self stringForMember:@"scope"]);
}

- (NSDate *)issuedAt
{
    return GRLDate([self stringForMember:@"iat"]);
}

- (NSDate *)expirationDate
{
    return GRLDate([self stringForMember:@"exp"]);
}

- (NSString *)tokenID
{
    return [self stringForMember:@"jti"];
}

@end

@implementation GRLIntrospection

- (BOOL)isActive
{
    return [[self stringForMember:@"active"] isEqualToString:@"true"];
}

@end

@implementation GRLGrant

- (NSString *)grantID
{
    return [self stringForMember:@"grant_id"] ?: @"";
}

- (NSString *)clientID
{
    return [self stringForMember:@"client_id"] ?: @"";
}

- (NSString *)subject
{
    return [self stringForMember:@"subject"] ?: @"";
}

- (NSArray<NSString *> *)scopes
{
    return GRLWords([self stringForMember:@"scope"]);
}

- (NSString *)state
{
    return [self stringForMember:@"state"] ?: @"";
}

- (NSDate *)approvedAt
{
    return GRLDate([self stringForMember:@"approved_at"]);
}

- (NSDate *)expirationDate
{
    NSString *seconds = [self stringForMember:@"expires_at"];
    return seconds ? GRLDate(seconds) : nil;
}

@end
