internal import CGrantlet
import Foundation

/// A host's seams as C callbacks. C refers to it from when the engine opens until it calls `release`.
final class HostCallbacks: Sendable {
    let host: Engine.Host
    /// What a callback threw, by its thread, until the call that it belongs to ends.
    private let thrown = Guarded<[ObjectIdentifier: any Error]>([:])

    init(_ host: Engine.Host) {
        self.host = host
    }

    /// Makes a call, and tells what a callback threw during it. A callback may make calls, too: those leave alone what was
    /// thrown before them.
    func watching(_ call: () -> grl_status) -> (status: grl_status, thrown: (any Error)?) {
        let before = takeThrown()
        let status = call()
        let thrown = takeThrown()
        if let before { keep(before) }
        return (status, thrown)
    }

    private func takeThrown() -> (any Error)? {
        thrown.withLock { $0.isEmpty ? nil : $0.removeValue(forKey: ObjectIdentifier(Thread.current)) }
    }

    /// The first error is the cause: the event which tells of it asks the clock, and that may throw as well.
    private func keep(_ error: any Error) {
        thrown.withLock { thrown in
            let thread = ObjectIdentifier(Thread.current)
            thrown[thread] = thrown[thread] ?? error
        }
    }

    /// No error passes into C: it is kept for the call's end, and a status says that there was one.
    func status(of body: () throws -> grl_status) -> Int32 {
        do {
            return try body().rawValue
        } catch {
            keep(error)
            switch error {
            case HostError.temporarilyUnavailable: return grl_status.temporarilyUnavailable.rawValue
            case HostError.storeFull: return grl_status.storeFull.rawValue
            case HostError.storeReadOnly: return grl_status.storeReadOnly.rawValue
            case HostError.storeCorrupt: return grl_status.storeCorrupt.rawValue
            default: return grl_status.serverError.rawValue
            }
        }
    }

    static func of(_ context: UnsafeMutableRawPointer?) -> HostCallbacks {
        Unmanaged.fromOpaque(context!).takeUnretainedValue()
    }

    /// A reference for C, which gives it back by `release`.
    private func retained() -> UnsafeMutableRawPointer {
        Unmanaged.passRetained(self).toOpaque()
    }

    private static let release: @convention(c) (UnsafeMutableRawPointer?) -> Void = {
        Unmanaged<HostCallbacks>.fromOpaque($0!).release()
    }

    /// Lends the callbacks to the call that opens an engine.
    func lend(_ body: (UnsafePointer<grl_host>) -> grl_status) -> grl_status {
        Grantlet.lend(host.signer?.publicKey.text ?? "") { signingKey in
            var callbacks = self.callbacks()
            callbacks.ctx = retained()
            callbacks.release = Self.release
            callbacks.signing_key = signingKey
            guard host.store != nil else { return body(&callbacks) }
            var store = self.storeCallbacks()
            store.ctx = retained()
            store.release = Self.release
            return withUnsafePointer(to: store) { store in
                callbacks.store = store
                return body(&callbacks)
            }
        }
    }

    private func callbacks() -> grl_host {
        var callbacks = grl_host()
        callbacks.size = MemoryLayout<grl_host>.size
        if host.clock != nil {
            callbacks.clock = { HostCallbacks.of($0).now() }
        }
        if host.random != nil {
            callbacks.random = { HostCallbacks.of($0).fill(UnsafeMutableRawBufferPointer(start: $1, count: $2)) }
        }
        if host.events != nil {
            callbacks.event = { HostCallbacks.of($0).record($1) }
        }
        if host.userClaims != nil {
            callbacks.user_claims = { HostCallbacks.of($0).claims(subject: $1, clientID: $2, scope: $3, to: $4) }
        }
        if host.signer != nil {
            callbacks.sign = { HostCallbacks.of($0).sign($1, to: $2) }
        }
        return callbacks
    }

    // ---- The callbacks -------------------------------------------------------------------------

    /// Of a clock that failed the engine is told 0: no time.
    private func now() -> UInt64 {
        var seconds: UInt64 = 0
        _ = status {
            seconds = try host.clock!.now().secondsSince1970
            return .ok
        }
        return seconds
    }

    private func fill(_ bytes: UnsafeMutableRawBufferPointer) -> Int32 {
        status {
            try host.random!.fill(bytes)
            return .ok
        }
    }

    private func record(_ event: grl_str) {
        host.events!.record(AuditEvent(json: JSON(text: String(event))))
    }

    private func claims(subject: grl_str, clientID: grl_str, scope: grl_str, to sink: OpaquePointer) -> Int32 {
        status {
            let scopes = String(scope).split(separator: " ").map(String.init)
            let claims = try host.userClaims!.claims(of: String(subject), clientID: String(clientID), scopes: scopes)
            guard let claims else { return .notFound }
            return Grantlet.lend(claims.text) { grl_sink_write(sink, $0) }
        }
    }

    private func sign(_ input: grl_str, to sink: OpaquePointer) -> Int32 {
        status {
            let signature = try host.signer!.sign(Data(input.bytes))
            return Grantlet.lend(signature) { grl_sink_write(sink, $0) }
        }
    }
}
