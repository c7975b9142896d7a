// The README's first result, as it stands there. tests/hosts/objc.sh cuts it out.
#include "snippet-imports.inc"
#import "Support.h"

TEST(the_readme_shows_the_truth)
{
    DemoApp *app = [[[DemoApp alloc] init] autorelease];
#include "snippet.inc"
    CHECK_EQUAL(access.subject, @"alice");
    [engine release];
}
