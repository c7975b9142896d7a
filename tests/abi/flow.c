// Every operation, in the order in which a host meets them.
#include "support.h"

static void version(void)
{
    char expected[32];
    snprintf(expected, sizeof expected, "%d.%d.%d", GRL_VERSION_MAJOR, GRL_VERSION_MINOR, GRL_VERSION_PATCH);
    CHECK(strcmp(grl_version(), expected) == 0);
    CHECK(grl_abi_version() == GRL_ABI_VERSION);
    CHECK(grl_status_class(GRL_INVALID_GRANT_REUSED) == GRL_INVALID_GRANT);
    CHECK(GRL_INVALID_GRANT_REUSED == (GRL_INVALID_GRANT | (3 << 8)));
}

static void registry(void)
{
    grl_engine *engine;
    grl_error *error;
    grl_authorization *authorization;
    size_t revoked = 99;
    ok(grl_engine_new(GRL_STR("{\"issuer\":\"http://127.0.0.1:8080/\"}"), NULL, &engine, &error), &error);
    CHECK(grl_engine_authorize(engine, GRL_STR(QUERY), &authorization, NULL) == GRL_INVALID_CLIENT_UNKNOWN);
    ok(grl_engine_put_api(engine, GRL_STR(API), &error), &error);
    ok(grl_engine_put_client(engine, GRL_STR(APP), &error), &error);
    token_text access, refresh;
    sign_in(engine, access, refresh);

    // What is refused changes nothing, and says where.
    CHECK(grl_engine_put_client(engine, GRL_STR("{\"client_id\":\"app\",\"redirect_uri\":[]}"), &error) ==
          GRL_CONFIG_UNKNOWN_KEY);
    CHECK(has(grl_error_description(error), "redirect_uris"));
    grl_error_free(error);
    CHECK(use(engine, refresh, access, refresh) == GRL_OK);

    ok(grl_engine_remove_client(engine, GRL_STR("app"), &revoked, &error), &error);
    CHECK(revoked == 1);
    CHECK(grl_engine_remove_client(engine, GRL_STR("app"), &revoked, NULL) == GRL_NOT_FOUND);
    CHECK(revoked == 0);
    CHECK(use(engine, refresh, access, refresh) == GRL_INVALID_CLIENT_UNKNOWN);
    ok(grl_engine_remove_api(engine, GRL_STR("https://api.example.com/"), &error), &error);
    CHECK(grl_engine_remove_api(engine, GRL_STR("https://api.example.com/"), NULL) == GRL_NOT_FOUND);
    grl_engine_free(engine);
}

static void authorization(const grl_engine *engine)
{
    grl_error *error;
    grl_http_response *response;
    grl_authorization *pending = ask(engine, QUERY "&nonce=n-1&max_age=60&login_hint=al");
    grl_str request = grl_authorization_request(pending);
    CHECK(has(request, "\"client_id\":\"app\"") && has(request, "\"offline_access\":true"));
    CHECK(has(request, "\"max_age\":60") && has(request, "\"login_hint\":\"al\""));

    // A login that lacks what was asked changes nothing: a better one may follow.
    grl_login login = GRL_LOGIN_INIT;
    login.subject = GRL_STR("alice");
    CHECK(grl_authorization_approve(pending, &login, &response, NULL) == GRL_USAGE);
    CHECK(response == NULL);
    login.auth_time = 1;
    CHECK(grl_authorization_approve(pending, &login, &response, NULL) == GRL_LOGIN_REQUIRED);
    login.auth_time = 4102444800u;
    grl_str scope = GRL_STR("openid read:notes");
    login.scope = &scope;
    login.acr = GRL_STR("urn:example:loa:2");
    login.amr = GRL_STR("pwd otp");
    login.sid = GRL_STR("session-1");
    login.access_token_claims = GRL_STR("{\"tenant\":\"t-1\"}");
    login.id_token_claims = GRL_STR("{\"locale\":\"de\"}");
    ok(grl_authorization_approve(pending, &login, &response, &error), &error);
    token_text code, form, access;
    cut(code, grl_http_response_header(response, GRL_STR("Location")), "code=", "&");
    grl_http_response_free(response);
    CHECK(grl_authorization_approve(pending, &login, &response, NULL) == GRL_USAGE_ANSWERED);
    grl_authorization_free(pending);

    code_form(form, code);
    grl_buf json, claims;
    ok(grl_engine_token(engine, grl_str_from(form), NOTHING, &json, &error), &error);
    CHECK(has(grl_buf_str(&json), "\"id_token\":\"") && !has(grl_buf_str(&json), "refresh_token"));
    grl_buf token, member;
    ok(grl_json_member(grl_buf_str(&json), GRL_STR("access_token"), &token, &error), &error);
    CHECK(grl_json_member(grl_buf_str(&json), GRL_STR("refresh_token"), &member, &error) == GRL_NOT_FOUND);
    CHECK(member.ptr == NULL);
    grl_error_free(error);
    snprintf(access, sizeof access, "%s", (const char *)token.ptr);
    grl_buf_free(&token);
    grl_buf_free(&json);
    ok(grl_engine_verify(engine, grl_str_from(access), AUDIENCE, NOTHING, &claims, &error), &error);
    ok(grl_json_member(grl_buf_str(&claims), GRL_STR("auth_time"), &member, &error), &error);
    CHECK(same(grl_buf_str(&member), "4102444800"));
    grl_buf_free(&member);
    CHECK(has(grl_buf_str(&claims), "\"tenant\":\"t-1\"") && has(grl_buf_str(&claims), "\"acr\":\"urn:example:loa:2\""));
    grl_buf_free(&claims);
    CHECK(grl_engine_verify(engine, grl_str_from(access), AUDIENCE, GRL_STR("read:notes write:notes"), &claims,
                            NULL) == GRL_INSUFFICIENT_SCOPE);
    CHECK(grl_engine_verify(engine, grl_str_from(access), GRL_STR("https://other.example.com/"), NOTHING,
                            &claims, NULL) == GRL_INVALID_TOKEN_AUDIENCE);

    // Consenting to nothing is not consenting to all.
    pending = ask(engine, QUERY);
    grl_str none = NOTHING;
    login.scope = &none;
    ok(grl_authorization_approve(pending, &login, &response, &error), &error);
    cut(code, grl_http_response_header(response, GRL_STR("Location")), "code=", "&");
    grl_http_response_free(response);
    grl_authorization_free(pending);
    code_form(form, code);
    ok(grl_engine_token(engine, grl_str_from(form), NOTHING, &json, &error), &error);
    CHECK(has(grl_buf_str(&json), "\"scope\":\"\""));
    grl_buf_free(&json);
}

static void denial(const grl_engine *engine)
{
    static const struct {
        grl_status why;
        const char *error;
    } denials[] = {
        {GRL_ACCESS_DENIED, "?error=access_denied&"},
        {GRL_LOGIN_REQUIRED, "?error=login_required&"},
        {GRL_CONSENT_REQUIRED, "?error=consent_required&"},
        {GRL_INTERACTION_REQUIRED, "?error=interaction_required&"},
        {GRL_ACCOUNT_SELECTION_REQUIRED, "?error=account_selection_required&"},
        {GRL_UNMET_AUTHENTICATION_REQUIREMENTS, "?error=unmet_authentication_requirements&"},
        {GRL_TEMPORARILY_UNAVAILABLE, "?error=temporarily_unavailable&"},
        {GRL_SERVER_ERROR, "?error=server_error&"},
    };
    grl_error *error;
    grl_http_response *response;
    grl_authorization *pending = ask(engine, QUERY);
    for (size_t i = 0; i < sizeof denials / sizeof denials[0]; i++) {
        ok(grl_authorization_deny(pending, denials[i].why, &response, &error), &error);
        grl_str location = grl_http_response_header(response, GRL_STR("Location"));
        CHECK(has(location, denials[i].error) && has(location, "state=xyz") && has(location, "iss="));
        grl_http_response_free(response);
    }
    CHECK(grl_authorization_deny(pending, GRL_OK, &response, NULL) == GRL_USAGE && response == NULL);
    CHECK(grl_authorization_deny(pending, -1, &response, NULL) == GRL_USAGE);
    grl_authorization_free(pending);
}

static void story(const grl_engine *engine)
{
    token_text access, first, second, third, newest, unused;
    sign_in(engine, access, first);
    CHECK(verify(engine, access) == GRL_OK);
    CHECK(use(engine, first, newest, second) == GRL_OK);
    CHECK(strcmp(first, second) != 0);
    // The answer got lost: the same again gives the same again.
    CHECK(use(engine, first, newest, third) == GRL_OK);
    CHECK(strcmp(second, third) == 0);
    CHECK(use(engine, second, newest, third) == GRL_OK);
    // A theft revokes everything.
    CHECK(use(engine, first, unused, unused) == GRL_INVALID_GRANT_REUSED);
    CHECK(use(engine, third, unused, unused) == GRL_INVALID_GRANT_REVOKED);
    CHECK(verify(engine, access) == GRL_INVALID_TOKEN_REVOKED);
    CHECK(verify(engine, newest) == GRL_INVALID_TOKEN_REVOKED);
}

static void resource_server(const grl_engine *engine)
{
    grl_error *error;
    grl_buf json;
    token_text access, refresh, form;
    sign_in(engine, access, refresh);

    snprintf(form, sizeof form, "client_id=web&client_secret=correct+horse+battery+staple&token=%.1024s", access);
    ok(grl_engine_introspect(engine, grl_str_from(form), NOTHING, &json, &error), &error);
    CHECK(same(grl_buf_str(&json), "{\"active\":false}")); // Somebody else's token.
    grl_buf_free(&json);
    CHECK(grl_engine_introspect(engine, GRL_STR("token=x"), NOTHING, &json, NULL) == GRL_INVALID_CLIENT_MISSING);

    ok(grl_engine_userinfo(engine, grl_str_from(access), &json, &error), &error);
    CHECK(same(grl_buf_str(&json), "{\"sub\":\"alice\"}"));
    grl_buf_free(&json);

    snprintf(form, sizeof form, "client_id=app&token=%.1024s", refresh);
    ok(grl_engine_revoke(engine, grl_str_from(form), NOTHING, &error), &error);
    ok(grl_engine_revoke(engine, GRL_STR("client_id=app&token=unknown"), NOTHING, &error), &error);
    CHECK(verify(engine, access) == GRL_INVALID_TOKEN_REVOKED);
    CHECK(grl_engine_userinfo(engine, grl_str_from(access), &json, NULL) == GRL_INVALID_TOKEN_REVOKED);

    CHECK(grl_engine_token(engine, GRL_STR("grant_type=client_credentials&client_id=app"), NOTHING, &json,
                           NULL) == GRL_UNAUTHORIZED_CLIENT);
}

static void grants(const grl_engine *engine)
{
    grl_error *error;
    grl_buf json;
    token_text access, refresh, id;
    size_t count;
    ok(grl_engine_grants(engine, NOTHING, GRL_STR("alice"), &json, &error), &error);
    CHECK(has(grl_buf_str(&json), "\"client_id\":\"app\""));
    grl_buf_free(&json);
    ok(grl_engine_grants(engine, NOTHING, GRL_STR("bob"), &json, &error), &error);
    CHECK(same(grl_buf_str(&json), "[]"));
    grl_buf_free(&json);

    sign_in(engine, access, refresh);
    ok(grl_engine_revoke_grants(engine, GRL_STR("app"), GRL_STR("alice"), &count, &error), &error);
    CHECK(count > 0);
    ok(grl_engine_revoke_grants(engine, GRL_STR("app"), NOTHING, &count, &error), &error);
    CHECK(count == 0);
    ok(grl_engine_revoke_grants(engine, NOTHING, GRL_STR("alice"), NULL, &error), &error);
    CHECK(grl_engine_revoke_grants(engine, NOTHING, NOTHING, &count, NULL) == GRL_USAGE);
    CHECK(use(engine, refresh, access, refresh) == GRL_INVALID_GRANT_REVOKED);

    // One by one, on an engine that has no other.
    grl_engine *fresh = open_engine(NULL);
    sign_in(fresh, access, refresh);
    ok(grl_engine_grants(fresh, NOTHING, NOTHING, &json, &error), &error);
    cut(id, grl_buf_str(&json), "\"grant_id\":\"", "\"");
    grl_buf_free(&json);
    ok(grl_engine_grant(fresh, grl_str_from(id), &json, &error), &error);
    CHECK(has(grl_buf_str(&json), id) && has(grl_buf_str(&json), "\"state\":\"active\""));
    grl_buf_free(&json);
    ok(grl_engine_revoke_grant(fresh, grl_str_from(id), &count, &error), &error);
    CHECK(count == 1);
    ok(grl_engine_revoke_grant(fresh, grl_str_from(id), &count, &error), &error);
    CHECK(count == 0);
    CHECK(use(fresh, refresh, access, refresh) == GRL_INVALID_GRANT_REVOKED);
    CHECK(grl_engine_grant(fresh, GRL_STR("AAAAAAAAAAAAAAAAAAAAAA"), &json, NULL) == GRL_NOT_FOUND);
    CHECK(grl_engine_revoke_grant(fresh, GRL_STR("no id"), &count, NULL) == GRL_NOT_FOUND);
    grl_engine_free(fresh);
}

static void keys_and_documents(const grl_engine *engine)
{
    grl_error *error;
    grl_buf before, after, metadata;
    token_text access, refresh;
    size_t removed;
    sign_in(engine, access, refresh);
    ok(grl_engine_jwks(engine, &before, &error), &error);
    ok(grl_engine_rotate_keys(engine, &error), &error);
    ok(grl_engine_jwks(engine, &after, &error), &error);
    CHECK(!same(grl_buf_str(&before), (const char *)after.ptr));
    CHECK(!has(grl_buf_str(&after), "\"d\":"));
    CHECK(verify(engine, access) == GRL_OK);
    CHECK(use(engine, refresh, access, refresh) == GRL_OK);
    ok(grl_engine_metadata(engine, &metadata, &error), &error);
    CHECK(has(grl_buf_str(&metadata), "\"issuer\":\"http://127.0.0.1:8080/\""));
    ok(grl_engine_sweep(engine, 10, &removed, &error), &error);
    ok(grl_engine_sweep(engine, 10, NULL, &error), &error);
    grl_buf_free(&before);
    grl_buf_free(&after);
    grl_buf_free(&metadata);
}

int main(void)
{
    version();
    registry();
    grl_engine *engine = open_engine(NULL);
    authorization(engine);
    denial(engine);
    story(engine);
    resource_server(engine);
    grants(engine);
    keys_and_documents(engine);
    grl_engine_free(engine);
    return 0;
}
