/// The engine. `grl_engine`.
#ifndef GRANTLET_ENGINE_HPP
#define GRANTLET_ENGINE_HPP

#include "authorization.hpp"
#include "call.hpp"
#include "host.hpp"
#include "http.hpp"
#include "json.hpp"

#include <variant>

namespace grantlet {
inline namespace GRANTLET_VARIANT {

/// The library's version, such as "0.1.0".
inline std::string_view version() noexcept { return grl_version(); }
/// The library's binary interface. An engine opens only where it is GRL_ABI_VERSION, the header's.
inline std::uint32_t abi_version() noexcept { return grl_abi_version(); }

/// What a client posts to an endpoint: the body, a form, and the value of the `Authorization` header, if there is one.
struct form_request {
    template <class Text, class = std::enable_if_t<std::is_convertible_v<const Text &, std::string_view>>>
    form_request(const Text &body, std::string_view authorization_header = {})
        : form(body), authorization(authorization_header)
    {
    }
    std::string_view form;
    std::string_view authorization;
};

/// Whose grants: a client's, a user's, or one's at the other. An empty one means anybody's.
struct owner {
    /// The client.
    std::string_view client_id{};
    /// The user.
    std::string_view subject{};
};

/// An OAuth 2.1 / OpenID Connect server without a socket. Any number of threads may use one at once.
class [[nodiscard]] engine : public detail::handle<const grl_engine> {
public:
    /// Opens an engine in memory, or where `config` (a JSON object) names a store, there. Without a host it takes
    /// the system's clock and randomness.
    template <class Mode = default_mode>
    static outcome<engine, Mode> open(std::string_view config, host host = {}, Mode mode = Mode())
    {
        return opened(mode, std::move(host), [=](const grl_host *raw, grl_engine **out, grl_error **error) {
            return grl_engine_new(detail::lend(config), raw, out, error);
        });
    }
    /// Opens an engine on a file, which is made if it is not there. `sealing_key` is 32 bytes that you keep elsewhere.
    template <class Mode = default_mode>
    static outcome<engine, Mode> open(std::string_view config, std::string_view path, bytes_view sealing_key,
                                      host host = {}, Mode mode = Mode())
    {
        return opened(mode, std::move(host), [=](const grl_host *raw, grl_engine **out, grl_error **error) {
            return grl_engine_open(detail::lend(config), detail::lend(path), detail::lend(sealing_key), raw, out, error);
        });
    }

    // ---- Clients and APIs; nothing is changed where one is refused ----

    /// Adds an API, or replaces the one of the same identifier: a JSON object, as in the configuration's `apis`.
    template <class Mode = default_mode> outcome<void, Mode> put_api(std::string_view api, Mode mode = Mode()) const
    {
        return call<void>(mode, grl_engine_put_api, api);
    }
    /// Adds a client, or replaces the one of the same id: a JSON object, as in the configuration's `clients`.
    template <class Mode = default_mode> outcome<void, Mode> put_client(std::string_view client, Mode mode = Mode()) const
    {
        return call<void>(mode, grl_engine_put_client, client);
    }
    /// Removes an API: no more tokens for it, and those that are out are no longer valid here.
    template <class Mode = default_mode> outcome<void, Mode> remove_api(std::string_view identifier, Mode mode = Mode()) const
    {
        return call<void>(mode, grl_engine_remove_api, identifier);
    }
    /// Removes a client and revokes its grants; gives how many were live until now.
    template <class Mode = default_mode> outcome<std::size_t, Mode> remove_client(std::string_view client_id, Mode mode = Mode()) const
    {
        return call<std::size_t>(mode, grl_engine_remove_client, client_id);
    }

    // ---- The endpoints ----

    /// Validates an authorization request: the query of `GET /authorize`, or the form that was posted there.
    /// If it fails, error::redirect says whether and how the client is told.
    template <class Mode = default_mode> outcome<authorization, Mode> authorize(std::string_view query, Mode mode = Mode()) const
    {
        return call<authorization>(mode, grl_engine_authorize, query);
    }
    /// Answers a token request: `authorization_code`, `refresh_token` or `client_credentials`.
    template <class Mode = default_mode> outcome<token_response, Mode> token(form_request request, Mode mode = Mode()) const
    {
        return call<token_response>(mode, grl_engine_token, request.form, request.authorization);
    }
    /// Verifies an access token for a resource server: signature, issuer, lifetime, audience, scopes, and that
    /// neither it nor its grant was revoked.
    template <class Mode = default_mode>
    outcome<access_claims, Mode> verify(std::string_view access_token, std::string_view audience, const names &scopes = {},
                                        Mode mode = Mode()) const
    {
        return call<access_claims>(mode, grl_engine_verify, access_token, audience, std::string_view(scopes.text()));
    }
    /// Answers a revocation request; there is no body to answer with. An unknown token is no error (RFC 7009).
    template <class Mode = default_mode> outcome<void, Mode> revoke(form_request request, Mode mode = Mode()) const
    {
        return call<void>(mode, grl_engine_revoke, request.form, request.authorization);
    }
    /// Answers an introspection request (RFC 7662).
    template <class Mode = default_mode> outcome<document, Mode> introspect(form_request request, Mode mode = Mode()) const
    {
        return call<document>(mode, grl_engine_introspect, request.form, request.authorization);
    }
    /// Answers a UserInfo request with the claims that host::user_claims gives (OIDC Core §5.3).
    template <class Mode = default_mode> outcome<document, Mode> userinfo(std::string_view access_token, Mode mode = Mode()) const
    {
        return call<document>(mode, grl_engine_userinfo, access_token);
    }
    /// The metadata document, for `/.well-known/openid-configuration`.
    template <class Mode = default_mode> outcome<document, Mode> metadata(Mode mode = Mode()) const
    {
        return call<document>(mode, grl_engine_metadata);
    }
    /// The public keys: next, current and previous, as a JWK set.
    template <class Mode = default_mode> outcome<document, Mode> jwks(Mode mode = Mode()) const
    {
        return call<document>(mode, grl_engine_jwks);
    }
    /// Answers an HTTP request, whatever its path, with the endpoint that lies there: gives a response to send, or an
    /// authorization request that waits for a user. A bad request is no error here: it gets its response.
    template <class Mode = default_mode>
    outcome<std::variant<http_response, authorization>, Mode> handle(const http_request &request, Mode mode = Mode()) const;

    // ---- Grants ----

    /// Lists grants, a JSON array, the oldest first.
    template <class Mode = default_mode> outcome<document, Mode> grants(const owner &owner = {}, Mode mode = Mode()) const
    {
        return call<document>(mode, grl_engine_grants, owner.client_id, owner.subject);
    }
    /// Gives one grant; GRL_NOT_FOUND if there is none.
    template <class Mode = default_mode> outcome<document, Mode> grant(std::string_view grant_id, Mode mode = Mode()) const
    {
        return call<document>(mode, grl_engine_grant, grant_id);
    }
    /// Revokes a grant, and everything under it; gives whether it was live until now.
    template <class Mode = default_mode> outcome<bool, Mode> revoke_grant(std::string_view grant_id, Mode mode = Mode()) const
    {
        return call<bool>(mode, grl_engine_revoke_grant, grant_id);
    }
    /// Revokes grants; gives how many were live until now. GRL_USAGE of nobody in particular.
    template <class Mode = default_mode> outcome<std::size_t, Mode> revoke_grants(const owner &owner, Mode mode = Mode()) const
    {
        return call<std::size_t>(mode, grl_engine_revoke_grants, owner.client_id, owner.subject);
    }

    // ---- Keys and the store ----

    /// Moves every key on: the next one signs, the current one still verifies, a fresh next one is published.
    template <class Mode = default_mode> outcome<void, Mode> rotate_keys(Mode mode = Mode()) const
    {
        return call<void>(mode, grl_engine_rotate_keys);
    }
    /// Seals the engine's keys in its store under another 32 bytes.
    template <class Mode = default_mode> outcome<void, Mode> reseal(bytes_view sealing_key, Mode mode = Mode()) const
    {
        return call<void>(mode, grl_engine_reseal, sealing_key);
    }
    /// Writes a consistent copy of the store's file to a new one while the engine goes on working.
    template <class Mode = default_mode> outcome<void, Mode> backup(std::string_view path, Mode mode = Mode()) const
    {
        return call<void>(mode, grl_engine_backup, path);
    }
    /// Removes at most `limit` records that nobody needs any more; gives how many went. Call it now and then.
    template <class Mode = default_mode> outcome<std::size_t, Mode> sweep(std::size_t limit, Mode mode = Mode()) const
    {
        return call<std::size_t>(mode, grl_engine_sweep, limit);
    }

private:
    using handle_type = detail::handle<const grl_engine>;
    using handle_type::handle_type;
    friend detail::output<engine>;

    template <class T, class Mode, class Function, class... Args>
    outcome<T, Mode> call(Mode mode, Function function, const Args &...args) const
    {
        return detail::deliver(detail::attempt<T>(function, lease(), args...), mode);
    }
    template <class Mode, class Open> static outcome<engine, Mode> opened(Mode mode, host &&host, Open open)
    {
        if (grl_abi_version() != GRL_ABI_VERSION) {
            return detail::deliver(result<engine>(error(GRL_USAGE, "grantlet.hpp belongs to another version of the library")), mode);
        }
        return detail::deliver(detail::attempt<engine>([&](grl_engine **out, grl_error **error) {
            return detail::with_host(std::move(host), [&](const grl_host *raw) { return open(raw, out, error); });
        }), mode);
    }
};

namespace detail {

template <> struct output<engine> {
    using raw = grl_engine *;
    static engine take(raw opened)
    {
        return engine(std::shared_ptr<const grl_engine>(opened, [opened](const grl_engine *) { grl_engine_free(opened); }));
    }
};

using answer = std::variant<http_response, authorization>;

template <> struct output<answer> {
    struct raw {
        grl_http_response *response;
        grl_authorization *pending;
    };
    static answer take(raw either)
    {
        return either.response ? answer(output<http_response>::take(either.response))
                               : answer(output<authorization>::take(either.pending));
    }
};

} // namespace detail

template <class Mode>
outcome<std::variant<http_response, authorization>, Mode> engine::handle(const http_request &request, Mode mode) const
{
    using detail::lend;
    std::vector<grl_http_header> headers;
    headers.reserve(request.headers.size());
    for (const http_header &header : request.headers) {
        headers.push_back({lend(header.name), lend(header.value)});
    }
    grl_http_request raw = GRL_HTTP_REQUEST_INIT;
    raw.method = lend(request.method);
    raw.target = lend(request.target);
    raw.headers = headers.data();
    raw.header_count = headers.size();
    raw.body = lend(request.body);
    const auto ask = [&raw](const grl_engine *self, detail::output<detail::answer>::raw *out, grl_error **error) {
        return grl_engine_handle(self, &raw, &out->response, &out->pending, error);
    };
    return call<detail::answer>(mode, ask);
}

} // namespace GRANTLET_VARIANT
} // namespace grantlet

#endif
