import Foundation

/// What the token endpoint answers (RFC 6749 §5.1, OIDC Core §3.1.3.3).
///
/// Send ``json`` with `Cache-Control: no-store`. A description shows no token.
public struct TokenResponse: Sendable, Hashable {
    /// The body as it must be sent.
    public let json: JSON

    init(json: JSON) {
        self.json = json
    }

    /// The access token.
    public var accessToken: String {
        json["access_token"] ?? ""
    }

    /// How to present the access token: `Bearer`.
    public var tokenType: String {
        json["token_type"] ?? ""
    }

    /// For how long the access token is good, in seconds.
    public var expiresIn: Int? {
        json.number("expires_in")
    }

    /// The refresh token, where the grant has one.
    public var refreshToken: String? {
        json["refresh_token"]
    }

    /// The ID token, where `openid` was granted.
    public var idToken: String? {
        json["id_token"]
    }

    /// What was granted.
    public var scopes: [String]? {
        json.words("scope")
    }
}

extension TokenResponse: Codable {
    /// Decodes a token response of any server's: its members, also those that this type does not name.
    public init(from decoder: any Decoder) throws {
        // As a value of its own, a dictionary keeps its keys, whatever the decoder makes of others.
        json = try JSON(encoding: decoder.singleValueContainer().decode([String: JSONValue].self))
        guard json["access_token"] != nil, json["token_type"] != nil else {
            throw DecodingError.dataCorrupted(
                DecodingError.Context(codingPath: decoder.codingPath, debugDescription: "access_token or token_type is missing"))
        }
    }

    /// Encodes all members.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(json.decode([String: JSONValue].self))
    }
}

extension TokenResponse: CustomStringConvertible, CustomReflectable {
    /// What the response has, without any token.
    public var description: String {
        let tokens = ["access_token", "refresh_token", "id_token"].filter { json[$0] != nil }
        return "TokenResponse(\(tokens.joined(separator: ", ")))"
    }

    /// Nothing, so that `dump` shows no token either.
    public var customMirror: Mirror {
        Mirror(self, children: [])
    }
}
