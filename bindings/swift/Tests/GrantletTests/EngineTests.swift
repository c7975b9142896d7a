import Foundation
import Grantlet
import Testing

/// Every operation, in the order in which a host meets them.
@Suite struct EngineTests {
    @Test func theWholeStory() throws {
        let engine = try makeEngine()
        let pending = try engine.authorize(query: query + "&max_age=60&login_hint=al&prompt=login")
        let request = pending.request
        #expect(request.clientID == "app" && request.redirectURI == "com.example.app:/done" && request.state == "xyz")
        #expect(request.scopes.map(\.value) == ["openid", "offline_access", "read:notes"] || request.scopes.count == 3)
        #expect(request.offlineAccess && request.maxAge == 60 && request.loginHint == "al" && request.prompt == ["login"])
        #expect(request.audience == [audience] && request.audienceNames == [audience])
        #expect(request.clientName == nil && request.display == nil && request.uiLocales.isEmpty)

        var login = Login("alice", authenticatedAt: Date(), acr: "urn:loa:2", amr: ["pwd", "otp"], sessionID: "s-1")
        login.scopes = ["openid", "offline_access", "read:notes"]
        login.accessTokenClaims = try JSON(encoding: ["tenant": "t-1"])
        login.idTokenClaims = try JSON(encoding: ["locale": "de"])
        let tokens = try engine.redeem(engine.code(in: pending.approve(login)))
        #expect(tokens.tokenType == "Bearer" && tokens.expiresIn == 3600 && tokens.idToken != nil)
        #expect(tokens.scopes.map(Set.init) == ["openid", "offline_access", "read:notes"])

        let claims = try engine.verify(tokens.accessToken, audience: audience, scopes: ["read:notes"])
        #expect(claims.subject == "alice" && claims.clientID == "app" && claims.issuer == "http://127.0.0.1:8080/")
        #expect(claims["tenant"] == "t-1" && claims["acr"] == "urn:loa:2" && claims.audience.contains(audience))
        #expect(claims.scopes.contains("read:notes") && !claims.id.isEmpty)
        #expect(claims.expiresAt.timeIntervalSince(claims.issuedAt) == 3600)
        #expect(abs(claims.issuedAt.timeIntervalSinceNow) < 5 && claims.authenticatedAt != nil)

        let grants = try engine.grants(subject: "alice").decode([Grant].self)
        #expect(grants.count == 1 && grants[0].clientID == "app" && grants[0].state == "active" && grants[0].sessionID == "s-1")
        #expect(try engine.grant(grants[0].id).decode(Grant.self) == grants[0])
        #expect(try engine.grants(clientID: "web").decode([Grant].self).isEmpty)

        let first = try #require(tokens.refreshToken)
        let second = try #require(engine.refresh(first).refreshToken)
        let third = try #require(engine.refresh(second).refreshToken)
        expectFailure(.invalidGrantReused) { try engine.refresh(first) }
        expectFailure(.invalidGrantRevoked) { try engine.refresh(third) }
        expectFailure(.invalidTokenRevoked) { try engine.verify(tokens.accessToken, audience: audience) }
    }

    @Test func verifyTellsWhatIsWrong() throws {
        let engine = try makeEngine()
        let token = try engine.signIn().accessToken
        expectFailure(.insufficientScope) { try engine.verify(token, audience: audience, scopes: ["read:notes", "write:notes"]) }
        expectFailure(.invalidTokenAudience) { try engine.verify(token, audience: "https://other.example.com/") }
        expectFailure(.invalidToken) { try engine.verify("no token", audience: audience) }
        #expect(try engine.verify(token, audience: audience).subject == "alice")
    }

    @Test func clientsInTheirOwnName() throws {
        let engine = try makeEngine()
        let secret = "client_id=web&client_secret=correct+horse+battery+staple"
        let tokens = try engine.token(form: "grant_type=client_credentials&audience=https%3A%2F%2Fapi.example.com%2F&" + secret)
        #expect(tokens.refreshToken == nil && tokens.idToken == nil)
        #expect(try engine.verify(tokens.accessToken, audience: audience).clientID == "web")
        let inspected = try engine.introspect(form: "token=\(tokens.accessToken)&\(secret)")
        #expect(inspected["active"] == "true" && inspected["client_id"] == "web")
        try engine.revoke(form: "token=\(tokens.accessToken)&\(secret)")
        #expect(try engine.introspect(form: "token=\(tokens.accessToken)&\(secret)")["active"] == "false")
        // The header is looked at.
        let header = "Basic " + Data("web:wrong".utf8).base64EncodedString()
        expectFailure(.invalidClientSecret) { try engine.token(form: "grant_type=client_credentials", authorization: header) }
    }

    @Test func theRegistryChangesWhileTheEngineRuns() throws {
        let engine = try Engine(Configuration(issuer: "http://127.0.0.1:8080/"))
        expectFailure(.invalidClientUnknown) { try engine.authorize(query: query) }
        let full = configuration()
        try engine.put(full.apis[0])
        try engine.put(full.clients[0])
        _ = try engine.signIn()
        try engine.putAPI(json: JSON(text: #"{"identifier":"urn:other"}"#))
        try engine.putClient(json: JSON(text: #"{"client_id":"b","redirect_uris":["https://b.example.com/"],"token_endpoint_auth_method":"none"}"#))
        try engine.removeAPI("urn:other")
        expectFailure(.notFound) { try engine.removeAPI("urn:other") }
        #expect(try engine.removeClient("app") == 1)
        expectFailure(.notFound) { try engine.removeClient("app") }
        let error = expectFailure(.configUnknownKey) { try engine.putClient(json: JSON(text: #"{"client_id":"c","redirect_uri":[]}"#)) }
        #expect(error?.message.contains("redirect_uris") == true && error?.kind == .config)
    }

    @Test func grantsAreRevoked() throws {
        let engine = try makeEngine()
        _ = try engine.signIn("alice")
        _ = try engine.signIn("bob")
        let grant = try #require(engine.grants(subject: "alice").decode([Grant].self).first)
        #expect(try engine.revokeGrant(grant.id))
        #expect(try !engine.revokeGrant(grant.id))
        expectFailure(.notFound) { try engine.revokeGrant("nonsense") }
        #expect(try engine.revokeGrants(clientID: "app") == 1)
        expectFailure(.usage) { try engine.revokeGrants() }
        #expect(try engine.sweep() >= 0)
    }

    @Test func documents() throws {
        let engine = try makeEngine()
        #expect(try engine.metadata()["issuer"] == "http://127.0.0.1:8080/")
        let keys = try engine.jwks()
        let before = try #require(keys["keys"])
        try engine.rotateKeys()
        #expect(try engine.jwks()["keys"] != before)
        #expect(keys.data == Data(keys.text.utf8) && keys["nothing"] == nil)
        #expect(JSON(text: "no JSON")["a"] == nil && JSON(text: #"{"a":null,"b":[1,2]}"#)["b"] == "[1,2]")
    }

    @Test func denials() throws {
        let engine = try makeEngine()
        for denial in Denial.allCases {
            let location = try #require(engine.authorize(query: query).deny(denial).location)
            let code = location.firstMatch(of: /error=(\w+)/).map { $0.1.replacing("_", with: "").lowercased() }
            #expect(code == "\(denial)".lowercased())
        }
    }

    @Test func authorizationErrorsSayWhereTheyMayGo() throws {
        let engine = try makeEngine()
        let told = expectFailure(.invalidRequest) { try engine.authorize(query: query + "&prompt=none%20login") }
        #expect(told?.redirect?.location?.hasPrefix("com.example.app:/done?error=invalid_request&") == true)
        let untold = expectFailure(.invalidRequestRedirectURI) {
            try engine.authorize(query: "response_type=code&client_id=app&redirect_uri=https%3A%2F%2Fevil")
        }
        #expect(untold?.redirect == nil)
    }

    @Test func handleAnswersAnything() throws {
        let engine = try makeEngine()
        guard case .authorization(let pending) = try engine.handle(.init(method: "GET", target: "/authorize?" + query)) else {
            Issue.record("a valid request waits for a user")
            return
        }
        let code = try engine.code(in: pending.approve(Login("alice")))
        let form = [Engine.Header("content-type", "application/x-www-form-urlencoded")]
        func post(_ path: String, _ body: String) throws -> Engine.Response {
            let answer = try engine.handle(.init(method: "POST", target: path, headers: form, body: Data(body.utf8)))
            guard case .response(let response) = answer else { throw CancellationError() }
            return response
        }
        let tokens = try post("/oauth/token", codeForm(code))
        #expect(tokens.status == 200 && tokens["cache-control"] == "no-store" && tokens.location == nil)
        #expect(try JSONDecoder().decode(TokenResponse.self, from: tokens.body).refreshToken != nil)
        #expect(try post("/nowhere", "").status == 404)
        #expect(try post("/oauth/token", String(repeating: "x", count: Engine.maxRequestBytes + 1)).status == 413)
        guard case .response(let keys) = try engine.handle(.init(method: "GET", target: "/.well-known/jwks.json")) else { return }
        #expect(try keys.status == 200 && keys.body == engine.jwks().data)
        guard case .response(let bad) = try engine.handle(.init(method: "", target: "\u{0}\u{fffd}", headers: [.init("", "")])) else { return }
        #expect(bad.status >= 400)
    }

    @Test func aFileOutlivesTheEngine() throws {
        try withFolder { folder in
            let file = folder.appendingPathComponent("grants ö.db"), copy = folder.appendingPathComponent("copy.db")
            let key = Data(repeating: 7, count: 32), other = [UInt8](repeating: 8, count: 32)
            var engine = try Engine(configuration(), file: file, sealingKey: key)
            let first = try #require(engine.signIn().refreshToken)
            engine.close()
            engine = try Engine(configuration(), file: file, sealingKey: key)
            let second = try #require(engine.refresh(first).refreshToken)
            try engine.backup(to: copy)
            let failed = expectFailure(.serverError) { try engine.backup(to: copy) }
            #expect(failed?.detail.isEmpty == false)
            expectFailure(.configKey) { try engine.reseal(Data(count: 31)) }
            try engine.reseal(other)
            engine.close()
            expectFailure(.storeSealed) { try Engine(configuration(), file: file, sealingKey: key) }
            engine = try Engine(json: JSON(encoding: configuration()), file: file, sealingKey: other)
            #expect(try engine.refresh(second).refreshToken != nil)
            #expect(try Engine(configuration(), file: copy, sealingKey: key).refresh(second).refreshToken != nil)
        }
    }

    @Test func inMemoryThereIsNothingToReseal() throws {
        let engine = try makeEngine()
        expectFailure(.storeUnsupported) { try engine.reseal(Data(count: 32)) }
        expectFailure(.storeUnsupported) { try engine.backup(to: URL(fileURLWithPath: "/tmp/never")) }
    }
}
