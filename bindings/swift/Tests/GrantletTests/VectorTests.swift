import Foundation
import Grantlet
import Testing

/// The stories that every language replays, byte for byte: tests/vectors/README.md.
@Suite struct Vectors {
    @Test(arguments: try Flow.all())
    func flow(_ flow: Flow) throws {
        let replay = Replay(flow)
        defer { replay.end() }
        try replay.open()
        for (index, step) in flow.steps.enumerated() {
            replay.run(step, "\(flow.name), step \(index) (\(step.text("call")))")
        }
    }

    @Test func thereAreFlows() throws {
        #expect(try Flow.all().count > 0)
    }
}

typealias Object = [String: JSONValue]

struct Flow: Sendable, CustomTestStringConvertible {
    let object: Object

    static func all() throws -> [Flow] {
        let file = repository.appendingPathComponent("tests/vectors/flows.json")
        let root = try JSONDecoder().decode([String: JSONValue].self, from: Data(contentsOf: file))
        return root.list("flows").map { Flow(object: $0.object) }
    }

    var name: String { object.text("name") }
    var steps: [Object] { object.list("steps").map(\.object) }
    var testDescription: String { name }
}

extension JSONValue {
    var object: Object {
        guard case .object(let members) = self else { return [:] }
        return members
    }

    var text: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }
}

extension Object {
    func text(_ name: String) -> String { self[name]?.text ?? "" }
    func optional(_ name: String) -> String? { self[name]?.text }
    /// In the file, as in C, an empty one is anybody's.
    func anybody(_ name: String) -> String? { text(name).isEmpty ? nil : text(name) }
    func json(_ name: String) -> JSON { JSON(text: text(name)) }
    func list(_ name: String) -> [JSONValue] {
        guard case .array(let list)? = self[name] else { return [] }
        return list
    }
    func int(_ name: String) -> Int? {
        guard case .integer(let number)? = self[name] else { return nil }
        return number
    }
}

/// The scripted seams, and one engine.
private final class Replay {
    private let flow: Flow
    private let time: Shared<Int>
    private let random: ScriptedRandom
    private let log = Log()
    private let folder: URL
    private let header = try! Header()
    private var engine: Engine?
    private var pending: [String: PendingAuthorization] = [:]

    init(_ flow: Flow) {
        self.flow = flow
        time = Shared(flow.object.int("clock") ?? 0)
        random = ScriptedRandom(seed: UInt32(flow.object.int("seed") ?? 0))
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("grantlet-flow-\(UUID().uuidString)")
    }

    func open() throws {
        let object = flow.object
        var host = Engine.Host(
            clock: ScriptedClock(time: time), random: random, events: log,
            userClaims: ScriptedUsers(users: object["users"]?.object ?? [:]))
        if object["signing_key"] != nil {
            host.signer = ScriptedSigner(publicKey: object.json("signing_key"), signatures: object["signatures"]!.object)
        }
        guard object["store"] != nil else {
            engine = try Engine(json: object.json("config"), host: host)
            return
        }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        engine = try Engine(
            json: object.json("config"), file: folder.appendingPathComponent("grants.db"),
            sealingKey: Data(hexadecimal: object.text("sealing_key")), host: host)
    }

    func end() {
        try? FileManager.default.removeItem(at: folder)
    }

    func run(_ step: Object, _ place: String) {
        let place = Comment(rawValue: place)
        if let at = step.int("at") { time.value = at }
        random.fails.value = step["random"] == false
        log.texts.value = []
        do {
            let gave = try call(step)
            #expect(step["fails"] == nil, place)
            #expect(gave == step["gives"]?.object ?? [:], place)
        } catch let error as GrantletError {
            guard let fails = step["fails"]?.object else {
                Issue.record(error, place)
                return
            }
            var failed: Object = [
                "status": .string(header.name(of: error.rawStatus)), "oauth_code": .string(error.oauthCode),
                "description": .string(error.message), "detail": .string(error.detail),
                "http_status": .integer(error.httpStatus), "response": .string(error.response.text),
            ]
            if step.text("call") == "authorize" {
                failed["redirect"] = error.redirect?.location.map { .string($0) } ?? .null
            }
            #expect(failed == fails, place)
        } catch {
            Issue.record(error, place)
        }
        #expect(log.texts.value == step.list("events").compactMap(\.text), place)
    }

    private func call(_ step: Object) throws -> Object {
        let engine = try #require(engine)
        switch step.text("call") {
        case "authorize":
            let authorization = try engine.authorize(query: step.text("query"))
            pending[step.text("as")] = authorization
            return ["request": .string(authorization.request.json.text)]
        case "approve":
            return gave(try waiting(step).approve(login(step["login"]!.object)))
        case "deny":
            let denial = Denial.allCases.first { header.name(of: $0.status.rawValue) == step.text("denial") }
            return gave(try waiting(step).deny(#require(denial)))
        case "token":
            return gave(try engine.token(form: step.text("form"), authorization: step.optional("authorization")).json)
        case "introspect":
            return gave(try engine.introspect(form: step.text("form"), authorization: step.optional("authorization")))
        case "revoke":
            try engine.revoke(form: step.text("form"), authorization: step.optional("authorization"))
            return [:]
        case "verify":
            let scopes = step.text("scope").split(separator: " ").map(String.init)
            return gave(try engine.verify(step.text("access_token"), audience: step.text("audience"), scopes: scopes).json)
        case "userinfo":
            return gave(try engine.userinfo(step.text("access_token")))
        case "metadata":
            return gave(try engine.metadata())
        case "jwks":
            return gave(try engine.jwks())
        case "grants":
            return gave(try engine.grants(clientID: step.anybody("client_id"), subject: step.anybody("subject")))
        case "grant":
            return gave(try engine.grant(step.text("grant_id")))
        case "revoke_grant":
            return ["count": .integer(try engine.revokeGrant(step.text("grant_id")) ? 1 : 0)]
        case "revoke_grants":
            return [
                "count": .integer(
                    try engine.revokeGrants(clientID: step.anybody("client_id"), subject: step.anybody("subject")))
            ]
        case "put_api":
            try engine.putAPI(json: step.json("json"))
            return [:]
        case "put_client":
            try engine.putClient(json: step.json("json"))
            return [:]
        case "remove_api":
            try engine.removeAPI(step.text("identifier"))
            return [:]
        case "remove_client":
            return ["count": .integer(try engine.removeClient(step.text("client_id")))]
        case "sweep":
            return ["count": .integer(try engine.sweep(limit: step.int("limit") ?? 0))]
        case "rotate_keys":
            try engine.rotateKeys()
            return [:]
        case "handle":
            return try handle(step, engine)
        case "restart":
            pending = [:]
            engine.close()
            self.engine = nil
            try open()
            return [:]
        default:
            Issue.record("the replayer does not know the call \(step.text("call"))")
            return [:]
        }
    }

    private func waiting(_ step: Object) throws -> PendingAuthorization {
        try #require(pending[step.text("pending")])
    }

    private func login(_ login: Object) -> Login {
        Login(
            login.text("subject"),
            authenticatedAt: login.int("auth_time").map { Date(timeIntervalSince1970: TimeInterval($0)) },
            acr: login.optional("acr"), amr: login.list("amr").compactMap(\.text), sessionID: login.optional("sid"),
            scopes: login.optional("scope").map { $0.split(separator: " ").map(String.init) },
            accessTokenClaims: login.optional("access_token_claims").map(JSON.init(text:)),
            idTokenClaims: login.optional("id_token_claims").map(JSON.init(text:)))
    }

    private func handle(_ step: Object, _ engine: Engine) throws -> Object {
        let headers = step.list("headers").compactMap { pair -> Engine.Header? in
            guard case .array(let pair) = pair, pair.count == 2 else { return nil }
            return Engine.Header(pair[0].text ?? "", pair[1].text ?? "")
        }
        let request = Engine.Request(
            method: step.text("method"), target: step.text("target"), headers: headers, body: Data(step.text("body").utf8))
        switch try engine.handle(request) {
        case .authorization(let authorization):
            let name = step["gives"]?.object.text("pending") ?? ""
            pending[name] = authorization
            return ["pending": .string(name), "request": .string(authorization.request.json.text)]
        case .response(let response):
            return [
                "status": .integer(response.status),
                "headers": .array(response.headers.map { [.string($0.name), .string($0.value)] }),
                "body": .string(String(decoding: response.body, as: UTF8.self)),
            ]
        }
    }

    private func gave(_ json: JSON) -> Object {
        ["json": .string(json.text)]
    }

    private func gave(_ response: Engine.Response) -> Object {
        ["status": .integer(response.status), "location": .string(response.location ?? "")]
    }
}

private struct ScriptedClock: Clock {
    let time: Shared<Int>

    func now() -> Date {
        Date(timeIntervalSince1970: TimeInterval(time.value))
    }
}

private final class ScriptedRandom: RandomSource {
    struct Dry: Error {}

    let fails = Shared(false)
    private let state: Shared<UInt32>

    init(seed: UInt32) {
        state = Shared(seed)
    }

    func fill(_ bytes: UnsafeMutableRawBufferPointer) throws {
        guard !fails.value else { throw Dry() }
        for index in bytes.indices {
            bytes[index] = state.change { state in
                state = state &* 1_103_515_245 &+ 12345
                return UInt8(state >> 16 & 0xff)
            }
        }
    }
}

private final class Log: EventSink {
    let texts = Shared<[String]>([])

    func record(_ event: AuditEvent) {
        texts.change { $0.append(event.json.text) }
    }
}

private struct ScriptedUsers: UserClaims {
    let users: Object

    func claims(of subject: String, clientID: String, scopes: [String]) -> JSON? {
        users[subject]?.text.map(JSON.init(text:))
    }
}

private struct ScriptedSigner: Signer {
    struct Cancelled: Error {}

    let publicKey: JSON
    let signatures: Object

    func sign(_ input: Data) throws -> Data {
        guard let signature = signatures[String(decoding: input, as: UTF8.self)]?.text else { throw Cancelled() }
        return try #require(Data(base64URL: signature))
    }
}

extension Data {
    init?(base64URL text: String) {
        let text = text.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
        self.init(base64Encoded: text + String(repeating: "=", count: (4 - text.count % 4) % 4))
    }

    init(hexadecimal text: String) {
        let digits = text.compactMap(\.hexDigitValue)
        self.init(stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) })
    }
}
