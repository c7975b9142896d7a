// The header alone, included twice, with each macro used once: as C and as C++, under every compiler.
#include <grantlet.h>
#include <grantlet.h>

grl_str first(void);
grl_str first(void)
{
    grl_login login = GRL_LOGIN_INIT;
    grl_host host = GRL_HOST_INIT;
    grl_store store = GRL_STORE_INIT;
    grl_http_request request = GRL_HTTP_REQUEST_INIT;
    grl_buf buf = GRL_BUF_INIT;
    login.subject = GRL_STR("alice");
    host.signing_key = grl_str_from("{}");
    host.store = &store;
    request.body = grl_buf_str(&buf);
    return grl_status_class(GRL_PANIC) == (int32_t)host.size ? login.subject : request.body;
}
