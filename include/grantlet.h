/// grantlet: an OAuth 2.1 / OpenID Connect token engine that runs inside your own process.
///
/// You own the listener, the sign-in page and the users; grantlet owns the protocol. It opens no
/// socket and starts no thread, and touches no file but the store's. One engine, and what comes of it:
///
///     grl_engine *engine;
///     grl_engine_new(GRL_STR("{\"issuer\":\"http://127.0.0.1:8080/\"}"), NULL, &engine, NULL);
///     grl_engine_put_api(engine, api_json, NULL);
///     grl_engine_put_client(engine, client_json, NULL);
///
///     grl_authorization *authorization;         // GET /authorize?…
///     grl_engine_authorize(engine, query, &authorization, NULL);
///     grl_login login = GRL_LOGIN_INIT;         // … your sign-in and consent page …
///     login.subject = GRL_STR("alice");
///     grl_http_response *response;              // a redirect that carries the code
///     grl_authorization_approve(authorization, &login, &response, NULL);
///
///     grl_buf tokens;                           // POST /oauth/token
///     grl_engine_token(engine, form, authorization_header, &tokens, NULL);
///
/// grl_engine_handle does the same from HTTP request to HTTP response. bindings/c/examples/quickstart.c
/// tells the whole story, errors included.
///
/// What holds for every call:
///
/// - The status says how it went: GRL_OK, or why not. Act on its class, grl_status_class(status).
/// - `error` comes last. It may be NULL; else it is set to NULL, or to an object that you free.
/// - An output is emptied at once and set on success only; what is there before is not looked at.
/// - A pointer that is not marked GRL_NULLABLE must not be NULL; a call that can fail then fails with
///   GRL_USAGE_NULL. Asked of NULL, a getter gives 0, empty text or NULL; free does nothing.
/// - Objects may be freed in any order. Using one after that is, as ever in C, undefined.
/// - Text is UTF-8 with a length (grl_str): a NUL in it cuts nothing short. JSON comes without spaces.
/// - A defect of the library's ends a call with GRL_PANIC, and nothing else.
///
/// Generated from the Rust sources; `GRL_BLESS=1 cargo test --features header --test header` does it.
#ifndef GRANTLET_H
#define GRANTLET_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

// Define GRL_STATIC on Windows to link the static library.
#if defined(_WIN32) && !defined(GRL_STATIC)
#define GRL_API __declspec(dllimport)
#elif defined(__GNUC__)
#define GRL_API __attribute__((visibility("default")))
#else
#define GRL_API
#endif

#if defined(__GNUC__)
#define GRL_MUST_USE __attribute__((warn_unused_result))
#else
#define GRL_MUST_USE
#endif

// What may be NULL; for Swift and Objective-C, and for clang's own checks.
#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wunknown-warning-option" // Not every clang knows all of these.
#pragma clang diagnostic ignored "-Wnullability-extension"
#pragma clang diagnostic ignored "-Wc23-extensions"
#pragma clang diagnostic ignored "-Wold-style-cast" // The only ones that C has.
#pragma clang diagnostic ignored "-Wfixed-enum-extension"
#pragma clang diagnostic ignored "-Wmicrosoft-fixed-enum"
#pragma clang assume_nonnull begin
#define GRL_NULLABLE _Nullable
#define GRL_NONNULL _Nonnull
#else
#define GRL_NULLABLE
#define GRL_NONNULL
#endif

// An enum that is as wide as `type` and may hold numbers that this header does not know.
#if defined(__clang__)
#define GRL_ENUM(type, name)                                                                       \
    enum name : type;                                                                              \
    typedef enum name name;                                                                        \
    enum __attribute__((enum_extensibility(open))) name : type
#elif (defined(__cplusplus) && __cplusplus >= 201103L) ||                                          \
    (defined(__STDC_VERSION__) && __STDC_VERSION__ >= 202311L)
#define GRL_ENUM(type, name)                                                                       \
    enum name : type;                                                                              \
    typedef enum name name;                                                                        \
    enum name : type
#else
#define GRL_ENUM(type, name)                                                                       \
    typedef type name;                                                                             \
    enum
#endif

#ifdef __cplusplus
extern "C" {
#endif

// ---- Version ------------------------------------------------------------------------------------

/// The version that this header belongs to.
#define GRL_VERSION_MAJOR 0
#define GRL_VERSION_MINOR 1
#define GRL_VERSION_PATCH 0

/// The binary interface that this header describes. A library fits if grl_abi_version() says the same.
#define GRL_ABI_VERSION 1

/// Tells the library's version, such as "0.1.0"; it lives for ever.
GRL_API const char *grl_version(void);

/// Tells the library's binary interface; compare it with GRL_ABI_VERSION when you load the library.
GRL_API uint32_t grl_abi_version(void);

// ---- Status -------------------------------------------------------------------------------------

/// The outcome of a call. The low byte is the Class that a caller acts on, the higher bits
/// are the reason within it. Numbers are never reused.
GRL_ENUM(int32_t, grl_status) {
    /// The call did what it was asked to.
    GRL_OK = 0,
    /// The request is malformed (RFC 6749 §4.1.2.1, §5.2).
    GRL_INVALID_REQUEST = 1,
    /// A required parameter is missing or empty (RFC 6749 §3.1).
    GRL_INVALID_REQUEST_MISSING = 1 | (1 << 8),
    /// A parameter is present more than once (RFC 6749 §3.1).
    GRL_INVALID_REQUEST_REPEATED = 1 | (2 << 8),
    /// The `redirect_uri` is missing, malformed or not registered; it must not be redirected to
    /// (RFC 6749 §4.1.2.1).
    GRL_INVALID_REQUEST_REDIRECT_URI = 1 | (3 << 8),
    /// The `code_challenge`, its method or the `code_verifier` is missing or malformed (RFC 7636).
    GRL_INVALID_REQUEST_PKCE = 1 | (4 << 8),
    /// The request is larger than the engine accepts.
    GRL_INVALID_REQUEST_TOO_LARGE = 1 | (5 << 8),
    /// The HTTP method is not one of this endpoint's.
    GRL_INVALID_REQUEST_METHOD = 1 | (6 << 8),
    /// The `Content-Type` is not the one that this endpoint takes.
    GRL_INVALID_REQUEST_CONTENT_TYPE = 1 | (7 << 8),
    /// No endpoint has this path.
    GRL_INVALID_REQUEST_PATH = 1 | (8 << 8),

    /// Client authentication failed (RFC 6749 §5.2).
    GRL_INVALID_CLIENT = 2,
    /// No client has this `client_id`.
    GRL_INVALID_CLIENT_UNKNOWN = 2 | (1 << 8),
    /// The client's secret is wrong.
    GRL_INVALID_CLIENT_SECRET = 2 | (2 << 8),
    /// The client did not use the authentication method that it is registered for.
    GRL_INVALID_CLIENT_METHOD = 2 | (3 << 8),
    /// The request carries no client authentication.
    GRL_INVALID_CLIENT_MISSING = 2 | (4 << 8),

    /// The code or refresh token is not valid (RFC 6749 §5.2).
    GRL_INVALID_GRANT = 3,
    /// The text is no credential of this engine: mangled, forged or made under another key.
    GRL_INVALID_GRANT_MALFORMED = 3 | (1 << 8),
    /// The store holds no such grant; it expired and was swept, or belongs to another store.
    GRL_INVALID_GRANT_UNKNOWN = 3 | (2 << 8),
    /// A spent code or refresh token came back outside its leeway; the grant is now revoked.
    GRL_INVALID_GRANT_REUSED = 3 | (3 << 8),
    /// The code or grant is past its absolute lifetime.
    GRL_INVALID_GRANT_EXPIRED = 3 | (4 << 8),
    /// The grant was not used for longer than its idle lifetime.
    GRL_INVALID_GRANT_IDLE = 3 | (5 << 8),
    /// The grant was revoked.
    GRL_INVALID_GRANT_REVOKED = 3 | (6 << 8),
    /// The credential was issued to another client.
    GRL_INVALID_GRANT_WRONG_CLIENT = 3 | (7 << 8),
    /// The credential is newer than the store: the store was restored from a backup.
    GRL_INVALID_GRANT_AHEAD = 3 | (8 << 8),
    /// The `redirect_uri` is not the one of the authorization request (RFC 6749 §4.1.3).
    GRL_INVALID_GRANT_REDIRECT_URI = 3 | (9 << 8),
    /// The `code_verifier` does not match the challenge (RFC 7636 §4.6).
    GRL_INVALID_GRANT_VERIFIER = 3 | (10 << 8),

    /// The client may not use this grant or response type (RFC 6749 §5.2).
    GRL_UNAUTHORIZED_CLIENT = 4,
    /// The `grant_type` is not supported (RFC 6749 §5.2).
    GRL_UNSUPPORTED_GRANT_TYPE = 5,
    /// The scope is malformed, or more than was granted (RFC 6749 §5.2, §6).
    GRL_INVALID_SCOPE = 6,
    /// The `audience` or `resource` names no known API, or one outside the grant (RFC 8707 §2).
    GRL_INVALID_TARGET = 7,
    /// The user or the host refused (RFC 6749 §4.1.2.1).
    GRL_ACCESS_DENIED = 8,
    /// The `response_type` is not `code` (RFC 6749 §4.1.2.1).
    GRL_UNSUPPORTED_RESPONSE_TYPE = 9,
    /// `prompt=none`, and the user is not signed in (OIDC Core §3.1.2.6).
    GRL_LOGIN_REQUIRED = 10,
    /// `prompt=none`, and the user's consent is needed (OIDC Core §3.1.2.6).
    GRL_CONSENT_REQUIRED = 11,
    /// `prompt=none`, and the user must be asked something (OIDC Core §3.1.2.6).
    GRL_INTERACTION_REQUIRED = 12,
    /// `prompt=none`, and the user must choose an account (OIDC Core §3.1.2.6).
    GRL_ACCOUNT_SELECTION_REQUIRED = 13,
    /// The `acr_values` or `max_age` asked for cannot be met (OIDC Unmet Authentication
    /// Requirements 1.0).
    GRL_UNMET_AUTHENTICATION_REQUIREMENTS = 14,
    /// The `request` parameter is not supported (OIDC Core §6.1).
    GRL_REQUEST_NOT_SUPPORTED = 15,
    /// The `request_uri` parameter is not supported (OIDC Core §6.2).
    GRL_REQUEST_URI_NOT_SUPPORTED = 16,
    /// The `registration` parameter is not supported (OIDC Core §7.2.1).
    GRL_REGISTRATION_NOT_SUPPORTED = 17,
    /// The access token is missing, malformed, expired, revoked or for someone else (RFC 6750 §3.1).
    GRL_INVALID_TOKEN = 18,
    /// The access token is past its `exp`.
    GRL_INVALID_TOKEN_EXPIRED = 18 | (1 << 8),
    /// The access token, or the grant that it came from, was revoked.
    GRL_INVALID_TOKEN_REVOKED = 18 | (2 << 8),
    /// The access token is for another audience.
    GRL_INVALID_TOKEN_AUDIENCE = 18 | (3 << 8),
    /// The signature does not verify, or is not one of this engine's keys'.
    GRL_INVALID_TOKEN_SIGNATURE = 18 | (4 << 8),
    /// The request carries no access token (RFC 6750 §3: a challenge without an error code).
    GRL_INVALID_TOKEN_MISSING = 18 | (5 << 8),

    /// The access token lacks a scope (RFC 6750 §3.1).
    GRL_INSUFFICIENT_SCOPE = 19,
    /// The engine, its store, its signer or its clock failed; nothing was issued.
    GRL_SERVER_ERROR = 20,
    /// The same call may succeed later.
    GRL_TEMPORARILY_UNAVAILABLE = 21,
    /// The configuration, or a client's or API's metadata, is not valid. Nothing was changed.
    GRL_CONFIG = 64,
    /// A configuration key is unknown.
    GRL_CONFIG_UNKNOWN_KEY = 64 | (1 << 8),
    /// Key material is not usable.
    GRL_CONFIG_KEY = 64 | (2 << 8),

    /// The host called in a way that the contract rules out.
    GRL_USAGE = 65,
    /// A required pointer is NULL.
    GRL_USAGE_NULL = 65 | (1 << 8),
    /// Text is not UTF-8.
    GRL_USAGE_UTF8 = 65 | (2 << 8),
    /// The authorization was answered already.
    GRL_USAGE_ANSWERED = 65 | (3 << 8),
    /// A struct's `size` is not one that this library knows.
    GRL_USAGE_SIZE = 65 | (4 << 8),

    /// Nothing has this name or id.
    GRL_NOT_FOUND = 66,
    /// The buffer is too small; the needed length was written. Nothing was changed.
    GRL_BUFFER_TOO_SMALL = 67,
    /// The engine has a defect: it panicked, and the panic was stopped at the boundary.
    GRL_PANIC = 68,
    /// The store cannot be used as it is; the host or its operator has to mend something.
    GRL_STORE = 69,
    /// The disk, or what the store may use of it, is full. What was asked was not done.
    GRL_STORE_FULL = 69 | (1 << 8),
    /// The store's file or folder cannot be opened for writing.
    GRL_STORE_READ_ONLY = 69 | (2 << 8),
    /// The store is damaged: restore a backup.
    GRL_STORE_CORRUPT = 69 | (3 << 8),
    /// The store was written by a later version of this library.
    GRL_STORE_NEWER = 69 | (4 << 8),
    /// The store's file is something else; it was left as it is.
    GRL_STORE_FOREIGN = 69 | (5 << 8),
    /// The store has no such operation.
    GRL_STORE_UNSUPPORTED = 69 | (6 << 8),
    /// The store's keys are sealed, and the host's sealing key is not the one, or is missing.
    GRL_STORE_SEALED = 69 | (7 << 8),
};

/// The class of a status, such as GRL_INVALID_GRANT of GRL_INVALID_GRANT_REUSED: its OAuth error code.
static inline int32_t grl_status_class(int32_t status)
{
    return status & 0xff;
}

// ---- Text ---------------------------------------------------------------------------------------

/// Text (UTF-8) or bytes that somebody lends: `len` bytes at `ptr`, not NUL-terminated.
///
/// Where `len` is 0, `ptr` is not looked at. Going in, it is borrowed for the call. Coming out, it
/// belongs to the object that it was asked of, and lives as long. See GRL_STR and grl_str_from.
typedef struct grl_str {
    /// The first byte.
    const uint8_t *GRL_NULLABLE ptr;
    /// How many bytes.
    size_t len;
} grl_str;

/// Lends `len` bytes at `ptr`.
static inline grl_str grl_str_of(const void *GRL_NULLABLE ptr, size_t len)
{
    grl_str text;
    text.ptr = (const uint8_t *)ptr;
    text.len = len;
    return text;
}

/// Lends NUL-terminated text; NULL is empty.
static inline grl_str grl_str_from(const char *GRL_NULLABLE text)
{
    return grl_str_of(text, text ? strlen(text) : 0);
}

/// Lends a string literal.
#define GRL_STR(literal) grl_str_of("" literal, sizeof(literal) - 1)

/// Text that a call gives away: `len` bytes at `ptr`, and a NUL behind them that `len` does not count.
///
/// Ownership: yours; give it back with grl_buf_free. A call that fails leaves an empty one, which
/// needs no freeing. What a buffer holds when it is passed is overwritten, not freed.
typedef struct grl_buf {
    /// The first byte; NULL in an empty buffer.
    uint8_t *GRL_NULLABLE ptr;
    /// How many bytes, without the NUL.
    size_t len;
    /// The library's own; leave it alone.
    size_t cap;
} grl_buf;

/// An empty buffer, which grl_buf_free may be given.
#define GRL_BUF_INIT {NULL, 0, 0}

/// Lends what a buffer holds.
static inline grl_str grl_buf_str(const grl_buf *buf)
{
    return grl_str_of(buf->ptr, buf->len);
}

/// Wipes a buffer's memory, releases it, and leaves the buffer empty; an empty one or NULL is fine.
GRL_API void grl_buf_free(grl_buf *GRL_NULLABLE buf);

// ---- Objects ------------------------------------------------------------------------------------

/// An OAuth 2.1 / OpenID Connect server without a socket.
///
/// Ownership: yours; free it with grl_engine_free. What came of it may be freed before or after it.
/// Threads: any number may use it at once.
typedef struct grl_engine grl_engine;

/// A valid authorization request, which waits for a user: approve or deny it, then free it.
///
/// Ownership: yours; free it with grl_authorization_free. It may outlive the engine's handle.
/// Threads: never changes; any number may use it. Only one approval of it succeeds.
typedef struct grl_authorization grl_authorization;

/// A response for your server to send: a status, headers, a body.
///
/// Ownership: yours; free it with grl_http_response_free, which wipes it. It may outlive the engine,
/// and all that it gives out lives as long as it does.
/// Threads: never changes; any number may read it.
typedef struct grl_http_response grl_http_response;

/// Why a call failed. Holds no token and no secret.
///
/// Ownership: yours, from the `error` of a failed call; free it with grl_error_free. It may outlive the
/// engine, and all that it gives out lives as long as it does.
/// Threads: never changes; any number may read it.
typedef struct grl_error grl_error;

// ---- Error --------------------------------------------------------------------------------------

/// Tells the status that the failed call returned; GRL_OK of NULL.
GRL_API grl_status grl_error_status(const grl_error *GRL_NULLABLE error);

/// Tells the OAuth error code, such as `invalid_grant`.
///
/// Spec: RFC 6749 §4.1.2.1, §5.2.
GRL_API grl_str grl_error_oauth_code(const grl_error *GRL_NULLABLE error);

/// Tells a client's developer what to mend (`error_description`); safe to send.
GRL_API grl_str grl_error_description(const grl_error *GRL_NULLABLE error);

/// Tells the log what the client is not told; often empty. Do not send it.
GRL_API grl_str grl_error_detail(const grl_error *GRL_NULLABLE error);

/// Tells the HTTP status to answer with, such as 400; 200 of NULL.
GRL_API uint16_t grl_error_http_status(const grl_error *GRL_NULLABLE error);

/// Gives the complete JSON body to answer with: `{"error":…,"error_description":…}`.
///
/// Spec: RFC 6749 §5.2.
GRL_API grl_str grl_error_response(const grl_error *GRL_NULLABLE error);

/// Gives the response that takes an authorization error to the client, through the user's browser.
///
/// NULL where there must be none, since the client or its redirect URI is not to be trusted: show
/// the error to the user then, and never redirect. Only grl_engine_authorize fails with one.
///
/// Ownership: the error's; do not free it.
/// Spec: RFC 6749 §4.1.2.1.
GRL_API const grl_http_response *GRL_NULLABLE grl_error_redirect(const grl_error *GRL_NULLABLE error);

/// Frees an error; NULL is fine.
GRL_API void grl_error_free(grl_error *GRL_NULLABLE error);

// ---- JSON ---------------------------------------------------------------------------------------

/// Gives one member of a JSON object, such as `access_token` of what grl_engine_token gave: text as it is,
/// without quotes and escapes; anything else, a number or an array, as JSON.
///
/// Ownership: `value` is yours.
/// Errors: GRL_NOT_FOUND where there is no such member, or it is `null`; GRL_USAGE of what is no JSON object.
GRL_API grl_status grl_json_member(grl_str json,
                                   grl_str name,
                                   grl_buf *value,
                                   grl_error *GRL_NULLABLE *GRL_NULLABLE error);

// ---- Store --------------------------------------------------------------------------------------

/// Takes what a callback has to say. The engine's; gone when the callback returns.
typedef struct grl_sink grl_sink;

/// Appends a copy of `data`.
///
/// Errors: GRL_USAGE_NULL; GRL_USAGE past 64 KiB of claims or signature and past 256 MiB of a store's,
/// and for keys of another length than theirs. Nothing is appended then, and what called the callback
/// fails whatever the callback returns.
GRL_API grl_status grl_sink_write(grl_sink *sink,
                                  grl_str data);

/// A record, as a store is given it to keep. Lent for the call.
typedef struct grl_record {
    /// 16 bytes, random or a hash: no text.
    grl_str key;
    /// The client whose grant it is, for `owned_by`; empty where it is no grant and so nobody's.
    grl_str client_id;
    /// The user whose grant it is, for `owned_by`; empty where it is no grant.
    grl_str subject;
    /// From when on `sweep` may remove it, in seconds since 1970; UINT64_MAX: never.
    uint64_t keep_until;
    /// All of it, JSON for the engine's eyes: `load` gives it back byte for byte. It names the user; no
    /// token can be made of it, and the engine's own keys are sealed (`keys.sealing`).
    grl_str body;
} grl_record;

/// Where records are kept, by means of your own: Core Data, a keychain, a database that is there
/// already. Begin with GRL_STORE_INIT, set every callback, and give it to grl_host's `store`.
///
/// A store holds, for each key, one record and its version. Versions are yours to give: any number but
/// 0, another one with each change, and never the same one twice for a key, not even when its record was
/// swept and came again. (One counter for all, stored too, will do.) A change touches one record, and is
/// atomic: of all who insert one key, or swap one version, exactly one gets it done. What was done is
/// there for good, after a crash too. Text is compared byte for byte: a database that takes ALICE for
/// alice ends the one's sessions with the other's.
///
/// A callback runs on the thread that called the engine, whichever that is, and several may run at once;
/// never under a lock of the engine's. It must return (no longjmp, no exception), and must not call the
/// engine, which would only call it again. It returns GRL_OK where it did its work, be the answer no;
/// GRL_TEMPORARILY_UNAVAILABLE where it may work a moment later; GRL_STORE_FULL, GRL_STORE_READ_ONLY or
/// GRL_STORE_CORRUPT for what they say, and the call fails with that; anything else where it failed, and
/// the call ends with GRL_SERVER_ERROR. Then its outputs are not looked at, nothing is issued, and the
/// client may try again. (Should the change be there all the same, a session goes on, as the next try
/// gets the same successor; a code is spent.) An output that cannot be, such as no version or a body
/// that is not the record's, counts as failed or damaged.
///
/// Nothing is swept unless you ask for it: call grl_engine_sweep now and then.
///
/// Ownership: the struct is borrowed while grl_engine_new runs. `ctx` stays yours until `release`, which
/// is called exactly once for each grl_engine_new (or grl_engine_open, which refuses it) that is given
/// the store: when the engine and all its grl_authorization are freed, or before it returns if it fails. (Not after
/// GRL_USAGE_SIZE: then nothing but sizes was read.)
typedef struct grl_store {
    /// sizeof(grl_store).
    size_t size;
    /// Handed to every callback.
    void *GRL_NULLABLE ctx;
    /// Says that no callback will be called again, on the thread that ended the last use. May be NULL.
    void (*GRL_NULLABLE release)(void *GRL_NULLABLE ctx);
    /// Puts a record where none of its key is. `done` gets 1, or 0 if there is one, which then stays.
    int32_t (*GRL_NULLABLE insert)(void *GRL_NULLABLE ctx,
                                   const grl_record *record,
                                   int32_t *done);
    /// Writes a record's body to `body` and its version to `version`; GRL_NOT_FOUND if there is none.
    int32_t (*GRL_NULLABLE load)(void *GRL_NULLABLE ctx,
                                 grl_str key,
                                 grl_sink *body,
                                 uint64_t *version);
    /// Puts a record in the place of the one of its key, all fields anew, if that has this version.
    /// `done` gets 1, or 0 if there is none or it has another version; it then stays.
    int32_t (*GRL_NULLABLE swap)(void *GRL_NULLABLE ctx,
                                 uint64_t version,
                                 const grl_record *record,
                                 int32_t *done);
    /// Writes to `keys` the key of each grant of this client and user, in any order, each with a
    /// grl_sink_write of its own. An empty one means anybody's; what is no grant is not listed.
    int32_t (*GRL_NULLABLE owned_by)(void *GRL_NULLABLE ctx,
                                     grl_str client_id,
                                     grl_str subject,
                                     grl_sink *keys);
    /// Removes at most `limit` records whose `keep_until` is not after `now`; `swept` gets how many.
    int32_t (*GRL_NULLABLE sweep)(void *GRL_NULLABLE ctx,
                                  uint64_t now,
                                  size_t limit,
                                  size_t *swept);
} grl_store;

/// A store without callbacks yet; all but `release` have to be set.
#define GRL_STORE_INIT {sizeof(grl_store), NULL, NULL, NULL, NULL, NULL, NULL, NULL}

// ---- Host ---------------------------------------------------------------------------------------

/// Parts of the engine that are yours. Begin with GRL_HOST_INIT, set what you need; NULL leaves the
/// engine's own.
///
/// A callback runs on the thread that called the engine, whichever that is, and several may run at
/// once; never under a lock of the engine's, so it may call the engine, and even free it. It must
/// return: no longjmp, no exception. Where it returns a status, GRL_OK means that it did its work;
/// GRL_TEMPORARILY_UNAVAILABLE is passed on to the client; anything else means that it failed, and
/// the call ends with GRL_SERVER_ERROR. Either way nothing is issued then and nothing has changed.
///
/// Ownership: the struct and its text are borrowed while grl_engine_new or grl_engine_open runs. `ctx`
/// stays yours until `release`, which is called exactly once for each of these calls: when nothing can
/// call back any more, as the engine and all its grl_authorization are freed, or none of the callbacks
/// was set; or before the call returns if it fails.
/// (Not after GRL_USAGE_SIZE: then nothing but sizes was read.)
typedef struct grl_host {
    /// sizeof(grl_host).
    size_t size;
    /// Handed to every callback.
    void *GRL_NULLABLE ctx;
    /// Says that no callback will be called again, on the thread that ended the last use.
    void (*GRL_NULLABLE release)(void *GRL_NULLABLE ctx);
    /// Tells the time, in seconds since 1970; 0 where it cannot be told, which is a failure.
    uint64_t (*GRL_NULLABLE clock)(void *GRL_NULLABLE ctx);
    /// Fills `len` bytes with randomness that nobody can predict, and returns a status. Elliptic-curve
    /// keys and signatures, and the salts of client secrets, take the system's all the same.
    int32_t (*GRL_NULLABLE random)(void *GRL_NULLABLE ctx, uint8_t *bytes, size_t len);
    /// Takes an event for the audit log, a JSON object: `{"at":…,"event":"rotated",…}`. The change is
    /// stored already. No event holds a token or a secret.
    void (*GRL_NULLABLE event)(void *GRL_NULLABLE ctx, grl_str event);
    /// Writes what is known of a user to `claims`, one JSON object, and returns a status; of
    /// GRL_NOT_FOUND the client learns that its token is no longer valid. Claims that need a scope
    /// which `scope` lacks are left out for you (OIDC Core §5.4).
    int32_t (*GRL_NULLABLE user_claims)(void *GRL_NULLABLE ctx,
                                        grl_str subject,
                                        grl_str client_id,
                                        grl_str scope,
                                        grl_sink *claims);
    /// The public JWK of the key that `sign` signs with, with its `alg` where the key allows several.
    grl_str signing_key;
    /// Writes the signature over `input` (not its hash) to `signature`, and returns a status. ES256
    /// and ES384: R‖S or DER. Your Secure Enclave, TPM or HSM goes here; it may block.
    int32_t (*GRL_NULLABLE sign)(void *GRL_NULLABLE ctx,
                                 grl_str input,
                                 grl_sink *signature);
    /// Where records are kept, with a `ctx` and a `release` of its own. The configuration then names no
    /// other store, but `keys.sealing`: the engine's own keys lie there, too. NULL: where it says.
    const grl_store *GRL_NULLABLE store;
} grl_host;

/// A host that leaves everything to the engine.
#define GRL_HOST_INIT                                                                              \
    {sizeof(grl_host), NULL, NULL, NULL, NULL, NULL, NULL, {NULL, 0}, NULL, NULL}

// ---- Engine -------------------------------------------------------------------------------------

/// Opens an engine in memory: what it knows ends with it. Without a host, it takes the system's clock
/// and randomness.
///
/// `config` is a JSON object; the least that works:
/// `{"issuer":"http://127.0.0.1:8080/","apis":[…],"clients":[…]}`. A configuration that names a `store`, or a
/// host that brings one, makes it last: see grl_engine_open.
///
/// Ownership: `engine` is yours; of `host`, see there.
/// Errors: GRL_CONFIG and its reasons: the description names the place.
GRL_API grl_status grl_engine_new(grl_str config,
                                  const grl_host *GRL_NULLABLE host,
                                  grl_engine *GRL_NULLABLE *GRL_NONNULL engine,
                                  grl_error *GRL_NULLABLE *GRL_NULLABLE error);

/// Opens an engine on a file, which is made if it is not there: grants, keys, and what is changed of
/// clients and APIs outlive the process. Any number of processes may open the same file at once.
///
/// `path` is the file of an SQLite database of ours. `sealing_key` is 32 bytes, not text, which you keep
/// elsewhere: in the Keychain, DPAPI, the Secret Service, a KMS. Without them nobody can read the
/// engine's keys in the file. The configuration may say the same:
/// `"store":{"sqlite":path},"keys":{"sealing":base64url}`.
///
/// Ownership: `engine` is yours; of `host`, see there.
/// Errors: those of grl_engine_new. GRL_STORE and its reasons, such as GRL_STORE_SEALED of the wrong key.
/// GRL_TEMPORARILY_UNAVAILABLE where another process holds the file for longer than five seconds.
GRL_API grl_status grl_engine_open(grl_str config,
                                   grl_str path,
                                   grl_str sealing_key,
                                   const grl_host *GRL_NULLABLE host,
                                   grl_engine *GRL_NULLABLE *GRL_NONNULL engine,
                                   grl_error *GRL_NULLABLE *GRL_NULLABLE error);

/// Frees an engine; NULL is fine. Within a callback too: a call that is under way goes on to its end.
GRL_API void grl_engine_free(grl_engine *GRL_NULLABLE engine);

/// Adds an API, or replaces the one of the same identifier. `api` is a JSON object, as in the
/// configuration's `apis`.
///
/// State: changes the registry; grants stay.
/// Errors: GRL_CONFIG and its reasons; nothing is changed then.
GRL_API grl_status grl_engine_put_api(const grl_engine *engine,
                                      grl_str api,
                                      grl_error *GRL_NULLABLE *GRL_NULLABLE error);

/// Adds a client, or replaces the one of the same id. `client` is a JSON object, as in the
/// configuration's `clients`.
///
/// State: changes the registry; grants stay.
/// Errors: GRL_CONFIG and its reasons; nothing is changed then.
/// Spec: RFC 7591 §2 (the names).
GRL_API grl_status grl_engine_put_client(const grl_engine *engine,
                                         grl_str client,
                                         grl_error *GRL_NULLABLE *GRL_NULLABLE error);

/// Removes an API: no more tokens for it, and those that are out are no longer valid here.
///
/// State: changes the registry; grants stay.
/// Errors: GRL_NOT_FOUND; GRL_CONFIG for the `default_audience`.
GRL_API grl_status grl_engine_remove_api(const grl_engine *engine,
                                         grl_str identifier,
                                         grl_error *GRL_NULLABLE *GRL_NULLABLE error);

/// Removes a client and revokes its grants.
///
/// `revoked` gets how many were live until now; NULL if you do not care.
///
/// State: changes the registry and the grants.
/// Errors: GRL_NOT_FOUND.
GRL_API grl_status grl_engine_remove_client(const grl_engine *engine,
                                            grl_str client_id,
                                            size_t *GRL_NULLABLE revoked,
                                            grl_error *GRL_NULLABLE *GRL_NULLABLE error);

/// Moves every key on: the next one signs, the current one still verifies, a fresh next is published.
///
/// Tokens that are out stay valid. The key of grl_host's `sign` stays. Where several processes share a
/// store, not twice within two seconds: the others must have seen a key before it signs.
///
/// State: changes the keys.
GRL_API grl_status grl_engine_rotate_keys(const grl_engine *engine,
                                          grl_error *GRL_NULLABLE *GRL_NULLABLE error);

/// Seals the engine's keys in its store under another 32 bytes, `sealing_key`, which the next to open it
/// has to bring. Engines of other processes on the same store refuse every request from the next second
/// on (GRL_STORE_SEALED) until they are opened with it.
///
/// State: changes how the keys are stored.
/// Errors: GRL_CONFIG_KEY for another length; GRL_STORE_UNSUPPORTED where nothing outlives the process.
/// Those of the store: then nobody knows whether it was done, so keep both keys; one of them opens it.
GRL_API grl_status grl_engine_reseal(const grl_engine *engine,
                                     grl_str sealing_key,
                                     grl_error *GRL_NULLABLE *GRL_NULLABLE error);

/// Writes a consistent copy of the store's file to a new one, `path`, while the engine goes on working. It
/// is its owner's alone (mode 0600), sealed as the store is, and opened like any other.
///
/// State: changes nothing.
/// Errors: GRL_STORE_UNSUPPORTED of a store that is no file; GRL_STORE_FULL; GRL_SERVER_ERROR where the
/// file exists or its folder does not: grl_error_detail says which.
GRL_API grl_status grl_engine_backup(const grl_engine *engine,
                                     grl_str path,
                                     grl_error *GRL_NULLABLE *GRL_NULLABLE error);

/// Removes at most `limit` records that nobody needs any more; a bounded amount of work. Call it now
/// and then.
///
/// `removed` gets how many went; NULL if you do not care.
///
/// State: removes what has ended.
GRL_API grl_status grl_engine_sweep(const grl_engine *engine,
                                    size_t limit,
                                    size_t *GRL_NULLABLE removed,
                                    grl_error *GRL_NULLABLE *GRL_NULLABLE error);

// ---- Authorization ------------------------------------------------------------------------------

/// Validates an authorization request: the query of `GET /authorize`, or the form that was posted there.
///
/// Ownership: `authorization` is yours.
/// State: changes nothing.
/// Errors: those of RFC 6749 §4.1.2.1 and OIDC Core §3.1.2.6; grl_error_redirect says whether the
/// client may be told.
/// Spec: RFC 6749 §4.1.1, RFC 7636, RFC 8707, OIDC Core §3.1.2.
GRL_API grl_status grl_engine_authorize(const grl_engine *engine,
                                        grl_str query,
                                        grl_authorization *GRL_NULLABLE *GRL_NONNULL authorization,
                                        grl_error *GRL_NULLABLE *GRL_NULLABLE error);

/// Gives what the client asked, a JSON object for your sign-in and consent page: `client_id`,
/// `client_name`, `redirect_uri`, `scope`, `scopes` (with descriptions), `offline_access`, `audience`,
/// `prompt`, `max_age`, `login_hint`, `ui_locales`, `acr_values`, `claims`, …
///
/// Ownership: the authorization's.
GRL_API grl_str grl_authorization_request(const grl_authorization *authorization);

/// Who signed in, how, and what they consented to: your word. Begin with GRL_LOGIN_INIT, set `subject`.
typedef struct grl_login {
    /// sizeof(grl_login).
    size_t size;
    /// The user: `sub`. The same for the same user for ever; 1 to 255 bytes.
    grl_str subject;
    /// When the user authenticated, in seconds since 1970; 0 where that is not known. A request with
    /// `max_age` needs it.
    uint64_t auth_time;
    /// How strongly the user authenticated, or empty.
    grl_str acr;
    /// By which methods (RFC 8176), separated by spaces, or empty.
    grl_str amr;
    /// Your session, or empty.
    grl_str sid;
    /// The scope consented to, separated by spaces; NULL means all that was asked for.
    const grl_str *GRL_NULLABLE scope;
    /// A JSON object of claims for each access token, or empty.
    grl_str access_token_claims;
    /// A JSON object of claims for each ID token, or empty.
    grl_str id_token_claims;
} grl_login;

/// A login without a subject yet, of a user who consents to all.
#define GRL_LOGIN_INIT                                                                             \
    {sizeof(grl_login), {NULL, 0}, 0, {NULL, 0}, {NULL, 0}, {NULL, 0}, NULL, {NULL, 0}, {NULL, 0}}

/// Makes the grant and its code: this user signed in and consented.
///
/// `response` takes the code to the client: a redirect, or a page that posts itself where the client
/// asked for that. Send it, or open its `Location` yourself (grl_http_response_header).
///
/// Ownership: `response` is yours.
/// State: stores a grant; on error nothing, and a better login may follow.
/// Errors: GRL_USAGE where the login lacks what was asked; GRL_LOGIN_REQUIRED where it is too old, or
/// another user's than the client named; GRL_USAGE_ANSWERED the second time.
/// Spec: RFC 6749 §4.1.2, RFC 9207.
GRL_API grl_status grl_authorization_approve(const grl_authorization *authorization,
                                             const grl_login *login,
                                             grl_http_response *GRL_NULLABLE *GRL_NONNULL response,
                                             grl_error *GRL_NULLABLE *GRL_NULLABLE error);

/// Says no. `denial` is why: GRL_ACCESS_DENIED, GRL_LOGIN_REQUIRED, GRL_CONSENT_REQUIRED,
/// GRL_INTERACTION_REQUIRED, GRL_ACCOUNT_SELECTION_REQUIRED, GRL_UNMET_AUTHENTICATION_REQUIREMENTS,
/// GRL_TEMPORARILY_UNAVAILABLE or GRL_SERVER_ERROR.
///
/// `response` takes the error to the client, as in grl_authorization_approve.
///
/// Ownership: `response` is yours.
/// State: changes nothing.
/// Errors: GRL_USAGE for any other `denial`.
/// Spec: RFC 6749 §4.1.2.1, OIDC Core §3.1.2.6.
GRL_API grl_status grl_authorization_deny(const grl_authorization *authorization,
                                          int32_t denial,
                                          grl_http_response *GRL_NULLABLE *GRL_NONNULL response,
                                          grl_error *GRL_NULLABLE *GRL_NULLABLE error);

/// Frees an authorization, answered or not; NULL is fine. Within a callback too, as an engine.
GRL_API void grl_authorization_free(grl_authorization *GRL_NULLABLE authorization);

// ---- Tokens -------------------------------------------------------------------------------------

/// Answers a token request: `authorization_code`, `refresh_token` or `client_credentials`.
///
/// `form` is the body, `application/x-www-form-urlencoded`; `authorization` the value of the
/// `Authorization` header, or empty. `json` gets the body to answer with; send it with
/// `Cache-Control: no-store`.
///
/// Ownership: `json` is yours.
/// State: moves the grant on. A spent code or refresh token that comes back revokes it
/// (GRL_INVALID_GRANT_REUSED); any other error leaves it as it was.
/// Errors: those of RFC 6749 §5.2; grl_error_response gives the body.
/// Spec: RFC 6749 §3.2, §5, OIDC Core §3.1.3, §12.
GRL_API grl_status grl_engine_token(const grl_engine *engine,
                                    grl_str form,
                                    grl_str authorization,
                                    grl_buf *json,
                                    grl_error *GRL_NULLABLE *GRL_NULLABLE error);

/// As grl_engine_token, into memory of yours: nothing to free.
///
/// `buffer` has room for `capacity` bytes, and may be NULL if that is 0; `length` gets how many the
/// response has. No NUL is added. A refresh needs about 1 KiB, with an ID token 2 KiB.
///
/// `buffer` must not overlap `form` or `authorization`: GRL_USAGE.
///
/// Errors: also GRL_BUFFER_TOO_SMALL: nothing has changed, and `length` says what is needed. On any
/// other error `length` is 0; what was written to the buffer is wiped again.
GRL_API grl_status grl_engine_token_into(const grl_engine *engine,
                                         grl_str form,
                                         grl_str authorization,
                                         uint8_t *GRL_NULLABLE buffer,
                                         size_t capacity,
                                         size_t *length,
                                         grl_error *GRL_NULLABLE *GRL_NULLABLE error);

/// Verifies an access token for a resource server: signature, issuer, lifetime, audience, scope, and
/// that neither it nor its grant was revoked. Only GRL_OK means that it is valid.
///
/// `scope` is what the token must have, separated by spaces, or empty. `json` gets its claims, an
/// object.
///
/// Ownership: `json` is yours.
/// State: changes nothing.
/// Errors: GRL_INVALID_TOKEN and its reasons; GRL_INSUFFICIENT_SCOPE.
/// Spec: RFC 9068 §4, RFC 6750 §3.1.
GRL_API GRL_MUST_USE grl_status grl_engine_verify(const grl_engine *engine,
                                                  grl_str access_token,
                                                  grl_str audience,
                                                  grl_str scope,
                                                  grl_buf *json,
                                                  grl_error *GRL_NULLABLE *GRL_NULLABLE error);

/// Answers a revocation request. Parameters as in grl_engine_token; there is no body to answer with.
///
/// State: revokes the grant of a refresh token, or one access token.
/// Errors: those of client authentication; an unknown token is none.
/// Spec: RFC 7009.
GRL_API grl_status grl_engine_revoke(const grl_engine *engine,
                                     grl_str form,
                                     grl_str authorization,
                                     grl_error *GRL_NULLABLE *GRL_NULLABLE error);

/// Answers an introspection request. Parameters as in grl_engine_token.
///
/// Ownership: `json` is yours.
/// State: changes nothing.
/// Errors: those of client authentication; a token that is not active is none.
/// Spec: RFC 7662.
GRL_API grl_status grl_engine_introspect(const grl_engine *engine,
                                         grl_str form,
                                         grl_str authorization,
                                         grl_buf *json,
                                         grl_error *GRL_NULLABLE *GRL_NULLABLE error);

/// Answers a UserInfo request with the claims that grl_host's `user_claims` gives.
///
/// Ownership: `json` is yours.
/// State: changes nothing.
/// Errors: those of grl_engine_verify.
/// Spec: OIDC Core §5.3.
GRL_API grl_status grl_engine_userinfo(const grl_engine *engine,
                                       grl_str access_token,
                                       grl_buf *json,
                                       grl_error *GRL_NULLABLE *GRL_NULLABLE error);

// ---- Documents ----------------------------------------------------------------------------------

/// Gives the metadata document, for `/.well-known/openid-configuration`.
///
/// Ownership: `json` is yours.
/// Spec: OIDC Discovery §3, RFC 8414 §2.
GRL_API grl_status grl_engine_metadata(const grl_engine *engine,
                                       grl_buf *json,
                                       grl_error *GRL_NULLABLE *GRL_NULLABLE error);

/// Gives the public keys: next, current and previous, as a JWK set.
///
/// Ownership: `json` is yours.
/// Spec: RFC 7517 §5.
GRL_API grl_status grl_engine_jwks(const grl_engine *engine,
                                   grl_buf *json,
                                   grl_error *GRL_NULLABLE *GRL_NULLABLE error);

// ---- Grants -------------------------------------------------------------------------------------

/// Lists the grants of a client, of a user (`subject`), of both, or all; an empty one means anybody's.
///
/// `json` gets an array of objects, the oldest grant first.
///
/// Ownership: `json` is yours.
/// State: changes nothing.
GRL_API grl_status grl_engine_grants(const grl_engine *engine,
                                     grl_str client_id,
                                     grl_str subject,
                                     grl_buf *json,
                                     grl_error *GRL_NULLABLE *GRL_NULLABLE error);

/// Gives one grant as a JSON object.
///
/// Ownership: `json` is yours.
/// State: changes nothing.
/// Errors: GRL_NOT_FOUND.
GRL_API grl_status grl_engine_grant(const grl_engine *engine,
                                    grl_str grant_id,
                                    grl_buf *json,
                                    grl_error *GRL_NULLABLE *GRL_NULLABLE error);

/// Revokes a grant, and everything under it.
///
/// `revoked` gets 1 if it was live until now, else 0; NULL if you do not care.
///
/// State: changes the grant.
/// Errors: GRL_NOT_FOUND for what is no grant id at all.
GRL_API grl_status grl_engine_revoke_grant(const grl_engine *engine,
                                           grl_str grant_id,
                                           size_t *GRL_NULLABLE revoked,
                                           grl_error *GRL_NULLABLE *GRL_NULLABLE error);

/// Revokes the grants of a client, of a user (`subject`), or of one at the other; an empty one means
/// anybody's, but not both: a variable that was never set must not sign everybody out.
///
/// `revoked` gets how many were live until now; NULL if you do not care.
///
/// State: changes the grants.
/// Errors: GRL_USAGE where both are empty. Should the store fail half-way, grants stay revoked.
GRL_API grl_status grl_engine_revoke_grants(const grl_engine *engine,
                                            grl_str client_id,
                                            grl_str subject,
                                            size_t *GRL_NULLABLE revoked,
                                            grl_error *GRL_NULLABLE *GRL_NULLABLE error);

// ---- HTTP without a socket ----------------------------------------------------------------------

/// The most bytes of a body that are worth reading; a larger one is answered with 413.
#define GRL_MAX_REQUEST_BYTES 32768

/// A header of a request.
typedef struct grl_http_header {
    /// Its name, in any case.
    grl_str name;
    /// Its value.
    grl_str value;
} grl_http_header;

/// A request as your server has it. Begin with GRL_HTTP_REQUEST_INIT.
///
/// Nothing here needs to be well-formed: whatever came over the wire may go in, and gets the HTTP
/// answer that it deserves. Bytes that are not UTF-8 read as U+FFFD.
typedef struct grl_http_request {
    /// sizeof(grl_http_request).
    size_t size;
    /// `GET`, `POST`, …
    grl_str method;
    /// The path and, behind a `?`, the query, as they stand in the request line.
    grl_str target;
    /// The headers; each line of the request is one.
    const grl_http_header *GRL_NULLABLE headers;
    /// How many headers.
    size_t header_count;
    /// The body; see GRL_MAX_REQUEST_BYTES.
    grl_str body;
} grl_http_request;

/// A request without anything in it yet.
#define GRL_HTTP_REQUEST_INIT                                                                      \
    {sizeof(grl_http_request), {NULL, 0}, {NULL, 0}, NULL, 0, {NULL, 0}}

/// Answers an HTTP request, whatever its path, with the endpoint that lies there.
///
/// On GRL_OK exactly one of the two outputs is set: `response`, to be sent; or, where a valid
/// authorization request came in, `authorization`: sign the user in, then answer with what
/// grl_authorization_approve or grl_authorization_deny gives. `Content-Length` is for your server to add.
///
/// Ownership: both outputs are yours.
/// State: as the endpoint's own call.
/// Errors: GRL_USAGE and its reasons. A bad request is no error here: it gets its response.
GRL_API grl_status grl_engine_handle(const grl_engine *engine,
                                     const grl_http_request *request,
                                     grl_http_response *GRL_NULLABLE *GRL_NONNULL response,
                                     grl_authorization *GRL_NULLABLE *GRL_NONNULL authorization,
                                     grl_error *GRL_NULLABLE *GRL_NULLABLE error);

/// Tells the status code, such as 200; 500 of NULL.
GRL_API uint16_t grl_http_response_status(const grl_http_response *response);

/// Tells how many headers there are.
GRL_API size_t grl_http_response_header_count(const grl_http_response *response);

/// Gives the name of header `index`, which counts from 0; empty past the last one.
GRL_API grl_str grl_http_response_header_name(const grl_http_response *response,
                                                     size_t index);

/// Gives the value of header `index`, which counts from 0; empty past the last one.
GRL_API grl_str grl_http_response_header_value(const grl_http_response *response,
                                                      size_t index);

/// Gives the value of the header called `name`, in any case; empty if there is none.
///
/// A host without HTTP asks an authorization response for its `Location`.
GRL_API grl_str grl_http_response_header(const grl_http_response *response,
                                                grl_str name);

/// Gives the body; empty if there is none.
GRL_API grl_str grl_http_response_body(const grl_http_response *response);

/// Wipes and frees a response; NULL is fine. Never one that grl_error_redirect gave.
GRL_API void grl_http_response_free(grl_http_response *GRL_NULLABLE response);

#ifdef __cplusplus
}
#endif

#if defined(__clang__)
#pragma clang assume_nonnull end
#pragma clang diagnostic pop
#endif

#endif // GRANTLET_H
