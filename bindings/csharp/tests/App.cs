using System;
using System.Collections.Generic;
using System.Linq;

namespace Grantlet.Tests
{
    /// <summary>The client on the other side of HTTP: asks, and redeems what it gets.</summary>
    public sealed class App
    {
        public const string Audience = "https://api.example.com/";
        public const string ClientId = "notes-app";

        // RFC 7636, appendix B.
        private const string Verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        private const string Challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        private const string RedirectUri = "http://127.0.0.1/callback";

        public string Query => QueryWith("");

        public string QueryWith(string more)
        {
            return "response_type=code&client_id=" + ClientId + "&redirect_uri=" + Uri.EscapeDataString(RedirectUri) +
                "&scope=openid%20offline_access%20read%3Anotes&audience=" + Uri.EscapeDataString(Audience) +
                "&state=xyz&code_challenge=" + Challenge + "&code_challenge_method=S256" + more;
        }

        public string Form(string location)
        {
            return "grant_type=authorization_code&client_id=" + ClientId + "&code=" + Parameter(location, "code") +
                "&redirect_uri=" + Uri.EscapeDataString(RedirectUri) + "&code_verifier=" + Verifier;
        }

        public static string Refresh(string refreshToken)
        {
            return "grant_type=refresh_token&client_id=" + ClientId + "&refresh_token=" + refreshToken;
        }

        public static string Parameter(string location, string name)
        {
            return new Uri(location).Query.TrimStart('?').Split('&').Select(pair => pair.Split('='))
                .Where(pair => pair[0] == name).Select(pair => Uri.UnescapeDataString(pair[1])).Single();
        }
    }

    /// <summary>Engines and tokens to begin with.</summary>
    public static class Fixture
    {
        public static Configuration Configuration()
        {
            return new Configuration("http://127.0.0.1:8080/")
            {
                Apis = { new Api(App.Audience) { Scopes = { "read:notes" }, AllowOfflineAccess = true } },
                Clients = { new Client(App.ClientId) { RedirectUris = { "http://127.0.0.1/callback" } } },
            };
        }

        public static Engine Engine(EngineHost host = null)
        {
            return new Engine(Configuration(), host);
        }

        public static Authorization Ask(Engine engine)
        {
            return engine.Authorize(new App().Query);
        }

        /// <summary>A form that redeems a fresh code.</summary>
        public static string Approved(Engine engine, string subject = "alice")
        {
            using (var pending = Ask(engine))
            {
                return new App().Form(pending.Approve(new Login(subject)).Location);
            }
        }

        public static TokenResponse SignIn(Engine engine, string subject = "alice")
        {
            return engine.Token(Approved(engine, subject));
        }

        public static TokenResponse Refresh(Engine engine, TokenResponse tokens)
        {
            return engine.Token(App.Refresh(tokens.RefreshToken));
        }

        public static AccessClaims Verify(Engine engine, TokenResponse tokens)
        {
            return engine.Verify(tokens.AccessToken, App.Audience, "read:notes");
        }
    }
}
