// Runs the README's first result in C: snippet.inc, which tests/hosts/c.sh cuts out of it.
#include <grantlet.h>
#include <stdio.h>

static grl_str form(grl_str location)
{
    static char url[512], text[1024];
    snprintf(url, sizeof url, "%.*s", (int)location.len, (const char *)location.ptr);
    const char *code = strstr(url, "code=") + strlen("code=");
    snprintf(text, sizeof text,
             "grant_type=authorization_code&client_id=notes-app&redirect_uri=http%%3A%%2F%%2F127.0.0.1%%2Fcallback"
             "&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk&code=%.*s",
             (int)strcspn(code, "&"), code);
    return grl_str_from(text);
}

int main(void)
{
    // The client on the other side of HTTP.
    const struct {
        grl_str query;
        grl_str (*form)(grl_str location);
    } app = {GRL_STR("response_type=code&client_id=notes-app&redirect_uri=http%3A%2F%2F127.0.0.1%2Fcallback&state=xyz"
                     "&scope=openid%20read%3Anotes&audience=https%3A%2F%2Fapi.example.com%2F"
                     "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"),
             form};
    {
#include "snippet.inc"
    }
    return 0;
}
