internal import CGrantlet
import Foundation

extension Engine {
    /// The most bytes of a body that are worth reading; a larger one is answered with 413.
    public static var maxRequestBytes: Int {
        Int(GRL_MAX_REQUEST_BYTES)
    }

    /// A header of a request or a response.
    public struct Header: Sendable, Hashable {
        /// Its name, in any case.
        public var name: String
        /// Its value.
        public var value: String

        /// A header.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// A request as your server has it.
    ///
    /// Nothing here needs to be well-formed: whatever came over the wire may go in, and gets the HTTP answer that it deserves.
    public struct Request: Sendable {
        /// `GET`, `POST`, …
        public var method: String
        /// The path and, behind a `?`, the query, as they stand in the request line.
        public var target: String
        /// The headers; each line of the request is one.
        public var headers: [Header]
        /// The body; see ``Engine/maxRequestBytes``.
        public var body: Data

        /// A request.
        public init(method: String, target: String, headers: [Header] = [], body: Data = Data()) {
            self.method = method
            self.target = target
            self.headers = headers
            self.body = body
        }
    }

    /// A response for your server to send. `Content-Length` is for your server to add.
    public struct Response: Sendable, Hashable {
        /// The status code, such as 200.
        public let status: Int
        /// The headers, in order.
        public let headers: [Header]
        /// The body; empty if there is none.
        public let body: Data

        /// A response of your own, such as your sign-in page.
        public init(status: Int, headers: [Header] = [], body: Data = Data()) {
            self.status = status
            self.headers = headers
            self.body = body
        }

        /// The value of the first header of this name, in any case.
        public subscript(name: String) -> String? {
            headers.first { $0.name.caseInsensitiveCompare(name) == .orderedSame }?.value
        }

        /// Where the response takes the browser, if anywhere. A host without HTTP opens it itself.
        public var location: String? {
            self["Location"]
        }
    }

    /// What `Engine.handle(_:)` has to say.
    public enum Answer: Sendable {
        /// A response, to be sent.
        case response(Response)
        /// A valid authorization request: sign the user in, then send what approving or denying it gives.
        case authorization(PendingAuthorization)
    }
}

extension Engine.Header: CustomStringConvertible, CustomReflectable {
    /// The name alone: the value may be a token, or a redirect with a code.
    public var description: String {
        "\(name): …"
    }

    /// Nothing, so that `dump` shows no token either.
    public var customMirror: Mirror {
        Mirror(self, children: [])
    }
}

extension Engine.Request: CustomStringConvertible, CustomReflectable {
    /// The method and the path alone: all else may hold tokens.
    public var description: String {
        "\(method) \(target.prefix { $0 != "?" })"
    }

    /// Nothing, so that `dump` shows no token either.
    public var customMirror: Mirror {
        Mirror(self, children: [])
    }
}

extension Engine.Response: CustomStringConvertible, CustomReflectable {
    /// The status and the length of the body: all else may hold tokens.
    public var description: String {
        "HTTP \(status), \(body.count) bytes"
    }

    /// Nothing, so that `dump` shows no token either.
    public var customMirror: Mirror {
        Mirror(self, children: [])
    }
}

extension Engine.Response {
    /// Copies what C lends.
    init(copying response: OpaquePointer) {
        let headers = (0..<grl_http_response_header_count(response)).map {
            Engine.Header(
                String(grl_http_response_header_name(response, $0)), String(grl_http_response_header_value(response, $0)))
        }
        self.init(
            status: Int(grl_http_response_status(response)), headers: headers,
            body: Data(grl_http_response_body(response).bytes))
    }

    /// Copies what C gives away, and frees it.
    init(taking response: OpaquePointer) {
        self.init(copying: response)
        grl_http_response_free(response)
    }
}

extension Engine.Request {
    /// Lends the request to a C call.
    func lend<Result>(_ body: (UnsafePointer<grl_http_request>) -> Result) -> Result {
        // All the texts behind one another, so that one pointer lends them all.
        var bytes: [UInt8] = []
        var lengths: [Int] = []
        func append(_ text: some Collection<UInt8>) {
            bytes += text
            lengths.append(text.count)
        }
        append(method.utf8)
        append(target.utf8)
        append(self.body)
        for header in headers {
            append(header.name.utf8)
            append(header.value.utf8)
        }
        return bytes.withUnsafeBufferPointer { bytes in
            var offset = 0
            let texts = lengths.map { length in
                defer { offset += length }
                return grl_str(ptr: bytes.baseAddress.map { $0 + offset }, len: length)
            }
            let headers = stride(from: 3, to: texts.count, by: 2).map {
                grl_http_header(name: texts[$0], value: texts[$0 + 1])
            }
            return headers.withUnsafeBufferPointer { headers in
                var request = grl_http_request(
                    size: MemoryLayout<grl_http_request>.size, method: texts[0], target: texts[1],
                    headers: headers.baseAddress, header_count: headers.count, body: texts[2])
                return body(&request)
            }
        }
    }
}
