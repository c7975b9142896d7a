// The loop that Swift is measured against: what a C program does that refreshes a token again and again.
#include "refresh.h"
#if __has_include(<grantlet.h>)
#include <grantlet.h>
#else
#include <CGrantlet/grantlet.h>
#endif
#include <stdlib.h>
#include <string.h>

#define PREFIX "grant_type=refresh_token&client_id=app&refresh_token="

struct c_refresher {
    grl_engine *engine;
    size_t length;
    char form[2048];
};

// Posts the form, and makes the next one of the refresh token in the answer.
static int post(c_refresher *refresher)
{
    static const char member[] = "\"refresh_token\":\"";
    grl_buf json;
    int failed = 1;
    if (grl_engine_token(refresher->engine, grl_str_of(refresher->form, refresher->length), GRL_STR(""), &json, NULL) == GRL_OK) {
        const char *token = strstr((const char *)json.ptr, member);
        if (token != NULL) {
            token += sizeof member - 1;
            size_t length = strcspn(token, "\"");
            memcpy(refresher->form, PREFIX, sizeof PREFIX - 1);
            memcpy(refresher->form + sizeof PREFIX - 1, token, length);
            refresher->length = sizeof PREFIX - 1 + length;
            failed = 0;
        }
        grl_buf_free(&json);
    }
    return failed;
}

c_refresher *c_refresher_new(const char *config, const char *query, const char *code_form)
{
    c_refresher *refresher = calloc(1, sizeof *refresher);
    grl_authorization *authorization = NULL;
    grl_http_response *response = NULL;
    grl_login login = GRL_LOGIN_INIT;
    login.subject = GRL_STR("alice");
    int failed = grl_engine_new(grl_str_from(config), NULL, &refresher->engine, NULL) != GRL_OK ||
                 grl_engine_authorize(refresher->engine, grl_str_from(query), &authorization, NULL) != GRL_OK ||
                 grl_authorization_approve(authorization, &login, &response, NULL) != GRL_OK;
    if (!failed) {
        grl_str location = grl_http_response_header(response, GRL_STR("Location"));
        char copy[1024] = "";
        memcpy(copy, location.ptr, location.len < sizeof copy - 1 ? location.len : sizeof copy - 1);
        const char *code = strstr(copy, "code=") + 5;
        strcpy(refresher->form, code_form);
        strncat(refresher->form, code, strcspn(code, "&"));
        refresher->length = strlen(refresher->form);
        failed = post(refresher);
    }
    grl_http_response_free(response);
    grl_authorization_free(authorization);
    if (failed) {
        c_refresher_free(refresher);
        return NULL;
    }
    return refresher;
}

int c_refresher_run(c_refresher *refresher, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (post(refresher)) {
            return 1;
        }
    }
    return 0;
}

void c_refresher_free(c_refresher *refresher)
{
    if (refresher != NULL) {
        grl_engine_free(refresher->engine);
        free(refresher);
    }
}
