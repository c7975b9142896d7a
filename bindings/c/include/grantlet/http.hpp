/// HTTP without a socket: what your server received, and what it sends. `grl_http_request`, `grl_http_response`.
#ifndef GRANTLET_HTTP_HPP
#define GRANTLET_HTTP_HPP

#include "handle.hpp"

#include <vector>

namespace grantlet {
inline namespace GRANTLET_VARIANT {

/// A header of a request or a response.
struct http_header {
    /// Its name, in any case.
    std::string_view name{};
    /// Its value.
    std::string_view value{};
};

/// A request as your server has it, borrowed for engine::handle. Nothing in it needs to be well-formed.
struct http_request {
    /// `GET`, `POST`, …
    std::string_view method{};
    /// The path and, behind a `?`, the query, as they stand in the request line.
    std::string_view target{};
    /// One for each header line.
    std::vector<http_header> headers{};
    /// The body. More than GRL_MAX_REQUEST_BYTES are not worth reading: it is answered with 413.
    std::string_view body{};
};

/// A response for your server to send. `Content-Length` is your server's to add.
///
/// It never changes, may outlive the engine, and is wiped when it goes. Text that it gives lives as long as it does.
class [[nodiscard]] http_response : public detail::handle<const grl_http_response> {
public:
    /// The status code, such as 200.
    int status() const noexcept { return grl_http_response_status(native_handle()); }
    /// All headers, in their order.
    std::vector<http_header> headers() const GRANTLET_LIFETIMEBOUND
    {
        std::vector<http_header> all(grl_http_response_header_count(native_handle()));
        for (std::size_t i = 0; i < all.size(); i++) {
            all[i].name = detail::view(grl_http_response_header_name(native_handle(), i));
            all[i].value = detail::view(grl_http_response_header_value(native_handle(), i));
        }
        return all;
    }
    /// The value of the header called `name`, in any case; empty if there is none.
    std::string_view header(std::string_view name) const noexcept GRANTLET_LIFETIMEBOUND
    {
        return detail::view(grl_http_response_header(native_handle(), detail::lend(name)));
    }
    /// Where a redirect goes; a host without HTTP opens it itself.
    std::string_view location() const noexcept GRANTLET_LIFETIMEBOUND { return header("Location"); }
    /// The body; empty if there is none.
    std::string_view body() const noexcept GRANTLET_LIFETIMEBOUND
    {
        return detail::view(grl_http_response_body(native_handle()));
    }

private:
    using handle::handle;
    friend detail::output<http_response>;
    friend class error;
};

namespace detail {

template <> struct output<http_response> {
    using raw = grl_http_response *;
    static http_response take(raw response)
    {
        return http_response(std::shared_ptr<const grl_http_response>(
            response, [response](const grl_http_response *) { grl_http_response_free(response); }));
    }
};

} // namespace detail
} // namespace GRANTLET_VARIANT
} // namespace grantlet

#endif
