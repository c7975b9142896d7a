using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using System.Threading;

namespace Grantlet
{
    /// <summary>A client's metadata (RFC 7591 §2). Without a <see cref="Secret"/> it is public, and must use PKCE.</summary>
    public sealed class Client : Settings
    {
        /// <summary>A client with nothing but its id.</summary>
        /// <param name="clientId">The <c>client_id</c>.</param>
        public Client(string clientId)
        {
            Set("client_id", clientId ?? throw new ArgumentNullException(nameof(clientId)));
        }

        /// <summary>A name for people.</summary>
        [AllowNull, MaybeNull]
        public string Name { get => Get<string>("client_name"); set => Set("client_name", value); }

        /// <summary>Makes it a confidential client. Must be random, 128 bits or more; the engine keeps a salted hash.</summary>
        [AllowNull, MaybeNull]
        public string Secret { get => Get<string>("client_secret"); set => Set("client_secret", value); }

        /// <summary>How it says who it is: <c>none</c>, <c>client_secret_basic</c> or <c>client_secret_post</c>.</summary>
        [AllowNull, MaybeNull]
        public string TokenEndpointAuthMethod { get => Get<string>("token_endpoint_auth_method"); set => Set("token_endpoint_auth_method", value); }

        /// <summary><c>web</c>, <c>native</c>, <c>spa</c> or <c>service</c>.</summary>
        [AllowNull, MaybeNull]
        public string ApplicationType { get => Get<string>("application_type"); set => Set("application_type", value); }

        /// <summary>Where codes may go.</summary>
        public IList<string> RedirectUris => List<string>("redirect_uris");

        /// <summary>What it may do at the token endpoint; by its application type unless said.</summary>
        public IList<string> GrantTypes => List<string>("grant_types");

        /// <summary>The most scope that it may ask for, separated by spaces.</summary>
        [AllowNull, MaybeNull]
        public string Scope { get => Get<string>("scope"); set => Set("scope", value); }

        /// <summary>Whether it must use PKCE; public clients must, whatever is said here.</summary>
        public bool? RequirePkce { get => Flag("require_pkce"); set => Set("require_pkce", value); }

        /// <summary>Whether its ID tokens must say when the user authenticated.</summary>
        public bool? RequireAuthTime { get => Flag("require_auth_time"); set => Set("require_auth_time", value); }

        /// <summary>How old a login may be where a request says nothing, in whole seconds.</summary>
        public TimeSpan? DefaultMaxAge { get => Seconds("default_max_age"); set => SetSeconds("default_max_age", value); }

        /// <summary>The algorithm that signs its ID tokens.</summary>
        [AllowNull, MaybeNull]
        public string IdTokenSignedResponseAlgorithm { get => Get<string>("id_token_signed_response_alg"); set => Set("id_token_signed_response_alg", value); }

        /// <summary>How long an ID token lives, in whole seconds.</summary>
        public TimeSpan? IdTokenLifetime { get => Seconds("id_token_lifetime"); set => SetSeconds("id_token_lifetime", value); }

        /// <summary>What its refresh tokens may do.</summary>
        public RefreshTokenPolicy RefreshToken => Made("refresh_token", () => new RefreshTokenPolicy());

        /// <summary>Whether its redirect URIs may have <c>http</c> anywhere but at the loopback.</summary>
        public bool? DangerousHttpRedirectUris { get => Flag("dangerous_http_redirect_uris"); set => Set("dangerous_http_redirect_uris", value); }
    }

    /// <summary>What refresh tokens may do.</summary>
    public sealed class RefreshTokenPolicy : Settings
    {
        /// <summary><c>rotating</c>, or <c>non-rotating</c>.</summary>
        [AllowNull, MaybeNull]
        public string RotationType { get => Get<string>("rotation_type"); set => Set("rotation_type", value); }

        /// <summary>How long the token before is taken again, for a lost answer, in whole seconds; <see cref="TimeSpan.Zero"/> is
        /// strict, and <see cref="Timeout.InfiniteTimeSpan"/> means until the successor was used.</summary>
        public TimeSpan? Leeway
        {
            get => Get<string>("leeway") != null ? Timeout.InfiniteTimeSpan : Seconds("leeway");
            set
            {
                if (value == Timeout.InfiniteTimeSpan)
                {
                    Set("leeway", "until_used");
                }
                else
                {
                    SetSeconds("leeway", value);
                }
            }
        }

        /// <summary>How long a grant lives, used or not, in whole seconds; <see cref="Timeout.InfiniteTimeSpan"/>: for ever.</summary>
        public TimeSpan? TokenLifetime { get => Lifetime("token_lifetime"); set => SetLifetime("token_lifetime", value); }

        /// <summary>How long a grant lives that nobody uses, in whole seconds; <see cref="Timeout.InfiniteTimeSpan"/>: for ever.</summary>
        public TimeSpan? IdleTokenLifetime { get => Lifetime("idle_token_lifetime"); set => SetLifetime("idle_token_lifetime", value); }

        /// <summary>How many live grants a user may have at a client; the oldest goes first.</summary>
        public long? MaxLiveGrants { get => Get<object>("max_live_grants") as long?; set => Set("max_live_grants", value); }

        /// <summary>Lets a public client keep one refresh token for good, against RFC 9700 §2.2.2.</summary>
        public bool? DangerousPublicWithoutRotation { get => Flag("dangerous_public_without_rotation"); set => Set("dangerous_public_without_rotation", value); }

        /// <summary>Accepts a refresh token that is newer than the store, which was restored from a backup.</summary>
        public bool? DangerousAcceptAhead { get => Flag("dangerous_accept_ahead"); set => Set("dangerous_accept_ahead", value); }

        private TimeSpan? Lifetime(string key)
        {
            return Flag("infinite_" + key) == true ? Timeout.InfiniteTimeSpan : Seconds(key);
        }

        private void SetLifetime(string key, TimeSpan? value)
        {
            var infinite = value == Timeout.InfiniteTimeSpan;
            Set("infinite_" + key, infinite ? (object)true : null);
            SetSeconds(key, infinite ? null : value);
        }
    }
}
