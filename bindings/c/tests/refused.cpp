// What does not compile with clang++ -std=c++20 -Wall -Werror: one of these at a time. tests/hosts/cpp.sh looks for the reason
// that stands behind each; REFUSED=0 is all well.
#include <grantlet.hpp>

#include <array>

static std::size_t use(const grantlet::engine &engine, const grantlet::authorization &pending)
{
    const auto response = pending.approve({"alice"});
    engine.reseal(std::array<unsigned char, 32>());
#if REFUSED == 1 // REASON: the NUL of a string literal would count
    engine.reseal("0123456789abcdef0123456789abcde");
#elif REFUSED == 7 // REASON: the NUL of a string literal would count
    engine.reseal(u8"0123456789abcdef0123456789abcde");
#elif REFUSED == 2 // REASON: temporary whose address is used as value of local variable 'location'
    const std::string_view location = pending.approve({"alice"}).location();
    return location.size();
#elif REFUSED == 3 // REASON: ignoring return value
    engine.rotate_keys(std::nothrow);
#elif REFUSED == 4 // REASON: implicitly-deleted copy constructor
    const grantlet::authorization copy = pending;
#elif REFUSED == 5 // REASON: ignoring return value
    engine.authorize("");
#elif REFUSED == 6 // REASON: the last argument of a call may be std::nothrow
    engine.jwks(true);
#endif
    return response.location().size();
}

int main() { return use(grantlet::engine::open(""), grantlet::engine::open("").authorize("")) == 0; }
