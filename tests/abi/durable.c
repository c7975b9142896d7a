// A file that outlives the engine: opened, closed, opened again, backed up, sealed anew; and what else may
// lie in its place.
#include "support.h"
#include <sys/stat.h>
#include <unistd.h>

#if defined(__clang__)
// Some of what it warns of is what is tried.
#pragma clang diagnostic ignored "-Wnonnull"
#endif

static const unsigned char KEY[32] = "thirty-two bytes of a keychain!!";
static const unsigned char OTHER[32] = "thirty-two bytes of another one!";

static grl_str key(const unsigned char bytes[32])
{
    return grl_str_of(bytes, 32);
}

static grl_status try(const char *path, grl_str sealing_key, grl_engine **engine)
{
    grl_error *error;
    grl_status status =
        grl_engine_open(GRL_STR(CONFIG), grl_str_from(path), sealing_key, NULL, engine, &error);
    CHECK((*engine != NULL) == (status == GRL_OK));
    CHECK(grl_error_status(error) == status);
    CHECK(!has(grl_error_detail(error), "keychain"));
    grl_error_free(error);
    return status;
}

static grl_engine *on(const char *path)
{
    grl_engine *engine;
    CHECK(try(path, key(KEY), &engine) == GRL_OK);
    return engine;
}

static void refused(const char *path, grl_str sealing_key, grl_status expected)
{
    grl_engine *engine;
    CHECK(try(path, sealing_key, &engine) == expected);
}

int main(void)
{
    char folder[] = "/tmp/grantlet-abi-XXXXXX", path[64], copy[64], text[64];
    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/grants.db", folder);
    snprintf(copy, sizeof copy, "%s/copy.db", folder);
    snprintf(text, sizeof text, "%s/notes.txt", folder);
    token_text access, first, second, third, unused;
    grl_error *error;

    // A session goes on, and so do keys and what was changed.
    grl_engine *engine = on(path);
    sign_in(engine, access, first);
    ok(grl_engine_put_client(engine, GRL_STR("{\"client_id\":\"late\",\"redirect_uris\":[]}"), &error), &error);
    ok(grl_engine_rotate_keys(engine, &error), &error);
    grl_engine_free(engine);
    engine = on(path);
    CHECK(verify(engine, access) == GRL_OK);
    CHECK(use(engine, first, access, second) == GRL_OK);
    CHECK(use(engine, first, access, unused) == GRL_OK && strcmp(second, unused) == 0);
    ok(grl_engine_remove_client(engine, GRL_STR("late"), NULL, &error), &error);

    // Two engines on one file, as two processes are.
    grl_engine *other = on(path);
    CHECK(use(other, second, access, third) == GRL_OK);
    CHECK(use(engine, second, access, unused) == GRL_OK && strcmp(third, unused) == 0);
    grl_engine_free(other);

    // A backup is a store; nothing is overwritten.
    ok(grl_engine_backup(engine, grl_str_from(copy), &error), &error);
    CHECK(grl_engine_backup(engine, grl_str_from(copy), NULL) == GRL_SERVER_ERROR);
    struct stat file;
    CHECK(stat(copy, &file) == 0 && (file.st_mode & 0777) == 0600);
    CHECK(stat(path, &file) == 0 && (file.st_mode & 0777) == 0600);
    other = on(copy);
    CHECK(use(other, third, access, unused) == GRL_OK);
    CHECK(verify(other, access) == GRL_OK);
    grl_engine_free(other);

    // Sealed anew, the old key is over. The copy keeps its own.
    CHECK(grl_engine_reseal(engine, GRL_STR("short"), NULL) == GRL_CONFIG_KEY);
    ok(grl_engine_reseal(engine, key(OTHER), &error), &error);
    CHECK(use(engine, third, access, unused) == GRL_OK);
    grl_engine_free(engine);
    refused(path, key(KEY), GRL_STORE_SEALED);
    CHECK(try(path, key(OTHER), &engine) == GRL_OK);
    CHECK(verify(engine, access) == GRL_OK);
    grl_engine_free(engine);
    grl_engine_free(on(copy));

    // What cannot be.
    FILE *notes = fopen(text, "w");
    CHECK(notes != NULL);
    for (int line = 0; line < 200; line++) {
        fprintf(notes, "Dear diary, this is line %d.\n", line);
    }
    fclose(notes);
    refused(text, key(KEY), GRL_STORE_FOREIGN);
    refused("/no/such/folder/grants.db", key(KEY), GRL_STORE);
    refused("", key(KEY), GRL_USAGE);
    refused(path, GRL_STR(""), GRL_CONFIG_KEY);
    refused(path, grl_str_of(NULL, 32), GRL_USAGE_NULL);
    refused(path, GRL_STR("not thirty-two bytes"), GRL_CONFIG_KEY);
    CHECK(grl_engine_open(GRL_STR(CONFIG), grl_str_from(path), key(KEY), NULL, NULL, NULL) == GRL_USAGE_NULL);
    CHECK(grl_engine_backup(NULL, grl_str_from(copy), NULL) == GRL_USAGE_NULL);
    CHECK(grl_engine_reseal(NULL, key(KEY), NULL) == GRL_USAGE_NULL);

    // In memory there is nothing to copy, and nothing sealed.
    engine = open_engine(NULL);
    CHECK(grl_engine_backup(engine, grl_str_from(text), NULL) == GRL_STORE_UNSUPPORTED);
    CHECK(grl_engine_reseal(engine, key(KEY), NULL) == GRL_STORE_UNSUPPORTED);
    grl_engine_free(engine);

    const char *left[] = {path, copy, text};
    for (int file_at = 0; file_at < 3; file_at++) {
        CHECK(unlink(left[file_at]) == 0);
    }
    // The last to close has put the log into the file and taken it away.
    CHECK(rmdir(folder) == 0);
    return 0;
}
