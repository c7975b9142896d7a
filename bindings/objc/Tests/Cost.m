// What a refresh costs through the binding, beside the same call in C: both in one run, in turns.
#import "Support.h"
#include <time.h>

enum { ROUNDS = 2000 };

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static int by_size(const void *left, const void *right)
{
    double difference = *(const double *)left - *(const double *)right;
    return difference < 0 ? -1 : difference > 0;
}

static double median(double *times)
{
    qsort(times, ROUNDS, sizeof *times, by_size);
    return times[ROUNDS / 2];
}

TEST(cost_of_a_refresh)
{
    static double objc[ROUNDS], c[ROUNDS];
    DemoApp *app = [[[DemoApp alloc] init] autorelease];
    GRLConfiguration *configuration = demo_configuration();
    [configuration setObject:@{@"refresh_token" : @{@"leeway" : @0}} forKeyedSubscript:@"defaults"];
    GRLEngine *engine = [[[GRLEngine alloc] initWithConfiguration:configuration error:NULL] autorelease];
    NSString *form = [app formWithRefreshToken:sign_in(engine).refreshToken];
    NSData *json = configuration.JSONData;
    grl_engine *plain = NULL;
    CHECK(grl_engine_new(grl_str_of(json.bytes, json.length), NULL, &plain, NULL) == GRL_OK);
    grl_authorization *asked = NULL;
    NSData *query = [app.query dataUsingEncoding:NSUTF8StringEncoding];
    CHECK(grl_engine_authorize(plain, grl_str_of(query.bytes, query.length), &asked, NULL) == GRL_OK);
    grl_login login = GRL_LOGIN_INIT;
    login.subject = GRL_STR("alice");
    grl_http_response *response = NULL;
    CHECK(grl_authorization_approve(asked, &login, &response, NULL) == GRL_OK);
    grl_str location = grl_http_response_header(response, GRL_STR("Location"));
    NSString *text = [[[NSString alloc] initWithBytes:location.ptr length:location.len
                                             encoding:NSUTF8StringEncoding] autorelease];
    char next[4096];
    snprintf(next, sizeof next, "%s", [app formWithLocation:text].UTF8String);
    grl_http_response_free(response);
    grl_authorization_free(asked);
    for (int i = -1; i < ROUNDS; i++) {
        // The binding: form in, next refresh token out.
        double start = now();
        @autoreleasepool {
            GRLTokenResponse *tokens = [engine tokenWithForm:form error:NULL];
            NSString *token = [tokens.refreshToken retain];
            double took = now() - start;
            if (i >= 0) {
                objc[i] = took;
            }
            form = [[app formWithRefreshToken:token] retain];
            [token release];
        }
        [form autorelease];
        // The same in C.
        start = now();
        grl_buf body, token;
        CHECK(grl_engine_token(plain, grl_str_from(next), GRL_STR(""), &body, NULL) == GRL_OK);
        CHECK(grl_json_member(grl_buf_str(&body), GRL_STR("refresh_token"), &token, NULL) == GRL_OK);
        double took = now() - start;
        if (i >= 0) {
            c[i] = took;
        }
        snprintf(next, sizeof next, "grant_type=refresh_token&client_id=notes-app&refresh_token=%s", (char *)token.ptr);
        grl_buf_free(&body);
        grl_buf_free(&token);
    }
    grl_engine_free(plain);
    double ours = median(objc), theirs = median(c);
    printf("a refresh takes %.1f us, %.1f us in C: 1.10 x the C call and %.1f us\n", ours, theirs, ours - 1.10 * theirs);
    CHECK(ours <= 1.10 * theirs + 5);
}
