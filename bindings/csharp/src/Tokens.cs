using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;

namespace Grantlet
{
    /// <summary>The answer to a token request (RFC 6749 §5.1). Holds secrets; its text form shows none.</summary>
    public sealed class TokenResponse : JsonAnswer
    {
        internal TokenResponse(byte[] utf8) : base(utf8)
        {
        }

        /// <summary>The access token.</summary>
        public string AccessToken => Text("access_token");

        /// <summary>How it is used: <c>Bearer</c>.</summary>
        public string TokenType => Text("token_type");

        /// <summary>How long the access token lives from now.</summary>
        public TimeSpan ExpiresIn => Seconds("expires_in").GetValueOrDefault();

        /// <summary>The refresh token, if one was granted.</summary>
        [MaybeNull]
        public string RefreshToken => this["refresh_token"];

        /// <summary>The ID token, if <c>openid</c> was granted.</summary>
        [MaybeNull]
        public string IdToken => this["id_token"];

        /// <summary>The scope, separated by spaces.</summary>
        [MaybeNull]
        public string Scope => this["scope"];
    }

    /// <summary>The claims of an access token that was verified (RFC 9068 §2.2).</summary>
    public sealed class AccessClaims : JsonAnswer
    {
        internal AccessClaims(byte[] utf8) : base(utf8)
        {
        }

        /// <summary>The user; of a client in its own name, the client.</summary>
        public string Subject => Text("sub");

        /// <summary>The client that it was issued to.</summary>
        public string ClientId => this["client_id"] ?? Text("azp");

        /// <summary>Who issued it.</summary>
        public string Issuer => Text("iss");

        /// <summary>Its id.</summary>
        [MaybeNull]
        public string TokenId => this["jti"];

        /// <summary>The APIs that it is for.</summary>
        public IReadOnlyList<string> Audience => List("aud");

        /// <summary>What it allows.</summary>
        public IReadOnlyList<string> Scopes => Words("scope");

        /// <summary>When it was issued.</summary>
        public DateTimeOffset IssuedAt => Time("iat").GetValueOrDefault();

        /// <summary>When it ends.</summary>
        public DateTimeOffset ExpiresAt => Time("exp").GetValueOrDefault();
    }

    /// <summary>What a token means now (RFC 7662 §2.2).</summary>
    public sealed class Introspection : JsonAnswer
    {
        internal Introspection(byte[] utf8) : base(utf8)
        {
        }

        /// <summary>Whether it is good, and the client that asks may know of it; if not, it has no other member.</summary>
        public bool Active => Flag("active");

        /// <summary>The user.</summary>
        [MaybeNull]
        public string Subject => this["sub"];

        /// <summary>The client that it was issued to.</summary>
        [MaybeNull]
        public string ClientId => this["client_id"];

        /// <summary>The APIs that it is for.</summary>
        public IReadOnlyList<string> Audience => List("aud");

        /// <summary>What it allows.</summary>
        public IReadOnlyList<string> Scopes => Words("scope");

        /// <summary>When it ends.</summary>
        public DateTimeOffset? ExpiresAt => Time("exp");
    }

    /// <summary>A user's claims (OIDC Core §5.3.2); all but <see cref="Subject"/> by name.</summary>
    public sealed class UserInfo : JsonAnswer
    {
        internal UserInfo(byte[] utf8) : base(utf8)
        {
        }

        /// <summary>The user.</summary>
        public string Subject => Text("sub");
    }

    /// <summary>One grant: what one approval by one user came to.</summary>
    public sealed class GrantInfo : JsonAnswer
    {
        internal GrantInfo(byte[] utf8) : base(utf8)
        {
        }

        /// <summary>Its id.</summary>
        public string Id => Text("grant_id");

        /// <summary>The client that holds it.</summary>
        public string ClientId => Text("client_id");

        /// <summary>The user who gave it.</summary>
        public string Subject => Text("subject");

        /// <summary>What the user consented to.</summary>
        public IReadOnlyList<string> Scopes => Words("scope");

        /// <summary>The APIs that it is for.</summary>
        public IReadOnlyList<string> Audience => List("audience");

        /// <summary><c>code_issued</c>, <c>active</c>, <c>expired</c> or <c>revoked</c>.</summary>
        public string State => Text("state");

        /// <summary>Whether it has refresh tokens.</summary>
        public bool Refreshable => Flag("refreshable");

        /// <summary>0 while the code is out; then 1, and one more with each rotation.</summary>
        public long Generation => Number("generation").GetValueOrDefault();

        /// <summary>When the user approved.</summary>
        public DateTimeOffset ApprovedAt => Time("approved_at").GetValueOrDefault();

        /// <summary>When the present code or refresh token was issued.</summary>
        public DateTimeOffset IssuedAt => Time("issued_at").GetValueOrDefault();

        /// <summary>When it ends if nobody uses it; <c>null</c>: never.</summary>
        public DateTimeOffset? ExpiresAt => Time("expires_at");

        /// <summary>Your session.</summary>
        [MaybeNull]
        public string SessionId => this["sid"];
    }
}
