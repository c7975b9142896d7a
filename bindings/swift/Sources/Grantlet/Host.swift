import Foundation

/// Tells the engine the time. For tests, and for devices whose clock needs a second opinion.
///
/// This is ``Grantlet``'s own protocol: in a file that imports `Grantlet`, `Clock` means this one; the standard library's goes
/// by `_Concurrency.Clock` there, and `ContinuousClock` and its like are what they always are.
public protocol Clock: Sendable {
    /// The present time; the engine counts whole seconds.
    ///
    /// - Throws: Anything, if the time cannot be told. The call then fails with `.serverError`, and nothing has changed.
    func now() throws -> Date
}

/// Gives the engine randomness that nobody can predict. Elliptic-curve keys and signatures, and the salts of client secrets,
/// take the system's all the same.
public protocol RandomSource: Sendable {
    /// Fills `bytes`, all of it.
    ///
    /// - Throws: Anything, if there is no randomness. The call then fails with `.serverError`, and nothing has changed.
    func fill(_ bytes: UnsafeMutableRawBufferPointer) throws
}

/// Takes the engine's events for an audit log.
public protocol EventSink: Sendable {
    /// Takes an event, on the thread that made the call behind it.
    ///
    /// The change that it tells of is stored already and its answer must go out, so this cannot fail: what your log does when
    /// its disk is full is up to it.
    func record(_ event: AuditEvent)
}

/// An event for the audit log. Holds no token and no secret.
public struct AuditEvent: Sendable, Hashable, CustomStringConvertible {
    /// All of it: `{"at":…,"event":"rotated",…}`.
    public let json: JSON

    /// What happened, such as `rotated`.
    public var name: String {
        json["event"] ?? ""
    }

    /// When it happened.
    public var at: Date {
        json.date("at") ?? .distantPast
    }

    /// Any member: text as it is, anything else as JSON text.
    public subscript(member: String) -> String? {
        json[member]
    }

    /// The JSON text.
    public var description: String {
        json.text
    }
}

/// Signs tokens with a key that the engine never sees: in the Secure Enclave, a TPM or a KMS.
///
/// ```swift
/// struct EnclaveSigner: Signer {
///     let key: SecureEnclave.P256.Signing.PrivateKey
///     var publicKey: JSON {
///         let point = key.publicKey.rawRepresentation        // x and y, 32 bytes each
///         return JSON(text: """
///             {"kty":"EC","crv":"P-256","x":"\(base64URL(point.prefix(32)))","y":"\(base64URL(point.suffix(32)))"}
///             """)
///     }
///     func sign(_ input: Data) throws -> Data {
///         try key.signature(for: input).rawRepresentation    // asks the user, and throws if they cancel
///     }
/// }
/// ```
public protocol Signer: Sendable {
    /// The public JWK of the key, with its `alg` where the key allows several. Asked once, when the engine opens.
    var publicKey: JSON { get }

    /// The signature over `input`, which is not hashed yet. ES256 and ES384: R‖S or DER. May block, to ask a user or a network:
    /// the calling thread waits, and nobody else.
    ///
    /// - Throws: Anything, if there is no signature, such as when the user cancelled. The call then fails with `.serverError`
    ///   (or as ``HostError`` says), nothing has changed, and the same request may be sent again.
    func sign(_ input: Data) throws -> Data
}

/// Tells what is known of the users, for `/userinfo`.
public protocol UserClaims: Sendable {
    /// The claims of a user, an object: `try JSON(encoding: user)`. Those that need a scope which is not in `scopes` are left
    /// out for you (OIDC Core §5.4).
    ///
    /// - Returns: `nil` if there is no such user (any more): the client learns that its token is no longer valid.
    /// - Throws: Anything, if it cannot be told now. The call then fails with `.serverError`, or as ``HostError`` says.
    func claims(of subject: String, clientID: String, scopes: [String]) throws -> JSON?
}

/// For a seam of yours to throw that has more to say than that it failed.
public enum HostError: Error, Sendable {
    /// It may work a moment later: the call fails with `.temporarilyUnavailable` (503). Here is why, for your log.
    case temporarilyUnavailable(String)
    /// Of a ``Store``: there is no more room.
    case storeFull
    /// Of a ``Store``: it cannot be written.
    case storeReadOnly
    /// Of a ``Store``: it is damaged.
    case storeCorrupt
}

extension Engine {
    /// Parts of the engine that are yours; `nil` leaves the engine's own.
    ///
    /// Each is called on the thread that called the engine, whichever that is, and several calls may come at once. None is made
    /// under a lock of the engine's, so it may call the engine (but not a ``Store``, which would only be called again). What a
    /// seam throws is the ``GrantletError/underlying`` of the error that the call then ends with.
    ///
    /// The engine keeps them until it and every ``PendingAuthorization`` of it are gone. A seam that refers to the engine in turn
    /// does so weakly, or the two keep each other until ``Engine/close()``.
    public struct Host: Sendable {
        /// The clock.
        public var clock: (any Clock)?
        /// The randomness.
        public var random: (any RandomSource)?
        /// The audit log.
        public var events: (any EventSink)?
        /// The users.
        public var userClaims: (any UserClaims)?
        /// The signing key.
        public var signer: (any Signer)?
        /// The place where grants and keys are kept.
        public var store: (any Store)?

        /// A host that leaves to the engine what it does not bring.
        public init(
            clock: (any Clock)? = nil, random: (any RandomSource)? = nil, events: (any EventSink)? = nil,
            userClaims: (any UserClaims)? = nil, signer: (any Signer)? = nil, store: (any Store)? = nil
        ) {
            self.clock = clock
            self.random = random
            self.events = events
            self.userClaims = userClaims
            self.signer = signer
            self.store = store
        }
    }
}

extension Engine.Host: CustomStringConvertible, CustomReflectable {
    /// Which seams there are. What they hold is not shown: a signer may hold its key.
    public var description: String {
        let seams: [(name: String, there: Bool)] = [
            ("clock", clock != nil), ("random", random != nil), ("events", events != nil), ("userClaims", userClaims != nil),
            ("signer", signer != nil), ("store", store != nil),
        ]
        return "Host(\(seams.filter(\.there).map(\.name).joined(separator: ", ")))"
    }

    /// Nothing, so that `dump` shows none of it either.
    public var customMirror: Mirror {
        Mirror(self, children: [])
    }
}
