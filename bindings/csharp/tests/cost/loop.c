// The C side of the measurement: one refresh as a C program makes it, called once a round.
#include <grantlet.h>

static char form[512];
static size_t length;

static void keep(grl_str refresh_token)
{
    static const char head[] = "grant_type=refresh_token&client_id=notes-app&refresh_token=";
    memcpy(form, head, sizeof head - 1);
    memcpy(form + sizeof head - 1, refresh_token.ptr, refresh_token.len);
    length = sizeof head - 1 + refresh_token.len;
}

void cost_begin(const uint8_t *refresh_token, size_t len)
{
    keep(grl_str_of(refresh_token, len));
}

int32_t cost_refresh(const grl_engine *engine)
{
    grl_buf json, next;
    grl_status status = grl_engine_token(engine, grl_str_of(form, length), GRL_STR(""), &json, NULL);
    if (status == GRL_OK) {
        status = grl_json_member(grl_buf_str(&json), GRL_STR("refresh_token"), &next, NULL);
        if (status == GRL_OK) {
            keep(grl_buf_str(&next));
            grl_buf_free(&next);
        }
        grl_buf_free(&json);
    }
    return status;
}
