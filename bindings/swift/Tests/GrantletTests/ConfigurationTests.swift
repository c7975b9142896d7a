import Foundation
import Grantlet
import Testing

@Suite struct ConfigurationTests {
    @Test func namesAreTheEngines() throws {
        var configuration = configuration()
        configuration.defaultAudience = audience
        configuration["defaults"] = ["access_token_lifetime": 600, "id_token_lifetime": 601]
        configuration.apis[0].name = "Notes"
        configuration.apis[0].tokenLifetime = 602
        configuration.apis[0].signingAlgorithm = "ES256"
        configuration.apis[0].introspectionClients = ["web"]
        configuration.apis[0].scopes = ["read:notes", .init("write:notes", description: "Write your notes")]
        configuration.clients[0].clientName = "The app"
        configuration.clients[0].applicationType = "native"
        configuration.clients[0].refreshToken?.leeway = .seconds(5)
        configuration.clients[0].refreshToken?.rotationType = "rotating"
        configuration.clients[0].refreshToken?.tokenLifetime = 1000
        configuration.clients[0].refreshToken?.idleTokenLifetime = 500
        configuration.clients[0].refreshToken?.maxLiveGrants = 3
        let engine = try Engine(configuration)
        #expect(try engine.signIn().expiresIn == 602)
        #expect(try engine.authorize(query: query).request.clientName == "The app")
        #expect(configuration.issuer == "http://127.0.0.1:8080/" && configuration.apis[0].identifier == audience)
        #expect(configuration.clients[1].clientSecret == webSecret && configuration.clients[1].grantTypes?.count == 3)
        #expect(configuration.clients[0].refreshToken?.leeway == .seconds(5))
        #expect(configuration.apis[0].scopes[1].description == "Write your notes")
    }

    @Test func nothingIsLostBetweenAFileAndTheEngine() throws {
        let text = #"{"issuer":"http://127.0.0.1:8080/","clients":[{"client_id":"x","redirect_uri":[]}],"apis":"none","n":[1,1.5,true,null,{}]}"#
        let configuration = try JSONDecoder().decode(Configuration.self, from: Data(text.utf8))
        #expect(configuration.clients[0]["redirect_uri"] == [] && configuration["n"] == [1, 1.5, true, nil, [:]])
        #expect(configuration.apis.isEmpty && configuration["apis"] == "none")
        let again = try JSONDecoder().decode(Configuration.self, from: JSONEncoder().encode(configuration))
        #expect(again == configuration)
        // The engine is told all of it, and judges.
        #expect(expectFailure(.config) { try Engine(configuration) }?.message == "apis must be a list, not a string")
    }

    /// Names are the engine's, whatever an app's coders make of its own.
    @Test func codersThatConvertNames() throws {
        let decoder = JSONDecoder(), encoder = JSONEncoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        encoder.keyEncodingStrategy = .custom { path in AnyName(stringValue: path.last!.stringValue.uppercased()) }
        var configuration = configuration()
        configuration.defaultAudience = audience
        let decoded = try decoder.decode(Configuration.self, from: JSON(encoding: configuration).data)
        #expect(decoded == configuration && decoded.clients[0].clientID == "app")
        #expect(try JSONDecoder().decode(Configuration.self, from: encoder.encode(decoded)) == decoded)

        let tokens = try decoder.decode(TokenResponse.self, from: Data(#"{"access_token":"a","token_type":"Bearer"}"#.utf8))
        #expect(tokens.accessToken == "a")
        #expect(try JSONDecoder().decode(TokenResponse.self, from: encoder.encode(tokens)) == tokens)
    }

    private struct AnyName: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    @Test func aNumberThatIsNoJSON() throws {
        var configuration = configuration()
        configuration["n"] = .number(.infinity)
        #expect(expectFailure(.config) { try Engine(configuration) }?.underlying is EncodingError)
    }

    @Test func anExportedTenantIsAConfiguration() throws {
        let file = repository.appendingPathComponent("examples/serve/demo.json")
        var configuration = try JSONDecoder().decode(Configuration.self, from: Data(contentsOf: file))
        configuration.issuer = "http://127.0.0.1:8080/"
        #expect(try Engine(configuration).metadata()["issuer"] == "http://127.0.0.1:8080/")
    }
}

@Suite struct JSONTests {
    @Test func aDateIsItsWholeSeconds() throws {
        let dates = [0, 1.9, -1, -86_400.5].map(Date.init(timeIntervalSince1970:))
        #expect(try JSON(encoding: dates).text == "[0,1,-1,-86401]")
        for none in [Double.nan, .infinity, 1e300] {
            #expect(throws: EncodingError.self) { try JSON(encoding: [Date(timeIntervalSince1970: none)]) }
        }
    }

    @Test func membersAreWhatTheTextSays() throws {
        let json = JSON(text: #"{"n":18446744073709551615,"f":1.10,"s":"\u00e9\"\\\ud83d\ude00\u0000","o":{"a":1e2},"z":null}"#)
        #expect(json["n"] == "18446744073709551615" && json["f"] == "1.10" && json["o"] == #"{"a":1e2}"#)
        #expect(json["s"] == "é\"\\😀\0" && json["z"] == nil && json["x"] == nil && json[""] == nil)
        for none in ["", "[]", "{", "{\"a\":1}{"] {
            #expect(JSON(text: none)["a"] == nil)
        }
    }
}

@Suite struct TokenResponseTests {
    @Test func codable() throws {
        let engine = try makeEngine()
        let tokens = try engine.signIn()
        let decoded = try JSONDecoder().decode(TokenResponse.self, from: tokens.json.data)
        let again = try JSONDecoder().decode(TokenResponse.self, from: JSONEncoder().encode(decoded))
        #expect(again == decoded && again.accessToken == tokens.accessToken && again.refreshToken == tokens.refreshToken)
        #expect(again.idToken == tokens.idToken && again.expiresIn == 3600 && again.scopes == tokens.scopes)
        let more = try JSON(text: #"{"access_token":"a\"b","token_type":"Bearer","x":{"y":1}}"#).decode(TokenResponse.self)
        #expect(more.accessToken == "a\"b" && more.json["x"] == #"{"y":1}"# && more.expiresIn == nil && more.refreshToken == nil)
        #expect(throws: DecodingError.self) { try JSON(text: #"{"access_token":"a"}"#).decode(TokenResponse.self) }
        #expect(throws: DecodingError.self) { try JSON(text: "[]").decode(TokenResponse.self) }
    }
}
