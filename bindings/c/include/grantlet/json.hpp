/// The JSON that calls give, and what is asked for most of it. `grl_buf`, `grl_json_member`.
#ifndef GRANTLET_JSON_HPP
#define GRANTLET_JSON_HPP

#include "handle.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>
#include <vector>

namespace grantlet {
inline namespace GRANTLET_VARIANT {

namespace detail {

template <class Document> struct output_json {
    using raw = grl_buf;
    static Document take(grl_buf buf) { return Document(buf); }
};

} // namespace detail

/// A moment in whole seconds; compares with std::chrono::system_clock::now().
using time_point = std::chrono::time_point<std::chrono::system_clock, std::chrono::seconds>;

/// One member of a JSON object: text as it is, anything else (a number, an array) as JSON. None where it is missing or
/// null, and of what is no object.
inline std::optional<std::string> member(std::string_view json, std::string_view name)
{
    struct buffer {
        ~buffer() { grl_buf_free(&raw); }
        grl_buf raw = GRL_BUF_INIT;
    } value;
    if (grl_json_member(detail::lend(json), detail::lend(name), &value.raw, nullptr) != GRL_OK) {
        return std::nullopt;
    }
    return std::string(detail::view(grl_buf_str(&value.raw)));
}

/// JSON from the engine. It never changes, may outlive the engine, and its memory is wiped when it goes.
class document : public detail::handle<const std::uint8_t> {
public:
    /// The text, without spaces: what goes over the wire. Lives as long as the document.
    std::string_view json() const noexcept GRANTLET_LIFETIMEBOUND
    {
        return detail::view(grl_str_of(native_handle(), *this ? size_ : 0));
    }
    /// One member of the object: see grantlet::member.
    std::optional<std::string> member(std::string_view name) const { return grantlet::member(json(), name); }

protected:
    std::string text(std::string_view name) const { return member(name).value_or(std::string()); }
    std::int64_t number(std::string_view name) const
    {
        const std::string digits = text(name);
        std::int64_t number = 0;
        std::from_chars(digits.data(), digits.data() + digits.size(), number);
        return number;
    }
    time_point time(std::string_view name) const { return time_point(std::chrono::seconds(number(name))); }
    std::vector<std::string> list(std::string_view name) const
    {
        std::vector<std::string> items;
        const std::string all = text(name);
        for (std::size_t at = 0, end; at < all.size(); at = end + 1) {
            end = (std::min)(all.find(' ', at), all.size()); // Windows has a macro of that name.
            items.emplace_back(all, at, end - at);
        }
        return items;
    }

    explicit document(grl_buf buf)
        : handle(std::shared_ptr<const std::uint8_t>(
              buf.ptr, [buf](const std::uint8_t *) mutable { grl_buf_free(&buf); })),
          size_(buf.len)
    {
    }
    /// Text that belongs to another object.
    document(std::shared_ptr<const void> owner, grl_str text) noexcept
        : handle({std::move(owner), text.ptr}), size_(text.len)
    {
    }

private:
    template <class> friend struct detail::output_json;
    std::size_t size_;
};

/// What the token endpoint answers (RFC 6749 §5.1): send json(), with `Cache-Control: no-store`.
class token_response : public document {
public:
    /// What the client sends to an API.
    std::string access_token() const { return text("access_token"); }
    /// How: `Bearer`.
    std::string token_type() const { return text("token_type"); }
    /// For how long the access token is valid.
    std::chrono::seconds expires_in() const { return std::chrono::seconds(number("expires_in")); }
    /// None where the client may not, or did not, ask for one (`offline_access`).
    std::optional<std::string> refresh_token() const { return member("refresh_token"); }
    /// None where the scope has no `openid`.
    std::optional<std::string> id_token() const { return member("id_token"); }
    /// What was granted.
    std::vector<std::string> scopes() const { return list("scope"); }

private:
    using document::document;
    template <class> friend struct detail::output_json;
};

/// What a valid access token says (RFC 9068 §2.2); member() has the rest.
class access_claims : public document {
public:
    /// The user; of `client_credentials` the client.
    std::string subject() const { return text("sub"); }
    /// Which client it was issued to: `client_id`, in Auth0's dialect `azp`.
    std::string client_id() const
    {
        auto id = member("client_id");
        return id ? *std::move(id) : text("azp");
    }
    /// What it allows.
    std::vector<std::string> scopes() const { return list("scope"); }
    /// The engine's own name.
    std::string issuer() const { return text("iss"); }
    /// When it was issued.
    time_point issued_at() const { return time("iat"); }
    /// From when on it is no longer valid.
    time_point expires_at() const { return time("exp"); }

private:
    using document::document;
    template <class> friend struct detail::output_json;
};

/// What a client asked of /authorize, for your sign-in and consent page; member() has the rest.
class authorization_request : public document {
public:
    /// Which client asks.
    std::string client_id() const { return text("client_id"); }
    /// For people to read; none where the client has no name.
    std::optional<std::string> client_name() const { return member("client_name"); }
    /// Where the response goes; one that the client registered.
    std::string redirect_uri() const { return text("redirect_uri"); }
    /// What the client asks for, and may; the JSON's `scopes` describe them.
    std::vector<std::string> scopes() const { return list("scope"); }
    /// Whether it asks for a refresh token.
    bool offline_access() const { return text("offline_access") == "true"; }
    /// Who the client thinks is there.
    std::optional<std::string> login_hint() const { return member("login_hint"); }
    /// How long ago the user may have authenticated at most.
    std::optional<std::chrono::seconds> max_age() const
    {
        return member("max_age") ? std::optional(std::chrono::seconds(number("max_age"))) : std::nullopt;
    }

private:
    using document::document;
    friend class authorization;
};

namespace detail {

template <> struct output<document> : output_json<document> {};
template <> struct output<token_response> : output_json<token_response> {};
template <> struct output<access_claims> : output_json<access_claims> {};

} // namespace detail
} // namespace GRANTLET_VARIANT
} // namespace grantlet

#endif
