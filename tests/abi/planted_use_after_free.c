// Reads what it has freed, on purpose: the tools that watch the other tests must see it.
#include "support.h"

int main(void)
{
    grl_engine *engine = open_engine(NULL);
    grl_buf json;
    CHECK(grl_engine_jwks(engine, &json, NULL) == GRL_OK);
    const volatile uint8_t *stale = json.ptr;
    grl_buf_free(&json);
    grl_engine_free(engine);
    return stale[0] == 1;
}
