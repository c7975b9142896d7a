// Every status of the header's is one of C++'s, by the same name and number, and an error carries it.
#include "statuses.hpp"
#include "story.hpp"

#define STATUS(name, number) static_assert(name == (number), "include/grantlet.h says otherwise");
#include "statuses.inc"
#undef STATUS

TEST(an_error_carries_each_status)
{
    CHECK(std::size(statuses) > 60 && statuses[0].status == GRL_OK);
    for (const auto &each : statuses) {
        const grantlet::error error(each.status, "why");
        // An error that says GRL_OK would be taken for none.
        CHECK(error.status() == (each.status == GRL_OK ? GRL_SERVER_ERROR : each.status));
        CHECK(error.status_class() == grl_status_class(error.status()) && name_of(each.status) == each.name);
        CHECK(error.what() == std::string("why") && error.detail() == "why" && error.http_status() == 500);
    }
    CHECK(grantlet::error().status() == GRL_OK);
}
