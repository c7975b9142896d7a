// Built with -fno-exceptions: the same names, and every call gives a result.
#include "story.hpp"

#ifdef __cpp_exceptions
#error "this is about programs without"
#endif

static_assert(std::is_same_v<decltype(std::declval<const grantlet::engine &>().jwks()), grantlet::result<grantlet::document>>);

TEST(the_story_without_exceptions)
{
    bool signs = true;
    grantlet::host host;
    host.user_claims = [&](const grantlet::user_query &) -> grantlet::result<std::optional<std::string>> {
        if (!signs) {
            return grantlet::error(GRL_TEMPORARILY_UNAVAILABLE, "the directory is away");
        }
        return R"({"tier":3})";
    };
    host.random = [](std::uint8_t *bytes, std::size_t size) {
        static std::uint8_t state = 0;
        std::fill_n(bytes, size, ++state);
        return true;
    };
    auto engine = grantlet::engine::open(story::config, std::move(host));
    CHECK(engine && engine->authorize(story::query));
    const auto pending = engine->authorize(story::query);
    const auto response = pending->approve({"alice"});
    const auto tokens = engine->token(story::code_form(response->location()));
    CHECK(engine->verify(tokens->access_token(), story::audience, {"read:notes"})->subject() == "alice");
    CHECK(engine->userinfo(tokens->access_token())->member("tier") == "3");
    signs = false;
    CHECK(engine->userinfo(tokens->access_token()).error().status() == GRL_TEMPORARILY_UNAVAILABLE);

    const auto failed = engine->token("grant_type=none", std::nothrow);
    CHECK(!failed && failed.error().oauth_code() == "invalid_client");
    CHECK(!grantlet::engine::open("{"));
    engine->close();
    CHECK(engine->jwks().error().status() == GRL_USAGE_NULL && engine->rotate_keys().error().status() == GRL_USAGE_NULL);
    CHECK(!engine->handle({}));
}
