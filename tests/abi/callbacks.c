// A host's own clock, randomness, audit log, user claims and signing key.
#include "support.h"

// A JWK of ES256; the test never makes a signature that verifies with it.
#define JWK                                                                                        \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","     \
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}"

struct host {
    grl_engine *engine; // Callbacks call it, once it is there.
    uint64_t now;
    unsigned calls_back, releases, ticks, fills, events, signatures, asked;
    int32_t random_status, claims_status, sign_status;
    const char *claims;
    char last_event[512];
};

static void release(void *ctx)
{
    ((struct host *)ctx)->releases++;
}

// Every callback calls the engine back: it must not hold a lock of its own meanwhile.
static void call_back(struct host *host)
{
    if (host->engine != NULL) {
        grl_engine *engine = host->engine;
        host->engine = NULL; // Not from the callbacks of this call.
        grl_buf json;
        CHECK(grl_engine_metadata(engine, &json, NULL) == GRL_OK);
        grl_buf_free(&json);
        CHECK(grl_engine_grants(engine, NOTHING, NOTHING, &json, NULL) == GRL_OK);
        grl_buf_free(&json);
        // Now and then: a registry that changes whenever it is changed would never come to rest.
        if (host->calls_back++ % 7 == 0) {
            CHECK(grl_engine_put_api(engine, GRL_STR("{\"identifier\":\"urn:other\"}"), NULL) == GRL_OK);
            CHECK(grl_engine_put_client(engine, GRL_STR(WEB), NULL) == GRL_OK);
            CHECK(grl_engine_remove_api(engine, GRL_STR("urn:other"), NULL) == GRL_OK);
        }
        CHECK(grl_engine_sweep(engine, 1, NULL, NULL) == GRL_OK);
        host->engine = engine;
    }
}

static uint64_t tell_time(void *ctx)
{
    struct host *host = ctx;
    host->ticks++;
    call_back(host);
    return host->now;
}

static int32_t fill(void *ctx, uint8_t *bytes, size_t len)
{
    static uint32_t state = 1; // Random enough for a test.
    struct host *host = ctx;
    host->fills++;
    call_back(host);
    for (size_t i = 0; i < len; i++) {
        state = state * 1664525u + 1013904223u;
        bytes[i] = (uint8_t)(state >> 24);
    }
    return host->random_status;
}

static void record(void *ctx, grl_str event)
{
    struct host *host = ctx;
    host->events++;
    CHECK(!has(event, "grl_rt_") && !has(event, "grl_ac_") && !has(event, "eyJ"));
    snprintf(host->last_event, sizeof host->last_event, "%.*s", (int)event.len, (const char *)event.ptr);
    call_back(host);
}

static int32_t user_claims(void *ctx, grl_str subject, grl_str client_id, grl_str scope, grl_sink *claims)
{
    struct host *host = ctx;
    host->asked++;
    CHECK(same(subject, "alice") && same(client_id, "app") && has(scope, "openid"));
    call_back(host);
    // In pieces: the sink puts them together.
    grl_str all = grl_str_from(host->claims);
    for (size_t at = 0; at < all.len; at++) {
        CHECK(grl_sink_write(claims, grl_str_of(all.ptr + at, 1)) == GRL_OK);
    }
    return host->claims_status;
}

static int32_t sign(void *ctx, grl_str input, grl_sink *signature)
{
    uint8_t raw[64] = {1};
    struct host *host = ctx;
    host->signatures++;
    CHECK(has(input, "."));
    call_back(host);
    CHECK(grl_sink_write(signature, grl_str_of(raw, sizeof raw)) == GRL_OK);
    return host->sign_status;
}

static grl_host everything(struct host *ctx)
{
    grl_host host = GRL_HOST_INIT;
    host.ctx = ctx;
    host.release = release;
    host.clock = tell_time;
    host.random = fill;
    host.event = record;
    host.user_claims = user_claims;
    return host;
}

static void each_is_called_and_may_call_back(void)
{
    struct host ctx = {0};
    ctx.now = 1700000000;
    ctx.claims = "{\"name\":\"Alice\",\"email\":\"alice@example.com\",\"tier\":3}";
    grl_host host = everything(&ctx);
    grl_engine *engine = open_engine(&host);
    memset(&host, 0xa5, sizeof host); // Only borrowed.
    ctx.engine = engine;

    token_text access, refresh, next;
    grl_error *error;
    grl_buf json;
    sign_in(engine, access, refresh);
    CHECK(ctx.ticks > 0 && ctx.fills > 0 && ctx.events > 0);
    CHECK(has(grl_str_from(ctx.last_event), "{\"at\":1700000000,\"event\":\"token_issued\""));
    ok(grl_engine_userinfo(engine, grl_str_from(access), &json, &error), &error);
    CHECK(same(grl_buf_str(&json), "{\"sub\":\"alice\",\"tier\":3}")); // No scope for the others.
    grl_buf_free(&json);
    CHECK(ctx.asked == 1);
    CHECK(grl_engine_put_client(engine, GRL_STR(WEB), NULL) == GRL_OK);
    CHECK(grl_engine_rotate_keys(engine, NULL) == GRL_OK);

    // The host's clock decides.
    ctx.now += 3600;
    CHECK(verify(engine, access) == GRL_INVALID_TOKEN_EXPIRED);

    // A host that fails: nothing is issued, nothing has changed.
    grl_authorization *authorization = ask(engine, QUERY);
    grl_http_response *response;
    grl_login login = GRL_LOGIN_INIT;
    login.subject = GRL_STR("alice");
    grl_buf before = snapshot(engine);
    ctx.random_status = GRL_SERVER_ERROR;
    CHECK(grl_authorization_approve(authorization, &login, &response, &error) == GRL_SERVER_ERROR);
    CHECK(has(grl_error_detail(error), "random") && !has(grl_error_response(error), "random"));
    grl_error_free(error);
    CHECK(grl_engine_rotate_keys(engine, NULL) == GRL_SERVER_ERROR);
    ctx.random_status = GRL_TEMPORARILY_UNAVAILABLE;
    CHECK(grl_authorization_approve(authorization, &login, &response, NULL) == GRL_TEMPORARILY_UNAVAILABLE);
    CHECK(response == NULL && unchanged(engine, before));
    ctx.random_status = GRL_OK;
    // A clock that cannot tell the time.
    uint64_t now = ctx.now;
    before = snapshot(engine);
    ctx.now = 0;
    ctx.engine = NULL;
    CHECK(grl_authorization_approve(authorization, &login, &response, &error) == GRL_SERVER_ERROR);
    CHECK(response == NULL && has(grl_error_detail(error), "clock"));
    grl_error_free(error);
    CHECK(use(engine, refresh, access, next) == GRL_SERVER_ERROR);
    CHECK(verify(engine, access) == GRL_SERVER_ERROR);
    CHECK(grl_engine_rotate_keys(engine, NULL) == GRL_SERVER_ERROR);
    ctx.now = now;
    ctx.engine = engine;
    CHECK(unchanged(engine, before));
    ok(grl_authorization_approve(authorization, &login, &response, &error), &error);
    grl_http_response_free(response);
    grl_authorization_free(authorization);
    CHECK(use(engine, refresh, access, next) == GRL_OK);

    ctx.claims_status = GRL_NOT_FOUND;
    CHECK(grl_engine_userinfo(engine, grl_str_from(access), &json, NULL) == GRL_INVALID_TOKEN);
    ctx.claims_status = 1;
    CHECK(grl_engine_userinfo(engine, grl_str_from(access), &json, NULL) == GRL_SERVER_ERROR);
    ctx.claims_status = GRL_OK;
    ctx.claims = "no JSON";
    CHECK(grl_engine_userinfo(engine, grl_str_from(access), &json, NULL) == GRL_SERVER_ERROR);
    ctx.claims = "";
    CHECK(grl_engine_userinfo(engine, grl_str_from(access), &json, NULL) == GRL_SERVER_ERROR);

    ctx.engine = NULL;
    grl_engine_free(engine);
    CHECK(ctx.releases == 1);
}

static void a_signer_that_fails_leaves_the_grant_as_it_was(void)
{
    struct host ctx = {0};
    ctx.now = 1700000000;
    grl_host host = everything(&ctx);
    host.signing_key = GRL_STR(JWK);
    host.sign = sign;
    grl_engine *engine = open_engine(&host);
    ctx.engine = engine;
    token_text code, form, access, refresh, next, again;
    approve(engine, code);
    code_form(form, code);
    grl_buf before = snapshot(engine);
    ctx.sign_status = -1;
    CHECK(post(engine, form, access, refresh) == GRL_SERVER_ERROR);
    ctx.sign_status = GRL_TEMPORARILY_UNAVAILABLE;
    CHECK(post(engine, form, access, refresh) == GRL_TEMPORARILY_UNAVAILABLE);
    CHECK(unchanged(engine, before));
    ctx.sign_status = GRL_OK;
    CHECK(post(engine, form, access, refresh) == GRL_OK);
    CHECK(ctx.signatures > 0);

    refresh_form(form, refresh);
    before = snapshot(engine);
    ctx.sign_status = GRL_SERVER_ERROR;
    ctx.now += 1000;
    CHECK(post(engine, form, access, next) == GRL_SERVER_ERROR);
    CHECK(unchanged(engine, before));
    ctx.sign_status = GRL_OK;
    CHECK(post(engine, form, access, next) == GRL_OK);
    CHECK(use(engine, next, access, again) == GRL_OK);
    ctx.engine = NULL;
    grl_engine_free(engine);
    CHECK(ctx.releases == 1);
}

static int32_t sign_without_end(void *ctx, grl_str input, grl_sink *signature)
{
    grl_status status = GRL_OK;
    (void)ctx;
    for (int i = 0; i < 1000 && status == GRL_OK; i++) {
        status = grl_sink_write(signature, input);
    }
    CHECK(status == GRL_USAGE);
    return GRL_OK;
}

static void a_signature_of_the_wrong_length_is_refused(void)
{
    grl_host host = GRL_HOST_INIT;
    host.signing_key = GRL_STR(JWK);
    host.sign = sign_without_end;
    grl_engine *engine = open_engine(&host);
    token_text code, form, access, refresh;
    approve(engine, code);
    code_form(form, code);
    CHECK(post(engine, form, access, refresh) == GRL_SERVER_ERROR);
    grl_engine_free(engine);
}

static void release_is_called_exactly_once(void)
{
    struct host ctx = {0};
    grl_engine *engine;
    grl_host host = everything(&ctx);
    CHECK(grl_engine_new(GRL_STR("{"), &host, &engine, NULL) == GRL_CONFIG);
    CHECK(ctx.releases == 1);
    CHECK(grl_engine_new(GRL_STR("\xff"), &host, &engine, NULL) == GRL_USAGE_UTF8);
    CHECK(ctx.releases == 2);
    grl_engine **nowhere = NULL;
    CHECK(grl_engine_new(GRL_STR(CONFIG), &host, nowhere, NULL) == GRL_USAGE_NULL);
    CHECK(ctx.releases == 3);
    host.sign = sign; // A key without its other half.
    CHECK(grl_engine_new(GRL_STR(CONFIG), &host, &engine, NULL) == GRL_USAGE_NULL);
    host.sign = NULL;
    host.signing_key = GRL_STR(JWK);
    CHECK(grl_engine_new(GRL_STR(CONFIG), &host, &engine, NULL) == GRL_USAGE_NULL);
    host.sign = sign;
    host.signing_key = GRL_STR("{}");
    CHECK(grl_engine_new(GRL_STR(CONFIG), &host, &engine, NULL) == GRL_CONFIG_KEY);
    CHECK(ctx.releases == 6);
    host.size--;
    CHECK(grl_engine_new(GRL_STR(CONFIG), &host, &engine, NULL) == GRL_USAGE_SIZE);
    CHECK(ctx.releases == 6);

    // Not before the last one that can call has gone.
    ctx.releases = 0;
    ctx.now = 1700000000;
    host = everything(&ctx);
    engine = open_engine(&host);
    grl_authorization *authorization = ask(engine, QUERY);
    grl_engine_free(engine);
    CHECK(ctx.releases == 0);
    grl_authorization_free(authorization);
    CHECK(ctx.releases == 1);
}

// What a callback frees while the engine calls it.
struct freed_within {
    grl_engine *engine;
    grl_authorization *authorization;
    unsigned releases, events;
};

static void count_release(void *ctx)
{
    ((struct freed_within *)ctx)->releases++;
}

static void free_all(void *ctx, grl_str event)
{
    struct freed_within *mine = ctx;
    unsigned releases = mine->releases;
    CHECK(event.len > 0);
    mine->events++;
    grl_authorization_free(mine->authorization);
    grl_engine_free(mine->engine);
    mine->authorization = NULL;
    mine->engine = NULL;
    CHECK(mine->releases == releases); // The call is still to end.
}

static void what_a_callback_frees_lasts_until_the_call_is_over(void)
{
    struct freed_within ctx = {0};
    grl_host host = GRL_HOST_INIT;
    host.ctx = &ctx;
    host.release = count_release;
    host.event = free_all;
    grl_login login = GRL_LOGIN_INIT;
    login.subject = GRL_STR("alice");
    grl_error *error;

    // The engine and the authorization, while that is approved.
    ctx.engine = open_engine(&host);
    ctx.authorization = ask(ctx.engine, QUERY);
    grl_http_response *response;
    ok(grl_authorization_approve(ctx.authorization, &login, &response, &error), &error);
    CHECK(ctx.events == 1 && ctx.engine == NULL && ctx.releases == 1);
    CHECK(has(grl_http_response_header(response, GRL_STR("Location")), "code="));
    grl_http_response_free(response);

    // The engine, while it answers; the authorization goes on.
    ctx.engine = open_engine(&host);
    grl_authorization *pending = ask(ctx.engine, QUERY);
    grl_buf json;
    CHECK(grl_engine_token(ctx.engine, GRL_STR("grant_type=password"), NOTHING, &json, NULL) != GRL_OK);
    CHECK(ctx.events == 2 && ctx.engine == NULL && ctx.releases == 1);
    ok(grl_authorization_approve(pending, &login, &response, &error), &error);
    grl_http_response_free(response);
    grl_authorization_free(pending);
    CHECK(ctx.events == 3 && ctx.releases == 2);
}

int main(void)
{
    what_a_callback_frees_lasts_until_the_call_is_over();
    each_is_called_and_may_call_back();
    a_signer_that_fails_leaves_the_grant_as_it_was();
    a_signature_of_the_wrong_length_is_refused();
    release_is_called_exactly_once();
    return 0;
}
