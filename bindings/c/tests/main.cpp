#include "test.hpp"

int main()
{
    for (const test::function test : test::all()) {
        test();
    }
    std::printf("%zu tests\n", test::all().size());
}
