import Foundation
import Grantlet
import Testing

/// One engine, many threads and tasks.
@Suite struct Threads {
    private let count = 16

    @Test func oneCodeIsRedeemedOnce() throws {
        let engine = try makeEngine()
        let code = try engine.code()
        let won = Shared(0), lost = Shared<[GrantletError.Status]>([])
        onThreads(count) { _ in
            do throws(GrantletError) {
                _ = try engine.redeem(code)
                won.change { $0 += 1 }
            } catch {
                lost.change { $0.append(error.status) }
            }
        }
        #expect(won.value == 1 && lost.value.count == count - 1)
        #expect(lost.value.allSatisfy { $0.kind == .invalidGrant })
    }

    @Test func oneAuthorizationIsApprovedOnce() throws {
        let engine = try makeEngine()
        let pending = try engine.authorize(query: query)
        let won = Shared(0)
        onThreads(count) { _ in
            if (try? pending.approve(Login("alice"))) != nil {
                won.change { $0 += 1 }
            }
        }
        #expect(won.value == 1)
    }

    @Test func everybodyRefreshesTheSameToken() throws {
        let engine = try makeEngine()
        let first = try #require(engine.signIn().refreshToken)
        let successors = Shared<Set<String>>([])
        onThreads(count) { _ in
            if let next = try? engine.refresh(first).refreshToken {
                successors.change { _ = $0.insert(next) }
            }
        }
        #expect(successors.value.count == 1)
    }

    @Test func theEngineIsClosedUnderThreadsThatUseIt() throws {
        for _ in 0..<20 {
            let engine = try makeEngine(.init(clock: SlowClock()))
            let token = try engine.signIn().accessToken
            let closed = Shared(0), strange = Shared<[String]>([])
            onThreads(8) { index in
                if index == 0 {
                    Thread.sleep(forTimeInterval: 0.002)
                    engine.close()
                }
                for _ in 0..<200 {
                    do {
                        let pending = try engine.authorize(query: query)
                        _ = try pending.approve(Login("alice"))
                        _ = try engine.verify(token, audience: audience)
                    } catch let error as GrantletError where error.message == "the engine is closed" {
                        closed.change { $0 += 1 }
                        return
                    } catch {
                        strange.change { $0.append("\(error)") }
                        return
                    }
                }
            }
            #expect(closed.value == 8 && strange.value.isEmpty)
        }
    }

    @Test func enginesComeAndGoOnThreads() throws {
        let failed = Shared(0)
        onThreads(8) { _ in
            for _ in 0..<10 {
                do {
                    let engine = try makeEngine(.init(clock: SlowClock()))
                    let pending = try engine.authorize(query: query)
                    Thread { _ = try? pending.approve(Login("bob")) }.start()
                    _ = try engine.signIn()
                } catch {
                    failed.change { $0 += 1 }
                }
            }
        }
        #expect(failed.value == 0)
    }

    @Test func causesStayOnTheirThread() throws {
        struct Mine: Error { let thread: ObjectIdentifier }
        final class Failing: RandomSource {
            let fails = Shared(false)
            func fill(_ bytes: UnsafeMutableRawBufferPointer) throws {
                if fails.value { throw Mine(thread: ObjectIdentifier(Thread.current)) }
            }
        }
        let random = Failing()
        let engine = try makeEngine(.init(random: random))
        random.fails.value = true
        let mixed = Shared(0)
        onThreads(count) { _ in
            for _ in 0..<50 {
                do throws(GrantletError) {
                    _ = try engine.authorize(query: query).approve(Login("alice"))
                } catch {
                    let cause = error.underlying as? Mine
                    if cause?.thread != ObjectIdentifier(Thread.current) { mixed.change { $0 += 1 } }
                }
            }
        }
        #expect(mixed.value == 0)
    }

    private struct SlowClock: Clock {
        func now() -> Date {
            Thread.sleep(forTimeInterval: 0.000_05)
            return Date()
        }
    }
}

/// The `async` forms.
@Suite struct Tasks {
    @Test func theWholeStory() async throws {
        let engine = try makeEngine()
        let pending = try await engine.authorize(query: query)
        let response: Engine.Response = try await pending.approve(Login("alice"))
        let tokens = try await engine.token(form: codeForm(engine.code(in: response)))
        #expect(try await engine.verify(tokens.accessToken, audience: audience, scopes: ["read:notes"]).subject == "alice")
        #expect(try await engine.grants(subject: "alice").decode([Grant].self).count == 1)
        #expect(try await engine.metadata()["issuer"] != nil)
        #expect(try await engine.jwks()["keys"] != nil)
        #expect(try await engine.authorize(query: query).deny(.accessDenied).status == 303)
        #expect(try await engine.introspect(form: "token=x&client_id=web&client_secret=correct+horse+battery+staple")["active"] == "false")
        guard case .response = try await engine.handle(.init(method: "GET", target: "/")) else { return }
        try await engine.put(configuration().apis[0])
        try await engine.put(configuration().clients[0])
        try await engine.rotateKeys()
        #expect(try await engine.sweep() >= 0)
        try await engine.revoke(form: "token=\(tokens.refreshToken!)&client_id=app")
        do throws(GrantletError) {
            _ = try await engine.token(form: refreshForm(tokens.refreshToken!))
            Issue.record("revoked")
        } catch {
            #expect(error.status == .invalidGrantRevoked)
        }
        engine.close()
        await #expect(throws: GrantletError.self) { try await engine.jwks() }
    }

    @Test func openedWithoutBlocking() async throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("grantlet-\(UUID().uuidString).db")
        defer {
            for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: file.path + suffix) }
        }
        let engine = try await Engine(configuration(), file: file, sealingKey: Data(count: 32))
        try await engine.reseal(Data(repeating: 1, count: 32))
        let copy = file.appendingPathExtension("copy")
        try await engine.backup(to: copy)
        try FileManager.default.removeItem(at: copy)
        engine.close()
        let again = try await Engine(json: JSON(encoding: configuration()), file: file, sealingKey: Data(repeating: 1, count: 32))
        #expect(try await again.grants().text == "[]")
    }

    /// More calls than there are threads of the cooperative pool wait for a user; a task that does not still runs.
    @Test func aSignerThatBlocksKeepsNobodyElseWaiting() async throws {
        final class Patient: Signer {
            let waiting = Shared(0)
            let touched = DispatchSemaphore(value: 0)
            let publicKey = JSON(
                text: #"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#)
            func sign(_ input: Data) -> Data {
                waiting.change { $0 += 1 }
                touched.wait()
                touched.signal()
                return Data(repeating: 1, count: 64)
            }
        }
        let signer = Patient()
        let engine = try makeEngine(.init(signer: signer))
        let codes = try await (0..<12).asyncMap { _ in try await engine.code() }
        try await withThrowingTaskGroup(of: String.self) { group in
            for code in codes {
                group.addTask { try await engine.token(form: codeForm(code)).accessToken }
            }
            let deadline = Date(timeIntervalSinceNow: 5)
            while signer.waiting.value < codes.count {
                try await Task.sleep(nanoseconds: 1_000_000)
            }
            #expect(Date() < deadline, "calls, or tasks, wait for one another")
            signer.touched.signal()
            var tokens: Set<String> = []
            for try await token in group { tokens.insert(token) }
            #expect(tokens.count == codes.count)
        }
    }

    @Test func manyTasks() async throws {
        let engine = try makeEngine()
        let first = try await engine.code()
        let results = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<50 {
                group.addTask { (try? await engine.token(form: codeForm(first))) != nil }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(results == 1)
    }

    @Test func whatWasAskedIsCarriedOut() async throws {
        let engine = try makeEngine()
        let code = try await engine.code()
        let task = Task { try await engine.token(form: codeForm(code)) }
        task.cancel()
        #expect(try await task.value.refreshToken != nil)
    }
}

extension Engine {
    func code(subject: String = "alice") async throws -> String {
        let response: Response = try await authorize(query: query).approve(Login(subject))
        return try code(in: response)
    }
}

extension Sequence {
    func asyncMap<Result>(_ body: (Element) async throws -> Result) async rethrows -> [Result] {
        var results: [Result] = []
        for element in self { results.append(try await body(element)) }
        return results
    }
}
