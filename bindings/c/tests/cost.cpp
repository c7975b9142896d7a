// What a refresh through C++ costs beside the C call: at most 1.10 times as much and 5 µs more.
#include "story.hpp"

#include <algorithm>
#include <array>

using std::chrono::steady_clock;

// Presents the newest refresh token, through `refresh`, and keeps the next.
template <class Refresh> static double microseconds(std::string &current, Refresh refresh)
{
    const std::string form = story::refresh_form(current);
    const auto start = steady_clock::now();
    current = refresh(form);
    return std::chrono::duration<double, std::micro>(steady_clock::now() - start).count();
}

static double median(std::vector<double> &times)
{
    std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
    return times[times.size() / 2];
}

int main()
{
    const auto engine = grantlet::engine::open(story::config);
    std::array<std::string, 2> current{*story::sign_in(engine).refresh_token(), *story::sign_in(engine).refresh_token()};
    std::array<std::vector<double>, 2> times;
    for (int i = 0; i < 4000; i++) {
        times[0].push_back(microseconds(current[0], [&](const std::string &form) {
            grl_buf json, next;
            CHECK(grl_engine_token(engine.native_handle(), grl_str_of(form.data(), form.size()), GRL_STR(""), &json, nullptr) == GRL_OK);
            CHECK(grl_json_member(grl_buf_str(&json), GRL_STR("refresh_token"), &next, nullptr) == GRL_OK);
            std::string token(reinterpret_cast<const char *>(next.ptr), next.len);
            grl_buf_free(&json);
            grl_buf_free(&next);
            return token;
        }));
        times[1].push_back(microseconds(current[1], [&](const std::string &form) { return *engine.token(form).refresh_token(); }));
    }
    const double c = median(times[0]), cpp = median(times[1]);
    std::printf("a refresh takes %.1f us in C++, %.1f us in C: %.2f times\n", cpp, c, cpp / c);
    return cpp <= 1.10 * c + 5 ? 0 : 1;
}
