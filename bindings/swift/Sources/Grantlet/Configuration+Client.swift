import Foundation

extension Configuration {
    /// A client: who may ask for tokens. The names are those of RFC 7591; the engine takes Auth0's, too.
    public struct Client: MetadataObject, JSONConvertible {
        /// All members, by their names in JSON.
        public var members: [String: JSONValue]

        /// An object of these members.
        public init(members: [String: JSONValue]) {
            self.members = members
        }

        /// An app or a page, which cannot keep a secret; it must use PKCE.
        public static func `public`(_ clientID: String, redirectURIs: [String]) -> Client {
            var client = Client(members: ["token_endpoint_auth_method": "none", "application_type": "native"])
            client.clientID = clientID
            client.redirectURIs = redirectURIs
            return client
        }

        /// A web server or a service, which keeps a secret. That must be random (128 bits or more), as a machine makes it; the
        /// engine keeps a hash of it only.
        public static func confidential(_ clientID: String, secret: String, redirectURIs: [String] = []) -> Client {
            var client = Client(members: [:])
            client.clientID = clientID
            client.clientSecret = secret
            client.redirectURIs = redirectURIs
            return client
        }

        /// Its id.
        public var clientID: String? {
            get { typed("client_id") }
            set { set("client_id", newValue) }
        }

        /// Its name for people.
        public var clientName: String? {
            get { typed("client_name") }
            set { set("client_name", newValue) }
        }

        /// Its secret. Not shown in a description.
        public var clientSecret: String? {
            get { typed("client_secret") }
            set { set("client_secret", newValue) }
        }

        /// How it proves who it is: `client_secret_basic`, `client_secret_post`, `none`.
        public var tokenEndpointAuthMethod: String? {
            get { typed("token_endpoint_auth_method") }
            set { set("token_endpoint_auth_method", newValue) }
        }

        /// Its platform: `web`, `native`, `spa`, `service`.
        public var applicationType: String? {
            get { typed("application_type") }
            set { set("application_type", newValue) }
        }

        /// Where its users may be sent back to.
        public var redirectURIs: [String] {
            get { typed("redirect_uris") ?? [] }
            set { set("redirect_uris", newValue) }
        }

        /// What it may post to the token endpoint: `authorization_code`, `refresh_token`, `client_credentials`.
        public var grantTypes: [String]? {
            get { typed("grant_types") }
            set { set("grant_types", newValue) }
        }

        /// What it may ask for in its own name, at which API.
        public var clientGrants: [ClientGrant]? {
            get { typed("client_grants") }
            set { set("client_grants", newValue) }
        }

        /// What its refresh tokens may do.
        public var refreshToken: RefreshPolicy? {
            get { typed("refresh_token") }
            set { set("refresh_token", newValue) }
        }
    }

    /// What a client may ask for in its own name (`client_credentials`) at one API.
    public struct ClientGrant: MetadataObject, JSONConvertible {
        /// All members, by their names in JSON.
        public var members: [String: JSONValue]

        /// An object of these members.
        public init(members: [String: JSONValue]) {
            self.members = members
        }

        /// These scopes at this API.
        public init(audience: String, scopes: [String]) {
            members = ["audience": .string(audience), "scope": scopes.jsonValue]
        }
    }

    /// What a client's refresh tokens may do. What is not said is as the engine has it.
    public struct RefreshPolicy: MetadataObject, JSONConvertible {
        /// All members, by their names in JSON.
        public var members: [String: JSONValue]

        /// An object of these members.
        public init(members: [String: JSONValue] = [:]) {
            self.members = members
        }

        /// How long after a rotation the token before it is still answered, with the same successor.
        public enum Leeway: Sendable, Hashable, JSONConvertible {
            /// This many seconds; 0 is strict.
            case seconds(Int)
            /// Until the successor is used: for apps that may be killed between asking and storing.
            case untilUsed

            init?(jsonValue: JSONValue) {
                switch jsonValue {
                case .integer(let seconds): self = .seconds(seconds)
                case .string("until_used"): self = .untilUsed
                default: return nil
                }
            }

            var jsonValue: JSONValue {
                switch self {
                case .seconds(let seconds): .integer(seconds)
                case .untilUsed: "until_used"
                }
            }
        }

        /// The leeway.
        public var leeway: Leeway? {
            get { typed("leeway") }
            set { set("leeway", newValue) }
        }

        /// `rotating` or `non-rotating`.
        public var rotationType: String? {
            get { typed("rotation_type") }
            set { set("rotation_type", newValue) }
        }

        /// Seconds from the user's approval to the end, whatever happens in between.
        public var tokenLifetime: Int? {
            get { typed("token_lifetime") }
            set { set("token_lifetime", newValue) }
        }

        /// Seconds that it may lie unused.
        public var idleTokenLifetime: Int? {
            get { typed("idle_token_lifetime") }
            set { set("idle_token_lifetime", newValue) }
        }

        /// Live refreshable grants per user and client; one more, and the oldest goes.
        public var maxLiveGrants: Int? {
            get { typed("max_live_grants") }
            set { set("max_live_grants", newValue) }
        }
    }
}
