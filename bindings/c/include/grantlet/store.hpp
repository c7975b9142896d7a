/// Where records are kept, by means of your own. `grl_store`.
#ifndef GRANTLET_STORE_HPP
#define GRANTLET_STORE_HPP

#include "call.hpp"

#include <vector>

namespace grantlet {
inline namespace GRANTLET_VARIANT {

/// A record, as a store is given it to keep. Lent for the call.
struct record {
    /// 16 bytes, no text.
    std::string_view key{};
    /// The client whose grant it is, for `owned_by`; empty where it is no grant.
    std::string_view client_id{};
    /// The user whose grant it is, for `owned_by`; empty where it is no grant.
    std::string_view subject{};
    /// From when on `sweep` may remove it, in seconds since 1970; UINT64_MAX: never.
    std::uint64_t keep_until = 0;
    /// All of it; `load` gives it back byte for byte.
    std::string_view body{};
};

/// A store of the host's: for each key one record and its version, which is another number, and not 0, after
/// each change. Every change is atomic and there for good. Read grl_store in grantlet.h: it is the contract.
///
/// Several threads may call at once, and none of them may call the engine. A call that fails throws, or returns, an
/// error whose status says why: GRL_TEMPORARILY_UNAVAILABLE, GRL_STORE_FULL, GRL_STORE_READ_ONLY,
/// GRL_STORE_CORRUPT. Anything else that is thrown is GRL_SERVER_ERROR.
class store {
public:
    /// What `load` found.
    struct stored {
        std::string body{};
        std::uint64_t version = 0;
    };

    virtual ~store() = default;
    /// Puts a record where none of its key is; false if there is one, which then stays.
    virtual result<bool> insert(const record &record) = 0;
    /// Gives the record of this key; none if there is none.
    virtual result<std::optional<stored>> load(std::string_view key) = 0;
    /// Puts a record in the place of the one of its key, if that has this version; else false.
    virtual result<bool> swap(std::uint64_t version, const record &record) = 0;
    /// Gives the keys of this client's and user's grants, in any order. An empty one means anybody's.
    virtual result<std::vector<std::string>> owned_by(std::string_view client_id, std::string_view subject) = 0;
    /// Removes at most `limit` records whose `keep_until` is not after `now`; gives how many.
    virtual result<std::size_t> sweep(std::uint64_t now, std::size_t limit) = 0;
};

namespace detail {

// `ctx` is a std::shared_ptr<store> of the engine's own.
inline store &store_of(void *ctx) { return **static_cast<std::shared_ptr<store> *>(ctx); }

inline record view(const grl_record &record)
{
    return {view(record.key), view(record.client_id), view(record.subject), record.keep_until, view(record.body)};
}

template <class T, class Out> std::int32_t put(const result<T> &answer, Out out)
{
    if (!answer) {
        return failed(answer.error());
    }
    *out = static_cast<std::remove_pointer_t<Out>>(*answer);
    return GRL_OK;
}

inline std::int32_t insert(void *self, const grl_record *record, std::int32_t *done) noexcept
{
    return guard([&] { return put(store_of(self).insert(view(*record)), done); });
}

inline std::int32_t load(void *self, grl_str key, grl_sink *body, std::uint64_t *version) noexcept
{
    return guard([&]() -> std::int32_t {
        const auto answer = store_of(self).load(view(key));
        if (!answer) {
            return failed(answer.error());
        }
        const auto &found = *answer;
        if (!found) {
            return GRL_NOT_FOUND;
        }
        *version = found->version;
        return grl_sink_write(body, lend(std::string_view(found->body)));
    });
}

inline std::int32_t swap(void *self, std::uint64_t version, const grl_record *record, std::int32_t *done) noexcept
{
    return guard([&] { return put(store_of(self).swap(version, view(*record)), done); });
}

inline std::int32_t owned_by(void *self, grl_str client_id, grl_str subject, grl_sink *keys) noexcept
{
    return guard([&]() -> std::int32_t {
        const auto answer = store_of(self).owned_by(view(client_id), view(subject));
        if (!answer) {
            return failed(answer.error());
        }
        grl_status status = GRL_OK;
        for (auto key = answer->begin(); key != answer->end() && status == GRL_OK; ++key) {
            status = grl_sink_write(keys, lend(std::string_view(*key)));
        }
        return status;
    });
}

inline std::int32_t sweep(void *self, std::uint64_t now, std::size_t limit, std::size_t *swept) noexcept
{
    return guard([&] { return put(store_of(self).sweep(now, limit), swept); });
}

inline grl_store callbacks_of(std::shared_ptr<store> *ctx) noexcept
{
    grl_store raw = GRL_STORE_INIT;
    raw.ctx = ctx;
    raw.release = [](void *self) { delete static_cast<std::shared_ptr<store> *>(self); };
    raw.insert = insert;
    raw.load = load;
    raw.swap = swap;
    raw.owned_by = owned_by;
    raw.sweep = sweep;
    return raw;
}

} // namespace detail
} // namespace GRANTLET_VARIANT
} // namespace grantlet

#endif
