import Foundation
import Grantlet
import Testing

/// A store as a host may write one, which a test can break.
private final class DictionaryStore: Store {
    private struct Entry {
        var record: StoredRecord
        var version: UInt64
    }

    private let entries = Shared<[Data: Entry]>([:])
    private let versions = Shared<UInt64>(0)
    let failure = Shared<HostError?>(nil)

    private func next() throws -> UInt64 {
        if let failure = failure.value { throw failure }
        return versions.change { version in
            version += 1
            return version
        }
    }

    func insert(_ record: StoredRecord) throws -> Bool {
        let version = try next()
        return entries.change { entries in
            guard entries[record.key] == nil else { return false }
            entries[record.key] = Entry(record: record, version: version)
            return true
        }
    }

    func load(_ key: Data) throws -> (body: Data, version: UInt64)? {
        _ = try next()
        return entries.value[key].map { ($0.record.body, $0.version) }
    }

    func swap(_ version: UInt64, for record: StoredRecord) throws -> Bool {
        let next = try next()
        return entries.change { entries in
            guard entries[record.key]?.version == version else { return false }
            entries[record.key] = Entry(record: record, version: next)
            return true
        }
    }

    func keys(clientID: String?, subject: String?) throws -> [Data] {
        _ = try next()
        return entries.value.values.map(\.record).filter { record in
            !record.subject.isEmpty && (clientID ?? record.clientID) == record.clientID && (subject ?? record.subject) == record.subject
        }.map(\.key)
    }

    func sweep(now: UInt64, limit: Int) throws -> Int {
        _ = try next()
        return entries.change { entries in
            let over = entries.values.filter { $0.record.keepUntil <= now }.prefix(limit)
            for entry in over { entries[entry.record.key] = nil }
            return over.count
        }
    }
}

@Suite struct StoreTests {
    private func configuration() -> Configuration {
        var configuration = GrantletTests.configuration()
        configuration["keys"] = ["sealing": "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"]
        return configuration
    }

    @Test func grantsAndKeysOutliveTheEngine() throws {
        let store = DictionaryStore()
        var engine = try Engine(configuration(), host: .init(store: store))
        let tokens = try engine.signIn()
        _ = try engine.signIn("bob")
        engine.close()
        engine = try Engine(configuration(), host: .init(store: store))
        let second = try #require(engine.refresh(tokens.refreshToken!).refreshToken)
        #expect(try engine.verify(tokens.accessToken, audience: audience).subject == "alice")
        #expect(try engine.grants(subject: "bob").decode([Grant].self).count == 1)
        #expect(try engine.revokeGrants(clientID: "app") == 2)
        expectFailure(.invalidGrantRevoked) { try engine.refresh(second) }
        #expect(try engine.sweep() == 0)
        expectFailure(.storeUnsupported) { try engine.backup(to: URL(fileURLWithPath: "/tmp/never")) }
    }

    @Test func whatItThrowsIsWhatTheCallSays() throws {
        let store = DictionaryStore()
        let engine = try Engine(configuration(), host: .init(store: store))
        let first = try #require(engine.signIn().refreshToken)
        let expected: [(HostError, GrantletError.Status)] = [
            (.storeFull, .storeFull), (.storeReadOnly, .storeReadOnly), (.storeCorrupt, .storeCorrupt),
            (.temporarilyUnavailable("locked"), .temporarilyUnavailable),
        ]
        for (failure, status) in expected {
            store.failure.value = failure
            let error = expectFailure(status) { try engine.refresh(first) }
            #expect(error?.underlying is HostError)
        }
        store.failure.value = nil
        #expect(try engine.refresh(first).refreshToken != nil)
    }

    /// To Swift, and to the store above, these two are equal; they are two users.
    @Test func usersAreComparedByteForByte() throws {
        let composed = "ren\u{e9}", decomposed = "rene\u{301}"
        let engine = try Engine(configuration(), host: .init(store: DictionaryStore()))
        _ = try engine.signIn(composed)
        _ = try engine.signIn(decomposed)
        #expect(composed == decomposed)
        #expect(try engine.grants().decode([Grant].self).count == 2)
        #expect(try engine.grants(subject: composed).decode([Grant].self).count == 1)
        #expect(try engine.revokeGrants(subject: decomposed) == 1)
    }

    @Test func aStoreIsNoFiles() throws {
        final class Gone: Clock {
            let gone: Shared<Bool>
            init(_ gone: Shared<Bool>) { self.gone = gone }
            deinit { gone.value = true }
            func now() -> Date { Date() }
        }
        let gone = Shared(false)
        let file = URL(fileURLWithPath: "/tmp/never")
        expectFailure(.usage) {
            try Engine(GrantletTests.configuration(), file: file, sealingKey: Data(count: 32), host: .init(clock: Gone(gone), store: DictionaryStore()))
        }
        #expect(gone.value)
    }

    @Test func threadsShareIt() throws {
        let store = DictionaryStore()
        let engine = try Engine(configuration(), host: .init(store: store))
        let code = try engine.code()
        let won = Shared(0)
        onThreads(8) { _ in
            if (try? engine.redeem(code)) != nil { won.change { $0 += 1 } }
        }
        #expect(won.value == 1)
    }
}
