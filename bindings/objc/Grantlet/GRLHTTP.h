#import "GRLDefines.h"

@class GRLAuthorization, GRLHandle;

NS_ASSUME_NONNULL_BEGIN

/// A request as your server has it. Nothing in it needs to be well-formed: whatever came over the wire may go in, and
/// gets the HTTP answer that it deserves.
///
/// Threads: one at a time.
NS_SWIFT_NAME(HTTPRequest)
@interface GRLHTTPRequest : NSObject <NSCopying> {
@private
    NSString *_method;
    NSString *_target;
    NSMutableArray *_names;
    NSMutableArray *_values;
    NSData *_body;
}
/// `GET`, `POST`, …
@property (nonatomic, readonly, copy) NSString *method;
/// The path and, behind a `?`, the query, as they stand in the request line: still percent-encoded.
@property (nonatomic, readonly, copy) NSString *target;
/// The body, or nil. More than `maximumBodyLength` bytes are not worth reading: they are answered with 413.
@property (nonatomic, copy, nullable) NSData *body;

/// The most bytes of a body that are worth reading.
@property (class, nonatomic, readonly) NSUInteger maximumBodyLength;

/// A request without headers and body yet.
- (instancetype)initWithMethod:(NSString *)method target:(NSString *)target NS_DESIGNATED_INITIALIZER;
/// A request with the headers as most HTTP servers give them.
- (instancetype)initWithMethod:(NSString *)method
                        target:(NSString *)target
                       headers:(nullable NSDictionary<NSString *, NSString *> *)headers
                          body:(nullable NSData *)body;
/// Foundation's own request; of its body, `HTTPBody` counts.
- (instancetype)initWithURLRequest:(NSURLRequest *)request;
- (instancetype)init GRL_UNAVAILABLE;
+ (instancetype)new GRL_UNAVAILABLE;

/// Adds a header; each line of the request is one, its name in any case.
- (void)addValue:(NSString *)value forHTTPHeaderField:(NSString *)field NS_SWIFT_NAME(add(_:forHTTPHeaderField:));
@end

/// A response for your server to send. `Content-Length` is for your server to add.
///
/// Threads: never changes; any number may read it. It outlives the engine, and is wiped with the last reference.
NS_SWIFT_NAME(HTTPResponse)
@interface GRLHTTPResponse : NSObject {
@private
    GRLHandle *_owner;
    const void *_response;
}
/// Such as 200.
@property (nonatomic, readonly) NSInteger statusCode;
/// The headers; those of one name are joined by commas.
@property (nonatomic, readonly) NSDictionary<NSString *, NSString *> *allHeaderFields;
/// The body; empty if there is none.
@property (nonatomic, readonly) NSData *body;
/// Where a redirect leads, as it is to be opened or sent; nil of anything else.
@property (nonatomic, readonly, nullable) NSString *location;

- (instancetype)init GRL_UNAVAILABLE;
+ (instancetype)new GRL_UNAVAILABLE;
/// The value of a header, its name in any case; nil if there is none.
- (nullable NSString *)valueForHTTPHeaderField:(NSString *)field;
/// Gives each header, in order.
- (void)enumerateHeadersUsingBlock:(void(NS_NOESCAPE ^)(NSString *name, NSString *value))block;
@end

/// What came of a request: a response, or an authorization that waits for the user. One of them is nil.
NS_SWIFT_NAME(HTTPOutcome)
@interface GRLHTTPOutcome : NSObject {
@private
    GRLHTTPResponse *_response;
    GRLAuthorization *_authorization;
    NSError *_underlyingError;
}
/// To be sent.
@property (nonatomic, readonly, nullable) GRLHTTPResponse *response;
/// A valid authorization request: sign the user in, then send what -approveLogin:error: or -denyWithReason:error: gives.
@property (nonatomic, readonly, nullable) GRLAuthorization *authorization;
/// What a block of yours failed with meanwhile, for your log; the response tells the client no more than
/// `server_error` or `temporarily_unavailable`.
@property (nonatomic, readonly, nullable) NSError *underlyingError;
- (instancetype)init GRL_UNAVAILABLE;
+ (instancetype)new GRL_UNAVAILABLE;
@end

NS_ASSUME_NONNULL_END
