// Replays tests/vectors/flows.json from C: whole stories, whose tokens, errors and events are the same in every
// language.
//
//     flows flows.json FRESH_FOLDER
#include <cjson/cJSON.h>
#include <grantlet.h>
#include <stdio.h>
#include <stdlib.h>

#define NAMES 16

// One flow: its engine, what waits in it, and what the host's callbacks go by.
struct flow {
    const cJSON *script;
    char file[512];
    uint64_t now;
    uint32_t state;
    int random_fails;
    cJSON *events;
    grl_engine *engine;
    const char *names[NAMES];
    grl_authorization *pending[NAMES];
};

static const struct {
    const char *name;
    grl_status status;
} statuses[] = {
#define STATUS(name, number) {#name, name},
#include "statuses.inc"
#undef STATUS
};

static void fail(const struct flow *flow, const cJSON *step, const char *what)
{
    char *where = cJSON_PrintUnformatted(step);
    fprintf(stderr, "%s: %s, in the step\n    %s\n", cJSON_GetObjectItem(flow->script, "name")->valuestring, what, where);
    exit(1);
}

// ---- Text and JSON ----------------------------------------------------------------------------------

// A member of text; empty if it is not there.
static grl_str text(const cJSON *object, const char *name)
{
    return grl_str_from(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name)));
}

static uint64_t number(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    return item ? (uint64_t)item->valuedouble : 0;
}

static cJSON *string(grl_str given)
{
    char *copy = calloc(given.len + 1, 1);
    memcpy(copy, given.len ? (const void *)given.ptr : "", given.len);
    cJSON *item = cJSON_CreateString(copy);
    free(copy);
    return item;
}

static void add_text(cJSON *object, const char *name, grl_str given)
{
    cJSON_AddItemToObject(object, name, string(given));
}

// ---- The host ---------------------------------------------------------------------------------------

static uint64_t tell_time(void *ctx)
{
    return ((struct flow *)ctx)->now;
}

static int32_t fill(void *ctx, uint8_t *bytes, size_t len)
{
    struct flow *flow = ctx;
    if (flow->random_fails) {
        return GRL_SERVER_ERROR;
    }
    for (size_t i = 0; i < len; i++) {
        flow->state = flow->state * 1103515245u + 12345u;
        bytes[i] = (uint8_t)(flow->state >> 16);
    }
    return GRL_OK;
}

static void record(void *ctx, grl_str event)
{
    cJSON_AddItemToArray(((struct flow *)ctx)->events, string(event));
}

static int32_t user_claims(void *ctx, grl_str subject, grl_str client_id, grl_str scope, grl_sink *claims)
{
    const cJSON *user, *users = cJSON_GetObjectItem(((struct flow *)ctx)->script, "users");
    (void)client_id, (void)scope;
    cJSON_ArrayForEach(user, users)
    {
        if (strlen(user->string) == subject.len && memcmp(user->string, subject.ptr, subject.len) == 0) {
            return grl_sink_write(claims, grl_str_from(user->valuestring));
        }
    }
    return GRL_NOT_FOUND;
}

static size_t from_base64url(uint8_t *bytes, const char *digits)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint32_t bits = 0;
    size_t len = 0;
    for (size_t i = 0; digits[i] != 0; i++) {
        bits = bits << 6 | (uint32_t)(strchr(alphabet, digits[i]) - alphabet);
        if (i % 4 != 0) {
            bytes[len++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
        }
    }
    return len;
}

static int32_t sign(void *ctx, grl_str input, grl_sink *signature)
{
    const cJSON *known, *all = cJSON_GetObjectItem(((struct flow *)ctx)->script, "signatures");
    cJSON_ArrayForEach(known, all)
    {
        if (strlen(known->string) == input.len && memcmp(known->string, input.ptr, input.len) == 0) {
            uint8_t bytes[256];
            return grl_sink_write(signature, grl_str_of(bytes, from_base64url(bytes, known->valuestring)));
        }
    }
    return GRL_SERVER_ERROR; // The user cancelled.
}

static void open_engine(struct flow *flow)
{
    grl_host host = GRL_HOST_INIT;
    host.ctx = flow;
    host.clock = tell_time;
    host.random = fill;
    host.event = record;
    host.user_claims = user_claims;
    host.signing_key = text(flow->script, "signing_key");
    host.sign = host.signing_key.len ? sign : NULL;
    grl_str config = text(flow->script, "config"), digits = text(flow->script, "sealing_key");
    uint8_t key[32];
    grl_status status;
    if (digits.len == 64) {
        for (size_t i = 0; i < sizeof key; i++) {
            char byte[3] = {(char)digits.ptr[2 * i], (char)digits.ptr[2 * i + 1], 0};
            key[i] = (uint8_t)strtoul(byte, NULL, 16);
        }
        status = grl_engine_open(config, grl_str_from(flow->file), grl_str_of(key, sizeof key), &host, &flow->engine, NULL);
    } else {
        status = grl_engine_new(config, &host, &flow->engine, NULL);
    }
    if (status != GRL_OK) {
        fail(flow, flow->script, "the engine does not open");
    }
}

// ---- The calls: each puts what it gives into `gives` --------------------------------------------------

static grl_authorization **pending_of(struct flow *flow, const char *name)
{
    for (size_t i = 0; i < NAMES; i++) {
        if (flow->names[i] == NULL || strcmp(flow->names[i], name) == 0) {
            flow->names[i] = name;
            return &flow->pending[i];
        }
    }
    fail(flow, flow->script, "too many authorizations wait");
    return NULL;
}

static void forget_pending(struct flow *flow)
{
    for (size_t i = 0; i < NAMES; i++) {
        grl_authorization_free(flow->pending[i]);
        flow->pending[i] = NULL;
        flow->names[i] = NULL;
    }
}

static grl_status give_json(grl_status status, grl_buf *json, cJSON *gives)
{
    if (status == GRL_OK) {
        add_text(gives, "json", grl_buf_str(json));
    }
    grl_buf_free(json);
    return status;
}

static grl_status give_count(grl_status status, size_t count, cJSON *gives)
{
    if (status == GRL_OK) {
        cJSON_AddNumberToObject(gives, "count", (double)count);
    }
    return status;
}

static grl_status give_redirect(grl_status status, grl_http_response *response, cJSON *gives)
{
    if (status == GRL_OK) {
        cJSON_AddNumberToObject(gives, "status", grl_http_response_status(response));
        add_text(gives, "location", grl_http_response_header(response, GRL_STR("Location")));
    }
    grl_http_response_free(response);
    return status;
}

static void give_pending(struct flow *flow, const char *name, grl_authorization *authorization, cJSON *gives)
{
    grl_authorization **pending = pending_of(flow, name);
    grl_authorization_free(*pending);
    *pending = authorization;
    add_text(gives, "request", grl_authorization_request(authorization));
}

static grl_status approve(struct flow *flow, const cJSON *step, cJSON *gives, grl_error **error)
{
    const cJSON *given = cJSON_GetObjectItem(step, "login"), *method;
    char amr[256] = "";
    cJSON_ArrayForEach(method, cJSON_GetObjectItem(given, "amr"))
    {
        snprintf(amr + strlen(amr), sizeof amr - strlen(amr), "%s%s", *amr ? " " : "", method->valuestring);
    }
    grl_str scope = text(given, "scope");
    grl_login login = GRL_LOGIN_INIT;
    login.subject = text(given, "subject");
    login.auth_time = number(given, "auth_time");
    login.acr = text(given, "acr");
    login.amr = grl_str_from(amr);
    login.sid = text(given, "sid");
    login.scope = cJSON_HasObjectItem(given, "scope") ? &scope : NULL;
    login.access_token_claims = text(given, "access_token_claims");
    login.id_token_claims = text(given, "id_token_claims");
    grl_http_response *response;
    grl_authorization *pending = *pending_of(flow, cJSON_GetObjectItem(step, "pending")->valuestring);
    grl_status status = grl_authorization_approve(pending, &login, &response, error);
    return give_redirect(status, response, gives);
}

static grl_status deny(struct flow *flow, const cJSON *step, cJSON *gives, grl_error **error)
{
    const char *denial = cJSON_GetObjectItem(step, "denial")->valuestring;
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        if (strcmp(statuses[i].name, denial) == 0) {
            grl_http_response *response;
            grl_authorization *pending = *pending_of(flow, cJSON_GetObjectItem(step, "pending")->valuestring);
            grl_status status = grl_authorization_deny(pending, statuses[i].status, &response, error);
            return give_redirect(status, response, gives);
        }
    }
    fail(flow, step, "the header has no such status");
    return GRL_USAGE;
}

static grl_status handle(struct flow *flow, const cJSON *step, cJSON *gives, grl_error **error)
{
    const cJSON *given;
    grl_http_header headers[16];
    grl_http_request request = GRL_HTTP_REQUEST_INIT;
    request.method = text(step, "method");
    request.target = text(step, "target");
    request.headers = headers;
    request.body = text(step, "body");
    cJSON_ArrayForEach(given, cJSON_GetObjectItem(step, "headers"))
    {
        headers[request.header_count].name = grl_str_from(cJSON_GetArrayItem(given, 0)->valuestring);
        headers[request.header_count++].value = grl_str_from(cJSON_GetArrayItem(given, 1)->valuestring);
    }
    grl_http_response *response;
    grl_authorization *authorization;
    grl_status status = grl_engine_handle(flow->engine, &request, &response, &authorization, error);
    if (authorization != NULL) {
        const cJSON *name = cJSON_GetObjectItem(cJSON_GetObjectItem(step, "gives"), "pending");
        cJSON_AddStringToObject(gives, "pending", name ? name->valuestring : "nothing waits here");
        give_pending(flow, name ? name->valuestring : "", authorization, gives);
    } else if (response != NULL) {
        cJSON_AddNumberToObject(gives, "status", grl_http_response_status(response));
        cJSON *all = cJSON_AddArrayToObject(gives, "headers");
        for (size_t i = 0; i < grl_http_response_header_count(response); i++) {
            cJSON *header = cJSON_CreateArray();
            cJSON_AddItemToArray(header, string(grl_http_response_header_name(response, i)));
            cJSON_AddItemToArray(header, string(grl_http_response_header_value(response, i)));
            cJSON_AddItemToArray(all, header);
        }
        add_text(gives, "body", grl_http_response_body(response));
    }
    grl_http_response_free(response);
    return status;
}

static grl_status call(struct flow *flow, const cJSON *step, cJSON *gives, grl_error **error)
{
    const char *name = cJSON_GetObjectItem(step, "call")->valuestring;
    const grl_engine *engine = flow->engine;
    grl_buf json = GRL_BUF_INIT;
    size_t count = 0;
    grl_status status;
#define IS(it) (strcmp(name, it) == 0)
#define T(member) text(step, member)
    if (IS("authorize")) {
        grl_authorization *authorization;
        status = grl_engine_authorize(engine, T("query"), &authorization, error);
        if (status == GRL_OK) {
            give_pending(flow, cJSON_GetObjectItem(step, "as")->valuestring, authorization, gives);
        }
        return status;
    } else if (IS("approve")) {
        return approve(flow, step, gives, error);
    } else if (IS("deny")) {
        return deny(flow, step, gives, error);
    } else if (IS("handle")) {
        return handle(flow, step, gives, error);
    } else if (IS("revoke")) {
        return grl_engine_revoke(engine, T("form"), T("authorization"), error);
    } else if (IS("put_api")) {
        return grl_engine_put_api(engine, T("json"), error);
    } else if (IS("put_client")) {
        return grl_engine_put_client(engine, T("json"), error);
    } else if (IS("remove_api")) {
        return grl_engine_remove_api(engine, T("identifier"), error);
    } else if (IS("remove_client")) {
        status = grl_engine_remove_client(engine, T("client_id"), &count, error);
        return give_count(status, count, gives);
    } else if (IS("revoke_grant")) {
        status = grl_engine_revoke_grant(engine, T("grant_id"), &count, error);
        return give_count(status, count, gives);
    } else if (IS("revoke_grants")) {
        status = grl_engine_revoke_grants(engine, T("client_id"), T("subject"), &count, error);
        return give_count(status, count, gives);
    } else if (IS("sweep")) {
        status = grl_engine_sweep(engine, (size_t)number(step, "limit"), &count, error);
        return give_count(status, count, gives);
    } else if (IS("restart")) {
        forget_pending(flow);
        grl_engine_free(flow->engine);
        open_engine(flow);
        return GRL_OK;
    } else if (IS("token")) {
        status = grl_engine_token(engine, T("form"), T("authorization"), &json, error);
    } else if (IS("introspect")) {
        status = grl_engine_introspect(engine, T("form"), T("authorization"), &json, error);
    } else if (IS("verify")) {
        status = grl_engine_verify(engine, T("access_token"), T("audience"), T("scope"), &json, error);
    } else if (IS("userinfo")) {
        status = grl_engine_userinfo(engine, T("access_token"), &json, error);
    } else if (IS("metadata")) {
        status = grl_engine_metadata(engine, &json, error);
    } else if (IS("jwks")) {
        status = grl_engine_jwks(engine, &json, error);
    } else if (IS("grants")) {
        status = grl_engine_grants(engine, T("client_id"), T("subject"), &json, error);
    } else if (IS("grant")) {
        status = grl_engine_grant(engine, T("grant_id"), &json, error);
    } else {
        fail(flow, step, "nobody knows this call");
        return GRL_USAGE;
    }
#undef IS
#undef T
    return give_json(status, &json, gives);
}

// ---- What comes out, beside what should ---------------------------------------------------------------

static cJSON *failure(grl_status status, const grl_error *error, int of_authorize)
{
    cJSON *fails = cJSON_CreateObject();
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        if (statuses[i].status == status) {
            cJSON_AddStringToObject(fails, "status", statuses[i].name);
        }
    }
    add_text(fails, "oauth_code", grl_error_oauth_code(error));
    add_text(fails, "description", grl_error_description(error));
    add_text(fails, "detail", grl_error_detail(error));
    cJSON_AddNumberToObject(fails, "http_status", grl_error_http_status(error));
    add_text(fails, "response", grl_error_response(error));
    if (of_authorize) {
        const grl_http_response *redirect = grl_error_redirect(error);
        cJSON_AddItemToObject(fails, "redirect",
                              redirect ? string(grl_http_response_header(redirect, GRL_STR("Location"))) : cJSON_CreateNull());
    }
    return fails;
}

static void expect(const struct flow *flow, const cJSON *step, const char *part, const cJSON *came)
{
    const cJSON *expected = cJSON_GetObjectItem(step, part);
    if (cJSON_GetArraySize(expected) + cJSON_GetArraySize(came) != 0 && !cJSON_Compare(expected, came, 1)) {
        fprintf(stderr, "%s: %s\n", part, cJSON_PrintUnformatted(came));
        fail(flow, step, "it should be otherwise");
    }
}

static void replay(const cJSON *script, const char *folder)
{
    static struct flow flow;
    memset(&flow, 0, sizeof flow);
    flow.script = script;
    flow.now = number(script, "clock");
    flow.state = (uint32_t)number(script, "seed");
    flow.events = cJSON_CreateArray();
    snprintf(flow.file, sizeof flow.file, "%s/%s.db", folder, cJSON_GetObjectItem(script, "name")->valuestring);
    open_engine(&flow);
    const cJSON *step;
    cJSON_ArrayForEach(step, cJSON_GetObjectItem(script, "steps"))
    {
        flow.now = cJSON_HasObjectItem(step, "at") ? number(step, "at") : flow.now;
        flow.random_fails = cJSON_IsFalse(cJSON_GetObjectItem(step, "random"));
        cJSON_Delete(flow.events);
        flow.events = cJSON_CreateArray();
        cJSON *gives = cJSON_CreateObject();
        grl_error *error = NULL;
        grl_status status = call(&flow, step, gives, &error);
        int of_authorize = strcmp(cJSON_GetObjectItem(step, "call")->valuestring, "authorize") == 0;
        cJSON *fails = status == GRL_OK ? NULL : failure(status, error, of_authorize);
        expect(&flow, step, "gives", gives);
        expect(&flow, step, "fails", fails);
        expect(&flow, step, "events", flow.events);
        cJSON_Delete(gives);
        cJSON_Delete(fails);
        grl_error_free(error);
    }
    forget_pending(&flow);
    grl_engine_free(flow.engine);
    cJSON_Delete(flow.events);
}

int main(int argc, char **argv)
{
    FILE *file = argc == 3 ? fopen(argv[1], "rb") : NULL;
    if (file == NULL) {
        fprintf(stderr, "usage: %s flows.json FRESH_FOLDER\n", argv[0]);
        return 2;
    }
    fseek(file, 0, SEEK_END);
    size_t len = (size_t)ftell(file);
    rewind(file);
    char *all = calloc(len + 1, 1);
    if (fread(all, 1, len, file) != len) {
        return 2;
    }
    fclose(file);
    cJSON *vectors = cJSON_Parse(all);
    const cJSON *flows = cJSON_GetObjectItem(vectors, "flows"), *script;
    cJSON_ArrayForEach(script, flows)
    {
        replay(script, argv[2]);
    }
    printf("%d flows\n", cJSON_GetArraySize(flows));
    cJSON_Delete(vectors);
    free(all);
    return 0;
}
