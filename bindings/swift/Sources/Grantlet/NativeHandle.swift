internal import CGrantlet
import Foundation

/// Owns one C object: freed once, when nobody refers to it any more.
///
/// A call refers to it while it runs, and so nothing is freed under a call, whoever closes or drops what meanwhile.
/// Nor within a callback, which runs inside a call.
final class NativeHandle: @unchecked Sendable {
    let pointer: OpaquePointer
    /// The host of the engine that the object belongs to.
    private let host: HostCallbacks
    /// What must not be freed while this object is used.
    private let parent: NativeHandle?
    private let free: @convention(c) (OpaquePointer?) -> Void

    init(
        _ pointer: OpaquePointer, host: HostCallbacks, parent: NativeHandle? = nil,
        free: @escaping @convention(c) (OpaquePointer?) -> Void
    ) {
        self.pointer = pointer
        self.host = host
        self.parent = parent
        self.free = free
    }

    deinit {
        free(pointer)
    }

    /// What comes of this object and may outlive it.
    func child(
        _ pointer: OpaquePointer, free: @escaping @convention(c) (OpaquePointer?) -> Void
    ) -> NativeHandle {
        NativeHandle(pointer, host: host, parent: self, free: free)
    }

    /// Makes a call that gives nothing but a status.
    func call(
        _ body: (OpaquePointer, UnsafeMutablePointer<OpaquePointer?>) -> grl_status
    ) throws(GrantletError) {
        var error: OpaquePointer?
        let (status, thrown) = withExtendedLifetime(self) { host.watching { body(pointer, &error) } }
        if status != .ok {
            throw GrantletError(taking: error, status: status, underlying: thrown)
        }
    }

    /// Makes a call that gives JSON.
    func json(
        _ body: (OpaquePointer, UnsafeMutablePointer<grl_buf>, UnsafeMutablePointer<OpaquePointer?>) -> grl_status
    ) throws(GrantletError) -> JSON {
        var buffer = grl_buf()
        try call { object, error in body(object, &buffer, error) }
        return JSON(text: String(taking: &buffer))
    }

    /// Makes a call that counts something.
    func count(
        _ body: (OpaquePointer, UnsafeMutablePointer<Int>, UnsafeMutablePointer<OpaquePointer?>) -> grl_status
    ) throws(GrantletError) -> Int {
        var count = 0
        try call { object, error in body(object, &count, error) }
        return count
    }
}

// ---- Text ----------------------------------------------------------------------------------------

/// Lends texts to a C call.
func lend<Result>(_ text: String, _ body: (grl_str) -> Result) -> Result {
    var text = text
    return text.withUTF8 { body(grl_str(ptr: $0.baseAddress, len: $0.count)) }
}

func lend<Result>(_ first: String, _ second: String, _ body: (grl_str, grl_str) -> Result) -> Result {
    lend(first) { first in lend(second) { second in body(first, second) } }
}

func lend<Result>(
    _ first: String, _ second: String, _ third: String, _ body: (grl_str, grl_str, grl_str) -> Result
) -> Result {
    lend(first, second) { first, second in lend(third) { third in body(first, second, third) } }
}

/// Lends bytes to a C call.
func lend<Result>(_ bytes: some ContiguousBytes, _ body: (grl_str) -> Result) -> Result {
    bytes.withUnsafeBytes {
        body(grl_str(ptr: $0.baseAddress?.assumingMemoryBound(to: UInt8.self), len: $0.count))
    }
}

extension grl_str {
    var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: ptr, count: len)
    }
}

extension String {
    /// Copies what C lends.
    init(_ text: grl_str) {
        self.init(decoding: text.bytes, as: UTF8.self)
    }

    /// Copies what C gives away, and gives it back.
    init(taking buffer: inout grl_buf) {
        self.init(decoding: UnsafeBufferPointer(start: buffer.ptr, count: buffer.len), as: UTF8.self)
        grl_buf_free(&buffer)
    }
}

// ---- Locks ---------------------------------------------------------------------------------------

/// A value behind a lock. (`Mutex` asks for newer systems than this package does.)
final class Guarded<Value>: @unchecked Sendable {
    private let lock = NSLock()
    private var value: Value

    init(_ value: Value) {
        self.value = value
    }

    func withLock<Result>(_ body: (inout Value) -> Result) -> Result {
        lock.lock()
        defer { lock.unlock() }
        return body(&value)
    }
}
