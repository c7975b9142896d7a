/// What the other headers stand on: text between the two languages, and who owns an object of C's.
#ifndef GRANTLET_HANDLE_HPP
#define GRANTLET_HANDLE_HPP

#if !(__cplusplus >= 201703L || (defined(_MSVC_LANG) && _MSVC_LANG >= 201703L))
#error "grantlet.hpp needs C++17 or later"
#endif

#include <grantlet.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

// With and without exceptions the same names mean other code; they must not meet in one program's linker.
#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
#define GRANTLET_EXCEPTIONS 1
#define GRANTLET_VARIANT with_exceptions
#else
#define GRANTLET_EXCEPTIONS 0
#define GRANTLET_VARIANT without_exceptions
#endif

// Text that lives as long as the object that it was asked of; clang says where it is kept for longer.
#if defined(__has_cpp_attribute)
#if __has_cpp_attribute(clang::lifetimebound)
#define GRANTLET_LIFETIMEBOUND [[clang::lifetimebound]]
#endif
#endif
#ifndef GRANTLET_LIFETIMEBOUND
#define GRANTLET_LIFETIMEBOUND
#endif

namespace grantlet {
inline namespace GRANTLET_VARIANT {

/// Bytes that are no text, such as a sealing key: lent by a std::array, std::vector, std::span, std::string …
class bytes_view {
public:
    bytes_view() noexcept = default;
    template <class Bytes, class = std::enable_if_t<sizeof(*std::data(std::declval<const Bytes &>())) == 1>>
    bytes_view(const Bytes &bytes) noexcept : data_(std::data(bytes)), size_(std::size(bytes))
    {
        using byte = std::decay_t<decltype(*std::data(bytes))>;
        static_assert(!std::is_array_v<Bytes> || std::is_same_v<byte, unsigned char> || std::is_same_v<byte, std::byte>,
                      "the NUL of a string literal would count: say std::string_view");
    }
    const void *data() const noexcept { return data_; }
    std::size_t size() const noexcept { return size_; }

private:
    const void *data_ = nullptr;
    std::size_t size_ = 0;
};

/// Names that OAuth separates by spaces, such as scopes: `{"openid", "read:notes"}`, `"openid read:notes"`, or
/// any range of text.
class names {
public:
    names() = default;
    names(std::initializer_list<std::string_view> each) { join(each); }
    template <class Text, class = std::enable_if_t<!std::is_base_of_v<names, Text>>> names(const Text &text)
    {
        if constexpr (std::is_convertible_v<const Text &, std::string_view>) {
            text_ = std::string_view(text);
        } else {
            join(text);
        }
    }
    /// All of them, separated by spaces.
    const std::string &text() const noexcept GRANTLET_LIFETIMEBOUND { return text_; }

private:
    template <class Range> void join(const Range &range)
    {
        for (auto &&name : range) { // Not as a view: a range may make its texts as it goes.
            const std::string_view text(name);
            // One that was perhaps never set must not mean that none is needed: nothing is called like that.
            text_.append(text_.empty() ? "" : " ").append(text.empty() ? "\"\"" : text);
        }
    }
    std::string text_;
};

namespace detail {

inline std::string_view view(grl_str text) noexcept
{
    // Empty text may have no address.
    return text.len ? std::string_view(reinterpret_cast<const char *>(text.ptr), text.len) : std::string_view();
}

// What C is given for an argument.
inline grl_str lend(std::string_view text) noexcept { return grl_str_of(text.data(), text.size()); }
inline grl_str lend(bytes_view bytes) noexcept { return grl_str_of(bytes.data(), bytes.size()); }
inline std::size_t lend(std::size_t number) noexcept { return number; }
inline std::int32_t lend(grl_status status) noexcept { return status; }
template <class T> T *lend(const std::shared_ptr<T> &object) noexcept { return object.get(); }
template <class T> const T *lend(const T *object) noexcept { return object; }

/// Owns an object of C's, alone. A call holds it too while it runs: whoever closes it from within a callback
/// does so after the call.
template <class T> class handle {
public:
    handle(handle &&) noexcept = default;
    handle &operator=(handle &&) noexcept = default;
    handle(const handle &) = delete;
    handle &operator=(const handle &) = delete;

    /// Whether there is an object: not after close() or a move.
    explicit operator bool() const noexcept { return object_ != nullptr; }
    /// Frees it now; twice is fine.
    void close() noexcept { object_.reset(); }
    /// For calls of grantlet.h's own, such as grl_engine_token_into. Still this object's.
    T *native_handle() const noexcept { return object_.get(); }

protected:
    explicit handle(std::shared_ptr<T> object) noexcept : object_(std::move(object)) {}
    ~handle() = default;
    std::shared_ptr<T> lease() const noexcept { return object_; }

private:
    std::shared_ptr<T> object_;
};

// How C gives a `T`: through a pointer to a `raw`, which `take` then owns. Specialised beside each `T`.
template <class T> struct output;

template <> struct output<std::size_t> {
    using raw = std::size_t;
    static std::size_t take(raw count) noexcept { return count; }
};

template <> struct output<bool> {
    using raw = std::size_t;
    static bool take(raw count) noexcept { return count != 0; }
};

} // namespace detail
} // namespace GRANTLET_VARIANT
} // namespace grantlet

#endif
