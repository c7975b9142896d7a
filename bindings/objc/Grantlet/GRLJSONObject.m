#import "GRLInternal.h"

@implementation GRLJSONObject

@synthesize JSONData = _JSONData;

- (instancetype)initWithData:(NSData *)data
{
    if ((self = [super init])) {
        _JSONData = [data copy];
    }
    return self;
}

+ (instancetype)objectWithData:(NSData *)data
{
    return data ? GRL_AUTORELEASE([[self alloc] initWithData:data]) : nil;
}

- (void)dealloc
{
    GRL_RELEASE(_JSONData);
    GRL_SUPER_DEALLOC();
}

- (id)copyWithZone:(NSZone *)zone
{
    (void)zone;
    GRL_RETAIN(self); // Nothing changes it.
    return self;
}

- (NSString *)JSONString
{
    return GRLString(GRLLendData(_JSONData));
}

- (NSDictionary<NSString *, id> *)dictionary
{
    return [NSJSONSerialization JSONObjectWithData:_JSONData options:0 error:NULL] ?: @{};
}

- (id)objectForKeyedSubscript:(NSString *)name
{
    id value = [self.dictionary objectForKey:name];
    return value == [NSNull null] ? nil : value;
}

- (NSString *)stringForMember:(NSString *)name
{
    grl_buf value;
    if (grl_json_member(GRLLendData(_JSONData), GRLLendOptional(name), &value, NULL) != GRL_OK) {
        return nil;
    }
    NSString *text = GRLString(grl_buf_str(&value));
    grl_buf_free(&value);
    return text;
}

- (NSString *)description
{
    NSArray *names = [self.dictionary.allKeys sortedArrayUsingSelector:@selector(compare:)];
    return [NSString stringWithFormat:@"<%@: %p, %@>", [self class], (void *)self, [names componentsJoinedByString:@" "]];
}

@end
