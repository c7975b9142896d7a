using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;

namespace Grantlet
{
    /// <summary>What an engine is opened with.</summary>
    /// <example><code>
    /// new Configuration("http://127.0.0.1:8080/")
    /// {
    ///     Apis = { new Api("https://api.example.com/") { Scopes = { "read:notes" }, AllowOfflineAccess = true } },
    ///     Clients = { new Client("notes-app") { RedirectUris = { "http://127.0.0.1/callback" } } },
    /// }
    /// </code></example>
    public sealed class Configuration : Settings
    {
        /// <summary>A configuration with nothing but an issuer.</summary>
        /// <param name="issuer">The issuer identifier: an <c>https</c> URL, or <c>http</c> at the loopback (RFC 8414 §2).</param>
        public Configuration(string issuer)
        {
            Set("issuer", issuer ?? throw new ArgumentNullException(nameof(issuer)));
        }

        /// <summary>The APIs that access tokens can be for.</summary>
        public IList<Api> Apis => List<Api>("apis");

        /// <summary>The clients that may ask for tokens.</summary>
        public IList<Client> Clients => List<Client>("clients");

        /// <summary>The API that is meant where a request names none.</summary>
        [AllowNull, MaybeNull]
        public string DefaultAudience { get => Get<string>("default_audience"); set => Set("default_audience", value); }

        /// <summary>Whether an issuer with <c>http</c> may be anywhere but at the loopback.</summary>
        public bool? DangerousHttpIssuer { get => Flag("dangerous_http_issuer"); set => Set("dangerous_http_issuer", value); }

        /// <summary>What a client or an API gets that says nothing of its own.</summary>
        public Defaults Defaults => Made("defaults", () => new Defaults());

        /// <summary>The authentication contexts that the host's sign-in page can meet (OIDC Discovery §3).</summary>
        public IList<string> AcrValuesSupported => List<string>("acr_values_supported");

        /// <summary>The languages of the host's sign-in page (OIDC Discovery §3).</summary>
        public IList<string> UiLocalesSupported => List<string>("ui_locales_supported");

        /// <summary>Where developers read about this server (OIDC Discovery §3).</summary>
        [AllowNull, MaybeNull]
        public string ServiceDocumentation { get => Get<string>("service_documentation"); set => Set("service_documentation", value); }
    }

    /// <summary>What a client or an API gets that says nothing of its own.</summary>
    public sealed class Defaults : Settings
    {
        /// <summary>How long an access token lives, in whole seconds.</summary>
        public TimeSpan? AccessTokenLifetime { get => Seconds("access_token_lifetime"); set => SetSeconds("access_token_lifetime", value); }

        /// <summary>How long an ID token lives, in whole seconds.</summary>
        public TimeSpan? IdTokenLifetime { get => Seconds("id_token_lifetime"); set => SetSeconds("id_token_lifetime", value); }

        /// <summary>How long a code lives, in whole seconds.</summary>
        public TimeSpan? AuthorizationCodeLifetime { get => Seconds("authorization_code_lifetime"); set => SetSeconds("authorization_code_lifetime", value); }

        /// <summary>What the clients' refresh tokens may do.</summary>
        public RefreshTokenPolicy RefreshToken => Made("refresh_token", () => new RefreshTokenPolicy());
    }
}
