#include <grantlet.hpp>

#include <iostream>

int main()
{
    const auto engine = grantlet::engine::open(R"({"issuer": "http://127.0.0.1:8080/"})");
    std::cout << "grantlet " << grantlet::version() << " from C++ for " << *engine.metadata().member("issuer") << "\n";
}
