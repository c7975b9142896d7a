// Every operation, in the order in which a host meets them.
#include "story.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <random>

using namespace std::chrono_literals;

static bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

TEST(the_library_belongs_to_the_header)
{
    CHECK(grantlet::version() == std::to_string(GRL_VERSION_MAJOR) + "." + std::to_string(GRL_VERSION_MINOR) + "." +
                                     std::to_string(GRL_VERSION_PATCH));
    CHECK(grantlet::abi_version() == GRL_ABI_VERSION);
}

TEST(the_whole_story)
{
    const auto engine = grantlet::engine::open(story::config);
    const auto pending = engine.authorize(std::string(story::query) + "&max_age=60&login_hint=al");
    const auto request = pending.request();
    CHECK(request.client_id() == "app" && request.client_name() == "Notes");
    CHECK(request.redirect_uri() == "com.example.app:/done" && request.member("audience") == R"(["https://api.example.com/"])");
    CHECK(request.scopes() == std::vector<std::string>{"openid", "offline_access", "read:notes"});
    CHECK(request.offline_access() && request.max_age() == 60s && request.login_hint() == "al");
    CHECK(!request.member("display") && has(request.json(), R"("client_id":"app")"));

    // A login that lacks what was asked changes nothing: a better one may follow.
    grantlet::login login{"alice"};
    CHECK(FAILS(pending.approve(login)).status() == GRL_USAGE);
    login.auth_time = std::chrono::system_clock::now() - 1h;
    CHECK(FAILS(pending.approve(login)).status() == GRL_LOGIN_REQUIRED);
    login.auth_time = std::chrono::system_clock::now();
    login.scope = {"openid", "offline_access", "read:notes"};
    login.acr = "urn:example:loa:2";
    login.amr = {"pwd", "otp"};
    login.sid = "session-1";
    login.access_token_claims = R"({"tenant":"t-1"})";
    login.id_token_claims = R"({"locale":"de"})";
    const auto response = pending.approve(login);
    CHECK(response.status() == 303 && has(response.location(), "com.example.app:/done?code="));
    const auto headers = response.headers();
    CHECK(headers.size() > 1 && response.header("LOCATION") == response.location());
    CHECK(std::any_of(headers.begin(), headers.end(), [&](const auto &header) { return header.value == response.location(); }));
    CHECK(FAILS(pending.approve(login)).status() == GRL_USAGE_ANSWERED);

    const auto tokens = engine.token(story::code_form(response.location()));
    CHECK(tokens.token_type() == "Bearer" && tokens.expires_in() == 1h && tokens.id_token() && tokens.refresh_token());
    CHECK(has(tokens.json(), tokens.access_token()) && tokens.scopes() == request.scopes());
    const auto access = engine.verify(tokens.access_token(), story::audience, {"read:notes"});
    CHECK(access.subject() == "alice" && access.client_id() == "app" && access.issuer() == "http://127.0.0.1:8080/");
    CHECK(access.member("tenant") == "t-1" && access.member("acr") == "urn:example:loa:2" && !access.member("email"));
    CHECK(access.scopes() == std::vector<std::string>{"openid", "offline_access", "read:notes"});
    CHECK(access.expires_at() - access.issued_at() == 1h && access.expires_at() > std::chrono::system_clock::now());

    const auto next = engine.token(story::refresh_form(*tokens.refresh_token()));
    const auto newest = engine.token(story::refresh_form(*next.refresh_token()));
    const auto reuse = FAILS(engine.token(story::refresh_form(*tokens.refresh_token())));
    CHECK(reuse.status() == GRL_INVALID_GRANT_REUSED && reuse.status_class() == GRL_INVALID_GRANT);
    CHECK(reuse.oauth_code() == "invalid_grant" && reuse.http_status() == 400);
    CHECK(has(reuse.response(), R"({"error":"invalid_grant")") && has(reuse.what(), reuse.description()));
    CHECK(FAILS(engine.verify(newest.access_token(), story::audience)).status() == GRL_INVALID_TOKEN_REVOKED);
}

TEST(a_member_of_json)
{
    constexpr char json[] = R"({"text":"a\u00e9\n","number":7,"list":[1,"x"],"nothing":null,"yes":true})";
    CHECK(grantlet::member(json, "text") == "a\xc3\xa9\n" && grantlet::member(json, "number") == "7");
    CHECK(grantlet::member(json, "list") == R"([1,"x"])" && grantlet::member(json, "yes") == "true");
    CHECK(!grantlet::member(json, "nothing") && !grantlet::member(json, "other") && !grantlet::member("[]", "text"));
    CHECK(!grantlet::member("", "text") && !grantlet::member("{", "text") && !grantlet::member("\xff", "text"));
}

// A range that makes its texts as it goes.
struct numbered_scopes {
    struct iterator {
        int at;
        std::string operator*() const { return "a-scope-too-long-to-lie-within-a-string-" + std::to_string(at); }
        void operator++() { at++; }
        bool operator!=(const iterator &other) const { return at != other.at; }
    };
    iterator begin() const { return {1}; }
    iterator end() const { return {3}; }
};

TEST(scopes_are_given_in_every_way)
{
    CHECK(grantlet::names(numbered_scopes()).text() ==
          "a-scope-too-long-to-lie-within-a-string-1 a-scope-too-long-to-lie-within-a-string-2");
    const auto engine = grantlet::engine::open(story::config);
    const auto token = story::sign_in(engine).access_token();
    const std::vector<std::string> list{"openid", "read:notes"};
    static_cast<void>(engine.verify(token, story::audience, {"openid", "read:notes"}));
    static_cast<void>(engine.verify(token, story::audience, "openid read:notes"));
    static_cast<void>(engine.verify(token, story::audience, list));
    CHECK(FAILS(engine.verify(token, story::audience, {"openid", "write:notes"})).status() == GRL_INSUFFICIENT_SCOPE);
    CHECK(FAILS(engine.verify(token, story::audience, {"read:notes", ""})).status() == GRL_INSUFFICIENT_SCOPE);
    CHECK(FAILS(engine.verify(token, story::audience, {std::string()})).status() == GRL_INSUFFICIENT_SCOPE);
    CHECK(FAILS(engine.verify(token, "https://other.example.com/")).status() == GRL_INVALID_TOKEN_AUDIENCE);
    // Consenting to nothing is not consenting to all.
    grantlet::login login{"alice"};
    login.scope = grantlet::names();
    const auto pending = engine.authorize(story::query);
    const auto response = pending.approve(login);
    CHECK(engine.token(story::code_form(response.location())).scopes().empty());
}

TEST(a_client_has_another_name_in_auth0s_dialect)
{
    std::string config = story::config;
    config.insert(config.find(R"("scopes")"), R"("token_dialect": "access_token", )");
    const auto engine = grantlet::engine::open(config);
    const auto access = engine.verify(story::sign_in(engine).access_token(), story::audience);
    CHECK(access.member("azp") == "app" && !access.member("client_id") && access.client_id() == "app");
}

TEST(the_registry_changes_while_it_runs)
{
    const auto engine = grantlet::engine::open(R"({"issuer": "http://127.0.0.1:8080/"})");
    CHECK(FAILS(engine.authorize(story::query)).status() == GRL_INVALID_CLIENT_UNKNOWN);
    engine.put_api(R"({"identifier": "https://api.example.com/", "scopes": ["read:notes"], "allow_offline_access": true})");
    const char app[] = R"({"client_id": "app", "application_type": "native", "token_endpoint_auth_method": "none",
        "redirect_uris": ["com.example.app:/done"], "grant_types": ["authorization_code", "refresh_token"]})";
    engine.put_client(app);
    const auto tokens = story::sign_in(engine);
    const auto refused = FAILS(engine.put_client(R"({"client_id": "app", "redirect_uri": []})"));
    CHECK(refused.status() == GRL_CONFIG_UNKNOWN_KEY && has(refused.description(), "redirect_uris"));
    CHECK(engine.remove_client("app") == 1);
    CHECK(FAILS(engine.remove_client("app")).status() == GRL_NOT_FOUND);
    engine.remove_api("https://api.example.com/");
    CHECK(FAILS(engine.remove_api("https://api.example.com/")).status() == GRL_NOT_FOUND);
}

TEST(denials_go_to_the_client)
{
    const auto engine = grantlet::engine::open(story::config);
    const auto pending = engine.authorize(story::query);
    CHECK(has(pending.deny().location(), "?error=access_denied&"));
    CHECK(has(pending.deny(GRL_LOGIN_REQUIRED).location(), "?error=login_required&"));
    CHECK(FAILS(pending.deny(GRL_NOT_FOUND)).status() == GRL_USAGE);
}

TEST(a_bad_authorization_request_is_redirected_or_not)
{
    const auto engine = grantlet::engine::open(story::config);
    auto error = FAILS(engine.authorize(std::string(story::query) + "&request=x"));
    CHECK(error.status() == GRL_REQUEST_NOT_SUPPORTED && error.redirect());
    const auto redirect = error.redirect();
    error = grantlet::error(); // The response keeps what it stands on.
    CHECK(redirect->status() == 303 && has(redirect->location(), "?error=request_not_supported&"));
    CHECK(!FAILS(engine.authorize("client_id=nobody")).redirect());
}

TEST(a_resource_server_asks)
{
    const auto engine = grantlet::engine::open(story::config);
    const auto tokens = story::sign_in(engine);
    const std::string web = "client_id=web&client_secret=correct+horse+battery+staple";
    CHECK(engine.introspect(web + "&token=" + tokens.access_token()).json() == R"({"active":false})");
    CHECK(FAILS(engine.introspect({"token=x", "Basic eA=="})).status_class() == GRL_INVALID_CLIENT);
    CHECK(engine.userinfo(tokens.access_token()).json() == R"({"sub":"alice"})");
    const auto service = engine.token(web + "&grant_type=client_credentials&audience=https%3A%2F%2Fapi.example.com%2F");
    CHECK(!service.refresh_token() && engine.verify(service.access_token(), story::audience).client_id() == "web");
    engine.revoke("client_id=app&token=" + *tokens.refresh_token());
    engine.revoke("client_id=app&token=unknown");
    CHECK(FAILS(engine.userinfo(tokens.access_token())).status() == GRL_INVALID_TOKEN_REVOKED);
}

TEST(grants_are_listed_and_revoked)
{
    const auto engine = grantlet::engine::open(story::config);
    const auto tokens = story::sign_in(engine);
    const std::string all(engine.grants().json());
    const std::string id = all.substr(all.find(R"("grant_id":")") + 12, 22);
    CHECK(engine.grants({"app", "alice"}).json() == all && engine.grants({"", "bob"}).json() == "[]");
    CHECK(!engine.grants().member("grant_id")); // It is an array.
    CHECK(engine.grant(id).member("state") == "active" && engine.grant(id).member("grant_id") == id);
    CHECK(engine.revoke_grant(id) && !engine.revoke_grant(id));
    CHECK(FAILS(engine.grant("AAAAAAAAAAAAAAAAAAAAAA")).status() == GRL_NOT_FOUND);
    static_cast<void>(story::sign_in(engine));
    static_cast<void>(story::sign_in(engine));
    CHECK(engine.revoke_grants({"app", ""}) == 2 && engine.revoke_grants({"", "alice"}) == 0);
    CHECK(FAILS(engine.revoke_grants({})).status() == GRL_USAGE);
}

TEST(keys_rotate)
{
    const auto engine = grantlet::engine::open(story::config);
    const auto before = engine.jwks();
    const auto token = story::sign_in(engine).access_token();
    engine.rotate_keys();
    CHECK(engine.jwks().json() != before.json() && !has(before.json(), R"("d":)"));
    CHECK(engine.verify(token, story::audience).subject() == "alice");
    CHECK(engine.metadata().member("issuer") == "http://127.0.0.1:8080/");
    CHECK(engine.metadata().member("grant_types_supported") == R"(["authorization_code","refresh_token","client_credentials"])");
    CHECK(engine.sweep(10) == 0);
}

TEST(http_requests_are_answered)
{
    const auto engine = grantlet::engine::open(story::config);
    const auto answer = engine.handle({"GET", "/.well-known/jwks.json"});
    const auto &jwks = std::get<grantlet::http_response>(answer);
    CHECK(jwks.status() == 200 && jwks.body() == engine.jwks().json());
    CHECK(std::get<grantlet::http_response>(engine.handle({"GET", "/nowhere"})).status() == 404);
    CHECK(std::get<grantlet::http_response>(engine.handle({})).status() >= 400);

    auto waiting = engine.handle({"GET", std::string("/authorize?") + story::query});
    const auto pending = std::get<grantlet::authorization>(std::move(waiting));
    const auto response = pending.approve({"alice"});
    const std::string form = story::code_form(response.location());
    const auto tokens = engine.handle({"POST", "/oauth/token", {{"content-type", "application/x-www-form-urlencoded"}}, form});
    CHECK(std::get<grantlet::http_response>(tokens).header("cache-control") == "no-store");
}

TEST(a_file_outlives_the_engine)
{
    const auto folder = std::filesystem::temp_directory_path() / ("grantlet-cpp-" + std::to_string(std::random_device()()));
    std::filesystem::create_directory(folder);
    const std::string file = (folder / "grants.db").string(), copy = (folder / "copy.db").string();
    std::array<std::uint8_t, 32> key{1}, other{2};

    auto engine = grantlet::engine::open(story::config, file, key);
    const auto tokens = story::sign_in(engine);
    engine.close();
    CHECK(FAILS(grantlet::engine::open(story::config, file, other)).status() == GRL_STORE_SEALED);
    CHECK(FAILS(grantlet::engine::open(story::config, file, std::string_view("short"))).status() == GRL_CONFIG_KEY);
    engine = grantlet::engine::open(story::config, file, key);
    CHECK(engine.verify(tokens.access_token(), story::audience).subject() == "alice");
    engine.backup(copy);
    CHECK(FAILS(engine.backup(copy)).status() == GRL_SERVER_ERROR);
    engine.reseal(other);
    engine.close();
    CHECK(FAILS(grantlet::engine::open(story::config, file, key)).status() == GRL_STORE_SEALED);
    engine = grantlet::engine::open(story::config, file, other);
    engine = grantlet::engine::open(story::config, copy, key);
    CHECK(engine.token(story::refresh_form(*tokens.refresh_token())).refresh_token());
    CHECK(FAILS(grantlet::engine::open(story::config).reseal(key)).status() == GRL_STORE_UNSUPPORTED);
    engine.close();
    std::filesystem::remove_all(folder);
}
