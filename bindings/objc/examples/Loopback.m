#import "Loopback.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#if !__has_feature(objc_arc)
#include <Block.h>
#endif

@implementation Loopback

@synthesize port = _port;

- (instancetype)init
{
    if ((self = [super init])) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
        socklen_t length = sizeof address;
        _socket = socket(AF_INET, SOCK_STREAM, 0);
        if (bind(_socket, (struct sockaddr *)&address, length) != 0 || listen(_socket, 16) != 0 ||
            getsockname(_socket, (struct sockaddr *)&address, &length) != 0) {
            return nil;
        }
        _port = ntohs(address.sin_port);
    }
    return self;
}

- (void)serve:(GRLHTTPResponse * (^)(GRLHTTPRequest *request))answer
{
#if __has_feature(objc_arc)
    _answer = [answer copy];
#else
    _answer = Block_copy(answer);
#endif
    _thread = [[NSThread alloc] initWithTarget:self selector:@selector(run) object:nil];
    [_thread start];
}

- (void)stop
{
    shutdown(_socket, SHUT_RDWR);
    close(_socket);
}

- (void)run
{
    for (int connection; (connection = accept(_socket, NULL, NULL)) >= 0; close(connection)) {
        @autoreleasepool {
            GRLHTTPRequest *request = [self readFrom:connection];
            if (request != nil) {
                [self write:_answer(request) to:connection];
            }
        }
    }
}

// Reads a request; nil if the other side gives up, or says more than is worth reading.
- (GRLHTTPRequest *)readFrom:(int)connection
{
    NSMutableData *head = [NSMutableData data];
    NSData *end = [NSData dataWithBytes:"\r\n\r\n" length:4];
    for (char byte; head.length < 16384;) {
        if (read(connection, &byte, 1) != 1) {
            return nil;
        }
        [head appendBytes:&byte length:1];
        if (head.length >= 4 && [[head subdataWithRange:NSMakeRange(head.length - 4, 4)] isEqual:end]) {
            break;
        }
    }
    NSString *text = [[NSString alloc] initWithData:head encoding:NSISOLatin1StringEncoding];
    NSArray<NSString *> *lines = [text componentsSeparatedByString:@"\r\n"];
    NSArray<NSString *> *words = [[lines objectAtIndex:0] componentsSeparatedByString:@" "];
    if (words.count != 3) {
        return nil;
    }
    GRLHTTPRequest *request = [[GRLHTTPRequest alloc] initWithMethod:[words objectAtIndex:0]
                                                              target:[words objectAtIndex:1]];
    NSInteger length = 0;
    for (NSString *line in [lines subarrayWithRange:NSMakeRange(1, lines.count - 1)]) {
        NSRange colon = [line rangeOfString:@":"];
        if (colon.length == 0) {
            continue;
        }
        NSString *name = [line substringToIndex:colon.location];
        NSString *value = [[line substringFromIndex:NSMaxRange(colon)]
            stringByTrimmingCharactersInSet:[NSCharacterSet whitespaceCharacterSet]];
        [request addValue:value forHTTPHeaderField:name];
        length = [name caseInsensitiveCompare:@"Content-Length"] == NSOrderedSame ? value.integerValue : length;
    }
    // One byte more than the engine takes lets it say so.
    NSUInteger most = GRLHTTPRequest.maximumBodyLength + 1;
    NSMutableData *body = [NSMutableData dataWithLength:MIN((NSUInteger)MAX(length, 0), most)];
    NSUInteger got = 0;
    for (ssize_t more; got < body.length; got += (NSUInteger)more) {
        more = read(connection, (char *)body.mutableBytes + got, body.length - got);
        if (more <= 0) {
            return nil;
        }
    }
    request.body = body;
    return request;
}

- (void)write:(GRLHTTPResponse *)response to:(int)connection
{
    NSData *body = response ? response.body : [NSData data];
    NSMutableString *head = [NSMutableString
        stringWithFormat:@"HTTP/1.1 %ld \r\n", response ? (long)response.statusCode : 404L];
    [response enumerateHeadersUsingBlock:^(NSString *name, NSString *value) {
        [head appendFormat:@"%@: %@\r\n", name, value];
    }];
    [head appendFormat:@"Content-Length: %lu\r\nConnection: close\r\n\r\n", (unsigned long)body.length];
    NSMutableData *all = [NSMutableData dataWithData:[head dataUsingEncoding:NSUTF8StringEncoding]];
    [all appendData:body];
    NSUInteger sent = 0;
    for (ssize_t more; sent < all.length; sent += (NSUInteger)more) {
        more = write(connection, (const char *)all.bytes + sent, all.length - sent);
        if (more <= 0) {
            return;
        }
    }
}

@end
