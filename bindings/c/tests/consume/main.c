#include <grantlet.h>
#include <stdio.h>

int main(void)
{
    grl_engine *engine;
    grl_status status = grl_engine_new(GRL_STR("{\"issuer\":\"http://127.0.0.1:8080/\"}"), NULL, &engine, NULL);
    grl_engine_free(engine);
    printf("grantlet %s from C\n", grl_version());
    return status == GRL_OK ? 0 : 1;
}
