// What a C++ caller gets wrong: objects that were moved from or closed, in any order, and answers not looked at.
#include "story.hpp"

#include <sstream>

template <class T> constexpr bool is_move_only =
    !std::is_copy_constructible_v<T> && !std::is_copy_assignable_v<T> && std::is_nothrow_move_constructible_v<T> &&
    std::is_nothrow_move_assignable_v<T> && !std::is_default_constructible_v<T>;
static_assert(is_move_only<grantlet::engine> && is_move_only<grantlet::authorization> && is_move_only<grantlet::http_response>);
static_assert(is_move_only<grantlet::document> && is_move_only<grantlet::token_response> && is_move_only<grantlet::access_claims>);
static_assert(std::is_nothrow_copy_constructible_v<grantlet::error>, "it is thrown");

// Tokens and claims are not for logs: nothing prints them unasked.
template <class T, class = void> constexpr bool is_printable = false;
template <class T> constexpr bool is_printable<T, std::void_t<decltype(std::declval<std::ostream &>() << std::declval<T>())>> = true;
static_assert(is_printable<std::string_view> && !is_printable<grantlet::token_response> && !is_printable<grantlet::document>);

static void every_call_fails(const grantlet::engine &engine)
{
    const std::string key(32, 'k');
    const grantlet::error errors[] = {
        FAILS(engine.put_api("{}")), FAILS(engine.put_client("{}")), FAILS(engine.remove_api("x")),
        FAILS(engine.remove_client("x")), FAILS(engine.authorize(story::query)), FAILS(engine.token("x")),
        FAILS(engine.verify("x", "y")), FAILS(engine.revoke("x")), FAILS(engine.introspect("x")),
        FAILS(engine.userinfo("x")), FAILS(engine.metadata()), FAILS(engine.jwks()), FAILS(engine.handle({})),
        FAILS(engine.grants()), FAILS(engine.grant("x")), FAILS(engine.revoke_grant("x")),
        FAILS(engine.revoke_grants({"x", ""})), FAILS(engine.rotate_keys()), FAILS(engine.reseal(key)),
        FAILS(engine.backup("x")), FAILS(engine.sweep(1))};
    for (const auto &error : errors) {
        CHECK(error.status() == GRL_USAGE_NULL && error.status_class() == GRL_USAGE && error.what()[0] != 0);
    }
    CHECK(!engine && engine.native_handle() == nullptr);
}

TEST(a_closed_engine_fails_every_call)
{
    auto engine = grantlet::engine::open(story::config);
    CHECK(static_cast<bool>(engine));
    engine.close();
    every_call_fails(engine);
    engine.close();
}

TEST(an_engine_that_was_moved_from_fails_every_call)
{
    auto engine = grantlet::engine::open(story::config);
    auto moved = std::move(engine);
    every_call_fails(engine); // NOLINT: that is the point.
    CHECK(story::sign_in(moved).refresh_token());
    auto &itself = moved;
    moved = std::move(itself);
    engine = std::move(moved);
    CHECK(!moved || engine.native_handle() != moved.native_handle());
}

TEST(what_was_moved_from_is_empty)
{
    const auto engine = grantlet::engine::open(story::config);
    auto pending = engine.authorize(story::query);
    auto request = pending.request();
    auto response = pending.approve({"alice"});
    auto tokens = engine.token(story::code_form(response.location()));
    auto claims = engine.verify(tokens.access_token(), story::audience);
    const auto a = std::move(pending);
    const auto b = std::move(request);
    const auto c = std::move(response);
    const auto d = std::move(tokens);
    const auto e = std::move(claims);
    CHECK(FAILS(pending.approve({"alice"})).status() == GRL_USAGE_NULL);
    CHECK(FAILS(pending.deny()).status() == GRL_USAGE_NULL);
    CHECK(pending.request().json().empty() && pending.request().client_id().empty() && !pending.request().client_name());
    CHECK(request.json().empty() && !request.member("client_id") && !request.max_age());
    CHECK(response.status() == 500 && response.headers().empty() && response.location().empty() && response.body().empty());
    CHECK(tokens.json().empty() && tokens.access_token().empty() && tokens.expires_in().count() == 0);
    CHECK(claims.subject().empty() && claims.scopes().empty() && !claims);
    CHECK(a.request().client_id() == "app" && b.client_id() == "app" && c.status() == 303 && d.refresh_token());
    CHECK(e.subject() == "alice");
}

TEST(objects_go_in_any_order)
{
    std::optional<grantlet::authorization_request> request;
    std::optional<grantlet::http_response> response;
    std::optional<grantlet::token_response> tokens;
    std::optional<grantlet::error> error;
    {
        std::optional<grantlet::authorization> pending, other;
        {
            auto engine = grantlet::engine::open(story::config);
            pending = engine.authorize(story::query);
            other = engine.authorize(story::query);
            tokens = story::sign_in(engine);
            error = FAILS(engine.token("grant_type=none"));
        }
        // The engine's handle is gone; what came of it works on.
        response = pending->approve({"alice"});
        CHECK(other->deny().status() == 303);
        request = pending->request();
    }
    CHECK(request->client_id() == "app" && response->status() == 303 && tokens->refresh_token());
    CHECK(error->oauth_code() == "invalid_client" && !error->description().empty());
    // Twice, explicitly and by the destructor.
    response->close();
    response->close();
    request->close();
    tokens->close();
    CHECK(tokens->json().empty() && response->body().empty());
}

TEST(a_result_is_either)
{
    const auto engine = grantlet::engine::open(story::config);
    auto failed = engine.token("grant_type=none", std::nothrow);
    CHECK(!failed && !failed.has_value() && failed.error().status_class() == GRL_INVALID_CLIENT);
    CHECK(FAILS(failed.value()).status() == failed.error().status());
    CHECK(FAILS(*failed).status() == failed.error().status() && FAILS(failed->access_token()).status() != GRL_OK);
    CHECK(FAILS(*std::as_const(failed)).status() != GRL_OK && FAILS(std::move(failed).value()).status() != GRL_OK);

    auto pending = engine.authorize(story::query, std::nothrow);
    CHECK(pending && pending.error().status() == GRL_OK && !pending.error().redirect() && !pending.error().cause());
    const auto response = pending->approve({"alice"}, std::nothrow);
    CHECK(response->status() == 303);
    CHECK(FAILS(engine.remove_api("x", std::nothrow).value()).status() == GRL_NOT_FOUND);
    CHECK(engine.rotate_keys(std::nothrow).has_value());
    CHECK(engine.revoke_grants({"", "nobody"}, std::nothrow).value() == 0);
    CHECK(!grantlet::engine::open("{", {}, std::nothrow));
    CHECK(grantlet::engine::open("{", {}, std::nothrow).error().status() == GRL_CONFIG);
}

TEST(text_that_is_not_utf8_is_refused)
{
    const auto engine = grantlet::engine::open(story::config);
    CHECK(FAILS(engine.put_api("\xff")).status() == GRL_USAGE_UTF8);
    CHECK(FAILS(engine.authorize("\xff")).status_class() != GRL_OK);
    CHECK(FAILS(engine.token(std::string_view("grant_type=x\0client_id=app", 26))).status_class() != GRL_OK);
}

TEST(no_error_holds_a_secret)
{
    const auto engine = grantlet::engine::open(story::config);
    const auto tokens = story::sign_in(engine);
    const std::string secrets[] = {tokens.access_token(), *tokens.refresh_token(), "hunter2-hunter2"};
    const auto next = engine.token(story::refresh_form(secrets[1]));
    const auto newest = engine.token(story::refresh_form(*next.refresh_token()));
    const grantlet::error errors[] = {
        FAILS(engine.token(story::refresh_form(secrets[1]))),
        FAILS(engine.verify(secrets[0], story::audience)),
        FAILS(engine.verify(secrets[0] + "x", story::audience)),
        FAILS(engine.userinfo(secrets[1])),
        FAILS(engine.token("grant_type=client_credentials&client_id=web&client_secret=" + secrets[2])),
        FAILS(grantlet::engine::open(story::config, "/nowhere/at/all.db", std::string_view("hunter2-hunter2")))};
    for (const auto &error : errors) {
        for (const auto &secret : secrets) {
            for (const std::string_view text : {std::string_view(error.what()), error.description(), error.detail(), error.response()}) {
                CHECK(text.find(secret) == std::string_view::npos);
            }
        }
    }
}
