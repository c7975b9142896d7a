// A runner of plain functions, as there is no XCTest with GNUstep, and the client on the other side of HTTP.
#import <Grantlet/Grantlet.h>

#define TEST(name)                                                                                 \
    static void name(void);                                                                        \
    __attribute__((constructor)) static void register_##name(void)                                 \
    {                                                                                              \
        register_test(#name, name);                                                                \
    }                                                                                              \
    static void name(void)

// Ends the program where the condition does not hold.
#define CHECK(...) ((__VA_ARGS__) ? (void)0 : check_failed(__FILE__, __LINE__, @ #__VA_ARGS__))
// The same of two objects that are to be equal, or both nil.
#define CHECK_EQUAL(left, right) check_equal(__FILE__, __LINE__, @ #left, (left), (right))
// The call fails, and `error` becomes an NSError of ours with this code.
#define CHECK_FAILS(expected, ...)                                                                 \
    do {                                                                                           \
        error = nil;                                                                               \
        CHECK(!(__VA_ARGS__));                                                                     \
        check_code(__FILE__, __LINE__, error, (expected));                                         \
    } while (0)

// Rounds of this block leave no memory in use. (No object is as small as 16 bytes. Needs a malloc without caches of its
// own: GLIBC_TUNABLES=glibc.malloc.tcache_count=0. Says nothing under a sanitizer.)
#define CHECK_BALANCED(...)                                                                        \
    do {                                                                                           \
        long left = left_behind(__VA_ARGS__);                                                      \
        if (left >= 16) {                                                                          \
            check_failed(__FILE__, __LINE__,                                                       \
                         [NSString stringWithFormat:@"a round leaves %ld bytes: %@", left, @ #__VA_ARGS__]); \
        }                                                                                          \
    } while (0)

long left_behind(void (^round)(void));
void register_test(const char *name, void (*test)(void));
void check_failed(const char *file, int line, NSString *what) __attribute__((noreturn));
void check_equal(const char *file, int line, NSString *what, id left, id right);
void check_code(const char *file, int line, NSError *error, NSInteger code);

#define YES_NUMBER [NSNumber numberWithBool:YES]
#define AUDIENCE @"https://api.example.com/"

// An app that uses a grantlet server.
@interface DemoApp : NSObject
// What it sends to /authorize.
@property (nonatomic, readonly) NSString *query;
// What it posts to /oauth/token when the browser came back to it.
- (NSString *)formWithLocation:(NSString *)location;
// What it posts to have new tokens.
- (NSString *)formWithRefreshToken:(NSString *)token;
@end

GRLConfiguration *demo_configuration(void);
// An engine, autoreleased, which opened.
GRLEngine *open_engine(GRLHost *host);
// All of it: asks, approves as alice, gets tokens.
GRLTokenResponse *sign_in(GRLEngine *engine);
NSURL *fresh_file(void);
NSData *sealing_key(uint8_t byte);
// What the environment says, such as where the repository is.
NSString *setting(const char *name);
