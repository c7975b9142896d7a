#include <stddef.h>

// An engine in C, signed in, and the form that its next refresh posts.
typedef struct c_refresher c_refresher;

c_refresher *_Nullable c_refresher_new(const char *_Nonnull config, const char *_Nonnull query, const char *_Nonnull code_form);

// Refreshes `count` times; 0 if all of them were answered.
int c_refresher_run(c_refresher *_Nonnull refresher, size_t count);

void c_refresher_free(c_refresher *_Nullable refresher);
