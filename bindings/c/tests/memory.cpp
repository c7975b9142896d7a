// Memory that runs out, at each allocation of C++'s in turn: std::bad_alloc where a call ends with it, the error of the
// call whose callback had none, and no leak either way (which AddressSanitizer says).
#include "story.hpp"

static long left = -1; // How many more are granted; -1: all.

void *operator new(std::size_t size)
{
    if (left == 0) {
        left = -1;
        throw std::bad_alloc();
    }
    left -= left > 0;
    return std::malloc(size);
}
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, std::size_t) noexcept { std::free(memory); }

static const std::string long_text(100, 'x');

static void tell_all()
{
    grantlet::host host;
    host.clock = [] { return static_cast<void>(std::string(long_text)), std::chrono::system_clock::now(); };
    host.event = [](std::string_view event) { static_cast<void>(std::string(event)); };
    host.event_failed = [](std::exception_ptr) { static_cast<void>(std::string(long_text)); };
    host.user_claims = [](const grantlet::user_query &query) -> grantlet::result<std::optional<std::string>> {
        if (query.subject == "bob") {
            return grantlet::error(GRL_TEMPORARILY_UNAVAILABLE, long_text);
        }
        return R"({"motto":")" + long_text + R"("})";
    };
    const auto engine = grantlet::engine::open(story::config, std::move(host));
    const auto alice = story::sign_in(engine), bob = story::sign_in(engine, "bob");
    static_cast<void>(engine.userinfo(alice.access_token()));
    CHECK(!engine.userinfo(bob.access_token(), std::nothrow));
    const auto bad = engine.authorize(std::string(story::query) + "&request=x", std::nothrow);
    CHECK(!bad.error().redirect() || bad.error().redirect()->headers().size() > 1);
    static_cast<void>(engine.handle({"GET", std::string("/authorize?") + story::query}));
    static_cast<void>(engine.verify(alice.access_token(), story::audience, {"openid", "read:notes"}).scopes());
}

TEST(memory_that_runs_out_leaks_nothing)
{
    int without = 0, failed = 0;
    for (long granted = 0, over = 0; over == 0; granted++) {
        left = granted;
        try {
            tell_all();
            over = left >= 0;
        } catch (const std::bad_alloc &) {
            without++;
        } catch (const grantlet::error &error) {
            failed++;
            CHECK(error.status() == GRL_SERVER_ERROR && error.cause());
        }
        left = -1;
    }
    CHECK(without > 20 && failed > 10);
}
