import Foundation

/// A JSON object with typed names for the members that this package knows.
///
/// It keeps the members that it does not know, and those of another type than expected, as they came: the engine judges them,
/// and names the one that it does not know either. Decoding loses no member, and an option of a later library can be set today.
public protocol MetadataObject: Sendable, Hashable, Codable, CustomStringConvertible, CustomReflectable {
    /// All members, by their names in JSON.
    var members: [String: JSONValue] { get set }

    /// An object of these members.
    init(members: [String: JSONValue])
}

extension MetadataObject {
    /// A member by its name in JSON.
    public subscript(name: String) -> JSONValue? {
        get { members[name] }
        set { members[name] = newValue }
    }

    /// Decodes an object, whatever its members. Their names stay as they are, also where the decoder converts keys.
    public init(from decoder: any Decoder) throws {
        self.init(members: try decoder.singleValueContainer().decode([String: JSONValue].self))
    }

    /// Encodes all members, by their own names.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(members)
    }

    /// The names of the members alone: among the values may be secrets.
    public var description: String {
        "\(Self.self)(\(members.keys.sorted().joined(separator: ", ")))"
    }

    /// Nothing, so that `dump` shows no secret either.
    public var customMirror: Mirror {
        Mirror(self, children: [])
    }

    func encoded() throws(GrantletError) -> JSON {
        do {
            return try JSON(encoding: members)
        } catch {
            throw .config("the configuration is no JSON", error)
        }
    }

    func typed<Value: JSONConvertible>(_ name: String) -> Value? {
        members[name].flatMap(Value.init(jsonValue:))
    }

    mutating func set(_ name: String, _ value: (some JSONConvertible)?) {
        members[name] = value?.jsonValue
    }
}

/// What a member of a ``MetadataObject`` may be.
protocol JSONConvertible {
    init?(jsonValue: JSONValue)
    var jsonValue: JSONValue { get }
}

extension String: JSONConvertible {
    init?(jsonValue: JSONValue) {
        guard case .string(let value) = jsonValue else { return nil }
        self = value
    }

    var jsonValue: JSONValue { .string(self) }
}

extension Bool: JSONConvertible {
    init?(jsonValue: JSONValue) {
        guard case .bool(let value) = jsonValue else { return nil }
        self = value
    }

    var jsonValue: JSONValue { .bool(self) }
}

extension Int: JSONConvertible {
    init?(jsonValue: JSONValue) {
        guard case .integer(let value) = jsonValue else { return nil }
        self = value
    }

    var jsonValue: JSONValue { .integer(self) }
}

extension Array: JSONConvertible where Element: JSONConvertible {
    init?(jsonValue: JSONValue) {
        guard case .array(let values) = jsonValue else { return nil }
        let elements = values.compactMap(Element.init(jsonValue:))
        guard elements.count == values.count else { return nil }
        self = elements
    }

    var jsonValue: JSONValue { .array(map(\.jsonValue)) }
}

extension MetadataObject where Self: JSONConvertible {
    init?(jsonValue: JSONValue) {
        guard case .object(let members) = jsonValue else { return nil }
        self.init(members: members)
    }

    var jsonValue: JSONValue { .object(members) }
}
