// The whole story in one program: an app asks, a user consents, the app gets its tokens, keeps them
// fresh, and a thief who stole an old one is found out.
//
//     cargo build --release
//     cc bindings/c/examples/quickstart.c -Iinclude target/release/libgrantlet.a -lpthread -ldl -lm
//     ./a.out
//
// `./a.out --store FILE` keeps what the engine knows in FILE, and opens it again in the middle of the
// story. That part is POSIX; all else is C99.
#include <fcntl.h>
#include <grantlet.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define API                                                                                        \
    "{\"identifier\": \"https://api.example.com/\", \"scopes\": [\"read:notes\"],"                 \
    " \"allow_offline_access\": true}"
#define CLIENT                                                                                     \
    "{\"client_id\": \"notes-app\", \"application_type\": \"native\","                             \
    " \"token_endpoint_auth_method\": \"none\", \"redirect_uris\": [\"com.example.notes:/done\"]," \
    " \"grant_types\": [\"authorization_code\", \"refresh_token\"]}"

// What the app sends to /authorize, and the secret half of its PKCE challenge (RFC 7636, appendix B).
#define QUERY                                                                                      \
    "response_type=code&client_id=notes-app&redirect_uri=com.example.notes%3A%2Fdone&state=xyz"    \
    "&scope=openid%20offline_access%20read%3Anotes&audience=https%3A%2F%2Fapi.example.com%2F"      \
    "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
#define VERIFIER "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

typedef char token[1024];

// Ends the program if a call failed, saying why.
static void check(grl_status status, grl_error **error)
{
    if (status != GRL_OK) {
        grl_str why = grl_error_description(*error), detail = grl_error_detail(*error);
        fprintf(stderr, "status %d: %.*s %.*s\n", (int)status, (int)why.len, (const char *)why.ptr,
                (int)detail.len, (const char *)detail.ptr);
        exit(1);
    }
}

// Copies the code out of `http://…?code=…&state=…`.
static void code_of(token out, grl_str location)
{
    char url[2048];
    snprintf(url, sizeof url, "%.*s", (int)location.len, (const char *)location.ptr);
    const char *code = strstr(url, "code=");
    code = code ? code + strlen("code=") : "";
    snprintf(out, sizeof(token), "%.*s", (int)strcspn(code, "&"), code);
}

// Copies one member of a token response.
static void member(token out, const grl_buf *json, grl_str name)
{
    grl_buf value;
    grl_error *error;
    check(grl_json_member(grl_buf_str(json), name, &value, &error), &error);
    snprintf(out, sizeof(token), "%s", (const char *)value.ptr);
    grl_buf_free(&value);
}

// The 32 bytes in FILE.key. Made before FILE is, for this user alone: an app has such a key in a
// Keychain, a Secret Service or a KMS.
static void sealing_key(unsigned char key[32], const char *store)
{
    char path[512];
    snprintf(path, sizeof path, "%s.key", store);
    if (access(store, F_OK) != 0 && access(path, F_OK) != 0) {
        int random = open("/dev/urandom", O_RDONLY), made = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
        if (read(random, key, 32) == 32 && write(made, key, 32) == 32 && fsync(made) == 0) {
            printf("   made %s: 32 random bytes, and nothing else opens %s\n", path, store);
        }
        close(random);
        close(made);
    }
    int file = open(path, O_RDONLY);
    if (read(file, key, 32) != 32) {
        fprintf(stderr, "%s should hold the 32 bytes of the sealing key\n", path);
        exit(1);
    }
    close(file);
}

// An engine in memory, or on a file that outlives it.
static grl_engine *open_engine(const char *store)
{
    grl_str config = GRL_STR("{\"issuer\": \"http://127.0.0.1:8080/\"}");
    unsigned char key[32];
    grl_engine *engine;
    grl_error *error;
    if (store == NULL) {
        check(grl_engine_new(config, NULL, &engine, &error), &error);
    } else {
        sealing_key(key, store);
        check(grl_engine_open(config, grl_str_from(store), grl_str_of(key, sizeof key), NULL, &engine,
                              &error),
              &error);
    }
    return engine;
}

// What the app does: POST /oauth/token with a refresh token. Keeps the new tokens on success.
static grl_status refresh(const grl_engine *engine, const char *old, token access, token next,
                          grl_error **error)
{
    char form[2048];
    snprintf(form, sizeof form, "grant_type=refresh_token&client_id=notes-app&refresh_token=%s", old);
    grl_buf json;
    grl_status status = grl_engine_token(engine, grl_str_from(form), GRL_STR(""), &json, error);
    if (status == GRL_OK) {
        member(access, &json, GRL_STR("access_token"));
        member(next, &json, GRL_STR("refresh_token"));
    }
    grl_buf_free(&json);
    return status;
}

int main(int argc, char **argv)
{
    const char *store = argc == 3 && strcmp(argv[1], "--store") == 0 ? argv[2] : NULL;
    if (argc > 1 && store == NULL) {
        fprintf(stderr, "usage: %s [--store FILE]\n", argv[0]);
        return 2;
    }
    grl_error *error = NULL;
    token code, access, first, second, third, unused;
    char form[2048];

    printf("1. Open an engine; register an API and an app.\n");
    grl_engine *engine = open_engine(store);
    check(grl_engine_put_api(engine, GRL_STR(API), &error), &error);
    check(grl_engine_put_client(engine, GRL_STR(CLIENT), &error), &error);
    printf("   grantlet %s\n", grl_version());

    printf("2. The app sends the user to /authorize.\n");
    grl_authorization *authorization;
    check(grl_engine_authorize(engine, GRL_STR(QUERY), &authorization, &error), &error);
    grl_str request = grl_authorization_request(authorization);
    printf("   it asks: %.80s…\n", (const char *)request.ptr);

    printf("3. Alice signs in and consents; the browser goes back to the app with a code.\n");
    grl_login login = GRL_LOGIN_INIT;
    login.subject = GRL_STR("alice");
    grl_http_response *response;
    check(grl_authorization_approve(authorization, &login, &response, &error), &error);
    grl_str location = grl_http_response_header(response, GRL_STR("Location"));
    code_of(code, location);
    printf("   %.*s…\n", location.len < 64 ? (int)location.len : 64, (const char *)location.ptr);
    grl_http_response_free(response);
    grl_authorization_free(authorization);

    printf("4. The app redeems the code.\n");
    snprintf(form, sizeof form,
             "grant_type=authorization_code&client_id=notes-app&code=%s&code_verifier=" VERIFIER
             "&redirect_uri=com.example.notes%%3A%%2Fdone",
             code);
    grl_buf tokens;
    check(grl_engine_token(engine, grl_str_from(form), GRL_STR(""), &tokens, &error), &error);
    member(access, &tokens, GRL_STR("access_token"));
    member(first, &tokens, GRL_STR("refresh_token"));
    printf("   access token %.24s…, refresh token %.24s…\n", access, first);
    grl_buf_free(&tokens);

    printf("5. The API verifies the access token.\n");
    grl_str audience = GRL_STR("https://api.example.com/"), scope = GRL_STR("read:notes");
    grl_buf claims;
    check(grl_engine_verify(engine, grl_str_from(access), audience, scope, &claims, &error), &error);
    printf("   %s\n", (const char *)claims.ptr);
    grl_buf_free(&claims);

    printf("6. The app refreshes, twice; each time its refresh token is replaced.\n");
    check(refresh(engine, first, access, second, &error), &error);
    printf("   %.60s…\n", second);
    if (store != NULL) {
        grl_engine_free(engine);
        engine = open_engine(store);
        printf("   (closed, and opened again on %s: API, app, keys and session are there)\n", store);
    }
    check(refresh(engine, second, access, third, &error), &error);
    printf("   %.60s…\n", third);

    printf("7. A thief presents the first one, long replaced.\n");
    grl_status status = refresh(engine, first, unused, unused, &error);
    if (status != GRL_INVALID_GRANT_REUSED) {
        fprintf(stderr, "the thief got status %d\n", (int)status);
        return 1;
    }
    grl_str answer = grl_error_response(error);
    printf("   HTTP %d %.*s\n", grl_error_http_status(error), (int)answer.len, (const char *)answer.ptr);
    grl_error_free(error);

    printf("8. With that the whole grant is over: for the app's own tokens too.\n");
    status = refresh(engine, third, unused, unused, NULL);
    printf("   the newest refresh token: %s\n", status == GRL_INVALID_GRANT_REVOKED ? "revoked" : "?!");
    grl_status access_status =
        grl_engine_verify(engine, grl_str_from(access), audience, scope, &claims, NULL);
    printf("   the newest access token: %s\n",
           access_status == GRL_INVALID_TOKEN_REVOKED ? "revoked" : "?!");
    grl_engine_free(engine);
    return status == GRL_INVALID_GRANT_REVOKED && access_status == GRL_INVALID_TOKEN_REVOKED ? 0 : 1;
}
