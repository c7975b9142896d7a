internal import CGrantlet
import Foundation

/// JSON text, as the engine gives it and takes it, with a way to and from your own `Codable` types.
///
/// ```swift
/// let metadata = try engine.metadata()
/// send(metadata.data, contentType: "application/json")
/// metadata["issuer"]                        // one member of an object
/// let grants = try engine.grants(subject: "alice").decode([MyGrant].self)
/// ```
///
/// The text is kept byte for byte. It may hold tokens, and so a description shows nothing of it: ask for ``text``.
public struct JSON: Sendable, Hashable {
    /// The text.
    public let text: String

    /// JSON that is text already. Nothing looks at it before it is used.
    public init(text: String) {
        self.text = text
    }

    /// JSON of a value of yours. A `Date` becomes its whole seconds since 1970, as in all of OAuth, below 0 before then.
    ///
    /// - Throws: `EncodingError`.
    public init(encoding value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .custom { date, encoder in
            let seconds = date.timeIntervalSince1970.rounded(.down)
            guard let whole = Int64(exactly: seconds) else {
                // Not the date: to describe one that is none ends the process.
                throw EncodingError.invalidValue(
                    seconds, EncodingError.Context(codingPath: encoder.codingPath, debugDescription: "the date is no time"))
            }
            try whole.encode(to: encoder)
        }
        self.init(text: String(decoding: try encoder.encode(value), as: UTF8.self))
    }

    /// The text in UTF-8, for the body of a response.
    public var data: Data {
        Data(text.utf8)
    }

    /// A value of yours from this JSON. Names are taken as they stand, a `Date` is seconds since 1970.
    ///
    /// - Throws: `DecodingError`.
    public func decode<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .secondsSince1970
        return try decoder.decode(type, from: data)
    }

    /// A member of this object: text as it is, anything else (a number, an array) as JSON text. `nil` if it is not there,
    /// or `null`, or if this is no object.
    public subscript(member: String) -> String? {
        var buffer = grl_buf()
        let status = lend(text, member) { grl_json_member($0, $1, &buffer, nil) }
        return status == .ok ? String(taking: &buffer) : nil
    }
}

extension JSON: CustomStringConvertible, CustomReflectable {
    /// How long the text is.
    public var description: String {
        "JSON(\(text.utf8.count) bytes)"
    }

    /// Nothing, so that `dump` shows none of it either.
    public var customMirror: Mirror {
        Mirror(self, children: [])
    }
}

extension JSON {
    func number(_ member: String) -> Int? {
        self[member].flatMap { Int($0) }
    }

    func date(_ member: String) -> Date? {
        self[member].flatMap(TimeInterval.init).map(Date.init(timeIntervalSince1970:))
    }

    /// A member that is one text, or a list of them, as `aud` may be.
    func list(_ member: String) -> [String] {
        guard let value = self[member] else { return [] }
        guard value.first == "[" else { return [value] }
        return (try? JSON(text: value).decode([String].self)) ?? [value]
    }

    /// A member that is a list with spaces between, as `scope` is.
    func words(_ member: String) -> [String]? {
        self[member].map { $0.split(separator: " ").map(String.init) }
    }
}

/// Any JSON value, for what has no type of its own: members of a configuration, or of claims. Write it as a literal.
///
/// ```swift
/// client["logo_uri"] = "https://notes.example.com/logo.png"
/// configuration["defaults"] = ["access_token_lifetime": 600]
/// ```
public enum JSONValue: Sendable, Hashable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number without a fraction.
    case integer(Int)
    /// Any other number, or one that is too large for `Int`, as near as `Double` comes.
    case number(Double)
    /// Text.
    case string(String)
    /// A list.
    case array([JSONValue])
    /// An object.
    case object([String: JSONValue])
}

extension JSONValue: Codable {
    /// Decodes any JSON value.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int.self) {
            self = .integer(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    /// Encodes the value as what it is.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }
}

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    /// `null`.
    public init(nilLiteral: ()) { self = .null }
    /// A boolean.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// A number without a fraction.
    public init(integerLiteral value: Int) { self = .integer(value) }
    /// A number.
    public init(floatLiteral value: Double) { self = .number(value) }
    /// Text.
    public init(stringLiteral value: String) { self = .string(value) }
    /// A list.
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    /// An object. Of a key that is written twice, the last one counts.
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(Dictionary(elements) { _, last in last })
    }
}
