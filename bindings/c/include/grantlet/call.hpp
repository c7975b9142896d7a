/// How a member function calls its C function, and how C calls the host's. Nothing in here is for users.
#ifndef GRANTLET_CALL_HPP
#define GRANTLET_CALL_HPP

#include "error.hpp"

namespace grantlet {
inline namespace GRANTLET_VARIANT {
namespace detail {

/// One for each call that is under way in this thread, the innermost first: a callback may call the engine. No
/// exception goes through C; it waits here for the call that it made fail.
class frame {
public:
    frame() noexcept : outer_(std::exchange(innermost, this)) {}
    ~frame() { innermost = outer_; }
    frame(const frame &) = delete;
    frame &operator=(const frame &) = delete;

    std::exception_ptr take_cause() noexcept { return std::exchange(cause_, nullptr); }
    /// The first one is why the call fails; what comes after it, such as the time of an event that tells of it, is not.
    static void note_cause(std::exception_ptr cause) noexcept
    {
        // There is none where the host calls C itself, with native_handle().
        if (innermost != nullptr && !innermost->cause_) {
            innermost->cause_ = std::move(cause);
        }
    }

private:
    static inline thread_local frame *innermost = nullptr;
    frame *outer_;
    std::exception_ptr cause_;
};

/// Calls `function` with `args`, an output if there is one, and an error.
template <class T, class Function, class... Args> result<T> attempt(Function function, const Args &...args)
{
    frame here;
    grl_error *error = nullptr;
    if constexpr (std::is_void_v<T>) {
        const grl_status status = function(lend(args)..., &error);
        return status == GRL_OK ? result<void>() : error_of_call::make(status, error, here.take_cause());
    } else {
        typename output<T>::raw out{};
        const grl_status status = function(lend(args)..., &out, &error);
        if (status != GRL_OK) {
            return error_of_call::make(status, error, here.take_cause());
        }
        return output<T>::take(out);
    }
}

/// What the caller asked for: the result, or what is in it.
template <class T, class Mode> outcome<T, Mode> deliver(result<T> &&result, Mode)
{
    if constexpr (std::is_same_v<Mode, std::nothrow_t>) {
        return std::move(result);
    } else {
        static_assert(std::is_same_v<Mode, throwing>, "the last argument of a call may be std::nothrow");
        static_assert(GRANTLET_EXCEPTIONS || !std::is_same_v<Mode, throwing>, "there are no exceptions to throw");
        return std::move(result).value();
    }
}

/// What C is told of a callback that failed. Neither that it went well, nor that there is nothing of the name: of that
/// a callback gives none.
inline std::int32_t status_of(const error &error) noexcept
{
    return error.status() == GRL_OK || error.status() == GRL_NOT_FOUND ? GRL_SERVER_ERROR : error.status();
}

/// Tells C that a callback failed, and the call why.
inline std::int32_t failed(const error &error) noexcept
{
    frame::note_cause(std::make_exception_ptr(error));
    return status_of(error);
}

/// Runs a callback of the host's, which gives a status; what it throws fails it.
template <class Callback> std::int32_t guard(Callback callback) noexcept
{
#if GRANTLET_EXCEPTIONS
    try {
        return callback();
    } catch (const error &error) {
        frame::note_cause(std::current_exception());
        return status_of(error);
    } catch (...) {
        frame::note_cause(std::current_exception());
        return GRL_SERVER_ERROR;
    }
#else
    return callback();
#endif
}

} // namespace detail
} // namespace GRANTLET_VARIANT
} // namespace grantlet

#endif
