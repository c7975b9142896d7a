// What the C tests share: a check that says where it failed, and the first steps of the story.
#ifndef GRL_TESTS_SUPPORT_H
#define GRL_TESTS_SUPPORT_H

#include <grantlet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(what)                                                                                \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what);                     \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

#define CONFIG                                                                                     \
    "{\"issuer\":\"http://127.0.0.1:8080/\",\"apis\":[" API "],\"clients\":[" APP "," WEB "]}"
#define API                                                                                        \
    "{\"identifier\":\"https://api.example.com/\",\"scopes\":[\"read:notes\",\"write:notes\"],"    \
    "\"allow_offline_access\":true}"
#define APP                                                                                        \
    "{\"client_id\":\"app\",\"application_type\":\"native\","                                      \
    "\"token_endpoint_auth_method\":\"none\",\"redirect_uris\":[\"com.example.app:/done\"],"       \
    "\"grant_types\":[\"authorization_code\",\"refresh_token\"],"                                  \
    "\"refresh_token\":{\"leeway\":\"until_used\"}}"
#define WEB                                                                                        \
    "{\"client_id\":\"web\",\"client_secret\":\"correct horse battery staple\","                   \
    "\"token_endpoint_auth_method\":\"client_secret_post\","                                       \
    "\"redirect_uris\":[\"https://web.example.com/done\"],"                                        \
    "\"grant_types\":[\"authorization_code\",\"refresh_token\",\"client_credentials\"],"           \
    "\"client_grants\":[{\"audience\":\"https://api.example.com/\",\"scope\":[\"read:notes\"]}]}"

// RFC 7636, appendix B.
#define PKCE "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
#define VERIFIER "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
#define QUERY                                                                                      \
    "response_type=code&client_id=app&redirect_uri=com.example.app%3A%2Fdone&state=xyz"            \
    "&scope=openid%20offline_access%20read%3Anotes&audience=https%3A%2F%2Fapi.example.com%2F&" PKCE
#define AUDIENCE GRL_STR("https://api.example.com/")
#define NOTHING GRL_STR("")

typedef char token_text[2048];

static inline int same(grl_str text, const char *expected)
{
    return text.len == strlen(expected) && (text.len == 0 || memcmp(text.ptr, expected, text.len) == 0);
}

static inline int has(grl_str text, const char *part)
{
    size_t len = strlen(part);
    for (size_t at = 0; at + len <= text.len; at++) {
        if (memcmp(text.ptr + at, part, len) == 0) {
            return 1;
        }
    }
    return 0;
}

// Copies what stands between `before` and the next character of `end`; empty if it is not there.
static inline void cut(token_text out, grl_str from, const char *before, const char *end)
{
    size_t skip = strlen(before), at = 0, len = 0;
    while (at + skip <= from.len && memcmp(from.ptr + at, before, skip) != 0) {
        at++;
    }
    if (at + skip <= from.len) {
        for (at += skip; at + len < from.len && !strchr(end, from.ptr[at + len]); len++) {
        }
        CHECK(len < sizeof(token_text));
        memcpy(out, from.ptr + at, len);
    }
    out[len] = 0;
}

// Ends the test with the error's own words if a call failed.
static inline void ok(grl_status status, grl_error **error)
{
    if (status != GRL_OK) {
        grl_str why = grl_error_description(*error), more = grl_error_detail(*error);
        fprintf(stderr, "status %d: %.*s (%.*s)\n", (int)status, (int)why.len, (const char *)why.ptr,
                (int)more.len, (const char *)more.ptr);
        exit(1);
    }
    CHECK(*error == NULL);
}

static inline grl_engine *open_engine(const grl_host *host)
{
    grl_engine *engine;
    grl_error *error;
    ok(grl_engine_new(GRL_STR(CONFIG), host, &engine, &error), &error);
    CHECK(engine != NULL);
    return engine;
}

static inline grl_authorization *ask(const grl_engine *engine, const char *query)
{
    grl_authorization *authorization;
    grl_error *error;
    ok(grl_engine_authorize(engine, grl_str_from(query), &authorization, &error), &error);
    return authorization;
}

// Alice consents; the code comes back.
static inline void approve(const grl_engine *engine, token_text code)
{
    grl_authorization *authorization = ask(engine, QUERY);
    grl_login login = GRL_LOGIN_INIT;
    grl_http_response *response;
    grl_error *error;
    login.subject = GRL_STR("alice");
    ok(grl_authorization_approve(authorization, &login, &response, &error), &error);
    CHECK(grl_http_response_status(response) == 303);
    cut(code, grl_http_response_header(response, GRL_STR("location")), "code=", "&");
    grl_http_response_free(response);
    grl_authorization_free(authorization);
}

static inline void code_form(token_text form, const char *code)
{
    snprintf(form, sizeof(token_text),
             "grant_type=authorization_code&client_id=app&redirect_uri=com.example.app%%3A%%2Fdone"
             "&code_verifier=" VERIFIER "&code=%.1024s",
             code);
}

static inline void refresh_form(token_text form, const char *refresh_token)
{
    snprintf(form, sizeof(token_text), "grant_type=refresh_token&client_id=app&refresh_token=%.1024s",
             refresh_token);
}

// Posts a form to the token endpoint; keeps both tokens on success.
static inline grl_status post(const grl_engine *engine, const char *form, token_text access,
                              token_text refresh)
{
    grl_buf json;
    grl_status status = grl_engine_token(engine, grl_str_from(form), NOTHING, &json, NULL);
    CHECK((json.ptr != NULL) == (status == GRL_OK));
    if (status == GRL_OK) {
        CHECK(json.ptr[json.len] == 0 && strlen((const char *)json.ptr) == json.len);
        cut(access, grl_buf_str(&json), "\"access_token\":\"", "\"");
        cut(refresh, grl_buf_str(&json), "\"refresh_token\":\"", "\"");
    }
    grl_buf_free(&json);
    CHECK(json.ptr == NULL && json.len == 0);
    return status;
}

// The story up to the first refresh token.
static inline void sign_in(const grl_engine *engine, token_text access, token_text refresh)
{
    token_text code, form;
    approve(engine, code);
    code_form(form, code);
    CHECK(post(engine, form, access, refresh) == GRL_OK);
}

static inline grl_status use(const grl_engine *engine, const char *refresh_token, token_text access,
                             token_text refresh)
{
    token_text form;
    refresh_form(form, refresh_token);
    return post(engine, form, access, refresh);
}

// All that is stored, as the host may see it: two of them are alike if nothing has changed.
static inline grl_buf snapshot(const grl_engine *engine)
{
    grl_buf json;
    grl_error *error;
    ok(grl_engine_grants(engine, NOTHING, NOTHING, &json, &error), &error);
    CHECK(has(grl_buf_str(&json), "\"generation\":"));
    return json;
}

// Compares with what was; frees it.
static inline int unchanged(const grl_engine *engine, grl_buf before)
{
    grl_buf after = snapshot(engine);
    int alike = same(grl_buf_str(&before), (const char *)after.ptr);
    grl_buf_free(&before);
    grl_buf_free(&after);
    return alike;
}

static inline grl_status verify(const grl_engine *engine, const char *access)
{
    grl_buf claims;
    grl_status status = grl_engine_verify(engine, grl_str_from(access), AUDIENCE,
                                          GRL_STR("read:notes"), &claims, NULL);
    CHECK(status != GRL_OK || has(grl_buf_str(&claims), "\"sub\":\"alice\""));
    grl_buf_free(&claims);
    return status;
}

#endif
