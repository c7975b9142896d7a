using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;

namespace Grantlet
{
    /// <summary>An API (a resource server): what an access token can be for.</summary>
    public sealed class Api : Settings
    {
        /// <summary>An API with nothing but its identifier.</summary>
        /// <param name="identifier">The <c>aud</c> of its access tokens: best an absolute URI without a fragment. Never fetched.</param>
        public Api(string identifier)
        {
            Set("identifier", identifier ?? throw new ArgumentNullException(nameof(identifier)));
        }

        /// <summary>A name for people.</summary>
        [AllowNull, MaybeNull]
        public string Name { get => Get<string>("name"); set => Set("name", value); }

        /// <summary>The scopes that a client may ask for; a text is one without a description.</summary>
        public IList<ApiScope> Scopes => List<ApiScope>("scopes");

        /// <summary>Whether a client may hold a refresh token for this API. Off unless said.</summary>
        public bool? AllowOfflineAccess { get => Flag("allow_offline_access"); set => Set("allow_offline_access", value); }

        /// <summary>How long an access token lives, in whole seconds.</summary>
        public TimeSpan? TokenLifetime { get => Seconds("token_lifetime"); set => SetSeconds("token_lifetime", value); }

        /// <summary>The algorithm that signs the access tokens, such as <c>ES256</c>, which it is unless said.</summary>
        [AllowNull, MaybeNull]
        public string SigningAlgorithm { get => Get<string>("signing_alg"); set => Set("signing_alg", value); }

        /// <summary>Signs with HS256 under a secret that this API shares: at least 32 bytes (RFC 7518 §3.2).</summary>
        [AllowNull, MaybeNull]
        public string SigningSecret { get => Get<string>("signing_secret"); set => Set("signing_secret", value); }

        /// <summary>The shape of the access tokens: <c>rfc9068_profile</c>, which it is unless said, or <c>access_token</c>.</summary>
        [AllowNull, MaybeNull]
        public string TokenDialect { get => Get<string>("token_dialect"); set => Set("token_dialect", value); }

        /// <summary>The confidential clients that may introspect this API's access tokens (RFC 7662 §2.1).</summary>
        public IList<string> IntrospectionClients => List<string>("introspection_clients");
    }

    /// <summary>One scope of an API. A text is one without a description.</summary>
    public sealed class ApiScope : Settings
    {
        /// <summary>A scope.</summary>
        /// <param name="value">The scope token, such as <c>read:notes</c>.</param>
        /// <param name="description">What it allows, for a consent page.</param>
        public ApiScope(string value, [AllowNull] string description = null)
        {
            Set("value", value ?? throw new ArgumentNullException(nameof(value)));
            Set("description", description);
        }

        /// <summary>A scope without a description.</summary>
        /// <param name="value">The scope token.</param>
        public static implicit operator ApiScope(string value)
        {
            return new ApiScope(value);
        }
    }
}
