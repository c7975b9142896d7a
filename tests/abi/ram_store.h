// A complete store in C: what a host writes to keep the records itself. This one keeps them in memory, so
// they end with the process; one for real writes them through before it says that a change is done.
#ifndef GRL_TESTS_RAM_STORE_H
#define GRL_TESTS_RAM_STORE_H

#include <grantlet.h>

typedef struct ram_store ram_store;

// An empty store; NULL where there is no memory.
ram_store *ram_store_new(void);

// The store, for one grl_engine_new; it lives on until `release` and everybody else have let go.
grl_store ram_store_lend(ram_store *store);

// Lets go.
void ram_store_free(ram_store *store);

// How many records there are.
size_t ram_store_count(ram_store *store);

#endif
