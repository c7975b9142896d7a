internal import CGrantlet
import Foundation

/// A record, as a ``Store`` is given it to keep.
public struct StoredRecord: Sendable, Hashable {
    /// 16 bytes, random or a hash: no text.
    public let key: Data
    /// The client whose grant it is; empty where it is no grant and so nobody's.
    public let clientID: String
    /// The user whose grant it is; empty where it is no grant.
    public let subject: String
    /// From when on ``Store/sweep(now:limit:)`` may remove it, in seconds since 1970; `UInt64.max`: never.
    public let keepUntil: UInt64
    /// All of it, JSON for the engine's eyes, to be given back byte for byte.
    public let body: Data
}

/// Where records are kept, by means of your own: Core Data, a keychain, a database that is there already.
///
/// A store holds, for each key, one record and its version. Versions are yours to give: any number but 0, another one with each
/// change, and never the same one twice for a key, not even when its record was swept and came again. A change touches one
/// record, and is atomic: of all who insert one key, or swap one version, exactly one gets it done. What was done is there for
/// good, after a crash too. Text is compared byte for byte.
///
/// A store is called on the thread that called the engine, several calls may come at once, and it must not call the engine.
/// What it throws fails the call: with `.temporarilyUnavailable`, `.storeFull` and so on as ``HostError`` says, else with
/// `.serverError`. Nothing is swept unless you call `Engine.sweep(limit:)`.
public protocol Store: Sendable {
    /// Puts a record where none of its key is.
    ///
    /// - Returns: `false` if there is one, which then stays.
    func insert(_ record: StoredRecord) throws -> Bool
    /// A record's body and its version; `nil` if there is none of this key.
    func load(_ key: Data) throws -> (body: Data, version: UInt64)?
    /// Puts a record in the place of the one of its key, all fields anew, if that has this version.
    ///
    /// - Returns: `false` if there is none or it has another version; it then stays.
    func swap(_ version: UInt64, for record: StoredRecord) throws -> Bool
    /// The key of each grant of this client and user, in any order; `nil` means anybody's. What is no grant is not listed.
    func keys(clientID: String?, subject: String?) throws -> [Data]
    /// Removes at most `limit` records whose `keepUntil` is not after `now`.
    ///
    /// - Returns: How many went.
    func sweep(now: UInt64, limit: Int) throws -> Int
}

extension HostCallbacks {
    func storeCallbacks() -> grl_store {
        var callbacks = grl_store()
        callbacks.size = MemoryLayout<grl_store>.size
        callbacks.insert = { context, record, done in
            HostCallbacks.of(context).store { store in
                done.pointee = try store.insert(StoredRecord(record.pointee)) ? 1 : 0
                return .ok
            }
        }
        callbacks.load = { context, key, body, version in
            HostCallbacks.of(context).store { store in
                guard let found = try store.load(Data(key.bytes)) else { return .notFound }
                version.pointee = found.version
                return Grantlet.lend(found.body) { grl_sink_write(body, $0) }
            }
        }
        callbacks.swap = { context, version, record, done in
            HostCallbacks.of(context).store { store in
                done.pointee = try store.swap(version, for: StoredRecord(record.pointee)) ? 1 : 0
                return .ok
            }
        }
        callbacks.owned_by = { context, clientID, subject, keys in
            HostCallbacks.of(context).store { store in
                let clientID = clientID.len == 0 ? nil : String(clientID)
                let subject = subject.len == 0 ? nil : String(subject)
                for key in try store.keys(clientID: clientID, subject: subject) {
                    let status = Grantlet.lend(key) { grl_sink_write(keys, $0) }
                    guard status == .ok else { return status }
                }
                return .ok
            }
        }
        callbacks.sweep = { context, now, limit, swept in
            HostCallbacks.of(context).store { store in
                swept.pointee = max(0, try store.sweep(now: now, limit: limit))
                return .ok
            }
        }
        return callbacks
    }

    private func store(_ body: (any Store) throws -> grl_status) -> Int32 {
        status { try body(host.store!) }
    }
}

extension StoredRecord {
    fileprivate init(_ record: grl_record) {
        key = Data(record.key.bytes)
        clientID = String(record.client_id)
        subject = String(record.subject)
        keepUntil = record.keep_until
        body = Data(record.body.bytes)
    }
}
