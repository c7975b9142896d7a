import Foundation
import Grantlet
import Testing

/// What a host gets wrong ends in a ``GrantletError``, never in a crash.
@Suite struct Misuse {
    @Test func closedTwiceAndUsedAfterwards() throws {
        let engine = try makeEngine()
        let tokens = try engine.signIn()
        let pending = try engine.authorize(query: query)
        engine.close()
        engine.close()
        let calls: [() throws -> Void] = [
            { _ = try engine.authorize(query: query) },
            { _ = try engine.token(form: refreshForm(tokens.refreshToken!)) },
            { _ = try engine.verify(tokens.accessToken, audience: audience) },
            { try engine.revoke(form: "") },
            { _ = try engine.introspect(form: "") },
            { _ = try engine.userinfo(tokens.accessToken) },
            { _ = try engine.metadata() },
            { _ = try engine.jwks() },
            { _ = try engine.handle(.init(method: "GET", target: "/")) },
            { try engine.put(configuration().apis[0]) },
            { try engine.put(configuration().clients[0]) },
            { try engine.removeAPI(audience) },
            { try engine.removeClient("app") },
            { _ = try engine.grants() },
            { _ = try engine.grant("x") },
            { try engine.revokeGrant("x") },
            { try engine.revokeGrants(clientID: "app") },
            { try engine.rotateKeys() },
            { try engine.reseal(Data(count: 32)) },
            { try engine.backup(to: URL(fileURLWithPath: "/tmp/never")) },
            { try engine.sweep() },
        ]
        for call in calls {
            let error = expectFailure(.usage, call)
            #expect(error?.message == "the engine is closed" && error?.httpStatus == 500)
            #expect(error?.response["error"] == "server_error" && error?.oauthCode == "server_error")
        }
        // What came of it keeps what it needs.
        #expect(try pending.approve(Login("alice")).status == 303)
    }

    @Test func answeredTwice() throws {
        let engine = try makeEngine()
        let pending = try engine.authorize(query: query)
        _ = try pending.approve(Login("alice"))
        expectFailure(.usageAnswered) { try pending.approve(Login("alice")) }
    }

    @Test func aBetterLoginMayFollow() throws {
        let engine = try makeEngine()
        let pending = try engine.authorize(query: query + "&max_age=60")
        expectFailure(.usage) { try pending.approve(Login("alice")) }
        expectFailure(.loginRequired) { try pending.approve(Login("alice", authenticatedAt: Date(timeIntervalSince1970: 1))) }
        expectFailure(.usage) { try pending.approve(Login("", authenticatedAt: Date())) }
        expectFailure(.usage) { try pending.approve(Login("alice\0admin", authenticatedAt: Date())) }
        expectFailure(.usage) {
            try pending.approve(Login("alice", authenticatedAt: Date(), idTokenClaims: JSON(text: #"{"sub":"admin"}"#)))
        }
        #expect(try pending.approve(Login("alice", authenticatedAt: Date())).status == 303)
    }

    @Test func textIsTakenWhole() throws {
        let engine = try makeEngine()
        let tokens = try engine.signIn()
        expectFailure(.invalidTokenAudience) { try engine.verify(tokens.accessToken, audience: audience + "\0") }
        #expect(throws: GrantletError.self) { try engine.verify(tokens.accessToken + "\0", audience: audience) }
        #expect(throws: GrantletError.self) { try engine.authorize(query: query + "\0") }
        expectFailure(.notFound) { try engine.removeClient("app\0x") }
        expectFailure(.config) { try Engine(json: JSON(text: "")) }
    }

    @Test func datesThatAreNone() throws {
        let engine = try makeEngine()
        for seconds in [-1, .nan, .infinity, 1e300] {
            let pending = try engine.authorize(query: query + "&max_age=60")
            expectFailure(.usage) { try pending.approve(Login("alice", authenticatedAt: Date(timeIntervalSince1970: seconds))) }
        }
    }

    @Test func objectsGoInAnyOrder() throws {
        final class Released: Clock {
            let gone: Shared<Int>
            init(_ gone: Shared<Int>) { self.gone = gone }
            deinit { gone.change { $0 += 1 } }
            func now() -> Date { Date() }
        }
        let gone = Shared(0)
        var engine: Engine? = try makeEngine(.init(clock: Released(gone)))
        var pending: PendingAuthorization? = try engine!.authorize(query: query)
        #expect(gone.value == 0)
        engine = nil
        #expect(gone.value == 0)
        #expect(try pending!.approve(Login("alice")).status == 303)
        pending = nil
        #expect(gone.value == 1)

        engine = try makeEngine(.init(clock: Released(gone)))
        pending = try engine!.authorize(query: query)
        pending = nil
        _ = try engine!.signIn()
        engine!.close()
        #expect(gone.value == 2)

        expectFailure(.config) { try Engine(json: JSON(text: "{"), host: .init(clock: Released(gone))) }
        #expect(gone.value == 3)
        _ = pending
    }

    /// `nil` is anybody; a variable that was never set is not.
    @Test func anEmptyNameIsNotAnybodys() throws {
        let engine = try makeEngine()
        _ = try engine.signIn()
        expectFailure(.usage) { try engine.grants(subject: "") }
        expectFailure(.usage) { try engine.grants(clientID: "", subject: "alice") }
        expectFailure(.usage) { try engine.revokeGrants(clientID: "app", subject: "") }
        expectFailure(.usage) { try engine.revokeGrants(clientID: "") }
        expectFailure(.usage) { try engine.revokeGrants() }
        #expect(try engine.grants().decode([Grant].self).first?.state == "active")
    }

    @Test func anEmptyScopeLetsNobodyIn() throws {
        let engine = try makeEngine()
        let tokens = try engine.signIn()
        expectFailure(.usage) { try engine.verify(tokens.accessToken, audience: audience, scopes: [""]) }
        expectFailure(.usage) { try engine.verify(tokens.accessToken, audience: audience, scopes: ["read:notes", ""]) }
    }

    @Test func aLimitBelowNone() throws {
        expectFailure(.usage) { try makeEngine().sweep(limit: -1) }
        expectFailure(.usage) { try makeEngine().sweep(limit: .min) }
    }

    @Test func aURLThatIsNoFiles() throws {
        try withFolder { folder in
            let key = Data(count: 32)
            let elsewhere = URL(string: "https://example.com\(folder.path)/grants.db")!
            for url in [elsewhere, URL(string: folder.path + "/grants.db")!] {
                expectFailure(.usage) { try Engine(configuration(), file: url, sealingKey: key) }
            }
            let engine = try Engine(configuration(), file: folder.appendingPathComponent("grants.db"), sealingKey: key)
            expectFailure(.usage) { try engine.backup(to: elsewhere.appendingPathExtension("copy")) }
            let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            #expect(names.allSatisfy { $0.hasPrefix("grants.db") && !$0.hasSuffix("copy") })
        }
    }

    @Test func aHostThatRefersToItsEngineIsLetGoByClosing() throws {
        final class Loop: Clock {
            let engine = Shared<Engine?>(nil)
            let gone: Shared<Bool>
            init(_ gone: Shared<Bool>) { self.gone = gone }
            deinit { gone.value = true }
            func now() -> Date { Date() }
        }
        let gone = Shared(false)
        do {
            let loop = Loop(gone)
            let engine = try makeEngine(.init(clock: loop))
            loop.engine.value = engine
            _ = try engine.signIn()
            engine.close()
        }
        #expect(gone.value)
    }
}

/// Nothing that a log may get shows a secret.
@Suite struct Secrets {
    @Test func descriptionsShowNone() throws {
        let engine = try makeEngine()
        let pending = try engine.authorize(query: query)
        let response = try pending.approve(Login("alice"))
        let code = try engine.code(in: response)
        let tokens = try engine.redeem(code)
        let form = refreshForm(tokens.refreshToken!)
        let request = Engine.Request(method: "POST", target: "/oauth/token?code=\(code)", body: Data(form.utf8))
        let secrets = [code, tokens.accessToken, tokens.refreshToken!, tokens.idToken!, webSecret, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw"]
        let things: [Any] = [
            engine, pending, pending.request, response, tokens, tokens.json, request, configuration(),
            configuration().clients[1], try engine.handle(.init(method: "POST", target: "/oauth/token")),
        ]
        for thing in things {
            var dumped = ""
            dump(thing, to: &dumped)
            for text in ["\(thing)", String(reflecting: thing), dumped] {
                for secret in secrets {
                    #expect(!text.contains(secret))
                }
            }
        }
        #expect("\(tokens)" == "TokenResponse(access_token, refresh_token, id_token)")
        #expect("\(configuration().clients[1])".contains("client_secret"))
    }

    /// What the engine refers to is nobody's business either: a seam of the host's may hold a key.
    @Test func nothingShowsWhatTheHostHolds() throws {
        struct Keeper: Clock {
            let key = "correct horse"
            func now() -> Date { Date() }
        }
        let host = Engine.Host(clock: Keeper())
        let engine = try makeEngine(host)
        let headers = [Engine.Header("Authorization", "Bearer correct horse"), Engine.Header("Set-Cookie", "correct horse")]
        let things: [Any] = [engine, try engine.authorize(query: query), host, headers]
        for thing in things {
            var dumped = ""
            dump(thing, to: &dumped)
            for text in ["\(thing)", String(reflecting: thing), dumped] {
                #expect(!text.contains("correct horse") && !text.contains("Bearer"))
            }
        }
        #expect("\(host)" == "Host(clock)" && "\(headers[0])" == "Authorization: …")
    }

    @Test func errorsShowNone() throws {
        let engine = try makeEngine()
        let error = expectFailure(.invalidGrantMalformed) { try engine.refresh("grl_rt_secretsecret") }
        let wrong = expectFailure(.invalidClientSecret) {
            try engine.token(form: "grant_type=client_credentials&client_id=web&client_secret=hunter2hunter2")
        }
        for text in [error, wrong].compactMap({ $0 }).flatMap({ ["\($0)", $0.debugDescription, $0.localizedDescription, $0.response.text] }) {
            #expect(!text.contains("secretsecret") && !text.contains("hunter2"))
        }
        #expect("\(error!)".hasPrefix("invalid_grant: ") && error!.localizedDescription == error!.message)
    }
}
