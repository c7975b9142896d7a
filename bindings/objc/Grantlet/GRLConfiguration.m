#import "GRLInternal.h"

// Foundation would say which dictionary was given a nil; this says who gave it.
static id GRLNeeded(id value, NSString *name)
{
    if (value == nil) {
        [NSException raise:NSInvalidArgumentException format:@"grantlet: %@ is nil", name];
    }
    return value;
}

@implementation GRLMetadata

- (instancetype)initWithJSONData:(NSData *)data
{
    if ((self = [super init])) {
        _text = [data copy];
    }
    return self;
}

// Text that is no JSON object has no members; the engine says what is wrong with it.
- (NSMutableDictionary *)changeable
{
    if (_members == nil) {
        id members = _text ? [NSJSONSerialization JSONObjectWithData:_text options:0 error:NULL] : nil;
        _members = [[NSMutableDictionary alloc] init];
        if ([members isKindOfClass:[NSDictionary class]]) {
            [_members setDictionary:members];
        }
    }
    return _members;
}

- (void)dealloc
{
    GRL_RELEASE(_text);
    GRL_RELEASE(_members);
    GRL_SUPER_DEALLOC();
}

- (id)copyWithZone:(NSZone *)zone
{
    return [[[self class] allocWithZone:zone] initWithJSONData:self.JSONData];
}

- (NSDictionary *)members
{
    return [self changeable];
}

- (NSData *)JSONData
{
    return _text ?: GRLMakeJSON([self changeable]);
}

- (id)objectForKeyedSubscript:(NSString *)name
{
    return [[self changeable] objectForKey:name];
}

- (void)setObject:(id)value forKeyedSubscript:(NSString *)name
{
    NSMutableDictionary *members = [self changeable];
    if (value != nil) {
        // What JSON is made of can be copied; of anything else, JSONData tells.
        value = [value conformsToProtocol:@protocol(NSCopying)] ? GRL_AUTORELEASE([value copy]) : value;
        [members setObject:value forKey:GRLNeeded(name, @"the member's name")];
    } else {
        [members removeObjectForKey:name];
    }
    GRL_RELEASE(_text);
    _text = nil;
}

// A member, if it is of this class: in JSON text anything may stand.
- (id)member:(NSString *)name of:(Class)type
{
    id value = [self objectForKeyedSubscript:name];
    return [value isKindOfClass:type] ? value : nil;
}

- (NSString *)text:(NSString *)name
{
    return [self member:name of:[NSString class]];
}

- (NSNumber *)number:(NSString *)name
{
    return [self member:name of:[NSNumber class]];
}

- (NSArray *)list:(NSString *)name
{
    return [self member:name of:[NSArray class]] ?: @[];
}

- (NSArray *)list:(NSString *)name of:(Class)type
{
    NSMutableArray *objects = [NSMutableArray array];
    for (NSDictionary *members in [self list:name]) {
        if (![members isKindOfClass:[NSDictionary class]]) {
            continue;
        }
        GRLMetadata *object = [[type alloc] initWithJSONData:GRLMakeJSON(members)];
        [objects addObject:object];
        GRL_RELEASE(object);
    }
    return objects;
}

- (void)setList:(NSString *)name to:(NSArray<GRLMetadata *> *)objects
{
    NSMutableArray *list = [NSMutableArray array];
    for (GRLMetadata *object in objects) {
        [list addObject:GRL_AUTORELEASE([object.members copy])];
    }
    [self setObject:list forKeyedSubscript:name];
}

- (NSString *)description
{
    NSArray *names = [[self changeable].allKeys sortedArrayUsingSelector:@selector(compare:)];
    return [NSString stringWithFormat:@"<%@: %p, %@>", [self class], (void *)self, [names componentsJoinedByString:@" "]];
}

+ (instancetype)metadataWithMember:(NSString *)name of:(NSString *)value
{
    GRLMetadata *metadata = [[self alloc] initWithJSONData:[NSData data]];
    [metadata setObject:GRLNeeded(value, name) forKeyedSubscript:name];
    return GRL_AUTORELEASE(metadata);
}

@end

@implementation GRLAPI

+ (instancetype)APIWithIdentifier:(NSString *)identifier
{
    return [self metadataWithMember:@"identifier" of:identifier];
}

+ (instancetype)APIWithIdentifier:(NSString *)identifier
                           scopes:(NSArray<NSString *> *)scopes
              allowsOfflineAccess:(BOOL)allowsOfflineAccess
{
    GRLAPI *api = [self APIWithIdentifier:identifier];
    api.scopes = scopes;
    api.allowsOfflineAccess = allowsOfflineAccess;
    return api;
}

- (NSString *)identifier
{
    return [self text:@"identifier"] ?: @"";
}

- (NSArray<NSString *> *)scopes
{
    NSMutableArray *scopes = [NSMutableArray array];
    for (id scope in [self list:@"scopes"]) {
        id value = [scope isKindOfClass:[NSDictionary class]] ? [scope objectForKey:@"value"] : scope;
        if ([value isKindOfClass:[NSString class]]) {
            [scopes addObject:value];
        }
    }
    return scopes;
}

- (void)setScopes:(NSArray<NSString *> *)scopes
{
    [self setObject:scopes forKeyedSubscript:@"scopes"];
}

- (BOOL)allowsOfflineAccess
{
    return [self number:@"allow_offline_access"].boolValue;
}

- (void)setAllowsOfflineAccess:(BOOL)allows
{
    [self setObject:[NSNumber numberWithBool:allows] forKeyedSubscript:@"allow_offline_access"];
}

- (NSTimeInterval)tokenLifetime
{
    return [self number:@"token_lifetime"].doubleValue;
}

- (void)setTokenLifetime:(NSTimeInterval)seconds
{
    [self setObject:seconds > 0 ? @((long long)seconds) : nil forKeyedSubscript:@"token_lifetime"];
}

@end

@implementation GRLClient

+ (instancetype)publicClientWithID:(NSString *)clientID redirectURIs:(NSArray<NSString *> *)redirectURIs
{
    GRLClient *client = [self metadataWithMember:@"client_id" of:clientID];
    [client setObject:@"native" forKeyedSubscript:@"application_type"];
    [client setObject:@"none" forKeyedSubscript:@"token_endpoint_auth_method"];
    client.redirectURIs = redirectURIs;
    return client;
}

+ (instancetype)confidentialClientWithID:(NSString *)clientID
                                  secret:(NSString *)secret
                            redirectURIs:(NSArray<NSString *> *)redirectURIs
{
    GRLClient *client = [self metadataWithMember:@"client_id" of:clientID];
    [client setObject:GRLNeeded(secret, @"client_secret") forKeyedSubscript:@"client_secret"];
    client.redirectURIs = redirectURIs;
    return client;
}

- (NSString *)clientID
{
    return [self text:@"client_id"] ?: @"";
}

- (NSString *)name
{
    return [self text:@"client_name"];
}

- (void)setName:(NSString *)name
{
    [self setObject:name forKeyedSubscript:@"client_name"];
}

- (NSArray<NSString *> *)redirectURIs
{
    return [self list:@"redirect_uris"];
}

- (void)setRedirectURIs:(NSArray<NSString *> *)redirectURIs
{
    [self setObject:redirectURIs forKeyedSubscript:@"redirect_uris"];
}

- (NSArray<NSString *> *)grantTypes
{
    return [self list:@"grant_types"];
}

- (void)setGrantTypes:(NSArray<NSString *> *)grantTypes
{
    [self setObject:grantTypes forKeyedSubscript:@"grant_types"];
}

@end

@implementation GRLConfiguration

+ (instancetype)configurationWithIssuer:(NSString *)issuer
{
    return [self metadataWithMember:@"issuer" of:issuer];
}

+ (instancetype)configurationWithIssuer:(NSString *)issuer
                                   APIs:(NSArray<GRLAPI *> *)APIs
                                clients:(NSArray<GRLClient *> *)clients
{
    GRLConfiguration *configuration = [self configurationWithIssuer:issuer];
    configuration.APIs = APIs;
    configuration.clients = clients;
    return configuration;
}

- (NSString *)issuer
{
    return [self text:@"issuer"] ?: @"";
}

- (NSArray<GRLAPI *> *)APIs
{
    return [self list:@"apis" of:[GRLAPI class]];
}

- (void)setAPIs:(NSArray<GRLAPI *> *)APIs
{
    [self setList:@"apis" to:APIs];
}

- (NSArray<GRLClient *> *)clients
{
    return [self list:@"clients" of:[GRLClient class]];
}

- (void)setClients:(NSArray<GRLClient *> *)clients
{
    [self setList:@"clients" to:clients];
}

@end
