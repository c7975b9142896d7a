// grantlet: an OAuth 2.1 / OpenID Connect token engine that runs inside your own process.
//
// You own the listener, the sign-in page and the users; grantlet owns the protocol. Begin with GRLEngine.
#import "GRLAuthorization.h"
#import "GRLConfiguration.h"
#import "GRLEngine.h"
#import "GRLError.h"
#import "GRLHTTP.h"
#import "GRLHost.h"
#import "GRLJSONObject.h"
#import "GRLStore.h"
#import "GRLTokens.h"
