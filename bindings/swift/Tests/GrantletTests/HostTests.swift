import Foundation
import Grantlet
import Testing

private struct Broken: Error, Equatable {
    let what: String
}

/// Seams that a test can break, and that may call the engine back.
private final class Scripted: Clock, RandomSource, EventSink, UserClaims, Signer {
    let engine = Shared<Engine?>(nil)
    let time = Shared<Date?>(Date(timeIntervalSince1970: 1_700_000_000))
    let failure = Shared<(any Error & Sendable)?>(nil)
    let user = Shared<JSON?>(JSON(text: #"{"name":"Alice","tier":3}"#))
    let events = Shared<[AuditEvent]>([])
    let fills = Shared(0), signatures = Shared(0)
    let asked = Shared<[String]>([])
    let failsAt = Shared<String?>(nil)

    func now() throws -> Date {
        try callBack()
        guard let now = time.value, failsAt.value != "clock" else { throw Broken(what: "clock") }
        return now
    }

    func fill(_ bytes: UnsafeMutableRawBufferPointer) throws {
        try callBack()
        if let failure = failure.value { throw failure }
        fills.change { $0 += 1 }
        for index in bytes.indices { bytes[index] = UInt8.random(in: 0...255) }
    }

    func record(_ event: AuditEvent) {
        try? callBack()
        events.change { $0.append(event) }
    }

    func claims(of subject: String, clientID: String, scopes: [String]) throws -> JSON? {
        try callBack()
        asked.change { $0 = [subject, clientID] + scopes }
        if let failure = failure.value { throw failure }
        return user.value
    }

    /// A key of ES256; no signature made here verifies with it.
    let publicKey = JSON(
        text: #"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#)
    let signature = Shared(Data([1] + [UInt8](repeating: 0, count: 63)))

    func sign(_ input: Data) throws -> Data {
        try callBack()
        if failsAt.value != nil { failsAt.value = "clock" }
        if let failure = failure.value { throw failure }
        #expect(input.contains(UInt8(ascii: ".")))
        signatures.change { $0 += 1 }
        return signature.value
    }

    /// Every seam calls the engine: it holds no lock of its own meanwhile.
    private func callBack() throws {
        let engine = engine.change { held in
            defer { held = nil } // Not from the seams of this call.
            return held
        }
        guard let engine else { return }
        _ = try engine.metadata()
        _ = try engine.grants()
        self.engine.value = engine
    }
}

@Suite struct HostTests {
    @Test func eachSeamIsAskedAndMayCallBack() throws {
        let seams = Scripted()
        let engine = try makeEngine(.init(clock: seams, random: seams, events: seams, userClaims: seams))
        seams.engine.value = engine
        let tokens = try engine.signIn()
        #expect(try engine.userinfo(tokens.accessToken).text == #"{"sub":"alice","tier":3}"#)
        #expect(seams.asked.value.starts(with: ["alice", "app"]) && seams.asked.value.contains("openid"))
        #expect(seams.fills.value > 0)
        let event = try #require(seams.events.value.last)
        #expect(event.name == "token_issued" && event.at == seams.time.value && event["client_id"] == "app")
        #expect("\(event)" == event.json.text && !seams.events.value.contains { $0.json.text.contains("grl_rt_") })
        seams.time.value! += 3600
        expectFailure(.invalidTokenExpired) { try engine.verify(tokens.accessToken, audience: audience) }
        seams.engine.value = nil
    }

    @Test func aClockThatThrows() throws {
        let seams = Scripted()
        let engine = try makeEngine(.init(clock: seams))
        let tokens = try engine.signIn()
        let before = try engine.grants()
        for time in [nil, Date(timeIntervalSince1970: -5), Date(timeIntervalSince1970: .nan)] {
            seams.time.value = time
            let error = expectFailure(.serverError) { try engine.refresh(tokens.refreshToken!) }
            #expect(error?.underlying as? Broken == (time == nil ? Broken(what: "clock") : nil))
        }
        seams.time.value = Date(timeIntervalSince1970: 1_700_000_000)
        #expect(try engine.grants() == before)
        #expect(try engine.refresh(tokens.refreshToken!).refreshToken != nil)
    }

    @Test func randomnessThatFails() throws {
        let seams = Scripted()
        let engine = try makeEngine(.init(random: seams))
        let pending = try engine.authorize(query: query)
        seams.failure.value = Broken(what: "random")
        let error = expectFailure(.serverError) { try pending.approve(Login("alice")) }
        #expect(error?.underlying as? Broken == Broken(what: "random") && error?.detail.contains("random") == true)
        #expect(error?.response.text.contains("random") == false)
        #expect(error?.debugDescription.contains("because of Broken") == true)
        seams.failure.value = HostError.temporarilyUnavailable("the pool is dry")
        let later = expectFailure(.temporarilyUnavailable) { try pending.approve(Login("alice")) }
        #expect(later?.httpStatus == 503)
        seams.failure.value = nil
        #expect(try pending.approve(Login("alice")).status == 303)
    }

    @Test func aCauseIsOfItsOwnCallAlone() throws {
        let seams = Scripted()
        let engine = try makeEngine(.init(random: seams))
        seams.failure.value = Broken(what: "random")
        let pending = try engine.authorize(query: query)
        _ = expectFailure(.serverError) { try pending.approve(Login("alice")) }
        #expect(expectFailure(.invalidToken) { try engine.verify("x", audience: audience) }?.underlying == nil)
    }

    /// The sink hears of the refusal within the call that failed, and after its cause.
    @Test func theCauseOutlivesWhatIsCalledAfterIt() throws {
        let seams = Scripted()
        let engine = try makeEngine(.init(clock: seams, events: seams, signer: seams))
        let code = try engine.code()
        seams.failure.value = CancellationError()
        seams.engine.value = engine // Each seam makes calls of its own.
        #expect(expectFailure(.serverError) { try engine.redeem(code) }?.underlying is CancellationError)
        #expect(seams.events.value.last?.name == "refused")

        seams.engine.value = nil
        seams.failure.value = Broken(what: "key")
        seams.failsAt.value = "clock after the signer"
        #expect(expectFailure(.serverError) { try engine.redeem(code) }?.underlying as? Broken == Broken(what: "key"))
        seams.failsAt.value = nil
        #expect(expectFailure(.serverError) { try engine.redeem(code) }?.underlying as? Broken == Broken(what: "key"))
    }

    @Test func aSignerThatWasCancelledLeavesTheGrantAsItWas() throws {
        let seams = Scripted()
        let engine = try makeEngine(.init(clock: seams, signer: seams))
        let code = try engine.code()
        let before = try engine.grants()
        seams.failure.value = Broken(what: "cancelled by the user")
        let error = expectFailure(.serverError) { try engine.redeem(code) }
        #expect(error?.underlying as? Broken == Broken(what: "cancelled by the user"))
        seams.failure.value = HostError.temporarilyUnavailable("the KMS")
        expectFailure(.temporarilyUnavailable) { try engine.redeem(code) }
        #expect(try engine.grants() == before)
        seams.failure.value = nil
        let tokens = try engine.redeem(code)
        #expect(seams.signatures.value > 0)

        let rotated = try engine.grants()
        seams.failure.value = Broken(what: "cancelled")
        seams.time.value! += 1000
        expectFailure(.serverError) { try engine.refresh(tokens.refreshToken!) }
        #expect(try engine.grants() == rotated)
        seams.failure.value = nil
        seams.signature.value = Data(count: 7)
        expectFailure(.serverError) { try engine.refresh(tokens.refreshToken!) }
        seams.signature.value = Data(repeating: 1, count: 1 << 20)
        expectFailure(.serverError) { try engine.refresh(tokens.refreshToken!) }
        #expect(try engine.grants() == rotated)
        seams.signature.value = Data(repeating: 1, count: 64)
        #expect(try engine.refresh(tokens.refreshToken!).refreshToken != nil)
    }

    @Test func aKeyThatIsNone() throws {
        struct NoKey: Signer {
            let publicKey: JSON
            func sign(_ input: Data) -> Data { Data() }
        }
        expectFailure(.configKey) { try makeEngine(.init(signer: NoKey(publicKey: JSON(text: "{}")))) }
        expectFailure(.usageNull) { try makeEngine(.init(signer: NoKey(publicKey: JSON(text: "")))) }
    }

    @Test func usersWhoAreGoneOrCannotBeTold() throws {
        let seams = Scripted()
        let engine = try makeEngine(.init(userClaims: seams))
        let token = try engine.signIn().accessToken
        seams.user.value = nil
        expectFailure(.invalidToken) { try engine.userinfo(token) }
        for nonsense in ["no JSON", "", "[]"] {
            seams.user.value = JSON(text: nonsense)
            expectFailure(.serverError) { try engine.userinfo(token) }
        }
        seams.failure.value = Broken(what: "directory")
        #expect(expectFailure(.serverError) { try engine.userinfo(token) }?.underlying as? Broken == Broken(what: "directory"))
        seams.failure.value = HostError.temporarilyUnavailable("directory")
        expectFailure(.temporarilyUnavailable) { try engine.userinfo(token) }
    }

    @Test func anEngineClosedFromWithinItsOwnCallback() throws {
        final class Closing: EventSink {
            let engine = Shared<Engine?>(nil)
            func record(_ event: AuditEvent) {
                engine.value?.close()
                engine.value = nil
            }
        }
        let sink = Closing()
        let engine = try makeEngine(.init(events: sink))
        let code = try engine.code()
        sink.engine.value = engine
        // The call is answered; the handle goes when it ends.
        #expect(try engine.redeem(code).refreshToken != nil)
        expectFailure(.usage) { try engine.jwks() }
    }

    @Test func theLastReferenceDroppedWithinACallback() throws {
        final class Dropping: Clock {
            let pending = Shared<PendingAuthorization?>(nil)
            func now() -> Date {
                pending.value = nil
                return Date()
            }
        }
        let clock = Dropping()
        clock.pending.value = try makeEngine(.init(clock: clock)).authorize(query: query)
        #expect(try clock.pending.value!.approve(Login("alice")).status == 303)
    }
}

/// `Clock` is Grantlet's where it is imported, and the standard library's is still there.
@Suite struct ClockName {
    struct Unqualified: Clock {
        func now() -> Date { Date(timeIntervalSince1970: 1_700_000_000) }
    }

    struct Qualified: Grantlet.Clock {
        func now() -> Date { Date(timeIntervalSince1970: 1_700_000_000) }
    }

    func instant<Standard: _Concurrency.Clock>(_ clock: Standard) -> Standard.Instant {
        clock.now
    }

    @Test func bothAreUsable() throws {
        let clocks: [any Clock] = [Unqualified(), Qualified()]
        for clock in clocks {
            #expect(try makeEngine(.init(clock: clock)).signIn().expiresIn == 3600)
        }
        let start = instant(ContinuousClock())
        #expect(start.duration(to: instant(.continuous)) >= .zero)
    }
}
