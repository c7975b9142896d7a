#import "GRLHost.h"
#import "GRLInternal.h"

// ---- Callbacks --------------------------------------------------------------------------------------

static void GRLReleaseHost(void *ctx)
{
    @autoreleasepool {
        (void)GRL_TAKE_FROM_C(GRLHost *, ctx);
    }
}

// 0 says that the time cannot be told.
static uint64_t GRLTellTime(void *ctx)
{
    __block uint64_t now = 0;
    (void)GRLGuard(^int32_t {
        NSTimeInterval seconds = floor(GRL_SEE_FROM_C(GRLHost *, ctx).clock().timeIntervalSince1970);
        now = seconds > 0 && seconds < 9e18 ? (uint64_t)seconds : 0;
        return GRL_OK;
    });
    return now;
}

static int32_t GRLFillRandom(void *ctx, uint8_t *bytes, size_t length)
{
    return GRLGuard(^int32_t {
        NSError *failure = nil;
        BOOL filled = GRL_SEE_FROM_C(GRLHost *, ctx).random(bytes, length, &failure);
        return filled ? GRL_OK : GRLFail(failure);
    });
}

static void GRLTakeEvent(void *ctx, grl_str event)
{
    @autoreleasepool {
        @try {
            NSData *json = [NSData dataWithBytes:event.ptr length:event.len];
            GRL_SEE_FROM_C(GRLHost *, ctx).event((GRLJSONObject * _Nonnull)[GRLJSONObject objectWithData:json]);
        } @catch (NSException *exception) {
            NSLog(@"grantlet: the event block threw %@: %@", exception.name, exception.reason);
        } @catch (...) {
            NSLog(@"grantlet: the event block threw");
        }
    }
}

static int32_t GRLTellUserClaims(void *ctx, grl_str subject, grl_str clientID, grl_str scope, grl_sink *claims)
{
    return GRLGuard(^int32_t {
        NSError *failure = nil;
        NSArray *scopes = scope.len ? [GRLString(scope) componentsSeparatedByString:@" "] : @[];
        NSDictionary *known =
            GRL_SEE_FROM_C(GRLHost *, ctx).userClaims(GRLString(subject), GRLString(clientID), scopes, &failure);
        if (known == nil) {
            return failure ? GRLFail(failure) : GRL_NOT_FOUND;
        }
        return grl_sink_write(claims, GRLLendData(GRLMakeJSON(known)));
    });
}

static int32_t GRLSign(void *ctx, grl_str input, grl_sink *signature)
{
    return GRLGuard(^int32_t {
        NSError *failure = nil;
        NSData *given = [NSData dataWithBytes:input.ptr length:input.len];
        NSData *made = GRL_SEE_FROM_C(GRLHost *, ctx).sign(given, &failure);
        return made ? grl_sink_write(signature, GRLLendData(made)) : GRLFail(failure);
    });
}

// ---- Host -------------------------------------------------------------------------------------------

@implementation GRLHost

@synthesize clock = _clock, random = _random, event = _event, userClaims = _userClaims, sign = _sign;
@synthesize signingKey = _signingKey, store = _store;

// By hand, as not every runtime has blocks that take -copy.
#define GRL_BLOCK_SETTER(type, setter, ivar)                                                       \
    -(void)setter : (type)block                                                                    \
    {                                                                                              \
        type copy = GRL_COPY_BLOCK(block);                                                         \
        GRL_RELEASE_BLOCK(ivar);                                                                   \
        ivar = copy;                                                                               \
    }

GRL_BLOCK_SETTER(GRLClockBlock, setClock, _clock)
GRL_BLOCK_SETTER(GRLRandomBlock, setRandom, _random)
GRL_BLOCK_SETTER(GRLEventBlock, setEvent, _event)
GRL_BLOCK_SETTER(GRLUserClaimsBlock, setUserClaims, _userClaims)
GRL_BLOCK_SETTER(GRLSignBlock, setSign, _sign)

- (void)dealloc
{
    GRL_RELEASE_BLOCK(_clock);
    GRL_RELEASE_BLOCK(_random);
    GRL_RELEASE_BLOCK(_event);
    GRL_RELEASE_BLOCK(_userClaims);
    GRL_RELEASE_BLOCK(_sign);
    GRL_RELEASE(_signingKey);
    GRL_RELEASE(_store);
    GRL_SUPER_DEALLOC();
}

- (id)copyWithZone:(NSZone *)zone
{
    GRLHost *copy = [[[self class] allocWithZone:zone] init];
    copy.clock = _clock;
    copy.random = _random;
    copy.event = _event;
    copy.userClaims = _userClaims;
    copy.sign = _sign;
    copy.signingKey = _signingKey;
    copy.store = _store;
    return copy;
}

@end

void GRLGiveHost(GRLHost *host, grl_host *given, grl_store *store)
{
    // Not every runtime survives that another object is asked for a block.
    if (![host isKindOfClass:[GRLHost class]]) {
        [NSException raise:NSInvalidArgumentException format:@"grantlet: the host is a %@", [host class]];
    }
    GRLHost *copy = [host copy];
    given->ctx = GRL_GIVE_TO_C(copy);
    given->release = GRLReleaseHost;
    given->clock = copy.clock ? GRLTellTime : NULL;
    given->random = copy.random ? GRLFillRandom : NULL;
    given->event = copy.event ? GRLTakeEvent : NULL;
    given->user_claims = copy.userClaims ? GRLTellUserClaims : NULL;
    given->signing_key = GRLLendOptional(copy.signingKey);
    given->sign = copy.sign ? GRLSign : NULL;
    id<GRLStore> kept = copy.store;
    if (kept != nil) {
        *store = GRLMakeStore((id<GRLStore> _Nonnull)kept);
        given->store = store;
    }
    GRL_RELEASE(copy);
}
