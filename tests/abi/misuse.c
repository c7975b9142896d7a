// What a C caller gets wrong: NULL, text that is not UTF-8, the wrong size, the wrong order.
#include "support.h"

// In variables, so that no compiler warns of what this test is about.
static grl_engine *no_engine;
static grl_authorization *no_authorization;
static grl_http_response *no_response, **no_response_out;
static grl_error *no_error;
static grl_buf *no_buf;
static grl_login *no_login;
static grl_http_request *no_request;
static grl_sink *no_sink;
static size_t *no_length;
static uint8_t *no_bytes;

// A call that must fail for a NULL, with an error object that says of what.
#define NULL_FAILS(call)                                                                           \
    do {                                                                                           \
        grl_error *error = NULL;                                                                   \
        CHECK((call) == GRL_USAGE_NULL);                                                           \
        CHECK(grl_error_status(error) == GRL_USAGE_NULL);                                          \
        CHECK(has(grl_error_description(error), "NULL"));                                          \
        grl_error_free(error);                                                                     \
    } while (0)

static void every_null(const grl_engine *engine)
{
    grl_str text = GRL_STR("x");
    grl_buf buf;
    grl_authorization *authorization = ask(engine, QUERY), *other;
    grl_http_response *response;
    grl_http_request request = GRL_HTTP_REQUEST_INIT;
    grl_login login = GRL_LOGIN_INIT;
    grl_engine **no_engine_out = NULL;
    grl_authorization **no_authorization_out = NULL;
    uint8_t bytes[8];
    size_t length;

    NULL_FAILS(grl_engine_new(GRL_STR(CONFIG), NULL, no_engine_out, &error));
    NULL_FAILS(grl_engine_put_api(no_engine, text, &error));
    NULL_FAILS(grl_engine_remove_api(no_engine, text, &error));
    NULL_FAILS(grl_engine_put_client(no_engine, text, &error));
    NULL_FAILS(grl_engine_remove_client(no_engine, text, NULL, &error));
    NULL_FAILS(grl_engine_rotate_keys(no_engine, &error));
    NULL_FAILS(grl_engine_sweep(no_engine, 1, NULL, &error));
    NULL_FAILS(grl_engine_authorize(no_engine, text, &other, &error));
    NULL_FAILS(grl_engine_authorize(engine, text, no_authorization_out, &error));
    NULL_FAILS(grl_authorization_approve(no_authorization, &login, &response, &error));
    NULL_FAILS(grl_authorization_approve(authorization, no_login, &response, &error));
    NULL_FAILS(grl_authorization_approve(authorization, &login, no_response_out, &error));
    NULL_FAILS(grl_authorization_deny(no_authorization, GRL_ACCESS_DENIED, &response, &error));
    NULL_FAILS(grl_authorization_deny(authorization, GRL_ACCESS_DENIED, no_response_out, &error));
    NULL_FAILS(grl_engine_token(no_engine, text, text, &buf, &error));
    NULL_FAILS(grl_engine_token(engine, text, text, no_buf, &error));
    NULL_FAILS(grl_engine_token_into(no_engine, text, text, bytes, sizeof bytes, &length, &error));
    NULL_FAILS(grl_engine_token_into(engine, text, text, no_bytes, 8, &length, &error));
    NULL_FAILS(grl_engine_token_into(engine, text, text, bytes, sizeof bytes, no_length, &error));
    NULL_FAILS(grl_engine_verify(no_engine, text, text, text, &buf, &error));
    NULL_FAILS(grl_engine_verify(engine, text, text, text, no_buf, &error));
    NULL_FAILS(grl_engine_revoke(no_engine, text, text, &error));
    NULL_FAILS(grl_engine_introspect(no_engine, text, text, &buf, &error));
    NULL_FAILS(grl_engine_introspect(engine, text, text, no_buf, &error));
    NULL_FAILS(grl_engine_userinfo(no_engine, text, &buf, &error));
    NULL_FAILS(grl_engine_userinfo(engine, text, no_buf, &error));
    NULL_FAILS(grl_engine_metadata(no_engine, &buf, &error));
    NULL_FAILS(grl_engine_metadata(engine, no_buf, &error));
    NULL_FAILS(grl_engine_jwks(no_engine, &buf, &error));
    NULL_FAILS(grl_engine_jwks(engine, no_buf, &error));
    NULL_FAILS(grl_engine_grants(no_engine, text, text, &buf, &error));
    NULL_FAILS(grl_engine_grants(engine, text, text, no_buf, &error));
    NULL_FAILS(grl_engine_grant(no_engine, text, &buf, &error));
    NULL_FAILS(grl_engine_grant(engine, text, no_buf, &error));
    NULL_FAILS(grl_engine_revoke_grant(no_engine, text, NULL, &error));
    NULL_FAILS(grl_engine_revoke_grants(no_engine, text, text, NULL, &error));
    NULL_FAILS(grl_json_member(text, text, no_buf, &error));
    NULL_FAILS(grl_engine_handle(no_engine, &request, &response, &other, &error));
    NULL_FAILS(grl_engine_handle(engine, no_request, &response, &other, &error));
    NULL_FAILS(grl_engine_handle(engine, &request, no_response_out, &other, &error));
    NULL_FAILS(grl_engine_handle(engine, &request, &response, no_authorization_out, &error));
    request.header_count = 1;
    NULL_FAILS(grl_engine_handle(engine, &request, &response, &other, &error));
    NULL_FAILS(grl_engine_put_api(engine, grl_str_of(NULL, 1), &error));

    // Without an error object to fill, too; and a text of no length needs no pointer.
    CHECK(grl_engine_jwks(no_engine, &buf, NULL) == GRL_USAGE_NULL);
    CHECK(grl_engine_put_api(engine, grl_str_of(NULL, 0), NULL) == GRL_CONFIG);

    // Getters of nothing give nothing; freeing nothing does nothing.
    CHECK(grl_error_status(no_error) == GRL_OK && grl_error_http_status(no_error) == 200);
    CHECK(grl_error_oauth_code(no_error).len == 0 && grl_error_description(no_error).len == 0);
    CHECK(grl_error_detail(no_error).len == 0 && grl_error_response(no_error).len == 0);
    CHECK(grl_error_redirect(no_error) == NULL);
    CHECK(grl_authorization_request(no_authorization).len == 0);
    CHECK(grl_http_response_status(no_response) == 500 && grl_http_response_header_count(no_response) == 0);
    CHECK(grl_http_response_header_name(no_response, 0).len == 0);
    CHECK(grl_http_response_header_value(no_response, 0).len == 0);
    CHECK(grl_http_response_header(no_response, text).len == 0);
    CHECK(grl_http_response_body(no_response).len == 0);
    CHECK(grl_sink_write(no_sink, text) == GRL_USAGE_NULL);
    grl_buf empty = GRL_BUF_INIT;
    grl_buf_free(&empty);
    grl_buf_free(NULL);
    grl_engine_free(NULL);
    grl_authorization_free(NULL);
    grl_http_response_free(NULL);
    grl_error_free(NULL);
    grl_authorization_free(authorization);
}

// Outputs hold garbage before the call; a failed call leaves nothing that could be freed by mistake.
static void outputs_are_emptied(const grl_engine *engine)
{
    grl_buf buf;
    memset(&buf, 0xa5, sizeof buf);
    grl_error *error = (grl_error *)(void *)&buf;
    CHECK(grl_engine_token(engine, GRL_STR("grant_type=none"), NOTHING, &buf, &error) != GRL_OK);
    CHECK(buf.ptr == NULL && buf.len == 0 && buf.cap == 0);
    grl_error_free(error);
    size_t count = 77;
    CHECK(grl_engine_remove_client(engine, GRL_STR("nobody"), &count, NULL) == GRL_NOT_FOUND);
    CHECK(count == 0);
    error = (grl_error *)(void *)&buf;
    CHECK(grl_engine_jwks(engine, &buf, &error) == GRL_OK);
    CHECK(error == NULL);
    grl_buf_free(&buf);
    grl_buf_free(&buf); // It is empty now.
}

// DESIGN 6: «A NUL inside a parameter can then never cut it short.»
static void text_is_taken_whole(const grl_engine *engine)
{
    static const char *const not_utf8[] = {"\xff", "\xc3\x28", "\xed\xa0\x80", "\xc0\xaf", "\xf8\x88\x80\x80\x80"};
    grl_error *error;
    grl_buf buf;
    grl_authorization *authorization;
    for (size_t i = 0; i < sizeof not_utf8 / sizeof not_utf8[0]; i++) {
        grl_str bad = grl_str_from(not_utf8[i]);
        CHECK(grl_engine_token(engine, bad, NOTHING, &buf, &error) == GRL_USAGE_UTF8);
        CHECK(has(grl_error_description(error), "form"));
        grl_error_free(error);
        CHECK(grl_engine_token(engine, NOTHING, bad, &buf, NULL) == GRL_USAGE_UTF8);
        CHECK(grl_engine_authorize(engine, bad, &authorization, NULL) == GRL_USAGE_UTF8);
        CHECK(grl_engine_put_client(engine, bad, NULL) == GRL_USAGE_UTF8);
        CHECK(grl_engine_verify(engine, bad, NOTHING, NOTHING, &buf, NULL) == GRL_USAGE_UTF8);
        CHECK(grl_engine_grant(engine, bad, &buf, NULL) == GRL_USAGE_UTF8);
        grl_engine *other;
        CHECK(grl_engine_new(bad, NULL, &other, NULL) == GRL_USAGE_UTF8 && other == NULL);
    }
    // Cut at its NUL, each of these would be good.
    CHECK(grl_engine_authorize(engine, GRL_STR(QUERY "\0"), &authorization, NULL) != GRL_OK);
    CHECK(grl_engine_authorize(engine, GRL_STR("client_id=app\0" QUERY), &authorization, NULL) != GRL_OK);
    CHECK(grl_engine_remove_client(engine, GRL_STR("app\0x"), NULL, NULL) == GRL_NOT_FOUND);
    token_text access, refresh;
    sign_in(engine, access, refresh);
    grl_str longer = grl_str_of(access, strlen(access) + 1);
    CHECK(grl_engine_verify(engine, longer, AUDIENCE, NOTHING, &buf, NULL) != GRL_OK);
    CHECK(grl_engine_verify(engine, grl_str_from(access), GRL_STR("https://api.example.com/\0"), NOTHING, &buf,
                            NULL) == GRL_INVALID_TOKEN_AUDIENCE);
    authorization = ask(engine, QUERY);
    grl_login login = GRL_LOGIN_INIT;
    grl_http_response *response;
    login.subject = GRL_STR("alice\0admin");
    CHECK(grl_authorization_approve(authorization, &login, &response, NULL) == GRL_USAGE);
    login.subject = GRL_STR("");
    CHECK(grl_authorization_approve(authorization, &login, &response, NULL) == GRL_USAGE);
    login.subject = GRL_STR("alice");
    login.id_token_claims = GRL_STR("[]");
    CHECK(grl_authorization_approve(authorization, &login, &response, NULL) == GRL_USAGE);
    login.id_token_claims = GRL_STR("{\"sub\":\"admin\"}");
    CHECK(grl_authorization_approve(authorization, &login, &response, NULL) == GRL_USAGE);
    grl_authorization_free(authorization);
}

static void sizes(const grl_engine *engine)
{
    grl_error *error;
    grl_authorization *authorization = ask(engine, QUERY), *other;
    grl_http_response *response;
    grl_login login = GRL_LOGIN_INIT;
    grl_http_request request = GRL_HTTP_REQUEST_INIT;
    login.subject = GRL_STR("alice");
    login.size++;
    CHECK(grl_authorization_approve(authorization, &login, &response, &error) == GRL_USAGE_SIZE);
    CHECK(has(grl_error_description(error), "login"));
    grl_error_free(error);
    // Of a struct whose size is wrong, nothing else is read: it may end right there.
    size_t *alone = malloc(sizeof *alone);
    *alone = sizeof *alone;
    CHECK(grl_authorization_approve(authorization, (grl_login *)(void *)alone, &response, NULL) == GRL_USAGE_SIZE);
    CHECK(grl_engine_handle(engine, (grl_http_request *)(void *)alone, &response, &other, NULL) == GRL_USAGE_SIZE);
    grl_engine *unmade;
    CHECK(grl_engine_new(GRL_STR(CONFIG), (grl_host *)(void *)alone, &unmade, NULL) == GRL_USAGE_SIZE);
    free(alone);
    request.size = 0;
    CHECK(grl_engine_handle(engine, &request, &response, &other, NULL) == GRL_USAGE_SIZE);
    grl_http_request huge = GRL_HTTP_REQUEST_INIT;
    grl_http_header header = {GRL_STR("a"), GRL_STR("b")};
    huge.headers = &header;
    huge.header_count = SIZE_MAX;
    CHECK(grl_engine_handle(engine, &huge, &response, &other, NULL) == GRL_USAGE);
    grl_authorization_free(authorization);
}

static void errors(void)
{
    grl_engine *engine = open_engine(NULL);
    grl_error *error, *redirected, *config;
    grl_authorization *authorization;
    grl_buf json;
    CHECK(grl_engine_token(engine, GRL_STR("grant_type=refresh_token&client_id=app&refresh_token=grl_rt_x"),
                           NOTHING, &json, &error) == GRL_INVALID_GRANT_MALFORMED);
    // It may be redirected: the client and where it lives are known.
    CHECK(grl_engine_authorize(engine, GRL_STR(QUERY "&prompt=none%20login"), &authorization, &redirected) ==
          GRL_INVALID_REQUEST);
    grl_engine *other;
    CHECK(grl_engine_new(GRL_STR("{\"issuer\":\"http://x/\",\"clinets\":[]}"), NULL, &other, &config) ==
          GRL_CONFIG_UNKNOWN_KEY);
    grl_engine_free(engine);

    // All of them outlive the engine.
    CHECK(grl_error_status(error) == GRL_INVALID_GRANT_MALFORMED && grl_error_http_status(error) == 400);
    CHECK(same(grl_error_oauth_code(error), "invalid_grant"));
    CHECK(has(grl_error_response(error), "{\"error\":\"invalid_grant\",\"error_description\":\""));
    CHECK(!has(grl_error_response(error), "grl_rt_x") && !has(grl_error_detail(error), "grl_rt_x"));
    CHECK(grl_error_redirect(error) == NULL);
    grl_error_free(error);

    const grl_http_response *redirect = grl_error_redirect(redirected);
    CHECK(grl_http_response_status(redirect) == 303);
    grl_str location = grl_http_response_header(redirect, GRL_STR("Location"));
    CHECK(has(location, "com.example.app:/done?error=invalid_request&") && has(location, "state=xyz"));
    grl_error_free(redirected);

    CHECK(has(grl_error_description(config), "clinets") && has(grl_error_description(config), "clients"));
    CHECK(grl_error_http_status(config) == 500);
    grl_error_free(config);
}

static void must_not_be_redirected(const grl_engine *engine)
{
    grl_error *error;
    grl_authorization *authorization;
    CHECK(grl_engine_authorize(engine, GRL_STR("response_type=code&client_id=app&redirect_uri=https%3A%2F%2Fevil"),
                               &authorization, &error) == GRL_INVALID_REQUEST_REDIRECT_URI);
    CHECK(grl_error_redirect(error) == NULL);
    grl_error_free(error);
}

static void any_order_of_freeing(void)
{
    grl_engine *engine = open_engine(NULL);
    grl_authorization *authorization = ask(engine, QUERY);
    grl_engine_free(engine);
    // The authorization keeps what it needs.
    grl_login login = GRL_LOGIN_INIT;
    grl_http_response *response;
    grl_error *error;
    login.subject = GRL_STR("alice");
    ok(grl_authorization_approve(authorization, &login, &response, &error), &error);
    CHECK(grl_authorization_approve(authorization, &login, &(grl_http_response *){NULL}, NULL) ==
          GRL_USAGE_ANSWERED);
    grl_authorization_free(authorization);
    CHECK(has(grl_http_response_header(response, GRL_STR("LOCATION")), "code="));
    grl_http_response_free(response);
}

int main(void)
{
    grl_engine *engine = open_engine(NULL);
    every_null(engine);
    outputs_are_emptied(engine);
    text_is_taken_whole(engine);
    sizes(engine);
    must_not_be_redirected(engine);
    grl_engine_free(engine);
    errors();
    any_order_of_freeing();
    return 0;
}
