import Foundation

/// What an engine is told when it opens: the project's README has all members, under "Configuration".
///
/// ```swift
/// var configuration = Configuration(
///     issuer: "https://id.example.com/",
///     apis: [.init("https://api.example.com/", scopes: ["read:notes"], allowOfflineAccess: true)],
///     clients: [.public("notes-app", redirectURIs: ["com.example.notes:/callback"])])
/// configuration["defaults"] = ["access_token_lifetime": 600]        // what has no property here
///
/// let fromFile = try JSONDecoder().decode(Configuration.self, from: data)
/// ```
///
/// Nothing here is checked before the engine opens; it then refuses what it does not know, by name. Where both are text anyway,
/// `Engine.init(json:host:)` takes a file as it is.
public struct Configuration: MetadataObject {
    /// All members, by their names in JSON.
    public var members: [String: JSONValue]

    /// An object of these members.
    public init(members: [String: JSONValue]) {
        self.members = members
    }

    /// A configuration.
    public init(issuer: String, apis: [API] = [], clients: [Client] = []) {
        members = [:]
        self.issuer = issuer
        self.apis = apis
        self.clients = clients
    }

    /// Who issues the tokens: the URL under which your server is reached.
    public var issuer: String? {
        get { typed("issuer") }
        set { set("issuer", newValue) }
    }

    /// The APIs that tokens are for.
    public var apis: [API] {
        get { typed("apis") ?? [] }
        set { set("apis", newValue) }
    }

    /// Who may ask for tokens.
    public var clients: [Client] {
        get { typed("clients") ?? [] }
        set { set("clients", newValue) }
    }

    /// The API that a request is for which names none.
    public var defaultAudience: String? {
        get { typed("default_audience") }
        set { set("default_audience", newValue) }
    }
}

extension Configuration {
    /// An API that tokens are for.
    public struct API: MetadataObject, JSONConvertible {
        /// All members, by their names in JSON.
        public var members: [String: JSONValue]

        /// An object of these members.
        public init(members: [String: JSONValue]) {
            self.members = members
        }

        /// An API, known by its identifier: a URI, the tokens' audience.
        public init(_ identifier: String, scopes: [Scope] = [], allowOfflineAccess: Bool? = nil) {
            members = [:]
            self.identifier = identifier
            self.scopes = scopes
            self.allowOfflineAccess = allowOfflineAccess
        }

        /// Its identifier.
        public var identifier: String? {
            get { typed("identifier") }
            set { set("identifier", newValue) }
        }

        /// Its name for people.
        public var name: String? {
            get { typed("name") }
            set { set("name", newValue) }
        }

        /// What tokens for it may allow.
        public var scopes: [Scope] {
            get { typed("scopes") ?? [] }
            set { set("scopes", newValue) }
        }

        /// Whether there are refresh tokens for it.
        public var allowOfflineAccess: Bool? {
            get { typed("allow_offline_access") }
            set { set("allow_offline_access", newValue) }
        }

        /// For how long an access token is good, in seconds.
        public var tokenLifetime: Int? {
            get { typed("token_lifetime") }
            set { set("token_lifetime", newValue) }
        }

        /// The algorithm that its tokens are signed with, such as `ES256`.
        public var signingAlgorithm: String? {
            get { typed("signing_alg") }
            set { set("signing_alg", newValue) }
        }

        /// The clients that may introspect its tokens.
        public var introspectionClients: [String]? {
            get { typed("introspection_clients") }
            set { set("introspection_clients", newValue) }
        }
    }

    /// A scope of an API; a literal is one without a description.
    public struct Scope: Sendable, Hashable, ExpressibleByStringLiteral, JSONConvertible {
        /// The scope token.
        public var value: String
        /// What it allows, for the consent page.
        public var description: String?

        /// A scope.
        public init(_ value: String, description: String? = nil) {
            self.value = value
            self.description = description
        }

        /// A scope without a description.
        public init(stringLiteral value: String) {
            self.init(value)
        }

        init?(jsonValue: JSONValue) {
            switch jsonValue {
            case .string(let value):
                self.init(value)
            case .object(let members):
                guard case .string(let value)? = members["value"] else { return nil }
                self.init(value, description: members["description"].flatMap(String.init(jsonValue:)))
            default:
                return nil
            }
        }

        var jsonValue: JSONValue {
            guard let description else { return .string(value) }
            return ["value": .string(value), "description": .string(description)]
        }
    }
}
