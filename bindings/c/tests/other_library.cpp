// Meets a library of another version, whose functions this program brings itself: they go before the shared library's.
#include "story.hpp"

static std::uint32_t abi = GRL_ABI_VERSION + 1;
static int opened = 0;

extern "C" std::uint32_t grl_abi_version(void) { return abi; }

// One that knows no struct of this size reads nothing else of it, and so releases nothing.
extern "C" grl_status grl_engine_new(grl_str, const grl_host *, grl_engine **engine, grl_error **error)
{
    opened++;
    *engine = nullptr;
    *error = nullptr;
    return GRL_USAGE_SIZE;
}

TEST(a_library_of_another_version_is_refused_and_nothing_leaks)
{
    const auto alive = std::make_shared<int>();
    const auto open = [&] {
        grantlet::host host;
        host.event = [alive](std::string_view) {};
        return FAILS(grantlet::engine::open(story::config, std::move(host)));
    };
    const auto refused = open();
    CHECK(refused.status() == GRL_USAGE && refused.what()[0] != 0 && opened == 0 && alive.use_count() == 1);
    abi = GRL_ABI_VERSION;
    CHECK(open().status() == GRL_USAGE_SIZE && opened == 1 && alive.use_count() == 1);
}
