#include "ram_store.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 256
#define KEY_BYTES 16

// A record; its texts lie behind it.
struct entry {
    struct entry *next;
    uint8_t key[KEY_BYTES];
    uint64_t version, keep_until;
    grl_str client_id, subject, body;
    uint8_t text[];
};

// One lock over all of it. A sweep goes on at the bucket where the last one stopped.
struct ram_store {
    pthread_mutex_t lock;
    size_t holders, count, sweep_at;
    uint64_t last_version; // One counter for all: what went and came again has another version.
    struct entry *buckets[BUCKETS];
};

static ram_store *locked(void *ctx)
{
    ram_store *store = ctx;
    pthread_mutex_lock(&store->lock);
    return store;
}

static int32_t unlock(ram_store *store, int32_t status)
{
    pthread_mutex_unlock(&store->lock);
    return status;
}

// Where the entry of this key hangs, or would.
static struct entry **find(ram_store *store, grl_str key)
{
    uint32_t hash = 2166136261u; // FNV-1a
    for (size_t i = 0; i < KEY_BYTES; i++) {
        hash = (hash ^ key.ptr[i]) * 16777619u;
    }
    struct entry **at = &store->buckets[hash % BUCKETS];
    while (*at != NULL && memcmp((*at)->key, key.ptr, KEY_BYTES) != 0) {
        at = &(*at)->next;
    }
    return at;
}

static grl_str copy(uint8_t **at, grl_str text)
{
    grl_str copied = grl_str_of(*at, text.len);
    if (text.len > 0) {
        memcpy(*at, text.ptr, text.len);
    }
    *at += text.len;
    return copied;
}

// A record is lent for the call only: all of it is copied.
static struct entry *entry_of(ram_store *store, const grl_record *record)
{
    size_t len = record->client_id.len + record->subject.len + record->body.len;
    struct entry *entry = malloc(sizeof *entry + len);
    if (entry != NULL) {
        uint8_t *text = entry->text;
        entry->next = NULL;
        memcpy(entry->key, record->key.ptr, KEY_BYTES);
        entry->version = ++store->last_version;
        entry->keep_until = record->keep_until;
        entry->client_id = copy(&text, record->client_id);
        entry->subject = copy(&text, record->subject);
        entry->body = copy(&text, record->body);
    }
    return entry;
}

static int32_t insert(void *ctx, const grl_record *record, int32_t *done)
{
    ram_store *store = locked(ctx);
    struct entry **at = find(store, record->key);
    *done = *at == NULL;
    if (*done) {
        if ((*at = entry_of(store, record)) == NULL) {
            return unlock(store, GRL_STORE_FULL);
        }
        store->count++;
    }
    return unlock(store, GRL_OK);
}

static int32_t load(void *ctx, grl_str key, grl_sink *body, uint64_t *version)
{
    ram_store *store = locked(ctx);
    const struct entry *entry = *find(store, key);
    if (entry == NULL) {
        return unlock(store, GRL_NOT_FOUND);
    }
    *version = entry->version;
    return unlock(store, grl_sink_write(body, entry->body));
}

static int32_t swap(void *ctx, uint64_t version, const grl_record *record, int32_t *done)
{
    ram_store *store = locked(ctx);
    struct entry **at = find(store, record->key), *old = *at;
    *done = old != NULL && old->version == version;
    if (*done) {
        struct entry *entry = entry_of(store, record);
        if (entry == NULL) {
            return unlock(store, GRL_STORE_FULL);
        }
        entry->next = old->next;
        *at = entry;
        free(old);
    }
    return unlock(store, GRL_OK);
}

// Byte for byte; an empty one means anybody's.
static int is_meant(grl_str wanted, grl_str text)
{
    return wanted.len == 0 || (wanted.len == text.len && memcmp(wanted.ptr, text.ptr, text.len) == 0);
}

// A database has an index for this.
static int32_t owned_by(void *ctx, grl_str client_id, grl_str subject, grl_sink *keys)
{
    ram_store *store = locked(ctx);
    for (size_t i = 0; i < BUCKETS; i++) {
        for (const struct entry *entry = store->buckets[i]; entry != NULL; entry = entry->next) {
            int is_grant = entry->client_id.len > 0;
            if (is_grant && is_meant(client_id, entry->client_id) && is_meant(subject, entry->subject)) {
                grl_status status = grl_sink_write(keys, grl_str_of(entry->key, KEY_BYTES));
                if (status != GRL_OK) {
                    return unlock(store, status);
                }
            }
        }
    }
    return unlock(store, GRL_OK);
}

// Goes round all buckets once at the most, and looks at a few records for each that it may remove.
static int32_t sweep(void *ctx, uint64_t now, size_t limit, size_t *swept)
{
    ram_store *store = locked(ctx);
    size_t looks = limit < SIZE_MAX / 16 ? limit * 16 : SIZE_MAX;
    *swept = 0;
    for (size_t round = 0; round < BUCKETS && looks > 0; round++) {
        struct entry **at = &store->buckets[store->sweep_at];
        while (*at != NULL && *swept < limit) {
            struct entry *entry = *at;
            looks -= looks > 0;
            if (entry->keep_until <= now) {
                *at = entry->next;
                free(entry);
                store->count--;
                ++*swept;
            } else {
                at = &entry->next;
            }
        }
        if (*swept == limit) {
            break; // The rest of this bucket comes next.
        }
        store->sweep_at = (store->sweep_at + 1) % BUCKETS;
    }
    return unlock(store, GRL_OK);
}

static void release(void *ctx)
{
    ram_store_free(ctx);
}

ram_store *ram_store_new(void)
{
    ram_store *store = calloc(1, sizeof *store);
    if (store != NULL) {
        pthread_mutex_init(&store->lock, NULL);
        store->holders = 1;
    }
    return store;
}

grl_store ram_store_lend(ram_store *store)
{
    grl_store lent = GRL_STORE_INIT;
    locked(store)->holders++;
    unlock(store, GRL_OK);
    lent.ctx = store;
    lent.release = release;
    lent.insert = insert;
    lent.load = load;
    lent.swap = swap;
    lent.owned_by = owned_by;
    lent.sweep = sweep;
    return lent;
}

void ram_store_free(ram_store *store)
{
    size_t holders = --locked(store)->holders;
    unlock(store, GRL_OK);
    if (holders > 0) {
        return;
    }
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct entry *entry = store->buckets[i], *next; entry != NULL; entry = next) {
            next = entry->next;
            free(entry);
        }
    }
    pthread_mutex_destroy(&store->lock);
    free(store);
}

size_t ram_store_count(ram_store *store)
{
    size_t count = locked(store)->count;
    unlock(store, GRL_OK);
    return count;
}
