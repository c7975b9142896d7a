// An app with an OAuth server inside: a small HTTP server on the loopback whose requests go to engine.handle, an API
// of its own that wants an access token, and a client, libcurl, that goes the whole way.
//
//     cargo build --release && bindings/c/install.sh "$PWD/target/prefix"
//     export PKG_CONFIG_PATH=$PWD/target/prefix/lib/pkgconfig
//     c++ -std=c++17 bindings/c/examples/server.cpp -pthread $(pkg-config --cflags --libs grantlet libcurl)
//     LD_LIBRARY_PATH=target/prefix/lib ./a.out
#include <grantlet.hpp>

#include <arpa/inet.h>
#include <curl/curl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <system_error>
#include <thread>

constexpr char api[] = "https://api.example.com/";

// ---- The server ---------------------------------------------------------------------------------------

// A socket, closed when it goes.
class connection {
public:
    explicit connection(int socket) : socket_(socket) {}
    ~connection() { ::close(socket_); }
    connection(const connection &) = delete;
    connection &operator=(const connection &) = delete;
    int socket() const { return socket_; }

private:
    int socket_;
};

static bool same_name(std::string_view one, std::string_view other)
{
    return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                      [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
}

static std::string_view header(const grantlet::http_request &request, std::string_view name)
{
    for (const auto &each : request.headers) {
        if (same_name(each.name, name)) {
            return each.value;
        }
    }
    return {};
}

// Cuts off what stands before the next `end`, which goes too.
static std::string_view cut(std::string_view &text, std::string_view end)
{
    const std::string_view part = text.substr(0, text.find(end));
    text.remove_prefix(std::min(text.size(), part.size() + end.size()));
    return part;
}

// Parses what stands before the body. What makes no sense may stay so: the engine answers it as it deserves.
static grantlet::http_request parse(std::string_view head)
{
    std::string_view line = cut(head, "\r\n");
    grantlet::http_request request;
    request.method = cut(line, " ");
    request.target = cut(line, " ");
    while (!head.empty()) {
        std::string_view value = cut(head, "\r\n");
        const std::string_view name = cut(value, ":");
        value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
        request.headers.push_back({name, value});
    }
    return request;
}

static void send(const connection &peer, int status, const std::vector<grantlet::http_header> &headers, std::string_view body)
{
    std::string text = "HTTP/1.1 " + std::to_string(status) + " \r\nConnection: close\r\n";
    for (const auto &[name, value] : headers) {
        text.append(name).append(": ").append(value).append("\r\n");
    }
    text.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n\r\n").append(body);
    for (std::string_view rest = text; !rest.empty();) {
        const ssize_t sent = ::send(peer.socket(), rest.data(), rest.size(), MSG_NOSIGNAL);
        if (sent <= 0) {
            return;
        }
        rest.remove_prefix(static_cast<std::size_t>(sent));
    }
}

static void send(const connection &peer, const grantlet::http_response &response)
{
    send(peer, response.status(), response.headers(), response.body());
}

// The app's own API: the notes of whoever the access token speaks for.
static void serve_notes(const connection &peer, const grantlet::engine &engine, const grantlet::http_request &request)
{
    std::string_view token = header(request, "Authorization");
    const bool bearer = same_name(cut(token, " "), "Bearer");
    const auto access = engine.verify(bearer ? token : "", api, {"read:notes"}, std::nothrow);
    if (access) {
        send(peer, 200, {{"Content-Type", "text/plain"}}, "the notes of " + access->subject());
    } else {
        send(peer, access.error().http_status(), {{"WWW-Authenticate", "Bearer"}}, access.error().response());
    }
}

// One request, one response.
static void serve(const connection &peer, const grantlet::engine &engine)
{
    std::string text;
    char piece[4096];
    std::size_t head = std::string::npos, length = 0;
    grantlet::http_request request;
    while (head == std::string::npos || text.size() < head + 4 + length) {
        const ssize_t got = ::recv(peer.socket(), piece, sizeof piece, 0);
        if (got <= 0 || text.size() > 2 * GRL_MAX_REQUEST_BYTES) {
            return;
        }
        text.append(piece, static_cast<std::size_t>(got));
        head = text.find("\r\n\r\n");
        if (head != std::string::npos) {
            request = parse(std::string_view(text).substr(0, head)); // Anew: the text may have moved.
            const std::string digits(header(request, "Content-Length"));
            length = std::min<std::size_t>(std::strtoul(digits.c_str(), nullptr, 10), GRL_MAX_REQUEST_BYTES + 1);
        }
    }
    request.body = std::string_view(text).substr(head + 4, length);
    if (request.target == "/notes") {
        return serve_notes(peer, engine, request);
    }
    auto answer = engine.handle(request);
    if (const auto *pending = std::get_if<grantlet::authorization>(&answer)) {
        // Your sign-in page goes here: keep `pending` until it comes back. Alice says yes to everything.
        send(peer, pending->approve({"alice"}));
    } else {
        send(peer, std::get<grantlet::http_response>(answer));
    }
}

// A free port of the loopback.
class listener {
public:
    listener() : connection_(::socket(AF_INET, SOCK_STREAM, 0))
    {
        sockaddr_in address = {};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto *raw = reinterpret_cast<sockaddr *>(&address);
        if (::bind(socket(), raw, size) != 0 || ::listen(socket(), 16) != 0 || ::getsockname(socket(), raw, &size) != 0) {
            throw std::system_error(errno, std::generic_category(), "the loopback");
        }
        port_ = ntohs(address.sin_port);
    }
    int socket() const { return connection_.socket(); }
    std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

private:
    connection connection_;
    int port_ = 0;
};

// A thread that serves for as long as this lives: the engine has to live longer.
class server {
public:
    server(const listener &listener, const grantlet::engine &engine)
        : socket_(listener.socket()), thread_([this, &engine] { run(engine); })
    {
    }
    ~server()
    {
        ::shutdown(socket_, SHUT_RDWR);
        thread_.join();
    }

private:
    void run(const grantlet::engine &engine) const
    {
        for (int peer; (peer = ::accept(socket_, nullptr, nullptr)) >= 0;) {
            const connection open(peer);
            try {
                serve(open, engine);
            } catch (const std::exception &failure) {
                std::cerr << failure.what() << "\n";
                send(open, 500, {}, "");
            }
        }
    }
    int socket_;
    std::thread thread_;
};

// ---- The client ---------------------------------------------------------------------------------------

struct answer {
    long status = 0;
    std::string location{}, body{};

    // A member of a JSON body.
    std::string operator[](std::string_view name) const { return grantlet::member(body, name).value_or(""); }
};

// GET, or POST where there is a form. Does not follow redirects: they go to the app.
static answer request(const std::string &url, const std::string &form = {}, const std::string &access_token = {})
{
    const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(), curl_easy_cleanup);
    answer came;
    curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
    if (!form.empty()) {
        curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, form.c_str());
    }
    if (!access_token.empty()) {
        curl_easy_setopt(curl.get(), CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
        curl_easy_setopt(curl.get(), CURLOPT_XOAUTH2_BEARER, access_token.c_str());
    }
    curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &came.body);
    curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, +[](char *bytes, std::size_t size, std::size_t count, void *to) {
        static_cast<std::string *>(to)->append(bytes, size * count);
        return size * count;
    });
    if (const CURLcode code = curl_easy_perform(curl.get()); code != CURLE_OK) {
        throw std::runtime_error(curl_easy_strerror(code));
    }
    curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &came.status);
    // Not CURLINFO_REDIRECT_URL, which knows no scheme of an app's.
    curl_header *location = nullptr;
    if (curl_easy_header(curl.get(), "Location", 0, CURLH_HEADER, -1, &location) == CURLHE_OK) {
        came.location = location->value;
    }
    return came;
}

static void expect(bool so, const char *what, const answer &came)
{
    std::cout << (so ? "   " : "NOT SO: ") << what << ": HTTP " << came.status << " " << came.body.substr(0, 90) << "\n";
    if (!so) {
        throw std::runtime_error(what);
    }
}

static void go_the_whole_way(const std::string &url)
{
    const std::string token = url + "/oauth/token";
    // RFC 7636, appendix B. A real app makes a verifier of its own each time.
    const std::string challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
                      verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

    std::cout << "1. The app opens /authorize in a browser; Alice consents.\n";
    answer came = request(url + "/authorize?response_type=code&client_id=notes-app&state=xyz&code_challenge_method=S256"
                                "&redirect_uri=com.example.notes%3A%2Fdone&scope=openid%20offline_access%20read%3Anotes"
                                "&audience=https%3A%2F%2Fapi.example.com%2F&code_challenge=" + challenge);
    expect(came.status == 303 && came.location.rfind("com.example.notes:/done?code=", 0) == 0, "back to the app with a code", came);
    std::string_view rest = came.location;
    cut(rest, "code=");
    const std::string code(cut(rest, "&"));

    std::cout << "2. The app redeems the code.\n";
    came = request(token, "grant_type=authorization_code&client_id=notes-app&redirect_uri=com.example.notes%3A%2Fdone"
                          "&code_verifier=" + verifier + "&code=" + code);
    const std::string access = came["access_token"], first = came["refresh_token"];
    expect(came.status == 200 && !first.empty(), "tokens", answer{came.status});

    std::cout << "3. With the access token it reads the notes.\n";
    came = request(url + "/notes", {}, access);
    expect(came.status == 200 && came.body == "the notes of alice", "with it", came);
    came = request(url + "/notes");
    expect(came.status == 401, "without it", came);

    std::cout << "4. It refreshes, twice; each time its refresh token is replaced.\n";
    const std::string form = "grant_type=refresh_token&client_id=notes-app&refresh_token=";
    came = request(token, form + first);
    came = request(token, form + came["refresh_token"]);
    const std::string newest = came["access_token"];
    expect(came.status == 200, "new tokens", answer{came.status});

    std::cout << "5. A thief presents the first one, long replaced. With that the grant is over.\n";
    came = request(token, form + first);
    expect(came.status == 400 && came["error"] == "invalid_grant", "the thief", came);
    came = request(url + "/notes", {}, newest);
    expect(came.status == 401, "the app's newest access token", came);
}

int main()
{
    try {
        curl_global_init(CURL_GLOBAL_DEFAULT);
        const listener listener;
        const auto engine = grantlet::engine::open(R"({"issuer": ")" + listener.url() + R"(/",
            "apis": [{"identifier": "https://api.example.com/", "scopes": ["read:notes"], "allow_offline_access": true}],
            "clients": [{"client_id": "notes-app", "application_type": "native", "token_endpoint_auth_method": "none",
                         "redirect_uris": ["com.example.notes:/done"],
                         "grant_types": ["authorization_code", "refresh_token"]}]})");
        const server server(listener, engine);
        std::cout << "grantlet " << grantlet::version() << " on " << listener.url() << "\n";
        go_the_whole_way(listener.url());
    } catch (const std::exception &failure) {
        std::cerr << failure.what() << "\n";
        return 1;
    }
}
