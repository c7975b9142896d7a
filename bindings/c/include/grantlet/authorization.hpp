/// An authorization request that waits for a user. `grl_authorization`, `grl_login`.
#ifndef GRANTLET_AUTHORIZATION_HPP
#define GRANTLET_AUTHORIZATION_HPP

#include "call.hpp"
#include "json.hpp"

namespace grantlet {
inline namespace GRANTLET_VARIANT {

/// Who signed in, how, and what they consented to: your word. `{"alice"}` is enough.
struct login {
    /// The user: `sub`. The same for the same user for ever; 1 to 255 bytes.
    std::string subject{};
    /// When the user authenticated; 1970 where that is not known. A request with `max_age` needs it.
    std::chrono::system_clock::time_point auth_time{};
    /// How strongly the user authenticated, or empty.
    std::string acr{};
    /// By which methods (RFC 8176).
    names amr{};
    /// Your session, or empty.
    std::string sid{};
    /// The scopes consented to; none means all that was asked for.
    std::optional<names> scope{};
    /// A JSON object of claims for each access token, or empty.
    std::string access_token_claims{};
    /// A JSON object of claims for each ID token, or empty.
    std::string id_token_claims{};
};

/// A valid authorization request, which waits for a user: approve or deny it.
///
/// It may outlive the engine. It never changes, so any number of threads may use it; only one approval succeeds.
class [[nodiscard]] authorization : public detail::handle<const grl_authorization> {
public:
    /// What the client asked, for your sign-in and consent page.
    authorization_request request() const noexcept
    {
        return authorization_request(lease(), grl_authorization_request(native_handle()));
    }
    /// Makes the grant and its code: this user signed in and consented. The response takes the code to the
    /// client; send it. On error nothing is stored, and a better login may follow.
    template <class Mode = default_mode> outcome<http_response, Mode> approve(const login &login, Mode mode = Mode()) const
    {
        using detail::lend;
        const auto seconds = std::chrono::floor<std::chrono::seconds>(login.auth_time).time_since_epoch().count();
        const grl_str scope = login.scope ? lend(std::string_view(login.scope->text())) : grl_str();
        grl_login raw = GRL_LOGIN_INIT;
        raw.subject = lend(std::string_view(login.subject));
        raw.auth_time = seconds > 0 ? static_cast<std::uint64_t>(seconds) : 0;
        raw.acr = lend(std::string_view(login.acr));
        raw.amr = lend(std::string_view(login.amr.text()));
        raw.sid = lend(std::string_view(login.sid));
        raw.scope = login.scope ? &scope : nullptr;
        raw.access_token_claims = lend(std::string_view(login.access_token_claims));
        raw.id_token_claims = lend(std::string_view(login.id_token_claims));
        return detail::deliver(detail::attempt<http_response>(grl_authorization_approve, lease(), &raw), mode);
    }
    /// Says no. `why` is GRL_ACCESS_DENIED, GRL_LOGIN_REQUIRED, GRL_CONSENT_REQUIRED, … The response takes the
    /// error to the client; send it.
    template <class Mode = default_mode> outcome<http_response, Mode> deny(grl_status why = GRL_ACCESS_DENIED, Mode mode = Mode()) const
    {
        return detail::deliver(detail::attempt<http_response>(grl_authorization_deny, lease(), why), mode);
    }

private:
    using handle::handle;
    friend detail::output<authorization>;
};

namespace detail {

template <> struct output<authorization> {
    using raw = grl_authorization *;
    static authorization take(raw pending)
    {
        return authorization(std::shared_ptr<const grl_authorization>(
            pending, [pending](const grl_authorization *) { grl_authorization_free(pending); }));
    }
};

} // namespace detail
} // namespace GRANTLET_VARIANT
} // namespace grantlet

#endif
