/// grantlet for C++17 and later: an OAuth 2.1 / OpenID Connect token engine inside your own process.
///
///     auto engine = grantlet::engine::open(R"({"issuer": "http://127.0.0.1:8080/", "apis": […], "clients": […]})");
///     auto pending = engine.authorize(query);          // GET /authorize?…
///     auto response = pending.approve({"alice"});      // your sign-in page said yes; send the response
///     auto tokens = engine.token(form);                // POST /oauth/token; send tokens.json()
///     auto access = engine.verify(tokens.access_token(), "https://api.example.com/", {"read:notes"});
///
/// Header-only, over grantlet.h and its library: `find_package(grantlet)` or `pkg-config grantlet`. What each
/// call does to the store, and its specification, stands in grantlet.h at the C function of the same name.
///
/// What holds for every call:
///
/// - It throws grantlet::error; or, given std::nothrow as its last argument, returns a grantlet::result, as all do
///   by themselves in a program without exceptions (-fno-exceptions). Only memory that runs out is
///   std::bad_alloc in both forms.
/// - Text comes in as std::string_view (UTF-8) and is borrowed for the call.
/// - Objects free themselves, in any order, and are move-only. One that was moved from or closed is empty:
///   a call on it fails with GRL_USAGE_NULL, and what is asked of it is empty.
/// - `const` members may be called from any number of threads at once. To move, close or destroy an object
///   while another thread uses it is a race, as ever in C++; from within a callback it is allowed.
/// - Statuses are the header's own (GRL_INVALID_GRANT_REUSED …); see grantlet::error.
/// - No object prints itself, and what an error says holds no token and no secret.
#ifndef GRANTLET_HPP
#define GRANTLET_HPP

#include "grantlet/authorization.hpp"
#include "grantlet/engine.hpp"
#include "grantlet/error.hpp"
#include "grantlet/host.hpp"
#include "grantlet/http.hpp"
#include "grantlet/json.hpp"
#include "grantlet/store.hpp"

#endif
