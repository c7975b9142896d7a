// A panic inside the library reaches C as a status, and the engine goes on.
//
// The system's clock never fails, so Rust's standard library panics if it does: here it does.
#define _GNU_SOURCE
#include "support.h"

#include <errno.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int clock_is_broken;

// Stands in front of the C library's own.
int clock_gettime(clockid_t clock, struct timespec *now)
{
    if (clock_is_broken) {
        errno = EINVAL;
        return -1;
    }
    return (int)syscall(SYS_clock_gettime, clock, now);
}

int main(void)
{
    grl_engine *engine = open_engine(NULL);
    token_text access, refresh, next, form;
    grl_error *error;
    grl_buf json;
    sign_in(engine, access, refresh);
    refresh_form(form, refresh);

    grl_buf before = snapshot(engine);
    clock_is_broken = 1;
    grl_status status = grl_engine_token(engine, grl_str_from(form), NOTHING, &json, &error);
    grl_status alone = grl_engine_token(engine, grl_str_from(form), NOTHING, &json, NULL);
    clock_is_broken = 0;
    CHECK(status == GRL_PANIC && alone == GRL_PANIC);
    CHECK(json.ptr == NULL);
    CHECK(grl_error_status(error) == GRL_PANIC && grl_error_http_status(error) == 500);
    CHECK(same(grl_error_oauth_code(error), "server_error"));
    grl_error_free(error);

    // Nothing is stuck, nothing has changed.
    CHECK(unchanged(engine, before));
    CHECK(verify(engine, access) == GRL_OK);
    CHECK(post(engine, form, access, next) == GRL_OK);
    CHECK(use(engine, next, access, next) == GRL_OK);
    grl_engine_free(engine);
    return 0;
}
