import Foundation
import Grantlet

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The smallest HTTP server that will do: it reads a request, answers it, and closes the connection. A real host has
/// one already (Hummingbird, Vapor, Network.framework) and needs ``answer`` alone.
final class LoopbackServer: Sendable {
    private let socket: Int32
    let port: Int

    init() throws {
        #if canImport(Glibc)
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #else
        socket = Darwin.socket(AF_INET, SOCK_STREAM, 0)
        #endif
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { [socket, length] address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(socket, $0, length) }
        }
        guard bound == 0, listen(socket, 16) == 0 else { throw POSIXError(.EADDRNOTAVAIL) }
        _ = withUnsafeMutablePointer(to: &address) { [socket] address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket, $0, &length) }
        }
        port = Int(UInt16(bigEndian: address.sin_port))
    }

    /// Answers connections for ever, each on a thread of its own.
    func serve(_ answer: @escaping @Sendable (Engine.Request) -> Engine.Response?) {
        Thread.detachNewThread { [socket] in
            while true {
                let connection = accept(socket, nil, nil)
                guard connection >= 0 else { return }
                Thread.detachNewThread {
                    if let request = Self.read(connection) {
                        Self.write(answer(request), to: connection)
                    }
                    close(connection)
                }
            }
        }
    }

    private static func read(_ connection: Int32) -> Engine.Request? {
        var received = Data()
        func more() -> Bool {
            var chunk = [UInt8](repeating: 0, count: 4096)
            let count = recv(connection, &chunk, chunk.count, 0)
            received.append(contentsOf: chunk.prefix(max(count, 0)))
            return count > 0
        }
        while received.range(of: Data("\r\n\r\n".utf8)) == nil {
            guard received.count < 65536, more() else { return nil }
        }
        let end = received.range(of: Data("\r\n\r\n".utf8))!
        let lines = String(decoding: received[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
        let words = lines[0].split(separator: " ")
        guard words.count == 3 else { return nil }
        let headers = lines.dropFirst().compactMap { line -> Engine.Header? in
            let parts = line.split(separator: ":", maxSplits: 1)
            return parts.count < 2 ? nil : Engine.Header(String(parts[0]), parts[1].trimmingCharacters(in: .whitespaces))
        }
        let length = headers.first { $0.name.lowercased() == "content-length" }.flatMap { Int($0.value) } ?? 0
        // No more than the engine looks at, and one byte by which it sees that there is more.
        let wanted = min(max(length, 0), Engine.maxRequestBytes + 1)
        while received.count - end.upperBound < wanted, more() {}
        let body = received[end.upperBound...].prefix(wanted)
        return Engine.Request(method: String(words[0]), target: String(words[1]), headers: headers, body: Data(body))
    }

    private static func write(_ response: Engine.Response?, to connection: Int32) {
        var head = "HTTP/1.1 \(response?.status ?? 500) -\r\nConnection: close\r\nContent-Length: \(response?.body.count ?? 0)\r\n"
        for header in response?.headers ?? [] {
            head += "\(header.name): \(header.value)\r\n"
        }
        var rest = Data((head + "\r\n").utf8) + (response?.body ?? Data())
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, 0) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
