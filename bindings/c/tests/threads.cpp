// Many threads at one engine: one refresh token presented by all at once, callbacks that throw in some of them, and
// objects that die on other threads than the ones that they were born on. Also runs under TSan.
#include "story.hpp"

#include <atomic>
#include <thread>

constexpr int threads = 8, rounds = 10;

template <class Body> static void in_parallel(Body body)
{
    std::atomic<int> ready{0};
    std::vector<std::thread> running;
    for (int i = 0; i < threads; i++) {
        running.emplace_back([&, i] {
            for (ready++; ready < threads;) {
                std::this_thread::yield();
            }
            body(i);
        });
    }
    for (auto &thread : running) {
        thread.join();
    }
}

TEST(all_who_present_one_refresh_token_get_the_same_successor)
{
    const auto engine = grantlet::engine::open(story::config);
    std::string current = *story::sign_in(engine).refresh_token();
    for (int round = 0; round < rounds; round++) {
        std::vector<std::string> next(threads), access(threads);
        in_parallel([&](int i) {
            const auto index = static_cast<std::size_t>(i);
            const auto tokens = engine.token(story::refresh_form(current), std::nothrow);
            if (tokens) {
                next[index] = *tokens->refresh_token();
                access[index] = tokens->access_token();
            }
        });
        for (const auto &each : next) {
            CHECK(!each.empty() && each == next[0] && each != current);
        }
        for (const auto &each : access) {
            CHECK(engine.verify(each, story::audience).subject() == "alice");
        }
        current = next[0];
    }
}

TEST(one_approval_of_many_succeeds)
{
    const auto engine = grantlet::engine::open(story::config);
    for (int round = 0; round < rounds; round++) {
        const auto pending = engine.authorize(story::query);
        std::atomic<int> approved{0};
        in_parallel([&](int) { approved += pending.approve({"alice"}, std::nothrow).has_value(); });
        CHECK(approved == 1);
    }
}

TEST(what_a_callback_throws_reaches_its_own_thread)
{
    static thread_local int number = -1; // Of the thread whose callbacks throw.
    grantlet::host host;
    host.clock = [] {
        if (number >= 0) {
            throw std::runtime_error(std::to_string(number));
        }
        return std::chrono::system_clock::now();
    };
    const auto engine = grantlet::engine::open(story::config, std::move(host));
    const auto token = story::sign_in(engine).access_token();
    std::atomic<int> right{0};
    in_parallel([&](int i) {
        for (int round = 0; round < rounds; round++) {
            number = i % 2 ? i : -1;
            const auto claims = engine.verify(token, story::audience, {}, std::nothrow);
            number = -1;
            if (!claims) {
                try {
                    std::rethrow_exception(claims.error().cause());
                } catch (const std::runtime_error &thrown) {
                    right += thrown.what() == std::to_string(i);
                }
            } else {
                right += i % 2 == 0;
            }
        }
    });
    CHECK(right == threads * rounds);
}

TEST(objects_die_on_other_threads)
{
    std::vector<std::optional<grantlet::authorization>> pending(threads);
    std::vector<std::optional<grantlet::token_response>> tokens(threads);
    auto alive = std::make_shared<int>();
    grantlet::host host;
    host.event = [alive](std::string_view) {};
    auto engine = std::make_shared<grantlet::engine>(grantlet::engine::open(story::config, std::move(host)));
    in_parallel([&, engine](int i) {
        pending[static_cast<std::size_t>(i)] = engine->authorize(story::query);
        tokens[static_cast<std::size_t>(i)] = story::sign_in(*engine);
    });
    in_parallel([&](int i) {
        if (i == 0) {
            engine.reset();
        }
        const auto next = static_cast<std::size_t>((i + 1) % threads);
        CHECK(pending[next]->approve({"alice"}).status() == 303);
        pending[next].reset();
        tokens[next].reset();
    });
    CHECK(engine == nullptr && alive.use_count() == 1);
}

TEST(engines_come_and_go)
{
    in_parallel([](int) {
        for (int round = 0; round < 3; round++) {
            const auto engine = grantlet::engine::open(story::config);
            CHECK(story::sign_in(engine).refresh_token());
        }
    });
}
