/// Why a call failed, and how a call says so: by throwing, or in its result. `grl_error`.
#ifndef GRANTLET_ERROR_HPP
#define GRANTLET_ERROR_HPP

#include "handle.hpp"
#include "http.hpp"

#include <cstdlib>
#include <exception>
#include <new>
#include <optional>

namespace grantlet {
inline namespace GRANTLET_VARIANT {

namespace detail {
struct error_of_call;
}

/// Why a call failed. Holds no token and no secret. Copies share; text that it gives lives as long as a copy does.
class error : public std::exception {
public:
    /// No error, GRL_OK: what result::error says where there is a value.
    error() noexcept = default;
    /// What a callback of the host's may throw or return: `status` goes to the engine, as grl_host has it
    /// (GRL_TEMPORARILY_UNAVAILABLE reaches the client, most others end as GRL_SERVER_ERROR), `message` to detail().
    error(grl_status status, std::string_view message) : error(status, nullptr, message, nullptr) {}

    /// For a log: the OAuth code, the description, and in brackets the detail. Not to be sent.
    const char *what() const noexcept override { return state_ ? state_->what.c_str() : "no error"; }
    /// The outcome and its reason, such as GRL_INVALID_GRANT_REUSED.
    grl_status status() const noexcept { return state_ ? state_->status : GRL_OK; }
    /// What to act on, such as GRL_INVALID_GRANT of all its reasons.
    grl_status status_class() const noexcept { return static_cast<grl_status>(grl_status_class(status())); }
    /// The OAuth error code, such as `invalid_grant` (RFC 6749 §5.2); empty if the engine did not fail.
    std::string_view oauth_code() const noexcept GRANTLET_LIFETIMEBOUND { return detail::view(grl_error_oauth_code(raw())); }
    /// What the client's developer has to mend (`error_description`); safe to send.
    std::string_view description() const noexcept GRANTLET_LIFETIMEBOUND { return detail::view(grl_error_description(raw())); }
    /// For the log: what the client is not told; often empty.
    std::string_view detail() const noexcept GRANTLET_LIFETIMEBOUND
    {
        return state_ && !raw() ? std::string_view(state_->what) : detail::view(grl_error_detail(raw()));
    }
    /// The HTTP status to answer with, such as 400.
    int http_status() const noexcept { return state_ && !raw() ? 500 : grl_error_http_status(raw()); }
    /// The complete JSON body to answer with: `{"error":…,"error_description":…}`.
    std::string_view response() const noexcept GRANTLET_LIFETIMEBOUND { return detail::view(grl_error_response(raw())); }
    /// Of engine::authorize: the response that takes the error to the client through the user's browser. None
    /// where there must be none, as neither client nor redirect URI is to be trusted: tell the user then.
    std::optional<http_response> redirect() const
    {
        const grl_http_response *response = grl_error_redirect(raw());
        return response ? std::optional(http_response({state_, response})) : std::nullopt;
    }
    /// What a callback of the host's threw (or the error that it returned), and so made the call fail; else null.
    /// A call that throws throws it nested, too (std::rethrow_if_nested).
    const std::exception_ptr &cause() const noexcept GRANTLET_LIFETIMEBOUND
    {
        static const std::exception_ptr none;
        return state_ ? state_->cause : none;
    }

private:
    using owned = std::shared_ptr<grl_error>;
    struct state {
        grl_status status;
        owned raw;
        std::string what;
        std::exception_ptr cause;
    };

    error(grl_status status, owned raw, std::string_view message, std::exception_ptr cause)
    {
        std::string what(message);
        if (raw) {
            what.append(detail::view(grl_error_oauth_code(raw.get()))).append(": ");
            what.append(detail::view(grl_error_description(raw.get())));
            if (const auto more = detail::view(grl_error_detail(raw.get())); !more.empty()) {
                what.append(" (").append(more).append(")");
            }
        }
        // An error that is none would be taken for success.
        status = status == GRL_OK ? GRL_SERVER_ERROR : status;
        state_ = std::make_shared<const state>(state{status, std::move(raw), std::move(what), std::move(cause)});
    }
    const grl_error *raw() const noexcept { return state_ ? state_->raw.get() : nullptr; }

    friend detail::error_of_call;
    std::shared_ptr<const state> state_;
};

namespace detail {

struct error_of_call {
    static error make(grl_status status, grl_error *raw, std::exception_ptr cause)
    {
        return error(status, std::shared_ptr<grl_error>(raw, grl_error_free), {}, std::move(cause));
    }
};

#if GRANTLET_EXCEPTIONS
[[noreturn]] inline void raise(const error &error)
{
    if (!error.cause()) {
        throw error;
    }
    try {
        std::rethrow_exception(error.cause());
    } catch (...) {
        std::throw_with_nested(error);
    }
}
#else
[[noreturn]] inline void raise(const error &) { std::abort(); }
#endif

} // namespace detail

/// A value, or the error that there is instead. Not checked before it is used, it throws the error.
template <class T> class [[nodiscard]] result {
public:
    /// A value; in a callback of the host's: what it gives.
    template <class Value = T, class = std::enable_if_t<std::is_convertible_v<Value &&, T> &&
                                                        !std::is_base_of_v<result, std::decay_t<Value>>>>
    result(Value &&value) : value_(std::in_place, std::forward<Value>(value))
    {
    }
    /// In a callback of the host's: how it failed.
    result(grantlet::error error) noexcept : error_(std::move(error)) {}

    /// Whether there is a value.
    bool has_value() const noexcept { return value_.has_value(); }
    /// As has_value().
    explicit operator bool() const noexcept { return has_value(); }
    /// The value. Where there is none: throws error(); without exceptions, ends the program.
    T &value() & GRANTLET_LIFETIMEBOUND { return checked(), *value_; }
    const T &value() const & GRANTLET_LIFETIMEBOUND { return checked(), *value_; }
    T &&value() && GRANTLET_LIFETIMEBOUND { return checked(), *std::move(value_); }
    /// As value().
    T &operator*() & GRANTLET_LIFETIMEBOUND { return value(); }
    const T &operator*() const & GRANTLET_LIFETIMEBOUND { return value(); }
    T &&operator*() && GRANTLET_LIFETIMEBOUND { return std::move(*this).value(); }
    T *operator->() GRANTLET_LIFETIMEBOUND { return &value(); }
    const T *operator->() const GRANTLET_LIFETIMEBOUND { return &value(); }
    /// Why there is no value; GRL_OK where there is one.
    const grantlet::error &error() const & noexcept GRANTLET_LIFETIMEBOUND { return error_; }
    grantlet::error error() && noexcept { return std::move(error_); }

private:
    void checked() const
    {
        if (!value_) {
            detail::raise(error_);
        }
    }
    std::optional<T> value_;
    grantlet::error error_;
};

/// Success, or an error.
template <> class [[nodiscard]] result<void> {
public:
    /// Success.
    result() noexcept = default;
    /// Failure.
    result(grantlet::error error) noexcept : error_(std::move(error)) {}

    /// Whether it succeeded.
    bool has_value() const noexcept { return error_.status() == GRL_OK; }
    /// As has_value().
    explicit operator bool() const noexcept { return has_value(); }
    /// Throws error(), if it failed; without exceptions, ends the program.
    void value() const
    {
        if (!has_value()) {
            detail::raise(error_);
        }
    }
    /// Why it failed; GRL_OK where it did not.
    const grantlet::error &error() const noexcept GRANTLET_LIFETIMEBOUND { return error_; }

private:
    grantlet::error error_;
};

/// Says that a call throws. The other way is std::nothrow_t.
struct throwing {};

/// How a call says that it failed, unless its last argument says otherwise.
#if GRANTLET_EXCEPTIONS
using default_mode = throwing;
#else
using default_mode = std::nothrow_t;
#endif

/// What a call gives: a `T`, or with std::nothrow a `result<T>`.
template <class T, class Mode> using outcome = std::conditional_t<std::is_same_v<Mode, std::nothrow_t>, result<T>, T>;

} // namespace GRANTLET_VARIANT
} // namespace grantlet

#endif
