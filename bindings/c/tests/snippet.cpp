// Runs the README's first result in C++: snippet.inc, which tests/hosts/cpp.sh cuts out of it.
#include <grantlet.hpp>

#include <iostream>

// The client on the other side of HTTP.
static const struct {
    std::string query = "response_type=code&client_id=notes-app&redirect_uri=http%3A%2F%2F127.0.0.1%2Fcallback&state=xyz"
                        "&scope=openid%20read%3Anotes&audience=https%3A%2F%2Fapi.example.com%2F"
                        "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";
    std::string form(std::string_view location) const
    {
        const auto begin = location.find("code=") + 5;
        return "grant_type=authorization_code&client_id=notes-app&redirect_uri=http%3A%2F%2F127.0.0.1%2Fcallback"
               "&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk&code=" +
               std::string(location.substr(begin, location.find('&', begin) - begin));
    }
} app;

int main()
{
#include "snippet.inc"
}
