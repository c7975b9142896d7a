using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using System.Text;

namespace Grantlet.Tests
{
    /// <summary>What an error tells, and what nothing tells.</summary>
    public static class ErrorTests
    {
        [Test]
        public static void AnErrorHasAllThatAnAnswerNeeds()
        {
            using (var engine = Fixture.Engine())
            {
                var e = Expect.Fails(Status.InvalidGrantMalformed, () => engine.Token(App.Refresh("grl_rt_x")));
                Expect.Equal(Status.InvalidGrant, e.Class);
                Expect.Equal("invalid_grant", e.OAuthCode);
                Expect.Equal(400, e.HttpStatus);
                Expect.Equal("{\"error\":\"invalid_grant\",\"error_description\":\"" + e.Description + "\"}", e.Response);
                Expect.That(e.Description.Length > 0 && e.Message == e.Description, e.Message);
                Expect.That(e.Redirect == null && e.InnerException == null, "nothing else");
                Expect.That(e.ToString().Contains("InvalidGrantMalformed invalid_grant"), e.ToString());
            }
        }

        [Test]
        public static void AnAuthorizationErrorMayBeRedirected()
        {
            using (var engine = Fixture.Engine())
            {
                var e = Expect.Fails(Status.InvalidRequest, () => engine.Authorize(new App().QueryWith("&prompt=none%20login")));
                Expect.Equal(303, e.Redirect.Status);
                Expect.Equal("invalid_request", App.Parameter(e.Redirect.Location, "error"));
                Expect.Equal("xyz", App.Parameter(e.Redirect.Location, "state"));
                // The client is not to be trusted.
                e = Expect.Fails(Status.InvalidRequestRedirectUri, () => engine.Authorize(new App().Query.Replace("callback", "evil")));
                Expect.Equal(null, e.Redirect);
            }
        }

        [Test]
        public static void AConfigurationErrorNamesThePlace()
        {
            var configuration = Fixture.Configuration();
            configuration["clinets"] = "[]";
            var e = Expect.Fails(Status.ConfigUnknownKey, () => new Engine(configuration));
            Expect.That(e.Description.Contains("clinets") && e.Description.Contains("clients"), e.Description);
            Expect.Fails(Status.Config, () => new Engine("{"));
        }

        [Test]
        public static void WhatIsMissingOrNoTextIsTheCallersMistake()
        {
            using (var engine = Fixture.Engine())
            using (var pending = Fixture.Ask(engine))
            {
                var calls = new Action[]
                {
                    () => new Engine((string)null), () => new Engine((Configuration)null), () => Engine.Open("{}", null, new byte[32]),
                    () => Engine.Open((string)null, "x", new byte[32]), () => Engine.Open("{}", "x", null), () => engine.Authorize((string)null),
                    () => engine.Token((string)null), () => engine.Verify(null, "x"), () => engine.Verify("x", null), () => engine.Verify("x", "y", null),
                    () => engine.Revoke((string)null), () => engine.Introspect((string)null), () => engine.GetUserInfo((string)null),
                    () => engine.Handle(null), () => engine.PutApi((Api)null), () => engine.PutApi((string)null), () => engine.PutClient((Client)null),
                    () => engine.PutClient((string)null), () => engine.RemoveApi(null), () => engine.RemoveClient(null), () => engine.Reseal(null),
                    () => engine.Backup(null), () => engine.GetGrant(null), () => engine.RevokeGrant(null), () => pending.Approve(null),
                    () => new Login(null), () => new Client(null), () => new Api(null), () => new Configuration(null), () => new ApiScope(null),
                    () => new Signer(null, x => x), () => new Signer("{}", null), () => Signer.From(null), () => new EngineRequest(null, "/"),
                    () => new EngineRequest("GET", null),
                };
                foreach (var call in calls)
                {
                    Expect.Throws<ArgumentNullException>(call);
                }
                foreach (var call in new Action[] { () => engine.Token("\ud800"), () => engine.Token("x", "\udc00"), () => engine.GetGrants("\ud800") })
                {
                    Expect.Throws<ArgumentException>(call);
                }
                Expect.Fails(Status.Usage, () => pending.Approve(new Login("")));
                Expect.Fails(Status.Usage, () => pending.Approve(new Login("alice\0admin")));
                Expect.Fails(Status.Usage, () => pending.Approve(new Login("alice") { IdTokenClaims = "[]" }));
                Expect.Fails(Status.Usage, () => pending.Deny(Status.InvalidGrant));
                Expect.Fails(Status.NotFound, () => engine.RemoveClient(App.ClientId + "\0x"));
            }
        }

        [Test]
        public static void ANameThatWasNeverSetIsNotEverybodys()
        {
            using (var engine = Fixture.Engine())
            {
                Fixture.SignIn(engine);
                Expect.Throws<ArgumentException>(() => engine.RevokeGrants("notes-app", ""));
                Expect.Throws<ArgumentException>(() => engine.RevokeGrants("", "alice"));
                Expect.Throws<ArgumentException>(() => engine.GetGrants(subject: ""));
                Expect.Throws<GrantletException>(() => engine.RevokeGrants());
                Expect.Equal(1, engine.GetGrants(subject: "alice").Count);
            }
        }

        [Test]
        public static void AScopeThatWasNeverSetLetsNobodyIn()
        {
            using (var engine = Fixture.Engine())
            {
                var token = Fixture.SignIn(engine).AccessToken;
                foreach (var scope in new[] { null, "" })
                {
                    Expect.Throws<ArgumentException>(() => engine.Verify(token, App.Audience, scope));
                    Expect.Throws<ArgumentException>(() => engine.Verify(token, App.Audience, "read:notes", scope));
                    Expect.Throws<ArgumentException>(() => engine.VerifyAsync(token, App.Audience, new[] { scope }).GetAwaiter().GetResult());
                }
            }
        }

        [Test]
        public static void NoTextFormShowsASecret()
        {
            var configuration = Fixture.Configuration();
            configuration.Clients.Add(new Client("web") { Secret = "a-client-secret", RedirectUris = { "https://web.example.com/" } });
            configuration["keys"] = "{\"sealing\":\"" + new string('A', 43) + "\"}";
            using (var engine = new Engine(configuration, CallbackTests.Everything()))
            using (var pending = Fixture.Ask(engine))
            {
                var response = pending.Approve(new Login("alice"));
                var tokens = engine.Token(new App().Form(response.Location));
                var code = App.Parameter(response.Location, "code");
                var wrong = Expect.Throws<GrantletException>(() => engine.Verify(tokens.AccessToken.Replace(".", ".x"), App.Audience));
                Fixture.Refresh(engine, Fixture.Refresh(engine, tokens));
                var reused = Expect.Throws<GrantletException>(() => Fixture.Refresh(engine, tokens));
                var login = new Login("alice") { AccessTokenClaims = "{\"secret\":\"a-claim-value\"}" };
                var request = new EngineRequest("POST", "/oauth/token") { Headers = { { "Authorization", "Bearer " + tokens.AccessToken } } };
                var shown = new object[]
                {
                    configuration, configuration.Clients[1], configuration.Apis[0], engine, pending, pending.Request, response, response.Headers,
                    tokens, login, request, request.Headers, Fixture.Verify(engine, Fixture.SignIn(engine)), wrong, reused, engine.GetGrants(),
                    new Signer("{}", x => x), new EngineHost(),
                };
                var secrets = new[]
                {
                    "a-client-secret", new string('A', 43), tokens.AccessToken, tokens.RefreshToken, tokens.IdToken, code, "a-claim-value",
                    tokens.AccessToken.Substring(0, 20),
                };
                foreach (var one in shown)
                {
                    var text = one + (one is Exception e ? e.Message + e.Data.Count : "");
                    foreach (var secret in secrets)
                    {
                        Expect.That(!text.Contains(secret), one.GetType() + " hides its secrets");
                    }
                }
            }
        }
    }
}
