// The tests' frame: a test is a function that registers itself; a check that fails says where.
#ifndef TEST_HPP
#define TEST_HPP

#include <cstdio>
#include <cstdlib>
#include <vector>

namespace test {

using function = void (*)();

inline std::vector<function> &all()
{
    static std::vector<function> tests;
    return tests;
}

struct registration {
    explicit registration(function test) { all().push_back(test); }
};

} // namespace test

#define TEST(name)                                                                                                     \
    static void name();                                                                                                \
    static const test::registration name##_is_a_test{name};                                                            \
    static void name()

#define CHECK(...)                                                                                                     \
    do {                                                                                                               \
        if (!(__VA_ARGS__)) {                                                                                          \
            std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #__VA_ARGS__);                             \
            std::exit(1);                                                                                              \
        }                                                                                                              \
    } while (0)

// The error with which a call fails.
#define FAILS(...)                                                                                                     \
    [&] {                                                                                                              \
        try {                                                                                                          \
            static_cast<void>(__VA_ARGS__);                                                                            \
        } catch (const grantlet::error &thrown_) {                                                                     \
            return thrown_;                                                                                            \
        }                                                                                                              \
        std::fprintf(stderr, "%s:%d: does not fail: %s\n", __FILE__, __LINE__, #__VA_ARGS__);                          \
        std::exit(1);                                                                                                  \
    }()

#endif
