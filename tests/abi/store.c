// A host's own store: the whole story on it, over a restart, and what becomes of one that fails or lies.
#include "ram_store.h"
#include "support.h"

#include <pthread.h>

// The engine's keys lie in the store, under a key that the host keeps elsewhere.
#define SEALING "\"keys\":{\"sealing\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\"},"
#define OPEN_WITH(more)                                                                            \
    "{\"issuer\":\"http://127.0.0.1:8080/\"," more "\"apis\":[" API "],\"clients\":[" APP "," WEB "]}"
#define KEPT OPEN_WITH(SEALING)

// ---- A store whose calls a test sees, fails, or answers with what cannot be ---------------------------

enum lie {
    HONEST,
    NO_ANSWER,
    ODD_ANSWER,
    NO_VERSION,
    NO_BODY,
    NO_UTF8,
    BODY_TWICE,
    BODY_OF_NOBODY,
    BODY_OF_ANOTHER,
    BODY_OF_THE_FUTURE,
    NO_BYTES,
    KEY_OF_NOTHING,
    KEY_CUT,
    KEY_IN_HEX,
    NO_COUNT,
    TOO_MANY,
};

struct probe {
    grl_store inner;
    unsigned calls, fail_at; // From 1 on; 0: none.
    unsigned releases;
    int32_t status; // Of the call that fails,
    int is_done;    // which is done all the same, or not.
    enum lie lie;
    uint8_t another[16]; // The key that was inserted last.
};

#define PASS_ON(call)                                                                              \
    do {                                                                                           \
        int fails = ++probe->calls == probe->fail_at;                                              \
        if (fails && !probe->is_done) {                                                            \
            return probe->status;                                                                  \
        }                                                                                          \
        int32_t status = probe->inner.call;                                                        \
        if (fails || status != GRL_OK) {                                                           \
            return fails ? probe->status : status;                                                 \
        }                                                                                          \
    } while (0)

static void holds_no_token(grl_str body)
{
    CHECK(!has(body, "grl_ac_") && !has(body, "grl_rt_") && !has(body, "eyJhbGci") && !has(body, "eyJ0eXAi"));
}

static int32_t answer(const struct probe *probe, int32_t unwritten, int32_t *done)
{
    *done = probe->lie == NO_ANSWER ? unwritten : probe->lie == ODD_ANSWER ? 2 : *done;
    return GRL_OK;
}

static int32_t insert(void *ctx, const grl_record *record, int32_t *done)
{
    struct probe *probe = ctx;
    int32_t unwritten = *done;
    CHECK(record->key.len == 16 && record->body.len > 0 && record->keep_until > 0);
    CHECK((record->client_id.len == 0) == (record->subject.len == 0));
    holds_no_token(record->body);
    PASS_ON(insert(probe->inner.ctx, record, done));
    memcpy(probe->another, record->key.ptr, sizeof probe->another);
    return answer(probe, unwritten, done);
}

static int32_t swap(void *ctx, uint64_t version, const grl_record *record, int32_t *done)
{
    struct probe *probe = ctx;
    int32_t unwritten = *done;
    holds_no_token(record->body);
    PASS_ON(swap(probe->inner.ctx, version, record, done));
    return answer(probe, unwritten, done);
}

// A body that is not the record's.
static int32_t tell(grl_sink *body, uint64_t *version, grl_str text)
{
    *version = 1;
    CHECK(grl_sink_write(body, text) == GRL_OK);
    return GRL_OK;
}

static int32_t load(void *ctx, grl_str key, grl_sink *body, uint64_t *version)
{
    struct probe *probe = ctx;
    CHECK(key.len == 16);
    switch (probe->lie) {
    case NO_BODY:
        return tell(body, version, NOTHING);
    case NO_UTF8:
        return tell(body, version, GRL_STR("{\"v\":1,\"key\":\"\xff\"}"));
    case BODY_OF_NOBODY:
        return tell(body, version, GRL_STR("{\"user\":\"alice\"}"));
    case BODY_OF_THE_FUTURE:
        return tell(body, version, GRL_STR("{\"v\":2,\"grants\":[]}"));
    case BODY_OF_ANOTHER:
        return probe->inner.load(probe->inner.ctx, grl_str_of(probe->another, 16), body, version);
    case NO_BYTES: // Whatever the callback makes of it.
        CHECK(grl_sink_write(body, grl_str_of(NULL, 1)) == GRL_USAGE_NULL);
        break;
    default:
        break;
    }
    PASS_ON(load(probe->inner.ctx, key, body, version));
    if (probe->lie == BODY_TWICE) {
        return probe->inner.load(probe->inner.ctx, key, body, version);
    }
    *version = probe->lie == NO_VERSION ? 0 : *version;
    return GRL_OK;
}

static int32_t owned_by(void *ctx, grl_str client_id, grl_str subject, grl_sink *keys)
{
    struct probe *probe = ctx;
    PASS_ON(owned_by(probe->inner.ctx, client_id, subject, keys));
    // Whatever the callback makes of it.
    switch (probe->lie) {
    case KEY_OF_NOTHING:
        CHECK(grl_sink_write(keys, GRL_STR("")) == GRL_USAGE);
        break;
    case KEY_CUT:
        CHECK(grl_sink_write(keys, GRL_STR("fifteen letters")) == GRL_USAGE);
        break;
    case KEY_IN_HEX:
        CHECK(grl_sink_write(keys, GRL_STR("000102030405060708090a0b0c0d0e0f")) == GRL_USAGE);
        break;
    default:
        break;
    }
    return GRL_OK;
}

static int32_t sweep(void *ctx, uint64_t now, size_t limit, size_t *swept)
{
    struct probe *probe = ctx;
    size_t unwritten = *swept;
    PASS_ON(sweep(probe->inner.ctx, now, limit, swept));
    *swept = probe->lie == NO_COUNT ? unwritten : probe->lie == TOO_MANY ? limit + 1 : *swept;
    return GRL_OK;
}

static void release(void *ctx)
{
    struct probe *probe = ctx;
    probe->releases++;
}

static grl_store probed(struct probe *probe, ram_store *ram)
{
    grl_store store = GRL_STORE_INIT;
    if (probe->inner.ctx == NULL) {
        probe->inner = ram_store_lend(ram);
    }
    store.ctx = probe;
    store.release = release;
    store.insert = insert;
    store.load = load;
    store.swap = swap;
    store.owned_by = owned_by;
    store.sweep = sweep;
    return store;
}

// ---- The story ----------------------------------------------------------------------------------------

static uint64_t tell_time(void *ctx)
{
    return *(uint64_t *)ctx;
}

static grl_engine *open_on(grl_store store, uint64_t *now)
{
    grl_host host = GRL_HOST_INIT;
    grl_engine *engine;
    grl_error *error;
    host.ctx = now;
    host.clock = tell_time;
    host.store = &store;
    ok(grl_engine_new(GRL_STR(KEPT), &host, &engine, &error), &error);
    memset(&store, 0xa5, sizeof store); // Only borrowed.
    return engine;
}

static void a_session_outlives_the_engine(void)
{
    uint64_t now = 1700000000;
    ram_store *ram = ram_store_new();
    grl_engine *engine = open_on(ram_store_lend(ram), &now);
    token_text access, first, second, again, third;
    sign_in(engine, access, first);
    CHECK(use(engine, first, access, second) == GRL_OK && strcmp(first, second) != 0);
    CHECK(use(engine, first, access, again) == GRL_OK && strcmp(second, again) == 0); // The answer was lost.
    grl_buf before = snapshot(engine);
    grl_authorization *authorization = ask(engine, QUERY);
    grl_engine_free(engine);

    now += 60;
    engine = open_on(ram_store_lend(ram), &now);
    CHECK(unchanged(engine, before));
    CHECK(verify(engine, access) == GRL_OK);
    CHECK(use(engine, first, access, again) == GRL_OK && strcmp(second, again) == 0);
    CHECK(use(engine, second, access, third) == GRL_OK);
    // What an engine left behind works on the same store.
    grl_login login = GRL_LOGIN_INIT;
    grl_http_response *response;
    grl_error *error;
    login.subject = GRL_STR("alice");
    ok(grl_authorization_approve(authorization, &login, &response, &error), &error);
    token_text code, form, other;
    cut(code, grl_http_response_header(response, GRL_STR("location")), "code=", "&");
    grl_http_response_free(response);
    grl_authorization_free(authorization);
    code_form(form, code);
    CHECK(post(engine, form, access, other) == GRL_OK);

    // Used twice, the code revokes all that came of it; and what is older than lost revokes the session.
    CHECK(post(engine, form, access, again) == GRL_INVALID_GRANT_REUSED);
    CHECK(use(engine, other, access, again) == GRL_INVALID_GRANT_REVOKED);
    CHECK(use(engine, third, access, again) == GRL_OK);
    CHECK(use(engine, first, access, again) == GRL_INVALID_GRANT_REUSED);
    CHECK(use(engine, third, access, again) == GRL_INVALID_GRANT_REVOKED);
    CHECK(verify(engine, access) == GRL_INVALID_TOKEN_REVOKED);

    // One access token alone, which leaves a mark.
    grl_buf json;
    ok(grl_engine_token(engine,
                        GRL_STR("grant_type=client_credentials&client_id=web&audience=https%3A%2F%2Fapi.example.com%2F"
                                "&client_secret=correct%20horse%20battery%20staple"),
                        NOTHING, &json, &error), &error);
    cut(access, grl_buf_str(&json), "\"access_token\":\"", "\"");
    grl_buf_free(&json);
    size_t count = ram_store_count(ram);
    snprintf(form, sizeof form, "client_id=web&client_secret=correct%%20horse%%20battery%%20staple&token=%.1500s", access);
    ok(grl_engine_revoke(engine, grl_str_from(form), NOTHING, &error), &error);
    CHECK(ram_store_count(ram) == count + 1);
    ok(grl_engine_revoke(engine, grl_str_from(form), NOTHING, &error), &error);
    CHECK(ram_store_count(ram) == count + 1);
    CHECK(verify(engine, access) == GRL_INVALID_TOKEN_REVOKED);

    // The host ends sessions; in the end nothing is left but the engine's state.
    size_t revoked, removed;
    sign_in(engine, access, first);
    sign_in(engine, access, first);
    ok(grl_engine_revoke_grants(engine, NOTHING, GRL_STR("bob"), &revoked, &error), &error);
    CHECK(revoked == 0);
    ok(grl_engine_revoke_grants(engine, GRL_STR("app"), GRL_STR("alice"), &revoked, &error), &error);
    CHECK(revoked == 2);
    ok(grl_engine_sweep(engine, 100, &removed, &error), &error);
    CHECK(removed == 0);
    now += 100000000;
    ok(grl_engine_sweep(engine, 1, &removed, &error), &error);
    CHECK(removed == 1);
    ok(grl_engine_sweep(engine, 100, &removed, &error), &error);
    CHECK(ram_store_count(ram) == 1);
    grl_engine_free(engine);

    // What was changed of clients and keys lasts, too.
    engine = open_on(ram_store_lend(ram), &now);
    ok(grl_engine_remove_client(engine, GRL_STR("web"), &revoked, &error), &error);
    ok(grl_engine_rotate_keys(engine, &error), &error);
    sign_in(engine, access, first);
    grl_engine_free(engine);
    engine = open_on(ram_store_lend(ram), &now);
    CHECK(grl_engine_remove_client(engine, GRL_STR("web"), &revoked, NULL) == GRL_NOT_FOUND);
    CHECK(verify(engine, access) == GRL_OK && use(engine, first, access, second) == GRL_OK);
    grl_engine_free(engine);
    ram_store_free(ram);
}

// ---- A store that fails -------------------------------------------------------------------------------

// Alice's session and all that could come next in it.
struct session {
    struct probe probe;
    ram_store *ram;
    uint64_t now;
    grl_engine *engine;
    grl_authorization *authorization;
    token_text code, access, spent, refresh, out;
};

static void begin(struct session *session)
{
    memset(session, 0, sizeof *session);
    session->now = 1700000000;
    session->ram = ram_store_new();
    session->engine = open_on(probed(&session->probe, session->ram), &session->now);
    sign_in(session->engine, session->access, session->spent);
    CHECK(use(session->engine, session->spent, session->access, session->refresh) == GRL_OK);
    approve(session->engine, session->code);
    session->authorization = ask(session->engine, QUERY);
    session->now++; // Once a second, the engine looks whether its state is the store's.
}

static void end(struct session *session)
{
    grl_engine_free(session->engine);
    CHECK(session->probe.releases == 0);
    grl_authorization_free(session->authorization);
    CHECK(session->probe.releases == 1);
    session->probe.inner.release(session->probe.inner.ctx);
    ram_store_free(session->ram);
}

static grl_status to_approve(struct session *session)
{
    grl_login login = GRL_LOGIN_INIT;
    grl_http_response *response;
    login.subject = GRL_STR("alice");
    grl_status status = grl_authorization_approve(session->authorization, &login, &response, NULL);
    CHECK((response != NULL) == (status == GRL_OK));
    grl_http_response_free(response);
    return status;
}

static grl_status to_redeem(struct session *session)
{
    token_text form;
    code_form(form, session->code);
    return post(session->engine, form, session->out, session->out);
}

static grl_status to_refresh(struct session *session)
{
    return use(session->engine, session->refresh, session->out, session->out);
}

static grl_status to_refresh_again(struct session *session)
{
    return use(session->engine, session->spent, session->out, session->out);
}

static grl_status to_verify(struct session *session)
{
    return verify(session->engine, session->access);
}

static grl_status to_revoke(struct session *session, const char *token)
{
    token_text form;
    snprintf(form, sizeof form, "client_id=app&token=%.1500s", token);
    return grl_engine_revoke(session->engine, grl_str_from(form), NOTHING, NULL);
}

static grl_status to_sign_out(struct session *session)
{
    return to_revoke(session, session->refresh);
}

static grl_status to_revoke_access(struct session *session)
{
    return to_revoke(session, session->access);
}

static grl_status to_introspect(struct session *session)
{
    token_text form;
    grl_buf json;
    snprintf(form, sizeof form, "client_id=web&client_secret=correct%%20horse%%20battery%%20staple&token=%.1500s",
             session->access);
    grl_status status = grl_engine_introspect(session->engine, grl_str_from(form), NOTHING, &json, NULL);
    grl_buf_free(&json);
    return status;
}

static grl_status to_list(struct session *session)
{
    grl_buf json;
    grl_status status = grl_engine_grants(session->engine, GRL_STR("app"), GRL_STR("alice"), &json, NULL);
    CHECK((json.ptr != NULL) == (status == GRL_OK));
    grl_buf_free(&json);
    return status;
}

static grl_status to_rotate_keys(struct session *session)
{
    return grl_engine_rotate_keys(session->engine, NULL);
}

static grl_status to_put_client(struct session *session)
{
    return grl_engine_put_client(session->engine, GRL_STR("{\"client_id\":\"new\",\"redirect_uris\":[\"a.b:/\"]}"), NULL);
}

static grl_status to_sweep(struct session *session)
{
    size_t removed;
    grl_status status = grl_engine_sweep(session->engine, 5, &removed, NULL);
    CHECK(removed == 0); // None has ended.
    return status;
}

typedef grl_status operation(struct session *);

static operation *const OPERATIONS[] = {
    to_approve,       to_redeem,     to_refresh, to_refresh_again, to_verify,      to_sign_out,
    to_revoke_access, to_introspect, to_list,    to_rotate_keys,   to_put_client, to_sweep,
};
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

// What the store says, and what the caller then hears.
static const int32_t STATUSES[][2] = {
    {GRL_TEMPORARILY_UNAVAILABLE, GRL_TEMPORARILY_UNAVAILABLE},
    {GRL_STORE_FULL, GRL_STORE_FULL},
    {GRL_STORE_READ_ONLY, GRL_STORE_READ_ONLY},
    {GRL_STORE_CORRUPT, GRL_STORE_CORRUPT},
    {GRL_SERVER_ERROR, GRL_SERVER_ERROR},
    {GRL_STORE, GRL_SERVER_ERROR},
    {GRL_STORE_NEWER, GRL_SERVER_ERROR},
    {GRL_INVALID_GRANT, GRL_SERVER_ERROR},
    {1 << 30, GRL_SERVER_ERROR},
    {-1, GRL_SERVER_ERROR},
};

// What is done behind a change that is stored already is nothing to fail for.
static int may_go_on(operation *operation, unsigned call)
{
    int changes_state = operation == to_rotate_keys || operation == to_put_client;
    return (operation == to_redeem && call > 3) || (changes_state && call > 2);
}

static grl_buf public_keys(const grl_engine *engine)
{
    grl_buf json;
    grl_error *error;
    ok(grl_engine_jwks(engine, &json, &error), &error);
    return json;
}

// Nothing is issued, nothing has changed, and again is fine. Tells how many calls there were.
static unsigned fails_at(operation *operation, unsigned call, const int32_t status[2])
{
    static struct session session;
    begin(&session);
    grl_buf before = snapshot(session.engine), keys = public_keys(session.engine), keys_after;
    size_t count = ram_store_count(session.ram);
    session.now++;
    session.probe.calls = 0;
    session.probe.fail_at = call;
    session.probe.status = status[0];
    grl_status heard = operation(&session);
    unsigned calls = session.probe.calls;
    session.probe.fail_at = 0;
    if (heard == GRL_OK) {
        CHECK(call == 0 || may_go_on(operation, call));
        grl_buf_free(&before);
    } else {
        CHECK(heard == status[1]);
        CHECK(unchanged(session.engine, before) && ram_store_count(session.ram) == count);
        keys_after = public_keys(session.engine);
        CHECK(same(grl_buf_str(&keys), (const char *)keys_after.ptr));
        grl_buf_free(&keys_after);
        CHECK(operation(&session) == GRL_OK);
    }
    grl_buf_free(&keys);
    end(&session);
    return calls;
}

// Each call of each operation fails in turn, in each way.
static void a_call_that_fails_changes_nothing(void)
{
    for (size_t at = 0; at < COUNT(OPERATIONS); at++) {
        unsigned calls = fails_at(OPERATIONS[at], 0, STATUSES[0]);
        CHECK(calls > 0);
        for (unsigned call = 1; call <= calls; call++) {
            for (size_t i = 0; i < COUNT(STATUSES); i++) {
                CHECK(fails_at(OPERATIONS[at], call, STATUSES[i]) >= call);
            }
        }
    }
}

// An engine that cannot be opened lets go of the store; the next one finds nothing amiss.
static void opening_fails_at_each_call(void)
{
    uint64_t now = 1700000000;
    for (unsigned call = 1; call <= 3; call++) {
        for (size_t i = 0; i < COUNT(STATUSES); i++) {
            struct probe probe = {0};
            ram_store *ram = ram_store_new();
            grl_store store = probed(&probe, ram);
            grl_host host = GRL_HOST_INIT;
            grl_engine *engine;
            host.store = &store;
            probe.fail_at = call;
            probe.status = STATUSES[i][0];
            CHECK(grl_engine_new(GRL_STR(KEPT), &host, &engine, NULL) == STATUSES[i][1] && engine == NULL);
            CHECK(probe.releases == 1 && probe.calls == call);
            probe.fail_at = 0;
            probe.calls = 0;
            engine = open_on(store, &now);
            CHECK(probe.calls <= 3);
            token_text access, refresh;
            sign_in(engine, access, refresh);
            grl_engine_free(engine);
            CHECK(probe.releases == 2);
            probe.inner.release(probe.inner.ctx);
            ram_store_free(ram);
        }
    }
}

static void each_status_is_passed_on(void)
{
    static struct session session;
    for (size_t i = 0; i < COUNT(STATUSES); i++) {
        for (size_t at = 0; at < COUNT(OPERATIONS); at++) {
            begin(&session);
            session.probe.calls = 0;
            session.probe.fail_at = 1;
            session.probe.status = STATUSES[i][0];
            CHECK(OPERATIONS[at](&session) == STATUSES[i][1]);
            CHECK(OPERATIONS[at](&session) == GRL_OK);
            end(&session);
        }
    }
}

// The change was made, but the store says that it failed: a client that tries again is not signed out.
static void a_lost_answer_loses_no_session(void)
{
    static operation *const operations[] = {to_approve, to_refresh, to_refresh_again, to_sign_out, to_revoke_access};
    static struct session session;
    for (size_t at = 0; at < COUNT(operations); at++) {
        for (unsigned call = 1; call <= 4; call++) {
            begin(&session);
            session.probe.calls = 0;
            session.probe.fail_at = call;
            session.probe.status = GRL_TEMPORARILY_UNAVAILABLE;
            session.probe.is_done = 1;
            grl_status heard = operations[at](&session);
            session.probe.fail_at = 0;
            CHECK(heard == (session.probe.calls < call ? GRL_OK : GRL_TEMPORARILY_UNAVAILABLE));
            if (heard != GRL_OK) {
                CHECK(operations[at](&session) == GRL_OK);
            }
            token_text successor;
            strcpy(successor, session.out);
            if (operations[at] == to_refresh) {
                CHECK(to_refresh(&session) == GRL_OK && strcmp(successor, session.out) == 0); // Never a fork.
            }
            end(&session);
        }
    }
}

// ---- A store that lies --------------------------------------------------------------------------------

static void what_cannot_be_is_an_error(void)
{
    static const struct {
        enum lie lie;
        operation *operation;
        grl_status heard;
    } cases[] = {
        {NO_ANSWER, to_approve, GRL_SERVER_ERROR},
        {NO_ANSWER, to_refresh, GRL_SERVER_ERROR},
        {ODD_ANSWER, to_approve, GRL_SERVER_ERROR},
        {ODD_ANSWER, to_refresh, GRL_SERVER_ERROR},
        {NO_VERSION, to_refresh, GRL_SERVER_ERROR},
        {NO_BODY, to_refresh, GRL_STORE_CORRUPT},
        {NO_UTF8, to_refresh, GRL_STORE_CORRUPT},
        {BODY_TWICE, to_refresh, GRL_STORE_CORRUPT},
        {BODY_OF_NOBODY, to_refresh, GRL_STORE_CORRUPT},
        {BODY_OF_ANOTHER, to_refresh, GRL_STORE_CORRUPT},
        {BODY_OF_ANOTHER, to_verify, GRL_STORE_CORRUPT},
        {BODY_OF_THE_FUTURE, to_refresh, GRL_STORE_NEWER},
        {NO_BYTES, to_refresh, GRL_SERVER_ERROR},
        {KEY_OF_NOTHING, to_list, GRL_SERVER_ERROR},
        {KEY_CUT, to_list, GRL_SERVER_ERROR},
        {KEY_IN_HEX, to_list, GRL_SERVER_ERROR},
        {NO_COUNT, to_sweep, GRL_SERVER_ERROR},
        {TOO_MANY, to_sweep, GRL_SERVER_ERROR},
    };
    static struct session session;
    for (size_t at = 0; at < COUNT(cases); at++) {
        begin(&session);
        session.probe.lie = cases[at].lie;
        CHECK(cases[at].operation(&session) == cases[at].heard);
        session.probe.lie = HONEST;
        CHECK(cases[at].operation(&session) == GRL_OK);
        end(&session);
    }
    begin(&session);
    session.probe.lie = NO_VERSION;
    grl_error *error;
    grl_buf json;
    CHECK(grl_engine_grants(session.engine, NOTHING, NOTHING, &json, &error) == GRL_SERVER_ERROR);
    CHECK(has(grl_error_detail(error), "load") && has(grl_error_detail(error), "version"));
    CHECK(!has(grl_error_response(error), "load"));
    grl_error_free(error);
    session.probe.lie = HONEST;
    end(&session);
}

// ---- Who lets go, and when ----------------------------------------------------------------------------

static void release_host(void *ctx)
{
    ++*(unsigned *)ctx;
}

static void release_is_called_exactly_once(void)
{
    struct probe probe = {0};
    ram_store *ram = ram_store_new();
    unsigned hosts = 0, stores = 0;
    grl_store store = probed(&probe, ram);
    grl_host host = GRL_HOST_INIT;
    grl_engine *engine, **nowhere = NULL;
    grl_error *error;
    host.ctx = &hosts;
    host.release = release_host;
    host.store = &store;
    CHECK(grl_engine_new(GRL_STR("{"), &host, &engine, NULL) == GRL_CONFIG);
    CHECK(probe.releases == ++stores && hosts == stores);
    CHECK(grl_engine_new(GRL_STR("\xff"), &host, &engine, NULL) == GRL_USAGE_UTF8);
    CHECK(probe.releases == ++stores && hosts == stores);
    CHECK(grl_engine_new(GRL_STR(KEPT), &host, nowhere, NULL) == GRL_USAGE_NULL);
    CHECK(probe.releases == ++stores && hosts == stores);
    host.signing_key = GRL_STR("{}"); // Half a signer.
    CHECK(grl_engine_new(GRL_STR(KEPT), &host, &engine, NULL) == GRL_USAGE_NULL);
    CHECK(probe.releases == ++stores && hosts == stores);
    host.signing_key = NOTHING;

    // No key to seal the engine's own with; a second store.
    CHECK(grl_engine_new(GRL_STR(OPEN_WITH("")), &host, &engine, NULL) == GRL_CONFIG_KEY);
    CHECK(probe.releases == ++stores && hosts == stores);
    CHECK(grl_engine_new(GRL_STR(OPEN_WITH(SEALING "\"store\":{\"sqlite\":\"/none/such\"},")), &host, &engine, NULL) ==
          GRL_USAGE);
    CHECK(probe.releases == ++stores && hosts == stores);
    CHECK(ram_store_count(ram) == 0);

    // A callback is missing.
    for (int missing = 0; missing < 5; missing++) {
        static const char *const names[] = {"insert", "load", "swap", "owned_by", "sweep"};
        grl_store less = store;
        less.insert = missing == 0 ? NULL : store.insert;
        less.load = missing == 1 ? NULL : store.load;
        less.swap = missing == 2 ? NULL : store.swap;
        less.owned_by = missing == 3 ? NULL : store.owned_by;
        less.sweep = missing == 4 ? NULL : store.sweep;
        host.store = &less;
        CHECK(grl_engine_new(GRL_STR(KEPT), &host, &engine, &error) == GRL_USAGE_NULL);
        CHECK(engine == NULL && has(grl_error_description(error), names[missing]));
        CHECK(probe.releases == ++stores && hosts == stores);
        grl_error_free(error);
    }
    host.store = &store;

    // Of structs of another size nothing else is read: nothing is taken over, neither store nor host.
    store.size++;
    CHECK(grl_engine_new(GRL_STR(KEPT), &host, &engine, &error) == GRL_USAGE_SIZE);
    CHECK(has(grl_error_description(error), "host.store"));
    grl_error_free(error);
    size_t *alone = malloc(sizeof *alone);
    *alone = sizeof *alone;
    host.store = (grl_store *)(void *)alone;
    CHECK(grl_engine_new(GRL_STR(KEPT), &host, &engine, NULL) == GRL_USAGE_SIZE);
    free(alone);
    store.size--;
    host.store = &store;
    host.size--;
    CHECK(grl_engine_new(GRL_STR(KEPT), &host, &engine, NULL) == GRL_USAGE_SIZE);
    host.size++;
    CHECK(probe.releases == stores && hosts == stores && probe.calls == 0);

    // It need not be told.
    store.release = NULL;
    ok(grl_engine_new(GRL_STR(KEPT), &host, &engine, &error), &error);
    grl_engine_free(engine);
    CHECK(probe.releases == stores && hosts == stores + 1);
    probe.inner.release(probe.inner.ctx);
    ram_store_free(ram);
}

// ---- Many threads -------------------------------------------------------------------------------------

#define THREADS 8
#define ROUNDS 20

struct racer {
    const grl_engine *engine;
    pthread_barrier_t *start;
    const char *presented;
    grl_status status;
    token_text access, next;
};

static void *race(void *arg)
{
    struct racer *racer = arg;
    pthread_barrier_wait(racer->start);
    racer->status = use(racer->engine, racer->presented, racer->access, racer->next);
    return NULL;
}

// Two engines, as two processes would be, share the store; a client races itself at both.
static void threads_never_fork_a_session(void)
{
    static struct racer racers[THREADS];
    uint64_t now = 1700000000;
    ram_store *ram = ram_store_new();
    grl_engine *engines[] = {open_on(ram_store_lend(ram), &now), open_on(ram_store_lend(ram), &now)};
    ram_store_free(ram);
    token_text access, current;
    sign_in(engines[0], access, current);
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t threads[THREADS];
        pthread_barrier_t start;
        CHECK(pthread_barrier_init(&start, NULL, THREADS) == 0);
        for (int i = 0; i < THREADS; i++) {
            racers[i].engine = engines[i % 2];
            racers[i].start = &start;
            racers[i].presented = current;
            CHECK(pthread_create(&threads[i], NULL, race, &racers[i]) == 0);
        }
        for (int i = 0; i < THREADS; i++) {
            CHECK(pthread_join(threads[i], NULL) == 0);
        }
        pthread_barrier_destroy(&start);
        for (int i = 0; i < THREADS; i++) {
            CHECK(racers[i].status == GRL_OK);
            CHECK(strcmp(racers[i].next, racers[0].next) == 0 && strcmp(racers[i].next, current) != 0);
            CHECK(verify(engines[round % 2], racers[i].access) == GRL_OK);
        }
        strcpy(current, racers[0].next);
    }
    grl_engine_free(engines[0]);
    grl_engine_free(engines[1]);
}

int main(void)
{
    a_session_outlives_the_engine();
    a_call_that_fails_changes_nothing();
    opening_fails_at_each_call();
    each_status_is_passed_on();
    a_lost_answer_loses_no_session();
    what_cannot_be_is_an_error();
    release_is_called_exactly_once();
    threads_never_fork_a_session();
    return 0;
}
