// Replays tests/vectors/flows.json: whole stories, whose tokens, errors and events are the same in every language.
#include "statuses.hpp"
#include "story.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>

using nlohmann::json;

// One flow: its engine, and the host that scripts it. What a step gives is put into JSON as flows.json has it.
class flow {
public:
    explicit flow(const json &script, std::string file)
        : script_(script), file_(std::move(file)), now_(script.at("clock")), state_(script.at("seed")), engine_(open())
    {
    }

    void replay()
    {
        std::size_t number = 0;
        for (const json &step : script_.at("steps")) {
            now_ = step.value("at", now_);
            random_ = step.value("random", true);
            events_ = json::array();
            json came;
            try {
                came["gives"] = call(step);
            } catch (const grantlet::error &error) {
                came["fails"] = failure(error, step.at("call") == "authorize");
            }
            for (const char *part : {"gives", "fails"}) {
                expect(step, number, part, came.value(part, json()), step.value(part, json()));
            }
            expect(step, number, "events", events_, step.value("events", json::array()));
            number++;
        }
    }

private:
    grantlet::engine open()
    {
        grantlet::host host;
        host.clock = [this] { return grantlet::time_point(std::chrono::seconds(now_)); };
        host.random = [this](std::uint8_t *bytes, std::size_t size) {
            for (std::size_t i = 0; i < size && random_; i++) {
                state_ = state_ * 1103515245u + 12345u;
                bytes[i] = static_cast<std::uint8_t>(state_ >> 16);
            }
            return random_;
        };
        host.event = [this](std::string_view event) { events_.push_back(event); };
        host.user_claims = [users = script_.value("users", json::object())](const grantlet::user_query &query) {
            const auto user = users.find(query.subject);
            return user == users.end() ? std::nullopt : std::optional(user->get<std::string>());
        };
        if (script_.contains("signing_key")) {
            host.signing_key = text(script_, "signing_key");
            host.sign = [this](std::string_view input) -> grantlet::result<std::vector<std::uint8_t>> {
                const auto known = script_["signatures"].find(input);
                if (known == script_["signatures"].end()) {
                    throw std::runtime_error("the user cancelled");
                }
                return from_base64url(known->get<std::string>());
            };
        }
        const std::string config = text(script_, "config");
        return script_.value("store", false) ? grantlet::engine::open(config, file_, sealing_key(), std::move(host))
                                             : grantlet::engine::open(config, std::move(host));
    }

    json call(const json &step)
    {
        const std::string call = step.at("call");
        const auto t = [&](const char *name) { return text(step, name); };
        if (call == "authorize") {
            return waits(t("as"), engine_.authorize(t("query")));
        } else if (call == "approve") {
            return redirect(pending_.at(t("pending")).approve(login_of(step.at("login"))));
        } else if (call == "deny") {
            return redirect(pending_.at(t("pending")).deny(status_of(t("denial"))));
        } else if (call == "token") {
            return document(engine_.token({t("form"), t("authorization")}));
        } else if (call == "introspect") {
            return document(engine_.introspect({t("form"), t("authorization")}));
        } else if (call == "revoke") {
            return engine_.revoke({t("form"), t("authorization")}), json();
        } else if (call == "verify") {
            return document(engine_.verify(t("access_token"), t("audience"), t("scope")));
        } else if (call == "userinfo") {
            return document(engine_.userinfo(t("access_token")));
        } else if (call == "metadata") {
            return document(engine_.metadata());
        } else if (call == "jwks") {
            return document(engine_.jwks());
        } else if (call == "grants") {
            return document(engine_.grants({t("client_id"), t("subject")}));
        } else if (call == "grant") {
            return document(engine_.grant(t("grant_id")));
        } else if (call == "revoke_grant") {
            return {{"count", engine_.revoke_grant(t("grant_id")) ? 1 : 0}};
        } else if (call == "revoke_grants") {
            return {{"count", engine_.revoke_grants({t("client_id"), t("subject")})}};
        } else if (call == "put_api") {
            return engine_.put_api(t("json")), json();
        } else if (call == "put_client") {
            return engine_.put_client(t("json")), json();
        } else if (call == "remove_api") {
            return engine_.remove_api(t("identifier")), json();
        } else if (call == "remove_client") {
            return {{"count", engine_.remove_client(t("client_id"))}};
        } else if (call == "sweep") {
            return {{"count", engine_.sweep(step.at("limit"))}};
        } else if (call == "handle") {
            return handle(step);
        } else if (call == "restart") {
            pending_.clear();
            engine_.close();
            engine_ = open();
            return json();
        }
        std::cerr << "flows.json has a call that nobody knows: " << call << "\n";
        std::exit(1);
    }

    json handle(const json &step)
    {
        const std::string method = text(step, "method"), target = text(step, "target"), body = text(step, "body");
        const auto headers = step.value("headers", std::vector<std::array<std::string, 2>>());
        grantlet::http_request request{method, target, {}, body};
        for (const auto &header : headers) {
            request.headers.push_back({header[0], header[1]});
        }
        auto answer = engine_.handle(request);
        if (auto *pending = std::get_if<grantlet::authorization>(&answer)) {
            const std::string name = step.at("gives").value("pending", "");
            json given = waits(name, std::move(*pending));
            given["pending"] = name;
            return given;
        }
        const auto &response = std::get<grantlet::http_response>(answer);
        json given = {{"status", response.status()}, {"headers", json::array()}, {"body", response.body()}};
        for (const auto &[name, value] : response.headers()) {
            given["headers"].push_back({name, value});
        }
        return given;
    }

    json waits(const std::string &name, grantlet::authorization pending)
    {
        json given = {{"request", pending.request().json()}};
        pending_.insert_or_assign(name, std::move(pending));
        return given;
    }

    static grantlet::login login_of(const json &given)
    {
        grantlet::login login{given.at("subject")};
        login.auth_time += std::chrono::seconds(given.value("auth_time", 0));
        login.acr = text(given, "acr");
        login.amr = given.value("amr", std::vector<std::string>());
        login.sid = text(given, "sid");
        if (given.contains("scope")) {
            login.scope = text(given, "scope");
        }
        login.access_token_claims = text(given, "access_token_claims");
        login.id_token_claims = text(given, "id_token_claims");
        return login;
    }

    static json redirect(const grantlet::http_response &response)
    {
        return {{"status", response.status()}, {"location", response.location()}};
    }
    static json document(const grantlet::document &document) { return {{"json", document.json()}}; }

    static json failure(const grantlet::error &error, bool of_authorize)
    {
        json failure = {{"status", name_of(error.status())},     {"oauth_code", error.oauth_code()},
                        {"description", error.description()},    {"detail", error.detail()},
                        {"http_status", error.http_status()},    {"response", error.response()}};
        if (of_authorize) {
            const auto response = error.redirect();
            failure["redirect"] = response ? json(response->location()) : json();
        }
        return failure;
    }

    void expect(const json &step, std::size_t number, const char *part, const json &came, const json &expected) const
    {
        if (came != expected) {
            std::cerr << text(script_, "name") << ", step " << number << " (" << text(step, "call") << "), " << part
                      << ":\n    " << came << "\nand not\n    " << expected << "\n";
            std::exit(1);
        }
    }

    static std::string text(const json &object, const char *name) { return object.value(name, ""); }

    std::vector<std::uint8_t> sealing_key() const
    {
        std::vector<std::uint8_t> key;
        const std::string digits = text(script_, "sealing_key");
        for (std::size_t i = 0; i < digits.size(); i += 2) {
            key.push_back(static_cast<std::uint8_t>(std::stoi(digits.substr(i, 2), nullptr, 16)));
        }
        return key;
    }

    static std::vector<std::uint8_t> from_base64url(std::string_view text)
    {
        constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        std::vector<std::uint8_t> bytes;
        std::uint32_t bits = 0;
        for (std::size_t i = 0; i < text.size(); i++) {
            bits = bits << 6 | static_cast<std::uint32_t>(alphabet.find(text[i]));
            if (i % 4 != 0) {
                bytes.push_back(static_cast<std::uint8_t>(bits >> (6 - 2 * (i % 4))));
            }
        }
        return bytes;
    }

    const json &script_;
    std::string file_;
    std::uint64_t now_;
    std::uint32_t state_;
    bool random_ = true;
    json events_ = json::array();
    std::map<std::string, grantlet::authorization> pending_;
    grantlet::engine engine_;
};

int main(int argc, char **argv)
{
    if (argc != 3) {
        std::cerr << "usage: " << argv[0] << " flows.json FRESH_FOLDER\n";
        return 2;
    }
    const json flows = json::parse(std::ifstream(argv[1])).at("flows");
    for (const json &script : flows) {
        const std::string name = script.at("name");
        flow(script, (std::filesystem::path(argv[2]) / (name + ".db")).string()).replay();
    }
    std::cout << flows.size() << " flows\n";
}
