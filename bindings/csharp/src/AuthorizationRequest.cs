using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using System.Linq;

namespace Grantlet
{
    /// <summary>What a client asked, validated, for a sign-in and consent page.</summary>
    public sealed class AuthorizationRequest : JsonAnswer
    {
        internal AuthorizationRequest(byte[] utf8) : base(utf8)
        {
        }

        /// <summary>The client.</summary>
        public string ClientId => Text("client_id");

        /// <summary>Its name for people.</summary>
        [MaybeNull]
        public string ClientName => this["client_name"];

        /// <summary>Where the answer goes.</summary>
        public string RedirectUri => Text("redirect_uri");

        /// <summary>The scope that can be granted, separated by spaces.</summary>
        public string Scope => this["scope"] ?? "";

        /// <summary>The same, one by one, with what each allows.</summary>
        public IReadOnlyList<RequestedScope> Scopes =>
            List("scopes").Select(json => new RequestedScope(Utf8.Strict.GetBytes(json))).ToList();

        /// <summary>Whether a refresh token will be issued.</summary>
        public bool OfflineAccess => Flag("offline_access");

        /// <summary>The APIs that the tokens are for.</summary>
        public IReadOnlyList<string> Audience => List("audience");

        /// <summary>The same for people: each API's name, or else its identifier.</summary>
        public IReadOnlyList<string> AudienceNames => List("audience_names");

        /// <summary>What the user is to be asked: <c>none</c>, <c>login</c>, <c>consent</c>, <c>select_account</c>.</summary>
        public IReadOnlyList<string> Prompt => List("prompt");

        /// <summary>How old the login may be.</summary>
        public TimeSpan? MaxAge => Seconds("max_age");

        /// <summary>Who the user probably is.</summary>
        [MaybeNull]
        public string LoginHint => this["login_hint"];

        /// <summary>Who the user must be.</summary>
        [MaybeNull]
        public string RequiredSubject => this["required_subject"];

        /// <summary>The user's languages, the preferred first.</summary>
        public IReadOnlyList<string> UiLocales => List("ui_locales");

        /// <summary>How strongly the user should authenticate, the preferred first.</summary>
        public IReadOnlyList<string> AcrValues => List("acr_values");
    }

    /// <summary>One scope asked for, as a consent page shows it.</summary>
    public sealed class RequestedScope : JsonAnswer
    {
        internal RequestedScope(byte[] utf8) : base(utf8)
        {
        }

        /// <summary>The scope token, such as <c>read:notes</c>.</summary>
        public string Value => Text("value");

        /// <summary>What it allows; empty for OpenID Connect's own.</summary>
        public string Description => this["description"] ?? "";
    }
}
