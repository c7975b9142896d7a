#import <Grantlet/Grantlet.h>

/// A small HTTP server on the loopback, enough to show where the engine goes: a server of yours does the same with each
/// request. One connection at a time, one request a connection.
@interface Loopback : NSObject {
@private
    int _socket;
    uint16_t _port;
    NSThread *_thread;
    GRLHTTPResponse *_Nullable (^_answer)(GRLHTTPRequest *_Nonnull request);
}
/// The port, of the system's choice.
@property (nonatomic, readonly) uint16_t port;
/// Listens; nil if it cannot.
- (nullable instancetype)init;
/// Begins to serve. `answer` gives the response to a request, on the server's thread; nil is answered with 404.
- (void)serve:(GRLHTTPResponse *_Nullable (^_Nonnull)(GRLHTTPRequest *_Nonnull request))answer;
/// Ends to serve.
- (void)stop;
@end
