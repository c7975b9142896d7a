// The codes beside the header's: tests/hosts/objc.sh reads both files and writes codes.inc.
#import "Support.h"

TEST(codes_are_the_headers)
{
    int count = 0;
#define CODE(ours, theirs, number)                                                                 \
    CHECK((NSInteger)(ours) == (NSInteger)(theirs) && (NSInteger)(ours) == (number));              \
    count++;
#include "codes.inc"
#undef CODE
    CHECK(count > 60);
}

TEST(a_class_is_of_our_errors_only)
{
    NSError *reused = [NSError errorWithDomain:GRLErrorDomain code:GRLErrorInvalidGrantReused userInfo:nil];
    CHECK(reused.grl_errorClass == GRLErrorInvalidGrant);
    NSError *other = [NSError errorWithDomain:NSCocoaErrorDomain code:GRLErrorInvalidGrantReused userInfo:nil];
    CHECK(other.grl_errorClass == 0 && other.grl_OAuthCode == nil && other.grl_HTTPStatus == 0);
    CHECK(other.grl_detail == nil && other.grl_responseBody == nil && other.grl_redirect == nil);
}
