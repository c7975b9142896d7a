// A host's own clock, randomness, audit log, user claims and signer: called, calling back, failing, throwing.
#include "story.hpp"

using namespace std::chrono_literals;
using std::chrono::system_clock;

// Thrown by the host; no std::exception.
struct broken {
    int code;
};

static const system_clock::time_point start{std::chrono::seconds{1700000000}};

static std::string message_of(const std::exception_ptr &thrown)
{
    CHECK(thrown != nullptr);
    try {
        std::rethrow_exception(thrown);
    } catch (const std::exception &exception) {
        return exception.what();
    } catch (const broken &thing) {
        return "broken " + std::to_string(thing.code);
    }
}

TEST(each_is_called_and_may_call_back)
{
    const grantlet::engine *again = nullptr;
    int ticks = 0, fills = 0, asked = 0;
    std::vector<std::string> events;
    // Every callback calls the engine back, but not from the callbacks of that call.
    const auto call_back = [&] {
        if (const auto *engine = std::exchange(again, nullptr)) {
            CHECK(!engine->metadata().json().empty() && !engine->grants().json().empty());
            again = engine;
        }
    };
    grantlet::host host;
    host.clock = [&] { return ++ticks, call_back(), start; };
    host.random = [&](std::uint8_t *bytes, std::size_t size) {
        call_back();
        std::fill_n(bytes, size, static_cast<std::uint8_t>(++fills));
        return true;
    };
    host.event = [&](std::string_view event) { events.emplace_back(event), call_back(); };
    host.user_claims = [&](const grantlet::user_query &query) -> std::optional<std::string> {
        asked++, call_back();
        CHECK(query.client_id == "app" && query.scope.find("openid") != std::string_view::npos);
        if (query.subject != "alice") {
            return std::nullopt;
        }
        return R"({"name":"Alice","tier":3})";
    };
    const auto engine = grantlet::engine::open(story::config, std::move(host));
    again = &engine;
    const auto alice = story::sign_in(engine), bob = story::sign_in(engine, "bob");
    CHECK(ticks > 0 && fills > 0 && events.size() > 2);
    CHECK(events.back().find(R"({"at":1700000000,"event":)") == 0 && events.back().find("grl_") == std::string::npos);
    CHECK(engine.verify(alice.access_token(), story::audience).issued_at() == start);
    CHECK(engine.userinfo(alice.access_token()).json() == R"({"sub":"alice","tier":3})");
    CHECK(FAILS(engine.userinfo(bob.access_token())).status_class() == GRL_INVALID_TOKEN && asked == 2);
}

TEST(what_a_callback_throws_fails_the_call_and_changes_nothing)
{
    std::function<void()> disturb;
    const auto disturbed = [&] { disturb ? disturb() : void(); };
    grantlet::host host;
    host.clock = [&] { return disturbed(), start; };
    host.random = [&, state = std::uint8_t(0)](std::uint8_t *bytes, std::size_t size) mutable {
        disturbed();
        std::fill_n(bytes, size, ++state);
        return true;
    };
    host.user_claims = [&](const grantlet::user_query &) { return disturbed(), "{}"; };
    const auto engine = grantlet::engine::open(story::config, std::move(host));
    const auto tokens = story::sign_in(engine);
    const std::string before = story::snapshot(engine);
    const auto pending = engine.authorize(story::query);

    const auto all_fail = [&](const std::string &message, grl_status status) {
        const grantlet::error errors[] = {FAILS(pending.approve({"alice"})), FAILS(engine.rotate_keys()),
                                          FAILS(engine.userinfo(tokens.access_token())),
                                          FAILS(engine.token(story::refresh_form(*tokens.refresh_token()))),
                                          engine.verify(tokens.access_token(), story::audience, {}, std::nothrow).error()};
        for (const auto &error : errors) {
            CHECK(error.status() == status && error.cause() && message_of(error.cause()) == message);
            // The client is not told.
            CHECK(error.response().find(message) == std::string_view::npos);
        }
    };
    disturb = [] { throw std::runtime_error("the host broke"); };
    all_fail("the host broke", GRL_SERVER_ERROR);
    disturb = [] { throw broken{7}; };
    all_fail("broken 7", GRL_SERVER_ERROR);
    disturb = nullptr;
    CHECK(story::snapshot(engine) == before);
    const auto next = engine.token(story::refresh_form(*tokens.refresh_token()));
    CHECK(next.refresh_token() && pending.approve({"alice"}).status() == 303);
    CHECK(!FAILS(engine.token("grant_type=x")).cause()); // Long gone.
}

TEST(what_was_thrown_is_nested_in_what_the_call_throws)
{
    grantlet::host host;
    host.clock = []() -> system_clock::time_point { throw std::runtime_error("no clock"); };
    try {
        static_cast<void>(story::sign_in(grantlet::engine::open(story::config, std::move(host))));
        CHECK(false);
    } catch (const grantlet::error &error) {
        CHECK(error.status() == GRL_SERVER_ERROR);
        try {
            std::rethrow_if_nested(error);
            CHECK(false);
        } catch (const std::runtime_error &cause) {
            CHECK(cause.what() == std::string("no clock"));
        }
    }
}

TEST(a_clock_that_cannot_tell_the_time_fails_the_call)
{
    system_clock::time_point now = start;
    grantlet::host host;
    host.clock = [&] { return now; };
    const auto engine = grantlet::engine::open(story::config, std::move(host));
    const auto tokens = story::sign_in(engine);
    for (const auto never : {system_clock::time_point(), system_clock::time_point(-1h)}) {
        now = never;
        CHECK(FAILS(engine.verify(tokens.access_token(), story::audience)).status() == GRL_SERVER_ERROR);
    }
    now = start + 1h;
    CHECK(FAILS(engine.verify(tokens.access_token(), story::audience)).status() == GRL_INVALID_TOKEN_EXPIRED);
}

TEST(randomness_that_is_not_there_fails_the_call)
{
    bool there = true;
    grantlet::host host;
    host.random = [&](std::uint8_t *bytes, std::size_t size) { return std::fill_n(bytes, size, std::uint8_t(1)), there; };
    const auto engine = grantlet::engine::open(story::config, std::move(host));
    const auto pending = engine.authorize(story::query);
    there = false;
    const auto error = FAILS(pending.approve({"alice"}));
    CHECK(error.status() == GRL_SERVER_ERROR && !error.cause() && error.detail().find("random") != std::string_view::npos);
}

TEST(a_signer_may_fail_or_be_cancelled_and_nothing_has_changed)
{
    std::function<grantlet::result<std::vector<std::uint8_t>>()> answer = [] { return std::vector<std::uint8_t>(64, 1); };
    int asked = 0;
    grantlet::host host;
    host.clock = [] { return start; };
    host.signing_key = R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})";
    host.sign = [&](std::string_view input) {
        CHECK(input.find('.') != std::string_view::npos);
        return asked++, answer();
    };
    const auto engine = grantlet::engine::open(story::config, std::move(host));
    const auto tokens = story::sign_in(engine);
    const std::string before = story::snapshot(engine), form = story::refresh_form(*tokens.refresh_token());
    const auto signs = std::exchange(answer, [] { return grantlet::error(GRL_TEMPORARILY_UNAVAILABLE, "cancelled by the user"); });

    auto error = FAILS(engine.token(form));
    CHECK(error.status() == GRL_TEMPORARILY_UNAVAILABLE && error.http_status() == 503);
    CHECK(message_of(error.cause()) == "cancelled by the user");
    answer = []() -> grantlet::result<std::vector<std::uint8_t>> { throw grantlet::error(GRL_TEMPORARILY_UNAVAILABLE, "locked"); };
    error = FAILS(engine.token(form));
    CHECK(error.status() == GRL_TEMPORARILY_UNAVAILABLE && message_of(error.cause()) == "locked");
    answer = []() -> grantlet::result<std::vector<std::uint8_t>> { throw broken{1}; };
    CHECK(FAILS(engine.token(form)).status() == GRL_SERVER_ERROR);
    answer = [] { return grantlet::error(GRL_OK, "an error is never a success"); };
    CHECK(FAILS(engine.token(form)).status() == GRL_SERVER_ERROR);
    answer = [] { return std::vector<std::uint8_t>(100000, 1); };
    CHECK(FAILS(engine.token(form)).status() == GRL_SERVER_ERROR);
    answer = [] { return std::vector<std::uint8_t>(); };
    CHECK(FAILS(engine.token(form)).status() == GRL_SERVER_ERROR);
    CHECK(story::snapshot(engine) == before && asked > 6);
    answer = signs;
    CHECK(engine.token(form).refresh_token() != tokens.refresh_token());
}

TEST(an_event_that_throws_does_not_lose_the_answer)
{
    std::vector<std::string> failures;
    grantlet::host host;
    host.event = [](std::string_view) { throw std::runtime_error("the log is full"); };
    host.event_failed = [&](std::exception_ptr thrown) {
        failures.push_back(message_of(thrown));
        throw broken{2}; // Is written to stderr.
    };
    const auto engine = grantlet::engine::open(story::config, std::move(host));
    CHECK(story::sign_in(engine).refresh_token() && failures.size() >= 2 && failures[0] == "the log is full");
    host.event = [](std::string_view) { throw broken{3}; };
    host.event_failed = nullptr;
    CHECK(story::sign_in(grantlet::engine::open(story::config, std::move(host))).refresh_token());
}

TEST(a_call_within_a_callback_fails_by_itself)
{
    const grantlet::engine *again = nullptr;
    std::string token;
    bool stopped = false, fails_too = false;
    int caught = 0;
    grantlet::host host;
    host.clock = [&] {
        if (stopped) {
            throw std::runtime_error("the clock stopped");
        }
        if (const auto *engine = std::exchange(again, nullptr)) {
            // What the clock throws within is the cause of the call within, not of the one without.
            stopped = true;
            const auto error = FAILS(engine->verify(token, story::audience));
            stopped = false;
            CHECK(message_of(error.cause()) == "the clock stopped");
            caught++;
            if (fails_too) {
                throw error;
            }
        }
        return start;
    };
    const auto engine = grantlet::engine::open(story::config, std::move(host));
    token = story::sign_in(engine).access_token();
    again = &engine;
    CHECK(engine.verify(token, story::audience).subject() == "alice" && caught == 1);
    again = &engine;
    const auto other = FAILS(engine.verify(token, "https://other.example.com/"));
    CHECK(other.status() == GRL_INVALID_TOKEN_AUDIENCE && !other.cause() && caught == 2);
    again = &engine;
    fails_too = true;
    const auto error = FAILS(engine.verify(token, story::audience));
    CHECK(error.status() == GRL_SERVER_ERROR && caught == 3);
    CHECK(message_of(error.cause()).find("clock cannot tell the time") != std::string::npos);
}

TEST(a_cause_stays_whatever_the_call_does_after_it)
{
    bool cancelled = false, reports = false, clock_works = true;
    int told = 0;
    const grantlet::engine *again = nullptr;
    std::string token;
    grantlet::host host;
    host.clock = [&] { return clock_works ? start : throw std::runtime_error("the clock stopped"); };
    host.signing_key = R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})";
    host.sign = [&](std::string_view) {
        clock_works = !cancelled || reports;
        return cancelled ? throw std::runtime_error("cancelled") : std::vector<std::uint8_t>(64, 1);
    };
    // Tells of what failed, and of the signer no less: by calls of its own, one of which goes well.
    host.event = [&](std::string_view) {
        if (std::exchange(reports, false)) {
            CHECK(again->metadata().member("issuer"));
            clock_works = false;
            CHECK(message_of(FAILS(again->authorize(story::query)).cause()) == "the clock stopped");
            clock_works = true;
            told++;
        }
    };
    const auto engine = grantlet::engine::open(story::config, std::move(host));
    const auto form = story::refresh_form(*story::sign_in(engine).refresh_token());
    again = &engine;
    cancelled = reports = true;
    CHECK(message_of(FAILS(engine.token(form)).cause()) == "cancelled" && told == 1);
    // Nor does the clock, which the event of the failure asks for the time, take its place.
    CHECK(message_of(FAILS(engine.token(form)).cause()) == "cancelled" && !clock_works);
}

TEST(an_error_in_a_callback_is_neither_a_success_nor_an_absence)
{
    grantlet::error error;
    grantlet::host host;
    host.user_claims = [&](const grantlet::user_query &) -> grantlet::result<std::optional<std::string>> { return error; };
    const auto engine = grantlet::engine::open(story::config, std::move(host));
    const auto token = story::sign_in(engine).access_token();
    for (const auto &each : {grantlet::error(), grantlet::error(GRL_NOT_FOUND, "no such table")}) {
        error = each; // Of a user who is not known it would give none.
        const auto failed = FAILS(engine.userinfo(token));
        CHECK(failed.status() == GRL_SERVER_ERROR && failed.cause() && failed.detail().find("status 20") != std::string_view::npos);
    }
}

TEST(an_engine_may_be_closed_or_destroyed_from_within_a_callback)
{
    for (const bool destroyed : {false, true}) {
        std::unique_ptr<grantlet::engine> engine;
        bool armed = false;
        auto alive = std::make_shared<int>();
        const std::weak_ptr<int> callbacks = alive;
        grantlet::host host;
        host.event = [&, alive](std::string_view) {
            if (std::exchange(armed, false)) {
                destroyed ? engine.reset() : engine->close();
                CHECK(*alive == 0); // And so are the callbacks, until the call is over.
            }
        };
        alive.reset();
        engine = std::make_unique<grantlet::engine>(grantlet::engine::open(story::config, std::move(host)));
        auto tokens = story::sign_in(*engine);
        armed = true;
        tokens = engine->token(story::refresh_form(*tokens.refresh_token()));
        CHECK(tokens.refresh_token() && callbacks.expired());
        CHECK(destroyed ? engine == nullptr : FAILS(engine->jwks()).status() == GRL_USAGE_NULL);
    }
}

TEST(the_callbacks_go_with_the_last_that_can_call_them)
{
    auto alive = std::make_shared<int>();
    const auto host = [&] {
        grantlet::host made;
        made.clock = [alive] { return start + std::chrono::seconds(*alive); };
        return made;
    };
    CHECK(FAILS(grantlet::engine::open("{", host())).status() == GRL_CONFIG && alive.use_count() == 1);
    auto half = host();
    half.signing_key = "{}"; // A key without a signer.
    CHECK(FAILS(grantlet::engine::open(story::config, std::move(half))).status() == GRL_USAGE_NULL && alive.use_count() == 1);
    {
        std::optional<grantlet::engine> engine = grantlet::engine::open(story::config, host());
        const auto pending = engine->authorize(story::query);
        engine.reset();
        CHECK(alive.use_count() == 2);
    }
    CHECK(alive.use_count() == 1);
}
