// The header's statuses. tests/hosts/cpp.sh cuts statuses.inc out of include/grantlet.h: STATUS(name, number as text).
#ifndef STATUSES_HPP
#define STATUSES_HPP

#include <grantlet.h>

#include <string_view>

struct named_status {
    std::string_view name;
    grl_status status;
};

inline constexpr named_status statuses[] = {
#define STATUS(name, number) {#name, name},
#include "statuses.inc"
#undef STATUS
};

inline grl_status status_of(std::string_view name)
{
    for (const auto &each : statuses) {
        if (each.name == name) {
            return each.status;
        }
    }
    return static_cast<grl_status>(-1);
}

inline std::string_view name_of(grl_status status)
{
    for (const auto &each : statuses) {
        if (each.status == status) {
            return each.name;
        }
    }
    return "a status that the header does not have";
}

#endif
