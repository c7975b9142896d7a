/// Parts of the engine that are yours. `grl_host`.
#ifndef GRANTLET_HOST_HPP
#define GRANTLET_HOST_HPP

#include "call.hpp"
#include "store.hpp"

#include <chrono>
#include <cstdio>
#include <functional>
#include <vector>

namespace grantlet {
inline namespace GRANTLET_VARIANT {

/// Whose claims are asked for, and for which client. Lent for the call.
struct user_query {
    std::string_view subject{};
    std::string_view client_id{};
    /// Separated by spaces. Claims whose scope is not among them are left out for you (OIDC Core §5.4).
    std::string_view scope{};
};

/// Parts of the engine that are yours: set what you need, an empty one is the engine's own.
///
///     grantlet::host host;
///     host.event = [&](std::string_view event) { log << event; };
///     auto engine = grantlet::engine::open(config, std::move(host));
///
/// A callback runs on the thread that called the engine, and several may run at once. It may call the engine, and
/// may throw: no exception goes through C, the call changes nothing and fails with an error whose error::cause()
/// is what was thrown. Throw (or return, where it is a result) a grantlet::error to say with which status: that is
/// GRL_SERVER_ERROR else, and always of the clock, or where the error says GRL_OK or GRL_NOT_FOUND. The callbacks are
/// destroyed when the engine and all its authorizations are.
struct host {
    /// Tells the time. Before 1970 means that it cannot be told.
    std::function<std::chrono::system_clock::time_point()> clock{};
    /// Fills `size` bytes with randomness that nobody can predict; false where it cannot.
    std::function<bool(std::uint8_t *bytes, std::size_t size)> random{};
    /// Takes an event for the audit log, a JSON object without tokens or secrets. What it tells of is stored
    /// already, so its failure cannot fail the call: see `event_failed`.
    std::function<void(std::string_view event)> event{};
    /// Takes what `event` threw. Without it, that is written to stderr.
    std::function<void(std::exception_ptr)> event_failed{};
    /// Gives what is known of a user, a JSON object; none of a user whom you do not know (any more).
    std::function<result<std::optional<std::string>>(const user_query &)> user_claims{};
    /// The public JWK of the key that `sign` signs with, with its `alg` where the key allows several.
    std::string signing_key{};
    /// Gives the signature over `input` (not its hash); of ES256 and ES384 as R‖S or as DER. It may block.
    std::function<result<std::vector<std::uint8_t>>(std::string_view input)> sign{};
    /// Where records are kept. The configuration then names no other store.
    std::shared_ptr<grantlet::store> store{};
};

namespace detail {

inline host &host_of(void *ctx) { return *static_cast<host *>(ctx); }

inline void complain(const char *what) noexcept { std::fprintf(stderr, "grantlet: host::event threw: %s\n", what); }

inline void event_failed(const host &host) noexcept
{
#if GRANTLET_EXCEPTIONS
    try {
        if (!host.event_failed) {
            throw;
        }
        host.event_failed(std::current_exception());
    } catch (const std::exception &thrown) {
        complain(thrown.what());
    } catch (...) {
        complain("something that is no std::exception");
    }
#else
    (void)host;
#endif
}

inline std::uint64_t tell_time(void *self) noexcept
{
    std::chrono::seconds now{0}; // Which C takes for a clock that failed.
    static_cast<void>(guard([&] {
        now = std::chrono::floor<std::chrono::seconds>(host_of(self).clock()).time_since_epoch();
        return GRL_OK;
    }));
    return now.count() > 0 ? static_cast<std::uint64_t>(now.count()) : 0;
}

inline std::int32_t fill(void *self, std::uint8_t *bytes, std::size_t size) noexcept
{
    return guard([&] { return host_of(self).random(bytes, size) ? GRL_OK : GRL_SERVER_ERROR; });
}

inline void take_event(void *self, grl_str event) noexcept
{
#if GRANTLET_EXCEPTIONS
    try {
        host_of(self).event(view(event));
    } catch (...) {
        event_failed(host_of(self));
    }
#else
    host_of(self).event(view(event));
#endif
}

inline std::int32_t tell_claims(void *self, grl_str subject, grl_str client_id, grl_str scope, grl_sink *claims) noexcept
{
    return guard([&]() -> std::int32_t {
        const auto known = host_of(self).user_claims({view(subject), view(client_id), view(scope)});
        if (!known) {
            return failed(known.error());
        }
        return *known ? grl_sink_write(claims, lend(bytes_view(**known))) : GRL_NOT_FOUND;
    });
}

inline std::int32_t sign(void *self, grl_str input, grl_sink *signature) noexcept
{
    return guard([&]() -> std::int32_t {
        const auto made = host_of(self).sign(view(input));
        return made ? grl_sink_write(signature, lend(bytes_view(*made))) : failed(made.error());
    });
}

inline grl_host callbacks_of(host *ctx) noexcept
{
    grl_host raw = GRL_HOST_INIT;
    raw.ctx = ctx;
    raw.release = [](void *self) { delete static_cast<host *>(self); };
    raw.clock = ctx->clock ? tell_time : nullptr;
    raw.random = ctx->random ? fill : nullptr;
    raw.event = ctx->event ? take_event : nullptr;
    raw.user_claims = ctx->user_claims ? tell_claims : nullptr;
    raw.signing_key = lend(std::string_view(ctx->signing_key));
    raw.sign = ctx->sign ? sign : nullptr;
    return raw;
}

/// What an engine takes when it opens: the callbacks, which C releases, unless it did not read that far.
template <class Open> grl_status with_host(host &&callbacks, Open open)
{
    auto shared_store = callbacks.store ? std::make_unique<std::shared_ptr<store>>(callbacks.store) : nullptr;
    auto own = std::make_unique<host>(std::move(callbacks));
    grl_host raw = callbacks_of(own.get());
    grl_store raw_store;
    if (shared_store) {
        raw_store = callbacks_of(shared_store.get());
        raw.store = &raw_store;
    }
    const grl_status status = open(&raw);
    if (status != GRL_USAGE_SIZE) {
        static_cast<void>(own.release());
        static_cast<void>(shared_store.release());
    }
    return status;
}

} // namespace detail
} // namespace GRANTLET_VARIANT
} // namespace grantlet

#endif
