#import "GRLDefines.h"

NS_ASSUME_NONNULL_BEGIN

/// A JSON object with typed access to its usual members, and by name to all of them: what the README's "Configuration"
/// lists, and what a later version of the library may add. The engine refuses what it does not know, by name.
///
/// Threads: one at a time; the engine copies what it is given. `description` tells the members' names only.
NS_SWIFT_NAME(Metadata)
@interface GRLMetadata : NSObject <NSCopying> {
@private
    NSData *_text;
    NSMutableDictionary<NSString *, id> *_members;
}
/// The JSON text that the engine is given.
@property (nonatomic, readonly) NSData *JSONData NS_SWIFT_NAME(jsonData);
/// Takes JSON text; as long as nothing is set, the engine is given just that.
- (instancetype)initWithJSONData:(NSData *)data NS_DESIGNATED_INITIALIZER NS_SWIFT_NAME(init(json:));
- (instancetype)init GRL_UNAVAILABLE;
+ (instancetype)new GRL_UNAVAILABLE;
/// A member, as NSJSONSerialization reads it.
- (nullable id)objectForKeyedSubscript:(NSString *)name;
/// Sets a member to what NSJSONSerialization can write; nil removes it.
- (void)setObject:(nullable id)value forKeyedSubscript:(NSString *)name;
@end

/// An API that tokens are issued for, a resource server.
NS_SWIFT_NAME(API)
@interface GRLAPI : GRLMetadata
/// Its `audience`, such as `https://api.example.com/`.
@property (nonatomic, readonly, copy) NSString *identifier;
/// What a client may ask for, such as `read:notes`. (With descriptions for your consent page: set `api[@"scopes"]` to
/// `@[@{@"value": @"read:notes", @"description": @"Read your notes"}]`.)
@property (nonatomic, copy) NSArray<NSString *> *scopes;
/// Whether clients may get refresh tokens for it.
@property (nonatomic) BOOL allowsOfflineAccess;
/// The lifetime of its access tokens, in seconds; 0 is the configuration's.
@property (nonatomic) NSTimeInterval tokenLifetime;
/// An API without scopes yet.
+ (instancetype)APIWithIdentifier:(NSString *)identifier NS_SWIFT_NAME(init(identifier:));
/// An API with scopes.
+ (instancetype)APIWithIdentifier:(NSString *)identifier
                           scopes:(NSArray<NSString *> *)scopes
              allowsOfflineAccess:(BOOL)allowsOfflineAccess NS_SWIFT_NAME(init(identifier:scopes:allowsOfflineAccess:));
@end

/// A client, by RFC 7591's names.
NS_SWIFT_NAME(Client)
@interface GRLClient : GRLMetadata
/// Its `client_id`.
@property (nonatomic, readonly, copy) NSString *clientID;
/// What users are shown.
@property (nonatomic, copy, nullable) NSString *name;
/// Where the user's browser may be sent back to.
@property (nonatomic, copy) NSArray<NSString *> *redirectURIs;
/// `authorization_code`, `refresh_token`, `client_credentials`.
@property (nonatomic, copy) NSArray<NSString *> *grantTypes;
/// A client that can keep no secret: an app.
+ (instancetype)publicClientWithID:(NSString *)clientID
                      redirectURIs:(NSArray<NSString *> *)redirectURIs NS_SWIFT_NAME(init(publicID:redirectURIs:));
/// A client with a secret, as a machine makes one: 128 random bits or more. The engine keeps a salted hash of it.
+ (instancetype)confidentialClientWithID:(NSString *)clientID
                                  secret:(NSString *)secret
                            redirectURIs:(NSArray<NSString *> *)redirectURIs
    NS_SWIFT_NAME(init(confidentialID:secret:redirectURIs:));
@end

/// What an engine is opened with.
NS_SWIFT_NAME(Configuration)
@interface GRLConfiguration : GRLMetadata
/// The `iss` of all that is issued, such as `http://127.0.0.1:8080/`.
@property (nonatomic, readonly, copy) NSString *issuer;
/// The APIs.
@property (nonatomic, copy) NSArray<GRLAPI *> *APIs NS_SWIFT_NAME(apis);
/// The clients.
@property (nonatomic, copy) NSArray<GRLClient *> *clients;
/// A configuration without APIs and clients yet.
+ (instancetype)configurationWithIssuer:(NSString *)issuer NS_SWIFT_NAME(init(issuer:));
/// A configuration.
+ (instancetype)configurationWithIssuer:(NSString *)issuer
                                   APIs:(NSArray<GRLAPI *> *)APIs
                                clients:(NSArray<GRLClient *> *)clients NS_SWIFT_NAME(init(issuer:apis:clients:));
@end

NS_ASSUME_NONNULL_END
