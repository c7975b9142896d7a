import Foundation

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// `URLSession`, which does not follow redirects: the app wants to see where it would be sent.
final class HTTPClient: NSObject, URLSessionTaskDelegate, Sendable {
    struct Answer: Sendable {
        let status: Int
        let location: String?
        let body: Data

        var text: String {
            String(decoding: body, as: UTF8.self)
        }

        func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
            try JSONDecoder().decode(type, from: body)
        }
    }

    func get(_ url: String, bearer token: String? = nil) async throws -> Answer {
        var request = URLRequest(url: URL(string: url)!)
        if let token {
            request.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization")
        }
        return try await send(request)
    }

    func post(_ url: String, _ fields: [(String, String)]) async throws -> Answer {
        var request = URLRequest(url: URL(string: url)!)
        request.httpMethod = "POST"
        request.setValue("application/x-www-form-urlencoded", forHTTPHeaderField: "Content-Type")
        request.httpBody = Data(form(fields).utf8)
        return try await send(request)
    }

    private func send(_ request: URLRequest) async throws -> Answer {
        let session = URLSession(configuration: .ephemeral, delegate: self, delegateQueue: nil)
        defer { session.finishTasksAndInvalidate() }
        let (body, response) = try await session.data(for: request)
        guard let response = response as? HTTPURLResponse else { throw URLError(.badServerResponse) }
        return Answer(status: response.statusCode, location: response.value(forHTTPHeaderField: "Location"), body: body)
    }

    func urlSession(
        _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
        newRequest request: URLRequest, completionHandler: @escaping @Sendable (URLRequest?) -> Void
    ) {
        completionHandler(nil)
    }
}

/// Names and values as `application/x-www-form-urlencoded`.
func form(_ fields: [(String, String)]) -> String {
    let plain = CharacterSet(charactersIn: "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")
    return fields.map { name, value in
        "\(name)=\(value.addingPercentEncoding(withAllowedCharacters: plain) ?? "")"
    }.joined(separator: "&")
}
