// HTTP without a socket: requests as a server has them, responses as it sends them.
#include "support.h"

static const grl_http_header form_headers[] = {
    {{(const uint8_t *)"content-TYPE", 12}, {(const uint8_t *)"application/x-www-form-urlencoded", 33}},
    {{(const uint8_t *)"X-Odd", 5}, {(const uint8_t *)"\xff\xfe", 2}},
};

static grl_http_response *send_request(const grl_engine *engine, const char *method, const char *target,
                               const char *form, grl_authorization **authorization)
{
    grl_http_request request = GRL_HTTP_REQUEST_INIT;
    grl_http_response *response;
    grl_error *error;
    request.method = grl_str_from(method);
    request.target = grl_str_from(target);
    if (form != NULL) {
        request.headers = form_headers;
        request.header_count = 2;
        request.body = grl_str_from(form);
    }
    ok(grl_engine_handle(engine, &request, &response, authorization, &error), &error);
    CHECK((response == NULL) == (*authorization != NULL));
    return response;
}

int main(void)
{
    grl_engine *engine = open_engine(NULL);
    grl_authorization *authorization;
    grl_http_response *response;
    token_text code, form;

    CHECK(send_request(engine, "GET", "/authorize?" QUERY, NULL, &authorization) == NULL);
    grl_login login = GRL_LOGIN_INIT;
    login.subject = GRL_STR("alice");
    grl_error *error;
    ok(grl_authorization_approve(authorization, &login, &response, &error), &error);
    grl_authorization_free(authorization);
    CHECK(grl_http_response_status(response) == 303 && grl_http_response_body(response).len == 0);
    cut(code, grl_http_response_header(response, GRL_STR("Location")), "code=", "&");
    grl_http_response_free(response);

    CHECK(send_request(engine, "GET", "/authorize?" QUERY "&response_mode=form_post", NULL, &authorization) == NULL);
    ok(grl_authorization_approve(authorization, &login, &response, &error), &error);
    grl_authorization_free(authorization);
    CHECK(grl_http_response_status(response) == 200);
    CHECK(same(grl_http_response_header(response, GRL_STR("CONTENT-type")), "text/html; charset=utf-8"));
    CHECK(has(grl_http_response_body(response), "name=\"code\""));
    grl_http_response_free(response);

    code_form(form, code);
    response = send_request(engine, "POST", "/oauth/token", form, &authorization);
    CHECK(grl_http_response_status(response) == 200);
    CHECK(same(grl_http_response_header(response, GRL_STR("cache-control")), "no-store"));
    CHECK(has(grl_http_response_body(response), "\"access_token\":\""));
    // By index, and past the end.
    size_t count = grl_http_response_header_count(response), types = 0;
    for (size_t i = 0; i < count; i++) {
        CHECK(grl_http_response_header_name(response, i).len > 0);
        types += (size_t)(same(grl_http_response_header_name(response, i), "Content-Type") &&
                          same(grl_http_response_header_value(response, i), "application/json"));
    }
    CHECK(types == 1);
    CHECK(grl_http_response_header_name(response, count).len == 0);
    CHECK(grl_http_response_header_value(response, SIZE_MAX).len == 0);
    CHECK(grl_http_response_header(response, GRL_STR("No-Such")).len == 0);
    CHECK(grl_http_response_header(response, GRL_STR("\xff")).len == 0);
    grl_http_response_free(response);

    // RFC 6749 §4.1.2: the code again, and the grant is gone.
    response = send_request(engine, "POST", "/oauth/token", form, &authorization);
    CHECK(grl_http_response_status(response) == 400);
    CHECK(has(grl_http_response_body(response), "\"error\":\"invalid_grant\""));
    grl_http_response_free(response);

    static const struct {
        const char *method, *target, *form;
        int status;
    } others[] = {
        {"GET", "/.well-known/openid-configuration", NULL, 200},
        {"HEAD", "/.well-known/jwks.json", NULL, 200},
        {"GET", "/nowhere", NULL, 404},
        {"GET", "/oauth/token", NULL, 405},
        {"POST", "/oauth/token", NULL, 415},
        {"BREW", "/oauth/token", NULL, 405},
        {"", "", NULL, 404},
        {"GET", "/userinfo", NULL, 401},
        {"GET", "/authorize?client_id=nobody", NULL, 400},
        {"GET", "/authorize?" QUERY "&prompt=nonsense", NULL, 303},
        {"GET", "\xff\xfe?\xff", NULL, 404},
        {"POST", "/oauth/token", "grant_type=\xff", 400},
        {"POST", "/oauth/token", "grant_type=refresh_token&client_id=app&refresh_token=\xc3", 400},
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        response = send_request(engine, others[i].method, others[i].target, others[i].form, &authorization);
        CHECK(grl_http_response_status(response) == others[i].status);
        grl_http_response_free(response);
    }

    // A body that is too large, and one that is only said to be there.
    char *large = malloc(GRL_MAX_REQUEST_BYTES + 2);
    memset(large, 'a', GRL_MAX_REQUEST_BYTES + 1);
    large[GRL_MAX_REQUEST_BYTES + 1] = 0;
    response = send_request(engine, "POST", "/oauth/token", large, &authorization);
    CHECK(grl_http_response_status(response) == 413);
    grl_http_response_free(response);
    free(large);
    grl_http_request request = GRL_HTTP_REQUEST_INIT;
    request.body = grl_str_of(NULL, 1);
    CHECK(grl_engine_handle(engine, &request, &response, &authorization, NULL) == GRL_USAGE_NULL);
    CHECK(response == NULL && authorization == NULL);

    grl_engine_free(engine);
    return 0;
}
