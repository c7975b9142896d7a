// A store of the host's: the story on one in memory, shared by two engines, and failing in every way.
#include "story.hpp"

#include <map>
#include <mutex>

// A store as simple as can be.
class ram_store : public grantlet::store {
public:
    std::function<void()> before_each;
    std::mutex lock;
    struct entry {
        std::string client_id, subject, body;
        std::uint64_t keep_until, version;
    };
    std::map<std::string, entry, std::less<>> entries;
    std::uint64_t last_version = 0;
    bool unable = false; // To sweep; and says so with an error that is none.

    grantlet::result<bool> insert(const grantlet::record &record) override
    {
        const auto guard = begin();
        return entries.try_emplace(std::string(record.key), made(record)).second;
    }
    grantlet::result<std::optional<stored>> load(std::string_view key) override
    {
        const auto guard = begin();
        const auto found = entries.find(key);
        return found == entries.end() ? std::nullopt : std::optional(stored{found->second.body, found->second.version});
    }
    grantlet::result<bool> swap(std::uint64_t version, const grantlet::record &record) override
    {
        const auto guard = begin();
        const auto found = entries.find(record.key);
        if (found == entries.end() || found->second.version != version) {
            return false;
        }
        found->second = made(record);
        return true;
    }
    grantlet::result<std::vector<std::string>> owned_by(std::string_view client_id, std::string_view subject) override
    {
        const auto guard = begin();
        std::vector<std::string> keys;
        for (const auto &[key, each] : entries) {
            if (!each.client_id.empty() && (client_id.empty() || client_id == each.client_id) &&
                (subject.empty() || subject == each.subject)) {
                keys.push_back(key);
            }
        }
        return keys;
    }
    grantlet::result<std::size_t> sweep(std::uint64_t now, std::size_t limit) override
    {
        const auto guard = begin();
        if (unable) {
            return grantlet::error();
        }
        std::size_t swept = 0;
        for (auto at = entries.begin(); at != entries.end() && swept < limit;) {
            at = at->second.keep_until <= now ? (swept++, entries.erase(at)) : std::next(at);
        }
        return swept;
    }

private:
    std::unique_lock<std::mutex> begin()
    {
        if (before_each) {
            before_each();
        }
        return std::unique_lock(lock);
    }
    entry made(const grantlet::record &record)
    {
        CHECK(record.key.size() == 16);
        return {std::string(record.client_id), std::string(record.subject), std::string(record.body), record.keep_until, ++last_version};
    }
};

static grantlet::engine open_on(const std::shared_ptr<ram_store> &store)
{
    grantlet::host host;
    host.store = store;
    std::string config = story::config;
    config.insert(config.rfind('}'), R"(, "keys": {"sealing": "QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI"})");
    return grantlet::engine::open(config, std::move(host));
}

TEST(the_story_on_a_store_of_the_hosts)
{
    const auto store = std::make_shared<ram_store>();
    auto engine = open_on(store);
    auto tokens = story::sign_in(engine);
    // Everything outlives the engine, and another sees it too.
    engine = open_on(store);
    const auto other = open_on(store);
    CHECK(other.verify(tokens.access_token(), story::audience).subject() == "alice");
    tokens = other.token(story::refresh_form(*tokens.refresh_token()));
    CHECK(engine.token(story::refresh_form(*tokens.refresh_token())).refresh_token());
    CHECK(engine.grants({"app", "alice"}).json().find("alice") != std::string_view::npos && engine.grants({"web", ""}).json() == "[]");
    CHECK(engine.revoke_grants({"", "alice"}) == 1);
    CHECK(engine.sweep(100) == 0);
}

TEST(a_store_that_fails_changes_nothing)
{
    const auto store = std::make_shared<ram_store>();
    const auto engine = open_on(store);
    const auto tokens = story::sign_in(engine);
    const auto form = story::refresh_form(*tokens.refresh_token());
    const auto version = store->last_version;

    store->before_each = [] { throw grantlet::error(GRL_STORE_FULL, "no room"); };
    const auto full = FAILS(engine.token(form));
    CHECK(full.status() == GRL_STORE_FULL && full.cause());
    CHECK(FAILS(engine.grants()).cause() && FAILS(engine.revoke_grants({"app", ""})).cause() && FAILS(engine.sweep(1)).cause());
    store->before_each = [] { throw grantlet::error(GRL_TEMPORARILY_UNAVAILABLE, "busy"); };
    CHECK(FAILS(engine.token(form)).status() == GRL_TEMPORARILY_UNAVAILABLE);
    store->before_each = [] { throw std::bad_alloc(); };
    CHECK(FAILS(engine.token(form)).status() == GRL_SERVER_ERROR);
    // Nothing there, to one who asks for a record, would be an answer.
    store->before_each = [] { throw grantlet::error(GRL_NOT_FOUND, "no such table"); };
    CHECK(FAILS(engine.token(form)).status() == GRL_SERVER_ERROR);
    store->before_each = nullptr;
    store->unable = true;
    CHECK(FAILS(engine.sweep(1)).status() == GRL_SERVER_ERROR);
    CHECK(store->last_version == version && engine.token(form).refresh_token());
}

TEST(the_store_goes_with_the_last_that_can_call_it)
{
    const auto store = std::make_shared<ram_store>();
    {
        auto engine = open_on(store);
        const auto pending = engine.authorize(story::query);
        CHECK(store.use_count() > 1);
        engine.close();
        CHECK(store.use_count() > 1 && pending.approve({"alice"}).status() == 303);
    }
    CHECK(store.use_count() == 1);
    grantlet::host host;
    host.store = store;
    CHECK(FAILS(grantlet::engine::open("{", host)).status() == GRL_CONFIG);
    host.store = nullptr;
    CHECK(store.use_count() == 1);
}
