// The first steps of the story, which every test begins with.
#ifndef STORY_HPP
#define STORY_HPP

#include "test.hpp"

#include <grantlet.hpp>

namespace story {

inline constexpr char config[] = R"({
    "issuer": "http://127.0.0.1:8080/",
    "apis": [{"identifier": "https://api.example.com/", "scopes": ["read:notes", "write:notes"], "allow_offline_access": true}],
    "clients": [
        {"client_id": "app", "client_name": "Notes", "application_type": "native", "token_endpoint_auth_method": "none",
         "redirect_uris": ["com.example.app:/done"], "grant_types": ["authorization_code", "refresh_token"]},
        {"client_id": "web", "client_secret": "correct horse battery staple", "token_endpoint_auth_method": "client_secret_post",
         "redirect_uris": ["https://web.example.com/done"], "grant_types": ["authorization_code", "client_credentials"],
         "client_grants": [{"audience": "https://api.example.com/", "scope": ["read:notes"]}]}]})";

inline constexpr char audience[] = "https://api.example.com/";

// RFC 7636, appendix B.
inline constexpr char query[] =
    "response_type=code&client_id=app&redirect_uri=com.example.app%3A%2Fdone&state=xyz"
    "&scope=openid%20offline_access%20read%3Anotes&audience=https%3A%2F%2Fapi.example.com%2F"
    "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";

// What the app posts for the code in `location`.
inline std::string code_form(std::string_view location)
{
    const auto begin = location.find("code=") + 5;
    return "grant_type=authorization_code&client_id=app&redirect_uri=com.example.app%3A%2Fdone"
           "&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk&code=" +
           std::string(location.substr(begin, location.find('&', begin) - begin));
}

inline std::string refresh_form(const std::string &refresh_token)
{
    return "grant_type=refresh_token&client_id=app&refresh_token=" + refresh_token;
}

#if GRANTLET_EXCEPTIONS
// Alice consents, and the app redeems its code.
inline grantlet::token_response sign_in(const grantlet::engine &engine, const std::string &user = "alice")
{
    const auto pending = engine.authorize(query);
    const auto response = pending.approve({user});
    return engine.token(code_form(response.location()));
}

// All that is stored, as the host may see it: two of them are alike if nothing has changed.
inline std::string snapshot(const grantlet::engine &engine) { return std::string(engine.grants().json()); }
#endif

} // namespace story

#endif
