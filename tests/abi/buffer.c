// grl_engine_token_into: a buffer that is too small changes nothing, whatever its size.
#include "support.h"

static void every_capacity(const grl_engine *engine, const char *form, int rotates)
{
    static uint8_t buffer[4096];
    grl_error *error;
    size_t length, needed;
    grl_buf before = snapshot(engine);
    CHECK(grl_engine_token_into(engine, grl_str_from(form), NOTHING, NULL, 0, &needed, &error) ==
          GRL_BUFFER_TOO_SMALL);
    CHECK(grl_error_status(error) == GRL_BUFFER_TOO_SMALL);
    grl_error_free(error);
    CHECK(needed > 100 && needed < sizeof buffer);
    memset(buffer, 0xa5, sizeof buffer);
    for (size_t capacity = 0; capacity < needed; capacity++) {
        length = 1;
        CHECK(grl_engine_token_into(engine, grl_str_from(form), NOTHING, buffer, capacity, &length, NULL) ==
              GRL_BUFFER_TOO_SMALL);
        CHECK(length == needed);
    }
    for (size_t i = 0; i < sizeof buffer; i++) {
        CHECK(buffer[i] == 0xa5);
    }
    CHECK(unchanged(engine, before));
    ok(grl_engine_token_into(engine, grl_str_from(form), NOTHING, buffer, needed, &length, &error), &error);
    CHECK(length == needed && buffer[needed] == 0xa5);
    CHECK(buffer[0] == '{' && buffer[length - 1] == '}');
    CHECK(has(grl_str_of(buffer, length), "\"access_token\":\""));
    // What came out can be used.
    if (rotates) {
        token_text access, refresh, again;
        cut(refresh, grl_str_of(buffer, length), "\"refresh_token\":\"", "\"");
        CHECK(use(engine, refresh, access, again) == GRL_OK);
    }
}

static void an_error_leaves_nothing_behind(const grl_engine *engine)
{
    uint8_t buffer[64];
    size_t length = 5;
    memset(buffer, 0xa5, sizeof buffer);
    CHECK(grl_engine_token_into(engine, GRL_STR("grant_type=refresh_token&client_id=app&refresh_token=x"), NOTHING,
                                buffer, sizeof buffer, &length, NULL) == GRL_INVALID_GRANT_MALFORMED);
    CHECK(length == 0);
    for (size_t i = 0; i < sizeof buffer; i++) {
        CHECK(buffer[i] == 0xa5);
    }
}

// A server that answers in the memory that it read the request into is told so, before anything moves.
static void the_request_is_not_the_place_for_the_answer(const grl_engine *engine, const char *form)
{
    static uint8_t memory[4096];
    size_t length = 5, form_length = strlen(form);
    grl_buf before = snapshot(engine);
    memcpy(memory + 100, form, form_length);
    grl_str request = grl_str_of(memory + 100, form_length);
    CHECK(grl_engine_token_into(engine, request, NOTHING, memory, sizeof memory, &length, NULL) == GRL_USAGE);
    CHECK(grl_engine_token_into(engine, request, NOTHING, memory, 101, &length, NULL) == GRL_USAGE);
    CHECK(grl_engine_token_into(engine, grl_str_from(form), request, memory + 99 + form_length, 8, &length, NULL) ==
          GRL_USAGE);
    CHECK(length == 0);
    CHECK(memcmp(memory + 100, form, form_length) == 0);
    CHECK(unchanged(engine, before));
}

int main(void)
{
    grl_engine *engine = open_engine(NULL);
    token_text code, form, access, refresh;
    approve(engine, code);
    code_form(form, code);
    every_capacity(engine, form, 1);
    sign_in(engine, access, refresh);
    refresh_form(form, refresh);
    the_request_is_not_the_place_for_the_answer(engine, form);
    every_capacity(engine, form, 1);
    every_capacity(engine,
                   "grant_type=client_credentials&client_id=web&client_secret=correct+horse+battery+staple"
                   "&audience=https%3A%2F%2Fapi.example.com%2F",
                   0);
    an_error_leaves_nothing_behind(engine);
    grl_engine_free(engine);
    return 0;
}
