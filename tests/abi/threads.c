// Many threads present one refresh token at the same moment: a client that races itself.
#include "support.h"

#include <pthread.h>

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

int main(void)
{
    static struct racer racers[THREADS];
    grl_engine *engine = open_engine(NULL);
    token_text access, current;
    sign_in(engine, access, current);
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t threads[THREADS];
        pthread_barrier_t start;
        CHECK(pthread_barrier_init(&start, NULL, THREADS) == 0);
        for (int i = 0; i < THREADS; i++) {
            racers[i].engine = engine;
            racers[i].start = &start;
            racers[i].presented = current;
            CHECK(pthread_create(&threads[i], NULL, race, &racers[i]) == 0);
        }
        for (int i = 0; i < THREADS; i++) {
            CHECK(pthread_join(threads[i], NULL) == 0);
        }
        pthread_barrier_destroy(&start);
        // All get the same successor: never a fork, and nobody is logged out.
        for (int i = 0; i < THREADS; i++) {
            CHECK(racers[i].status == GRL_OK);
            CHECK(strcmp(racers[i].next, racers[0].next) == 0);
            CHECK(strcmp(racers[i].next, current) != 0);
            CHECK(verify(engine, racers[i].access) == GRL_OK);
        }
        strcpy(current, racers[0].next);
    }
    grl_engine_free(engine);
    return 0;
}
