using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;

namespace Grantlet.Tests
{
    /// <summary>The typed configuration, as the engine takes it.</summary>
    public static class ConfigurationTests
    {
        [Test]
        public static void EveryKeyIsTaken()
        {
            var policy = new Action<RefreshTokenPolicy>(refresh =>
            {
                refresh.RotationType = "rotating";
                refresh.Leeway = TimeSpan.FromSeconds(30);
                refresh.TokenLifetime = TimeSpan.FromDays(30);
                refresh.IdleTokenLifetime = TimeSpan.FromDays(10);
                refresh.MaxLiveGrants = 5;
                refresh.DangerousPublicWithoutRotation = false;
                refresh.DangerousAcceptAhead = true;
            });
            var configuration = new Configuration("http://issuer.example.com/")
            {
                DangerousHttpIssuer = true,
                DefaultAudience = "urn:api",
                AcrValuesSupported = { "urn:a" },
                UiLocalesSupported = { "de", "en" },
                ServiceDocumentation = "https://docs.example.com/",
                Defaults =
                {
                    AccessTokenLifetime = TimeSpan.FromMinutes(10),
                    IdTokenLifetime = TimeSpan.FromMinutes(20),
                    AuthorizationCodeLifetime = TimeSpan.FromSeconds(30),
                },
                Apis =
                {
                    new Api("urn:api")
                    {
                        Name = "Notes \"2\" \\ \u0001 ü \U0001F600",
                        Scopes = { "a", new ApiScope("b", "Do b"), { new ApiScope("c") } },
                        AllowOfflineAccess = true,
                        TokenLifetime = TimeSpan.FromMinutes(5),
                        SigningSecret = new string('s', 32),
                        SigningAlgorithm = "HS256",
                        TokenDialect = "access_token",
                        IntrospectionClients = { "web" },
                    },
                },
                Clients =
                {
                    new Client("web")
                    {
                        Name = "Web",
                        Secret = "a secret",
                        TokenEndpointAuthMethod = "client_secret_post",
                        ApplicationType = "web",
                        RedirectUris = { "http://web.example.com/" },
                        GrantTypes = { "authorization_code", "refresh_token" },
                        Scope = "openid a b",
                        RequirePkce = true,
                        RequireAuthTime = true,
                        DefaultMaxAge = TimeSpan.FromHours(1),
                        IdTokenSignedResponseAlgorithm = "ES256",
                        IdTokenLifetime = TimeSpan.FromMinutes(2),
                        DangerousHttpRedirectUris = true,
                        ["app_type"] = "null",
                    },
                },
            };
            policy(configuration.Defaults.RefreshToken);
            policy(configuration.Clients[0].RefreshToken);
            using (var engine = new Engine(configuration))
            {
                Expect.Equal("[\"de\",\"en\"]", engine.GetMetadata()["ui_locales_supported"]);
                Expect.That(engine.GetMetadata()["scopes_supported"].Contains("\"b\""), "scopes");
                using (var pending = engine.Authorize("response_type=code&client_id=web&scope=b&code_challenge_method=S256&audience=urn%3Aapi" +
                    "&prompt=login%20consent&max_age=60&ui_locales=de&acr_values=urn%3Aa&login_hint=al" +
                    "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&redirect_uri=http%3A%2F%2Fweb.example.com%2F"))
                {
                    var request = pending.Request;
                    Expect.Equal("Do b", request.Scopes.Single().Description);
                    Expect.Equal("Notes \"2\" \\ \u0001 ü \U0001F600", request.AudienceNames.Single());
                    Expect.Equal("login consent de urn:a", string.Join(" ", request.Prompt.Concat(request.UiLocales).Concat(request.AcrValues)));
                    Expect.Equal(TimeSpan.FromMinutes(1), request.MaxAge);
                    Expect.Equal("al", request.LoginHint);
                    Expect.Equal("Web", request.ClientName);
                    Expect.Equal(null, request.RequiredSubject);
                    Expect.Equal("http://web.example.com/", request.RedirectUri);
                    Expect.Equal("b", request.Scope);
                }
            }
        }

        [Test]
        public static void WhatWasSetCanBeReadAndTakenAway()
        {
            var refresh = new Client("x").RefreshToken;
            Expect.Equal("{}", refresh.ToJson());
            refresh.Leeway = Timeout.InfiniteTimeSpan;
            Expect.Equal("{\"leeway\":\"until_used\"}", refresh.ToJson());
            Expect.Equal(Timeout.InfiniteTimeSpan, refresh.Leeway);
            refresh.Leeway = TimeSpan.Zero;
            Expect.Equal("{\"leeway\":0}", refresh.ToJson());
            refresh.Leeway = null;
            refresh.TokenLifetime = Timeout.InfiniteTimeSpan;
            Expect.Equal("{\"infinite_token_lifetime\":true}", refresh.ToJson());
            Expect.Equal(Timeout.InfiniteTimeSpan, refresh.TokenLifetime);
            refresh.TokenLifetime = TimeSpan.FromSeconds(1.5);
            Expect.Equal("{\"token_lifetime\":1}", refresh.ToJson());
            refresh["token_lifetime"] = "[2]";
            Expect.Equal("{\"token_lifetime\":[2]}", refresh.ToJson());
            Expect.Equal(null, refresh.TokenLifetime);
            refresh.MaxLiveGrants = 3;
            Expect.Equal(3L, refresh.MaxLiveGrants);
            Expect.Throws<ArgumentNullException>(() => refresh["x"] = null);
            Expect.Throws<ArgumentException>(() => new Configuration("x") { Apis = { null } }.ToJson());
            // «Infinite» is no zero.
            Expect.Throws<ArgumentOutOfRangeException>(() => new Client("x") { DefaultMaxAge = Timeout.InfiniteTimeSpan });
        }

        [Test]
        public static void ToLookAtAPropertyChangesNothing()
        {
            // As a debugger does.
            var configuration = new Configuration("x") { ["clients"] = "[{\"client_id\":\"raw\"}]", ["defaults"] = "{}" };
            var json = configuration.ToJson();
            Expect.Throws<InvalidOperationException>(() => configuration.Clients.ToString());
            Expect.Throws<InvalidOperationException>(() => configuration.Defaults.ToString());
            Expect.Equal(json, configuration.ToJson());
            var client = new Client("y");
            json = client.ToJson();
            Expect.Equal(null, client.RefreshToken.Leeway);
            Expect.Equal(0, client.RedirectUris.Count);
            Expect.Equal(json, client.ToJson());
        }
    }
}
